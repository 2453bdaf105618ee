"""Means into shares, regression to the mean, and what a single arm can say."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import integrate, stats

from plcore.analysis.trial_design.conversion import (
    before_selection,
    derived_relative_response,
    derived_response,
    excess_over_control,
    fall_from_scores,
    mean_fall_for_relative_share,
    mean_fall_for_share,
    natural_fall,
    natural_improvement,
    share_with_fall,
    share_with_relative_fall,
)
from plcore.evidence.trials.response import response_rate

PATIENTS = 400_000


def by_quadrature(mean, sd, fraction, centre, spread, r, lowest, highest, points):
    """The share by integration over the baseline, from the conditional normal of the fall."""

    def at(b):
        expected = mean + r * sd * (b - centre) / spread
        responds = stats.norm.sf(points + fraction * b, expected, sd * math.sqrt(1 - r * r))
        return stats.norm.pdf(b, centre, spread) * responds

    low, high = max(lowest, centre - 12 * spread), min(highest, centre + 12 * spread)
    taken = stats.norm.cdf(high, centre, spread) - stats.norm.cdf(low, centre, spread)
    return integrate.quad(at, low, high, epsabs=1e-13, limit=500)[0] / taken


@pytest.mark.parametrize(
    "model",
    [
        (2.0, 2.5, 0.3, 6.0, 2.0, 0.4, 0.0, math.inf, 0.0),
        (1.0, 2.0, 0.5, 5.0, 1.5, -0.2, 4.0, 10.0, 0.0),
        (0.0, 2.0, 0.3, 4.0, 2.2, 0.5, 7.0, math.inf, 0.0),
        (0.0, 2.0, 0.0, 4.0, 2.0, 0.0, 4.0, math.inf, 0.0),
        (1.5, 1.0, 0.3, 5.0, 2.0, 0.95, -math.inf, 5.0, 0.5),
    ],
    ids=str,
)
def test_the_share_is_the_integral_over_the_baseline(model):
    mean, sd, fraction, centre, spread, r, lowest, highest, points = model

    found = share_with_relative_fall(
        mean, sd, fraction=fraction, baseline_mean=centre, baseline_sd=spread, correlation=r,
        points=points, lowest=lowest, highest=highest,
    )  # fmt: skip

    assert found == pytest.approx(by_quadrature(*model), abs=1e-11)


def test_points_without_a_fraction_are_the_tail_of_the_fall():
    found = share_with_relative_fall(
        1.0, 2.0, fraction=0.0, points=2.0, baseline_mean=6, baseline_sd=2, correlation=0.3,
        lowest=-math.inf,
    )  # fmt: skip

    # By hand: half an SD from the criterion, Phi(-0.5) = 0.3085.
    assert found == pytest.approx(share_with_fall(1.0, 2.0, points=2.0), abs=1e-14)
    assert found == pytest.approx(0.308538, abs=5e-7)


@example(share=0.5, sd=1.0, fraction=5e-324, r=0.0)  # once overflowed
@given(
    share=st.floats(0.01, 0.99),
    sd=st.floats(0.5, 4),
    fraction=st.floats(0.0, 0.7),
    r=st.floats(-0.9, 0.9),
)
def test_a_share_back_to_a_mean_fall_and_again_is_the_same(share, sd, fraction, r):
    mean = mean_fall_for_relative_share(
        share, sd, fraction=fraction, baseline_mean=6.0, baseline_sd=1.8, correlation=r
    )
    again = share_with_relative_fall(
        mean, sd, fraction=fraction, baseline_mean=6.0, baseline_sd=1.8, correlation=r
    )

    assert again == pytest.approx(share, abs=1e-10)
    assert share_with_fall(mean_fall_for_share(share, sd, points=2), sd, points=2) == pytest.approx(
        share, abs=1e-12
    )


@pytest.mark.parametrize("r", [-0.6, 0.0, 0.3, 0.9])
def test_half_the_plane_and_a_quadrant_have_their_shares_by_sheppard(r):
    """Criterion and lowest baseline both at the mean: 1/4 + asin(r) / (2 pi), of a half."""
    found = share_with_relative_fall(
        2.0, 1.0, fraction=0.0, points=2.0, baseline_mean=6, baseline_sd=2, correlation=r, lowest=6
    )

    assert found == pytest.approx(0.5 + math.asin(r) / math.pi, abs=1e-14)


def test_many_draws_are_converted_at_once():
    means, correlations = np.array([1.0, 2.0, 3.0]), np.array([[0.2], [0.6]])

    found = share_with_relative_fall(
        means, 2.5, fraction=0.5, baseline_mean=6, baseline_sd=2, correlation=correlations
    )

    assert found.shape == (2, 3)
    assert found[1, 2] == share_with_relative_fall(
        3.0, 2.5, fraction=0.5, baseline_mean=6, baseline_sd=2, correlation=0.6
    )
    back = mean_fall_for_relative_share(
        found, 2.5, fraction=0.5, baseline_mean=6, baseline_sd=2, correlation=correlations
    )
    np.testing.assert_allclose(back, np.broadcast_to(means, (2, 3)), atol=1e-10)


def test_falls_come_from_scores_before_and_after():
    # Var(b - a) = 4 + 9 - 2 x 0.5 x 2 x 3 = 7; Cov(b, b - a) = 4 - 3 = 1: by hand.
    sd, correlation = fall_from_scores(2.0, 3.0, 0.5)

    assert sd == pytest.approx(math.sqrt(7))
    assert correlation == pytest.approx(1 / (2 * math.sqrt(7)))


def test_a_derived_response_says_that_it_is_and_under_which_model():
    found = derived_response(1.5, 2.5, 12, points=3.0)

    assert found.model == "derived: fall normal, mean 1.5, SD 2.5; response: 3 points or more"
    assert (found.n, found.level) == (12, 0.95)
    assert found.low < found.share < found.high


def test_the_interval_of_a_derived_response_is_that_of_the_noncentral_t():
    found = derived_response(1.5, 2.5, 12, points=3.0)

    seen = math.sqrt(12) * (1.5 - 3.0) / 2.5
    for limit, probability in ((found.low, 0.975), (found.high, 0.025)):
        noncentrality = math.sqrt(12) * stats.norm.ppf(limit)
        assert stats.nct.cdf(seen, 11, noncentrality) == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize("n", [8, 40])
def test_derived_intervals_cover_the_share_of_the_model_that_made_the_data(n):
    random = np.random.default_rng(n)
    falls = random.normal(1.5, 2.5, (1_000, n))
    truth = share_with_fall(1.5, 2.5, points=2.0)

    found = [
        derived_response(mean, sd, n, points=2.0)
        for mean, sd in zip(falls.mean(axis=1), falls.std(axis=1, ddof=1), strict=True)
    ]

    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1_000)


def test_relative_derived_intervals_cover_the_share_of_the_model_too():
    random = np.random.default_rng(5)
    n, covariance = 15, [[1.8**2, 0.4 * 1.8 * 2.5], [0.4 * 1.8 * 2.5, 2.5**2]]
    sample = random.multivariate_normal([6.0, 2.0], covariance, (1_000, n))
    truth = share_with_relative_fall(
        2.0, 2.5, fraction=0.3, baseline_mean=6.0, baseline_sd=1.8, correlation=0.4
    )
    covered = 0
    for patients in sample:
        (b, fall), (sd_b, sd_fall) = patients.mean(axis=0), patients.std(axis=0, ddof=1)
        found = derived_relative_response(
            fall, sd_fall, n, fraction=0.3, baseline_mean=b, baseline_sd=sd_b,
            correlation=np.corrcoef(patients.T)[0, 1],
        )  # fmt: skip
        covered += found.low <= truth <= found.high

    assert abs(covered / 1_000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1_000)
    assert found.model.endswith("response: 30% of baseline or more")


def two_days(retest, seed):
    random = np.random.default_rng(seed)
    usual = random.normal(0, math.sqrt(retest), PATIENTS)
    first, second = usual + random.normal(0, math.sqrt(1 - retest), (2, PATIENTS))
    return 4 + 2.2 * first, 4 + 2.2 * second


@pytest.mark.parametrize("retest", [0.3, 0.7])
def test_regression_to_the_mean_is_that_of_simulated_people(retest):
    """Each has a usual pain, the same on both days, and a day's own on top."""
    first, second = two_days(retest, seed=1)
    taken = first >= 5.0
    fall = first[taken] - second[taken]
    n = fall.size

    expected = natural_fall(4.0, 2.2, retest, lowest=5.0)
    assert abs(fall.mean() - expected) < 4 * fall.std() / math.sqrt(n)
    for rule, asked in (({"fraction": 0.3}, 0.3 * first[taken]), ({"points": 2.0}, 2.0), ({}, 0.0)):
        share = natural_improvement(4.0, 2.2, retest, lowest=5.0, **rule)
        assert abs(np.mean(fall >= asked) - share) < 4 * math.sqrt(share * (1 - share) / n)


