"""People living with limb loss: the incidence-prevalence-mortality cohort model.

Those who lost a limb are counted in strata: by cause (dysvascular, trauma, cancer), level (major;
minor: no more than fingers or toes) and how incidence is spread over ages. By sex and stratum,
with t a year and a an age,

    N(t+1, a+1) = N(t, a) exp(-m') + (1 - q) new(t, a) exp(-m'/2),
    new(t, a)   = incidence(t) x shape(a) x people(t, a),
    m'(t, a)    = HR x exp(-gradient (a - 70) + change (t - 2005)) x m(t, a),

where m is the mortality hazard of the general population, HR the hazard ratio of people with limb
loss at 70 years of age in 2005, and q the share who die in the first year over and above that.
New cases come all through the year, hence half of it. N(t) is the stock at mid-year; ages of 100
and over are one group. The stock of the first year is the one that its incidence and mortality
would have built up had they always held. Only the dysvascular strata have a gradient and a change.

A loss counts once, at a person's first. Those whose first loss is minor and who soon lose more are
counted as major from the start, which is the share called progression.

The model is linear in incidence at its knots and in 1 - q, and HR enters only through exp(-HR m),
an entire function. So the recursion (`plcore.models.recursion`) runs once, on a few Chebyshev nodes
of log HR and one unit of incidence at each knot: `respond`. Any number of draws is then one matrix
product, summed over ages, sexes and strata before it is done: `project` (Trefethen 2013,
Approximation Theory and Approximation Practice, chapters 3 and 8, on why a few nodes give all
digits). Gradient and change are taken at the nearest of a few values, since each pair of them needs
a recursion of its own. What `respond` returns depends on the scenario and not on the draws, and is
kept: see `responses_of`.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from plcore.evidence.distributions import Floats
from plcore.evidence.population import (
    AGES,
    SEXES,
    Mortality,
    Population,
    read_mortality,
    read_population,
)
from plcore.inputs import check_whole_number, checks_kinds
from plcore.models.outcome import Outcome
from plcore.models.recursion import CARRIED, fit_polynomials, polynomials_at, recurse
from plcore.scenarios import Scenario
from plcore.threads import one_blas_thread

CAUSES = ("dysvascular", "trauma", "cancer")
LEVELS = ("major", "minor")


@dataclass(frozen=True, slots=True)
class Stratum:
    """Losses of one cause and level whose incidence has one shape over ages.

    Attributes
    ----------
    cause : str
        One of `CAUSES`.
    level : str
        "major", or "minor": no more than fingers or toes.
    shape : str
        A key of the shapes of `respond`: "older" or "younger" (dysvascular), "trauma", "cancer".
    """

    cause: str
    level: str
    shape: str


STRATA = (
    Stratum("dysvascular", "major", "older"),
    Stratum("dysvascular", "major", "younger"),
    Stratum("dysvascular", "minor", "older"),
    Stratum("dysvascular", "minor", "younger"),
    Stratum("trauma", "major", "trauma"),
    Stratum("trauma", "minor", "trauma"),
    Stratum("cancer", "major", "cancer"),
)
#: First age of each group; the last is open.
AGE_GROUPS = (0, 18, 45, 65, 75)
#: What the model counts, in people, people a year or years.
QUANTITIES = (*(name for name in CARRIED if name != "net"), "deaths")
#: Years at which incidence is given; straight lines between.
KNOTS = (1950, 1988, 1996, 2003, 2010, 2014, 2019, 2024, 2030, 2040, 2050, 2060)
#: The last knot that data bear on; what follows is a walk.
LAST_OBSERVED = 2024
#: Fall of the log hazard ratio per year of age, and its change per calendar year: the values at
#: which survival after a dysvascular loss is worked out. Steps of the one and of the other move
#: the count of 2050 by some 5%.
GRADIENTS, CHANGES = (0.02, 0.04, 0.06), (-0.02, -0.01, 0.0)
SURVIVALS = tuple(itertools.product(GRADIENTS, CHANGES))
_FIXED_SURVIVAL = (0.0, 0.0)
#: Age and year at which a hazard ratio is given.
_RATIO_AGE, _RATIO_YEAR = 70, 2005
#: The year whose population the printed rates refer to.
_REFERENCE_YEAR = 1996
#: Years at which the mix of levels and the ages at a loss are given.
_MIX_YEARS = (1993, 2019)
#: Nobody is taken to lose a limb to vascular disease before this age.
_FIRST_AGE = 30
# Beyond this age incidence stays level: the steep rise is a feature of middle and early old age.
_LEVEL_AGE = 85
_MAJOR = [place for place, s in enumerate(STRATA) if (s.cause, s.level) == ("dysvascular", "major")]
_MINOR = [place for place, s in enumerate(STRATA) if (s.cause, s.level) == ("dysvascular", "minor")]
_AXES = ("year", "age_group", "sex")
# Draws multiplied at a time. A product of another shape may differ in the last digit, so the last
# rows are filled up: a draw then gives the same bits whatever stands beside it.
_ROWS = 256
#: Hazard ratios that the kept responses cover; draws beyond get a wider range.
_RANGE = (0.5, 16.0)


# --- The model over the draws of a scenario ------------------------------------------------------


@checks_kinds
def people_with_limb_loss(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People living with limb loss, and new cases and deaths among them, by year.

    Parameters
    ----------
    draws : DataFrame
        One row per draw and a column for each parameter of the model: those of `data/parameters.csv`
        that begin with dysvascular_, trauma_ or cancer_. `plcore.simulate.run` takes them from the
        posterior in `data/posterior/`, in which `data/observations.csv` has its say.
    scenario : Scenario
        Its choices population, mortality, population_factor_2050, incidence_path, dysvascular_factor,
        hazard_ratio_change, first_year, last_year and extrapolate are used; beliefs says where the
        draws come from.

    Returns
    -------
    Outcome
        Values limb_loss, its parts by cause, dysvascular, trauma and cancer, and by level, major
        and minor, in people; new_cases and deaths, in people a year.

    Raises
    ------
    ValueError
        If a year lies outside the data and the scenario does not ask for extrapolation, or if a
        parameter that sets the spread of incidence over ages differs between draws.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import run
    >>> outcome = run(people_with_limb_loss, read_scenario(), n_draws=64).outcome
    >>> sorted(outcome.values)[:3]
    ['cancer', 'deaths', 'dysvascular']
    """
    population, mortality = people_and_mortality(scenario)
    quantities = ("people", "deaths", "new_cases")
    years = scenario.years
    responses = responses_of(
        draws, scenario, population, mortality, quantities=quantities, age_groups=(0,), years=years
    )
    flows = project_all(
        responses, inputs(draws, scenario), quantities=quantities, by=("year", "cause", "level"),
        years=years,
    )  # fmt: skip
    people = flows["people"]
    values = {"limb_loss": people.sum(axis=(2, 3))}
    values |= {cause: people[:, :, c].sum(axis=2) for c, cause in enumerate(CAUSES)}
    values |= {level: people[..., k].sum(axis=2) for k, level in enumerate(LEVELS)}
    values |= {name: flows[name].sum(axis=(2, 3)) for name in ("new_cases", "deaths")}
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


