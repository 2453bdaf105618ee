"""The counties as the page needs them, with their outlines, and where ZIP codes and cities are."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plcore.clinic.places import PEOPLE, county_centres, frame, read_counties
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.planner.gazetteer import zip_points

OUTLINES = "us_county_outlines_2023.geojson.gz"
#: The map's width in steps; each corner is drawn to the nearest.
MAP_STEPS = 4000
#: Of a map, by the first two digits of its counties' codes: the standard parallels and the point at
#: the middle, as is usual for the 48 states, Alaska and Hawaii (Snyder 1987, Map Projections: A
#: Working Manual, page 100); its scale against that of the 48 states; and its upper left corner, in
#: thousandths of the map's width.
_MAPS = {
    "02": ((55.0, 65.0), (50.0, -154.0), 0.36, (0, 455)),
    "15": ((8.0, 18.0), (3.0, -157.0), 1.0, (260, 535)),
    "": ((29.5, 45.5), (23.0, -96.0), 1.0, (8, 8)),
}
#: Width of the map, of the Earth's radius.
_WIDTH = 0.74


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The counties of the 50 states and DC, in the order of their codes.

    Attributes
    ----------
    fips, name : ndarray of str, shape (n_counties,)
        "Los Angeles County, CA".
    lat, lon : ndarray, shape (n_counties,)
        Where their people are.
    people : ndarray of int, shape (n_counties, 36)
        In 2023, by age group and sex.
    log_ratio : ndarray, shape (n_counties,)
        Log of the share of adults with diabetes over its median.
    ages_estimated, diabetes_of_state : ndarray of bool, shape (n_counties,)
        Counties whose ages are estimated; whose diabetes is that of their state.
    """

    fips: NDArray[np.str_]
    name: NDArray[np.str_]
    lat: Floats
    lon: Floats
    people: NDArray[np.int64]
    log_ratio: Floats
    ages_estimated: NDArray[np.bool_]
    diabetes_of_state: NDArray[np.bool_]


def read_places(*, folder: Path = DATA) -> Places:
    """The counties of the data."""
    known = read_counties(folder=folder)
    centres = county_centres(folder=folder)
    cells = frame(PEOPLE, folder=folder).iloc[:, 2:].to_numpy(dtype=np.int64)
    return Places(
        fips=known.fips,
        name=known.name,
        lat=centres["lat"].to_numpy(dtype=float),
        lon=centres["lon"].to_numpy(dtype=float),
        people=cells.reshape(len(known.fips), 2, -1)
        .transpose(0, 2, 1)
        .reshape(len(known.fips), -1),
        log_ratio=np.log(known.diabetes / np.median(known.diabetes)),
        ages_estimated=known.ages_estimated,
        diabetes_of_state=known.diabetes_of_state,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Gazetteer:
    """ZIP codes in their order, and their cities.

    Attributes
    ----------
    names : tuple of str
        Names of cities in alphabetical order, each once, whatever the state.
    zips, name, state : ndarray of int, shape (n_zips,)
        The code as a number, and the places of its city and state among `names` and `states`.
    states : tuple of str
        Two letters of each state.
    pointed : ndarray of bool, shape (n_zips,)
        Whether it has a point; others are where their city is, at the middle of its points.
    lat, lon : ndarray of int, shape (n_pointed,)
        In hundredths of a degree.
    """

    names: tuple[str, ...]
    zips: NDArray[np.int64]
    name: NDArray[np.int64]
    state: NDArray[np.int64]
    states: tuple[str, ...]
    pointed: NDArray[np.bool_]
    lat: NDArray[np.int64]
    lon: NDArray[np.int64]


def read_gazetteer(*, folder: Path = DATA) -> Gazetteer:
    """The ZIP codes and cities of the data."""
    rows = zip_points(folder=folder)
    has_area = rows.groupby(["city", "state"])["area"].transform("any")
    pointed = (rows["area"] | ~has_area).to_numpy(dtype=bool)
    names, name = np.unique(rows["city"].to_numpy(dtype=str), return_inverse=True)
    states, state = np.unique(rows["state"].to_numpy(dtype=str), return_inverse=True)
    lat, lon = (
        np.rint(100 * rows.loc[pointed, column]).to_numpy(dtype=np.int64)
        for column in ("lat", "lon")
    )
    return Gazetteer(
        names=tuple(names.tolist()),
        zips=rows["zip"].to_numpy(dtype=np.int64),
        name=name,
        state=state,
        states=tuple(states.tolist()),
        pointed=pointed,
        lat=lat,
        lon=lon,
    )


def outlines(places: Places, *, folder: Path = DATA) -> list[list[NDArray[np.int64]]]:
    """Each county's rings on the map, in steps from its upper left corner, shape (n_corners, 2).

    Raises
    ------
    ValueError
        If the outlines are not those of the counties, in their order.
    """
    path = Path(folder) / "geography" / OUTLINES
    features = json.loads(gzip.decompress(path.read_bytes()))["features"]
    codes = [feature["id"] for feature in features]
    if codes != places.fips.tolist():
        odd = min(set(codes) ^ set(places.fips.tolist()), default="one out of order")
        raise ValueError(f"{OUTLINES}: {odd}; expected each county of 2023 in turn")
    rings = [
        (_map_of(feature["id"]), place, np.array(corners))
        for place, feature in enumerate(features)
        for polygon in feature["geometry"]["coordinates"]
        for corners in polygon
    ]
    drawn: list[list[NDArray[np.int64]]] = [[] for _ in features]
    for name, (_, _, _, corner) in _MAPS.items():
        flat = [(place, _flat(corners, name)) for own, place, corners in rings if own == name]
        least = np.min([points.min(axis=0) for _, points in flat], axis=0)
        for place, points in flat:
            steps = np.rint(MAP_STEPS * ((points - least) / _WIDTH + np.array(corner) / 1000))
            kept = _without_repeats(steps.astype(np.int64))
            # What is no more than a line at this size is left out.
            drawn[place] += [kept] if len(kept) > 2 else []
    return drawn


def _map_of(fips: str) -> str:
    return fips[:2] if fips[:2] in _MAPS else ""


def _flat(corners: Floats, name: str) -> Floats:
    """Corners (lon, lat) by Albers' equal-area projection: x to the right and y down."""
    parallels, (lat0, lon0), scale, _ = _MAPS[name]
    # Alaska's islands reach beyond 180 degrees.
    lon = np.radians((corners[:, 0] - lon0 + 180) % 360 - 180)
    lat = np.radians(corners[:, 1])
    first, last, origin = np.radians([*parallels, lat0])
    n = (np.sin(first) + np.sin(last)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)
    rho, rho0 = (np.sqrt(c - 2 * n * np.sin(angle)) / n for angle in (lat, origin))
    return scale * np.column_stack([rho * np.sin(n * lon), rho * np.cos(n * lon) - rho0])


def _without_repeats(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Corners of a closed ring, each once."""
    return np.asarray(points[(points != np.roll(points, -1, axis=0)).any(axis=1)])
