"""The charts for a class print what their tables hold, stand still where nothing moves, and refuse."""

import json
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.io as pio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_report import STAMP

from plcore import charts
from plcore.charts.display import PLOTLY, show
from plcore.charts.frame import widened, width
from plcore.charts.geography import SHADES
from plcore.charts.people import LOOKS
from plcore.clinic.people import people_of
from plcore.clinic.places import by_state
from plcore.evidence.data import DATA, cite
from plcore.evidence.population import read_population
from plcore.models.limb_loss import people_with_limb_loss
from plcore.models.pain import people_with_pain
from plcore.report import teaching
from plcore.report.notebooks import Block, Exhibit, Page
from plcore.report.site import write_report
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

WORLD = read_scenario(choices={"first_year": 2005, "last_year": 2030})
DRAWS = draw(WORLD.parameters, 64, seed=1)


def icons_table():
    return pd.DataFrame(
        {
            "panel": ["All", "All", "Of them", "Of them", "Of them"],
            "label": ["with", "without", "in pain", "perhaps", "not"],
            "look": ["limb_loss", "other", "pain", "perhaps_pain", "other"],
            "count": [1, 189, 65, 18, 17],
            "low": [None, None, 60, None, None],
            "high": [None, None, 70, None, None],
        }
    )


def ages_table():
    rows = [
        (year, age, cause, value * year / 2000)
        for year in (2000, 2010, 2020)
        for age, values in (("0-9", (1.0, 2.0)), ("10+", (3.0, 4.0)))
        for cause, value in zip(("Disease", "Injury"), values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["year", "label", "series", "value"])


def maps_table():
    return pd.DataFrame(
        {
            "panel": ["Then", "Then", "Now", "Now"],
            "place": ["AA", "BB"] * 2,
            "name": ["Aland", "Bland"] * 2,
            "value": [1.0, 2.0, 3.5, 9.0],
            "low": [0.5, 1.0, 3.0, 8.0],
            "high": [2.0, 3.0, 4.0, 10.0],
        }
    )


def squares():
    """AA is a square, BB two of them with a gap between."""
    corners = [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    parts = [("AA", 0, 0), ("BB", 0, 2), ("BB", 1, 4)]
    return pd.DataFrame(
        [(place, part, x + right, y) for place, part, right in parts for x, y in corners],
        columns=["place", "part", "x", "y"],
    )


def icons(table, **options):
    return charts.icons(table, title="T", unit="people", source="S", caption="C", **options)


def ages_over_years(table, **options):
    given_ = {"start": 2010} | options
    return charts.ages_over_years(table, title="T", xaxis="People", source="S", **given_)


def maps(table, outlines=None, **options):
    outlines = squares() if outlines is None else outlines
    given_ = {"breaks": (1, 2, 3, 4)} | options
    return charts.maps(table, outlines, title="T", unit="per head", source="S", note="N", **given_)


EVERY = [(icons, icons_table()), (ages_over_years, ages_table()), (maps, maps_table())]
IDS = [chart.__name__ for chart, _ in EVERY]
each_chart = pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)


def texts(figure, name):
    return [note.text for note in figure.layout.annotations if note.name == name]


# Every chart --------------------------------------------------------------------------------------


@each_chart
def test_a_teaching_chart_has_its_title_unit_source_and_description(chart, table):
    figure = chart(table)

    assert texts(figure, "title") == ["<b>T</b>"]
    assert texts(figure, "source") == ["Source: S"]
    assert all(texts(figure, name) not in ([], [""]) for name in ("unit", "caption"))
    assert figure.layout.meta["alt"].endswith(".")
    assert figure.layout.width is None


@each_chart
def test_a_teaching_chart_refuses_an_empty_table_and_a_missing_column(chart, table):
    with pytest.raises(ValueError, match=rf"{chart.__name__}: the table has no rows"):
        chart(table.iloc[:0])
    for column in table.columns.drop(["low", "high"], errors="ignore"):
        with pytest.raises(ValueError, match=rf"no column {column}; the table has"):
            chart(table.drop(columns=column))


@each_chart
def test_a_teaching_chart_asks_nothing_of_any_server(chart, table):
    drawn = pio.to_json(chart(table))

    assert "//" not in drawn
    assert {json.loads(drawn)["data"][i]["type"] for i in range(len(chart(table).data))} <= {
        "scatter",
        "bar",
    }


@each_chart
def test_on_a_slide_a_teaching_chart_keeps_its_plot_as_high(chart, table):
    layout = json.loads(pio.to_json(chart(table)))["layout"]
    layout["annotations"] = [
        each | {"text": "<b>" + "<br>".join(["words"] * 4) + "</b>"} if each["name"] == "title"
        else each
        for each in layout["annotations"]
    ]  # fmt: skip
    wide = widened(layout, 1000)

    def plot(one):
        return one["height"] - one["margin"]["t"] - one["margin"]["b"]

    assert wide["height"] < layout["height"]
    assert plot(wide) == plot(layout)


# Icons --------------------------------------------------------------------------------------------


def test_no_two_icons_stand_on_each_other_and_all_are_within_the_chart():
    figure = icons(icons_table())
    places = [(x, y) for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True)]
    widest, (bottom, top) = figure.layout.xaxis.range[1], figure.layout.yaxis.range

    assert len(set(places)) == len(places)
    apart = min(abs(a - b) for a, b in pairwise(sorted({x for x, _ in places})))
    assert apart >= 11
    assert all(0 < x < widest and top < y < bottom for x, y in places)
    assert widest <= 344


