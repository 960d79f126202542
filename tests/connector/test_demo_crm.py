"""The demonstration on a CRM's sandbox."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from connector.cli.demonstration import demo
from connector.demo.crm import run_on
from connector.errors import ConfigError, PluginError


@pytest.mark.long
def test_it_shows_what_a_rep_sees_in_the_crm(capsys: pytest.CaptureFixture[str]) -> None:
    said = StringIO()

    run_on("salesforce", accounts=120, console=Console(file=said, width=100))

    text = said.getvalue()
    assert "14 done" in text
    assert "the tiers of 120 accounts" in text
    seen = text.partition("What salesforce holds now of account 001")[2]
    assert "Pyramid_Movement__c" in seen
    assert "margin" in seen, "the task says why"


def test_an_unknown_crm_is_named() -> None:
    with pytest.raises(PluginError, match="no sandbox 'salesfroce' is installed"):
        run_on("salesfroce", accounts=1, console=Console(file=StringIO()))


def test_it_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--folder does not go with --crm"):
        demo(tmp_path, 7, 120, "salesforce")
