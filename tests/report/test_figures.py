"""Charts as files: their names, what stands in them, and that nothing else is overwritten."""

import csv
import importlib
import json
import struct
from html import unescape
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest

from plcore import charts
from plcore.charts.frame import EDGE, framed_texts, widened, width
from plcore.report import figures
from plcore.report.figures import Chart, chosen, export, main, read_charts, standalone

#: Notebook, name, whether it is a chart: in the order of a report.
SHOWN = [
    ("01_start", "totals", False),
    ("01_start", "rise", True),
    ("03_more", "fall", True),
    ("03_more", "map", True),
    ("appendix", "ages", True),
]
TITLE = "A title so long that it takes two lines or three on the screen of a phone"
SOURCE = "Somebody 2008; the numbers of data/parameters.csv, one row for each of them"


def framed(title=TITLE):
    rows = pd.DataFrame({"year": [2005, 2050], "value": [1.6, 3.6], "series": ["A & B"] * 2})
    return charts.lines(rows, title=title, yaxis="People (millions)", source=SOURCE)


def bars():
    """Bars with a hatch, which an SVG names by a random number unless the trace has a name."""
    rows = pd.DataFrame({"label": ["now", "ever"], "value": [0.6, 0.8], "low": [0.5, 0.7]})
    rows = rows.assign(high=[0.7, 0.9], series=["studies", "pages"])
    return charts.bars(rows, title="Shares", xaxis="Share", source="Somebody 2008")


def placed():
    """A map that plotly would draw on outlines from a server."""
    ring = [[-100, 30], [-100, 45], [-80, 45], [-80, 30], [-100, 30]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    place = {"type": "Feature", "id": "x", "properties": {}, "geometry": shape}
    places = {"type": "FeatureCollection", "features": [place]}
    figure = go.Figure(go.Choropleth(geojson=places, locations=["x"], z=[1.0]))
    figure.update_geos(fitbounds="locations", visible=False)
    return figure.update_layout(meta={"source": "A drawing"})


def plain(figure):
    """`data` and `layout` as they stand in the report."""
    text = pio.json.to_json_plotly(figure, engine="json")
    return {key: json.loads(text)[key] for key in ("data", "layout")}


def write_report(folder, *, changed=False):
    """What a report holds of its charts."""
    made = {"rise": framed(), "fall": bars(), "map": placed(), "ages": framed()}
    (folder / "figures").mkdir(parents=True)
    (folder / "tables").mkdir()
    for name, figure in made.items():
        (folder / "figures" / f"{name}.json").write_text(json.dumps(plain(figure)))
        (folder / "tables" / f"{name}.csv").write_text(f"a\n{name}\n")
    exhibits = [
        {"name": name, "chart": chart, "notebook": notebook, "caption": f"What {name} is"}
        for notebook, name, chart in SHOWN
    ]
    contents = {"commit": "0123456789", "changed": changed, "exhibits": exhibits}
    (folder / "contents.json").write_text(json.dumps(contents))
    return folder


def chart(figure, **changes):
    layout = plain(figure)["layout"]
    values = {
        "stem": "01-01_rise", "name": "rise", "notebook": "01_start", "caption": "What it is",
        "source": layout.get("meta", {}).get("source", ""), "commit": "0123456789",
        "figure": plain(figure),
    }  # fmt: skip
    return Chart(**(values | changes))


def texts(layout):
    return {a.get("name", a["text"]): a for a in layout["annotations"]}


@pytest.fixture
def report(tmp_path):
    return write_report(tmp_path / "report")


@pytest.fixture
def unseen(monkeypatch):
    """No browser: each image is a file that says what it would show."""

    def draw(found, folder, formats):
        for each in found:
            for ending in formats:
                (folder / f"{each.stem}.{ending}").write_text(each.name)

    monkeypatch.setattr(figures, "_draw", draw)
    monkeypatch.setattr(figures, "_kaleido", lambda: None)


# --- which, and what they are called ----------------------------------------------------------


def test_charts_are_numbered_by_notebook_and_in_it_and_tables_are_not(report):
    assert [each.stem for each in read_charts(report)] == [
        "01-01_rise", "03-01_fall", "03-02_map", "appendix-01_ages",
    ]  # fmt: skip


def test_a_folder_that_is_no_report_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"holds no contents\.json, as every report does"):
        read_charts(tmp_path)


