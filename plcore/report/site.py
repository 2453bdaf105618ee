"""The report as a folder of pages, charts and tables that needs no network.

A new report is built beside the previous one and takes its place only when it is complete.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

import plcore
from plcore.report.execute import execute
from plcore.report.page import Exhibit, Page, read_page
from plcore.show import table_html

_ASSETS = Path(__file__).parent / "assets"
_DEFAULT_HEIGHT = 450
#: Longer tables are cut on the page, which says so; their CSV is whole.
_MOST_ROWS = 300
_UNKNOWN = "unknown"
_FROM_OUTSIDE = re.compile(
    r"<(?:img|script|link|iframe|source|video|audio|object|embed)\b[^>]*"
    r"""(?:src|href|data)\s*=\s*["']?\s*(?:https?:)?//[^>]*>""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a report was made from; "unknown" where the project is not in a git repository.

    `changed` says that notebooks, code or data differ from the commit.
    """

    version: str
    commit: str
    commit_date: str
    data_date: str
    changed: bool


def build_report(notebooks: Path, report: Path, *, with_traceback: bool = False) -> list[Page]:
    """The pages of a report, written to the folder `report` from the notebooks of a folder.

    A previous report in that folder is replaced at the end and left untouched by any error. The
    same commit gives the same bytes.
    """
    paths = sorted(notebooks.glob("*.ipynb"))
    if not paths:
        raise ValueError(f"{notebooks}: no notebooks here (*.ipynb)")
    _refuse_other_folder(report)
    executed = execute(paths, with_traceback=with_traceback)
    stems = [path.stem for path in paths]
    pages = [
        read_page(notebook, path, stems=stems)
        for notebook, path in zip(executed, paths, strict=True)
    ]
    write_report(pages, report, stamp=read_stamp(notebooks))
    return pages


def write_report(pages: Sequence[Page], report: Path, *, stamp: Stamp) -> None:
    """Write the pages with their charts and tables, and put the folder in its place."""
    _refuse_shared_names(pages)
    report.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=report.parent) as workshop:
        fresh = Path(workshop) / "new"
        _write_files(pages, fresh, stamp)
        if report.exists():
            report.rename(Path(workshop) / "previous")
        try:
            fresh.rename(report)
        except OSError:
            if (Path(workshop) / "previous").exists():
                (Path(workshop) / "previous").rename(report)
            raise


def read_stamp(folder: Path) -> Stamp:
    """Version of plcore, and the last commits of the repository around `folder` and of its data."""
    changes = _git(folder, "status", "--porcelain", "--", ":/notebooks", ":/plcore", ":/data")
    return Stamp(
        version=plcore.__version__,
        commit=_git(folder, "log", "-1", "--format=%H")[:10],
        commit_date=_git(folder, "log", "-1", "--format=%cs"),
        data_date=_git(folder, "log", "-1", "--format=%cs", "--", ":/data"),
        changed=changes != _UNKNOWN,
    )


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return _UNKNOWN
    return done.stdout.strip() or _UNKNOWN


def _refuse_other_folder(report: Path) -> None:
    """A folder that is not a report is never replaced: its files would be lost."""
    if not report.exists():
        return
    if not report.is_dir() or (any(report.iterdir()) and not (report / "plotly.min.js").exists()):
        raise ValueError(f"{report}: exists and is no report; name a new or empty folder")


def _refuse_shared_names(pages: Sequence[Page]) -> None:
    shown = [(exhibit.name, page.stem) for page in pages for exhibit in page.exhibits]
    times = Counter(name for name, _ in shown)
    faults = [
        f"{stem}.ipynb: something else is shown as {name!r}, too; names are unique in the report"
        for name, stem in shown
        if times[name] > 1
    ]
    if faults:
        raise ValueError("\n".join(dict.fromkeys(faults)))
    if any(page.stem == "index" for page in pages):
        raise ValueError("index.ipynb: its page would replace the front page; name it otherwise")


def _write_files(pages: Sequence[Page], folder: Path, stamp: Stamp) -> None:
    templates = _templates()
    for part in ("figures", "tables"):
        (folder / part).mkdir(parents=True)
    _write(folder / "plotly.min.js", get_plotlyjs())
    for asset in ("style.css", "report.js"):
        _write(folder / asset, (_ASSETS / asset).read_text(encoding="utf-8"))

    def page(path: str, template: str, **values: object) -> None:
        root = "../" * path.count("/")
        html = templates.get_template(template).render(
            pages=pages, stamp=stamp, root=root, **values
        )
        outside = _FROM_OUTSIDE.search(html)
        if outside is not None:
            raise ValueError(f"{path}: would load from outside: {outside[0][:120]}")
        _write(folder / path, html)

    page("index.html", "index.html")
    for number, shown in enumerate(pages):
        before = pages[number - 1] if number else None
        after = pages[number + 1] if number + 1 < len(pages) else None
        page(f"{shown.stem}.html", "notebook.html", page=shown, before=before, after=after)
        for exhibit in shown.exhibits:
            _write(folder / "tables" / f"{exhibit.name}.csv", exhibit.csv)
            if exhibit.figure is not None:
                plain = {key: exhibit.figure[key] for key in ("data", "layout")}
                _write(folder / "figures" / f"{exhibit.name}.json", _json(plain))
                page(f"figures/{exhibit.name}.html", "figure.html", page=shown, exhibit=exhibit)


def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals |= {"table": _table, "figure_json": _figure_json, "height": _height}
    return templates


def _table(exhibit: Exhibit) -> Markup:
    html = table_html(
        exhibit.csv, caption=exhibit.caption, numeric=exhibit.numeric, most_rows=_MOST_ROWS
    )
    return Markup(html)


def _figure_json(exhibit: Exhibit) -> Markup:
    # Inside <script>, "</script>" and "<!--" would end or change the text; JSON allows \u003c.
    return Markup(_json(exhibit.figure).replace("<", "\\u003c"))


def _height(exhibit: Exhibit) -> int:
    layout = exhibit.figure["layout"] if exhibit.figure is not None else {}
    return int(layout.get("height", _DEFAULT_HEIGHT))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
