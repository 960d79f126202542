"""Language: the texts of every goal in the language of the job, and English where there is none."""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from connector.language import words_of
from tests.rules.six_goals.messages import CATALOGUE, Message, all_messages, said_in

CHINESE = "zh-Hans"

BREWERY = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "Tap {name}"
msgstr "为{name}开桶"

msgid "Up-sell"
msgstr "加酒"

msgid "{count} barrel"
msgid_plural "{count} barrels"
msgstr[0] "{count}桶"
"""


@pytest.fixture
def brewery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Install a package of somebody else's goals, with a catalogue of its own."""
    folder = tmp_path / "brewery_goals" / "locale"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "zh_Hans.po").write_text(BREWERY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "brewery_goals"
    sys.modules.pop("brewery_goals", None)


def catalogue() -> dict[Message, tuple[str, ...]]:
    """Return the translations of each message, one for each form."""
    with CATALOGUE.open("rb") as file:
        read = read_po(file, locale="zh_Hans", abort_invalid=True)
    return {_key(entry.id): _forms(entry.string) for entry in read if entry.id}


def _key(message: Any) -> Message:
    return message if isinstance(message, str) else (message[0], message[1])


def _forms(translated: Any) -> tuple[str, ...]:
    return (translated,) if isinstance(translated, str) else tuple(translated)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_message_has_a_translation() -> None:
    said, translated = all_messages(), catalogue().keys()
    assert said - translated == set()  # those to add
    assert translated - said == set()  # those to remove


def test_a_translation_has_the_figures_of_its_message() -> None:
    for message, forms in catalogue().items():
        many = message if isinstance(message, str) else message[1]
        assert [placeholders(form) for form in forms] == [placeholders(many)], message


def test_a_translation_is_a_sentence_if_its_message_is_one() -> None:
    for message, forms in catalogue().items():
        many = message if isinstance(message, str) else message[1]
        for form in forms:
            assert form.endswith("。") == many.endswith("."), message
            assert form == form.strip(), message


def test_a_message_is_found_where_it_is_written_out(tmp_path: Path) -> None:
    source = tmp_path / "goal.py"
    source.write_text(
        'words.say("One {a} " "and two.", a=b)\n'
        'Check("name", "ok", "Three.", {})\n'
        'Need(FIELDS, "Four.")\n'
        'words.count("{count} five", "{count} fives", 5)\n'
        'rows.count(where=x); "text".count("t"); words.title(name)\n',
        encoding="utf-8",
    )
    five = ("{count} five", "{count} fives")
    assert said_in([source]) == ["One {a} and two.", "Three.", "Four.", five]


def test_a_message_that_is_not_written_out_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "goal.py"
    source.write_text("\nwords.say(TEXT)\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"goal\.py:2: a message can be found only"):
        said_in([source])


def test_a_job_in_chinese_speaks_chinese() -> None:
    words = words_of(CHINESE)
    assert words.title("Top") == "顶级"
    assert words.say("Qualify {name}", name="Acme") == "评估Acme的购买意向"
    one, many = (
        "{count} other thing went wrong of late.",
        "{count} other things went wrong of late.",
    )
    assert words.count(one, many, 1) == "近期另有1件事处理不当。"
    assert words.count(one, many, 1_000) == "近期另有1,000件事处理不当。"


def test_what_has_no_translation_stays_english() -> None:
    words = words_of(CHINESE)
    assert words.title("Platinum") == "Platinum"
    assert words.say("Nobody said {what}.", what="this") == "Nobody said this."
    assert words.count("{count} egg", "{count} eggs", 1) == "1 egg"
    assert words.count("{count} egg", "{count} eggs", 2) == "2 eggs"


def test_a_language_without_any_catalogue_stays_english() -> None:
    words = words_of("nl")
    assert words.language == "nl"
    assert words.say("Qualify {name}", name="Acme") == "Qualify Acme"


def test_english_needs_no_catalogue(brewery: str) -> None:
    assert words_of("en", [brewery]).say("Tap {name}", name="Acme") == "Tap Acme"


def test_somebody_elses_goals_bring_their_own_words(brewery: str) -> None:
    words = words_of(CHINESE, [None, brewery, brewery])
    assert words.say("Tap {name}", name="Acme") == "为Acme开桶"
    assert words.count("{count} barrel", "{count} barrels", 2) == "2桶"
    assert words.title("Top") == "顶级"
    assert words.say("Drink {name}", name="Acme") == "Drink Acme"


def test_the_built_in_words_are_not_overridden(brewery: str) -> None:
    assert words_of(CHINESE, [brewery]).title("Up-sell") == "追加销售"


def test_a_package_without_a_catalogue_is_no_error() -> None:
    words = words_of(CHINESE, ["connector_files"])
    assert words.title("Big") == "大"
