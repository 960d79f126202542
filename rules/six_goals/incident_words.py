"""Incident words: what a rep reads about an incident, or about praise."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TypedDict

from customer_pyramid.money import UNITS
from six_goals.incidents import Kind, Record
from six_goals.settings import ExperienceSettings
from six_goals.words import Words


class IncidentRow(TypedDict):
    """One row of a table of incidents; see `six_goals.incidents.as_incidents`."""

    account_id: str
    name: str | None
    kind: Kind
    record: Record
    record_id: str
    ago: int
    figure: int | None
    before: int | None
    label: str | None


def title(row: IncidentRow, words: Words, settings: ExperienceSettings) -> str:
    """Return the subject of the task that the incident asks for."""
    name, record = words.name(row["name"], row["account_id"]), words.name(row["record_id"], "")
    match row["kind"]:
        case "promoter" | "satisfied":
            return words.say("Ask {name} for a reference", name=name)
        case "many_cases":
            return words.count(
                "Call {name}: {count} case in {days} days",
                "Call {name}: {count} cases in {days} days",
                row["figure"] or 0,
                name=name,
                days=str(settings.many_cases_days),
            )
        case "reply_gap":
            return words.count(
                "Answer {name}, who has waited for {count} day",
                "Answer {name}, who has waited for {count} days",
                row["ago"],
                name=name,
            )
        case "late_delivery" | "missed_delivery" | "service_lost" | "handover_gap":
            return _deal_title(row, words, name, record)
        case _:
            return _case_title(row, words, name, record)


def told(row: IncidentRow, words: Words, settings: ExperienceSettings, as_of: date) -> str:
    """Return a sentence that says what happened."""
    on = as_of - timedelta(days=row["ago"])
    if row["kind"] in ("many_cases", "reply_gap"):
        return _customer_sentence(row, words, settings, on)
    if row["record"] == "deal":
        return _deal_sentence(row, words, settings, on)
    return _case_sentence(row, words, on)


def figures_of(row: IncidentRow, words: Words) -> dict[str, str]:
    """Return what the incident is measured by, under a name that says what it is."""
    match row["kind"]:
        case "overdue_case" | "missed_delivery" | "late_delivery" | "slow_response":
            return {"days_late": str(row["figure"])}
        case "many_cases":
            return {"cases": str(row["figure"])}
        case "low_nps" | "promoter":
            return {"nps": _score(row["figure"], words)}
        case "low_csat" | "satisfied":
            return {"csat": _score(row["figure"], words)}
        case "score_drop":
            return {
                "score": _score(row["figure"], words),
                "score_before": _score(row["before"], words),
            }
        case _:
            return {}


def _deal_title(row: IncidentRow, words: Words, name: str, deal: str) -> str:
    days = row["figure"] or 0
    match row["kind"]:
        case "late_delivery":
            return words.count(
                "Call {name}: delivery of order {deal} was {count} day late",
                "Call {name}: delivery of order {deal} was {count} days late",
                days,
                name=name,
                deal=deal,
            )
        case "missed_delivery":
            return words.count(
                "Call {name}: delivery of order {deal} is {count} day overdue",
                "Call {name}: delivery of order {deal} is {count} days overdue",
                days,
                name=name,
                deal=deal,
            )
        case "service_lost":
            return words.say("Call {name}: deal {deal} was lost for service", name=name, deal=deal)
        case _:
            return words.say(
                "Call {name}: nobody was in touch after order {deal}", name=name, deal=deal
            )


def _case_title(row: IncidentRow, words: Words, name: str, case: str) -> str:
    figures = {"name": name, "case": case, "score": _score(row["figure"], words)}
    match row["kind"]:
        case "low_nps":
            return words.say(
                "Call {name} about case #{case}: {score} of 10 for recommending us", **figures
            )
        case "low_csat":
            return words.say("Call {name} about case #{case}: rated {score} of 5", **figures)
        case "score_drop":
            before = _score(row["before"], words)
            return words.say(
                "Call {name} about case #{case}: the score fell from {before} to {score}",
                before=before,
                **figures,
            )
        case "reopened":
            return words.say("Call {name} about case #{case}, which was opened again", **figures)
        case "slow_response":
            return words.say("Call {name} about case #{case}: answered late", **figures)
        case _:
            return words.say("Call {name} about case #{case}", **figures)


def _customer_sentence(
    row: IncidentRow, words: Words, settings: ExperienceSettings, on: date
) -> str:
    name = words.name(row["name"], row["account_id"])
    if row["kind"] == "reply_gap":
        return words.count(
            "{name} wrote or called on {day} and has waited {count} day for an answer.",
            "{name} wrote or called on {day} and has waited {count} days for an answer.",
            row["ago"],
            name=name,
            day=words.day(on),
        )
    return words.count(
        "{name} opened {count} case in {days} days; the last one is #{case}, of {day}.",
        "{name} opened {count} cases in {days} days; the last one is #{case}, of {day}.",
        row["figure"] or 0,
        name=name,
        days=str(settings.many_cases_days),
        case=_record(row, words),
        day=words.day(on),
    )


def _deal_sentence(row: IncidentRow, words: Words, settings: ExperienceSettings, on: date) -> str:
    days = row["figure"] or 0
    figures = {
        "name": words.name(row["name"], row["account_id"]),
        "deal": words.name(row["record_id"], ""),
        "day": words.day(on),
    }
    match row["kind"]:
        case "late_delivery":
            return words.count(
                "{name} was promised order {deal} for {due} and got it on {day}, {count} day late.",
                "{name} was promised order {deal} for {due} and got it on {day}, {count} days "
                "late.",
                days,
                due=words.day(on - timedelta(days=days)),
                **figures,
            )
        case "missed_delivery":
            return words.count(
                "{name} was promised order {deal} for {day}, {count} day ago, and does not have "
                "it yet.",
                "{name} was promised order {deal} for {day}, {count} days ago, and does not have "
                "it yet.",
                days,
                **figures,
            )
        case "service_lost":
            return words.say(
                "We lost deal {deal} of {name} on {day}, and the reason names our service: {why}.",
                why=words.name(row["label"], ""),
                **figures,
            )
        case _:
            return words.say(
                "Nobody was in touch with {name} in the {days} days after order {deal} of {day}.",
                days=str(settings.handover_days),
                **figures,
            )


def _case_sentence(row: IncidentRow, words: Words, on: date) -> str:
    days = row["figure"] or 0
    figures = {
        "name": words.name(row["name"], row["account_id"]),
        "case": _record(row, words),
        "day": words.day(on),
    }
    match row["kind"]:
        case "overdue_case" if not days:
            return words.say(
                "Case #{case} of {name} was due today, {day}, and is still open.", **figures
            )
        case "overdue_case":
            return words.count(
                "Case #{case} of {name} was due on {day}, {count} day ago, and is still open.",
                "Case #{case} of {name} was due on {day}, {count} days ago, and is still open.",
                days,
                **figures,
            )
        case "slow_response" if not days:
            return words.say(
                "Case #{case} of {name} was first answered on {day}, hours after it was due.",
                **figures,
            )
        case "slow_response":
            return words.count(
                "Case #{case} of {name} was first answered on {day}, {count} day after it was due.",
                "Case #{case} of {name} was first answered on {day}, {count} days after it was "
                "due.",
                days,
                **figures,
            )
        case "reopened":
            return words.say("Case #{case} of {name}, of {day}, had to be opened again.", **figures)
        case "score_drop":
            return words.say(
                "The score that {name} gave us fell from {before} to {score} on {day}, with case "
                "#{case}.",
                before=_score(row["before"], words),
                score=_score(row["figure"], words),
                **figures,
            )
        case "low_nps" | "promoter":
            return words.say(
                "On {day}, after case #{case}, {name} gave us {score} of 10 for recommending us.",
                score=_score(row["figure"], words),
                **figures,
            )
        case _:
            return words.say(
                "On {day} {name} rated case #{case} with {score} of 5.",
                score=_score(row["figure"], words),
                **figures,
            )


def _record(row: IncidentRow, words: Words) -> str:
    called = words.name(row["record_id"], "")
    if not row["label"]:
        return called
    return words.say("{case} ({subject})", case=called, subject=words.name(row["label"], ""))


def _score(units: int | None, words: Words) -> str:
    return words.number(Fraction(units or 0, UNITS), 1)
