"""Quantile functions against SciPy's, and the round trip from printed limits and back."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from plcore.evidence.distributions import DISTRIBUTIONS, SCORES
from plcore.evidence.parameters import parameter

ROWS = {
    "fixed": ({"value": 3.0}, "ratio"),
    "normal": ({"value": 0.02, "low": -0.01, "high": 0.05}, "log_change_per_year"),
    "lognormal": ({"value": math.sqrt(2), "low": 1.0, "high": 2.0}, "ratio"),
    "logitnormal": ({"value": 0.75, "low": 0.66, "high": 0.822}, "share"),
    "logit_quantiles": (
        dict(
            zip(
                DISTRIBUTIONS["logit_quantiles"].reads,
                special.expit(1 + 0.5 * SCORES),
                strict=True,
            )
        ),
        "share",
    ),
    "beta": ({"value": 0.64, "low": 0.60, "high": 0.68}, "share"),
    "jeffreys": ({"events": 11.0, "n": 60.0}, "share"),
    "uniform": ({"low": 0.6, "high": 0.85}, "share"),
    "triangular": ({"value": 0.2, "low": 0.05, "high": 0.5}, "share"),
}


def made(dist, arguments=None, unit=None):
    given_arguments, given_unit = ROWS[dist]
    return parameter(
        "x",
        unit or given_unit,
        dist,
        arguments or given_arguments,
        source="assumed",
        seen="assumed",
    )


def scipy_twin(dist):
    """The same distribution, frozen, from SciPy."""
    shape = made(dist).shape
    if dist == "triangular":
        low, mode, high = shape
        return stats.triang((mode - low) / (high - low), loc=low, scale=high - low)
    return {
        "normal": lambda: stats.norm(*shape),
        "lognormal": lambda: stats.lognorm(shape[1], scale=math.exp(shape[0])),
        "beta": lambda: stats.beta(*shape),
        "jeffreys": lambda: stats.beta(*shape),
        "uniform": lambda: stats.uniform(shape[0], shape[1] - shape[0]),
    }[dist]()


TWINNED = ["normal", "lognormal", "beta", "jeffreys", "uniform", "triangular"]
LIMITED = ["normal", "lognormal", "logitnormal", "beta"]


@pytest.mark.parametrize("dist", TWINNED)
def test_quantiles_agree_with_scipy(dist):
    p = np.concatenate([[1e-12, 1e-6], np.linspace(0.001, 0.999, 999), [1 - 1e-6]])

    np.testing.assert_allclose(made(dist).ppf(p), scipy_twin(dist).ppf(p), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("dist", TWINNED)
def test_mean_and_variance_agree_with_scipy(dist):
    item, twin = made(dist), scipy_twin(dist)
    mean = integrate.quad(lambda p: float(item.ppf(p)), 0, 1, limit=200)[0]
    square = integrate.quad(lambda p: float(item.ppf(p)) ** 2, 0, 1, limit=200)[0]

    assert mean == pytest.approx(twin.mean(), rel=1e-6)
    assert square - mean**2 == pytest.approx(twin.var(), rel=1e-4)


def test_quantiles_that_a_normal_has_give_that_normal_far_into_its_tails():
    p = np.concatenate([[1e-9], np.linspace(0.001, 0.999, 99), [1 - 1e-9]])

    logits = special.logit(made("logit_quantiles").ppf(p))

    np.testing.assert_allclose(logits, stats.norm(1, 0.5).ppf(p), rtol=1e-6)
    assert made("logit_quantiles").ppf([0.0, 1.0]).tolist() == [0, 1]


@pytest.mark.parametrize("dist", LIMITED)
def test_printed_limits_come_back(dist):
    arguments = ROWS[dist][0]

    low, high = made(dist).interval(0.95)

    assert low == pytest.approx(arguments["low"], rel=1e-9)
    assert high == pytest.approx(arguments["high"], rel=1e-9)


@example(low=0.9, width=0.01)
@given(low=st.floats(0.01, 0.9), width=st.floats(0.01, 0.9))
def test_any_limits_of_a_share_come_back_from_a_beta(low, width):
    high = low + width * (0.99 - low)
    middle = _median("beta", low, high)

    item = made("beta", {"value": middle, "low": low, "high": high})

    np.testing.assert_allclose(item.interval(), (low, high), rtol=1e-8)


def _median(dist, low, high):
    """The median that the refusal of a wrong one names."""
    with pytest.raises(ValueError, match="value near") as refused:
        made(dist, {"value": high + (high - low), "low": low, "high": high}, "ratio")
    return float(str(refused.value).split("value near ")[1].split(",")[0])


@pytest.mark.parametrize("dist", ROWS)
def test_quantiles_never_fall(dist):
    p = np.concatenate([np.geomspace(1e-15, 1e-3, 50), np.linspace(0.001, 1, 1000)])

    assert (np.diff(made(dist).ppf(p)) >= 0).all()


@pytest.mark.parametrize("dist", ROWS)
def test_the_ends_are_those_declared(dist):
    item = made(dist)
    least, greatest = DISTRIBUTIONS[dist].ends(*item.shape)

    low, high = item.ppf([0.0, 1.0])

    assert low == pytest.approx(least)
    assert high == pytest.approx(greatest)


REFUSED = {
    "unit unknown": ("fixed", {"value": 1}, "percent", "unit is 'percent'; expected one of share"),
    "distribution unknown": ("cauchy", {"value": 1}, "ratio", "dist is 'cauchy'; expected one of"),
    "argument missing": ("normal", {"value": 1}, "ratio", "expected value, low, high"),
    "argument not read": ("fixed", {"value": 1, "n": 3}, "ratio", "given value, n; expected value"),
    "not finite": ("fixed", {"value": math.inf}, "ratio", "expected finite numbers"),
    "asymmetric normal": (
        "normal", {"value": 1, "low": 0, "high": 5}, "log_change_per_year", "value near 2.5"),
    "lognormal limits at 0": ("lognormal", {"value": 1, "low": 0, "high": 2}, "ratio", "above 0"),
    "logitnormal limit at 1": (
        "logitnormal", {"value": 0.9, "low": 0.8, "high": 1}, "share", "between 0 and 1"),
    "quantiles that fall": (
        "logit_quantiles",
        dict.fromkeys(DISTRIBUTIONS["logit_quantiles"].reads, 0.5), "share", "quantiles that rise"),
    "beta limit at 0": ("beta", {"value": 0.1, "low": 0, "high": 0.2}, "share", "between 0 and 1"),
    "limits equal": ("uniform", {"low": 1, "high": 1}, "ratio", "low below high"),
    "limits reversed": ("lognormal", {"value": 1, "low": 2, "high": 0.5}, "ratio",
                        "low below high, not 2 and 0.5"),
    "peak outside its ends": ("triangular", {"value": 0.9, "low": 0.1, "high": 0.8}, "share",
                              "value from low (0.1) to high (0.8), not 0.9"),
    "more events than people": ("jeffreys", {"events": 12, "n": 10}, "share",
                                "events from 0 to n (10), not 12"),
    "negative events": ("jeffreys", {"events": -1, "n": 10}, "share", "events from 0 to n"),
    "half a person": ("jeffreys", {"events": 2.5, "n": 10}, "share", "whole numbers"),
    "no people": ("jeffreys", {"events": 0, "n": 0}, "share", "n of 1 or more"),
    "share reaches above 1": ("uniform", {"low": 0.5, "high": 1.2}, "share", "from 0.5 to 1.2"),
    "normal share": ("normal", {"value": 0.5, "low": 0.4, "high": 0.6}, "share", "from 0 to 1"),
    "negative people": ("fixed", {"value": -1}, "people", "expected a people from 0"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_a_distribution_cannot_be_is_refused(fault):
    dist, arguments, unit, expected = REFUSED[fault]

    with pytest.raises(ValueError, match=r"^x: ") as refused:
        parameter("x", unit, dist, arguments, source="assumed", seen="assumed")

    assert expected in str(refused.value)


def test_probabilities_outside_0_to_1_are_refused():
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        made("uniform").ppf([0.5, 1.5])
