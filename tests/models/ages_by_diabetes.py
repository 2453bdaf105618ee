"""The mean age at a vascular loss, worked out from published tables: where 67 years come from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.evidence.population import AGES, Population
from plcore.models.limb_loss import _REFERENCE_YEAR, _place


def losses_with_diabetes(
    population: Population, *, within: Floats, year: int = _REFERENCE_YEAR, folder: Path = DATA
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
        How incidence is spread inside an age group, such as a `rising_shape`.
    year : int
        1993 to 1996, the years that both tables have.
    folder : Path
        Where the tables are.

    Returns
    -------
    DataFrame
        One row per age group: age_low, age_high (100 is open), people, percent_with_diabetes,
        per_1000_with_diabetes, losses, share (of all losses), mean_age (years).

    Raises
    ------
    ValueError
        If the population or a table lacks the year, or `within` gives nobody of a group.

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


def mean_age_at_loss(groups: pd.DataFrame) -> float:
    """Mean age, in years, of those who lose part of a leg.

    Parameters
    ----------
    groups : DataFrame
        From `losses_with_diabetes`. People without diabetes have 30 to 40% of dysvascular losses;
        no US figure of their age was found, and in Germany they are 0.6 years younger (Claessen
        2018).
    """
    return float((groups["share"] * groups["mean_age"]).sum())


def group_sums(values: Floats, starts: Sequence[int]) -> Floats:
    """Sums over both sexes and the ages of each group, shape (n_groups,).

    Parameters
    ----------
    values : ndarray, shape (2, 101)
        People, or a shape times people: then the groups' numbers of new cases.
    starts : sequence of int
        First age of each group, which have to rise from 0; the last group is open.

    Raises
    ------
    ValueError
        If the ages do not rise from 0 to at most 100.
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
    rows = table[(table["source"] == source) & (table["first_year"] == year)]
    if rows.empty:
        raise ValueError(f"{source} has no rows of {year}; expected a year that its table has")
    return rows[rows["age_low"].notna()].sort_values("age_low")
