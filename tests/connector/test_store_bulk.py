"""Rows travel as Arrow tables into the store and out of it, exactly, on either database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import pyarrow as pa
import pytest

from connector import FIELDS, Kind, Stream
from connector.store import Bulk, Store, open_engine
from connector.store.reading import Beside, Records, open_reader
from connector.store.tables import AccountRow, RunRow

PARIS = timezone(timedelta(hours=1), "Paris")
NOON = datetime(2017, 3, 5, 12, 0, 0, 123456, tzinfo=UTC)

TYPES = {
    Kind.TEXT: pa.string(),
    Kind.CHOICE: pa.string(),
    Kind.MONEY: pa.int64(),
    Kind.NUMBER: pa.int64(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.timestamp("us", "UTC"),
    Kind.FLAG: pa.bool_(),
}
DUCKDB = {
    Kind.TEXT: "varchar",
    Kind.CHOICE: "varchar",
    Kind.MONEY: "bigint",
    Kind.NUMBER: "bigint",
    Kind.DATE: "date",
    Kind.TIME: "timestamptz",
    Kind.FLAG: "boolean",
}


def rows_of(stream: Stream, *rows: dict[str, object]) -> pa.Table:
    """Return full rows of a stream of job 1, null where nothing is said."""
    schema = pa.schema(
        [
            ("job_id", pa.int64()),
            *((name, TYPES[field.kind]) for name, field in FIELDS[stream].items()),
            ("scan", pa.int64()),
            ("deleted", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist([{"job_id": 1, "deleted": False} | row for row in rows], schema)


def accounts(*rows: dict[str, object]) -> pa.Table:
    return rows_of(Stream.ACCOUNTS, *rows)


def names(bulk: Bulk) -> dict[str, str]:
    found = bulk.fetch("select id, name from account order by id").to_pylist()
    return {row["id"]: row["name"] for row in found}


# --- upsert


def test_new_rows_are_inserted_and_counted(store: Store) -> None:
    with store.bulk() as bulk:
        assert bulk.upsert("account", accounts({"id": "A"}, {"id": "B"})) == 2


def test_rows_that_exist_are_replaced_and_counted(store: Store) -> None:
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A", "name": "old"}, {"id": "B", "name": "kept"}))

        written = bulk.upsert("account", accounts({"id": "A", "name": "new"}, {"id": "C"}))

        assert written == 2
        assert names(bulk) == {"A": "new", "B": "kept", "C": None}


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [
        pytest.param(5, 4, "old", id="older"),
        pytest.param(5, 5, "new", id="same age"),
        pytest.param(5, 6, "new", id="newer"),
        pytest.param(None, 5, "new", id="no age before"),
        pytest.param(5, None, "new", id="no age now"),
    ],
)
def test_a_row_for_which_unless_holds_is_left_and_not_counted(
    store: Store, before: int | None, now: int | None, kept: str
) -> None:
    def aged(name: str, day: int | None) -> pa.Table:
        modified = datetime(2017, 1, day, tzinfo=UTC) if day else None
        return accounts({"id": "A", "name": name, "modified_at": modified})

    with store.bulk() as bulk:
        bulk.upsert("account", aged("old", before))

        rows = aged("new", now)
        written = bulk.upsert("account", rows, unless="old.modified_at > new.modified_at")

        assert names(bulk) == {"A": kept}
        assert written == (kept == "new")


def test_a_column_without_any_value_clears_what_was_there(store: Store) -> None:
    same = "old.name is not distinct from new.name"
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A", "name": "old"}, {"id": "B"}))

        written = bulk.upsert("account", accounts({"id": "A"}, {"id": "B"}), unless=same)

        assert written == 1
        assert names(bulk) == {"A": None, "B": None}


def test_an_update_sets_what_it_names_in_the_rows_that_exist(store: Store) -> None:
    with store.bulk() as bulk:
        old = [dict[str, object](id=key, name="old", region=key) for key in "ABC"]
        bulk.upsert("account", accounts(*old))

        key = {"job_id": [1, 1, 1], "id": ["A", "B", "X"]}
        nothing = pa.nulls(3, pa.string())
        bulk.update("account", pa.table({**key, "name": ["new", None, "x"], "industry": nothing}))

        found = bulk.fetch("select id, name, region from account order by id").to_pylist()
        assert [tuple(row.values()) for row in found] == [
            ("A", "new", "A"), ("B", None, "B"), ("C", "old", "C"),
        ]  # fmt: skip


def test_a_text_may_come_after_many_rows_without_one(store: Store) -> None:
    rows = [
        dict[str, object](id=f"{n:05}", name="late" if n == 2999 else None) for n in range(3000)
    ]
    with store.bulk() as bulk:
        bulk.upsert("account", accounts(*rows))

        found = bulk.fetch("select id, name from account order by id")

    assert found.column("name").to_pylist()[-1] == "late"


@pytest.mark.parametrize("extension", [True, False])
def test_so_it_may_for_the_engine(store: Store, extension: bool) -> None:
    rows = [
        dict[str, object](id=f"{n:05}", name="late" if n == 2999 else None) for n in range(3000)
    ]
    with store.bulk() as bulk:
        bulk.upsert("account", accounts(*rows))
        bulk.commit()
    with duckdb.connect() as engine:
        with (
            store.database.exclusively("duckdb"),
            open_reader(store.database, engine, extension=extension) as reader,
        ):
            columns = {"id": ("id", "varchar"), "name": ("name", "varchar")}
            reader.copy("got", Records("account", 1), columns)
        assert engine.execute("select count(name) from got").fetchone() == (1,)


def test_no_rows_are_no_work(store: Store) -> None:
    with store.bulk() as bulk:
        bulk.update("account", accounts())
        assert bulk.upsert("account", accounts()) == 0


def test_many_pages_go_through_one_connection(store: Store) -> None:
    with store.bulk() as bulk:
        for page in range(3):
            ids: list[dict[str, object]] = [{"id": f"A{page}{n}"} for n in range(50)]
            assert bulk.upsert("account", accounts(*ids)) == 50
        bulk.commit()

        assert len(names(bulk)) == 150


# --- transactions


def test_what_is_not_committed_is_forgotten(store: Store) -> None:
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A"}))

    with store.bulk() as bulk:
        assert names(bulk) == {}


def test_a_rollback_forgets_since_the_last_commit(store: Store) -> None:
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A", "name": "kept"}))
        bulk.commit()
        bulk.upsert("account", accounts({"id": "B"}))
        bulk.rollback()
        bulk.upsert("account", accounts({"id": "C", "name": "after"}))
        bulk.commit()

        assert names(bulk) == {"A": "kept", "C": "after"}


def test_an_error_leaves_nothing_of_its_transaction(store: Store) -> None:
    def write() -> None:
        with store.bulk() as bulk:
            bulk.upsert("account", accounts({"id": "A"}))
            bulk.upsert("account", accounts({"id": None}))

    with pytest.raises(Exception, match=r"(?i)not.null"):
        write()

    with store.bulk() as bulk:
        assert names(bulk) == {}


# --- statements


def test_execute_says_how_many_rows_it_changed(store: Store) -> None:
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A"}, {"id": "B"}, {"id": "C"}))

        changed = bulk.execute("update account set name = ? where id <> ?", "x", "C")

        assert changed == 2
        assert names(bulk) == {"A": "x", "B": "x", "C": None}


def test_a_delete_of_nothing_changes_nothing(store: Store) -> None:
    with store.bulk() as bulk:
        assert bulk.execute("delete from account where job_id = ?", 7) == 0


def test_values_are_bound_and_never_read_as_sql(store: Store) -> None:
    evil = "x' or '1'='1'; drop table account; -- ?"
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A", "name": evil}, {"id": "B"}))

        assert bulk.fetch("select id from account where name = ?", evil).to_pylist() == [
            {"id": "A"}
        ]


# --- values come back as they went in

ROUND_TRIPS = [
    pytest.param(Stream.ACCOUNTS, "name", "Ünïcødé 株式会社 🦄 ‮", id="unicode"),
    pytest.param(Stream.ACCOUNTS, "name", "  spaces\tand\nlines  ", id="whitespace"),
    pytest.param(Stream.ACCOUNTS, "name", "", id="empty text"),
    pytest.param(Stream.ACCOUNTS, "name", "'; drop table account; --", id="sql"),
    pytest.param(Stream.ACCOUNTS, "name", "x" * 100_000, id="long text"),
    pytest.param(Stream.ACCOUNTS, "owner_id", "007", id="leading zeros"),
    pytest.param(Stream.ACCOUNTS, "owner_id", "1e5", id="looks like a number"),
    pytest.param(Stream.ACCOUNTS, "name", None, id="null"),
    pytest.param(Stream.ACCOUNTS, "excluded", True, id="true"),
    pytest.param(Stream.ACCOUNTS, "excluded", False, id="false"),
    pytest.param(Stream.ACCOUNTS, "excluded", None, id="no flag"),
    pytest.param(Stream.OPPORTUNITIES, "amount", 123_456_789_012_345_678, id="large amount"),
    pytest.param(Stream.OPPORTUNITIES, "amount", -1, id="smallest negative amount"),
    pytest.param(Stream.OPPORTUNITIES, "amount", 0, id="nothing"),
    pytest.param(Stream.OPPORTUNITIES, "amount", None, id="no amount"),
    pytest.param(Stream.OPPORTUNITIES, "close_date", date(2016, 2, 29), id="leap day"),
    pytest.param(Stream.OPPORTUNITIES, "close_date", date(1, 1, 1), id="first day"),
    pytest.param(Stream.OPPORTUNITIES, "close_date", date(9999, 12, 31), id="last day"),
    pytest.param(Stream.OPPORTUNITIES, "close_date", None, id="no day"),
    pytest.param(Stream.ACCOUNTS, "modified_at", NOON, id="microseconds"),
    pytest.param(Stream.ACCOUNTS, "modified_at", NOON.replace(microsecond=0), id="seconds"),
    pytest.param(Stream.ACCOUNTS, "modified_at", datetime(1969, 7, 20, tzinfo=UTC), id="1969"),
    pytest.param(Stream.ACCOUNTS, "modified_at", None, id="no time"),
]


WAYS = ("alone", "shared", "adbc")
"""How records are read: a table that is the job's alone is scanned, a shared one is queried."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("field", ["name", "owner_id", "excluded", "modified_at"])
def test_values_of_accounts_come_back_exactly(store: Store, field: str, way: str) -> None:
    values = [case.values[2] for case in ROUND_TRIPS if case.values[1] == field]

    assert through(store, Stream.ACCOUNTS, field, values, way) == values


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("field", ["amount", "close_date"])
def test_values_of_deals_come_back_exactly(store: Store, field: str, way: str) -> None:
    values = [case.values[2] for case in ROUND_TRIPS if case.values[1] == field]

    assert through(store, Stream.OPPORTUNITIES, field, values, way) == values


