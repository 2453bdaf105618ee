"""Draws: many sampled worlds, a row each, from the distributions of the parameters.

A sampler fills a unit hypercube and each parameter's quantile function maps its column to values.
The randomness of a column is keyed by the seed and the parameter's name, so that scenarios differ
only in what they change, and another parameter leaves the draws of the rest alone.
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
from plcore.inputs import check_whole_number, checks_kinds

#: From the names of the columns, the number of rows and the seed to probabilities (rows, columns).
Sampler = Callable[[Sequence[str], int, int], Floats]

_BITS = 30
_CELLS = 1 << _BITS
#: Binary digits looked up at a time, and those of each number that they can form.
_DIGITS = 10
_BINARY = (np.arange(1 << _DIGITS)[:, np.newaxis] >> np.arange(_DIGITS)) & 1 == 1


def plain(names: Sequence[str], n: int, seed: int) -> Floats:
    """Independent uniform numbers, those of a column keyed by its name.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    n : int
        Rows, 1 or more.
    seed : int
        0 or more.

    Returns
    -------
    ndarray, shape (n, n_names)
        From 0 to 1.

    Examples
    --------
    >>> plain(["uptake", "dropout"], 3, seed=1).shape
    (3, 2)
    """
    _check(names, n, seed)
    return np.column_stack([_stream(name, seed).random(n) for name in names])


def sobol(names: Sequence[str], n: int, seed: int) -> Floats:
    """A scrambled Sobol sequence; most even where `n` is a power of two.

    Column j is dimension j of the sequence (Joe and Kuo 2008, as in SciPy) under a linear matrix
    scramble and a digital shift (Matousek 1998), both keyed by the name of the column. The names
    after a new one move to other dimensions, so new parameters belong at the end.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    n : int
        Rows, 1 or more.
    seed : int
        0 or more.

    Returns
    -------
    ndarray, shape (n, n_names)
        Between 0 and 1.

    Examples
    --------
    >>> sorted((4 * sobol(["uptake"], 4, seed=1)[:, 0]).astype(int).tolist())
    [0, 1, 2, 3]
    """
    _check(names, n, seed)
    power = 1 << max(n - 1, 1).bit_length()
    points = qmc.Sobol(len(names), scramble=False, bits=_BITS).random(power)[:n]
    bits = (points * _CELLS).astype(np.uint32)
    return np.column_stack(
        [_scramble(bits[:, j], _stream(name, seed)) for j, name in enumerate(names)]
    )


@checks_kinds
def draw(
    parameters: Sequence[Parameter],
    n: int,
    *,
    seed: int,
    sampler: Sampler = sobol,
    correlations: Sequence[Correlation] = (),
) -> pd.DataFrame:
    """Draws of the parameters: one row per draw.

    Parameters
    ----------
    parameters : sequence of Parameter
        Names must differ.
    n : int
        How many draws, 1 or more.
    seed : int
        0 or more; the same seed gives the same bits.
    sampler : function
        `sobol` or `plain`.
    correlations : sequence of Correlation
        Reached by re-ordering each column (Iman and Conover 1982), so that every parameter keeps
        the very values of its own distribution.

    Returns
    -------
    DataFrame
        Index `draw`, one column per parameter.

    Raises
    ------
    TypeError
        If n or the seed is not a whole number.
    ValueError
        If one of them is too small, a parameter is given more than once or has a draw that is no
        finite number, or the correlations name others than the parameters or cannot all hold at once.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> draws = draw(read_scenario().parameters, 8, seed=1)
    >>> bool(draws["plp_prevalence"].between(0, 1).all())
    True
    """
    names = [parameter.name for parameter in parameters]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"parameters {', '.join(twice)} given more than once; expected each once")
    if not names:
        raise ValueError("no parameters; expected at least one")
    check_whole_number("n", n, least=1)
    check_whole_number("seed", seed, least=0)
    sampled = np.asarray(sampler(names, int(n), int(seed)), dtype=float)
    if sampled.shape != (n, len(names)):
        raise ValueError(
            f"the sampler gave shape {sampled.shape}; expected probabilities of shape "
            f"({n}, {len(names)}), one row per draw and one column per parameter"
        )
    p = _correlate(sampled, names, correlations)
    values = {item.name: item.ppf(p[:, j]) for j, item in enumerate(parameters)}
    for name, column in values.items():
        wrong = ~np.isfinite(column)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise ValueError(f"{name}: draw {at} is {column[at]}; expected a finite number")
    return pd.DataFrame(values, index=pd.RangeIndex(n, name="draw"))


def _check(names: Sequence[str], n: object, seed: object) -> None:
    if isinstance(names, str) or not all(isinstance(name, str) for name in names) or not names:
        raise TypeError(f"names are {names!r}; expected a list of names of columns, at least one")
    check_whole_number("n", n, least=1)
    check_whole_number("seed", seed, least=0)


def _stream(name: str, seed: int) -> np.random.Generator:
    # hash() differs from one Python process to the next.
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, key])))


def _scramble(bits: NDArray[np.uint32], stream: np.random.Generator) -> Floats:
    shift = np.uint32(stream.integers(_CELLS))
    # Row `place` of a lower triangular binary matrix: the digit itself and some of those above it.
    rows = np.zeros(_BITS, dtype=np.uint32)
    for place in range(_BITS - 1, -1, -1):
        above = int(stream.integers(2 ** (_BITS - 1 - place))) << (place + 1)
        rows[place] = above | 1 << place
    places = np.arange(_BITS, dtype=np.uint32)
    columns = (((rows[:, np.newaxis] >> places) & 1) << places[:, np.newaxis]).sum(
        axis=0, dtype=np.uint32
    )
    # The product with the matrix, ten digits at a time: sums modulo 2 of its columns.
    scrambled = np.full_like(bits, shift)
    for first in range(0, _BITS, _DIGITS):
        sums = np.bitwise_xor.reduce(
            np.where(_BINARY, columns[first : first + _DIGITS], np.uint32(0)), axis=1
        )
        scrambled ^= sums[(bits >> np.uint32(first)) & np.uint32(len(sums) - 1)]
    # The middle of each cell, so that no probability is 0 or 1.
    cell: Floats = scrambled.astype(np.float64)
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
