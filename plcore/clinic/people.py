"""The people of an area: all residents, those with limb loss, and those with phantom limb pain.

The county file is of 2023. For another year an area keeps its share of the nation's people of each
age group and sex (the ratio method: Smith, Tayman and Swanson 2013, A Practitioner's Guide to State
and Local Population Projections, chapter 8): counties add up to the nation in every age group, sex
and year, and what makes places grow at different rates, such as moving house, is left out.

A place with more diabetes has more limb loss from vascular disease than its share of people would
give: the people of each county are weighted by (its share of adults with diabetes,
age-adjusted)^elasticity, and the sum over all counties is scaled back to the nation's, in each age
group and sex. The share is age-adjusted because age is already in the people.

An area's share of the nation's vascular limb loss is a smooth function of one number, the
elasticity. So `people_nearby` adds up the nation's responses (`plcore.models.limb_loss`) over ages
and sexes with the shares at a few Chebyshev nodes of it, and interpolates each draw between them,
to all digits.

**California** tries the adjustment for diabetes on amputations that were counted, by county.
Hospital discharges with a lower-extremity amputation and diabetes (AHRQ's indicator PQI 16, adults)
are set against what the model expects: people by age and sex times its incidence of vascular limb
loss by age and sex, times (diabetes)^elasticity, scaled so that the whole state has as many as were
observed. So this tells whether the model puts losses in the right counties, not whether it has the
right number of them. Discharges are not people; toes are meant to be left out; years to 2014 are
coded in ICD-9 and later ones in ICD-10, and counts jump between the two.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike
from scipy import stats

from plcore.clinic.places import (
    AGE_GROUPS,
    AMPUTATIONS,
    DIABETES,
    Area,
    Counties,
    by_fips,
    by_state,
    frame,
    places_of,
    read_counties,
)
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import read_parameters
from plcore.evidence.population import Population
from plcore.inputs import checks_kinds
from plcore.models.limb_loss import (
    CAUSES,
    STRATA,
    LimbLossDraws,
    Responses,
    inputs,
    people_and_mortality,
    project,
    responses_of,
    rising_shape,
)
from plcore.models.outcome import Outcome
from plcore.models.pain import BANDS, pain_by, readings
from plcore.scenarios import Scenario

#: Draws whose county weights are held at once: 3144 numbers each.
_ROWS = 512
_VASCULAR = CAUSES.index("dysvascular")
_NODES = (8, 16, 32, 64)
#: Of a share, which is at most 1.
_TOLERANCE = 1e-13


@checks_kinds
def people_nearby(
    draws: pd.DataFrame, scenario: Scenario, *, area: Area, folder: Path = DATA
) -> Outcome:
    """People of an area by year, and how many of them have limb loss and phantom limb pain.

    National limb loss and pain by age group, sex and cause, times the area's share of the nation's
    people of that age group and sex; of vascular limb loss, more than that where diabetes is more
    common. To simulate it, fix the area with `functools.partial`, as in the example.

    Parameters
    ----------
    draws : DataFrame, one row per draw, one column per parameter
        The columns that `plcore.models.pain.people_with_pain` needs, and diabetes_elasticity.
    scenario : Scenario
        As for `plcore.models.pain.people_with_pain`; its choice `population` is the nation that is
        shared out.
    area : Area
        The counties counted.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Returns
    -------
    Outcome
        Values of shape (n_draws, n_years), in people: residents, limb_loss, dysvascular (of
        limb_loss), new_cases (limb losses a year), and plp, its bounds plp_major_only and
        plp_all_alike, and plp_weekly, plp_moderate_severe, plp_extremely_bothersome and
        plp_problematic as in `plcore.models.pain.people_with_pain`.

    Raises
    ------
    ValueError
        If the choice `population` is not that of the United States, or the elasticities lie too far
        apart to interpolate between.

    Examples
    --------
    >>> from functools import partial
    >>> from plcore.clinic import by_state, people_nearby
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> year = read_scenario(choices={"first_year": 2025, "last_year": 2025})
    >>> vermont = run(partial(people_nearby, area=by_state("VT")), year, n_draws=16)
    >>> vermont.outcome.values["plp"].shape
    (16, 1)
    """
    years = scenario.years
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws,
        scenario,
        population,
        mortality,
        quantities=("people", "new_cases", *BANDS),
        age_groups=AGE_GROUPS,
        years=years,
    )
    shared, basis = _shared(responses, area, draws["diabetes_elasticity"].to_numpy(), folder)
    beliefs = inputs(draws, scenario)
    local = {
        name: _local(shared, basis, beliefs, name, years.tolist())
        for name in ("people", "new_cases", *BANDS)
    }
    by_level = {name: local[name].sum(axis=2) for name in BANDS}
    residents = people_of([area], population, years=years, folder=folder).sum(axis=(0, 2, 3))
    values = {
        "residents": np.tile(residents, (len(draws), 1)),
        "limb_loss": local["people"].sum(axis=(2, 3)),
        "dysvascular": local["people"][:, :, _VASCULAR].sum(axis=-1),
        "new_cases": local["new_cases"].sum(axis=(2, 3)),
        **readings(by_level, draws, scenario),
    }
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def pain_in_areas(
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    areas: Sequence[Area],
    years: Sequence[int],
    folder: Path = DATA,
) -> dict[str, Floats]:
    """People with phantom limb pain in each of many areas, each of shape (n_draws, n_areas, n_years).

    plp, and its bounds plp_major_only and plp_all_alike. For a map. Where the areas make up the
    nation, they add up to it in every draw and year. Shares of all areas are held at once, 108
    numbers for each area and draw.
    """
    nation = pain_by(
        draws,
        scenario,
        by=("year", "age_group", "sex", "cause"),
        years=years,
        age_groups=AGE_GROUPS,
    )
    shares = shares_of(areas, draws["diabetes_elasticity"], folder=folder)
    return {
        name: np.asarray(np.einsum("dygsc,adgsc->day", people, shares, optimize=True))
        for name, people in nation.items()
    }


def people_of(
    areas: Sequence[Area], population: Population, *, years: ArrayLike, folder: Path = DATA
) -> Floats:
    """People of each area by year, age group and sex, shape (n_areas, n_years, 18, 2).

    `population` is that of the United States. One that holds more than the residents of the
    states, such as the Social Security area, is shared out over the counties all the same.
    """
    known = read_counties(folder=folder)
    if population.area != "USA":
        raise ValueError(f"people of {population.area}; expected those of USA, as counties are")
    wanted = np.asarray(years)
    missing = wanted[~np.isin(wanted, population.years)]
    if missing.size:
        first, last = population.years[[0, -1]]
        raise ValueError(f"year is {missing[0]}; expected years from {first} to {last}")
    cells = population.people[wanted - int(population.years[0])]
    nation = np.add.reduceat(cells, AGE_GROUPS, axis=-1).transpose(0, 2, 1)
    shares = np.stack([known.share[places_of(area, known)].sum(axis=0) for area in areas])
    return np.asarray(shares[:, np.newaxis] * nation)


def shares_of(areas: Sequence[Area], elasticity: ArrayLike, *, folder: Path = DATA) -> Floats:
    """Shares of the nation's limb loss, shape (n_areas, n_draws, 18, 2, n_causes).

    By age group, sex and cause. `elasticity`, of shape (n_draws,), is the percent by which
    dysvascular loss rises for one percent more diabetes, from -10 to 10.
    """
    e = np.asarray(elasticity, dtype=float)
    bad = ~(np.isfinite(e) & (np.abs(e) <= 10))
    if e.ndim != 1 or bad.any():
        shown = f"{e[bad][0]:g}" if e.ndim == 1 else f"{e.ndim} axes"
        raise ValueError(f"elasticity has {shown}; expected a number from -10 to 10 for each draw")
    known = read_counties(folder=folder)
    places = [places_of(area, known) for area in areas]
    shares = np.empty((len(areas), e.size, len(AGE_GROUPS), 2, len(CAUSES)))
    for a, at in enumerate(places):
        shares[a] = known.share[at].sum(axis=0)[..., np.newaxis]
    for rows, weights, everywhere in _weights(e, known):
        for a, at in enumerate(places):
            vascular = weights[:, at] @ known.share[at].reshape(at.size, -1) / everywhere
            shares[a, rows, ..., _VASCULAR] = vascular.reshape(-1, *shares.shape[2:4])
    return shares


def _weights(elasticity: Floats, known: Counties) -> Iterator[tuple[slice, Floats, Floats]]:
    """By a few draws: (ratio of diabetes)^elasticity of each county, and its mean over people."""
    log_ratio = np.log(known.diabetes / np.median(known.diabetes))
    share = known.share.reshape(known.fips.size, -1)
    for start in range(0, elasticity.size, _ROWS):
        rows = slice(start, start + _ROWS)
        weights = np.exp(elasticity[rows, np.newaxis] * log_ratio)
        yield rows, weights, weights @ share


def _shared(
    responses: Responses, area: Area, elasticity: Floats, folder: Path
) -> tuple[Responses, Floats]:
    """Responses of the area at each node of the elasticity, and the draws' weights on the nodes."""
    patterns, basis = _nodes_of(area, elasticity, folder)
    # The nodes take the place of the age groups; the axis of the sexes is left with one.
    causes = {stratum.shape: CAUSES.index(stratum.cause) for stratum in STRATA}
    units = {
        key: np.einsum("vyaskn,jas->vyjkn", unit, patterns[..., causes[key[0]]])[
            :, :, :, np.newaxis
        ]
        for key, unit in responses.units.items()
    }
    return dataclasses.replace(responses, units=units), basis


