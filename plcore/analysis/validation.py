"""How well the limb loss model predicts: observations used and not used, families and years left out.

The interval of the parameters is not the interval in which an observation should fall. That is the
predictive one: it adds the observation's own error and its discrepancy. `predictive_checks` gives it for every
row; `leave_family_out` and `back_test` for rows that the fit did not see. The two take minutes, so
`python3 run.py checks` works them out and stores them in `data/posterior/`, from where notebooks
read them (`stored_checks`).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.observation_table import OBSERVATIONS
from plcore.evidence.observations import read_observations
from plcore.evidence.parameters import Parameter, parameter
from plcore.evidence.table import require_columns
from plcore.inputs import check_whole_number, checks_kinds
from plcore.models.limb_loss import (
    KNOTS,
    LAST_OBSERVED,
    people_with_limb_loss,
)
from plcore.models.observed import from_scale, lay_out
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.synthesis import (
    Likelihood,
    completed,
    fingerprint,
    fit,
    fitted_rows,
    read_posterior,
    uncertain,
)

#: What each quantity of `observations.csv` is, for readers.
QUANTITIES: Mapping[str, str] = {
    "people_with_limb_loss": "People with limb loss",
    "rate_of_people_with_limb_loss": "People with limb loss per 1000",
    "share_of_people_with_limb_loss": "Ages of people with limb loss",
    "ratio_vascular_to_trauma": "Vascular to injury, people living",
    "amputations": "Amputations",
    "amputation_rate": "Amputations per 100,000",
    "amputations_ratio_of_years": "Amputations, later to earlier year",
    "share_of_amputations": "Level, age or cause of amputations",
    "share_of_first_losses": "First losses that are minor",
    "mean_age_at_amputation": "Mean age at amputation",
    "dead": "Dead some years after the loss",
    "alive": "Alive some years after the loss",
    "dead_ratio_of_ages": "Dead, old to all ages",
    "dead_ratio_of_levels": "Dead, major to minor loss",
    "age_hazard_ratio": "Rise of deaths with age",
    "major_same_leg": "Minor losses that become major",
    "operations_per_person": "Operations per person",
}
#: Years whose counts the tables of sensitivity give.
YEARS = (2024, 2030, 2050)
_TABLES = ("left_out", "back_test", "structures", "families")


def predictable(observations: pd.DataFrame) -> pd.DataFrame:
    """The observations that the model predicts: those of the fit, and those only checked.

    Parameters
    ----------
    observations : DataFrame
        As `plcore.evidence.observations.read_observations` gives it.
    """
    return observations[observations["use"].isin(["fit", "check"])].reset_index(drop=True)


@checks_kinds
def predictive_checks(
    draws: pd.DataFrame, observations: pd.DataFrame, *, seed: int = 1, level: float = 0.95
) -> pd.DataFrame:
    """Each observation beside its predictive interval.

    Parameters
    ----------
    draws : DataFrame
        Of the posterior, one row per draw.
    observations : DataFrame
        Rows that the model predicts.
    seed : int
        Of the errors.
    level : float
        What share of observations the intervals are meant to hold.

    Returns
    -------
    DataFrame
        One row per observation: observation, quantity, family, kind, use, unit, first_year, last_year,
        observed, median, low, high (in the unit), inside (whether the interval holds the
        observation), position (0 at the median, -1 and 1 at the ends of the interval, on the scale
        of comparison), pit (share of predictions below it), score (interval score on the scale of
        comparison: Gneiting and Raftery 2007; smaller is better), level, source, seen.

    Raises
    ------
    ValueError
        A column that is missing, or a row without a number to compare or its discrepancy; names it.
    """
    check_whole_number("seed", seed, least=0)
    _require_observations(observations)
    likelihood = Likelihood(read_scenario(), observations.reset_index(drop=True))
    rows = likelihood.observations
    centre = rows["centre"].to_numpy(dtype=float)
    root = np.linalg.cholesky(likelihood.covariance())
    errors = np.random.default_rng(seed).standard_normal((len(draws), len(rows))) @ root.T
    predicted = likelihood.predicted(draws) + errors
    tail = (1 - level) / 2
    low, median, high = np.quantile(predicted, [tail, 0.5, 1 - tail], axis=0)
    outside = np.maximum(low - centre, 0) + np.maximum(centre - high, 0)
    columns = [
        "observation",
        "quantity",
        "family",
        "kind",
        "use",
        "unit",
        "first_year",
        "last_year",
    ]
    table = rows[columns].copy()
    table["observed"] = rows["value"]
    for name, values in (("median", median), ("low", low), ("high", high)):
        table[name] = from_scale(values, lay_out(rows))
    half = np.where(centre < median, median - low, high - median)
    return table.assign(
        inside=outside == 0,
        position=(centre - median) / half,
        pit=(predicted < centre).mean(axis=0),
        score=high - low + 2 / (1 - level) * outside,
        level=level,
        source=rows["source"],
        seen=rows["seen"],
    )


def _require_observations(rows: pd.DataFrame) -> None:
    """Refuse rows that `read_observations` cannot have given."""
    worked_out = ("scale", "centre", "sampling_sd", "sd")
    needed = (*(column.name for column in OBSERVATIONS.columns), *worked_out)
    require_columns(rows, needed, "observations")
    for name in ("value", "centre", "sampling_sd", "discrepancy"):
        numbers = pd.to_numeric(rows[name], errors="coerce").to_numpy(dtype=float)
        wrong = np.flatnonzero(~np.isfinite(numbers))
        if wrong.size:
            row = rows.iloc[wrong[0]]
            raise ValueError(
                f"observations: row {wrong[0]} ({row['observation']}): {name} is {row[name]!r}; "
                "expected a number (rows that are to be predicted have the use fit or check)"
            )


def leave_family_out(
    observations: pd.DataFrame, *, n_draws: int = 512, executor: Executor | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every family predicted by a fit that did not see it, and what each family does to the answer.

    Parameters
    ----------
    observations : DataFrame
        As `plcore.evidence.observations.read_observations` gives it.
    n_draws : int
        Of each of the two fits a family.
    executor : concurrent.futures.Executor, optional
        Where the families are worked on; by default here.

    Returns
    -------
    DataFrame, DataFrame
        The rows of the fit as `predictive_checks` gives them; and one row per family: without (what was left
        out, "nothing" first, "model outputs" for all of those), year, median, low, high of people
        with limb loss.
    """
    rows = fitted_rows(observations)
    families = list(dict.fromkeys(rows["family"]))
    subsets = [("nothing", rows), ("model outputs", rows[rows["kind"] == "observation"])]
    subsets += [(family, rows[rows["family"] != family]) for family in families]
    tasks = [(subset, n_draws) for _, subset in subsets]
    mapped = map(_draws_of, tasks) if executor is None else executor.map(_draws_of, tasks)
    draws = dict(zip([name for name, _ in subsets], mapped, strict=True))
    left_out = [
        predictive_checks(draws[family], rows[rows["family"] == family]) for family in families
    ]
    counts = [_counts(table).assign(without=name) for name, table in draws.items()]
    return (
        pd.concat(left_out, ignore_index=True),
        pd.concat(counts, ignore_index=True)[["without", "year", "median", "low", "high"]],
    )


