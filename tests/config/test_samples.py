"""Every sample job can be read, and its adapters understand their settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.config import adapter_settings, load_job, load_rates
from connector.mapping import mapping_of
from connector.plugins import Plugins
from connector.ruleset import ruleset_of

FOLDER = Path(__file__).parents[2] / "config"
SECRETS = {
    "ESPOCRM_KEY": "s3cret",
    "ESPOCRM_ADMIN_PASSWORD": "s3cret",
    "CRM_URL": "postgresql://reader:s3cret@db.example/crm",
    "CONNECTOR_STORE": "postgresql://connector:s3cret@db.example/connector",
    "ODOO_KEY": "s3cret",
    "SALESFORCE_KEY": "-----BEGIN PRIVATE KEY----- s3cret",
    "TRYTON_PASSWORD": "s3cret",
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_sample_job_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    job, plugins = load_job(path), Plugins()
    source = plugins.adapter(job.model.source.adapter)
    assert adapter_settings(job, "source", source)
    if job.model.target.adapter is not None:
        assert adapter_settings(job, "target", plugins.adapter(job.model.target.adapter))
    rates = load_rates(job)
    for stream in source.fields:
        assert mapping_of(job, source, stream, rates)
    assert ruleset_of(job, plugins).goals
    assert job.store_url


def test_there_are_samples() -> None:
    assert len(list(FOLDER.glob("*.toml"))) >= 5


def test_no_sample_holds_a_secret() -> None:
    for path in FOLDER.glob("*.toml"):
        assert "s3cret" not in path.read_text(encoding="utf-8")
