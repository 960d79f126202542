"""Every account's place in the pyramid, as a table or a file; DuckDB handles a million rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import duckdb

from connector.cli.console import console, table
from connector.cli.figures import money, plain
from connector.cli.opening import Kept, open_kept
from connector.errors import ConfigError
from connector.store import open_engine
from customer_pyramid.settings import INACTIVE, PROSPECT, REST_OF_WORLD, SUSPECT

if TYPE_CHECKING:
    from collections.abc import Iterator

Format: TypeAlias = Literal["table", "csv", "json", "parquet"]

_STANDING: Final = {
    "layer": "varchar",
    "tier": "varchar",
    "rank": "bigint",
    "revenue": "bigint",
    "previous_tier": "varchar",
    "movement": "varchar",
    "tier_raw": "varchar",
    "tier_frozen": "varchar",
    "orders": "bigint",
    "previous_revenue": "bigint",
    "previous_rank": "bigint",
    "first_order": "date",
    "last_order": "date",
    "next_tier": "varchar",
    "next_tier_gap": "bigint",
    "inherited_from": "varchar",
    "tier_since": "date",
}
"""The columns after account and name, in the order in which they are given."""

_MONEY: Final = ("revenue", "previous_revenue", "next_tier_gap")
_OPTIONS: Final = {
    "csv": "format csv, header",
    "json": "format json, array",
    "parquet": "format parquet",
}
_SHORT: Final = ("account", "name", "layer", "rank", "revenue", "previous_tier", "movement")
_ORDER: Final = "order by rank nulls last, account"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts are wanted; empty is all."""

    layers: Sequence[str] = ()
    tiers: Sequence[str] = ()


def tiers(job_path: Path, form: Format, output: Path | None, wanted: Filter, limit: int) -> None:
    """Print or write where every account stands after the last run."""
    kept = open_kept(job_path)
    kept.last_run()
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise ConfigError("parquet is not text; name a file with --output, or redirect stdout")
    if form == "table" and output is not None:
        raise ConfigError("--output needs --format csv, json or parquet")
    names = kept.job.model.rules.settings.pyramid.tiers
    _check("--tier", wanted.tiers, names)
    _check("--layer", wanted.layers, (*names, INACTIVE, PROSPECT, SUSPECT, REST_OF_WORLD))
    with _standings(kept, wanted) as engine:
        if form == "table":
            _show(engine, limit, job_path)
            return
        _export(engine, form, output)


@contextmanager
def _standings(kept: Kept, wanted: Filter) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an engine with the table `tiers`, filtered and not yet in order."""
    columns = ", ".join(f"s.{name}" for name in _STANDING)
    sql = (
        f"select s.account_id as account, a.name as name, {columns} from standing s"
        " left join account a on a.job_id = s.job_id and a.id = s.account_id"
        f" where s.job_id = {int(kept.job_id)}"
    )
    with TemporaryDirectory(prefix="connector-") as spill, open_engine() as engine:
        engine.execute("set memory_limit = '600MB'")
        engine.execute("set temp_directory = $spill", {"spill": spill})
        with kept.store.reader(engine) as reader:
            reader.load("stood", sql, {"account": "varchar", "name": "varchar", **_STANDING})
        given = {"layers": _lower(wanted.layers), "tiers": _lower(wanted.tiers)}
        engine.execute(
            f"create view chosen as select account, name, {_shown_columns()} from stood",
        )
        engine.execute(
            f"create table tiers as from chosen where {_condition('layer', given['layers'])}"
            f" and {_condition('tier', given['tiers'])}"
        )
        yield engine


def _shown_columns() -> str:
    """Return the columns as SQL: money, which the store keeps in 1/10,000, with two decimals."""
    return ", ".join(
        f"cast(cast({name} as decimal(18, 0)) * 0.0001 as decimal(18, 2)) as {name}"
        if name in _MONEY
        else name
        for name in _STANDING
    )


def _condition(column: str, values: Sequence[str]) -> str:
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"lower({column}) in ({listed})" if values else "true"


def _lower(values: Sequence[str]) -> Sequence[str]:
    return [value.lower() for value in values]


def _check(option: str, values: Sequence[str], known: Sequence[str]) -> None:
    for value in values:
        if value.lower() not in _lower(known):
            raise ConfigError(f"{option}: no {value!r} in this job; there is: {', '.join(known)}")


def _export(engine: duckdb.DuckDBPyConnection, form: Format, output: Path | None) -> None:
    if output is None:
        with TemporaryDirectory(prefix="connector-") as folder:
            path = Path(folder) / f"tiers.{form}"
            _copy(engine, form, path)
            sys.stdout.flush()
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    part = output.with_name(f".{output.name}.part")
    try:
        _copy(engine, form, part)
        part.replace(output)
    except (OSError, duckdb.IOException) as error:
        raise ConfigError(f"--output: {output} can't be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    print(f"{_count(engine):,} accounts written to {output}", file=sys.stderr)


def _copy(engine: duckdb.DuckDBPyConnection, form: Format, path: Path) -> None:
    target = str(path).replace("'", "''")
    columns = "*"
    if form == "json":  # a JSON number would be read as a binary float
        columns = f"* replace ({', '.join(f'cast({n} as varchar) as {n}' for n in _MONEY)})"
    engine.execute(f"copy (select {columns} from tiers {_ORDER}) to '{target}' ({_OPTIONS[form]})")


def _count(engine: duckdb.DuckDBPyConnection) -> int:
    found = engine.table("tiers").count("*").fetchone()
    return int(found[0]) if found else 0


def _show(engine: duckdb.DuckDBPyConnection, limit: int, job: Path) -> None:
    rows = table(
        "Account", "Name", "Layer", "Rank", "Revenue", "Was", "Movement",
        right=("Rank", "Revenue"), fold=("Account", "Name"),
    )  # fmt: skip
    count = _count(engine)
    first = f"limit {int(limit)}" if limit else ""
    found = engine.sql(f"select {', '.join(_SHORT)} from tiers {_ORDER} {first}").fetchall()
    for account, name, layer, rank, revenue, was, movement in found:
        earned = money(revenue)
        rows.add_row(
            account, name, layer, plain(rank), earned, plain(was), plain(movement),
        )  # fmt: skip
    out = console()
    out.print(rows)
    if len(found) < count:
        out.print(
            f"{len(found):,} of {count:,} accounts; all of them, with every column:"
            f" connector tiers {job} --format csv"
        )
