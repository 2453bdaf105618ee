"""The published pair: its paths against closed forms, what it implies, and its three readings."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore.models.published import (
    Anchors,
    constant_rate,
    doubling_time,
    growth_per_year,
    implications,
    logistic,
    straight_line,
    three_readings,
)
from plcore.scenarios import read_scenario
from plcore.simulate import run

PUBLISHED = Anchors(2005, 1.6e6, 2050, 3.6e6)
BASELINE = read_scenario()
people = st.floats(1e3, 1e9)
PATHS = [
    constant_rate,
    straight_line,
    lambda years, anchors: logistic(years, anchors, ceiling=1.5 * max(anchors.first, anchors.last)),
]


# --- Paths between the two numbers ---------------------------------------------------------------


def test_the_published_pair_grows_by_1_82_percent_a_year_and_doubles_in_38_years():
    """limb_loss_derived.csv prints 1.82; by hand ln 2 / ln 1.018184 = 38.46."""
    growth = growth_per_year(PUBLISHED)

    assert 100 * growth == pytest.approx(1.82, abs=0.005)
    assert doubling_time(growth) == pytest.approx(38.46, abs=0.01)
    assert doubling_time(0.0) == np.inf
    assert doubling_time(-0.01) < 0


def test_midpoints_are_the_geometric_and_the_arithmetic_mean():
    assert constant_rate(2027.5, PUBLISHED) == pytest.approx(2.4e6)
    assert straight_line(2027.5, PUBLISHED) == pytest.approx(2.6e6)


def test_a_logistic_solves_its_equation():
    """Verhulst: dN/dt = r N (1 - N / K), checked by central differences."""
    years, h, top = np.linspace(1990, 2080, 19), 1e-3, 6e6
    n = logistic(years, PUBLISHED, ceiling=top)
    slope = (
        logistic(years + h, PUBLISHED, ceiling=top) - logistic(years - h, PUBLISHED, ceiling=top)
    ) / (2 * h)
    rate = slope / (n * (1 - n / top))

    np.testing.assert_allclose(rate, rate[0], rtol=1e-5)


def test_a_logistic_is_constant_growth_under_a_ceiling_far_away_and_ends_at_its_ceiling():
    years = np.arange(2005, 2051)

    np.testing.assert_allclose(
        logistic(years, PUBLISHED, ceiling=1e15), constant_rate(years, PUBLISHED), rtol=1e-8
    )
    assert logistic(np.array([1e5]), PUBLISHED, ceiling=6e6)[0] == 6e6


@pytest.mark.parametrize("path", PATHS)
@given(first=people, last=people)
def test_every_path_passes_through_both_anchors_and_stays_between_them(path, first, last):
    between = path(np.arange(2005, 2051), Anchors(2005, first, 2050, last))

    np.testing.assert_allclose(between[[0, -1]], [first, last], rtol=1e-9)
    assert np.all(np.diff(between) * np.sign(last - first) >= -1e-6 * max(first, last))


@given(first=people, last=people, years=st.integers(-200, 200), room=st.floats(1e-3, 1e3))
def test_paths_stay_above_nothing_and_a_logistic_one_below_its_ceiling(first, last, years, room):
    anchors = Anchors(2005, first, 2050, last)
    ceiling = max(first, last) * (1 + room)
    year = np.array([2005 + years])

    assert np.all(constant_rate(year, anchors) > 0)
    assert np.all(logistic(year, anchors, ceiling=ceiling) >= 0)
    assert np.all(logistic(year, anchors, ceiling=ceiling) <= ceiling * (1 + 1e-12))


REFUSED = {
    "years in the wrong order": (lambda: Anchors(2050, 1, 2005, 1), "two years in order"),
    "nobody at the start": (lambda: Anchors(2005, 0, 2050, 1), "anchor 'first' is not above 0"),
    "ceiling below an anchor": (
        lambda: logistic(2010, PUBLISHED, ceiling=3e6), r"ceiling is 3e\+06 at the least"),
    "line below nobody": (
        lambda: straight_line(1900, PUBLISHED), "falls below 0 in these years"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_has_no_path_is_refused(fault):
    call, expected = REFUSED[fault]

    with pytest.raises(ValueError, match=expected):
        call()


# --- Three readings ------------------------------------------------------------------------------

DRAWS = pd.DataFrame(
    {
        "limb_loss_2005": [1.6e6, 1.5e6],
        "limb_loss_2050": [3.6e6, 3.0e6],
        "limb_loss_ceiling": [6e6, 5e6],
        "plp_share_claimed": [0.6, 0.85],
        "plp_prevalence": [0.75, 0.64],
    }
)


def with_choices(**choices):
    return dataclasses.replace(BASELINE, choices={**BASELINE.choices, **choices})


@pytest.mark.parametrize("growth", ["constant_rate", "straight_line", "logistic"])
def test_the_first_and_last_year_by_hand_whatever_the_path(growth):
    values = three_readings(DRAWS, with_choices(growth=growth)).values

    np.testing.assert_allclose(values["limb_loss"][:, [0, -1]], [[1.6e6, 3.6e6], [1.5e6, 3.0e6]])
    assert values["plp_as_claimed"][0, 0] == pytest.approx(1.6e6)
    assert values["plp_source_corrected"][0, 0] == pytest.approx(0.96e6)
    assert values["plp_pooled_share"][:, -1] == pytest.approx([2.7e6, 1.92e6])


def test_the_path_is_the_one_that_the_scenario_chooses():
    middle = {
        growth: three_readings(DRAWS, with_choices(growth=growth)).values["limb_loss"][0, 22]
        for growth in ("constant_rate", "straight_line", "logistic")
    }

    assert middle["constant_rate"] == pytest.approx(1.6e6 * 2.25 ** (22 / 45))
    assert middle["straight_line"] == pytest.approx(1.6e6 + 2e6 * 22 / 45)
    assert len(set(middle.values())) == 3


def test_years_beyond_the_published_pair_are_refused_unless_asked_for():
    with pytest.raises(ValueError, match="2051 lies outside 2005-2050"):
        three_readings(DRAWS, with_choices(last_year=2055))
    outcome = three_readings(DRAWS, with_choices(last_year=2055, extrapolate=True))
    assert outcome.years[outcome.extrapolated].tolist() == [2051, 2052, 2053, 2054, 2055]


def test_the_rounding_of_1_6_million_is_enough_to_explain_one_in_190():
    """1 in 190 of the 295.5 million of mid-2005 is 1.555 million, which rounds to 1.6."""
    table = implications(run(three_readings, BASELINE).draws, population=295.5e6)
    rows = table.set_index("quantity")

    assert rows.loc["one in ... people, 2005", "median"] == pytest.approx(184.7, abs=0.1)
    assert rows.loc["one in ... people, 2005", "low"] < 190
    assert rows.loc["one in ... people, 2005", "high"] > 189
    assert rows.loc["growth", "median"] == pytest.approx(1.82, abs=0.005)


def test_every_row_of_what_the_pair_implies_is_percentiles_over_its_draws():
    random = np.random.default_rng(4)
    first, last = random.uniform(1.5e6, 1.7e6, 400), random.uniform(3e6, 4e6, 400)
    draws = pd.DataFrame({"limb_loss_2005": first, "limb_loss_2050": last})
    table = implications(draws, population=3e8).set_index("quantity")
    rates = [math.exp(math.log(b / a) / 45) - 1 for a, b in zip(first, last, strict=True)]

    for quantity, unit, values in (
        ("growth", "% a year", [100 * rate for rate in rates]),
        ("doubling time", "years", [math.log(2) / math.log(1 + rate) for rate in rates]),
        ("2050 over 2005", "times", last / first),
        ("one in ... people, 2005", "people", 3e8 / first),
    ):
        row = table.loc[quantity]
        expected = np.percentile(values, [50, 2.5, 97.5])
        assert row[["median", "low", "high"]].tolist() == pytest.approx(expected, rel=1e-9)
        assert row["unit"] == unit
