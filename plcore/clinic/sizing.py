"""How many chairs and nurses: the fewest that keep a service level, and what each more buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.clinic.hours import DayPlan, appointments, fewest_nurses
from plcore.clinic.luck import Integers
from plcore.clinic.outcome import ClinicOutcome
from plcore.clinic.plan import ClinicDraws, ClinicPlan
from plcore.clinic.results import clinic_measures, share_within
from plcore.clinic.schedule import simulate_clinic
from plcore.evidence.distributions import Floats


def with_chairs(day: DayPlan, chairs: int) -> DayPlan:
    """The day with so many chairs, and the fewest nurses with whom chairs are the limit."""
    more = replace(day, chairs=chairs)
    return replace(more, nurses=fewest_nurses(more))


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
    from_day: int = 0,
) -> pd.DataFrame:
    """What clinics of several sizes do with the same patients.

    Parameters
    ----------
    plan : ClinicPlan
        Its day is replaced by each of `sizes`.
    sizes : sequence of DayPlan
        From the smallest to the largest.
    inputs, referrals, relief, open_days, seed
        As `simulate_clinic` takes them, with their shapes.
    within_days, share : int, float
        The service level: at least this share of patients have a first infusion within so many days
        of referral.
    from_day : int
        Days before it are left out.

    Returns
    -------
    DataFrame
        A row a size: chairs, nurses, visits_a_day, infusions_a_year, chair_utilisation, wait_mean,
        share_within, growth_a_week (of the waiting list), all means; probability that the service
        level is kept, over both kinds of uncertainty, and its Monte-Carlo standard error
        (with one draw, of chance alone); and what
        the size adds to the one before: infusions_gained, days_saved, share_gained.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share:g}; expected above 0 and at most 1")
    if within_days < 0:
        raise ValueError(f"within_days is {within_days}; expected 0 or more")
    if not sizes:
        raise ValueError("no sizes; expected at least one")
    rows = []
    for day in sizes:
        sized = replace(plan, day=day)
        outcome = simulate_clinic(sized, inputs, referrals, relief, open_days, seed=seed)
        soon = share_within(outcome, within_days, from_day=from_day)
        if not np.isfinite(soon).any():
            raise ValueError(
                f"nobody was referred {within_days} days before the end; expected some"
            )
        rows.append(_row(outcome, soon, share, from_day))
    return with_gains(pd.DataFrame(rows))


def with_gains(table: pd.DataFrame) -> pd.DataFrame:
    """A table of sizes with what each adds to the one before, as `sizing_table` gives it.

    For sizes that were worked out apart and put together.
    """
    return table.assign(
        infusions_gained=table["infusions_a_year"].diff(),
        days_saved=-table["wait_mean"].diff(),
        share_gained=table["share_within"].diff(),
    )


def _row(
    outcome: ClinicOutcome, soon: Floats, share: float, from_day: int
) -> dict[str, float | int]:
    day = outcome.plan.day
    found = clinic_measures(outcome, from_day=from_day)
    kept = np.where(np.isfinite(soon), soon >= share, np.nan)
    return {
        "chairs": day.chairs,
        "nurses": day.nurses,
        "visits_a_day": len(appointments(day)),
        "infusions_a_year": float(found["infusions_a_year"][1].mean()),
        "chair_utilisation": float(found["chair_utilisation"][1].mean()),
        "wait_mean": float(np.nanmean(found["wait_mean"][1])),
        "share_within": float(np.nanmean(soon)),
        "growth_a_week": float(found["waiting_growth_a_week"][1].mean()),
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


def fewest(table: pd.DataFrame, *, probability: float) -> pd.Series:
    """The first size that keeps its service level with at least this probability.

    Parameters
    ----------
    table : DataFrame
        As `sizing_table` gives it.
    probability : float

    Raises
    ------
    ValueError
        If none does; the message says how near the last one comes and whether its list grows.
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
