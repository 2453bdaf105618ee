"""Treatment against control: published limits, plain root finding, coverage, crossovers."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from plcore.evidence.data import read
from plcore.evidence.trials.comparison import (
    odds_ratio_exact,
    odds_ratio_score,
    probability_better,
    risk_difference_newcombe,
    risk_difference_score,
    risk_difference_z,
    risk_ratio_score,
)
from plcore.evidence.trials.effects import effects_table
from plcore.evidence.trials.needed import NumberNeeded, number_needed
from plcore.evidence.trials.paired import (
    crossover_by_correlation,
    crossover_mean_difference,
    feasible_tables,
    mcnemar_exact,
    mcnemar_mid_p,
    paired_bounds,
    paired_difference_newcombe,
    paired_difference_score,
    paired_ratio_score,
)
from plcore.evidence.trials.response import Prior, clopper_pearson, response_rate

DIFFERENCES = (risk_difference_newcombe, risk_difference_score)
RATIOS = (risk_ratio_score, odds_ratio_score)
Z = float(stats.norm.ppf(0.975))

arm = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
table = st.tuples(arm, arm).map(lambda arms: (*arms[0], *arms[1]))
paired_table = st.tuples(*[st.integers(0, 40)] * 4).filter(any)

# Newcombe 1998, Stat Med 17:873-890, Table II: counts, method 10, method 5 with the factor
# N / (N - 1) of Miettinen and Nurminen. The last row is the HIV trial of Garner 2016 (WUSS paper
# 127), which prints the same methods.
NEWCOMBE = [
    ((56, 70, 48, 80), (0.0524, 0.3339), (0.0528, 0.3382)),
    ((9, 10, 3, 10), (0.1705, 0.8090), (0.1700, 0.8406)),
    ((6, 7, 2, 7), (0.0582, 0.8062), (0.0342, 0.8534)),
    ((5, 56, 0, 29), (-0.0381, 0.1926), (-0.0326, 0.1933)),
    ((0, 10, 0, 20), (-0.1611, 0.2775), (-0.1658, 0.2844)),
    ((0, 10, 0, 10), (-0.2775, 0.2775), (-0.2879, 0.2879)),
    ((10, 10, 0, 20), (0.6791, 1.0), (0.7156, 1.0)),
    ((10, 10, 0, 10), (0.6075, 1.0), (0.6636, 1.0)),
    ((84, 101, 89, 105), (-0.1177, 0.0851), (-0.1191, 0.0860)),
]


def said(value):
    """A name for what a test is given; a function's own would hold its address."""
    return getattr(value, "__name__", str(value))


def named(counts):
    return "{}/{} against {}/{}".format(*counts)


@pytest.mark.parametrize(("counts", "newcombe", "score"), NEWCOMBE, ids=lambda v: str(v))
def test_differences_are_those_of_newcombe_table_2(counts, newcombe, score):
    for function, expected in zip(DIFFERENCES, (newcombe, score), strict=True):
        found = function(*counts)

        assert (found.low, found.high) == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize(
    ("function", "counts", "low", "high", "last"),
    [
        # Fagerland, Lydersen & Laake 2017, Statistical Analysis of Contingency Tables, chapter 4:
        # Perondi et al. 2004 and Ritland et al. 2007, as their package contingencytables prints.
        (risk_difference_newcombe, (7, 34, 1, 34), 0.0189, 0.3404, 1e-4),
        (risk_difference_score, (0, 16, 15, 72), -0.3164, -0.0056, 1e-4),
        (risk_ratio_score, (7, 34, 1, 34), 1.2086, 43.0330, 1e-4),
        (odds_ratio_score, (9, 13, 4, 14), 1.0934, 28.9419, 1e-4),
        # Fagerland & Newcombe 2013, Stat Med 32:2823-2836, as quoted in the tests of ratesci.
        (risk_ratio_score, (24, 73, 53, 65), 0.280, 0.560, 1e-3),
        (risk_ratio_score, (29, 55, 11, 11), 0.397, 0.742, 1e-3),
        (risk_ratio_score, (7, 18, 1, 18), 1.296, 42.544, 1e-3),
        (odds_ratio_score, (24, 73, 53, 65), 0.050, 0.245, 1e-3),
        (odds_ratio_score, (29, 55, 11, 11), 0, 0.417, 1e-3),
        (odds_ratio_score, (7, 18, 1, 18), 1.416, 76.428, 1e-3),
    ],
    ids=said,
)
def test_limits_are_those_that_others_printed(function, counts, low, high, last):
    found = function(*counts)

    assert (found.low, found.high) == pytest.approx((low, high), abs=0.51 * last)


