"""The sources as BibTeX and RIS, read back by small parsers that know the two formats only."""

import re

import pandas as pd
import pytest

from plcore.evidence import read
from plcore.evidence.data import DATA
from plcore.report.metadata import bibtex, ris

#: What TeX makes of the commands for its special characters.
COMMANDS = {
    r"\textbackslash{}": "\\", r"\textbraceleft{}": "{", r"\textbraceright{}": "}",
    r"\textasciitilde{}": "~", r"\textasciicircum{}": "^",
    **{f"\\{character}": character for character in "&%$#_"},
}  # fmt: skip


def field(text, start):
    """The content of a pair of braces that opens at `start`, and the place after it."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise ValueError(f"braces do not close: {text[start : start + 80]}")


def parse_bibtex(text):
    entries = []
    for opened in re.finditer(r"^@(\w+)(?=\{)", text, re.MULTILINE):
        body, _ = field(text, opened.end())
        key, _, rest = body.partition(",\n")
        fields, place = {}, 0
        while place < len(rest):
            named = re.compile(r"\s*(\w+) = (?=\{)").match(rest, place)
            assert named, f"{key}: no field at {rest[place : place + 60]!r}"
            assert named[1] not in fields
            fields[named[1]], place = field(rest, named.end())
            place = re.compile(r",?\s*").match(rest, place).end()
        entries.append({"type": opened[1], "key": key} | fields)
    return entries


def as_typeset(words):
    pattern = "|".join(map(re.escape, COMMANDS))
    assert not re.search(r"[&%$#_~^\\]", re.sub(pattern, "", words)), words
    return re.sub(pattern, lambda found: COMMANDS[found[0]], words)


def parse_ris(text):
    entries = []
    for line in text.splitlines():
        if not line:
            continue
        tag, value = re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line).groups()
        if tag == "TY":
            entries.append({"AU": []})
        if tag == "AU":
            entries[-1]["AU"].append(value)
        else:
            assert tag not in entries[-1]
            entries[-1][tag] = value
    return entries


@pytest.fixture(scope="module")
def sources():
    return read("sources").to_dict("records")


def test_bibtex_has_every_source_once_with_what_its_row_says(sources):
    entries = parse_bibtex(bibtex())

    assert [entry["key"] for entry in entries] == [row["source"] for row in sources]
    for entry, row in zip(entries, sources, strict=True):
        assert as_typeset(field(entry["title"], 0)[0]) == row["title"]
        assert entry.get("year", "") == ("" if pd.isna(row["year"]) else f"{row['year']:.0f}")
        assert entry.get("doi", "") == row["doi"]
        assert entry.get("url", "") == row["url"]
        assert as_typeset(entry.get("note", "")).endswith(row["note"])
        if row["kind"] == "article" and row["journal"]:
            assert row["journal"].startswith(as_typeset(entry["journal"]))


def test_ris_has_every_source_once_with_what_its_row_says(sources):
    entries = parse_ris(ris())

    assert [entry["ID"] for entry in entries] == [row["source"] for row in sources]
    for entry, row in zip(entries, sources, strict=True):
        assert list(entry)[1] == "TY"
        assert list(entry)[-1] == "ER"
        assert entry["TI"] == row["title"]
        assert entry.get("DO", "") == row["doi"]
        assert entry.get("UR", "") == row["url"]


def test_both_name_the_authors_of_the_row(sources):
    by_key = {entry["key"]: entry for entry in parse_bibtex(bibtex())}
    for entry, row in zip(parse_ris(ris()), sources, strict=True):
        written = by_key[row["source"]].get("author", "").removesuffix(" and others")
        names = [
            as_typeset(re.sub(r"^\{(.*)\}$", r"\1", name))
            for name in re.split(r" and (?![^{}]*\})", written)
            if name
        ]
        assert names == entry["AU"]
        if re.search(r"not (seen|named)\)", row["authors"]) or row["authors"] == "Authors not seen":
            assert names == []
            assert row["authors"] in entry["N1"]
        else:
            # Family names and initials, less points, blanks and the comma between them.
            plain = [re.sub(r", ((?:[A-Z]\. ?)+)$", lambda m: " " + re.sub(r"[. ]", "", m[1]), n)
                     for n in names]  # fmt: skip
            assert ", ".join(plain) == row["authors"]


def folder_with(tmp_path, **row):
    header = "source,kind,authors,year,title,journal,doi,url,note"
    given = {"source": "a_2020", "kind": "article", "authors": "Ann A", "year": "2020",
             "title": "T", "journal": "J", "doi": "", "url": "https://a.org", "note": ""} | row  # fmt: skip
    frame = pd.DataFrame([given])[header.split(",")]
    frame.to_csv(tmp_path / "sources.csv", index=False, lineterminator="\n")
    return tmp_path


def test_characters_that_tex_takes_for_commands_are_escaped(tmp_path):
    title = r"50% of {all} A&B_c $5 #1 ~x ^y \z }{ end"
    url = "https://a.org/x_y?z=50%25&a={b}#c"
    folder = folder_with(tmp_path, title=title, url=url, authors="O'Neil-Žák RB, A & B {Inc}")

    (entry,) = parse_bibtex(bibtex(folder=folder))

    assert as_typeset(field(entry["title"], 0)[0]) == title
    assert entry["url"] == "https://a.org/x_y?z=50%25&a=%7Bb%7D#c"
    assert entry["author"] == (
        r"O'Neil-Žák, R. B. and {A \& B \textbraceleft{}Inc\textbraceright{}}"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"journal": "J Hand Surg Am 43(2):86.e1-86.e8"},
            {"journal": "J Hand Surg Am", "volume": "43", "number": "2", "pages": "86.e1--86.e8"},
        ),
        (
            {"note": "Abstract read; volume 30(2), pages 8-14"},
            {"volume": "30", "number": "2", "pages": "8--14"},
        ),
        ({"note": "Volume 58, article 101"}, {"volume": "58", "pages": "101"}),
        ({"note": "First author and others; title from memory"}, {"author": "Ann, A. and others"}),
        ({"note": "And others; volume 3"}, {"author": "Ann, A. and others", "volume": "3"}),
        ({"kind": "book", "journal": "Press"}, {"type": "book", "publisher": "Press"}),
        ({"kind": "report", "journal": "CDC"}, {"type": "techreport", "institution": "CDC"}),
    ],
)
def test_where_a_work_appeared_is_taken_from_its_row(tmp_path, row, said):
    (entry,) = parse_bibtex(bibtex(folder=folder_with(tmp_path, **row)))

    assert said.items() <= entry.items()


def test_ris_has_first_and_last_page(tmp_path):
    (entry,) = parse_ris(ris(folder=folder_with(tmp_path, note="volume 91, pages 960-6")))

    assert (entry["VL"], entry["SP"], entry["EP"]) == ("91", "960", "6")


def test_the_folder_is_the_projects_own_unless_given():
    assert bibtex() == bibtex(folder=DATA)
