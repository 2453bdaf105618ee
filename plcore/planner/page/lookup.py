"""The page's arithmetic in Python: the same tables, the same settings, the same rows.

`assets/lookup.js` does what this module does; a test holds the two together in a browser, and another
holds this module to `plcore.clinic`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plcore.clinic.demand import (
    Demand,
    Funnel,
    Opening,
    by_year,
    expected_referrals,
    people_to_patients,
)
from plcore.evidence.distributions import Floats
from plcore.models.outcome import Outcome
from plcore.models.pain import BANDS, RUNGS
from plcore.planner.page.clinic import CERTAINTY, CHAIRS, COURSES, HALF_HOURS, MOST_BUSY, RETURNS
from plcore.planner.page.grid import Grid
from plcore.planner.page.nation import N_NODES, N_YEARS, OPENINGS, QUANTITIES, Beliefs, years_from
from plcore.planner.page.places import nearby, node_weights, weighted_people
from plcore.planner.page.tensor import along
from plcore.planner.page.waits import MEASURES, days_at, share_at
from plcore.threads import one_blas_thread

#: Median and 95% interval.
_TAILS = (0.5, 0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """What a planner sets on the page; names and defaults are those of `plcore.planner`.

    Shares are in percent, as typed; None leaves a share as uncertain as the evidence does.
    """

    counties: tuple[str, ...]
    radius_km: float | None = None
    year: int = 2027
    scenario: str = "baseline"
    severity: str = "moderate_severe"
    accepting_percent: float | None = None
    served_percent: float | None = None
    infusions: int = 10
    returns: str = "boosters"
    hours: float = 8.0
    chairs: int = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the answer: a number with its limits. Infinity says that there is no end to it."""

    key: str
    unit: str
    median: float
    low: float
    high: float


def look_up(grid: Grid, settings: PageSettings) -> tuple[Row, ...]:
    """What the page shows, a row a number.

    Raises
    ------
    ValueError
        Where the page shows an error beside a field.
    """
    funnel, demand = patients(grid, settings)
    return (*_people_rows(funnel), *_clinic_rows(grid, settings, demand))


def patients(grid: Grid, settings: PageSettings) -> tuple[Funnel, Demand]:
    """The funnel and the patients of an area, from the compressed nation."""
    people = people_around(grid, settings)
    given = {"accepting": settings.accepting_percent, "choosing": settings.served_percent}
    own = {step: percent / 100 for step, percent in given.items() if percent is not None}
    draws = beliefs_of(grid, settings.scenario).draws
    funnel = people_to_patients(people, draws, severity=settings.severity, own=own)
    return funnel, expected_referrals(funnel, people, draws, Opening(settings.year, N_YEARS))


def beliefs_of(grid: Grid, scenario: str) -> Beliefs:
    """The scenario of a name."""
    names = [each.name for each in grid.nation.beliefs]
    if scenario not in names:
        raise ValueError(f"scenario is {scenario!r}; expected one of {', '.join(names)}")
    return grid.nation.beliefs[names.index(scenario)]


def people_around(grid: Grid, settings: PageSettings) -> Outcome:
    """People of the area as `plcore.clinic.people_nearby` gives them, over the years needed."""
    at = nearby(grid.places, settings.counties, settings.radius_km)
    beliefs = beliefs_of(grid, settings.scenario)
    years = years_from(settings.year)
    # These products are small: more threads take longer.
    with one_blas_thread():
        found = _local(grid, at, beliefs, years)
    people = found["people"]
    bands = [found[name] for name in QUANTITIES[2:]]
    bands.append(people - np.sum(bands, axis=0))
    draws = beliefs.draws
    shares = [draws[f"in_pain_{band}"].to_numpy()[:, np.newaxis] for band in BANDS]
    plp = np.sum([band * share for band, share in zip(bands, shares, strict=True)], axis=0)
    residents = grid.nation.residents[years - OPENINGS[0]] @ grid.places.share[at].sum(axis=0)
    severe = {
        f"plp_{rung}": plp * draws[f"severity_{rung}"].to_numpy()[:, np.newaxis] for rung in RUNGS
    }
    values = {
        "residents": np.tile(residents, (len(plp), 1)),
        "limb_loss": people,
        "new_cases": found["new_cases"],
        "plp": plp,
        **severe,
    }
    return Outcome(years, values, np.zeros(len(years), dtype=bool))


def _local(
    grid: Grid, at: NDArray[np.intp], beliefs: Beliefs, years: NDArray[np.int64]
) -> dict[str, Floats]:
    """Each quantity of the area by draw and year."""
    nation, low_high = grid.nation, grid.nation.elasticity
    by_draw, by_series, by_year, by_cell = nation.limb_loss.bases
    first = beliefs.series * len(QUANTITIES)
    rows = slice(first, first + len(QUANTITIES))
    core = np.asarray(nation.limb_loss.core * nation.limb_loss.step, dtype=float)
    core = along(core, 2, by_year[years - OPENINGS[0]])
    core = along(core, 1, by_series[rows])
    everyone = grid.places.share[at].sum(axis=0)
    shares = weighted_people(grid.places, at, grid.nodes) / grid.everywhere
    size = nation.size[rows]
    other = np.einsum(
        "rqyc,kc,qk->rqy", core, by_cell[1::2], size[:, 1::2] * everyone, optimize=True
    )
    vascular = np.einsum(
        "rqyc,kc,qk,jk->rqyj", core, by_cell[::2], size[:, ::2], shares, optimize=True
    )
    elasticity = beliefs.draws["diabetes_elasticity"].to_numpy(dtype=float)
    weights = node_weights(elasticity, *low_high, N_NODES)
    found = along(other, 0, by_draw)
    found = found + np.einsum("dr,rqyj,dj->dqy", by_draw, vascular, weights, optimize=True)
    return {name: found[:, q] for q, name in enumerate(QUANTITIES)}


