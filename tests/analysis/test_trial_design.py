"""Power, sample size and simulated trials: statsmodels, all tables added up, closed forms."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from plcore.analysis.trial_design import (
    SimulatedTrials,
    chi_square,
    excess_over_control,
    fisher,
    natural_improvement,
    sample_size,
    simulate_trials,
    trial_power,
)
from plcore.evidence.trials.response import response_rate

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "statsmodels_power.json").read_text(encoding="utf-8")
)["rows"]
N = 40_000
inner = st.floats(0.05, 0.95)
sizes = st.integers(5, 300)


def within_four(simulated, expected, error):
    """Within four standard errors: of the seeds there are, one in 16,000 would fail by chance."""
    return abs(simulated - expected) <= 4 * error


def exact_power(test, p1, p2, n1, n2, alpha=0.05):
    """The probability of all tables that the test rejects."""
    a, c = (counts.ravel() for counts in np.mgrid[: n1 + 1, : n2 + 1])
    rejects = test(a, np.full(a.size, n1), c, np.full(a.size, n2)) <= alpha
    return (stats.binom.pmf(a, n1, p1) * stats.binom.pmf(c, n2, p2))[rejects].sum()


# Power and sample size


@pytest.mark.parametrize("row", [row for row in REFERENCE["shares"] if row[4] == "two-sided"],
                         ids=str)  # fmt: skip
def test_power_is_that_of_statsmodels(row):
    treated, control, n1, n2, _, alpha, expected = row

    assert trial_power(treated, control, n1, n2, alpha=alpha) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize(("treated", "control", "power", "n"), REFERENCE["size_shares_one_tail"])
def test_a_sample_size_is_that_of_statsmodels_rounded_up(treated, control, power, n):
    size = sample_size(treated, control, power=power)

    assert size.analysed == size.recruited == math.ceil(n)
    assert size.power >= power


@given(p1=inner, p2=inner, n1=sizes, n2=sizes, alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_power_is_alpha_without_an_effect_and_the_same_with_the_arms_swapped(p1, p2, n1, n2, alpha):
    assert trial_power(p1, p1, n1, n2, alpha=alpha) == pytest.approx(alpha, abs=1e-12)
    assert trial_power(p1, p2, n1, n2) == pytest.approx(trial_power(p2, p1, n2, n1), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 0.4), dropout=st.sampled_from([0.0, 0.1, 0.25]))
def test_a_sample_size_is_the_smallest_and_leaves_enough_after_the_dropout(gain, dropout):
    size = sample_size(0.3 + gain, 0.3, power=0.85, dropout=dropout)
    n = size.analysed

    assert trial_power(0.3 + gain, 0.3, n, n) >= 0.85 > trial_power(0.3 + gain, 0.3, n - 1, n - 1)
    assert size.recruited * (1 - dropout) >= n - 1e-9
    assert (size.recruited - 1) * (1 - dropout) < n
    assert size.total == 2 * size.recruited


# Tests of two arms


def test_fisher_p_is_that_of_scipy():
    random = np.random.default_rng(0)
    n1, n2 = random.integers(1, 60, (2, 100))
    a, c = random.binomial(n1, 0.5), random.binomial(n2, 0.4)
    expected = [
        stats.fisher_exact([[x, n - x], [y, m - y]])[1]
        for x, n, y, m in zip(a, n1, c, n2, strict=True)
    ]

    np.testing.assert_allclose(fisher(a, n1, c, n2), expected, rtol=1e-9)


def test_chi_square_p_is_that_of_scipy():
    table = [[19, 8], [11, 16]]

    p = chi_square(np.array([19.0]), np.array([27.0]), np.array([11.0]), np.array([27.0]))

    assert p[0] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-10)


def test_fishers_test_never_errs_more_often_than_alpha_and_chi_square_hardly():
    errors = [[exact_power(test, p, p, 17, 12) for p in np.linspace(0.02, 0.98, 49)]
              for test in (fisher, chi_square)]  # fmt: skip

    assert 0.01 < max(errors[0]) <= 0.05
    assert 0.05 < max(errors[1]) < 0.08


# Simulated trials


@pytest.mark.parametrize("test", [chi_square, fisher])
@pytest.mark.parametrize("treated", [0.3, 0.5])
def test_power_and_type_i_error_are_the_sum_over_all_tables(test, treated):
    trials = simulate_trials(treated, 0.3, 40, 30, n_trials=N, seed=1, test=test)

    exact = exact_power(test, treated, 0.3, 40, 30)
    assert within_four(trials.power, exact, trials.power_error)
    assert trials.power_error == pytest.approx(math.sqrt(exact * (1 - exact) / N), rel=0.05)
    bias = trials.estimate - (treated - 0.3)
    assert within_four(bias.mean(), 0, bias.std() / math.sqrt(N))


def test_dropout_is_a_smaller_trial_of_random_size():
    trials = simulate_trials(0.5, 0.3, 60, 50, n_trials=N, seed=9, dropout=(0.2, 0.1))

    expected = sum(
        stats.binom.pmf(m, 60, 0.8) * stats.binom.pmf(n, 50, 0.9) * trial_power(0.5, 0.3, m, n)
        for m, n in itertools.product(range(30, 61), range(30, 51))
    )
    # The closed form is off by some tenths of a percentage point.
    assert abs(trials.power - expected) < 4 * trials.power_error + 0.01


def test_an_arm_that_lost_all_its_patients_does_not_reject():
    trials = simulate_trials(1.0, 0.0, 3, 3, n_trials=4096, seed=1, dropout=(0.5, 0.5))

    lost = np.isnan(trials.estimate)
    expected = 1 - (1 - 0.5**3) ** 2
    assert within_four(lost.mean(), expected, math.sqrt(expected * (1 - expected) / 4096))
    assert (trials.p[lost] == 1).all()
    assert (trials.estimate[~lost] == 1).all()


def test_assurance_is_the_power_averaged_over_what_is_believed():
    random = np.random.default_rng(5)
    treated = random.beta(20, 20, 2_000)

    trials = simulate_trials(treated, 0.3, 50, 50, n_trials=20 * 2_000, seed=2)

    better = np.mean([exact_power(chi_square, p, 0.3, 50, 50) for p in treated[:100]])
    spread = np.std([exact_power(chi_square, p, 0.3, 50, 50) for p in treated[:100]])
    assert within_four(trials.assurance, better, math.hypot(trials.assurance_error, spread / 10))


def test_the_error_of_an_assurance_is_that_seen_when_all_is_drawn_anew():
    assurances, errors = [], []
    for seed in range(200):
        treated = np.random.default_rng(seed).beta(8, 8, 100)
        trials = simulate_trials(treated, 0.3, 40, 40, n_trials=400, seed=seed)
        assurances.append(trials.assurance)
        errors.append(trials.assurance_error)

    # Standard error of a standard deviation over 200: a twentieth.
    assert np.std(assurances, ddof=1) == pytest.approx(np.mean(errors), rel=4 / 20)


def test_exaggeration_is_that_of_the_trials_that_reject():
    # By hand: trials 1 and 3 reject; their estimates are 0.5 and -0.3, the truth 0.2 in size.
    trials = SimulatedTrials(
        np.array([0.2]), np.array([0.5, 0.1, -0.3, 0.2]), np.array([0.01, 0.5, 0.04, 0.3]), 0.05
    )

    assert trials.exaggeration == pytest.approx((0.5 + 0.3) / (0.2 + 0.2))
    assert (trials.power, trials.assurance) == (0.5, 0.25)
    assert math.isnan(simulate_trials(0.3, 0.3, 50, 50, n_trials=4096, seed=1).exaggeration)


def test_a_seed_gives_the_same_bits_and_a_longer_run_begins_with_the_shorter():
    short, long = (simulate_trials(0.5, 0.3, 20, 20, n_trials=n, seed=3) for n in (5_000, 9_000))

    np.testing.assert_array_equal(short.p, long.p[:5_000])
    other = simulate_trials(0.5, 0.3, 20, 20, n_trials=5_000, seed=4)
    assert (short.p != other.p).any()


# Without a control


@pytest.mark.parametrize("retest", [0.3, 0.7])
@pytest.mark.parametrize("fraction", [0.0, 0.3])
def test_regression_to_the_mean_is_that_of_simulated_people(retest, fraction):
    """Each has a usual pain, the same on both days, and a day's own on top."""
    random = np.random.default_rng(1)
    usual = random.normal(0, math.sqrt(retest), 400_000)
    first, second = 4 + 2.2 * (usual + random.normal(0, math.sqrt(1 - retest), (2, usual.size)))
    taken = first >= 5.0
    improved = (first - second >= fraction * first)[taken]

    share = natural_improvement(4.0, 2.2, retest, lowest=5.0, fraction=fraction)
    assert within_four(improved.mean(), share, math.sqrt(share * (1 - share) / taken.sum()))


