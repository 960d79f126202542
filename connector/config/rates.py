"""The rates table of a job: written in it, or in a file beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from connector.config.job import Job
from connector.config.models import Rate, check_rates
from connector.errors import ConfigError


def load_rates(job: Job) -> Sequence[Rate]:
    """Return the job's rates table; raise ConfigError naming the line that can't be read."""
    rates = job.model.currency.rates
    if not isinstance(rates, Path):
        return rates
    found = list(_rates_in(job.folder / rates, job))
    try:
        check_rates(found)
    except ValueError as error:
        raise ConfigError(f"{job.path}: currency.{error}") from error
    return found


def _rates_in(path: Path, job: Job) -> Iterator[Rate]:
    where = f"{job.path}: currency.rates"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"currency", "valid_from", "rate"} - set(reader.fieldnames or ())
            if missing:
                names = ", ".join(sorted(missing))
                raise ConfigError(
                    f"{where}: {path} has no column {names}; its first line must"
                    " be currency,valid_from,rate"
                )
            for row in reader:
                yield Rate(
                    currency=row["currency"].strip(),
                    valid_from=date.fromisoformat(row["valid_from"].strip()),
                    rate=Decimal(row["rate"].strip()),
                )
    except OSError as error:
        raise ConfigError(
            f"{where}: {path} can't be read: {error.strerror}; correct the name or the file"
        ) from error
    except (ValueError, InvalidOperation, AttributeError, csv.Error) as error:
        line = reader.line_num
        raise ConfigError(
            f"{where}: {path} line {line} is not a rate;"
            " expected a currency code, a day such as 2024-01-31 and a number such as 1.0842"
        ) from error
