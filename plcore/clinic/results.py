"""What becomes of a clinic and its patients: the outcome of the simulation, tables of it, and load.

What we do not know (draws) and what chance does (runs) are kept apart in the tables. The load
compares demand with capacity without a simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.day import ClinicPlan, DayPlan
from plcore.clinic.patients import ClinicDraws, Integers
from plcore.evidence.distributions import Floats
from plcore.inputs import checks_kinds
from plcore.printed import digits

_YEAR = 365.25
#: Days within which first infusions are counted.
_SOON = (14, 30)
#: What can have become of a patient by the end.
FATES = (
    "not_referred", "waiting", "under_way", "completed", "stopped_without_relief", "dropped_out",
    "broken_off", "missed_visits", "gave_up_waiting",
)  # fmt: skip
NOT_REFERRED, WAITING, UNDER_WAY, COMPLETED, STOPPED, DROPPED, BROKEN_OFF, MISSED, GAVE_UP = range(
    9
)


BY_DAY = (
    "booked", "infusions", "no_shows", "cancelled", "first_offers", "waiting", "ready", "chair_minutes",
    "nurse_minutes", "overtime_minutes", "late_minutes", "mg", "vials",
)  # fmt: skip
BY_PATIENT = (
    "referred_day", "offered_day", "first_day", "completed_day", "fate", "had", "returns", "unseen",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ClinicOutcome:
    """The clinic by day and patient, in every run of chance under every draw of the inputs.

    Attributes
    ----------
    plan : ClinicPlan
        What the clinic chose.
    open : ndarray of bool, shape (n_days,)
        Days on which it is open.
    last_day : int
        Days until which patients who waited for a first infusion at the end were followed at most.
    booked, infusions, no_shows, cancelled, first_offers : ndarray of int
        Shape (n_draws, n_runs, n_days), like all numbers by day. Visits booked; infusions given and
        visits missed without notice among them; visits cancelled in time, which are not among those
        booked; and new patients given their first visit.
    waiting, ready : ndarray of int
        New patients who wait for a first visit at the end of the day, and those among them who are
        ready for it, so that they wait for a slot.
    chair_minutes, nurse_minutes, overtime_minutes, late_minutes : ndarray
        Minutes with a patient in a chair; minutes of nurses with patients; minutes after closing
        time at which the last patient left; and sum of the patients' waits beyond their
        appointments.
    mg, vials : ndarray
        Ketamine given, and vials if none is used for two patients.
    referred_day, offered_day, first_day, completed_day : ndarray of int
        Shape (n_draws, n_runs, n_patients), like all numbers by patient. Days on which the patient
        was referred (below 0 for those on the waiting list on day 0), given a first visit, had a
        first infusion, and completed the first course; `last_day` if never.
    fate, had, returns : ndarray of int
        What had become of the first course when the days ended, as a place in `FATES`; infusions had
        by then; and times that the patient had come back for more treatment.
    unseen : ndarray of bool
        Who still waited for a first infusion on `last_day`.
    returns_broken_off : ndarray of int, shape (n_draws, n_runs)
        Returns for more treatment that were broken off for lack of slots.
    most_booked : ndarray of int, shape (n_draws, n_runs)
        Most visits booked on a day, also of those on which patients are followed on. Where they are
        fewer than the clinic can book, more room would change nothing.
    """

    plan: ClinicPlan
    open: NDArray[np.bool_]
    last_day: int
    booked: Integers
    infusions: Integers
    no_shows: Integers
    cancelled: Integers
    first_offers: Integers
    waiting: Integers
    ready: Integers
    chair_minutes: Floats
    nurse_minutes: Floats
    overtime_minutes: Floats
    late_minutes: Floats
    mg: Floats
    vials: Floats
    referred_day: Integers
    offered_day: Integers
    first_day: Integers
    completed_day: Integers
    fate: NDArray[np.int8]
    had: Integers
    returns: Integers
    unseen: NDArray[np.bool_]
    returns_broken_off: Integers
    most_booked: Integers

    @property
    def n_days(self) -> int:
        """Number of days followed."""
        return len(self.open)


def clinic_measures(
    outcome: ClinicOutcome, *, from_day: int = 0, load: Load | None = None
) -> dict[str, tuple[str, Floats]]:
    """Unit and values, of shape (n_draws, n_runs), of each measure that a planner asks for.

    Waits are those of patients referred from `from_day` on, to their first infusion, time lost by
    the patient's own missed visits included. Patients who wait at the end are followed until they
    are seen. Those lost before a first infusion are left out, but for those who gave up waiting, who
    count among those not seen within some days. Days before `from_day`, while a clinic fills up,
    are left out.

    Where demand exceeds capacity the wait grows for as long as one looks, so that it has no mean:
    with `load`, that of the same draws, waits are infinite in the draws in which the list never
    clears. Without it they are those of the patients referred in these days.
    """
    if not 0 <= from_day < outcome.n_days:
        raise ValueError(f"from_day is {from_day}; expected from 0 to {outcome.n_days - 1}")
    a_year = _YEAR / (outcome.n_days - from_day)
    plan, n_days = outcome.plan, outcome.n_days
    opened = max(int(outcome.open[from_day:].sum()), 1)
    nurses = plan.by_day(lambda day: day.nurses, n_days)

    def available(of_day: Callable[[DayPlan], float]) -> float:
        return max(float((plan.by_day(of_day, n_days) * outcome.open)[from_day:].sum()), 1.0)

    chair_minutes = available(lambda day: day.chairs * day.open_minutes)
    nurse_minutes = available(lambda day: day.nurses * day.open_minutes)
    never = np.zeros(outcome.fate.shape[:2])
    if load is not None:
        never += load.never_clears[:, np.newaxis]

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
        "chair_utilisation": ("share", total(outcome.chair_minutes) / chair_minutes),
        "nurse_utilisation": ("share", total(outcome.nurse_minutes) / nurse_minutes),
        **_waits(outcome, from_day, never > 0),
        **({} if load is None else {"list_never_clears": ("share", never)}),
        "gave_up_share": ("share", _gave_up(outcome, from_day)),
        "course_weeks": ("weeks", _span(outcome, from_day)),
        "waiting_at_end": ("people", outcome.waiting[..., -1].astype(float)),
        "waiting_growth_a_week": ("people", _growth(outcome, from_day)),
        "courses_broken_off": ("courses", _count(outcome, BROKEN_OFF)),
        "returns_broken_off": ("returns", outcome.returns_broken_off.astype(float)),
        "nurse_hours_a_year": (
            "hours",
            (nurse_minutes + total(outcome.overtime_minutes * nurses)) / 60 * a_year,
        ),
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


def _referred(outcome: ClinicOutcome, from_day: int) -> NDArray[np.bool_]:
    """Patients referred in the days that count, those on the waiting list on day 0 among them."""
    return np.asarray(
        (np.maximum(outcome.referred_day, 0) >= from_day) & (outcome.referred_day < outcome.n_days)
    )


def _waits(
    outcome: ClinicOutcome, from_day: int, never: NDArray[np.bool_]
) -> dict[str, tuple[str, Floats]]:
    counted, days = _days_waited(outcome, from_day)
    n = counted.sum(axis=2)
    mean = _share_of(np.where(counted, days, 0.0).sum(axis=2), n)
    in_order = np.sort(np.where(counted, days, np.inf), axis=2)
    at = np.maximum(np.ceil(0.9 * n).astype(np.int64) - 1, 0)[..., None]
    ninetieth = np.where(n > 0, np.take_along_axis(in_order, at, axis=2)[..., 0], np.nan)
    waits = {
        "wait_mean": ("days", np.where(never, np.inf, mean)),
        "wait_90th_percentile": ("days", np.where(never, np.inf, ninetieth)),
    }
    for limit in _SOON:
        waits[f"first_infusion_within_{limit}_days"] = (
            "share",
            share_within(outcome, limit, from_day=from_day),
        )
    return waits


def mean_wait(outcome: ClinicOutcome) -> Floats:
    """Mean days to the first infusion of all patients referred, shape (n_draws, n_runs)."""
    counted, days = _days_waited(outcome, 0)
    return _share_of(np.where(counted, days, 0.0).sum(axis=2), counted.sum(axis=2))


def _days_waited(outcome: ClinicOutcome, from_day: int) -> tuple[NDArray[np.bool_], Floats]:
    """Whose wait counts, and how long it was; so far, of those who are still unseen."""
    seen = outcome.first_day < outcome.last_day
    counted = _referred(outcome, from_day) & (seen | outcome.unseen)
    return counted, (outcome.first_day - outcome.referred_day).astype(float)


def _gave_up(outcome: ClinicOutcome, from_day: int) -> Floats:
    """Share of the patients referred who gave up waiting, by the end or while followed beyond it."""
    referred = _referred(outcome, from_day)
    gave_up = referred & (outcome.offered_day == outcome.last_day) & ~outcome.unseen
    return _share_of(gave_up.sum(axis=2), referred.sum(axis=2))


def _span(outcome: ClinicOutcome, from_day: int) -> Floats:
    """Mean weeks of a completed course, from the first day of its first to that of its last."""
    done = _referred(outcome, from_day) & (outcome.completed_day < outcome.n_days)
    days = np.where(done, outcome.completed_day - outcome.first_day + 1.0, 0.0).sum(axis=2)
    return _share_of(days / 7, done.sum(axis=2))


def share_within(
    outcome: ClinicOutcome, days: int, *, from_day: int = 0, to_day: int | None = None
) -> Floats:
    """Share of patients with a first infusion within some days of referral, (n_draws, n_runs).

    Of those referred from `from_day` to before `to_day` (by default the end) and followed for that
    many days. Those who gave up waiting count as not seen, those lost in another way are left out.
    NaN where nobody is counted.
    """
    seen = outcome.first_day < outcome.last_day
    lost = ~seen & ~outcome.unseen & (outcome.offered_day < outcome.last_day)
    counted = _referred(outcome, from_day) & ~lost
    counted &= outcome.referred_day + days < outcome.last_day
    if to_day is not None:
        counted &= outcome.referred_day < to_day
    soon = counted & seen & (outcome.first_day - outcome.referred_day <= days)
    return _share_of(soon.sum(axis=2), counted.sum(axis=2))


def _share_of(count: ArrayLike, total: ArrayLike) -> Floats:
    top, bottom = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    return np.where(bottom > 0, top / np.maximum(bottom, 1), np.nan)


@checks_kinds
def clinic_table(
    outcome: ClinicOutcome, *, level: float = 0.95, load: Load | None = None
) -> pd.DataFrame:
    """A table of what a planner asks for, a row for each measure.

    Waits are those to the first infusion; patients who wait at the end are followed until they are
    seen.

    Parameters
    ----------
    outcome : ClinicOutcome
        The simulated clinic, such as the `outcome` of a planner's answer.
    level : float
        Share of cases that the intervals hold, between 0 and 1.
    load : Load, optional
        Demand against capacity, such as the `load` of a planner's answer. With it waits are infinite
        in the draws in which the waiting list never clears, and there is a row for how many these
        are. Without it waits are those of the patients referred in these days only.

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
    for measure, (unit, values) in clinic_measures(outcome, load=load).items():
        some = ~np.isnan(values).all(axis=1)
        if not some.any():
            rows.append((measure, unit, *[np.nan] * 7))
            continue
        kept = values[some]
        means = np.nanmean(kept, axis=1)
        least = -np.inf if measure == "waiting_growth_a_week" else 0.0
        finite = np.isfinite(means)
        luck = np.full(1, np.inf)
        if finite.any():
            luck = means[finite].mean() + kept[finite] - means[finite, np.newaxis]
            luck = np.clip(luck, least, 1.0 if unit == "share" else np.inf)
        limits = [quantiles(sample, tails) for sample in (means, luck, kept)]
        rows.append((measure, unit, means.mean(), *np.concatenate(limits)))
    ends = [f"{end}_{kind}" for kind in ("unknown", "chance", "both") for end in ("low", "high")]
    return pd.DataFrame(rows, columns=["measure", "unit", "mean", *ends])


