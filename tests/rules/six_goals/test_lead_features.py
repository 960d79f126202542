"""Lead features: what was known of a lead at an age."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import ibis
import pytest

from six_goals.lead_features import (
    activities_seen,
    activity_counts,
    lead_examples,
    lead_histories,
)
from six_goals.settings import LeadScoringSettings
from six_goals.tables import TABLES
from tests.rules.six_goals.company import Company

CREATED = datetime(2024, 1, 1, 12, tzinfo=UTC)
AS_OF = date(2024, 6, 30)
SETTINGS = LeadScoringSettings()
Row = dict[str, Any]


def lead(status: str = "open", closed: int | None = None, **more: object) -> Row:
    """Return the lead L, created on January 1 and *closed* so many days later."""
    closed_on = None if closed is None else CREATED.date() + timedelta(days=closed)
    return {
        "id": "L",
        "account_id": "A",
        "status": status,
        "created_at": CREATED,
        "closed_on": closed_on,
        **more,
    }


def activity(day: int, kind: str = "call", **more: object) -> Row:
    """Return an activity with the lead L so many days after it was created."""
    return {"lead_id": "L", "kind": kind, "happened_at": CREATED + timedelta(days=day), **more}


def known(
    *leads: Row,
    activities: list[Row] | None = None,
    accounts: list[Row] | None = None,
    as_of: date = AS_OF,
    settings: LeadScoringSettings = SETTINGS,
    zone: str = "UTC",
) -> tuple[list[Row], list[Row]]:
    """Return the rows of `lead_histories`, by lead and age, and those of `activity_counts`."""
    company = Company(as_of, leads=leads, activities=activities or [], accounts=accounts or [])
    company.database.execute(f"set timezone = '{zone}'")
    leads_and_accounts = company.table("leads"), company.table("accounts")
    examples = company.keep("examples", lead_examples(*leads_and_accounts, settings, as_of))
    seen = company.keep("seen", activities_seen(examples, company.table("activities")))
    histories = company.rows(lead_histories(examples, seen))
    by_age = sorted(histories, key=lambda row: (row["lead_id"], row["age"]))
    return by_age, company.rows(activity_counts(seen))


@pytest.mark.parametrize(
    ("status", "closed", "ages"),
    [
        pytest.param("won", 13, [0], id="won a day before two weeks"),
        pytest.param("won", 14, [0, 14], id="won after two weeks"),
        pytest.param("disqualified", 29, [0, 14], id="disqualified before a month"),
        pytest.param("lost", 90, [0, 14, 30], id="lost late"),
        pytest.param("lost", None, [], id="lost on an unknown day"),
        pytest.param("open", None, [0, 14, 30], id="open"),
        pytest.param("qualified", None, [0, 14, 30], id="qualified"),
    ],
)
def test_a_lead_is_an_example_of_the_ages_it_reached_undecided(
    status: str, closed: int | None, ages: list[int]
) -> None:
    rows, _ = known(lead(status, closed))
    assert [row["age"] for row in rows] == ages


@pytest.mark.parametrize(("days", "ages"), [(-1, []), (0, [0]), (29, [0, 14]), (30, [0, 14, 30])])
def test_an_open_lead_has_the_ages_it_has_reached_by_the_day(days: int, ages: list[int]) -> None:
    rows, _ = known(lead(), as_of=CREATED.date() + timedelta(days=days))
    assert [row["age"] for row in rows] == ages


@pytest.mark.parametrize(
    ("status", "won"), [("won", True), ("lost", False), ("disqualified", False), ("open", None)]
)
def test_only_a_decided_lead_was_won_or_not(status: str, won: bool | None) -> None:
    rows, _ = known(lead(status, 60))
    assert {row["won"] for row in rows} == {won}


def test_what_was_decided_after_the_day_is_still_open() -> None:
    rows, _ = known(lead("won", 60), as_of=CREATED.date() + timedelta(days=59))
    assert [(row["age"], row["won"]) for row in rows] == [(0, None), (14, None), (30, None)]


def test_a_status_that_counts_for_nothing_is_left_out() -> None:
    lost_only = LeadScoringSettings(not_won=frozenset({"lost"}))
    assert known(lead("disqualified", 60), settings=lost_only)[0] == []


def test_a_lead_takes_from_its_account_what_it_does_not_say() -> None:
    account = {"id": "A", "industry": "retail", "region": "N", "size_band": "L", "source": "fair"}
    rows, _ = known(lead(region="S", channel="web"), accounts=[account])
    names = ("industry", "region", "size_band", "source", "channel")
    assert [rows[0][name] for name in names] == ["retail", "S", "L", "fair", "web"]


def test_only_activities_before_the_age_are_seen() -> None:
    rows, _ = known(lead(), activities=[activity(day) for day in (-1, 0, 13, 14, 29, 30)])
    assert [(row["age"], row["activities"]) for row in rows] == [(0, 0), (14, 2), (30, 4)]


def test_the_days_are_those_to_the_first_and_since_the_last_activity() -> None:
    rows, _ = known(lead(), activities=[activity(day) for day in (3, 5, 10)])
    assert [(row["days_to_first"], row["days_since_last"]) for row in rows] == [
        (None, None),
        (3, 4),
        (3, 20),
    ]


def test_inbound_activities_are_counted_apart() -> None:
    directions = ("inbound", "outbound", None, "inbound")
    rows, _ = known(lead(), activities=[activity(1, direction=way) for way in directions])
    assert (rows[1]["activities"], rows[1]["inbound"]) == (4, 2)


def test_an_activity_of_the_account_is_with_each_of_its_leads() -> None:
    general = activity(1, lead_id=None, account_id="A")
    other = activity(1, lead_id="M", account_id="A")
    rows, _ = known(lead(), lead(id="M"), lead(id="N", account_id="B"), activities=[general, other])
    found = {row["lead_id"]: row["activities"] for row in rows if row["age"] == 14}
    assert found == {"L": 1, "M": 2, "N": 0}


def test_kinds_and_outcomes_are_counted_for_each_age() -> None:
    _, counts = known(
        lead(),
        activities=[
            activity(1, outcome="no_answer"),
            activity(2, outcome="connected"),
            activity(20, outcome="connected"),
            activity(3, kind="visit"),
        ],
    )
    found = {(row["age"], row["feature"]): row["n"] for row in counts}
    assert found == {
        (14, "kind:call"): 2,
        (14, "kind:visit"): 1,
        (14, "outcome:connected"): 1,
        (14, "outcome:no_answer"): 1,
        (30, "kind:call"): 3,
        (30, "kind:visit"): 1,
        (30, "outcome:connected"): 2,
        (30, "outcome:no_answer"): 1,
    }


@pytest.mark.parametrize(("zone", "seen"), [("UTC", 1), ("Asia/Shanghai", 0)])
def test_a_day_begins_at_midnight_where_the_company_is(zone: str, seen: int) -> None:
    late = activity(13, happened_at=datetime(2024, 1, 14, 20, tzinfo=UTC))
    rows, _ = known(lead(), activities=[late], zone=zone)
    assert rows[1]["activities"] == seen


def test_the_tables_compile_for_postgresql() -> None:
    leads, accounts, activities = (
        ibis.table(TABLES[name], name=name) for name in ("leads", "accounts", "activities")
    )
    examples = lead_examples(leads, accounts, SETTINGS, AS_OF)
    seen = activities_seen(examples, activities)
    for table in (examples, seen, lead_histories(examples, seen), activity_counts(seen)):
        assert ibis.to_sql(table, dialect="postgres")


@pytest.mark.parametrize("ages", [(), (14, 0), (-1, 14), (0, 0)])
def test_ages_must_rise_from_zero(ages: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ages must be days"):
        LeadScoringSettings(ages=ages)
