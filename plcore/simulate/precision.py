"""How far sampling alone moves a reported number: Monte-Carlo standard errors, and draws needed.

The error says how much a mean or a quantile would differ from run to run with other seeds. It says
nothing of what we do not know: that is the interval itself.

Independent draws carry the error of a quantile in themselves: how many of n draws lie below it is
binomial, so its neighbours among the ordered draws are its limits (Vehtari et al. 2021,
Rank-normalization, folding, and localization; `mcse_quantile` of the R package posterior). Draws of a Latin hypercube or a Sobol sequence are not independent, and most often much
better; their error shows in runs with other seeds only (Owen 1997, Monte Carlo variance of
scrambled net quadrature, on such replicates).
"""

from __future__ import annotations

import math
from concurrent.futures import Executor

import numpy as np
import pandas as pd
from scipy import special

from plcore.simulate.draws import plain, sobol
from plcore.simulate.runs import Run, run
from plcore.simulate.summary import LEVELS, summarise

#: Columns of a summary whose error is given, and the share of draws below each; None for the mean.
NUMBERS: dict[str, float | None] = {
    "mean": None,
    "median": 0.5,
    **{f"low_{level}": (1 - level / 100) / 2 for level in LEVELS},
    **{f"high_{level}": (1 + level / 100) / 2 for level in LEVELS},
}
_Z = float(special.ndtri(0.975))


def order_statistic_errors(simulated: Run) -> pd.DataFrame:
    """Standard errors of every number of a summary, from the run's own independent draws.

    Returns
    -------
    DataFrame
        A row a scenario, outcome, year and number: scenario, outcome, year, number (a column of
        `summarise`), value, error, n_draws. The error of a quantile is half the distance between
        the draws that hold it between them with probability 68%, as one standard error does.

    Raises
    ------
    ValueError
        If the draws are not those of the sampler `plain`.
    """
    if simulated.sampler is not plain:
        raise ValueError(
            f"{simulated.scenario.name}: the draws are not independent; expected a run with "
            "sampler=plain, or replicated_errors"
        )
    n = len(simulated.draws)
    if n < 2:
        raise ValueError(f"{simulated.scenario.name}: {n} draw; expected 2 or more")
    errors = {}
    for outcome, values in simulated.outcome.values.items():
        ordered = np.sort(values, axis=0)
        found = {"mean": values.std(axis=0, ddof=1) / math.sqrt(n)}
        for number, p in NUMBERS.items():
            if p is not None:
                low, high = _neighbours(n, p)
                found[number] = (ordered[high] - ordered[low]) / 2
        errors[outcome] = pd.DataFrame(found, index=simulated.outcome.years)
    return _table(simulated, errors)


def _neighbours(n: int, p: float) -> tuple[int, int]:
    """Places of the ordered draws between which the quantile lies with probability 68%."""
    tails = special.ndtr(np.array([-1.0, 1.0]))
    low, high = np.asarray(special.betaincinv(n * p + 1, n * (1 - p) + 1, tails)) * n
    return max(math.floor(low) - 1, 0), min(math.ceil(high), n) - 1


def replicated_errors(
    simulated: Run, *, replicates: int = 16, executor: Executor | None = None
) -> pd.DataFrame:
    """Standard errors of every number of a summary, from runs of the same size with other seeds.

    Holds for every sampler. It costs that many runs; the error itself is known to within
    1 / sqrt(2 (replicates - 1)) of its size, 18% for 16.

    Parameters
    ----------
    simulated : Run
        As `plcore.simulate.runs.run` returns it.
    replicates : int
        Two or more; they have the seeds after that of the run.
    executor : Executor, optional
        See `plcore.simulate.runs.run`.

    Returns
    -------
    DataFrame
        As `order_statistic_errors`; `value` is that of the run itself.

    Raises
    ------
    ValueError
        If the run's draws were taken from those of another, so that it cannot be repeated.
    """
    model, sampler = simulated.model, simulated.sampler
    if model is None or sampler is None:
        raise ValueError(
            f"{simulated.scenario.name}: the draws were taken from those of another run; expected "
            "a run that plcore.simulate.runs.run returned"
        )
    if replicates < 2:
        raise ValueError(f"replicates is {replicates}; expected 2 or more")
    found = []
    for seed in range(simulated.seed + 1, simulated.seed + 1 + replicates):
        other = run(
            model,
            simulated.scenario,
            n_draws=len(simulated.draws),
            seed=seed,
            sampler=sampler,
            executor=executor,
            block=simulated.block,
        )
        found.append(summarise(other)[list(NUMBERS)].to_numpy())
    spread = np.std(found, axis=0, ddof=1)
    n_years = len(simulated.outcome.years)
    errors = {
        outcome: pd.DataFrame(
            spread[i * n_years : (i + 1) * n_years],
            columns=list(NUMBERS),
            index=simulated.outcome.years,
        )
        for i, outcome in enumerate(simulated.outcome.values)
    }
    return _table(simulated, errors)


def _table(simulated: Run, errors: dict[str, pd.DataFrame]) -> pd.DataFrame:
    keys = ["scenario", "outcome", "year"]
    values = summarise(simulated).melt(keys, list(NUMBERS), "number", "value")
    long = [
        frame.rename_axis("year").reset_index().melt("year", list(NUMBERS), "number", "error")
        for frame in errors.values()
    ]
    spread = pd.concat([part.assign(outcome=name) for name, part in zip(errors, long, strict=True)])
    table = values.merge(spread, on=["outcome", "year", "number"], validate="one_to_one")
    return table.assign(n_draws=len(simulated.draws))


def draws_needed(simulated: Run, *, digits: int = 3) -> pd.DataFrame:
    """How many draws it takes until so many digits of each number no longer depend on the seed.

    Digits count from the first that is not zero. They hold if, with probability 95%, sampling
    moves the number by less than half of the last of them. The error is taken to fall with the
    square root of the number of draws: exact for independent draws, and on the safe side for
    others, whose error falls as fast or faster. (For the same reason nothing can be said of fewer
    draws of those than there are.) The error is `order_statistic_errors` for the sampler
    `plain`, `replicated_errors` (sixteen runs) for others.

    Parameters
    ----------
    digits : int
        1 or more.

    Returns
    -------
    DataFrame
        As `order_statistic_errors`, and `half_digit`, half of the last digit asked for, and
        `draws_needed`, for Sobol draws the next power of two. A number that no seed changes needs
        no more than there are; one that is 0 has no digits, and its half_digit is that of a 1.
    """
    if digits < 1:
        raise ValueError(f"digits is {digits}; expected 1 or more")
    if simulated.sampler is plain:
        table = order_statistic_errors(simulated)
    else:
        table = replicated_errors(simulated)
    size = np.abs(table["value"].to_numpy())
    first_digit = np.floor(np.log10(np.where(size == 0, 1, size)))
    half = 0.5 * 10.0 ** (first_digit - digits + 1)
    n = len(simulated.draws)
    needed = np.ceil(n * (_Z * table["error"].to_numpy() / half) ** 2)
    needed = np.where(table["error"] == 0, n, np.maximum(needed, 2))
    if simulated.sampler is not plain:
        needed = np.maximum(needed, n)
    if simulated.sampler is sobol:
        needed = 2 ** np.ceil(np.log2(needed))
    return table.assign(half_digit=half, draws_needed=needed.astype(np.int64))
