"""The door for what a user gives: numbers that are whole, and tables of the same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd


def check_whole_number(name: str, value: object, *, least: int) -> None:
    """Refuse what is not a whole number, or less than the least."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; expected a whole number, {least} or more")
    if value < least:
        raise ValueError(f"{name} is {value}; expected {least} or more")


def require_same_rows(**given: object) -> None:
    """Refuse Series and DataFrames whose row labels are not the same, in the same order.

    They are taken row by row: rows in another order would be put together with those of another
    draw. An array, a list or a number has no labels, and is taken as it comes.
    """
    labelled = {
        name: value.index
        for name, value in given.items()
        if isinstance(value, pd.Series | pd.DataFrame)
    }
    for name, index in labelled.items():
        first, expected = next(iter(labelled.items()))
        if not index.equals(expected):
            rows = [", ".join(map(str, labels[:5])) for labels in (index, expected)]
            raise ValueError(
                f"{name} has the rows {rows[0]}, ...; expected those of {first}, in their order: "
                f"{rows[1]}, ..."
            )