@checks_kinds
def people_and_mortality(scenario: Scenario) -> tuple[Population, Mortality]:
    """The population and mortality of the United States that a scenario chooses.

    Parameters
    ----------
    scenario : Scenario
        Its choices population, mortality, population_factor_2050, last_year and extrapolate are
        used. With a factor other than 1, the people of every age are multiplied by a number that
        runs in a straight line from 1 in 2005 to the factor in 2050, and stays.

    Returns
    -------
    Population, Mortality
        From 1950 to 2060, or to the scenario's last year if that is later.

    Raises
    ------
    ValueError
        If the last year lies beyond the data and the scenario does not ask for extrapolation, by
        which the last year of the data is repeated and marked.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> population, mortality = people_and_mortality(read_scenario())
    >>> population.people.shape == mortality.hazard.shape == (111, 2, 101)
    True
    """
    return _people_and_mortality(
        str(scenario.choices["population"]),
        str(scenario.choices["mortality"]),
        float(scenario.choices["population_factor_2050"]),
        max(KNOTS[-1], int(scenario.choices["last_year"])),
        bool(scenario.choices["extrapolate"]),
        scenario.folder,
    )


@functools.lru_cache(maxsize=8)
def _people_and_mortality(
    variant: str, deaths: str, factor_2050: float, last: int, beyond: bool, folder: Path
) -> tuple[Population, Mortality]:
    population = read_population(
        "USA", variant=variant, last_year=last, extrapolate=beyond, folder=folder
    )
    factor = np.interp(population.years, [2005, 2050], [1.0, factor_2050])
    people = population.people * factor[:, np.newaxis, np.newaxis]
    people.setflags(write=False)
    mortality = read_mortality(
        "USA", variant=deaths, last_year=last, extrapolate=beyond, folder=folder
    )
    return dataclasses.replace(population, people=people), mortality


@dataclass(frozen=True, slots=True, eq=False)
class LimbLossDraws:
    """The uncertain inputs of the model, one row per draw.

    Attributes
    ----------
    incidence : ndarray, shape (n_draws, n_strata, n_knots)
        People who lose a limb for the first time, per person of the reference population and year,
        at each knot; straight lines between.
    hazard_ratio : ndarray, shape (n_draws, n_strata)
        Hazard of death against the general population, at 70 years of age in 2005.
    first_year_excess : ndarray, shape (n_draws, n_strata)
        Share who die within the year of the loss over and above the hazard ratio.
    survival : ndarray of int, shape (n_draws,)
        Place in `SURVIVALS` of the gradient and change of the dysvascular hazard ratios.
    """

    incidence: Floats
    hazard_ratio: Floats
    first_year_excess: Floats
    survival: NDArray[np.int_]

    @property
    def gradient(self) -> Floats:
        """Fall of the log hazard ratio per year of age, shape (n_draws,)."""
        return np.asarray(np.array(SURVIVALS)[self.survival, 0])

    def __post_init__(self) -> None:
        shape = self.incidence.shape[:2]
        for name in ("hazard_ratio", "first_year_excess"):
            given = getattr(self, name).shape
            if given != shape:
                raise ValueError(f"{name} has shape {given}; expected {shape}, draws and strata")
        if self.survival.shape != shape[:1]:
            raise ValueError(f"survival has shape {self.survival.shape}; expected {shape[:1]}")
        _refuse(self.incidence, self.incidence >= 0, "incidence", "0 or more")
        _refuse(self.hazard_ratio, self.hazard_ratio > 0, "hazard_ratio", "above 0")
        excess = self.first_year_excess
        _refuse(excess, (excess >= 0) & (excess <= 1), "first_year_excess", "from 0 to 1")


def inputs(draws: pd.DataFrame, scenario: Scenario) -> LimbLossDraws:
    """The draws of the named parameters as the cohort model takes them.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Its choice dysvascular_factor multiplies dysvascular incidence after `LAST_OBSERVED`, in a
        straight line over ten years and then for good.
    """
    return with_discharges(draws, scenario, discharges_of(draws, scenario))


