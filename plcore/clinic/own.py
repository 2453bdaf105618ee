"""A planner's own numbers: what was counted at the clinic, in place of what the model expects.

Referrals are counted by month; everything else once. `plcore.planner.read_own` reads them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from plcore.clinic.demand import WEEKS_A_YEAR, Demand, Funnel
from plcore.evidence.distributions import Floats
from plcore.inputs import check_fields
from plcore.models.outcome import Outcome

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
