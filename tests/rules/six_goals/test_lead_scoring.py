"""Lead scoring: the chance that an open lead is won, by worked examples and on public data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from six_goals import lead_scoring
from six_goals.lead_features import (
    activities_seen,
    activity_counts,
    lead_examples,
    lead_histories,
)
from six_goals.lead_scoring import Fit, LeadScores, TooFew, score_leads
from six_goals.settings import LeadScoringSettings
from tests.rules.crm import dataset, read_csv
from tests.rules.six_goals.company import Company

Row = dict[str, Any]
DAY_ONE = date(2023, 1, 1)
AS_OF = date(2024, 12, 31)
AT_ONCE = LeadScoringSettings(ages=(0,))
HISTORY = pa.schema(
    [
        ("lead_id", pa.string()),
        ("account_id", pa.string()),
        ("age", pa.int64()),
        ("created_on", pa.date32()),
        ("won", pa.bool_()),
        *((name, pa.string()) for name in ("industry", "region", "size_band", "source", "channel")),
        *((name, pa.int64()) for name in ("days_to_first", "days_since_last")),
        *((name, pa.int64()) for name in ("activities", "inbound")),
    ]
)
COUNT = pa.schema(
    [("lead_id", pa.string()), ("age", pa.int64()), ("feature", pa.string()), ("n", pa.int64())]
)


def lead(number: int, won: bool | None, **more: object) -> Row:
    """Return a lead of age 0, one created each day."""
    day = DAY_ONE + timedelta(days=number)
    known = {"lead_id": f"L{number:04}", "account_id": f"A{number:04}", "created_on": day}
    return {"age": 0, "activities": 0, "inbound": 0, **known, "won": won, **more}


def in_fives(number: int, rates: Mapping[str, int]) -> list[Row]:
    """Return decided leads, industries in turn, of which *rates* of each five are won."""
    turns = product(range(number), rates)
    return [
        lead(number, round_ % 5 < rates[industry], industry=industry)
        for number, (round_, industry) in zip(range(number), turns, strict=False)
    ]


def scored(
    leads: Sequence[Row], chosen: LeadScoringSettings = AT_ONCE, counts: Sequence[Row] = ()
) -> LeadScores:
    return score_leads(
        pa.Table.from_pylist(list(leads), schema=HISTORY),
        pa.Table.from_pylist(list(counts), schema=COUNT),
        chosen,
    )


@pytest.fixture(scope="module")
def halves() -> list[Row]:
    """Return 400 decided leads: of retail three of five are won, of food one of five."""
    return in_fives(400, {"retail": 3, "food": 1})


def test_the_figures_are_those_of_the_newest_quarter(halves: list[Row]) -> None:
    # 100 held out: of 50 in retail 30 are won, of 50 in food 10. A won lead meets one that was not
    # in another industry, and stands above it, in 30 x 40 of 40 x 60 cases, in the same in
    # 30 x 20 + 10 x 40: these count half.
    (fit,) = scored(halves).fits
    assert (fit.age, fit.learned, fit.held_out, fit.won) == (0, 300, 100, 40)
    assert fit.base_rate == Decimal("0.4")
    assert fit.auc == Decimal("0.708333")
    assert fit.lift == Decimal("1.5")
    assert fit.tells


def test_chances_are_calibrated(halves: list[Row]) -> None:
    (fit,) = scored(halves).fits
    assert fit.expected_rate == pytest.approx(Decimal("0.4"), abs=Decimal("0.01"))
    assert fit.brier == pytest.approx(Decimal("0.2"), abs=Decimal("0.005"))  # (.24 + .16) / 2


def test_an_open_lead_has_the_chance_of_its_like(halves: list[Row]) -> None:
    asked = [lead(900, None, industry="food"), lead(901, None, industry="retail")]
    food, retail = scored([*halves, *asked]).scores.to_pylist()
    assert (food["lead_id"], food["account_id"], food["age"]) == ("L0900", "A0900", 0)
    assert food["p"] == pytest.approx(0.2, abs=0.02)
    assert retail["p"] == pytest.approx(0.6, abs=0.02)


def test_a_reason_is_what_speaks_for_a_lead(halves: list[Row]) -> None:
    for number, row in enumerate(halves):
        row["region"] = "N" if number % 4 < 2 else "S"  # as many are won in both
    asked = [
        lead(900, None, industry="food"),
        lead(901, None, industry="retail"),
        lead(902, None, industry="mining"),
    ]
    food, retail, mining = scored([*halves, *asked]).scores.to_pylist()
    assert (retail["first_feature"], retail["first_value"]) == ("industry", "retail")
    assert (retail["second_feature"], retail["second_value"]) == (None, None)
    assert food["first_feature"] is None
    assert mining["first_feature"] is None


def with_calls(number: int, won: bool | None, calls: int) -> tuple[Row, list[Row]]:
    """Return a lead of age 14 after so many calls, and their count."""
    days = {"days_to_first": 1, "days_since_last": 13} if calls else {}
    row = lead(number, won, age=14, activities=calls, **days)
    count = {"lead_id": row["lead_id"], "age": 14, "feature": "kind:call", "n": calls}
    return row, [count] if calls else []


def test_what_happened_is_a_reason_with_its_number() -> None:
    every = [with_calls(number, number % 2 == 1, 3 * (number % 2)) for number in range(400)]
    asked = [with_calls(900, None, 3), with_calls(901, None, 0)]
    rows = [row for row, _ in [*every, *asked]]
    counts = [count for _, counted in [*every, *asked] for count in counted]
    called, silent = scored(rows, LeadScoringSettings(ages=(14,)), counts).scores.to_pylist()
    named = {called[f"{place}_feature"]: called[f"{place}_value"] for place in ("first", "second")}
    facts = {"kind:call": "3", "activities": "3", "days_to_first": "1", "days_since_last": "13"}
    assert len(named) == 2
    assert named.items() <= facts.items()
    assert silent["first_feature"] is None


@pytest.mark.parametrize(
    ("leads", "won", "not_won"),
    [
        pytest.param([], 0, 0, id="no leads"),
        pytest.param(in_fives(199, {"retail": 3, "food": 1}), 80, 119, id="few leads"),
        pytest.param([lead(n, n % 14 == 0) for n in range(400)], 29, 371, id="few won"),
        pytest.param([lead(n, n % 14 > 0) for n in range(400)], 371, 29, id="few not won"),
        pytest.param([lead(n, n < 250) for n in range(400)], 250, 150, id="none won lately"),
    ],
)
def test_too_few_leads_say_nothing(leads: list[Row], won: int, not_won: int) -> None:
    found = scored([*leads, lead(900, None, industry="retail")])
    assert found.too_few == (TooFew(age=0, won=won, not_won=not_won),)
    assert (found.fits, found.scores.num_rows) == ((), 0)


def test_a_model_that_guesses_is_not_used() -> None:
    found = scored([*in_fives(400, {"retail": 2, "food": 2}), lead(900, None, industry="food")])
    (fit,) = found.fits
    assert not fit.tells
    assert found.scores.num_rows == 0


def test_leads_of_which_nothing_is_known_are_all_alike() -> None:
    (fit,) = scored([lead(n, n % 5 < 2) for n in range(400)]).fits
    assert (fit.auc, fit.lift) == (Decimal("0.5"), Decimal(1))
    assert not fit.tells


@pytest.mark.parametrize(
    ("auc", "tells"), [("0.585", False), ("0.620", True), ("0.5", False), ("0.1", False)]
)
def test_an_auc_must_be_beyond_chance(auc: str, tells: bool) -> None:
    # 50 won, 50 not: the standard error of guessing is sqrt(101 / (12 x 2500)) = 0.058.
    zero = Decimal(0)
    fit = Fit(0, 300, 100, 50, Decimal("0.5"), Decimal("0.5"), zero, zero, zero)
    assert replace(fit, auc=Decimal(auc)).tells is tells


def at_ages(row: Row, *ages: int) -> list[Row]:
    return [{**row, "age": age} for age in ages]


def test_a_lead_is_judged_at_the_highest_age_with_enough_data(halves: list[Row]) -> None:
    decided = [old for row in halves for old in at_ages(row, 0, 14)]
    young, older = lead(900, None, industry="food"), lead(901, None, industry="retail")
    found = scored(
        [*decided, *at_ages(young, 0), *at_ages(older, 0, 14, 30)], LeadScoringSettings()
    )
    assert [row["age"] for row in found.scores.to_pylist()] == [0, 14]
    assert [fit.age for fit in found.fits] == [0, 14]
    assert found.too_few == (TooFew(age=30, won=0, not_won=0),)


def test_only_the_newest_leads_are_learned_from(
    halves: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [lead(n - 800, n % 2 == 0, industry="food") for n in range(400)]
    monkeypatch.setattr(lead_scoring, "NEWEST", 400)
    assert scored([*before, *halves]).fits == scored(halves).fits


def test_leads_judged_in_parts_have_the_same_chances(
    halves: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [lead(900 + n, None, industry=("food", "retail")[n % 2]) for n in range(7)]
    whole = scored([*halves, *asked])
    monkeypatch.setattr(lead_scoring, "_AT_ONCE", 3)
    assert scored([*halves, *asked]) == whole


@cache
def mixed() -> tuple[list[Row], list[Row]]:
    """Return leads of which some are open, and counts of their activities."""
    chance = Random(7)
    leads, counts = [], []
    for number in range(300):
        calls = chance.randrange(4)
        won = chance.random() < 0.2 * (1 + calls)
        row, counted = with_calls(number, None if number % 10 == 0 else won, calls)
        leads.append({**row, "industry": chance.choice(["a", "b", None])})
        counts += counted
    return leads, counts


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(chance: Random) -> None:
    leads, counts = mixed()
    chosen = LeadScoringSettings(ages=(14,))
    shuffled = scored(chance.sample(leads, len(leads)), chosen, chance.sample(counts, len(counts)))
    assert shuffled.scores.num_rows == 30
    assert shuffled == scored(leads, chosen, counts)


@pytest.mark.parametrize("part", ["0.19", "0.51"])
def test_the_part_held_out_is_neither_too_small_nor_too_large(part: str) -> None:
    with pytest.raises(ValueError, match=r"held_out must be from 0\.2 to 0\.5"):
        LeadScoringSettings(held_out=Decimal(part))


def learned(company: Company, chosen: LeadScoringSettings) -> LeadScores:
    """Return the scores of a company's leads, as the goal gets them."""
    company.database.execute("set timezone = 'UTC'")
    leads, accounts = company.table("leads"), company.table("accounts")
    examples = company.keep("examples", lead_examples(leads, accounts, chosen, company.as_of))
    seen = company.keep("seen", activities_seen(examples, company.table("activities")))
    histories = company.arrow(lead_histories(examples, seen))
    return score_leads(histories, company.arrow(activity_counts(seen)), chosen)


