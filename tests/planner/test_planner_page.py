"""The planner's page in a real browser: its numbers, its errors, its files, paper and keyboard.

Driven through Chromium where one is installed; skipped, with the reason, where not.
"""

import csv
import io
import re
import zipfile
from dataclasses import asdict
from xml.etree import ElementTree

import pytest
from browsers import chromium
from planner_grids import random_settings, shared_grid

from plcore.planner.page import PageSettings, look_up, planner_html
from plcore.planner.page.words import shown
from plcore.report.site import Stamp, write_report

STAMP = Stamp("1.2.3", "0123456789", "2026-01-01", "2025-12-31", changed=False)
LA = "counties=06037&radius_km=100"


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return shared_grid(tmp_path_factory)


@pytest.fixture(scope="module")
def report(grid, tmp_path_factory):
    folder = tmp_path_factory.mktemp("planner") / "report"
    html = planner_html(grid, made_from=STAMP.in_words())
    write_report([], folder, stamp=STAMP, planner=html)
    return folder


@pytest.fixture(scope="module")
def browser(report):
    with chromium() as program:
        yield program


@pytest.fixture(scope="module")
def context(browser, report):
    """A window that nothing may be asked of the network in, nor said on the console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    own = ((report / "planner.html").as_uri(), "data:", "blob:")
    complaints = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda request: complaints.append(request.url))
    yield context
    context.close()
    assert [each for each in complaints if not each.startswith(own)] == []


@pytest.fixture(scope="module")
def steady(context, report):
    """One page for many questions, opened with settings that are right."""
    page = context.new_page()
    page.goto(f"{(report / 'planner.html').as_uri()}#{LA}")
    return page


@pytest.fixture
def open_page(context, report):
    """A function from the settings in the address to a page of its own."""
    pages = []

    def opened(address="", width=1280):
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        file = (report / "planner.html").as_uri()
        page.goto(f"{file}#{address}" if address else file)
        return page

    yield opened
    for page in pages:
        page.close()


# Without a browser --------------------------------------------------------------------------------


def test_the_page_is_one_small_file_that_names_no_other(report):
    html = (report / "planner.html").read_text(encoding="utf-8")

    assert len(html.encode()) < 3e6
    assert re.findall(r"<(?:link|script|img|iframe)\b[^>]*(?:src|href)=(?!\"data:)", html) == []
    assert "plotly" not in html.lower()


def test_the_page_is_the_same_bytes_when_written_again(grid, report):
    again = planner_html(grid, made_from=STAMP.in_words())

    assert (report / "planner.html").read_bytes() == again.encode()


def test_the_report_leads_to_the_planner_where_there_is_one(report, tmp_path):
    assert 'href="planner.html"' in (report / "index.html").read_text()

    write_report([], tmp_path / "without", stamp=STAMP)

    assert "planner.html" not in (tmp_path / "without" / "index.html").read_text()
    assert not (tmp_path / "without" / "planner.html").exists()


# Numbers ------------------------------------------------------------------------------------------

ROWS = """(settings) => planner.lookUp(planner.grid, settings).rows.map((row) => [
    row.key,
    ...[row.median, row.low, row.high].map((end) => planner.shown(end, row.unit, planner.grid)),
])"""


def test_the_page_agrees_with_python_to_the_printed_digit(grid, steady):
    page = steady
    for settings in random_settings(grid, 60, seed=1):
        expected = [
            [row.key, *(shown(end, row.unit) for end in (row.median, row.low, row.high))]
            for row in look_up(grid, settings)
        ]
        assert page.evaluate(ROWS, asdict(settings)) == expected, settings


def test_what_is_typed_is_what_is_worked_out_and_shown(grid, open_page):
    page = open_page(LA)
    for name, value in {
        "year": "2031",
        "served_percent": "35",
        "chairs": "4",
        "hours": "7.5",
    }.items():
        page.fill(f"#{name}", value)
    page.select_option("#scenario", "post_2009_rise")
    page.select_option("#severity", "weekly")
    page.select_option("#infusions", "12")
    page.select_option("#returns", "none")
    settings = PageSettings(
        counties=("06037",), radius_km=100.0, year=2031, served_percent=35.0, chairs=4, hours=7.5,
        scenario="post_2009_rise", severity="weekly", infusions=12, returns="none",
    )  # fmt: skip

    cells = page.locator("#tables tr[data-key]").evaluate_all(
        "(rows) => rows.map((row) => [row.dataset.key,"
        " ...[...row.querySelectorAll('.number')].map((cell) => cell.textContent)])"
    )

    found = {row.key: row for row in look_up(grid, settings)}
    assert {key for key, *_ in cells} >= set(found) - {"growth_a_week"}
    for key, median, limits in cells:
        row = found[key]
        middle, low, high = (shown(end, row.unit) for end in (row.median, row.low, row.high))
        assert median == middle
        assert limits == ("" if row.low == row.high == row.median else f"{low} to {high}")
    assert "your number" in page.inner_text("tr[data-key=choosing]")
    assert "assumed" in page.inner_text("tr[data-key=accepting]")


def test_counties_on_the_map_are_those_looked_up_one_by_one(grid, steady):
    page = steady
    pain = page.evaluate(
        """() => Array.from(planner.meanPain(planner.grid, { scenario: "high_income", year: 2034 }))"""
    )
    from plcore.planner.page.lookup import people_around

    for code in ("06037", "48301", "02016", "15003"):
        settings = PageSettings(counties=(code,), scenario="high_income", year=2034)
        mean = people_around(grid, settings).values["plp"][:, 0].mean()
        assert pain[grid.places.fips.tolist().index(code)] == pytest.approx(mean, rel=1e-9)


# Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("radius_km", "-5", "The radius is “-5”; expected a number from 0 to 5000."),
        ("radius_km", "far", "The radius is “far”; expected a number"),
        ("chairs", "0", "The number of chairs is “0”; expected a whole number from 1 to 12."),
        ("chairs", "2.5", "expected a whole number from 1 to 12."),
        ("chairs", "", "The number of chairs is empty"),
        ("served_percent", "150", "The share served is “150”; expected a number from 0 to 100."),
        ("accepting_percent", "0,5", "is “0,5”; expected a number from 0 to 100."),
        ("hours", "1", "1 hour holds no visit of 85 minutes; expected 1.5 hours or more."),
        ("hours", "7.3", "expected half hours"),
        ("hours", "25", "expected a number from 0.5 to 12."),
        ("year", "2050", "The year is “2050”; expected a whole number from 2025 to 2040."),
        ("year", "1e3", "The year is “1e3”"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_stale_is_shown(
    steady, field, typed, message
):
    page = steady
    page.fill(f"#{field}", typed)

    assert message in page.inner_text(f"#{field}-error")
    assert page.get_attribute(f"#{field}", "aria-invalid") == "true"
    assert f"{field}-error" in page.get_attribute(f"#{field}", "aria-describedby")
    for part in ("said", "tables", "actions", "place"):
        assert not page.is_visible(f"#{part}")
    assert message in page.inner_text("#faults")

    page.fill(f"#{field}", {"year": "2030", "radius_km": "60", "chairs": "2"}.get(field, "8"))

    assert page.is_visible("#said")
    assert page.inner_text(f"#{field}-error") == ""


def test_a_county_that_is_unknown_or_not_yet_chosen_is_said(open_page):
    page = open_page(LA)
    page.fill("#county", "Atlantis")
    page.press("#county", "Enter")
    assert "No county “Atlantis”; expected a name" in page.inner_text("#county-error")
    assert not page.is_visible("#tables")

    page.fill("#county", "washington county")
    page.press("#county", "Tab")
    assert re.search(r"\d+ counties fit “washington county”", page.inner_text("#county-error"))

    page.fill("#county", "53033")
    page.press("#county", "Enter")
    assert page.inner_text("#county-error") == ""
    assert page.inner_text("#place").startswith("King County, WA")


def test_a_link_with_wrong_settings_says_so_beside_each(open_page):
    page = open_page("counties=06037,99999&scenario=hope&chairs=none&colour=red")

    assert "no known county “99999”" in page.inner_text("#county-error")
    assert "“hope”, which is not known" in page.inner_text("#scenario-error")
    assert "The number of chairs is “none”" in page.inner_text("#chairs-error")
    assert "unknown setting “colour”" in page.inner_text("#link-errors")
    assert not page.is_visible("#tables")


def test_demand_above_capacity_is_said_with_the_growth_of_the_list(open_page):
    page = open_page(
        "counties=06037&radius_km=1000&severity=any&accepting_percent=100&served_percent=100"
        "&chairs=1&hours=2"
    )
    said = page.inner_text("#said")

    assert (
        "In that year demand is above capacity: while that lasts, the waiting list grows by" in said
    )
    assert "Even 12 chairs do not keep the load" in said
    assert "does not settle" in page.inner_text("tr[data-key=wait_mean]")


# Settings taken along -----------------------------------------------------------------------------


def test_the_link_brings_back_every_setting(open_page):
    page = open_page(
        "counties=06037,06059&year=2035&scenario=high_income&severity=any&accepting_percent=20"
        "&served_percent=&infusions=5&returns=none&hours=6.5&chairs=3"
    )
    before = page.inner_text("#tables")
    page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard',"
        " { value: { writeText: async (text) => { window.copied = text; } } })"
    )
    page.click("#copy")
    page.wait_for_function("() => window.copied !== undefined")
    link = page.evaluate("() => window.copied")
    again = open_page(link.split("#")[1])

    assert again.inner_text("#tables") == before
    assert again.input_value("#hours") == "6.5"
    assert again.inner_text("#place") == "Los Angeles County, CA; Orange County, CA."


def test_the_address_follows_the_fields(open_page):
    page = open_page()
    page.fill("#chairs", "7")
    page.wait_for_function("() => location.hash.includes('chairs=7')")
    page.evaluate("() => { location.hash = 'counties=53033&chairs=5'; }")
    page.wait_for_function("() => document.getElementById('place').textContent.startsWith('King')")

    assert page.input_value("#chairs") == "5"
    assert page.input_value("#radius_km") == ""


def saved(page, button):
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value


def test_the_csv_holds_the_numbers_in_full_and_what_they_rest_on(grid, open_page):
    file = saved(open_page(LA), "#csv")
    content = file.path().read_bytes()

    assert file.suggested_filename == "clinic_plan.csv"
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == ["key", "what", "unit", "median", "low_95", "high_95", "rests_on"]
    by_key = {row[0]: row for row in rows[1:] if len(row) == 7}
    for row in look_up(grid, PageSettings(counties=("06037",), radius_km=100.0)):
        assert float(by_key[row.key][3]) == pytest.approx(row.median, rel=1e-9)
    assert "Hanley 2006" in by_key["sought_care"][6]
    assert "(assumed)" not in by_key["sought_care"][6]
    assert "Assumed" in by_key["choosing"][6]


def test_the_workbook_opens_and_holds_the_same(grid, open_page):
    file = saved(open_page(LA), "#xlsx")
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

    with zipfile.ZipFile(file.path()) as archive:
        assert archive.testzip() is None
        names = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{space}sheet")
        assert [each.get("name") for each in names] == ["Results", "Settings", "Assumptions"]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        for number in (2, 3):
            ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    found = {}
    for row in sheet.iter(f"{space}row"):
        cells = {cell.get("r")[0]: "".join(cell.itertext()) for cell in row}
        found[cells["A"]] = cells
    for row in look_up(grid, PageSettings(counties=("06037",), radius_km=100.0)):
        assert float(found[row.key]["D"]) == pytest.approx(row.median, rel=1e-9)
        assert float(found[row.key]["F"]) == pytest.approx(row.high, rel=1e-9)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_one_page(open_page, paper):
    page = open_page(
        "counties=36061,06037,48301,02016&severity=extremely_bothersome&accepting_percent=80"
        "&served_percent=90&scenario=no_diabetes_adjustment&chairs=1"
    )

    pdf = page.pdf(format=paper)

    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


# Keyboard, phone, map -----------------------------------------------------------------------------


def test_a_place_is_chosen_by_keyboard_alone(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.focus("#county")
    page.keyboard.type("cook il")
    assert page.get_attribute("#county", "aria-expanded") == "true"
    active = page.get_attribute("#county", "aria-activedescendant")
    assert page.inner_text(f"#{active}") == "Cook County, IL"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    assert page.inner_text("#place").startswith("Cook County, IL")
    assert page.get_attribute("#county", "aria-expanded") == "false"
    assert "phantom limb pain now" in page.text_content("#status")


def test_several_counties_are_chosen_one_by_one_and_let_go(open_page):
    page = open_page("counties=06037")
    page.check("input[value=several]")
    for code in ("06059", "06111"):
        page.fill("#county", code)
        page.press("#county", "Enter")
    assert page.locator("#chosen button").count() == 3
    page.click("#chosen button[data-remove='06037']")

    assert page.inner_text("#place") == "Orange County, CA; Ventura County, CA."
    for code in ("06059", "06111"):
        page.click(f"#chosen button[data-remove='{code}']")
    assert "No county is chosen" in page.inner_text("#county-error")
    assert not page.is_visible("#tables")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_county_is_chosen_on_the_map_and_no_page_scrolls_sideways(grid, open_page, width):
    page = open_page("counties=06037", width=width)
    page.wait_for_function("() => map.values !== null && map.paths !== null")
    at = grid.places.fips.tolist().index("36041")
    spot = page.evaluate(
        """(i) => {
            const [x1, y1, x2, y2] = map.outlines[i].box;
            const frame = map.canvas.getBoundingClientRect();
            const scale = frame.width / map.view.width;
            return { x: ((x1 + x2) / 2) * scale, y: ((y1 + y2) / 2) * scale };
        }""",
        at,
    )
    page.click("#map", position=spot)

    assert page.inner_text("#place").startswith("Hamilton County, NY")
    assert "Hamilton County, NY: about" in page.inner_text("#pointed")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_every_field_has_a_label_and_every_result_says_what_it_rests_on(open_page):
    page = open_page(LA)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, select")].filter((field) =>
            field.labels.length === 0 || field.labels[0].textContent.trim() === "").length"""
    )
    page.click("tr[data-key=choosing] a")

    assert unnamed == 0
    assert page.get_attribute("#rests", "open") is not None
    assert "demand choosing" in page.inner_text("tr:focus")
    words = page.inner_text(".basis >> nth=0")
    assert "Limb loss is not phantom limb pain" in words
    assert "No health advice, and not a forecast" in words
