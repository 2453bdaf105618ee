"""What becomes of a clinic and its patients: the outcome of the simulation, tables of it, and load.

What we do not know (draws) and what chance does (runs) are kept apart in the tables. The load
compares demand with capacity without a simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.day import ClinicPlan
from plcore.clinic.patients import ClinicDraws, Integers
from plcore.evidence.distributions import Floats

_YEAR = 365.25
#: Days within which first infusions are counted.
_SOON = (14, 30)
#: What can have become of a patient by the end.
FATES = (
    "not_referred", "waiting", "under_way", "completed", "stopped_without_relief", "dropped_out",
    "broken_off", "missed_visits",
)  # fmt: skip
NOT_REFERRED, WAITING, UNDER_WAY, COMPLETED, STOPPED, DROPPED, BROKEN_OFF, MISSED = range(8)


BY_DAY = (
    "booked", "infusions", "no_shows", "cancelled", "first_offers", "waiting", "chair_minutes",
    "nurse_minutes", "overtime_minutes", "late_minutes", "mg", "vials",
)  # fmt: skip
BY_PATIENT = ("referred_day", "offered_day", "first_day", "fate", "had", "returns")


@dataclass(frozen=True, slots=True, eq=False)
class ClinicOutcome:
    """The clinic by day and patient, in every run of chance under every draw of the inputs.

    Attributes
    ----------
    plan : ClinicPlan
        What the clinic chose.
    open : ndarray of bool, shape (n_days,)
        Days on which it is open.
    booked, infusions, no_shows, cancelled, first_offers : ndarray of int
        Shape (n_draws, n_runs, n_days), like all numbers by day. Visits booked; infusions given and
        visits missed without notice among them; visits cancelled in time, which are not among those
        booked; and new patients given their first visit.
    waiting : ndarray of int
        New patients who wait for a first visit at the end of the day.
    chair_minutes, nurse_minutes, overtime_minutes, late_minutes : ndarray
        Minutes with a patient in a chair; minutes of nurses with patients; minutes after closing
        time at which the last patient left; and sum of the patients' waits beyond their
        appointments.
    mg, vials : ndarray
        Ketamine given, and vials if none is used for two patients.
    referred_day, offered_day, first_day : ndarray of int
        Shape (n_draws, n_runs, n_patients), like all numbers by patient. Days on which the patient
        was referred, given a first visit, and had a first infusion; the number of days if never.
    fate, had, returns : ndarray of int
        What became of the first course, as a place in not_referred, waiting, under_way, completed,
        stopped_without_relief, dropped_out, broken_off, missed_visits; infusions had; and times
        that the patient came back for more treatment.
    returns_broken_off : ndarray of int, shape (n_draws, n_runs)
        Returns for more treatment that were broken off for lack of slots.
    """

    plan: ClinicPlan
    open: NDArray[np.bool_]
    booked: Integers
    infusions: Integers
    no_shows: Integers
    cancelled: Integers
    first_offers: Integers
    waiting: Integers
    chair_minutes: Floats
    nurse_minutes: Floats
    overtime_minutes: Floats
    late_minutes: Floats
    mg: Floats
    vials: Floats
    referred_day: Integers
    offered_day: Integers
    first_day: Integers
    fate: NDArray[np.int8]
    had: Integers
    returns: Integers
    returns_broken_off: Integers

    @property
    def n_days(self) -> int:
        """Number of days followed."""
        return len(self.open)


def clinic_measures(outcome: ClinicOutcome, *, from_day: int = 0) -> dict[str, tuple[str, Floats]]:
    """Unit and values, of shape (n_draws, n_runs), of each measure that a planner asks for.

    Waits are those of patients referred from `from_day` on, to their first infusion, time lost by
    the patient's own missed visits included. Patients who still wait at the end count with their
    wait so far, so that means and 90th percentiles are too low where many wait. Those lost before a
    first infusion are left out. Shares within some days count only those who were referred at least
    that many days before the end. Days before `from_day`, while a clinic fills up, are left out.
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
    # One vial may serve several patients of a day, and none is kept overnight.
    shared_vials = np.ceil(outcome.mg / outcome.plan.dose.vial_mg - 1e-9)
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
        "courses_broken_off": ("courses", _count(outcome, BROKEN_OFF)),
        "returns_broken_off": ("returns", outcome.returns_broken_off.astype(float)),
        "nurse_hours_a_year": ("hours", day.nurses * (minutes + overtime) / 60 * a_year),
        "overtime_a_day": ("minutes", overtime / opened),
        "late_start_a_visit": ("minutes", total(outcome.late_minutes) / np.maximum(infusions, 1)),
        "ketamine_a_year": ("mg", total(outcome.mg) * a_year),
        "vials_a_year": ("vials", total(outcome.vials) * a_year),
        "vials_a_year_shared": ("vials", total(shared_vials) * a_year),
    }


