"""XML-RPC: the same as JSON-RPC, but it can't say None."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, dumps, loads

from connector.sandbox import Answer
from sandbox_odoo.calling import Caller
from sandbox_odoo.refusal import ACCESS, ACCESS_DENIED, USER, Refused
from sandbox_odoo.rpc import Noted, dispatch


def answered(caller: Caller, service: str, body: bytes, noted: Noted, *, numbers: bool) -> Answer:
    """Answer a call; faults have *numbers*, or texts as in the first version of the protocol."""
    try:
        args, method = loads(body)
    except (ExpatError, ValueError):
        return Answer("Invalid XML", 400, media="text/html; charset=utf-8")
    try:
        said: Any = dispatch(caller, service, str(method), args, noted)
    except Refused as error:
        said = _fault(error) if numbers else _fault_in_words(error)
    return Answer(_told(said), media="text/xml; charset=utf-8")


def _told(said: Any) -> str:
    try:
        return dumps(said if isinstance(said, Fault) else (said,), methodresponse=True)
    except TypeError as error:
        # What the call did is kept: it is the answer alone that can't be said.
        text = f"Traceback (most recent call last):\n  ...\nTypeError: {error}\n"
        return dumps(Fault(1, text), methodresponse=True)


def _fault(error: Refused) -> Fault:
    return Fault(error.kind.fault, error.debug if error.kind.fault == 1 else error.message)


def _fault_in_words(error: Refused) -> Fault:
    # From memory: `/xmlrpc/object` without a 2 has no numbers.
    if error.kind is ACCESS_DENIED:
        return Fault("AccessDenied", error.message)  # type: ignore[arg-type] # a text
    if error.kind.fault in (USER.fault, ACCESS.fault):
        kind = "AccessError" if error.kind is ACCESS else "Warning"
        return Fault(f"warning -- {kind}\n\n{error.message}", "")  # type: ignore[arg-type] # a text
    return Fault(error.message, error.debug)  # type: ignore[arg-type] # a text
