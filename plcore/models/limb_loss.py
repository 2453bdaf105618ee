"""People living with limb loss: the incidence-prevalence-mortality cohort model.

By sex and cause of the loss, with t a year and a an age,

    N(t+1, a+1) = [N(t, a) + (1 - q) new(t, a)] exp(-HR m(t, a)),
    new(t, a) = level x trend(t) x shape(a) x people(t, a),

where m is the mortality hazard of the general population, HR the hazard ratio of people with limb
loss and q the share who die in the first year over and above that. N(t) is the stock at mid-year;
ages of 100 and over are one group. The stock of the first year is the one that its incidence and
mortality would have built up had they always held.

The model is linear in level, in 1 - q and in the values of the trend at its knots, and HR enters
only through exp(-HR m), an entire function. So the recursion (`plcore.models.recursion`) runs once,
on a few Chebyshev nodes of log HR and one unit of incidence at each knot: `respond`. Any number of
draws is then one matrix product, summed over ages, sexes and causes before it is done: `project`
(Trefethen 2013, Approximation Theory and Approximation Practice, chapters 3 and 8, on why a few
nodes give all digits). What `respond` returns depends on the scenario and not on the draws, and is
kept: see `responses_of`.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.evidence.population import (
    AGES,
    SEXES,
    Mortality,
    Population,
    read_mortality,
    read_population,
)
from plcore.models.outcome import Outcome
from plcore.models.recursion import CARRIED, fit_polynomials, polynomials_at, recurse
from plcore.scenarios import Scenario
from plcore.threads import one_blas_thread

CAUSES = ("dysvascular", "trauma", "cancer")
#: First age of each group; the last is open.
AGE_GROUPS = (0, 18, 45, 65, 75)
#: What the model counts, in people, people a year or years.
QUANTITIES = (*(name for name in CARRIED if name != "net"), "deaths")
#: Years at which the trend of incidence is given; straight lines between. Incidence is as published
#: (constant after 1996) unless a scenario says otherwise from 2005 on.
KNOTS = (1950, 1988, 1996, 2005, 2009, 2019, 2060)
#: The year whose population the printed rates refer to.
_REFERENCE_YEAR = 1996
#: Nobody is taken to lose a limb to vascular disease before this age.
_FIRST_AGE = 30
# Beyond this age incidence stays level: the steep rise is a feature of middle and early old age.
_LEVEL_AGE = 85
_AXES = ("year", "age_group", "sex")
# Draws multiplied at a time. A product of another shape may differ in the last digit, so the last
# rows are filled up: a draw then gives the same bits whatever stands beside it.
_ROWS = 256
#: Share of the draws of a hazard ratio that the kept responses do not cover, on either side.
_BEYOND = 1e-12


# --- The model over the draws of a scenario ------------------------------------------------------


def people_with_limb_loss(draws: pd.DataFrame, scenario: Scenario) -> Outcome:
    """People living with limb loss, and new cases and deaths among them, by year.

    Parameters
    ----------
    draws : DataFrame
        A row a draw and a column for each parameter of the model: those of `data/parameters.csv`
        that begin with dysvascular_, trauma_ or cancer_.
    scenario : Scenario
        Its choices population, population_factor_2050, hazard_ratio_change, first_year, last_year
        and extrapolate are used.

    Returns
    -------
    Outcome
        Values limb_loss and its parts by cause, dysvascular, trauma and cancer, in people;
        new_cases and deaths, in people a year.

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
    >>> round(float(np.median(outcome.values["limb_loss"][:, 0])) / 1e6, 1)
    1.7
    """
    population, mortality = people_and_mortality(scenario)
    quantities = ("people", "deaths", "new_cases")
    responses = responses_of(
        draws, scenario, population, mortality, quantities=quantities, age_groups=(0,)
    )
    years = scenario.years
    by_cause = project_all(
        responses, inputs(draws), quantities=quantities, by=("year", "cause"), years=years
    )
    people = by_cause["people"]
    values = {"limb_loss": people.sum(axis=2)}
    values |= {cause: people[:, :, c] for c, cause in enumerate(CAUSES)}
    values |= {name: by_cause[name].sum(axis=2) for name in ("new_cases", "deaths")}
    return Outcome(years, values, population.extrapolated[np.isin(population.years, years)])


def people_and_mortality(
    scenario: Scenario, *, folder: Path = DATA
) -> tuple[Population, Mortality]:
    """The population and mortality of the United States that a scenario chooses.

    Parameters
    ----------
    scenario : Scenario
        Its choices population, population_factor_2050, last_year and extrapolate are used. With a
        factor other than 1, the people of every age are multiplied by a number that runs in a
        straight line from 1 in 2005 to the factor in 2050, and stays.
    folder : Path
        Folder of the tables; the project's own `data/` by default.

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
    last = max(KNOTS[-1], int(scenario.choices["last_year"]))
    beyond = bool(scenario.choices["extrapolate"])
    population = read_population(
        "USA",
        variant=str(scenario.choices["population"]),
        last_year=last,
        extrapolate=beyond,
        folder=folder,
    )
    factor = np.interp(
        population.years, [2005, 2050], [1.0, float(scenario.choices["population_factor_2050"])]
    )
    people = population.people * factor[:, np.newaxis, np.newaxis]
    mortality = read_mortality("USA", last_year=last, extrapolate=beyond, folder=folder)
    return dataclasses.replace(population, people=people), mortality


