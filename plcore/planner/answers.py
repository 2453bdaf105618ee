"""From a planner's settings to an answer: people, patients, infusions, chairs and waiting.

One set of draws runs from the evidence to the chair: a draw in which more people die in the first
year after a loss has fewer people in pain, fewer patients and shorter waits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from plcore.clinic.day import appointments, us_federal_holidays, with_chairs
from plcore.clinic.day import open_days as open_days_from
from plcore.clinic.demand import Demand, Funnel, by_year, expected_referrals, people_to_patients
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
from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.models.course import EVIDENCE, course_draws
from plcore.models.outcome import Outcome
from plcore.planner.settings import MOST_SETTING, Settings
from plcore.scenarios import Scenario
from plcore.simulate.runs import Run, run

#: Courses simulated for each draw, of which patients are picked.
_MEMBERS = 200
#: The search for enough chairs ends here.
MOST_CHAIRS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """Who comes to the clinic and what is believed of them, whatever its size.

    Attributes
    ----------
    inputs : ClinicDraws
        What is believed of patients and visits.
    referrals : ndarray of int, shape (n_draws or 1, n_runs, n_patients)
        Day of referral of each patient.
    relief : ndarray, shape (n_draws, n_members)
        Days of relief after a course, NaN where it does not help.
    open_days : ndarray of bool, shape (n_days,)
        Days on which the clinic is open.
    weekly : ndarray, shape (n_draws or 1, n_weeks)
        New patients expected in each week: as modelled, or as the planner counted.
    busiest : int
        The year since the opening in which most are expected, at the median of the draws; from 0.
    per_week : ndarray, shape (n_draws,)
        New patients a week in the busiest year.
    """

    inputs: ClinicDraws
    referrals: Integers
    relief: Floats
    open_days: NDArray[np.bool_]
    weekly: Floats
    busiest: int
    per_week: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Everything that follows from a planner's settings.

    Attributes
    ----------
    requested : Settings
        The settings as they were given.
    settings : Settings
        The same with the planner's own waiting list and visits a day, and the chairs they need.
    folder : Path
        Folder of the tables that the answer rests on.
    area : Area
        The counties around the clinic.
    caveats : tuple of str
        What is estimated or filled in for these counties.
    people : Run
        People of the area by year, with the planner's own counts in place of the modelled ones.
    funnel : Funnel
        From these people to those who would come.
    demand : Demand
        New patients expected a week. They are as modelled even where the clinic is simulated with
        the planner's own referrals.
    patients : Patients
        Who comes to the clinic and what is believed of them.
    outcome : ClinicOutcome
        The simulated clinic by day and patient.
    load : Load
        Demand against capacity in the busiest year, if it went on.
    beside : DataFrame or None
        Own numbers beside the modelled ones, a row for each.
    """

    requested: Settings
    settings: Settings
    folder: Path
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
    def own(self) -> OwnNumbers | None:
        """The planner's own numbers."""
        return self.settings.own

    @property
    def first_day(self) -> date:
        """The day on which the clinic opens."""
        return date(self.settings.year, 1, 1)


def answer(settings: Settings, *, own: OwnNumbers | None = None, folder: Path = DATA) -> Answer:
    """What follows from a planner's settings: people, patients and a simulated clinic.

    Parameters
    ----------
    settings : Settings
        Where, when, for whom, and what the clinic is like.
    own : OwnNumbers, optional
        Own counts in place of those of the settings. Those of people and capacity take the place of
        the modelled ones; referrals take the place of the patients of the funnel in the simulation.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Returns
    -------
    Answer

    Raises
    ------
    ValueError
        If the place is unknown, the years lie outside the scenario's data, or own numbers do not
        fit the modelled ones.

    Examples
    --------
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1))
    >>> vermont.area.name, vermont.outcome.infusions.shape
    ('Vermont', (16, 1, 371))
    """
    if own is not None:
        settings = replace(settings, own=own)
    requested, own = settings, settings.own
    if own is not None:
        settings = _with_own(settings, own)
    area = settings.area(folder=folder)
    scenario = settings.scenario_of_years(folder=folder)
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
    funnel, demand = _expected(settings, people.outcome, people.draws)
    patients = _patients(settings, people.draws, demand, own)
    plan = settings.clinic()
    share = body_share_lost(settings.limb_lost, folder=folder)
    plan = replace(plan, dose=replace(plan.dose, mg_per_kg=plan.dose.mg_per_kg * (1 - share)))
    comparison = None
    if own is not None:
        # Capacity is compared with what chairs, nurses and hours hold.
        held = len(appointments(replace(plan.day, most_visits=None)))
        expected = _expected(settings, modelled.outcome, modelled.draws)
        comparison = beside(own, *expected, visits_a_day=held)
    return Answer(
        requested=requested,
        settings=settings,
        folder=folder,
        area=area,
        caveats=caveats(area, folder=folder),
        people=people,
        funnel=funnel,
        demand=demand,
        patients=patients,
        outcome=simulate_clinic(
            plan,
            patients.inputs,
            patients.referrals,
            patients.relief,
            patients.open_days,
            seed=settings.seed,
        ),
        load=clinic_load(
            plan, patients.inputs, patients.relief, patients.open_days, patients.per_week
        ),
        beside=comparison,
    )


