"""Both treatments in the same people: crossover trials with a response or a mean.

Of n people, `both` respond under either, `first_only` under the first alone, `second_only` under
the second alone. What tells the treatments apart are the people in whom they differ. Papers mostly
print the two totals and not this table: `paired_bounds` then says what every table with those
totals would have given, and no single interval is more than a guess at it. No function here knows
of period or carry-over effects.

Parameters
----------
both, first_only, second_only, neither : array_like, shape (...)
    People who respond under both, one or none of the two.
responders_1, responders_2 : int
    Totals under the first and the second.
n : int
    People.

References
----------
Newcombe (1998), Stat Med 17:2635-2650; Tango (1998), Stat Med 17:891-908; Tang, Tang & Chan (2003),
Stat Med 22:1217-1233; Fagerland, Lydersen & Laake (2013), BMC Med Res Methodol 13:91 (mid-P).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from plcore.evidence.trials.comparison import Effect
from plcore.evidence.trials.counts import Array, checked_level, checked_responders, require, whole
from plcore.evidence.trials.response import wilson
from plcore.evidence.trials.score import FARTHEST_LOG, score_limits, standard_errors_off


class PairedInterval(Protocol):
    """A function of a paired table that gives an effect with its interval."""

    def __call__(
        self, both: Array, first_only: Array, second_only: Array, neither: Array, *, level: float
    ) -> Effect: ...


@dataclass(frozen=True, slots=True)
class PairedBounds:
    """What the tables that have the printed totals say between them; arrays (...).

    Attributes
    ----------
    estimate
        The effect; the totals fix it.
    low, high
        The lowest lower and the highest upper limit: no feasible table's interval reaches beyond.
    inner_low, inner_high
        The highest lower and the lowest upper limit: what all feasible tables agree on. Where they
        cross nothing is common to all, and they are still reported as they are.
    tables
        How many tables have these totals.
    level
        Level of each table's interval.
    """

    estimate: Array
    low: Array
    high: Array
    inner_low: Array
    inner_high: Array
    tables: npt.NDArray[np.int64]
    level: float


def paired_difference_newcombe(
    both: npt.ArrayLike,
    first_only: npt.ArrayLike,
    second_only: npt.ArrayLike,
    neither: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Response rate under the first treatment less that under the second, hybrid score interval.

    Newcombe's method 10: Wilson limits of both rates, joined with the correlation of the table,
    which is reduced by a continuity correction where it is positive.
    """
    a, b, c, d = _checked(both, first_only, second_only, neither)
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    (low_1, high_1), (low_2, high_2) = (wilson(x, n, level=level) for x in (a + b, a + c))
    product = a * d - b * c
    shrunk = np.where(product > 0, np.maximum(product - n / 2, 0), product)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    phi = np.where(margins > 0, shrunk / np.sqrt(np.where(margins > 0, margins, 1)), 0)
    low = p1 - p2 - _joined(p1 - low_1, high_2 - p2, phi)
    return Effect(p1 - p2, low, p1 - p2 + _joined(high_1 - p1, p2 - low_2, phi), level)


