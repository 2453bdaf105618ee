"""What the planner's page looks up against plcore's own functions, on the same draws."""

import base64
import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planner_grids import random_settings, shared_grid

from plcore.clinic.day import ClinicPlan, appointments
from plcore.clinic.demand import Opening, demand_table, expected_referrals, people_to_patients
from plcore.clinic.patients import (
    INPUTS,
    ClinicDraws,
    clinic_draws,
    random_referrals,
    relief_after_course,
)
from plcore.clinic.people import pain_in_areas, people_nearby
from plcore.clinic.places import by_fips, everywhere, within_km
from plcore.clinic.results import clinic_load, clinic_measures
from plcore.clinic.schedule import simulate_clinic
from plcore.models.course import EVIDENCE, course_draws
from plcore.planner import page
from plcore.planner.page import PageSettings, codes, look_up, tensor
from plcore.planner.page.clinic import CERTAINTY, DOSE, VISIT, course_of, day_of, opened
from plcore.planner.page.lookup import Row, held_a_day, patients, people_around, ranked
from plcore.planner.page.nation import N_DRAWS, SCENARIOS, SEED
from plcore.planner.page.places import nearby, node_weights, outlines, weighted_people
from plcore.planner.page.waits import LUCK, MEASURES, Waits, days_at, share_at
from plcore.planner.page.words import LABELS, RESTS_ON, shown
from plcore.planner.settings import Settings
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

#: Of people and patients, from writing the nation in few numbers.
NEAR = 1e-5


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return shared_grid(tmp_path_factory)


def world(settings):
    """The scenario and the draws that the page is made from."""
    years = {"first_year": settings.year, "last_year": settings.year + 5}
    scenario = read_scenario(settings.scenario, choices=years)
    draws = draw(scenario.parameters, N_DRAWS, seed=SEED, correlations=scenario.correlations)
    return scenario, draws


def area_of(grid, settings):
    if settings.radius_km is None:
        return by_fips(settings.counties)
    at = grid.places.fips.tolist().index(settings.counties[0])
    return within_km(grid.places.lat[at], grid.places.lon[at], settings.radius_km)


ONE_OF_EACH = [
    PageSettings(counties=("48301",), scenario="high_income", severity="extremely_bothersome"),
    PageSettings(counties=("06037",), radius_km=100.0, scenario="minor_excluded", infusions=5,
                 chairs=1, hours=2.0, served_percent=60.0, accepting_percent=40.0, year=2040),
    PageSettings(counties=("36061", "02016"), scenario="survival_improves", year=2033,
                 severity="weekly", returns="none", served_percent=100.0),
]  # fmt: skip


# People -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", ONE_OF_EACH, ids=lambda each: each.scenario)
def test_people_patients_and_load_are_those_of_plcore_to_the_printed_digit(grid, settings):
    scenario, draws = world(settings)
    outcome = people_nearby(draws, scenario, area=area_of(grid, settings))
    mine = people_around(grid, settings)
    for name, values in mine.values.items():
        np.testing.assert_allclose(values, outcome.values[name], rtol=NEAR, err_msg=name)

    percents = (settings.accepting_percent, settings.served_percent)
    given = zip(("accepting", "choosing"), percents, strict=True)
    own = {step: percent / 100 for step, percent in given if percent is not None}
    funnel = people_to_patients(outcome, draws, severity=settings.severity, own=own)
    demand = expected_referrals(funnel, outcome, draws, Opening(settings.year, 5))
    rows = {row.key: row for row in look_up(grid, settings)}
    for key, people in funnel.people.items():
        assert agrees(rows[key], *np.quantile(people[:, 0], [0.5, 0.025, 0.975]))
    table = demand_table(demand)
    for i, line in enumerate(table[table["group"] == "all"].itertuples(), start=1):
        assert agrees(rows[f"patients_{i}"], line.median, line.low, line.high)

    plan = ClinicPlan(
        day_of(settings.chairs, settings.hours),
        course_of(settings.infusions, settings.returns),
        DOSE,
    )
    relief = relief_after_course(
        course_draws(draws, names=EVIDENCE), plan.course, n_members=200, seed=SEED
    )
    load = clinic_load(
        plan, clinic_draws(draws), relief, opened(settings.year), demand.per_week.mean(axis=1)
    )
    assert agrees(rows["load_on_average"], *np.quantile(load.load, [0.5, 0.025, 0.975]))
    assert agrees(rows["held_a_week"], *[load.capacity[0]] * 3)


