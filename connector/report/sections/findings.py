"""The checks: questions that every pyramid should be asked, with their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connector.report import labels
from connector.report.blocks import Finding, Findings, Section
from connector.report.data import Report
from connector.report.figures import Figures


def section(report: Report, figures: Figures) -> Section:
    """Return every check of the run with its answer."""
    words = figures.words
    return Section(
        "checks",
        words.say("Checks"),
        [Findings(findings(report.summary["checks"], figures))],
        lead=words.say("Questions that every customer pyramid should be asked."),
    )


def findings(checks: Iterable[Mapping[str, Any]], figures: Figures) -> list[Finding]:
    """Return the answers of checks as a summary has them."""
    words = figures.words
    return [
        Finding(
            labels.check(check["name"], words), check["finding"], labels.flag(check["flag"], words)
        )
        for check in checks
    ]


def all_findings(report: Report, figures: Figures) -> list[Finding]:
    """Return the answers to all checks, those of the contact plan too."""
    planned = report.review["contact_plan"]["checks"]
    return findings([*report.summary["checks"], *planned], figures)
