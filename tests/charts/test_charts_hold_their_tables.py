"""Every number, limit and label of a chart is that of its table, in every chart and the report."""

import io
import itertools
import json
import re

import numpy as np
import pandas as pd
import plotly.io as pio
import pytest
from charts_read_back import (
    BOUNDS,
    LIMITS,
    SIGNS,
    ages_read_out,
    assert_ages,
    assert_bars,
    assert_claims,
    assert_curves,
    assert_fan,
    assert_forest,
    assert_funnel,
    assert_heat_map,
    assert_icons,
    assert_indices,
    assert_lines,
    assert_maps,
    assert_predictions,
    assert_pyramid,
    assert_reads_out,
    assert_screening,
    assert_steps,
    assert_tornado,
    assert_verdicts,
    assert_waterfall,
    bars_read_out,
    claims_read_out,
    curves_read_out,
    fan_read_out,
    forest_read_out,
    funnel_read_out,
    heat_map_read_out,
    icons_read_out,
    indices_read_out,
    lines_read_out,
    maps_read_out,
    plain,
    predictions_read_out,
    pyramid_read_out,
    screening_read_out,
    steps_read_out,
    tornado_read_out,
    unit_of,
    verdicts_read_out,
    waterfall_read_out,
)
from conftest import NOTEBOOKS

from plcore import charts
from plcore.analysis import (
    Quantity,
    compare,
    partial_rank_correlations,
    sobol_indices,
)
from plcore.clinic.demand import Demand, Opening, demand_table
from plcore.evidence.schema import VERDICTS
from plcore.models import people_with_pain
from plcore.scenarios import read_scenario
from plcore.simulate import run

# Tables in which every number is another -----------------------------------------------------------

SCALE = 40.0
WORDS = {"title": "A title", "source": "A source"}


def rising(rng, n, *names, most=1.0):
    """n rows of random numbers that rise from column to column."""
    return pd.DataFrame(np.sort(rng.uniform(0.02, most, (n, len(names))), axis=1), columns=names)