def quantiles(values: ArrayLike, at: Sequence[float]) -> Floats:
    """Quantiles of all values but NaN, some of which may be infinite; NaN where there are none."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if not known.size:
        return np.full(len(at), np.nan)
    # Between a number and infinity there is nothing to interpolate.
    method = "linear" if np.isfinite(known).all() else "inverted_cdf"
    return np.asarray(np.quantile(known, at, method=method))  # type: ignore[call-overload]


@checks_kinds
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
        the level. The measures `waiting` and `ready` are numbers at the end of the period, all
        others are sums.

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
        sums = (
            values[:, ends]
            if name in ("waiting", "ready")
            else np.add.reduceat(values, starts, axis=1)
        )
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


@checks_kinds
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
    gives_up : bool
        Whether patients give up waiting, so that no list grows for ever.
    """

    infusions_each: Floats
    visits_each: Floats
    demand: Floats
    capacity: Floats
    load: Floats
    growth: Floats
    gives_up: bool = False

    @property
    def never_clears(self) -> NDArray[np.bool_]:
        """Draws in which the list grows for as long as one looks, so that a wait has no mean."""
        return np.asarray((self.load >= 1) & (not self.gives_up))

    def in_words(self) -> str:
        """A sentence on whether the clinic can keep up with demand."""
        over = float((self.load >= 1).mean())
        share = f"{np.median(self.load):.0%} of the visits that the clinic can book (median)"
        if over == 0:
            return f"Demand is {share}; the waiting list does not keep growing."
        draws = "" if over == 1 else f" in {over:.0%} of the draws"
        excess = self.load[self.load >= 1]
        if self.gives_up:
            lost = float(np.median(1 - 1 / excess))
            return (
                f"Demand is {share}; it exceeds capacity{draws}, and the waiting list then grows "
                f"until {lost:.0%} of new patients give up (median)."
            )
        growth = float(np.median(self.growth[self.load >= 1]))
        return (
            f"Demand is {share}; it exceeds capacity{draws}, and the waiting list then keeps growing, "
            f"by {growth:.2g} patients a week (median), and never clears."
        )