def _draws_of(task: tuple[pd.DataFrame, int]) -> pd.DataFrame:
    rows, n_draws = task
    return fit(rows, n_draws=n_draws, n_fits=2).draws


def back_test(
    observations: pd.DataFrame, *, known_by: int = 2008, n_draws: int = 1024
) -> pd.DataFrame:
    """What a fit to the observations of years up to one says of those since.

    Parameters
    ----------
    observations : DataFrame
        As `plcore.evidence.observations.read_observations` gives it. Reviews without years are
        left out of the fit.
    known_by : int
        Last year of the observations that are fitted.
    n_draws : int
        Of each of the two fits.

    Returns
    -------
    DataFrame
        As `predictive_checks` gives it, of the observations whose last year is later.
    """
    rows = fitted_rows(observations)
    known = rows[rows["last_year"] <= known_by]
    draws = fit(known, n_draws=n_draws, n_fits=2).draws
    return predictive_checks(draws, rows[rows["last_year"] > known_by])


def structures(
    observations: pd.DataFrame, *, n_draws: int = 512, executor: Executor | None = None
) -> pd.DataFrame:
    """Log evidence of simpler models on the same observations, and what they say.

    Each takes something away by fixing its parameters: incidence that walks, a mix of levels that
    changes, losses that get younger, hazard ratios that fall with age.

    Parameters
    ----------
    observations : DataFrame
        As `plcore.evidence.observations.read_observations` gives it.
    n_draws : int
        Of each of the two fits a structure.
    executor : concurrent.futures.Executor, optional
        Where the structures are worked on.

    Returns
    -------
    DataFrame
        One row per structure: structure, log_evidence, error (its standard error), and median, low,
        high of people with limb loss in 2050.
    """
    rows = fitted_rows(observations)
    tasks = [(rows, fixed, n_draws) for fixed in _STRUCTURES.values()]
    mapped = map(_structure, tasks) if executor is None else executor.map(_structure, tasks)
    return pd.DataFrame(
        [{"structure": name} | row for name, row in zip(_STRUCTURES, mapped, strict=True)]
    )


