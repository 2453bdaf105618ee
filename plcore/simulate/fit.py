"""Draws weighed by how well they reproduce published counts: importance resampling.

The prior is what the parameters say on their own. Each draw gets the likelihood of the targets,
independent and lognormal about the model's numbers, and draws are taken again in proportion to it.
What the targets are, how tightly each binds and why, is data (`calibration_targets.csv`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario
from plcore.simulate.runs import Model, Run, evaluate, run

_LEAST_EFFECTIVE = 100


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A run weighed by the targets.

    Attributes
    ----------
    posterior : Run
        As many draws as asked for, taken again from the prior run by weight.
    weights : ndarray, shape (n_draws of the prior,)
        They add up to 1.
    effective_draws : float
        How many unweighted draws the weighted ones are worth (Kong 1992): 1 / sum of squares.
    fit : DataFrame
        A row a target: target, year, observed, spread, and median and 95% limits before and after.
    moved : DataFrame
        A row an uncertain parameter: name, prior and posterior median and 95% limits, and `shift`,
        the change of the median in standard deviations of the prior, and `narrowed`, the share by
        which the standard deviation shrank.
    """

    posterior: Run
    weights: Floats
    effective_draws: float
    fit: pd.DataFrame
    moved: pd.DataFrame


def calibrate(
    model: Model,
    scenario: Scenario,
    *,
    n_prior: int = 2**17,
    n_draws: int = 4096,
    seed: int = 1,
    folder: Path = DATA,
) -> Calibration:
    """A model's draws, weighed by the targets of `calibration_targets.csv`.

    The many prior draws are run for the years of the targets only; the few posterior ones for the
    years of the scenario.

    Parameters
    ----------
    model : function
        As for `plcore.simulate.run`; its outcome must have the counts of the targets.
    scenario : Scenario
        From `plcore.scenarios.read_scenario`; its parameters are the prior.
    n_prior, n_draws : int
        Draws of the prior and of the posterior.
    seed : int
        Of the draws and of the resampling, 0 or more.
    folder : Path
        Where the targets are read.

    Returns
    -------
    Calibration
        The posterior run, the weights, and tables of the fit and of the parameters that moved.

    Raises
    ------
    ValueError
        If the outcome lacks a target, or the weights leave fewer than 100 effective draws: then
        the prior and the targets contradict each other, or more draws are needed.

    Examples
    --------
    >>> from plcore.models import people_with_limb_loss
    >>> from plcore.scenarios import read_scenario
    >>> year = read_scenario(choices={"first_year": 2005, "last_year": 2005})
    >>> fitted = calibrate(people_with_limb_loss, year, n_prior=2**15, n_draws=256)
    >>> float(fitted.fit["observed"].iloc[0])
    1600000.0
    """
    targets = read("calibration_targets", folder=folder).to_dict("records")
    years = [int(row["year"]) for row in targets]
    briefly = dataclasses.replace(
        scenario,
        choices={**scenario.choices, "first_year": min(years), "last_year": max(years)},
    )
    prior = run(model, briefly, n_draws=n_prior, seed=seed)
    log_weights = np.zeros(n_prior)
    for row in targets:
        modelled = _modelled(prior.outcome, row)
        log_weights -= 0.5 * (np.log(row["value"] / modelled) / row["spread"]) ** 2
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    effective = float(1 / np.sum(weights**2))
    if effective < _LEAST_EFFECTIVE:
        raise ValueError(
            f"{effective:.0f} effective draws of {n_prior}; expected {_LEAST_EFFECTIVE} or more: "
            "draw more, or see which target the prior cannot reach"
        )
    chosen = _resample(weights, n_draws, seed)
    draws = prior.draws.iloc[chosen].reset_index(drop=True).rename_axis("draw")
    fit = [_fit(row, _modelled(prior.outcome, row), chosen) for row in targets]
    posterior = Run(scenario, seed, draws, evaluate(model, draws, scenario))
    return Calibration(posterior, weights, effective, pd.DataFrame(fit), _moved(prior.draws, draws))


def _modelled(outcome: Outcome, target: Mapping[Hashable, Any]) -> Floats:
    counts, year = target["counts"], int(target["year"])
    if counts not in outcome.values:
        raise ValueError(f"no {counts} in the outcome; expected what every target counts in it")
    return outcome.values[counts][:, _place(outcome, year)]


def _place(outcome: Outcome, year: int) -> int:
    if year not in outcome.years:
        raise ValueError(
            f"year is {year}; expected one from {outcome.years[0]} to {outcome.years[-1]}"
        )
    return int(year - outcome.years[0])


