"""sObject Collections: up to 200 records in a request, each with an outcome of its own."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.ids import whole_id
from sandbox_salesforce.query import records
from sandbox_salesforce.records import ManyFound, Records, Written
from sandbox_salesforce.refusal import ApiError, UnreadableBody
from sandbox_salesforce.rows import success
from sandbox_salesforce.schema import SObject
from sandbox_salesforce.soql import Chosen, Query
from sandbox_salesforce.translate import translate

_MOST: Final = 200
_MOST_CHUNKS: Final = 10
_MOST_READ: Final = 2000
_AS_ROW: Final = {"NOT_FOUND": ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")}
"""A record that is not there is told of in another way beside a row (from memory)."""

Outcome = dict[str, Any]


def endpoints() -> Iterator[Endpoint]:
    """Yield where collections are written."""
    yield Endpoint("POST", "/composite/sobjects", _create)
    yield Endpoint("PATCH", "/composite/sobjects", _update)
    yield Endpoint("DELETE", "/composite/sobjects", _delete)
    yield Endpoint("PATCH", "/composite/sobjects/{sobject}/{key}", _upsert)
    yield Endpoint("GET", "/composite/sobjects/{sobject}", _read)
    yield Endpoint("POST", "/composite/sobjects/{sobject}", _read)


def row_error(error: ApiError) -> ApiError:
    """Return an error as it is told beside a row."""
    code, message = _AS_ROW.get(error.code, (error.code, error.message))
    return ApiError(code, message, *error.fields)


def _create(call: Call) -> Answer:
    def write(writer: Records, row: Any) -> Outcome:
        return _said(writer.create(_object_of(call, row), row))

    return _written(call, _rows(call), write)


def _update(call: Call) -> Answer:
    def write(writer: Records, row: Any) -> Outcome:
        return _said(writer.update(_object_of(call, row), _id_of(row), row))

    return _written(call, _rows(call), write)


def _upsert(call: Call) -> Answer:
    sobject = call.org.object(call.args["sobject"], call.user)
    key = Records(call.org, call.user).key_field(sobject, call.args["key"]).name
    rows = _rows(call)
    if any(_object_of(call, row) is not sobject for row in rows):
        raise ApiError("INVALID_TYPE", "All records must be of the type in the URI")
    values = [_value_of(row, key) for row in rows]
    # What the service says of a pair is not confirmed: the sheet expects this of both.
    twice = {value for value in values if value is not None and values.count(value) > 1}

    def write(writer: Records, row: Any) -> Outcome:
        value = _value_of(row, key)
        if value in twice and call.org.settings.twice_fails:
            raise ApiError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", key)
        values = {name: one for name, one in row.items() if name.lower() != key.lower()}
        try:
            written = writer.upsert(sobject, key, value, values)
        except ManyFound as many:
            raise ApiError(
                "DUPLICATE_EXTERNAL_ID",
                f"{key}: more than one record found for external id field: {many.ids}",
                key,
            ) from None
        return _said(written) | {"created": written.created}

    return _written(call, rows, write)


def _delete(call: Call) -> Answer:
    ids = [one.strip() for one in call.query.get("ids", "").split(",") if one.strip()]
    _check_count(ids)

    def write(writer: Records, record: Any) -> Outcome:
        sobject = call.org.schema.of_id(record)
        if sobject is None:
            raise ApiError("MALFORMED_ID", f"malformed id {record}")
        return _said(writer.delete(sobject, record))

    all_or_none = call.query.get("allOrNone", "").lower() == "true"
    return Answer(_outcomes(call, ids, write, all_or_none=all_or_none))


def _read(call: Call) -> Answer:
    """Answer with the records of these ids in their order; null stands for one that is not."""
    sobject = call.org.object(call.args["sobject"], call.user)
    if call.method == "POST":
        body = call.record()
        ids, names = body.get("ids") or [], body.get("fields") or []
    else:
        ids, names = (call.query.get(key, "").split(",") for key in ("ids", "fields"))
    if len(ids) > _MOST_READ:
        raise ApiError("EXCEEDED_ID_LIMIT", f"{_MOST_READ} records at most")
    query = Query(tuple(Chosen((name,)) for name in names), sobject.name)
    statement = translate(call.org, call.user, query)
    wanted = [whole_id(str(one)) for one in ids]
    marks = ", ".join("?" * len(wanted))
    numbers = {
        row["Id"]: row["_n"]
        for row in call.org.store.rows(
            f'SELECT "Id", _n FROM "{sobject.name}" WHERE "IsDeleted" = 0 AND "Id" IN ({marks})',
            wanted,
        )
    }
    known = [*dict.fromkeys(one for one in wanted if one in numbers)]
    found = records(call.org, statement, array("q", [numbers[one] for one in known]), call.version)
    by_id = dict(zip(known, found, strict=True))
    return Answer([by_id.get(one) for one in wanted])


def _written(call: Call, rows: Sequence[Any], write: Callable[[Records, Any], Outcome]) -> Answer:
    all_or_none = call.record().get("allOrNone") is True
    return Answer(_outcomes(call, rows, write, all_or_none=all_or_none))


class _RolledBack(Exception):
    pass


def _outcomes(
    call: Call,
    rows: Sequence[Any],
    write: Callable[[Records, Any], Outcome],
    *,
    all_or_none: bool,
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    writer = Records(call.org, call.user)
    try:
        with call.org.store.transaction():
            outcomes += (_outcome(writer, row, write) for row in rows)
            if all_or_none and not all(one["success"] for one in outcomes):
                raise _RolledBack
    except _RolledBack:
        return [_rolled_back() if one["success"] else one for one in outcomes]
    return outcomes


def _outcome(writer: Records, row: Any, write: Callable[[Records, Any], Outcome]) -> Outcome:
    try:
        return write(writer, row)
    except UnreadableBody:
        raise
    except ApiError as error:
        return {"success": False, "errors": [row_error(error).as_row()]}


def _rolled_back() -> Outcome:
    error = ApiError(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using"
        " AllOrNone header",
    )
    return {"success": False, "errors": [error.as_row()]}


def _said(written: Written) -> Outcome:
    return success(written.id)


def _rows(call: Call) -> list[Any]:
    rows = call.record().get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableBody("The request body must hold a list of records", "INVALID_INPUT")
    _check_count(rows)
    chunks = len([*groupby(rows, key=_kind_of)])
    if chunks > _MOST_CHUNKS:
        raise ApiError("INVALID_INPUT", f"records are of {chunks} chunks of types; 10 at most")
    return rows


def _check_count(rows: Sequence[Any]) -> None:
    if len(rows) > _MOST:
        raise ApiError(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST} records"
        )
    if not rows:
        raise ApiError("INVALID_INPUT", "no record is given")


def _kind_of(row: Any) -> str:
    about = row.get("attributes")
    kind = about.get("type") if isinstance(about, dict) else None
    if not isinstance(kind, str):
        raise ApiError("INVALID_INPUT", "each record needs attributes with a type")
    return kind


def _object_of(call: Call, row: Any) -> SObject:
    return call.org.object(_kind_of(row), call.user)


def _id_of(row: Any) -> Any:
    return row.get("id", row.get("Id"))


def _value_of(row: Any, key: str) -> Any:
    return next((value for name, value in row.items() if name.lower() == key.lower()), None)
