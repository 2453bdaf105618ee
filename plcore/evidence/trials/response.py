"""How many of the people treated get better: what is believed of a response rate after counting.

A response rate has a beta prior; after `responders` of `n` people its posterior is a beta again, so
that everything here is exact. The rate of one arm is not the effect of the treatment: people get
better under placebo and by themselves, and only `plcore.evidence.trials.comparison` speaks of that.

Parameters
----------
responders, n : array_like, shape (...)
    Counts: people who respond, and people.

References
----------
Brown, Cai & DasGupta (2001), Stat Sci 16:101-133 (Jeffreys, Wilson and Clopper-Pearson intervals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from plcore.evidence.trials.counts import (
    Array,
    checked_level,
    checked_responders,
    normal_quantile,
    require,
    whole,
)
from plcore.evidence.trials.score import crossing


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a response rate beforehand: Beta(a, b), worth a + b people.

    `basis` says in words where it comes from, and goes wherever the posterior is printed.
    """

    a: float
    b: float
    basis: str

    def __post_init__(self) -> None:
        for name, value in (("a", self.a), ("b", self.b)):
            if not 0 < value < np.inf:
                raise ValueError(f"{name} of a prior is {value:g}; expected a number above 0")

    @property
    def people(self) -> float:
        """The number of people this prior counts for."""
        return self.a + self.b

    @property
    def mean(self) -> float:
        """The response rate it expects."""
        return self.a / self.people


#: The reference prior of a share: worth one person, its intervals close to Clopper-Pearson's mid-P.
JEFFREYS = Prior(0.5, 0.5, "Jeffreys prior, worth 1 person")


def prior_from_mean(mean: float, *, people: float, basis: str) -> Prior:
    """A prior with this mean that counts for so many people.

    Parameters
    ----------
    mean : float
        A share between 0 and 1.
    people : float
        Above 0.
    basis : str
        Where it comes from, in words.
    """
    if not 0 < mean < 1:
        raise ValueError(f"mean is {mean:g}; expected a share between 0 and 1")
    if not 0 < people < np.inf:
        raise ValueError(f"people is {people:g}; expected a number above 0")
    said = f"{basis}: mean {mean:g}, worth {people:g} people"
    return Prior(mean * people, (1 - mean) * people, said)


def prior_from_earlier(responders: int, n: int, *, weight: float, basis: str) -> Prior:
    """A prior from an earlier trial whose people count for `weight` of a person each (0 to 1).

    The power prior of Ibrahim and Chen (2000, Stat Sci 15:46-60) on Jeffreys' prior. A weight below
    1 says how far the earlier people resemble those in question.

    Parameters
    ----------
    basis : str
        Where it comes from, in words.
    """
    checked_responders(responders, n)
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight:g}; expected a share from 0 to 1")
    a = JEFFREYS.a + weight * responders
    b = JEFFREYS.b + weight * (n - responders)
    return Prior(a, b, f"{basis}: {responders} of {n} at weight {weight:g}, worth {a + b:g} people")


@dataclass(frozen=True, slots=True)
class ResponseRate:
    """What is believed of a response rate after counting: Beta(a, b), arrays of shape (...).

    Attributes
    ----------
    responders, n
        The people counted.
    prior
        What was believed before.
    a, b
        The posterior's parameters.
    """

    responders: Array
    n: Array
    prior: Prior
    a: Array
    b: Array

    @property
    def mean(self) -> Array:
        """The chance that the next person treated responds."""
        return self.a / (self.a + self.b)

    @property
    def median(self) -> Array:
        """The rate that is as likely too low as too high."""
        return np.asarray(special.betaincinv(self.a, self.b, 0.5))

    @property
    def prior_weight(self) -> Array:
        """The share of the posterior mean that is the prior's, (a0 + b0) / (a0 + b0 + n)."""
        return self.prior.people / (self.prior.people + self.n)


def response_rate(
    responders: npt.ArrayLike, n: npt.ArrayLike, *, prior: Prior = JEFFREYS
) -> ResponseRate:
    """What is believed of a response rate after seeing so many responders among n people."""
    found, people = checked_responders(responders, n)
    return ResponseRate(found, people, prior, prior.a + found, prior.b + people - found)


def rate_quantile(rate: ResponseRate, p: npt.ArrayLike) -> Array:
    """The rates below which the posterior has the shares p, shape (..., *p.shape).

    Draws are `rate_quantile(rate, u)` with u uniform, from any sampler of `plcore.simulate.draws`.
    """
    shares = np.asarray(p, dtype=np.float64)
    require(shares, (shares >= 0) & (shares <= 1), "p", "a probability from 0 to 1")
    ahead = (..., *([None] * shares.ndim))
    return np.asarray(special.betaincinv(rate.a[ahead], rate.b[ahead], shares))


