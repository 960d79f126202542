"""Hysteresis: the toy of domain 5.5, steps over more than one boundary, and confirmation."""

from decimal import Decimal

import ibis
import pytest

from customer_pyramid.hysteresis import steady_tier
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.tiers import tier_name, tier_number
from tests.rules.crm import Crm

TEN_PERCENT = PyramidSettings(hysteresis=Decimal("0.1"))
BOUNDARIES = (1_000, 100, 10)
COLUMNS = {"revenue": "int64", "raw": "string", "held": "string", "held_raw": "string"}


def steady(
    revenue: str,
    raw: str,
    held: str | None,
    held_raw: str | None = None,
    settings: PyramidSettings = TEN_PERCENT,
    boundaries: tuple[int | None, ...] = BOUNDARIES,
) -> str:
    crm = Crm()
    row = {"revenue": int(Decimal(revenue) * 100), "raw": raw, "held": held, "held_raw": held_raw}
    rows = crm.table("customers", COLUMNS, [row])
    number = steady_tier(
        rows.revenue,
        tier_number(rows.raw, settings),
        tier_number(rows.held, settings),
        tier_number(rows.held_raw, settings),
        [
            ibis.null("int64") if bound is None else ibis.literal(bound * 100)
            for bound in boundaries
        ],
        settings,
    )
    return str(crm.row(rows.select(tier=tier_name(number, settings)))["tier"])


@pytest.mark.parametrize(
    ("revenue", "raw", "held", "tier"),
    [
        pytest.param("105", "Big", "Medium", "Medium", id="not far enough over"),
        pytest.param("110", "Big", "Medium", "Big", id="far enough over"),
        pytest.param("95", "Medium", "Big", "Big", id="not far enough under"),
        pytest.param("90", "Medium", "Big", "Big", id="just held"),
        pytest.param("89.99", "Medium", "Big", "Medium", id="far enough under"),
        pytest.param("105", "Big", "Small", "Medium", id="up one boundary of two"),
        pytest.param("1100", "Top", "Small", "Top", id="up all boundaries"),
        pytest.param("1050", "Top", "Small", "Big", id="up two boundaries of three"),
        pytest.param("9.5", "Small", "Top", "Medium", id="down two boundaries of three"),
        pytest.param("8.9", "Small", "Top", "Small", id="down all boundaries"),
        pytest.param("500", "Big", "Big", "Big", id="no move"),
        pytest.param("105", "Big", None, "Big", id="new customers get the raw tier"),
        pytest.param("105", "Big", "Inactive", "Big", id="reactivated ones too"),
    ],
)
def test_a_move_needs_a_tenth_more(revenue: str, raw: str, held: str, tier: str) -> None:
    assert steady(revenue, raw, held) == tier


def test_an_empty_tier_is_stepped_over() -> None:
    boundaries = (1_000, None, 10)
    assert steady("1100", "Top", "Small", boundaries=boundaries) == "Top"
    assert steady("500", "Medium", "Big", boundaries=boundaries) == "Medium"


@pytest.mark.parametrize(
    ("raw", "held", "held_raw", "tier"),
    [
        pytest.param("Big", "Medium", "Medium", "Medium", id="seen once"),
        pytest.param("Big", "Medium", "Big", "Big", id="seen twice"),
        pytest.param("Top", "Medium", "Big", "Big", id="only as far as both"),
        pytest.param("Small", "Medium", "Big", "Medium", id="once up, once down"),
        pytest.param("Small", "Medium", "Small", "Small", id="down twice"),
    ],
)
def test_a_move_may_need_two_runs(raw: str, held: str, held_raw: str, tier: str) -> None:
    settings = PyramidSettings(confirm_runs=2)
    assert steady("500", raw, held, held_raw, settings) == tier
