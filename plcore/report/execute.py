"""Run notebooks, each in a Python process of its own, and say plainly where one failed."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from traitlets.config import Config

_CELL_SECONDS = 600
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


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

        return await asyncio.gather(*(run(number) for number in range(len(paths))))

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
    )


async def _fault(
    client: NotebookClient, name: str, folder: Path, with_traceback: bool
) -> str | None:
    """Run one notebook; why it failed, or None."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONSTARTUP"}
    # Two notebooks run at a time: threads of their own would only get in each other's way.
    environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environ |= {"IPYTHONDIR": str(folder), "PLOTLY_RENDERER": "plotly_mimetype"}
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