def rate_interval(rate: ResponseRate, *, level: float = 0.95) -> tuple[Array, Array]:
    """Equal-tailed interval, each limit of the shape of the rate: as likely above as below it."""
    tail = (1 - checked_level(level)) / 2
    # The upper limit from the upper tail: 1 - tail has lost the digits of a small tail.
    upper = 1 - special.betaincinv(rate.b, rate.a, tail)
    return np.asarray(special.betaincinv(rate.a, rate.b, tail)), np.asarray(upper)


def rate_densest(rate: ResponseRate, *, level: float = 0.95) -> tuple[Array, Array]:
    """The shortest interval that holds the level; it ends at 0 or 1 where the density is highest.

    Returns
    -------
    low, high : ndarray, of the shape of the rate
    """
    checked_level(level)
    a, b = np.broadcast_arrays(rate.a, rate.b)
    a, b = a.reshape(-1), b.reshape(-1)
    below = np.where(a > 1, 1 - level, 0.0)
    inner = np.flatnonzero((a > 1) & (b > 1))

    def rises(share: Array, which: npt.NDArray[np.intp]) -> Array:
        a_, b_ = a[inner[which]], b[inner[which]]
        low, high = special.betaincinv(a_, b_, share), special.betaincinv(a_, b_, share + level)
        gap = special.xlogy(a_ - 1, low) + special.xlog1py(b_ - 1, -low)
        gap -= special.xlogy(a_ - 1, high) + special.xlog1py(b_ - 1, -high)
        return np.asarray(np.tanh(gap))

    zero = np.zeros(inner.size)
    below[inner] = crossing(rises, zero, zero + 1 - level)
    low: Array = np.asarray(special.betaincinv(a, b, below))
    above: Array = np.asarray(special.betaincinv(b, a, np.maximum(1 - level - below, 0)))
    return low.reshape(rate.a.shape), (1 - above).reshape(rate.a.shape)


def rate_above(rate: ResponseRate, threshold: npt.ArrayLike) -> Array:
    """The probability that the rate lies above a threshold.

    Parameters
    ----------
    threshold : array_like
        Of a shape that broadcasts against the rate.
    """
    t = np.asarray(threshold, dtype=np.float64)
    require(t, (t >= 0) & (t <= 1), "threshold", "a share from 0 to 1")
    return np.asarray(special.betainc(rate.b, rate.a, 1 - t))


def further_responders(rate: ResponseRate, people: int) -> Array:
    """The chance of 0, 1, ... `people` responders among further people, shape (..., people + 1).

    The beta-binomial: chance between patients and doubt about the rate together.
    """
    whole(people, "people", least=1)
    k = np.arange(people + 1.0)
    a, b = rate.a[..., None], rate.b[..., None]
    log_ways = -special.betaln(people - k + 1, k + 1) - np.log(people + 1)
    log_chance = special.betaln(a + k, b + people - k) - special.betaln(a, b)
    return np.asarray(np.exp(log_ways + log_chance))


def further_responders_interval(
    rate: ResponseRate, people: int, *, level: float = 0.95
) -> tuple[Array, Array]:
    """The fewest and most responders to plan for among further people.

    The narrowest central limits with no more than half of 1 - level beyond either.

    Returns
    -------
    low, high : ndarray, of the shape of the rate
    """
    tail = (1 - checked_level(level)) / 2
    below = np.cumsum(further_responders(rate, people), axis=-1)
    above = np.cumsum(further_responders(rate, people)[..., ::-1], axis=-1)
    low = (below <= tail).sum(axis=-1).astype(np.float64)
    high = people - (above <= tail).sum(axis=-1).astype(np.float64)
    return low, high


def wilson(
    responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    """Score interval of a share (Wilson 1927), the one the difference of Newcombe is built on."""
    found, people = checked_responders(responders, n)
    z = normal_quantile(level)
    return _wilson_low(found, people, z), 1 - _wilson_low(people - found, people, z)


def clopper_pearson(
    responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    """Exact interval of a share (Clopper & Pearson 1934): covers at least the level, often more."""
    found, people = checked_responders(responders, n)
    tail = (1 - checked_level(level)) / 2
    return _exact_low(found, people, tail), 1 - _exact_low(people - found, people, tail)


def _wilson_low(found: Array, people: Array, z: float) -> Array:
    half = z * np.sqrt(found * (people - found) / people + z * z / 4)
    # From the product of both limits: the difference of two near numbers would lose digits.
    return np.asarray(found**2 / people / (found + z * z / 2 + half))


def _exact_low(found: Array, people: Array, tail: float) -> Array:
    low = special.betaincinv(np.maximum(found, 1), people - found + 1, tail)
    return np.asarray(np.where(found == 0, 0.0, low))
