"""The cohort recursion: a stock of people, carried from year to year and from age to age.

One function, `recurse`, runs it for any number of trends and hazard ratios at once; they are the
last two axes of every array. What the stock means, and where its numbers come from, is
`plcore.models.limb_loss`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from plcore.evidence.distributions import Floats
from plcore.evidence.population import SEXES

#: First age of each group; the last is open.
AGE_GROUPS = (0, 18, 45, 65, 75)
#: What can be carried, in people, people a year or years; "net" is what the stock gains in a year
#: if nobody dies at once.
CARRIED = (
    "people", "new_cases", "net", "person_years", "years_since_loss",
    "under_1_year", "1_to_2_years", "2_to_5_years", "5_years_or_more",
)  # fmt: skip
#: People by full years since the loss; those of 5 years or more are the rest of the stock.
_RECENT = tuple(f"since_{year}" for year in range(5))
_BANDS = {
    "under_1_year": slice(0, 1),
    "1_to_2_years": slice(1, 2),
    "2_to_5_years": slice(2, 5),
    "5_years_or_more": slice(0, 5),
}
# Long enough for a first stock to settle, the open age group with it: a hundred years to reach it,
# and there even at half the general hazard only one in ten million lives on for the rest.
_BURN_IN = 200


def recurse(
    entering: Floats,
    hazard: Floats,
    basis: Floats,
    ratio: Floats,
    carried: tuple[str, ...],
    *,
    age_groups: Sequence[int] = AGE_GROUPS,
    from_nothing: bool = False,
) -> Floats:
    """The stock and its flows, summed by age group.

    Parameters
    ----------
    entering : ndarray, shape (n_years, 2, 101)
        New cases by year, sex and age where the trend is 1.
    hazard : ndarray, shape (n_years, 2, 101)
        Hazard of death of the general population, per person-year.
    basis : ndarray, shape (n_years, n_trends)
        The trends.
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
    n_years, n_knots = basis.shape
    out = np.empty((len(carried), n_years, len(age_groups), len(SEXES), n_knots, len(ratio)))
    years = 0 if from_nothing else _BURN_IN
    state = _settled(entering[0], hazard[0], basis[0], ratio, carried, years)
    for year in range(n_years):
        rate = hazard[year][:, :, np.newaxis, np.newaxis] * ratio
        new = entering[year][:, :, np.newaxis, np.newaxis] * basis[year][:, np.newaxis]
        alive = np.exp(-rate)
        for q, name in enumerate(carried):
            flow = _flow(name, state, new, rate, alive)
            out[q, year] = np.moveaxis(np.add.reduceat(flow, age_groups, axis=1), 1, 0)
        state = _next(state, new, alive)
    return out


def _settled(
    entering: Floats,
    hazard: Floats,
    knots: Floats,
    ratio: Floats,
    carried: tuple[str, ...],
    years: int,
) -> dict[str, Floats]:
    """The stock that the incidence and mortality of one year lead to if they last so long."""
    alive = np.exp(-hazard[:, :, np.newaxis, np.newaxis] * ratio)
    new = entering[:, :, np.newaxis, np.newaxis] * np.ones((1, 1))
    parts = ["people", *(name for name in ("years_since_loss",) if name in carried)]
    if any(name in carried for name in _BANDS):
        parts += _RECENT
    state = {name: np.zeros_like(alive) for name in parts}
    for _ in range(years):
        state = _next(state, new, alive)
    return {name: part * knots[:, np.newaxis] for name, part in state.items()}


def _next(state: dict[str, Floats], new: Floats, alive: Floats) -> dict[str, Floats]:
    """The state a year later."""
    after = {"people": (state["people"] + new) * alive}
    if "years_since_loss" in state:
        lived = state["years_since_loss"] + state["people"] + 0.5 * new
        after["years_since_loss"] = lived * alive
    if _RECENT[0] in state:
        after[_RECENT[0]] = new * alive
        for before, name in itertools.pairwise(_RECENT):
            after[name] = state[before] * alive
    return {name: _older(part) for name, part in after.items()}


def _flow(name: str, state: dict[str, Floats], new: Floats, rate: Floats, alive: Floats) -> Floats:
    stock = state["people"]
    if name in state:
        return state[name]
    if name == "new_cases":
        return np.broadcast_to(new, stock.shape)
    if name == "net":
        return (stock + new) * alive - stock
    if name == "person_years":
        lived = np.divide(-np.expm1(-rate), rate, out=np.ones_like(rate), where=rate > 0)
        return (stock + new) * lived
    recent: Floats = np.sum([state[part] for part in _RECENT[_BANDS[name]]], axis=0)
    return stock - recent if name == "5_years_or_more" else recent


def _older(people: Floats) -> Floats:
    """Everybody a year older; the open age group keeps its own."""
    moved = np.zeros_like(people)
    moved[:, 1:] = people[:, :-1]
    moved[:, -1] += people[:, -1]
    return moved
