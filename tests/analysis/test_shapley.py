"""Shapley effects and what a study narrows: closed forms, other ways to them, and what is refused."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sensitivity_models import Y, model, normal, scenario

from plcore.analysis import input_groups, narrowing, prevalence_study, shapley_effects
from plcore.analysis.design import Quantity
from plcore.analysis.global_sensitivity import UNEXPLAINED
from plcore.analysis.smoothing import gaussian_process, normal_scores, polynomial
from plcore.evidence.labels import group_of, in_unit, label_of, without_keys
from plcore.models import people_with_pain
from plcore.scenarios import read_scenario
from plcore.simulate import plain
from plcore.simulate.runs import Run, run
from plcore.simulate.synthesis import posterior_of


def run_of(draws, function):
    """A run whose draws are given, as correlated as they are."""
    world = scenario(*(normal(name) for name in draws.columns))
    return Run(world, 1, draws, model(function)(draws, world), plain)


def gaussian(covariance, n=4096, seed=0):
    root = np.linalg.cholesky(covariance)
    x = np.random.default_rng(seed).standard_normal((n, len(root))) @ root.T
    return pd.DataFrame(x, columns=list("abcdefgh"[: len(root)]))


def by_label(table):
    return table.set_index("label")


def by_all_orders(covariance, slopes, groups):
    """Shapley effects of a sum of normal inputs: what each adds, in every order (Owen 2014)."""
    with_y = covariance @ slopes

    def explained(known):
        if not known:
            return 0.0
        at = [i for name in known for i in groups[name]]
        return with_y[at] @ np.linalg.solve(covariance[np.ix_(at, at)], with_y[at])

    orders = list(permutations(groups))
    effects = dict.fromkeys(groups, 0.0)
    for order in orders:
        for place, name in enumerate(order):
            gain = explained(order[: place + 1]) - explained(order[:place])
            effects[name] += gain / len(orders) / (slopes @ with_y)
    return effects


def test_two_correlated_inputs_share_as_owen_and_prieur_2017_work_it_out():
    rho, (one, two) = 0.7, (1.0, 2.0)
    draws = gaussian(np.array([[1, rho], [rho, 1]]))
    found = shapley_effects(
        run_of(draws, lambda d: one * d["a"] + two * d["b"]), Y, {"A": ["a"], "B": ["b"]}
    )

    variance = one**2 + two**2 + 2 * rho * one * two
    half = rho**2 / 2
    expected = (one**2 * (1 - half) + rho * one * two + two**2 * half) / variance
    assert by_label(found).loc["A", "value"] == pytest.approx(expected, abs=0.02)
    assert by_label(found).loc["B", "value"] == pytest.approx(1 - expected, abs=0.02)
    # Known alone, an input tells of the other as well.
    alone = (two + rho * one) ** 2 / variance
    assert by_label(found).loc["B", "alone"] == pytest.approx(alone, abs=0.02)
    assert by_label(found).loc["B", "last"] == pytest.approx(
        two**2 * (1 - rho**2) / variance, abs=0.01
    )


def test_groups_of_dependent_inputs_share_as_in_all_orders():
    a = np.random.default_rng(5).standard_normal((6, 6))
    covariance, slopes = a @ a.T, np.array([1.0, -2.0, 0.5, 1.5, -1.0, 0.8])
    draws = gaussian(covariance)
    groups = {"one": [0, 3], "two": [1], "three": [2, 4], "four": [5]}
    found = by_label(
        shapley_effects(
            run_of(draws, lambda d: d.to_numpy() @ slopes),
            Y,
            {name: [draws.columns[i] for i in at] for name, at in groups.items()},
        )
    )

    expected = by_all_orders(covariance, slopes, groups)
    for name, effect in expected.items():
        assert found.loc[name, "value"] == pytest.approx(effect, abs=0.03)
    assert found["value"].sum() == pytest.approx(1)
    assert abs(found.loc[UNEXPLAINED, "value"]) < 0.01


def test_independent_inputs_of_a_sum_have_their_sobol_indices():
    draws = gaussian(np.eye(3))
    # A sum of a line, a parabola and a cubic: each alone causes what it does (Sobol 1993).
    found = by_label(
        shapley_effects(
            run_of(draws, lambda d: 2 * d["a"] + d["b"] ** 2 + (d["c"] ** 3 - 3 * d["c"])),
            Y,
            {name: [name] for name in "abc"},
        )
    )

    terms = np.array([2 * draws["a"], draws["b"] ** 2, draws["c"] ** 3 - 3 * draws["c"]])
    expected = terms.var(axis=1) / terms.var(axis=1).sum()
    np.testing.assert_allclose(found["value"][list("abc")], expected, atol=0.03)
    np.testing.assert_allclose(found["alone"][list("abc")], expected, atol=0.03)


def test_what_two_inputs_do_only_together_is_halved():
    draws = gaussian(np.eye(2))
    found = by_label(
        shapley_effects(run_of(draws, lambda d: d["a"] * d["b"]), Y, {"a": ["a"], "b": ["b"]})
    )

    np.testing.assert_allclose(found["value"][["a", "b"]], 0.5, atol=0.03)
    np.testing.assert_allclose(found["alone"][["a", "b"]], 0.0, atol=0.02)
    np.testing.assert_allclose(found["last"][["a", "b"]], 1.0, atol=0.03)


def test_a_group_that_nothing_uses_gets_nothing_and_noise_is_not_explained():
    draws = gaussian(np.eye(8), n=2000)
    noise = np.random.default_rng(9).standard_normal(2000)
    idle = list("cdefgh")
    found = by_label(
        shapley_effects(
            run_of(draws, lambda d: d["a"] + d["b"] + noise),
            Y,
            {"used": ["a", "b"], "idle": idle},
        )
    )

    assert abs(found.loc["idle", "value"]) < 0.01
    assert found.loc["idle", "low"] <= 0 <= found.loc["idle", "high"]
    assert found.loc[UNEXPLAINED, "value"] == pytest.approx(1 / 3, abs=0.05)
    # What is noise is no part of what a group adds to the others.
    for column in ("alone", "last"):
        assert found.loc["used", column] == pytest.approx(2 / 3, abs=0.05)
        assert abs(found.loc["idle", column]) < 0.02


def test_the_limits_hold_the_effect_in_nineteen_runs_of_twenty():
    rho = 0.5
    covariance = np.array([[1, rho], [rho, 1]])
    # Half of an equal sum each, but for noise of the same variance as the sum.
    held, rows = 0, []
    for seed in range(100):
        draws = gaussian(covariance, n=500, seed=seed)
        noise = np.random.default_rng([seed, 1]).standard_normal(500) * np.sqrt(3)
        found = shapley_effects(
            run_of(draws, lambda d, noise=noise: d["a"] + d["b"] + noise),
            Y,
            {"A": ["a"], "B": ["b"]},
        )
        row = by_label(found).loc["A"]
        held += row["low"] <= 0.25 <= row["high"]
        rows.append(row)

    # 95% of 100 less three standard errors.
    assert held >= 88
    rows = pd.DataFrame(rows)
    # The spread of a hundred effects is known to within a fifth.
    assert rows["se"].mean() == pytest.approx(rows["value"].std(), rel=0.2)
    np.testing.assert_allclose(rows["high"] - rows["value"], 1.959964 * rows["se"], rtol=1e-6)
    np.testing.assert_allclose(rows["value"] - rows["low"], 1.959964 * rows["se"], rtol=1e-6)


def test_the_same_draws_give_the_same_effects_whatever_the_order_of_groups():
    draws = gaussian(np.eye(3) + 0.3)
    made = run_of(draws, lambda d: d["a"] + d["b"] * d["c"])
    one = shapley_effects(made, Y, {"a": ["a"], "b": ["b"], "c": ["c"]})
    two = shapley_effects(made, Y, {"c": ["c"], "a": ["a"], "b": ["b"]})

    columns = ["value", "low", "high", "alone", "last"]
    pd.testing.assert_frame_equal(
        by_label(one)[columns].sort_index(), by_label(two)[columns].sort_index(), rtol=1e-8
    )


def test_the_polynomial_expects_what_the_gaussian_process_expects():
    draws = gaussian(np.eye(3) + 0.3, n=1500)
    y = (np.exp(draws["a"] / 2) + draws["b"] * draws["c"]).to_numpy()[:, np.newaxis]
    scores = normal_scores(draws.to_numpy())
    explained = [
        1 - np.mean((y - smoother(scores, y)[1]) ** 2) / y.var()
        for smoother in (polynomial, gaussian_process)
    ]

    assert explained[0] > 0.97
    assert explained[0] == pytest.approx(explained[1], abs=0.03)


def two_groups():
    return {"A": ["a"], "B": ["b"]}


@pytest.mark.parametrize(
    ("change", "groups", "message"),
    [
        (
            lambda d: d.sample(frac=1, random_state=1),
            two_groups(),
            "the draws have the rows .* expected 0, 1, 2",
        ),
        (lambda d: d, {"A": ["a", "z"]}, r"A: \['z'\]; expected columns of the draws"),
        (lambda d: d, {"A": []}, "A: no names; expected columns of the draws"),
        (lambda d: d, {"A": ["a"], "B": ["a"]}, "a is in 'A' and in 'B'; expected it in one group"),
        (lambda d: d, {}, "0 groups; expected 1 to 12"),
        (lambda d: d.head(15), two_groups(), "15 draws of 2 inputs; expected 20 or more"),
        (
            lambda d: pd.concat([d, d], ignore_index=True),
            {"AB": ["a", "b"]},
            "AB: the same draw is there more than once",
        ),
    ],
    ids=["shuffled", "unknown", "empty", "twice", "none", "few", "repeated"],
)
def test_what_would_give_a_wrong_share_is_refused(change, groups, message):
    draws = change(gaussian(np.eye(2), n=1000))
    with pytest.raises(ValueError, match=message):
        shapley_effects(run_of(draws, lambda d: d["a"] + d["b"]), Y, groups)


def test_sobol_draws_are_refused():
    made = run(model(lambda d: d["a"] + d["b"]), scenario(normal("a"), normal("b")), n_draws=256)
    with pytest.raises(ValueError, match="Sobol draws of a, b, whose even pattern"):
        shapley_effects(made, Y, two_groups())


# The models.


@pytest.fixture(scope="module")
def baseline():
    span = {"first_year": 2030, "last_year": 2030}
    return run(people_with_pain, read_scenario(choices=span), n_draws=2048, sampler=plain)


def test_groups_of_the_pain_model_hold_each_of_its_inputs_once(baseline):
    groups = input_groups(baseline, "plp_extremely_bothersome")
    names = [name for group in groups.values() for name in group]

    assert len(names) == len(set(names))
    assert set(posterior_of(baseline.scenario)) < set(names)
    assert groups["Pain after loss of fingers or toes"] == ["plp_prevalence_minor"]
    assert groups["How bad the pain is"] == [
        "severity_moderate_severe",
        "severity_extremely_bothersome",
    ]
    assert "How bad the pain is" not in input_groups(baseline, "plp")
    assert not any(name.startswith("plp") for g in input_groups(baseline, "limb_loss").values()
                   for name in g)  # fmt: skip


def test_pain_after_minor_loss_leads_and_study_of_it_narrows_the_answer(baseline):
    quantity = Quantity("plp", 2030)
    groups = {
        "minor": ["plp_prevalence_minor"],
        "major": ["plp_prevalence"],
        "limb loss": list(posterior_of(baseline.scenario)),
    }
    found = by_label(shapley_effects(baseline, quantity, groups))
    people = quantity.of(baseline.outcome)
    narrowed = {
        name: narrowing(people, prevalence_study(baseline.draws[name], people=200, seed=1)).share
        for name in ("plp_prevalence_minor", "plp_prevalence")
    }

    # Issue: 0.70 and 0.03 of the variance of people in pain in 2030.
    assert found.loc["minor", "value"] == pytest.approx(0.72, abs=0.06)
    assert found.loc["major", "value"] == pytest.approx(0.03, abs=0.02)
    assert narrowed["plp_prevalence_minor"] > 0.3
    assert abs(narrowed["plp_prevalence"]) < 0.1


# What a study narrows.


def test_a_study_narrows_a_normal_interval_as_in_closed_form():
    rng = np.random.default_rng(3)
    theta, rest, error = rng.standard_normal((3, 4096))
    y, result = 2 * theta + rest, pd.DataFrame({"result": theta + 0.5 * error})

    # Of y given the result: the variance of the rest and what is left of theta's, 4 x 0.25 / 1.25.
    expected = 1 - np.sqrt((1 + 4 * 0.25 / 1.25) / 5)
    found = narrowing(y, result)
    assert found.share == pytest.approx(expected, abs=3 * found.se)
    assert found.se < 0.02
    assert found.width == pytest.approx(2 * 1.96 * np.sqrt(5), rel=0.04)
    assert found.expected == pytest.approx(found.width * (1 - found.share))


def test_what_says_nothing_narrows_nothing_and_what_says_all_narrows_all():
    rng = np.random.default_rng(4)
    y, idle = rng.lognormal(size=4096), rng.standard_normal(4096)

    nothing = narrowing(y, pd.DataFrame({"idle": idle}))
    assert abs(nothing.share) < 3 * nothing.se
    assert narrowing(y, pd.DataFrame({"y": y})).share > 0.95
    assert narrowing(y, pd.DataFrame({"still": np.ones(4096)})).share == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("values", "known", "message"),
    [
        (np.zeros(2000), np.arange(2000.0), "values are 0 in every draw"),
        (np.arange(10.0), np.arange(10.0), "expected a finite number in each of 1000 draws"),
        (np.arange(2000.0), np.arange(1999.0), "known has 1999 rows"),
    ],
)
def test_a_number_that_cannot_be_narrowed_is_refused(values, known, message):
    with pytest.raises(ValueError, match=message):
        narrowing(values, pd.DataFrame({"x": known}))


def test_results_in_another_order_are_refused():
    y = np.random.default_rng(1).standard_normal(2000)
    with pytest.raises(ValueError, match="expected those of the draws it belongs to"):
        narrowing(y, pd.DataFrame({"x": y}).sample(frac=1, random_state=1))


# What readers call them.


def test_every_parameter_has_a_label_of_its_own_and_a_group():
    names = [item.name for item in read_scenario().parameters]
    labels = [label_of(name) for name in names]

    unlabelled = [name for name in names if label_of(name) == name.replace("_", " ")]
    assert unlabelled == []
    assert len(set(labels)) == len(labels)
    assert not any("_" in text for name in names for text in (label_of(name), group_of(name)))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8342, "share", "83.4%"),
        (0.0004619, "per_person_year", "46.2"),
        (57.0, "years", "57 years"),
        (4.5, "ratio", "4.5"),
        (-1.96, "score", "-1.96 SD"),
        (1_600_000.0, "people", "1,600,000 people"),
    ],
)
def test_a_value_is_printed_with_the_unit_of_its_label(value, unit, text):
    assert in_unit(value, unit) == text


def test_a_note_calls_parameters_by_their_labels():
    note = without_keys("the spread is dysvascular_walk_spread; see no_such_name")

    assert note == "the spread is yearly swing of vascular amputations per head; see no_such_name"
