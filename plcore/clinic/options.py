"""Ways to run a clinic: chairs, nurses, hours and days together, from the cheapest.

What a clinic costs is the planner's own prices times what is used; without prices clinics are put in
the order of their nurses' hours, then of their chairs. Nothing is priced that the planner did not
price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.clinic.day import ClinicPlan, DayPlan, with_chairs
from plcore.clinic.patients import ClinicDraws, Integers
from plcore.clinic.results import clinic_load, clinic_measures
from plcore.clinic.schedule import simulate_clinic
from plcore.clinic.sizing import Sample, sample_size, size_row
from plcore.evidence.distributions import Floats
from plcore.inputs import check_fields
from plcore.models.course import CoursePlan

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
