"""What the limb loss model says of each row of `data/observations.csv`.

Every quantity has one function, which takes all its rows at once. A row is predicted on its own
definition (level, cause, ages, years), and compared on the scale of its unit: counts, rates and
ratios by their logarithm, shares by their log odds, ages as they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from plcore.evidence.distributions import Floats
from plcore.evidence.population import AGES, Population
from plcore.inputs import checks_kinds
from plcore.models.limb_loss import (
    AGE_GROUPS,
    CAUSES,
    KNOTS,
    LEVELS,
    STRATA,
    conditions_of,
    dead_shares,
    discharges_of,
    hats,
    people_and_mortality,
    project,
    responses_of,
    shapes_of_spread,
    spread_of,
    with_discharges,
)
from plcore.models.outcome import Outcome
from plcore.scenarios import Scenario

#: Share of those with limb loss who live outside institutions, and who are insured. Assumed: no
#: count of either among people with limb loss was found; those rows have a discrepancy besides.
_COVERED = {"noninstitutional": 0.94, "insured": 0.92}
_STOCKS = (
    "people_with_limb_loss",
    "rate_of_people_with_limb_loss",
    "share_of_people_with_limb_loss",
    "ratio_vascular_to_trauma",
)
#: Rows of one quantity, as namedtuples.
_Rows = Sequence[Any]
_NONTRAUMATIC = ("dysvascular", "cancer")
#: The year of a loss where reviews of several studies do not say.
_USUAL_YEAR = 2008
#: What is fixed here and bears on predictions: the posterior's fingerprint holds it.
FIXED = (tuple(_COVERED.items()), _USUAL_YEAR)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Observations laid out for prediction; made by `lay_out`, once for any number of predictions.

    Attributes
    ----------
    by_quantity : tuple of (str, ndarray of int, list)
        A quantity, the places of its rows, and the rows.
    log, logit : ndarray of bool, shape (n_observations,)
        Which are compared by their logarithm, and which by their log odds.
    most : ndarray, shape (n_observations,)
        The greatest value of a share in its unit: 1, or 100 for percent.
    """

    by_quantity: tuple[tuple[str, NDArray[np.int_], list[Any]], ...]
    log: NDArray[np.bool_]
    logit: NDArray[np.bool_]
    most: Floats

    @property
    def stock_years(self) -> list[int]:
        """Years whose stocks are asked for."""
        stocks = (rows for quantity, _, rows in self.by_quantity if quantity in _STOCKS)
        return sorted({_middle(row) for rows in stocks for row in rows})


def lay_out(observations: pd.DataFrame) -> Rows:
    """Observations as `predict` takes them.

    Parameters
    ----------
    observations : DataFrame
        As `plcore.evidence.observations.read_observations` gives it: rows whose use is fit or
        check.

    Raises
    ------
    ValueError
        If the model does not know a quantity.
    """
    rows = observations.reset_index(drop=True)
    by_quantity = []
    for quantity, block in rows.groupby("quantity", sort=False):
        if quantity not in _PREDICTORS:
            raise ValueError(
                f"observations.csv: {block['observation'].iloc[0]}: quantity is {quantity!r}, which "
                f"the model does not know; expected one of {', '.join(_PREDICTORS)}"
            )
        by_quantity.append((str(quantity), block.index.to_numpy(), list(block.itertuples())))
    return Rows(
        tuple(by_quantity),
        (rows["scale"] == "log").to_numpy(),
        (rows["scale"] == "logit").to_numpy(),
        np.where(rows["unit"] == "percent", 100.0, 1.0),
    )


def predict(draws: pd.DataFrame, scenario: Scenario, rows: Rows) -> Floats:
    """The model's number for each observation, in the observation's unit.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.models.limb_loss.people_with_limb_loss`.
    scenario : Scenario
        Of the draws.
    rows : Rows
        From `lay_out`.

    Returns
    -------
    ndarray, shape (n_draws, n_observations)
        Without the observations' own errors.
    """
    model = _Model(draws, scenario, rows.stock_years)
    out = np.empty((len(draws), len(rows.most)))
    for quantity, places, of_quantity in rows.by_quantity:
        out[:, places] = _PREDICTORS[quantity](model, of_quantity)
    return out


