"""The bridge to SALib: closed forms through two of its methods, and what is refused."""

import numpy as np
import pytest
from SALib.analyze import sobol as shares
from SALib.sample import sobol as points
from scipy import special
from sensitivity_models import (
    ISHIGAMI_TOTAL,
    Y,
    fixed,
    ishigami,
    model,
    morris_table,
    normal,
    scenario,
    uniform,
)

from plcore.analysis.design import Quantity
from plcore.analysis.global_sensitivity import salib_outputs, salib_problem
from plcore.evidence.parameters import Correlation
from plcore.models import people_with_pain
from plcore.scenarios import read_scenario


def test_a_linear_model_has_the_same_elementary_effect_everywhere():
    # Over the middle 95% of a uniform number its slope times 95% of its range.
    world = scenario(uniform("a", 0, 2), uniform("b", 0, 1), fixed("fix", 4))
    table = morris_table(model(lambda draws: 3 * draws["a"] - draws["b"] + draws["fix"]), world)

    assert list(table["parameter"]) == ["a", "b"]
    np.testing.assert_allclose(table["mu"], [3 * 2 * 0.95, -0.95])
    np.testing.assert_allclose(table["sigma"], 0, atol=1e-12)


def test_a_step_of_a_normal_parameter_is_one_between_its_quantiles():
    table = morris_table(model(lambda draws: draws["a"]), scenario(normal("a"), normal("b")))
    # From 0.025 to 0.025 + 0.95 x 2/3, or its mirror image; per 2/3 of the range.
    step = special.ndtri(0.025 + 0.95 * 2 / 3) - special.ndtri(0.025)

    assert table["mu_star"].max() == pytest.approx(step * 1.5)


def test_salib_divides_the_variance_of_the_ishigami_function_as_it_should():
    names = ["a", "b", "c"]
    world = scenario(*(uniform(name, -np.pi, np.pi) for name in names))
    problem = salib_problem(world)
    rows = points.sample(problem, 4096, calc_second_order=False, seed=1)
    y = model(lambda draws: ishigami(draws[names].to_numpy()))
    outputs = salib_outputs(y, world, Y, problem, rows)
    table = shares.analyze(problem, outputs, calc_second_order=False, num_resamples=10, seed=1)

    # Four root mean squared errors of such points (0.0026), and what 0.999 of the range leaves out.
    np.testing.assert_allclose(table["ST"], ISHIGAMI_TOTAL, atol=0.015)


def test_the_pain_model_has_parameters_that_matter_and_others_that_it_does_not_read():
    world = read_scenario("baseline", choices={"first_year": 2050, "beliefs": "prior"})
    table = morris_table(people_with_pain, world, Quantity("plp", 2050))
    size = table.set_index("parameter")["mu_star"]

    # Thousands of people, against none but for rounding.
    assert size["plp_prevalence"] > 1e5
    assert size["severity_weekly"] < 1
    assert "dysvascular_mean_age" not in size.index


def test_inputs_of_the_posterior_are_refused():
    with pytest.raises(ValueError, match=r'41 more hang together .* choices={"beliefs": "prior"}'):
        salib_problem(read_scenario())


def test_what_salib_cannot_take_is_refused():
    world = scenario(normal("a"), normal("b"), correlations=(Correlation("a", "b", 0.5),))
    apart = scenario(normal("a"), normal("b"))
    problem = salib_problem(apart)
    y = model(lambda draws: draws["a"])

    with pytest.raises(ValueError, match=r"a and b are correlated; .* as SALib's samples would"):
        salib_problem(world)
    with pytest.raises(ValueError, match="no parameter 'c'"):
        salib_problem(apart, parameters=["c"])
    with pytest.raises(ValueError, match="within is 1; expected a probability between 0 and 1"):
        salib_problem(apart, within=1.0)
    with pytest.raises(
        ValueError, match=r"rows have shape \(5, 3\); expected \(n_rows, 2\), a col"
    ):
        salib_outputs(y, apart, Y, problem, np.full((5, 3), 0.5))
    with pytest.raises(ValueError, match="a: expected probabilities from 0 to 1"):
        salib_outputs(y, apart, Y, problem, np.full((5, 2), 1.5))
    with pytest.raises(ValueError, match="the problem has no names"):
        salib_outputs(y, apart, Y, {}, np.full((5, 2), 0.5))
