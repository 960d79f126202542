"""Communication: contacts done against those planned, and which customers hear nothing from us."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from customer_pyramid.contact_plan import ContactPlan, plan_contacts
from customer_pyramid.contacts import ContactRow, OwnTargetRow, SilenceRow
from customer_pyramid.money import UNITS, places, share

Kinds = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class LayerContacts:
    """Contacts of one kind with one layer; *planned* is None where there is no plan for it.

    *done* is None where contacts are not recorded.
    """

    layer: str
    kind: str
    done: int | None
    planned: Decimal | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class KindMix:
    """All contacts of one kind, their share of all contacts, and their cost where it is known."""

    kind: str
    contacts: int
    share: Decimal | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Silence:
    """The customers of a key layer, and those who heard nothing for too long; None if unknown."""

    layer: str
    customers: int
    silent: int | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Communication:
    """How we talk with whom; *inbound_ratio* is contacts they began for each that we began."""

    layers: tuple[LayerContacts, ...]
    mix: tuple[KindMix, ...]
    inbound: int | None
    outbound: int | None
    inbound_ratio: Decimal | None
    silences: tuple[Silence, ...]


def planned_contacts(
    customers: Mapping[str, int],
    plan: ContactPlan,
    own: Iterable[OwnTargetRow],
    years: Fraction,
) -> dict[str, dict[str, Decimal]]:
    """Return the contacts planned for so many *years*, by layer and kind.

    *own* are the rows of `own_targets`: these customers are not counted by the plan of their tier.
    Tiers that the plan leaves out are left out.
    """
    tiers = {tier: count for tier, count in customers.items() if tier in plan.contacts}
    counts: dict[str, dict[str, Fraction]] = {
        row.tier: {kind: Fraction(count) for kind, count in row.contacts.items()}
        for row in plan_contacts(tiers, plan)
    }
    for row in own:
        kinds = counts.setdefault(row["layer"], {})
        usual = Fraction(plan.contacts.get(row["layer"], {}).get(row["kind"], 0))
        agreed = Fraction(row["per_year"], UNITS) - usual * row["accounts"]
        kinds[row["kind"]] = kinds.get(row["kind"], Fraction(0)) + agreed
    return {
        layer: {kind: places(count * years, 1) for kind, count in kinds.items()}
        for layer, kinds in counts.items()
    }


def communication(
    counts: Iterable[ContactRow],
    silences: Iterable[SilenceRow],
    planned: Mapping[str, Kinds],
    unit_costs: Kinds,
    *,
    recorded: bool,
) -> Communication:
    """Return what the rows of `contact_counts` and `silences` say.

    *recorded* says whether there are activities at all: without, nothing is known. *planned* is
    that of `planned_contacts`. Source: domain 2.
    """
    rows = list(counts)
    inbound, outbound = sum(row["inbound"] for row in rows), sum(row["outbound"] for row in rows)
    directed = inbound + outbound > 0
    return Communication(
        layers=_layers(rows, planned, recorded=recorded),
        mix=_mix(rows, unit_costs),
        inbound=inbound if directed else None,
        outbound=outbound if directed else None,
        inbound_ratio=share(inbound, outbound),
        silences=tuple(_silence(row, recorded=recorded) for row in silences),
    )


def _layers(
    rows: Sequence[ContactRow], planned: Mapping[str, Kinds], *, recorded: bool
) -> tuple[LayerContacts, ...]:
    done = Counter[tuple[str, str]]()
    for row in rows:
        done[row["layer"], row["kind"] or ""] += row["contacts"]
    pairs = [(layer, kind) for layer, kinds in planned.items() for kind in kinds]
    others = sorted(done.keys() - set(pairs))
    return tuple(
        _contacts(layer, kind, done[layer, kind] if recorded else None, planned)
        for layer, kind in (*pairs, *others)
    )


def _contacts(
    layer: str, kind: str, done: int | None, planned: Mapping[str, Kinds]
) -> LayerContacts:
    aim = planned.get(layer, {}).get(kind)
    known = done is not None and aim
    reached = places(Fraction(done or 0) / Fraction(aim), 6) if known and aim else None
    return LayerContacts(layer, kind, done, aim, reached)


def _mix(rows: Iterable[ContactRow], unit_costs: Kinds) -> tuple[KindMix, ...]:
    kinds = Counter[str]()
    for row in rows:
        kinds[row["kind"] or ""] += row["contacts"]
    whole = kinds.total()
    return tuple(
        KindMix(
            kind=kind,
            contacts=count,
            share=share(count, whole),
            cost=count * unit_costs[kind] if kind in unit_costs else None,
        )
        for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    )


def _silence(row: SilenceRow, *, recorded: bool) -> Silence:
    silent = row["silent"] if recorded else None
    part = share(row["silent"], row["customers"]) if recorded else None
    return Silence(row["layer"], row["customers"], silent, part)
