"""What a manager decides by: six questions, the numbers behind their answers, and the sentences.

How many would come; how many chairs, nurses and days; how long people wait; what if half as many
come; when the waiting list is cleared; what to find out first. The web page works out the same rows
by the same rules and fills the same sentences (`SENTENCES`), so that both say the same.

**Load** is that of the busiest year: the one in which new patients a week are most at the median,
the visits that they lead to, however late, over those that the clinic can book. **Chairs** are the
fewest with which this load stays within a limit (`most_load`) with a probability (`probability`).
With a missing visit counted p / (1 - p) times an idle one, where p is that probability, this is the
size of least expected cost (Arrow, Harris and Marschak 1951), so that the plan's own probability
says what a wrong size costs, and knowing an input is worth what it takes off that cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.clinic.day import with_chairs
from plcore.clinic.demand import WEEKS_A_YEAR, by_year
from plcore.evidence.distributions import Floats
from plcore.planner.answers import Answer, calendar
from plcore.planner.settings import MOST_SETTING

#: No clinic has more chairs.
MOST_CHAIRS = int(MOST_SETTING["chairs"])
#: Median and the ends of what holds 95% of the draws.
TAILS = (0.5, 0.025, 0.975)

#: Standard errors within which another set of draws may well put a number.
UNSURE = 2.0
#: Blocks of draws that are left out in turn.
BLOCKS = 16
#: Share of the draws below which what changes the chairs in them need not be found out.
SELDOM = 0.05

#: What may be found out: the factors of the visits asked for, in words. {severity} is the pain.
FACTORS: Mapping[str, str] = {
    "referrals": "how many patients are referred a week",
    "limb_loss": "how many people here live with limb loss",
    "plp": "what share of them have phantom limb pain",
    "in_pain": "in what share of these the pain is {severity}",
    "sought_care": "what share of those in pain seek care for it",
    "recognised": "what share are known to a clinician",
    "eligible": "what share could safely have an infusion",
    "accepting": "what share of those eligible would have a course",
    "choosing": "what share of those would have it at this clinic",
    "coming": "what share of those who would come do so in the busiest year",
    "visits": "how many visits a patient leads to",
}

#: Units of those that are no shares.
FACTOR_UNITS = {"limb_loss": "people", "referrals": "referrals", "visits": "visits"}

#: The pain that is counted, in words.
SEVERITY_WORDS: Mapping[str, str] = {
    "any": "of any severity",
    "weekly": "felt every week or more often",
    "moderate_severe": "moderate or severe",
    "extremely_bothersome": "extremely bothersome",
}

#: The sentences, by name; what stands in braces is filled in.
SENTENCES: Mapping[str, str] = {
    "come": "{choosing} {people} would come to this clinic sooner or later, {patients_all} of them as "
    "new patients in {span}.",
    "come_own": "By its own count, {patients_all} new patients will be referred to this clinic in {span}.",
    "span": "the {n_years} years from {first_year} to {last_year}",
    "chairs": "It takes {chairs}, {nurses} on duty and {days} open a week to keep the load of {year}, "
    "the busiest year, at {most_load} or less with a probability of {probability}; 95% of cases take "
    "{chairs_range}{toss_up}.",
    "chairs_none": "Not even {most_chairs} chairs keep the load of {year}, the busiest year, at "
    "{most_load} or less with a probability of {probability}; 95% of cases take {chairs_range}{toss_up}.",
    "toss_up": "; it is a toss-up: with other random draws it may be {ends}",
    "wait": "With {own_chairs} the load of {year}, the busiest year, is {load}, and patients referred "
    "then wait {wait_mean} days on average for the first infusion{over}.",
    "over": "; with a probability of {never_clears} demand exceeds capacity, and the waiting list then "
    "grows by {growth_a_week} patients a week",
    "gave_up": "; {gave_up} of them give up waiting before they are seen",
    "wait_none": "With {own_chairs} nobody is referred in {year}, so nobody waits.",
    "wait_never": "With {own_chairs} the load of {year}, the busiest year, is {load}: with a "
    "probability of {never_clears} demand exceeds capacity, the waiting list then grows by "
    "{growth_a_week} patients a week, and no wait can be given.",
    "half": "If half as many come, {half_chairs} would do (95% of cases: {half_range}{toss_up}), and with "
    "{own_chairs} the load of {year} is {half_load}.",
    "half_none": "If half as many come, even {most_chairs} chairs are too few (95% of cases: "
    "{half_range}{toss_up}), and with {own_chairs} the load of {year} is {half_load}.",
    "clear": "By demand and capacity alone the waiting list ({listed} on the first day) is cleared "
    "{clear} (95% of cases: {clear_low} to {clear_high}).",
    "clear_not": "By demand and capacity alone the waiting list ({listed} on the first day) is not "
    "cleared by the end of {last_year}; {early}.",
    "early": "the earliest, in 1 case of 40, is {clear_low}",
    "never": "nor is it in 95% of cases or more",
    "clear_none": "By demand and capacity alone no waiting list builds up in {no_list} of cases{late}.",
    "late": ", and with a probability of 97.5% any list is cleared {clear_high} at the latest",
    "late_not": ", and in 1 case of 40 or more a list is still there at the end of {last_year}",
    "find": "Find out first {factor} ({factor_low} to {factor_high}): knowing it would take {worth} off "
    "the expected cost of a clinic of the wrong size, and would change the number of chairs in "
    "{changes} of cases{toss_up}.",
    "find_same": "Nothing needs to be found out first for the number of chairs: even knowing {factor} "
    "({factor_low} to {factor_high}), which matters most, changes it in {changes} of cases{toss_up}.",
    "find_toss_up": "; it is a toss-up between this{others}",
    "find_nothing": "Nothing needs to be found out first: no input moves the visits that are asked "
    "for ({visits_a_week} a week in {year}).",
}


@dataclass(frozen=True, slots=True)
class Worth:
    """What it is worth to know a factor of the visits asked for.

    Attributes
    ----------
    factor : str
        A key of `FACTORS`.
    low, high : float
        95% interval of the factor: people, shares, visits.
    worth : float
        Share of the expected cost of a wrong size that knowing it takes off.
    changes : float
        Share of the draws in which knowing it changes the number of chairs.
    toss_up : bool
        Whether with other draws it may well be worth most, so that another factor than the first
        of the list would be found out first.
    """

    factor: str
    low: float
    high: float
    worth: float
    changes: float
    toss_up: bool


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What the answers rest on, by draw: shape (n_draws,) where nothing else is said.

    Attributes
    ----------
    busiest : int
        The busiest year since the opening, from 0.
    choosing, patients : ndarray
        People who would come, and new patients of all years.
    visits : ndarray
        Visits a week that the patients of the busiest year lead to.
    capacity : ndarray
        Visits a week that the clinic can book in that year.
    wanted : ndarray
        Visits a week that the chairs must hold to keep within the load that is wanted.
    held : ndarray, shape (n_chairs,)
        Visits a week that 1, 2, ... chairs hold.
    never : ndarray of bool
        Whether the waiting list grows for as long as one looks.
    growth : ndarray
        New patients a week by which it does.
    wait : ndarray
        Mean days to the first infusion of those referred in the busiest year; infinite where the
        list never clears, NaN where nobody is referred.
    cleared : ndarray
        Weeks until nobody waits any more, as `weeks_until_clear` has it.
    """

    busiest: int
    choosing: Floats
    patients: Floats
    visits: Floats
    capacity: Floats
    wanted: Floats
    held: Floats
    never: NDArray[np.bool_]
    growth: Floats
    wait: Floats
    cleared: Floats