@checks_kinds
def amputations(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """Hospital discharges with an amputation in the United States, by year.

    Parameters
    ----------
    draws : DataFrame
        As for `plcore.models.people_with_limb_loss`.
    scenario : Scenario
        Its choices of years, population and incidence are used.

    Returns
    -------
    Outcome
        Values amputations, and of them nontraumatic, traumatic, major and minor; discharges a year,
        not people: some have several.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> outcome = run(amputations, read_scenario(), n_draws=16).outcome
    >>> bool((outcome.values["major"] < outcome.values["amputations"]).all())
    True
    """
    years = scenario.years
    population, _ = people_and_mortality(scenario)
    flows = _Flows(draws, discharges_of(draws, scenario), population)
    chosen: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "amputations": (CAUSES, LEVELS),
        "nontraumatic": (_NONTRAUMATIC, LEVELS),
        "traumatic": (("trauma",), LEVELS),
        "major": (CAUSES, ("major",)),
        "minor": (CAUSES, ("minor",)),
    }
    everybody = slice(0, len(AGES))
    values = {
        name: np.column_stack(
            [
                flows.add_up(
                    years=range(year, year + 1), ages=everybody, causes=causes, levels=levels
                )
                for year in years.tolist()
            ]
        )
        for name, (causes, levels) in chosen.items()
    }
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def on_scale(values: Floats, rows: Rows) -> Floats:
    """Numbers on the scale on which each observation's error is normal.

    Parameters
    ----------
    values : ndarray, shape (..., n_observations)
        In the units of the rows.
    rows : Rows
        From `lay_out`.
    """
    scaled = np.array(values, dtype=float)
    scaled[..., rows.log] = np.log(np.maximum(scaled[..., rows.log], 1e-300))
    shares = scaled[..., rows.logit] / rows.most[rows.logit]
    scaled[..., rows.logit] = special.logit(np.clip(shares, 1e-9, 1 - 1e-9))
    return scaled


def from_scale(scaled: Floats, rows: Rows) -> Floats:
    """Numbers in the units of the rows, from the scale on which they are compared.

    Parameters
    ----------
    scaled : ndarray, shape (..., n_observations)
        As `on_scale` gives them.
    rows : Rows
        The same rows.
    """
    values = np.array(scaled, dtype=float)
    values[..., rows.log] = np.exp(values[..., rows.log])
    values[..., rows.logit] = rows.most[rows.logit] * special.expit(values[..., rows.logit])
    return values


class _Model:
    """What the predictions share, worked out once for the draws."""

    def __init__(self, draws: pd.DataFrame, scenario: Scenario, stock_years: list[int]) -> None:
        self.draws, self.scenario = draws, scenario
        self.population, self.mortality = people_and_mortality(scenario)
        discharges = discharges_of(draws, scenario)
        self.given = with_discharges(draws, scenario, discharges)
        self.flows = _Flows(draws, discharges, self.population)
        self._conditions = conditions_of(self.population, self.mortality)
        self._dead: dict[tuple[object, ...], Floats] = {}
        self._powers: dict[tuple[int, int, int], Floats] = {}
        self.stock_years = stock_years

    @functools.cached_property
    def people(self) -> Floats:
        """People by draw, year of `stock_years`, age group, sex, cause and level."""
        responses = responses_of(
            self.draws, self.scenario, self.population, self.mortality, quantities=("people",),
            age_groups=AGE_GROUPS, years=self.stock_years,
        )  # fmt: skip
        axes = ("year", "age_group", "sex", "cause", "level")
        return project(responses, self.given, by=axes, years=self.stock_years)

    def dead(self, cause: str, level: str, year: int, years: int, from_age: int) -> Floats:
        """Share dead some years after the loss, shape (n_draws,)."""
        key = (cause, level, year, years, from_age)
        if key not in self._dead:
            self._dead[key] = dead_shares(
                self.given, self._conditions, self.flows.spread, cause=cause, level=level,
                year=year, years_since=years, from_age=from_age, powers=self._powers,
            )  # fmt: skip
        return self._dead[key]


