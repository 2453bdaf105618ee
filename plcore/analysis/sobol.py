"""Sobol indices: which share of a quantity's variance each parameter causes.

The first-order index of a parameter is the share of the variance that would go, on average, if it
were known; the total index is the share that would be left if all others were known (Sobol 1993,
Homma and Saltelli 1996). Their difference is what it causes together with others.

SciPy has the estimators and the bootstrap. The points are ours, as their scrambling is keyed by the
name of the parameter: another parameter in the scenario leaves those of the rest alone. So is the
call of the bootstrap, as the one that comes with SciPy's indices takes no seed.

The indices need inputs that are independent of each other. Those of the posterior are not, so they
count as one: draws of it are taken and swapped as wholes. `shapley` divides what they do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from plcore.analysis.design import (
    Quantity,
    draws_with,
    evaluate,
    marginals,
    require_independent,
    require_level,
    require_moving,
    varied,
)
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import label_of
from plcore.inputs import check_whole_number, checks_kinds
from plcore.scenarios import Scenario
from plcore.simulate.draws import sobol
from plcore.simulate.runs import Model
from plcore.simulate.synthesis import posterior_of

#: The name of the inputs of the posterior, taken together.
POSTERIOR = "limb_loss_posterior"
_LEAST_BASE = 64
_LEAST_RESAMPLES = 20


@checks_kinds
def sobol_indices(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    *,
    parameters: Sequence[str] | None = None,
    n_base: int = 4096,
    seed: int = 1,
    resamples: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """First-order and total Sobol indices of parameters, the largest total first.

    Takes n_base x (parameters + 2) model runs.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        Its parameters vary with their own distributions and must not be correlated. Those that it
        takes from the posterior vary together, as one input called "limb_loss_posterior".
    quantity : Quantity
        The outcome and year whose variance is divided.
    parameters : sequence of str, optional
        Names of those that vary; the rest stay at their medians. By default all that are not fixed.
        "limb_loss_posterior" stands for all those of the posterior, none of which can vary alone.
    n_base : int
        Points of a scrambled Sobol sequence; a power of two, 64 or more.
    seed : int
        Of the points and of the bootstrap; 0 or more.
    resamples : int
        Bootstrap samples of the points, 20 or more, for percentile intervals. They take the points
        as independent; those of a Sobol sequence are more even, so the intervals are rather wide.
    level : float
        Probability of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        A row a parameter: parameter, label (what readers call it), first, first_low, first_high,
        total, total_low, total_high, all shares of the variance, and the level; estimates may lie a
        little outside 0 to 1. 1 less the sum of
        `first` is what parameters cause only together.

    Raises
    ------
    ValueError
        If a name is not that of an uncertain parameter, parameters are correlated, the quantity
        does not change with them, or an option is out of its range.

    References
    ----------
    Saltelli et al. 2010, Comput Phys Commun 181:259-270, table 2 (b) and (f).

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> names = ["plp_prevalence", "limb_loss_posterior"]
    >>> table = sobol_indices(
    ...     people_with_pain, scenario, Quantity("plp", 2050), parameters=names, n_base=256
    ... )
    >>> table.loc[0, "parameter"]
    'limb_loss_posterior'
    """
    known, stored = marginals(scenario), posterior_of(scenario)
    if parameters is None:
        free = [name for name, item in known.items() if not (item.fixed or item.fitted)]
        parameters = [*free, POSTERIOR] if len(stored.columns) else free
    together = POSTERIOR in parameters and len(stored.columns) > 0
    names = [name for name in parameters if not (together and name == POSTERIOR)]
    items = varied(scenario, known, names) if names or not together else ()
    require_independent(scenario, items, what="Sobol indices")
    check_whole_number("n_base", n_base, least=_LEAST_BASE)
    check_whole_number("resamples", resamples, least=_LEAST_RESAMPLES)
    check_whole_number("seed", seed, least=0)
    if n_base & (n_base - 1):
        raise ValueError(
            f"n_base is {n_base}; expected a power of two, {_LEAST_BASE} or more, as Sobol points "
            "are even only in such numbers"
        )
    require_level(level)
    inputs: dict[str, tuple[str, ...]] = {item.name: (item.name,) for item in items}
    if together:
        inputs[POSTERIOR] = tuple(stored.columns)
    names = list(inputs)
    points = sobol([*names, *(f"{name} (second set)" for name in names)], n_base, seed)

    def values(p: Floats) -> dict[str, Floats]:
        drawn = {item.name: item.ppf(p[:, j]) for j, item in enumerate(items)}
        if together:
            rows = np.minimum((p[:, -1] * len(stored)).astype(int), len(stored) - 1)
            drawn |= {str(name): stored[name].to_numpy()[rows] for name in stored}
        return drawn

    a, b = values(points[:, : len(names)]), values(points[:, len(names) :])
    sets = [a, b, *(a | {column: b[column] for column in inputs[name]} for name in names)]
    stacked = {column: np.concatenate([drawn[column] for drawn in sets]) for column in a}
    y = evaluate(model, scenario, draws_with(known, stacked), quantity)
    require_moving(y, quantity)
    y = y.reshape(len(sets), 1, n_base)

    def indices(rows: np.ndarray) -> Floats:
        # SciPy fails with a single parameter: all of them together, which is B, make one more.
        shares = stats.sobol_indices(
            func={"f_A": y[0][:, rows], "f_B": y[1][:, rows], "f_AB": y[1:][:, :, rows]}, n=n_base
        )
        return np.array([shares.first_order[1:], shares.total_order[1:]])

    rows = np.arange(n_base)
    first, total = indices(rows)
    interval = stats.bootstrap(
        [rows],
        indices,
        vectorized=False,
        method="percentile",
        n_resamples=resamples,
        confidence_level=level,
        rng=np.random.default_rng([seed, resamples]),
    ).confidence_interval
    low, high = np.asarray(interval.low), np.asarray(interval.high)
    table = pd.DataFrame(
        {
            "parameter": names,
            "label": ["limb loss (its posterior)" if name == POSTERIOR else label_of(name)
                      for name in names],
            "first": first, "first_low": low[0], "first_high": high[0],
            "total": total, "total_low": low[1], "total_high": high[1], "level": level,
        }
    )  # fmt: skip
    # The order of those that do not matter must not hang on rounding.
    order = table["total"].round(12).sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