@dataclass(frozen=True, slots=True, eq=False)
class LimbLossDraws:
    """The uncertain inputs of the model, a row a draw.

    Attributes
    ----------
    level : ndarray, shape (n_draws, n_causes)
        People who lose a limb for the first time, per person of the reference population and year,
        where the trend is 1.
    trend : ndarray, shape (n_draws, n_causes, n_knots)
        Incidence at each knot relative to `level`; straight lines between knots.
    hazard_ratio : ndarray, shape (n_draws, n_causes)
        Hazard of death against the general population of the same age, sex and year.
    first_year_excess : ndarray, shape (n_draws, n_causes)
        Share who die within the year of the loss over and above the hazard ratio.
    """

    level: Floats
    trend: Floats
    hazard_ratio: Floats
    first_year_excess: Floats

    def __post_init__(self) -> None:
        shape = self.level.shape
        for name in ("hazard_ratio", "first_year_excess"):
            given = getattr(self, name).shape
            if given != shape:
                raise ValueError(f"{name} has shape {given}; expected that of level, {shape}")
        if self.trend.shape[:2] != shape:
            raise ValueError(f"trend has shape {self.trend.shape}; expected {shape} and knots")
        _refuse(self.level, self.level >= 0, "level", "0 or more")
        _refuse(self.trend, self.trend >= 0, "trend", "0 or more")
        _refuse(self.hazard_ratio, self.hazard_ratio > 0, "hazard_ratio", "above 0")
        excess = self.first_year_excess
        _refuse(excess, (excess >= 0) & (excess <= 1), "first_year_excess", "from 0 to 1")


def inputs(draws: pd.DataFrame) -> LimbLossDraws:
    """The draws of the named parameters as the cohort model takes them."""
    ones: Floats = np.ones(len(draws))
    first = {"cancer": ones} | {
        cause: draws[f"{cause}_first_share"].to_numpy() for cause in ("dysvascular", "trauma")
    }
    trend = []
    for cause in CAUSES:
        after = [ones] * 4
        if cause == "dysvascular":
            late = draws["dysvascular_ratio_2019"].to_numpy()
            after = [ones, draws["dysvascular_ratio_2009"].to_numpy(), late, late]
        early = [draws[f"{cause}_ratio_{year}"].to_numpy() for year in (1950, 1988)]
        trend.append(np.column_stack([*early, ones, *after]))
    return LimbLossDraws(
        level=_by_cause(draws, "rate_1996") * np.column_stack([first[cause] for cause in CAUSES]),
        trend=np.stack(trend, axis=1),
        hazard_ratio=_by_cause(draws, "hazard_ratio"),
        first_year_excess=_by_cause(draws, "first_year_excess"),
    )


