"""Who of the people with phantom limb pain would come to a clinic, step by step.

Each step keeps a share of those before it. Two shares were observed among everybody in pain (who
ever sought care, whom a chart or a claim shows to be known): the second is therefore divided by
the first, so that nobody is lost twice. No step's share is known to depend on another's, and the
draws are independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Parameter
from plcore.models.outcome import Outcome

#: What of `catchment.people_nearby` is in pain of each severity.
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
STEPS = (
    Step("sought_care", "demand_sought_care", "who sought care for it at some time"),
    Step("recognised", "demand_recognised", "whose pain a clinician knows as phantom limb pain"),
    Step("eligible", "demand_eligible", "with no reason against an infusion"),
    Step("accepting", "demand_accepting", "who would have a course"),
    Step("choosing", "demand_choosing", "who would have it at this clinic"),
)
#: Those in severe pain seek care more often.
_OF_THE_SEVERE = {"sought_care": "demand_sought_care_severe"}


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """People left after each step.

    Attributes
    ----------
    years : ndarray of int, shape (n_years,)
    severity : str
        A key of `SEVERITIES`.
    people : mapping of str to ndarray, shape (n_draws, n_years)
        residents, limb_loss, plp, in_pain (of the severity), then the steps in order: each is a
        part of the one before. The last are those who would come.
    shares : mapping of str to ndarray, shape (n_draws,)
        Of each step in those before it.
    own : tuple of str
        The steps whose share the planner gave.
    """

    years: NDArray[np.int64]
    severity: str
    people: Mapping[str, Floats]
    shares: Mapping[str, Floats]
    own: tuple[str, ...]

    @property
    def share(self) -> Floats:
        """Those who would come of those in pain of the severity, shape (n_draws,)."""
        return np.asarray(np.prod(list(self.shares.values()), axis=0))


def parameter_of(step: str, *, severity: str) -> str:
    """The parameter that a step draws its share from, at a severity.

    Raises
    ------
    ValueError
        If the step or the severity is unknown.
    """
    names = {each.name: each.parameter for each in STEPS}
    if step not in names:
        raise ValueError(f"no step {step!r}; expected one of {', '.join(names)}")
    _check_severity(severity)
    severe = severity == "extremely_bothersome"
    return _OF_THE_SEVERE.get(step, names[step]) if severe else names[step]


def people_to_patients(
    people: Outcome,
    draws: pd.DataFrame,
    *,
    severity: str,
    own: Mapping[str, float] | None = None,
) -> Funnel:
    """From the people of an area to those who would come to a clinic.

    Parameters
    ----------
    people : Outcome
        As `plcore.clinic.catchment.people_nearby` gives it.
    draws : DataFrame, a row a draw, a column a parameter
        The same draws; with the parameters of the steps.
    severity : str
        A key of `SEVERITIES`: the least severe pain for which people are counted. Lifetime
        prevalence ("ever") has no severities; it takes "any".
    own : mapping of str to float, optional
        Shares that the planner knows, by step, in place of the parameters' draws.

    Raises
    ------
    ValueError
        If the severity or a step is unknown, a share is outside 0 to 1, or draws do not match.
    """
    _check_severity(severity)
    given = dict(own or {})
    for step, share in given.items():
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
    left = {name: people.values[name] for name in ("residents", "limb_loss", "plp")}
    left["in_pain"] = people.values[pain]
    shares = {}
    now = left["in_pain"]
    for name in (step.name for step in STEPS):
        drawn = draws[parameter_of(name, severity=severity)].to_numpy(dtype=float)
        shares[name] = np.full(n_draws, given[name]) if name in given else drawn
        now = now * shares[name][:, np.newaxis]
        left[name] = now
    return Funnel(people.years, severity, left, shares, tuple(given))


def funnel_table(
    funnel: Funnel, parameters: Sequence[Parameter], *, year: int, level: float = 0.95
) -> pd.DataFrame:
    """The funnel in one year, a row a step.

    Parameters
    ----------
    funnel : Funnel
    parameters : sequence of Parameter
        Those of the scenario, for what each step rests on.
    year : int
    level : float
        Of the intervals, which leave out equal shares of the draws on both sides.

    Returns
    -------
    DataFrame
        step, who; people: median, low, high; share of the step before: share, share_low,
        share_high; source and seen, as in `parameters.csv`, "the model" or "the planner".

    Raises
    ------
    ValueError
        If the year is not one of the funnel's, or the level not between 0 and 1.
    """
    if year not in funnel.years:
        first, last = funnel.years[[0, -1]]
        raise ValueError(f"year is {year}; expected one from {first} to {last}")
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    at = int(np.flatnonzero(funnel.years == year)[0])
    known = {each.name: each for each in parameters}
    who = {
        "residents": "people who live there",
        "limb_loss": "who live with limb loss",
        "plp": "with phantom limb pain",
        "in_pain": f"whose pain is {funnel.severity.replace('_', ' or ')}",
        **{step.name: step.who for step in STEPS},
    }
    if funnel.severity == "any":
        who["in_pain"] = "whose pain is of any severity"
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    rows = []
    before: Floats | None = None
    for step, people in funnel.people.items():
        now = people[:, at]
        share = np.ones_like(now)
        if before is not None:
            share = np.divide(now, before, out=np.zeros_like(now), where=before > 0)
        if step in funnel.shares:
            share = funnel.shares[step]
        source, seen = _rests_on(step, funnel, known)
        limits = [*np.quantile(now, tails), *np.quantile(share, tails)]
        rows.append((step, who[step], *limits, source, seen))
        before = now
    return pd.DataFrame(
        rows,
        columns=[
            "step", "who", "median", "low", "high", "share", "share_low", "share_high",
            "source", "seen",
        ],
    )  # fmt: skip


def _rests_on(step: str, funnel: Funnel, known: Mapping[str, Parameter]) -> tuple[str, str]:
    if step in funnel.own:
        return "the planner", "own"
    if step not in funnel.shares:
        return "the model", "derived"
    name = parameter_of(step, severity=funnel.severity)
    if name not in known:
        raise ValueError(f"parameters lack {name}; expected those of the scenario")
    return known[name].source, known[name].seen


def _check_severity(severity: str) -> None:
    if severity not in SEVERITIES:
        raise ValueError(f"severity is {severity!r}; expected one of {', '.join(SEVERITIES)}")
