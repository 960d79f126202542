"""`connector report`: the last run in one file that needs nothing else, where names are text."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from connector.cli.opening import Kept, open_kept
from connector.language import words_of
from connector.plugins import Plugins
from connector.report.data import Report, as_data, gather
from connector.report.page import html
from connector.report.wishes import wishes_of
from connector.ruleset import ruleset_of
from connector.store.tables import ActionRow, TrialRow
from connector.trials import outcomes
from six_goals.words import Words
from tests.connector.cli_jobs import run, run_json, write_job
from tests.connector.report_jobs import IMAGE, JOB, NAMES, SCRIPT, write_books

pytestmark = pytest.mark.long

ENGLISH = Words()


class Page(HTMLParser):
    """What is on a page: elements with their attributes, and text, sections by their anchor."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.sections: dict[str, list[str]] = {}
        self._hidden = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "section":
            self.sections[dict(attrs)["id"] or ""] = []
        if tag in ("style", "script"):
            self._hidden = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if self.sections and data.strip() and not self._hidden:
            list(self.sections.values())[-1].append(" ".join(data.split()))

    def text(self, section: str) -> str:
        """Return all that a section says, its pieces separated by bars."""
        return "|".join(self.sections[section])


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a job that has run once."""
    path = write_books(tmp_path_factory.mktemp("books"))
    assert run("sync", path).exit_code == 5
    return path


@pytest.fixture
def own_books(books: Path, tmp_path: Path) -> Path:
    """Return the same job in a folder of the test's own."""
    shutil.copytree(books.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / books.name


def gathered(path: Path) -> Report:
    kept = open_kept(path)
    rules = ruleset_of(kept.job, Plugins())
    return gather(kept.store, kept.job_id, kept.last_run(), rules, ENGLISH)


@pytest.fixture(scope="module")
def report(books: Path) -> Report:
    return gathered(books)


@pytest.fixture(scope="module")
def markup(report: Report) -> str:
    return html(report, ENGLISH)


@pytest.fixture(scope="module")
def page(markup: str) -> Page:
    return Page(markup)


def shown(report: Report, section: str) -> str:
    return Page(html(report, ENGLISH)).text(section)


# --- what it says


def test_it_has_a_section_for_everything(page: Page) -> None:
    assert list(page.sections) == [
        "overview", "pyramid", "checks", "curves", "migration", "profit", "simulator",
        "performance", "focus", "contact_plan", "targets", "goals", "issues", "glossary",
    ]  # fmt: skip
    assert all(page.sections.values())


def test_the_contents_lead_to_the_sections(page: Page) -> None:
    links = [value for name, value in page.attributes if name == "href" and value[1:].islower()]
    assert links == [f"#{section}" for section in page.sections]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        pytest.param("overview", "Active customers|6|6 in the period before", id="customers"),
        pytest.param("overview", "Revenue, EUR|27,900|-50.6 % on the period before", id="revenue"),
        pytest.param("pyramid", "Top|1|35.8 %|10,000 EUR", id="slab"),
        pytest.param("pyramid", "Inactive|1|Prospect|0|Suspect|1", id="ground"),
        pytest.param("pyramid", "Fewer than 100 customers are active", id="small base"),
        pytest.param("checks", "act on it|Profit|The 5 most profitable customers", id="check"),
        pytest.param("curves", "132.6 % of what it is", id="whale"),
        pytest.param("migration", "Frozen basis|0|1|4|1|0|1|0|-3|-16.7 %|-16.7 %|83.3 %", id="net"),
        pytest.param("profit", "Top|1|1 at a loss|10,000|5,000|7,200|0|0|-2,200|-32.6 %", id="top"),
        pytest.param("profit", f"{SCRIPT}|A1|Top|10,000|-2,200", id="loss maker"),
        pytest.param("profit", "1 cost of the kind “Marketing” (50 EUR)", id="unallocated"),
        pytest.param("simulator", "none of these rates is a customer", id="too few to move"),
        pytest.param("performance", "Months as a customer|21.0|35|18.6|31|21.0|35", id="score"),
        pytest.param(
            "performance", "Satisfied answers (CSAT)|0.0 %|0|100.0 %|1 of 5|100", id="few"
        ),
        pytest.param("focus", "Ann <b>Archer</b>|8|6|1", id="owner"),
        pytest.param("focus", "Top|6|of 12 · 50 %|0|of 24 · 0 %", id="contacts"),
        pytest.param("focus", "1 of 1 had no contact for 60 days", id="silence"),
        pytest.param("contact_plan", "58.1 %|too much", id="plan"),
        pytest.param("targets", "Top|Customers|2|0|0 %|not yet", id="target of a tier"),
        pytest.param("targets", f"{SCRIPT}|A1|Tier|Top|Small|–|not yet", id="named target"),  # noqa: RUF001 - the dash of a figure
        pytest.param("goals", "Retention|2|2|–|–|–|–|2,500", id="goal"),  # noqa: RUF001 - as above
        pytest.param("goals", "Win back 北京仪器 (was Small, stopped 9 months ago)", id="task"),
        pytest.param("goals", "There is nothing to do for this goal now.", id="nothing to do"),
        pytest.param("issues", "Won deals without an amount: they count 0|1", id="issue"),
        pytest.param("issues", "Rows of opportunities that could not be read|1", id="quarantine"),
    ],
)
def test_it_says_what_the_run_found(page: Page, section: str, said: str) -> None:
    assert said in page.text(section).replace("\u00a0", " ")