def responses_of(
    draws: pd.DataFrame,
    scenario: Scenario,
    population: Population,
    mortality: Mortality,
    *,
    quantities: Sequence[str],
    age_groups: Sequence[int] = AGE_GROUPS,
) -> Responses:
    """The responses of the cohort model for a scenario, worked out once and then kept.

    They cover the hazard ratios that the scenario's own parameters can give, but for one in a
    million million on either side, and so do not depend on the draws. Draws from elsewhere that lie
    outside get a wider range.

    Parameters
    ----------
    draws : DataFrame
        As for `people_with_limb_loss`.
    scenario : Scenario
        Its parameters of the hazard ratios and its choice hazard_ratio_change are used.
    population, mortality
        From `people_and_mortality`, or changed.
    quantities : sequence of str
        Some of `QUANTITIES`.
    age_groups : sequence of int
        First age of each group, from 0; the last is open.
    """
    spread = (
        _fixed(draws, "dysvascular_mean_age"),
        *(_fixed(draws, f"{cause}_male_ratio") for cause in CAUSES),
    )
    return _kept_responses(
        _Conditions.of(population, mortality),
        spread,
        tuple(_hazard_ratios(draws, scenario, cause) for cause in CAUSES),
        tuple(sorted(_carried_for(quantities))),
        tuple(age_groups),
        float(scenario.choices["hazard_ratio_change"]),
    )


@dataclass(frozen=True, slots=True)
class _Conditions:
    """A population and its mortality, equal to any other of the same numbers."""

    digest: bytes
    population: Population = field(compare=False)
    mortality: Mortality = field(compare=False)

    @classmethod
    def of(cls, population: Population, mortality: Mortality) -> _Conditions:
        content = hashlib.blake2b(f"{population.area} {mortality.area}".encode())
        for values in (population.years, population.people, mortality.years, mortality.hazard):
            content.update(np.ascontiguousarray(values).data)
        return cls(content.digest(), population, mortality)


@functools.lru_cache(maxsize=8)
def _kept_responses(
    conditions: _Conditions,
    spread: tuple[float, float, float, float],
    ranges: tuple[tuple[float, float], ...],
    carried: tuple[str, ...],
    age_groups: tuple[int, ...],
    hazard_ratio_change: float,
) -> Responses:
    population = conditions.population
    mean_age, dysvascular, trauma, cancer = spread
    shape = [
        rising_shape(population, mean_age=mean_age, male_ratio=dysvascular),
        flat_shape(population, male_ratio=trauma),
        flat_shape(population, male_ratio=cancer),
    ]
    return _respond(
        population,
        conditions.mortality,
        np.stack(shape),
        (*KNOTS[:-1], int(population.years[-1])),
        ranges,
        carried,
        age_groups,
        hazard_ratio_change,
        from_nothing=False,
    )


def _hazard_ratios(draws: pd.DataFrame, scenario: Scenario, cause: str) -> tuple[float, float]:
    name = f"{cause}_hazard_ratio"
    least, greatest = float(draws[name].min()), float(draws[name].max())
    if not least > 0:
        raise ValueError(f"{name} is {least:g} in a draw; expected ratios above 0")
    believed = [item for item in scenario.parameters if item.name == name]
    if not believed:
        return least, greatest
    low, high = (float(end) for end in believed[0].ppf(np.array([_BEYOND, 1 - _BEYOND])))
    if least < low or greatest > high:
        # Whole powers of two, so that draws which differ a little share their responses.
        low = min(low, 2.0 ** np.floor(np.log2(least)))
        high = max(high, 2.0 ** np.ceil(np.log2(greatest)))
    return low, high


