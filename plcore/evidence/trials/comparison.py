"""Treatment against control, two separate groups of people: differences, ratios, probabilities.

Arm 1 is the treatment, arm 2 the control, and a response is wanted: a difference above 0 and a
ratio above 1 favour the treatment. All counts are arrays of one shape (...), so that thousands of
simulated trials are compared at once. Two periods of the same people are in `plcore.evidence.trials.paired`.

Which interval. Added up over all tables of arms of 10 and 10, 12 and 8 or 25 and 18 and a grid of
rates, the score intervals and Newcombe's cover 95.1 to 96.1% on average and never less than 90.8%,
where Wald's of a difference covers 90 to 93% and down to 64%. `odds_ratio_exact` covers 97.4% or
more: never less than its level, and wide for it.

Parameters
----------
responders_1, n_1 : array_like, shape (...)
    Responders and people in arm 1, the treatment.
responders_2, n_2 : array_like, shape (...)
    The same in arm 2, the control.
margin : float
    A difference between -1 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.stats import contingency

from plcore.evidence.trials.counts import Array, checked_level, checked_responders, require
from plcore.evidence.trials.response import ResponseRate, wilson
from plcore.evidence.trials.score import (
    FARTHEST_LOG,
    Off,
    difference_distance,
    odds_distance,
    ratio_distance,
    score_limits,
)

Counts = tuple[Array, Array, Array, Array]

# The trapezoidal rule on a doubly exponential axis: its ends reach where a density that grows like
# 1 / share^0.9 has less than 1e-11 left, its step resolves a bell of which the width holds all but 1e-14 at either end.
_STEP = 0.04
_AXIS = np.arange(-128, 129) * _STEP
_LOGIT = np.pi * np.sinh(_AXIS)
_FLATTEST = 0.1
# Probability left out of the posterior at either end before it is integrated.
_LEFT_OUT = 1e-14


@dataclass(frozen=True, slots=True)
class Effect:
    """How far treatment and control differ, with the limits of its interval; arrays (...).

    Attributes
    ----------
    estimate, low, high : ndarray, shape (...)
        The difference or ratio and its limits.
    level : float
        Of the interval.
    """

    estimate: Array
    low: Array
    high: Array
    level: float


def risk_difference_newcombe(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Response rate in arm 1 less that in arm 2, with the hybrid score interval.

    Squares and adds the distances of the Wilson limits of both arms (Newcombe 1998, Stat Med
    17:873-890, method 10).
    """
    x1, n1, x2, n2 = _checked(responders_1, n_1, responders_2, n_2)
    (low_1, high_1), (low_2, high_2) = wilson(x1, n1, level=level), wilson(x2, n2, level=level)
    p1, p2 = x1 / n1, x2 / n2
    low = p1 - p2 - np.hypot(p1 - low_1, high_2 - p2)
    return Effect(p1 - p2, low, p1 - p2 + np.hypot(high_1 - p1, p2 - low_2), level)


