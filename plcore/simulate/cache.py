"""A folder of finished blocks, each under the fingerprint of all that it was made from.

A file is a line that says what it is, the SHA-256 of the rest, and the rest: the outcome's arrays
as NumPy stores them, nothing that runs when it is read. It is written under another name and then
renamed, so that a file under its own name was written to its end; the checksum is for disks.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plcore.models.outcome import Outcome

_FIRST_LINE = b"plcore block 1\n"
_DIGEST_BYTES = 32


def load(folder: Path, key: str) -> Outcome | None:
    """The outcome kept under a key; None where there is none, or where it is damaged (a warning).

    Raises
    ------
    OSError
        If the folder or the file cannot be read.
    """
    path = _path(folder, key)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    body = content[len(_FIRST_LINE) + _DIGEST_BYTES :]
    if content != _sealed(body):
        warnings.warn(
            f"{path.name} in the cache {folder} is damaged: its checksum differs; its draws are "
            "run again",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        names = [str(name) for name in arrays["names"]]
        values = {name: arrays[f"values_{i}"] for i, name in enumerate(names)}
        return Outcome(arrays["years"], values, arrays["extrapolated"])


def save(folder: Path, key: str, outcome: Outcome) -> None:
    """Keep an outcome under a key.

    Raises
    ------
    OSError
        If the folder cannot be made or written to, or the disk is full; nothing is left behind.
    """
    arrays = {f"values_{i}": values for i, values in enumerate(outcome.values.values())}
    body = io.BytesIO()
    np.savez(
        body,
        names=np.array(list(outcome.values), dtype=str),
        years=outcome.years,
        extrapolated=outcome.extrapolated,
        **arrays,  # type: ignore[arg-type]
    )
    path = _path(folder, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path) as file:
        file.write(_sealed(body.getvalue()))


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[io.BufferedWriter]:
    """A file that takes the name of `path` once it is written to its end."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix="unfinished-")
    try:
        with os.fdopen(number, "wb") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _path(folder: Path, key: str) -> Path:
    # Two levels: a folder of many thousand files is slow on some systems.
    return folder / key[:2] / f"{key[2:]}.block"


def _sealed(body: bytes) -> bytes:
    return _FIRST_LINE + hashlib.sha256(body).digest() + body
