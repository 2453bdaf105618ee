"""What charts print is what their tables hold; and what they refuse to print."""

import itertools

import numpy as np
import pandas as pd
import plotly.io as pio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore import charts
from plcore.charts.frame import (
    ASSUMED,
    LABEL_SIZE,
    YEARS_THAT_MATTER,
    interval,
    number,
    significant,
    tick_texts,
    ticks,
    width,
    wrapped,
    year_ticks,
)
from plcore.charts.years import DASHES, spread

LEVELS = (50, 80, 95)


def fan_table(years, median=2e6, **columns):
    """Bands of 0.1, 0.2 and 0.4 million around a median."""
    table = pd.DataFrame({"year": list(years), "median": median})
    for level, reach in zip(LEVELS, (1e5, 2e5, 4e5), strict=True):
        table[f"low_{level}"], table[f"high_{level}"] = median - reach, median + reach
    return table.assign(**columns)


def forest_table():
    return pd.DataFrame(
        {
            "label": ["Leg", "Ehde 2000", "Hanley 2009", "Part", "Kept out", "All", "Elsewhere"],
            "role": ["heading", "study", "study", "subtotal", "study", "pooled", "prediction"],
            "low": [None, 0.66, 0.70, 0.68, 0.10, 0.70, 0.50],
            "estimate": [None, 0.72, 0.79, 0.74, 0.30, 0.75, None],
            "high": [None, 0.77, 0.86, 0.80, 0.50, 0.80, 0.90],
            "n": [None, 255, 104, None, 20, 359, None],
            "events": [None, 183, 82, None, 6, 265, None],
            "weight": [None, 4.0, 1.0, None, None, None, None],
            "seen": ["", "abstract", "secondary", "derived", "memory", "derived", "derived"],
        }
    )


def claims_table():
    return pd.DataFrame(
        {
            "label": ["60-85% have it", "Fewer than 10% are relieved", "20% of children"],
            "claimed_low": [60.0, None, None],
            "claimed": [None, None, 20.0],
            "claimed_high": [85.0, 10.0, None],
            "found_low": [60.01, None, None],
            "found": [64.0, 1.0, 4.0],
            "found_high": [68.05, None, None],
            "verdict": ["supported", "misattributed", "contradicted"],
            "seen": ["abstract", "abstract", "derived"],
        }
    )


def bars_table(**columns):
    return pd.DataFrame(
        {"label": ["A", "B"], "value": [0.4, 0.6], "low": [0.3, 0.5], "high": [0.6, 0.65]}
    ).assign(**columns)


def lines_table():
    return pd.DataFrame(
        {"year": [2005, 2050] * 2, "value": [1.6, 3.6, 1.6, 3.0], "series": ["up"] * 2 + ["on"] * 2}
    )


def verdicts_table():
    return pd.DataFrame(
        {
            "topic": ["dose", "dose", "other_treatments"],
            "verdict": ["supported", "unverifiable", "misattributed"],
            "claims": [2, 1, 3],
        }
    )


def fan(table, **options):
    return charts.fan(table, title="T", yaxis="People (millions)", source="S", **options)


def forest(table, **options):
    return charts.forest(table, title="T", xaxis="Share", source="S", **options)


def bars(table, **options):
    return charts.bars(table, title="T", xaxis="Share", source="S", **options)


def lines(table, **options):
    return charts.lines(table, title="T", yaxis="People", source="S", **options)


def claims(table, **options):
    return charts.claims_against_evidence(table, title="T", unit="% of people", source="S")


def verdicts(table, **options):
    return charts.verdict_counts(table, title="T", source="S")


def funnel_edges(centre=0.6):
    """A funnel on the logit scale that closes at a standard error of 0."""
    se = np.linspace(0, 0.4, 5)
    middle = np.log(centre / (1 - centre))
    low, high = (1 / (1 + np.exp(-(middle + side * 1.96 * se))) for side in (-1, 1))
    return pd.DataFrame({"se": se, "low": low, "high": high, "centre": centre})


def funnel_table():
    return pd.DataFrame(
        {
            "label": ["Large 2001", "Small 2002", "Odd 2003"],
            "share": [0.61, 0.55, 0.2],
            "se": [0.05, 0.35, 0.2],
            "n": [900, 40, 120],
            "seen": ["abstract", "secondary", "primary"],
        }
    )


def funnel(table, edges=None):
    edges = funnel_edges() if edges is None else edges
    return charts.funnel(
        table, edges, title="T", xaxis="Share in pain", yaxis="standard error", source="S"
    )


