"""What a true server does, and what the adapter makes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector import (
    AccessError,
    Applied,
    CloseTask,
    ConfigError,
    Conflict,
    FieldSpec,
    PutTask,
    Ref,
    Rejected,
    Retry,
    Scalar,
    SetFields,
    Stream,
    Unchanged,
    WriteOutcome,
)
from connector.http import NotFound
from connector.testing.suite import records
from connector_tryton.models import FIELDS
from connector_tryton.provisioner import TrytonProvisioner
from connector_tryton.source import TrytonSource
from connector_tryton.writer import TrytonWriter
from tests.plugins.connector_tryton.backend import Backend, settings_for
from tests.plugins.connector_tryton.company import found
from tests.plugins.connector_tryton.trytond import USER, Trytond

pytestmark = pytest.mark.long

TODAY = date(2026, 6, 30)

TEXTS = (
    "Žofie Müller 株式会社 🏔",
    "00042",
    "1e5",
    "2024-01-01",
    "NULL",
    "TRUE",
    "  two spaces",
    """O'Brien "Bob", & Sons; <b>100 %</b> \\n""",
    "100 %_ like",
)


@pytest.fixture
def backend(trytond: Trytond) -> Iterator[Backend]:
    backend = Backend(trytond)
    yield backend
    backend.renew()


def pulled(backend: Backend, stream: Stream, *more: str, **given: Any) -> list[dict[str, object]]:
    """Return the rows of a stream: our fields, and *more*."""
    with closing(TrytonSource(settings_for(backend.server, backend, **given))) as source:
        pages = source.pull(stream, [*FIELDS[stream].values(), *more], None)
        return [row for page in pages for row in records(page.rows)]


def parties(backend: Backend, *names: str) -> list[int]:
    made: list[int] = backend.server.call(
        "party.party", "create", [{"name": name} for name in names]
    )
    return made


def test_names_arrive_exactly(backend: Backend) -> None:
    parties(backend, *TEXTS)
    assert [row["name"] for row in pulled(backend, Stream.ACCOUNTS)] == [*TEXTS]


def test_archived_parties_are_read_as_excluded(backend: Backend) -> None:
    _, archived = parties(backend, "Active", "Archived")
    backend.server.call("party.party", "write", [archived], {"active": False})
    rows = pulled(backend, Stream.ACCOUNTS)
    assert [(row["name"], row["archived"]) for row in rows] == [
        ("Active", False),
        ("Archived", True),
    ]


def test_a_domain_says_which_parties_are_accounts(backend: Backend) -> None:
    _, customer = parties(backend, "Supplier", "Customer")
    (category,) = backend.server.call("party.category", "create", [{"name": "Customers"}])
    backend.server.call("party.party", "write", [customer], {"categories": [["add", [category]]]})
    rows = pulled(backend, Stream.ACCOUNTS, parties=[["categories.name", "=", "Customers"]])
    assert [row["name"] for row in rows] == ["Customer"]


def test_deals_are_read_from_opportunities_or_from_sales(backend: Backend) -> None:
    company = found(backend.server, buyers=2, others=1)
    deals = pulled(backend, Stream.OPPORTUNITIES, "party.name", "state:string")
    assert [(row["status"], row["state"], row["amount"]) for row in deals] == [
        ("won", "won", Decimal("100.25")),
        ("won", "won", Decimal("200.50")),
        *[("lost", "lost", Decimal(999))] * 3,
    ]
    assert {row["currency.code"] for row in deals} == {"EUR"}
    assert deals[0]["party.name"] == "Žofie & Sons 00"
    assert (deals[0]["state:string"], deals[0]["end_date"]) == ("Won", company.today)

    mine = {"deals": "sales", "deals_where": [["party", "in", company.parties]]}
    sales = pulled(backend, Stream.OPPORTUNITIES, **mine)
    revenue = {row["party"]: row["amount"] for row in sales}
    assert revenue == company.buyers
    assert {row["status"] for row in sales} == {"won"}
    lines = pulled(backend, Stream.LINE_ITEMS, **mine)
    assert {line["sale"] for line in lines} == {sale["id"] for sale in sales}
    assert sum(Decimal(str(line["amount"])) for line in lines) == sum(company.buyers.values())
    assert pulled(backend, Stream.LINE_ITEMS) == []


