"""The distributions an uncertain number can have, each as its quantile function.

A distribution reads some columns of a row of `parameters.csv`: the printed value and its 95%
limits, or counts. `fit` turns those into shape arguments; `ppf` maps probabilities to values. A
draw, an interval and the end of a tornado bar are all `ppf` at some probability.

`fit` is the one place where numbers are checked: limits in order, a peak between them, events
within n, a value near the median that its limits imply. So a row of a table, a scenario and a call
are held to the same rules.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize, special

Floats = NDArray[np.float64]
Shape = tuple[float, ...]

#: Normal scores at which the quantiles of a `logit_quantiles` are given; between them its logit
#: follows a monotone spline.
SCORES = np.linspace(-4.5, 4.5, 37)
SCORES.setflags(write=False)
_Z = float(special.ndtri(0.975))
# A printed value and its printed limits were each rounded: 5% of the width allows for that.
_ROUNDING = 0.05


@dataclass(frozen=True, slots=True)
class Distribution:
    """One family of distributions.

    `reads` names the columns that `fit` takes, in that order; `fit` raises a `ValueError` that says
    what was expected; `ppf(p, *shape)` is the quantile function; `ends(*shape)` are the least and
    the greatest possible value.
    """

    reads: tuple[str, ...]
    fit: Callable[..., Shape]
    ppf: Callable[..., Floats]
    ends: Callable[..., tuple[float, float]]


def _fit_fixed(value: float) -> Shape:
    return (value,)


def _fit_normal(value: float, low: float, high: float) -> Shape:
    middle = (low + high) / 2
    _require_central(value, middle, low, high)
    return middle, (high - low) / (2 * _Z)


def _fit_lognormal(value: float, low: float, high: float) -> Shape:
    if low <= 0:
        raise ValueError(f"low above 0 for a lognormal, not {low:g}")
    _require_width(low, high)
    mean, sd = _fit_normal(math.log(low * high) / 2, math.log(low), math.log(high))
    _require_central(value, math.exp(mean), low, high)
    return mean, sd


def _fit_logitnormal(value: float, low: float, high: float) -> Shape:
    if not 0 < low < high < 1:
        raise ValueError(f"limits between 0 and 1 for a logitnormal, not {low:g} to {high:g}")
    ends = float(special.logit(low)), float(special.logit(high))
    mean, sd = _fit_normal(sum(ends) / 2, *ends)
    _require_central(value, float(special.expit(mean)), low, high)
    return mean, sd


def _fit_logit_quantiles(*quantiles: float) -> Shape:
    if not all(0 < x < y < 1 for x, y in itertools.pairwise(quantiles)):
        raise ValueError("quantiles that rise between 0 and 1 for a logit_quantiles")
    return tuple(float(x) for x in special.logit(np.array(quantiles)))


def _fit_beta(value: float, low: float, high: float) -> Shape:
    if not 0 < low < high < 1:
        raise ValueError(f"limits between 0 and 1 for a beta, not {low:g} to {high:g}")
    middle, spread = (low + high) / 2, (high - low) / (2 * _Z)
    total = max(middle * (1 - middle) / spread**2 - 1, 0.1)
    start = np.log([middle * total, (1 - middle) * total])

    def misses(logs: Floats) -> Floats:
        a, b = np.exp(logs)
        limits = special.betaincinv(a, b, np.array([0.025, 0.975]))
        return np.asarray(special.logit(limits) - special.logit(np.array([low, high])))

    solution = optimize.root(misses, start, method="hybr", tol=1e-13)
    if not np.all(np.abs(misses(solution.x)) < 1e-9):
        raise ValueError(f"limits that some beta has; none has {low:g} and {high:g}")
    a, b = map(float, np.exp(solution.x))
    _require_central(value, float(special.betaincinv(a, b, 0.5)), low, high)
    return a, b


def _fit_jeffreys(events: float, n: float) -> Shape:
    if n < 1 or events % 1 != 0 or n % 1 != 0:
        raise ValueError(f"whole numbers, n of 1 or more, not events {events:g} and n {n:g}")
    if not 0 <= events <= n:
        raise ValueError(f"events from 0 to n ({n:g}), not {events:g}")
    return events + 0.5, n - events + 0.5


def _fit_uniform(low: float, high: float) -> Shape:
    _require_width(low, high)
    return low, high


def _fit_triangular(value: float, low: float, high: float) -> Shape:
    _require_width(low, high)
    if not low <= value <= high:
        raise ValueError(f"value from low ({low:g}) to high ({high:g}), not {value:g}")
    return low, value, high


def _ppf_fixed(p: Floats, value: float) -> Floats:
    return np.full_like(p, value)


def _ppf_normal(p: Floats, mean: float, sd: float) -> Floats:
    return mean + sd * special.ndtri(p)


def _ppf_lognormal(p: Floats, mean: float, sd: float) -> Floats:
    return np.exp(_ppf_normal(p, mean, sd))


def _ppf_logitnormal(p: Floats, mean: float, sd: float) -> Floats:
    return np.asarray(special.expit(_ppf_normal(p, mean, sd)))


def _ppf_logit_quantiles(p: Floats, *logits: float) -> Floats:
    z, known = special.ndtri(p), np.array(logits)
    # Beyond the last scores the tails go on like those of a normal.
    beyond = np.minimum(z - SCORES[0], 0) * (known[1] - known[0])
    beyond += np.maximum(z - SCORES[-1], 0) * (known[-1] - known[-2])
    within = interpolate.pchip_interpolate(SCORES, known, np.clip(z, SCORES[0], SCORES[-1]))
    return np.asarray(special.expit(within + beyond / (SCORES[1] - SCORES[0])))


def _ppf_beta(p: Floats, a: float, b: float) -> Floats:
    return np.asarray(special.betaincinv(a, b, p))


def _ppf_uniform(p: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * p


def _ppf_triangular(p: Floats, low: float, mode: float, high: float) -> Floats:
    width, rise = high - low, mode - low
    up = low + np.sqrt(p * width * rise)
    down = high - np.sqrt((1 - p) * width * (high - mode))
    return np.where(p < rise / width, up, down)


def _line(*_: float) -> tuple[float, float]:
    return -math.inf, math.inf


def _positive(*_: float) -> tuple[float, float]:
    return 0.0, math.inf


def _unit(*_: float) -> tuple[float, float]:
    return 0.0, 1.0


def _outer(*shape: float) -> tuple[float, float]:
    return shape[0], shape[-1]


_CENTRAL = ("value", "low", "high")

DISTRIBUTIONS = {
    "fixed": Distribution(("value",), _fit_fixed, _ppf_fixed, _outer),
    "normal": Distribution(_CENTRAL, _fit_normal, _ppf_normal, _line),
    "lognormal": Distribution(_CENTRAL, _fit_lognormal, _ppf_lognormal, _positive),
    "logitnormal": Distribution(_CENTRAL, _fit_logitnormal, _ppf_logitnormal, _unit),
    # A pooled share, of any form: no column of parameters.csv holds these, so only code asks.
    "logit_quantiles": Distribution(
        tuple(f"quantile_at_{score:+.2f}" for score in SCORES),
        _fit_logit_quantiles,
        _ppf_logit_quantiles,
        _unit,
    ),
    "beta": Distribution(_CENTRAL, _fit_beta, _ppf_beta, _unit),
    "jeffreys": Distribution(("events", "n"), _fit_jeffreys, _ppf_beta, _unit),
    "uniform": Distribution(("low", "high"), _fit_uniform, _ppf_uniform, _outer),
    "triangular": Distribution(_CENTRAL, _fit_triangular, _ppf_triangular, _outer),
}


def _require_width(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"low below high, not {low:g} and {high:g}")


def _require_central(value: float, median: float, low: float, high: float) -> None:
    _require_width(low, high)
    if abs(value - median) > _ROUNDING * (high - low):
        raise ValueError(
            f"value near {median:.6g}, the median that these limits have in this distribution, "
            f"not {value:g}"
        )
