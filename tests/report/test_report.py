"""The report: what `show` publishes, what a page holds, and that a failure leaves the old report."""

import multiprocessing
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import IPython.display
import nbformat
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import plcore
from plcore.charts.display import PLOTLY, show, table_html
from plcore.report.__main__ import main
from plcore.report.metadata import bibtex, ris
from plcore.report.notebooks import read_page
from plcore.report.site import Stamp, build_report, read_stamp, write_report

STAMP = Stamp("0.1.0", "0123456789", "2026-11-20", "2026-11-19", changed=False)
TABLE = pd.DataFrame({"year": [2005, 2050], "median": [1_623_456.789, 3.6e6], "share": [0.64, 0.1]})
FIGURE = go.Figure(go.Scatter(x=[2005, 2050], y=[1.6, 3.6]), layout={"meta": {"alt": "It rises."}})

DEMO = {
    "01_rise.ipynb": [
        "# How many?\n\nThe first *paragraph*, with [a link](02_map.ipynb#Where-they-live).",
        "## A chart\n\nSee [the map](02_map.ipynb) and [the data](../data/claims.csv).",
        [
            "import pandas as pd",
            "import plotly.graph_objects as go",
            "from plcore.charts import show",
            'table = pd.DataFrame({"year": range(2005, 2051)})',
            'table["people"] = 1.6e6 * 1.0182 ** (table["year"] - 2005)  # the pair',
            'figure = go.Figure(go.Scatter(x=table["year"], y=table["people"]))',
            'show(figure, name="rise", caption="It rises. Line: growth.", table=table, alt="A line.")',
        ],
        ['print("1 in", 185)'],
        ['show(table, name="all_years", caption="Every year </script><b>")'],
    ],
    "02_map.ipynb": [
        "# Where?\n\nA map of shapes of its own.\n\n## Where they live",
        [
            "import pandas as pd",
            "import plotly.graph_objects as go",
            "from plcore.charts import show",
            "ring = [[-100, 30], [-100, 45], [-80, 45], [-80, 30], [-100, 30]]",
            'shape = {"type": "Feature", "id": "x", "properties": {}}',
            'shape["geometry"] = {"type": "Polygon", "coordinates": [ring]}',
            'places = {"type": "FeatureCollection", "features": [shape]}',
            'figure = go.Figure(go.Choropleth(geojson=places, locations=["x"], z=[1.0]))',
            'figure.update_geos(fitbounds="locations", visible=False)',
            'rates = pd.DataFrame({"place": ["x"], "rate": [1.0]})',
            'show(figure, name="map", caption="One place.", alt="A rectangle.", table=rates)',
            'figure.update_geos(scope="usa")',
            'show(figure, name="map_usa", caption="The same.", alt="A rectangle.", table=rates)',
        ],
    ],
}


def write_notebook(path, cells):
    """A notebook of texts (markdown) and lists of lines (code)."""
    nodes = [
        new_markdown_cell(cell) if isinstance(cell, str) else new_code_cell("\n".join(cell))
        for cell in cells
    ]
    for number, node in enumerate(nodes, start=1):
        node["id"] = f"cell-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=nodes), path)


def write_demo(folder):
    for name, cells in DEMO.items():
        write_notebook(folder / name, cells)


def files(folder):
    """Every file below the folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The report of the two demonstration notebooks."""
    folder = tmp_path_factory.getbasetemp() / "demo"
    if not (folder / "report").exists():
        write_demo(folder / "notebooks")
        build_report(folder / "notebooks", folder / "report")
    return folder / "report"


@pytest.fixture
def published(monkeypatch):
    """What `show` handed to the notebook: pairs of bundle and metadata."""
    bundles = []

    def display(data, *, raw, metadata):
        assert raw
        bundles.append((data, metadata))

    monkeypatch.setattr(IPython.display, "display", display)
    return bundles


def output(pair):
    return new_output("display_data", data=pair[0], metadata=pair[1])


def page(outputs, *, name="01_a.ipynb", stems=("01_a",), text="# A title\n\nA lead."):
    """The page of a notebook with one code cell that had these outputs."""
    code = new_code_cell("figure  # shown\n2", outputs=outputs)
    notebook = new_notebook(cells=[new_markdown_cell(text), code])
    return read_page(notebook, Path(name), stems=stems)


# --- show -------------------------------------------------------------------------------------