def _expected(settings: Settings, people: Outcome, draws: pd.DataFrame) -> tuple[Funnel, Demand]:
    """The funnel of the people of an area, and the new patients expected a week."""
    funnel = people_to_patients(
        people, draws, severity=settings.severity, own=settings.own_shares()
    )
    return funnel, expected_referrals(funnel, people, draws, settings.opening())


def sizes(answer: Answer, chairs: Sequence[int] | None = None) -> pd.DataFrame:
    """What clinics of other sizes would do with the same patients, from the smallest.

    Parameters
    ----------
    answer : Answer
        What follows from a planner's settings.
    chairs : sequence of int, optional
        Numbers of chairs. By default they begin with 1 and go two beyond the first that keeps the
        service level with the probability of the settings; where the settings have more chairs
        still, those and one more follow.

    Returns
    -------
    DataFrame
        A row for each size: chairs, nurses (the fewest that it needs), visits_a_day,
        infusions_a_year, chair_utilisation, wait_mean (days), share_within, growth_a_week (of the
        waiting list), all means; probability that the service level is kept and its Monte-Carlo
        standard_error; and what the size adds to the one before: infusions_gained, days_saved,
        share_gained. A planner's own limit of visits a day is ignored.

    Raises
    ------
    ValueError
        If nobody is referred long enough before the end to judge the service level.

    Examples
    --------
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1))
    >>> sizes(vermont, chairs=[1, 2])["visits_a_day"].tolist()
    [4, 8]
    """
    settings = answer.settings
    plan = answer.outcome.plan
    day = replace(plan.day, most_visits=None)

    def table(counts: Sequence[int]) -> pd.DataFrame:
        patients = answer.patients
        return sizing_table(
            plan,
            [with_chairs(day, n) for n in counts],
            patients.inputs,
            patients.referrals,
            patients.relief,
            patients.open_days,
            within_days=settings.within_days,
            share=settings.share_within,
            seed=settings.seed,
        )

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


def chairs_filled(
    draws: pd.DataFrame, scenario: Scenario, *, settings: Settings, area: Area, folder: Path = DATA
) -> Outcome:
    """Patients, infusions and chairs of a clinic by year since its opening, as a model to run.

    The chain from people to chairs without chance and waiting, for sensitivity analyses. Fix what is
    not uncertain with `functools.partial`, as in the example.

    Parameters
    ----------
    draws : DataFrame, a row a draw, a column a parameter
        The columns that `plcore.clinic.people_nearby` needs, and those of the funnel, course and
        clinic (names that begin with demand_, course_ and clinic_).
    scenario : Scenario
        Its first and last year are the first and last of the clinic.
    settings : Settings
        What the clinic is like. Its year, number of years, scenario and place play no part, as
        `scenario` and `area` give them.
    area : Area
        The counties around the clinic.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Returns
    -------
    Outcome
        Values of shape (n_draws, n_years): plp, in_pain and would_come (people of the year, whether
        they have come or not), new_patients (of the year), infusions (that they lead to in the long
        run, returns included) and chairs_filled: the visits that they lead to, however late, over
        those that one chair holds in a year.

    Raises
    ------
    ValueError
        If the years lie outside the scenario's data.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> settings = Settings(state="VT")
    >>> years = read_scenario(choices={"first_year": 2027, "last_year": 2028})
    >>> chain = partial(chairs_filled, settings=settings, area=settings.area())
    >>> run(chain, years, n_draws=16).outcome.values["chairs_filled"].shape
    (16, 2)
    """
    clinic_years = scenario.years
    choices = {**scenario.choices, "last_year": int(clinic_years[-1]) + 1}
    people = people_nearby(draws, replace(scenario, choices=choices), area=area, folder=folder)
    settings = replace(settings, year=int(clinic_years[0]), n_years=len(clinic_years))
    funnel, demand = _expected(settings, people, draws)
    new_patients = by_year(demand.per_week, settings.opening())
    plan = settings.clinic()
    one_chair = replace(plan.day, chairs=1, nurses=1, most_visits=None)
    load = clinic_load(plan, clinic_draws(draws), _relief(settings, draws), calendar(settings), 1.0)
    visits_a_year = (
        len(appointments(one_chair)) * plan.overbooking * calendar(settings).mean() * 365.25
    )
    values = {name: funnel.people[name][:, :-1] for name in ("plp", "in_pain")}
    values["would_come"] = funnel.people["choosing"][:, :-1]
    values["new_patients"] = new_patients
    values["infusions"] = new_patients * load.infusions_each[:, np.newaxis]
    values["chairs_filled"] = new_patients * load.visits_each[:, np.newaxis] / visits_a_year
    return Outcome(clinic_years, values, people.extrapolated[:-1])


