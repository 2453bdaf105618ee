"""Meta-regression and Egger's test against metafor, and by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from plcore.evidence.pooling import (
    dersimonian_laird,
    egger,
    fitted,
    fixed,
    logit_proportion,
    paule_mandel,
    peters,
    pool,
    regress,
    reml,
)

REFERENCE = Path(__file__).parents[1] / "reference"
ESTIMATORS = {
    "DL": dersimonian_laird,
    "PM": paule_mandel,
    "REML": reml,
}


def read(name):
    return json.loads((REFERENCE / f"metafor_{name}.json").read_text())


TIGHT = read("tight")
BCG = read("bcg_meta_regression")
Y, V = np.array(BCG["yi"]), np.array(BCG["vi"])
TWO = np.column_stack([TIGHT["regression_moderators"][name] for name in ("latitude", "year")])


def test_latitude_explains_the_spread_of_the_bcg_trials_as_in_metafor():
    # metafor 3.8-1: rma(yi, vi, mods = ablat, method = "REML", test = "knha"). Its default rules
    # leave tau2 1e-6 from the optimum and the coefficients 4e-6; at its tau2 all agrees to 1e-9.
    expected = BCG["expected"]["REML_knha"]
    ours = regress(Y, V, BCG["moderator"])
    found = regress(Y, V, BCG["moderator"], tau2=lambda *_: np.array(expected["tau2"]))

    assert float(ours.tau2) == pytest.approx(expected["tau2"], abs=1e-5)
    assert float(ours.r2) == pytest.approx(expected["r2"], abs=5e-5)
    np.testing.assert_allclose(ours.coefficients, expected["coefficients"], atol=1e-5)
    np.testing.assert_allclose(found.coefficients, expected["coefficients"], rtol=1e-9)
    np.testing.assert_allclose(found.se, expected["se"], rtol=1e-9)
    assert float(found.qe) == pytest.approx(expected["qe"], rel=1e-10)
    assert float(found.qm) == pytest.approx(expected["qm_F"], rel=1e-9)


@pytest.mark.parametrize("method", ["DL", "PM", "REML"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_two_moderators_are_those_of_metafor_with_tight_rules(method, test):
    expected = TIGHT["regressions"][f"{method}_{test}"]
    found = regress(Y, V, TWO, tau2=ESTIMATORS[method], knapp_hartung=test == "knha")
    mean, low, high = fitted(found, [[10, 60], [50, 75]])

    ours = {
        "coefficients": found.coefficients,
        "se": found.se,
        "ci_low": found.low,
        "ci_high": found.high,
        "tau2": found.tau2,
        "i2": found.i2,
        "qe": found.qe,
        "qe_p": found.qe_p,
        "qm": found.qm,
        "qm_p": found.qm_p,
        "fitted": mean,
        "fitted_low": low,
        "fitted_high": high,
    }
    for name, value in ours.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-7, atol=1e-10, err_msg=name)
    # metafor refits without moderators by its default rules, so R2 is only that exact.
    assert float(found.r2) == pytest.approx(expected["r2"], abs=1e-4)


def test_many_data_sets_are_regressed_at_once():
    random = np.random.default_rng(3)
    y = Y + random.normal(0, 0.1, (4, 5, 13))
    together, alone = regress(y, V, TWO), regress(y[2, 3], V, TWO)

    np.testing.assert_allclose(together.coefficients[2, 3], alone.coefficients, rtol=1e-9)
    np.testing.assert_allclose(together.qm[2, 3], alone.qm, rtol=1e-8)
    assert together.covariance.shape == (4, 5, 3, 3)
    assert fitted(together, TWO)[0].shape == (4, 5, 13)


def test_a_line_without_scatter_is_found_exactly():
    x = np.arange(6.0)
    found = regress(2 - 0.5 * x, np.full(6, 0.3), x)

    np.testing.assert_allclose(found.coefficients, [2, -0.5], atol=1e-12)
    assert float(found.tau2) == 0
    assert float(found.r2) == 1


@pytest.mark.parametrize(
    "name", ["bcg_log_rr", "plp_prevalence_30_studies", "pritz1997_proportions"]
)
def test_eggers_regression_is_metafors(name):
    # metafor 3.8-1: regtest(model = "lm").
    data = read(name)
    found = egger(data["yi"], data["vi"])

    assert float(found.t) == pytest.approx(data["expected"]["egger_lm"]["statistic"], rel=1e-10)
    assert float(found.p) == pytest.approx(data["expected"]["egger_lm"]["p"], rel=1e-10)


def test_eggers_limit_is_where_the_line_of_precise_studies_leads():
    se = np.array([0.1, 0.2, 0.4, 0.5])
    found = egger(0.7 + 2 * se, se**2)

    assert float(found.limit) == pytest.approx(0.7)
    assert float(found.slope) == pytest.approx(2)


def test_eggers_regression_takes_many_data_sets():
    y = np.stack([Y, Y[::-1], Y + 1])

    np.testing.assert_allclose(egger(y, V).t[1], egger(Y[::-1], V).t, rtol=1e-12)


def test_regression_on_nothing_is_the_pool():
    found, pooled = regress(Y, V, np.empty((13, 0))), pool(Y, V)

    np.testing.assert_allclose(found.coefficients[0], pooled.estimate)
    np.testing.assert_allclose(found.low[0], pooled.low)
    assert np.isnan(found.qm)


@pytest.mark.parametrize("k", [2, 3])
def test_as_many_coefficients_as_studies_are_refused(k):
    with pytest.raises(ValueError, match=f"{k} studies were given for {k} coefficients"):
        regress(np.arange(k) / 3, np.full(k, 0.1), np.arange(k)[:, None] ** np.arange(1, k))


def test_a_regression_prints_each_coefficient_by_its_name_with_its_test():
    moderators = pd.DataFrame({"latitude": TWO[:, 0], "year": TWO[:, 1]})
    found = regress(Y, V, moderators)

    assert found.names == ("intercept", "latitude", "year")
    lines = str(found).splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["intercept", "latitude", "year"]
    for word in ("tau2", "I2", "R2", "QE", "QM", "k 13"):
        assert word in lines[3]
    assert regress(Y, V, TWO[:, 0]).names == ("intercept", "moderator 1")
    t = found.coefficients / found.se
    np.testing.assert_allclose(found.p, 2 * stats.t.sf(np.abs(t), 10), rtol=1e-12)


def test_a_common_line_is_tested_by_the_normal():
    assert np.isinf(regress(Y, V, TWO, tau2=fixed).df)


# Peters' test


def test_peters_is_weighted_least_squares_of_logits_on_one_over_n():
    events, n = np.array([3, 9, 22, 70]), np.array([50, 200, 600, 2000])
    y = np.log((events + 0.5) / (n - events + 0.5))
    x = np.column_stack([np.ones(4), 1 / n])
    w = np.diag(n.astype(float))
    covariance = np.linalg.inv(x.T @ w @ x)
    beta = covariance @ x.T @ w @ y
    residuals = y - x @ beta
    se = np.sqrt(residuals @ w @ residuals / 2 * covariance[1, 1])
    found = peters(events, n)

    assert float(found.slope) == pytest.approx(beta[1])
    assert float(found.limit) == pytest.approx(beta[0])
    assert float(found.p) == pytest.approx(2 * stats.t.sf(abs(beta[1] / se), 2))


@pytest.mark.parametrize(("share", "eggers"), [(0.04, 0.2), (0.7, 0.08)])
def test_unbiased_studies_rarely_alarm_peters_and_often_egger(share, eggers):
    """At a spread of 0.6 between studies and shares of 4% Egger's test alarms in one set of four."""
    random = np.random.default_rng(5)
    n = random.choice([40, 65, 90, 140, 250, 400, 900, 2750], (2000, 20))
    logit = np.log(share / (1 - share)) + 0.6 * random.standard_normal(n.shape)
    events = random.binomial(n, 1 / (1 + np.exp(-logit)))

    alarms = (peters(events, n).p < 0.05).mean()
    assert alarms < 0.07  # 5% and four standard errors
    assert (egger(*logit_proportion(events, n)).p < 0.05).mean() > eggers


def test_peters_needs_three_studies_of_different_size():
    with pytest.raises(ValueError, match="at least 3"):
        peters([1, 2], [10, 20])
    with pytest.raises(ValueError, match="same n"):
        peters([1, 2, 3], [10, 10, 10])


@pytest.mark.parametrize(
    ("moderators", "message"),
    [
        (np.ones(13), "rank 1"),
        (np.arange(12.0), r"must be \(13, columns\)"),
        (np.r_[np.nan, np.arange(12.0)], "study 0: a moderator is nan"),
    ],
)
def test_moderators_that_cannot_be_told_apart_or_are_missing_are_refused(moderators, message):
    with pytest.raises(ValueError, match=message):
        regress(Y, V, moderators)


def test_egger_needs_three_studies_of_different_precision():
    with pytest.raises(ValueError, match="at least 3"):
        egger([0.1, 0.2], [0.1, 0.2])
    with pytest.raises(ValueError, match="same v"):
        egger([0.1, 0.2, 0.4], [0.1, 0.1, 0.1])


def test_the_wrong_number_of_moderators_is_refused_when_fitting():
    with pytest.raises(ValueError, match="1 moderators were given; the regression has 2"):
        fitted(regress(Y, V, TWO), [10.0, 20.0])
