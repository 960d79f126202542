"""What the suites don't ask of the SQL adapter: stamps, types, locks, settings."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from connector import (
    AccessError,
    Applied,
    AuthError,
    ConfigError,
    Page,
    PutTask,
    Ref,
    Rejected,
    RemoteError,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Unavailable,
    Unchanged,
)
from connector.testing import records
from connector_sql import cursor as place
from connector_sql.database import Database
from connector_sql.settings import SqlSettings
from connector_sql.source import SqlSource
from connector_sql.tasks import status_of
from connector_sql.values import equal
from connector_sql.writer import SqlWriter


class Crm:
    """A SQLite file, and the adapter on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)

    def execute(self, *statements: str) -> list[Any]:
        found: list[Any] = []
        for statement in statements:
            found = self.connection.execute(statement).fetchall()
        return found

    def settings(self, **more: object) -> SqlSettings:
        url = f"sqlite:///{self.path}?timeout=0.01"
        return SqlSettings.model_validate({"url": url, "accounts": "accounts", **more})

    def pull(
        self, cursor: str | None = None, fields: Sequence[str] = ("id", "name"), **more: object
    ) -> list[Page]:
        with closing(SqlSource(self.settings(**more))) as source:
            return list(source.pull(Stream.ACCOUNTS, fields, cursor))

    def write(self, *changes: SetFields | PutTask) -> list[object]:
        with closing(SqlWriter(self.settings())) as writer:
            return list(writer.write(changes))


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[Crm]:
    crm = Crm(tmp_path / "crm.db")
    yield crm
    crm.connection.close()


def ids(pages: Sequence[Page]) -> list[object]:
    return [row["id"] for page in pages for row in records(page.rows)]


def change(account: str, value: Scalar, *, field: str = "tier", old: Scalar = None) -> SetFields:
    return SetFields(Ref(account), {field: value}, {field: old})


CHANGED = {"table": "accounts", "cursor": "changed", "overlap": 10}


@pytest.mark.parametrize(
    ("before", "border", "after"),
    [
        pytest.param(100, 110, 120, id="numbers"),
        pytest.param(1.5, 110.5, 120.5, id="fractions"),
        pytest.param("'2026-01-01'", "'2026-01-04'", "'2026-01-04'", id="days"),
        pytest.param(
            "'2026-01-01 00:00:00'", "'2026-01-01 00:00:50'", "'2026-01-01 00:01:00'", id="text"
        ),
        pytest.param(
            "'2026-01-01T00:00:00Z'", "'2026-01-01T00:00:50Z'", "'2026-01-01T00:01:00Z'", id="zulu"
        ),
        pytest.param(
            "'2026-01-01T00:00:00.9+01:00'",
            "'2026-01-01T00:00:50.1+01:00'",
            "'2026-01-01T00:01:00.123+01:00'",
            id="fraction-and-zone",
        ),
    ],
)
def test_the_next_pull_begins_an_overlap_before_the_last_stamp(
    crm: Crm, before: object, border: object, after: object
) -> None:
    crm.execute("CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT, changed)")
    for key, stamp in enumerate((before, border, after)):
        crm.execute(f"INSERT INTO accounts VALUES ('{key}', 'n', {stamp})")
    cursor = crm.pull(accounts=CHANGED)[-1].cursor
    pages = crm.pull(cursor, accounts=CHANGED, page_size=1)
    assert ids(pages) == ["1", "2"]
    assert ids(crm.pull(pages[0].cursor, accounts=CHANGED)) == ["2"]


def test_a_row_without_a_stamp_is_read_by_every_pull(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT, changed TEXT)",
        "INSERT INTO accounts VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', '2020-01-01 00:00')",
        "INSERT INTO accounts VALUES (4, 'd', '2026-01-01 00:00')",
    )
    pages = crm.pull(accounts=CHANGED, page_size=1)
    assert ids(pages) == [1, 2, 3, 4]
    again = crm.pull(pages[-1].cursor, accounts=CHANGED, page_size=1)
    assert ids(again) == [1, 2, 4]
    assert ids(crm.pull(again[0].cursor, accounts=CHANGED))[-1] == 4


def test_a_stamp_in_the_future_does_not_hide_what_comes_before_it(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT, changed TEXT)",
        "INSERT INTO accounts VALUES ('far', 'a', '2999-01-01 00:00:00')",
    )
    cursor = crm.pull(accounts=CHANGED)[-1].cursor
    crm.execute("INSERT INTO accounts VALUES ('near', 'b', '2998-01-01 00:00:00')")
    assert ids(crm.pull(cursor, accounts=CHANGED)) == ["near", "far"]


