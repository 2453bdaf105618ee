"""People with phantom limb pain: people with limb loss, by time since the loss, times the share in pain.

Prevalence studies are mostly of people who lost a hand, a foot or more (major loss), while some
seven in ten of those counted lost only fingers or toes (minor loss). So the share in pain is one number
after major loss, from those studies, and another after minor loss, for which there are only
proxies (`data/pain_after_minor_loss.csv`). Two bounds stand beside the answer: only major losses
counted, and all losses taken alike.

What the studies found holds for people some years after the loss. Sooner after it more are in pain:
the log odds are higher by what one cohort was followed to lose over its first two years, times an
uncertain factor. Prevalence is the same for every cause, limb, age and sex, since the studies
contradict each other on what raises it.

Kinds of prevalence are never mixed: the scenario says which kind is asked for. Severity is a share
of those with current pain, and what is a part of another severity is drawn as a share of it, so
that no part exceeds its whole in any draw; pain ever has no severity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.distributions import Floats
from plcore.inputs import checks_kinds
from plcore.models.limb_loss import LEVELS, inputs, people_and_mortality, project_all, responses_of
from plcore.models.outcome import Outcome
from plcore.scenarios import PAIN_AFTER_MINOR_LOSS, Scenario

#: Bands of time since the loss, and the years each covers; the last is open.
BANDS = {
    "under_1_year": (0.0, 1.0),
    "1_to_2_years": (1.0, 2.0),
    "2_to_5_years": (2.0, 5.0),
    "5_years_or_more": (5.0, np.inf),
}
#: Severity of current pain, and the shares it is the product of. Extremely bothersome pain is taken
#: as a part of moderate or severe pain; weekly and problematic pain only as parts of the pain.
SEVERITIES = {
    "weekly": ("weekly",),
    "moderate_severe": ("moderate_severe",),
    "extremely_bothersome": ("moderate_severe", "extremely_bothersome"),
    "problematic": ("problematic",),
}
#: What people in pain are counted as: what the scenario chooses, and the two bounds beside it.
BOUNDS = {"plp_major_only": "none", "plp_all_alike": "as_after_major"}
BOUNDS_IN_WORDS = {
    "plp_major_only": "if only major losses hurt",
    "plp_all_alike": "if all losses hurt alike",
}
#: Years after the loss at which one cohort was asked.
_VISITS = {"plp_share_8_days": 8 / 365.25, "plp_share_6_months": 0.5, "plp_share_2_years": 2.0}


@checks_kinds
def people_with_pain(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People with limb loss and people with phantom limb pain among them, by year.

    Parameters
    ----------
    draws : DataFrame
        One row per draw and a column for each parameter of `plcore.models.people_with_limb_loss`, and
        plp_prevalence, plp_prevalence_minor, plp_share_claimed, plp_fall and the shares it
        multiplies, and severity_*.
    scenario : Scenario
        Its choices prevalence_kind and pain_after_minor_loss are used, and those of
        `plcore.models.people_with_limb_loss`.

    Returns
    -------
    Outcome
        Values limb_loss, and of it major and minor; plp_as_claimed (all of them) and
        plp_source_corrected (the pages' 60-85%); plp, our estimate, of the kind of
        prevalence chosen, and its bounds plp_major_only and plp_all_alike; for current pain also
        plp_weekly, plp_moderate_severe, plp_extremely_bothersome and plp_problematic, parts of
        plp. All in people.

    Raises
    ------
    ValueError
        As `plcore.models.people_with_limb_loss`.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> values = run(people_with_pain, read_scenario(), n_draws=64).outcome.values
    >>> bool((values["plp_major_only"] < values["plp"]).all())
    True
    """
    years = scenario.years
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=tuple(BANDS), age_groups=(0,),
        years=years,
    )  # fmt: skip
    people = project_all(
        responses, inputs(draws, scenario), quantities=tuple(BANDS), by=("year", "level"),
        years=years,
    )  # fmt: skip
    by_level = sum(people[band] for band in BANDS)
    everybody = np.asarray(by_level).sum(axis=-1)
    values = {
        "limb_loss": everybody,
        **{level: np.asarray(by_level)[..., k] for k, level in enumerate(LEVELS)},
        "plp_as_claimed": everybody,
        "plp_source_corrected": everybody * _column(draws, "plp_share_claimed"),
        **readings(people, draws, scenario),
    }
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def readings(
    people: Mapping[str, Floats], draws: pd.DataFrame, scenario: Scenario
) -> dict[str, Floats]:
    """People in pain, the two bounds, and of current pain the severities, of shape (n_draws, ...).

    `people` has people with limb loss by band of time since the loss, the last axis being the
    level.
    """
    values = pain_and_bounds(people, draws, scenario)
    pain = values["plp"]
    if scenario.choices["prevalence_kind"] != "ever":
        for name, share in severity_shares(draws).items():
            values[f"plp_{name}"] = pain * share.reshape(-1, *[1] * (pain.ndim - 1))
    return values


