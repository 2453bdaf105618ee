"""What only the charts for a class need: people in rows of icons, ages by cause, and states.

Everything else on them comes from the modules that the other notebooks use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from plcore.analysis.trial_design import natural_improvement
from plcore.clinic.people import pain_in_areas, people_of
from plcore.clinic.places import EARTH_RADIUS_KM, by_state
from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.evidence.manifest import hold
from plcore.evidence.parameters import Parameter
from plcore.evidence.prevalence import prevalence_table
from plcore.evidence.table import content
from plcore.evidence.trials.response import wilson
from plcore.models.course import (
    CLAIMED,
    EVIDENCE,
    PLACEBO_ONLY,
    CoursePlan,
    course_by_day,
    course_draws,
    draw_chance,
    infusion_days,
    simulate_course,
)
from plcore.models.limb_loss import CAUSES, inputs, people_and_mortality, project, responses_of
from plcore.models.pain import BOUNDS
from plcore.scenarios import Scenario
from plcore.simulate.draws import draw
from plcore.simulate.runs import Run

STATES = "us_states.geojson"
_ABOUT = 1e5


@dataclass(frozen=True, slots=True)
class Albers:
    """A conic projection that keeps areas; degrees.

    Attributes
    ----------
    lat_0, lon_0 : float
        The point at 0, 0.
    lat_1, lat_2 : float
        Parallels along which lengths are true.
    """

    lat_0: float
    lon_0: float
    lat_1: float
    lat_2: float


#: The parallels that the US Geological Survey uses for the lower 48 states and for Alaska, and those
#: of the tables of Snyder (1987) for Hawaii. A map is moved by so many km (east, north), after it is
#: drawn at so much of its scale: two states would else lie far off.
_LOWER_48 = (Albers(37.5, -96, 29.5, 45.5), 1.0, (0.0, 0.0))
_APART = {
    "AK": (Albers(50, -154, 55, 65), 0.35, (-1620.0, -1680.0)),
    "HI": (Albers(20.5, -157.5, 8, 18), 1.0, (-700.0, -1420.0)),
}


def what_is_counted(readings: Run, estimate: Run, *, year: int = 2005) -> pd.DataFrame:
    """The published count and what it is read as, and below it our estimate with its bounds.

    Parameters
    ----------
    readings : Run
        Of `plcore.models.three_readings`.
    estimate : Run
        Of `plcore.models.people_with_pain`.
    year : int
        A year of both runs.

    Returns
    -------
    DataFrame
        As `plcore.charts.bars` takes it, in millions: label, series, value, low and high (95%; none
        of what was published without an interval).
    """
    ours, pain = "Our estimate: limb loss", "Our estimate: in pain"
    times = "Pain, from the published count"
    rows: list[tuple[Run, str, str, str, bool]] = [
        (readings, "limb_loss", "Limb loss, as published", "As published", False),
        (readings, "plp_as_claimed", "Pain as printed: all of them", "As claimed", False),
        (readings, "plp_source_corrected", "Pain, if 60-85% of them", times, True),
        (readings, "plp_pooled_share", "Pain, times the pooled share", times, True),
        (estimate, "limb_loss", "Limb loss, our estimate", ours, True),
        (estimate, "plp", "In pain, our estimate", pain, True),
        (estimate, "plp_major_only", "... if only major losses hurt", pain, True),
        (estimate, "plp_all_alike", "... if all losses hurt alike", pain, True),
    ]
    bars = []
    for run, outcome, label, series, limited in rows:
        low, value, high = np.quantile(_in_year(run, outcome, year), [0.025, 0.5, 0.975]) / 1e6
        limits = (low, high) if limited else (math.nan, math.nan)
        bars.append((label, series, value, *limits))
    return pd.DataFrame(bars, columns=["label", "series", "value", "low", "high"])


def people_in_pain(estimate: Run, *, one_in: int, year: int = 2025) -> pd.DataFrame:
    """People in rows of icons: who has limb loss, and who of them is in pain.

    Parameters
    ----------
    estimate : Run
        Of `plcore.models.people_with_pain`.
    one_in : int
        Of so many Americans one has limb loss, as published.
    year : int
        A year of the run, in which the shares in pain are taken.

    Returns
    -------
    DataFrame
        As `plcore.charts.icons` takes it: panel, label, look and count.
    """
    crowd = f"{one_in} Americans in 2005, as published"
    rows = [(crowd, "with limb loss", "limb_loss", 1), (crowd, "without", "other", one_in - 1)]
    for panel, in_pain, everybody in (
        ("A hundred people with limb loss", "plp", "limb_loss"),
        ("A hundred who lost a hand, a foot or more", "plp_major_only", "major"),
    ):
        share = _in_year(estimate, in_pain, year) / _in_year(estimate, everybody, year)
        surely, perhaps, not_in_pain = sure_and_perhaps(*np.quantile(share, [0.025, 0.975]))
        rows += [
            (panel, "in pain at the lower end of the interval", "pain", surely),
            (panel, "more in pain at its upper end", "perhaps_pain", perhaps),
            (panel, "not in pain now or lately", "other", not_in_pain),
        ]
    return pd.DataFrame(rows, columns=["panel", "label", "look", "count"])


def _in_year(run: Run, outcome: str, year: int) -> Floats:
    return np.asarray(run.outcome.values[outcome][:, list(run.outcome.years).index(year)])


def asked_in_three_ways(scenario: Scenario) -> pd.DataFrame:
    """Shares in pain now, lately and ever, and those of one cohort asked three times.

    Parameters
    ----------
    scenario : Scenario
        Its parameters and its choice prevalence_tau_scale are used.

    Returns
    -------
    DataFrame
        As `plcore.charts.bars` takes it: label, series, value, low and high (95% interval of
        another high-income setting; none of the cohort).
    """
    parameters = {item.name: item for item in scenario.parameters}
    kinds = prevalence_table(tau_scale=float(scenario.choices["prevalence_tau_scale"]))
    pooled = kinds[kinds["pool"] == "high_income"].set_index("kind")
    rows: list[tuple[str, str, float, float, float]] = []
    for kind, words in (
        ("point", "Pain now"),
        ("period", "Pain in the last days or weeks"),
        ("ever", "Pain ever"),
    ):
        found = pooled.loc[[kind]]
        value, low, high = (
            float(found[f"setting_{end}"].iloc[0]) for end in ("value", "low", "high")
        )
        label = f"{words} ({int(found['studies'].iloc[0])} studies)"
        rows.append((label, "Pooled studies, another setting", value, low, high))
    for visit, words in (
        ("8_days", "8 days after the loss"),
        ("6_months", "6 months after"),
        ("2_years", "2 years after"),
    ):
        share = parameters[f"plp_share_{visit}"].median
        rows.append((words, "One cohort, pain at each visit", share, math.nan, math.nan))
    return pd.DataFrame(rows, columns=["label", "series", "value", "low", "high"])


def phantoms_and_pain(parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Of a hundred born without a limb, or who lost one early: phantom limbs, and those that hurt.

    Parameters
    ----------
    parameters : sequence of Parameter
        Of a scenario.

    Returns
    -------
    DataFrame
        As `plcore.charts.icons` takes it: panel, label, look, count, low and high (95% Wilson).
    """
    studies = read("plp_prevalence_studies").set_index("study")
    named = {item.name: item for item in parameters}
    rows: list[tuple[str, str, str, int, float, float]] = []
    for panel, study, claimed in (
        (
            "A hundred people born without a limb",
            "Melzack 1997 (congenital)",
            "congenital_share_claimed",
        ),
        (
            "A hundred who lost one before the age of six",
            "Melzack 1997 (before age 6)",
            "before_six_share_claimed",
        ),
    ):
        n, painful = (int(studies[name].loc[[study]].iloc[0]) for name in ("n", "events"))
        low, high = (round(100 * float(limit)) for limit in wilson(painful, n))
        hurt, felt = round(100 * painful / n), round(100 * named[claimed].median)
        rows += [
            (panel, "a phantom limb that hurts", "pain", hurt, low, high),
            (panel, "a phantom limb without pain", "painless", felt - hurt, math.nan, math.nan),
            (panel, "no phantom limb", "other", 100 - felt, math.nan, math.nan),
        ]
    return pd.DataFrame(rows, columns=["panel", "label", "look", "count", "low", "high"])


