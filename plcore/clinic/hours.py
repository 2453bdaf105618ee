"""Opening hours: on which days a clinic is open, and how many visits a day holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.holiday import USFederalHolidayCalendar

from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day of the clinic as it is planned, in whole minutes.

    A visit is an infusion, then recovery, in one chair; the chair is then made ready for the next.
    Nurses sit with those being infused and look after those recovering, and the one does not
    exclude the other: with one patient a nurse during infusions and four during recovery, a
    recovering patient takes a quarter of a nurse.

    Attributes
    ----------
    chairs, nurses : int
        Nurses are those on duty at the same time.
    open_minutes : int
        From the first infusion to the time by which the last patient is to have left.
    infusion_minutes, recovery_minutes, turnover_minutes : int
        As planned; in the simulation recovery takes as long as it takes.
    patients_per_nurse : int
        During the infusion; the clinics' pages promise 1.
    recovering_per_nurse : int
    most_visits : int, optional
        No more visits than these, spread over the day, whatever chairs and nurses hold.
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
                f"open_minutes is {self.open_minutes}, which holds no visit of "
                f"{self.visit_minutes} minutes; expected {self.visit_minutes} or more"
            )

    @property
    def visit_minutes(self) -> int:
        """Minutes a patient is in the chair as planned: infusion and recovery."""
        return self.infusion_minutes + self.recovery_minutes


def appointments(day: DayPlan) -> Floats:
    """When the visits of a full day are to start, in minutes from opening.

    Each visit is given the first minute from which there is a chair for all of it and its making
    ready, and a nurse for all of it. The last patients leave by closing time; the making ready
    after them need not be done by then.

    Returns
    -------
    ndarray, shape (n_visits,)
    """
    chairs = np.zeros(day.open_minutes + day.turnover_minutes, dtype=np.int64)
    nurses = np.zeros(day.open_minutes, dtype=np.int64)
    # In units that a whole number of makes a nurse.
    infusing, recovering = day.recovering_per_nurse, day.patients_per_nurse
    load = np.repeat([infusing, recovering], [day.infusion_minutes, day.recovery_minutes])
    limit = day.nurses * day.patients_per_nurse * day.recovering_per_nurse
    starts: list[int] = []
    minute = 0
    while minute + day.visit_minutes <= day.open_minutes:
        here = slice(minute, minute + day.visit_minutes)
        seat = slice(minute, minute + day.visit_minutes + day.turnover_minutes)
        if (chairs[seat] < day.chairs).all() and (nurses[here] + load <= limit).all():
            chairs[seat] += 1
            nurses[here] += load
            starts.append(minute)
        else:
            minute += 1
    if day.most_visits is not None and day.most_visits < len(starts):
        kept = np.linspace(0, len(starts) - 1, day.most_visits).round().astype(int)
        starts = [starts[i] for i in kept]
    return np.array(starts, dtype=float)


def fewest_nurses(day: DayPlan) -> int:
    """The fewest nurses with whom the chairs, not the nurses, limit the visits of a day.

    The nurses of `day` are not looked at.
    """
    # More than one a chair never helps.
    counts = [len(appointments(_with_nurses(day, nurses))) for nurses in range(1, day.chairs + 1)]
    return counts.index(max(counts)) + 1


def _with_nurses(day: DayPlan, nurses: int) -> DayPlan:
    values = {field.name: getattr(day, field.name) for field in fields(day)}
    return DayPlan(**{**values, "nurses": nurses})


def open_days(
    first: date,
    n_days: int,
    *,
    weekdays: Sequence[int] = (0, 1, 2, 3, 4),
    closed: Sequence[date] = (),
) -> NDArray[np.bool_]:
    """Which of the days from `first` on the clinic is open.

    Parameters
    ----------
    first : date
    n_days : int
        1 or more.
    weekdays : sequence of int
        Monday is 0, Sunday 6.
    closed : sequence of date
        Holidays; days outside the period are left out of account.

    Returns
    -------
    ndarray of bool, shape (n_days,)

    Raises
    ------
    ValueError
        If a weekday is not one, or no day is open.
    """
    if n_days < 1:
        raise ValueError(f"n_days is {n_days}; expected 1 or more")
    odd = [day for day in weekdays if day not in range(7)]
    if odd:
        raise ValueError(f"weekdays has {odd[0]}; expected 0 for Monday to 6 for Sunday")
    off = set(closed)
    days = [first + timedelta(days=i) for i in range(n_days)]
    found = np.array([day.weekday() in weekdays and day not in off for day in days])
    if not found.any():
        raise ValueError(f"no day of {n_days} from {first} is open; expected one at least")
    return found


def us_federal_holidays(first: date, last: date) -> tuple[date, ...]:
    """The days on which US federal offices are closed (5 U.S.C. 6103), by pandas' calendar.

    Parameters
    ----------
    first, last : date
        The days from the one to the other, both included.
    """
    found = USFederalHolidayCalendar().holidays(pd.Timestamp(first), pd.Timestamp(last))
    return tuple(stamp.date() for stamp in found)