def test_charts_can_be_chosen_by_name_and_keep_their_numbers(report):
    found = chosen(read_charts(report), ["ages", "fall"])

    assert [each.stem for each in found] == ["03-01_fall", "appendix-01_ages"]


def test_a_chart_that_is_not_there_is_named_with_those_that_are(report):
    with pytest.raises(ValueError, match="called 'totals'; there are: ages, fall, map, rise"):
        chosen(read_charts(report), ["rise", "totals"])


# --- the folder -------------------------------------------------------------------------------


@pytest.mark.usefixtures("unseen")
def test_an_export_has_every_format_the_numbers_and_an_index_of_all(report, tmp_path):
    written = export(read_charts(report), report, tmp_path / "out", formats=("svg", "png"))

    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {path.name for path in written} == names
    assert len(names) == 4 * 3 + 1
    assert (tmp_path / "out" / "03-01_fall.csv").read_text() == "a\nfall\n"
    with (tmp_path / "out" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == names - {"index.csv"}
    assert rows[0] == {
        "file": "01-01_rise.svg", "chart": "rise", "notebook": "01_start",
        "caption": "What rise is", "source": SOURCE, "commit": "0123456789",
    }  # fmt: skip


@pytest.mark.usefixtures("unseen")
def test_a_new_export_replaces_the_old_one_whole(report, tmp_path):
    found = read_charts(report)
    export(found, report, tmp_path / "out")

    export(found[:1], report, tmp_path / "out", formats=("pdf",))

    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "01-01_rise.pdf", "01-01_rise.csv", "index.csv",
    }  # fmt: skip


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("index", [None, "file,thesis\n"])
def test_a_folder_that_is_no_export_is_never_replaced(report, tmp_path, index):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    if index is not None:
        (tmp_path / "out" / "index.csv").write_text(index)

    with pytest.raises(ValueError, match="exists and is no export of figures"):
        export(read_charts(report), report, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").exists()


@pytest.mark.usefixtures("unseen")
def test_an_export_that_fails_leaves_the_old_one(report, tmp_path, monkeypatch):
    export(read_charts(report), report, tmp_path / "out")
    before = sorted(path.name for path in (tmp_path / "out").iterdir())

    def fail(found, folder, formats):
        raise ValueError("no paint")

    monkeypatch.setattr(figures, "_draw", fail)
    with pytest.raises(ValueError, match="no paint"):
        export(read_charts(report), report, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "report"]


# --- the command line -------------------------------------------------------------------------


@pytest.mark.usefixtures("unseen")
def test_the_report_is_built_first_where_there_is_none(tmp_path, monkeypatch, capsys):
    def build(notebooks, report, **pages):
        assert notebooks == Path("notebooks")
        assert pages == {"with_planner": True, "with_explore": True, "with_reference": True}
        write_report(report)

    monkeypatch.setattr(figures, "build_report", build)
    arguments = ["--report", str(tmp_path / "report"), "--to", str(tmp_path / "out")]

    assert main([*arguments, "--formats", "svg", "--only", "rise", "fall"]) == 0
    said = capsys.readouterr().out
    assert "Building the report first" in said
    assert "2 charts, 5 files in " in said
    # No repository has this commit.
    assert "drawn from the report of commit 0123456789;" in said

    assert main([*arguments, "--only", "rise"]) == 0
    assert "Building" not in capsys.readouterr().out


@pytest.mark.usefixtures("unseen")
def test_what_forbids_an_export_is_told_with_exit_code_1(report, tmp_path, capsys):
    arguments = ["--report", str(report), "--to", str(tmp_path / "out")]

    assert main([*arguments, "--only", "nothing"]) == 1
    assert "figures: no chart of the report is called 'nothing'" in capsys.readouterr().err
    (tmp_path / "out").write_text("a file")
    assert main(arguments) == 1
    assert "exists and is no export" in capsys.readouterr().err


def test_an_unknown_format_is_a_misuse_that_names_those_that_there_are(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--formats", "svg,gif"])

    assert error.value.code == 2
    assert "'gif' is not one of svg, png, pdf" in capsys.readouterr().err


def test_without_kaleido_the_message_says_what_installs_it(report, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(importlib.import_module("sys").modules, "kaleido", None)

    assert main(["--report", str(report), "--to", str(tmp_path / "out")]) == 1
    assert "`python3 run.py figures` installs it" in capsys.readouterr().err


def test_without_a_browser_the_message_says_what_to_install_or_set(
    report, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("kaleido", reason="kaleido is not installed")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-browser"))
    from choreographer.browsers.chromium import Chromium

    monkeypatch.setattr(
        Chromium, "find_browser", classmethod(lambda cls, **settings: str(tmp_path / "no-browser"))
    )

    assert main(["--report", str(report), "--to", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "apt install chromium" in said
    assert "the environment variable BROWSER_PATH" in said
    assert f"BROWSER_PATH is '{tmp_path / 'no-browser'}', where no browser is" in said
    assert not (tmp_path / "out").exists()


# --- what stands in an image ------------------------------------------------------------------


def test_a_chart_of_the_project_keeps_its_words_and_names_the_commit():
    layout = standalone(chart(framed()))["layout"]

    assert framed_texts(layout) == {
        "title": TITLE,
        "unit": "People (millions)",
        "caption": framed_texts(plain(framed())["layout"])["caption"],
        "source": f"Source: {SOURCE} (plcore, commit 0123456789)",
    }


def test_any_other_chart_gets_its_caption_above_and_its_source_below():
    before = plain(placed())["layout"]
    layout = standalone(chart(placed(), caption="One place & its <10%"))["layout"]

    assert "<b>One place &amp; its &lt;10%</b>" in texts(layout)
    assert "Source: A drawing (plcore, commit 0123456789)" in texts(layout)
    margin = layout["margin"]
    # As much higher as what the words take above and below.
    assert layout["height"] - 450 == (margin["t"] - 60) + (margin["b"] - 80) > 0
    assert "annotations" not in before


def test_texts_fill_the_width_they_are_given_and_no_more():
    before = plain(framed(title=" ".join([TITLE] * 4)))["layout"]
    for pixels in (700, 1000):
        after = widened(before, pixels)
        assert framed_texts(after) == framed_texts(before)
        for name, size in (("title", 16), ("source", 11)):
            lines = (
                texts(after)[name]["text"].removeprefix("<b>").removesuffix("</b>").split("<br>")
            )
            wide = [width(unescape(line), size, bold=name == "title") for line in lines]
            assert max(wide) <= pixels - 2 * EDGE


# --- drawn ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """An export of three charts, and another of one of them."""
    pytest.importorskip("kaleido", reason="kaleido is not installed")
    base = tmp_path_factory.mktemp("figures")
    report = write_report(base / "report")
    found = chosen(read_charts(report), ["rise", "fall", "map"])
    try:
        export(found, report, base / "one")
        export(found[1:2], report, base / "two")
    except ValueError as error:
        if "none was found here" not in str(error):
            raise
        pytest.skip("no Chrome or Chromium is installed")
    return base


def test_images_are_of_their_kind_and_size(drawn):
    layout = standalone(chart(framed()))["layout"]
    image = (drawn / "one" / "01-01_rise.png").read_bytes()

    assert image.startswith(b"\x89PNG")
    # Twice the size, for sharp print: 800 pixels are as wide as a slide.
    assert struct.unpack(">II", image[16:24]) == (1600, 2 * layout["height"])
    assert (drawn / "one" / "01-01_rise.pdf").read_bytes().startswith(b"%PDF")


def test_an_svg_holds_the_words_of_the_chart_as_text(drawn):
    rise, place = (
        (drawn / "one" / f"{stem}.svg").read_text() for stem in ("01-01_rise", "03-02_map")
    )

    assert TITLE in rise
    assert "(plcore, commit 0123456789)" in rise
    assert "What map is" in place
    assert "Source: A drawing" in place


def test_a_map_is_drawn_without_asking_for_outlines(drawn):
    layer = (drawn / "one" / "03-02_map.svg").read_text().partition("choroplethlayer")[2]

    assert 'class="choroplethlocation"' in layer


def test_the_same_report_gives_the_same_bytes(drawn):
    one, two = ({p.name: p.read_bytes() for p in (drawn / n).iterdir()} for n in ("one", "two"))

    images = {f"03-01_fall.{ending}" for ending in ("svg", "png", "pdf", "csv")}
    assert images < set(one)
    assert {name for name in two if two[name] == one[name]} == images
