"""Win-back: lapsed customers who were worth much, and may come back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import day
from customer_pyramid.division import divided, times
from customer_pyramid.exact import wide
from customer_pyramid.money import show
from customer_pyramid.periods import add_months
from customer_pyramid.settings import INACTIVE, PyramidSettings
from six_goals.action import Action
from six_goals.goal import Facts, Proposal
from six_goals.lapse import LapsedRow, lapsed, lapsed_on, lapsed_within, whole_months
from six_goals.reasons import PARTS, UNKNOWN, Told, parts, why_left, with_factor
from six_goals.roots import at_root
from six_goals.settings import WinBackSettings
from six_goals.words import Words

MAIL: Final = "mail"


class WinBackRow(LapsedRow):
    """One row of `win_back_candidates`.

    *tier* is the former one. *base* and *factor* are in 1/10,000: the chance by the time that has
    passed, and by the reason of leaving. *why* is that reason in the CRM's words, *told* where it
    stands and *cause* the setting that matches it; None where there is none. A *factor* of 0 asks
    for nothing.
    """

    tier: str
    base: int
    why: str | None
    told: Told | None
    cause: str | None
    factor: int
    yearly_margin: int
    value: int


def propose(facts: Facts, settings: WinBackSettings) -> Proposal:
    """Return an action for each lapsed customer that is worth it and has a chance to return."""
    standings, as_of = facts.table("standings"), facts.as_of
    gone = facts.keep(
        "win_back_lapsed",
        lapsed(standings, facts.table("sales"), facts.table("rhythm"), as_of, settings),
    )
    chosen = facts.keep(
        "win_back_chosen", worth_asking(gone, standings, facts.pyramid, as_of, settings)
    )
    lost, cases = (at_root(facts.table(name), standings) for name in ("lost_deals", "cases"))
    why = why_left(chosen, lost, cases, as_of)
    rows = facts.keep(
        "win_back_candidates", win_back_candidates(chosen, why, facts.margin, settings)
    )
    asked = rows.filter(rows.factor > 0)
    best = facts.rows(asked.order_by(asked.value.desc(), asked.account_id).limit(facts.limit))
    (counts,) = facts.rows(
        rows.aggregate(
            asked=rows.count(where=rows.factor > 0),
            hopeless=rows.count(where=rows.factor == 0),
            told=rows.count(where=rows.why.notnull()),
        )
    )
    return Proposal(
        actions=[_action(row, facts, settings) for row in cast("list[WinBackRow]", best)],
        candidates=counts["asked"] if counts["asked"] > facts.limit else None,
        notes=_notes(counts, facts.words),
    )


def worth_asking(
    gone: ir.Table,
    standings: ir.Table,
    pyramid: PyramidSettings,
    as_of: date,
    settings: WinBackSettings,
) -> ir.Table:
    """Return those of *gone* that were worth it and can still be asked, with tier and base.

    Worth it is who would be above the last tier with its best year, or is in the *top_share* of all
    who lapsed. A boundary is the lowest revenue in a tier. Source: domain 3.5.
    """
    boundaries = standings.aggregate(
        **{
            f"from_{number}": standings.revenue.min(where=standings.tier_raw == tier)
            for number, tier in enumerate(pyramid.tiers[:-1])
        },
        nobody=standings.count(),  # an aggregate of a pyramid with only one tier
    )
    order = ibis.window(order_by=[gone.best_year.desc(), gone.account_id])
    placed = gone.mutate(place=ibis.row_number().over(order), size=gone.count().over())
    rows = placed.cross_join(boundaries)
    reached = _reached(rows, pyramid.tiers)
    top = Fraction(settings.top_share)
    leading = rows.place * top.denominator < rows.size * top.numerator
    known = rows.filter(
        (reached != pyramid.tiers[-1]) | leading,
        lapsed_within(rows, as_of, settings.window_months),
    )
    described = known.mutate(
        tier=known.previous_tier.coalesce(_reached(known, pyramid.tiers)),
        base=_base(known, as_of, settings),
    )
    return described.filter(described.base > 0).select(*gone.columns, "tier", "base")


def win_back_candidates(
    chosen: ir.Table, why: ir.Table, margin: Fraction, settings: WinBackSettings
) -> ir.Table:
    """Return *chosen* with the reason why they left and what to expect; see `WinBackRow`."""
    said = why.rename(said_id="account_id")
    rows = chosen.left_join(said, chosen.account_id == said.said_id).drop("said_id")
    yearly = times(divided(rows.revenue, rows.active_years), margin)
    rows = with_factor(rows.mutate(yearly_margin=yearly), settings)
    chance = wide(rows.base) * rows.factor
    return rows.mutate(value=divided(chance * rows.yearly_margin, PARTS * PARTS))


def _reached(rows: ir.Table, tiers: tuple[str, ...]) -> ir.StringValue:
    """Return the tier that the best year would reach today."""
    last = ibis.literal(tiers[-1])
    steps = [
        (rows.best_year >= rows[f"from_{number}"], tier) for number, tier in enumerate(tiers[:-1])
    ]
    return ibis.cases(*steps, else_=last) if steps else last


def _base(rows: ir.Table, as_of: date, settings: WinBackSettings) -> ir.IntegerValue:
    """Return the chance by the months since the last order; 0 beyond the last of the settings."""
    by_months = sorted((int(months), chance) for months, chance in settings.base.items())
    steps = [
        (rows.last_order >= day(add_months(as_of, -months)), parts(chance))
        for months, chance in by_months
    ]
    return ibis.cases(*steps, else_=parts(Decimal(0)))


def _notes(counts: dict[str, Any], words: Words) -> list[str]:
    notes = []
    if counts["hopeless"]:
        notes.append(
            words.count(
                "{count} lapsed customer is not asked back: why it left leaves no chance.",
                "{count} lapsed customers are not asked back: why they left leaves no chance.",
                counts["hopeless"],
            )
        )
    if counts["asked"] and not counts["told"]:
        notes.append(
            words.say(
                "No lost deal or case of a lapsed customer says why it left, so all reasons count "
                "as unknown."
            )
        )
    return notes


def _action(row: WinBackRow, facts: Facts, settings: WinBackSettings) -> Action:
    by_mail = row["tier"] == facts.pyramid.tiers[-1]
    return Action(
        goal="win_back",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=INACTIVE,
        title=_title(row, facts),
        reason=_reason(row, facts, by_mail=by_mail),
        due_days=settings.due_days,
        expected_value=row["value"],
        item=MAIL if by_mail else "",
        evidence=_evidence(row, facts.words),
        window_days=settings.success_days,
    )


def _title(row: WinBackRow, facts: Facts) -> str:
    words, months = facts.words, whole_months(lapsed_on(row), facts.as_of)
    figures = {
        "name": words.name(row["name"], row["account_id"]),
        "tier": words.name(words.title(row["tier"]), row["tier"]),
    }
    if not months:
        return words.say("Win back {name} (was {tier}, stopped less than a month ago)", **figures)
    return words.count(
        "Win back {name} (was {tier}, stopped {count} month ago)",
        "Win back {name} (was {tier}, stopped {count} months ago)",
        months,
        **figures,
    )


def _reason(row: WinBackRow, facts: Facts, *, by_mail: bool) -> str:
    words = facts.words
    return words.join(
        words.say(
            "{name} was in the {tier} tier and bought for {best} in its best year.",
            name=words.name(row["name"], row["account_id"]),
            tier=words.name(words.title(row["tier"]), row["tier"]),
            best=words.money(row["best_year"]),
        ),
        words.count(
            "Its last order was on {day}, {count} month ago.",
            "Its last order was on {day}, {count} months ago.",
            whole_months(row["last_order"], facts.as_of),
            day=words.day(row["last_order"]),
        ),
        _why(row, words),
        words.say(
            "It brought a margin of about {margin} a year; at a chance of {chance} to return, "
            "asking is worth {value}.",
            margin=words.money(row["yearly_margin"]),
            chance=words.percent(_chance(row), 1),
            value=words.money(row["value"]),
        ),
        words.say("A mail is enough for this one.")
        if by_mail
        else words.say("Call or visit: this one is worth a person's time."),
    )


def _why(row: WinBackRow, words: Words) -> str:
    if row["why"] is None:
        return words.say("Why it stopped is not known: ask first.")
    why = words.name(row["why"], "")
    said = (
        words.say("Its last lost deal gives this reason: {why}.", why=why)
        if row["told"] == "deal"
        else words.say("Its last case was about this: {why}.", why=why)
    )
    if row["cause"] != "service":
        return said
    return words.join(said, words.say("Put right what went wrong before you offer anything."))


def _evidence(row: WinBackRow, words: Words) -> dict[str, str]:
    evidence = {
        "former_tier": row["tier"],
        "best_year": show(row["best_year"]),
        "active_years": str(row["active_years"]),
        "revenue": show(row["revenue"]),
        "yearly_margin": show(row["yearly_margin"]),
        "last_order": row["last_order"].isoformat(),
        "lapsed_on": lapsed_on(row).isoformat(),
        "chance": str(Decimal(row["base"]).scaleb(-4).normalize()),
        "factor": str(Decimal(row["factor"]).scaleb(-4).normalize()),
        "cause": row["cause"] or UNKNOWN,
    }
    if row["why"] is not None:
        evidence["why"] = words.name(row["why"], "")
    return evidence


def _chance(row: WinBackRow) -> Fraction:
    return Fraction(row["base"] * row["factor"], PARTS * PARTS)
