"""Simulated trials: closed forms within four Monte-Carlo standard errors, and a patient at a time."""

import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
from scipy import stats

from plcore.analysis.trial_design.analysis import paired_t, score_one_share, welch_t
from plcore.analysis.trial_design.many_trials import draws_of
from plcore.analysis.trial_design.power import (
    crossover_means_power,
    mcnemar_power_exact,
    means_power,
    paired_means_power,
    paired_shares,
    share_power_exact,
    shares_power_exact,
)
from plcore.analysis.trial_design.share_analysis import (
    chi_square,
    fisher,
    mcnemar,
    score_test,
    unconditional,
)
from plcore.analysis.trial_design.simulated import Simulated, simulated_table
from plcore.analysis.trial_design.simulation import (
    crossover_means,
    crossover_shares,
    parallel_means,
    parallel_shares,
    single_arm_means,
    single_arm_shares,
)

N = 40_000


def agrees(found, expected, error):
    """Within four standard errors: of the seeds there are, one in 16,000 would fail by chance."""
    return abs(found - expected) <= 4 * error


@pytest.mark.parametrize("analysis", [chi_square, fisher, score_test, unconditional])
@pytest.mark.parametrize("treated", [0.3, 0.5])
def test_power_and_type_i_error_are_the_sum_over_all_tables(analysis, treated):
    found = parallel_shares(treated, 0.3, 40, 30, n_trials=N, seed=1, analysis=analysis)

    exact = shares_power_exact(analysis, treated, 0.3, 40, 30)
    assert agrees(found.power, exact, found.power_error)
    assert found.power_error == pytest.approx(math.sqrt(exact * (1 - exact) / N), rel=0.05)
    assert agrees(found.bias, 0, found.bias_error)


def test_coverage_is_the_sum_over_the_tables_whose_interval_holds_the_effect():
    a, c = np.meshgrid(np.arange(21), np.arange(16), indexing="ij")
    table = score_test(a, 20, c, 15, level=0.9)
    mass = stats.binom.pmf(a, 20, 0.5) * stats.binom.pmf(c, 15, 0.2)
    expected = mass[(table.low <= 0.3) & (table.high >= 0.3)].sum()

    found = parallel_shares(0.5, 0.2, 20, 15, n_trials=N, seed=2, analysis=score_test, alpha=0.1)

    assert agrees(found.coverage, expected, math.sqrt(expected * (1 - expected) / N))


@pytest.mark.parametrize("difference", [0.0, 1.5])
def test_power_of_two_means_is_that_of_the_noncentral_t(difference):
    found = parallel_means(difference, 0.0, 2.5, 30, 20, n_trials=N, seed=3)

    assert agrees(found.power, means_power(difference, 2.5, 30, 20), found.power_error)
    assert agrees(found.coverage, 0.95, math.sqrt(0.95 * 0.05 / N))


def test_welch_keeps_its_level_where_arms_and_sds_differ_only_by_chance():
    found = parallel_means(0.0, 0.0, 2.5, 30, 12, n_trials=N, seed=4, analysis=welch_t)

    # Nearly, not exactly, 5%: Welch's t is an approximation.
    assert abs(found.power - 0.05) < 4 * found.power_error + 0.002


def test_welch_is_scipy_s():
    random = np.random.default_rng(0)
    x, y = random.normal(1, 2, 12), random.normal(0, 1, 9)
    expected = stats.ttest_ind(x, y, equal_var=False)
    interval = expected.confidence_interval(0.9)

    found = welch_t(x.mean(), x.std(ddof=1), 12, y.mean(), y.std(ddof=1), 9, level=0.9)

    assert found.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert (found.low, found.high) == pytest.approx(tuple(interval), rel=1e-10)


def test_the_paired_t_test_from_two_sequences_is_scipy_s():
    random = np.random.default_rng(1)
    first, second = random.normal(1, 2, 12), random.normal(-1, 2, 9)
    expected = stats.ttest_1samp(np.concatenate([first, -second]), 0)
    halves = [(x.mean() / 2, x.std(ddof=1) / 2, x.size) for x in (first, second)]

    found = paired_t(*halves[0], *halves[1], level=0.95)

    assert found.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.low == pytest.approx(expected.confidence_interval().low, rel=1e-10)


