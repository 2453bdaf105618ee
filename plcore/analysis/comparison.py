"""Scenarios against each other, draw by draw, and why the number of people with limb loss changes.

Runs of several scenarios share the draws of what they have in common, so that the difference
between two of them within a draw is not noise.

From one year to another, the size of the population, its age structure, its mortality and the trend
of incidence can each be held as they were in the first year or go on as they did. With all four
held, the number of people with limb loss still changes, because it was not in balance to begin
with: the carried-over stock. The other four are averaged over all orders in which they can be let
go (Shapley 1953), so that the five reasons add up to the change.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from plcore.analysis.design import Quantity, require_level
from plcore.evidence.distributions import Floats
from plcore.evidence.population import Mortality, Population
from plcore.inputs import checks_kinds
from plcore.models.limb_loss import (
    KNOTS,
    LAST_OBSERVED,
    inputs,
    people_and_mortality,
    project,
    responses_of,
)
from plcore.scenarios import Scenario
from plcore.simulate.runs import Run


@checks_kinds
def compare(runs: Sequence[Run], quantity: Quantity, *, level: float = 0.95) -> pd.DataFrame:
    """A quantity under several scenarios, and how much higher it is than under the first.

    Parameters
    ----------
    runs : sequence of Run
        Two or more, with the same seed and sampler; the first is what the others are compared with.
    quantity : Quantity
        The outcome and year that are compared.
    level : float
        Probability of the intervals, between 0 and 1; they leave out equal shares of the draws on
        both sides.

    Returns
    -------
    DataFrame
        One row per scenario, in the order given: scenario, label (its title), value (median), low,
        high; the same of the difference to the first scenario, draw by draw: more, more_low,
        more_high; mean (of the difference), mean_error (its standard error, draws taken as
        independent); higher (share of draws in which the quantity is higher than under the first),
        equal (in which it is the same); and level.

    Raises
    ------
    ValueError
        If the runs do not share their draws, or two have scenarios of the same name.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> years = {"first_year": 2050, "last_year": 2050}
    >>> runs = [
    ...     run(people_with_pain, read_scenario(name, choices=years), n_draws=64)
    ...     for name in ("baseline", "dysvascular_plus_25")
    ... ]
    >>> compare(runs, Quantity("plp", 2050))["higher"].tolist()
    [0.0, 1.0]
    """
    require_level(level)
    values = _side_by_side(runs, quantity)
    rows = []
    for run, people in zip(runs, values, strict=True):
        gain = people - values[0]
        row: dict[str, object] = {"scenario": run.scenario.name, "label": run.scenario.title}
        for ends, numbers in (
            (("value", "low", "high"), people),
            (("more", "more_low", "more_high"), gain),
        ):
            limits = np.quantile(numbers, [0.5, (1 - level) / 2, (1 + level) / 2])
            row |= dict(zip(ends, map(float, limits), strict=True))
        row |= {
            "mean": float(gain.mean()),
            "mean_error": float(gain.std(ddof=1) / np.sqrt(len(gain))),
            "higher": float((gain > 0).mean()),
            "equal": float((gain == 0).mean()),
            "level": level,
        }
        rows.append(row)
    return pd.DataFrame(rows)


@checks_kinds
def ranking(runs: Sequence[Run], quantity: Quantity, *, lowest_first: bool = False) -> pd.DataFrame:
    """How probable it is that each scenario has the highest quantity.

    Parameters
    ----------
    runs : sequence of Run
        Two or more, with the same seed and sampler.
    quantity : Quantity
        The outcome and year that scenarios are ranked by.
    lowest_first : bool
        Whether the lowest quantity ranks first.

    Returns
    -------
    DataFrame
        One row per scenario, in the order given: scenario, first (share of the draws in which it ranks
        first; scenarios that tie share the draw), first_error (its standard error, draws taken as
        independent) and mean_rank (from 1).

    Raises
    ------
    ValueError
        If the runs do not share their draws, or two have scenarios of the same name.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> years = {"first_year": 2050, "last_year": 2050}
    >>> runs = [
    ...     run(people_with_pain, read_scenario(name, choices=years), n_draws=64)
    ...     for name in ("baseline", "dysvascular_plus_25")
    ... ]
    >>> ranking(runs, Quantity("plp", 2050))["first"].tolist()
    [0.0, 1.0]
    """
    values = _side_by_side(runs, quantity)
    scores = values if lowest_first else -values
    best = scores == scores.min(axis=0)
    share = best / best.sum(axis=0)
    return pd.DataFrame(
        {
            "scenario": [run.scenario.name for run in runs],
            "first": share.mean(axis=1),
            "first_error": share.std(axis=1, ddof=1) / np.sqrt(values.shape[1]),
            "mean_rank": stats.rankdata(scores, axis=0).mean(axis=1),
        }
    )


def _side_by_side(runs: Sequence[Run], quantity: Quantity) -> Floats:
    """The quantity, shape (n_runs, n_draws)."""
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} runs; expected two or more to compare")
    names = [run.scenario.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two runs of {name}; expected scenarios of different names")
    for other in runs[1:]:
        _require_shared(runs[0], other)
    values = np.stack([quantity.of(run.outcome) for run in runs])
    if values.shape[1] < 2:
        raise ValueError("1 draw; expected two or more")
    return values


def _require_shared(first: Run, other: Run) -> None:
    pair = f"{first.scenario.name} and {other.scenario.name}"
    if len(first.draws) != len(other.draws):
        raise ValueError(
            f"{pair} have {len(first.draws)} and {len(other.draws)} draws; expected as many in both"
        )
    if first.seed != other.seed:
        raise ValueError(
            f"{pair} have the seeds {first.seed} and {other.seed}; expected the same, as "
            "differences would otherwise be noise"
        )
    # A correlation reorders the draws of the parameters that it concerns.
    reordered = {
        name
        for run in (first, other)
        for link in run.scenario.correlations
        for name in (link.first, link.second)
    }
    before = {item.name: item for item in first.scenario.parameters}
    for item in other.scenario.parameters:
        if item != before.get(item.name) or item.name in reordered:
            continue
        if not np.array_equal(first.draws[item.name], other.draws[item.name]):
            raise ValueError(
                f"{pair} have other draws of {item.name}, which is the same in both; expected "
                "runs that share them (same seed, sampler and order of parameters)"
            )


REASONS = ("population size", "age structure", "mortality", "incidence trend")
CARRIED_OVER = "carried-over stock"


@checks_kinds
def decompose(
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    first_year: int = LAST_OBSERVED,
    last_year: int = 2050,
) -> pd.DataFrame:
    """The change in people with limb loss between two years, by reason and draw.

    Parameters
    ----------
    draws : DataFrame, one row per draw
        Parameters of the limb-loss model, a column each.
    scenario : Scenario
        The scenario that the draws come from.
    first_year, last_year : int
        `first_year` must be one of the years between which the trend of incidence is a straight
        line (`plcore.models.limb_loss.KNOTS`); `last_year` is later, up to 2060.

    Returns
    -------
    DataFrame
        One row per draw, in people; columns start, "carried-over stock", "population size",
        "age structure", "mortality", "incidence trend", and end. In every row start and the five
        reasons add up to end.

    Raises
    ------
    ValueError
        If a year is not one of those.

    References
    ----------
    Shapley 1953, A value for n-person games.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> scenario = read_scenario(choices={"first_year": 2005, "last_year": 2050})
    >>> parts = decompose(draw(scenario.parameters, 8, seed=1), scenario)
    >>> bool(np.allclose(parts.drop(columns="end").sum(axis=1), parts["end"]))
    True
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
    given = inputs(draws, scenario)
    if "incidence trend" not in happened:
        at = KNOTS.index(first)
        incidence = given.incidence.copy()
        incidence[:, :, at:] = incidence[:, :, [at]]
        given = dataclasses.replace(given, incidence=incidence)
    # The shape of incidence by age belongs to the population as it was, whatever happens later.
    responses = responses_of(
        draws, scenario, people, mortality, quantities=("people",), age_groups=(0,), years=[year]
    )
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


