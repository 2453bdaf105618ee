"""A course of infusions, patient by patient, and what becomes of relief after it.

A patient is helped by the drug, by a placebo, by both or by neither. Each infusion starts a new
spell of relief: it lasts a random time T or until the next infusion, with

    P(T > t) = exp(-(t / scale)^shape),  scale = median / (log 2)^(1 / shape),

where the drug's median changes by a constant factor from the first infusion of the course to the
last (a course of one has the first's). So the median after the last infusion *is* the median time
to relapse of the patients whom the drug helps. Where both drug and placebo help, the one with the
longer median does; luck is the same for both.

Infusions are on whole days. The state of a day is that at its start, before any infusion of that
day, so that relief of a few hours is not seen: with one infusion on day 0 and exponential relief
of mean m, the share relieved on day d > 0 is p exp(-d / m). Time passes from event to event, not
day by day: relief is an interval, added to the days that start within it, which costs nothing
where nothing happens and makes durations exact.

Three things go in: `CourseDraws`, what we do not know; `CoursePlan`, what the clinic chooses;
`Chance`, what varies between patients. No randomised trial of a course of several infusions in
phantom limb pain is known, so each number of a `CourseDraws` needs its own source; `EVIDENCE`,
`CLAIMED` and `PLACEBO_ONLY` name the parameters of three sets, which differ only in what a page
claims.

Not modelled: partial relief short of the threshold, stopping that depends on relief (other than by
the clinic's rule), missed visits made up later (the clinic's schedule does that), side effects that
cluster in the same patient, harm from long use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from plcore.evidence.distributions import Floats
from plcore.inputs import check_fields, check_whole_number, checks_kinds

Integers = NDArray[np.int64]
#: Patients of all draws worked on at a time; their arrays fit the cache.
_CHUNK = 1 << 16
#: Days after the course for which unbroken relief is reported.
_LATER = (30, 90)
#: The place of a kind of chance keys its streams: add new ones at the end.
_KINDS = (
    "drug", "placebo", "pain", "fall", "patient", "relief", "dropout", "side_effect", "uptake",
)  # fmt: skip
_CELLS = 2.0**52


@dataclass(frozen=True, slots=True, eq=False)
class CourseDraws:
    """The uncertain inputs of a course, each of shape (n_draws,).

    Attributes
    ----------
    drug_response, placebo_response : ndarray
        Shares of patients to whom the drug and a placebo bring relief, independently of each other:
        the share relieved by the drug as given is 1 - (1 - drug) (1 - placebo) (Abbott 1925).
    first_relief_days, last_relief_days : ndarray
        Median days of relief, in patients helped by the drug, after the first and after the last
        infusion of the course; in between the median changes by the same factor each time.
    placebo_relief_days : ndarray
        Median days of relief, in patients helped by a placebo, after any infusion.
    relief_shape : ndarray
        Shape of the Weibull distribution of the days of relief; 1 is exponential, and less has
        both more very short and more very long relief.
    patient_correlation : ndarray
        Correlation of a patient's days of relief after different infusions (of their normal
        scores): 0 where every infusion is new luck, 1 where a patient's luck never changes.
    dropout : ndarray
        Probability of stopping for good before each infusion of a course but its first.
    return_uptake : ndarray
        Probability of coming back for more treatment each time that relief has ended.
    side_effect : ndarray
        Probability, at each infusion, of a side effect that prolongs the visit.
    extra_minutes : ndarray
        Minutes by which it prolongs the visit.
    pain_centre, pain_spread : ndarray
        Pain at the start, 0 to 10 points: mean and standard deviation of a normal distribution
        that is then cut at 0 and 10.
    fall : ndarray
        Mean fall in pain while relieved, as a share of pain at the start, from `threshold` to 1.
    threshold : float
        Relief is a fall in pain by this share or more.

    Raises
    ------
    ValueError
        Shapes that differ, or a value outside its range; names the input and the draw.
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

    def subset(self, draws: slice) -> CourseDraws:
        """The inputs of some of the draws."""
        return replace(self, **{name: getattr(self, name)[draws] for name in INPUTS})


#: The uncertain inputs by name.
INPUTS = tuple(field.name for field in fields(CourseDraws) if field.name != "threshold")
_DAYS = ("first_relief_days", "last_relief_days", "placebo_relief_days")
_ABOVE_ZERO = (*_DAYS, "pain_spread")
# Every other input is a share. Days end at a century, and a shape below 0.1 would overflow.
_RANGES = {
    **dict.fromkeys(_DAYS, (0.0, 36_525.0)),
    **dict.fromkeys(("extra_minutes", "pain_spread"), (0.0, np.inf)),
    "relief_shape": (0.1, np.inf),
    "pain_centre": (0.0, 10.0),
}

