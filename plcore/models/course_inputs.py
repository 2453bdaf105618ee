"""What a simulated course of infusions is told: what we believe, and what the clinic chooses.

No randomised trial of a course of several infusions in phantom limb pain was found. Whoever makes
a `CourseDraws` says where each number comes from; `EVIDENCE`, `CLAIMED` and `PLACEBO_ONLY` name
the parameters of three sets that share all that no page claims.

Parameters
----------
days : sequence of int
    Days of the infusions of a course, rising from 0.
wait_days : int
    From the end of relief to the next infusion.
most : int
    How many times at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True, eq=False)
class CourseDraws:
    """The uncertain inputs of a course, each of shape (n_draws,).

    Attributes
    ----------
    drug_response, placebo_response : ndarray
        Shares of patients to whom the drug and a placebo bring relief, independently of each other:
        the share relieved by the drug as given is 1 - (1 - drug) (1 - placebo) (Abbott 1925).
    first_relief_days, last_relief_days : ndarray
        Median days of relief in those helped by the drug after the first and after the last
        infusion of the course; in between the median changes by the same factor each time.
    placebo_relief_days : ndarray
        The same in those helped by a placebo, after any infusion.
    relief_shape : ndarray
        Shape of the Weibull distribution of the days of relief; 1 is exponential, and less has
        both more very short and more very long relief.
    patient_correlation : ndarray
        Of the normal scores of a patient's days of relief after different infusions: 0 where
        each is new luck, 1 where a patient always has the same.
    dropout : ndarray
        Probability of stopping for good before each infusion of a course but its first.
    return_uptake : ndarray
        Probability of coming back for more treatment each time that relief has ended.
    side_effect : ndarray
        Probability, at each infusion, of a side effect that prolongs the visit.
    extra_minutes : ndarray
        By how much.
    pain_centre, pain_spread : ndarray
        Pain at the start, 0 to 10 points: mean and standard deviation of a normal distribution
        that is then cut at 0 and 10.
    fall : ndarray
        Mean fall in pain while relieved, as a share of pain at the start, from `threshold` to 1.
    threshold : float
        Relief is a fall by this share or more.
    """

    drug_response: Floats
    placebo_response: Floats
    first_relief_days: Floats
    last_relief_days: Floats
    placebo_relief_days: Floats
    relief_shape: Floats
    patient_correlation: Floats
    dropout: Floats
    return_uptake: Floats
    side_effect: Floats
    extra_minutes: Floats
    pain_centre: Floats
    pain_spread: Floats
    fall: Floats
    threshold: float = 0.5

    def __post_init__(self) -> None:
        shape = np.shape(self.drug_response)
        if len(shape) != 1 or not shape[0]:
            raise ValueError(f"drug_response has shape {shape}; expected (n_draws,), 1 or more")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold:g}; expected a share from 0 to below 1")
        for name in INPUTS:
            values = np.asarray(getattr(self, name), dtype=float)
            if values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape}; expected {shape}")
            low, high = _RANGES.get(name, (0.0, 1.0))
            low = self.threshold if name == "fall" else low
            allowed = np.isfinite(values) & (values >= low) & (values <= high)
            if name in _ABOVE_ZERO:
                allowed &= values > 0
            if not allowed.all():
                i = int(np.argmin(allowed))
                least = "above 0" if name in _ABOVE_ZERO else f"from {low:g}"
                most = f" to {high:g}" if np.isfinite(high) else ", finite"
                raise ValueError(f"{name} is {values[i]:g} in draw {i}; expected {least}{most}")

    @property
    def n_draws(self) -> int:
        """Draws of the inputs."""
        return len(self.drug_response)

    def part(self, draws: slice) -> CourseDraws:
        """Some of the draws."""
        return replace(self, **{name: getattr(self, name)[draws] for name in INPUTS})


#: The uncertain inputs by name.
INPUTS = tuple(field.name for field in fields(CourseDraws) if field.name != "threshold")
_DAYS = ("first_relief_days", "last_relief_days", "placebo_relief_days")
_ABOVE_ZERO = (*_DAYS, "pain_spread")
# All else is a share. Days end at a century, and a shape below 0.1 would overflow.
_RANGES = {
    **dict.fromkeys(_DAYS, (0.0, 36_525.0)),
    **dict.fromkeys(("extra_minutes", "pain_spread"), (0.0, np.inf)),
    "relief_shape": (0.1, np.inf),
    "pain_centre": (0.0, 10.0),
}

#: Names of the parameters of three sets, by input. The pages credit all relief to the drug.
EVIDENCE: Mapping[str, str] = {name: f"course_{name}" for name in INPUTS}
CLAIMED: Mapping[str, str] = {
    **EVIDENCE,
    "drug_response": "course_drug_response_claimed",
    "placebo_response": "course_response_none",
    "first_relief_days": "course_first_relief_days_claimed",
    "last_relief_days": "course_last_relief_days_claimed",
}
PLACEBO_ONLY: Mapping[str, str] = {**EVIDENCE, "drug_response": "course_response_none"}


def course_draws(
    draws: pd.DataFrame, *, names: Mapping[str, str] = EVIDENCE, threshold: float = 0.5
) -> CourseDraws:
    """The inputs of a course from draws of the parameters.

    Parameters
    ----------
    draws : DataFrame, a row a draw, a column a parameter
        As `plcore.simulate.draws.draw` gives it.
    names : mapping of str to str
        Which column is which input: `EVIDENCE`, `CLAIMED`, `PLACEBO_ONLY` or one's own.
    threshold : float
        The fall in pain that counts as relief; the responses must have been counted by it.
    """
    if set(names) != set(INPUTS):
        odd = sorted(set(names) ^ set(INPUTS))
        raise ValueError(f"names lack or add {', '.join(odd)}; expected {', '.join(INPUTS)}")
    missing = sorted(set(names.values()) - set(draws.columns))
    if missing:
        raise ValueError(f"draws lack {', '.join(missing)}; expected a column for each input")
    columns = {name: draws[column].to_numpy(dtype=float) for name, column in names.items()}
    return CourseDraws(**columns, threshold=threshold)


@dataclass(frozen=True, slots=True)
class CoursePlan:
    """What the clinic chooses.

    Attributes
    ----------
    course_days : tuple of int
        The days of the course's infusions; the first is day 0.
    return_days : tuple of int
        When relief has ended: the days of the infusions that are then given, from the first of
        them. `(0,)` is a single booster, `course_days` is a whole course again. They do what the
        last infusions of the course did: a booster what its last one did.
    max_returns : int
        How often; 0 for no more treatment after the course.
    wait_days : int
        Days from the end of relief to the return.
    stop_without_relief_after : int, optional
        Patients without relief stop after this many infusions of the course; None lets them go on.
    """

    course_days: tuple[int, ...]
    return_days: tuple[int, ...] = (0,)
    max_returns: int = 0
    wait_days: int = 0
    stop_without_relief_after: int | None = None

    def __post_init__(self) -> None:
        for name, days in (("course_days", self.course_days), ("return_days", self.return_days)):
            if not days or days[0] != 0 or (np.diff(days) < 1).any():
                raise ValueError(f"{name} is {days}; expected day 0, then days at least 1 apart")
        if len(self.return_days) > len(self.course_days):
            raise ValueError(
                f"return_days has {len(self.return_days)} infusions; "
                f"expected no more than the {len(self.course_days)} of the course"
            )
        if self.max_returns < 0 or self.wait_days < 0:
            raise ValueError(
                f"max_returns is {self.max_returns} and wait_days is {self.wait_days}; "
                "expected 0 or more of each"
            )
        if self.stop_without_relief_after is not None and self.stop_without_relief_after < 1:
            raise ValueError(
                f"stop_without_relief_after is {self.stop_without_relief_after}; "
                "expected 1 infusion or more, or None"
            )

    @property
    def n_slots(self) -> int:
        """The most infusions one patient can have."""
        return len(self.course_days) + self.max_returns * len(self.return_days)


def infusion_days(n_infusions: int, weeks: float) -> tuple[int, ...]:
    """Days of infusions spread evenly over some weeks, from day 0, at least a day apart.

    Parameters
    ----------
    n_infusions : int
        1 or more, and no more than one a day.
    weeks : float
        Length of the course, above 0: the last infusion is on the last of its days.
    """
    if n_infusions < 1 or not weeks > 0:
        raise ValueError(
            f"{n_infusions} infusions in {weeks:g} weeks; expected 1 or more in more than 0 weeks"
        )
    days = round(7 * weeks)
    if n_infusions > days:
        raise ValueError(
            f"{n_infusions} infusions do not fit into the {days} days of {weeks:g} weeks; "
            "expected at most one a day"
        )
    return tuple(int(i * (days - 1) / max(n_infusions - 1, 1) + 0.5) for i in range(n_infusions))


def no_boosters(days: Sequence[int]) -> CoursePlan:
    """A course and nothing after it."""
    return CoursePlan(tuple(days))


def single_boosters(days: Sequence[int], *, most: int, wait_days: int = 0) -> CoursePlan:
    """A course, then one infusion each time that relief has ended, `most` times at most."""
    return CoursePlan(tuple(days), max_returns=most, wait_days=wait_days)


def repeat_courses(days: Sequence[int], *, most: int, wait_days: int = 0) -> CoursePlan:
    """A course, then all of it again each time that relief has ended, `most` times at most."""
    return CoursePlan(tuple(days), tuple(days), max_returns=most, wait_days=wait_days)


def fits(plan: CoursePlan, n_days: int) -> NDArray[np.int64]:
    """The days of a plan's course, checked to lie within `n_days`."""
    if plan.course_days[-1] >= n_days:
        raise ValueError(
            f"the course has an infusion on day {plan.course_days[-1]}; expected all of it within "
            f"{n_days} days, 0 to {n_days - 1}"
        )
    return np.asarray(plan.course_days)
