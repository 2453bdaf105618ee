"""The files of `data/population/`: what each holds, read into checked arrays."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.evidence.distributions import Floats
from plcore.evidence.population.series import SEXES
from plcore.evidence.table import Check, Column, Table, number, one_of, read_table, text, whole

#: First and last year of the files; the UN's last group of mortality rates is 2060-2065.
FIRST_YEAR, LAST_YEAR = 1950, 2060
#: The UN prints every fifth year; the last that is an estimate, then three projections.
UN_STEP, UN_LAST_ESTIMATE = 5, 2020
#: Ages at which the UN's groups begin; the last is open.
UN_AGES = (*range(0, 100, 5), 100)
UN_MORTALITY_AGES = (0, 1, *range(5, 100, 5), 100)
#: Last ages of the Census files to 1979 and 2020-2023, and of the SSA's death rates; both open.
CENSUS_OPEN_AGE, SSA_OPEN_AGE = 85, 119

_PEOPLE = whole(0)
# 10 a year would empty an age in five weeks; a rate of 0 cannot be told from a missing one.
_RATE = number(1e-7, 10)


def _ages(starts: Sequence[int]) -> tuple[str, ...]:
    closed = (
        str(start) if end == start + 1 else f"{start}_{end - 1}"
        for start, end in itertools.pairwise(starts)
    )
    return (*closed, f"{starts[-1]}_and_over")


def _table(
    file: str, starts: Sequence[int], check: Check, *, year: str = "year", keys: tuple[Column, ...]
) -> Table:
    by = (*keys, Column(year, whole(1900, 2200)), Column("sex", one_of(*SEXES)))
    return Table(
        file=file,
        columns=(*by, *(Column(age, check) for age in _ages(starts))),
        key=tuple(column.name for column in by),
    )


_AREA = Column("area", text(r"[A-Z]{3}", "a code of three capital letters"))
_VARIANT = Column("variant", one_of("estimate", "medium", "high", "low"))

RESIDENT_1950 = _table("us_resident_1950_1979.csv.gz", range(CENSUS_OPEN_AGE + 1), _PEOPLE, keys=())
RESIDENT_1980 = _table("us_resident_1980_2019.csv.gz", range(101), _PEOPLE, keys=())
RESIDENT_2020 = _table("us_resident_2020_2023.csv", range(CENSUS_OPEN_AGE + 1), _PEOPLE, keys=())
RESIDENT_2024 = _table("us_resident_2024_2060.csv.gz", range(101), _PEOPLE, keys=())
SOCIAL_SECURITY = _table("us_social_security_area_1950_2060.csv.gz", range(101), _PEOPLE, keys=())
US_MORTALITY = _table("us_mortality_1950_2060.csv.gz", range(SSA_OPEN_AGE + 1), _RATE, keys=())
UN_POPULATION = _table("un_population_1950_2060.csv.gz", UN_AGES, _PEOPLE, keys=(_AREA, _VARIANT))
UN_MORTALITY = _table(
    "un_mortality_1950_2064.csv.gz", UN_MORTALITY_AGES, _RATE, year="period_start", keys=(_AREA,)
)


def us_block(folder: Path, table: Table, first: int, last: int) -> Floats:
    """A file of the United States: shape (n_years, 2, n_ages), ages as the file has them."""
    years = np.arange(first, last + 1)
    return _block(folder, table, {}, years)


def un_block(folder: Path, table: Table, where: Mapping[str, str], years: Sequence[int]) -> Floats:
    """One area (and variant) of a UN file: shape (n_years, 2, n_groups)."""
    return _block(folder, table, where, np.asarray(years))


def un_areas(folder: Path, table: Table) -> dict[str, tuple[str, ...]]:
    """The areas of a UN file, each with its variants (none in a file that has no variants)."""
    frame = _frame(folder, table)
    if "variant" not in frame:
        return {str(area): () for area in sorted(frame["area"].unique())}
    return {
        str(area): tuple(str(v) for v in rows["variant"].unique())
        for area, rows in frame.groupby("area", sort=True)
    }


def _block(folder: Path, table: Table, where: Mapping[str, str], years: np.ndarray) -> Floats:
    frame = _frame(folder, table)
    rows = frame
    for column, value in where.items():
        rows = rows[rows[column] == value]
    year = table.key[-2]
    wanted = [(int(y), sex) for y in years for sex in SEXES]
    found = list(zip(rows[year], rows["sex"], strict=True))
    if found != wanted:
        raise ValueError(_gap(table, rows.index, found, wanted, ", ".join(where.values())))
    cells = rows.iloc[:, len(table.key) :].to_numpy(dtype=float)
    return cells.reshape(years.size, len(SEXES), -1)


def _gap(
    table: Table,
    lines: pd.Index,
    found: list[tuple[int, str]],
    wanted: list[tuple[int, str]],
    of: str,
) -> str:
    pairs = enumerate(itertools.zip_longest(found, wanted))
    place = next(i for i, (have, want) in pairs if have != want)
    # The header is line 1, and no cell of these files can hold a line end.
    line = int(lines[place]) + 2 if place < len(found) else int(lines[-1]) + 2 if len(lines) else 1
    seen = " ".join(map(str, found[place])) if place < len(found) else "nothing more"
    right = " ".join(map(str, wanted[place])) if place < len(wanted) else "nothing more"
    label = f" of {of}" if of else ""
    return (
        f"{table.file}:{line}: {table.key[-2]} and sex{label} are {seen}; expected {right} "
        "(every year in turn, male before female)"
    )


def _frame(folder: Path, table: Table) -> pd.DataFrame:
    path = Path(folder) / "population" / table.file
    return _read_once(path, path.stat().st_mtime_ns if path.exists() else 0, table.file)


@lru_cache(maxsize=32)
def _read_once(path: Path, stamp: int, file: str) -> pd.DataFrame:
    # A file that an analyst saves again has another stamp and is read again.
    return read_table(path, _TABLES[file])


_TABLES = {
    table.file: table
    for table in (
        RESIDENT_1950, RESIDENT_1980, RESIDENT_2020, RESIDENT_2024, SOCIAL_SECURITY, US_MORTALITY,
        UN_POPULATION, UN_MORTALITY,
    )
}  # fmt: skip