#: Names of the parameters of three sets, by input. The clinic pages credit all relief to the drug.
EVIDENCE: Mapping[str, str] = {name: f"course_{name}" for name in INPUTS}
CLAIMED: Mapping[str, str] = {
    **EVIDENCE,
    "drug_response": "course_drug_response_claimed",
    "placebo_response": "course_response_none",
    "first_relief_days": "course_first_relief_days_claimed",
    "last_relief_days": "course_last_relief_days_claimed",
}
PLACEBO_ONLY: Mapping[str, str] = {**EVIDENCE, "drug_response": "course_response_none"}


@checks_kinds
def course_draws(
    draws: pd.DataFrame, *, names: Mapping[str, str] = EVIDENCE, threshold: float = 0.5
) -> CourseDraws:
    """The inputs of a course from draws of the parameters.

    Parameters
    ----------
    draws : DataFrame, one row per draw, one column per parameter
        As `plcore.simulate.draws.draw` gives it.
    names : mapping of str to str
        Which column is which input: `EVIDENCE`, `CLAIMED`, `PLACEBO_ONLY` or your own.
    threshold : float
        The fall in pain, as a share, that counts as relief; the responses must have been counted
        by the same one.

    Returns
    -------
    CourseDraws

    Raises
    ------
    ValueError
        An input without a name, a name without a column, or a value outside its range.

    Examples
    --------
    >>> draws = pd.DataFrame({name: [0.5] for name in EVIDENCE.values()})
    >>> course_draws(draws).drug_response
    array([0.5])
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
    """What the clinic chooses: the days of the course, and what follows when relief ends.

    `CoursePlan(days)` is a course and nothing after it; `CoursePlan(days, max_returns=6)` adds up
    to six single boosters; `CoursePlan(days, return_days=days, max_returns=2)` up to two more
    courses.

    Attributes
    ----------
    course_days : tuple of int
        The days of the course's infusions; the first is day 0.
    return_days : tuple of int
        The days of the infusions given each time that relief has ended, counted from the first of
        them: `(0,)` is a single booster. They work as the last infusions of the course do.
    max_returns : int
        How many times a patient may come back at most.
    wait_days : int
        Days from the end of relief to the return.
    stop_without_relief_after : int, optional
        Patients without relief stop after this many infusions of the course; None lets them go on.

    Raises
    ------
    ValueError
        Days that do not rise from 0, more infusions at a return than in the course, or a negative
        number.
    """

    course_days: tuple[int, ...]
    return_days: tuple[int, ...] = (0,)
    max_returns: int = 0
    wait_days: int = 0
    stop_without_relief_after: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)
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


@checks_kinds
def infusion_days(n_infusions: int, weeks: float) -> tuple[int, ...]:
    """Days of infusions spread evenly over some weeks, from day 0, at least a day apart.

    Parameters
    ----------
    n_infusions : int
        1 or more, and no more than one a day.
    weeks : float
        Length of the course, above 0: the last infusion is on the last of its days.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        No infusion, no time, or more infusions than days.

    Examples
    --------
    >>> infusion_days(10, 3.5)
    (0, 3, 5, 8, 10, 13, 15, 18, 20, 23)
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


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """The luck of patients: independent uniform numbers strictly between 0 and 1.

    Each kind of luck, and each infusion within a kind, has its own stream of random numbers, and
    patient i takes the i-th number of it. So a patient keeps the same luck in every scenario,
    however many patients, infusions or draws of the parameters there are.

    Attributes
    ----------
    drug, placebo, pain, fall, patient : ndarray, shape (n_patients,)
        Whether the drug and whether a placebo helps, pain at the start, how far it falls, and how
        long relief lasts in this patient compared with others.
    relief, dropout, side_effect : ndarray, shape (n_slots, n_patients)
        By infusion: how long its relief lasts, whether the patient has stopped before it, whether
        it has a side effect that prolongs the visit.
    uptake : ndarray, shape (n_slots, n_patients)
        By return for more treatment: whether the patient takes it up.
    """

    drug: Floats
    placebo: Floats
    pain: Floats
    fall: Floats
    patient: Floats
    relief: Floats
    dropout: Floats
    side_effect: Floats
    uptake: Floats

    @property
    def n_patients(self) -> int:
        """Patients, a column each."""
        return len(self.drug)

    @property
    def n_slots(self) -> int:
        """Infusions that a patient may have."""
        return len(self.relief)


