"""Texts cut to what a CRM's field holds: by sentences and words, and never inside a figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from six_goals.shorten import shorten

TEXT = "Cheers bought for 38,400 EUR, 25 % more than in 2023. It lacks GTK 500."


@pytest.mark.parametrize(
    ("limit", "cut"),
    [
        pytest.param(71, TEXT, id="fits"),
        pytest.param(70, "Cheers bought for 38,400 EUR, 25 % more than in 2023. …", id="sentence"),
        pytest.param(54, "Cheers bought for 38,400 EUR, 25 % more than in…", id="not a year"),
        pytest.param(36, "Cheers bought for 38,400 EUR, 25 %…", id="percentage"),
        pytest.param(33, "Cheers bought for 38,400 EUR…", id="without its sign no percentage"),
        pytest.param(27, "Cheers bought for…", id="without its currency no amount"),
        pytest.param(10, "Cheers…", id="word"),
        pytest.param(4, "Che…", id="inside a word that is too long"),
        pytest.param(1, "…", id="nothing"),
    ],
)
def test_a_text_is_cut_where_it_still_makes_sense(limit: int, cut: str) -> None:
    assert shorten(TEXT, limit) == cut


@pytest.mark.parametrize(
    ("limit", "cut"),
    [
        pytest.param(21, "宏达公司买了38,400元。…", id="sentence"),
        pytest.param(13, "宏达公司买了…", id="not inside the number"),
        pytest.param(14, "宏达公司买了38,400元…", id="with its unit"),
    ],
)
def test_chinese_is_cut_between_its_signs(limit: int, cut: str) -> None:
    assert shorten("宏达公司买了38,400元。还差2,100元到大客户。", limit) == cut


def test_a_sentence_that_says_too_little_is_no_place_to_cut() -> None:
    assert shorten("Hi. " + "Acme bought for a lot of money", 30) == "Hi. Acme bought for a lot of…"


def test_a_number_longer_than_the_limit_is_left_out() -> None:
    assert shorten("EUR123456789012", 10) == "EUR…"


WORDS = st.sampled_from(
    [
        "Acme",
        "bought",
        "38,400",
        "2.5",
        "%",
        "EUR",
        "12",
        "months.",
        "Why?",
        "早",
        "元。",
        "第3",
        "GTK-500",
    ]
)
TEXTS = st.lists(WORDS, max_size=40).map(" ".join) | st.lists(WORDS, max_size=20).map("".join)


@given(TEXTS | st.text(), st.integers(1, 120))
def test_a_text_is_a_beginning_that_fits_and_ends_in_no_number(text: str, limit: int) -> None:
    cut = shorten(text, limit)

    assert len(cut) <= limit
    if cut != text:
        kept = cut.removesuffix("…")
        assert text.startswith(kept.rstrip())
        assert not kept[-1:].isdigit()


@given(TEXTS, st.integers(1, 120))
def test_what_fits_is_left_as_it_is(text: str, limit: int) -> None:
    cut = shorten(text, limit)

    assert shorten(cut, limit) == cut
    assert (cut == text) == (len(text) <= limit)
