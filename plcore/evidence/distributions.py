"""The distributions an uncertain number can have, each as its quantile function.

A distribution reads some columns of a row of `parameters.csv`: the printed value and its 95%
limits, or counts. `fit` turns those into shape arguments and refuses what the distribution cannot
reproduce; `ppf` maps probabilities to values. A draw, an interval and the end of a tornado bar are
all `ppf` at some probability.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]
Shape = tuple[float, ...]

_Z = float(special.ndtri(0.975))
# A printed value and its printed limits were each rounded: 5% of the width allows for that.
_ROUNDING = 0.05


@dataclass(frozen=True, slots=True)
class Distribution:
    """One family.

    `reads` names the columns that `fit` takes, in that order; `ppf(p, *shape)` is the quantile
    function; `ends(*shape)` are the least and the greatest possible value.
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


def _fit_logit_t(value: float, low: float, high: float, df: float) -> Shape:
    mean, sd = _fit_logitnormal(value, low, high)
    if df <= 0:
        raise ValueError(f"df above 0 for a logit_t, not {df:g}")
    return mean, sd * _Z / float(special.stdtrit(df, 0.975)), df


def _fit_beta(value: float, low: float, high: float) -> Shape:
    if not 0 < low < high < 1:
        raise ValueError(f"limits between 0 and 1 for a beta, not {low:g} to {high:g}")
    middle, spread = (low + high) / 2, (high - low) / (2 * _Z)
    total = max(middle * (1 - middle) / spread**2 - 1, 0.1)
    start = np.log([middle * total, (1 - middle) * total])

    def misses(logs: Floats) -> Floats:
        a, b = np.exp(logs)
        found = special.betaincinv(a, b, np.array([0.025, 0.975]))
        return np.asarray(special.logit(found) - special.logit(np.array([low, high])))

    a, b = _solve(misses, start)
    _require_central(value, float(special.betaincinv(a, b, 0.5)), low, high)
    return a, b


def _fit_jeffreys(events: float, n: float) -> Shape:
    return events + 0.5, n - events + 0.5


def _fit_gamma(value: float, low: float, high: float) -> Shape:
    if low <= 0:
        raise ValueError(f"low above 0 for a gamma, not {low:g}")
    _require_width(low, high)
    spread = math.log(high / low) / (2 * _Z)
    start = np.array([-2 * math.log(spread), math.log((low + high) / 2 * spread**2)])

    def misses(logs: Floats) -> Floats:
        shape, scale = np.exp(logs)
        found = scale * special.gammaincinv(shape, np.array([0.025, 0.975]))
        return np.asarray(np.log(found) - np.log([low, high]))

    shape, scale = _solve(misses, start)
    _require_central(value, scale * float(special.gammaincinv(shape, 0.5)), low, high)
    return shape, scale


def _fit_uniform(low: float, high: float) -> Shape:
    _require_width(low, high)
    return low, high


def _fit_peaked(value: float, low: float, high: float) -> Shape:
    _require_width(low, high)
    return low, value, high


def _ppf_fixed(p: Floats, value: float) -> Floats:
    return np.full_like(p, value)


def _ppf_normal(p: Floats, mean: float, sd: float) -> Floats:
    return mean + sd * special.ndtri(p)


def _ppf_lognormal(p: Floats, mean: float, sd: float) -> Floats:
    return np.exp(_ppf_normal(p, mean, sd))


def _ppf_logitnormal(p: Floats, mean: float, sd: float) -> Floats:
    return np.asarray(special.expit(_ppf_normal(p, mean, sd)))


def _ppf_logit_t(p: Floats, mean: float, scale: float, df: float) -> Floats:
    # SciPy gives +inf for the quantile at 0.
    t = np.where(p == 0, -np.inf, special.stdtrit(df, p))
    return np.asarray(special.expit(mean + scale * t))


def _ppf_beta(p: Floats, a: float, b: float) -> Floats:
    return special.expit(_interpolate(p, _beta_nodes(a, b)))


def _ppf_gamma(p: Floats, shape: float, scale: float) -> Floats:
    return scale * np.exp(_interpolate(p, _gamma_nodes(shape)))


