"""`python -m benchmarks.coverage`: do 95% intervals of a pooled prevalence cover it 95% of the time?

Simulates studies as the exact model has them, with the sizes of the 30 prevalence studies (drawn
without replacement), a mean log odds of 0.6 (65%), and writes `coverage.csv`: for each number of
studies and tau2 the share of data sets whose interval holds the true mean, the mean width of the
interval, and the bias of the estimates. The small version is in `tests/evidence/test_meta_exact.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from benchmarks.pooling import SIZES
from plcore.evidence.pooling import (
    dersimonian_laird,
    likelihood_interval,
    logit_proportion,
    paule_mandel,
    pool,
    pool_exact,
)

MEAN = 0.6
Interval = tuple[np.ndarray, np.ndarray]


def simulate(k: int, tau2: float, n_sets: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Events and people of n_sets data sets of k studies."""
    random = np.random.default_rng([seed, k, round(1000 * tau2)])
    n = random.permuted(np.tile(SIZES, (n_sets, 1)), axis=1)[:, :k]
    return random.binomial(
        n, special.expit(MEAN + np.sqrt(tau2) * random.standard_normal(n.shape))
    ), n


def cell(k: int, tau2: float, n_sets: int, seed: int) -> list[dict[str, float | str]]:
    """One row a method for a number of studies and a tau2."""
    events, n = simulate(k, tau2, n_sets, seed)
    y, v = logit_proportion(events, n)
    reml, exact = pool(y, v), pool_exact(events, n)
    found: dict[str, tuple[Interval, np.ndarray, np.ndarray]] = {
        "REML, normal": (_ends(pool(y, v, knapp_hartung=False)), reml.estimate, reml.tau2),
        "REML, Knapp-Hartung": (_ends(reml), reml.estimate, reml.tau2),
        "exact, Wald, t": (_ends(exact), exact.estimate, exact.tau2),
        "exact, likelihood ratio": (likelihood_interval(events, n), exact.estimate, exact.tau2),
    }  # fmt: skip
    for name, estimator in (("DL", dersimonian_laird), ("PM", paule_mandel)):
        other = pool(y, v, tau2=estimator)
        found[f"{name}, Knapp-Hartung"] = (_ends(other), other.estimate, other.tau2)
    return [
        {
            "k": k,
            "tau2": tau2,
            "method": name,
            "coverage": float(((low <= MEAN) & (high >= MEAN)).mean()),
            "median_width": float(np.median(high - low)),
            "bias_of_mean": float(estimate.mean() - MEAN),
            "bias_of_tau2": float(spread.mean() - tau2),
            "data_sets": n_sets,
        }
        for name, ((low, high), estimate, spread) in found.items()
    ]


def _ends(pooled: object) -> Interval:
    return pooled.low, pooled.high  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of 95% intervals, by simulation.")
    parser.add_argument("--data-sets", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    rows = [
        row
        for k in (5, 10, 30)
        for tau2 in (0.0, 0.1, 0.5)
        for row in cell(k, tau2, wanted.data_sets, wanted.seed)
    ]
    table = pd.DataFrame(rows)
    table.to_csv(Path(__file__).with_name("coverage.csv"), index=False, float_format="%.4f")
    print(table.pivot_table(index=["k", "tau2"], columns="method", values="coverage").to_string())


if __name__ == "__main__":
    main()
