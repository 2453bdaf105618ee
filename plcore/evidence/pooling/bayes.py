"""The random-effects model in Bayes' manner, by quadrature over tau: no sampler, no burn-in.

Given tau, the mean has a normal posterior in closed form (flat prior on the mean); what remains is
one integral over tau, done on a grid (Röver 2020, J Stat Softw 93(6), the direct approach). With
few studies this is the honest way to carry the uncertainty of tau into a prediction: the prior says
what spread is thinkable, and has to be given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from plcore.evidence.pooling.heterogeneity import dersimonian_laird
from plcore.evidence.pooling.studies import Array, checked, checked_level

# Cells of the grid over tau. The midpoint rule is off by about 1 / (24 cells^2) of the posterior.
_CELLS = 500
# Halvings of an interval: 2^-60 of it is rounding.
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """Prior of tau: the absolute value of a normal of the given standard deviation.

    Attributes
    ----------
    scale : float
        That standard deviation, above 0.
    """

    scale: float

    def log_density(self, tau: Array) -> Array:
        """Log density at tau, of any shape, but for a constant."""
        return -((tau / _positive(self.scale, "scale")) ** 2) / 2


@dataclass(frozen=True, slots=True)
class HalfT:
    """Prior of tau: the absolute value of scale times t on df (df = 1 is half-Cauchy)."""

    scale: float
    df: float

    def log_density(self, tau: Array) -> Array:
        """Log density at tau, of any shape, but for a constant."""
        squares = (tau / _positive(self.scale, "scale")) ** 2 / _positive(self.df, "df")
        return -(self.df + 1) / 2 * np.log1p(squares)


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of the mean, of tau and of a new setting; arrays of the leading shape.

    Attributes
    ----------
    estimate, se, low, high
        Posterior mean, standard deviation and central interval of the mean over settings.
    prediction_low, prediction_high
        Central interval of the true value of one new setting.
    tau, tau_low, tau_high
        Posterior median and central interval of tau.
    edges, weight, mean, variance
        The grid: cells of tau between `edges` (..., cells + 1), their posterior probability, and
        mean and variance of the normal posterior of the mean at the middle of each (..., cells).
    level : float
    """

    estimate: Array
    se: Array
    low: Array
    high: Array
    prediction_low: Array
    prediction_high: Array
    tau: Array
    tau_low: Array
    tau_high: Array
    edges: Array
    weight: Array
    mean: Array
    variance: Array
    level: float


def bayes(
    y: npt.ArrayLike, v: npt.ArrayLike, *, prior: HalfNormal | HalfT, level: float = 0.95
) -> Posterior:
    """Posterior of the mean, tau and a new setting under a prior for tau and a flat one for mu.

    Shapes: y, v (..., k). One study is enough: its spread is then the prior's. The grid resolves
    tau for up to some hundred studies; beyond, the prior hardly matters and `pool` says the same.
    """
    checked_level(level)
    estimates, variances = checked(y, v)
    # The grid is even in tau / (scale + tau), which reaches from 0 to infinity.
    k = estimates.shape[-1]
    moments = dersimonian_laird(estimates, variances) if k > 1 else np.zeros(estimates.shape[:-1])
    scale = np.sqrt(moments + variances.min(axis=-1))[..., None]
    u = np.linspace(0, 1, _CELLS + 1)
    middle = (u[1:] + u[:-1]) / 2
    tau = scale * middle / (1 - middle)
    edges = np.concatenate([scale * u[:-1] / (1 - u[:-1]), np.full_like(scale, np.inf)], axis=-1)
    mean, variance, log_weight = _given_tau(estimates, variances, tau)
    log_weight += prior.log_density(tau) - 2 * np.log1p(-middle)
    weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
    weight /= weight.sum(axis=-1, keepdims=True)
    estimate = (weight * mean).sum(axis=-1)
    spread = (weight * (variance + (mean - estimate[..., None]) ** 2)).sum(axis=-1)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = np.moveaxis(_mixture_quantile(mean, variance, weight, tails), -1, 0)
    new = np.moveaxis(_mixture_quantile(mean, variance + tau**2, weight, tails), -1, 0)
    shares = np.array([0.5, *tails])
    tau_median, tau_low, tau_high = np.moveaxis(_tau_quantile(edges, weight, shares), -1, 0)
    return Posterior(
        estimate,
        np.sqrt(spread),
        low,
        high,
        new[0],
        new[1],
        tau_median,
        tau_low,
        tau_high,
        edges,
        weight,
        mean,
        variance,
        level,
    )


def mean_quantile(posterior: Posterior, p: npt.ArrayLike) -> Array:
    """Quantiles of the mean over settings at probabilities p (m,), shape (..., m)."""
    return _mixture_quantile(
        posterior.mean, posterior.variance, posterior.weight, _probabilities(p)
    )


