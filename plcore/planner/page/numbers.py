"""The numbers in the planner's page: counties, the nation's limb loss and pain, a clinic's waits.

**The nation** is given by draw and year, and the page shares it out over counties. A direct
computation for an area (`plcore.clinic.people.people_nearby`) multiplies people by age, sex and
cause with the area's share of them, in every draw. The page takes three counts of the nation in a
draw (vascular limb loss below 65 and from 65 on, all other limb loss) times the area's share of
each, at the mean age and sex of the draws within it, and at the mean elasticity for diabetes, which
one curve brings to the elasticity of the draw.

**The clinic** is tables: what a day holds, what a patient leads to, and how long patients wait.
New patients are given what courses under way leave of a clinic, so that their wait hardly depends
on the course: clinics that can take on equally many new patients a week, at equal load, have the
same waits within the error that the tests hold the table to, whether that is few long courses or
many short ones. So the table of waits has two axes, the new patients that a clinic can take on and
the load, and is simulated for one course with every input at its median.
"""

from __future__ import annotations

import json
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
from plcore.clinic.demand import FUNNEL_STEPS, parameter_of
from plcore.clinic.patients import (
    INPUTS,
    ClinicDraws,
    clinic_draws,
    random_referrals,
    relief_after_course,
)
from plcore.clinic.places import AGE_GROUPS, PEOPLE, county_centres, frame, read_counties
from plcore.clinic.results import clinic_load, clinic_measures
from plcore.clinic.schedule import simulate_clinic
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.manifest import hold
from plcore.evidence.population import Population
from plcore.evidence.table import content
from plcore.models.course import (
    EVIDENCE,
    CoursePlan,
    course_draws,
    infusion_days,
)
from plcore.models.limb_loss import (
    CAUSES,
    LEVELS,
    inputs,
    people_and_mortality,
    project,
    responses_of,
)
from plcore.models.pain import BANDS, in_pain, severity_shares
from plcore.planner.gazetteer import zip_points
from plcore.planner.settings import defaults
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.draws import draw
from plcore.simulate.synthesis import draws_of

# --- The nation ----------------------------------------------------------------------------------

#: The same draws as the command has by default.
N_DRAWS, SEED = (int(str(defaults()[name])) for name in ("draws", "seed"))
#: Years in which the clinic can open, years followed, and the year after, that exits need.
OPENINGS, N_YEARS = range(2025, 2041), 5
YEARS = np.arange(OPENINGS[0], OPENINGS[-1] + N_YEARS + 1)
N_CELLS = 2 * len(AGE_GROUPS)
_VASCULAR = CAUSES.index("dysvascular")
#: How many of those with vascular limb loss are so old, or older, differs most between draws.
_OLD = 65

