"""Sobol indices from distributions to a table with intervals, beside SALib and SciPy.

All sides sample 4,096 points, run the G function of 8 inputs on 40,960 rows, and draw 100 bootstrap
samples. Ours uses SciPy's estimators on points of its own; SciPy's own bootstrap (BCa) leaves out
each of the points once as well. What must be spent at the least: 100 times 4,096 x 10 numbers picked
and read.

With the limb-loss model, its 40,960 runs take most of the time.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import scipy
from scipy import stats

from benchmarks import Case
from benchmarks.floors import multiplied
from plcore.analysis import Quantity, sobol_indices
from plcore.evidence.parameters import parameter
from plcore.models import Outcome, people_with_limb_loss
from plcore.scenarios import Scenario, read_scenario

N, RESAMPLES = 4096, 100
_A = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
NAMES = [f"x{i}" for i in range(len(_A))]
#: Parameters of the limb-loss model that move the number of 2050 most.
EIGHT = (
    "dysvascular_rate_1996",
    "dysvascular_first_share",
    "dysvascular_major_hazard_ratio",
    "dysvascular_step_2019",
    "trauma_rate_1996",
    "trauma_first_share",
    "trauma_hazard_ratio",
    "trauma_ratio_1950",
)


def g_function(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.prod((np.abs(4 * x - 2) + _A) / (1 + _A), axis=-1))


def g_model(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    y = g_function(draws[NAMES].to_numpy())
    return Outcome(np.array([2030]), {"y": y[:, np.newaxis]}, np.array([False]))


def with_plcore() -> pd.DataFrame:
    uniform = [
        parameter(
            name, "share", "uniform", {"low": 0.0, "high": 1.0}, source="assumed", seen="assumed"
        )
        for name in NAMES
    ]
    scenario = Scenario("g", "G function", "", {}, tuple(uniform), ())
    return sobol_indices(g_model, scenario, Quantity("y", 2030), n_base=N, resamples=RESAMPLES)


def with_salib() -> tuple[str, Callable[[], object] | None]:
    try:
        from SALib.analyze import sobol as indices
        from SALib.sample import sobol as points
    except ImportError:
        return "", None
    problem = {"num_vars": len(NAMES), "names": NAMES, "bounds": [[0, 1]] * len(NAMES)}

    def call() -> object:
        rows = points.sample(problem, N, calc_second_order=False, seed=1)
        return indices.analyze(
            problem, g_function(rows), calc_second_order=False, num_resamples=RESAMPLES, seed=1
        )

    return importlib.metadata.version("SALib"), call


def with_scipy() -> object:
    found = stats.sobol_indices(
        func=lambda x: g_function(x.T), n=N, dists=[stats.uniform()] * len(NAMES), rng=1
    )
    return found.bootstrap(n_resamples=RESAMPLES)


def cases() -> Iterator[Case]:
    size = (
        f"{len(NAMES)} inputs x {N:,} points, first and total order, {RESAMPLES} bootstrap samples"
    )
    version, salib = with_salib()
    random = np.random.default_rng(1)
    runs, picked = random.random((len(NAMES) + 2, N)), random.integers(N, size=N)
    peers = (
        ("SALib sobol.sample and sobol.analyze", version, salib),
        ("scipy.stats.sobol_indices and bootstrap", scipy.__version__, with_scipy),
    )
    for peer, peer_version, peer_call in peers:
        yield Case(
            job="sensitivity",
            size=size,
            ours="plcore.analysis.sobol_indices",
            ours_call=with_plcore,
            peer=peer,
            peer_version=peer_version,
            peer_call=peer_call,
            floor=f"{RESAMPLES} x {N:,} x {len(NAMES) + 2} numbers picked",
            floor_call=lambda: [runs[:, picked] for _ in range(RESAMPLES)],
        )
    # Sobol indices need independent inputs: those of the prior.
    scenario = read_scenario("baseline", choices={"beliefs": "prior"})
    # 46 years x 7 strata x 12 knots x 29 degrees for each run, as in `benchmarks.limb_loss`.
    adds = N * (len(EIGHT) + 2) * 46 * 7 * 12 * 29.0
    quantity = Quantity("limb_loss", 2050)
    yield Case(
        job="sensitivity",
        size=f"limb loss 2005-2050, {len(EIGHT)} parameters, {N * (len(EIGHT) + 2):,} runs, "
        "model included",
        ours="plcore.analysis.sobol_indices",
        ours_call=lambda: sobol_indices(
            people_with_limb_loss, scenario, quantity, parameters=EIGHT
        ),
        peer="limit",
        peer_version="",
        peer_call=None,
        limit_s=10.0,
        floor=f"{adds:.2g} multiply-adds in products of matrices",
        floor_call=multiplied(adds),
    )
