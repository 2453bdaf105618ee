"""The Bayesian random-effects model, by quadrature over tau: no sampler, no burn-in.

Given tau, the mean has a normal posterior in closed form (flat prior on the mean); what remains is
one integral over tau, done on a grid (Röver 2020, J Stat Softw 93(6), the direct approach). With
few studies this is the honest way to carry the uncertainty of tau into a prediction: the prior says
what spread is plausible, and has to be given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from plcore.evidence.pooling.random_effects import (
    Array,
    checked,
    checked_level,
    dersimonian_laird,
)
from plcore.inputs import check_fields

# Cells of the grid over tau. The midpoint rule is off by about 1 / (24 cells^2) of the posterior.
_CELLS = 500
# The grid that the data alone suggest ends in cells wider than tau itself. Where those beyond this
# many times its scale hold more than this share, the prior decides, and the grid is laid over its reach.
_COARSE, _MOST_COARSE = 40.0, 1e-3
# Beyond this many of its scales a half-normal prior has 1e-17 left.
_REACH = 8.5
# Steps of Newton's method or of halving at the most; steps as small as this end it.
_STEPS, _NEAR = 200, 1e-15


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """Prior of tau: the absolute value of a normal of the given standard deviation.

    Attributes
    ----------
    scale : float
        That standard deviation, above 0.

    Examples
    --------
    >>> round(float(bayes([0.2, 1.1], [0.1, 0.1], prior=HalfNormal(0.5)).estimate), 3)
    0.65
    """

    scale: float

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.scale < np.inf:
            raise ValueError(f"scale is {self.scale:g}, but it must be above 0")

    def log_density(self, tau: Array) -> Array:
        """Log density at tau, of any shape, up to a constant."""
        return -((tau / self.scale) ** 2) / 2


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posterior of the mean, of tau and of a new setting; arrays of the leading shape.

    Attributes
    ----------
    estimate, se, low, high : ndarray
        Posterior mean, standard deviation and central interval of the mean over settings.
    prediction_low, prediction_high : ndarray
        Central interval of the true value of one new setting.
    tau, tau_low, tau_high : ndarray
        Posterior median and central interval of tau.
    edges : ndarray, shape (..., cells + 1)
        The grid: limits of the cells of tau.
    middles : ndarray, shape (..., cells)
        The tau in each cell at which the posterior was taken.
    weight, mean, variance : ndarray, shape (..., cells)
        Posterior probability of each cell, and mean and variance of the normal posterior of the
        mean over settings at the middle of it.
    level : float
        Level of the intervals.
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
    middles: Array
    weight: Array
    mean: Array
    variance: Array
    level: float

    def __str__(self) -> str:
        if self.estimate.size != 1:
            return f"posteriors of {self.estimate.size} data sets"
        return (
            f"{self.estimate.item():.3g} ({self.level:.0%} interval {self.low.item():.3g} to "
            f"{self.high.item():.3g}; another setting {self.prediction_low.item():.3g} to "
            f"{self.prediction_high.item():.3g}), tau {self.tau.item():.3g} "
            f"({self.tau_low.item():.3g} to {self.tau_high.item():.3g})"
        )


def bayes(
    y: npt.ArrayLike, v: npt.ArrayLike, *, prior: HalfNormal, level: float = 0.95
) -> Posterior:
    """Posterior of the mean, of tau and of a new setting; the mean has a flat prior.

    One study is enough: its spread is then the prior's. The grid is laid by data and prior together,
    so that studies of 10 and of 10 million people are as exact. It resolves tau for up to some
    hundred studies; beyond, the prior hardly matters and `pool` says the same.

    Parameters
    ----------
    y, v : array_like, shape (..., k)
        Estimates and sampling variances, as for `pool`; leading axes are data sets.
    prior : HalfNormal
        Prior of tau, on the scale of y.
    level : float
        Level of the intervals.

    Returns
    -------
    Posterior

    Raises
    ------
    ValueError
        Names the study whose y is not finite or whose v is not above 0.

    Examples
    --------
    >>> posterior = bayes([0.2, 1.1, 0.5], [0.05, 0.08, 0.02], prior=HalfNormal(0.5))
    >>> print(str(posterior).split("; ")[0])
    0.563 (95% interval -0.0133 to 1.18
    """
    checked_level(level)
    estimates, variances = checked(y, v)
    k = estimates.shape[-1]
    moments = dersimonian_laird(estimates, variances) if k > 1 else np.zeros(estimates.shape[:-1])
    seen = np.sqrt(moments + variances.min(axis=-1))[..., None]
    # A tau far above the prior's own scale need not be resolved.
    scale = np.minimum(seen, 2 * prior.scale)
    grid = _even_in_share(scale)
    mean, variance, weight = _on_grid(estimates, variances, grid, prior)
    coarse = (weight * (grid.tau > _COARSE * scale)).sum(axis=-1, keepdims=True) > _MOST_COARSE
    # A prior far narrower than the data's spread is pulled to a place between the two.
    coarse |= seen > _COARSE / 2 * prior.scale
    if coarse.any():
        wide = _even_in_logarithm(scale, np.maximum(_REACH * prior.scale, _COARSE * seen))
        wider = _on_grid(estimates, variances, wide, prior)
        mean, variance, weight = (
            np.where(coarse, one, other)
            for one, other in zip(wider, (mean, variance, weight), strict=True)
        )
        grid = _Grid(
            *(
                np.where(coarse, getattr(wide, name), getattr(grid, name))
                for name in _Grid.__slots__
            )
        )
    tau, edges = grid.tau, grid.edges
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
        tau,
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
    wider = posterior.variance + posterior.middles**2
    return _mixture_quantile(posterior.mean, wider, posterior.weight, _probabilities(p))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Cells of tau: their limits (..., cells + 1), a point in each, and the log of its width."""

    edges: Array
    tau: Array
    log_width: Array


def _even_in_share(scale: Array) -> _Grid:
    """Cells even in tau / (scale + tau), which reaches from 0 to infinity; scale is (..., 1)."""
    u = np.linspace(0, 1, _CELLS + 1)
    middle = (u[1:] + u[:-1]) / 2
    edges = np.concatenate([scale * u[:-1] / (1 - u[:-1]), np.full_like(scale, np.inf)], axis=-1)
    tau = scale * middle / (1 - middle)
    return _Grid(edges, tau, np.broadcast_to(-2 * np.log1p(-middle), tau.shape))


def _even_in_logarithm(scale: Array, last: Array) -> _Grid:
    """Cells even in tau below the scale and in log tau above it, up to `last`; both are (..., 1)."""
    x = np.arcsinh(last / scale) * np.linspace(0, 1, _CELLS + 1)
    middle = (x[..., 1:] + x[..., :-1]) / 2
    return _Grid(scale * np.sinh(x), scale * np.sinh(middle), np.log(np.cosh(middle)))


def _on_grid(y: Array, v: Array, grid: _Grid, prior: HalfNormal) -> tuple[Array, Array, Array]:
    """Mean, variance and posterior probability of each cell."""
    mean, variance, log_weight = _given_tau(y, v, grid.tau)
    log_weight += prior.log_density(grid.tau) + grid.log_width
    weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
    return mean, variance, weight / weight.sum(axis=-1, keepdims=True)


def _given_tau(y: Array, v: Array, tau: Array) -> tuple[Array, Array, Array]:
    """Mean, variance and log marginal likelihood (up to a constant) at each tau, (..., cells)."""
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
    """Quantiles of mixtures of normals (..., cells) by Newton's method in a bracket, (..., m)."""
    sd = np.sqrt(variance)
    quantiles = np.empty((*mean.shape[:-1], p.size))
    # The width of cells without weight does not matter.
    seen = weight > 1e-16
    height = weight / (sd * math.sqrt(2 * math.pi))
    for i, share in enumerate(p):
        ends = mean + special.ndtri(share) * sd
        low = np.where(seen, ends, np.inf).min(axis=-1)
        high = np.where(seen, ends, -np.inf).max(axis=-1)
        at = np.clip((weight * ends).sum(axis=-1), low, high)
        step = high - low
        for _ in range(_STEPS):
            z = (at[..., None] - mean) / sd
            over = (weight * special.ndtr(z)).sum(axis=-1) - share
            low, high = np.where(over < 0, at, low), np.where(over < 0, high, at)
            slope = (height * np.exp(-(z**2) / 2)).sum(axis=-1)
            new = at - over / np.maximum(slope, np.finfo(float).tiny)
            # A step out of the bracket, or one that gains little on the one before, is halving instead.
            taken = (new >= low) & (new <= high) & (np.abs(new - at) <= step / 2)
            new = np.where(taken, new, (low + high) / 2)
            step, at = np.abs(new - at), new
            if (step <= _NEAR * (1 + np.abs(at))).all():
                break
        quantiles[..., i] = at
    return quantiles


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
    return np.array([np.searchsorted(row, shares) for row, shares in rows]).reshape(p.shape)


def _probabilities(p: npt.ArrayLike) -> Array:
    shares = np.atleast_1d(np.asarray(p, dtype=np.float64))
    if shares.ndim != 1 or not ((shares > 0) & (shares < 1)).all():
        raise ValueError(f"p must be probabilities between 0 and 1 on one axis, but is {p!r}")
    return shares