def decision_of(answer: Answer) -> Decision:
    """What the answers to a manager's questions rest on, by draw."""
    settings, load = answer.settings, answer.load
    opening = settings.opening()
    weekly = np.broadcast_to(answer.patients.weekly, (settings.draws, opening.n_weeks))
    busiest, room = answer.patients.busiest, _room_by_day(answer)
    first, end = round(365.25 * busiest), round(365.25 * (busiest + 1))
    visits = answer.patients.per_week * load.visits_each
    wanted = visits / settings.most_load
    weekly_room = room.reshape(-1, 7).mean(axis=1)
    served = (load.capacity / load.visits_each)[:, np.newaxis] * weekly_room
    return Decision(
        busiest=busiest,
        choosing=answer.funnel.people["choosing"][:, 0],
        patients=by_year(weekly, opening).sum(axis=1),
        visits=visits,
        capacity=load.capacity * float(room[first:end].mean()),
        wanted=wanted,
        held=held_by_chairs(answer, float(wanted.max())),
        never=load.never_clears,
        growth=load.growth,
        wait=np.where(load.never_clears, np.inf, _waits(answer, busiest)),
        cleared=weeks_until_clear(
            weekly, served, settings.waiting_list, patience_days=settings.patience_days
        ),
    )


def decision_rows(answer: Answer) -> pd.DataFrame:
    """The numbers behind the six answers, a row each: key, unit, median, low, high.

    Keys and units are those of the page; what does not settle is infinite. Low and high of what is
    "to plan" are what other draws may well say, as `to_plan` has it.
    """
    settings, found = answer.settings, decision_of(answer)
    load = found.visits / found.capacity
    needed = chairs_for(found.wanted, found.held)
    half = chairs_for(found.wanted / 2, found.held)
    chairs = to_plan(needed, settings.probability)
    worst = to_plan(found.wanted, settings.probability)
    growth = found.growth[found.never]
    waits = found.wait[~np.isnan(found.wait)]
    worth = worth_of_knowing(answer)
    rows = [
        ("choosing", "people", *quantiles(found.choosing)),
        ("patients_all", "people", *quantiles(found.patients)),
        ("busiest_year", "year", *[settings.year + found.busiest] * 3),
        ("visits_a_week", "visits", *quantiles(found.visits)),
        ("load", "share", *quantiles(load)),
        ("never_clears", "share", *[found.never.mean()] * 3),
        ("growth_a_week", "people", *(ranked(growth) if len(growth) else [0.0] * 3)),
        ("wait_mean", "days", *(ranked(waits) if len(waits) else [np.nan] * 3)),
        ("chairs_needed", "chairs", *ranked(needed)),
        ("chairs_to_plan", "chairs", *chairs),
        ("nurses_to_plan", "nurses", *(nurses_of(answer, n) for n in chairs)),
        ("days_to_plan", "days a week", *(_days(answer, chairs[0], x, found.held) for x in worst)),
        ("half_load", "share", *quantiles(load / 2)),
        ("half_chairs_needed", "chairs", *ranked(half)),
        ("half_chairs_to_plan", "chairs", *to_plan(half, settings.probability)),
        ("clear_week", "weeks", *ranked(found.cleared)),
        ("no_list", "share", *[float((found.cleared == 0).mean())] * 3),
    ]
    if settings.patience_days is not None:
        rows.append(("gave_up", "share", *_gave_up(answer, found.busiest)))
    rows += [(f"find_{w.factor}", "share", w.worth, w.low, w.high) for w in worth[:1]]
    rows += [("find_changes", "share", *[w.changes] * 3) for w in worth[:1]]
    rows += [
        (f"toss_up_{w.factor}", "share", w.worth, w.low, w.high) for w in worth[1:] if w.toss_up
    ]
    return pd.DataFrame(rows, columns=["key", "unit", "median", "low", "high"])