# The same limits from their definition, plainly


def halved(falls, left, right):
    """Where a function above 0 on the left and below 0 on the right is 0."""
    while True:
        middle = (left + right) / 2
        if middle in (left, right):
            return middle
        left, right = (middle, right) if falls(middle) > 0 else (left, middle)


def climb(x, n, p):
    """The slope of a binomial log-likelihood."""
    up = (x / p if p > 0 else math.inf) if x > 0 else 0.0
    down = ((n - x) / (1 - p) if p < 1 else math.inf) if x < n else 0.0
    return up - down


def plain_difference(delta, x1, n1, x2, n2):
    p2 = halved(
        lambda p: climb(x1, n1, p + delta) + climb(x2, n2, p), max(0, -delta), min(1, 1 - delta)
    )
    p1 = p2 + delta
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    return abs(x1 / n1 - x2 / n2 - delta) - Z * math.sqrt(max(variance, 0))


def plain_ratio(log_ratio, x1, n1, x2, n2):
    r = math.exp(log_ratio)
    p2 = halved(lambda p: r * climb(x1, n1, r * p) + climb(x2, n2, p), 0, min(1, 1 / r))
    p1 = r * p2
    variance = (p1 * (1 - p1) / n1 + r * r * p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    return abs(x1 / n1 - r * x2 / n2) - Z * math.sqrt(max(variance, 0))


def plain_odds(log_odds, x1, n1, x2, n2):
    r, m = math.exp(log_odds), x1 + x2
    e = halved(lambda e: r * (n1 - e) * (m - e) - e * (n2 - m + e), max(0, m - n2), min(n1, m))
    precision = 1 / e + 1 / (n1 - e) + 1 / (m - e) + 1 / (n2 - m + e)
    return abs(x1 - e) - Z * math.sqrt((n1 + n2) / (n1 + n2 - 1) / precision)


@settings(max_examples=25, deadline=None)
@given(table)
def test_score_limits_of_a_difference_are_the_roots_of_their_definition(counts):
    x1, n1, x2, n2 = counts
    found, centre = risk_difference_score(*counts), x1 / n1 - x2 / n2

    low, high = (halved(lambda d: plain_difference(d, *counts), end, centre) for end in (-1.0, 1.0))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(table.filter(lambda t: 0 < t[0] < t[1] and 0 < t[2] < t[3]))
def test_score_limits_of_ratios_are_the_roots_of_their_definition(counts):
    for function, plain in ((risk_ratio_score, plain_ratio), (odds_ratio_score, plain_odds)):
        found = function(*counts)
        centre = math.log(found.estimate)

        limits = [halved(lambda t, f=plain: f(t, *counts), end, centre) for end in (-18.0, 18.0)]
        assert np.log([found.low, found.high]) == pytest.approx(limits, abs=1e-9)


def test_exact_limits_of_an_odds_ratio_leave_half_of_the_error_in_each_tail():
    counts = (9, 13, 4, 14)
    found = odds_ratio_exact(*counts)

    def tail(odds, cells):
        return stats.nchypergeom_fisher(27, 13, 13, odds).pmf(cells).sum()

    assert tail(found.low, np.arange(9, 14)) == pytest.approx(0.025, rel=1e-6)
    assert tail(found.high, np.arange(10)) == pytest.approx(0.025, rel=1e-6)


# True of every table


@settings(max_examples=50)
@given(table, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_swapping_the_arms_turns_the_sign_of_differences_and_inverts_ratios(counts, level):
    swapped = counts[2:] + counts[:2]
    for function in DIFFERENCES:
        one, other = function(*counts, level=level), function(*swapped, level=level)
        assert (one.estimate, one.low, one.high) == pytest.approx(
            (-other.estimate, -other.high, -other.low), abs=1e-11
        )
    for function in RATIOS:
        one, other = function(*counts, level=level), function(*swapped, level=level)
        with np.errstate(divide="ignore"):
            turned = [1 / other.estimate, 1 / other.high, 1 / other.low]
        np.testing.assert_allclose([one.estimate, one.low, one.high], turned, rtol=1e-9)


@given(table)
def test_counting_those_who_do_not_respond_turns_the_sign(counts):
    x1, n1, x2, n2 = counts
    for function in DIFFERENCES:
        one, other = function(*counts), function(n1 - x1, n1, n2 - x2, n2)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-11)


@given(table)
def test_limits_enclose_the_estimate_within_what_there_is(counts):
    for function in DIFFERENCES:
        found = function(*counts)
        assert -1 <= found.low <= found.estimate <= found.high <= 1
    for function in RATIOS:
        found = function(*counts)
        assert 0 <= found.low < found.high
        assert np.isnan(found.estimate) or found.low <= found.estimate <= found.high


@settings(max_examples=40)
@given(table)
def test_a_higher_level_is_never_narrower(counts):
    for function in (*DIFFERENCES, *RATIOS):
        found = [function(*counts, level=level) for level in (0.5, 0.8, 0.95, 0.99)]
        for inner, outer in pairwise(found):
            assert outer.low <= inner.low + 1e-12
            assert outer.high >= inner.high * (1 - 1e-12)


@given(table)
def test_the_score_interval_holds_what_the_score_test_does_not_reject(counts):
    found = risk_difference_score(*counts)
    for limit, sign in ((float(found.low), 1), (float(found.high), -1)):
        if abs(limit) < 1 and abs(limit - found.estimate) > 1e-9:
            assert risk_difference_z(*counts, margin=limit) == pytest.approx(sign * Z, rel=1e-6)


def test_large_arms_give_walds_interval():
    x1, n1, x2, n2 = 400_000, 1_000_000, 300_000, 1_000_000
    half = Z * math.sqrt(0.24 / n1 + 0.21 / n2)
    for function in DIFFERENCES:
        found = function(x1, n1, x2, n2)
        assert (found.low, found.high) == pytest.approx(
            (0.1 - half, 0.1 + half), abs=3e-6 * half**0
        )
    log_half = Z * math.sqrt(0.6 / x1 + 0.7 / x2)
    found = risk_ratio_score(x1, n1, x2, n2)
    assert np.log([found.low, found.high]) == pytest.approx(
        [math.log(4 / 3) - log_half, math.log(4 / 3) + log_half], abs=1e-5
    )


@pytest.mark.parametrize(
    "counts",
    [(59706, 59706, 152664, 152814), (744159, 744159, 100, 100), (1, 900_000, 700_000, 700_000)],
    ids=said,
)
def test_huge_lopsided_arms_keep_their_digits(counts):
    # Small cells that are the rest of a huge margin once put the limit of the odds at 1e25.
    swapped = counts[2:] + counts[:2]
    for function in RATIOS:
        one, other = function(*counts), function(*swapped)
        with np.errstate(divide="ignore"):
            turned = [1 / other.high, 1 / other.low]
        np.testing.assert_allclose([one.low, one.high], turned, rtol=1e-10)
    one, other = risk_difference_score(*counts), risk_difference_score(*swapped)
    assert one.low == pytest.approx(-other.high, rel=1e-7)


def test_many_tables_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(7)
    n1, n2 = rng.integers(1, 80, (2, 3, 40))
    x1, x2 = rng.integers(0, n1 + 1), rng.integers(0, n2 + 1)
    for function in (*DIFFERENCES, *RATIOS, odds_ratio_exact):
        many = function(x1, n1, x2, n2)
        assert many.low.shape == (3, 40)
        for i in np.ndindex(3, 5):
            one = function(x1[i], n1[i], x2[i], n2[i])
            np.testing.assert_array_equal([one.low, one.high], [many.low[i], many.high[i]])


def test_one_person_an_arm_still_has_an_interval():
    found = risk_difference_score(1, 1, 0, 1)

    assert found.high == 1
    assert -1 < found.low < 0


def test_arms_without_any_responder_say_nothing_of_a_ratio():
    for function in (*RATIOS, odds_ratio_exact):
        found = function(0, 12, 0, 15)
        assert np.isnan(found.estimate)
        assert (found.low, found.high) == (0, np.inf)


def test_responders_in_one_arm_alone_bound_a_ratio_on_one_side():
    for function in (*RATIOS, odds_ratio_exact):
        found, turned = function(4, 12, 0, 15), function(0, 15, 4, 12)
        assert found.estimate == found.high == np.inf
        assert turned.estimate == turned.low == 0
        assert found.low > 0
        assert turned.high < np.inf


# Coverage, by adding up the probabilities of all tables


def coverage(function, n1, n2, truth):
    """Chance that the interval holds the truth, for each pair of rates of a grid."""
    x1, x2 = (x.reshape(-1) for x in np.mgrid[: n1 + 1, : n2 + 1])
    found = function(x1, n1, x2, n2)
    p1, p2 = (p.reshape(-1)[:, None] for p in np.mgrid[0.05:0.96:0.05, 0.05:0.96:0.05])
    true = truth(p1, p2)
    inside = (found.low <= true + 1e-12) & (true - 1e-12 <= found.high)
    return (inside * stats.binom.pmf(x1, n1, p1) * stats.binom.pmf(x2, n2, p2)).sum(axis=1)


@pytest.mark.parametrize(("n1", "n2"), [(10, 10), (12, 8), (25, 18)])
def test_intervals_of_a_difference_cover_close_to_their_level(n1, n2):
    # Newcombe 1998 found a mean coverage near 0.95 and none far below 0.9 for both methods.
    for function in DIFFERENCES:
        found = coverage(function, n1, n2, lambda p1, p2: p1 - p2)
        assert 0.945 < found.mean() < 0.97
        assert found.min() > 0.88


@pytest.mark.parametrize(("n1", "n2"), [(10, 10), (12, 8), (25, 18)])
def test_intervals_of_ratios_cover_close_to_their_level(n1, n2):
    for function, truth in (
        (risk_ratio_score, lambda p1, p2: p1 / p2),
        (odds_ratio_score, lambda p1, p2: p1 * (1 - p2) / (p2 * (1 - p1))),
    ):
        found = coverage(function, n1, n2, truth)
        assert 0.945 < found.mean() < 0.985
        assert found.min() > 0.9


def test_the_exact_odds_ratio_never_covers_less_than_its_level():
    found = coverage(odds_ratio_exact, 9, 11, lambda p1, p2: p1 * (1 - p2) / (p2 * (1 - p1)))

    assert found.min() >= 0.95


# The probability that the treatment is better


def test_the_probability_is_millers_sum_for_whole_numbers():
    # Miller 2015, "Formulas for Bayesian A/B testing", with uniform priors.
    uniform = Prior(1, 1, "uniform")
    for x1, n1, x2, n2 in [(10, 18, 6, 18), (19, 27, 11, 27), (0, 12, 2, 12), (400, 900, 380, 900)]:
        a1, b1, a2, b2 = x1 + 1, n1 - x1 + 1, x2 + 1, n2 - x2 + 1
        i = np.arange(a1)
        terms = special.betaln(a2 + i, b2 + b1) - special.betaln(1 + i, b1) - special.betaln(a2, b2)
        expected = (np.exp(terms) / (b1 + i)).sum()

        found = probability_better(
            response_rate(x1, n1, prior=uniform), response_rate(x2, n2, prior=uniform)
        )
        assert found == pytest.approx(expected, abs=1e-11)


def integrated(a1, b1, a2, b2, margin):
    """The same by Gauss and Legendre, panel by panel, where Jeffreys' densities are finite."""
    p = np.array([1e-12, 1e-6, 1e-3, 0.01, 0.1, 0.3, 0.5])
    points = [
        special.betaincinv(a, b, [*p, *(1 - p)]) + m for a, b, m in ((a1, b1, 0), (a2, b2, margin))
    ]
    ends = np.unique(np.clip([*points[0], *points[1], 0, margin, 1 + margin, 1], 0, 1))
    x, w = np.polynomial.legendre.leggauss(80)
    left, right = np.arcsin(np.sqrt(ends[:-1, None])), np.arcsin(np.sqrt(ends[1:, None]))
    t = (left + right) / 2 + (right - left) / 2 * x
    log_p = (2 * a1 - 1) * np.log(np.sin(t)) + (2 * b1 - 1) * np.log(np.cos(t))
    below = special.betainc(a2, b2, np.clip(np.sin(t) ** 2 - margin, 0, 1))
    return (2 * np.exp(log_p - special.betaln(a1, b1)) * below * (right - left) / 2 * w).sum()


@settings(deadline=None)
@given(table, st.sampled_from([0.0, 0.05, 0.3, -0.1, -0.6]))
def test_the_probability_of_a_margin_is_that_of_plain_quadrature(counts, margin):
    x1, n1, x2, n2 = counts
    found = probability_better(response_rate(x1, n1), response_rate(x2, n2), margin=margin)

    expected = integrated(x1 + 0.5, n1 - x1 + 0.5, x2 + 0.5, n2 - x2 + 0.5, margin)
    assert found == pytest.approx(expected, abs=1e-10)


@given(table, st.floats(-0.9, 0.9), st.sampled_from([1, 1000]))
def test_better_by_a_margin_or_not_are_all_there_is(counts, margin, times):
    x1, n1, x2, n2 = (times * count for count in counts)
    one, other = response_rate(x1, n1), response_rate(x2, n2)

    better = probability_better(one, other, margin=margin)
    not_better = probability_better(other, one, margin=-margin)
    assert better + not_better == pytest.approx(1, abs=1e-9)


def test_equal_arms_are_better_by_chance_only():
    found = response_rate([0, 6, 30], [9, 18, 30])

    np.testing.assert_allclose(probability_better(found, found), 0.5, atol=1e-12)


def test_priors_flatter_than_the_quadrature_resolves_are_refused():
    flat = response_rate(0, 5, prior=Prior(0.01, 1, "odd"))
    with pytest.raises(ValueError, match=r"a is 0\.01; expected 0\.1 or more"):
        probability_better(flat, response_rate(2, 5))
    one = response_rate(0, 5, prior=Prior(0.1, 0.1, "just steep enough"))
    assert probability_better(one, one) == pytest.approx(0.5, abs=1e-10)


# Numbers needed to treat


def test_an_interval_with_zero_runs_through_infinity():
    # Altman 1998, BMJ 317:1309: a reduction of 10% (-5% to 25%) is NNTB 10 (4 to infinity to
    # NNTH 20), as Newcombe's letter of 5 January 1999 quotes it.
    found = NumberNeeded(0.10, -0.05, 0.25)

    assert found.includes_infinity
    assert found.text() == "NNTB 10 (95% interval NNTB 4.0 to infinity to NNTH 20)"


def test_an_interval_without_zero_runs_from_few_to_many():
    # Barrowman 2002, CMAJ 166:1676: 16.6% (0.9% to 32.2%), 3.1 to 111.1.
    found = NumberNeeded(0.166, 0.009, 0.322)

    assert not found.includes_infinity
    assert found.text() == "NNTB 6.0 (95% interval NNTB 3.1 to NNTB 111)"
    harm = NumberNeeded(-0.166, -0.322, -0.009)
    assert harm.text() == "NNTH 6.0 (95% interval NNTH 3.1 to NNTH 111)"
    assert harm.people == -found.people


def test_no_difference_needs_infinitely_many():
    found = number_needed(risk_difference_score(2, 12, 2, 12))

    assert found.people == np.inf
    assert found.text().startswith("infinity (95% interval NNTB 3.1 to infinity to NNTH 3.1")


def test_a_limit_of_zero_ends_at_infinity():
    assert NumberNeeded(0.1, 0, 0.2).text().endswith("NNTB 5.0 to infinity)")
    assert NumberNeeded(-0.1, -0.2, 0).text().endswith("NNTH 5.0 to infinity)")


def test_numbers_needed_refuse_limits_out_of_order_and_many_comparisons():
    with pytest.raises(ValueError, match="expected -1 <= low <= difference <= high <= 1"):
        NumberNeeded(0.1, 0.2, 0.3)
    with pytest.raises(ValueError, match=r"shape \(2,\); expected one comparison"):
        number_needed(risk_difference_score([1, 2], 5, 3, 5))


# The same people twice


@pytest.mark.parametrize(
    ("function", "cells", "level", "expected"),
    [
        # As quoted in the tests of ratesci: Tango 1998; Agresti & Min 2005; Fagerland, Lydersen &
        # Laake 2014; Newcombe 1998 (method 10); Tang 2010; Chang 2024; Tang, Tang & Chan 2003;
        # DelRocco 2022. Last, Fagerland 2017, chapter 8, as contingencytables prints.
        (paired_difference_score, (4, 9, 3, 16), 0.95, (-0.027, 0.390)),
        (paired_difference_score, (43, 0, 1, 0), 0.90, (-0.096, 0.037)),
        (paired_difference_score, (53, 16, 8, 9), 0.95, (-0.020, 0.207)),
        (paired_difference_score, (1, 1, 7, 12), 0.95, (-0.517, -0.026)),
        (paired_difference_score, (8, 3, 1, 2), 0.95, (-0.1670, 0.4327)),
        (paired_difference_score, (7, 25, 2, 68), 0.95, (0.139, 0.321)),
        (paired_difference_newcombe, (20, 12, 2, 16), 0.95, (0.0562, 0.3292)),
        (paired_difference_newcombe, (1, 1, 7, 12), 0.95, (-0.507, -0.026)),
        (paired_difference_newcombe, (8, 3, 1, 2), 0.95, (-0.1574, 0.4136)),
        (paired_difference_newcombe, (7, 25, 2, 68), 0.95, (0.133, 0.318)),
        (paired_difference_newcombe, (59, 6, 16, 80), 0.95, (-0.1186, -0.0046)),
        (paired_ratio_score, (446, 5, 16, 690), 0.90, (0.958, 0.992)),
        (paired_ratio_score, (43, 0, 1, 0), 0.90, (0.904, 1.039)),
        (paired_ratio_score, (1, 1, 7, 12), 0.95, (0.0653, 0.9069)),
        (paired_ratio_score, (8, 3, 1, 2), 0.95, (0.776, 2.033)),
    ],
    ids=said,
)
def test_paired_limits_are_those_that_others_printed(function, cells, level, expected):
    found = function(*cells, level=level)

    # Three digits where some of them are printed so.
    assert (found.low, found.high) == pytest.approx(expected, abs=5.1e-4)


def plain_paired(delta, a, b, c, d):
    """Tango's statistic with the share of `second_only` found by climbing the likelihood."""
    n = a + b + c + d

    def slope(q):
        rest = 1 - 2 * q - delta
        up = (b / (q + delta) if q + delta > 0 else math.inf) if b else 0.0
        up += (c / q if q > 0 else math.inf) if c else 0.0
        return up - (2 * (a + d) / rest if rest > 0 else math.inf) * (a + d > 0)

    q = halved(slope, max(0, -delta), (1 - delta) / 2)
    return abs(b - c - n * delta) - Z * math.sqrt(max(n * (2 * q + delta - delta**2), 0))


@settings(max_examples=25, deadline=None)
@given(paired_table.filter(lambda cells: cells[0] + cells[3] > 0))
def test_paired_limits_are_the_roots_of_their_definition(cells):
    found = paired_difference_score(*cells)
    centre = (cells[1] - cells[2]) / sum(cells)

    limits = [halved(lambda d: plain_paired(d, *cells), end, centre) for end in (-1.0, 1.0)]
    assert (found.low, found.high) == pytest.approx(limits, abs=1e-10)


@settings(max_examples=50)
@given(paired_table)
def test_swapping_the_treatments_turns_paired_effects(cells):
    a, b, c, d = cells
    for function in (paired_difference_newcombe, paired_difference_score):
        one, other = function(a, b, c, d), function(a, c, b, d)
        assert -1 <= one.low <= one.estimate <= one.high <= 1
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-11)
    one, other = paired_ratio_score(a, b, c, d), paired_ratio_score(a, c, b, d)
    with np.errstate(divide="ignore"):
        turned = [1 / other.estimate, 1 / other.high, 1 / other.low]
    np.testing.assert_allclose([one.estimate, one.low, one.high], turned, rtol=1e-7)


