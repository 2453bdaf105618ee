"""Horizontal bars: values with intervals, and counts of verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts._check import (
    Row,
    both_or_neither,
    by_series,
    checked,
    one_of,
    rising,
    within_shares,
)
from plcore.charts._rows import Label, label_lines, over_rows, printed, span, stacked
from plcore.charts._template import (
    ASSUMED,
    CLAIM,
    EVIDENCE,
    FAINT_INK,
    HATCHES,
    INK,
    NOTE_SIZE,
    PAIN,
    SERIES,
    Words,
)
from plcore.charts._text import decimals_telling_apart, escaped, marks_explained, sign
from plcore.charts._text import interval as interval_text
from plcore.evidence.schema import MARKS, VERDICTS

#: Height of a bar and from one to the next, that of the lines of numbers; height of a stack.
_BAR, _PITCH, _STACKED = 13, 14.3, 26
#: How many bars a description in words names.
_SAID = 8
_LIMITS = ("low", "value", "high")
#: Colour and hatch of each verdict; in grey the hatches tell them apart.
_VERDICTS = dict(
    zip(VERDICTS, ((EVIDENCE, ""), (CLAIM, "/"), (PAIN, "x"), ("#D9D9D9", ".")), strict=True)
)


def bars(
    table: pd.DataFrame,
    *,
    title: str,
    xaxis: str,
    source: str,
    percent: bool = False,
    interval: str = "95% interval",
    colours: Sequence[str] = SERIES,
) -> go.Figure:
    """Horizontal bars from zero, with whiskers and the numbers beside them.

    Parameters
    ----------
    table : DataFrame
        A bar a row, from the top: label, value, low, high (both limits, or neither); optional:
        series (bars of one label, hatched from the second series on) and seen (a key of
        `plcore.evidence.schema.MARKS`; a sign behind the number).
    xaxis, interval : str
        The quantity and its unit; what `low` and `high` are.
    percent : bool
        Whether the numbers are shares, 0 to 1, to be printed as percent.
    colours : sequence of str
        Of the series, in order.
    """
    rows = checked("bars", table, text=("label",), number=("value",), blank=("low", "high"),
                   optional=("series", "seen"))  # fmt: skip
    for row in rows:
        both_or_neither("bars", row)
        rising("bars", row, _LIMITS)
        if percent:
            within_shares("bars", row, _LIMITS)
    series = by_series("bars", rows, min(len(colours), len(HATCHES)))
    digits = _digits(rows, percent)
    groups = _groups(rows, list(series))
    labels = _labels(groups, digits, percent)
    centres = _centres(groups, labels)
    traces = [
        _trace(part, [centres[row["place"]] for row in part], colour, hatch, xaxis)
        for each, colour, hatch in zip(series.values(), colours, HATCHES, strict=False)
        for part in _by_assumed(each)
    ]
    alt = _alt(title, xaxis, rows, digits, percent)
    return over_rows(
        traces,
        Words(title, xaxis, _caption(rows, interval), source, alt),
        rows=labels,
        extent=span([row[each] for row in rows for each in _LIMITS], zero=True),
        percent=percent,
        barmode="overlay",
    )


def _caption(rows: Sequence[Row], interval: str) -> str:
    limited = any(row["low"] is not None for row in rows)
    said = f"Whiskers: {interval}." if limited else "Bars: single values, without intervals."
    return f"{said} {marks_explained(row['seen'] for row in rows)}".strip()


def _digits(rows: Sequence[Row], percent: bool) -> int:
    times = 100 if percent else 1
    limited = [row for row in rows if row["low"] is not None]
    if limited:
        lows, highs = ([times * row[end] for row in limited] for end in ("low", "high"))
        return decimals_telling_apart(lows, highs, 1 if percent else 2)
    values = [abs(times * row["value"]) for row in rows if row["value"]]
    # Without limits the smallest value keeps two digits.
    return decimals_telling_apart([0.0] * len(values), values, 2)


def _groups(rows: Sequence[Row], series: Sequence[str]) -> dict[str, list[Row]]:
    """The bars of each label, in the order of the series."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        group = groups.setdefault(row["label"], [])
        if any(row["series"] == other["series"] for other in group):
            raise ValueError(
                f"bars: label, row {row['row']}: {row['label']!r} a second time in one series; "
                "expected it once"
            )
        group.append(row)
    return {
        label: sorted(group, key=lambda row: series.index(row["series"]))
        for label, group in groups.items()
    }


