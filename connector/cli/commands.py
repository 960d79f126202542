"""The commands: their arguments and what the help says of them; the work is done elsewhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from connector.cli.arguments import (
    AsJson,
    AsOf,
    JobFile,
    LogForm,
    Override,
    Verbose,
    print_version,
)
from connector.cli.outcome import Commands

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would show local variables: records, even secrets
    rich_markup_mode=None,  # plain help: it takes half the time, and there is no markup to escape
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def connector(
    verbose: Verbose = False,
    log_format: LogForm = "text",
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True),
    ] = False,
) -> None:
    """Pyramid Connector: the customer pyramid, and the tasks that follow from it, in your CRM.

    \b
    Exit codes:
      0  done
      2  the job, the command line or a plugin is wrong
      3  the CRM refused or can't be reached
      4  a guard stopped the run; nothing was written
      5  done, except for some records
      6  the store can't be used, or the job is already running
      7  the audit trail is not as it was written
      8  planned; the job waits for approval
    """


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The job file to write.")] = Path("job.toml"),
    source: Annotated[
        str, typer.Option(help="Where records come from: an adapter of `connector plugins`.")
    ] = "files",
) -> None:
    """Write a commented job file to start from."""
    from connector.cli import starter

    starter.init(path, source)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; default ./pyramid-demo.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another company.")] = 7,
    accounts: Annotated[int, typer.Option(min=1, help="Accounts to make up.")] = 1200,
    crm: Annotated[
        str | None, typer.Option(help="On the sandbox of a CRM, such as `salesforce`.")
    ] = None,
) -> None:
    """Make up a company, run a job on it and show what came of it."""
    from connector.cli import demonstration

    demonstration.demo(folder, seed, accounts, crm)


@app.command()
def check(job: JobFile, verbose: Verbose = False) -> None:
    """Say whether a job can run, and how it understands its source."""
    from connector.cli import checking

    checking.check(job)


@app.command()
def login(
    job: JobFile,
    side: Annotated[
        Literal["source", "target"] | None,
        typer.Option(help="Only there; else wherever the job logs in by a browser."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser; else print the URL.")
    ] = True,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for the person.")
    ] = 300.0,
    verbose: Verbose = False,
) -> None:
    """Let a person log in by a browser, and keep the token, encrypted."""
    from connector.cli import logging_in

    logging_in.login(job, side, browser=browser, timeout=timeout)


@app.command()
def provision(
    job: JobFile,
    apply: Annotated[bool, typer.Option("--apply", help="Make it; else only show it.")] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show which fields the target lacks for a job, or make them."""
    from connector.cli import provisioning

    raise typer.Exit(provisioning.provision(job, apply=apply, as_json=as_json))


@app.command()
def plan(
    job: JobFile,
    as_of: AsOf = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=0, help="Changes to show; 0 shows all.")] = 20,
    override: Override = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the plan there, for `connector apply`."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Show what a run would write; nothing is written."""
    from connector.cli import planning

    planning.plan(job, as_of, override, limit, out, as_json=as_json)


