"""What studies not yet done would find, simulated in each draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from plcore.evidence.distributions import Floats


def prevalence_study(
    share: ArrayLike, *, people: int, seed: int, spread: float = 0.0
) -> pd.DataFrame:
    """The share that a study of so many people finds, a row a draw (column share_found).

    The same seed has the same luck at every size, so that sizes can be compared.

    Parameters
    ----------
    share : array_like, shape (n_draws,)
        The true share in each draw, such as the column plp_prevalence.
    people : int
        Asked and answering.
    seed : int
    spread : float
        Standard deviation (logits, 0 or more) between the share among those who can be asked and
        the share the decision is about. 0 is a probability sample of the very people; the studies
        there are differ by the spread that `prevalence.pool_prevalence` finds, the root of its
        tau2.
    """
    if not spread >= 0:
        raise ValueError(f"spread is {spread}; expected 0 or more")
    true, random = _shares("share", share), _random(seed)
    luck, shift = random.random(len(true)), random.standard_normal(len(true))
    among = special.expit(special.logit(true) + spread * shift)
    return pd.DataFrame({"share_found": _counted(luck, people, among)})


def trial(
    treated: ArrayLike, control: ArrayLike, *, people_per_arm: int, seed: int
) -> pd.DataFrame:
    """The shares of responders in the arms of a randomised trial with parallel groups.

    Parameters
    ----------
    treated, control : array_like, shape (n_draws,)
        The true shares in each draw.
    people_per_arm, seed : int
        As in `prevalence_study`.

    Returns
    -------
    DataFrame
        A row a draw: treated_found, control_found.
    """
    with_it, without = _shares("treated", treated), _shares("control", control)
    luck = _random(seed).random((2, len(with_it)))
    return pd.DataFrame(
        {
            "treated_found": _counted(luck[0], people_per_arm, with_it),
            "control_found": _counted(luck[1], people_per_arm, without),
        }
    )


def _shares(name: str, values: ArrayLike) -> Floats:
    shares = np.asarray(values, dtype=float)
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"{name} has shape {shares.shape}; expected a share from 0 to 1 a draw")
    return shares


def _random(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed])))


def _counted(luck: Floats, people: int, share: Floats) -> Floats:
    if people < 1:
        raise ValueError(f"people is {people}; expected 1 or more")
    return np.asarray(stats.binom.ppf(luck, people, share) / people)
