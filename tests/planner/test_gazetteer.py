"""Places by the names that people give them."""

import numpy as np
import pytest

from plcore.clinic.places import ZIPS, frame, within_km
from plcore.planner.gazetteer import counties_named, point_of_city, point_of_zip, zip_points
from plcore.planner.settings import Settings


@pytest.mark.parametrize(
    ("code", "name", "lat", "lon"),
    [
        # Two with areas; then hospitals in Cleveland, Durham and Salt Lake City, which have none.
        ("10001", "ZIP 10001 (New York, NY)", 40.75, -74.0),
        ("90012", "ZIP 90012 (Los Angeles, CA)", 34.07, -118.24),
        ("44195", "ZIP 44195 (Cleveland, OH)", 41.50, -81.62),
        ("27710", "ZIP 27710 (Durham, NC)", 36.01, -78.94),
        ("84132", "ZIP 84132 (Salt Lake City, UT)", 40.77, -111.84),
    ],
)
def test_zip_codes_lie_where_they_are_within_ten_kilometres(code, name, lat, lon):
    point = point_of_zip(code)

    assert point.name == name
    assert np.hypot(point.lat - lat, (point.lon - lon) * np.cos(np.radians(lat))) < 10 / 111


def test_every_zip_code_with_an_area_is_where_its_area_is():
    areas = frame(ZIPS)
    areas = areas[areas["fips"] != ""]
    both = areas.merge(zip_points(), on="zip", suffixes=("", "_ours"))

    assert len(both) == len(areas)
    for column in ("lat", "lon"):
        assert (both[column] - both[f"{column}_ours"]).abs().max() <= 0.005 + 1e-9
    # Some 7,000 more have no area, and none is without a point.
    rest = zip_points()[lambda t: ~t["area"]]
    assert len(rest) > 5000
    assert rest[["lat", "lon"]].notna().all().all()


def test_a_zip_code_in_the_settings_is_a_radius_about_its_point():
    area = Settings(zip="44195", radius_km=60).area()
    point = point_of_zip("44195")

    assert area.fips == within_km(point.lat, point.lon, 60).fips
    assert "39035" in area.fips
    assert area.name == "within 60 km of ZIP 44195 (Cleveland, OH)"
    assert Settings(city="Cleveland, OH", radius_km=60).area().fips == area.fips


@pytest.mark.parametrize("name", ["St. Louis, MO", "saint louis, Missouri", "ST LOUIS,MO"])
def test_cities_are_found_however_they_are_written(name):
    assert point_of_city(name).name == "Saint Louis, MO"


@pytest.mark.parametrize(
    ("name", "fips"),
    [
        ("10001", "10001"), ("Kent County, DE", "10001"), ("kent, delaware", "10001"),
        ("Los Angeles, CA", "06037"), ("Baltimore city, MD", "24510"),
        ("Baltimore County, MD", "24005"), ("Do\u00f1a Ana, NM", "35013"), ("LaSalle, IL", "17099"),
        ("St. Louis County, MO", "29189"), ("Orleans Parish", "22071"),
    ],
)  # fmt: skip
def test_counties_are_found_by_code_and_name(name, fips):
    assert counties_named([name]) == (fips,)


@pytest.mark.parametrize(
    ("find", "name", "message"),
    [
        (counties_named, ["Baltimore, MD"], "may be 'Baltimore County, MD', 'Baltimore city, MD'"),
        (counties_named, ["Washington County"], "and 25 more; expected one of them"),
        (counties_named, ["Nope, DE"], "no county is called 'Nope, DE'"),
        (counties_named, ["Kent, XX"], "no state 'XX' in 'Kent, XX'"),
        (counties_named, ["90012"], "it is ZIP 90012 (Los Angeles, CA); expected the code of a"),
        (point_of_city, "Springfield", "which 24 states have; expected the state as well"),
        (point_of_city, "Clevelan, OH", "in OH there are Cleveland, OH"),
        (point_of_zip, "00000", "no ZIP code '00000'; expected five digits"),
        (point_of_zip, "00601", "no ZIP code '00601'"),
        (point_of_zip, "9001", "no ZIP code '9001'"),
    ],
)
def test_names_of_no_place_or_several_are_refused(find, name, message):
    with pytest.raises(ValueError, match=r"expected") as caught:
        find(name)

    assert message in str(caught.value)


def test_every_city_with_its_state_is_found():
    table = zip_points()
    cities = table.loc[table["city"] != "", ["city", "state"]].drop_duplicates()
    for city, state in cities.sample(60, random_state=1).to_numpy():
        assert point_of_city(f"{city}, {state}").name == f"{city}, {state}"