def _ppf_uniform(p: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * p


def _ppf_triangular(p: Floats, low: float, mode: float, high: float) -> Floats:
    width, rise = high - low, mode - low
    up = low + np.sqrt(p * width * rise)
    down = high - np.sqrt((1 - p) * width * (high - mode))
    return np.where(p < rise / width, up, down)


def _ppf_pert(p: Floats, low: float, mode: float, high: float) -> Floats:
    # Malcolm et al. 1959: a beta on [low, high] whose mode counts four times.
    width = high - low
    a, b = 1 + 4 * (mode - low) / width, 1 + 4 * (high - mode) / width
    return low + width * _ppf_beta(p, a, b)


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
    # A pooled share: no column of parameters.csv is called df, so only code can ask for it.
    "logit_t": Distribution((*_CENTRAL, "df"), _fit_logit_t, _ppf_logit_t, _unit),
    "beta": Distribution(_CENTRAL, _fit_beta, _ppf_beta, _unit),
    "jeffreys": Distribution(("events", "n"), _fit_jeffreys, _ppf_beta, _unit),
    "gamma": Distribution(_CENTRAL, _fit_gamma, _ppf_gamma, _positive),
    "uniform": Distribution(("low", "high"), _fit_uniform, _ppf_uniform, _outer),
    "triangular": Distribution(_CENTRAL, _fit_peaked, _ppf_triangular, _outer),
    "pert": Distribution(_CENTRAL, _fit_peaked, _ppf_pert, _outer),
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


def _solve(misses: Callable[[Floats], Floats], start: Floats) -> tuple[float, float]:
    found = optimize.root(misses, start, method="hybr", tol=1e-13)
    if not np.all(np.abs(misses(found.x)) < 1e-9):
        raise ValueError("limits that some distribution of this family has; none was found")
    first, second = np.exp(found.x)
    return float(first), float(second)


# The inverse incomplete beta and gamma functions cost a microsecond a value. On the scale of a
# normal score their logit and log are smooth, so that cubic Hermite interpolation between exact
# nodes is about a hundred times faster and, as the tests show, right to ten digits.
# They reach past the smallest step of a random number, 2**-53, at a score of -8.21.
_SCORES = np.linspace(-8.3, 8.3, 4097)


@dataclass(frozen=True, slots=True)
class _Nodes:
    y: Floats
    slope: Floats


@lru_cache(maxsize=256)
def _beta_nodes(a: float, b: float) -> _Nodes:
    lower, upper = special.ndtr(_SCORES), special.ndtr(-_SCORES)
    y = np.where(
        _SCORES < 0,
        special.logit(special.betaincinv(a, b, lower)),
        -special.logit(special.betaincinv(b, a, upper)),
    )
    log_density = a * special.log_expit(y) + b * special.log_expit(-y) - special.betaln(a, b)
    return _Nodes(y, _slope(log_density))


@lru_cache(maxsize=256)
def _gamma_nodes(shape: float) -> _Nodes:
    lower, upper = special.ndtr(_SCORES), special.ndtr(-_SCORES)
    y = np.log(
        np.where(_SCORES < 0, special.gammaincinv(shape, lower), special.gammainccinv(shape, upper))
    )
    return _Nodes(y, _slope(shape * y - np.exp(y) - special.gammaln(shape)))


def _slope(log_density: Floats) -> Floats:
    """The change of the transformed quantile with the normal score: normal density over its own."""
    return np.exp(-(_SCORES**2) / 2 - math.log(2 * math.pi) / 2 - log_density)


def _interpolate(p: Floats, nodes: _Nodes) -> Floats:
    z = special.ndtri(p)
    step = _SCORES[1] - _SCORES[0]
    inside = np.abs(z) < _SCORES[-1]
    if not np.all(inside | np.isinf(z)):
        least = float(special.ndtr(_SCORES[0]))
        raise ValueError(f"a probability is nearer to 0 than {least:.0e}; expected 0 or more")
    position = np.where(inside, (z - _SCORES[0]) / step, 0.0)
    i = position.astype(np.intp)
    t = position - i
    y0, y1 = nodes.y[i], nodes.y[i + 1]
    d0, d1 = step * nodes.slope[i], step * nodes.slope[i + 1]
    curve = y0 + t * (d0 + t * (3 * (y1 - y0) - 2 * d0 - d1 + t * (2 * (y0 - y1) + d0 + d1)))
    return np.where(inside, curve, z)
