"""The audit: every claim of the clinic pages beside the source that decides it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.schema import MARKS, TABLES, VERDICTS

_CLAIMED = ("claimed_low", "claimed", "claimed_high")
_FOUND = ("found_low", "found", "found_high")
#: How the units of claims.csv are printed after a number.
_PRINTED_UNITS = {"percent": "%", "one_in": "", "year": "", "people": " people"}


def audit_table(*, folder: Path = DATA) -> pd.DataFrame:
    """Every claim with its verdict, in words, as a reader wants to see it.

    Returns
    -------
    DataFrame
        Columns Claim, Page, Claimed, Verdict, Found, What the source measures, Source.
    """
    claims = read("claims", folder=folder)
    rows = [
        {
            "Claim": row["statement"],
            "Page": cite(row["page"], folder=folder),
            "Claimed": _printed(row, _CLAIMED, row["unit"]),
            "Verdict": row["verdict"] + (f": {row['qualifier']}" if row["qualifier"] else ""),
            "Found": _printed(row, _FOUND, row["found_unit"]) or "no number",
            "What the source says": row["finding"],
            "Source": cite(row["source"], seen=row["seen"], folder=folder),
        }
        for row in claims.to_dict("records")
    ]
    return pd.DataFrame(rows)


def verdict_counts(*, folder: Path = DATA) -> pd.DataFrame:
    """How many claims of each topic got each verdict: topic, verdict, claims (0 included)."""
    claims = read("claims", folder=folder)
    topics = list(dict.fromkeys(claims["topic"]))
    every = pd.MultiIndex.from_product([topics, VERDICTS], names=["topic", "verdict"])
    counts = claims.groupby(["topic", "verdict"]).size().reindex(every, fill_value=0)
    return counts.rename("claims").reset_index()


def comparable_claims(unit: str, *, folder: Path = DATA) -> pd.DataFrame:
    """The claims in one unit for which the source gives a number in the same unit.

    Parameters
    ----------
    unit : str
        A unit of `claims.csv`, such as "percent" or "people".

    Returns
    -------
    DataFrame
        A row a claim: claim, label, the claimed and the found numbers with their limits, verdict,
        measures, seen and source (a short citation).

    Raises
    ------
    ValueError
        If no claim in the unit has a number to compare.
    """
    claims = read("claims", folder=folder)
    chosen = claims[
        (claims["unit"] == unit)
        & (claims["found_unit"] == unit)
        & claims[list(_CLAIMED)].notna().any(axis=1)
        & claims[list(_FOUND)].notna().any(axis=1)
    ]
    if chosen.empty:
        known = ", ".join(sorted(set(claims["found_unit"]) & set(claims["unit"])))
        raise ValueError(f"no claim in {unit!r} with a number to compare; expected one of {known}")
    table = chosen[["claim", *_CLAIMED, *_FOUND, "verdict", "measures", "seen"]].copy()
    table.insert(1, "label", chosen["statement"])
    table["source"] = [
        cite(source, seen=seen, folder=folder)
        for source, seen in zip(chosen["source"], chosen["seen"], strict=True)
    ]
    return table.reset_index(drop=True)


def seen_counts(*, folder: Path = DATA) -> pd.DataFrame:
    """How the rows of each evidence table were seen: table, seen, mark, rows."""
    frames = []
    marked = [name for name, table in TABLES.items() if "seen" in {c.name for c in table.columns}]
    for name in marked:
        counts = read(name, folder=folder)["seen"].value_counts()
        frames += [
            {"table": name, "seen": seen, "mark": mark, "rows": int(counts.get(seen, 0))}
            for seen, mark in MARKS.items()
        ]
    return pd.DataFrame(frames)


def _printed(row: Mapping[Hashable, Any], columns: tuple[str, str, str], unit: str) -> str:
    low, middle, high = (float(row[column]) for column in columns)
    given = {name: value for name, value in zip("lmh", (low, middle, high), strict=True)
             if not math.isnan(value)}  # fmt: skip
    if not given:
        return ""
    words = {
        "m": "{0}",
        "l": "over {0}",
        "h": "under {0}",
        "lh": "{0} to {1}",
        "lm": "{1} (from {0})",
        "mh": "{0} (to {1})",
        "lmh": "{1} ({0} to {2})",
    }["".join(given)].format(*(_number(value, unit) for value in given.values()))
    if unit == "one_in":
        return f"1 in {words}"
    return words + _PRINTED_UNITS.get(unit, f" {unit}")


def _number(value: float, unit: str) -> str:
    if unit == "year":
        return f"{value:.0f}"
    return f"{value / 1e6:g} million" if abs(value) >= 1e6 else f"{value:,.6g}"