def _resample(weights: Floats, n: int, seed: int) -> np.ndarray:
    """Systematic resampling (Kitagawa 1996): each draw floor or ceil of n times its weight."""
    random = np.random.default_rng(seed)
    # Sobol draws alternate between the parts of the range; taking every so-manyth of them would
    # keep one part and skip another.
    order = random.permutation(len(weights))
    # The last sum may fall short of 1 by rounding.
    ends = np.cumsum(weights[order])
    return order[np.searchsorted(ends / ends[-1], (np.arange(n) + random.random()) / n)]


def _limits(values: Floats) -> dict[str, float]:
    median, low, high = np.quantile(values, [0.5, 0.025, 0.975])
    return {"median": float(median), "low": float(low), "high": float(high)}


def _fit(target: Mapping[Hashable, Any], prior: Floats, chosen: np.ndarray) -> dict[str, object]:
    found = {name: target[name] for name in ("target", "year", "spread")}
    row: dict[str, object] = {**found, "observed": target["value"]}
    for name, values in (("prior", prior), ("posterior", prior[chosen])):
        row |= {f"{name}_{end}": value for end, value in _limits(values).items()}
    return row


def _moved(prior: pd.DataFrame, posterior: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name in prior:
        before, after = prior[name].to_numpy(), posterior[name].to_numpy()
        if before.min() == before.max():
            continue
        found: dict[str, object] = {"parameter": name}
        for label, values in (("prior", before), ("posterior", after)):
            found |= {f"{label}_{end}": value for end, value in _limits(values).items()}
        found["shift"] = float((np.median(after) - np.median(before)) / before.std())
        found["narrowed"] = float(1 - after.std() / before.std())
        rows.append(found)
    return pd.DataFrame(rows)


def under(
    posterior: Run, model: Model, scenario: Scenario, *, untouched: Collection[str] = ()
) -> Run:
    """The posterior draws of one scenario, run under the choices and fixed numbers of another.

    What the targets taught about the past is kept; only what the other scenario fixes changes, so
    the difference between the two runs is not noise. A scenario that changes the past (such as the
    age at the loss) no longer fits the targets: calibrate it anew instead.

    Parameters
    ----------
    posterior : Run
        Of a `Calibration`.
    model : function
        As for `plcore.simulate.run`.
    scenario : Scenario
        The other scenario.
    untouched : collection of str
        Parameters that no target depends on, such as the prevalence of pain. They may have another
        distribution: each draw moves to the same quantile of it.

    Returns
    -------
    Run
        As many draws as the posterior has, in the same order.

    Raises
    ------
    ValueError
        If the other scenario gives another parameter another distribution that is not fixed: its
        draws would not be those that the targets weighed.
    """
    before = {item.name: item for item in posterior.scenario.parameters}
    draws = posterior.draws.copy()
    for item in scenario.parameters:
        if item == before.get(item.name):
            continue
        if item.name in untouched:
            draws[item.name] = item.ppf((stats.rankdata(draws[item.name]) - 0.5) / len(draws))
            continue
        if item.dist != "fixed":
            raise ValueError(
                f"{scenario.name}: {item.name} has another distribution ({item.dist}); expected "
                "only fixed numbers to differ from the scenario that was calibrated"
            )
        draws[item.name] = item.median
    return Run(scenario, posterior.seed, draws, evaluate(model, draws, scenario))


def across(
    posterior: Run,
    model: Model,
    scenarios: Sequence[Scenario],
    *,
    outcome: str,
    year: int,
    untouched: Collection[str] = (),
) -> pd.DataFrame:
    """One outcome in one year under several scenarios, with the same draws in each (see `under`).

    Parameters
    ----------
    posterior : Run
        Of a `Calibration`.
    model : function
        The one that the posterior was drawn with.
    scenarios : sequence of Scenario
        Each is run as by `under`.
    outcome : str
        A key of the outcome's values, such as "limb_loss".
    year : int
        A year of every scenario and of the posterior.
    untouched : collection of str
        As for `under`.

    Returns
    -------
    DataFrame
        A row a scenario: scenario, label (its title), value (median), low, high (95% interval),
        and the same three of the difference to the posterior's own scenario: more, more_low,
        more_high.

    Raises
    ------
    ValueError
        If one of the runs does not cover the year.
    """
    base = posterior.outcome.values[outcome][:, _place(posterior.outcome, year)]
    rows = []
    for scenario in scenarios:
        simulated = under(posterior, model, scenario, untouched=untouched).outcome
        values = simulated.values[outcome][:, _place(simulated, year)]
        found, more = _limits(values), _limits(values - base)
        rows.append(
            {
                "scenario": scenario.name,
                "label": scenario.title,
                "value": found["median"],
                "low": found["low"],
                "high": found["high"],
                "more": more["median"],
                "more_low": more["low"],
                "more_high": more["high"],
            }
        )
    return pd.DataFrame(rows)
