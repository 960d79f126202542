"""Single records: read, made, changed and deleted by their id or a key of ours."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from connector.sandbox import Answer
from sandbox_salesforce import describe
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.ids import whole_id
from sandbox_salesforce.moments import read_moment, said
from sandbox_salesforce.query import records
from sandbox_salesforce.records import ManyFound, Records
from sandbox_salesforce.refusal import ApiError, no_such_column
from sandbox_salesforce.schema import SObject
from sandbox_salesforce.soql import Chosen, Query
from sandbox_salesforce.store import Row
from sandbox_salesforce.translate import translate

_UPDATES_KEPT: Final = timedelta(days=30)
_MOST_CHANGES: Final = 600_000
_BODY_OF_UPSERT: Final = 46
"""From this version on an upsert that changes a record has a body."""


def endpoints() -> Iterator[Endpoint]:
    """Yield where objects and single records are."""
    yield Endpoint("GET", "/sobjects", _objects)
    yield Endpoint("GET", "/sobjects/{sobject}", _about)
    yield Endpoint("POST", "/sobjects/{sobject}", _create)
    yield Endpoint("GET", "/sobjects/{sobject}/describe", _describe)
    yield Endpoint("GET", "/sobjects/{sobject}/deleted", _deleted)
    yield Endpoint("GET", "/sobjects/{sobject}/updated", _updated)
    yield Endpoint("GET", "/sobjects/{sobject}/{record}", _read)
    yield Endpoint("PATCH", "/sobjects/{sobject}/{record}", _update)
    yield Endpoint("DELETE", "/sobjects/{sobject}/{record}", _delete)
    yield Endpoint("GET", "/sobjects/{sobject}/{key}/{value}", _read_by_key)
    yield Endpoint("PATCH", "/sobjects/{sobject}/{key}/{value}", _upsert)
    yield Endpoint("DELETE", "/sobjects/{sobject}/{key}/{value}", _delete_by_key)


def _objects(call: Call) -> Answer:
    may = call.org.permissions.may
    seen = [one for one in call.org.schema if not one.tooling and may(call.user, one, "read")]
    briefs = [describe.brief(call.org, call.user, one, call.version) for one in seen]
    return Answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": briefs})


def _about(call: Call) -> Answer:
    one = _object(call)
    brief = describe.brief(call.org, call.user, one, call.version)
    return Answer({"objectDescribe": brief, "recentItems": []})


def _describe(call: Call) -> Answer:
    return Answer(describe.whole(call.org, call.user, _object(call), call.version))


def _create(call: Call) -> Answer:
    written = _records(call).create(_object(call), call.record())
    return Answer(success(written.id), 201)


def _read(call: Call) -> Answer:
    return _shown(call, _object(call), call.args["record"])


def _read_by_key(call: Call) -> Answer:
    sobject = _object(call)
    return _shown(call, sobject, _by_key(call, sobject))


def _update(call: Call) -> Answer:
    sobject, body = _object(call), call.record()
    _check_unmodified(call, sobject)
    _records(call).update(sobject, call.args["record"], body)
    return Answer(status=204)


def _delete(call: Call) -> Answer:
    sobject = _object(call)
    _check_unmodified(call, sobject)
    _records(call).delete(sobject, call.args["record"])
    return Answer(status=204)


def _delete_by_key(call: Call) -> Answer:
    sobject = _object(call)
    _records(call).delete(sobject, _by_key(call, sobject))
    return Answer(status=204)


def _upsert(call: Call) -> Answer:
    sobject, body = _object(call), call.record()
    key, value = call.args["key"], call.args["value"]
    if any(name.lower() == key.lower() for name in body):
        raise ApiError(
            "INVALID_FIELD", f"The {key} field should not be specified in the sobject data."
        )
    update_only = call.query.get("updateOnly", "").lower() == "true"
    try:
        written = _records(call).upsert(sobject, key, value, body, update_only=update_only)
    except ManyFound as many:
        return _many(call, sobject, many)
    if not written.created and call.version < _BODY_OF_UPSERT:
        return Answer(status=204)
    answer = success(written.id) | {"created": written.created}
    return Answer(answer, 201 if written.created else 200)


def success(record: str) -> dict[str, Any]:
    """Return what is said of a record that was written."""
    return {"id": record, "success": True, "errors": []}


def _object(call: Call) -> SObject:
    return call.org.object(call.args["sobject"], call.user)


def _records(call: Call) -> Records:
    return Records(call.org, call.user)


def _by_key(call: Call, sobject: SObject) -> str:
    writer = _records(call)
    one = writer.key_field(sobject, call.args["key"])
    found = writer.having(sobject, one, call.args["value"])
    if not found:
        raise ApiError("NOT_FOUND", "The requested resource does not exist")
    return found[0]


def _many(call: Call, sobject: SObject, many: ManyFound) -> Answer:
    base = f"/services/data/v{call.version}.0/sobjects/{sobject.name}"
    return Answer([f"{base}/{record}" for record in many.ids], 300)


def _shown(call: Call, sobject: SObject, record: str) -> Answer:
    visible = call.org.permissions.visible(call.user, sobject)
    asked = [name for name in call.query.get("fields", "").split(",") if name]
    for name in asked:
        if name.lower() not in visible:
            raise no_such_column(name, sobject.name)
    names = asked or [one.name for one in visible.values()]
    whole = whole_id(record)
    number = call.org.store.one(
        f'SELECT _n FROM "{sobject.name}" WHERE "Id" = ? AND "IsDeleted" = 0', [whole]
    )
    if number is None:
        raise ApiError("NOT_FOUND", "The requested resource does not exist")
    if _unchanged_since(call, sobject, str(whole)):
        return Answer(status=304)
    query = Query(tuple(Chosen((name,)) for name in names), sobject.name)
    statement = translate(call.org, call.user, query)
    (found,) = records(call.org, statement, array("q", [number]), call.version)
    return Answer(found)


def _check_unmodified(call: Call, sobject: SObject) -> None:
    since = _said_time(call, "if-unmodified-since")
    if since is None:
        return
    row = _records(call).find(sobject, call.args["record"])
    if _modified(row) > since:
        # The sheet knows the status alone; the code is ours.
        raise ApiError("PRECONDITION_FAILED", "The record has been modified")


def _unchanged_since(call: Call, sobject: SObject, record: str) -> bool:
    since = _said_time(call, "if-modified-since")
    row = call.org.store.fetch(sobject, record)
    return since is not None and row is not None and _modified(row) <= since


def _said_time(call: Call, header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(call.headers[header]) if header in call.headers else None
    except ValueError:
        return None


def _modified(row: Row) -> datetime:
    # From memory: it is this date, not SystemModstamp, that the header is compared with.
    return read_moment(str(row["LastModifiedDate"]))


def _deleted(call: Call) -> Answer:
    sobject, start, end = _window(call, call.org.settings.deleted_log)
    binned = _changed(call, sobject, start, end, deleted=True)
    found = [(row["Id"], row["SystemModstamp"]) for row in binned]
    for record, stamp in call.org.purged.get(sobject.name, {}).items():
        if said(start) <= stamp <= said(end):
            found.append((record, stamp))
    earliest = call.org.clock() - call.org.settings.deleted_log
    return Answer(
        {
            "deletedRecords": [{"id": record, "deletedDate": stamp} for record, stamp in found],
            "earliestDateAvailable": said(earliest),
            "latestDateCovered": said(min(end, call.org.clock())),
        }
    )


def _updated(call: Call) -> Answer:
    sobject, start, end = _window(call, _UPDATES_KEPT)
    found = _changed(call, sobject, start, end, deleted=False)
    return Answer(
        {
            "ids": [row["Id"] for row in found],
            "latestDateCovered": said(min(end, call.org.clock())),
        }
    )


def _changed(
    call: Call, sobject: SObject, start: datetime, end: datetime, *, deleted: bool
) -> list[Any]:
    found = call.org.store.rows(
        f'SELECT "Id", "SystemModstamp" FROM "{sobject.name}" WHERE "IsDeleted" = ?'
        ' AND "SystemModstamp" >= ? AND "SystemModstamp" <= ? ORDER BY "SystemModstamp", "Id"'
        f" LIMIT {_MOST_CHANGES + 1}",
        [deleted, said(start), said(end)],
    )
    if len(found) > _MOST_CHANGES:
        raise ApiError("EXCEEDED_ID_LIMIT", "Too many records have changed; ask for less time")
    return found


def _window(call: Call, back: timedelta) -> tuple[SObject, datetime, datetime]:
    sobject = _object(call)
    if not sobject.replicateable:
        raise ApiError("INVALID_TYPE_FOR_OPERATION", f"{sobject.name} is not replicateable")
    try:
        start, end = (read_moment(call.query.get(name, "")) for name in ("start", "end"))
    except ValueError:
        raise ApiError(
            "INVALID_REPLICATION_DATE", "startDate and endDate must be given, with their zone"
        ) from None
    if end <= start:
        raise ApiError("INVALID_REPLICATION_DATE", "endDate must be after startDate")
    if start < call.org.clock().astimezone(UTC) - back:
        raise ApiError(
            "INVALID_REPLICATION_DATE",
            f"startDate cannot be more than {back.days} days ago",
        )
    return sobject, start, end
