"""Reasons: what every goal says to a rep, for every kind of action, in every language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pytest

from connector.language import words_of
from customer_pyramid.money import to_units
from customer_pyramid.settings import PyramidSettings
from six_goals import acquisition, cross_sell, experience, retention, up_sell, win_back
from six_goals.action import Action
from six_goals.goal import Proposal
from six_goals.incidents import WORST_FIRST
from six_goals.settings import (
    AcquisitionSettings,
    CrossSellSettings,
    ExperienceSettings,
    LeadScoringSettings,
    RetentionSettings,
    UpSellSettings,
    WinBackSettings,
)
from six_goals.shorten import shorten
from tests.rules.six_goals.company import Company

LANGUAGES: Final = ("en", "zh-Hans")
AS_OF: Final = date(2024, 12, 31)
PYRAMID: Final = PyramidSettings(
    method="thresholds", thresholds=(Decimal(100_000), Decimal(50_000), Decimal(20_000))
)
PRAISE: Final = ("promoter", "satisfied")
LADDER: Final = ("Basic", "Plus", "Pro")
NAME: Final = ("Consolidated Amalgamated Holdings " * 9)[:300]
SUBJECT_LIMIT, BODY_LIMIT = 255, 32_000
"""Characters of a Salesforce task. For HubSpot and Odoo no limit is documented."""

NUMBER: Final = re.compile(r"(?<![A-Za-z0-9-])\d+(?:[,.]\d+)*")
"""A number that is not part of an id."""

Row = dict[str, Any]


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def at(days: int) -> datetime:
    return datetime.combine(ago(days), time(12), UTC)


def sales(account: str, product: str | None, amount: int, *days: int) -> list[Row]:
    return [
        {
            "id": f"{account}-{product}-{number}",
            "account_id": account,
            "close_date": ago(number),
            "amount": to_units(Decimal(amount)),
            "product": product,
            "owner_id": "rep",
        }
        for number in days
    ]


def case(account: str, part: str = "only", **more: Any) -> Row:
    closed = {"status": "closed", "opened_at": at(40), "closed_at": at(30)}
    label = {"id": f"{account}-{part}", "account_id": account, "name": "Broken pump"}
    return {**label, **closed, **more}


def units(score: int) -> int:
    return to_units(Decimal(score))


def buyers() -> Iterator[list[Row]]:
    """Yield customers who have P and Q, P only, something else, or a step of the ladder."""
    for n in range(12):
        yield sales(f"both-{n}", "P", 6_000, 200) + sales(f"both-{n}", "Q", 9_000, 200)
    yield sales("one", "P", 6_000, 200)
    for item in "RSTUVWX":
        yield sales(f"other-{item}", item, 5_000, 200)
    for n in range(11):
        yield sales(f"shop-{n}", "Q", 60_000, 200)
    yield sales("fresh", "R", 500, 200)
    yield sales("near", "S", 45_000, 200) + sales("near", "S", 30_000, 500)
    for n in range(11):
        yield sales(f"step-{n}", "Basic", 300, 300) + sales(f"step-{n}", "Plus", 900, 250)
    yield sales("slow", "Basic", 300, 300)


def leaving() -> Iterator[list[Row]]:
    """Yield customers with each sign of leaving, and one who is not worth keeping as it is."""
    yield sales("late", "R", 1_000, 50, 60, 70, 80, 90)
    yield sales("loss", "R", 1_000, 50, 60, 70, 80, 90)
    yield sales("silent", "R", 1_000, 300)
    yield sales("fading", "R", 1_000, 20, 40)
    yield sales("declining", "R", 1_000, 20) + sales("declining", "R", 9_000, 400)
    yield sales("contract", "R", 1_000, 20)


def lapsed() -> Iterator[list[Row]]:
    """Yield customers who left for reasons known and unknown, lately and long ago."""
    for account in ("left", "left-service", "left-price"):
        yield sales(account, "R", 40_000, 900, 600)
    yield sales("left-now", "R", 60_000, 380)
    yield sales("left-small", "R", 60_000, 800) + sales("left-small", "R", 10_000, 600)


def touched() -> Iterator[list[Row]]:
    """Yield the customers of `incidents`."""
    for account in (*WORST_FIRST, *PRAISE):
        days = 30 if account == "handover_gap" else 300
        yield sales(account, "R", 10_000, days)


def cases() -> list[Row]:
    return [
        case("overdue_case", status="open", closed_at=None, due_at=at(5)),
        case("low_nps", nps=units(3)),
        case("low_csat", csat=units(1)),
        case("reopened", reopened=True),
        *(case("many_cases", part=str(n)) for n in range(3)),
        case("slow_response", due_at=at(35), first_response_at=at(32)),
        case("score_drop", part="before", nps=units(10), closed_at=at(80)),
        case("score_drop", part="after", nps=units(7)),
        case("promoter", nps=units(10)),
        case("satisfied", csat=units(5)),
        case("left-price", category="price", opened_at=at(610), closed_at=at(605)),
    ]


def leads() -> list[Row]:
    """Return decided leads of which those from fairs are won, and an open one from a fair."""
    decided = [
        {
            "id": f"lead-{n:03}",
            "source": "list" if n % 3 else "fair",
            "status": "lost" if n % 3 else "won",
            "created_at": at(365 - n % 28),
            "closed_on": ago(200),
        }
        for n in range(240)
    ]
    fresh = {"id": "lead", "account_id": "led", "source": "fair", "status": "open"}
    return [*decided, {**fresh, "created_at": at(60)}]


def accounts(known: Iterable[str]) -> list[Row]:
    retail = {f"shop-{n}" for n in range(11)} | {"fresh", "like"}
    food = {f"step-{n}" for n in range(11)} | {"late", "loss"}
    industries = dict.fromkeys(retail, "retail") | dict.fromkeys(food, "food")
    return [
        {
            "id": account,
            "name": f"{account} {NAME}"[:300],
            "owner_id": "rep",
            "industry": industries.get(account),
            "contract_end": ago(-30) if account == "contract" else None,
        }
        for account in known
    ]


def company(language: str) -> Company:
    """Return a company in which every goal has something of every kind to propose."""
    groups = (buyers(), leaving(), lapsed(), touched())
    sold = [row for group in groups for rows in group for row in rows]
    known = dict.fromkeys([*(row["account_id"] for row in sold), "like", "warm", "led"])
    found = Company(
        AS_OF,
        pyramid=PYRAMID,
        accounts=accounts(known),
        sales=sold,
        profit=[profit(account, sold) for account in known],
        alive=[{"account_id": "fading", "p_alive": 0.1, "expected_orders": 0.2}],
        open_deals=[{"id": "deal", "account_id": "warm", "created_on": ago(5)}],
        lost_deals=[lost("left-service", 590), lost("service_lost", 20)],
        deliveries=[
            {"deal_id": "D-1", "account_id": "missed_delivery", "promised": ago(6)},
            {"deal_id": "D-2", "account_id": "late_delivery", "promised": ago(30)}
            | {"delivered": ago(25)},
        ],
        cases=cases(),
        leads=leads(),
        activities=[
            {"id": "A-1", "account_id": "reply_gap", "direction": "inbound", "happened_at": at(9)},
            {"id": "A-2", "account_id": "one", "direction": "outbound", "happened_at": at(9)},
        ],
    )
    found.words = words_of(language)
    return found


def lost(account: str, days: int) -> Row:
    day = {"close_date": ago(days), "reason": "Bad service"}
    return {"id": f"{account}-deal", "account_id": account, **day}


def profit(account: str, sold: Iterable[Row]) -> Row:
    amounts = (
        row["amount"]
        for row in sold
        if row["account_id"] == account and row["close_date"].year == AS_OF.year
    )
    revenue = sum(amounts)
    gross = revenue * 3 // 10
    left = -gross if account == "loss" else gross
    return {"account_id": account, "revenue": revenue, "gross": gross, "profit": left}


@cache
def proposals(language: str) -> dict[str, Proposal]:
    """Return what each goal proposes; cross-sell by both of its methods."""
    facts = company(language)
    leads = LeadScoringSettings(ages=(30,))
    return {
        "cross_sell": cross_sell.propose(facts, CrossSellSettings()),
        "cross_sell by peers": cross_sell.propose(facts, CrossSellSettings(method="peers")),
        "up_sell": up_sell.propose(facts, UpSellSettings(ladder=LADDER)),
        "retention": retention.propose(facts, RetentionSettings()),
        "acquisition": acquisition.propose(
            facts, AcquisitionSettings(min_customers=4, leads=leads)
        ),
        "win_back": win_back.propose(facts, WinBackSettings()),
        "experience": experience.propose(facts, ExperienceSettings()),
    }


def kinds(goal: str, *keys: str) -> set[tuple[str, ...]]:
    """Return what the evidence of the actions of *goal* has under *keys*."""
    actions = proposals("en")[goal].actions
    return {tuple(action.evidence.get(key, "") for key in keys) for action in actions}


def every_action(language: str) -> list[Action]:
    return [action for found in proposals(language).values() for action in found.actions]


def numbers(text: str) -> list[str]:
    return NUMBER.findall(text)


def test_the_company_gives_every_goal_something_of_every_kind_to_say() -> None:
    assert kinds("cross_sell", "peers_by") == {("",), ("industry",), ("tier",)}
    assert kinds("cross_sell by peers", "peers_by") == {("industry",), ("tier",)}
    assert kinds("up_sell", "rule") == {("tier",), ("upgradable",), ("ladder",)}
    signs = {("late",), ("silent",), ("fading",), ("declining",), ("contract",)}
    assert kinds("retention", "sign") == signs
    assert {action.item for action in proposals("en")["retention"].actions} == {"", "reprice"}
    assert kinds("acquisition", "heat", "lead_id") == {("none", ""), ("hot", ""), ("none", "lead")}
    assert kinds("win_back", "cause") == {("price",), ("service",), ("unknown",)}
    assert {action.item for action in proposals("en")["win_back"].actions} == {"", win_back.MAIL}
    assert kinds("experience", "incident") == {(one,) for one in (*WORST_FIRST, *PRAISE)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reason_names_two_figures_and_leaves_nothing_open(language: str) -> None:
    for action in every_action(language):
        for text in (action.title, action.reason):
            assert not re.search(r"[{}]|\b(None|nan|null)\b|  ", text), text
        assert len(set(numbers(action.reason))) >= 2, action.reason
        assert action.reason.endswith("。" if language.startswith("zh") else "."), action.reason


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_short_enough_whatever_an_account_is_called(language: str) -> None:
    for action in every_action(language):
        assert len(action.title) <= SUBJECT_LIMIT, action.title
        assert len(action.reason) <= 2_000, action.reason


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("limit", [40, 100, SUBJECT_LIMIT, BODY_LIMIT])
def test_no_number_is_cut_to_what_a_crm_holds(language: str, limit: int) -> None:
    for action in every_action(language):
        for text in (action.title, action.reason):
            kept = numbers(shorten(text, limit))
            assert kept == numbers(text)[: len(kept)], text


def test_a_reason_in_chinese_is_written_as_the_chinese_write() -> None:
    for action in every_action("zh-Hans"):
        for text in (action.title, action.reason):
            assert not re.search("[\u4e00-\u9fff][,.;:!?]", text), text
            assert not re.search("[\u3001-\uff1f] | [\u3001-\uff1f]", text), text
            assert " %" not in text, text
