"""Acquisition: the prospects and suspects who look most like the customers one wants more of."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from six_goals.action import Action
from six_goals.goal import Facts, Proposal
from six_goals.lead_features import activities_seen, activity_counts, lead_examples, lead_histories
from six_goals.lead_scoring import LeadScores, score_leads
from six_goals.prospecting import MILLION, AcquisitionRow, acquisition_candidates
from six_goals.settings import AcquisitionSettings
from six_goals.words import Words

FITS = {"auc", "lift", "brier", "base_rate"}


def propose(facts: Facts, settings: AcquisitionSettings) -> Proposal:
    """Propose to qualify the prospects and suspects from whom most is to be expected.

    While too much is spent on those who are no customers, only contacts that are live are
    proposed. Source: domain 3.4.
    """
    words = facts.words
    if _customers(facts) < settings.min_customers:
        least = words.number(settings.min_customers)
        note = words.say(
            "With fewer than {least} customers, likeness to them says nothing.", least=least
        )
        return Proposal([], 0, notes=[note])
    leads, notes = _scored(facts, settings)
    found = facts.keep("acquisition_candidates", acquisition_candidates(facts, settings))
    if facts.overspent:
        found = found.filter((found.heat != "none") | found.lead_id.notnull())
        notes.append(
            words.say(
                "Most of the cost of marketing and sales goes to those who are no customers, so"
                " only accounts with a live contact are proposed."
            )
        )
    rows = facts.rows(
        found.order_by([found.value.desc(), found.score.desc(), found.account_id]).limit(
            facts.limit
        )
    )
    count = len(rows)
    if count == facts.limit:
        count = facts.rows(found.aggregate(n=found.count()))[0]["n"]
    actions = [_action(row, facts, settings) for row in rows]
    return Proposal(actions, count, measures=_measures(leads), notes=notes)


def _customers(facts: Facts) -> int:
    standings = facts.table("standings")
    active = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    return int(facts.rows(active.aggregate(n=active.count()))[0]["n"])


def _scored(facts: Facts, settings: AcquisitionSettings) -> tuple[LeadScores | None, list[str]]:
    """Keep the chances of open leads as `acquisition_leads`; return how good they are."""
    leads = facts.table("leads")
    examples = facts.keep(
        "acquisition_examples",
        lead_examples(leads, facts.table("accounts"), settings.leads, facts.as_of),
    )
    seen = facts.keep("acquisition_seen", activities_seen(examples, facts.table("activities")))
    try:
        found = score_leads(
            facts.arrow(lead_histories(examples, seen)),
            facts.arrow(activity_counts(seen)),
            settings.leads,
        )
    except ImportError:
        nothing = examples.filter(False).select(
            "lead_id", "account_id", p=examples.age.cast("float64")
        )
        facts.keep("acquisition_leads", nothing)
        note = facts.words.say(
            "Install pyramid-connector[models] to learn the chance of a lead from those decided."
        )
        return None, [note]
    facts.bring("acquisition_leads", found.scores)
    return found, _about(found, facts.words)


def _about(found: LeadScores, words: Words) -> list[str]:
    notes = [
        words.say(
            "After {age} days leads can't be told apart better than by guessing (AUC {auc}).",
            age=words.number(fit.age),
            auc=words.number(fit.auc, 3),
        )
        for fit in found.fits
        if not fit.tells
    ]
    if not found.fits:
        notes.append(words.say("Too few leads were decided to learn the chance of one from them."))
    return notes


def _measures(found: LeadScores | None) -> Mapping[str, str]:
    fits = [fit for fit in found.fits if fit.tells] if found else []
    return {f"{name}_{fit.age}": str(getattr(fit, name)) for fit in fits for name in sorted(FITS)}


def _action(row: AcquisitionRow, facts: Facts, settings: AcquisitionSettings) -> Action:
    words = facts.words
    name = words.name(row["name"], row["account_id"])
    return Action(
        goal="acquisition",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        title=_title(row, name, words),
        reason=words.join(_likeness(row, name, words), _promise(row, facts)),
        due_days=settings.due_days,
        expected_value=row["value"],
        evidence=_evidence(row),
        window_days=settings.success_days,
    )


def _title(row: AcquisitionRow, name: str, words: Words) -> str:
    if row["like_value"] is None or row["like_tier"] is None:
        return words.say("Qualify {name}", name=name)
    tier = words.title(row["like_tier"])
    if row["like_field"] != "industry":
        return words.say("Qualify {name} (looks like {tier} customers)", name=name, tier=tier)
    return words.say(
        "Qualify {name} (looks like {tier} customers in {value})",
        name=name,
        tier=tier,
        value=words.name(row["like_value"], ""),
    )


def _likeness(row: AcquisitionRow, name: str, words: Words) -> str:
    if row["like_value"] is None:
        return words.say("{name} has never bought from you.", name=name)
    figures = {
        "name": name,
        "value": words.name(row["like_value"], ""),
        "customers": words.number(row["like_customers"] or 0),
        "good": words.number(row["like_good"] or 0),
    }
    match row["like_field"]:
        case "size_band":
            return words.say(
                "{name} has never bought, but looks like your best customers: of {customers}"
                " customers of its size ({value}), {good} are above the lowest tier.",
                **figures,
            )
        case "region":
            return words.say(
                "{name} has never bought, but looks like your best customers: of {customers}"
                " customers in its region ({value}), {good} are above the lowest tier.",
                **figures,
            )
        case "source":
            return words.say(
                "{name} has never bought, but looks like your best customers: of {customers}"
                " customers from the same source ({value}), {good} are above the lowest tier.",
                **figures,
            )
    return words.say(
        "{name} has never bought, but looks like your best customers: of {customers} customers in"
        " {value}, {good} are above the lowest tier.",
        **figures,
    )


def _promise(row: AcquisitionRow, facts: Facts) -> str:
    words = facts.words
    figures = {
        "chance": words.percent(Fraction(row["chance"], MILLION), 1),
        "worth": words.money(row["worth"]),
        "value": words.money(row["value"]),
    }
    if row["lead_id"] is not None:
        return words.say(
            "By its lead the chance of an order is {chance}; such a customer brings about {worth} a"
            " year, so a margin of {value} is to be expected: find out whether it needs you.",
            **figures,
        )
    if row["heat"] == "none":
        return words.say(
            "Nobody is in touch with it; at a chance of {chance} and about {worth} a year from such"
            " a customer, a margin of {value} is to be expected: make the first contact.",
            **figures,
        )
    return words.say(
        "There is a live contact; at a chance of {chance} and about {worth} a year from such a"
        " customer, a margin of {value} is to be expected: find out whether it needs you.",
        **figures,
    )


def _evidence(row: AcquisitionRow) -> dict[str, str]:
    figures = {
        "heat": row["heat"],
        "likeness": row["score"],
        "like_field": row["like_field"],
        "like_value": row["like_value"],
        "like_good": row["like_good"],
        "like_customers": row["like_customers"],
        "lead_id": row["lead_id"],
        "chance": f"{row['chance'] / MILLION:.4f}",
    }
    return {name: str(value) for name, value in figures.items() if value is not None}
