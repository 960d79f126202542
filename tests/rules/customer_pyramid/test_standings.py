"""Standings: layers, ranks, ties, ways up and moves, by small examples with round numbers."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from customer_pyramid.money import to_units
from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings, TiePolicy
from tests.rules.crm import Row, World, accounts_named, analyse, won

YEAR = Period.trailing(date(2024, 12, 31))
NOW, BEFORE, LONG_AGO = date(2024, 6, 1), date(2023, 6, 1), date(2020, 6, 1)
HALVES = PyramidSettings(tiers=("Gold", "Rest"), cuts=(5_000, 10_000))


@pytest.fixture(scope="module")
def zipf() -> World:
    names = [f"A{number:04d}" for number in range(1, 1001)]
    sales = [won(name, 1_000_000 // place, NOW) for place, name in enumerate(names, start=1)]
    return analyse(accounts_named(*names), sales, current=YEAR)


def test_zipf_tiers_are_as_in_the_domain(zipf: World) -> None:
    found = zipf.statistics().current
    assert found.revenue == Decimal(7_485_017)
    assert [
        f"{layer.layer} {layer.customers} {layer.revenue:,.0f} {layer.share_revenue} "
        f"{layer.min_revenue:,.0f} {layer.max_revenue:,.0f}"
        for layer in found.layers[:4]
    ] == [
        "Top 10 2,928,967 0.391311 100,000 1,000,000",
        "Big 40 1,570,224 0.209782 20,000 90,909",
        "Medium 150 1,378,754 0.184202 5,000 19,607",
        "Small 800 1,607,072 0.214705 1,000 4,975",
    ]


def test_zipf_concentration_is_as_in_the_domain(zipf: World) -> None:
    found = zipf.statistics().current
    assert (str(found.top20_share), found.customers_for_80pct, str(found.gini)) == (
        "0.785295",
        224,
        "0.733861",
    )


def test_the_way_up_ends_at_the_next_boundary(zipf: World) -> None:
    rows = zipf.by_account()
    assert (rows["A0011"]["next_tier"], rows["A0011"]["next_tier_gap"]) == (
        "Top",
        to_units(Decimal(100_000 - 90_909)),
    )
    assert (rows["A0001"]["next_tier"], rows["A0001"]["next_tier_gap"]) == (None, None)


def test_shares_are_of_all_active_customers(zipf: World) -> None:
    assert zipf.by_account()["A0001"]["share"] == Decimal("0.133600")


class TestTies:
    """N = 100, ranks 1 and 2 both 500: domain 5.5."""

    @staticmethod
    def world(policy: TiePolicy) -> World:
        others = [f"B{number:02d}" for number in range(98)]
        sales = [won(name, 400 - place, NOW) for place, name in enumerate(others)]
        twins = [won("late", 500, date(2024, 2, 2)), won("early", 500, date(2024, 2, 1))]
        return analyse(
            accounts_named("late", "early", *others),
            [*sales, *twins],
            current=YEAR,
            settings=PyramidSettings(tie_policy=policy),
        )

    @pytest.mark.parametrize(
        ("policy", "top", "big"),
        [("break", ["early"], 4), ("promote", ["early", "late"], 3), ("demote", [], 5)],
    )
    def test_the_policy_decides(self, policy: TiePolicy, top: list[str], big: int) -> None:
        tiers = {name: row["tier"] for name, row in self.world(policy).by_account().items()}
        assert sorted(name for name, tier in tiers.items() if tier == "Top") == top
        assert Counter(tiers.values())["Big"] == big

    def test_a_broken_tie_is_flagged(self) -> None:
        world = self.world("break")
        rows = world.by_account()
        assert [rows[name]["tie_at_boundary"] for name in ("early", "late", "B00")] == [
            True,
            True,
            False,
        ]
        assert world.statistics().current.tie_at_boundary["Top"]

    @pytest.mark.parametrize("policy", ["promote", "demote"])
    def test_tied_customers_share_their_rank(self, policy: TiePolicy) -> None:
        rows = self.world(policy).by_account()
        assert [rows[name]["rank"] for name in ("early", "late", "B00")] == [1, 1, 3]

    def test_the_smaller_id_comes_first_among_equals(self) -> None:
        sales = [won("b", 5, NOW), won("a", 5, NOW), won("B", 5, NOW)]
        rows = analyse(accounts_named("a", "b", "B"), sales, current=YEAR).by_account()
        assert [rows[name]["rank"] for name in ("B", "a", "b")] == [1, 2, 3]


@pytest.fixture(scope="module")
def layered() -> dict[str, Row]:
    accounts = [
        *accounts_named("buyer", "lapsed", "credited", "refunded", "hot", "warm", "cold"),
        *accounts_named("stale", "nobody", "partner", "excluded"),
    ]
    accounts[-2]["kind"] = "partner"
    accounts[-1]["excluded"] = True
    deals = [
        won("buyer", 100, NOW),
        won("lapsed", 100, BEFORE),
        won("credited", 100, NOW),
        won("credited", -100, NOW),
        won("refunded", -5, NOW),
        won("excluded", 900, NOW),
        {"id": "x", "account_id": "hot", "status": "open"},
        {"id": "y", "account_id": "excluded", "status": "open"},
    ]
    contacts = [
        {"account_id": "hot", "last_contact": date(2024, 1, 1)},
        {"account_id": "warm", "last_contact": date(2024, 10, 2)},
        {"account_id": "cold", "last_contact": date(2024, 10, 1)},
        {"account_id": "stale", "last_contact": date(2023, 12, 31)},
    ]
    return analyse(accounts, deals, current=YEAR, contacts=contacts).by_account()


class TestLayers:
    def test_every_account_is_in_its_layer(self, layered: dict[str, Row]) -> None:
        assert {name: row["layer"] for name, row in layered.items()} == {
            "buyer": "Top",
            "lapsed": "Inactive",
            "credited": "Inactive",
            "refunded": "Suspect",
            "hot": "Prospect",
            "warm": "Prospect",
            "cold": "Prospect",
            "stale": "Suspect",
            "nobody": "Suspect",
            "partner": "Rest of world",
            "excluded": "Rest of world",
        }

    def test_prospects_have_a_heat(self, layered: dict[str, Row]) -> None:
        heats = {name: row["heat"] for name, row in layered.items() if row["heat"]}
        assert heats == {"hot": "hot", "warm": "warm", "cold": "cold"}

    def test_credits_that_leave_nothing_are_flagged(self, layered: dict[str, Row]) -> None:
        flagged = {name for name, row in layered.items() if row["credit_only"]}
        assert flagged == {"credited", "refunded"}

    def test_the_rest_of_the_world_has_no_figures(self, layered: dict[str, Row]) -> None:
        figures = ("tier", "rank", "revenue", "movement", "previous_state", "share", "heat")
        assert {layered["excluded"][figure] for figure in figures} == {None}

    def test_the_rest_of_the_world_takes_no_rank(self, layered: dict[str, Row]) -> None:
        assert layered["buyer"]["rank"] == 1


def test_any_order_makes_active_where_the_company_says_so() -> None:
    sales = [won("good", 10, NOW), won("bad", 10, NOW), won("bad", -30, NOW), won("none", -1, NOW)]
    settings = PyramidSettings(active="any_order", tiers=("Gold", "Rest"), cuts=(9_999, 10_000))
    names = accounts_named("good", "bad", "none")
    rows = analyse(names, sales, current=YEAR, settings=settings).by_account()
    assert {name: (row["layer"], row["rank"]) for name, row in rows.items()} == {
        "good": ("Gold", 1),
        "bad": ("Rest", 2),
        "none": ("Suspect", None),
    }


def test_thresholds_leave_a_tier_empty_but_with_a_boundary() -> None:
    settings = PyramidSettings(
        method="thresholds", thresholds=(Decimal(1_000), Decimal(500), Decimal(100))
    )
    sales = [won("a", 700, NOW), won("b", 100, NOW), won("c", 99, NOW)]
    world = analyse(accounts_named("a", "b", "c"), sales, current=YEAR, settings=settings)
    rows = world.by_account()
    assert [rows[name]["tier"] for name in "abc"] == ["Big", "Medium", "Small"]
    assert rows["a"]["next_tier_gap"] == to_units(Decimal(300))
    assert world.statistics().current.thresholds["Top"] == Decimal(1_000)


def test_cumulative_tiers_go_by_the_share_before() -> None:
    settings = PyramidSettings(method="cumulative")
    sales = [won("a", 50, NOW), won("b", 20, NOW), won("c", 10, NOW), won("d", 20, NOW)]
    rows = analyse(
        accounts_named("a", "b", "c", "d"), sales, current=YEAR, settings=settings
    ).by_account()
    assert {name: row["tier"] for name, row in rows.items()} == {
        "a": "Top",
        "b": "Big",
        "d": "Medium",
        "c": "Small",
    }


@pytest.fixture(scope="module")
def moved() -> dict[str, Row]:
    deals = [
        *(won("up", 10, BEFORE), won("up", 90, NOW)),
        *(won("down", 80, BEFORE), won("down", 10, NOW)),
        *(won("same", 90, BEFORE), won("same", 95, NOW)),
        *(won("back", 10, LONG_AGO), won("back", 85, NOW)),
        won("new", 20, NOW),
        won("lapsed", 5, BEFORE),
        won("gone", 5, LONG_AGO),
    ]
    names = accounts_named("up", "down", "same", "back", "new", "lapsed", "gone", "never")
    return analyse(names, deals, current=YEAR, settings=HALVES).by_account()


class TestMovement:
    def test_every_move_has_its_class(self, moved: dict[str, Row]) -> None:
        assert {name: row["movement"] for name, row in moved.items()} == {
            "up": "upgrade",
            "down": "downgrade",
            "same": "stable",
            "back": "reactivated",
            "new": "new",
            "lapsed": "lapsed",
            "gone": "still_inactive",
            "never": None,
        }

    def test_the_frozen_basis_uses_the_boundaries_of_before(self, moved: dict[str, Row]) -> None:
        found = {name: (row["tier"], row["tier_frozen"]) for name, row in moved.items()}
        assert found["back"] == ("Gold", "Gold")
        assert found["new"] == ("Rest", "Rest")

    def test_states_before_are_known(self, moved: dict[str, Row]) -> None:
        assert {name: row["previous_state"] for name, row in moved.items()} == {
            "up": "Rest",
            "down": "Gold",
            "same": "Gold",
            "back": "Inactive",
            "new": "None",
            "lapsed": "Rest",
            "gone": "Inactive",
            "never": "None",
        }


def test_an_index_lifts_the_frozen_boundaries() -> None:
    deals = [won("a", 100, BEFORE), won("b", 10, BEFORE), won("a", 119, NOW), won("b", 120, NOW)]
    settings = PyramidSettings(tiers=HALVES.tiers, cuts=HALVES.cuts, index=Decimal("1.2"))
    rows = analyse(accounts_named("a", "b"), deals, current=YEAR, settings=settings).by_account()
    assert {name: row["tier_frozen"] for name, row in rows.items()} == {"a": "Rest", "b": "Gold"}


def test_the_first_year_has_no_frozen_boundaries() -> None:
    rows = analyse(accounts_named("a"), [won("a", 9, NOW)], current=YEAR).by_account()
    assert (rows["a"]["tier"], rows["a"]["tier_frozen"], rows["a"]["movement"]) == (
        "Top",
        "Small",
        "new",
    )


@pytest.fixture(scope="module")
def rolled_up() -> World:
    deals = [
        *(won("child", 70, NOW), won("root", 20, NOW), won("alone", 80, NOW)),
        {"id": "x", "account_id": "young", "status": "open"},
    ]
    names = accounts_named("root", "child", "alone", "young", "elder")
    roots = {"child": "root", "young": "elder"}
    return analyse(names, deals, current=YEAR, settings=HALVES, roots=roots)


class TestRollUp:
    def test_the_root_has_the_revenue_of_all(self, rolled_up: World) -> None:
        root = rolled_up.by_account()["root"]
        assert (root["revenue"], root["rank"], root["tier"]) == (900_000, 1, "Gold")

    def test_a_child_inherits_tier_and_layer_and_has_no_figures(self, rolled_up: World) -> None:
        child = rolled_up.by_account()["child"]
        assert (child["tier"], child["layer"], child["inherited_from"]) == ("Gold", "Gold", "root")
        assert (child["revenue"], child["rank"], child["movement"]) == (None, None, None)

    def test_a_childs_open_deal_makes_the_root_a_prospect(self, rolled_up: World) -> None:
        rows = rolled_up.by_account()
        assert (rows["elder"]["layer"], rows["young"]["layer"]) == ("Prospect", "Prospect")

    def test_children_are_not_counted_twice(self, rolled_up: World) -> None:
        found = rolled_up.statistics().current
        assert (found.active, found.never_customer, found.revenue) == (2, 1, Decimal(170))


def test_hysteresis_keeps_what_was_held() -> None:
    sales = [won("a", 100, NOW), won("b", 95, NOW)]
    settings = PyramidSettings(
        tiers=HALVES.tiers, cuts=HALVES.cuts, hysteresis=Decimal("0.1"), min_top=1
    )
    last_run = [{"account_id": "b", "tier": "Gold", "tier_raw": "Gold"}]
    world = analyse(
        accounts_named("a", "b"), sales, current=YEAR, settings=settings, last_run=last_run
    )
    rows = world.by_account()
    assert {name: (row["tier"], row["tier_raw"]) for name, row in rows.items()} == {
        "a": ("Gold", "Gold"),
        "b": ("Gold", "Rest"),
    }
    assert world.statistics().current.thresholds == {"Gold": Decimal(100)}


def test_nobody_makes_an_empty_pyramid() -> None:
    world = analyse([], [], current=YEAR)
    found = world.statistics().current
    assert (world.by_account(), found.active, found.gini, found.revenue) == (
        {},
        0,
        None,
        Decimal(0),
    )
    assert world.migration("frozen").net_upward_retained is None


def test_huge_amounts_do_not_overflow() -> None:
    names = [f"A{number}" for number in range(20)]
    sales = [won(name, 40_000_000_000_000, NOW) for name in names]
    found = analyse(accounts_named(*names), sales, current=YEAR).statistics().current
    assert found.revenue == 20 * Decimal(40_000_000_000_000)
    assert found.gini == 0


def test_a_pyramid_may_have_one_tier() -> None:
    settings = PyramidSettings(tiers=("All",), cuts=(10_000,))
    world = analyse(accounts_named("a"), [won("a", 10, NOW)], current=YEAR, settings=settings)
    row = world.by_account()["a"]
    assert (row["tier"], row["next_tier"], row["next_tier_gap"]) == ("All", None, None)