def with_discharges(draws: pd.DataFrame, scenario: Scenario, discharges: Floats) -> LimbLossDraws:
    """As `inputs`, of given discharges instead of those of the United States.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Its choice hazard_ratio_change is used.
    discharges : ndarray, shape (n_draws, n_strata, n_knots)
        With an amputation, per person of the reference population and year.
    """
    d = columns_of(draws)
    progressed = d["dysvascular_progression"][:, np.newaxis, np.newaxis]
    first_share = {
        "dysvascular": d["dysvascular_first_share"],
        "trauma": d["trauma_first_share"] * d["trauma_outside_hospitals"],
        "cancer": np.ones(len(draws)),
    }
    incidence = (
        discharges * np.stack([first_share[s.cause] for s in STRATA], axis=1)[..., np.newaxis]
    )
    # Major and minor dysvascular strata stand in pairs of the same shape.
    moved = incidence[:, _MINOR] * progressed
    incidence[:, _MAJOR] += moved
    incidence[:, _MINOR] -= moved

    return LimbLossDraws(
        incidence=incidence,
        hazard_ratio=_of_strata(d, "hazard_ratio"),
        first_year_excess=_of_strata(d, "first_year_excess"),
        survival=_survival_of(d, scenario),
    )


def _of_strata(d: Mapping[str, Floats], name: str) -> Floats:
    """A parameter of survival by stratum, shape (n_draws, n_strata)."""
    columns = [
        d[f"dysvascular_{s.level}_{name}" if s.cause == "dysvascular" else f"{s.cause}_{name}"]
        for s in STRATA
    ]
    return np.column_stack(columns)


def _survival_of(d: Mapping[str, Floats], scenario: Scenario) -> NDArray[np.int_]:
    """The nearest of `SURVIVALS` in each draw."""
    change = d["dysvascular_ratio_change"] + float(scenario.choices["hazard_ratio_change"])
    gradient = _nearest(d["dysvascular_ratio_gradient"], GRADIENTS)
    return gradient * len(CHANGES) + _nearest(change, CHANGES)


def columns_of(draws: pd.DataFrame) -> dict[str, Floats]:
    """The draws as arrays of shape (n_draws,), by parameter.

    Parameters
    ----------
    draws : DataFrame
        One row per draw, one column per parameter.
    """
    if draws.empty:
        raise ValueError(f"draws have shape {draws.shape}; expected one draw or more")
    columns = np.ascontiguousarray(draws.to_numpy(dtype=np.float64).T)
    return _Columns(zip(map(str, draws), columns, strict=True))


class _Columns(dict[str, Floats]):
    """Draws by parameter, which name a parameter that is not among them."""

    def __missing__(self, name: str) -> Floats:
        raise KeyError(f"the draws have no column {name}; expected what draws_of(scenario) has")


def discharges_of(draws: pd.DataFrame, scenario: Scenario) -> Floats:
    """Hospital discharges with an amputation, per person of the reference population and year.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Its choices incidence_path and dysvascular_factor are used.

    Returns
    -------
    ndarray, shape (n_draws, n_strata, n_knots)
    """
    d = columns_of(draws)
    minor = minor_share(d)
    path = str(scenario.choices["incidence_path"])
    vascular = dysvascular_discharges(d, path)
    vascular = vascular * _after(float(scenario.choices["dysvascular_factor"]))
    trauma, trauma_minor = _discharges(d, "trauma", path), d["trauma_minor_share"][:, np.newaxis]
    by_stratum = {
        ("trauma", "major"): trauma * (1 - trauma_minor),
        ("trauma", "minor"): trauma * trauma_minor,
        ("cancer", "major"): _discharges(d, "cancer", path),
    }
    out = []
    for stratum in STRATA:
        if stratum.cause == "dysvascular":
            of_level = vascular * (minor if stratum.level == "minor" else 1 - minor)
            younger = younger_share(d, stratum.level)
            out.append(of_level * (younger if stratum.shape == "younger" else 1 - younger))
        else:
            out.append(by_stratum[stratum.cause, stratum.level])
    return np.asarray(np.stack(out, axis=1), dtype=np.float64)


def dysvascular_discharges(d: Mapping[str, Floats], path: str = "walk") -> Floats:
    """Dysvascular amputation discharges per head at each knot, shape (n_draws, n_knots).

    From 1996 on the log incidence is a random walk: each step is a standard normal score times a
    spread per square root of a year.

    Parameters
    ----------
    d : mapping of str to ndarray, shape (n_draws,)
        Draws by parameter.
    path : str
        One of `plcore.scenarios.INCIDENCE_PATHS`: what follows `LAST_OBSERVED`, or
        "rates_of_1996" from then on.
    """
    logs = [np.log(d["dysvascular_ratio_1950"]), np.log(d["dysvascular_ratio_1988"])]
    logs.append(np.zeros_like(logs[0]))
    spread = d["dysvascular_walk_spread"]
    for before, knot in itertools.pairwise(KNOTS[2:]):
        step = spread * np.sqrt(knot - before) * d[f"dysvascular_step_{knot}"]
        logs.append(logs[-1] + step)
    at = dict(zip(KNOTS, logs, strict=True))
    last = at[LAST_OBSERVED]
    change = {
        "held": np.zeros_like(last),
        "low_of_2010": at[2010] - last,
        "rise_goes_on": (at[2019] - at[2010]) * 10 / 9,
    }
    for knot in KNOTS:
        if path == "rates_of_1996" and knot > 1996:
            at[knot] = np.zeros_like(last)
        elif path in change and knot > LAST_OBSERVED:
            at[knot] = last + min((knot - LAST_OBSERVED) / 10, 1.0) * change[path]
    return np.asarray(
        d["dysvascular_rate_1996"][:, np.newaxis] * np.exp(np.column_stack(list(at.values())))
    )


