"""Pooling many data sets: REML with Knapp-Hartung, Paule-Mandel, and the exact model of shares.

The peers take the same numbers in the same run: PyMARE with data sets in columns (its fit only;
ours gives intervals, prediction intervals, Q and I2 as well), statsmodels one data set at a time,
and metafor in a waiting R process, so that starting R is not timed.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from benchmarks import Case
from benchmarks.floors import applied
from plcore.evidence.pooling import likelihood_interval, paule_mandel, pool, pool_exact
from plcore.evidence.pooling.exact import _N_NODES

K, N = 30, 10_000
SIZES = np.array(
    json.loads(
        (
            Path(__file__).parent.parent / "tests/reference/metafor_plp_prevalence_30_studies.json"
        ).read_text()
    )["n"]
)
_R = """
suppressMessages({library(metafor); library(lme4)})
d <- as.matrix(read.csv("FILE", header = FALSE)); k <- ncol(d) / 2; input <- file("stdin", "r")
cat(as.character(packageVersion("metafor")), "\\n"); flush(stdout())
while (length(readLines(input, 1)) > 0) {
  for (i in seq_len(nrow(d))) { a <- d[i, 1:k]; b <- d[i, k + 1:k]; CALL }
  cat("done\\n"); flush(stdout())
}
"""


def simulated() -> tuple[np.ndarray, np.ndarray]:
    """Estimates and variances, 10,000 data sets of 30 studies, tau2 = 0.2."""
    random = np.random.default_rng(0)
    v = random.uniform(0.01, 0.3, (N, K))
    return random.normal(0, np.sqrt(v + 0.2)), v


def simulated_counts(n_sets: int) -> tuple[np.ndarray, np.ndarray]:
    """Events and people with the sizes of the 30 prevalence studies, tau2 = 0.5."""
    random = np.random.default_rng(1)
    shares = special.expit(0.6 + np.sqrt(0.5) * random.standard_normal((n_sets, K)))
    return random.binomial(SIZES, shares), np.broadcast_to(SIZES, (n_sets, K))


def with_pymare(y: np.ndarray, v: np.ndarray) -> object:
    from pymare.estimators import VarianceBasedLikelihoodEstimator

    columns = y.T.copy(), v.T.copy(), np.ones((y.shape[1], 1))
    return VarianceBasedLikelihoodEstimator(method="REML").fit(*columns)


def with_statsmodels(y: np.ndarray, v: np.ndarray) -> object:
    from statsmodels.stats.meta_analysis import combine_effects

    return [
        combine_effects(*one, method_re="iterated", use_t=True) for one in zip(y, v, strict=True)
    ]


def in_metafor(a: np.ndarray, b: np.ndarray, call: str) -> tuple[str, Callable[[], object] | None]:
    """metafor's version, and a call that fits every row of a and b in a waiting R process."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return "", None
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    data, script = Path(folder.name) / "data.csv", Path(folder.name) / "fit.R"
    np.savetxt(data, np.hstack([a, b]), delimiter=",", fmt="%.17g")
    script.write_text(_R.replace("FILE", data.as_posix()).replace("CALL", call))
    process = subprocess.Popen(
        [rscript, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(process.terminate)
    assert process.stdin is not None
    assert process.stdout is not None
    send, receive = process.stdin, process.stdout
    found = receive.readline().strip()

    def fit() -> object:
        send.write("go\n")
        send.flush()
        if receive.readline().strip() != "done":
            raise RuntimeError("metafor stopped before it was done")
        return None

    return found, fit if found else None


def installed(package: str) -> str:
    """The version of a package, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def weights(n_sets: int) -> dict[str, Any]:
    """The floor of a random-effects mean: the weight of every study worked out once."""
    return {
        "floor": "a division for each study, once",
        "floor_call": applied(np.reciprocal, n_sets * K),
    }


def likelihoods(n_sets: int) -> dict[str, Any]:
    """The floor of a binomial-normal model: its likelihood worked out once."""
    return {
        "floor": f"an exponential for each study and {_N_NODES} nodes, once",
        "floor_call": applied(np.exp, n_sets * K * _N_NODES),
    }


def cases() -> Iterator[Case]:
    y, v = simulated()
    yield Case(
        job="pooling",
        size=f"REML + Knapp-Hartung, {K} studies x {N:,}",
        ours="plcore.evidence.pooling.pool",
        ours_call=lambda: pool(y, v),
        peer="PyMARE by columns (REML, fit only)",
        peer_version=installed("pymare"),
        peer_call=(lambda: with_pymare(y, v)) if installed("pymare") else None,
        **weights(N),
    )
    yield Case(
        job="pooling",
        size=f"Paule-Mandel + Knapp-Hartung, {K} studies x {N:,}",
        ours="plcore.evidence.pooling.pool(tau2=paule_mandel)",
        ours_call=lambda: pool(y, v, tau2=paule_mandel),
        peer="statsmodels combine_effects",
        peer_version=installed("statsmodels"),
        peer_call=(lambda: with_statsmodels(y, v)) if installed("statsmodels") else None,
        **weights(N),
    )
    r_version, r_call = in_metafor(y[:200], v[:200], 'rma(a, b, method = "REML", test = "knha")')
    yield Case(
        job="pooling",
        size=f"REML + Knapp-Hartung, {K} studies x 200",
        ours="plcore.evidence.pooling.pool",
        ours_call=lambda: pool(y[:200], v[:200]),
        peer="metafor rma",
        peer_version=r_version,
        peer_call=r_call,
        **weights(200),
    )
    events, n = simulated_counts(1000)
    glmm = 'rma.glmm(measure = "PLO", xi = a, ni = b, test = "t")'
    r_version, r_call = in_metafor(events[:100], n[:100], glmm)
    yield Case(
        job="pooling",
        size=f"exact model of shares, {K} studies x 100",
        ours="plcore.evidence.pooling.pool_exact",
        ours_call=lambda: pool_exact(events[:100], n[:100]),
        peer="metafor rma.glmm",
        peer_version=r_version,
        peer_call=r_call,
        **likelihoods(100),
    )
    yield Case(
        job="pooling",
        size=f"exact model of shares, {K} studies x 1,000 (limit: 2 ms a fit)",
        ours="plcore.evidence.pooling.pool_exact",
        ours_call=lambda: pool_exact(events, n),
        peer="limit",
        peer_version="",
        peer_call=None,
        limit_s=2.0,
        **likelihoods(1000),
    )
    yield Case(
        job="pooling",
        size=f"likelihood-ratio intervals, {K} studies x 1,000 (limit: 2 ms each)",
        ours="plcore.evidence.pooling.likelihood_interval",
        ours_call=lambda: likelihood_interval(events, n),
        peer="limit",
        peer_version="",
        peer_call=None,
        limit_s=2.0,
        **likelihoods(1000),
    )
