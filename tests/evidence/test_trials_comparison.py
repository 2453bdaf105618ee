"""Treatment against control: published limits, plain root finding, coverage, crossovers."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from plcore.evidence.pooling import mantel_haenszel
from plcore.evidence.trials.response import (
    Effect,
    ResponseRate,
    crossover_difference,
    number_needed,
    paired_difference,
    probability_better,
    response_rate,
    risk_difference,
)

Z = float(stats.norm.ppf(0.975))

arm = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
table = st.tuples(arm, arm).map(lambda arms: (*arms[0], *arms[1]))
paired_table = st.tuples(*[st.integers(0, 40)] * 4).filter(any)


# Limits that others printed


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe 1998, Stat Med 17:873-890, Table II: method 5 with the factor N / (N - 1) of
        # Miettinen and Nurminen. The last but one is the HIV trial of Garner 2016 (WUSS paper 127).
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
        ((6, 7, 2, 7), 0.0342, 0.8534),
        ((5, 56, 0, 29), -0.0326, 0.1933),
        ((0, 10, 0, 20), -0.1658, 0.2844),
        ((0, 10, 0, 10), -0.2879, 0.2879),
        ((10, 10, 0, 20), 0.7156, 1.0),
        ((10, 10, 0, 10), 0.6636, 1.0),
        ((84, 101, 89, 105), -0.1191, 0.0860),
        # Fagerland, Lydersen & Laake 2017, Statistical Analysis of Contingency Tables, chapter 4.
        ((0, 16, 15, 72), -0.3164, -0.0056),
    ],
    ids=str,
)
def test_limits_of_a_difference_are_those_that_others_printed(counts, low, high):
    effect = risk_difference(*counts)

    assert (effect.low, effect.high) == pytest.approx((low, high), abs=5.1e-5)


def paired(both, first_only, second_only, neither, level=0.95):
    """Tango's interval of one paired table."""
    n = both + first_only + second_only + neither
    effect = paired_difference(np.array(first_only), np.array(second_only), n, level=level)
    return float(effect.low), float(effect.high)


@pytest.mark.parametrize(
    ("cells", "level", "expected"),
    [
        # As quoted in the tests of ratesci: Tango 1998; Agresti & Min 2005; Fagerland, Lydersen &
        # Laake 2014; Newcombe 1998; Tang 2010; Chang 2024.
        ((4, 9, 3, 16), 0.95, (-0.027, 0.390)),
        ((43, 0, 1, 0), 0.90, (-0.096, 0.037)),
        ((53, 16, 8, 9), 0.95, (-0.020, 0.207)),
        ((1, 1, 7, 12), 0.95, (-0.517, -0.026)),
        ((8, 3, 1, 2), 0.95, (-0.1670, 0.4327)),
        ((7, 25, 2, 68), 0.95, (0.139, 0.321)),
    ],
    ids=str,
)
def test_paired_limits_are_those_that_others_printed(cells, level, expected):
    assert paired(*cells, level=level) == pytest.approx(expected, abs=5.1e-4)


# The same limits from their definition


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


@settings(max_examples=25, deadline=None)
@given(table)
def test_limits_of_a_difference_are_the_roots_of_their_definition(counts):
    x1, n1, x2, n2 = counts
    effect, centre = risk_difference(*counts), x1 / n1 - x2 / n2

    low, high = (halved(lambda d: plain_difference(d, *counts), end, centre) for end in (-1.0, 1.0))
    assert (effect.low, effect.high) == pytest.approx((low, high), abs=1e-10)


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
    centre = (cells[1] - cells[2]) / sum(cells)

    limits = [halved(lambda d: plain_paired(d, *cells), end, centre) for end in (-1.0, 1.0)]
    assert paired(*cells) == pytest.approx(limits, abs=1e-10)


# True of every table


