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
    """Every claim with its verdict, in words.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per claim: Claim, Page, Claimed, Verdict, Found, What the source says, Source.

    Examples
    --------
    >>> print(audit_table().loc[2, ["Claimed", "Found"]].tolist())
    ['1.6 million people', '1.6 million people with limb loss']
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
    """How many claims of each topic got each verdict.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per topic and verdict: topic, verdict and claims, which may be 0.

    Examples
    --------
    >>> verdict_counts().groupby("verdict")["claims"].sum().to_dict()
    {'contradicted': 9, 'misattributed': 11, 'supported': 15, 'unverifiable': 23}
    """
    claims = read("claims", folder=folder)
    topics = list(dict.fromkeys(claims["topic"]))
    pairs = pd.MultiIndex.from_product([topics, VERDICTS], names=["topic", "verdict"])
    counts = claims.groupby(["topic", "verdict"]).size().reindex(pairs, fill_value=0)
    return counts.rename("claims").reset_index()


def verdicts_in_words(counts: pd.DataFrame) -> str:
    """How many claims there are and how many got each verdict, in a sentence.

    Parameters
    ----------
    counts : DataFrame
        As `verdict_counts` gives it.

    Examples
    --------
    >>> print(verdicts_in_words(verdict_counts()))
    Of 58 claims 15 are supported, 9 contradicted, 11 misattributed and 23 unverifiable.
    """
    by_verdict = counts.groupby("verdict", sort=False)["claims"].sum()
    parts = [f"{by_verdict[verdict]} {verdict}" for verdict in VERDICTS]
    first, *others, last = parts
    number, word = first.split(" ")
    listed = ", ".join([f"{number} are {word}", *others])
    return f"Of {by_verdict.sum()} claims {listed} and {last}."


def comparable_claims(unit: str, *, folder: Path = DATA) -> pd.DataFrame:
    """The claims in one unit for which the source gives a number in the same unit.

    Parameters
    ----------
    unit : str
        A unit of `claims.csv`, such as "percent" or "days".
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per claim: claim, label, claimed_low, claimed, claimed_high, found_low, found,
        found_high, verdict, measures, seen and source (a short citation).

    Raises
    ------
    ValueError
        If no claim in the unit has a number to compare.

    Examples
    --------
    >>> percent = comparable_claims("percent")
    >>> print(percent.loc[1, ["claimed_low", "claimed_high", "found"]].tolist())
    [60.0, 85.0, 64.0]
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
    """How the rows of each table were seen: in the source itself, second hand, assumed, ...

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per table and way of seeing: table, seen, mark (what is printed beside a number) and
        rows, which may be 0.

    Examples
    --------
    >>> print(seen_counts().query("table == 'claims' and seen == 'primary'")["rows"].tolist())
    [6]
    """
    rows = []
    for name in TABLES:
        table = read(name, folder=folder)
        if "seen" in table:
            counts = table["seen"].value_counts()
            rows += [
                {"table": name, "seen": seen, "mark": mark, "rows": int(counts.get(seen, 0))}
                for seen, mark in MARKS.items()
            ]
    return pd.DataFrame(rows)


def _printed(row: Mapping[Hashable, Any], columns: tuple[str, str, str], unit: str) -> str:
    numbers = dict(zip("lmh", (float(row[column]) for column in columns), strict=True))
    given = {name: value for name, value in numbers.items() if not math.isnan(value)}
    if not given:
        return ""
    if len(given) == 3:
        # Limits are not printed finer than the number between them.
        digits = len(f"{given['m']:g}".partition(".")[2])
        given |= {end: round(given[end], digits) for end in "lh"}
        low, middle, high = (_number(given[name], unit) for name in "lmh")
        return f"{_with_unit(middle, unit)} ({low} to {high})"
    words = {
        "m": "{0}",
        "l": "over {0}",
        "h": "under {0}",
        "lh": "{0} to {1}",
        "lm": "{1} (from {0})",
        "mh": "{0} (to {1})",
    }["".join(given)].format(*(_number(value, unit) for value in given.values()))
    return _with_unit(words, unit)


def _with_unit(words: str, unit: str) -> str:
    return f"1 in {words}" if unit == "one_in" else words + _PRINTED_UNITS.get(unit, f" {unit}")


def _number(value: float, unit: str) -> str:
    if unit == "year":
        return f"{value:.0f}"
    return f"{value / 1e6:g} million" if abs(value) >= 1e6 else f"{value:,.6g}"
