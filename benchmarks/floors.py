"""The least that a task can take on this machine: its memory traffic or its arithmetic, measured.

Each function prepares its data and gives back a call without arguments, timed as both sides are. A
floor leaves out all that a cleverer method might do without; it is a lower limit, not an aim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd

_LARGEST_SIDE = 1024
_N_CHUNK = 1 << 16


def written(*arrays: object) -> Callable[[], object]:
    """Writing as many bytes as some arrays have, or the arrays in a result, once."""
    n_bytes = sum(_bytes_of(each) for each in arrays)
    target = np.zeros(max(1, n_bytes // 8))
    return lambda: target.fill(1.0)


def multiplied(n: float) -> Callable[[], object]:
    """So many multiplications and additions, in products of square matrices."""
    rounds = max(1, round(n / _LARGEST_SIDE**3))
    side = max(1, round((n / rounds) ** (1 / 3)))
    a = np.random.default_rng(0).random((side, side))
    product = np.empty_like(a)

    def call() -> None:
        for _ in range(rounds):
            np.matmul(a, a, out=product)

    return call


def applied(function: Callable[[np.ndarray], object], n: float) -> Callable[[], object]:
    """A function of so many numbers between 0 and 1, some 65,000 at a time."""
    rounds, rest = divmod(round(n), _N_CHUNK)
    numbers = np.random.default_rng(0).uniform(0.001, 0.999, _N_CHUNK)

    def call() -> None:
        for _ in range(rounds):
            function(numbers)
        function(numbers[:rest])

    return call


def drawn(draw: Callable[[np.random.Generator], object]) -> Callable[[], object]:
    """Random numbers, from a new generator each time."""
    return lambda: draw(np.random.default_rng(1))


def _bytes_of(thing: object) -> int:
    if isinstance(thing, np.ndarray):
        return int(thing.nbytes)
    if isinstance(thing, pd.DataFrame):
        return int(thing.memory_usage(index=False).sum())
    if isinstance(thing, Mapping):
        return sum(map(_bytes_of, thing.values()))
    if isinstance(thing, list | tuple):
        return sum(map(_bytes_of, thing))
    if is_dataclass(thing):
        return sum(_bytes_of(getattr(thing, field.name)) for field in fields(thing))
    return 0
