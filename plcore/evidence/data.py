"""The tables of `data/`: how to read one, and how to cite its sources.

Every number of the project stands in a row of one of these tables, beside the key of its source
and the word for how it was seen. `plcore.evidence.schema` holds what each table must be, and
`data/README.md` explains each column.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import pandas as pd

from plcore.evidence.schema import MARKS, TABLES
from plcore.evidence.table import read_table

_PACKAGE = Path(__file__).resolve().parent.parent
#: The folder of the shipped tables: inside an installed wheel, else beside the package.
DATA = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _PACKAGE.parent / "data"


def read(name: str, *, folder: Path = DATA) -> pd.DataFrame:
    """One table of the project, each cell checked.

    Parameters
    ----------
    name : str
        A key of `TABLES`, such as "claims".
    folder : Path
        Where the files are; an analyst's own copy of `data/` can be named here.

    Raises
    ------
    ValueError
        If the table is unknown, or with every fault of the file by line and column.
    """
    if name not in TABLES:
        raise ValueError(f"no table {name!r}; expected one of {', '.join(sorted(TABLES))}")
    return _read(name, Path(folder)).copy()


def _read(name: str, folder: Path) -> pd.DataFrame:
    files = [folder / TABLES[part].file for part in sorted(_needed(name))]
    # A file that an analyst saves again must be read again.
    stamps = tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
    return _read_once(name, folder, stamps)


@lru_cache(maxsize=64)
def _read_once(name: str, folder: Path, stamps: tuple[int, ...]) -> pd.DataFrame:
    keys = {
        target: frozenset(_read(target, folder)[TABLES[target].key[0]])
        for target in _referenced(name)
    }
    return read_table(folder / TABLES[name].file, TABLES[name], keys=keys)


def _referenced(name: str) -> tuple[str, ...]:
    return tuple(sorted(set((TABLES[name].references or {}).values())))


def _needed(name: str) -> frozenset[str]:
    # A key that is gone from a table two steps away makes the step between unsound.
    return frozenset({name}).union(*map(_needed, _referenced(name)))


def cite(sources: str, *, seen: str = "primary", folder: Path = DATA) -> str:
    """A short citation such as "Ziegler-Graham 2008", with the mark of how it was seen.

    Parameters
    ----------
    sources : str
        Keys of `sources.csv`, separated by semicolons.
    seen : str
        A key of `MARKS`; "secondary" adds " (second hand)".
    """
    mark = MARKS[seen]
    cited = "; ".join(_short(key, folder) for key in sources.split(";"))
    # "Assumed (assumed)" would say it twice.
    return f"{cited} ({mark})" if mark and cited.lower() != mark else cited


def reference(source: str, *, folder: Path = DATA) -> str:
    """The full reference of one source, ending in its DOI or address where there is one."""
    row = _source(source, folder)
    year = "" if math.isnan(row["year"]) else f" ({row['year']:.0f})"
    journal = f" {row['journal']}." if row["journal"] else ""
    where = f" https://doi.org/{row['doi']}" if row["doi"] else f" {row['url']}".rstrip()
    return f"{row['authors']}{year}. {row['title']}.{journal}{where}"


def _source(key: str, folder: Path) -> pd.Series:
    table = _read("sources", Path(folder))
    found = table[table["source"] == key]
    if found.empty:
        raise ValueError(f"no source {key!r}; expected a key of {TABLES['sources'].file}")
    return found.iloc[0]


def _short(key: str, folder: Path) -> str:
    row = _source(key, folder)
    first = str(row["authors"]).split(",")[0].strip()
    # Personal authors are "Family Initials"; an organisation stays whole.
    family = first.rsplit(" ", 1)[0] if first.rsplit(" ", 1)[-1].isupper() else first
    return family if math.isnan(row["year"]) else f"{family} {row['year']:.0f}"
