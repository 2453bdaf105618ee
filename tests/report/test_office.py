"""The deck and the brief: every number that they print is the report's, and no work is lost."""

import html
import io
import json
import re
import shutil
import struct
import subprocess
import zipfile
import zlib
from base64 import b64decode
from itertools import pairwise

import docx
import pandas as pd
import pptx
import pytest
from docx.oxml.ns import qn

from plcore import evidence
from plcore.report import figures, office

#: A picture of one pixel.
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def png(wide, high):
    """A white picture of some size in pixels."""

    def part(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))  # fmt: skip

    rows = b"".join(b"\0" + b"\xff" * wide for _ in range(high))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 0, 0, 0, 0))
            + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))  # fmt: skip


def numbers(text):
    return [found.rstrip(",") for found in NUMBER.findall(text)]


class Always(dict):
    """A picture for every name."""

    def __missing__(self, name):
        return PIXEL


# --- what the files say -----------------------------------------------------------------------


def sections(path):
    """The numbers of a brief by heading, in the order of the page: those of its tables too."""
    brief = docx.Document(str(path))
    found, heading = {}, None
    for block in brief.element.body.iterchildren():
        paragraphs = block.iter(qn("w:p"))
        for paragraph in paragraphs:
            text = "".join(node.text or "" for node in paragraph.iter(qn("w:t")))
            style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
            if style is not None and style.get(qn("w:val")) in ("Title", "Heading1"):
                heading = text
                found[heading] = numbers(text)
            else:
                found[heading] += numbers(text)
    return found


def wanted_of_brief(report):
    """The same worked out from the tables of the report."""
    contents = json.loads((report / "contents.json").read_text())
    exhibits = {each["name"]: each for each in contents["exhibits"]}
    tables = {path.stem: pd.read_csv(path) for path in (report / "tables").glob("*.csv")}

    def said(name):
        return numbers(exhibits[name]["caption"]) + numbers(exhibits[name]["reading"])

    cite = numbers(f"{contents['version']} {contents['commit']} {contents['commit_date']}")
    head = tables["headline_numbers"]
    pair = head[head["quantity"] == "Limb loss, as published"]
    printed = [f"{value / 1e6:.1f}" for value in pair["median"]]
    people = []
    for quantity in ("Limb loss", "In pain now or lately", "In pain if only major losses hurt",
                     "In pain if all losses hurt alike"):  # fmt: skip
        row = head[(head["quantity"] == quantity) & (head["year"] == 2025)].iloc[0]
        people += [f"{row[name] / 1e6:.2f}" for name in ("median", "low", "high")] + ["2025"]
    people += [str(year) for year in (2005, 2025, 2030, 2050)]
    for _, rows in head.groupby("quantity", sort=False):
        for row in rows.sort_values("year").itertuples():
            given = [row.median] if pd.isna(row.low) else [row.median, row.low, row.high]
            people += [f"{value / 1e6:.2f}" for value in given]
    inside = tables["predictive_left_out"]["inside"]
    people += ["95", str(inside.sum()), str(len(inside)), "95", *said("plp_and_bounds")]

    contrasts = tables["contrasts_established"]
    studies = contrasts[contrasts["role"] == "study"]
    best = studies.loc[studies["low"].idxmax()]
    points = [[f"{abs(row[name]):.0f}" for name in ("estimate", "low", "high")]
              for _, row in studies.iterrows()]  # fmt: skip
    names = [best[name] for name in ("estimate", "low", "high")]
    trials = [f"{names[0]:.0f}", "100", "95", *(f"{x:.0f}" for x in names[1:])]
    trials += [str(len(studies)), *numbers(", ".join(best["label"].split(", ")[:2]))]
    # What counted as improved in that trial.
    arms = evidence.read("trials").query("source == @best.source and role == 'treatment'")
    trials += numbers(arms.loc[arms["setting"] == "stump_or_phantom", "definition_words"].iloc[0])
    heads = contrasts[contrasts["role"] == "heading"]["label"]
    for treatment, label, point in zip(heads, studies["label"], points, strict=True):
        trials += numbers(treatment) + numbers(label) + point

    effects = tables["shapley_effects"].query("series == 2030")
    first, *others = effects[effects["low"].notna()].head(3).to_dict("records")
    drivers = [f"{100 * first['value']:.0f}", "2030", *numbers(first["label"])]
    for each in others:
        drivers += [*numbers(each["label"]), f"{100 * each['value']:.0f}"]
    drivers += [n for line in tables["most_useful_study"].iloc[:, 0] for n in numbers(line)]

    place = numbers(exhibits["six_answers"]["caption"].split(":")[0])
    place += [n for answer in tables["six_answers"]["answer"] for n in numbers(answer)]
    place += said("demand_funnel")
    steps = tables["demand_funnel"].query("seen == 'assumed'")
    assumed = [
        f"{100 * row[name]:.{1 if 100 * row[name] < 10 else 0}f}"
        for _, row in steps.iterrows()
        for name in ("share", "share_low", "share_high")
    ]
    return {
        "Phantom limb pain in the US: a brief for managers":
            cite + numbers(contents["data_date"]),
        "What do 1.6 and 3.6 million count?": [*printed, *printed, "2005", "2050"],
        "How many live with limb loss, and how many of them hurt?": people,
        "What did trials find?": trials,
        "What drives the answer?": drivers,
        "How many chairs does a clinic need? One place worked out": place,
        "What is assumed": assumed,
        "How to cite": cite,
    }  # fmt: skip


