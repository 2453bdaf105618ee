"""The files of `data/geography/`: what each holds, and the counties as checked arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.population import SEXES
from plcore.evidence.table import (
    Cell,
    Column,
    Row,
    Table,
    number,
    one_of,
    ordered,
    read_table,
    text,
    whole,
)

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
        found = (row["state"], row.get("state_name", ""))
        first = codes.setdefault(code, found)
        if first != found:
            column = "state" if first[0] != found[0] else "state_name"
            yield place, column, f"{first[column != 'state']}, as in other counties of {code}"
        elif states.setdefault(found[0], code) != code:
            yield place, "state", f"another than that of counties of {states[found[0]]}"


def _rate_agrees(row: Row) -> Iterator[tuple[str, str]]:
    rate = 1e5 * float(row["discharges"]) / float(row["adults"])
    # Printed to one decimal.
    if abs(rate - float(row["rate"])) > 0.051:
        yield "rate", f"{rate:.1f}, as discharges and adults give"
    if (row["coding"] == "icd9") != (float(row["year"]) <= 2015):
        yield "coding", "icd9 to 2015, icd10 after"


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
    rules=(ordered("crude_low", "crude", "crude_high"),),
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
)
_TABLES = {
    table.file: table for table in (COUNTIES, AREAS, PEOPLE, DIABETES, CENTRES, ZIPS, AMPUTATIONS)
}


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
    """One table of `data/geography/`, each cell checked."""
    return _frame(table, folder).copy()


def read_counties(*, folder: Path = DATA) -> Counties:
    """The counties with their people and their diabetes.

    Raises
    ------
    ValueError
        With the faults of a file; or if a county lacks a row of people, or its state has no
        percentage of diabetes.
    """
    return _counties(Path(folder), stamps(folder))


def stamps(folder: Path) -> tuple[int, ...]:
    """When each file was saved: one that an analyst saves again must be read again."""
    paths = [Path(folder) / "geography" / file for file in _TABLES]
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


@lru_cache(maxsize=4)
def _counties(folder: Path, saved: tuple[int, ...]) -> Counties:
    rows = _frame(COUNTIES, folder)
    people = _people(rows, folder)
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
    found = list(zip(table["fips"], table["sex"], strict=True))
    wanted = [(fips, sex) for fips in rows["fips"] for sex in SEXES]
    if found != wanted:
        missing = sorted(set(wanted) - set(found))
        unknown = sorted(set(found) - set(wanted))
        shown = " ".join((missing or unknown or found)[0])
        what = "no row of" if missing else "a row of unknown" if unknown else "out of order:"
        raise ValueError(
            f"{PEOPLE.file}: {what} {shown}; expected each county of {COUNTIES.file} in turn, "
            "male before female"
        )
    cells = table.iloc[:, 2:].to_numpy(dtype=float)
    return cells.reshape(len(rows), len(SEXES), -1).transpose(0, 2, 1)


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
    """Of a state, CDC has the same counties, or other ones altogether, as of Connecticut."""
    for state, counties in rows.groupby("state")["fips"]:
        wanted, found = set(counties), set(table.loc[table["state"] == state, "fips"])
        if wanted & found and wanted != found:
            code = min(wanted ^ found)
            line = int(table.index[table["fips"] == code][0]) + 2 if code in found else 1
            what = f"{code} is no county of" if code in found else f"no row of {code} in"
            raise ValueError(
                f"{DIABETES.file}:{line}: {what} {state}; expected its counties as {COUNTIES.file} "
                "has them"
            )


def _frame(table: Table, folder: Path) -> pd.DataFrame:
    path = Path(folder) / "geography" / table.file
    return _read_once(path, _saved(path), *(_saved(part) for part in _named_by(path)))


def _saved(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _named_by(path: Path) -> list[Path]:
    """The files of whose keys a file makes use, near ones first."""
    names = sorted(set((_TABLES[path.name].references or {}).values()))
    direct = [path.parent / f"{name}.csv" for name in names]
    return direct + [part for each in direct for part in _named_by(each)]


@lru_cache(maxsize=32)
def _read_once(path: Path, *stamps: int) -> pd.DataFrame:
    keys = {
        target: frozenset(_frame(_TABLES[f"{target}.csv"], path.parent.parent).iloc[:, 0])
        for target in set((_TABLES[path.name].references or {}).values())
    }
    return read_table(path, _TABLES[path.name], keys=keys)
