"""Charts of claims: what a page prints beside what its source found, and counts of verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]

from plcore.charts.frame import (
    ASSUMED,
    CLAIM,
    EVIDENCE,
    FAINT_INK,
    INK,
    NOTE_SIZE,
    PAIN,
    SERIES,
    Row,
    Words,
    checked,
    escaped,
    interval,
    marks_explained,
    name_intervals,
    one_of,
    rising,
    sign,
    width,
)
from plcore.charts.rows import Label, label_lines, over_rows, rule, span, stacked
from plcore.evidence.schema import MARKS, VERDICTS

_CLAIMED = ("claimed_low", "claimed", "claimed_high")
_FOUND = ("found_low", "found", "found_high")
#: The claim stands this many pixels above the middle of its row, the evidence as many below.
_OFF = 7.15
_LEAST_ROW = 44
_COLUMN_WIDTH = 90
#: How many claims a description in words names.
_SAID = 8
#: Height of a stacked bar in pixels.
_STACKED = 26
#: Colour and hatch of each verdict; in grey the hatches tell them apart.
_VERDICTS = dict(
    zip(VERDICTS, ((EVIDENCE, ""), (CLAIM, "/"), (PAIN, "x"), ("#D9D9D9", ".")), strict=True)
)


def claims_against_evidence(
    table: pd.DataFrame, *, title: str, source: str, unit: str
) -> go.Figure:
    """Each claim as a hollow diamond above the evidence as a dot, with ranges and the verdict.

    Parameters
    ----------
    table : DataFrame
        One row per claim, from the top: label, claimed_low, claimed, claimed_high, found_low, found,
        found_high (empty where not given, but at least one of each three) and verdict (one of
        `plcore.evidence.schema.VERDICTS`). A single limit is an open-ended range, such as "under
        10". Optional: seen (how the source was seen, a key of `plcore.evidence.schema.MARKS`,
        printed as a sign behind the number) and level (of the intervals found; 0.95 without it).
    title : str
        What the chart shows, in one line.
    source : str
        Where the numbers come from; printed under the chart.
    unit : str
        The one unit of all numbers.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row.
    """
    name = "claims_against_evidence"
    rows = checked(name, table, text=("label", "verdict"), blank=(*_CLAIMED, *_FOUND),
                   optional=("seen", "level"))  # fmt: skip
    limits = name_intervals(name, rows, "range or {level} interval")
    for row in rows:
        one_of(name, row, "verdict", VERDICTS)
        for columns in (_CLAIMED, _FOUND):
            rising(name, row, columns)
            if all(row[column] is None for column in columns):
                raise ValueError(
                    f"{name}: {columns[1]}, row {row['row']}: nothing; expected a number in at "
                    f"least one of {', '.join(columns)}"
                )
    labels = stacked(
        [
            (
                (*label_lines(row["label"]), *label_lines(row["verdict"], bold=True)),
                _numbers(row),
            )
            for row in rows
        ],
        least=[_LEAST_ROW] * len(rows),
    )
    return over_rows(
        [
            *_ranges(rows, labels, _CLAIMED, -_OFF, ASSUMED, "claimed range"),
            *_ranges(rows, labels, _FOUND, _OFF, EVIDENCE, "found range"),
            _dots(rows, labels, _CLAIMED, unit),
            _dots(rows, labels, _FOUND, unit),
        ],
        Words(title, unit, _caption(rows, limits), source, _alt(title, unit, rows)),
        rows=labels,
        extent=span(row[column] for row in rows for column in (*_CLAIMED, *_FOUND)),
        shapes=[rule(label.centre - label.height / 2) for label in labels[1:]],
    )


def _caption(rows: Sequence[Row], limits: str) -> str:
    both = (_CLAIMED, _FOUND)
    ranged = any(row["found_low"] is not None or row["found_high"] is not None for row in rows)
    said = [
        "Diamonds and grey lines: as claimed.",
        "Dots and blue lines: what the deciding source found"
        + (f", with its {limits}." if ranged else "."),
    ]
    if any(_open_ended(row, columns) for row in rows for columns in both):
        said.append("Triangles: ends of open ranges.")
    return " ".join([*said, marks_explained(row["seen"] for row in rows)]).strip()


def _numbers(row: Row) -> tuple[str, ...]:
    """The claimed and the found numbers, each behind its mark as a key."""
    lines: list[str] = []
    for columns, mark, colour in ((_CLAIMED, "\N{WHITE DIAMOND}", CLAIM),
                                  (_FOUND, "\N{BLACK CIRCLE}", EVIDENCE)):  # fmt: skip
        text = interval(*(row[column] for column in columns))
        if columns is _FOUND:
            text += sign(row["seen"])
        first, *rest = _broken(text)
        lines += [f'<span style="color:{colour}">{mark}</span> {first}', *rest]
    return tuple(lines)


def _broken(text: str) -> list[str]:
    """ "64 (60 to 68)" before its bracket, if it is too long for the column."""
    if width(text, NOTE_SIZE) <= _COLUMN_WIDTH or " (" not in text:
        return [text]
    middle, limits = text.split(" (", 1)
    return [middle, f"({limits}"]


def _open_ended(row: Row, columns: tuple[str, str, str]) -> bool:
    low, middle, high = (row[column] for column in columns)
    return middle is None and (low is None) != (high is None)


def _ranges(
    rows: Sequence[Row],
    labels: Sequence[Label],
    columns: tuple[str, str, str],
    offset: float,
    colour: str,
    name: str,
) -> Iterator[go.Scatter]:
    """One trace of all the lines from low to high; a missing limit ends the line at the middle."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, label in zip(rows, labels, strict=True):
        given = [row[column] for column in columns if row[column] is not None]
        if len(given) > 1:
            x += [given[0], given[-1], None]
            y += [label.centre + offset] * 2 + [None]
    if x:
        yield go.Scatter(
            x=x,
            y=y,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 3},
            marker={"symbol": "line-ns-open", "size": 9, "color": colour, "line": {"width": 2}},
            hoverinfo="skip",
            cliponaxis=False,
            showlegend=False,
        )