_WALK = {f"dysvascular_step_{year}": 0.0 for year in KNOTS if 1996 < year <= LAST_OBSERVED}
_AHEAD = {f"dysvascular_step_{year}": 0.0 for year in KNOTS if year > LAST_OBSERVED}
_AGES = {
    f"dysvascular_younger_{level}_{year}": 0.25
    for level in ("major", "minor")
    for year in (1993, 2019)
}
_STRUCTURES: Mapping[str, Mapping[str, float]] = {
    "the model": {},
    "incidence held after 2024": _AHEAD,
    "hazard ratio the same at all ages": {"dysvascular_ratio_gradient": 0.02},
    "ages at loss held": _AGES,
    "mix of levels held": {"dysvascular_minor_share_2019": 0.47, "dysvascular_minor_share_1993": 0.47},
    "incidence of 1996 held": _WALK | _AHEAD,
    "all of these held": _WALK | _AHEAD | _AGES
    | {"dysvascular_minor_share_2019": 0.47, "dysvascular_minor_share_1993": 0.47},
}  # fmt: skip


def _structure(task: tuple[pd.DataFrame, Mapping[str, float], int]) -> dict[str, float]:
    rows, fixed, n_draws = task
    scenario = with_fixed(read_scenario(), fixed)
    posterior = fit(rows, scenario=scenario, n_draws=n_draws, n_fits=2)
    at_2050 = _counts(posterior.draws, scenario=scenario, years=[2050]).iloc[0]
    evidence = posterior.log_evidence
    return {
        "log_evidence": float(special.logsumexp(evidence) - np.log(len(evidence))),
        "error": float(evidence.std(ddof=1) / np.sqrt(len(evidence))),
        **{name: float(at_2050[name]) for name in ("median", "low", "high")},
    }


