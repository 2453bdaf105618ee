"""What a clinic chooses: its day, its open days, its dose, and how it books visits."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.holiday import USFederalHolidayCalendar

from plcore.evidence.distributions import Floats
from plcore.inputs import check_fields
from plcore.models.course import CoursePlan


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day of the clinic as it is planned, in whole minutes.

    A visit is an infusion, then recovery, in one chair; the chair is then made ready for the next
    patient. Nurses look after patients during both, and each patient takes a share of a nurse: with
    one patient a nurse during infusions and four during recovery, a recovering patient takes a
    quarter of a nurse.

    Attributes
    ----------
    chairs : int
        Chairs in which infusions are given.
    nurses : int
        Nurses on duty at the same time.
    open_minutes : int
        Minutes from the first infusion to the time by which the last patient is to have left.
    infusion_minutes, recovery_minutes, turnover_minutes : int
        Minutes that an infusion, the recovery in the chair and making the chair ready take as
        planned. In the simulation recovery takes as long as it takes.
    patients_per_nurse : int
        Patients whom one nurse looks after during infusions; the clinics' pages promise 1.
    recovering_per_nurse : int
        Patients whom one nurse looks after during recovery.
    most_visits : int, optional
        At most this many visits, spread over the day, however many chairs and nurses allow.

    Raises
    ------
    ValueError
        If a number is not a whole one in its range, or the day is shorter than a visit.
    """

    chairs: int
    nurses: int
    open_minutes: int
    infusion_minutes: int
    recovery_minutes: int
    turnover_minutes: int
    patients_per_nurse: int
    recovering_per_nurse: int
    most_visits: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "most_visits":
                continue
            least = 0 if field.name in ("recovery_minutes", "turnover_minutes") else 1
            if value < least or value != int(value):
                raise ValueError(
                    f"{field.name} is {value}; expected a whole number, {least} or more"
                )
        if self.open_minutes < self.visit_minutes:
            raise ValueError(
                f"open_minutes is {self.open_minutes}, which is shorter than a visit of "
                f"{self.visit_minutes} minutes; expected {self.visit_minutes} or more"
            )

    @property
    def visit_minutes(self) -> int:
        """Minutes that a patient is in the chair as planned: infusion and recovery."""
        return self.infusion_minutes + self.recovery_minutes


@dataclass(frozen=True, slots=True)
class Dose:
    """Ketamine of one infusion.

    Attributes
    ----------
    vial_mg : float
        Milligrams that a vial holds, above 0.
    mg_per_kg : float
        Milligrams for each kilogram of body weight.
    mg : float
        Milligrams whatever the weight, on top of `mg_per_kg`.

    Raises
    ------
    ValueError
        If a number is below 0, or the dose is 0.
    """

    vial_mg: float
    mg_per_kg: float = 0.0
    mg: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.vial_mg < np.inf:
            raise ValueError(f"vial_mg is {self.vial_mg:g}; expected above 0")
        if not (0 <= self.mg_per_kg < np.inf and 0 <= self.mg < np.inf):
            raise ValueError(
                f"mg_per_kg is {self.mg_per_kg:g} and mg is {self.mg:g}; expected 0 or more"
            )
        if self.mg_per_kg + self.mg == 0:
            raise ValueError("mg_per_kg and mg are both 0; expected a dose")


@dataclass(frozen=True, slots=True)
class ClinicPlan:
    """What the clinic chooses.

    Attributes
    ----------
    day : DayPlan
        Chairs, nurses and hours.
    course : CoursePlan
        The days between two infusions are counted from the day on which the first was given.
    dose : Dose
        Ketamine of an infusion.
    overbooking : float
        Visits booked for each that the day holds, from 1 (no overbooking) to 3.
    rebook_days : int
        Days after a missed or cancelled visit before the patient is booked again.
    most_missed : int
        Visits that a patient may miss without notice; a patient who misses one more is not booked
        again.
    most_delay_days : int
        A course that would have to wait longer than this for its next infusion, for lack of slots,
        is broken off.
    other_visits : int
        Visits of each day that other patients have in the same chairs. They are not simulated.
    changes : tuple of (int, DayPlan)
        From that day on, counted from 0, the clinic has that day instead of `day`; in order.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    day: DayPlan
    course: CoursePlan
    dose: Dose
    overbooking: float = 1.0
    rebook_days: int = 1
    most_missed: int = 2
    most_delay_days: int = 14
    other_visits: int = 0
    changes: tuple[tuple[int, DayPlan], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if not 1 <= self.overbooking <= 3:
            raise ValueError(f"overbooking is {self.overbooking:g}; expected from 1 to 3")
        leasts = {"rebook_days": 1, "most_missed": 0, "most_delay_days": 0, "other_visits": 0}
        for name, least in leasts.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {least} or more")
        starts = [0, *(start for start, _ in self.changes)]
        if (np.diff(starts) < 1).any():
            raise ValueError(f"changes are on days {starts[1:]}; expected days that rise from 1")
        for start, day in self.periods:
            if self.visits_on(day) < 1:
                raise ValueError(
                    f"other_visits is {self.other_visits}, and the clinic holds "
                    f"{self.visits_on(day) + self.other_visits} visits a day from day {start} on; "
                    "expected room for one more at least"
                )

    @property
    def visits_a_day(self) -> int:
        """Most visits that are booked on a day of `day`, with overbooking, without other visits."""
        return self.visits_on(self.day)

    @property
    def periods(self) -> tuple[tuple[int, DayPlan], ...]:
        """The first day of each period, and what a day is like in it."""
        return ((0, self.day), *self.changes)

    def visits_on(self, day: DayPlan) -> int:
        """Most visits that are booked on such a day, with overbooking, without other visits."""
        booked = int(len(appointments(day)) * self.overbooking + 1e-9)
        most = day.most_visits
        return (booked if most is None else min(booked, most)) - self.other_visits

    def by_day(self, of_day: Callable[[DayPlan], float], n_days: int) -> Floats:
        """A number of each day's plan, shape (n_days,)."""
        starts = [start for start, _ in self.periods]
        values = np.array([of_day(day) for _, day in self.periods], dtype=float)
        return values[np.searchsorted(starts, np.arange(n_days), side="right") - 1]


