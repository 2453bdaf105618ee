"""Figures read back mark by mark, and held against the tables that they show.

A reader takes a figure as plain JSON, as the report stores it, and gives back the table that it
shows. What is drawn must be the table's numbers; what is printed beside a mark, or under a pointer
that rests on it, must be they to the last digit printed. Nothing here calls the code of a chart.
"""

import html
import itertools
import json
import math
import re
from bisect import bisect

import numpy as np
import pandas as pd
import pytest

from plcore import charts
from plcore.charts.frame import ASSUMED
from plcore.evidence.schema import VERDICTS

LEVELS = (50, 80, 95)
SIGNS = {"secondary": "†", "derived": "‡", "memory": "§", "assumed": "¶"}
MARKS = {"secondary": "second hand", "memory": "from memory"} | {
    name: name for name in ("derived", "assumed")
}
LIMITS = ["low", "value", "high"]
BOUNDS = ["bound_low", "bound_high"]
LOOKS = {
    ("square", charts.LIMB_LOSS): "limb_loss",
    ("circle", charts.PAIN): "pain",
    ("circle-x", "white"): "perhaps_pain",
    ("diamond", "white"): "painless",
    ("circle", "white"): "other",
}

# What is printed -----------------------------------------------------------------------------------


def plain(text):
    """A text as it is read: no tags, no entities, all blanks alike."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", text.replace("<br>", " "))).split())


def close(text):
    """A text without its blanks, which depend on where its lines are broken."""
    return re.sub(r"\s", "", plain(text))


def numbers_in(text):
    """The numbers of a text and half a unit of the last digit of each; "13.8m" is in millions."""
    # A dash after a digit joins two limits.
    text = re.sub(r"(?<=[\dm%])[-\N{EN DASH}](?=\d)", " to ", text)
    for sign, digits, decimals, power, millions in re.findall(
        r"(-?)(\d[\d,]*)(\.\d+)?(e[+-]\d+)?(m\b)?", text
    ):
        times = float(f"1{power}") * (1e6 if millions else 1.0)
        value = float(sign + digits.replace(",", "") + decimals) * times
        yield value, 0.501 * times * 10.0 ** -max(0, len(decimals) - 1)


def assert_says(text, *values, within=0.0):
    """A text prints these numbers in this order, those that are not None or NaN.

    Each to the last digit printed, or `within` a share of it.
    """
    times = 100 if "%" in text else 1
    given = [times * value for value in values if value is not None and not math.isnan(value)]
    said = list(numbers_in(plain(text)))
    assert len(said) == len(given), (text, given)
    for (number, half_digit), value in zip(said, given, strict=True):
        assert abs(number - value) <= max(half_digit, within * abs(value)), (text, given)


def assert_signs(figure, marked):
    """The caption explains every sign that is used, and no other."""
    used = set(signs_in("".join(marked)))
    (caption,) = texts(figure, "caption")
    said = {
        sign for name, sign in SIGNS.items() if f"{sign} {MARKS[name]}" in plain(caption["text"])
    }
    assert used == said == set(signs_in(caption["text"]))


def signs_in(text):
    return "".join(set(text) & set(SIGNS.values()))


def texts(figure, name):
    return [note for note in figure["layout"]["annotations"] if note.get("name") == name]


def unit_of(figure):
    (note,) = texts(figure, "unit")
    return plain(note["text"])


def after(unit, hover):
    """What the text of a pointer says behind the unit."""
    _, drawn, rest = plain(hover).partition(unit)
    assert drawn, (unit, hover)
    return rest.partition(" Limits: ")[0]


def assert_names_limits(figure):
    """Under a pointer, limits are named as in the caption: with their level."""
    around = close(" ".join(note["text"] for note in figure["layout"]["annotations"]))
    hovers = json.dumps([trace.get("hovertext", trace.get("text")) for trace in figure["data"]])
    for name in re.findall(r"Limits: ([^<\"]+)", hovers):
        assert re.search(r"\d%", name)
        assert close(name) in around


def assert_axis(axis, values, *, printed_as=lambda value: value):
    """The axis has room for some values, and its labels are the numbers where they stand."""
    low, high = sorted(axis["range"])
    assert low <= np.nanmin(values) <= np.nanmax(values) <= high
    labels = [pair for pair in zip(axis["tickvals"], axis["ticktext"], strict=True) if pair[1]]
    assert labels
    for value, text in labels:
        assert_says(text, printed_as(value))


# Charts of rows ------------------------------------------------------------------------------------


class Rows:
    """Labelled rows, one below the other: where each begins, what stands left and right of it."""

    def __init__(self, figure):
        axis = figure["layout"]["yaxis"]
        self.labels = axis["ticktext"]
        self.centres = axis["tickvals"]
        self.edges = [0.0]
        for centre in self.centres:
            self.edges.append(2 * centre - self.edges[-1])
        assert axis["range"] == [pytest.approx(self.edges[-1]), 0]
        assert self.edges == sorted(self.edges)
        self.numbers = {self.at(note["y"]): note["text"] for note in texts(figure, "number")}

    def at(self, y):
        return bisect(self.edges, y) - 1


def whiskers(trace, i, value, axis="error_x"):
    """Both limits of a mark."""
    bars = trace[axis]
    assert bars.get("visible", True)
    assert len(bars["array"]) == len(bars["arrayminus"]) == len(trace["x"])
    return value - bars["arrayminus"][i], value + bars["array"][i]


def parts_of(figure):
    """The traces but the diamonds of bounds, and those bounds by the height at which they stand."""
    traces, bounds = [], {}
    for trace in figure["data"]:
        if (trace.get("marker") or {}).get("symbol") != "diamond":
            traces.append(trace)
            continue
        for x, y in zip(trace["x"], trace["y"], strict=True):
            bounds.setdefault(y, []).append(x)
    assert all(len(both) == 2 for both in bounds.values())
    said = figure["layout"]["annotations"] + [figure["layout"].get("meta")]
    assert ("Diamonds: " in plain(str(said))) == bool(bounds)
    return traces, bounds


def read_bars(figure):
    """label, series, low, value, high, the bounds and sign, from the top."""
    rows, unit, drawn = Rows(figure), unit_of(figure), []
    traces, bounds = parts_of(figure)
    for trace in traces:
        assert trace.get("orientation") == "h"
        for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
            low, high = whiskers(trace, i, x)
            assumed = trace["marker"]["color"] == ASSUMED
            name = plain(trace["name"]).removesuffix(" (assumed)")
            assert trace["showlegend"] == bool(name)
            cells = {"row": rows.at(y), "y": y, "series": name, "low": low, "value": x,
                     "high": high, "assumed": assumed, "hover": trace["hovertext"][i],
                     **dict(zip(BOUNDS, bounds.get(y, [np.nan] * 2), strict=True))}  # fmt: skip
            drawn.append(cells)
    table = pd.DataFrame(drawn)
    table.attrs["series"] = list(dict.fromkeys(table["series"]))
    table = table.sort_values("y", ignore_index=True)
    table["label"] = [close(rows.labels[row]) for row in table["row"]]
    ends = [*table["low"], *table["high"], *(x for both in bounds.values() for x in both)]
    assert_axis(figure["layout"]["xaxis"], [*ends, 0.0])
    for row, group in table.groupby("row"):
        lines = rows.numbers[row].split("<br>")
        for (i, bar), line in zip(group.iterrows(), lines, strict=True):
            limited = len(list(numbers_in(plain(line)))) > 1
            if not limited:
                assert bar["low"] == bar["value"] == bar["high"]
                table.loc[i, ["low", "high"]] = bar["low"] = bar["high"] = np.nan
            assert_says(line, bar["value"], bar["low"], bar["high"])
            table.loc[i, "sign"] = signs_in(line)
            assert bar["assumed"] == (table.loc[i, "sign"] == "¶")
            hover = bar["hover"]
            assert close(hover).startswith(bar["label"])
            assert bar["series"] in plain(hover)
            assert_says(after(unit, hover), bar["value"], bar["low"], bar["high"])
    return table


def bars_of(table):
    """A table as a chart of bars shows it: labels and series in the order in which they come."""
    table = table.reindex(columns=["label", "series", *LIMITS, *BOUNDS, "seen"])
    table["series"] = table["series"].astype(object).where(table["series"].notna(), "")
    order = {name: list(dict.fromkeys(table[name])) for name in ("label", "series")}
    table = table.sort_values(
        ["label", "series"], key=lambda c: c.map(order[c.name].index), ignore_index=True
    )
    return table.assign(label=table["label"].map(close), sign=table["seen"].map(SIGNS).fillna(""))


def read_indices(figure):
    """label, and low, value and high of the first and the total index."""
    table = read_bars(figure)
    alone, others = (table[table["series"] == name] for name in ("alone", "with others"))
    assert list(alone["label"]) == list(others["label"])
    drawn = {"label": list(alone["label"])}
    for name, part in (("first", alone), ("total", others)):
        for end, column in (("_low", "low"), ("", "value"), ("_high", "high")):
            drawn[name + end] = list(part[column])
    return pd.DataFrame(drawn)


def read_forest(figure):
    """label with its counts and sign, role, low, estimate, high, area and openness of the mark."""
    rows, unit = Rows(figure), unit_of(figure)
    names = ("role", "low", "estimate", "high", "side", "open")
    marks = {}
    for trace in figure["data"]:
        if trace["mode"] == "markers":
            for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
                low, high = whiskers(trace, i, x)
                symbol = trace["marker"]["symbol"][i]
                hollow = {"square": False, "square-open": True, "circle-open": False}[symbol]
                role = "control" if symbol == "circle-open" else "study"
                marks[rows.at(y)] = (role, low, x, high, trace["marker"]["size"][i], hollow,
                                     trace["hovertext"][i])  # fmt: skip
        else:
            (row,) = {rows.at(y) for y in trace["y"]}
            role = {charts.PUBLISHED: "pooled", "white": "subtotal", ASSUMED: "prediction"}
            level = [math.isclose(y, rows.centres[row]) for y in trace["y"]]
            corners = set(zip(trace["x"], trace["y"], strict=True))
            # A diamond, or a bar with a corner at each end and side.
            assert len(corners) == 4
            assert any(level) or len({x for x, _ in corners}) == len({y for _, y in corners}) == 2
            corners = list(zip(trace["x"], level, strict=True))
            ends = sorted({x for x, at_centre in corners if at_centre or not any(level)})
            tips = {x for x, at_centre in corners if not at_centre and any(level)}
            low, high = ends[0], ends[-1]
            estimate = tips.pop() if tips else np.nan
            assert not tips
            assert low <= high
            marks[row] = (role[trace["fillcolor"]], low, estimate, high, np.nan, False,
                          trace["text"])  # fmt: skip
    drawn = []
    for row, label in enumerate(rows.labels):
        cells = dict(zip(names, marks.get(row, ("heading", *[np.nan] * 4, False)), strict=False))
        if row in marks:
            assert_says(rows.numbers[row], cells["estimate"], cells["low"], cells["high"])
            hover = marks[row][-1]
            cells["said"] = after(unit, hover)
            said = close(label)
            for sign in SIGNS.values():
                said = said.replace(sign, "")
            assert close(hover).startswith(said)
        else:
            assert row not in rows.numbers
        assert label.startswith("<b>") == (cells["role"] not in ("study", "control"))
        drawn.append(cells | {"label": close(label)})
    table = pd.DataFrame(drawn)
    assert_axis(figure["layout"]["xaxis"], [*table["low"], *table["high"]])
    return table


def forest_of(table):
    """A table as a forest shows it: counts and sign behind the label, weights as sides."""
    table = table.reindex(columns=[*table, *({"n", "events", "weight", "seen"} - {*table})])
    studies = table["role"].isin(["study", "control"])
    counts = [
        "" if role == "prediction" or np.isnan(n)
        else f"({events:.0f}/{n:.0f})" if not np.isnan(events) else f"(n={n:.0f})"
        for role, n, events in zip(
            table["role"], table["n"].astype(float), table["events"].astype(float), strict=True
        )
    ]  # fmt: skip
    signs = table["seen"].map(SIGNS).fillna("").where(studies, "")
    weight = table["weight"].astype(float).where(studies)
    side = np.maximum(4.0, 13.0 * np.sqrt(weight / weight.max()))
    some = weight.notna().any()
    return table.assign(
        label=[close(f"{label}{sign}{count}") for label, sign, count
               in zip(table["label"], signs, counts, strict=True)],
        estimate=table["estimate"].astype(float).mask(table["role"] == "prediction"),
        side=side.fillna(9.0).where(studies),
        open=(table["role"] == "study") & weight.isna() & some,
    )  # fmt: skip


def read_claims(figure):
    """label, verdict, and low, middle and high of what is claimed (above) and found (below)."""
    rows, unit = Rows(figure), unit_of(figure)
    drawn = [{} for _ in rows.labels]
    for trace in figure["data"]:
        points = list(zip(trace["x"], trace["y"], strict=True))
        if "lines" in trace["mode"]:
            segments = list(zip(points[0::3], points[1::3], points[2::3], strict=True))
            name = {ASSUMED: "claimed", charts.EVIDENCE: "found"}[trace["line"]["color"]]
            for (low, y), (high, y_too), gap in segments:
                assert y == y_too
                assert gap == (None, None)
                assert (y < rows.centres[rows.at(y)]) == (name == "claimed")
                drawn[rows.at(y)] |= {f"{name}_low": low, f"{name}_high": high}
    for trace in (trace for trace in figure["data"] if trace["mode"] == "markers"):
        name = {charts.CLAIM: "claimed", charts.EVIDENCE: "found"}[trace["marker"]["color"]]
        for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
            cells = drawn[rows.at(y)]
            assert (y < rows.centres[rows.at(y)]) == (name == "claimed")
            symbol = trace["marker"]["symbol"][i].removesuffix("-open")
            if symbol in ("triangle-left", "triangle-right"):
                cells[f"{name}_{'high' if symbol == 'triangle-left' else 'low'}"] = x
            elif trace["marker"]["size"][i]:
                cells[name] = x
            for end in ("low", "high"):
                # A line from the middle to the one limit given.
                if cells.get(f"{name}_{end}") == cells.get(name):
                    cells[f"{name}_{end}"] = None
            cells[f"{name}_hover"] = trace["hovertext"][i]
    for row, cells in enumerate(drawn):
        label, verdict = re.fullmatch(r"(.*)<br><b>(\w+)</b>", rows.labels[row]).groups()
        above, below = re.split("\N{BLACK CIRCLE}", plain(rows.numbers[row]))
        for name, line in (("claimed", above), ("found", below)):
            given = [cells.get(name), cells.get(f"{name}_low"), cells.get(f"{name}_high")]
            assert_says(line, *given)
            hover = cells.pop(f"{name}_hover")
            assert close(hover).startswith(close(label))
            assert f"Verdict: {verdict}" in plain(hover)
            assert_says(after(unit, hover).partition("Verdict")[0].replace("%", ""), *given)
        cells |= {"label": close(label), "verdict": verdict,
                  "sign": signs_in(below)}  # fmt: skip
    names = [f"{name}{end}" for name in ("claimed", "found") for end in ("_low", "", "_high")]
    table = pd.DataFrame(drawn).reindex(columns=["label", "verdict", "sign", *names])
    assert_axis(figure["layout"]["xaxis"], table[names].astype(float))
    return table


def claims_of(table):
    table = table.reindex(columns=[*table, *({"seen"} - {*table})])
    for name, end in itertools.product(("claimed", "found"), ("_low", "_high")):
        table[name + end] = table[name + end].mask(table[name + end] == table[name])
    return table.assign(label=table["label"].map(close), sign=table["seen"].map(SIGNS).fillna(""))


def read_steps(figure):
    """label, low, value, high, the bounds and sign of points on a scale by tens."""
    rows, unit = Rows(figure), unit_of(figure)
    (lines, points), bounds = parts_of(figure)
    assert (lines["mode"], points["mode"]) == ("lines", "markers")
    ends = list(zip(lines["x"], lines["y"], strict=True))
    limits = {rows.at(y): (low, high) for (low, y), (high, _) in zip(ends[0::3], ends[1::3],
                                                                    strict=True)}  # fmt: skip
    drawn = []
    for i, (x, y) in enumerate(zip(points["x"], points["y"], strict=True)):
        row = rows.at(y)
        low, value, high = (10**power for power in (limits[row][0], x, limits[row][1]))
        line = rows.numbers[row]
        sign = signs_in(line)
        assert (points["marker"]["symbol"][i] == "circle-open") == (sign == "¶")
        ends = [] if math.isclose(low, high) else [low, high]
        assert_says(line, value, *ends, within=0.00501)
        hover = points["hovertext"][i]
        assert close(hover).startswith(close(rows.labels[row]))
        assert_says(after(unit, hover), value, low, high)
        both = [10**power for power in bounds.get(y, [np.nan] * 2)]
        drawn.append((close(rows.labels[row]), low, value, high, sign, *both))
    diamonds = [x for both in bounds.values() for x in both]
    powers = [x for x in (*lines["x"], *points["x"], *diamonds) if x is not None]
    assert_axis(figure["layout"]["xaxis"], powers, printed_as=lambda power: 10.0**power)
    return pd.DataFrame(drawn, columns=["label", *LIMITS, "sign", *BOUNDS])


def read_waterfall(figure):
    """label, role, low, value, high and where each bar starts; links join the end of each bar."""
    rows, unit, drawn = Rows(figure), unit_of(figure), {}
    for trace in figure["data"]:
        colour = trace["marker"]["color"]
        for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
            role = "total" if colour == charts.LIMB_LOSS else "step"
            assert role == "total" or colour == (charts.CLAIM if x < 0 else charts.EVIDENCE)
            low, high = whiskers(trace, i, x)
            row, hover = rows.at(y), trace["hovertext"][i]
            if len(list(numbers_in(plain(rows.numbers[row])))) == 1:
                assert low == x == high
                low = high = np.nan
            assert_says(rows.numbers[row], x, low, high)
            label = close(rows.labels[row])
            assert close(hover).startswith(label + ":")
            assert_says(plain(hover).partition(unit)[0].rpartition(": ")[2], x, low, high)
            drawn[row] = (label, role, low, x, high, trace["base"][i])
    table = pd.DataFrame([drawn[row] for row in sorted(drawn)],
                         columns=["label", "role", *LIMITS, "base"])  # fmt: skip
    links = [shape for shape in figure["layout"]["shapes"] if shape["name"] == "link"]
    assert [(link["x0"], link["x1"], rows.at(link["y0"]), rows.at(link["y1"])) for link in links] \
        == [(end, end, row, row + 1) for row, end in
            enumerate((table["base"] + table["value"]).iloc[:-1].tolist())]  # fmt: skip
    reach = [table["base"] + table[end] for end in LIMITS]
    assert_axis(figure["layout"]["xaxis"], [0.0, *pd.concat(reach)])
    return table


def waterfall_of(table):
    before = table["value"].where(table["role"] == "step", 0.0).cumsum().shift(fill_value=0.0)
    first = float(table["value"].iloc[0])
    base = (first + before).where(table["role"] == "step", 0.0)
    return table.assign(label=table["label"].map(close), base=base)


def read_pyramid(figure):
    """label, sex, value and series; men left, women right, the oldest on top."""
    rows, drawn = Rows(figure), []
    for place, trace in enumerate(figure["data"]):
        assert (trace["marker"]["color"] == charts.LIMB_LOSS) == (place == 0)
        for x, y, hover in zip(trace["x"], trace["y"], trace["hovertext"], strict=True):
            cells = {"label": close(rows.labels[rows.at(y)]), "sex": "male" if x < 0 else "female",
                     "series": plain(trace["name"]), "value": abs(x)}  # fmt: skip
            head, _, number = plain(hover).rpartition(": ")
            assert head.split(", ") == [cells["label"], cells["sex"], cells["series"]]
            assert float(number) == pytest.approx(abs(x), rel=0.00501)
            drawn.append(cells | {"row": len(rows.labels) - rows.at(y)})
    axis = figure["layout"]["xaxis"]
    assert_axis(axis, [x for trace in figure["data"] for x in trace["x"]], printed_as=abs)
    return pd.DataFrame(drawn)


def pyramid_of(table):
    order = {label: place for place, label in enumerate(dict.fromkeys(table["label"]), start=1)}
    return table.assign(row=table["label"].map(order), label=table["label"].map(close))


def read_ages(figure):
    """year, label, series and value of every frame; the figure itself is the frame of its slider."""
    rows, unit, drawn = Rows(figure), unit_of(figure), []
    for frame in figure["frames"]:
        *bars, total = frame["data"]
        assert frame["traces"] == list(range(len(frame["data"])))
        for trace in bars:
            for x, y, hover in zip(trace["x"], trace["y"], trace["hovertext"], strict=True):
                label, series = close(rows.labels[rows.at(y)]), plain(trace["name"])
                head = plain(hover).removesuffix(f" {unit}")
                assert close(head).startswith(f"{label},{close(series)}:")
                assert_says(head.rpartition(": ")[2], x)
                drawn.append((int(frame["name"]), label, series, x, len(rows.labels) - rows.at(y)))
        everybody = sum(cells[3] for cells in drawn if cells[0] == int(frame["name"]))
        assert_says(total["text"][0], float(frame["name"]), everybody)
    (slider,) = figure["layout"]["sliders"]
    years = [step["label"] for step in slider["steps"]]
    assert years == [step["args"][0][0] for step in slider["steps"]]
    assert years == [frame["name"] for frame in figure["frames"]]
    shown = figure["frames"][slider["active"]]["data"]
    assert [t["x"] for t in shown] == [t["x"] for t in figure["data"]]
    assert [t.get("name") for t in shown] == [t.get("name") for t in figure["data"]]
    table = pd.DataFrame(drawn, columns=["year", "label", "series", "value", "row"])
    stacks = table.groupby(["year", "label"])["value"].sum()
    assert_axis(figure["layout"]["xaxis"], [0.0, *stacks])
    return table.sort_values(["year", "row", "series"], ignore_index=True)


def ages_of(table):
    table = pyramid_of(table)
    return table.sort_values(["year", "row", "series"], ignore_index=True)


def read_tornado(figure):
    """label, low, high, at_low, at_high, base, least and greatest."""
    rows, unit = Rows(figure), unit_of(figure)
    drawn = [{"label": close(label.partition("<span")[0])} for label in rows.labels]
    spans = [text for text in figure["data"] if text["type"] == "scatter"]
    for trace in figure["data"]:
        if trace["type"] == "scatter":
            continue
        end = trace["name"].removeprefix("parameter ")
        assert end in ("low", "high")
        for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
            cells = drawn[rows.at(y)]
            cells |= {f"at_{end}": trace["base"][i] + x, "base": trace["base"][i]}
            head, _, rest = plain(trace["hovertext"][i]).partition(f" {unit}: ")
            cells[f"hover_{end}"], cells[f"rest_{end}"] = head, rest
    (line,) = [shape for shape in figure["layout"]["shapes"] if shape["name"] == "base"]
    turning = {}
    for span in spans:
        points = list(zip(span["x"], span["y"], strict=True))
        for (least, y), (greatest, _) in zip(points[0::3], points[1::3], strict=True):
            turning[rows.at(y)] = (least, greatest)
    for row, cells in enumerate(drawn):
        assert line["x0"] == line["x1"] == cells["base"]
        ends = (cells["at_low"], cells["at_high"], cells["base"])
        cells["least"], cells["greatest"] = turning.get(row, (min(ends), max(ends)))
        assert_says(rows.numbers[row], cells["least"], cells["greatest"])
        for end in ("low", "high"):
            head, _, at = cells.pop(f"hover_{end}").rpartition(" at ")
            number, _, which = at.partition(", ")
            assert re.fullmatch(rf"the {end} end of its middle \d+%", which)
            assert close(head) == cells["label"]
            cells[f"said_{end}"] = number
            assert_says(cells.pop(f"rest_{end}"), cells[f"at_{end}"])
        cells["said"] = plain(rows.labels[row].partition("<span")[2].partition(">")[2])
    table = pd.DataFrame(drawn)
    assert_axis(figure["layout"]["xaxis"], pd.concat([table["least"], table["greatest"]]))
    return table


def tornado_of(table):
    words = table["label"] if "label" in table else table["parameter"].str.replace("_", " ")
    return table.assign(label=words.map(close))


def read_verdicts(figure):
    """topic, verdict and claims; the counts in the bars stand in the middle of what they count."""
    rows, drawn = Rows(figure), []
    for trace in figure["data"]:
        for x, y, hover in zip(trace["x"], trace["y"], trace["hovertext"], strict=True):
            topic = close(rows.labels[rows.at(y)])
            assert close(hover) == f"{topic}{trace['name']}:{x:.0f}"
            drawn.append((topic, trace["name"], x, rows.at(y)))
    table = pd.DataFrame(drawn, columns=["topic", "verdict", "claims", "row"])
    inside = sorted((rows.at(n["y"]), n["x"], n["text"]) for n in texts(figure, "count"))
    middles = []
    for row, part in table.groupby("row"):
        ends = part["claims"].cumsum()
        assert_says(rows.numbers[row], float(ends.iloc[-1]))
        middles += [(row, end - n / 2, f"{n:.0f}") for end, n in zip(ends, part["claims"],
                                                                   strict=True) if n]  # fmt: skip
    assert inside == middles
    assert_axis(figure["layout"]["xaxis"], [0, *table.groupby("row")["claims"].sum()])
    return table.sort_values(["row", "verdict"], ignore_index=True)


def verdicts_of(table):
    topics = list(dict.fromkeys(table["topic"]))
    cells = table.set_index(["topic", "verdict"])["claims"]
    full = [(close(topic.replace("_", " ").capitalize()), verdict,
             float(cells.get((topic, verdict), 0)), row)
            for row, topic in enumerate(topics) for verdict in sorted(VERDICTS)]  # fmt: skip
    return pd.DataFrame(full, columns=["topic", "verdict", "claims", "row"])


# Charts over years or another number ---------------------------------------------------------------


def rgb(colour):
    """A colour, whether it is written #rrggbb or rgba(r,g,b,opacity)."""
    if colour.startswith("#"):
        return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return tuple(int(number) for number in colour[5:-1].split(",")[:3])


