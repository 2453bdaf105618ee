"""From the people in pain around a clinic to the patients who come, and when they come.

**Who comes** is a funnel: each step keeps a share of those before it. Two shares were observed
among everybody in pain (who ever sought care, and whose pain a chart or a claim records): the
second is therefore divided by the first, so that nobody is lost twice. No step's share is known to
depend on another's, and their draws are independent.

**When they come** is a pool of people who would come, which empties as they hear of the clinic.
Everybody in the pool comes at the same rate, whether they have been in pain for years or lost a
limb last month, and leaves it by death as people with limb loss leave the area's count. Within a
week both rates are constant, so that each week is solved exactly (competing exponentials).

**A planner's own numbers**, counted at the clinic, take the place of what the model expects.
Referrals are counted by month; everything else once. `plcore.planner.read_own` reads them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Parameter
from plcore.inputs import check_fields, checks_kinds
from plcore.models.outcome import Outcome
from plcore.models.pain import BOUNDS

#: Weeks of a year of 365.25 days.
WEEKS_A_YEAR = 365.25 / 7
#: Which value of `plcore.clinic.people_nearby` counts the people in pain of each severity.
SEVERITIES: Mapping[str, str] = {
    "any": "plp",
    "weekly": "plp_weekly",
    "moderate_severe": "plp_moderate_severe",
    "extremely_bothersome": "plp_extremely_bothersome",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel: its name, its parameter, and who is left after it."""

    name: str
    parameter: str
    who: str


#: From those in pain to the patients of the clinic.
FUNNEL_STEPS = (
    Step("sought_care", "demand_sought_care", "who sought care for it at some time"),
    Step("recognised", "demand_recognised", "whose pain a clinician knows as phantom limb pain"),
    Step("eligible", "demand_eligible", "with no reason against an infusion"),
    Step("accepting", "demand_accepting", "who would have a course"),
    Step("choosing", "demand_choosing", "who would have it at this clinic"),
)
#: Those in severe pain seek care more often.
_PARAMETERS_IF_SEVERE = {"sought_care": "demand_sought_care_severe"}


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """People left after each step from the residents to those who would come.

    Attributes
    ----------
    years : ndarray of int, shape (n_years,)
        Calendar years.
    severity : str
        The least severe pain counted: any, weekly, moderate_severe or extremely_bothersome.
    people : mapping of str to ndarray, shape (n_draws, n_years)
        residents, limb_loss, plp, in_pain (of the severity), then sought_care, recognised,
        eligible, accepting and choosing: each counts some of the people of the one before. The last
        are those who would come.
    shares : mapping of str to ndarray, shape (n_draws,)
        Share of the people of the step before that each of the last five steps keeps.
    own : tuple of str
        The steps whose share the planner gave.
    bounds : mapping of str to ndarray, shape (n_draws, n_years)
        plp if only major losses hurt, and if all losses hurt alike, by the names of
        `plcore.models.pain.BOUNDS`; empty where the planner counted the people in pain.
    """

    years: NDArray[np.int64]
    severity: str
    people: Mapping[str, Floats]
    shares: Mapping[str, Floats]
    own: tuple[str, ...]
    bounds: Mapping[str, Floats] = field(default_factory=dict)

    def under_bounds(self, step: str, at: int) -> dict[str, Floats]:
        """People left after a step in the year at place `at`, by draw, under each of the bounds.

        Nothing before the step plp. Each step keeps the same share of the people in pain, whoever
        counts as in pain.
        """
        steps = list(self.people)
        if "plp" not in steps or steps.index(step) < steps.index("plp"):
            return {}
        now, pain = self.people[step][:, at], self.people["plp"][:, at]
        kept = np.divide(now, pain, out=np.zeros_like(now), where=pain > 0)
        return {name: kept * people[:, at] for name, people in self.bounds.items()}


