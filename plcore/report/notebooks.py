"""Notebooks: run each in a Python process of its own, and read what a page of the report holds."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any, Literal

# jsonschema, which nbformat brings up, builds a grammar of web addresses where the package for it is
# there: more than a second, for a check that no notebook asks for.
_GRAMMAR = "rfc3987_syntax"
_without = {} if _GRAMMAR in sys.modules else {_GRAMMAR: None}
sys.modules.update(_without)  # type: ignore[arg-type]
import nbformat

for _name in _without:
    del sys.modules[_name]
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from traitlets.config import Config

from plcore.charts.display import NO_PICTURES, PICTURES, PLOTLY

_CELL_SECONDS = 600
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: Forms of an output that a page can hold; a bundle in any other form is refused.
_HELD = {"text/html", "text/markdown", "image/png", "text/plain", "text/latex"}
#: The kernel names a cell's code after a file that has its process number in it.
_KERNEL_FILE = re.compile(r"\S*ipykernel_\d+\S*?\.py:")
_REMEDY = (
    "show it with plcore.charts: show({what}, name=..., caption=...{more}), so that the report has "
    "its name, its caption and its numbers"
)


def execute(
    paths: Sequence[Path], *, at_a_time: int = 2, with_traceback: bool = False
) -> list[NotebookNode]:
    """The notebooks at `paths`, in that order, with the outputs of a fresh run.

    Each runs in its own folder and its own process, without the user's IPython settings. Nothing
    that differs between two runs (times, process numbers) is recorded. All that fail are named in
    one ValueError: notebook, cell, its first line and the cause.
    """
    notebooks = [_read(path) for path in paths]

    async def run_all(folder: Path) -> list[str | None]:
        turn = asyncio.Semaphore(at_a_time)

        async def run(number: int) -> str | None:
            async with turn:
                client = _client(notebooks[number], paths[number], folder, number)
                return await _fault(client, paths[number].name, folder, with_traceback)

        # Those with the most code, which mostly take longest, first: a long one that is begun last
        # runs alone.
        order = sorted(range(len(paths)), key=lambda number: -_code_length(notebooks[number]))
        ended = dict(
            zip(order, await asyncio.gather(*(run(number) for number in order)), strict=True)
        )
        return [ended[number] for number in range(len(paths))]

    # The sockets of the kernels talk through a selector, which Windows does not have by default.
    with (
        tempfile.TemporaryDirectory(prefix="plcore-") as folder,
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
    ):
        faults = runner.run(run_all(Path(folder)))
    if any(fault is not None for fault in faults):
        raise ValueError("\n".join(fault for fault in faults if fault is not None))
    return notebooks


def cell_label(notebook: NotebookNode, index: int) -> str:
    """How messages name a cell: its place, counted from 1 over all cells, and its first line."""
    lines = (line.strip() for line in notebook.cells[index].source.splitlines())
    first = next((line for line in lines if line), "")
    return f"cell {index + 1} of {len(notebook.cells)} ({first})"


def _code_length(notebook: NotebookNode) -> int:
    return sum(len(cell.source) for cell in notebook.cells if cell.cell_type == "code")


def _read(path: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:
        # nbformat's readers raise errors of many kinds for a file that is no notebook.
        raise ValueError(f"{path.name}: not a notebook: {error}") from error
    return notebook


def _client(notebook: NotebookNode, path: Path, folder: Path, number: int) -> NotebookClient:
    config = Config()
    if os.name == "posix":
        # Sockets in a folder of ours: no port is opened, and no other user can talk to the kernel.
        config.KernelManager.transport = "ipc"
        config.KernelManager.connection_file = str(folder / f"kernel-{number}.json")
    return NotebookClient(
        notebook,
        config=config,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        force_raise_errors=True,
        resources={"metadata": {"path": str(path.parent)}},
        # Modules beside a notebook can be imported, but not in the place of others.
        extra_arguments=[
            "--InteractiveShellApp.ignore_cwd=True",
            "--InteractiveShellApp.exec_lines=import sys; sys.path.append('')",
        ],
    )


async def _fault(
    client: NotebookClient, name: str, folder: Path, with_traceback: bool
) -> str | None:
    """Run one notebook; why it failed, or None."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONSTARTUP"}
    # Two notebooks run at a time: threads of their own would only get in each other's way.
    environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environ |= {"IPYTHONDIR": str(folder), "PLOTLY_RENDERER": "plotly_mimetype"}
    # The report draws the charts itself.
    environ[PICTURES] = NO_PICTURES
    started: list[int] = []
    client.on_cell_execute = lambda cell, cell_index: started.append(cell_index)
    try:
        await client.async_execute(env=environ)
        return None
    except CellExecutionError as error:
        cause = f"{error.ename}: {error.evalue}".replace("\n", "\n  ")
        if with_traceback:
            cause += "\n" + _COLOURS.sub("", error.traceback)
    except CellTimeoutError:
        cause = f"no result after {_CELL_SECONDS} s"
    except RuntimeError as error:
        if not started:
            return f"{name}: its Python process did not start: {error}"
        cause = "the Python process died (killed, or out of memory)"
    return f"{name}, {cell_label(client.nb, started[-1])}:\n  {cause}"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A chart with the numbers behind it, or a table, as `plcore.charts.show` published it.

    Attributes
    ----------
    figure : dict or None
        `data`, `layout` and `config` of a chart, and `frames` of one that moves; None for a table.
    csv : str
        The numbers at full precision.
    numeric : tuple of str
        The columns of `csv` that hold numbers.
    """

    name: str
    caption: str
    alt: str | None
    figure: Mapping[str, Any] | None
    csv: str
    numeric: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page, in the order of the notebook: HTML of some kind, or an exhibit."""

    kind: Literal["prose", "code", "text", "warning", "html", "exhibit"]
    html: str = ""
    exhibit: Exhibit | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A notebook as the report shows it.

    Attributes
    ----------
    stem : str
        Name of the notebook without its suffix.
    title : str
        Text of its first heading.
    lead : str
        Its first paragraph, as HTML.
    sections : tuple of (str, str)
        Anchor and text of each second-level heading, both as HTML.
    warnings : tuple of str
        What its code wrote to the error stream.
    """

    stem: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
    sections: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        return tuple(block.exhibit for block in self.blocks if block.exhibit is not None)


def read_page(notebook: NotebookNode, path: Path, *, stems: Sequence[str]) -> Page:
    """The page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook with its outputs.
    path : Path
        Where it was read.
    stems : sequence of str
        All notebooks of the report: a link to any other is refused.
    """
    title, lead = _title_and_lead(notebook, path)
    blocks: list[Block] = []
    for index, cell in enumerate(notebook.cells):
        where = f"{path.name}, {cell_label(notebook, index)}"
        if cell.cell_type == "markdown":
            blocks.append(Block("prose", _linked(_markdown(cell, path.parent), where, stems)))
        elif cell.cell_type == "code" and cell.source.strip():
            coloured = highlight(cell.source, PythonLexer(), HtmlFormatter(nowrap=True))
            blocks.append(Block("code", coloured))
            blocks.extend(_output(output, where) for output in cell.outputs)
    prose = "".join(block.html for block in blocks if block.kind == "prose")
    return Page(
        stem=path.stem,
        title=title,
        lead=lead,
        blocks=tuple(blocks),
        sections=tuple(re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', prose)),
        warnings=tuple(unescape(b.html).strip() for b in blocks if b.kind == "warning"),
    )


def _title_and_lead(notebook: NotebookNode, path: Path) -> tuple[str, str]:
    first = notebook.cells[0] if notebook.cells else None
    title = None
    if first is not None and first.cell_type == "markdown":
        title = re.match(r"\s*# +(.+)", first.source)
    if title is None:
        raise ValueError(f"{path.name}, cell 1: has to be text that starts with '# ' and a title")
    text = "\n\n".join(_leading_text(notebook))[title.end() :]
    paragraphs = (paragraph.strip() for paragraph in re.split(r"\n\s*\n", text))
    lead = next((p for p in paragraphs if p and not p.startswith("#")), "")
    rendered = re.sub(r"^<p>|</p>$", "", _render(lead, path.parent, {}).strip())
    # A card's heading is its link; links inside its text would compete with it.
    return title[1].strip(), re.sub(r"</?a\b[^>]*>", "", rendered)


def _leading_text(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            return
        yield cell.source


def _markdown(cell: NotebookNode, folder: Path) -> str:
    return _render(cell.source, folder, cell.get("attachments", {}))


def _render(text: str, folder: Path, attachments: Mapping[str, Any]) -> str:
    renderer = _Renderer(
        escape=False,
        embed_images=True,
        path=str(folder),
        attachments=dict(attachments),
    )
    html = str(MarkdownWithMath(renderer=renderer).render(text))
    # Headings need the anchors that these links point to, not the links.
    html = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", html)
    return html.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace(
        "</table>", "</table></div>"
    )


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, which here leaves open what is open: `<details>` around paragraphs."""

    def _html_embed_images(self, html: str) -> str:
        # Its parser ends every tag of a piece of HTML within that piece.
        return super()._html_embed_images(html) if "<img" in html else html


