"""The report as a folder of pages, charts and tables that needs no network.

A new report is built beside the previous one and takes its place only when it is complete.

The reference of the public names is pdoc's own pages of the rooms. pdoc evaluates types and
defaults: where that would print private names of NumPy, or where the data stand on this machine,
the name that the source uses is printed instead.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from html import unescape
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import jinja2
import pdoc
from markupsafe import Markup
from numpy.typing import ArrayLike
from pdoc.render_helpers import format_signature
from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

import plcore
from plcore.charts.display import OUTLINES, table_html
from plcore.charts.frame import widened
from plcore.evidence.data import DATA, read
from plcore.evidence.manifest import listed
from plcore.planner.page import planner_html
from plcore.report.explore import explore_html
from plcore.report.front import cards, predicted
from plcore.report.glossary import glossary, link_terms
from plcore.report.metadata import bibtex, ris
from plcore.report.notebooks import Exhibit, Page, execute, read_page
from plcore.report.slides import LONG, WIDE, Deck, find_deck, in_plain_text, reading, slide_figure

_ASSETS = Path(__file__).parent / "assets"
_PACKAGE = Path(plcore.__file__).resolve().parent
_SHIPPED = _PACKAGE / "_notebooks"
#: The project's notebooks: inside an installed wheel, else in the folder where run.py starts jobs.
NOTEBOOKS = _SHIPPED if _SHIPPED.is_dir() else Path("notebooks")
_DEFAULT_HEIGHT = 450
#: From this width on, the words around a chart have lines as long as that.
_WIDE_PIXELS = 720
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

    def in_words(self) -> str:
        """As the foot of a page has it."""
        of = "" if self.commit == self.commit_date else f" of {self.commit_date}"
        changed = ", with changes not committed" if self.changed else ""
        return (
            f"plcore {self.version} · commit {self.commit}{of}{changed} · data of {self.data_date}"
        )


def build_report(
    notebooks: Path,
    report: Path,
    *,
    with_traceback: bool = False,
    with_planner: bool = False,
    with_explore: bool = False,
    with_reference: bool = False,
) -> list[Page]:
    """The pages of a report, written to the folder `report` from the notebooks of a folder.

    A previous report in that folder is replaced at the end and left untouched by any error. The
    same commit gives the same bytes.

    Parameters
    ----------
    notebooks : Path
        Folder of the notebooks, all of which are run; one at least.
    report : Path
        A new or empty folder, or that of a previous report.
    with_traceback : bool
        Whether the error of a failed cell says where in the code it failed.
    with_planner : bool
        Whether the planner's page is computed, which takes some fifteen seconds, and linked.
    with_explore : bool
        Whether the page "What would you have to believe?" is computed, which takes some ten
        seconds, and linked.
    with_reference : bool
        Whether the reference of public names is read from the docstrings, and linked.

    Raises
    ------
    ValueError
        If a cell fails, or something shown cannot be printed; nothing is written then.
    """
    paths = sorted(notebooks.glob("*.ipynb"))
    if not paths:
        raise ValueError(f"{notebooks}: no notebooks here (*.ipynb)")
    _refuse_other_folder(report)
    stamp = read_stamp(notebooks)
    before = set(active_children())
    # What does not depend on the notebooks takes a process of its own, beside theirs.
    with (
        tempfile.TemporaryDirectory(prefix="plcore-") as workshop,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker,
    ):
        reference = Path(workshop) / "api"
        computed = [
            worker.submit(make, made_from=stamp.in_words()) if wanted else None
            for make, wanted in ((planner_html, with_planner), (explore_html, with_explore))
        ]
        documented = worker.submit(write_reference, reference) if with_reference else None
        try:
            executed = execute(paths, with_traceback=with_traceback)
        except BaseException:
            # Nobody waits for the other pages of a report that there will not be.
            for process in set(active_children()) - before:
                process.terminate()
            raise
        planner, explore = (page.result() if page else None for page in computed)
        if documented is not None:
            documented.result()
        stems = [path.stem for path in paths]
        pages = [
            read_page(notebook, path, stems=stems)
            for notebook, path in zip(executed, paths, strict=True)
        ]
        write_report(
            pages, report, stamp=stamp, planner=planner, explore=explore,
            reference=reference if with_reference else None,
        )  # fmt: skip
    return pages


def write_report(
    pages: Sequence[Page],
    report: Path,
    *,
    stamp: Stamp,
    planner: str | None = None,
    explore: str | None = None,
    reference: Path | None = None,
) -> None:
    """Write the pages with their charts and tables, and put the folder in its place.

    `planner` and `explore` are the planner's page and "What would you have to believe?", if they
    are to be there, and `reference` is the folder with the pages of public names.
    """
    _refuse_shared_names(pages)
    with replacing(report) as fresh:
        _write_files(pages, fresh, stamp, planner, explore, reference)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `folder` at the end of the block.

    Where the block fails, what was at `folder` stays as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, for only a folder of the same disk can be moved at once; and the name of
    # both workshops begins alike, for what lies about after a power cut is to be ignored by git.
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder.parent) as workshop:
        fresh, previous = Path(workshop) / "new", Path(workshop) / "previous"
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(previous)
        try:
            fresh.rename(folder)
        except OSError:
            if previous.exists():
                previous.rename(folder)
            raise


def read_stamp(folder: Path) -> Stamp:
    """Version of plcore, and the last commits of the repository around `folder` and of its data."""
    if folder.resolve().is_relative_to(_SHIPPED):
        # A repository around an installed package is somebody else's.
        listed_last = max(line.date for line in listed(DATA).values())
        return Stamp(plcore.__version__, _UNKNOWN, _UNKNOWN, listed_last, changed=False)
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
    for page in pages:
        if page.stem in ("exhibits", "explore", "glossary", "index", "planner", "statements"):
            raise ValueError(
                f"{page.stem}.ipynb: its page would replace one of the report; name it otherwise"
            )


def _write_files(
    pages: Sequence[Page],
    folder: Path,
    stamp: Stamp,
    planner: str | None,
    explore: str | None,
    reference: Path | None,
) -> None:
    templates = _templates()
    deck = find_deck(pages)
    for kind in ("figures", "tables"):
        (folder / kind).mkdir()
    _write(folder / "plotly.min.js", get_plotlyjs())
    _write(folder / "style.css", (_ASSETS / "style.css").read_text(encoding="utf-8"))
    scripts = (OUTLINES, _ASSETS / "report.js")
    _write(folder / "report.js", "".join(path.read_text(encoding="utf-8") for path in scripts))

    terms = glossary()
    #: By term of the glossary: the pages that use it, each with its title.
    used: dict[str, list[tuple[str, str]]] = {term.name: [] for term in terms}

    def page(path: str, template: str, *, links: bool = True, **values: object) -> None:
        root = "../" * path.count("/")
        html = templates.get_template(template).render(
            pages=pages, stamp=stamp, root=root, deck=deck, planner=planner,
            explore=explore, with_reference=reference is not None, **values,
        )  # fmt: skip
        outside = _FROM_OUTSIDE.search(html)
        if outside is not None:
            raise ValueError(f"{path}: would load from outside: {outside[0][:120]}")
        if links:
            html, names = link_terms(html, terms, page=f"{root}glossary.html")
            if not root:
                title = "Slides for teaching" if path == "slides.html" else _title(html)
                for name in names:
                    used[name].append((path, title))
        _write(folder / path, html)

    _write(folder / "contents.json", _contents(pages, stamp, deck))
    _write(folder / "sources.bib", bibtex())
    _write(folder / "sources.ris", ris())
    n_exhibits = sum(len(shown.exhibits) for shown in pages)
    page(
        "index.html", "index.html", cards=cards(pages), predicted=predicted(pages),
        n_exhibits=n_exhibits,
    )  # fmt: skip
    page("exhibits.html", "exhibits.html")
    there = {"index.html", "glossary.html", *(f"{shown.stem}.html" for shown in pages)}
    if reference is not None:
        there.add("api/index.html")
    page("statements.html", "statements.html", checklists=_checklists(), there=there)
    if planner is not None:
        _write(folder / "planner.html", planner)
    if explore is not None:
        _write(folder / "explore.html", explore)
    if reference is not None:
        shutil.copytree(reference, folder / "api")
    if deck is not None:
        page("slides.html", "slides.html")
        for asset in ("slides.css", "slides.js"):
            _write(folder / asset, (_ASSETS / asset).read_text(encoding="utf-8"))
    for number, shown in enumerate(pages):
        before = pages[number - 1] if number else None
        after = pages[number + 1] if number + 1 < len(pages) else None
        page(f"{shown.stem}.html", "notebook.html", page=shown, before=before, after=after)
        for exhibit in shown.exhibits:
            _write(folder / "tables" / f"{exhibit.name}.csv", exhibit.csv)
            if exhibit.figure is not None:
                kept = ("data", "layout", "frames")
                plain = {key: exhibit.figure[key] for key in kept if key in exhibit.figure}
                _write(folder / "figures" / f"{exhibit.name}.json", _json(plain))
                page(f"figures/{exhibit.name}.html", "figure.html", page=shown, exhibit=exhibit)
    page("glossary.html", "glossary.html", links=False, terms=terms, used=used)


def _title(html: str) -> str:
    title = html[html.index("<title>") + len("<title>") : html.index("</title>")]
    return unescape(title).removesuffix(" · plcore")


#: The checklists of `data/checklists.csv`, and what each is for.
_CHECKLISTS = {
    "GATHER": "Guidelines for Accurate and Transparent Health Estimates Reporting.",
    "STRESS-DES": "Strengthening the Reporting of Empirical Simulation Studies: the clinic.",
    "ISPOR-SMDM": "Kinds of validation of a model, by the ISPOR-SMDM task force.",
}


def _checklists() -> list[tuple[str, str, list[dict[str, str]]]]:
    rows = read("checklists").to_dict("records")
    return [
        (name, title, [{str(k): str(v) for k, v in row.items()} for row in rows
                       if row["checklist"] == name])
        for name, title in _CHECKLISTS.items()
    ]  # fmt: skip


def _contents(pages: Sequence[Page], stamp: Stamp, deck: Deck | None) -> str:
    """What the report shows and was made from, for other programs."""
    exhibits = [
        {
            "name": exhibit.name,
            "chart": exhibit.figure is not None,
            "notebook": page.stem,
            "caption": exhibit.caption,
            "reading": reading(exhibit),
        }
        for page in pages
        for exhibit in page.exhibits
    ]
    contents = asdict(stamp) | {"exhibits": exhibits}
    if deck is not None:
        contents["deck"] = in_plain_text(deck)
    return json.dumps(contents, ensure_ascii=False, indent=1) + "\n"


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
    templates.globals["chart_title"] = _chart_title
    templates.globals |= {"slide_json": _slide_json, "wide": WIDE, "long": LONG}
    return templates


def _table(exhibit: Exhibit) -> Markup:
    html = table_html(
        exhibit.csv,
        caption=exhibit.caption,
        numeric=exhibit.numeric,
        most_rows=_MOST_ROWS,
        headings=_of_axes(exhibit),
    )
    return Markup(html)


def _of_axes(exhibit: Exhibit) -> dict[str, str]:
    """What the columns x and value of a chart over an axis x are called: as its axes are."""
    columns = exhibit.csv.partition("\n")[0].split(",")
    if exhibit.figure is None or not {"x", "value"} <= set(columns):
        return {}
    layout = exhibit.figure["layout"]
    titles = {
        column: str(layout.get(axis, {}).get("title", {}).get("text", "")).replace("<br>", " ")
        for column, axis in (("x", "xaxis"), ("value", "yaxis"))
    }
    return {column: unescape(title) for column, title in titles.items() if title}


def _chart_title(exhibit: Exhibit) -> str:
    """What stands over a chart, in one line; empty for a table."""
    if exhibit.figure is None:
        return ""
    return str(exhibit.figure["layout"].get("meta", {}).get("title", ""))


def _figure_json(exhibit: Exhibit) -> Markup:
    figure = dict(exhibit.figure or {})
    return _in_script(figure | {"wide": _wide_layout(figure.get("layout", {}))})


def _wide_layout(layout: Mapping[str, Any]) -> dict[str, Any]:
    """What a chart sets otherwise where it is wide: of its annotations, the changes by number."""
    wide = widened(layout, _WIDE_PIXELS)
    changed = {key: value for key, value in wide.items() if value != layout[key]}
    notes = zip(layout.get("annotations", ()), changed.pop("annotations", ()), strict=False)
    moved = {
        str(place): {key: after[key] for key in after if after[key] != before[key]}
        for place, (before, after) in enumerate(notes)
        if after != before
    }
    return {"pixels": _WIDE_PIXELS, "layout": changed, "annotations": moved}


def _slide_json(exhibit: Exhibit) -> Markup:
    return _in_script(slide_figure(exhibit))


def _in_script(value: object) -> Markup:
    # Inside <script>, "</script>" and "<!--" would end or change the text; JSON allows \u003c.
    return Markup(_json(value).replace("<", "\\u003c"))


def _height(exhibit: Exhibit) -> int:
    layout = exhibit.figure["layout"] if exhibit.figure is not None else {}
    return int(layout.get("height", _DEFAULT_HEIGHT))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


# --- The reference of the public names -----------------------------------------------------------

_TEMPLATES = Path(__file__).parent / "assets" / "reference"
_PRINTED = (
    (re.escape(inspect.formatannotation(ArrayLike)), "ArrayLike"),
    (re.escape(repr(ArrayLike)), "ArrayLike"),
    (
        r"numpy\.ndarray\[tuple\[typing\.Any, \.{3}\], numpy\.dtype\[numpy\.(\w+)\]\]",
        r"NDArray[\1]",
    ),
    (r"\b(pandas|plotly\.graph_objs)(?:\.\w+)+\.(DataFrame|Series|Figure)\b", r"\1.\2"),
    (r"\w*Path\(" + re.escape(repr(str(DATA))) + r"\)", "DATA"),
)


def write_reference(folder: Path) -> None:
    """Write the pages of plcore's rooms, each of the names in its `__all__`.

    Nothing in them is loaded from outside. There is no search: pdoc would build its index with
    Node.js where that is installed, and so not the same bytes everywhere.

    Parameters
    ----------
    folder : Path
        Where `index.html` and the pages go.
    """
    pdoc.render.env.filters |= {"plain": _plain, "format_signature": _signature}
    pdoc.render.configure(
        docformat="numpy", favicon="data:,", search=False, template_directory=_TEMPLATES
    )
    # Of a package with an `__all__` pdoc takes only the rooms that stand there; the others by name.
    rooms = {room.name for room in pkgutil.iter_modules(plcore.__path__)} - set(plcore.__all__)
    shown = [f"plcore.{room}" for room in sorted(rooms) if not room.startswith("_")]
    pdoc.pdoc("plcore", *shown, r"!plcore\.\w+\.", output_directory=folder)


class _Words(str):
    """Text that is printed in a signature as it stands."""

    __slots__ = ()
    __repr__ = str.__str__


def _plain(text: str) -> str:
    for pattern, words in _PRINTED:
        text = re.sub(pattern, words, text)
    return text


def _signature(signature: inspect.Signature, colon: bool) -> Markup:
    def words(thing: object, text: str) -> object:
        return thing if thing is inspect.Parameter.empty else _Words(_plain(text))

    def annotation(thing: object) -> object:
        return words(thing, inspect.formatannotation(thing))

    parameters = [
        parameter.replace(
            annotation=annotation(parameter.annotation),
            default=words(parameter.default, repr(parameter.default)),
        )
        for parameter in signature.parameters.values()
    ]
    printed = inspect.Signature(
        parameters, return_annotation=annotation(signature.return_annotation)
    )
    return format_signature(printed, colon)
