"""What Odoo holds of partners: values as the host compares them, and our memory of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from connector_odoo.values import plain

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo, Record

PARTNER = "res.partner"


def partners(odoo: Odoo, accounts: Iterable[str], names: Sequence[str]) -> dict[str, Record]:
    """Return the values of *names* by account, for those that there are."""
    asked = {number: one for one in accounts if (number := key_of(one)) is not None}
    fields = odoo.fields_of(PARTNER) or {}
    known = [name for name in dict.fromkeys(names) if name in fields]
    held: dict[str, Record] = {}
    for record in odoo.found_in(PARTNER, "id", list(asked), ["id", *known]):
        values = {name: plain(record.get(name), fields[name]) for name in known}
        held[asked[int(record["id"])]] = values
    return held


def key_of(account: str) -> int | None:
    """Return the number that an id means; None if it can't be one."""
    return int(account) if account.isascii() and account.isdigit() else None
