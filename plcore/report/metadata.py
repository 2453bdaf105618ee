"""What other programs read: `datapackage.json`, `codemeta.json`, and the works cited.

`data/datapackage.json` describes each CSV file as a Frictionless tabular data resource: path, size,
hash, and of each column its type, limits, meaning and unit. `codemeta.json` describes the package
to catalogues of software. ``python3 run.py manifest`` writes both, after it has listed the
checksums.

The works of `sources.csv` are given as BibTeX and RIS, for reference managers.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from plcore.clinic import places
from plcore.evidence import changes, population
from plcore.evidence.data import DATA, read
from plcore.evidence.labels import label_of
from plcore.evidence.manifest import listed
from plcore.evidence.parameters import read_parameters
from plcore.evidence.schema import TABLES
from plcore.evidence.table import Column, Table, content, number, one_of, text, whole
from plcore.planner.gazetteer import CITIES
from plcore.terminal import ends_in_words

_CONTEXT = "https://w3id.org/codemeta/3.0"
_PYPROJECT = "pyproject.toml"
#: The unit of each column of numbers whose name says it in every table.
_UNITS = {
    **dict.fromkeys(("n", "events", "responders", "people", "adults"), "people"),
    **dict.fromkeys(("printed_percent", "crude", "crude_low", "crude_high", "adjusted"), "percent"),
    **dict.fromkeys(("year", "first_year", "last_year", "period_start"), "calendar year"),
    **dict.fromkeys(("age_low", "age_high"), "years"),
    **dict.fromkeys(("months", "months_from", "months_to"), "months"),
    "follow_up_days": "days",
    **dict.fromkeys(("mean_change", "sd_change", "mean_difference", "difference_low",
                     "difference_high"), "points of 10"),
    **dict.fromkeys(("value", "low", "high", "standard_error", "median", "observed"),
                    "that of the column unit"),
    **dict.fromkeys(("claimed_low", "claimed", "claimed_high"), "that of the column unit"),
    **dict.fromkeys(("found_low", "found", "found_high"), "that of the column found_unit"),
    "discrepancy": "log, log odds, years or people: see README.md",
    "limits_level": "share", "share": "share of body weight", "results": "results",
    "lat": "degrees north", "lon": "degrees east", "land_km2": "km2",
    "discharges": "discharges per year",
    **dict.fromkeys(("rate", "adjusted_rate"), "discharges per 100,000 adults"),
    **dict.fromkeys(("position", "pit", "score", "log_evidence", "error"), "1"),
    "fit": "1",
}  # fmt: skip
#: What columns of most tables mean, where README.md says no more of one of them.
_MEANINGS = {
    "source": "keys of sources.csv, separated by semicolons",
    "seen": "how near we came to the source: see README.md",
    "note": "what else the source says, and what was worked out",
}
_AGE = re.compile(r"(?P<first>\d+)(?:_(?P<last>\d+)|_(?P<over>and_over))?")
_AS_ABOVE = re.compile(r"as (above|elsewhere|in `\w+\.csv`)|$")
_ANY = text()
_PREDICTED = ("observed", "median", "low", "high")
_COUNTED = (Column("median", number(0)), Column("low", number(0)), Column("high", number(0)))
_FINGERPRINT = Column("fingerprint", text(r"[0-9a-f]+", "hexadecimal digits"))
#: A file of `posterior/` that sets observations against predictions.
_PREDICTIONS = (
    *(Column(name, _ANY) for name in ("observation", "quantity", "family", "kind", "use", "unit")),
    *(Column(name, whole(1900, 2100), optional=True) for name in ("first_year", "last_year")),
    *(Column(name, number()) for name in _PREDICTED),
    Column("inside", one_of("True", "False")),
    *(Column(name, number()) for name in ("position", "pit", "score")),
    Column("source", _ANY), Column("seen", _ANY), _FINGERPRINT,
)  # fmt: skip
_POSTERIOR = {
    "left_out.csv": (_PREDICTIONS, ("observation",)),
    "back_test.csv": (_PREDICTIONS, ("observation",)),
    "families.csv": (
        (Column("without", _ANY), Column("year", whole(1900, 2100)), *_COUNTED, _FINGERPRINT),
        ("without", "year"),
    ),
    "structures.csv": (
        (Column("structure", _ANY), *(Column(name, number()) for name in ("log_evidence", "error")),
         *_COUNTED, _FINGERPRINT),
        ("structure",),
    ),
}  # fmt: skip


def datapackage() -> str:
    """The text of `data/datapackage.json` that the data ask for.

    Raises
    ------
    ValueError
        If a table of `data/` has no schema here, or a column no description in `data/README.md`.
    """
    said = _described()
    units = {item.name: item.unit for item in read_parameters()}
    resources = [
        _resource(file, tables_by_file()[file], said, units)
        for file in sorted(listed(DATA))
        if ".csv" in file
    ]
    project = _project()
    package = {
        "profile": "tabular-data-package",
        "name": f"{project['name']}-data",
        "title": "The evidence on limb loss and phantom limb pain",
        "description": "One fact a row, each with its source; README.md explains each column and "
        "names the licence of each file.",
        "version": project["version"],
        "keywords": project["keywords"],
        "resources": resources,
    }
    lines = json.dumps(package, ensure_ascii=False, indent=1)
    # One line per column, so that a change shows as one.
    return re.sub(r"\n {5}\}", " }", re.sub(r"\n {6,}", " ", lines)) + "\n"


def codemeta() -> str:
    """The text of `codemeta.json` that `pyproject.toml` asks for."""
    project = _project()
    metadata = {
        "@context": _CONTEXT,
        "@type": "SoftwareSourceCode",
        "identifier": project["name"],
        "name": project["name"],
        "description": project["description"],
        "version": project["version"],
        "license": f"https://spdx.org/licenses/{project['license']}",
        "keywords": project["keywords"],
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {project['requires-python']}",
        "applicationCategory": "Epidemiology",
        "softwareRequirements": [
            {"@type": "SoftwareApplication", "identifier": name, "name": name, "version": version}
            for name, version in (
                re.split(r"(?=>=)", dependency) for dependency in project["dependencies"]
            )
        ],
        "author": [{"@type": "Organization", "name": each["name"]} for each in project["authors"]],
        "readme": "README.md",
    }
    return json.dumps(metadata, ensure_ascii=False, indent=1) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Exit code of ``run.py manifest``: what changed in the data, then both files written."""
    failed = changes.main(arguments)
    to_list, to_check = not arguments, list(arguments) == ["--check"]
    if not (to_check or (to_list and not failed)):
        return failed
    # Where a table is refused, `changes` has said so or lists it anew.
    try:
        files = {
            DATA / "datapackage.json": datapackage(),
            DATA.parent / "codemeta.json": codemeta(),
        }
    except (ValueError, OSError) as error:
        print(f"manifest: {error}", file=sys.stderr)
        return 1
    old = [path for path, wanted in files.items() if not _is(path, wanted)]
    for path in old:
        print(f"{path.name}: {'is not as the data are' if to_check else 'written anew'}")
        if to_list:
            path.write_text(files[path], encoding="utf-8", newline="\n")
    return 1 if failed or (to_check and old) else 0


