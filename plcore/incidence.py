"""How the incidence of limb loss is spread over ages and sexes."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from plcore.distributions import Floats
from plcore.population import AGES, Population

#: The year whose population the printed rates refer to.
REFERENCE_YEAR = 1996
#: Nobody is taken to lose a limb to vascular disease before this age.
_FIRST_AGE = 30
# Beyond this age incidence stays level: the steep rise is a feature of middle and early old age.
_LEVEL_AGE = 85


def flat_shape(population: Population, *, male_ratio: float) -> Floats:
    """Incidence that is the same at every age, shape (2, 101).

    Parameters
    ----------
    population : Population
        Must cover `REFERENCE_YEAR`, in whose population the mean of the result is 1.
    male_ratio : float
        Incidence of men over that of women.
    """
    return _relative(np.ones(len(AGES)), male_ratio, _reference(population))


def rising_shape(population: Population, *, mean_age: float, male_ratio: float) -> Floats:
    """Incidence that rises by the same share with each year of age, shape (2, 101).

    The rise is the one that gives new cases the mean age asked for in the population of
    `REFERENCE_YEAR`.

    Parameters
    ----------
    population : Population
        Must cover `REFERENCE_YEAR`, in whose population the mean of the result is 1.
    mean_age : float
        Mean age of new cases, in years.
    male_ratio : float
        Incidence of men over that of women.
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


def _reference(population: Population) -> Floats:
    if REFERENCE_YEAR not in population.years:
        raise ValueError(
            f"the population has {population.years[0]}-{population.years[-1]}; "
            f"expected {REFERENCE_YEAR} among its years"
        )
    found: Floats = population.people[int(REFERENCE_YEAR - population.years[0])]
    return found


def _relative(by_age: Floats, male_ratio: float, people: Floats) -> Floats:
    if not male_ratio > 0:
        raise ValueError(f"male_ratio is {male_ratio:g}; expected a ratio above 0")
    rates = np.stack([male_ratio * by_age, by_age])
    return np.asarray(rates * people.sum() / (rates * people).sum())