def lines_by_series(figure, visible):
    """Name of each series, the label at its end, and the marks of its colour."""
    ends = {rgb(note["arrowcolor"]): note for note in texts(figure, "series")}
    by_colour = {}
    for trace in visible:
        shown = trace["marker" if trace["mode"] == "markers" else "line"]["color"]
        shown = trace["fillcolor"] if trace.get("fill") else shown
        by_colour.setdefault(rgb(shown), []).append(trace)
    if not ends:
        (traces,) = by_colour.values()
        return [("", None, traces)]
    assert set(ends) == set(by_colour)
    drawn = []
    for colour, note in ends.items():
        (name,) = {t["name"] for t in by_colour[colour] if "markers" in t["mode"]}
        assert close(name) == close(note["text"])
        drawn.append((plain(name), note, by_colour[colour]))
    return drawn


def edges_of(band):
    """x, low and high of a band, whose outline runs along the one edge and back along the other."""
    n = len(band["x"]) // 2
    assert band["x"][:n] == band["x"][n:][::-1]
    return zip(band["x"][:n], band["y"][n:][::-1], band["y"][:n], strict=True)


def put(cells, column, value):
    assert cells.setdefault(column, value) == value, (column, cells, value)


def read_years(figure, column):
    """series, year, extrapolated, the line, both edges of every band, and what a pointer says."""
    drawn = []
    points = [t for t in figure["data"] if t["mode"] == "markers" and t["showlegend"]]
    visible = [t for t in figure["data"] if t["x"] != [None] and t not in points]
    for name, end, traces in lines_by_series(figure, visible):
        years, joined, levels, runs = {}, set(), [], {}
        for trace in traces:
            if trace.get("fill"):
                level = trace["name"].removesuffix("% interval")
                levels.append(int(level))
                edges = list(edges_of(trace))
                runs.setdefault(level, set()).update(
                    itertools.pairwise(year for year, _, _ in edges)
                )
                for year, low, high in edges:
                    put(years.setdefault(year, {}), f"low_{level}", low)
                    put(years.setdefault(year, {}), f"high_{level}", high)
                continue
            runs.setdefault(trace["mode"], set()).update(itertools.pairwise(trace["x"]))
            for i, (year, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
                put(years.setdefault(year, {}), column, y)
                if trace["mode"] == "markers":
                    assert name or trace["name"] == column
                    years[year]["hover"] = trace["hovertext"][i]
                elif trace["line"]["dash"] != "dot":
                    joined.add(year)
        # The widest lies below all others, and no piece of a line or band is missing.
        assert levels == sorted(levels, reverse=True)
        assert all(run == set(itertools.pairwise(sorted(years))) for run in runs.values())
        drawn += [
            {"series": name, "year": year, "extrapolated": year not in joined, **cells}
            for year, cells in sorted(years.items())
        ]
        if end is not None:
            assert (end["x"], end["y"]) == (drawn[-1]["year"], drawn[-1][column])
    table = pd.DataFrame(drawn)
    grey = [(s["x0"], s["x1"]) for s in figure["layout"].get("shapes", ())
            if s["name"] == "extrapolated"]  # fmt: skip
    for year, flag in table.groupby("year")["extrapolated"].all().items():
        assert any(left < year < right for left, right in grey) == flag
    assert table["extrapolated"].any() == any(t["x"] == [None] for t in figure["data"])
    layout = figure["layout"]
    visible = table.columns.drop(["series", "year", "extrapolated", "hover"])
    assert_axis(layout["yaxis"], table[visible])
    low, high = layout["xaxis"]["range"]
    assert low <= table["year"].min() <= table["year"].max() <= high
    return table


def assert_years(figure, table, column, levels):
    """The lines and bands of a figure over years, and what a pointer says of every year."""
    drawn = read_years(figure, column)
    names = [column, *(f"{end}_{level}" for level in levels for end in ("low", "high"))]
    wanted = table.reindex(columns=["series", "year", "extrapolated", *names])
    wanted["series"] = wanted["series"].astype(object).where(wanted["series"].notna(), "")
    wanted["extrapolated"] = wanted["extrapolated"].eq(True)
    bands = levels[-1:] if len(set(wanted["series"])) > 1 else levels
    visible = [column, *(f"{end}_{level}" for level in bands for end in ("low", "high"))]
    assert {*drawn} == {"series", "year", "extrapolated", "hover", *visible}
    same(drawn, wanted, "series", "year", "extrapolated", *visible)
    unit = unit_of(figure)
    for (_, row), hover in zip(wanted.iterrows(), drawn["hover"], strict=True):
        head, _, said = plain(hover).partition(unit)
        who = f"{row['series']}," if row["series"] else ""
        flag = "(extrapolated)" if row["extrapolated"] else ""
        assert close(head) == close(f"{who}{row['year']:.0f}{flag}")
        if not levels:
            assert_says(said, row[column])
            continue
        _, *said = re.split(r"(Median|\d\d%): ", said)
        assert said[0::2] == ["Median", *(f"{level}%" for level in levels)]
        assert_says(said[1], row[column])
        for level, limits in zip(levels, said[3::2], strict=True):
            assert_says(limits, row[f"low_{level}"], row[f"high_{level}"])


def assert_points(figure, table):
    """The published points of a fan, with their limits, and open where their source was not read."""
    unit, drawn = unit_of(figure), []
    for trace in figure["data"]:
        if trace["mode"] == "markers" and trace["showlegend"]:
            assert trace["marker"]["color"] == charts.PUBLISHED
            for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
                low, high = whiskers(trace, i, y, "error_y")
                drawn.append({"name": plain(trace["name"]), "year": x, "value": y, "low": low,
                              "high": high, "open": trace["marker"]["symbol"].endswith("-open"),
                              "hover": trace["hovertext"][i]})  # fmt: skip
    table = table.reindex(columns=["year", *LIMITS, "label", "seen", "level"])
    marks = table["seen"].map(MARKS)
    limited = table[["low", "high"]].notna().any(axis=1)
    levels = set(table.loc[table["level"].notna(), "level"])
    (caption,) = texts(figure, "caption")
    said = re.findall(r" Black: published( with its (?:\d+% )?limits)?"
                      r"(, open where not read at its source)?\.", plain(caption["text"]))  # fmt: skip
    named = f"{100 * levels.pop():.0f}% limits" if len(levels) == 1 else "limits"
    unread = ", open where not read at its source" if marks.notna().any() else ""
    assert said == ([(f" with its {named}" if limited.any() else "", unread)] if len(table) else [])
    names = [f"{label} ({mark})" if isinstance(mark, str) else label
             for label, mark in zip(table["label"], marks, strict=True)]  # fmt: skip
    wanted = table.assign(name=names, open=marks.notna()).sort_values(["name", "year"])
    assert len(drawn) == len(table)
    if not drawn:
        return
    drawn = pd.DataFrame(drawn).sort_values(["name", "year"])
    filled = wanted.assign(**{end: wanted[end].fillna(wanted["value"]) for end in ("low", "high")})
    same(drawn, filled, "name", "year", *LIMITS, "open")
    for hover, (_, row) in zip(drawn["hover"], wanted.iterrows(), strict=True):
        assert close(hover).startswith(close(f"{row['name']}, {row['year']:.0f}"))
        assert_says(after(unit, hover), row["value"], row["low"], row["high"])
        # Published limits are of many kinds: their level is said where it is known.
        level = "" if np.isnan(row["level"]) else f"{100 * row['level']:.0f}% limits"
        known = np.isfinite([row["low"], row["high"]]).any()
        assert plain(hover).partition(" Limits: ")[2] == (level if known else "")


def assert_fan(figure, table, points=None):
    assert_years(figure, table, "median", LEVELS)
    assert_points(figure, pd.DataFrame() if points is None else points)


def assert_lines(figure, table):
    assert_years(figure, table, "value", ())


def assert_curves(figure, table):
    """Lines over a number, and both edges of the bands of those that have limits."""
    unit, drawn, assumed = unit_of(figure).partition("; across: ")[0], [], []
    for name, end, traces in lines_by_series(figure, figure["data"]):
        bands = [trace for trace in traces if trace.get("fill")]
        (line,) = (trace for trace in traces if trace not in bands)
        limits = {x: (low, high) for band in bands for x, low, high in edges_of(band)}
        for x, y, hover in zip(line["x"], line["y"], line["hovertext"], strict=True):
            drawn.append((name, x, y, *limits.get(x, (np.nan, np.nan)), hover))
        assert (end["x"], end["y"]) == (line["x"][-1], line["y"][-1])
        seen = table.get("seen", pd.Series("", table.index))[table["series"] == name]
        assert (line["line"]["dash"] == "8px,5px") == (seen == "assumed").all()
        assumed += [name] if (seen == "assumed").all() else []
    (caption,) = texts(figure, "caption")
    assert ("Dashed: assumed." in plain(caption["text"])) == bool(assumed)
    drawn = pd.DataFrame(drawn, columns=["series", "x", "value", "low", "high", "hover"])
    wanted = table.reindex(columns=["series", "x", *LIMITS]).astype(dict.fromkeys(LIMITS, float))
    same(drawn, wanted, "series", "x", *LIMITS)
    for hover, (_, row) in zip(drawn["hover"], wanted.iterrows(), strict=True):
        head = plain(hover).partition(f" {unit}")[0]
        assert head.startswith(f"{row['series']}, ")
        assert_says(head.removeprefix(row["series"]).replace("%", ""), row["x"])
        assert_says(after(unit, hover), *row[["value", "low", "high"]])
    assert_axis(figure["layout"]["yaxis"], wanted[LIMITS])
    assert_axis(figure["layout"]["xaxis"], wanted["x"])
    assert_names_limits(figure)


# Other charts --------------------------------------------------------------------------------------


def assert_predictions(figure, table):
    """Observations by quantity and place in their intervals, and how many lie inside."""
    axis = figure["layout"]["yaxis"]
    labels = dict(zip(axis["tickvals"], map(plain, axis["ticktext"]), strict=True))
    band = next(shape for shape in figure["layout"]["shapes"] if shape["name"] == "interval")
    assert (band["x0"], band["x1"]) == (-1, 1)
    drawn = pd.DataFrame(
        {"label": labels[y].replace("<br>", " "), "position": x, "series": trace["name"],
         "text": plain(text).replace("<br>", " "), "open": "open" in trace["marker"]["symbol"]}
        for trace in figure["data"]
        for x, y, text in zip(trace["x"], trace["y"], trace["text"], strict=True)
    )  # fmt: skip
    series = list(dict.fromkeys(table["series"]))
    wanted = pd.concat([table[table["series"] == name] for name in series])
    assert [close(x) for x in drawn["label"]] == [close(x) for x in wanted["label"]]
    same(drawn, wanted, "position", "series")
    assert (drawn["open"] == (drawn["series"] != series[0])).all()
    for text, row in zip(drawn["text"], wanted.to_dict("records"), strict=True):
        assert close(text).startswith(close(row["name"]))
        assert float(text.split(": ")[-1].replace("\u2212", "-")) == pytest.approx(
            row["position"], abs=0.0051
        )
    inside = wanted["position"].between(-1, 1)
    right = [plain(a["text"]) for a in figure["layout"]["annotations"] if " of " in a["text"]
             and plain(a["text"]).split(" of ")[0].isdigit()]  # fmt: skip
    expected = [
        f"{inside[wanted['label'] == label].sum()} of {(wanted['label'] == label).sum()}"
        for label in dict.fromkeys(table["label"])
    ]
    assert right == expected


def assert_funnel(figure, table, edges):
    """Studies by share and standard error, and the three lines they lie around."""
    unit = re.fullmatch(r"Down: (.*)\. Across: (.*)", unit_of(figure))
    lines = {trace["name"]: trace for trace in figure["data"]}
    points = lines.pop("studies")
    assert {*lines} == {"low", "high", "centre"}
    for name, line in lines.items():
        same(pd.DataFrame({name: line["x"], "se": line["y"]}), edges, name, "se")
        assert (line["line"].get("dash") == "dash") == (name != "centre")
    same(pd.DataFrame({"share": points["x"], "se": points["y"]}), table, "share", "se")
    for i, (_, row) in enumerate(table.iterrows()):
        head, share, error = re.split(
            f" ?{re.escape(unit[2])}: | standard error ", plain(points["hovertext"][i])
        )
        counted = "(n={:.0f})".format(row["n"]) if "n" in row else ""
        assert close(head).replace(",", "") == close(row["label"] + counted).replace(",", "")
        assert_says(share, row["share"])
        assert_says(error, row["se"])
        hollow = points["marker"]["symbol"][i] == "circle-open"
        assert hollow == (row.get("seen") in MARKS)
    layout = figure["layout"]
    assert_axis(layout["xaxis"], [*table["share"], *edges["centre"]])
    assert_axis(layout["yaxis"], [*table["se"], *edges["se"]])


def assert_screening(figure, table):
    """Effects by size and spread; the large ones numbered, with their names in the caption."""
    (caption,) = texts(figure, "caption")
    answer = unit_of(figure).partition("; ")[2]
    drawn = []
    for trace in figure["data"]:
        if trace["name"] not in ("effects", "small effects"):
            continue
        numbered = trace["name"] == "effects"
        assert trace["error_x"]["visible"] == numbered
        for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
            low, high = (x - trace["error_x"]["arrayminus"][i], x + trace["error_x"]["array"][i])
            head, size = plain(trace["hovertext"][i]).split(f" {answer}: size ")
            assert_says(size, x, y)
            drawn.append((close(head), low, x, high, y, numbered))
            if numbered:
                number = int(trace["text"][i])
                assert number == len(trace["x"]) - i
                assert f"{number} {head}" in plain(caption["text"])
    columns = ["mu_star_low", "mu_star", "mu_star_high", "sigma"]
    drawn = pd.DataFrame(drawn, columns=["label", *columns, "numbered"])
    wanted = tornado_of(table)
    # By the caption: dots below a twentieth of the largest have no number.
    wanted["numbered"] = wanted["mu_star"] > 0.05 * wanted["mu_star"].max()
    same(drawn.sort_values("mu_star"), wanted.sort_values("mu_star"), "label", *columns, "numbered")
    assert_axis(figure["layout"]["xaxis"], [0, *table["mu_star_high"]])
    assert_axis(figure["layout"]["yaxis"], [0, *table["sigma"]])
    # Above the dashed line, which crosses the plot, the spread is larger than the size.
    (dashed,) = (t for t in figure["data"] if (t.get("line") or {}).get("dash") == "dash")
    end = min(figure["layout"][axis]["range"][1] for axis in ("xaxis", "yaxis"))
    assert dashed["x"] == dashed["y"] == [0, pytest.approx(end)]


def assert_heat_map(figure, table):
    """Every result in its place on the grid, with a key of its colours."""
    (trace,) = figure["data"]
    x, y = (name for name in table if name != "result")
    drawn = [
        (across, up, trace["z"][j][i])
        for i, across in enumerate(trace["x"])
        for j, up in enumerate(trace["y"])
    ]
    drawn = pd.DataFrame(drawn, columns=[x, y, "result"])
    same(drawn, table.sort_values([x, y]), x, y, "result")
    assert trace["zmin"] <= table["result"].min() <= table["result"].max() <= trace["zmax"]
    key = trace["colorbar"]
    assert_axis(key | {"range": [trace["zmin"], trace["zmax"]]}, key["tickvals"])
    # A line at each number of the key.
    lines = trace["contours"]
    at = np.arange(lines["start"], lines["end"] + lines["size"] / 2, lines["size"])
    np.testing.assert_allclose(at, key["tickvals"], atol=1e-9 * trace["zmax"])
    axes = re.fullmatch(r"Across: (.*)\. Up: (.*)", unit_of(figure)).groups()
    said = dict(re.findall(r"([^<>]+): %\{([xyz]):", trace["hovertemplate"]))
    assert {place: name for name, place in said.items() if place != "z"} == dict(
        zip("xy", axes, strict=True)
    )
    for axis, name in (("xaxis", x), ("yaxis", y)):
        assert_axis(figure["layout"][axis], table[name])


def assert_icons(figure, table):
    """As many icons as are counted, in the order of the table, under the heading of their panel."""
    headings = sorted((note["y"], plain(note["text"])) for note in texts(figure, "panel"))
    keys = [(note["y"], plain(note["text"])) for note in texts(figure, "key")]
    tops = [y for y, _ in headings]
    drawn, places = [], []
    for trace in figure["data"]:
        (_, *across), (y, *down) = trace["x"], trace["y"]
        marker = trace["marker"]
        (key,) = (text for top, text in keys if top < y < top + 16)
        panel = headings[bisect(tops, y) - 1][1]
        assert all(headings[bisect(tops, at) - 1][1] == panel for at in down)
        assert all(y < at for at in down)
        places += list(zip(down, across, strict=True))
        count, low, high, label = re.fullmatch(r"(\d+)(?: \((\S+) to (\S+)\))? (.*)", key).groups()
        assert int(count) == len(down)
        assert plain(trace["hovertext"]).partition(" Limits: ")[0] == f"{panel}: {key}"
        drawn.append((panel, label, LOOKS[marker["symbol"], marker["color"]], len(down),
                      float(low or "nan"), float(high or "nan")))  # fmt: skip
    # In reading order, none on another.
    assert places == sorted(set(places))
    columns = ["panel", "label", "look", "count", "low", "high"]
    same(pd.DataFrame(drawn, columns=columns), table.reindex(columns=columns), *columns)


def assert_maps(figure, table, outlines):
    """Every place in the class of its value, on its own map, with its numbers at its centre."""
    rings = {
        tuple(zip(ring["x"], ring["y"], strict=True)): place
        for (place, _), ring in outlines.groupby(["place", "part"], sort=False)
    }
    layout, unit = figure["layout"], unit_of(figure)
    classes = {t["marker"]["color"]: t["name"] for t in figure["data"] if t["showlegend"]}
    panels, seen = list(dict.fromkeys(table["panel"])), 0
    heads = [" ".join(plain(note["text"]) for note in group) for group in heads_of(figure)]
    for number, panel in enumerate(panels, start=1):
        axis = str(number) if number > 1 else ""
        rows = table[table["panel"] == panel].set_index("place")
        low, high = (rows.loc[pick(rows["value"])] for pick in (pd.Series.idxmin, pd.Series.idxmax))
        head, ends = heads[number - 1].split(" Lowest: ")
        assert head == panel
        for said, row in zip(ends.split(" Highest: "), (low, high), strict=True):
            assert said.startswith(f"{row['name']} ")
            assert_says(said.removeprefix(row["name"]), row["value"])
        shaded = {}
        for trace in figure["data"]:
            if trace.get("xaxis") != f"x{axis}":
                continue
            assert trace["yaxis"] == f"y{axis}"
            points = list(zip(trace["x"], trace["y"], strict=True))
            if trace.get("fill"):
                for gap, ring in itertools.groupby(points, key=lambda point: point == (None, None)):
                    if not gap:
                        shaded.setdefault(rings[tuple(ring)], []).append(trace["fillcolor"])
                continue
            for (x, y), hover in zip(points, trace["hovertext"], strict=True):
                head = plain(hover).partition(" Limits: ")[0]
                name, said = head.removesuffix(f" {unit}").split(": ")
                ((place, row),) = rows[rows["name"] == name].iterrows()
                boxes = [[(min(ends), max(ends)) for ends in zip(*ring, strict=True)]
                         for ring, owner in rings.items() if owner == place]  # fmt: skip
                assert any((x, y) == (sum(a) / 2, sum(b) / 2) for a, b in boxes)
                assert_says(said, row["value"], row.get("low"), row.get("high"))
                seen += 1
        for place, value in rows["value"].items():
            assert len(shaded[place]) == sum(owner == place for owner in rings.values())
            (colour,) = set(shaded[place])
            ends = [number for number, _ in numbers_in(classes[colour])]
            least = -math.inf if "under" in classes[colour] else ends[0]
            most = math.inf if " on" in classes[colour] else ends[-1]
            assert least <= value < most
        for name in ("x", "y"):
            across = layout[f"{name}axis{axis}"]
            assert across["range"] == [outlines[name].min(), outlines[name].max()]
    assert seen == len(table)


def heads_of(figure):
    """The lines over each map: those of its heading are bold."""
    groups = []
    for note in texts(figure, "panel"):
        bold = note["text"].startswith("<b>")
        if bold and (not groups or not groups[-1][-1]["text"].startswith("<b>")):
            groups.append([])
        groups[-1].append(note)
    for number, group in enumerate(groups, start=1):
        axis = str(number) if number > 1 else ""
        layout = figure["layout"]
        assert {note["x"] for note in group} == {layout[f"xaxis{axis}"]["domain"][0]}
        assert min(note["y"] for note in group) >= layout[f"yaxis{axis}"]["domain"][1]
    return groups


# Figure and table ----------------------------------------------------------------------------------


def same(drawn, wanted, *columns):
    """Some columns of what is read back are those of the table."""
    assert len(drawn) == len(wanted)
    for column in columns:
        here, there = drawn[column].to_numpy(), wanted[column].to_numpy()
        if pd.api.types.is_numeric_dtype(wanted[column]):
            np.testing.assert_allclose(here.astype(float), there.astype(float), rtol=1e-9,
                                       atol=1e-12, err_msg=column)  # fmt: skip
        else:
            assert list(here) == list(there), column


def assert_bars(figure, table):
    drawn, wanted = read_bars(figure), bars_of(table)
    same(drawn, wanted, "label", "series", *LIMITS, *BOUNDS, "sign")
    assert_names_limits(figure)
    assert drawn.attrs["series"] == list(dict.fromkeys(table.get("series", [""])))
    assert_signs(figure, drawn["sign"])


def assert_indices(figure, table):
    names = [f"{name}{end}" for name in ("first", "total") for end in ("_low", "", "_high")]
    same(read_indices(figure), tornado_of(table), "label", *names)
    assert_names_limits(figure)


def assert_forest(figure, table):
    columns = ("label", "role", "low", "estimate", "high", "side", "open")
    drawn = read_forest(figure)
    assert_signs(figure, drawn["label"])
    same(drawn, forest_of(table), *columns)
    for said, (_, row) in zip(drawn["said"], table.iterrows(), strict=True):
        if row["role"] == "prediction":
            assert_says(said, *row[["low", "high"]])
        elif row["role"] != "heading":
            assert_says(said, *row[["estimate", "low", "high"]])
    assert_names_limits(figure)


def assert_claims(figure, table):
    names = [f"{name}{end}" for name in ("claimed", "found") for end in ("_low", "", "_high")]
    drawn = read_claims(figure)
    assert_signs(figure, drawn["sign"])
    same(drawn, claims_of(table), "label", "verdict", "sign", *names)


def assert_steps(figure, table):
    drawn = read_steps(figure)
    assert_signs(figure, drawn["sign"])
    same(drawn, bars_of(table), "label", *LIMITS, *BOUNDS, "sign")
    assert_names_limits(figure)


def assert_waterfall(figure, table):
    same(read_waterfall(figure), waterfall_of(table), "label", "role", *LIMITS, "base")
    assert_names_limits(figure)


def assert_pyramid(figure, table):
    same(read_pyramid(figure), pyramid_of(table), "label", "sex", "series", "value", "row")


def assert_ages(figure, table, start=2005):
    same(read_ages(figure), ages_of(table), "year", "label", "series", "value", "row")
    names = [plain(trace["name"]) for trace in figure["data"] if trace["type"] == "bar"]
    assert names == list(dict.fromkeys(table["series"]))
    (slider,) = figure["layout"]["sliders"]
    assert slider["steps"][slider["active"]]["label"] == str(start)


def assert_tornado(figure, table):
    drawn, wanted = read_tornado(figure), tornado_of(table)
    same(drawn, wanted, "label", "at_low", "at_high", "base", "least", "greatest")
    for (_, row), (_, read_back) in zip(wanted.iterrows(), drawn.iterrows(), strict=True):
        assert_says(read_back["said"], row["low"], row["high"])
        assert_says(read_back["said_low"], row["low"])
        assert_says(read_back["said_high"], row["high"])


def assert_verdicts(figure, table):
    same(read_verdicts(figure), verdicts_of(table), "topic", "verdict", "claims", "row")


# What is read out ----------------------------------------------------------------------------------


def assert_reads_out(figure, parts):
    """The description of a figure has these words in their order, each followed by its numbers."""
    rest = figure["layout"]["meta"]["alt"]
    for (words, *values), (ahead, *_) in zip(parts, [*parts[1:], ("",)], strict=True):
        _, found, rest = rest.partition(words)
        assert found, (words, figure["layout"]["meta"]["alt"])
        assert_says(rest.partition(ahead)[0] if ahead else rest, *values, within=0.00501)


def ends_of(table, *columns):
    """What is read out of each series at its first and its last row."""
    series = table["series"] if "series" in table else pd.Series("median", table.index)
    for name, rows in table.groupby(series, sort=False):
        for before, row in zip(
            (f"{name} ", ", "), rows.iloc[[0, -1]].to_dict("records"), strict=True
        ):
            yield before, row, [row[column] for column in columns]


def fan_read_out(table, points):
    parts = []
    for before, row, (median, low, high) in ends_of(table, "median", "low_95", "high_95"):
        parts += [(before, median), (f" in {row['year']:.0f} (95% interval ", low, high)]
    return [*parts, ("Published points marked: ", len(points))]


def lines_read_out(table):
    ends = ends_of(table, "value")
    return [part for before, row, (value,) in ends
            for part in ((before, value), (f" in {row['year']:.0f}",))]  # fmt: skip


def curves_read_out(table):
    ends = ends_of(table, "value", "low", "high")
    return [part for before, row, values in ends
            for part in ((before, *values), (" at ", row["x"]))]  # fmt: skip


def bars_read_out(table):
    rows = table.to_dict("records")
    return [(", ".join(row[name] for name in ("label", "series") if name in row) + " ",
             row["value"], row["low"], row["high"]) for row in rows]  # fmt: skip


def indices_read_out(table):
    rows = table.assign(label=table["parameter"].str.replace("_", " ")).to_dict("records")
    return [part for row in rows
            for part in ((f"{row['label']} ", row["first"]), (" and ", row["total"]))]  # fmt: skip


def forest_read_out(table):
    def limits(row):
        middle = [] if row["role"] == "prediction" else [row["estimate"]]
        return [*middle, row["low"], row["high"]]

    studies = table[table["role"] == "study"].sort_values("estimate").to_dict("records")
    low, high = studies[0], studies[-1]
    others = table[table["role"].isin(["subtotal", "pooled", "prediction"])].to_dict("records")
    return [(f"{len(studies)} studies, from ", *limits(low)), (f"({low['label']}) to ", *limits(high)),
            (f"({high['label']}), 95% interval in brackets",),
            *((f"{row['label']}: ", *limits(row)) for row in others)]  # fmt: skip


def claims_read_out(table):
    parts = []
    for row in table.to_dict("records"):
        for before, name in ((f"{row['label']}: claimed ", "claimed"), (", found ", "found")):
            parts.append((before, row[name], row[f"{name}_low"], row[f"{name}_high"]))
        parts.append((f", {row['verdict']}",))
    return parts


def steps_read_out(table):
    return [(f"{row['label']}: ", *(row[end] for end in ("value", "low", "high")))
            for row in table.to_dict("records")]  # fmt: skip


def waterfall_read_out(table):
    return [(f"{row['label']} ", row["value"]) for row in table.to_dict("records")]


def pyramid_read_out(table):
    return [(f"{name}: ", rows["value"].sum()) for name, rows in table.groupby("series")]


def ages_read_out(table, start):
    years = table.groupby("year")["value"].sum()
    (first, last), (before, after) = years.index[[0, -1]], years.iloc[[0, -1]]
    largest = table.groupby(["year", "label"])["value"].sum().groupby("year").idxmax()
    groups = " and ".join(f"{largest[year][1]} in {year}" for year in (first, last))
    return [(f"{len(years)} years from {first} to {last}",), (f"together: {first}: ", before),
            (f"; {last}: ", after), (f". Largest age group: {groups}.",)]  # fmt: skip


def tornado_read_out(table):
    rows = table.assign(label=table["parameter"].str.replace("_", " ")).to_dict("records")
    return [("People, ", rows[0]["base"]), (" at all medians: ",),
            *((f"{row['label']} ", row["least"], row["greatest"]) for row in rows)]  # fmt: skip


def screening_read_out(table):
    table = table.assign(label=table["parameter"].str.replace("_", " "))
    rows = table.sort_values("mu_star", ascending=False).head(5).to_dict("records")
    parts = [part for row in rows
             for part in ((f"{row['label']} ", row["mu_star"]), (", spread ", row["sigma"]))]  # fmt: skip
    return [*parts, ("; ", len(table) - len(rows))]


def heat_map_read_out(table):
    rows = table.sort_values("result").iloc[[0, -1]].to_dict("records")
    across, up = (name for name in table if name != "result")
    return [part for word, row in zip(("least ", "greatest "), rows, strict=True)
            for part in ((word, row["result"]), (" at ", row[across]), (" and ", row[up]))]  # fmt: skip


def funnel_read_out(table, edges):
    ends = table.sort_values("se").iloc[[0, -1]].to_dict("records")
    outside = sum(
        not np.interp(se, edges["se"], edges["low"])
        <= share
        <= np.interp(se, edges["se"], edges["high"])
        for share, se in zip(table["share"], table["se"], strict=True)
    )
    return [(f"{len(table)} studies around ", edges["centre"].iloc[0]),
            (f"; the most precise, {ends[0]['label']}, has ", ends[0]["share"]),
            (f", the least precise, {ends[1]['label']}, ", ends[1]["share"]),
            ("; outside the funnel: ", outside)]  # fmt: skip


def icons_read_out(table):
    parts = []
    for panel, rows in table.groupby("panel", sort=False):
        for i, row in enumerate(rows.to_dict("records")):
            before = "; " if i else f"{panel}: "
            parts += [(before, row["count"], row["low"], row["high"]), (f" {row['label']}",)]
    return parts


def maps_read_out(table, outlines):
    parts = [(f"Maps of {outlines['place'].nunique()} places",)]
    for panel, rows in table.groupby("panel", sort=False):
        low, high = rows.sort_values("value").iloc[[0, -1]].to_dict("records")
        parts += [(f"{panel}: from ", low["value"]), (f" ({low['name']}) to ", high["value"]),
                  (f" ({high['name']})",)]  # fmt: skip
    return parts


def verdicts_read_out(table):
    counted = [table.loc[table["verdict"] == verdict, "claims"].sum() for verdict in VERDICTS]
    between = [" topics: ", *(f" {verdict}, " for verdict in VERDICTS)]
    return [(". ", sum(counted)), (f" claims in {table['topic'].nunique()}",),
            *zip(between, counted, strict=False), (f" {VERDICTS[-1]}.",)]  # fmt: skip


def predictions_read_out(table):
    parts = []
    for label, rows in [(". ", table), *table.groupby("label", sort=False)]:
        before = label if rows is table else f"{label} "
        parts += [(before, int(rows["position"].between(-1, 1).sum())), (" of ", len(rows))]
        parts += [(" observations lie in their 95%",)] if rows is table else []
    return parts
