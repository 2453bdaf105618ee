"""Run a model over the draws of a scenario, block by block, and say what came of it in tables.

The blocks only say how the work is cut up, and run in this process or on others. The models of
plcore give a draw the same bits whatever stands beside it, so that neither the size of a block nor
an executor changes anything. Tables are tidy: medians, intervals and their sampling errors, as
charts and readers take them.
"""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special
from tqdm import tqdm  # type: ignore[import-untyped]

from plcore import printed
from plcore.inputs import check_whole_number, checks_kinds
from plcore.models.outcome import Outcome
from plcore.printed import short
from plcore.scenarios import Scenario
from plcore.simulate.draws import Sampler, sobol
from plcore.simulate.synthesis import draws_of

#: From draws and a scenario to an outcome; every model has this shape.
Model = Callable[[pd.DataFrame, Scenario], Outcome]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A scenario simulated.

    Attributes
    ----------
    scenario : Scenario
        What was simulated.
    seed : int
        Of the draws.
    draws : DataFrame
        One row per draw, one column per parameter.
    outcome : Outcome
        The same rows, by year.
    sampler : function, optional
        How the draws were made; None where they were taken from those of another run.
    """

    scenario: Scenario
    seed: int
    draws: pd.DataFrame
    outcome: Outcome
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        rows = pd.RangeIndex(len(self.draws))
        if not self.draws.index.equals(rows):
            first = ", ".join(map(str, self.draws.index[:5]))
            raise ValueError(
                f"{self.scenario.name}: the draws have the rows {first}, ...; expected 0, 1, 2, ... "
                "in this order, as the outcome has them"
            )

    def __str__(self) -> str:
        years = self.outcome.years
        lines = [
            f"{self.scenario.title} ({self.scenario.name})",
            f"{len(self.draws):,} draws, seed {self.seed}, {years[0]}-{years[-1]}",
            f"{years[-1]}, median (95% interval):",
        ]
        for name, values in self.outcome.values.items():
            median, low, high = (short(x) for x in np.quantile(values[:, -1], [0.5, 0.025, 0.975]))
            lines.append(f"  {name}: {median} ({low} to {high})")
        return "\n".join(lines)


def run(
    model: Model,
    scenario: Scenario,
    *,
    n_draws: int = 4096,
    seed: int = 1,
    sampler: Sampler = sobol,
    executor: Executor | None = None,
    block: int = 4096,
) -> Run:
    """A scenario simulated: draws of its parameters, and what the model makes of them.

    Parameters
    ----------
    model : function
        Takes draws (a DataFrame, one row per draw) and a scenario, returns an `Outcome`. For a process
        pool it has to stand at the top of a module that the workers can import.
    scenario : Scenario
        From `plcore.scenarios.read_scenario`.
    n_draws : int
        1 or more. Of Sobol draws an even number, as they come in pairs; a power of two is best.
    seed : int
        0 or more. The same seed gives the same bits, and two scenarios share the draws of the
        parameters that they share, so that their difference, draw by draw, is not noise.
    sampler : function
        `plcore.simulate.sobol` or `plain` (independent draws).
    executor : Executor, optional
        Where blocks are computed: any executor of `concurrent.futures`, such as a
        `ProcessPoolExecutor`, or what `get_executor()` of a Dask client returns, which repeats what
        a lost worker had. By default here. It is not shut down.
    block : int
        Draws that the model is given at once. Fewer suit a slow model, as they spread over more
        workers.

    Returns
    -------
    Run
        Prints as a short summary; `plcore.simulate.summarise` makes a table of it.

    Raises
    ------
    TypeError
        If the model is no function or returns no `Outcome` of numbers, the scenario is no
        `Scenario`, the executor has no `submit`, or a number is not whole.
    ValueError
        If a number is too small or, of Sobol draws, odd, the model cannot be sent to a process pool, or the outcome has
        another shape or a number that is not finite: the message names scenario, draw and year.
    RuntimeError
        If the worker processes of an executor die.

    Examples
    --------
    >>> from plcore.models import three_readings
    >>> from plcore.scenarios import read_scenario
    >>> print(run(three_readings, read_scenario(), n_draws=256))
    Baseline: our estimate, US studies (baseline)
    256 draws, seed 1, 2005-2050
    2050, median (95% interval):
      limb_loss: 3,600,000 (3,550,000 to 3,650,000)
      plp_as_claimed: 3,600,000 (3,550,000 to 3,650,000)
      plp_source_corrected: 2,610,000 (2,180,000 to 3,040,000)
      plp_pooled_share: 2,710,000 (2,340,000 to 2,980,000)
    """
    if not callable(model):
        raise TypeError(f"model is {model!r}; expected a function of draws and a scenario")
    if not isinstance(scenario, Scenario):
        raise TypeError(f"scenario is {scenario!r}; expected what read_scenario(name) returns")
    check_whole_number("n_draws", n_draws, least=1)
    check_whole_number("seed", seed, least=0)
    check_whole_number("block", block, least=1)
    if not callable(sampler):
        raise TypeError(f"sampler is {sampler!r}; expected a function, such as sobol or plain")
    if sampler is sobol and n_draws % 2:
        raise ValueError(
            f"n_draws is {n_draws}; expected an even number, as Sobol draws come in pairs, best a "
            f"power of two such as {1 << max(int(n_draws).bit_length(), 1)}; with sampler=plain it "
            "may be any"
        )
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"executor is {executor!r}; expected one of concurrent.futures, such as "
            "ProcessPoolExecutor(2)"
        )
    if isinstance(executor, ProcessPoolExecutor):
        _check_that_it_can_be_sent(model)
    draws = draws_of(scenario, n_draws, seed=seed, sampler=sampler)
    blocks = [draws.iloc[start : start + block] for start in range(0, n_draws, block)]
    name = getattr(model, "__name__", type(model).__name__)
    with tqdm(
        total=n_draws, desc=f"{name}, {scenario.name}", unit=" draws", delay=1,
        leave=False, disable=not _somebody_watches(),
    ) as bar:  # fmt: skip
        outcomes = []
        for outcome in _outcomes(model, scenario, blocks, executor):
            outcomes.append(outcome)
            bar.update(len(blocks[len(outcomes) - 1]))
    return Run(scenario, seed, draws, _joined(outcomes, scenario), sampler)


def _outcomes(
    model: Model, scenario: Scenario, blocks: list[pd.DataFrame], executor: Executor | None
) -> Iterator[Outcome]:
    if executor is None:
        for draws in blocks:
            yield evaluate(model, draws, scenario)
        return
    futures = [executor.submit(evaluate, model, draws, scenario) for draws in blocks]
    try:
        for future in futures:
            yield future.result()
    except BrokenExecutor as error:
        raise RuntimeError(
            f"{scenario.name}: a worker process died; expected a model that ends and stands in a "
            "module that the workers can import (not in a notebook), and memory for a block on "
            "each worker: if it ran out, choose a smaller block or fewer workers"
        ) from error
    finally:
        for future in futures:
            future.cancel()


def evaluate(model: Model, draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """What the model makes of some draws, checked."""
    try:
        outcome = model(draws, scenario)
    except Exception as error:
        error.add_note(f"{scenario.name}: in draws {draws.index[0]} to {draws.index[-1]}")
        raise
    check_outcome(outcome, draws, scenario.name)
    for name, values in outcome.values.items():
        if not np.isfinite(values).all():
            i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
            raise ValueError(
                f"{scenario.name}: {name} is {values[i, j]} in {outcome.years[j]} of draw "
                f"{draws.index[i]}; expected a finite number "
                f"(its parameters: {draws.iloc[i].to_dict()})"
            )
    return outcome


def check_outcome(outcome: object, draws: pd.DataFrame, label: str) -> None:
    """Refuse what a model of somebody's own may return and nothing here could use.

    Raises TypeError for what is no `Outcome` of arrays of real numbers, ValueError for another
    shape; both name the label, the outcome and what was expected.
    """
    if not isinstance(outcome, Outcome):
        raise TypeError(
            f"{label}: the model returned {type(outcome).__name__}; expected an Outcome"
        )
    # What a dataclass is said to hold, nobody has checked yet.
    given: Any = outcome
    if not isinstance(given.values, Mapping) or not given.values:
        kind = type(given.values).__name__
        raise TypeError(
            f"{label}: the values of the outcome are a {kind}; "
            "expected arrays by name, such as {'plp': array}, one or more"
        )
    years, marks = np.asarray(given.years), np.asarray(given.extrapolated)
    arrays = isinstance(given.years, np.ndarray), isinstance(given.extrapolated, np.ndarray)
    if not arrays[0] or years.ndim != 1 or years.size == 0 or years.dtype.kind not in "iu":
        raise TypeError(
            f"{label}: the years of the outcome are {given.years!r}; expected an array of whole "
            "numbers, one or more"
        )
    if (np.diff(years.astype(np.int64)) <= 0).any():
        raise ValueError(
            f"{label}: the years of the outcome are {given.years!r}; expected each once, the "
            "earliest first"
        )
    if not arrays[1] or marks.shape != years.shape or marks.dtype.kind != "b":
        raise TypeError(
            f"{label}: extrapolated is {given.extrapolated!r}; expected true or false for each "
            f"of the {years.size} years"
        )
    expected = (len(draws), years.size)
    for name, values in given.values.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"{label}: an outcome is called {name!r}; expected a name")
        # Arithmetic of a masked array or a matrix leaves out cells, or has another shape.
        if type(values) is not np.ndarray or values.dtype.kind not in "fiu":
            kind = values.dtype if type(values) is np.ndarray else type(values).__name__
            raise TypeError(
                f"{label}: {name} is of {kind}; expected an array of real numbers, one row per draw "
                "and one column per year"
            )
        if values.shape != expected:
            raise ValueError(
                f"{label}: {name} has shape {values.shape}; expected a row for each of the "
                f"{expected[0]} draws and a column for each of the {expected[1]} years"
            )


def _joined(outcomes: list[Outcome], scenario: Scenario) -> Outcome:
    first = outcomes[0]
    for other in outcomes[1:]:
        if list(other.values) != list(first.values) or not (
            np.array_equal(other.years, first.years)
            and np.array_equal(other.extrapolated, first.extrapolated)
        ):
            raise ValueError(
                f"{scenario.name}: the outcomes of two blocks differ in names or years "
                f"({', '.join(other.values)}; {', '.join(first.values)}); expected the same of "
                "any draws"
            )
    if len(outcomes) == 1:
        return first
    values = {name: np.concatenate([x.values[name] for x in outcomes]) for name in first.values}
    return Outcome(first.years, values, first.extrapolated)


def _check_that_it_can_be_sent(model: Model) -> None:
    try:
        pickle.dumps(model)
    except Exception as error:
        raise ValueError(
            f"model {model!r} cannot be sent to another process ({error}); expected a function "
            "that stands at the top of a module, not a lambda or one inside another function"
        ) from error


def _somebody_watches() -> bool:
    # IPython is there only where something else has loaded it.
    ipython = sys.modules.get("IPython")
    kernel = getattr(None if ipython is None else ipython.get_ipython(), "kernel", None)
    if kernel is not None:
        # A program that runs a notebook to its end says that nobody can be asked for input.
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stderr is not None and sys.stderr.isatty()


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
        One row per scenario, outcome and year: scenario, outcome, year, mean, median, low_50, high_50,
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
        One row per outcome and year: scenario, outcome, year, and the errors of mean, median, low_50,
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
    """Medians with 95% intervals in words, one row per outcome and one column per year.

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