def _discharges(d: Mapping[str, Floats], cause: str, path: str) -> Floats:
    """Discharges per head: a printed rate of 1996, and log-linear between ratios to it."""
    late, later = np.log(d[f"{cause}_ratio_2019"]), np.log(d[f"{cause}_ratio_2060"])
    late = late * (path != "rates_of_1996")
    later = later * (path not in ("rates_of_1996", "held"))
    known = np.column_stack(
        [np.log(d[f"{cause}_ratio_1950"]), np.log(d[f"{cause}_ratio_1988"]), np.zeros_like(late),
         late, late + later]
    )  # fmt: skip
    weights = np.column_stack(
        [np.interp(KNOTS, (1950, 1988, 1996, 2019, 2060), unit) for unit in np.eye(5)]
    )
    return d[f"{cause}_rate_1996"][:, np.newaxis] * np.exp(known @ weights.T)


def minor_share(d: Mapping[str, Floats], years: Sequence[int] = KNOTS) -> Floats:
    """Share of dysvascular discharges that are minor, shape (n_draws, n_years).

    Straight lines on the log odds between 1993 and 2019, level before and after.

    Parameters
    ----------
    d : mapping of str to ndarray, shape (n_draws,)
        Draws by parameter.
    years : sequence of int
    """
    first, last = (special.logit(d[f"dysvascular_minor_share_{y}"]) for y in _MIX_YEARS)
    at = _between(years)
    return np.asarray(special.expit(np.outer(first, 1 - at) + np.outer(last, at)))


def younger_share(d: Mapping[str, Floats], level: str, years: Sequence[int] = KNOTS) -> Floats:
    """Share of dysvascular losses with the younger shape, shape (n_draws, n_years).

    A straight line between 1993 and 2019, level before and after.

    Parameters
    ----------
    d : mapping of str to ndarray, shape (n_draws,)
        Draws by parameter.
    level : str
        "major" or "minor": those who lose toes are younger.
    years : sequence of int
    """
    first, last = (d[f"dysvascular_younger_{level}_{year}"] for year in _MIX_YEARS)
    at = _between(years)
    return np.outer(first, 1 - at) + np.outer(last, at)


def _between(years: Sequence[int]) -> Floats:
    first, last = _MIX_YEARS
    return np.asarray(np.clip((np.asarray(years, dtype=float) - first) / (last - first), 0, 1))


def _after(factor: float) -> Floats:
    return np.asarray(np.interp(KNOTS, (LAST_OBSERVED, LAST_OBSERVED + 10), (1.0, factor)))


def _nearest(values: Floats, grid: Sequence[float]) -> NDArray[np.int_]:
    return np.asarray(np.abs(values[:, np.newaxis] - np.asarray(grid)).argmin(axis=1))


def responses_of(
    draws: pd.DataFrame,
    scenario: Scenario,
    population: Population,
    mortality: Mortality,
    *,
    quantities: Sequence[str],
    age_groups: Sequence[int] = AGE_GROUPS,
    years: ArrayLike | None = None,
) -> Responses:
    """The responses of the cohort model for a scenario, worked out once and then kept.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Its choice hazard_ratio_change is used.
    population, mortality
        From `people_and_mortality`, or changed.
    quantities : sequence of str
        Some of `QUANTITIES`.
    age_groups : sequence of int
        First age of each group, from 0; the last is open.
    years : array_like of int, optional
        Years that will be asked for; by default all.
    """
    d = columns_of(draws)
    ratios, survival = _of_strata(d, "hazard_ratio"), _survival_of(d, scenario)
    _refuse(ratios, ratios > 0, "hazard_ratio", "above 0")
    spread = spread_of(draws)
    conditions = conditions_of(population, mortality)
    carried = tuple(name for name in CARRIED if name in _carried_for(quantities))
    kept_years = tuple(int(y) for y in (population.years if years is None else np.asarray(years)))
    low, high = float(ratios.min()), float(ratios.max())
    # Whole powers of two, so that draws which differ a little share their responses.
    span = (
        min(_RANGE[0], 2.0 ** np.floor(np.log2(low))),
        max(_RANGE[1], 2.0 ** np.ceil(np.log2(high))),
    )
    units = {
        (shape, pair): _kept_unit(
            conditions, spread, shape, pair, span, carried, tuple(age_groups), kept_years
        )
        for shape, pair in _units_of(survival)
    }
    return Responses(np.array(kept_years), KNOTS, span, carried, units)


def _units_of(survival: NDArray[np.int_]) -> list[tuple[str, tuple[float, float]]]:
    """The shapes and survivals that draws ask for."""
    asked = [SURVIVALS[place] for place in np.unique(survival)]
    vascular = [(shape, survival) for shape in ("older", "younger") for survival in asked]
    return [*vascular, ("trauma", _FIXED_SURVIVAL), ("cancer", _FIXED_SURVIVAL)]


@dataclass(frozen=True, slots=True)
class Conditions:
    """A population and its mortality, equal to any other of the same numbers."""

    digest: bytes
    population: Population = field(compare=False)
    mortality: Mortality = field(compare=False)


def conditions_of(population: Population, mortality: Mortality) -> Conditions:
    """A population and its mortality as one thing, by which results are kept.

    Parameters
    ----------
    population, mortality
        Of the same area and years.
    """
    content = hashlib.blake2b(f"{population.area} {mortality.area}".encode())
    for values in (population.years, population.people, mortality.years, mortality.hazard):
        content.update(np.ascontiguousarray(values).data)
    return Conditions(content.digest(), population, mortality)


# Room for the eight populations and mortalities of a decomposition beside those of a run.
@functools.lru_cache(maxsize=320)
def _kept_unit(
    conditions: Conditions,
    spread: tuple[float, ...],
    shape: str,
    survival: tuple[float, float],
    span: tuple[float, float],
    carried: tuple[str, ...],
    age_groups: tuple[int, ...],
    years: tuple[int, ...],
) -> Floats:
    population = conditions.population
    by_age = _shape_by_age(population, spread, shape)
    return _unit(
        population, conditions.mortality, by_age, survival, KNOTS, span, carried, age_groups,
        years=years, from_nothing=False,
    )  # fmt: skip