def chairs_for(visits_a_week: Floats, held: Floats) -> Floats:
    """Fewest chairs that hold so many visits a week, at least 1; infinite beyond the most.

    `held` are the visits a week that 1, 2, ... chairs hold, each with the nurses that they need.
    """
    # What fills some chairs but for rounding is held by them.
    chairs = 1.0 + np.searchsorted(np.maximum.accumulate(held) * (1 + 1e-9), visits_a_week)
    return np.where(chairs <= len(held), chairs, np.inf)


def held_by_chairs(answer: Answer, most: float) -> Floats:
    """Visits a week that 1, 2, ... chairs hold, without those of other patients.

    As many chairs as hold `most` visits a week, or all that a clinic may have.
    """
    plan = answer.outcome.plan
    day = replace(plan.day, most_visits=None)
    open_days = 7 * float(answer.patients.open_days.mean())
    held: list[float] = []
    while len(held) < MOST_CHAIRS and (not held or held[-1] < most):
        held.append(open_days * plan.visits_on(with_chairs(day, len(held) + 1)))
    return np.array(held)


def _room_by_day(answer: Answer) -> Floats:
    """Visits that each day holds over those in the end, for whole weeks, shape (7 * n_weeks,)."""
    plan, n_weeks = answer.outcome.plan, answer.settings.opening().n_weeks
    held = plan.by_day(plan.visits_on, 7 * n_weeks)
    return np.asarray(held / plan.visits_on(plan.periods[-1][1]))


