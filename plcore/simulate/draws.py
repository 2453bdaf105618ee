"""Draws: many sampled worlds, a row each, from the distributions of the parameters.

A sampler fills a unit hypercube and each parameter's quantile function maps its column to values.
The randomness of a column is keyed by the seed and the parameter's name, so that scenarios differ
only in what they change, and another parameter leaves the draws of the rest alone.

Parameters
----------
names : sequence of str
    Of the columns; a sampler returns an array of shape (n, n_names), between 0 and 1.
n : int
    Rows, 1 or more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Correlation, Parameter

#: From the names of the columns, the number of rows and the seed to probabilities (rows, columns).
Sampler = Callable[[Sequence[str], int, int], Floats]

_BITS = 30
_CELLS = 1 << _BITS


def plain(names: Sequence[str], n: int, seed: int) -> Floats:
    """Independent uniform numbers, those of a column keyed by its name."""
    return np.column_stack([_stream(name, seed).random(n) for name in names])


def latin_hypercube(names: Sequence[str], n: int, seed: int) -> Floats:
    """One number in each of `n` equal slices of every column (McKay, Beckman and Conover 1979)."""
    columns = []
    for name in names:
        stream = _stream(name, seed)
        columns.append((stream.permutation(n) + stream.random(n)) / n)
    return np.column_stack(columns)


def sobol(names: Sequence[str], n: int, seed: int) -> Floats:
    """A scrambled Sobol sequence; most even where `n` is a power of two.

    Column j is dimension j of the sequence (Joe and Kuo 2008, as in SciPy) under a linear matrix
    scramble and a digital shift (Matousek 1998), both keyed by the name of the column. The names
    after a new one move to other dimensions, so new parameters belong at the end.
    """
    power = 1 << max(n - 1, 1).bit_length()
    points = qmc.Sobol(len(names), scramble=False, bits=_BITS).random(power)[:n]
    bits = (points * _CELLS).astype(np.uint32)
    return np.column_stack(
        [_scramble(bits[:, j], _stream(name, seed)) for j, name in enumerate(names)]
    )


def draw(
    parameters: Sequence[Parameter],
    n: int,
    *,
    seed: int,
    sampler: Sampler = sobol,
    correlations: Sequence[Correlation] = (),
) -> pd.DataFrame:
    """Sampled worlds.

    Parameters
    ----------
    parameters : sequence of Parameter
        Names must differ.
    n : int
        How many draws.
    seed : int
        Zero or more; the same seed gives the same bits.
    sampler : function
        `sobol`, `latin_hypercube` or `plain`.
    correlations : sequence of Correlation
        Reached by re-ordering each column (Iman and Conover 1982), so that every parameter keeps
        the very values of its own distribution.

    Returns
    -------
    DataFrame, index `draw`, a column a parameter
    """
    names = [parameter.name for parameter in parameters]
    _check(names, n, seed)
    p = sampler(names, n, seed)
    p = _correlate(p, names, correlations)
    values = {item.name: item.ppf(p[:, j]) for j, item in enumerate(parameters)}
    return pd.DataFrame(values, index=pd.RangeIndex(n, name="draw"))


def _check(names: Sequence[str], n: int, seed: int) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(f"parameters {', '.join(twice)} given more than once; expected each once")
    if not names:
        raise ValueError("no parameters; expected at least one")
    if n < 1:
        raise ValueError(f"n is {n}; expected 1 draw or more")
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")


def _stream(name: str, seed: int) -> np.random.Generator:
    # hash() differs from one Python process to the next.
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, key])))


def _scramble(bits: NDArray[np.uint32], stream: np.random.Generator) -> Floats:
    shift = np.uint32(stream.integers(_CELLS))
    scrambled = np.zeros_like(bits)
    for place in range(_BITS - 1, -1, -1):
        # A row of a lower triangular binary matrix: the digit itself and some of those above it.
        above = int(stream.integers(2 ** (_BITS - 1 - place))) << (place + 1)
        row = np.uint32(above | 1 << place)
        scrambled |= (np.bitwise_count(bits & row).astype(np.uint32) & 1) << np.uint32(place)
    # The middle of each cell, so that no probability is 0 or 1.
    cell: Floats = (scrambled ^ shift).astype(np.float64)
    return (cell + 0.5) / _CELLS


def _correlate(p: Floats, names: Sequence[str], correlations: Sequence[Correlation]) -> Floats:
    if not correlations:
        return p
    matrix = np.eye(len(names))
    for item in correlations:
        for name in (item.first, item.second):
            if name not in names:
                raise ValueError(f"correlation of {name!r}; expected one of {', '.join(names)}")
        if item.first == item.second or not -1 < item.correlation < 1:
            raise ValueError(
                f"correlation of {item.first} and {item.second} is {item.correlation:g}; "
                "expected two parameters and a number between -1 and 1"
            )
        i, j = names.index(item.first), names.index(item.second)
        matrix[i, j] = matrix[j, i] = item.correlation
    involved = np.flatnonzero((matrix != np.eye(len(names))).any(axis=0))
    try:
        root = np.linalg.cholesky(matrix[np.ix_(involved, involved)])
    except np.linalg.LinAlgError:
        pairs = ", ".join(f"{c.first}-{c.second} {c.correlation:g}" for c in correlations)
        raise ValueError(
            f"correlations {pairs} cannot all hold at once; expected a positive definite matrix"
        ) from None
    mixed = special.ndtri(p[:, involved]) @ root.T
    ordered = p.copy()
    for column, scores in zip(involved, mixed.T, strict=True):
        ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
        ordered[:, column] = np.sort(p[:, column])[ranks]
    return ordered