def curves_table():
    return pd.DataFrame(
        {
            "x": [0, 10, 20, 0, 20],
            "value": [0.1, 0.5, 0.4, 0.2, 0.3],
            "low": [0.0, 0.4, 0.2, None, None],
            "high": [0.2, 0.6, 0.6, None, None],
            "series": ["Claimed"] * 3 + ["Found"] * 2,
        }
    )


def curves(table, **options):
    return charts.curves(table, title="T", xaxis="days", yaxis="Relief", source="S", **options)


def shrinking_table(**columns):
    return pd.DataFrame(
        {"label": ["Live there", "Would come"], "value": [13.9e6, 184.0], "low": [13.9e6, 28.7],
         "high": [13.9e6, 620.0], "seen": ["derived", "assumed"]}
    ).assign(**columns)  # fmt: skip


def shrinking(table):
    return charts.steps(table, title="T", xaxis="People", source="S")


EVERY = [
    (curves, curves_table().drop(columns=["low", "high"])),
    (funnel, funnel_table()),
    (fan, fan_table([2005, 2006])),
    (forest, forest_table()),
    (bars, bars_table()),
    (lines, lines_table()),
    (claims, claims_table()),
    (verdicts, verdicts_table()),
    (shrinking, shrinking_table()),
]
IDS = [chart.__name__ for chart, _ in EVERY]


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def texts(figure, name):
    """The texts of a kind, with a hyphen where the chart has the longer dash."""
    notes = [note.text for note in figure.layout.annotations if note.name == name]
    return [text.replace("\N{EN DASH}", "-") for text in notes]


# Every chart


@pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)
def test_every_chart_has_a_title_a_unit_a_caption_a_source_and_a_description(chart, table):
    figure = chart(table)

    assert texts(figure, "title") == ["<b>T</b>"]
    assert texts(figure, "source") == ["Source: S"]
    assert all(texts(figure, name) != [""] for name in ("unit", "caption"))
    assert figure.layout.meta["source"] == "S"
    assert figure.layout.meta["alt"].endswith(".")


@pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)
def test_the_same_table_gives_the_same_bytes_and_is_left_as_it_was(chart, table):
    before = table.copy(deep=True)

    assert pio.to_json(chart(table)) == pio.to_json(chart(table))
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)
def test_every_chart_refuses_an_empty_table_and_a_missing_column(chart, table):
    with pytest.raises(ValueError, match=r"the table has no rows; expected at least one"):
        chart(table.iloc[:0])
    for column in table.columns.drop(["n", "events", "weight", "seen"], errors="ignore"):
        with pytest.raises(ValueError, match=rf"no column {column}; the table has"):
            chart(table.drop(columns=column))


@pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)
def test_every_chart_refuses_what_is_no_table(chart, table):
    with pytest.raises(TypeError, match=r"the table is a dict; expected a DataFrame"):
        chart(table.to_dict())


@pytest.mark.parametrize(("chart", "table"), EVERY, ids=IDS)
def test_every_chart_refuses_a_number_that_is_none_and_says_where(chart, table):
    column = next(
        c for c in ("high_80", "high", "value", "found", "claims", "share") if c in table.columns
    )
    broken = table.astype({column: object})
    broken.index = [f"line {i}" for i in range(len(broken))]
    broken.loc["line 1", column] = "12"

    with pytest.raises(ValueError, match=rf"{column}, row line 1: .*; expected a finite number"):
        chart(broken)


@pytest.mark.parametrize("word", ["title", "source"])
def test_a_chart_without_a_title_or_a_source_is_refused(word):
    given = {"title": "T", "source": "S"} | {word: " "}
    with pytest.raises(ValueError, match=rf"{word} is ' '; expected text"):
        charts.verdict_counts(verdicts_table(), **given)


def test_text_that_looks_like_a_tag_or_a_formula_is_printed_as_it_is():
    table = bars_table(label=["<10% & more", "$5 to $9"])
    figure = charts.bars(table, title="a < b", xaxis="Share", source="S")

    assert texts(figure, "title") == ["<b>a &lt; b</b>"]
    assert figure.layout.yaxis.ticktext == ("&lt;10% &amp; more", "&#36;5 to &#36;9")
    assert "&lt;10% &amp; more" in figure.data[0].hovertext[0]


