"""A CRM in memory: a source and a writer with the faults that real ones have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connector.contract import (
    Adapter,
    Applied,
    Capabilities,
    Change,
    CloseTask,
    Conflict,
    Current,
    ExchangeRate,
    FieldSpec,
    HeldTask,
    Page,
    ProvisionStep,
    PutTask,
    Rejected,
    Retry,
    Scalar,
    SetFields,
    Unchanged,
    Unknown,
    WriteOutcome,
)
from connector.errors import AuthError, ConfigError, Refused, Unavailable
from connector.model import FIELDS, Stream
from connector.testing.suite import NO_SUCH_FIELD, same

if TYPE_CHECKING:
    from connector.contract import Provisioner, Source, Writer

_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


class FakeSettings(BaseModel):
    """What a job says about the fake CRM."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr("fake-token"), description="never shown by anything")


class FakeCRM:
    """A CRM in memory that adapters of one process read and write.

    *rows* are what it holds at first, by stream, under our own field names. Its clock stands still
    until `tick`, and counts whole seconds. *scan* makes it read in full, without changed-since and
    without a feed of deletions. Fields in *lacks* don't exist until they are made. Every call that
    reached it is in *writes*, as the changes it brought. It has one currency until it is given
    *rates*.
    """

    def __init__(
        self,
        *,
        page_size: int = 100,
        scan: bool = False,
        lacks: Sequence[str] = (NO_SUCH_FIELD,),
        **rows: Sequence[Mapping[str, object]],
    ) -> None:
        self.page_size = page_size
        self.scan = scan
        self.lacks = frozenset(lacks)
        self.now = 0
        self.writes: list[tuple[Change, ...]] = []
        self.tasks: list[HeldTask] = []
        self.rates: Sequence[ExchangeRate] = ()
        self.rows: dict[Stream, dict[str, dict[str, object]]] = {stream: {} for stream in Stream}
        self.stamps: dict[Stream, dict[str, int]] = {stream: {} for stream in Stream}
        self.deletions: list[tuple[Stream, str]] = []
        self.scans = count(1)
        self.task_ids = count(1)
        self.logins_refused = False
        self.network_cut = False
        self.answers_to_lose = 0
        self.pages_left: int | None = None
        self.writes_to_delay = 0
        self.refusals: dict[str, str] = {}
        self.poison: frozenset[str] = frozenset()
        self.provisioning_refused = False
        for stream, held in rows.items():
            self.put(Stream(stream), held)

    def adapter(
        self, name: str = "fake", *, capabilities: Capabilities | None = None
    ) -> Adapter[FakeSettings]:
        """Return an adapter whose sources and writers all talk to this CRM."""
        return Adapter(
            name=name,
            settings=FakeSettings,
            fields={stream: {name: name for name in FIELDS[stream]} for stream in Stream},
            source=self._source,
            writer=self._writer,
            provisioner=self._provisioner,
            capabilities=capabilities or Capabilities(),
            about="a CRM in memory, for tests",
        )

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        """Create records or change those that exist, stamped with the CRM's clock."""
        for row in rows:
            record = self.rows[stream].setdefault(str(row["id"]), {})
            record.update({"modified_at": self.time, **row})
            self.stamps[stream][str(row["id"])] = self.now

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        """Delete records; the feed tells of them unless the CRM is read by scans."""
        for key in ids:
            del self.rows[stream][key]
            del self.stamps[stream][key]
            self.deletions.append((stream, key))

    def tick(self, seconds: int = 1) -> None:
        """Let time pass in the CRM."""
        self.now += seconds

    @property
    def time(self) -> datetime:
        """The CRM's clock."""
        return _EPOCH + timedelta(seconds=self.now)

    def fields_of(self, account: str) -> dict[str, object]:
        """Return what the CRM holds of an account."""
        return dict(self.rows[Stream.ACCOUNTS][account])

    def task(self, marker: str) -> HeldTask:
        """Return the one task *marker*; raise `ValueError` if there are none or several."""
        (task,) = (task for task in self.tasks if task.marker == marker)
        return task

    def task_count(self, marker: str) -> int:
        """Return how many tasks have this marker: more than one must never be."""
        return sum(task.marker == marker for task in self.tasks)

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        """Do or reject a task, as a rep would."""
        self.tasks = [
            replace(task, status=status, closed_on=self.time.date())
            if task.marker == marker
            else task
            for task in self.tasks
        ]

    def schema(self) -> object:
        """Return what tells whether a field was made."""
        return self.lacks

    def refuse_provisioning(self) -> None:
        """Take away the right to make fields."""
        self.provisioning_refused = True

    def refuse_logins(self) -> None:
        """Stop accepting the credentials."""
        self.logins_refused = True

    def cut_network(self) -> None:
        """Become unreachable; `restore` ends it."""
        self.network_cut = True

    def fail_after_pages(self, pages: int) -> None:
        """Break off after *pages* more pages, once."""
        self.pages_left = pages

    def refuse(self, account: str, message: str = "Validation failed: locked by a rule") -> None:
        """Refuse every change to an account and its tasks."""
        self.refusals[account] = message

    def refuse_batches_with(self, *accounts: str) -> None:
        """Do nothing of a call that brings a change to one of *accounts*, as some CRMs do."""
        self.poison = frozenset(accounts)

    def lose_answer(self, times: int = 1) -> None:
        """Carry out the next *times* write calls but give no answer."""
        self.answers_to_lose = times

    def delay_writes(self, times: int = 1) -> None:
        """Answer the next *times* write calls with: not now."""
        self.writes_to_delay = times

    def restore(self) -> None:
        """End every fault."""
        self.logins_refused = self.network_cut = self.provisioning_refused = False
        self.answers_to_lose = self.writes_to_delay = 0
        self.pages_left = None
        self.refusals.clear()
        self.poison = frozenset()

    def reach(self) -> None:
        """Raise as the CRM would if it can't be used now."""
        if self.network_cut:
            raise Unavailable("fake: no connection")
        if self.logins_refused:
            raise AuthError("fake: the token is not accepted; ask for a new one")

    def turn_page(self) -> None:
        """Raise if the fault of `fail_after_pages` is due."""
        if self.pages_left == 0:
            self.pages_left = None
            raise Unavailable("fake: the connection broke")
        if self.pages_left is not None:
            self.pages_left -= 1

    def _source(self, settings: FakeSettings) -> Source:
        return _FakeSource(self)

    def _writer(self, settings: FakeSettings) -> Writer:
        return _FakeWriter(self)

    def _provisioner(self, settings: FakeSettings) -> Provisioner:
        return _FakeProvisioner(self)