@lru_cache(maxsize=4096)
def appointments(day: DayPlan) -> Floats:
    """When the visits of a full day are to start, in minutes from opening, shape (n_visits,).

    Each visit is given the first minute from which there is a chair for all of it and for making
    the chair ready, and a nurse for all of it. The last patients leave by closing time; the chairs
    may be made ready after it.
    """
    chairs = np.zeros(day.open_minutes + day.turnover_minutes, dtype=np.int64)
    nurses = np.zeros(day.open_minutes, dtype=np.int64)
    # In units of which a nurse is a whole number.
    infusing, recovering = day.recovering_per_nurse, day.patients_per_nurse
    load = np.repeat([infusing, recovering], [day.infusion_minutes, day.recovery_minutes])
    limit = day.nurses * day.patients_per_nurse * day.recovering_per_nurse
    starts: list[int] = []
    minute = 0
    while minute + day.visit_minutes <= day.open_minutes:
        visit = slice(minute, minute + day.visit_minutes)
        seat = slice(minute, minute + day.visit_minutes + day.turnover_minutes)
        if (chairs[seat] < day.chairs).all() and (nurses[visit] + load <= limit).all():
            chairs[seat] += 1
            nurses[visit] += load
            starts.append(minute)
        else:
            minute += 1
    if day.most_visits is not None and day.most_visits < len(starts):
        kept = np.linspace(0, len(starts) - 1, day.most_visits).round().astype(int)
        starts = [starts[i] for i in kept]
    return np.array(starts, dtype=float)


#: Of the visits that the chairs would hold, the share that the fewest nurses still allow.
_ENOUGH = 0.75


def fewest_nurses(day: DayPlan) -> int:
    """The nurses whom the chairs keep busy once the day is under way, whatever `day` has of them.

    They are as many as the patients of all chairs need on average: an infusion in every chair at
    the same minute would need more, so that the first and last visits of a day may have to wait for
    a nurse. Where hours are so short that a day would lose more than a quarter of its visits in this
    way, they are the fewest that lose no more.
    """
    cycle = day.visit_minutes + day.turnover_minutes
    busy = (
        day.infusion_minutes / day.patients_per_nurse
        + day.recovery_minutes / day.recovering_per_nurse
    )
    steady = min(max(math.ceil(day.chairs * busy / cycle - 1e-9), 1), day.chairs)
    held = day.chairs * ((day.open_minutes - day.visit_minutes) // cycle + 1)
    most = held if day.most_visits is None else min(held, day.most_visits)
    enough = range(steady, day.chairs + 1)
    # More nurses never hold fewer visits.
    return enough[
        bisect.bisect_left(
            enough, _ENOUGH * most - 1e-9, key=lambda n: len(appointments(replace(day, nurses=n)))
        )
    ]


@lru_cache(maxsize=4096)
def with_chairs(day: DayPlan, chairs: int) -> DayPlan:
    """The day with another number of chairs and the fewest nurses that they need."""
    resized = replace(day, chairs=chairs)
    return replace(resized, nurses=fewest_nurses(resized))


def open_days(
    first: date,
    n_days: int,
    *,
    weekdays: Sequence[int] = (0, 1, 2, 3, 4),
    closed: Sequence[date] = (),
) -> NDArray[np.bool_]:
    """Which of the days from `first` on the clinic is open, shape (n_days,).

    Weekdays run from 0 for Monday to 6 for Sunday; `closed` holds holidays.
    """
    if n_days < 1:
        raise ValueError(f"n_days is {n_days}; expected 1 or more")
    odd = [day for day in weekdays if day not in range(7)]
    if odd:
        raise ValueError(f"weekdays has {odd[0]}; expected 0 for Monday to 6 for Sunday")
    holidays = set(closed)
    days = [first + timedelta(days=i) for i in range(n_days)]
    is_open = np.array([day.weekday() in weekdays and day not in holidays for day in days])
    if not is_open.any():
        raise ValueError(f"none of the {n_days} days from {first} is open; expected one at least")
    return is_open


#: Which weekdays a clinic opens that opens on so many, spread over the week for its courses.
_SPREAD = ((0,), (0, 3), (0, 2, 4), (0, 1, 3, 4), (0, 1, 2, 3, 4), tuple(range(6)), tuple(range(7)))


def spread_weekdays(n: int) -> tuple[int, ...]:
    """Weekdays spread over the week, from 0 for Monday: 3 are Monday, Wednesday and Friday."""
    if not 1 <= n <= 7:
        raise ValueError(f"n is {n}; expected from 1 to 7 days a week")
    return _SPREAD[n - 1]


@lru_cache(maxsize=64)
def us_federal_holidays(first: date, last: date) -> tuple[date, ...]:
    """Days from `first` to `last` on which US federal offices are closed (5 U.S.C. 6103)."""
    days = USFederalHolidayCalendar().holidays(pd.Timestamp(first), pd.Timestamp(last))
    return tuple(day.date() for day in days)
