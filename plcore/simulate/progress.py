"""How far a run is, for whoever watches it: a line on a terminal or under a notebook's cell.

Where nobody watches, nothing is written: not to a file or a pipe, and not into a notebook that is
run to the end by a program, such as the report.

Parameters
----------
title : str
    What is run.
total, done : int
    Blocks of the run, and those finished.
seconds : float
    Since the run began.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

#: From a title and a number of blocks to a context, whose value is called with how many are done.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

#: Seconds before anything is shown, and between two looks.
_PATIENCE, _PAUSE = 1.0, 0.2


@contextmanager
def shown(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a line, where somebody watches and the run takes longer than a second."""
    started, last, write = time.monotonic(), -1.0, _writer()

    def show(done: int) -> None:
        nonlocal last
        passed = time.monotonic() - started
        if write is None or passed < _PATIENCE or (passed - last < _PAUSE and done < total):
            return
        last = passed
        write(line(title, done, total, passed))

    try:
        yield show
    finally:
        if write is not None and last >= 0:
            write("")


@contextmanager
def hidden(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda done: None


def line(title: str, done: int, total: int, seconds: float) -> str:
    """What is shown: how many blocks are done, and how long the rest takes at this pace."""
    text = f"{title}: {done} of {total} blocks"
    return text if done == 0 else f"{text}, {_time(seconds * (total - done) / done)} left"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _writer() -> Callable[[str], None] | None:
    shell = _shell()
    if shell is not None and hasattr(shell, "kernel"):
        # A program that runs a notebook to its end says that nobody can be asked for input.
        return _under_cell() if getattr(shell.kernel, "_allow_stdin", False) else None
    if sys.stderr is not None and sys.stderr.isatty():
        return _on_terminal
    return None


def _shell() -> Any:
    # IPython is there only where something else has loaded it.
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _on_terminal(text: str) -> None:
    # Back to the start of the line, and clear what is right of it.
    sys.stderr.write(f"\r{text}\x1b[K")
    sys.stderr.flush()


def _under_cell() -> Callable[[str], None]:
    display = sys.modules["IPython"].display.display
    handle: Any = None

    def write(text: str) -> None:
        nonlocal handle
        if handle is None:
            handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            handle.update({"text/plain": text}, raw=True)

    return write
