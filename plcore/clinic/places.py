"""Places: counties, which of them make up the area of a clinic, and who there chooses it.

The tables of `data/geography/` come first, then areas: by county code, state, metropolitan area, or
distance. A county is in an area as a whole or not at all. By distance it is in where its people's
centre is: the centre of population of the 2020 census where the data have it, else the mean of the
points of its ZIP codes, which lie close together where people do, else its internal point.

**Who chooses this clinic** is a matter of distance, and of other clinics within reach. A share
exp(-d / D) of the people who live d km from a clinic would travel to it, with D the parameter
demand_distance_km. The others are spread over the counties as people are, and draw people to them
in the same way (Huff 1963, Land Economics 39:81-90). With f the share who would travel here and R
the sum of such shares over all other clinics,

    here = f / max(1, f + R),  elsewhere = R / max(1, f + R),

and the rest have no course, so that everybody is counted once, from wherever one looks. The number
of other clinics is set by demand_choosing: it is the share of people next door to this clinic who
choose it in a place with as many other clinics within reach as the mean American has. Where fewer
are within reach the share is higher, up to all of them.
"""

from __future__ import annotations

import difflib
import itertools
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from plcore.evidence.columns import central
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.population import SEXES, read_population
from plcore.evidence.table import (
    Cell,
    Column,
    Row,
    Table,
    last_saved,
    number,
    one_of,
    ordered,
    read_table,
    text,
    whole,
)
from plcore.inputs import check_fields

#: Mean radius of the Earth (2a + b) / 3 of the ellipsoid GRS 80 (Moritz 2000, Journal of Geodesy
#: 74:128-162), in km.
EARTH_RADIUS_KM = 6371.0088
#: A point farther than this from the people of every county is not in the United States. The
#: farthest ends of Alaska's largest boroughs are nearer to their own centres.
_OUTSIDE_KM = 600.0
#: Times the width of a county that a point of it may be away from its internal point.
_WIDTHS = 5.0
#: The file of the nation's people by age that those of the counties add up to.
NATION_2023 = "us_resident_2020_2023.csv"


#: First age of each group of the county file; the last is open.
AGE_GROUPS = tuple(range(0, 86, 5))

_FIPS = text(r"\d{5}", "five digits, with the zeros in front")
_STATE = text(r"[A-Z]{2}", "a code of two capital letters")
_LATITUDE, _LONGITUDE = Column("lat", number(0, 72)), Column("lon", number(-180, 180))
_PEOPLE = whole(0)
_PERCENT = number(0.1, 100)


def _in_america(row: Row) -> Iterator[tuple[str, str]]:
    # The sea between Puerto Rico and Guam.
    if -64 < float(row["lon"]) < 144:
        yield "lon", "from -180 to -64, or from 144 to 180: America, Guam and the Marianas"


