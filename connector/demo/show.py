"""Shows what the demonstration did: the pyramid, the tasks, and where everything lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.demo.files import JOB
from connector.demo.results import Results
from connector.runs import Report
from connector.store.tables import ActionRow, RunRow
from customer_pyramid.money import cents
from customer_pyramid.periods import add_months

if TYPE_CHECKING:
    from connector.contract import HeldTask

Draw = Callable[[str, RunRow], None]

_WIDTH: Final = 100
_INDENT: Final = 3
_CALM: Final = ("ok", "unknown")
_WHY: Final[Mapping[str, str]] = {
    "rep_cap": "the rep has enough new tasks this week; asked again next time",
    "one_per_account": "another task for the account goes first",
    "covered": "an open deal covers it",
    "holdout": "left alone on purpose, to learn what tasks are worth",
    "complaint": "the customer has reason to complain: first things first",
    "blocked": "the account does not want to be contacted",
    "cooldown": "a task like it was closed lately",
}


def opening(console: Console, folder: Path, *, fresh: bool) -> None:
    """Say what is about to run."""
    console.print()
    console.print(Text.assemble(("Pyramid Connector", "bold"), (": a demonstration", "dim")))
    said = (
        f"Made the records of an invented supplier of pumps and valves in {folder}."
        if fresh
        else f"Found the demonstration in {folder} and runs it again on the same records."
    )
    _say(console, f"{said} The folder stands for your CRM; nothing leaves this computer.")
    console.print()


def opening_on(console: Console, crm: str) -> None:
    """Say what is about to run, on the sandbox of a CRM."""
    console.print()
    console.print(Text.assemble(("Pyramid Connector", "bold"), (": a demonstration", "dim")))
    _say(
        console,
        f"Starts a sandbox of {crm} on this computer, which behaves as the true one does, makes the"
        " fields there, runs a job on it and looks at what a sales rep then sees.",
    )
    console.print()


def made(console: Console, steps: Mapping[str, int]) -> None:
    """Say what was provisioned."""
    said = ", ".join(f"{count} {state}" for state, count in steps.items())
    _say(console, f"Fields, rights, page layout and list views: {said}.")
    console.print()


def record(
    console: Console,
    crm: str,
    account: str,
    fields: Mapping[str, object],
    tasks: Sequence[HeldTask],
) -> None:
    """Show an account as the CRM holds it now."""
    console.print()
    console.print(Text(f"What {crm} holds now of account {account}", style="bold"))
    _pairs(console, {name: "-" if value is None else str(value) for name, value in fields.items()})
    for task in tasks:
        console.print(Padding(Text(task.subject, style="bold"), (1, 0, 0, _INDENT)))
        body = Padding(Text(task.body), (0, 0, 0, _INDENT))
        console.print(body, width=min(console.width, _WIDTH))


def next_steps_on(console: Console, crm: str) -> None:
    """Name commands to go on with, on a sandbox that stays."""
    console.print()
    console.print(Text("Try next", style="bold"))
    _pairs(
        console,
        {
            f"connector sandbox {crm}": "one that stays; the rest in another terminal",
            f"cd {crm}-sandbox": "",
            "connector check job.toml": "what is missing",
            "connector provision job.toml --apply": "makes it",
            "connector plan job.toml": "what would be written",
            "connector sync job.toml": "writes it",
            "connector undo job.toml last --apply": "takes it back",
        },
        style="cyan",
    )
    console.print()


def work(console: Console, results: Results, seconds: float) -> None:
    """Say what the run read and wrote."""
    report = results.report
    read = sum(pulled.read for pulled in report.pulled.values())
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    if read:
        parts = [
            f"{pulled.read:,} {stream.replace('_', ' ')}"
            for stream, pulled in report.pulled.items()
            if pulled.read
        ]
        rows.add_row("Read", _listed(parts))
    else:
        rows.add_row("Read", "nothing: the files are the same as at the last run")
    if aside := results.set_aside:
        rows.add_row(
            "Set aside",
            f"{aside} rows that can't be read, each with its reason:"
            f" connector quarantine {results.job_file}",
        )
    rows.add_row("Wrote", _written(report))
    rows.add_row("Took", f"{seconds:.1f} seconds")
    console.print(rows)
    console.print()


def pyramid(console: Console, results: Results, draw: Draw | None) -> None:
    """Show the pyramid with *draw*, or as a plain table."""
    if draw is not None:
        draw(results.job.name, results.run())
        return
    summary = results.report.summary
    now = summary["current"]
    rows = _table("The customer pyramid", "Layer", "Customers", "Revenue", "Share", "Average")
    for layer in now["layers"]:
        rows.add_row(
            layer["layer"],
            f"{layer['customers']:,}",
            *(_bought(layer) if Decimal(layer["revenue"]) else ()),
        )
    console.print(rows)
    _say(
        console,
        f"The top 20% of customers bring {_percent(now['top20_share'])} of revenue"
        f" (in {summary['currency']}).",
    )


def warnings(console: Console, results: Results) -> None:
    """Show what the checks of the pyramid warn of."""
    found = [one for one in results.report.summary["checks"] if one["flag"] not in _CALM]
    if not found:
        return
    console.print()
    console.print(Text("What it warns of", style="bold"))
    for check in found:
        finding = Padding(Text(check["finding"]), (0, 0, 0, _INDENT))
        console.print(finding, width=min(console.width, _WIDTH))


def tasks(console: Console, results: Results) -> None:
    """Show the most valuable task of each goal with its reason."""
    found = results.report.summary["goals"]
    best = {name: action for name in found if (action := results.best_action(name))}
    if not best:
        return
    names, width = results.names(), min(console.width, _WIDTH)
    currency = results.report.summary["currency"]
    console.print()
    console.print(Text("What to do: the most valuable task of each goal", style="bold"))
    _say(console, f"Worth: the margin at stake times the chance to win it, in {currency}", "dim")
    for name, action in best.items():
        title = f"{found[name]['title']}, {_counted(results.tasks_of(name), 'task')}"
        owner = names.get(action.owner or "", action.owner or "nobody")
        console.print(_head(title, action, owner), width=width)
        for text, style in ((action.subject, "bold"), (action.reason, "")):
            console.print(Padding(Text(text, style=style), (0, 0, 0, _INDENT)), width=width)


def _head(title: str, action: ActionRow, owner: str) -> Table:
    head = Table.grid(expand=True)
    head.add_column(style="cyan", no_wrap=True)
    head.add_column(style="dim", justify="right", no_wrap=True)
    worth, due = _money(cents(action.expected_value)), f"{action.due.day} {action.due:%b}"
    head.add_row(Text(title), Text(f"{owner}, by {due}, worth {worth}"))
    return head


def left_out(console: Console, results: Results) -> None:
    """Say how many actions are no new tasks, and why."""
    counts = results.report.actions
    causes = {cause: counts[cause] for cause in _WHY if counts.get(cause)}
    if not causes:
        return
    console.print()
    console.print(Text("What was left out, and why", style="bold"))
    for cause, count in sorted(causes.items(), key=lambda one: -one[1]):
        console.print(Text.assemble(f"  {count:>5,}  ", (_WHY[cause], "dim")), soft_wrap=True)


def places(console: Console, results: Results) -> None:
    """Say where records, results and the job lie."""
    folder = results.folder
    console.print()
    console.print(Text("Where it is", style="bold"))
    _pairs(
        console,
        {
            str(folder / "out" / "accounts.csv"): "the accounts, with their tiers",
            str(folder / "out" / "tasks.csv"): "the tasks of the sales reps",
            results.job_file: "the job: what is read and how, explained",
            str(folder / "connector.db"): "the store: all that was read and done",
        },
    )


def next_steps(console: Console, results: Results) -> None:
    """Name commands to try, in the folder of the demonstration."""
    found = map(results.best_action, results.report.summary["goals"])
    best = max(filter(None, found), key=lambda action: action.expected_value, default=None)
    account = best.account_id if best else "A0001"
    first, last = (add_months(results.run().as_of, -months) for months in (12, 6))
    console.print()
    console.print(Text("Try next", style="bold"))
    _pairs(
        console,
        {
            f"cd {results.folder}": "",
            f"connector explain {JOB} {account}": "why this tier and these tasks",
            f"connector actions {JOB}": "all tasks, and all that was left out",
            f"connector report {JOB}": "a page with charts for everybody else",
            f"connector simulate {JOB}": "what a few customers more on top bring",
            f"connector what-if {JOB} --set rules.settings.retention.overdue=3": (
                "what another rule would change"
            ),
            f"connector backtest {JOB} --from {first} --to {last}": "what came of earlier days",
            f"connector sync {JOB}": "run it again: nothing changes",
            "connector init my.toml": "start a job of your own",
        },
        style="cyan",
    )
    console.print()


def _written(report: Report) -> str:
    accounts, tasks = report.accounts["applied"], report.tasks["applied"]
    if not accounts and not tasks:
        unchanged = f"{report.accounts['unchanged']:,} accounts"
        return f"nothing: {unchanged} and every task are as they should be"
    return f"the tiers of {accounts:,} accounts and {_counted(tasks, 'task')}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), width=min(console.width, _WIDTH))


def _pairs(console: Console, rows: Mapping[str, str], style: str = "") -> None:
    """Print names and what they are, side by side where it fits; a name is never cut or broken."""
    room = min(console.width, _WIDTH) - max(map(len, rows.values())) - 5
    column = max((len(name) for name in rows if len(name) <= room), default=0)
    for name, about in rows.items():
        gap = " " * (column - len(name) + 3) if len(name) <= column else "\n    "
        console.print(
            Text.assemble("  ", (name, style), *((gap, (about, "dim")) if about else ())),
            soft_wrap=True,
        )


def _table(title: str, first: str, *numbers: str) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    rows.add_column(first)
    for name in numbers:
        rows.add_column(name, justify="right")
    return rows


def _bought(layer: Mapping[str, Any]) -> tuple[str, str, str]:
    revenue, average = _money(layer["revenue"]), _money(layer["average_revenue"])
    return revenue, _percent(layer["share_revenue"]), average


def _money(amount: Any) -> str:
    if amount is None:
        return "-"
    return f"{Decimal(amount).quantize(Decimal(1), ROUND_HALF_UP):,}"


def _percent(share: Any) -> str:
    return "-" if share is None else f"{(Decimal(share) * 100).quantize(Decimal('0.1'))}%"