def _nodes_of(area: Area, elasticity: Floats, folder: Path) -> tuple[Floats, Floats]:
    """Shares at Chebyshev nodes, shape (n_nodes, 18, 2, n_causes), and weights of every draw."""
    low, high = float(elasticity.min()), float(elasticity.max())
    middle, half = (low + high) / 2, (high - low) / 2
    if half == 0:
        return shares_of([area], [middle], folder=folder)[0], np.ones((elasticity.size, 1))
    for n in _NODES:
        at = chebyshev.chebpts1(n)
        shares = shares_of([area], middle + half * at, folder=folder)[0]
        to_coefficients = np.linalg.inv(chebyshev.chebvander(at, n - 1))
        tail = np.tensordot(to_coefficients[-2:], shares, axes=1)
        if np.abs(tail).max() <= _TOLERANCE:
            x = (elasticity - middle) / half
            return shares, np.asarray(chebyshev.chebvander(x, n - 1) @ to_coefficients)
    raise ValueError(
        f"diabetes_elasticity runs from {low:g} to {high:g}, too far apart for {_NODES[-1]} nodes; "
        "expected a narrower range"
    )


def _local(
    shared: Responses, basis: Floats, beliefs: LimbLossDraws, quantity: str, years: Sequence[int]
) -> Floats:
    """One quantity of the area by draw, year, cause and level."""
    by_node = project(
        shared, beliefs, quantity=quantity, by=("year", "age_group", "cause", "level"), years=years
    )
    return np.asarray(np.einsum("dyjck,dj->dyck", by_node, basis))