def paired_difference_score(
    both: npt.ArrayLike,
    first_only: npt.ArrayLike,
    second_only: npt.ArrayLike,
    neither: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Response rate under the first treatment less that under the second, Tango's score interval.

    Depends on the table through `first_only`, `second_only` and n alone.
    """
    a, b, c, d = _checked(both, first_only, second_only, neither)
    difference = np.asarray((b - c) / (a + b + c + d))
    low, high = score_limits(_difference_off, (a, b, c, d), difference, (-1.0, 1.0), level)
    return Effect(difference, low, high, level)


def paired_ratio_score(
    both: npt.ArrayLike,
    first_only: npt.ArrayLike,
    second_only: npt.ArrayLike,
    neither: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Effect:
    """Response rate under the first treatment over that under the second, score interval.

    Tang, Tang and Chan (2003). Infinite where only the first has responders; where neither has, NaN
    with an interval from 0 to infinity.
    """
    cells = _checked(both, first_only, second_only, neither)
    a, b, c, _ = cells
    silent = a + b + c == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(a + b) - np.log(a + c)
    ends = (-FARTHEST_LOG, FARTHEST_LOG)
    finite = np.where(silent, 0.0, np.clip(log_ratio, *ends))
    low, high = score_limits(_ratio_off, cells, finite, ends, level)
    low = np.where(silent | (log_ratio == -np.inf), 0.0, np.exp(low))
    high = np.where(silent | (log_ratio == np.inf), np.inf, np.exp(high))
    return Effect(np.where(silent, np.nan, np.exp(log_ratio)), low, high, level)


def mcnemar_exact(first_only: npt.ArrayLike, second_only: npt.ArrayLike) -> Array:
    """Two-sided exact P that the two treatments are alike (binomial on those who differ)."""
    b, c = np.broadcast_arrays(
        whole(first_only, "first_only", least=0), whole(second_only, "second_only", least=0)
    )
    more, fewer = np.maximum(b, c), np.minimum(b, c)
    tail = special.betainc(np.maximum(more, 1), fewer + 1, 0.5)
    return np.asarray(np.where(more == fewer, 1.0, 2 * tail))


def mcnemar_mid_p(first_only: npt.ArrayLike, second_only: npt.ArrayLike) -> Array:
    """Two-sided mid-P of the same test: counts half of what was seen, and is less cautious."""
    exact = mcnemar_exact(first_only, second_only)
    b, c = np.asarray(first_only, np.float64), np.asarray(second_only, np.float64)
    log_seen = -special.betaln(b + 1, c + 1) - np.log(b + c + 1) - (b + c) * np.log(2)
    return np.asarray(np.where(b == c, 1 - np.exp(log_seen) / 2, exact - np.exp(log_seen)))


def feasible_tables(
    responders_1: int, responders_2: int, n: int
) -> tuple[Array, Array, Array, Array]:
    """Every paired table with these totals: both, first_only, second_only, neither, each (m,)."""
    checked_responders(responders_1, n, arm="_1")
    checked_responders(responders_2, n, arm="_2")
    both = np.arange(max(0, responders_1 + responders_2 - n), min(responders_1, responders_2) + 1.0)
    return both, responders_1 - both, responders_2 - both, n - responders_1 - responders_2 + both


def paired_bounds(
    responders_1: npt.ArrayLike,
    responders_2: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    interval: PairedInterval = paired_difference_score,
    level: float = 0.95,
) -> PairedBounds:
    """An interval for the interval, where a crossover trial prints its two totals only.

    Parameters
    ----------
    responders_1, responders_2, n : array_like, shape (...)
        Responders under the first and second treatment among the same n people.
    interval : function
        `paired_difference_score`, `paired_difference_newcombe` or `paired_ratio_score`.
    """
    x1, people = checked_responders(responders_1, n, arm="_1")
    x2, _ = checked_responders(responders_2, n, arm="_2")
    x1, x2, people = np.broadcast_arrays(x1, x2, people)
    least = np.maximum(0, x1 + x2 - people).reshape(-1)
    tables = (np.minimum(x1, x2).reshape(-1) - least + 1).astype(np.int64)
    start = np.cumsum(tables) - tables
    which = np.repeat(np.arange(tables.size), tables)
    both = least[which] + np.arange(which.size) - start[which]
    r1, r2, m = (values.reshape(-1)[which] for values in (x1, x2, people))
    effect = interval(both, r1 - both, r2 - both, m - r1 - r2 + both, level=level)
    return PairedBounds(
        effect.estimate[start].reshape(x1.shape),
        np.minimum.reduceat(effect.low, start).reshape(x1.shape),
        np.maximum.reduceat(effect.high, start).reshape(x1.shape),
        np.maximum.reduceat(effect.low, start).reshape(x1.shape),
        np.minimum.reduceat(effect.high, start).reshape(x1.shape),
        tables.reshape(x1.shape),
        level,
    )


def crossover_mean_difference(
    mean_1: npt.ArrayLike,
    sd_1: npt.ArrayLike,
    mean_2: npt.ArrayLike,
    sd_2: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    correlation: npt.ArrayLike,
    level: float = 0.95,
) -> Effect:
    """Mean under the first treatment less that under the second in the same n people.

    Parameters
    ----------
    mean_1, sd_1, mean_2, sd_2, n : array_like, shape (...)
        As printed for each period, in the outcome's own unit. Two people or more.
    correlation : array_like, shape (...)
        Of a person's two outcomes, -1 to below 1. Papers hardly ever print it: show a range of it
        with `crossover_by_correlation`.

    Notes
    -----
    t on n - 1 with the variance (sd1^2 + sd2^2 - 2 r sd1 sd2) / n (Elbourne et al. 2002, Int J
    Epidemiol 31:140-149).
    """
    people = whole(n, "n", least=2)
    given = (mean_1, sd_1, mean_2, sd_2, correlation)
    m1, s1, m2, s2, r = (np.asarray(values, dtype=np.float64) for values in given)
    for name, mean in (("mean_1", m1), ("mean_2", m2)):
        require(mean, np.isfinite(mean), name, "a finite number")
    for name, sd in (("sd_1", s1), ("sd_2", s2)):
        require(sd, np.isfinite(sd) & (sd > 0), name, "a number above 0")
    require(r, (r >= -1) & (r < 1), "correlation", "a number from -1 to below 1")
    se = np.sqrt((s1**2 + s2**2 - 2 * r * s1 * s2) / people)
    half = -special.stdtrit(people - 1, (1 - checked_level(level)) / 2) * se
    difference = m1 - m2 + np.zeros(half.shape)
    return Effect(difference, difference - half, difference + half, level)


def crossover_by_correlation(
    mean_1: float,
    sd_1: float,
    mean_2: float,
    sd_2: float,
    n: int,
    *,
    correlations: Sequence[float],
    level: float = 0.95,
) -> pd.DataFrame:
    """The within-person difference for each correlation thought possible.

    Parameters
    ----------
    mean_1, sd_1, mean_2, sd_2 : float
        Under the first and the second.
    correlations : sequence of float
        Of the two values of a person, from -1 to below 1.

    Returns
    -------
    DataFrame
        A row a correlation: correlation, difference, low, high and n. The correlation is assumed.
    """
    if len(set(correlations)) < 2:
        raise ValueError(f"correlations are {list(correlations)}; expected a range of two or more")
    effect = crossover_mean_difference(
        mean_1, sd_1, mean_2, sd_2, n, correlation=np.array(correlations), level=level
    )
    columns = {"difference": effect.estimate, "low": effect.low, "high": effect.high}
    return pd.DataFrame({"correlation": list(correlations), **columns, "n": n})


def _checked(*cells: npt.ArrayLike) -> tuple[Array, Array, Array, Array]:
    names = ("both", "first_only", "second_only", "neither")
    checked = (whole(cell, name, least=0) for cell, name in zip(cells, names, strict=True))
    a, b, c, d = np.broadcast_arrays(*checked)
    require(a + b + c + d, a + b + c + d > 0, "the number of people", "1 or more")
    return a, b, c, d


def _joined(one: Array, other: Array, phi: Array) -> Array:
    return np.sqrt(np.maximum(one**2 - 2 * phi * one * other + other**2, 0))


def _difference_off(delta: Array, a: Array, b: Array, c: Array, d: Array) -> Array:
    """|z| of a difference: Tango's equation, the share of `second_only` at its best for it."""
    n = a + b + c + d
    linear = -b - c + (2 * n - b + c) * delta
    q = _greater_root(2 * n, linear, -c * delta * (1 - delta))
    return standard_errors_off(b - c - n * delta, n * (2 * q + delta * (1 - delta)))


def _ratio_off(log_ratio: Array, a: Array, b: Array, c: Array, d: Array) -> Array:
    """|z| of a ratio: Tang, Tang and Chan's equation."""
    n, ratio = a + b + c + d, np.exp(log_ratio)
    linear = (a + c) * ratio**2 - (a + b + 2 * c)
    q = _greater_root(n * (1 + ratio), linear, c * (1 - ratio) * (a + b + c) / n)
    variance = n * (1 + ratio) * q + (a + b + c) * (ratio - 1)
    return standard_errors_off(a + b - ratio * (a + c), variance)


def _greater_root(square: Array, linear: Array, constant: Array) -> Array:
    """The greater root of square x^2 + linear x + constant, without losing digits."""
    root = np.sqrt(np.maximum(linear**2 - 4 * square * constant, 0))
    positive = linear > 0
    below = np.where(positive, linear + root, 1)
    return np.where(positive, -2 * constant / below, (root - linear) / (2 * square))
