"""People living with limb loss: the incidence-prevalence-mortality cohort model.

By sex and cause of the loss, with t a year and a an age,

    N(t+1, a+1) = [N(t, a) + (1 - q) new(t, a)] exp(-HR m(t, a)),
    new(t, a) = level x trend(t) x shape(a) x people(t, a),

where m is the mortality hazard of the general population, HR the hazard ratio of people with limb
loss and q the share who die in the first year over and above that. N(t) is the stock at mid-year;
ages of 100 and over are one group. The stock of the first year is the one that its incidence and
mortality would have built up had they always held.

The model is linear in level, in 1 - q and in the values of the trend at its knots, and HR enters
only through exp(-HR m), an entire function. So the recursion runs once, on a few Chebyshev nodes of
HR and one unit of incidence at each knot. Any number of draws is then one matrix product, whatever
is asked being added up over ages, sexes and causes before it (Trefethen 2013, Approximation Theory
and Approximation Practice, chapters 3 and 8, on why a few nodes give all digits).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plcore.evidence.distributions import Floats
from plcore.evidence.population import AGES, SEXES, Mortality, Population
from plcore.models.cohort import AGE_GROUPS, CARRIED, recurse

CAUSES = ("dysvascular", "trauma", "cancer")
#: What the model counts, in people, people a year or years.
QUANTITIES = (*(name for name in CARRIED if name != "net"), "deaths")
_AXES = ("year", "age_group", "sex")
_TOLERANCE = 1e-11
_NODES = (28, 40, 56, 80, 112, 160)
#: Share of the largest singular value below which the responses hold no digit that counts.
_LEFT_OUT = 1e-13
#: Of what is held beside the result; fits the cache.
_CHUNK_BYTES = 4_000_000


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
            if getattr(self, name).shape != shape:
                found = getattr(self, name).shape
                raise ValueError(f"{name} has shape {found}; expected that of level, {shape}")
        if self.trend.shape[:2] != shape:
            raise ValueError(f"trend has shape {self.trend.shape}; expected {shape} and knots")
        _refuse(self.level, self.level >= 0, "level", "0 or more")
        _refuse(self.trend, self.trend >= 0, "trend", "0 or more")
        _refuse(self.hazard_ratio, self.hazard_ratio > 0, "hazard_ratio", "above 0")
        excess = self.first_year_excess
        _refuse(excess, (excess >= 0) & (excess <= 1), "first_year_excess", "from 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """What one unit of incidence at each knot leads to, as polynomials in the hazard ratio.

    Attributes
    ----------
    years : ndarray of int
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
    """Run the recursion, once, for all draws whose hazard ratios lie in `ranges`.

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
    """
    _check_inputs(population, mortality, shape, knots, ranges)
    years = population.years
    basis = _hats(years, knots)
    change = np.exp(hazard_ratio_change * np.maximum(years - 2005, 0))
    hazard = mortality.hazard * change[:, np.newaxis, np.newaxis]
    carried = tuple(name for name in CARRIED if name in _needed(quantities))

    def run(ratio: Floats, entering: Floats) -> Floats:
        return recurse(
            entering, hazard, basis, ratio, carried,
            age_groups=age_groups, from_nothing=from_nothing,
        )  # fmt: skip

    coefficients = tuple(
        _fit(functools.partial(run, entering=population.people * shape[cause]), span)
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
    draws : LimbLossDraws
    quantity : str
        One of `QUANTITIES`. "years_since_loss" is the sum over people; divide by "people" for the
        mean.
    by : sequence of str
        Axes to keep, in this order of axes: year, age_group, sex, cause.
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
        If an axis or cause is unknown, or the responses lack the quantity.
    """
    unknown = [name for name in by if name not in (*_AXES, "cause")]
    if unknown:
        raise ValueError(f"by has {unknown[0]!r}; expected year, age_group, sex or cause")
    span = _places(responses, years)
    dropped = tuple(1 + i for i, axis in enumerate(_AXES) if axis not in by)
    missing = [name for name in _needed([quantity]) if name not in responses.carried]
    if missing:
        raise ValueError(f"the responses lack {quantity}; expected it among their quantities")
    unknown = [name for name in causes if name not in CAUSES]
    if unknown or not causes:
        raise ValueError(f"causes are {list(causes)}; expected some of {', '.join(CAUSES)}")

    tables = [
        responses.coefficients[CAUSES.index(cause)][:, span].sum(axis=dropped) for cause in causes
    ]
    out = np.empty((len(causes), len(draws.level), *tables[0].shape[1:-2]))
    for place, cause in enumerate(causes):
        carried = dict(zip(responses.carried, tables[place], strict=True))
        c = CAUSES.index(cause)
        _quantity(quantity, carried, draws, c, responses.ranges[c], out[place])
    return np.moveaxis(out, 0, -1) if "cause" in by else np.asarray(out.sum(axis=0))


def hats_of(knots: Sequence[int], years: ArrayLike) -> Floats:
    """The trend's weights on its knots in each year, shape (n_years, n_knots).

    Parameters
    ----------
    knots : sequence of int
        Years at which the trend bends.
    years : array_like of int, shape (n_years,)
    """
    return _hats(np.asarray(years), knots)


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


def _needed(quantities: Sequence[str]) -> set[str]:
    unknown = [name for name in quantities if name not in QUANTITIES]
    if unknown:
        raise ValueError(f"quantity is {unknown[0]!r}; expected one of {', '.join(QUANTITIES)}")
    needed = set(quantities)
    return needed - {"deaths"} | ({"new_cases", "net"} if "deaths" in needed else set())


def _quantity(
    name: str,
    carried: dict[str, Floats],
    draws: LimbLossDraws,
    cause: int,
    span: tuple[float, float],
    out: Floats,
) -> None:
    level, trend, ratio = draws.level[:, cause], draws.trend[:, cause], draws.hazard_ratio[:, cause]
    entering = level[:, np.newaxis] * trend
    lasting = entering * (1 - draws.first_year_excess[:, [cause]])
    if name == "new_cases":
        _product(carried[name], entering, ratio, span, out)
    elif name == "deaths":
        gained = np.empty_like(out)
        _product(carried["new_cases"], entering, ratio, span, out)
        _product(carried["net"], lasting, ratio, span, gained)
        out -= gained
    else:
        _product(carried[name], lasting, ratio, span, out)


def _product(
    table: Floats, weights: Floats, ratio: Floats, span: tuple[float, float], out: Floats
) -> None:
    """Fill out with the table's polynomials at each draw's ratio, summed over knots by weight."""
    *_, knots, degrees = table.shape
    left, right = _low_rank(table.reshape(-1, knots * degrees))
    filled = out.reshape(len(weights), -1)
    rows = max(1, _CHUNK_BYTES // (8 * knots * degrees))
    for start in range(0, len(weights), rows):
        part = slice(start, start + rows)
        powers = _chebyshev(ratio[part], degrees, span)
        basis = (weights[part, :, np.newaxis] * powers[:, np.newaxis]).reshape(-1, knots * degrees)
        np.matmul(basis @ right.T, left.T, out=filled[part])


def _low_rank(matrix: Floats) -> tuple[Floats, Floats]:
    """Two factors of the matrix, thin where that saves work; what is left out is below 1e-13.

    Every row is first brought to the same size, so that small age groups keep their digits too.
    """
    size = np.abs(matrix).max(axis=1, keepdims=True)
    u, values, v = np.linalg.svd(matrix / np.where(size == 0, 1, size), full_matrices=False)
    rank = int(np.count_nonzero(values > _LEFT_OUT * values[0]))
    if rank * sum(matrix.shape) > matrix.size:
        return np.eye(len(matrix)), matrix
    return size * u[:, :rank] * values[:rank], v[:rank]


def _fit(run: Callable[[Floats], Floats], span: tuple[float, float]) -> Floats:
    """Chebyshev coefficients of a function of the hazard ratio, the last axis of what it gives."""
    low, high = span
    for nodes in _NODES if low < high else (1,):
        found: Floats = run(_nodes(low, high, nodes)) @ _to_coefficients(nodes).T
        axes = tuple(range(1, found.ndim))
        size, tail = (np.abs(part).max(axis=axes) for part in (found, found[..., -2:]))
        if nodes == 1 or np.all(tail <= _TOLERANCE * size):
            return found
    raise ValueError(
        f"hazard ratios from {low:g} to {high:g} are too far apart for {_NODES[-1]} nodes; "
        "expected a narrower range"
    )


def _hats(years: NDArray[np.int_], knots: Sequence[int]) -> Floats:
    return np.column_stack([np.interp(years, knots, unit) for unit in np.eye(len(knots))])


def _nodes(low: float, high: float, n: int) -> Floats:
    angle = (np.arange(n) + 0.5) * np.pi / n
    return (low + high) / 2 + (high - low) / 2 * np.cos(angle)


def _to_coefficients(n: int) -> Floats:
    """The matrix from values at the Chebyshev nodes to coefficients."""
    degree, node = np.arange(n)[:, np.newaxis], np.arange(n) + 0.5
    matrix: Floats = np.cos(degree * node * np.pi / n) * 2 / n
    matrix[0] /= 2
    return matrix


def _chebyshev(ratio: Floats, n: int, span: tuple[float, float]) -> Floats:
    """Chebyshev polynomials of degree 0 to n - 1 at each ratio, shape (n_draws, n)."""
    low, high = span
    outside = (ratio < low) | (ratio > high)
    if outside.any():
        raise ValueError(
            f"hazard_ratio is {ratio[outside][0]:g}; expected one from {low:g} to {high:g}, "
            "the range that the responses cover"
        )
    x = np.zeros_like(ratio) if low == high else (2 * ratio - low - high) / (high - low)
    return np.asarray(np.polynomial.chebyshev.chebvander(x, n - 1), dtype=np.float64)


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
