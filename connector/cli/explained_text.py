"""An explanation for a reader: the answer first, then what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from decimal import Decimal
from typing import Final

from rich.text import Text

from connector.cli.console import console, facts, heading, table
from connector.cli.evidence import Deal
from connector.cli.explain import Explanation, quarantined
from connector.cli.figures import CAUSES, NOTHING, counted, money, plain
from connector.cli.movement import reason_for_movement
from connector.store.tables import ActionRow, LedgerRow
from customer_pyramid.money import cents

_DEALS: Final = 30


def show(found: Explanation) -> None:
    """Print an explanation."""
    out = console()
    out.print(Text.assemble((found.account.name or found.account.id, "bold"), f"  {_id(found)}"))
    out.print(_answer(found))
    out.print()
    out.print(facts(dict(_standing(found))))
    _show_boundaries(found)
    _show_counted(found)
    _show_not_counted(found)
    _show_actions(found.actions)
    _show_rest(found)
    out.print()
    out.print(f"As of {found.run.as_of}, run {found.run.id}.", style="dim")


def _id(found: Explanation) -> str:
    return found.account.id if found.account.name else ""


def _answer(found: Explanation) -> Text:
    """Return the one sentence that a sales rep wants to read."""
    standing, active = found.standing, found.run.summary["current"]["active"]
    said = Text(standing.layer, style="bold")
    if standing.inherited_from:
        return said.append(f", taken over from {_root(found)}", style="not bold")
    if standing.rank:
        said.append(f", rank {standing.rank:,} of {active:,}", style="not bold")
    if standing.previous_tier and standing.previous_tier != standing.layer:
        said.append(f", was {standing.previous_tier}", style="not bold")
    if standing.next_tier and standing.next_tier_gap is not None:
        gap = money(cents(standing.next_tier_gap))
        said.append(f", {gap} short of {standing.next_tier}", style="not bold")
    return said


def _root(found: Explanation) -> str:
    root = found.inherits_from
    return f"{root.name} ({root.id})" if root else str(found.standing.inherited_from)


def _standing(found: Explanation) -> Iterator[tuple[str, object]]:
    standing, currency = found.standing, found.run.summary["currency"]
    if standing.revenue is not None:
        orders = counted(standing.orders or 0, "order")
        now = f"{money(cents(standing.revenue))} {currency} in {orders}"
        yield "revenue", f"{now}, {found.period.start} to {found.period.last_day}"
    if standing.previous_revenue is not None:
        then = f"{money(cents(standing.previous_revenue))} {currency}"
        span = f"{found.previous.start} to {found.previous.last_day}"
        rank = f", rank {standing.previous_rank:,}" if standing.previous_rank else ""
        yield "before", f"{then}, {span}: {standing.previous_layer}{rank}"
    if standing.movement:
        yield "movement", f"{standing.movement}: {reason_for_movement(found)}"
    if standing.tier_raw != standing.tier:
        yield "by rank", f"{plain(standing.tier_raw)}; hysteresis keeps {plain(standing.tier)}"
    if found.account.tier_locked:
        yield "locked", "a person has locked the tier; what the CRM shows is kept"
    if standing.first_order:
        yield "orders", f"first {standing.first_order}, last {standing.last_order}"
    yield "since", _history(found)


def _history(found: Explanation) -> str:
    spans = [
        f"{span.layer} {span.valid_from} to {span.valid_to or 'now'}" for span in found.history
    ]
    return ", ".join(spans) or str(found.standing.tier_since)


def _show_boundaries(found: Explanation) -> None:
    if found.revenue is None or not found.boundaries:
        return
    rows = table("Tier", "From", "This account", right=("From", "This account"))
    for tier, limit, above in found.boundaries:
        distance = above if above is not None else Decimal(0)
        where = f"{money(distance)} above" if distance >= 0 else f"{money(-distance)} short"
        rows.add_row(tier, money(limit), where)
    console().print(heading("Tiers"))
    console().print(rows)


def _show_counted(found: Explanation) -> None:
    if found.standing.revenue is None:
        return
    out, base = console(), found.run.summary["currency"]
    out.print(heading(f"Counted: {counted(len(found.counted), 'opportunity', 'opportunities')}"))
    converted = any(deal.currency != base for deal in found.counted)
    names = ["Date", "Opportunity", "Amount", *(("In " + base,) if converted else ())]
    rows = table(*names, right=("Amount", f"In {base}"), fold=("Opportunity",))
    for deal in found.counted[:_DEALS]:
        last = (money(deal.counted),) if converted else ()
        rows.add_row(str(deal.day), _called(found, deal), _amount(deal), *last)
    if found.counted:
        out.print(rows)
    _more(len(found.counted))
    if found.total == found.revenue:
        out.print(f"Together {money(found.total)} {base}: the revenue that was ranked.")
        return
    out.print(
        f"Together {money(found.total)} {base}; the last run ranked {money(found.revenue)}."
        " Records have come in since: the next sync counts them.",
        style="yellow",
    )


def _show_not_counted(found: Explanation) -> None:
    if not found.not_counted:
        return
    out, count = console(), len(found.not_counted)
    out.print(heading(f"Not counted: {counted(count, 'opportunity', 'opportunities')}"))
    rows = table("Date", "Opportunity", "Amount", "Why", right=("Amount",), fold=("Opportunity",))
    for deal in found.not_counted[:_DEALS]:
        rows.add_row(plain(deal.day), _called(found, deal), _amount(deal), plain(deal.reason))
    out.print(rows)
    _more(count)


def _more(count: int) -> None:
    if count > _DEALS:
        console().print(f"... and {count - _DEALS:,} older ones; --json has all", style="dim")


def _called(found: Explanation, deal: Deal) -> str:
    said = f"{deal.id}  {deal.name}" if deal.name else deal.id
    return said if deal.account == found.account.id else f"{said} ({deal.account})"


def _amount(deal: Deal) -> str:
    return f"{money(deal.amount)} {deal.currency}" if deal.amount is not None else NOTHING


def _show_actions(actions: Sequence[ActionRow]) -> None:
    out = console()
    out.print(heading("Actions"))
    if not actions:
        out.print("none: no goal asks for anything")
    for action in actions:
        why = CAUSES.get(action.cause or action.decision, action.cause or action.decision)
        out.print(Text.assemble((action.subject, "bold")))
        evidence = json.loads(action.evidence)
        out.print(
            facts(
                {
                    "goal": f"{action.goal}, {action.priority.lower()} priority",
                    "why": action.reason,
                    "worth": money(cents(action.expected_value)),
                    "decision": why,
                    "due": action.due if action.decision == "create" else "",
                    "owner": action.owner,
                    "figures": ", ".join(f"{name} {value}" for name, value in evidence.items()),
                }
            )
        )


def _show_rest(found: Explanation) -> None:
    out = console()
    if found.tasks:
        out.print(heading("Tasks in the target"))
        for task in found.tasks:
            out.print(f"{task.subject} ({task.priority.lower()}, {task.target_id})")
    entries = quarantined(found)
    if entries:
        out.print(heading("Set aside"))
        rows = table("Stream", "Record", "Field", "Value", "Reason", fold=("Reason",))
        for entry in entries:
            keys = ("stream", "record", "field", "value", "reason")
            rows.add_row(*(plain(entry[key]) for key in keys))
        out.print(rows)
    if found.changes:
        out.print(heading("Last changes"))
        rows = table("Run", "What", "Became", fold=("What",))
        for change in found.changes:
            rows.add_row(change.run_id, _content(change, found.stamps), _became(change))
        out.print(rows)


def _content(change: LedgerRow, stamps: Set[str]) -> str:
    content = json.loads(change.content)
    if change.kind == "fields":
        moves = {name: move for name, move in content.items() if name not in stamps}
        return "\n".join(f"{n}: {plain(old)} → {plain(new)}" for n, (old, new) in moves.items())
    said = content.get("subject") or content.get("reason") or ""
    return f"{change.kind.replace('_', ' ')}: {said}"


def _became(change: LedgerRow) -> str:
    said = f"{change.state}: {change.message}" if change.message else change.state
    return f"{change.code}, {said}" if change.code else said