@dataclass(frozen=True, slots=True)
class Opening:
    """When a clinic opens and how it becomes known.

    Attributes
    ----------
    year : int
        It opens at the start of this year.
    n_years : int
        Years followed, 1 or more.
    ramp_years : float
        Years until everybody who will ever know of the clinic does; with 0 they all know of it from
        the first day.
    known_at_first : float
        Share of them who know of it on the first day, from 0 to 1. It rises in a straight line.
    """

    year: int
    n_years: int = 5
    ramp_years: float = 1.0
    known_at_first: float = 0.25

    def __post_init__(self) -> None:
        check_fields(self)
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
        """Weeks of these years; the last week may end after them."""
        return int(np.ceil(self.n_years * WEEKS_A_YEAR))

    def known(self) -> Floats:
        """Share who know of the clinic in the middle of each week, shape (n_weeks,)."""
        middle = (np.arange(self.n_weeks) + 0.5) / WEEKS_A_YEAR
        if self.ramp_years == 0:
            return np.ones(self.n_weeks)
        # A ramp of next to no time is over before the first week.
        with np.errstate(over="ignore"):
            rise = (1 - self.known_at_first) * middle / self.ramp_years
        return np.asarray(np.minimum(self.known_at_first + rise, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """New patients expected a week: those in pain at the opening, and those who lose a limb later.

    Attributes
    ----------
    opening : Opening
        When the clinic opens and how it becomes known.
    backlog, new_cases : ndarray, shape (n_draws, n_weeks)
        People who come for the first time in a week: those in pain at the opening, and those who
        lose a limb after it.
    waiting_to_come : ndarray, shape (n_draws, n_weeks + 1)
        The pool before each week and after the last: people who would come and have not yet.
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


def parameter_of(step: str, *, severity: str) -> str:
    """The parameter that a step of the funnel draws its share from, at a severity."""
    names = {known.name: known.parameter for known in FUNNEL_STEPS}
    if step not in names:
        raise ValueError(f"no step {step!r}; expected one of {', '.join(names)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity is {severity!r}; expected one of {', '.join(SEVERITIES)}")
    severe = severity == "extremely_bothersome"
    return _PARAMETERS_IF_SEVERE.get(step, names[step]) if severe else names[step]


def people_to_patients(
    people: Outcome,
    draws: pd.DataFrame,
    *,
    severity: str,
    own: Mapping[str, float] | None = None,
    choosing: Floats | None = None,
) -> Funnel:
    """From the people of an area, as `people_nearby` gives them, to those who would come.

    `draws` are the same draws, with the parameters of the steps; `severity` is a key of
    `SEVERITIES` (lifetime prevalence, "ever", has only "any"). `own` holds shares that the planner
    knows, by step; they take the place of the parameters' draws. `choosing`, of shape (n_draws,), is
    the share who choose this clinic where distance plays a part (`plcore.clinic.places`).
    """
    known_shares = dict(own or {})
    parameters = {step.name: parameter_of(step.name, severity=severity) for step in FUNNEL_STEPS}
    for step, share in known_shares.items():
        parameter_of(step, severity=severity)
        if not 0 <= share <= 1:
            raise ValueError(f"{step} is {share:g}; expected a share from 0 to 1")
    pain = SEVERITIES[severity]
    if pain not in people.values:
        raise ValueError(
            f"severity is {severity!r}, which this kind of prevalence does not have; expected 'any'"
        )
    n_draws = len(people.values["plp"])
    if len(draws) != n_draws:
        raise ValueError(f"{len(draws)} draws of the steps; expected {n_draws}, as of the people")
    remaining = {name: people.values[name] for name in ("residents", "limb_loss", "plp")}
    remaining["in_pain"] = people.values[pain]
    shares = {}
    now = remaining["in_pain"]
    for step, parameter in parameters.items():
        if step in known_shares:
            shares[step] = np.full(n_draws, known_shares[step])
        elif step == "choosing" and choosing is not None:
            shares[step] = choosing
        else:
            shares[step] = draws[parameter].to_numpy(dtype=float)
        now = now * shares[step][:, np.newaxis]
        remaining[step] = now
    bounds = {name: people.values[name] for name in BOUNDS if name in people.values}
    return Funnel(people.years, severity, remaining, shares, tuple(known_shares), bounds)


def expected_referrals(
    funnel: Funnel, people: Outcome, draws: pd.DataFrame, opening: Opening
) -> Demand:
    """New patients expected a week in the years after a clinic opens.

    The pool starts with those of the funnel's last step in the year of the opening. People who lose
    a limb in a year come to be in such pain as often as those who live with limb loss, and pass the
    same steps. The share that leaves the pool is that of people with limb loss in the area: those
    of a year and its new cases, less those of the year after. So `people`, the same as the
    funnel's, must reach the year after the last; `draws` need demand_years_to_come.
    """
    first, last = opening.year, opening.year + opening.n_years
    if first not in people.years or last not in people.years:
        low, high = people.years[[0, -1]]
        raise ValueError(
            f"the clinic's years are {first} to {last - 1}, and the year after them is needed too; "
            f"expected years from {low} to {high}"
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
    """The pool week by week; rates and numbers are those of a year, by draw and year."""
    known = opening.known()
    n_draws, n_weeks = len(pool), len(known)
    backlog, new_cases, joined, left = np.empty((4, n_draws, n_weeks))
    waiting = np.empty((n_draws, n_weeks + 1))
    old, recent = pool, np.zeros(n_draws)
    for week in range(n_weeks):
        waiting[:, week] = old + recent
        year = min(int(week / WEEKS_A_YEAR), opening.n_years - 1)
        joined[:, week] = joining[:, year] / WEEKS_A_YEAR
        recent = recent + joined[:, week]
        come = coming * known[week]
        rate = come + gone[:, year]
        leaving = -np.expm1(-rate / WEEKS_A_YEAR)
        come_share = np.divide(come, rate, out=np.zeros(n_draws), where=rate > 0)
        backlog[:, week] = old * leaving * come_share
        new_cases[:, week] = recent * leaving * come_share
        left[:, week] = (old + recent) * leaving * (1 - come_share)
        old, recent = old * (1 - leaving), recent * (1 - leaving)
    waiting[:, -1] = old + recent
    return Demand(opening, backlog, new_cases, waiting, joined, left)


def by_year(weekly: Floats, opening: Opening) -> Floats:
    """Sums of (n_draws, n_weeks) numbers by year since the opening, shape (n_draws, n_years).

    A week that two years share is divided between them by days; what follows the last year is left
    out.
    """
    total = np.concatenate([np.zeros((len(weekly), 1)), np.cumsum(weekly, axis=1)], axis=1)
    ends = np.arange(opening.n_years + 1) * WEEKS_A_YEAR
    week = np.minimum(ends.astype(int), weekly.shape[1] - 1)
    at_ends = total[:, week] + (ends - week) * weekly[:, week]
    return np.asarray(np.diff(at_ends, axis=1))


def seasonal(first: date, n_weeks: int, factors: Sequence[float]) -> Floats:
    """Referrals of each week over those of a mean week, shape (n_weeks,).

    `factors` are twelve numbers in proportion to the referrals of each month of the year, January
    first; weeks start with the day `first`.
    """
    if len(factors) != 12 or min(factors) < 0 or sum(factors) <= 0:
        raise ValueError(f"factors are {list(factors)}; expected 12 of 0 or more, not all 0")
    ratio = np.asarray(factors, dtype=float) / np.mean(factors)
    months = [(first + timedelta(days=i)).month - 1 for i in range(7 * n_weeks)]
    return np.asarray(ratio[months].reshape(n_weeks, 7).mean(axis=1))


@checks_kinds
def demand_table(demand: Demand, *, level: float = 0.95) -> pd.DataFrame:
    """New patients by year since the opening.

    Parameters
    ----------
    demand : Demand
        New patients expected a week, such as the `demand` of a planner's answer.
    level : float
        Share of the draws that the intervals hold, between 0 and 1; equal shares are left out on
        both sides.

    Returns
    -------
    DataFrame
        A row for each year and group ("in pain at the opening", "newly in pain", "all"): year,
        group, mean, median, low, high, in people, and the level.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> weeks = np.full((2, 53), 1.0)
    >>> demand = Demand(Opening(2027, n_years=1), weeks, 2 * weeks, weeks, weeks, weeks)
    >>> demand_table(demand)["median"].round(1).tolist()
    [52.2, 104.4, 156.5]
    """
    tails = interval(level)
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
            rows.append((opening.year + i, group, now.mean(), *np.quantile(now, tails)))
    columns = ["year", "group", "mean", "median", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(level=level)


@checks_kinds
def funnel_table(
    funnel: Funnel, parameters: Sequence[Parameter], *, year: int, level: float = 0.95
) -> pd.DataFrame:
    """The funnel in one year, a row for each step.

    Parameters
    ----------
    funnel : Funnel
        People left after each step, such as the `funnel` of a planner's answer.
    parameters : sequence of Parameter
        Those of the scenario, which say what the share of each step rests on.
    year : int
        One of the funnel's years.
    level : float
        Share of the draws that the intervals hold, between 0 and 1; equal shares are left out on
        both sides.

    Returns
    -------
    DataFrame
        step and who (in words); median, low and high, in people; share, share_low and share_high,
        of the step before; source and seen, as in `parameters.csv`, or "the model" or "the planner"
        as the source; the level; and from plp on bound_low and bound_high, the medians if only major
        losses hurt and if all losses hurt alike (NaN before it, and where the planner counted the
        people in pain).

    Raises
    ------
    ValueError
        If the year is not one of the funnel's, the level is not between 0 and 1, or the parameters
        lack one of a step.

    Examples
    --------
    >>> people = {"residents": np.array([[800.0]]), "limb_loss": np.array([[4.0]])}
    >>> funnel = Funnel(np.array([2027]), "any", people, {}, ())
    >>> funnel_table(funnel, [], year=2027)[["who", "median", "share"]].to_numpy().tolist()
    [['people who live there', 800.0, 1.0], ['who live with limb loss', 4.0, 0.005]]
    """
    if year not in funnel.years:
        first, last = funnel.years[[0, -1]]
        raise ValueError(f"year is {year}; expected one from {first} to {last}")
    tails = interval(level)
    at = int(np.flatnonzero(funnel.years == year)[0])
    known = {parameter.name: parameter for parameter in parameters}
    who = {
        "residents": "people who live there",
        "limb_loss": "who live with limb loss",
        "plp": "with phantom limb pain",
        "in_pain": f"whose pain is {funnel.severity.replace('_', ' or ')}",
        **{step.name: step.who for step in FUNNEL_STEPS},
    }
    if funnel.severity == "any":
        who["in_pain"] = "whose pain is of any severity"
    rows = []
    before: Floats | None = None
    for step, people in funnel.people.items():
        now = people[:, at]
        share = np.ones_like(now)
        if before is not None:
            share = np.divide(now, before, out=np.zeros_like(now), where=before > 0)
        if step in funnel.shares:
            share = funnel.shares[step]
        source, seen = _source_of(step, funnel, known)
        limits = [*np.quantile(now, tails), *np.quantile(share, tails)]
        under = funnel.under_bounds(step, at)
        bounds = [float(np.median(under[name])) if under else np.nan for name in BOUNDS]
        rows.append((step, who[step], *limits, source, seen, level, *bounds))
        before = now
    return pd.DataFrame(
        rows,
        columns=[
            "step", "who", "median", "low", "high", "share", "share_low", "share_high",
            "source", "seen", "level", "bound_low", "bound_high",
        ],
    )  # fmt: skip


def _source_of(step: str, funnel: Funnel, known: Mapping[str, Parameter]) -> tuple[str, str]:
    if step in funnel.own:
        return "the planner", "own"
    if step not in funnel.shares:
        return "the model", "derived"
    name = parameter_of(step, severity=funnel.severity)
    if name not in known:
        raise ValueError(f"parameters lack {name}; expected those of the scenario")
    return known[name].source, known[name].seen


def interval(level: float) -> list[float]:
    """The quantiles of the median and of the two ends of an interval."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    return [0.5, (1 - level) / 2, (1 + level) / 2]


# --- A planner's own numbers ---------------------------------------------------------------------

#: What a planner may know, with its unit and what it takes the place of.
OWN: Mapping[str, tuple[str, str]] = {
    "referrals": ("new patients referred in the month", "the patients of the funnel"),
    "waiting_list": ("people who wait on the first day", "an empty waiting list"),
    "visits_a_day": ("visits that can be booked on an open day", "chairs, nurses and hours"),
    "residents": ("people who live in the catchment", "the census"),
    "limb_loss": ("people of the catchment who live with limb loss", "the cohort model"),
    "plp": ("people of the catchment with phantom limb pain", "the pooled prevalence"),
}
#: More than any clinic or catchment has.
MOST = {
    "referrals": 10_000, "waiting_list": 100_000, "visits_a_day": 10_000,
    "residents": 1_000_000_000, "limb_loss": 1_000_000_000, "plp": 1_000_000_000,
}  # fmt: skip
#: Less than this is no clinic, or nobody to take a share of.
LEAST = {what: int(what in ("visits_a_day", "residents", "limb_loss")) for what in OWN}
#: Of these, the people whom the funnel starts from, the widest group first.
PEOPLE = ("residents", "limb_loss", "plp")


@dataclass(frozen=True, slots=True)
class OwnNumbers:
    """What a planner has counted; what is left out stays as modelled.

    Attributes
    ----------
    first_month : str
        The month of the first of `referrals`, such as 2026-01; empty without referrals.
    referrals : tuple of int
        New patients referred in each month, without a gap.
    waiting_list : int, optional
        People who wait on the first day.
    visits_a_day : int, optional
        Visits that can be booked on an open day.
    residents, limb_loss, plp : float, optional
        People of the catchment: all residents, those who live with limb loss, and those with
        phantom limb pain.

    Raises
    ------
    ValueError
        If a number is out of its range, referrals lack their first month, or some people are more
        than the wider group to which they belong.
    """

    first_month: str = ""
    referrals: tuple[int, ...] = ()
    waiting_list: int | None = None
    visits_a_day: int | None = None
    residents: float | None = None
    limb_loss: float | None = None
    plp: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.referrals and not re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])", self.first_month):
            raise ValueError(
                f"first_month is {self.first_month!r}; expected the month of the first of the "
                "referrals, as 2026-01"
            )
        counts: list[tuple[str, float | None]] = [("referrals", value) for value in self.referrals]
        counts += [(what, getattr(self, what)) for what in OWN if what != "referrals"]
        for what, value in counts:
            if value is None:
                continue
            least = LEAST[what]
            right = np.isfinite(value) and least <= value <= MOST[what]
            if not right or (what not in PEOPLE and value != int(value)):
                kind = "number" if what in PEOPLE else "whole number"
                raise ValueError(
                    f"{what} is {value:g}; expected a {kind} of {OWN[what][0]} from {least} to "
                    f"{MOST[what]:,}"
                )
        if self.first_month and not self.referrals:
            raise ValueError(
                f"first_month is {self.first_month!r}; expected no month without referrals"
            )
        known = [name for name in PEOPLE if getattr(self, name) is not None]
        for wider, narrower in itertools.pairwise(known):
            if getattr(self, narrower) > getattr(self, wider):
                raise ValueError(
                    f"{narrower} is {getattr(self, narrower):g}; expected at most "
                    f"{getattr(self, wider):g}, the {wider}"
                )

    @property
    def per_month(self) -> float:
        """Mean referrals a month; NaN without referrals."""
        return float(np.mean(self.referrals)) if self.referrals else np.nan