def spread_of(draws: pd.DataFrame) -> tuple[float, ...]:
    """What sets the spread of incidence over ages and sexes, the same in every draw."""
    return (
        _fixed(draws, "dysvascular_mean_age"),
        _fixed(draws, "dysvascular_younger_mean_age"),
        *(_fixed(draws, f"{cause}_male_ratio") for cause in CAUSES),
    )


@functools.lru_cache(maxsize=64)
def _shape_by_age(population: Population, spread: tuple[float, ...], shape: str) -> Floats:
    older, younger, vascular_ratio, trauma_ratio, cancer_ratio = spread
    if shape == "older":
        return rising_shape(population, mean_age=older, male_ratio=vascular_ratio)
    if shape == "younger":
        return rising_shape(population, mean_age=younger, male_ratio=vascular_ratio)
    return flat_shape(population, male_ratio=trauma_ratio if shape == "trauma" else cancer_ratio)


def shapes_of(draws: pd.DataFrame, population: Population) -> dict[str, Floats]:
    """Incidence by sex and age relative to its mean in 1996, shape (2, 101), by name of the shape.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    population : Population
        Must cover 1996.
    """
    return shapes_of_spread(spread_of(draws), population)


def shapes_of_spread(spread: tuple[float, ...], population: Population) -> dict[str, Floats]:
    """As `shapes_of`, from what `spread_of` gives."""
    names = dict.fromkeys(stratum.shape for stratum in STRATA)
    return {name: _shape_by_age(population, spread, name) for name in names}


def _fixed(draws: pd.DataFrame, name: str) -> float:
    values = draws[name]
    if values.min() != values.max():
        raise ValueError(
            f"{name} differs between draws; expected one value (dist fixed), as it sets the spread "
            "of incidence over ages"
        )
    return float(values.iloc[0])


