"""The nation's limb loss and pain by draw and year, which the page shares out over counties.

A direct computation for an area (`plcore.clinic.catchment.people_nearby`) multiplies people by age,
sex and cause with the area's share of them, in every draw. The page takes three counts of the nation
in a draw (vascular limb loss below 65 and from 65 on, all other limb loss) times the area's share of
each, at the mean age and sex of the draws within it, and at the mean elasticity for diabetes, which
one curve brings to the elasticity of the draw.
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
from plcore.models.limb_loss import (
    CAUSES,
    LEVELS,
    inputs,
    people_and_mortality,
    project,
    responses_of,
)
from plcore.models.pain import BANDS, in_pain, severity_shares
from plcore.planner.settings import defaults
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.synthesis import draws_of

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
