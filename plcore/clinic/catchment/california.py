"""The adjustment for diabetes against amputations that happened: California, county by county.

Discharges with a lower-extremity amputation and diabetes (AHRQ's indicator PQI 16, adults) are set
against what the model expects: people by age and sex times its incidence of vascular limb loss by
age and sex, times (diabetes)^elasticity, scaled so that the whole state has as many as observed.
So this tells whether the model puts losses in the right counties, not whether it has the right
number of them. Discharges are not people; toes are meant to be left out; years to 2014 are coded
in ICD-9 and later ones in ICD-10, between which counts jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from plcore.clinic.catchment.files import AGE_GROUPS, AMPUTATIONS, DIABETES, frame
from plcore.clinic.catchment.people import people_of
from plcore.clinic.catchment.places import by_fips, by_state
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import read_parameters
from plcore.evidence.population import Population
from plcore.models.limb_loss import rising_shape

#: Counties with fewer discharges than this are mostly chance; ranks are also given without them.
_SMALL = 200
#: Observed over expected that counts as near, and its inverse.
_NEAR = 0.8
_YEARS = (2016, 2022)


@dataclass(frozen=True, slots=True)
class Slope:
    """A coefficient of a log-linear model of counts, with its 95% interval.

    Attributes
    ----------
    value, low, high : float
        The coefficient and its limits.
    """

    value: float
    low: float
    high: float


def check_california(
    population: Population,
    *,
    elasticities: Sequence[float] = (0, 0.5, 1, 1.5, 2, 2.5),
    first_year: int = _YEARS[0],
    last_year: int = _YEARS[1],
    folder: Path = DATA,
) -> pd.DataFrame:
    """How well each elasticity puts California's amputations in the right counties.

    Parameters
    ----------
    population : Population
        Of the United States, with the years asked for.
    elasticities : sequence of float
        0 is no adjustment.
    first_year, last_year : int
        Both included, 2005 to 2022, not across 2015: that year is three quarters long and the
        coding changes after it.

    Returns
    -------
    DataFrame
        A row for each measure of diabetes (adjusted, crude) and elasticity: rank_correlation of
        observed with expected rates over all counties and rank_correlation_large over those with
        200 discharges or more; slope, slope_low, slope_high: of log observed on log expected rate
        (1 is calibrated; Cox 1958); near, the share of expected discharges in counties with
        observed over expected from 0.8 to 1.25; least and greatest observed over expected of large
        counties.
    """
    rows = []
    for measure in ("adjusted", "crude"):
        for elasticity in elasticities:
            counties = california_counties(
                population,
                elasticity=elasticity,
                measure=measure,
                first_year=first_year,
                last_year=last_year,
                folder=folder,
            )
            rows.append({"diabetes": measure, "elasticity": elasticity, **_judge(counties)})
    return pd.DataFrame(rows)


def california_counties(
    population: Population,
    *,
    elasticity: float,
    measure: str = "adjusted",
    first_year: int = _YEARS[0],
    last_year: int = _YEARS[1],
    folder: Path = DATA,
) -> pd.DataFrame:
    """Observed and expected amputations with diabetes of each county of California.

    Parameters
    ----------
    population : Population
        Of the nation, over those years.
    elasticity : float
        Percent more amputations for one percent more diabetes; 0 expects the same of all counties.
    measure : str
        Column of the diabetes file: "adjusted" for age, as the model uses it, or "crude".
    first_year, last_year : int
        Years whose amputations are added up; 2016 to 2022 unless given.

    Returns
    -------
    DataFrame
        Columns fips, county, person_years (of all ages), diabetes (percent), observed, expected,
        ratio (observed over expected).

    Raises
    ------
    ValueError
        If the measure is neither.
    """
    if measure not in ("adjusted", "crude"):
        raise ValueError(f"measure is {measure!r}; expected adjusted or crude")
    seen = _observed(first_year, last_year, folder)
    inside = by_state("CA", folder=folder)
    areas = [by_fips([code], folder=folder) for code in inside.fips]
    years = np.arange(first_year, last_year + 1)
    people = people_of(areas, population, years=years, folder=folder).sum(axis=1)
    percent = frame(DIABETES, folder=folder).set_index("fips").loc[list(inside.fips), measure]
    observed = seen.loc[list(inside.fips), "discharges"].to_numpy(dtype=float)
    losses = (people * _rates(population, first_year, last_year, folder)).sum(axis=(1, 2))
    expected = losses * (percent.to_numpy(dtype=float) / float(percent.median())) ** elasticity
    expected *= observed.sum() / expected.sum()
    return pd.DataFrame(
        {
            "fips": inside.fips,
            "county": seen.loc[list(inside.fips), "county"].to_numpy(),
            "person_years": people.sum(axis=(1, 2)),
            "diabetes": percent.to_numpy(),
            "observed": observed,
            "expected": expected,
            "ratio": observed / expected,
        }
    )


def fitted_elasticity(
    population: Population,
    *,
    measure: str = "adjusted",
    first_year: int = _YEARS[0],
    last_year: int = _YEARS[1],
    folder: Path = DATA,
) -> Slope:
    """The elasticity that fits California's counties best, with its 95% interval.

    A log-linear model of the counts, variance in proportion to the mean (quasi-Poisson: McCullagh
    and Nelder 1989, section 6.2). The interval is for these 58 counties as a sample: it does not
    tell whether other states, or people without diabetes, follow the same.

    Parameters
    ----------
    population : Population
    measure : str
        As for `california_counties`.
    first_year, last_year : int
        Years whose amputations are added up; 2016 to 2022 unless given.
    """
    counties = california_counties(
        population,
        elasticity=0,
        measure=measure,
        first_year=first_year,
        last_year=last_year,
        folder=folder,
    )
    x = np.log(counties["diabetes"].to_numpy(dtype=float))
    return _slope(counties["observed"].to_numpy(), x, counties["expected"].to_numpy())


def _judge(counties: pd.DataFrame) -> dict[str, float]:
    observed, expected, years = (
        counties[name].to_numpy(dtype=float) for name in ("observed", "expected", "person_years")
    )
    large = observed >= _SMALL
    ratio = observed / expected
    near = (ratio >= _NEAR) & (ratio <= 1 / _NEAR)
    slope = _slope(observed, np.log(expected / years), years)
    return {
        "rank_correlation": _ranks(observed / years, expected / years),
        "rank_correlation_large": _ranks((observed / years)[large], (expected / years)[large]),
        "slope": slope.value,
        "slope_low": slope.low,
        "slope_high": slope.high,
        "near": float(expected[near].sum() / expected.sum()),
        "least": float(ratio[large].min()),
        "greatest": float(ratio[large].max()),
    }


def _ranks(first: Floats, second: Floats) -> float:
    return float(stats.spearmanr(first, second).statistic)


def _slope(counts: Floats, x: Floats, exposure: Floats) -> Slope:
    """b of counts = exposure exp(a + b x), by Newton's method, with a quasi-Poisson interval."""
    design = np.column_stack([np.ones_like(x), x - np.average(x, weights=exposure)])
    found = np.array([np.log(counts.sum() / exposure.sum()), 0.0])
    for _ in range(50):
        mean = exposure * np.exp(design @ found)
        information = design.T @ (mean[:, np.newaxis] * design)
        step = np.linalg.solve(information, design.T @ (counts - mean))
        found = found + step
        if np.abs(step).max() < 1e-12:
            break
    free = counts.size - found.size
    dispersion = float(((counts - mean) ** 2 / mean).sum() / free)
    error = float(np.sqrt(dispersion * np.linalg.inv(information)[1, 1]))
    reach = float(stats.t.ppf(0.975, free)) * error
    return Slope(float(found[1]), float(found[1]) - reach, float(found[1]) + reach)


def _rates(population: Population, first_year: int, last_year: int, folder: Path) -> Floats:
    """The model's relative incidence by age group and sex, shape (18, 2)."""
    fixed = {one.name: one.median for one in read_parameters(folder=folder)}
    shape = rising_shape(
        population,
        mean_age=fixed["dysvascular_mean_age"],
        male_ratio=fixed["dysvascular_male_ratio"],
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