def _by_cause(draws: pd.DataFrame, name: str) -> Floats:
    return np.column_stack([draws[f"{cause}_{name}"] for cause in CAUSES])


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
        Years of the population.
    knots : tuple of int
        Years at which the trend is given.
    ranges : tuple of (float, float), one a cause
        Hazard ratios covered.
    carried : tuple of str
        What the recursion carried, from which `project` makes the quantities.
    coefficients : tuple of ndarray, one a cause
        Chebyshev coefficients, shape (carried, year, age group, sex, knot, degree).
    """

    years: NDArray[np.int_]
    knots: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...]
    carried: tuple[str, ...]
    coefficients: tuple[Floats, ...]


def respond(
    population: Population,
    mortality: Mortality,
    shape: Floats,
    *,
    knots: Sequence[int],
    ranges: Sequence[tuple[float, float]],
    quantities: Sequence[str] = QUANTITIES,
    age_groups: Sequence[int] = AGE_GROUPS,
    hazard_ratio_change: float = 0.0,
    from_nothing: bool = False,
) -> Responses:
    """The recursion, run once for all draws whose hazard ratios lie in `ranges`.

    Parameters
    ----------
    population, mortality
        Of the same area and years.
    shape : ndarray, shape (n_causes, 2, 101)
        Incidence by sex and age relative to the mean of the reference population.
    knots : sequence of int
        Years of the trend, from the first year of the population or before to its last or after.
    ranges : sequence of (float, float), one a cause
        Least and greatest hazard ratio.
    quantities : sequence of str
        Which of `QUANTITIES` will be asked for; the fewer, the faster.
    age_groups : sequence of int
        First age of each group, from 0; the last is open.
    hazard_ratio_change : float
        Yearly change of the log hazard ratio from 2005 on (negative: survival after the loss
        improves by more than that of the general population).
    from_nothing : bool
        Start without a stock in the first year instead of a settled one.

    Raises
    ------
    ValueError
        If the inputs do not fit together, or the ranges are too wide.
    """
    carried = tuple(name for name in CARRIED if name in _carried_for(quantities))
    return _respond(
        population, mortality, shape, knots, ranges, carried, age_groups, hazard_ratio_change,
        from_nothing=from_nothing,
    )  # fmt: skip


def _respond(
    population: Population,
    mortality: Mortality,
    shape: Floats,
    knots: Sequence[int],
    ranges: Sequence[tuple[float, float]],
    carried: tuple[str, ...],
    age_groups: Sequence[int],
    hazard_ratio_change: float,
    *,
    from_nothing: bool,
) -> Responses:
    _check_inputs(population, mortality, shape, knots, ranges)
    years = population.years
    hats = np.column_stack([np.interp(years, knots, unit) for unit in np.eye(len(knots))])
    change = np.exp(hazard_ratio_change * np.maximum(years - 2005, 0))
    hazard = mortality.hazard * change[:, np.newaxis, np.newaxis]
    with one_blas_thread():
        coefficients = tuple(
            fit_polynomials(
                functools.partial(
                    recurse,
                    population.people * shape[cause],
                    hazard,
                    hats,
                    carried=carried,
                    age_groups=age_groups,
                    from_nothing=from_nothing,
                ),
                span,
            )
            for cause, span in enumerate(ranges)
        )
    return Responses(years, tuple(knots), tuple(ranges), carried, coefficients)


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
        Hazard ratios within the ranges of the responses.
    quantity : str
        One of `QUANTITIES`. "years_since_loss" is the sum over people; divide by "people" for the
        mean.
    by : sequence of str
        Axes to keep, of year, age_group, sex and cause.
    causes : sequence of str
        Causes to add up or, with "cause" in `by`, to keep.
    years : array_like of int, optional
        Years wanted, in order; by default all.

    Returns
    -------
    ndarray, shape (n_draws, ...)
        The axes of `by` in the order year, age_group, sex, cause.

    Raises
    ------
    ValueError
        If an axis or cause is unknown, the responses lack the quantity, or a hazard ratio lies
        outside their range.
    """
    return project_all(responses, draws, quantities=[quantity], by=by, causes=causes, years=years)[
        quantity
    ]


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
    unknown = [name for name in by if name not in (*_AXES, "cause")]
    if unknown:
        raise ValueError(f"by has {unknown[0]!r}; expected year, age_group, sex or cause")
    for name in quantities:
        if not _carried_for([name]) <= set(responses.carried):
            raise ValueError(f"the responses lack {name}; expected it among their quantities")
    unknown = [name for name in causes if name not in CAUSES]
    if unknown or not causes:
        raise ValueError(f"causes are {list(causes)}; expected some of {', '.join(CAUSES)}")
    span = _places(responses, years)
    dropped = tuple(1 + i for i, axis in enumerate(_AXES) if axis not in by)
    with one_blas_thread():
        return _products(responses, draws, quantities, causes, span, dropped, "cause" in by)


