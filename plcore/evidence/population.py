"""People and mortality by single year of age (0 to 99, and 100 and over), sex and year, 1950-2060.

`read_population` and `read_mortality` give one area as arrays with axes (year, sex, age): the
United States from the single-year tables of the Census Bureau and of Social Security, twelve other
areas (eleven countries and the world) from the five-year tables of the United Nations.
`data/README.md` has every file, vintage and rule.

Age groups are split into single years of age, and every fifth year into single years of time: what
a group held before the split, it holds after. Arrays in, arrays out; the last axis is age.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from plcore.evidence.columns import jumps
from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.table import Check, Column, Table, number, one_of, read_table, text, whole
from plcore.inputs import checks_kinds

#: Order of the sex axis.
SEXES = ("male", "female")
#: Completed years of age; the last is open: 100 and over.
AGES = np.arange(101)
AGES.setflags(write=False)
#: First and last year of the files; the UN's last group of mortality rates is 2060-2065.
FIRST_YEAR, LAST_YEAR = 1950, 2060
#: Populations of the United States, the default first; other areas have the UN's medium variant.
US_VARIANTS = ("resident", "social_security_area", "un_medium", "un_high", "un_low")
_UN_MEDIUM = "un_medium"
#: Mortality of the United States, the default first; other areas have the UN's.
US_MORTALITIES = ("observed", "social_security", "un")
#: Years in which many died of COVID-19, which the Social Security's rates leave out.
_OBSERVED_DEATHS = (2020, 2021, 2022)
#: The UN prints every fifth year; the last that is an estimate, then three projections.
_UN_STEP, _UN_LAST_ESTIMATE = 5, 2020
#: Ages at which the UN's groups begin; the last is open.
_UN_AGES = (*range(0, 100, 5), 100)
_UN_MORTALITY_AGES = (0, 1, *range(5, 100, 5), 100)
#: Last ages of the Census files to 1979 and 2020-2023, and of the death rates of Social Security
#: and of the Human Mortality Database; all open.
_CENSUS_OPEN_AGE, _SSA_OPEN_AGE, _HMD_OPEN_AGE = 85, 119, 110
_OPEN_AGE = int(AGES[-1])
#: The spline needs an end: nearly all of the people of 100 and over are younger than this.
_SPLINE_END = _OPEN_AGE + 5
#: Beyond it a straight line loses too many too late: on Census groups of 1980-2015, thinned to
#: every fifth year, it was off less when ages above 89 were not followed (2.1 against 3.1% of a
#: single age at 85 and over).
_OLDEST_FOLLOWED = 89


def _ages(starts: Sequence[int]) -> tuple[str, ...]:
    closed = (
        str(start) if end == start + 1 else f"{start}_{end - 1}"
        for start, end in itertools.pairwise(starts)
    )
    return (*closed, f"{starts[-1]}_and_over")


def _table(
    file: str, starts: Sequence[int], check: Check, *, year: str = "year", keys: tuple[Column, ...]
) -> Table:
    """A file of `data/population/`: one row per year and sex, one column per age or age group."""
    by = (*keys, Column(year, whole(1900, 2200)), Column("sex", one_of(*SEXES)))
    return Table(
        file=file,
        columns=(*by, *(Column(age, check) for age in _ages(starts))),
        key=tuple(column.name for column in by),
    )


_PEOPLE = whole(0)
# 10 a year would empty an age in five weeks; a rate of 0 cannot be told from a missing one.
_RATE = number(1e-7, 10)
_CENSUS_AGES, _SINGLE_AGES = range(_CENSUS_OPEN_AGE + 1), range(_OPEN_AGE + 1)
_AREA = Column("area", text(r"[A-Z]{3}", "a code of three capital letters"))
_VARIANT = Column("variant", one_of("estimate", "medium", "high", "low"))
_SOCIAL_SECURITY = _table(
    "us_social_security_area_1950_2060.csv.gz", _SINGLE_AGES, _PEOPLE, keys=()
)
_US_MORTALITY = _table("us_mortality_1950_2060.csv.gz", range(_SSA_OPEN_AGE + 1), _RATE, keys=())
_US_DEATHS = _table("us_mortality_2020_2022.csv", range(_HMD_OPEN_AGE + 1), _RATE, keys=())
_UN_POPULATION = _table("un_population_1950_2060.csv.gz", _UN_AGES, _PEOPLE, keys=(_AREA, _VARIANT))
_UN_MORTALITY = _table(
    "un_mortality_1950_2064.csv.gz", _UN_MORTALITY_AGES, _RATE, year="period_start", keys=(_AREA,)
)
_SPLIT = "ssa_tr2024_population"
#: The resident population: each file, its first and last year, and its sources.
_RESIDENT = (
    (_table("us_resident_1950_1979.csv.gz", _CENSUS_AGES, _PEOPLE, keys=()),
     1950, 1979, f"census_1940_2019;{_SPLIT}"),
    (_table("us_resident_1980_2019.csv.gz", _SINGLE_AGES, _PEOPLE, keys=()),
     1980, 2019, "census_1940_2019"),
    (_table("us_resident_2020_2023.csv", _CENSUS_AGES, _PEOPLE, keys=()),
     2020, 2023, f"census_v2023;{_SPLIT}"),
    (_table("us_resident_2024_2060.csv.gz", _SINGLE_AGES, _PEOPLE, keys=()),
     2024, 2060, "census_np2023"),
)  # fmt: skip
#: Every file of `data/population/`.
TABLES_OF_PEOPLE = (
    _SOCIAL_SECURITY, _US_MORTALITY, _US_DEATHS, _UN_POPULATION, _UN_MORTALITY,
    *(table for table, *_ in _RESIDENT),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """How many people live in an area at mid-year, by year, sex and age.

    Attributes
    ----------
    area : str
        ISO 3166 code of three letters, or WLD.
    variant : str
        Which population or projection, such as "resident".
    years : ndarray of int, shape (n_years,)
        Consecutive.
    people : ndarray, shape (n_years, 2, 101)
        Sexes in the order of `SEXES`, ages in that of `AGES`. Read-only.
    source : tuple of str, length n_years
        Keys of `sources.csv` for each year, separated by semicolons.
    extrapolated : ndarray of bool, shape (n_years,)
        Years outside the data.

    Raises
    ------
    ValueError
        If years are missing or out of order, shapes differ, or a cell is negative or not finite.
    """

    area: str
    variant: str
    years: NDArray[np.int_]
    people: Floats
    source: tuple[str, ...]
    extrapolated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _settle(self, "people")


@dataclass(frozen=True, slots=True, eq=False)
class Mortality:
    """How fast the people of an area die, by year, sex and age.

    Attributes
    ----------
    area : str
        ISO 3166 code of three letters, or WLD.
    variant : str
        Which series of death rates, such as "observed".
    years : ndarray of int, shape (n_years,)
        Consecutive.
    hazard : ndarray, shape (n_years, 2, 101)
        Deaths per person-year in the calendar year (the m of a life table). Sexes in the order of
        `SEXES`, ages in that of `AGES`. Read-only.
    source : tuple of str, length n_years
        Keys of `sources.csv` for each year, separated by semicolons.
    extrapolated : ndarray of bool, shape (n_years,)
        Years outside the data.

    Raises
    ------
    ValueError
        If years are missing or out of order, shapes differ, or a cell is negative or not finite.
    """

    area: str
    variant: str
    years: NDArray[np.int_]
    hazard: Floats
    source: tuple[str, ...]
    extrapolated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _settle(self, "hazard")


@checks_kinds
def total(population: Population, year: int, *, age_from: int = 0) -> float:
    """The number of people in a year, of all ages or from an age on.

    Parameters
    ----------
    population : Population
        The people of an area, as `read_population` gives them.
    year : int
        A year of the population.
    age_from : int
        Lowest age counted, 0 to 100.

    Raises
    ------
    ValueError
        If the population does not have the year or the age.

    Examples
    --------
    >>> round(total(read_population("USA"), 2023))
    334914895
    """
    if not 0 <= age_from <= AGES[-1]:
        raise ValueError(f"age_from is {age_from}; expected an age from 0 to {AGES[-1]}")
    first, last = (int(population.years[place]) for place in (0, -1))
    if not first <= year <= last or year != int(year):
        raise ValueError(f"year is {year}; expected a year from {first} to {last}")
    return float(population.people[int(year) - first, :, age_from:].sum())


def areas(*, folder: Path = DATA) -> tuple[str, ...]:
    """Codes of the areas that have both people and mortality: ISO 3166, or WLD for the world."""
    people, deaths = (set(_frame(folder, file)["area"]) for file in (_UN_POPULATION, _UN_MORTALITY))
    return tuple(sorted(people & deaths))


def variants(area: str) -> tuple[str, ...]:
    """The variants of the population of an area, the default first."""
    return US_VARIANTS if area == "USA" else (_UN_MEDIUM,)


@checks_kinds
def read_population(
    area: str = "USA",
    *,
    variant: str | None = None,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
    extrapolate: bool = False,
    folder: Path = DATA,
) -> Population:
    """The people of an area at mid-year, by single year of age, sex and year.

    Parameters
    ----------
    area : str
        "USA", or another ISO 3166 code in the files of the UN, or "WLD" for the world.
    variant : str, optional
        For the USA "resident" (the default; Census Bureau: estimates to 2023, the middle projection
        of 2023 after), "social_security_area" (adds territories and people overseas), "un_medium",
        "un_high" or "un_low"; for other areas "un_medium".
    first_year, last_year : int
        Both included; the data have 1950 to 2060.
    extrapolate : bool
        Whether years outside the data may be asked for. The nearest year is then repeated as it
        is, and marked in `extrapolated`.
    folder : Path
        Where the tables are read.

    Returns
    -------
    Population

    Raises
    ------
    ValueError
        If the area, the variant or a year is not in the data, or with the faults of a file.

    Notes
    -----
    People of 85 and over, whom the Census Bureau does not split before 1980 nor in the table of
    2020-2023, are shared out like those of the Social Security area of the same year and sex. The
    UN's five-year groups are split by a monotone spline in the years printed, so that every printed
    total is kept; between those years generations are followed as they grow older.

    Examples
    --------
    >>> people = read_population("USA", first_year=2005, last_year=2050).people
    >>> people.shape
    (46, 2, 101)
    """
    chosen = _chosen(area, variant, variants(area), "population", folder)
    years, used = _years(first_year, last_year, extrapolate)
    if chosen == "resident":
        people, source = _resident(folder)
    elif chosen == "social_security_area":
        people = _block(folder, _SOCIAL_SECURITY, range(FIRST_YEAR, LAST_YEAR + 1))
        source = (_SPLIT,) * people.shape[0]
    else:
        people = _un_people(folder, area, chosen.removeprefix("un_"))
        source = ("wpp2019_population",) * people.shape[0]
    place = used - FIRST_YEAR
    return Population(
        area, chosen, years, people[place], tuple(source[i] for i in place), years != used
    )


def read_mortality(
    area: str = "USA",
    *,
    variant: str | None = None,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
    extrapolate: bool = False,
    folder: Path = DATA,
) -> Mortality:
    """Deaths per person-year in an area, by single year of age, sex and calendar year.

    Parameters
    ----------
    area : str
        "USA", or another ISO 3166 code in the files of the UN, or "WLD" for the world.
    variant : str, optional
        For the USA "observed" (the default: Social Security, but 2020-2022 as they were, from the
        Human Mortality Database), "social_security" (Trustees Report 2020: rates to 2017 observed,
        later ones projected before COVID-19, so 2020-2022 are as if there had been none) or "un";
        for other areas "un" (2024 revision; its 2020-2025 includes COVID-19).
    first_year, last_year : int
        Both included; the data have 1950 to 2060.
    extrapolate : bool
        Whether years outside the data may be asked for. The nearest year is then repeated, without
        further improvement, and marked in `extrapolated`.
    folder : Path
        Where the tables are read.

    Returns
    -------
    Mortality

    Raises
    ------
    ValueError
        If the area, the variant or a year is not in the data, or with the faults of a file.

    Notes
    -----
    Social Security prints single ages to 119 and the Human Mortality Database to 110; 100 and over
    is their mean, weighted by the years lived at each age in a life table. The UN prints groups of ages for periods of five years from
    mid-year to mid-year. The hazard added up over each group is split by a monotone spline, so that
    survival through each group is the printed one; between the middles of the periods each
    logarithm follows a straight line, and before the first middle (1952) the first period holds.

    Examples
    --------
    >>> hazard = read_mortality("USA", first_year=2005, last_year=2005).hazard
    >>> print(hazard[0, :, 70].round(3))
    [0.028 0.018]
    """
    known = US_MORTALITIES if area == "USA" else US_MORTALITIES[-1:]
    chosen = _chosen(area, variant, known, "mortality", folder)
    years, used = _years(first_year, last_year, extrapolate)
    n_years = LAST_YEAR + 1 - FIRST_YEAR
    if chosen == "un":
        hazard, sources = _un_hazard(folder, area), ["wpp2024_mortality"] * n_years
    else:
        hazard = _close(_block(folder, _US_MORTALITY, range(FIRST_YEAR, LAST_YEAR + 1)))
        sources = ["ssa_tr2020_mortality"] * n_years
    if chosen == "observed":
        at = np.array(_OBSERVED_DEATHS) - FIRST_YEAR
        hazard[at] = _close(_block(folder, _US_DEATHS, _OBSERVED_DEATHS))
        for place in at:
            sources[place] = "hmd_usa_mortality"
    at = used - FIRST_YEAR
    return Mortality(area, chosen, years, hazard[at], tuple(sources[i] for i in at), years != used)


def _chosen(area: str, variant: str | None, known: tuple[str, ...], what: str, folder: Path) -> str:
    """The variant asked for, or the first that is known, of an area that the files have."""
    in_files = areas(folder=folder)
    if area not in in_files:
        both = f"{_UN_POPULATION.file} and {_UN_MORTALITY.file}"
        raise ValueError(
            f"area is {area!r}; expected one of {', '.join(in_files)}, which {both} both have"
        )
    chosen = known[0] if variant is None else variant
    if chosen not in known:
        raise ValueError(
            f"variant of {what} of {area} is {chosen!r}; expected one of {', '.join(known)}"
        )
    return chosen


def _years(first: int, last: int, extrapolate: bool) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    if first > last:
        raise ValueError(f"first_year is {first}; expected at most last_year ({last})")
    years = np.arange(first, last + 1)
    outside = years[(years < FIRST_YEAR) | (years > LAST_YEAR)]
    if outside.size and not extrapolate:
        raise ValueError(
            f"{outside[0]} lies outside the data, which have {FIRST_YEAR} to {LAST_YEAR}; "
            "expected years within, or extrapolate=True to repeat the nearest year"
        )
    return years, np.clip(years, FIRST_YEAR, LAST_YEAR)


def _resident(folder: Path) -> tuple[Floats, tuple[str, ...]]:
    wider = _block(folder, _SOCIAL_SECURITY, range(FIRST_YEAR, LAST_YEAR + 1))
    blocks: list[Floats] = []
    source: list[str] = []
    for table, first, last, keys in _RESIDENT:
        block = _block(folder, table, range(first, last + 1))
        opened = block.shape[-1] - 1
        if opened < _OPEN_AGE:
            pattern = wider[first - FIRST_YEAR : last + 1 - FIRST_YEAR, :, opened:]
            old = split_open_group(block[..., opened], pattern)
            block = np.concatenate([block[..., :opened], old], axis=-1)
        blocks.append(block)
        source += [keys] * block.shape[0]
    return np.concatenate(blocks), tuple(source)


def _un_people(folder: Path, area: str, variant: str) -> Floats:
    last = _UN_LAST_ESTIMATE
    estimated = range(FIRST_YEAR, last + 1, _UN_STEP)
    projected = range(last + _UN_STEP, LAST_YEAR + 1, _UN_STEP)
    groups = np.concatenate(
        [
            _block(folder, _UN_POPULATION, years, area=area, variant=name)
            for name, years in (("estimate", estimated), (variant, projected))
        ]
    )
    single = split_groups((*_UN_AGES, _SPLINE_END), groups)
    people = np.concatenate([single[..., :_OPEN_AGE], groups[..., -1:]], axis=-1)
    return along_cohorts(people, _UN_STEP, oldest=_OLDEST_FOLLOWED)


def _un_hazard(folder: Path, area: str) -> Floats:
    starts = range(FIRST_YEAR, LAST_YEAR + 1, _UN_STEP)
    rates = _block(folder, _UN_MORTALITY, starts, area=area)
    edges = np.array([*_UN_MORTALITY_AGES[1:], _SPLINE_END])
    # The first year of life stands apart: a spline through it would bend the next ones.
    later = split_groups(edges, rates[..., 1:] * np.diff(edges))
    before_100 = later[..., : _OPEN_AGE - int(edges[0])]
    hazard = np.concatenate([rates[..., :1], before_100, rates[..., -1:]], axis=-1)
    # A period runs from mid-year to mid-year (1950.5-1955.5), a calendar year y is about y + 0.5.
    middles = np.array(starts) + _UN_STEP / 2
    years = np.arange(FIRST_YEAR, LAST_YEAR + 1)
    return np.asarray(np.exp(between_years(middles, np.log(hazard), years)))


def _close(hazard: Floats) -> Floats:
    old = hazard[..., _OPEN_AGE:]
    alive = np.exp(-(np.cumsum(old, axis=-1) - old))
    lived = alive * -np.expm1(-old) / old
    # The last age is itself open: those alive there live 1 / hazard years more.
    lived[..., -1] = alive[..., -1] / old[..., -1]
    closed = (old * lived).sum(axis=-1) / lived.sum(axis=-1)
    return np.concatenate([hazard[..., :_OPEN_AGE], closed[..., None]], axis=-1)


def _settle(series: Population | Mortality, name: str) -> None:
    label = f"{type(series).__name__} of {series.area}"
    years = np.array(series.years)
    values = np.array(getattr(series, name), dtype=float)
    extrapolated = np.array(series.extrapolated, dtype=bool)
    if years.ndim != 1 or years.size == 0 or years.dtype.kind != "i":
        raise ValueError(f"{label}: years are {years!r}; expected whole years, at least one")
    gaps = np.flatnonzero(np.diff(years) != 1)
    if gaps.size:
        before, after = int(years[gaps[0]]), int(years[gaps[0] + 1])
        raise ValueError(f"{label}: {after} follows {before}; expected {before + 1}, without a gap")
    expected = (years.size, len(SEXES), AGES.size)
    if values.shape != expected:
        raise ValueError(f"{label}: {name} has shape {values.shape}; expected {expected}")
    if len(series.source) != years.size or extrapolated.shape != years.shape:
        raise ValueError(f"{label}: expected a source and a mark of extrapolation for each year")
    bad = np.argwhere(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        i, j, k = (int(index) for index in bad[0])
        raise ValueError(
            f"{label}: {name} in {years[i]}, {SEXES[j]}, age {k} is {values[i, j, k]:g}; "
            "expected a number of 0 or more"
        )
    for field, array in (("years", years), (name, values), ("extrapolated", extrapolated)):
        array.setflags(write=False)
        object.__setattr__(series, field, array)


def _block(
    folder: Path, table: Table, years: Sequence[int], *, area: str = "", variant: str = ""
) -> Floats:
    """The rows of some years (of one area and variant): shape (n_years, 2, n_ages)."""
    rows = _frame(folder, table)
    place = {name: value for name, value in (("area", area), ("variant", variant)) if value}
    for column, value in place.items():
        rows = rows[rows[column] == value]
    year = table.key[-2]
    expected = [(y, sex) for y in years for sex in SEXES]
    present = list(zip(rows[year], rows["sex"], strict=True))
    if present != expected:
        raise ValueError(_gap(table, rows.index, present, expected, ", ".join(place.values())))
    cells = rows.iloc[:, len(table.key) :].to_numpy(dtype=float)
    return cells.reshape(len(years), len(SEXES), -1)


def _gap(
    table: Table,
    lines: pd.Index,
    present: list[tuple[int, str]],
    expected: list[tuple[int, str]],
    area: str,
) -> str:
    """The first place at which the rows are not those that were expected."""
    pairs = enumerate(itertools.zip_longest(present, expected))
    place = next(i for i, (one, other) in pairs if one != other)
    # The header is line 1, and no cell of these files can hold a line end.
    line = int(lines[min(place, len(lines) - 1)]) + 2 if len(lines) else 1
    row, right = (
        " ".join(map(str, rows[place])) if place < len(rows) else "nothing more"
        for rows in (present, expected)
    )
    return (
        f"{table.file}:{line}: {table.key[-2]} and sex{f' of {area}' if area else ''} are {row}; "
        f"expected {right} (every year in turn, male before female)"
    )


def _frame(folder: Path, table: Table) -> pd.DataFrame:
    path = Path(folder) / "population" / table.file
    # A file that an analyst saves again has another stamp and is read again.
    return _read_once(path, path.stat().st_mtime_ns if path.exists() else 0, table)


@lru_cache(maxsize=32)
def _read_once(path: Path, stamp: int, table: Table) -> pd.DataFrame:
    rows = read_table(path, table)
    _smooth(rows, table)
    return rows


#: Along a generation, and along the ages of a year.
_DIRECTIONS = ((1, 1), (0, 1))


def _smooth(rows: pd.DataFrame, table: Table) -> None:
    """Refuse a cell that jumps against its neighbours; people of an open group are passed over."""
    names = [column.name for column in table.columns[len(table.key) :]]
    closed = [name for name in names if not name.endswith("over")]
    by = [name for name in table.key if name != table.key[-2]]
    for _, block in rows.groupby(by, sort=False):
        found = jumps(block[closed].to_numpy(dtype=float), _DIRECTIONS)
        if found.size:
            row, place = (int(index) for index in found[0])
            year, column = block[table.key[-2]], closed[place]
            raise ValueError(
                f"{table.file}:{block.index[row] + 2}: {column} is {block[column].iloc[row]:g}; "
                f"expected a number near those of the years and ages around it, such as "
                f"{block[column].iloc[row - 1]:g} in {year.iloc[row - 1]} and "
                f"{block[column].iloc[row + 1]:g} in {year.iloc[row + 1]}"
            )


# --- Age groups into single years of age, years into a series ------------------------------------


def split_groups(edges: ArrayLike, totals: ArrayLike) -> Floats:
    """The total of each single year of age, from the totals of age groups.

    A spline runs through the cumulative totals and is read at each age, so that every group keeps
    its total and no age falls below zero. It is the natural cubic spline, with its slopes limited
    where it would turn back (Hyman 1983, eq. 2.4).

    Parameters
    ----------
    edges : array_like, shape (n_groups + 1,)
        Exact ages at which the groups begin, and the one at which the last ends: whole numbers
        that increase, such as 0, 5, 10, ..., 100.
    totals : array_like, shape (..., n_groups)
        What each group holds: people, or a rate times the years of age in the group.

    Returns
    -------
    ndarray, shape (..., edges[-1] - edges[0])

    Raises
    ------
    ValueError
        If the edges do not increase by whole years, the shapes differ, there are fewer than two
        groups, or a total is negative or not finite.

    References
    ----------
    Hyman JM (1983). Accurate monotonicity preserving cubic interpolation. SIAM Journal on
    Scientific and Statistical Computing 4:645-654.
    """
    at = np.asarray(edges, dtype=float)
    held = np.asarray(totals, dtype=float)
    _check_groups(at, held)
    sums = np.concatenate([np.zeros((*held.shape[:-1], 1)), np.cumsum(held, axis=-1)], axis=-1)
    density = held / np.diff(at)
    before = np.concatenate([density[..., :1], density], axis=-1)
    after = np.concatenate([density, density[..., -1:]], axis=-1)
    slopes = CubicSpline(at, sums, axis=-1, bc_type="natural")(at, 1)
    # Slopes from 0 to 3 times the lesser neighbour keep the curve between knots from falling.
    limited = np.clip(slopes, 0, 3 * np.minimum(before, after))
    ages = np.arange(at[0], at[-1] + 1)
    split = np.diff(CubicHermiteSpline(at, sums, limited, axis=-1)(ages), axis=-1)
    return _scaled_to(held, np.maximum(split, 0), np.diff(at).astype(int))


def split_open_group(total: ArrayLike, pattern: ArrayLike) -> Floats:
    """An open age group divided among single ages in proportion to another population.

    Parameters
    ----------
    total : array_like, shape (...)
        What the open group holds, such as people of 85 and over.
    pattern : array_like, shape (..., n_ages)
        Another population's people at these ages, the last age open as well.

    Returns
    -------
    ndarray, shape (..., n_ages)

    Raises
    ------
    ValueError
        If a number is negative or not finite, or a pattern holds nobody where the group does not.
    """
    held = np.asarray(total, dtype=float)
    like = np.asarray(pattern, dtype=float)
    for name, values in (("total", held), ("pattern", like)):
        _check_not_negative(name, values)
    if like.ndim != held.ndim + 1 or like.shape[:-1] != held.shape:
        raise ValueError(f"pattern has shape {like.shape}; expected {held.shape} and one axis more")
    people = like.sum(axis=-1)
    if np.any((people == 0) & (held > 0)):
        raise ValueError("pattern holds nobody; expected people wherever the group has some")
    return np.asarray(held[..., None] * like / np.where(people == 0, 1, people)[..., None])


def between_years(years: ArrayLike, values: ArrayLike, wanted: ArrayLike) -> Floats:
    """Values in the years wanted, on straight lines between the years given, age by age.

    Parameters
    ----------
    years : array_like, shape (n_given,)
        Increasing.
    values : array_like, shape (n_given, ...)
    wanted : array_like, shape (n_wanted,)
        Before the first given year and after the last, the nearest value holds.

    Returns
    -------
    ndarray, shape (n_wanted, ...)
    """
    given, at = np.asarray(years, dtype=float), np.asarray(wanted, dtype=float)
    known = np.asarray(values, dtype=float)
    inside = np.clip(at, given[0], given[-1])
    left = np.clip(np.searchsorted(given, inside, side="right") - 1, 0, max(given.size - 2, 0))
    right = np.minimum(left + 1, given.size - 1)
    gap = np.where(right > left, given[right] - given[left], 1)
    weight = ((inside - given[left]) / gap).reshape(-1, *[1] * (known.ndim - 1))
    return np.asarray((1 - weight) * known[left] + weight * known[right])


def along_cohorts(people: ArrayLike, step: int, *, oldest: int) -> Floats:
    """People of each year, on straight lines between printed years along the lives of cohorts.

    People who are 10 in one printed year and 15 in the next are followed through 11, 12, ..., so
    that a large generation grows older instead of fading at one age and rising at another. Those
    born in between, and those who pass the oldest age, have no such pair: at their ages the numbers
    lie on a straight line between the printed years.

    Parameters
    ----------
    people : array_like, shape (n_printed, ..., n_ages)
        Single ages in printed years that are `step` years apart.
    step : int
        Years between printed years.
    oldest : int
        The highest age, at the later of two printed years, to which cohorts are followed.

    Returns
    -------
    ndarray, shape ((n_printed - 1) * step + 1, ..., n_ages)
    """
    printed = np.asarray(people, dtype=float)
    n_years = (printed.shape[0] - 1) * step + 1
    people_of_year = between_years(np.arange(printed.shape[0]) * step, printed, np.arange(n_years))
    for after in range(1, step):
        ages = np.arange(after, oldest + 1 - (step - after))
        earlier, later = printed[:-1][..., ages - after], printed[1:][..., ages + step - after]
        people_of_year[after::step][..., ages] = ((step - after) * earlier + after * later) / step
    return people_of_year


def _scaled_to(totals: Floats, split: Floats, widths: np.ndarray) -> Floats:
    # Differences of large sums lose the last digits of a small group; this puts them back. Where
    # rounding has eaten most of a group, it is shared evenly.
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    sums = np.add.reduceat(split, starts, axis=-1)
    kept = sums > 0.5 * totals
    factor = np.where(kept, totals / np.where(kept, sums, 1), 0)
    even = np.where(kept, 0, totals / widths)
    return np.asarray(split * np.repeat(factor, widths, -1) + np.repeat(even, widths, -1))


def _check_groups(edges: Floats, totals: Floats) -> None:
    steps = np.diff(edges)
    if edges.ndim != 1 or edges.size < 3 or np.any(steps < 1) or np.any(edges % 1 != 0):
        raise ValueError(
            f"edges are {edges.tolist()}; expected whole ages that increase, 3 or more"
        )
    if totals.shape[-1:] != steps.shape:
        raise ValueError(
            f"totals have shape {totals.shape}; expected a last axis of {steps.size} groups"
        )
    _check_not_negative("totals", totals)


def _check_not_negative(name: str, values: Floats) -> None:
    bad = np.argwhere(~(np.isfinite(values) & (values >= 0)))
    if bad.shape[0]:
        place = tuple(int(index) for index in bad[0])
        at = "".join(f"[{index}]" for index in place)
        raise ValueError(f"{name}{at} is {values[place]:g}; expected a number of 0 or more")
