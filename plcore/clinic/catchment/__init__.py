"""The people around a clinic: counties, who lives in them, and how many have phantom limb pain.

An `Area` is some counties of the 50 states and DC: by code, state, metropolitan area, or within a
distance of a point or ZIP code. `people_nearby` is a model of one area, for `simulate.run`;
`pain_in_areas` gives many at once, for a map; `check_california` sets the adjustment for diabetes
against amputations that happened. `data/README.md` has every file and rule.
"""

from plcore.clinic.catchment.california import (
    Slope,
    california_counties,
    check_california,
    fitted_elasticity,
)
from plcore.clinic.catchment.files import AGE_GROUPS, Counties, read_counties
from plcore.clinic.catchment.local import pain_in_areas, people_nearby
from plcore.clinic.catchment.people import in_areas, people_of, shares_of
from plcore.clinic.catchment.places import (
    EARTH_RADIUS_KM,
    Area,
    by_fips,
    by_metropolitan_area,
    by_state,
    caveats,
    county_centres,
    everywhere,
    great_circle_km,
    metropolitan_areas,
    within_km,
    within_km_of_zip,
    zip_point,
)

__all__ = [
    "AGE_GROUPS",
    "EARTH_RADIUS_KM",
    "Area",
    "Counties",
    "Slope",
    "by_fips",
    "by_metropolitan_area",
    "by_state",
    "california_counties",
    "caveats",
    "check_california",
    "county_centres",
    "everywhere",
    "fitted_elasticity",
    "great_circle_km",
    "in_areas",
    "metropolitan_areas",
    "pain_in_areas",
    "people_nearby",
    "people_of",
    "read_counties",
    "shares_of",
    "within_km",
    "within_km_of_zip",
    "zip_point",
]