def _products(
    responses: Responses,
    draws: LimbLossDraws,
    quantities: Sequence[str],
    causes: Sequence[str],
    span: slice | NDArray[np.int_],
    dropped: tuple[int, ...],
    by_cause: bool,
) -> dict[str, Floats]:
    """The draws times the responses, a few hundred draws at a time."""
    carried = [name for name in responses.carried if name in _carried_for(quantities)]
    rows = [responses.carried.index(name) for name in carried]
    n_draws = len(draws.level)
    outs: dict[str, Floats] = {}
    for place, cause in enumerate(causes):
        c = CAUSES.index(cause)
        table = responses.coefficients[c][rows][:, span].sum(axis=dropped)
        cells = table.shape[1:-2]
        for name in quantities if not outs else ():
            outs[name] = np.zeros((len(causes) if by_cause else 1, n_draws, *cells))
        for start in range(0, n_draws, _ROWS):
            block = slice(start, start + _ROWS)
            level = draws.level[block, c]
            lasting = level * (1 - draws.first_year_excess[block, c])
            unit = dict(zip(carried, _per_level(table, responses, draws, c, block), strict=True))
            for name in quantities:
                out = outs[name][place if by_cause else 0, block]
                if name == "new_cases":
                    out += _times(level, unit["new_cases"])
                elif name == "deaths":
                    out += _times(level, unit["new_cases"]) - _times(lasting, unit["net"])
                else:
                    out += _times(lasting, unit[name])
    return {name: np.moveaxis(out, 0, -1) if by_cause else out[0] for name, out in outs.items()}


def _per_level(
    table: Floats, responses: Responses, draws: LimbLossDraws, cause: int, block: slice
) -> Floats:
    """What a level of 1 without excess leads to, shape (n_carried, n_draws of the block, ...)."""
    n_carried, *cells, n_knots, degrees = table.shape
    trend, ratio = draws.trend[block, cause], draws.hazard_ratio[block, cause]
    n = len(ratio)
    powers = polynomials_at(ratio, degrees, responses.ranges[cause])
    factors = np.zeros((_ROWS, n_knots, degrees))
    np.multiply(trend[:, :, np.newaxis], powers[:, np.newaxis], out=factors[:n])
    product = factors.reshape(_ROWS, -1) @ table.reshape(-1, n_knots * degrees).T
    return np.moveaxis(product[:n].reshape(n, n_carried, *cells), 1, 0)


def _times(by_draw: Floats, values: Floats) -> Floats:
    return by_draw.reshape(-1, *[1] * (values.ndim - 1)) * values


def _places(responses: Responses, years: ArrayLike | None) -> slice | NDArray[np.int_]:
    if years is None:
        return slice(None)
    wanted = np.asarray(years)
    missing = wanted[~np.isin(wanted, responses.years)]
    if missing.size:
        raise ValueError(
            f"year {missing[0]}; expected years from {responses.years[0]} to {responses.years[-1]}"
        )
    return wanted - int(responses.years[0])


def _carried_for(quantities: Sequence[str]) -> set[str]:
    unknown = [name for name in quantities if name not in QUANTITIES]
    if unknown:
        raise ValueError(f"quantity is {unknown[0]!r}; expected one of {', '.join(QUANTITIES)}")
    carried = set(quantities)
    return carried - {"deaths"} | ({"new_cases", "net"} if "deaths" in carried else set())


def _check_inputs(
    population: Population,
    mortality: Mortality,
    shape: Floats,
    knots: Sequence[int],
    ranges: Sequence[tuple[float, float]],
) -> None:
    if population.area != mortality.area or not np.array_equal(population.years, mortality.years):
        raise ValueError(
            f"people of {population.area} {population.years[0]}-{population.years[-1]} and "
            f"mortality of {mortality.area} {mortality.years[0]}-{mortality.years[-1]}; "
            "expected the same area and years"
        )
    expected = (len(CAUSES), len(SEXES), len(AGES))
    if shape.shape != expected:
        raise ValueError(f"shape has shape {shape.shape}; expected {expected}")
    _refuse(shape, shape >= 0, "shape", "0 or more")
    first, last = int(population.years[0]), int(population.years[-1])
    if list(knots) != sorted(set(knots)) or knots[0] > first or knots[-1] < last:
        raise ValueError(f"knots are {list(knots)}; expected rising years that span {first}-{last}")
    if len(ranges) != len(CAUSES):
        raise ValueError(f"{len(ranges)} ranges of hazard ratios; expected one for each cause")
    for name, (low, high) in zip(CAUSES, ranges, strict=True):
        if not 0 < low <= high:
            raise ValueError(f"hazard ratios of {name} from {low:g} to {high:g}; expected above 0")


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