def improved_untreated(parameters: Sequence[Parameter], *, patients: int = 25) -> pd.DataFrame:
    """Share of patients with 30% less pain on another day, although nothing was done.

    Parameters
    ----------
    parameters : sequence of Parameter
        Of a scenario; community_pain_centre and community_pain_spread are used.
    patients : int
        In a series.

    Returns
    -------
    DataFrame
        As `plcore.charts.curves` takes it: x (correlation of a person's pain on two days), value,
        low and high (95% of such series), series (pain at which patients were taken).
    """
    named = {item.name: item for item in parameters}
    centre, spread = (named[f"community_pain_{name}"].median for name in ("centre", "spread"))
    retests = np.linspace(0.3, 0.95, 27)
    parts = []
    for entry in (4, 6):
        share = natural_improvement(centre, spread, retests, lowest=entry, fraction=0.3)
        low, high = seen_by_chance(share, patients)
        columns = {"x": retests, "value": share, "low": low, "high": high}
        parts.append(pd.DataFrame({**columns, "series": f"Joined at {entry} or more of 10"}))
    return pd.concat(parts)


def relief_by_day(scenario: Scenario) -> pd.DataFrame:
    """Share of patients in relief by day of a course of infusions, under three assumptions.

    Parameters
    ----------
    scenario : Scenario
        Its parameters are drawn.

    Returns
    -------
    DataFrame
        As `plcore.charts.curves` takes it: x (days), value, low and high (95%), series.
    """
    plan = CoursePlan(infusion_days(10, 3.5), max_returns=6)
    chance = draw_chance(2000, plan.n_slots, seed=1)
    draws = draw(scenario.parameters, 256, seed=1)
    sets = {"As claimed": CLAIMED, "Evidence-based prior": EVIDENCE, "Placebo only": PLACEBO_ONLY}
    parts = [
        course_by_day(simulate_course(course_draws(draws, names=names), plan, chance)).assign(
            series=series
        )
        for series, names in sets.items()
    ]
    table = pd.concat(parts)
    table = table[table["outcome"] == "relief"].rename(
        columns={"day": "x", "median": "value", "low_95": "low", "high_95": "high"}
    )
    return table[["x", "value", "low", "high", "series"]]


