"""The charts of a report as images that can stand alone, each with its numbers; or its documents.

`python -m plcore.report.figures [--only NAME ...] [--formats svg,png,pdf] [--to figures]`: the
title, the unit, the intervals and the source of a chart are in its image. With `--pptx` or `--docx`
the slides as PowerPoint or the brief of two pages as Word, and no images beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import importlib
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plcore.charts.display import picture_page
from plcore.charts.frame import (
    FAINT_INK,
    NOTE_LINE,
    NOTE_SIZE,
    TITLE_LINE,
    TITLE_SIZE,
    framed_texts,
    widened,
    wrapped,
)
from plcore.report.site import NOTEBOOKS, build_report, read_stamp, replacing
from plcore.report.slides import WIDE, on_a_slide
from plcore.terminal import ends_in_words

FORMATS = ("svg", "png", "pdf")
COLUMNS = ("file", "chart", "notebook", "caption", "source", "commit")

_CONTENTS = "contents.json"
#: Pixels; labels of 12 on an image so wide are 14 points high on a slide.
_WIDTH, _HEIGHT, _EDGE = 800, 450, 12
_PNG_SCALE = 2
#: A slide as wide as a page is then printed with 200 pixels an inch.
_SLIDE_SCALE = 3
_MINUTES = 10
_NO_BROWSER = (
    "the images are drawn by Chrome or Chromium, and none was found here. Install one (on Debian "
    "and Ubuntu: apt install chromium, as root), or say where it is with the environment variable "
    "BROWSER_PATH, and run this again"
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of a report.

    Attributes
    ----------
    stem : str
        Name of its files: number of the notebook, number of the chart in it, name of the chart.
    notebook : str
        The notebook that shows it, without its suffix.
    figure : mapping
        `data` and `layout`, as plotly's JSON has them.
    commit : str
        The commit that the report was made from; with "+" where files differed from it.
    """

    stem: str
    name: str
    notebook: str
    caption: str
    source: str
    commit: str
    figure: Mapping[str, Any]


def read_charts(report: Path) -> tuple[Chart, ...]:
    """The charts of a report that was written before, in its order."""
    path = report / _CONTENTS
    if not path.exists():
        raise ValueError(f"{report}: holds no {_CONTENTS}, as every report does; write it anew")
    contents = json.loads(path.read_text(encoding="utf-8"))
    commit = contents["commit"] + ("+" if contents["changed"] else "")
    shown: Counter[str] = Counter()
    charts = []
    for entry in contents["exhibits"]:
        if not entry["chart"]:
            continue
        notebook, name = entry["notebook"], entry["name"]
        shown[notebook] += 1
        figure = json.loads((report / "figures" / f"{name}.json").read_text(encoding="utf-8"))
        number = re.match(r"\d*", notebook)
        first = number[0] if number and number[0] else notebook
        charts.append(
            Chart(
                stem=f"{first}-{shown[notebook]:02}_{name}",
                name=name,
                notebook=notebook,
                caption=entry["caption"],
                source=_source(figure["layout"]),
                commit=commit,
                figure=figure,
            )
        )
    return tuple(charts)


def chosen(charts: Sequence[Chart], names: Collection[str]) -> tuple[Chart, ...]:
    """Those of the charts that are named, in their order; all where none is named."""
    known = {chart.name for chart in charts}
    unknown = sorted(set(names) - known)
    if unknown:
        raise ValueError(
            f"no chart of the report is called {unknown[0]!r}; there are: {', '.join(sorted(known))}"
        )
    return tuple(chart for chart in charts if not names or chart.name in names)