@settings(max_examples=25, deadline=None)
@given(table, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_swapping_the_arms_or_counting_the_others_turns_the_sign(counts, level):
    x1, n1, x2, n2 = counts
    one = risk_difference(*counts, level=level)
    for turned in ((x2, n2, x1, n1), (n1 - x1, n1, n2 - x2, n2)):
        other = risk_difference(*turned, level=level)
        assert (one.estimate, one.low, one.high) == pytest.approx(
            (-other.estimate, -other.high, -other.low), abs=1e-11
        )


@settings(max_examples=15, deadline=None)
@given(table)
def test_limits_enclose_the_estimate_and_a_higher_level_is_never_narrower(counts):
    effects = [risk_difference(*counts, level=level) for level in (0.5, 0.8, 0.95, 0.99)]

    for effect in effects:
        assert -1 <= effect.low <= effect.estimate <= effect.high <= 1
    for inner, outer in pairwise(effects):
        assert outer.low <= inner.low + 1e-12
        assert outer.high >= inner.high - 1e-12


def test_large_arms_give_walds_interval():
    half = Z * math.sqrt(0.24 / 1_000_000 + 0.21 / 1_000_000)
    effect = risk_difference(400_000, 1_000_000, 300_000, 1_000_000)

    assert (effect.low, effect.high) == pytest.approx((0.1 - half, 0.1 + half), abs=3e-6)


@pytest.mark.parametrize(
    "counts",
    [(59706, 59706, 152664, 152814), (744159, 744159, 100, 100), (1, 900_000, 700_000, 700_000)],
    ids=str,
)
def test_huge_lopsided_arms_keep_their_digits(counts):
    one, other = risk_difference(*counts), risk_difference(*counts[2:], *counts[:2])

    assert one.low == pytest.approx(-other.high, rel=1e-7)


def test_many_tables_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(7)
    n1, n2 = rng.integers(1, 80, (2, 3, 40))
    x1, x2 = rng.integers(0, n1 + 1), rng.integers(0, n2 + 1)
    many = risk_difference(x1, n1, x2, n2)

    assert many.low.shape == (3, 40)
    for i in np.ndindex(3, 5):
        one = risk_difference(x1[i], n1[i], x2[i], n2[i])
        np.testing.assert_array_equal([one.low, one.high], [many.low[i], many.high[i]])


# Coverage, by adding up the probabilities of all tables


@pytest.mark.parametrize(("n1", "n2"), [(10, 10), (12, 8), (25, 18)])
def test_intervals_of_a_difference_cover_close_to_their_level(n1, n2):
    # Newcombe 1998 found a mean coverage near 0.95 and none far below 0.9.
    x1, x2 = (x.reshape(-1) for x in np.mgrid[: n1 + 1, : n2 + 1])
    effect = risk_difference(x1, n1, x2, n2)
    p1, p2 = (p.reshape(-1)[:, None] for p in np.mgrid[0.05:0.96:0.05, 0.05:0.96:0.05])
    inside = (effect.low <= p1 - p2 + 1e-12) & (p1 - p2 - 1e-12 <= effect.high)
    mass = stats.binom.pmf(x1, n1, p1) * stats.binom.pmf(x2, n2, p2)
    covered = (inside * mass).sum(axis=1)

    assert 0.945 < covered.mean() < 0.97
    assert covered.min() > 0.91


# The probability that the treatment is better


def test_the_probability_is_millers_sum_for_whole_numbers():
    # Miller 2015, "Formulas for Bayesian A/B testing", with uniform priors.
    for x1, n1, x2, n2 in [(10, 18, 6, 18), (19, 27, 11, 27), (0, 12, 2, 12), (400, 900, 380, 900)]:
        a1, b1, a2, b2 = x1 + 1, n1 - x1 + 1, x2 + 1, n2 - x2 + 1
        i = np.arange(a1)
        terms = special.betaln(a2 + i, b2 + b1) - special.betaln(1 + i, b1) - special.betaln(a2, b2)
        expected = (np.exp(terms) / (b1 + i)).sum()
        arms = [ResponseRate(*map(np.asarray, (x, n, 1.0 + x, 1.0 + n - x)))
                for x, n in ((x1, n1), (x2, n2))]  # fmt: skip

        assert probability_better(*arms) == pytest.approx(expected, abs=1e-11)


def integrated(a1, b1, a2, b2):
    """The same by Gauss and Legendre, panel by panel, where Jeffreys' densities are finite."""
    p = np.array([1e-12, 1e-6, 1e-3, 0.01, 0.1, 0.3, 0.5])
    points = [special.betaincinv(a, b, [*p, *(1 - p)]) for a, b in ((a1, b1), (a2, b2))]
    ends = np.unique([*points[0], *points[1], 0, 1])
    x, w = np.polynomial.legendre.leggauss(80)
    left, right = np.arcsin(np.sqrt(ends[:-1, None])), np.arcsin(np.sqrt(ends[1:, None]))
    t = (left + right) / 2 + (right - left) / 2 * x
    log_p = (2 * a1 - 1) * np.log(np.sin(t)) + (2 * b1 - 1) * np.log(np.cos(t))
    below = special.betainc(a2, b2, np.sin(t) ** 2)
    return (2 * np.exp(log_p - special.betaln(a1, b1)) * below * (right - left) / 2 * w).sum()


@settings(deadline=None, max_examples=50)
@given(table)
def test_the_probability_is_that_of_plain_quadrature(counts):
    x1, n1, x2, n2 = counts
    better = probability_better(response_rate(x1, n1), response_rate(x2, n2))

    expected = integrated(x1 + 0.5, n1 - x1 + 0.5, x2 + 0.5, n2 - x2 + 0.5)
    assert better == pytest.approx(expected, abs=1e-10)


def test_equal_arms_are_better_by_chance_only():
    rate = response_rate([0, 6, 30], [9, 18, 30])

    np.testing.assert_allclose(probability_better(rate, rate), 0.5, atol=1e-12)


# Numbers needed to treat


def test_numbers_needed_are_written_as_altman_does():
    # Altman 1998, BMJ 317:1309: a reduction of 10% (-5% to 25%) is NNTB 10 (4 to infinity to
    # NNTH 20), as Newcombe's letter of 5 January 1999 quotes it. Barrowman 2002, CMAJ 166:1676:
    # 16.6% (0.9% to 32.2%), 3.1 to 111.1.
    through_infinity = "NNTB 10 (95% interval NNTB 4.0 to infinity to NNTH 20)"
    assert needed(0.10, -0.05, 0.25) == through_infinity
    assert needed(0.166, 0.009, 0.322) == "NNTB 6.0 (95% interval NNTB 3.1 to NNTB 111)"
    assert needed(-0.166, -0.322, -0.009) == "NNTH 6.0 (95% interval NNTH 3.1 to NNTH 111)"
    assert needed(0, -0.32, 0.32).startswith("infinity (95% interval NNTB 3.1 to infinity")
    assert needed(0.1, 0, 0.2).endswith("NNTB 5.0 to infinity)")
    assert needed(-0.1, -0.2, 0).endswith("NNTH 5.0 to infinity)")
    with pytest.raises(ValueError, match="expected -1 <= low <= difference <= high <= 1"):
        needed(0.1, 0.2, 0.3)


def needed(*ends, measure="risk difference"):
    return number_needed(Effect(*map(np.asarray, ends), 0.95, measure))


@pytest.mark.parametrize("measure", ["risk ratio", "odds ratio"])
def test_a_ratio_has_no_number_needed(measure):
    """A ratio of 0.05, of 19% harm, would read NNTB 20 where 5.3 are harmed."""
    with pytest.raises(ValueError, match=f"the effect is a {measure}; expected a risk difference"):
        needed(0.05, 0.01, 0.2, measure=measure)


def test_a_pooled_difference_has_a_number_needed_and_a_pooled_ratio_none():
    counts = [11, 12], [11, 13], [9, 3], [14, 12]

    assert number_needed(mantel_haenszel(*counts)).startswith("NNTB 1.9 (95%")
    with pytest.raises(ValueError, match="the effect is a risk ratio"):
        number_needed(mantel_haenszel(*counts, measure="risk ratio"))


def test_several_differences_have_no_one_number_needed():
    with pytest.raises(ValueError, match="2 effects were given; expected one"):
        number_needed(risk_difference([5, 6], [9, 9], [1, 2], [9, 9]))


def test_an_effect_says_what_it_measures():
    assert str(risk_difference(19, 27, 11, 27)).startswith("risk difference 0.296 (95% interval")


# The same people twice


def test_totals_are_bounded_by_every_table_that_has_them():
    # Totals of 7 and 5 of 12 people: 0 to 5 people may have responded under both.
    limits = [paired(both, 7 - both, 5 - both, both) for both in range(6)]

    effect, tables = crossover_difference(7, 5, 12)

    assert tables == 6
    assert effect.estimate == pytest.approx(2 / 12)
    assert effect.low == pytest.approx(min(low for low, _ in limits), abs=1e-14)
    assert effect.high == pytest.approx(max(high for _, high in limits), abs=1e-14)


def test_totals_that_leave_one_table_leave_no_doubt():
    effect, tables = crossover_difference(12, 4, 12)

    assert tables == 1
    assert (effect.low, effect.high) == pytest.approx(paired(4, 8, 0, 0), abs=1e-14)


def test_paired_intervals_cover_close_to_their_level():
    # All tables of 12 people; probabilities of first_only and second_only.
    n = 12
    cells = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    limits = np.array([paired(n - b - c, b, c, 0) for b, c in cells])
    b, c = np.array(cells).T
    covered = []
    for p, q in [(0.1, 0.1), (0.3, 0.1), (0.4, 0.4), (0.5, 0.05), (0.2, 0.6), (0.05, 0.15)]:
        mass = stats.multinomial.pmf(np.stack([b, c, n - b - c], axis=-1), n, [p, q, 1 - p - q])
        held = (limits[:, 0] <= p - q + 1e-12) & (p - q - 1e-12 <= limits[:, 1])
        covered.append(mass[held].sum())

    assert min(covered) > 0.93
    assert 0.945 < np.mean(covered) < 0.98


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: risk_difference(11, 10, 3, 10), "responders_1 is 11; expected not above"),
        (lambda: risk_difference(1, 10, 3, 0), "n_2 is 0; expected a whole number of 1 or more"),
        (lambda: risk_difference(1, 10, 2.5, 9), "responders_2 is 2.5"),
        (lambda: risk_difference(1, 2, 1, 2, level=0), "level is 0"),
        (lambda: crossover_difference(13, 5, 12), "responders_1 is 13"),
    ],
)
def test_impossible_counts_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
