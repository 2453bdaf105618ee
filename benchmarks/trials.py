"""Two-arm trials of 200 patients with a binary outcome: against a loop, statsmodels and mcpower.

All draw the trials, test each and return the power. mcpower (Rust) is asked the same question through a logistic regression, where patients
come to either arm by the toss of a coin. Before they are timed, the powers are checked to agree.
"""

from __future__ import annotations

import math
import platform
import statistics
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import Case
from benchmarks.floors import drawn
from plcore.analysis import simulate_trials
from plcore.analysis.trial_design import fisher

TREATED, CONTROL, N_ARM = 0.5, 0.3, 100
N_TRIALS = 100_000
# statsmodels takes some 0.2 ms a trial; both sides of its case do fewer.
FEWER = 5_000
Z = statistics.NormalDist().inv_cdf(0.975)


def with_loop(n_trials: int) -> float:
    """A trial at a time: NumPy draws its patients, plain Python tests."""
    random = np.random.default_rng(1)
    rejected = 0
    for _ in range(n_trials):
        a = int((random.random(N_ARM) < TREATED).sum())
        c = int((random.random(N_ARM) < CONTROL).sum())
        p1, p2, pooled = a / N_ARM, c / N_ARM, (a + c) / (2 * N_ARM)
        se = math.sqrt(pooled * (1 - pooled) * 2 / N_ARM)
        rejected += se > 0 and abs(p1 - p2) / se >= Z
    return rejected / n_trials


def with_statsmodels(n_trials: int) -> float:
    """Counts at once, then statsmodels' z-test a trial at a time."""
    from statsmodels.stats.proportion import proportions_ztest

    random = np.random.default_rng(1)
    treated = random.binomial(N_ARM, TREATED, n_trials)
    control = random.binomial(N_ARM, CONTROL, n_trials)
    rejected = 0
    for a, c in zip(treated, control, strict=True):
        rejected += proportions_ztest([a, c], [N_ARM, N_ARM])[1] <= 0.05
    return rejected / n_trials


def with_mcpower(n_trials: int) -> float:
    """A logistic regression on one binary predictor, Wald's test of its slope."""
    import mcpower

    model = mcpower.MCPower("responds = treated", family="logit")
    model.set_variable_type("treated=(binary,0.5)")
    model.set_baseline_probability(CONTROL)
    odds_ratio = TREATED / (1 - TREATED) / (CONTROL / (1 - CONTROL))
    model.set_effects(f"treated={math.log(odds_ratio)}")
    model.set_seed(1)
    found = model.find_power(
        2 * N_ARM, target_test="treated", n_sims=n_trials, verbose=False, progress_callback=False
    )
    return float(found["power_uncorrected"][0][0])


def exact_power() -> float:
    """The probability of all tables that the chi-square test rejects."""
    a, c = np.mgrid[: N_ARM + 1, : N_ARM + 1]
    pooled = (a + c) / (2 * N_ARM)
    se = np.sqrt(pooled * (1 - pooled) * 2 / N_ARM)
    rejects = np.abs(a - c) / N_ARM >= Z * np.where(se > 0, se, np.inf)
    mass = stats.binom.pmf(a, N_ARM, TREATED) * stats.binom.pmf(c, N_ARM, CONTROL)
    return float(mass[rejects].sum())


def checked(call: Callable[[int], float], n_trials: int, *, margin: float) -> Callable[[], object]:
    """The peer's call, refused where its power is not that of the sum over all tables."""
    exact = exact_power()
    error = math.sqrt(exact * (1 - exact) / n_trials)
    found = call(n_trials)
    if abs(found - exact) > 4 * error + margin:
        raise ValueError(f"{call.__name__} has a power of {found:g}; expected {exact:g}")
    return lambda: call(n_trials)


def installed(
    name: str, call: Callable[[int], float], n_trials: int, *, margin: float
) -> tuple[str, Callable[[], object] | None]:
    try:
        return version(name), checked(call, n_trials, margin=margin)
    except PackageNotFoundError:
        return "", None


def ours(n_trials: int) -> float:
    return simulate_trials(TREATED, CONTROL, N_ARM, N_ARM, n_trials=n_trials, seed=1).power


def floor(n_trials: int) -> dict[str, Any]:
    """Responders of both arms drawn."""
    return {
        "floor": f"{2 * n_trials:,} binomial numbers drawn",
        "floor_call": drawn(
            lambda random: [random.binomial(N_ARM, p, n_trials) for p in (TREATED, CONTROL)]
        ),
    }


def cases() -> Iterator[Case]:
    size, name = (
        "{:,} trials x 200 patients, binary",
        "plcore.analysis.simulate_trials",
    )
    yield Case(
        job="trials", size=size.format(N_TRIALS), ours=name, ours_call=lambda: ours(N_TRIALS),
        peer="loop over trials, NumPy", peer_version=platform.python_version(),
        peer_call=checked(with_loop, N_TRIALS, margin=0.0), **floor(N_TRIALS),
    )  # fmt: skip
    peer_version, call = installed("statsmodels", with_statsmodels, FEWER, margin=0.0)
    yield Case(
        job="trials", size=size.format(FEWER), ours=name, ours_call=lambda: ours(FEWER),
        peer="statsmodels, a trial at a time", peer_version=peer_version, peer_call=call,
        **floor(FEWER),
    )  # fmt: skip
    # Wald's test and arms of unequal size cost mcpower about 1% of power.
    peer_version, call = installed("mcpower", with_mcpower, N_TRIALS, margin=0.015)
    yield Case(
        job="trials", size=size.format(N_TRIALS), ours=name, ours_call=lambda: ours(N_TRIALS),
        peer="mcpower", peer_version=peer_version, peer_call=call, **floor(N_TRIALS),
    )  # fmt: skip
    yield Case(
        job="trials", size=size.format(N_TRIALS) + ", Fisher's exact test, 10% and 20% dropout",
        ours=name, ours_call=with_dropout, peer="limit", peer_version="", peer_call=None,
        limit_s=1.0, **floor(N_TRIALS),
    )  # fmt: skip


def with_dropout() -> object:
    return simulate_trials(
        TREATED, CONTROL, N_ARM, N_ARM, n_trials=N_TRIALS, seed=1, test=fisher,
        dropout=(0.1, 0.2),
    )  # fmt: skip