def agrees(row, median, low, high):
    """To the printed digit, but for what a hundred-thousandth can tip over."""
    for mine, theirs in zip((row.median, row.low, row.high), (median, low, high), strict=True):
        if shown(mine, row.unit) != shown(theirs, row.unit):
            assert mine == pytest.approx(theirs, rel=NEAR), row.key
    return True


def test_all_counties_together_are_the_nation(grid):
    settings = PageSettings(counties=everywhere().fips, year=2025)
    scenario, draws = world(settings)

    pain = pain_in_areas(draws, scenario, areas=[everywhere()], years=[2025])[:, 0, 0]

    np.testing.assert_allclose(people_around(grid, settings).values["plp"][:, 0], pain, rtol=NEAR)


@pytest.mark.parametrize("elasticity", [0.0, 0.37, 1.5, 2.4])
def test_shares_between_the_nodes_are_those_worked_out_there(grid, elasticity):
    low, high = grid.nation.elasticity
    at = np.flatnonzero(np.isin(grid.places.fips, ["48301", "13121", "28055"]))
    weights = node_weights(np.array([elasticity]), low, high, 16)

    between = weights @ (weighted_people(grid.places, at, grid.nodes) / grid.everywhere)

    there = np.array([elasticity])
    everyone = np.arange(len(grid.places.fips))
    exact = weighted_people(grid.places, at, there) / weighted_people(grid.places, everyone, there)
    np.testing.assert_allclose(between, exact, rtol=1e-9)


def test_a_nation_in_few_numbers_is_near_the_nation():
    stream = np.random.default_rng(1)
    smooth = np.einsum("dr,yr,kr->dyk", *(1 + 0.2 * stream.random((n, 3)) for n in (40, 9, 12)))

    found = tensor.compress(smooth, tolerance=1e-7, step=1e-6)

    assert [basis.shape[1] for basis in found.bases] == [3, 3, 3]
    np.testing.assert_allclose(tensor.expand(found), smooth, rtol=2e-6)
    with pytest.raises(ValueError, match="expected 1e-7 or more"):
        tensor.compress(smooth, tolerance=1e-9, step=1e-6)


def test_residents_are_added_up_and_not_uncertain(grid):
    row = look_up(grid, PageSettings(counties=("06037",)))[0]

    # The county file of 2023, carried on by age to 2027.
    assert row.low == row.median == row.high == pytest.approx(9_663_345, rel=0.03)


# Places -------------------------------------------------------------------------------------------


def test_an_area_is_that_of_within_km_about_the_county(grid):
    for settings in random_settings(grid, 30, seed=2):
        at = nearby(grid.places, settings.counties, settings.radius_km)
        assert tuple(grid.places.fips[at].tolist()) == area_of(grid, settings).fips


@pytest.mark.parametrize(
    ("counties", "radius", "message"),
    [
        (("99999",), None, "expected codes of counties"),
        ((), None, "expected codes of counties"),
        (("06037", "06059"), 10.0, "expected one county"),
        (("06037",), -1.0, "expected a distance above 0"),
        (("06037",), math.nan, "expected a distance above 0"),
    ],
)
def test_a_place_that_is_none_is_refused(grid, counties, radius, message):
    with pytest.raises(ValueError, match=message):
        nearby(grid.places, counties, radius)