# --- The adjustment for diabetes, tried on California --------------------------------------------

#: Counties with fewer discharges than this are mostly chance; ranks are also given without them.
_SMALL = 200
#: Observed over expected that counts as near, and its inverse.
_NEAR = 0.8


def check_california(
    population: Population,
    *,
    elasticities: Sequence[float] = (0, 0.5, 1, 1.5, 2, 2.5),
    folder: Path = DATA,
) -> pd.DataFrame:
    """How well each elasticity puts California's amputations of 2016-2022 in the right counties.

    Parameters
    ----------
    population : Population
        Of the United States, with those years.
    elasticities : sequence of float
        Percent by which vascular limb loss rises for one percent more diabetes; 0 is no adjustment.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Returns
    -------
    DataFrame
        A row for each measure of diabetes (adjusted or crude) and elasticity. rank_correlation: of
        observed with expected rates over all counties; rank_correlation_large: over those with 200
        discharges or more; slope, slope_low, slope_high: of log observed on log expected rate, with
        its 95% interval (1 is calibrated; Cox 1958); near: share of expected discharges in counties
        with observed over expected from 0.8 to 1.25; least, greatest: observed over expected of
        large counties.

    Raises
    ------
    ValueError
        If a county lacks a year in the file of amputations, or `population` lacks one.

    References
    ----------
    Cox DR. Two further applications of a model for binary regression. Biometrika 1958;45:562-565.
    The slope: a log-linear model of counts with variance in proportion to the mean (quasi-Poisson;
    McCullagh and Nelder 1989, Generalized Linear Models, section 6.2).

    Examples
    --------
    >>> from plcore.evidence import read_population
    >>> people = read_population("USA", variant="resident", last_year=2025)
    >>> table = check_california(people, elasticities=[0, 1.5])
    >>> table[["diabetes", "elasticity", "rank_correlation"]].round(1).to_numpy().tolist()
    [['adjusted', 0.0, -0.5], ['adjusted', 1.5, 0.2], ['crude', 0.0, -0.5], ['crude', 1.5, -0.1]]
    """
    rows = []
    for measure in ("adjusted", "crude"):
        counties = california_counties(population, measure=measure, folder=folder)
        for elasticity in elasticities:
            agreement = _agreement(counties, elasticity)
            rows.append({"diabetes": measure, "elasticity": elasticity, **agreement})
    return pd.DataFrame(rows)