def test_paired_score_intervals_cover_close_to_their_level():
    # All tables of 12 people; chances of both, first_only, second_only, neither.
    n = 12
    b, c = (x.reshape(-1) for x in np.mgrid[: n + 1, : n + 1])
    b, c = b[b + c <= n], c[b + c <= n]
    found = paired_difference_score(n - b - c, b, c, 0)
    covered = []
    for p, q in [(0.1, 0.1), (0.3, 0.1), (0.4, 0.4), (0.5, 0.05), (0.2, 0.6), (0.05, 0.15)]:
        chance = stats.multinomial.pmf(np.stack([b, c, n - b - c], axis=-1), n, [p, q, 1 - p - q])
        covered.append(chance[(found.low <= p - q + 1e-12) & (p - q - 1e-12 <= found.high)].sum())

    assert min(covered) > 0.93
    assert 0.945 < np.mean(covered) < 0.98


def test_mcnemar_is_the_binomial_test_of_those_who_differ():
    b, c = np.array([1, 9, 0, 5, 20]), np.array([7, 3, 4, 5, 8])

    expected = [stats.binomtest(int(x), int(x + y)).pvalue for x, y in zip(b, c, strict=True)]
    np.testing.assert_allclose(mcnemar_exact(b, c), expected, rtol=1e-12)