def with_telltale(told_on: Callable[[int], Sequence[int]]) -> LeadScores:
    """Return the scores of leads of which the won ones have contracts on the days *told_on*.

    It is asked with the day, after its creation, on which the lead was decided: 10, 20 or 60.
    Otherwise chance decides, and three calls are made whatever comes of it.
    """
    chance = Random(11)
    leads, activities = [], []
    for number in range(900):
        created = datetime(2023, 1, 1, 12, tzinfo=UTC) + timedelta(hours=12 * number)
        status, decided = chance.choice(["won", "lost", "lost"]), chance.choice([10, 20, 60, 60])
        contracts = [(day, "contract") for day in told_on(decided) if status == "won"]
        calls = [(chance.randrange(decided), "call") for _ in range(3)]
        leads.append(
            {
                "id": f"L{number:03}",
                "status": "open" if number % 20 == 0 else status,
                "industry": chance.choice(["a", "b"]),
                "created_at": created,
                "closed_on": created.date() + timedelta(days=decided) if number % 20 else None,
            }
        )
        activities += [
            {"lead_id": f"L{number:03}", "kind": kind, "happened_at": created + timedelta(days=day)}
            for day, kind in calls + contracts
        ]
    return learned(Company(AS_OF, leads=leads, activities=activities), LeadScoringSettings())