def test_pain_that_is_always_the_same_does_not_regress():
    assert natural_fall(4.0, 2.2, 1.0, lowest=5.0) == 0
    assert natural_improvement(4.0, 2.2, 1.0, lowest=5.0, fraction=0.3) == 0
    # Nearly the same: falls of 30% are out of reach.
    assert natural_improvement(4.0, 2.2, 0.9999, lowest=5.0, fraction=0.3) < 1e-12


def test_pain_that_is_new_each_day_regresses_all_the_way():
    # The mean of a normal above its own mean: sd sqrt(2 / pi).
    fall = natural_fall(4.0, 2.2, 0.0, lowest=4.0)
    assert fall == pytest.approx(2.2 * math.sqrt(2 / math.pi))
    # Of two equal draws the first is the greater in a half; given the first above the mean, in 3/4.
    assert natural_improvement(4.0, 2.2, 0.0, lowest=4.0) == pytest.approx(0.75, abs=1e-12)


@given(retest=st.floats(0.01, 0.95), lowest=st.floats(2.0, 8.0))
def test_taking_nobody_for_their_pain_leaves_no_fall_and_a_higher_bar_a_larger_one(retest, lowest):
    fall = natural_fall(4.0, 2.2, retest, lowest=lowest)

    assert 0 < fall < natural_fall(4.0, 2.2, retest, lowest=lowest + 0.5)
    assert natural_fall(4.0, 2.2, retest, lowest=-60.0) == pytest.approx(0, abs=1e-12)