def losses_with_diabetes(
    population: Population, *, within: Floats, year: int = _REFERENCE_YEAR, folder: Path = DATA
) -> pd.DataFrame:
    """People with diabetes who lose part of a leg in a year, by age group.

    Losses are people x share with diagnosed diabetes x discharges per person with diabetes (CDC,
    `cdc_diabetes_by_age` and `cdc_lealevel_table8`, the four levels added up). CDC prints one
    rate below 65; it is split at 45 so that the two rates have the ratio of the rates at 18-44 and
    45-64 in 1997-1999 (AHRQ, `ahrq_table_c5`) and together give CDC's losses. Discharges count a
    re-amputation again, and one discharge can have two levels.

    Parameters
    ----------
    population : Population
        Of the United States; must cover `year`.
    within : ndarray, shape (2, 101)
        How incidence is spread inside an age group, such as a `rising_shape`.
    year : int
        1993 to 1996, the years that both tables have.
    folder : Path
        Where the tables are.

    Returns
    -------
    DataFrame
        A row an age group: age_low, age_high (100 is open), people, percent_with_diabetes,
        per_1000_with_diabetes, losses, share (of all losses), mean_age (years).

    Raises
    ------
    ValueError
        If the population or a table lacks the year, or `within` gives nobody of a group.

    Examples
    --------
    >>> us = read_population()
    >>> shape = rising_shape(us, mean_age=67, male_ratio=1.9)
    >>> losses_with_diabetes(us, within=shape)["losses"].round(-3).tolist()
    [6000.0, 33000.0, 29000.0, 30000.0]
    """
    table = read("amputation_incidence", folder=folder)
    prevalence = _rows(table, "cdc_diabetes_by_age", year)
    starts = [int(age) for age in prevalence["age_low"]]
    percent = prevalence["value"].to_numpy(dtype=float)
    people = population.people[_place(population, year)]
    with_diabetes = group_sums(people, starts) * percent / 100
    rates = _rates(table, year, with_diabetes)
    losses = with_diabetes * rates / 1000
    return pd.DataFrame(
        {
            "age_low": starts,
            "age_high": [*(start - 1 for start in starts[1:]), int(AGES[-1])],
            "people": group_sums(people, starts),
            "percent_with_diabetes": percent,
            "per_1000_with_diabetes": rates,
            "losses": losses,
            "share": losses / losses.sum(),
            "mean_age": _mean_ages(people * within, starts),
        }
    )


def mean_age_at_loss(groups: pd.DataFrame) -> float:
    """Mean age, in years, of those who lose part of a leg.

    Parameters
    ----------
    groups : DataFrame
        From `losses_with_diabetes`. People without diabetes have 30 to 40% of dysvascular losses;
        no US figure of their age was found, and in Germany they are 0.6 years younger (Claessen
        2018).
    """
    return float((groups["share"] * groups["mean_age"]).sum())


def group_sums(values: Floats, starts: Sequence[int]) -> Floats:
    """Sums over both sexes and the ages of each group, shape (n_groups,).

    Parameters
    ----------
    values : ndarray, shape (2, 101)
        People, or a shape times people: then the groups' numbers of new cases.
    starts : sequence of int
        First age of each group, which have to rise from 0; the last group is open.

    Raises
    ------
    ValueError
        If the ages do not rise from 0 to at most 100.
    """
    if list(starts) != sorted(set(starts)) or starts[0] != 0 or starts[-1] > AGES[-1]:
        raise ValueError(f"starts are {list(starts)}; expected rising ages from 0 to {AGES[-1]}")
    return np.asarray(np.add.reduceat(values.sum(axis=0), list(starts)))


def _rates(table: pd.DataFrame, year: int, with_diabetes: Floats) -> Floats:
    """Discharges per 1000 people with diabetes at 0-44, 45-64, 65-74, and 75 and over."""
    cdc = _rows(table, "cdc_lealevel_table8", year).groupby("age_low")["value"].sum()
    ahrq = _rows(table, "ahrq_table_c5", 1997).set_index("age_low")["value"]
    ratio = np.array([ahrq[18], ahrq[45]])
    below_65 = ratio * cdc[0] * with_diabetes[:2].sum() / (ratio @ with_diabetes[:2])
    return np.array([*below_65, cdc[65], cdc[75]], dtype=float)


def _mean_ages(cases: Floats, starts: Sequence[int]) -> Floats:
    sums = group_sums(cases, starts)
    if not (sums > 0).all():
        start = starts[int(np.argmin(sums > 0))]
        raise ValueError(f"within gives nobody of the group from {start}; expected some in each")
    return group_sums(cases * (AGES + 0.5), starts) / sums


