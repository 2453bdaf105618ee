"""The exact binomial-normal model of proportions: no logits of counts, nothing added to any cell.

Study i has events_i ~ Binomial(n_i, expit(mu + tau z_i)) with z_i standard normal (Hamza, van
Houwelingen & Stijnen 2008, J Clin Epidemiol 61:41; Stijnen, Hamza & Ozdemir 2010, Stat Med
29:3046). The likelihood is integrated by quadrature that adapts to each study: the trapezoidal rule
on a sinh-stretched axis in place of Gauss-Hermite nodes, which at the same number are 30 to 600
times farther off where a study has no events (or nothing but events) and tau is 3 to 6. It is
climbed by Newton's method with exact derivatives in (mu, tau): as a function of tau it is even, so
tau = 0 is an ordinary stationary point and needs no special handling.

Studies in which nobody or everybody has the event are information like any other. Where *no* study
of a data set has both outcomes the likelihood has no finite maximum: the estimate is then -inf
(no events at all), inf (nothing but events) or NaN (some of each), se and tau2 are NaN and the
intervals unbounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.evidence.pooling.random_effects import (
    Array,
    Pooled,
    around,
    blocks,
    checked_counts,
    checked_level,
    chi2_tail,
    logit_proportion,
    paule_mandel,
    trace_0,
    two_sided,
)

# Nodes per study, and how far its log integrand has fallen at the outermost. At worst (nobody or
# everybody has the event) a log-likelihood is off by 7e-9 for tau up to 1.5, 1e-7 for tau = 3 and
# 5e-7 for tau = 6; 31 Gauss-Hermite nodes leave 4e-10, 3e-6 and 3e-4, metafor's 7 nodes 2e-4, 2e-3
# and 3e-2.
_N_NODES = 31
_DEPTH = 30.0
# Newton's steps to the mode end at this; with a looser rule a result would depend on the other data sets.
_NEAR_MODE = 1e-6
# Newton stops after a step shorter than this, on the logit scale; what is left is its square.
_STEP = 1e-6
_MOST_STEPS = 200
# Steps that promise less are taken on trust: the quadrature's own error, which changes as its nodes
# move, would hide such a gain.
_NOISE = 1e-6
# With tau in the tens the quadrature is off by about this much; after this many steps a smaller
# promise counts as none.
_ENOUGH = 1e-4
_PATIENCE = 30
# A step no longer than this: beyond it the quadratic picture of the likelihood is fiction.
_STRIDE = 2.0
_LOG_ROOT_2_PI = math.log(2 * math.pi) / 2
# A limit of a mean log odds beyond this, a share within 1e-6 of 0 or 1, is no limit: there the
# likelihood of a few lopsided studies falls off with the logarithm of the distance only.
_FARTHEST = 14.0


def pool_exact(events: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> Pooled:
    """The mean log odds over settings by maximum likelihood of the exact model.

    Parameters
    ----------
    events, n : array_like, shape (..., k)
        People with the event and people studied; fractions are allowed.
    level : float
        Level of the Wald intervals, from t on k - 1 (metafor's `test="t"`). With ten studies or
        fewer they cover too little (92% for 5 studies, tau2 = 0.1): report `likelihood_interval`.

    Returns
    -------
    Pooled
        On the logit scale. `q` is the likelihood-ratio statistic against one common share; `i2`
        sets tau2 against the typical variance of the studies' logits, as for `pool`, and `weights`
        are those of their logits with this tau2.

    Raises
    ------
    ValueError
        Counts outside 0 <= events <= n; names data set and study.

    Examples
    --------
    >>> print(pool_exact([30, 45, 28], [40, 60, 50]).k)
    3
    """
    checked_level(level)
    e, total = checked_counts(events, n)
    shape, k = e.shape[:-1], e.shape[-1]
    counts = as_counts(e, total)
    mu, tau, slope = _maxima(counts)
    bounded = _bounded(counts)
    if k == 1:
        bounded = np.zeros_like(bounded)
    se = np.sqrt(np.where(bounded, variance_of_mean(slope), np.nan))
    tau2 = np.where(bounded, tau**2, np.nan)
    df = float(k - 1)
    centre = _estimates(counts, mu)
    finite = np.where(np.isfinite(centre), centre, 0)
    low, high = around(finite, se, df, level)
    prediction_low, prediction_high = around(finite, np.sqrt(tau2 + se**2), df, level)
    q = 2 * (_saturated(counts) - _common(counts)[1])
    logits, variances = logit_proportion(counts.events, counts.n)
    typical = (k - 1) / trace_0(logits, variances) if k > 1 else np.full(tau2.shape, np.nan)
    w = 1 / (variances + np.nan_to_num(tau2)[:, None])
    return Pooled(
        estimate=centre.reshape(shape),
        se=se.reshape(shape),
        low=low.reshape(shape),
        high=high.reshape(shape),
        p=two_sided(finite, se, df).reshape(shape),
        weights=(w / w.sum(axis=-1, keepdims=True)).reshape(*shape, k),
        tau2=tau2.reshape(shape),
        q=q.reshape(shape),
        q_p=chi2_tail(q, k - 1).reshape(shape),
        i2=(tau2 / (tau2 + typical)).reshape(shape),
        k=k,
        df=df,
        prediction_low=prediction_low.reshape(shape),
        prediction_high=prediction_high.reshape(shape),
        level=level,
    )


def likelihood_interval(
    events: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    """Likelihood-ratio interval of the mean log odds over settings.

    It ends where twice the profile likelihood has dropped by k log(1 + t^2 / (k - 1)), t on k - 1.
    That is exact when studies are large, since tau2 is then a plain sample variance; chi-square
    would take tau2 as known and cover too little (90% for 5 studies).

    Parameters
    ----------
    events, n : array_like, shape (..., k)
        People with the event and people studied, as for `pool_exact`.
    level : float
        Level of the interval.

    Returns
    -------
    low, high : ndarray, shape (...)
        Unbounded for a single study, where the likelihood has no finite maximum, and where a limit
        would lie beyond log odds of 14 (two or three lopsided studies).
    """
    checked_level(level)
    e, total = checked_counts(events, n)
    shape, k = e.shape[:-1], e.shape[-1]
    counts = as_counts(e, total)
    low, high = np.full((2, counts.n.shape[0]), [[-np.inf], [np.inf]])
    if k > 1:
        t = float(stats.t.ppf((1 + level) / 2, k - 1))
        reach = math.sqrt(k * math.log1p(t * t / (k - 1)))
        for block in blocks(counts.n.shape[0], k * _N_NODES):
            which = np.flatnonzero(_bounded(counts.take(block))) + block.start
            chosen_counts = counts.take(which)
            mu, tau, top = _maximum(chosen_counts)
            low[which] = _drop(chosen_counts, mu, tau, top, -reach)
            high[which] = _drop(chosen_counts, mu, tau, top, reach)
    return low.reshape(shape), high.reshape(shape)


def _bounded(counts: Counts) -> npt.NDArray[np.bool_]:
    """Whether some study has both outcomes, so that the likelihood has a maximum."""
    both = (counts.events > 0) & (counts.events < counts.n)
    return np.asarray(both.any(axis=1))


def _estimates(counts: Counts, mu: Array) -> Array:
    """mu, or -inf, inf or NaN where the likelihood has no maximum."""
    events, people = counts.events.sum(axis=1), counts.n.sum(axis=1)
    beyond = np.where(events == 0, -np.inf, np.where(events == people, np.inf, np.nan))
    return np.where(_bounded(counts), mu, beyond)


def _common(counts: Counts) -> tuple[Array, Array]:
    """Log odds and log-likelihood of one share common to all studies (tau = 0)."""
    events, people = counts.events.sum(axis=1), counts.n.sum(axis=1)
    share = events / people
    value = special.xlogy(events, share) + special.xlog1py(people - events, -share)
    with np.errstate(divide="ignore"):
        log_odds = np.log(events) - np.log(people - events)
    return log_odds, value + counts.coefficient.sum(axis=1)


def _saturated(counts: Counts) -> Array:
    share = counts.events / counts.n
    terms = special.xlogy(counts.events, share)
    terms += special.xlog1py(counts.n - counts.events, -share)
    return np.asarray((terms + counts.coefficient).sum(axis=1))


def _maxima(counts: Counts) -> tuple[Array, Array, Slope]:
    """`_maximum` block by block."""
    n, k = counts.events.shape
    solved = [_maximum(counts.take(block)) for block in blocks(n, k * _N_NODES)]
    names = Slope.__slots__
    return (
        np.concatenate([mu for mu, _, _ in solved]),
        np.concatenate([tau for _, tau, _ in solved]),
        Slope(*(np.concatenate([getattr(slope, a) for _, _, slope in solved]) for a in names)),
    )


def _maximum(counts: Counts) -> tuple[Array, Array, Slope]:
    """mu, tau >= 0 and the log-likelihood at its maximum; anything where there is none."""
    tau2 = paule_mandel(counts.y, counts.v) if counts.y.shape[1] > 1 else np.zeros(len(counts.y))
    # tau = 0 is always stationary, so the climb must not start there.
    tau = np.sqrt(np.maximum(tau2, 0.01))
    w = 1 / (counts.v + tau[:, None] ** 2)
    mu = (w * counts.y).sum(axis=1) / w.sum(axis=1)
    bounded = _bounded(counts)
    mu[bounded], tau[bounded] = climb(counts.take(bounded), mu[bounded], tau[bounded], step=newton)
    found = slopes(counts, mu, tau)
    common, at_common = _common(counts)
    flat = bounded & (at_common >= found.value - 1e-12 * (1 + np.abs(found.value)))
    mu, tau = np.where(flat, common, mu), np.where(flat, 0, np.abs(tau))
    return mu, tau, slopes(counts, mu, tau)


def _drop(counts: Counts, mu: Array, tau: Array, top: Slope, reach: float) -> Array:
    """mu on one side where the root of twice the drop in profile likelihood is |reach|.

    That root is nearly a straight line in mu, so Newton's method finds it, held between the
    farthest mu seen to be inside and the nearest seen to be outside, and never more than doubling
    its distance from the maximum.
    """
    side = np.sign(reach)
    farthest = np.maximum(_FARTHEST - side * mu, 1)
    distance = np.minimum(np.abs(reach) * np.sqrt(variance_of_mean(top)), farthest)
    inside, outside = np.zeros(mu.size), np.full(mu.size, np.inf)
    active = np.arange(mu.size)
    for _ in range(_MOST_STEPS):
        away = distance[active]
        found = _profile(counts.take(active), mu[active] + side * away, tau[active], away)
        root = np.sqrt(2 * np.maximum(top.value[active] - found.value, 0))
        short = root < np.abs(reach)
        inside[active] = np.where(short, away, inside[active])
        outside[active] = np.where(short, outside[active], away)
        rise = np.maximum(-side * found.mu, 1e-300)
        new = np.minimum(away + (np.abs(reach) - root) * root / rise, 2 * away)
        held = (new > inside[active]) & (new < outside[active])
        middle = (inside[active] + np.minimum(outside[active], 3 * away)) / 2
        new = np.minimum(np.where(held, new, middle), farthest[active])
        distance[active] = np.where(inside[active] == farthest[active], np.inf, new)
        active = active[(np.abs(new - away) > _STEP * (1 + away)) & np.isfinite(distance[active])]
        if active.size == 0:
            return np.asarray(mu + side * distance)
    raise ValueError(f"no limit found in {_MOST_STEPS} steps for events {counts.events[active[0]]}")


def _profile(counts: Counts, mu: Array, tau: Array, away: Array) -> Slope:
    """The log-likelihood at mu and the best tau for it."""
    # Seen from a mean this far off, the settings seem to vary by the distance as well.
    start = np.sqrt(tau**2 + away**2)
    _, profile = climb(counts, mu, start, step=newton_tau)
    spread, common = slopes(counts, mu, profile), slopes(counts, mu, np.zeros(mu.size))
    better = spread.value >= common.value
    return chosen(better, spread, common)


# The likelihood, its derivatives, and the way up it: counts are (n, k), mu and tau (n,)


@dataclass(frozen=True, slots=True)
class Counts:
    """Events, people, log binomial coefficients and rough logits with variances, (..., k)."""

    events: Array
    n: Array
    coefficient: Array
    y: Array
    v: Array

    def take(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> Counts:
        return Counts(
            self.events[which],
            self.n[which],
            self.coefficient[which],
            self.y[which],
            self.v[which],
        )


@dataclass(frozen=True, slots=True)
class Slope:
    """Log-likelihood (n,) with its gradient and second derivatives in mu and tau."""

    value: Array
    mu: Array
    tau: Array
    mu_mu: Array
    mu_tau: Array
    tau_tau: Array

    def take(self, which: npt.NDArray[np.bool_]) -> Slope:
        return Slope(*(getattr(self, name)[which] for name in self.__slots__))


def chosen(which: npt.NDArray[np.bool_], a: Slope, b: Slope) -> Slope:
    """a where `which` holds, b elsewhere."""
    return Slope(*(np.where(which, getattr(a, name), getattr(b, name)) for name in a.__slots__))


def as_counts(e: Array, n: Array) -> Counts:
    """Counts of shape (..., k) as rows of n data sets, with what follows from them alone."""
    e, n = e.reshape(-1, e.shape[-1]), n.reshape(-1, e.shape[-1])
    coefficient = special.gammaln(n + 1) - special.gammaln(e + 1) - special.gammaln(n - e + 1)
    # Rough positions only: half an event more on either side places the quadrature.
    y = np.log((e + 0.5) / (n - e + 0.5))
    return Counts(e, n, coefficient, y, 1 / (e + 0.5) + 1 / (n - e + 0.5))


def climb(
    counts: Counts,
    mu: Array,
    tau: Array,
    *,
    step: Callable[[Slope], tuple[Array, Array]],
) -> tuple[Array, Array]:
    """Uphill in (mu, tau) by the steps of `step`, halving any that leads down."""
    mu, tau = mu.copy(), tau.copy()
    active = np.arange(mu.size)
    here = slopes(counts, mu, tau)
    step_mu, step_tau = step(here)
    for taken in range(_MOST_STEPS):
        new_mu, new_tau = mu[active] + step_mu, tau[active] + step_tau
        there = slopes(counts, new_mu, new_tau)
        # Armijo's rule: a step across tau = 0 to the same height on the other side is no gain.
        gain = here.mu * step_mu + here.tau * step_tau
        up = (there.value >= here.value + 1e-4 * gain) | (gain < _NOISE)
        mu[active], tau[active] = (
            np.where(up, new_mu, mu[active]),
            np.where(up, new_tau, tau[active]),
        )
        moving = np.maximum(np.abs(step_mu), np.abs(step_tau)) > _STEP
        if taken >= _PATIENCE:
            moving &= gain > _ENOUGH
        if not moving.any():
            return mu, tau
        here = chosen(up, there, here)
        next_mu, next_tau = step(here)
        step_mu, step_tau = np.where(up, next_mu, step_mu / 2), np.where(up, next_tau, step_tau / 2)
        active, counts, here = active[moving], counts.take(moving), here.take(moving)
        step_mu, step_tau = step_mu[moving], step_tau[moving]
    raise ValueError(
        f"the exact model of the data set with events {counts.events[0].tolist()} of "
        f"{counts.n[0].tolist()} did not converge in {_MOST_STEPS} steps"
    )


def newton_tau(at: Slope) -> tuple[Array, Array]:
    """Newton's step in tau alone."""
    curve = np.maximum(np.abs(at.tau_tau), 1e-12)
    step = at.tau / curve
    return np.zeros_like(step), np.clip(step, -_STRIDE, _STRIDE)


def newton(at: Slope) -> tuple[Array, Array]:
    """Newton's step; where the likelihood does not curve downward, one along the gradient."""
    a, b, c = -at.mu_mu, -at.mu_tau, -at.tau_tau
    middle = (a + c) / 2
    least = middle - np.hypot((a - c) / 2, b)
    lift = np.where(least < 1e-9, 2 * np.abs(least) + 1e-3 * np.abs(middle) + 1e-9, 0)
    a, c = a + lift, c + lift
    determinant = a * c - b * b
    step_mu = (c * at.mu - b * at.tau) / determinant
    step_tau = (a * at.tau - b * at.mu) / determinant
    length = np.hypot(step_mu, step_tau)
    share = np.minimum(1, _STRIDE / np.maximum(length, _STRIDE))
    return step_mu * share, step_tau * share


def variance_of_mean(found: Slope) -> Array:
    """Variance of mu: the inverse of the observed information in both parameters."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 / (-found.mu_mu + found.mu_tau**2 / found.tau_tau))


def slopes(counts: Counts, mu: Array, tau: Array) -> Slope:
    """Log-likelihood and derivatives of n data sets at mu (n,) and tau (n,)."""
    e, n = counts.events, counts.n
    m, t = mu[:, None], tau[:, None]
    nodes, gaps = _nodes(counts, m, t)
    eta = m + t * nodes
    decay = np.exp(-np.abs(eta))
    # In place where it can be: half the time would go into fetching memory.
    log_terms = np.log1p(decay)
    log_terms += np.maximum(eta, 0)
    log_terms *= -n
    log_terms += e * eta
    log_terms -= nodes**2 / 2
    share = np.where(eta >= 0, 1, decay)
    share /= 1 + decay
    top = log_terms.max(axis=0)
    log_terms -= top
    terms = np.exp(log_terms, out=log_terms)
    terms *= gaps
    likelihood = terms.sum(axis=0)
    value = (np.log(likelihood) + top + counts.coefficient - _LOG_ROOT_2_PI).sum(axis=1)
    terms /= likelihood
    expected = n * share
    pull = e - expected
    weighted_pull = terms * pull
    expected *= 1 - share
    weighted_curve = weighted_pull * pull
    expected *= terms
    weighted_curve -= expected
    d_mu, d_tau = weighted_pull.sum(axis=0), (weighted_pull * nodes).sum(axis=0)
    leaning = weighted_curve * nodes
    return Slope(
        value,
        d_mu.sum(axis=1),
        d_tau.sum(axis=1),
        (weighted_curve.sum(axis=0) - d_mu**2).sum(axis=1),
        (leaning.sum(axis=0) - d_mu * d_tau).sum(axis=1),
        ((leaning * nodes).sum(axis=0) - d_tau**2).sum(axis=1),
    )


def _nodes(counts: Counts, mu: Array, tau: Array) -> tuple[Array, Array]:
    """Nodes in z and their weights, (_N_NODES, n, k): the trapezoidal rule in u, z = z0 + s sinh u.

    z0 and s are mode and width of the integrand. A study of which nobody or everybody has the event
    makes it a wall on one side and, for large tau, a long slope on the other: sinh sets nodes
    densely at the wall and sparsely down the slope, where Gauss-Hermite nodes fit neither.
    """
    e, n = counts.events, counts.n
    mode = tau * (counts.y - mu) / (counts.v + tau**2)
    for _ in range(_MOST_STEPS):
        share = special.expit(mu + tau * mode)
        curve = 1 + tau**2 * n * share * (1 - share)
        step = (tau * (e - n * share) - mode) / curve
        mode = mode + step
        if np.abs(step).max(initial=0) < _NEAR_MODE:
            break
    width = 1 / np.sqrt(curve)
    left, right = (_reach(counts, mu, tau, mode, width, side) for side in (-1, 1))
    first, last = -np.arcsinh(left / width), np.arcsinh(right / width)
    gap = (last - first) / (_N_NODES - 1)
    grown = np.exp(first + gap * np.arange(_N_NODES)[:, None, None])
    half = width / 2
    return mode + half * (grown - 1 / grown), gap * half * (grown + 1 / grown)


def _reach(counts: Counts, mu: Array, tau: Array, mode: Array, width: Array, side: int) -> Array:
    """How far from the mode, on one side, the log integrand has fallen by _DEPTH."""
    # It falls at least as fast as that of the normal density, which bounds the reach.
    farthest = math.sqrt(2 * _DEPTH)
    top = _log_integrand(counts, mu + tau * mode, mode)
    reach = farthest * width
    for _ in range(3):
        z = mode + side * reach
        eta = mu + tau * z
        fallen = top - _log_integrand(counts, eta, z)
        slope = side * (z - tau * (counts.events - counts.n * special.expit(eta)))
        reach = np.minimum(reach + (_DEPTH - fallen) / slope, farthest)
    return np.asarray(reach)


def _log_integrand(counts: Counts, eta: Array, z: Array) -> Array:
    softplus = np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta)))
    return np.asarray(counts.events * eta - counts.n * softplus - z**2 / 2)
