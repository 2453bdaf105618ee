"""Who comes to the clinic, what is believed of them, and their luck.

A patient's luck is looked up by kind, patient and occasion, not drawn one number after another. In
which order patients are treated depends on how many chairs there are; their luck must not. So each
number is a function of what it is for: the outputs of SplitMix64 (Steele, Lea and Flood 2014),
whose n-th can be computed without those before it. Each kind and run has a generator of its own,
with a state from NumPy's `SeedSequence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.evidence.distributions import Floats
from plcore.models.course import CourseDraws, CoursePlan, draw_chance, simulate_course

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

#: The place of a kind keys its numbers: add new ones at the end.
KINDS = (
    "referral", "relief", "male", "weight", "cancellation", "no_show", "dropout", "recovery",
    "side_effect", "uptake", "patience",
)  # fmt: skip
#: A patient has this many occasions of a kind.
OCCASIONS = 1 << 16
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_12, _27, _30, _31 = map(np.uint64, (12, 27, 30, 31))


@dataclass(frozen=True, slots=True, eq=False)
class ClinicDraws:
    """What is believed of patients and visits, each of shape (n_draws,).

    Attributes
    ----------
    first_no_show, no_show : ndarray
        Probability of missing, without notice, a visit before the first infusion, and a later one.
    cancellation : ndarray
        Probability of cancelling a visit early enough for somebody else to have the slot.
    dropout : ndarray
        Probability of stopping for good before each infusion of a course but its first.
    return_uptake : ndarray
        Probability of coming back for more treatment each time that relief has ended.
    recovery_minutes : ndarray
        Median recovery after an infusion, in minutes.
    recovery_spread : ndarray
        Standard deviation of the logarithm of recovery between visits (lognormal).
    side_effect : ndarray
        Probability, at each infusion, of a side effect that prolongs the visit.
    extra_minutes : ndarray
        Minutes by which a side effect prolongs the visit.
    male_share : ndarray
        Share of men among the patients.
    male_weight, female_weight : ndarray
        Median weight in kg.
    male_weight_spread, female_weight_spread : ndarray
        Standard deviation of the logarithm of weight between patients (lognormal).
    lead_days : ndarray, optional
        Days from referral until a first infusion can be given, as an assessment and appointments
        take their time; 0 by default.
    patience_days : ndarray, optional
        Mean days that new patients wait before they give up (exponential); by default nobody does.

    Raises
    ------
    ValueError
        If shapes differ, or a value is out of its range.
    """

    first_no_show: Floats
    no_show: Floats
    cancellation: Floats
    dropout: Floats
    return_uptake: Floats
    recovery_minutes: Floats
    recovery_spread: Floats
    side_effect: Floats
    extra_minutes: Floats
    male_share: Floats
    male_weight: Floats
    male_weight_spread: Floats
    female_weight: Floats
    female_weight_spread: Floats
    lead_days: Floats | None = None
    patience_days: Floats | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.no_show)
        if len(shape) != 1 or not shape[0]:
            raise ValueError(f"no_show has shape {shape}; expected (n_draws,), 1 or more")
        for name in (*INPUTS, *_IF_GIVEN):
            if getattr(self, name) is None and name in _IF_GIVEN:
                continue
            values = np.asarray(getattr(self, name), dtype=float)
            if values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape}; expected {shape}")
            low, high = _RANGES.get(name, (0.0, 1.0))
            allowed = np.isfinite(values) & (values >= low) & (values <= high)
            if not allowed.all():
                i = int(np.argmin(allowed))
                raise ValueError(
                    f"{name} is {values[i]:g} in draw {i}; expected from {low:g} to {high:g}"
                )

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return len(self.no_show)


_IF_GIVEN = ("lead_days", "patience_days")
#: The uncertain inputs by name that every patient has.
INPUTS = tuple(field.name for field in fields(ClinicDraws) if field.name not in _IF_GIVEN)
#: All others are shares. A patient who never comes, or always cancels, would be booked for ever,
#: hence the limits below 1.
_RANGES = {
    "first_no_show": (0.0, 0.95),
    "no_show": (0.0, 0.95),
    "cancellation": (0.0, 0.95),
    "recovery_minutes": (0.0, 1440.0),
    "recovery_spread": (0.0, 2.0),
    "extra_minutes": (0.0, 1440.0),
    "male_weight": (20.0, 300.0),
    "female_weight": (20.0, 300.0),
    "male_weight_spread": (0.0, 1.0),
    "female_weight_spread": (0.0, 1.0),
    "lead_days": (0.0, 3650.0),
    "patience_days": (0.01, 1e6),
}
#: Inputs that the simulation of a course has as well, with the same parameters.
_OF_THE_COURSE = ("dropout", "return_uptake", "side_effect", "extra_minutes")


def clinic_draws(draws: pd.DataFrame) -> ClinicDraws:
    """The inputs of a clinic from draws of the parameters, one row per draw, one column per parameter."""
    columns = {
        name: f"course_{name}" if name in _OF_THE_COURSE else f"clinic_{name}" for name in INPUTS
    }
    missing = sorted(set(columns.values()) - set(draws.columns))
    if missing:
        raise ValueError(f"draws lack {', '.join(missing)}; expected a column for each input")
    return ClinicDraws(
        **{name: draws[column].to_numpy(dtype=float) for name, column in columns.items()}
    )


def random_referrals(per_week: ArrayLike, *, n_days: int, n_runs: int, seed: int) -> Integers:
    """Days on which new patients are referred, at random around a rate (Poisson).

    Each run of each draw has a luck of its own, which does not depend on the rate: patient i comes
    sooner where the rate is higher.

    Parameters
    ----------
    per_week : array_like, shape (), (n_draws, 1), (n_draws, n_weeks) or (n_draws, n_runs, n_weeks)
        Referrals expected a week, 0 or more. Weeks start with day 0; the last one may be cut
        short. A column for each week is needed where they differ.
    n_days, n_runs : int
        Days followed and runs of chance for each draw, 1 or more.
    seed : int
        The same seed gives the same days.

    Returns
    -------
    ndarray of int, shape (n_draws, n_runs, n_patients)
        In order; `n_days` fills the rows of those with fewer patients.
    """
    if n_days < 1 or n_runs < 1:
        raise ValueError(f"n_days is {n_days} and n_runs is {n_runs}; expected 1 or more of each")
    rates = np.atleast_2d(np.asarray(per_week, dtype=float))
    n_weeks = -(-n_days // 7)
    if (
        rates.ndim > 3
        or rates.shape[-1] not in (1, n_weeks)
        or (rates.ndim == 3 and rates.shape[1] not in (1, n_runs))
    ):
        raise ValueError(
            f"per_week has shape {np.shape(per_week)}; expected (), (n_draws, 1), (n_draws, "
            f"{n_weeks}) or (n_draws, {n_runs}, {n_weeks})"
        )
    allowed = np.isfinite(rates) & (rates >= 0)
    if not allowed.all():
        raise ValueError(
            f"per_week has {rates[~allowed][0]:g}; expected referrals a week, 0 or more"
        )
    if rates.ndim == 2:
        rates = rates[:, np.newaxis]
    luck = states("referral", n_runs, n_draws=len(rates), seed=seed)
    rows = [
        _days_of_referral(np.broadcast_to(rates[d, r % rates.shape[1]], n_weeks), n_days, state)
        for d, of_draw in enumerate(luck)
        for r, state in enumerate(of_draw[:, np.newaxis])
    ]
    days = np.full((len(rows), max(1, *(len(row) for row in rows))), n_days, dtype=np.int64)
    for found, row in zip(days, rows, strict=True):
        found[: len(row)] = row
    return days.reshape(*luck.shape, -1)


def _days_of_referral(per_week: Floats, n_days: int, state: Words) -> Integers:
    """Referrals at a rate of 1 in a time that runs as fast as referrals are expected."""
    expected = np.cumsum(np.repeat(per_week, 7)[:n_days] / 7)
    most = float(expected[-1])
    n = int(most + 6 * np.sqrt(most) + 10)
    while (times := np.cumsum(-np.log(uniform(state, np.arange(n)))))[-1] <= most:
        n *= 2
    return np.searchsorted(expected, times[times <= most], side="left").astype(np.int64)


def with_waiting_list(
    referrals: Integers, waiting: int, *, by_month: Sequence[int] = ()
) -> Integers:
    """The referrals with a number of people before them who wait already on day 0.

    `by_month` says how many of them were referred in each month before day 0, the last month first;
    within a month they are spread evenly. Without it they were referred on the day before.
    """
    if waiting < 0:
        raise ValueError(f"waiting is {waiting}; expected 0 people or more")
    if len(by_month) and (min(by_month) < 0 or sum(by_month) != waiting):
        raise ValueError(
            f"by_month has {list(by_month)}; expected numbers of 0 or more with the sum {waiting}"
        )
    first = np.full(waiting, -1)
    if len(by_month):
        ends = [(place + (np.arange(n) + 0.5) / n) for place, n in enumerate(by_month) if n]
        ago = np.concatenate([np.zeros(0), *ends]) * 365.25 / 12
        first = -np.sort(np.ceil(ago).astype(np.int64))[::-1]
    before = np.broadcast_to(first, (*referrals.shape[:2], waiting))
    return np.concatenate([before, referrals], axis=2)


def relief_after_course(
    inputs: CourseDraws, plan: CoursePlan, *, n_members: int, seed: int
) -> Floats:
    """Days from the last infusion of a completed course to the end of relief, by the course model.

    Of shape (n_draws, n_members), for that many patients in each draw; NaN in those whom the course
    does not help.
    """
    course = CoursePlan(plan.course_days)
    chance = draw_chance(n_members, course.n_slots, seed=seed)
    nobody_stops = replace(inputs, dropout=np.zeros(inputs.n_draws))
    outcome = simulate_course(nobody_stops, course, chance, n_days=plan.course_days[-1] + 1)
    return outcome.relapse_day - outcome.last_course_day


def states(kind: str, n_runs: int, *, n_draws: int = 1, seed: int) -> Words:
    """Where the numbers of a kind start in each run of each draw, shape (n_draws, n_runs)."""
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    of_runs = _states_of_runs(seed, KINDS.index(kind), n_runs)
    return words(of_runs, np.arange(1, n_draws + 1)[:, np.newaxis])


@lru_cache(maxsize=64)
def _states_of_runs(seed: int, place: int, n_runs: int) -> Words:
    # A plan simulates the same runs for each number of chairs.
    sequences = (np.random.SeedSequence([seed, place, run]) for run in range(n_runs))
    return np.array(
        [sequence.generate_state(1, np.uint64)[0] for sequence in sequences], dtype=np.uint64
    )


def words(state: Words, number: Integers) -> Words:
    """The outputs of SplitMix64 from a state: the first is number 1. Shapes are broadcast."""
    z = np.asarray(state + number.astype(np.uint64) * _STEP)
    # In place: arrays are small, and many.
    for shift, factor in ((_30, _FIRST), (_27, _SECOND)):
        z ^= z >> shift
        z *= factor
    z ^= z >> _31
    return z


def uniform(state: Words, patient: Integers, occasion: Integers | int = 0) -> Floats:
    """Numbers strictly between 0 and 1."""
    raw = words(state, patient * OCCASIONS + (occasion + 1))
    raw >>= _12
    return np.asarray((raw + 0.5) / 2.0**52)
