"""Score intervals: the effects that a table of counts does not contradict, and how to find them.

The score statistic of Miettinen and Nurminen (1985, Stat Med 4:213-226) sets the observed
difference against the standard error that it would have *if the effect in question were the true
one*, which is why it works with empty cells, where Wald intervals collapse. Its variance carries
their factor N / (N - 1). Each function gives |z| for one effect per table, all arrays (m,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from plcore.evidence.trials.counts import Array, normal_quantile

Index = npt.NDArray[np.intp]
#: Effects and the four counts of as many tables (m,), to how many standard errors off they are.
Off = Callable[[Array, Array, Array, Array, Array], Array]
Tables = tuple[Array, Array, Array, Array]

# A ratio of rates between exp(-60) and exp(60) covers any trial of this world.
FARTHEST_LOG = 60.0
# Steps until a limit is known to rounding; ten are usual.
_MOST_STEPS = 200
_ROUNDING = 1e-14
_CORRECTION = 1e-6


def difference_distance(delta: Array, x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """|z| of a difference of rates; the rates that allow it solve a cubic (their appendix I)."""
    total = n1 + n2
    # Of responders and the others, the fewer are counted: rates near 1 would lose their digits.
    turned = 2 * (x1 + x2) > total
    x1, x2 = np.where(turned, n1 - x1, x1), np.where(turned, n2 - x2, x2)
    delta = np.where(turned, -delta, delta)
    # The cubic p^3 + c2 p^2 + c1 p + c0 of the rate in arm 2.
    c2 = ((n1 + 2 * n2) * delta - total - x1 - x2) / total
    c1 = ((n2 * delta - total - 2 * x2) * delta + x1 + x2) / total
    c0 = x2 * delta * (1 - delta) / total
    q = (c2 / 3) ** 3 - c1 * c2 / 6 + c0 / 2
    size = np.sqrt(np.maximum((c2 / 3) ** 2 - c1 / 3, 0)) * np.where(q < 0, -1.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.where(size == 0, 1.0, q / size**3)
    angle = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    p2 = 2 * size * np.cos(angle) - c2 / 3
    # Where two roots are close the formula is right to eight digits; a step of Newton's restores
    # the rest, and is not taken where it is no such small correction.
    with np.errstate(invalid="ignore", divide="ignore"):
        step = (((p2 + c2) * p2 + c1) * p2 + c0) / ((3 * p2 + 2 * c2) * p2 + c1)
    p2 = p2 - np.where(np.abs(step) < _CORRECTION, step, 0)
    # Rounding may put the root just outside the rates that there are.
    p2 = np.clip(p2, np.maximum(0, -delta), np.minimum(1, 1 - delta))
    p1 = np.clip(p2 + delta, 0, 1)
    variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
    return standard_errors_off(x1 / n1 - x2 / n2 - delta, variance * total / (total - 1))


def ratio_distance(log_ratio: Array, x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """|z| of a ratio of rates; without the factor, the interval of Koopman (1984)."""
    total, ratio = n1 + n2, np.exp(log_ratio)
    # The discriminant of their quadratic, as a sum of what is not negative.
    root = np.hypot(ratio * (n1 + x2) - (x1 + n2), 2 * np.sqrt(ratio * (n1 - x1) * (n2 - x2)))
    p2 = 2 * (x1 + x2) / (ratio * (n1 + x2) + x1 + n2 + root)
    p1 = np.minimum(p2 * ratio, 1)
    variance = p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2
    return standard_errors_off(x1 / n1 - ratio * x2 / n2, variance * total / (total - 1))


def odds_distance(log_odds: Array, x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """|z| of a ratio of odds: Cornfield's interval (1956) without continuity correction."""
    total, ratio, both = n1 + n2, np.exp(log_odds), x1 + x2
    observed = np.stack([x1, n1 - x1, x2, n2 - x2])
    # Each by itself: as the rest of a margin, a small cell would lose its digits.
    expected = np.stack(
        [
            _expected(ratio, n1, n2, both),
            _expected(1 / ratio, n1, n2, total - both),
            _expected(1 / ratio, n2, n1, both),
            _expected(ratio, n2, n1, total - both),
        ]
    )
    smallest = expected.argmin(axis=0)[None]
    off = np.take_along_axis(observed - expected, smallest, axis=0)[0]
    with np.errstate(divide="ignore"):
        variance = 1 / (1 / expected).sum(axis=0)
    return standard_errors_off(off, variance * total / (total - 1))


