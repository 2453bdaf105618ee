"""Scenarios against each other, draw by draw.

Runs of several scenarios share the draws of whatever they share, so that each draw is one world
under each scenario, and differences within it are not noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from plcore.analysis.sensitivity.design import Answer, require_level
from plcore.evidence.distributions import Floats
from plcore.simulate.runs import Run


def paired_differences(runs: Sequence[Run], answer: Answer, *, level: float = 0.95) -> pd.DataFrame:
    """How much higher the answer is under each scenario than under the first.

    Parameters
    ----------
    runs : sequence of Run
        The first is what the others are compared with; all from the same seed.
    answer : Answer
    level : float
        Of the interval, which leaves out equal shares of the draws on both sides.

    Returns
    -------
    DataFrame
        A row a scenario but the first: scenario, reference, median, low, high and mean of the
        differences, mean_error (the standard error that the number of draws leaves to the mean,
        taking them as independent), higher (the share of draws in which the answer is higher than
        under the reference) and equal (in which it is the same).

    Raises
    ------
    ValueError
        If the runs do not share their draws.
    """
    require_level(level)
    found = _side_by_side(runs, answer)
    names = [each.scenario.name for each in runs]
    rows = []
    for name, values in zip(names[1:], found[1:], strict=True):
        gain = values - found[0]
        median, low, high = np.quantile(gain, [0.5, (1 - level) / 2, (1 + level) / 2])
        rows.append(
            {
                "scenario": name,
                "reference": names[0],
                "median": float(median),
                "low": float(low),
                "high": float(high),
                "mean": float(gain.mean()),
                "mean_error": float(gain.std(ddof=1) / np.sqrt(len(gain))),
                "higher": float((gain > 0).mean()),
                "equal": float((gain == 0).mean()),
            }
        )
    return pd.DataFrame(rows)


def ranking(runs: Sequence[Run], answer: Answer, *, lowest_first: bool = False) -> pd.DataFrame:
    """How probable it is that each scenario has the highest answer.

    Parameters
    ----------
    runs : sequence of Run
        All from the same seed.
    answer : Answer
    lowest_first : bool
        Whether the lowest answer ranks first.

    Returns
    -------
    DataFrame
        A row a scenario, in the order given: scenario, first (the share of draws in which it ranks
        first; scenarios that tie share the draw), first_error (its standard error, taking draws as
        independent) and mean_rank.

    Raises
    ------
    ValueError
        If the runs do not share their draws.
    """
    found = _side_by_side(runs, answer)
    scores = found if lowest_first else -found
    best = scores == scores.min(axis=0)
    share = best / best.sum(axis=0)
    return pd.DataFrame(
        {
            "scenario": [each.scenario.name for each in runs],
            "first": share.mean(axis=1),
            "first_error": share.std(axis=1, ddof=1) / np.sqrt(found.shape[1]),
            "mean_rank": stats.rankdata(scores, axis=0).mean(axis=1),
        }
    )


def _side_by_side(runs: Sequence[Run], answer: Answer) -> Floats:
    """The answers, shape (n_runs, n_draws)."""
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} runs; expected two or more to compare")
    names = [each.scenario.name for each in runs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two runs of {name}; expected scenarios of different names")
    for other in runs[1:]:
        _require_shared(runs[0], other)
    found = np.stack([answer.of(each.outcome) for each in runs])
    if found.shape[1] < 2:
        raise ValueError("1 draw; expected two or more")
    return found


def _require_shared(first: Run, other: Run) -> None:
    pair = f"{first.scenario.name} and {other.scenario.name}"
    if len(first.draws) != len(other.draws):
        raise ValueError(
            f"{pair} have {len(first.draws)} and {len(other.draws)} draws; expected as many in both"
        )
    if first.seed != other.seed:
        raise ValueError(
            f"{pair} have the seeds {first.seed} and {other.seed}; expected the same, without "
            "which their differences are noise"
        )
    # A correlation re-orders the draws of what it concerns.
    moved = {
        name
        for run in (first, other)
        for each in run.scenario.correlations
        for name in (each.first, each.second)
    }
    before = {item.name: item for item in first.scenario.parameters}
    for item in other.scenario.parameters:
        if item != before.get(item.name) or item.name in moved:
            continue
        if not np.array_equal(first.draws[item.name], other.draws[item.name]):
            raise ValueError(
                f"{pair} have other draws of {item.name}, which is the same in both; expected "
                "runs that share them (same seed, sampler and order of parameters)"
            )
