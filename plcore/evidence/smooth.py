"""Cells that jump: a number that neither its neighbours nor what is usual around it can explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from plcore.evidence.columns import half_a_digit
from plcore.evidence.distributions import Floats

#: How many times as far as the cells around it a cell has to be from the mean of its neighbours to
#: count as a jump: in the tables of populations and of death rates, as published, 6.7 is the most.
_JUMP = 10.0
#: Cells nearer than this share to the mean of their neighbours are smooth whatever lies around.
_LEAST = 0.002
#: Numbers of a series needed to know what is usual in it.
_LEAST_SERIES = 6


def jumps(cells: Floats, directions: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """Places of the cells of a table that jump against both neighbours in every direction.

    A jump lies outside both neighbours. How far a cell is from their mean, as a logarithm, is
    compared with the median of that distance among the 24 cells around it.

    Parameters
    ----------
    cells : ndarray, shape (n_rows, n_columns)
        Numbers above 0; others are passed over.
    directions : sequence of (int, int)
        Steps in rows and columns to the cell after: (1, 1) follows a generation through years and
        ages, (1, 0) an age through the years. Cells without both neighbours are passed over.

    Returns
    -------
    ndarray of int, shape (n_jumps, 2)
        Row and column, the farthest first.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(cells > 0, np.log(cells), np.nan)
    far = np.min([_farness(logs, *step) for step in directions], axis=0)
    places = np.argwhere(far > _JUMP)
    return places[np.argsort(-far[tuple(places.T)], kind="stable")]


def series_jumps(values: ArrayLike) -> NDArray[np.intp]:
    """Places of a series at which it jumps against the number before and the one after.

    Parameters
    ----------
    values : array_like, shape (n,)
        Numbers above 0, in order; of fewer than 6 nothing is said.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.size < _LEAST_SERIES or not (numbers > 0).all():
        return np.empty(0, dtype=np.intp)
    logs = np.log(numbers)
    away = np.abs(logs[1:-1] - (logs[:-2] + logs[2:]) / 2)
    outside = (logs[1:-1] - logs[:-2]) * (logs[1:-1] - logs[2:]) > 0
    rounding = max(half_a_digit(number) / number for number in numbers)
    apart = np.abs(np.subtract.outer(np.arange(away.size), np.arange(away.size))) > 1
    usual = np.array([np.median(away[others]) for others in apart])
    return np.flatnonzero(outside & (away > _JUMP * (usual + _LEAST) + 4 * rounding)) + 1


def _farness(logs: Floats, down: int, right: int) -> Floats:
    """How far each cell is from the mean of its two neighbours, in what is usual around it."""
    rows, columns = logs.shape
    inner = (slice(down, rows - down), slice(right, columns - right))
    before = logs[: rows - 2 * down, : columns - 2 * right]
    after = logs[2 * down :, 2 * right :]
    away, outside = np.zeros_like(logs), np.zeros(logs.shape, dtype=bool)
    away[inner] = np.nan_to_num(np.abs(logs[inner] - (before + after) / 2))
    outside[inner] = (logs[inner] - before) * (logs[inner] - after) > 0
    around = np.ones((5, 5), dtype=bool)
    around[2, 2] = False
    usual = ndimage.median_filter(away, footprint=around, mode="nearest")
    return np.where(outside, away / (usual + _LEAST), 0.0)
