"""The published pair, 1.6 million in 2005 and 3.6 million in 2050, and three readings of it.

Ziegler-Graham 2008 printed two numbers of people living with limb loss. What lies between them,
and beyond, depends on the path one assumes: each path here passes through both.

Clinic pages print the pair as the people with phantom limb pain. The three readings are

- as claimed: all of them have phantom limb pain;
- source-corrected: they have lost a limb, and the pages' own 60-85% of them have the pain;
- pooled share: they have lost a limb, and the share in pain is the one pooled from the studies,
  which asked mostly after major loss; here it is applied to all.

None is an estimate of ours: that is `plcore.models.pain`, which rests on what was counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from plcore.evidence.distributions import Floats
from plcore.inputs import checks_kinds
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario

FIRST_YEAR, LAST_YEAR = 2005, 2050


@checks_kinds
def three_readings(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People with limb loss, and with phantom limb pain under each reading of the published pair.

    Parameters
    ----------
    draws : DataFrame
        One row per draw, with the columns limb_loss_2005, limb_loss_2050, limb_loss_ceiling (people),
        plp_share_claimed and plp_prevalence (shares).
    scenario : Scenario
        Its choices growth, first_year, last_year and extrapolate are used.

    Returns
    -------
    Outcome
        Values limb_loss, plp_as_claimed, plp_source_corrected and plp_pooled_share, in people.

    Raises
    ------
    ValueError
        If a year lies outside 2005-2050 and the scenario does not ask for extrapolation.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> outcome = run(three_readings, read_scenario(), n_draws=64).outcome
    >>> outcome.values["plp_pooled_share"].shape
    (64, 46)
    """
    years = scenario.years
    anchors = _anchors_of(draws)
    outside = (years < FIRST_YEAR) | (years > LAST_YEAR)
    if outside.any() and not scenario.choices["extrapolate"]:
        raise ValueError(
            f"{scenario.name}: {years[outside][0]} lies outside {FIRST_YEAR}-{LAST_YEAR}; "
            "expected years within, or extrapolate = true"
        )
    if scenario.choices["growth"] == "logistic":
        limb_loss = logistic(years, anchors, ceiling=_column(draws, "limb_loss_ceiling"))
    elif scenario.choices["growth"] == "straight_line":
        limb_loss = straight_line(years, anchors)
    else:
        limb_loss = constant_rate(years, anchors)
    values = {
        "limb_loss": limb_loss,
        "plp_as_claimed": limb_loss,
        "plp_source_corrected": limb_loss * _column(draws, "plp_share_claimed"),
        "plp_pooled_share": limb_loss * _column(draws, "plp_prevalence"),
    }
    return Outcome(years, values, outside)


@checks_kinds
def implications(draws: pd.DataFrame, *, population: float) -> pd.DataFrame:
    """What the published pair implies, with the range that its rounding leaves.

    Parameters
    ----------
    draws : DataFrame
        One row per draw, with the columns limb_loss_2005 and limb_loss_2050, in people.
    population : float
        People in the United States in 2005.

    Returns
    -------
    DataFrame
        Columns quantity, median, low, high (95% interval over the draws) and unit.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> draws = draw(read_scenario().parameters, 256, seed=1)
    >>> implications(draws, population=295.5e6)[["quantity", "unit"]].iloc[0].tolist()
    ['growth', '% a year']
    """
    if not 0 < population < np.inf:
        raise ValueError(f"population is {population:g}; expected people, more than 0")
    anchors = _anchors_of(draws)
    first, last = anchors.first[:, 0], anchors.last[:, 0]
    growth = growth_per_year(anchors)[:, 0]
    quantities = {
        ("growth", "% a year"): 100 * growth,
        ("doubling time", "years"): doubling_time(growth),
        (f"{LAST_YEAR} over {FIRST_YEAR}", "times"): last / first,
        (f"one in ... people, {FIRST_YEAR}", "people"): population / first,
    }
    rows = []
    for (quantity, unit), values in quantities.items():
        median, low, high = np.quantile(values, [0.5, 0.025, 0.975])
        rows.append((quantity, median, low, high, unit))
    return pd.DataFrame(rows, columns=["quantity", "median", "low", "high", "unit"])


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Two years and the people counted in each.

    Attributes
    ----------
    first_year, last_year : int
        What lies outside the two years is extrapolated.
    first, last : ndarray
        People counted in each year, above 0; of one shape, such as (n_draws, 1), that broadcasts
        against the years.
    """

    first_year: int
    first: Floats
    last_year: int
    last: Floats

    def __post_init__(self) -> None:
        if self.first_year >= self.last_year:
            raise ValueError(
                f"anchors in {self.first_year} and {self.last_year}; expected two years in order"
            )
        for name, people in (("first", self.first), ("last", self.last)):
            if not np.all(np.asarray(people) > 0):
                raise ValueError(f"anchor {name!r} is not above 0 everywhere; expected people")


def constant_rate(years: ArrayLike, anchors: Anchors) -> Floats:
    """People if their number grew by the same share every year."""
    return np.asarray(anchors.first * (anchors.last / anchors.first) ** _fraction(years, anchors))


def straight_line(years: ArrayLike, anchors: Anchors) -> Floats:
    """People if their number grew by the same count every year; refused where it falls below 0."""
    people = anchors.first + (anchors.last - anchors.first) * _fraction(years, anchors)
    if np.any(people < 0):
        raise ValueError(
            "a straight line through the anchors falls below 0 in these years; "
            "expected years nearer to the anchors"
        )
    return np.asarray(people)


def logistic(years: ArrayLike, anchors: Anchors, *, ceiling: ArrayLike) -> Floats:
    """People if growth slowed towards a ceiling above both anchors (Verhulst 1838)."""
    first, last, top = anchors.first, anchors.last, np.asarray(ceiling, dtype=float)
    if not np.all(top > np.maximum(first, last)):
        raise ValueError(
            f"ceiling is {np.min(top):g} at the least; expected it above both anchors "
            f"({np.max(np.maximum(first, last)):g})"
        )
    start, stop = np.log(first / (top - first)), np.log(last / (top - last))
    return np.asarray(top * special.expit(start + (stop - start) * _fraction(years, anchors)))


def growth_per_year(anchors: Anchors) -> Floats:
    """The constant yearly growth, as a share, that leads from one anchor to the other."""
    ratio = np.asarray(anchors.last) / anchors.first
    return np.asarray(ratio ** (1 / (anchors.last_year - anchors.first_year)) - 1)


def doubling_time(growth: ArrayLike) -> Floats:
    """Years until a number that grows by the share `growth` a year has doubled.

    Infinite where nothing grows, negative (the time since it was double) where it shrinks.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(math.log(2) / np.log1p(growth))


def _fraction(years: ArrayLike, anchors: Anchors) -> Floats:
    span = anchors.last_year - anchors.first_year
    return np.asarray((np.asarray(years, dtype=float) - anchors.first_year) / span)


def _anchors_of(draws: pd.DataFrame) -> Anchors:
    first, last = (_column(draws, f"limb_loss_{year}") for year in (FIRST_YEAR, LAST_YEAR))
    return Anchors(FIRST_YEAR, first, LAST_YEAR, last)


def _column(draws: pd.DataFrame, name: str) -> Floats:
    return draws[name].to_numpy()[:, np.newaxis]
