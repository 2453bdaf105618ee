"""People with limb loss 1950-2060 for many draws, from the same inputs as other ways to get them.

The recursion a newcomer would write in NumPy (draws as the last axis, in chunks that fit the
cache), heormodel with a cohort for each year of birth and sex, and starsim with 100,000 people. The
first two must give our numbers, to nine digits; the simulation gives them up to chance and to its
having no immigrants. All start without anybody in 1950. Nothing is kept between calls of ours.

What must be spent at the least: each number of the result (draws x years x causes, and age groups x
sexes where asked for) is a product over 7 knots x 20 degrees. The plain recursion needs draws x 111
years x 606 cells exponentials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from benchmarks import Case
from benchmarks.floors import multiplied
from plcore.evidence.population import AGES, read_mortality, read_population
from plcore.models.limb_loss import (
    AGE_GROUPS,
    CAUSES,
    LimbLossDraws,
    flat_shape,
    project,
    respond,
    rising_shape,
)

KNOTS = (1950, 1988, 1996, 2005, 2009, 2019, 2060)
POPULATION, MORTALITY = read_population(), read_mortality()
PEOPLE, HAZARD, YEARS = POPULATION.people, MORTALITY.hazard, POPULATION.years
SHAPE = np.stack(
    [
        rising_shape(POPULATION, mean_age=67, male_ratio=1.9),
        flat_shape(POPULATION, male_ratio=4),
        flat_shape(POPULATION, male_ratio=1.3),
    ]
)
FINE = ("year", "age_group", "sex", "cause")
#: Weights of the trend on its knots in each year; straight lines between knots.
HATS = np.column_stack([np.interp(YEARS, KNOTS, unit) for unit in np.eye(len(KNOTS))])
#: Draws at a time; the stock takes 5 kB a draw. 10 and 25 are slower, 100 and 200 no faster.
_CHUNK = 50
#: Terms of the responses in the hazard ratio.
_DEGREES = 20


def sampled(n: int) -> LimbLossDraws:
    """Draws as wide as those of data/parameters.csv."""
    random = np.random.default_rng(0)
    return LimbLossDraws(
        level=np.array([3.2e-4, 5.5e-5, 3.5e-6]) * random.lognormal(0, 0.1, (n, 3)),
        trend=random.uniform(0.5, 2, (n, 3, len(KNOTS))),
        hazard_ratio=np.array([3, 1.5, 3]) * random.lognormal(0, 0.2, (n, 3)),
        first_year_excess=random.uniform(0, 0.3, (n, 3)),
    )


def lasting(draws: LimbLossDraws) -> np.ndarray:
    """Incidence at each knot of those who outlive the first year's excess."""
    return (draws.level * (1 - draws.first_year_excess))[..., np.newaxis] * draws.trend


def with_plcore(draws: LimbLossDraws, by: tuple[str, ...]) -> np.ndarray:
    """Responses and projection, all from the beginning."""
    ratio = draws.hazard_ratio
    responses = respond(
        POPULATION,
        MORTALITY,
        SHAPE,
        knots=KNOTS,
        ranges=list(zip(ratio.min(axis=0), ratio.max(axis=0), strict=True)),
        quantities=("people",),
        from_nothing=True,
    )
    return project(responses, draws, by=by)


def with_numpy(draws: LimbLossDraws, *, groups: Sequence[int] = (0,)) -> np.ndarray:
    """The recursion over years, shape (n_draws, n_years, n_age_groups, 2, n_causes)."""
    n = len(draws.level)
    out = np.empty((n, len(YEARS), len(groups), 2, len(CAUSES)))
    incidence = np.einsum("dck,yk->ycd", lasting(draws), HATS)
    at_risk = (PEOPLE[:, np.newaxis] * SHAPE)[..., np.newaxis]
    for start in range(0, n, _CHUNK):
        part = slice(start, start + _CHUNK)
        ratio = draws.hazard_ratio[part].T[:, np.newaxis, np.newaxis]
        stock = np.zeros((len(CAUSES), 2, len(AGES), ratio.shape[-1]))
        for y in range(len(YEARS)):
            out[part, y] = np.add.reduceat(stock, groups, axis=2).transpose(3, 2, 1, 0)
            stock += at_risk[y] * incidence[y, :, np.newaxis, np.newaxis, part]
            stock *= np.exp(-ratio * HAZARD[y][..., np.newaxis])
            oldest = stock[:, :, -1].copy()
            stock[:, :, 1:] = stock[:, :, :-1].copy()
            stock[:, :, -1] += oldest
            stock[:, :, 0] = 0
    return out