def test_a_row_without_an_id_is_handed_on_to_be_set_aside(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT, name TEXT)",
        "INSERT INTO accounts VALUES (NULL, 'a'), ('1', 'b'), (NULL, 'c'), ('2', 'd')",
    )
    assert ids(crm.pull(page_size=1)) == [None, None, "1", "2"]


def test_the_first_pull_is_a_scan_and_the_next_an_increment(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT, changed INTEGER)",
        "INSERT INTO accounts VALUES ('1', 'a', 5)",
    )
    (first,) = crm.pull(accounts=CHANGED)
    (second,) = crm.pull(first.cursor, accounts=CHANGED)
    assert first.scan is not None
    assert first.total == 1
    assert second.scan is None


def test_another_cursor_column_starts_from_the_beginning(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT, changed TEXT, version INTEGER)",
        "INSERT INTO accounts VALUES ('1', 'a', '2026-01-01', 7), ('2', 'b', '2024-01-01', 8)",
    )
    cursor = crm.pull(accounts=CHANGED)[-1].cursor
    pages = crm.pull(cursor, accounts={"table": "accounts", "cursor": "version"})
    assert ids(pages) == ["1", "2"]


def test_a_query_may_hold_colons_and_percent_signs(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE clients (no INTEGER PRIMARY KEY, label TEXT)",
        "INSERT INTO clients VALUES (1, 'a:b'), (2, '100 %'), (3, 'other')",
    )
    query = "SELECT no, label AS name FROM clients WHERE label LIKE 'a:b%' OR label = '100 %';"
    pages = crm.pull(fields=["no", "name"], accounts={"query": query, "id": "no"})
    assert [row for page in pages for row in records(page.rows)] == [
        {"no": 1, "name": "a:b"},
        {"no": 2, "name": "100 %"},
    ]


def test_a_number_with_a_fraction_is_a_decimal(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, name NUMERIC(12, 2))",
        "INSERT INTO accounts VALUES ('1', 1234.1)",
    )
    (page,) = crm.pull()
    assert records(page.rows)[0]["name"] == Decimal("1234.1")


@pytest.mark.parametrize("stream", [stream for stream in Stream if stream.optional])
def test_a_stream_without_a_table_has_no_page(crm: Crm, stream: Stream) -> None:
    with closing(SqlSource(crm.settings())) as source:
        assert list(source.pull(stream, ["id"], None)) == []


def test_check_names_the_columns_that_there_are(crm: Crm) -> None:
    crm.execute("CREATE TABLE accounts (number TEXT PRIMARY KEY, name TEXT)")
    with (
        closing(SqlSource(crm.settings())) as source,
        pytest.raises(ConfigError, match=r"no column 'id'; it has number, name"),
    ):
        source.check()


def test_a_missing_table_is_named_with_those_that_exist(crm: Crm) -> None:
    crm.execute("CREATE TABLE customers (id TEXT)")
    with (
        closing(SqlSource(crm.settings())) as source,
        pytest.raises(AccessError, match=r"no table 'accounts'; there are customers"),
    ):
        source.check()


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    settings = SqlSettings.model_validate({"url": f"sqlite:///{tmp_path}/no.db", "accounts": "a"})
    with closing(SqlSource(settings)) as source, pytest.raises(AccessError, match="no such file"):
        source.check()
    assert not (tmp_path / "no.db").exists()


def test_a_locked_database_is_transient(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, tier TEXT)",
        "INSERT INTO accounts VALUES ('1', NULL)",
        "BEGIN EXCLUSIVE",
    )
    assert [type(outcome) for outcome in crm.write(change("1", "Top"))] == [Retry]
    with closing(SqlSource(crm.settings())) as source, pytest.raises(Unavailable, match="locked"):
        source.check()
    crm.execute("ROLLBACK")
    assert [type(outcome) for outcome in crm.write(change("1", "Top"))] == [Applied]


