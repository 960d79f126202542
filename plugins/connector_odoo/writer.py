"""Writes tiers and tasks: values that many partners share in one call, others by `load`."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from connector import (
    AccessError,
    CloseTask,
    ConfigError,
    Conflict,
    Current,
    PutTask,
    Refused,
    Rejected,
    Scalar,
    SetFields,
    Stream,
    Transient,
    Unchanged,
)
from connector_odoo import memory
from connector_odoo.connection import Odoo
from connector_odoo.held import PARTNER, key_of, partners
from connector_odoo.loading import load
from connector_odoo.sending import Sending
from connector_odoo.tasks import ACTIVITY, Tasks, owners_of
from connector_odoo.values import as_cell, as_json, equal, fit

if TYPE_CHECKING:
    import httpx

    from connector import Change, HeldTask, WriteOutcome
    from connector_odoo.connection import Record
    from connector_odoo.settings import OdooSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")

_WRITTEN: Final = 2_000
"""Partners that one `write` gives the same values."""
_LOADED: Final = 500
"""Rows of one `load`: it is slow, and a call should not take minutes."""
_FEW: Final = 8
_WORTH: Final = 50
"""Partners that share their values from which they get a call of their own, of many groups."""


class OdooWriter:
    """An Odoo as a target."""

    def __init__(
        self, settings: OdooSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._odoo = Odoo(settings, transport=transport)
        self._writing = settings.writing
        self._tasks = Tasks(self._odoo, settings.writing)

    def check(self, fields: Sequence[str]) -> str:
        """Return where we write to; each field must be there, shown to us and ours to change."""
        host, user = self._odoo.host, self._odoo.user()
        held = self._odoo.needed(PARTNER, "Contacts")
        for name in dict.fromkeys(fields):
            if name not in held:
                raise ConfigError(
                    f"{host}: partners have no field {name!r} that this user may see; create it"
                    " with 'connector provision'"
                )
        # What Odoo says to somebody who may not write; our sheet of facts is silent about it.
        if fields and all(held[name].get("readonly") for name in (*fields, "name")):
            raise AccessError(
                f"{host}: {user} may not change partners; give the user the right Contact Creation"
                " (Settings > Users > the user > Access Rights)"
            )
        return f"{host} as {user}: partners, {self._said_of_tasks()}"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return what Odoo holds of *accounts*, and our tasks beside them."""
        held = self._partners(accounts, fields)
        rows = [{"id": one, **{n: held[one].get(n) for n in fields}} for one in held]
        return Current(rows, self._tasks.held(held))

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield one outcome a change; raise Refused at the end for what Odoo took none of."""
        ours = []
        for change in changes:
            if change.ref.stream is Stream.ACCOUNTS:
                ours.append(change)
                continue
            words = f"only accounts are written, not {change.ref.stream}"
            yield Rejected(change.marker, "unsupported", words)
        sending = Sending()
        sorted_ = sorted(ours, key=lambda change: (key_of(change.ref.id) or 0, change.marker))
        yield from self._set([c for c in sorted_ if isinstance(c, SetFields)], sending)
        yield from self._put([c for c in sorted_ if isinstance(c, PutTask)], sending)
        yield from self._close([c for c in sorted_ if isinstance(c, CloseTask)], sending)
        sending.end()

    def close(self) -> None:
        """Let go of the connections."""
        self._odoo.close()

    def _said_of_tasks(self) -> str:
        self._tasks.numbers()  # raises where the job names a type that is not there
        known = self._tasks.marker_field or "the last line of their note"
        said = f"activities known by {known}"
        if self._tasks.memory_field is None:
            said += (
                f"; without a field {self._writing.memory_field!r} of partners a task that somebody"
                " has done may come back where Odoo deletes it: 'connector provision' makes it"
            )
        return said

    def _partners(self, accounts: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        remembering = [self._tasks.memory_field] if self._tasks.memory_field else []
        return partners(self._odoo, accounts, [*fields, *remembering])

    def _set(self, changes: Sequence[SetFields], sending: Sending) -> Iterator[WriteOutcome]:
        if not changes:
            return
        fields = self._odoo.needed(PARTNER, "Contacts")
        wanted = [
            replace(c, values={n: fit(v, fields.get(n, {})) for n, v in c.values.items()})
            for c in changes
        ]
        if self._writing.conflicts:
            judged = self._judged(wanted, fields)
            yield from judged.values()
            wanted = [change for change in wanted if change.marker not in judged]
        groups: dict[tuple[tuple[str, Scalar], ...], list[SetFields]] = defaultdict(list)
        for change in wanted:
            groups[tuple(sorted(change.values.items()))].append(change)
        rows: dict[tuple[str, ...], list[SetFields]] = defaultdict(list)
        for values, group in groups.items():
            if len(groups) > _FEW and len(group) < _WORTH:
                rows[tuple(name for name, _ in values)] += group
                continue
            for some in _parts(group, _WRITTEN):
                yield from self._written(some, sending)
        for names, group in rows.items():
            for some in _parts(group, _LOADED):
                yield from self._loaded(names, some, sending)

    def _written(self, group: Sequence[SetFields], sending: Sending) -> Iterator[WriteOutcome]:
        values = {name: as_json(value) for name, value in group[0].values.items()}

        def call() -> None:
            ids = [int(change.ref.id) for change in group]
            self._odoo.call(PARTNER, "write", ids, context=self._writing.context, vals=values)

        return sending.outcomes(group, call)

    def _loaded(
        self, names: Sequence[str], group: Sequence[SetFields], sending: Sending
    ) -> Iterator[WriteOutcome]:
        def call() -> None:
            rows = [[c.ref.id, *(as_cell(c.values[name]) for name in names)] for c in group]
            load(self._odoo, PARTNER, [".id", *names], rows, self._writing.context)

        return sending.outcomes(group, call)

    def _judged(
        self, changes: Sequence[SetFields], fields: Mapping[str, Record]
    ) -> dict[str, WriteOutcome]:
        """Return the outcomes of what need not or must not be sent, as Odoo holds it now."""
        names = list(dict.fromkeys(name for change in changes for name in change.values))
        held = partners(self._odoo, [change.ref.id for change in changes], names)
        found: dict[str, WriteOutcome] = {}
        for change in changes:
            now = held.get(change.ref.id)
            if now is None:
                found[change.marker] = _missing(change)
            elif set(change.values) <= now.keys():  # else Odoo itself shall say what is missing
                outcome = _outcome_beforehand(change, now, fields)
                if outcome is not None:
                    found[change.marker] = outcome
        return found

    def _put(self, changes: Sequence[PutTask], sending: Sending) -> Iterator[WriteOutcome]:
        if not changes:
            return
        accounts = self._partners([change.ref.id for change in changes], ["user_id"])
        held = self._tasks.by_marker(changes, accounts)
        create: list[PutTask] = []
        update: list[tuple[PutTask, list[str]]] = []
        for change in changes:
            task = held.get(change.marker)
            if change.ref.id not in accounts:
                yield _missing(change)
            elif task is None and change.task_id is None:
                create.append(change)
            elif task is None or task.status != "open":
                # One that we have made and that is no longer there, somebody has dealt with.
                yield Unchanged(change.marker)
            elif (row := self._tasks.changed_row(change, task)) is None:
                yield Unchanged(change.marker)
            else:
                update.append((change, row))
        for some in _parts(update, _LOADED):
            yield from self._updated(some, sending)
        yield from self._created(create, accounts, sending)

    def _updated(
        self, some: Sequence[tuple[PutTask, list[str]]], sending: Sending
    ) -> Iterator[WriteOutcome]:
        def call() -> Sequence[Any]:
            columns, rows = self._tasks.changed_columns(), [row for _, row in some]
            return load(self._odoo, ACTIVITY, columns, rows, self._writing.context)

        return sending.outcomes([change for change, _ in some], call)

    def _created(
        self, changes: Sequence[PutTask], accounts: Mapping[str, Record], sending: Sending
    ) -> Iterator[WriteOutcome]:
        if not changes:
            return
        owners = self._owners(changes, accounts)
        left = list(changes)
        while left:
            # Without the numbers that rows need, tasks are made one by one until one tells them.
            numbers = self._tasks.numbers()
            some, left = _first(left, _LOADED if numbers else 1)
            made: dict[str, str] = {}
            yield from sending.outcomes(some, partial(self._made, some, owners, numbers, made))
            self._remember(some, accounts, made)

    def _made(
        self,
        changes: Sequence[PutTask],
        owners: Mapping[str, int | None],
        numbers: tuple[int, int] | None,
        made: dict[str, str],
    ) -> Sequence[str]:
        """Make the tasks and return their ids, which are put into *made*, too."""
        if numbers is None:
            made |= {c.marker: self._tasks.schedule(c, owners[c.marker]) for c in changes}
        else:
            rows = [self._tasks.new_row(c, owners[c.marker], numbers) for c in changes]
            columns = self._tasks.new_columns()
            ids = load(self._odoo, ACTIVITY, columns, rows, self._writing.context)
            made |= {c.marker: str(id_) for c, id_ in zip(changes, ids, strict=True)}
        return [made[change.marker] for change in changes]

    def _owners(
        self, changes: Sequence[PutTask], accounts: Mapping[str, Record]
    ) -> dict[str, int | None]:
        """Return who gets each task: the first that is active of those who might.

        Nobody sees a task that belongs to the login of a connector: then it is nobody's.
        """
        candidates = {
            change.marker: [
                key_of(change.owner or ""),
                self._writing.fallback_user,
                accounts[change.ref.id].get("user_id"),
            ]
            for change in changes
        }
        asked = {int(user) for users in candidates.values() for user in users if user}
        active = set(owners_of(self._odoo, asked))
        return {
            marker: next((user for user in users if user in active), None)
            for marker, users in candidates.items()
        }

    def _remember(
        self,
        changes: Sequence[PutTask],
        accounts: Mapping[str, Record],
        made: Mapping[str, str],
    ) -> None:
        """Note on their partners the tasks that were made; `memory` says what for."""
        name = self._tasks.memory_field
        new: dict[str, list[memory.Remembered]] = defaultdict(list)
        for one in changes:
            if one.marker in made:
                task = memory.Remembered(one.marker, made[one.marker], one.created_on, one.due)
                new[one.ref.id].append(task)
        if name is None or not new:
            return
        rows = [[key, memory.with_more(accounts[key].get(name), new[key])] for key in new]
        try:
            load(self._odoo, PARTNER, [".id", name], rows, self._writing.context)
        except (AccessError, Refused, Transient) as error:
            # The tasks are there, and that is what counts.
            logger.warning("%s; %d tasks are not remembered", error, len(made))

    def _close(self, changes: Sequence[CloseTask], sending: Sending) -> Iterator[WriteOutcome]:
        if not changes:
            return
        accounts = self._partners([change.ref.id for change in changes], [])
        held = self._tasks.by_marker(changes, accounts)
        by_reason: dict[str, list[tuple[CloseTask, HeldTask]]] = defaultdict(list)
        for change in changes:
            task = held.get(change.marker)
            if task is None:
                words = f"the partner has no task {change.marker!r}"
                yield Rejected(change.marker, "not_found", words)
            elif task.status != "open":
                yield Unchanged(change.marker)
            else:
                by_reason[change.reason].append((change, task))
        for reason, group in by_reason.items():
            for some in _parts(group, _LOADED):
                yield from self._closed(reason, some, sending)

    def _closed(
        self, reason: str, some: Sequence[tuple[CloseTask, HeldTask]], sending: Sending
    ) -> Iterator[WriteOutcome]:
        def call() -> Sequence[str]:
            ids = [int(task.id) for _, task in some]
            context = self._writing.context
            self._odoo.call(ACTIVITY, "action_feedback", ids, context=context, feedback=reason)
            return [task.id for _, task in some]

        return sending.outcomes([change for change, _ in some], call)


def _outcome_beforehand(
    change: SetFields, now: Mapping[str, Any], fields: Mapping[str, Record]
) -> Unchanged | Conflict | None:
    """Return what becomes of a change of a partner that holds *now*; None if it is to be sent."""

    def is_same(name: str, value: object) -> bool:
        return equal(now[name], value, str(fields[name].get("type")))

    differing = [name for name, value in change.values.items() if not is_same(name, value)]
    if not differing:
        return Unchanged(change.marker)
    if any(not is_same(name, change.old.get(name)) for name in differing):
        held: Mapping[str, Scalar] = {name: now[name] for name in change.values}
        return Conflict(change.marker, held)
    return None


def _missing(change: Change) -> Rejected:
    return Rejected(change.marker, "not_found", f"there is no partner {change.ref.id}")


def _first(items: list[T], size: int) -> tuple[list[T], list[T]]:
    return items[:size], items[size:]


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