def with_own_people(people: Outcome, own: OwnNumbers, *, year: int) -> Outcome:
    """The people of an area with the planner's counts of one year in place of the modelled ones.

    In each draw, everybody who belongs to the group counted is multiplied by the same factor in
    every year, so that shares and growth stay as modelled. A count is refused that is larger than
    the wider group in some draw.
    """
    if year not in people.years:
        raise ValueError(
            f"year is {year}; expected one from {people.years[0]} to {people.years[-1]}"
        )
    at = int(np.flatnonzero(people.years == year)[0])
    values = dict(people.values)
    included = {
        "residents": list(values),
        "limb_loss": [name for name in values if name != "residents"],
        "plp": [name for name in values if name.startswith("plp")],
    }
    for name in PEOPLE:
        counted = getattr(own, name)
        if counted is not None:
            factor = counted / values[name][:, [at]]
            values |= {group: values[group] * factor for group in included[name]}
    for wider, narrower in itertools.pairwise(PEOPLE):
        most = float(values[wider][:, at].min())
        counted = getattr(own, narrower)
        if counted is not None and counted > most:
            raise ValueError(
                f"{narrower} is {counted:g}; expected at most {most:,.0f}, the least that {wider} "
                f"may be in {year}, or a count of {wider} as well"
            )
    return replace(people, values=values)


