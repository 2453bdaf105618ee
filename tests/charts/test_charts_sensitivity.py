"""What the charts of sensitivity print is what their tables hold; and what they refuse."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sensitivity_models import Y, model, morris_table, scenario, uniform

from plcore import charts
from plcore.analysis import one_way, sobol_indices, two_way
from plcore.charts.frame import width

WORLD = scenario(uniform("first_share"), uniform("hazard_ratio", 1, 2), uniform("level", 2, 4))
of_all = model(lambda d: 1e6 * d["level"] * d["first_share"] / d["hazard_ratio"])


def tornado_table():
    return one_way(of_all, WORLD, Y)


def indices_table():
    return sobol_indices(of_all, WORLD, Y, n_base=64)


def screening_table():
    return morris_table(of_all, WORLD, Y, trajectories=8)


def grid_table():
    return two_way(of_all, WORLD, Y, "first_share", "hazard_ratio", steps=5)


def tornado(table, scale=1e6):
    return charts.tornado(table, title="T", xaxis="People (millions)", source="S", scale=scale)


def indices(table):
    return charts.indices(table, title="T", source="S")


def screening(table, scale=1e6):
    return charts.screening(table, title="T", answer="people (millions)", source="S", scale=scale)


def heat_map(table, scale=1e6):
    return charts.heat_map(
        table, title="T", xaxis="share", yaxis="ratio", answer="people (millions)", source="S",
        scale=scale,
    )  # fmt: skip


EVERY = [
    (tornado, tornado_table()),
    (indices, indices_table()),
    (screening, screening_table()),
    (heat_map, grid_table()),
]
IDS = [chart.__name__ for chart, _ in EVERY]
every_chart = pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)


def named(figure, name):
    (trace,) = (trace for trace in figure.data if trace.name == name)
    return trace


def texts(figure, name):
    notes = [note.text for note in figure.layout.annotations if note.name == name]
    return [text.replace("\N{EN DASH}", "-") for text in notes]


# Every chart


@every_chart
def test_every_chart_has_a_title_a_unit_a_caption_a_source_and_a_description(chart, table):
    figure = chart(table)

    assert texts(figure, "title") == ["<b>T</b>"]
    assert texts(figure, "source") == ["Source: S"]
    assert all(texts(figure, name) != [""] for name in ("unit", "caption"))
    assert figure.layout.meta["alt"].endswith(".")
    assert figure.layout.width is None


@every_chart
def test_every_chart_refuses_an_empty_table_a_missing_column_and_no_number(chart, table):
    with pytest.raises(ValueError, match=r"the table has no rows; expected at least one"):
        chart(table.iloc[:0])
    with pytest.raises(TypeError, match=r"the table is a dict; expected a DataFrame"):
        chart(table.to_dict())
    last = [name for name in table.columns if name not in ("mu", "swing", "turns", "sigma_low")]
    last = [name for name in last if name not in ("sigma_high", "unit", "level")][-1]
    with pytest.raises(ValueError, match=rf"no column {last}|expected two parameters and result"):
        chart(table.drop(columns=last))
    with pytest.raises(ValueError, match=rf"{last}, row 1: nan; expected a finite number"):
        chart(table.assign(**{last: [1.0, np.nan] + [1.0] * (len(table) - 2)}))


@pytest.mark.parametrize(("chart", "table"), [EVERY[0], *EVERY[2:]], ids=[IDS[0], *IDS[2:]])
def test_a_scale_that_nothing_can_be_divided_by_is_refused(chart, table):
    with pytest.raises(ValueError, match=r"scale is 0; expected a finite number above 0"):
        chart(table, scale=0)


@pytest.mark.parametrize(("chart", "table"), EVERY[:2], ids=IDS[:2])
def test_tick_labels_stand_apart_on_a_phone(chart, table):
    layout = chart(table).layout
    room = 350 - layout.margin.l - layout.margin.r
    pixels = room / (layout.xaxis.range[1] - layout.xaxis.range[0])
    shown = [
        (value, text)
        for value, text in zip(layout.xaxis.tickvals, layout.xaxis.ticktext, strict=True)
        if text
    ]

    assert shown
    for (left, text), (right, other) in pairwise(shown):
        assert (right - left) * pixels > (width(text, 12) + width(other, 12)) / 2 + 4


# Tornado


def test_a_tornado_names_each_parameter_its_range_and_the_answers():
    # level first: 1e6 x 3 x first_share / 1.5, from 0.025 to 0.975.
    figure = tornado(tornado_table())
    first = figure.layout.yaxis.ticktext[0]

    assert first.startswith("first share<br>")
    assert "0.025 to 0.975" in first
    assert texts(figure, "number")[0] == "0.1-1.9"
    assert "all at their medians, 1.0." in texts(figure, "caption")[0].replace("<br>", " ")
    assert "first share 0.1 to 1.9" in figure.layout.meta["alt"]


def test_labels_given_stand_instead_of_names():
    table = tornado_table()
    figure = tornado(table.assign(label=["A <b>", "B", "C"]))

    assert [text.split("<br>")[0] for text in figure.layout.yaxis.ticktext] == [
        "A &lt;b&gt;", "B", "C",
    ]  # fmt: skip


def test_an_answer_that_goes_beyond_its_ends_has_a_thin_line_and_bars_that_both_show():
    parabola = model(lambda d: 1e6 * (d["level"] - 2.8) ** 2)
    figure = tornado(one_way(parabola, WORLD, Y, parameters=["level"]))
    low, high = (named(figure, f"parameter {end}") for end in ("low", "high"))
    line = named(figure, "least to greatest")

    assert low.y[0] + low.width[0] / 2 <= high.y[0] - high.width[0] / 2 + 1e-9
    assert line.x[0] < low.base[0]
    assert "goes beyond" in texts(figure, "caption")[0]
    assert "goes beyond" not in texts(tornado(tornado_table()), "caption")[0]


def test_a_tornado_of_several_answers_is_refused():
    table = tornado_table()
    table.loc[1, ["base", "greatest"]] = [1.7e6, 2e6]

    with pytest.raises(ValueError, match=r"base, row 1: 1.7; expected that of the first row, 1"):
        tornado(table)
    with pytest.raises(ValueError, match=r"no column parameter; the table has"):
        tornado(tornado_table().drop(columns=["parameter", "label"]))


# Variance


def test_indices_a_little_below_zero_are_drawn():
    table = indices_table()
    table.loc[2, ["first_low", "first"]] = [-0.02, -0.01]

    assert indices(table).layout.xaxis.range[0] < -0.02


def test_limits_of_an_index_out_of_order_are_refused():
    with pytest.raises(ValueError, match=r"row 0: first_low is 2 and first_high is"):
        indices(indices_table().assign(first_low=2.0))


# Screening


def test_effects_that_matter_little_are_small_dots_without_a_number():
    table = screening_table()
    table.loc[2, ["mu_star_low", "mu_star", "mu_star_high", "sigma"]] = [0, 10, 20, 5]
    figure = screening(table)

    assert list(named(figure, "effects").text) == ["2", "1"]
    assert list(named(figure, "small effects").x) == [pytest.approx(1e-5)]
    assert "Small dots: 1 that matter" in texts(figure, "caption")[0].replace("<br>", " ")


def test_a_plane_without_any_effect_says_so():
    none = morris_table(model(lambda d: 0 * d["level"] + 1), WORLD, Y, trajectories=8)

    assert texts(screening(none), "caption")[0].startswith("No parameter changes the answer.")


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match=r"mu_star is -1 and sigma .*; expected 0 or more"):
        screening(screening_table().assign(mu_star=-1e6))


# Heat map


def test_a_heat_map_holds_every_result_in_its_place():
    table = grid_table()
    figure = heat_map(table.sample(frac=1, random_state=1))
    trace = named(figure, "result")
    cells = table.pivot_table(index="hazard_ratio", columns="first_share", values="result") / 1e6

    np.testing.assert_allclose(trace.x, cells.columns)
    np.testing.assert_allclose(trace.y, cells.index)
    np.testing.assert_allclose(trace.z, cells)
    # 3 x 0.025 / 1.975 and 3 x 0.975 / 1.025.
    assert (
        "least 0.038 at 0.025 and 1.98, greatest 2.85 at 0.975 and 1.02"
        in (figure.layout.meta["alt"])
    )


def test_a_heat_map_of_one_number_is_drawn():
    figure = heat_map(grid_table().assign(result=2e6))

    assert named(figure, "result").zmin < 2 < named(figure, "result").zmax


def test_a_grid_with_a_hole_or_a_pair_twice_is_refused():
    table = grid_table()

    with pytest.raises(ValueError, match=r"24 rows for 5 values of first_share and 5 of hazard"):
        heat_map(table.drop(index=3))
    with pytest.raises(ValueError, match=r"expected every pair once"):
        heat_map(pd.concat([table.drop(index=3), table.iloc[[0]]]))
    with pytest.raises(ValueError, match=r"expected two parameters and result"):
        heat_map(table.assign(third=1.0))
