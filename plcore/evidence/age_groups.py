"""Single years of age out of age groups, and single years of time out of every fifth.

Arrays in, arrays out; the last axis is age. What a group held before the split, it holds after.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from plcore.evidence.distributions import Floats


def split_groups(edges: ArrayLike, totals: ArrayLike) -> Floats:
    """The total of each single year of age, from the totals of age groups.

    A spline runs through the cumulative totals and is read at each age, so that every group keeps
    its total and no age falls below zero. It is the natural cubic spline, with its slopes limited
    where it would turn back (Hyman 1983, eq. 2.4).

    Parameters
    ----------
    edges : array_like, shape (n_groups + 1,)
        Exact ages at which the groups begin, and the one at which the last ends: whole numbers
        that increase, such as 0, 5, 10, ..., 100.
    totals : array_like, shape (..., n_groups)
        What each group holds: people, or a rate times the years of age in the group.

    Returns
    -------
    ndarray, shape (..., edges[-1] - edges[0])

    Raises
    ------
    ValueError
        If the edges do not increase by whole years, the shapes differ, there are fewer than two
        groups, or a total is negative or not finite.

    References
    ----------
    Hyman JM (1983). Accurate monotonicity preserving cubic interpolation. SIAM Journal on
    Scientific and Statistical Computing 4:645-654.
    """
    at = np.asarray(edges, dtype=float)
    held = np.asarray(totals, dtype=float)
    _check_groups(at, held)
    sums = np.concatenate([np.zeros((*held.shape[:-1], 1)), np.cumsum(held, axis=-1)], axis=-1)
    density = held / np.diff(at)
    before = np.concatenate([density[..., :1], density], axis=-1)
    after = np.concatenate([density, density[..., -1:]], axis=-1)
    slopes = CubicSpline(at, sums, axis=-1, bc_type="natural")(at, 1)
    # Slopes from 0 to 3 times the lesser neighbour keep the curve between knots from falling.
    limited = np.clip(slopes, 0, 3 * np.minimum(before, after))
    ages = np.arange(at[0], at[-1] + 1)
    split = np.diff(CubicHermiteSpline(at, sums, limited, axis=-1)(ages), axis=-1)
    return _scaled_to(held, np.maximum(split, 0), np.diff(at).astype(int))


def split_open_group(total: ArrayLike, pattern: ArrayLike) -> Floats:
    """An open age group divided among single ages in proportion to another population.

    Parameters
    ----------
    total : array_like, shape (...)
        What the open group holds, such as people of 85 and over.
    pattern : array_like, shape (..., n_ages)
        Another population's people at these ages, the last age open as well.

    Returns
    -------
    ndarray, shape (..., n_ages)

    Raises
    ------
    ValueError
        If a number is negative or not finite, or a pattern holds nobody where the group does not.
    """
    held = np.asarray(total, dtype=float)
    like = np.asarray(pattern, dtype=float)
    for name, values in (("total", held), ("pattern", like)):
        _check_not_negative(name, values)
    if like.ndim != held.ndim + 1 or like.shape[:-1] != held.shape:
        raise ValueError(f"pattern has shape {like.shape}; expected {held.shape} and one axis more")
    people = like.sum(axis=-1)
    if np.any((people == 0) & (held > 0)):
        raise ValueError("pattern holds nobody; expected people wherever the group has some")
    return np.asarray(held[..., None] * like / np.where(people == 0, 1, people)[..., None])


def between_years(years: ArrayLike, values: ArrayLike, wanted: ArrayLike) -> Floats:
    """Values in the years wanted, on straight lines between the years given, age by age.

    Parameters
    ----------
    years : array_like, shape (n_given,)
        Increasing.
    values : array_like, shape (n_given, ...)
    wanted : array_like, shape (n_wanted,)
        Before the first given year and after the last, the nearest value holds.

    Returns
    -------
    ndarray, shape (n_wanted, ...)
    """
    given, at = np.asarray(years, dtype=float), np.asarray(wanted, dtype=float)
    known = np.asarray(values, dtype=float)
    inside = np.clip(at, given[0], given[-1])
    left = np.clip(np.searchsorted(given, inside, side="right") - 1, 0, max(given.size - 2, 0))
    right = np.minimum(left + 1, given.size - 1)
    gap = np.where(right > left, given[right] - given[left], 1)
    weight = ((inside - given[left]) / gap).reshape(-1, *[1] * (known.ndim - 1))
    return np.asarray((1 - weight) * known[left] + weight * known[right])


def along_cohorts(people: ArrayLike, step: int, *, oldest: int) -> Floats:
    """People of each year, on straight lines between printed years along the lives of cohorts.

    People who are 10 in one printed year and 15 in the next are followed through 11, 12, ..., so
    that a large generation grows older instead of fading at one age and rising at another. Those
    born in between, and those who pass the oldest age, have no such pair: at their ages the numbers
    lie on a straight line between the printed years.

    Parameters
    ----------
    people : array_like, shape (n_printed, ..., n_ages)
        Single ages in printed years that are `step` years apart.
    step : int
        Years between printed years.
    oldest : int
        The highest age, at the later of two printed years, to which cohorts are followed.

    Returns
    -------
    ndarray, shape ((n_printed - 1) * step + 1, ..., n_ages)
    """
    printed = np.asarray(people, dtype=float)
    n_years = (printed.shape[0] - 1) * step + 1
    people_of_year = between_years(np.arange(printed.shape[0]) * step, printed, np.arange(n_years))
    for after in range(1, step):
        ages = np.arange(after, oldest + 1 - (step - after))
        earlier, later = printed[:-1][..., ages - after], printed[1:][..., ages + step - after]
        people_of_year[after::step][..., ages] = ((step - after) * earlier + after * later) / step
    return people_of_year


def _scaled_to(totals: Floats, split: Floats, widths: np.ndarray) -> Floats:
    # Differences of large sums lose the last digits of a small group; this puts them back. Where
    # rounding has eaten most of a group, it is shared evenly.
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    sums = np.add.reduceat(split, starts, axis=-1)
    kept = sums > 0.5 * totals
    factor = np.where(kept, totals / np.where(kept, sums, 1), 0)
    even = np.where(kept, 0, totals / widths)
    return np.asarray(split * np.repeat(factor, widths, -1) + np.repeat(even, widths, -1))


def _check_groups(edges: Floats, totals: Floats) -> None:
    steps = np.diff(edges)
    if edges.ndim != 1 or edges.size < 3 or np.any(steps < 1) or np.any(edges % 1 != 0):
        raise ValueError(
            f"edges are {edges.tolist()}; expected whole ages that increase, 3 or more"
        )
    if totals.shape[-1:] != steps.shape:
        raise ValueError(
            f"totals have shape {totals.shape}; expected a last axis of {steps.size} groups"
        )
    _check_not_negative("totals", totals)


def _check_not_negative(name: str, values: Floats) -> None:
    bad = np.argwhere(~(np.isfinite(values) & (values >= 0)))
    if bad.shape[0]:
        place = tuple(int(index) for index in bad[0])
        at = "".join(f"[{index}]" for index in place)
        raise ValueError(f"{name}{at} is {values[place]:g}; expected a number of 0 or more")
