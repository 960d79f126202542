"""The adapter `files` passes the suites that every adapter has to pass."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector import Adapter, Stream
from connector.testing import NO_SUCH_FIELD, SourceContract, WriterContract
from connector_files import adapters, paging
from connector_files.settings import Settings
from connector_files.writer import FileWriter

NO_LOGIN = {
    "refuse_logins": "a file has no login",
    "cut_network": "a file is not reached over a network that we see",
}


STREAMS = (Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.LINE_ITEMS, Stream.CASES)


class Folder:
    """A folder of files that the suites change."""

    def __init__(self, folder: Path, ending: str) -> None:
        self.folder = folder
        self.ending = ending
        self.clock = 1_000_000_000
        for stream in STREAMS:
            self._save(stream, [])

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        held = {row["id"]: row for row in self._load(stream)}
        for row in rows:
            held[row["id"]] = {**held.get(row["id"], {}), **row}
        self._save(stream, list(held.values()))

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        rows = [row for row in self._load(stream) if row["id"] not in ids]
        self._save(stream, rows)

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        tasks = self._tasks()
        assert tasks
        text = tasks.read_text("utf-8-sig")
        assert marker in text
        tasks.write_text(text.replace(",open,", f",{status.title()},"), "utf-8")

    def task_count(self, marker: str) -> int:
        tasks = self._tasks()
        if tasks is None:
            return 0
        with tasks.open(encoding="utf-8-sig", newline="") as file:
            return sum(row["marker"] == marker for row in csv.DictReader(file))

    def _tasks(self) -> Path | None:
        return next(self.folder.rglob("tasks.csv"), None)

    def _path(self, stream: Stream) -> Path:
        return self.folder / f"{stream}{self.ending}"

    def _load(self, stream: Stream) -> list[dict[str, Any]]:
        path = self._path(stream)
        if self.ending == ".parquet":
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return rows
        if self.ending == ".xlsx":
            header, *cells = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
            return [dict(zip(header, row, strict=True)) for row in cells]
        with path.open(newline="", encoding="utf-8") as file:
            return [*csv.DictReader(file)]

    def _save(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        known = ["id", SourceContract.texts.get(stream, "name")]
        header = list(dict.fromkeys([*known, *(name for row in rows for name in row)]))
        path = self._path(stream)
        if self.ending == ".parquet":
            pq.write_table(pa.table({name: _column(rows, name) for name in header}), path)
        elif self.ending == ".xlsx":
            book = openpyxl.Workbook()
            for values in [header, *([_cell(row.get(name)) for name in header] for row in rows)]:
                book.active.append(values)
            book.save(path)
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                lines = csv.writer(file)
                lines.writerows([header, *([row.get(name) for name in header] for row in rows)])
        self.clock += 1  # the file system's own clock is too coarse for a test
        os.utime(path, ns=(self.clock, self.clock))


def _column(rows: Sequence[Mapping[str, object]], name: str) -> pa.Array:
    column = pa.array([row.get(name) for row in rows])
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _cell(value: object) -> object:
    # Excel knows no zones.
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@pytest.fixture
def adapter() -> Adapter[Any]:
    (files,) = adapters()
    return files


@pytest.fixture(params=[".csv", ".parquet", ".xlsx"])
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings_in(tmp_path: Path, ending: str) -> Callable[..., Settings]:
    def make(**more: object) -> Settings:
        files = {str(stream): f"{stream}{ending}" for stream in STREAMS}
        return Settings.model_validate({"folder": tmp_path, **files, **more})

    return make


class TestSource(SourceContract):
    streams: ClassVar[Sequence[Stream]] = STREAMS
    cannot: ClassVar[Mapping[str, str]] = NO_LOGIN

    @pytest.fixture
    def adapter(self, adapter: Adapter[Any]) -> Adapter[Any]:
        return adapter

    @pytest.fixture
    def backend(self, tmp_path: Path, ending: str) -> Folder:
        return Folder(tmp_path, ending)

    @pytest.fixture
    def settings(
        self,
        settings_in: Callable[..., Settings],
        backend: Folder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Settings:
        monkeypatch.setattr(paging, "PAGE", 2)
        return settings_in()


class TestWriter(WriterContract):
    cannot: ClassVar[Mapping[str, str]] = {
        **NO_LOGIN,
        "refuse": "a file refuses no single row",
        "lose_answer": "the answer of a file is its being in place",
    }
    detects_conflicts: ClassVar[bool] = True
    mode: ClassVar[str] = "in_place"

    @pytest.fixture
    def adapter(self, adapter: Adapter[Any]) -> Adapter[Any]:
        return adapter

    @pytest.fixture
    def backend(self, tmp_path: Path, ending: str) -> Folder:
        return Folder(tmp_path, ending)

    @pytest.fixture
    def settings(self, settings_in: Callable[..., Settings], backend: Folder) -> Settings:
        return settings_in(mode=self.mode)

    @pytest.fixture
    def field(self) -> str:
        return "tier"

    def test_check_names_a_field_that_does_not_exist(  # type: ignore[override]  # see below
        self, settings: Settings, backend: Folder
    ) -> None:
        """A column that is not there is no mistake here: the first write adds it."""
        assert FileWriter(settings).check(["tier", NO_SUCH_FIELD])


class TestCopyingWriter(TestWriter):
    mode: ClassVar[str] = "copy"

    @pytest.fixture
    def ending(self) -> str:
        return ".csv"