@pytest.mark.parametrize("period", [0.0, 0.8])
def test_a_crossover_of_means_has_the_power_of_its_t_test_whatever_the_period(period):
    sd_difference = 2.5 * math.sqrt(2 * (1 - 0.6))

    found = crossover_means(
        1.0, 0.0, 2.5, 10, 12, correlation=0.6, period=period, n_trials=N, seed=5
    )

    assert agrees(found.power, crossover_means_power(1.0, sd_difference, 10, 12), found.power_error)
    assert agrees(found.bias, 0, found.bias_error)


def test_the_paired_t_test_has_its_power_where_there_is_no_period_effect():
    found = crossover_means(
        1.0, 0.0, 2.5, 11, 11, correlation=0.5, n_trials=N, seed=6, analysis=paired_t
    )

    assert agrees(found.power, paired_means_power(1.0, 2.5, 22), found.power_error)


def test_carry_over_takes_half_of_itself_from_the_effect():
    means = crossover_means(
        1.0, 0.0, 2.5, 10, 12, correlation=0.6, carry_over=0.7, n_trials=N, seed=7
    )
    shares = crossover_shares(
        0.5, 0.3, 10, 12, odds_ratio=3, carry_over=0.1, period=0.05, n_trials=N, seed=7
    )

    assert agrees(means.bias, -0.35, means.bias_error)
    assert agrees(shares.bias, -0.05, shares.bias_error)


def test_a_crossover_of_shares_has_the_power_of_the_exact_mcnemar_test():
    _, treated_only, control_only, _ = paired_shares(0.55, 0.3, odds_ratio=4)
    expected = mcnemar_power_exact(float(treated_only), float(control_only), 40)

    found = crossover_shares(0.55, 0.3, 25, 15, odds_ratio=4, n_trials=N, seed=8, analysis=mcnemar)

    assert agrees(found.power, expected, found.power_error)
    # Tango's score interval: between 94% and 97% here.
    assert 0.94 < found.coverage < 0.97


def test_a_period_effect_does_not_reject_for_the_test_that_adjusts_for_it():
    unequal = partial(
        crossover_shares, 0.3, 0.3, 30, 10, odds_ratio=2, period=0.35, n_trials=N, seed=9
    )

    assert unequal().power <= 0.05
    assert unequal(analysis=mcnemar).power > 0.2


@pytest.mark.parametrize("dropouts_fail", [False, True])
def test_a_crossover_is_that_of_patients_followed_one_by_one(dropouts_fail):
    """Each patient's two responses and leaving, drawn one by one, against the counts' own laws."""
    n_trials, sizes, dropout, period = 6_000, (12, 9), 0.3, 0.1
    random = np.random.default_rng(10)
    differences = []
    for n, early, late, sign in (
        (sizes[0], 0.6, 0.35 + period, 1), (sizes[1], 0.35, 0.6 + period, -1),
    ):  # fmt: skip
        both, early_only, late_only, neither = paired_shares(early, late, odds_ratio=5)
        kind = random.choice(4, (n_trials, n), p=[both, early_only, late_only, neither])
        y_early, y_late = (kind <= 1).astype(float), (kind % 2 == 0).astype(float)
        stays = random.random((n_trials, n)) >= dropout
        if dropouts_fail:
            d = (y_early - np.where(stays, y_late, 0)).mean(axis=1)
        else:
            kept = np.maximum(stays.sum(axis=1), 1)
            d = np.where(stays, y_early - y_late, 0).sum(axis=1) / kept
            d[stays.sum(axis=1) == 0] = np.nan
        differences.append(sign * d)
    expected = (differences[0] + differences[1]) / 2

    found = crossover_shares(
        0.6, 0.35, *sizes, odds_ratio=5, period=period, dropout=dropout,
        dropouts_fail=dropouts_fail, n_trials=N, seed=11,
    )  # fmt: skip

    spread = np.nanstd(expected)
    error = spread * math.sqrt(1 / n_trials + 1 / N)
    assert agrees(found.mean_estimate, np.nanmean(expected), error)
    # The standard error of an SD of nearly normal values is SD / sqrt(2 n).
    error = spread * math.sqrt(1 / (2 * n_trials) + 1 / (2 * N))
    assert agrees(np.nanstd(found.estimate), spread, 1.5 * error)


@pytest.mark.parametrize(
    ("dropouts_fail", "bias"), [(False, 0.0), (True, 0.9 * 0.5 - 0.8 * 0.3 - 0.2)]
)
def test_dropouts_counted_as_failures_bias_the_difference_by_what_they_hide(dropouts_fail, bias):
    found = parallel_shares(
        0.5, 0.3, 60, 60, n_trials=N, seed=12, dropout=(0.1, 0.2), dropouts_fail=dropouts_fail
    )

    assert agrees(found.bias, bias, found.bias_error)