def test_mid_p_is_that_of_fagerland_lydersen_and_laake():
    # Fagerland et al. 2013, BMC Med Res Methodol 13:91: exact 0.0703 and mid-P 0.0391 for 1 and 7.
    assert mcnemar_exact(1, 7) == pytest.approx(0.0703, abs=5.1e-5)
    assert mcnemar_mid_p(1, 7) == pytest.approx(0.0391, abs=5.1e-5)
    assert mcnemar_mid_p(0, 0) == 0.5


def test_nobody_who_differs_is_no_evidence():
    assert mcnemar_exact(0, 0) == 1


def test_totals_are_bounded_by_every_table_that_has_them():
    tables = feasible_tables(7, 5, 12)
    assert [list(cells) for cells in tables] == [
        [0, 1, 2, 3, 4, 5],
        [7, 6, 5, 4, 3, 2],
        [5, 4, 3, 2, 1, 0],
        [0, 1, 2, 3, 4, 5],
    ]
    for function in (paired_difference_score, paired_difference_newcombe, paired_ratio_score):
        each = function(*tables)
        found = paired_bounds(7, 5, 12, interval=function)

        assert found.estimate == pytest.approx(each.estimate[0])
        assert (found.low, found.high) == (each.low.min(), each.high.max())
        assert (found.inner_low, found.inner_high) == (each.low.max(), each.high.min())
        assert found.tables == 6


