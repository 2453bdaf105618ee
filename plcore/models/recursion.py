"""The cohort recursion, and its results as polynomials in the hazard ratio.

`recurse` carries a stock of people from year to year and from age to age, for any number of trends
and hazard ratios at once; they are the last two axes of every array. `fit_polynomials` runs it on
a few hazard ratios and gives Chebyshev polynomials that hold for all those between. What the stock
means, and where its numbers come from, is in `plcore.models.limb_loss`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats
from plcore.evidence.population import SEXES

#: People by full years since the loss that make up each band; those of 5 years or more are the
#: rest of the stock.
_BANDS = {"under_1_year": (0,), "1_to_2_years": (1,), "2_to_5_years": (2, 3, 4)}
_N_RECENT = 5
#: What can be carried, in people, people a year or years; "net" is what the stock gains in a year
#: if nobody dies at once.
_LONGEST = "5_years_or_more"
CARRIED = ("people", "new_cases", "net", "years_since_loss", *_BANDS, _LONGEST)
# Years in which the open age group of a first stock settles: even at a quarter of the general hazard
# hardly one in ten million lives on for as long.
_OPEN_GROUP_SETTLES = 200
#: Of the last two coefficients, relative to the largest value.
_TOLERANCE = 1e-11
_MOST_NODES = 200


def recurse(
    at_risk: Floats,
    hazard: Floats,
    trends: Floats,
    ratio: Floats,
    carried: tuple[str, ...],
    *,
    age_groups: Sequence[int],
    kept: NDArray[np.int_],
    from_nothing: bool = False,
) -> Floats:
    """The stock and its flows, summed by age group.

    Parameters
    ----------
    at_risk : ndarray, shape (n_years, 2, 101)
        New cases by year, sex and age where the trend is 1.
    hazard : ndarray, shape (n_years, 2, 101)
        Hazard of death where the hazard ratio is 1, per person-year.
    trends : ndarray, shape (n_years, n_trends)
        What new cases are multiplied by.
    ratio : ndarray, shape (n_ratios,)
        Hazard ratios of death.
    carried : tuple of str
        Names of `CARRIED`.
    age_groups : sequence of int
        First age of each group, from 0; the last is open.
    kept : ndarray of int, shape (n_kept,)
        Places of the years whose results are kept.
    from_nothing : bool
        Start without a stock instead of the one that the first year's conditions lead to.

    Returns
    -------
    ndarray, shape (n_carried, n_kept, n_age_groups, 2, n_trends, n_ratios)
    """
    (n_years, n_trends), n_ages = trends.shape, hazard.shape[2]
    out = np.zeros((len(carried), len(kept), len(age_groups), len(SEXES), n_trends, len(ratio)))
    # Instead of moving everybody on to the next age, the place of age 0 moves back by one a year,
    # in arrays with room for all years.
    room = (len(SEXES), n_years + n_ages, len(ratio))
    stock, years_lived = np.zeros((n_trends, *room)), np.zeros((n_trends, *room))
    # Those of one year of loss all follow the trend of that year: they need no axis of trends.
    recent, recent_trends = np.zeros((_N_RECENT, *room)), np.tile(trends[0], (_N_RECENT, 1))
    if not from_nothing:
        settled = _settled(at_risk[0][..., np.newaxis], np.exp(-hazard[0][..., np.newaxis] * ratio))
        stock[:, :, n_years:] = np.multiply.outer(trends[0], settled[0])
        years_lived[:, :, n_years:] = np.multiply.outer(trends[0], settled[1])
        recent[:, :, n_years:] = settled[2]

    def summed(people: Floats) -> Floats:
        return np.add.reduceat(people, age_groups, axis=2).transpose(2, 1, 0, 3)

    with_bands, n_begun = not {*_BANDS, _LONGEST}.isdisjoint(carried), 0
    for year in range(int(kept.max()) + 1):
        ages = slice(n_years - year, n_years - year + n_ages)
        # Trends that have not begun have nobody yet, and are passed over.
        now = np.flatnonzero(trends[year])
        n_begun = max(n_begun, int(now.max(initial=-1)) + 1)
        people, lived = stock[:n_begun, :, ages], years_lived[:n_begun, :, ages]
        alive = np.exp(-hazard[year][..., np.newaxis] * ratio)
        # New cases come all through the year, so that they live through half of it on average.
        new = at_risk[year][..., np.newaxis]
        gained = new * np.sqrt(alive)
        sums, here = dict[str, Floats](), kept == year
        if here.any():
            sums["people"] = summed(people)
            sums["new_cases"] = summed(new[np.newaxis]) * trends[year, :n_begun, np.newaxis]
            if "years_since_loss" in carried:
                sums["years_since_loss"] = summed(lived)
            if with_bands:
                classes = summed(recent[:, :, ages])[:, :, :, np.newaxis]
                classes = classes * recent_trends[:, :n_begun, np.newaxis]
                for name, full_years in _BANDS.items():
                    places = [(year - 1 - k) % _N_RECENT for k in full_years]
                    sums[name] = classes[:, :, places].sum(axis=2)
                sums[_LONGEST] = sums["people"] - classes.sum(axis=2)
        if with_bands:
            recent[:, :, ages] *= alive
            recent[year % _N_RECENT, :, ages] = gained
            recent_trends[year % _N_RECENT] = trends[year]
        if "years_since_loss" in carried:
            lived += people
            lived *= alive
            lived[now] += np.multiply.outer(trends[year, now], 0.5 * gained)
        people *= alive
        people[now] += np.multiply.outer(trends[year, now], gained)
        if here.any():
            if "net" in carried:
                sums["net"] = summed(people) - sums["people"]
            for place, name in enumerate(carried):
                out[place, here, :, :, :n_begun] = sums[name]
        # Nobody leaves the open age group alive.
        for array in (stock, years_lived, recent):
            array[:, :, ages.stop - 2] += array[:, :, ages.stop - 1]
    return out


def _settled(new: Floats, alive: Floats) -> tuple[Floats, Floats, Floats]:
    """The people, the years since their losses and the recent, if a year's conditions always held.

    The share that lives on is of shape (2, n_ages, n_ratios), and so are people and years; of the
    recent, on an axis before these, the last are those of the year before.
    """
    gained = new * np.sqrt(alive)
    stock, years = np.zeros_like(alive), np.zeros_like(alive)

    def a_year_on(age: int) -> tuple[Floats, Floats]:
        lived = (years[:, age] + stock[:, age]) * alive[:, age] + 0.5 * gained[:, age]
        return stock[:, age] * alive[:, age] + gained[:, age], lived

    last = alive.shape[1] - 1
    for age in range(last):
        stock[:, age + 1], years[:, age + 1] = a_year_on(age)
    joins = a_year_on(last - 1)
    for _ in range(_OPEN_GROUP_SETTLES):
        stock[:, last], years[:, last] = (
            a + b for a, b in zip(joins, a_year_on(last), strict=True)
        )
    recent = np.zeros((_N_RECENT, *alive.shape))
    people = gained
    for place in reversed(range(_N_RECENT)):
        recent[place, :, 1:] = people[:, :-1]
        recent[place, :, -1] += people[:, -1]
        people = recent[place] * alive
    return stock, years, recent


def fit_polynomials(values_at: Callable[[Floats], Floats], span: tuple[float, float]) -> Floats:
    """Chebyshev coefficients, in the log of the hazard ratio, of what a function returns.

    The logarithm halves the degree: what is left of a cohort falls steeply at low hazard ratios
    and hardly at high ones.

    Parameters
    ----------
    values_at : function
        From hazard ratios of shape (n,) to an array whose last axis they are.
    span : (float, float)
        Least and greatest hazard ratio.

    Returns
    -------
    ndarray
        As the function returns it, the last axis being the degree.

    Raises
    ------
    ValueError
        If the range is so wide that 200 nodes do not give eleven digits.
    """
    low, high = np.log(span)
    n = 1 if low == high else 8 + math.ceil(6 * (high - low))
    while n <= _MOST_NODES:
        angle = (np.arange(n) + 0.5) * np.pi / n
        nodes = np.exp((low + high) / 2 + (high - low) / 2 * np.cos(angle))
        to_coefficients = np.cos(np.arange(n)[:, np.newaxis] * angle) * 2 / n
        to_coefficients[0] /= 2
        coefficients: Floats = values_at(nodes) @ to_coefficients.T
        axes = tuple(range(1, coefficients.ndim))
        size, tail = (np.abs(x).max(axis=axes) for x in (coefficients, coefficients[..., -2:]))
        if n == 1 or np.all(tail <= _TOLERANCE * size):
            return coefficients
        n = math.ceil(1.4 * n)
    raise ValueError(
        f"hazard ratios from {span[0]:g} to {span[1]:g} are too far apart for {_MOST_NODES} "
        "nodes; expected a narrower range"
    )


def polynomials_at(ratio: Floats, degrees: int, span: tuple[float, float]) -> Floats:
    """Chebyshev polynomials of the log hazard ratio.

    Parameters
    ----------
    ratio : ndarray, shape (n_draws,)
        Hazard ratios.
    degrees : int
        How many, from degree 0 on.
    span : (float, float)
        The range that was fitted.

    Returns
    -------
    ndarray, shape (n_draws, degrees)

    Raises
    ------
    ValueError
        If a hazard ratio lies outside the range.
    """
    outside = (ratio < span[0]) | (ratio > span[1])
    if outside.any():
        raise ValueError(
            f"hazard_ratio is {ratio[outside][0]:g}; expected one from {span[0]:g} to "
            f"{span[1]:g}, the range that the responses cover"
        )
    low, high = np.log(span)
    x = np.zeros_like(ratio)
    if low < high:
        x = (2 * np.log(np.ascontiguousarray(ratio)) - low - high) / (high - low)
    return np.asarray(np.polynomial.chebyshev.chebvander(x, degrees - 1), dtype=np.float64)
