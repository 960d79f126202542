"""Reading a Salesforce: `python -m benchmarks.salesforce [--accounts N]`, beside simple-salesforce.

The org is the sandbox, in a process of its own: what it costs is not counted. Needs pandas.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.measure import Figures, in_child, measured
from connector.config import adapter_settings, load_job
from connector.model import Stream
from connector_salesforce import adapters
from connector_salesforce.objects import FIELDS
from connector_salesforce.settings import SalesforceSettings
from connector_salesforce.source import SalesforceSource

STREAMS: Final = {Stream.ACCOUNTS: "Account", Stream.OPPORTUNITIES: "Opportunity"}


def main() -> None:
    """Serve an org, read it twice and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.salesforce", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    accounts = parser.parse_args().accounts
    with TemporaryDirectory(prefix="connector-benchmark-") as place, served(Path(place), accounts):
        print(f"{accounts:,} accounts, {3 * accounts:,} opportunities in a sandbox of Salesforce\n")
        print("| step | wall s | CPU s | peak MB | rows per CPU s |")
        print("|---|---|---|---|---|")
        theirs = in_child("query-all", Path(place), module=__spec__.name)
        line("simple-salesforce, query_all of both objects into pandas", theirs)
        ours = in_child("pull", Path(place), module=__spec__.name)
        line("pull of both streams by Bulk API 2.0, into Arrow", ours)
        if ours.result != theirs.result:
            raise AssertionError(f"{ours.result} rows are not {theirs.result}")
        print(f"\nRatio: {theirs.cpu / ours.cpu:.1f}")


def line(name: str, figures: Figures) -> None:
    """Print one row of the table."""
    print(
        f"| {name} | {figures.wall:.1f} | {figures.cpu:.1f} | {figures.peak_mb:,.0f} |"
        f" {figures.result / figures.cpu:,.0f} |",
        flush=True,
    )


@contextmanager
def served(folder: Path, accounts: int) -> Iterator[None]:
    """Run the sandbox until the block ends; it writes a job that leads to it."""
    command = [str(Path(sys.executable).with_name("connector")), "sandbox", "salesforce"]
    options = ["--accounts", str(accounts), "--folder", str(folder)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None  # noqa: S101 - it is a pipe
        for said in sandbox.stdout:
            if said.startswith("Serving"):
                break
        try:
            yield
        finally:
            sandbox.terminate()


def settings_in(folder: Path) -> SalesforceSettings:
    """Return the settings of the sandbox's job."""
    (adapter,) = adapters()
    found = adapter_settings(load_job(folder / "job.toml"), "source", adapter)
    assert isinstance(found, SalesforceSettings)  # noqa: S101 - those of its adapter
    return found


def pull(folder: Path, stages: dict[str, float]) -> int:
    """Read both streams as a first run does."""
    source = SalesforceSource(settings_in(folder))
    count = 0
    for stream in STREAMS:
        for page in source.pull(stream, list(FIELDS[stream].values()), None):
            count += len(page.rows)
    source.close()
    return count


def query_all(folder: Path, stages: dict[str, float]) -> int:
    """Read the same fields with simple-salesforce into pandas, as everybody shows it."""
    import pandas
    import requests
    from requests.adapters import HTTPAdapter
    from simple_salesforce.api import Salesforce

    settings = settings_in(folder)

    class Plain(HTTPAdapter):
        """It asks by https alone; the sandbox serves http."""

        def send(
            self, request: requests.PreparedRequest, *arguments: Any, **options: Any
        ) -> requests.Response:
            request.url = str(request.url).replace("https://", "http://")
            return super().send(request, *arguments, **options)

    app = settings.client_credentials
    assert app is not None  # noqa: S101 - so the sandbox writes its job
    token = requests.post(
        f"{settings.instance_url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(app.client_id, app.client_secret.get_secret_value()),
        timeout=30,
    ).json()["access_token"]
    session = requests.Session()
    session.mount("https://", Plain())
    host = str(settings.instance_url).removeprefix("http://")
    client = Salesforce(instance=host, session_id=token, session=session)
    count = 0
    for stream, name in STREAMS.items():
        found: Mapping[str, Any] = client.query_all(
            f"SELECT {', '.join(_fields(stream))} FROM {name}"  # names of fields
        )
        count += len(pandas.DataFrame(found["records"]).drop(columns="attributes"))
    return count


def _fields(stream: Stream) -> list[str]:
    """Return the fields that an org without several currencies has."""
    return [
        name
        for name in FIELDS[stream].values()
        if not name.endswith("__derived") and name != "CurrencyIsoCode"
    ]


STEPS: Final = {"pull": pull, "query-all": query_all}

if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in STEPS:
        chosen, place = STEPS[sys.argv[1]], Path(sys.argv[2])
        measured(lambda stages: chosen(place, stages))
    else:
        main()
