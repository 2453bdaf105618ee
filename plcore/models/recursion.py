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

from plcore.evidence.distributions import Floats
from plcore.evidence.population import SEXES

#: People by full years since the loss that make up each band; those of 5 years or more are the
#: rest of the stock.
_BANDS = {"under_1_year": (0,), "1_to_2_years": (1,), "2_to_5_years": (2, 3, 4)}
_N_RECENT = 5
#: What can be carried, in people, people a year or years; "net" is what the stock gains in a year
#: if nobody dies at once.
CARRIED = ("people", "new_cases", "net", "years_since_loss", *_BANDS, "5_years_or_more")
# Long enough for a first stock to settle, the open age group with it: a hundred years to reach it,
# and there even at half the general hazard only one in ten million lives on for the rest.
_BURN_IN = 200
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
    from_nothing : bool
        Start without a stock instead of the one that the first year's conditions lead to.

    Returns
    -------
    ndarray, shape (n_carried, n_years, n_age_groups, 2, n_trends, n_ratios)
    """
    n_years, n_trends = trends.shape
    out = np.empty((len(carried), n_years, len(age_groups), len(SEXES), n_trends, len(ratio)))
    # New cases come all through the year, so that they live through half of it on average.
    alive = np.exp(-hazard[0][..., np.newaxis] * ratio)
    half_year = np.sqrt(alive)
    # The first stock: what the first year's conditions lead to if they have always held.
    stock, years_lived, recent = (np.zeros_like(alive) for _ in range(3))
    classes = [recent] * _N_RECENT
    for _ in range(0 if from_nothing else _BURN_IN):
        new = at_risk[0][..., np.newaxis] * half_year
        years_lived = _a_year_older((years_lived + stock) * alive + 0.5 * new)
        stock = _a_year_older(stock * alive + new)
        classes = [_a_year_older(new), *(_a_year_older(people * alive) for people in classes[:-1])]
    # Those of one year of loss all follow the trend of that year: they need no axis of trends.
    class_trends = [trends[0]] * _N_RECENT
    stock, years_lived = (
        x[:, :, np.newaxis] * trends[0][:, np.newaxis] for x in (stock, years_lived)
    )

    def summed(people: Floats) -> Floats:
        return np.moveaxis(np.add.reduceat(people, age_groups, axis=1), 1, 0)

    for year in range(n_years):
        alive = np.exp(-hazard[year][..., np.newaxis] * ratio)
        at_risk_now = at_risk[year][..., np.newaxis]
        new = at_risk_now[:, :, np.newaxis] * trends[year][:, np.newaxis]
        half_year = np.sqrt(alive)
        gained = new * half_year[:, :, np.newaxis]
        after = stock * alive[:, :, np.newaxis] + gained
        for place, name in enumerate(carried):
            target = out[place, year]
            if name == "new_cases":
                target[...] = summed(new)
            elif name == "net":
                target[...] = summed(after - stock)
            elif name == "years_since_loss":
                target[...] = summed(years_lived)
            elif name == "people":
                target[...] = summed(stock)
            else:
                ages = _BANDS.get(name, range(_N_RECENT))
                target[...] = sum(
                    summed(classes[k])[:, :, np.newaxis] * class_trends[k][:, np.newaxis]
                    for k in ages
                )
                if name not in _BANDS:
                    np.subtract(summed(stock), target, out=target)
        if "years_since_loss" in carried:
            lived = (years_lived + stock) * alive[:, :, np.newaxis] + 0.5 * gained
            years_lived = _a_year_older(lived)
        classes = [
            _a_year_older(at_risk_now * half_year),
            *(_a_year_older(people * alive) for people in classes[:-1]),
        ]
        class_trends = [trends[year], *class_trends[:-1]]
        stock = _a_year_older(after)
    return out


def _a_year_older(people: Floats) -> Floats:
    """Everybody in the next age; the open age group keeps its own."""
    older = np.zeros_like(people)
    older[:, 1:] = people[:, :-1]
    older[:, -1] += people[:, -1]
    return older


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
