"""The accounts as the target holds them: their ids, and the columns that we read or write.

In place that is the accounts file. A copy is the accounts file as it is now, with the columns that
only the copy has and those that we have ever written taken from the copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from connector import ConfigError
from connector_files.columns import column_of
from connector_files.faults import no_folder
from connector_files.formats import open_table
from connector_files.paging import Reader
from connector_files.replace import replacing
from connector_files.settings import Settings, Table

State: TypeAlias = tuple[tuple[int, int, int] | None, ...]
_NOTE: Final = ".pyramid-connector.json"


@dataclass(frozen=True, slots=True)
class Held:
    """One accounts file: a value of *ids*, *keys* and each column for each of its rows.

    *ids* are as the file has them, *keys* the same as trimmed text, null where empty. *carried*
    are the columns that every rewrite of a copy takes over from it.
    """

    base: Path
    target: Path
    table: Table
    ids: pa.Array
    keys: pa.Array
    columns: Mapping[str, pa.Array]
    fields: frozenset[str]
    carried: Sequence[str]
    state: State

    def rows_of(self, keys: pa.Array) -> pa.Array:
        """Return the row of each of *keys*, null where the file has none."""
        return pc.index_in(keys, value_set=self.keys)

    def is_fresh(self, fields: Iterable[str]) -> bool:
        """Say whether it shows *fields* and no file has changed since."""
        return self.fields.issuperset(fields) and self.state == state_of(self.base, self.target)


def target_of(settings: Settings, base: Path) -> Path:
    """Return the file that we write for the accounts file *base*."""
    if settings.mode == "in_place":
        return base
    inside = base.is_relative_to(settings.folder)
    return settings.output_folder / (base.relative_to(settings.folder) if inside else base.name)


def load(settings: Settings, table: Table, base: Path, fields: Iterable[str]) -> Held:
    """Read one accounts file and its copy."""
    target = target_of(settings, base)
    state = state_of(base, target)
    reader = open_table(base, table)
    check_id(reader, base, settings.accounts_id)
    copy = open_table(target, table) if target != base and target.exists() else None
    ours = fields_written(settings, target)
    carried = _carried(reader, copy, ours)
    wanted = [*dict.fromkeys([*fields, *carried])]
    columns = _columns(reader, [settings.accounts_id, *wanted])
    ids = columns.get(settings.accounts_id, pa.array([], pa.string()))
    keys = keys_of(ids)
    if copy is not None and carried:
        columns |= _from_copy(copy, settings.accounts_id, keys, carried, columns)
    return Held(
        base=base,
        target=target,
        table=table,
        ids=ids,
        keys=keys,
        columns={name: columns[name] for name in wanted if name in columns},
        fields=frozenset(wanted),
        carried=carried,
        state=state,
    )


def written(held: Held, columns: Mapping[str, pa.Array], temporary: Path) -> Held:
    """Return *held* as it is once *temporary* has taken the target's place."""
    now = _state(temporary)
    state = (now,) if held.base == held.target else (held.state[0], now)
    carried = [*dict.fromkeys([*held.carried, *columns])] if held.base != held.target else ()
    return replace(held, columns={**held.columns, **columns}, carried=carried, state=state)


def keys_of(ids: pa.Array) -> pa.Array:
    """Return ids as trimmed text, 5 for a number 5.0; null where there is none."""
    if pa.types.is_floating(ids.type):
        ids = column_of(
            [int(v) if v is not None and v.is_integer() else v for v in ids.to_pylist()]
        )
    keys = pc.utf8_trim_whitespace(ids.cast(pa.string()))
    return pc.if_else(pc.equal(keys, ""), pa.scalar(None, pa.string()), keys)


def stacked(parts: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Array:
    """Return *parts* one after the other; of several kinds, as the kind that holds all."""
    parts = [
        part.cast(part.type.value_type) if pa.types.is_dictionary(part.type) else part
        for part in parts
    ]
    kinds = {part.type for part in parts if not pa.types.is_null(part.type)}
    if len(kinds) > 1:
        return column_of([value for part in parts for value in part.to_pylist()])
    kind = kinds.pop() if kinds else pa.null()
    chunks: list[pa.Array] = []
    for part in parts:
        chunks += part.cast(kind).chunks if isinstance(part, pa.ChunkedArray) else [part.cast(kind)]
    return pa.concat_arrays(chunks) if chunks else pa.array([], kind)


def check_id(reader: Reader, path: Path, name: str) -> None:
    """Raise ConfigError if the file has no column for the accounts' ids."""
    if reader.columns and name not in reader.columns:
        raise ConfigError(
            f"{path}: there is no column {name!r} (`accounts_id`);"
            f" it has: {', '.join(reader.columns)}"
        )


def fields_written(settings: Settings, target: Path) -> frozenset[str]:
    """Return the fields that we have ever written into a copy."""
    return frozenset(_note(settings).get(target.name, ()))


def note_fields(settings: Settings, target: Path, fields: Iterable[str]) -> None:
    """Remember that we write *fields* into a copy: from now on they are not the source's."""
    note = _note(settings)
    ours = {*note.get(target.name, ()), *fields}
    if ours != set(note.get(target.name, ())):
        note[target.name] = sorted(ours)
        with replacing(settings.output_folder / _NOTE) as temporary:
            temporary.write_text(json.dumps(note, indent=1), encoding="utf-8")


def _note(settings: Settings) -> dict[str, list[str]]:
    try:
        note = json.loads((settings.output_folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # without it the source's own columns of these names are written once more
    return note if isinstance(note, dict) else {}


def state_of(base: Path, target: Path) -> State:
    """Return what changes with each write of the files."""
    return (_state(base),) if base == target else (_state(base), _state(target))


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise no_folder(path) from error
    return status.st_ino, status.st_size, status.st_mtime_ns


def _carried(base: Reader, copy: Reader | None, ours: frozenset[str]) -> Sequence[str]:
    if copy is None:
        return ()
    return [name for name in copy.columns if name and (name not in base.columns or name in ours)]


def _columns(reader: Reader, names: Sequence[str]) -> dict[str, pa.Array]:
    pages = list(reader.pages(names))
    if not pages:
        return {}
    return {name: stacked([page.column(name) for page in pages]) for name in pages[0].column_names}


def _from_copy(
    copy: Reader,
    id_column: str,
    keys: pa.Array,
    carried: Sequence[str],
    base: Mapping[str, pa.Array],
) -> dict[str, pa.Array]:
    columns = _columns(copy, [id_column, *carried])
    if id_column not in columns:
        return {}
    rows = pc.index_in(keys, value_set=keys_of(columns.pop(id_column)))
    taken = {name: column.take(rows) for name, column in columns.items()}
    for name in taken.keys() & base.keys():
        # An account that is new in the source still has the source's own value.
        both = stacked([taken[name], base[name]])
        new = pc.is_null(rows)
        taken[name] = pc.if_else(new, both.slice(len(keys)), both.slice(0, len(keys)))
    return taken
