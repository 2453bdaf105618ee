"""From a planner's settings to an answer: people, patients, infusions, chairs and waiting.

One set of draws runs from the evidence to the chair: a draw in which more people die in the first
year after a loss has fewer people in pain, fewer patients and shorter waits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from plcore.clinic.day import (
    DayPlan,
    appointments,
    spread_weekdays,
    us_federal_holidays,
    with_chairs,
)
from plcore.clinic.day import open_days as open_days_from
from plcore.clinic.demand import (
    WEEKS_A_YEAR,
    Demand,
    Funnel,
    OwnNumbers,
    beside,
    by_year,
    expected_referrals,
    overdispersion,
    own_per_week,
    people_to_patients,
    seasonal,
    with_own_people,
    with_uneven_months,
)
from plcore.clinic.patients import (
    ClinicDraws,
    Integers,
    clinic_draws,
    random_referrals,
    relief_after_course,
    with_waiting_list,
)
from plcore.clinic.people import people_nearby
from plcore.clinic.places import Area, caveats, share_choosing
from plcore.clinic.results import ClinicOutcome, Load, clinic_load, share_within
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import (
    Sample,
    advise,
    options_table,
    sample_of,
    sample_size,
    size_row,
    sizing_table,
    with_gains,
)
from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.inputs import checks_kinds
from plcore.models.course import EVIDENCE, course_draws
from plcore.models.outcome import Outcome
from plcore.planner.settings import MOST_SETTING, Settings
from plcore.scenarios import Scenario
from plcore.simulate.runs import Run, run

#: Courses simulated for each draw, of which patients are picked.
_MEMBERS = 200
#: The search for enough chairs ends here.
MOST_CHAIRS = int(MOST_SETTING["chairs"])
#: Where the simulation cannot tell two sizes apart, it is repeated with up to so many draws.
_MOST_DRAWS = 1024
#: More patients than this, over all draws and runs, take seconds for each size.
_MANY = 1_000_000


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


@checks_kinds
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
    ('Vermont', (16, 1, 365))
    """
    if own is not None:
        settings = replace(settings, own=own)
    requested, own = settings, settings.own
    if own is not None:
        settings = _with_own(settings, own)
    area = settings.area(folder=folder)
    modelled, people = _people(settings, area, folder)
    funnel, demand = _expected(settings, people.outcome, people.draws, area, folder)
    patients = _patients(settings, people.draws, demand)
    plan = settings.clinic()
    share = body_share_lost(settings.limb_lost, folder=folder)
    plan = replace(plan, dose=replace(plan.dose, mg_per_kg=plan.dose.mg_per_kg * (1 - share)))
    comparison = None
    if own is not None:
        # Capacity is compared with what chairs, nurses and hours hold.
        held = len(appointments(replace(plan.day, most_visits=None)))
        expected = _expected(settings, modelled.outcome, modelled.draws, area, folder)
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


def _people(settings: Settings, area: Area, folder: Path) -> tuple[Run, Run]:
    """People of the area as modelled, and with the planner's own counts."""
    modelled = run(
        partial(people_nearby, area=area, folder=folder),
        settings.scenario_of_years(folder=folder),
        n_draws=settings.draws,
        seed=settings.seed,
    )
    if settings.own is None:
        return modelled, modelled
    outcome = with_own_people(modelled.outcome, settings.own, year=settings.year)
    return modelled, replace(modelled, outcome=outcome)


def _expected(
    settings: Settings, people: Outcome, draws: pd.DataFrame, area: Area, folder: Path
) -> tuple[Funnel, Demand]:
    """The funnel of the people of an area, and the new patients expected a week."""
    shares, choosing = settings.own_shares(), None
    if settings.distance_km is not None and "choosing" not in shares:
        site = settings.site(area, folder=folder)
        choosing = share_choosing(
            area, draws.assign(demand_distance_km=settings.distance_km), point=site, folder=folder
        )
    funnel = people_to_patients(
        people, draws, severity=settings.severity, own=shares, choosing=choosing
    )
    if settings.own is not None and settings.own.plp is not None:
        funnel = replace(funnel, bounds={})
    return funnel, expected_referrals(funnel, people, draws, settings.opening())