def test_everybody_falls_by_any_amount_in_half_of_the_cases():
    assert natural_improvement(4.0, 2.2, 0.6, lowest=-60.0) == pytest.approx(0.5, abs=1e-12)


@given(mean=st.floats(0, 8), sd=st.floats(0.5, 3), lowest=st.floats(-2, 10))
def test_everybody_is_recovered_from_those_taken(mean, sd, lowest):
    above = stats.truncnorm((lowest - mean) / sd, np.inf, loc=mean, scale=sd)
    if (lowest - mean) / sd > 5:
        return

    found = before_selection(above.mean(), above.std(), lowest=lowest)

    assert found == pytest.approx((mean, sd), rel=1e-4, abs=1e-4)


def test_an_excess_is_that_of_a_million_draws():
    rate = response_rate(10, 25)
    random = np.random.default_rng(3)
    draws = random.beta(10.5, 15.5, 1_000_000) - random.beta(6, 14, 1_000_000)

    found = excess_over_control(rate, stats.beta(6, 14).ppf)

    # Four standard errors: of a mean, of a share, and of quantiles where the density is 0.35.
    assert found.mean == pytest.approx(draws.mean(), abs=4 * draws.std() / 1_000)
    assert found.probability == pytest.approx(np.mean(draws > 0), abs=4 * 0.0005)
    limits = np.quantile(draws, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(limits), abs=4 * 0.0005)


def test_ten_of_25_may_be_nothing_but_what_happens_anyway():
    # 41% "improved" of 25 with a natural improvement of 20 to 50%: the interval includes 0.
    found = excess_over_control(response_rate(10, 25), stats.uniform(0.2, 0.3).ppf)

    assert found.low < 0 < found.high
    assert 0.6 < found.probability < 0.8


def test_against_a_known_rate_the_excess_is_the_posterior_less_the_rate():
    rate = response_rate(10, 25)

    found = excess_over_control(rate, lambda p: np.full_like(p, 0.25), level=0.9)

    expected = stats.beta(10.5, 15.5).ppf([0.05, 0.95]) - 0.25
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-10)
    assert found.probability == pytest.approx(stats.beta(10.5, 15.5).sf(0.25), abs=1e-12)


def test_against_its_own_like_the_excess_is_even():
    found = excess_over_control(response_rate(10, 25), stats.beta(10.5, 15.5).ppf)

    assert found.probability == pytest.approx(0.5, abs=1e-11)
    assert found.low == pytest.approx(-found.high, abs=1e-10)


RELATIVE = {"fraction": 0.3, "baseline_mean": 6, "baseline_sd": 2, "correlation": 0.4}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: share_with_fall(1, 0, points=2), "sd_fall is 0"),
        (lambda: mean_fall_for_share(1.0, 2, points=2), "share is 1; expected 0 to 1"),
        (
            lambda: share_with_relative_fall(1, 2, **RELATIVE | {"correlation": 1.0}),
            "correlation is 1",
        ),
        (
            lambda: share_with_relative_fall(1, 2, **RELATIVE, lowest=5, highest=5),
            "expected the lowest below",
        ),
        (lambda: share_with_relative_fall(1, 2, **RELATIVE, lowest=500), "nobody has a baseline"),
        (lambda: derived_response(1, 2, 1, points=2), "n is 1; expected a whole number"),
        (lambda: derived_response(100, 0.1, 10, points=2), "has no interval"),
        (lambda: derived_response(1, 2, 10, points=2, level=95), "level is 95"),
        (lambda: natural_fall(4, 2, 1.2, lowest=4), "retest is 1.2"),
        (lambda: before_selection(5.0, 1.5, lowest=4), "more than one SD above it"),
        (lambda: fall_from_scores(2, 2, -1), "correlation is -1"),
        (
            lambda: excess_over_control(response_rate(10, 25), stats.norm.ppf),
            "control_ppf is -",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
