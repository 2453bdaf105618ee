"""What only the charts for a class need: people in rows of icons, ages by cause, and states.

Everything else on them comes from the modules that the other notebooks use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from plcore.clinic.people import pain_in_areas, people_of
from plcore.clinic.places import EARTH_RADIUS_KM, by_state
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.manifest import hold
from plcore.evidence.table import content
from plcore.models.limb_loss import CAUSES, inputs, people_and_mortality, project, responses_of
from plcore.scenarios import Scenario

STATES = "us_states.geojson"
_ABOUT = 1e5


@dataclass(frozen=True, slots=True)
class Albers:
    """A conic projection that keeps areas; degrees.

    Attributes
    ----------
    lat_0, lon_0 : float
        The point at 0, 0.
    lat_1, lat_2 : float
        Parallels along which lengths are true.
    """

    lat_0: float
    lon_0: float
    lat_1: float
    lat_2: float


#: The parallels that the US Geological Survey uses for the lower 48 states and for Alaska, and those
#: of the tables of Snyder (1987) for Hawaii. A map is moved by so many km (east, north), after it is
#: drawn at so much of its scale: two states would else lie far off.
_LOWER_48 = (Albers(37.5, -96, 29.5, 45.5), 1.0, (0.0, 0.0))
_APART = {
    "AK": (Albers(50, -154, 55, 65), 0.35, (-1620.0, -1680.0)),
    "HI": (Albers(20.5, -157.5, 8, 18), 1.0, (-700.0, -1420.0)),
}


def sure_and_perhaps(low: float, high: float, *, people: int = 100) -> tuple[int, int, int]:
    """Of so many people, how many a share counts surely, perhaps, and surely not.

    Parameters
    ----------
    low, high : float
        Limits of the share, 0 to 1; each is rounded to whole people.
    people : int
        How many there are in all.

    Raises
    ------
    ValueError
        If the limits are no shares in order, or there is nobody.
    """
    if not 0 <= low <= high <= 1:
        raise ValueError(f"the share is from {low:g} to {high:g}; expected 0 <= low <= high <= 1")
    if people < 1:
        raise ValueError(f"people is {people}; expected 1 or more")
    surely, at_most = round(low * people), round(high * people)
    return surely, at_most - surely, people - at_most


def seen_by_chance(share: npt.ArrayLike, n: int, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Shares between which a series of n patients comes out by chance, if each has this chance.

    Exact: the quantiles of the binomial, so that no more than half of 1 - level lies beyond either.

    Parameters
    ----------
    share : array_like, shape (...)
        Of patients who would get better.
    n : int
        Patients in a series.

    Returns
    -------
    (low, high) : ndarrays, shape (...)

    Raises
    ------
    ValueError
        If a share is outside 0 to 1, there is no patient, or the level is not between 0 and 1.
    """
    p = np.asarray(share, dtype=float)
    wrong = ~((p >= 0) & (p <= 1))
    if wrong.any():
        raise ValueError(f"share is {p[wrong].flat[0]:g}; expected one from 0 to 1")
    if n < 1:
        raise ValueError(f"n is {n}; expected 1 or more patients")
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    tail = (1 - level) / 2
    low, high = (np.asarray(stats.binom.ppf(at, n, p), dtype=float) for at in (tail, 1 - tail))
    return low / n, high / n


def ages_by_cause(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int], ages: Sequence[int]
) -> pd.DataFrame:
    """Mean people living with limb loss by year, age group and cause: means, since they add up.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.models.limb_loss.people_with_limb_loss`.
    scenario : Scenario
        Of the draws.
    years : sequence of int
        Years of the population.
    ages : sequence of int
        First age of each group, from 0; the last is open.

    Returns
    -------
    DataFrame
        Columns year, label (an age group), series (a cause) and value.
    """
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people",), age_groups=ages
    )
    found = project(responses, inputs(draws), by=("year", "age_group", "cause"), years=years)
    labels = [f"{first}-{after - 1}" for first, after in pairwise(ages)]
    names = pd.MultiIndex.from_product(
        [years, [*labels, f"{ages[-1]}+"], CAUSES], names=["year", "label", "series"]
    )
    return pd.Series(found.mean(axis=0).ravel(), index=names, name="value").reset_index()