def sure_and_perhaps(low: float, high: float, *, people: int = 100) -> tuple[int, int, int]:
    """Of so many people, how many a share counts surely, perhaps, and surely not.

    Parameters
    ----------
    low, high : float
        Limits of the share, 0 to 1; each is rounded to whole people.
    people : int
        How many there are in all.

    Raises
    ------
    ValueError
        If the limits are no shares in order, or there is nobody.
    """
    if not 0 <= low <= high <= 1:
        raise ValueError(f"the share is from {low:g} to {high:g}; expected 0 <= low <= high <= 1")
    if people < 1:
        raise ValueError(f"people is {people}; expected 1 or more")
    surely, at_most = round(low * people), round(high * people)
    return surely, at_most - surely, people - at_most


def seen_by_chance(share: npt.ArrayLike, n: int, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Shares between which a series of n patients comes out by chance, if each has this chance.

    Exact: the quantiles of the binomial, so that no more than half of 1 - level lies beyond either.

    Parameters
    ----------
    share : array_like, shape (...)
        Of patients who would get better.
    n : int
        Patients in a series.

    Returns
    -------
    (low, high) : ndarrays, shape (...)

    Raises
    ------
    ValueError
        If a share is outside 0 to 1, there is no patient, or the level is not between 0 and 1.
    """
    p = np.asarray(share, dtype=float)
    wrong = ~((p >= 0) & (p <= 1))
    if wrong.any():
        raise ValueError(f"share is {p[wrong].flat[0]:g}; expected one from 0 to 1")
    if n < 1:
        raise ValueError(f"n is {n}; expected 1 or more patients")
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    tail = (1 - level) / 2
    low, high = (np.asarray(stats.binom.ppf(at, n, p), dtype=float) for at in (tail, 1 - tail))
    return low / n, high / n


def ages_by_cause(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int], ages: Sequence[int]
) -> pd.DataFrame:
    """Mean people living with limb loss by year, age group and cause: means, since they add up.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.models.limb_loss.people_with_limb_loss`.
    scenario : Scenario
        Of the draws.
    years : sequence of int
        Years of the population.
    ages : sequence of int
        First age of each group, from 0; the last is open.

    Returns
    -------
    DataFrame
        Columns year, label (an age group), series (a cause) and value.
    """
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people",), age_groups=ages,
        years=years,
    )  # fmt: skip
    found = project(
        responses, inputs(draws, scenario), by=("year", "age_group", "cause"), years=years
    )
    labels = [f"{first}-{after - 1}" for first, after in pairwise(ages)]
    names = pd.MultiIndex.from_product(
        [years, [*labels, f"{ages[-1]}+"], CAUSES], names=["year", "label", "series"]
    )
    return pd.Series(found.mean(axis=0).ravel(), index=names, name="value").reset_index()


def pain_by_state(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int], folder: Path = DATA
) -> pd.DataFrame:
    """People with phantom limb pain per 100,000 residents of each state and DC.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.clinic.people.pain_in_areas`; column diabetes_elasticity says how closely limb
        loss follows diabetes.
    scenario : Scenario
        Of the draws.
    years : sequence of int
        Years of the population.

    Returns
    -------
    DataFrame
        One row per year and state: year, place (two letters), name, value (median), low, high (95%),
        and bound_low and bound_high (medians if only major losses hurt, and if all hurt alike).
    """
    codes = [place["state"] for place in _places(folder)]
    areas = [by_state(code, folder=folder) for code in codes]
    population, _ = people_and_mortality(scenario)
    residents = people_of(areas, population, years=years, folder=folder).sum(axis=(2, 3))

    people = pain_in_areas(draws, scenario, areas=areas, years=years, folder=folder)
    rates = {name: _ABOUT * drawn / residents for name, drawn in people.items()}
    middle, low, high = np.quantile(rates["plp"], [0.5, 0.025, 0.975], axis=0)
    bound_low, bound_high = (np.median(rates[name], axis=0) for name in BOUNDS)
    rows = [
        {
            "year": year,
            "place": code,
            "name": area.name,
            "value": middle[a, y],
            "low": low[a, y],
            "high": high[a, y],
            "bound_low": bound_low[a, y],
            "bound_high": bound_high[a, y],
        }
        for y, year in enumerate(years)
        for a, (code, area) in enumerate(zip(codes, areas, strict=True))
    ]
    return pd.DataFrame(rows)


def states_by_year(draws: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Maps of people in pain by state in three years, and if limb loss did not follow diabetes.

    Parameters
    ----------
    draws : DataFrame
        As for `pain_by_state`.
    scenario : Scenario
        Of the draws.

    Returns
    -------
    DataFrame
        As `pain_by_state`, with panel: 2005, 2025, 2050, or 2025 by age and sex alone.
    """
    by_year = pain_by_state(draws, scenario, years=[2005, 2025, 2050])
    same = pain_by_state(draws.assign(diabetes_elasticity=0.0), scenario, years=[2025])
    panels = [
        by_year.assign(panel=by_year["year"].astype(str)),
        same.assign(panel="2025, by age and sex alone"),
    ]
    return pd.concat(panels, ignore_index=True)


def state_outlines(*, folder: Path = DATA) -> pd.DataFrame:
    """Outlines of the states and DC on a flat map, areas in proportion, for `charts.maps`.

    Alaska, at 0.35 of its scale, and Hawaii stand below the south-west: not where they lie.

    Returns
    -------
    DataFrame
        One row per corner: place (two letters), part (from 0, for each island) and x, y (whole km).

    Raises
    ------
    ValueError
        If the file has no feature.
    """
    frames = []
    for place in _places(folder):
        albers, scale, (east, north) = _APART.get(place["state"], _LOWER_48)
        for part, ring in enumerate(place["rings"]):
            x, y = projected(ring[:, 0], ring[:, 1], albers)
            frames.append(
                pd.DataFrame(
                    {
                        "place": place["state"],
                        "part": part,
                        "x": np.round(scale * EARTH_RADIUS_KM * x + east),
                        "y": np.round(scale * EARTH_RADIUS_KM * y + north),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def projected(lon: npt.ArrayLike, lat: npt.ArrayLike, albers: Albers) -> tuple[Floats, Floats]:
    """Where points of a sphere of radius 1 come to lie on a flat map that keeps areas.

    Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395, equations 14-1
    to 14-6. Longitudes may run past 180: the nearer way around is taken.

    Parameters
    ----------
    lon, lat : array_like, shape (...)
        Degrees east and north.
    albers : Albers
        The projection.

    Returns
    -------
    (x, y) : ndarrays, shape (...)
        East and north, in radii of the sphere.
    """
    phi_0, phi_1, phi_2 = (math.radians(a) for a in (albers.lat_0, albers.lat_1, albers.lat_2))
    n = (math.sin(phi_1) + math.sin(phi_2)) / 2
    c = math.cos(phi_1) ** 2 + 2 * n * math.sin(phi_1)
    rho_0 = math.sqrt(c - 2 * n * math.sin(phi_0)) / n
    rho = np.sqrt(c - 2 * n * np.sin(np.radians(np.asarray(lat, dtype=float)))) / n
    away = (np.asarray(lon, dtype=float) - albers.lon_0 + 180) % 360 - 180
    theta = n * np.radians(away)
    return np.asarray(rho * np.sin(theta)), np.asarray(rho_0 - rho * np.cos(theta))


def _places(folder: Path) -> list[Mapping[str, Any]]:
    """State and rings, shape (n_corners, 2), of each feature of the file of outlines."""
    path = Path(folder) / "geography" / STATES
    text = content(path)
    hold(path, text)
    features = json.loads(text)["features"]
    if not features:
        raise ValueError(f"{STATES}: no features; expected the states and DC")
    return [
        {
            "state": feature["properties"]["state"],
            "rings": [np.array(polygon[0]) for polygon in feature["geometry"]["coordinates"]],
        }
        for feature in features
    ]