def severity_shares(draws: pd.DataFrame) -> dict[str, Floats]:
    """Share of people in pain who have each severity of it, shape (n_draws,), by its name.

    Parameters
    ----------
    draws : DataFrame
        One row per draw, with the columns severity_*.
    """
    return {
        name: np.prod([draws[f"severity_{factor}"].to_numpy() for factor in factors], axis=0)
        for name, factors in SEVERITIES.items()
    }


def pain_by(
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    by: Sequence[str],
    years: Sequence[int],
    age_groups: Sequence[int],
) -> dict[str, Floats]:
    """People with phantom limb pain by age group, sex or cause, and its two bounds, for every draw.

    The axes of each are the draws and those of `by`, in the order year, age_group, sex, cause; `age_groups`
    has the first age of each group, from 0, and the last is open.
    """
    population, mortality = people_and_mortality(scenario)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=tuple(BANDS), age_groups=age_groups,
        years=years,
    )  # fmt: skip
    people = project_all(
        responses, inputs(draws, scenario), quantities=tuple(BANDS), by=(*by, "level"),
        years=years,
    )  # fmt: skip
    return pain_and_bounds(people, draws, scenario)


def pain_and_bounds(
    people: Mapping[str, Floats], draws: pd.DataFrame, scenario: Scenario
) -> dict[str, Floats]:
    """People in pain, plp, and its two bounds; `people` as for `in_pain`."""
    bounds = {name: in_pain(people, draws, scenario, minor=minor) for name, minor in BOUNDS.items()}
    return {"plp": in_pain(people, draws, scenario), **bounds}


def in_pain(
    people: Mapping[str, Floats],
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    minor: str | None = None,
) -> Floats:
    """People in pain among people with limb loss, the levels added up.

    Parameters
    ----------
    people : mapping of str to ndarray
        People by band of time since the loss; each of shape (n_draws, ..., n_levels).
    draws : DataFrame
        As for `share_in_pain`.
    scenario : Scenario
        Its choice prevalence_kind is used.
    minor : str, optional
        As for `share_in_pain`; by default the scenario's choice pain_after_minor_loss.
    """
    share = share_in_pain(
        draws,
        kind=str(scenario.choices["prevalence_kind"]),
        minor=str(scenario.choices["pain_after_minor_loss"]) if minor is None else minor,
    )
    total = np.zeros(())
    for i, band in enumerate(BANDS):
        for k in range(len(LEVELS)):
            cells = people[band][..., k]
            total = total + cells * share[:, i, k].reshape(-1, *[1] * (cells.ndim - 1))
    return total


