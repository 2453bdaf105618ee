"""The sampler of posteriors against closed forms, another sampler, and data whose truth is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from plcore.simulate.posterior import Posterior, sample_posterior


@dataclass(frozen=True)
class Normal:
    name: str
    mean: float = 0.0
    sd: float = 1.0

    def ppf(self, p):
        return self.mean + self.sd * special.ndtri(p)


PRIORS = (Normal("a", 1.0, 2.0), Normal("b", -1.0, 0.5), Normal("c"))
#: Four observations, each a linear combination of the three parameters with its own error.
DESIGN = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, -2.0], [1.0, -1.0, 1.0]])
OBSERVED = np.array([2.5, 0.5, -3.0, 4.0])
ERROR = np.array([0.5, 0.3, 0.8, 1.0])


def linear(draws):
    residuals = (OBSERVED - draws.to_numpy() @ DESIGN.T) / ERROR
    return -0.5 * np.sum(residuals**2 + np.log(2 * np.pi * ERROR**2), axis=1)


def closed_form():
    """Mean, covariance and log evidence of the linear Gaussian model."""
    mean, sd = (np.array([getattr(p, k) for p in PRIORS]) for k in ("mean", "sd"))
    precision = np.diag(1 / sd**2) + DESIGN.T @ np.diag(1 / ERROR**2) @ DESIGN
    covariance = np.linalg.inv(precision)
    centre = covariance @ (mean / sd**2 + DESIGN.T @ (OBSERVED / ERROR**2))
    marginal = DESIGN @ np.diag(sd**2) @ DESIGN.T + np.diag(ERROR**2)
    evidence = stats.multivariate_normal(DESIGN @ mean, marginal).logpdf(OBSERVED)
    return centre, covariance, evidence


@pytest.fixture(scope="module")
def fitted():
    return sample_posterior(linear, PRIORS, n_draws=2000, n_fits=6, seed=4)


def test_a_linear_gaussian_posterior_is_the_closed_form(fitted):
    centre, covariance, evidence = closed_form()
    n = len(fitted.draws)
    sd = np.sqrt(np.diag(covariance))

    np.testing.assert_allclose(fitted.draws.mean(), centre, atol=4 * sd.max() / np.sqrt(n / 4))
    np.testing.assert_allclose(
        fitted.draws.cov(), covariance, atol=4 * sd.max() ** 2 / np.sqrt(n / 8)
    )
    for name, m, s in zip(fitted.draws, centre, sd, strict=True):
        assert stats.kstest(fitted.draws[name][::4], "norm", args=(m, s)).pvalue > 1e-3
    assert fitted.log_evidence.mean() == pytest.approx(evidence, abs=4 * fitted.log_evidence.std())
    assert fitted.log_evidence.std() < 0.1
    # Each power is the largest that leaves half of the particles effective, until the whole.
    for number, stages in fitted.stages.groupby("fit"):
        assert stages["power"].is_monotonic_increasing
        assert stages["power"].iloc[-1] == 1
        assert stages["effective"].iloc[:-1].tolist() == pytest.approx([0.5] * (len(stages) - 1))
        assert len(stages) > 1, number


def test_diagnostics_say_that_the_fits_agree(fitted):
    table = fitted.diagnostics().set_index("parameter")

    assert (table["r_hat"] < 1.01).all()
    assert (table["effective"] > 1000).all()
    centre, _, _ = closed_form()
    assert (np.abs(table["mean"] - centre) < 5 * table["error"] + 1e-3).all()


def test_diagnostics_are_those_of_gelman_and_rubin():
    """Between the fits and within them, written out; the second parameter's fits disagree."""
    fits = {
        0: ([0.0, 1.0, 2.0, 5.0], [0.0, 1.0, 0.0, 1.0]),
        1: ([1.0, 2.0, 3.0, 4.0], [9.0, 8.0, 9.0, 8.0]),
    }
    draws = pd.concat([pd.DataFrame({"a": a, "b": b}) for a, b in fits.values()], ignore_index=True)
    made = Posterior(draws, np.repeat([0, 1], 4), np.zeros(2), pd.DataFrame())
    table = made.diagnostics().set_index("parameter")

    for place, name in enumerate("ab"):
        chains = [np.asarray(both[place]) for both in fits.values()]
        within = np.mean([((x - x.mean()) ** 2).sum() / 3 for x in chains])
        apart = (chains[0].mean() - chains[1].mean()) ** 2 / 2
        assert table.loc[name, "r_hat"] == pytest.approx(np.sqrt((3 / 4 * within + apart) / within))
        assert table.loc[name, "error"] == pytest.approx(np.sqrt(apart / 2))
        assert table.loc[name, "mean"] == pytest.approx(np.concatenate(chains).sum() / 8)
        assert table.loc[name, "sd"] == pytest.approx(
            np.sqrt(((np.concatenate(chains) - np.mean(chains)) ** 2).sum() / 7)
        )
        spread = draws[name].std(ddof=1)
        assert table.loc[name, "effective"] == pytest.approx(min(spread**2 / (apart / 2), 8))
    assert table.loc["b", "r_hat"] > 5


