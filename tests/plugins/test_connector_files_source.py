"""Reading files: every row arrives once, whatever the format and wherever a pull broke off."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector import (
    AccessError,
    ConfigError,
    Page,
    RemoteError,
    Stream,
    Unavailable,
    Unreadable,
)
from connector.testing import records
from connector_files import paging
from connector_files.settings import Settings
from connector_files.source import FileSource

ROWS: list[dict[str, str | None]] = [
    {"id": "0001", "name": "Müller, Söhne; & Co", "note": None},
    {"id": "0002", "name": 'first line\nsecond "line"', "note": "x"},
    {"id": "0003", "name": '5" pipe', "note": "1e5"},
    {"id": "0004", "name": " spaces ", "note": "NULL"},
    {"id": "0005", "name": "tab\there", "note": "2024-01-01"},
]
FIELDS = ["id", "name", "note"]

Put = Callable[..., FileSource]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)


@pytest.fixture
def source(tmp_path: Path) -> Put:
    """Return what opens the accounts of a folder, after writing one file into it."""

    def open_source(name: str, content: bytes | str | None = None, **table: object) -> FileSource:
        if content is not None:
            path = tmp_path / name.replace("*", "1")
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        said = {"folder": tmp_path, "accounts": {"file": name, **table}}
        return FileSource(Settings.model_validate(said))

    return open_source


def delimited(delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    lines = csv.writer(out, delimiter=delimiter)
    lines.writerow(FIELDS)
    lines.writerows(row.values() for row in ROWS)
    return out.getvalue().encode(encoding)


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out, row_group_size=3)
    return out.getvalue()


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rows_of(pages: Sequence[Page]) -> list[dict[str, Any]]:
    return [row for page in pages for row in records(page.rows)]


def pull(source: FileSource, cursor: str | None = None, fields: Sequence[str] = ()) -> list[Page]:
    return list(source.pull(Stream.ACCOUNTS, fields or FIELDS, cursor))


FORMATS = [
    pytest.param("a.csv", delimited(), {}, id="comma"),
    pytest.param("a.csv", delimited(";"), {"delimiter": ";"}, id="semicolon"),
    pytest.param("a.tsv", delimited("\t"), {}, id="tab"),
    pytest.param(
        "a.csv", delimited("|", "latin-1"), {"delimiter": "|", "encoding": "latin-1"}, id="latin-1"
    ),
    pytest.param("a.csv", delimited(encoding="utf-16"), {"encoding": "utf-16"}, id="utf-16"),
    pytest.param(
        "a.csv",
        codecs.BOM_UTF16_BE + delimited(encoding="utf-16-be"),
        {"encoding": "utf-16"},
        id="utf-16-be",
    ),
    pytest.param("a.csv", delimited(encoding="utf-8-sig"), {}, id="bom"),
    pytest.param("a.csv.gz", gzip.compress(delimited()), {}, id="gz"),
    pytest.param("a.csv", b"exported by us\n\n" + delimited(), {"skip_rows": 2}, id="skip-rows"),
    pytest.param("a.csv", delimited().replace(b"\r\n", b"\n\n"), {}, id="blank-lines"),
    pytest.param("a.parquet", parquet(), {}, id="parquet"),
    pytest.param("a.xlsx", workbook([FIELDS, *(list(r.values()) for r in ROWS)]), {}, id="xlsx"),
]


@pytest.mark.parametrize(("name", "content", "table"), FORMATS)
def test_every_value_arrives_as_it_is(
    source: Put, name: str, content: bytes, table: Mapping[str, object]
) -> None:
    pages = pull(source(name, content, **table))
    assert rows_of(pages) == ROWS
    assert [len(page.rows) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(("name", "content", "table"), FORMATS)
def test_a_pull_goes_on_after_any_page(
    source: Put, name: str, content: bytes, table: Mapping[str, object]
) -> None:
    pages = pull(source(name, content, **table))
    for number, page in enumerate(pages, 1):
        rest = pull(source(name, **table), page.cursor)
        assert rows_of(rest) == rows_of(pages[number:])
        assert {page.scan for page in rest} <= {pages[0].scan}


def test_a_finished_scan_yields_no_page(source: Put) -> None:
    last = pull(source("a.csv", delimited()))[-1]
    assert pull(source("a.csv"), last.cursor) == []


def test_a_changed_file_is_scanned_anew(source: Put) -> None:
    first = pull(source("a.csv", delimited()))
    second = pull(source("a.csv", delimited() + b"0006,new,\r\n"), first[0].cursor)
    assert len(rows_of(second)) == 6
    assert second[0].scan != first[0].scan


def test_other_fields_are_another_scan(source: Put) -> None:
    cursor = pull(source("a.csv", delimited()))[-1].cursor
    assert rows_of(pull(source("a.csv"), cursor, ["id"]))[0] == {"id": "0001"}


def test_several_files_are_one_scan(source: Put, tmp_path: Path) -> None:
    (tmp_path / "a-2.csv").write_text("id,name\n9,last\n")
    pages = pull(source("a-*.csv", delimited()))
    assert [row["id"] for row in rows_of(pages)] == ["0001", "0002", "0003", "0004", "0005", "9"]
    assert len({page.scan for page in pages}) == 1
    rest = pull(source("a-*.csv"), pages[-2].cursor)
    assert rows_of(rest) == [{"id": "9", "name": "last"}]


def test_what_we_write_is_not_read(source: Put, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("out/a.csv", "tasks.csv", ".a.csv.1.tmp"):
        (tmp_path / name).write_text("id,name\n9,ours\n")
    (tmp_path / "a.csv").write_bytes(delimited())
    assert rows_of(pull(source("**/*.csv"))) == ROWS


def test_a_cursor_of_something_else_starts_over(source: Put) -> None:
    opened = source("a.csv", delimited())
    for cursor in ("2026-01-01T00:00:00Z", "[]", '{"place": 3}'):
        assert rows_of(pull(opened, cursor)) == ROWS


def test_a_file_changed_while_it_is_read_ends_no_scan(source: Put, tmp_path: Path) -> None:
    opened = source("a.csv", delimited()).pull(Stream.ACCOUNTS, FIELDS, None)
    pages = [next(opened)]
    with (tmp_path / "a.csv").open("ab") as file:
        file.write(b"0006,new,\r\n")
    with pytest.raises(Unavailable, match="read again"):
        pages += opened
    assert '"done":false' in pages[-1].cursor


@pytest.mark.parametrize("content", ["", "id,name\n", "\ufeff", "\n\n"], ids=repr)
def test_an_empty_file_is_an_empty_scan(source: Put, content: str) -> None:
    (page,) = pull(source("a.csv", content))
    assert (len(page.rows), page.scan is not None) == (0, True)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.xlsx"])
def test_a_column_that_is_not_there_is_left_out(source: Put, name: str) -> None:
    content = {
        "a.csv": delimited(),
        "a.parquet": parquet(),
        "a.xlsx": workbook([FIELDS, *(list(r.values()) for r in ROWS)]),
    }[name]
    assert rows_of(pull(source(name, content), None, ["name", "nothing"]))[3] == {
        "name": " spaces "
    }
    assert rows_of(pull(source(name), None, ["nothing"])) == [{}] * 5


def test_ragged_rows_are_set_aside_with_their_line(source: Put) -> None:
    content = 'id,name\n1,"a\nb"\n\n2,x,y\n3\n4,d\n5,e\n6,f\nTotal\n'
    pages = pull(source("a.csv", content))
    assert [row["id"] for row in rows_of(pages)] == ["1", "4", "5", "6"]
    assert [bad for page in pages for bad in page.unreadable] == [
        Unreadable("a.csv line 5", "2,x,y", "3 cells where the header has 2"),
        Unreadable("a.csv line 6", "3", "1 cells where the header has 2"),
        Unreadable("a.csv line 10", "Total", "1 cells where the header has 2"),
    ]


def test_an_unreadable_row_is_told_once_when_a_pull_goes_on(
    source: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "id,name\n" + "".join(f"{n},x\n" if n % 3 else "odd\n" for n in range(12))
    whole = pull(source("a.csv", content))
    for number, page in enumerate(whole, 1):
        rest = pull(source("a.csv"), page.cursor)
        told = [bad.where for page in (*whole[:number], *rest) for bad in page.unreadable]
        assert told == [f"a.csv line {n + 2}" for n in range(0, 12, 3)]


def test_a_file_of_ragged_rows_alone_loses_none(source: Put) -> None:
    (page,) = pull(source("a.csv", "id,name\n1\n2\n"))
    assert [bad.text for bad in page.unreadable] == ["1", "2"]
    assert pull(source("a.csv"), page.cursor) == []


@pytest.mark.parametrize(
    ("content", "table", "message"),
    [
        pytest.param("id;name\n1;x\n", {}, "delimiter = ';'", id="semicolon"),
        pytest.param("id\tname\n1\tx\n", {}, r"a tab: set delimiter = '\\t'", id="tab"),
        pytest.param("id,name\n1,x\n", {"delimiter": ";"}, "delimiter = ','", id="comma"),
        pytest.param("sep=;\nid;name\n", {}, "skip_rows = 1 and delimiter = ';'", id="sep"),
        pytest.param("id,name,id\n1,x,2\n", {}, "two columns are called 'id'", id="twice"),
        pytest.param("id,name\n1,x\n2,é".encode("cp1252"), {}, r"line 3.*`encoding`", id="bytes"),
        pytest.param("id,é\n1,x\n".encode("cp1252"), {}, r"line 1.*`encoding`", id="header-bytes"),
        pytest.param("id,name\n".encode("utf-16-le"), {}, "not utf-8", id="utf-16"),
        pytest.param(b"id,name\n1,x\n", {"encoding": "utf-16"}, "not utf-16", id="not-utf-16"),
    ],
)
def test_a_file_that_the_settings_do_not_fit_is_explained(
    source: Put, content: str | bytes, table: Mapping[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        pull(source("a.csv", content, **table))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("a.csv", 'id,name\n1,x\n2,"y\n3,z\n', "line 3: a quote", id="unclosed"),
        pytest.param("a.csv.gz", gzip.compress(delimited())[:-20], "damaged gzip", id="cut-gz"),
        pytest.param("a.csv.gz", delimited(), "damaged gzip", id="no-gz"),
        pytest.param("a.parquet", b"PAR1, not", "as Parquet", id="no-parquet"),
        pytest.param("a.parquet", parquet()[:-9], "as Parquet", id="cut-parquet"),
        pytest.param("a.xlsx", b"no workbook", "as Excel", id="no-excel"),
    ],
)
def test_a_damaged_file_stops_the_pull(
    source: Put, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(RemoteError, match=message):
        pull(source(name, content))


def test_an_unclosed_quote_in_a_long_file_is_found(
    source: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector_files.delimited._BLOCK", 64)
    content = 'id,name\n1,"x\n' + "2,y\n" * 100
    with pytest.raises(RemoteError, match="line 2: a quote"):
        pull(source("a.csv", content))


def test_other_quotes_and_none(source: Put) -> None:
    quoted = source("a.csv", "id,name,note\n1,'a,b',\"c\"\n", quote="'")
    assert rows_of(pull(quoted)) == [{"id": "1", "name": "a,b", "note": '"c"'}]
    bare = source("a.csv", 'id,name,note\n1,"a,b"\n', quote="")
    assert rows_of(pull(bare)) == [{"id": "1", "name": '"a', "note": 'b"'}]


def test_a_missing_file_or_folder_is_named(source: Put, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file 'a-\*\.csv' in "):
        pull(source("a-*.csv"))
    nowhere = Settings.model_validate({"folder": tmp_path / "gone", "accounts": "a.csv"})
    with pytest.raises(ConfigError, match="there is no folder"):
        FileSource(nowhere).check()


def test_a_stream_without_a_file(source: Put) -> None:
    opened = source("a.csv", delimited())
    with pytest.raises(ConfigError, match="opportunities: not set"):
        list(opened.pull(Stream.OPPORTUNITIES, ["id"], None))


@pytest.mark.parametrize("stream", [stream for stream in Stream if stream.optional])
def test_a_stream_that_is_optional_has_no_page_without_a_file(source: Put, stream: Stream) -> None:
    opened = source("a.csv", delimited())
    assert list(opened.pull(stream, ["id"], None)) == []
    assert str(stream) not in opened.check()


def test_a_file_we_may_not_read_is_an_access_error(
    source: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = source("a.csv", delimited())

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("connector_files.delimited.open_text", refuse)
    with pytest.raises(AccessError, match=r"a\.csv: not allowed to read"):
        pull(opened)


def test_check_says_what_is_read(source: Put, tmp_path: Path) -> None:
    (tmp_path / "a2.csv").write_bytes(delimited())
    assert source("a*.csv", delimited()).check() == f"{tmp_path}: accounts in 2 files"


def test_parquet_keeps_its_types_and_tells_how_many_rows(source: Put) -> None:
    table = pa.table({"id": pa.array([1, 2, 3]), "day": [date(2026, 1, 1)] * 3})
    out = io.BytesIO()
    pq.write_table(table, out)
    pages = pull(source("a.parquet", out.getvalue()), None, ["id", "day"])
    assert [page.total for page in pages] == [3, 3]
    assert isinstance(pages[0].rows, pa.Table)
    assert pages[0].rows.schema.types == [pa.int64(), pa.date32()]


def test_excel_values_have_their_kinds(source: Put) -> None:
    rows = [
        ["id", "amount", "day", "mixed", "code"],
        [5, 1.5, date(2026, 1, 31), 7, "007"],
        [],
        [6, 2, datetime(2026, 2, 1), "x", 8],  # noqa: DTZ001 - a sheet knows no zones
    ]
    pages = pull(source("a.xlsx", workbook(rows)), None, rows[0])  # type: ignore[arg-type]
    assert rows_of(pages) == [
        {"id": 5, "amount": Decimal("1.5"), "day": date(2026, 1, 31), "mixed": "7", "code": "007"},
        {"id": 6, "amount": Decimal("2.0"), "day": date(2026, 2, 1), "mixed": "x", "code": "8"},
    ]


def test_a_sheet_is_found_by_name(source: Put, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["other"])
    for row in (["Export of today"], [], ["id", "name"], [1, "x"]):
        book.create_sheet("Accounts") if "Accounts" not in book.sheetnames else None
        book["Accounts"].append(row)
    book.save(tmp_path / "a.xlsx")
    opened = source("a.xlsx", sheet="Accounts", skip_rows=1)
    assert rows_of(pull(opened)) == [{"id": 1, "name": "x"}]
    with pytest.raises(ConfigError, match="no sheet 'Deals'; its sheets: Sheet, Accounts"):
        pull(source("a.xlsx", sheet="Deals"))


class TestChangedSince:
    """Only rows whose time is at or after the last one seen are read."""

    HEAD = "id,name,at\n"
    OLD = "1,a,2026-01-01T10:00:00Z\n2,b,2026-01-02T10:00:00Z\n3,c,2026-01-03T10:00:00Z\n"

    @pytest.fixture
    def opened(self, source: Put, tmp_path: Path) -> Callable[..., list[Page]]:
        def opened(content: str, cursor: str | None = None, **more: object) -> list[Page]:
            table = {"modified": "at", "overlap": 0, **more}
            reader = source("a.csv", content, **table)
            times = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
            os.utime(tmp_path / "a.csv", (times, times + len(content)))
            return pull(reader, cursor)

        return opened

    def test_the_first_pull_reads_all_and_is_no_scan(
        self, opened: Callable[..., list[Page]]
    ) -> None:
        pages = opened(self.HEAD + self.OLD)
        assert [row["id"] for row in rows_of(pages)] == ["1", "2", "3"]
        assert "at" not in rows_of(pages)[0]
        assert {page.scan for page in pages} == {None}

    def test_the_next_reads_what_has_changed(self, opened: Callable[..., list[Page]]) -> None:
        cursor = opened(self.HEAD + self.OLD)[-1].cursor
        new = "4,d,2026-01-03T10:00:01Z\n5,e,2025-01-01T10:00:00Z\n"
        # 3 has the last time seen: others of that second may have come after it.
        assert [row["id"] for row in rows_of(opened(self.HEAD + self.OLD + new, cursor))] == [
            "3",
            "4",
        ]

    def test_nothing_changed_is_no_page(self, opened: Callable[..., list[Page]]) -> None:
        cursor = opened(self.HEAD + self.OLD)[-1].cursor
        assert opened(self.HEAD + self.OLD, cursor) == []

    def test_the_overlap_reads_a_little_more(self, opened: Callable[..., list[Page]]) -> None:
        cursor = opened(self.HEAD + self.OLD, overlap=86400)[-1].cursor
        pages = opened(self.HEAD + self.OLD + "4,d,\n", cursor, overlap=86400)
        assert [row["id"] for row in rows_of(pages)] == ["2", "3", "4"]

    @pytest.mark.parametrize("time", ["", "yesterday", "infinity"])
    def test_a_row_whose_time_is_unknown_always_comes(
        self, opened: Callable[..., list[Page]], time: str
    ) -> None:
        cursor = opened(self.HEAD + self.OLD + f"4,d,{time}\n")[-1].cursor
        pages = opened(self.HEAD + self.OLD + f"4,dd,{time}\n", cursor)
        assert [row["id"] for row in rows_of(pages)] == ["3", "4"]

    def test_a_time_in_the_future_hides_nothing(self, opened: Callable[..., list[Page]]) -> None:
        cursor = opened(self.HEAD + self.OLD + "4,typo,2062-01-01T00:00:00Z\n")[-1].cursor
        later = self.HEAD + self.OLD + "4,typo,2062-01-01T00:00:00Z\n5,e,2026-06-02T00:00:00Z\n"
        assert "5" in {row["id"] for row in rows_of(opened(later, cursor))}

    def test_a_pull_goes_on_after_any_page(self, opened: Callable[..., list[Page]]) -> None:
        cursor = opened(self.HEAD + self.OLD)[-1].cursor
        new = self.HEAD + self.OLD + "".join(f"{n},x,2026-02-01\n" for n in range(4, 9))
        pages = opened(new, cursor)
        for number, page in enumerate(pages, 1):
            assert rows_of(opened(new, page.cursor)) == rows_of(pages[number:])

    def test_a_file_changed_on_the_way_is_read_from_where_the_pull_began(
        self, opened: Callable[..., list[Page]]
    ) -> None:
        cursor = opened(self.HEAD + self.OLD)[-1].cursor
        new = self.HEAD + self.OLD + "4,d,2026-02-01\n5,e,2026-03-01\n"
        broken_off = opened(new, cursor)[1].cursor
        after = opened(new + "6,f,2026-01-15\n", broken_off)
        assert [row["id"] for row in rows_of(after)] == ["3", "4", "5", "6"]

    def test_german_times_are_understood(self, opened: Callable[..., list[Page]]) -> None:
        first = self.HEAD + "1,a,31.01.2026 10:00\n2,b,01.02.2026 09:00\n"
        cursor = opened(first)[-1].cursor
        pages = opened(first + "3,c,01.02.2026 10:00\n", cursor)
        assert [row["id"] for row in rows_of(pages)] == ["2", "3"]

    @pytest.mark.parametrize("name", ["a.xlsx", "a.parquet"])
    def test_times_of_parquet_and_excel_count_too(
        self, source: Put, tmp_path: Path, name: str
    ) -> None:
        times = [datetime(2026, 1, 1), datetime(2026, 1, 2, 10)]  # noqa: DTZ001 - as in a sheet
        out = io.BytesIO()
        pq.write_table(pa.table({"id": [1, 2], "at": times}), out)
        rows: list[list[object]] = [["id", "at"], *([n, time] for n, time in enumerate(times, 1))]
        content = workbook(rows) if name == "a.xlsx" else out.getvalue()
        cursor = pull(source(name, content, modified="at"))[-1].cursor
        os.utime(tmp_path / name, (2e9, 2e9))
        assert rows_of(pull(source(name, modified="at"), cursor)) == [{"id": 2}]

    def test_a_missing_column_of_times_is_named(self, source: Put) -> None:
        with pytest.raises(ConfigError, match=r"no column 'changed'.*it has: id, name, note"):
            pull(source("a.csv", delimited(), modified="changed"))
