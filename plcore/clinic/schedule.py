"""The clinic day by day: courses, boosters, missed visits, and new patients in the slots left over.

On each open day patients whose next infusion is due are booked first, in the order in which they
were given the day; new patients get the slots that are left, those who have waited longest first.
So a course that has begun hardly waits, and demand beyond capacity ends on the waiting list. A
patient who is due and finds no slot comes first on the next open day. The infusions of a course
keep to its own dates, counted from its first: one that is late does not put off those after it,
other than to the day after it. A visit missed without notice costs its slot. Within the day visits
have appointments, take as long as they take, and wait for a chair where those before them took too
long.

New patients are ready for a first infusion some days after referral, those on the waiting list at
once; they may give up before they are offered a day for it. A patient's relief lasts as long after
each return as after the course, and those who are helped once are helped again. New patients do not
cancel their first visit: they come or they do not.

Whoever waits when the days end is followed on, without new referrals, until a first infusion: how
long people wait must not depend on when we stop to look.

Not modelled: differences between clinicians, waits for a nurse that the appointments did not
foresee, death and moving away.

The wait for a chair is a queue with several servers, first come, first served, at any times of
arrival (G/G/c). The next visit starts when it has arrived and the first server is free. The sorted
times at which the servers become free are all that matters of the past (Kiefer and Wolfowitz 1955):
each visit takes the first of them and puts its own end in its place among the others. The loop runs
over visits; replications are side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from plcore.clinic.day import ClinicPlan, DayPlan, appointments
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
from plcore.clinic.results import (
    BROKEN_OFF,
    BY_DAY,
    BY_PATIENT,
    COMPLETED,
    DROPPED,
    GAVE_UP,
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
#: Patients who wait at the end are followed for this many times the days, and no longer.
_FOLLOWED = 4
_LOOKED_FOR = 28
#: Slots of replications and days that are added up at a time.
_SLOTS = 1 << 17


def simulate_clinic(
    plan: ClinicPlan,
    inputs: ClinicDraws,
    referrals: Integers,
    relief: Floats,
    open_days: NDArray[np.bool_],
    *,
    seed: int,
    follow_days: int | None = None,
    only: NDArray[np.bool_] | None = None,
) -> ClinicOutcome:
    """The clinic simulated day by day under every draw of the inputs, in several runs of chance.

    Parameters
    ----------
    plan : ClinicPlan
        What the clinic chooses.
    inputs : ClinicDraws
        What is believed of its patients and visits.
    referrals : ndarray of int, shape (n_draws or 1, n_runs, n_patients)
        Day of referral of each patient, in order, below 0 for those on the waiting list on day 0.
        The length of `open_days`, or more, stands for nobody.
    relief : ndarray, shape (n_draws or 1, n_members)
        Days from the last infusion to the end of relief in those who may come, NaN where the course
        does not help. Patients are picked from them at random.
    open_days : ndarray of bool, shape (n_days,)
        Days on which the clinic is open.
    seed : int
        The same seed gives each patient of a run and draw the same luck under all plans.
    follow_days : int, optional
        Days for which patients who wait for a first infusion at the end are followed on, at most;
        by default four times as many as `open_days`. The clinic is open on them as in the last year.
    only : ndarray of bool, shape (n_draws, n_runs), optional
        The runs of each draw that are simulated, each as it is among all; by default all.

    Returns
    -------
    ClinicOutcome
        The clinic by day and patient, in arrays of shape (n_draws, n_runs, n_days or n_patients).
        With `only`, those that are True stand one after the other: (n_true, 1, ...).

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
    n_draws, n_runs, n_days = inputs.n_draws, referrals.shape[1], len(open_days)
    after = _FOLLOWED * n_days if follow_days is None else follow_days
    after = min(after, OCCASIONS - 1 - n_days)
    # Whole weeks of the last year, again and again.
    year = open_days[-min(n_days // 7 * 7 or n_days, 364) :]
    is_open = np.concatenate([open_days, np.resize(year, after)])
    luck = {kind: states(kind, n_runs, n_draws=n_draws, seed=seed) for kind in KINDS}
    chosen = np.arange(n_draws * n_runs) if only is None else np.flatnonzero(only)
    n = len(chosen)
    merged: dict[str, np.ndarray] = {}
    for low in range(0, n, _CHUNK):
        rows = slice(low, min(low + _CHUNK, n))
        draw, run = np.divmod(chosen[rows], n_runs)
        x = {name: np.asarray(getattr(inputs, name), dtype=float)[draw] for name in INPUTS}
        lead = np.zeros(n_draws) if inputs.lead_days is None else inputs.lead_days
        never = np.full(n_draws, np.inf)
        x["lead_days"] = np.asarray(lead)[draw]
        x["patience_days"] = np.asarray(
            never if inputs.patience_days is None else inputs.patience_days
        )[draw]
        clinic = _Clinic(
            plan,
            x,
            referrals[draw % len(referrals), run],
            relief[draw % len(relief)],
            {kind: state[draw, run] for kind, state in luck.items()},
            is_open,
            n_days,
        )
        for name, values in clinic.run().items():
            if n <= _CHUNK:
                merged[name] = values
                continue
            if name not in merged:
                merged[name] = np.empty((n, *values.shape[1:]), dtype=values.dtype)
            merged[name][rows] = values
    shape = (n_draws, n_runs) if only is None else (n, 1)
    shaped = {name: values.reshape(*shape, *values.shape[1:]) for name, values in merged.items()}
    return ClinicOutcome(plan=plan, open=open_days, last_day=len(is_open), **shaped)


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
        n_days: int,
    ) -> None:
        self.plan, self.x, self.luck, self.is_open = plan, x, luck, is_open
        self.n, self.width = referrals.shape
        self.n_days, self.last = n_days, len(is_open)
        self.referred = np.minimum(referrals, n_days)
        self._make_patients(relief)
        size = self.n * self.width
        (
            self.bookings, self.had, self.place, self.missed, self.returns, self.due_since,
            self.begun,
        ) = np.zeros((7, size), dtype=np.int64)  # fmt: skip
        self.offered_day, self.first_day, self.completed_day = np.full((3, size), self.last)
        self.fate = np.where(self.referred < n_days, WAITING, NOT_REFERRED).ravel()
        self.head, self.returns_broken_off, self.most_booked = np.zeros((3, self.n), dtype=np.int64)
        floats = BY_DAY[BY_DAY.index("chair_minutes") :]
        self.by_day: dict[str, np.ndarray] = {
            name: np.zeros((self.n, n_days), dtype=np.float64 if name in floats else np.int64)
            for name in BY_DAY
        }
        # What happens on a day is noted, and added up for some days at a time from this one on.
        self.noted_from = 0
        self.noted: defaultdict[str, list[Integers]] = defaultdict(list)
        self.treated: list[tuple[Integers, Integers, Integers, Integers]] = []
        self.calendar: defaultdict[int, list[Integers]] = defaultdict(list)
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
        self.relief_days = np.ceil(np.where(self.helped, np.minimum(days, self.last), 0.0)).astype(
            np.int64
        )
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
        #: The first day on which the patient has given up, if not offered a visit before.
        self.gone_day = np.full(self.referred.shape, self.last)
        self.some_give_up = bool(np.isfinite(x["patience_days"]).any())
        if self.some_give_up:
            # Those on the list on day 0 have not given up by then.
            patience = -np.log(chance("patience")) * x["patience_days"]
            gone = np.ceil(np.maximum(self.referred, 0) + patience)
            self.gone_day = np.minimum(gone, self.last).astype(np.int64)

    def _make_days(self) -> None:
        """The calendar: who is ready by each day, which day opens next, and what it holds."""
        lead = np.rint(self.x["lead_days"]).astype(np.int64)[:, None]
        # Those on the list on day 0 have been assessed.
        ready = np.where(self.referred < 0, 0, np.minimum(self.referred + lead, self.last))
        self.ready_day = ready
        # Nobody new is ready after the last of them.
        n_days = int(ready.max(initial=0, where=self.referred < self.n_days)) + 1
        place = np.where(self.referred < self.n_days, np.minimum(ready, n_days), n_days)
        self.ready_by = _counted(place, n_days).cumsum(axis=1).T.copy()
        days = np.where(self.is_open, np.arange(self.last), self.last)
        ahead = np.minimum.accumulate(days[::-1])[::-1]
        self.next_open = np.append(ahead, self.last)
        self.periods = dict(self.plan.periods)
        course = self.plan.course
        self.lengths = np.array([len(course.course_days), len(course.return_days)])
        self.dates = np.zeros((2, self.lengths.max()), dtype=np.int64)
        self.dates[0, : self.lengths[0]] = course.course_days
        self.dates[1, : self.lengths[1]] = course.return_days

    def run(self) -> dict[str, np.ndarray]:
        for day in range(self.n_days):
            if day in self.periods:
                self._add_up(day)
                self._begin(self.periods[day])
            if self.is_open[day]:
                self._open(day)
            if day + 1 - self.noted_from == self.days_at_a_time:
                self._add_up(day + 1)
        self._add_up(self.n_days)
        if self.last > self.n_days:
            # What has become of whom when the days end; only waits are followed beyond.
            at_end = {name: getattr(self, name).copy() for name in ("fate", "had", "returns")}
            at_end["returns_broken_off"] = self.returns_broken_off.copy()
            self._follow()
        else:
            at_end = {name: getattr(self, name) for name in ("fate", "had", "returns")}
            at_end["returns_broken_off"] = self.returns_broken_off
        referred = np.clip(self.referred, 0, self.n_days)
        left = np.minimum(self.offered_day, self.gone_day.ravel()).reshape(self.n, self.width)
        left = np.where(referred < self.n_days, np.minimum(left, self.n_days), self.n_days)
        here = _counted(referred, self.n_days) - _counted(left, self.n_days)
        waiting = np.cumsum(here, axis=1)
        # Who gives up before being ready never is.
        ready = np.where(
            left < self.ready_day, self.n_days, np.minimum(self.ready_day, self.n_days)
        )
        no_longer = np.where(left < self.ready_day, self.n_days, left)
        come = _counted(ready, self.n_days) - _counted(no_longer, self.n_days)
        # Who gave up after the last offer has not been looked at since.
        fate = at_end["fate"].reshape(self.n, self.width)
        fate[(fate == WAITING) & (left < self.n_days)] = GAVE_UP
        arrays = self.by_day | {"waiting": waiting, "ready": np.cumsum(come, axis=1)}
        patients = {
            "referred_day": self.referred, "offered_day": self.offered_day,
            "first_day": self.first_day, "completed_day": self.completed_day,
            "fate": fate.astype(np.int8), "had": at_end["had"], "returns": at_end["returns"],
            "unseen": self._unseen(),
        }  # fmt: skip
        for name in BY_PATIENT:
            arrays[name] = patients[name].reshape(self.n, self.width)
        of_runs = {"most_booked": self.most_booked}
        return {**arrays, **of_runs, "returns_broken_off": at_end["returns_broken_off"]}

    def _begin(self, plan: DayPlan) -> None:
        """A period with another day begins."""
        self.day_plan, self.capacity = plan, self.plan.visits_on(plan)
        slots = appointments(plan)
        # Visits booked over share the appointments of others, spread over the day.
        self.times = slots[np.arange(self.capacity) * len(slots) // self.capacity][:, None]
        self.days_at_a_time = max(1, _SLOTS // (self.capacity * self.n))

    def _unseen(self) -> NDArray[np.bool_]:
        """Who still waits for a first infusion, and has not given up."""
        waits = (self.fate == WAITING) & (self.gone_day.ravel() >= self.last)
        return np.asarray(waits | ((self.fate == UNDER_WAY) & (self.had == 0)))

    def _follow(self) -> None:
        """Go on without new referrals until nobody waits for a first infusion."""
        of_interest = np.flatnonzero(self.referred.ravel() < self.n_days)
        gone_day = self.gone_day.ravel()
        active = np.ones(self.n, dtype=bool)
        for day in range(self.n_days, self.last):
            if day in self.periods:
                self._begin(self.periods[day])
            # Whoever is left is looked for now and then: it takes longer than a day's visits.
            if (day - self.n_days) % _LOOKED_FOR == 0:
                fate = self.fate[of_interest]
                still = (fate == WAITING) & (gone_day[of_interest] > day)
                still |= (fate == UNDER_WAY) & (self.had[of_interest] == 0)
                of_interest = of_interest[still]
                if not of_interest.size:
                    return
                active[:] = False
                active[of_interest // self.width] = True
            if self.is_open[day]:
                due = np.concatenate([np.zeros(0, dtype=np.int64), *self.calendar.pop(day, [])])
                self.calendar[day] = [due[active[due // self.width]]]
                self.deferred = self.deferred[active[self.deferred // self.width]]
                self._open(day)

    def _open(self, day: int) -> None:
        who = self._due(day)
        who, place = self._allot(day, who)
        new, new_place = self._offer(day, who)
        who, place = np.concatenate([who, new]), np.concatenate([place, new_place])
        rep, patient = np.divmod(who, self.width)
        booked = np.bincount(rep, minlength=self.n)
        np.maximum(self.most_booked, booked, out=self.most_booked)
        self._note("booked", day, rep)
        first = self.had[who] == 0
        chance = np.where(first, self.x["first_no_show"][rep], self.x["no_show"][rep])
        comes = self._uniform("no_show", rep, patient, self.bookings[who]) >= chance
        self._note("no_shows", day, rep[~comes])
        self._miss(day, who[~comes])
        who, rep, patient, place = who[comes], rep[comes], patient[comes], place[comes]
        if day < self.n_days:
            cell = (day - self.noted_from) * self.n + rep
            self.treated.append((who, cell, self.had[who], place))
        self.first_day[who[self.had[who] == 0]] = day
        self.begun[who[self.place[who] == 0]] = day
        self.had[who] += 1
        self.place[who] += 1
        self._go_on(day, who, rep, patient)

    def _due(self, day: int) -> Integers:
        """Patients who are to be given a slot today, by replication, in their order."""
        who = np.concatenate([np.zeros(0, dtype=np.int64), *self.calendar.pop(day, [])])
        self.bookings[who] += 1
        rep, patient = np.divmod(who, self.width)
        off = (
            self._uniform("cancellation", rep, patient, self.bookings[who])
            < self.x["cancellation"][rep]
        )
        self._note("cancelled", day, rep[off])
        self._book_again(who[off], day)
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
        if has.all():
            self.deferred = who[:0]
            return who, place
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
        ready = self.ready_by[min(day, len(self.ready_by) - 1)]
        room = np.minimum(self.capacity - taken, ready - self.head)
        new = np.zeros(0, dtype=np.int64)
        while room.any():
            rep = np.repeat(np.arange(self.n), room)
            number = np.arange(len(rep)) - (np.cumsum(room) - room)[rep]
            next_ones = rep * self.width + self.head[rep] + number
            self.head += room
            if not self.some_give_up:
                new = next_ones
                break
            gone = self.gone_day[rep, next_ones % self.width] <= day
            self.fate[next_ones[gone]] = GAVE_UP
            new = np.concatenate([new, next_ones[~gone]])
            # Others take the slots of those who have given up.
            room = np.minimum(np.bincount(rep[gone], minlength=self.n), ready - self.head)
        if not new.size:
            return new, new
        # In the order of referral within each replication.
        new = np.sort(new)
        rep = new // self.width
        n = np.bincount(rep, minlength=self.n)
        place = taken[rep] + np.arange(len(new)) - (np.cumsum(n) - n)[rep]
        self.offered_day[new] = day
        self.fate[new] = UNDER_WAY
        self.bookings[new] = 1
        self._note("first_offers", day, rep)
        return new, place

    def _miss(self, day: int, who: Integers) -> None:
        if not who.size:
            return
        self.missed[who] += 1
        out = self.missed[who] > self.plan.most_missed
        lost = who[out]
        self.fate[lost[self.returns[lost] == 0]] = MISSED
        self._book_again(who[~out], day)

    def _add_up(self, end: int) -> None:
        """Add up what was noted of the days before `end`, by replication and day."""
        days = slice(self.noted_from, end)
        n_cells = (end - self.noted_from) * self.n

        def write(name: str, cell: Integers, weights: Floats | None = None) -> None:
            total = np.bincount(cell, weights, minlength=n_cells)
            self.by_day[name][:, days] = total.reshape(-1, self.n).T

        for name, cells in self.noted.items():
            write(name, np.concatenate(cells))
        if self.treated:
            who, cell, number, place = map(np.concatenate, zip(*self.treated, strict=True))
            self._treat(who, cell, number, place, n_cells, write)
        self.noted_from = end
        self.noted.clear()
        self.treated.clear()

    def _treat(
        self,
        who: Integers,
        cell: Integers,
        number: Integers,
        place: Integers,
        n_cells: int,
        write: Callable[..., None],
    ) -> None:
        """The infusions of some days: minutes, milligrams, and the delays that they cause.

        `cell` counts replications and days, `number` is that of the patient's infusion, `place` its
        slot. Nothing of it bears on who comes when.
        """
        plan = self.day_plan
        rep, patient = np.divmod(who, self.width)
        score = special.ndtri(self._uniform("recovery", rep, patient, number))
        recovery = self.x["recovery_minutes"][rep] * np.exp(self.x["recovery_spread"][rep] * score)
        side_effect = (
            self._uniform("side_effect", rep, patient, number) < self.x["side_effect"][rep]
        )
        recovery += side_effect * self.x["extra_minutes"][rep]
        # Slots and chairs that nobody needs cost no time.
        used = int(place.max(initial=-1)) + 1
        minutes = np.zeros((used, n_cells))
        minutes[place, cell] = plan.infusion_minutes + recovery
        # A missed visit takes no time and delays nobody.
        present = minutes > 0
        times = self.times[:used]
        begun = np.empty(minutes.shape)
        if used > plan.chairs:
            busy = minutes + present * plan.turnover_minutes
            serve(times, busy, idle(plan.chairs, n_cells), begun)
        else:
            begun[:] = times
        closing = np.where(present, begun + minutes, 0.0).max(axis=0, initial=0.0)
        nurses = plan.infusion_minutes / plan.patients_per_nurse
        write("infusions", cell)
        write("nurse_minutes", cell, nurses + recovery / plan.recovering_per_nurse)
        # Added up in order: sums along an axis depend on how many replications there are.
        write("chair_minutes", cell, minutes[place, cell])
        write("late_minutes", cell, (begun - times)[place, cell])
        write("mg", cell, self.mg[who])
        write("vials", cell, self.vials[who])
        late = np.maximum(closing - plan.open_minutes, 0.0)
        write("overtime_minutes", np.arange(n_cells), late)

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
        # On the course's own date, or the day after one that was late.
        date = self.begun[more] + self.dates[m_kind, self.place[more]]
        self._book(more, np.maximum(date, day + 1))
        if not ends.any():
            return
        done, d_rep, d_patient = who[ends], rep[ends], patient[ends]
        first = done[kind[ends] == 0]
        self.fate[first] = COMPLETED
        self.completed_day[first] = day
        wants = (
            self._uniform("uptake", d_rep, d_patient, self.returns[done])
            < self.x["return_uptake"][d_rep]
        )
        back_day = day + self.relief_days[done] + course.wait_days
        wants &= self.helped[done] & (self.returns[done] < course.max_returns)
        wants &= back_day < self.last
        back = done[wants]
        self.returns[back] += 1
        self.place[back] = 0
        self._book(back, back_day[wants])

    def _book(self, who: Integers, day: Integers) -> None:
        """Book patients for a day, or for the next on which the clinic is open."""
        if not who.size:
            return
        target = self.next_open[np.minimum(day, self.last)]
        order = np.argsort(target, kind="stable")
        who, target = who[order], target[order]
        edges = [0, *(np.flatnonzero(target[1:] != target[:-1]) + 1).tolist(), len(who)]
        for first, end in pairwise(edges):
            self.calendar[int(target[first])].append(who[first:end])

    def _book_again(self, who: Integers, day: int) -> None:
        """Book those who missed or cancelled a visit on a day."""
        if who.size:
            self.calendar[int(self.next_open[min(day + self.plan.rebook_days, self.last)])].append(
                who
            )

    def _uniform(self, kind: str, rep: Integers, patient: Integers, occasion: Integers) -> Floats:
        return uniform(self.luck[kind][rep], patient, occasion)

    def _note(self, name: str, day: int, rep: Integers) -> None:
        if day < self.n_days:
            self.noted[name].append((day - self.noted_from) * self.n + rep)


def _counted(place: Integers, n: int) -> Integers:
    """How many of each row have each place from 0 to n - 1, shape (n_rows, n)."""
    flat = place + np.arange(len(place))[:, None] * (n + 1)
    return np.bincount(flat.ravel(), minlength=len(place) * (n + 1)).reshape(-1, n + 1)[:, :-1]


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
    if (np.diff(referrals, axis=2) < 0).any():
        raise ValueError("referrals has a day before that of the patient before")
    if relief.ndim != 2 or not relief.size or len(relief) not in (1, inputs.n_draws):
        raise ValueError(
            f"relief has shape {relief.shape}; expected (n_draws, n_members), "
            f"with {inputs.n_draws} draws or 1"
        )
    if (relief < 0).any():
        raise ValueError("relief has a value below 0; expected days, or NaN where not helped")


# --- Waits for a chair within a day --------------------------------------------------------------

#: Numbers of a state that stay in the fastest cache together with its successor.
_CELLS = 2200
_FEWEST_REPLICATIONS = 128
#: Visits turned at a time, so that what is turned has not left the cache when it is used.
_VISITS = 256


def waits(arrivals: ArrayLike, service: ArrayLike, *, servers: int) -> Floats:
    """How long each visit waits for a server.

    Parameters
    ----------
    arrivals : array_like, shape (n_replications, n_visits)
        Times of arrival, in order.
    service : array_like, shape (n_replications, n_visits)
        How long each visit takes, in the same unit; 0 or more.
    servers : int
        1 or more.

    Returns
    -------
    ndarray, shape (n_replications, n_visits)

    Raises
    ------
    ValueError
        If shapes differ, a time is not a number, arrivals are out of order or a service below 0.

    References
    ----------
    Kiefer J, Wolfowitz J. Trans Am Math Soc 1955;78:1-18.

    Examples
    --------
    >>> waits([[0, 1, 2, 3]], [[10, 10, 10, 10]], servers=3).tolist()
    [[0.0, 0.0, 0.0, 7.0]]
    """
    at, length = np.asarray(arrivals, dtype=float), np.asarray(service, dtype=float)
    _check_queue(at, length, servers)
    waited = np.empty(at.shape)
    width = max(_FEWEST_REPLICATIONS, _CELLS // servers)
    for low in range(0, len(at), width):
        rows = slice(low, low + width)
        state = idle(servers, len(at[rows]))
        for first in range(0, at.shape[1], _VISITS):
            block = rows, slice(first, first + _VISITS)
            came = np.ascontiguousarray(at[block].T)
            begun = np.empty(came.shape)
            state = serve(came, np.ascontiguousarray(length[block].T), state, begun)
            waited[block] = np.subtract(begun, came, out=begun).T
    return waited


def idle(servers: int, n_replications: int) -> Floats:
    """The state of an empty queue: when servers become free, in order, and then never."""
    state = np.full((servers + 1, n_replications), -np.inf)
    state[servers] = np.inf
    return state


def serve(arrivals: Floats, service: Floats, state: Floats, begun: Floats) -> Floats:
    """The state of the queue after some visits; when they begin is written to `begun`.

    Parameters
    ----------
    arrivals : ndarray, shape (n_visits, n_replications) or (n_visits, 1)
    service, begun : ndarray, shape (n_visits, n_replications)
    state : ndarray, shape (servers + 1, n_replications)
        As `idle` or this function gives it; it is overwritten.
    """
    # Sorted servers w and the end x of the visit that took w[0]: the new i-th is the lesser of
    # w[i + 1] and the greater of w[i] and x. The two buffers take turns in being the state; with
    # views made once, a visit costs four calls of NumPy and no memory.
    servers = len(state) - 1
    other = state.copy()
    views = _views(state, other, servers)
    next_views = _views(other, state, servers)
    # Bound once: looked up for every visit, they would cost a tenth of the time.
    maximum, minimum, add = np.maximum, np.minimum, np.add
    for came, length, start in zip(arrivals, service, begun, strict=True):
        earliest, later, all_later, end, greater, new = views
        maximum(came, earliest, out=start)
        add(start, length, out=end)
        maximum(later, end, out=greater)
        minimum(all_later, new, out=new)
        views, next_views = next_views, views
    return other if len(arrivals) % 2 else state


def _views(state: Floats, other: Floats, servers: int) -> tuple[Floats, ...]:
    return (
        state[0], state[1:servers], state[1:], other[0], other[1:servers], other[:servers],
    )  # fmt: skip


def _check_queue(arrivals: Floats, service: Floats, servers: int) -> None:
    if servers < 1 or servers != int(servers):
        raise ValueError(f"servers is {servers}; expected a whole number, 1 or more")
    if arrivals.ndim != 2 or not arrivals.size:
        raise ValueError(
            f"arrivals has shape {arrivals.shape}; expected (n_replications, n_visits), 1 or more"
        )
    if service.shape != arrivals.shape:
        raise ValueError(f"service has shape {service.shape}; expected {arrivals.shape}")
    for name, values in (("arrivals", arrivals), ("service", service)):
        _refuse(name, values, ~np.isfinite(values), "a finite number")
    _refuse("service", service, service < 0, "0 or more")
    early = np.zeros(arrivals.shape, dtype=bool)
    early[:, 1:] = arrivals[:, 1:] < arrivals[:, :-1]
    _refuse("arrivals", arrivals, early, "no earlier than the one before")


def _refuse(name: str, values: Floats, wrong: np.ndarray, expected: str) -> None:
    if wrong.any():
        i, j = np.unravel_index(int(wrong.argmax()), wrong.shape)
        raise ValueError(
            f"{name} is {values[i, j]:g} in replication {i}, visit {j}; expected {expected}"
        )