def test_every_county_has_an_outline_on_the_map_with_its_centre_in_the_box_around_it(grid):
    found = outlines(grid.places)

    assert len(found) == len(grid.places.fips)
    assert all(len(ring) >= 3 for rings in found for ring in rings)
    assert all(rings for rings in found)
    corners = np.concatenate([ring for rings in found for ring in rings])
    assert corners.min() >= 0
    assert (corners.max(axis=0) <= [4000, 2520]).all()


def test_the_map_keeps_areas_alike_within_the_lower_states(grid):
    # Albers is equal-area: a county of four times the land is four times as large on the map.
    at = [grid.places.fips.tolist().index(code) for code in ("48371", "30069", "23003")]
    drawn = outlines(grid.places)
    sizes = [sum(map(area_of_ring, drawn[i])) for i in at]

    # Pecos TX, Petroleum MT, Aroostook ME: land and water in km2, as the Census Bureau prints.
    per_km2 = np.array(sizes) / np.array([12340, 4340, 17690])
    np.testing.assert_allclose(per_km2, per_km2.mean(), rtol=0.05)


def area_of_ring(ring):
    x, y = ring.T
    return abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2


# Clinics ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chairs", "hours"), [(1, 1.5), (3, 7.5), (12, 12.0), (5, 4.0)])
def test_a_day_holds_what_its_appointments_are(grid, chairs, hours):
    day = day_of(chairs, hours)

    assert held_a_day(grid, chairs, hours) == (len(appointments(day)), day.nurses)


@pytest.mark.parametrize(
    ("chairs", "hours", "message"),
    [
        (0, 8.0, "chairs is 0; expected 1 to 12"),
        (13, 8.0, "chairs is 13; expected 1 to 12"),
        (2, 1.0, "holds no visit"),
        (2, 7.25, "expected half hours"),
        (2, 0.0, "expected half hours"),
        (2, 12.5, "expected half hours"),
    ],
)
def test_hours_and_chairs_that_are_not_offered_are_refused(grid, chairs, hours, message):
    with pytest.raises(ValueError, match=message):
        held_a_day(grid, chairs, hours)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"served_percent": 120.0}, "choosing is 1.2; expected a share from 0 to 1"),
        ({"accepting_percent": -1.0}, "accepting is -0.01; expected a share from 0 to 1"),
        ({"year": 2041}, "year is 2041; expected one from 2025 to 2040"),
        ({"scenario": "hope"}, "scenario is 'hope'; expected one of baseline"),
        ({"severity": "all"}, "severity is 'all'; expected one of any"),
        ({"infusions": 7}, "infusions is 7"),
        ({"returns": "courses"}, "returns is 'courses'"),
    ],
)
def test_settings_that_are_not_offered_are_refused(grid, changes, message):
    with pytest.raises(ValueError, match=message):
        look_up(grid, PageSettings(counties=("06037",), **changes))


def test_chairs_to_plan_are_the_fewest_that_keep_the_load_in_four_draws_of_five(grid):
    settings = PageSettings(counties=("06037",), radius_km=100.0, served_percent=100.0, chairs=1)
    rows = {row.key: row for row in look_up(grid, settings)}
    _, demand = patients(grid, settings)
    weeks = np.array([53, 52, 52, 52, 52])
    ends = np.cumsum(weeks)
    yearly = np.stack(
        [demand.per_week[:, e - n : e].sum(axis=1) / n for e, n in zip(ends, weeks, strict=True)]
    )
    visits = yearly.max(axis=0) * grid.clinic.visits_each[10, "boosters"]
    open_a_week = 7 * opened(2027).mean()
    kept = [
        (visits <= 0.85 * open_a_week * held_a_day(grid, chairs, 8.0)[0]).mean()
        for chairs in range(1, 13)
    ]

    assert kept[-1] > 0.8 > kept[0]
    assert rows["chairs_to_plan"].median == 1 + next(i for i, k in enumerate(kept) if k >= 0.8)