def test_what_is_unknown_is_not_zero(page: Page) -> None:
    assert "Deliveries on time|unknown|unknown|unknown" in page.text("performance")


def test_what_asks_for_attention_comes_first_and_the_worst_before_the_bad(page: Page) -> None:
    said = re.findall("in order|look into it|act on it|unknown", page.text("overview"))
    assert said == ["act on it", *["look into it"] * (len(said) - 1)]
    assert len(said) > 1


def test_a_finding_has_a_sign_and_a_word(markup: str, page: Page) -> None:
    flags = re.findall(r'<span class="flag (\w+)"><svg.*?</svg>([\w ]+)</span>', markup, re.DOTALL)
    assert len(flags) >= len(re.findall("<li class=", markup)) > 10
    words = {"warn": {"look into it", "too much", "not yet"}, "alarm": {"act on it"}}
    assert {word for mark, word in flags if mark == "warn"} == words["warn"]
    assert {word for mark, word in flags if mark == "alarm"} == words["alarm"]


def test_it_says_what_it_is_of(markup: str, report: Report) -> None:
    assert "<title>Customer pyramid of books</title>" in markup
    for said in ("January 1, 2025 to December 31, 2025", report.run, report.rules, "EUR"):
        assert f"<dd>{said}</dd>" in markup


# --- what came of the tasks


def try_out(kept: Kept, arm: str, succeeded: int, accounts: int) -> None:
    """Keep trials of retention that have ended."""
    day = date(2025, 1, 1)
    with kept.store.session() as session:
        for number in range(accounts):
            won = number < succeeded
            session.add(
                TrialRow(
                    job_id=kept.job_id,
                    goal="retention",
                    account_id=f"{arm}-{number}",
                    started_on=day,
                    arm=arm,
                    marker=None,
                    task_status=None,
                    ends_on=day + timedelta(days=60),
                    succeeded_on=day + timedelta(days=9) if won else None,
                    value=1_000_000 if won else None,
                    run_id="old",
                )
            )


def with_outcomes(report: Report, kept: Kept) -> Report:
    return replace(report, outcomes=outcomes(kept.store, kept.job_id, report.as_of))


def test_too_few_accounts_tell_nothing(report: Report, own_books: Path) -> None:
    kept = open_kept(own_books)
    try_out(kept, "treated", 20, 40)
    try_out(kept, "holdout", 1, 29)

    said = shown(with_outcomes(report, kept), "goals")

    assert "Not enough data" in said
    assert "95 % interval" not in said.replace("\u00a0", " ")


def test_an_outcome_has_its_interval(report: Report, own_books: Path) -> None:
    kept = open_kept(own_books)
    try_out(kept, "treated", 20, 40)
    try_out(kept, "holdout", 10, 40)

    said = shown(with_outcomes(report, kept), "goals").replace("\u00a0", " ")

    assert "20 of 40 (50 %) with a task succeeded, 10 of 40 (25 %) of those held out." in said
    assert "Due to the tasks: +25.0 % (95 % interval +4.5 % to +45.5 %) of the accounts." in said
    assert "Margin of an account: +25 (95 % interval +4.24 to +45.76) EUR." in said