def _expected(odds: Array, n1: Array, n2: Array, both: Array) -> Array:
    """Responders in arm 1 that this ratio of odds lets expect, given all margins."""
    b = odds * (n1 + both) + n2 - both
    root = np.hypot(odds * (n1 - both) + n2 - both, 2 * np.sqrt(odds * both * (n1 + n2 - both)))
    with np.errstate(divide="ignore", invalid="ignore"):
        few, many = 2 * odds * n1 * both / (b + root), (root - b) / (2 * (1 - odds))
    return np.asarray(np.where(b > 0, few, many))


def score_limits(
    off: Off, tables: Tables, estimate: Array, ends: tuple[float, float], level: float
) -> tuple[Array, Array]:
    """The effects on either side of the estimate that the tables only just do not contradict.

    Parameters
    ----------
    off : function
        Effects (m,) and the four counts of as many tables, to |z|.
    tables : four ndarrays, shape (...)
    estimate : ndarray, shape (...)
        On the scale of `off`, with |z| of 0. Where it is one of the ends, so is the limit.
    ends : (float, float)
        The least and greatest effect there is.
    """
    z = normal_quantile(level)
    flat = [values.reshape(-1) for values in tables]
    centre = estimate.reshape(-1)
    low, high = (_limit(off, flat, centre, np.full(centre.size, end), z) for end in ends)
    return low.reshape(estimate.shape), high.reshape(estimate.shape)


def _limit(off: Off, tables: list[Array], inside: Array, outside: Array, z: float) -> Array:
    found = outside.copy()
    beyond = np.flatnonzero(inside != outside)

    def gap(effect: Array, which: Index) -> Array:
        a, b, c, d = (values[beyond[which]] for values in tables)
        away = off(effect, a, b, c, d)
        # Runs from -1 to 1 however far off: an infinite distance would stop the interpolation.
        with np.errstate(invalid="ignore"):
            return np.where(np.isinf(away), 1.0, (away - z) / (away + z))

    found[beyond] = crossing(gap, inside[beyond], outside[beyond])
    return found


def crossing(gap: Callable[[Array, Index], Array], low: Array, high: Array) -> Array:
    """Where a function that is below 0 at `low` and above 0 at `high` is 0, shape (m,).

    Chandrupatla (1997, Adv Eng Softw 28:145-149): inverse quadratic interpolation where that is
    safe and interval halving where it is not. The function is not asked at the ends, where it is
    taken to be -1 and 1; `low` may be the greater one.
    """
    found = np.empty(low.size)
    which = np.arange(low.size)
    a, b = np.array(high, dtype=np.float64), np.array(low, dtype=np.float64)
    fa, fb, step = np.ones(a.size), -np.ones(a.size), np.full(a.size, 0.5)
    for _ in range(_MOST_STEPS):
        if which.size == 0:
            return found
        x = a + step * (b - a)
        fx = gap(x, which)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        tolerance = _ROUNDING + 4 * np.finfo(np.float64).eps * np.abs(best)
        with np.errstate(divide="ignore", invalid="ignore"):
            least = tolerance / np.abs(b - c)
            done = (least > 0.5) | (fa == 0) | (a == b)
            step = _next_step(a, b, c, fa, fb, fc)
        step = np.clip(step, np.minimum(least, 0.5), 1 - np.minimum(least, 0.5))
        found[which[done]] = best[done]
        go = ~done
        which, a, b, fa, fb, step = which[go], a[go], b[go], fa[go], fb[go], step[go]
    raise ValueError(
        f"no limit found in {_MOST_STEPS} steps between {low[which]} and {high[which]}"
    )


def _next_step(a: Array, b: Array, c: Array, fa: Array, fb: Array, fc: Array) -> Array:
    """The share of the way from a to b at which to look next."""
    xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
    inverse = fa / (fb - fa) * fc / (fb - fc)
    inverse += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(inverse)
    return np.where(safe, inverse, 0.5)


def standard_errors_off(off: Array, variance: Array) -> Array:
    """|off| in standard errors; 0 where it is 0, whatever the variance."""
    # Rounding may take a variance of 0 just below it.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.abs(off) / np.sqrt(np.maximum(variance, 0))
    return np.where(off == 0, 0.0, found)
