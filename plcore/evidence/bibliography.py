"""The works of `sources.csv` as reference managers read them: BibTeX and RIS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from plcore.evidence.data import DATA, read

#: The type of an entry in BibTeX and in RIS, and where the column `journal` goes in each.
_TYPES = {
    "article": ("article", "journal", "JOUR", "T2"),
    "preprint": ("unpublished", "howpublished", "UNPB", "PB"),
    "report": ("techreport", "institution", "RPRT", "PB"),
    "guideline": ("techreport", "institution", "RPRT", "PB"),
    "web": ("misc", "howpublished", "ELEC", "PB"),
    "clinic_page": ("misc", "howpublished", "ELEC", "PB"),
    "book": ("book", "publisher", "BOOK", "PB"),
    "label": ("misc", "howpublished", "GEN", "PB"),
    "dataset": ("misc", "howpublished", "DATA", "PB"),
    "assumption": ("misc", "howpublished", "GEN", "PB"),
}
#: Characters that TeX takes for commands. Braces are written as commands, too, as BibTeX counts
#: those that a backslash stands before.
_TEX = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_"},
})  # fmt: skip
#: In an address, which TeX takes as it stands.
_ADDRESS = str.maketrans({"{": "%7B", "}": "%7D", "\\": "%5C", " ": "%20"})
_PERSON = re.compile(r"(.+) ((?:[A-Z]-?){1,4})")
_NOT_NAMED = re.compile(
    r"\((authors? not (seen|named)|book not named)\)|^authors not seen$", re.IGNORECASE
)
_MORE = re.compile(r"(^|\bfirst author\b.*?)\band others\b|\bco-authors not seen\b", re.IGNORECASE)
#: "J Hand Surg Am 43:86.e1-86.e8"; and what the notes say of articles.
_JOURNAL = re.compile(r"(?P<journal>.+?) (?P<volume>\d+)(?:\((?P<number>\d+)\))?:(?P<pages>\S+)")
_VOLUME = re.compile(r"\bvolume (?P<volume>\d+)(?:\((?P<number>\d+)\))?", re.IGNORECASE)
_PAGES = re.compile(r"\b(?:pages?|article) (?P<pages>[a-z]?\d+(?:-\d+)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Work:
    """One source, taken apart as reference managers want it."""

    key: str
    kind: str
    people: tuple[tuple[str, str], ...]
    organisations: tuple[str, ...]
    more_authors: bool
    year: str
    title: str
    journal: str
    volume: str
    number: str
    pages: str
    doi: str
    url: str
    note: str


def bibtex(*, folder: Path = DATA) -> str:
    """Every source as an entry of BibTeX, in the order of `sources.csv`.

    The key of an entry is that of the source. Who wrote a work is left out where the authors were
    not seen, and the entry's note says so.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Examples
    --------
    >>> bibtex().splitlines()[:2]
    ['@misc{assumed,', '  author = {{Assumed}},']
    """
    entries = []
    for work in _works(folder):
        kind, journal, _, _ = _TYPES[work.kind]
        names = [f"{_tex(family)}, {_initials(initials)}" for family, initials in work.people]
        names += [f"{{{_tex(name)}}}" for name in work.organisations]
        # Two pairs of braces: styles would write names and abbreviations of a title small.
        fields = {
            "author": " and ".join(names + ["others"] * work.more_authors),
            "title": f"{{{_tex(work.title)}}}",
            journal: _tex(work.journal),
            "year": work.year,
            "volume": work.volume,
            "number": work.number,
            "pages": work.pages.replace("-", "--"),
            "doi": work.doi.translate(_ADDRESS),
            "url": work.url.translate(_ADDRESS),
            "note": _tex(work.note),
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        entries.append(f"@{kind}{{{work.key},\n" + ",\n".join(lines) + "\n}\n")
    return "\n".join(entries)


def ris(*, folder: Path = DATA) -> str:
    """Every source as an entry of RIS, in the order of `sources.csv`.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Examples
    --------
    >>> ris().splitlines()[:2]
    ['TY  - GEN', 'ID  - assumed']
    """
    entries = []
    for work in _works(folder):
        _, _, kind, journal = _TYPES[work.kind]
        first, _, last = work.pages.partition("-")
        tags = [("TY", kind), ("ID", work.key)]
        tags += [("AU", f"{family}, {_initials(given)}") for family, given in work.people]
        tags += [("AU", name) for name in work.organisations]
        tags += [
            ("PY", work.year), ("TI", work.title), (journal, work.journal), ("VL", work.volume),
            ("IS", work.number), ("SP", first), ("EP", last), ("DO", work.doi), ("UR", work.url),
            ("N1", work.note),
        ]  # fmt: skip
        lines = [f"{tag}  - {value}" for tag, value in tags if value]
        entries.append("\n".join([*lines, "ER  - "]) + "\n")
    return "\n".join(entries)


def _works(folder: Path) -> Iterator[_Work]:
    for row in read("sources", folder=folder).to_dict("records"):
        authors, note = str(row["authors"]), str(row["note"])
        people, organisations = [], []
        if _NOT_NAMED.search(authors):
            note = "; ".join(filter(None, (authors, note)))
        else:
            for author in authors.split(", "):
                person = _PERSON.fullmatch(author)
                if person is None:
                    organisations.append(author)
                else:
                    people.append((person[1], person[2]))
        yield _Work(
            key=str(row["source"]), kind=str(row["kind"]), people=tuple(people),
            organisations=tuple(organisations), more_authors=_MORE.search(note) is not None,
            year="" if pd.isna(row["year"]) else f"{row['year']:.0f}", title=str(row["title"]),
            doi=str(row["doi"]), url=str(row["url"]), note=note,
            **_where(str(row["journal"]), note, row["kind"] == "article"),
        )  # fmt: skip


def _where(journal: str, note: str, article: bool) -> dict[str, str]:
    """The journal, volume, number and pages, from the columns `journal` and `note`."""
    place = dict.fromkeys(("journal", "volume", "number", "pages"), "") | {"journal": journal}
    if article:
        patterns = ((_JOURNAL.fullmatch, journal), (_VOLUME.search, note), (_PAGES.search, note))
        for find, words in patterns:
            match = find(words)
            if match is not None:
                place |= {name: found for name, found in match.groupdict().items() if found}
    return place


def _initials(letters: str) -> str:
    return " ".join(f"{letter}." for letter in letters.replace("-", ""))


def _tex(words: str) -> str:
    return words.translate(_TEX)
