"""How many chairs, nurses, hours and days: the fewest that keep a service level, and the cheapest.

What a clinic costs is the planner's own prices times what is used; without prices clinics are put
in the order of their nurses' hours, then of their chairs. Nothing is priced that the planner did
not price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.day import ClinicPlan, DayPlan, with_chairs
from plcore.clinic.patients import ClinicDraws, Integers
from plcore.clinic.results import (
    ClinicOutcome,
    Load,
    clinic_load,
    clinic_measures,
    mean_wait,
    quantiles,
    share_within,
)
from plcore.clinic.schedule import simulate_clinic
from plcore.evidence.distributions import Floats
from plcore.inputs import check_fields, checks_kinds
from plcore.models.course import CoursePlan


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What the row of a size rests on; arrays by run of each draw, shape (n_draws, n_runs).

    Attributes
    ----------
    plan : ClinicPlan
        The clinic of that size.
    load : Load
        Demand against its capacity.
    chair_hours : float
        Hours that its chairs are open, over all days.
    infusions_a_year, hours_used : ndarray
        Infusions of a year, and hours with a patient in a chair over all days.
    wait : ndarray
        Mean days to the first infusion, NaN where nobody was referred.
    soon : ndarray
        Share of patients with a first infusion in time, NaN where nobody is counted.
    unseen : ndarray of bool
        Whether somebody had not been seen when patients were no longer followed.
    most_booked : ndarray of int
        Most visits booked on a day.
    """

    plan: ClinicPlan
    load: Load
    chair_hours: float
    infusions_a_year: Floats
    hours_used: Floats
    wait: Floats
    soon: Floats
    unseen: NDArray[np.bool_]
    most_booked: Integers

    def first_runs(self) -> Sample:
        """The first run of each draw alone."""
        return replace(self, **{name: getattr(self, name)[:, :1] for name in _BY_RUN})

    def same_in(self, plan: ClinicPlan) -> NDArray[np.bool_]:
        """Runs that another clinic has as well, as neither is ever full in them."""
        least = min(self.plan.visits_on(day) for _, day in self.plan.periods)
        most = plan.visits_on(plan.day)
        return np.asarray((self.most_booked < least) & (self.most_booked <= most))


_BY_RUN = ("infusions_a_year", "hours_used", "wait", "soon", "unseen", "most_booked")


def sample_of(
    outcome: ClinicOutcome,
    load: Load,
    *,
    within_days: int,
    judged: tuple[int, int] | None = None,
) -> Sample:
    """What the row of a size rests on, from the simulated clinic and the load of the same draws."""
    from_day, to_day = judged or (0, outcome.n_days)
    return Sample(
        plan=outcome.plan,
        load=load,
        chair_hours=_chair_hours(outcome.plan, outcome.open),
        infusions_a_year=outcome.infusions.sum(axis=2) * (365.25 / outcome.n_days),
        hours_used=outcome.chair_minutes.sum(axis=2) / 60,
        wait=mean_wait(outcome),
        soon=share_within(outcome, within_days, from_day=from_day, to_day=to_day),
        unseen=np.asarray(outcome.unseen.any(axis=2)),
        most_booked=outcome.most_booked,
    )


