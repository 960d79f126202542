"""Write fields and tasks into files, each file anew and put in place at once.

A batch rewrites each accounts file once, and the tasks file once. Other columns, the order of rows
and what is outside the table stay as they are.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector import (
    AccessError,
    Change,
    CloseTask,
    ConfigError,
    Current,
    PutTask,
    Rejected,
    SetFields,
    Stream,
    WriteOutcome,
)
from connector_files.faults import changed, writing
from connector_files.find import find
from connector_files.formats import open_table
from connector_files.held import (
    Held,
    check_id,
    keys_of,
    load,
    note_fields,
    stacked,
    state_of,
    target_of,
    written,
)
from connector_files.limits import limit_of
from connector_files.replace import replacing
from connector_files.rewrite import rewrite
from connector_files.settings import Settings, Table
from connector_files.settle import settle
from connector_files.tasks import Tasks

logger = logging.getLogger(__name__)
_WORKBOOKS: Final = (".xlsx", ".xlsm")


class FileWriter:
    """The accounts file, or a copy of it, and the tasks file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._views: dict[Path, Held] = {}
        self._tasks: Tasks | None = None

    def check(self, fields: Sequence[str]) -> str:
        """Return which files we write; the first write adds *fields* that are not there yet.

        Raise ConfigError if an accounts file lacks the id or can't be rewritten without loss,
        AccessError if we may not write.
        """
        table = self._table()
        if self._settings.accounts_id in fields:
            raise ConfigError(
                f"target.fields: {self._settings.accounts_id!r} is the id of the accounts, which is"
                " never written; choose another column"
            )
        paths = find(self._settings, Stream.ACCOUNTS)
        for base in paths:
            self._check_kept(base, table)
            check_id(open_table(base, table), base, self._settings.accounts_id)
            self._check_writable(target_of(self._settings, base))
        self._check_writable(self._settings.tasks_file)
        self._open_tasks()
        files = "1 accounts file" if len(paths) == 1 else f"{len(paths)} accounts files"
        way = f"writing copies to {self._settings.output_folder}"
        if self._settings.mode == "in_place":
            way = "writing in place"
        return f"{files} in {self._settings.folder}, {way}"

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        """Return the accounts that the accounts file has, and our tasks for *accounts*."""
        ids = pa.array(accounts, pa.string())
        found = []
        for view in self._views_with(fields):
            rows = view.rows_of(keys_of(ids))
            there = pc.is_valid(rows)
            found.append((ids.filter(there), view, rows.drop_null()))
            ids = ids.filter(pc.invert(there))
        columns = {"id": stacked([part for part, _, _ in found])}
        for name in dict.fromkeys(fields):
            if name != "id":
                columns[name] = stacked([_taken(view, name, rows) for _, view, rows in found])
        return Current(pa.table(columns), self._open_tasks().held(accounts))

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        """Yield one outcome a change, each after its file is in place."""
        sets = [change for change in changes if isinstance(change, SetFields)]
        tasks = [change for change in changes if not isinstance(change, SetFields)]
        if sets:
            yield from self._set(sets)
        if tasks:
            yield from self._put(tasks)

    def close(self) -> None:
        """Forget what was read; no file is open."""
        self._views.clear()
        self._tasks = None

    def _table(self) -> Table:
        if self._settings.accounts is None:
            raise ConfigError("target.settings.accounts: not set; name the file of the accounts")
        return self._settings.accounts

    def _views_with(self, fields: Iterable[str]) -> list[Held]:
        table, wanted = self._table(), set(fields)
        for base in find(self._settings, Stream.ACCOUNTS):
            view = self._views.get(base)
            if view is None or not view.is_fresh(wanted):
                before = view.fields if view is not None else frozenset()
                self._views[base] = load(self._settings, table, base, wanted | before)
        return [self._views[base] for base in find(self._settings, Stream.ACCOUNTS)]

    def _set(self, changes: Sequence[SetFields]) -> Iterator[WriteOutcome]:
        left = []
        for change in changes:
            if refused := self._refused(change):
                yield refused
            else:
                left.append(change)
        for view in self._views_with({name for change in left for name in change.values}):
            rows = view.rows_of(keys_of(_ids(left))).to_pylist()
            there = [
                (change, row) for change, row in zip(left, rows, strict=True) if row is not None
            ]
            left = [change for change, row in zip(left, rows, strict=True) if row is None]
            if there:
                yield from self._write_file(view, there)
        for change in left:
            yield self._not_found(change)

    def _write_file(
        self, view: Held, changes: Sequence[tuple[SetFields, int]]
    ) -> Sequence[WriteOutcome]:
        limit = limit_of(view.base, view.table)
        settled = settle(
            view, [change for change, _ in changes], [row for _, row in changes], limit
        )
        if not settled.columns:
            return settled.outcomes
        self._check_kept(view.base, view.table)
        columns = dict(settled.columns)
        if view.base != view.target:
            carried = {name: view.columns[name] for name in view.carried if name in view.columns}
            columns = {**carried, **columns}
            note_fields(self._settings, view.target, settled.columns)
        with replacing(view.target, like=view.base) as temporary:
            rewrite(
                view.base,
                temporary,
                view.table,
                id_column=self._settings.accounts_id,
                ids=view.ids,
                columns=columns,
            )
            after = written(view, columns, temporary)
            if state_of(view.base, view.target) != view.state:
                raise changed(view.base)
        self._views.pop(view.base)
        if view.table.kind != "excel":  # a sheet says only when it is read what it made of a value
            self._views[view.base] = after
        logger.info("wrote %s: %d changes", view.target, len(changes))
        return settled.outcomes

    def _put(self, changes: Sequence[PutTask | CloseTask]) -> Iterator[WriteOutcome]:
        known = self._known([change for change in changes if isinstance(change, PutTask)])
        tasks = self._open_tasks()
        outcomes: list[WriteOutcome] = []
        for change in changes:
            if refused := self._refused(change):
                outcomes.append(refused)
            elif isinstance(change, CloseTask):
                outcomes.append(tasks.close(change))
            elif change.ref.id in known:
                outcomes.append(tasks.put(change))
            else:
                outcomes.append(self._not_found(change))
        self._tasks = None
        tasks.save()
        self._tasks = tasks
        yield from outcomes

    def _known(self, changes: Sequence[PutTask]) -> set[str]:
        ids = pc.unique(_ids(changes))
        known: set[str] = set()
        for view in self._views_with(()):
            known.update(ids.filter(pc.is_valid(view.rows_of(keys_of(ids)))).to_pylist())
        return known

    def _open_tasks(self) -> Tasks:
        if self._tasks is None or not self._tasks.is_fresh():
            self._tasks = Tasks(self._settings.tasks_file)
        return self._tasks

    def _refused(self, change: Change) -> Rejected | None:
        if change.ref.stream is not Stream.ACCOUNTS:
            return Rejected(change.marker, "not_offered", f"files hold no {change.ref.stream}")
        if isinstance(change, SetFields) and self._settings.accounts_id in change.values:
            return Rejected(change.marker, "read_only", f"{self._settings.accounts_id!r} is the id")
        return None

    def _not_found(self, change: Change) -> Rejected:
        files = self._table().file
        return Rejected(change.marker, "not_found", f"no account {change.ref.id!r} in {files}")

    def _check_kept(self, base: Path, table: Table) -> None:
        if table.kind != "excel":
            return
        if base.suffix.lower() not in _WORKBOOKS:
            raise ConfigError(
                f"{base}: only .xlsx and .xlsm workbooks can be written; save it as one of these"
            )
        if self._settings.mode == "in_place":
            from connector_files.rewrite_workbook import refuse_losses

            refuse_losses(base)

    def _check_writable(self, path: Path) -> None:
        with writing(path):
            folder = path.parent
            while not folder.exists() and folder != folder.parent:
                folder = folder.parent
            for place in (folder, path):
                if place.exists() and not os.access(place, os.W_OK):
                    raise AccessError(f"{place}: not allowed to write it; give this user access")


def _ids(changes: Sequence[Change]) -> pa.Array:
    return pa.array([change.ref.id for change in changes], pa.string())


def _taken(view: Held, name: str, rows: pa.Array) -> pa.Array:
    column = view.columns.get(name)
    if column is not None:
        return column.take(rows)
    text = view.table.kind in ("csv", "tsv")
    return pa.nulls(len(rows), pa.string() if text else pa.null())
