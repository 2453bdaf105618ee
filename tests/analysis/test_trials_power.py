"""Power: statsmodels' values, enumeration of all tables, and the sizes that follow."""

import itertools
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from plcore.analysis.trial_design.power import (
    crossover_means_power,
    mcnemar_power,
    mcnemar_power_exact,
    means_power,
    paired_means_power,
    paired_shares,
    sd_of_difference,
    share_power_exact,
    shares_power,
    shares_power_exact,
    shares_power_unpooled,
)
from plcore.analysis.trial_design.sample_size import sample_size, sample_size_one_group
from plcore.analysis.trial_design.share_analysis import (
    chi_square,
    fisher,
    score_test,
    unconditional,
)

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "statsmodels_power.json").read_text(encoding="utf-8")
)["rows"]
inner = st.floats(0.05, 0.95)
sizes = st.integers(5, 300)


@pytest.mark.parametrize("row", REFERENCE["shares"], ids=str)
def test_power_of_two_shares_is_that_of_statsmodels(row):
    treated, control, n1, n2, alternative, alpha, expected = row

    power = shares_power(
        treated, control, n1, n2, alpha=alpha, two_sided=alternative == "two-sided"
    )

    assert power == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("row", REFERENCE["means"], ids=str)
def test_power_of_two_means_is_that_of_statsmodels(row):
    difference, sd, n1, n2, alternative, alpha, expected = row

    power = means_power(difference, sd, n1, n2, alpha=alpha, two_sided=alternative == "two-sided")

    assert power == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("row", REFERENCE["paired"], ids=str)
def test_power_of_pairs_is_that_of_statsmodels(row):
    difference, sd, n, alternative, alpha, expected = row

    power = paired_means_power(difference, sd, n, alpha=alpha, two_sided=alternative == "two-sided")

    assert power == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("treated", "control", "power", "n"), REFERENCE["size_shares_one_tail"])
def test_size_for_two_shares_is_that_of_statsmodels_rounded_up(treated, control, power, n):
    found = sample_size(partial(shares_power, treated, control), power=power)

    assert found.analysed == (math.ceil(n), math.ceil(n))
    assert found.power >= power


@pytest.mark.parametrize(("difference", "sd", "power", "ratio", "n"), REFERENCE["size_means"])
def test_size_for_two_means_is_that_of_statsmodels_rounded_up(difference, sd, power, ratio, n):
    found = sample_size(
        partial(means_power, difference, sd), power=power, control_per_treated=ratio
    )

    assert found.analysed == (math.ceil(n), math.ceil(ratio * math.ceil(n)))


@pytest.mark.parametrize(("difference", "sd", "power", "n"), REFERENCE["size_paired"])
def test_size_for_pairs_is_that_of_statsmodels_rounded_up(difference, sd, power, n):
    found = sample_size_one_group(partial(paired_means_power, difference, sd), power=power)

    assert found.analysed == (math.ceil(n),)


def test_power_with_a_margin_takes_the_likeliest_shares_that_differ_by_it():
    """The null variance by a search of the expected likelihood in place of the closed form."""
    treated, control, n1, n2, margin = 0.5, 0.45, 120, 80, -0.15

    def minus_log_likelihood(p2):
        p1 = p2 + margin
        return -(
            n1 * (treated * math.log(p1) + (1 - treated) * math.log(1 - p1))
            + n2 * (control * math.log(p2) + (1 - control) * math.log(1 - p2))
        )

    p2 = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(0.1501, 0.9999), method="bounded", options={"xatol": 1e-12}
    ).x
    p1 = p2 + margin
    se_null = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    se = math.sqrt(treated * (1 - treated) / n1 + control * (1 - control) / n2)
    z = stats.norm.isf(0.025)
    expected = stats.norm.sf((z * se_null - (treated - control - margin)) / se)

    power = shares_power(treated, control, n1, n2, margin=margin, alpha=0.025, two_sided=False)

    assert power == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("effect", [0.0, 0.2, -0.2])
