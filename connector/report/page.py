"""The page: the report's sections as one HTML file that needs nothing else."""

from __future__ import annotations

from importlib import resources
from importlib.util import find_spec
from typing import Any, Final

from connector.errors import ConfigError
from connector.report.blocks import Section
from connector.report.data import Report
from connector.report.figures import Figures
from connector.report.sections import (
    findings,
    focus,
    glossary,
    goals,
    migration,
    overview,
    performance,
    plans,
    profit,
    pyramid,
    records,
    simulator,
)
from six_goals.words import Words

_SECTIONS: Final = (
    overview.section,
    pyramid.section,
    findings.section,
    pyramid.curves,
    migration.section,
    profit.section,
    simulator.section,
    performance.section,
    focus.section,
    plans.contacts,
    plans.targets,
    goals.section,
    records.section,
    glossary.section,
)


def check_installed() -> None:
    """Raise ConfigError unless what draws and writes a page is installed."""
    for needed in ("jinja2", "matplotlib"):
        if find_spec(needed) is None:
            raise ConfigError(f"a report needs {needed}: install pyramid-connector[report]")


def html(report: Report, words: Words) -> str:
    """Return the report as HTML; the same report gives the same text."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["css_text"] = _css_text
    environment.finalize = _unparted
    figures = Figures(words)
    return environment.get_template("page.html.jinja").render(
        language=words.language,
        style=_file("page.css"),
        title=words.say("Customer pyramid of {job}", job=report.job),
        contents=words.say("Contents"),
        about=_about(report, figures),
        sections=_sections(report, figures),
    )


def _sections(report: Report, figures: Figures) -> list[Section]:
    return [section(report, figures) for section in _SECTIONS]


def _about(report: Report, figures: Figures) -> list[tuple[str, str]]:
    """Return what the report is of, as terms and what is said of them."""
    words = figures.words
    return [
        (words.say("Period"), figures.period(report.summary["current"]["period"])),
        (words.say("As of"), figures.day(report.as_of)),
        (words.say("Currency"), report.currency),
        (words.say("Run"), report.run),
        (words.say("Rules"), report.rules),
    ]


def _file(name: str) -> str:
    return (resources.files("connector.report") / name).read_text(encoding="utf-8")


def _unparted(value: Any) -> Any:
    """Return what is shown, its percent signs on the line of their figures."""
    return value.replace(" %", "\u00a0%") if isinstance(value, str) else value


def _css_text(text: str) -> str:
    """Return *text* as it must stand in a string of CSS."""
    return "".join(
        letter if letter.isascii() and letter.isalnum() else f"\\{ord(letter):06x}"
        for letter in text
    )