def _growth(outcome: ClinicOutcome, from_day: int) -> Floats:
    """New patients by which the waiting list grows a week, over the second half of the days."""
    half = (from_day + outcome.n_days) // 2
    grown = outcome.waiting[..., -1] - outcome.waiting[..., half]
    return np.asarray(7 * grown / max(outcome.n_days - 1 - half, 1))


def _count(outcome: ClinicOutcome, fate: int) -> Floats:
    return np.asarray((outcome.fate == fate).sum(axis=2), dtype=float)


def _waits(outcome: ClinicOutcome, from_day: int) -> dict[str, tuple[str, Floats]]:
    referred, first, n_days = outcome.referred_day, outcome.first_day, outcome.n_days
    came = first < n_days
    staying = np.isin(outcome.fate, (WAITING, UNDER_WAY))
    counted = (referred >= from_day) & (referred < n_days) & (came | staying)
    days = (np.minimum(first, n_days) - referred).astype(float)
    n = counted.sum(axis=2)
    waits = {"wait_mean": ("days", _share_of(np.where(counted, days, 0.0).sum(axis=2), n))}
    in_order = np.sort(np.where(counted, days, np.inf), axis=2)
    at = np.maximum(np.ceil(0.9 * n).astype(np.int64) - 1, 0)[..., None]
    ninetieth = np.take_along_axis(in_order, at, axis=2)[..., 0]
    waits["wait_90th_percentile"] = ("days", np.where(n > 0, ninetieth, np.nan))
    for limit in _SOON:
        waits[f"first_infusion_within_{limit}_days"] = (
            "share",
            share_within(outcome, limit, from_day=from_day),
        )
    return waits


def share_within(outcome: ClinicOutcome, days: int, *, from_day: int = 0) -> Floats:
    """Share of patients with a first infusion within some days of referral, (n_draws, n_runs).

    NaN where nobody is counted. Days before `from_day` are left out, as in `clinic_measures`.
    """
    referred, first = outcome.referred_day, outcome.first_day
    lost = (first == outcome.n_days) & ~np.isin(outcome.fate, (WAITING, UNDER_WAY))
    counted = (referred >= from_day) & (referred + days < outcome.n_days) & ~lost
    return _share_of((counted & (first - referred <= days)).sum(axis=2), counted.sum(axis=2))


def _share_of(count: ArrayLike, total: ArrayLike) -> Floats:
    top, bottom = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    return np.where(bottom > 0, top / np.maximum(bottom, 1), np.nan)


def clinic_table(outcome: ClinicOutcome, *, level: float = 0.95) -> pd.DataFrame:
    """A table of what a planner asks for, a row for each measure.

    Waits are those to the first infusion; patients who still wait at the end count with their wait
    so far.

    Parameters
    ----------
    outcome : ClinicOutcome
        The simulated clinic, such as the `outcome` of a planner's answer.
    level : float
        Share of cases that the intervals hold, between 0 and 1.

    Returns
    -------
    DataFrame
        measure, unit, mean; low_unknown, high_unknown: means of the runs over the draws (what we do
        not know; with few runs a draw some chance is left in it); low_chance, high_chance: single
        runs, as if each draw's mean were the overall one, held within what the measure can be (a
        share within 0 and 1, all but growth at 0 or more); low_both, high_both: single runs of all
        draws. Runs in which nobody is counted are left out.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for measure, (unit, values) in clinic_measures(outcome).items():
        some = np.isfinite(values).any(axis=1)
        if not some.any():
            rows.append((measure, unit, *[np.nan] * 7))
            continue
        kept = values[some]
        means = np.nanmean(kept, axis=1)
        mean = means.mean()
        least = -np.inf if measure == "waiting_growth_a_week" else 0.0
        luck = np.clip(mean + kept - means[:, None], least, 1.0 if unit == "share" else np.inf)
        limits = [np.nanquantile(sample, tails) for sample in (means, luck, kept)]
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
        The simulated clinic, such as the `outcome` of a planner's answer.
    periods : sequence of str, shape (n_days,)
        The name of the period to which each day belongs, as `months_from` gives it.
    level : float
        Share of all runs of all draws that the intervals hold, between 0 and 1.

    Returns
    -------
    DataFrame
        A row for each measure and period: measure, period, open_days, mean, median, low, high and
        the level. The measure `waiting` is the number at the end of the period, all others are sums.

    Raises
    ------
    ValueError
        If there is not one period for each day, or the level is not between 0 and 1.
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
    for name in BY_DAY:
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
                    "level": level,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def days_from(first: date, n_days: int) -> list[str]:
    """The name of each day: 2026-01-01."""
    return [str(day) for day in _dates(first, n_days)]


def weeks_from(first: date, n_days: int) -> list[str]:
    """The ISO week of each day: 2026-W01."""
    return [f"{day.isocalendar()[0]}-W{day.isocalendar()[1]:02d}" for day in _dates(first, n_days)]


def months_from(first: date, n_days: int) -> list[str]:
    """The month of each day: 2026-01.

    Parameters
    ----------
    first : date
        The first day.
    n_days : int
        Number of days.

    Examples
    --------
    >>> months_from(date(2026, 1, 31), 2)
    ['2026-01', '2026-02']
    """
    return [str(day)[:7] for day in _dates(first, n_days)]


def _dates(first: date, n_days: int) -> list[date]:
    return [date.fromordinal(first.toordinal() + i) for i in range(n_days)]


def fates_table(outcome: ClinicOutcome) -> pd.DataFrame:
    """What became of the patients referred: fate, mean number of people, and share of them."""
    referred = (outcome.fate != NOT_REFERRED).sum(axis=2)
    names = [name for name in FATES if name != "not_referred"]
    people = [_count(outcome, FATES.index(name)) for name in names]
    shares = np.array([_share_of(n.sum(), referred.sum()) for n in people])
    return pd.DataFrame({"fate": names, "people": [n.mean() for n in people], "share": shares})


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Demand and capacity in the long run, each of shape (n_draws,).

    Attributes
    ----------
    infusions_each, visits_each : ndarray
        Infusions and booked visits that a new patient leads to, returns included.
    demand, capacity : ndarray
        Visits a week that are to be booked, and that the clinic can book.
    load : ndarray
        Demand over capacity.
    growth : ndarray
        New patients by which the waiting list grows a week in the long run; 0 where it does not.
    """

    infusions_each: Floats
    visits_each: Floats
    demand: Floats
    capacity: Floats
    load: Floats
    growth: Floats

    def in_words(self) -> str:
        """A sentence on whether the clinic can keep up with demand."""
        over = float((self.load >= 1).mean())
        share = f"{np.median(self.load):.0%} of the visits that the clinic can book (median)"
        if over == 0:
            return f"Demand is {share}; the waiting list does not keep growing."
        growth = float(np.median(self.growth[self.load >= 1]))
        draws = "" if over == 1 else f" in {over:.0%} of the draws"
        return (
            f"Demand is {share}; it exceeds capacity{draws}, and the waiting list then keeps growing, "
            f"by {growth:.2g} patients a week (median)."
        )


