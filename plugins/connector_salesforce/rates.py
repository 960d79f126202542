"""Exchange rates of an org that has several currencies: those of today, and those with dates."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, ExchangeRate, Refused
from connector.http import NotFound
from connector_salesforce.connection import query_path
from connector_salesforce.held import following
from connector_salesforce.soql import select

if TYPE_CHECKING:
    from connector_salesforce.connection import Org
    from connector_salesforce.settings import ConversionRate

logger = logging.getLogger(__name__)

# Currencies that are no longer active too: old deals are in them.
_CURRENT: Final = select(["IsoCode", "ConversionRate"], "CurrencyType")
_DATED: Final = select(
    ["IsoCode", "ConversionRate", "StartDate", "NextStartDate"], "DatedConversionRate"
)


def has_currencies(org: Org) -> bool:
    """Say whether the org has several currencies: only then does a deal name its own."""
    try:
        fields = org.describe("Opportunity").get("fields") or ()
    except NotFound:
        return False
    return any(field["name"] == "CurrencyIsoCode" for field in fields)


def rates_of(org: Org, meaning: ConversionRate) -> Sequence[ExchangeRate]:
    """Return what a unit of each currency is in the corporate one, by day.

    On days for which it has no dated rate, before the first of them too, a currency has its current
    one. *meaning* is what the org means by a conversion rate.
    """
    paths = [query_path(query, deleted=False) for query in (_CURRENT, _DATED)]
    currencies, dated = org.together(paths)
    days: dict[str, dict[date, Decimal]] = {}
    for one in _records(org, _CURRENT, currencies):
        if rate := _worth(one, meaning):
            days[str(one["IsoCode"])] = {date.min: rate}
    changes = [one for one in _records(org, _DATED, dated) if one["IsoCode"] in days]
    # What begins on a day holds, and not what ends on it.
    for one in changes:
        own = days[one["IsoCode"]]
        if one["NextStartDate"]:
            own[date.fromisoformat(one["NextStartDate"])] = own[date.min]
    for one in changes:
        if rate := _worth(one, meaning):
            days[one["IsoCode"]][date.fromisoformat(one["StartDate"])] = rate
    return [ExchangeRate(code, day, rate) for code in days for day, rate in days[code].items()]


def _records(org: Org, query: str, page: Any) -> Sequence[Mapping[str, Any]]:
    """Return what *query* selects, of which *page* may have come; nothing if we may not ask it.

    Without dated rates an org has no such object.
    """
    try:
        return list(following(org, page or org.query(query)))
    except (AccessError, Refused) as error:
        logger.info("%s", error)
        return ()


def _worth(record: Mapping[str, Any], meaning: ConversionRate) -> Decimal | None:
    """Return what a unit of a record's currency is in the corporate one; None if it tells none."""
    rate = Decimal(str(record["ConversionRate"] or 0))
    if rate <= 0:
        return None
    return 1 / rate if meaning == "currency per corporate" else rate