def _state_of_code(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """The first two digits of the code of a county are its state."""
    codes: dict[Cell, tuple[Cell, ...]] = {}
    states: dict[Cell, Cell] = {}
    for place, row in enumerate(rows):
        code = str(row["fips"])[:2]
        state = (row["state"], row.get("state_name", ""))
        first = codes.setdefault(code, state)
        if first != state:
            column = "state" if first[0] != state[0] else "state_name"
            yield place, column, f"{first[column != 'state']}, as in other counties of {code}"
        elif states.setdefault(state[0], code) != code:
            yield place, "state", f"a state other than that of county codes {states[state[0]]}xxx"


def _rate_agrees(row: Row) -> Iterator[tuple[str, str]]:
    rate = 1e5 * float(row["discharges"]) / float(row["adults"])
    # Printed to one decimal.
    if abs(rate - float(row["rate"])) > 0.051:
        yield "rate", f"{rate:.1f}, as discharges and adults give"
    if (row["coding"] == "icd9") != (float(row["year"]) <= 2015):
        yield "coding", "icd9 to 2015, icd10 after"


def _counties_add_up(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """The state of a year is the sum of its counties, where the year has all of them."""
    state = {row["year"]: place for place, row in enumerate(rows) if row["fips"] == "06"}
    # A year that lacks a county is named where the years are added up.
    usual = statistics.mode(Counter(row["year"] for row in rows).values())
    for year, at in state.items():
        counties = [row for row in rows if row["year"] == year and row["fips"] != "06"]
        for column in ("discharges", "adults") if len(counties) + 1 == usual else ():
            added = sum(int(row[column]) for row in counties)
            if added != rows[at][column]:
                yield at, column, f"{added:,}, the sum of the counties of {year} (one may be wrong)"


COUNTIES = Table(
    file="us_counties_2023.csv",
    columns=(
        Column("fips", _FIPS),
        Column("county", text()),
        Column("state", _STATE),
        Column("state_name", text()),
        _LATITUDE,
        _LONGITUDE,
        Column("land_km2", number(0)),
        Column("metropolitan", text(r"\d{5}", "a code of five digits"), optional=True),
        Column("combined", text(r"\d{3}", "a code of three digits"), optional=True),
        Column("ages", one_of("census", "estimated")),
    ),
    key=("fips",),
    rules=(_in_america,),
    across=(_state_of_code,),
    references={
        "metropolitan": "us_metropolitan_areas_2023",
        "combined": "us_metropolitan_areas_2023",
    },
)
AREAS = Table(
    file="us_metropolitan_areas_2023.csv",
    columns=(
        Column("code", text(r"\d{3}(\d{2})?", "a code of five digits, or three if combined")),
        Column("title", text()),
        Column("kind", one_of("metropolitan", "micropolitan", "combined")),
    ),
    key=("code",),
)
PEOPLE = Table(
    file="us_county_people_2023.csv.gz",
    columns=(
        Column("fips", _FIPS),
        Column("sex", one_of(*SEXES)),
        *(Column(f"{start}_{start + 4}", _PEOPLE) for start in AGE_GROUPS[:-1]),
        Column("85_and_over", _PEOPLE),
    ),
    key=("fips", "sex"),
)
DIABETES = Table(
    file="us_county_diabetes_2022.csv",
    columns=(
        Column("fips", _FIPS),
        Column("county", text()),
        Column("state", _STATE),
        Column("people", whole(1)),
        *(Column(name, _PERCENT) for name in ("crude", "crude_low", "crude_high", "adjusted")),
    ),
    key=("fips",),
    rules=(
        ordered("crude_low", "crude", "crude_high"),
        central("crude_low", "crude", "crude_high"),
    ),
    across=(_state_of_code,),
)
CENTRES = Table(
    file="us_population_centres_2020.csv",
    columns=(
        Column("fips", _FIPS),
        Column("county", text()),
        Column("people", whole(1)),
        _LATITUDE,
        _LONGITUDE,
    ),
    key=("fips",),
    rules=(_in_america,),
    references={"fips": "us_counties_2023"},
)
ZIPS = Table(
    file="us_zip_points_2021.csv.gz",
    columns=(
        Column("zip", _FIPS),
        _LATITUDE,
        _LONGITUDE,
        Column("fips", _FIPS, optional=True),
    ),
    key=("zip",),
    rules=(_in_america,),
    references={"fips": "us_counties_2023"},
)
AMPUTATIONS = Table(
    file="ca_diabetes_amputations_2005_2022.csv",
    columns=(
        Column("year", whole(2005, 2022)),
        Column("fips", text(r"06(\d{3})?", "06, or five digits of a county of California")),
        Column("county", text()),
        Column("coding", one_of("icd9", "icd10")),
        Column("discharges", whole(0)),
        Column("adults", whole(1)),
        Column("rate", number(0)),
        Column("adjusted_rate", number(0)),
    ),
    key=("year", "fips"),
    rules=(_rate_agrees,),
    across=(_counties_add_up,),
)
TABLES_OF_PLACES = (COUNTIES, AREAS, PEOPLE, DIABETES, CENTRES, ZIPS, AMPUTATIONS)
_TABLES = {table.file: table for table in TABLES_OF_PLACES}


@dataclass(frozen=True, slots=True, eq=False)
class Counties:
    """The counties of the 50 states and DC in 2023, in the order of their codes.

    Attributes
    ----------
    fips, name, state : ndarray of str, shape (n_counties,)
    share : ndarray, shape (n_counties, 18, 2)
        Each county's share of the nation's people of an age group and sex in 2023. Read-only.
    diabetes : ndarray, shape (n_counties,)
        Percent of adults with diagnosed diabetes, age-adjusted. Read-only.
    diabetes_of_state : ndarray of bool, shape (n_counties,)
        Counties that CDC does not have: they take the mean of their state.
    ages_estimated : ndarray of bool, shape (n_counties,)
        Counties whose ages had to be estimated.
    """

    fips: NDArray[np.str_]
    name: NDArray[np.str_]
    state: NDArray[np.str_]
    share: Floats
    diabetes: Floats
    diabetes_of_state: NDArray[np.bool_]
    ages_estimated: NDArray[np.bool_]


def frame(table: Table, *, folder: Path = DATA) -> pd.DataFrame:
    """One table of `data/geography/`, with each cell checked."""
    return _frame(table, folder).copy()


def read_counties(*, folder: Path = DATA) -> Counties:
    """The counties with their people and their diabetes.

    Parameters
    ----------
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Raises
    ------
    ValueError
        With the faults of a file; or if a county lacks a row of people, or its state has no
        percentage of diabetes.
    """
    nation = Path(folder) / "population" / NATION_2023
    return _counties(Path(folder), (*_stamps(folder, *_TABLES), *last_saved([nation])))


@lru_cache(maxsize=4)
def _counties(folder: Path, stamps: tuple[int, ...]) -> Counties:
    rows = _frame(COUNTIES, folder)
    people = _people(rows, folder)
    _add_up_to_the_nation(people, folder)
    diabetes, of_state = _diabetes(rows, folder)
    share = people / people.sum(axis=0)
    for array in (share, diabetes):
        array.setflags(write=False)
    return Counties(
        rows["fips"].to_numpy(dtype=str),
        (rows["county"] + ", " + rows["state"]).to_numpy(dtype=str),
        rows["state"].to_numpy(dtype=str),
        share,
        diabetes,
        of_state,
        (rows["ages"] == "estimated").to_numpy(dtype=bool),
    )


def _people(rows: pd.DataFrame, folder: Path) -> Floats:
    """People by county, age group and sex."""
    table = _frame(PEOPLE, folder)
    rows_read = list(zip(table["fips"], table["sex"], strict=True))
    wanted = [(fips, sex) for fips in rows["fips"] for sex in SEXES]
    if rows_read != wanted:
        missing = sorted(set(wanted) - set(rows_read))
        unknown = sorted(set(rows_read) - set(wanted))
        shown = " ".join((missing or unknown or rows_read)[0])
        what = "no row of" if missing else "a row of unknown" if unknown else "out of order:"
        raise ValueError(
            f"{PEOPLE.file}: {what} {shown}; expected each county of {COUNTIES.file} in turn, "
            "male before female"
        )
    cells = table.iloc[:, 2:].to_numpy(dtype=float)
    return cells.reshape(len(rows), len(SEXES), -1).transpose(0, 2, 1)


def _add_up_to_the_nation(people: Floats, folder: Path) -> None:
    """Refuse people of an age group and sex that are not as many as the nation has."""
    nation = read_population(
        "USA", variant="resident", first_year=2023, last_year=2023, folder=folder
    ).people[0]
    groups = np.add.reduceat(nation, AGE_GROUPS, axis=-1).T
    added = people.sum(axis=0)
    # The ages of the nation from 85 on are shared out, and added up again.
    group, sex = np.unravel_index(int(np.argmax(np.abs(added - groups))), added.shape)
    if abs(added[group, sex] - groups[group, sex]) > 0.5:
        column = PEOPLE.columns[2 + int(group)].name
        raise ValueError(
            f"{PEOPLE.file}: {column} of {SEXES[sex]} adds up to {added[group, sex]:,.0f}; "
            f"expected {groups[group, sex]:,.0f}, as {NATION_2023} has them in 2023 (a cell of "
            "either may be wrong)"
        )


def _near_their_counties(table: Table, rows: pd.DataFrame, folder: Path) -> None:
    """Refuse a point that is farther from its county than the county is wide."""
    if table not in (ZIPS, CENTRES):
        return
    counties = _frame(COUNTIES, folder).set_index("fips")
    inside = rows[rows["fips"] != ""]
    of = counties.loc[inside["fips"]]
    lat, lon = of["lat"].to_numpy(dtype=float), of["lon"].to_numpy(dtype=float)
    away = great_circle_km(
        inside["lat"].to_numpy(dtype=float), inside["lon"].to_numpy(dtype=float), lat, lon
    )
    # The farthest, in the Aleutians, is 4.8 times the width of its county were that a square.
    widths = away / np.sqrt(of["land_km2"].to_numpy(dtype=float))
    worst = int(np.argmax(widths))
    if widths[worst] > _WIDTHS:
        row = inside.iloc[worst]
        raise ValueError(
            f"{table.file}:{inside.index[worst] + 2}: lat, lon is {row['lat']:g}, {row['lon']:g}, "
            f"{away[worst]:,.0f} km from its county {row['fips']}; expected a point inside it"
        )


def _diabetes(rows: pd.DataFrame, folder: Path) -> tuple[Floats, NDArray[np.bool_]]:
    """Age-adjusted percent by county; for those CDC does not have, the mean of their state."""
    table = _frame(DIABETES, folder)
    _all_or_none(rows, table)
    weighted = (table["adjusted"] * table["people"]).groupby(table["state"]).sum()
    of_state = weighted / table.groupby("state")["people"].sum()
    percent = rows["fips"].map(table.set_index("fips")["adjusted"])
    missing = percent.isna()
    percent = percent.fillna(rows["state"].map(of_state))
    if percent.isna().any():
        county, state = rows.loc[percent.isna(), ["county", "state"]].iloc[0]
        raise ValueError(
            f"{DIABETES.file}: no row of {county} nor of any county of {state}; expected one"
        )
    return percent.to_numpy(dtype=float), missing.to_numpy(dtype=bool)


def _all_or_none(rows: pd.DataFrame, table: pd.DataFrame) -> None:
    """CDC has all counties of a state as they are now or, as for Connecticut, none of them."""
    for state, counties in rows.groupby("state")["fips"]:
        wanted, known = set(counties), set(table.loc[table["state"] == state, "fips"])
        if wanted & known and wanted != known:
            code = min(wanted ^ known)
            line = int(table.index[table["fips"] == code][0]) + 2 if code in known else 1
            what = f"{code} is no county of" if code in known else f"no row of {code} in"
            raise ValueError(
                f"{DIABETES.file}:{line}: {what} {state}; expected its counties as {COUNTIES.file} "
                "has them"
            )


def _frame(table: Table, folder: Path) -> pd.DataFrame:
    path = Path(folder) / "geography" / table.file
    # Keys of other tables are those of counties, which name metropolitan areas.
    return _read_once(path, _stamps(folder, table.file, COUNTIES.file, AREAS.file))


def _stamps(folder: Path, *names: str) -> tuple[int, ...]:
    return last_saved(Path(folder) / "geography" / name for name in names)


@lru_cache(maxsize=32)
def _read_once(path: Path, stamps: tuple[int, ...]) -> pd.DataFrame:
    table = _TABLES[path.name]
    keys = {
        name: frozenset(_frame(_TABLES[f"{name}.csv"], path.parent.parent).iloc[:, 0])
        for name in set((table.references or {}).values())
    }
    rows = read_table(path, table, keys=keys)
    _near_their_counties(table, rows, path.parent.parent)
    return rows


@dataclass(frozen=True, slots=True)
class Area:
    """Some counties under one name.

    Attributes
    ----------
    name : str
        What the area is called.
    fips : tuple of str
        Codes of its counties in rising order, of five digits each.

    Raises
    ------
    ValueError
        If there is no county, or one is given twice.
    """

    name: str
    fips: tuple[str, ...]

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "fips", tuple(sorted(self.fips)))
        if not self.fips:
            raise ValueError(f"{self.name}: no county; expected one or more")
        for code, following in itertools.pairwise(self.fips):
            if code == following:
                raise ValueError(f"{self.name}: county {code} is there twice; expected it once")


def by_fips(fips: Sequence[str], *, name: str | None = None, folder: Path = DATA) -> Area:
    """The area of the counties with these codes.

    Parameters
    ----------
    fips : sequence of str
        Codes of five digits, such as ["06037", "06059"].
    name : str, optional
        What the area is called; by default the names of its counties.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Raises
    ------
    ValueError
        If a code is not that of a county of the 50 states or DC.
    TypeError
        If `fips` is a single text.
    """
    if isinstance(fips, str):
        raise TypeError(f"fips is {fips!r}; expected a list of codes")
    known = read_counties(folder=folder)
    names = dict(zip(known.fips.tolist(), known.name.tolist(), strict=True))
    for code in fips:
        if code not in names:
            raise ValueError(_unknown_county(code, names, folder))
    label = "; ".join(names[code] for code in fips[:3])
    more = f" and {len(fips) - 3} more counties" if len(fips) > 3 else ""
    return Area(label + more if name is None else name, tuple(fips))


def by_state(state: str, *, folder: Path = DATA) -> Area:
    """The area of all counties of a state.

    Parameters
    ----------
    state : str
        Two letters, such as "CA", or the name, such as "California"; "DC" counts as a state.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

    Raises
    ------
    ValueError
        If there is no such state; the message names one with a similar name.

    Examples
    --------
    >>> area = by_state("Vermont")
    >>> area.name, len(area.fips), area.fips[0]
    ('Vermont', 14, '50001')
    """
    rows = frame(COUNTIES, folder=folder)
    counties = rows[(rows["state"] == state) | (rows["state_name"] == state)]
    if counties.empty:
        near = difflib.get_close_matches(state, rows["state_name"].unique(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"no state {state!r}; expected two capital letters or the name of one of the "
            f"50 states or DC{hint}"
        )
    return Area(str(counties["state_name"].iloc[0]), tuple(counties["fips"]))


def everywhere(*, folder: Path = DATA) -> Area:
    """All counties of the 50 states and DC."""
    return Area("United States", tuple(read_counties(folder=folder).fips.tolist()))


def metropolitan_areas(*, folder: Path = DATA) -> pd.DataFrame:
    """Metropolitan, micropolitan and combined areas: columns code, title and kind."""
    return frame(AREAS, folder=folder)


def by_metropolitan_area(code: str, *, folder: Path = DATA) -> Area:
    """The counties of a metropolitan or micropolitan area, or of a combined one.

    `code` is one that `metropolitan_areas` lists, of five digits, or three if combined: 31080 is
    Los Angeles-Long Beach-Anaheim, CA. The error for an unknown code gives the codes of areas with
    such a title.
    """
    table = metropolitan_areas(folder=folder)
    titles = dict(zip(table["code"], table["title"], strict=True))
    if code not in titles:
        alike = table[table["title"].str.contains(str(code), case=False, regex=False)]
        hint = "".join(f"; {c} is {t}" for c, t in alike[["code", "title"]].to_numpy()[:3])
        raise ValueError(f"no metropolitan area {code!r}; expected a code such as 31080{hint}")
    rows = frame(COUNTIES, folder=folder)
    column = "metropolitan" if len(code) == 5 else "combined"
    return Area(titles[code], tuple(rows.loc[rows[column] == code, "fips"]))


def within_km(
    lat: float, lon: float, km: float, *, name: str | None = None, folder: Path = DATA
) -> Area:
    """The counties whose population centre is within a great-circle distance of a point.

    `lat` and `lon` are degrees north and east (all longitudes of the lower 48 states are negative),
    `km` is in kilometres. A point far from the United States is refused, and so is a distance
    within which no county has its centre.
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


def great_circle_km(lat: ArrayLike, lon: ArrayLike, lats: ArrayLike, lons: ArrayLike) -> Floats:
    """Distances in km from a point (or n points) to others, shape (n,), by the haversine.

    All are in degrees north and east. The Earth is flattened: true distances differ by up to 0.6%.
    """
    from_lat, from_lon, to_lat, to_lon = map(np.radians, (lat, lon, lats, lons))
    half = np.sin((to_lat - from_lat) / 2) ** 2
    half = half + np.cos(from_lat) * np.cos(to_lat) * np.sin((to_lon - from_lon) / 2) ** 2
    # Rounding can bring the haversine of opposite points above 1.
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1))))


def county_centres(*, folder: Path = DATA) -> pd.DataFrame:
    """The population centre of each county: fips, county, state, lat, lon and rule.

    The rule is "census_2020", "zip_points" or "internal_point".
    """
    return _centres(Path(folder), _stamps(folder, *_TABLES)).copy()


@lru_cache(maxsize=4)
def _centres(folder: Path, stamps: tuple[int, ...]) -> pd.DataFrame:
    rows = frame(COUNTIES, folder=folder).set_index("fips")
    table = frame(ZIPS, folder=folder)
    of_zips = table[table["fips"] != ""].groupby("fips")[["lat", "lon"]].mean()
    of_people = frame(CENTRES, folder=folder).set_index("fips")[["lat", "lon"]]
    rows["rule"] = "internal_point"
    for rule, centres in (("zip_points", of_zips), ("census_2020", of_people)):
        known = rows.index.intersection(centres.index)
        rows.loc[known, ["lat", "lon"]] = centres.loc[known]
        rows.loc[known, "rule"] = rule
    return rows.reset_index()[["fips", "county", "state", "lat", "lon", "rule"]]


def caveats(area: Area, *, folder: Path = DATA) -> tuple[str, ...]:
    """Sentences on what is estimated or filled in for the counties of an area."""
    known = read_counties(folder=folder)
    inside = np.isin(known.fips, area.fips)
    sentences = []
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
            sentences.append(f"{states}: {sentence}")
    return tuple(sentences)


def places_of(area: Area, known: Counties) -> NDArray[np.intp]:
    """Where the counties of an area stand among all."""
    at = np.searchsorted(known.fips, area.fips)
    missing = known.fips[np.minimum(at, known.fips.size - 1)] != np.array(area.fips)
    if missing.any():
        code = area.fips[int(np.argmax(missing))]
        raise ValueError(
            f"{area.name}: no county {code!r}; expected the five digits of one of 2023"
        )
    return at


def _unknown_county(code: object, names: dict[str, str], folder: Path) -> str:
    if not isinstance(code, str):
        return f"county {code!r}; expected five digits as text, such as '06037'"
    before = frame(DIABETES, folder=folder).set_index("fips")["state"]
    if code in before.index:
        now = [new for new, name in names.items() if name.endswith(f", {before[code]}")]
        return f"no county {code!r} in 2023; expected one of its state, {', '.join(now)}"
    return f"no county {code!r}; expected five digits of a county of the 50 states or DC, 2023"


# --- Who chooses this clinic ---------------------------------------------------------------------

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
    draws : DataFrame, one row per draw
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
    people = _share_of_people(folder)[places_of(area, read_counties(folder=folder))]
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
    people = np.cumsum(_share_of_people(folder)[at][order])
    return float(away[order][np.searchsorted(people, people[-1] / 2)])


def site_of(area: Area, *, folder: Path = DATA) -> tuple[float, float]:
    """Where a clinic of the area stands if nobody says: at the people of its largest county."""
    at = places_of(area, read_counties(folder=folder))
    largest = at[int(np.argmax(_share_of_people(folder)[at]))]
    row = county_centres(folder=folder).iloc[largest]
    return float(row["lat"]), float(row["lon"])


def _share_of_people(folder: Path) -> Floats:
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
    people = _share_of_people(folder)
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
