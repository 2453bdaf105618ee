"""Response rates of one arm: posteriors, limits that others printed, impossible counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from plcore.evidence.trials.response import response_rate, wilson

sizes = st.integers(1, 2000)
counts = sizes.flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_posterior_adds_the_responders_to_jeffreys_prior():
    rate = response_rate([5, 0], [12, 20])

    np.testing.assert_array_equal(rate.a, [5.5, 0.5])
    np.testing.assert_array_equal(rate.b, [7.5, 20.5])
    np.testing.assert_allclose(rate.mean, [5.5 / 13, 0.5 / 21])
    np.testing.assert_allclose(rate.median, stats.beta(rate.a, rate.b).median())


def test_jeffreys_limits_are_those_of_brown_cai_and_dasgupta():
    # Brown, Cai & DasGupta 2001, Stat Sci 16:101: the beta quantiles of their equation (6).
    low, high = response_rate([8, 1], [27, 29]).interval()

    np.testing.assert_allclose(low, stats.beta(([8.5, 1.5]), [19.5, 28.5]).ppf(0.025))
    np.testing.assert_allclose(high, stats.beta(([8.5, 1.5]), [19.5, 28.5]).ppf(0.975))


@given(counts, st.floats(0.5, 0.999))
def test_the_interval_holds_its_level_of_the_posterior(count, level):
    rate = response_rate(*count)
    low, high = rate.interval(level)

    # Not through scipy.stats: its tails below 1e-3 near 1 lose digits.
    assert special.betainc(rate.a, rate.b, low) == pytest.approx((1 - level) / 2, rel=1e-6)
    assert special.betainc(rate.b, rate.a, 1 - high) == pytest.approx((1 - level) / 2, abs=1e-6)


def test_wilson_limits_are_those_that_newcombe_printed():
    # Newcombe 1998, Stat Med 17:857-872, Table I: 15/148, 0/20, 1/29.
    np.testing.assert_allclose(
        np.transpose(wilson([15, 0, 1], [148, 20, 29])),
        [[0.0624, 0.1605], [0, 0.1611], [0.0061, 0.1718]],
        atol=5.1e-5,
    )


@given(counts, st.sampled_from([0.8, 0.95, 0.999]))
def test_wilson_limits_agree_with_scipy(count, level):
    expected = stats.binomtest(*count).proportion_ci(level, "wilson")

    # scipy's limits are differences of near numbers.
    np.testing.assert_allclose(
        wilson(*count, level=level), [expected.low, expected.high], atol=1e-9
    )


@pytest.mark.parametrize(
    ("responders", "n", "message"),
    [
        (11, 10, "responders is 11; expected not above n"),
        (-1, 10, "responders is -1; expected a whole number of 0 or more"),
        (2.5, 10, "responders is 2.5; expected a whole number"),
        (0, 0, "n is 0; expected a whole number of 1 or more"),
        (np.nan, 10, "responders is nan"),
        ([1, 2, 9], [5, 5, 5], r"responders is 9 at index \(2,\)"),
    ],
)
def test_impossible_counts_are_refused_by_name(responders, n, message):
    for function in (response_rate, wilson):
        with pytest.raises(ValueError, match=message):
            function(responders, n)
    with pytest.raises(ValueError, match="level is 95"):
        response_rate(1, 2).interval(95)
