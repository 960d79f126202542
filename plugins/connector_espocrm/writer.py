"""Writes tiers and tasks, one record a request: API users have no call for many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from connector import (
    AccessError,
    Applied,
    CloseTask,
    ConfigError,
    Conflict,
    Current,
    PutTask,
    RateLimited,
    Rejected,
    RemoteError,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Transient,
    Unchanged,
)
from connector.http import outcome_of
from connector_espocrm.advice import Denied
from connector_espocrm.connection import Espo
from connector_espocrm.search import among, is_name, portions
from connector_espocrm.source import user_of
from connector_espocrm.tasks import Tasks, lost
from connector_espocrm.values import as_json, equal, fit, held_value, not_offered

if TYPE_CHECKING:
    import httpx

    from connector import Change, WriteOutcome
    from connector_espocrm.search import Record
    from connector_espocrm.settings import EspoSettings

_IN_VAIN: Final = 3
"""Requests in a row without a good answer, after which the rest of a batch is not sent."""
_NOT_SENT: Final = "not sent: EspoCRM does not answer as it should"


class EspoWriter:
    """An EspoCRM as a target."""

    def __init__(
        self, settings: EspoSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._espo = Espo(settings, transport=transport)
        self._writing = settings.writing
        self._tasks = Tasks(self._espo, settings.writing)

    def check(self, fields: Sequence[str]) -> str:
        """Return where we write to; each field must be there, as EspoCRM drops what it lacks."""
        espo = self._espo
        defined = espo.fields("Account")
        for name in fields:
            if not is_name(name):
                raise ConfigError(f"espocrm: {name!r} is no name of a field; correct the job")
        if defined is None:
            said = self._seen(fields)
        else:
            said = ""
            for name in fields:
                self._expect(name, defined)
        tasks = self._tasks.check()
        espo.list("Task", ["id"], size=1)
        return f"{espo.site} as {user_of(espo)}: accounts{said}, {tasks}"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return what EspoCRM holds of *accounts*, and our tasks beside them."""
        held = self._accounts(accounts, fields)
        rows = [{"id": account, **values} for account, values in held.items()]
        return Current(rows, self._tasks.held(held))

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield one outcome a change: accounts first, then the tasks beside them."""
        ours = []
        for change in changes:
            if change.ref.stream is Stream.ACCOUNTS:
                ours.append(change)
                continue
            words = f"only accounts are written, not {change.ref.stream}"
            yield Rejected(change.marker, "unsupported", words)
        sending = _Sending()
        yield from self._set([change for change in ours if isinstance(change, SetFields)], sending)
        yield from self._put([change for change in ours if isinstance(change, PutTask)], sending)
        closing = [change for change in ours if isinstance(change, CloseTask)]
        yield from self._close(closing, sending)

    def close(self) -> None:
        """Let go of the connections."""
        self._espo.close()

    def _expect(self, name: str, defined: Mapping[str, Mapping[str, Any]]) -> None:
        field = defined.get(name)
        if field is None:
            raise ConfigError(
                f"{self._espo.site}: accounts show no field {name!r}; make it with 'connector"
                " provision', or correct target.fields: EspoCRM drops such a value without a word"
            )
        if field.get("readOnly") or field.get("disabled"):
            raise AccessError(
                f"{self._espo.site}: {name!r} of accounts may not be written: Administration >"
                f" Entity Manager > Account > Fields > {name}: untick Read-only and Disabled"
            )

    def _seen(self, fields: Sequence[str]) -> str:
        """Look at an account, as we may not know the definitions of fields."""
        for record in self._espo.list("Account", ["id", *fields], size=1):
            for name in fields:
                if name not in record:
                    self._expect(name, {})
            return ""
        return " (whether their fields exist is not told, and there is no account to see it by)"

    def _accounts(
        self, accounts: Sequence[str], fields: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Return the values of *fields* by account, for those that there are."""
        defined = self._espo.fields("Account") or {}
        held = {}
        for portion in portions(accounts, self._espo.settings.page_size):
            asked = frozenset(portion)
            for record in self._espo.list("Account", ["id", *fields], [among("id", portion)]):
                if record.get("id") not in asked:
                    # Others may be missing for it: they would be taken for deleted.
                    raise self._espo.ignored("Account", "id")
                values = {n: held_value(record.get(n), defined.get(n, {})) for n in fields}
                held[str(record["id"])] = values
        return held

    def _set(self, changes: Sequence[SetFields], sending: _Sending) -> Iterator[WriteOutcome]:
        if not changes:
            return
        defined = self._espo.fields("Account") or {}
        names = list(dict.fromkeys(name for change in changes for name in change.values))
        held = self._accounts([change.ref.id for change in changes], names)
        for change in sorted(changes, key=lambda change: change.ref.id):
            wanted = {n: fit(v, defined.get(n, {})) for n, v in change.values.items()}
            outcome = self._beforehand(change, wanted, held.get(change.ref.id), defined)
            if outcome is not None:
                yield outcome
                continue
            now = held[change.ref.id]
            values = {n: as_json(v) for n, v in wanted.items() if not equal(now[n], v)}
            yield sending.one(change, self._updated(change, values))

    def _beforehand(
        self,
        change: SetFields,
        wanted: Mapping[str, Scalar],
        now: Mapping[str, Any] | None,
        defined: Mapping[str, Mapping[str, Any]],
    ) -> WriteOutcome | None:
        """Return what becomes of a change of an account that holds *now*; None: it is to be sent.

        Every request stamps an account anew, so nothing is sent that it holds already.
        """
        if now is None:
            words = f"EspoCRM shows no account {change.ref.id!r}"
            return Rejected(change.marker, "not_found", words)
        differing = [name for name, value in wanted.items() if not equal(now[name], value)]
        if not differing:
            return Unchanged(change.marker)
        if self._writing.conflicts and any(
            not equal(now[name], change.old.get(name)) for name in differing
        ):
            return Conflict(change.marker, {name: now[name] for name in wanted})
        for name in differing:
            if offered := not_offered(wanted[name], defined.get(name, {})):
                words = (
                    f"{name} offers {', '.join(offered)}, not {wanted[name]!r}; 'connector"
                    " provision' adds what is missing"
                )
                return Rejected(change.marker, "not_offered", words)
        return None

    def _updated(
        self, change: SetFields, values: Mapping[str, object]
    ) -> Callable[[], WriteOutcome]:
        def send() -> WriteOutcome:
            record = self._espo.update("Account", change.ref.id, values)
            for name in values:
                if name not in record:
                    self._expect(name, {})
            if missing := lost(record, values):
                return Rejected(change.marker, "not_stored", _not_stored(missing[0]))
            return Applied(change.marker, change.ref.id)

        return send

    def _put(self, changes: Sequence[PutTask], sending: _Sending) -> Iterator[WriteOutcome]:
        if not changes:
            return
        held = self._tasks.by_marker(changes)
        create = []
        for change in sorted(changes, key=lambda change: change.ref.id):
            task = held.get(change.marker)
            if task is None:
                create.append(change)
                continue
            values = self._tasks.updated(change, task) if task.status == "open" else {}
            if not values:
                yield Unchanged(change.marker)
            else:
                yield sending.one(change, self._task_updated(change.marker, task.id, values))
        if create:
            owners = self._owners(create)
            for change in create:
                yield sending.one(change, self._created(change, owners.get(change.ref.id)))

    def _close(self, changes: Sequence[CloseTask], sending: _Sending) -> Iterator[WriteOutcome]:
        if not changes:
            return
        held = self._tasks.by_marker(changes)
        for change in sorted(changes, key=lambda change: change.ref.id):
            task = held.get(change.marker)
            if task is None:
                words = f"the account has no task {change.marker!r}"
                yield Rejected(change.marker, "not_found", words)
            elif task.status != "open":
                yield Unchanged(change.marker)
            else:
                values = self._tasks.closed(change, task)
                yield sending.one(change, self._task_updated(change.marker, task.id, values))

    def _task_updated(
        self, marker: str, task: str, values: Mapping[str, object]
    ) -> Callable[[], WriteOutcome]:
        def send() -> WriteOutcome:
            self._expect_marked(self._espo.update("Task", task, values), marker)
            return Applied(marker, task)

        return send

    def _created(self, change: PutTask, account_owner: str | None) -> Callable[[], WriteOutcome]:
        """Return what creates a task, for the first owner whom EspoCRM takes.

        An API user may create no task that nobody owns.
        """

        def send() -> WriteOutcome:
            asked = (change.owner, self._writing.fallback_owner, account_owner)
            owners: list[str | None] = [*dict.fromkeys(one for one in asked if one)] or [None]
            for owner in owners[:-1]:
                try:
                    return self._new(change, owner)
                except Denied:
                    continue  # the owner, as likely as not: the account was just read
            return self._new(change, owners[-1])

        return send

    def _new(self, change: PutTask, owner: str | None) -> WriteOutcome:
        record = self._espo.create("Task", self._tasks.created(change, owner))
        self._expect_marked(record, change.marker)
        return Applied(change.marker, str(record["id"]))

    def _expect_marked(self, record: Record, marker: str) -> None:
        """Put the marker into the description where the field for it did not take it.

        The role may not set that field, and EspoCRM drops the marker without a word: unmarked, the
        task would be made again and again.
        """
        task = self._tasks.task_of(record)
        if task is None or task.marker != marker:
            self._tasks.by_field = False
            signed = self._tasks.signed(str(record.get("description") or ""), marker)
            self._espo.update("Task", str(record["id"]), {"description": signed})

    def _owners(self, changes: Sequence[PutTask]) -> Mapping[str, str]:
        """Return who owns the accounts of *changes*: the last to whom a task may go."""
        held = self._accounts([change.ref.id for change in changes], ["assignedUserId"])
        owners = {account: values["assignedUserId"] for account, values in held.items()}
        return {account: str(owner) for account, owner in owners.items() if owner}


class _Sending:
    """The requests of one batch: when too many in a row are in vain, the rest stays unsent."""

    def __init__(self) -> None:
        self._in_vain = 0
        self._pause: float | None = None

    def one(self, change: Change, send: Callable[[], WriteOutcome]) -> WriteOutcome:
        """Return what became of a change that *send* sends."""
        if self._in_vain >= _IN_VAIN:
            return Retry(
                change.marker, self._pause, "not sent: EspoCRM does not answer as it should"
            )
        try:
            outcome = send()
        except Transient as error:
            # One that asks to slow down means all of them.
            self._in_vain += _IN_VAIN if isinstance(error, RateLimited) else 1
            self._pause = error.retry_after
            return outcome_of(change.marker, error)
        except RemoteError as error:
            self._in_vain = 0
            return outcome_of(change.marker, error)
        self._in_vain = 0
        return outcome


def _not_stored(name: str) -> str:
    return (
        f"EspoCRM took {name} and kept what it was; let the role edit it (Administration > Roles >"
        " the role > Field Level), and see that no formula sets it"
    )