def _dots(
    rows: Sequence[Row], labels: Sequence[Label], columns: tuple[str, str, str], unit: str
) -> go.Scatter:
    """One trace of what is claimed or found; a range without a middle is hovered at its centre."""
    claimed = columns is _CLAIMED
    x, symbols, sizes, hover = [], [], [], []
    for row in rows:
        low, middle, high = (row[column] for column in columns)
        ends = [end for end in (low, high) if end is not None]
        x.append(sum(ends) / len(ends) if middle is None else middle)
        symbol = "diamond-open" if claimed else "circle"
        if _open_ended(row, columns):
            symbol = "triangle-left" if low is None else "triangle-right"
            symbol += "-open" if claimed else ""
        symbols.append(symbol)
        sizes.append(0 if middle is None and len(ends) == 2 else 11)
        hover.append(_hover(row, columns, unit))
    return go.Scatter(
        x=x,
        y=[label.centre + (-_OFF if claimed else _OFF) for label in labels],
        name="claimed" if claimed else "found",
        mode="markers",
        marker={
            "symbol": symbols,
            "size": sizes,
            "color": CLAIM if claimed else EVIDENCE,
            "opacity": 1,
            "line": {"width": 2 if claimed else 0, "color": CLAIM if claimed else EVIDENCE},
        },
        hovertext=hover,
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )


def _hover(row: Row, columns: tuple[str, str, str], unit: str) -> str:
    said = interval(*(row[column] for column in columns))
    mark = MARKS.get(row["seen"], "") if columns is _FOUND else ""
    word = "Claimed" if columns is _CLAIMED else "Found"
    return (
        f"<b>{'<br>'.join(label_lines(row['label']))}</b><br>{word}, {escaped(unit)}: {said}"
        + (f" ({mark})" if mark else "")
        + f"<br>Verdict: {row['verdict']}"
    )


def _alt(title: str, unit: str, rows: Sequence[Row]) -> str:
    said = [
        f"{row['label']}: claimed {interval(*(row[c] for c in _CLAIMED))}, found "
        f"{interval(*(row[c] for c in _FOUND))}, {row['verdict']}"
        for row in rows[:_SAID]
    ]
    more = f"; and {len(rows) - _SAID} more" if len(rows) > _SAID else ""
    return f"Claims against evidence: {title}. {unit}. {'; '.join(said)}{more}."


def verdict_counts(table: pd.DataFrame, *, title: str, source: str) -> go.Figure:
    """How many claims of each topic got each verdict: one bar per topic, with the counts printed in it.

    Parameters
    ----------
    table : DataFrame
        One row per pair of topic and verdict: topic, verdict (one of `plcore.evidence.schema.VERDICTS`)
        and claims (whole numbers, 0 included).
    title : str
        What the chart shows, in one line.
    source : str
        Where the numbers come from; printed under the chart.

    Raises
    ------
    ValueError
        If a cell is missing or unfit; the message names the column and the row. Also if a pair occurs
        twice.

    Examples
    --------
    >>> table = pd.DataFrame({"topic": ["pain"], "verdict": ["supported"], "claims": [3]})
    >>> verdict_counts(table, title="Verdicts", source="Claims").data[0].x
    (3,)
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
