"""From draws to intervals: tidy tables that charts and readers take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from plcore.simulate.runs import Run

#: The levels of the intervals reported, in percent.
LEVELS = (50, 80, 95)


def summarise(*runs: Run) -> pd.DataFrame:
    """The median, mean and intervals of every outcome.

    Parameters
    ----------
    runs : Run
        One or more.

    Returns
    -------
    DataFrame
        A row a scenario, outcome and year: scenario, outcome, year, mean, median, low_50, high_50,
        low_80, high_80, low_95, high_95, extrapolated. The limits of a level leave out equal
        shares of the draws on both sides.
    """
    if not runs:
        raise ValueError("no runs; expected at least one")
    tails = [(1 - level / 100) / 2 for level in LEVELS]
    p = [0.5, *tails, *(1 - tail for tail in tails)]
    names = [
        "median",
        *(f"low_{level}" for level in LEVELS),
        *(f"high_{level}" for level in LEVELS),
    ]
    frames = []
    for run in runs:
        for outcome, values in run.outcome.values.items():
            quantiles = dict(zip(names, np.quantile(values, p, axis=0), strict=True))
            frames.append(
                pd.DataFrame(
                    {
                        "scenario": run.scenario.name,
                        "outcome": outcome,
                        "year": run.outcome.years,
                        "mean": values.mean(axis=0),
                        "median": quantiles["median"],
                        **{
                            f"{end}_{level}": quantiles[f"{end}_{level}"]
                            for level in LEVELS
                            for end in ("low", "high")
                        },
                        "extrapolated": run.outcome.extrapolated,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def interval_table(
    table: pd.DataFrame, *, years: Sequence[int], labels: Mapping[str, str], scale: float = 1e6
) -> pd.DataFrame:
    """Medians with 95% intervals in words, a row an outcome and a column a year.

    Parameters
    ----------
    table : DataFrame
        As `summarise` gives it, for one scenario.
    years : sequence of int
        Years of the table.
    labels : mapping of str to str
        What each outcome is called, in the order wanted.
    scale : float
        Numbers are divided by it; two decimals are printed.

    Raises
    ------
    ValueError
        If the table is of several scenarios, or lacks an outcome in a year.
    """
    scenarios = sorted(set(table["scenario"]))
    if len(scenarios) != 1:
        raise ValueError(f"scenarios {', '.join(scenarios)}; expected the table of one")
    by = table.set_index(["outcome", "year"])
    rows = []
    for outcome, label in labels.items():
        row = {"Reading": label}
        for year in years:
            if (outcome, year) not in by.index:
                raise ValueError(f"no {outcome} in {year}; expected an outcome and year of a run")
            middle, low, high = by.loc[(outcome, year), ["median", "low_95", "high_95"]] / scale
            row[str(year)] = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        rows.append(row)
    return pd.DataFrame(rows)


def in_words(
    table: pd.DataFrame,
    columns: Mapping[str, tuple[str, str, str]],
    *,
    scale: float = 1.0,
    digits: int = 3,
) -> pd.DataFrame:
    """A table with each value and its limits in one column of words.

    Parameters
    ----------
    table : DataFrame
    columns : mapping of str to (str, str, str)
        What the new column is called, and the columns of value, low and high that it replaces.
    scale : float
        Numbers are divided by it.
    digits : int
        Significant digits printed.
    """
    worded = table.copy()
    for name, (middle, low, high) in columns.items():
        worded[name] = [
            f"{_significant(m / scale, digits)} "
            f"({_significant(lo / scale, digits)} to {_significant(hi / scale, digits)})"
            for m, lo, hi in zip(table[middle], table[low], table[high], strict=True)
        ]
    return worded.drop(columns=sorted({column for ends in columns.values() for column in ends}))


def _significant(value: float, digits: int) -> str:
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{decimals}f}"
