"""Every chart of `plcore.charts` as a function of some numbers and labels, for extreme inputs."""

import numpy as np
import pandas as pd

from plcore import charts

WORDS = {"title": "A title", "source": "A source"}


def around(values):
    """Limits that hold their values: a tenth of their size below and above."""
    values = np.asarray(values, dtype=float)
    return np.minimum(0.9 * values, 1.1 * values), np.maximum(0.9 * values, 1.1 * values)


def with_limits(values, labels):
    low, high = around(values)
    return pd.DataFrame({"label": labels, "value": values, "low": low, "high": high})


def bars(values, labels):
    return charts.bars(with_limits(values, labels), xaxis="x", **WORDS)


def steps(values, labels):
    return charts.steps(with_limits(values, labels), xaxis="x", **WORDS)


def forest(values, labels):
    table = with_limits(values, labels).rename(columns={"value": "estimate"})
    return charts.forest(table.assign(role="study"), xaxis="x", **WORDS)


def claims_against_evidence(values, labels):
    table = pd.DataFrame({"label": labels, "claimed": values, "verdict": "supported"})
    table["found_low"], table["found_high"] = around(values)
    table = table.assign(found=values, claimed_low=None, claimed_high=None)
    return charts.claims_against_evidence(table, unit="x", **WORDS)


def tornado(values, labels):
    low, high = around(values)
    table = pd.DataFrame({"parameter": [f"p{i}" for i in range(len(labels))], "label": labels})
    table = table.assign(low=low, high=high, at_low=low, at_high=high, least=low, greatest=high)
    base = values[0] if len(values) else 0.0
    table["least"], table["greatest"] = np.minimum(low, base), np.maximum(high, base)
    return charts.tornado(table.assign(base=base), xaxis="x", **WORDS)


def indices(values, labels):
    low, high = around(values)
    table = pd.DataFrame({"parameter": [f"p{i}" for i in range(len(labels))], "label": labels})
    for name in ("first", "total"):
        table[f"{name}_low"], table[name], table[f"{name}_high"] = low, values, high
    return charts.indices(table, **WORDS)


def screening(values, labels):
    low, high = around(values)
    table = pd.DataFrame({"parameter": [f"p{i}" for i in range(len(labels))], "label": labels})
    table = table.assign(mu_star=values, mu_star_low=low, mu_star_high=high, sigma=values)
    return charts.screening(table, answer="x", **WORDS)


def heat_map(values, labels):
    table = pd.DataFrame([(x, y) for x in values for y in (values or [0.0])], columns=["x", "y"])
    return charts.heat_map(
        table.assign(result=table["x"]), xaxis="x", yaxis="y", answer="z", **WORDS
    )


def waterfall(values, labels):
    table = with_limits(values, labels).assign(role="step")
    if table.empty:
        return charts.waterfall(table, xaxis="x", **WORDS)
    total = {"label": "All", "value": float(np.sum(values)), "role": "total"}
    return charts.waterfall(
        pd.concat([table, pd.DataFrame([total])], ignore_index=True), xaxis="x", **WORDS
    )


def pyramid(values, labels):
    table = pd.DataFrame({"label": labels, "value": values, "series": "2005"})
    both = pd.concat([table.assign(sex="male"), table.assign(sex="female")], ignore_index=True)
    return charts.pyramid(both, xaxis="x", **WORDS)


def funnel(values, labels):
    table = pd.DataFrame({"label": labels, "share": 0.5, "se": values})
    ends = [0.0, *([max(values)] if len(values) and max(values) > 0 else [1.0])]
    edges = pd.DataFrame({"se": ends, "low": [0.5, 0.1], "high": [0.5, 0.9], "centre": 0.5})
    return charts.funnel(table, edges, xaxis="x", yaxis="y", **WORDS)


def _over_years(values):
    return pd.DataFrame({"year": 1900 + np.arange(len(values)), "value": values})


def lines(values, labels):
    return charts.lines(_over_years(values).assign(series="only"), yaxis="y", **WORDS)


def curves(values, labels):
    low, high = around(values)
    table = pd.DataFrame({"x": np.arange(len(values)), "value": values, "low": low, "high": high})
    return charts.curves(table.assign(series="only"), xaxis="x", yaxis="y", **WORDS)


def fan(values, labels):
    table = _over_years(values).rename(columns={"value": "median"})
    for level in (50, 80, 95):
        ends = [(1 - level / 100) * table["median"], (1 + level / 100) * table["median"]]
        table[f"low_{level}"], table[f"high_{level}"] = np.minimum(*ends), np.maximum(*ends)
    return charts.fan(table, yaxis="y", **WORDS)


def fan_with_points(values, labels):
    points = _over_years(values).assign(label=labels)
    points["low"], points["high"] = around(values)
    years = pd.DataFrame({"year": [1900, 1901], "median": 1.0})
    for level in (50, 80, 95):
        years[f"low_{level}"], years[f"high_{level}"] = 0.9, 1.1
    return charts.fan(years, yaxis="y", points=points, **WORDS)


def verdict_counts(values, labels):
    table = pd.DataFrame({"topic": labels, "verdict": "supported", "claims": values})
    return charts.verdict_counts(table, **WORDS)


def icons(values, labels):
    table = pd.DataFrame({"panel": "All", "label": labels, "look": "pain", "count": values})
    return charts.icons(table, unit="a person", caption="Counted.", **WORDS)


def ages_over_years(values, labels):
    table = pd.DataFrame({"label": labels, "value": values, "series": "only", "year": 2005})
    return charts.ages_over_years(table, xaxis="x", start=2005, **WORDS)


def maps(values, labels):
    places = [f"p{i}" for i in range(len(labels))]
    table = pd.DataFrame({"panel": "All", "place": places, "name": labels, "value": values})
    corners = [(place, 1, i + x, y) for i, place in enumerate(places)
               for x, y in ((0, 0), (0.8, 0), (0.8, 1))]  # fmt: skip
    outlines = pd.DataFrame(corners, columns=["place", "part", "x", "y"])
    return charts.maps(
        table, outlines, unit="x", breaks=(1.0, 2.0, 3.0, 4.0), note="A note.", **WORDS
    )


#: Each chart, and a second time where it takes a second table.
CHARTS = {
    each.__name__: each
    for each in (
        bars, steps, forest, claims_against_evidence, tornado, indices, screening, heat_map,
        waterfall, pyramid, funnel, lines, curves, fan, fan_with_points, verdict_counts, icons,
        ages_over_years, maps,
    )
}  # fmt: skip
#: Of these, all labels must be in the figure; the others print no label, or the two extreme ones.
LABELLED = (
    "bars", "steps", "forest", "claims_against_evidence", "tornado", "indices", "waterfall",
    "pyramid", "fan_with_points", "verdict_counts", "icons", "ages_over_years",
)  # fmt: skip