def weeks_until_clear(
    weekly: Floats, served: Floats, listed: float, *, patience_days: float | None = None
) -> Floats:
    """Weeks from the opening until the last week with people on the list, shape (n_draws,).

    A list that changes by the new patients of a week less those whom the clinic can take on (both of
    shape (n_draws, n_weeks)) and those who give up, and never falls below nobody. 0 where none builds up; infinite where it is there at the end.
    """
    n_weeks = weekly.shape[1]
    waiting = np.full(len(weekly), float(listed))
    last = np.where(waiting > 0, 1.0, 0.0)
    stay = 1.0 if patience_days is None else float(np.exp(-7 / patience_days))
    for week in range(n_weeks):
        waiting = np.maximum(waiting * stay + weekly[:, week] - served[:, week], 0.0)
        last = np.where(waiting > 0, week + 2.0, last)
    return np.where(waiting > 0, np.inf, last)


def worth_of_knowing(answer: Answer) -> list[Worth]:
    """What it is worth to know each factor of the visits asked for, the most valuable first.

    The visits of the busiest year are a product of factors; given one of them, what is left of
    their logarithm is taken to vary alike whatever the factor is. Factors that do not vary, and
    those worth less than 1% of the cost, are left out.
    """
    return worth_in_all([answer])


def worth_in_all(answers: Sequence[Answer]) -> list[Worth]:
    """The same for several sites, whose costs and chairs add up, draw by draw.

    A factor must be one of all sites. People and referrals are added up, other factors are the mean
    of the sites'.
    """
    return worth_where_asked([Asked.of(answer) for answer in answers])


def worth_where_asked(sites: Sequence[Asked]) -> list[Worth]:
    """The same from the visits asked for at each site."""
    names = [name for name in sites[0].factors if all(name in site.factors for site in sites)]
    if not all((values > 0).all() for site in sites for values in site.factors.values()):
        return []
    if all(np.ptp(np.log(site.asked)) < 1e-9 for site in sites):
        return []
    names = [
        name for name in names if any(np.ptp(np.log(site.factors[name])) >= 1e-9 for site in sites)
    ]
    shares = _shares_taken_off(sites, names)
    if shares is None:
        return []
    best = max(shares, key=shares.__getitem__, default="")
    unsure = _unsure(sites, names, best)
    planned = sum(site.planned for site in sites)
    found = []
    for name in names:
        values = np.array([site.factors[name] for site in sites])
        chairs = np.sum([site.known(name)[1] for site in sites], axis=0)
        of_all = values.sum(axis=0) if name in ("limb_loss", "referrals") else values.mean(axis=0)
        if shares[name] >= 0.01:
            _, low, high = quantiles(of_all)
            changes = float((chairs != planned).mean())
            toss_up = shares[best] - shares[name] <= UNSURE * unsure[name]
            found.append(Worth(name, low, high, shares[name], changes, bool(toss_up)))
    found.sort(key=lambda worth: -worth.worth)
    if found and found[0].changes < SELDOM:
        # Where none of them would change the chairs, it does not matter which is worth most.
        return [
            replace(worth, toss_up=worth.toss_up and worth.changes >= SELDOM) for worth in found
        ]
    return found


