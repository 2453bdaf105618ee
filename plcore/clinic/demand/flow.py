"""When patients come: a pool of people who would, emptied as they hear of the clinic.

Everybody in the pool comes forward at the same rate, the same for those who have been in pain for
years and those newly so, and leaves it as people with limb loss leave the area's count: by death.
Within a week both rates are constant, so that a week is solved exactly (competing exponentials).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from plcore.clinic.demand.funnel import Funnel
from plcore.evidence.distributions import Floats
from plcore.models.outcome import Outcome

#: Weeks of a year of 365.25 days.
WEEKS_A_YEAR = 365.25 / 7


@dataclass(frozen=True, slots=True)
class Opening:
    """When a clinic opens and how it becomes known.

    Attributes
    ----------
    year : int
        It opens at the start of this year.
    n_years : int
        Years followed.
    ramp_years : float
        Years until all who will know of the clinic do; 0 from the first day.
    known_at_first : float
        Share who know of it on the first day; rises in a straight line.
    """

    year: int
    n_years: int = 5
    ramp_years: float = 1.0
    known_at_first: float = 0.25

    def __post_init__(self) -> None:
        if self.n_years < 1:
            raise ValueError(f"n_years is {self.n_years}; expected 1 or more")
        if not 0 <= self.ramp_years < np.inf:
            raise ValueError(f"ramp_years is {self.ramp_years:g}; expected 0 or more")
        if not 0 <= self.known_at_first <= 1:
            raise ValueError(
                f"known_at_first is {self.known_at_first:g}; expected a share from 0 to 1"
            )

    @property
    def n_weeks(self) -> int:
        """Weeks of these years, the last of which may end after them."""
        return int(np.ceil(self.n_years * WEEKS_A_YEAR))

    def known(self) -> Floats:
        """Share who know of the clinic in the middle of each week, shape (n_weeks,)."""
        middle = (np.arange(self.n_weeks) + 0.5) / WEEKS_A_YEAR
        if self.ramp_years == 0:
            return np.ones(self.n_weeks)
        rise = (1 - self.known_at_first) * middle / self.ramp_years
        return np.asarray(np.minimum(self.known_at_first + rise, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """New patients expected a week, of those in pain at the opening and of those newly so.

    Attributes
    ----------
    opening : Opening
    backlog, new_cases : ndarray, shape (n_draws, n_weeks)
        People who come for the first time in a week.
    waiting_to_come : ndarray, shape (n_draws, n_weeks + 1)
        The pool before each week and after the last: people who would come and have not.
    joined, left : ndarray, shape (n_draws, n_weeks)
        People who enter the pool by losing a limb, and who die before they come.
    """

    opening: Opening
    backlog: Floats
    new_cases: Floats
    waiting_to_come: Floats
    joined: Floats
    left: Floats

    @property
    def per_week(self) -> Floats:
        """New patients a week, shape (n_draws, n_weeks)."""
        return np.asarray(self.backlog + self.new_cases)


def expected_referrals(
    funnel: Funnel, people: Outcome, draws: pd.DataFrame, opening: Opening
) -> Demand:
    """New patients a week, as expected, in the years after a clinic opens.

    The pool starts as those of the funnel's last step in the year of the opening. Of those who
    lose a limb in a year, as many come to be in such pain as of those who live with limb loss, and
    pass the same steps. The share that leaves is that of people with limb loss of the area: those
    of a year and its new cases, less those of the year after.

    Parameters
    ----------
    funnel : Funnel
    people : Outcome
        The same as the funnel's: values limb_loss and new_cases, up to the year after the last.
    draws : DataFrame
        With demand_years_to_come.
    opening : Opening

    Raises
    ------
    ValueError
        If the years of the outcome do not reach from the opening to the year after the last.
    """
    first, last = opening.year, opening.year + opening.n_years
    if first not in people.years or last not in people.years:
        low, high = people.years[[0, -1]]
        raise ValueError(
            f"the clinic's years are {first} to {last - 1}, and the year after is looked at; "
            f"expected {low} or later and {high} or before"
        )
    at = int(np.flatnonzero(people.years == first)[0])
    span = slice(at, at + opening.n_years)
    alive = people.values["limb_loss"]
    new = people.values["new_cases"][:, span]
    gone = (alive[:, span] + new - alive[:, span.start + 1 : span.stop + 1]) / alive[:, span]
    if not (gone >= 0).all():
        raise ValueError("more people with limb loss than before and new cases; expected no more")
    patients = list(funnel.people.values())[-1][:, span]
    joining = new * patients / alive[:, span]
    years_to_come = draws["demand_years_to_come"].to_numpy(dtype=float)
    if not (years_to_come > 0).all():
        raise ValueError(f"demand_years_to_come is {years_to_come.min():g}; expected above 0")
    return _emptied(opening, patients[:, 0], joining, gone, 1 / years_to_come)


def _emptied(
    opening: Opening, pool: Floats, joining: Floats, gone: Floats, coming: Floats
) -> Demand:
    """The pool week by week; rates and numbers are a year's, by draw and year."""
    known = opening.known()
    n_draws, n_weeks = len(pool), len(known)
    backlog, new_cases, joined, left = np.empty((4, n_draws, n_weeks))
    waiting = np.empty((n_draws, n_weeks + 1))
    old, newly = pool, np.zeros(n_draws)
    for week in range(n_weeks):
        waiting[:, week] = old + newly
        year = min(int(week / WEEKS_A_YEAR), opening.n_years - 1)
        joined[:, week] = joining[:, year] / WEEKS_A_YEAR
        newly = newly + joined[:, week]
        come = coming * known[week]
        rate = come + gone[:, year]
        out = -np.expm1(-rate / WEEKS_A_YEAR)
        of_them = np.divide(come, rate, out=np.zeros(n_draws), where=rate > 0)
        backlog[:, week], new_cases[:, week] = old * out * of_them, newly * out * of_them
        left[:, week] = (old + newly) * out * (1 - of_them)
        old, newly = old * (1 - out), newly * (1 - out)
    waiting[:, -1] = old + newly
    return Demand(opening, backlog, new_cases, waiting, joined, left)


def by_year(weekly: Floats, opening: Opening) -> Floats:
    """Sums of (n_draws, n_weeks) numbers by year since the opening, shape (n_draws, n_years).

    A week belongs to the year in which it begins, so that the first year has 53 and others 52.

    Parameters
    ----------
    weekly : ndarray, shape (n_draws, n_weeks)
    opening : Opening
        Whose weeks these are.
    """
    starts = np.ceil(np.arange(opening.n_years) * WEEKS_A_YEAR - 1e-9).astype(int)
    return np.asarray(np.add.reduceat(weekly, starts, axis=1))


def demand_table(demand: Demand, *, level: float = 0.95) -> pd.DataFrame:
    """New patients by year since the opening.

    Returns
    -------
    DataFrame
        A row a year and group ("in pain at the opening", "newly in pain", "all"): year, group,
        mean, median, low, high, in people.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    opening = demand.opening
    groups = {
        "in pain at the opening": demand.backlog,
        "newly in pain": demand.new_cases,
        "all": demand.per_week,
    }
    rows = []
    for group, weekly in groups.items():
        yearly = by_year(weekly, opening)
        for i in range(opening.n_years):
            now = yearly[:, i]
            limits = np.quantile(now, [0.5, (1 - level) / 2, (1 + level) / 2])
            rows.append((opening.year + i, group, now.mean(), *limits))
    return pd.DataFrame(rows, columns=["year", "group", "mean", "median", "low", "high"])