def test_icons_fill_whole_rows_where_a_row_can_be_as_long():
    # By hand: 190 is ten rows of 19, a hundred five of 20, and 97 is prime.
    for people, across in ((190, 19), (100, 20), (97, 20), (7, 7)):
        table = pd.DataFrame({"panel": ["P"], "label": ["L"], "look": ["pain"], "count": [people]})
        trace = icons(table).data[0]

        assert len(set(trace.x[1:])) == across
        assert len(set(trace.y[1:])) == -(-people // across)


def test_icons_are_told_apart_without_colour():
    seen = [(symbol, fill == line) for symbol, _, line, fill in LOOKS.values()]

    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("count", 1.5, r"icons: count, row 2: 1.5; expected a whole number"),
        ("count", -1, r"icons: count, row 2: -1; expected a whole number"),
        ("look", "pale", r"icons: look, row 2: 'pale'; expected one of limb_loss, pain"),
        ("high", None, r"icons: high, row 2: nothing; expected a number"),
        ("low", 66, r"icons: row 2: low is 66 and count is 65; expected low to be no larger"),
    ],
)
def test_icons_refuse_a_wrong_row_and_say_which(column, value, message):
    table = icons_table().astype({"count": float, column: object})
    table.loc[2, column] = value
    if column == "count":
        table[["low", "high"]] = None

    with pytest.raises(ValueError, match=message):
        icons(table)


def test_a_panel_of_nobody_or_of_a_crowd_nobody_can_count_is_refused():
    for count in (0, 501):
        table = pd.DataFrame({"panel": ["P"], "label": ["L"], "look": ["pain"], "count": [count]})
        with pytest.raises(ValueError, match=rf"panel 'P' has {count} icons; expected 1 to 500"):
            icons(table)


# Ages, year by year -------------------------------------------------------------------------------


def test_there_is_a_frame_and_a_step_of_the_slider_for_every_year():
    figure = ages_over_years(ages_table())

    assert [frame.name for frame in figure.frames] == ["2000", "2010", "2020"]
    steps = figure.layout.sliders[0].steps
    assert [step.label for step in steps] == ["2000", "2010", "2020"]
    assert [step.args[0] for step in steps] == [("2000",), ("2010",), ("2020",)]


def test_the_axis_has_room_for_the_longest_bar_of_all_years():
    figure = ages_over_years(ages_table(), start=2000)

    # By hand: the bars of 10+ in 2020, 7 times 1.01; no frame sets an axis of its own.
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.xaxis.range[1] >= 7.07
    assert all(frame.layout.to_plotly_json() == {} for frame in figure.frames)


def test_the_slider_is_below_all_text_and_the_legend_stays_above_the_unit():
    figure = ages_over_years(ages_table())
    plain = charts.bars(
        pd.DataFrame({"label": ["A"], "value": [1.0], "low": [0.5], "high": [2.0]}),
        title="T",
        xaxis="People",
        source="S",
    )
    bottom = figure.layout.margin.b
    for control in (figure.layout.sliders[0], figure.layout.updatemenus[0]):
        assert control.pad.t >= plain.layout.margin.b
        assert control.pad.t < bottom
    legend_from_top = (1 - figure.layout.legend.y) * figure.layout.height
    assert 0 < legend_from_top < figure.layout.margin.t