class _FakeSource:
    def __init__(self, crm: FakeCRM) -> None:
        self.crm = crm

    def check(self) -> str:
        self.crm.reach()
        return "the fake CRM"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        self.crm.reach()
        state = json.loads(cursor) if cursor else {}
        pages = self._scan(stream, state) if self.crm.scan else self._increment(stream, state)
        for page in pages:
            self.crm.turn_page()
            yield replace(page, rows=self._shown(stream, page.rows, fields))

    def rates(self) -> Sequence[ExchangeRate]:
        self.crm.reach()
        return self.crm.rates

    def close(self) -> None:
        pass

    def _shown(
        self, stream: Stream, rows: object, fields: Sequence[str]
    ) -> list[dict[str, object]]:
        known = {name for row in self.crm.rows[stream].values() for name in row} - self.crm.lacks
        assert isinstance(rows, list)
        return [{name: row.get(name) for name in fields if name in known} for row in rows]

    def _scan(self, stream: Stream, state: dict[str, str]) -> Iterator[Page]:
        scan = state.get("scan") or f"scan-{next(self.crm.scans)}"
        after = state.get("after", "")
        while True:
            rows = self.crm.rows[stream]
            left = sorted(key for key in rows if key > after)
            keys = left[: self.crm.page_size]
            after = keys[-1] if keys else after
            last = len(left) == len(keys)
            cursor = json.dumps({} if last else {"scan": scan, "after": after})
            yield Page([rows[key] for key in keys], cursor, scan=scan, total=len(rows))
            if last:
                return

    def _increment(self, stream: Stream, state: dict[str, int | list[object]]) -> Iterator[Page]:
        # What changes during the pull is read again by the next, which starts at this mark.
        mark = state.get("mark", max(self.crm.stamps[stream].values(), default=0))
        after = state.get("after", [state.get("since", 0), ""])
        told = state.get("told", 0)
        assert isinstance(after, list)
        assert isinstance(told, int)
        while True:
            stamps = self.crm.stamps[stream]
            left = sorted([stamp, key] for key, stamp in stamps.items() if [stamp, key] > after)
            deleted = [key for which, key in self.crm.deletions[told:] if which is stream]
            told = len(self.crm.deletions)
            if not left and not deleted:
                return
            found = left[: self.crm.page_size]
            after = list(found[-1]) if found else after
            last = len(left) == len(found)
            where = {"since": mark} if last else {"mark": mark, "after": after}
            rows = [self.crm.rows[stream][str(key)] for _, key in found]
            yield Page(rows, json.dumps({**where, "told": told}), deleted, total=len(stamps))
            if last:
                return


