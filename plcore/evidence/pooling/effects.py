"""Effect sizes with their sampling variances, from the counts and means that papers print.

Every function takes arrays of any common shape, studies along the last axis, and returns a pair
(y, v) on the scale that is pooled. Counts may be fractions (back-calculated from a percentage).

Zero cells: where a cell of a study's table is 0 (no events, or nothing but events), `add` is added
to all cells of *that study only*, as metafor does by default (add = 1/2, to = "only0"). The other
studies are left as printed. `add=0` refuses such studies instead. Proportions need no such device
in `pool_exact`, which should be preferred when cells are empty or studies small.

Parameters
----------
events, events_1, events_2 : array_like, shape (..., k)
    People with the event, alone or in arms 1 and 2; from 0 to n.
n, n_1, n_2 : array_like, shape (..., k)
    People in the study or arm, above 0.
add : float
    Put into every cell of a study with an empty one; 0 refuses such a study.
mean_1, mean_2, sd_1, sd_2 : array_like, shape (..., k)
    Means and standard deviations of the arms; these must be above 0.

References
----------
Viechtbauer (2010), J Stat Softw 36(3), section 3.1 (the formulas and the zero-cell rule).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plcore.evidence.pooling.studies import Array, refuse


def logit_proportion(
    events: npt.ArrayLike, n: npt.ArrayLike, *, add: float = 0.5
) -> tuple[Array, Array]:
    """Log odds of a share, log(events / (n - events)), and 1/events + 1/(n - events)."""
    (yes, no) = _filled(*_arm(events, n, ""), add=add)
    return np.log(yes / no), 1 / yes + 1 / no


def log_risk_ratio(
    events_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    events_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    add: float = 0.5,
) -> tuple[Array, Array]:
    """Log ratio of the risk in arm 1 to that in arm 2; 1/e1 - 1/n1 + 1/e2 - 1/n2.

    A study without events in either arm says nothing about a ratio; the zero-cell rule gives it a
    y near 0 and a large v rather than dropping it unseen.
    """
    a, b, c, d = _filled(*_arm(events_1, n_1, "_1"), *_arm(events_2, n_2, "_2"), add=add)
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def log_odds_ratio(
    events_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    events_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    add: float = 0.5,
) -> tuple[Array, Array]:
    """Log ratio of the odds in arm 1 to those in arm 2; the sum of the cells' reciprocals."""
    a, b, c, d = _filled(*_arm(events_1, n_1, "_1"), *_arm(events_2, n_2, "_2"), add=add)
    return np.log(a / b) - np.log(c / d), 1 / a + 1 / b + 1 / c + 1 / d


def risk_difference(
    events_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    events_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
    *,
    add: float = 0.5,
) -> tuple[Array, Array]:
    """Risk in arm 1 less that in arm 2; p1(1 - p1)/n1 + p2(1 - p2)/n2."""
    a, b, c, d = _filled(*_arm(events_1, n_1, "_1"), *_arm(events_2, n_2, "_2"), add=add)
    n1, n2 = a + b, c + d
    return a / n1 - c / n2, a * b / n1**3 + c * d / n2**3


def mean_difference(
    mean_1: npt.ArrayLike,
    sd_1: npt.ArrayLike,
    n_1: npt.ArrayLike,
    mean_2: npt.ArrayLike,
    sd_2: npt.ArrayLike,
    n_2: npt.ArrayLike,
) -> tuple[Array, Array]:
    """Mean of arm 1 less that of arm 2, in the outcome's own unit; sd1^2/n1 + sd2^2/n2."""
    given = (mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    m1, s1, n1, m2, s2, n2 = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in given)
    )
    for name, mean in (("mean_1", m1), ("mean_2", m2)):
        refuse(mean, np.isfinite(mean), name, "must be finite")
    for name, positive in (("sd_1", s1), ("n_1", n1), ("sd_2", s2), ("n_2", n2)):
        refuse(positive, np.isfinite(positive) & (positive > 0), name, "must be above 0")
    return m1 - m2, s1**2 / n1 + s2**2 / n2


def checked_counts(events: npt.ArrayLike, n: npt.ArrayLike, arm: str = "") -> tuple[Array, Array]:
    """Events and people as float arrays of one shape, 0 <= events <= n and n > 0."""
    e, total = np.broadcast_arrays(
        np.atleast_1d(np.asarray(events, dtype=np.float64)),
        np.atleast_1d(np.asarray(n, dtype=np.float64)),
    )
    refuse(total, np.isfinite(total) & (total > 0), f"n{arm}", "must be finite and above 0")
    refuse(e, np.isfinite(e) & (e >= 0), f"events{arm}", "must be finite and not below 0")
    refuse(e, e <= total, f"events{arm}", "must not exceed n")
    return e, total


def _arm(events: npt.ArrayLike, n: npt.ArrayLike, arm: str) -> tuple[Array, Array]:
    e, total = checked_counts(events, n, arm)
    return e, total - e


def _filled(*cells: Array, add: float) -> tuple[Array, ...]:
    """The cells, with `add` put into every cell of a study that has an empty one."""
    if not add >= 0:
        raise ValueError(f"add is {add:g}, but it must not be below 0")
    empty = np.any([cell == 0 for cell in np.broadcast_arrays(*cells)], axis=0)
    if add == 0:
        refuse(np.zeros(empty.shape), ~empty, "a cell", "must be above 0 when add=0")
    return tuple(np.where(empty, cell + add, cell) for cell in np.broadcast_arrays(*cells))