def test_causes_differ_in_hatch_as_well():
    shapes = [trace.marker.pattern.shape for trace in ages_over_years(ages_table()).data[:2]]

    assert len(set(shapes)) == 2
    # Without an overlay a white hatch on nothing is drawn, and the bar cannot be seen.
    fills = {trace.marker.pattern.fillmode for trace in ages_over_years(ages_table()).data[:2]}
    assert fills == {"overlay"}


def test_a_waterfall_step_that_takes_away_can_be_seen():
    table = pd.DataFrame(
        {
            "label": ["a", "b", "c"],
            "value": [3.0, -1.0, 2.0],
            "low": None,
            "high": None,
            "role": ["total", "step", "total"],
        }
    )
    figure = charts.waterfall(table, title="T", xaxis="People", source="S")

    down = next(trace for trace in figure.data if trace.name == "down")
    assert down.marker.pattern.fillmode == "overlay"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(index=5), r"no 0-9, Injury in 2010; expected every age group and series"),
        (lambda t: pd.concat([t, t.tail(1)]), r"row 11: 10\+, Injury twice in 2020"),
        (lambda t: t.assign(value=-t["value"]), r"value, row 0: below 0; expected people"),
    ],
)
def test_ages_that_are_not_there_in_every_year_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ages_over_years(change(ages_table()))


def test_a_year_that_is_not_there_cannot_be_the_first_shown():
    with pytest.raises(ValueError, match=r"start is 1999; expected one of 2000, 2010, 2020"):
        ages_over_years(ages_table(), start=1999)


def test_show_and_the_report_keep_the_frames(monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    figure, table = ages_over_years(ages_table()), ages_table()
    show(figure, name="moves", caption="It moves.", table=table)
    bundle = shown[0][PLOTLY]

    assert [frame["name"] for frame in bundle["frames"]] == ["2000", "2010", "2020"]
    exhibit = Exhibit("moves", "It moves.", "A chart.", bundle, shown[0]["text/csv"], ())
    block = Block("exhibit", exhibit=exhibit)
    write_report([Page("01_moves", "Moves", "", (block,), (), ())], tmp_path / "r", stamp=STAMP)
    kept = json.loads((tmp_path / "r" / "figures" / "moves.json").read_text())
    assert kept["frames"] == bundle["frames"]
    page = (tmp_path / "r" / "01_moves.html").read_text()
    embedded = re.search(r'id="json-moves">(.*?)</script>', page, re.DOTALL)
    assert json.loads(embedded[1])["frames"] == bundle["frames"]


def test_a_chart_that_does_not_move_has_no_frames(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    show(icons(icons_table()), name="still", caption="Still.", table=icons_table())

    assert "frames" not in shown[0][PLOTLY]


# Maps ---------------------------------------------------------------------------------------------


def drawn_places(figure, axis):
    """Class -> its rings of points on one map."""
    found = {}
    for trace in figure.data:
        if trace.name == "places" and (trace.xaxis or "x") == axis:
            rings, ring = [], []
            for point in zip(trace.x, trace.y, strict=True):
                if point == (None, None):
                    rings.append(ring)
                    ring = []
                else:
                    ring.append(point)
            found[SHADES.index(trace.fillcolor)] = rings
    return found


def test_every_place_is_drawn_with_all_its_pieces_in_the_class_of_its_value():
    figure = maps(maps_table())

    # By hand, breaks 1, 2, 3, 4: a value on a limit is in the class above.
    then, now = drawn_places(figure, "x"), drawn_places(figure, "x2")
    assert {shade: len(rings) for shade, rings in then.items()} == {1: 1, 2: 2}
    assert {shade: len(rings) for shade, rings in now.items()} == {3: 1, 4: 2}
    assert then[1] == [[(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]]


def test_the_key_of_a_map_names_the_five_classes_and_they_darken():
    names = [trace.name for trace in maps(maps_table()).data if trace.showlegend]
    light = [0.2126 * int(s[1:3], 16) + 0.7152 * int(s[3:5], 16) + 0.0722 * int(s[5:], 16)
             for s in SHADES]  # fmt: skip

    assert names == ["under 1", "1 to 2", "2 to 3", "3 to 4", "4 on"]
    # In print without colour, a sixth of the way from white to black apart at the least.
    assert all(lighter - darker >= 255 / 6 for lighter, darker in pairwise(light[1:]))
    assert light[0] - light[1] > 25


def test_a_map_keeps_its_shape_on_any_screen():
    layout = maps(maps_table()).layout

    assert (layout.yaxis.scaleanchor, layout.yaxis2.scaleanchor) == ("x", "x2")
    assert (layout.xaxis.domain[1], layout.xaxis2.domain[1]) == (pytest.approx(0.483, abs=0.01), 1)
    assert layout.yaxis.range == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(index=3), r"maps: no BB in 'Now'; expected every place of the map"),
        (lambda t: t.replace({"place": {"AA": "CC"}}), r"place, row 0: 'CC' has no outline"),
        (lambda t: pd.concat([t, t.tail(1)]), r"maps: row 3: BB twice in 'Now'"),
        (lambda t: t.assign(low=3.0), r"maps: row 0: low is 3 and value is 1"),
    ],
)
def test_a_map_that_is_not_whole_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        maps(change(maps_table()))


