"""Demand against what the clinic holds, worked out rather than simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.plan import ClinicDraws, ClinicPlan
from plcore.evidence.distributions import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Visits demanded and held in the long run, each of shape (n_draws,).

    Attributes
    ----------
    infusions_each, visits_each : ndarray
        Infusions and booked visits that a new patient leads to, returns included.
    demand, held : ndarray
        Visits a week: to be booked, and that the clinic can book.
    load : ndarray
        The one by the other.
    growth : ndarray
        New patients by which the waiting list grows a week, in the long run; 0 where it does not.
    """

    infusions_each: Floats
    visits_each: Floats
    demand: Floats
    held: Floats
    load: Floats
    growth: Floats

    def in_words(self) -> str:
        """A sentence on whether the clinic can keep up."""
        over = float((self.load >= 1).mean())
        share = f"{np.median(self.load):.0%} of the visits it can book (median)"
        if over == 0:
            return f"Demand is {share}; the waiting list does not grow without end."
        growth = float(np.median(self.growth[self.load >= 1]))
        draws = "" if over == 1 else f" in {over:.0%} of the draws"
        return (
            f"Demand is {share}; it exceeds them{draws}, and the waiting list then never clears: "
            f"it grows by {growth:.2g} patients a week (median)."
        )


def clinic_load(
    plan: ClinicPlan,
    inputs: ClinicDraws,
    relief: Floats,
    open_days: NDArray[np.bool_],
    per_week: ArrayLike,
) -> Load:
    """Whether a clinic can keep up with its referrals.

    The long run: all returns are counted, however late, so that over the first years demand is
    lower. Courses broken off for lack of slots are not allowed for.

    Parameters
    ----------
    plan, inputs, relief, open_days
        As `plcore.clinic.schedule.simulate_clinic` takes them.
    per_week : array_like, shape () or (n_draws,)
        New patients referred a week, 0 or more.
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
    held = np.full(inputs.n_draws, 7 * plan.visits_a_day * open_days.mean())
    demand = rate * visits
    growth = np.maximum(rate - held / visits, 0.0)
    return Load(infusions, visits, demand, held, demand / held, growth)


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
    """Who comes, by visits missed, and the visits booked until then or until they are let go."""
    here = np.zeros_like(coming)
    booked = np.zeros_like(no_show)
    again = np.zeros_like(no_show)
    for missed, share in enumerate(coming):
        waiting = share + again
        booked += waiting
        here[missed] = waiting * (1 - no_show)
        again = waiting * no_show
    return here, booked
