"""The slides: what is read from the teaching notebook, and the deck in a browser and on paper."""

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from browsers import chromium
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_report import STAMP

from plcore import charts
from plcore.charts.display import CONFIG, PLOTLY
from plcore.charts.frame import LABEL_LINE
from plcore.report.notebooks import read_page
from plcore.report.site import write_report
from plcore.report.slides import STEM, TALL, WIDE, find_deck, on_a_slide, read_deck, slide_figure

STEMS = (STEM, "01_start_here", "03_more")

BEFORE = "## {n}. {heading}\n\n**Takeaway.** It *rises*, see [above](#top)."
AFTER = (
    "**What the chart does not show.** Who hurts; see [the start](01_start_here.ipynb).\n\n"
    "<details><summary>Question for the class: Why so wide?</summary>\n\n"
    "Because **few** were asked.\n\nIn all 25.\n\n</details>"
)


def framed():
    """A chart of the project: long words around it, and a source."""
    rows = pd.DataFrame({"year": [2005, 2050], "median": [1.6, 3.6], "series": "People"})
    return charts.lines(
        rows.rename(columns={"median": "value"}),
        title="A title so long that it takes two lines or three on the screen of a phone",
        yaxis="People (millions)",
        source="Somebody 2008; the numbers of data/parameters.csv, one row for each of them",
    )


def moving():
    """A chart with frames and a slider."""
    rows = [
        {"year": year, "label": age, "series": "Injury", "value": (year - 1980) * times}
        for year in (1990, 2020, 2050)
        for times, age in enumerate(("0-44", "45-64", "65+"), start=1)
    ]
    return charts.ages_over_years(
        pd.DataFrame(rows), title="Ages", xaxis="People", source="Made up", start=2020
    )


