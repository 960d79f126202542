"""Ultimate parents, cycles and parents that aren't there."""

from customer_pyramid.hierarchy import LinkIssue, find_roots


def test_a_chain_ends_at_its_root() -> None:
    found = find_roots({"a": "b", "b": "c"}, {"a", "b", "c"})
    assert found.roots == {"a": "c", "b": "c"}
    assert found.issues == ()


def test_the_smallest_id_of_a_cycle_is_its_root() -> None:
    found = find_roots({"c": "b", "b": "d", "d": "c", "x": "d"}, {"b", "c", "d"})
    assert found.roots == {"c": "b", "d": "b", "x": "b"}
    assert found.issues == (LinkIssue("cycle", ("b", "c", "d")),)


def test_an_account_is_no_child_of_itself() -> None:
    found = find_roots({"a": "a"}, {"a"})
    assert found.roots == {}
    assert found.issues == (LinkIssue("cycle", ("a",)),)


def test_an_account_without_its_parent_is_its_own_root() -> None:
    found = find_roots({"a": "gone", "b": "a"}, {"a", "b"})
    assert found.roots == {"b": "a"}
    assert found.issues == (LinkIssue("missing_parent", ("a",)),)


def test_an_excluded_account_neither_gives_nor_takes() -> None:
    found = find_roots({"child": "test", "test": "root"}, {"test", "root"}, excluded={"test"})
    assert found.roots == {}
    assert found.issues == ()


def test_two_ways_into_one_cycle_report_it_once() -> None:
    found = find_roots({"a": "m", "b": "n", "m": "n", "n": "m"}, {"m", "n"})
    assert found.roots == {"a": "m", "b": "m", "n": "m"}
    assert len(found.issues) == 1
