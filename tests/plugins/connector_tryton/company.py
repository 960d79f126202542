"""A company with customers, made as people make it: leads, opportunities, sales, confirmations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.plugins.connector_tryton.trytond import Trytond


@dataclass(frozen=True)
class Company:
    """What was made: *buyers* with what each has bought, *others* who have not."""

    buyers: dict[int, Decimal]
    others: list[int]
    today: date
    before: tuple[int, int]

    @property
    def parties(self) -> list[int]:
        """Return all parties, in the order of their ids."""
        return sorted([*self.buyers, *self.others])


def found(server: Trytond, *, buyers: int, others: int = 3) -> Company:
    """Make a company whose every buyer has won and lost, and whose others have only lost."""
    before = server.newest("party.party"), server.newest("sale.opportunity")
    address = ["create", [{"city": "Brno"}]]
    names = [f"Žofie & Sons {number:02d}" for number in range(buyers + others)]
    named = [{"name": name, "addresses": [address]} for name in names]
    parties = server.call("party.party", "create", named)
    revenue = {one: Decimal("100.25") * (n + 1) for n, one in enumerate(parties[:buyers])}
    won = _opportunities(server, parties[:buyers])
    lost = _opportunities(server, parties)
    server.call("sale.opportunity", "lost", lost)
    server.call("sale.opportunity", "convert", won)
    _confirm(server, won, revenue)
    ends = server.read("sale.opportunity", [["id", "in", won]], "end_date", "state")
    assert {one["state"] for one in ends} == {"won"}
    today = max(one["end_date"] for one in ends)
    return Company(revenue, parties[buyers:], today, before)


def _opportunities(server: Trytond, parties: Sequence[int]) -> list[int]:
    deals = [
        {"company": 1, "party": one, "description": f"Deal {one}", "employee": 1}
        | {"amount": Decimal(999)}
        for one in parties
    ]
    made: list[int] = server.call("sale.opportunity", "create", deals)
    server.call("sale.opportunity", "opportunity", made)
    return made


def _confirm(server: Trytond, won: Sequence[int], revenue: dict[int, Decimal]) -> None:
    """Give each sale of an opportunity two lines, and have it confirmed: so it is won."""
    sales = server.read("sale.sale", [["origin.id", "in", won, "sale.opportunity"]], "party")
    asked: list[object] = []
    for sale in sales:
        rest = revenue[sale["party"]] - 25
        prices = (Decimal("12.50"), 2), (rest, 1)
        lines = [{"type": "line", "unit_price": one, "quantity": count} for one, count in prices]
        asked += [[sale["id"]], {"lines": [["create", lines]]}]
    server.call("sale.sale", "write", *asked)
    server.call("sale.sale", "quote", [sale["id"] for sale in sales])
    server.call("sale.sale", "confirm", [sale["id"] for sale in sales])
