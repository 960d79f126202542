"""How a stream is understood: which of their columns, or which constant, is which field of ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from connector.config import Constant, Formats, Job, Rate
from connector.contract import Adapter
from connector.errors import ConfigError
from connector.model import FIELDS, Stream


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """How one stream is understood: for each of our fields a column of theirs or a constant."""

    stream: Stream
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    explicit: frozenset[str]
    values: Mapping[str, Mapping[str, str]]
    formats: Formats
    timezone: str
    base_currency: str
    rates_from: Mapping[str, date] = field(default_factory=dict)
    rates_are_told: bool = False
    """The rates are the source's; the job gives none."""

    @property
    def theirs(self) -> Sequence[str]:
        """Return the columns of theirs to ask for, each once."""
        return tuple(dict.fromkeys(self.columns.values()))

    @property
    def digest(self) -> str:
        """Return a hash of all that decides what a row becomes, save the rates."""
        said = {
            "columns": dict(self.columns),
            "constants": dict(self.constants),
            "values": {name: dict(values) for name, values in self.values.items()},
            "formats": self.formats.model_dump(mode="json"),
            "timezone": self.timezone,
            "base": self.base_currency,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def mapping_of(
    job: Job, adapter: Adapter[Any], stream: Stream, rates: Sequence[Rate]
) -> StreamMapping:
    """Return how *stream* is understood: the adapter's default under the job's own fields.

    Rows in a currency that none of *rates* is of are set aside.
    """
    source = job.model.source
    given = source.fields.get(stream, {})
    columns = {**adapter.fields.get(stream, {})}
    constants: dict[str, str] = {}
    for name, theirs in given.items():
        columns.pop(name, None)
        if isinstance(theirs, Constant):
            constants[name] = theirs.constant
        elif theirs:  # an empty name switches a default off
            columns[name] = theirs
    for name, ours in FIELDS[stream].items():
        if ours.required and name not in columns and name not in constants:
            raise ConfigError(
                f"{job.path}: source.fields.{stream}.{name}: missing; name the column that holds it"
            )
    rates_from: dict[str, date] = {}
    for rate in rates:
        earliest = rates_from.get(rate.currency, rate.valid_from)
        rates_from[rate.currency] = min(earliest, rate.valid_from)
    return StreamMapping(
        stream=stream,
        columns=columns,
        constants=constants,
        explicit=frozenset(given),
        values=source.values.get(stream, {}),
        formats=source.formats,
        timezone=source.formats.timezone or job.model.timezone,
        base_currency=job.model.currency.base,
        rates_from=rates_from,
        rates_are_told=bool(rates) and not job.model.currency.rates,
    )


def rates_table(rates: Sequence[Rate]) -> pa.Table:
    """Return the rates as the rules read them: currency, valid_from, rate (10 places)."""
    return pa.table(
        {
            "currency": pa.array([rate.currency for rate in rates], pa.string()),
            "valid_from": pa.array([rate.valid_from for rate in rates], pa.date32()),
            "rate": pa.array([rate.rate for rate in rates], pa.decimal128(19, 10)),
        }
    )
