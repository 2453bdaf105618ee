"""Cells that jump: a number that neither its neighbours nor what is usual around it can explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.evidence.columns import half_a_digit
from plcore.evidence.distributions import Floats

#: How many times as far as the cells around it a cell has to be from the mean of its neighbours to
#: count as a jump: in the tables of populations and of death rates, as published, 4.8 is the most.
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
    away = [_away(logs, *step) for step in directions]
    # Only the few cells that lie outside both neighbours, and by more than rounding, are looked at.
    candidates = np.argwhere(np.all([far > _JUMP * _LEAST for far in away], axis=0))
    far = np.array([min(_in_usual(each, row, at) for each in away) for row, at in candidates])
    found = np.flatnonzero(far > _JUMP)
    return candidates[found[np.argsort(-far[found], kind="stable")]]


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


def _away(logs: Floats, down: int, right: int) -> Floats:
    """Distance of each cell from the mean of its two neighbours; less than 0 between the two."""
    rows, columns = logs.shape
    inner = (slice(down, rows - down), slice(right, columns - right))
    before = logs[: rows - 2 * down, : columns - 2 * right]
    after = logs[2 * down :, 2 * right :]
    away = np.full(logs.shape, -np.inf)
    distance = np.abs(logs[inner] - (before + after) / 2)
    outside = (logs[inner] - before) * (logs[inner] - after) > 0
    away[inner] = np.where(outside, distance, -distance)
    return away


def _in_usual(away: Floats, row: int, at: int) -> float:
    """How far a cell is away in what is usual among the 24 cells around it, where they are."""
    top, left = max(row - 2, 0), max(at - 2, 0)
    around = np.abs(away[top : row + 3, left : at + 3])
    around[row - top, at - left] = np.inf
    usual = around[np.isfinite(around)]
    return float(away[row, at] / ((np.median(usual) if usual.size else 0.0) + _LEAST))