def with_heormodel(draws: LimbLossDraws) -> np.ndarray:
    """A closed cohort for each year of birth and sex, shape (n_draws, n_years, n_causes)."""
    from heormodel.models import CohortSpec, MarkovModel

    states = ("not yet", *CAUSES, "dead")
    cohorts = {
        f"{born} {sex}": (born, sex)
        for born in range(int(YEARS[0]) - int(AGES[-1]), int(YEARS[-1]) + 1)
        for sex in range(2)
    }
    incidence = lasting(draws) @ HATS.T
    scale = 2 * PEOPLE.max()

    def matrices(row: pd.Series, cohort: str) -> CohortSpec:
        born, sex = cohorts[cohort]
        draw = int(row["draw"])
        years = np.arange(len(YEARS) - 1)
        age = YEARS[:-1] - born
        alive_yet = age >= 0
        at = np.clip(age, 0, AGES[-1])
        # Those who lose a limb at 100 or over count among those who turn 100 in the year.
        counted = np.where(alive_yet & (age <= AGES[-1]), PEOPLE[years, sex, at], 0)
        new = counted[:, np.newaxis] * SHAPE[:, sex, at].T * incidence[draw, :, :-1].T / scale
        survival = np.exp(-HAZARD[years, sex, at][:, np.newaxis] * draws.hazard_ratio[draw])
        left = 1 - np.concatenate([[0], np.cumsum(new.sum(axis=1))[:-1]])
        entering = new / left[:, np.newaxis]
        transition = np.zeros((len(years), len(states), len(states)))
        transition[:, 0, 1:-1] = entering * survival
        transition[:, 0, 0] = 1 - entering.sum(axis=1)
        for c in range(len(CAUSES)):
            transition[:, 1 + c, 1 + c] = survival[:, c]
        transition[:, -1, -1] = 1
        transition[:, :-1, -1] = 1 - transition[:, :-1].sum(axis=2)
        nothing = np.zeros(len(states))
        return CohortSpec(transition, nothing, nothing)

    engine = MarkovModel(
        states=states,
        interventions=list(cohorts),
        transitions_and_rewards=matrices,
        n_cycles=len(YEARS) - 1,
    )
    out = np.zeros((len(draws.level), len(YEARS), len(CAUSES)))
    for draw in range(len(out)):
        row = pd.Series({"draw": draw})
        for cohort in cohorts:
            out[draw] += engine.trace(row, cohort)[list(CAUSES)].to_numpy() * scale
    return out