def test_unpooled_power_is_that_of_a_shifted_normal(effect):
    se = math.sqrt(0.5 * 0.5 / 60 + (0.5 - effect) * (0.5 + effect) / 90)
    z = stats.norm.isf(0.025)
    expected = stats.norm.sf(z, effect / se) + stats.norm.cdf(-z, effect / se)

    assert shares_power_unpooled(0.5, 0.5 - effect, 60, 90) == pytest.approx(expected, abs=1e-13)


@given(p=inner, n1=sizes, n2=sizes, alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_without_an_effect_power_is_alpha(p, n1, n2, alpha):
    assert shares_power(p, p, n1, n2, alpha=alpha) == pytest.approx(alpha, abs=1e-12)
    assert means_power(0.0, 1.0, n1, n2, alpha=alpha) == pytest.approx(alpha, abs=1e-12)
    assert mcnemar_power(p / 2, p / 2, n1, alpha=alpha) == pytest.approx(alpha, abs=1e-12)


@given(p1=inner, p2=inner, n1=sizes, n2=sizes)
def test_power_is_the_same_with_the_arms_swapped(p1, p2, n1, n2):
    assert shares_power(p1, p2, n1, n2) == pytest.approx(shares_power(p2, p1, n2, n1), abs=1e-12)


@given(p2=st.floats(0.1, 0.4), gain=st.floats(0.1, 0.3), n=sizes, more=st.integers(1, 100))
def test_power_rises_with_patients_and_with_the_effect(p2, gain, n, more):
    power = shares_power(p2 + gain, p2, n, n)

    assert shares_power(p2 + gain, p2, n + more, n + more) >= power
    # From 0.7 on the variance falls, and the power rises all the more.
    assert shares_power(p2 + gain + 0.1, p2, n, n) > power


def test_exact_power_of_fisher_is_the_sum_over_tables_of_scipy():
    n1, n2, p1, p2 = 9, 7, 0.8, 0.25
    expected = sum(
        stats.binom.pmf(a, n1, p1) * stats.binom.pmf(c, n2, p2)
        for a, c in itertools.product(range(n1 + 1), range(n2 + 1))
        if stats.fisher_exact([[a, n1 - a], [c, n2 - c]])[1] <= 0.05
    )

    assert shares_power_exact(fisher, p1, p2, n1, n2) == pytest.approx(expected, abs=1e-12)


def test_fisher_p_is_that_of_scipy():
    random = np.random.default_rng(0)
    n1, n2 = random.integers(1, 60, (2, 100))
    a, c = random.binomial(n1, 0.5), random.binomial(n2, 0.4)
    expected = [
        stats.fisher_exact([[x, n - x], [y, m - y]])[1]
        for x, n, y, m in zip(a, n1, c, n2, strict=True)
    ]

    np.testing.assert_allclose(fisher(a, n1, c, n2).p, expected, rtol=1e-9)


@pytest.mark.parametrize(("a", "n1", "c", "n2"), [(7, 15, 12, 15), (4, 5, 3, 9), (2, 12, 7, 10)])
def test_unconditional_p_is_the_largest_over_a_fine_grid_of_shares(a, n1, c, n2):
    """By definition, over 20,000 shares; SciPy 1.17's barnard_exact misses ties of z by rounding
    in the second table (0.114 in place of 0.139)."""

    def z(x, y):
        pooled = (x + y) / (n1 + n2)
        if pooled in {0, 1}:
            return 0.0
        return abs(x / n1 - y / n2) / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))

    shares = np.linspace(0, 1, 20_001)
    expected = sum(
        stats.binom.pmf(x, n1, shares) * stats.binom.pmf(y, n2, shares)
        for x, y in itertools.product(range(n1 + 1), range(n2 + 1))
        if z(x, y) >= z(a, c) - 1e-9
    ).max()

    assert unconditional(a, n1, c, n2).p == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("analysis", [fisher, unconditional])
