"""The clinic day by day: courses, boosters, missed visits, and new patients in the slots left over.

On each open day patients whose next infusion is due are booked first, in the order in which they
were given the day; new patients get the slots that are left, first come, first served. So a course
that has begun hardly waits, and demand beyond capacity ends on the waiting list. A patient who is
due and finds no slot comes first on the next open day. A visit missed without notice costs its
slot. Within the day visits have appointments, take as long as they take, and wait for a chair where
those before them took too long (`plcore.clinic.queue`).

A patient's relief lasts as long after each return as after the course, and those who are helped
once are helped again. New patients do not cancel their first visit: they come or they do not.

Not modelled: new patients who give up while they wait, differences between clinicians, waits for a
nurse that the appointments did not foresee, death and moving away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from plcore.clinic.day import ClinicPlan, appointments
from plcore.clinic.patients import (
    INPUTS,
    KINDS,
    OCCASIONS,
    ClinicDraws,
    Integers,
    Words,
    states,
    uniform,
)
from plcore.clinic.queue import idle, serve
from plcore.clinic.results import (
    BROKEN_OFF,
    BY_DAY,
    BY_PATIENT,
    COMPLETED,
    DROPPED,
    MISSED,
    NOT_REFERRED,
    STOPPED,
    UNDER_WAY,
    WAITING,
    ClinicOutcome,
)
from plcore.evidence.distributions import Floats

#: Replications simulated at a time, so that the numbers of a day stay in the cache.
_CHUNK = 1024


def simulate_clinic(
    plan: ClinicPlan,
    inputs: ClinicDraws,
    referrals: Integers,
    relief: Floats,
    open_days: NDArray[np.bool_],
    *,
    seed: int,
) -> ClinicOutcome:
    """The clinic simulated day by day under every draw of the inputs, in several runs of chance.

    Parameters
    ----------
    plan : ClinicPlan
        What the clinic chooses.
    inputs : ClinicDraws
        What is believed of its patients and visits.
    referrals : ndarray of int, shape (n_draws or 1, n_runs, n_patients)
        Day of referral of each patient, in order. The length of `open_days`, or more, stands for
        nobody.
    relief : ndarray, shape (n_draws or 1, n_members)
        Days from the last infusion to the end of relief in those who may come, NaN where the course
        does not help. Patients are picked from them at random.
    open_days : ndarray of bool, shape (n_days,)
        Days on which the clinic is open.
    seed : int
        The same seed gives each patient of a run the same luck in all draws and under all plans.

    Returns
    -------
    ClinicOutcome
        The clinic by day and patient, in arrays of shape (n_draws, n_runs, n_days or n_patients).

    Raises
    ------
    ValueError
        If shapes do not fit together, referrals are out of order, or no day is open.

    Examples
    --------
    Four patients have one infusion each in a clinic that holds two visits a day.

    >>> from plcore.clinic import ClinicDraws, ClinicPlan, DayPlan, Dose
    >>> from plcore.clinic.patients import INPUTS
    >>> from plcore.models.course import CoursePlan
    >>> day = DayPlan(1, 1, open_minutes=200, infusion_minutes=40, recovery_minutes=50,
    ...     turnover_minutes=10, patients_per_nurse=1, recovering_per_nurse=4)
    >>> plan = ClinicPlan(day, CoursePlan((0,)), Dose(vial_mg=500, mg_per_kg=0.5))
    >>> inputs = ClinicDraws(**{
    ...     name: np.array([80.0 if name.endswith("weight") else 0.0]) for name in INPUTS})
    >>> outcome = simulate_clinic(plan, inputs, np.array([[[0, 0, 0, 0]]]), np.array([[np.nan]]),
    ...     np.array([True] * 3), seed=1)
    >>> outcome.infusions.tolist()
    [[[2, 2, 0]]]
    """
    _check(inputs, referrals, relief, open_days)
    n_draws, n_runs = inputs.n_draws, referrals.shape[1]
    luck = {kind: states(kind, n_runs, seed=seed) for kind in KINDS}
    n = n_draws * n_runs
    blocks = []
    for low in range(0, n, _CHUNK):
        draw, run = np.divmod(np.arange(low, min(low + _CHUNK, n)), n_runs)
        clinic = _Clinic(
            plan,
            {name: np.asarray(getattr(inputs, name), dtype=float)[draw] for name in INPUTS},
            referrals[draw % len(referrals), run],
            relief[draw % len(relief)],
            {kind: state[run] for kind, state in luck.items()},
            open_days,
        )
        blocks.append(clinic.run())
    merged = {
        name: np.concatenate([block[name] for block in blocks]).reshape(
            n_draws, n_runs, *blocks[0][name].shape[1:]
        )
        for name in blocks[0]
    }
    return ClinicOutcome(plan=plan, open=open_days, **merged)


class _Clinic:
    """Some replications; patients are numbered across all of them, one replication after another."""

    def __init__(
        self,
        plan: ClinicPlan,
        x: dict[str, Floats],
        referrals: Integers,
        relief: Floats,
        luck: dict[str, Words],
        is_open: NDArray[np.bool_],
    ) -> None:
        self.plan, self.x, self.luck, self.is_open = plan, x, luck, is_open
        self.n, self.width = referrals.shape
        self.n_days = len(is_open)
        self.referred = np.minimum(referrals, self.n_days)
        self._make_patients(relief)
        size = self.n * self.width
        self.bookings, self.had, self.place, self.missed, self.returns, self.due_since = np.zeros(
            (6, size), dtype=np.int64
        )
        self.offered_day, self.first_day = np.full((2, size), self.n_days)
        self.fate = np.where(self.referred < self.n_days, WAITING, NOT_REFERRED).ravel()
        self.offered, self.returns_broken_off = np.zeros((2, self.n), dtype=np.int64)
        self.by_day = {name: np.zeros((self.n_days, self.n)) for name in BY_DAY}
        self.calendar: list[list[Integers]] = [[] for _ in range(self.n_days + 1)]
        self.deferred = np.zeros(0, dtype=np.int64)
        self._make_days()

    def _make_patients(self, relief: Floats) -> None:
        """What does not change in a patient: weight, and how long relief lasts."""
        who = np.arange(self.width)

        def chance(kind: str) -> Floats:
            return uniform(self.luck[kind][:, None], who)

        member = (chance("relief") * relief.shape[1]).astype(np.int64)
        days = np.take_along_axis(relief, member, axis=1).ravel()
        self.helped = ~np.isnan(days)
        # Beyond the end all days are alike.
        self.relief_days = np.ceil(
            np.where(self.helped, np.minimum(days, self.n_days), 0.0)
        ).astype(np.int64)
        x = {name: values[:, None] for name, values in self.x.items()}
        male = chance("male") < x["male_share"]
        score = special.ndtri(chance("weight"))
        weight = np.where(
            male,
            x["male_weight"] * np.exp(x["male_weight_spread"] * score),
            x["female_weight"] * np.exp(x["female_weight_spread"] * score),
        )
        dose = self.plan.dose
        self.mg = (dose.mg + dose.mg_per_kg * weight).ravel()
        # A dose of exactly two vials must not need three for the last digit.
        self.vials = np.ceil(self.mg / dose.vial_mg - 1e-9)

    def _make_days(self) -> None:
        """The calendar: who has been referred by each day, which day opens next, and its hours."""
        place = self.referred + np.arange(self.n)[:, None] * (self.n_days + 1)
        by_day = np.bincount(place.ravel(), minlength=self.n * (self.n_days + 1))
        counts = by_day.reshape(self.n, self.n_days + 1)[:, :-1]
        self.referred_by = np.cumsum(counts, axis=1).T.copy()
        days = np.where(self.is_open, np.arange(self.n_days), self.n_days)
        ahead = np.minimum.accumulate(days[::-1])[::-1]
        self.next_open = np.append(ahead, self.n_days)
        slots = appointments(self.plan.day)
        self.capacity = self.plan.visits_a_day
        # Visits booked over share the appointments of others, spread over the day.
        self.times = slots[np.arange(self.capacity) * len(slots) // self.capacity][:, None]
        course = self.plan.course
        self.lengths = np.array([len(course.course_days), len(course.return_days)])
        self.gaps = np.zeros((2, self.lengths.max()), dtype=np.int64)
        self.gaps[0, : self.lengths[0] - 1] = np.diff(course.course_days)
        self.gaps[1, : self.lengths[1] - 1] = np.diff(course.return_days)

    def run(self) -> dict[str, np.ndarray]:
        for day in range(self.n_days):
            if self.is_open[day]:
                self._open(day)
            self.by_day["waiting"][day] = self.referred_by[day] - self.offered
        floats = BY_DAY[BY_DAY.index("chair_minutes") :]
        arrays: dict[str, np.ndarray] = {
            name: values.T.astype(np.float64 if name in floats else np.int64, order="C")
            for name, values in self.by_day.items()
        }
        patients = (
            self.referred, self.offered_day, self.first_day, self.fate.astype(np.int8), self.had,
            self.returns,
        )  # fmt: skip
        for name, values in zip(BY_PATIENT, patients, strict=True):
            arrays[name] = values.reshape(self.n, self.width)
        return {**arrays, "returns_broken_off": self.returns_broken_off}

    def _open(self, day: int) -> None:
        who = self._due(day)
        who, place = self._allot(day, who)
        new, new_place = self._offer(day, who)
        who, place = np.concatenate([who, new]), np.concatenate([place, new_place])
        rep, patient = np.divmod(who, self.width)
        self._note("booked", day, rep)
        first = self.had[who] == 0
        chance = np.where(first, self.x["first_no_show"][rep], self.x["no_show"][rep])
        comes = self._uniform("no_show", rep, patient, self.bookings[who]) >= chance
        self._note("no_shows", day, rep[~comes])
        self._miss(day, who[~comes])
        who, rep, patient, place = who[comes], rep[comes], patient[comes], place[comes]
        self._treat(day, who, rep, patient, place)
        self._go_on(day, who, rep, patient)

    def _due(self, day: int) -> Integers:
        """Patients who are to be given a slot today, by replication, in their order."""
        who = np.concatenate([np.zeros(0, dtype=np.int64), *self.calendar[day]])
        self.calendar[day] = []
        self.bookings[who] += 1
        rep, patient = np.divmod(who, self.width)
        off = (
            self._uniform("cancellation", rep, patient, self.bookings[who])
            < self.x["cancellation"][rep]
        )
        self._note("cancelled", day, rep[off])
        self._book(who[off], np.full(int(off.sum()), day + self.plan.rebook_days))
        who = who[~off]
        self.due_since[who] = day
        who = np.concatenate([self.deferred, who])
        # Small integers are sorted by radix, several times faster.
        rep = (who // self.width).astype(np.int16)
        return who[np.argsort(rep, kind="stable")]

    def _allot(self, day: int, who: Integers) -> tuple[Integers, Integers]:
        """Patients for whom the day has a slot, and which slot; the others are put off."""
        rep = who // self.width
        counts = np.bincount(rep, minlength=self.n)
        place = np.arange(len(who)) - (np.cumsum(counts) - counts)[rep]
        has = place < self.capacity
        late = who[~has]
        too_late = self.next_open[day + 1] - self.due_since[late] > self.plan.most_delay_days
        given_up = late[too_late]
        again = self.returns[given_up] > 0
        self.fate[given_up[~again]] = BROKEN_OFF
        self.returns_broken_off += np.bincount(given_up[again] // self.width, minlength=self.n)
        self.deferred = late[~too_late]
        return who[has], place[has]

    def _offer(self, day: int, who: Integers) -> tuple[Integers, Integers]:
        """New patients for the slots that are left, and their slots."""
        taken = np.bincount(who // self.width, minlength=self.n)
        n = np.minimum(self.capacity - taken, self.referred_by[day] - self.offered)
        rep = np.repeat(np.arange(self.n), n)
        number = np.arange(len(rep)) - (np.cumsum(n) - n)[rep]
        new = rep * self.width + self.offered[rep] + number
        self.offered += n
        self.offered_day[new] = day
        self.fate[new] = UNDER_WAY
        self.bookings[new] = 1
        self._note("first_offers", day, rep)
        return new, taken[rep] + number

    def _miss(self, day: int, who: Integers) -> None:
        self.missed[who] += 1
        out = self.missed[who] > self.plan.most_missed
        lost = who[out]
        self.fate[lost[self.returns[lost] == 0]] = MISSED
        again = who[~out]
        self._book(again, np.full(len(again), day + self.plan.rebook_days))

    def _treat(
        self, day: int, who: Integers, rep: Integers, patient: Integers, place: Integers
    ) -> None:
        """The infusions of a day, and the delays that they cause."""
        plan = self.plan.day
        number = self.had[who]
        score = special.ndtri(self._uniform("recovery", rep, patient, number))
        recovery = self.x["recovery_minutes"][rep] * np.exp(self.x["recovery_spread"][rep] * score)
        side_effect = (
            self._uniform("side_effect", rep, patient, number) < self.x["side_effect"][rep]
        )
        recovery += side_effect * self.x["extra_minutes"][rep]
        minutes = np.zeros((self.capacity, self.n))
        minutes[place, rep] = plan.infusion_minutes + recovery
        # A missed visit takes no time and delays nobody.
        present = minutes > 0
        begun = np.empty(minutes.shape)
        busy = minutes + present * plan.turnover_minutes
        serve(self.times, busy, idle(plan.chairs, self.n), begun)
        closing = np.where(present, begun + minutes, 0.0).max(axis=0)
        nurses = plan.infusion_minutes / plan.patients_per_nurse
        self._note("infusions", day, rep)
        self._note("nurse_minutes", day, rep, nurses + recovery / plan.recovering_per_nurse)
        # Added up in order: sums along an axis depend on how many replications there are.
        self._note("chair_minutes", day, rep, minutes[place, rep])
        self._note("late_minutes", day, rep, (begun - self.times)[place, rep])
        self._note("mg", day, rep, self.mg[who])
        self._note("vials", day, rep, self.vials[who])
        self.by_day["overtime_minutes"][day] = np.maximum(closing - plan.open_minutes, 0.0)
        self.first_day[who[number == 0]] = day
        self.had[who] = number + 1
        self.place[who] += 1

    def _go_on(self, day: int, who: Integers, rep: Integers, patient: Integers) -> None:
        """What the patients treated today do next."""
        course = self.plan.course
        kind = np.minimum(self.returns[who], 1)
        ends = self.place[who] == self.lengths[kind]
        more, m_rep, m_patient, m_kind = who[~ends], rep[~ends], patient[~ends], kind[~ends]
        stays = (
            self._uniform("dropout", m_rep, m_patient, self.had[more]) >= self.x["dropout"][m_rep]
        )
        self.fate[more[~stays & (m_kind == 0)]] = DROPPED
        if course.stop_without_relief_after is not None:
            useless = (m_kind == 0) & ~self.helped[more] & stays
            useless &= self.had[more] == course.stop_without_relief_after
            self.fate[more[useless]] = STOPPED
            stays &= ~useless
        more, m_kind = more[stays], m_kind[stays]
        self._book(more, day + self.gaps[m_kind, self.place[more] - 1])
        done, d_rep, d_patient = who[ends], rep[ends], patient[ends]
        self.fate[done[kind[ends] == 0]] = COMPLETED
        wants = (
            self._uniform("uptake", d_rep, d_patient, self.returns[done])
            < self.x["return_uptake"][d_rep]
        )
        back_day = day + self.relief_days[done] + course.wait_days
        wants &= self.helped[done] & (self.returns[done] < course.max_returns)
        wants &= back_day < self.n_days
        back = done[wants]
        self.returns[back] += 1
        self.place[back] = 0
        self._book(back, back_day[wants])

    def _book(self, who: Integers, day: Integers) -> None:
        """Book patients for a day, or for the next on which the clinic is open."""
        target = self.next_open[np.minimum(day, self.n_days)]
        order = np.argsort(target, kind="stable")
        who, target = who[order], target[order]
        edges = np.flatnonzero(np.diff(target)) + 1
        for group in np.split(np.arange(len(who)), edges):
            if len(group):
                self.calendar[target[group[0]]].append(who[group])

    def _uniform(self, kind: str, rep: Integers, patient: Integers, occasion: Integers) -> Floats:
        return uniform(self.luck[kind][rep], patient, occasion)

    def _note(self, name: str, day: int, rep: Integers, weights: Floats | None = None) -> None:
        self.by_day[name][day] = np.bincount(rep, weights, minlength=self.n)


def _check(
    inputs: ClinicDraws, referrals: Integers, relief: Floats, is_open: NDArray[np.bool_]
) -> None:
    if is_open.ndim != 1 or is_open.dtype != np.bool_ or not is_open.any():
        raise ValueError("open_days: expected one True or False a day, True at least once")
    if len(is_open) >= OCCASIONS:
        raise ValueError(f"{len(is_open)} days; expected fewer than {OCCASIONS}")
    if referrals.ndim != 3 or not referrals.size or len(referrals) not in (1, inputs.n_draws):
        raise ValueError(
            f"referrals has shape {referrals.shape}; expected (n_draws, n_runs, n_patients), "
            f"with {inputs.n_draws} draws or 1"
        )
    if (referrals < 0).any() or (np.diff(referrals, axis=2) < 0).any():
        raise ValueError("referrals has a day before 0 or before that of the patient before")
    if relief.ndim != 2 or not relief.size or len(relief) not in (1, inputs.n_draws):
        raise ValueError(
            f"relief has shape {relief.shape}; expected (n_draws, n_members), "
            f"with {inputs.n_draws} draws or 1"
        )
    if (relief < 0).any():
        raise ValueError("relief has a value below 0; expected days, or NaN where not helped")
