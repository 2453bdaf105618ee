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
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike

from plcore.clinic.places import AGE_GROUPS, Area, Counties, places_of, read_counties
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
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
    draws : DataFrame, a row a draw, a column a parameter
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
