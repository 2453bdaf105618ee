"""How many of the people treated get better: response rates of one arm, and their limits.

A rate of one arm is not the effect of the treatment: people get better under placebo and by
themselves, and only `plcore.evidence.trials.comparison` speaks of that.

References
----------
Brown, Cai & DasGupta (2001), Stat Sci 16:101-133 (Jeffreys and Wilson intervals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ResponseRate:
    """What is believed of a response rate after counting: the distribution Beta(a, b).

    Attributes
    ----------
    responders, n : ndarray, shape (...)
        People who responded, and people.
    a, b : ndarray, shape (...)
        Parameters of the posterior.
    """

    responders: Array
    n: Array
    a: Array
    b: Array

    @property
    def mean(self) -> Array:
        """The probability that the next person treated responds."""
        return self.a / (self.a + self.b)

    @property
    def median(self) -> Array:
        """The rate that is as likely too low as too high."""
        return np.asarray(special.betaincinv(self.a, self.b, 0.5))

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Equal-tailed interval: the rate is as likely above it as below it."""
        tail = (1 - checked_level(level)) / 2
        # The upper limit from the upper tail: 1 - tail has lost the digits of a small tail.
        upper = 1 - special.betaincinv(self.b, self.a, tail)
        return np.asarray(special.betaincinv(self.a, self.b, tail)), np.asarray(upper)


def response_rate(responders: npt.ArrayLike, n: npt.ArrayLike) -> ResponseRate:
    """What is believed of a response rate after so many responders among n people.

    The posterior under Jeffreys' prior Beta(1/2, 1/2), which counts for one person.

    Parameters
    ----------
    responders, n : array_like, shape (...)
        People who respond, and people: whole numbers, 0 <= responders <= n.

    Returns
    -------
    ResponseRate

    Raises
    ------
    ValueError
        Counts that are impossible; names the value and its place.

    Examples
    --------
    >>> rate = response_rate(10, 25)
    >>> low, high = rate.interval()
    >>> print(f"{rate.median:.2f} ({low:.2f} to {high:.2f})")
    0.40 (0.23 to 0.59)
    """
    x, people = checked_responders(responders, n)
    return ResponseRate(x, people, 0.5 + x, 0.5 + people - x)


def wilson(
    responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    """Score interval of a share (Wilson 1927, J Am Stat Assoc 22:209).

    Parameters
    ----------
    responders, n : array_like, shape (...)
        People with the outcome, and people: whole numbers, 0 <= responders <= n.
    level : float
        Level of the interval.

    Returns
    -------
    low, high : ndarray, shape (...)

    Raises
    ------
    ValueError
        Counts that are impossible, or a level outside 0 to 1.

    Examples
    --------
    >>> low, high = wilson(10, 25)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.234 to 0.593
    """
    x, people = checked_responders(responders, n)
    z = normal_quantile(level)
    return _wilson_low(x, people, z), 1 - _wilson_low(people - x, people, z)


def _wilson_low(x: Array, people: Array, z: float) -> Array:
    half = z * np.sqrt(x * (people - x) / people + z * z / 4)
    # From the product of both limits: the difference of two near numbers would lose digits.
    return np.asarray(x**2 / people / (x + z * z / 2 + half))


def checked_responders(
    responders: npt.ArrayLike, n: npt.ArrayLike, *, arm: str = ""
) -> tuple[Array, Array]:
    """Responders and people as float arrays of one shape; `arm` ends their names in messages."""
    people = _whole_numbers(n, f"n{arm}", least=1)
    x, people = np.broadcast_arrays(_whole_numbers(responders, f"responders{arm}", least=0), people)
    _require(x, x <= people, f"responders{arm}", f"not above n{arm}")
    return x, people


def checked_level(level: float) -> float:
    """The level of an interval, strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a number between 0 and 1, such as 0.95")
    return level


def normal_quantile(level: float) -> float:
    """How many standard errors an interval of this level reaches to either side."""
    return float(-special.ndtri((1 - checked_level(level)) / 2))


def _whole_numbers(values: npt.ArrayLike, name: str, *, least: int) -> Array:
    counts = np.asarray(values, dtype=np.float64)
    good = np.isfinite(counts) & (counts >= least) & (counts == np.round(counts))
    _require(counts, good, name, f"a whole number of {least} or more")
    return counts


def _require(values: Array, good: npt.NDArray[np.bool_], name: str, expected: str) -> None:
    """Raise a ValueError that names the first value that is not as expected."""
    if np.all(good):
        return
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    where = f" at index {index}" if index else ""
    raise ValueError(f"{name} is {values[index]:g}{where}; expected {expected}")
