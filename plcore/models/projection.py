"""People with limb loss from first principles: the cohort model over the draws of a scenario."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from plcore.evidence.distributions import Floats
from plcore.evidence.population import (
    AGES,
    SEXES,
    Mortality,
    Population,
    read_mortality,
    read_population,
)
from plcore.models.cohort import AGE_GROUPS
from plcore.models.incidence import flat_shape, rising_shape
from plcore.models.limb_loss import CAUSES, LimbLossDraws, Responses, project, respond
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario

#: Years at which the trend of incidence is given; straight lines between. Incidence is as published
#: (constant after 1996) unless a scenario says otherwise from 2005 on.
KNOTS = (1950, 1988, 1996, 2005, 2009, 2019, 2060)


def people_with_limb_loss(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People living with limb loss, and new cases and deaths among them, by year.

    Parameters
    ----------
    draws : DataFrame
        A column for each parameter of the model (see `inputs`).
    scenario : Scenario
        Choices population, hazard_ratio_change, first_year and last_year.

    Returns
    -------
    Outcome
        Values limb_loss, its parts dysvascular, trauma and cancer, new_cases and deaths.
    """
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people", "deaths", "new_cases")
    )
    given = inputs(draws)
    years = scenario.years
    by_cause = project(responses, given, by=("year", "cause"), years=years)
    values = {"limb_loss": by_cause.sum(axis=2)}
    values |= {cause: by_cause[:, :, c] for c, cause in enumerate(CAUSES)}
    for quantity in ("new_cases", "deaths"):
        values[quantity] = project(responses, given, quantity=quantity, years=years)
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def people_and_mortality(scenario: Scenario) -> tuple[Population, Mortality]:
    """The population and mortality that a scenario chooses, from 1950 to 2060 at least.

    Later years are refused unless the scenario asks for extrapolation: the last year of the data
    is then repeated and marked. With a choice population_factor_2050 other than 1, the people of every age are multiplied by a
    factor that runs in a straight line from 1 in 2005 to that in 2050, and stays.
    """
    last = max(KNOTS[-1], int(scenario.choices["last_year"]))
    beyond = bool(scenario.choices["extrapolate"])
    population = read_population(
        "USA", variant=str(scenario.choices["population"]), last_year=last, extrapolate=beyond
    )
    factor = np.interp(
        population.years, [2005, 2050], [1.0, float(scenario.choices["population_factor_2050"])]
    )
    people = population.people * factor[:, np.newaxis, np.newaxis]
    mortality = read_mortality("USA", last_year=last, extrapolate=beyond)
    return dataclasses.replace(population, people=people), mortality


def responses_of(
    draws: pd.DataFrame,
    scenario: Scenario,
    population: Population,
    mortality: Mortality,
    *,
    quantities: Sequence[str],
    age_groups: Sequence[int] = AGE_GROUPS,
) -> Responses:
    """The responses of the cohort model that cover all hazard ratios of the draws.

    Parameters
    ----------
    quantities : sequence of str
        Some of `plcore.models.limb_loss.QUANTITIES`.
    age_groups : sequence of int
        First age of each group.
    """
    shape = np.stack(
        [
            _rising(draws, population),
            flat_shape(population, male_ratio=_fixed(draws, "trauma_male_ratio")),
            flat_shape(population, male_ratio=_fixed(draws, "cancer_male_ratio")),
        ]
    )
    ratios = [draws[f"{cause}_hazard_ratio"] for cause in CAUSES]
    change = scenario.choices["hazard_ratio_change"]
    return respond(
        population,
        mortality,
        shape,
        knots=(*KNOTS[:-1], int(population.years[-1])),
        ranges=[(float(ratio.min()), float(ratio.max())) for ratio in ratios],
        quantities=quantities,
        age_groups=age_groups,
        hazard_ratio_change=float(change),
    )


def inputs(draws: pd.DataFrame) -> LimbLossDraws:
    """The draws of the named parameters as the cohort model takes them."""
    ones: Floats = np.ones(len(draws))
    first = {"cancer": ones} | {
        cause: draws[f"{cause}_first_share"].to_numpy() for cause in ("dysvascular", "trauma")
    }
    trend = []
    for cause in CAUSES:
        after = [ones] * 4
        if cause == "dysvascular":
            late = draws["dysvascular_ratio_2019"].to_numpy()
            after = [ones, draws["dysvascular_ratio_2009"].to_numpy(), late, late]
        early = [draws[f"{cause}_ratio_{year}"].to_numpy() for year in (1950, 1988)]
        trend.append(np.column_stack([*early, ones, *after]))
    return LimbLossDraws(
        level=_columns(draws, "rate_1996") * np.column_stack([first[cause] for cause in CAUSES]),
        trend=np.stack(trend, axis=1),
        hazard_ratio=_columns(draws, "hazard_ratio"),
        first_year_excess=_columns(draws, "first_year_excess"),
    )


def _rising(draws: pd.DataFrame, population: Population) -> Floats:
    return rising_shape(
        population,
        mean_age=_fixed(draws, "dysvascular_mean_age"),
        male_ratio=_fixed(draws, "dysvascular_male_ratio"),
    )


def _columns(draws: pd.DataFrame, name: str) -> Floats:
    return np.column_stack([draws[f"{cause}_{name}"] for cause in CAUSES])


