"""The exact binomial-normal model of proportions: no logits of counts, nothing added to any cell.

Study i has events_i ~ Binomial(n_i, expit(mu + tau z_i)) with z_i standard normal (Hamza, van
Houwelingen & Stijnen 2008, J Clin Epidemiol 61:41; Stijnen, Hamza & Ozdemir 2010, Stat Med
29:3046). The likelihood is integrated by quadrature that adapts to each study: the trapezoidal rule
on a sinh-stretched axis in place of Gauss-Hermite nodes, which at the same number are 30 to 600
times farther off where a study has no events (or nothing but) and tau is 3 to 6. It is climbed by Newton's method with exact derivatives in (mu, tau): as a function of tau it is even, so
tau = 0 is an ordinary stationary point and needs no special handling.

Studies in which nobody or everybody has the event are information like any other. Where *no* study
of a data set has both outcomes the likelihood has no finite maximum: the estimate is then -inf
(no events at all), inf (nothing but events) or NaN (some of each), se and tau2 are NaN and the
intervals unbounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.evidence.pooling.effects import checked_counts, logit_proportion
from plcore.evidence.pooling.exact_likelihood import (
    MOST_STEPS,
    N_NODES,
    STEP,
    Counts,
    Slope,
    as_counts,
    chosen,
    climb,
    newton,
    newton_tau,
    slopes,
    variance_of_mean,
)
from plcore.evidence.pooling.heterogeneity import paule_mandel
from plcore.evidence.pooling.least_squares import blocks, fit
from plcore.evidence.pooling.random_effects import Pooled, around, chi2_tail
from plcore.evidence.pooling.studies import Array, checked_level

# A limit of a mean log odds beyond this, a share within 1e-6 of 0 or 1, is no limit: there the
# likelihood of a few lopsided studies falls off with the logarithm of the distance only.
_FARTHEST = 14.0


def pool_exact(
    events: npt.ArrayLike, n: npt.ArrayLike, *, small_sample: bool = True, level: float = 0.95
) -> Pooled:
    """The mean log odds over settings by maximum likelihood of the exact model.

    Parameters
    ----------
    events, n : array_like, shape (..., k)
        People with the event and people studied; fractions are allowed.
    small_sample : bool
        Wald intervals from t on k - 1 (metafor's `test="t"`) or from the normal. With ten studies
        or fewer both cover too little (92% and 81% for 5 studies, tau2 = 0.1): report
        `likelihood_interval` instead.
    level : float
        Level of the intervals.

    Returns
    -------
    Pooled
        On the logit scale. `q` is the likelihood-ratio statistic against one common share. `i2` and
        `h2` set tau2 against the typical variance of the studies' logits, as for `pool`.
    """
    checked_level(level)
    e, total = checked_counts(events, n)
    shape, k = e.shape[:-1], e.shape[-1]
    counts = as_counts(e, total)
    mu, tau, found = _in_blocks(_maximum, counts)
    bounded = _bounded(counts)
    if k == 1:
        bounded = np.zeros_like(bounded)
    se = np.sqrt(np.where(bounded, variance_of_mean(found), np.nan))
    tau2 = np.where(bounded, tau**2, np.nan)
    df = float(k - 1) if small_sample else np.inf
    centre = _estimates(counts, mu)
    finite = np.where(np.isfinite(centre), centre, 0)
    low, high = around(finite, se, df, level)
    prediction_low, prediction_high = around(finite, np.sqrt(tau2 + se**2), df, level)
    q = 2 * (_saturated(counts) - _common(counts)[1])
    typical = (k - 1) / _trace_0(counts) if k > 1 else np.full(tau2.shape, np.nan)
    return Pooled(
        estimate=centre.reshape(shape),
        se=se.reshape(shape),
        low=low.reshape(shape),
        high=high.reshape(shape),
        tau2=tau2.reshape(shape),
        q=q.reshape(shape),
        q_p=chi2_tail(q, k - 1).reshape(shape),
        i2=(tau2 / (tau2 + typical)).reshape(shape),
        h2=(1 + tau2 / typical).reshape(shape),
        k=k,
        df=df,
        prediction_low=prediction_low.reshape(shape),
        prediction_high=prediction_high.reshape(shape),
        level=level,
    )


def likelihood_interval(
    events: npt.ArrayLike, n: npt.ArrayLike, *, small_sample: bool = True, level: float = 0.95
) -> tuple[Array, Array]:
    """Likelihood-ratio interval of the mean log odds over settings.

    Parameters
    ----------
    events, n : array_like, shape (..., k)
    small_sample : bool
        Twice the drop in profile likelihood allowed: k log(1 + t^2 / (k - 1)), t on k - 1, or
        chi-square on 1. The first is exact when studies are large, since tau2 is then a plain
        sample variance; chi-square takes tau2 as known and covers too little (90% for 5 studies).
    level : float

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
        reach = float(stats.norm.ppf((1 + level) / 2))
        if small_sample:
            t = float(stats.t.ppf((1 + level) / 2, k - 1))
            reach = math.sqrt(k * math.log1p(t * t / (k - 1)))
        for block in blocks(counts.n.shape[0], k * N_NODES):
            which = np.flatnonzero(_bounded(counts.take(block))) + block.start
            part = counts.take(which)
            mu, tau, top = _maximum(part)
            low[which] = _drop(part, mu, tau, top, -reach)
            high[which] = _drop(part, mu, tau, top, reach)
    return low.reshape(shape), high.reshape(shape)


def log_likelihood(
    events: npt.ArrayLike, n: npt.ArrayLike, mu: npt.ArrayLike, tau2: npt.ArrayLike
) -> Array:
    """Log-likelihood of the exact model at a mean log odds and a variance between settings.

    Parameters
    ----------
    events, n : array_like, shape (..., k)
        Counts, as for `pool_exact`.
    mu, tau2 : array_like, shape (...)
        Mean log odds, and variance between settings, not below 0.

    Returns
    -------
    ndarray, shape (...)
    """
    e, total = checked_counts(events, n)
    shape = np.broadcast_shapes(e.shape[:-1], np.shape(mu), np.shape(tau2))
    given = [np.broadcast_to(np.asarray(a, np.float64), shape).reshape(-1) for a in (mu, tau2)]
    if (given[1] < 0).any():
        raise ValueError(f"tau2 is {given[1].min():g}, but a variance is not below 0")
    k = e.shape[-1]
    counts = as_counts(*(np.broadcast_to(a, (*shape, k)).reshape(-1, k) for a in (e, total)))
    return slopes(counts, given[0], np.sqrt(given[1])).value.reshape(shape)


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
    each = special.xlogy(counts.events, share)
    each += special.xlog1py(counts.n - counts.events, -share)
    return np.asarray((each + counts.coefficient).sum(axis=1))


def _trace_0(counts: Counts) -> Array:
    y, v = logit_proportion(counts.events, counts.n)
    return fit(y, v, np.zeros(y.shape[0]), np.ones((y.shape[1], 1))).trace_0


def _in_blocks(
    solve: Callable[[Counts], tuple[Array, Array, Slope]], counts: Counts
) -> tuple[Array, Array, Slope]:
    n, k = counts.events.shape
    parts = [solve(counts.take(block)) for block in blocks(n, k * N_NODES)]
    names = Slope.__slots__
    return (
        np.concatenate([mu for mu, _, _ in parts]),
        np.concatenate([tau for _, tau, _ in parts]),
        Slope(*(np.concatenate([getattr(found, a) for _, _, found in parts]) for a in names)),
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
    for _ in range(MOST_STEPS):
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
        active = active[(np.abs(new - away) > STEP * (1 + away)) & np.isfinite(distance[active])]
        if active.size == 0:
            return np.asarray(mu + side * distance)
    raise ValueError(f"no limit found in {MOST_STEPS} steps for events {counts.events[active[0]]}")


def _profile(counts: Counts, mu: Array, tau: Array, away: Array) -> Slope:
    """The log-likelihood at mu and the best tau for it."""
    # Seen from a mean this far off, the settings seem to vary by the distance as well.
    start = np.sqrt(tau**2 + away**2)
    _, profile = climb(counts, mu, start, step=newton_tau)
    spread, common = slopes(counts, mu, profile), slopes(counts, mu, np.zeros(mu.size))
    better = spread.value >= common.value
    return chosen(better, spread, common)
