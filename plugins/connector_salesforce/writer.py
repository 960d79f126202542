"""Writes tiers and tasks: few rows by sObject Collections, many accounts by the Bulk API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector import (
    AccessError,
    CloseTask,
    ConfigError,
    Conflict,
    Current,
    PutTask,
    Rejected,
    Scalar,
    SetFields,
    Stream,
    Unchanged,
)
from connector_salesforce import clicks, ingest
from connector_salesforce.connection import Org
from connector_salesforce.held import by_id, field_names, key_of, spelled, time_of
from connector_salesforce.outcomes import blames_owner
from connector_salesforce.sending import Row, send
from connector_salesforce.tasks import Tasks, owners_of
from connector_salesforce.written import as_json, equal, fit, lacking

if TYPE_CHECKING:
    import httpx

    from connector import Change, FieldSpec, HeldTask, WriteOutcome
    from connector_salesforce.settings import SalesforceSettings
    from connector_salesforce.writing import Writing


class SalesforceWriter:
    """An org as a target."""

    def __init__(
        self,
        settings: SalesforceSettings,
        writing: Writing,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._org = Org(settings, transport=transport, objects=("Account", "Task"))
        self._writing = writing
        self._tasks = Tasks(self._org, writing)
        self._sleep = sleep

    def check(self, fields: Sequence[str]) -> str:
        """Return where we write to; each field must be there, shown to us and ours to change."""
        org = self._org
        held = self._fields()
        for name in field_names(fields):
            field = held.get(name)
            if other := spelled(name, held):
                raise ConfigError(
                    f"{org.host}: the org writes {name!r} as {other!r}: write it so in the job"
                )
            if field is None:
                raise ConfigError(
                    f"{org.host}: accounts have no field {name!r} that this user may see; create it"
                    " with 'connector provision', or grant it by a permission set"
                )
            if not field["updateable"]:
                raise AccessError(
                    f"{org.host}: this user may not change {name!r} of accounts; set Edit Access to"
                    " it in a permission set of the user"
                )
        return f"{org.host} as {self._user()}: accounts{self._said_of_tasks()}"

    def check_choices(self, fields: Sequence[FieldSpec]) -> None:
        """Raise ConfigError where a restricted picklist lacks a value that will be written."""
        held = self._fields()
        short = [(field, lacking(held.get(field.name, {}), field.choices)) for field in fields]
        said = [
            f"{self._org.host}: the picklist {field.name!r} takes nothing but its values and lacks"
            f" {', '.join(map(repr, missing))}: run 'connector provision' with --apply, or"
            f" {clicks.new_choices(field, missing)}"
            for field, missing in short
            if missing
        ]
        if said:
            raise ConfigError("\n".join(said))

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return what the org holds of *accounts*, and our tasks beside them."""
        held = self._accounts(accounts, field_names(fields))
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
        yield from self._set([change for change in ours if isinstance(change, SetFields)])
        yield from self._put([change for change in ours if isinstance(change, PutTask)])
        yield from self._close([change for change in ours if isinstance(change, CloseTask)])

    def close(self) -> None:
        """Let go of the connections."""
        self._org.close()

    def _user(self) -> str:
        login = self._org.settings.jwt
        return login.username if login else self._org.session().user or "somebody"

    def _fields(self) -> dict[str, Mapping[str, Any]]:
        return {str(field["name"]): field for field in self._org.describe("Account")["fields"]}

    def _said_of_tasks(self) -> str:
        task = self._org.describe("Task")
        if not (task["createable"] and task["updateable"]):
            return "; no tasks: this user may not create and change them"
        field = self._tasks.shape.marker_field
        closing = self._tasks.closed_status  # raises where the job must say it
        if field and not next(f for f in task["fields"] if f["name"] == field)["createable"]:
            raise AccessError(
                f"{self._org.host}: this user may not set {field!r} of tasks, by which they are"
                " found again; set Edit Access to it in a permission set of the user"
            )
        known = field or "the last line of their description"
        return f", tasks known by {known} and closed as {closing!r}"

    def _accounts(
        self, accounts: Sequence[str], fields: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Return the values of *fields* by account, for those that there are."""
        asked = {key_of(account): account for account in accounts}
        described = self._fields()
        times = {name for name in fields if described.get(name, {}).get("type") == "datetime"}
        select = f"SELECT {', '.join(dict.fromkeys(['Id', *fields]))} FROM Account"  # noqa: S608 - names of fields
        held = {}
        for record in by_id(self._org, select, "Id", asked.values()):
            values = {n: time_of(record[n]) if n in times else record[n] for n in fields}
            held[asked[key_of(record["Id"])]] = values
        return held

    def _set(self, changes: Sequence[SetFields]) -> Iterator[WriteOutcome]:
        if not changes:
            return
        described = self._fields()
        wanted = [
            replace(c, values={n: fit(v, described.get(n, {})) for n, v in c.values.items()})
            for c in sorted(changes, key=lambda change: change.ref.id)
        ]
        if len(wanted) >= self._writing.bulk_from:
            yield from ingest.update(self._org, "Account", wanted, sleep=self._sleep)
            return
        if self._writing.conflicts:
            judged = self._judged(wanted)
            yield from judged.values()
            wanted = [change for change in wanted if change.marker not in judged]
        rows = [
            Row(c.marker, "Account", c.ref.id, {n: as_json(v) for n, v in c.values.items()})
            for c in wanted
        ]
        yield from (answer.outcome for answer in send(self._org, rows, "PATCH"))

    def _judged(self, changes: Sequence[SetFields]) -> dict[str, Unchanged | Conflict]:
        """Return the outcomes of what need not or must not be sent, as the org holds it now.

        Of an account that is not there the org itself shall say so.
        """
        fields = field_names([name for change in changes for name in change.values])
        held = self._accounts([change.ref.id for change in changes], fields)
        found = {}
        for change in changes:
            now = held.get(change.ref.id)
            outcome = None if now is None else _outcome_beforehand(change, now)
            if outcome is not None:
                found[change.marker] = outcome
        return found

    def _put(self, changes: Sequence[PutTask]) -> Iterator[WriteOutcome]:
        if not changes:
            return
        held = self._tasks.by_marker(changes)
        create, update = [], []
        for change in changes:
            task = held.get(change.marker)
            if task is None:
                create.append(change)
                continue
            row = self._tasks.shape.updated(change, task) if task.status == "open" else None
            if row is None:
                yield Unchanged(change.marker)
            else:
                update.append(row)
        yield from (answer.outcome for answer in send(self._org, update, "PATCH"))
        yield from self._create(sorted(create, key=lambda change: change.ref.id))

    def _create(self, changes: Sequence[PutTask]) -> Iterator[WriteOutcome]:
        """Create tasks; one whose owner is not taken goes to the fallback, then to the account's.

        Nobody sees a task that belongs to the login of a connector.
        """
        left = {change.marker: change for change in changes}
        refusals: dict[str, WriteOutcome] = {}
        for candidates in (_asked_owners, self._fallback_owners, self._account_owners):
            owners = candidates(list(left.values()))
            rows = [
                self._tasks.shape.created(change, owner)
                for change in left.values()
                if (owner := owners.get(change.marker))
            ]
            for answer in send(self._org, rows, "POST"):
                if isinstance(answer.outcome, Rejected) and blames_owner(answer.errors):
                    refusals[answer.row.marker] = answer.outcome
                else:
                    del left[answer.row.marker]
                    yield answer.outcome
        yield from (refusals[marker] for marker in left if marker in refusals)
        ownerless = [change for marker, change in left.items() if marker not in refusals]
        rows = [self._tasks.shape.created(change, None) for change in ownerless]
        yield from (answer.outcome for answer in send(self._org, rows, "POST"))

    def _fallback_owners(self, changes: Sequence[PutTask]) -> Mapping[str, str | None]:
        return {change.marker: self._writing.fallback_owner for change in changes}

    def _account_owners(self, changes: Sequence[PutTask]) -> Mapping[str, str | None]:
        owners = dict(owners_of(self._org, [change.ref.id for change in changes]))
        return {change.marker: owners.get(change.ref.id) for change in changes}

    def _close(self, changes: Sequence[CloseTask]) -> Iterator[WriteOutcome]:
        if not changes:
            return
        held = self._tasks.by_marker(changes)
        rows = []
        for change in sorted(changes, key=lambda change: change.ref.id):
            task: HeldTask | None = held.get(change.marker)
            if task is None:
                words = f"the account has no task {change.marker!r}"
                yield Rejected(change.marker, "not_found", words)
            elif task.status != "open":
                yield Unchanged(change.marker)
            else:
                rows.append(self._tasks.shape.closed(change, task, self._tasks.closed_status))
        yield from (answer.outcome for answer in send(self._org, rows, "PATCH"))


def _asked_owners(changes: Sequence[PutTask]) -> Mapping[str, str | None]:
    return {change.marker: change.owner for change in changes}


def _outcome_beforehand(change: SetFields, now: Mapping[str, Any]) -> Unchanged | Conflict | None:
    """Return what becomes of a change of an account that holds *now*; None if it is to be sent."""
    differing = [n for n, value in change.values.items() if not equal(now[n], value)]
    if not differing:
        return Unchanged(change.marker)
    if any(not equal(now[n], change.old.get(n)) for n in differing):
        held: Mapping[str, Scalar] = {n: now[n] for n in change.values}
        return Conflict(change.marker, held)
    return None
