"""The tasks file: one row a task, edited by people and by us."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector import (
    AccessError,
    Applied,
    CloseTask,
    ConfigError,
    HeldTask,
    PutTask,
    Ref,
    Rejected,
    RemoteError,
    Unchanged,
    WriteOutcome,
)
from connector_files.settings import Settings
from connector_files.writer import FileWriter

PUT = PutTask(
    ref=Ref("1"),
    marker="up_sell:1:2026",
    goal="up_sell",
    subject="=Offer, now",
    body='2,100 short of "Top"\nCall them',
    owner="u7",
    due=date(2026, 3, 31),
    priority="High",
    created_on=date(2026, 1, 1),
)
CLOSE = CloseTask(Ref("1"), PUT.marker, PUT.marker, "has bought", date(2026, 2, 1))
HELD = HeldTask(
    marker=PUT.marker,
    account="1",
    status="open",
    id=PUT.marker,
    subject=PUT.subject,
    body=PUT.body,
    owner="u7",
    due=PUT.due,
    priority="High",
    created_on=PUT.created_on,
)
Open = Callable[..., FileWriter]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    (tmp_path / "a.csv").write_text("id,name\n1,x\n2,y\n")

    def open_writer(tasks: str = "tasks.csv") -> FileWriter:
        said = {"folder": tmp_path, "mode": "in_place", "accounts": "a.csv", "tasks": tasks}
        return FileWriter(Settings.model_validate(said))

    return open_writer


def write(writer: FileWriter, *changes: PutTask | CloseTask) -> list[WriteOutcome]:
    return list(writer.write(changes))


def tasks_of(writer: FileWriter, *accounts: str) -> list[HeldTask]:
    return list(writer.current(accounts or ["1", "2"], []).tasks)


def edit(path: Path, marker: str, column: str, value: object) -> None:
    """Change one cell as a person would, and add a column of their own."""
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        header = [cell.value for cell in book.active[1]]
        if "mine" not in header:
            book.active.cell(1, len(header) + 1, "mine")
        for row in book.active.iter_rows(min_row=2):
            if row[0].value == marker:
                row[header.index(column)].value = value
                book.active.cell(row[0].row, len(header) + 1, "note")
        book.save(path)
        return
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        for task in rows:
            task["mine"] = "note" if task["marker"] == marker else None
            if task["marker"] == marker:
                task[column] = value
        pq.write_table(pa.Table.from_pylist(rows), path)
        return
    lines = path.read_text("utf-8-sig")
    assert value is not None
    lines = lines.replace("closed_on\n", "closed_on,mine\n").replace(",open,", f",{value},")
    path.write_text(lines.replace("2026-01-01,\n", "2026-01-01,,note\n"), "utf-8")


@pytest.mark.parametrize("name", ["tasks.csv", "tasks.parquet", "tasks.xlsx"])
class TestEveryFormat:
    """The same story for each kind of tasks file."""

    def test_a_task_comes_back(self, opened: Open, name: str) -> None:
        assert write(opened(name), PUT) == [Applied(PUT.marker, PUT.marker)]
        assert tasks_of(opened(name)) == [HELD]
        assert tasks_of(opened(name), "2") == []

    def test_putting_it_again_writes_nothing(self, opened: Open, tmp_path: Path, name: str) -> None:
        write(opened(name), PUT)
        before = (tmp_path / name).stat().st_ino
        assert write(opened(name), PUT) == [Unchanged(PUT.marker)]
        assert (tmp_path / name).stat().st_ino == before

    def test_an_open_task_is_brought_up_to_date(self, opened: Open, name: str) -> None:
        writer = opened(name)
        write(writer, PUT, replace(PUT, ref=Ref("2"), marker="other"))
        later = replace(PUT, subject="Offer again", due=date(2026, 4, 1), owner=None)
        assert write(writer, later) == [Applied(PUT.marker, PUT.marker)]
        assert tasks_of(opened(name), "1") == [
            replace(HELD, subject="Offer again", due=date(2026, 4, 1), owner=None)
        ]
        assert len(tasks_of(opened(name))) == 2

    def test_a_closed_task_says_why(self, opened: Open, name: str) -> None:
        writer = opened(name)
        write(writer, PUT)
        assert write(writer, CLOSE) == [Applied(PUT.marker, PUT.marker)]
        assert tasks_of(opened(name)) == [
            replace(
                HELD,
                status="done",
                body=f"{PUT.body}\nhas bought",
                closed_on=date(2026, 2, 1),
            )
        ]
        assert write(opened(name), CLOSE) == [Unchanged(PUT.marker)]

    def test_what_people_add_is_kept(self, opened: Open, tmp_path: Path, name: str) -> None:
        write(opened(name), PUT)
        edit(tmp_path / name, PUT.marker, "status", "Declined")
        writer = opened(name)
        assert [task.status for task in tasks_of(writer)] == ["rejected"]
        assert write(writer, replace(PUT, subject="x")) == [Unchanged(PUT.marker)]
        write(writer, replace(PUT, marker="new"))
        edited, new = tasks_of(opened(name))
        assert (edited.status, new.marker) == ("rejected", "new")
        assert b"note" in _plain(tmp_path / name)


def _plain(path: Path) -> bytes:
    if path.suffix == ".xlsx":
        rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        return repr(list(rows)).encode()
    if path.suffix == ".parquet":
        return repr(pq.read_table(path).to_pylist()).encode()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("", "open"),
        ("Open", "open"),
        ("waiting", "open"),
        ("DONE", "done"),
        ("closed", "done"),
        ("Completed", "done"),
        (" rejected ", "rejected"),
        ("canceled", "rejected"),
        ("Cancelled", "rejected"),
        ("declined", "rejected"),
    ],
)
def test_people_may_say_it_in_their_words(
    opened: Open, tmp_path: Path, word: str, status: str
) -> None:
    (tmp_path / "tasks.csv").write_text(f"marker,account,status\nm,1,{word}\n")
    (task,) = tasks_of(opened())
    assert (task.status, task.priority) == (status, "Normal")


def test_a_file_saved_by_excel_elsewhere_is_understood_and_kept(
    opened: Open, tmp_path: Path
) -> None:
    path = tmp_path / "tasks.csv"
    path.write_bytes("\ufeffmarker;account;subject;due;mine\r\nm;1;Büro;2026-01-31;x\r\n".encode())
    (task,) = tasks_of(opened())
    assert (task.subject, task.due) == ("Büro", date(2026, 1, 31))
    write(opened(), replace(PUT, marker="n"))
    lines = path.read_bytes().split(b"\r\n")
    assert lines[0] == (
        b"\xef\xbb\xbfmarker;account;subject;due;mine;goal;body;owner;priority;status;"
        b"created_on;closed_on"
    )
    assert lines[1] == "m;1;Büro;2026-01-31;x;;;;;;;".encode()


def test_rows_without_a_marker_belong_to_people(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "tasks.csv").write_text("marker,account,subject\n,1,my own\nm,1\n")
    assert [task.marker for task in tasks_of(opened())] == ["m"]
    write(opened(), replace(PUT, marker="n"))
    assert ",1,my own," in (tmp_path / "tasks.csv").read_text()


def test_a_task_for_nobody_is_rejected(opened: Open) -> None:
    put, close = write(opened(), replace(PUT, ref=Ref("99")), CLOSE)
    assert isinstance(put, Rejected)
    assert isinstance(close, Rejected)
    assert put.code == close.code == "not_found"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        pytest.param(b"id,name\n1,x\n", ConfigError, "no column 'marker'", id="another-file"),
        pytest.param(b"marker,subject\nm,\xfc\n", ConfigError, "CSV UTF-8", id="not-utf-8"),
        pytest.param(b'marker,subject\nm,"x\n', RemoteError, "correct it", id="unclosed-quote"),
    ],
)
def test_a_file_that_is_no_tasks_file_is_left_alone(
    opened: Open, tmp_path: Path, content: bytes, error: type[Exception], message: str
) -> None:
    (tmp_path / "tasks.csv").write_bytes(content)
    with pytest.raises(error, match=message):
        write(opened(), PUT)
    with pytest.raises(error, match=message):
        opened().check([])
    assert (tmp_path / "tasks.csv").read_bytes() == content


def test_a_failed_write_is_not_remembered(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = opened()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", refuse)
        with pytest.raises(AccessError, match=r"tasks\.csv: not allowed to write"):
            write(writer, PUT)
    assert tasks_of(writer) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_text_that_starts_with_an_equals_sign_is_no_formula(opened: Open, tmp_path: Path) -> None:
    write(opened("tasks.xlsx"), PUT)
    cell = openpyxl.load_workbook(tmp_path / "tasks.xlsx").active["D2"]
    assert cell.value == PUT.subject
    assert tasks_of(opened("tasks.xlsx"))[0].subject == PUT.subject