def _linked(html: str, where: str, stems: Sequence[str]) -> str:
    """The HTML with links to notebooks turned into links to their pages."""

    def page(link: re.Match[str]) -> str:
        if link[1] not in stems:
            raise ValueError(f"{where}: links to {link[1]}.ipynb, which is not in the report")
        return f'href="{link[1]}.html{link[2]}"'

    return re.sub(r'href="(?:\./)?([^"/:#]+)\.ipynb((?:#[^"]*)?)"', page, html)


def _output(output: NotebookNode, where: str) -> Block:
    if output.output_type == "stream":
        if output.name == "stderr":
            return Block("warning", escape(_KERNEL_FILE.sub("this cell, line ", output.text)))
        return Block("text", escape(output.text))
    data = output.data
    if "plcore" in output.metadata:
        return Block("exhibit", exhibit=_exhibit(data, output.metadata["plcore"]))
    html = data.get("text/html", "")
    if PLOTLY in data or "Plotly.newPlot" in html:
        remedy = _REMEDY.format(what="figure", more=", table=...")
        raise ValueError(f"{where}: a chart without a name; {remedy}")
    if 'class="dataframe"' in html:
        remedy = _REMEDY.format(what="table", more="")
        raise ValueError(f"{where}: a table without a name; {remedy}")
    unknown = sorted(set(data) - _HELD)
    if unknown:
        raise ValueError(f"{where}: shows {unknown[0]}, which a page of the report cannot hold")
    return _plain_block(data)


def _plain_block(data: Mapping[str, str]) -> Block:
    text = escape(data.get("text/plain", ""))
    if "text/html" in data:
        return Block("html", data["text/html"])
    if "text/markdown" in data:
        return Block("html", _render(data["text/markdown"], Path(), {}))
    if "image/png" in data:
        encoded = data["image/png"].replace("\n", "")
        return Block("html", f'<img src="data:image/png;base64,{encoded}" alt="{text}">')
    return Block("text", text)


def _exhibit(data: Mapping[str, Any], described: Mapping[str, Any]) -> Exhibit:
    return Exhibit(
        name=described["name"],
        caption=described["caption"],
        alt=described["alt"],
        figure=data.get(PLOTLY),
        csv=data["text/csv"],
        numeric=tuple(described["numeric"]),
    )
