"""Short words for the fields of standard objects, as `objects` spells them out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sandbox_salesforce.schema import FieldDef, Option, Value


def _made(name: str, kind: str, *, required: bool = False, **more: Any) -> FieldDef:
    more.setdefault("label", _label(name))
    more.setdefault("nillable", not required)
    return FieldDef(name, kind, **more)


def _label(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Id").removesuffix("__c") or name)


def text(name: str, length: int = 255, **more: Any) -> FieldDef:
    """Return a field of text."""
    return _made(name, "string", length=length, **more)


def mail(name: str, **more: Any) -> FieldDef:
    """Return a field of an address of e-mail."""
    return _made(name, "email", length=80, **more)


def phone(name: str, **more: Any) -> FieldDef:
    """Return a field of a telephone's number."""
    return _made(name, "phone", length=40, **more)


def url(name: str, **more: Any) -> FieldDef:
    """Return a field of a web address."""
    return _made(name, "url", length=255, **more)


def long_text(name: str, length: int = 32_000, **more: Any) -> FieldDef:
    """Return a long text, which can be read but neither filtered nor sorted by."""
    more.setdefault("filterable", False)
    return _made(name, "textarea", length=length, sortable=False, **more)


def area(name: str, length: int = 255, **more: Any) -> FieldDef:
    """Return a short text of several lines."""
    return _made(name, "textarea", length=length, **more)


def whole(name: str, **more: Any) -> FieldDef:
    """Return a whole number."""
    return _made(name, "int", **more)


def number(name: str, precision: int = 18, scale: int = 0, **more: Any) -> FieldDef:
    """Return a number with *scale* decimals."""
    return _made(name, "double", precision=precision, scale=scale, **more)


def money(name: str, precision: int = 18, scale: int = 2, **more: Any) -> FieldDef:
    """Return an amount of money."""
    return _made(name, "currency", precision=precision, scale=scale, **more)


def percent(name: str, precision: int = 3, scale: int = 0, **more: Any) -> FieldDef:
    """Return a percentage."""
    return _made(name, "percent", precision=precision, scale=scale, **more)


def flag(name: str, *, default: bool = False, **more: Any) -> FieldDef:
    """Return a checkbox: never null."""
    more = {"nillable": False, "defaulted": True, "default": default} | more
    return _made(name, "boolean", **more)


def day(name: str, **more: Any) -> FieldDef:
    """Return a date."""
    return _made(name, "date", **more)


def moment(name: str, **more: Any) -> FieldDef:
    """Return a date and time."""
    return _made(name, "datetime", **more)


def pick(name: str, *values: str, default: Value = None, **more: Any) -> FieldDef:
    """Return a picklist of *values*; it takes others too, unless it is restricted."""
    options = tuple(Option(value, value, value == default) for value in values)
    if default is not None:
        more.setdefault("defaulted", True)
    return _made(name, "picklist", length=255, options=options, default=default, **more)


def link(name: str, *refers_to: str, **more: Any) -> FieldDef:
    """Return a reference to a record of one of the objects *refers_to*."""
    more.setdefault("relationship", name.removesuffix("Id"))
    return _made(name, "reference", length=18, refers_to=refers_to, **more)


def derived(one: FieldDef) -> FieldDef:
    """Return *one* as a field that follows from others: nobody writes it."""
    return replace(one, createable=False, updateable=False)


def address(name: str) -> list[FieldDef]:
    """Return an address: its parts, and the compound field of them all."""
    compound = f"{name}Address"
    parts = {
        "Street": area(f"{name}Street", compound=compound),
        "City": text(f"{name}City", 40, compound=compound),
        "State": text(f"{name}State", 80, compound=compound),
        "PostalCode": text(f"{name}PostalCode", 20, compound=compound),
        "Country": text(f"{name}Country", 80, compound=compound),
    }
    joined = tuple((part[0].lower() + part[1:], one.name) for part, one in parts.items())
    return [
        *parts.values(),
        _made(
            compound, "address", parts=joined, createable=False, updateable=False, sortable=False,
            filterable=False,
        ),
    ]  # fmt: skip