@pytest.mark.parametrize("breaks", [(1, 2, 3), (1, 2, 2, 3), (1, 2, 3, np.nan)])
def test_breaks_that_do_not_make_five_classes_are_refused(breaks):
    with pytest.raises(ValueError, match=r"maps: (3 breaks; expected 4|breaks .* rising numbers)"):
        maps(maps_table(), breaks=breaks)


def test_the_heading_of_a_map_fits_half_a_phone():
    table = maps_table().replace(
        {"panel": {"Now": "A heading of many words, too long for one line"}}
    )
    lines = texts(maps(table), "panel")

    assert max(width(re.sub("<.*?>", "", line), 12, bold="<b>" in line) for line in lines) <= 166


# Outlines -----------------------------------------------------------------------------------------


def test_the_projection_gives_the_numbers_of_its_manual():
    # Snyder 1987, Map Projections: A Working Manual, Appendix A, p. 291: sphere of radius 1.
    x, y = teaching.projected(-75.0, 35.0, teaching.Albers(23, -96, 29.5, 45.5))

    assert (float(x), float(y)) == pytest.approx((0.2952720, 0.2416774), abs=5e-8)


def test_a_longitude_beyond_the_date_line_is_taken_the_nearer_way():
    alaska = teaching.Albers(50, -154, 55, 65)

    x, y = teaching.projected([179.0, -181.0], 52.0, alaska)

    assert x[0] == pytest.approx(x[1])
    assert y[0] == pytest.approx(y[1])
    assert x[0] < 0


def test_all_states_and_dc_have_an_outline():
    outlines = teaching.state_outlines()

    assert outlines["place"].nunique() == 51
    assert {"AK", "HI", "DC", "CA", "ME"} <= set(outlines["place"])
    for _, ring in outlines.groupby(["place", "part"]):
        assert len(ring) >= 4
        assert ring.iloc[0].equals(ring.iloc[-1])


def test_areas_on_the_map_are_those_of_the_states():
    outlines = teaching.state_outlines()

    def area(place):
        rings = outlines[outlines["place"] == place].groupby("part")
        return sum(
            abs(np.dot(r.x[:-1], r.y[1:]) - np.dot(r.y[:-1], r.x[1:])) / 2
            for r in (ring.reset_index() for _, ring in rings)
        )

    # Total areas by the US Census Bureau (State Area Measurements, 2010), km2; the outlines leave
    # out corners, and of coastal waters the file has none.
    assert area("CO") == pytest.approx(269_601, rel=0.01)
    assert area("KS") == pytest.approx(213_100, rel=0.01)
    assert area("NM") == pytest.approx(314_917, rel=0.01)


def test_neighbours_share_the_corners_of_their_border():
    outlines = teaching.state_outlines()
    colorado, kansas, utah = (
        set(map(tuple, outlines.loc[outlines["place"] == state, ["x", "y"]].to_numpy()))
        for state in ("CO", "KS", "UT")
    )

    # The two ends of each border at the least.
    assert len(colorado & kansas) >= 2
    assert len(colorado & utah) >= 2
    assert not kansas & utah


def test_the_source_of_the_outlines_is_known():
    assert cite("census_states_2023")
    assert "`census_states_2023`" in (DATA / "README.md").read_text()


def test_a_file_of_outlines_without_any_is_refused(tmp_path):
    (tmp_path / "geography").mkdir()
    (tmp_path / "geography" / "us_states.geojson").write_text('{"features": []}\n')

    with pytest.raises(ValueError, match=r"us_states.geojson: no features; expected the states"):
        teaching.state_outlines(folder=tmp_path)


# Numbers ------------------------------------------------------------------------------------------