# --- Responses, and draws multiplied with them ---------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """What one unit of incidence at each knot leads to, as polynomials in the log hazard ratio.

    Attributes
    ----------
    years : ndarray of int
        Years kept.
    knots : tuple of int
        Years at which incidence is given.
    span : (float, float)
        Hazard ratios covered.
    carried : tuple of str
        What the recursion carried, from which `project` makes the quantities.
    units : mapping
        By shape and survival (gradient, change): Chebyshev coefficients, shape (carried, year, age
        group, sex, knot, degree).
    """

    years: NDArray[np.int_]
    knots: tuple[int, ...]
    span: tuple[float, float]
    carried: tuple[str, ...]
    units: Mapping[tuple[str, tuple[float, float]], Floats]


def respond(
    population: Population,
    mortality: Mortality,
    shapes: Mapping[str, Floats],
    *,
    knots: Sequence[int] = KNOTS,
    span: tuple[float, float] = _RANGE,
    survivals: Sequence[tuple[float, float]] = SURVIVALS,
    quantities: Sequence[str] = QUANTITIES,
    age_groups: Sequence[int] = AGE_GROUPS,
    from_nothing: bool = False,
) -> Responses:
    """The recursion, run once for all draws whose hazard ratios lie in `span`.

    Parameters
    ----------
    population, mortality
        Of the same area and years.
    shapes : mapping of str to ndarray, shape (2, 101)
        Incidence by sex and age relative to the mean of the reference population, by the name of
        the shape.
    knots : sequence of int
        Years of the incidence, from the first year of the population or before to its last or
        after.
    span : (float, float)
        Least and greatest hazard ratio.
    survivals : sequence of (float, float)
        Gradients and changes of the dysvascular hazard ratio; some of `SURVIVALS`.
    quantities : sequence of str
        Which of `QUANTITIES` will be asked for; the fewer, the faster.
    age_groups : sequence of int
        First age of each group, from 0; the last is open.
    from_nothing : bool
        Start without a stock in the first year instead of a settled one.

    Raises
    ------
    ValueError
        If the inputs do not fit together, or the span is too wide.
    """
    carried = tuple(name for name in CARRIED if name in _carried_for(quantities))
    units = {
        (name, survival): _unit(
            population, mortality, by_age, survival, knots, span, carried, age_groups,
            years=None, from_nothing=from_nothing,
        )
        for name, by_age in shapes.items()
        for survival in (survivals if name in ("older", "younger") else [_FIXED_SURVIVAL])
    }  # fmt: skip
    return Responses(population.years, tuple(knots), span, carried, units)


def _unit(
    population: Population,
    mortality: Mortality,
    by_age: Floats,
    survival: tuple[float, float],
    knots: Sequence[int],
    span: tuple[float, float],
    carried: tuple[str, ...],
    age_groups: Sequence[int],
    *,
    years: Sequence[int] | None,
    from_nothing: bool,
) -> Floats:
    _check_inputs(population, mortality, by_age, knots, span)
    at = population.years
    hats = np.column_stack([np.interp(at, knots, unit) for unit in np.eye(len(knots))])
    with one_blas_thread():
        return fit_polynomials(
            functools.partial(
                recurse,
                population.people * by_age,
                mortality.hazard * ratio_pattern(at, survival),
                hats,
                carried=carried,
                age_groups=age_groups,
                kept=np.arange(len(at))[_places(at, years)],
                from_nothing=from_nothing,
            ),
            span,
        )


def ratio_pattern(years: NDArray[np.int_], survival: tuple[float, float]) -> Floats:
    """The hazard ratio by year and age relative to that at 70 in 2005, shape (n_years, 1, 101).

    Parameters
    ----------
    years : ndarray of int
    survival : (float, float)
        Fall of the log hazard ratio per year of age, and its change per year from 2005 on.
    """
    gradient, change = survival
    by_age = -gradient * (AGES - _RATIO_AGE)
    by_year = change * np.maximum(years - _RATIO_YEAR, 0)
    return np.exp(by_year[:, np.newaxis, np.newaxis] + by_age)


def project(
    responses: Responses,
    draws: LimbLossDraws,
    *,
    quantity: str = "people",
    by: Sequence[str] = ("year",),
    causes: Sequence[str] = CAUSES,
    years: ArrayLike | None = None,
) -> Floats:
    """One quantity for every draw.

    Parameters
    ----------
    responses : Responses
        From `respond` or `responses_of`.
    draws : LimbLossDraws
        Hazard ratios within the span of the responses.
    quantity : str
        One of `QUANTITIES`. "years_since_loss" is the sum over people; divide by "people" for the
        mean.
    by : sequence of str
        Axes to keep, of year, age_group, sex, cause and level.
    causes : sequence of str
        Causes to add up or, with "cause" in `by`, to keep.
    years : array_like of int, optional
        Years wanted, in order; by default all.

    Returns
    -------
    ndarray, shape (n_draws, ...)
        The axes of `by` in the order year, age_group, sex, cause, level.

    Raises
    ------
    ValueError
        If an axis or cause is unknown, the responses lack the quantity or a year, or a hazard ratio
        lies outside their span.
    """
    return project_all(responses, draws, quantities=[quantity], by=by, causes=causes, years=years)[
        quantity
    ]


@one_blas_thread()
def project_all(
    responses: Responses,
    draws: LimbLossDraws,
    *,
    quantities: Sequence[str],
    by: Sequence[str] = ("year",),
    causes: Sequence[str] = CAUSES,
    years: ArrayLike | None = None,
) -> dict[str, Floats]:
    """Several quantities for every draw, by name: as `project`, at little more than one's cost."""
    unknown = [name for name in by if name not in (*_AXES, "cause", "level")]
    if unknown:
        raise ValueError(f"by has {unknown[0]!r}; expected year, age_group, sex, cause or level")
    for name in quantities:
        if not _carried_for([name]) <= set(responses.carried):
            raise ValueError(f"the responses lack {name}; expected it among their quantities")
    unknown = [name for name in causes if name not in CAUSES]
    if unknown or not causes:
        raise ValueError(f"causes are {list(causes)}; expected some of {', '.join(CAUSES)}")
    carried = [name for name in responses.carried if name in _carried_for(quantities)]
    rows = [responses.carried.index(name) for name in carried]
    span = _places(responses.years, years)
    dropped = tuple(1 + i for i, axis in enumerate(_AXES) if axis not in by)
    n_causes = len(causes) if "cause" in by else 1
    n_levels = len(LEVELS) if "level" in by else 1
    outs: dict[str, Floats] = {}
    for place, stratum in enumerate(STRATA):
        if stratum.cause not in causes:
            continue
        c = list(causes).index(stratum.cause) if "cause" in by else 0
        k = LEVELS.index(stratum.level) if "level" in by else 0
        vascular = stratum.cause == "dysvascular"
        for survival in np.unique(draws.survival) if vascular else [-1]:
            which = (
                np.flatnonzero(draws.survival == survival)
                if vascular
                else np.arange(len(draws.survival))
            )
            key = (stratum.shape, SURVIVALS[survival] if vascular else _FIXED_SURVIVAL)
            table = responses.units[key][rows][:, span].sum(axis=dropped)
            cells = table.shape[1:-2]
            for name in quantities if not outs else ():
                outs[name] = np.zeros((n_causes, n_levels, len(draws.survival), *cells))
            for start in range(0, len(which), _ROWS):
                block = which[start : start + _ROWS]
                lasting = 1 - draws.first_year_excess[block, place]
                unit = dict(
                    zip(carried, _products(table, responses, draws, place, block), strict=True)
                )
                for name in quantities:
                    out = outs[name][c, k]
                    if name == "new_cases":
                        out[block] += unit["new_cases"]
                    elif name == "deaths":
                        out[block] += unit["new_cases"] - _times(lasting, unit["net"])
                    else:
                        out[block] += _times(lasting, unit[name])
    ordered = {}
    for name, out in outs.items():
        moved = np.moveaxis(out, (0, 1), (-2, -1))
        drop = tuple(
            moved.ndim + axis for axis, kept in ((-2, "cause"), (-1, "level")) if kept not in by
        )
        ordered[name] = moved.squeeze(axis=drop)
    return ordered


def _products(
    table: Floats, responses: Responses, draws: LimbLossDraws, stratum: int, block: NDArray[np.int_]
) -> Floats:
    """What the incidence leads to without excess, shape (n_carried, n_draws of the block, ...)."""
    n_carried, *cells, n_knots, degrees = table.shape
    incidence, ratio = draws.incidence[block, stratum], draws.hazard_ratio[block, stratum]
    n = len(ratio)
    powers = polynomials_at(ratio, degrees, responses.span)
    factors = np.zeros((_ROWS, n_knots, degrees))
    np.multiply(incidence[:, :, np.newaxis], powers[:, np.newaxis], out=factors[:n])
    product = factors.reshape(_ROWS, -1) @ table.reshape(-1, n_knots * degrees).T
    return np.moveaxis(product[:n].reshape(n, n_carried, *cells), 1, 0)


def _times(by_draw: Floats, values: Floats) -> Floats:
    return by_draw.reshape(-1, *[1] * (values.ndim - 1)) * values


def _places(known: NDArray[np.int_], years: ArrayLike | None) -> slice | NDArray[np.int_]:
    if years is None:
        return slice(None)
    wanted = np.asarray(years)
    missing = wanted[~np.isin(wanted, known)]
    if missing.size:
        raise ValueError(f"year {missing[0]}; expected years from {known[0]} to {known[-1]}")
    return np.searchsorted(known, wanted)


