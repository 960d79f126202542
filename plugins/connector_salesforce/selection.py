"""What can be selected of an object: the fields that exist and that we may see."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, ConfigError, Stream
from connector.http import NotFound
from connector_salesforce.derived import DERIVED
from connector_salesforce.objects import FIELDS, NEEDED, OBJECTS

if TYPE_CHECKING:
    from connector_salesforce.connection import Org

logger = logging.getLogger(__name__)

_STAMPS: Final = ("SystemModstamp", "LastModifiedDate")
_NOT_IN_BULK: Final = ("address", "location")


@dataclass(frozen=True, slots=True)
class Selection:
    """How an object is read.

    *wanted* are the columns that were asked for and can be had; *fields* those to select for
    them. *stamp* is the time by which changes are found, None where there is none. It may *tell
    deleted* records in a query and have a *feed* of them, *archive* old ones, and be fit for
    *bulk* queries. *types* are the ids of the record types to read, None for all.
    """

    sobject: str
    wanted: Sequence[str]
    fields: Sequence[str]
    stamp: str | None
    tells_deleted: bool
    has_feed: bool
    archives: bool
    bulk: bool
    types: Sequence[str] | None = None


class Selections:
    """Chooses what is read of an org, and says once what is left out."""

    def __init__(self, org: Org, record_types: Mapping[Stream, Sequence[str]]) -> None:
        self._org = org
        self._record_types = record_types
        self._said: set[tuple[str, str]] = set()

    def of(self, stream: Stream, asked: Sequence[str]) -> list[Selection]:
        """Return how the objects of *stream* are read, so far as the org has them.

        Raise AccessError for a field that the job names and none of them has, and for an object
        that every job needs.
        """
        seen: dict[str, Mapping[str, Any]] = {}
        for sobject in OBJECTS[stream]:
            described = self._described(sobject, stream)
            if described is not None:
                seen[sobject] = described
        if seen:
            self._expect(stream, asked, seen)
        return [self._selection(stream, one, asked, seen[one]) for one in seen]

    def _described(self, sobject: str, stream: Stream) -> Mapping[str, Any] | None:
        try:
            found = self._org.describe(sobject)
            if found.get("queryable", True):
                return found
        except NotFound:
            pass
        if not stream.optional:
            raise AccessError(f"{self._org.host}: {_unseen(sobject)}")
        self._say(sobject, "", f"{_unseen(sobject)}; {stream} are read without it")
        return None

    def _expect(
        self, stream: Stream, asked: Sequence[str], seen: Mapping[str, Mapping[str, Any]]
    ) -> None:
        usual = set(FIELDS[stream].values())
        for name in asked:
            if not any(self._has(one, described, name) for one, described in seen.items()):
                sobject = " nor ".join(seen)
                if name not in usual:
                    raise AccessError(f"{self._org.host}: {_hidden(sobject, name)}")
                self._say(sobject, name, f"{_hidden(sobject, name)}; it is left out")
        for sobject, described in seen.items():
            derived = DERIVED.get(sobject, {})
            vital = [v for name in asked if name in derived for v in derived[name].vital]
            for name in [*(n for n in NEEDED.get(sobject, ()) if n in asked), *vital]:
                if not self._has(sobject, described, name):
                    raise AccessError(f"{self._org.host}: {_hidden(sobject, name)}")

    def _selection(
        self, stream: Stream, sobject: str, asked: Sequence[str], described: Mapping[str, Any]
    ) -> Selection:
        fields = _by_name(described)
        derived = DERIVED.get(sobject, {})
        wanted = [name for name in asked if self._has(sobject, described, name)]
        needs = [need for name in wanted if name in derived for need in derived[name].needs]
        stamp = stamp_of(described)
        types = self._types(stream, sobject, described)
        ours = ["Id", *([stamp] if stamp else []), *(["RecordTypeId"] if types is not None else [])]
        real = [name for name in wanted if name not in derived]
        real += [name for name in needs if self._has(sobject, described, name)]
        select = list(dict.fromkeys([*ours, *real]))
        return Selection(
            sobject=sobject,
            wanted=wanted,
            fields=select,
            stamp=stamp,
            tells_deleted=tells_deleted(described),
            has_feed=has_feed(described),
            archives={"IsArchived", "IsDeleted"} <= fields.keys(),
            bulk=not any(fields.get(name, {}).get("type") in _NOT_IN_BULK for name in select),
            types=types,
        )

    def _has(self, sobject: str, described: Mapping[str, Any], name: str) -> bool:
        """Say whether an object has a column: a field, one of a parent, or a derived one."""
        if name in DERIVED.get(sobject, {}):
            return True
        fields = _by_name(described)
        parent, _, rest = name.partition(".")
        if not rest:
            return name in fields
        links = [f for f in fields.values() if f.get("relationshipName") == parent]
        targets = [str(target) for link in links for target in link.get("referenceTo") or ()]
        if not targets:
            return False
        # An owner may be a user or a queue: of both only what users have is of use.
        target = "User" if "User" in targets else targets[0]
        try:
            return self._has(target, self._org.describe(target), rest)
        except NotFound:
            return False

    def _types(
        self, stream: Stream, sobject: str, described: Mapping[str, Any]
    ) -> Sequence[str] | None:
        names = self._record_types.get(stream)
        if not names:
            return None
        known = {
            str(info["developerName"]): str(info["recordTypeId"])
            for info in described.get("recordTypeInfos") or ()
            if not info.get("master")
        }
        for name in names:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise ConfigError(
                    f"salesforce: record_types.{stream}: {sobject} has no record type {name!r};"
                    f" it has: {there}"
                )
        return [known[name] for name in names]

    def _say(self, sobject: str, name: str, words: str) -> None:
        if (sobject, name) not in self._said:
            self._said.add((sobject, name))
            logger.info("%s: %s", self._org.host, words)


def columns_of(asked: Iterable[str], selections: Sequence[Selection]) -> list[str]:
    """Return the columns of *asked* that any of the objects has: every page has them all."""
    had = {name for one in selections for name in one.wanted}
    return [name for name in asked if name in had]


def stamp_of(described: Mapping[str, Any]) -> str | None:
    """Return the field by which changes of an object are found; None if it has none."""
    fields = _by_name(described)
    return next((s for s in _STAMPS if fields.get(s, {}).get("filterable", False)), None)


def tells_deleted(described: Mapping[str, Any]) -> bool:
    """Say whether a query can show what was deleted of an object."""
    return "IsDeleted" in _by_name(described)


def has_feed(described: Mapping[str, Any]) -> bool:
    """Say whether Salesforce keeps a list of what was deleted of an object."""
    return tells_deleted(described) and bool(described.get("replicateable", True))


def _by_name(described: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(field["name"]): field for field in described.get("fields") or ()}


def _hidden(sobject: str, name: str) -> str:
    return (
        f"{sobject} has no field {name!r} that the user may see; correct the name, or give a"
        " permission set of the user Read Access to the field (field-level security)"
    )


def _unseen(sobject: str) -> str:
    return (
        f"there is no object {sobject} that the user may read; give a permission set of the user"
        f" Read and View All on it (Object Settings > {sobject})"
    )
