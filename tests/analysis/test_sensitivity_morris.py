"""Morris screening: by hand, closed form, SALib's numbers, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from scipy import special
from sensitivity_models import PEERS, Y, fixed, model, normal, scenario, uniform

from plcore.analysis.sensitivity import Answer, effects_table, elementary_effects, morris_screening
from plcore.analysis.sensitivity.morris import _trajectories
from plcore.evidence.parameters import Correlation
from plcore.models.pain import people_with_pain
from plcore.scenarios import read_scenario


def by_name(table):
    return table.set_index("parameter").sort_index()


def test_two_steps_by_hand():
    x = [[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]], [[1.0, 1.0], [1.0, 0.0], [0.5, 0.0]]]
    y = [[1.0, 3.0, 0.0], [5.0, 4.0, 3.5]]

    effects = elementary_effects(x, y)

    np.testing.assert_array_equal(effects, [[4.0, -3.0], [1.0, 1.0]])


def test_means_and_spread_by_hand():
    found = effects_table([[1.0, 2.0], [-3.0, 2.0], [1.0, 2.0], [-3.0, 2.0]])

    assert list(found["mu"]) == [-1, 2]
    assert list(found["mu_star"]) == [2, 2]
    np.testing.assert_allclose(found["sigma"], [np.sqrt(16 / 3), 0])


def test_salib_gives_the_same_effects_for_the_same_trajectories():
    peer = PEERS["morris"]
    x, y = np.reshape(peer["x"], (12, 4, 3)), np.reshape(peer["y"], (12, 4))
    found = effects_table(elementary_effects(x, y))

    for name in ("mu", "mu_star", "sigma"):
        np.testing.assert_allclose(found[name], peer[name], rtol=1e-9, atol=1e-9)


def test_a_linear_model_has_the_same_effect_everywhere():
    # Over the middle 95% of a uniform number its slope times 95% of its range.
    world = scenario(uniform("a", 0, 2), uniform("b", 0, 1), fixed("fix", 4))
    y = model(lambda draws: 3 * draws["a"] - draws["b"] + draws["fix"])
    found = by_name(morris_screening(y, world, Y, trajectories=8))

    np.testing.assert_allclose(found["mu"], [3 * 2 * 0.95, -0.95])
    np.testing.assert_allclose(found["mu_star"], [3 * 2 * 0.95, 0.95])
    np.testing.assert_allclose(found["sigma"], 0, atol=1e-12)
    np.testing.assert_allclose(found["mu_star_low"], found["mu_star_high"])


def test_a_step_of_a_normal_parameter_is_one_between_its_quantiles():
    found = morris_screening(model(lambda draws: draws["a"]), scenario(normal("a")), Y)
    # From 0.025 to 0.025 + 0.95 x 2/3, or its mirror image; per 2/3 of the range.
    step = special.ndtri(0.025 + 0.95 * 2 / 3) - special.ndtri(0.025)

    assert found["mu_star"][0] == pytest.approx(step * 1.5)


def test_a_product_has_the_mean_and_spread_of_the_other_factor():
    # y = a b, uniform from 0 to 1, all of 0.025 to 0.975: the effect of a is 0.95 b on 4 levels.
    world = scenario(uniform("a"), uniform("b"))
    y = model(lambda draws: draws["a"] * draws["b"])
    found = by_name(morris_screening(y, world, Y, trajectories=2000, resamples=50))
    b = 0.025 + 0.95 * np.arange(4) / 3
    sd = 0.95 * b.std()

    # Four standard errors of 2,000 trajectories; that of a standard deviation is below sd/sqrt(2n).
    np.testing.assert_allclose(found["mu_star"], 0.95 * b.mean(), atol=4 * sd / np.sqrt(2000))
    np.testing.assert_allclose(found["sigma"], sd, atol=4 * sd / np.sqrt(4000))


def test_intervals_hold_the_mean_effect_about_as_often_as_they_say():
    world = scenario(uniform("a"), uniform("b"))
    y = model(lambda draws: draws["a"] * draws["b"])
    hits = []
    for seed in range(100):
        found = morris_screening(y, world, Y, seed=seed, resamples=200)
        hits += list((found["mu_star_low"] <= 0.475) & (found["mu_star_high"] >= 0.475))

    # 95%; four standard errors of 200, and two points as the bootstrap of 64 is a little narrow.
    assert 0.86 < np.mean(hits) < 0.995


def test_effects_that_cancel_have_a_mean_of_nothing_and_a_size():
    # A parabola around the middle: levels 1 and 4 are alike, as are 2 and 3.
    y = model(lambda draws: (draws["a"] - 0.5) ** 2 + 0 * draws["b"])
    world = scenario(uniform("a"), uniform("b"))
    found = by_name(morris_screening(y, world, Y, trajectories=500)).loc["a"]

    # Steps from an outer to an inner level: 0.475^2 - (0.475 / 3)^2 down, or as much up.
    assert found["mu_star"] == pytest.approx(1.5 * (0.475**2 - (0.475 / 3) ** 2))
    assert abs(found["mu"]) < 4 * found["sigma"] / np.sqrt(500)


def test_each_level_is_taken_equally_often_and_each_parameter_moves_once():
    x = _trajectories(["a", "b", "c"], 4000, 6, 3)
    taken = np.unique(np.round(x[:, 0] * 5).astype(int), return_counts=True)[1]

    assert elementary_effects(x, np.zeros(x.shape[:2])).shape == (4000, 3)
    assert x.shape == (4000, 4, 3)
    assert np.abs(np.diff(x, axis=1)).max() == pytest.approx(0.6)
    # 12,000 starts over 6 levels: 2,000 each, give or take four times 41.
    np.testing.assert_allclose(taken, 2000, atol=164)


@settings(max_examples=10, deadline=None)
@each(st.permutations(["a", "b", "c"]))
def test_the_order_of_the_parameters_changes_nothing(order):
    y = model(lambda draws: draws["a"] * draws["b"] + np.exp(draws["c"]))
    before = by_name(morris_screening(y, scenario(*map(normal, "abc")), Y, trajectories=8))
    after = by_name(morris_screening(y, scenario(*map(normal, order)), Y, trajectories=8))

    pd.testing.assert_frame_equal(after, before, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@each(st.floats(-100, 100).filter(lambda c: abs(c) > 0.01), st.floats(-1e3, 1e3))
def test_another_unit_of_the_answer_scales_every_effect(scale, shift):
    effects = np.random.default_rng(2).normal(size=(10, 3, 2))
    x, y = _trajectories(["a", "b"], 10, 4, 1), effects[:, :, 0]
    before = effects_table(elementary_effects(x, y))
    after = effects_table(elementary_effects(x, scale * y + shift))

    np.testing.assert_allclose(after["mu"], scale * before["mu"], rtol=1e-6, atol=1e-9)
    for name in ("mu_star", "mu_star_high", "sigma", "sigma_low"):
        np.testing.assert_allclose(after[name], abs(scale) * before[name], rtol=1e-6, atol=1e-9)


def test_the_pain_model_has_its_parameters_told_from_those_it_does_not_read():
    world = read_scenario("baseline", choices={"first_year": 2050})
    found = morris_screening(people_with_pain, world, Answer("plp", 2050), trajectories=16)
    size = found.set_index("parameter")["mu_star"]

    assert list(found["mu_star"]) == sorted(found["mu_star"], reverse=True)
    # Thousands of people, against none but for rounding.
    assert size["plp_prevalence"] > 1e5
    assert size["severity_weekly"] < 1
    assert "dysvascular_mean_age" not in size.index


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trajectories": 3}, "trajectories is 3; expected 4 or more"),
        ({"levels": 5}, "levels is 5; expected an even number"),
        ({"within": 1.0}, "within is 1; expected a probability between 0 and 1"),
        ({"level": 0}, "level is 0; expected a probability"),
        ({"resamples": 1}, "resamples is 1; expected 20 or more"),
        ({"parameters": ["c"]}, "no parameter 'c'"),
    ],
)
def test_what_cannot_be_screened_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        morris_screening(
            model(lambda draws: draws["a"]), scenario(normal("a"), normal("b")), Y, **options
        )


def test_correlated_parameters_are_refused():
    world = scenario(normal("a"), normal("b"), correlations=(Correlation("a", "b", 0.5),))

    with pytest.raises(ValueError, match=r"a and b are correlated; .* as elementary effects would"):
        morris_screening(model(lambda draws: draws["a"]), world, Y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3)), r"x has shape \(2, 3\)"),
        (np.zeros((2, 3, 2)), np.zeros((2, 2)), r"y has shape \(2, 2\); expected \(2, 3\)"),
        (np.zeros((2, 3, 2)), np.zeros((2, 3)), "a step that moves several inputs, or none"),
        ([[[0, 0], [1, 1], [1, 0]]], np.zeros((1, 3)), "a step that moves several inputs"),
    ],
)
def test_points_that_are_no_trajectories_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        elementary_effects(x, y)


def test_too_few_trajectories_are_refused():
    with pytest.raises(ValueError, match=r"effects have shape \(3, 2\); expected 4 trajectories"):
        effects_table(np.zeros((3, 2)))