def wait_in_words(outcome: ClinicOutcome, load: Load) -> str:
    """A sentence on the wait for a first infusion, which says so where the wait has no mean.

    `load` is that of the same draws.
    """
    measures = clinic_measures(outcome)
    means, ninetieth = measures["wait_mean"][1], measures["wait_90th_percentile"][1]
    over = load.never_clears
    if np.isnan(means).all():
        return "Nobody was referred, so that nobody waited."
    at_least = "at least " if outcome.unseen.any() else ""
    parts = []
    if not np.isnan(means[~over]).all():
        known = means[~over]
        known = known[~np.isnan(known).all(axis=1)]
        by_draw = np.nanmean(known, axis=1)
        mean = float(by_draw.mean())
        low, high = quantiles(by_draw, [0.025, 0.975])
        luck = np.maximum(mean + known - by_draw[:, np.newaxis], 0.0)
        lucky, unlucky = quantiles(luck, [0.025, 0.975])
        longer = quantiles(ninetieth[~over], [0.5])[0]
        chance = (
            "which includes chance, as each draw has one run"
            if means.shape[1] == 1
            else f"and by chance alone {digits(lucky)} to {digits(unlucky)} days"
        )
        where = (
            "The"
            if not over.any()
            else f"In {1 - over.mean():.0%} of the draws demand can be met: the"
        )
        parts.append(
            f"{where} mean wait for the first infusion is {at_least}{digits(mean)} days; because of "
            f"what we do not know it may be {digits(low)} to {digits(high)} days, {chance}. One in ten "
            f"waits {at_least}{digits(longer)} days or more."
        )
    if over.any():
        median, low, high = quantiles(means[over], [0.5, 0.025, 0.975])
        growth = float(np.median(load.growth[over]))
        where = "In the others the" if parts else "The"
        parts.append(
            f"{where} wait has no end: those referred in these {outcome.n_days / _YEAR:.2g} years wait "
            f"at least {digits(median)} days on average ({digits(low)} to {digits(high)}) and those after "
            f"them longer, as the list grows by {growth:.2g} a week and never clears."
        )
    return " ".join(parts)