def test_bounds_of_many_trials_are_those_of_each():
    x1, x2, n = (
        np.array([[7, 3], [0, 12]]),
        np.array([[5, 3], [0, 2]]),
        np.array([[12, 3], [9, 12]]),
    )
    many = paired_bounds(x1, x2, n)

    assert many.low.shape == (2, 2)
    for i in np.ndindex(2, 2):
        one = paired_bounds(x1[i], x2[i], n[i])
        assert (one.low, one.inner_low, one.tables) == (
            many.low[i],
            many.inner_low[i],
            many.tables[i],
        )


def test_totals_that_leave_one_table_leave_no_doubt():
    found = paired_bounds(12, 4, 12)
    only = paired_difference_score(4, 8, 0, 0)

    assert found.tables == 1
    assert (found.low, found.inner_low, found.high) == (only.low, only.low, only.high)


def test_a_crossover_of_means_is_the_paired_t_interval():
    rng = np.random.default_rng(11)
    one, other = rng.normal(size=(2, 15)) + rng.normal(size=15)
    found = crossover_mean_difference(
        one.mean(),
        one.std(ddof=1),
        other.mean(),
        other.std(ddof=1),
        15,
        correlation=np.corrcoef(one, other)[0, 1],
    )

    expected = stats.ttest_rel(one, other).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_a_range_of_correlations_is_shown_row_by_row():
    found = crossover_by_correlation(-2.1, 2.0, -0.9, 1.8, 11, correlations=(0, 0.4, 0.8))

    assert list(found.columns) == ["correlation", "difference", "low", "high", "n"]
    np.testing.assert_allclose(found["difference"], -1.2)
    assert (np.diff(found["high"] - found["low"]) < 0).all()
    with pytest.raises(ValueError, match="expected a range of two or more"):
        crossover_by_correlation(-2.1, 2.0, -0.9, 1.8, 11, correlations=[0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: risk_difference_score(11, 10, 3, 10), "responders_1 is 11; expected not above"),
        (lambda: risk_ratio_score(1, 10, 3, 0), "n_2 is 0; expected a whole number of 1 or more"),
        (lambda: odds_ratio_score(1, 10, -3, 9), "responders_2 is -3"),
        (lambda: odds_ratio_exact(1, 10, 2.5, 9), "responders_2 is 2.5"),
        (lambda: risk_difference_newcombe(1, 2, 1, 2, level=0), "level is 0"),
        (lambda: risk_difference_z(1, 2, 1, 2, margin=1), "margin is 1"),
        (
            lambda: probability_better(response_rate(1, 2), response_rate(1, 2), margin=-2),
            "margin is -2",
        ),
        (lambda: paired_difference_score(0, 0, 0, 0), "number of people is 0"),
        (lambda: paired_ratio_score(1, -1, 0, 4), "first_only is -1"),
        (lambda: mcnemar_exact(1.5, 2), "first_only is 1.5"),
        (lambda: paired_bounds(13, 5, 12), "responders_1 is 13"),
        (
            lambda: crossover_mean_difference(1, 1, 2, 1, 10, correlation=1),
            "correlation is 1; expected a number from -1 to below 1",
        ),
        (lambda: crossover_mean_difference(1, 0, 2, 1, 10, correlation=0), "sd_1 is 0"),
        (lambda: crossover_mean_difference(1, 1, 2, 1, 1, correlation=0), "n is 1"),
    ],
    ids=range(14),
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The table of all comparisons