def new_setting_quantile(posterior: Posterior, p: npt.ArrayLike) -> Array:
    """Quantiles of the true value of one new setting at probabilities p (m,), shape (..., m)."""
    wider = posterior.variance + _middle(posterior.edges) ** 2
    return _mixture_quantile(posterior.mean, wider, posterior.weight, _probabilities(p))


def posterior_draws(posterior: Posterior, n_draws: int, *, seed: int) -> tuple[Array, Array]:
    """Draws of the mean and, from the same worlds, of a new setting; each (..., n_draws).

    Parameters
    ----------
    n_draws : int
        1 or more.
    """
    if n_draws < 1:
        raise ValueError(f"n_draws is {n_draws}, but it must be at least 1")
    random = np.random.default_rng(seed)
    shape = (*posterior.estimate.shape, n_draws)
    below = np.cumsum(posterior.weight, axis=-1)
    # Rounding may leave the last sum just under 1, and a random number just above it.
    below[..., -1] = 1
    cell = _search(below, random.random(shape))
    mean, variance, tau = (
        np.take_along_axis(values, cell, axis=-1)
        for values in (posterior.mean, posterior.variance, _middle(posterior.edges))
    )
    centre = mean + np.sqrt(variance) * random.standard_normal(shape)
    return centre, centre + tau * random.standard_normal(shape)


def _given_tau(y: Array, v: Array, tau: Array) -> tuple[Array, Array, Array]:
    """Mean, variance and log marginal likelihood (but for a constant) at each tau, (..., cells)."""
    total = np.zeros(tau.shape)
    weighted, squares, log_w = np.zeros_like(total), np.zeros_like(total), np.zeros_like(total)
    centre = y.mean(axis=-1, keepdims=True)
    for study in range(y.shape[-1]):
        w = 1 / (v[..., study, None] + tau**2)
        away = y[..., study, None] - centre
        total += w
        weighted += w * away
        squares += w * away**2
        log_w += np.log(w)
    q = squares - weighted**2 / total
    return centre + weighted / total, 1 / total, (log_w - np.log(total) - q) / 2


def _mixture_quantile(mean: Array, variance: Array, weight: Array, p: Array) -> Array:
    """Quantiles of mixtures of normals (..., cells) by interval halving, shape (..., m)."""
    sd = np.sqrt(variance)
    found = np.empty((*mean.shape[:-1], p.size))
    # Cells without weight may be as wide as they like.
    seen = weight > 1e-16
    for i, share in enumerate(p):
        ends = mean + special.ndtri(share) * sd
        low = np.where(seen, ends, np.inf).min(axis=-1)
        high = np.where(seen, ends, -np.inf).max(axis=-1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = (weight * special.ndtr((middle[..., None] - mean) / sd)).sum(axis=-1) < share
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found[..., i] = (low + high) / 2
    return found


def _tau_quantile(edges: Array, weight: Array, p: Array) -> Array:
    """Quantiles of tau, straight within cells, shape (..., m)."""
    below = np.cumsum(weight, axis=-1)
    below[..., -1] = 1
    cell = _search(below, np.broadcast_to(p, (*weight.shape[:-1], p.size)))
    low, width = edges[..., :-1], np.diff(edges, axis=-1)
    start, mass, first, wide = (
        np.take_along_axis(values, cell, axis=-1) for values in (below - weight, weight, low, width)
    )
    return np.asarray(first + wide * (p - start) / mass)


def _search(below: Array, p: Array) -> npt.NDArray[np.intp]:
    """First cell of each row whose cumulated probability reaches p."""
    rows = zip(below.reshape(-1, below.shape[-1]), p.reshape(-1, p.shape[-1]), strict=True)
    return np.array([np.searchsorted(row, wanted) for row, wanted in rows]).reshape(p.shape)


def _middle(edges: Array) -> Array:
    """tau at the middle of each cell on the grid's own scale, tau / (scale + tau)."""
    u = (np.arange(_CELLS) + 0.5) / _CELLS
    scale = edges[..., 1:2] * (_CELLS - 1)
    return np.asarray(scale * u / (1 - u))


def _positive(value: float, name: str) -> float:
    if not value > 0:
        raise ValueError(f"{name} is {value:g}, but it must be above 0")
    return value


def _probabilities(p: npt.ArrayLike) -> Array:
    shares = np.atleast_1d(np.asarray(p, dtype=np.float64))
    if shares.ndim != 1 or not ((shares > 0) & (shares < 1)).all():
        raise ValueError(f"p must be probabilities between 0 and 1 on one axis, but is {p!r}")
    return shares