def body_share_lost(level: str, *, folder: Path = DATA) -> float:
    """Share of body weight that somebody has lost with a limb, 0 for "none"."""
    if level == "none":
        return 0.0
    table = read("body_mass", folder=folder)
    return float(table.loc[table["level"] == level, "share"].to_numpy()[0])


def _with_own(settings: Settings, own: OwnNumbers) -> Settings:
    """The settings with the waiting list and the capacity that were counted.

    Visits a day that were counted take the place of chairs, nurses and hours: where the chairs of
    the settings hold fewer, there are as many as hold them.
    """
    if own.waiting_list is not None:
        settings = replace(settings, waiting_list=own.waiting_list)
    if own.visits_a_day is None:
        return settings
    day = replace(settings.clinic().day, most_visits=None)
    if len(appointments(day)) < own.visits_a_day:
        most = int(MOST_SETTING["chairs"])
        enough = (
            settings.chairs
            + 1
            + bisect_left(
                range(settings.chairs + 1, most),
                own.visits_a_day,
                key=lambda chairs: len(appointments(replace(day, chairs=chairs, nurses=chairs))),
            )
        )
        held = len(appointments(replace(day, chairs=enough, nurses=enough)))
        if held < own.visits_a_day:
            raise ValueError(
                f"visits_a_day is {own.visits_a_day}; expected at most the {held} that {enough} "
                f"chairs hold in {settings.hours:g} hours"
            )
        settings = replace(settings, chairs=enough, nurses=None)
    return replace(settings, visits_a_day=own.visits_a_day)


def _patients(
    settings: Settings, draws: pd.DataFrame, demand: Demand, own: OwnNumbers | None
) -> Patients:
    n_days = 7 * demand.opening.n_weeks
    counted = own is not None and bool(own.referrals)
    per_week = demand.per_week
    if own is not None and counted:
        rates = _rates_counted(own, settings)
        per_week = own_per_week(own, n_weeks=demand.opening.n_weeks) * rates[:, np.newaxis]
        referrals = sampled_months(own, n_days=n_days, n_runs=settings.runs, seed=settings.seed)
    else:
        referrals = random_referrals(
            per_week, n_days=n_days, n_runs=settings.runs, seed=settings.seed
        )
    relief = _relief(settings, draws)
    opening = demand.opening
    rates = by_year(per_week, opening) / by_year(np.ones((1, opening.n_weeks)), opening)
    busiest = int(np.argmax(np.median(rates, axis=0)))
    return Patients(
        inputs=clinic_draws(draws),
        referrals=with_waiting_list(referrals, settings.waiting_list),
        relief=relief,
        open_days=calendar(settings),
        weekly=per_week,
        busiest=busiest,
        per_week=np.broadcast_to(rates[:, busiest], len(draws)),
    )


def _rates_counted(own: OwnNumbers, settings: Settings) -> Floats:
    """What the true rate of referrals may be, over the mean of the months counted, by draw.

    A gamma distribution: months of a constant rate (Jeffreys prior), wider where they vary more
    than by chance (quasi-Poisson). Some months do not fix the rate.
    """
    counts = np.array(own.referrals, dtype=float)
    total, n = counts.sum(), len(counts)
    if total == 0:
        return np.ones(settings.draws)
    spread = counts.var(ddof=1) / counts.mean() if n > 1 else 1.0
    shape = (total + 0.5) / max(spread, 1.0)
    middles = (np.arange(settings.draws) + 0.5) / settings.draws
    # Any fixed order that is not that of the other draws; the page has the same.
    order = np.argsort(np.arange(settings.draws) * 7919 % 10007, kind="stable")
    rates = special.gammaincinv(shape, middles[order]) / shape * (total + 0.5) / total
    return np.asarray(rates)


def calendar(settings: Settings) -> NDArray[np.bool_]:
    """Days from the opening on which the clinic is open, shape (n_days,)."""
    first = date(settings.year, 1, 1)
    n_days = 7 * settings.opening().n_weeks
    holidays = us_federal_holidays(first, first + timedelta(days=n_days))
    return open_days_from(first, n_days, weekdays=range(settings.days_a_week), closed=holidays)


def _relief(settings: Settings, draws: pd.DataFrame) -> Floats:
    """Days of relief after a course, shape (n_draws, n_members), NaN where it does not help."""
    return relief_after_course(
        course_draws(draws, names=EVIDENCE),
        settings.clinic().course,
        n_members=_MEMBERS,
        seed=settings.seed,
    )
