"""Tiers that people have changed by hand in the target."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector.model import Stream
from connector.overrides import _is_by_hand
from tests.connector.sync_world import JOB, World, crm, deal

OVERWRITE = JOB.replace("[target.fields]", '[target]\noverrides = "overwrite"\n[target.fields]')


@pytest.mark.parametrize(
    ("held", "state", "change", "by_hand"),
    [
        pytest.param("Mine", "applied", ["Big", "Top"], True, id="after we wrote"),
        pytest.param("Big", "applied", ["Big", "Top"], True, id="put back"),
        pytest.param(None, "applied", ["Big", "Top"], True, id="emptied"),
        pytest.param("Top", "applied", ["Big", "Top"], False, id="what we wrote"),
        pytest.param("Big", "rejected", ["Big", "Top"], False, id="ours was refused"),
        pytest.param("Top", "unknown", ["Big", "Top"], False, id="ours arrived late"),
        pytest.param("Big", "sending", ["Big", "Top"], False, id="ours was on its way"),
        pytest.param("Mine", "unknown", ["Big", "Top"], True, id="neither the old nor ours"),
        pytest.param("", "rejected", [None, "Top"], False, id="still empty"),
    ],
)
def test_a_value_is_by_hand_if_it_is_none_of_ours(
    held: str | None, state: str, change: list[str | None], by_hand: bool
) -> None:
    last = {"state": state, "content": json.dumps({"Tier": change})}

    assert _is_by_hand(held, "Tier", last) is by_hand


@pytest.mark.parametrize(("state", "by_hand"), [("applied", True), ("rejected", False)])
def test_where_our_last_change_was_of_other_fields_the_account_must_have_been_there(
    state: str, by_hand: bool
) -> None:
    assert _is_by_hand("Mine", "Tier", {"state": state, "content": "{}"}) is by_hand


def test_what_was_right_and_never_sent_is_by_hand_now() -> None:
    assert _is_by_hand("Mine", "Tier", None)


@pytest.mark.long
def test_a_tier_set_by_hand_is_kept_and_told_of_on_every_run(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    assert world.run().by_hand == ()
    world.crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": "Top"}])

    for _ in range(2):
        report = world.run()

        (override,) = report.by_hand
        assert (override.account, override.field, override.kept) == ("A4", "tier", True)
        assert (override.held, override.ours) == ("Top", "Medium")
        assert world.crm.fields_of("A4")["tier"] == "Top"
        assert report.accounts["applied"] == 0


@pytest.mark.long
def test_other_results_of_the_account_are_written_all_the_same(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    world.run()
    world.crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": "Top"}])
    world.crm.put(Stream.OPPORTUNITIES, [deal("more", "A4", "500")])

    world.run(override="a correction")

    held = world.crm.fields_of("A4")
    assert (held["tier"], str(held["revenue"])) == ("Top", "2500.00")


@pytest.mark.long
def test_a_job_may_write_over_it_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, crm(), OVERWRITE)
    world.run()
    world.crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": "Top"}])

    report = world.run()

    (override,) = report.by_hand
    assert (override.held, override.ours, override.kept) == ("Top", "Medium", False)
    assert world.crm.fields_of("A4")["tier"] == "Medium"
    assert world.run().by_hand == ()


@pytest.mark.long
def test_it_is_ours_again_once_a_person_has_set_what_the_rules_say(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    world.run()
    for tier, found in (("Top", 1), ("Medium", 0)):
        world.crm.put(Stream.ACCOUNTS, [{"id": "A4", "tier": tier}])
        assert len(world.run().by_hand) == found
    world.crm.put(Stream.OPPORTUNITIES, [deal("more", "A4", "9000")])

    world.run(override="a big order")

    assert world.crm.fields_of("A4")["tier"] == "Top"


@pytest.mark.long
def test_an_old_value_of_ours_is_not_taken_for_a_persons(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    world.run()
    world.crm.put(Stream.OPPORTUNITIES, [deal("more", "A4", "9000")])
    world.crm.refuse("A4")
    assert world.run(override="a big order").accounts["rejected"] == 1
    world.crm.restore()
    world.crm.put(Stream.OPPORTUNITIES, [deal("less", "A4", "-6000")])

    report = world.run(override="a return")

    assert report.by_hand == ()
    assert world.crm.fields_of("A4")["tier"] == "Big"


@pytest.mark.long
def test_of_a_field_that_was_never_written_to_nothing_is_known(tmp_path: Path) -> None:
    world = World(tmp_path, crm())
    world.run()
    world.crm.put(Stream.ACCOUNTS, [{"id": key, "grade": "old"} for key in ("A1", "A2")])
    world.path.write_text(JOB.replace('tier = "tier"', 'tier = "grade"'), encoding="utf-8")

    report = world.run()

    assert report.by_hand == ()
    assert world.crm.fields_of("A1")["grade"] == "Top"
