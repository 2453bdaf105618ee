"""The nation's limb loss by draw, year and age, compressed, and the draws it goes with.

What the model of an area (`plcore.clinic.people_nearby`) makes of the nation is linear in the
area's people by age and sex and, of vascular limb loss, in its share of it. So the page holds the
nation and the counties, and multiplies the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.clinic.demand import FUNNEL_STEPS, parameter_of
from plcore.clinic.places import AGE_GROUPS
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.population import Population
from plcore.models.limb_loss import CAUSES, inputs, people_and_mortality, project, responses_of
from plcore.models.pain import BANDS, RUNGS, counted_share, share_in_pain
from plcore.planner.page.tensor import Compressed, compress, sizes
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.draws import draw

N_DRAWS, SEED = 512, 1
#: Years in which the clinic can open, years followed, and the year after, that exits need.
OPENINGS, N_YEARS = range(2025, 2041), 5
YEARS = np.arange(OPENINGS[0], OPENINGS[-1] + N_YEARS + 1)
#: What the page holds of the nation; those 5 years or more after the loss are the rest of people.
QUANTITIES = ("people", "new_cases", *tuple(BANDS)[:-1])
#: Points of the elasticity between which an area's share is interpolated.
N_NODES = 16
N_CELLS = 2 * len(AGE_GROUPS)
_VASCULAR = CAUSES.index("dysvascular")
_TOLERANCE, _STEP = 3e-7, 2e-5

#: The scenarios offered, by what a planner would call them, and a sentence on each.
SCENARIOS: Mapping[str, tuple[str, str]] = {
    "baseline": (
        "Baseline: US studies",
        "Incidence as published for 1996, carried on by age; pain as in studies of US people.",
    ),
    "minor_excluded": (
        "Fingers and toes left out",
        "Pain after minor losses was not measured; here only major ones count towards pain.",
    ),
    "high_income": (
        "Pain as in all high-income countries",
        "Pools the studies of other rich countries as well.",
    ),
    "no_diabetes_adjustment": (
        "Counties alike but for age and sex",
        "Vascular limb loss is not moved to where diabetes is more common.",
    ),
    "post_2009_rise": (
        "Vascular losses rose by half after 2009",
        "What if losses per head followed those per adult with diabetes (assumed).",
    ),
    "survival_improves": (
        "People live longer after the loss",
        "Their mortality falls by 1% a year more than that of others (assumed).",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """A scenario: which of the nation's series it reads, and a column a parameter, a row a draw.

    Columns are those of `plcore.simulate.draws.draw` that the funnel and the area need, and in_pain_<band>:
    the share in pain of those with limb loss, by time since it.
    """

    name: str
    title: str
    note: str
    series: int
    draws: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Nation:
    """The nation by draw and year.

    Attributes
    ----------
    residents : ndarray, shape (n_years, 36)
        People by age group and sex.
    limb_loss : Compressed
        Axes draw, series x quantity, year, age group x sex x (vascular, other); as multiples of
        `size`.
    size : ndarray, shape (n_series x n_quantities, 72)
    beliefs : tuple of Beliefs
    elasticity : tuple of float
        Between which the diabetes elasticity lies in all draws.
    """

    residents: Floats
    limb_loss: Compressed
    size: Floats
    beliefs: tuple[Beliefs, ...]
    elasticity: tuple[float, float]


def read_nation(*, folder: Path = DATA) -> Nation:
    """The nation under the scenarios offered."""
    models: dict[tuple[object, ...], int] = {}
    series, beliefs = [], []
    residents: Floats | None = None
    for name, (title, note) in SCENARIOS.items():
        scenario = read_scenario(name, folder=folder)
        draws = draw(scenario.parameters, N_DRAWS, seed=SEED, correlations=scenario.correlations)
        key = _model_of(scenario)
        if key not in models:
            models[key] = len(models)
            population, one = _series(scenario, draws)
            groups = _residents(population)
            if residents is not None and not np.array_equal(residents, groups):
                raise ValueError(f"{name}: has other residents; expected those of the baseline")
            residents = groups
            series.append(one)
        beliefs.append(Beliefs(name, title, note, models[key], _columns(draws, scenario)))
    values = np.concatenate(series, axis=1)
    size = sizes(values, (0, 2))
    found = compress(values / size, tolerance=_TOLERANCE, step=_STEP)
    spread = np.concatenate([each.draws["diabetes_elasticity"] for each in beliefs])
    assert residents is not None
    return Nation(
        residents, found, size[0, :, 0], tuple(beliefs), (float(spread.min()), float(spread.max()))
    )


def _model_of(scenario: Scenario) -> tuple[object, ...]:
    """What decides the nation's limb loss: all else only says how many of them are in pain."""
    used = (*(f"{cause}_" for cause in CAUSES),)
    parameters = tuple((p.name, p.shape) for p in scenario.parameters if p.name.startswith(used))
    choices = ("growth", "population", "population_factor_2050", "hazard_ratio_change")
    return (parameters, *(scenario.choices[name] for name in choices))


def _series(scenario: Scenario, draws: pd.DataFrame) -> tuple[Population, Floats]:
    """Each quantity by draw and year, and by age group, sex and (vascular, other) together."""
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=QUANTITIES, age_groups=AGE_GROUPS
    )
    given = inputs(draws)
    by = ("year", "age_group", "sex", "cause")
    parts = []
    for quantity in QUANTITIES:
        cells = project(responses, given, quantity=quantity, by=by, years=YEARS)
        vascular = cells[..., _VASCULAR]
        other = np.delete(cells, _VASCULAR, axis=-1).sum(axis=-1)
        parts.append(np.stack([vascular, other], axis=-1).reshape(*cells.shape[:2], -1))
    return population, np.stack(parts, axis=1)


def _residents(population: Population) -> Floats:
    at = YEARS - int(population.years[0])
    grouped = np.add.reduceat(population.people[at], AGE_GROUPS, axis=-1)
    return np.asarray(grouped.transpose(0, 2, 1).reshape(len(YEARS), -1))


def _columns(draws: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    severe = ("any", "extremely_bothersome")
    names = [parameter_of(step.name, severity=s) for step in FUNNEL_STEPS for s in severe]
    names += [f"severity_{rung}" for rung in RUNGS]
    kept = draws[[*dict.fromkeys(names), "demand_years_to_come", "diabetes_elasticity"]].copy()
    share = share_in_pain(draws, kind=str(scenario.choices["prevalence_kind"]))
    share = share * counted_share(draws, scenario)[:, np.newaxis]
    for i, band in enumerate(BANDS):
        kept[f"in_pain_{band}"] = share[:, i]
    return kept


def years_from(opening: int) -> NDArray[np.int64]:
    """The years of a clinic that opens then, and the year after."""
    if opening not in OPENINGS:
        raise ValueError(f"year is {opening}; expected one from {OPENINGS[0]} to {OPENINGS[-1]}")
    return np.arange(opening, opening + N_YEARS + 1)