def tables_by_file() -> Mapping[str, Table]:
    """What each CSV file of `data/` must hold, by its path below the folder."""
    geography = (*places.TABLES_OF_PLACES, CITIES)
    draws = DATA / "posterior" / "limb_loss.csv.gz"
    names = next(csv.reader(io.StringIO(content(draws))))
    posterior = _POSTERIOR | {
        draws.name: (tuple(Column(name, number() if name != "fit" else whole(0)) for name in names),
                     ()),
    }  # fmt: skip
    return (
        {table.file: table for table in TABLES.values()}
        | {f"geography/{table.file}": table for table in geography}
        | {f"population/{table.file}": table for table in population.TABLES_OF_PEOPLE}
        | {f"posterior/{name}": Table(name, *columns) for name, columns in posterior.items()}
    )


def _resource(
    file: str,
    table: Table,
    said: Mapping[str, Mapping[str, str]],
    units: Mapping[str, str],
) -> dict[str, object]:
    if file.endswith(".gz"):
        raw = (DATA / file).read_bytes()
        size, sha256 = len(raw), hashlib.sha256(raw).hexdigest()
    else:
        plain = content(DATA / file).replace("\r\n", "\n")
        size, sha256 = len(plain.encode()), listed(DATA)[file].sha256
    place = file.split("/")[0] + "/" if "/" in file else file
    row = said[place if "/" in file else ""][Path(file).name]
    fields = [_field(column, file, said[place], units) for column in table.columns]
    schema: dict[str, object] = {"fields": fields, "missingValues": [""]}
    if table.key:
        schema["primaryKey"] = list(table.key)
    return {
        "profile": "tabular-data-resource",
        "name": _name(file),
        "path": file,
        "description": f"One row is {row}",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        **({"compression": "gz"} if file.endswith(".gz") else {}),
        "bytes": size,
        "hash": f"sha256:{sha256}",
        "rows": int(listed(DATA)[file].rows),
        "schema": schema,
    }


