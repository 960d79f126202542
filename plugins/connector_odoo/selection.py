"""What is asked of a model for the columns that a job wants, and the rows made of the answers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector import AccessError, ConfigError, Stream
from connector_odoo.connection import Record
from connector_odoo.streams import FIELDS, Origin
from connector_odoo.values import named, plain

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo

logger = logging.getLogger(__name__)

_DOCUMENT = ("res_model", "res_id")


@dataclass(frozen=True, slots=True)
class Selection:
    """The columns of a stream that there are, and the *paths* that they are made of."""

    origin: Origin
    columns: Sequence[str]
    paths: Sequence[str]

    @property
    def fields(self) -> list[str]:
        """The fields of the model itself that are asked for."""
        heads = [head_of(path) for path in self.paths]
        own = [head for head in heads if head not in self.origin.virtual]
        document = _DOCUMENT if len(own) < len(heads) else ()
        return list(dict.fromkeys(["id", *own, *document]))


def selected(
    odoo: Odoo, stream: Stream, origin: Origin, fields: Mapping[str, Record], wanted: Sequence[str]
) -> Selection:
    """Return what there is of the columns *wanted*.

    A usual one that is missing is left out; one that the job names, or that the figures rest on,
    is an error.
    """
    usual = set(FIELDS[stream].values())
    columns, paths = [], []
    for name in dict.fromkeys([*wanted, *origin.needed]):
        made = origin.derived.get(name)
        needs = made.needs if made else [name]
        there = [path for path in needs if _is_there(odoo, origin, fields, path)]
        vital = [*(made.vital if made else ()), *(n for n in origin.needed if n == name)]
        for path in vital:
            if path not in there:
                raise AccessError(
                    f"{odoo.host}: {origin.model} has no field {path!r} that this user may see;"
                    f" check its rights, and that the app {origin.app} is installed"
                )
        if there or (made and not needs):
            columns.append(name)
            paths += there
        elif name not in usual:
            raise ConfigError(
                f"{odoo.host}: {stream}: {origin.model} has no field {name!r}; correct it under"
                f" source.fields.{stream}, or let the user see it"
            )
        else:
            logger.info("%s: %s has no %s; left out", odoo.host, origin.model, name)
    return Selection(origin, columns, list(dict.fromkeys(paths)))


def _is_there(odoo: Odoo, origin: Origin, fields: Mapping[str, Record], path: str) -> bool:
    """Say whether a path leads somewhere: each of its steps is a field that we may see."""
    head, _, rest = path.partition(".")
    if head in origin.virtual:
        relation, known = origin.virtual[head], all(name in fields for name in _DOCUMENT)
    else:
        known = head in fields
        relation = str(fields[head].get("relation") or "") if known else ""
    if not known or not rest or rest == "name":
        return known and (not rest or bool(relation))
    if not relation:
        return False
    below = odoo.fields_of(relation)
    return below is not None and _is_there(odoo, Origin(relation, ""), below, rest)


class Rows:
    """Makes rows of records; what others hold that they name is asked for once a pull."""

    def __init__(self, odoo: Odoo, selection: Selection) -> None:
        self._odoo = odoo
        self._selection = selection
        self._others: dict[tuple[str, int], Record] = {}
        self._asked: dict[str, set[str]] = {}

    def of(self, records: Sequence[Record]) -> list[Record]:
        """Return a row for each of *records*, under the names of the columns."""
        origin = self._selection.origin
        for record in records:
            for name, model in origin.virtual.items():
                document = record.get("res_id")
                record[name] = [document] if record.get("res_model") == model else False
        values = self._values(origin.model, records, self._selection.paths, origin.virtual)
        return [self._row(found) for found in values]

    def _row(self, values: Mapping[str, Any]) -> Record:
        derived = self._selection.origin.derived
        return {
            name: derived[name].make(values) if name in derived else values.get(name)
            for name in self._selection.columns
        }

    def _values(
        self,
        model: str,
        records: Sequence[Record],
        paths: Iterable[str],
        virtual: Mapping[str, str],
    ) -> list[Record]:
        """Return what *paths* lead to from each of *records*."""
        fields = self._odoo.fields_of(model) or {}
        rows: list[Record] = [{} for _ in records]
        below: dict[str, list[str]] = {}
        for path in paths:
            head, _, rest = path.partition(".")
            if rest and not (rest == "name" and head not in virtual):
                below.setdefault(head, []).append(rest)
                continue
            for row, record in zip(rows, records, strict=True):
                held = record.get(head)
                row[path] = named(held) if rest else plain(held, fields.get(head, {}))
        for head, rests in below.items():
            relation = virtual.get(head) or str(fields[head]["relation"])
            keys = [number_of(record.get(head)) for record in records]
            others = self._held(relation, [key for key in keys if key], rests)
            for row, key in zip(rows, keys, strict=True):
                known = others.get(key, {}) if key else {}
                row |= {f"{head}.{rest}": known.get(rest) for rest in rests}
        return rows

    def _held(self, model: str, ids: Sequence[int], paths: Sequence[str]) -> dict[int, Record]:
        """Return what *paths* lead to from the records *ids*, each asked for once."""
        heads = {head_of(path) for path in paths}
        known = list(dict.fromkeys(ids))
        held_of = {key: self._others.setdefault((model, key), {}) for key in known}
        missing = [key for key in known if not heads <= held_of[key].keys()]
        if missing:
            try:
                for record in self._odoo.found_in(model, "id", missing, sorted({"id", *heads})):
                    held_of[int(record["id"])].update(record)
            except AccessError as error:
                if model == "res.partner":  # else deals would lose their account
                    raise
                logger.warning("%s; left empty", error)
            for key in missing:  # also of what is hidden from us: it is asked for once
                held_of[key] = self._others[model, key] = dict.fromkeys(heads) | held_of[key]
        rows = self._values(model, [held_of[key] for key in known], paths, {})
        return dict(zip(known, rows, strict=True))


def number_of(value: Any) -> int:
    """Return the number of the record that a value names; 0 if it names none."""
    held = value[0] if isinstance(value, list) and value else value
    return int(held or 0) if not isinstance(held, bool) else 0


def head_of(path: str) -> str:
    """Return the first step of a path."""
    return path.partition(".")[0]
