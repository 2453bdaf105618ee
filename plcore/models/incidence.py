"""How the incidence of limb loss is spread over ages and sexes.

`flat_shape` and `rising_shape` are what the model takes. `losses_with_diabetes` works out from
published rates how old those are who lose a limb with diabetes, `mean_age_at_loss` what follows
for all dysvascular losses, and `grouped_shape` gives the incidence that has those ages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import optimize

from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.evidence.population import AGES, Population

#: The year whose population the printed rates refer to.
REFERENCE_YEAR = 1996
#: Nobody is taken to lose a limb to vascular disease before this age.
_FIRST_AGE = 30
# Beyond this age incidence stays level: the steep rise is a feature of middle and early old age.
_LEVEL_AGE = 85


def flat_shape(population: Population, *, male_ratio: float) -> Floats:
    """Incidence that is the same at every age, shape (2, 101).

    Parameters
    ----------
    population : Population
        Must cover `REFERENCE_YEAR`, in whose population the mean of the result is 1.
    male_ratio : float
        Incidence of men over that of women.
    """
    return _relative(np.ones(len(AGES)), male_ratio, _reference(population))


def rising_shape(population: Population, *, mean_age: float, male_ratio: float) -> Floats:
    """Incidence that rises by the same share with each year of age, shape (2, 101).

    The rise is the one that gives new cases the mean age asked for in the population of
    `REFERENCE_YEAR`.

    Parameters
    ----------
    population : Population
        Must cover `REFERENCE_YEAR`, in whose population the mean of the result is 1.
    mean_age : float
        Mean age of new cases, in years; refused where no rise gives it.
    male_ratio : float
        Incidence of men over that of women.
    """
    people = _reference(population)
    risen = np.clip(AGES, _FIRST_AGE, _LEVEL_AGE) - _FIRST_AGE

    def rising(rise: float) -> Floats:
        return np.asarray(np.where(AGES < _FIRST_AGE, 0.0, np.exp(rise * risen)))

    def misses(rise: float) -> float:
        cases = _relative(rising(rise), male_ratio, people) * people
        return float((cases * (AGES + 0.5)).sum() / cases.sum() - mean_age)

    if not misses(-0.2) < 0 < misses(0.3):
        least, most = misses(-0.2) + mean_age, misses(0.3) + mean_age
        raise ValueError(f"mean_age is {mean_age:g}; expected one from {least:.0f} to {most:.0f}")
    return _relative(rising(optimize.brentq(misses, -0.2, 0.3, xtol=1e-14)), male_ratio, people)


def losses_with_diabetes(
    population: Population,
    *,
    within: Floats,
    year: int = REFERENCE_YEAR,
    folder: Path = DATA,
) -> pd.DataFrame:
    """People with diabetes who lose part of a leg in a year, by age group.

    Losses are people x share with diagnosed diabetes x discharges per person with diabetes (CDC,
    `cdc_diabetes_by_age` and `cdc_lealevel_table8`, the four levels added up). CDC prints one
    rate below 65; it is split at 45 so that the two rates have the ratio of the rates at 18-44 and
    45-64 in 1997-1999 (AHRQ, `ahrq_table_c5`) and together give CDC's losses. Discharges count a
    re-amputation again, and one discharge can have two levels.

    Parameters
    ----------
    population : Population
        Of the United States; must cover `year`.
    within : ndarray, shape (2, 101)
        How incidence is spread inside a group, such as a `rising_shape`.
    year : int
        1993 to 1996, the years that both tables have.

    Returns
    -------
    DataFrame
        A row an age group: age_low, age_high (100 is open), people, percent_with_diabetes,
        per_1000_with_diabetes, losses, share (of all losses), mean_age (years).
    """
    table = read("amputation_incidence", folder=folder)
    prevalence = _rows(table, "cdc_diabetes_by_age", year)
    starts = [int(age) for age in prevalence["age_low"]]
    percent = prevalence["value"].to_numpy(dtype=float)
    people = population.people[_place(population, year)]
    with_diabetes = group_sums(people, starts) * percent / 100
    rates = _rates(table, year, with_diabetes)
    losses = with_diabetes * rates / 1000
    return pd.DataFrame(
        {
            "age_low": starts,
            "age_high": [*(start - 1 for start in starts[1:]), int(AGES[-1])],
            "people": group_sums(people, starts),
            "percent_with_diabetes": percent,
            "per_1000_with_diabetes": rates,
            "losses": losses,
            "share": losses / losses.sum(),
            "mean_age": _mean_ages(people * within, starts),
        }
    )


def mean_age_at_loss(
    groups: pd.DataFrame, *, share_without: float = 0.0, years_older_without: float = 0.0
) -> float:
    """Mean age at a dysvascular loss, in years.

    Parameters
    ----------
    groups : DataFrame
        From `losses_with_diabetes`.
    share_without : float
        Share of dysvascular losses that people without diabetes have, 0 to 1; published: 0.3
        to 0.4.
    years_older_without : float
        By how many years these are older on average. No US figure was found; in Germany they are
        0.6 younger (Claessen 2018).
    """
    if not 0 <= share_without <= 1:
        raise ValueError(f"share_without is {share_without:g}; expected a share from 0 to 1")
    with_diabetes = float((groups["share"] * groups["mean_age"]).sum())
    return with_diabetes + share_without * years_older_without


def grouped_shape(
    population: Population, groups: pd.DataFrame, *, within: Floats, male_ratio: float
) -> Floats:
    """Incidence that gives each age group its share of new cases, shape (2, 101).

    Parameters
    ----------
    population : Population
        Must cover `REFERENCE_YEAR`, in whose population the shares hold and the mean is 1.
    groups : DataFrame
        With the columns age_low and share (not below 0), as `losses_with_diabetes` gives them.
    within : ndarray, shape (2, 101)
        How incidence is spread inside a group; the mean of its two sexes counts.
    male_ratio : float
        Incidence of men over that of women.
    """
    people = _reference(population)
    starts = [int(age) for age in groups["age_low"]]
    inside = _relative(within.mean(axis=0), male_ratio, people)
    share = groups["share"].to_numpy(dtype=float)
    if not (share >= 0).all():
        raise ValueError(f"share has {share.min():g}; expected shares of 0 or more")
    scale = share / group_sums(inside * people, starts)
    group = np.searchsorted(starts, AGES, side="right") - 1
    return _relative(inside[1] * scale[group], male_ratio, people)


def group_sums(values: Floats, starts: Sequence[int]) -> Floats:
    """Sums over both sexes and the ages of each group, shape (n_groups,).

    Parameters
    ----------
    values : ndarray, shape (2, 101)
        People, or a shape times people: then the groups' numbers of new cases.
    starts : sequence of int
        First age of each group, which have to rise from 0; the last group is open.
    """
    if list(starts) != sorted(set(starts)) or starts[0] != 0 or starts[-1] > AGES[-1]:
        raise ValueError(f"starts are {list(starts)}; expected rising ages from 0 to {AGES[-1]}")
    return np.asarray(np.add.reduceat(values.sum(axis=0), list(starts)))


def _rates(table: pd.DataFrame, year: int, with_diabetes: Floats) -> Floats:
    """Discharges per 1000 people with diabetes at 0-44, 45-64, 65-74, and 75 and over."""
    cdc = _rows(table, "cdc_lealevel_table8", year).groupby("age_low")["value"].sum()
    ahrq = _rows(table, "ahrq_table_c5", 1997).set_index("age_low")["value"]
    ratio = np.array([ahrq[18], ahrq[45]])
    below_65 = ratio * cdc[0] * with_diabetes[:2].sum() / (ratio @ with_diabetes[:2])
    return np.array([*below_65, cdc[65], cdc[75]], dtype=float)


def _mean_ages(cases: Floats, starts: Sequence[int]) -> Floats:
    sums = group_sums(cases, starts)
    if not (sums > 0).all():
        start = starts[int(np.argmin(sums > 0))]
        raise ValueError(f"within gives nobody of the group from {start}; expected some in each")
    return group_sums(cases * (AGES + 0.5), starts) / sums


def _rows(table: pd.DataFrame, source: str, year: int) -> pd.DataFrame:
    """Rows of one source and first year that stand for an age group, youngest first."""
    found = table[(table["source"] == source) & (table["first_year"] == year)]
    if found.empty:
        raise ValueError(f"{source} has no rows of {year}; expected a year that its table has")
    return found[found["age_low"].notna()].sort_values("age_low")


def _place(population: Population, year: int) -> int:
    if year not in population.years:
        raise ValueError(
            f"the population has {population.years[0]}-{population.years[-1]}; "
            f"expected {year} among its years"
        )
    return int(year - population.years[0])


def _reference(population: Population) -> Floats:
    found: Floats = population.people[_place(population, REFERENCE_YEAR)]
    return found


def _relative(by_age: Floats, male_ratio: float, people: Floats) -> Floats:
    if not male_ratio > 0:
        raise ValueError(f"male_ratio is {male_ratio:g}; expected a ratio above 0")
    rates = np.stack([male_ratio * by_age, by_age])
    return np.asarray(rates * people.sum() / (rates * people).sum())
