"""The number needed to treat, with an interval that survives a difference of zero.

Where the interval of the risk difference includes 0, its reciprocal runs from a number needed to
treat for one more to benefit through infinity to one for one more to be harmed (Altman 1998, BMJ
317:1309-1312). Written as "4 to -20" it would leave out exactly what is likeliest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plcore.evidence.trials.comparison import Effect
from plcore.evidence.trials.counts import checked_level


@dataclass(frozen=True, slots=True)
class NumberNeeded:
    """People to treat for one more (or one fewer) to respond, kept as the difference it comes from.

    Attributes
    ----------
    difference, low, high : float
        Response rate under treatment less that under control, and its limits.
    level : float
        Level of the interval.
    """

    difference: float
    low: float
    high: float
    level: float = 0.95

    def __post_init__(self) -> None:
        checked_level(self.level)
        if not -1 <= self.low <= self.difference <= self.high <= 1:
            raise ValueError(
                f"difference {self.difference:g} ({self.low:g} to {self.high:g}); expected "
                "-1 <= low <= difference <= high <= 1"
            )

    @property
    def people(self) -> float:
        """1 / difference: negative where the control does better, infinite where neither does."""
        return np.inf if self.difference == 0 else 1 / self.difference

    @property
    def includes_infinity(self) -> bool:
        """Whether the trial is compatible with no difference, however many are treated."""
        return self.low <= 0 <= self.high

    def text(self) -> str:
        """Altman's form, as "NNTB 10 (95% interval NNTB 4.0 to infinity to NNTH 20)".

        NNTB is the number needed to treat for one more to benefit, NNTH for one more to be harmed.
        """
        first, last = _named(self.high), _named(self.low)
        if self.low < 0 < self.high:
            limits = f"{first} to infinity to {last}"
        elif self.low >= 0:
            limits = f"{first} to {last}"
        else:
            limits = f"{last} to {first}"
        return f"{_named(self.difference)} ({self.level:.0%} interval {limits})"


def number_needed(effect: Effect) -> NumberNeeded:
    """The number needed to treat that a risk difference of one comparison stands for.

    Raises
    ------
    ValueError
        If the effect holds several comparisons, as arrays.
    """
    if np.size(effect.estimate) != 1:
        raise ValueError(
            f"the effect has shape {np.shape(effect.estimate)}; expected one comparison"
        )
    estimate, low, high = (
        float(np.asarray(part).item()) for part in (effect.estimate, effect.low, effect.high)
    )
    return NumberNeeded(estimate, low, high, effect.level)


def _named(difference: float) -> str:
    if difference == 0:
        return "infinity"
    people = 1 / abs(difference)
    # One decimal where it can matter to a decision; a "number of people" of 9.96 is 10.
    number = f"{people:.1f}" if round(people, 1) < 10 else f"{people:.0f}"
    return f"{'NNTB' if difference > 0 else 'NNTH'} {number}"