def test_what_tells_the_outcome_after_the_age_is_not_learned() -> None:
    nothing = with_telltale(lambda decided: [])
    afterwards = with_telltale(lambda decided: [30, 40])
    on_the_day = with_telltale(lambda decided: [decided, decided + 1])
    assert len(nothing.fits) == 3
    assert afterwards == nothing
    assert on_the_day == nothing


def test_what_tells_the_outcome_before_the_age_is_learned() -> None:
    told = with_telltale(lambda decided: [5])
    assert {fit.age: fit.auc > Decimal("0.99") for fit in told.fits} == {
        0: False,
        14: True,
        30: True,
    }


def leadforge() -> Company:
    """Return the public leads; the label of each is known 90 days after it was created."""
    folder = dataset("leadforge_b2b")
    label = {
        row["lead_id"]: row["converted_within_90_days"] == "True"
        for row in read_csv(folder / "labels.csv")
    }
    accounts = [
        {
            "id": row["account_id"],
            "industry": row["industry"],
            "region": row["region"],
            "size_band": row["employee_band"],
        }
        for row in read_csv(folder / "accounts.csv")
    ]
    leads = [
        {
            "id": row["lead_id"],
            "account_id": row["account_id"],
            "status": "won" if label[row["lead_id"]] else "lost",
            "source": row["lead_source"],
            "channel": row["first_touch_channel"],
            "created_at": _noon(row["lead_created_at"]),
            "closed_on": date.fromisoformat(row["lead_created_at"]) + timedelta(days=90),
        }
        for row in read_csv(folder / "leads.csv")
    ]
    activities = [
        {
            "lead_id": row["lead_id"],
            "kind": row["activity_type"],
            "outcome": row["activity_outcome"],
            "happened_at": _noon(row["activity_timestamp"]),
        }
        for row in read_csv(folder / "sales_activities.csv")
    ]
    return Company(date(2024, 6, 30), accounts=accounts, leads=leads, activities=activities)


