"""A backtest for JSON: every day with all that is known of it, and the totals."""

from __future__ import annotations

from dataclasses import asdict

from connector.backtest import Day, Followed, Outcomes
from connector.cli.backtesting import Replayed
from customer_pyramid.money import places
from six_goals.uplift import Group


def as_data(found: Replayed) -> dict[str, object]:
    """Return a backtest for JSON; shares are text with six places."""
    return {
        "job": found.job,
        "rules": found.rules.hash,
        "every": found.every,
        "last_sale": found.last_sale,
        "days": [_day(day) for day in found.days],
        "together": _outcomes(found.together),
    }


def _day(day: Day) -> dict[str, object]:
    summary, now = day.summary, day.summary["current"]
    return {
        "as_of": day.as_of,
        "currency": summary["currency"],
        "period": now["period"],
        "active": now["active"],
        "revenue": now["revenue"],
        "layers": [
            {key: layer[key] for key in ("layer", "customers", "revenue", "share_revenue")}
            for layer in now["layers"]
        ],
        "migration": summary["migration"]["frozen"],
        "goals": {
            name: {**goal, "accounts": day.accounts[name]}
            for name, goal in summary["goals"].items()
        },
        "until": day.until,
        "followed": None if day.followed is None else _outcomes(day.followed),
    }


def _outcomes(outcomes: Outcomes) -> dict[str, object]:
    return {
        goal: {outcome: _followed(followed) for outcome, followed in found.items()}
        for goal, found in outcomes.items()
    }


def _followed(followed: Followed) -> dict[str, object]:
    difference = followed.difference
    return {
        "flagged": _group(followed.flagged),
        "others": _group(followed.others),
        "difference": asdict(difference) if difference else None,
    }


def _group(group: Group) -> dict[str, object]:
    rate = places(group.rate, 6) if group.accounts else None
    return {"accounts": group.accounts, "successes": group.successes, "rate": rate}
