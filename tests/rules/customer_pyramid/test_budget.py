"""The budget, against the toy of domain 5.5."""

from decimal import Decimal

import pytest

from customer_pyramid.budget import Misallocation, misallocation, spending
from customer_pyramid.settings import ProfitSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import Books, standing, units

SETTINGS = ProfitSettings()


def test_the_misallocation_is_that_of_the_domain() -> None:
    costs = {"Top": 300, "Inactive": 200, "Prospect": 400, "Suspect": 100}
    found = misallocation(costs, new_revenue=100, revenue=1_000, settings=SETTINGS)
    assert found == Misallocation(share=Decimal("0.70"), index=Decimal("7.0"), flagged=True)


@pytest.mark.parametrize(
    ("aimed", "new_revenue", "share", "index", "flagged"),
    [
        pytest.param(700, 500, "0.7", "1.4", True, id="at the limit"),
        pytest.param(699, 500, "0.699", "1.398", False, id="below the limit"),
        pytest.param(300, 100, "0.3", "3", False, id="at the limit of the index"),
        pytest.param(301, 100, "0.301", "3.01", True, id="above the limit of the index"),
        pytest.param(300, 0, "0.3", None, True, id="nothing from new customers"),
        pytest.param(300, -10, "0.3", None, True, id="credits to new customers"),
        pytest.param(0, 0, "0", None, False, id="nothing for non-customers"),
    ],
)
def test_the_budget_is_flagged_by_its_share_and_its_index(
    aimed: int, new_revenue: int, share: str, index: str | None, flagged: bool
) -> None:
    costs = {"Small": 1_000 - aimed, "Suspect": aimed}
    found = misallocation(costs, new_revenue=new_revenue, revenue=1_000, settings=SETTINGS)
    assert found == Misallocation(Decimal(share), Decimal(index) if index else None, flagged)


@pytest.mark.parametrize(
    ("aimed", "flagged"), [(699, False), (700, True)], ids=["below the limit", "at the limit"]
)
def test_without_revenue_the_share_alone_decides(aimed: int, flagged: bool) -> None:
    found = misallocation(
        {"Top": 1_000 - aimed, "Prospect": aimed}, new_revenue=0, revenue=0, settings=SETTINGS
    )
    assert (found.index, found.flagged) == (None, flagged)


def test_without_cost_nothing_is_known() -> None:
    found = misallocation({}, new_revenue=1, revenue=1, settings=SETTINGS)
    assert found == Misallocation(share=None, index=None, flagged=False)


def test_a_company_may_have_its_own_limits() -> None:
    strict = ProfitSettings(max_non_customer_share=Decimal("0.5"), max_budget_index=Decimal(100))
    costs = {"Top": 500, "Prospect": 500}
    assert misallocation(costs, new_revenue=1, revenue=10, settings=strict).flagged
    loose = ProfitSettings(max_non_customer_share=Decimal("0.6"), max_budget_index=Decimal(5))
    assert not misallocation(costs, new_revenue=1, revenue=10, settings=loose).flagged


def test_what_is_spent_on_leads_is_spent_on_no_customer() -> None:
    found = misallocation({"Top": 300, "Lead": 700}, new_revenue=5, revenue=10, settings=SETTINGS)
    assert found.share == Decimal("0.7")


def test_spending_is_summed_by_the_layer_it_is_aimed_at() -> None:
    selling: list[Row] = [
        {"account_id": "A", "aim": "account", "ms_cost": units(3)},
        {"account_id": "B", "aim": "account", "ms_cost": units(4)},
        {"account_id": "C", "aim": "account", "ms_cost": units(5)},
        {"account_id": "unknown", "aim": "account", "ms_cost": units(6)},
        {"account_id": None, "aim": "lead", "ms_cost": units(7)},
    ]
    stood = [standing("A", "Top"), standing("B", "Top"), standing("C", "Suspect")]
    books = Books(selling=selling, standings=stood)
    found = books.rows(spending(books["selling"], books["standings"]))
    assert {row["layer"]: row["ms_cost"] for row in found} == {
        "Top": units(7),
        "Suspect": units(5),
        "Lead": units(7),
    }
