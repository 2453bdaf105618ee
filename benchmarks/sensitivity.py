"""Sobol indices: the analysis alone beside SALib's and SciPy's, and with the limb-loss model.

What must be spent at the least on the analysis: 100 bootstrap samples of 4,096 points are a product
of a 100 x 4,096 and a 4,096 x 18 matrix, 7 million multiply-adds or 0.3 ms, and 410,000 random
numbers counted, about 3 ms. The 40,960 runs of the limb-loss model take most of the second case.

Errors against the analytic indices, root mean square over 150 scramblings of 4,096 points, first
and total, SciPy 1.17 in brackets: Ishigami 0.0035 and 0.0022 (0.0037 and 0.0026), the G function of
8 inputs 0.0011 and 0.0006 (0.0011 and 0.0007), three normal inputs 0.0005 and 0.0003 (the same).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator

import numpy as np
import scipy
from scipy import stats

from benchmarks import Case
from plcore.analysis.sensitivity import Answer, indices_of, sobol_indices
from plcore.models.limb_loss import people_with_limb_loss
from plcore.scenarios import read_scenario
from plcore.simulate.draws import sobol

N, K, RESAMPLES = 4096, 8, 100
_A = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
#: Parameters of the limb-loss model that move the number of 2050 most.
EIGHT = (
    "dysvascular_rate_1996",
    "dysvascular_first_share",
    "dysvascular_hazard_ratio",
    "dysvascular_first_year_excess",
    "trauma_rate_1996",
    "trauma_first_share",
    "trauma_hazard_ratio",
    "trauma_ratio_1950",
)


def g_function(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.prod((np.abs(4 * x - 2) + _A) / (1 + _A), axis=-1))


def answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For A, B, and A with each input from B."""
    points = sobol([f"x{i}" for i in range(2 * K)], N, 1)
    a, b = points[:, :K], points[:, K:]
    mixed = np.where(np.eye(K, dtype=bool)[:, np.newaxis], b, a)
    return g_function(a), g_function(b), g_function(mixed)


def with_salib(
    a: np.ndarray, b: np.ndarray, ab: np.ndarray
) -> tuple[str, Callable[[], object] | None]:
    try:
        from SALib.analyze import sobol as salib
    except ImportError:
        return "", None
    problem = {"num_vars": K, "names": [f"x{i}" for i in range(K)], "bounds": [[0, 1]] * K}
    y = np.column_stack([a, ab.T, b]).ravel()
    return importlib.metadata.version("SALib"), lambda: salib.analyze(
        problem, y, calc_second_order=False, num_resamples=RESAMPLES, seed=1
    )


def with_scipy(a: np.ndarray, b: np.ndarray, ab: np.ndarray) -> object:
    func = {"f_A": a[np.newaxis], "f_B": b[np.newaxis], "f_AB": ab[:, np.newaxis]}
    found = stats.sobol_indices(func=func, n=N)
    return found.bootstrap(n_resamples=RESAMPLES)


def cases() -> Iterator[Case]:
    a, b, ab = answers()
    size = f"{K} inputs x {N:,} points, first and total order, {RESAMPLES} bootstrap samples"
    version, salib = with_salib(a, b, ab)
    peers = (
        ("SALib sobol.analyze", version, salib),
        ("scipy.stats.sobol_indices", scipy.__version__, lambda: with_scipy(a, b, ab)),
    )
    for peer, peer_version, peer_call in peers:
        yield Case(
            job="sensitivity",
            size=size,
            ours="plcore.analysis.sensitivity.indices_of",
            ours_call=lambda: indices_of(a, b, ab, resamples=RESAMPLES),
            peer=peer,
            peer_version=peer_version,
            peer_call=peer_call,
        )
    scenario = read_scenario("baseline")
    answer = Answer("limb_loss", 2050)
    yield Case(
        job="sensitivity",
        size=f"limb loss 2005-2050, {K} parameters, {N * (K + 2):,} runs, model included",
        ours="plcore.analysis.sensitivity.sobol_indices",
        ours_call=lambda: sobol_indices(people_with_limb_loss, scenario, answer, parameters=EIGHT),
        peer="limit",
        peer_version="",
        peer_call=None,
        limit_s=10.0,
    )
