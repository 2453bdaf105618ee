"""How many chairs: the fewest that keep a service level, and what each further one adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.clinic.day import ClinicPlan, DayPlan, appointments
from plcore.clinic.patients import ClinicDraws, Integers
from plcore.clinic.results import ClinicOutcome, clinic_measures, share_within
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
) -> pd.DataFrame:
    """What clinics of several sizes, from the smallest to the largest, do with the same patients.

    The day of `plan` is replaced by each of `sizes`. The service level is kept where at least
    `share` of patients have a first infusion within `within_days` days of referral. The rest is as
    for `simulate_clinic`.

    Returns
    -------
    DataFrame
        A row for each size: chairs, nurses, visits_a_day, infusions_a_year, chair_utilisation,
        wait_mean, share_within, growth_a_week (of the waiting list), all means; probability that
        the service level is kept, over both kinds of uncertainty, and its Monte-Carlo
        standard_error (with one draw, of chance alone); and what the size adds to the one before:
        infusions_gained, days_saved, share_gained.
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
        soon = share_within(outcome, within_days)
        if not np.isfinite(soon).any():
            raise ValueError("nobody was referred, so that no service level can be judged")
        rows.append(_row(outcome, soon, share))
    return with_gains(pd.DataFrame(rows))


def with_gains(table: pd.DataFrame) -> pd.DataFrame:
    """A table of sizes with what each size adds to the one before."""
    return table.assign(
        infusions_gained=table["infusions_a_year"].diff(),
        days_saved=-table["wait_mean"].diff(),
        share_gained=table["share_within"].diff(),
    )


def _row(outcome: ClinicOutcome, soon: Floats, share: float) -> dict[str, float | int]:
    day = outcome.plan.day
    measures = clinic_measures(outcome)
    kept = np.where(np.isfinite(soon), soon >= share, np.nan)
    return {
        "chairs": day.chairs,
        "nurses": day.nurses,
        "visits_a_day": len(appointments(day)),
        "infusions_a_year": float(measures["infusions_a_year"][1].mean()),
        "chair_utilisation": float(measures["chair_utilisation"][1].mean()),
        "wait_mean": float(np.nanmean(measures["wait_mean"][1])),
        "share_within": float(np.nanmean(soon)),
        "growth_a_week": float(measures["waiting_growth_a_week"][1].mean()),
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
