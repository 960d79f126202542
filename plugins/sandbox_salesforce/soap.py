"""SOAP: the old login, and the calls of the Metadata API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint
from sandbox_salesforce.components import TYPES
from sandbox_salesforce.envelope import TYPE, Fault, Tree, answer, listed, read, refusal
from sandbox_salesforce.limits import count
from sandbox_salesforce.refusal import ApiError

_METADATA: Final = "http://soap.sforce.com/2006/04/metadata"
_PARTNER: Final = "urn:partner.soap.sforce.com"
_LAST_WITH_LOGIN: Final = 64
_AT_ONCE: Final = 10


def endpoints() -> Iterator[Endpoint]:
    """Yield where envelopes are sent."""
    yield Endpoint("POST", "/services/Soap/u/{version}", _partner)
    yield Endpoint("POST", "/services/Soap/u/{version}/{org}", _partner)
    yield Endpoint("POST", "/services/Soap/m/{version}", _metadata)
    yield Endpoint("POST", "/services/Soap/m/{version}/{org}", _metadata)


def _partner(call: Call) -> Answer:
    try:
        _check_version(call)
        _, name, body = read(call.body)
        if _version(call) > _LAST_WITH_LOGIN or name != "login":
            raise Fault("UNSUPPORTED_API_VERSION", f"{name}() is not in this version")
        return _logged_in(call, body)
    except Fault as fault:
        return refusal(fault, _PARTNER)


def _logged_in(call: Call, body: Tree) -> Answer:
    known = call.service.credentials
    sent = (str(body.get("username")), str(body.get("password")))
    good = [(known.username, known.password + known.security_token)]
    user = call.org.look_up("User", "Username", known.username)
    active = call.org.store.one('SELECT "IsActive" FROM "User" WHERE "Id" = ?', [user])
    if sent not in good or not active:
        raise Fault(
            "INVALID_LOGIN", "Invalid username, password, security token; or user locked out."
        )
    version = call.args["version"]
    said = {
        "metadataServerUrl": f"{call.service.url}/services/Soap/m/{version}/{call.org.id}",
        "passwordExpired": "false",
        "sandbox": "true",
        "serverUrl": f"{call.service.url}/services/Soap/u/{version}/{call.org.id}",
        "sessionId": call.service.sessions.open(user),
        "userId": user,
        "userInfo": {"organizationId": call.org.id, "userId": user, "userName": known.username},
    }
    return answer(_PARTNER, "login", [said])


def _metadata(call: Call) -> Answer:
    try:
        _check_version(call)
        header, name, body = read(call.body)
        session = header.get("SessionHeader")
        token = session.get("sessionId") if isinstance(session, dict) else ""
        call.service.sessions.user_of(str(token))
        count(call)
        if name not in _CALLS:
            raise Fault("INVALID_OPERATION", f"{name}() is not answered by this sandbox")
        return _CALLS[name](call, body)
    except ApiError as error:
        return refusal(Fault(error.code, error.message), _METADATA)
    except Fault as fault:
        return refusal(fault, _METADATA)


def _written(call: Call, body: Tree, name: str, write: Callable[[str, Tree], Tree]) -> Answer:
    """Write components one by one; each has an outcome of its own."""
    sent = listed(body.get("metadata"))
    _check_count(sent)
    results = []
    for component in sent:
        result: dict[str, Any] = {"fullName": component.get("fullName"), "success": "true"}
        try:
            with call.org.store.transaction():
                result = {**write(str(component.get(TYPE)), _plain(component)), **result}
        except ApiError as error:
            result = {"errors": _error(error), **result, "success": "false"}
            if name == "upsertMetadata":
                result = {"created": "false", **result}
        results.append(result)
    return answer(_METADATA, name, results)


def _create(call: Call, body: Tree) -> Answer:
    def write(kind: str, component: Tree) -> Tree:
        call.service.components.create(kind, component)
        return {}

    return _written(call, body, "createMetadata", write)


def _update(call: Call, body: Tree) -> Answer:
    def write(kind: str, component: Tree) -> Tree:
        call.service.components.update(kind, component)
        return {}

    return _written(call, body, "updateMetadata", write)


def _upsert(call: Call, body: Tree) -> Answer:
    def write(kind: str, component: Tree) -> Tree:
        created = call.service.components.upsert(kind, component)
        return {"created": str(created).lower()}

    return _written(call, body, "upsertMetadata", write)


def _delete(call: Call, body: Tree) -> Answer:
    kind, names = str(body.get("type")), _names(body)
    results: list[Tree] = []
    for name in names:
        try:
            call.service.components.delete(kind, name)
            results.append({"fullName": name, "success": "true"})
        except ApiError as error:
            results.append({"errors": _error(error), "fullName": name, "success": "false"})
    return answer(_METADATA, "deleteMetadata", results)


def _read_components(call: Call, body: Tree) -> Answer:
    kind = str(body.get("type"))
    found = [call.service.components.find(kind, name) for name in _names(body)]
    # What is not there is an empty record.
    records = [{TYPE: kind, **one} if one else {} for one in found]
    return answer(_METADATA, "readMetadata", [{"records": records}])


def _list_components(call: Call, body: Tree) -> Answer:
    results = [
        {"fileName": f"{kind}/{name}", "fullName": name, "type": kind}
        for query in listed(body.get("queries"))
        for kind in [str(query.get("type"))]
        for name in call.service.components.names(kind)
    ]
    return answer(_METADATA, "listMetadata", results)


def _describe(call: Call, body: Tree) -> Answer:
    objects = [
        {"directoryName": kind.lower(), "inFolder": "false", "metaFile": "false", "xmlName": kind}
        for kind in TYPES
    ]
    said = {
        "metadataObjects": objects, "organizationNamespace": "", "partialSaveAllowed": "true",
        "testRequired": "false",
    }  # fmt: skip
    return answer(_METADATA, "describeMetadata", [said])


_CALLS: Final[Mapping[str, Callable[[Call, Tree], Answer]]] = {
    "createMetadata": _create,
    "updateMetadata": _update,
    "upsertMetadata": _upsert,
    "deleteMetadata": _delete,
    "readMetadata": _read_components,
    "listMetadata": _list_components,
    "describeMetadata": _describe,
}


def _names(body: Tree) -> list[str]:
    names = body.get("fullNames")
    found = names if isinstance(names, list) else [names] if names else []
    _check_count(found)
    return [str(name) for name in found]


def _check_count(sent: Sequence[object]) -> None:
    if len(sent) > _AT_ONCE:
        raise Fault("LIMIT_EXCEEDED", f"{_AT_ONCE} components at most in a call")


def _error(error: ApiError) -> Tree:
    return {"fields": [*error.fields], "message": error.message, "statusCode": error.code}


def _check_version(call: Call) -> None:
    if _version(call) <= call.org.settings.retired:
        raise Fault("UNSUPPORTED_API_VERSION", f"Invalid Api version: {call.args['version']}")


def _version(call: Call) -> int:
    found = re.match(r"\d+", call.args["version"])
    return int(found[0]) if found else 0


def _plain(component: Tree) -> Tree:
    return {name: value for name, value in component.items() if name != TYPE}
