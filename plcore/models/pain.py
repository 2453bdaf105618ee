"""People with phantom limb pain: people with limb loss, by time since the loss, times the share in pain.

What prevalence studies found holds for people some years after the loss. Sooner after it more are
in pain: the log odds are higher by what one cohort was followed to lose over its first two years,
times an uncertain factor. Prevalence is the same for every cause, limb, age and sex, since the
studies contradict each other on what raises it.

Kinds of prevalence are never mixed: the scenario says which kind is asked for. Severity is a share
of those with current pain; pain ever has no severity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from plcore.evidence.distributions import Floats
from plcore.evidence.population import Mortality, Population
from plcore.models.limb_loss import inputs, people_and_mortality, project_all, responses_of
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario

#: Bands of time since the loss, and the years each covers; the last is open.
BANDS = {
    "under_1_year": (0.0, 1.0),
    "1_to_2_years": (1.0, 2.0),
    "2_to_5_years": (2.0, 5.0),
    "5_years_or_more": (5.0, np.inf),
}
#: Severity of current pain; each rung rests on another study, so that none is a part of the next.
RUNGS = ("weekly", "moderate_severe", "extremely_bothersome")
#: Years after the loss at which one cohort was asked.
_VISITS = {"plp_share_8_days": 8 / 365.25, "plp_share_6_months": 0.5, "plp_share_2_years": 2.0}


def people_with_pain(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People with limb loss and people with phantom limb pain among them, by year.

    Parameters
    ----------
    draws : DataFrame
        A row a draw and a column for each parameter of `plcore.models.people_with_limb_loss`, and
        plp_prevalence, plp_share_claimed, plp_fall and the shares it multiplies, minor_share, and
        severity_*.
    scenario : Scenario
        Its choices prevalence_kind and minor_amputations are used, and those of
        `plcore.models.people_with_limb_loss`.

    Returns
    -------
    Outcome
        Values limb_loss; plp_as_claimed (all of them) and plp_source_corrected (the pages' 60-85%);
        plp, the evidence-based reading, of the kind of prevalence chosen; for current pain also
        plp_weekly, plp_moderate_severe, plp_extremely_bothersome, and plp_problematic, a share of
        all with limb loss. All in people.

    Raises
    ------
    ValueError
        As `plcore.models.people_with_limb_loss`.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> outcome = run(people_with_pain, read_scenario(), n_draws=64).outcome
    >>> bool((outcome.values["plp"] < outcome.values["plp_as_claimed"]).all())
    True
    """
    years = scenario.years
    population, mortality = people_and_mortality(scenario)
    people = _by_band(
        draws, scenario, population, mortality, by=("year",), years=years, age_groups=(0,)
    )
    everybody = _added(people)
    pain = _in_pain(people, draws, scenario)
    counted = counted_share(draws, scenario)[:, np.newaxis]
    values = {
        "limb_loss": everybody,
        "plp_as_claimed": everybody,
        "plp_source_corrected": everybody * _column(draws, "plp_share_claimed"),
        "plp": pain,
    }
    if scenario.choices["prevalence_kind"] != "ever":
        values |= {f"plp_{rung}": pain * _column(draws, f"severity_{rung}") for rung in RUNGS}
        values["plp_problematic"] = everybody * counted * _column(draws, "severity_problematic")
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def pain_by(
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    by: Sequence[str],
    years: Sequence[int],
    age_groups: Sequence[int],
) -> Floats:
    """People with phantom limb pain by age group, sex or cause, for every draw.

    The axes are the draws and those of `by`, in the order year, age_group, sex, cause; `age_groups`
    has the first age of each group, from 0, and the last is open.
    """
    people = _by_band(
        draws, scenario, *people_and_mortality(scenario), by=by, years=years, age_groups=age_groups
    )
    return _in_pain(people, draws, scenario)


