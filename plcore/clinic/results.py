"""Tables of simulated clinics, with what we do not know and what chance does kept apart.

Parameters
----------
first : date
    Day 0 of the period followed.
n_days : int
    Days followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic import outcome as fates
from plcore.clinic.luck import Integers
from plcore.clinic.outcome import ClinicOutcome
from plcore.evidence.distributions import Floats

_YEAR = 365.25
#: Days within which first infusions are counted.
_SOON = (14, 30)


def clinic_measures(outcome: ClinicOutcome, *, from_day: int = 0) -> dict[str, tuple[str, Floats]]:
    """Name, unit and values of what a planner asks for, the values of shape (n_draws, n_runs).

    Waits are those of patients referred from `from_day` on, to their first infusion; the patient's
    own missed visits are part of them. Who still waits at the end is counted with the wait so far,
    so that means and 90th percentiles are too low where many wait. Who was lost before a first
    infusion is left out. For the share within some days only those count who were referred that
    many days before the end.

    Parameters
    ----------
    outcome : ClinicOutcome
    from_day : int
        Days before it, of a clinic that is filling up, are left out; at least one has to be left.
    """
    if not 0 <= from_day < outcome.n_days:
        raise ValueError(f"from_day is {from_day}; expected from 0 to {outcome.n_days - 1}")
    a_year = _YEAR / (outcome.n_days - from_day)
    day = outcome.plan.day
    opened = max(int(outcome.open[from_day:].sum()), 1)
    minutes = opened * day.open_minutes

    def total(values: Integers | Floats) -> Floats:
        return np.asarray(values[..., from_day:].sum(axis=2), dtype=float)

    overtime = total(outcome.overtime_minutes)
    booked = total(outcome.booked)
    infusions = total(outcome.infusions)
    return {
        "infusions_a_year": ("infusions", infusions * a_year),
        "new_patients_a_year": ("people", total(outcome.first_offers) * a_year),
        "visits_booked_a_day": ("visits", booked / opened),
        "no_show_share": ("share", total(outcome.no_shows) / np.maximum(booked, 1)),
        "chair_utilisation": ("share", total(outcome.chair_minutes) / (day.chairs * minutes)),
        "nurse_utilisation": ("share", total(outcome.nurse_minutes) / (day.nurses * minutes)),
        **_waits(outcome, from_day),
        "waiting_at_end": ("people", outcome.waiting[..., -1].astype(float)),
        "waiting_growth_a_week": ("people", _growth(outcome, from_day)),
        "courses_broken_off": ("courses", _count(outcome, fates.BROKEN_OFF)),
        "returns_broken_off": ("returns", outcome.returns_broken_off.astype(float)),
        "nurse_hours_a_year": ("hours", day.nurses * (minutes + overtime) / 60 * a_year),
        "overtime_a_day": ("minutes", overtime / opened),
        "late_start_a_visit": ("minutes", total(outcome.late_minutes) / np.maximum(infusions, 1)),
        "ketamine_a_year": ("mg", total(outcome.mg) * a_year),
        "vials_a_year": ("vials", total(outcome.vials) * a_year),
        "vials_a_year_shared": ("vials", total(vials_shared(outcome)) * a_year),
    }


def _growth(outcome: ClinicOutcome, from_day: int) -> Floats:
    """New patients by which the list grows a week, over the second half of the days."""
    half = (from_day + outcome.n_days) // 2
    grown = outcome.waiting[..., -1] - outcome.waiting[..., half]
    return np.asarray(7 * grown / max(outcome.n_days - 1 - half, 1))


def _count(outcome: ClinicOutcome, fate: int) -> Floats:
    return np.asarray((outcome.fate == fate).sum(axis=2), dtype=float)


def _waits(outcome: ClinicOutcome, from_day: int) -> dict[str, tuple[str, Floats]]:
    referred, first, n_days = outcome.referred_day, outcome.first_day, outcome.n_days
    came = first < n_days
    alive = np.isin(outcome.fate, (fates.WAITING, fates.UNDER_WAY))
    counted = (referred >= from_day) & (referred < n_days) & (came | alive)
    days = (np.minimum(first, n_days) - referred).astype(float)
    n = counted.sum(axis=2)
    found = {"wait_mean": ("days", _share_of(np.where(counted, days, 0.0).sum(axis=2), n))}
    in_order = np.sort(np.where(counted, days, np.inf), axis=2)
    at = np.maximum(np.ceil(0.9 * n).astype(np.int64) - 1, 0)[..., None]
    ninetieth = np.take_along_axis(in_order, at, axis=2)[..., 0]
    found["wait_90th_percentile"] = ("days", np.where(n > 0, ninetieth, np.nan))
    for limit in _SOON:
        found[f"first_infusion_within_{limit}_days"] = (
            "share",
            share_within(outcome, limit, from_day=from_day),
        )
    return found


def share_within(outcome: ClinicOutcome, days: int, *, from_day: int = 0) -> Floats:
    """Share of patients with a first infusion within some days of referral.

    Parameters
    ----------
    outcome : ClinicOutcome
    days : int
    from_day : int
        As `clinic_measures` takes it.

    Returns
    -------
    ndarray, shape (n_draws, n_runs)
        NaN where nobody is counted.
    """
    referred, first = outcome.referred_day, outcome.first_day
    lost = (first == outcome.n_days) & ~np.isin(outcome.fate, (fates.WAITING, fates.UNDER_WAY))
    counted = (referred >= from_day) & (referred + days < outcome.n_days) & ~lost
    return _share_of((counted & (first - referred <= days)).sum(axis=2), counted.sum(axis=2))


def _share_of(part: ArrayLike, whole: ArrayLike) -> Floats:
    top, bottom = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.where(bottom > 0, top / np.maximum(bottom, 1), np.nan)


def vials_shared(outcome: ClinicOutcome) -> Floats:
    """Vials by day if one may serve several patients of the same day, and none is kept overnight.

    `ClinicOutcome.vials` are those needed if each patient has vials of their own.

    Returns
    -------
    ndarray, shape (n_draws, n_runs, n_days)
    """
    return np.asarray(np.ceil(outcome.mg / outcome.plan.dose.vial_mg - 1e-9))


def clinic_table(outcome: ClinicOutcome, *, from_day: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What a planner asks for, a row a measure.

    Parameters
    ----------
    from_day : int
        As for `clinic_measures`.

    Returns
    -------
    DataFrame
        measure, unit, mean; low_unknown, high_unknown: means of the runs over the draws (what we do
        not know; with few runs a draw some chance is left in it); low_chance, high_chance: single
        runs, were each draw's mean the overall one, which is held within what the measure can be
        (a share within 0 and 1, all but growth at 0 or more); low_both, high_both: single runs over all. NaN
        of replications in which nobody is counted are left out.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for measure, (unit, values) in clinic_measures(outcome, from_day=from_day).items():
        some = np.isfinite(values).any(axis=1)
        if not some.any():
            rows.append((measure, unit, *[np.nan] * 7))
            continue
        kept = values[some]
        means = np.nanmean(kept, axis=1)
        mean = means.mean()
        least = -np.inf if measure == "waiting_growth_a_week" else 0.0
        luck = np.clip(mean + kept - means[:, None], least, 1.0 if unit == "share" else np.inf)
        limits = [np.nanquantile(part, tails) for part in (means, luck, kept)]
        rows.append((measure, unit, mean, *np.concatenate(limits)))
    ends = [f"{end}_{kind}" for kind in ("unknown", "chance", "both") for end in ("low", "high")]
    return pd.DataFrame(rows, columns=["measure", "unit", "mean", *ends])


def by_period(
    outcome: ClinicOutcome, periods: Sequence[str], *, level: float = 0.95
) -> pd.DataFrame:
    """The clinic by day, week or month.

    Parameters
    ----------
    outcome : ClinicOutcome
    periods : sequence of str, shape (n_days,)
        The period of each day, which must be as many: see `days_from`, `weeks_from` and
        `months_from`.
    level : float
        Of the intervals over all replications (both kinds of uncertainty).

    Returns
    -------
    DataFrame
        A row a measure and period: measure, period, open_days, mean, median, low, high. `waiting`
        is at the end of the period, all else its sum.
    """
    if len(periods) != outcome.n_days:
        raise ValueError(f"{len(periods)} periods; expected one for each of {outcome.n_days} days")
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    labels = np.asarray(periods)
    starts = np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))
    ends = np.append(starts[1:], len(labels)) - 1
    opened = np.add.reduceat(outcome.open.astype(np.int64), starts)
    frames = []
    for name in fates.BY_DAY:
        values = getattr(outcome, name).reshape(-1, outcome.n_days)
        sums = values[:, ends] if name == "waiting" else np.add.reduceat(values, starts, axis=1)
        low, median, high = np.quantile(sums, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
        frames.append(
            pd.DataFrame(
                {
                    "measure": name,
                    "period": labels[starts],
                    "open_days": opened,
                    "mean": sums.mean(axis=0),
                    "median": median,
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def days_from(first: date, n_days: int) -> list[str]:
    """Each day by its date."""
    return [str(day) for day in _dates(first, n_days)]


def weeks_from(first: date, n_days: int) -> list[str]:
    """Each day by its ISO week: 2026-W01."""
    return [f"{day.isocalendar()[0]}-W{day.isocalendar()[1]:02d}" for day in _dates(first, n_days)]


def months_from(first: date, n_days: int) -> list[str]:
    """Each day by its month: 2026-01."""
    return [str(day)[:7] for day in _dates(first, n_days)]


def _dates(first: date, n_days: int) -> list[date]:
    return [date.fromordinal(first.toordinal() + i) for i in range(n_days)]


def fates_table(outcome: ClinicOutcome) -> pd.DataFrame:
    """What became of the patients referred, a row a fate: fate, mean number, and share of them."""
    referred = (outcome.fate != fates.NOT_REFERRED).sum(axis=2)
    names = [name for name in fates.FATES if name != "not_referred"]
    people: list[Floats] = [_count(outcome, fates.FATES.index(name)) for name in names]
    shares: NDArray[np.float64] = np.array([_share_of(n.sum(), referred.sum()) for n in people])
    return pd.DataFrame({"fate": names, "people": [n.mean() for n in people], "share": shares})