def test_exact_tests_never_err_more_often_than_alpha(analysis):
    shares = np.linspace(0.0, 1.0, 101)

    errors = shares_power_exact(analysis, shares, shares, 17, 12)

    assert errors.max() <= 0.05
    # The unconditional test comes nearer to it than Fisher's.
    assert errors.max() > (0.04 if analysis is unconditional else 0.01)


def test_chi_square_errs_more_often_than_alpha_for_some_share_and_exact_tests_find_it():
    shares = np.linspace(0.01, 0.99, 99)

    errors = shares_power_exact(chi_square, shares, shares, 25, 25)

    assert 0.05 < errors.max() < 0.08


def test_exact_power_is_the_same_with_the_arms_swapped():
    here = shares_power_exact(score_test, 0.6, 0.3, 23, 31)

    assert here == pytest.approx(shares_power_exact(score_test, 0.3, 0.6, 31, 23), abs=1e-12)


def test_exact_power_of_one_share_is_that_of_the_clopper_pearson_interval():
    n, share, goal = 25, 0.41, 0.25
    expected = 0.0
    for x in range(n + 1):
        interval = stats.binomtest(x, n).proportion_ci(0.95, "exact")
        if not interval.low <= goal <= interval.high:
            expected += stats.binom.pmf(x, n, share)

    assert share_power_exact(share, goal, n) == pytest.approx(expected, abs=1e-12)


def test_one_sided_power_of_one_share_is_the_tail_from_the_first_rejected_count():
    n, goal = 25, 0.25
    first = next(x for x in range(n + 1) if stats.binom.sf(x - 1, n, goal) <= 0.05)

    power = share_power_exact(0.41, goal, n, two_sided=False)

    assert power == pytest.approx(stats.binom.sf(first - 1, n, 0.41), abs=1e-12)


def test_exact_mcnemar_power_is_the_sum_over_all_counts():
    n, b, c = 14, 0.5, 0.1
    expected = 0.0
    for x in range(n + 1):
        for y in range(n - x + 1):
            if x + y and stats.binomtest(x, x + y).pvalue <= 0.05:
                expected += stats.multinomial.pmf([x, y, n - x - y], n, [b, c, 1 - b - c])

    assert mcnemar_power_exact(b, c, n) == pytest.approx(expected, abs=1e-12)


def test_normal_mcnemar_power_nears_the_exact_one_in_large_trials():
    # The exact test is conservative by a little: under 2% at 1,000 pairs.
    exact = mcnemar_power_exact(0.14, 0.10, 1_000)

    assert exact < mcnemar_power(0.14, 0.10, 1_000) < exact + 0.02


def test_the_crossover_t_test_pays_one_degree_of_freedom_for_the_period():
    # 2 x 10 patients: the same noncentrality as 20 pairs, on 18 degrees of freedom.
    sd = sd_of_difference(2.5, 0.6)
    noncentrality, t = 1.5 * math.sqrt(20) / sd, stats.t.isf(0.025, 18)
    expected = stats.nct.sf(t, 18, noncentrality) + stats.nct.cdf(-t, 18, noncentrality)

    power = crossover_means_power(1.5, sd, 10, 10)

    assert power == pytest.approx(expected, abs=1e-12)
    assert power < paired_means_power(1.5, sd, 20)


@given(p1=inner, p2=inner, odds=st.floats(0.02, 50))
def test_paired_shares_have_the_margins_and_the_odds_ratio_asked_for(p1, p2, odds):
    both, first, second, neither = paired_shares(p1, p2, odds_ratio=odds)

    assert min(both, first, second, neither) > 0
    assert both + first == pytest.approx(p1, abs=1e-12)
    assert both + second == pytest.approx(p2, abs=1e-12)
    assert both * neither / (first * second) == pytest.approx(odds, rel=1e-8)


