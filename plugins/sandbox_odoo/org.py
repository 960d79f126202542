"""What one database of Odoo holds, and the transactions that change it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox_odoo.fields import Row, naive
from sandbox_odoo.refusal import NO_MODEL, VALUE, Refused
from sandbox_odoo.rights import GROUPS
from sandbox_odoo.settings import Settings, Version

if TYPE_CHECKING:
    from sandbox_odoo.custom import ExternalIds
    from sandbox_odoo.model import Model

ROOT: Final = 1
ADMIN: Final = 2
CONNECTOR: Final = 3
"""The users that are there from the start; as the last one clients log in."""


def now() -> datetime:
    """Return the true time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Env:
    """In whose name something is done, and when its transaction began.

    With *su* everything is allowed, and what is derived or stamped may be given.
    """

    org: Org
    uid: int
    now: datetime
    context: Mapping[str, Any] = field(default_factory=dict)
    su: bool = False

    def __getitem__(self, model: str) -> Model:
        """Return a model; refuse one that isn't installed."""
        if model not in self.org.models:
            raise Refused(NO_MODEL, f"Object {model} doesn't exist")
        return self.org.models[model]

    def seeing_all(self) -> Env:
        """Return the same, to look up what the user's question is about."""
        return replace(self, su=True, context={**self.context, "active_test": False})

    def sudo(self) -> Env:
        """Return the same with all rights."""
        return replace(self, su=True)


class Org:
    """A database. One caller works in it at a time."""

    def __init__(
        self, version: Version, apps: tuple[str, ...], clock: Callable[[], datetime]
    ) -> None:
        self.version = version
        self.apps = apps
        self.clock = clock
        self.settings = Settings.of(version)
        self.models: dict[str, Model] = {}
        self.currency_id = 0
        self.denied: set[tuple[str, str]] = set()
        self._undo: list[Callable[[], object]] = []
        self._lock = threading.RLock()

    @property
    def major(self) -> int:
        """The number of the version."""
        return int(self.version.partition(".")[0])

    @contextmanager
    def transaction(
        self,
        uid: int,
        context: Mapping[str, Any] | None = None,
        *,
        su: bool = False,
        at: datetime | None = None,
    ) -> Iterator[Env]:
        """Keep what is done within, or nothing of it if it raises. All of it has one stamp."""
        with self._lock:
            self._undo = []
            try:
                yield Env(self, uid, naive(at or self.clock()), context or {}, su)
            except BaseException:
                for undo in reversed(self._undo):
                    undo()
                raise
            finally:
                self._undo = []

    def on_failure(self, undo: Callable[[], object]) -> None:
        """Remember what takes a change back."""
        self._undo.append(undo)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is done within if it raises, and go on with the transaction."""
        before, self._undo = self._undo, []
        try:
            yield
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            self._undo = []
            raise
        finally:
            self._undo = before + self._undo

    def groups_of(self, uid: int) -> frozenset[str]:
        """Return the external ids of the groups that a user is in."""
        row: Row = self.models["res.users"].rows.get(uid, {})
        names = dict(zip(self.group_ids, GROUPS, strict=True))
        return frozenset(names[one] for one in row.get(self.groups_field) or () if one in names)

    def xmlid(self, name: str) -> int:
        """Return the id of the record with an external id; refuse one that isn't there."""
        data: ExternalIds = self.models["ir.model.data"]  # type: ignore[assignment] # by its name
        if (row := data.named(name)) is None:
            raise Refused(VALUE, f"External ID not found in the system: {name}")
        return int(row["res_id"])

    def model_id(self, name: str) -> int:
        """Return the id of a model, as other records name it."""
        return next(iter(self.models["ir.model"].naming("model", name)))

    @property
    def group_ids(self) -> range:
        """The ids of our groups, in their order: they are the first that are made."""
        return range(1, len(GROUPS) + 1)

    @property
    def groups_field(self) -> str:
        """What the groups of a user are called."""
        return "group_ids" if self.major >= 19 else "groups_id"