def two_arms(**other):
    base = {
        "trial": "a",
        "outcome": "relief",
        "treatment": "rtms",
        "design": "parallel",
        "setting": "established_plp",
        "definition": "fall_30",
        "follow_up_days": 29.0,
    }
    arms = [
        {**base, "arm": "rtms", "role": "treatment", "patients": "p", "n": 27, "responders": 19},
        {**base, "arm": "sham", "role": "control", "patients": "q", "n": 27, "responders": 11},
    ]
    return pd.DataFrame([{**arm, **other} for arm in arms])


def test_separate_arms_are_compared_by_score_intervals():
    row = effects_table(two_arms()).iloc[0]

    expected = risk_difference_score(19, 27, 11, 27)
    assert (row["rd"], row["rd_low"], row["rd_high"]) == (
        expected.estimate,
        expected.low,
        expected.high,
    )
    assert (row["rr_low"], row["or_high"]) == (
        risk_ratio_score(19, 27, 11, 27).low,
        odds_ratio_score(19, 27, 11, 27).high,
    )
    assert row["nnt"] == number_needed(expected).text()
    assert row["prob_better"] == row["prob_better_low"] > 0.98
    assert (row["n_treatment"], row["responders_control"], row["remark"]) == (27, 11, "")


def test_a_crossover_is_never_compared_as_separate_people():
    row = effects_table(two_arms(design="crossover", patients="p")).iloc[0]

    bounds = paired_bounds(19, 11, 27)
    assert (row["rd_low"], row["rd_high"]) == (bounds.low, bounds.high)
    assert (row["rd_inner_low"], row["rd_inner_high"]) == (bounds.inner_low, bounds.inner_high)
    assert row[["or", "or_low", "prob_better"]].isna().all()
    assert row["prob_better_low"] < row["prob_better_high"]
    assert row["remark"] == "crossover, totals only: limits over the 9 tables they allow"


