"""The glossary: how the figures are computed, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from connector.report.blocks import Section, Terms
from connector.report.data import Report
from connector.report.figures import Figures


def section(report: Report, figures: Figures) -> Section:
    """Return the terms of the report and what they mean."""
    terms = (*_customers(report, figures), *_money(figures), *_tasks(figures))
    title = figures.words.say("How the figures are computed")
    return Section("glossary", title, [Terms(terms, wide=True)])


def _customers(report: Report, figures: Figures) -> Iterator[tuple[str, str]]:
    words = figures.words
    yield (
        words.say("Revenue"),
        words.say(
            "Won deals by their close date, less credits, in {currency} at the rate of that day.",
            currency=report.currency,
        ),
    )
    yield (
        words.say("Active customer"),
        words.say("An account whose revenue in the period is above 0."),
    )
    yield (
        words.say("Tier"),
        words.say("Active customers by revenue, the largest first, cut as the job says."),
    )
    yield (
        words.say("Inactive, Prospect, Suspect"),
        words.say(
            "Bought before, but not in the period; never bought, but is in talks with us; every"
            " other account that may buy one day."
        ),
    )
    yield (
        words.say("Gini coefficient"),
        words.say("0 if all customers bring the same, towards 1 if one brings all."),
    )
    yield (
        words.say("Net upward migration"),
        words.say(
            "Customers who moved up less those who moved down, as a share of the active customers"
            " of the period before."
        ),
    )


def _money(figures: Figures) -> Iterator[tuple[str, str]]:
    words = figures.words
    yield (
        words.say("Profit"),
        words.say(
            "Revenue less the cost of goods, of contacts and campaigns, of service, and the share"
            " of overhead. Where no cost of goods is known, a margin set in the job takes its"
            " place."
        ),
    )
    yield (
        words.say("Score"),
        words.say(
            "Where a measure lies between the value that the job takes for worst (0) and the one it"
            " takes for best (100); the mean over customers for whom it is known."
        ),
    )
    yield (
        words.say("CLV"),
        words.say(
            "The margin of an order times the orders expected of the coming years, discounted."
        ),
    )


def _tasks(figures: Figures) -> Iterator[tuple[str, str]]:
    words = figures.words
    yield (
        words.say("Worth of a task"),
        words.say("The chance of success times the margin that success brings."),
    )
    yield (
        words.say("Held out"),
        words.say(
            "Accounts, chosen by chance, for which nothing is done. What becomes of them shows what"
            " would have happened anyway; the difference is due to the tasks. An interval that"
            " reaches over 0 means that it may be chance."
        ),
    )
