"""What the README shows is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, expect, play, run

README = ROOT / "README.md"


@pytest.mark.long
def test_the_readme_does_what_it_shows(tmp_path: Path) -> None:
    play(README, tmp_path)
    (picture,) = (block for block in blocks(README) if block.words == ["pyramid"])
    expect(picture, run("connector pyramid shop.toml", tmp_path))


def test_each_command_to_set_up_is_one_line() -> None:
    setups = {tuple(block.words): block.text for block in blocks(README) if block.language == "sh"}
    for purpose in ("demo", "tests"):
        assert setups["setup", purpose].count("\n") == 1


def test_what_the_readme_links_to_exists() -> None:
    import re

    links = re.findall(r"\]\(([^)#]+)", README.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing
