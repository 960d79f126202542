"""Shows what the demonstration did: the pyramid, the tasks, and where everything lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sqlmodel import col, select

from connector.config import Job
from connector.demo.files import JOB
from connector.store import Store
from connector.store.tables import ActionRow, RunRow, UserRow
from connector.sync import Report
from customer_pyramid.money import cents

Draw = Callable[[str, RunRow], None]

_SHOWN: Final = 10
_WIDTH: Final = 100
_WORTH: Final = 9


@dataclass(frozen=True, slots=True)
class Results:
    """A run of the demonstration's job, and where it has left its results."""

    store: Store
    job_id: int
    report: Report
    folder: Path
    job: Job

    @property
    def job_file(self) -> str:
        """Return the job file as one would type it."""
        return str(self.folder / JOB)

    @property
    def set_aside(self) -> int:
        """Return how many rows could not be read."""
        return sum(pulled.quarantined for pulled in self.report.pulled.values())

    def run(self) -> RunRow:
        """Return the run as the store has it."""
        with self.store.session() as session:
            row = session.get(RunRow, self.report.run_id)
        assert row is not None  # noqa: S101 - it has just ended
        return row

    def best_actions(self) -> list[ActionRow]:
        """Return the actions behind open tasks, the most valuable first."""
        query = select(ActionRow).where(
            ActionRow.job_id == self.job_id, col(ActionRow.decision).in_(("create", "update"))
        )
        query = query.order_by(col(ActionRow.expected_value).desc(), ActionRow.account_id)
        with self.store.session() as session:
            return list(session.exec(query.limit(_SHOWN)).all())

    def names(self) -> Mapping[str, str]:
        """Return the name of each person by id."""
        with self.store.session() as session:
            rows = session.exec(select(UserRow).where(UserRow.job_id == self.job_id)).all()
        return {row.id: row.name or row.id for row in rows}


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


def work(console: Console, results: Results, seconds: float) -> None:
    """Say what the run read and wrote."""
    report = results.report
    read = sum(pulled.read for pulled in report.pulled.values())
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    if read:
        parts = [f"{pulled.read:,} {stream}" for stream, pulled in report.pulled.items()]
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


def tasks(console: Console, results: Results) -> None:
    """Show the most valuable tasks, each with its reason."""
    actions = results.best_actions()
    if not actions:
        return
    names, width = results.names(), min(console.width, _WIDTH)
    currency = results.report.summary["currency"]
    console.print()
    console.print(Text(f"The {len(actions)} most valuable tasks", style="bold"))
    _say(console, f"Worth: the margin at stake times the chance to win it, in {currency}", "dim")
    console.print()
    console.print(_task_row(("Worth", "Task, and why", "Owner", "Due"), "bold"), width=width)
    for action in actions:
        cells = (
            _money(cents(action.expected_value)),
            action.subject,
            names.get(action.owner or "", action.owner or "nobody"),
            f"{action.due.day:2} {action.due:%b}",
        )
        console.print(_task_row(cells), width=width)
        reason = Text(action.reason, style="dim")
        console.print(Padding(reason, (0, 0, 0, _WORTH + 1)), width=width)


def _task_row(cells: Sequence[str], style: str = "") -> Table:
    # A table each, so that the reason beneath can use the whole width.
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(width=_WORTH, justify="right", style=style)
    row.add_column(ratio=1, overflow="fold", style="bold")
    row.add_column(width=14, overflow="ellipsis", no_wrap=True, style=style)
    row.add_column(width=6, no_wrap=True, style=style)
    row.add_row(*(Text(cell) for cell in cells))
    return row


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
            results.job_file: "the job: what is read, computed and written, with comments",
            str(folder / "connector.db"): "the store: all that was read, computed and done",
        },
    )


def next_steps(console: Console, results: Results) -> None:
    """Name three commands to try."""
    best = results.best_actions()
    account = best[0].account_id if best else "A0001"
    job = results.job_file
    console.print()
    console.print(Text("Try next", style="bold"))
    _pairs(
        console,
        {
            f"connector explain {job} {account}": "why this tier and this task",
            f"connector sync {job}": "run it again: nothing changes",
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
    return f"the tiers of {accounts:,} accounts and {tasks:,} tasks"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), width=min(console.width, _WIDTH))


def _pairs(console: Console, rows: Mapping[str, str], style: str = "") -> None:
    """Print names and what they are, side by side if they fit; a name is never cut or broken."""
    longest = max(len(name) for name in rows)
    beside = all(longest + len(about) + 5 <= min(console.width, _WIDTH) for about in rows.values())
    for name, about in rows.items():
        gap = " " * (longest - len(name) + 3) if beside else "\n    "
        console.print(Text.assemble("  ", (name, style), gap, (about, "dim")), soft_wrap=True)


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
