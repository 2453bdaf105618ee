"""Who comes, and for how long a course helps them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from plcore.clinic.luck import Integers, exponential, states
from plcore.evidence.distributions import Floats
from plcore.models.course import CourseDraws, CoursePlan, draw_chance, simulate_course


def random_referrals(per_week: ArrayLike, *, n_days: int, n_runs: int, seed: int) -> Integers:
    """Days on which new patients are referred, at random around a rate (Poisson).

    Patient i of a run comes sooner in a draw with a higher rate, and is the same patient in all of
    them.

    Parameters
    ----------
    per_week : array_like, shape () or (n_draws, 1) or (n_draws, n_weeks)
        Referrals expected a week, 0 or more. Weeks start with day 0; the last one may be cut
        short, and a column for each is needed where they differ.
    n_days : int
        Days followed, 1 or more.
    n_runs : int
        Runs of chance for each draw, 1 or more.
    seed : int

    Returns
    -------
    ndarray of int, shape (n_draws, n_runs, n_patients)
        In order; `n_days` fills the rows of those with fewer patients.
    """
    if n_days < 1 or n_runs < 1:
        raise ValueError(f"n_days is {n_days} and n_runs is {n_runs}; expected 1 or more of each")
    rates = np.atleast_2d(np.asarray(per_week, dtype=float))
    n_weeks = -(-n_days // 7)
    if rates.ndim != 2 or rates.shape[1] not in (1, n_weeks):
        raise ValueError(
            f"per_week has shape {np.shape(per_week)}; expected (), (n_draws, 1) or "
            f"(n_draws, {n_weeks})"
        )
    if not (np.isfinite(rates) & (rates >= 0)).all():
        wrong = rates[~(np.isfinite(rates) & (rates >= 0))][0]
        raise ValueError(f"per_week has {wrong:g}; expected referrals a week, 0 or more")
    by_day = np.repeat(np.broadcast_to(rates, (len(rates), n_weeks)), 7, axis=1)[:, :n_days] / 7
    expected = np.cumsum(by_day, axis=1)
    state = states("referral", n_runs, seed=seed)[:, None]
    most = float(expected[:, -1].max())
    n = int(most + 6 * np.sqrt(most) + 10)
    # Referrals at a rate of 1 in a time that runs as fast as referrals are expected.
    while (times := np.cumsum(exponential(state, np.arange(n)), axis=1))[:, -1].min() <= most:
        n *= 2
    found = np.array([np.searchsorted(row, times, side="left") for row in expected])
    return _trimmed(found.astype(np.int64), n_days)


def given_referrals(per_week: ArrayLike, *, n_days: int) -> Integers:
    """Days on which new patients are referred, where their number a week is known.

    Parameters
    ----------
    per_week : array_like of int, shape (n_weeks,)
        Referrals of each week, spread evenly over it.
    n_days : int
        Days followed, all of which must lie in these weeks or the last of which is theirs.

    Returns
    -------
    ndarray of int, shape (1, 1, n_patients)
    """
    counts = np.asarray(per_week, dtype=float)
    if counts.ndim != 1 or not ((counts >= 0) & (counts == np.floor(counts))).all():
        raise ValueError("per_week: expected a whole number of referrals for each week, 0 or more")
    if not 7 * (len(counts) - 1) < n_days <= 7 * len(counts):
        raise ValueError(
            f"per_week has {len(counts)} weeks; expected {-(-n_days // 7)} for {n_days} days"
        )
    days = [7 * week + 7 * i // int(n) for week, n in enumerate(counts) for i in range(int(n))]
    found = np.array(days, dtype=np.int64)[None, None, :]
    return _trimmed(np.minimum(found, n_days), n_days)


def with_waiting_list(referrals: Integers, waiting: int) -> Integers:
    """The same with a number of people who wait already on day 0, before all others.

    Parameters
    ----------
    referrals : ndarray of int, shape (n_draws, n_runs, n_patients)
        As `random_referrals` gives them.
    waiting : int
        People, 0 or more.
    """
    if waiting < 0:
        raise ValueError(f"waiting is {waiting}; expected 0 people or more")
    first = np.zeros((*referrals.shape[:2], waiting), dtype=np.int64)
    return np.concatenate([first, referrals], axis=2)


def relief_after_course(
    inputs: CourseDraws, plan: CoursePlan, *, n_members: int, seed: int
) -> Floats:
    """Days from the last infusion of a whole course to the end of relief, by the course model.

    Parameters
    ----------
    n_members : int
        Patients of each draw.

    Returns
    -------
    ndarray, shape (n_draws, n_members)
        NaN in those whom the course does not help.
    """
    whole = CoursePlan(plan.course_days)
    chance = draw_chance(n_members, whole.n_slots, seed=seed)
    stays = replace(inputs, dropout=np.zeros(inputs.n_draws))
    outcome = simulate_course(stays, whole, chance, n_days=plan.course_days[-1] + 1)
    return outcome.relapse_day - outcome.last_course_day


def _trimmed(days: Integers, n_days: int) -> Integers:
    """Without the columns in which nobody comes; at least one is left."""
    some = int((days < n_days).sum(axis=2).max(initial=0))
    if not some:
        return np.full((*days.shape[:2], 1), n_days)
    return days[..., :some]
