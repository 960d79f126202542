"""Composite: up to 25 requests in one, where later ones may use what earlier ones answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

from connector.sandbox import Answer
from sandbox_salesforce.call import Call, Endpoint, refused
from sandbox_salesforce.refusal import ApiError, UnreadableBody

_MOST: Final = 25
_MOST_LARGE: Final = 5
_LARGE: Final = re.compile(r"/(query|queryAll|composite/sobjects)\b")
_REFERENCE: Final = re.compile(r"@\{(\w+)\.([^}]+)\}")
_STEP: Final = re.compile(r"(\w+)|\[(\d+)\]")


def endpoints() -> Iterator[Endpoint]:
    """Yield where requests are put together."""
    yield Endpoint("POST", "/composite", _composite)


class _RolledBack(Exception):
    pass


def _composite(call: Call) -> Answer:
    body = call.record()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise UnreadableBody("compositeRequest must be a list of requests")
    large = sum(bool(_LARGE.search(str(part.get("url")))) for part in parts)
    if len(parts) > _MOST or large > _MOST_LARGE:
        raise ApiError("LIMIT_EXCEEDED", f"{_MOST} parts at most, {_MOST_LARGE} of them large")
    answers: dict[str, Answer] = {}
    try:
        with call.org.store.transaction():
            for part in parts:
                answers[str(part.get("referenceId"))] = _part(call, part, answers)
            failed = [name for name, one in answers.items() if one.status >= 400]
            if body.get("allOrNone") is True and failed:
                raise _RolledBack
    except _RolledBack:
        answers = {k: one if one.status >= 400 else _halted() for k, one in answers.items()}
    return Answer({"compositeResponse": [_said(name, one) for name, one in answers.items()]})


def _said(name: str, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": dict(answer.headers),
        "httpStatusCode": answer.status,
        "referenceId": name,
    }


def _halted() -> Answer:
    message = (
        "The transaction was rolled back since another operation in the same transaction failed."
    )
    return refused(ApiError("PROCESSING_HALTED", message))


def _part(call: Call, part: Mapping[str, Any], answers: Mapping[str, Answer]) -> Answer:
    try:
        url = _filled(str(part.get("url")), answers)
        body = _filled(json.dumps(part.get("body")), answers)
        path, _, query = url.partition("?")
        if not path.lower().startswith(call.base):
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        inner = replace(
            call,
            method=str(part.get("method")).upper(),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={k.lower(): str(v) for k, v in dict(part.get("httpHeaders") or {}).items()},
            body=body.encode(),
        )
        with call.org.store.transaction():
            return call.service.dispatch(inner, path[len(call.base) :])
    except ApiError as error:
        return refused(error)


def _filled(text: str, answers: Mapping[str, Answer]) -> str:
    return _REFERENCE.sub(lambda found: _referenced(found[1], found[2], answers), text)


def _referenced(name: str, path: str, answers: Mapping[str, Answer]) -> str:
    value: Any = answers[name].body if name in answers else None
    for step in _STEP.finditer(path):
        try:
            value = value[step[1]] if step[1] else value[int(step[2])]
        except (KeyError, IndexError, TypeError):
            raise ApiError(
                "PROCESSING_HALTED",
                f"Invalid reference specified. No value for {path} found in {name}",
            ) from None
    return str(value)
