"""Fails if a test was skipped, from the reports that pytest wrote: `no_skips.py REPORT ...`.

A gap that a conformance suite was told of (`cannot = {"cut_network": "a file has no network"}`) is
a statement about the CRM and not a test left out, so it may be skipped.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

DECLARED = "connector/testing/"


def main(reports: Sequence[str]) -> int:
    """Print every test that was skipped without leave, and the sum; return 1 if there was one."""
    cases = [
        case
        for report in reports
        for case in ElementTree.parse(report).iter("testcase")  # noqa: S314 - we wrote it
    ]
    ended = Counter(_end(case) for case in cases)
    for case in cases:
        if _end(case) == "skipped":
            reason = case.find("skipped")
            said = "" if reason is None else reason.get("message")
            print(f"skipped: {case.get('classname')}.{case.get('name')}: {said}")
    print(
        f"{ended['passed']} passed, {ended['failed']} failed, {ended['skipped']} skipped,"
        f" {ended['declared']} not possible there"
    )
    return 1 if ended["skipped"] or ended["failed"] else 0


def _end(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is None:
        return "passed"
    declared = DECLARED in (skipped.text or "").replace("\\", "/")
    return "declared" if declared else "skipped"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
