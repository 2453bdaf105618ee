"""tau2, the variance between studies: five estimators and the Q-profile interval.

Each estimator takes y, v of shape (..., k) and, for meta-regression, a design of shape (k, p)
shared by all data sets; it returns tau2 of shape (...). To pool with another estimator, pass any
function of that form to `pool` or `regress`. Where no spread can be estimated (k = p, such as a
single study) tau2 is NaN; `fixed` assumes none and returns 0.

Notation: w = 1 / (v + tau2), W = diag(w), P = W - W X (X'W X)^-1 X'W, Q(tau2) = y'P y.

Parameters
----------
x : array_like, shape (k, p), optional
    Design of a meta-regression; without it, an intercept alone.

References
----------
DerSimonian & Laird (1986), Control Clin Trials 7:177; Paule & Mandel (1982), J Res NBS 87:377;
Viechtbauer (2005), J Educ Behav Stat 30:261 (ML, REML); Viechtbauer (2007), Stat Med 26:37
(Q-profile interval).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import stats

from plcore.evidence.pooling.least_squares import blocks, cross, total, trace, trace_p, weigh
from plcore.evidence.pooling.studies import Array, checked, checked_level, design, flat

# Newton's last step is this share of the variance of the most precise study, or less. The error it
# leaves is about the square of that, so tau2 stands at its optimum to rounding, on any scale.
_STEP = 1e-6
_MOST_STEPS = 100
# After so many steps, interval halving takes over: it cannot fail to end.
_PATIENCE = 30


class Estimator(Protocol):
    """A function from studies (and a design) to tau2 of each data set."""

    def __call__(
        self, y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /
    ) -> Array: ...


def fixed(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -> Array:
    """Zero: the fixed-effect model, in which all studies estimate one value."""
    return np.zeros(checked(y, v)[0].shape[:-1])


def dersimonian_laird(
    y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /
) -> Array:
    """tau2 by moments: what Q(0) exceeds its expectation k - p by, over tr P; not below 0."""
    return _estimate(y, v, x, _moments)


def paule_mandel(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -> Array:
    """tau2 at which Q(tau2) equals its expectation k - p; 0 where Q(0) is already below."""
    return _estimate(y, v, x, lambda y, v, x: _solve_q(y, v, x, float(x.shape[0] - x.shape[1])))


def maximum_likelihood(
    y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /
) -> Array:
    """tau2 of maximum likelihood; too low on average when studies are few."""
    return _estimate(y, v, x, partial(_climb, restricted=False))


def reml(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -> Array:
    """tau2 of restricted maximum likelihood (REML).

    The likelihood may have several maxima (one data set in some hundreds, when precisions differ
    wildly); this is the better of the one nearest `dersimonian_laird` and 0, as in metafor.
    """
    return _estimate(y, v, x, partial(_climb, restricted=True))


def tau2_interval(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    x: npt.ArrayLike | None = None,
    /,
    *,
    level: float = 0.95,
) -> tuple[Array, Array]:
    """Q-profile interval of tau2 (Viechtbauer 2007): where Q(tau2) is a plausible chi-square.

    Returns
    -------
    low, high : ndarray, shape (...)
        A limit that would lie below 0 is 0. Both are 0 where the studies agree more closely than
        chance explains even at tau2 = 0: the interval proper is then empty. With k = p they are
        0 and infinity, since nothing is known.
    """
    tail = (1 - checked_level(level)) / 2
    estimates, _ = checked(y, v)
    k = estimates.shape[-1]
    df = k - design(x, k).shape[1]
    if df == 0:
        return np.zeros(estimates.shape[:-1]), np.full(estimates.shape[:-1], np.inf)
    ends = (float(stats.chi2.ppf(share, df)) for share in (1 - tail, tail))
    low, high = (_estimate(y, v, x, partial(_solve_q, target=end)) for end in ends)
    return low, high


def _estimate(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    x: npt.ArrayLike | None,
    solve: Callable[[Array, Array, Array], Array],
) -> Array:
    """Check the input, solve block by block, and return tau2 in the shape of the data sets."""
    estimates, variances = checked(y, v)
    shape, k = estimates.shape[:-1], estimates.shape[-1]
    columns = design(x, k)
    if k == columns.shape[1]:
        return np.full(shape, np.nan)
    flat_y, flat_v = (values.reshape(-1, k) for values in (estimates, variances))
    found = np.empty(flat_y.shape[0])
    for block in blocks(found.size, k):
        found[block] = solve(flat(flat_y[block]), flat(flat_v[block]), columns)
    return found.reshape(shape)


def _moments(y: Array, v: Array, x: Array) -> Array:
    found = weigh(y, v, None, x)
    excess = found.q - (x.shape[0] - x.shape[1])
    return np.asarray(np.maximum(0, excess / trace_p(x, found)))


def _solve_q(y: Array, v: Array, x: Array, target: float) -> Array:
    """tau2 at which Q equals the target, 0 where Q(0) is below it.

    Q is a Stieltjes function of tau2, so 1/Q is concave and Newton's steps on it approach the root
    from below without ever passing it; where all v are equal one step is enough.
    """
    tau2 = np.zeros(y.shape[1])
    active = np.arange(tau2.size)
    for _ in range(_MOST_STEPS):
        found = weigh(y, v, tau2[active], x)
        slope = total((found.w * found.residuals) ** 2)
        apart = found.q > target
        step = np.zeros(active.size)
        np.divide((found.q / target - 1) * found.q, slope, out=step, where=apart)
        tau2[active] += step
        moving = step > _STEP * (tau2[active] + _typical(v))
        if not moving.any():
            return tau2
        if not moving.all():
            active = active[moving]
            y, v = np.compress(moving, y, axis=1), np.compress(moving, v, axis=1)
    raise ValueError(f"Q did not reach {target:g} in {_MOST_STEPS} steps for tau2 {tau2[active]}")


def _climb(y: Array, v: Array, x: Array, *, restricted: bool) -> Array:
    """tau2 of (restricted) maximum likelihood: the better of 0 and the maximum near the moments."""
    tau2 = _uphill(y, v, x, _moments(y, v, x), restricted=restricted)
    # A second maximum at 0 needs a score there that is not above 0.
    score_at_0 = _slopes(y, v, np.zeros(tau2.size), x, restricted=restricted)[0]
    doubtful = np.flatnonzero((tau2 > 0) & (score_at_0 <= 0))
    if doubtful.size > 0:
        y, v = y[:, doubtful], v[:, doubtful]
        at_0 = _log_likelihood(y, v, np.zeros(doubtful.size), x, restricted=restricted)
        here = _log_likelihood(y, v, tau2[doubtful], x, restricted=restricted)
        tau2[doubtful[at_0 > here]] = 0
    return tau2


def _log_likelihood(y: Array, v: Array, tau2: Array, x: Array, *, restricted: bool) -> Array:
    """(Restricted) log-likelihood of tau2, but for a constant."""
    found = weigh(y, v, tau2, x)
    twice = total(np.log(found.w)) - found.q
    if restricted:
        twice += np.linalg.slogdet(np.moveaxis(found.inverse, -1, 0))[1]
    return np.asarray(twice / 2)


def _uphill(y: Array, v: Array, x: Array, start: Array, *, restricted: bool) -> Array:
    """tau2 at the maximum of the (restricted) likelihood next to the start.

    Newton's steps where the likelihood curves downward, Fisher's where it does not, both held
    between the highest tau2 seen to be too low and the lowest seen to be too high.
    """
    tau2 = start.copy()
    df = x.shape[0] - x.shape[1] if restricted else x.shape[0]
    active = np.arange(tau2.size)
    low, high = np.zeros(tau2.size), np.full(tau2.size, np.inf)
    for step in range(_MOST_STEPS):
        t = tau2[active]
        score, observed, expected = _slopes(y, v, t, x, restricted=restricted)
        too_low = score > 0
        low, high = np.where(too_low, t, low), np.where(too_low, high, t)
        # Newton's step for score x (v + tau2)^2, of which the score is nearly a straight line.
        slope = observed - 2 * score * np.sqrt(expected / df)
        fisher = t + score / expected
        new = np.where(slope > 0, t + score / np.where(slope > 0, slope, 1), fisher)
        outside = (new < low) | (new > high)
        new = np.where(
            outside & np.isfinite(high), (low + high) / 2, np.where(outside, fisher, new)
        )
        # A step below 0 from elsewhere looks at 0 itself before halving: maxima there are common.
        new = np.where(outside & (low == 0) & (t > 0) & (step < _PATIENCE), 0, new)
        if step >= _PATIENCE:
            new = np.where(np.isfinite(high), (low + high) / 2, new)
        new = np.where((t == 0) & ~too_low, 0, new)
        tau2[active] = new
        moving = np.abs(new - t) > _STEP * (t + _typical(v))
        if not moving.any():
            return tau2
        if not moving.all():
            active = active[moving]
            y, v = np.compress(moving, y, axis=1), np.compress(moving, v, axis=1)
            low, high = low[moving], high[moving]
    raise ValueError(f"the likelihood has no maximum within {_MOST_STEPS} steps of {tau2[active]}")


def _slopes(
    y: Array, v: Array, tau2: Array, x: Array, *, restricted: bool
) -> tuple[Array, Array, Array]:
    """Twice the score, the observed and the expected information of tau2."""
    found = weigh(y, v, tau2, x)
    w, inverse = found.w, found.inverse
    pull = w * found.residuals
    w_pull = w * pull
    squares = total(pull * pull)
    beyond = x.T @ w_pull
    cubes = total(w_pull * pull) - np.einsum("pn,pqn,qn->n", beyond, inverse, beyond)
    w2 = w * w
    trace1, trace2 = total(w), total(w2)
    if restricted:
        cross2, cross3 = cross(x, w2), cross(x, w2 * w)
        turned = np.einsum("pqn,qrn->prn", inverse, cross2)
        trace1 = trace1 - np.einsum("ppn->n", turned)
        trace2 = trace2 - 2 * trace(inverse, cross3) + np.einsum("pqn,qpn->n", turned, turned)
    return squares - trace1, 2 * cubes - trace2, trace2


def _typical(v: Array) -> Array:
    """Smallest sampling variance of each data set: the scale on which tau2 must be exact."""
    return np.asarray(v.min(axis=0))
