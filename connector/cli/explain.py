"""Why an account is where it is: gathered from the store, down to the opportunities counted."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlmodel import col, select

from connector.analysis import period_of
from connector.cli.account import find_account
from connector.cli.evidence import Deal, Rates, deals
from connector.cli.listing import quarantine_entries
from connector.cli.opening import Kept, open_kept
from connector.errors import ConfigError
from connector.model import OUTPUTS
from connector.rates import rates_of
from connector.store.tables import (
    AccountRow,
    ActionRow,
    LedgerRow,
    OpportunityRow,
    QuarantineRow,
    RunRow,
    StandingRow,
    TaskRow,
    TierSpan,
)
from customer_pyramid.money import from_units
from customer_pyramid.periods import Period

_RUNS: Final = 50
_CHANGES: Final = 10


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one account after the last run."""

    job: str
    run: RunRow
    account: AccountRow
    standing: StandingRow
    period: Period
    previous: Period
    inherits_from: AccountRow | None
    deals: Sequence[Deal]
    history: Sequence[TierSpan]
    actions: Sequence[ActionRow]
    tasks: Sequence[TaskRow]
    quarantine: Sequence[QuarantineRow]
    changes: Sequence[LedgerRow]
    stamps: Set[str]
    """The target's fields that say when and by which run; they change with every write."""

    @property
    def counted(self) -> Sequence[Deal]:
        """Return the opportunities that make up the revenue of the period."""
        return [deal for deal in self.deals if deal.counted is not None]

    @property
    def not_counted(self) -> Sequence[Deal]:
        """Return the other opportunities; each has its reason."""
        return [deal for deal in self.deals if deal.counted is None]

    @property
    def total(self) -> Decimal:
        """Return the sum of what counts: the revenue, unless records came in since the run."""
        return sum((deal.counted or Decimal(0) for deal in self.deals), Decimal(0))

    @property
    def revenue(self) -> Decimal | None:
        """Return the revenue by which the account was ranked; None if it has none of its own."""
        return _money(self.standing.revenue)

    @property
    def boundaries(self) -> Sequence[tuple[str, Decimal, Decimal | None]]:
        """Return each tier, its least revenue, and how far above it the account is."""
        thresholds = self.run.summary["current"]["thresholds"]
        limits = [(tier, Decimal(limit)) for tier, limit in thresholds.items() if limit is not None]
        revenue = self.revenue
        return [(t, limit, None if revenue is None else revenue - limit) for t, limit in limits]


def explain(job_path: Path, named: str, *, as_json: bool) -> None:
    """Print why the account is where it is and what is to be done about it."""
    kept = open_kept(job_path)
    run = kept.last_run()
    found = explained(kept, run, find_account(kept, named))
    if as_json:
        from connector.cli.console import print_json
        from connector.cli.explained_data import as_data

        print_json(as_data(found))
        return
    from connector.cli.explained_text import show

    show(found)


def explained(kept: Kept, run: RunRow, account: AccountRow) -> Explanation:
    """Return what the store knows of *account* after *run*."""
    period = period_of(kept.job, run.as_of)
    previous = period.previous()
    rates = Rates(rates_of(kept.job, kept.store, kept.job_id), kept.job.model.currency.base)
    runs = [one.id for one in kept.runs(_RUNS)]
    with kept.store.session() as session:
        standing = session.get(StandingRow, (kept.job_id, account.id))
        if standing is None:
            raise ConfigError(
                f"{kept.job.path}: account {account.id!r} came in after the last run;"
                f" run 'connector sync {kept.job.path.name}' first"
            )

        def rows(model: Any, *conditions: Any) -> Any:
            return session.exec(select(model).where(model.job_id == kept.job_id, *conditions)).all()

        below = rows(StandingRow, StandingRow.inherited_from == account.id)
        family = [account.id, *(row.account_id for row in below)]
        root = standing.inherited_from
        tasks = rows(TaskRow, TaskRow.account_id == account.id)
        actions = rows(ActionRow, ActionRow.account_id == account.id)
        markers = {f"fields:{account.id}", *(task.marker for task in tasks)}
        return Explanation(
            job=kept.job.name,
            run=run,
            account=account,
            standing=standing,
            period=period,
            previous=previous,
            inherits_from=session.get(AccountRow, (kept.job_id, root)) if root else None,
            deals=deals(
                rows(
                    OpportunityRow,
                    col(OpportunityRow.account_id).in_(family),
                    col(OpportunityRow.deleted).is_(False),
                ),
                period,
                previous,
                run.as_of,
                rates,
            ),
            history=sorted(
                rows(TierSpan, TierSpan.account_id == account.id), key=lambda span: span.valid_from
            ),
            actions=actions,
            tasks=tasks,
            quarantine=_set_aside(rows(QuarantineRow, _mentions(account.id)), account.id),
            changes=_written(session, runs, sorted(markers)),
            stamps={
                theirs
                for ours, theirs in kept.job.model.target.fields.items()
                if ours in OUTPUTS and OUTPUTS[ours].stamp
            },
        )


def _mentions(account: str) -> Any:
    quoted = json.dumps(account, ensure_ascii=False)
    return (col(QuarantineRow.record) == account) | col(QuarantineRow.content).contains(
        quoted, autoescape=True
    )


def _set_aside(rows: Sequence[QuarantineRow], account: str) -> Sequence[QuarantineRow]:
    """Return those rows that are the account or that name it as a value."""
    return [
        row for row in rows if row.record == account or account in json.loads(row.content).values()
    ]


def _written(session: Any, runs: Sequence[str], markers: Sequence[str]) -> Sequence[LedgerRow]:
    """Return the last changes that were sent, the newest first; asked by key, so it is quick."""
    query = select(LedgerRow).where(
        col(LedgerRow.run_id).in_(runs), col(LedgerRow.marker).in_(markers)
    )
    order = (col(LedgerRow.run_id).desc(), col(LedgerRow.marker))
    found: Sequence[LedgerRow] = session.exec(query.order_by(*order).limit(_CHANGES)).all()
    return found


def quarantined(found: Explanation) -> Sequence[Any]:
    """Return one entry for each problem of the rows that were set aside."""
    return [entry for row in found.quarantine for entry in quarantine_entries(row)]


def _money(units: int | None) -> Decimal | None:
    return None if units is None else from_units(units)