def two_series(table):
    return table.assign(series=np.repeat(["One & only", "Two"], len(table) // 2))


def over_years(rng, *names):
    """Two series of eight years, of which the first and the last three are extrapolated."""
    table = two_series(rising(rng, 16, *names, most=90.0))
    flags = np.isin(np.arange(16) % 8, [0, 5, 6, 7])
    return table.assign(year=[*range(2001, 2009), *range(2001, 2009)], extrapolated=flags)


BANDS = ("low_95", "low_80", "low_50", "median", "high_50", "high_80", "high_95")


def fan(rng, scale, series):
    table = over_years(rng, *BANDS)
    table = table if series == 2 else table[:8].drop(columns="series")
    points = rising(rng, 4, *LIMITS, most=90.0).assign(
        year=[2002, 2003, 2003, 2006], label=["A 2001", "B 2002", "A 2001", "C"],
        seen=["primary", "secondary", "assumed", "abstract"],
    )  # fmt: skip
    points.loc[3, ["low", "high"]] = np.nan
    points["level"] = [0.95, 0.95, 0.9 if series == 2 else 0.95, np.nan]
    figure = charts.fan(table, yaxis="People", scale=scale, points=points, **WORDS)
    return figure, scaled(fan, table, scale), scaled(fan, points, scale)


def lines(rng, scale, series):
    table = over_years(rng, "value")
    return charts.lines(table, yaxis="People", scale=scale, **WORDS), scaled(lines, table, scale)


def curves(rng, scale, series):
    table = two_series(rising(rng, 16, *LIMITS))
    table["x"] = [*np.sort(rng.uniform(-9, 9, 8)), *np.sort(rng.uniform(-9, 9, 8))]
    table.loc[8:, ["low", "high"]] = np.nan if series == 1 else table.loc[8:, ["low", "high"]]
    # A series is assumed where all of it is.
    table["seen"] = [*["primary"] * 3, *["assumed"] * 13] if series == 2 else "primary"
    return charts.curves(table, xaxis="days", yaxis="Relief", percent=series == 2, **WORDS), table


def bars(rng, scale, series):
    labels = ["First of all the rows of this chart", "B <10%", "C", "D"]
    table = rising(rng, 8, *LIMITS).assign(label=labels * 2)
    table["seen"] = [
        "primary",
        "assumed",
        "secondary",
        "derived",
        "memory",
        "abstract",
        "",
        "assumed",
    ]
    table = two_series(table) if series == 2 else table[:4]
    table.loc[2, ["low", "high"]] = np.nan
    table = table.assign(bound_low=0.9 * table["value"], bound_high=1.01 * table["value"])
    table.loc[1, BOUNDS] = np.nan
    return charts.bars(table, xaxis="Share", percent=series == 2, **WORDS), table


def indices(rng, scale, series):
    table = rising(rng, 5, "first_low", "first", "first_high", "total_low", "total", "total_high")
    table["parameter"] = [f"the_input_{letter}" for letter in "abcde"]
    return charts.indices(table, **WORDS), table


def forest(rng, scale, series):
    roles = ["heading", "study", "study", "study", "subtotal", "heading", "study", "study", "study",
             "pooled", "prediction"]  # fmt: skip
    table = rising(rng, 11, "low", "estimate", "high").assign(role=roles)
    table["label"] = [f"{role} of the year {1990 + 3 * i}" for i, role in enumerate(roles)]
    table["n"], table["events"] = np.arange(211, 222), np.arange(11, 22)
    table["weight"] = rng.uniform(0.1, 9, 11)
    table["seen"] = ["", *list(SIGNS)[:3], "derived", "", "assumed", "primary", *[""] * 3]
    table.loc[[0, 5], ["low", "estimate", "high", "n", "events", "weight"]] = np.nan
    table.loc[[3, 4, 10], "weight"] = table.loc[7, "events"] = table.loc[8, "n"] = np.nan
    table.loc[[8, 9], ["n", "events"]] = np.nan
    table.loc[10, "estimate"] = np.nan if series == 1 else table.loc[10, "estimate"]
    return charts.forest(table, xaxis="Share", percent=series == 2, reference=0.5, **WORDS), table


def predictions(rng, scale, series):
    table = pd.DataFrame({"position": rng.uniform(-1.6, 1.6, 12)})
    table["label"] = ["Counts of people with limb loss", "Deaths", "Ages at the loss"] * 4
    table["name"] = [f"row {i} <b>" for i in range(12)]
    table["series"] = ["fitted", "checked"] * 6 if series == 2 else "fitted"
    return charts.predictions(table, **WORDS), table


def claims_against_evidence(rng, scale, series):
    table = rising(rng, 8, "found_low", "found", "found_high", most=90.0)
    claimed = rising(rng, 8, "claimed_low", "claimed", "claimed_high", most=90.0)
    table = table.join(claimed).assign(
        verdict=VERDICTS * 2, label=[f"Claim {i}" for i in "abcdefgh"]
    )
    table["seen"] = ["primary", *SIGNS, "abstract", "primary", "derived"]
    for row, gone in enumerate([(), ("",), ("_low",), ("_high",), ("", "_low"), ("", "_high"),
                                ("_low", "_high"), ()]):  # fmt: skip
        for end in gone:
            table.loc[row, f"claimed{end}"] = table.loc[7 - row, f"found{end}"] = np.nan
    return charts.claims_against_evidence(table, unit="% of people", **WORDS), table


def steps(rng, scale, series):
    table = 10 ** rising(rng, 5, *LIMITS, most=7.4)
    table["label"] = ["Residents", "With limb loss", "In pain", "Come", "Stay"]
    table["seen"] = ["primary", "derived", "assumed", "secondary", "abstract"]
    table.loc[4, LIMITS] = table.loc[4, "value"]
    table = table.assign(bound_low=0.3 * table["value"], bound_high=30 * table["value"])
    table.loc[:1, BOUNDS] = np.nan
    return charts.steps(table, xaxis="People", **WORDS), table


def waterfall(rng, scale, series):
    table = rising(rng, 6, *LIMITS, most=70.0)
    table.loc[[2, 3]] *= -1
    table.loc[[2, 3], ["low", "high"]] = table.loc[[2, 3], ["high", "low"]].to_numpy()
    table["label"] = ["2005", "Older", "Fewer cases", "Deaths", "More people", "2050"]
    table["role"] = ["total", *["step"] * 4, "total"]
    shift = table["value"][:5].sum() - table["value"][5]
    table.loc[5, LIMITS] += shift
    table.loc[4, ["low", "high"]] = np.nan
    return charts.waterfall(table, xaxis="People", scale=scale, **WORDS), scaled(
        waterfall, table, scale
    )


def pyramid(rng, scale, series):
    cells = itertools.product(["2005", "2050"], ["0-49", "50-64", "65+"], ["male", "female"])
    table = pd.DataFrame(cells, columns=["series", "label", "sex"])
    table["value"] = rng.uniform(1, 90, len(table))
    return charts.pyramid(table, xaxis="People", scale=scale, **WORDS), scaled(
        pyramid, table, scale
    )


def ages_over_years(rng, scale, series):
    cells = itertools.product([2000, 2010, 2020], ["0-49", "50-64", "65+"], ["Disease", "Injury"])
    table = pd.DataFrame(cells, columns=["year", "label", "series"])
    table["value"] = rng.uniform(1, 90, len(table))
    figure = charts.ages_over_years(table, xaxis="People", scale=scale, start=2010, **WORDS)
    return figure, scaled(ages_over_years, table, scale), 2010


def tornado(rng, scale, series):
    table = rising(rng, 6, "least", "at_low", "at_high", "greatest", most=90.0)
    table["at_low"], table["at_high"] = [
        np.where(np.arange(6) % 2, table[a], table[b])
        for a, b in (("at_low", "at_high"), ("at_high", "at_low"))
    ]
    table[["least", "greatest"]] += [-50.0, 50.0]
    table = table.assign(base=48.7, **rising(rng, 6, "low", "high"))
    # The last two turn nowhere: their extremes are at the ends.
    ends = table.loc[[4, 5], ["at_low", "at_high", "base"]]
    table.loc[[4, 5], "least"], table.loc[[4, 5], "greatest"] = ends.min(axis=1), ends.max(axis=1)
    table["parameter"] = [f"the_input_{letter}" for letter in "abcdef"]
    figure = charts.tornado(table, xaxis="People", scale=scale, **WORDS)
    return figure, scaled(tornado, table, scale)


def screening(rng, scale, series):
    table = rising(rng, 6, "mu_star_low", "mu_star", "mu_star_high", most=90.0)
    table["sigma"] = rng.uniform(1, 90, 6)
    table.loc[3, ["mu_star_low", "mu_star", "mu_star_high"]] = [0.3, 0.4, 0.5]
    table["parameter"] = [f"the_input_{letter}" for letter in "abcdef"]
    figure = charts.screening(table, answer="people", scale=scale, **WORDS)
    return figure, scaled(screening, table, scale)


def heat_map(rng, scale, series):
    table = pd.DataFrame(
        itertools.product(rng.uniform(0, 1, 4), rng.uniform(5, 9, 3)), columns=["share", "ratio"]
    )
    table["result"] = rng.uniform(1, 90, 12)
    figure = charts.heat_map(
        table, xaxis="the share", yaxis="the ratio", answer="People", scale=scale, **WORDS
    )
    return figure, scaled(heat_map, table, scale)


def funnel(rng, scale, series):
    table = pd.DataFrame({"label": ["A 2001", "B & C", "D"], "share": rng.uniform(0.1, 0.9, 3),
                          "se": rng.uniform(0.1, 1, 3), "n": [120, 43, 12345],
                          "seen": ["primary", "secondary", "abstract"]})  # fmt: skip
    edges = rising(rng, 5, "low", "centre", "high", most=0.7).assign(
        se=np.sort(rng.uniform(0, 1.2, 5))
    )
    figure = charts.funnel(table, edges, xaxis="Share in pain", yaxis="error", **WORDS)
    return figure, table, edges


def icons(rng, scale, series):
    table = pd.DataFrame(
        [("All", "with", "limb_loss", 31), ("All", "without", "other", 7),
         ("Of them", "in pain", "pain", 12), ("Of them", "perhaps", "perhaps_pain", 5),
         ("Of them", "feel it", "painless", 0), ("Of them", "not", "other", 29)],
        columns=["panel", "label", "look", "count"],
    )  # fmt: skip
    table["low"], table["high"] = [None, None, 9, None, None, 24], [None, None, 17, None, None, 33]
    return charts.icons(table, unit="a person", caption="Counted.", **WORDS), table


def maps(rng, scale, series):
    corners = [(place, part, x + 3 * part + 9 * i, y + 2 * i)
               for i, place in enumerate("ABCD") for part in range(i + 1)
               for x, y in ((0, 0), (2 + part, 0), (2 + part, 1), (0, 0))]  # fmt: skip
    outlines = pd.DataFrame(corners, columns=["place", "part", "x", "y"]).astype(
        {"x": float, "y": float}
    )
    panels = np.repeat(["Then", "Now", "Later"], 4)
    table = rising(rng, 12, *LIMITS, most=90.0).assign(panel=panels, place=[*"ABCD"] * 3)
    table["name"] = table["place"] + "land"
    breaks = tuple(np.quantile(table["value"], [0.2, 0.4, 0.6, 0.8]).round())
    figure = charts.maps(table, outlines, unit="per head", breaks=breaks, note="A note.", **WORDS)
    return figure, table, outlines


def verdict_counts(rng, scale, series):
    table = pd.DataFrame(itertools.product(["dose", "other_things"], VERDICTS),
                         columns=["topic", "verdict"])  # fmt: skip
    table["claims"] = rng.permutation(np.arange(1, 9))
    return charts.verdict_counts(table.drop(index=[2, 5]), **WORDS), table.drop(index=[2, 5])


#: The columns that are divided by the scale; in other charts all but these.
SCALED = {
    tornado: ["at_low", "at_high", "base", "least", "greatest"],
    heat_map: ["result"],
}
UNSCALED = ("year", "x", "n", "events", "weight", "level")


def scaled(chart, table, scale):
    """The table with its quantities divided by the scale."""
    numbers = [name for name in table.select_dtypes("number") if name not in UNSCALED]
    return table.assign(**{name: table[name] / scale for name in SCALED.get(chart, numbers)})


CHECKS = {
    fan: assert_fan, lines: assert_lines, curves: assert_curves, bars: assert_bars,
    indices: assert_indices, forest: assert_forest, claims_against_evidence: assert_claims,
    steps: assert_steps, waterfall: assert_waterfall, pyramid: assert_pyramid,
    ages_over_years: assert_ages, tornado: assert_tornado, screening: assert_screening,
    heat_map: assert_heat_map, funnel: assert_funnel, icons: assert_icons, maps: assert_maps,
    verdict_counts: assert_verdicts, predictions: assert_predictions,
}  # fmt: skip
#: What the description of each, which stands in its place where no picture is seen, says of it.
READ_OUT = {
    fan: fan_read_out, lines: lines_read_out, curves: curves_read_out, bars: bars_read_out,
    indices: indices_read_out, forest: forest_read_out, claims_against_evidence: claims_read_out,
    steps: steps_read_out, waterfall: waterfall_read_out, pyramid: pyramid_read_out,
    ages_over_years: ages_read_out, tornado: tornado_read_out, screening: screening_read_out,
    heat_map: heat_map_read_out, funnel: funnel_read_out, icons: icons_read_out,
    maps: maps_read_out, verdict_counts: verdicts_read_out, predictions: predictions_read_out,
}  # fmt: skip
BY_NAME = {chart.__name__: chart for chart in CHECKS}


@pytest.mark.parametrize(("scale", "series"), [(1.0, 1), (1.0, 2), (SCALE, 2)])
@pytest.mark.parametrize("chart", CHECKS, ids=lambda chart: chart.__name__)
def test_what_is_drawn_printed_and_read_out_is_what_the_table_holds(chart, scale, series):
    figure, *tables = chart(np.random.default_rng(13), scale, series)
    figure = json.loads(pio.to_json(figure))
    CHECKS[chart](figure, *tables)
    assert_reads_out(figure, READ_OUT[chart](*tables))
    # What is drawn besides the table is published with it, as it was given.
    others = [table for table in tables[1:] if isinstance(table, pd.DataFrame)]
    below = figure["layout"]["meta"].get("also_drawn", {})
    assert len(below) == len(others)
    for text, table in zip(below.values(), others, strict=True):
        given = pd.read_csv(io.StringIO(text))
        if scale == 1:
            pd.testing.assert_frame_equal(given, table.reset_index(drop=True), check_like=True)


# The level of an interval -------------------------------------------------------------------------

#: A chart of each kind with intervals at a level, and the words for them in its caption.
LEVELLED = {
    "predictions": "80% predictive interval",
    "bars": "Whiskers: 80% interval", "steps": "Lines: 80% interval",
    "waterfall": "whiskers: 80% interval", "curves": "Bands: 80% interval",
    "forest": "whiskers: 80% interval", "indices": "Whiskers: 80% bootstrap interval",
    "screening": "Lines beside dots: 80% bootstrap interval", "tornado": "its middle 80%",
    "claims_against_evidence": "range or 80% interval", "funnel": "where 80% of the studies",
    "icons": "Counted, with 80% limits", "maps": "", "fan": "Band: 80% interval",
}  # fmt: skip
WITHOUT_INTERVALS = {"lines", "pyramid", "ages_over_years", "heat_map", "verdict_counts"}


def at_level_80(name, monkeypatch):
    """A chart whose tables say that their limits are those of 80%."""
    chart = getattr(charts, name)

    def levelled(*tables, **options):
        tables = [table.assign(level=0.8) for table in tables]
        if name == "fan":
            options["points"] = options["points"].assign(level=0.8)
            gone = [f"{end}_{level}" for end in ("low", "high") for level in (50, 95)]
            tables = [tables[0].drop(columns=[*gone, "level"])]
        if name == "icons":
            options["caption"] = "Counted, with {level} limits."
        return chart(*tables, **options)

    monkeypatch.setattr(charts, name, levelled)
    figure, *_ = BY_NAME[name](np.random.default_rng(13), 1.0, 1)
    return json.loads(pio.to_json(figure))


@pytest.mark.parametrize("name", LEVELLED)
def test_a_chart_at_level_80_says_80_and_nowhere_95(name, monkeypatch):
    figure = at_level_80(name, monkeypatch)
    figure["layout"]["meta"].pop("also_drawn", None)
    figure["layout"].pop("template")
    printed = json.dumps(figure)

    assert not re.search(r"\b95 ?%", printed)
    around = " ".join(note["text"] for note in figure["layout"]["annotations"])
    assert LEVELLED[name] in plain(around)
    limits = re.findall(r"Limits: (\d+%)", printed)
    assert set(limits) <= {"80%"}
    if name not in ("fan", "funnel", "screening", "tornado", "claims_against_evidence",
                    "predictions"):  # fmt: skip
        assert limits


def test_every_chart_either_says_its_level_or_has_no_intervals():
    assert {*LEVELLED} | WITHOUT_INTERVALS == {*BY_NAME}
    assert not {*LEVELLED} & WITHOUT_INTERVALS


@pytest.mark.parametrize("levels", [[0.8], [0.8, 0.95]])
def test_a_chart_of_rows_of_several_levels_names_each(levels):
    table = pd.DataFrame({"label": ["A", "B"], "value": 2.0, "low": 1.0, "high": 3.0})
    table["level"] = np.resize(levels, 2)
    figure = charts.bars(table, xaxis="People", **WORDS)

    (caption,) = (note.text for note in figure.layout.annotations if note.name == "caption")
    said = " and ".join(f"{100 * level:.0f}" for level in levels)
    assert plain(caption) == f"Whiskers: {said}% interval."
    assert [hover[-12:-9] for hover in figure.data[0].hovertext] == [
        f"{100 * level:.0f}%" for level in table["level"]
    ]


def test_words_that_name_another_level_than_the_table_are_refused():
    table = pd.DataFrame({"label": ["A"], "value": 2.0, "low": 1.0, "high": 3.0, "level": 0.8})

    with pytest.raises(ValueError, match=r"bars: interval is '95% limits' and the level .* 0\.8"):
        charts.bars(table, xaxis="People", interval="95% limits", **WORDS)
    with pytest.raises(ValueError, match=r"bars: level, row 0: 80; expected a share"):
        charts.bars(table.assign(level=80), xaxis="People", **WORDS)
    assert "80% limits" in str(charts.bars(table, xaxis="P", interval="80% limits", **WORDS))


def test_tables_made_at_a_level_carry_it():
    rng = np.random.default_rng(1)
    world = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    names = ["plp_prevalence", "severity_weekly"]
    quantity = Quantity("plp", 2050)
    sobol = sobol_indices(people_with_pain, world, quantity, parameters=names, n_base=64,
                          resamples=20, level=0.8)  # fmt: skip
    runs = [run(people_with_pain, read_scenario(name, choices=world.choices), n_draws=256)
            for name in ("baseline", "dysvascular_plus_25")]  # fmt: skip
    weeks = rng.uniform(1, 2, (8, 53))
    demand = Demand(Opening(2027, n_years=1), weeks, weeks, weeks, weeks, weeks)
    tables = [
        sobol,
        partial_rank_correlations(runs[0], quantity, parameters=names, level=0.8),
        compare(runs, quantity, level=0.8),
        demand_table(demand, level=0.8),
    ]
    for table in tables:
        assert list(table["level"]) == [0.8] * len(table)
    assert "80% bootstrap interval" in plain(str(charts.indices(sobol, **WORDS)))


def test_a_label_is_not_broken_at_a_hyphen():
    table = pd.DataFrame({"year": [2005, 2050], "value": [1.0, 2.0]})
    for name in ("Evidence-based reading", "Source-corrected", "as claimed by clinics"):
        figure = charts.lines(table.assign(series=name), yaxis="People", **WORDS)
        (label,) = (note.text for note in figure.layout.annotations if note.name == "series")
        assert [word for line in label.split("<br>") for word in line.split()] == name.split()


def test_under_the_pointer_a_share_is_a_percent_and_a_prediction_has_no_middle():
    table = pd.DataFrame({"label": ["A"], "value": 0.8166, "low": 0.77, "high": 0.86})
    (bar,) = charts.bars(table, xaxis="Share", percent=True, **WORDS).data
    assert plain(bar.hovertext[0]) == "A Share: 81.7% (77.0\N{EN DASH}86.0) Limits: 95% interval"

    forest = table.rename(columns={"value": "estimate"}).assign(role="prediction")
    (bar,) = charts.forest(forest, xaxis="Share", percent=True, **WORDS).data
    assert plain(bar.text) == "A Share 77.0\N{EN DASH}86.0% Limits: 95% prediction interval"


def test_every_chart_is_read_back():
    assert {*BY_NAME} == {name for name in charts.__all__ if name.islower()} - {"show"}


# The report ----------------------------------------------------------------------------------------


def notebook_charts():
    """Which function of `plcore.charts` draws each figure, by the notebooks."""
    pattern = re.compile(r'show\(\n    charts\.(\w+)\(.*?\n    name="(\w+)"', re.DOTALL)
    cells = (
        "".join(cell["source"])
        for path in sorted(NOTEBOOKS.glob("*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    )
    # A chart of each setting in turn: show(..., name=f"responses_{setting}").
    in_turn = re.compile(r'charts\.(\w+)\(\n(?:(?!charts\.).)*?name=f"(\w+)_\{', re.DOTALL)
    found = {}
    for text in cells:
        found |= {name: chart for chart, name in pattern.findall(text)}
        for chart, name in in_turn.findall(text):
            settings = re.findall(r'^    \("(\w+)", ', text, re.MULTILINE)
            found |= {f"{name}_{setting}": chart for setting in settings}
    return found


FIGURES = notebook_charts()
MEDIANS = {"median": "value", "low_95": "low", "high_95": "high"}
#: The numbers of these are in the table as they are on the chart, whatever unit the chart prints.
AS_DRAWN = ("plp_severity_ladder", "teaching_what_is_counted", "value_of_knowing")


def medians(table, **columns):
    """Medians and limits under the names that a chart of rows knows."""
    gone = [name for name in table if name in MEDIANS.values()]
    return table.drop(columns=gone).rename(columns=MEDIANS).assign(**columns)


def by_row(table, *columns, **names):
    """A series a column, one after the other."""
    parts = [table.assign(value=table[column], series=names[column]) for column in columns]
    return pd.concat(parts, ignore_index=True)


def not_below_none(table):
    """Estimates of no share may lie below 0 by chance; the charts show none."""
    ends = ["value", "low", "high"]
    return table.assign(**table[ends].clip(lower=0)).reset_index(drop=True)


#: What stands in the table of the report under another name, or among other rows.
FROM_TABLE = {
    "headline_numbers": lambda t: t.assign(
        value=t["median"],
        label=t["year"].astype(str) + ": " + t["quantity"].str[:1].str.lower() + t["quantity"].str[1:],
        series=t["quantity"].map({"Limb loss": "Limb loss", "Limb loss, as published": "As published"}
                                 ).fillna("In pain")),
    "growth_paths": lambda t: t.assign(value=t["median"]),
    "california_check": lambda t: by_row(
        t[t["diabetes"] == "adjusted"], "rank_correlation", "rank_correlation_large",
        rank_correlation="all counties", rank_correlation_large="large counties",
    ).assign(x=lambda t: t["elasticity"]),
    "demand_funnel": lambda t: t.assign(value=t["median"], label=t["who"].str.slice(4).where(
        t["who"].str.startswith("who "), t["who"])),
    "new_patients": lambda t: t[t["group"] != "all"].assign(
        label=lambda t: t["year"].astype(str), value=lambda t: t["median"],
        series=lambda t: t["group"]),
    "waiting_list": lambda t: t.assign(
        x=t.index + 1.0, value=t["median"], series="three chairs (median)"),
    "narrowing_by_study": lambda t: not_below_none(t[t["sample"] == "random sample"].assign(
        series=lambda t: t["asked"].map("{:,} asked".format))),
    "shapley_effects": lambda t: not_below_none(t),
}  # fmt: skip
#: The first rows of these are drawn.
FIRST = {"tornado": 10, "teaching_what_sets_2050": 8, "chairs_tornado": 10, "sobol_indices": 10,
         "morris_screening": 8, "explained": 8}  # fmt: skip


def test_the_figures_of_the_report_are_those_of_the_notebooks(own_report):
    contents = json.loads((own_report / "contents.json").read_text(encoding="utf-8"))
    assert [e["name"] for e in contents["exhibits"] if e["chart"]] == list(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_report_draws_the_numbers_of_its_table(own_report, name):
    figure = json.loads((own_report / "figures" / f"{name}.json").read_text(encoding="utf-8"))
    words = dict.fromkeys(["label", "series", "panel"], str)
    table = pd.read_csv(own_report / "tables" / f"{name}.csv", dtype=words)
    chart = BY_NAME[FIGURES[name]]
    others = []
    if "also_drawn" in table:
        below = table["also_drawn"].notna()
        others, table = [table[below].dropna(axis=1, how="all")], table[~below]
        table = table.astype({"year": int}) if "year" in table else table
    table = FROM_TABLE.get(name, lambda t: t)(table).head(FIRST.get(name, len(table)))
    said = unit_of(figure) + figure["layout"]["meta"]["alt"]
    scale = 1e6 if "(millions)" in said else 1e3 if "(thousands)" in said else 1.0
    if name not in AS_DRAWN:
        table, *others = (scaled(chart, each, scale) for each in (table, *others))
    CHECKS[chart](figure, table, *others)