def test_dropouts_as_failures_are_a_trial_of_lower_shares():
    # A thinned binomial is a binomial: 80% of 50% respond and are seen to.
    found = parallel_shares(
        0.5, 0.3, 40, 30, n_trials=N, seed=13, dropout=(0.2, 0.2), dropouts_fail=True
    )

    exact = shares_power_exact(chi_square, 0.4, 0.24, 40, 30)
    assert agrees(found.power, exact, found.power_error)


def test_dropouts_left_out_are_a_smaller_trial_of_random_size():
    n, dropout = 12, 0.25
    kept = np.arange(1, n + 1)
    weights = stats.binom.pmf(kept, n, 1 - dropout)
    expected = weights @ share_power_exact(0.7, 0.3, kept)

    found = single_arm_shares(0.7, n, goal=0.3, dropout=dropout, n_trials=N, seed=14)

    assert agrees(found.power, expected, found.power_error)


@pytest.mark.parametrize("share", [0.25, 0.41])
def test_a_single_arm_has_the_power_of_the_exact_binomial_test(share):
    found = single_arm_shares(share, 25, goal=0.25, n_trials=N, seed=15)

    assert agrees(found.power, share_power_exact(share, 0.25, 25), found.power_error)
    assert found.effect == pytest.approx([share - 0.25])


def test_the_score_interval_of_a_single_arm_is_wilson_s_less_the_goal():
    interval = stats.binomtest(10, 25).proportion_ci(0.95, "wilson")

    found = score_one_share(10, 25, 0.25, level=0.95)

    assert (found.low, found.high) == pytest.approx((interval.low - 0.25, interval.high - 0.25))
    # z = (0.40 - 0.25) / sqrt(0.25 x 0.75 / 25) = 1.732: by hand.
    assert found.p == pytest.approx(2 * stats.norm.sf(math.sqrt(3)), rel=1e-12)


def test_a_single_arm_of_means_has_the_power_of_the_one_sample_t_test():
    found = single_arm_means(2.0, 2.5, 15, goal=0.5, n_trials=N, seed=16)

    assert agrees(found.power, paired_means_power(1.5, 2.5, 15), found.power_error)


@pytest.mark.parametrize(
    ("effect", "se", "sign", "exaggeration"),
    # Gelman & Carlin (2014): an effect of 0.1 with a standard error of 3.28 has its sign
    # wrong in 46% of significant results and is 77 times too large.
    [(0.1, 3.28, 0.46, 77), (2.0, 8.1, 0.24, None)],
)
def test_errors_of_sign_and_size_are_those_of_the_normal_and_of_gelman_and_carlin(
    effect, se, sign, exaggeration
):
    z, delta = stats.norm.isf(0.025), effect / se
    power = stats.norm.cdf(delta - z) + stats.norm.cdf(-delta - z)
    # Means of the two tails of a normal (Lu, Qiu & Deng 2019, Br J Math Stat Psychol 72:1).
    size = stats.norm.pdf(z - delta) + stats.norm.pdf(z + delta)
    size += delta * (stats.norm.cdf(delta - z) - stats.norm.cdf(-delta - z))
    n = 1_000_000

    found = single_arm_means(effect, se * math.sqrt(n), n, goal=0.0, n_trials=400_000, seed=17)

    rejecting = found.power * found.n_trials
    wrong = stats.norm.cdf(-delta - z) / power
    assert agrees(found.wrong_sign, wrong, math.sqrt(wrong * (1 - wrong) / rejecting))
    assert found.exaggeration == pytest.approx(size / power / delta, rel=0.01)
    assert wrong == pytest.approx(sign, abs=0.005)
    if exaggeration is not None:
        assert size / power / delta == pytest.approx(exaggeration, abs=0.5)


def test_assurance_is_the_closed_form_for_a_normal_belief():
    """O'Hagan, Stevens & Campbell (2005): Phi((mean - z se) / sqrt(se^2 + sd^2))."""
    mean, sd, se, n = 1.0, 0.8, 0.5, 1_000_000
    draws = np.random.default_rng(18).normal(mean, sd, N)
    z = stats.norm.isf(0.025)

    found = single_arm_means(draws, se * math.sqrt(n), n, goal=0.0, n_trials=N, seed=18)

    expected = stats.norm.cdf((mean - z * se) / math.hypot(se, sd))
    assert agrees(found.assurance, expected, found.assurance_error)
    # Draws below 0 reject too, against the treatment: power counts them, assurance does not.
    assert found.power > found.assurance + 0.01


