"""The nation's limb loss and pain by draw and year, which the page shares out over counties.

A direct computation for an area (`plcore.clinic.catchment.people_nearby`) multiplies people by age,
sex and cause with the area's share of them, in every draw. The page takes the mean age and sex of
the draws instead: a count of the nation in a draw, times the area's share of it at the mean
elasticity for diabetes, which one curve brings to the elasticity of the draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.clinic.demand import FUNNEL_STEPS, parameter_of
from plcore.clinic.places import AGE_GROUPS
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.population import Population
from plcore.models.limb_loss import CAUSES, inputs, people_and_mortality, project, responses_of
from plcore.models.pain import BANDS, RUNGS, counted_share, share_in_pain
from plcore.planner.settings import defaults
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.draws import draw

#: The same draws as the command has by default.
N_DRAWS, SEED = (int(str(defaults()[name])) for name in ("draws", "seed"))
#: Years in which the clinic can open, years followed, and the year after, that exits need.
OPENINGS, N_YEARS = range(2025, 2041), 5
YEARS = np.arange(OPENINGS[0], OPENINGS[-1] + N_YEARS + 1)
N_CELLS = 2 * len(AGE_GROUPS)
_VASCULAR = CAUSES.index("dysvascular")

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
class Count:
    """People of one kind in the nation, first those whose limb loss is vascular, then all others.

    Attributes
    ----------
    draws : ndarray, shape (2, n_years, n_draws)
        People.
    spread : ndarray, shape (2, n_years, 36)
        Share of them in each age group and sex, mean over the draws.
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
        A row a draw, a column a parameter: those of severity, of the steps from pain to patient,
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
        draws = draw(scenario.parameters, N_DRAWS, seed=SEED, correlations=scenario.correlations)
        key = _model_of(scenario)
        if key not in cells:
            population, cells[key] = _people(scenario, draws, folder)
            residents.append(_residents(population))
            counts[key] = {kind: _count(cells[key][kind]) for kind in ("people", "new_cases")}
        plp = {"plp": _count(_in_pain(cells[key], scenario, draws))}
        beliefs.append(Beliefs(name, title, note, {**counts[key], **plp}, _columns(draws)))
    if any(not np.array_equal(people, residents[0]) for people in residents):
        raise ValueError(f"scenarios {', '.join(SCENARIOS)}: expected the same residents in all")
    return Nation(residents[0], tuple(beliefs))


def _model_of(scenario: Scenario) -> tuple[object, ...]:
    """What decides the nation's limb loss: all else only says how many of them are in pain."""
    used = (*(f"{cause}_" for cause in CAUSES),)
    parameters = tuple((p.name, p.shape) for p in scenario.parameters if p.name.startswith(used))
    choices = ("growth", "population", "population_factor_2050", "hazard_ratio_change")
    return (parameters, *(scenario.choices[name] for name in choices))


def _people(
    scenario: Scenario, draws: pd.DataFrame, folder: Path
) -> tuple[Population, Mapping[str, Floats]]:
    """People by draw, year, age group and sex, and cause, shape (n_draws, n_years, 36, 2)."""
    population, mortality = people_and_mortality(scenario, folder=folder)
    names = ("people", "new_cases", *BANDS)
    by = ("year", "age_group", "sex", "cause")
    people = {}
    responses = responses_of(
        draws, scenario, population, mortality, quantities=names, age_groups=AGE_GROUPS
    )
    for name in names:
        cells = project(responses, inputs(draws), quantity=name, by=by, years=YEARS)
        vascular = cells[..., _VASCULAR]
        both = np.stack([vascular, cells.sum(axis=-1) - vascular], axis=-1)
        people[name] = both.reshape(*cells.shape[:2], N_CELLS, 2)
    return population, people


def _in_pain(cells: Mapping[str, Floats], scenario: Scenario, draws: pd.DataFrame) -> Floats:
    share = share_in_pain(draws, kind=str(scenario.choices["prevalence_kind"]))
    share = share * counted_share(draws, scenario)[:, np.newaxis]
    bands = [cells[name] * share[:, i, None, None, None] for i, name in enumerate(BANDS)]
    return np.asarray(np.sum(bands, axis=0))


def _count(cells: Floats) -> Count:
    mean = cells.mean(axis=0)
    spread = mean / mean.sum(axis=1, keepdims=True)
    return Count(cells.sum(axis=2).transpose(2, 1, 0), spread.transpose(2, 0, 1))


def _residents(population: Population) -> Floats:
    at = YEARS - int(population.years[0])
    grouped = np.add.reduceat(population.people[at], AGE_GROUPS, axis=-1)
    return np.asarray(grouped.transpose(0, 2, 1).reshape(len(YEARS), -1))


def _columns(draws: pd.DataFrame) -> pd.DataFrame:
    severe = ("any", "extremely_bothersome")
    names = [parameter_of(step.name, severity=s) for step in FUNNEL_STEPS for s in severe]
    names += [f"severity_{rung}" for rung in RUNGS]
    return draws[[*dict.fromkeys(names), "demand_years_to_come", "diabetes_elasticity"]]
