"""A large smooth array as a small one and a basis for each axis.

The higher-order singular value decomposition (De Lathauwer, De Moor and Vandewalle 2000, SIAM
Journal on Matrix Analysis and Applications 21:1253-1278): along each axis the singular vectors that
hold all but a little are kept, and the array is written in them. Its numbers then fall off fast,
and rounding all to multiples of one step leaves most of them zero or small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """An array of shape (n_1, n_2, ...), nearly.

    Attributes
    ----------
    core : ndarray of int, shape (r_1, r_2, ...)
        In multiples of `step`.
    step : float
    bases : tuple of ndarray, shapes (n_1, r_1), (n_2, r_2), ...
        Each number fits into 32 bits.
    """

    core: NDArray[np.int64]
    step: float
    bases: tuple[Floats, ...]


def compress(values: Floats, *, tolerance: float, step: float) -> Compressed:
    """The array in fewer numbers.

    Parameters
    ----------
    values : ndarray
        Of numbers about 1: each counts alike.
    tolerance : float
        Share of the root mean square that may be lost along each axis; 1e-7 or more, since it is
        found from squares, which hold no smaller ones.
    step : float
        What the core is rounded to.
    """
    if not tolerance >= 1e-7:
        raise ValueError(f"tolerance is {tolerance:g}; expected 1e-7 or more")
    bases = tuple(_basis(values, axis, tolerance) for axis in range(values.ndim))
    core = values
    for axis, basis in enumerate(bases):
        core = along(core, axis, basis.T)
    return Compressed(np.rint(core / step).astype(np.int64), step, bases)


def expand(found: Compressed) -> Floats:
    """The array again."""
    values = np.asarray(found.core * found.step, dtype=float)
    for axis, basis in enumerate(found.bases):
        values = along(values, axis, basis)
    return values


def along(values: Floats, axis: int, matrix: Floats) -> Floats:
    """Each line of an array along an axis, multiplied by a matrix."""
    return np.moveaxis(np.tensordot(values, matrix, axes=(axis, 1)), -1, axis)


def _basis(values: Floats, axis: int, tolerance: float) -> Floats:
    lines = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    size, vectors = np.linalg.eigh(lines @ lines.T)
    size, vectors = np.maximum(size[::-1], 0), vectors[:, ::-1]
    left_out = np.sqrt(np.cumsum(size[::-1])[::-1] / size.sum())
    kept = vectors[:, : int((left_out > tolerance).sum())]
    # A vector and its negative are alike; which of them is found is chance.
    sign = np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    return np.asarray((kept * sign).astype(np.float32).astype(float))


def sizes(values: Floats, axes: Sequence[int]) -> Floats:
    """Means over some axes to divide by, 1 where a mean is 0."""
    means = values.mean(axis=tuple(axes), keepdims=True)
    return np.asarray(np.where(means == 0, 1.0, means))
