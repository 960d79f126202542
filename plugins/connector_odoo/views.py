"""What people see of the fields: on the form of a contact, in lists, and as filters.

Each is a view of ours that extends one of Odoo's; a wrong one is refused and nothing is saved. That
of the form was tried on running servers; of the list and the search only their names are in our
sheet of facts or known by heart, so what Odoo does not take is left to a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from connector import AccessError, FieldSpec, ProvisionStep, Refused
from connector_odoo.held import PARTNER

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo

_VIEW: Final = "ir.ui.view"
_TECHNICAL: Final = ("run_id", "config_hash", "computed_at", "period_start", "period_end")
_LISTED: Final = ("tier", "movement")
_FILTERED: Final = ("tier", "movement")
_BY_HAND: Final = "tier_locked"
_PRIORITY: Final = 99


@dataclass(frozen=True, slots=True)
class View:
    """A view of ours, of a *kind* of Odoo's, that extends the one with the external id *base*.

    *names* are those of its parts, by which it is known to be complete.
    """

    label: str
    kind: str
    base: str
    names: Sequence[str]
    arch: str

    @property
    def name(self) -> str:
        """By what it is found again."""
        return f"{PARTNER}.{self.kind}.pyramid_connector"

    @property
    def clicks(self) -> str:
        """How a person makes it."""
        return (
            "with developer mode (Settings > Activate the developer mode): Settings > Technical >"
            f" Views > New: View Name {self.name!r}, Model {PARTNER!r}, Inherited View"
            f" {self.base!r}, Priority {_PRIORITY}, Architecture {self.arch}"
        )


def views(fields: Sequence[FieldSpec]) -> list[View]:
    """Return the views that show *fields*."""
    shown = [field for field in fields if field.result not in _TECHNICAL]
    found = [_form(shown)] if shown else []
    if listed := [field for field in shown if field.result in _LISTED]:
        found.append(_list(listed))
    if filtered := [f for f in shown if f.result in _FILTERED and f.choices]:
        found.append(_search(filtered))
    return found


def view_steps(odoo: Odoo, wanted: Sequence[View], *, apply: bool) -> Iterator[ProvisionStep]:
    """Yield a step for each view; make or change it where *apply* says so."""
    for view in wanted:
        what = f"{view.label} of contacts (view {view.name!r})"
        try:
            held = _held(odoo, view)
            if held is not None and all(f'"{name}"' in held[1] for name in view.names):
                yield ProvisionStep(what, "present")
                continue
            if apply:
                _make(odoo, view, held[0] if held else None)
            else:
                _base(odoo, view)
        except (AccessError, Refused) as error:
            yield ProvisionStep(what, "by hand", f"{view.clicks} ({error})")
        else:
            yield ProvisionStep(what, "done" if apply else "to do")


def _held(odoo: Odoo, view: View) -> tuple[int, str] | None:
    for record in odoo.found(_VIEW, [["name", "=", view.name]], ["id", "arch"], limit=1):
        return int(record["id"]), str(record["arch"])
    return None


def _base(odoo: Odoo, view: View) -> int:
    base = odoo.by_xmlid(view.base)
    if base is None:
        raise AccessError(f"{odoo.host}: there is no view {view.base!r}")
    return base


def _make(odoo: Odoo, view: View, held: int | None) -> None:
    if held is not None:
        odoo.call(_VIEW, "write", [held], vals={"arch": view.arch})
        return
    values = {
        "name": view.name,
        "model": PARTNER,
        "type": view.kind,
        "mode": "extension",
        "inherit_id": _base(odoo, view),
        "priority": _PRIORITY,
        "arch": view.arch,
    }
    odoo.call(_VIEW, "create", vals_list=[values])


def _form(fields: Sequence[FieldSpec]) -> View:
    shown = "".join(
        f'<field name="{field.name}"/>'
        if field.result == _BY_HAND
        else f'<field name="{field.name}" readonly="1"/>'
        for field in fields
    )
    names = [field.name for field in fields]
    return _view("form", "form", "base.view_partner_form", "category_id", "before", names, shown)


def _list(fields: Sequence[FieldSpec]) -> View:
    shown = "".join(f'<field name="{field.name}" optional="show"/>' for field in fields)
    # Odoo 18 calls it `list` in views; their type is `tree` before, and both are found by the base.
    names = [field.name for field in fields]
    return _view("list", "tree", "base.view_partner_tree", "email", "after", names, shown)


def _search(fields: Sequence[FieldSpec]) -> View:
    parts, names = [], []
    for field in fields:
        parts.append(f'<field name="{field.name}"/>')
        names.append(field.name)
        for n, choice in enumerate(field.choices):
            domain = quoteattr(f"[('{field.name}', '=', {choice!r})]")
            label = quoteattr(f"{field.label}: {choice}")
            parts.append(f'<filter name="{field.name}_{n}" string={label} domain={domain}/>')
            names.append(f"{field.name}_{n}")
        context = quoteattr(f"{{'group_by': '{field.name}'}}")
        label = quoteattr(field.label)
        parts.append(f'<filter name="by_{field.name}" string={label} context={context}/>')
    base = "base.view_res_partner_filter"
    return _view("filters", "search", base, "name", "after", names, "".join(parts))


def _view(
    label: str,
    kind: str,
    base: str,
    beside: str,
    position: str,
    names: Sequence[str],
    shown: str,
) -> View:
    arch = f'<data><field name="{beside}" position="{position}">{shown}</field></data>'
    return View(label, kind, base, names, arch)
