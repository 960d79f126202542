"""Rows by `load`, as Odoo imports them: each with values of its own, all or none.

It takes texts. A number goes into a column that ends in `.id`, an external id into one that ends in
`id`; a row whose external id is known changes the record that has it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from connector import Refused

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo

logger = logging.getLogger(__name__)

_CODE: Final = "load"


def load(
    odoo: Odoo,
    model: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    context: Mapping[str, Any],
) -> list[int]:
    """Return the numbers of the records that *rows* have become; raise Refused if one is not taken.

    A refusal is no error to Odoo: it answers that nothing was done, and why.
    """
    # An import reads times in the zone of the user; this is not in our sheet of facts, and where
    # it is not so, it changes nothing.
    answer = odoo.call(
        model,
        "load",
        context={**context, "tz": "UTC"},
        fields=list(columns),
        data=[list(row) for row in rows],
    )
    ids = answer.get("ids") if isinstance(answer, dict) else None
    if ids:
        return [int(one) for one in ids]
    words = _words(answer)
    raise Refused(f"{odoo.host}: {model}: {words}", code=_CODE, words=words)


def _words(answer: Any) -> str:
    said = answer.get("messages") if isinstance(answer, dict) else None
    texts = [str(one.get("message") or "") for one in said or () if isinstance(one, dict)]
    return " ".join("; ".join(dict.fromkeys(filter(None, texts))).split()) or "not taken"
