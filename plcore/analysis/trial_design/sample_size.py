"""The patients a trial needs for a power: any power function, turned round.

sample_size(partial(shares_power, 0.5, 0.3), power=0.9, dropout=0.15)

Parameters
----------
power : float
    Asked for; above alpha and below 1.
alpha : float
    Level of the test.
dropout : float
    Share of the recruited that is not analysed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Patients that a power takes, a number a group (treated, control).

    `analysed` is what the analysis needs, `recruited` what leaves as many after the dropout;
    `power` is what the analysed give.
    """

    analysed: tuple[int, ...]
    recruited: tuple[int, ...]
    power: float

    @property
    def total(self) -> int:
        """All patients to recruit."""
        return sum(self.recruited)


def sample_size(
    power_at: Callable[..., npt.ArrayLike],
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    control_per_treated: float = 1.0,
    dropout: float = 0.0,
    most: int = 10_000,
) -> SampleSize:
    """The smallest trial of two groups from which on the power does not fall below the one asked.

    The power of exact tests goes up and down with n: a smaller trial that reaches it on a peak, and
    loses it with one patient more, is not taken.

    Parameters
    ----------
    power_at : function
        Of n_treated, n_control (arrays of one shape) and the keyword alpha, such as
        `partial(shares_power, 0.5, 0.3)`.
    control_per_treated : float
        Patients in control for each treated; rounded up.
    dropout : float
        Share of the recruited that is not analysed.
    most : int
        Treated patients to look up to.

    Raises
    ------
    ValueError
        A power that is not above alpha, or not reached by `most`: no effect, or one too small.
    """
    if not control_per_treated > 0:
        raise ValueError(f"control_per_treated is {control_per_treated:g}; expected above 0")

    def groups(n: int) -> tuple[int, ...]:
        # 0.1 * 30 is a little more than 3 in binary.
        return n, max(math.ceil(round(n * control_per_treated, 9)), 1)

    return _smallest(power_at, groups, power, alpha, dropout, most)


def sample_size_one_group(
    power_at: Callable[..., npt.ArrayLike],
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    dropout: float = 0.0,
    most: int = 10_000,
) -> SampleSize:
    """As `sample_size`, for single arms and pairs: `power_at` of n and the keyword alpha.

    Parameters
    ----------
    power_at : function
        Of n (an array of any shape) and the keyword alpha, such as
        `partial(share_power_exact, 0.5, 0.3)`.
    most : int
        Patients to look up to.
    """
    return _smallest(power_at, lambda n: (n,), power, alpha, dropout, most)


def _smallest(
    power_at: Callable[..., npt.ArrayLike],
    groups: Callable[[int], tuple[int, ...]],
    power: float,
    alpha: float,
    dropout: float,
    most: int,
) -> SampleSize:
    if not 0 < alpha < power < 1:
        raise ValueError(f"a power of {power:g} at alpha {alpha:g}; expected 0 < alpha < power < 1")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout:g}; expected a share of 0 or more, below 1")

    def at(n: int) -> float:
        return float(np.asarray(power_at(*groups(n), alpha=alpha)))

    least = 2
    low, high = least, least
    while (reached := at(high)) < power:
        if high >= most:
            raise ValueError(
                f"a power of {power:g} is not reached: {' and '.join(map(str, groups(high)))} "
                f"patients have {reached:.3g}. There is no effect to find in this direction, or it "
                "needs more patients than `most`"
            )
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle) >= power else (middle, high)
    n = _lasting(at, power, high if low < high else least, least)
    recruited = tuple(math.ceil(round(size / (1 - dropout), 9)) for size in groups(n))
    return SampleSize(analysed=groups(n), recruited=recruited, power=at(n))


def _lasting(at: Callable[[int], float], power: float, near: int, least: int) -> int:
    # Teeth of the saw are a few patients wide, and shallower than the rise over 4 sqrt(n).
    reach = 10 + 4 * math.isqrt(near)
    bottom, top = max(near - reach, least), near + reach
    enough = [at(n) >= power for n in range(bottom, top + 1)]
    if not enough[-1]:
        return _lasting(at, power, top, least)
    short = [i for i, reached in enumerate(enough) if not reached]
    return bottom + short[-1] + 1 if short else bottom
