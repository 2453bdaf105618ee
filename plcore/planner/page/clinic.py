"""The clinic as tables: what a day holds, and what a patient leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plcore.clinic.day import (
    ClinicPlan,
    DayPlan,
    Dose,
    appointments,
    open_days,
    us_federal_holidays,
    with_chairs,
)
from plcore.clinic.demand import Opening
from plcore.clinic.patients import clinic_draws, relief_after_course
from plcore.clinic.results import clinic_load
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.models.course import (
    EVIDENCE,
    CoursePlan,
    course_draws,
    infusion_days,
)
from plcore.planner.page.nation import N_DRAWS, N_YEARS, OPENINGS, SEED
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
#: A clinic with a load above this has long waits; sizes are chosen so that it is kept with
#: `CERTAINTY`. Both are conventions, not findings.
MOST_BUSY, CERTAINTY = 0.85, 0.8
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
    open_share : ndarray, shape (n_openings,)
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


def opened(year: int) -> NDArray[np.bool_]:
    """Which days of the years followed the clinic is open: Monday to Friday, less holidays."""
    first, n_days = date(year, 1, 1), 7 * Opening(year, N_YEARS).n_weeks
    return open_days(
        first, n_days, closed=us_federal_holidays(first, first + timedelta(days=n_days))
    )


def clinic_tables(*, folder: Path = DATA) -> ClinicTables:
    """Clinics of all sizes and courses that the page offers."""
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
            found = clinic_load(plan, inputs, relief, is_open, 1.0)
            infusions_each[infusions, returns] = found.infusions_each
            visits_each[infusions, returns] = found.visits_each
    share = np.array([opened(year).mean() for year in OPENINGS])
    return ClinicTables(visits, nurses, share, infusions_each, visits_each)
