"""Goals: what a rule pack brings, and what the host tells a goal. Light to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from customer_pyramid.periods import Period
    from customer_pyramid.settings import PyramidSettings
    from six_goals.action import Action
    from six_goals.words import Words

Nature: TypeAlias = Literal["care", "sale", "other"]
"""Care goes before sales on an account; a sale waits while the customer has reason to complain."""

S = TypeVar("S")


class Facts(Protocol):
    """What a goal may know of a company on one day, as tables that are queried where they are.

    The tables and their columns are described in docs/writing-a-rule-pack.md. Money is in units of
    1/10,000 of the base currency; nothing later than *as_of* is in them.
    """

    @property
    def as_of(self) -> date:
        """The day for which everything is computed."""
        ...

    @property
    def current(self) -> Period:
        """The period that ends on that day."""
        ...

    @property
    def previous(self) -> Period:
        """The period before."""
        ...

    @property
    def pyramid(self) -> PyramidSettings:
        """The shape of the pyramid."""
        ...

    @property
    def margin(self) -> Fraction:
        """The company's gross margin in the period: measured where costs are known, else set.

        It has six places at most, so that products with money fit into 64 bits.
        """
        ...

    @property
    def overspent(self) -> bool:
        """Whether too much is spent on those who are no customers: the check of the budget."""
        ...

    @property
    def words(self) -> Words:
        """Speaks the language of the job."""
        ...

    @property
    def limit(self) -> int:
        """The most actions that one goal may propose; those of the highest value come first."""
        ...

    def table(self, name: str) -> ir.Table:
        """Return one of the tables; raise `KeyError` for a name that there is not."""
        ...

    def has(self, name: str) -> bool:
        """Say whether a field ("line_items.category") holds a value anywhere."""
        ...

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Run *expression* once and return the table of its result, for expressions to come.

        The name is the goal's own: one that begins with its goal's name meets no other.
        """
        ...

    def bring(self, name: str, rows: pa.Table) -> ir.Table:
        """Make *rows*, computed elsewhere, a table that expressions can join."""
        ...

    def rows(self, expression: ir.Table) -> list[Any]:
        """Return the rows of *expression* as mappings by column: for what is small only."""
        ...

    def arrow(self, expression: ir.Table) -> pa.Table:
        """Return the rows of *expression* as an Arrow table."""
        ...


@dataclass(frozen=True, slots=True)
class Need:
    """Data that a goal can't do without: at least one field of *any_of* must hold a value.

    Fields are named "stream.field". *gap* says what is missing, as a message to be translated.
    """

    any_of: tuple[str, ...]
    gap: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a goal makes of the facts.

    *candidates* is how many accounts asked for an action, where more than `Facts.limit` did.
    *measures* are figures on how good the rule is ("hit_rate_at_3": "0.41"), ready to show. *notes*
    are sentences on what it could not do.
    """

    actions: Sequence[Action]
    candidates: int | None = None
    measures: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def _bought_again(facts: Facts, trials: ir.Table, settings: Any) -> ir.Table:
    from six_goals.outcomes import ordered

    return ordered(facts, trials)


@dataclass(frozen=True, slots=True)
class Goal(Generic[S]):
    """A goal: who needs which action, why, and what it is worth.

    *settings* is a frozen dataclass with a default for every field: the job's table
    `[rules.settings.NAME]`. *propose* gets them with the facts. *succeeded* gets the accounts that
    were once selected (account_id, item, started_on, ends_on, target: the action's) and returns
    those that meanwhile came to what the goal is for: account_id, item, started_on, succeeded_on
    and value, the margin it brought or null. By default that is any order until *ends_on*.

    *locale* is a package whose folder `locale` has catalogues (`zh_Hans.po`) for the goal's texts.
    """

    name: str
    title: str
    about: str
    settings: type[S]
    propose: Callable[[Facts, S], Proposal]
    needs: tuple[Need, ...] = ()
    nature: Nature = "sale"
    succeeded: Callable[[Facts, ir.Table, S], ir.Table] = _bought_again
    locale: str | None = None
