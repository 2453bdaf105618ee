"""What a model returns: named numbers by draw and year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Numbers by draw and year.

    Attributes
    ----------
    years : ndarray of int, shape (n_years,)
        Calendar years.
    values : mapping of str to ndarray, shape (n_draws, n_years)
        One array for each thing counted, in people unless its name says otherwise.
    extrapolated : ndarray of bool, shape (n_years,)
        Years that lie beyond the data the model rests on.
    """

    years: NDArray[np.int64]
    values: Mapping[str, Floats]
    extrapolated: NDArray[np.bool_]

    def __str__(self) -> str:
        n_draws = len(next(iter(self.values.values()), ()))
        return f"{', '.join(self.values)}: {n_draws} draws, {self.years[0]}-{self.years[-1]}" + (
            f", extrapolated in {self.extrapolated.sum()} years" if self.extrapolated.any() else ""
        )
