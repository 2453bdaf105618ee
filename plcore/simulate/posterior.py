"""The posterior of a model's parameters, given a log likelihood: tempered sequential Monte Carlo.

Particles start as draws of the prior and are led to the posterior by raising the likelihood to a
power that grows from 0 to 1 (Del Moral, Doucet and Jasra 2006; Chopin and Papaspiliopoulos 2020,
An Introduction to Sequential Monte Carlo, chapter 17). Each power is the largest that keeps half
of the particles effective. In between they are resampled and moved by a Metropolis kernel that
leaves the tempered posterior as it is: a Crank-Nicolson step about the Gaussian that fits the
particles, in the space where the prior is standard normal. By the way the evidence falls out.

Several independent fits are made side by side. Their draws together are the posterior, and how far
they lie apart is its Monte-Carlo error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, special

from plcore.evidence.distributions import Floats

#: From draws (one row per draw, one column per parameter) to their log likelihoods, shape (n_draws,).
LogLikelihood = Callable[[pd.DataFrame], Floats]

#: Share of the particles that must stay effective when the power is raised.
_EFFECTIVE = 0.5
#: Sizes of a step, from nearly where it was to nearly anew, taken in turn.
_STEPS = (0.25, 0.5, 0.9)
#: Moves go on until a particle remembers no more than this of where it was, or there were so many.
_MEMORY, _LAST_MEMORY, _MOST_MOVES = 0.3, 0.05, 60
# Normal scores beyond this give probabilities that no quantile function can tell from 0 and 1.
_FARTHEST = 8.0


class Prior(Protocol):
    """What is believed of a parameter before the fit: its name and its quantile function."""

    @property
    def name(self) -> str: ...

    def ppf(self, p: ArrayLike) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of the posterior, and how well they were found.

    Attributes
    ----------
    draws : DataFrame
        One row per draw (index `draw`), one column per parameter; equally weighted.
    fit : ndarray of int, shape (n_draws,)
        Which of the independent fits a draw comes from.
    log_evidence : ndarray, shape (n_fits,)
        Logarithm of the probability of the data under the model, by fit.
    stages : DataFrame
        One row per fit and power: fit, power (of the likelihood), effective (share of the particles
        before resampling), acceptance (share of proposals accepted), moves, memory (correlation of
        the particles with where they were before the moves).
    """

    draws: pd.DataFrame
    fit: np.ndarray
    log_evidence: Floats
    stages: pd.DataFrame

    def diagnostics(self) -> pd.DataFrame:
        """How well each parameter was found.

        Returns
        -------
        DataFrame
            One row per parameter: parameter, mean, sd, error (Monte-Carlo standard error of the mean,
            from the spread between the fits), r_hat (of the fits; Gelman and Rubin 1992: near 1
            where they agree), effective (draws that independent sampling would need for the same
            error).
        """
        by_fit = self.draws.groupby(self.fit)
        means, variances, n = by_fit.mean(), by_fit.var(ddof=1), by_fit.size().min()
        between, within = means.var(ddof=1), variances.mean()
        sd = self.draws.std(ddof=1)
        error = np.sqrt(between / len(means))
        with np.errstate(divide="ignore", invalid="ignore"):
            table = pd.DataFrame(
                {
                    "mean": self.draws.mean(),
                    "sd": sd,
                    "error": error,
                    "r_hat": np.sqrt((within * (n - 1) / n + between) / within),
                    "effective": np.minimum((sd / error) ** 2, len(self.draws)),
                }
            )
        return table.rename_axis("parameter").reset_index()


def sample_posterior(
    log_likelihood: LogLikelihood,
    priors: Sequence[Prior],
    *,
    n_draws: int = 1024,
    n_fits: int = 4,
    seed: int = 1,
    executor: Executor | None = None,
) -> Posterior:
    """Draws of the posterior of parameters with independent priors.

    Parameters
    ----------
    log_likelihood : function
        Takes draws as a DataFrame, one row per draw and one column per parameter; returns an array of
        shape (n_draws,), -inf where the data are impossible, never NaN.
    priors : sequence of Parameter, or anything with a name and a quantile function `ppf`
        One at least, of a continuous or discrete distribution.
    n_draws : int
        Draws of each fit; some ten times the number of parameters, or more.
    n_fits : int
        Independent fits, 2 or more, so that their agreement can be seen.
    seed : int
        0 or more; the same seed gives the same draws, whatever the executor.
    executor : concurrent.futures.Executor, optional
        Where the fits are made; by default here, one after another.

    Returns
    -------
    Posterior

    Raises
    ------
    ValueError
        If the likelihood gives NaN or another shape, is impossible for nearly all of the prior, or
        rises so steeply that the power would not move: data and prior contradict each other then.
    """
    if n_fits < 2 or n_draws < 2 * len(priors) or seed < 0 or not priors:
        raise ValueError(
            f"n_fits is {n_fits}, n_draws {n_draws}, seed {seed}, with {len(priors)} priors; "
            "expected 2 fits or more, a seed of 0 or more, and twice as many draws as priors"
        )
    tasks = [(log_likelihood, tuple(priors), n_draws, seed, number) for number in range(n_fits)]
    results = list(map(_one_fit, tasks) if executor is None else executor.map(_one_fit, tasks))
    draws = pd.concat([draws for draws, _, _ in results], ignore_index=True)
    return Posterior(
        draws.rename_axis("draw"),
        np.repeat(np.arange(n_fits), n_draws),
        np.array([evidence for _, evidence, _ in results]),
        pd.concat([stages for _, _, stages in results], ignore_index=True),
    )


