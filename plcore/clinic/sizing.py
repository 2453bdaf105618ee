"""How many chairs: the fewest that keep a service level, and what each further one adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.day import ClinicPlan, DayPlan
from plcore.clinic.patients import ClinicDraws, Integers
from plcore.clinic.results import (
    ClinicOutcome,
    Load,
    clinic_load,
    clinic_measures,
    share_within,
)
from plcore.clinic.schedule import simulate_clinic
from plcore.evidence.distributions import Floats


def sizing_table(
    plan: ClinicPlan,
    sizes: Sequence[DayPlan],
    inputs: ClinicDraws,
    referrals: Integers,
    relief: Floats,
    open_days: NDArray[np.bool_],
    *,
    within_days: int,
    share: float,
    seed: int,
    per_week: ArrayLike | None = None,
    judged: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """What clinics of several sizes, from the smallest to the largest, do with the same patients.

    The day of `plan` is replaced by each of `sizes`, for all time. The service level is kept where
    at least `share` of patients have a first infusion within `within_days` days of referral.
    With `judged`, the service level counts only those referred from the first of these days to
    before the second. `per_week`, of shape (n_draws,), are the referrals that are taken to continue (by default the
    mean of these days); the rest is as for `simulate_clinic`.

    Returns
    -------
    DataFrame
        A row for each size: chairs, nurses, visits_a_day, infusions_a_year, chair_utilisation, load
        (median over draws); wait_mean (of those referred in these days, followed until they are
        seen), never_clears (share of draws in which the waiting list grows without end, so that the
        wait has no mean) and wait (both in words); share_within, growth_a_week (of the waiting
        list); probability that the service level is kept, over both kinds of uncertainty, and its
        Monte-Carlo standard_error; and what the size adds to the one before: infusions_gained,
        days_saved, share_gained.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share:g}; expected above 0 and at most 1")
    if within_days < 0:
        raise ValueError(f"within_days is {within_days}; expected 0 or more")
    if not sizes:
        raise ValueError("no sizes; expected at least one")
    n_days = len(open_days)
    if per_week is None:
        here = (referrals >= 0) & (referrals < n_days)
        per_week = np.broadcast_to(here.sum(axis=2).mean(axis=1) * 7 / n_days, inputs.n_draws)
    rows = []
    for day in sizes:
        sized = replace(plan, day=day, changes=())
        load = clinic_load(sized, inputs, relief, open_days, per_week)
        # Where most lists never clear, nobody follows them to the end.
        most = None if load.never_clears.mean() < 0.5 else max(within_days, n_days // 4)
        outcome = simulate_clinic(
            sized, inputs, referrals, relief, open_days, seed=seed, follow_days=most
        )
        rows.append(size_row(outcome, load, within_days=within_days, share=share, judged=judged))
    return with_gains(pd.DataFrame(rows))


def with_gains(table: pd.DataFrame) -> pd.DataFrame:
    """A table of sizes with what each size adds to the one before."""
    return table.assign(
        infusions_gained=table["infusions_a_year"].diff(),
        days_saved=-table["wait_mean"].diff(),
        share_gained=table["share_within"].diff(),
    )


def size_row(
    outcome: ClinicOutcome,
    load: Load,
    *,
    within_days: int,
    share: float,
    judged: tuple[int, int] | None = None,
) -> dict[str, object]:
    """The row of `sizing_table` for a clinic that has been simulated, but for its gains."""
    from_day, to_day = judged or (0, outcome.n_days)
    soon = share_within(outcome, within_days, from_day=from_day, to_day=to_day)
    if not np.isfinite(soon).any():
        raise ValueError("nobody was referred, so that no service level can be judged")
    day = outcome.plan.day
    measures = clinic_measures(outcome)
    kept = np.where(np.isfinite(soon), soon >= share, np.nan)
    wait, never = float(np.nanmean(measures["wait_mean"][1])), float(load.never_clears.mean())
    at_least = "at least " if outcome.unseen.any() else ""
    end = (
        "" if never == 0 else f", and no end in {never:.0%} of the draws, as the list never clears"
    )
    return {
        "chairs": day.chairs,
        "nurses": day.nurses,
        "visits_a_day": outcome.plan.visits_a_day,
        "infusions_a_year": float(measures["infusions_a_year"][1].mean()),
        "chair_utilisation": float(measures["chair_utilisation"][1].mean()),
        "load": float(np.median(load.load)),
        "wait_mean": wait,
        "never_clears": never,
        "wait": f"{at_least}{wait:,.1f} days{end}",
        "share_within": float(np.nanmean(soon)),
        "growth_a_week": float(load.growth.mean()),
        "probability": float(np.nanmean(kept)),
        "standard_error": _standard_error(kept),
    }


def _standard_error(kept: Floats) -> float:
    """Of the mean of a (n_draws, n_runs) array: runs share the beliefs of their draw."""
    by_draw = np.nanmean(kept[np.isfinite(kept).any(axis=1)], axis=1)
    if len(by_draw) > 1:
        return float(by_draw.std(ddof=1) / np.sqrt(len(by_draw)))
    n = int(np.isfinite(kept).sum())
    return float(np.sqrt(by_draw[0] * (1 - by_draw[0]) / n))


#: Standard errors from the probability asked for within which a size is neither enough nor too
#: small.
_UNSURE = 2.0


@dataclass(frozen=True, slots=True)
class Advice:
    """The fewest chairs that keep a service level, and how sure that is.

    Attributes
    ----------
    chairs : int or None
        The fewest that keep it with the probability asked for, as simulated; None if none does.
    toss_up : tuple of int
        Where the simulation cannot tell: the numbers of chairs that may be the fewest; empty
        otherwise.
    """

    chairs: int | None
    toss_up: tuple[int, ...]

    def in_words(self) -> str:
        """A few words, such as "2 chairs" or "1 or 2 chairs (a toss-up)"."""
        if len(self.toss_up) == 1:
            return f"{self.toss_up[0]} or no number of chairs (a toss-up)"
        if self.toss_up:
            return f"{' or '.join(map(str, self.toss_up))} chairs (a toss-up)"
        if self.chairs is None:
            return "no number of chairs that was simulated"
        return "1 chair" if self.chairs == 1 else f"{self.chairs} chairs"


def advise(table: pd.DataFrame, *, probability: float) -> Advice:
    """Which size is the smallest to keep its service level, and whether the simulation can tell.

    Parameters
    ----------
    table : DataFrame
        A row for each number of chairs, rising, as `plcore.planner.sizes` gives it.
    probability : float
        With which the service level is to be kept, above 0 and at most 1.
    """
    if not 0 < probability <= 1:
        raise ValueError(f"probability is {probability:g}; expected above 0 and at most 1")
    chairs = table["chairs"].to_numpy()
    over = table["probability"].to_numpy() - probability
    margin = _UNSURE * table["standard_error"].to_numpy()
    enough = np.flatnonzero(over >= 0)
    surely = np.flatnonzero((over >= 0) & (over >= margin))
    first = int(enough[0]) if enough.size else None
    # From the first that may be enough to the first that surely is.
    maybe = np.flatnonzero(over >= -margin)
    if not maybe.size or (first is not None and maybe[0] == first and over[first] >= margin[first]):
        return Advice(None if first is None else int(chairs[first]), ())
    # Beyond the first that nothing betters, more chairs are of no use.
    best = int(np.argmax(over))
    last = min(int(surely[0]), best) if surely.size else best
    if last == maybe[0] and not surely.size:
        # More chairs do not help: whether any number is enough is what cannot be told.
        return Advice(None if first is None else int(chairs[first]), (int(chairs[last]),))
    options = tuple(int(n) for n in chairs[maybe[0] : last + 1])
    return Advice(None if first is None else int(chairs[first]), options)


def fewest(table: pd.DataFrame, *, probability: float) -> pd.Series:
    """The smallest clinic that keeps its service level with at least some probability.

    Parameters
    ----------
    table : DataFrame
        A row for each number of chairs, as `plcore.planner.sizes` gives it.
    probability : float
        Above 0, and 1 at most.

    Returns
    -------
    Series
        The row of that clinic.

    Raises
    ------
    ValueError
        If none does; the message says how near the largest comes and how its waiting list grows.

    Examples
    --------
    >>> table = pd.DataFrame({"chairs": [1, 2, 3], "probability": [0.4, 0.85, 0.97]})
    >>> int(fewest(table, probability=0.8)["chairs"])
    2
    """
    if not 0 < probability <= 1:
        raise ValueError(f"probability is {probability:g}; expected above 0 and at most 1")
    enough = table[table["probability"] >= probability]
    if enough.empty:
        last = table.iloc[-1]
        raise ValueError(
            f"no size keeps the service level with probability {probability:g}: {last['chairs']:g} "
            f"chairs keep it with {last['probability']:.2g}, and their waiting list grows by "
            f"{last['growth_a_week']:.2g} a week; expected more chairs or less demand"
        )
    return enough.iloc[0]
