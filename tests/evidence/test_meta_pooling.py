"""Pooling: hand-worked pools, metafor's numbers, invariances, and the edges of the input."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from plcore.evidence.pooling import (
    dersimonian_laird,
    fixed,
    logit_proportion,
    paule_mandel,
    pool,
    reml,
)

REFERENCE = Path(__file__).parents[1] / "reference"
ESTIMATORS = {
    "DL": dersimonian_laird,
    "PM": paule_mandel,
    "REML": reml,
    "EE": fixed,
}
DATA_SETS = ["bcg_log_rr", "plp_prevalence_30_studies", "pritz1997_proportions"]
NAMES = {
    "estimate": "estimate",
    "se": "se",
    "ci_low": "low",
    "ci_high": "high",
    "pi_low": "prediction_low",
    "pi_high": "prediction_high",
    "tau2": "tau2",
    "i2": "i2",
    "q": "q",
    "q_p": "q_p",
}


def read(name):
    return json.loads((REFERENCE / f"metafor_{name}.json").read_text())


TIGHT = read("tight")


def pooled_as(method, test, y, v):
    return pool(y, v, tau2=ESTIMATORS[method], knapp_hartung=test == "knha")


def differences(found, expected):
    """Absolute or relative difference, whichever is less, of each quantity metafor gives."""
    gaps = {}
    for theirs, number in expected.items():
        if theirs in NAMES and isinstance(number, int | float):
            gap = abs(float(getattr(found, NAMES[theirs])) - number)
            gaps[theirs] = min(gap, gap / abs(number)) if number else gap
    return gaps


def log_likelihood(y, v, tau2):
    """The textbook formula of REML, one data set and one tau2 at a time (Viechtbauer 2005)."""
    w = 1 / (v + tau2)
    mu = (w * y).sum() / w.sum()
    twice = np.log(w).sum() - (w * (y - mu) ** 2).sum() - np.log(w.sum())
    return twice / 2


# --- Other people's numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("data_set", [*DATA_SETS, "two_studies"])
def test_metafor_with_tight_stopping_rules_agrees_to_1e8(data_set):
    # tests/reference/make_metafor_tight.R, metafor 3.8-1 with threshold and tol 1e-13.
    expected = TIGHT["pools"][data_set]
    y, v = np.array(expected["yi"]), np.array(expected["vi"])
    methods = ("DL", "PM", "REML")
    fits = [key for key in expected if key.split("_")[0] in methods and "adhoc" not in key]
    assert len(fits) >= 5

    for key in fits:
        gaps = differences(pooled_as(*key.split("_"), y, v), expected[key])
        assert len(gaps) >= 8
        assert max(gaps.values()) < 1e-8, (key, gaps)


@pytest.mark.parametrize("data_set", DATA_SETS)
@pytest.mark.parametrize("method", ["DL", "PM", "REML"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_metafor_as_it_comes_agrees_as_closely_as_it_iterates(data_set, method, test):
    # metafor 3.8-1 defaults. Its Paule-Mandel root is sought by uniroot to .Machine$double.eps^0.25
    # = 1.2e-4 and is up to 3e-5 off (the tight reference shows by how much); at its own tau2 all
    # that follows agrees to 1e-9.
    reference = read(data_set)
    expected = reference["expected"][f"{method}_{test}"]
    y, v = np.array(reference["yi"]), np.array(reference["vi"])
    ours = pooled_as(method, test, y, v)
    given_tau2 = pool(
        y, v, tau2=lambda *_: np.array(expected["tau2"]), knapp_hartung=test == "knha"
    )

    assert float(ours.tau2) == pytest.approx(expected["tau2"], abs=3e-5 if method == "PM" else 1e-9)
    gaps = differences(given_tau2, expected)
    assert len(gaps) >= 8
    assert max(gaps.values()) < 1e-9, gaps


@pytest.mark.parametrize("data_set", ["pritz1997", "feng2019"])
def test_proportions_pooled_three_ways_are_metafors(data_set):
    # metafor_proportions_feng2019_pritz1997.csv, metafor 3.8-1; measures PLO (logit) and, where no
    # cell is empty (feng2019), PLN (log) and PR (raw), whose variances are worked out here.
    with (REFERENCE / f"prop_{data_set}.csv").open() as file:
        studies = list(csv.DictReader(file))
    e = np.array([float(study["xi"]) for study in studies])
    n = np.array([float(study["ni"]) for study in studies])
    effects = {"PLO": logit_proportion(e, n)}
    if data_set == "feng2019":
        effects |= {"PLN": (np.log(e / n), 1 / e - 1 / n), "PR": (e / n, e * (n - e) / n**3)}
    checked = 0
    with (REFERENCE / "metafor_proportions_feng2019_pritz1997.csv").open() as file:
        for row in csv.DictReader(file):
            if (
                row["dataset"] != data_set
                or row["measure"] not in effects
                or row["method"] not in ESTIMATORS
                or (row["method"] == "EE" and row["test"] != "z")
            ):
                continue
            found = pooled_as(row["method"], row["test"], *effects[row["measure"]])
            # Ten digits are printed. Iterated tau2 was left 1e-5 (uniroot: 1e-4) from its root,
            # which is much against the tau2 of raw proportions, 0.015.
            close = 1e-8 if row["method"] in ("DL", "EE") else 2e-3
            assert float(found.estimate) == pytest.approx(float(row["beta"]), rel=close)
            assert float(found.se) == pytest.approx(float(row["se"]), rel=close)
            assert float(found.low) == pytest.approx(float(row["ci_lb"]), rel=close)
            assert float(found.tau2) == pytest.approx(float(row["tau2"]), rel=close, abs=1e-9)
            if row["method"] != "EE":
                assert float(found.i2) == pytest.approx(float(row["I2"]) / 100, rel=close)
            assert float(found.q) == pytest.approx(float(row["Q"]), rel=1e-8)
            checked += 1
    assert checked == 7 * len(effects)


# --- By hand ------------------------------------------------------------------------------------


def test_two_studies_of_equal_precision_are_pooled_by_hand():
    # y = 0, 2; v = 1: mean 1; sample variance 2, so every estimator of tau2 finds 2 - 1 = 1.
    # Knapp-Hartung: se^2 = 2 / 2, t on 1 df = 12.7062.
    found = pool([0.0, 2.0], [1.0, 1.0])

    assert float(found.estimate) == pytest.approx(1, abs=1e-12)
    assert float(found.tau2) == pytest.approx(1, abs=1e-10)
    assert float(found.se) == pytest.approx(1, abs=1e-10)
    assert float(found.high) == pytest.approx(1 + 12.7062, abs=1e-4)
    assert float(found.prediction_high) == pytest.approx(1 + 12.7062 * np.sqrt(2), abs=1e-4)
    assert float(found.q) == pytest.approx(2, abs=1e-12)
    assert float(found.i2) == pytest.approx(0.5, abs=1e-10)
    assert (found.k, found.df) == (2, 1.0)
    for estimator in (dersimonian_laird, paule_mandel):
        assert float(estimator([0.0, 2.0], [1.0, 1.0])) == pytest.approx(1, abs=1e-10)


def test_equal_precisions_make_reml_the_sample_variance_less_the_sampling_variance():
    y = np.array([0.1, 0.9, 1.4, -0.3, 0.6])  # squares 1.772, over 4: 0.443
    v = np.full(5, 0.1)

    assert float(reml(y, v)) == pytest.approx(0.443 - 0.1, abs=1e-10)
    assert float(paule_mandel(y, v)) == pytest.approx(0.443 - 0.1, abs=1e-10)


# --- True of every input ------------------------------------------------------------------------

studies = st.integers(3, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-3, 3), min_size=k, max_size=k).map(np.array),
        st.lists(st.floats(0.01, 2), min_size=k, max_size=k).map(np.array),
    )
)
estimators = st.sampled_from([dersimonian_laird, paule_mandel, reml])


@given(studies, st.floats(-50, 50), st.sampled_from([dersimonian_laird, paule_mandel]))
def test_shifting_every_study_shifts_the_mean_and_nothing_else(study, shift, estimator):
    y, v = study
    before, after = pool(y, v, tau2=estimator), pool(y + shift, v, tau2=estimator)

    np.testing.assert_allclose(after.estimate, before.estimate + shift, atol=1e-9)
    np.testing.assert_allclose(after.tau2, before.tau2, atol=1e-9)
    np.testing.assert_allclose(after.high - after.low, before.high - before.low, atol=1e-8)


@given(studies, st.floats(0.01, 100), st.sampled_from([dersimonian_laird, paule_mandel]))
def test_another_unit_scales_the_mean_and_squares_into_tau2(study, unit, estimator):
    y, v = study
    before, after = pool(y, v, tau2=estimator), pool(y * unit, v * unit**2, tau2=estimator)

    np.testing.assert_allclose(after.estimate, before.estimate * unit, atol=1e-8 * unit)
    np.testing.assert_allclose(after.tau2, before.tau2 * unit**2, atol=1e-8 * unit**2)
    np.testing.assert_allclose(after.low, before.low * unit, atol=1e-7 * unit)
    np.testing.assert_allclose(after.i2, before.i2, atol=1e-8)


@given(studies, estimators, st.randoms())
def test_the_order_of_studies_does_not_matter(study, estimator, random):
    y, v = study
    order = list(range(y.size))
    random.shuffle(order)
    before, after = pool(y, v, tau2=estimator), pool(y[order], v[order], tau2=estimator)

    np.testing.assert_allclose(after.estimate, before.estimate, atol=1e-7)
    np.testing.assert_allclose(after.se, before.se, atol=1e-7)


@given(studies)
def test_every_study_twice_halves_the_variance_of_a_fixed_effect(study):
    y, v = study
    once = pool(y, v, tau2=fixed, knapp_hartung=False)
    twice = pool(np.tile(y, 2), np.tile(v, 2), tau2=fixed, knapp_hartung=False)

    np.testing.assert_allclose(twice.estimate, once.estimate, atol=1e-12)
    np.testing.assert_allclose(twice.se**2, once.se**2 / 2, rtol=1e-12)
    np.testing.assert_allclose(twice.q, once.q * 2, rtol=1e-9, atol=1e-12)


@given(studies)
def test_likelihood_is_no_higher_next_to_its_maximum_or_at_zero(study):
    y, v = study
    found = float(reml(y, v))
    top = log_likelihood(y, v, found)

    for other in (0.0, found * 0.99, found * 1.01, found + 1e-4):
        assert log_likelihood(y, v, other) <= top + 1e-9


def test_reml_stands_within_1e8_of_the_optimum_of_its_likelihood():
    # The optimum is bracketed on the score, 2 dl/dtau2 = y'PPy - tr P, with scipy's brentq.
    random = np.random.default_rng(4)
    v = random.uniform(0.01, 0.3, (200, 30))
    y = random.normal(0, np.sqrt(v + 0.2))
    for found, yi, vi in zip(reml(y, v), y, v, strict=True):

        def score(tau2, yi=yi, vi=vi):
            w = 1 / (vi + tau2)
            residuals = yi - (w * yi).sum() / w.sum()
            return (w**2 * residuals**2).sum() - w.sum() + (w**2).sum() / w.sum()

        best = optimize.brentq(score, found / 2, found * 2, xtol=1e-14)
        assert float(found) == pytest.approx(best, abs=1e-10)


@given(studies)
def test_q_at_paule_mandels_tau2_is_its_expectation(study):
    y, v = study
    tau2 = float(paule_mandel(y, v))
    w = 1 / (v + tau2)
    q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()

    if tau2 > 0:
        assert q == pytest.approx(y.size - 1, rel=1e-9)
    else:
        assert q <= y.size - 1 + 1e-9


@given(st.floats(-5, 5), st.lists(st.floats(0.01, 3), min_size=2, max_size=9), estimators)
def test_identical_studies_have_no_spread_at_all(value, v, estimator):
    found = pool(np.full(len(v), value), v, tau2=estimator, knapp_hartung=False)

    assert float(found.tau2) == 0
    assert float(found.i2) == 0
    assert float(found.estimate) == pytest.approx(value, abs=1e-12)


def test_many_data_sets_at_once_are_each_what_they_are_alone():
    random = np.random.default_rng(7)
    # More than a block, so that a seam between blocks is crossed.
    v = random.uniform(0.01, 0.5, (3, 900, 8))
    y = random.normal(0, np.sqrt(v + random.choice([0, 0.3], (3, 900, 1))))
    together = pool(y, v)

    assert together.estimate.shape == (3, 900)
    for where in [(0, 0), (1, 431), (2, 899), (2, 5)]:
        alone = pool(y[where], v[where])
        for name in set(NAMES.values()):
            np.testing.assert_allclose(
                getattr(together, name)[where], getattr(alone, name), rtol=1e-8, atol=1e-10
            )


def test_one_precise_study_among_rough_ones_is_pooled_without_loss():
    y, v = np.array([0.5, 1.5, 0.1]), np.array([1e-9, 0.3, 0.2])
    found = pool(y, v, tau2=fixed, knapp_hartung=False)

    assert float(found.estimate) == pytest.approx(0.5, abs=1e-8)
    assert float(found.se) == pytest.approx(np.sqrt(1e-9), rel=1e-8)
    assert np.isfinite(float(reml(y, v)))


# --- Edges --------------------------------------------------------------------------------------


def test_one_study_leaves_the_spread_unknown_and_the_interval_unbounded():
    found = pool([0.3], [0.04])

    assert float(found.estimate) == pytest.approx(0.3)
    assert np.isnan([found.tau2, found.se, found.i2]).all()
    assert (float(found.low), float(found.high)) == (-np.inf, np.inf)
    assert (float(found.prediction_low), float(found.prediction_high)) == (-np.inf, np.inf)
    assert float(found.q_p) == 1


def test_a_missing_estimate_is_refused_by_its_place():
    with pytest.raises(ValueError, match=r"study 1: y is nan"):
        pool([0.1, np.nan, 0.3], [0.1, 0.1, 0.1])


def test_a_variance_of_zero_is_refused_by_data_set_and_study():
    v = np.ones((2, 3))
    v[1, 2] = 0
    with pytest.raises(ValueError, match=r"data set \(1,\), study 2: v is 0.*above 0"):
        pool(np.zeros((2, 3)), v)


def test_an_estimator_is_a_function_and_not_its_name():
    with pytest.raises(TypeError, match="tau2 is 'REML'; expected a function such as reml"):
        pool([0.1, 0.2], [0.1, 0.1], tau2="REML")


def test_no_study_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one study"):
        pool([], [])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_not_a_share_is_refused(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        pool([0.1, 0.2], [0.1, 0.1], level=level)


# --- Logits -------------------------------------------------------------------------------------


def test_logits_and_their_variances_are_those_of_escalc():
    # metafor 3.8-1 escalc(measure = "PLO"), add = 1/2, to = "only0"; empty cells and fractions.
    y, v = logit_proportion(TIGHT["cells"]["events_1"], TIGHT["cells"]["n_1"])
    reference = read("plp_prevalence_30_studies")

    np.testing.assert_allclose(y, TIGHT["effects"]["PLO"]["yi"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(v, TIGHT["effects"]["PLO"]["vi"], rtol=1e-12)
    np.testing.assert_allclose(
        logit_proportion(reference["events"], reference["n"]),
        [reference["yi"], reference["vi"]],
        rtol=1e-12,
        atol=1e-15,
    )


@pytest.mark.parametrize(
    ("events", "n", "message"),
    [
        ([3, np.nan], [10, 10], "study 1: events is nan"),
        ([3, 11], [10, 10], "study 1: events is 11, but it must not exceed n"),
        ([-1, 5], [10, 10], "study 0: events is -1"),
        ([0, 5], [0, 10], "study 0: n is 0"),
        ([2, 5], [10, np.inf], "study 1: n is inf"),
    ],
)
def test_impossible_counts_are_refused_by_study_and_value(events, n, message):
    with pytest.raises(ValueError, match=message):
        logit_proportion(events, n)


def test_a_pooled_result_prints_its_test_weights_and_heterogeneity():
    text = str(pool([0.0, 2.0], [1.0, 1.0]))

    assert text == (
        "1 (95% interval -11.7 to 13.7; another setting -17 to 19), p 0.5; tau2 1, I2 50%, "
        "Q 2 (p 0.16), k 2, weights 50%, 50%"
    )
    assert str(pool(np.zeros((3, 4)), 1.0)) == "3 pooled results of 4 studies each"


# --- One common value ---------------------------------------------------------------------------


def test_a_common_value_has_normal_limits_unless_asked_otherwise():
    y, v = [0.1, 0.9, 0.4], [0.02, 0.05, 0.03]
    w = 1 / np.array(v)
    found = pool(y, v, tau2=fixed)

    assert found.df == np.inf
    assert float(found.se) == pytest.approx(w.sum() ** -0.5)
    assert pool(y, v, tau2=fixed, knapp_hartung=True).df == 2
    assert pool(y, v).df == 2


def test_a_common_value_says_nothing_of_another_setting_and_shows_how_studies_differ():
    # metafor 3.8-1, rma(method = "EE"): I2 = 100 (Q - k + 1) / Q of the 13 BCG trials.
    data = TIGHT["pools"]["bcg_log_rr"]
    found = pool(data["yi"], data["vi"], tau2=fixed)

    assert float(found.i2) == pytest.approx(data["EE_z"]["i2"], rel=1e-9)
    assert float(found.i2) > 0.9
    assert np.isnan([found.prediction_low, found.prediction_high]).all()
    assert "nothing is said of another setting" in str(found)


@pytest.mark.parametrize("estimator", [reml, paule_mandel, dersimonian_laird, fixed])
def test_weights_add_up_to_one_and_p_is_that_of_the_interval(estimator):
    y, v = np.array([[0.1, 0.9, 0.4], [0.1, 0.3, 0.2]]), np.array([0.02, 0.05, 0.03])
    found = pool(y, v, tau2=estimator)

    np.testing.assert_allclose(found.weights.sum(axis=-1), 1)
    np.testing.assert_allclose((found.weights * y).sum(axis=-1), found.estimate)
    level = 1 - float(found.p[1])
    edge = pool(y[1], v, tau2=estimator, level=level)
    assert float(edge.low) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("wrong", [-0.1, [0.0, 0.0, 0.0]])
def test_an_estimator_that_gives_no_variance_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a variance of 0 or more for each of 1 data"):
        pool([0.1, 0.2], [0.1, 0.1], tau2=lambda *_: np.array(wrong))
