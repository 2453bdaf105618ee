"""How long new patients wait: a table from simulated clinics, and what lies between its entries.

New patients are given what courses under way leave of a clinic, so that the wait hardly depends on
the course as such: clinics that can take on equally many new patients a week, at equal load, have
the same waits within the error that the tests hold it to, whether that is few long
courses or many short ones. So the table has two axes, new patients that the clinic can take on
and load, and is simulated for one course, all inputs at their medians.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.day import ClinicPlan, appointments
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
    CourseDraws,
    CoursePlan,
    course_draws,
    infusion_days,
)
from plcore.planner.page.clinic import DOSE, day_of, opened
from plcore.planner.page.nation import OPENINGS, SEED
from plcore.scenarios import read_scenario

#: What is looked up, in this order.
MEASURES = {
    "wait_mean": "days",
    "wait_90th_percentile": "days",
    "first_infusion_within_14_days": "share",
    "first_infusion_within_30_days": "share",
}
LOADS = (0.2, 0.5, 0.65, 0.75, 0.82, 0.88, 0.93, 0.97)
#: Chairs, hours, infusions and weeks of each clinic simulated, and runs of chance: large clinics
#: need fewer. The first has a long course, so that no clinic offered takes on fewer patients.
_CLINICS = (
    (1, 2, 16, 5.5, 64), (1, 4, 10, 3.5, 64), (1, 8, 10, 3.5, 64), (2, 8, 10, 3.5, 48),
    (4, 8, 10, 3.5, 32), (8, 8, 10, 3.5, 20), (12, 12, 10, 3.5, 12),
)  # fmt: skip
#: The first year, in which a clinic fills up, is left out of five.
_FILLING_DAYS = 365
_MEMBERS = 4000
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
        Of the runs of chance; fewer give the same table with more error.
    """
    fixed = read_scenario(folder=folder).parameters
    medians = pd.DataFrame({each.name: [each.median] for each in fixed})
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
    inputs: ClinicDraws = clinic_draws(medians)
    believed: CourseDraws = course_draws(medians, names=EVIDENCE)
    relief = relief_after_course(believed, course, n_members=_MEMBERS, seed=SEED)
    is_open = opened(OPENINGS[0])
    visits_each = float(clinic_load(plan, inputs, relief, is_open, 1.0).visits_each[0])
    capacity = float(7 * len(appointments(plan.day)) * is_open.mean()) / visits_each
    each = ClinicDraws(**{name: np.repeat(getattr(inputs, name), len(LOADS)) for name in INPUTS})
    per_week = capacity * np.array(LOADS)[:, np.newaxis]
    referrals = random_referrals(per_week, n_days=len(is_open), n_runs=runs, seed=SEED)
    outcome = simulate_clinic(plan, each, referrals, relief, is_open, seed=SEED)
    found = clinic_measures(outcome, from_day=_FILLING_DAYS)
    waits = found["wait_mean"][1]
    means = np.stack([np.nanmean(found[name][1], axis=1) for name in MEASURES])
    error = np.nanstd(waits, axis=1, ddof=1) / np.sqrt(runs)
    return capacity, means, np.nanquantile(waits, LUCK, axis=1), error


def days_at(waits: Waits, table: Floats, capacity: ArrayLike, load: ArrayLike) -> Floats:
    """What a table of days has at some capacities and loads: as `share_at`, in its logarithm."""
    return np.exp(share_at(waits, np.log(table), capacity, load))


def share_at(waits: Waits, table: Floats, capacity: ArrayLike, load: ArrayLike) -> Floats:
    """What a table of `waits` has at some capacities and loads, by straight lines between entries.

    Lines run in the logarithms of capacity and of 1 - load. Below the least entries those are
    taken, and above the greatest capacity, where waits are shorter still, the greatest; above the
    greatest load the wait does not settle within the years simulated: NaN.
    """
    x, y = np.log(waits.capacity), -np.log1p(-waits.load)
    given = np.asarray(load, dtype=float)
    settled = given <= waits.load[-1]
    i, to_i = _between(x, np.log(np.asarray(capacity, dtype=float)))
    j, to_j = _between(y, -np.log1p(-np.where(settled, given, 0.0)))
    low = table[i, j] * (1 - to_j) + table[i, j + 1] * to_j
    high = table[i + 1, j] * (1 - to_j) + table[i + 1, j + 1] * to_j
    return np.asarray(np.where(settled, low * (1 - to_i) + high * to_i, np.nan))


def _between(grid: Floats, at: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The interval of a rising grid that a number lies in, and how far along it is, 0 to 1."""
    place = np.clip(np.searchsorted(grid, at, side="right") - 1, 0, len(grid) - 2)
    along = (at - grid[place]) / (grid[place + 1] - grid[place])
    return place, np.clip(along, 0.0, 1.0)
