"""Shortens a text to what a field of the CRM holds; a figure is never cut in two."""

import re
from typing import Final

_ELLIPSIS: Final = "…"
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s)|[。！？]")  # noqa: RUF001 - as they are written
_WIDE: Final = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
"""Signs of languages that write no blanks between words: a text may be cut beside each."""

_LOOSE: Final = " \t\n.!?,;:([{“‘«—–-。！？，、；：（【《"  # noqa: RUF001 - as they are written
"""Signs that nothing ends with."""


def shorten(text: str, limit: int) -> str:
    """Return *text* in at most *limit* characters, which is 1 or more; what is cut ends in "…".

    It is cut after a sentence if that leaves at least half, else after a word; neither inside a
    number nor between a number and what it counts. Only a word that is longer than the limit is
    cut itself.
    """
    if len(text) <= limit:
        return text
    return _after_sentence(text, limit) or _after_word(text, limit) or _inside_word(text, limit)


def _after_sentence(text: str, limit: int) -> str | None:
    found = None
    for end in _SENTENCE_END.finditer(text, 0, limit):
        gap = "" if _WIDE.match(end[0]) else " "
        kept = text[: end.end()] + gap + _ELLIPSIS
        if limit < 2 * len(kept) and len(kept) <= limit:
            found = kept
    return found


def _after_word(text: str, limit: int) -> str | None:
    for end in range(limit - 1, 0, -1):
        kept = text[:end].rstrip(_LOOSE)
        if kept and _is_boundary(text, end) and not kept[-1].isdigit():
            return kept + _ELLIPSIS
    return None


def _is_boundary(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    return (before + after).strip() != before + after or bool(_WIDE.search(before + after))


def _inside_word(text: str, limit: int) -> str:
    end = limit - 1
    while end and (text[end - 1].isdigit() or text[end - 1] in ",."):
        end -= 1
    return text[:end] + _ELLIPSIS