@checks_kinds
def waterfall_table(
    parts: pd.DataFrame, *, first_year: int = LAST_OBSERVED, last_year: int = 2050
) -> pd.DataFrame:
    """The decomposition as a waterfall chart takes it: means, which add up, with 95% limits.

    Parameters
    ----------
    parts : DataFrame
        As `decompose` gives it.
    first_year, last_year : int
        The years that were given to `decompose`.

    Returns
    -------
    DataFrame
        Columns label, value, low, high (people) and role ("total" or "step"); a reason without any
        spread has no limits.

    Examples
    --------
    >>> parts = pd.DataFrame({"start": [10.0, 12.0], "mortality": [2.0, 4.0], "end": [12.0, 16.0]})
    >>> waterfall_table(parts)["value"].tolist()
    [11.0, 3.0, 14.0]
    """
    labels = {"start": f"{first_year}", "end": f"{last_year}"}
    rows = []
    for name in parts:
        low, high = np.quantile(parts[name], [0.025, 0.975])
        role = "total" if name in labels else "step"
        label = labels.get(str(name), str(name).capitalize())
        limits = (float(low), float(high)) if low < high else (math.nan, math.nan)
        rows.append((label, float(parts[name].mean()), *limits, role))
    return pd.DataFrame(rows, columns=["label", "value", "low", "high", "role"])


@checks_kinds
def from_published(
    published: float, runs: Mapping[str, Run], quantity: Quantity, *, level: float = 0.95
) -> pd.DataFrame:
    """The way from a published number to ours as a waterfall: one assumption changed at a time.

    Parameters
    ----------
    published : float
        The published number, which came without an interval.
    runs : mapping of str to Run
        What each step changes, and the run after it, in order; the last is our answer.
    quantity : Quantity
        The outcome and year.
    level : float
        Probability of the interval of the answer.

    Returns
    -------
    DataFrame
        Columns label, value, low, high and role ("total" or "step"), as for a waterfall chart:
        medians, and differences between them, so that the steps add up. Only the answer has limits.

    Examples
    --------
    >>> from plcore.models import people_with_limb_loss
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> runs = {"Another model": run(people_with_limb_loss, read_scenario(), n_draws=64)}
    >>> from_published(3.6e6, runs, Quantity("limb_loss", 2050))["role"].tolist()
    ['total', 'step', 'total']
    """
    require_level(level)
    if not runs:
        raise ValueError("no runs; expected one for each step")
    values = [quantity.of(run.outcome) for run in runs.values()]
    at = [published, *(float(np.median(x)) for x in values)]
    rows: list[tuple[str, float, float, float, str]] = [
        ("As published", published, math.nan, math.nan, "total")
    ]
    rows += [
        (label, after - before, math.nan, math.nan, "step")
        for label, (before, after) in zip(runs, itertools.pairwise(at), strict=True)
    ]
    low, high = (float(x) for x in np.quantile(values[-1], [(1 - level) / 2, (1 + level) / 2]))
    rows.append(("Our estimate", at[-1], low, high, "total"))
    return pd.DataFrame(rows, columns=["label", "value", "low", "high", "role"])