def test_a_field_of_another_record_that_is_not_there_is_left_out(backend: Backend) -> None:
    parties(backend, "Acme")
    (row,) = pulled(backend, Stream.ACCOUNTS, "lang.nonsense", "lang.code")
    assert (row["lang.code"], "lang.nonsense" in row) == (None, False)


def test_employees_are_the_owners(backend: Backend) -> None:
    rows = pulled(backend, Stream.USERS, company="Our Company")
    assert [(row["id"], row["party.name"], bool(row["active"])) for row in rows] == [
        (1, "Jane Doe", True),
        (2, "Žofie Novák", True),
    ]


def test_values_of_every_kind_are_held_as_they_were_written(backend: Backend) -> None:
    (party,) = parties(backend, "Acme")
    values: dict[str, Scalar] = {
        "pyramid_tier": "Top",
        "pyramid_since": date(2026, 6, 30),
        "pyramid_rank": 4711,
        "pyramid_gap": Decimal("-1200345.678"),
        "pyramid_share": Decimal("0.012345"),
        "pyramid_at": datetime(2026, 6, 30, 12, 0, 0, 999, tzinfo=UTC),
        "pyramid_locked": True,
    }
    change = SetFields(Ref(str(party)), values, dict.fromkeys(values))
    with closing(TrytonWriter(settings_for(backend.server))) as writer:
        writer.check([*values])
        assert list(writer.write([change])) == [Applied(change.marker, str(party))]
        (row,) = records(writer.current([str(party)], [*values]).accounts)
        (again,) = writer.write([change])
    assert again == Unchanged(change.marker)
    assert row == {
        "id": str(party),
        **values,
        "pyramid_gap": Decimal("-1200345.68"),
        "pyramid_at": datetime(2026, 6, 30, 12, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param({"name": "Renamed"}, Retry, id="something-else"),
        pytest.param({"pyramid_tier": "By hand"}, Conflict, id="the-tier"),
        pytest.param({"pyramid_tier": "Top"}, Unchanged, id="the-same"),
    ],
)
def test_an_edit_between_looking_and_writing_is_not_overwritten(
    backend: Backend, edit: dict[str, str], expected: type[WriteOutcome]
) -> None:
    first, second = parties(backend, "Acme", "Birch")

    def somebody_edits() -> None:
        backend.server.call("party.party", "write", [first], edit)

    backend.wire.meanwhile = somebody_edits
    changes = [
        SetFields(Ref(str(one)), {"pyramid_tier": "Top"}, {"pyramid_tier": None})
        for one in (first, second)
    ]
    with closing(TrytonWriter(settings_for(backend.server), transport=backend.wire)) as writer:
        outcomes = [type(outcome) for outcome in writer.write(changes)]
    assert outcomes == [expected, Applied]
    held = backend.server.read("party.party", [["id", "=", first]], "pyramid_tier")[0]
    assert held["pyramid_tier"] == edit.get("pyramid_tier")


def test_a_session_that_the_server_has_forgotten_is_begun_anew(backend: Backend) -> None:
    user = backend.server.call("res.user", "search", [["login", "=", USER]])[0]
    with closing(TrytonSource(settings_for(backend.server), transport=backend.wire)) as source:
        source.check()
        file = backend.server.folder / "crm.sqlite"
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("delete from ir_session where create_uid = ?", [user])
        assert source.check()
    assert backend.wire.methods.count("common.db.login") == 2


def test_a_task_names_its_owner_and_a_missing_party_gets_none(backend: Backend) -> None:
    (party,) = parties(backend, "Acme")
    puts = [
        PutTask(Ref(one), f"up_sell:{one}:1", "up_sell", "Call", "Why", "2", date(2026, 7, 1),
                "High", date(2026, 6, 30))
        for one in (str(party), "999999")
    ]  # fmt: skip
    with closing(TrytonWriter(settings_for(backend.server))) as writer:
        outcomes = {outcome.marker: outcome for outcome in writer.write(puts)}
    assert isinstance(outcomes["up_sell:999999:1"], Rejected)
    (work,) = backend.server.read("project.work", [["party", "=", party]], "comment", "type")
    assert work["comment"] == (
        f"Why\n\nDue: 2026-07-01\nPriority: High\nOwner: Žofie Novák (2)\nkey=up_sell:{party}:1"
    )


