"""List views of accounts by which a rep finds the customers that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from simple_salesforce.metadata import SfdcMetadataApi

    from connector import FieldSpec

_WORRYING: Final = ("downgrade", "lapsed")
_NAME: Final = "ACCOUNT.NAME"


@dataclass(frozen=True, slots=True)
class ListView:
    """My accounts whose *field* is one of *values*."""

    name: str
    label: str
    field: str
    values: Sequence[str]
    columns: Sequence[str]

    @property
    def full_name(self) -> str:
        """Return the name by which the Metadata API knows it."""
        return f"Account.{self.name}"

    @property
    def clicks(self) -> str:
        """Return how a person makes it."""
        return (
            f"App Launcher > Accounts > the gear > New: List Name {self.label!r}, All users can see"
            f" this list view; Filters: Show my accounts, {self.field} equals"
            f" {', '.join(self.values)}; the gear > Select Fields to Display:"
            f" {', '.join(self.columns)}"
        )

    def component(self, md: SfdcMetadataApi) -> Any:
        """Return it as the Metadata API takes it."""
        # How a list view calls the name of accounts is not in our sheet of facts.
        wanted = md.ListViewFilter(
            field=self.field, operation="equals", value=",".join(self.values)
        )
        return md.ListView(
            fullName=self.full_name,
            label=self.label,
            filterScope="Mine",
            columns=[_NAME, *self.columns],
            filters=[wanted],
        )


def list_views(fields: Sequence[FieldSpec]) -> list[ListView]:
    """Return the list views for which the job has the fields."""
    names: Mapping[str, str] = {field.result: field.name for field in fields}
    shown = ("tier", "movement", "rank", "revenue_period", "next_tier_gap")
    columns = [names[result] for result in shown if result in names]
    made = []
    for field in fields:
        if field.result == "tier" and field.choices:
            label = f"My {field.choices[0]} customers"
            made.append(ListView("Pyramid_My_Best", label, field.name, field.choices[:1], columns))
        if field.result == "movement" and set(_WORRYING) <= set(field.choices):
            worry = ("Pyramid_Needs_Attention", "Needs attention")
            made.append(ListView(*worry, field.name, _WORRYING, columns))
    return made
