"""Experience: customers who have reason to tell others of us, bad and good."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Final, cast

import ibis
import ibis.expr.types as ir

from customer_pyramid.money import show
from six_goals.action import Action
from six_goals.case_incidents import case_incidents, dated_cases, praise
from six_goals.contact_gaps import handover_gaps, recent_contacts, reply_gaps
from six_goals.goal import Facts, Proposal
from six_goals.incident_words import figures_of, title, told
from six_goals.incidents import WORST_FIRST, delivery_incidents, loss_incidents
from six_goals.outcomes import ordered
from six_goals.promises import promise_kept, promises
from six_goals.roots import at_root
from six_goals.scores import score_changes
from six_goals.settings import ExperienceSettings
from six_goals.word_of_mouth import ExperienceRow, events, experience_candidates, praised, with_list
from six_goals.words import Words

SOURCES: Final = ("cases", "activities", "lost_deals", "deliveries", "sales")
REFERENCE: Final = "reference"
BAD_TOLD, GOOD_TOLD = 12, Fraction(7, 2)
"""How many people hear of an experience."""


def propose(facts: Facts, settings: ExperienceSettings) -> Proposal:
    """Return an action for each account with something to put right, or to thank for.

    At most one an account, about what is worst. Source: domain 3.6.
    """
    standings = facts.table("standings")
    found, notes = _found(facts, settings)
    bad = facts.keep("experience_bad", events(found, standings))
    cases = facts.table("experience_cases")
    good = facts.keep("experience_good", praised(praise(cases, settings), bad, standings))
    rows = facts.keep(
        "experience_candidates",
        experience_candidates(bad, good, standings, facts.table("profit"), settings),
    )
    best = facts.keep(
        "experience_best",
        rows.order_by(rows.value.desc(), rows.account_id).limit(facts.limit),
    )
    named = with_list(best, bad, good)
    chosen = facts.rows(named.order_by(named.value.desc(), named.account_id))
    number = _count(facts, rows)
    return Proposal(
        actions=[_action(row, facts, settings) for row in cast("list[ExperienceRow]", chosen)],
        candidates=number if number > facts.limit else None,
        measures=_measures(facts, _count(facts, bad), _count(facts, good)),
        notes=notes,
    )


def succeeded(facts: Facts, trials: ir.Table, settings: ExperienceSettings) -> ir.Table:
    """Return the trials after which the next score was above the last one before; see `Goal`.

    Where one of the two is not known, and after a reference was asked for, an order counts.
    """
    cases = at_root(facts.table("cases"), facts.table("standings"))
    changes = score_changes(trials.filter(trials.item != REFERENCE), cases)
    key = ("account_id", "item", "started_on")
    better = changes.filter(changes.after > changes.before)
    risen = better.group_by(*key).aggregate(succeeded_on=better.scored_on.min())
    bought = ordered(facts, trials.anti_join(changes, key)).select(*key, "succeeded_on")
    return risen.union(bought).mutate(value=ibis.null("int64"))


def _found(facts: Facts, settings: ExperienceSettings) -> tuple[ir.Table, list[str]]:
    """Return all that went wrong, and what could not be judged."""
    as_of, words = facts.as_of, facts.words
    tables = {name: at_root(facts.table(name), facts.table("standings")) for name in SOURCES}
    cases = facts.keep("experience_cases", dated_cases(tables["cases"], as_of))
    contacts = facts.keep(
        "experience_contacts", recent_contacts(tables["activities"], as_of, settings)
    )
    found = [case_incidents(cases, settings), loss_incidents(tables["lost_deals"], as_of, settings)]
    notes = []
    if not facts.has("cases.id"):
        notes.append(words.say("There are no cases, so no complaint and no score is judged."))
    if facts.has("opportunities.delivered_on"):
        found.append(delivery_incidents(tables["deliveries"], as_of, settings))
    else:
        notes.append(words.say("No deal says when it was delivered, so no promise is judged."))
    if not _count(facts, contacts):
        notes.append(
            words.say("No recent activity names an account, so nobody's follow-up is judged.")
        )
        return ibis.union(*found), notes
    found.append(handover_gaps(tables["sales"], contacts, as_of, settings))
    if _count(facts, contacts.filter(~contacts.inbound)):
        found.append(reply_gaps(contacts, as_of, settings))
    else:
        notes.append(words.say("No recent activity is an answer, so no reply can be late."))
    return ibis.union(*found), notes


def _count(facts: Facts, rows: ir.Table) -> int:
    (found,) = facts.rows(rows.aggregate(number=rows.count()))
    return cast("int", found["number"])


def _measures(facts: Facts, bad: int, good: int) -> dict[str, str]:
    words = facts.words
    measures = {
        "bad_experiences": words.number(bad),
        "good_experiences": words.number(good),
        "exposure_index": words.number(BAD_TOLD * bad - GOOD_TOLD * good, 1),
    }
    kept = promise_kept(facts.rows(promises(facts.table("deliveries"), facts.as_of))[0])
    return measures if kept is None else measures | {"promise_kept": str(kept)}


def _action(row: ExperienceRow, facts: Facts, settings: ExperienceSettings) -> Action:
    words, urgent = facts.words, row["layer"] in settings.urgent_layers
    is_bad = row["kind"] in WORST_FIRST
    due_days = settings.urgent_due_days if urgent else settings.due_days
    return Action(
        goal="experience",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        title=title(row, words, settings),
        reason=words.join(
            told(row, words, settings, facts.as_of),
            *(_stakes(row, words) if is_bad else _thanks(words)),
        ),
        due_days=due_days if is_bad else settings.reference_due_days,
        cooldown_days=None if is_bad else settings.reference_days,
        expected_value=row["value"],
        item=f"{row['record']}:{row['record_id']}" if is_bad else REFERENCE,
        evidence=_evidence(row, words, facts.as_of),
        window_days=settings.success_days,
    )


def _stakes(row: ExperienceRow, words: Words) -> list[str]:
    said = []
    if row["number"] > 1:
        said.append(
            words.count(
                "{count} other thing went wrong of late.",
                "{count} other things went wrong of late.",
                row["number"] - 1,
            )
        )
    if row["margin"]:
        said.append(
            words.say(
                "It brought a margin of {margin} in this period; {value} is at risk.",
                margin=words.money(row["margin"]),
                value=words.money(row["value"]),
            )
        )
    said.append(
        words.say("A bad experience is told to more than 12 people: call, listen, put it right.")
    )
    if row["record"] == "case":
        said.append(words.say("Let service know what you agreed."))
    return said


def _thanks(words: Words) -> list[str]:
    return [
        words.say(
            "A good experience is told to 3 or 4 people: ask for a reference or an introduction."
        )
    ]


def _evidence(row: ExperienceRow, words: Words, as_of: date) -> dict[str, str]:
    return {
        "incident": row["kind"],
        row["record"]: row["record_id"],
        "day": (as_of - timedelta(days=row["ago"])).isoformat(),
        "number": str(row["number"]),
        "all": row["listed"],
        "margin": show(row["margin"]),
        **figures_of(row, words),
    }