@checks_kinds
def draw_chance(n_patients: int, n_slots: int, *, seed: int) -> Chance:
    """The luck of so many patients.

    Parameters
    ----------
    n_patients : int
        1 or more.
    n_slots : int
        The most infusions one patient can have: `CoursePlan.n_slots`.
    seed : int
        Zero or more; the same seed gives the same patients.

    Returns
    -------
    Chance

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        A number of patients or infusions below 1, or a negative seed.

    Examples
    --------
    >>> draw_chance(1000, 10, seed=1).relief.shape
    (10, 1000)
    """
    check_whole_number("n_patients", n_patients, least=1)
    check_whole_number("n_slots", n_slots, least=1)
    check_whole_number("seed", seed, least=0)

    def uniform(kind: str, slot: int = 0) -> Floats:
        key = np.random.SeedSequence([seed, _KINDS.index(kind), slot])
        # One raw number a patient: more patients leave the luck of the first ones as it is.
        raw = np.random.PCG64(key).random_raw(n_patients)
        return np.asarray(((raw >> np.uint64(12)) + 0.5) / _CELLS)

    def by_slot(kind: str) -> Floats:
        return np.stack([uniform(kind, slot) for slot in range(n_slots)])

    return Chance(
        *(uniform(kind) for kind in ("drug", "placebo", "pain", "fall", "patient")),
        *(by_slot(kind) for kind in ("relief", "dropout", "side_effect", "uptake")),
    )


@dataclass(frozen=True, slots=True, eq=False)
class CourseOutcome:
    """What became of the patients, and the averages by day.

    Attributes
    ----------
    relief : ndarray, shape (n_draws, n_days)
        Share of all patients who began that have relief at the start of the day.
    pain : ndarray, shape (n_draws, n_days)
        Mean pain of all patients who began at the start of the day, 0 to 10.
    infusions_by_day : ndarray, shape (n_draws, n_days)
        Infusions on the day per patient who began.
    helped : ndarray of bool, shape (n_draws, n_patients)
        Whether infusions bring the patient relief at all, by drug or placebo.
    completed : ndarray of bool, shape (n_draws, n_patients)
        Whether the patient had every infusion of the course.
    infusions, returns, prolonged : ndarray of int, shape (n_draws, n_patients)
        Infusions given, returns for more treatment, and visits prolonged by a side effect.
    relief_days : ndarray, shape (n_draws, n_patients)
        Days spent in relief, fractions of days included, up to the end of the last day.
    relapse_day : ndarray, shape (n_draws, n_patients)
        When relief from the patient's last infusion of the course ended, fractions of days
        included and however late; NaN for patients who were not helped.
    dropout_day : ndarray, shape (n_draws, n_patients)
        Day of the first scheduled infusion that the patient gave up; NaN for none. Patients whom
        the clinic stops, or who do not come back, have not dropped out.
    extra_minutes : ndarray, shape (n_draws,)
        Minutes by which a side effect prolonged a visit.
    last_course_day : int
        Day of the last infusion of the course.
    """

    relief: Floats
    pain: Floats
    infusions_by_day: Floats
    helped: NDArray[np.bool_]
    completed: NDArray[np.bool_]
    infusions: Integers
    returns: Integers
    prolonged: Integers
    relief_days: Floats
    relapse_day: Floats
    dropout_day: Floats
    extra_minutes: Floats
    last_course_day: int