def test_without_tasks_none_are_written_or_read(backend: Backend) -> None:
    (party,) = parties(backend, "Acme")
    put = PutTask(Ref(str(party)), "m", "g", "s", "b", None, TODAY, "Low", TODAY)
    with closing(TrytonWriter(settings_for(backend.server, tasks=False))) as writer:
        (outcome,) = writer.write([put])
        assert writer.current([str(party)], []).tasks == ()
    assert isinstance(outcome, Rejected)
    assert outcome.code == "unsupported"


def test_what_can_not_be_made_is_left_to_a_person(backend: Backend) -> None:
    specs = [
        FieldSpec("pyramid_tier", "tier", "Tier", "choice", choices=("Top",)),
        FieldSpec("nowhere", "rank", "Rank", "integer"),
        FieldSpec("customer_rank", "rank", "Rank", "integer"),
    ]
    given = settings_for(backend.server, categories={"customer_rank": "Customer rank"})
    before = backend.schema()
    with closing(TrytonProvisioner(given)) as provisioner:
        steps = {step.what: step for step in provisioner.provision(specs, apply=True)}
    assert {what: step.state for what, step in steps.items()} == {
        "field pyramid_tier of parties": "present",
        "field nowhere of parties": "by hand",
        "party category 'Customer rank' for customer_rank": "by hand",
        "module project, for tasks": "present",
    }
    assert "a module" in steps["field nowhere of parties"].how
    assert backend.schema() == before


def test_a_closed_task_keeps_its_lines_and_says_why(backend: Backend) -> None:
    (party,) = parties(backend, "Acme")
    put = PutTask(Ref(str(party)), "m:1", "g", "s", "Why", "1", TODAY, "Low", TODAY)
    with closing(TrytonWriter(settings_for(backend.server))) as writer:
        (made,) = writer.write([put])
        assert isinstance(made, Applied)
    with closing(TrytonWriter(settings_for(backend.server))) as writer:
        close = CloseTask(put.ref, put.marker, made.id, "It has bought.", TODAY)
        assert list(writer.write([close])) == [Applied(put.marker, made.id)]
        (held,) = writer.current([str(party)], []).tasks
    (work,) = backend.server.read("project.work", [["party", "=", party]], "comment", "progress")
    assert (held.status, held.closed_on is None, work["progress"]) == ("done", False, 1.0)
    assert work["comment"] == (
        "Why\n\nIt has bought.\n\nDue: 2026-06-30\nPriority: Low\nOwner: Jane Doe (1)\nkey=m:1"
    )


def _no_database(server: Trytond) -> None:
    with closing(TrytonSource(settings_for(server, database="nowhere"))) as source:
        source.check()


def _no_company(server: Trytond) -> None:
    with closing(TrytonSource(settings_for(server, company="Nobody Ltd"))) as source:
        source.check()


def _no_status(server: Trytond) -> None:
    with closing(TrytonWriter(settings_for(server, done_status="Finished"))) as writer:
        writer.check([])


def _no_category(server: Trytond) -> None:
    with closing(TrytonWriter(settings_for(server, categories={"tier": "None such"}))) as writer:
        writer.check(["tier"])


def _not_writable(server: Trytond) -> None:
    with closing(TrytonWriter(settings_for(server))) as writer:
        writer.check(["rec_name"])


@pytest.mark.parametrize(
    ("does", "error", "says"),
    [
        pytest.param(_no_database, NotFound, "check url and database", id="database"),
        pytest.param(_no_company, ConfigError, "no company 'Nobody Ltd'", id="company"),
        pytest.param(_no_status, ConfigError, "Open, Done, Makes no sense", id="status"),
        pytest.param(_no_category, ConfigError, "connector provision", id="category"),
        pytest.param(_not_writable, ConfigError, "read-only", id="read-only"),
    ],
)
def test_what_is_wrong_is_said(
    trytond: Trytond, does: Callable[[Trytond], None], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        does(trytond)


def test_a_right_that_is_missing_is_named(backend: Backend) -> None:
    user = backend.server.call("res.user", "search", [["login", "=", USER]])
    groups = backend.server.call(
        "res.group", "search", [["name", "in", ["Sales", "Sale Opportunity"]]]
    )
    backend.server.call("res.user", "write", user, {"groups": [["remove", groups]]})
    try:
        with (
            closing(TrytonSource(settings_for(backend.server))) as source,
            pytest.raises(AccessError, match=r"'connector' may not read sale.opportunity"),
        ):
            source.check()
    finally:
        backend.server.call("res.user", "write", user, {"groups": [["add", groups]]})
