"""Made-up models and scenarios, whose sensitivity is known in closed form."""

import json
import math
from pathlib import Path

import numpy as np
from SALib.analyze import morris as effects
from SALib.sample import morris as steps

from plcore.analysis.design import Quantity
from plcore.analysis.global_sensitivity import salib_outputs, salib_problem
from plcore.evidence.parameters import parameter
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario

Y = Quantity("y", 2030)
PEERS = json.loads((Path(__file__).parent / "reference" / "sensitivity_peers.json").read_text())


def given(name, dist, **arguments):
    return parameter(
        name, "log_change_per_year", dist, arguments, source="assumed", seen="assumed", note="test"
    )


def normal(name, mean=0.0, sd=1.0):
    reach = 1.959963984540054 * sd
    return given(name, "normal", value=mean, low=mean - reach, high=mean + reach)


def uniform(name, low=0.0, high=1.0):
    return given(name, "uniform", low=low, high=high)


def fixed(name, value):
    return given(name, "fixed", value=value)


def scenario(*parameters, correlations=(), name="made_up"):
    choices = {"first_year": 2030, "last_year": 2031}
    return Scenario(name, "Made up", "", choices, parameters, correlations)


def model(function):
    """A model whose y is a function of the draws in 2030, and 7 in 2031."""

    def run(draws, scenario):
        y = np.column_stack([function(draws), np.full(len(draws), 7.0)])
        return Outcome(scenario.years, {"y": y}, np.zeros(2, dtype=bool))

    return run


def morris_table(y, world, quantity=Y, *, trajectories=16, seed=1):
    """Elementary effects by SALib, as notebook 06 has them; one row per parameter."""
    problem = salib_problem(world, within=0.95)
    rows = steps.sample(problem, trajectories, seed=seed)
    outputs = salib_outputs(y, world, quantity, problem, rows)
    table = effects.analyze(problem, rows, outputs, seed=seed).to_df().astype(float)
    return table.assign(
        parameter=table.index,
        mu_star_low=table["mu_star"] - table["mu_star_conf"],
        mu_star_high=table["mu_star"] + table["mu_star_conf"],
    ).sort_values("mu_star", ascending=False, kind="stable", ignore_index=True)


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# Ishigami and Homma 1990: V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2, with a = 7 and b = 0.1.
_FIRST = (1 + 0.1 * math.pi**4 / 5) ** 2 / 2
_BOTH = 0.1**2 * math.pi**8 * (1 / 18 - 1 / 50)
_V = _FIRST + 49 / 8 + _BOTH
ISHIGAMI_FIRST = np.array([_FIRST, 49 / 8, 0.0]) / _V
ISHIGAMI_TOTAL = np.array([_FIRST + _BOTH, 49 / 8, _BOTH]) / _V

G_A = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])


def g_function(x):
    return np.prod((np.abs(4 * x - 2) + G_A) / (1 + G_A), axis=1)


def g_indices():
    """Saltelli and Sobol 1995: each factor has mean 1 and variance 1 / (3 (1 + a)^2)."""
    own = 1 / (3 * (1 + G_A) ** 2)
    variance = np.prod(1 + own) - 1
    return own / variance, own * np.prod(1 + own) / (1 + own) / variance
