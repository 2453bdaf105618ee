"""The tables of `data/`: read one, cite its sources, show its published numbers as points.

Every number of the project stands in a row of one of these tables, beside the key of its source
and the word for how it was seen. `plcore.evidence.schema` holds what each table must be, and
`data/README.md` explains each column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from plcore.evidence.manifest import DATA
from plcore.evidence.schema import MARKS, TABLES
from plcore.evidence.table import last_saved, read_table

__all__ = ["DATA", "cite", "estimate_points", "read", "reference"]


def read(name: str, *, folder: Path = DATA) -> pd.DataFrame:
    """One table of evidence, every cell checked.

    Parameters
    ----------
    name : str
        The name of the file without its ending, such as "claims".
    folder : Path
        Where the files are: the shipped `data/` unless given.

    Returns
    -------
    DataFrame
        One row per line of the file, with its columns, which `data/README.md` explains.

    Raises
    ------
    ValueError
        If there is no such table, or with every fault of the file by line and column.

    Examples
    --------
    >>> print(read("claims").loc[:1, ["claim", "claimed", "unit", "verdict"]])
                 claim  claimed     unit    verdict
    0  nws_develops_80     80.0  percent  supported
    1  nws_range_60_85      NaN  percent  supported
    """
    if name not in TABLES:
        raise ValueError(f"no table {name!r}; expected one of {', '.join(sorted(TABLES))}")
    return _read(name, Path(folder)).copy()


def _read(name: str, folder: Path) -> pd.DataFrame:
    return _read_once(name, folder, stamps(name, folder=folder))


def stamps(*names: str, folder: Path) -> tuple[int, ...]:
    """When the files that some tables need were last saved."""
    needed = [table for name in names for table in sorted(_needed(name))]
    return last_saved(folder / TABLES[table].file for table in needed)


@lru_cache(maxsize=64)
def _read_once(name: str, folder: Path, stamps: tuple[int, ...]) -> pd.DataFrame:
    keys = {
        target: frozenset(_read(target, folder)[TABLES[target].key[0]])
        for target in _referenced(name)
    }
    return read_table(folder / TABLES[name].file, TABLES[name], keys=keys)


def _referenced(name: str) -> tuple[str, ...]:
    return tuple(sorted(set((TABLES[name].references or {}).values())))


@lru_cache
def _needed(name: str) -> frozenset[str]:
    # A key that is gone from a table two steps away makes the step between unsound.
    return frozenset({name}).union(*map(_needed, _referenced(name)))


def cite(sources: str, *, seen: str = "primary", folder: Path = DATA) -> str:
    """A short citation such as "Ziegler-Graham 2008", with a mark where it was not read itself.

    Parameters
    ----------
    sources : str
        Keys of `sources.csv`, separated by semicolons.
    seen : str
        How the number was seen: "primary" and "abstract" add nothing, "secondary" adds
        " (second hand)"; "derived", "memory" and "assumed" add their own words.
    folder : Path
        Where the tables are read.

    Raises
    ------
    ValueError
        If there is no such source or no such way of seeing it.

    Examples
    --------
    >>> cite("ziegler_graham_2008;melzack_1997", seen="secondary")
    'Ziegler-Graham 2008; Melzack 1997 (second hand)'
    """
    if seen not in MARKS:
        raise ValueError(f"seen is {seen!r}; expected one of {', '.join(MARKS)}")
    mark = MARKS[seen]
    cited = "; ".join(_short(key, folder) for key in sources.split(";"))
    # "Assumed (assumed)" would say it twice.
    return f"{cited} ({mark})" if mark and cited.lower() != mark else cited


def reference(source: str, *, folder: Path = DATA) -> str:
    """The full reference of one source, ending in its DOI or address where there is one.

    Parameters
    ----------
    source : str
        A key of `sources.csv`.
    folder : Path
        Where the tables are read.

    Raises
    ------
    ValueError
        If there is no such source.

    Examples
    --------
    >>> reference("ziegler_graham_2008")[-42:]
    'https://doi.org/10.1016/j.apmr.2007.11.005'
    """
    row = _source(source, folder)
    year = "" if math.isnan(row["year"]) else f" ({row['year']:.0f})"
    journal = f" {row['journal']}." if row["journal"] else ""
    where = f" https://doi.org/{row['doi']}" if row["doi"] else f" {row['url']}".rstrip()
    return f"{row['authors']}{year}. {row['title']}.{journal}{where}"


def estimate_points(estimates: Sequence[str], *, folder: Path = DATA) -> pd.DataFrame:
    """Published numbers of `limb_loss_estimates.csv` as points of a chart.

    Parameters
    ----------
    estimates : sequence of str
        Keys of the rows wanted; each must have a year and a value.
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        Columns estimate, year, value, low, high, label (a short citation), seen and note.

    Raises
    ------
    ValueError
        If there is no such row, or it has no year or no value.

    Examples
    --------
    >>> print(estimate_points(["zg2008_total_2005"])[["year", "value", "label"]])
         year      value                label
    0  2005.0  1600000.0  Ziegler-Graham 2008
    """
    table = read("limb_loss_estimates", folder=folder).set_index("estimate", drop=False)
    for key in estimates:
        if key not in table.index:
            raise ValueError(f"no estimate {key!r}; expected a key of limb_loss_estimates.csv")
        if table.loc[key, ["year", "value"]].isna().any():
            raise ValueError(f"{key} has no year or no value; expected a number that has both")
    chosen = table.loc[list(estimates)].reset_index(drop=True)
    chosen["label"] = [cite(keys.split(";")[0], folder=folder) for keys in chosen["source"]]
    return chosen[["estimate", "year", "value", "low", "high", "label", "seen", "note"]]


def _source(key: str, folder: Path) -> pd.Series:
    rows = _sources(Path(folder), stamps("sources", folder=Path(folder)))
    if key not in rows:
        raise ValueError(f"no source {key!r}; expected a key of {TABLES['sources'].file}")
    return rows[key]


@lru_cache(maxsize=8)
def _sources(folder: Path, saved: tuple[int, ...]) -> dict[str, pd.Series]:
    """The rows of `sources.csv` by key, as the file was saved last."""
    table = _read("sources", folder)
    return {row["source"]: row for _, row in table.iterrows()}


def _short(key: str, folder: Path) -> str:
    row = _source(key, folder)
    first = str(row["authors"]).split(",")[0].strip()
    # Personal authors are "Family Initials"; an organisation stays whole.
    family = first.rsplit(" ", 1)[0] if first.rsplit(" ", 1)[-1].isupper() else first
    return family if math.isnan(row["year"]) else f"{family} {row['year']:.0f}"