def test_who_is_held_out_is_counted_and_not_named(report: Report, own_books: Path) -> None:
    kept = open_kept(own_books)
    with kept.store.session() as session:
        session.add(
            ActionRow(
                job_id=kept.job_id,
                goal="retention",
                account_id="A7",
                marker=None,
                decision="suppress",
                cause="holdout",
                owner="u1",
                priority="High",
                due=date(2026, 1, 5),
                expected_value=90_000_000,
                subject="Call Golf, quietly",
                reason="It is Golf.",
                evidence="{}",
                expires_on=None,
                run_id="run",
            )
        )

    wishes = wishes_of(kept.store, kept.job_id, report.wishes)
    found = replace(report, wishes=wishes)

    assert "held out, to learn what tasks bring: 1" in shown(found, "goals")
    assert "Golf" not in shown(found, "goals")
    assert "Golf, quietly" not in json.dumps(as_data(found), default=str)


# --- names are text


def test_names_are_text_and_nothing_else(page: Page) -> None:
    assert not page.tags.keys() & {"script", "img", "b", "iframe", "object", "link", "a:href"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert SCRIPT in page.text("goals")


def test_a_hostile_name_is_escaped_wherever_it_stands(report: Report) -> None:
    loss = {**report.summary["loss_makers"][0], "name": IMAGE, "account_id": IMAGE, "layer": IMAGE}
    check = {**report.summary["checks"][0], "finding": IMAGE, "name": IMAGE}
    goals = {"retention": {"title": IMAGE, "candidates": 1, "notes": [IMAGE], "gap": IMAGE}}
    summary = {**report.summary, "loss_makers": [loss], "checks": [check], "goals": goals}
    hostile = replace(report, job=IMAGE, run=IMAGE, summary=summary, quarantined={IMAGE: 1})

    page = Page(html(hostile, ENGLISH))

    assert not page.tags["img"]
    for section in ("checks", "profit", "goals", "issues"):
        assert IMAGE in page.text(section)


@pytest.mark.parametrize("name", ['"} * { color: red', "</style><script>", "\\", "北京\n"])
def test_the_foot_of_a_printed_page_stays_in_its_string(report: Report, name: str) -> None:
    markup = html(replace(report, job=name), ENGLISH)

    (written,) = re.findall(r'@bottom-left { content: "(.*)"; } }\n</style>', markup)
    assert re.fullmatch(r"(\\[0-9a-f]{6}|[A-Za-z0-9])*", written)
    read = re.sub(r"\\([0-9a-f]{6})", lambda found: chr(int(found[1], 16)), written)
    assert read == f"Customer pyramid of {name}"


# --- one file, and always the same


def test_the_page_needs_nothing_else(markup: str, page: Page) -> None:
    loaded = [v for name, v in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert [value for value in loaded if not value.startswith("#")] == []
    assert "@import" not in markup
    assert re.findall(r"url\((?!#)", markup) == []
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_an_anchor_or_id_is_there_once(page: Page) -> None:
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 20
    used = [value[1:] for name, value in page.attributes if name.endswith("href")]
    assert set(used) <= set(ids)


@pytest.mark.long
def test_the_same_run_gives_the_same_page(books: Path, markup: str) -> None:
    assert html(gathered(books), ENGLISH) == markup


def test_charts_keep_their_text_as_text(markup: str) -> None:
    assert len(re.findall(r"<text[^>]*>share of (revenue|all profit)</text>", markup)) == 2


# --- little data


@pytest.fixture
def no_customers(tmp_path: Path) -> Path:
    header = "id,account_id,name,status,amount,close_date,currency\n"
    path = write_job(tmp_path, deals=f"{header}D1,A1,,open,5,2026-01-01,EUR\n")
    assert run("sync", path).exit_code == 0
    return path


@pytest.mark.long
def test_a_company_without_customers_has_a_report(no_customers: Path) -> None:
    page = Page(html(gathered(no_customers), ENGLISH))

    assert "Nobody bought anything in this period." in page.text("pyramid")
    assert "there is no curve of it" in page.text("curves")
    assert "Nobody bought in the period before" in page.text("migration")
    assert "The job sets no targets" in page.text("targets")


@pytest.mark.parametrize(
    ("tasks", "said"),
    [(False, "The job writes no tasks"), (True, "The job names no goals.")],
)
def test_without_goals_it_says_why(report: Report, tasks: bool, said: str) -> None:
    without = replace(report, tasks=tasks, summary={**report.summary, "goals": {}}, wishes={})

    assert said in shown(without, "goals")


@pytest.mark.long
def test_it_says_when_rules_have_changed_since_the_run(own_books: Path, page: Page) -> None:
    changed = "Records or rules have changed since this run."
    own_books.write_text(f"{JOB}\n[rules.settings.profit]\nmargin = 0.5\n")

    assert changed in shown(gathered(own_books), "overview")
    assert changed not in page.text("overview")


# --- languages


class Foreign(NullTranslations):
    """A language in which every message is one letter, and its figures."""

    def gettext(self, message: str) -> str:
        return "译" + "".join(re.findall(r"\{\w+\}", message))

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)


def test_everything_is_said_in_the_language_of_the_job(report: Report) -> None:
    page = Page(html(report, Words("zh-Hans", Foreign())))

    of_the_run = json.dumps(as_data(report), default=str, ensure_ascii=False)
    known = set(re.findall("[A-Za-z]+", f"{of_the_run} {NAMES} Ann Archer"))
    said = {
        word
        for section in page.sections
        for text in page.sections[section]
        for word in re.findall("[A-Za-z]+", text)
    }
    assert said - known == set()
    assert ("lang", "zh-Hans") in page.attributes


def test_charts_are_drawn_in_any_language(report: Report) -> None:
    markup = html(report, Words("zh-Hans", Foreign()))
    assert len(re.findall(r"<text[^>]*>译</text>", markup)) == 4


@pytest.mark.long
def test_a_job_in_chinese_has_its_report_in_chinese(own_books: Path) -> None:
    own_books.write_text(f'language = "zh-Hans"\n{JOB}')
    file = own_books.parent / "report.html"

    assert run("report", own_books, "--html", file).exit_code == 0

    assert words_of("zh-Hans").title("Top") in Page(file.read_text("utf-8")).text("pyramid")


# --- the command


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, report: Report) -> None:
    """Let commands find the report computed."""
    monkeypatch.setattr("connector.cli.report.gather", lambda *_: report)


