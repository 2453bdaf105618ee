"""From draws to intervals: tidy tables that charts and readers take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special

from plcore import printed
from plcore.inputs import checks_kinds
from plcore.simulate.runs import Run

#: The levels of the intervals reported, in percent.
LEVELS = (50, 80, 95)
#: Columns of a summary, and the share of draws below each.
_QUANTILES = {"median": 0.5} | {
    f"{end}_{level}": (1 + sign * level / 100) / 2
    for level in LEVELS
    for end, sign in (("low", -1), ("high", 1))
}


@checks_kinds
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
        shares of the draws on both sides. `sampling_errors` says how exact each number is.

    Raises
    ------
    ValueError
        If there is no run.

    Examples
    --------
    >>> from plcore.models import three_readings
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> table = summarise(run(three_readings, read_scenario(), n_draws=256))
    >>> table.query("year == 2050")[["outcome", "median"]].round(-4).values.tolist()[0]
    ['limb_loss', 3600000.0]
    """
    if not runs:
        raise ValueError("no runs; expected at least one")
    frames = []
    for run in runs:
        for outcome, values in run.outcome.values.items():
            quantiles = np.quantile(values, list(_QUANTILES.values()), axis=0)
            columns = {"mean": values.mean(axis=0), **dict(zip(_QUANTILES, quantiles, strict=True))}
            keys = {
                "scenario": run.scenario.name,
                "outcome": outcome,
                "year": run.outcome.years,
            }
            frames.append(
                pd.DataFrame({**keys, **columns, "extrapolated": run.outcome.extrapolated})
            )
    return pd.concat(frames, ignore_index=True)


@checks_kinds
def sampling_errors(run: Run) -> pd.DataFrame:
    """Monte-Carlo standard errors: how much each number of a summary varies with the seed.

    They say nothing of what we do not know: that is the interval itself. The error of a quantile is
    half the distance between the draws that hold it between them with probability 68% (Vehtari
    et al. 2021, `mcse_quantile` of the R package posterior). That is right for independent draws
    (`sampler=plain`). Sobol draws are spread more evenly, and their errors are as a rule smaller,
    often by far, than the numbers given here: take these as limits, or repeat the run with other
    seeds. (The variance of a mean of scrambled Sobol draws is at most e times that of independent
    ones: Owen 1997, Monte Carlo variance of scrambled net quadrature.)

    Parameters
    ----------
    run : Run
        Of 2 draws or more.

    Returns
    -------
    DataFrame
        A row an outcome and year: scenario, outcome, year, and the errors of mean, median, low_50,
        high_50, low_80, high_80, low_95 and high_95, in the unit of the outcome.

    Raises
    ------
    ValueError
        If there is one draw only.

    Examples
    --------
    >>> from plcore.models import three_readings
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import plain, run
    >>> simulated = run(three_readings, read_scenario(), n_draws=1024, sampler=plain)
    >>> float(sampling_errors(simulated)["median"].round(-2).iloc[45])
    1600.0
    """
    n = len(run.draws)
    if n < 2:
        raise ValueError(f"{run.scenario.name}: {n} draw; expected 2 or more")
    keys = {"scenario": run.scenario.name, "year": run.outcome.years}
    frames = []
    for outcome, values in run.outcome.values.items():
        ordered = np.sort(values, axis=0)
        errors = {"mean": values.std(axis=0, ddof=1) / math.sqrt(n)}
        for name, p in _QUANTILES.items():
            low, high = _neighbours(n, p)
            errors[name] = (ordered[high] - ordered[low]) / 2
        frames.append(pd.DataFrame({**keys, "outcome": outcome, **errors}))
    order = ["scenario", "outcome", "year", "mean", *_QUANTILES]
    return pd.concat(frames, ignore_index=True)[order]


def _neighbours(n: int, p: float) -> tuple[int, int]:
    """Places of the ordered draws between which the quantile lies with probability 68%."""
    # How many of n independent draws lie below the quantile is binomial.
    tails = special.ndtr(np.array([-1.0, 1.0]))
    low, high = np.asarray(special.betaincinv(n * p + 1, n * (1 - p) + 1, tails)) * n
    return max(math.floor(low) - 1, 0), min(math.ceil(high), n) - 1


@checks_kinds
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
        Numbers are divided by it; of those below 10 two decimals are printed, above fewer.

    Returns
    -------
    DataFrame
        Column Reading, and one a year: "3.60 (3.55 to 3.65)".

    Raises
    ------
    ValueError
        If the table is of several scenarios, or lacks an outcome in a year.

    Examples
    --------
    >>> from plcore.models import three_readings
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> table = summarise(run(three_readings, read_scenario(), n_draws=256))
    >>> interval_table(table, years=[2050], labels={"limb_loss": "Limb loss"})["2050"].tolist()
    ['3.60 (3.55 to 3.65)']
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
            limits = by.loc[(outcome, year), ["median", "low_95", "high_95"]]
            middle, low, high = limits.to_numpy(dtype=float) / scale
            # Three digits at the most of what has more before the point.
            digits = 2 if abs(middle) < 10 else 1 if abs(middle) < 100 else 0
            row[str(year)] = f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"
        rows.append(row)
    return pd.DataFrame(rows)


@checks_kinds
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
        With columns of numbers.
    columns : mapping of str to (str, str, str)
        What the new column is called, and the columns of value, low and high that it replaces.
    scale : float
        Numbers are divided by it.
    digits : int
        Significant digits printed; where the table has a column `unit`, people are whole numbers.

    Returns
    -------
    DataFrame
        The table without the columns replaced, and with the new ones at its end.

    Examples
    --------
    >>> table = pd.DataFrame({"share": [0.64], "low": [0.6], "high": [0.68]})
    >>> in_words(table, {"share": ("share", "low", "high")})["share"].tolist()
    ['0.640 (0.600 to 0.680)']
    """
    replaced = {column for limits in columns.values() for column in limits}
    worded = table.drop(columns=sorted(replaced))
    units = table["unit"] if "unit" in table else [""] * len(table)
    for name, (middle, low, high) in columns.items():
        worded[name] = [
            _with_limits([x / scale for x in limits], str(unit), digits)
            for *limits, unit in zip(table[middle], table[low], table[high], units, strict=True)
        ]
    return worded


def _with_limits(limits: Sequence[float], unit: str, digits: int) -> str:
    middle, low, high = (
        printed.people(x) if unit.startswith("people") else printed.digits(x, digits)
        for x in limits
    )
    return f"{middle} ({low} to {high})"