def test_untied_responses_are_independent():
    assert paired_shares(0.5, 0.3, odds_ratio=1)[0] == pytest.approx(0.15, abs=1e-15)


def test_a_larger_trial_than_the_one_found_never_falls_below_the_power():
    at = partial(share_power_exact, 0.41, 0.25)

    found = sample_size_one_group(at, power=0.8)

    (n,) = found.analysed
    later = share_power_exact(0.41, 0.25, np.arange(n, 4 * n))
    assert later.min() >= 0.8
    assert at(n - 1) < 0.8
    # There is a smaller peak that would do: the saw is real.
    assert share_power_exact(0.41, 0.25, np.arange(10, n)).max() > 0.8


@settings(max_examples=20, deadline=None)
@given(
    gain=st.floats(0.15, 0.4),
    ratio=st.sampled_from([0.5, 1.0, 2.0]),
    dropout=st.sampled_from([0.0, 0.1, 0.25]),
)
def test_a_sample_size_is_the_smallest_and_leaves_enough_after_the_dropout(gain, ratio, dropout):
    at = partial(shares_power, 0.3 + gain, 0.3)

    found = sample_size(at, power=0.85, control_per_treated=ratio, dropout=dropout)

    n1, n2 = found.analysed
    assert n2 == math.ceil(n1 * ratio)
    assert at(n1, n2) >= 0.85 > at(n1 - 1, math.ceil((n1 - 1) * ratio))
    for analysed, recruited in zip(found.analysed, found.recruited, strict=True):
        assert recruited * (1 - dropout) >= analysed - 1e-9
        assert (recruited - 1) * (1 - dropout) < analysed
    assert found.total == sum(found.recruited)


def test_a_tenth_more_lost_of_ninety_means_a_hundred_recruited():
    found = sample_size_one_group(lambda n, *, alpha: float(n >= 90), power=0.9, dropout=0.1)

    assert (found.analysed, found.recruited) == ((90,), (100,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_size(partial(shares_power, 0.3, 0.3)), "no effect to find"),
        (
            lambda: sample_size(partial(shares_power, 0.3, 0.5, two_sided=False)),
            "10000 and 10000 patients have",
        ),
        (lambda: sample_size(partial(shares_power, 0.5, 0.3), power=0.04), "a power of 0.04 at"),
        (lambda: sample_size(partial(shares_power, 0.5, 0.3), dropout=1.0), "dropout is 1"),
        (
            lambda: sample_size(partial(shares_power, 0.5, 0.3), control_per_treated=0),
            "control_per_treated is 0",
        ),
        (lambda: shares_power(1.2, 0.3, 50, 50), "treated is 1.2; expected 0 to 1"),
        (lambda: shares_power(0.5, 0.3, 0, 50), "n_treated is 0"),
        (lambda: shares_power(0.5, 0.3, 50, 50, alpha=0.0), "alpha is 0"),
        (lambda: shares_power(0.5, 0.3, 50, 50, margin=1.0), "margin is 1"),
        (lambda: shares_power_exact(fisher, 0.5, 0.3, 10.5, 10), "n_treated is 10.5"),
        (lambda: means_power(1, 0, 10, 10), "sd is 0"),
        (lambda: means_power(1, 1, 1, 1), "two arms of one patient each"),
        (lambda: paired_means_power(1, 1, 1), "one pair has no spread"),
        (lambda: mcnemar_power(0.7, 0.4, 20), r"treated_only \+ control_only is 1.1"),
        (lambda: mcnemar_power_exact(0.0, 0.0, 20), "without such patients"),
        (lambda: sd_of_difference(1, 1.5), "correlation is 1.5"),
        (lambda: paired_shares(0.5, 0.3, odds_ratio=0), "odds_ratio is 0"),
        (lambda: share_power_exact(np.nan, 0.3, 20), "share is nan"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
