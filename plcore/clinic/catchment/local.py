"""People with limb loss and with phantom limb pain in an area, for every draw.

An area's share of the nation's vascular limb loss is a smooth function of one number, the
elasticity. So the nation's responses (`plcore.models.limb_loss`) are added up over ages and sexes with the
shares at a few Chebyshev nodes of it, and each draw is interpolated between them, to all digits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev

from plcore.clinic.catchment.files import AGE_GROUPS
from plcore.clinic.catchment.people import in_areas, people_of, shares_of
from plcore.clinic.catchment.places import Area
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.models.limb_loss import (
    CAUSES,
    LimbLossDraws,
    Responses,
    inputs,
    people_and_mortality,
    project,
    responses_of,
)
from plcore.models.outcome import Outcome
from plcore.models.pain import BANDS, RUNGS, counted_share, pain_by, share_in_pain
from plcore.scenarios import Scenario

_VASCULAR = CAUSES.index("dysvascular")
_NODES = (8, 16, 32, 64)
#: Of a share, which is at most 1.
_TOLERANCE = 1e-13


def people_nearby(
    draws: pd.DataFrame, scenario: Scenario, *, area: Area, folder: Path = DATA
) -> Outcome:
    """People of an area, those with limb loss and with phantom limb pain among them, by year.

    National limb loss and pain by age group, sex and cause, times the area's share of the nation's
    people of that age group and sex; of vascular limb loss, more than that where diabetes is more
    common (`plcore.clinic.catchment.people`). To simulate it, fix the area:
    ``run(functools.partial(people_nearby, area=by_state("CA")), scenario)``.

    Parameters
    ----------
    draws : DataFrame
        The columns that `pain.people_with_pain` needs, and diabetes_elasticity.
    scenario : Scenario
        As for `pain.people_with_pain`; choice population is the nation that is shared out.
    area : Area

    Returns
    -------
    Outcome
        Values residents, limb_loss, dysvascular (of limb_loss), new_cases (limb losses a year),
        plp, of the kind of prevalence chosen, and as in `pain.people_with_pain` plp_weekly,
        plp_moderate_severe, plp_extremely_bothersome and plp_problematic.
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
    )
    shared, basis = _shared(responses, area, draws["diabetes_elasticity"].to_numpy(), folder)
    given = inputs(draws)
    found = {
        name: _local(shared, basis, given, name, years.tolist())
        for name in ("people", "new_cases", *BANDS)
    }
    counted = counted_share(draws, scenario)[:, np.newaxis]
    share = share_in_pain(draws, kind=str(scenario.choices["prevalence_kind"]))
    bands = [found[name].sum(axis=2) * share[:, [i]] for i, name in enumerate(BANDS)]
    plp = np.asarray(np.sum(bands, axis=0)) * counted
    residents = people_of([area], population, years=years, folder=folder).sum(axis=(0, 2, 3))
    values = {
        "residents": np.tile(residents, (len(draws), 1)),
        "limb_loss": found["people"].sum(axis=2),
        "dysvascular": found["people"][..., _VASCULAR],
        "new_cases": found["new_cases"].sum(axis=2),
        "plp": plp,
    }
    if scenario.choices["prevalence_kind"] != "ever":
        values |= {f"plp_{rung}": plp * _column(draws, f"severity_{rung}") for rung in RUNGS}
        values["plp_problematic"] = (
            values["limb_loss"] * counted * _column(draws, "severity_problematic")
        )
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def pain_in_areas(
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    areas: Sequence[Area],
    years: Sequence[int],
    folder: Path = DATA,
) -> Floats:
    """People with phantom limb pain in each of many areas, such as all counties for a map.

    Parameters
    ----------
    areas : sequence of Area
    years : sequence of int
        The years wanted, in order.

    Returns
    -------
    ndarray, shape (n_draws, n_areas, n_years)
        Where the areas make up the nation, they add up to it in every draw and year.
    """
    nation = pain_by(
        draws,
        scenario,
        by=("year", "age_group", "sex", "cause"),
        years=years,
        age_groups=AGE_GROUPS,
    )
    found = in_areas(nation, draws["diabetes_elasticity"], areas, folder=folder)
    return np.asarray(found.sum(axis=3))


def _shared(
    responses: Responses, area: Area, elasticity: Floats, folder: Path
) -> tuple[Responses, Floats]:
    """Responses of the area at each node of the elasticity, and the draws' weights on the nodes."""
    patterns, basis = _nodes_of(area, elasticity, folder)
    # The nodes take the place of the age groups; the axis of the sexes is left with one.
    coefficients = tuple(
        np.einsum("vyaskn,jas->vyjkn", part, patterns[..., cause])[:, :, :, np.newaxis]
        for cause, part in enumerate(responses.coefficients)
    )
    return dataclasses.replace(responses, coefficients=coefficients), basis


def _nodes_of(area: Area, elasticity: Floats, folder: Path) -> tuple[Floats, Floats]:
    """Shares at Chebyshev nodes, shape (n_nodes, 18, 2, n_causes), and weights of every draw."""
    low, high = float(elasticity.min()), float(elasticity.max())
    middle, half = (low + high) / 2, (high - low) / 2
    if half == 0:
        return shares_of(area, [middle], folder=folder), np.ones((elasticity.size, 1))
    for n in _NODES:
        at = chebyshev.chebpts1(n)
        shares = shares_of(area, middle + half * at, folder=folder)
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
    shared: Responses, basis: Floats, given: LimbLossDraws, quantity: str, years: Sequence[int]
) -> Floats:
    """One quantity of the area by draw, year and cause."""
    by_node = project(
        shared, given, quantity=quantity, by=("year", "age_group", "cause"), years=years
    )
    return np.asarray(np.einsum("dyjc,dj->dyc", by_node, basis))


def _column(draws: pd.DataFrame, name: str) -> Floats:
    return draws[name].to_numpy()[:, np.newaxis]