def test_natural_improvement_is_the_integral_over_the_baseline():
    def at(b):
        responds = stats.norm.cdf(0.7 * b, 4 + 0.6 * (b - 4), 2.2 * math.sqrt(1 - 0.36))
        return stats.norm.pdf(b, 4, 2.2) * responds

    expected = integrate.quad(at, 6, 30, epsabs=1e-13)[0] / stats.norm.sf(6, 4, 2.2)
    share = natural_improvement(4.0, 2.2, 0.6, lowest=6, fraction=0.3)
    assert share == pytest.approx(expected, abs=1e-10)


def test_pain_that_is_always_the_same_does_not_improve_and_new_pain_does_in_three_of_four():
    assert natural_improvement(4.0, 2.2, 1.0, lowest=5.0, fraction=0.3) == 0
    assert natural_improvement(4.0, 2.2, 0.9999, lowest=5.0, fraction=0.3) < 1e-12
    # Of two equal draws the first is the greater in a half; given the first above the mean, in 3/4.
    assert natural_improvement(4.0, 2.2, 0.0, lowest=4.0) == pytest.approx(0.75, abs=1e-12)
    assert natural_improvement(4.0, 2.2, 0.6, lowest=-60.0) == pytest.approx(0.5, abs=1e-12)


def test_an_excess_is_that_of_a_million_draws():
    random = np.random.default_rng(3)
    draws = random.beta(10.5, 15.5, 1_000_000) - random.beta(6, 14, 1_000_000)

    excess = excess_over_control(response_rate(10, 25), stats.beta(6, 14).ppf)

    # Four standard errors: of a mean, of a share, and of quantiles where the density is 0.35.
    assert excess.mean == pytest.approx(draws.mean(), abs=4 * draws.std() / 1_000)
    assert excess.probability == pytest.approx(np.mean(draws > 0), abs=4 * 0.0005)
    limits = np.quantile(draws, [0.025, 0.975])
    assert (excess.low, excess.high) == pytest.approx(tuple(limits), abs=4 * 0.0005)


