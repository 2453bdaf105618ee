"""Decisions as tables of net benefit: how many places to open, whether to adopt a treatment.

What an empty place, a person turned away or a response is worth is the planner's to say; no number
of that kind comes with the package.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from plcore.evidence.distributions import Floats
from plcore.simulate.runs import Run


def in_year(run: Run, *, outcome: str, year: int) -> Floats:
    """One outcome of a run in one year, for every draw, shape (n_draws,).

    Raises
    ------
    ValueError
        If the run has no such outcome or year.
    """
    if outcome not in run.outcome.values:
        raise ValueError(f"outcome is {outcome!r}; expected one of {', '.join(run.outcome.values)}")
    years = run.outcome.years
    if year not in years:
        raise ValueError(f"year is {year}; expected one from {years[0]} to {years[-1]}")
    return np.asarray(run.outcome.values[outcome][:, int(np.argmax(years == year))])


def capacity_net_benefit(
    people: ArrayLike,
    capacities: Sequence[float],
    *,
    empty_cost: float,
    turned_away_cost: float,
) -> Floats:
    """Net benefit of opening so many places: minus the cost of those empty and those turned away.

    The best of all capacities is the quantile turned_away_cost / (turned_away_cost + empty_cost)
    of the people who come (Arrow, Harris and Marschak 1951).

    Parameters
    ----------
    people : array_like, shape (n_draws,)
        Who come, in the unit of the capacities (people, visits a week).
    capacities : sequence of float
        The options.
    empty_cost, turned_away_cost : float
        Of one place that stays empty, and of one person too many; above 0.

    Returns
    -------
    ndarray, shape (n_draws, len(capacities))
    """
    come, places = np.asarray(people, dtype=float), np.asarray(capacities, dtype=float)
    if come.ndim != 1 or places.ndim != 1 or (come < 0).any() or (places < 0).any():
        raise ValueError(
            f"people of shape {come.shape} and capacities of shape {places.shape}; "
            "expected a number of 0 or more a draw, and one an option"
        )
    if not (empty_cost > 0 and turned_away_cost > 0):
        raise ValueError(
            f"empty_cost is {empty_cost} and turned_away_cost {turned_away_cost}; "
            "expected both above 0"
        )
    spare = places - come[:, np.newaxis]
    return np.asarray(np.where(spare > 0, -empty_cost * spare, turned_away_cost * spare))


def adoption_net_benefit(
    treated: ArrayLike, control: ArrayLike, *, margin: float, people: ArrayLike = 1.0
) -> Floats:
    """Net benefit of leaving things as they are, and of adopting a treatment.

    Parameters
    ----------
    treated, control : array_like, shape (n_draws,)
        Shares who respond. They must come from comparisons of the two; shares of separate trials
        tell nothing of the difference.
    margin : float
        By how much the treatment must beat control to be worth its cost and harm (a share).
    people : array_like, shape () or (n_draws,)
        Whom the decision is for.

    Returns
    -------
    ndarray, shape (n_draws, 2)
        Responders gained beyond the margin: 0 as things are, and under adoption.
    """
    with_it, without = (np.asarray(share, dtype=float) for share in (treated, control))
    for name, share in (("treated", with_it), ("control", without)):
        if share.ndim != 1 or not ((share >= 0) & (share <= 1)).all():
            raise ValueError(f"{name} has shape {share.shape}; expected a share from 0 to 1 a draw")
    if len(with_it) != len(without):
        raise ValueError(f"{len(with_it)} and {len(without)} draws; expected the same")
    gain = (with_it - without - margin) * np.asarray(people, dtype=float)
    return np.column_stack([np.zeros(len(gain)), gain])