def slides_of(path):
    """The numbers of a deck by slide: those that are seen, and those of the notes."""
    found = []
    for slide in pptx.Presentation(str(path)).slides:
        seen = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
        notes = slide.notes_slide.notes_text_frame.text if slide.has_notes_slide else ""
        found.append((numbers("\n".join(seen)), numbers(notes)))
    return found


def wanted_of_deck(report):
    """The same, read from `slides.html`."""
    text = (report / "slides.html").read_text()
    found = []
    for section in re.findall(r'<section class="slide chart".*?</section>', text, re.DOTALL):
        head = re.search(r"<h2.*?</h2>\s*<p class=\"takeaway\">.*?</p>", section, re.DOTALL)[0]
        line = re.search(r'<p class="quiet caption">.*?</p>', section, re.DOTALL)[0]
        notes = re.search(r"<aside.*?</aside>", section, re.DOTALL)[0]
        found.append(tuple(
            numbers(html.unescape(re.sub(r"<[^>]*>", "", part))) for part in (head + line, notes)
        ))  # fmt: skip
    return found


@pytest.fixture(scope="module")
def written(own_report, tmp_path_factory):
    """The two files of the project's report; pictures are of the size that they have."""
    folder = tmp_path_factory.mktemp("office")
    content = office.read_report(own_report)
    pictures = Always(dict.fromkeys(office.BRIEF_CHARTS, png(912, 354)))
    office.write_deck(content, pictures, folder / "slides.pptx")
    office.write_brief(content, pictures, folder / "brief.docx")
    return folder


@pytest.mark.slow
def test_every_number_of_the_brief_is_that_of_the_reports_tables(own_report, written):
    assert sections(written / "brief.docx") == wanted_of_brief(own_report)


@pytest.mark.slow
def test_every_number_of_the_deck_is_that_of_the_slides(own_report, written):
    title, *charts, last = slides_of(written / "slides.pptx")
    contents = json.loads((own_report / "contents.json").read_text())

    assert charts == wanted_of_deck(own_report)
    assert len(charts) == 15
    assert title[0][:5] == numbers(contents["deck"]["title"] + contents["deck"]["lead"])[:5]
    doubted = [n for each in contents["deck"]["doubted"] for n in each["slides"]]
    assert [n for n in map(str, doubted) if n not in last[0]] == []


def changed(data, part, old, new):
    """A file in which one piece of text of one of its parts is another."""
    fresh = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(fresh, "w") as after:
        for name in before.namelist():
            text = before.read(name)
            if name == part:
                assert old in text
                text = text.replace(old, new, 1)
            after.writestr(name, text)
    return fresh.getvalue()


