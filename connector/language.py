"""The language of a job: the catalogues of its goals, read into words."""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from importlib import resources
from io import BytesIO
from itertools import pairwise
from typing import Final

from six_goals.words import Words

BUILT_IN: Final = "six_goals"


def words_of(language: str, packages: Iterable[str | None] = ()) -> Words:
    """Return the words of *language*, from the catalogues of the built-in pack and *packages*.

    A package keeps them as `locale/<language>.po`, "-" written as "_". A text without a
    translation stays English.
    """
    if language == "en":
        return Words(language)
    found = dict.fromkeys([BUILT_IN, *(package for package in packages if package)])
    catalogues = [read for package in found if (read := _catalogue(package, language))]
    for catalogue, fallback in pairwise(catalogues):
        catalogue.add_fallback(fallback)
    return Words(language, catalogues[0] if catalogues else None)


def _catalogue(package: str, language: str) -> gettext.GNUTranslations | None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = resources.files(package) / "locale" / f"{language.replace('-', '_')}.po"
    if not file.is_file():
        return None
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