def test_there_is_room_for_every_line_of_a_long_title_and_source():
    short = bars(bars_table())
    long = charts.bars(
        bars_table(), title="word " * 40, xaxis="Share", source="Somebody 2008; " * 30
    )
    more_title = texts(long, "title")[0].count("<br>")
    more_source = texts(long, "source")[0].count("<br>")

    assert more_title > 3
    assert more_source > 5
    # Lines of text of 16 and 11 pixels, 1.3 times as far apart.
    grown = long.layout.margin.t - short.layout.margin.t
    assert grown == pytest.approx(1.3 * 16 * more_title, abs=more_title)
    grown = long.layout.margin.b - short.layout.margin.b
    assert grown == pytest.approx(1.3 * 11 * more_source, abs=more_source)


# fan


def test_a_fan_says_which_intervals_its_bands_are():
    assert "50, 80 and 95%<br>intervals." in texts(fan(fan_table([2005, 2006])), "caption")[0]


def test_several_series_have_a_band_each_and_are_labelled_where_they_end():
    table = pd.concat([fan_table([2005, 2006], m, series=s) for s, m in (("a", 2e6), ("b", 4e6))])
    figure = fan(table)

    assert len([trace for trace in figure.data if trace.fill == "toself"]) == 2
    assert texts(figure, "series") == ["a", "b"]
    styles = {(t.line.color, t.line.dash) for t in named(figure, "line")}
    assert len({colour for colour, _ in styles}) == len({dash for _, dash in styles}) == 2
    assert len({named(figure, name)[0].marker.symbol for name in "ab"}) == 2


def test_published_points_are_open_where_their_source_was_not_read():
    points = pd.DataFrame(
        {
            "year": [2005, 2050, 2030],
            "value": [1.6e6, 3.6e6, 2e6],
            "label": ["ZG 2008", "ZG 2008", "Guess"],
            "low": [1.5e6, None, None],
            "high": [1.8e6, None, None],
            "seen": ["abstract", "secondary", "assumed"],
        }
    )
    figure = fan(fan_table([2005, 2050]), points=points, scale=1e6)

    shown = [(t.name, t.marker.symbol, t.y) for t in figure.data if t.showlegend]
    assert shown == [
        ("ZG 2008", "circle", (1.6,)),
        ("ZG 2008 (second hand)", "circle-open", (3.6,)),
        ("Guess (assumed)", "square-open", (2.0,)),
    ]
    (read,) = named(figure, "ZG 2008")
    assert read.error_y.array == pytest.approx([0.2])
    assert read.error_y.arrayminus == pytest.approx([0.1])
    assert read.hovertext[0].endswith("People (millions): 1.6 (1.5 to 1.8)")


def test_no_two_entries_of_the_legend_of_published_points_look_alike():
    seen = ["secondary", "derived", "primary", "assumed", "abstract", "secondary"]
    points = pd.DataFrame({"year": [*range(2005, 2011)], "value": 2e6, "seen": seen,
                           "label": ["A", "A", "A", "A", "B", "C"]})  # fmt: skip
    figure = fan(fan_table(range(2005, 2011)), points=points)
    looks = [trace.marker.symbol for trace in figure.data if trace.showlegend]

    assert len(looks) == len(set(looks)) >= 5


def test_a_point_outside_its_own_limits_is_refused():
    points = pd.DataFrame({"year": [2005], "value": [1.0], "label": ["a"], "low": [2.0]})
    with pytest.raises(ValueError, match=r"fan, points: row 0: low is 2 and value is 1; expected"):
        fan(fan_table([2005]), points=points)


def test_bands_that_do_not_lie_within_each_other_are_refused():
    table = fan_table([2005, 2006])
    table.loc[1, "low_80"] = 0.0
    with pytest.raises(
        ValueError, match=r"fan: row 1: low_95 is 1.6e.06 and low_80 is 0; expected"
    ):
        fan(table)


def test_two_scenarios_in_one_series_are_refused():
    with pytest.raises(ValueError, match=r"year, row 0: 2005 after 2006; .*one series"):
        fan(pd.concat([fan_table([2005, 2006])] * 2))


def test_a_series_without_a_name_among_others_is_refused():
    table = fan_table([2005, 2006], series=["a", None])
    with pytest.raises(ValueError, match=r"series, row 1: nothing; expected the name"):
        fan(table)


def test_more_series_than_can_be_told_apart_are_refused():
    table = pd.concat([fan_table([2005], series=str(i)) for i in range(6)])
    with pytest.raises(ValueError, match=r"6 series; expected at most 5"):
        fan(table)