def _fixed(draws: pd.DataFrame, name: str) -> float:
    values = draws[name]
    if values.min() != values.max():
        raise ValueError(
            f"{name} differs between draws; expected one value (dist fixed), as it sets the spread "
            "of incidence over ages"
        )
    return float(values.iloc[0])


def dead_since_loss(
    draws: pd.DataFrame, scenario: Scenario, *, year: int, years_since: Sequence[int]
) -> Floats:
    """Share of those who lost a limb to vascular disease in a year who are dead after some years.

    Returns
    -------
    ndarray, shape (n_draws, len(years_since))
    """
    population, mortality = people_and_mortality(scenario)
    shape = _rising(draws, population)
    at = int(year - population.years[0])
    new = population.people[at] * shape
    ratio = draws["dysvascular_hazard_ratio"].to_numpy()
    excess = draws["dysvascular_first_year_excess"].to_numpy()
    shares = []
    for since in years_since:
        hazard = np.zeros_like(new)
        for later in range(since):
            age = np.minimum(np.arange(new.shape[1]) + later, new.shape[1] - 1)
            hazard += mortality.hazard[at + later][:, age]
        alive = np.exp(-hazard[np.newaxis] * ratio[:, np.newaxis, np.newaxis])
        left = (alive * new).sum(axis=(1, 2)) / new.sum()
        shares.append(1 - (1 - excess) * left)
    return np.stack(shares, axis=1)


def people_per_1000(
    draws: pd.DataFrame, scenario: Scenario, *, area: str, rate: float, year: int
) -> Floats:
    """People living with vascular limb loss per 1000 residents of an area, for every draw.

    The area's own people and mortality; the printed rate of amputations, taken as constant in
    time; everything else (first losses among them, hazard ratio, spread over ages) as in the US.

    Parameters
    ----------
    rate : float
        Amputations a year per 100,000 residents.

    Returns
    -------
    ndarray, shape (n_draws,)
    """
    population, mortality = read_population(area), read_mortality(area)
    shape = np.stack([_rising(draws, population)] * len(CAUSES))
    ratio = draws["dysvascular_hazard_ratio"].to_numpy()
    responses = respond(
        population,
        mortality,
        shape,
        knots=(int(population.years[0]), int(population.years[-1])),
        ranges=[(float(ratio.min()), float(ratio.max()))] * len(CAUSES),
        quantities=("people",),
        hazard_ratio_change=float(scenario.choices["hazard_ratio_change"]),
    )
    each = np.ones((len(draws), len(CAUSES)))
    given = LimbLossDraws(
        level=each * (rate / 1e5 * draws["dysvascular_first_share"].to_numpy())[:, np.newaxis],
        trend=np.ones((len(draws), len(CAUSES), 2)),
        hazard_ratio=each * ratio[:, np.newaxis],
        first_year_excess=each * draws["dysvascular_first_year_excess"].to_numpy()[:, np.newaxis],
    )
    people = project(responses, given, causes=["dysvascular"], years=[year])[:, 0]
    return 1000 * people / float(population.people[int(year - population.years[0])].sum())


def age_pyramid(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int], width: int = 5
) -> pd.DataFrame:
    """Median people with limb loss by age group and sex: label, sex, value and series (a year).

    Parameters
    ----------
    years : sequence of int
    width : int
        Years of age in a group.
    """
    population, mortality = people_and_mortality(scenario)
    starts = range(0, int(AGES[-1]) + 1, width)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people",), age_groups=starts
    )
    people = project(responses, inputs(draws), by=("year", "age_group", "sex"), years=years)
    middle = np.median(people, axis=0)
    rows = [
        {
            "label": f"{start}-{start + width - 1}" if start < AGES[-1] else f"{start}+",
            "sex": sex,
            "value": middle[i, g, s],
            "series": str(year),
        }
        for i, year in enumerate(years)
        for g, start in enumerate(starts)
        for s, sex in enumerate(SEXES)
    ]
    return pd.DataFrame(rows)


def time_since_loss(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int]
) -> pd.DataFrame:
    """How long ago people living with limb loss lost it: medians over the draws.

    Returns
    -------
    DataFrame
        A row a year and cause: year, cause, mean_years, and the shares of people under 1 year, 1 to
        2, 2 to 5, and 5 years or more since the loss.
    """
    population, mortality = people_and_mortality(scenario)
    bands = ("under_1_year", "1_to_2_years", "2_to_5_years", "5_years_or_more")
    quantities = ("people", "years_since_loss", *bands)
    responses = responses_of(draws, scenario, population, mortality, quantities=quantities)
    given = inputs(draws)
    found = {
        name: project(responses, given, quantity=name, by=("year", "cause"), years=years)
        for name in quantities
    }
    rows = []
    for i, year in enumerate(years):
        for c, cause in enumerate((*CAUSES, "all")):
            part = slice(c, c + 1) if cause != "all" else slice(None)
            stock = found["people"][:, i, part].sum(axis=1)
            shares = {
                name: float(np.median(found[name][:, i, part].sum(axis=1) / stock))
                for name in ("years_since_loss", *bands)
            }
            mean = shares.pop("years_since_loss")
            rows.append({"year": year, "cause": cause, "mean_years": mean, **shares})
    return pd.DataFrame(rows)