def with_starsim(draws: LimbLossDraws, *, n_agents: int = 100_000) -> np.ndarray:
    """A simulated population scaled to the real one, shape (n_draws, n_years, n_causes).

    The agents start with the ages and sexes of 1950, are born as often as people turn 0 and die as
    the life table says; nobody immigrates.
    """
    import starsim as ss

    births = 1000 * PEOPLE[:, :, 0].sum(axis=1) / PEOPLE.sum(axis=(1, 2))
    by_age = PEOPLE[0].sum(axis=0)
    start = pd.DataFrame({"age": AGES, "value": by_age})
    rates = pd.DataFrame({"Year": YEARS, "CBR": births})
    incidence = lasting(draws) @ HATS.T

    class LimbLoss(ss.Module):  # type: ignore[misc]
        def __init__(self, draw: int) -> None:
            super().__init__(name="limb_loss")
            self.define_states(ss.FloatArr("cause", default=-1))
            self.draw, self.found = draw, np.zeros((len(YEARS), len(CAUSES)))

        def step(self) -> None:
            random = np.random.default_rng((self.draw, self.ti))
            people, year = self.sim.people, self.ti
            age = np.clip(people.age.values, 0, AGES[-1]).astype(int)
            sex = people.female.values.astype(int)
            cause = self.cause.values.astype(int)
            self.found[year] = np.bincount(cause[cause >= 0], minlength=3) / len(age)
            chance = random.random(len(age))
            for c in range(len(CAUSES)):
                risk = SHAPE[c, sex, age] * incidence[self.draw, c, year]
                hit = (chance >= 0) & (chance < risk) & (cause < 0)
                cause[hit] = c
                chance = chance - risk
            ratio = np.where(cause >= 0, draws.hazard_ratio[self.draw, cause], 1.0)
            dies = random.random(len(age)) < -np.expm1(-ratio * HAZARD[year, sex, age])
            self.cause[people.auids] = cause.astype(float)
            people.request_death(people.auids[dies])

    out = []
    for draw in range(len(draws.level)):
        module = LimbLoss(draw)
        ss.Sim(
            people=ss.People(n_agents, age_data=start),
            start=int(YEARS[0]),
            stop=int(YEARS[-1]),
            dt=1,
            demographics=[ss.Births(birth_rate=rates)],
            modules=[module],
            copy_inputs=False,
            rand_seed=draw,
            verbose=0,
        ).run()
        out.append(module.found * PEOPLE.sum(axis=(1, 2))[:, np.newaxis])
    return np.stack(out)


def check() -> None:
    """Refuse to time calls that do not answer the same question."""
    many, few = sampled(300), sampled(3)
    for groups, by in (((0,), ("year", "cause")), (AGE_GROUPS, FINE)):
        ours = with_plcore(many, by)
        found = with_numpy(many, groups=groups)
        if "sex" not in by:
            found = found.sum(axis=(2, 3))
        # A cell that must be empty may hold a rounding error, here up to a billionth of a person.
        np.testing.assert_allclose(ours, found, rtol=1e-9, atol=1e-8)
    ours = with_plcore(few, ("year", "cause"))
    if _version("heormodel"):
        np.testing.assert_allclose(ours, with_heormodel(few), rtol=1e-9)
    if _version("starsim"):
        # 300 to 600 of 100,000 have a limb loss, and without immigrants they are older.
        last = slice(1990 - int(YEARS[0]), None)
        mean, found = (part[:, last].sum(axis=2).mean() for part in (ours, with_starsim(few)))
        np.testing.assert_allclose(mean, found, rtol=0.2)


def cases() -> Iterator[Case]:
    check()
    many, one = sampled(10_000), sampled(1)
    axes = "111 years x 101 ages x 2 sexes x 3 causes"
    cohorts = (len(YEARS) + len(AGES) - 1) * 2
    plain, numpy_version = "NumPy recursion, in chunks", np.__version__
    jobs: list[tuple[str, LimbLossDraws, tuple[str, ...], str, str, Callable[[], object]]] = [
        (f"10,000 draws x {axes}, by year and cause", many, ("year", "cause"),
         plain, numpy_version, lambda: with_numpy(many)),
        (f"10,000 draws x {axes}, by year, age group, sex and cause", many, FINE,
         plain, numpy_version, lambda: with_numpy(many, groups=AGE_GROUPS)),
        (f"1 draw x {axes}; the peer: {cohorts} closed cohorts", one, ("year", "cause"),
         "heormodel", _version("heormodel"), lambda: with_heormodel(one)),
        (f"1 draw x {axes}; the peer: 100,000 agents", one, ("year", "cause"),
         "starsim", _version("starsim"), lambda: with_starsim(one)),
    ]  # fmt: skip
    for size, draws, by, peer, peer_version, call in jobs:
        numbers = len(draws.level) * len(YEARS) * len(CAUSES)
        cells = numbers * (2 * len(AGE_GROUPS) if by == FINE else 1)
        adds = float(cells * len(KNOTS) * _DEGREES)
        yield Case(
            job="limb_loss",
            size=size,
            ours="plcore.models.limb_loss",
            ours_call=lambda draws=draws, by=by: with_plcore(draws, by),
            peer=peer,
            peer_version=peer_version,
            peer_call=call if peer_version else None,
            floor=f"{adds:.2g} multiply-adds in products of matrices",
            floor_call=multiplied(adds),
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