def share_in_pain(draws: pd.DataFrame, *, kind: str, minor: str = "own_share") -> Floats:
    """Share in pain by time since the loss and level.

    Parameters
    ----------
    draws : DataFrame
        One row per draw, with the columns plp_prevalence, plp_prevalence_minor, plp_fall,
        plp_share_8_days, plp_share_6_months and plp_share_2_years.
    kind : str
        "current" or another kind of prevalence that `plcore.evidence` pools. Nobody who has ever
        had pain can cease to have had it: for "ever" the share is the same in every band.
    minor : str
        Pain after the loss of fingers or toes: "own_share", "as_after_major", or "none".

    Returns
    -------
    ndarray, shape (n_draws, 4, 2)
        Under 1 year, 1 to 2, 2 to 5, and 5 years or more since the loss; after major and after
        minor loss.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> shares = share_in_pain(draw(read_scenario().parameters, 64, seed=1), kind="current")
    >>> bool((shares[:, 0] > shares[:, 3]).all())
    True
    """
    if minor not in PAIN_AFTER_MINOR_LOSS:
        expected = ", ".join(PAIN_AFTER_MINOR_LOSS)
        raise ValueError(f"minor is {minor!r}; expected one of {expected}")
    columns = [
        "plp_prevalence",
        "plp_prevalence_minor" if minor == "own_share" else "plp_prevalence",
    ]
    plateau = special.logit(draws[columns].to_numpy())[:, np.newaxis]
    if kind == "ever":
        share = special.expit(np.repeat(plateau, len(BANDS), axis=1))
    else:
        share = special.expit(plateau + above_plateau(draws)[..., np.newaxis])
    if minor == "none":
        share[..., LEVELS.index("minor")] = 0
    return np.asarray(share)


@checks_kinds
def pain_by_time_since_loss(draws: pd.DataFrame, *, kind: str = "current") -> pd.DataFrame:
    """Share in pain by time since the loss, after major and after minor loss.

    Parameters
    ----------
    draws : DataFrame
        As for `share_in_pain`.
    kind : str
        As for `share_in_pain`.

    Returns
    -------
    DataFrame
        One row per band: time_since_loss, and the median and 95% limits of the share after major loss
        (major, major_low, major_high) and after minor loss (minor, minor_low, minor_high). What is
        after minor loss rests on proxies.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> table = pain_by_time_since_loss(draw(read_scenario().parameters, 64, seed=1))
    >>> table["time_since_loss"].tolist()[0]
    'Under 1 year'
    """
    shares = share_in_pain(draws, kind=kind)
    words = [band.replace("_", " ") for band in BANDS]
    table = pd.DataFrame({"time_since_loss": [band[:1].upper() + band[1:] for band in words]})
    for k, level in enumerate(LEVELS):
        limits = np.quantile(shares[..., k], [0.5, 0.025, 0.975], axis=0)
        for end, values in zip(("", "_low", "_high"), limits, strict=True):
            table[f"{level}{end}"] = values
    return table


def above_plateau(draws: pd.DataFrame) -> Floats:
    """By how much the log odds of pain are above those of later years, shape (n_draws, 4).

    Parameters
    ----------
    draws : DataFrame
        One row per draw, with the columns plp_fall, plp_share_8_days, plp_share_6_months and
        plp_share_2_years.

    Returns
    -------
    ndarray, shape (n_draws, 4)
        Mean over each band of time since the loss; 0 from two years on.
    """
    above = np.column_stack([_mean_above(draws, *span) for span in BANDS.values()])
    return np.asarray(above * draws["plp_fall"].to_numpy()[:, np.newaxis])


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


def _column(draws: pd.DataFrame, name: str) -> Floats:
    return draws[name].to_numpy()[:, np.newaxis]


@checks_kinds
def born_without_a_limb(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People born without a limb or a piece of one, and those who ever had phantom limb pain.

    They are not among people with limb loss. They are taken to live as long as others do.

    Parameters
    ----------
    draws : DataFrame
        One row per draw, with the columns congenital_share, plp_congenital and
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