@app.command()
def apply(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The file of `plan --out`.")],
    job: Annotated[
        Path | None, typer.Option(metavar="JOB", help="The job file, if it was moved since.")
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Carry out a plan that was kept, save what has changed since."""
    from connector.cli import applying

    raise typer.Exit(applying.apply(plan, job, as_json=as_json))


@app.command()
def approve(
    job: JobFile,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run that waits; or last.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Carry out what a run that waits for approval has planned."""
    from connector.cli import applying

    raise typer.Exit(applying.approve(job, run, as_json=as_json))


@app.command()
def undo(
    job: JobFile,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to undo; or last.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only show it.")] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show what undoing a run would put back, or put it back."""
    from connector.cli import undoing

    raise typer.Exit(undoing.undo(job, run, apply=apply, as_json=as_json))


@app.command()
def sync(
    job: JobFile,
    as_of: AsOf = None,
    as_json: AsJson = False,
    override: Override = None,
    verbose: Verbose = False,
) -> None:
    """Run a job: read, compute the pyramid, write what changed."""
    from connector.cli import reporting

    raise typer.Exit(reporting.sync(job, as_of, override, as_json=as_json))


@app.command()
def retry(
    job: JobFile,
    only: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only what was refused with this code.")
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run a job, and send again what the target has refused before."""
    from connector.cli import reporting

    raise typer.Exit(reporting.retry(job, only, as_json=as_json))


@app.command()
def reconcile(
    job: JobFile,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only look at N accounts.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Differences to show; 0 shows all.")] = 20,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Compare what the target holds with what was last written there."""
    from connector.cli import reconciling

    raise typer.Exit(reconciling.reconcile(job, sample, limit, as_json=as_json))


@app.command()
def schedule(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the job files.")],
    upcoming: Annotated[
        int | None,
        typer.Option("--next", min=1, metavar="N", help="Only show each job's next N times."),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Jobs that may run at the same time.")] = 2,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Answer /healthz and /metrics there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run every job of a folder at its times, until stopped."""
    from connector.cli import scheduling

    if upcoming is None:
        scheduling.serve(folder, parallel, listen)
        return
    scheduling.preview(folder, upcoming, as_json=as_json)


@app.command()
def pyramid(job: JobFile, as_json: AsJson = False) -> None:
    """Draw the pyramid, with what it says about the business."""
    from connector.cli import pyramid as drawn

    drawn.pyramid(job, as_json=as_json)


@app.command()
def tiers(
    job: JobFile,
    form: Annotated[
        Literal["table", "csv", "json", "parquet"],
        typer.Option("--format", help="How to print it."),
    ] = "table",
    output: Annotated[Path | None, typer.Option(help="A file to write instead of stdout.")] = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Only this layer; may be given again.")
    ] = None,
    tier: Annotated[
        list[str] | None, typer.Option(help="Only this tier; may be given again.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows of the table; 0 shows all.")] = 50,
) -> None:
    """List every account with tier, rank, revenue and movement."""
    from connector.cli import export

    export.tiers(job, form, output, export.Filter(layer or (), tier or ()), limit)


@app.command()
def explain(
    job: JobFile,
    account: Annotated[str, typer.Argument(help="The account's id, or its name.")],
    as_json: AsJson = False,
) -> None:
    """Say why an account has its tier and its tasks."""
    from connector.cli import explain as why

    why.explain(job, account, as_json=as_json)


@app.command()
def actions(
    job: JobFile,
    goal: Annotated[str | None, typer.Option(help="Only this goal.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account: id or name.")] = None,
    cause: Annotated[
        str | None,
        typer.Option(help="Only what became of it: create, open_task, rep_cap, holdout, ..."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Actions of each kind; 0 shows all.")] = 10,
    as_json: AsJson = False,
) -> None:
    """List the tasks asked for, what was left out, and the outcome."""
    from connector.cli import actions as wanted

    wanted.actions(job, goal, account, cause, limit, as_json=as_json)


@app.command()
def report(
    job: JobFile,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file to write; else JOB-report.html beside it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a report of the last run, to read on screen or on paper."""
    from connector.cli import report as reported

    reported.report(job, html, as_json=as_json)


@app.command()
def simulate(
    job: JobFile,
    move: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FROM>TO=N", help="So many customers move; may be given again. Quote it."
        ),
    ] = None,
    migration: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Customers to move up, by default 0.03 of them."),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Margin on extra revenue; else the job's."),
    ] = None,
    selling_rate: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Extra selling cost on it, by default 0.10."),
    ] = None,
    programme_cost: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What the programme costs once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what more customers in the higher tiers would bring."""
    from connector.cli import simulation

    wishes = simulation.Wishes(move or (), migration, margin, selling_rate, programme_cost)
    simulation.simulation(job, wishes, as_json=as_json)


@app.command(name="what-if")
def what_if(
    job: JobFile,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A rule to try otherwise; may be given again."
        ),
    ],
    as_of: AsOf = None,
    as_json: AsJson = False,
    limit: Annotated[
        int, typer.Option(min=0, help="Accounts and tasks to show; 0 shows all.")
    ] = 20,
    verbose: Verbose = False,
) -> None:
    """Show what other rules would change; nothing is written."""
    from connector.cli import what_if as tried

    tried.what_if(job, changes, as_of, limit, as_json=as_json)


@app.command()
def backtest(
    job: JobFile,
    first: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="The first day."),
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="The last day.")
    ],
    every: Annotated[
        str, typer.Option(metavar="STEP", help="From day to day, such as 3mo, 1y, 2w or 30d.")
    ] = "3mo",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Replay the past day by day, and show what followed."""
    from connector.cli import backtesting

    backtesting.backtest(job, first.date(), last.date(), every, as_json=as_json)


@app.command()
def runs(
    job: JobFile,
    limit: Annotated[int, typer.Option(min=0, help="Runs to list; 0 lists all.")] = 20,
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="One run, and all that it could not write.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs of a job, and what became of them."""
    from connector.cli import listing

    if run is None:
        listing.runs(job, limit, as_json=as_json)
        return
    listing.one_run(job, run, as_json=as_json)


@app.command()
def quarantine(job: JobFile, as_json: AsJson = False) -> None:
    """List the rows that could not be understood."""
    from connector.cli import listing

    listing.quarantine(job, as_json=as_json)


@app.command()
def audit(
    job: JobFile,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove that the trail is as it was written.")
    ] = False,
    head: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Prove it up to the entry with this hash; verifies."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Entries to list; 0 lists all.")] = 20,
    every: Annotated[
        bool, typer.Option("--all", help="Entries of every job that uses the store.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List who did what, or prove that nobody has changed the list."""
    from connector.cli import trail

    if verify or head is not None:
        trail.verify(job, head, as_json=as_json)
        return
    trail.audit(job, limit, every=every, as_json=as_json)


notify = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(notify, name="notify", help="Test the messages about a job, or show what was told.")


@notify.command("test")
def notify_test(job: JobFile, as_json: AsJson = False) -> None:
    """Send a test message to each whom the job names, and say what happened."""
    from connector.cli import notifying

    raise typer.Exit(notifying.test(job, as_json=as_json))


@notify.command("status")
def notify_status(job: JobFile, as_json: AsJson = False) -> None:
    """Show what each was last told, and what could not be delivered."""
    from connector.cli import notifying

    notifying.status(job, as_json=as_json)


@app.command()
def plugins(as_json: AsJson = False) -> None:
    """List the plugins and adapters that are installed."""
    from connector.cli import listing

    listing.plugins(as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a job file, for editors."""
    from connector.cli import schema as described

    described.schema()


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the adapter, such as `acme`.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where to write the package; default NAME-connector.")
    ] = None,
) -> None:
    """Write a package to start from, for one more CRM."""
    from connector.cli import scaffold

    scaffold.new(name, folder)


@app.command()
def sandbox(
    name: Annotated[str, typer.Argument(help="Which CRM, such as `salesforce`.")],
    accounts: Annotated[int, typer.Option(min=0, help="Accounts to make up.")] = 1200,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0: any.")] = 0,
    https: Annotated[bool, typer.Option("--https", help="With a certificate of its own.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write keys; default NAME-sandbox.")
    ] = None,
) -> None:
    """Run a CRM on this computer, to try a job on it."""
    from connector.cli import sandboxes

    sandboxes.serve(name, accounts, port, folder, https=https)
