"""Promises, against Northwind's deliveries and by small examples."""

from datetime import date
from decimal import Decimal
from typing import cast

import pytest

from six_goals.promises import PromiseCounts, promise_kept, promises
from tests.rules.crm import DELIVERIES, Crm, Row
from tests.rules.public_data import northwind_deliveries

AS_OF = date(1998, 5, 6)
MAY_1, MAY_2 = date(1998, 5, 1), date(1998, 5, 2)


def promises_of(deliveries: list[Row]) -> PromiseCounts:
    crm = Crm()
    found = crm.row(promises(crm.table("deliveries", DELIVERIES, deliveries), AS_OF))
    return cast("PromiseCounts", found)


def test_northwind_kept_772_of_809_promises() -> None:
    counts = promises_of(northwind_deliveries())
    assert counts == {"delivered": 809, "kept": 772}
    assert promise_kept(counts) == Decimal("0.954265")


@pytest.mark.parametrize(
    ("promised", "delivered", "counts"),
    [
        pytest.param(MAY_2, MAY_1, (1, 1), id="early"),
        pytest.param(MAY_1, MAY_1, (1, 1), id="on the day"),
        pytest.param(MAY_1, MAY_2, (1, 0), id="late"),
        pytest.param(MAY_1, None, (0, 0), id="not delivered yet"),
        pytest.param(None, MAY_1, (0, 0), id="never promised"),
        pytest.param(MAY_1, AS_OF, (1, 0), id="delivered today"),
        pytest.param(MAY_1, date(1998, 5, 7), (0, 0), id="delivered later"),
    ],
)
def test_a_promise_is_judged_once_it_is_delivered(
    promised: date | None, delivered: date | None, counts: tuple[int, int]
) -> None:
    found = promises_of([{"account_id": "A", "promised": promised, "delivered": delivered}])
    assert (found["delivered"], found["kept"]) == counts


def test_the_promises_of_all_accounts_are_counted_together() -> None:
    late, kept = ({"promised": MAY_1, "delivered": day} for day in (MAY_2, MAY_1))
    rows: list[Row] = [{"account_id": "A", **late}, {"account_id": "B", **kept}]
    assert promises_of([*rows, {"account_id": "C"}]) == {"delivered": 2, "kept": 1}


def test_without_deliveries_nothing_is_known() -> None:
    assert promise_kept(promises_of([])) is None