def test_demand_above_capacity_says_how_the_list_grows_and_settles_nowhere(grid):
    settings = PageSettings(
        counties=("06037",), radius_km=1000.0, severity="any", chairs=1, hours=1.5,
        accepting_percent=100.0, served_percent=100.0,
    )  # fmt: skip
    rows = {row.key: row for row in look_up(grid, settings)}

    assert rows["never_clears"].median == 1
    # One visit a day against thousands of patients.
    assert rows["growth_a_week"].low > 50
    assert rows["wait_mean"].low == math.inf
    assert rows["chairs_to_plan"].median == math.inf
    assert rows["never_clears_with_most"].median == 1


def test_nobody_who_comes_waits_for_a_chair(grid):
    rows = look_up(grid, PageSettings(counties=("06037",), accepting_percent=0.0))
    found = {row.key: row for row in rows}

    assert found["patients_3"].high == found["load"].high == found["never_clears"].median == 0
    assert found["chairs_to_plan"].median == 1


def test_what_the_page_says_in_words_is_what_was_worked_out():
    # "Four of five", "within a year, to a quarter of people on the first day".
    assert (CERTAINTY, LUCK) == (4 / 5, (0.1, 0.9))
    assert (Opening(2027).ramp_years, Opening(2027).known_at_first) == (1.0, 0.25)


def test_offered_visits_are_those_of_the_planner_by_default():
    usual = Settings(counties=("06037",))
    mine = PageSettings(counties=("06037",))
    for name in ("year", "scenario", "severity", "infusions", "returns", "hours", "chairs"):
        assert getattr(mine, name) == getattr(usual, name)
    assert {name: getattr(usual, name) for name in VISIT} == VISIT
    assert usual.clinic().course == course_of(10, "boosters")
    assert usual.clinic().dose == DOSE


# Waits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chairs", "hours", "infusions", "returns"),
    [(3, 8.0, 8, "none"), (1, 6.5, 12, "boosters")],
)
def test_waits_looked_up_are_near_those_simulated(grid, chairs, hours, infusions, returns):
    loads = np.array([0.4, 0.7, 0.9])
    medians = pd.DataFrame({each.name: [each.median] for each in read_scenario().parameters})
    plan = ClinicPlan(day_of(chairs, hours), course_of(infusions, returns), DOSE)
    inputs = clinic_draws(medians)
    relief = relief_after_course(
        course_draws(medians, names=EVIDENCE), plan.course, n_members=2000, seed=8
    )
    is_open = opened(2031)
    capacity = 1 / clinic_load(plan, inputs, relief, is_open, 1.0).load[0]
    each = ClinicDraws(**{name: np.repeat(getattr(inputs, name), 3) for name in INPUTS})
    referrals = random_referrals(capacity * loads[:, None], n_days=len(is_open), n_runs=24, seed=8)
    outcome = simulate_clinic(plan, each, referrals, relief, is_open, seed=8)
    measures = clinic_measures(outcome, from_day=365)

    for (name, unit), table in zip(MEASURES.items(), grid.waits.measures, strict=True):
        simulated = np.nanmean(measures[name][1], axis=1)
        if unit == "days":
            found = days_at(grid.waits, table, np.full(3, capacity), loads)
            # A third is what the page says; here both sides have few runs of chance.
            assert np.abs(np.log(found / simulated)).max() < 0.4, name
        else:
            found = share_at(grid.waits, table, np.full(3, capacity), loads)
            assert np.abs(found - simulated).max() < 0.1, name


def small_waits():
    table = np.array([[1.0, 4.0], [0.5, 2.0]])
    return Waits(np.array([1.0, 4.0]), np.array([0.5, 0.75]), table[None], table[None], table)


def test_waits_between_entries_worked_by_hand():
    waits = small_waits()

    # Half-way in both logarithms: the geometric mean of all four.
    halfway = days_at(waits, waits.measures[0], 2.0, 1 - math.sqrt(0.5 * 0.25))
    assert halfway == pytest.approx((1 * 4 * 0.5 * 2) ** 0.25)
    assert days_at(waits, waits.measures[0], 1.0, 0.75) == pytest.approx(4.0)
    assert share_at(waits, waits.measures[0], 2.0, 0.5) == pytest.approx(0.75)


