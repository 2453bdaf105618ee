"""Read the people and the mortality of one area, by single year of age, sex and year."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.population import files
from plcore.evidence.population.age_groups import (
    along_cohorts,
    between_years,
    split_groups,
    split_open_group,
)
from plcore.evidence.population.files import FIRST_YEAR, LAST_YEAR
from plcore.evidence.population.series import AGES, Mortality, Population

_RESIDENT, _SOCIAL_SECURITY = "resident", "social_security_area"
_UN, _UN_MEDIUM = "un", "un_medium"
_US_MORTALITY = "social_security"
_OPEN_AGE = int(AGES[-1])
#: The spline needs an end: nearly all of the people of 100 and over are younger than this.
_SPLINE_END = _OPEN_AGE + 5
#: Beyond it a straight line loses too many too late: on Census groups of 1980-2015, thinned to
#: every fifth year, it was off less when ages above 89 were not followed (2.1 against 3.1% of a
#: single age at 85 and over).
_OLDEST_FOLLOWED = 89


def areas(*, folder: Path = DATA) -> tuple[str, ...]:
    """Codes of the areas that have both people and mortality: ISO 3166, or WLD for the world.

    Raises
    ------
    ValueError
        If the two files of the UN do not have the same areas.
    """
    people = files.un_areas(folder, files.UN_POPULATION)
    deaths = files.un_areas(folder, files.UN_MORTALITY)
    return tuple(area for area in people if area in deaths)


def variants(area: str, *, folder: Path = DATA) -> tuple[str, ...]:
    """Variants of the population of an area, the default first.

    Raises
    ------
    ValueError
        If there is no such area, or it has no medium variant.
    """
    _check_area(area, folder)
    printed = files.un_areas(folder, files.UN_POPULATION)[area]
    un = tuple(f"{_UN}_{variant}" for variant in printed if variant != "estimate")
    if _UN_MEDIUM not in un:
        raise ValueError(
            f"{files.UN_POPULATION.file}: {area} has {', '.join(printed)}; expected medium too"
        )
    return (_RESIDENT, _SOCIAL_SECURITY, *un) if area == "USA" else un


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
        One of `areas()`.
    variant : str, optional
        One of `variants(area)`; by default the first. For the USA these are "resident" (Census
        Bureau: estimates to 2023, the middle projection of 2023 after), "social_security_area"
        (adds territories and people overseas) and "un_medium", "un_high" and "un_low".
    first_year, last_year : int
        Both included; the data have 1950 to 2060.
    extrapolate : bool
        Whether years outside the data may be asked for. The nearest year is then repeated as it
        is, and marked in `extrapolated`.

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
    UN's five-year groups are split by `split_groups` in the years printed, so that every printed
    total is kept; between those years `along_cohorts` follows the generations.
    """
    known = variants(area, folder=folder)
    chosen = known[0] if variant is None else variant
    if chosen not in known:
        raise ValueError(f"variant of {area} is {chosen!r}; expected one of {', '.join(known)}")
    years, used = _years(first_year, last_year, extrapolate)
    if chosen == _RESIDENT:
        people, source = _resident(folder)
    elif chosen == _SOCIAL_SECURITY:
        people = files.us_block(folder, files.SOCIAL_SECURITY, FIRST_YEAR, LAST_YEAR)
        source = ("ssa_tr2024_population",) * people.shape[0]
    else:
        people = _un_people(folder, area, chosen.removeprefix(f"{_UN}_"))
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
        One of `areas()`.
    variant : str, optional
        For the USA "social_security" (the default: Trustees Report 2020, rates to 2017 observed,
        later ones projected before COVID-19, so 2020-2022 are as if there had been none) or "un";
        for other areas "un" (2024 revision; its 2020-2025 includes COVID-19).
    first_year, last_year, extrapolate
        As in `read_population`; outside the data the nearest year is repeated, without further
        improvement.

    Returns
    -------
    Mortality

    Raises
    ------
    ValueError
        As `read_population`.

    Notes
    -----
    Social Security prints single ages to 119; 100 and over is their mean, weighted by the years
    lived at each age in a life table. The UN prints groups of ages for periods of five years from
    mid-year to mid-year. The hazard added up over each group is split by `split_groups`, so that
    survival through each group is the printed one; between the middles of the periods each
    logarithm follows a straight line, and before the first middle (1952) the first period holds.
    """
    _check_area(area, folder)
    known = (_US_MORTALITY, _UN) if area == "USA" else (_UN,)
    chosen = known[0] if variant is None else variant
    if chosen not in known:
        raise ValueError(
            f"variant of mortality in {area} is {chosen!r}; expected one of {', '.join(known)}"
        )
    years, used = _years(first_year, last_year, extrapolate)
    if chosen == _US_MORTALITY:
        single = files.us_block(folder, files.US_MORTALITY, FIRST_YEAR, LAST_YEAR)
        hazard, source = _close(single), "ssa_tr2020_mortality"
    else:
        hazard, source = _un_hazard(folder, area), "wpp2024_mortality"
    return Mortality(
        area, chosen, years, hazard[used - FIRST_YEAR], (source,) * years.size, years != used
    )


def _check_area(area: str, folder: Path) -> None:
    known = areas(folder=folder)
    if area not in known:
        both = f"{files.UN_POPULATION.file} and {files.UN_MORTALITY.file}"
        raise ValueError(
            f"area is {area!r}; expected one of {', '.join(known)}, which {both} both have"
        )


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
    area = files.us_block(folder, files.SOCIAL_SECURITY, FIRST_YEAR, LAST_YEAR)
    split, blocks, source = "ssa_tr2024_population", [], []
    for table, first, last, key in (
        (files.RESIDENT_1950, 1950, 1979, f"census_1940_2019;{split}"),
        (files.RESIDENT_1980, 1980, 2019, "census_1940_2019"),
        (files.RESIDENT_2020, 2020, 2023, f"census_v2023;{split}"),
        (files.RESIDENT_2024, 2024, 2060, "census_np2023"),
    ):
        block = files.us_block(folder, table, first, last)
        opened = block.shape[-1] - 1
        if opened < _OPEN_AGE:
            pattern = area[first - FIRST_YEAR : last + 1 - FIRST_YEAR, :, opened:]
            old = split_open_group(block[..., opened], pattern)
            block = np.concatenate([block[..., :opened], old], axis=-1)
        blocks.append(block)
        source += [key] * block.shape[0]
    return np.concatenate(blocks), tuple(source)


def _un_people(folder: Path, area: str, variant: str) -> Floats:
    last = files.UN_LAST_ESTIMATE
    estimated = range(FIRST_YEAR, last + 1, files.UN_STEP)
    projected = range(last + files.UN_STEP, LAST_YEAR + 1, files.UN_STEP)
    groups = np.concatenate(
        [
            files.un_block(folder, files.UN_POPULATION, {"area": area, "variant": name}, years)
            for name, years in (("estimate", estimated), (variant, projected))
        ]
    )
    single = split_groups((*files.UN_AGES, _SPLINE_END), groups)
    people = np.concatenate([single[..., :_OPEN_AGE], groups[..., -1:]], axis=-1)
    return along_cohorts(people, files.UN_STEP, oldest=_OLDEST_FOLLOWED)


def _un_hazard(folder: Path, area: str) -> Floats:
    starts = range(FIRST_YEAR, LAST_YEAR + 1, files.UN_STEP)
    rates = files.un_block(folder, files.UN_MORTALITY, {"area": area}, starts)
    edges = np.array([*files.UN_MORTALITY_AGES[1:], _SPLINE_END])
    # The first year of life stands apart: a spline through it would bend the next ones.
    later = split_groups(edges, rates[..., 1:] * np.diff(edges))
    before_100 = later[..., : _OPEN_AGE - int(edges[0])]
    hazard = np.concatenate([rates[..., :1], before_100, rates[..., -1:]], axis=-1)
    # A period runs from mid-year to mid-year (1950.5-1955.5), a calendar year y is about y + 0.5.
    middles = np.array(starts) + files.UN_STEP / 2
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