def test_a_chart_is_published_with_its_numbers_and_words(published):
    show(FIGURE, name="rise", caption="It rises.", table=TABLE)

    (data, metadata), *others = published
    assert others == []
    assert set(data) == {PLOTLY, "text/csv", "text/plain"}
    assert data["text/csv"] == "year,median,share\n2005,1623456.789,0.64\n2050,3600000.0,0.1\n"
    assert metadata == {
        "plcore": {
            "name": "rise",
            "caption": "It rises.",
            "alt": "It rises.",
            "numeric": ["year", "median", "share"],
        }
    }


def test_a_table_is_published_as_html_csv_and_text(published):
    show(TABLE, name="t", caption="Two years.")

    data, metadata = published[0]
    assert set(data) == {"text/html", "text/csv", "text/plain"}
    assert "<caption>Two years.</caption>" in data["text/html"]
    assert data["text/plain"].startswith("Two years.\n")
    assert metadata["plcore"]["alt"] is None


def test_csv_keeps_every_digit(published):
    third = 1 / 3
    show(pd.DataFrame({"x": [third, 1e-17]}), name="t", caption="c")

    _, first, second = published[0][0]["text/csv"].splitlines()
    assert (float(first), float(second)) == (third, 1e-17)


def test_named_index_levels_become_columns_and_a_row_numbering_is_left_out(published):
    show(TABLE.set_index("year"), name="a", caption="c")
    show(TABLE[TABLE["share"] < 0.5], name="b", caption="c")

    assert published[0][0]["text/csv"].startswith("year,median,share\n2005,")
    assert published[1][0]["text/csv"] == "year,median,share\n2050,3600000.0,0.1\n"


@pytest.mark.parametrize("name", ["", "the-rise", "größe"])
def test_a_name_that_no_file_should_have_is_refused(name):
    with pytest.raises(ValueError, match=f"name is {name!r}; it takes lower-case letters, digits"):
        show(FIGURE, name=name, caption="c", table=TABLE)