def through(
    store: Store, stream: Stream, field: str, values: list[object], way: str
) -> list[object]:
    """Write *values* through Arrow, read them into DuckDB and return them."""
    table = {Stream.ACCOUNTS: "account", Stream.OPPORTUNITIES: "opportunity"}[stream]
    rows = [{"id": f"{n:03}", "status": "won", field: value} for n, value in enumerate(values)]
    kind = FIELDS[stream][field].kind
    with store.bulk() as bulk:
        found = rows_of(stream, *rows)
        bulk.upsert(table, found)
        if way == "shared":
            place = found.schema.get_field_index("job_id")
            bulk.upsert(table, found.set_column(place, "job_id", pa.array([2] * len(rows))))
        bulk.commit()
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'America/New_York'")
        with (
            store.database.exclusively("duckdb"),
            open_reader(store.database, engine, extension=way != "adbc") as reader,
        ):
            columns = {"id": ("id", "varchar"), "value": (f'"{field}"', DUCKDB[kind])}
            reader.copy("got", Records(table, 1), columns)
        got = engine.execute("select value from got order by id").to_arrow_table()
    return list(got.column("value").to_pylist())


@pytest.mark.parametrize("way", ["alone", "adbc"])
def test_records_get_what_stands_beside_them_on_the_way_in(store: Store, way: str) -> None:
    with store.bulk() as bulk:
        bulk.upsert("account", accounts({"id": "A", "name": "x"}, {"id": "B"}, {"id": "C"}))
        bulk.commit()
    with duckdb.connect() as engine:
        engine.execute("create table known as from (values ('A', 1), ('A', 2), ('C', 3)) t(k, n)")
        with (
            store.database.exclusively("duckdb"),
            open_reader(store.database, engine, extension=way != "adbc") as reader,
        ):
            columns = {"key": ("id", "varchar"), "name": ("name", "varchar")}
            beside = Beside("known", "key", "k", {"number": "n"})
            reader.copy("got", Records("account", 1), columns, beside)
        got = engine.execute("from got order by number").to_arrow_table()
    assert got.column_names == ["name", "number"]
    assert got.to_pylist()[0] == {"name": "x", "number": 1}
    assert got.column("number").to_pylist() == [1, 2, 3]


