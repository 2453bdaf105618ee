"""Checks that every function of the package makes at its door."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]


def checked_responders(
    responders: npt.ArrayLike, n: npt.ArrayLike, *, arm: str = ""
) -> tuple[Array, Array]:
    """Responders and people as float arrays of one shape: whole numbers, 0 <= responders <= n.

    `arm` ends the names in messages, such as "_1".
    """
    people = whole(n, f"n{arm}", least=1)
    found, people = np.broadcast_arrays(whole(responders, f"responders{arm}", least=0), people)
    require(found, found <= people, f"responders{arm}", f"not above n{arm}")
    return found, people


def whole(values: npt.ArrayLike, name: str, *, least: int) -> Array:
    """Counts of people as a float array: whole numbers not below `least`."""
    found = np.asarray(values, dtype=np.float64)
    good = np.isfinite(found) & (found >= least) & (found == np.round(found))
    require(found, good, name, f"a whole number of {least} or more")
    return found


def require(values: Array, good: npt.NDArray[np.bool_], name: str, expected: str) -> None:
    """Raise a ValueError that names the first value that is not as expected."""
    if np.all(good):
        return
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    where = f" at index {index}" if index else ""
    raise ValueError(f"{name} is {values[index]:g}{where}; expected {expected}")


def checked_level(level: float) -> float:
    """The level of an interval, strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a number between 0 and 1, such as 0.95")
    return level


def normal_quantile(level: float) -> float:
    """How many standard errors an interval of this level reaches to either side."""
    return float(-special.ndtri((1 - checked_level(level)) / 2))