@pytest.mark.slow
def test_any_number_that_is_changed_in_either_file_is_told(own_report, written, tmp_path):
    """A digit at a time, in every run of text that has one."""
    wanted = {"brief.docx": (sections, wanted_of_brief(own_report)),
              "slides.pptx": (slides_of, slides_of(written / "slides.pptx"))}  # fmt: skip
    tried = 0
    for name, (read, right) in wanted.items():
        data = (written / name).read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            texts = [
                (part, text)
                for part in parts.namelist()
                if part == "word/document.xml" or re.fullmatch(r"ppt/slides/slide\d+\.xml", part)
                for text in re.findall(rb"<(?:w|a):t(?: [^>]*)?>([^<]*\d[^<]*)</", parts.read(part))
            ]
        for part, text in texts[:: max(1, len(texts) // 40)]:
            at = re.search(rb"\d", text).start()
            wrong = text[:at] + (b"1" if text[at : at + 1] == b"7" else b"7") + text[at + 1 :]
            (tmp_path / name).write_bytes(changed(data, part, text, wrong))
            assert read(tmp_path / name) != right, text
            tried += 1
    assert tried > 60


#: Columns of a table that its chart prints or draws as such, and years that are spoken of.
DRAWN = ("value", "estimate", "median", "low", "high", "low_95", "high_95", "count")
SPOKEN = (2005, 2025, 2050)


def supported(token, values, words, scales):
    """Whether a number rounds one of the values, in some unit, or stands in the words."""
    if token in words:
        return True
    digits = token.replace(",", "")
    printed = float(digits)
    decimals = len(digits.partition(".")[2])
    zeros = len(digits) - len(digits.rstrip("0")) if not decimals and len(digits) > 3 else 0
    half = 0.5 * 10.0 ** (zeros - decimals)
    return any(
        abs(value * scale - printed) <= half * (1 + 1e-9) for value in values for scale in scales
    )


@pytest.mark.slow
def test_every_number_that_a_slide_says_is_one_of_its_chart_or_of_the_headlines(own_report):
    contents = json.loads((own_report / "contents.json").read_text())
    head = pd.read_csv(own_report / "tables" / "headline_numbers.csv")
    head = head[head["year"].isin(SPOKEN)][["median", "low", "high"]].to_numpy().ravel()
    headlines = [f"{x / 1e6:.2f}" for x in head]
    wrong = []
    for shown in contents["deck"]["slides"]:
        table = pd.read_csv(own_report / "tables" / f"{shown['chart']}.csv")
        if "year" in table:
            table = table[table["year"].isin(SPOKEN)]
        values = table[[name for name in DRAWN if name in table]].to_numpy(dtype=float).ravel()
        if "count" in table:
            # Icons up to the upper end of an interval are those of two rows.
            values = [*values, *table["count"].rolling(2).sum()]
        said = f"{shown['heading']} {shown['takeaway']}"
        percent = "%" in said or "percentage points" in said
        texts = map(str, table.select_dtypes(exclude="number").to_numpy().ravel())
        words = [] if percent else numbers(" ".join((*texts, shown["caption"])))
        words += [] if percent else [*headlines, *map(str, SPOKEN), "190"]
        words += numbers(shown["reading"])
        # Icons are so many of a hundred, and percentage points are drawn as such.
        as_it_is = "count" in table or "percentage points" in said
        scales = ((100, 1) if as_it_is else (100,)) if percent else (1, 1e-6)
        wrong += [
            (shown["heading"], token)
            for token in numbers(said)
            if not supported(token, values, words, scales)
        ]
    assert wrong == [], wrong


@pytest.mark.slow
def test_the_brief_has_two_pages(written, tmp_path):
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    command = [program, f"-env:UserInstallation={(tmp_path / 'home').as_uri()}", "--headless",
               "--convert-to", "pdf", "--outdir", str(tmp_path), str(written / "brief.docx")]  # fmt: skip
    subprocess.run(command, capture_output=True, check=False, timeout=300)
    if not (tmp_path / "brief.pdf").exists():
        pytest.skip("LibreOffice is there without Writer")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", (tmp_path / "brief.pdf").read_bytes())) == 2


# --- a report of this test's own --------------------------------------------------------------


def shown(n, **changes):
    return {
        "heading": f"Count {n}", "takeaway": f"It is {n}.", "chart": f"chart_{n}", "alt": "It & rises",
        "caption": "How to read it", "reading": "Whiskers: 80% interval.", "source": "Somebody 2008",
        "notes": "Who hurts.", "question": "Why?", "answer": "Because.",
    } | changes  # fmt: skip


@pytest.fixture
def report():
    deck = {"title": "A class", "lead": "It leads.", "slides": [shown(1), shown(2, source="x" * 300)],
            "doubted": [{"doubt": "assumed", "slides": [3]}]}  # fmt: skip
    contents = {"version": "0.1.0", "commit": "0123456789", "commit_date": "2026-11-20",
                "data_date": "2026-11-19", "changed": False, "exhibits": [], "deck": deck}  # fmt: skip
    return office.Report(contents, {})


def test_a_slide_has_title_picture_level_source_and_notes(report, tmp_path):
    office.write_deck(report, Always(chart_1=png(912, 354)), tmp_path / "a.pptx")
    _, first, second, last = pptx.Presentation(str(tmp_path / "a.pptx")).slides

    assert first.shapes.title.text_frame.text == "Count 1"
    (picture,) = [shape for shape in first.shapes if shape.shape_type == 13]
    assert picture._element.nvPicPr.cNvPr.get("descr") == "It & rises"
    assert picture.width / picture.height == pytest.approx(912 / 354, rel=1e-3)
    texts = [shape.text_frame.text for shape in first.shapes if shape.has_text_frame]
    assert texts[1:] == ["It is 1.", "Whiskers: 80% interval. Source: Somebody 2008."]
    notes = first.notes_slide.notes_text_frame.text.splitlines()
    assert notes == [
        "How to read it.", "Who hurts.", "Question for the class: Why?", "Answer. Because.",
    ]  # fmt: skip
    # A source for which a slide has no room stands on the last one.
    lines = [shape.text_frame.text for shape in second.shapes if shape.has_text_frame]
    assert lines[-1] == "Whiskers: 80% interval. Sources: last slide."
    assert "x" * 300 in last.shapes[1].text_frame.text
    assert "Assumed, in all or part: slides 3." in last.shapes[1].text_frame.text


def test_nothing_lies_outside_a_slide_or_on_its_picture(report, tmp_path):
    for size in ((912, 354), (912, 200), (800, 900)):
        path = tmp_path / f"{size[1]}.pptx"
        office.write_deck(report, Always(chart_1=png(*size)), path)
        show = pptx.Presentation(str(path))
        for slide in show.slides:
            for shape in slide.shapes:
                assert 0 <= shape.left <= shape.left + shape.width <= show.slide_width
                assert 0 <= shape.top <= shape.top + shape.height <= show.slide_height
        boxes = sorted(show.slides[1].shapes, key=lambda shape: shape.top)
        for upper, lower in pairwise(boxes):
            assert upper.top + upper.height <= lower.top


def test_the_same_report_gives_the_same_bytes(report, tmp_path, monkeypatch):
    office.write_deck(report, Always(), tmp_path / "a.pptx")
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    office.write_deck(report, Always(), tmp_path / "b.pptx")

    assert (tmp_path / "a.pptx").read_bytes() == (tmp_path / "b.pptx").read_bytes()


def test_a_file_of_plcore_is_replaced_and_one_that_was_edited_is_not(report, tmp_path):
    path = tmp_path / "slides.pptx"
    office.write_deck(report, Always(), path)
    office.write_deck(report, Always(), path)

    show = pptx.Presentation(str(path))
    show.core_properties.last_modified_by = "A teacher"
    show.save(str(path))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"slides\.pptx: exists and was edited since plcore"):
        office.write_deck(report, Always(), path)
    assert path.read_bytes() == before

    for name in ("notes.pptx", "notes.docx"):
        (tmp_path / name).write_text("years of work")
        with pytest.raises(ValueError, match="exists and is no file of plcore"):
            office.refuse_other_file(tmp_path / name)


def test_a_report_without_deck_or_tables_names_all_that_it_lacks(report, tmp_path):
    with pytest.raises(ValueError, match=r"holds no contents\.json"):
        office.read_report(tmp_path)
    contents = {key: value for key, value in report.contents.items() if key != "deck"}
    (tmp_path / "contents.json").write_text(json.dumps(contents))
    with pytest.raises(ValueError, match=r"lacks headline_numbers\.csv, .*, a deck of slides;"):
        office.read_report(tmp_path)


# --- the command line -------------------------------------------------------------------------


def test_the_command_writes_what_is_asked_for_and_no_images(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(figures, "_kaleido", lambda: None)
    monkeypatch.setattr(figures, "read_charts", lambda report: (chart(),))
    monkeypatch.setattr(figures, "write_documents", lambda report, **files: asked.append(files))
    (tmp_path / "contents.json").write_text("{}")
    deck, brief = tmp_path / "a.pptx", tmp_path / "b.docx"
    there = ["--report", str(tmp_path)]

    assert figures.main([*there, "--pptx", str(deck)]) == 0
    assert figures.main([*there, "--pptx", str(deck), "--docx", str(brief)]) == 0
    assert asked == [{"deck": deck, "brief": None}, {"deck": deck, "brief": brief}]
    assert f"{deck} and {brief} in " in capsys.readouterr().out


def chart():
    return figures.Chart("01-01_a", "a", "01", "", "", "0123456789", {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pptx", "a.txt"], "'a.txt' does not end with .pptx"),
        (["--docx", "--only", "a"], "--only, --formats and --to are for images"),
        (["--pptx", "--to", "b"], "--only, --formats and --to are for images"),
    ],
)
def test_what_cannot_be_meant_is_a_misuse(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        figures.main(arguments)

    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_without_the_packages_the_message_says_what_installs_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "plcore.report.office", None)

    assert figures.main(["--report", str(tmp_path), "--pptx", str(tmp_path / "a.pptx")]) == 1
    assert "`python3 run.py figures` installs it" in capsys.readouterr().err
