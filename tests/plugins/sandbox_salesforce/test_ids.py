"""Ids are made and read as Salesforce does."""

from __future__ import annotations

import pytest

from sandbox_salesforce.ids import long_id, make_id, whole_id


def test_the_suffix_tells_the_capitals() -> None:
    assert long_id("00D000000000062") == "00D000000000062EAA"
    assert long_id("001A0000006Vm9u") == "001A0000006Vm9uIAC"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param("001A0000006Vm9u", "001A0000006Vm9uIAC", id="short"),
        pytest.param("001A0000006Vm9uIAC", "001A0000006Vm9uIAC", id="long"),
        pytest.param("001A0000006Vm9uIAB", None, id="wrong suffix"),
        pytest.param("001A0000006Vm9", None, id="too short"),
        pytest.param("001A0000006Vm9-", None, id="no id"),
    ],
)
def test_an_id_is_read_in_both_lengths(text: str, whole: str | None) -> None:
    assert whole_id(text) == whole


def test_ids_of_all_numbers_differ_and_grow() -> None:
    numbers = [1, 61, 62, 3843, 3844, 238_327, 238_328, 10_000_000, 900_000_000]
    ids = [make_id("001", number) for number in numbers]
    assert ids == sorted(ids)
    assert len({*ids}) == len(ids)
    assert all(whole_id(one) == one for one in ids)