#: The scenarios offered, by what a planner would call them, and a sentence on each.
SCENARIOS: Mapping[str, tuple[str, str]] = {
    "baseline": (
        "Baseline: US studies",
        "Limb loss fitted to all that was counted; pain as in studies of US people.",
    ),
    "major_only": (
        "Pain only after major loss",
        "The lower bound: nobody who lost only fingers or toes is in pain.",
    ),
    "all_alike": (
        "Pain after any loss alike",
        "The upper bound: as many in pain after losing fingers or toes as after a major loss.",
    ),
    "high_income": (
        "Pain as in all high-income countries",
        "Pools the studies of other rich countries as well.",
    ),
    "no_diabetes_adjustment": (
        "Counties alike but for age and sex",
        "Vascular limb loss is not moved to where diabetes is more common.",
    ),
    "rise_goes_on": (
        "Vascular losses go on rising",
        "For ten more years as fast as hospitals counted from 2010 to 2019.",
    ),
    "survival_improves": (
        "People live longer after the loss",
        "Their mortality falls by 1% a year more than that of others (assumed).",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Count:
    """People of one kind in the nation in three parts, each with ages that hardly differ by draw.

    The parts are those with vascular limb loss below 65 and from 65 on, and all others.

    Attributes
    ----------
    draws : ndarray, shape (3, n_years, n_draws)
        People.
    spread : ndarray, shape (3, n_years, 36)
        Share of each part in each age group and sex, mean over the draws.
    """

    draws: Floats
    spread: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """What the page holds of a scenario.

    Attributes
    ----------
    name, title, note : str
        Its name, and what the page calls it and says of it.
    counts : mapping of str to Count
        people (with limb loss), new_cases (in a year) and plp (in pain now).
    draws : DataFrame
        One row per draw, one column per parameter: those of severity, of the steps from pain to patient,
        demand_years_to_come and diabetes_elasticity.
    """

    name: str
    title: str
    note: str
    counts: Mapping[str, Count]
    draws: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Nation:
    """Residents of the nation, shape (n_years, 36), and its limb loss under each scenario."""

    residents: Floats
    beliefs: tuple[Beliefs, ...]


def read_nation(*, folder: Path = DATA) -> Nation:
    """The nation in all years that the page needs, under the scenarios offered.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Raises
    ------
    ValueError
        If the scenarios differ in how many people the nation has.
    """
    cells: dict[tuple[object, ...], Mapping[str, Floats]] = {}
    counts: dict[tuple[object, ...], Mapping[str, Count]] = {}
    residents, beliefs = [], []
    for name, (title, note) in SCENARIOS.items():
        scenario = read_scenario(name, folder=folder)
        draws = draws_of(scenario, N_DRAWS, seed=SEED)
        key = _model_of(scenario)
        if key not in cells:
            population, cells[key] = _people(scenario, draws)
            residents.append(_residents(population))
            counts[key] = {
                kind: _count(cells[key][kind].sum(axis=-1)) for kind in ("people", "new_cases")
            }
        plp = {"plp": _count(in_pain(cells[key], draws, scenario))}
        beliefs.append(Beliefs(name, title, note, {**counts[key], **plp}, _columns(draws)))
    if any(not np.array_equal(people, residents[0]) for people in residents):
        raise ValueError(f"scenarios {', '.join(SCENARIOS)}: expected the same residents in all")
    return Nation(residents[0], tuple(beliefs))


def _model_of(scenario: Scenario) -> tuple[object, ...]:
    """What decides the nation's limb loss: all else only says how many of them are in pain."""
    used = (*(f"{cause}_" for cause in CAUSES),)
    parameters = tuple((p.name, p.shape) for p in scenario.parameters if p.name.startswith(used))
    choices = (
        "beliefs", "population", "mortality", "population_factor_2050", "hazard_ratio_change",
        "incidence_path", "dysvascular_factor",
    )  # fmt: skip
    return (parameters, *(scenario.choices[name] for name in choices))


def _people(scenario: Scenario, draws: pd.DataFrame) -> tuple[Population, Mapping[str, Floats]]:
    """People by draw, year, age group and sex, cause and level: (n_draws, n_years, 36, 2, 2)."""
    population, mortality = people_and_mortality(scenario)
    names = ("people", "new_cases", *BANDS)
    by = ("year", "age_group", "sex", "cause", "level")
    people = {}
    responses = responses_of(
        draws, scenario, population, mortality, quantities=names, age_groups=AGE_GROUPS,
        years=YEARS,
    )  # fmt: skip
    for name in names:
        cells = project(responses, inputs(draws, scenario), quantity=name, by=by, years=YEARS)
        vascular = cells[..., _VASCULAR, :]
        both = np.stack([vascular, cells.sum(axis=-2) - vascular], axis=-2)
        people[name] = both.reshape(*cells.shape[:2], N_CELLS, 2, len(LEVELS))
    return population, people


def _count(cells: Floats) -> Count:
    old = np.repeat(np.array(AGE_GROUPS) >= _OLD, 2)
    vascular, others = cells[..., 0], cells[..., 1]
    parts = np.stack([vascular * ~old, vascular * old, others])
    mean = parts.mean(axis=1)
    return Count(parts.sum(axis=3).transpose(0, 2, 1), mean / mean.sum(axis=2, keepdims=True))


def _residents(population: Population) -> Floats:
    at = YEARS - int(population.years[0])
    grouped = np.add.reduceat(population.people[at], AGE_GROUPS, axis=-1)
    return np.asarray(grouped.transpose(0, 2, 1).reshape(len(YEARS), -1))


def _columns(draws: pd.DataFrame) -> pd.DataFrame:
    severe = ("any", "extremely_bothersome")
    names = [parameter_of(step.name, severity=s) for step in FUNNEL_STEPS for s in severe]
    kept = [*dict.fromkeys(names), "demand_years_to_come", "diabetes_elasticity"]
    severities = {f"severity_{name}": share for name, share in severity_shares(draws).items()}
    return draws[kept].assign(**severities)


# --- Counties and places -------------------------------------------------------------------------

OUTLINES = "us_county_outlines_2023.geojson.gz"
#: The map's width in steps; each corner is drawn to the nearest.
MAP_STEPS = 4000
#: Of a map, by the first two digits of its counties' codes: the standard parallels and the point at
#: the middle, as is usual for the 48 states, Alaska and Hawaii (Snyder 1987, Map Projections: A
#: Working Manual, page 100); its scale against that of the 48 states; and its upper left corner, in
#: thousandths of the map's width.
_MAPS = {
    "02": ((55.0, 65.0), (50.0, -154.0), 0.36, (0, 455)),
    "15": ((8.0, 18.0), (3.0, -157.0), 1.0, (260, 535)),
    "": ((29.5, 45.5), (23.0, -96.0), 1.0, (8, 8)),
}
#: Width of the map, of the Earth's radius.
_WIDTH = 0.74


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The counties of the 50 states and DC, in the order of their codes.

    Attributes
    ----------
    fips, name : ndarray of str, shape (n_counties,)
        "Los Angeles County, CA".
    lat, lon : ndarray, shape (n_counties,)
        Where their people are.
    people : ndarray of int, shape (n_counties, 36)
        In 2023, by age group and sex.
    log_ratio : ndarray, shape (n_counties,)
        Log of the share of adults with diabetes over its median.
    ages_estimated, diabetes_of_state : ndarray of bool, shape (n_counties,)
        Counties whose ages are estimated; whose diabetes is that of their state.
    """

    fips: NDArray[np.str_]
    name: NDArray[np.str_]
    lat: Floats
    lon: Floats
    people: NDArray[np.int64]
    log_ratio: Floats
    ages_estimated: NDArray[np.bool_]
    diabetes_of_state: NDArray[np.bool_]


def read_places(*, folder: Path = DATA) -> Places:
    """The counties of the data."""
    known = read_counties(folder=folder)
    centres = county_centres(folder=folder)
    cells = frame(PEOPLE, folder=folder).iloc[:, 2:].to_numpy(dtype=np.int64)
    return Places(
        fips=known.fips,
        name=known.name,
        lat=centres["lat"].to_numpy(dtype=float),
        lon=centres["lon"].to_numpy(dtype=float),
        people=cells.reshape(len(known.fips), 2, -1)
        .transpose(0, 2, 1)
        .reshape(len(known.fips), -1),
        log_ratio=np.log(known.diabetes / np.median(known.diabetes)),
        ages_estimated=known.ages_estimated,
        diabetes_of_state=known.diabetes_of_state,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Gazetteer:
    """ZIP codes in their order, and their cities.

    Attributes
    ----------
    names : tuple of str
        Names of cities in alphabetical order, each once, whatever the state.
    zips, name, state : ndarray of int, shape (n_zips,)
        The code as a number, and the places of its city and state among `names` and `states`.
    states : tuple of str
        Two letters of each state.
    pointed : ndarray of bool, shape (n_zips,)
        Whether it has a point; others are where their city is, at the middle of its points.
    lat, lon : ndarray of int, shape (n_pointed,)
        In hundredths of a degree.
    """

    names: tuple[str, ...]
    zips: NDArray[np.int64]
    name: NDArray[np.int64]
    state: NDArray[np.int64]
    states: tuple[str, ...]
    pointed: NDArray[np.bool_]
    lat: NDArray[np.int64]
    lon: NDArray[np.int64]


def read_gazetteer(*, folder: Path = DATA) -> Gazetteer:
    """The ZIP codes and cities of the data."""
    rows = zip_points(folder=folder)
    has_area = rows.groupby(["city", "state"])["area"].transform("any")
    pointed = (rows["area"] | ~has_area).to_numpy(dtype=bool)
    names, name = np.unique(rows["city"].to_numpy(dtype=str), return_inverse=True)
    states, state = np.unique(rows["state"].to_numpy(dtype=str), return_inverse=True)
    lat, lon = (
        np.rint(100 * rows.loc[pointed, column]).to_numpy(dtype=np.int64)
        for column in ("lat", "lon")
    )
    return Gazetteer(
        names=tuple(names.tolist()),
        zips=rows["zip"].to_numpy(dtype=np.int64),
        name=name,
        state=state,
        states=tuple(states.tolist()),
        pointed=pointed,
        lat=lat,
        lon=lon,
    )


def outlines(places: Places, *, folder: Path = DATA) -> list[list[NDArray[np.int64]]]:
    """Each county's rings on the map, in steps from its upper left corner, shape (n_corners, 2).

    Raises
    ------
    ValueError
        If the outlines are not those of the counties, in their order.
    """
    path = Path(folder) / "geography" / OUTLINES
    text = content(path)
    hold(path, text)
    features = json.loads(text)["features"]
    codes = [feature["id"] for feature in features]
    if codes != places.fips.tolist():
        odd = min(set(codes) ^ set(places.fips.tolist()), default="one out of order")
        raise ValueError(f"{OUTLINES}: {odd}; expected each county of 2023 in turn")
    rings = [
        (_map_of(feature["id"]), place, np.array(corners))
        for place, feature in enumerate(features)
        for polygon in feature["geometry"]["coordinates"]
        for corners in polygon
    ]
    drawn: list[list[NDArray[np.int64]]] = [[] for _ in features]
    for name, (_, _, _, corner) in _MAPS.items():
        flat = [(place, _flat(corners, name)) for own, place, corners in rings if own == name]
        least = np.min([points.min(axis=0) for _, points in flat], axis=0)
        for place, points in flat:
            steps = np.rint(MAP_STEPS * ((points - least) / _WIDTH + np.array(corner) / 1000))
            kept = _without_repeats(steps.astype(np.int64))
            # What is no more than a line at this size is left out.
            drawn[place] += [kept] if len(kept) > 2 else []
    return drawn


def _map_of(fips: str) -> str:
    return fips[:2] if fips[:2] in _MAPS else ""


def _flat(corners: Floats, name: str) -> Floats:
    """Corners (lon, lat) by Albers' equal-area projection: x to the right and y down."""
    parallels, (lat0, lon0), scale, _ = _MAPS[name]
    # Alaska's islands reach beyond 180 degrees.
    lon = np.radians((corners[:, 0] - lon0 + 180) % 360 - 180)
    lat = np.radians(corners[:, 1])
    first, last, origin = np.radians([*parallels, lat0])
    n = (np.sin(first) + np.sin(last)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)
    rho, rho0 = (np.sqrt(c - 2 * n * np.sin(angle)) / n for angle in (lat, origin))
    return scale * np.column_stack([rho * np.sin(n * lon), rho * np.cos(n * lon) - rho0])


def _without_repeats(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Corners of a closed ring, each once."""
    return np.asarray(points[(points != np.roll(points, -1, axis=0)).any(axis=1)])


# --- The clinic ----------------------------------------------------------------------------------

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
    head_start : mapping of (int, str) to float
        Weeks by which a clinic that opens is ahead of one that has run for long, by the same.
    """

    visits: NDArray[np.int64]
    nurses: NDArray[np.int64]
    open_share: Floats
    infusions_each: Mapping[tuple[int, str], Floats]
    visits_each: Mapping[tuple[int, str], Floats]
    head_start: Mapping[tuple[int, str], float]


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
    infusions_each, visits_each, head_start = {}, {}, {}
    for infusions in COURSES:
        course = course_of(infusions, RETURNS[0])
        relief = relief_after_course(of_course, course, n_members=_MEMBERS, seed=SEED)
        for returns in RETURNS:
            plan = ClinicPlan(day_of(1, 8), course_of(infusions, returns), DOSE)
            load = clinic_load(plan, inputs, relief, is_open, 1.0)
            infusions_each[infusions, returns] = load.infusions_each
            visits_each[infusions, returns] = load.visits_each
            head_start[infusions, returns] = _head_start(plan.course, relief)
    share = np.array([[opened(year, days).mean() for days in DAYS_A_WEEK] for year in OPENINGS])
    return ClinicTables(visits, nurses, share, infusions_each, visits_each, head_start)


def _head_start(course: CoursePlan, relief: Floats) -> float:
    """Weeks by which a clinic that opens is ahead of one that has run for long.

    No patient has a later visit yet, so that more begin at first: in the end as many more as it takes
    on in the mean time from a patient's first visit to any of the patient's visits, as if nobody
    missed one or stayed away.
    """
    end = course.course_days[-1] + 1
    returns = end + relief[..., np.newaxis] * np.arange(1, course.max_returns + 1)
    later = np.minimum(returns[~np.isnan(returns)], _LIST_DAYS)
    weight = 1 / relief.size
    n_visits = len(course.course_days) + weight * later.size
    return float((sum(course.course_days) + weight * later.sum()) / n_visits / 7)


#: Visits later than this hardly come before a list is cleared.
_LIST_DAYS = 182
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
    at_loads = ClinicDraws(
        **{name: np.repeat(getattr(inputs, name), len(LOADS)) for name in INPUTS},
        lead_days=np.full(len(LOADS), float(LEAD_DAYS)),
    )
    per_week = capacity * np.array(LOADS)[:, np.newaxis]
    referrals = random_referrals(per_week, n_days=len(is_open), n_runs=runs, seed=SEED)
    outcome = simulate_clinic(plan, at_loads, referrals, relief, is_open, seed=SEED)
    measures = clinic_measures(outcome, from_day=_FILLING_DAYS)
    waits = measures["wait_mean"][1]
    means = np.stack([np.nanmean(measures[name][1], axis=1) for name in MEASURES])
    error = np.nanstd(waits, axis=1, ddof=1) / np.sqrt(runs)
    return capacity, means, np.nanquantile(waits, LUCK, axis=1), error