def with_fixed(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """The scenario with some parameters fixed.

    Parameters
    ----------
    scenario : Scenario
    values : mapping of str to float
        By the parameter's name, in its unit.
    """
    unknown = sorted(set(values) - {item.name for item in scenario.parameters})
    if unknown:
        raise ValueError(f"{scenario.name}: no parameter {unknown[0]!r}")
    fixed = tuple(
        parameter(
            item.name, item.unit, "fixed", {"value": values[item.name]},
            source="assumed", seen="assumed", note="Fixed, to compare structures",
        )
        if item.name in values
        else item
        for item in scenario.parameters
    )  # fmt: skip
    return dataclasses.replace(scenario, parameters=fixed)


def _counts(
    draws: pd.DataFrame, *, scenario: Scenario | None = None, years: Sequence[int] = YEARS
) -> pd.DataFrame:
    """Median and 95% interval of people with limb loss in some years."""
    asked = read_scenario() if scenario is None else scenario
    choices = {**asked.choices, "first_year": min(years), "last_year": max(years)}
    asked = dataclasses.replace(asked, choices=choices)
    full = completed(draws, asked)
    outcome = people_with_limb_loss(full, asked)
    people = outcome.values["limb_loss"][:, [int(y) - min(years) for y in years]]
    low, median, high = np.quantile(people, [0.025, 0.5, 0.975], axis=0)
    return pd.DataFrame({"year": list(years), "median": median, "low": low, "high": high})


@checks_kinds
def prior_sensitivity(*, year: int = 2050, folder: Path = DATA) -> pd.DataFrame:
    """How far the answer moves where a prior is made wider or narrower.

    The stored draws are weighed by the prior density of one parameter to a power less one
    (Kallioinen et al. 2023): 0.5 makes the prior wider, 2 narrower.

    Parameters
    ----------
    year : int
        Of the count of people with limb loss.
    folder : Path
        Of the data.

    Returns
    -------
    DataFrame
        One row per parameter, the most important first: parameter, wider and narrower (median with
        that prior), and base, the median as it is.
    """
    scenario = read_scenario(choices={"first_year": year, "last_year": year}, folder=folder)
    draws = read_posterior(folder=folder)
    full = completed(draws, scenario)
    people = people_with_limb_loss(full, scenario).values["limb_loss"][:, 0]
    base = float(np.median(people))
    rows = []
    for item in uncertain(scenario):
        z = _scores(item, draws[item.name].to_numpy())
        row: dict[str, float | str] = {"parameter": item.name, "base": base}
        for name, power in (("wider", 0.5), ("narrower", 2.0)):
            weights = special.softmax(-0.5 * (power - 1) * z**2)
            order = np.argsort(people)
            at = int(np.searchsorted(np.cumsum(weights[order]), 0.5))
            row[name] = float(people[order][min(at, len(people) - 1)])
        rows.append(row)
    table = pd.DataFrame(rows)
    span = (table["wider"] - table["narrower"]).abs()
    return table.loc[span.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def _scores(item: Parameter, values: Floats) -> Floats:
    """Standard normal scores of values under a prior, by inverting its quantile function."""
    z = np.linspace(-5, 5, 4001)
    return np.interp(values, item.ppf(special.ndtr(z)), z)


@checks_kinds
def stored_checks(name: str, *, folder: Path = DATA) -> pd.DataFrame:
    """A table that `python3 run.py checks` has stored.

    Parameters
    ----------
    name : str
        "left_out", "back_test", "structures" or "families".
    folder : Path
        Of the data.

    Raises
    ------
    ValueError
        If there is none, or what it rests on has changed since.
    """
    if name not in _TABLES:
        raise ValueError(f"no table {name!r}; expected one of {', '.join(_TABLES)}")
    path = folder / "posterior" / f"{name}.csv"
    if not path.exists():
        raise ValueError(f"{path.name}: no such file; python3 run.py checks makes it")
    table = pd.read_csv(path)
    likelihood = Likelihood(
        read_scenario(folder=folder), fitted_rows(read_observations(folder=folder))
    )
    if (table["fingerprint"] != fingerprint(likelihood)[:16]).any():
        raise ValueError(
            f"{path.name}: made from other parameters, observations, people or deaths than those "
            f"in {folder.name}/ now; python3 run.py checks renews it"
        )
    return table.drop(columns="fingerprint")


def main() -> int:
    """Work out what takes minutes (families and years left out, structures) and store it."""
    start = time.monotonic()
    observations = read_observations()
    mark = fingerprint(Likelihood(read_scenario(), fitted_rows(observations)))[:16]
    with ProcessPoolExecutor(2) as pool:
        left_out, families = leave_family_out(observations, executor=pool)
        tables = {
            "left_out": left_out,
            "families": families,
            "structures": structures(observations, executor=pool),
            "back_test": back_test(observations),
        }
    for name, table in tables.items():
        table.assign(fingerprint=mark).to_csv(
            DATA / "posterior" / f"{name}.csv",
            index=False,
            float_format="%.6g",
            lineterminator="\n",
        )
    for name in ("left_out", "back_test"):
        inside = tables[name]["inside"]
        print(f"{name}: {inside.sum()} of {len(inside)} observations in their 95% intervals")
    print(tables["structures"].round(2).to_string(index=False))
    print(f"Done in {time.monotonic() - start:.0f} s.")
    return 0