def _rows(table: pd.DataFrame, source: str, year: int) -> pd.DataFrame:
    """Rows of one source and first year that stand for an age group, youngest first."""
    rows = table[(table["source"] == source) & (table["first_year"] == year)]
    if rows.empty:
        raise ValueError(f"{source} has no rows of {year}; expected a year that its table has")
    return rows[rows["age_low"].notna()].sort_values("age_low")


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
        A row a year, age group and sex: label (of the age group), sex, value and series (the year).

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import draw
    >>> scenario = read_scenario()
    >>> draws = draw(scenario.parameters, 64, seed=1)
    >>> age_pyramid(draws, scenario, years=[2005])["label"].iloc[-1]
    '100+'
    """
    population, mortality = people_and_mortality(scenario)
    starts = range(0, int(AGES[-1]) + 1, width)
    responses = responses_of(
        draws, scenario, population, mortality, quantities=("people",), age_groups=starts
    )
    people = project(responses, inputs(draws), by=("year", "age_group", "sex"), years=years)
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
        A row a year and cause: year, cause, mean_years, and the shares of people under 1 year, 1 to
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
        responses, inputs(draws), quantities=quantities, by=("year", "cause"), years=years
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
    draws: pd.DataFrame, scenario: Scenario, *, year: int, years_since: Sequence[int]
) -> Floats:
    """Share of those who lost a limb to vascular disease in a year who are dead some years later.

    The result has the shape (n_draws, len(years_since)).
    """
    population, mortality = people_and_mortality(scenario)
    at = int(year - population.years[0])
    new = population.people[at] * _dysvascular_shape(draws, population)
    ratio = draws["dysvascular_hazard_ratio"].to_numpy()
    excess = draws["dysvascular_first_year_excess"].to_numpy()
    shares = []
    for since in years_since:
        hazard = np.zeros_like(new)
        for later in range(since):
            age = np.minimum(np.arange(new.shape[1]) + later, new.shape[1] - 1)
            hazard += mortality.hazard[at + later][:, age]
        alive = np.exp(-hazard[np.newaxis] * ratio[:, np.newaxis, np.newaxis])
        left = (alive * new).sum(axis=(1, 2)) / new.sum()
        shares.append(1 - (1 - excess) * left)
    return np.stack(shares, axis=1)


def people_per_1000(
    draws: pd.DataFrame, scenario: Scenario, *, area: str, rate: float, year: int
) -> Floats:
    """People living with vascular limb loss per 1000 residents of an area, shape (n_draws,).

    The area's own people and mortality; the printed rate, in amputations a year per 100,000
    residents, taken as constant in time; everything else (first losses among them, hazard ratio,
    spread over ages) as in the United States.
    """
    population, mortality = read_population(area), read_mortality(area)
    shape = np.stack([_dysvascular_shape(draws, population)] * len(CAUSES))
    responses = respond(
        population,
        mortality,
        shape,
        knots=(int(population.years[0]), int(population.years[-1])),
        # The other two causes are not asked for.
        ranges=[_hazard_ratios(draws, scenario, "dysvascular"), (1.0, 1.0), (1.0, 1.0)],
        quantities=("people",),
        age_groups=(0,),
        hazard_ratio_change=float(scenario.choices["hazard_ratio_change"]),
    )
    by_cause = np.ones((len(draws), len(CAUSES)))
    level = rate / 1e5 * draws["dysvascular_first_share"].to_numpy()
    area_draws = LimbLossDraws(
        level=by_cause * level[:, np.newaxis],
        trend=np.ones((len(draws), len(CAUSES), 2)),
        hazard_ratio=by_cause * draws[["dysvascular_hazard_ratio"]].to_numpy(),
        first_year_excess=by_cause * draws[["dysvascular_first_year_excess"]].to_numpy(),
    )
    people = project(responses, area_draws, causes=["dysvascular"], years=[year])[:, 0]
    return 1000 * people / float(population.people[int(year - population.years[0])].sum())


def _dysvascular_shape(draws: pd.DataFrame, population: Population) -> Floats:
    return rising_shape(
        population,
        mean_age=_fixed(draws, "dysvascular_mean_age"),
        male_ratio=_fixed(draws, "dysvascular_male_ratio"),
    )
