"""Which counties make an area: by code, state, metropolitan area, or distance.

A county is in or out as a whole. By distance it is in where its people's centre is: the centre of
population of the 2020 census where the data have it, else the mean of the points of its ZIP codes,
which lie close together where people do, else its internal point.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.catchment import files
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats

#: Mean radius of the Earth (2a + b) / 3 of the ellipsoid GRS 80 (Moritz 2000, Journal of Geodesy
#: 74:128-162), in km.
EARTH_RADIUS_KM = 6371.0088
#: A point farther than this from the people of every county is not in the United States. The
#: farthest ends of Alaska's largest boroughs are nearer to their own centres.
_OUTSIDE_KM = 600.0


@dataclass(frozen=True, slots=True)
class Area:
    """Some counties, under a name.

    Attributes
    ----------
    name : str
    fips : tuple of str
        Codes of the counties, rising.

    Raises
    ------
    ValueError
        If a code is unknown or given twice, or there is none.
    """

    name: str
    fips: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "fips", tuple(sorted(self.fips)))
        if not self.fips:
            raise ValueError(f"{self.name}: no county; expected one or more")
        for one, next_one in zip(self.fips, self.fips[1:], strict=False):
            if one == next_one:
                raise ValueError(f"{self.name}: county {one} twice; expected each once")


def by_fips(fips: Sequence[str], *, name: str | None = None, folder: Path = DATA) -> Area:
    """The counties of these codes, such as ["06037", "06059"].

    Parameters
    ----------
    fips : sequence of str
        Five digits each.
    name : str, optional
        What the area is called; by default the names of its counties.

    Raises
    ------
    ValueError
        If a code is not that of a county of the 50 states or DC.
    """
    if isinstance(fips, str):
        raise TypeError(f"fips is {fips!r}; expected a list of codes")
    known = files.read_counties(folder=folder)
    names = dict(zip(known.fips.tolist(), known.name.tolist(), strict=True))
    for code in fips:
        if code not in names:
            raise ValueError(_unknown_county(code, names, folder))
    label = "; ".join(names[code] for code in fips[:3])
    more = f" and {len(fips) - 3} more counties" if len(fips) > 3 else ""
    return Area(label + more if name is None else name, tuple(fips))


def by_state(state: str, *, folder: Path = DATA) -> Area:
    """All counties of a state, by its two letters or its name; DC counts as one.

    Raises
    ------
    ValueError
        If there is no such state; the message names one that is written much like it.
    """
    rows = files.frame(files.COUNTIES, folder=folder)
    found = rows[(rows["state"] == state) | (rows["state_name"] == state)]
    if found.empty:
        near = difflib.get_close_matches(state, rows["state_name"].unique(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"no state {state!r}; expected two capitals or a name of the 50 states or DC{hint}"
        )
    return Area(str(found["state_name"].iloc[0]), tuple(found["fips"]))


def everywhere(*, folder: Path = DATA) -> Area:
    """All counties of the 50 states and DC."""
    return Area("United States", tuple(files.read_counties(folder=folder).fips.tolist()))


def metropolitan_areas(*, folder: Path = DATA) -> pd.DataFrame:
    """Metropolitan, micropolitan and combined areas: columns code, title and kind."""
    return files.frame(files.AREAS, folder=folder)


def by_metropolitan_area(code: str, *, folder: Path = DATA) -> Area:
    """The counties of a metropolitan or micropolitan area (five digits) or a combined one (three).

    `metropolitan_areas` lists them: 31080 is Los Angeles-Long Beach-Anaheim, CA.

    Parameters
    ----------
    code : str
        As `metropolitan_areas` lists it.

    Raises
    ------
    ValueError
        If there is no area of this code; the message gives those of a name.
    """
    table = metropolitan_areas(folder=folder)
    titles = dict(zip(table["code"], table["title"], strict=True))
    if code not in titles:
        alike = table[table["title"].str.contains(str(code), case=False, regex=False)]
        hint = "".join(f"; {c} is {t}" for c, t in alike[["code", "title"]].to_numpy()[:3])
        raise ValueError(f"no metropolitan area {code!r}; expected a code such as 31080{hint}")
    rows = files.frame(files.COUNTIES, folder=folder)
    column = "metropolitan" if len(code) == 5 else "combined"
    return Area(titles[code], tuple(rows.loc[rows[column] == code, "fips"]))


def within_km(
    lat: float, lon: float, km: float, *, name: str | None = None, folder: Path = DATA
) -> Area:
    """The counties whose people's centre is within a great-circle distance of a point.

    Parameters
    ----------
    lat, lon : float
        Degrees north and east: all longitudes of the lower 48 states are negative.
    km : float
        Kilometres, above 0.
    name : str, optional
        What the area is called; by default the point and the distance.

    Raises
    ------
    ValueError
        If the point is not on Earth or far from the United States, the distance is not above 0, or
        no county has its centre within it.
    """
    for label, value, most in (("lat", lat, 90), ("lon", lon, 180)):
        if not -most <= value <= most:
            raise ValueError(f"{label} is {value:g}; expected degrees from {-most} to {most}")
    if not 0 < km < np.inf:
        raise ValueError(f"km is {km:g}; expected a distance above 0")
    centres = county_centres(folder=folder)
    away = great_circle_km(lat, lon, centres["lat"], centres["lon"])
    nearest = int(np.argmin(away))
    label = f"{centres['county'].iloc[nearest]}, {centres['state'].iloc[nearest]}"
    if away[nearest] > _OUTSIDE_KM:
        raise ValueError(
            f"{lat:g}, {lon:g} is {away[nearest]:,.0f} km from the nearest county ({label}); "
            "expected a point of the 50 states or DC, latitude first"
        )
    if away[nearest] > km:
        raise ValueError(
            f"no county has its centre within {km:g} km of {lat:g}, {lon:g}; the nearest is "
            f"{label} at {away[nearest]:.1f} km; expected a longer distance"
        )
    title = f"within {km:g} km of {lat:g}, {lon:g}" if name is None else name
    return Area(title, tuple(centres.loc[away <= km, "fips"]))


def within_km_of_zip(zip_code: str, km: float, *, folder: Path = DATA) -> Area:
    """The counties whose people's centre is within a distance of a ZIP code's point.

    Parameters
    ----------
    zip_code : str
        Five digits.
    km : float
        Kilometres, above 0.
    """
    lat, lon = zip_point(zip_code, folder=folder)
    return within_km(lat, lon, km, name=f"within {km:g} km of ZIP {zip_code}", folder=folder)


def zip_point(zip_code: str, *, folder: Path = DATA) -> tuple[float, float]:
    """Latitude and longitude of a point inside a ZIP code's area.

    Parameters
    ----------
    zip_code : str
        Five digits.

    Raises
    ------
    ValueError
        If it has no area in the 50 states or DC; codes of post-office boxes have none.
    """
    table = files.frame(files.ZIPS, folder=folder)
    found = table[table["zip"] == zip_code]
    if found.empty:
        raise ValueError(
            f"no ZIP code {zip_code!r}; expected five digits of an area of the 50 states or DC "
            "(codes of post-office boxes have no area)"
        )
    return float(found["lat"].iloc[0]), float(found["lon"].iloc[0])


def great_circle_km(lat: float, lon: float, lats: ArrayLike, lons: ArrayLike) -> Floats:
    """Distance from a point to others on a sphere of radius `EARTH_RADIUS_KM`, by the haversine.

    The Earth is flattened: true distances differ by up to 0.6%.

    Parameters
    ----------
    lat, lon : float
        Degrees north and east of the point.
    lats, lons : array_like, shape (n,)
        Of the others.
    """
    from_lat, from_lon, to_lat, to_lon = map(np.radians, (lat, lon, lats, lons))
    half = np.sin((to_lat - from_lat) / 2) ** 2
    half = half + np.cos(from_lat) * np.cos(to_lat) * np.sin((to_lon - from_lon) / 2) ** 2
    # Rounding can bring the haversine of opposite points above 1.
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1))))


def county_centres(*, folder: Path = DATA) -> pd.DataFrame:
    """Where the people of each county are, as one point.

    Returns
    -------
    DataFrame
        Columns fips, county, state, lat, lon and rule: "census_2020", "zip_points" or
        "internal_point".
    """
    return _centres(Path(folder), files.stamps(folder)).copy()


@lru_cache(maxsize=4)
def _centres(folder: Path, saved: tuple[int, ...]) -> pd.DataFrame:
    rows = files.frame(files.COUNTIES, folder=folder).set_index("fips")
    table = files.frame(files.ZIPS, folder=folder)
    of_zips = table[table["fips"] != ""].groupby("fips")[["lat", "lon"]].mean()
    of_people = files.frame(files.CENTRES, folder=folder).set_index("fips")[["lat", "lon"]]
    rows["rule"] = "internal_point"
    for rule, centres in (("zip_points", of_zips), ("census_2020", of_people)):
        known = rows.index.intersection(centres.index)
        rows.loc[known, ["lat", "lon"]] = centres.loc[known]
        rows.loc[known, "rule"] = rule
    return rows.reset_index()[["fips", "county", "state", "lat", "lon", "rule"]]


def caveats(area: Area, *, folder: Path = DATA) -> tuple[str, ...]:
    """What is estimated or filled in for the counties of an area, a sentence each."""
    known = files.read_counties(folder=folder)
    inside = np.isin(known.fips, area.fips)
    found = []
    for which, sentence in (
        (
            known.ages_estimated,
            "the ages are estimated; a group of five years may be off by 2-3.6%, 65 and over by 1%",
        ),
        (
            known.diabetes_of_state,
            "diabetes is that of the whole state, as its figures are for older counties",
        ),
    ):
        states = ", ".join(sorted(set(known.state[inside & which].tolist())))
        if states:
            found.append(f"{states}: {sentence}")
    return tuple(found)


def places_of(area: Area, known: files.Counties) -> NDArray[np.intp]:
    """Where the counties of an area stand among all."""
    at = np.searchsorted(known.fips, area.fips)
    missing = known.fips[np.minimum(at, known.fips.size - 1)] != np.array(area.fips)
    if missing.any():
        code = area.fips[int(np.argmax(missing))]
        raise ValueError(f"{area.name}: no county {code!r}; expected five digits of one of 2023")
    return at


def _unknown_county(code: object, names: dict[str, str], folder: Path) -> str:
    if not isinstance(code, str):
        return f"county {code!r}; expected five digits as text, such as '06037'"
    before = files.frame(files.DIABETES, folder=folder).set_index("fips")["state"]
    if code in before.index:
        now = [new for new, name in names.items() if name.endswith(f", {before[code]}")]
        return f"no county {code!r} in 2023; expected one of its state, {', '.join(now)}"
    return f"no county {code!r}; expected five digits of a county of the 50 states or DC, 2023"
