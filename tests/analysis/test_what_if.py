"""Tornado, grid and thresholds: by hand and closed form."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from sensitivity_models import Y, fixed, given, model, normal, scenario, uniform

from plcore.analysis.design import Quantity, draws_with, evaluate, marginals
from plcore.analysis.what_if import one_way, threshold, two_way
from plcore.evidence.parameters import Correlation
from plcore.models import people_with_limb_loss, people_with_pain
from plcore.scenarios import read_scenario
from plcore.simulate.synthesis import posterior_of

WORLD = scenario(uniform("a"), uniform("b", 0, 10), normal("c", 1, 2), fixed("fix", 4))


def test_the_table_of_a_linear_model_by_hand():
    # Medians 0.5, 5 and 1; the middle 90% is 0.05 to 0.95, 0.5 to 9.5, and 1 -+ 1.645 x 2.
    y = model(lambda draws: 10 * draws["a"] - draws["b"] + 5 * draws["c"] + draws["fix"])
    found = one_way(y, WORLD, Y, within=0.9)

    assert list(found["parameter"]) == ["c", "a", "b"]
    assert list(found["base"]) == pytest.approx([9] * 3)
    assert list(found["low"]) == pytest.approx([1 - 3.289707, 0.05, 0.5], abs=1e-5)
    assert list(found["high"]) == pytest.approx([1 + 3.289707, 0.95, 9.5], abs=1e-5)
    assert list(found["at_low"]) == pytest.approx([9 - 16.448536, 4.5, 13.5], abs=1e-5)
    assert list(found["at_high"]) == pytest.approx([9 + 16.448536, 13.5, 4.5], abs=1e-5)
    assert list(found["swing"]) == pytest.approx([2 * 16.448536, 9, 9], abs=1e-5)
    assert not found["turns"].any()
    assert set(found["unit"]) == {"log_change_per_year"}


def test_an_answer_that_turns_within_the_range_is_found_to_swing():
    # A parabola is the same at both ends: 0.475^2 above its lowest.
    y = model(lambda draws: (draws["a"] - 0.5) ** 2)
    found = one_way(y, WORLD, Y, parameters=["a", "b"])

    assert list(found["turns"]) == [True, False]
    assert found["at_low"][0] == pytest.approx(found["at_high"][0])
    assert found["swing"][0] == pytest.approx(0.475**2)
    assert found["swing"][1] == 0


@settings(max_examples=20, deadline=None)
@each(st.floats(-50, 50).filter(lambda c: abs(c) > 0.1), st.floats(-100, 100))
def test_another_unit_of_the_answer_scales_every_swing(scale, shift):
    def plain(draws):
        return draws["a"] * draws["b"] + np.exp(draws["c"] / 4)

    before = one_way(model(plain), WORLD, Y)
    after = one_way(model(lambda draws: scale * plain(draws) + shift), WORLD, Y)

    assert list(after["parameter"]) == list(before["parameter"])
    np.testing.assert_allclose(after["swing"], abs(scale) * before["swing"], rtol=1e-9)


def test_a_correlated_parameter_stays_at_its_median_while_the_other_moves():
    world = scenario(uniform("a"), uniform("b"), correlations=(Correlation("a", "b", 0.9),))
    found = one_way(model(lambda draws: draws["a"] + draws["b"]), world, Y)

    np.testing.assert_allclose(found["swing"], 0.95)


def test_a_grid_holds_every_pair_of_values():
    y = model(lambda draws: draws["a"] * draws["b"] + draws["fix"])
    found = two_way(y, WORLD, Y, "a", "b", steps=3, within=0.8)

    assert list(found.columns) == ["a", "b", "result"]
    np.testing.assert_allclose(found["a"], np.repeat([0.1, 0.5, 0.9], 3))
    np.testing.assert_allclose(found["b"], np.tile([1, 5, 9], 3))
    np.testing.assert_allclose(found["result"], found["a"] * found["b"] + 4)


def test_a_straight_line_crosses_once_where_algebra_says():
    y = model(lambda draws: 3 - 2 * draws["a"])
    found = threshold(y, WORLD, Y, "a", 2.5)

    assert found.crossings.to_dict("list") == {
        "value": [pytest.approx(0.25, abs=1e-9)],
        "probability": [pytest.approx(0.25, abs=1e-9)],
        "rising": [False],
    }
    assert (found.low, found.high) == pytest.approx((0.005, 0.995))
    assert (found.least, found.greatest) == pytest.approx((1.01, 2.99))
    assert str(found) == (
        "Y in 2030: more than 2.5 where the a is below 0.25 (a chance of 25%); searched from "
        "0.005 to 0.995."
    )


def test_a_wave_crosses_everywhere_it_should():
    # sin(2 pi b) = 0.5 at b = 1/12 and 5/12, and again with every whole number.
    y = model(lambda draws: np.sin(2 * np.pi * draws["b"]))
    found = threshold(y, WORLD, Y, "b", 0.5).crossings

    expected = np.sort(np.concatenate([np.arange(10) + 1 / 12, np.arange(10) + 5 / 12]))
    np.testing.assert_allclose(found["value"], expected, atol=1e-8)
    np.testing.assert_allclose(found["probability"], expected / 10, atol=1e-8)
    assert list(found["rising"]) == [True, False] * 10


@settings(max_examples=25, deadline=None)
@each(st.floats(0.01, 0.99), st.sampled_from(["normal", "lognormal", "beta"]))
def test_a_parameter_crosses_its_own_quantile_with_that_probability(p, dist):
    item = given("x", dist, **{"normal": {"value": 0, "low": -2, "high": 2},
                               "lognormal": {"value": 2, "low": 1, "high": 4},
                               "beta": {"value": 0.3, "low": 0.1, "high": 0.576}}[dist])  # fmt: skip
    line = float(item.ppf([p])[0])
    found = threshold(model(lambda draws: draws["x"]), scenario(item), Y, "x", line).crossings

    assert list(found["value"]) == pytest.approx([line])
    assert list(found["probability"]) == pytest.approx([p], abs=1e-7)


def test_an_answer_out_of_reach_crosses_nowhere_and_says_so():
    found = threshold(model(lambda draws: 1e6 * draws["a"]), WORLD, Y, "a", 2e6)

    assert found.crossings.empty
    assert list(found.crossings.columns) == ["value", "probability", "rising"]
    assert str(found) == (
        "Y in 2030: at most 2,000,000 wherever the a lies from 0.005 to 0.995 (5,000 to 995,000)."
    )


@pytest.mark.parametrize(
    "y",
    [lambda d: (d["a"] - 0.5) ** 2, lambda d: np.maximum(d["a"] - 0.5, 0), lambda d: 0 * d["a"]],
    ids=["parabola", "hinge", "nothing"],
)
def test_an_answer_that_only_touches_the_line_does_not_cross_it(y):
    assert threshold(model(y), WORLD, Y, "a", 0.0).crossings.empty


def test_an_answer_that_lies_on_the_line_for_a_while_crosses_in_its_middle():
    flat = model(lambda d: np.maximum(d["a"] - 0.6, 0) + np.minimum(d["a"] - 0.4, 0))

    found = threshold(flat, WORLD, Y, "a", 0.0).crossings

    # The two points around the flat part are 1/256 of the range apart from its ends at most.
    np.testing.assert_allclose(found["value"], 0.5, atol=0.005)
    assert list(found["rising"]) == [True]


def test_a_jump_is_found_where_it_is():
    found = threshold(model(lambda d: 1.0 * (d["a"] > 0.3)), WORLD, Y, "a", 0.5).crossings

    np.testing.assert_allclose(found["value"], 0.3, atol=1e-9)


def test_two_crossings_are_said_as_a_stretch_or_as_two_ends():
    parabola = model(lambda draws: (draws["a"] - 0.5) ** 2)
    cap = model(lambda draws: -((draws["a"] - 0.5) ** 2))

    assert "where the a is below 0.25 (a chance of 25%) or above 0.75 (a chance of 25%)" in str(
        threshold(parabola, WORLD, Y, "a", 0.0625)
    )
    assert "where the a is between 0.25 and 0.75 (a chance of 50%)" in str(
        threshold(cap, WORLD, Y, "a", -0.0625)
    )


def test_the_pain_model_at_the_prevalence_found_has_the_number_asked_for():
    world = read_scenario("baseline", choices={"first_year": 2050})
    quantity = Quantity("plp", 2050)
    found = threshold(people_with_pain, world, quantity, "plp_prevalence_minor", 1.2e6)
    at = found.crossings["value"].to_numpy()

    assert list(found.crossings["rising"]) == [True]
    draws = draws_with(marginals(world), {"plp_prevalence_minor": at})
    assert evaluate(people_with_pain, world, draws, quantity) == pytest.approx(1.2e6, rel=1e-8)


def test_an_input_of_the_posterior_goes_through_its_posterior_with_the_others_at_its_medians():
    world = read_scenario("baseline", choices={"first_year": 2050})
    quantity = Quantity("limb_loss", 2050)
    found = one_way(people_with_limb_loss, world, quantity, parameters=["dysvascular_first_share"])
    stored = posterior_of(world)
    low, high = np.quantile(stored["dysvascular_first_share"], [0.025, 0.975])
    medians = {item.name: item.median for item in world.parameters} | stored.median().to_dict()
    draws = pd.DataFrame(medians, index=range(3)).assign(
        dysvascular_first_share=[low, medians["dysvascular_first_share"], high]
    )
    expected = quantity.of(people_with_limb_loss(draws, world))

    row = found.iloc[0]
    assert row["fitted"]
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert (row["at_low"], row["base"], row["at_high"]) == pytest.approx(tuple(expected))
    # The prior reaches further down.
    prior = read_scenario("baseline", choices={"first_year": 2050, "beliefs": "prior"})
    before = one_way(people_with_limb_loss, prior, quantity, parameters=["dysvascular_first_share"])
    assert before.loc[0, "low"] < low - 0.05
    assert not before.loc[0, "fitted"]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (lambda y: one_way(y, WORLD, Y, parameters=["A"]), "no parameter 'A'"),
        (lambda y: one_way(y, WORLD, Y, within=95), "within is 95; expected a probability"),
        (lambda y: one_way(y, scenario(fixed("fix", 1)), Y), "no uncertain parameter"),
        (lambda y: two_way(y, WORLD, Y, "a", "a"), "a is named twice"),
        (lambda y: two_way(y, WORLD, Y, "a", "fix"), "fix is fixed at 4; expected an uncertain"),
        (lambda y: two_way(y, WORLD, Y, "a", "b", steps=1), "steps is 1; expected 2 or more"),
        (lambda y: threshold(y, WORLD, Y, "a", np.nan), "line is nan; expected a finite number"),
        (lambda y: threshold(y, WORLD, Y, "z", 1.0), "no parameter 'z'; expected one of a, b, c"),
        (lambda y: one_way(y, WORLD, Quantity("x", 2030)), "no outcome 'x'; expected one of y"),
    ],
    ids=range(9),
)
def test_what_cannot_be_asked_is_refused(question, message):
    with pytest.raises(ValueError, match=message):
        question(model(lambda draws: draws["a"]))


def test_every_column_of_a_tornado_is_that_of_the_path_of_its_parameter():
    # Highest within the range of a, where neither end is; a parabola in b is lowest within.
    def answer(a, b):
        return 3 - (a - 0.6) ** 2 + (b - 4) ** 2 / 50

    y = model(lambda draws: answer(draws["a"], draws["b"]))
    table = one_way(y, WORLD, Y, parameters=["a", "b"], within=0.8).set_index("parameter")

    for name, low, high, path in (
        ("a", 0.1, 0.9, lambda a: answer(a, 5)),
        ("b", 1, 9, lambda b: answer(0.5, b)),
    ):
        row, at = table.loc[name], [path(x) for x in np.linspace(low, high, 17)]
        assert row[["low", "high"]].tolist() == pytest.approx([low, high])
        assert row[["at_low", "at_high"]].tolist() == pytest.approx([path(low), path(high)])
        assert row[["least", "greatest"]].tolist() == pytest.approx([min(at), max(at)])
        assert row["swing"] == pytest.approx(max(at) - min(at))
        assert row["base"] == pytest.approx(answer(0.5, 5))