def test_the_error_of_an_assurance_is_that_seen_when_all_is_drawn_anew():
    def one(seed):
        shares = np.random.default_rng(seed).beta(12, 13, 100)
        return parallel_shares(shares, 0.3, 50, 50, n_trials=500, seed=seed)

    found = [one(seed) for seed in range(400)]

    seen = np.std([each.assurance for each in found], ddof=1)
    stated = np.mean([each.assurance_error for each in found])
    # The relative error of an SD from 400 is 1 / sqrt(800) = 3.5%.
    assert stated == pytest.approx(seen, rel=4 * 0.035)
    draws, trials = np.mean([each.assurance_error_parts for each in found], axis=0)
    power = shares_power_exact(
        chi_square, np.random.default_rng(0).beta(12, 13, 2_000), 0.3, 50, 50
    )
    assert trials == pytest.approx(math.sqrt(np.mean(power * (1 - power)) / 500), rel=0.05)
    assert draws == pytest.approx(power.std() / 10, rel=0.1)


def test_the_parts_of_the_error_add_up_in_squares_and_need_two_trials_a_draw():
    draws = np.linspace(0.3, 0.7, 50)
    found = parallel_shares(draws, 0.3, 50, 50, n_trials=1_000, seed=1)
    once = parallel_shares(draws, 0.3, 50, 50, n_trials=50, seed=1)
    fixed = parallel_shares(0.5, 0.3, 50, 50, n_trials=50, seed=1)

    assert math.hypot(*found.assurance_error_parts) == pytest.approx(found.assurance_error)
    assert all(math.isnan(part) for part in once.assurance_error_parts)
    assert fixed.assurance_error_parts == (0.0, fixed.assurance_error)