def test_three_bad_rows_in_a_batch_cost_three_rows(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, tier TEXT CHECK (tier <> 'No'))",
        "INSERT INTO accounts (id) WITH RECURSIVE n(i) AS "
        "(SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) SELECT i FROM n",
    )
    bad = {3, 500, 501}
    outcomes = crm.write(*(change(str(n), "No" if n in bad else "Top") for n in range(1000)))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    assert {outcome.marker for outcome in refused} == {f"fields:{n}" for n in bad}
    assert refused[0].code == "SQLITE_CONSTRAINT_CHECK"
    assert "CHECK constraint failed" in refused[0].message
    assert crm.execute("SELECT count(*) FROM accounts WHERE tier = 'Top'") == [(997,)]


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        pytest.param("NUMERIC(12, 2)", Decimal("1234.10"), 1234.1, id="numeric"),
        pytest.param("NUMERIC(12, 2)", Decimal("0.125678"), 0.13, id="scale"),
        pytest.param("REAL", Decimal("0.5"), 0.5, id="real"),
        pytest.param("TEXT", Decimal("1E+3"), "1000", id="text"),
        pytest.param("INTEGER", 7, 7, id="integer"),
        pytest.param("BOOLEAN", True, 1, id="flag"),
        pytest.param("DATE", date(2026, 7, 1), "2026-07-01", id="date"),
        pytest.param(
            "DATETIME", datetime(2026, 7, 1, 9, tzinfo=UTC), "2026-07-01 09:00:00", id="time"
        ),
        pytest.param("TEXT NOT NULL DEFAULT 'x'", None, "", id="cleared-but-not-null"),
    ],
)
def test_a_value_is_written_as_the_column_keeps_it_and_only_once(
    crm: Crm, kind: str, value: Scalar, kept: object
) -> None:
    crm.execute(
        f"CREATE TABLE accounts (id TEXT PRIMARY KEY, value {kind})",
        "INSERT INTO accounts (id) VALUES ('1')",
    )
    old = crm.execute("SELECT value FROM accounts")[0][0]
    wanted = change("1", value, field="value", old=old)
    assert [type(outcome) for outcome in crm.write(wanted)] == [Applied]
    assert crm.execute("SELECT value FROM accounts") == [(kept,)]
    assert [type(outcome) for outcome in crm.write(wanted)] == [Unchanged]


def test_columns_may_have_any_name(crm: Crm) -> None:
    crm.execute(
        'CREATE TABLE accounts (id TEXT PRIMARY KEY, "key" TEXT, "Tier %(x)s: 1?" TEXT, pc_ TEXT)',
        "INSERT INTO accounts VALUES ('1', 'a', 'b', 'c')",
    )
    odd = "Tier %(x)s: 1?"
    wanted = SetFields(Ref("1"), {odd: "Top", "key": "k"}, {odd: "b", "key": "a"})
    assert crm.write(wanted) == [Applied(wanted.marker, "1")]
    (page,) = crm.pull(fields=["id", odd, "key"])
    assert records(page.rows) == [{"id": "1", odd: "Top", "key": "k"}]


def test_an_account_is_another_if_its_number_is_written_otherwise(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, tier TEXT)",
        "INSERT INTO accounts VALUES (1, NULL)",
    )
    outcomes = crm.write(change("01", "Top"), change("x", "Top"), change("1", "Top"))
    assert [type(outcome) for outcome in outcomes] == [Rejected, Rejected, Applied]


def test_importing_the_plugin_imports_neither_pydantic_nor_sqlalchemy() -> None:
    code = "import connector_sql, sys; print({'pydantic', 'sqlalchemy', 'httpx'} & {*sys.modules})"
    path = os.pathsep.join(path for path in sys.path if path)
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
        text=True,
    )
    assert found.stdout.strip() == "set()"


def test_a_read_only_column_fails_the_check(crm: Crm) -> None:
    crm.execute("CREATE TABLE base (id TEXT)", "CREATE VIEW accounts AS SELECT id FROM base")
    with closing(SqlWriter(crm.settings())) as writer, pytest.raises(RemoteError, match="view"):
        writer.check(["id"])


def test_current_does_not_make_the_tasks_table(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, tier TEXT)",
        "INSERT INTO accounts VALUES ('1', 'Top')",
    )
    with closing(SqlWriter(crm.settings())) as writer:
        writer.check(["tier"])
        assert writer.current(["1"], ["tier"]).accounts == [{"id": "1", "tier": "Top"}]
    assert crm.execute("SELECT name FROM sqlite_master WHERE type = 'table'") == [("accounts",)]


