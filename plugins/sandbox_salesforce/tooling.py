"""The Tooling API, as far as fields are made by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.query import asked
from sandbox_salesforce.records import Records
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.rows import success


def endpoints() -> Iterator[Endpoint]:
    """Yield where fields are made."""
    yield Endpoint("GET", "/tooling/query", lambda call: asked(call, tooling=True))
    yield Endpoint("POST", "/tooling/sobjects/CustomField", _create)
    yield Endpoint("GET", "/tooling/sobjects/CustomField/{record}", _read)
    yield Endpoint("PATCH", "/tooling/sobjects/CustomField/{record}", _update)
    yield Endpoint("DELETE", "/tooling/sobjects/CustomField/{record}", _delete)


def _create(call: Call) -> Answer:
    name, metadata = _sent(call)
    call.service.components.create("CustomField", {"fullName": name, **metadata})
    record = call.org.look_up("CustomField", "FullName", name)
    return Answer(success(record) | {"warnings": [], "infos": []}, 201)


def _read(call: Call) -> Answer:
    row = _row(call)
    component = call.service.components.find("CustomField", str(row["FullName"])) or {}
    metadata = {key: value for key, value in component.items() if key != "fullName"}
    return Answer(
        {
            "attributes": {"type": "CustomField", "url": call.path},
            **{key: row[key] for key in ("Id", "FullName", "DeveloperName", "TableEnumOrId")},
            "Metadata": metadata,
        }
    )


def _update(call: Call) -> Answer:
    row = _row(call)
    _, metadata = _sent(call)
    call.service.components.update("CustomField", {"fullName": row["FullName"], **metadata})
    return Answer(status=204)


def _delete(call: Call) -> Answer:
    call.service.components.delete("CustomField", str(_row(call)["FullName"]))
    return Answer(status=204)


def _row(call: Call) -> dict[str, Any]:
    return Records(call.org, call.user).find(call.org.schema["CustomField"], call.args["record"])


def _sent(call: Call) -> tuple[str, dict[str, Any]]:
    body = call.record()
    name, metadata = body.get("FullName", ""), body.get("Metadata")
    if not isinstance(metadata, dict):
        raise ApiError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]")
    return str(name), metadata
