"""A folder that is there whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