def sample_size(
    plan: ClinicPlan,
    inputs: ClinicDraws,
    referrals: Integers,
    relief: Floats,
    open_days: NDArray[np.bool_],
    *,
    per_week: ArrayLike,
    within_days: int,
    seed: int,
    judged: tuple[int, int] | None = None,
    follow_days: int | None = None,
    others: Sequence[Sample] = (),
) -> Sample:
    """What the row of a size rests on, simulated only where no other size tells.

    A run in which a clinic is never full is the same in every clinic that holds as many visits a day
    as it books at most, whatever their chairs and nurses, and is taken from `others`: samples of the
    same patients, days, service level and seed. Patients who wait at the end are followed for
    `follow_days`, by default for as long as the service level and most lists need. The rest is as for
    `sizing_table`.
    """
    load = clinic_load(plan, inputs, relief, open_days, per_week)
    shape = (inputs.n_draws, referrals.shape[1])
    missing = np.ones(shape, dtype=bool)
    found: list[tuple[NDArray[np.bool_], dict[str, np.ndarray]]] = []
    for other in others:
        same = missing & other.same_in(plan)
        found.append((same, {name: getattr(other, name)[same] for name in _BY_RUN}))
        missing &= ~same
    if missing.any():
        most = max(within_days, len(open_days) // 4) if follow_days is None else follow_days
        outcome = simulate_clinic(
            plan, inputs, referrals, relief, open_days, seed=seed, follow_days=most, only=missing
        )
        simulated = sample_of(outcome, load, within_days=within_days, judged=judged)
        found.append((missing, {name: getattr(simulated, name)[:, 0] for name in _BY_RUN}))
    arrays = {name: np.zeros(shape, dtype=values.dtype) for name, values in found[-1][1].items()}
    for rows, values in found:
        for name in _BY_RUN:
            arrays[name][rows] = values[name]
    return Sample(plan=plan, load=load, chair_hours=_chair_hours(plan, open_days), **arrays)


def _chair_hours(plan: ClinicPlan, open_days: NDArray[np.bool_]) -> float:
    minutes = plan.by_day(lambda day: day.chairs * day.open_minutes, len(open_days))
    return max(float((minutes * open_days).sum()), 1.0) / 60


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
    before the second. `per_week`, of shape (n_draws,), are the referrals that are taken to continue
    (by default the mean of these days); the rest is as for `simulate_clinic`.

    Returns
    -------
    DataFrame
        A row for each size: chairs, nurses, visits_a_day, infusions_a_year, chair_utilisation, load
        (median over draws); wait_mean (median over draws of the mean wait of those referred in these
        days, infinite where the list never clears), never_clears (share of draws in which the waiting
        list grows without end) and wait (both in words); share_within, growth_a_week (of the waiting
        list); probability that the service level is kept, over both kinds of uncertainty, and its
        Monte-Carlo standard_error; and what the size adds to the one before: infusions_gained,
        days_saved, share_gained.
    """
    if within_days < 0:
        raise ValueError(f"within_days is {within_days}; expected 0 or more")
    if not sizes:
        raise ValueError("no sizes; expected at least one")
    n_days = len(open_days)
    if per_week is None:
        here = (referrals >= 0) & (referrals < n_days)
        per_week = np.broadcast_to(here.sum(axis=2).mean(axis=1) * 7 / n_days, inputs.n_draws)
    samples: list[Sample] = []
    # From the largest, which settles most of the others.
    for day in sorted(sizes, key=plan.visits_on, reverse=True):
        sized = replace(plan, day=day, changes=())
        samples.append(
            sample_size(
                sized, inputs, referrals, relief, open_days, per_week=per_week,
                within_days=within_days, seed=seed, judged=judged, others=samples,
            )
        )  # fmt: skip
    by_day = {sample.plan.day: size_row(sample, share=share) for sample in samples}
    return with_gains(pd.DataFrame([by_day[day] for day in sizes]))


def with_gains(table: pd.DataFrame) -> pd.DataFrame:
    """A table of sizes with what each size adds to the one before."""
    return table.assign(
        infusions_gained=table["infusions_a_year"].diff(),
        days_saved=[np.nan, *_saved(table["wait_mean"].to_numpy(dtype=float))],
        share_gained=table["share_within"].diff(),
    )


def _saved(waits: Floats) -> Floats:
    """Days saved by each size on the one before; NaN where neither wait has an end."""
    endless = np.isinf(waits[:-1]) & np.isinf(waits[1:])
    return np.where(endless, np.nan, waits[:-1] - np.where(endless, 0.0, waits[1:]))


def size_row(sample: Sample, *, share: float) -> dict[str, object]:
    """The row of `sizing_table` for a size, but for its gains."""
    if not 0 < share <= 1:
        raise ValueError(f"share is {share:g}; expected above 0 and at most 1")
    if not np.isfinite(sample.soon).any():
        raise ValueError("nobody was referred, so that no service level can be judged")
    day, load = sample.plan.day, sample.load
    kept = np.where(np.isfinite(sample.soon), sample.soon >= share, np.nan)
    wait, words = _wait_of(sample)
    return {
        "chairs": day.chairs,
        "nurses": day.nurses,
        "visits_a_day": sample.plan.visits_a_day,
        "infusions_a_year": float(sample.infusions_a_year.mean()),
        "chair_utilisation": float(sample.hours_used.mean()) / sample.chair_hours,
        "load": float(np.median(load.load)),
        "wait_mean": wait,
        "never_clears": float(load.never_clears.mean()),
        "wait": words,
        "share_within": float(np.nanmean(sample.soon)),
        "growth_a_week": float(load.growth.mean()),
        "probability": float(np.nanmean(kept)),
        "standard_error": _standard_error(kept),
    }


def _wait_of(sample: Sample) -> tuple[float, str]:
    """The median over draws of the mean wait, infinite where the list never clears, and in words."""
    never = sample.load.never_clears
    some = np.asarray(np.isfinite(sample.wait).any(axis=1))
    means = np.full(len(some), np.nan)
    means[some] = np.nanmean(sample.wait[some], axis=1)
    wait = float(quantiles(np.where(never & some, np.inf, means), [0.5])[0])
    share = f"{never.mean():.0%}" if never.mean() >= 0.01 else f"{never.mean():.1%}"
    end = f"no end in {share} of the draws, as the list never clears"
    if np.isinf(wait):
        return wait, end
    at_least = "at least " if sample.unseen[~never].any() else ""
    return wait, f"{at_least}{wait:,.1f} days" + (f", and {end}" if never.any() else "")


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


@checks_kinds
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


# --- Ways to run a clinic ------------------------------------------------------------------------

_WEEKS = 365.25 / 7
#: A course that takes more than this many times the weeks that were planned does not keep to them.
_LONGER = 1.15


@dataclass(frozen=True, slots=True)
class Prices:
    """The planner's own prices; what is None is left out of the cost.

    Attributes
    ----------
    nurse_hour, chair_year, vial, rent_year : float, optional
        Of an hour of a nurse, a chair for a year, a vial, and rooms for a year.
    infusion_fee : float, optional
        What is paid to the clinic for an infusion.
    leave_share : float
        Share of their paid hours that nurses are away, from 0 to below 1.
    """

    nurse_hour: float | None = None
    chair_year: float | None = None
    vial: float | None = None
    rent_year: float | None = None
    infusion_fee: float | None = None
    leave_share: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        for field in fields(self):
            price = getattr(self, field.name)
            if price is not None and not 0 <= price < np.inf:
                raise ValueError(f"{field.name} is {price:g}; expected 0 or more")
        if self.leave_share >= 1:
            raise ValueError(f"leave_share is {self.leave_share:g}; expected below 1")

    @property
    def left_out(self) -> tuple[str, ...]:
        """What has no price, in words."""
        words = {
            "nurse_hour": "nurses", "chair_year": "chairs", "vial": "vials", "rent_year": "rent",
        }  # fmt: skip
        return tuple(text for name, text in words.items() if getattr(self, name) is None)

    def paid_hours(self, hours: float) -> float:
        """Hours that nurses are paid for so many on duty."""
        return hours / (1 - self.leave_share)

    def cost(self, *, nurse_hours: float, chairs: float, vials: float) -> float | None:
        """Cost of a year with so many nurses' hours on duty, chairs and vials; None unpriced."""
        parts = [
            (self.nurse_hour, self.paid_hours(nurse_hours)),
            (self.chair_year, chairs),
            (self.vial, vials),
            (self.rent_year, 1.0),
        ]
        priced = [price * amount for price, amount in parts if price is not None]
        return sum(priced) if priced else None


def course_weeks(course: CoursePlan, open_days: NDArray[np.bool_]) -> float:
    """Mean weeks that a course takes with these open days, if no visit is missed or late.

    Over all first days from which it can be completed; NaN if it never can.
    """
    n_days = len(open_days)
    ahead = np.append(np.where(open_days, np.arange(n_days), n_days), n_days)
    next_open = np.minimum.accumulate(ahead[::-1])[::-1]
    first = np.flatnonzero(open_days)
    day = first
    for offset in course.course_days[1:]:
        day = next_open[np.minimum(np.maximum(first + offset, day + 1), n_days)]
    done = day < n_days
    return float((day - first + 1)[done].mean() / 7) if done.any() else np.nan


def options_table(
    plan: ClinicPlan,
    calendars: Mapping[int, NDArray[np.bool_]],
    inputs: ClinicDraws,
    referrals: Integers,
    relief: Floats,
    *,
    per_week: Floats,
    hours: Sequence[float],
    most_chairs: int,
    prices: Prices,
    within_days: int,
    share: float,
    probability: float,
    seed: int,
    judged: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """The cheapest clinic that keeps the service level, for each number of days a week.

    For each number of days, clinics with more and more room are simulated by halving, as far as
    they are worth their cost, until the cheapest is found that keeps the service level with the
    probability.

    Parameters
    ----------
    plan : ClinicPlan
        Its day is replaced; course, dose and booking stay.
    calendars : mapping of int to ndarray of bool, shape (n_days,)
        By number of days a week, the days on which the clinic is open.
    inputs, referrals, relief, seed
        As for `plcore.clinic.simulate_clinic`.
    per_week : ndarray, shape (n_draws,)
        Referrals a week that are taken to continue.
    hours : sequence of float
        Hours a day that are tried.
    most_chairs : int
        Clinics with up to so many chairs are tried.
    prices : Prices
        The planner's own.
    within_days, share, probability
        The service level: first infusions within these days of referral, in this share of
        patients, with this probability.
    judged : (int, int), optional
        The service level counts only those referred from the first of these days to before the
        second.

    Returns
    -------
    DataFrame
        A row for each number of days, the cheapest first, those that keep the service level and
        the weeks of the course before others: days_a_week, hours, chairs, nurses, visits_a_week,
        nurse_hours_a_week (on duty), course_weeks (see `course_weeks`), keeps_course, load (median),
        wait, probability, standard_error, enough, cost_a_year and income_a_year (NaN without
        prices, the cost also where the service level is not kept).
    """
    planned = (plan.course.course_days[-1] + 1) / 7
    rows = []
    for days, is_open in calendars.items():
        weeks = course_weeks(plan.course, is_open)
        ladder = _ladder(plan, is_open, hours, most_chairs, prices)
        loads = [
            clinic_load(replace(plan, day=day, changes=()), inputs, relief, is_open, per_week)
            for day in ladder
        ]
        # A clinic whose list grows in too many draws need not be simulated.
        able = [float((~load.never_clears).mean()) >= probability for load in loads]
        low, high = (able.index(True) if any(able) else len(able) - 1), len(able) - 1
        # Where people give up no list grows; what holds them all is nearer than the smallest.
        holds = [float((load.load < 1).mean()) >= probability for load in loads]
        samples: dict[int, Sample] = {}

        def row(
            i: int,
            ladder: Sequence[DayPlan] = ladder,
            is_open: NDArray[np.bool_] = is_open,
            samples: dict[int, Sample] = samples,
        ) -> dict[str, object]:
            if i not in samples:
                samples[i] = sample_size(
                    replace(plan, day=ladder[i], changes=()), inputs, referrals, relief, is_open,
                    per_week=per_week, within_days=within_days, seed=seed, judged=judged,
                    follow_days=within_days,
                    others=[samples[known] for known in sorted(samples, reverse=True)],
                )  # fmt: skip
            return size_row(samples[i], share=share)

        def enough(i: int) -> bool:
            return float(str(row(i)["probability"])) >= probability

        # Small clinics are mostly enough: up from the smallest in growing steps, then halving.
        step, below = 1, low - 1
        at = max(low, holds.index(True) if any(holds) else high)
        while at < high and not enough(at):
            below, at, step = at, min(at + step, high), 2 * step
        if enough(at):
            while at - below > 1:
                middle = (at + below) // 2
                below, at = (below, middle) if enough(middle) else (middle, at)
        found, day = row(at), ladder[at]
        cost = None
        if prices != Prices(leave_share=prices.leave_share) and enough(at):
            outcome = simulate_clinic(
                samples[at].plan, inputs, referrals, relief, is_open, seed=seed, follow_days=0
            )
            used = clinic_measures(outcome)
            nurse_hours, vials = (
                float(used[name][1].mean()) for name in ("nurse_hours_a_year", "vials_a_year")
            )
            cost = prices.cost(nurse_hours=nurse_hours, chairs=day.chairs, vials=vials)
        fee = prices.infusion_fee
        rows.append(
            {
                "days_a_week": days,
                "hours": day.open_minutes / 60,
                "chairs": day.chairs,
                "nurses": day.nurses,
                "visits_a_week": 7 * float(is_open.mean()) * plan.visits_on(day),
                "nurse_hours_a_week": 7
                * float(is_open.mean())
                * day.nurses
                * day.open_minutes
                / 60,
                "course_weeks": weeks,
                "keeps_course": bool(weeks <= _LONGER * planned),
                **{name: found[name] for name in ("load", "wait", "probability", "standard_error")},
                "enough": enough(at),
                "cost_a_year": np.nan if cost is None else cost,
                "income_a_year": (
                    np.nan if fee is None else fee * float(str(found["infusions_a_year"]))
                ),
            }
        )
    table = pd.DataFrame(rows)
    table["fails"] = ~table["enough"]
    table["longer"] = ~table["keeps_course"]
    order = ["fails", "longer", "cost_a_year", "nurse_hours_a_week", "chairs"]
    return table.sort_values(order, ignore_index=True).drop(columns=["fails", "longer"])


def options_in_words(table: pd.DataFrame, prices: Prices, *, days_a_week: int, by: str = "") -> str:
    """A sentence on the cheapest way to keep the service level.

    `table` is as `options_table` gives it, `days_a_week` the days of a full-time clinic, `by` the
    date by which it is to be kept, as " by July 2027".
    """
    enough = table[table["enough"]]
    if enough.empty:
        return f"No clinic of those tried keeps the service level{by}, whatever its days and hours."
    best = enough.iloc[0]
    cost = best["cost_a_year"]
    priced = ""
    if not np.isnan(cost):
        missing = f" (not priced: {', '.join(prices.left_out)})" if prices.left_out else ""
        priced = f", at {cost:,.0f} a year{missing}"
    what = (
        f"{best['chairs']:.0f} {'chair' if best['chairs'] == 1 else 'chairs'}, "
        f"{best['nurses']:.0f} {'nurse' if best['nurses'] == 1 else 'nurses'}, "
        f"{best['hours']:g} hours on {best['days_a_week']:.0f} "
        f"{'day' if best['days_a_week'] == 1 else 'days'} a week"
    )
    kept = (
        "" if best["keeps_course"] else f" (a course then takes {best['course_weeks']:.2g} weeks)"
    )
    rank = "cheapest" if priced else "one with the fewest nurses' hours"
    sentence = (
        f"Of the clinics that keep the service level{by}, the {rank} has {what}{kept}{priced}."
    )
    fewest = enough.sort_values("days_a_week").iloc[0]
    if fewest["days_a_week"] < days_a_week and fewest["chairs"] == 1:
        one = fewest["days_a_week"] == 1
        days = "one day a week" if one else f"{fewest['days_a_week']:.0f} days a week"
        longer = (
            ""
            if fewest["keeps_course"]
            else f", though a course would then take {fewest['course_weeks']:.2g} weeks"
        )
        sentence = f"Too small to open full-time: {days} would do{longer}. {sentence}"
    return sentence


def _ladder(
    plan: ClinicPlan,
    is_open: NDArray[np.bool_],
    hours: Sequence[float],
    most_chairs: int,
    prices: Prices,
) -> list[DayPlan]:
    """Days that each hold more visits than all that cost no more, from the cheapest."""
    opened = float(is_open.mean()) * 365.25

    def cost(day: DayPlan) -> tuple[float, ...]:
        nurse_hours = day.nurses * day.open_minutes / 60 * opened
        priced = prices.cost(nurse_hours=nurse_hours, chairs=day.chairs, vials=0.0)
        return (*(() if priced is None else (priced,)), nurse_hours, day.chairs, day.open_minutes)

    days = sorted(_days(plan, hours, most_chairs), key=cost)
    kept: list[DayPlan] = []
    most = 0
    for day in days:
        held = plan.visits_on(day)
        if held > most:
            kept.append(day)
            most = held
    if not kept:
        raise ValueError(
            f"no clinic with up to {most_chairs} chairs and {max(hours):g} hours holds a visit; "
            "expected longer hours"
        )
    return kept


def _days(plan: ClinicPlan, hours: Sequence[float], most_chairs: int) -> Iterator[DayPlan]:
    """Every number of chairs with the numbers of nurses of use, for each length of the day."""
    least = plan.day.visit_minutes
    for length in sorted({round(60 * h) for h in hours if round(60 * h) >= least}):
        for chairs in range(1, most_chairs + 1):
            # Fewer than half of the fewest waste chairs; of many numbers a few will do.
            least_nurses = with_chairs(replace(plan.day, open_minutes=length), chairs).nurses
            numbers = np.unique(np.linspace(-(-least_nurses // 2), chairs, 5).round().astype(int))
            for nurses in {*numbers.tolist(), least_nurses}:
                day = replace(
                    plan.day, chairs=chairs, nurses=nurses, open_minutes=length, most_visits=None
                )
                # Without room for one patient beside the others it is no clinic of this plan.
                try:
                    replace(plan, day=day, changes=())
                except ValueError:
                    continue
                yield day