def test_sure_perhaps_and_not_add_up_to_everybody():
    # By hand: 65.06% and 83.38% of a hundred.
    assert teaching.sure_and_perhaps(0.6506, 0.8338) == (65, 18, 17)


@given(low=st.floats(0, 1), high=st.floats(0, 1), people=st.integers(1, 500))
def test_nobody_is_left_out_or_counted_twice(low, high, people):
    low, high = sorted((low, high))
    parts = teaching.sure_and_perhaps(low, high, people=people)

    assert sum(parts) == people
    assert min(parts) >= 0


@pytest.mark.parametrize("limits", [(0.5, 0.4), (-0.1, 0.5), (0.5, 1.1), (np.nan, 0.5)])
def test_limits_that_are_no_shares_are_refused(limits):
    with pytest.raises(ValueError, match=r"expected 0 <= low <= high <= 1"):
        teaching.sure_and_perhaps(*limits)


def test_of_25_patients_chance_alone_gives_these_shares():
    low, high = teaching.seen_by_chance(0.4, 25)

    # Exact tails of the binomial, by its definition: at most 2.5% on either side of 5 to 15.
    assert (float(low), float(high)) == (5 / 25, 15 / 25)
    below = sum(stats.binom.pmf(k, 25, 0.4) for k in range(5))
    above = sum(stats.binom.pmf(k, 25, 0.4) for k in range(16, 26))
    assert below <= 0.025 < below + stats.binom.pmf(5, 25, 0.4)
    assert above <= 0.025 < above + stats.binom.pmf(15, 25, 0.4)


@given(share=st.floats(0.01, 0.99), n=st.integers(2, 60))
def test_a_series_is_seen_by_chance_where_its_exact_interval_holds_the_share(share, n):
    """The interval of Clopper and Pearson (1934) inverts these tails."""
    low, high = (round(float(end) * n) for end in teaching.seen_by_chance(share, n))

    for seen in (low, high):
        ends = stats.binomtest(seen, n).proportion_ci(0.95, "exact")
        assert ends[0] <= share * (1 + 1e-9)
        assert ends[1] >= share * (1 - 1e-9)


@pytest.mark.parametrize(
    ("share", "n", "level", "message"),
    [
        (1.5, 25, 0.95, r"share is 1.5; expected one from 0 to 1"),
        (np.nan, 25, 0.95, r"share is nan; expected one from 0 to 1"),
        (0.5, 0, 0.95, r"n is 0; expected 1 or more patients"),
        (0.5, 25, 1.0, r"level is 1; expected a share between 0 and 1"),
    ],
)
def test_what_no_series_can_have_is_refused(share, n, level, message):
    with pytest.raises(ValueError, match=message):
        teaching.seen_by_chance(share, n, level=level)


def test_ages_and_causes_add_up_to_everybody_with_limb_loss():
    found = teaching.ages_by_cause(DRAWS, WORLD, years=[2005, 2030], ages=range(0, 91, 10))
    whole = people_with_limb_loss(DRAWS, WORLD).values["limb_loss"].mean(axis=0)

    assert found.groupby("year")["value"].sum().to_numpy() == pytest.approx(whole[[0, -1]])
    assert found["label"].unique().tolist()[0] == "0-9"
    assert found["label"].unique().tolist()[-1] == "90+"
    assert set(found["series"]) == {"dysvascular", "trauma", "cancer"}


def test_the_states_together_have_the_pain_of_the_nation():
    one = DRAWS.iloc[:1]
    found = teaching.pain_by_state(one, WORLD, years=[2025])
    areas = [by_state(place) for place in found["place"]]
    residents = people_of(areas, read_population("USA"), years=[2025]).sum(axis=(1, 2, 3))
    nation = people_with_pain(one, WORLD).values["plp"][0, 2025 - 2005]

    assert len(found) == 51
    assert float((found["value"] / 1e5) @ residents) == pytest.approx(nation)


def test_states_differ_less_if_limb_loss_does_not_follow_diabetes():
    as_believed = teaching.pain_by_state(DRAWS, WORLD, years=[2025])
    without = DRAWS.assign(diabetes_elasticity=0.0)
    by_age_alone = teaching.pain_by_state(without, WORLD, years=[2025])

    assert by_age_alone["value"].std() < as_believed["value"].std()
    assert (as_believed["low"] < as_believed["value"]).all()
    assert (as_believed["value"] < as_believed["high"]).all()