def export(
    charts: Sequence[Chart], report: Path, folder: Path, *, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """The files of charts, written to a folder with `index.csv`, which says what each one shows.

    A previous export in that folder is replaced whole, and left untouched by any error. SVG, PNG,
    PDF and CSV of the same report are the same bytes wherever browser and fonts are the same.

    Parameters
    ----------
    charts : sequence of Chart
        As `read_charts` returns them.
    report : Path
        The report they were read from.
    formats : sequence of str
        Some of `FORMATS`; the numbers as CSV come with any of them.
    """
    refuse_other_folder(folder)
    if not charts:
        raise ValueError(f"{report}: shows no charts")
    with replacing(folder) as fresh:
        _draw(charts, fresh, formats)
        for chart in charts:
            table = report / "tables" / f"{chart.name}.csv"
            (fresh / f"{chart.stem}.csv").write_bytes(table.read_bytes())
        names = [f"{chart.stem}.{ending}" for chart in charts for ending in (*formats, "csv")]
        _write_index(charts, (*formats, "csv"), fresh / "index.csv")
    return [folder / name for name in (*names, "index.csv")]


def refuse_other_folder(folder: Path) -> None:
    """A folder that is not an export of ours is never replaced: its files would be lost."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    index = folder / "index.csv"
    if index.exists() and index.read_text(encoding="utf-8").startswith(",".join(COLUMNS)):
        return
    raise ValueError(f"{folder}: exists and is no export of figures; name a new or empty folder")


def standalone(chart: Chart) -> dict[str, Any]:
    """The figure of a chart as an image shows it, with its words inside and no buttons.

    Charts of `plcore.charts` bring their title, unit, intervals and source, here in longer lines;
    any other gets its caption above and its source below. The version drawn is named beside it.
    """
    layout = dict(chart.figure["layout"])
    # An image cannot be played; the slider stays, for it says which frame is shown.
    layout.pop("updatemenus", None)
    note = f"plcore, commit {chart.commit}" if chart.commit != "unknown" else "plcore"
    if framed_texts(layout):
        annotations = [
            {**annotation, "text": f"{annotation['text']} ({note})"}
            if annotation.get("name") == "source"
            else annotation
            for annotation in layout["annotations"]
        ]
        layout = widened({**layout, "annotations": annotations}, _WIDTH)
    else:
        layout = _captioned(layout, chart, note)
    # Without names of their own, traces get random ones, by which an SVG names its hatches.
    traces = [{**trace, "uid": f"{n:06}"} for n, trace in enumerate(chart.figure["data"])]
    return {"data": traces, "layout": layout}


def _captioned(layout: Mapping[str, Any], chart: Chart, note: str) -> dict[str, Any]:
    room = _WIDTH - 2 * _EDGE
    title = wrapped(chart.caption, room, TITLE_SIZE, bold=True)
    source = f"Source: {chart.source} ({note})" if chart.source else f"Drawn by {note}"
    below = wrapped(source, room, NOTE_SIZE)
    margin = {"l": 80, "r": 80, "t": 60, "b": 80} | layout.get("margin", {})
    over, under = len(title) * TITLE_LINE + _EDGE, round(len(below) * NOTE_LINE) + _EDGE
    left = {
        "xref": "paper", "x": 0, "xanchor": "left", "xshift": _EDGE - margin["l"], "yref": "paper",
        "yanchor": "top", "align": "left", "showarrow": False, "borderpad": 0,
    }  # fmt: skip
    words: list[dict[str, Any]] = [
        left | {"text": f"<b>{'<br>'.join(title)}</b>", "y": 1, "font": {"size": TITLE_SIZE},
                "yshift": margin["t"] + over - _EDGE},
        left | {"text": "<br>".join(below), "y": 0, "yshift": -margin["b"],
                "font": {"size": NOTE_SIZE, "color": FAINT_INK}},
    ]  # fmt: skip
    return {
        **layout,
        "height": layout.get("height", _HEIGHT) + over + under,
        "margin": margin | {"t": margin["t"] + over, "b": margin["b"] + under},
        "annotations": [*layout.get("annotations", ()), *words],
    }


def _source(layout: Mapping[str, Any]) -> str:
    meta = layout.get("meta")
    return str(meta.get("source", "")) if isinstance(meta, Mapping) else ""


def slide_pictures(charts: Sequence[Chart], names: Collection[str]) -> dict[str, bytes]:
    """A PNG of each chart that is named, as it looks on a slide.

    Parameters
    ----------
    charts : sequence of Chart
        As `read_charts` returns them.
    names : collection of str
        Their names in the report.
    """
    with tempfile.TemporaryDirectory(prefix="plcore-") as folder:
        jobs: list[dict[str, Any]] = []
        for chart in chosen(charts, names):
            figure = on_a_slide(chart.figure)
            wide = figure["layout"] is not chart.figure["layout"]
            figure = figure if wide else standalone(chart)
            figure["layout"].pop("updatemenus", None)
            size = {"width": WIDE if wide else _WIDTH, "height": figure["layout"]["height"]}
            options = size | {"format": "png", "scale": _SLIDE_SCALE}
            jobs.append(
                {"fig": figure, "path": Path(folder) / f"{chart.name}.png", "opts": options}
            )
        _draw_jobs(jobs)
        return {job["path"].stem: job["path"].read_bytes() for job in jobs}


def _draw(charts: Sequence[Chart], folder: Path, formats: Sequence[str]) -> None:
    _draw_jobs(list(_jobs(charts, folder, formats)))


def _draw_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    kaleido = _kaleido()
    page = picture_page(kaleido)
    drawing = kaleido.write_fig_from_object(jobs, kopts={"n": 2, "page_generator": page})
    errors = importlib.import_module("choreographer.errors")
    try:
        # Some faults leave kaleido waiting for a browser that never answers.
        faults = asyncio.run(asyncio.wait_for(drawing, 60 * _MINUTES))
    except errors.ChromeNotFoundError as error:
        said = os.environ.get("BROWSER_PATH")
        wrong = f"BROWSER_PATH is {said!r}, where no browser is: " if said else ""
        raise ValueError(wrong + _NO_BROWSER) from error
    except errors.BrowserFailedError as error:
        raise ValueError(f"the browser that draws the images did not start: {error}") from error
    except TimeoutError as error:
        raise ValueError(f"the browser did not draw the images in {_MINUTES} minutes") from error
    missing = [job["path"].name for job in jobs if not _is_written(job["path"])]
    if faults or missing:
        cause = faults[0] if faults else "the browser returned nothing"
        raise ValueError(f"not drawn: {', '.join(missing) or 'unknown'}: {cause}")
    for job in jobs:
        _make_repeatable(job["path"])


def _jobs(
    charts: Sequence[Chart], folder: Path, formats: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for chart in charts:
        figure = standalone(chart)
        size = {"width": _WIDTH, "height": figure["layout"].get("height", _HEIGHT)}
        for ending in formats:
            scale = _PNG_SCALE if ending == "png" else 1
            options = size | {"format": ending, "scale": scale}
            yield {"fig": figure, "path": folder / f"{chart.stem}.{ending}", "opts": options}


def _kaleido() -> Any:
    try:
        return importlib.import_module("kaleido")
    except ImportError as error:
        raise ValueError(
            "images are drawn by the package kaleido, which is not installed; "
            "`python3 run.py figures` installs it, and so does `pip install kaleido`"
        ) from error


def _office() -> Any:
    try:
        return importlib.import_module("plcore.report.office")
    except ImportError as error:
        raise ValueError(
            f"{error.name} is not installed, which writes documents together with python-docx and "
            "python-pptx; `python3 run.py figures` installs it"
        ) from error


def write_documents(report: Path, *, deck: Path | None, brief: Path | None) -> None:
    """Write the slides as PowerPoint and the brief as Word, those of them that are given a place.

    Parameters
    ----------
    report : Path
        Folder of a report that was written before.
    deck, brief : Path or None
        The files. One that plcore did not write last is never replaced.
    """
    office = _office()
    content = office.read_report(report)
    names = {shown["chart"] for shown in content.contents["deck"]["slides"]} if deck else set()
    names |= set(office.BRIEF_CHARTS) if brief else set()
    pictures = slide_pictures(read_charts(report), names)
    if deck is not None:
        office.write_deck(content, pictures, deck)
    if brief is not None:
        office.write_brief(content, pictures, brief)


def _is_written(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _make_repeatable(path: Path) -> None:
    """Take out of a file what differs from one drawing of the same chart to the next."""
    data = path.read_bytes()
    if path.suffix == ".svg":
        # plotly's ids hold six random digits; those of two charts in one page must still differ.
        drawing_id = re.search(rb'id="defs-([0-9a-f]{6})"', data)
        if drawing_id is not None:
            data = data.replace(
                drawing_id[1], hashlib.sha256(path.stem.encode()).hexdigest()[:6].encode()
            )
    elif path.suffix == ".pdf":
        # As long as before: a PDF counts its bytes.
        data = re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", rb"\g<1>20000101000000", data)
    path.write_bytes(data)


def _write_index(charts: Sequence[Chart], endings: Sequence[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for c in charts:
            for ending in endings:
                file_name = f"{c.stem}.{ending}"
                rows.writerow((file_name, c.name, c.notebook, c.caption, c.source, c.commit))


def _formats(text: str) -> tuple[str, ...]:
    formats = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is not one of {', '.join(FORMATS)} (separated by commas)"
        )
    return tuple(dict.fromkeys(formats))


def main(arguments: Sequence[str], *, prog: str = "run.py figures") -> int:
    """Exit code: 0 for figures written, 1 for none, the previous export being left as it was."""
    options = _options(arguments, prog)
    start = time.monotonic()
    documents = [path for path in (options.pptx, options.docx) if path is not None]
    try:
        # Before the report is built and the browser started, both of which take long.
        if documents:
            for path in documents:
                _office().refuse_other_file(path)
        else:
            refuse_other_folder(options.to)
        _kaleido()
        if not (options.report / _CONTENTS).exists():
            print("Building the report first ...", flush=True)
            build_report(
                options.notebooks, options.report, with_planner=True, with_explore=True,
                with_reference=True,
            )  # fmt: skip
        charts = chosen(read_charts(options.report), options.only)
        if documents:
            write_documents(options.report, deck=options.pptx, brief=options.docx)
            said = " and ".join(map(str, documents))
        else:
            written = export(charts, options.report, options.to, formats=options.formats)
            said = f"{len(charts)} charts, {len(written)} files"
    except (ValueError, OSError) as error:
        print(f"figures: {error}", file=sys.stderr)
        return 1
    now = read_stamp(options.notebooks)
    if now.changed or charts[0].commit != now.commit:
        print(
            f"Note: drawn from the report of commit {charts[0].commit}; notebooks, code or data "
            f"may have changed since. Without the folder {options.report} it is written anew."
        )
    see = "" if documents else f": see {options.to / 'index.csv'}"
    print(f"{said} in {time.monotonic() - start:.1f} s{see}")
    return 0


def _options(arguments: Sequence[str], prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write every chart of the report as images and CSV, or the slides as PowerPoint "
        "and a brief of two pages as Word. A folder of an earlier export is replaced whole.",
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these charts only")
    parser.add_argument("--formats", type=_formats, default=FORMATS, help="svg,png,pdf or fewer")
    parser.add_argument("--to", type=Path, default=Path("figures"), help="the folder to write")
    for kind, name, what in (
        ("pptx", "slides", "slides"),
        ("docx", "brief", "brief for a manager"),
    ):
        parser.add_argument(
            f"--{kind}", nargs="?", type=_file(kind), const=Path(f"{name}.{kind}"), metavar="FILE",
            help=f"write the {what}, and no images (default: {name}.{kind})",
        )  # fmt: skip
    parser.add_argument("--report", type=Path, default=Path("report"))
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS)
    options = parser.parse_args(arguments)
    images = ("only", "formats", "to")
    if (options.pptx or options.docx) and any(
        getattr(options, name) != parser.get_default(name) for name in images
    ):
        parser.error("--only, --formats and --to are for images, which --pptx and --docx leave out")
    return options


def _file(ending: str) -> Callable[[str], Path]:
    def path(text: str) -> Path:
        if not text.lower().endswith(f".{ending}"):
            raise argparse.ArgumentTypeError(f"{text!r} does not end with .{ending}")
        return Path(text)

    return path


if __name__ == "__main__":
    sys.exit(ends_in_words("figures", lambda: main(sys.argv[1:])))
