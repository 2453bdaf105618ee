"""The list of what each file of `data/` holds, so that no edit of it is accidental.

A digit that changes in a table can leave it as likely as before, and no rule can tell. So
`data/MANIFEST.csv` has a checksum, the number of rows and a date for each file, and a file that is
not the one listed is refused where it is read. `python3 run.py manifest` says in words what
changed and renews the list.

Only the project's own data are held to it. Who tries other numbers works in a copy of the folder
(`folder=...`), where every edit is meant; the copy's list is not looked at.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
#: The folder of the shipped tables: inside an installed wheel, else beside the package.
DATA = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _PACKAGE.parent / "data"
MANIFEST = "MANIFEST.csv"
COLUMNS = ("file", "sha256", "rows", "date")


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the manifest.

    Attributes
    ----------
    file : str
        Path below the folder, with slashes.
    sha256 : str
        Of the unpacked text as UTF-8 with line ends as LF: `sha256sum` gives the same.
    rows : str
        How many rows the table has; empty for a file that is no table.
    date : str
        The day on which this content was listed.
    """

    file: str
    sha256: str
    rows: str
    date: str


def checksum(text: str) -> str:
    """The checksum of a file's text, whatever line ends a system or an editor gave it."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(plain.encode()).hexdigest()


def listed(folder: Path) -> Mapping[str, Listed]:
    """The lines of a folder's manifest by file; none where it has no manifest."""
    path = folder / MANIFEST
    return _listed(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=4)
def _listed(path: Path, stamp: int) -> Mapping[str, Listed]:
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise ValueError(f"{MANIFEST}:1: header; expected {','.join(COLUMNS)}")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS) or len(row[1]) != 64:
            raise ValueError(
                f"{MANIFEST}:{line}: {','.join(row)!r}; expected a file, its checksum of 64 "
                "digits, rows and date"
            )
    return {row[0]: Listed(*row) for row in rows[1:]}


def hold(path: Path, text: str) -> None:
    """Refuse a file of the project's own data whose text is not the one listed.

    Parameters
    ----------
    path : Path
        The file; in any other folder than the project's own it may be what it likes.
    text : str
        What was read from it.

    Raises
    ------
    ValueError
        With the file and what to do about it.
    """
    path = Path(path).absolute()
    if not path.is_relative_to(DATA):
        return
    line = listed(DATA).get(path.relative_to(DATA).as_posix())
    # A file that is not listed is new; the tests ask for its line.
    if line is not None and line.sha256 != checksum(text):
        raise ValueError(
            f"{path.name}: the content is not the one that {MANIFEST} has listed since "
            f"{line.date}; expected no change that nobody meant. `python3 run.py manifest --check` "
            "says what changed, and `python3 run.py manifest` lists it if it is meant. To try "
            "other numbers, change a copy of data/ and name it as folder="
        )
