"""Incidents: what counts as a bad experience or a good one, and from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import ibis
import pytest

from six_goals.case_incidents import case_incidents, dated_cases, praise
from six_goals.contact_gaps import handover_gaps, recent_contacts, reply_gaps
from six_goals.incidents import delivery_incidents, loss_incidents
from six_goals.settings import ExperienceSettings
from tests.rules.six_goals.company import Company

AS_OF = date(2024, 12, 31)
"""A Tuesday."""

SETTINGS = ExperienceSettings()

Row = dict[str, Any]
Found = tuple[str, str, int, int | None]


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def at(days: int, hour: int = 12) -> datetime:
    return datetime.combine(ago(days), time(hour), UTC)


def case(case_id: str = "17", **more: Any) -> Row:
    return {"id": case_id, "account_id": "A", "status": "closed", "opened_at": at(40), **more}


def scored(score: float, days: int = 5, *, scale: str = "nps", case_id: str = "17") -> Row:
    return case(case_id, closed_at=at(days), **{scale: round(score * 10_000)})


def found(company: Company, table: Any) -> list[Found]:
    rows = company.rows(table)
    return sorted((row["kind"], row["record_id"], row["ago"], row["figure"]) for row in rows)


def of_cases(*cases: Row) -> list[Found]:
    company = Company(AS_OF, cases=cases)
    return found(company, case_incidents(dated_cases(company.table("cases"), AS_OF), SETTINGS))


def praise_of(*cases: Row) -> list[Found]:
    company = Company(AS_OF, cases=cases)
    return found(company, praise(dated_cases(company.table("cases"), AS_OF), SETTINGS))


@pytest.mark.parametrize(
    ("status", "due", "late"),
    [
        pytest.param("open", at(5), 5, id="five days late"),
        pytest.param("open", at(0, 23), 0, id="due today"),
        pytest.param("open", at(-1), None, id="due tomorrow"),
        pytest.param("open", at(400), 400, id="for more than a year"),
        pytest.param("open", None, None, id="without a day"),
        pytest.param("closed", at(5), None, id="closed"),
    ],
)
def test_an_open_case_is_overdue_at_the_end_of_its_day(
    status: str, due: datetime | None, late: int | None
) -> None:
    expected = [] if late is None else [("overdue_case", "17", late, late)]
    assert of_cases(case(status=status, due_at=due)) == expected


@pytest.mark.parametrize(
    ("due", "answered", "figures"),
    [
        pytest.param(at(5), at(3), (3, 2), id="two days late"),
        pytest.param(at(3, 9), at(3, 17), (3, 0), id="hours late"),
        pytest.param(at(3, 17), at(3, 9), None, id="in time"),
        pytest.param(at(95), at(91), None, id="long ago"),
        pytest.param(None, at(3), None, id="nothing promised"),
    ],
)
def test_a_first_answer_is_slow_after_the_time_it_was_due(
    due: datetime | None, answered: datetime, figures: tuple[int, int] | None
) -> None:
    expected = [("slow_response", "17", *figures)] if figures else []
    assert of_cases(case(due_at=due, first_response_at=answered)) == expected


@pytest.mark.parametrize(
    ("closed", "counts"),
    [
        pytest.param({"closed_at": at(90)}, True, id="closed 90 days ago"),
        pytest.param({"closed_at": at(91), "opened_at": at(200)}, False, id="closed before"),
        pytest.param({"status": "open", "opened_at": at(200)}, True, id="open"),
    ],
)
def test_a_reopened_case_counts_while_it_is_open_or_recent(
    closed: dict[str, Any], counts: bool
) -> None:
    kinds = [kind for kind, *_ in of_cases(case(reopened=True, **closed))]
    assert kinds == (["reopened"] if counts else [])


@pytest.mark.parametrize(
    ("scale", "score", "kind"),
    [
        ("csat", 2, "low_csat"),
        ("csat", 2.5, None),
        ("csat", 3, None),
        ("nps", 6, "low_nps"),
        ("nps", 7, None),
        ("nps", 0, "low_nps"),
    ],
)
def test_a_low_score_is_a_bad_experience(scale: str, score: float, kind: str | None) -> None:
    expected = [(kind, "17", 5, round(score * 10_000))] if kind else []
    assert of_cases(scored(score, scale=scale)) == expected


@pytest.mark.parametrize(("days", "counts"), [(90, True), (91, False)])
def test_a_score_counts_for_as_long_as_it_is_recent(days: int, counts: bool) -> None:
    assert bool(of_cases(scored(1, days))) == counts


def test_a_score_without_a_day_of_closing_is_as_old_as_its_case() -> None:
    assert of_cases(case(nps=10_000)) == [("low_nps", "17", 40, 10_000)]


@pytest.mark.parametrize(
    ("opened", "number"),
    [
        pytest.param((1, 50, 89), 3, id="three in 90 days"),
        pytest.param((1, 50, 90), None, id="one of them before"),
        pytest.param((1, 2), None, id="two"),
        pytest.param((1, 2, 3, 4), 4, id="four"),
    ],
)
def test_many_cases_are_an_incident_of_the_latest(
    opened: Sequence[int], number: int | None
) -> None:
    cases = [case(f"{days} days", opened_at=at(days)) for days in opened]
    assert of_cases(*cases) == ([("many_cases", "1 days", 1, number)] if number else [])


def test_cases_of_different_accounts_are_not_added_up() -> None:
    cases = [case(name, account_id=name) for name in "ABC"]
    assert of_cases(*cases) == []


@pytest.mark.parametrize(
    ("before", "after", "fell"),
    [
        pytest.param(10, 7, True, id="by three"),
        pytest.param(9.5, 7, False, id="by less"),
        pytest.param(7, 10, False, id="it rose"),
    ],
)
def test_a_score_that_falls_by_three_is_an_incident(
    before: float, after: float, fell: bool
) -> None:
    cases = [scored(before, 100, case_id="old"), scored(after, 5, case_id="new")]
    assert of_cases(*cases) == ([("score_drop", "new", 5, round(after * 10_000))] if fell else [])


def test_only_the_last_two_scores_of_one_scale_are_compared() -> None:
    fell = [scored(10, 150, case_id="1"), scored(7, 120, case_id="2")]
    steady = {**scored(7, 10, case_id="3"), "opened_at": at(100)}
    assert of_cases(*fell, steady) == []
    assert of_cases(scored(10, 30, case_id="1"), scored(4, 20, scale="csat", case_id="2")) == []


@pytest.mark.parametrize(
    ("scores", "kinds"),
    [
        pytest.param({"nps": 90_000}, ["promoter"], id="promoter"),
        pytest.param({"nps": 80_000}, [], id="passive"),
        pytest.param({"csat": 50_000}, ["satisfied"], id="satisfied"),
        pytest.param({"csat": 40_000}, [], id="rather satisfied"),
        pytest.param({"nps": 100_000, "csat": 50_000}, ["promoter"], id="once a case"),
        pytest.param({"nps": 0, "csat": 50_000}, ["satisfied"], id="one of both"),
    ],
)
def test_praise_is_the_highest_scores(scores: dict[str, Any], kinds: list[str]) -> None:
    assert [kind for kind, *_ in praise_of(case(closed_at=at(3), **scores))] == kinds


@pytest.mark.parametrize(
    ("promised", "delivered", "expected"),
    [
        pytest.param(10, 3, ("late_delivery", "10248", 3, 7), id="late"),
        pytest.param(3, 3, None, id="on the day"),
        pytest.param(3, 10, None, id="early"),
        pytest.param(4, None, ("missed_delivery", "10248", 4, 4), id="not yet"),
        pytest.param(0, None, None, id="today"),
        pytest.param(-4, None, None, id="to come"),
        pytest.param(100, 90, ("late_delivery", "10248", 90, 10), id="recent"),
        pytest.param(100, 91, None, id="long ago"),
        pytest.param(91, None, None, id="nobody noted it"),
    ],
)
def test_a_delivery_after_its_promise_is_an_incident(
    promised: int, delivered: int | None, expected: Found | None
) -> None:
    row = {
        "deal_id": "10248",
        "account_id": "A",
        "promised": ago(promised),
        "delivered": None if delivered is None else ago(delivered),
    }
    company = Company(AS_OF, deliveries=[row])
    table = delivery_incidents(company.table("deliveries"), AS_OF, SETTINGS)
    assert found(company, table) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("reason", "days", "counts"),
    [
        pytest.param("Poor SERVICE", 90, True, id="service"),
        pytest.param("Poor service", 91, False, id="long ago"),
        pytest.param("price", 5, False, id="price"),
        pytest.param(None, 5, False, id="unknown"),
    ],
)
def test_a_deal_lost_for_service_is_an_incident(
    reason: str | None, days: int, counts: bool
) -> None:
    lost = {"id": "9", "account_id": "A", "close_date": ago(days), "reason": reason}
    company = Company(AS_OF, lost_deals=[lost])
    table = loss_incidents(company.table("lost_deals"), AS_OF, SETTINGS)
    assert found(company, table) == ([("service_lost", "9", days, None)] if counts else [])


def test_words_for_service_can_be_of_any_language_or_none() -> None:
    lost = {"id": "9", "account_id": "A", "close_date": ago(5), "reason": "服务太差"}
    company = Company(AS_OF, lost_deals=[lost])
    for words, kinds in ((("服务",), ["service_lost"]), ((), [])):
        settings = ExperienceSettings(service_words=words)
        table = loss_incidents(company.table("lost_deals"), AS_OF, settings)
        assert [kind for kind, *_ in found(company, table)] == kinds


def contact(days: int, direction: str | None = None, hour: int = 12, account: str = "A") -> Row:
    return {
        "id": f"{days} days, {hour} h",
        "account_id": account,
        "kind": "call",
        "direction": direction,
        "happened_at": at(days, hour),
    }


@pytest.mark.parametrize(
    ("sold", "contacts", "gap"),
    [
        pytest.param(30, [31], True, id="only before"),
        pytest.param(30, [30], False, id="on the day"),
        pytest.param(30, [16], False, id="after 14 days"),
        pytest.param(30, [15], True, id="after 15 days"),
        pytest.param(14, [60], True, id="the time is over"),
        pytest.param(13, [60], False, id="there is still time"),
        pytest.param(90, [5], True, id="recent"),
        pytest.param(91, [5], False, id="long ago"),
    ],
)
def test_an_order_that_nobody_follows_up_is_an_incident(
    sold: int, contacts: Sequence[int], gap: bool
) -> None:
    sale = {"id": "7", "account_id": "A", "close_date": ago(sold), "amount": 1}
    credit = {**sale, "id": "credit", "amount": -1}
    others = [contact(sold, account="B")]
    company = Company(
        AS_OF, sales=[sale, credit], activities=[*(contact(days) for days in contacts), *others]
    )
    recent = company.keep("recent", recent_contacts(company.table("activities"), AS_OF, SETTINGS))
    table = handover_gaps(company.table("sales"), recent, AS_OF, SETTINGS)
    assert found(company, table) == ([("handover_gap", "7", sold, None)] if gap else [])


@pytest.mark.parametrize(
    ("contacts", "waiting"),
    [
        pytest.param([contact(5, "inbound")], 5, id="since Thursday"),
        pytest.param([contact(4, "inbound")], None, id="since Friday: today is in time"),
        pytest.param([contact(1, "inbound")], None, id="since yesterday"),
        pytest.param([contact(5, "inbound"), contact(4, "outbound")], None, id="answered"),
        pytest.param([contact(5, "inbound"), contact(4)], None, id="met"),
        pytest.param([contact(5, "inbound", 12), contact(5, "outbound", 9)], 5, id="before it"),
        pytest.param(
            [
                contact(9, "inbound"),
                contact(9, hour=13),
                contact(8, "inbound"),
                contact(7, "inbound"),
            ],
            8,
            id="since the first that nobody answered",
        ),
        pytest.param([contact(91, "inbound")], None, id="long ago"),
        pytest.param([contact(5, "inbound"), contact(4, "outbound", account="B")], 5, id="another"),
    ],
)
def test_who_waits_for_more_than_two_business_days_is_an_incident(
    contacts: list[Row], waiting: int | None
) -> None:
    company = Company(AS_OF, activities=contacts)
    recent = company.keep("recent", recent_contacts(company.table("activities"), AS_OF, SETTINGS))
    rows = found(company, reply_gaps(recent, AS_OF, SETTINGS))
    assert [(kind, days) for kind, _, days, _ in rows] == (
        [] if waiting is None else [("reply_gap", waiting)]
    )


def test_all_of_it_compiles_for_postgresql() -> None:
    company = Company(AS_OF)
    cases = dated_cases(company.table("cases"), AS_OF)
    recent = recent_contacts(company.table("activities"), AS_OF, SETTINGS)
    for table in (
        case_incidents(cases, SETTINGS),
        praise(cases, SETTINGS),
        delivery_incidents(company.table("deliveries"), AS_OF, SETTINGS),
        loss_incidents(company.table("lost_deals"), AS_OF, SETTINGS),
        handover_gaps(company.table("sales"), recent, AS_OF, SETTINGS),
        reply_gaps(recent, AS_OF, SETTINGS),
    ):
        assert ibis.to_sql(table, dialect="postgres")