# --- The quantities --------------------------------------------------------------------------------


def _ages(row: Any) -> slice:
    low = 0 if pd.isna(row.age_low) else int(row.age_low)
    high = len(AGES) if pd.isna(row.age_high) else int(row.age_high) + 1
    return slice(low, high)


def _years(row: Any) -> range:
    return range(int(row.first_year), int(row.last_year) + 1)


def _of_cause(cause: str) -> tuple[str, ...]:
    return {"all": CAUSES, "nontraumatic": _NONTRAUMATIC}.get(cause, (cause,))


def _of_level(level: str) -> tuple[str, ...]:
    return LEVELS if level == "all" else (level,)


# Stocks


def _stock(model: _Model) -> Callable[..., Floats]:
    """A function that gives people with limb loss of some ages, sex, cause and level in a year."""
    years, people = model.stock_years, model.people

    def of(row: Any, *, ages: bool = True, causes: tuple[str, ...] | None = None) -> Floats:
        span = _ages(row) if ages else slice(0, len(AGES))
        groups = [i for i, first in enumerate(AGE_GROUPS) if span.start <= first < span.stop]
        if AGE_GROUPS[groups[0]] != span.start:
            raise ValueError(
                f"observations.csv: {row.observation}: age_low is {span.start}; expected one of "
                f"{', '.join(map(str, AGE_GROUPS))}"
            )
        sexes = {"male": [0], "female": [1]}.get(row.sex, [0, 1])
        at_cause = [CAUSES.index(c) for c in causes or _of_cause(row.cause)]
        levels = [LEVELS.index(level) for level in _of_level(row.loss_level)]
        cells = people[:, years.index(_middle(row))]
        cells = cells[:, groups][:, :, sexes][:, :, :, at_cause][..., levels]
        return np.asarray(cells.sum(axis=(1, 2, 3, 4)))

    return of


def _middle(row: Any) -> int:
    return (int(row.first_year) + int(row.last_year)) // 2


def _people(model: _Model, rows: _Rows) -> Floats:
    of = _stock(model)
    return np.column_stack([of(row) * _COVERED.get(str(row.population), 1.0) for row in rows])


def _rate_of_people(model: _Model, rows: _Rows) -> Floats:
    of, population = _stock(model), model.population
    columns = []
    for row in rows:
        residents = population.people[_middle(row) - int(population.years[0]), :, _ages(row)].sum()
        columns.append(1000 * of(row) / residents)
    return np.column_stack(columns)


def _share_of_people(model: _Model, rows: _Rows) -> Floats:
    of = _stock(model)
    return np.column_stack([of(row) / of(row, ages=False) for row in rows])


def _ratio_vascular_to_trauma(model: _Model, rows: _Rows) -> Floats:
    of = _stock(model)
    return np.column_stack(
        [of(row, causes=("dysvascular",)) / of(row, causes=("trauma",)) for row in rows]
    )


# Flows: linear in the discharges of each stratum at each knot


class _Flows:
    """Discharges of the strata, to be added up over years and ages."""

    def __init__(self, draws: pd.DataFrame, discharges: Floats, population: Population) -> None:
        self.population = population
        self.spread = spread_of(draws)
        self._flat = discharges.reshape(len(draws), -1)
        # Of trauma, people: what hospitals do not see is in emergency departments.
        seen = {"trauma": draws["trauma_first_share"] * draws["trauma_outside_hospitals"]}
        self._people = (
            discharges
            * np.stack(
                [np.asarray(seen.get(s.cause, 1.0)) * np.ones(len(draws)) for s in STRATA], axis=1
            )[..., np.newaxis]
        )

    def add_up(
        self, *, years: range, ages: slice, causes: tuple[str, ...], levels: tuple[str, ...],
        by_age: bool = False, everywhere: bool = False,
    ) -> Floats:  # fmt: skip
        """Mean over years of the discharges, or of their number times the age at them."""
        weights = _flow_weights(
            self.population, self.spread, years, (ages.start, ages.stop), causes, levels, by_age
        )
        flat = self._people.reshape(len(self._flat), -1) if everywhere else self._flat
        return np.asarray(flat @ weights.ravel() / len(years))

    def of(self, row: Any, **changes: Any) -> Floats:
        """The discharges that a row counts."""
        asked = {
            "years": _years(row), "ages": _ages(row), "causes": _of_cause(row.cause),
            "levels": _of_level(row.loss_level), "everywhere": row.setting == "emergency",
        }  # fmt: skip
        return self.add_up(**(asked | changes))

    def residents(self, row: Any, years: range) -> float:
        """People of the row's ages, the mean over years."""
        at = np.asarray(years) - int(self.population.years[0])
        return float(self.population.people[at][:, :, _ages(row)].sum() / len(years))