@pytest.mark.usefixtures("quick")
def test_by_default_it_stands_beside_the_job(own_books: Path) -> None:
    done = run("report", own_books)

    file = own_books.parent / "books-report.html"
    assert done.exit_code == 0
    assert done.stdout == f"Wrote {file}\n"
    assert file.read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.usefixtures("quick")
def test_json_and_a_file_can_both_be_had(own_books: Path, tmp_path: Path) -> None:
    file = tmp_path / "board.html"
    found = run_json("report", own_books, "--html", file)
    assert found["job"] == "books"
    assert file.exists()


def test_json_has_all_that_the_page_rests_on(books: Path) -> None:
    found = run_json("report", books)

    assert not (books.parent / "books-report.html").exists()
    assert found["current"]["revenue"] == "27900.00"
    assert [one["rate"] for one in found["scenarios"]] == ["0.02", "0.03"]
    assert {"performance", "organisation", "communication", "information"} <= found.keys()
    assert found["contact_plan"]["checks"]
    assert [one["subject"] for one in found["targets"]] == ["Top", "Top", "A1"]
    retention = found["goals"]["retention"]
    assert retention["counts"] == {"create": 2}
    assert retention["worth"] == "2500.00"
    assert [action["account_id"] for action in retention["actions"]] == ["A1", "A6"]
    assert retention["outcome"]["treated"]["so_far"] == {"successes": 0, "accounts": 2}
    assert retention["outcome"]["uplift"] is None
    assert found["outdated"] is False
    assert found["quarantined"] == {"opportunities": 1}


@pytest.fixture(params=["jinja2", "matplotlib"])
def missing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take a package of the extra away."""
    monkeypatch.setitem(sys.modules, request.param, None)
    return str(request.param)


def test_without_the_extra_it_says_what_to_install(books: Path, missing: str) -> None:
    done = run("report", books)
    assert done.exit_code == 2
    assert f"a report needs {missing}: install pyramid-connector[report]" in done.stderr


@pytest.mark.usefixtures("quick")
def test_json_needs_no_extra(books: Path, missing: str) -> None:
    found: Any = run_json("report", books)
    assert found["job"] == "books"


@pytest.mark.usefixtures("quick")
def test_a_file_that_cannot_be_written_is_named(books: Path, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "board.html"
    done = run("report", books, "--html", file)
    assert done.exit_code == 2
    assert f"{file}: can't be written" in done.stderr


def test_there_must_have_been_a_run(tmp_path: Path) -> None:
    done = run("report", write_books(tmp_path))
    assert done.exit_code == 2
    assert "no run yet" in done.stderr
