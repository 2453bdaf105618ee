"""The likelihood of the exact binomial-normal model, its derivatives, and the way up it.

Everything here works on n data sets of k studies at once: counts are (n, k), mu and tau (n,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from plcore.evidence.pooling.studies import Array

# Nodes a study, and how far its log integrand has fallen at the outermost. At worst (nobody or
# everybody has the event) a log-likelihood is off by 7e-9 for tau up to 1.5, 1e-7 for tau = 3 and
# 5e-7 for tau = 6; 31 Gauss-Hermite nodes leave 4e-10, 3e-6 and 3e-4, metafor's 7 nodes 2e-4, 2e-3
# and 3e-2.
N_NODES = 31
_DEPTH = 30.0
# Newton's steps to the mode end at this; a looser rule would let the companions of a data set show.
_NEAR_MODE = 1e-6
# Newton stops after a step shorter than this, on the logit scale; what is left is its square.
STEP = 1e-6
MOST_STEPS = 200
# Steps that promise less are taken on trust: the quadrature's own error, which changes as its nodes
# move, would hide such a gain.
_NOISE = 1e-6
# With tau in the tens the quadrature is off by about so much, and after so many steps what it
# promises is taken for nothing.
_ENOUGH = 1e-4
_PATIENCE = 30
# A step no longer than this: beyond it the quadratic picture of the likelihood is fiction.
_STRIDE = 2.0
_LOG_ROOT_2_PI = math.log(2 * math.pi) / 2


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
    for taken in range(MOST_STEPS):
        new_mu, new_tau = mu[active] + step_mu, tau[active] + step_tau
        there = slopes(counts, new_mu, new_tau)
        # Armijo's rule: a step across tau = 0 to the same height on the other side is no gain.
        gain = here.mu * step_mu + here.tau * step_tau
        up = (there.value >= here.value + 1e-4 * gain) | (gain < _NOISE)
        mu[active], tau[active] = (
            np.where(up, new_mu, mu[active]),
            np.where(up, new_tau, tau[active]),
        )
        moving = np.maximum(np.abs(step_mu), np.abs(step_tau)) > STEP
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
        f"{counts.n[0].tolist()} did not converge in {MOST_STEPS} steps"
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
    """Nodes in z and their weights, (N_NODES, n, k): the trapezoidal rule in u, z = z0 + s sinh u.

    z0 and s are mode and width of the integrand. A study of which nobody or everybody has the event
    makes it a wall on one side and, for large tau, a long slope on the other: sinh sets nodes
    densely at the wall and sparsely down the slope, where Gauss-Hermite nodes fit neither.
    """
    e, n = counts.events, counts.n
    mode = tau * (counts.y - mu) / (counts.v + tau**2)
    for _ in range(MOST_STEPS):
        share = special.expit(mu + tau * mode)
        curve = 1 + tau**2 * n * share * (1 - share)
        step = (tau * (e - n * share) - mode) / curve
        mode = mode + step
        if np.abs(step).max(initial=0) < _NEAR_MODE:
            break
    width = 1 / np.sqrt(curve)
    left, right = (_reach(counts, mu, tau, mode, width, side) for side in (-1, 1))
    first, last = -np.arcsinh(left / width), np.arcsinh(right / width)
    gap = (last - first) / (N_NODES - 1)
    grown = np.exp(first + gap * np.arange(N_NODES)[:, None, None])
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