@functools.lru_cache(maxsize=4096)
def _flow_weights(
    population: Population,
    spread: tuple[float, ...],
    years: range,
    ages: tuple[int, int],
    causes: tuple[str, ...],
    levels: tuple[str, ...],
    by_age: bool,
) -> Floats:
    """What discharges a head of each stratum and knot add up to over years, (strata, knots)."""
    shapes = shapes_of_spread(spread, population)
    of_age = AGES + 0.5 if by_age else np.ones(len(AGES))
    weights = np.zeros((len(STRATA), len(KNOTS)))
    for year in years:
        at_knots = hats([year])[0]
        people = population.people[year - int(population.years[0])] * of_age
        for place, s in enumerate(STRATA):
            if s.cause in causes and s.level in levels:
                cases = (people * shapes[s.shape])[:, slice(*ages)].sum()
                weights[place] += at_knots * cases
    return weights


def _amputations(model: _Model, rows: _Rows) -> Floats:
    flows = model.flows
    return np.column_stack(
        [flows.of(row) * (len(_years(row)) if "period" in str(row.unit) else 1) for row in rows]
    )


def _amputation_rate(model: _Model, rows: _Rows) -> Floats:
    flows = model.flows
    return np.column_stack(
        [1e5 * flows.of(row) / flows.residents(row, _years(row)) for row in rows]
    )


def _ratio_of_years(model: _Model, rows: _Rows) -> Floats:
    flows = model.flows
    columns = []
    for row in rows:
        first, last = (range(int(y), int(y) + 1) for y in (row.first_year, row.last_year))
        ratio = flows.of(row, years=last) / flows.of(row, years=first)
        # Numbers of the whole country are printed as such; those of Medicare and of a state a head.
        national = row.population == "residents" and row.setting == "inpatient"
        if not national or row.counts == "discharges":
            ratio = ratio * flows.residents(row, first) / flows.residents(row, last)
        columns.append(ratio)
    return np.column_stack(columns)


def _share_of_amputations(model: _Model, rows: _Rows) -> Floats:
    """Share of a level among its cause and ages; of an age group or a cause where all levels."""
    flows = model.flows
    columns = []
    for row in rows:
        if row.loss_level != "all":
            whole = flows.of(row, levels=LEVELS)
        elif row.cause == "dysvascular":
            whole = flows.of(row, causes=CAUSES)
        else:
            whole = flows.of(row, ages=slice(0, len(AGES)))
        columns.append(flows.of(row) / whole)
    return np.column_stack(columns) * _hundred(rows)


def _mean_age(model: _Model, rows: _Rows) -> Floats:
    flows = model.flows
    return np.column_stack([flows.of(row, by_age=True) / flows.of(row) for row in rows])


# Survival


def _dead_of(model: _Model, row: Any, level: str, years: int) -> Floats:
    year = _USUAL_YEAR if pd.isna(row.first_year) else _middle(row)
    from_age = 0 if pd.isna(row.age_low) else int(row.age_low)
    cause = "trauma" if row.cause == "trauma" else "dysvascular"
    # Followed for some years from the loss: those of the last year must lie within the data.
    return model.dead(cause, level, year, years, from_age)


def _dead(model: _Model, rows: _Rows) -> Floats:
    columns = []
    for row in rows:
        years = round(row.months / 12)
        if row.loss_level == "all":
            minor = _minor_of_losses(model, row)
            dead = sum(
                share * _dead_of(model, row, level, years)
                for level, share in (("minor", minor), ("major", 1 - minor))
            )
        else:
            dead = _dead_of(model, row, row.loss_level, years)
        columns.append(dead)
    return np.column_stack(columns) * _hundred(rows)