def own_per_week(own: OwnNumbers, *, n_weeks: int) -> Floats:
    """Referrals a week at the planner's monthly average, shape (1, n_weeks)."""
    return np.full((1, n_weeks), own.per_month * 12 / WEEKS_A_YEAR)


def overdispersion(own: OwnNumbers) -> float:
    """Variance over mean of the monthly counts, 1 (that of chance alone) or more.

    From fewer than three months, or none referred, it is 1.
    """
    counts = np.array(own.referrals, dtype=float)
    if len(counts) < 3 or not counts.any():
        return 1.0
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def with_uneven_months(per_week: Floats, excess: float, *, n_runs: int, seed: int) -> Floats:
    """Rates of shape (n_draws, n_runs, n_weeks) that vary from month to month as counts did.

    In each run the rate of each month of 365.25 / 12 days is multiplied by a gamma-distributed
    number of mean 1, so that the variance of its count is `excess` times its mean.
    """
    if excess <= 1:
        return per_week[:, np.newaxis]
    stream = np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, 2])))
    n_draws, n_weeks = per_week.shape
    month = (np.arange(n_weeks) * 12 / WEEKS_A_YEAR).astype(int)
    counted = np.maximum(per_week.mean(axis=1) * WEEKS_A_YEAR / 12, 1e-9)
    shape = np.broadcast_to(
        (counted / (excess - 1))[:, np.newaxis, np.newaxis], (n_draws, n_runs, month[-1] + 1)
    )
    return np.asarray(per_week[:, np.newaxis] * (stream.gamma(shape) / shape)[..., month])


