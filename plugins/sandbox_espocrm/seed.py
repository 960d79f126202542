"""The made-up company as EspoCRM holds it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from connector.sandbox.made_up import Firm, Made
from sandbox_espocrm.moments import said
from sandbox_espocrm.records import Records
from sandbox_espocrm.store import Row

_OPEN: Final = ("Prospecting", "Qualification", "Proposal", "Negotiation")
_EVERY: Final = 5
"""One account of so many has a case, and there is a lead for it."""


def fill(records: Records, company: Made) -> None:
    """Put *company* into an installation."""

    def put(entity: str, rows: Iterable[tuple[datetime, datetime, Row]]) -> list[str]:
        kind = records.schema[entity]
        made = [
            records.made(kind, {**values, "modifiedAt": said(changed)}, at=at)
            for at, changed, values in rows
        ]
        if made:
            records.store.insert(kind, made)
        return [row["id"] for row in made]

    first = min((one.made for one in company.firms), default=records.now())
    users = put("User", (
        (first, first, {"userName": f"user{one.at + 1}", "firstName": one.given,
                        "lastName": one.last})
        for one in company.people
    ))  # fmt: skip
    accounts = put(
        "Account", ((one.made, one.changed, _account(one, users)) for one in company.firms)
    )
    put("Opportunity", (
        (one.made, one.changed, {
            "name": one.name, "amount": float(one.amount), "closeDate": one.closes.isoformat(),
            "stage": _stage(one.outcome, one.at), "accountId": accounts[one.account],
            "assignedUserId": users[one.owner],
        })
        for one in company.deals
    ))  # fmt: skip
    some = company.firms[_EVERY - 1 :: _EVERY]
    put("Case", (
        (one.made, one.changed, {
            "name": f"Question of {one.name}", "status": ("New", "Closed")[one.at % 2],
            "accountId": accounts[one.at], "assignedUserId": users[one.owner],
        })
        for one in some
    ))  # fmt: skip
    put("Lead", (
        (one.made, one.changed, {
            "firstName": "Kim", "lastName": f"Lee {one.at + 1}", "source": "Web Site",
            "accountName": f"Not yet {one.name}", "industry": one.industry,
            "assignedUserId": users[one.owner],
        })
        for one in some
    ))  # fmt: skip


def _account(one: Firm, users: list[str]) -> dict[str, Any]:
    return {
        "name": one.name, "industry": one.industry, "billingAddressCountry": one.country,
        "type": "Partner" if one.at % 20 == 7 else "Customer", "assignedUserId": users[one.owner],
    }  # fmt: skip


def _stage(outcome: str, at: int) -> str:
    if outcome == "open":
        return _OPEN[at % len(_OPEN)]
    return "Closed Won" if outcome == "won" else "Closed Lost"
