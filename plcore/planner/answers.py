"""What follows from a planner's settings: people, patients, infusions, chairs and waiting.

One set of draws runs from the evidence to the chair: a draw in which the first year after a loss is
deadlier has fewer people in pain, fewer patients and shorter waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.clinic.day import ClinicPlan, appointments, us_federal_holidays, with_chairs
from plcore.clinic.day import open_days as open_days_from
from plcore.clinic.demand import Demand, Funnel, expected_referrals, people_to_patients
from plcore.clinic.own import OwnNumbers, beside, own_per_week, sampled_months, with_own_people
from plcore.clinic.patients import (
    ClinicDraws,
    Integers,
    clinic_draws,
    random_referrals,
    relief_after_course,
    with_waiting_list,
)
from plcore.clinic.people import people_nearby
from plcore.clinic.places import Area, caveats
from plcore.clinic.results import ClinicOutcome, Load, clinic_load
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import sizing_table, with_gains
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.models.course_inputs import EVIDENCE, course_draws
from plcore.models.outcome import Outcome
from plcore.planner.settings import Settings
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.runs import Run, run

#: Courses simulated a draw, of which patients are picked.
_MEMBERS = 200
#: Weeks of the last year, whose rate of new patients is taken to go on.
_LAST_WEEKS = 52
#: Chairs beyond which no more are tried.
MOST_CHAIRS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """Who comes to the clinic and what is believed of them, whatever its size.

    Attributes
    ----------
    inputs : ClinicDraws
    referrals : ndarray of int, shape (n_draws or 1, n_runs, n_patients)
    relief : ndarray, shape (n_draws, n_members)
    open_days : ndarray of bool, shape (n_days,)
    per_week : ndarray, shape (n_draws,)
        New patients a week in the last year followed, by when the backlog is the smallest.
    """

    inputs: ClinicDraws
    referrals: Integers
    relief: Floats
    open_days: NDArray[np.bool_]
    per_week: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """All that follows from settings.

    Attributes
    ----------
    settings : Settings
    own : OwnNumbers, optional
    area : Area
    caveats : tuple of str
        What is estimated or filled in for its counties.
    people : Run
        People of the area by year, the planner's own counts in place of the modelled ones.
    funnel : Funnel
    demand : Demand
        As modelled, also where the planner's referrals are what the clinic is simulated with.
    patients : Patients
    outcome : ClinicOutcome
    load : Load
    beside : DataFrame or None
        Own numbers beside the modelled ones, as `plcore.clinic.demand.beside` gives it.
    """

    settings: Settings
    own: OwnNumbers | None
    area: Area
    caveats: tuple[str, ...]
    people: Run
    funnel: Funnel
    demand: Demand
    patients: Patients
    outcome: ClinicOutcome
    load: Load
    beside: pd.DataFrame | None

    @property
    def first_day(self) -> date:
        """The day on which the clinic opens."""
        return date(self.settings.year, 1, 1)


def answer(settings: Settings, *, own: OwnNumbers | None = None, folder: Path = DATA) -> Answer:
    """From settings to people, patients and a simulated clinic.

    Parameters
    ----------
    settings : Settings
    own : OwnNumbers, optional
        Counts of people and capacity take the place of the modelled ones; referrals those of the
        funnel, which is still worked out.
    folder : Path

    Raises
    ------
    ValueError
        If the place is unknown, or the years lie outside the scenario's data.
    """
    if own is not None:
        settings = _with_own(settings, own)
    area = settings.area(folder=folder)
    scenario = _scenario(settings, folder)
    modelled = run(
        partial(people_nearby, area=area, folder=folder),
        scenario,
        n_draws=settings.draws,
        seed=settings.seed,
    )
    people = modelled
    if own is not None:
        outcome = with_own_people(modelled.outcome, own, year=settings.year)
        people = replace(modelled, outcome=outcome)
    funnel, demand = patients_expected(settings, people.outcome, people.draws)
    patients = _patients(settings, people.draws, demand, own)
    plan = settings.clinic()
    compared = None
    if own is not None:
        # Capacity is compared with what chairs, nurses and hours hold.
        held = len(appointments(replace(plan.day, most_visits=None)))
        expected = patients_expected(settings, modelled.outcome, modelled.draws)
        compared = beside(own, *expected, visits_a_day=held)
    return Answer(
        settings=settings,
        own=own,
        area=area,
        caveats=caveats(area, folder=folder),
        people=people,
        funnel=funnel,
        demand=demand,
        patients=patients,
        outcome=_simulated(plan, patients, settings.seed),
        load=clinic_load(
            plan, patients.inputs, patients.relief, patients.open_days, patients.per_week
        ),
        beside=compared,
    )


def patients_expected(
    settings: Settings, people: Outcome, draws: pd.DataFrame
) -> tuple[Funnel, Demand]:
    """The funnel of the people of an area, and the new patients expected a week."""
    funnel = people_to_patients(
        people, draws, severity=settings.severity, own=settings.own_shares()
    )
    return funnel, expected_referrals(funnel, people, draws, settings.opening())


def sizes(found: Answer, chairs: Sequence[int] | None = None) -> pd.DataFrame:
    """What clinics of other sizes would do with the same patients, from the smallest.

    Parameters
    ----------
    found : Answer
    chairs : sequence of int, optional
        By default from 1 until the service level is kept with the probability asked for, two more
        for what they would add, and where the settings have still more, those and one more.

    Returns
    -------
    DataFrame
        As `plcore.clinic.sizing_table` gives it, each size with the fewest nurses that it needs.
        A planner's own limit of visits a day is left out of account.

    Raises
    ------
    ValueError
        If nobody is referred long enough before the end to judge the service level by.
    """
    settings = found.settings
    plan = settings.clinic()
    day = replace(plan.day, most_visits=None)

    def table(counts: Sequence[int]) -> pd.DataFrame:
        part = found.patients
        return sizing_table(
            plan, [with_chairs(day, n) for n in counts], part.inputs, part.referrals, part.relief,
            part.open_days, within_days=settings.within_days, share=settings.share_within,
            seed=settings.seed,
        )  # fmt: skip

    if chairs is not None:
        return table(chairs)
    rows = [table([1])]
    enough: int | None = None
    while len(rows) < MOST_CHAIRS:
        last = int(rows[-1]["chairs"].iloc[0])
        if enough is None and rows[-1]["probability"].iloc[0] >= settings.probability:
            enough = last
        wanted = last + 1
        if enough is not None and last >= enough + 2:
            # Sizes between what is enough and what is planned add little.
            wanted = max(wanted, settings.chairs)
            if last > settings.chairs:
                break
        rows.append(table([wanted]))
    return with_gains(pd.concat(rows, ignore_index=True))


def _with_own(settings: Settings, own: OwnNumbers) -> Settings:
    """The settings with the waiting list and the capacity that were counted."""
    if own.visits_a_day is not None:
        held = len(appointments(replace(settings.clinic().day, most_visits=None)))
        if own.visits_a_day > held:
            raise ValueError(
                f"visits_a_day is {own.visits_a_day}; expected at most the {held} that "
                f"{settings.chairs} chairs hold in {settings.hours:g} hours, or more chairs"
            )
        settings = replace(settings, visits_a_day=own.visits_a_day)
    if own.waiting_list is not None:
        settings = replace(settings, waiting_list=own.waiting_list)
    return settings


def _scenario(settings: Settings, folder: Path) -> Scenario:
    """The scenario for the years of the clinic, and the one after, that exits are counted with."""
    last = settings.year + settings.n_years
    years = {"first_year": settings.year, "last_year": last}
    reaches = int(read_scenario(settings.scenario, folder=folder).choices["last_year"])
    if last > reaches:
        raise ValueError(
            f"year is {settings.year} and n_years is {settings.n_years}; the year after, {last}, "
            f"is looked at: expected {reaches} or before, as the scenario goes"
        )
    return read_scenario(settings.scenario, choices=years, folder=folder)


def _patients(
    settings: Settings, draws: pd.DataFrame, demand: Demand, own: OwnNumbers | None
) -> Patients:
    n_days = 7 * demand.opening.n_weeks
    counted = own is not None and bool(own.referrals)
    per_week = demand.per_week
    if own is not None and counted:
        per_week = own_per_week(own, n_weeks=demand.opening.n_weeks)
        referrals = sampled_months(own, n_days=n_days, n_runs=settings.runs, seed=settings.seed)
    else:
        referrals = random_referrals(
            per_week, n_days=n_days, n_runs=settings.runs, seed=settings.seed
        )
    relief = relief_of(settings, draws)
    return Patients(
        inputs=clinic_draws(draws),
        referrals=with_waiting_list(referrals, settings.waiting_list),
        relief=relief,
        open_days=calendar(settings),
        # The backlog is worked off by then, as far as it will be.
        per_week=np.broadcast_to(per_week[:, -_LAST_WEEKS:].mean(axis=1), len(draws)),
    )


def calendar(settings: Settings) -> NDArray[np.bool_]:
    """On which days from the opening the clinic is open, shape (n_days,)."""
    first = date(settings.year, 1, 1)
    n_days = 7 * settings.opening().n_weeks
    holidays = us_federal_holidays(first, first + timedelta(days=n_days))
    return open_days_from(first, n_days, weekdays=range(settings.days_a_week), closed=holidays)


def relief_of(settings: Settings, draws: pd.DataFrame) -> Floats:
    """Days of relief after a course, shape (n_draws, n_members), NaN in those not helped."""
    return relief_after_course(
        course_draws(draws, names=EVIDENCE),
        settings.clinic().course,
        n_members=_MEMBERS,
        seed=settings.seed,
    )


def _simulated(plan: ClinicPlan, patients: Patients, seed: int) -> ClinicOutcome:
    return simulate_clinic(
        plan,
        patients.inputs,
        patients.referrals,
        patients.relief,
        patients.open_days,
        seed=seed,
    )