def test_the_extension_is_installed_for_this_duckdb(store: Store) -> None:
    # Without it the tests of the reader would compare ADBC with itself.
    with open_engine() as engine, open_reader(store.database, engine, extension=True) as reader:
        assert type(reader).__name__ == "_Attached"


def test_times_are_kept_in_utc_whatever_zone_they_come_in(store: Store) -> None:
    rows = accounts({"id": "A", "modified_at": NOON})
    place = rows.schema.get_field_index("modified_at")
    there = rows.column("modified_at").cast(pa.timestamp("us", "America/New_York"))
    with store.bulk() as bulk:
        bulk.upsert("account", rows.set_column(place, "modified_at", there))
        bulk.commit()

    with store.session() as session:
        found = session.get(AccountRow, (1, "A"))
    assert found is not None
    assert found.modified_at == NOON


@pytest.mark.parametrize("zone", [UTC, PARIS], ids=["UTC", "Paris"])
def test_the_time_of_a_run_comes_back_aware(store: Store, zone: timezone) -> None:
    begun = NOON.astimezone(zone)
    with store.session() as session:
        session.add(
            RunRow(
                id="r",
                job_id=1,
                state="done",
                stage="",
                as_of=date(2017, 3, 5),
                started_at=begun,
                config_hash="",
            )
        )

    with store.session() as session:
        found = session.get(RunRow, "r")
    assert found is not None
    assert found.started_at == begun
    assert found.started_at.utcoffset() == timedelta(0)
    assert found.finished_at is None


def test_rows_as_kept_equal_what_is_fetched(store: Store) -> None:
    rows = accounts({"id": "A", "excluded": True, "modified_at": NOON, "created_at": None})
    with store.bulk() as bulk:
        bulk.upsert("account", rows)
        fetched = bulk.fetch("select * from account")
        kept = bulk.as_kept(rows)

    names = ["excluded", "modified_at", "created_at", "name"]
    assert as_text(fetched.select(names)) == as_text(kept.select(names))


def as_text(rows: pa.Table) -> list[tuple[object, ...]]:
    with duckdb.connect() as engine:
        return engine.from_arrow(rows).select("cast(columns(*) as varchar)").fetchall()
