"""Communication: done against planned, and unknown where nobody keeps records."""

from decimal import Decimal
from fractions import Fraction

from customer_pyramid.communication import (
    Communication,
    LayerContacts,
    Silence,
    communication,
    planned_contacts,
)
from customer_pyramid.contact_plan import ContactPlan
from customer_pyramid.contacts import ContactRow, OwnTargetRow, SilenceRow
from tests.rules.customer_pyramid.books import units

PLAN = ContactPlan(
    contacts={"Top": {"visit": 12, "call": 24}, "Big": {"call": 6}},
    unit_costs={"visit": Decimal(200), "call": Decimal(20)},
)
SILENT: list[SilenceRow] = [{"layer": "Top", "customers": 4, "silent": 1}]


def contacts(
    layer: str, kind: str | None, contacts: int, inbound: int, outbound: int
) -> ContactRow:
    return {
        "layer": layer,
        "kind": kind,
        "contacts": contacts,
        "inbound": inbound,
        "outbound": outbound,
    }


def said(*rows: ContactRow, recorded: bool = True) -> Communication:
    planned = planned_contacts({"Top": 2, "Big": 10}, PLAN, (), Fraction(1))
    return communication(rows, SILENT, planned, PLAN.unit_costs, recorded=recorded)


def test_contacts_done_are_a_share_of_those_planned() -> None:
    found = said(contacts("Top", "visit", 6, 0, 6), contacts("Prospect", "call", 5, 1, 4))
    assert found.layers == (
        LayerContacts("Top", "visit", 6, Decimal(24), Decimal("0.25")),
        LayerContacts("Top", "call", 0, Decimal(48), Decimal(0)),
        LayerContacts("Big", "call", 0, Decimal(60), Decimal(0)),
        LayerContacts("Prospect", "call", 5, None, None),
    )


def test_the_mix_has_shares_and_known_costs() -> None:
    found = said(contacts("Top", "visit", 3, 0, 0), contacts("Big", "fax", 1, 0, 0))
    mix = [(kind.kind, kind.contacts, kind.share, kind.cost) for kind in found.mix]
    assert mix == [("visit", 3, Decimal("0.75"), Decimal(600)), ("fax", 1, Decimal("0.25"), None)]


def test_who_began_is_a_ratio() -> None:
    found = said(contacts("Top", "call", 10, 2, 4), contacts("Big", "call", 5, 1, 2))
    assert (found.inbound, found.outbound, found.inbound_ratio) == (3, 6, Decimal("0.5"))


def test_who_began_may_be_unknown() -> None:
    found = said(contacts("Top", "call", 10, 0, 0))
    assert (found.inbound, found.outbound, found.inbound_ratio) == (None, None, None)


def test_silence_is_a_share_of_key_customers() -> None:
    assert said().silences == (Silence("Top", 4, 1, Decimal("0.25")),)


def test_without_records_nothing_is_known() -> None:
    found = said(recorded=False)
    assert {(row.done, row.share) for row in found.layers} == {(None, None)}
    assert found.silences == (Silence("Top", 4, None, None),)


def test_a_customer_with_targets_of_its_own_is_not_planned_for_twice() -> None:
    own: list[OwnTargetRow] = [
        {"layer": "Big", "kind": "call", "accounts": 2, "per_year": units(30)},
        {"layer": "Big", "kind": "visit", "accounts": 1, "per_year": units(4)},
    ]
    planned = planned_contacts({"Big": 10, "Small": 99}, PLAN, own, Fraction(1, 2))
    assert planned == {"Big": {"call": Decimal(8 * 6 + 30) / 2, "visit": Decimal(2)}}
