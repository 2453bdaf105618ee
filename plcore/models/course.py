"""A course of infusions, patient by patient, and what becomes of relief after it.

A patient is helped by the drug, by a placebo, by both or by neither. Each infusion begins relief
anew: it ends after a random time T or is replaced by the next infusion's, with

    P(T > t) = exp(-(t / scale)^shape),  scale = median / (log 2)^(1 / shape),

where the drug's median changes by a constant factor from the first infusion of the course to the
last (a course of one has the first's). So the median after the last infusion *is* the median time
to relapse of those whom the drug helps. Where both drug and placebo help, the one with the longer
median does; luck is the same for both.

Infusions are on whole days. The state of a day is that at its start, before any infusion of that
day, so that relief of a few hours is not seen: with one infusion on day 0 and exponential relief
of mean m, the share relieved on day d > 0 is p exp(-d / m). Time passes from event to event, not
day by day: relief is an interval, added to the days that start within it, which costs nothing
where nothing happens and makes durations exact.

Not modelled: partial relief short of the threshold, stopping that depends on relief (other than by
the clinic's rule), missed visits made up later (a matter of the queue), side effects that run in
a patient, harm from long use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from plcore.evidence.distributions import Floats
from plcore.models.course_chance import Chance
from plcore.models.course_inputs import CourseDraws, CoursePlan, fits

Integers = NDArray[np.int64]
#: Patients of all draws worked on at a time; what is held of them fits the cache.
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class CourseOutcome:
    """What became of the patients, and the averages by day.

    Attributes
    ----------
    relief : ndarray, shape (n_draws, n_days)
        Share of all who began with relief at the start of the day.
    pain : ndarray, shape (n_draws, n_days)
        Their mean pain then, 0 to 10.
    infusions_by_day : ndarray, shape (n_draws, n_days)
        Infusions on the day per patient who began.
    helped : ndarray of bool, shape (n_draws, n_patients)
        Whether infusions bring the patient relief at all, by drug or placebo.
    completed : ndarray of bool, shape (n_draws, n_patients)
        Whether the patient had every infusion of the course.
    infusions, returns, prolonged : ndarray of int, shape (n_draws, n_patients)
        Infusions had, times come back for more, visits prolonged by a side effect.
    relief_days : ndarray, shape (n_draws, n_patients)
        Days spent in relief, parts of days included, up to the end of the last day.
    relapse_day : ndarray, shape (n_draws, n_patients)
        When relief from the patient's last infusion of the course ended, parts of days included and
        however late; NaN where not helped.
    dropout_day : ndarray, shape (n_draws, n_patients)
        Day of the first infusion of a course, or of a return, that the patient was to have and
        gave up; NaN for none. Who is stopped by the clinic or does not come back is not in it.
    extra_minutes : ndarray, shape (n_draws,)
        By how much a visit was prolonged.
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


def simulate_course(
    inputs: CourseDraws, plan: CoursePlan, chance: Chance, *, n_days: int = 180
) -> CourseOutcome:
    """Every patient's course under every draw of the inputs.

    Parameters
    ----------
    inputs : CourseDraws
    plan : CoursePlan
    chance : Chance
        The patients. They are the same in every draw, so that two draws or two scenarios differ by
        their inputs and not by luck. There must be slots for all infusions of the plan.
    n_days : int
        Days followed, the first of which is that of the first infusion.
    """
    fits(plan, n_days)
    if chance.n_slots < plan.n_slots:
        raise ValueError(
            f"chance has {chance.n_slots} slots; expected the plan's {plan.n_slots} or more"
        )
    step = max(1, _CHUNK // chance.n_patients)
    parts = []
    for start in range(0, inputs.n_draws, step):
        crowd = _Crowd(inputs.part(slice(start, start + step)), plan, chance, n_days)
        crowd.run()
        parts.append(crowd.outcome())
    merged = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _MERGED}
    return CourseOutcome(**merged, last_course_day=plan.course_days[-1])


_MERGED = tuple(name for name in CourseOutcome.__slots__ if name != "last_course_day")


class _Crowd:
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

    def run(self) -> None:
        treated = self._course()
        self.completed = np.zeros(len(self.draw), dtype=bool)
        self.completed[treated] = True
        self.relapse_day = np.where(self.helped, self.until, np.nan)
        self._come_back(treated[self.helped[treated]])
        had_relief = np.flatnonzero(self.helped)
        self._close(had_relief, np.full(len(had_relief), self.n_days))

    def _course(self) -> Integers:
        """Give the course; who is left at its end."""
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
        """One infusion, which does what the course's infusion at `place` does."""
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
        """Days of relief after an infusion, were none to follow."""
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
        """Enter the relief since the last infusion, which ends on `day` at the latest."""
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
        each = {
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
            **each,
        )


def _pain(x: CourseDraws, chance: Chance) -> Floats:
    """Pain at the start, shape (n_draws, n_patients)."""
    centre, spread = x.pain_centre[:, None], x.pain_spread[:, None]
    low, high = special.ndtr(-centre / spread), special.ndtr((10 - centre) / spread)
    found = centre + spread * special.ndtri(low + chance.pain * (high - low))
    # Rounding can step over the ends by the last digit.
    return np.asarray(np.clip(found, 0.0, 10.0))


def _fall(x: CourseDraws, chance: Chance) -> Floats:
    """Fall in pain as a share, from the threshold to 1, shape (n_draws, n_patients)."""
    # u^a has mean 1 / (1 + a); with a mean at the threshold itself all falls are there.
    mean = (x.fall - x.threshold) / (1 - x.threshold)
    with np.errstate(divide="ignore"):
        power = (1 - mean) / mean
    return np.asarray(x.threshold + (1 - x.threshold) * chance.fall ** power[:, None])
