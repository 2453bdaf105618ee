"""People of areas by age and sex, and their share of the nation's limb loss.

The county file is of 2023. For another year an area keeps its share of the nation's people of each
age group and sex (the ratio method: Smith, Tayman and Swanson 2013, A Practitioner's Guide to State
and Local Population Projections, chapter 8): counties add up to the nation in every age group, sex
and year, and what makes places grow apart, such as moving house, is left out.

Of limb loss from vascular disease, a place with more diabetes has more than its share of people
would give: each county's people are weighted by (its share of adults with diabetes, age-adjusted)
to the power of an elasticity, and what all counties then have is brought back to the nation's, age
group by age group and sex by sex. The age-adjusted share, since age is already in the people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.catchment.files import AGE_GROUPS, Counties, read_counties
from plcore.clinic.catchment.places import Area, places_of
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.population import Population
from plcore.models.limb_loss import CAUSES

#: Draws whose county weights are held at once: 3144 numbers each.
_ROWS = 512
_VASCULAR = CAUSES.index("dysvascular")


def people_of(
    areas: Sequence[Area], population: Population, *, years: ArrayLike, folder: Path = DATA
) -> Floats:
    """People of each area by year, age group and sex, shape (n_areas, n_years, 18, 2).

    Parameters
    ----------
    areas : sequence of Area
    population : Population
        Of the United States. One that holds more than the residents of the states, such as the
        Social Security area, is shared out over the counties all the same.
    years : array_like of int
    """
    known = read_counties(folder=folder)
    nation = _groups(population, years)
    shares = np.stack([known.share[places_of(area, known)].sum(axis=0) for area in areas])
    return np.asarray(shares[:, np.newaxis] * nation)


def in_areas(
    nation: Floats, elasticity: ArrayLike, areas: Sequence[Area], *, folder: Path = DATA
) -> Floats:
    """What each area has of something counted in the nation, by cause of the limb loss.

    Parameters
    ----------
    nation : ndarray, shape (n_draws, n_years, 18, 2, n_causes)
        People, or new cases: age groups of `AGE_GROUPS`, sexes and causes as everywhere.
    elasticity : array_like, shape (n_draws,)
        Of vascular limb loss in the share of adults with diabetes: 0 is no adjustment, 1 is in
        proportion.
    areas : sequence of Area

    Returns
    -------
    ndarray, shape (n_draws, n_areas, n_years, n_causes)
        Over areas that make up the nation, these add up to it in every draw.
    """
    e = np.asarray(elasticity, dtype=float)
    _check(nation, e)
    known = read_counties(folder=folder)
    places = [places_of(area, known) for area in areas]
    out = np.empty((len(nation), len(areas), nation.shape[1], len(CAUSES)))
    for rows, weights, everywhere in _weights(e, known):
        each = nation[rows].reshape(*nation[rows].shape[:2], -1, len(CAUSES))
        vascular = each[..., _VASCULAR] / everywhere[:, np.newaxis]
        for a, at in enumerate(places):
            share = known.share[at].reshape(at.size, -1)
            out[rows, a] = np.einsum("dykc,k->dyc", each, share.sum(axis=0))
            weighted = weights[:, at] @ share
            out[rows, a, :, _VASCULAR] = np.einsum("dyk,dk->dy", vascular, weighted)
    return out


def shares_of(area: Area, elasticity: ArrayLike, *, folder: Path = DATA) -> Floats:
    """An area's share of the nation's limb loss of each age group, sex and cause, for every draw.

    Parameters
    ----------
    elasticity : array_like, shape (n_draws,)
        Percent more dysvascular loss for one percent more diabetes, from -10 to 10.

    Returns
    -------
    ndarray, shape (n_draws, 18, 2, n_causes)
    """
    e = np.asarray(elasticity, dtype=float)
    _check_elasticity(e)
    known = read_counties(folder=folder)
    at = places_of(area, known)
    share = known.share[at].reshape(at.size, -1)
    out = np.empty((e.size, len(AGE_GROUPS), 2, len(CAUSES)))
    out[:] = known.share[at].sum(axis=0)[..., np.newaxis]
    for rows, weights, everywhere in _weights(e, known):
        vascular = weights[:, at] @ share / everywhere
        out[rows, ..., _VASCULAR] = vascular.reshape(-1, *out.shape[1:3])
    return out


def _weights(elasticity: Floats, known: Counties) -> Iterator[tuple[slice, Floats, Floats]]:
    """By a few draws: (ratio of diabetes)^elasticity of each county, and its mean over people."""
    log_ratio = np.log(known.diabetes / np.median(known.diabetes))
    share = known.share.reshape(known.fips.size, -1)
    for start in range(0, elasticity.size, _ROWS):
        rows = slice(start, start + _ROWS)
        weights = np.exp(elasticity[rows, np.newaxis] * log_ratio)
        yield rows, weights, weights @ share


def _groups(population: Population, years: ArrayLike) -> Floats:
    """The nation's people by year, age group and sex."""
    if population.area != "USA":
        raise ValueError(f"people of {population.area}; expected those of USA, as counties are")
    at = _places(population, np.asarray(years))
    grouped = np.add.reduceat(population.people[at], AGE_GROUPS, axis=-1)
    return np.asarray(grouped.transpose(0, 2, 1))


def _places(population: Population, years: NDArray[np.int_]) -> NDArray[np.int_]:
    missing = years[~np.isin(years, population.years)]
    if missing.size:
        first, last = population.years[[0, -1]]
        raise ValueError(f"year is {missing[0]}; expected years from {first} to {last}")
    return years - int(population.years[0])


def _check(nation: Floats, elasticity: Floats) -> None:
    wanted = (len(AGE_GROUPS), 2, len(CAUSES))
    if nation.ndim != 5 or nation.shape[2:] != wanted:
        raise ValueError(
            f"nation has shape {nation.shape}; expected draws and years, then {wanted}"
        )
    if elasticity.shape != nation.shape[:1]:
        raise ValueError(
            f"elasticity has shape {elasticity.shape}; expected a number a draw, {nation.shape[:1]}"
        )
    _check_elasticity(elasticity)


def _check_elasticity(elasticity: Floats) -> None:
    bad = ~(np.isfinite(elasticity) & (np.abs(elasticity) <= 10))
    if elasticity.ndim != 1 or bad.any():
        shown = f"{elasticity[bad][0]:g}" if elasticity.ndim == 1 else f"{elasticity.ndim} axes"
        raise ValueError(f"elasticity has {shown}; expected a number from -10 to 10 for each draw")