def _name(file: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", file.split(".")[0].lower())


def _field(
    column: Column, file: str, said: Mapping[str, str], units: Mapping[str, str]
) -> dict[str, object]:
    check, name = column.check, column.name
    limits = {} if column.optional else {"required": True}
    field: dict[str, object] = {"name": name, "type": check.kind}
    age = _AGE.fullmatch(name)
    if age is not None:
        rate = "mortality" in file
        who = f"of {name.replace('_', ' ')}" if age["last"] is None else (
            f"of {age['first']} to {age['last']}"
        )  # fmt: skip
        field["description"] = f"{'deaths a year per person' if rate else 'people'} {who} years"
        unit = "deaths per person-year" if rate else "people"
    elif file == "posterior/limb_loss.csv.gz" and name in units:
        # Readers see rates per 100,000 people; the file has them per person.
        words = label_of(name).replace("per 100,000 people", "per person and year")
        field["description"], unit = words, units[name]
    elif name in said:
        field["description"], unit = said[name], _UNITS.get(name, "")
    else:
        raise ValueError(f"{file}: README.md of the data does not explain the column {name}")
    if file in ("posterior/families.csv", "posterior/structures.csv"):
        unit = "people" if name in ("median", "low", "high") else unit
    if check.kind != "string":
        if not unit:
            raise ValueError(f"{file}: {name}: say the unit of the column in {__name__}")
        field["unit"] = unit
    if limits | dict(check.limits):
        field["constraints"] = limits | dict(check.limits)
    return field


def _described() -> Mapping[str, Mapping[str, str]]:
    """What `data/README.md` says of each file and column: by section, of which "" is its start."""
    said: dict[str, dict[str, str]] = {}
    before = dict(_MEANINGS)
    text_of_readme = (DATA / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text_of_readme, flags=re.MULTILINE):
        title = section.splitlines()[0] if said else ""
        words = said.setdefault(title, {})
        last = ""
        for kind, names, meaning in _rows(section):
            if kind == "File":
                meaning = last = re.sub(r"^the same", last.split(";")[0] + "; the same", meaning)
                words |= dict.fromkeys(names, _plain(meaning))
                last = re.sub(r"; the same.*", "", last)
            else:
                words |= dict(_each(names, meaning, before))
        before |= words if title.endswith(".csv") else {}
    return said


def _rows(section: str) -> Iterator[tuple[str, list[str], str]]:
    """The rows of the tables of files and of columns: which table, the names, what is said."""
    kind = ""
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            kind = ""
        elif not kind:
            kind = cells[0]
        elif kind in ("File", "Column") and not line.startswith("|---"):
            yield kind, re.findall(r"`([^`]+)`", cells[0]), cells[1].removesuffix("|").strip()


def _each(
    names: Sequence[str], meaning: str, before: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What a row says of each of its columns; where it says it of several, with their names."""
    for name in names:
        if len(names) > 1 and name in _MEANINGS:
            yield name, _MEANINGS[name]
        elif _AS_ABOVE.match(meaning) and name in before:
            yield name, before[name]
        else:
            yield name, (f"{', '.join(names)}: " if len(names) > 1 else "") + _plain(meaning)


def _plain(words: str) -> str:
    words = re.sub(r"[`*]", "", words.replace("`;`", "semicolons"))
    return re.sub(r"\bsee (below|above)\b|\bas above\b", "see README.md", words)


def _project() -> Mapping[str, Any]:
    path = DATA.parent / _PYPROJECT
    if not path.is_file():
        raise ValueError(f"{path}: no such file; this is done in a checkout of the project")
    project: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return project


def _is(path: Path, wanted: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == wanted


# --- The works cited, as BibTeX and RIS ----------------------------------------------------------

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


if __name__ == "__main__":
    sys.exit(ends_in_words("manifest", lambda: main(sys.argv[1:])))