def test_a_date_that_a_person_wrote_does_not_stop_a_run(crm: Crm) -> None:
    crm.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, tier TEXT)",
        "INSERT INTO accounts VALUES ('1', 'Top')",
    )
    crm.write(
        PutTask(
            ref=Ref("1"),
            marker="retention:1:2026",
            goal="retention",
            subject="Call",
            body="",
            owner=None,
            due=date(2026, 7, 1),
            priority="High",
            created_on=date(2026, 6, 1),
        )
    )
    crm.execute("UPDATE pyramid_tasks SET due = 'next week', status = 'Waiting'")
    with closing(SqlWriter(crm.settings())) as writer:
        (task,) = writer.current(["1"], []).tasks
    assert (task.due, task.status, task.created_on) == (None, "open", date(2026, 6, 1))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        (None, "open"),
        ("", "open"),
        ("Open", "open"),
        ("waiting", "open"),
        ("DONE", "done"),
        ("closed", "done"),
        (" Completed ", "done"),
        ("rejected", "rejected"),
        ("Cancelled", "rejected"),
        ("canceled", "rejected"),
        ("declined", "rejected"),
    ],
)
def test_a_status_is_understood_however_it_is_written(word: str | None, status: str) -> None:
    assert status_of(word) == status


@pytest.mark.parametrize(
    ("held", "wanted", "same"),
    [
        (None, "", True),
        ("", None, True),
        (0, None, False),
        ("10.00", Decimal(10), True),
        (Decimal("10.00"), Decimal(10), True),
        ("ten", Decimal(10), False),
        (1, True, True),
        ("false", False, True),
        ("00042", "42", False),
        ("2026-07-01 09:00:00", datetime(2026, 7, 1, 9, tzinfo=UTC), True),
        (datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 1, 9, tzinfo=UTC), True),
        (date(2026, 7, 1), "2026-07-01", True),
    ],
)
def test_values_are_the_same_when_they_show_the_same(
    held: object, wanted: object, same: bool
) -> None:
    assert equal(held, wanted) is same


@pytest.mark.parametrize(
    "value",
    [
        "text",
        7,
        Decimal("1.50"),
        date(2026, 7, 1),
        datetime(2026, 7, 1, 9, tzinfo=UTC),
        b"\x00\xff",
        ["2026-07-01", 5],
    ],
)
def test_a_cursor_keeps_values_and_their_kinds(value: object) -> None:
    assert place.load(place.dump(value=value)) == {"value": value}


@pytest.mark.parametrize("cursor", ["nonsense", "[1]", "7", ""])
def test_a_cursor_of_somebody_else_starts_from_the_beginning(cursor: str) -> None:
    assert place.load(cursor) == {}


def test_a_relative_path_starts_at_the_folder_of_the_job(tmp_path: Path) -> None:
    job = {"url": "sqlite:///data/crm.db?timeout=1"}
    settings = SqlSettings.model_validate(job, context={"folder": tmp_path})
    url = sa.make_url(settings.url.get_secret_value())
    assert url.database == str(tmp_path / "data" / "crm.db")
    assert url.query == {"timeout": "1"}


@pytest.mark.parametrize(
    "job",
    [
        pytest.param({"url": "s3cret and no url"}, id="not-a-url"),
        pytest.param({"url": "sqlite:///a:s3cret", "tables": "x"}, id="unknown-key"),
        pytest.param({"url": "sqlite:///s3cret", "accounts": {"id": "x"}}, id="no-table"),
    ],
)
def test_a_wrong_job_is_refused_without_its_secret(job: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as failure:
        SqlSettings.model_validate(job)
    assert "s3cret" not in str(failure.value)


def test_an_unknown_driver_says_what_to_install() -> None:
    settings = SqlSettings.model_validate({"url": "nosuch+thing://me:s3cret@h/x", "accounts": "a"})
    with pytest.raises(ConfigError, match=r"no driver for 'nosuch\+thing'") as failure:
        SqlSource(settings)
    assert "s3cret" not in str(failure.value)


def test_a_target_needs_a_table() -> None:
    with pytest.raises(ConfigError, match="accounts_table"):
        SqlWriter(SqlSettings.model_validate({"url": "sqlite:///x.db"}))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("(1045, \"Access denied for user 'rep'@'h' (using password: YES)\")", AuthError),
        ('FATAL:  password authentication failed for user "rep"', AuthError),
        ("Login failed for user 'rep'.", AuthError),
        ("permission denied for table accounts", AccessError),
        ('FATAL:  database "crm" does not exist', AccessError),
        ("(1205, 'Lock wait timeout exceeded; try restarting transaction')", Unavailable),
        ("Transaction was deadlocked on lock resources", Unavailable),
        ("FATAL:  sorry, too many clients already", Unavailable),
        ("something s3cret\nDETAIL: a whole record", Unavailable),
    ],
)
def test_what_a_database_says_is_one_of_our_errors(words: str, error: type[RemoteError]) -> None:
    url = "postgresql://rep:s3cret@h/crm?sslpassword=s3cret"
    settings = SqlSettings.model_validate({"url": url, "accounts": "a"})
    said = sa.exc.OperationalError("SELECT 1", {}, Exception(words))
    ours = Database(settings).error(said)
    assert type(ours) is error
    assert words.partition("\n")[0].replace("s3cret", "***") in str(ours)
    assert "s3cret" not in str(ours)
    assert "whole record" not in str(ours)