def _shares_taken_off(sites: Sequence[Asked], names: Sequence[str]) -> dict[str, float] | None:
    """Share of the expected cost that knowing each factor takes off; None where it costs nothing."""
    whole = sum(expected_cost(site.asked, site.probability) for site in sites)
    if whole == 0:
        return None
    return {name: 1 - sum(site.known(name)[0] for site in sites) / whole for name in names}


def _unsure(sites: Sequence[Asked], names: Sequence[str], best: str) -> dict[str, float]:
    """Standard errors of how far each factor's worth is behind the best one's.

    Worked out again without each of some blocks of draws in a row (the jackknife of groups, Shao
    and Tu 1995). Where the draws are stratified, as those of Sobol's points are, it errs on the
    side of caution.
    """
    n = len(sites[0].asked)
    behind: list[list[float]] = []
    for block in np.array_split(np.arange(n), BLOCKS):
        shares = _shares_taken_off([site.without(block) for site in sites], names)
        behind += [] if shares is None else [[shares[best] - shares[name] for name in names]]
    if not behind:
        return dict.fromkeys(names, 0.0)
    spread = np.sqrt((len(behind) - 1) * np.var(behind, axis=0))
    return dict(zip(names, spread.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Visits asked for at a site and their factors, by draw, and what chairs hold."""

    asked: Floats
    factors: dict[str, Floats]
    held: Floats
    probability: float

    @classmethod
    def of(cls, answer: Answer) -> Asked:
        settings = answer.settings
        asked = answer.patients.per_week * answer.load.visits_each / settings.most_load
        held = held_by_chairs(answer, 2 * float(asked.max()))
        return cls(asked, _factors(answer), held, settings.probability)

    def without(self, draws: NDArray[np.int_]) -> Asked:
        factors = {name: np.delete(values, draws) for name, values in self.factors.items()}
        return replace(self, asked=np.delete(self.asked, draws), factors=factors)

    @property
    def planned(self) -> float:
        return ranked(chairs_for(self.asked, self.held), [self.probability])[0]

    def known(self, name: str) -> tuple[float, Floats]:
        """The expected cost, and the chairs of each draw, if a factor is known."""
        x, logs = np.log(self.factors[name]), np.log(self.asked)
        away = x - x.mean()
        if np.ptp(x) < 1e-9:
            whole = expected_cost(self.asked, self.probability)
            return whole, np.full(len(x), self.planned)
        slope = (away * (logs - logs.mean())).sum() / (away**2).sum()
        rest, left = np.exp(logs - slope * away), np.exp(slope * away)
        size = ranked(rest, [self.probability])[0]
        cost = float(left.mean() * expected_cost(rest, self.probability))
        return cost, chairs_for(left * size, self.held)


def expected_cost(asked: Floats, probability: float) -> float:
    """Expected cost of the size that is enough with a probability, in idle visits.

    A visit too few costs probability / (1 - probability) visits too many.
    """
    size = ranked(asked, [probability])[0]
    missing = np.maximum(asked - size, 0.0) * probability / (1 - probability)
    return float((missing + np.maximum(size - asked, 0.0)).mean())


def _factors(answer: Answer) -> dict[str, Floats]:
    """Factors of the visits of the busiest year, by draw: a week for referrals, else a year."""
    visits, rate = answer.load.visits_each, answer.patients.per_week
    if answer.own is not None and answer.own.referrals:
        return {"referrals": rate, "visits": visits}
    people = {name: values[:, 0] for name, values in answer.funnel.people.items()}
    if not all((values > 0).all() for values in people.values()):
        return {"choosing": people["choosing"]}
    factors = {"limb_loss": people["limb_loss"]}
    names = list(people)[1:]
    for before, name in pairwise(names):
        factors[name] = people[name] / people[before]
    return {**factors, "coming": rate * WEEKS_A_YEAR / people["choosing"], "visits": visits}


def _waits(answer: Answer, busiest: int) -> Floats:
    """Mean days to the first infusion of those referred in a year, by draw; NaN for nobody.

    Those who waited already on the first day are left out.
    """
    outcome = answer.outcome
    first = np.arange(answer.settings.n_years + 1) * 365.25
    start, end = first[busiest], first[busiest + 1]
    referred = outcome.referred_day
    came = outcome.first_day < outcome.last_day
    # Whoever never comes has no wait, and is no longer a patient when the days end.
    counted = (referred >= start) & (referred < min(end, outcome.n_days)) & came
    days = np.where(counted, outcome.first_day - referred, 0).sum(axis=(1, 2))
    n = counted.sum(axis=(1, 2))
    return np.where(n > 0, days / np.maximum(n, 1), np.nan)


def _gave_up(answer: Answer, busiest: int) -> list[float]:
    """Share of those referred in a year who give up waiting, over draws and runs."""
    outcome = answer.outcome
    start, end = (np.array([busiest, busiest + 1]) * 365.25).tolist()
    referred = (outcome.referred_day >= start) & (outcome.referred_day < min(end, outcome.n_days))
    gone = referred & (outcome.offered_day == outcome.last_day) & ~outcome.unseen
    n = referred.sum(axis=(1, 2))
    return quantiles((gone.sum(axis=(1, 2)) / np.maximum(n, 1))[n > 0]) if n.any() else [0.0] * 3


def nurses_of(answer: Answer, chairs: float) -> float:
    """The nurses that so many chairs of a plan need."""
    if not np.isfinite(chairs):
        return np.inf
    return float(
        with_chairs(replace(answer.outcome.plan.day, most_visits=None), int(chairs)).nurses
    )


def _days(answer: Answer, chairs: float, wanted: float, held: Floats) -> float:
    """Fewest days a week on which that many chairs hold so many visits a week."""
    settings = answer.settings
    if not np.isfinite(chairs):
        return float(settings.days_a_week)
    full = answer.patients.open_days.mean()
    for days in range(1, settings.days_a_week):
        share = calendar(replace(settings, days_a_week=days)).mean() / full
        most = held[int(chairs) - 1] * share * (1 + 1e-9)
        if wanted <= most:
            return float(days)
    return float(settings.days_a_week)


def quantiles(values: ArrayLike) -> list[float]:
    """Median and 95% limits, by straight lines between the values in order."""
    return [float(end) for end in np.quantile(np.asarray(values, dtype=float), TAILS)]


def ranked(values: ArrayLike, shares: Sequence[float] = TAILS) -> list[float]:
    """The least values that these shares of all do not exceed: infinities are not averaged."""
    ordered = np.sort(np.asarray(values, dtype=float))
    at = np.maximum(np.ceil(np.array(shares) * len(ordered) - 1e-9).astype(int) - 1, 0)
    return [float(value) for value in ordered[at]]


def to_plan(values: ArrayLike, probability: float) -> list[float]:
    """What is enough with a probability, and the least and most that other draws may well say.

    The ends are the values in order between which the quantile lies in about 95 of 100 sets of
    independent draws, whatever their distribution (Conover 1999, section 3.2).
    """
    n = np.size(values)
    margin = UNSURE * float(np.sqrt(probability * (1 - probability) / n))
    return ranked(values, [probability, max(probability - margin, 0), min(probability + margin, 1)])


# In words ------------------------------------------------------------------------------------------


def shown(value: float, unit: str, *, most_chairs: int = MOST_CHAIRS) -> str:
    """A number as sentences and page print it.

    Three significant digits, two of days and shares, people in whole numbers.
    """
    if np.isnan(value):
        return "none"
    if np.isinf(value):
        infinite = {"chairs": f"more than {most_chairs}", "days": "no end"}
        return infinite.get(unit, "does not settle")
    if unit in ("chairs", "nurses", "visits a day", "days a week", "year"):
        return f"{value:.0f}"
    exact = 100 * value if unit == "share" else value
    if unit == "people" and 0 < exact < 0.5:
        return "fewer than 1"
    if exact == 0:
        return "0%" if unit == "share" else "0"
    if unit == "people" and exact < 999.5:
        return f"{np.floor(exact + 0.5):.0f}"
    digits = 2 if unit in ("share", "days") else 3
    # Halves go up, as the page's script has it.
    rounded = float(Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(Decimal(exact)))
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(rounded)))))
    return f"{rounded:,.{decimals}f}" + ("%" if unit == "share" else "")


def counted(n: float, thing: str, *, most_chairs: int = MOST_CHAIRS) -> str:
    """A number of things, as "1 chair" or "2 chairs"."""
    return f"{shown(n, 'chairs', most_chairs=most_chairs)} {thing if n == 1 else thing + 's'}"


@dataclass(frozen=True, slots=True)
class Words:
    """What the sentences say besides the rows: the settings that they name.

    `last_chairs` are those of the last month, where chairs change by month.
    """

    year: int
    n_years: int
    chairs: int
    most_load: float
    probability: float
    waiting_list: int
    severity: str
    own_referrals: bool
    most_chairs: int = MOST_CHAIRS
    last_chairs: int | None = None

    @classmethod
    def of(cls, answer: Answer) -> Words:
        s = answer.settings
        own = answer.own is not None and bool(answer.own.referrals)
        return cls(
            s.year, s.n_years, s.chairs, s.most_load, s.probability, s.waiting_list, s.severity, own,
            last_chairs=s.chairs_by_month[-1] if answer.outcome.plan.changes else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Figure:
    """A row of `decision_rows`."""

    unit: str
    median: float
    low: float
    high: float


def six_sentences(rows: pd.DataFrame, words: Words) -> tuple[str, ...]:
    """The answers to the six questions, in their order.

    `rows` are as `decision_rows` gives them.
    """
    at = {key: _Figure(*rest) for key, *rest in rows.to_numpy().tolist()}

    def whole(key: str) -> str:
        row = at[key]
        median, low, high = (shown(x, row.unit) for x in (row.median, row.low, row.high))
        return median if low == high == median else f"{median} ({low} to {high})"

    def fill(name: str, **more: str) -> str:
        rest = {key: whole(key) for key in at}
        return SENTENCES[name].format(**{**common, **rest, **more})

    def a_range(key: str) -> str:
        low, high = at[key].low, at[key].high
        most = words.most_chairs
        end = counted(high, "chair", most_chairs=most)
        return end if low == high else f"{shown(low, 'chairs', most_chairs=most)} to {end}"

    def toss_up(chairs: str, days: str | None = None) -> str:
        """What else the chairs to plan may be, or the days if these are sure; empty if both are."""
        for key, thing in ((chairs, "chair"), (days, "day")):
            if key is not None and at[key].low != at[key].high:
                return toss_up_in_words(
                    at[key].low, at[key].high, thing, most_chairs=words.most_chairs
                )
        return ""

    common = {
        "n_years": str(words.n_years),
        "first_year": str(words.year),
        "last_year": str(words.year + words.n_years - 1),
        "year": shown(at["busiest_year"].median, "year"),
        "most_load": f"{100 * words.most_load:.5g}%",
        "probability": f"{100 * words.probability:.5g}%",
        "most_chairs": str(words.most_chairs),
        "own_chairs": (
            counted(words.chairs, "chair")
            if words.last_chairs is None
            else f"chairs by month, {words.last_chairs} in the end,"
        ),
    }
    # A noun for whoever would come.
    common["people"] = "person" if whole("choosing") in ("1", "fewer than 1") else "people"
    common["span"] = common["first_year"] if words.n_years == 1 else fill("span")
    come = fill("come_own" if words.own_referrals else "come")
    plan, half = at["chairs_to_plan"].median, at["half_chairs_to_plan"].median
    chairs = fill(
        "chairs" if np.isfinite(plan) else "chairs_none",
        chairs=counted(plan, "chair"),
        nurses=counted(at["nurses_to_plan"].median, "nurse"),
        days=counted(at["days_to_plan"].median, "day"),
        chairs_range=a_range("chairs_needed"),
        toss_up=toss_up("chairs_to_plan", "days_to_plan"),
    )
    wait = at["wait_mean"].median
    if np.isnan(wait):
        waiting = fill("wait_none")
    elif np.isinf(wait):
        waiting = fill("wait_never")
    else:
        over = fill("over") if np.isinf(at["wait_mean"].high) else ""
        waiting = fill("wait", over=over or (fill("gave_up") if "gave_up" in at else ""))
    halved = fill(
        "half" if np.isfinite(half) else "half_none",
        half_chairs=counted(half, "chair"),
        half_range=a_range("half_chairs_needed"),
        toss_up=toss_up("half_chairs_to_plan"),
    )
    row = at["clear_week"]
    cleared = when_cleared(
        (row.median, row.low, row.high),
        no_list=whole("no_list"),
        listed=words.waiting_list,
        year=words.year,
        n_years=words.n_years,
    )
    sentences = (come, chairs, waiting, halved, cleared, _find(at, words, fill))
    return tuple(text[0].upper() + text[1:] for text in sentences)


def toss_up_in_words(low: float, high: float, thing: str, *, most_chairs: int = MOST_CHAIRS) -> str:
    """The end of a sentence on what is to be planned, where other draws may say less or more."""
    if low == high:
        return ""
    between = "or" if high == low + 1 or np.isinf(high) else "to"
    start = shown(low, "chairs", most_chairs=most_chairs)
    end = counted(high, thing, most_chairs=most_chairs)
    return SENTENCES["toss_up"].format(ends=f"{start} {between} {end}")


def when_cleared(
    weeks: Sequence[float], *, no_list: str, listed: int, year: int, n_years: int
) -> str:
    """The sentence on when a list, of so many people at first, is cleared.

    `weeks` are median, low and high as in `clear_week`, `no_list` the share without one, in words.
    """
    median, low, high = weeks
    clear, clear_low, clear_high = (_month(week, year, n_years) for week in weeks)
    last_year = str(year + n_years - 1)
    if median == 0:
        late = "" if high == 0 else SENTENCES["late" if np.isfinite(high) else "late_not"]
        late = late.format(clear_high=clear_high, last_year=last_year)
        return SENTENCES["clear_none"].format(no_list=no_list, late=late)
    early = SENTENCES["early" if np.isfinite(low) else "never"].format(clear_low=clear_low)
    return SENTENCES["clear" if np.isfinite(median) else "clear_not"].format(
        listed="nobody" if listed == 0 else _people(listed),
        early=early,
        clear=clear,
        clear_low=clear_low.removeprefix("in "),
        clear_high=clear_high.removeprefix("in "),
        last_year=last_year,
    )


def _month(weeks: float, year: int, n_years: int) -> str:
    """The month in which a list is cleared so many weeks after the start of a year."""
    if weeks == 0:
        return "at once"
    if np.isinf(weeks):
        return f"after {year + n_years - 1}"
    return f"in {date(year, 1, 1) + timedelta(days=7 * (int(weeks) - 1)):%B %Y}"


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{shown(n, 'people')} people"


def _find(at: Mapping[str, _Figure], words: Words, fill: Callable[..., str]) -> str:
    name = next((key for key in at if key.startswith("find_") and key != "find_changes"), None)
    if name is None:
        return fill("find_nothing")
    factor = name.removeprefix("find_")
    row = at[name]
    unit = FACTOR_UNITS.get(factor, "share")
    others = [key.removeprefix("toss_up_") for key in at if key.startswith("toss_up_")]
    return fill(
        "find_same" if at["find_changes"].median < SELDOM else "find",
        factor=FACTORS[factor].format(severity=SEVERITY_WORDS[words.severity]),
        factor_low=shown(row.low, unit),
        factor_high=shown(row.high, unit),
        worth=shown(row.median, "share"),
        changes=shown(at["find_changes"].median, "share"),
        toss_up=find_toss_up_in_words(others, words.severity),
    )


def find_toss_up_in_words(factors: Sequence[str], severity: str) -> str:
    """The end of a sentence on what to find out first, where with other draws it may be another."""
    if not factors:
        return ""
    words = [FACTORS[name].format(severity=SEVERITY_WORDS[severity]) for name in factors[:2]]
    words += [f"{len(factors) - 2} more"] if len(factors) > 2 else []
    others = "".join(f", {word}" for word in words[:-1]) + f" and {words[-1]}"
    return SENTENCES["find_toss_up"].format(others=others)
