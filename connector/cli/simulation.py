"""What a few customers more in the higher tiers would bring, by the averages of the last run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from connector.cli.console import console, facts, print_json, table
from connector.cli.figures import counted, money, percent, signed_percent
from connector.cli.moves import Layers, Moves, layers_of, read_moves, spread_moves
from connector.cli.opening import open_kept
from connector.errors import ConfigError
from connector.report.scenarios import SELLING_RATE, margin_of
from connector.store.tables import RunRow
from customer_pyramid.simulate import Simulation, simulate

_MIGRATION: Final = Decimal("0.03")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for, as text; None is the default."""

    moves: Sequence[str] = ()
    migration: str | None = None
    margin: str | None = None
    selling_rate: str | None = None
    programme_cost: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A simulation and all that it rests on.

    *profit* is that of all tiers, None where the run does not know it; the cost of goods of
    *estimated* customers in it is a guess.
    """

    job: str
    run: RunRow
    layers: Layers
    moves: Moves
    margin: Decimal
    selling_rate: Decimal
    programme_cost: Decimal
    profit: Decimal | None
    estimated: int
    found: Simulation

    @property
    def revenue(self) -> Decimal:
        """Return the revenue of all tiers as it is now."""
        return Decimal(self.run.summary["current"]["revenue"])

    @property
    def break_even(self) -> Decimal:
        """Return what the programme may cost before nothing is left of the extra profit."""
        return self.found.extra_profit + self.programme_cost

    def brings(self, source: str, target: str) -> Decimal:
        """Return the extra revenue of all who move from *source* to *target*."""
        step = self.layers.average(target) - self.layers.average(source)
        return self.moves[source, target] * step


def simulation(job_path: Path, wishes: Wishes, *, as_json: bool) -> None:
    """Print what the moves would change."""
    kept = open_kept(job_path)
    run = kept.last_run()
    margin = kept.job.model.rules.settings.profit.margin
    case = simulated(kept.job.name, run, wishes, margin)
    if as_json:
        print_json(_as_data(case))
        return
    _show(case)


def simulated(job: str, run: RunRow, wishes: Wishes, margin: Decimal) -> Case:
    """Return what *wishes* would change; raise ConfigError for one that can't be.

    *margin* is that of the job, for wishes that name none and a run that knows none.
    """
    layers = layers_of(run.summary)
    if not layers.customers:
        raise ConfigError(f"run {run.id} has no active customer; there is nothing to simulate")
    moves = _moves(wishes, layers)
    found_margin = margin_of(run.summary.get("profit", {}).get("layers", ()), margin)
    margin = _number("--margin", wishes.margin, found_margin, most=1)
    selling = _number("--selling-rate", wishes.selling_rate, SELLING_RATE, most=1)
    cost = _number("--programme-cost", wishes.programme_cost, Decimal(0))
    profit, estimated = _profit_of(run.summary)
    found = simulate(
        layers.tiers,
        moves,
        margin=margin,
        selling_rate=selling,
        profit=profit or Decimal(0),
        programme_cost=cost,
    )
    return Case(job, run, layers, moves, margin, selling, cost, profit, estimated, found)


def _profit_of(summary: Mapping[str, Any]) -> tuple[Decimal | None, int]:
    """Return the profit that the run has found, and for how many customers it is a guess."""
    found = summary.get("profit")
    if found is None:
        return None, 0
    guessed = sum(layer["estimated"] for layer in found["layers"])
    return Decimal(found["profit"]), guessed


def _moves(wishes: Wishes, layers: Layers) -> Moves:
    if not wishes.moves:
        return spread_moves(_number("--migration", wishes.migration, _MIGRATION, most=1), layers)
    if wishes.migration is not None:
        raise ConfigError(
            "--migration spreads customers over the tiers, --move names them; give one of the two"
        )
    return read_moves(wishes.moves, layers)


def _number(option: str, text: str | None, default: Decimal, *, most: int | None = None) -> Decimal:
    """Return the number that an option gives: `0.03`, or `3%` of one that is a share."""
    if text is None:
        return default
    is_percent = most is not None and text.endswith("%")
    try:
        found = Decimal(text.removesuffix("%")) / 100 if is_percent else Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0 or (most is not None and found > most):
        expected = f"a share from 0 to {most}, such as 0.03" if most else "an amount, 0 or more"
        raise ConfigError(f"{option} {text!r}: expected {expected}")
    return found


def _as_data(case: Case) -> dict[str, object]:
    found = case.found
    return {
        "job": case.job,
        "run_id": case.run.id,
        "as_of": case.run.as_of,
        "currency": case.run.summary["currency"],
        "layers": [
            {"layer": name, "customers": size, "average_revenue": case.layers.average(name)}
            for name, size in case.layers.sizes.items()
        ],
        "moves": [
            {"from": source, "to": to, "customers": count, "extra_revenue": case.brings(source, to)}
            for (source, to), count in case.moves.items()
        ],
        "margin": case.margin,
        "selling_rate": case.selling_rate,
        "programme_cost": case.programme_cost,
        "net_migration": found.net_migration,
        "revenue": case.revenue,
        "extra_revenue": found.extra_revenue,
        "revenue_growth": found.revenue_growth,
        "profit": case.profit,
        "profit_estimated": case.estimated,
        "extra_profit": found.extra_profit,
        "profit_growth": found.profit_growth,
        "break_even": case.break_even,
        "sentence": _sentence(case),
    }


def _show(case: Case) -> None:
    out, found, currency = console(), case.found, case.run.summary["currency"]
    out.print(f"Simulation for {case.job}, as of {case.run.as_of}", style="bold")
    out.print(f"a customer brings the average of the tier, in {currency}\n", style="dim")
    out.print(_moves_table(case))
    out.print()
    customers = counted(case.layers.customers, "customer")
    out.print(
        facts(
            {
                "net migration": f"{signed_percent(found.net_migration)} of {customers}",
                "revenue": _grown(case.revenue, found.extra_revenue, found.revenue_growth),
                "extra profit": _made_of(case),
                "profit": _profit(case),
                "estimated": _guess(case),
                "break-even": _may_cost(case),
            }
        )
    )
    out.print()
    out.print(_sentence(case))


def _moves_table(case: Case) -> Any:
    right = ("Customers", "Each brings", "Will bring", "Extra revenue")
    rows = table("From", "To", *right, right=right)
    for (source, to), count in case.moves.items():
        averages = (money(case.layers.average(layer)) for layer in (source, to))
        rows.add_row(source, to, f"{count:,}", *averages, money(case.brings(source, to)))
    rows.add_section()
    movers = sum(case.moves.values())
    rows.add_row("together", "", f"{movers:,}", "", "", money(case.found.extra_revenue))
    return rows


def _grown(now: Decimal, extra: Decimal, growth: Decimal | None) -> str:
    return f"{money(now)} becomes {money(now + extra)} ({signed_percent(growth)})"


def _made_of(case: Case) -> str:
    cost = f", less {money(case.programme_cost)} for the programme" if case.programme_cost else ""
    rates = f"({percent(case.margin)} margin - {percent(case.selling_rate)} to sell it)"
    return f"{money(case.found.extra_profit)} = {money(case.found.extra_revenue)} x {rates}{cost}"


def _profit(case: Case) -> str:
    if case.profit is None:
        return "unknown to the last run, and so is its growth"
    if case.found.profit_growth is None:
        return f"{money(case.profit)} now, of which no growth can be told"
    return _grown(case.profit, case.found.extra_profit, case.found.profit_growth)


def _guess(case: Case) -> str:
    if not case.estimated:
        return ""
    customers = counted(case.estimated, "customer")
    return f"the cost of goods of {customers}, by the margin of the job"


def _may_cost(case: Case) -> str:
    if case.break_even <= 0:
        return "none: the moves themselves bring no profit"
    return f"the programme may cost up to {money(case.break_even)}"


def _sentence(case: Case) -> str:
    found, currency = case.found, case.run.summary["currency"]
    if not case.moves:
        return "The rate is less than one customer: nobody moves, and nothing changes."
    return (
        f"If {counted(sum(case.moves.values()), 'customer')} moved like this, revenue would"
        f" {_would(found.extra_revenue)} {currency}{_growth(found.revenue_growth)} and profit"
        f" would {_would(found.extra_profit)} {currency}{_growth(found.profit_growth)}."
    )


def _would(change: Decimal) -> str:
    return f"{'fall' if change < 0 else 'grow'} by {money(abs(change))}"


def _growth(share: Decimal | None) -> str:
    return "" if share is None else f" ({signed_percent(share)})"