DESIGNS = {
    "parallel shares": partial(parallel_shares, 0.5, 0.3, 20, 30, dropout=(0.1, 0.2)),
    "parallel means": partial(parallel_means, 1.0, 0.0, 2.0, 20, 30, dropout=(0.1, 0.2)),
    "crossover shares": partial(crossover_shares, 0.5, 0.3, 9, 8, odds_ratio=3, dropout=0.1),
    "crossover means": partial(crossover_means, 1, 0, 2, 9, 8, correlation=0.5, dropout=0.1),
    "single-arm shares": partial(single_arm_shares, 0.5, 20, goal=0.3, dropout=0.1),
    "single-arm means": partial(single_arm_means, 1, 2, 20, goal=0.3, dropout=0.1),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_a_seed_gives_the_same_bits_whatever_the_chunk_and_a_longer_run_begins_alike(design):
    simulate = DESIGNS[design]
    found = simulate(n_trials=9_001, seed=0)
    others = [
        simulate(n_trials=9_001, seed=0, chunk=1),
        simulate(n_trials=9_001, seed=0, chunk=5_000),
        simulate(n_trials=13_000, seed=0),
    ]

    for other in others:
        for name in ("estimate", "low", "high", "p"):
            mine, theirs = getattr(found, name), getattr(other, name)[:9_001]
            assert mine.tobytes() == theirs.tobytes()
    assert not np.array_equal(found.estimate, simulate(n_trials=9_001, seed=1).estimate)


def test_many_trials_take_no_more_memory_than_a_chunk_and_the_results():
    def peak(chunk):
        tracemalloc.start()
        parallel_means(1.0, 0.0, 2.0, 50, 50, n_trials=200_000, seed=0, chunk=chunk)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    results = 4 * 8 * 200_000
    assert peak(4096) < 2.5 * results
    assert peak(200_000) > peak(4096)


def test_tables_too_many_to_number_are_analysed_one_by_one():
    # Six counts of a million each have 1e36 tables.
    found = crossover_shares(
        0.5, 0.5, 10**9, 10**9, odds_ratio=1, dropout=0.5, n_trials=20, seed=0, analysis=mcnemar
    )

    assert found.mean_estimate == pytest.approx(0, abs=1e-4)


def test_a_trial_without_patients_left_is_counted_and_does_not_reject():
    found = parallel_shares(0.9, 0.1, 2, 2, n_trials=N, seed=19, dropout=(0.5, 0.0))

    # Both of two leave in a quarter of the trials.
    assert agrees(found.not_analysed / N, 0.25, math.sqrt(0.25 * 0.75 / N))
    lost = np.isnan(found.estimate)
    assert (found.p[lost] == 1).all()
    assert not found.rejects[lost].any()
    nobody = parallel_shares(0.9, 0.1, 2, 2, n_trials=10, seed=19, dropout=(1.0, 0.0))
    assert nobody.not_analysed == 10
    assert nobody.power == 0


def test_an_effect_of_nothing_has_no_wrong_sign():
    found = parallel_shares(0.3, 0.3, 50, 50, n_trials=1_000, seed=0)

    assert math.isnan(found.wrong_sign)
    assert math.isnan(found.exaggeration)


def test_the_table_shows_every_number_with_its_error():
    found = parallel_shares(0.5, 0.3, 50, 50, n_trials=1_000, seed=0)

    table = simulated_table(found).set_index("quantity")

    assert table.loc["power"].tolist() == [found.power, found.power_error]
    assert table.loc["trials", "value"] == 1_000
    assert table.loc["coverage", "monte_carlo_error"] == pytest.approx(
        math.sqrt(found.coverage * (1 - found.coverage) / 1_000)
    )


def test_worked_by_hand_four_trials_of_one_effect():
    # Significant: the first (right) and the second (wrong); the interval of the third holds 0.2.
    found = Simulated(
        effect=np.array([0.2]),
        estimate=np.array([0.5, -0.5, 0.1, 0.3]),
        low=np.array([0.3, -0.8, -0.1, 0.25]),
        high=np.array([0.7, -0.2, 0.3, 0.35]),
        p=np.array([0.01, 0.05, 0.3, 0.2]),
        alpha=0.05,
    )

    assert (found.power, found.assurance) == (0.5, 0.25)
    assert found.bias == pytest.approx(-0.1)
    assert found.coverage == 0.25
    assert found.wrong_sign == 0.5
    assert found.exaggeration == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(parallel_shares, 1.2, 0.3, 9, 9, n_trials=10, seed=0), "treated is 1.2"),
        (partial(parallel_shares, 0.5, 0.3, 0, 9, n_trials=10, seed=0), "n_treated is 0"),
        (partial(parallel_shares, 0.5, 0.3, 9, 2.5, n_trials=10, seed=0), "n_control is 2.5"),
        (partial(parallel_shares, 0.5, 0.3, 9, 9, n_trials=0, seed=0), "n_trials is 0"),
        (partial(parallel_shares, 0.5, 0.3, 9, 9, n_trials=10, seed=-1), "seed -1"),
        (partial(parallel_shares, 0.5, 0.3, 9, 9, n_trials=10, seed=0, alpha=1), "alpha is 1"),
        (
            partial(parallel_shares, 0.5, 0.3, 9, 9, n_trials=9, seed=0, dropout=(0.1, 1.5)),
            "dropout is 1.5",
        ),
        (
            partial(parallel_shares, [0.5, 0.6], [0.3] * 3, 9, 9, n_trials=6, seed=0),
            r"treated has shape \(2,\); expected a number or 3 draws",
        ),
        (
            partial(parallel_shares, [0.5, 0.6], 0.3, 9, 9, n_trials=5, seed=0),
            "5 trials of 2 draws",
        ),
        (
            partial(crossover_shares, 0.5, 0.3, 9, 9, odds_ratio=1, period=0.6, n_trials=9, seed=0),
            r"treated \+ period is 1.1",
        ),
        (
            partial(crossover_means, 1, 0, 1, 9, 9, correlation=1.0, n_trials=9, seed=0),
            "correlation is 1",
        ),
        (partial(single_arm_shares, 0.5, 9, goal=0.0, n_trials=9, seed=0), "goal is 0"),
        (partial(parallel_means, 1, np.nan, 1, 9, 9, n_trials=9, seed=0), "control is nan"),
        (partial(single_arm_means, 1, -1, 9, goal=0, n_trials=9, seed=0), "sd is -1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_parameters_become_as_many_draws_as_the_longest_has():
    shares, one = draws_of(6, treated=np.array([0.1, 0.2, 0.3]), control=np.array(0.5))

    assert shares.tolist() == [0.1, 0.2, 0.3]
    assert one.tolist() == [0.5, 0.5, 0.5]
