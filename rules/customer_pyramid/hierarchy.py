"""Groups of companies: every account's ultimate parent, and sales gathered there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import ibis.expr.types as ir

LinkIssueKind: TypeAlias = Literal["cycle", "missing_parent"]


@dataclass(frozen=True, slots=True)
class LinkIssue:
    """A parent link not followed: the accounts of a cycle, or the one whose parent is missing."""

    kind: LinkIssueKind
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Roots:
    """The root of every account that has one above it, and what was wrong with the links."""

    roots: Mapping[str, str]
    issues: tuple[LinkIssue, ...]


def find_roots(
    parents: Mapping[str, str], known: Collection[str], excluded: Collection[str] = ()
) -> Roots:
    """Return the root of each account in *parents*, a map from account to parent.

    *known* are the ids that exist; only parents are looked up there. An account whose parent is
    missing is its own root, and the smallest id of a cycle is the root of all in it: both are
    reported. *excluded* accounts stay out of groups: they neither give nor take, and a child of one
    is its own root. Source: domain 1.2.
    """
    issues: list[LinkIssue] = []
    links = {child: parent for child, parent in parents.items() if child not in excluded}
    for child, parent in sorted(links.items()):
        if parent not in known:
            issues.append(LinkIssue("missing_parent", (child,)))
        if parent not in known or parent in excluded:
            del links[child]
    roots: dict[str, str] = {}
    for child in sorted(links):
        _follow(child, links, roots, issues)
    return Roots({child: root for child, root in roots.items() if child != root}, tuple(issues))


def roll_up(rows: ir.Table, links: ir.Table) -> ir.Table:
    """Return *rows* with account_id replaced by its root_id from *links*, one row an account."""
    roots = links.select(linked_id="account_id", root_id="root_id")
    joined = rows.left_join(roots, rows.account_id == roots.linked_id)
    gathered = joined.mutate(account_id=joined.root_id.coalesce(joined.account_id))
    return gathered.select(*rows.columns)


def _follow(
    start: str, links: Mapping[str, str], roots: dict[str, str], issues: list[LinkIssue]
) -> None:
    path: dict[str, None] = {}
    account = start
    while account in links and account not in roots and account not in path:
        path[account] = None
        account = links[account]
    root = roots.get(account, account)
    if account in path:
        walked = list(path)
        cycle = sorted(walked[walked.index(account) :])
        root = cycle[0]
        issues.append(LinkIssue("cycle", tuple(cycle)))
    roots.update(dict.fromkeys(path, root))
