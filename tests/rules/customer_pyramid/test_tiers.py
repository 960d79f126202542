"""Tier sizes, against the table of domain 5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_pyramid.settings import PyramidSettings, Rounding
from customer_pyramid.tiers import inside_cut, tier_sizes
from tests.rules.crm import Crm

TABLE = """
0    0/0/0/0         0/0/0/0         0/0/0/0
1    1/0/0/0         0/0/0/1         1/0/0/0
3    1/0/0/2         0/0/1/2         1/0/0/2
7    1/0/0/6         0/0/1/6         1/0/1/5
10   1/0/1/8         0/1/1/8         1/0/1/8
20   1/0/3/16        0/1/3/16        1/0/3/16
40   1/1/6/32        0/2/6/32        1/1/6/32
49   1/1/8/39        0/2/8/39        1/2/7/39
50   1/2/7/40        1/2/7/40        1/2/7/40
85   1/3/13/68       1/3/13/68       1/4/12/68
99   1/4/15/79       1/4/15/79       1/4/15/79
100  1/4/15/80       1/4/15/80       1/4/15/80
101  1/4/15/81       1/4/15/81       2/4/15/80
149  1/6/23/119      1/6/23/119      2/6/22/119
150  2/6/22/120      2/6/22/120      2/6/22/120
250  3/10/37/200     3/10/37/200     3/10/37/200
1000 10/40/150/800   10/40/150/800   10/40/150/800
2357 24/94/353/1886  24/94/353/1886  24/94/354/1885
"""
DEFAULT = PyramidSettings()
STRICT = PyramidSettings(min_top=0)
CEIL = PyramidSettings(rounding="ceil")
CASES = [
    pytest.param(int(line.split()[0]), settings, sizes, id=f"{line.split()[0]} {name}")
    for line in TABLE.strip().splitlines()
    for settings, name, sizes in zip(
        (DEFAULT, STRICT, CEIL), ("default", "strict", "ceil"), line.split()[1:], strict=True
    )
]


@pytest.mark.parametrize(("customers", "settings", "sizes"), CASES)
def test_tier_sizes_are_as_in_the_table(
    customers: int, settings: PyramidSettings, sizes: str
) -> None:
    assert "/".join(map(str, tier_sizes(customers, settings))) == sizes


@given(
    st.integers(0, 10**9),
    st.sampled_from(["half_up", "ceil", "floor"]),
    st.integers(0, 3),
)
def test_tier_sizes_add_up_and_are_never_negative(
    customers: int, rounding: Rounding, min_top: int
) -> None:
    sizes = tier_sizes(customers, PyramidSettings(rounding=rounding, min_top=min_top))
    assert sum(sizes) == customers
    assert min(sizes) >= 0


@given(st.integers(0, 10**6), st.sampled_from(["half_up", "ceil", "floor"]))
def test_one_more_customer_never_shrinks_the_upper_tiers(
    customers: int, rounding: Rounding
) -> None:
    settings = PyramidSettings(rounding=rounding)
    before, after = tier_sizes(customers, settings), tier_sizes(customers + 1, settings)
    for upper in range(1, 4):
        assert sum(after[:upper]) >= sum(before[:upper])


@pytest.mark.parametrize("settings", [DEFAULT, STRICT, CEIL, PyramidSettings(rounding="floor")])
def test_the_database_cuts_where_the_integers_do(settings: PyramidSettings) -> None:
    crm = Crm()
    sizes = [*range(1, 121), 149, 150, 250, 999, 1000, 2357]
    rows = [{"n": size, "rank": rank} for size in sizes for rank in range(1, size + 1)]
    table = crm.table("ranks", {"n": "int64", "rank": "int64"}, rows)
    counts = table.group_by("n").aggregate(
        **{
            f"c{cut}": table.count(where=inside_cut(table.rank, table.n, cut, settings))
            for cut in settings.cuts
        }
    )
    found = {row["n"]: [row[f"c{cut}"] for cut in settings.cuts] for row in crm.rows(counts)}
    assert found == {size: cumulative(tier_sizes(size, settings)) for size in sizes}


def cumulative(sizes: tuple[int, ...]) -> list[int]:
    return [sum(sizes[:place]) for place in range(1, len(sizes) + 1)]
