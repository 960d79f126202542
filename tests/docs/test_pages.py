"""What the pages show is what happens, and their links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from connector.config import JobModel
from connector.ruleset import settings_model
from six_goals import pack
from tests.docs.pages import PAGES, ROOT, Block, blocks, play

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PLAYED = [page for page in PAGES if any(b.language == "sh" and not b.words for b in blocks(page))]
FRAGMENTS = [
    pytest.param(block, id=block.where)
    for page in PAGES
    for block in blocks(page)
    if block.language == "toml" and not block.words
]


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in PLAYED if page.name != "README.md"], ids=_name)
def test_a_page_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    tiny = page.name == "writing-an-adapter.md"
    if tiny:
        _install_tiny(tmp_path)
    play(page, tmp_path, **({"PYTHONPATH": str(tmp_path)} if tiny else {}))


def test_the_page_shows_the_rule_pack_that_is_tested() -> None:
    page = ROOT / "docs" / "writing-a-rule-pack.md"
    (shown,) = (one for one in blocks(page) if one.words == ["acme_jubilee.py"])
    real = ROOT / "tests" / "third_party" / "acme_jubilee.py"
    assert shown.text == real.read_text(encoding="utf-8")


@pytest.mark.parametrize("block", FRAGMENTS)
def test_a_fragment_of_a_job_is_understood(block: Block) -> None:
    job: dict[str, Any] = {"source": {"adapter": "files"}}
    for key, value in tomllib.loads(block.text).items():
        job[key] = {**job[key], **value} if key == "source" else value
    of_goals = JobModel.model_validate(job).rules.settings.of_goals
    built_in = {goal.name: goal for goal in pack.goals()}
    settings_model(built_in).model_validate({n: of_goals[n] for n in built_in if n in of_goals})
    assert of_goals.keys() <= built_in.keys() | {"jubilee"}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_path_of_a_machine_is_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<!\w)/(home|root|work|tmp)/", text)


def _install_tiny(folder: Path) -> None:
    """Do what `pip install` does for the entry point of writing-an-adapter.md."""
    facts = folder / "connector_tiny-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: connector-tiny\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[connector]\ntiny = connector_tiny\n")


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    kept = (re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}