def test_public_leads_are_told_apart_better_than_by_their_industry() -> None:
    company = leadforge()
    found = {fit.age: fit for fit in learned(company, LeadScoringSettings()).fits}
    month = found[30]
    assert (month.learned, month.held_out, month.won) == (3750, 1250, 258)
    assert month.auc == pytest.approx(Decimal("0.559"), abs=Decimal("0.005"))
    assert month.lift == pytest.approx(Decimal("1.163"), abs=Decimal("0.1"))
    by_industry = auc_by_industry(company, held_out=1250)
    assert by_industry == pytest.approx(0.5, abs=0.05)
    assert float(month.auc) > by_industry + 0.04
    assert [age for age, fit in found.items() if fit.tells] == [30]


def auc_by_industry(company: Company, *, held_out: int) -> float:
    """Return how well the older leads' rate of their industry tells the newest apart."""
    leads = company.rows(company.table("leads").select("id", "account_id", "status", "created_at"))
    leads.sort(key=lambda row: (row["created_at"], row["id"]))
    industry = {row["id"]: row["industry"] for row in company.rows(company.table("accounts"))}
    known, judged = leads[:-held_out], leads[-held_out:]
    decided: dict[str, list[bool]] = {name: [] for name in industry.values()}
    for row in known:
        decided[industry[row["account_id"]]].append(row["status"] == "won")
    rate = {name: sum(won) / len(won) for name, won in decided.items()}
    won, lost = (
        [rate[industry[row["account_id"]]] for row in judged if row["status"] == status]
        for status in ("won", "lost")
    )
    pairs = ((high > low) + (high == low) / 2 for high, low in product(won, lost))
    return sum(pairs) / (len(won) * len(lost))


def _noon(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=12)
