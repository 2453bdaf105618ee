"""Who chooses this clinic: distance, and other clinics within reach.

A share exp(-d / D) of the people who live d km from a clinic would travel to it, with D the
parameter demand_distance_km. The others are spread over the counties as people are, and draw people
to them in the same way (Huff 1963, Land Economics 39:81-90). With f the share who would travel here
and R the sum of such shares over all other clinics,

    here = f / max(1, f + R),  elsewhere = R / max(1, f + R),

and the rest have no course, so that everybody is counted once, from wherever one looks. The number of other clinics is set by demand_choosing: it is the
share of people next door to this clinic who choose it in a place with as many other clinics within
reach as the mean American has. Where fewer are within reach the share is higher, up to all of them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from plcore.clinic.places import (
    EARTH_RADIUS_KM,
    Area,
    county_centres,
    great_circle_km,
    places_of,
    read_counties,
)
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats

#: Distances D between which the number of people within reach is interpolated.
_NODES = 6


def share_choosing(
    area: Area,
    draws: pd.DataFrame,
    *,
    point: tuple[float, float] | None = None,
    folder: Path = DATA,
) -> Floats:
    """Share of the people of an area who have their course at this clinic, shape (n_draws,).

    Parameters
    ----------
    area : Area
        The counties whose people are counted.
    draws : DataFrame, a row a draw
        Columns demand_choosing and demand_distance_km.
    point : (float, float), optional
        Latitude and longitude of the clinic; by default it stands where the people of the area's
        most populous county do.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Examples
    --------
    >>> from plcore.clinic import by_state
    >>> draws = pd.DataFrame({"demand_choosing": [0.1], "demand_distance_km": [50.0]})
    >>> vermont, jersey = (share_choosing(by_state(s), draws)[0] for s in ("VT", "NJ"))
    >>> bool(vermont > 2 * jersey)
    True
    """
    people = _people(folder)[places_of(area, read_counties(folder=folder))]
    here, _ = shares_by_county(area, draws, point=point, folder=folder)
    return np.asarray(here @ people / people.sum())


def shares_by_county(
    area: Area,
    draws: pd.DataFrame,
    *,
    point: tuple[float, float] | None = None,
    folder: Path = DATA,
) -> tuple[Floats, Floats]:
    """Shares of each county's people who go here, and elsewhere; the rest have no course.

    Each of shape (n_draws, n_counties), in the order of the area's counties. Parameters are those of
    `share_choosing`.
    """
    at = places_of(area, read_counties(folder=folder))
    lat, lon = site_of(area, folder=folder) if point is None else point
    centres = county_centres(folder=folder).iloc[at]
    away = great_circle_km(lat, lon, centres["lat"], centres["lon"])
    reach = draws["demand_distance_km"].to_numpy(dtype=float)
    choosing = draws["demand_choosing"].to_numpy(dtype=float)
    if not (reach > 0).all():
        raise ValueError(f"demand_distance_km is {reach.min():g}; expected above 0")
    others = _interpolated(reach, at, folder)
    travel = np.exp(-away / reach[:, np.newaxis])
    # A share of 0 is so many others that nobody comes.
    odds = (1 / np.maximum(choosing, 1e-12) - 1)[:, np.newaxis] * others
    return divided(travel, odds)


def divided(here: Floats, elsewhere: Floats) -> tuple[Floats, Floats]:
    """Shares who go here and elsewhere, from the shares who would travel to each if it were alone.

    `elsewhere` is the sum over all other clinics; arrays of any shape.
    """
    together = np.maximum(here + elsewhere, 1.0)
    return here / together, elsewhere / together


def median_distance(
    area: Area, *, point: tuple[float, float] | None = None, folder: Path = DATA
) -> float:
    """Kilometres from a clinic within which half of the people of an area live.

    Parameters are those of `share_choosing`.
    """
    at = places_of(area, read_counties(folder=folder))
    lat, lon = site_of(area, folder=folder) if point is None else point
    centres = county_centres(folder=folder).iloc[at]
    away = np.asarray(great_circle_km(lat, lon, centres["lat"], centres["lon"]))
    order = np.argsort(away, kind="stable")
    people = np.cumsum(_people(folder)[at][order])
    return float(away[order][np.searchsorted(people, people[-1] / 2)])


def site_of(area: Area, *, folder: Path = DATA) -> tuple[float, float]:
    """Where a clinic of the area stands if nobody says: at the people of its largest county."""
    at = places_of(area, read_counties(folder=folder))
    largest = at[int(np.argmax(_people(folder)[at]))]
    row = county_centres(folder=folder).iloc[largest]
    return float(row["lat"]), float(row["lon"])


def _people(folder: Path) -> Floats:
    """Each county's share of the nation's people, the mean over age groups and sexes."""
    return np.asarray(read_counties(folder=folder).share.mean(axis=(1, 2)))


def _interpolated(reach: Floats, at: NDArray[np.intp], folder: Path) -> Floats:
    """People within reach of some counties over those of the mean American, by draw and county.

    Its logarithm is a smooth function of that of the reach: a polynomial through a few nodes.
    """
    x = np.log(reach)
    middle, half = (x.min() + x.max()) / 2, max(float(np.ptp(x)) / 2, 1e-9)
    nodes = chebyshev.chebpts1(_NODES) if np.ptp(x) > 0 else np.zeros(1)
    crowd = np.log([_crowding(folder, float(np.exp(middle + half * node)))[at] for node in nodes])
    degree = len(nodes) - 1
    coefficients = np.linalg.solve(chebyshev.chebvander(nodes, degree), crowd)
    basis = chebyshev.chebvander((x - middle) / half, degree)
    # Added up in order, so that the last digits do not depend on threads.
    return np.asarray(np.exp(sum(basis[:, [i]] * row for i, row in enumerate(coefficients))))


@lru_cache(maxsize=32)
def _crowding(folder: Path, reach: float) -> Floats:
    """People within reach of each county's people, over those within reach of the mean American."""
    people = _people(folder)
    pull = np.exp(_distances(folder) * np.float32(-1 / reach))
    within = (pull * people.astype(np.float32)).sum(axis=1, dtype=float)
    return np.asarray(within / (people * within).sum())


@lru_cache(maxsize=1)
def _distances(folder: Path) -> NDArray[np.float32]:
    """Distances in km between the people of all counties, by the chord, shape (n, n)."""
    centres = county_centres(folder=folder)
    lat, lon = (np.radians(centres[name].to_numpy()) for name in ("lat", "lon"))
    xyz = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    squared = sum(np.subtract.outer(axis, axis).astype(np.float32) ** 2 for axis in xyz)
    half_chord = np.minimum(np.sqrt(squared) / 2, 1)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(half_chord), dtype=np.float32)