@pytest.mark.parametrize("scale", [0, np.nan])
def test_a_scale_that_nothing_can_be_divided_by_is_refused(scale):
    with pytest.raises(ValueError, match=r"expected a finite number above 0"):
        fan(fan_table([2005]), scale=scale)


def test_extrapolated_must_be_true_or_false():
    with pytest.raises(ValueError, match=r"extrapolated, row 1: nan; expected True or False"):
        fan(fan_table([2005, 2006], extrapolated=[True, np.nan]))


def test_the_description_of_a_fan_gives_its_first_and_last_numbers():
    alt = fan(fan_table([2005, 2006, 2007]), scale=1e6).layout.meta["alt"]
    assert "median 2 in 2005 (95% interval 1.6 to 2.4), 2 in 2007 (95% interval 1.6 to 2.4)" in alt


# forest


def test_without_weights_all_squares_are_alike_and_filled():
    (studies,) = named(forest(forest_table().drop(columns="weight")), "studies")

    assert set(studies.marker.size) == {9}
    assert set(studies.marker.symbol) == {"square"}


def test_control_groups_are_told_from_treatment_by_their_mark_and_the_caption():
    table = forest_table().drop(columns="weight")
    table.loc[2, "role"] = "control"
    figure = forest(table)

    (studies,) = named(figure, "studies")
    assert list(studies.marker.symbol) == ["square", "circle-open", "square"]
    (caption,) = texts(figure, "caption")
    assert caption.replace("<br>", " ").startswith("Squares: treatment; open circles: control;")


def test_the_column_of_a_forest_prints_shares_as_percent():
    column = texts(forest(forest_table(), percent=True), "number")

    assert column == [
        "72% (66-77)", "79% (70-86)", "<b>74% (68-80)</b>", "30% (10-50)", "<b>75% (70-80)</b>",
        "50-90%",
    ]  # fmt: skip


def test_the_column_of_a_forest_keeps_two_digits_of_the_narrowest_interval():
    table = pd.DataFrame(
        {"label": ["a"], "role": ["study"], "low": [0.9], "estimate": [1.234], "high": [1.5]}
    )
    assert texts(forest(table), "number") == ["1.23 (0.90-1.50)"]


def test_a_negative_limit_is_joined_by_a_word():
    table = pd.DataFrame(
        {"label": ["a"], "role": ["study"], "low": [-1.0], "estimate": [0.5], "high": [2.0]}
    )
    assert texts(forest(table), "number") == ["0.5 (-1.0 to 2.0)"]


def test_where_a_phone_has_no_room_lines_stay_and_the_rounder_ones_keep_their_labels():
    table = forest_table().assign(low=lambda t: t["low"].mask(t["role"] == "study", 0.06))
    axis = forest(table.assign(label="A label of more than one line"), percent=True).layout.xaxis

    assert list(axis.tickvals) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert axis.ticktext == ("", "40%", "", "80%")


def test_the_reference_line_stands_where_asked_even_at_zero():
    def at(figure):
        return [shape.x0 for shape in figure.layout.shapes if shape.name == "reference"]

    assert at(forest(forest_table())) == []
    assert at(forest(forest_table(), reference=0)) == [0]
    low, _ = forest(forest_table(), reference=0).layout.xaxis.range
    assert low < 0


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (
            1,
            "role",
            "meta",
            "role, row 1: 'meta'; expected one of study, control, subtotal, pooled",
        ),
        (1, "estimate", None, "estimate, row 1: nothing; expected a finite number, as the role"),
        (6, "low", None, "low, row 6: nothing; .* as the role is prediction"),
        (0, "low", 0.1, "row 0: a heading has numbers; expected none"),
        (1, "low", 0.8, "row 1: low is 0.8 and estimate is 0.72; expected low to be no larger"),
        (1, "events", 300, "row 1: events is 300 and n is 255"),
        (1, "weight", -1.0, "weight, row 1: -1; expected 0 or more"),
        (1, "high", 1.2, "high, row 1: 1.2; expected a share, 0 to 1"),
        (1, "seen", "hearsay", "seen, row 1: 'hearsay'; expected one of primary, abstract"),
        (1, "label", " ", "label, row 1: ' '; expected text"),
    ],
)
def test_a_forest_refuses_a_wrong_row_and_says_which(row, column, value, message):
    table = forest_table()
    table.loc[row, column] = value
    with pytest.raises(ValueError, match=rf"forest: .*{message}"):
        forest(table, percent=True)


