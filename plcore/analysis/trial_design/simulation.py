"""Simulated trials: power, type I error, assurance, and how estimates mislead.

Every function simulates one design many times and analyses each trial as it would be. An effect is
a number, or an array of draws of what is believed of it: power over draws is assurance (O'Hagan,
Stevens & Campbell 2005, Pharm Stat 4:187). Trial i has draw i modulo the number of draws.

No patient is simulated. Counts of responders, and means and SDs of normal values, are sufficient
for the analyses, so they are drawn from their own distributions: binomial, multinomial, normal and
chi-square. Patients who drop out do so at random, which thins a binomial to another binomial.

Random numbers come in blocks of trials, each with a stream keyed by the seed and its place, so the
same seed gives the same bits whatever `chunk` is, and a longer run begins with the shorter one.

Parameters
----------
treated, control, share, mean : array_like, shape () or (n_draws,)
    Shares who would respond or means of the values, in each arm or the only one.
sd : array_like, shape () or (n_draws,)
    Of the values in each arm.
n : int
    Patients who start.
n_treated, n_control : int
    Patients randomised to each arm.
n_treated_first, n_control_first : int
    Patients randomised to each order of treatments.
goal : float
    The share or mean that a single arm is set against.
n_trials : int
    Trials to simulate, 1 or more.
analysis : function
    How a trial is analysed: one of `plcore.analysis.trial_design.analysis` or `plcore.analysis.trial_design.share_analysis`.
dropout : float or (float, float)
    Share of patients, in each of two arms, whose outcome is not seen.
dropouts_fail : bool
    Count them as non-responders, or leave them out. The effect that the estimates are held against
    stays that among all patients.
period, carry_over : float
    Added to both treatments in the second period, and to control's there, after treatment: an error
    of minus half the carry-over for who adjusts for the period.
correlation : array_like, shape () or (n_draws,)
    Of a patient's two values.
alpha : float
    Level of the test.
chunk : int
    Trials held in memory at once; changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from plcore.analysis.trial_design.analysis import (
    Analysed,
    OneMean,
    OneShare,
    TwoMeans,
    TwoSequences,
    TwoShares,
    checked_between,
    exact_binomial,
    one_sample_t,
    student_t,
)
from plcore.analysis.trial_design.many_trials import (
    Counts,
    Found,
    binomial,
    by_table,
    checked_patients,
    draws_of,
    mean_and_sd,
    patients_seen,
    simulate,
    where_seen,
)
from plcore.analysis.trial_design.power import paired_shares
from plcore.analysis.trial_design.share_analysis import chi_square, period_adjusted
from plcore.analysis.trial_design.simulated import Simulated
from plcore.evidence.trials.counts import Array

Generator = np.random.Generator
#: Trials whose intermediate numbers are in memory together.
CHUNK = 65_536


def parallel_shares(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated: int,
    n_control: int,
    *,
    n_trials: int,
    seed: int,
    analysis: TwoShares = chi_square,
    dropout: tuple[float, float] = (0.0, 0.0),
    dropouts_fail: bool = False,
    alpha: float = 0.05,
    chunk: int = CHUNK,
) -> Simulated:
    """Two parallel arms of responders and non-responders."""
    effects = draws_of(
        n_trials, treated=_share("treated", treated), control=_share("control", control)
    )
    sizes = checked_patients("n_treated", n_treated), checked_patients("n_control", n_control)
    lost = checked_between("dropout", dropout, 0, 1, ends=True).tolist()

    def draw(stream: Generator, shares: Sequence[Array]) -> Found:
        found: Found = []
        for share, n, gone in zip(shares, sizes, lost, strict=True):
            seen = patients_seen(stream, n, gone, share.size)
            responders = binomial(stream, seen, share)
            found += [responders, np.full_like(seen, n) if dropouts_fail else seen]
        return found

    return simulate(
        draw, _tables(analysis, alpha, [1, 3]), effects, effects[0] - effects[1],
        n_trials=n_trials, seed=seed, alpha=alpha, chunk=chunk,
    )  # fmt: skip


def parallel_means(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    sd: npt.ArrayLike,
    n_treated: int,
    n_control: int,
    *,
    n_trials: int,
    seed: int,
    analysis: TwoMeans = student_t,
    dropout: tuple[float, float] = (0.0, 0.0),
    alpha: float = 0.05,
    chunk: int = CHUNK,
) -> Simulated:
    """Two parallel arms of normal values, such as the fall in pain; those seen are analysed."""
    effects = draws_of(
        n_trials, treated=_finite("treated", treated), control=_finite("control", control),
        sd=_spread(sd),
    )  # fmt: skip
    sizes = checked_patients("n_treated", n_treated), checked_patients("n_control", n_control)
    lost = checked_between("dropout", dropout, 0, 1, ends=True).tolist()

    def draw(stream: Generator, drawn: Sequence[Array]) -> Found:
        found: Found = []
        for mean, n, gone in zip(drawn[:2], sizes, lost, strict=True):
            seen = patients_seen(stream, n, gone, mean.size)
            found += mean_and_sd(stream, seen, mean, drawn[2])
        return found

    def analyse(found: Found) -> Analysed:
        return where_seen(lambda x: analysis(*x, level=1 - alpha), found, [2, 5], least=2)

    return simulate(
        draw, analyse, effects, effects[0] - effects[1],
        n_trials=n_trials, seed=seed, alpha=alpha, chunk=chunk,
    )  # fmt: skip


def crossover_shares(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated_first: int,
    n_control_first: int,
    *,
    odds_ratio: npt.ArrayLike,
    n_trials: int,
    seed: int,
    analysis: TwoSequences = period_adjusted,
    period: float = 0.0,
    carry_over: float = 0.0,
    dropout: float = 0.0,
    dropouts_fail: bool = False,
    alpha: float = 0.05,
    chunk: int = CHUNK,
) -> Simulated:
    """A 2x2 crossover of responders and non-responders.

    Parameters
    ----------
    treated, control, odds_ratio : array_like, shape () or (n_draws,)
        Shares who would respond in the first period, and the tie between a patient's two
        responses: see `plcore.analysis.trial_design.power.paired_shares`.
    dropout : float
        Share who leave between the periods: left out, or failing then with `dropouts_fail`.
    """
    effects = draws_of(
        n_trials, treated=_share("treated", treated), control=_share("control", control),
        odds_ratio=checked_between("odds_ratio", odds_ratio, 0, np.inf),
    )  # fmt: skip
    _share("treated + period", effects[0] + period)
    _share("control + period + carry_over", effects[1] + period + carry_over)
    sizes = _sequences(n_treated_first, n_control_first)
    _share("dropout", dropout)

    def draw(stream: Generator, drawn: Sequence[Array]) -> Found:
        (p1, p2, odds), added = drawn, period + carry_over
        x1, y1, n1 = _sequence(stream, p1, p2 + added, odds, sizes[0], dropout, dropouts_fail)
        x2, y2, n2 = _sequence(stream, p2, p1 + period, odds, sizes[1], dropout, dropouts_fail)
        # In the second sequence treatment comes late.
        return [x1, y1, n1, y2, x2, n2]

    return simulate(
        draw, _tables(analysis, alpha, [2, 5]), effects, effects[0] - effects[1],
        n_trials=n_trials, seed=seed, alpha=alpha, chunk=chunk,
    )  # fmt: skip


def crossover_means(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    sd: npt.ArrayLike,
    n_treated_first: int,
    n_control_first: int,
    *,
    correlation: npt.ArrayLike,
    n_trials: int,
    seed: int,
    analysis: TwoMeans = student_t,
    period: float = 0.0,
    carry_over: float = 0.0,
    dropout: float = 0.0,
    alpha: float = 0.05,
    chunk: int = CHUNK,
) -> Simulated:
    """A 2x2 crossover of normal values, such as the fall in pain; both periods or not analysed.

    The analysis gets half the difference of first and second period
    in place of the values of two arms: `student_t` then is the t-test adjusted for the period,
    `plcore.analysis.trial_design.analysis.paired_t` the one that ignores it.
    """
    effects = draws_of(
        n_trials, treated=_finite("treated", treated), control=_finite("control", control),
        sd=_spread(sd), correlation=checked_between("correlation", correlation, -1, 1),
    )  # fmt: skip
    sizes = _sequences(n_treated_first, n_control_first)
    _share("dropout", dropout)

    def draw(stream: Generator, drawn: Sequence[Array]) -> Found:
        high, low, spread, r = drawn
        half_sd = spread * np.sqrt((1 - r) / 2)
        halves = (high - low - period - carry_over) / 2, (low - high - period) / 2
        found: Found = []
        for half, n in zip(halves, sizes, strict=True):
            seen = patients_seen(stream, n, dropout, half.size)
            found += mean_and_sd(stream, seen, half, half_sd)
        return found

    def analyse(found: Found) -> Analysed:
        return where_seen(lambda x: analysis(*x, level=1 - alpha), found, [2, 5], least=2)

    return simulate(
        draw, analyse, effects, effects[0] - effects[1],
        n_trials=n_trials, seed=seed, alpha=alpha, chunk=chunk,
    )  # fmt: skip


def single_arm_shares(
    share: npt.ArrayLike,
    n: int,
    *,
    goal: float,
    n_trials: int,
    seed: int,
    analysis: OneShare = exact_binomial,
    dropout: float = 0.0,
    dropouts_fail: bool = False,
    alpha: float = 0.05,
    chunk: int = CHUNK,
) -> Simulated:
    """A single arm of responders and non-responders against a share that is the goal.

    The effect is the share above the goal. Without a control it holds what would have happened
    anyway: see `plcore.analysis.trial_design.conversion`.
    """
    effects = draws_of(n_trials, share=_share("share", share))
    size = checked_patients("n", n)
    checked_between("goal", goal, 0, 1)
    _share("dropout", dropout)

    def draw(stream: Generator, drawn: Sequence[Array]) -> Found:
        seen = patients_seen(stream, size, dropout, drawn[0].size)
        responders = binomial(stream, seen, drawn[0])
        return [responders, np.full_like(seen, size) if dropouts_fail else seen]

    def analyse(found: Found) -> Analysed:
        return by_table(lambda x: analysis(x[0], x[1], goal, level=1 - alpha), found, [1])

    return simulate(
        draw, analyse, effects, effects[0] - goal,
        n_trials=n_trials, seed=seed, alpha=alpha, chunk=chunk,
    )  # fmt: skip


def single_arm_means(
    mean: npt.ArrayLike,
    sd: npt.ArrayLike,
    n: int,
    *,
    goal: float,
    n_trials: int,
    seed: int,
    analysis: OneMean = one_sample_t,
    dropout: float = 0.0,
    alpha: float = 0.05,
    chunk: int = CHUNK,
) -> Simulated:
    """A single arm of normal values, such as the fall in pain, against a mean that is the goal."""
    effects = draws_of(n_trials, mean=_finite("mean", mean), sd=_spread(sd))
    size = checked_patients("n", n)
    checked_between("goal", goal, -np.inf, np.inf)
    _share("dropout", dropout)

    def draw(stream: Generator, drawn: Sequence[Array]) -> Found:
        seen = patients_seen(stream, size, dropout, drawn[0].size)
        return mean_and_sd(stream, seen, drawn[0], drawn[1])

    def analyse(found: Found) -> Analysed:
        return where_seen(
            lambda x: analysis(x[0], x[1], x[2], goal, level=1 - alpha), found, [2], least=2
        )

    return simulate(
        draw, analyse, effects, effects[0] - goal,
        n_trials=n_trials, seed=seed, alpha=alpha, chunk=chunk,
    )  # fmt: skip


def _tables(
    analysis: Callable[..., Analysed], alpha: float, sizes: Sequence[int]
) -> Callable[[Found], Analysed]:
    return lambda found: by_table(lambda x: analysis(*x, level=1 - alpha), found, sizes)


def _sequences(n_treated_first: int, n_control_first: int) -> tuple[int, int]:
    return (
        checked_patients("n_treated_first", n_treated_first),
        checked_patients("n_control_first", n_control_first),
    )


def _sequence(
    stream: Generator,
    early: Array,
    late: Array,
    odds_ratio: Array,
    n: int,
    dropout: float,
    fail: bool,
) -> tuple[Counts, Counts, Counts]:
    """Responders in the early period only, in the late one only, and patients analysed."""
    seen = patients_seen(stream, n, dropout, early.size)
    both, early_only, late_only, _ = paired_shares(early, late, odds_ratio=odds_ratio)
    x_early = binomial(stream, seen, early_only)
    others = 1 - early_only
    x_late = binomial(stream, seen - x_early, late_only / np.where(others > 0, others, 1))
    if not fail:
        return x_early, x_late, seen
    # Those who leave after the early period have its response, and none in the late one.
    return x_early + binomial(stream, n - seen, both + early_only), x_late, np.full_like(seen, n)


def _share(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, 0, 1, ends=True)


def _finite(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, -np.inf, np.inf)


def _spread(value: npt.ArrayLike) -> Array:
    return checked_between("sd", value, 0, np.inf)
