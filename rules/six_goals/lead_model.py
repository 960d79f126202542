"""Lead model: what tells won leads from others, as a calibrated logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from six_goals.lead_features import COUNTS, DAYS, FIELDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.intp]

FOLDS: Final = 5
"""Parts of the leads, each judged by a model of the others, to calibrate the chances."""

_PENALTY = 0.1  # C of the regression: the lower, the more is taken for chance
_RARE = 10  # fewer leads than this say nothing about a value or a kind of activity
_MOST = 20  # values of a field that are told apart, and kinds and outcomes of activities
_PLACES = 6  # of a chance: what differs further behind is the machine's rounding


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads of one age, in the order in which they were created; equal days by id."""

    age: int
    rows: pa.Table
    counts: pa.Table

    @classmethod
    def of(cls, age: int, histories: pa.Table, counts: pa.Table) -> Leads:
        """Return the leads of *age* in these tables, in whatever order they come."""
        rows = histories.filter(pc.equal(histories["age"], age))
        ordered = rows.sort_by([("created_on", "ascending"), ("lead_id", "ascending")])
        return cls(age, ordered, _about(ordered, counts.filter(pc.equal(counts["age"], age))))

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def where(self, mask: pa.ChunkedArray) -> Leads:
        """Return those for which *mask* is true."""
        rows = self.rows.filter(mask)
        return Leads(self.age, rows, _about(rows, self.counts))

    def part(self, start: int, end: int) -> Leads:
        """Return those from place *start* to before *end*."""
        rows = self.rows.slice(start, end - start)
        return Leads(self.age, rows, _about(rows, self.counts))

    def won(self) -> Floats:
        """Return 1 for each that was won, 0 for each that was not."""
        won: Floats = pc.cast(self.rows["won"], pa.float64()).to_numpy()
        return won


@dataclass(frozen=True, slots=True)
class Column:
    """What the model looks at: whether a field has a value, or a number."""

    feature: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class LeadModel:
    """A fitted model. The *weights* are of amounts on their *scale*, less the *average* effect."""

    columns: Sequence[Column]
    scale: Floats
    weights: Floats
    average: Floats
    regression: Any

    @classmethod
    def fitted(cls, leads: Leads) -> LeadModel:
        """Return the model of decided *leads*, of which `FOLDS` at least were won, and not."""
        import numpy as np

        columns = _columns(leads)
        amounts = _amounts(leads, columns)
        numbers = np.array([column.value is None for column in columns])
        varied = amounts.max(axis=0) > amounts.min(axis=0)
        # The value of a field is 1 or 0 again: a rare one is not to weigh more for being rare.
        scale = np.where(numbers & varied, np.log1p(amounts).std(axis=0), np.log1p(1))
        inputs = np.log1p(amounts) / scale
        regression = _regression(inputs, leads.won())
        weights = regression.calibrated_classifiers_[0].estimator.coef_[0]
        return cls(columns, scale, weights, _averages(columns, inputs * weights), regression)

    def chances(self, leads: Leads) -> Floats:
        """Return the chance of each lead to be won."""
        import numpy as np

        inputs = np.log1p(_amounts(leads, self.columns)) / self.scale
        chances: Floats = self.regression.predict_proba(inputs)[:, 1]
        return chances.round(_PLACES)

    def reasons(self, leads: Leads) -> list[tuple[pa.Array, pa.Array]]:
        """Return the features that speak most and second most for each lead, and their values.

        Only what is known of a lead or happened to it is a reason; null if nothing speaks for it.
        """
        import numpy as np

        amounts = _amounts(leads, self.columns)
        effects = np.log1p(amounts) / self.scale * self.weights - self.average
        days = np.array([column.feature in DAYS for column in self.columns])
        effects[np.where(days, amounts > leads.age, amounts == 0)] = -np.inf
        lead = np.arange(len(leads))
        named = []
        for _ in range(2):
            best = effects.argmax(axis=1)
            named.append(self._named(best, amounts[lead, best], effects[lead, best] > 0))
            effects[lead, best] = -np.inf
        return named

    def _named(
        self, places: Places, amounts: Floats, speaks: NDArray[np.bool_]
    ) -> tuple[pa.Array, pa.Array]:
        features = pa.array([column.feature for column in self.columns], pa.string())
        values = pa.array([column.value for column in self.columns], pa.string())
        chosen = pa.array(places, mask=~speaks)
        numbers = pc.cast(pa.array(amounts.astype("int64"), mask=~speaks), pa.string())
        return features.take(chosen), pc.coalesce(values.take(chosen), numbers)


