# ruff: noqa: N803, N806 - x, t_x and T are the names of the published formulas
"""Buying: how likely customers are to come back, and how often they will order.

The BG/NBD model of Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing Science
24(2), 2005: customers order at random, each at a rate of their own, and may leave for good after an
order. Of a customer it looks at *x*, the order days after the first one; *t_x*, the time from the
first to the last; and *T*, the time from the first until now. The tables of this module have them
in days; the model takes any unit, if it is the same throughout. Needs the extra `models`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import ibis.expr.types as ir
import pyarrow as pa

from customer_pyramid.days import days_since

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]

ENOUGH: Final = 100
"""Customers with a second order day, below which there is no model."""

WEEK: Final = 7
YEAR: Final = 365

# Beyond this, parameters (alpha against the mean T) make no difference that can be seen.
_LEAST, _MOST = 1e-3, 1e4
_SEARCH: Final[Any] = {"method": "L-BFGS-B", "options": {"ftol": 1e-11, "gtol": 1e-7}}
_PLACES = 6  # of a result: what differs further behind is the machine's rounding


@dataclass(frozen=True, slots=True)
class BuyingModel:
    """How the customers of a company buy; its methods take numbers or whole arrays.

    Rates of ordering have a gamma distribution (*r*, and *alpha* in the unit of time), chances to
    leave after an order a beta distribution (*a*, *b*).
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customers: int

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        """Return the chances that customers have not left.

        It is 1 where x is 0: here customers leave after a second order at the earliest. Judge
        those who never came back by something else.
        """
        from scipy.special import expit

        parameters = (self.r, self.alpha, self.a, self.b)
        return _floats(expit(_log_odds(parameters, _floats(x), _floats(t_x), _floats(T))))

    def expected_purchases(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: ArrayLike
    ) -> Floats:
        """Return how many order days to expect of customers in the time *t* from now on."""
        return self.p_alive(x, t_x, T) * self._expected_if_alive(_floats(x), _floats(T), _floats(t))

    def expected_purchases_of_new(self, t: ArrayLike) -> Floats:
        """Return how many order days to expect in the time *t* from the first one on."""
        return self._expected_if_alive(_floats(0), _floats(0), _floats(t))

    def probability_of(self, purchases: ArrayLike, t: ArrayLike) -> Floats:
        """Return the chances of so many order days in the time *t* from the first one on."""
        import numpy as np
        from scipy.special import betainc, betaln, gammaln, xlog1py, xlogy

        n, t = _floats(purchases), _floats(t)
        passed = t / (self.alpha + t)
        stayed = betaln(self.a, self.b + n) - betaln(self.a, self.b)
        ordered = gammaln(self.r + n) - gammaln(self.r) - gammaln(n + 1)
        alive = np.exp(stayed + ordered + xlogy(n, passed) + xlog1py(self.r, -passed))
        # Who left after order n would have ordered n times or more. Nobody leaves after order 0.
        last = np.maximum(n, 1)
        left = np.exp(betaln(self.a + 1, self.b + last - 1) - betaln(self.a, self.b))
        return _floats(alive + np.where(n > 0, left * betainc(last, self.r, passed), 0))

    def _expected_if_alive(self, x: Floats, T: Floats, t: Floats) -> Floats:
        """Return the expected order days of those who have not left: equation 10 of the paper.

        Of the two forms of its hypergeometric function (Euler's transformation) each overflows
        where the other doesn't.
        """
        import numpy as np
        from scipy.special import hyp2f1

        # At a = 1 the formula is 0/0, and at whole r - a scipy often gives up: step aside.
        a = self.a * (1 + 1e-7)
        shape, total = self.r + x, a + self.b + x - 1
        power = np.minimum(shape, a - 1)
        other = np.where(shape < a - 1, self.b + x, a + self.b - 1 - self.r)
        now = self.alpha + T
        none = (now / (now + t)) ** power * hyp2f1(power, other, total, t / (now + t))
        return _floats(np.maximum(total / (a - 1) * (1 - none), 0))


def histories(ordering: ir.Table, as_of: date) -> ir.Table:
    """Return account_id, x, t_x and T of every account of `rhythm.ordering`, times in days."""
    return ordering.select(
        "account_id",
        x=ordering.order_days - 1,
        t_x=ordering.last_day.delta(ordering.first_day, unit="day").cast("int64"),
        T=days_since(ordering.first_day, as_of),
    )