def beside(
    own: OwnNumbers,
    funnel: Funnel,
    demand: Demand,
    *,
    visits_a_day: int,
    level: float = 0.95,
) -> pd.DataFrame:
    """The planner's own numbers beside what the model expects without them, a row for each.

    `funnel` and `demand` are those without the own numbers, `visits_a_day` what chairs, nurses and
    hours hold. Columns: what, unit, own, modelled (median), low, high, and inside: whether the own
    number lies within the limits. Modelled referrals are the monthly mean of the first year.
    """
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    first_year = demand.per_week[:, : int(WEEKS_A_YEAR)].mean(axis=1) * WEEKS_A_YEAR / 12
    at = int(np.flatnonzero(funnel.years == demand.opening.year)[0])
    modelled: dict[str, Floats] = {
        "referrals": first_year,
        "waiting_list": np.zeros(1),
        "visits_a_day": np.full(1, float(visits_a_day)),
        **{name: funnel.people[name][:, at] for name in PEOPLE},
    }
    rows = []
    for what, draws in modelled.items():
        value = own.per_month if what == "referrals" else getattr(own, what)
        if value is None or np.isnan(value):
            continue
        median, low, high = np.quantile(draws, tails)
        unit = "referrals a month" if what == "referrals" else OWN[what][0]
        rows.append((what, unit, float(value), median, low, high, bool(low <= value <= high)))
    return pd.DataFrame(rows, columns=["what", "unit", "own", "modelled", "low", "high", "inside"])