def test_headings_alone_are_no_forest():
    with pytest.raises(ValueError, match=r"headings only"):
        forest(forest_table().iloc[:1])


def test_the_description_of_a_forest_gives_its_extremes_and_the_pooled_mean():
    alt = forest(forest_table(), percent=True).layout.meta["alt"].replace("\N{EN DASH}", "-")
    assert "3 studies, from 30% (10-50) (Kept out) to 79% (70-86) (Hanley 2009)" in alt
    assert "All: 75% (70-80). Elsewhere: 50-90%." in alt


# bars


def test_bars_start_at_a_zero_at_the_edge_of_the_chart():
    low, high = bars(bars_table()).layout.xaxis.range
    assert low == 0
    assert high > 0.65


def test_bars_below_zero_have_room():
    figure = bars(bars_table(value=[-0.4, 0.6], low=[-0.5, 0.5]).assign(high=[-0.3, 0.65]))
    assert figure.layout.xaxis.range[0] < -0.5


def test_bars_of_two_series_stand_beside_their_numbers_and_differ_in_hatch():
    table = pd.concat([bars_table(series="x"), bars_table(series="y", value=0.55)])
    figure = bars(table)
    x, y = figure.data

    assert [b - a for a, b in zip(x.y, y.y, strict=True)] == pytest.approx([14.3, 14.3])
    assert x.marker.pattern.shape != y.marker.pattern.shape
    assert texts(figure, "number")[0].count("<br>") == 1
    assert (x.showlegend, y.showlegend) == (True, True)


def test_an_assumed_bar_is_grey_and_says_so():
    figure = bars(bars_table(seen=["primary", "assumed"]))

    assert [trace.marker.color for trace in figure.data] == [charts.EVIDENCE, ASSUMED]
    assert texts(figure, "number")[1].endswith("¶")
    assert texts(figure, "caption") == ["Whiskers: 95% interval. ¶ assumed."]


def test_bars_without_limits_say_that_there_are_none():
    figure = bars(bars_table(low=None, high=None))
    assert texts(figure, "caption") == ["Bars: single values, without intervals."]


def test_bars_refuse_half_an_interval_and_a_label_twice():
    with pytest.raises(ValueError, match=r"bars: low, row 0: nothing; expected a number"):
        bars(bars_table(low=[None, 0.5]))
    with pytest.raises(ValueError, match=r"row 1: 'A' a second time in one series"):
        bars(bars_table(label="A"))


# lines


def test_the_value_axis_starts_at_zero_unless_something_is_below():
    assert lines(lines_table()).layout.yaxis.range[0] == 0
    below = lines(lines_table().assign(value=[-1.0, 2, 1, 1]))
    assert below.layout.yaxis.range[0] < -1


# claims


def test_a_claimed_range_is_a_line_and_an_open_one_a_triangle():
    figure = claims(claims_table())
    (claimed,), (span,) = named(figure, "claimed"), named(figure, "claimed range")

    assert span.x == (60, 85, None)
    assert claimed.marker.symbol[1:] == ("triangle-left-open", "diamond-open")
    # The middle of a range is no claim: it is there for the hover text only.
    assert claimed.marker.size[0] == 0
    assert "Triangles" in texts(figure, "caption")[0]


def test_claims_print_their_numbers_and_verdicts():
    figure = claims(claims_table())
    plain = [text.split("</span> ") for text in texts(figure, "number")]

    assert [part[1].split("<br>")[0] for part in plain] == ["60 to 85", "under 10", "20"]
    assert [part[2] for part in plain] == ["64 (60 to 68)", "1", "4\N{NO-BREAK SPACE}‡"]
    assert figure.layout.yaxis.ticktext[1].endswith("<b>misattributed</b>")


def test_a_claim_without_any_number_is_refused():
    table = claims_table()
    table.loc[2, "found"] = None
    with pytest.raises(ValueError, match=r"found, row 2: nothing; expected a number in at least"):
        claims(table)


def test_an_unknown_verdict_is_refused():
    message = r"verdict, row 0: 'true'; expected one of supported"
    with pytest.raises(ValueError, match=message):
        claims(claims_table().assign(verdict="true"))
    with pytest.raises(ValueError, match=message):
        verdicts(verdicts_table().assign(verdict="true"))


# verdict_counts


