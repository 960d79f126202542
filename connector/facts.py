"""The facts of one day: the tables that goals ask for, made of the store's records when asked.

Nothing later than the day is in them. A table that is read again and again is kept; the others are
views over the records that the engine has loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from connector.workspace import Workspace
from customer_pyramid.days import elapsed
from customer_pyramid.money import places
from customer_pyramid.periods import Period
from customer_pyramid.settings import ProfitSettings, PyramidSettings
from six_goals.purchases import Level
from six_goals.tables import TABLES
from six_goals.words import Words

if TYPE_CHECKING:
    import ibis.expr.types as ir

RECORDS: Final = "held_"
"""Prefix of the tables that hold the store's records, as they are."""

_ALIVE: Final = {
    "account_id": pa.string(),
    "p_alive": pa.float64(),
    "expected_orders": pa.float64(),
}
_VIEWS: Final = {
    "accounts": "select *, cast(created_at as date) as created_on from held_accounts",
    "lost_deals": "select id, account_id, close_date, lost_reason as reason, product"
    " from held_lost where close_date <= {day}",
    "deliveries": "select id as deal_id, account_id, promised_on as promised,"
    " case when delivered_on <= {day} then delivered_on end as delivered"
    " from held_opportunities where promised_on is not null and status = 'won'"
    " and account_id is not null and close_date <= {day}",
    "cases": "select * replace ("
    " case when closed_at is null or cast(closed_at as date) <= {day} then status else 'open' end"
    " as status,"
    " case when cast(closed_at as date) <= {day} then closed_at end as closed_at,"
    " case when cast(first_response_at as date) <= {day} then first_response_at end"
    " as first_response_at) from held_cases"
    " where account_id is not null and cast(opened_at as date) <= {day}",
    "leads": "select * replace ("
    " case when closed_on <= {day} or closed_on is null then status else 'open' end as status,"
    " case when closed_on <= {day} then closed_on end as closed_on) from held_leads"
    " where created_at is null or cast(created_at as date) <= {day}",
    "activities": "select a.* replace (coalesce(a.account_id, l.account_id) as account_id)"
    " from held_activities a left join held_leads l on a.account_id is null and a.lead_id = l.id"
    " where cast(a.happened_at as date) <= {day}",
    "contact_targets": "select * from held_contact_targets",
    "users": "select * from held_users",
}
"""Views that need no more than the records and the day."""

_KNOWN_THEN: Final = (
    " where created_at is null or cast(created_at as date) <= {day} or id in"
    " (select account_id from held_opportunities where close_date <= {day})"
)
"""The accounts of a day that has passed: those made or bought by then."""