def pain_by_state(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int], folder: Path = DATA
) -> pd.DataFrame:
    """People with phantom limb pain per 100,000 residents of each state and DC.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.clinic.people.pain_in_areas`; column diabetes_elasticity says how closely limb
        loss follows diabetes.
    scenario : Scenario
        Of the draws.
    years : sequence of int
        Years of the population.

    Returns
    -------
    DataFrame
        A row a year and state: year, place (two letters), name, value (median), low, high (95%).
    """
    codes = [place["state"] for place in _places(folder)]
    areas = [by_state(code, folder=folder) for code in codes]
    people = pain_in_areas(draws, scenario, areas=areas, years=years, folder=folder)
    population, _ = people_and_mortality(scenario)
    residents = people_of(areas, population, years=years, folder=folder).sum(axis=(2, 3))
    middle, low, high = np.quantile(_ABOUT * people / residents, [0.5, 0.025, 0.975], axis=0)
    rows = [
        {
            "year": year,
            "place": code,
            "name": area.name,
            "value": middle[a, y],
            "low": low[a, y],
            "high": high[a, y],
        }
        for y, year in enumerate(years)
        for a, (code, area) in enumerate(zip(codes, areas, strict=True))
    ]
    return pd.DataFrame(rows)


def state_outlines(*, folder: Path = DATA) -> pd.DataFrame:
    """Outlines of the states and DC on a flat map, areas in proportion, for `charts.maps`.

    Alaska, at 0.35 of its scale, and Hawaii stand below the south-west: not where they lie.

    Returns
    -------
    DataFrame
        A row a corner: place (two letters), part (from 0, for each island) and x, y (whole km).

    Raises
    ------
    ValueError
        If the file has no feature.
    """
    frames = []
    for place in _places(folder):
        albers, scale, (east, north) = _APART.get(place["state"], _LOWER_48)
        for part, ring in enumerate(place["rings"]):
            x, y = projected(ring[:, 0], ring[:, 1], albers)
            frames.append(
                pd.DataFrame(
                    {
                        "place": place["state"],
                        "part": part,
                        "x": np.round(scale * EARTH_RADIUS_KM * x + east),
                        "y": np.round(scale * EARTH_RADIUS_KM * y + north),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def projected(lon: npt.ArrayLike, lat: npt.ArrayLike, albers: Albers) -> tuple[Floats, Floats]:
    """Where points of a sphere of radius 1 come to lie on a flat map that keeps areas.

    Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395, equations 14-1
    to 14-6. Longitudes may run past 180: the nearer way around is taken.

    Parameters
    ----------
    lon, lat : array_like, shape (...)
        Degrees east and north.
    albers : Albers
        The projection.

    Returns
    -------
    (x, y) : ndarrays, shape (...)
        East and north, in radii of the sphere.
    """
    phi_0, phi_1, phi_2 = (math.radians(a) for a in (albers.lat_0, albers.lat_1, albers.lat_2))
    n = (math.sin(phi_1) + math.sin(phi_2)) / 2
    c = math.cos(phi_1) ** 2 + 2 * n * math.sin(phi_1)
    rho_0 = math.sqrt(c - 2 * n * math.sin(phi_0)) / n
    rho = np.sqrt(c - 2 * n * np.sin(np.radians(np.asarray(lat, dtype=float)))) / n
    away = (np.asarray(lon, dtype=float) - albers.lon_0 + 180) % 360 - 180
    theta = n * np.radians(away)
    return np.asarray(rho * np.sin(theta)), np.asarray(rho_0 - rho * np.cos(theta))


def _places(folder: Path) -> list[Mapping[str, Any]]:
    """State and rings, shape (n_corners, 2), of each feature of the file of outlines."""
    path = Path(folder) / "geography" / STATES
    text = content(path)
    hold(path, text)
    features = json.loads(text)["features"]
    if not features:
        raise ValueError(f"{STATES}: no features; expected the states and DC")
    return [
        {
            "state": feature["properties"]["state"],
            "rings": [np.array(polygon[0]) for polygon in feature["geometry"]["coordinates"]],
        }
        for feature in features
    ]
