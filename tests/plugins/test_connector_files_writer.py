"""Writing fields: what is ours changes, everything else stays, and a crash leaves a whole file."""

from __future__ import annotations

import errno
import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.styles import Font

from connector import (
    AccessError,
    Applied,
    ConfigError,
    Conflict,
    Ref,
    Rejected,
    Scalar,
    SetFields,
    Stream,
    Unavailable,
    Unchanged,
    WriteOutcome,
)
from connector_files.rewrite import rewrite
from connector_files.settings import Settings
from connector_files.writer import FileWriter

VALUES: Mapping[str, Scalar] = {
    "tier": "Top",
    "revenue": Decimal("1234.50"),
    "rank": 1,
    "since": date(2026, 1, 31),
    "computed_at": datetime(2026, 2, 1, 3, 4, 5, tzinfo=UTC),
    "focus": True,
    "note": 'a;b, "c"\nd',
}
Open = Callable[..., FileWriter]


@pytest.fixture(params=["copy", "in_place"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def open_writer(name: str = "a.csv", *, mode: str = "in_place", **table: object) -> FileWriter:
        said = {"folder": tmp_path, "mode": mode, "accounts": {"file": name, **table}}
        return FileWriter(Settings.model_validate(said))

    return open_writer


def change(account: str, old: Any = None, **values: Scalar) -> SetFields:
    return SetFields(Ref(account), values, dict.fromkeys(values) if old is None else old)


def write(writer: FileWriter, *changes: SetFields) -> list[WriteOutcome]:
    by_marker = {outcome.marker: outcome for outcome in writer.write(changes)}
    return [by_marker[change.marker] for change in changes]


def held(writer: FileWriter, *accounts: str, fields: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = writer.current(accounts, fields).accounts.to_pylist()  # type: ignore[union-attr]
    return rows


def output(folder: Path, mode: str, name: str) -> Path:
    return folder / name if mode == "in_place" else folder / "out" / name


@pytest.mark.parametrize(
    ("name", "table", "encoding"),
    [
        pytest.param("a.csv", {}, "utf-8", id="comma"),
        pytest.param("a.csv", {"delimiter": ";"}, "utf-8-sig", id="semicolon-bom"),
        pytest.param("a.tsv", {}, "utf-8", id="tab"),
        pytest.param("a.csv", {"delimiter": ";", "encoding": "latin-1"}, "latin-1", id="latin-1"),
        pytest.param("a.csv", {"encoding": "utf-16"}, "utf-16", id="utf-16"),
        pytest.param("a.csv.gz", {}, "utf-8", id="gz"),
    ],
)
def test_every_other_cell_stays_as_it_is(
    opened: Open, tmp_path: Path, mode: str, name: str, table: dict[str, Any], encoding: str
) -> None:
    delimiter = table.get("delimiter", "\t" if name == "a.tsv" else ",")
    before = 'id,"name",n\r\n1,"Mü, ""x""\r\ny",05\r\n\r\n2,5" q,6,ragged\r\n3,"c",\r\n4,d,"8"'
    after = (
        'id,"name",n,tier,gap\r\n1,"Mü, ""x""\r\ny",05,Top,1.50\r\n\r\n2,5" q,6,ragged,,\r\n'
        '3,"c",,,\r\n4,d,"8",Big,'
    )
    if delimiter != ",":
        before, after = (
            text.replace(", ", "\0").replace(",", delimiter) for text in (before, after)
        )
        before, after = (text.replace("\0", f"{delimiter} ") for text in (before, after))
    packed = gzip.compress if name.endswith("gz") else bytes
    (tmp_path / name).write_bytes(packed(before.encode(encoding)))

    outcomes = write(
        opened(name, mode=mode, **table),
        change("1", tier="Top", gap=Decimal("1.50")),
        change("4", tier="Big", gap=None),
    )

    assert outcomes == [Applied("fields:1", "1"), Applied("fields:4", "4")]
    content = output(tmp_path, mode, name).read_bytes()
    content = gzip.decompress(content) if name.endswith("gz") else content
    assert content == after.encode(encoding)
    if mode == "copy":
        assert (tmp_path / name).read_bytes() == packed(before.encode(encoding))


def make(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
        return
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for values in [list(rows[0]), *([*row.values()] for row in rows)]:
            book.active.append(values)
        book.save(path)
        return
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.xlsx"])
class TestEveryFormat:
    """The same story for text, Parquet and Excel."""

    @pytest.fixture(autouse=True)
    def _accounts(self, tmp_path: Path, name: str) -> None:
        make(tmp_path / name, [{"id": n, "name": f"Account {n}"} for n in range(1, 6)])

    def test_values_come_back(self, opened: Open, mode: str, name: str) -> None:
        write(opened(name, mode=mode), change("2", **VALUES))
        (row,) = held(opened(name, mode=mode), "2", fields=list(VALUES))
        shown = {key: str(value) for key, value in row.items()}
        assert (shown["id"], shown["tier"], shown["note"]) == ("2", "Top", VALUES["note"])
        assert Decimal(shown["revenue"]) == Decimal("1234.5")
        assert (shown["rank"], shown["since"]) == ("1", "2026-01-31")
        assert datetime.fromisoformat(shown["computed_at"]) == VALUES["computed_at"]
        assert shown["focus"].casefold() == "true"

    def test_a_second_run_changes_nothing(
        self, opened: Open, tmp_path: Path, mode: str, name: str
    ) -> None:
        write(opened(name, mode=mode), change("2", **VALUES))
        path = output(tmp_path, mode, name)
        before = path.stat().st_ino
        assert write(opened(name, mode=mode), change("2", **VALUES)) == [Unchanged("fields:2")]
        assert path.stat().st_ino == before

    def test_the_same_writer_sees_what_it_wrote(self, opened: Open, mode: str, name: str) -> None:
        writer = opened(name, mode=mode)
        write(writer, change("1", tier="Top"), change("5", tier="Big"))
        write(writer, change("1", {"tier": "Top"}, tier=None, rank=7))
        rows = held(writer, "5", "1", fields=["tier", "rank"])
        assert rows == held(opened(name, mode=mode), "5", "1", fields=["tier", "rank"])
        assert [(row["id"], row["tier"], str(row["rank"])) for row in rows] == [
            ("5", "Big", "None"),
            ("1", None, "7"),
        ]

    def test_each_change_has_its_own_fate(self, opened: Open, mode: str, name: str) -> None:
        writer = opened(name, mode=mode)
        write(writer, change("1", tier="By hand"), change("3", tier="Top"))
        outcomes = write(
            writer,
            change("1", {"tier": "Big"}, tier="Top"),
            change("2", tier="Big"),
            change("3", {"tier": "Big"}, tier="Top"),
            change("99", tier="Top"),
        )
        assert outcomes[:3] == [
            Conflict("fields:1", {"tier": "By hand"}),
            Applied("fields:2", "2"),
            Unchanged("fields:3"),
        ]
        assert isinstance(outcomes[3], Rejected)
        assert outcomes[3].code == "not_found"
        assert [row["tier"] for row in held(writer, "1", "2", "3", fields=["tier"])] == [
            "By hand",
            "Big",
            "Top",
        ]

    def test_current_leaves_out_who_is_not_there(self, opened: Open, mode: str, name: str) -> None:
        rows = held(opened(name, mode=mode), "9", "4", "2", fields=["name", "tier"])
        assert rows == [
            {"id": "4", "name": "Account 4", "tier": None},
            {"id": "2", "name": "Account 2", "tier": None},
        ]

    def test_a_failed_swap_leaves_the_old_file(
        self, opened: Open, tmp_path: Path, mode: str, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(opened(name, mode=mode), change("1", tier="Top"))
        path = output(tmp_path, mode, name)
        before = path.read_bytes()

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(AccessError, match="disk full: free space; nothing was changed"):
            write(opened(name, mode=mode), change("1", {"tier": "Top"}, tier="Big"))
        assert path.read_bytes() == before
        assert not list(path.parent.glob("*.tmp")) + list(path.parent.glob(".*.tmp"))

    def test_another_program_that_writes_meanwhile_wins(
        self, opened: Open, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:

        def slow(*arguments: Any, **more: Any) -> None:
            rewrite(*arguments, **more)
            os.utime(tmp_path / name, (1, 1))

        monkeypatch.setattr("connector_files.writer.rewrite", slow)
        with pytest.raises(Unavailable, match="changed by another program"):
            write(opened(name), change("1", tier="Top"))
        assert held(opened(name), "1", fields=["tier"]) == [{"id": "1", "tier": None}]


def test_a_killed_writer_leaves_the_old_file(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,x\n")
    code = f"""
import os, signal
from connector import Ref, SetFields
from connector_files.rewrite import rewrite
from connector_files.settings import Settings
from connector_files.writer import FileWriter
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
settings = Settings.model_validate(
    {{"folder": {str(tmp_path)!r}, "mode": "in_place", "accounts": "a.csv"}}
)
list(FileWriter(settings).write([SetFields(Ref("1"), {{"tier": "Top"}}, {{}})]))
"""
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.csv").read_text() == "id,name\n1,x\n"
    assert list(tmp_path.glob(".a.csv.*.tmp"))

    write(opened(), change("1", tier="Top"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


class TestCopy:
    """A copy is the source as it is now, with our columns."""

    def test_it_follows_the_source(self, opened: Open, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("id,name\n1,old\n2,b\n3,c\n")
        write(opened(mode="copy"), change("1", tier="Top"), change("3", tier="Big"))
        (tmp_path / "a.csv").write_text("id,city,name\n4,Rome,d\n3,Bern,c\n1,Graz,new\n")
        write(opened(mode="copy"), change("4", tier="Small"))
        assert (tmp_path / "out" / "a.csv").read_text() == (
            "id,city,name,tier\n4,Rome,d,Small\n3,Bern,c,Big\n1,Graz,new,Top\n"
        )

    def test_a_column_that_people_add_to_it_stays(self, opened: Open, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("id\n1\n2\n")
        write(opened(mode="copy"), change("1", tier="Top"))
        (tmp_path / "out" / "a.csv").write_text("id,tier,remark\n1,Top,call\n2,,\n")
        write(opened(mode="copy"), change("2", tier="Big"))
        assert (tmp_path / "out" / "a.csv").read_text() == "id,tier,remark\n1,Top,call\n2,Big,\n"

    def test_a_column_of_the_source_is_ours_once_we_wrote_it(
        self, opened: Open, tmp_path: Path
    ) -> None:
        (tmp_path / "a.csv").write_text("id,tier,locked\n1,old,no\n2,old,no\n")
        assert held(opened(mode="copy"), "1", fields=["tier"])[0]["tier"] == "old"
        write(opened(mode="copy"), change("1", {"tier": "old"}, tier="Top"))
        (tmp_path / "a.csv").write_text("id,tier,locked\n1,older,yes\n2,older,no\n3,new,no\n")
        rows = held(opened(mode="copy"), "1", "2", "3", fields=["tier", "locked"])
        assert [(row["tier"], row["locked"]) for row in rows] == [
            ("Top", "yes"),
            ("old", "no"),
            ("new", "no"),
        ]

    def test_every_file_of_a_pattern_has_one(self, opened: Open, tmp_path: Path) -> None:
        (tmp_path / "a1.csv").write_text("id\n1\n")
        (tmp_path / "a2.csv").write_text("id\n2\n")
        writer = opened("a*.csv", mode="copy")
        outcomes = write(writer, change("2", tier="Top"), change("1", tier="Big"))
        assert [type(outcome) for outcome in outcomes] == [Applied, Applied]
        assert (tmp_path / "out" / "a2.csv").read_text() == "id,tier\n2,Top\n"
        assert [row["tier"] for row in held(writer, "1", "2", fields=["tier"])] == ["Big", "Top"]

    def test_it_is_as_private_as_the_source(self, opened: Open, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("id\n1\n")
        (tmp_path / "a.csv").chmod(0o600)
        write(opened(mode="copy"), change("1", tier="Top"))
        assert (tmp_path / "out" / "a.csv").stat().st_mode & 0o777 == 0o600


def test_the_mode_of_the_file_and_a_link_are_kept(opened: Open, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "a.csv").write_text("id\n1\n")
    (real / "a.csv").chmod(0o640)
    (tmp_path / "a.csv").symlink_to(real / "a.csv")
    write(opened(), change("1", tier="Top"))
    assert (tmp_path / "a.csv").is_symlink()
    assert (real / "a.csv").read_text() == "id,tier\n1,Top\n"
    assert (real / "a.csv").stat().st_mode & 0o777 == 0o640


def test_ids_are_compared_as_trimmed_text(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n 007 ,x\n7,y\n")
    write(opened(), change("007", tier="Top"))
    assert (tmp_path / "a.csv").read_text() == "id,name,tier\n 007 ,x,Top\n7,y,\n"


def test_numbers_are_compared_as_numbers(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,gap,tier\n1,5.00,1.0\n")
    assert write(opened(), change("1", gap=Decimal(5))) == [Unchanged("fields:1")]
    assert isinstance(write(opened(), change("1", {"tier": "1.0"}, tier="1"))[0], Applied)


def test_what_the_file_can_not_hold_is_rejected_alone(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,name\n1,ü\n2,b\n".encode("cp1252"))
    writer = opened(encoding="cp1252")
    bad, good = write(writer, change("1", note="株"), change("2", note="€"))
    assert isinstance(bad, Rejected)
    assert (bad.code, "cp1252" in bad.message) == ("not_writable", True)
    assert good == Applied("fields:2", "2")
    assert (tmp_path / "a.csv").read_bytes() == "id,name,note\n1,ü,\n2,b,€\n".encode("cp1252")


def test_without_quotes_a_delimiter_can_not_be_written(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,name\n1,5" pipe\n')
    (outcome,) = write(opened(quote=""), change("1", note="a,b"))
    assert isinstance(outcome, Rejected)


def test_bytes_that_can_not_be_read_elsewhere_stay(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,name\n1,\xff\xfe\n")
    write(opened(), change("1", tier="Top"))
    assert (tmp_path / "a.csv").read_bytes() == b"id,name,tier\n1,\xff\xfe,Top\n"


class TestParquet:
    """Types are those of the file, or the closest to the values."""

    def test_new_columns_are_typed_and_the_others_kept(self, opened: Open, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        table = pa.table(
            {"id": pa.array([1, 2], pa.int32()), "kind": pa.array(["a", "b"]).dictionary_encode()}
        ).replace_schema_metadata({"made": "by them"})
        pq.write_table(table, path, compression="zstd")
        write(opened("a.parquet"), change("1", **VALUES))
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        assert schema.field("id").type == pa.int32()
        assert schema.field("kind").type == table.schema.field("kind").type
        assert schema.metadata[b"made"] == b"by them"
        assert {name: schema.field(name).type for name in VALUES} == {
            "tier": pa.string(),
            "revenue": pa.decimal128(38, 2),
            "rank": pa.int64(),
            "since": pa.date32(),
            "computed_at": pa.timestamp("us", "UTC"),
            "focus": pa.bool_(),
            "note": pa.string(),
        }

    def test_more_decimals_widen_the_column(self, opened: Open, tmp_path: Path) -> None:
        make(tmp_path / "a.parquet", [{"id": "1", "x": Decimal("1.50")}, {"id": "2", "x": None}])
        write(opened("a.parquet"), change("2", x=Decimal("0.123456")))
        rows = held(opened("a.parquet"), "1", "2", fields=["x"])
        assert [row["x"] for row in rows] == [Decimal("1.5"), Decimal("0.123456")]

    def test_a_value_of_another_type_is_rejected_alone(self, opened: Open, tmp_path: Path) -> None:
        make(tmp_path / "a.parquet", [{"id": "1", "rank": 5}, {"id": "2", "rank": 5}])
        outcomes = write(
            opened("a.parquet"),
            change("1", {"rank": 5}, rank=Decimal("1.5")),
            change("2", {"rank": 5}, rank=Decimal(6)),
        )
        assert [type(outcome) for outcome in outcomes] == [Rejected, Applied]
        assert [r["rank"] for r in held(opened("a.parquet"), "1", "2", fields=["rank"])] == [5, 6]

    def test_a_column_of_nothing_yet_takes_any_type(self, opened: Open, tmp_path: Path) -> None:
        make(tmp_path / "a.parquet", [{"id": 1.0, "x": None}, {"id": 2.0, "x": None}])
        assert isinstance(write(opened("a.parquet"), change("2", x="text"))[0], Applied)
        assert held(opened("a.parquet"), "2", fields=["x"]) == [{"id": "2", "x": "text"}]


class TestExcel:
    """Other sheets, formats and formulas stay; what would be lost is refused."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        book = openpyxl.Workbook()
        for row in (["id", "name"], [1, "a"], [], ["2", "b"]):
            book.active.append(row)
        book.active["B2"].font = Font(bold=True)
        book.create_sheet("Other")["B7"] = "kept"
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    def test_the_rest_of_the_workbook_stays(self, opened: Open, path: Path) -> None:
        write(opened("a.xlsx"), change("2", tier="=SUM(A1)", revenue=Decimal("1.50")))
        book = openpyxl.load_workbook(path)
        assert book["Other"]["B7"].value == "kept"
        assert book.active["B2"].font.bold
        assert [cell.value for cell in book.active[1]] == ["id", "name", "tier", "revenue"]
        assert [cell.value for cell in book.active[4]] == ["2", "b", "=SUM(A1)", 1.5]
        assert held(opened("a.xlsx"), "2", fields=["tier"])[0]["tier"] == "=SUM(A1)"

    def test_formulas_are_refused_in_place_and_kept_in_a_copy(
        self, opened: Open, path: Path
    ) -> None:
        book = openpyxl.load_workbook(path)
        book["Other"]["A1"] = "=1+1"
        book.save(path)
        with pytest.raises(ConfigError, match=r"formulas.*mode = 'copy'"):
            opened("a.xlsx").check(["tier"])
        write(opened("a.xlsx", mode="copy"), change("1", tier="Top"))
        copy = openpyxl.load_workbook(path.parent / "out" / "a.xlsx")
        assert copy["Other"]["A1"].value == "=1+1"

    def test_an_old_workbook_can_not_be_written(self, opened: Open, path: Path) -> None:
        path.rename(path.with_suffix(".xls"))
        with pytest.raises(ConfigError, match=r"only \.xlsx and \.xlsm"):
            opened("a.xls", mode="copy").check([])

    def test_control_characters_are_rejected(self, opened: Open, path: Path) -> None:
        (outcome,) = write(opened("a.xlsx"), change("1", tier="a\x01b"))
        assert isinstance(outcome, Rejected)


class TestCheck:
    """What is wrong is said before anything is written."""

    def test_it_says_where_we_write(self, opened: Open, tmp_path: Path) -> None:
        for name in ("a1.csv", "a2.csv"):
            (tmp_path / name).write_text("id\n")
        said = opened("a*.csv", mode="copy").check(["tier"])
        assert said == f"2 accounts files in {tmp_path}, writing copies to {tmp_path}/out"

    def test_a_missing_id_is_named(self, opened: Open, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("number,name\n1,x\n")
        uses: list[Callable[[FileWriter], object]] = [
            lambda writer: writer.check([]),
            lambda writer: writer.current(["1"], ["tier"]),
        ]
        for use in uses:
            with pytest.raises(ConfigError, match=r"no column 'id'.*it has: number, name"):
                use(opened())

    def test_the_id_is_never_a_target(self, opened: Open, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("id\n1\n")
        with pytest.raises(ConfigError, match="never written"):
            opened().check(["id"])
        (outcome,) = write(opened(), change("1", id="2"))
        assert isinstance(outcome, Rejected)

    def test_a_folder_we_may_not_write_is_an_access_error(
        self, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.csv").write_text("id\n1\n")
        monkeypatch.setattr(os, "access", lambda path, way: way != os.W_OK)
        with pytest.raises(AccessError, match="not allowed to write"):
            opened(mode="copy").check([])

    def test_a_file_we_may_not_write_is_an_access_error(
        self, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.csv").write_text("id\n1\n")

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(AccessError, match="nothing was changed"):
            write(opened(), change("1", tier="Top"))

    def test_a_target_without_accounts_is_a_mistake(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="accounts: not set"):
            FileWriter(Settings(folder=tmp_path)).check([])


def test_another_stream_is_rejected(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    deal = SetFields(Ref("1", Stream.OPPORTUNITIES), {"tier": "Top"}, {})
    (outcome,) = write(opened(), deal)
    assert isinstance(outcome, Rejected)