@checks_kinds
def simulate_course(
    inputs: CourseDraws, plan: CoursePlan, chance: Chance, *, n_days: int = 180
) -> CourseOutcome:
    """What a course does for every patient under every draw of the inputs.

    Parameters
    ----------
    inputs : CourseDraws
        What we do not know, shape (n_draws,) each.
    plan : CoursePlan
        What the clinic chooses.
    chance : Chance
        The patients' luck. It is the same in every draw, so that two draws or two scenarios differ
        by their inputs alone. It must have as many slots as the plan, or more.
    n_days : int
        Days followed; the first infusion is on the first of them.

    Returns
    -------
    CourseOutcome
        Arrays by draw and day, and by draw and patient.

    Raises
    ------
    ValueError
        A course that is longer than `n_days`, or too few slots of chance.

    Examples
    --------
    >>> import pandas as pd
    >>> inputs = course_draws(pd.DataFrame({name: [0.5] for name in EVIDENCE.values()}))
    >>> plan = CoursePlan(infusion_days(10, 3.5), max_returns=6)
    >>> outcome = simulate_course(inputs, plan, draw_chance(1000, plan.n_slots, seed=1))
    >>> outcome.relief.shape
    (1, 180)
    """
    if plan.course_days[-1] >= n_days:
        raise ValueError(
            f"the course has an infusion on day {plan.course_days[-1]}; expected all of it within "
            f"{n_days} days, 0 to {n_days - 1}"
        )
    if chance.n_slots < plan.n_slots:
        raise ValueError(
            f"chance has {chance.n_slots} slots; expected the plan's {plan.n_slots} or more"
        )
    step = max(1, _CHUNK // chance.n_patients)
    chunks = []
    for start in range(0, inputs.n_draws, step):
        patients = _Patients(inputs.subset(slice(start, start + step)), plan, chance, n_days)
        patients.treat()
        chunks.append(patients.outcome())
    names = [name for name in CourseOutcome.__slots__ if name != "last_course_day"]
    merged = {name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}
    return CourseOutcome(**merged, last_course_day=plan.course_days[-1])


class _Patients:
    """The patients of some draws while they are treated; all arrays are flat, draw by draw."""

    def __init__(self, x: CourseDraws, plan: CoursePlan, chance: Chance, n_days: int) -> None:
        self.x, self.plan, self.chance, self.n_days = x, plan, chance, n_days
        self.shape = x.n_draws, chance.n_patients
        size = x.n_draws * chance.n_patients
        self.draw = np.repeat(np.arange(x.n_draws), chance.n_patients)
        self.patient = np.tile(np.arange(chance.n_patients), x.n_draws)
        self.drug = (chance.drug < x.drug_response[:, None]).ravel()
        self.placebo = (chance.placebo < x.placebo_response[:, None]).ravel()
        self.helped = self.drug | self.placebo
        self.score = special.ndtri(chance.patient)
        self.pain = _pain(x, chance).ravel()
        self.gain = self.pain * _fall(x, chance).ravel()
        self.infusions, self.returns, self.prolonged = np.zeros((3, size), dtype=np.int64)
        self.relief_days = np.zeros(size)
        self.since = np.zeros(size, dtype=np.int64)
        self.until = np.zeros(size)
        self.dropout_day = np.full(size, np.nan)
        # One column more than mornings that can be told apart, for relief beyond the last.
        self.columns = n_days + 1
        self.starts, self.gains, self.visits = np.zeros((3, x.n_draws * self.columns))

    def treat(self) -> None:
        treated = self._course()
        self.completed = np.zeros(len(self.draw), dtype=bool)
        self.completed[treated] = True
        self.relapse_day = np.where(self.helped, self.until, np.nan)
        self._come_back(treated[self.helped[treated]])
        had_relief = np.flatnonzero(self.helped)
        self._close(had_relief, np.full(len(had_relief), self.n_days))

    def _course(self) -> Integers:
        """Give the course; the patients who are still there at its end."""
        who = np.arange(len(self.draw))
        for slot, day in enumerate(self.plan.course_days):
            if slot:
                who = who[self._stays(who, np.full(len(who), day), slot)]
            if slot == self.plan.stop_without_relief_after:
                who = who[self.helped[who]]
            self._infuse(who, np.full(len(who), day), place=slot, slot=slot)
        return who

    def _come_back(self, who: Integers) -> None:
        n_course, n_return = len(self.plan.course_days), len(self.plan.return_days)
        for number in range(self.plan.max_returns):
            day = np.ceil(self.until[who]) + self.plan.wait_days
            wants = self.chance.uptake[number][self.patient[who]] < self._input(
                "return_uptake", who
            )
            back = wants & (day < self.n_days)
            who, day = who[back], day[back].astype(np.int64)
            self.returns[who] += 1
            before = 0
            for i, offset in enumerate(self.plan.return_days):
                day += offset - before
                before = offset
                slot = n_course + number * n_return + i
                in_time = day < self.n_days
                who, day = who[in_time], day[in_time]
                if i:
                    stays = self._stays(who, day, slot)
                    who, day = who[stays], day[stays]
                self._infuse(who, day, place=n_course - n_return + i, slot=slot)

    def _stays(self, who: Integers, day: Integers, slot: int) -> NDArray[np.bool_]:
        stops = self.chance.dropout[slot][self.patient[who]] < self._input("dropout", who)
        self.dropout_day[who[stops]] = day[stops]
        return np.asarray(~stops)

    def _infuse(self, who: Integers, day: Integers, *, place: int, slot: int) -> None:
        """Give an infusion that works as the course's infusion at `place` does."""
        self.infusions[who] += 1
        side_effect = self.chance.side_effect[slot][self.patient[who]]
        self.prolonged[who] += side_effect < self._input("side_effect", who)
        self.visits += self._count(who, day)
        helped = self.helped[who]
        who, day = who[helped], day[helped]
        self._close(who, day)
        self.since[who] = day
        self.until[who] = day + self._relief(who, place, slot)

    def _relief(self, who: Integers, place: int, slot: int) -> Floats:
        """Days of relief after an infusion if no other followed."""
        x, chance, patient = self.x, self.chance, self.patient[who]
        grown = place / max(len(self.plan.course_days) - 1, 1)
        by_drug = x.first_relief_days * (x.last_relief_days / x.first_relief_days) ** grown
        draw = self.draw[who]
        median = np.maximum(
            np.where(self.drug[who], by_drug[draw], 0.0),
            np.where(self.placebo[who], x.placebo_relief_days[draw], 0.0),
        )
        r = x.patient_correlation[draw]
        score = np.sqrt(r) * self.score[patient]
        score += np.sqrt(1 - r) * special.ndtri(chance.relief[slot])[patient]
        # An exponential number with median 1, longer where the score is higher.
        unit = -special.log_ndtr(-score) / np.log(2)
        return np.asarray(median * unit ** (1 / x.relief_shape)[draw])

    def _close(self, who: Integers, day: Integers) -> None:
        """Add up the relief since the last infusion, which ends on `day` at the latest."""
        end = np.minimum(self.until[who], day)
        since = self.since[who]
        self.relief_days[who] += end - since
        first, after = since + 1, np.floor(end).astype(np.int64) + 1
        gain = self.gain[who]
        self.starts += self._count(who, first) - self._count(who, after)
        self.gains += self._count(who, first, gain) - self._count(who, after, gain)

    def _count(self, who: Integers, day: Integers, weights: Floats | None = None) -> Floats:
        place = self.draw[who] * self.columns + np.minimum(day, self.n_days)
        return np.bincount(place, weights, minlength=len(self.visits)).astype(np.float64)

    def _input(self, name: str, who: Integers) -> Floats:
        values: Floats = getattr(self.x, name)
        return values[self.draw[who]]

    def outcome(self) -> CourseOutcome:
        n_draws, n = self.shape
        starts, gains, visits = (
            values.reshape(n_draws, self.columns)[:, :-1]
            for values in (self.starts, self.gains, self.visits)
        )
        mean_pain = self.pain.reshape(self.shape).mean(axis=1, keepdims=True)
        by_patient = {
            name: getattr(self, name).reshape(self.shape)
            for name in (
                "helped", "completed", "infusions", "returns", "prolonged",
                "relief_days", "relapse_day", "dropout_day",
            )
        }  # fmt: skip
        return CourseOutcome(
            relief=np.cumsum(starts, axis=1) / n,
            pain=mean_pain - np.cumsum(gains, axis=1) / n,
            infusions_by_day=visits / n,
            extra_minutes=self.x.extra_minutes,
            last_course_day=self.plan.course_days[-1],
            **by_patient,
        )


def _pain(x: CourseDraws, chance: Chance) -> Floats:
    """Pain at the start, shape (n_draws, n_patients)."""
    centre, spread = x.pain_centre[:, None], x.pain_spread[:, None]
    low, high = special.ndtr(-centre / spread), special.ndtr((10 - centre) / spread)
    pain = centre + spread * special.ndtri(low + chance.pain * (high - low))
    # Rounding can step over the ends by the last digit.
    return np.asarray(np.clip(pain, 0.0, 10.0))


def _fall(x: CourseDraws, chance: Chance) -> Floats:
    """Fall in pain as a share, from the threshold to 1, shape (n_draws, n_patients)."""
    # u^a has mean 1 / (1 + a); a mean at the threshold puts every fall there.
    mean = (x.fall - x.threshold) / (1 - x.threshold)
    with np.errstate(divide="ignore"):
        power = (1 - mean) / mean
    return np.asarray(x.threshold + (1 - x.threshold) * chance.fall ** power[:, None])


@checks_kinds
def course_table(
    outcome: CourseOutcome, *, clinic_patients: int, level: float = 0.95
) -> pd.DataFrame:
    """What a clinic sees of its courses, one row per measure, per patient who begins.

    What we do not know (draws) and chance between patients are kept apart.

    Parameters
    ----------
    outcome : CourseOutcome
        From `simulate_course`.
    clinic_patients : int
        Patients that one clinic treats. The simulated patients are dealt out to clinics in their
        order, so their number must be a multiple, with enough clinics for the tails.
    level : float
        Level of the intervals, which leave out equal shares on both sides.

    Returns
    -------
    DataFrame
        measure, unit, mean; low_unknown, high_unknown: means of all patients over the draws (what
        we do not know); low_chance, high_chance: means of single clinics if every draw had the
        overall mean (luck of the clinic's patients); low_both, high_both: means of single clinics
        over the draws.

    Raises
    ------
    ValueError
        A level outside 0 to 1, or too few patients for the clinics.
    """
    n_draws, n_patients = outcome.infusions.shape
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    least = int(np.ceil(2 / (1 - level) - 1e-9))
    if clinic_patients < 1 or n_patients % clinic_patients or n_patients < least * clinic_patients:
        raise ValueError(
            f"{n_patients} simulated patients for clinics of {clinic_patients}; expected a "
            f"multiple that gives {least} clinics or more"
        )
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for measure, unit, values in _measures(outcome):
        clinics = values.reshape(n_draws, -1, clinic_patients).mean(axis=2)
        means = values.mean(axis=1)
        mean = means.mean()
        luck = mean + clinics - means[:, None]
        limits = [np.quantile(sample, tails) for sample in (means, luck, clinics)]
        rows.append((measure, unit, mean, *np.concatenate(limits)))
    ends = [f"{end}_{kind}" for kind in ("unknown", "chance", "both") for end in ("low", "high")]
    return pd.DataFrame(rows, columns=["measure", "unit", "mean", *ends])


def _measures(o: CourseOutcome) -> Iterator[tuple[str, str, Floats]]:
    yield "helped", "share", o.helped.astype(float)
    yield "completed_course", "share", o.completed.astype(float)
    yield "dropped_out", "share", (~np.isnan(o.dropout_day)).astype(float)
    # NaN, for patients who were not helped, is never later than a day.
    yield "relief_day_after_course", "share", (o.relapse_day >= o.last_course_day + 1).astype(float)
    for days in _LATER:
        still = o.relapse_day >= o.last_course_day + days
        yield f"unbroken_relief_{days}_days_after_course", "share", still.astype(float)
    yield "came_back", "share", (o.returns > 0).astype(float)
    yield "returns", "returns", o.returns.astype(float)
    yield "infusions", "infusions", o.infusions.astype(float)
    yield "prolonged_visits", "visits", o.prolonged.astype(float)
    yield "extra_minutes", "minutes", o.prolonged * o.extra_minutes[:, None]
    yield "relief_days", "days", o.relief_days


@checks_kinds
def course_by_day(outcome: CourseOutcome, *, levels: Sequence[int] = (50, 80, 95)) -> pd.DataFrame:
    """Relief, pain and infusions by day, over the draws.

    Parameters
    ----------
    outcome : CourseOutcome
        From `simulate_course`.
    levels : sequence of int
        Levels of the intervals in percent.

    Returns
    -------
    DataFrame
        One row per outcome and day: outcome (`relief`, a share; `pain`, 0 to 10;
        `infusions`, per patient who began), day, mean, median, low_50, high_50, ... The intervals
        are those of averages over all patients: what we do not know, without chance.
    """
    tails = np.array([(1 - level / 100) / 2 for level in levels])
    frames = []
    for name, values in (
        ("relief", outcome.relief),
        ("pain", outcome.pain),
        ("infusions", outcome.infusions_by_day),
    ):
        low, high = (np.quantile(values, p, axis=0) for p in (tails, 1 - tails))
        limits = {f"low_{level}": low[i] for i, level in enumerate(levels)}
        limits |= {f"high_{level}": high[i] for i, level in enumerate(levels)}
        days = np.arange(values.shape[1])
        middle = {"mean": values.mean(axis=0), "median": np.median(values, axis=0)}
        frames.append(pd.DataFrame({"outcome": name, "day": days, **middle, **limits}))
    return pd.concat(frames, ignore_index=True)
