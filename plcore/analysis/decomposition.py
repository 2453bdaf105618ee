"""Why the number of people with limb loss changes: exact shares of five reasons.

From the first year on, each reason can be left as it was then or let happen:

- the size of the population, its age structure, its mortality, and the trend of incidence.

With none of them the stock still changes, because it was not in balance to begin with: the
carried-over stock. The other four are averaged over the orders in which they can be let in
(Shapley 1953), so that the five add up to the whole change whatever the order.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd

from plcore.evidence.distributions import Floats
from plcore.evidence.population import Mortality, Population
from plcore.models.limb_loss import KNOTS, inputs, people_and_mortality, project, responses_of
from plcore.scenarios import Scenario

REASONS = ("population size", "age structure", "mortality", "incidence trend")
CARRIED_OVER = "carried-over stock"


def decompose(
    draws: pd.DataFrame, scenario: Scenario, *, first_year: int = 2005, last_year: int = 2050
) -> pd.DataFrame:
    """The change in people with limb loss between two years, by reason and draw.

    Parameters
    ----------
    draws : DataFrame
        Parameters of the cohort model.
    scenario : Scenario
    first_year, last_year : int
        `first_year` must be a knot of the trend (`plcore.models.limb_loss.KNOTS`).

    Returns
    -------
    DataFrame
        A row a draw; columns `start`, `CARRIED_OVER`, each of `REASONS`, and `end`. In every row
        start and the reasons add up to end.
    """
    if first_year not in KNOTS or not first_year < last_year <= KNOTS[-1]:
        raise ValueError(
            f"first_year is {first_year} and last_year {last_year}; expected a knot of the trend, "
            f"one of {', '.join(map(str, KNOTS))}, and a later year up to {KNOTS[-1]}"
        )
    stocks = {
        happened: _stock(draws, scenario, happened, first_year, last_year)
        for size in range(len(REASONS) + 1)
        for happened in map(frozenset, itertools.combinations(REASONS, size))
    }
    everything = frozenset(REASONS)
    start = _stock(draws, scenario, everything, first_year, first_year)
    columns = {"start": start, CARRIED_OVER: stocks[frozenset()] - start}
    for reason in REASONS:
        columns[reason] = np.zeros(len(draws))
        for before in map(frozenset, _subsets(everything - {reason})):
            # The share of orders in which exactly these come before the reason.
            share = (
                math.factorial(len(before))
                * math.factorial(len(REASONS) - len(before) - 1)
                / math.factorial(len(REASONS))
            )
            columns[reason] += share * (stocks[before | {reason}] - stocks[before])
    columns["end"] = stocks[everything]
    return pd.DataFrame(columns, index=draws.index)


def _subsets(reasons: frozenset[str]) -> itertools.chain[tuple[str, ...]]:
    ordered = sorted(reasons)
    return itertools.chain.from_iterable(
        itertools.combinations(ordered, size) for size in range(len(ordered) + 1)
    )


def _stock(
    draws: pd.DataFrame, scenario: Scenario, happened: frozenset[str], first: int, year: int
) -> Floats:
    population, mortality = people_and_mortality(scenario)
    people = _people(population, first, happened)
    if "mortality" not in happened:
        mortality = _held(mortality, first)
    given = inputs(draws)
    if "incidence trend" not in happened:
        at = KNOTS.index(first)
        trend = given.trend.copy()
        trend[:, :, at:] = trend[:, :, [at]]
        given = dataclasses.replace(given, trend=trend)
    # The shape of incidence by age belongs to the population as it was, whatever happens later.
    responses = responses_of(draws, scenario, people, mortality, quantities=("people",))
    return project(responses, given, years=[year])[:, 0]


def _people(population: Population, first: int, happened: frozenset[str]) -> Population:
    at = int(first - population.years[0])
    people = population.people.copy()
    size = people.sum(axis=(1, 2), keepdims=True)
    structure = people / size
    if "population size" not in happened:
        size[at:] = size[at]
    if "age structure" not in happened:
        structure[at:] = structure[at]
    return dataclasses.replace(population, people=size * structure)


def _held(mortality: Mortality, first: int) -> Mortality:
    hazard = mortality.hazard.copy()
    at = int(first - mortality.years[0])
    hazard[at:] = hazard[at]
    return dataclasses.replace(mortality, hazard=hazard)


def steps(parts: pd.DataFrame, *, first_year: int = 2005, last_year: int = 2050) -> pd.DataFrame:
    """The decomposition as a waterfall takes it: means, which add up, with 95% limits.

    Parameters
    ----------
    parts : DataFrame
        As `decompose` gives it.
    first_year, last_year : int
        Those that `parts` leads from and to.

    Returns
    -------
    DataFrame
        Columns label, value, low, high and role ("total" or "step").
    """
    labels = {"start": f"{first_year}", "end": f"{last_year}"}
    rows = []
    for name in parts:
        low, high = np.quantile(parts[name], [0.025, 0.975])
        role = "total" if name in labels else "step"
        label = labels.get(str(name), str(name).capitalize())
        mean = float(parts[name].mean())
        # A reason without any spread, such as a constant trend, has no limits to show.
        limits = (float(low), float(high)) if low < high else (math.nan, math.nan)
        rows.append((label, mean, *limits, role))
    return pd.DataFrame(rows, columns=["label", "value", "low", "high", "role"])
