"""A database of Tryton as a target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connector import (
    Change,
    CloseTask,
    Conflict,
    Current,
    PutTask,
    Ref,
    Refused,
    Rejected,
    Retry,
    SetFields,
    Stream,
    Unchanged,
    WriteOutcome,
)
from connector.http import outcome_of
from connector_tryton.accounts import Accounts
from connector_tryton.delivery import Row, delivered
from connector_tryton.models import PARTY, WORK
from connector_tryton.refusal import Changed
from connector_tryton.server import Tryton
from connector_tryton.tasks import Tasks

if TYPE_CHECKING:
    import httpx

    from connector_tryton.settings import TrytonSettings


class TrytonWriter:
    """Writes parties and tasks; all of a kind go out in one call."""

    def __init__(
        self, settings: TrytonSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._tryton = Tryton(settings, transport=transport)
        self._accounts = Accounts(self._tryton, settings.categories)
        self._tasks = Tasks(self._tryton, settings)

    def check(self, fields: Sequence[str]) -> str:
        """Return where we write to, once all that is needed was found to be there."""
        self._tryton.may(PARTY, module="party", rights=("read", "write"))
        self._accounts.expect(fields)
        if self._settings.tasks:
            self._tryton.may(WORK, module="project", rights=("read", "write", "create"))
            _ = self._tasks.statuses
        kept = "parties, and tasks of the module project" if self._settings.tasks else "parties"
        company = self._tryton.company[1]
        return f"{self._tryton.name} as {self._settings.user}, company {company}: {kept}"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return what *accounts* hold, archived ones too, and our tasks for them."""
        self._accounts.expect(fields)
        records = self._accounts.read(accounts, fields)
        rows = [
            {"id": account, **self._accounts.held(record, fields)}
            for account, record in records.items()
        ]
        return Current(rows, self._tasks.held(accounts) if self._settings.tasks else ())

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield one outcome a change."""
        yield from self._set([change for change in changes if isinstance(change, SetFields)])
        tasks = [change for change in changes if isinstance(change, (PutTask, CloseTask))]
        yield from self._deal_with(tasks)

    def close(self) -> None:
        """Let go of the connections."""
        self._tryton.close()

    def _set(self, changes: Sequence[SetFields]) -> Iterator[WriteOutcome]:
        names = list(dict.fromkeys(name for change in changes for name in change.values))
        self._accounts.expect(names)
        records = self._accounts.read([change.ref.id for change in changes], names)
        sent: dict[str, SetFields] = {}
        rows = []
        for change in changes:
            record = records.get(change.ref.id)
            outcome = self._judged(change, record)
            if outcome is not None or record is None:
                yield outcome or _missing(change)
                continue
            sent[change.marker] = change
            values = self._accounts.change(record, self._accounts.meant(change.values))
            rows.append(Row(change.marker, values, int(record["id"]), record["_timestamp"]))
        yield from delivered(
            rows, self._write_parties, lambda row, error: self._refused(sent[row.marker], error)
        )

    def _judged(self, change: SetFields, record: Mapping[str, Any] | None) -> WriteOutcome | None:
        """Return what becomes of a change without sending it; None if it is to be sent."""
        if record is None or change.ref.stream is not Stream.ACCOUNTS:
            return _missing(change)
        wanted = self._accounts.meant(change.values)
        held = self._accounts.held(record, list(wanted))
        differing = [name for name, value in wanted.items() if held[name] != value]
        if not differing:
            return Unchanged(change.marker)
        old = self._accounts.meant({name: change.old.get(name) for name in differing})
        if any(held[name] != old[name] for name in differing):
            return Conflict(change.marker, held)
        if problem := self._accounts.unknown(wanted):
            return Rejected(change.marker, "no_category", problem)
        return None

    def _refused(self, change: SetFields, error: Refused) -> WriteOutcome:
        """Return what a refusal means; one that comes of an edit is looked at again."""
        if not isinstance(error, Changed):
            return outcome_of(change.marker, error)
        record = self._accounts.read([change.ref.id], list(change.values)).get(change.ref.id)
        # Something else was edited: it can be written the next time.
        return self._judged(change, record) or Retry(change.marker, None, error.words)

    def _deal_with(self, changes: Sequence[PutTask | CloseTask]) -> Iterator[WriteOutcome]:
        if not changes:
            return
        if not self._settings.tasks:
            words = "settings.tasks is false: no tasks are written"
            yield from [Rejected(change.marker, "unsupported", words) for change in changes]
            return
        # Those too that the host takes for new: the answer that told of them may have been lost.
        held = self._tasks.by_marker(changes)
        known = self._known([change for change in changes if change.marker not in held])
        owners = [change.owner for change in changes if isinstance(change, PutTask)]
        self._tasks.learn_names([*owners, *(task.owner for task in held.values())])
        new, edited = [], []
        for change in changes:
            task = held.get(change.marker)
            if task is None and isinstance(change, PutTask) and change.ref in known:
                new.append(Row(change.marker, self._tasks.created(change)))
            elif task is None:
                yield _missing(change)
            elif values := self._tasks.edit(change, task):
                edited.append(Row(change.marker, values, int(task.id)))
            else:
                yield Unchanged(change.marker)
        yield from delivered(new, self._create_tasks, _refused_task)
        yield from delivered(edited, self._write_tasks, _refused_task)

    def _known(self, changes: Sequence[PutTask | CloseTask]) -> set[Ref]:
        """Return what of the records that new tasks hang on exists: SQLite does not look."""
        refs = {change.ref for change in changes if change.ref.stream is Stream.ACCOUNTS}
        found = self._accounts.read([ref.id for ref in refs], ())
        return {ref for ref in refs if ref.id in found}

    def _write_parties(self, rows: Sequence[Row]) -> Sequence[int]:
        stamps = {f"{PARTY},{row.id}": row.stamp for row in rows}
        return self._write(PARTY, rows, {**self._tryton.context, "_timestamp": stamps})

    def _write_tasks(self, rows: Sequence[Row]) -> Sequence[int]:
        return self._write(WORK, rows, self._tryton.context)

    def _create_tasks(self, rows: Sequence[Row]) -> Sequence[int]:
        made: list[int] = self._tryton.call(WORK, "create", [row.values for row in rows])
        return made

    def _write(
        self, model: str, rows: Sequence[Row], context: Mapping[str, object]
    ) -> Sequence[int]:
        """Write *rows* in one call, those of the same values together."""
        alike: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            alike[repr(row.values)].append(row)
        asked = [part for some in alike.values() for part in ([r.id for r in some], some[0].values)]
        self._tryton.call(model, "write", *asked, context=context)
        return [row.id for row in rows if row.id is not None]


def _refused_task(row: Row, error: Refused) -> WriteOutcome:
    return outcome_of(row.marker, error)


def _missing(change: Change) -> Rejected:
    if change.ref.stream is not Stream.ACCOUNTS:
        words = f"parties are accounts; there are no {change.ref.stream} to write to"
        return Rejected(change.marker, "unsupported", words)
    what = "task" if isinstance(change, CloseTask) else "party"
    return Rejected(change.marker, "not_found", f"there is no {what} for {change.marker!r}")
