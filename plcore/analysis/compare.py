"""Scenarios against each other, draw by draw.

Runs of several scenarios share the draws of what they have in common, so that the difference
between two of them within a draw is not noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from plcore.analysis.design import Quantity, require_level
from plcore.evidence.distributions import Floats
from plcore.inputs import checks_kinds
from plcore.simulate.runs import Run


@checks_kinds
def compare(runs: Sequence[Run], quantity: Quantity, *, level: float = 0.95) -> pd.DataFrame:
    """A quantity under several scenarios, and how much higher it is than under the first.

    Parameters
    ----------
    runs : sequence of Run
        Two or more, with the same seed and sampler; the first is what the others are compared with.
    quantity : Quantity
        The outcome and year that are compared.
    level : float
        Probability of the intervals, between 0 and 1; they leave out equal shares of the draws on
        both sides.

    Returns
    -------
    DataFrame
        A row a scenario, in the order given: scenario, label (its title), value (median), low,
        high; the same of the difference to the first scenario, draw by draw: more, more_low,
        more_high; mean (of the difference), mean_error (its standard error, draws taken as
        independent); higher (share of draws in which the quantity is higher than under the first),
        equal (in which it is the same); and level.

    Raises
    ------
    ValueError
        If the runs do not share their draws, or two have scenarios of the same name.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> years = {"first_year": 2050, "last_year": 2050}
    >>> runs = [
    ...     run(people_with_pain, read_scenario(name, choices=years), n_draws=64)
    ...     for name in ("baseline", "dysvascular_plus_25")
    ... ]
    >>> compare(runs, Quantity("plp", 2050))["higher"].tolist()
    [0.0, 1.0]
    """
    require_level(level)
    values = _side_by_side(runs, quantity)
    rows = []
    for run, people in zip(runs, values, strict=True):
        gain = people - values[0]
        row: dict[str, object] = {"scenario": run.scenario.name, "label": run.scenario.title}
        for ends, numbers in (
            (("value", "low", "high"), people),
            (("more", "more_low", "more_high"), gain),
        ):
            limits = np.quantile(numbers, [0.5, (1 - level) / 2, (1 + level) / 2])
            row |= dict(zip(ends, map(float, limits), strict=True))
        row |= {
            "mean": float(gain.mean()),
            "mean_error": float(gain.std(ddof=1) / np.sqrt(len(gain))),
            "higher": float((gain > 0).mean()),
            "equal": float((gain == 0).mean()),
            "level": level,
        }
        rows.append(row)
    return pd.DataFrame(rows)


@checks_kinds
def ranking(runs: Sequence[Run], quantity: Quantity, *, lowest_first: bool = False) -> pd.DataFrame:
    """How probable it is that each scenario has the highest quantity.

    Parameters
    ----------
    runs : sequence of Run
        Two or more, with the same seed and sampler.
    quantity : Quantity
        The outcome and year that scenarios are ranked by.
    lowest_first : bool
        Whether the lowest quantity ranks first.

    Returns
    -------
    DataFrame
        A row a scenario, in the order given: scenario, first (share of the draws in which it ranks
        first; scenarios that tie share the draw), first_error (its standard error, draws taken as
        independent) and mean_rank (from 1).

    Raises
    ------
    ValueError
        If the runs do not share their draws, or two have scenarios of the same name.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> years = {"first_year": 2050, "last_year": 2050}
    >>> runs = [
    ...     run(people_with_pain, read_scenario(name, choices=years), n_draws=64)
    ...     for name in ("baseline", "dysvascular_plus_25")
    ... ]
    >>> ranking(runs, Quantity("plp", 2050))["first"].tolist()
    [0.0, 1.0]
    """
    values = _side_by_side(runs, quantity)
    scores = values if lowest_first else -values
    best = scores == scores.min(axis=0)
    share = best / best.sum(axis=0)
    return pd.DataFrame(
        {
            "scenario": [run.scenario.name for run in runs],
            "first": share.mean(axis=1),
            "first_error": share.std(axis=1, ddof=1) / np.sqrt(values.shape[1]),
            "mean_rank": stats.rankdata(scores, axis=0).mean(axis=1),
        }
    )


def _side_by_side(runs: Sequence[Run], quantity: Quantity) -> Floats:
    """The quantity, shape (n_runs, n_draws)."""
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} runs; expected two or more to compare")
    names = [run.scenario.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two runs of {name}; expected scenarios of different names")
    for other in runs[1:]:
        _require_shared(runs[0], other)
    values = np.stack([quantity.of(run.outcome) for run in runs])
    if values.shape[1] < 2:
        raise ValueError("1 draw; expected two or more")
    return values


def _require_shared(first: Run, other: Run) -> None:
    pair = f"{first.scenario.name} and {other.scenario.name}"
    if len(first.draws) != len(other.draws):
        raise ValueError(
            f"{pair} have {len(first.draws)} and {len(other.draws)} draws; expected as many in both"
        )
    if first.seed != other.seed:
        raise ValueError(
            f"{pair} have the seeds {first.seed} and {other.seed}; expected the same, as "
            "differences would otherwise be noise"
        )
    # A correlation reorders the draws of the parameters that it concerns.
    reordered = {
        name
        for run in (first, other)
        for link in run.scenario.correlations
        for name in (link.first, link.second)
    }
    before = {item.name: item for item in first.scenario.parameters}
    for item in other.scenario.parameters:
        if item != before.get(item.name) or item.name in reordered:
            continue
        if not np.array_equal(first.draws[item.name], other.draws[item.name]):
            raise ValueError(
                f"{pair} have other draws of {item.name}, which is the same in both; expected "
                "runs that share them (same seed, sampler and order of parameters)"
            )
