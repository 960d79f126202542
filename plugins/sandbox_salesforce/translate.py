"""SOQL → SQL: which columns of which tables a query means, for one user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox_salesforce.conditions import Conditions
from sandbox_salesforce.org import Org
from sandbox_salesforce.paths import Paths, lower, sql_of
from sandbox_salesforce.refusal import ApiError
from sandbox_salesforce.schema import IDS, SObject, Value
from sandbox_salesforce.soql import Chosen, FieldPath, Query

_AGGREGATES: Final = {
    "COUNT": "count({})", "COUNT_DISTINCT": "count(DISTINCT {})", "SUM": "sum({})",
    "AVG": "avg({})", "MIN": "min({})", "MAX": "max({})",
}  # fmt: skip
_FURTHEST: Final = 2000
_MOST_OF_ALL: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer: where it stands in a record, and the type that it is shown as."""

    path: FieldPath
    kind: str
    sql: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that others lead to: *path* from the base, the columns of which are asked for."""

    path: FieldPath
    name: str
    sql: str
    """The id of the parent: null where there is none."""


@dataclass(slots=True)
class Statement:
    """A query in SQL. Rows are found by their numbers first, then read page by page."""

    sobject: SObject
    columns: list[Column]
    parents: list[Parent]
    source: str
    where: str
    values: list[Value]
    order: str
    limit: int | None
    offset: int
    is_count: bool = False
    is_grouped: bool = False
    group: str = ""

    @property
    def numbers(self) -> str:
        """Return the SQL for the numbers of all records found, in their order."""
        return f"SELECT b._n {self.source} {self.where} {self.order} {self._cut}"

    @property
    def count(self) -> str:
        """Return the SQL for how many records are found."""
        return f"SELECT count(*) FROM (SELECT 1 {self.source} {self.where} {self._cut})"

    def page(self, count: int) -> str:
        """Return the SQL for *count* records by their numbers."""
        return f"SELECT b._n, {self._columns} {self.source} WHERE b._n IN ({_marks(count)})"

    @property
    def groups(self) -> str:
        """Return the SQL for aggregates."""
        rest = f"{self.where} {self.group} {self.order} {self._cut}"
        return f"SELECT 0, {self._columns} {self.source} {rest}"

    @property
    def _columns(self) -> str:
        shown: list[Column | Parent] = [*self.columns, *self.parents]
        return ", ".join(one.sql for one in shown)

    @property
    def _cut(self) -> str:
        return f"LIMIT {-1 if self.limit is None else self.limit} OFFSET {self.offset}"


def translate(
    org: Org,
    user: str,
    query: Query,
    *,
    include_deleted: bool = False,
    tooling: bool = False,
) -> Statement:
    """Return *query* in SQL; refuse objects and fields that *user* can't see.

    Objects of the Tooling API are only there for its own queries.
    """
    sobject = _object(org, user, query, tooling=tooling)
    return _Translation(org, user, query, sobject, include_deleted).statement()


class _Translation:
    """One query on its way into SQL; a query in IN ( ) is another, with tables of other names."""

    def __init__(
        self,
        org: Org,
        user: str,
        query: Query,
        sobject: SObject,
        include_deleted: bool,
        base: str = "b",
    ) -> None:
        self._org, self._user = org, user
        self._query, self._sobject = query, sobject
        self._include_deleted = include_deleted
        self._base = base
        self._paths = Paths(org, user, sobject, query.alias, base)
        self._conditions = Conditions(self._paths, self._within)

    def statement(self) -> Statement:
        query = self._query
        is_count = [(one.function, one.path) for one in query.chosen] == [("COUNT", ())]
        grouped = bool(query.group) or any(one.function in _AGGREGATES for one in query.chosen)
        columns = [] if is_count else list(self._columns(grouped=grouped))
        _check_twice(columns)
        where = self._where()
        order = self._order(columns, grouped=grouped)
        groups = [self._paths.field(path)[1] for path in query.group]
        if query.offset is not None and query.offset > _FURTHEST:
            raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return Statement(
            self._sobject,
            columns,
            [] if grouped else list(self._parents(columns)),
            self._paths.source,
            where,
            self._conditions.values,
            order,
            query.limit,
            query.offset or 0,
            is_count,
            grouped and not is_count,
            f"GROUP BY {', '.join(groups)}" if groups else "",
        )

    def column_of_ids(self) -> tuple[str, list[Value]]:
        """Return the query as what stands in IN ( ), with its values."""
        chosen = self._query.chosen
        if len(chosen) != 1 or chosen[0].function:
            raise ApiError("MALFORMED_QUERY", "The inner select must select one field")
        one, sql = self._paths.field(chosen[0].path)
        if one.type not in IDS:
            raise ApiError(
                "MALFORMED_QUERY", f"The inner select field '{one.name}' must be an id field"
            )
        where = f"{self._where()} AND {sql} IS NOT NULL"
        return f"SELECT {sql} {self._paths.source} {where}", self._conditions.values

    def _within(self, query: Query) -> tuple[str, list[Value]]:
        sobject = _object(self._org, self._user, query)
        inner = _Translation(
            self._org, self._user, query, sobject, self._include_deleted, f"{self._base}i"
        )
        return inner.column_of_ids()

    def _columns(self, *, grouped: bool) -> Iterator[Column]:
        unnamed = 0
        for one in self._query.chosen:
            if one.function == "FIELDS":
                yield from self._all_fields(one)
            elif one.function in _AGGREGATES:
                yield self._aggregate(one, unnamed)
                unnamed += one.alias is None
            else:
                yield self._column(one, grouped=grouped)

    def _column(self, chosen: Chosen, *, grouped: bool) -> Column:
        if chosen.function not in (None, "TOLABEL", "FORMAT"):
            raise ApiError("MALFORMED_QUERY", f"Invalid function: {chosen.function}")
        one, sql = self._paths.field(chosen.path)
        if grouped:
            if all(lower(chosen.path) != lower(path) for path in self._query.group):
                said = ".".join(chosen.path)
                raise ApiError("MALFORMED_QUERY", f"Field must be grouped or aggregated: {said}")
            return Column((chosen.alias or one.name,), one.type, sql)
        if chosen.alias and not chosen.function:
            raise ApiError("MALFORMED_QUERY", f"unexpected token: '{chosen.alias}'")
        if chosen.alias:
            return Column((chosen.alias,), one.type, sql)
        return Column((*self._paths.said(chosen.path[:-1]), one.name), one.type, sql)

    def _aggregate(self, chosen: Chosen, unnamed: int) -> Column:
        if not chosen.path:
            raise ApiError("MALFORMED_QUERY", "Grouped query cannot use COUNT()")
        one, sql = self._paths.field(chosen.path)
        function = str(chosen.function)
        kind = one.type if function in ("MIN", "MAX") else "double"
        kind = "int" if function.startswith("COUNT") else kind
        name = chosen.alias or f"expr{unnamed}"
        return Column((name,), kind, _AGGREGATES[function].format(sql))

    def _all_fields(self, chosen: Chosen) -> Iterator[Column]:
        which = chosen.path[0].upper() if chosen.path else ""
        limit = self._query.limit
        if which in ("ALL", "CUSTOM") and (limit is None or limit > _MOST_OF_ALL):
            raise ApiError(
                "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200"
            )
        for one in self._org.permissions.visible(self._user, self._sobject).values():
            if which == "ALL" or one.custom is (which == "CUSTOM"):
                yield Column((one.name,), one.type, sql_of(self._base, one))

    def _parents(self, columns: Sequence[Column]) -> Iterator[Parent]:
        for path, (alias, sobject) in self._paths.joins.items():
            for one in columns:
                if len(one.path) > len(path) and lower(one.path[: len(path)]) == path:
                    yield Parent(one.path[: len(path)], sobject.name, f'{alias}."Id"')
                    break

    def _where(self) -> str:
        parts = [] if self._include_deleted else [f'{self._base}."IsDeleted" = 0']
        if self._query.where is not None:
            parts.append(self._conditions.sql(self._query.where))
        return f"WHERE {' AND '.join(parts) or '1'}"

    def _order(self, columns: Sequence[Column], *, grouped: bool) -> str:
        parts = []
        for one in self._query.order:
            named = [column.sql for column in columns if column.path == one.path] if grouped else []
            sql = named[0] if named else self._sorted(one.path)
            word = "DESC" if one.descending else "ASC"
            parts.append(f"{sql} {word} NULLS {'LAST' if one.nulls_last else 'FIRST'}")
        return f"ORDER BY {', '.join(parts)}" if parts else ""

    def _sorted(self, path: FieldPath) -> str:
        one, sql = self._paths.field(path)
        if not one.sortable:
            raise ApiError(
                "MALFORMED_QUERY", f"field '{one.name}' can not be sorted in a query call"
            )
        return sql


def _object(org: Org, user: str, query: Query, *, tooling: bool = False) -> SObject:
    found = org.schema.find(query.sobject)
    hidden = found is not None and found.tooling and not tooling
    if found is None or hidden or not org.permissions.may(user, found, "read"):
        raise ApiError(
            "INVALID_TYPE",
            f"sObject type '{query.sobject}' is not supported. If you are attempting to use a"
            " custom object, be sure to append the '__c' after the entity name.",
        )
    return found


def _check_twice(columns: Sequence[Column]) -> None:
    seen: set[FieldPath] = set()
    for one in columns:
        if lower(one.path) in seen:
            # From memory.
            raise ApiError("INVALID_FIELD", f"duplicate field selected: {'.'.join(one.path)}")
        seen.add(lower(one.path))


def _marks(count: int) -> str:
    return ", ".join("?" * count)
