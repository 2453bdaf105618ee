"""What a model returns: named numbers by draw and year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """Numbers by draw and year.

    Attributes
    ----------
    years : ndarray of int, shape (n_years,)
    values : mapping of str to ndarray, shape (n_draws, n_years)
        One array for each thing counted.
    extrapolated : ndarray of bool, shape (n_years,)
        Years that lie beyond the data the model rests on.
    """

    years: NDArray[np.int64]
    values: Mapping[str, Floats]
    extrapolated: NDArray[np.bool_]