def test_against_a_known_rate_the_excess_is_the_posterior_less_the_rate():
    excess = excess_over_control(response_rate(10, 25), lambda p: np.full_like(p, 0.25), level=0.9)

    expected = stats.beta(10.5, 15.5).ppf([0.05, 0.95]) - 0.25
    assert (excess.low, excess.high) == pytest.approx(tuple(expected), abs=1e-10)
    assert excess.probability == pytest.approx(stats.beta(10.5, 15.5).sf(0.25), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_size(0.3, 0.3), "both 0.3; expected a difference to find"),
        (lambda: sample_size(0.5, 0.3, power=0.04), "a power of 0.04 at"),
        (lambda: sample_size(0.5, 0.3, dropout=1.0), "dropout is 1"),
        (lambda: trial_power(1.2, 0.3, 50, 50), "treated is 1.2; expected 0 to 1"),
        (lambda: trial_power(0.5, 0.3, 0, 50), "n_treated is 0"),
        (lambda: trial_power(0.5, 0.3, 50, 50, alpha=0.0), "alpha is 0"),
        (lambda: trial_power(0.5, 0.3, 50, 50, alpha=1.5), "alpha is 1.5"),
        (lambda: simulate_trials(0.5, np.nan, 9, 9, n_trials=9, seed=1), "control is nan"),
        (lambda: simulate_trials(0.5, 0.3, 9, 0, n_trials=9, seed=1), "n_control is 0"),
        (lambda: simulate_trials([0.5, 0.4], 0.3, 9, 9, n_trials=9, seed=1), "9 trials of 2 draws"),
        (
            lambda: simulate_trials([0.5] * 3, [0.3] * 2, 9, 9, n_trials=6, seed=1),
            r"control has shape \(2,\); expected a number or 3 draws",
        ),
        (
            lambda: simulate_trials(0.5, 0.3, 9, 9, n_trials=9, seed=1, dropout=(0.1, 1.5)),
            "dropout is 1.5",
        ),
        (lambda: simulate_trials(0.5, 0.3, 9, 9, n_trials=9, seed=-1), "seed is -1"),
        (lambda: natural_improvement(4, 2, 1.2, lowest=4), "retest is 1.2"),
        (lambda: excess_over_control(response_rate(10, 25), stats.norm.ppf), "control_ppf is -"),
    ],
)
def test_impossible_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
