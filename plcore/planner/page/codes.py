"""Arrays as text that a browser reads: short for small whole numbers, exact for all others."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import ArrayLike


def whole(values: ArrayLike) -> str:
    """Whole numbers, few bytes each where they are small, in base64.

    Zigzag, so that -1 is as short as 1, then seven bits a byte with the eighth for "more follows"
    (the variable-length integers of Protocol Buffers).
    """
    flat = np.asarray(values).ravel()
    numbers = flat.astype(np.int64)
    if not np.array_equal(numbers, flat):
        raise ValueError("expected whole numbers")
    left = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers).astype(np.uint64)
    n_bytes = np.ones(len(left), dtype=np.int64)
    for k in range(1, 10):
        n_bytes += (left >> np.uint64(7 * k)) > 0
    ends = np.cumsum(n_bytes)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    for k in range(int(n_bytes.max(initial=0))):
        some = n_bytes > k
        at = (ends - n_bytes)[some] + k
        part = (left[some] >> np.uint64(7 * k)) & np.uint64(127)
        more = (n_bytes[some] > k + 1).astype(np.uint64) << np.uint64(7)
        out[at] = (part | more).astype(np.uint8)
    return base64.b64encode(out.tobytes()).decode("ascii")


def double(values: ArrayLike) -> str:
    """Numbers with all their digits, in base64."""
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode("ascii")


def single(values: ArrayLike) -> str:
    """Numbers that 32 bits hold, in base64; those that would lose a digit are refused."""
    exact = np.asarray(values, dtype=float)
    short = exact.astype("<f4")
    if not np.array_equal(short.astype(float), exact):
        raise ValueError("expected numbers that 32 bits hold")
    return base64.b64encode(short.tobytes()).decode("ascii")