def test_verdicts_are_stacked_by_topic_with_their_counts_printed():
    figure = verdicts(verdicts_table())

    stacks = {trace.name: trace.x for trace in figure.data}
    assert stacks == {
        "supported": (2, 0),
        "contradicted": (0, 0),
        "misattributed": (0, 3),
        "unverifiable": (1, 0),
    }
    counts = [(n.text, n.x) for n in figure.layout.annotations if n.name == "count"]
    assert counts == [("2", 1), ("1", 2.5), ("3", 1.5)]
    assert texts(figure, "number") == ["3", "3"]
    assert figure.layout.yaxis.ticktext == ("Dose", "Other treatments")
    assert "6 claims in 2 topics: 2 supported" in figure.layout.meta["alt"]


def test_the_ticks_of_counts_are_whole_numbers():
    figure = verdicts(verdicts_table().assign(claims=1))
    assert list(figure.layout.xaxis.tickvals) == [0, 1, 2]


def test_verdicts_differ_in_hatch_too():
    hatches = {trace.marker.pattern.shape for trace in verdicts(verdicts_table()).data}
    assert len(hatches) == 4


@pytest.mark.parametrize("count", [-1, 1.5])
def test_a_count_that_is_no_whole_number_is_refused(count):
    with pytest.raises(ValueError, match=r"claims, row 0: .*; expected a whole number, 0 or more"):
        verdicts(verdicts_table().assign(claims=count))


def test_a_pair_of_topic_and_verdict_twice_is_refused():
    with pytest.raises(ValueError, match=r"row 0: supported a second time for dose"):
        verdicts(pd.concat([verdicts_table()] * 2))


# Extremes


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_none_or_all_is_printed_whole(share):
    row = {"label": "x", "low": share, "estimate": share, "high": share, "role": "study"}
    figure = forest(pd.DataFrame([row]), percent=True)
    assert texts(figure, "number") == [f"{100 * share:.0f}% ({100 * share:.0f}-{100 * share:.0f})"]


# Text and geometry


@pytest.mark.parametrize("blocks", [[(10, 30), (12, 30), (300, 20)], [(325, 40), (329, 40)]])
def test_labels_spread_in_a_column_do_not_overlap_and_stay_in_it(blocks):
    wanted, heights = zip(*blocks, strict=True)
    centres = spread(wanted, heights, 330)
    edges = sorted((c - h / 2, c + h / 2) for c, h in zip(centres, heights, strict=True))

    assert edges[0][0] >= 0
    assert edges[-1][1] <= 330
    assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(edges))


def test_labels_with_room_around_them_stay_where_they_are():
    assert spread([100, 200], [20, 20], 330) == [100, 200]


def test_wrapped_lines_are_no_wider_than_asked_and_lose_no_word():
    text = "Phantom limb pain affects half of children who have lost a limb before the age of 6"
    found = wrapped(text, 150, 12)

    assert " ".join(found) == text
    assert all(width(line, 12) <= 150 for line in found)


def test_evened_lines_leave_no_single_word_on_the_last():
    text = "Three readings of one published number in one chart of the United States"
    rough, even = wrapped(text, 330, 16), wrapped(text, 330, 16, even=True)

    assert len(even) == len(rough)
    widths = [width(line, 16) for line in even]
    assert max(widths) - min(widths) < 60


@pytest.mark.parametrize(
    ("low", "middle", "high", "said"),
    [
        (60.01, 64.0, 68.05, "64 (60 to 68)"),
        (60.0, None, 85.0, "60 to 85"),
        (None, None, 10.0, "under 10"),
        (3.0, None, None, "over 3"),
        (None, 80.0, None, "80"),
        (None, 1.6, 2.0, "1.6 (to 2)"),
        (1.0, 1.6, None, "1.6 (from 1)"),
    ],
)
def test_an_interval_says_what_is_given(low, middle, high, said):
    assert interval(low, middle, high) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(1_600_000.0, "1,600,000"), (2005.0, "2005"), (0.01234, "0.0123"), (0.0, "0"), (-0.5, "-0.5")],
)
def test_numbers_keep_three_digits_and_years_have_no_separator(value, said):
    assert significant(value) == said


def test_a_rounded_minus_zero_has_no_minus():
    assert number(-0.001, 1) == "0.0"


