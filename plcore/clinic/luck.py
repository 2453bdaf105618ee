"""Random numbers that belong to a patient: looked up by kind, patient and occasion, not drawn.

In which order patients come to be treated depends on how many chairs there are; their luck must
not. So each number is a function of what it is for: the outputs of SplitMix64 (Steele, Lea and
Flood 2014), whose n-th can be had without those before it. Each kind and run has a generator of
its own, with a state from NumPy's `SeedSequence`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from plcore.evidence.distributions import Floats

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

#: The place of a kind keys its numbers: add new ones at the end.
KINDS = (
    "referral", "relief", "male", "weight", "cancellation", "no_show", "dropout", "recovery",
    "side_effect", "uptake",
)  # fmt: skip
#: A patient has this many occasions of a kind.
OCCASIONS = 1 << 16
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def states(kind: str, n_runs: int, *, seed: int) -> Words:
    """Where the numbers of a kind start in each run, shape (n_runs,)."""
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    place = KINDS.index(kind)
    found = [
        np.random.SeedSequence([seed, place, run]).generate_state(1, np.uint64)[0]
        for run in range(n_runs)
    ]
    return np.array(found, dtype=np.uint64)


def words(state: Words, number: Integers) -> Words:
    """The outputs of SplitMix64 from a state: the first is number 1. Shapes are broadcast."""
    z = state + number.astype(np.uint64) * _STEP
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))


def uniform(state: Words, patient: Integers, occasion: Integers | int = 0) -> Floats:
    """Numbers strictly between 0 and 1."""
    raw = words(state, patient * OCCASIONS + occasion + 1)
    return np.asarray(((raw >> np.uint64(12)) + 0.5) / 2.0**52)


def normal(state: Words, patient: Integers, occasion: Integers | int = 0) -> Floats:
    """Standard normal numbers."""
    return np.asarray(special.ndtri(uniform(state, patient, occasion)))


def exponential(state: Words, patient: Integers, occasion: Integers | int = 0) -> Floats:
    """Exponential numbers of mean 1."""
    return np.asarray(-np.log(uniform(state, patient, occasion)))