def cleared_on(outcome: ClinicOutcome) -> Integers:
    """The first day at whose end nobody who is ready waits, (n_draws, n_runs); n_days if none is."""
    empty = outcome.ready == 0
    return np.asarray(np.where(empty.any(axis=2), empty.argmax(axis=2), outcome.n_days))


def cleared_in_words(outcome: ClinicOutcome, first: date) -> str:
    """A sentence on when the waiting list of the opening, on the day `first`, is cleared."""
    n = int((outcome.referred_day < 0).sum(axis=2).max())
    if not n:
        return "Nobody waits at the opening."
    days = cleared_on(outcome).ravel()
    never = float((days == outcome.n_days).mean())
    list_of = f"The waiting list of the opening ({n} {'person' if n == 1 else 'people'})"
    if never == 1:
        return f"{list_of} is not cleared in these {outcome.n_days / _YEAR:.3g} years."
    known = np.where(days == outcome.n_days, np.inf, days)
    median, low, high = (
        "after these years"
        if np.isinf(day)
        else f"in {date.fromordinal(first.toordinal() + int(day)):%B %Y}"
        for day in quantiles(known, [0.5, 0.025, 0.975])
    )
    rest = "" if never == 0 else f"; it is not cleared in these years in {never:.0%} of all cases"
    # With all slots free at first it is sooner empty than demand and capacity in the long run say.
    return (
        f"{list_of}, simulated day by day with all slots free at first, is empty for the first time "
        f"{median} (95% limits {low.removeprefix('in ')} to {high.removeprefix('in ')}){rest}."
    )


