"""The page says of the adapter what its code says."""

from __future__ import annotations

import re
from pathlib import Path

from connector_espocrm.advice import ADVICE, Advice
from connector_espocrm.objects import ENTITIES, FIELDS, NEEDS

PAGE = Path(__file__).parents[3] / "docs/adapters/espocrm.md"


def test_what_espocrm_answers_is_described_as_the_messages_have_it() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("| EspoCRM answers |")[2]
    said = [line for line in section.splitlines() if line.startswith("| `")]
    assert said == [_row_of(advice) for advice in ADVICE]


def _row_of(advice: Advice) -> str:
    words = " or ".join(f"*{one}*" for one in advice.words)
    page = " with a page for people" if advice.page else ""
    return f"| `{advice.status}`{page}{': ' if words else ''}{words} | {advice.do} |"


def test_the_fields_that_are_read_are_described() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for stream, fields in FIELDS.items():
        entities = ", ".join(ENTITIES[stream])
        named = {f"`{ours}` {theirs}" for ours, theirs in fields.items()}
        (row,) = re.findall(rf"^\| {stream} \| {entities} \| (.+) \|$", page, re.MULTILINE)
        assert set(row.split(", ")) == named
    for name in {name for columns in NEEDS.values() for name in columns}:
        assert f"| `{name}`" in page
