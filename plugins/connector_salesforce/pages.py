"""What reps see of the fields: a section on the pages of accounts, and list views.

Nothing here is needed to write, so whatever Salesforce refuses is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from connector import AccessError, FieldSpec, ProvisionStep, Refused
from connector_salesforce import custom_fields
from connector_salesforce.layouts import SECTION, Layouts
from connector_salesforce.list_views import ListView, list_views

if TYPE_CHECKING:
    from simple_salesforce.metadata import SfdcMetadataApi

    from connector_salesforce.connection import Org

_CHANGED_BY_HAND: Final = ("tier_locked",)


def page_steps(
    org: Org, metadata: Callable[[], SfdcMetadataApi], fields: Sequence[FieldSpec], *, apply: bool
) -> Iterator[ProvisionStep]:
    """Yield the steps by which *fields* come before the eyes of reps."""
    yield from _layout_steps(Layouts(org), fields, apply=apply)
    views = list_views(fields)
    if not views:
        return
    try:
        held = custom_fields.found(metadata(), "ListView", [view.full_name for view in views])
    except (AccessError, Refused):
        yield from (ProvisionStep(_called(view), "by hand", view.clicks) for view in views)
        return
    for view in views:
        if view.full_name in held:
            yield ProvisionStep(_called(view), "present")
        elif not apply:
            yield ProvisionStep(_called(view), "to do")
        else:
            yield _made_view(metadata(), view)


def _layout_steps(
    layouts: Layouts, fields: Sequence[FieldSpec], *, apply: bool
) -> Iterator[ProvisionStep]:
    names = [field.name for field in fields]
    try:
        found = layouts.read()
    except (AccessError, Refused):
        yield ProvisionStep("page layouts of accounts", "by hand", _clicks("each layout", names))
        return
    for layout in found:
        what = f"page layout {layout!r}: section {SECTION!r}"
        missing = layouts.missing(layout, names)
        if not missing or not apply:
            yield ProvisionStep(what, "to do" if missing else "present")
            continue
        by_hand = {f.name: f.result in _CHANGED_BY_HAND for f in fields if f.name in missing}
        try:
            layouts.add(layout, by_hand)
        except (AccessError, Refused) as error:
            how = f"{_clicks(layout, missing)} ({error})"
            yield ProvisionStep(what, "by hand", how)
        else:
            yield ProvisionStep(what, "done")


def _made_view(md: SfdcMetadataApi, view: ListView) -> ProvisionStep:
    try:
        custom_fields.saved(md, view.component(md), "ListView")
    except (AccessError, Refused) as error:
        return ProvisionStep(_called(view), "by hand", f"{view.clicks} ({error})")
    return ProvisionStep(_called(view), "done")


def _called(view: ListView) -> str:
    return f"list view {view.label!r} of accounts"


def _clicks(layout: str, names: Sequence[str]) -> str:
    return (
        f"Setup > Object Manager > Account > Page Layouts > {layout} > drag Section onto the page,"
        f" Section Name {SECTION!r}; drag into it: {', '.join(names)}; Save"
    )
