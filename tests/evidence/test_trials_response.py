"""Response rates: posteriors, further patients, single shares, and what may be pooled."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from plcore.evidence import pooling as meta
from plcore.evidence.data import read
from plcore.evidence.trial_tables import DEFINITIONS
from plcore.evidence.trials.pooled import (
    bayes_pool,
    earliest,
    exact_pool,
    follow_up_band,
    latest,
    pool_group,
    pool_responses,
)
from plcore.evidence.trials.response import (
    JEFFREYS,
    Prior,
    clopper_pearson,
    further_responders,
    further_responders_interval,
    prior_from_earlier,
    prior_from_mean,
    rate_above,
    rate_densest,
    rate_interval,
    rate_quantile,
    response_rate,
    wilson,
)

sizes = st.integers(1, 2000)
counts = sizes.flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Posterior


def test_the_posterior_adds_the_responders_to_the_prior():
    found = response_rate([5, 0], [12, 20], prior=Prior(2, 3, "by hand"))

    np.testing.assert_array_equal(found.a, [7, 2])
    np.testing.assert_array_equal(found.b, [10, 23])
    np.testing.assert_allclose(found.mean, [7 / 17, 2 / 25])
    np.testing.assert_allclose(found.prior_weight, [5 / 17, 5 / 25])


def test_the_mean_lies_between_prior_and_share_as_the_weight_says():
    prior = prior_from_mean(0.3, people=8, basis="placebo arms")
    found = response_rate(10, 18, prior=prior)

    expected = found.prior_weight * 0.3 + (1 - found.prior_weight) * 10 / 18
    assert found.mean == pytest.approx(expected, rel=1e-14)
    assert (prior.mean, prior.people) == (pytest.approx(0.3), pytest.approx(8))


def test_an_earlier_trial_at_full_weight_counts_like_the_same_trial():
    earlier = prior_from_earlier(11, 27, weight=1, basis="sham arm")
    both = response_rate(6, 18, prior=earlier)
    together = response_rate(17, 45)

    assert (both.a, both.b) == (together.a, together.b)
    assert "11 of 27 at weight 1" in earlier.basis


def test_an_earlier_trial_at_no_weight_leaves_the_reference_prior():
    prior = prior_from_earlier(11, 27, weight=0, basis="sham arm")

    assert (prior.a, prior.b) == (JEFFREYS.a, JEFFREYS.b)


def test_jeffreys_limits_are_those_of_brown_cai_and_dasgupta():
    # Brown, Cai & DasGupta 2001, Stat Sci 16:101: the beta quantiles of their equation (6).
    low, high = rate_interval(response_rate([8, 1], [27, 29]))

    np.testing.assert_allclose(low, stats.beta(([8.5, 1.5]), [19.5, 28.5]).ppf(0.025))
    np.testing.assert_allclose(high, stats.beta(([8.5, 1.5]), [19.5, 28.5]).ppf(0.975))


@given(counts, st.floats(0.5, 0.999))
def test_the_interval_holds_its_level_of_the_posterior(count, level):
    found = response_rate(*count)
    low, high = rate_interval(found, level=level)

    # Not through scipy.stats: its tails below 1e-3 near 1 lose digits.
    outside = special.betainc(found.a, found.b, low)
    assert outside == pytest.approx((1 - level) / 2, rel=1e-6)
    assert 1 - rate_above(found, high) == pytest.approx((1 + level) / 2, abs=1e-6)


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))))
def test_the_densest_interval_is_as_dense_at_both_ends_and_no_longer(count):
    found = response_rate(*count)
    low, high = rate_densest(found)
    tail_low, tail_high = rate_interval(found)
    density = stats.beta(found.a, found.b)

    assert density.cdf(high) - density.cdf(low) == pytest.approx(0.95, abs=1e-9)
    assert density.logpdf(low) == pytest.approx(density.logpdf(high), abs=1e-6)
    assert high - low <= tail_high - tail_low + 1e-12


def test_the_densest_interval_ends_where_nobody_or_everybody_responds():
    low, high = rate_densest(response_rate([0, 9], [9, 9]))

    assert (low[0], high[1]) == (0, 1)
    np.testing.assert_allclose(high[0], stats.beta(0.5, 9.5).ppf(0.95))
    np.testing.assert_allclose(low[1], 1 - high[0])


def test_quantiles_of_uniform_numbers_are_draws_of_the_posterior():
    found = response_rate([3, 40], [10, 50])
    u = (np.arange(20_000) + 0.5) / 20_000
    draws = rate_quantile(found, u)

    assert draws.shape == (2, 20_000)
    np.testing.assert_allclose(draws.mean(axis=1), found.mean, atol=1e-5)
    np.testing.assert_allclose(rate_quantile(found, 0.5), found.median)
    assert (np.diff(draws) > 0).all()


def test_the_chance_of_a_rate_above_a_threshold_is_that_of_the_beta():
    found = response_rate([3, 0, 10], [10, 10, 10])

    expected = stats.beta([3.5, 0.5, 10.5], [7.5, 10.5, 0.5]).sf(0.4)
    np.testing.assert_allclose(rate_above(found, 0.4), expected, rtol=1e-12)


@given(counts, st.integers(1, 300))
def test_further_responders_are_beta_binomial(count, people):
    found = response_rate(*count)
    chance = further_responders(found, people)

    expected = stats.betabinom(people, float(found.a), float(found.b)).pmf(np.arange(people + 1))
    np.testing.assert_allclose(chance, expected, rtol=1e-8, atol=1e-14)
    assert chance.sum() == pytest.approx(1, abs=1e-9)


def test_limits_of_further_responders_leave_out_no_more_than_the_tails():
    found = response_rate([5, 30], [12, 40])
    low, high = further_responders_interval(found, 20)
    chance = further_responders(found, 20)

    for i in range(2):
        below, above = int(low[i]), int(high[i])
        assert chance[i, :below].sum() <= 0.025 < chance[i, : below + 1].sum()
        assert chance[i, above + 1 :].sum() <= 0.025 < chance[i, above:].sum()


# A single share


def test_wilson_and_exact_limits_are_those_that_newcombe_printed():
    # Newcombe 1998, Stat Med 17:857-872, Table I: 15/148, 0/20, 1/29.
    x, n = [15, 0, 1], [148, 20, 29]

    np.testing.assert_allclose(
        np.transpose(wilson(x, n)),
        [[0.0624, 0.1605], [0, 0.1611], [0.0061, 0.1718]],
        atol=5.1e-5,
    )
    np.testing.assert_allclose(
        np.transpose(clopper_pearson(x, n)),
        [[0.0578, 0.1617], [0, 0.1684], [0.0009, 0.1776]],
        atol=5.1e-5,
    )


@given(counts, st.sampled_from([0.8, 0.95, 0.999]))
def test_single_shares_agree_with_scipy(count, level):
    test = stats.binomtest(*count)
    for function, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = test.proportion_ci(level, method)
        low, high = function(*count, level=level)

        # scipy's Wilson limits are differences of near numbers, its exact ones from a root search.
        np.testing.assert_allclose([low, high], [expected.low, expected.high], atol=1e-9)


def test_exact_limits_never_cover_less_than_their_level():
    p = np.linspace(0.01, 0.99, 99)
    for n in (1, 5, 12, 30):
        x = np.arange(n + 1)
        low, high = clopper_pearson(x, n)
        inside = (low[:, None] <= p) & (p <= high[:, None])

        assert (inside * stats.binom.pmf(x[:, None], n, p)).sum(axis=0).min() >= 0.95


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
def test_counts_that_cannot_be_are_refused_by_name(responders, n, message):
    for function in (response_rate, wilson, clopper_pearson):
        with pytest.raises(ValueError, match=message):
            function(responders, n)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rate_interval(response_rate(1, 2), level=95), "level is 95"),
        (lambda: rate_quantile(response_rate(1, 2), [0.5, 1.5]), r"p is 1.5 at index \(1,\)"),
        (lambda: rate_above(response_rate(1, 2), 40), "threshold is 40"),
        (lambda: further_responders(response_rate(1, 2), 0), "people is 0"),
        (lambda: prior_from_mean(1, people=3, basis=""), "mean is 1"),
        (lambda: prior_from_mean(0.5, people=-2, basis=""), "people is -2"),
        (lambda: prior_from_earlier(1, 2, weight=2, basis=""), "weight is 2"),
        (lambda: Prior(0, 1, ""), "a of a prior is 0"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Pooling


def arms(*rows):
    """Arms of one treatment: (trial, follow_up_days, n, responders) and what else differs."""
    made = []
    for i, (trial, days, n, responders, *other) in enumerate(rows):
        made.append(
            {
                "trial": trial,
                "arm": f"arm_{i}",
                "outcome": f"outcome_{i}",
                "role": "treatment",
                "treatment": "mirror_therapy",
                "setting": "established_plp",
                "definition": "fall_50",
                "follow_up_days": days,
                "patients": f"{trial}_{i}",
                "n": n,
                "responders": responders,
                "include": "yes",
                **(other[0] if other else {}),
            }
        )
    return pd.DataFrame(made)


def test_one_trial_gives_its_exact_posterior():
    row = pool_responses(arms(("huse", 28, 12, 5))).iloc[0]

    posterior = stats.beta(5.5, 7.5)
    assert row["rate"] == pytest.approx(posterior.median())
    assert (row["low"], row["high"]) == pytest.approx(tuple(posterior.ppf([0.025, 0.975])))
    assert np.isnan(row["prediction_low"])
    assert row["pooled"].startswith("huse: posterior of one trial")


def test_trials_alike_are_pooled_by_the_exact_model():
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20), ("c", 25, 18, 4), ("d", 59, 50, 30))
    row = pool_responses(table).iloc[0]

    x, n = table["responders"], table["n"]
    pooled = meta.pool_exact(x, n)
    assert row["rate"] == pytest.approx(special.expit(pooled.estimate))
    assert (row["low"], row["high"]) == pytest.approx(special.expit(meta.likelihood_interval(x, n)))
    assert row["prediction_high"] == pytest.approx(special.expit(pooled.prediction_high))
    assert (row["trials"], row["n"], row["responders"]) == (4, 123, 62)
    assert row["pooled"].startswith("a, b, c, d: exact binomial-normal model")


def test_a_stated_prior_of_the_spread_narrows_two_trials():
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20))
    exact = pool_responses(table).iloc[0]
    bayes = pool_responses(table, pool=bayes_pool(meta.HalfNormal(0.5))).iloc[0]

    y, v = meta.logit_proportion([8, 20], [20, 35])
    expected = meta.bayes(y, v, prior=meta.HalfNormal(0.5))
    assert bayes["low"] == pytest.approx(special.expit(expected.low))
    assert bayes["high"] - bayes["low"] < exact["high"] - exact["low"]
    assert np.isnan(bayes["prediction_low"])  # two trials
    assert "HalfNormal(scale=0.5)" in bayes["pooled"]


def test_trials_in_which_nobody_responds_have_a_rate_of_zero_and_no_limit():
    found = exact_pool([0, 0, 0], [5, 8, 12])

    assert (found.rate, found.low, found.high) == (0, 0, 1)


@pytest.mark.parametrize("column", ["role", "treatment", "setting", "definition", "follow_up_days"])
def test_what_differs_is_never_pooled(column):
    other = {
        "role": "control",
        "treatment": "rtms",
        "setting": "prevention",
        "definition": "fall_30",
        "follow_up_days": 90,
    }[column]
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20, {column: other}))

    found = pool_responses(table)

    assert list(found["trials"]) == [1, 1]
    table["follow_up"] = [follow_up_band(days) for days in table["follow_up_days"]]
    with pytest.raises(ValueError, match=f"{column.removesuffix('_days')} differs between rows"):
        pool_group(table)


def test_outcomes_called_other_are_never_one_thing():
    other = {"definition": "other"}
    table = arms(("a", 20, 20, 8, other), ("b", 30, 35, 20, other))

    assert list(pool_responses(table)["trials"]) == [1, 1]
    with pytest.raises(ValueError, match="other in a, b: no one thing"):
        pool_group(table.assign(follow_up="over 14 to 60 days"))


def test_the_same_patients_twice_are_refused_by_name():
    twice = {"patients": "noppers"}
    table = arms(("a", 1, 12, 8, twice), ("a", 0.1, 12, 6, twice), ("b", 1, 20, 9))

    with pytest.raises(ValueError, match="patients noppers are in several rows to pool: a arm_0"):
        pool_responses(table)


def test_a_stated_rule_keeps_one_row_of_the_same_patients_and_says_so():
    twice = {"patients": "noppers"}
    table = arms(("a", 1, 12, 8, twice), ("a", 0.1, 12, 6, twice), ("b", 1, 20, 9))

    last, first = (pool_responses(table, keep=keep).iloc[0] for keep in (latest, earliest))

    assert (last["responders"], first["responders"]) == (17, 15)
    assert last["n"] == first["n"] == 32
    assert "left aside: a arm_1 outcome_1" in last["pooled"]


def test_patients_within_a_larger_group_of_patients_are_noticed():
    table = arms(("a", 20, 12, 8, {"patients": "p;q"}), ("b", 20, 12, 6, {"patients": "q;r"}))

    with pytest.raises(ValueError, match="patients q are in several rows"):
        pool_responses(table)


def test_a_rule_that_cannot_choose_is_refused():
    twice = {"patients": "noppers"}
    table = arms(("a", 1, 12, 8, twice), ("a", 1, 12, 6, twice))

    with pytest.raises(ValueError, match="patients noppers: the rule keeps 2 rows"):
        pool_responses(table, keep=latest)


def test_rows_that_are_not_included_stay_out():
    table = arms(("a", 20, 20, 8), ("b", 30, 35, 20, {"include": "no", "responders": np.nan}))

    assert list(pool_responses(table)["n"]) == [20]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"definition": "better"}, "a arm_0 outcome_0: definition is 'better'; expected one of"),
        ({"responders": 30}, "a arm_0 outcome_0: responders is 30; expected not above n"),
        ({"n": np.nan}, "a arm_0 outcome_0: n is nan"),
        ({"follow_up_days": np.nan}, "a arm_0 outcome_0: follow_up_days is nan"),
        ({"patients": ""}, "a arm_0 outcome_0: patients is empty"),
    ],
)
def test_a_row_that_cannot_be_pooled_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        pool_responses(arms(("a", 20, 20, 8, change)))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="no column patients"):
        pool_responses(arms(("a", 20, 20, 8)).drop(columns="patients"))


def test_bands_of_follow_up_end_on_their_last_day():
    assert follow_up_band(2) == "up to 2 days"
    assert follow_up_band(2.1) == "over 2 to 14 days"
    assert follow_up_band(5000) == "over 366 days"
    with pytest.raises(ValueError, match="expected at most 30"):
        follow_up_band(31, bands={"a month": 30})


def test_every_shipped_arm_that_may_be_pooled_is_in_a_group():
    trials = read("trials")
    assert set(trials["definition"]) <= {*DEFINITIONS, "none"}

    found = pool_responses(trials, keep=latest)

    included = trials[trials["include"] == "yes"]
    aside = found["pooled"].str.extract("left aside: (.*)")[0].dropna().str.split(", ")
    assert found["trials"].sum() + aside.map(len).sum() == len(included)
    assert ((found["low"] <= found["rate"]) & (found["rate"] <= found["high"])).all()
