"""Run a model over the draws of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plcore.draws import Sampler, draw, sobol
from plcore.outcome import Outcome
from plcore.scenarios import Scenario

#: From draws and a scenario to an outcome; every model has this shape.
Model = Callable[[pd.DataFrame, Scenario], Outcome]


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario simulated, with all that is needed to repeat it.

    Attributes
    ----------
    scenario : Scenario
    seed : int
    draws : DataFrame
        A row a draw, a column a parameter.
    outcome : Outcome
        The same rows, by year.
    """

    scenario: Scenario
    seed: int
    draws: pd.DataFrame
    outcome: Outcome


def run(
    model: Model,
    scenario: Scenario,
    *,
    n_draws: int = 4096,
    seed: int = 1,
    sampler: Sampler = sobol,
) -> Run:
    """Simulate a scenario.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`.
    scenario : Scenario
    n_draws : int
        A power of two suits the Sobol sampler best.
    seed : int
        The same seed gives the same bits; two scenarios share the draws of what they share.
    sampler : function
        See `plcore.draws.draw`.

    Raises
    ------
    ValueError
        If the model returns an array of another shape, or a number that is not finite: the message
        names the draw and its parameters.
    """
    draws = draw(
        scenario.parameters,
        n_draws,
        seed=seed,
        sampler=sampler,
        correlations=scenario.correlations,
    )
    outcome = model(draws, scenario)
    for name, values in outcome.values.items():
        expected = (n_draws, len(outcome.years))
        if values.shape != expected:
            raise ValueError(f"{name} has shape {values.shape}; expected {expected}")
        if not np.isfinite(values).all():
            i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
            raise ValueError(
                f"{scenario.name}: {name} is {values[i, j]} in {outcome.years[j]} of draw {i}; "
                f"expected a finite number (its parameters: {draws.iloc[i].to_dict()})"
            )
    return Run(scenario, seed, draws, outcome)