def clinic_load(
    plan: ClinicPlan,
    inputs: ClinicDraws,
    relief: Floats,
    open_days: NDArray[np.bool_],
    per_week: ArrayLike,
) -> Load:
    """Whether a clinic can keep up with its referrals.

    In the long run: all returns are counted, however late, so that demand is lower in the first
    years. Courses that are broken off for lack of slots are not allowed for. `per_week`, of shape
    () or (n_draws,), are the new patients referred a week; the rest is as for `simulate_clinic`.
    """
    rate = np.asarray(per_week, dtype=float)
    if not (np.isfinite(rate) & (rate >= 0)).all():
        raise ValueError(f"per_week is {per_week!r}; expected referrals a week, 0 or more")
    helped = np.broadcast_to((~np.isnan(relief)).mean(axis=1), (inputs.n_draws,))
    infusions, visits = np.zeros((2, inputs.n_draws))
    for share, helps in ((helped, True), (1 - helped, False)):
        had, booked = _expected(plan, inputs, helps)
        infusions += share * had
        visits += share * booked
    capacity = np.full(inputs.n_draws, 7 * plan.visits_a_day * open_days.mean())
    demand = rate * visits
    growth = np.maximum(rate - capacity / visits, 0.0)
    return Load(infusions, visits, demand, capacity, demand / capacity, growth)


def _expected(plan: ClinicPlan, x: ClinicDraws, helped: bool) -> tuple[Floats, Floats]:
    """Infusions and booked visits of a patient whom the course helps, or does not."""
    course = plan.course
    # Share of patients still coming, by the visits they have missed so far.
    coming = np.zeros((plan.most_missed + 1, x.n_draws))
    coming[0] = 1.0
    infusions, booked = np.zeros((2, x.n_draws))
    for number in range(1 + course.max_returns * helped):
        if number:
            coming = coming * x.return_uptake
        for place in range(len(course.return_days if number else course.course_days)):
            if place:
                coming = coming * (1 - x.dropout)
            if not number and not helped and place == course.stop_without_relief_after:
                return infusions, booked
            first = not number and not place
            coming, visits = _one_visit(coming, x.first_no_show if first else x.no_show)
            booked += visits
            infusions += coming.sum(axis=0)
    return infusions, booked


def _one_visit(coming: Floats, no_show: Floats) -> tuple[Floats, Floats]:
    """Who comes, by visits missed, and the visits booked until they come or are given up."""
    here = np.zeros_like(coming)
    booked = np.zeros_like(no_show)
    again = np.zeros_like(no_show)
    for missed, share in enumerate(coming):
        waiting = share + again
        booked += waiting
        here[missed] = waiting * (1 - no_show)
        again = waiting * no_show
    return here, booked
