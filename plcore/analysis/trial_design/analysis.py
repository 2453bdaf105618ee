"""How a trial is analysed: an estimate, its interval and a p-value from what the trial counted.

An analysis is a function of counts or of means, vectorised over trials, that is passed to the power
and the simulation of a design. All p-values are two-sided, of no effect; the effect is treated
minus control, or a single arm minus its goal. Analyses of two shares are in `plcore.analysis.trial_design.share_analysis`.

Parameters
----------
responders, n : array_like, shape (n_trials,)
    Patients who respond, and patients.
goal : float
    The share or mean that a single arm is set against.
treated, control, mean : array_like, shape (n_trials,)
    Means of the arms, or of the only one.
sd_treated, sd_control, sd : array_like, shape (n_trials,)
    Their standard deviations.
n_treated, n_control : array_like, shape (n_trials,)
    Patients in them.

References
----------
Student (1908), Biometrika 6:1; Welch (1947), Biometrika 34:28; Wilson (1927), J Am Stat Assoc
22:209; Clopper & Pearson (1934), Biometrika 26:404.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.evidence.trials.counts import Array
from plcore.evidence.trials.response import clopper_pearson, wilson


@dataclass(frozen=True, slots=True)
class Analysed:
    """What trials found: estimates of the effect, limits of their intervals and p-values."""

    estimate: Array
    low: Array
    high: Array
    p: Array


class TwoShares(Protocol):
    """An analysis of responders and patients in two arms."""

    def __call__(
        self,
        treated: npt.ArrayLike, n_treated: npt.ArrayLike,
        control: npt.ArrayLike, n_control: npt.ArrayLike,
        /, *, level: float,
    ) -> Analysed: ...  # fmt: skip


class OneShare(Protocol):
    """An analysis of responders and patients against the share that is the goal."""

    def __call__(
        self, responders: npt.ArrayLike, n: npt.ArrayLike, goal: float, /, *, level: float
    ) -> Analysed: ...


class TwoMeans(Protocol):
    """An analysis of means, SDs and patients in two arms."""

    def __call__(
        self,
        treated: npt.ArrayLike, sd_treated: npt.ArrayLike, n_treated: npt.ArrayLike,
        control: npt.ArrayLike, sd_control: npt.ArrayLike, n_control: npt.ArrayLike,
        /, *, level: float,
    ) -> Analysed: ...  # fmt: skip


class OneMean(Protocol):
    """An analysis of mean, SD and patients against the mean that is the goal."""

    def __call__(
        self, mean: npt.ArrayLike, sd: npt.ArrayLike, n: npt.ArrayLike, goal: float, /, *,
        level: float,
    ) -> Analysed: ...  # fmt: skip


class TwoSequences(Protocol):
    """An analysis of a crossover: of those treated first, then of those treated second, the
    patients who responded to the treatment only, to control only, and all."""

    def __call__(
        self,
        treated_only_1: npt.ArrayLike, control_only_1: npt.ArrayLike, n_1: npt.ArrayLike,
        treated_only_2: npt.ArrayLike, control_only_2: npt.ArrayLike, n_2: npt.ArrayLike,
        /, *, level: float,
    ) -> Analysed: ...  # fmt: skip


def exact_binomial(
    responders: npt.ArrayLike, n: npt.ArrayLike, goal: float, /, *, level: float = 0.95
) -> Analysed:
    """One share against a goal: Clopper-Pearson interval, p twice the smaller exact tail."""
    x, size = floats(responders, n)
    low, high = clopper_pearson(x, size, level=level)
    smaller = np.minimum(stats.binom.cdf(x, size, goal), stats.binom.sf(x - 1, size, goal))
    return Analysed(x / size - goal, low - goal, high - goal, np.minimum(2 * smaller, 1))


def score_one_share(
    responders: npt.ArrayLike, n: npt.ArrayLike, goal: float, /, *, level: float = 0.95
) -> Analysed:
    """One share against a goal: Wilson interval and the z-test it inverts."""
    x, size = floats(responders, n)
    low, high = wilson(x, size, level=level)
    z = (x / size - goal) / np.sqrt(goal * (1 - goal) / size)
    return Analysed(x / size - goal, low - goal, high - goal, 2 * special.ndtr(-np.abs(z)))


def student_t(
    treated: npt.ArrayLike, sd_treated: npt.ArrayLike, n_treated: npt.ArrayLike,
    control: npt.ArrayLike, sd_control: npt.ArrayLike, n_control: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """Two means: Student's t with a common variance."""
    m1, s1, n1 = floats(treated, sd_treated, n_treated)
    m2, s2, n2 = floats(control, sd_control, n_control)
    df = n1 + n2 - 2
    variance = ((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df
    return _t(m1 - m2, np.sqrt(variance * (1 / n1 + 1 / n2)), df, level)


def welch_t(
    treated: npt.ArrayLike, sd_treated: npt.ArrayLike, n_treated: npt.ArrayLike,
    control: npt.ArrayLike, sd_control: npt.ArrayLike, n_control: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """Two means: Welch's t, each arm with its own variance (Satterthwaite's degrees of freedom)."""
    m1, s1, n1 = floats(treated, sd_treated, n_treated)
    m2, s2, n2 = floats(control, sd_control, n_control)
    v1, v2 = s1**2 / n1, s2**2 / n2
    df = (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
    return _t(m1 - m2, np.sqrt(v1 + v2), df, level)


def one_sample_t(
    mean: npt.ArrayLike, sd: npt.ArrayLike, n: npt.ArrayLike, goal: float, /, *,
    level: float = 0.95,
) -> Analysed:  # fmt: skip
    """One mean against a goal: Student's t."""
    m, s, size = floats(mean, sd, n)
    return _t(m - goal, s / np.sqrt(size), size - 1, level)


def paired_t(
    half_1: npt.ArrayLike, sd_1: npt.ArrayLike, n_1: npt.ArrayLike,
    half_2: npt.ArrayLike, sd_2: npt.ArrayLike, n_2: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """A crossover without regard to the period: t of all patients' differences in one sample.

    Takes what `crossover_means` passes: mean and SD of half the difference first minus second
    period, of those treated first and of those treated second.

    Parameters
    ----------
    half_1, sd_1, n_1 : array_like, shape (n_trials,)
        Mean and SD of half the difference, and patients, of those treated first.
    half_2, sd_2, n_2 : array_like, shape (n_trials,)
        The same of those treated second.
    """
    h1, s1, n1 = floats(half_1, sd_1, n_1)
    h2, s2, n2 = floats(half_2, sd_2, n_2)
    n = n1 + n2
    # In the second sequence treatment comes second: its difference is the other way round.
    mean = 2 * (n1 * h1 - n2 * h2) / n
    within = (n1 - 1) * s1**2 + (n2 - 1) * s2**2
    variance = 4 * (within + n1 * n2 / n * (h1 + h2) ** 2) / (n - 1)
    return _t(mean, np.sqrt(variance / n), n - 1, level)


def _t(estimate: Array, se: Array, df: Array, level: float) -> Analysed:
    half = special.stdtrit(df, (1 + level) / 2) * se
    p = 2 * special.stdtr(df, -np.abs(estimate) / se)
    return Analysed(estimate, estimate - half, estimate + half, p)


def floats(*values: npt.ArrayLike) -> tuple[Array, ...]:
    """The values as float arrays of one shape."""
    return tuple(np.broadcast_arrays(*(np.asarray(value, np.float64) for value in values)))


def checked_between(
    name: str, value: npt.ArrayLike, low: float, high: float, *, ends: bool = False
) -> Array:
    """The value as a float array, all of it finite and between the ends (or on them)."""
    found = np.asarray(value, np.float64)
    inside = (low <= found) & (found <= high) if ends else (low < found) & (found < high)
    good = inside & np.isfinite(found)
    if not good.all():
        first = float(found[~good][0])
        which = "ends included" if ends else "ends excluded"
        raise ValueError(f"{name} is {first:g}; expected {low:g} to {high:g}, {which}")
    return found
