"""Promises, against Northwind's deliveries and by small examples."""

from datetime import date
from decimal import Decimal
from typing import cast

import pytest

from six_goals.promises import PromiseRow, all_promises, promise_kept, promises
from tests.rules.crm import DELIVERIES, Crm, Row
from tests.rules.public_data import northwind_deliveries

AS_OF = date(1998, 5, 6)
MAY_1, MAY_2 = date(1998, 5, 1), date(1998, 5, 2)


def promises_of(deliveries: list[Row]) -> list[PromiseRow]:
    crm = Crm()
    rows = crm.rows(promises(crm.table("deliveries", DELIVERIES, deliveries), AS_OF))
    return cast("list[PromiseRow]", rows)


def test_northwind_kept_772_of_809_promises() -> None:
    rows = promises_of(northwind_deliveries())
    assert sum(row["kept"] for row in rows) == 772
    assert sum(row["delivered"] for row in rows) == 809
    assert promise_kept(rows) == Decimal("0.954265")


@pytest.mark.parametrize(
    ("promised", "delivered", "counts"),
    [
        pytest.param(MAY_2, MAY_1, (1, 1), id="early"),
        pytest.param(MAY_1, MAY_1, (1, 1), id="on the day"),
        pytest.param(MAY_1, MAY_2, (1, 0), id="late"),
        pytest.param(MAY_1, None, None, id="not delivered yet"),
        pytest.param(None, MAY_1, None, id="never promised"),
        pytest.param(MAY_1, AS_OF, (1, 0), id="delivered today"),
        pytest.param(MAY_1, date(1998, 5, 7), None, id="delivered later"),
    ],
)
def test_a_promise_is_judged_once_it_is_delivered(
    promised: date | None, delivered: date | None, counts: tuple[int, int] | None
) -> None:
    rows = promises_of([{"account_id": "A", "promised": promised, "delivered": delivered}])
    assert [(row["delivered"], row["kept"]) for row in rows] == ([counts] if counts else [])


def test_promises_are_counted_for_each_account() -> None:
    late, kept = ({"promised": MAY_1, "delivered": day} for day in (MAY_2, MAY_1))
    rows = promises_of([{"account_id": "A", **late}, {"account_id": "B", **kept}])
    assert {row["account_id"]: row["kept"] for row in rows} == {"A": 0, "B": 1}


def test_all_promises_are_those_of_every_account() -> None:
    late, kept = ({"promised": MAY_1, "delivered": day} for day in (MAY_2, MAY_1))
    rows: list[Row] = [
        {"account_id": "A", **late},
        {"account_id": "B", **kept},
        {"account_id": "C"},
    ]
    crm = Crm()
    found = crm.row(all_promises(crm.table("deliveries", DELIVERIES, rows), AS_OF))
    assert found == {"delivered": 2, "kept": 1}


def test_without_deliveries_nothing_is_known() -> None:
    assert promise_kept([]) is None
    assert promise_kept([{"delivered": 0, "kept": 0}]) is None
