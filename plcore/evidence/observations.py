"""Observations of US limb loss, each on the scale on which its error is normal."""

from __future__ import annotations

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