def test_without_data_the_posterior_is_the_prior():
    asked = []

    def flat(draws):
        asked.append(len(draws))
        return np.zeros(len(draws))

    found = sample_posterior(flat, PRIORS, n_draws=2000, n_fits=2, seed=1)

    assert found.log_evidence == pytest.approx(0, abs=1e-12)
    assert found.fit.tolist() == [0] * 2000 + [1] * 2000
    # At once to the whole likelihood, which takes no particle away; each move asks for it once.
    assert found.stages[["fit", "power"]].to_numpy().tolist() == [[0, 1], [1, 1]]
    assert found.stages["effective"].tolist() == pytest.approx([1, 1])
    assert sum(found.stages["moves"] + 1) == len(asked)
    # Steps go about a Gaussian, which the prior is, until the particles have forgotten.
    assert found.stages["acceptance"].between(0.9, 1).all()
    assert found.stages["memory"].between(-0.05, 0.05).all()
    for prior in PRIORS:
        at = found.draws[prior.name]
        assert stats.kstest(at, "norm", args=(prior.mean, prior.sd)).pvalue > 1e-3


def curved(draws):
    """A banana: far from any Gaussian."""
    x, y = draws["x"].to_numpy(), draws["y"].to_numpy()
    return -0.5 * ((y - x**2) / 0.2) ** 2 - 0.5 * ((x - 1) / 0.7) ** 2


def test_a_curved_posterior_is_that_of_quadrature():
    priors = (Normal("x", 0, 1.5), Normal("y", 0, 2))
    found = sample_posterior(curved, priors, n_draws=4000, n_fits=4, seed=2)
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(-5, 5, 1201), np.linspace(-8, 10, 1801)))
    log = curved(pd.DataFrame({"x": x, "y": y})) + stats.norm.logpdf(x, 0, 1.5)
    density = np.exp(log + stats.norm.logpdf(y, 0, 2))
    cell = (10 / 1200) * (18 / 1800)

    assert found.log_evidence.mean() == pytest.approx(np.log(density.sum() * cell), abs=0.05)
    for name, at in (("x", x), ("y", y)):
        mean = np.average(at, weights=density)
        sd = np.sqrt(np.average((at - mean) ** 2, weights=density))
        assert found.draws[name].mean() == pytest.approx(mean, abs=0.06 * sd)
        assert found.draws[name].std() == pytest.approx(sd, rel=0.06)


def test_ranks_of_the_truth_are_uniform_over_simulated_data():
    """Simulation-based calibration (Talts et al. 2018): 120 truths from the prior, each fitted."""
    random = np.random.default_rng(5)
    priors = (Normal("a"), Normal("b", 0, 2))
    ranks = []
    for number in range(120):
        truth = np.array([random.normal(), random.normal(0, 2)])
        seen = np.exp(truth[0]) + truth[1] + random.normal(0, 0.5, size=3)

        def likelihood(draws, seen=seen):
            centre = np.exp(draws["a"].to_numpy()) + draws["b"].to_numpy()
            return -0.5 * np.sum(((seen - centre[:, np.newaxis]) / 0.5) ** 2, axis=1)

        found = sample_posterior(likelihood, priors, n_draws=100, n_fits=2, seed=number)
        ranks.append((found.draws.to_numpy()[::2] < truth).mean(axis=0))
    for column in np.array(ranks).T:
        counts = np.histogram(column, bins=10, range=(0, 1))[0]
        assert stats.chisquare(counts).pvalue > 1e-3


def test_one_seed_gives_the_same_bits_and_another_seed_others():
    one, again = (sample_posterior(linear, PRIORS, n_draws=50, seed=7) for _ in range(2))
    other = sample_posterior(linear, PRIORS, n_draws=50, seed=8)

    pd.testing.assert_frame_equal(one.draws, again.draws, check_exact=True)
    assert not np.array_equal(one.draws, other.draws)


@pytest.mark.parametrize(
    ("likelihood", "message"),
    [
        (lambda d: np.full(len(d), np.nan), "log likelihood of draw 0 is NaN"),
        (lambda d: np.zeros((len(d), 1)), r"shape \(50, 1\); expected \(50,\)"),
        (lambda d: np.where(d["a"] > 3, 0.0, -np.inf), "impossible for .* of the prior's draws"),
    ],
)
def test_a_likelihood_that_cannot_be_used_is_refused(likelihood, message):
    with pytest.raises(ValueError, match=message):
        sample_posterior(likelihood, PRIORS, n_draws=50)


@pytest.mark.parametrize("options", [{"n_fits": 1}, {"n_draws": 5}, {"seed": -1}])
def test_too_few_fits_or_draws_are_refused(options):
    with pytest.raises(ValueError, match="expected 2 fits or more"):
        sample_posterior(linear, PRIORS, **{"n_draws": 50} | options)