@pytest.mark.parametrize(
    ("thing", "options", "message"),
    [
        (FIGURE, {"caption": " "}, r"show\('x'\): caption is ' '; say what is shown"),
        (FIGURE, {}, "a chart needs `table`"),
        (FIGURE, {"table": TABLE, "alt": ""}, "alt is ''"),
        (TABLE, {"table": TABLE}, "go with a Figure, not a DataFrame"),
        (TABLE.set_axis(["a", "b", "a"], axis=1), {}, r"columns named twice: \['a'\]"),
        (
            TABLE.set_axis(["u", "v"]),
            {},
            r"the rows are labelled \('u', ...\) but the index has no",
        ),
        (TABLE.T.set_index([[1, 2, 3], [1, 2, 3]]).T, {}, "the columns have 2 levels"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_name(thing, options, message):
    with pytest.raises(ValueError, match=message):
        show(thing, **({"name": "x", "caption": "c"} | options))


# --- tables -----------------------------------------------------------------------------------


def cells(html):
    """The text of the body's cells, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1].split("</tbody>")[0])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


@pytest.mark.parametrize(
    ("values", "printed"),
    [
        # Three digits to the largest and two to the smallest, but no more than there are.
        (["0.642345", "0.0512"], ["0.642", "0.051"]),
        (["1623456.789", "3600000.0"], ["1.62", "3.60"]),
        (["12.0", "7.0"], ["12", "7"]),
        (["0.5", "0.25", ""], ["0.50", "0.25", ""]),
        (["-2.345", "1000"], ["-2.3", "1,000"]),
        (["inf", "1.5"], ["no end", "1.5"]),
    ],
)
def test_numbers_are_rounded_for_reading_by_column(values, printed):
    html = table_html("x\n" + "\n".join(f'"{v}"' for v in values), caption="c", numeric=["x"])

    assert [row[0] for row in cells(html)] == printed


def test_years_have_no_thousands_separators_and_codes_stay_as_they_are():
    html = table_html(
        "year,start_year,code,n\n2005,1999.0,01001,1600000\n", caption="c", numeric=["year", "start_year", "n"]
    )  # fmt: skip

    assert cells(html) == [["2005", "1999", "01001", "1,600,000"]]


def test_text_of_a_table_is_escaped_and_addresses_are_links():
    html = table_html('a_b,u\n"<b>&",https://x.org/?a=1&b\n', caption="<i>", numeric=[])

    assert "<caption>&lt;i&gt;</caption>" in html
    assert ">a b</th>" in html
    assert cells(html)[0][0] == "&lt;b&gt;&amp;"
    assert '<a href="https://x.org/?a=1&amp;b">https://x.org/?a=1&amp;b</a>' in html


def test_a_table_that_is_cut_says_so():
    rows = "n\n" + "\n".join(map(str, range(1200)))
    html = table_html(rows, caption="c", numeric=["n"], most_rows=50)

    assert len(cells(html)) == 50
    assert "The first 50 of 1,200 rows; the CSV has them all." in html


# --- pages ------------------------------------------------------------------------------------


def test_a_page_has_the_title_and_first_paragraph_of_its_notebook():
    found = page([], text="# One & two\n\n## Not this\n\nA *lead* with [a link](x.html).\n\nMore.")

    assert found.title == "One & two"
    assert found.lead == "A <em>lead</em> with a link."
    assert found.sections == (("Not-this", "Not this"),)


def test_links_to_notebooks_lead_to_their_pages():
    found = page([], text="# T\n\n[b](02_b.ipynb#part)", stems=("01_a", "02_b"))

    assert 'href="02_b.html#part"' in found.blocks[0].html


def test_a_link_to_a_notebook_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"01_a.ipynb, cell 1 of 2 .*links to 03_c.ipynb, which"):
        page([], text="# T\n\n[c](03_c.ipynb)")


@pytest.mark.parametrize(
    "data",
    [
        {PLOTLY: {"data": [], "layout": {}}, "text/plain": "Figure()"},
        {"text/html": "<div><script>Plotly.newPlot('a', [])</script></div>"},
    ],
)
def test_a_chart_displayed_without_show_names_the_cell_and_the_remedy(data):
    message = (
        r"01_a.ipynb, cell 2 of 2 \(figure  # shown\): a chart without a name; show it with "
        r"plcore.charts: show\(figure, name=..., caption=..., table=...\)"
    )
    with pytest.raises(ValueError, match=message):
        page([new_output("display_data", data=data)])


def test_an_output_that_a_page_cannot_hold_is_refused():
    data = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Slider"}
    with pytest.raises(ValueError, match=r"shows application/vnd\.jupyter\.widget-view"):
        page([new_output("display_data", data=data)])


def test_text_and_plain_html_pass_through():
    found = page(
        [
            new_output("stream", name="stdout", text="1 < 2\n"),
            new_output("execute_result", data={"text/plain": "'<3'"}),
            new_output("display_data", data={"text/html": "<em>so</em>", "text/plain": "so"}),
        ]
    )

    assert [(block.kind, block.html) for block in found.blocks[2:]] == [
        ("text", "1 &lt; 2\n"),
        ("text", "&#x27;&lt;3&#x27;"),
        ("html", "<em>so</em>"),
    ]


def test_a_warning_is_shown_without_the_number_of_the_process():
    text = "/some/where/ipykernel_4711/99.py:2: UserWarning: careful\n"
    found = page([new_output("stream", name="stderr", text=text)])

    assert found.warnings == ("this cell, line 2: UserWarning: careful",)


# --- the site ---------------------------------------------------------------------------------


def test_a_name_used_twice_names_both_notebooks(published, tmp_path):
    show(TABLE, name="same", caption="c")
    pages = [page([output(published[0])], name=f"{n}.ipynb") for n in ("01_a", "02_b")]

    with pytest.raises(
        ValueError, match=r"01_a\.ipynb: something else is shown as 'same'"
    ) as error:
        write_report(pages, tmp_path / "report", stamp=STAMP)
    assert "02_b.ipynb: something else is shown as 'same'" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://x.org/a.png">',
        "<link rel=stylesheet href='http://x.org/a.css'>",
    ],
)
def test_a_page_that_would_load_from_outside_is_refused(html, tmp_path):
    found = page([new_output("display_data", data={"text/html": html})])

    with pytest.raises(ValueError, match=r"01_a.html: would load from outside: <\w+ "):
        write_report([found], tmp_path / "report", stamp=STAMP)
    assert list(tmp_path.iterdir()) == []


def test_the_stamp_is_that_of_the_last_commits(tmp_path):
    def git(*arguments, date="2001-02-03T00:00:00Z"):
        names = {
            f"GIT_{who}_{key}": "x" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
        }
        environ = names | {
            "GIT_COMMITTER_DATE": date,
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
        }
        subprocess.run(
            ["git", *arguments], cwd=tmp_path, env=environ, check=True, capture_output=True
        )

    for folder in ("data", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data" / "a.csv").write_text("a\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "data")
    (tmp_path / "notebooks" / "b.txt").write_text("b\n")
    git("add", ".")
    git("commit", "-m", "notebook", date="2001-02-05T00:00:00Z")

    stamp = read_stamp(tmp_path / "notebooks")
    assert (stamp.commit_date, stamp.data_date, stamp.changed) == (
        "2001-02-05",
        "2001-02-03",
        False,
    )
    assert re.fullmatch("[0-9a-f]{10}", stamp.commit)
    assert stamp.version == plcore.__version__

    (tmp_path / "data" / "a.csv").write_text("b\n")
    assert read_stamp(tmp_path / "notebooks").changed


def test_outside_git_the_stamp_is_unknown(tmp_path):
    assert read_stamp(tmp_path) == Stamp(plcore.__version__, "unknown", "unknown", "unknown", False)


def test_a_folder_that_is_no_report_is_never_replaced(tmp_path):
    write_notebook(tmp_path / "notebooks" / "a.ipynb", ["# T"])
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "thesis.txt").write_text("years of work")

    with pytest.raises(ValueError, match="exists and is no report"):
        build_report(tmp_path / "notebooks", tmp_path / "report")
    assert (tmp_path / "report" / "thesis.txt").exists()


def test_a_folder_without_notebooks_is_named(tmp_path, capsys):
    assert main([str(tmp_path), str(tmp_path / "report")]) == 1
    assert f"{tmp_path}: no notebooks here" in capsys.readouterr().err


# --- with notebooks that really run -----------------------------------------------------------


def test_the_report_has_a_page_a_notebook_and_files_a_chart_and_a_table(demo):
    assert set(files(demo)) == {
        "index.html", "01_rise.html", "02_map.html", "style.css", "report.js", "plotly.min.js",
        "contents.json", "exhibits.html", "glossary.html", "statements.html", "sources.bib", "sources.ris",
        "figures/rise.html", "figures/rise.json", "figures/map.html", "figures/map.json",
        "figures/map_usa.html", "figures/map_usa.json",
        "tables/rise.csv", "tables/all_years.csv", "tables/map.csv", "tables/map_usa.csv",
    }  # fmt: skip


@pytest.mark.parametrize("page", ["index.html", "statements.html"])
def test_all_sources_can_be_taken_away_for_reference_managers(demo, page):
    text = (demo / page).read_text()

    for name, entries in (("sources.bib", bibtex()), ("sources.ris", ris())):
        assert f'<a href="{name}" download>' in text
        assert (demo / name).read_text(encoding="utf-8") == entries


def test_a_chart_has_caption_words_numbers_and_files(demo):
    text = (demo / "01_rise.html").read_text()

    assert '<figure class="chart" id="rise">' in text
    assert 'aria-label="A line."' in text
    assert "<figcaption>It rises. Line: growth.</figcaption>" in text
    assert "<summary>Numbers behind this chart</summary>" in text
    assert '<td class="number">1.60</td>' in text
    assert '<a href="tables/rise.csv" download>' in text


def test_a_chart_can_be_taken_away_as_plotly_json(demo):
    figure = pio.read_json(demo / "figures" / "rise.json")

    # plotly stores arrays as base64 with their type.
    years, people = (figure.data[0][axis] for axis in "xy")
    assert np.frombuffer(b64decode(years["bdata"]), years["dtype"]).tolist()[-1] == 2050
    assert np.frombuffer(b64decode(people["bdata"]), people["dtype"])[0] == 1.6e6


def test_a_table_can_be_taken_away_at_full_precision(demo):
    table = pd.read_csv(demo / "tables" / "all_years.csv", dtype=str)

    # NumPy's powers, as in the notebook: Python's differ from them in the last bit.
    people = 1.6e6 * 1.0182 ** (pd.Series(range(2005, 2051)) - 2005)
    assert [float(cell) for cell in table["people"]] == people.tolist()


def test_text_of_notebooks_cannot_end_a_script_or_open_a_tag(demo):
    text = (demo / "01_rise.html").read_text()

    assert "Every year &lt;/script&gt;&lt;b&gt;" in text
    assert "<b>" not in text


def test_the_reference_shows_every_public_name_of_a_room_and_loads_nothing(own_report):
    from plcore import simulate

    page = (own_report / "api" / "plcore" / "simulate.html").read_text()
    assert re.findall(r'<section id="(\w+)"', page) == simulate.__all__
    # Types as the source names them, not NumPy's private ones.
    assert "numpy._typing" not in re.sub(
        r'<div class="pdoc-code.*?</div>', "", page, flags=re.DOTALL
    )
    loads = r"""<(?:img|script|link|iframe)\b[^>]*(?:src|href)=["'](?!data:)[^>]*>|@import|url\(["']?http"""
    for path in (own_report / "api").rglob("*.html"):
        assert re.findall(loads, path.read_text()) == [], path.name


def test_every_link_inside_the_report_leads_somewhere(own_report):
    broken = []
    places = {
        path: set(re.findall(r' id="([^"]*)"', path.read_text()))
        for path in own_report.resolve().rglob("*.html")
    }
    for path in sorted(places):
        for link in re.findall(r'(?:href|src)="([^"]*)"', path.read_text()):
            target, _, anchor = link.partition("#")
            # What a script will put in is not known before it runs.
            if re.match(r"(https?|data):", link) or target.startswith("../data/") or "${" in link:
                continue
            found = (path.parent / target).resolve() if target else path
            if not found.exists() or (anchor and anchor not in places[found]):
                broken.append(f"{path.name}: {link}")

    assert broken == []


def test_pages_hold_no_path_of_this_machine_and_are_under_a_megabyte(demo, own_report):
    reference = (own_report / "api").rglob("*.html")
    for path in [*demo.rglob("*.html"), *demo.rglob("*.json"), *reference]:
        assert str(Path.home()) not in path.read_text()
        assert str(demo.parent) not in path.read_text()
        assert str(Path(plcore.__file__).parents[1]) not in path.read_text()
        assert path.stat().st_size < 1_000_000


@pytest.mark.slow
def test_the_same_notebooks_give_the_same_bytes(demo, tmp_path):
    write_demo(tmp_path / "notebooks")
    build_report(tmp_path / "notebooks", tmp_path / "report")

    again, before = files(tmp_path / "report"), files(demo)
    assert set(again) == set(before)
    assert [name for name in again if again[name] != before[name]] == []


@pytest.mark.slow
def test_a_failing_notebook_is_named_with_cell_and_cause_and_the_old_report_stays(
    demo, tmp_path, capsys
):
    shutil.copytree(demo, tmp_path / "report")
    write_notebook(
        tmp_path / "notebooks" / "01_bad.ipynb",
        [
            "# Bad",
            ["x = 1"],
            ["", "y = 2", 'raise ValueError("claims.csv:3: share is 2\\nclaims.csv:9")'],
        ],
    )
    write_notebook(
        tmp_path / "notebooks" / "02_dies.ipynb", ["# Dies", ["import os", "os._exit(1)"]]
    )

    assert main([str(tmp_path / "notebooks"), str(tmp_path / "report")]) == 1
    # Nothing is left at work on a report that there will not be.
    assert multiprocessing.active_children() == []

    assert capsys.readouterr().err == (
        "report: 01_bad.ipynb, cell 3 of 3 (y = 2):\n"
        "  ValueError: claims.csv:3: share is 2\n  claims.csv:9\n"
        "02_dies.ipynb, cell 2 of 2 (import os):\n"
        "  the Python process died (killed, or out of memory)\n"
    )
    assert files(tmp_path / "report") == files(demo)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notebooks", "report"]
    assert len(list((tmp_path / "notebooks").iterdir())) == 2


@pytest.mark.slow
def test_a_new_report_replaces_the_old_one_whole(demo, own_report, tmp_path, capsys):
    shutil.copytree(demo, tmp_path / "report")
    write_notebook(tmp_path / "notebooks" / "only.ipynb", ["# Only", ["1 + 1"]])

    folders = [str(tmp_path / "notebooks"), str(tmp_path / "report")]
    assert main([*folders, "--no-planner", "--no-explore"]) == 0

    assert "only: Only" in capsys.readouterr().out
    # The reference has the same bytes each time.
    assert files(tmp_path / "report" / "api") == files(own_report / "api")
    assert not (tmp_path / "report" / "01_rise.html").exists()
    assert ">2</pre>" in (tmp_path / "report" / "only.html").read_text()