def course_in_words(outcome: ClinicOutcome, *, weeks_asked: float | None = None) -> str:
    """A sentence on how long a completed course takes, and whether that is what was asked.

    `weeks_asked` is by default from the first to the last day of the course.
    """
    days = outcome.plan.course.course_days
    n, asked = len(days), weeks_asked or (days[-1] + 1) / 7
    spans = clinic_measures(outcome)["course_weeks"][1]
    if np.isnan(spans).all():
        return "Nobody completed a course."
    weeks = float(np.nanmedian(spans))
    said = (
        f"A course of {n} infusions planned for {asked:.2g} weeks takes {weeks:.2g} weeks"
        if n > 1
        else "A course is one infusion"
    )
    # More than a tenth and more than two days, which a weekend takes.
    if n > 1 and weeks - asked > max(0.1 * asked, 2.5 / 7):
        return (
            f"Warning: {said[0].lower()}{said[1:]}, as the clinic is open on too few days, or has too "
            "few slots, to keep to its dates, or too many visits are missed."
        )
    return f"{said}."


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
    # As it is in the end, where it changes.
    a_day = plan.visits_on(plan.periods[-1][1])
    capacity = np.full(inputs.n_draws, 7 * a_day * open_days.mean())
    demand = rate * visits
    gives_up = inputs.patience_days is not None
    growth = np.where(gives_up, 0.0, np.maximum(rate - capacity / visits, 0.0))
    return Load(infusions, visits, demand, capacity, demand / capacity, growth, gives_up)


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