def _labels(groups: dict[str, list[Row]], digits: int, percent: bool) -> list[Label]:
    texts = [
        (
            label_lines(label),
            [
                " ".join(printed(row["value"], row["low"], row["high"], digits, percent=percent))
                + sign(row["seen"])
                for row in group
            ],
        )
        for label, group in groups.items()
    ]
    return stacked(texts, least=[_PITCH * len(group) for group in groups.values()])


def _centres(groups: dict[str, list[Row]], labels: Sequence[Label]) -> dict[int, float]:
    """Where each bar stands, by the place of its row: as far apart as the numbers beside them."""
    return {
        row["place"]: label.centre + _PITCH * (place - (len(group) - 1) / 2)
        for group, label in zip(groups.values(), labels, strict=True)
        for place, row in enumerate(group)
    }


def _by_assumed(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Measured and assumed rows apart: plotly cannot hatch a trace of two colours."""
    for assumed in (False, True):
        if part := [row for row in rows if (row["seen"] == "assumed") is assumed]:
            yield part


def _trace(
    rows: Sequence[Row], centres: Sequence[float], colour: str, hatch: str, xaxis: str
) -> go.Bar:
    assumed = rows[0]["seen"] == "assumed"
    name = escaped(rows[0]["series"])
    return go.Bar(
        x=[row["value"] for row in rows],
        y=list(centres),
        width=_BAR,
        orientation="h",
        name=f"{name} (assumed)" if assumed and name else name,
        marker={
            "color": ASSUMED if assumed else colour,
            "line": {"color": colour, "width": 1},
            "pattern": {
                "shape": hatch,
                "fgcolor": "white",
                "size": 6,
                "solidity": 0.25,
                "fillmode": "overlay",
            },
        },
        error_x={
            "array": [0.0 if row["high"] is None else row["high"] - row["value"] for row in rows],
            "arrayminus": [
                0.0 if row["low"] is None else row["value"] - row["low"] for row in rows
            ],
            "color": INK,
            "thickness": 1.5,
            "width": 4,
        },
        hovertext=[_hover(row, xaxis) for row in rows],
        hoverinfo="text",
        # Text of a bar would otherwise be drawn from its hover text.
        textposition="none",
        cliponaxis=False,
        showlegend=bool(rows[0]["series"]),
    )


def _hover(row: Row, xaxis: str) -> str:
    who = ", ".join(escaped(each) for each in (row["label"], row["series"]) if each)
    mark = MARKS.get(row["seen"], "")
    numbers = interval_text(row["low"], row["value"], row["high"])
    return f"<b>{who}</b><br>{escaped(xaxis)}: {numbers}" + (f"<br>{mark}" if mark else "")


def _alt(title: str, xaxis: str, rows: Sequence[Row], digits: int, percent: bool) -> str:
    said = [
        f"{', '.join(each for each in (row['label'], row['series']) if each)} "
        + " ".join(printed(row["value"], row["low"], row["high"], digits, percent=percent))
        for row in rows
    ]
    more = f"; and {len(said) - _SAID} more" if len(said) > _SAID else ""
    return f"Bar chart: {title}. {xaxis}: {'; '.join(said[:_SAID])}{more}."


def verdict_counts(table: pd.DataFrame, *, title: str, source: str) -> go.Figure:
    """How many claims of each topic got each verdict: a bar a topic, with the counts printed in it.

    Parameters
    ----------
    table : DataFrame
        topic, verdict (one of `plcore.evidence.schema.VERDICTS`) and claims (whole numbers, 0 included), a
        row a pair.
    """
    rows = checked("verdict_counts", table, text=("topic", "verdict"), number=("claims",))
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        one_of("verdict_counts", row, "verdict", VERDICTS)
        _require_count(row)
        if (row["topic"], row["verdict"]) in counts:
            raise ValueError(
                f"verdict_counts: verdict, row {row['row']}: {row['verdict']} a second time for "
                f"{row['topic']}; expected it once"
            )
        counts[row["topic"], row["verdict"]] = int(row["claims"])
    topics = list(dict.fromkeys(topic for topic, _ in counts))
    totals = {t: sum(counts.get((t, verdict), 0) for verdict in VERDICTS) for t in topics}
    labels = stacked(
        [(label_lines(_plain(topic)), (str(totals[topic]),)) for topic in topics],
        least=[_STACKED] * len(topics),
    )
    traces = [
        _verdict_trace(verdict, {t: counts.get((t, verdict), 0) for t in topics}, labels)
        for verdict in VERDICTS
    ]
    words = Words(title, "Number of claims", "In the bars and right of them: number of claims.",
                  source, _verdict_alt(title, counts, topics))  # fmt: skip
    figure = over_rows(traces, words, rows=labels, extent=(0.0, max(1.0, *totals.values())),
                       whole=True, barmode="stack")  # fmt: skip
    return figure.update_layout(annotations=[*figure.layout.annotations,
                                             *_counts_inside(counts, topics, labels)])  # fmt: skip


def _require_count(row: Row) -> None:
    if row["claims"] < 0 or row["claims"] != int(row["claims"]):
        raise ValueError(
            f"verdict_counts: claims, row {row['row']}: {row['claims']:g}; expected a whole "
            "number, 0 or more"
        )


def _plain(topic: str) -> str:
    return topic.replace("_", " ").capitalize()


def _verdict_trace(verdict: str, counts: dict[str, int], labels: Sequence[Label]) -> go.Bar:
    colour, hatch = _VERDICTS[verdict]
    return go.Bar(
        x=list(counts.values()),
        y=[label.centre for label in labels],
        width=_STACKED,
        orientation="h",
        name=verdict,
        marker={
            "color": colour,
            "line": {"color": "white", "width": 1},
            "pattern": {"shape": hatch, "fgcolor": "white" if colour in SERIES else FAINT_INK,
                        "size": 7, "solidity": 0.2, "fillmode": "overlay"},
        },
        hovertext=[
            f"<b>{escaped(_plain(topic))}</b><br>{verdict}: {count}"
            for topic, count in counts.items()
        ],
        hoverinfo="text",
        textposition="none",
        showlegend=True,
    )  # fmt: skip


def _counts_inside(
    counts: dict[tuple[str, str], int], topics: Sequence[str], labels: Sequence[Label]
) -> Iterator[dict[str, Any]]:
    """The counts on white, since a hatch would cross them; lower than the bar, which shows."""
    for topic, label in zip(topics, labels, strict=True):
        start = 0
        for verdict in VERDICTS:
            count = counts.get((topic, verdict), 0)
            if count:
                yield {
                    "name": "count",
                    "text": str(count),
                    "x": start + count / 2,
                    "y": label.centre,
                    "showarrow": False,
                    "bgcolor": "white",
                    "borderpad": 0,
                    "font": {"size": NOTE_SIZE, "color": INK},
                }
            start += count


def _verdict_alt(title: str, counts: dict[tuple[str, str], int], topics: Sequence[str]) -> str:
    totals = {v: sum(counts.get((t, v), 0) for t in topics) for v in VERDICTS}
    said = ", ".join(f"{count} {verdict}" for verdict, count in totals.items())
    return f"Stacked bars: {title}. {sum(totals.values())} claims in {len(topics)} topics: {said}."