def test_the_probability_of_a_crossover_is_bounded_by_those_who_differ():
    # By hand: totals 2 and 1 of 2 people leave one table, one person better under the first.
    arms = two_arms(design="crossover", n=2).assign(responders=[2, 1])
    row = effects_table(arms).iloc[0]

    assert row["prob_better_low"] == row["prob_better_high"]
    assert row["prob_better_low"] == pytest.approx(stats.beta(1.5, 0.5).sf(0.5))


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"responders": np.nan}, "not compared: no count of responders in rtms and sham"),
        ({"design": "meta_analysis"}, "not compared: made of trials that stand elsewhere"),
        ({"design": "cohort"}, "not randomised"),
    ],
    ids=["uncounted", "meta_analysis", "cohort"],
)
def test_why_a_comparison_is_not_made_is_said(change, remark):
    row = effects_table(two_arms(**change)).iloc[0]

    assert row["remark"].startswith(remark)
    assert np.isnan(row["rd"]) == remark.startswith("not compared")


def test_a_crossover_with_unequal_periods_is_not_guessed_at():
    arms = two_arms(design="crossover").assign(n=[10, 20], responders=[6, 4])

    assert (
        effects_table(arms)["remark"][0] == "not compared: 10 and 20 people, so not all are pairs"
    )


