"""Weighted least squares of many data sets at once: the arithmetic under every model here.

Inside, studies run along the first axis and data sets along the last, so that a sum over studies
adds long rows; x is one design of shape (k, p) for all data sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plcore.evidence.pooling.studies import Array, flat

# Numbers worked on together: a few arrays of 2^15 x 8 bytes stay in a core's own cache.
_IN_CACHE = 2**15


@dataclass(frozen=True, slots=True)
class Weighted:
    """A weighted fit of n data sets.

    Attributes
    ----------
    w, residuals : ndarray, shape (k, n)
    coefficients : ndarray, shape (p, n)
    inverse : ndarray, shape (p, p, n)
        (X'W X)^-1, the covariance of the coefficients.
    q : ndarray, shape (n,)
        The weighted sum of squared residuals, y'P y.
    """

    w: Array
    coefficients: Array
    inverse: Array
    residuals: Array
    q: Array


@dataclass(frozen=True, slots=True)
class Fit:
    """The coefficients at a given tau2 with their covariance, and what the data say at tau2 = 0.

    Attributes
    ----------
    coefficients : ndarray, shape (n, p)
    covariance : ndarray, shape (n, p, p)
    q, q_0, trace_0 : ndarray, shape (n,)
        y'P y at tau2 and at 0; tr P at 0.
    """

    coefficients: Array
    covariance: Array
    q: Array
    q_0: Array
    trace_0: Array


def fit(y: Array, v: Array, tau2: Array, x: Array) -> Fit:
    """Least squares of y (n, k) with weights 1 / (v + tau2), block by block."""
    n, p = y.shape[0], x.shape[1]
    found = Fit(np.empty((n, p)), np.empty((n, p, p)), np.empty(n), np.empty(n), np.empty(n))
    for block in blocks(*y.shape):
        flat_y, flat_v = flat(y[block]), flat(v[block])
        between, alone = weigh(flat_y, flat_v, tau2[block], x), weigh(flat_y, flat_v, None, x)
        found.coefficients[block] = between.coefficients.T
        found.covariance[block] = between.inverse.transpose(2, 0, 1)
        found.q[block], found.q_0[block] = between.q, alone.q
        found.trace_0[block] = trace_p(x, alone)
    return found


def blocks(n: int, k: int) -> Iterator[slice]:
    """Slices of n data sets of k studies, each small enough to stay in cache."""
    size = max(1, _IN_CACHE // k)
    return (slice(start, start + size) for start in range(0, n, size))


def weigh(y: Array, v: Array, tau2: Array | None, x: Array) -> Weighted:
    """Weighted least squares of each column of y (k, n); tau2 is (n,), or None for zero."""
    w = 1 / (v if tau2 is None else v + tau2)
    inverse = inverted(cross(x, w))
    coefficients = np.einsum("pqn,qn->pn", inverse, x.T @ (w * y))
    # One column as a plain product: matrix products of inner length 1 are five times slower.
    fitted = x * coefficients if x.shape[1] == 1 else x @ coefficients
    residuals = y - fitted
    return Weighted(w, coefficients, inverse, residuals, total(w * residuals * residuals))


def trace_p(x: Array, found: Weighted) -> Array:
    """tr P: the sum of weights less what the coefficients take up."""
    return total(found.w) - trace(found.inverse, cross(x, found.w * found.w))


def total(values: Array) -> Array:
    """Sums over studies; a product with ones is the fastest way there is."""
    return np.ones(values.shape[0]) @ values


def cross(x: Array, w: Array) -> Array:
    """X'W X of each data set, shape (p, p, n)."""
    k, p = x.shape
    return ((x[:, :, None] * x[:, None, :]).reshape(k, p * p).T @ w).reshape(p, p, -1)


def inverted(matrices: Array) -> Array:
    """Inverses of matrices that run along the last axis."""
    if matrices.shape[0] == 1:
        return 1 / matrices
    inverses: Array = np.linalg.inv(np.moveaxis(matrices, -1, 0)).astype(np.float64, copy=False)
    return np.moveaxis(inverses, 0, -1)


def trace(a: Array, b: Array) -> Array:
    """Trace of the product of two symmetric matrices of each data set."""
    traces: Array = np.einsum("pqn,pqn->n", a, b)
    return traces