def risk_difference_score(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Response rate in arm 1 less that in arm 2, with the score interval.

    Miettinen and Nurminen (1985, Stat Med 4:213-226, equations 8 and 9).
    """
    counts = _checked(responders_1, n_1, responders_2, n_2)
    x1, n1, x2, n2 = counts
    difference = np.asarray(x1 / n1 - x2 / n2)
    low, high = score_limits(difference_distance, counts, difference, (-1.0, 1.0), level)
    return Effect(difference, low, high, level)


def risk_difference_z(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    margin: float = 0.0,
) -> Array:
    """Score statistic of a difference beyond a margin; above 1.96 is significant at 2.5%.

    The test that `risk_difference_score` inverts (Miettinen and Nurminen 1985). A margin
    below 0 tests for not being worse by more than that; it must lie between -1 and 1.
    """
    if not -1 < margin < 1:
        raise ValueError(f"margin is {margin:g}; expected a difference between -1 and 1")
    x1, n1, x2, n2 = counts = _checked(responders_1, n_1, responders_2, n_2)
    off = x1 / n1 - x2 / n2 - margin
    flat = (values.reshape(-1) for values in counts)
    distance = difference_distance(np.full(off.size, margin), *flat).reshape(off.shape)
    return np.copysign(distance, off)


def risk_ratio_score(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Response rate in arm 1 over that in arm 2, with the score interval.

    Miettinen and Nurminen (1985, Stat Med 4:213-226, equation 10). The ratio is infinite where
    only arm 1 has responders. Where neither has, it is NaN and the interval 0 to infinity: such a
    trial says nothing of a ratio.
    """
    counts = _checked(responders_1, n_1, responders_2, n_2)
    x1, n1, x2, n2 = counts
    log_ratio = _log_ratio(x1 * n2, x2 * n1)
    return _ratio(ratio_distance, counts, log_ratio, (x1 == 0) & (x2 == 0), level)


def odds_ratio_score(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Odds of a response in arm 1 over those in arm 2, with the score interval.

    Miettinen and Nurminen (1985, Stat Med 4:213-226). NaN with an interval from 0 to infinity
    where nobody responds in either arm, or everybody.
    """
    counts = _checked(responders_1, n_1, responders_2, n_2)
    x1, n1, x2, n2 = counts
    silent = (x1 + x2 == 0) | (x1 + x2 == n1 + n2)
    return _ratio(odds_distance, counts, _log_ratio(x1 * (n2 - x2), x2 * (n1 - x1)), silent, level)


def odds_ratio_exact(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Conditional odds ratio given all margins, with its exact interval (Cornfield 1956).

    `scipy.stats.contingency.odds_ratio`, once for each different table. Its estimate is the
    conditional maximum likelihood one, nearer to 1 than the ratio of the printed odds.
    """
    checked_level(level)
    x1, n1, x2, n2 = _checked(responders_1, n_1, responders_2, n_2)
    rows = np.stack([x1, n1 - x1, x2, n2 - x2], axis=-1).reshape(-1, 4).astype(np.int64)
    tables, which = np.unique(rows, axis=0, return_inverse=True)
    found = np.empty((len(tables), 3))
    for i, table in enumerate(tables):
        if 0 in (table[0] + table[2], table[1] + table[3]):
            found[i] = np.nan, 0, np.inf
            continue
        result = contingency.odds_ratio(table.reshape(2, 2))
        limits = result.confidence_interval(level)
        found[i] = result.statistic, limits.low, limits.high
    estimate, low, high = np.moveaxis(found[which.reshape(-1)].reshape(*x1.shape, 3), -1, 0)
    return Effect(estimate, low, high, level)


def probability_better(
    treatment: ResponseRate, control: ResponseRate, *, margin: float = 0.0
) -> Array:
    """The probability that the treatment's response rate beats the control's by more than a margin.

    By quadrature over the posteriors of two separate arms (Altham 1969, J R Stat Soc B 31:261), to
    ten digits or so. A margin below 0
    asks whether the treatment is not worse by more than that; it must lie between -1 and 1.
    """
    if not -1 < margin < 1:
        raise ValueError(f"margin is {margin:g}; expected a difference between -1 and 1")
    arms = np.broadcast_arrays(treatment.a, treatment.b, control.a, control.b)
    for name, values in zip(("a", "b", "a", "b"), arms, strict=True):
        require(values, values >= _FLATTEST, name, f"{_FLATTEST:g} or more of a posterior")
    a1, b1, a2, b2 = (values.reshape(-1) for values in arms)
    # The narrower bell is the one to follow; where that is the control's, count who does not
    # respond: the arms then change places.
    swap = a1 * b1 / ((a1 + b1) ** 2 * (a1 + b1 + 1)) > a2 * b2 / ((a2 + b2) ** 2 * (a2 + b2 + 1))
    found = np.empty(a1.size)
    for part in np.array_split(np.arange(a1.size), 1 + a1.size // 10_000):
        s = swap[part]
        first = np.where(s, b2[part], a1[part]), np.where(s, a2[part], b1[part])
        second = np.where(s, b1[part], a2[part]), np.where(s, a1[part], b2[part])
        found[part] = _beats(*first, *second, margin)
    return found.reshape(arms[0].shape)


def _beats(a1: Array, b1: Array, a2: Array, b2: Array, margin: float) -> Array:
    """P(p1 - p2 > margin): the density of p1 times the chance of p2 < p1 - margin, integrated."""
    # Shares are carried with their complements, so that none near 1 loses its digits.
    low = np.maximum(special.betaincinv(a1, b1, _LEFT_OUT), max(margin, 0.0))
    above = np.maximum(special.betaincinv(b1, a1, _LEFT_OUT), max(-margin, 0.0))
    width = np.maximum(1 - above - low, 0)[:, None]
    share, rest = special.expit(_LOGIT), special.expit(-_LOGIT)
    p, q = low[:, None] + width * share, above[:, None] + width * rest
    with np.errstate(divide="ignore"):
        log_density = special.xlogy(a1[:, None] - 1, p) + special.xlogy(b1[:, None] - 1, q)
    # Nothing to integrate where the margin lies beyond the whole posterior.
    log_density = np.where(width > 0, log_density - special.betaln(a1, b1)[:, None], -np.inf)
    slope = _STEP * np.pi * np.cosh(_AXIS) * share * rest
    # p - margin, from whichever end of it keeps the digits.
    beyond = (low - max(margin, 0.0))[:, None] + width * share + max(-margin, 0.0)
    below = special.betainc(a2[:, None], b2[:, None], np.clip(beyond, 0, 1))
    inside = (np.exp(log_density) * below * slope * width).sum(axis=1)
    certain = special.betainc(b1, a1, max(-margin, 0.0))
    return np.asarray(np.clip(inside + certain, 0, 1))


def _checked(
    responders_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
) -> Counts:
    arm_1 = checked_responders(responders_1, n_1, arm="_1")
    arm_2 = checked_responders(responders_2, n_2, arm="_2")
    x1, n1, x2, n2 = np.broadcast_arrays(*arm_1, *arm_2)
    return x1, n1, x2, n2


def _log_ratio(above: Array, below: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(above) - np.log(below)


def _ratio(distance: Off, counts: Counts, log_ratio: Array, silent: Array, level: float) -> Effect:
    """A ratio found on the log scale; 0 to infinity where the trial is silent about it."""
    finite = np.where(silent, 0.0, np.clip(log_ratio, -FARTHEST_LOG, FARTHEST_LOG))
    low, high = score_limits(distance, counts, finite, (-FARTHEST_LOG, FARTHEST_LOG), level)
    low = np.where(silent | (log_ratio == -np.inf), 0.0, np.exp(low))
    high = np.where(silent | (log_ratio == np.inf), np.inf, np.exp(high))
    return Effect(np.where(silent, np.nan, np.exp(log_ratio)), low, high, level)