class _FakeWriter:
    def __init__(self, crm: FakeCRM) -> None:
        self.crm = crm

    def check(self, fields: Sequence[str]) -> str:
        self.crm.reach()
        if missing := [name for name in fields if name in self.crm.lacks]:
            raise ConfigError(f"fake: accounts have no field {missing[0]!r}; create it there")
        return "the fake CRM"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        self.crm.reach()
        held = self.crm.rows[Stream.ACCOUNTS]
        wanted = [key for key in accounts if key in held]
        rows = [{"id": key, **{name: held[key].get(name) for name in fields}} for key in wanted]
        return Current(rows, [task for task in self.crm.tasks if task.account in set(accounts)])

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        self.crm.reach()
        if not changes:
            return
        self.crm.writes.append(tuple(changes))
        if spoilt := [change.ref.id for change in changes if change.ref.id in self.crm.poison]:
            words = f"{spoilt[0]} is locked"
            raise Refused(f"fake: {words}", code="locked", words=words)
        if self.crm.writes_to_delay:
            self.crm.writes_to_delay -= 1
            yield from (Retry(change.marker, 1.0, "too many requests") for change in changes)
            return
        outcomes = [self._write(change) for change in changes]
        if self.crm.answers_to_lose:
            self.crm.answers_to_lose -= 1
            outcomes = [Unknown(change.marker, "the connection broke") for change in changes]
        yield from outcomes

    def close(self) -> None:
        pass

    def _write(self, change: Change) -> WriteOutcome:
        if change.ref.id in self.crm.refusals:
            return Rejected(change.marker, "refused", self.crm.refusals[change.ref.id])
        if change.ref.id not in self.crm.rows[change.ref.stream]:
            return Rejected(change.marker, "not_found", f"no record {change.ref.id!r}")
        if isinstance(change, SetFields):
            return self._set(change)
        if isinstance(change, PutTask):
            return self._put(change)
        return self._close(change)

    def _set(self, change: SetFields) -> WriteOutcome:
        held = self.crm.rows[change.ref.stream][change.ref.id]
        now: dict[str, Scalar] = {name: held.get(name) for name in change.values}  # type: ignore[misc]  # rows hold anything
        if all(same(now[name], value) for name, value in change.values.items()):
            return Unchanged(change.marker)
        for name, value in change.values.items():
            # What was held comes back as the text in which the host compared it.
            known = (_iso(value), _iso(change.old.get(name)))
            if not any(same(_iso(now[name]), one) for one in known):
                return Conflict(change.marker, now)
        self.crm.put(change.ref.stream, [{"id": change.ref.id, **change.values}])
        return Applied(change.marker, change.ref.id)

    def _put(self, change: PutTask) -> WriteOutcome:
        wanted = HeldTask(
            marker=change.marker,
            account=change.ref.id,
            status="open",
            id=change.task_id or "",
            subject=change.subject,
            body=change.body,
            owner=change.owner,
            due=change.due,
            priority=change.priority,
            created_on=change.created_on,
        )
        found = self._held(change.marker)
        if found is None:
            self.crm.tasks.append(replace(wanted, id=f"T{next(self.crm.task_ids)}"))
            return Applied(change.marker, self.crm.tasks[-1].id)
        task = self.crm.tasks[found]
        wanted = replace(wanted, id=task.id, created_on=task.created_on)
        if task.status != "open" or task == wanted:
            return Unchanged(change.marker)
        self.crm.tasks[found] = wanted
        return Applied(change.marker, task.id)

    def _close(self, change: CloseTask) -> WriteOutcome:
        found = self._held(change.marker)
        if found is None:
            return Rejected(change.marker, "not_found", f"no task {change.task_id!r}")
        task = self.crm.tasks[found]
        if task.status != "open":
            return Unchanged(change.marker)
        body = f"{task.body}\n{change.reason}".strip()
        closed = replace(task, status="done", closed_on=change.closed_on, body=body)
        self.crm.tasks[found] = closed
        return Applied(change.marker, task.id)

    def _held(self, marker: str) -> int | None:
        found = (place for place, task in enumerate(self.crm.tasks) if task.marker == marker)
        return next(found, None)


class _FakeProvisioner:
    def __init__(self, crm: FakeCRM) -> None:
        self.crm = crm

    def provision(self, fields: Sequence[FieldSpec], *, apply: bool) -> Sequence[ProvisionStep]:
        self.crm.reach()
        return [self._step(field, apply=apply) for field in fields]

    def close(self) -> None:
        pass

    def _step(self, field: FieldSpec, *, apply: bool) -> ProvisionStep:
        what = f"field {field.name!r} of accounts"
        if field.name not in self.crm.lacks:
            return ProvisionStep(what, "present")
        if not apply:
            return ProvisionStep(what, "to do")
        if self.crm.provisioning_refused:
            how = f"Setup > Accounts > Fields > New: {field.name!r}, labelled {field.label!r}"
            return ProvisionStep(what, "by hand", how)
        self.crm.lacks -= {field.name}
        return ProvisionStep(what, "done")


def _iso(value: Scalar) -> Scalar:
    return value.isoformat() if isinstance(value, date) else value
