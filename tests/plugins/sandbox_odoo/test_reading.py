"""Reading: domains, order, what is archived, times, and how values look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.testing.faults import Clock
from sandbox_odoo.sandbox import OdooSandbox
from tests.plugins.sandbox_odoo.asking import Rpc, rpc_of
from tests.plugins.sandbox_odoo.conftest import Make

ALL = {"active_test": False}


@pytest.fixture
def ids(sandbox: OdooSandbox) -> dict[str, int]:
    """Return partners by name: two companies, a person of the first, an archived one."""
    acme = sandbox.insert("res.partner", name="Acme", is_company=True, ref="a_1")
    return {
        "Acme": acme,
        "Beta": sandbox.insert("res.partner", name="Beta", is_company=True, ref="B%2"),
        "Carl": sandbox.insert("res.partner", name="Carl", parent_id=acme, email="c@acme.example"),
        "Dora": sandbox.insert("res.partner", name="Dora", active=False),
    }


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        pytest.param([], "ABC", id="all but archived ones"),
        pytest.param([("active", "=", False)], "D", id="archived ones, asked for"),
        pytest.param([("active", "in", [True, False])], "ABCD", id="both"),
        pytest.param([("is_company", "=", True), ("name", "!=", "Acme")], "B", id="and"),
        pytest.param(["|", ("name", "=", "Acme"), ("name", "=", "Beta")], "AB", id="or"),
        pytest.param(["!", ("is_company", "=", True)], "C", id="not"),
        pytest.param(
            ["|", "&", ("name", "=", "Acme"), ("is_company", "=", False), ("name", "=", "Carl")],
            "C", id="nested",
        ),
        pytest.param([("email", "=", False)], "AB", id="empty"),
        pytest.param([("email", "!=", False)], "C", id="not empty"),
        pytest.param([("email", "!=", "x")], "ABC", id="unlike includes empty"),
        pytest.param([("name", "in", ["Acme", "Carl"])], "AC", id="in"),
        pytest.param([("name", "not in", ["Acme", "Carl"])], "B", id="not in"),
        pytest.param([("email", "in", [False, "x"])], "AB", id="in with empty"),
        pytest.param([("name", "like", "C")], "C", id="like"),
        pytest.param([("name", "ilike", "A")], "ABC", id="ilike"),
        pytest.param([("name", "=like", "A%")], "A", id="=like"),
        pytest.param([("name", "=ilike", "a%")], "A", id="=ilike"),
        pytest.param([("name", "not ilike", "ac")], "BC", id="not ilike"),
        pytest.param([("ref", "=like", "B_2")], "B", id="one letter"),
        pytest.param([("ref", ">=", "B")], "AB", id="larger"),
        pytest.param([("parent_id", "=", "Acme")], "C", id="by the name of the other"),
        pytest.param([("parent_id", "=", False)], "AB", id="no other"),
        pytest.param([("parent_id.is_company", "=", True)], "C", id="path"),
        pytest.param([("parent_id.name", "!=", "Acme")], "", id="path, not"),
        pytest.param([("child_ids.name", "=", "Carl")], "A", id="path through many"),
        pytest.param([("child_ids", "=", False)], "BC", id="none of many"),
        pytest.param([("commercial_partner_id", "child_of", "ACME")], "AC", id="child_of"),
        pytest.param([("parent_id", "any", [("ref", "=", "a_1")])], "C", id="any"),
        pytest.param([("customer_rank", "=", 0)], "ABC", id="zero is empty"),
        pytest.param([(1, "=", 1)], "ABC", id="true"),
        pytest.param([(0, "=", 1)], "", id="false"),
    ],
)  # fmt: skip
def test_domains(rpc: Rpc, ids: dict[str, int], domain: list[Any], names: str) -> None:
    mine = ("id", "in", [*ids.values()])
    found = rpc("res.partner", "search", [mine, *domain], order="id")
    assert "".join(name[0] for name, id_ in ids.items() if id_ in found) == names
    assert rpc("res.partner", "search_count", [mine, *domain]) == len(found)


def test_families(rpc: Rpc, ids: dict[str, int]) -> None:
    carl, acme = ids["Carl"], ids["Acme"]
    assert rpc("res.partner", "search", [("id", "child_of", acme)], order="id") == [acme, carl]
    assert rpc("res.partner", "search", [("id", "parent_of", [carl])], order="id") == [acme, carl]


@pytest.mark.parametrize(
    "domain",
    [
        pytest.param([("nope", "=", 1)], id="no such field"),
        pytest.param([("name", "equals", 1)], id="no such operator"),
        pytest.param([("name", "=")], id="too short"),
        pytest.param(["|", ("name", "=", "A")], id="no second"),
        pytest.param([("create_date", ">", "2026-03-01T12:00:00Z")], id="a zone"),
    ],
)
def test_domains_that_are_none(rpc: Rpc, domain: list[Any]) -> None:
    assert rpc.error("res.partner", "search", domain)[0] == "builtins.ValueError"


def test_order_limit_and_offset(rpc: Rpc, ids: dict[str, int]) -> None:
    def names(**how: Any) -> str:
        found = rpc("res.partner", "search_read", [("id", "in", [*ids.values()])], ["name"], **how)
        return "".join(row["name"][0] for row in found)

    assert names(order="name desc") == "CBA"
    # Empty values come last, or first the other way round.
    assert names(order="email, id") == "CAB"
    assert names(order="email desc, id desc") == "BAC"
    assert names(order="parent_id, name desc") == "CBA"
    assert names(order="id", limit=2) == "AB"
    assert names(order="id", offset=1, limit=1) == "B"
    assert names(order="id", limit=0) == "ABC"
    assert names(context=ALL, order="id") == "ABCD"
    assert rpc.error("res.partner", "search", [], order="name up")[0].endswith("UserError")


def test_how_values_look(sandbox: OdooSandbox, rpc: Rpc, ids: dict[str, int]) -> None:
    carl, acme = ids["Carl"], ids["Acme"]
    names = ["parent_id", "phone", "child_ids", "customer_rank", "active", "country_id",
             "create_date", "commercial_partner_id", "company_type", "display_name"]  # fmt: skip
    assert rpc("res.partner", "read", [carl], names) == [
        {
            "id": carl, "parent_id": [acme, "Acme"], "phone": False, "child_ids": [],
            "customer_rank": 0, "active": True, "country_id": False,
            "create_date": "2026-03-01 12:00:00", "commercial_partner_id": [acme, "Acme"],
            "company_type": "person", "display_name": "Acme, Carl",
        }
    ]  # fmt: skip
    plain = rpc("res.partner", "read", [carl], ["parent_id"], load=None)
    assert plain == [{"id": carl, "parent_id": acme}]
    sandbox.delete("res.partner", acme)
    # Those that are gone are missing, without an error; what named them is empty.
    assert [row["parent_id"] for row in rpc("res.partner", "read", [acme, carl])] == [False]


def test_a_contact_moves_with_its_company(sandbox: OdooSandbox, ids: dict[str, int]) -> None:
    below = sandbox.insert("res.partner", name="Carl's", parent_id=ids["Carl"])
    sandbox.update("res.partner", ids["Acme"], is_company=False, parent_id=ids["Beta"])
    moved = [sandbox.record("res.partner", one) for one in (ids["Carl"], below)]
    assert [row["commercial_partner_id"] for row in moved] == [ids["Beta"]] * 2


@pytest.mark.parametrize("version", ["17.0", "18.0", "19.0"])
def test_times_are_kept_with_more_than_is_shown(make: Make, clock: Clock, version: str) -> None:
    sandbox = make(version)
    rpc = rpc_of(sandbox)
    first = sandbox.insert("res.partner", name="A")
    clock.jump(0.5)
    second = sandbox.insert("res.partner", name="B")  # in the same second
    clock.jump(1)
    third = sandbox.insert("res.partner", name="C")
    shown = rpc("res.partner", "read", [first, second, third], ["write_date"])
    assert [row["write_date"][-2:] for row in shown] == ["00", "00", "01"]

    def since(sign: str, moment: str = "2026-03-01 12:00:00") -> list[int]:
        domain = [("write_date", sign, moment), ("id", ">=", first)]
        found: list[int] = rpc("res.partner", "search", domain, order="id")
        return found

    assert since(">=") == since(">=", "2026-03-01T12:00:00") == [first, second, third]
    assert since("<", "2026-03-01 12:00:01") == [first, second]
    if version == "19.0":
        # The second whole: who pages by it loses what is written later in that second.
        assert (since(">"), since("="), since("<=")) == ([third], [first, second], [first, second])
    else:
        # What was read last comes again.
        assert (since(">"), since("="), since("<=")) == ([first, second, third], [], [])
    sandbox.settings.whole_seconds = not sandbox.settings.whole_seconds
    assert since(">") == ([first, second, third] if version == "19.0" else [third])


def test_a_stamp_is_the_start_of_the_transaction(sandbox: OdooSandbox, clock: Clock) -> None:
    # One that took long comes to light with a time that has passed.
    late = sandbox.insert("res.partner", name="Late", at=clock.now - timedelta(minutes=3))
    assert sandbox.record("res.partner", late)["write_date"] == "2026-03-01 11:57:00"
    assert sandbox.record("res.partner", late)["write_uid"] != sandbox.user


def test_what_fields_there_are(rpc: Rpc) -> None:
    said = rpc("res.partner", "fields_get", ["parent_id", "type", "nope"], attributes=["type"])
    assert said == {"parent_id": {"type": "many2one"}, "type": {"type": "selection"}}
    whole = rpc("res.partner", "fields_get", ["type"])["type"]
    assert whole["selection"][0] == ["contact", "Contact"]
    assert rpc("res.partner", "fields_get")["parent_id"]["relation"] == "res.partner"
    assert rpc("res.partner", "default_get", ["type", "name"]) == {"type": "contact"}
    kinds = rpc("ir.model.fields", "search_read", [("model", "=", "crm.lead")], ["name", "ttype"])
    assert {"expected_revenue": "monetary"}.items() <= {
        row["name"]: row["ttype"] for row in kinds
    }.items()


@pytest.mark.parametrize(
    ("version", "there"),
    [("17.0", {"mobile"}), ("18.0", {"mobile"}), ("19.0", {"won_status", "group_ids"})],
)
def test_fields_of_versions(make: Make, version: str, there: set[str]) -> None:
    rpc = rpc_of(make(version))
    names = {
        name
        for model in ("res.partner", "crm.lead", "res.users")
        for name in rpc(model, "fields_get", attributes=["type"])
    }
    assert names & {"mobile", "won_status", "group_ids"} == there