def _alive(model: _Model, rows: _Rows) -> Floats:
    columns = []
    for row in rows:
        level = "major" if row.loss_level == "all" else row.loss_level
        columns.append(1 - _dead_of(model, row, level, round(row.months / 12)))
    return np.column_stack(columns) * _hundred(rows)


def _minor_of_losses(model: _Model, row: Any) -> Floats:
    year = _USUAL_YEAR if pd.isna(row.first_year) else _middle(row)
    flows = model.flows
    span: dict[str, Any] = {
        "years": range(year, year + 1), "ages": _ages(row), "causes": ("dysvascular",),
    }  # fmt: skip
    return flows.add_up(levels=("minor",), **span) / flows.add_up(levels=LEVELS, **span)


def _dead_ratio_of_ages(model: _Model, rows: _Rows) -> Floats:
    columns = []
    for row in rows:
        minor, years = _minor_of_losses(model, row), round(row.months / 12)
        old, everybody = (
            sum(
                share * _dead_of(model, at, level, years)
                for level, share in (("minor", minor), ("major", 1 - minor))
            )
            for at in (row, row._replace(age_low=np.nan))
        )
        columns.append(old / everybody)
    return np.column_stack(columns)


def _dead_ratio_of_levels(model: _Model, rows: _Rows) -> Floats:
    return np.column_stack(
        [
            _dead_of(model, row, "major", round(row.months / 12))
            / _dead_of(model, row, "minor", round(row.months / 12))
            for row in rows
        ]
    )


def _age_hazard_ratio(model: _Model, rows: _Rows) -> Floats:
    """Hazard of death of amputees per year of age: that of the population, less the gradient."""
    mortality, gradient = model.mortality, model.given.gradient
    columns = []
    for row in rows:
        low = 50 if pd.isna(row.age_low) else int(row.age_low)
        hazard = mortality.hazard[_middle(row) - int(mortality.years[0])].mean(axis=0)
        slope = np.polyfit(AGES[low:91], np.log(hazard[low:91]), 1)[0]
        columns.append(np.exp(slope - gradient))
    return np.column_stack(columns)


# What is a parameter itself


def _major_same_leg(model: _Model, rows: _Rows) -> Floats:
    share = model.draws["dysvascular_progression"].to_numpy()[:, np.newaxis]
    return np.repeat(share, len(rows), axis=1) * _hundred(rows)


def _share_of_first_losses(model: _Model, rows: _Rows) -> Floats:
    columns = [_minor_of_losses(model, row) for row in rows]
    return np.column_stack(columns) * _hundred(rows)


def _operations_per_person(model: _Model, rows: _Rows) -> Floats:
    return np.repeat(1 / model.draws[["dysvascular_first_share"]].to_numpy(), len(rows), axis=1)


def _hundred(rows: _Rows) -> Floats:
    return np.array([100.0 if row.unit == "percent" else 1.0 for row in rows])


_PREDICTORS: dict[str, Callable[[_Model, _Rows], Floats]] = {
    "people_with_limb_loss": _people,
    "rate_of_people_with_limb_loss": _rate_of_people,
    "share_of_people_with_limb_loss": _share_of_people,
    "ratio_vascular_to_trauma": _ratio_vascular_to_trauma,
    "amputations": _amputations,
    "amputation_rate": _amputation_rate,
    "amputations_ratio_of_years": _ratio_of_years,
    "share_of_amputations": _share_of_amputations,
    "share_of_first_losses": _share_of_first_losses,
    "mean_age_at_amputation": _mean_age,
    "dead": _dead,
    "alive": _alive,
    "dead_ratio_of_ages": _dead_ratio_of_ages,
    "dead_ratio_of_levels": _dead_ratio_of_levels,
    "age_hazard_ratio": _age_hazard_ratio,
    "major_same_leg": _major_same_leg,
    "operations_per_person": _operations_per_person,
}