def _carried_for(quantities: Sequence[str]) -> set[str]:
    unknown = [name for name in quantities if name not in QUANTITIES]
    if unknown:
        raise ValueError(f"quantity is {unknown[0]!r}; expected one of {', '.join(QUANTITIES)}")
    carried = set(quantities)
    return carried - {"deaths"} | ({"new_cases", "net"} if "deaths" in carried else set())


def _check_inputs(
    population: Population,
    mortality: Mortality,
    by_age: Floats,
    knots: Sequence[int],
    span: tuple[float, float],
) -> None:
    if population.area != mortality.area or not np.array_equal(population.years, mortality.years):
        raise ValueError(
            f"people of {population.area} {population.years[0]}-{population.years[-1]} and "
            f"mortality of {mortality.area} {mortality.years[0]}-{mortality.years[-1]}; "
            "expected the same area and years"
        )
    expected = (len(SEXES), len(AGES))
    if by_age.shape != expected:
        raise ValueError(f"a shape of incidence has shape {by_age.shape}; expected {expected}")
    _refuse(by_age, by_age >= 0, "shape of incidence", "0 or more")
    # Beyond the last knot of the model incidence stays level.
    first, last = int(population.years[0]), min(int(population.years[-1]), KNOTS[-1])
    if list(knots) != sorted(set(knots)) or knots[0] > first or knots[-1] < last:
        raise ValueError(f"knots are {list(knots)}; expected rising years that span {first}-{last}")
    if not 0 < span[0] <= span[1]:
        raise ValueError(f"hazard ratios from {span[0]:g} to {span[1]:g}; expected above 0")


def _refuse(values: Floats, right: NDArray[np.bool_], name: str, expected: str) -> None:
    if not right.all():
        place = tuple(int(i) for i in np.argwhere(~right)[0])
        raise ValueError(f"{name} is {values[place]:g} at {place}; expected {expected}")


# --- How incidence is spread over ages and sexes -------------------------------------------------


def flat_shape(population: Population, *, male_ratio: float) -> Floats:
    """Incidence that is the same at every age, relative to its mean, shape (2, 101).

    Parameters
    ----------
    population : Population
        Must cover 1996, in whose population the mean of the result is 1.
    male_ratio : float
        Incidence of men over that of women.
    """
    return _relative(np.ones(len(AGES)), male_ratio, _reference(population))


@checks_kinds
def rising_shape(population: Population, *, mean_age: float, male_ratio: float) -> Floats:
    """Incidence that rises by the same share with each year of age, relative to its mean.

    The rise is the one that gives new cases the mean age asked for in the population of 1996. It
    starts at 30 and ends at 85, beyond which incidence stays level.

    Parameters
    ----------
    population : Population
        Must cover 1996, in whose population the mean of the result is 1.
    mean_age : float
        Mean age of new cases, in years.
    male_ratio : float
        Incidence of men over that of women.

    Returns
    -------
    ndarray, shape (2, 101)
        By sex (male, female) and age.

    Raises
    ------
    ValueError
        If no rise gives that mean age, or the ratio is not above 0.

    Examples
    --------
    >>> shape = rising_shape(read_population(), mean_age=67, male_ratio=1.9)
    >>> round(float(shape[0, 80] / shape[0, 60]), 1)
    3.4
    """
    people = _reference(population)
    risen = np.clip(AGES, _FIRST_AGE, _LEVEL_AGE) - _FIRST_AGE

    def rising(rise: float) -> Floats:
        return np.asarray(np.where(AGES < _FIRST_AGE, 0.0, np.exp(rise * risen)))

    def misses(rise: float) -> float:
        cases = _relative(rising(rise), male_ratio, people) * people
        return float((cases * (AGES + 0.5)).sum() / cases.sum() - mean_age)

    if not misses(-0.2) < 0 < misses(0.3):
        least, most = misses(-0.2) + mean_age, misses(0.3) + mean_age
        raise ValueError(f"mean_age is {mean_age:g}; expected one from {least:.0f} to {most:.0f}")
    return _relative(rising(optimize.brentq(misses, -0.2, 0.3, xtol=1e-14)), male_ratio, people)


def _place(population: Population, year: int) -> int:
    if year not in population.years:
        raise ValueError(
            f"the population has {population.years[0]}-{population.years[-1]}; "
            f"expected {year} among its years"
        )
    return int(year - population.years[0])


def _reference(population: Population) -> Floats:
    people: Floats = population.people[_place(population, _REFERENCE_YEAR)]
    return people


def _relative(by_age: Floats, male_ratio: float, people: Floats) -> Floats:
    if not male_ratio > 0:
        raise ValueError(f"male_ratio is {male_ratio:g}; expected a ratio above 0")
    rates = np.stack([male_ratio * by_age, by_age])
    return np.asarray(rates * people.sum() / (rates * people).sum())


# --- What else the model says --------------------------------------------------------------------


@checks_kinds
def age_pyramid(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int], width: int = 5
) -> pd.DataFrame:
    """Median people with limb loss by age group and sex.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Of the draws.
    years : sequence of int
        Years from 1950 to 2060.
    width : int
        Years of age in a group.

    Returns
    -------
    DataFrame
        One row per year, age group and sex: label (of the age group), sex, value and series (the year).

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> scenario = read_scenario()
    >>> draws = draw(scenario.parameters, 64, seed=1)
    >>> age_pyramid(draws, scenario, years=[2005])["label"].iloc[-1]
    '100+'
    """
    check_whole_number("width", width, least=1)
    population, mortality = people_and_mortality(scenario)
    starts = range(0, int(AGES[-1]) + 1, width)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people",), age_groups=starts
    )
    people = project(
        responses, inputs(draws, scenario), by=("year", "age_group", "sex"), years=years
    )
    middle = np.median(people, axis=0)
    rows = [
        {
            "label": f"{start}-{start + width - 1}" if start < AGES[-1] else f"{start}+",
            "sex": sex,
            "value": middle[i, g, s],
            "series": str(year),
        }
        for i, year in enumerate(years)
        for g, start in enumerate(starts)
        for s, sex in enumerate(SEXES)
    ]
    return pd.DataFrame(rows)


