"""The static form that `show` gives beside a chart, for viewers that cannot draw plotly's."""

import asyncio
import json
import os
import re
import struct
from base64 import b64decode

import IPython.display
import nbclient
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes

from plcore import charts
from plcore.charts import display
from plcore.charts.display import PLOTLY, show
from plcore.evidence import forest_table, prevalence_studies
from plcore.report.notebooks import execute, read_page

TABLE = pd.DataFrame({"year": range(2005, 2051), "people": 1_600_000.0})
FIGURE = go.Figure(go.Scatter(x=TABLE["year"], y=TABLE["people"]), layout={"meta": {"alt": "A <"}})
DRAWN = json.loads(pio.to_json(FIGURE, validate=False, engine="json"))


@pytest.fixture
def shown(monkeypatch):
    """The one output of a notebook that shows the chart, with pictures wanted."""

    def output():
        bundles = []
        monkeypatch.setattr(
            IPython.display, "display", lambda data, *, raw, metadata: bundles.append((data, metadata))
        )  # fmt: skip
        show(FIGURE, name="people", caption="People.", table=TABLE)
        ((data, metadata),) = bundles
        return new_output("display_data", data=data, metadata=metadata)

    monkeypatch.delenv(display.PICTURES)
    return output


def converted(output, **options):
    notebook = new_notebook(cells=[new_code_cell("show(...)", outputs=[output])])
    return HTMLExporter(**options).from_notebook_node(notebook)[0]


def test_without_kaleido_a_viewer_shows_words_numbers_and_what_to_install(shown, monkeypatch):
    monkeypatch.setattr(display.importlib.util, "find_spec", lambda name: None)
    output = shown()
    page = converted(output)

    assert set(output.data) == {PLOTLY, "text/csv", "text/plain", "text/html"}
    assert "<p>A &lt;</p>" in page
    assert "<caption>People.</caption>" in page
    assert len(re.findall(r'<th[^>]*scope="row"', page)) == 12
    assert "1,600,000" in page
    assert "The first 12 of 46 rows" in page
    assert "pip install kaleido" in page


def test_with_kaleido_a_viewer_shows_the_picture_with_its_words(shown, monkeypatch):
    image = b"\x89PNG of the chart"
    monkeypatch.setattr(display, "png", lambda figure: (image, ""))
    output = shown()

    assert set(output.data) == {PLOTLY, "text/csv", "text/plain", "image/png"}
    assert b64decode(output.data["image/png"]) == image
    assert f'src="data:image/png;base64,{output.data["image/png"]}"' in converted(output)
    assert 'alt="A &lt;"' in converted(output, template_name="classic")


def test_a_browser_that_fails_costs_the_picture_only(shown, monkeypatch):
    def fails():
        raise RuntimeError("no Chrome here\nand more")

    monkeypatch.setattr(display.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(display, "_started", fails)
    output = shown()

    assert "No picture could be drawn: no Chrome here</small>" in output.data["text/html"]
    assert PLOTLY in output.data


def test_a_page_of_the_report_is_the_same_with_and_without(shown, monkeypatch, tmp_path):
    pages = []
    for image in (b"", b"\x89PNG"):
        monkeypatch.setattr(display, "png", lambda figure, image=image: (image, "why"))
        text = new_markdown_cell("# A title\n\nA lead.")
        cells = [text, new_code_cell("show(...)", outputs=[shown()])]
        pages.append(read_page(new_notebook(cells=cells), tmp_path / "01_a.ipynb", stems=["01_a"]))

    assert pages[0] == pages[1]


def test_the_run_of_the_report_wants_no_pictures(monkeypatch, tmp_path):
    monkeypatch.delenv(display.PICTURES)
    assert display.wanted()
    environments = []

    async def run(self, env):
        environments.append(env)

    monkeypatch.setattr(nbclient.NotebookClient, "async_execute", run)
    path = tmp_path / "01_a.ipynb"
    path.write_text(writes(new_notebook()), encoding="utf-8")
    execute([path])

    (environ,) = environments
    assert set(os.environ) <= {*environ, "PYTHONSTARTUP"}
    monkeypatch.setenv(display.PICTURES, environ[display.PICTURES])
    assert not display.wanted()


def test_kaleido_is_asked_for_the_chart_in_its_size_without_buttons(monkeypatch):
    asked = []

    class Browser:
        async def calc_fig(self, figure, opts):
            asked.append((figure, opts))
            return b"drawn"

    loop = asyncio.new_event_loop()
    thread = display.threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(display.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(display, "_started", lambda: (loop, Browser()))
    layout = DRAWN["layout"] | {"height": 321, "updatemenus": [{"type": "buttons"}]}

    assert display.png({"data": DRAWN["data"], "layout": layout}) == (b"drawn", "")
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    ((figure, opts),) = asked
    assert figure["data"] == DRAWN["data"]
    assert "updatemenus" not in figure["layout"]
    assert "updatemenus" in layout
    assert opts == {"format": "png", "width": 900, "height": 321, "scale": 1.5}


@pytest.mark.slow
def test_kaleido_draws_it():
    pytest.importorskip("kaleido", reason="kaleido is not installed: `python3 run.py figures`")
    table = forest_table(prevalence_studies("usa"), label="Pooled")
    figure = charts.forest(table, title="Pain", xaxis="Share", source="studies", percent=True)
    drawn = json.loads(pio.to_json(figure, validate=False, engine="json"))
    image, why = display.png(drawn)
    if "Chrome" in why:
        pytest.skip(why)

    assert why == ""
    assert image.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", image[16:24])
    assert width == 1350
    # Its texts, wrapped for a phone, have longer lines here.
    assert 300 < height < 1.5 * figure.layout.height
