"""100,000 Sobol draws of 16 parameters, two of each distribution, against SciPy's own pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import scipy
from scipy import special, stats
from scipy.stats import qmc

from benchmarks import Case
from plcore.evidence.parameters import parameter
from plcore.simulate.draws import draw

N = 100_000
_PRINTED: dict[str, tuple[dict[str, float], str]] = {
    "fixed": ({"value": 3.0}, "ratio"),
    "normal": ({"value": 0.02, "low": -0.01, "high": 0.05}, "log_change_per_year"),
    "lognormal": ({"value": math.sqrt(2), "low": 1.0, "high": 2.0}, "ratio"),
    "logitnormal": ({"value": 0.75, "low": 0.66, "high": 0.822}, "share"),
    "beta": ({"value": 0.64, "low": 0.60, "high": 0.68}, "share"),
    "jeffreys": ({"events": 11.0, "n": 60.0}, "share"),
    "uniform": ({"low": 0.6, "high": 0.85}, "share"),
    "triangular": ({"value": 0.2, "low": 0.05, "high": 0.5}, "share"),
}
PARAMETERS = [
    parameter(f"{dist}_{i}", unit, dist, printed, source="assumed", seen="assumed")
    for i in range(2)
    for dist, (printed, unit) in _PRINTED.items()
]


def with_scipy() -> np.ndarray:
    """The same distributions, frozen, asked for their quantiles at SciPy's scrambled points."""
    p = qmc.Sobol(len(PARAMETERS), rng=1).random(1 << 17)[:N]
    low, mode, high = 0.05, 0.2, 0.5
    width = high - low
    shapes = {item.dist: item.shape for item in PARAMETERS}
    twins = {
        "normal": stats.norm(*shapes["normal"]),
        "lognormal": stats.lognorm(shapes["lognormal"][1], scale=math.exp(shapes["lognormal"][0])),
        "beta": stats.beta(*shapes["beta"]),
        "jeffreys": stats.beta(*shapes["jeffreys"]),
        "uniform": stats.uniform(0.6, 0.25),
        "triangular": stats.triang((mode - low) / width, loc=low, scale=width),
    }
    mean, sd = shapes["logitnormal"]
    columns = []
    for j, item in enumerate(PARAMETERS):
        if item.dist == "fixed":
            columns.append(np.full(N, 3.0))
        elif item.dist == "logitnormal":
            columns.append(1 / (1 + np.exp(-stats.norm(mean, sd).ppf(p[:, j]))))
        else:
            columns.append(twins[item.dist].ppf(p[:, j]))
    return np.column_stack(columns)


def cases() -> Iterator[Case]:
    shapes = [item.shape for item in PARAMETERS if item.dist in ("beta", "jeffreys")]
    p = np.random.default_rng(0).random(N)
    yield Case(
        job="draws",
        size="100,000 Sobol draws x 16 parameters",
        ours="plcore.simulate.draws.draw",
        ours_call=lambda: draw(PARAMETERS, N, seed=1),
        peer="scipy.stats",
        peer_version=scipy.__version__,
        peer_call=with_scipy,
        # Two betas and two of Jeffreys' have no quantile function in closed form.
        floor="scipy.special.betaincinv of the four columns that need it",
        floor_call=lambda: [special.betaincinv(*shape, p) for shape in shapes],
    )
