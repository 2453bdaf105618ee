"""The clinic as tables: what a day holds, what a patient leads to, and how long patients wait.

New patients are given what courses under way leave of a clinic, so that their wait hardly depends
on the course: clinics that can take on equally many new patients a week, at equal load, have the
same waits within the error that the tests hold the table to, whether that is few long courses or
many short ones. So the table of waits has two axes, the new patients that a clinic can take on and
the load, and is simulated for one course with every input at its median.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.clinic.day import (
    ClinicPlan,
    DayPlan,
    Dose,
    appointments,
    open_days,
    spread_weekdays,
    us_federal_holidays,
    with_chairs,
)
from plcore.clinic.patients import (
    INPUTS,
    ClinicDraws,
    clinic_draws,
    random_referrals,
    relief_after_course,
)
from plcore.clinic.results import clinic_load, clinic_measures
from plcore.clinic.schedule import simulate_clinic
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.models.course import (
    EVIDENCE,
    CoursePlan,
    course_draws,
    infusion_days,
)
from plcore.planner.page.nation import N_DRAWS, N_YEARS, OPENINGS, SEED
from plcore.planner.settings import defaults
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

#: Minutes of a visit, and patients a nurse looks after.
VISIT = {
    "infusion_minutes": 40, "recovery_minutes": 45, "turnover_minutes": 15,
    "patients_per_nurse": 1, "recovering_per_nurse": 4,
}  # fmt: skip
DOSE = Dose(500, mg_per_kg=0.5)
#: Weeks of a course, by infusions.
COURSES: Mapping[int, float] = {5: 1.0, 8: 3.0, 10: 3.5, 12: 4.0}
MOST_BOOSTERS = 3
#: What may follow a course, as the planner's settings call it.
RETURNS = ("boosters", "none")
CHAIRS, HALF_HOURS = range(1, 13), range(1, 25)
#: Sizes are chosen so that the load keeps within the first with the second. Both are the command's
#: own defaults: conventions, not findings.
MOST_BUSY, CERTAINTY = (float(str(defaults()[name])) for name in ("most_load", "probability"))
#: Days from referral until a first infusion can be given, as the command's default has it.
LEAD_DAYS = int(str(defaults()["lead_days"]))
#: Days a week on which a clinic may be open; the page's own is open on five.
DAYS_A_WEEK = range(1, 6)
#: Courses simulated a draw, to count those whom they help; as the planner's answer has it.
_MEMBERS = 200


@dataclass(frozen=True, slots=True, eq=False)
class ClinicTables:
    """What the page looks up about a clinic.

    Attributes
    ----------
    visits, nurses : ndarray of int, shape (n_chairs, n_half_hours)
        Visits that a day holds with the fewest nurses that do not limit them, and those nurses;
        0 where opening hours hold no visit.
    open_share : ndarray, shape (n_openings, len(DAYS_A_WEEK))
        Of all days of the years followed, those on which it is open.
    infusions_each, visits_each : mapping of (int, str) to ndarray, shape (n_draws,)
        By infusions of a course and what follows it.
    """

    visits: NDArray[np.int64]
    nurses: NDArray[np.int64]
    open_share: Floats
    infusions_each: Mapping[tuple[int, str], Floats]
    visits_each: Mapping[tuple[int, str], Floats]


def day_of(chairs: int, hours: float) -> DayPlan:
    """A day with the fewest nurses that let the chairs be the limit."""
    return with_chairs(
        DayPlan(chairs=chairs, nurses=chairs, open_minutes=round(60 * hours), **VISIT), chairs
    )


def course_of(infusions: int, returns: str) -> CoursePlan:
    """The course and what follows it."""
    if infusions not in COURSES or returns not in RETURNS:
        raise ValueError(
            f"infusions is {infusions} and returns is {returns!r}; expected one of "
            f"{', '.join(map(str, COURSES))} and of {', '.join(RETURNS)}"
        )
    days = infusion_days(infusions, COURSES[infusions])
    if returns == "none":
        return CoursePlan(days)
    return CoursePlan(days, max_returns=MOST_BOOSTERS)


def opened(year: int, days_a_week: int = DAYS_A_WEEK[-1]) -> NDArray[np.bool_]:
    """Which days of the years followed the clinic is open, less holidays."""
    first = date(year, 1, 1)
    n_days = (date(year + N_YEARS, 1, 1) - first).days
    return open_days(
        first,
        n_days,
        weekdays=spread_weekdays(days_a_week),
        closed=us_federal_holidays(first, first + timedelta(days=n_days)),
    )


def clinic_tables(*, folder: Path = DATA) -> ClinicTables:
    """Clinics of all sizes and courses that the page offers.

    Parameters
    ----------
    folder : Path
        Where the tables are read.
    """
    visits = np.zeros((len(CHAIRS), len(HALF_HOURS)), dtype=np.int64)
    nurses = np.zeros_like(visits)
    least = VISIT["infusion_minutes"] + VISIT["recovery_minutes"]
    for i, chairs in enumerate(CHAIRS):
        for j, half_hours in enumerate(HALF_HOURS):
            if 30 * half_hours >= least:
                day = day_of(chairs, half_hours / 2)
                visits[i, j], nurses[i, j] = len(appointments(day)), day.nurses
    baseline = read_scenario(folder=folder)
    draws = draw(baseline.parameters, N_DRAWS, seed=SEED, correlations=baseline.correlations)
    inputs, of_course = clinic_draws(draws), course_draws(draws, names=EVIDENCE)
    is_open = opened(OPENINGS[0])
    infusions_each, visits_each = {}, {}
    for infusions in COURSES:
        course = course_of(infusions, RETURNS[0])
        relief = relief_after_course(of_course, course, n_members=_MEMBERS, seed=SEED)
        for returns in RETURNS:
            plan = ClinicPlan(day_of(1, 8), course_of(infusions, returns), DOSE)
            load = clinic_load(plan, inputs, relief, is_open, 1.0)
            infusions_each[infusions, returns] = load.infusions_each
            visits_each[infusions, returns] = load.visits_each
    share = np.array([[opened(year, days).mean() for days in DAYS_A_WEEK] for year in OPENINGS])
    return ClinicTables(visits, nurses, share, infusions_each, visits_each)


#: What is looked up, in this order.
MEASURES = {
    "wait_mean": "days",
    "wait_90th_percentile": "days",
    "first_infusion_within_14_days": "share",
    "first_infusion_within_30_days": "share",
}
LOADS = (0.2, 0.5, 0.7, 0.82, 0.9, 0.97)
#: Chairs, hours, infusions and weeks of each clinic simulated, and runs of chance: large clinics
#: need fewer. The first has a long course, so that no clinic offered takes on fewer patients.
_CLINICS = ((1, 2, 16, 5.5, 64), (1, 8, 10, 3.5, 64), (4, 8, 10, 3.5, 32), (12, 12, 10, 3.5, 10))
#: The first year, in which a clinic fills up, is left out of five.
_FILLING_DAYS = 365
_MEMBERS_AT_MEDIANS = 4000
#: Single runs of chance outside these shares are left out of what the page says of luck.
LUCK = (0.1, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """Waits by new patients a week that a clinic can take on and by load.

    Attributes
    ----------
    capacity : ndarray, shape (n_clinics,)
        Visits a week over those that a new patient leads to, rising.
    load : ndarray, shape (n_loads,)
        Demand over capacity, rising.
    measures : ndarray, shape (len(MEASURES), n_clinics, n_loads)
        Means over runs of chance.
    luck : ndarray, shape (2, n_clinics, n_loads)
        Mean wait of single runs: the shares `LUCK` of them lie below.
    error : ndarray, shape (n_clinics, n_loads)
        Monte-Carlo standard error of the mean wait, in days.
    """

    capacity: Floats
    load: Floats
    measures: Floats
    luck: Floats
    error: Floats


def simulated_waits(*, runs_share: float = 1.0, folder: Path = DATA) -> Waits:
    """The table, simulated: steady referrals at random, waits of those of the second to fifth year.

    Parameters
    ----------
    runs_share : float
        Share of the usual runs of chance; fewer give the same table with more error.
    folder : Path
        Where the tables are read.
    """
    fixed = read_scenario(folder=folder).parameters
    medians = pd.DataFrame({p.name: [p.median] for p in fixed})
    rows = [
        _one_clinic(medians, chairs, hours, infusions, weeks, max(4, round(runs_share * runs)))
        for chairs, hours, infusions, weeks, runs in _CLINICS
    ]
    capacity, measures, luck, error = zip(*rows, strict=True)
    return Waits(
        np.array(capacity),
        np.array(LOADS),
        np.stack(measures, axis=1),
        np.stack(luck, axis=1),
        np.array(error),
    )


def _one_clinic(
    medians: pd.DataFrame, chairs: int, hours: float, infusions: int, weeks: float, runs: int
) -> tuple[float, Floats, Floats, Floats]:
    course = CoursePlan(infusion_days(infusions, weeks), max_returns=3)
    plan = ClinicPlan(day_of(chairs, hours), course, DOSE)
    inputs = clinic_draws(medians)
    relief = relief_after_course(
        course_draws(medians, names=EVIDENCE), course, n_members=_MEMBERS_AT_MEDIANS, seed=SEED
    )
    is_open = opened(OPENINGS[0])
    visits_each = float(clinic_load(plan, inputs, relief, is_open, 1.0).visits_each[0])
    capacity = float(7 * len(appointments(plan.day)) * is_open.mean()) / visits_each
    each = ClinicDraws(
        **{name: np.repeat(getattr(inputs, name), len(LOADS)) for name in INPUTS},
        lead_days=np.full(len(LOADS), float(LEAD_DAYS)),
    )
    per_week = capacity * np.array(LOADS)[:, np.newaxis]
    referrals = random_referrals(per_week, n_days=len(is_open), n_runs=runs, seed=SEED)
    outcome = simulate_clinic(plan, each, referrals, relief, is_open, seed=SEED)
    measures = clinic_measures(outcome, from_day=_FILLING_DAYS)
    waits = measures["wait_mean"][1]
    means = np.stack([np.nanmean(measures[name][1], axis=1) for name in MEASURES])
    error = np.nanstd(waits, axis=1, ddof=1) / np.sqrt(runs)
    return capacity, means, np.nanquantile(waits, LUCK, axis=1), error
