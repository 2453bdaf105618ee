"""The published pair, 1.6 million in 2005 and 3.6 million in 2050, read for any year.

Ziegler-Graham 2008 printed two numbers of people living with limb loss. What lies between them,
and beyond, depends on the path one assumes: each path here passes through both anchors.

Parameters
----------
years : array_like of int, shape (n_years,)
    Calendar years; results have shape (n_draws, n_years) where the anchors are draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True)
class Anchors:
    """Two years and the people counted in each.

    Attributes
    ----------
    first_year, last_year : int
        The two years; what lies outside them is extrapolated.
    first, last : array_like
        People counted in each, above 0: numbers or arrays of one shape, such as (n_draws, 1), that
        broadcasts against the years.
    """

    first_year: int
    first: ArrayLike
    last_year: int
    last: ArrayLike

    def __post_init__(self) -> None:
        if self.first_year >= self.last_year:
            raise ValueError(
                f"anchors in {self.first_year} and {self.last_year}; expected two years in order"
            )
        for name, people in (("first", self.first), ("last", self.last)):
            if not np.all(np.asarray(people) > 0):
                raise ValueError(f"anchor {name!r} is not above 0 everywhere; expected people")


def constant_rate(years: ArrayLike, anchors: Anchors) -> Floats:
    """People if their number grew by the same share every year."""
    first, last = np.asarray(anchors.first, dtype=float), np.asarray(anchors.last, dtype=float)
    return np.asarray(first * (last / first) ** _fraction(years, anchors))


def straight_line(years: ArrayLike, anchors: Anchors) -> Floats:
    """People if their number grew by the same count every year.

    Raises
    ------
    ValueError
        If the line falls below 0 in one of the years.
    """
    first, last = np.asarray(anchors.first, dtype=float), np.asarray(anchors.last, dtype=float)
    people = first + (last - first) * _fraction(years, anchors)
    if np.any(people < 0):
        raise ValueError(
            "a straight line through the anchors falls below 0 in these years; "
            "expected years nearer to the anchors"
        )
    return np.asarray(people)


def logistic(years: ArrayLike, anchors: Anchors, *, ceiling: ArrayLike) -> Floats:
    """People if growth slowed towards a ceiling (Verhulst 1838).

    `ceiling` broadcasts like the anchors and must lie above both.
    """
    first, last = np.asarray(anchors.first, dtype=float), np.asarray(anchors.last, dtype=float)
    top = np.asarray(ceiling, dtype=float)
    if not np.all(top > np.maximum(first, last)):
        raise ValueError(
            f"ceiling is {np.min(top):g} at the least; expected it above both anchors "
            f"({np.max(np.maximum(first, last)):g})"
        )
    start, stop = np.log(first / (top - first)), np.log(last / (top - last))
    return np.asarray(top * special.expit(start + (stop - start) * _fraction(years, anchors)))


def is_extrapolated(years: ArrayLike, anchors: Anchors) -> np.ndarray:
    """Which years lie outside the two anchors."""
    years = np.asarray(years)
    return np.asarray((years < anchors.first_year) | (years > anchors.last_year))


def growth_per_year(anchors: Anchors) -> Floats:
    """The constant yearly growth, as a share, that leads from one anchor to the other."""
    ratio = np.asarray(anchors.last, dtype=float) / np.asarray(anchors.first, dtype=float)
    return np.asarray(ratio ** (1 / (anchors.last_year - anchors.first_year)) - 1)


def doubling_time(growth: ArrayLike) -> Floats:
    """Years until a number that grows by the share `growth` a year has doubled.

    Infinite where nothing grows, negative (the time since it was double) where it shrinks.

    Parameters
    ----------
    growth : array_like
        A share a year, of any shape; the result has the same.

    Raises
    ------
    ValueError
        If growth is -1 or less: nothing would be left.
    """
    growth = np.asarray(growth, dtype=float)
    if np.any(growth <= -1):
        raise ValueError(f"growth is {np.min(growth):g}; expected a share above -1")
    with np.errstate(divide="ignore"):
        return np.asarray(math.log(2) / np.log1p(growth))


def one_in(people: ArrayLike, population: ArrayLike) -> Floats:
    """The n of "1 in n": population per person counted.

    Parameters
    ----------
    people, population : array_like
        Counted, which must be above 0, and all; of shapes that broadcast.
    """
    people = np.asarray(people, dtype=float)
    if not np.all(people > 0):
        raise ValueError("people counted is not above 0; expected at least one person")
    return np.asarray(np.asarray(population, dtype=float) / people)


def _fraction(years: ArrayLike, anchors: Anchors) -> Floats:
    span = anchors.last_year - anchors.first_year
    return np.asarray((np.asarray(years, dtype=float) - anchors.first_year) / span)
