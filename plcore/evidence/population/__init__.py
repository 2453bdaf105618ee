"""People and mortality by single year of age (0 to 99, and 100 and over), sex and year, 1950-2060.

`read_population` and `read_mortality` give one area as arrays with axes (year, sex, age): the
United States from the single-year tables of the Census Bureau and of Social Security, twelve other
areas (eleven countries and the world) from the five-year tables of the United Nations. Where
sources meet, `seams` shows by how much the numbers jump. `data/README.md` has every file, vintage
and rule.
"""

from plcore.evidence.population.age_groups import split_groups, split_open_group
from plcore.evidence.population.areas import areas, read_mortality, read_population, variants
from plcore.evidence.population.series import (
    AGES,
    SEXES,
    Mortality,
    Population,
    life_expectancy,
    seams,
    total,
)

__all__ = [
    "AGES",
    "SEXES",
    "Mortality",
    "Population",
    "areas",
    "life_expectancy",
    "read_mortality",
    "read_population",
    "seams",
    "split_groups",
    "split_open_group",
    "total",
    "variants",
]