def _people_rows(funnel: Funnel) -> Iterator[Row]:
    for key, people in funnel.people.items():
        yield _row(key, "people", people[:, 0])


def _clinic_rows(grid: Grid, settings: PageSettings, demand: Demand) -> Iterator[Row]:
    visits_a_day, nurses = held_a_day(grid, settings.chairs, settings.hours)
    course = settings.infusions, settings.returns
    if course not in grid.clinic.visits_each:
        raise ValueError(
            f"infusions is {course[0]} and returns is {course[1]!r}; expected one of "
            f"{', '.join(map(str, COURSES))} and of {', '.join(RETURNS)}"
        )
    infusions, visits = grid.clinic.infusions_each[course], grid.clinic.visits_each[course]
    open_a_week = 7 * float(grid.clinic.open_share[settings.year - OPENINGS[0]])
    weeks = by_year(np.ones((1, demand.opening.n_weeks)), demand.opening)
    new = by_year(demand.per_week, demand.opening)
    held = visits_a_day * open_a_week
    for i in range(N_YEARS):
        yield _row(f"patients_{i + 1}", "people", new[:, i])
    for i in range(N_YEARS):
        yield _row(f"infusions_{i + 1}", "infusions", new[:, i] * infusions)
    yield _row("load_on_average", "share", new.sum(axis=1) / weeks.sum() * visits / held)
    rate = (new / weeks).max(axis=1)
    yield _row("visits_a_week", "visits", rate * visits)
    yield _row("held_a_week", "visits", np.full(len(rate), held))
    yield _row("visits_a_day", "visits a day", np.full(len(rate), float(visits_a_day)))
    yield _row("nurses", "nurses", np.full(len(rate), float(nurses)))
    load = rate * visits / held
    yield _row("load", "share", load)
    yield from _queue_rows(grid, rate, visits, held)
    yield from _chairs_rows(grid, settings.hours, rate * visits / open_a_week)


def _queue_rows(grid: Grid, rate: Floats, visits: Floats, held: float) -> Iterator[Row]:
    """Whether a list at this rate settles, what the waits then are, by how much it grows where not."""
    capacity = held / visits
    load = rate / capacity
    over = load >= 1
    yield _row("never_clears", "share", np.full(1, over.mean()))
    growth = (rate - capacity)[over]
    yield _ranked("growth_a_week", "people", growth if over.any() else np.zeros(1))
    waits = grid.waits
    for measure, table in zip(MEASURES, waits.measures, strict=True):
        if MEASURES[measure] == "days":
            days = days_at(waits, table, capacity, load)
            yield _ranked(measure, "days", np.where(np.isnan(days), np.inf, days))
        else:
            # Who knows how long they will wait in the end comes last, not at 0.
            share = share_at(waits, table, capacity, load)
            yield _ranked(measure, "share", np.where(np.isnan(share), -np.inf, share))
    middle = [float(np.median(values)) for values in (capacity, load)]
    ends = [float(days_at(waits, table, *middle)) for table in (waits.measures[0], *waits.luck)]
    yield Row("wait_by_luck", "days", *(np.inf if np.isnan(end) else end for end in ends))


def _chairs_rows(grid: Grid, hours: float, visits_a_day: Floats) -> Iterator[Row]:
    """Chairs by which the load is kept at `MOST_BUSY`; infinity where more than are offered."""
    held = grid.clinic.visits[:, _half_hours(hours)]
    enough = visits_a_day[:, np.newaxis] <= MOST_BUSY * held
    needed = np.where(enough.any(axis=1), CHAIRS[0] + enough.argmax(axis=1), np.inf)
    yield _ranked("chairs_needed", "chairs", needed)
    kept = float(ranked(needed, [CERTAINTY])[0])
    yield Row("chairs_to_plan", "chairs", kept, kept, kept)
    yield _row("never_clears_with_most", "share", np.full(1, (visits_a_day >= held[-1]).mean()))


def held_a_day(grid: Grid, chairs: int, hours: float) -> tuple[int, int]:
    """Visits that a day holds, and the nurses it takes."""
    if chairs not in CHAIRS:
        raise ValueError(f"chairs is {chairs}; expected {CHAIRS[0]} to {CHAIRS[-1]}")
    at = chairs - CHAIRS[0], _half_hours(hours)
    if not grid.clinic.visits[at]:
        raise ValueError(f"hours is {hours:g}, which holds no visit; expected more")
    return int(grid.clinic.visits[at]), int(grid.clinic.nurses[at])


def _half_hours(hours: float) -> int:
    if 2 * hours not in HALF_HOURS:
        raise ValueError(
            f"hours is {hours:g}; expected half hours up to {HALF_HOURS[-1] / 2:g} hours"
        )
    return int(2 * hours) - HALF_HOURS[0]


def _row(key: str, unit: str, values: Floats) -> Row:
    return Row(key, unit, *(float(end) for end in np.quantile(values, _TAILS)))


def _ranked(key: str, unit: str, values: Floats) -> Row:
    return Row(key, unit, *(float(end) for end in ranked(values, _TAILS)))


def ranked(values: Floats, shares: Sequence[float]) -> Floats:
    """The least values that these shares of all do not exceed: infinities are not averaged."""
    return np.asarray(np.quantile(values, shares, method="inverted_cdf"))
