"""The adjustment for diabetes against amputations that were counted: California, by county.

Hospital discharges with a lower-extremity amputation and diabetes (AHRQ's indicator PQI 16, adults)
are set against what the model expects: people by age and sex times its incidence of vascular limb
loss by age and sex, times (diabetes)^elasticity, scaled so that the whole state has as many as were
observed. So this tells whether the model puts losses in the right counties, not whether it has the
right number of them. Discharges are not people; toes are meant to be left out; years to 2014 are
coded in ICD-9 and later ones in ICD-10, and counts jump between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from plcore.clinic.people import people_of
from plcore.clinic.places import AGE_GROUPS, AMPUTATIONS, DIABETES, by_fips, by_state, frame
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import read_parameters
from plcore.evidence.population import Population
from plcore.models.limb_loss import rising_shape

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