@checks_kinds
def time_since_loss(
    draws: pd.DataFrame, scenario: Scenario, *, years: Sequence[int]
) -> pd.DataFrame:
    """How long ago people living with limb loss lost it: medians over the draws.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Of the draws.
    years : sequence of int
        Years from 1950 to 2060.

    Returns
    -------
    DataFrame
        One row per year and cause: year, cause, mean_years, and the shares of people under 1 year, 1 to
        2, 2 to 5, and 5 years or more since the loss.

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> scenario = read_scenario()
    >>> draws = draw(scenario.parameters, 64, seed=1)
    >>> time_since_loss(draws, scenario, years=[2005])["cause"].tolist()
    ['dysvascular', 'trauma', 'cancer', 'all']
    """
    population, mortality = people_and_mortality(scenario)
    bands = ("under_1_year", "1_to_2_years", "2_to_5_years", "5_years_or_more")
    quantities = ("people", "years_since_loss", *bands)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=quantities, age_groups=(0,)
    )
    sums = project_all(
        responses, inputs(draws, scenario), quantities=quantities, by=("year", "cause"), years=years
    )
    rows = []
    for i, year in enumerate(years):
        for c, cause in enumerate((*CAUSES, "all")):
            columns = slice(c, c + 1) if cause != "all" else slice(None)
            stock = sums["people"][:, i, columns].sum(axis=1)
            means = {
                name: float(np.median(sums[name][:, i, columns].sum(axis=1) / stock))
                for name in ("years_since_loss", *bands)
            }
            mean = means.pop("years_since_loss")
            rows.append({"year": year, "cause": cause, "mean_years": mean, **means})
    return pd.DataFrame(rows)


def dead_since_loss(
    draws: pd.DataFrame,
    scenario: Scenario,
    *,
    cause: str = "dysvascular",
    level: str,
    year: int,
    years_since: int,
    from_age: int = 0,
) -> Floats:
    """Share of those with a first loss in a year who are dead some years later, shape (n_draws,).

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Of the draws.
    cause : str
        "dysvascular" or "trauma".
    level : str
        "major" or "minor".
    year : int
        Of the loss.
    years_since : int
        Whole years since it.
    from_age : int
        Only those so old or older at the loss.
    """
    conditions = conditions_of(*people_and_mortality(scenario))
    return dead_shares(
        inputs(draws, scenario), conditions, spread_of(draws), cause=cause, level=level, year=year,
        years_since=years_since, from_age=from_age,
    )  # fmt: skip


def dead_shares(
    given: LimbLossDraws,
    conditions: Conditions,
    spread: tuple[float, ...],
    *,
    cause: str,
    level: str,
    year: int,
    years_since: int,
    from_age: int,
    powers: dict[tuple[int, int, int], Floats] | None = None,
) -> Floats:
    """As `dead_since_loss`, from inputs that are ready; `powers` keeps what other calls share."""
    powers = {} if powers is None else powers
    strata = [place for place, s in enumerate(STRATA) if (s.cause, s.level) == (cause, level)]
    at = hats([year])[0]
    survivors, cases = np.zeros(len(given.survival)), np.zeros(len(given.survival))
    for place in strata:
        new = given.incidence[:, place] @ at
        lasting = new * (1 - given.first_year_excess[:, place])
        for survival in np.unique(given.survival) if cause == "dysvascular" else [-1]:
            vascular = survival >= 0
            which = np.flatnonzero(given.survival == survival) if vascular else slice(None)
            pair = SURVIVALS[survival] if vascular else _FIXED_SURVIVAL
            alive, everybody = _alive(
                conditions, spread, STRATA[place].shape, pair, year, years_since, from_age
            )
            key = (place, int(survival), len(alive))
            if key not in powers:
                ratios = given.hazard_ratio[which, place]
                powers[key] = polynomials_at(ratios, len(alive), _RANGE)
            survivors[which] += lasting[which] * (powers[key] @ alive)
            cases[which] += new[which] * everybody
    return 1 - survivors / cases


def hats(years: ArrayLike) -> Floats:
    """Weights of the knots in each year, by which incidence is interpolated, (n_years, n_knots)."""
    return np.column_stack(
        [np.interp(np.asarray(years), KNOTS, unit) for unit in np.eye(len(KNOTS))]
    )


@functools.lru_cache(maxsize=1024)
def _alive(
    conditions: Conditions,
    spread: tuple[float, ...],
    shape: str,
    survival: tuple[float, float],
    year: int,
    since: int,
    from_age: int,
) -> tuple[Floats, float]:
    """Survivors of a year's new cases as a polynomial in the log hazard ratio, and the cases."""
    population, mortality = conditions.population, conditions.mortality
    at = int(year - population.years[0])
    cases = (population.people[at] * _shape_by_age(population, spread, shape))[:, from_age:]
    ages = np.arange(from_age, len(AGES))
    hazard = np.zeros_like(cases)
    for later in range(since):
        pattern = ratio_pattern(population.years[[at + later]], survival)[0]
        age = np.minimum(ages + later, len(AGES) - 1)
        hazard += (mortality.hazard[at + later] * pattern)[:, age]

    def alive(ratio: Floats) -> Floats:
        left = cases[..., np.newaxis] * np.exp(-hazard[..., np.newaxis] * ratio)
        return np.asarray(left.sum(axis=(0, 1))[np.newaxis])

    return fit_polynomials(alive, _RANGE)[0], float(cases.sum())
