"""People and mortality by year, sex and age: what holds them, and what can be read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats

#: Order of the sex axis.
SEXES = ("male", "female")
#: Completed years of age; the last is open: 100 and over.
AGES = np.arange(101)
AGES.setflags(write=False)


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
    area, variant, years, source, extrapolated
        As in `Population`.
    hazard : ndarray, shape (n_years, 2, 101)
        Deaths per person-year in the calendar year (the m of a life table). Read-only.

    Raises
    ------
    ValueError
        As in `Population`.
    """

    area: str
    variant: str
    years: NDArray[np.int_]
    hazard: Floats
    source: tuple[str, ...]
    extrapolated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _settle(self, "hazard")


def total(population: Population, year: int, *, age_from: int = 0) -> float:
    """People in a year, of all ages or from an age on.

    Parameters
    ----------
    year : int
    age_from : int
        0 to 100.

    Raises
    ------
    ValueError
        If the population does not have the year or the age.
    """
    if not 0 <= age_from <= AGES[-1]:
        raise ValueError(f"age_from is {age_from}; expected an age from 0 to {AGES[-1]}")
    return float(population.people[_place(population, year), :, age_from:].sum())


def life_expectancy(mortality: Mortality, year: int, sex: str, *, age: int = 0) -> float:
    """Years a person of an exact age would live on, if the hazards of one year held for good.

    The hazard is constant within a year of age, and from 100 on. In the first year of life deaths
    come early, which this ignores: life expectancy at birth is too long by less than the hazard at
    age 0 times half a year.

    Parameters
    ----------
    year : int
    sex : str
        "male" or "female".
    age : int
        Exact age, 0 to 100.

    Raises
    ------
    ValueError
        If the year, sex or age is not there, or nobody dies at 100 and over.
    """
    if sex not in SEXES:
        raise ValueError(f"sex is {sex!r}; expected one of {', '.join(SEXES)}")
    if not 0 <= age <= AGES[-1]:
        raise ValueError(f"age is {age}; expected an age from 0 to {AGES[-1]}")
    hazard = mortality.hazard[_place(mortality, year), SEXES.index(sex), age:]
    if hazard[-1] == 0:
        raise ValueError(f"the hazard at {AGES[-1]} and over is 0 in {year}; expected above 0")
    alive = np.exp(-np.concatenate([[0], np.cumsum(hazard[:-1])]))
    safe = np.where(hazard > 0, hazard, 1)
    lived = np.where(hazard > 0, -np.expm1(-safe) / safe, 1)
    lived[-1] = 1 / hazard[-1]
    return float(alive @ lived)


def seams(population: Population) -> pd.DataFrame:
    """The years in which another source takes over, and by how much the numbers jump there.

    The jump is the change into the year, less the mean of the changes in the year before and the
    year after: what the change of source adds to an ordinary year, as far as can be seen.

    Returns
    -------
    DataFrame
        A row a seam and lowest age (0, 65 and 85): year, source_before, source_after, age_from,
        people_before, people_after, jump (people), jump_share (of people_before).
    """
    source = population.source
    rows = []
    for place in range(1, len(source)):
        if source[place] == source[place - 1]:
            continue
        for age_from in (0, 65, 85):
            people = population.people[:, :, age_from:].sum(axis=(1, 2))
            change = np.diff(people)
            beside = [change[i] for i in (place - 2, place) if 0 <= i < change.size]
            usual = float(np.mean(beside)) if beside else np.nan
            jump = float(change[place - 1]) - usual
            rows.append(
                {
                    "year": int(population.years[place]),
                    "source_before": source[place - 1],
                    "source_after": source[place],
                    "age_from": age_from,
                    "people_before": float(people[place - 1]),
                    "people_after": float(people[place]),
                    "jump": jump,
                    "jump_share": jump / float(people[place - 1]),
                }
            )
    return pd.DataFrame(rows, columns=list(_SEAM_COLUMNS))


_SEAM_COLUMNS = (
    "year", "source_before", "source_after", "age_from",
    "people_before", "people_after", "jump", "jump_share",
)  # fmt: skip


def _place(series: Population | Mortality, year: int) -> int:
    first, last = int(series.years[0]), int(series.years[-1])
    if not first <= year <= last or year != int(year):
        raise ValueError(f"year is {year}; expected a year from {first} to {last}")
    return int(year) - first


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
    wanted = (years.size, len(SEXES), AGES.size)
    if values.shape != wanted:
        raise ValueError(f"{label}: {name} has shape {values.shape}; expected {wanted}")
    if len(series.source) != years.size or extrapolated.shape != years.shape:
        raise ValueError(f"{label}: expected a source and a mark of extrapolation for each year")
    bad = np.argwhere(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        i, j, k = (int(part) for part in bad[0])
        raise ValueError(
            f"{label}: {name} in {years[i]}, {SEXES[j]}, age {k} is {values[i, j, k]:g}; "
            "expected a number of 0 or more"
        )
    for field, array in (("years", years), (name, values), ("extrapolated", extrapolated)):
        array.setflags(write=False)
        object.__setattr__(series, field, array)
