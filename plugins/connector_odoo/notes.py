"""The note of an activity: our plain text as HTML, and back."""

from __future__ import annotations

import html
import re
from typing import Final

_SIGN: Final = "pyramid-marker: "
"""Begins the last line of a note, where there is no field for the marker."""
_BREAK: Final = re.compile(r"<br\s*/?>|</(?:p|div|li|h\d)>(?!(?:\s*</[^>]*>)*\s*$)", re.IGNORECASE)
"""What ends a line; the ends of blocks at the end of it all end none."""
_TAG: Final = re.compile(r"<[^>]*>")


def as_html(text: str, signed: str = "") -> str:
    """Return *text* as a note; *signed* goes into a last line."""
    whole = f"{text}\n\n{_SIGN}{signed}".lstrip() if signed else text
    lines = [html.escape(line, quote=False) for line in whole.split("\n")]
    return f"<p>{'<br>'.join(lines)}</p>"


def as_text(note: str) -> tuple[str, str]:
    """Return the text of a note, and what it is signed with."""
    text = html.unescape(_TAG.sub("", _BREAK.sub("\n", note))).replace("\xa0", " ")
    body, _, last = text.rstrip().rpartition("\n")
    if not last.startswith(_SIGN):
        return text, ""
    return body.rstrip("\n"), last.removeprefix(_SIGN).strip()


SIGNED: Final = ["note", "ilike", _SIGN.strip()]
"""The term that finds signed notes."""