def _about(rows: pa.Table, counts: pa.Table) -> pa.Table:
    return counts.filter(pc.is_in(counts["lead_id"], rows["lead_id"].combine_chunks()))


def _columns(leads: Leads) -> list[Column]:
    """Return what is frequent enough among *leads* to learn from."""
    fields = [Column(field, value) for field in FIELDS for value in _frequent(leads.rows[field])]
    if not leads.age:
        return fields or [Column("nothing")]
    numbers = (*COUNTS, *DAYS, *_frequent(leads.counts["feature"]))
    return fields + [Column(feature) for feature in numbers]


def _frequent(values: pa.ChunkedArray) -> list[str]:
    counted = pc.value_counts(values.drop_null()).to_pylist()
    enough = [row for row in counted if row["counts"] >= _RARE]
    enough.sort(key=lambda row: (-row["counts"], row["values"]))
    return [row["values"] for row in enough[:_MOST]]


def _amounts(leads: Leads, columns: Sequence[Column]) -> Floats:
    """Return one row for each lead: 1 for the value that a field has, and numbers as they are.

    Days that there are not, for want of an activity, count as one more than the lead is old.
    """
    import numpy as np

    amounts = np.zeros((len(leads), len(columns)))
    for field in FIELDS:
        values = {c.value: place for place, c in enumerate(columns) if c.feature == field}
        found = pc.index_in(leads.rows[field], pa.array(list(values), pa.string()))
        lead = np.flatnonzero(pc.is_valid(found).to_numpy())
        amounts[lead, _places(found, list(values.values()))] = 1
    numbers = {c.feature: place for place, c in enumerate(columns) if c.value is None}
    for name in numbers.keys() & {*COUNTS, *DAYS}:
        amounts[:, numbers[name]] = pc.fill_null(leads.rows[name], leads.age + 1).to_numpy()
    counts = leads.counts
    found = pc.index_in(counts["feature"], pa.array(list(numbers), pa.string()))
    counts = counts.filter(pc.is_valid(found))
    lead = pc.index_in(counts["lead_id"], leads.rows["lead_id"].combine_chunks()).to_numpy()
    amounts[lead, _places(found, list(numbers.values()))] = counts["n"].to_numpy()
    return amounts


def _places(found: pa.ChunkedArray, places: Sequence[int]) -> Places:
    """Return the one of *places* that each index says; null ones are left out."""
    import numpy as np

    known: Places = pc.drop_null(found).to_numpy()
    return np.array(places, dtype=np.intp)[known]


def _regression(inputs: Floats, won: Floats) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

    regression = LogisticRegression(C=_PENALTY, solver="newton-cholesky")
    folds = StratifiedKFold(FOLDS)
    # Several threads would add in another order on another machine, and mostly wait here.
    with threadpool_limits(1):
        return CalibratedClassifierCV(regression, cv=folds, ensemble=False).fit(inputs, won)


def _averages(columns: Sequence[Column], effects: Floats) -> Floats:
    """Return the mean effect of each column; of those of a field together."""
    import numpy as np

    features = np.array([column.feature for column in columns])
    means = effects.mean(axis=0)
    return np.array([means[features == feature].sum() for feature in features])