def test_several_treatments_share_the_only_control():
    arms = two_arms()
    second = arms.iloc[[0]].assign(arm="other", treatment="tdcs", responders=12)
    found = effects_table(pd.concat([arms, second]))

    assert list(found["arm"]) == ["rtms", "other"]
    assert list(found["control"]) == ["sham", "sham"]


def test_a_single_arm_has_no_comparison():
    assert effects_table(two_arms(role="single")).empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patients": ["p", "p"]}, "a relief: both arms are of patients p"),
        ({"design": ["open", "open"]}, "a relief: design is 'open'; expected one of"),
        ({"definition": ["fall_30", "fall_50"]}, "definition differs between the arms: fall_30"),
        ({"follow_up_days": [7, 29]}, "follow_up_days differs between the arms: 7 and 29"),
        ({"responders": [30, 11]}, "a relief: responders is 30; expected not above n"),
    ],
    ids=["patients", "design", "definition", "follow_up", "responders"],
)
def test_arms_that_do_not_belong_together_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        effects_table(two_arms().assign(**change))


def test_two_controls_of_one_treatment_are_not_chosen_between():
    arms = two_arms()
    with pytest.raises(ValueError, match="arm rtms has 2 controls, sham, usual"):
        effects_table(pd.concat([arms, arms.iloc[[1]].assign(arm="usual")]))


def test_every_shipped_trial_with_both_arms_counted_is_compared():
    trials = read("trials")
    found = effects_table(trials)

    both = found["responders_treatment"].notna() & found["responders_control"].notna()
    compared = found["rd"].notna()
    assert compared.sum() > 10
    assert (both == (compared | found["remark"].str.contains("pairs|elsewhere"))).all()
    assert ((found["rd_low"] <= found["rd"]) & (found["rd"] <= found["rd_high"]))[compared].all()


def test_intervals_agree_with_fisher_on_the_trial_of_hayes():
    # Hayes et al. 2004: P = 0.28 (Fisher) for 7 of 15 against 12 of 17 with phantom pain.
    found = odds_ratio_exact(8, 15, 5, 17)

    assert stats.fisher_exact([[8, 7], [5, 12]]).pvalue == pytest.approx(0.28, abs=5e-3)
    assert found.low < 1 < found.high
    assert clopper_pearson(8, 15)[0] < 8 / 15
