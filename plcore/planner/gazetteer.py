"""Places as people name them: ZIP codes, cities, and counties by name.

A ZIP code is where the point of its area lies; one without an area of its own (a hospital's, a
company's, post-office boxes) is where its city is. A city is the middle of the points of its ZIP codes,
which lie close together where people do. Points are kept to 0.01 degree, about a kilometre,
as the planner's page has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.clinic.places import COUNTIES, ZIPS, frame
from plcore.evidence.data import DATA
from plcore.evidence.table import Column, Table, last_saved, number, read_table, text

CITIES = Table(
    file="us_zip_cities_2025.csv.gz",
    columns=(
        Column("zip", text(r"\d{5}", "five digits, with the zeros in front")),
        Column("city", text()),
        Column("state", text(r"[A-Z]{2}", "a code of two capital letters")),
        Column("lat", number(17, 72), optional=True),
        Column("lon", number(-180, -64), optional=True),
    ),
    key=("zip",),
)
#: What follows the name of a county, and may be left out.
_KINDS = r" (county|parish|borough|census area|city and borough|municipality|planning region|city)$"


@dataclass(frozen=True, slots=True)
class Point:
    """A point and what it is called: "ZIP 44195 (Cleveland, OH)"."""

    lat: float
    lon: float
    name: str


def zip_points(*, folder: Path = DATA) -> pd.DataFrame:
    """Every ZIP code of the 50 states and DC: zip, city, state, lat, lon, and area.

    `area` says whether it has an area of its own; city and state are empty for a few that do.
    """
    return _zip_points(Path(folder), _stamps(folder)).copy()


def _stamps(folder: Path) -> tuple[int, ...]:
    return last_saved(Path(folder) / "geography" / table.file for table in (CITIES, ZIPS, COUNTIES))


@lru_cache(maxsize=2)
def _zip_points(folder: Path, stamps: tuple[int, ...]) -> pd.DataFrame:
    cities = read_table(folder / "geography" / CITIES.file, CITIES)
    areas = frame(ZIPS, folder=folder)
    # The states' own: areas of Puerto Rico and the islands have no city in the table.
    areas = areas[(areas["fips"] != "") | areas["zip"].isin(cities["zip"])]
    rows = cities.merge(areas[["zip", "lat", "lon"]], how="outer", on="zip", suffixes=("_city", ""))
    rows["area"] = rows["lat"].notna()
    rows[["city", "state"]] = rows[["city", "state"]].fillna("")
    for column in ("lat", "lon"):
        rows[column] = np.rint(100 * rows[column])
        of_city = _middles(rows[rows["area"]], column)
        place = pd.MultiIndex.from_frame(rows[["city", "state"]])
        filled = rows[column].fillna(pd.Series(of_city.reindex(place).to_numpy(), rows.index))
        rows[column] = filled.fillna(np.rint(100 * rows[f"{column}_city"])) / 100
    missing = rows["lat"].isna()
    if missing.any():
        raise ValueError(
            f"{CITIES.file}: {rows.loc[missing, 'zip'].iloc[0]} has no point, nor has its city; "
            "expected lat and lon"
        )
    columns = ["zip", "city", "state", "lat", "lon", "area"]
    return rows.sort_values("zip", ignore_index=True)[columns]


def point_of_zip(code: str, *, folder: Path = DATA) -> Point:
    """Where a ZIP code is.

    Parameters
    ----------
    code : str
        Five digits, such as "90012".
    folder : Path
        Folder of the tables.

    Raises
    ------
    ValueError
        If it is no ZIP code of the 50 states or DC.
    """
    table = zip_points(folder=folder)
    at = int(np.searchsorted(table["zip"], code))
    if at == len(table) or table["zip"][at] != code:
        raise ValueError(
            f"no ZIP code {code!r}; expected five digits of the 50 states or DC, or the place by its "
            "city, or by latitude and longitude (near)"
        )
    row = table.iloc[at]
    city = f" ({row['city']}, {row['state']})" if row["city"] else ""
    return Point(float(row["lat"]), float(row["lon"]), f"ZIP {code}{city}")


def point_of_city(name: str, *, folder: Path = DATA) -> Point:
    """Where a city or town is.

    Parameters
    ----------
    name : str
        Its name and state, such as "Cleveland, OH"; without the state where only one has it.
    folder : Path
        Folder of the tables.

    Raises
    ------
    ValueError
        If there is no such place, or several states have one.
    """
    table = zip_points(folder=folder)
    table = table[table["city"] != ""]
    wanted, state = _parted(name, folder)
    plain_names = table["city"].map(plain)
    rows = table[plain_names == plain(wanted)]
    if state:
        rows = rows[rows["state"] == state]
    if rows.empty:
        some = table[plain_names.str.startswith(plain(wanted)[:4]) & table["state"].eq(state or "")]
        near = _listed(some["city"] + ", " + some["state"])
        hint = f"; in {state} there are {near}" if near else ""
        raise ValueError(
            f"no city {name!r}; expected a city or town and its state, such as 'Cleveland, OH'{hint}"
        )
    states = rows["state"].unique()
    if len(states) > 1:
        most = rows["state"].value_counts().index[:3]
        either = " or ".join(f"'{rows['city'].iloc[0]}, {state}'" for state in most)
        raise ValueError(
            f"city is {name!r}, which {len(states)} states have; expected the state as well, such as "
            f"{either}"
        )
    areas = rows[rows["area"]] if rows["area"].any() else rows
    lat, lon = (float(_middles(areas, column).iloc[0]) for column in ("lat", "lon"))
    return Point(lat, lon, f"{rows['city'].iloc[0]}, {states[0]}")


def _middles(rows: pd.DataFrame, column: str) -> pd.Series:
    """The middle value of each city, the lower of two: one far-off ZIP code does not move it."""
    in_order = rows.sort_values(["city", "state", column])
    of_city = in_order.groupby(["city", "state"])[column]
    middle = of_city.cumcount() == (of_city.transform("size") - 1) // 2
    return in_order[middle].set_index(["city", "state"])[column]


def counties_named(names: Sequence[str], *, folder: Path = DATA) -> tuple[str, ...]:
    """Codes of counties, from their codes or names.

    Parameters
    ----------
    names : sequence of str
        Codes of five digits, which are handed on as they are, or names, such as "Kent County, DE"
        or "Los Angeles, CA"; without the state where only one has such a county.
    folder : Path
        Folder of the tables.

    Raises
    ------
    ValueError
        If a name is that of no county or of several, or a code is a ZIP code and no county's.
    """
    table = frame(COUNTIES, folder=folder)
    full = table["county"].map(plain)
    short = full.str.replace(_KINDS, "", regex=True)
    codes = set(table["fips"])
    found = []
    for name in names:
        if re.fullmatch(r"\d+", name.strip(), re.ASCII):
            if name not in codes and len(name) == 5:
                _refuse_zip(name, folder)
            found.append(name)
            continue
        wanted, state = _parted(name, folder)
        inside = table["state"].eq(state) if state else pd.Series(True, index=table.index)
        # "Baltimore city" and "Baltimore County" are two; the whole name goes first.
        rows = table[inside & full.eq(plain(wanted))]
        if rows.empty:
            rows = table[inside & short.eq(plain(wanted))]
        if len(rows) != 1:
            either = _listed("'" + rows["county"] + ", " + rows["state"] + "'")
            raise ValueError(
                f"no county is called {name!r}; expected a name and state, such as 'Kent County, DE', "
                "or a code of five digits"
                if rows.empty
                else f"county {name!r} may be {either}; expected one of them"
            )
        found.append(str(rows["fips"].iloc[0]))
    return tuple(found)


def _refuse_zip(code: str, folder: Path) -> None:
    try:
        point = point_of_zip(code, folder=folder)
    except ValueError:
        return
    raise ValueError(
        f"no county {code!r}: it is {point.name}; expected the code of a county, or the same as zip "
        "with a radius"
    )


def _parted(name: str, folder: Path) -> tuple[str, str]:
    """A name and the two letters of its state, which are empty where it names none."""
    place, comma, state = name.strip().rpartition(",")
    if not comma:
        return name.strip(), ""
    states = frame(COUNTIES, folder=folder)[["state", "state_name"]].drop_duplicates()
    known = dict(zip(states["state_name"].map(plain), states["state"], strict=True))
    known |= {state.casefold(): state for state in states["state"]}
    code = known.get(plain(state))
    if code is None:
        raise ValueError(
            f"no state {state.strip()!r} in {name!r}; expected two letters or the name of one of the "
            "50 states or DC"
        )
    return place.strip(), code


@lru_cache(maxsize=1 << 16)
def plain(name: str) -> str:
    """A name in small letters, without accents, dots and apostrophes; Saint and Fort in short."""
    letters = unicodedata.normalize("NFD", name.casefold())
    text = re.sub(r"[\u0300-\u036f.,'\u2019]", "", letters).strip()
    text = re.sub(r"[\s-]+", " ", text)
    for long, short in (("saint", "st"), ("sainte", "ste"), ("fort", "ft"), ("mount", "mt")):
        text = re.sub(rf"^{long} ", f"{short} ", text)
    return text


def _listed(names: pd.Series) -> str:
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return ", ".join(shown[:5]) + more
