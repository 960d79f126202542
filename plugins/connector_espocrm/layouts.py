"""Whether people see our fields: which of them the layouts of accounts show.

Layouts are only looked at. Their form is not in our sheet of facts, and what is on them is a
company's own: a person drags the fields there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, FieldSpec, ProvisionStep, Refused
from connector_espocrm import clicks

if TYPE_CHECKING:
    from connector_espocrm.connection import Espo

_LAYOUTS: Final = (("detail", "Detail"), ("list", "List"), ("filters", "Search Filters"))
_FOR_LISTS: Final = ("tier", "layer", "movement")


def layout_steps(espo: Espo, fields: Sequence[FieldSpec]) -> Iterator[ProvisionStep]:
    """Yield for each layout of accounts whether it shows *fields*, and how it will."""
    for name, label in _LAYOUTS:
        wanted = [f.name for f in fields if name == "detail" or f.result in _FOR_LISTS]
        if not wanted:
            continue
        shown = set(_names(_layout(espo, name)))
        missing = [one for one in wanted if one not in shown]
        what = f"layout {label!r} of accounts, with {', '.join(wanted)}"
        if missing:
            yield ProvisionStep(what, "by hand", clicks.on_layout(label, missing))
        else:
            yield ProvisionStep(what, "present")


def _layout(espo: Espo, name: str) -> Any:
    try:
        return espo.get(f"Account/layout/{name}")
    except (AccessError, Refused):
        return None


def _names(layout: Any) -> Iterator[str]:
    """Yield every name in a layout, whatever its form."""
    match layout:
        case str():
            yield layout
        case dict():
            for part in layout.values():
                yield from _names(part)
        case list():
            for part in layout:
                yield from _names(part)