@checks_kinds
def sizes(
    answer: Answer, chairs: Sequence[int] | None = None, *, by_month: int | None = None
) -> pd.DataFrame:
    """What clinics of other sizes would do with the same patients, from the smallest.

    Parameters
    ----------
    answer : Answer
        What follows from a planner's settings.
    chairs : sequence of int, optional
        Numbers of chairs. By default the fewest that keep the service level with the probability of
        the settings are searched, and their neighbours and the chairs of the settings are there;
        where the simulation cannot tell, it is repeated with more draws.
    by_month : int, optional
        The service level is to be kept by the end of so many months after the opening: it counts
        those referred in the month before. By default it counts everybody.

    Returns
    -------
    DataFrame
        A row for each size, with the fewest nurses that it needs, as
        `plcore.clinic.sizing.sizing_table` describes it. A planner's own limit of visits a day and
        chairs that change by month are ignored.

    Raises
    ------
    ValueError
        If nobody is referred.

    Examples
    --------
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1))
    >>> sizes(vermont, chairs=[1, 2])["visits_a_day"].tolist()
    [4, 8]
    """
    settings = answer.settings
    plan = answer.outcome.plan
    day = replace(plan.day, most_visits=None)

    judged = _month_before(by_month)

    def table(counts: Sequence[int], patients: Patients = answer.patients) -> pd.DataFrame:
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
            per_week=patients.per_week,
            judged=judged,
        )

    if chairs is not None:
        return table(chairs)
    # All sizes meet the same patients. Of many, one run of chance for each draw tells nearly as much
    # as several.
    patients = answer.patients
    simulated = sample_of(
        answer.outcome, answer.load, within_days=settings.within_days, judged=judged
    )
    if patients.referrals.size > _MANY:
        patients = replace(patients, referrals=patients.referrals[:, :1])
        simulated = simulated.first_runs()
    samples: dict[int, Sample] = {}
    if with_chairs(day, settings.chairs) == plan.day and not plan.changes:
        samples[settings.chairs] = simulated

    def probability(n: int) -> float:
        if n not in samples:
            samples[n] = sample_size(
                replace(plan, day=with_chairs(day, n), changes=()),
                patients.inputs,
                patients.referrals,
                patients.relief,
                patients.open_days,
                per_week=patients.per_week,
                within_days=settings.within_days,
                seed=settings.seed,
                judged=judged,
                others=[simulated, *(samples[known] for known in sorted(samples, reverse=True))],
            )
        return float(str(size_row(samples[n], share=settings.share_within)["probability"]))

    start = _holding(answer, day)
    # Where people give up no list grows, so that fewer may do; but most likely about as many.
    able = 1 if answer.load.gives_up else start
    enough = _fewest_by_halving(probability, settings.probability, samples, able=able, start=start)
    around = range(max(1, enough - 1), min(enough + 3, MOST_CHAIRS + 1)) if enough else ()
    for n in {*around, settings.chairs, min(settings.chairs + 1, MOST_CHAIRS)}:
        probability(n)
    found = pd.DataFrame(
        [size_row(samples[n], share=settings.share_within) for n in sorted(samples)]
    )
    draws = settings.draws
    # Where patients are many, more draws take minutes, and a toss-up is said to be one.
    of_draw = int((patients.referrals < len(patients.open_days)).sum()) // draws
    most = min(_MOST_DRAWS, _MANY // max(of_draw, 1))
    most -= most % 2  # Draws come in pairs.
    while (doubtful := advise(found, probability=settings.probability).toss_up) and draws < most:
        draws = min(4 * draws, most)
        # More draws of what we do not know tell more than more runs of chance for each.
        again = table(doubtful, _more_patients(answer, draws)).set_index("chairs")
        for name in ("probability", "standard_error"):
            found[name] = found["chairs"].map(again[name]).fillna(found[name])
    return with_gains(found)


def _holding(answer: Answer, day: DayPlan) -> int:
    """The fewest chairs that hold all visits with the probability of the settings."""
    settings, patients = answer.settings, answer.patients
    wanted = float(np.quantile(answer.load.demand, settings.probability))
    share = patients.open_days.mean()
    plan = replace(answer.outcome.plan, changes=())
    for chairs in range(1, MOST_CHAIRS + 1):
        if 7 * share * plan.visits_on(with_chairs(day, chairs)) > wanted:
            return chairs
    return MOST_CHAIRS


def _fewest_by_halving(
    probability: Callable[[int], float],
    wanted: float,
    samples: Mapping[int, Sample],
    *,
    able: int,
    start: int,
) -> int | None:
    """The fewest chairs with at least some probability, as far as there are; None if none has.

    Fewer than `able` are not tried; `start` is tried first.
    """
    low, high, tried = able - 1, start, 0
    while probability(high) < wanted:
        same = tried and np.array_equal(samples[tried].wait, samples[high].wait, equal_nan=True)
        # Where twice the chairs leave every wait as it was, more of them will too.
        if high == MOST_CHAIRS or same:
            return None
        low, tried, high = high, high, min(2 * high, MOST_CHAIRS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if probability(middle) >= wanted else (middle, high)
    return high


def _more_patients(answer: Answer, draws: int) -> Patients:
    """The patients of the same plan with other draws, and one run of chance for each."""
    settings = replace(answer.settings, draws=draws, runs=1)
    _, people = _people(settings, answer.area, answer.folder)
    _, demand = _expected(settings, people.outcome, people.draws, answer.area, answer.folder)
    return _patients(settings, people.draws, demand)


def in_time(answer: Answer, *, by_month: int | None = None) -> Floats | None:
    """Share seen within the days of the service level, by draw and run; None if nobody is referred.

    `by_month` is as for `sizes`.
    """
    first, end = _month_before(by_month) or (0, answer.outcome.n_days)
    days = answer.settings.within_days
    shares = share_within(answer.outcome, days, from_day=first, to_day=end)
    return shares if np.isfinite(shares).any() else None


def _month_before(months: int | None) -> tuple[int, int] | None:
    """The days of the last of so many months after the opening."""
    if months is None:
        return None
    end = round(months * 365.25 / 12)
    return end - 30, end


def ways_to_run(
    answer: Answer, *, most_chairs: int = 12, by_month: int | None = None
) -> pd.DataFrame:
    """The cheapest clinic that keeps the service level on each number of days a week.

    Parameters
    ----------
    answer : Answer
        What follows from a planner's settings, whose prices decide; without prices the hours of
        nurses do.
    most_chairs : int
        Clinics with up to so many chairs are tried, for the hours of the settings and half of them.
    by_month : int, optional
        As for `sizes`.

    Returns
    -------
    DataFrame
        A row for each number of days, the best first, as
        `plcore.clinic.sizing.options_table` describes it.
    """
    settings, patients = answer.settings, answer.patients
    return options_table(
        answer.outcome.plan,
        {
            days: calendar(replace(settings, days_a_week=days))
            for days in range(1, settings.days_a_week + 1)
        },
        patients.inputs,
        patients.referrals[:, :1],
        patients.relief,
        per_week=patients.per_week,
        hours=(settings.hours, settings.hours / 2),
        most_chairs=most_chairs,
        prices=settings.prices(),
        within_days=settings.within_days,
        share=settings.share_within,
        probability=settings.probability,
        seed=settings.seed,
        judged=_month_before(by_month),
    )


@checks_kinds
def chairs_filled(
    draws: pd.DataFrame, scenario: Scenario, *, settings: Settings, area: Area, folder: Path = DATA
) -> Outcome:
    """Patients, infusions and chairs of a clinic by year since its opening, as a model to run.

    The chain from people to chairs without chance and waiting, for sensitivity analyses. Fix what is
    not uncertain with `functools.partial`, as in the example.

    Parameters
    ----------
    draws : DataFrame, one row per draw, one column per parameter
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
    funnel, demand = _expected(settings, people, draws, area, folder)
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
                key=lambda chairs: len(appointments(with_chairs(day, chairs))),
            )
        )
        held = len(appointments(with_chairs(day, enough)))
        if held < own.visits_a_day:
            raise ValueError(
                f"visits_a_day is {own.visits_a_day}; expected at most the {held} that {enough} "
                f"chairs hold in {settings.hours:g} hours"
            )
        settings = replace(settings, chairs=enough, nurses=None)
    return replace(settings, visits_a_day=own.visits_a_day)


def _patients(settings: Settings, draws: pd.DataFrame, demand: Demand) -> Patients:
    own, opening = settings.own, demand.opening
    per_week, excess = demand.per_week, 1.0
    if own is not None and own.referrals:
        rates = _rates_counted(own, settings)
        years = (np.arange(opening.n_weeks) + 0.5) / WEEKS_A_YEAR
        growth = (1 + settings.referral_growth) ** years
        per_week = own_per_week(own, n_weeks=opening.n_weeks) * rates[:, np.newaxis] * growth
        excess = overdispersion(own)
    elif settings.referral_growth:
        raise ValueError(
            f"referral_growth is {settings.referral_growth:g}; expected 0 without own referrals, as "
            "the model has its own growth"
        )
    rates = by_year(per_week, opening) / by_year(np.ones((1, opening.n_weeks)), opening)
    medians = np.median(rates, axis=0)
    # Of years that differ only by rounding, the first.
    busiest = int(np.argmax(medians >= (1 - 1e-9) * medians.max()))
    if settings.season:
        first = date(settings.year, 1, 1)
        per_week = per_week * seasonal(first, opening.n_weeks, settings.season)
    varied = with_uneven_months(per_week, excess, n_runs=settings.runs, seed=settings.seed)
    n_days = settings.n_days
    referrals = random_referrals(
        varied[..., : -(-n_days // 7)], n_days=n_days, n_runs=settings.runs, seed=settings.seed
    )
    inputs = clinic_draws(draws)
    n_draws = inputs.n_draws
    inputs = replace(inputs, lead_days=np.full(n_draws, float(settings.lead_days)))
    if settings.patience_days is not None:
        inputs = replace(inputs, patience_days=np.full(n_draws, settings.patience_days))
    return Patients(
        inputs=inputs,
        referrals=with_waiting_list(
            referrals, settings.waiting_list, by_month=settings.waiting_by_month
        ),
        relief=_relief(settings, draws),
        open_days=calendar(settings),
        weekly=per_week,
        busiest=busiest,
        per_week=np.broadcast_to(rates[:, busiest], n_draws),
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
    first, n_days = date(settings.year, 1, 1), settings.n_days
    holidays = us_federal_holidays(first, first + timedelta(days=n_days))
    weekdays = spread_weekdays(settings.days_a_week)
    return open_days_from(first, n_days, weekdays=weekdays, closed=holidays)


def _relief(settings: Settings, draws: pd.DataFrame) -> Floats:
    """Days of relief after a course, shape (n_draws, n_members), NaN where it does not help."""
    return relief_after_course(
        course_draws(draws, names=EVIDENCE),
        settings.clinic().course,
        n_members=_MEMBERS,
        seed=settings.seed,
    )
