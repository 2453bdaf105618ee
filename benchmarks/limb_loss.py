"""People with limb loss 1950-2060 for posterior draws, and the fit that gives the posterior.

The peer of the projection is the recursion that a newcomer would write in NumPy, over the same
strata (draws as the last axis, in chunks that fit the cache). It must give our numbers, to nine
digits. Both start without anybody in 1950. Nothing is kept between calls of ours.

What must be spent at the least: each number of the result (draws x years x strata, and age groups x
sexes where asked for) is a product over knots x Chebyshev degrees. The plain recursion needs draws x
111 years x 202 cells x 7 strata exponentials. A fit is some hundred evaluations of the likelihood.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import Case
from benchmarks.floors import multiplied
from plcore.evidence.observations import read_observations
from plcore.evidence.population import AGES, read_mortality, read_population
from plcore.models.limb_loss import (
    AGE_GROUPS,
    CAUSES,
    KNOTS,
    STRATA,
    SURVIVALS,
    LimbLossDraws,
    hats,
    inputs,
    project,
    ratio_pattern,
    respond,
    shapes_of,
)
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw
from plcore.simulate.synthesis import Likelihood, draws_of, fit, fitted_rows

POPULATION, MORTALITY = read_population(), read_mortality()
YEARS = POPULATION.years
SCENARIO = read_scenario()
FINE = ("year", "age_group", "sex", "cause")
#: Draws at a time; the stock takes 11 kB a draw.
_CHUNK = 50
#: Terms of the responses in the hazard ratio.
_DEGREES = 29
#: Draws of each of two fits that are timed.
_FITTED = 256


def sampled(n: int) -> LimbLossDraws:
    """Draws of the posterior."""
    return inputs(draws_of(SCENARIO, n, seed=1), SCENARIO)


def with_plcore(draws: LimbLossDraws, by: tuple[str, ...]) -> np.ndarray:
    """Responses and projection, all from the beginning."""
    responses = respond(
        POPULATION,
        MORTALITY,
        shapes_of(draws_of(SCENARIO, 1, seed=1), POPULATION),
        survivals=[SURVIVALS[place] for place in np.unique(draws.survival)],
        quantities=("people",),
        age_groups=AGE_GROUPS if "age_group" in by else (0,),
        from_nothing=True,
    )
    return project(responses, draws, by=by)


def with_numpy(draws: LimbLossDraws, *, groups: Sequence[int] = (0,)) -> np.ndarray:
    """The recursion over years, shape (n_draws, n_years, n_age_groups, 2, n_causes)."""
    n = len(draws.survival)
    shapes = shapes_of(draws_of(SCENARIO, 1, seed=1), POPULATION)
    out = np.zeros((n, len(YEARS), len(groups), 2, len(CAUSES)))
    lasting = draws.incidence * (1 - draws.first_year_excess)[..., np.newaxis]
    incidence = lasting @ hats(YEARS).T
    patterns = np.stack([ratio_pattern(YEARS, pair)[:, 0] for pair in SURVIVALS])
    for start in range(0, n, _CHUNK):
        part = slice(start, start + _CHUNK)
        for s, stratum in enumerate(STRATA):
            ratio = draws.hazard_ratio[part, s]
            vascular = stratum.cause == "dysvascular"
            falling = patterns[draws.survival[part]] if vascular else np.ones((1, len(YEARS), 1))
            stock = np.zeros((2, len(AGES), len(ratio)))
            cause = CAUSES.index(stratum.cause)
            for y in range(len(YEARS)):
                out[part, y, :, :, cause] += np.add.reduceat(stock, groups, axis=1).transpose(
                    2, 1, 0
                )
                at_risk = (POPULATION.people[y] * shapes[stratum.shape])[..., np.newaxis]
                hazard = MORTALITY.hazard[y][..., np.newaxis] * (falling[:, y].T * ratio)
                half_year = np.exp(-hazard / 2)
                stock *= half_year * half_year
                stock += at_risk * incidence[part, s, y] * half_year
                oldest = stock[:, -1].copy()
                stock[:, 1:] = stock[:, :-1].copy()
                stock[:, -1] += oldest
                stock[:, 0] = 0
    return out


def check() -> None:
    """Refuse to time calls that do not answer the same question."""
    few = sampled(100)
    for groups, by in (((0,), ("year", "cause")), (AGE_GROUPS, FINE)):
        plain = with_numpy(few, groups=groups)
        if "sex" not in by:
            plain = plain.sum(axis=(2, 3))
        # A cell that must be empty may hold a rounding error.
        np.testing.assert_allclose(with_plcore(few, by), plain, rtol=1e-9, atol=1e-6)


def cases() -> Iterator[Case]:
    check()
    stored = sampled(4096)
    rows = np.arange(10_000) % 4096
    many = LimbLossDraws(
        *(getattr(stored, field.name)[rows] for field in dataclasses.fields(LimbLossDraws))
    )
    axes = f"111 years x 101 ages x 2 sexes x {len(STRATA)} strata"
    for words, by, groups in (
        ("by year and cause", ("year", "cause"), (0,)),
        ("by year, age group, sex and cause", FINE, AGE_GROUPS),
    ):
        cells = 2 * len(AGE_GROUPS) if by == FINE else 1
        adds = float(len(rows) * len(YEARS) * len(STRATA) * cells * len(KNOTS) * _DEGREES)
        yield Case(
            job="limb_loss",
            size=f"10,000 posterior draws x {axes}, {words}",
            ours="plcore.models.limb_loss",
            ours_call=lambda by=by: with_plcore(many, by),
            peer="NumPy recursion, in chunks",
            peer_version=np.__version__,
            peer_call=lambda groups=groups: with_numpy(many, groups=groups),
            floor=f"{adds:.2g} multiply-adds in products of matrices",
            floor_call=multiplied(adds),
        )
    observed = fitted_rows(read_observations())
    likelihood = Likelihood(SCENARIO, observed)
    some = draw(likelihood.priors, _FITTED, seed=1)
    yield Case(
        job="limb_loss",
        size=f"a posterior of {len(likelihood.priors)} parameters from {len(observed)} observations, "
        f"2 fits of {_FITTED} draws",
        ours="plcore.simulate.synthesis.fit",
        ours_call=lambda: fit(observed, n_draws=_FITTED, n_fits=2),
        peer="limit",
        peer_version="",
        peer_call=None,
        limit_s=60.0,
        floor="the likelihood of as many draws, 100 times for each fit",
        floor_call=lambda: [likelihood(some) for _ in range(200)],
    )
