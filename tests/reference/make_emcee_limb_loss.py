"""The posterior of the limb loss model by another sampler, emcee, for the tests to read.

Needs emcee; takes a quarter of an hour: python make_emcee_limb_loss.py > emcee_limb_loss.json

Differential evolution and stretch moves from draws of the prior, on normal scores of the prior.
"""

import importlib.metadata
import json

import emcee
import numpy as np

from plcore.evidence.observations import read_observations
from plcore.models.limb_loss import people_with_limb_loss
from plcore.scenarios import read_scenario
from plcore.simulate.posterior import values_of
from plcore.simulate.synthesis import Likelihood, completed, fingerprint, fitted_rows

WALKERS, STEPS, SEED = 96, 7000, 1
#: Beyond it there is next to nothing of the prior, and hazard ratios that no model covers.
FARTHEST = 4

scenario = read_scenario()
likelihood = Likelihood(scenario, fitted_rows(read_observations()))
priors = likelihood.priors


def log_posterior(z):
    within = (np.abs(z) < FARTHEST).all(axis=1)
    out = np.full(len(z), -np.inf)
    if within.any():
        fits = likelihood(values_of(priors, z[within]))
        out[within] = fits - 0.5 * (z[within] ** 2).sum(axis=1)
    return out


sampler = emcee.EnsembleSampler(
    WALKERS,
    len(priors),
    log_posterior,
    vectorize=True,
    moves=[
        (emcee.moves.DEMove(), 0.6),
        (emcee.moves.DESnookerMove(), 0.1),
        (emcee.moves.StretchMove(), 0.3),
    ],
)
sampler._random = np.random.RandomState(SEED)
start = np.random.default_rng(5).standard_normal((WALKERS, len(priors)))
sampler.run_mcmc(start, STEPS)
chain = sampler.get_chain()[STEPS // 4 :]
tau = float(emcee.autocorr.integrated_time(chain, quiet=True).max())
draws = values_of(priors, chain[::20].reshape(-1, len(priors)))
people = people_with_limb_loss(completed(draws, scenario), scenario).values["limb_loss"]
print(
    json.dumps(
        {
            "made_with": {name: importlib.metadata.version(name) for name in ("emcee", "numpy")},
            "fingerprint": fingerprint(likelihood),
            "effective": round(chain.shape[0] * WALKERS / tau),
            "mean": {name: float(f"{x:.5g}") for name, x in draws.mean().items()},
            "sd": {name: float(f"{x:.5g}") for name, x in draws.std().items()},
            "limb_loss": {
                year: [float(f"{x:.5g}") for x in np.quantile(people[:, at], [0.025, 0.5, 0.975])]
                for at, year in enumerate(scenario.years.tolist())
                if year in (2005, 2025, 2050)
            },
        },
        indent=1,
    )
)
