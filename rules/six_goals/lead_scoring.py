"""Lead scoring: the chance that an open lead is won, learned from those that were decided."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from customer_pyramid.money import places, root
from six_goals.lead_model import FOLDS, LeadModel, Leads
from six_goals.settings import LeadScoringSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

NEWEST: Final = 20_000
"""Decided leads of an age that are learned from: more would tell little more, and take longer."""

GUESSING: Final = Decimal("0.5")

_AT_ONCE = 50_000  # open leads that are judged together, so that memory does not grow with them
_SCORES = pa.schema(
    [
        ("lead_id", pa.string()),
        ("account_id", pa.string()),
        ("age", pa.int64()),
        ("p", pa.float64()),
        ("first_feature", pa.string()),
        ("first_value", pa.string()),
        ("second_feature", pa.string()),
        ("second_value", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well leads of an age are told apart, by the newest, of which the model saw none.

    *auc*: of two leads, one won and one not, how often the won one has the higher chance; 0.5 is
    guessing. *lift*: how much more often than all the tenth with the highest chance was won.
    *base_rate*: how often all were won; *expected_rate*: how often they should have been. *brier*:
    the mean squared error of the chances. All to six places.
    """

    age: int
    learned: int
    held_out: int
    won: int
    base_rate: Decimal
    expected_rate: Decimal
    auc: Decimal
    lift: Decimal
    brier: Decimal

    @property
    def tells(self) -> bool:
        """Say whether so high an *auc* would come from guessing less than once in forty times."""
        lost = self.held_out - self.won
        error = root(Fraction(self.held_out + 1, 12 * self.won * lost), 6)
        return self.auc - GUESSING >= Decimal("1.96") * error


@dataclass(frozen=True, slots=True)
class TooFew:
    """Not enough data: of the leads that reached an age undecided, how many were won, and not."""

    age: int
    won: int
    not_won: int


@dataclass(frozen=True, slots=True)
class LeadScores:
    """The chances of open leads, and what can be said of them at each age.

    *scores* has one row, by id, for each open lead that has reached an age at which leads can be
    told apart: lead_id, account_id, age, p (to six places) and the two features that speak most for
    the lead: first_feature, first_value, second_feature, second_value, null where none does.
    Features are the columns of `lead_histories` and the features of `activity_counts`.
    """

    scores: pa.Table
    fits: tuple[Fit, ...]
    too_few: tuple[TooFew, ...]


def score_leads(histories: pa.Table, counts: pa.Table, settings: LeadScoringSettings) -> LeadScores:
    """Return the chance of each open lead to be won.

    *histories* and *counts* are those of `lead_histories` and `activity_counts`, in any order. For
    each age a model is measured on the newest decided leads and, if it tells them apart, fitted to
    all of them. An open lead is judged by that of the highest age it has reached. Source: domain
    3.4.
    """
    measured: list[Fit | TooFew] = []
    scores = _SCORES.empty_table()
    for age in sorted(settings.ages, reverse=True):
        leads = Leads.of(age, histories, counts)
        decided = leads.where(pc.is_valid(leads.rows["won"]))
        decided = decided.part(max(0, len(decided) - NEWEST), len(decided))
        fit = _measured(decided, settings)
        measured.insert(0, fit)
        if isinstance(fit, Fit) and fit.tells:
            scored = pc.is_in(leads.rows["lead_id"], scores["lead_id"].combine_chunks())
            asked = leads.where(pc.and_not(pc.is_null(leads.rows["won"]), scored))
            scores = pa.concat_tables([scores, *_scores(LeadModel.fitted(decided), asked)])
    return LeadScores(
        scores=scores.sort_by("lead_id"),
        fits=tuple(fit for fit in measured if isinstance(fit, Fit)),
        too_few=tuple(fit for fit in measured if isinstance(fit, TooFew)),
    )


def _measured(decided: Leads, settings: LeadScoringSettings) -> Fit | TooFew:
    """Return how well a model of the older leads tells the newest apart."""
    won = decided.won()
    total, held_out = int(won.sum()), ceil(len(won) * settings.held_out)
    split = len(won) - held_out
    fewest = min(min(part.sum(), len(part) - part.sum()) for part in (won[:split], won[split:]))
    enough = len(won) >= settings.min_leads and min(total, len(won) - total) >= settings.min_each
    if not enough or fewest < FOLDS:
        return TooFew(decided.age, total, len(won) - total)
    chances = LeadModel.fitted(decided.part(0, split)).chances(decided.part(split, len(won)))
    return _fit(decided.age, split, won[split:], chances)


def _fit(age: int, learned: int, won: Floats, chances: Floats) -> Fit:
    from sklearn.metrics import roc_auc_score

    return Fit(
        age=age,
        learned=learned,
        held_out=len(won),
        won=int(won.sum()),
        base_rate=_six(won.mean()),
        expected_rate=_six(chances.mean()),
        auc=_six(roc_auc_score(won, chances)),
        lift=_six(_top_tenth(won, chances) / won.mean()),
        brier=_six(((chances - won) ** 2).mean()),
    )


def _top_tenth(won: Floats, chances: Floats) -> float:
    """Return how often the tenth with the highest chances was won; equal ones count alike."""
    import numpy as np

    _, level = np.unique(-chances, return_inverse=True)
    rates = np.bincount(level, won) / np.bincount(level)
    tenth = np.sort(level)[: ceil(len(won) / 10)]
    return float(rates[tenth].mean())


def _scores(model: LeadModel, leads: Leads) -> list[pa.Table]:
    starts = range(0, len(leads), _AT_ONCE)
    return [_part(model, leads.part(start, start + _AT_ONCE)) for start in starts]


def _part(model: LeadModel, leads: Leads) -> pa.Table:
    known = [leads.rows[column] for column in ("lead_id", "account_id", "age")]
    reasons = [column for reason in model.reasons(leads) for column in reason]
    return pa.table([*known, pa.array(model.chances(leads)), *reasons], schema=_SCORES)


def _six(value: float) -> Decimal:
    return places(Fraction(float(value)), 6)