def test_a_database_that_is_not_there_is_unavailable() -> None:
    url = "postgresql://rep:s3cret@127.0.0.1:1/crm"
    settings = SqlSettings.model_validate({"url": url, "accounts": "a"})
    with closing(SqlSource(settings)) as source, pytest.raises(Unavailable) as failure:
        source.check()
    assert "postgresql+psycopg://rep:***@127.0.0.1:1/crm" in str(failure.value)
    assert "s3cret" not in str(failure.value)


def test_a_missing_privilege_is_an_access_error(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in (
            "DROP TABLE IF EXISTS readable",
            "CREATE TABLE readable (id text, tier text)",
            "DROP ROLE IF EXISTS reader",
            "CREATE ROLE reader LOGIN",
            "GRANT SELECT ON readable TO reader",
            "CREATE TABLE IF NOT EXISTS hidden (id text)",
        ):
            connection.execute(sa.text(statement))
    url = sa.make_url(postgres_url).set(username="reader").render_as_string(hide_password=False)
    settings = SqlSettings.model_validate({"url": url, "accounts": "readable", "users": "hidden"})
    with closing(SqlWriter(settings)) as writer:
        assert "readable" in writer.check([])
        with pytest.raises(AccessError, match="permission denied for table readable"):
            writer.check(["tier"])
        with pytest.raises(AccessError, match="permission denied for table readable"):
            list(writer.write([change("1", "Top"), change("2", "Top")]))
    with closing(SqlSource(settings)) as source, pytest.raises(AccessError, match="hidden"):
        source.check()


def test_real_types_are_read_and_written_on_postgresql(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA IF EXISTS sales CASCADE; CREATE SCHEMA sales"))
        connection.execute(
            sa.text(
                "CREATE TABLE sales.clients (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "
                "revenue numeric(12, 2), share double precision, since date, seen timestamp, "
                "changed timestamptz DEFAULT '2026-07-01 12:00:00+02')"
            )
        )
        connection.execute(sa.text("INSERT INTO sales.clients SELECT FROM generate_series(1, 5)"))
    origin = {"table": "sales.clients", "cursor": "changed"}
    settings = SqlSettings.model_validate({"url": postgres_url, "accounts": origin, "page_size": 2})
    names = ["revenue", "share", "since", "seen"]
    with closing(SqlSource(settings)) as source:
        pages = list(source.pull(Stream.ACCOUNTS, ["id", *names], None))
        again = list(source.pull(Stream.ACCOUNTS, ["id"], pages[-1].cursor))
        rest = list(source.pull(Stream.ACCOUNTS, ["id"], again[0].cursor))
    account = str(ids(pages)[0])
    values: dict[str, Scalar] = {
        "revenue": Decimal("1234.5"),
        "share": Decimal("0.25"),
        "since": date(2026, 7, 1),
        "seen": datetime(2026, 7, 1, 9, tzinfo=UTC),
    }
    wanted = SetFields(Ref(account), values, dict.fromkeys(names))
    missing = change("not-a-uuid", 1, field="revenue")
    with closing(SqlWriter(settings)) as writer:
        writer.check(names)
        first = [type(outcome) for outcome in writer.write([wanted, missing])]
        second = [type(outcome) for outcome in writer.write([wanted])]
        (row,) = records(writer.current([account], names).accounts)
    assert set(ids(again[:1])) | set(ids(rest)) == set(ids(pages)) == set(ids(again))
    assert (first, second) == ([Applied, Rejected], [Unchanged])
    assert (row["id"], row["revenue"], row["since"]) == (
        account,
        Decimal("1234.50"),
        values["since"],
    )