class DayFacts:
    """What is known of a company on one day; see `six_goals.Facts`."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        as_of: date,
        current: Period,
        pyramid: PyramidSettings,
        profit: ProfitSettings,
        base_currency: str,
        items: Level,
        limit: int,
        words: Words,
        filled: Collection[str],
        rates: ir.Table | None = None,
        replay: bool = False,
    ) -> None:
        self._workspace = workspace
        self.as_of, self.current, self.previous = as_of, current, current.previous()
        self.pyramid, self.words, self.limit = pyramid, words, limit
        self.base_currency, self.rates, self.replay = base_currency, rates, replay
        self.overspent = False
        """Set once the check of the budget has been made."""
        self._margin: Fraction | None = None
        self._profit_settings = profit
        self._items: Level = items
        self._filled = set(filled)
        self._made: set[str] = set()
        self._makers: Mapping[str, Callable[[], Any]] = {
            "sales": self._sales,
            "open_deals": self._open_deals,
            "lines": self._lines,
            "purchases": self._purchases,
            "baskets": self._baskets,
            "order_days": self._order_days,
            "ordering": self._ordering,
            "rhythm": self._rhythm,
            "alive": self._alive,
            "selling": self._selling,
            "profit": self._profit,
            "costs": self._costs,
        }

    def table(self, name: str) -> ir.Table:
        """Return the table *name*, made now if nobody has asked for it yet."""
        if name not in self._made and (name in self._makers or name in _VIEWS):
            self._made.add(name)
            if name in self._makers:
                self._makers[name]()
            else:
                self._show(name, _VIEWS[name])
        return self._workspace.table(name)

    def has(self, name: str) -> bool:
        """Say whether the field *name* ("line_items.category") holds a value anywhere."""
        if name == "alive.p_alive":
            self.table("alive")
        return name in self._filled

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Run *expression* once, into the table *name*."""
        self._made.add(name)
        return self._workspace.keep(name, expression)

    def bring(self, name: str, rows: pa.Table) -> ir.Table:
        """Make *rows* the table *name*."""
        self._made.add(name)
        return self._workspace.bring(name, rows)

    def rows(self, expression: ir.Table) -> list[Any]:
        """Return the rows of *expression* as mappings."""
        return self._workspace.rows(expression)

    def arrow(self, expression: ir.Table) -> pa.Table:
        """Return the rows of *expression* as an Arrow table."""
        return self._workspace.arrow(expression)

    @property
    def margin(self) -> Fraction:
        """Return the company's gross margin in the period: measured where costs are known."""
        if self._margin is None:
            profit = self.table("profit")
            sums = self.rows(
                profit.aggregate(gross=profit.gross.sum(), revenue=profit.revenue.sum())
            )
            gross, revenue = int(sums[0]["gross"] or 0), int(sums[0]["revenue"] or 0)
            # To six places: with the exact fraction, products would need more than 64 bits.
            measured = places(Fraction(gross, revenue), 6) if revenue > 0 else None
            margin = self._profit_settings.margin if measured is None else measured
            self._margin = max(Fraction(margin), Fraction(0))
        return self._margin

    @property
    def so_far(self) -> Period:
        """The part of the period that has passed: a fiscal year may be under way."""
        return (
            elapsed(self.current, self.as_of) if self.as_of >= self.current.start else self.current
        )

    def opportunities(self) -> ir.Table:
        """Return the won and open deals as the rules of the pyramid read them."""
        return self._workspace.table(RECORDS + "opportunities")

    def open_items(self) -> ir.Table:
        """Return account_id, stage and product of the items that open deals are about."""
        items = self._workspace.table(RECORDS + "line_items")
        first, second = items.category, items.product
        if self._items == "product":
            first, second = second, first
        found = items.filter(self._is_open(items), items.account_id.notnull())
        rows = found.select("account_id", "stage", product=first.coalesce(second))
        return self._rolled_up(rows)

    def _show(self, name: str, sql: str) -> None:
        """Make a view of *sql* with exactly the columns that goals are promised."""
        day = f"date '{self.as_of.isoformat()}'"
        if name == "accounts" and self.replay:
            sql += _KNOWN_THEN
        columns, source = ", ".join(TABLES[name]), f"({sql.format(day=day)}) found"
        if "account_id" in TABLES[name] and "links" in self._workspace:
            # What happened to an account counts for the one that it is ranked with.
            source += " left join links on links.account_id = found.account_id"
            columns = ", ".join(
                "coalesce(links.root_id, found.account_id) as account_id"
                if column == "account_id"
                else f"found.{column}"
                for column in TABLES[name]
            )
        self._workspace.show(name, f"select {columns} from {source}", TABLES[name])

    def _rolled_up(self, rows: ir.Table) -> ir.Table:
        from customer_pyramid.hierarchy import roll_up

        if "links" not in self._workspace:
            return rows
        return roll_up(rows, self._workspace.table("links"))

    def _sales(self) -> None:
        from customer_pyramid.sales import recognised

        sales = recognised(
            self.opportunities(),
            as_of=self.as_of,
            base_currency=self.base_currency,
            rates=self.rates,
        )
        self._workspace.view("sales", self._rolled_up(sales))

    def _open_deals(self) -> None:
        from customer_pyramid.sales import in_base_currency

        deals = in_base_currency(
            self.opportunities(), ["amount"], base_currency=self.base_currency, rates=self.rates
        )
        rows = deals.filter(self._is_open(deals), deals.account_id.notnull())
        shown = rows.mutate(created_on=rows.created_at.date())[list(TABLES["open_deals"])]
        self._workspace.view("open_deals", self._rolled_up(shown))

    def _is_open(self, deals: ir.Table) -> ir.BooleanValue:
        created, now = deals.created_at.date(), _day(self.as_of)
        is_open = (deals.status == "open") & (created.isnull() | (created <= now))
        if self.replay:
            # What was won later was still open that day.
            is_open |= (deals.status == "won") & (deals.close_date > now) & (created <= now)
        return is_open

    def _lines(self) -> None:
        from customer_pyramid.sales import recognised_items

        items = recognised_items(
            self._workspace.table(RECORDS + "line_items"),
            ["amount", "cost", "list_price"],
            as_of=self.as_of,
            base_currency=self.base_currency,
            rates=self.rates,
        )
        self._workspace.view("lines", self._rolled_up(items[list(TABLES["lines"])]))

    def _purchases(self) -> None:
        from six_goals.purchases import purchases

        lines = self.table("lines") if self.has("line_items.id") else None
        self._workspace.view("purchases", purchases(self.table("sales"), lines, self._items))

    def _baskets(self) -> None:
        from six_goals.purchases import baskets

        self._workspace.keep("baskets", baskets(self.table("purchases"), self.current))

    def _order_days(self) -> None:
        from six_goals.rhythm import order_days

        self._workspace.keep("order_days", order_days(self.table("sales")))

    def _ordering(self) -> None:
        from six_goals.rhythm import ordering

        self._workspace.keep("ordering", ordering(self.table("order_days")))

    def _rhythm(self) -> None:
        from six_goals.rhythm import own_rhythm

        self._workspace.keep("rhythm", own_rhythm(self.table("ordering"), self.as_of))

    def _alive(self) -> None:
        """Fit the model of purchases, where it is installed and there are enough of them."""
        from six_goals import buying

        standings = self.table("standings")
        active = standings.filter(standings.tier.notnull()).select("account_id")
        known = buying.histories(self.table("ordering"), self.as_of)
        try:
            model = buying.fit(self.arrow(buying.distinct(known)))
        except ImportError:
            model = None
        if model is None:
            empty = {name: pa.array([], kind) for name, kind in _ALIVE.items()}
            self._workspace.bring("alive", pa.table(empty))
            return
        self._filled.add("alive.p_alive")
        rows = self.arrow(known.semi_join(active, "account_id"))
        scored = buying.scored(rows, model)
        self._workspace.bring("alive", scored.select(list(_ALIVE)))

    def _selling(self) -> None:
        from customer_pyramid.costs import selling_costs

        found = selling_costs(
            self.table("activities"), self.table("costs"), self._profit_settings, self.so_far
        )
        self._workspace.keep("selling", found)

    def _profit(self) -> None:
        from customer_pyramid.profit import profits

        found = profits(
            self.table("standings"),
            self.table("selling"),
            sales=self.table("sales"),
            lines=self.table("lines"),
            cases=self.table("cases"),
            costs=self.table("costs"),
            settings=self._profit_settings,
            period=self.so_far,
        )
        self._workspace.keep("profit", found)

    def _costs(self) -> None:
        from customer_pyramid.sales import in_base_currency

        held = self._workspace.table(RECORDS + "costs")
        known = held.filter(held.spent_on <= _day(self.as_of)).mutate(close_date=held.spent_on)
        rows = in_base_currency(
            known, ["amount"], base_currency=self.base_currency, rates=self.rates
        )
        shown = rows.filter(rows.amount.notnull())[list(TABLES["costs"])]
        self._workspace.view("costs", self._rolled_up(shown))


def _day(day: date) -> Any:
    import ibis

    return ibis.literal(day, type="date")
