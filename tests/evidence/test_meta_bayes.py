"""The Bayesian pool: brute-force double integrals, closed forms."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from plcore.evidence.pooling import HalfNormal, bayes, logit_proportion, pool
from plcore.evidence.pooling.bayes import mean_quantile, new_setting_quantile

Y = np.array([0.2, 1.1, 0.5, -0.1])
V = np.array([0.05, 0.08, 0.02, 0.1])


def by_brute_force(y, v, log_prior):
    """Posterior mean of mu, its variance, and P(tau < 0.5), integrating over mu and tau."""

    def given(tau):
        w = 1 / (v + tau * tau)
        mean = (w * y).sum() / w.sum()
        q = (w * (y - mean) ** 2).sum()
        height = math.sqrt(np.prod(w) / w.sum()) * math.exp(-q / 2 + float(log_prior(tau)))
        return height, mean, 1 / w.sum()

    def moment(f, top=40.0):
        return integrate.quad(f, 0, top, points=[0.1, 0.5, 1, 3], limit=400, epsrel=1e-11)[0]

    total = moment(lambda t: given(t)[0])
    mean = moment(lambda t: given(t)[0] * given(t)[1]) / total
    square = moment(lambda t: given(t)[0] * (given(t)[2] + given(t)[1] ** 2)) / total
    below = integrate.quad(lambda t: given(t)[0], 0, 0.5, epsrel=1e-11)[0] / total
    return mean, square - mean**2, below


@pytest.mark.parametrize("prior", [HalfNormal(0.5), HalfNormal(2.0)])
def test_moments_are_those_of_the_double_integral(prior):
    mean, variance, below = by_brute_force(Y, V, prior.log_density)
    found = bayes(Y, V, prior=prior)

    assert float(found.estimate) == pytest.approx(mean, abs=1e-5)
    assert float(found.se) == pytest.approx(math.sqrt(variance), rel=1e-4)
    within = np.interp(0.5, found.edges[:-1], np.concatenate([[0], np.cumsum(found.weight)[:-1]]))
    assert within == pytest.approx(below, abs=1e-4)


def test_the_prior_is_scipys_half_normal_up_to_a_constant():
    tau = np.array([0.1, 0.7, 2.0])
    gap = HalfNormal(0.6).log_density(tau) - stats.halfnorm(scale=0.6).logpdf(tau)

    np.testing.assert_allclose(gap, gap[0])


def test_a_prior_at_zero_gives_the_fixed_effect():
    found = bayes(Y, V, prior=HalfNormal(1e-4))
    w = 1 / V

    assert float(found.estimate) == pytest.approx((w * Y).sum() / w.sum(), abs=1e-4)
    assert float(found.se) == pytest.approx(math.sqrt(1 / w.sum()), rel=1e-4)
    assert float(found.high) == pytest.approx(
        float(found.estimate) + stats.norm.ppf(0.975) * float(found.se), abs=1e-4
    )


def test_with_many_studies_the_prior_hardly_matters_and_the_pool_agrees():
    random = np.random.default_rng(2)
    v = random.uniform(0.01, 0.05, 80)
    y = random.normal(1.0, np.sqrt(v + 0.2))
    found, pooled = bayes(y, v, prior=HalfNormal(1.0)), pool(y, v)

    assert float(found.estimate) == pytest.approx(float(pooled.estimate), abs=0.003)
    assert float(found.low) == pytest.approx(float(pooled.low), abs=0.01)
    assert float(found.prediction_high) == pytest.approx(float(pooled.prediction_high), abs=0.03)
    assert float(found.tau) == pytest.approx(math.sqrt(float(pooled.tau2)), abs=0.02)


def test_one_study_is_as_uncertain_as_its_error_and_the_prior_together():
    # mu given tau is N(y, v + tau^2) and tau keeps its prior: variance v + E tau^2 = 0.04 + 0.25.
    found = bayes([0.3], [0.04], prior=HalfNormal(0.5))

    assert float(found.estimate) == pytest.approx(0.3, abs=1e-12)
    assert float(found.se) == pytest.approx(math.sqrt(0.29), rel=1e-4)
    assert float(found.tau) == pytest.approx(0.5 * stats.norm.ppf(0.75), rel=1e-4)
    assert float(found.tau_high) == pytest.approx(0.5 * stats.norm.ppf(0.9875), rel=1e-3)


def test_quantiles_are_where_the_intervals_end():
    found = bayes(Y, V, prior=HalfNormal(0.5))

    np.testing.assert_allclose(mean_quantile(found, [0.025, 0.975]), [found.low, found.high])
    np.testing.assert_allclose(
        new_setting_quantile(found, [0.025, 0.975]),
        [found.prediction_low, found.prediction_high],
        atol=1e-9,
    )


def test_many_data_sets_at_once_are_each_what_they_are_alone():
    y = np.stack([Y, Y[::-1] + 0.2, 3 * Y])[:, None]
    together, alone = bayes(y, V, prior=HalfNormal(1)), bayes(3 * Y, V, prior=HalfNormal(1))

    assert together.estimate.shape == (3, 1)
    for name in ("estimate", "se", "low", "prediction_high", "tau", "tau_low"):
        np.testing.assert_allclose(
            getattr(together, name)[2, 0], getattr(alone, name), rtol=1e-9, err_msg=name
        )


def test_a_wider_prior_gives_a_wider_prediction():
    widths = []
    for scale in (0.2, 0.5, 1.0):
        found = bayes(Y, V, prior=HalfNormal(scale))
        widths.append(float(found.prediction_high - found.prediction_low))

    assert widths == sorted(widths)


def test_a_prior_without_width_and_impossible_probabilities_are_refused():
    with pytest.raises(ValueError, match="scale is 0"):
        HalfNormal(0.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_quantile(bayes(Y, V, prior=HalfNormal(0.5)), [0.0, 0.5])


@pytest.mark.parametrize("n", [10.0, 1e3, 1e5, 1e6, 1e7, 1e10])
def test_one_study_of_any_size_leaves_tau_to_the_prior(n):
    # A single study says nothing of tau: it keeps its half-normal prior, and the mean has
    # variance v + scale^2.
    y, v = logit_proportion([0.7 * n], [n])
    found = bayes(y, v, prior=HalfNormal(1.0))

    assert float(found.tau) == pytest.approx(stats.norm.ppf(0.75), rel=2e-4)
    assert float(found.tau_low) == pytest.approx(stats.norm.ppf(0.5125), rel=2e-3)
    assert float(found.tau_high) == pytest.approx(stats.norm.ppf(0.9875), rel=1e-3)
    assert float(found.se) == pytest.approx(math.sqrt(v[0] + 1), rel=1e-4)


@pytest.mark.parametrize(
    ("y", "v"),
    [
        ([0.5, 0.5], [1e-7, 1e-7]),
        ([0.5, 0.5, 0.5001], [1e-7, 1e-6, 1e-7]),
        ([0.5, 0.9], [1e-7, 1e-7]),
        ([0.5, 2.5], [1e-2, 1e-2]),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [1e-4, 0.05, 1.0, 5.0])
def test_the_grid_resolves_data_and_prior_of_any_scales(y, v, scale):
    log_tau = np.linspace(math.log(1e-9), math.log(max(9 * scale, 5)), 400_001)
    tau = np.exp(log_tau)
    w = 1 / (np.array(v)[:, None] + tau**2)
    mean = (w * np.array(y)[:, None]).sum(0) / w.sum(0)
    q = (w * (np.array(y)[:, None] - mean) ** 2).sum(0)
    log_p = np.log(w).sum(0) / 2 - np.log(w.sum(0)) / 2 - q / 2 - (tau / scale) ** 2 / 2 + log_tau
    p = np.exp(log_p - log_p.max())
    below = np.cumsum(p / p.sum())
    found = bayes(y, v, prior=HalfNormal(scale))

    for share, quantile in ((0.5, found.tau), (0.025, found.tau_low), (0.975, found.tau_high)):
        assert float(quantile) == pytest.approx(tau[np.searchsorted(below, share)], rel=1e-2)
    middle = (p * mean).sum() / p.sum()
    variance = (p * (1 / w.sum(0) + (mean - middle) ** 2)).sum() / p.sum()
    assert float(found.se) == pytest.approx(math.sqrt(variance), rel=3e-3)
