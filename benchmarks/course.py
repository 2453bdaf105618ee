"""A course with boosters over 180 days, against a plain loop over patients and against SimPy.

Both peers take the same luck of the same patients; they follow each patient's infusions and count
the days with relief, and are asked for less than ours: neither pain nor side effects nor days of
relapse. All three are checked to give the same relief by day before they are timed.
"""

from __future__ import annotations

import functools
import math
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from scipy import special

from benchmarks import Case
from benchmarks.floors import written
from plcore.evidence.distributions import Floats
from plcore.models.course import (
    Chance,
    CourseDraws,
    CoursePlan,
    draw_chance,
    infusion_days,
    simulate_course,
)

N_DAYS = 180
PLAN = CoursePlan(infusion_days(10, 3.5), max_returns=6)
TYPICAL = {
    "drug_response": 0.4, "placebo_response": 0.3, "first_relief_days": 1.0,
    "last_relief_days": 14.0, "placebo_relief_days": 45.0, "relief_shape": 0.7,
    "patient_correlation": 0.5, "dropout": 0.037, "return_uptake": 0.5, "side_effect": 0.1,
    "extra_minutes": 45.0, "pain_centre": 5.8, "pain_spread": 1.9, "fall": 0.7,
}  # fmt: skip


def typical(n_draws: int) -> CourseDraws:
    return CourseDraws(**{name: np.full(n_draws, value) for name, value in TYPICAL.items()})


class Patient:
    """One patient's luck as plain numbers."""

    def __init__(self, chance: Chance, scores: Floats, score: float, i: int) -> None:
        self.drug = chance.drug[i] < TYPICAL["drug_response"]
        self.placebo = chance.placebo[i] < TYPICAL["placebo_response"]
        self.dropout = chance.dropout[:, i].tolist()
        self.uptake = chance.uptake[:, i].tolist()
        self.scores = scores[:, i].tolist()
        self.score = score

    def relief(self, slot: int) -> float:
        steps = len(PLAN.course_days) - 1
        growth = TYPICAL["last_relief_days"] / TYPICAL["first_relief_days"]
        by_drug = TYPICAL["first_relief_days"] * growth ** (min(slot, steps) / steps)
        median = max(
            by_drug if self.drug else 0.0, TYPICAL["placebo_relief_days"] if self.placebo else 0.0
        )
        r = TYPICAL["patient_correlation"]
        score = math.sqrt(r) * self.score + math.sqrt(1 - r) * self.scores[slot]
        exponential = -math.log(math.erfc(score / math.sqrt(2)) / 2) / math.log(2)
        return median * exponential ** (1 / TYPICAL["relief_shape"])


def patients(chance: Chance) -> Iterator[Patient]:
    scores, score = special.ndtri(chance.relief), special.ndtri(chance.patient).tolist()
    return (Patient(chance, scores, score[i], i) for i in range(chance.n_patients))


def count(relieved: list[int], since: int, until: float, following: float) -> None:
    for day in range(since + 1, math.floor(min(until, following, N_DAYS - 1)) + 1):
        relieved[day] += 1


def with_plain_loop(chance: Chance) -> Floats:
    """Share with relief by day, one patient after the other."""
    relieved = [0] * N_DAYS
    for patient in patients(chance):
        since, until, left = 0, 0.0, False
        for slot, day in enumerate(PLAN.course_days):
            if slot and patient.dropout[slot] < TYPICAL["dropout"]:
                left = True
                break
            count(relieved, since, until, day)
            since, until = day, day + patient.relief(slot)
        returns = 0
        while not left and until > since and returns < PLAN.max_returns:
            day = math.ceil(until)
            if day >= N_DAYS or patient.uptake[returns] >= TYPICAL["return_uptake"]:
                break
            count(relieved, since, until, day)
            slot = len(PLAN.course_days) + returns
            since, until, returns = day, day + patient.relief(slot), returns + 1
        count(relieved, since, until, N_DAYS)
    return np.array(relieved) / chance.n_patients


def with_simpy(chance: Chance) -> Floats:
    """The same, each patient a process."""
    import simpy

    relieved = [0] * N_DAYS
    environment = simpy.Environment()

    def course(patient: Patient) -> Iterator[object]:
        since, until = 0, 0.0
        for slot, day in enumerate(PLAN.course_days):
            yield environment.timeout(day - environment.now)
            if slot and patient.dropout[slot] < TYPICAL["dropout"]:
                count(relieved, since, until, N_DAYS)
                return
            count(relieved, since, until, day)
            since, until = day, day + patient.relief(slot)
        for returns in range(PLAN.max_returns):
            day = math.ceil(until)
            if not until > since or patient.uptake[returns] >= TYPICAL["return_uptake"]:
                break
            if day >= N_DAYS:
                break
            yield environment.timeout(day - environment.now)
            count(relieved, since, until, day)
            since, until = day, day + patient.relief(len(PLAN.course_days) + returns)
        count(relieved, since, until, N_DAYS)

    for patient in patients(chance):
        environment.process(course(patient))
    environment.run(until=N_DAYS)
    return np.array(relieved) / chance.n_patients


def checked(call: Callable[[Chance], Floats], chance: Chance) -> Callable[[], Floats]:
    """The peer's call, refused where it does something else than ours."""
    expected = simulate_course(typical(1), PLAN, chance).relief[0]
    np.testing.assert_allclose(call(chance), expected, atol=1e-12)
    return lambda: call(chance)


def cases() -> Iterator[Case]:
    chance = draw_chance(10_000, PLAN.n_slots, seed=1)
    x = typical(1)
    size, ours = "10,000 patients x 180 days", "plcore.models.course.simulate_course"

    floor = {
        "floor": "the luck read once and the outcome written",
        "floor_call": written(chance, simulate_course(x, PLAN, chance)),
    }

    def ours_call() -> object:
        return simulate_course(x, PLAN, chance)

    yield Case(
        job="course", size=size, ours=ours, ours_call=ours_call, peer="plain Python loop",
        peer_version=platform.python_version(), peer_call=checked(with_plain_loop, chance),
        **floor,
    )  # fmt: skip
    try:
        simpy_version, simpy_call = version("simpy"), checked(with_simpy, chance)
    except PackageNotFoundError:
        simpy_version, simpy_call = "", None
    yield Case(
        job="course", size=size, ours=ours, ours_call=ours_call, peer="simpy",
        peer_version=simpy_version, peer_call=simpy_call, **floor,
    )  # fmt: skip
    many, few = typical(1000), draw_chance(1000, PLAN.n_slots, seed=1)
    yield Case(
        job="course", size="1,000 draws x 1,000 patients x 180 days", ours=ours,
        ours_call=lambda: simulate_course(many, PLAN, few), peer="limit", peer_version="",
        peer_call=None, limit_s=2.0, floor="the luck of every infusion of every draw read once",
        floor_call=functools.partial(np.multiply.outer, np.ones(1000), few.relief),
    )  # fmt: skip