def test_waits_beyond_the_entries_are_those_at_the_end_but_never_beyond_the_greatest_load():
    waits = small_waits()

    assert days_at(waits, waits.measures[0], 0.1, 0.0) == pytest.approx(1.0)
    assert days_at(waits, waits.measures[0], 9.0, 0.75) == pytest.approx(2.0)
    assert np.isnan(days_at(waits, waits.measures[0], 2.0, 0.76))
    assert np.isnan(days_at(waits, waits.measures[0], 2.0, 1.7))


def test_longer_waits_at_every_higher_load_and_in_every_smaller_clinic(grid):
    days = grid.waits.measures[0]

    assert (np.diff(days, axis=1) > 0).all()
    assert (np.diff(days[:, -4:], axis=0) < 0).all()


def test_ranks_do_not_average_infinities():
    values = np.array([1.0, 2.0, math.inf, math.inf])

    assert ranked(values, [0.5, 0.025, 0.975]).tolist() == [2.0, 1.0, math.inf]


# Words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9_663_345.2, "people", "9,660,000"),
        (999.6, "people", "1,000"),
        (12.345, "people", "12.3"),
        (1125.0, "people", "1,130"),
        (0.012345, "people", "0.0123"),
        (0.0, "people", "0"),
        (0.125, "share", "13%"),
        (0.9951, "share", "100%"),
        (0.0, "share", "0%"),
        (3.449, "days", "3.4"),
        (math.inf, "days", "does not settle"),
        (-math.inf, "share", "does not settle"),
        (math.inf, "chairs", "more than 12"),
        (3.0, "chairs", "3"),
        (48.0, "visits a day", "48"),
    ],
)
def test_numbers_are_printed_to_three_digits_and_days_and_percent_to_two(value, unit, text):
    assert shown(value, unit) == text


@given(st.floats(1e-6, 1e9))
def test_a_printed_number_is_within_half_its_last_digit(value):
    printed = float(shown(value, "people").replace(",", ""))

    assert printed == pytest.approx(value, rel=0.005001)


def test_every_row_has_words_and_every_input_a_footnote(grid):
    rows = look_up(grid, PageSettings(counties=("06037",)))
    notes = page.footnotes.footnotes()

    assert [row.key for row in rows] == list(LABELS)
    noted = {note["parameter"] for note in notes}
    assert {name for names in RESTS_ON.values() for name in names} <= noted
    assert all(note["cited"] and note["value"] for note in notes)
    assumed = [note for note in notes if note["seen"] == "assumed"]
    assert all(note["note"] for note in assumed)


def test_the_scenarios_offered_say_what_they_are_and_share_their_draws(grid):
    baseline, *others = grid.nation.beliefs

    assert [each.name for each in grid.nation.beliefs] == list(SCENARIOS)
    assert all(each.title and each.note for each in grid.nation.beliefs)
    for other in others:
        same = other.draws["demand_accepting"].to_numpy()
        np.testing.assert_array_equal(same, baseline.draws["demand_accepting"])


# Text ---------------------------------------------------------------------------------------------


def decoded(text):
    """Protocol Buffers' zigzag varints, read one byte at a time."""
    found, value, place = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << place
        place += 7
        if byte < 128:
            found.append((value >> 1) ^ -(value & 1))
            value, place = 0, 0
    return found


@given(st.lists(st.integers(-(2**50), 2**50)))
def test_whole_numbers_come_back_from_text(numbers):
    assert decoded(codes.whole(np.array(numbers, dtype=np.int64))) == numbers


def test_numbers_that_would_lose_a_digit_are_refused():
    with pytest.raises(ValueError, match="whole numbers"):
        codes.whole([1.5])
    with pytest.raises(ValueError, match="32 bits"):
        codes.single([0.1])


def test_a_row_is_a_number_with_its_limits():
    assert dataclasses.astuple(Row("plp", "people", 2.0, 1.0, 3.0)) == ("plp", "people", 2, 1, 3)
