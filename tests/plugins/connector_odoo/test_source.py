"""What is read of an Odoo, and what is made of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector import AccessError, ConfigError, Page, Stream
from connector.testing.suite import records
from connector_odoo.derived import (
    ACCOUNT,
    AMOUNT,
    CLOSED,
    COST,
    CURRENCY,
    DEAL,
    DISCONTINUED,
    HAPPENED_AT,
    INVOICE_LINE,
    LEAD,
    ORDER_LINE,
    QUANTITY,
    SEVERITY,
    STATUS,
    TICKET,
    opportunity_status,
)
from connector_odoo.place import load
from connector_odoo.source import OdooSource
from connector_odoo.streams import FIELDS
from tests.plugins.connector_odoo.odoo import NOON, Backend

YESTERDAY = NOON - timedelta(days=1)


@pytest.fixture(params=["19.0", pytest.param("17.0", marks=pytest.mark.long)])
def backend(request: pytest.FixtureRequest) -> Backend:
    return Backend(request.param)


def pages(
    backend: Backend,
    stream: Stream,
    cursor: str | None = None,
    fields: Sequence[str] = (),
    **given: Any,
) -> list[Page]:
    wanted = list(fields) or list(FIELDS[stream].values())
    with closing(OdooSource(backend.settings(**given), transport=backend.wire)) as source:
        return list(source.pull(stream, wanted, cursor))


def rows(backend: Backend, stream: Stream, **given: Any) -> list[dict[str, Any]]:
    return [row for page in pages(backend, stream, **given) for row in records(page.rows)]


def company(backend: Backend, name: str, **values: Any) -> int:
    return backend.sandbox.insert("res.partner", name=name, is_company=True, **values)


def deal(backend: Backend, partner: int, **values: Any) -> int:
    return backend.sandbox.insert(
        "crm.lead", at=YESTERDAY, name="Deal", type="opportunity", partner_id=partner, **values
    )


def stage(backend: Backend, *, won: bool) -> int:
    return next(int(s["id"]) for s in backend.sandbox.records("crm.stage") if s["is_won"] is won)


# --- which records


def test_accounts_are_companies_archived_ones_too(backend: Backend) -> None:
    group = company(backend, "Group")
    company(backend, "Branch", parent_id=group, active=False)
    backend.sandbox.insert("res.partner", name="Ann", parent_id=group)
    backend.sandbox.insert("res.partner", name="Buyer")
    found = {row["name"]: row["parent_id"] for row in rows(backend, Stream.ACCOUNTS)}
    assert {name: found.get(name, "-") for name in ("Group", "Branch", "Ann", "Buyer")} == {
        "Group": None, "Branch": group, "Ann": "-", "Buyer": "-",
    }  # fmt: skip
    everybody = {row["name"] for row in rows(backend, Stream.ACCOUNTS, partners="all")}
    assert everybody >= {"Group", "Branch", "Buyer"}
    assert "Ann" not in everybody


def test_a_filter_of_the_job_narrows_what_is_read(backend: Backend) -> None:
    company(backend, "Kept", ref="C-1")
    company(backend, "Left out")
    given = {"filters": {"accounts": [["ref", "=like", "C-%"]]}}
    found = rows(backend, Stream.ACCOUNTS, filters=given["filters"])
    assert [row["name"] for row in found] == ["Kept"]


def test_a_deal_of_a_contact_counts_for_its_company(backend: Backend) -> None:
    acme = company(backend, "Acme")
    ann = backend.sandbox.insert("res.partner", name="Ann", parent_id=acme)
    deal(backend, ann, expected_revenue=1200.5, date_deadline="2026-08-01")
    (row,) = rows(backend, Stream.OPPORTUNITIES)
    assert (row[ACCOUNT], row[AMOUNT], row[CURRENCY]) == (acme, Decimal("1200.5"), "EUR")
    assert (row[STATUS], row[CLOSED]) == ("open", date(2026, 8, 1))
    assert row["write_date"] == YESTERDAY


def test_won_and_lost_are_told_by_stage_and_archive(backend: Backend) -> None:
    acme = company(backend, "Acme")
    won, new = stage(backend, won=True), stage(backend, won=False)
    closed = "2026-05-01 22:30:00"
    kinds = {
        deal(backend, acme, stage_id=won, probability=100, date_closed=closed): "won",
        deal(backend, acme, stage_id=new, probability=0, active=False, date_closed=closed): "lost",
        deal(backend, acme, stage_id=new, probability=30): "open",
    }
    away = deal(backend, acme, stage_id=new, probability=30)
    backend.sandbox.update("crm.lead", away, active=False)
    # Archiving by hand may set the probability to 0: here somebody has kept it.
    backend.sandbox.update("crm.lead", away, probability=30)
    (page,) = pages(backend, Stream.OPPORTUNITIES)
    found = {row["id"]: row for row in records(page.rows)}
    assert {key: row[STATUS] for key, row in found.items()} == kinds
    assert page.deleted == ()
    moment = datetime(2026, 5, 1, 22, 30, tzinfo=UTC)
    assert {row[CLOSED] for row in found.values() if row[STATUS] != "open"} == {moment}


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"active": True, "probability": 100}, "won"),
        ({"active": True, "probability": 20, "stage_id.is_won": True}, "won"),
        ({"active": False, "probability": 100}, "won"),
        ({"active": False, "probability": 0, "stage_id.is_won": True}, "lost"),
        ({"active": False, "probability": Decimal("0.0")}, "lost"),
        ({"active": False, "probability": 10}, "archived"),
        ({"active": True, "probability": 0}, "open"),
        ({"active": True, "probability": 10, "won_status": "won"}, "won"),
        ({"active": False, "probability": 0, "won_status": "lost"}, "lost"),
        ({"active": True, "probability": 10, "won_status": "pending"}, "open"),
    ],
    ids=str,
)
def test_the_status_of_an_opportunity(row: dict[str, Any], status: str) -> None:
    assert opportunity_status(row) == status


def test_a_deal_that_was_put_away_is_told_as_deleted(backend: Backend) -> None:
    acme = company(backend, "Acme")
    key = deal(backend, acme, probability=30)
    (first,) = pages(backend, Stream.OPPORTUNITIES)
    backend.sandbox.update("crm.lead", key, active=False)
    backend.sandbox.update("crm.lead", key, probability=30)
    (page,) = pages(backend, Stream.OPPORTUNITIES, first.cursor)
    assert (records(page.rows), page.deleted) == ([], [str(key)])


def test_a_lead_stays_one_once_it_is_converted(backend: Backend) -> None:
    acme = company(backend, "Acme")
    new: dict[str, Any] = {"name": "Ann", "partner_id": acme, "probability": 10}
    still = backend.sandbox.insert("crm.lead", type="lead", **new)
    turned = deal(backend, acme, date_conversion="2026-06-01 08:00:00", probability=10)
    won = deal(backend, acme, date_conversion="2026-06-01 08:00:00", probability=100,
               stage_id=stage(backend, won=True))  # fmt: skip
    deal(backend, acme, probability=10)
    found = {row["id"]: row[STATUS] for row in rows(backend, Stream.LEADS)}
    assert found == {still: "open", turned: "qualified", won: "won"}
    deals = {row["id"]: row[LEAD] for row in rows(backend, Stream.OPPORTUNITIES)}
    assert (deals[turned], deals[won]) == (turned, won)


# --- orders, invoices and the rest


@pytest.mark.parametrize("deals", ["orders", "invoices"])
def test_orders_and_invoices_are_deals_with_lines(backend: Backend, deals: str) -> None:
    backend.sandbox.make_up(20)
    found = rows(backend, Stream.OPPORTUNITIES, deals=deals)
    lines = rows(backend, Stream.LINE_ITEMS, deals=deals)
    assert "won" in {row[STATUS] for row in found}
    totals: dict[int, Decimal] = {}
    for line in lines:
        assert line["product_id.name"]
        totals[line[DEAL]] = totals.get(line[DEAL], Decimal(0)) + line[AMOUNT]
    amounts = {row["id"]: row[AMOUNT] for row in found if row["id"] in totals}
    assert totals == amounts
    accounts = {row["id"] for row in rows(backend, Stream.ACCOUNTS)}
    assert {row[ACCOUNT] for row in found} <= accounts


def test_a_credit_note_takes_away() -> None:
    line = {"price_subtotal": Decimal(80), "quantity": 2, "move_id.move_type": "out_refund"}
    assert INVOICE_LINE[AMOUNT].make(line) == -80
    assert INVOICE_LINE[QUANTITY].make(line) == -2
    assert INVOICE_LINE[AMOUNT].make({**line, "move_id.move_type": "out_invoice"}) == 80
    assert INVOICE_LINE[AMOUNT].make({**line, "balance": Decimal(72)}) == -72
    assert INVOICE_LINE[QUANTITY].make({"move_id.move_type": "out_refund"}) is None


def test_the_cost_of_a_line_is_that_of_all_its_pieces() -> None:
    make = ORDER_LINE[COST].make
    assert make({"purchase_price": Decimal("2.5"), "product_uom_qty": 4}) == 10
    assert make({"product_uom_qty": 4}) is None
    assert ORDER_LINE[DISCONTINUED].make({"product_id.active": False}) is True
    assert ORDER_LINE[DISCONTINUED].make({}) is None


def test_a_ticket_is_closed_by_date_or_by_stage() -> None:
    assert TICKET[STATUS].make({"close_date": NOON}) == "closed"
    assert TICKET[STATUS].make({"stage_id.fold": True}) == "closed"
    assert TICKET[STATUS].make({"stage_id.fold": False}) == "open"
    severities = [TICKET[SEVERITY].make({"priority": p}) for p in ("0", "1", "2", "3")]
    assert severities == ["low", "normal", "high", "high"]


def test_an_activity_counts_for_the_company_of_what_it_is_about(backend: Backend) -> None:
    acme = company(backend, "Acme")
    ann = backend.sandbox.insert("res.partner", name="Ann", parent_id=acme)
    lead = deal(backend, ann, probability=10)
    models = {m["model"]: m["id"] for m in backend.sandbox.records("ir.model")}
    kind = backend.sandbox.records("mail.activity.type")[0]["id"]
    for model, document in (("res.partner", ann), ("crm.lead", lead)):
        backend.sandbox.insert(
            "mail.activity",
            res_model_id=models[model],
            res_id=document,
            activity_type_id=kind,
            summary="Call",
            user_id=2,
            date_deadline="2026-07-01",
        )
    found = rows(backend, Stream.ACTIVITIES)
    assert [(row[ACCOUNT], row[LEAD]) for row in found] == [(acme, None), (acme, lead)]
    assert [row.get(HAPPENED_AT) for row in found] == [None, None]  # they are still to be done
    assert all(row["activity_type_id.name"] for row in found)


# --- what there is not


def test_an_app_that_is_not_installed_has_no_records_and_says_so_once(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        closing(OdooSource(backend.settings(), transport=backend.wire)) as source,
        caplog.at_level(logging.INFO),
    ):
        for _ in range(2):
            assert list(source.pull(Stream.CASES, list(FIELDS[Stream.CASES].values()), None)) == []
    assert caplog.text.count("the app Helpdesk is not installed") == 1


def test_what_the_user_may_not_read_is_warned_of_and_deals_are_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Backend("19.0")
    backend.sandbox.revoke()
    backend.sandbox.revoke("read", model="mail.activity")
    assert pages(backend, Stream.ACTIVITIES) == []
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    backend.sandbox.revoke("read", model="crm.lead")
    with pytest.raises(AccessError, match="User: All Documents"):
        pages(backend, Stream.OPPORTUNITIES)


def test_what_the_job_relies_on_is_an_error() -> None:
    backend = Backend("19.0", apps=("crm",))
    with pytest.raises(AccessError, match="install the app Sales"):
        pages(backend, Stream.OPPORTUNITIES, deals="orders")
    with (
        closing(OdooSource(backend.settings(deals="orders"), transport=backend.wire)) as source,
        pytest.raises(AccessError, match="install the app Sales"),
    ):
        source.check()


def test_a_field_that_the_job_names_and_that_is_not_there_is_an_error(backend: Backend) -> None:
    for name in ("x_size", "country_id.x_region", "x_other.name"):
        with pytest.raises(ConfigError, match=f"no field {name!r}"):
            pages(backend, Stream.ACCOUNTS, fields=["id", name])


def test_a_usual_field_that_is_not_there_is_left_out(backend: Backend) -> None:
    company(backend, "Acme")
    fields = ["id", "name", *(FIELDS[Stream.OPPORTUNITIES].values())]
    assert pages(backend, Stream.OPPORTUNITIES, fields=fields)
    (page,) = pages(backend, Stream.USERS, fields=["id", "email"])
    assert set(records(page.rows)[0]) == {"id", "email"}


def test_a_path_leads_on_from_record_to_record(backend: Backend) -> None:
    group = company(backend, "Group", ref="G-1")
    company(backend, "Branch", parent_id=group)
    found = rows(backend, Stream.ACCOUNTS, fields=["id", "name", "parent_id.ref", "parent_id.name"])
    (branch,) = [row for row in found if row["name"] == "Branch"]
    assert (branch["parent_id.ref"], branch["parent_id.name"]) == ("G-1", "Group")


# --- what has changed


def test_a_quiet_pull_is_two_calls_and_no_page(backend: Backend) -> None:
    backend.sandbox.insert("res.partner", at=YESTERDAY, name="Acme", is_company=True)
    given: dict[str, Any] = {"filters": {"accounts": [["name", "=", "Acme"]]}}
    *_, last = pages(backend, Stream.ACCOUNTS, **given)
    backend.sandbox.requests.clear()
    assert pages(backend, Stream.ACCOUNTS, last.cursor, **given) == []
    asked = [one for one in backend.asked() if one.startswith("res.partner ")]
    assert asked == ["res.partner fields_get", "res.partner search_count",
                     "res.partner search_read"]  # fmt: skip


def test_each_record_is_asked_for_once(backend: Backend) -> None:
    for number in range(7):
        company(backend, f"Account {number}")
    given: dict[str, Any] = {"page_size": 3, "filters": {"accounts": [["name", "like", "Account"]]}}
    found = [len(page.rows) for page in pages(backend, Stream.ACCOUNTS, **given)]
    assert found == [3, 3, 1]


def test_what_was_committed_late_is_read(backend: Backend) -> None:
    company(backend, "Acme")
    *_, last = pages(backend, Stream.ACCOUNTS)
    backend.time += timedelta(hours=1)
    backend.sandbox.insert("res.partner", at=NOON - timedelta(minutes=10), name="Late",
                           is_company=True)  # fmt: skip
    late = pages(backend, Stream.ACCOUNTS, last.cursor)
    assert "Late" in [row["name"] for page in late for row in records(page.rows)]
    assert not any(page.scan for page in late)
    short = pages(backend, Stream.ACCOUNTS, last.cursor, overlap=60)
    assert "Late" not in [row["name"] for page in short for row in records(page.rows)]


def test_fewer_records_than_there_were_make_a_scan(backend: Backend) -> None:
    company(backend, "Stays")
    gone = company(backend, "Goes")
    *_, last = pages(backend, Stream.ACCOUNTS)
    company(backend, "Comes")
    backend.sandbox.delete("res.partner", gone)
    (page,) = pages(backend, Stream.ACCOUNTS, last.cursor)
    assert page.scan
    assert {"Stays", "Comes"} <= {row["name"] for row in records(page.rows)}
    assert pages(backend, Stream.ACCOUNTS, page.cursor)[0].scan is None


@pytest.mark.parametrize(("days", "whole"), [(29, False), (30, True)])
def test_everything_is_read_again_after_so_many_days(
    backend: Backend, days: int, whole: bool
) -> None:
    company(backend, "Acme")
    *_, last = pages(backend, Stream.ACCOUNTS)
    backend.time += timedelta(days=days)
    company(backend, "New")
    (page,) = pages(backend, Stream.ACCOUNTS, last.cursor)
    assert bool(page.scan) is whole
    never = pages(backend, Stream.ACCOUNTS, last.cursor, full_every=0)
    assert not any(page.scan for page in never)


def test_another_selection_is_read_from_its_beginning(backend: Backend) -> None:
    company(backend, "Acme", ref="C-1")
    *_, last = pages(backend, Stream.ACCOUNTS)
    (page,) = pages(backend, Stream.ACCOUNTS, last.cursor, fields=["id", "name", "ref"])
    assert page.scan


@pytest.mark.parametrize("cursor", ["", "{}", "[]", "junk", '{"v": 0}', '{"v": 1, "other": 2}'])
def test_a_cursor_that_is_not_ours_is_none(cursor: str) -> None:
    assert load(cursor) is None