def california_counties(
    population: Population,
    *,
    measure: str = "adjusted",
    first_year: int = 2016,
    last_year: int = 2022,
    folder: Path = DATA,
) -> pd.DataFrame:
    """Each county's person-years, diabetes (percent), observed and expected amputations.

    Expected without an adjustment for diabetes, and scaled to as many as were observed. Years are
    both included, and lie either before or after 2015: that year is three quarters long, and the
    coding changes after it.
    """
    seen = _observed(first_year, last_year, folder)
    codes = list(by_state("CA", folder=folder).fips)
    areas = [by_fips([code], folder=folder) for code in codes]
    years = np.arange(first_year, last_year + 1)
    people = people_of(areas, population, years=years, folder=folder).sum(axis=1)
    percent = frame(DIABETES, folder=folder).set_index("fips").loc[codes, measure]
    observed = seen.loc[codes, "discharges"].to_numpy(dtype=float)
    losses = (people * _rates(population, first_year, last_year, folder)).sum(axis=(1, 2))
    return pd.DataFrame(
        {
            "fips": codes,
            "county": seen.loc[codes, "county"].to_numpy(),
            "person_years": people.sum(axis=(1, 2)),
            "diabetes": percent.to_numpy(dtype=float),
            "observed": observed,
            "expected": losses * observed.sum() / losses.sum(),
        }
    )


def _agreement(counties: pd.DataFrame, elasticity: float) -> dict[str, float]:
    """How well amputations expected with an elasticity agree with those observed."""
    observed, unadjusted, years, diabetes = (
        counties[name].to_numpy(dtype=float)
        for name in ("observed", "expected", "person_years", "diabetes")
    )
    expected = unadjusted * (diabetes / np.median(diabetes)) ** elasticity
    expected *= observed.sum() / expected.sum()
    large = observed >= _SMALL
    ratio = observed / expected
    near = (ratio >= _NEAR) & (ratio <= 1 / _NEAR)
    slope, low, high = log_linear_slope(observed, np.log(expected / years), years)
    return {
        "rank_correlation": _ranks(observed / years, expected / years),
        "rank_correlation_large": _ranks((observed / years)[large], (expected / years)[large]),
        "slope": slope,
        "slope_low": low,
        "slope_high": high,
        "near": float(expected[near].sum() / expected.sum()),
        "least": float(ratio[large].min()),
        "greatest": float(ratio[large].max()),
    }


def _ranks(first: Floats, second: Floats) -> float:
    return float(stats.spearmanr(first, second).statistic)


def log_linear_slope(counts: Floats, x: Floats, exposure: Floats) -> tuple[float, float, float]:
    """b of counts = exposure exp(a + b x) with its 95% quasi-Poisson limits, by Newton's method."""
    design = np.column_stack([np.ones_like(x), x - np.average(x, weights=exposure)])
    coefficients = np.array([np.log(counts.sum() / exposure.sum()), 0.0])
    for _ in range(50):
        mean = exposure * np.exp(design @ coefficients)
        information = design.T @ (mean[:, np.newaxis] * design)
        step = np.linalg.solve(information, design.T @ (counts - mean))
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-12:
            break
    free = counts.size - coefficients.size
    dispersion = float(((counts - mean) ** 2 / mean).sum() / free)
    error = float(np.sqrt(dispersion * np.linalg.inv(information)[1, 1]))
    slope, reach = float(coefficients[1]), float(stats.t.ppf(0.975, free)) * error
    return slope, slope - reach, slope + reach


def _rates(population: Population, first_year: int, last_year: int, folder: Path) -> Floats:
    """The model's relative incidence by age group and sex, shape (18, 2)."""
    medians = {item.name: item.median for item in read_parameters(folder=folder)}
    shape = rising_shape(
        population,
        mean_age=medians["dysvascular_mean_age"],
        male_ratio=medians["dysvascular_male_ratio"],
    )
    at = slice(first_year - int(population.years[0]), last_year + 1 - int(population.years[0]))
    people = population.people[at].sum(axis=0)
    groups = [np.add.reduceat(cells, AGE_GROUPS, axis=-1) for cells in (people * shape, people)]
    return np.asarray((groups[0] / groups[1]).T)


def _observed(first_year: int, last_year: int, folder: Path) -> pd.DataFrame:
    """Discharges of each county over the years, by code."""
    if not 2005 <= first_year <= last_year <= 2022 or first_year <= 2015 <= last_year:
        raise ValueError(
            f"years are {first_year} to {last_year}; expected 2005 to 2014 or 2016 to 2022, "
            "as coding changes in between"
        )
    table = frame(AMPUTATIONS, folder=folder)
    table = table[table["year"].between(first_year, last_year) & (table["fips"] != "06")]
    counted = table.groupby("fips").size()
    wanted = last_year - first_year + 1
    codes = by_state("CA", folder=folder).fips
    short = [code for code in codes if counted.get(code, 0) != wanted]
    if short:
        raise ValueError(
            f"{AMPUTATIONS.file}: county {short[0]} has {counted.get(short[0], 0)} years of "
            f"{first_year}-{last_year}; expected {wanted}"
        )
    return table.groupby("fips").agg(county=("county", "first"), discharges=("discharges", "sum"))