def distinct(histories: ir.Table, step: int = WEEK) -> ir.Table:
    """Return the different x, t_x and T among *histories*, and n, how many have them: for `fit`.

    Times are rounded to the nearest *step* days, so that a million accounts become some 100,000
    rows. A fit hardly notices: p_alive of the CDNOW sample moves by 0.001 on average, 0.005 at
    most. Don't score rounded rows: to one who orders daily, a week of silence means a lot.
    """
    near = {time: (histories[time] + step // 2) // step * step for time in ("t_x", "T")}
    rounded = histories.select("x", **near)
    return rounded.group_by("x", "t_x", "T").aggregate(n=rounded.count())


def fit(distinct: pa.Table) -> BuyingModel | None:
    """Return the most likely model of histories (x, t_x, T, n); None is "not enough data".

    That is, fewer than `ENOUGH` customers with a second order day, customers of whom none seems to
    leave (a model that takes everybody for alive would tell nothing), or a search without an end.
    """
    import numpy as np
    from scipy.optimize import minimize

    x, t_x, T, n = _columns(distinct, "x", "t_x", "T", "n")
    if n[x > 0].sum() < ENOUGH:
        return None
    sample = _Sample.of(x, t_x, T, n / n.sum())
    start = np.array([0, np.log1p(_dot(sample.share, T)), 0, 0])
    bounds = np.stack([start + np.log(_LEAST), start + np.log(_MOST)], axis=1)
    found = minimize(sample.loss, start, jac=True, bounds=bounds, **_SEARCH)
    if not found.success or found.x[2] <= bounds[2, 0]:
        return None
    r, alpha, a, b = np.exp(found.x).tolist()
    return BuyingModel(r, alpha, a, b, float(-found.fun * n.sum()), int(n.sum()))


def scored(histories: pa.Table, model: BuyingModel, t: float = YEAR) -> pa.Table:
    """Return *histories* with p_alive and expected_orders, the order days in *t* from now on."""
    x, t_x, T = _columns(histories, "x", "t_x", "T")
    alive, orders = model.p_alive(x, t_x, T), model.expected_purchases(x, t_x, T, t)
    known = histories.append_column("p_alive", pa.array(alive.round(_PLACES)))
    return known.append_column("expected_orders", pa.array(orders.round(_PLACES)))


@dataclass(frozen=True, slots=True)
class _Sample:
    """Histories with their *share* of customers, and the different x with theirs."""

    x: Floats
    t_x: Floats
    T: Floats
    share: Floats
    counts: Floats
    count_share: Floats

    @classmethod
    def of(cls, x: Floats, t_x: Floats, T: Floats, share: Floats) -> _Sample:
        import numpy as np

        counts, place = np.unique(x, return_inverse=True)
        return cls(x, t_x, T, share, counts, _floats(np.bincount(place, weights=share)))

    def loss(self, log_parameters: Floats) -> tuple[float, Floats]:
        """Return minus the mean log-likelihood and its gradient, by logarithms of the parameters.

        As in Fader and Hardie's note 027, "Overcoming the BG/NBD Model's #NUM! Error", nothing can
        overflow; the sum that they are left with is written as one over p_alive.
        """
        import numpy as np
        from scipy.special import expit

        parameters = r, alpha, a, b = np.exp(log_parameters)
        odds = _log_odds(parameters, self.x, self.t_x, self.T)
        left = self.share * expit(-odds)
        shape, last, now = r + self.x, alpha + self.t_x, alpha + self.T
        mean, by_r, by_a, by_b = self._of_counts(r, a, b)
        mean += r * np.log(alpha)
        mean += _dot(self.share, np.logaddexp(0, -odds) - shape * np.log(now))
        slopes = (
            by_r + np.log(alpha) - _dot(self.share, np.log(now)) - _dot(left, np.log(last / now)),
            r / alpha - _dot(self.share, shape / now) - _dot(left, shape / last - shape / now),
            by_a + left.sum() / a,
            by_b - _dot(left, 1 / (b + np.maximum(self.x, 1) - 1)),
        )
        return -mean, -np.array(slopes) * parameters

    def _of_counts(self, r: float, a: float, b: float) -> tuple[float, float, float, float]:
        """Return what x alone adds to the mean log-likelihood, and its slopes by r, a and b."""
        from scipy.special import betaln, gammaln, psi

        x, share = self.counts, self.count_share
        both = _dot(share, psi(a + b) - psi(a + b + x))
        return (
            _dot(share, gammaln(r + x) - gammaln(r) + betaln(a, b + x) - betaln(a, b)),
            _dot(share, psi(r + x) - psi(r)),
            both,
            both + _dot(share, psi(b + x) - psi(b)),
        )


def _log_odds(parameters: Iterable[float], x: Floats, t_x: Floats, T: Floats) -> Floats:
    """Return the logarithm of p_alive / (1 - p_alive)."""
    import numpy as np

    r, alpha, a, b = parameters
    stays = (b + np.maximum(x, 1) - 1) / a
    odds = (r + x) * np.log((alpha + t_x) / (alpha + T)) + np.log(stays)
    return np.where(x > 0, odds, np.inf)


def _dot(weights: Floats, values: Floats) -> float:
    # Not by BLAS, whose threads mostly wait here and add in another order on another machine.
    return float((weights * values).sum())


def _columns(rows: pa.Table, *names: str) -> list[Floats]:
    return [_floats(rows.column(name).to_numpy()) for name in names]


def _floats(values: Any) -> Floats:
    import numpy as np

    return np.asarray(values, dtype=np.float64)