def placed():
    """A map of a shape of its own, which plotly would draw on outlines from a server."""
    ring = [[-100, 30], [-100, 45], [-80, 45], [-80, 30], [-100, 30]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    place = {"type": "Feature", "id": "x", "properties": {}, "geometry": shape}
    places = {"type": "FeatureCollection", "features": [place]}
    figure = go.Figure(go.Choropleth(geojson=places, locations=["x"], z=[1.0]))
    figure.update_geos(fitbounds="locations", visible=False)
    return figure.update_layout(meta={"source": "A drawing"})


def shown(figure, name, *, caption="How to read it", csv="year\n2005\n"):
    """The output of `show(figure)`, or of a table where there is no figure."""
    data = {"text/csv": csv, "text/plain": caption}
    if figure is not None:
        drawn = pio.json.to_json_plotly(figure, engine="json")
        data[PLOTLY] = {"config": CONFIG} | pio.json.from_json_plotly(drawn, engine="json")
    described = {"name": name, "caption": caption, "alt": "It </script> rises.", "numeric": []}
    return new_output("display_data", data=data, metadata={"plcore": described})


def section(n, figure, *, heading="A count", before=BEFORE, after=AFTER, outputs=None):
    outputs = [shown(figure, f"chart_{n}")] if outputs is None else outputs
    return [
        new_markdown_cell(before.format(n=n, heading=heading)),
        new_code_cell("show(figure)", outputs=outputs),
        new_markdown_cell(after),
    ]


def teaching(*sections, stem=STEM):
    """The page of a notebook of teaching charts."""
    cells = [new_markdown_cell("# Charts & a class\n\nThe *lead*."), new_code_cell("x = 1")]
    for each in sections:
        cells += each
    return read_page(new_notebook(cells=cells), Path(f"{stem}.ipynb"), stems=STEMS)


def test_a_slide_has_heading_takeaway_chart_and_notes():
    deck = read_deck(teaching(section(1, framed(), heading="Limbs & pain")))

    assert (deck.title, deck.lead) == ("Charts & a class", "The <em>lead</em>.")
    (slide,) = deck.slides
    assert slide.heading == "Limbs &amp; pain"
    assert slide.takeaway.startswith("It <em>rises</em>, see ")
    assert slide.exhibit.name == "chart_1"
    assert slide.notes.startswith("<p><strong>What the chart does not show.</strong> Who hurts")
    assert slide.question == "Why so wide?"
    assert slide.answer == "<p>Because <strong>few</strong> were asked.</p>\n<p>In all 25.</p>"
    assert slide.source.startswith("Somebody 2008; ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"before": "## {n}. {heading}\n\nIt rises."}, r"no paragraph '\*\*Takeaway\.\*\* \.\.\.'"),
        ({"after": AFTER.replace("Question for the class:", "Why")}, "no '<details><summary>Quest"),
        (
            {"after": AFTER.replace("Because **few** were asked.\n\nIn all 25.", "")},
            "no '<details>",
        ),
        ({"outputs": [shown(framed(), "a"), shown(framed(), "b")]}, "shows a, b; a slide shows"),
        (
            {"outputs": [shown(framed(), "a"), new_output("stream", name="stdout", text="hello")]},
            r"has an output that is no exhibit \(text\)",
        ),
    ],
)
def test_a_section_that_is_no_slide_is_refused_by_its_heading(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        read_deck(teaching(section(1, framed()), section(2, framed(), **changes)))

    assert str(error.value).startswith(f"{STEM}.ipynb, section '2. A count': ")


def test_every_fault_is_named_at_once():
    page = teaching(section(1, framed(), after=""), section(3, framed()))

    with pytest.raises(ValueError, match="section") as error:
        read_deck(page)

    lines = str(error.value).splitlines()
    assert [line.split(": ")[0].split("section ")[1] for line in lines] == [
        "'1. A count'", "'1. A count'", "'3. A count'",
    ]  # fmt: skip
    assert lines[-1].endswith("its number has to be 2")


def test_slides_with_numbers_that_nobody_measured_are_listed():
    said = section(1, framed(), after=AFTER.replace("Who hurts", "It rests on an assumption"))
    in_rows = section(
        2, None, outputs=[shown(framed(), "b", csv="a,seen\n1,memory\n2,secondary\n")]
    )

    deck = read_deck(teaching(said, in_rows, section(3, framed())))

    # The title is the first slide.
    assert deck.doubted() == [("assumed", [2]), ("from memory", [3]), ("second hand", [3])]


def elsewhere(n, link, *, outputs=()):
    """A section that shows a chart of another notebook."""
    text = BEFORE.format(n=n, heading="Borrowed") + f"\n\n**Chart.** [It]({link}).\n\n" + AFTER
    return [new_markdown_cell(text), *outputs]


def other_page(*outputs):
    cells = [new_markdown_cell("# More\n\nText."), new_code_cell("x = 1", outputs=list(outputs))]
    return read_page(new_notebook(cells=cells), Path("03_more.ipynb"), stems=STEMS)


def test_a_slide_may_show_a_chart_of_another_notebook_and_links_to_its_page(tmp_path):
    pages = [
        other_page(shown(framed(), "the_rise")),
        teaching(section(1, moving()), elsewhere(2, "03_more.ipynb#the_rise")),
    ]
    own, borrowed = find_deck(pages).slides

    assert (own.page, borrowed.page) == (STEM, "03_more")
    assert borrowed.exhibit is pages[0].exhibits[0]
    assert borrowed.source.startswith("Somebody 2008; ")
    assert "Chart." not in borrowed.notes
    write_report(pages, tmp_path / "report", stamp=STAMP)
    assert (
        '<a href="03_more.html#the_rise">Numbers' in (tmp_path / "report/slides.html").read_text()
    )
    # On the page, the reader is led to it.
    assert (
        '<a href="03_more.html#the_rise">It</a>' in (tmp_path / f"report/{STEM}.html").read_text()
    )


@pytest.mark.parametrize(
    ("link", "outputs", "message"),
    [
        ("03_more.ipynb#nothing", [], "03_more.ipynb shows nothing called 'nothing'"),
        ("03_more.ipynb#a_table", [], "shows a_table; a slide shows one chart and no table"),
        ("03_more.ipynb#the_rise", ["own"], "shows the_rise, own; a slide shows one chart"),
    ],
)
def test_a_chart_of_another_notebook_has_to_be_one_chart_that_is_there(link, outputs, message):
    other = other_page(shown(framed(), "the_rise"), shown(None, "a_table"))
    own = [new_code_cell("show(figure)", outputs=[shown(framed(), name)]) for name in outputs]

    with pytest.raises(ValueError, match=message) as error:
        find_deck([other, teaching(elsewhere(1, link, outputs=own))])
    assert len(str(error.value).splitlines()) == 1


def test_a_slide_says_outside_the_chart_what_its_marks_are_and_where_it_comes_from():
    (slide,) = read_deck(teaching(section(1, framed()))).slides
    wide = slide_figure(slide.exhibit)["wide"]["layout"]

    names = {note.get("name") for note in wide["annotations"]}
    assert "unit" in names
    assert names & {"title", "caption", "source"} == set()
    assert slide.reading == "Lines: one value a year, without intervals."
    assert min(note["font"]["size"] for note in wide["annotations"]) >= 12
    assert wide["height"] <= TALL


def rows_of(n, *, width=9):
    """A chart of many rows with long labels, of two bars each."""
    label = " ".join(["word"] * width)
    rows = [
        {"label": f"{label} {place}", "value": float(place + 1), "low": 0.5, "high": 20.0,
         "series": series}
        for place in range(n)
        for series in ("first", "second")
    ]  # fmt: skip
    return charts.bars(pd.DataFrame(rows), title="Rows", xaxis="People", source="Made up")


@pytest.mark.parametrize("figure", [rows_of(3), rows_of(8), rows_of(8, width=3)])
def test_rows_keep_their_order_and_their_marks_beside_them(figure):
    plain = pio.json.from_json_plotly(pio.json.to_json_plotly(figure, engine="json"), engine="json")
    wide = on_a_slide(plain)
    before, after = plain["layout"]["yaxis"], wide["layout"]["yaxis"]

    def rows(axis, traces):
        """The row that each bar is nearest to, as the eye has it."""
        return [
            min(range(len(axis["tickvals"])), key=lambda row: abs(axis["tickvals"][row] - y))
            for trace in traces
            for y in trace["y"]
        ]

    assert rows(after, wide["data"]) == rows(before, plain["data"])
    assert [text.replace("<br>", " ") for text in after["ticktext"]] == [
        text.replace("<br>", " ") for text in before["ticktext"]
    ]
    needed = [16 * (text.count("<br>") + 1) for text in after["ticktext"]]
    edges = [0, *after["tickvals"], after["range"][0]]
    for place, height in enumerate(needed):
        upper, lower = edges[place], edges[place + 2]
        assert after["tickvals"][place] - (upper if place else 0) >= height / 2
        assert lower - after["tickvals"][place] >= height / 2
    # The traces that the page has are as they were.
    assert plain["layout"]["height"] > 0
    assert (
        plain["data"]
        == pio.json.from_json_plotly(pio.json.to_json_plotly(figure, engine="json"), engine="json")[
            "data"
        ]
    )


def test_labels_at_the_ends_of_lines_do_not_overlap_on_a_slide():
    names = [f"A line whose label takes three lines, number {n}" for n in range(4)]
    table = pd.DataFrame({"x": [0, 1] * 4, "value": [0.2, 0.5, 0.3, 0.51, 0.4, 0.49, 0.1, 0.5],
                          "series": np.repeat(names, 2)})  # fmt: skip
    figure = charts.curves(table, title="T", xaxis="x", yaxis="y", source="S").to_dict()
    layout = on_a_slide(figure)["layout"]
    plot = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
    bottom, top = layout["yaxis"]["range"]
    notes = sorted((n for n in layout["annotations"] if n.get("name") == "series"),
                   key=lambda note: note["ay"])  # fmt: skip
    for low, high in itertools.pairwise(notes):
        lines = (low["text"].count("<br>") + high["text"].count("<br>") + 2) / 2
        assert (high["ay"] - low["ay"]) * plot / (top - bottom) > lines * LABEL_LINE


def test_panels_stand_side_by_side_with_the_icons_they_had():
    people = pd.DataFrame(
        [
            ("First", "hurt", 30),
            ("First", "not", 70),
            ("Second", "hurt", 60),
            ("Second", "not", 40),
        ],
        columns=["panel", "label", "count"],
    ).assign(look=["pain", "painless"] * 2)
    figure = charts.icons(people, title="Icons", unit="People", caption="", source="Made up")
    plain = pio.json.from_json_plotly(pio.json.to_json_plotly(figure, engine="json"), engine="json")
    wide = on_a_slide(plain)

    first, second = wide["data"][:2], wide["data"][2:]
    assert max(x for trace in first for x in trace["x"]) < min(x for t in second for x in t["x"])
    assert {y for trace in first for y in trace["y"]} == {y for t in second for y in t["y"]}
    assert [len(t["x"]) for t in wide["data"]] == [len(t["x"]) for t in plain["data"]]
    assert wide["layout"]["height"] < plain["layout"]["height"]


def test_a_report_without_teaching_charts_has_no_slides_and_no_link_to_any(tmp_path):
    page = teaching(section(1, framed()), stem="01_start_here")
    assert find_deck([page]) is None

    write_report([page], tmp_path / "report", stamp=STAMP)

    assert list((tmp_path / "report").glob("slides*")) == []
    for path in (tmp_path / "report").glob("*.html"):
        assert "slides" not in path.read_text(), path.name


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with a deck of three charts: five slides."""
    folder = tmp_path_factory.mktemp("slides") / "report"
    page = teaching(section(1, framed()), section(2, moving()), section(3, placed()))
    write_report([page], folder, stamp=STAMP)
    return folder


def test_the_deck_has_title_charts_and_sources(report):
    text = (report / "slides.html").read_text()

    assert re.findall(r'<section class="slide (\w+)" id="(\d)"', text) == [
        ("title", "1"), ("chart", "2"), ("chart", "3"), ("chart", "4"), ("sources", "5"),
    ]  # fmt: skip
    assert "Data of 2026-11-19 · plcore 0.1.0, commit 0123456789 of 2026-11-20" in text
    assert '<li value="4"><a href="#4">A count</a>: A drawing</li>' in text
    # Each in the line below its chart, whose own is left out.
    assert text.count(" Source: ") == 3
    assert "<p>How to read it.</p>" in text
    assert "It &lt;/script&gt; rises." in text
    assert text.count("<h1") == 1
    assert text.count("</script>") == 6


# --- in a browser -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    with chromium() as program:
        yield program


@pytest.fixture
def open_deck(browser, report):
    """Open the deck in a window; what it complains of or asks for outside fails the test."""
    contexts, heard = [], []

    def opened(width=1280, height=720, *, at="", **settings):
        settings["viewport"] = {"width": width, "height": height}
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((report.as_uri(), "data:", "blob:"))
                else heard.append(request.url)
            ),
        )
        page.goto((report / "slides.html").as_uri() + at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


def place(page):
    """Number in the address, in the bar, and of the slide that is seen."""
    return page.evaluate(
        """() => [location.hash, document.getElementById("place").textContent,
            [...document.querySelectorAll(".slide")]
                .filter((slide) => getComputedStyle(slide).visibility === "visible")
                .map((slide) => slide.id).join()]"""
    )


#: Of every chart, how far it reaches over the slide it is on; and how many shapes it has.
MEASURED = """() => [...document.querySelectorAll(".slide.chart")].map((slide) => {
    const room = slide.getBoundingClientRect();
    const svg = slide.querySelector(".main-svg").getBoundingClientRect();
    const drawing = slide.querySelector(".drawing");
    const words = [...drawing.querySelectorAll(".annotation-text, .legendtext, .slider-label")]
        .map((word) => word.getBoundingClientRect()).filter((box) => box.width > 0);
    return {
        over: Math.max(svg.right - room.right, svg.bottom - room.bottom, room.left - svg.left),
        cut: Math.max(0, ...words.map((box) => Math.max(box.right - svg.right,
            box.bottom - svg.bottom, svg.left - box.left, svg.top - box.top))),
        width: svg.width, height: svg.height,
        shapes: drawing.querySelectorAll(".point path, .choroplethlayer path, .js-line").length,
    };
})"""


def test_keys_turn_the_slides_and_the_address_says_which(open_deck):
    page = open_deck()
    seen = []
    keys = ("ArrowRight", "PageDown", " ", "ArrowLeft", "PageUp", "End", "ArrowRight", "Home")
    for key in (*keys, "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press("Space" if key == " " else key)
        address, in_bar, visible = place(page)
        assert (address, in_bar) == (f"#{visible}", f"{visible} / 5")
        seen.append(int(visible))

    assert seen == [2, 3, 4, 3, 2, 5, 5, 1, 2, 1, 1]


def test_buttons_do_what_keys_do_and_space_works_the_button_with_the_focus(open_deck):
    page = open_deck(at="#2")
    page.get_by_role("button", name="Next slide").click()
    assert place(page)[2] == "3"
    page.get_by_role("button", name="Previous slide").focus()
    page.keyboard.press("Space")
    assert place(page)[2] == "2"
    assert page.locator("#said").text_content() == "Slide 2 of 5: A count"

    notes = page.locator(".current .notes")
    assert not notes.is_visible()
    page.keyboard.press("n")
    assert notes.is_visible()
    button = page.get_by_role("button", name="Notes")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert not notes.is_visible()

    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    assert place(page)[2] == "2"


@pytest.mark.parametrize(
    ("size", "scheme"),
    [((1920, 1080), "dark"), ((390, 844), "light")],
    ids=["large and dark", "phone"],
)
def test_charts_are_drawn_whole_on_every_screen(open_deck, size, scheme):
    page = open_deck(*size, color_scheme=scheme)
    for _ in range(4):
        page.keyboard.press("PageDown")

    charts_seen = page.evaluate(MEASURED)
    assert [chart["shapes"] > 0 for chart in charts_seen] == [True, True, True]
    assert max(chart["cut"] for chart in charts_seen) <= 1
    sideways = page.evaluate("document.documentElement.scrollWidth")
    assert sideways <= size[0]
    if size[0] > WIDE:
        # Half of the height at least is for the chart.
        assert max(chart["over"] for chart in charts_seen) <= 0
        assert min(chart["height"] for chart in charts_seen) > size[1] * 0.4
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}[scheme]


def test_a_swipe_turns_the_slide_and_a_finger_drawn_down_does_not(open_deck):
    page = open_deck(390, 844, has_touch=True, is_mobile=True)
    swipe = """([dx, dy]) => {
        const target = document.querySelector(".slide.current");
        const at = (x, y) => new Touch({ identifier: 1, target, clientX: x, clientY: y });
        const begun = at(200, 400), ended = at(200 + dx, 400 + dy);
        const options = { bubbles: true, changedTouches: [begun], touches: [begun] };
        target.dispatchEvent(new TouchEvent("touchstart", options));
        target.dispatchEvent(
            new TouchEvent("touchend", { bubbles: true, changedTouches: [ended], touches: [] }));
    }"""
    seen = []
    for movement in ([-120, 10], [-120, -10], [120, 0], [-120, 300], [-20, 0]):
        page.evaluate(swipe, movement)
        seen.append(place(page)[2])

    assert seen == ["2", "3", "2", "2", "2"]


def pages_of(pdf):
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def test_paper_has_a_slide_a_page(open_deck):
    page = open_deck(at="#2")
    page.keyboard.press("n")

    assert pages_of(page.pdf(format="Letter", landscape=True)) == 5
    # A page as wide and as high as a slide, in points: nothing is left of it.
    boxes = set(re.findall(rb"/MediaBox \[([\d. ]+)\]", page.pdf(prefer_css_page_size=True)))
    assert boxes == {b"0 0 960 540"}
    # What the window shows is as it was.
    assert place(page)[2] == "2"
    assert not page.evaluate("document.documentElement.classList.contains('printing')")


def test_on_paper_charts_are_large_and_whole_and_notes_only_where_they_are_shown(open_deck):
    # A phone's window: what is printed does not depend on it.
    page = open_deck(390, 844)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    printed = page.evaluate(MEASURED)
    assert max(chart["over"] for chart in printed) <= 0
    assert max(chart["cut"] for chart in printed) <= 1
    # Of 1280 pixels by 720.
    assert min(chart["width"] for chart in printed) >= WIDE
    assert min(chart["height"] for chart in printed) > 250
    assert not page.locator("#bar").is_visible()
    assert page.locator(".notes:visible").count() == 0

    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    page.keyboard.press("n")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".notes:visible").count() == 3
    fit = "[...document.querySelectorAll('.slide')].map((s) => s.scrollHeight - s.clientHeight)"
    assert max(page.evaluate(fit)) <= 0
