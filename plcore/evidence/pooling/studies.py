"""Checks that every function of the toolbox makes at its door, and the axis layout they share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def checked(y: npt.ArrayLike, v: npt.ArrayLike) -> tuple[Array, Array]:
    """Study estimates and sampling variances as float arrays of one shape (..., k).

    Raises
    ------
    ValueError
        An estimate that is not finite, a variance that is not finite and above 0, or no study at
        all. The message names the data set (by its leading index) and the study (from 0).
    """
    estimates, variances = np.broadcast_arrays(
        np.asarray(y, dtype=np.float64), np.asarray(v, dtype=np.float64)
    )
    if estimates.ndim == 0 or estimates.shape[-1] == 0:
        raise ValueError(
            f"y has shape {estimates.shape}; its last axis must hold at least one study"
        )
    refuse(estimates, np.isfinite(estimates), "y", "must be finite (a missing study is left out)")
    refuse(variances, np.isfinite(variances) & (variances > 0), "v", "must be finite and above 0")
    return estimates, variances


def refuse(values: Array, good: npt.NDArray[np.bool_], name: str, rule: str) -> None:
    """Raise a ValueError that names the first study whose value breaks the rule."""
    if good.all():
        return
    *data_set, study = (int(i) for i in np.argwhere(~good)[0])
    where = f"data set {tuple(data_set)}, study {study}" if data_set else f"study {study}"
    value = float(values[(*data_set, study)])
    others = int((~good).sum()) - 1
    more = f" ({others} more like it)" if others else ""
    raise ValueError(f"{where}: {name} is {value:g}, but it {rule}{more}")


def checked_level(level: float) -> float:
    """The level of an interval, strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}, but it must be between 0 and 1, for example 0.95")
    return level


def design(x: npt.ArrayLike | None, k: int) -> Array:
    """Design matrix, shape (k, p): a column of ones where none is given.

    Raises
    ------
    ValueError
        Wrong shape, a value that is not finite, or columns that are not independent.
    """
    if x is None:
        return np.ones((k, 1))
    found = np.asarray(x, dtype=np.float64)
    if found.ndim != 2 or found.shape[0] != k:
        raise ValueError(f"the design has shape {found.shape}; it must be ({k}, columns)")
    refuse(found.T, np.isfinite(found.T), "a moderator", "must be finite (leave the study out)")
    rank = int(np.linalg.matrix_rank(found))
    if rank < found.shape[1]:
        raise ValueError(
            f"the design has {found.shape[1]} columns of rank {rank} over {k} studies; "
            "drop a moderator that the others determine"
        )
    return found


def flat(values: Array) -> Array:
    """Values of shape (..., k) as (k, data sets): sums over studies then run along long rows."""
    return np.ascontiguousarray(values.reshape(-1, values.shape[-1]).T)
