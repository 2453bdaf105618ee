"""Show a chart or a table in a notebook, with a name and a caption that the report can use.

`show` publishes one bundle of several forms: what JupyterLab draws, the numbers behind it as CSV,
and plain text; of a chart also a picture (or, where none can be drawn, its words and numbers), for
`jupyter nbconvert --to html` and other viewers without plotly. `plcore.report` reads the same
bundle, so a notebook and its page cannot differ.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]
import plotly.io as pio  # type: ignore[import-untyped]

from plcore.charts import picture
from plcore.charts.frame import ALSO_DRAWN
from plcore.charts.tables import table_html

PLOTLY = "application/vnd.plotly.v1+json"
#: Without showSendToCloud=False, plotly 7 puts a button on every chart that uploads it.
CONFIG = {"displaylogo": False, "showSendToCloud": False, "responsive": True}
_NAME = re.compile(r"[a-z0-9_]+", re.ASCII)
#: Rows of the numbers that stand in for a picture.
_MOST_ROWS = 12


def show(
    thing: go.Figure | pd.DataFrame,
    *,
    name: str,
    caption: str,
    table: pd.DataFrame | None = None,
    alt: str | None = None,
) -> None:
    """Display a chart with the numbers behind it, or a table, in a notebook.

    A chart brings a picture of itself where the package kaleido and a Chrome or Chromium are there,
    and its words and first numbers where not; neither with `PLCORE_PICTURES=no` in the environment.

    Parameters
    ----------
    thing : plotly Figure or DataFrame
        A DataFrame's named index levels become columns; an unnamed row numbering is left out.
    name : str
        Lower-case letters, digits and `_`; unlike that of anything else shown in the report, where
        it names the files `figures/<name>.html`, `figures/<name>.json` and `tables/<name>.csv`.
    caption : str
        What is shown and how to read it; it stands under a chart and over a table.
    table : DataFrame, required with a Figure
        The numbers that the chart is drawn from. What a chart draws from a second table (published
        points, the edges of a funnel, outlines) is added below them, and named in the column
        `also_drawn`.
    alt : str, required with a Figure that has none at `layout.meta["alt"]`
        What the chart shows, for whoever cannot see it.

    Raises
    ------
    ValueError
        If a name, caption, table or alt text is missing or unfit, or goes with the other kind.
    TypeError
        If `thing` is neither.
    """
    _require_text(name, caption)
    if isinstance(thing, pd.DataFrame):
        if table is not None or alt is not None:
            raise ValueError(f"show({name!r}): `table` and `alt` go with a Figure, not a DataFrame")
        data, metadata = _table_bundle(thing, name, caption)
    elif isinstance(thing, go.Figure):
        data, metadata = _figure_bundle(thing, name, caption, table, alt)
    else:
        raise TypeError(
            f"show({name!r}): expected a plotly Figure or a DataFrame, got {type(thing).__name__}"
        )
    # Imported here: analysts without the notebook tools can still import plcore.
    from IPython.display import display

    described = {"plcore": metadata}
    if "image/png" in data:
        described["image/png"] = {"alt": metadata["alt"]}
    display(data, raw=True, metadata=described)  # type: ignore[no-untyped-call]


def _require_text(name: object, caption: object) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ValueError(f"show: name is {name!r}; it takes lower-case letters, digits and _ only")
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError(f"show({name!r}): caption is {caption!r}; say what is shown")


def _table_bundle(
    frame: pd.DataFrame, name: str, caption: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    frame = _with_plain_columns(frame, name)
    text, numeric = _csv(frame), _numeric(frame)
    data = {
        "text/html": table_html(text, caption=caption, numeric=numeric),
        "text/csv": text,
        "text/plain": f"{caption}\n{frame.to_string(index=False)}",
    }
    return data, {"name": name, "caption": caption, "alt": None, "numeric": numeric}


def _figure_bundle(
    figure: go.Figure, name: str, caption: str, table: pd.DataFrame | None, alt: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    if table is None:
        raise ValueError(f"show({name!r}): a chart needs `table`, the numbers it is drawn from")
    meta = figure.layout.meta
    if alt is None and isinstance(meta, dict):
        alt = meta.get("alt")
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            f"show({name!r}): alt is {alt!r}; say in words what the chart shows, here or in "
            'layout.meta["alt"]'
        )
    table = _with_plain_columns(table, name)
    # engine="json": the bytes must not depend on whether a faster JSON package is installed.
    drawn = json.loads(pio.to_json(figure, validate=False, engine="json"))
    others = (drawn["layout"].get("meta") or {}).pop(ALSO_DRAWN, {})
    table = _with_others(table, others)
    text = _csv(table)
    moving = {"frames": drawn["frames"]} if drawn.get("frames") else {}
    data = {
        PLOTLY: {"data": drawn["data"], "layout": drawn["layout"], "config": dict(CONFIG)} | moving,
        "text/csv": text,
        "text/plain": f"{caption}\n{alt}",
    }
    metadata = {"name": name, "caption": caption, "alt": alt, "numeric": _numeric(table)}
    if picture.wanted():
        image, why = picture.png(drawn)
        if image:
            data["image/png"] = base64.b64encode(image).decode()
        else:
            data["text/html"] = _in_words(text, metadata, why)
    return data, metadata


def _in_words(csv_text: str, described: Mapping[str, Any], why: str) -> str:
    """What a viewer that cannot draw a chart shows of it without a picture, and why there is none."""
    table = table_html(
        csv_text, caption=described["caption"], numeric=described["numeric"], most_rows=_MOST_ROWS
    )
    return f"<p>{escape(described['alt'])}</p>\n{table}\n<p><small>{escape(why)}</small></p>"


def _with_others(table: pd.DataFrame, others: Mapping[str, str]) -> pd.DataFrame:
    """The table, and below it the rows of other tables, given as CSV texts by what they are."""
    if not others or ALSO_DRAWN in table:
        return table
    frames = [table]
    for what, text in others.items():
        rows = pd.read_csv(
            io.StringIO(text), keep_default_na=False, na_values=[""], float_precision="round_trip"
        )
        frames.append(rows.assign(**{ALSO_DRAWN: what}))
    return pd.concat(frames, ignore_index=True)


def _with_plain_columns(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The frame with its named index levels as columns and all column names unlike strings."""
    if frame.columns.nlevels > 1:
        raise ValueError(f"show({name!r}): the columns have {frame.columns.nlevels} levels, not 1")
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index()
    elif not pd.api.types.is_integer_dtype(frame.index.dtype):
        raise ValueError(
            f"show({name!r}): the rows are labelled ({frame.index[0]!r}, ...) but the index has no "
            "name; give it one"
        )
    frame = frame.set_axis([str(column) for column in frame.columns], axis="columns")
    if frame.empty:
        raise ValueError(f"show({name!r}): the table has no cells (shape {frame.shape})")
    if frame.columns.has_duplicates:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise ValueError(f"show({name!r}): columns named twice: {twice}")
    return frame


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _numeric(frame: pd.DataFrame) -> list[str]:
    return [
        str(column)
        for column in frame.columns
        if pd.api.types.is_numeric_dtype(frame[column])
        and not pd.api.types.is_bool_dtype(frame[column])
    ]
