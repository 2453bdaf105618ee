"""The loop under every simulated design: streams of random numbers by block, analyses by table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plcore.analysis.trial_design.analysis import Analysed, checked_between
from plcore.analysis.trial_design.simulated import Simulated
from plcore.evidence.trials.counts import Array

Counts = npt.NDArray[np.int64]
#: What some trials counted or measured: arrays of one length, in the order an analysis takes them.
Found = list[npt.NDArray[Any]]
#: From a stream and the parameters of some trials, arrays (trials,), to what they found.
Draw = Callable[[np.random.Generator, Sequence[Array]], Found]
_BLOCK = 4096
# A table's number has to fit in 63 bits.
_MOST_TABLES = 2**62


def simulate(
    draw: Draw,
    analyse: Callable[[Found], Analysed],
    parameters: Sequence[Array],
    effect: Array,
    *,
    n_trials: int,
    seed: int,
    alpha: float,
    chunk: int,
) -> Simulated:
    """All trials of a design. `parameters` and `effect` have shape (n_draws,).

    Random numbers come in blocks of trials, drawn whole: the last is cut to what is asked.
    """
    checked_between("alpha", alpha, 0, 1)
    if seed < 0 or chunk < 1:
        raise ValueError(f"seed {seed}, chunk {chunk}; expected 0 or more, and 1 or more")
    results = []
    n_blocks = -(-n_trials // _BLOCK)
    at_a_time = max(chunk // _BLOCK, 1)
    for start in range(0, n_blocks, at_a_time):
        blocks = [
            _block(draw, parameters, seed, block)
            for block in range(start, min(start + at_a_time, n_blocks))
        ]
        here = n_trials - start * _BLOCK
        results.append(analyse([np.concatenate(part)[:here] for part in zip(*blocks, strict=True)]))
    estimate, low, high, p = (
        np.concatenate([getattr(found, name) for found in results])
        for name in ("estimate", "low", "high", "p")
    )
    return Simulated(effect, estimate, low, high, p, alpha)


def _block(draw: Draw, parameters: Sequence[Array], seed: int, block: int) -> Found:
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, block])))
    trials = np.arange(block * _BLOCK, (block + 1) * _BLOCK)
    return draw(stream, [values[trials % values.size] for values in parameters])


def by_table(
    analyse: Callable[[Found], Analysed], counts: Sequence[Counts], sizes: Sequence[int]
) -> Analysed:
    """Each different table analysed once. `sizes` says which counts are of patients in a group."""
    key, tables = np.zeros(counts[0].shape, np.int64), 1
    for count in counts:
        least = int(count.min())
        different = int(count.max()) - least + 1
        tables *= different
        if tables > _MOST_TABLES:
            return where_seen(analyse, counts, sizes, least=1)
        key = key * different + (count - least)
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    found = where_seen(analyse, [count[first] for count in counts], sizes, least=1)
    return Analysed(found.estimate[which], found.low[which], found.high[which], found.p[which])


def where_seen(
    analyse: Callable[[Found], Analysed],
    found: Sequence[npt.NDArray[Any]],
    sizes: Sequence[int],
    *,
    least: int,
) -> Analysed:
    """The analysis of the trials with at least so many patients in each group; NaN for the rest."""
    seen = np.logical_and.reduce([found[i] >= least for i in sizes])
    if seen.all():
        return analyse(list(found))
    estimate, low, high = np.full((3, seen.size), np.nan)
    whole = Analysed(estimate, low, high, np.ones(seen.size))
    if seen.any():
        part = analyse([values[seen] for values in found])
        whole.estimate[seen], whole.low[seen] = part.estimate, part.low
        whole.high[seen], whole.p[seen] = part.high, part.p
    return whole


def binomial(stream: np.random.Generator, n: int | Counts, share: Array) -> Counts:
    """Successes; a share that rounding put just outside 0 to 1 is moved to the end."""
    return stream.binomial(n, np.clip(share, 0, 1))


def patients_seen(stream: np.random.Generator, n: int, dropout: float, n_trials: int) -> Counts:
    """Patients of each trial who do not drop out."""
    if dropout == 0:
        return np.full(n_trials, n, np.int64)
    return stream.binomial(n, 1 - dropout, n_trials)


def mean_and_sd(stream: np.random.Generator, n: Counts, mean: Array, sd: Array) -> Found:
    """Mean, SD and number of n normal values: the mean and the variance are independent."""
    # Fewer than two have no SD; such trials are not analysed.
    size = np.maximum(n, 2)
    found = mean + sd / np.sqrt(size) * stream.standard_normal(mean.size)
    spread = sd * np.sqrt(stream.standard_gamma((size - 1) / 2) * 2 / (size - 1))
    return [found, spread, n]


def draws_of(n_trials: int, **parameters: Array) -> list[Array]:
    """Parameters as arrays (n_draws,), single numbers repeated.

    Raises
    ------
    ValueError
        More than one axis, different numbers of draws, or trials that are not a whole number of
        times the draws. Names the parameter.
    """
    if n_trials < 1:
        raise ValueError(f"n_trials is {n_trials}; expected 1 or more")
    n_draws = max(values.size for values in parameters.values())
    for name, values in parameters.items():
        if values.ndim > 1 or values.size not in {1, n_draws}:
            raise ValueError(
                f"{name} has shape {values.shape}; expected a number or {n_draws} draws, as many "
                "as the other parameters have"
            )
    if n_trials % n_draws:
        raise ValueError(
            f"{n_trials} trials of {n_draws} draws; expected as many trials of each draw"
        )
    return [np.resize(values, n_draws) for values in parameters.values()]


def checked_patients(name: str, n: int) -> int:
    """A whole number of patients, 1 or more."""
    if n != int(n) or n < 1:
        raise ValueError(f"{name} is {n!r}; expected a whole number of patients, 1 or more")
    return int(n)