@pytest.mark.parametrize(
    ("low", "high", "most", "said"),
    [
        (0, 3.7, 6, ["0", "1", "2", "3"]),
        (0, 0.5, 6, ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        (-1, 1, 3, ["-1", "0", "1"]),
        (0.66, 0.89, 3, ["0.7", "0.8"]),
    ],
)
def test_ticks_are_round_numbers_within_the_range(low, high, most, said):
    assert tick_texts(ticks(low, high, most)) == said


def steps_table():
    return pd.DataFrame(
        {
            "label": ["2005", "More people", "Fewer cases", "2050"],
            "value": [1.6, 0.5, -0.1, 2.0],
            "low": [1.5, 0.4, -0.2, 1.8],
            "high": [1.7, 0.6, 0.0, 2.2],
            "role": ["total", "step", "step", "total"],
        }
    )


def test_a_waterfall_whose_steps_do_not_add_up_is_refused():
    wrong = steps_table().assign(value=[1.6, 0.5, -0.1, 2.1], high=[1.7, 0.6, 0.0, 2.2])

    with pytest.raises(ValueError, match=r"waterfall: value, row 3: 2\.1; expected 2"):
        charts.waterfall(wrong, title="T", xaxis="People", source="S")
    with pytest.raises(ValueError, match="role"):
        charts.waterfall(steps_table().assign(role="sum"), title="T", xaxis="People", source="S")


def ages_table():
    return pd.DataFrame(
        {
            "label": ["0-49", "50+"] * 4,
            "sex": ["male", "male", "female", "female"] * 2,
            "value": [1.0, 2.0, 0.5, 1.5, 2.0, 4.0, 1.0, 3.0],
            "series": ["2005"] * 4 + ["2050"] * 4,
        }
    )


def test_a_pyramid_has_men_left_and_women_right_and_the_old_on_top():
    figure = charts.pyramid(ages_table(), title="T", xaxis="People", source="S")
    first = figure.data[0]

    assert list(first.x) == [-1.0, -2.0, 0.5, 1.5]
    assert first.y[1] < first.y[0]
    assert all(not text.startswith("-") for text in figure.layout.xaxis.ticktext)
    assert "2005: 5" in figure.layout.meta["alt"]


def test_a_pyramid_of_no_sex_or_fewer_than_nobody_is_refused():
    with pytest.raises(ValueError, match="sex"):
        charts.pyramid(ages_table().assign(sex="x"), title="T", xaxis="P", source="S")
    with pytest.raises(ValueError, match="below 0; expected people"):
        charts.pyramid(ages_table().assign(value=-1.0), title="T", xaxis="P", source="S")


# Funnel


def test_a_funnel_puts_precise_studies_on_top_and_opens_downwards():
    figure = funnel(funnel_table())
    (studies,) = named(figure, "studies")
    (low,), (high,) = named(figure, "low"), named(figure, "high")

    assert list(studies.y) == [0.05, 0.35, 0.2]
    bottom, top = figure.layout.yaxis.range
    assert bottom > 0.4
    assert top < 0
    assert (np.diff(np.subtract(high.x, low.x)) > 0).all()


def test_a_funnel_marks_second_hand_studies_and_counts_those_outside():
    figure = funnel(funnel_table())
    (studies,) = named(figure, "studies")

    assert list(studies.marker.symbol) == ["circle", "circle-open", "circle"]
    assert "Open: second hand." in texts(figure, "caption")[0].replace("<br>", " ")
    assert "outside the funnel: 1." in figure.layout.meta["alt"]


def test_a_funnel_of_a_broken_table_is_refused():
    with pytest.raises(ValueError, match="funnel: se, row 1: nan; expected a finite number"):
        funnel(funnel_table().assign(se=[0.1, float("nan"), 0.2]))
    with pytest.raises(ValueError, match="funnel"):
        funnel(funnel_table(), funnel_edges().assign(low=0.9))
    with pytest.raises(ValueError, match="no column label"):
        funnel(funnel_table().drop(columns="label"))


# Curves


def test_curves_have_a_band_only_where_limits_are_given():
    figure = curves(curves_table())

    assert len(named(figure, "band")) == 1
    (line,) = named(figure, "Found")
    assert list(line.x) == [0, 20]
    assert texts(figure, "caption") == ["Bands: 95% interval."]
    without = curves(curves_table().drop(columns=["low", "high"]))
    assert texts(without, "caption") == ["Lines without intervals."]


def test_curves_differ_by_dash_and_symbol_and_are_labelled_at_their_ends():
    figure = curves(curves_table())
    lines = [*named(figure, "Claimed"), *named(figure, "Found")]

    assert len({line.line.dash for line in lines}) == 2
    assert len({line.marker.symbol for line in lines}) == 2
    assert texts(figure, "series") == ["Claimed", "Found"]


def test_a_curve_that_is_assumed_is_dashed_and_named_so():
    table = curves_table()
    figure = curves(table.assign(seen=["assumed"] * 3 + ["primary"] * 2))
    dashes = {each.name: each.line.dash for each in figure.data if each.name != "band"}

    assert dashes["Claimed"] not in ("solid", *DASHES)
    assert dashes["Found"] in DASHES
    assert texts(figure, "caption") == ["Bands: 95% interval. Dashed: assumed."]
    assert texts(curves(table), "caption") == ["Bands: 95% interval."]


def test_the_way_to_the_label_of_a_line_that_ends_early_does_not_look_like_more_of_it():
    figure = curves(curves_table().assign(x=[0, 5, 10, 0, 20]))
    early, late = (note for note in figure.layout.annotations if note.name == "series")

    assert early.arrowcolor.startswith("rgba(")
    assert early.arrowcolor.endswith(",0.4)")
    assert early.arrowwidth < late.arrowwidth
    assert late.arrowcolor.startswith("#")


def test_curves_of_shares_are_printed_as_percent_and_refused_beyond_one():
    figure = curves(curves_table(), percent=True)

    assert "50.0% (40.0% to 60.0%)" in named(figure, "Claimed")[0].hovertext[1]
    assert all(text.endswith("%") for text in figure.layout.yaxis.ticktext)
    with pytest.raises(ValueError, match=r"curves: high, row 1: 1\.6; expected a share"):
        curves(curves_table().assign(high=[0.2, 1.6, 0.6, None, None]), percent=True)


def test_curves_must_run_forward_and_have_both_limits_or_none():
    with pytest.raises(ValueError, match="curves: x, row 2: 5 after 10 in 'Claimed'"):
        curves(curves_table().assign(x=[0, 10, 5, 0, 20]))
    with pytest.raises(ValueError, match="curves: high, row 1: nothing"):
        curves(curves_table().assign(high=[0.2, None, 0.6, None, None]))


def test_a_reference_across_curves_is_within_the_axis():
    figure = curves(curves_table(), reference=0.9)

    (line,) = [shape for shape in figure.layout.shapes if shape.name == "reference"]
    assert line.y0 == line.y1 == 0.9 < figure.layout.yaxis.range[1]


# The years along an axis


@given(
    first=st.floats(1950, 2060),
    span=st.floats(0.5, 110),
    room=st.floats(200, 900),
)
def test_the_years_that_matter_are_labelled_and_no_label_overlaps_another(first, span, room):
    last = first + span
    shown = year_ticks(first, last, room)

    assert {year for year in YEARS_THAT_MATTER if first <= year <= last} <= set(shown)
    assert all(first <= year <= last for year in shown)
    needed = width("2000", LABEL_SIZE)
    assert all((b - a) * room / span > needed for a, b in itertools.pairwise(shown))


@pytest.mark.parametrize(
    ("first", "last", "room", "said"),
    [
        (2003.65, 2051.35, 212, [2005, 2015, 2025, 2035, 2050]),
        (2003.65, 2051.35, 600, [*range(2005, 2051, 5)]),
        (1987.9, 2062.1, 319, [1995, 2005, 2015, 2025, 2035, 2050, 2060]),
        (1987.9, 2062.1, 150, [2005, 2025, 2050]),
        (2025.85, 2031.15, 250, [2026, 2027, 2028, 2029, 2030, 2031]),
        (2026.7, 2036.3, 200, [2028, 2030, 2032, 2034, 2036]),
        (2011, 2019, 200, [2012, 2014, 2016, 2018]),
    ],
)
def test_the_years_between_are_round_ones(first, last, room, said):
    assert year_ticks(first, last, room) == said


# steps


def test_steps_print_three_digits_with_their_limits_and_a_sign_where_assumed():
    figure = shrinking(shrinking_table())
    across = figure.layout.xaxis

    assert texts(figure, "number") == [
        "13.9m\N{NO-BREAK SPACE}‡",
        "184\N{NO-BREAK SPACE}¶<br>28.7-620",
    ]
    assert dict(zip(across.tickvals, across.ticktext, strict=True))[4] == "10,000"
    assert "¶ assumed" in texts(figure, "caption")[0]
    assert across.range[0] < 1.0
    assert across.range[1] > np.log10(13.9e6)


def test_a_step_to_nobody_has_no_place_on_a_scale_by_tens():
    with pytest.raises(ValueError, match="steps: low, row 1: 0; expected above 0"):
        shrinking(shrinking_table(low=[1.0, 0.0]))
