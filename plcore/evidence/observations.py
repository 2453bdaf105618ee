"""Observations of US limb loss, each on the scale on which its error is normal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.data import DATA, read


def read_observations(*, folder: Path = DATA) -> pd.DataFrame:
    """Everything that a model of US limb loss can be held against, with its error.

    Counts, rates and ratios are compared as logarithms, shares as log odds, ages in years. On that
    scale the error of a row is normal; its variance is that of sampling (from the standard error,
    the limits or, of a share, the number of people) plus the squared discrepancy.

    Parameters
    ----------
    folder : Path
        Where the files are; an analyst's own copy of `data/` can be named here.

    Returns
    -------
    DataFrame
        The columns of `observations.csv`, and `scale` ("log", "logit" or "absolute"), `centre` (the
        value on that scale), `sampling_sd` (0 where nothing is known of it) and `sd` (that and the
        discrepancy together; NaN where the row has no discrepancy).

    Raises
    ------
    ValueError
        With every fault of the file by line and column.

    Examples
    --------
    >>> rows = read_observations().set_index("observation")
    >>> rows.loc["nhis_people_1996", ["unit", "scale", "use"]].tolist()
    ['people', 'log', 'fit']
    >>> print(rows.loc["nhis_people_1996", "sd"].round(3))
    0.172
    """
    table = read("observations", folder=folder)
    value, low, high, error, n, level = (
        table[name].to_numpy(float)
        for name in ("value", "low", "high", "standard_error", "n", "limits_level")
    )
    most = np.where(table["unit"] == "percent", 100.0, 1.0)
    is_share = table["unit"].isin(["share", "percent"])
    is_plain = (table["unit"] == "years") | table["quantity"].str.startswith("change_")
    scale = np.select([is_share, is_plain], ["logit", "absolute"], "log")

    def moved(x: np.ndarray) -> np.ndarray:
        return np.select([is_share, is_plain], [special.logit(x / most), x], np.log(x))

    # Each scale is worked out for all rows, also where a logarithm makes no sense.
    with np.errstate(divide="ignore", invalid="ignore"):
        share = value / most
        slope = np.select([is_share, is_plain], [most / (value * (most - value)), 1.0], 1 / value)
        limits = (moved(high) - moved(low)) / (2 * special.ndtri((1 + level) / 2))
        binomial = np.where(is_share, 1 / np.sqrt(n * share * (1 - share)), np.nan)
        centre = moved(value)
    sampling = np.select(
        [~np.isnan(x) for x in (error, limits, binomial)], [error * slope, limits, binomial], 0.0
    )
    return table.assign(
        scale=scale,
        centre=centre,
        sampling_sd=sampling,
        sd=np.hypot(sampling, table["discrepancy"]),
    )


def observation_points(
    labels: Mapping[str, str], *, level: float = 0.95, folder: Path = DATA
) -> pd.DataFrame:
    """Observations as points of a chart, with the limits of their own error and discrepancy.

    Parameters
    ----------
    labels : mapping of str to str
        What the chart calls each row of `observations.csv`, by its key.
    level : float
        Probability of the limits.
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        Columns observation, year (the middle of its years), value, low, high, label, seen, kind
        and level; no limits where the row has no discrepancy.

    Raises
    ------
    ValueError
        If there is no such row, or it has no year.

    Examples
    --------
    >>> points = observation_points({"zg_people_2005": "Ziegler-Graham 2008"})
    >>> print(points[["year", "value", "label"]])
         year      value                label
    0  2005.0  1600000.0  Ziegler-Graham 2008
    """
    table = read_observations(folder=folder).set_index("observation", drop=False)
    with_year = set(table.index[table["first_year"].notna()])
    for key in labels:
        if key not in with_year:
            raise ValueError(f"no row {key!r} with a year; expected a key of observations.csv")
    rows = table.loc[list(labels)].reset_index(drop=True)
    half = special.ndtri((1 + level) / 2) * rows["sd"]
    most = np.where(rows["unit"] == "percent", 100.0, 1.0)
    ends = {}
    for name, at in (("low", rows["centre"] - half), ("high", rows["centre"] + half)):
        ends[name] = np.select(
            [rows["scale"] == "log", rows["scale"] == "logit"],
            [np.exp(at), most * special.expit(at)],
            at,
        )
    return rows.assign(
        year=(rows["first_year"] + rows["last_year"]) / 2,
        label=list(labels.values()),
        level=level,
        **ends,
    )[["observation", "year", "value", "low", "high", "label", "seen", "kind", "level"]]