_Task = tuple[LogLikelihood, tuple[Prior, ...], int, int, int]


def _one_fit(task: _Task) -> tuple[pd.DataFrame, float, pd.DataFrame]:
    """Draws, log evidence and stages of one independent fit."""
    log_likelihood, priors, n, seed, number = task
    random = np.random.default_rng(np.random.SeedSequence([seed, number]))

    def fit_of(z: Floats) -> Floats:
        return _checked(log_likelihood(values_of(priors, z)), n)

    z = random.standard_normal((n, len(priors)))
    fits = fit_of(z)
    power, log_evidence = 0.0, 0.0
    stages = []
    while power < 1:
        raised = _next_power(fits, power)
        log_weights = (raised - power) * fits
        log_evidence += float(special.logsumexp(log_weights) - math.log(n))
        weights = special.softmax(log_weights)
        effective = 1 / float(np.sum(weights**2)) / n
        kept = _systematic(weights, random)
        z, fits, power = z[kept], fits[kept], raised
        z, fits, moved = _moved(z, fits, power, fit_of, random)
        stages.append({"fit": number, "power": power, "effective": effective} | moved)
    return values_of(priors, z), log_evidence, pd.DataFrame(stages)


def values_of(priors: Sequence[Prior], z: Floats) -> pd.DataFrame:
    """The parameters at standard normal scores.

    Parameters
    ----------
    priors : sequence of Prior
        One a column.
    z : ndarray, shape (n_draws, n_priors)
    """
    p = special.ndtr(np.clip(z, -_FARTHEST, _FARTHEST))
    columns = {prior.name: prior.ppf(p[:, j]) for j, prior in enumerate(priors)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(z), name="draw"))


def _checked(fits: Floats, n: int) -> Floats:
    if fits.shape != (n,):
        raise ValueError(f"the log likelihood has shape {fits.shape}; expected ({n},)")
    if np.isnan(fits).any():
        raise ValueError(f"the log likelihood of draw {int(np.argmax(np.isnan(fits)))} is NaN")
    return fits


def _next_power(fits: Floats, power: float) -> float:
    """The largest power, up to 1, that keeps half of the particles effective."""

    def effective(raised: float) -> float:
        weights = special.softmax((raised - power) * fits)
        return 1 / float(np.sum(weights**2)) / len(fits)

    if np.isfinite(fits).mean() < _EFFECTIVE and power == 0:
        raise ValueError(
            f"the data are impossible for {np.mean(~np.isfinite(fits)):.0%} of the prior's draws; "
            "expected a prior under which most are possible"
        )
    if effective(1.0) >= _EFFECTIVE:
        return 1.0
    low, high = power, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(middle) >= _EFFECTIVE else (low, middle)
    if low <= power:
        raise ValueError(
            f"the fit stands still at power {power:.2g} of the likelihood: data and prior "
            "contradict each other"
        )
    return low


def _systematic(weights: Floats, random: np.random.Generator) -> np.ndarray:
    """Particles in proportion to their weights, by systematic resampling."""
    places = (np.arange(len(weights)) + random.random()) / len(weights)
    return np.asarray(np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1))


def _moved(
    z: Floats,
    fits: Floats,
    power: float,
    fit_of: Callable[[Floats], Floats],
    random: np.random.Generator,
) -> tuple[Floats, Floats, dict[str, float]]:
    """The particles after Metropolis moves that leave the tempered posterior as it is."""
    start = z
    centre = z.mean(axis=0)
    # A little of the prior keeps the covariance regular where particles are few.
    covariance = 0.95 * np.cov(z.T).reshape(z.shape[1], -1) + 0.05 * np.eye(z.shape[1])
    root = np.linalg.cholesky(covariance)

    def score(at: Floats) -> Floats:
        """Log prior less the log density of the Gaussian about which the steps go."""
        scaled = linalg.solve_triangular(root, (at - centre).T, lower=True)
        return np.asarray(0.5 * (np.sum(scaled**2, axis=0) - np.sum(at**2, axis=1)))

    scores = score(z)
    limit = _LAST_MEMORY if power == 1 else _MEMORY
    accepted, moves, memory = 0.0, 0, 1.0
    while moves < _MOST_MOVES and memory > limit:
        step = _STEPS[moves % len(_STEPS)]
        fresh = random.standard_normal(z.shape) @ root.T
        proposed = centre + math.sqrt(1 - step**2) * (z - centre) + step * fresh
        new_fits, new_scores = fit_of(proposed), score(proposed)
        with np.errstate(invalid="ignore"):
            log_ratio = power * (new_fits - fits) + new_scores - scores
        taken = np.log(random.random(len(z))) < log_ratio
        z = np.where(taken[:, np.newaxis], proposed, z)
        fits, scores = np.where(taken, new_fits, fits), np.where(taken, new_scores, scores)
        accepted += float(taken.mean())
        moves += 1
        memory = _memory(start, z)
    return z, fits, {"acceptance": accepted / moves, "moves": moves, "memory": memory}


def _memory(before: Floats, after: Floats) -> float:
    """Mean correlation, over parameters, of the particles with where they were."""
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    return float(
        np.mean(np.sum(a * b, axis=0) / np.sqrt(np.sum(a**2, axis=0) * np.sum(b**2, axis=0)))
    )
