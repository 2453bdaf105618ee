"""Scenarios compared draw by draw: by hand, closed form, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from sensitivity_models import Y, model, normal, scenario, uniform

from plcore.analysis.comparison import compare, ranking
from plcore.analysis.design import Quantity
from plcore.evidence.parameters import Correlation
from plcore.models import people_with_limb_loss
from plcore.scenarios import read_scenario
from plcore.simulate.draws import plain
from plcore.simulate.runs import Run, run

of_sum = model(lambda draws: draws["a"] + draws["b"])


def made(values, name, seed=1):
    """A run of one parameter with these answers."""
    world = scenario(uniform("a"), name=name)
    draws = pd.DataFrame({"a": np.arange(len(values)) / 10})
    return Run(world, seed, draws, model(lambda _: np.array(values, dtype=float))(draws, world))


THREE = [made([1, 2, 3, 4], "now"), made([2, 2, 5, 8], "more"), made([0, 3, 3, 1], "other")]


def test_differences_by_hand():
    table = compare(THREE, Y, level=0.5)

    # more less now: 1, 0, 2, 4; other less now: -1, 1, 0, -3.
    assert table.to_dict("list") == {
        "scenario": ["now", "more", "other"],
        "label": [each.scenario.title for each in THREE],
        "value": [2.5, 3.5, 2.0],
        "low": [1.75, 2.0, 0.75],
        "high": [3.25, 5.75, 3.0],
        "more": [0, 1.5, -0.5],
        "more_low": [0, 0.75, -1.5],
        "more_high": [0, 2.5, 0.25],
        "mean": [0, 1.75, -0.75],
        "mean_error": [
            0,
            pytest.approx(np.std([1, 0, 2, 4], ddof=1) / 2),
            pytest.approx(np.std([-1, 1, 0, -3], ddof=1) / 2),
        ],
        "higher": [0, 0.75, 0.25],
        "equal": [1, 0.25, 0.25],
        "level": [0.5, 0.5, 0.5],
    }


def test_ranks_by_hand():
    # Draw by draw the highest is more, other, more, more; ranks of now: 2, 2.5, 2.5, 2.
    found = ranking(THREE, Y)

    assert list(found["scenario"]) == ["now", "more", "other"]
    assert list(found["first"]) == [0, 0.75, 0.25]
    assert list(found["mean_rank"]) == [2.25, (1 + 2.5 + 1 + 1) / 4, (3 + 1 + 2.5 + 3) / 4]
    assert found["first_error"][1] == pytest.approx(np.sqrt(0.75 * 0.25 / 3))


def test_scenarios_that_tie_share_the_draw():
    # The lowest is other, now and more, now and other, other.
    found = ranking(THREE, Y, lowest_first=True)

    assert list(found["first"]) == [0.25, 0.125, 0.625]
    assert found["first"].sum() == 1


def test_a_shift_of_one_parameter_is_seen_without_noise():
    # Both have the same draws of b and the same quantiles of a: the difference is exactly 0.1.
    before = run(of_sum, scenario(normal("a"), normal("b", 0, 100), name="before"), n_draws=256)
    after = run(of_sum, scenario(normal("a", 0.1), normal("b", 0, 100), name="after"), n_draws=256)
    found = compare([before, after], Y).iloc[1]

    assert found[["more", "more_low", "more_high", "mean"]].to_list() == pytest.approx([0.1] * 4)
    assert found["mean_error"] < 1e-12
    assert found["higher"] == 1


def test_the_probability_of_ranking_first_is_that_of_two_normal_numbers():
    # a + 1 is above b with probability Phi(1 / sqrt 2) = 0.76025 for independent normals.
    world = [scenario(normal("a"), normal("b"), name=name) for name in ("first", "second")]
    runs = [
        run(model(lambda draws: draws["a"] + 1), world[0], n_draws=4096),
        run(model(lambda draws: draws["b"]), world[1], n_draws=4096),
    ]
    found = ranking(runs, Y)

    assert found["first"][0] == pytest.approx(0.76025, abs=4 * found["first_error"][0])
    assert found["first_error"][0] == pytest.approx(np.sqrt(0.76025 * 0.23975 / 4096), rel=0.02)


def test_projections_with_more_amputations_are_above_those_with_fewer_in_every_draw():
    names = ("baseline", "dysvascular_plus_10", "dysvascular_minus_10")
    runs = [
        run(
            people_with_limb_loss,
            read_scenario(name, choices={"first_year": 2050, "last_year": 2050}),
            n_draws=256,
        )
        for name in names
    ]
    quantity = Quantity("limb_loss", 2050)
    table = compare(runs, quantity)

    assert list(table["higher"]) == [0, 1, 0]
    assert list(table["equal"]) == [1, 0, 0]
    # The model is linear in incidence, and draws are shared: mirror images.
    assert table["more"][1] == pytest.approx(-table["more"][2], rel=1e-9)
    assert list(ranking(runs, quantity)["mean_rank"]) == [2, 1, 3]


def test_a_new_correlation_may_reorder_the_draws_of_what_it_concerns():
    links = (Correlation("a", "b", 0.7),)
    apart = run(of_sum, scenario(normal("a"), normal("b"), name="apart"), n_draws=64)
    linked = run(
        of_sum, scenario(normal("a"), normal("b"), name="linked", correlations=links), n_draws=64
    )

    assert len(compare([apart, linked], Y)) == 2


COMPARISONS = pytest.mark.parametrize("compared", [compare, ranking])


@COMPARISONS
def test_runs_that_do_not_share_their_draws_are_refused(compared):
    one, two = (scenario(normal("a"), normal("b"), name=name) for name in ("one", "two"))
    first = run(of_sum, one, n_draws=64)

    with pytest.raises(ValueError, match=r"one and two have the seeds 1 and 2; expected the same"):
        compared([first, run(of_sum, two, n_draws=64, seed=2)], Y)
    with pytest.raises(ValueError, match=r"one and two have 64 and 32 draws; expected as many"):
        compared([first, run(of_sum, two, n_draws=32)], Y)
    with pytest.raises(ValueError, match=r"one and two have other draws of a, which is the same"):
        compared([first, run(of_sum, two, n_draws=64, sampler=plain)], Y)


@COMPARISONS
def test_what_cannot_be_compared_is_refused(compared):
    with pytest.raises(ValueError, match=r"1 runs; expected two or more"):
        compared(THREE[:1], Y)
    with pytest.raises(ValueError, match=r"two runs of now; expected scenarios of different names"):
        compared([THREE[0], THREE[0]], Y)
    with pytest.raises(ValueError, match=r"no outcome 'z'; expected one of y"):
        compared(THREE, Quantity("z", 2030))
    with pytest.raises(ValueError, match=r"1 draw; expected two or more"):
        compared([made([1], "now"), made([2], "more")], Y)


def test_a_level_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match=r"level is 95; expected a probability between 0 and 1"):
        compare(THREE, Y, level=95)


def test_the_error_of_ranking_first_counts_a_tie_as_a_part_of_a_draw():
    # Each share of first places is a mean over draws of 1, 0 or a part of one.
    table = ranking(THREE, Y, lowest_first=True).set_index("scenario")
    parts = {name: [] for name in table.index}
    values = np.array([[1, 2, 3, 4], [2, 2, 5, 8], [0, 3, 3, 1]])
    for draw in range(4):
        lowest = [v == values[:, draw].min() for v in values[:, draw]]
        for name, is_lowest in zip(parts, lowest, strict=True):
            parts[name].append(is_lowest / sum(lowest))

    for name, firsts in parts.items():
        assert table.loc[name, "first"] == pytest.approx(np.mean(firsts))
        assert table.loc[name, "first_error"] == pytest.approx(np.std(firsts, ddof=1) / 2)