def share_in_pain(draws: pd.DataFrame, *, kind: str) -> Floats:
    """Share in pain by time since the loss.

    Parameters
    ----------
    draws : DataFrame
        A row a draw, with the columns plp_prevalence, plp_fall, plp_share_8_days,
        plp_share_6_months and plp_share_2_years.
    kind : str
        "current" or another kind of prevalence that `plcore.evidence` pools. Nobody who has ever
        had pain can cease to have had it: for "ever" the share is the same in every band.

    Returns
    -------
    ndarray, shape (n_draws, 4)
        Under 1 year, 1 to 2, 2 to 5, and 5 years or more since the loss.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> shares = share_in_pain(draw(read_scenario().parameters, 64, seed=1), kind="current")
    >>> bool((shares[:, 0] > shares[:, 3]).all())
    True
    """
    plateau = special.logit(draws["plp_prevalence"].to_numpy())[:, np.newaxis]
    if kind == "ever":
        return np.asarray(special.expit(np.repeat(plateau, len(BANDS), axis=1)))
    above = np.column_stack([_mean_above(draws, *span) for span in BANDS.values()])
    return np.asarray(special.expit(plateau + draws["plp_fall"].to_numpy()[:, np.newaxis] * above))


def _mean_above(draws: pd.DataFrame, start: float, end: float) -> Floats:
    """Mean log odds above the plateau over some years: straight lines between the visits."""
    at = np.array(list(_VISITS.values()))
    odds = special.logit(draws[list(_VISITS)].to_numpy())
    above = odds - odds[:, -1:]
    if start >= at[-1]:
        return np.zeros(len(draws))
    # Exact for straight lines: the ends, the visits between them, and the trapezoid rule.
    grid = np.unique(np.clip([start, *at, end], start, end))
    weights = np.stack([np.interp(grid, at, unit) for unit in np.eye(len(at))])
    # Not a matrix product, whose last digits depend on the number of rows.
    return np.asarray((above * np.trapezoid(weights, grid, axis=1)).sum(axis=1) / (end - start))


def _by_band(
    draws: pd.DataFrame,
    scenario: Scenario,
    population: Population,
    mortality: Mortality,
    *,
    by: Sequence[str],
    years: ArrayLike,
    age_groups: Sequence[int],
) -> list[Floats]:
    """People with limb loss in each band of time since the loss."""
    responses = responses_of(
        draws, scenario, population, mortality, quantities=tuple(BANDS), age_groups=age_groups,
        years=years,
    )  # fmt: skip
    people = project_all(
        responses, inputs(draws, scenario), quantities=tuple(BANDS), by=by, years=years
    )
    return [people[band] for band in BANDS]


def _in_pain(people: Sequence[Floats], draws: pd.DataFrame, scenario: Scenario) -> Floats:
    share = share_in_pain(draws, kind=str(scenario.choices["prevalence_kind"]))
    share *= counted_share(draws, scenario)[:, np.newaxis]
    by_draw = (-1, *[1] * (people[0].ndim - 1))
    return _added([band * share[:, i].reshape(by_draw) for i, band in enumerate(people)])


def _added(bands: Sequence[Floats]) -> Floats:
    return sum(bands[1:], bands[0])


def counted_share(draws: pd.DataFrame, scenario: Scenario) -> Floats:
    """Share of people with limb loss whose kind of loss is counted, shape (n_draws,)."""
    if scenario.choices["minor_amputations"] == "included":
        return np.ones(len(draws))
    return np.asarray(1 - draws["minor_share"].to_numpy())


def _column(draws: pd.DataFrame, name: str) -> Floats:
    return draws[name].to_numpy()[:, np.newaxis]


def born_without_a_limb(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People born without a limb or a piece of one, and those who ever had phantom limb pain.

    They are not among people with limb loss. They are taken to live as long as others do.

    Parameters
    ----------
    draws : DataFrame
        A row a draw, with the columns congenital_share, plp_congenital and
        congenital_share_claimed.
    scenario : Scenario
        Its choices of population and years are used.

    Returns
    -------
    Outcome
        Values born_without, plp_ever, and plp_as_claimed, the pages' 20%; in people.
    """
    years = scenario.years
    population, _ = people_and_mortality(scenario)
    chosen = np.isin(population.years, years)
    people = population.people[chosen].sum(axis=(1, 2)) * _column(draws, "congenital_share")
    values = {
        "born_without": people,
        "plp_ever": people * _column(draws, "plp_congenital"),
        "plp_as_claimed": people * _column(draws, "congenital_share_claimed"),
    }
    return Outcome(years, values, population.extrapolated[chosen])
