"""Every page of the report in a real browser: offline, without errors, drawn, wide and narrow.

Driven through Chromium where one is installed; skipped, with the reason, where not.
"""

import pytest
from browsers import YEAR_AXES, chromium, inaccessible, wrong_years

WIDTHS = {"desktop": 1280, "phone": 390}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(own_report):
    """The report of the project's own notebooks."""
    if not own_report.exists():
        pytest.skip("the notebooks give no report; another test says why")
    return own_report


@pytest.fixture(scope="module")
def browser(report):
    # After the report: playwright keeps an event loop running, and building it needs its own.
    with chromium() as program:
        yield program


@pytest.fixture(scope="module")
def visits(report, browser):
    """Page -> what was heard on it, and what was seen on a desktop and, made narrow, on a phone."""
    page = browser.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: requests.append(request.url))
    seen = {}
    # Charts alone and the pages of the reference are many and of one kind each: some of them.
    few = [*sorted(report.glob("figures/*.html"))[::20], *sorted(report.glob("api/**/*.html"))[::7]]
    for path in [*sorted(report.glob("*.html")), *few]:
        complaints.clear()
        requests.clear()
        page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_timeout(100)
        desktop = look(page) | {"tables": wide_tables(page)}
        page.set_viewport_size({"width": WIDTHS["phone"], "height": 900})
        drawn_anew(page)
        seen[str(path.relative_to(report))] = {
            "desktop": desktop,
            "phone": look(page) | {"width_with_all_open": with_all_open(page)},
            "complaints": list(complaints),
            "requests": list(requests),
            "inaccessible": [] if path in few else with_all_folds_open(page),
        }
    page.close()
    return seen


def drawn_anew(page):
    """Wait until all charts are drawn for the width of the window: their axes stand still."""
    if not page.locator(".plot").count():
        return
    before = None
    for _ in range(60):
        # Longer than a page waits, after the window was resized, before it draws anew.
        page.wait_for_timeout(300)
        now = page.evaluate(f"({YEAR_AXES})(document)")
        if now == before:
            return
        before = now


def with_all_open(page):
    """The width of the page with the numbers behind all its charts open; they are closed again."""
    return page.evaluate(
        """() => {
            const closed = [...document.querySelectorAll("details:not([open])")];
            closed.forEach((each) => each.open = true);
            const width = document.documentElement.scrollWidth;
            closed.forEach((each) => each.open = false);
            return width;
        }"""
    )


def wide_tables(page):
    """The tables that are wider than their box, with all that is folded open; closed again."""
    return page.evaluate(
        """() => {
            const closed = [...document.querySelectorAll("details:not([open])")];
            closed.forEach((each) => each.open = true);
            const wider = [...document.querySelectorAll("table")]
                .map((table) => [table, table.parentElement])
                .filter(([table, box]) => table.offsetWidth > box.clientWidth)
                .map(([table, box]) => `${table.closest("[id]")?.id}: ${table.offsetWidth} of ${box.clientWidth}`);
            closed.forEach((each) => each.open = false);
            return wider;
        }"""
    )


def with_all_folds_open(page):
    """What axe finds wrong with the page; last of all, for little is left of the page."""
    # Drawings are hidden from readers aloud, and rows of a table and cells of code are of one
    # kind: with all of them axe takes a minute.
    page.evaluate(
        """() => {
            for (const fold of document.querySelectorAll("details")) fold.open = true;
            for (const drawing of document.querySelectorAll(".main-svg")) drawing.replaceChildren();
            for (const rows of document.querySelectorAll("tbody")) {
                [...rows.rows].slice(3).forEach((row) => row.remove());
            }
            [...document.querySelectorAll("pre")].slice(1).forEach((code) => code.remove());
        }"""
    )
    return inaccessible(page)


def test_axe_finds_nothing_wrong_with_any_page_with_all_folds_open(visits):
    wrong = {name: heard["inaccessible"] for name, heard in visits.items()}

    assert len(wrong) > 10
    assert {name: faults for name, faults in wrong.items() if faults} == {}


def test_the_six_answers_stand_above_the_fold_and_on_two_screens_of_a_phone(report, browser):
    for (width, height), screens in (((1280, 800), 1), ((390, 844), 2)):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto((report / "index.html").as_uri())
        ends = page.evaluate(
            "[...document.querySelectorAll('.answers li')].map((e) => e.getBoundingClientRect().bottom)"
        )
        page.close()
        assert len(ends) == 6
        assert max(ends) <= screens * height, (width, ends)


def test_every_table_fits_a_page_of_1280_pixels(visits):
    wider = {name: heard["desktop"]["tables"] for name, heard in visits.items() if "/" not in name}

    assert len(wider) > 10
    assert {name: tables for name, tables in wider.items() if tables} == {}


def look(page):
    return page.evaluate(
        """() => ({
            years: (YEAR_AXES)(document),
            titles: [...document.querySelectorAll(".plot")].map((plot) =>
                plot.querySelector(".annotation[data-index='0'] text")?.querySelectorAll("tspan.line").length ?? 0),
            plots: document.querySelectorAll(".plot").length,
            drawn: [...document.querySelectorAll(".plot")]
                .filter((plot) => plot.querySelector(".main-svg") !== null).length,
            wider: [...document.querySelectorAll(".plot .main-svg")]
                .filter((svg) => svg.getBoundingClientRect().right > innerWidth + 1).length,
            shared: document.querySelectorAll('[data-title*="Cloud"], [data-title*="hare"]').length,
            width: document.documentElement.scrollWidth,
            unnamed: [...document.querySelectorAll(".plot")]
                .filter((plot) => !plot.getAttribute("aria-label")).length,
        })""".replace("YEAR_AXES", YEAR_AXES)
    )


def test_no_page_asks_for_anything_outside_its_folder(visits, report):
    own = (report.as_uri(), "data:", "blob:")
    outside = {
        page: [url for url in heard["requests"] if not url.startswith(own)]
        for page, heard in visits.items()
    }

    assert all(heard["requests"] for heard in visits.values())
    assert {page: urls for page, urls in outside.items() if urls} == {}


def test_no_page_complains_on_the_console(visits):
    assert {page: h["complaints"] for page, h in visits.items() if h["complaints"]} == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_chart_is_drawn_within_the_window_and_named(visits, width):
    assert sum(heard[width]["plots"] for heard in visits.values()) > 0
    for page, heard in visits.items():
        seen = heard[width]
        assert seen["drawn"] == seen["plots"], page
        assert (seen["wider"], seen["unnamed"]) == (0, 0), page


@pytest.mark.parametrize("width", WIDTHS)
def test_every_axis_of_years_labels_the_years_that_matter_and_no_label_touches_another(
    visits, width
):
    axes = [axis for heard in visits.values() for axis in heard[width]["years"]]

    assert len(axes) >= 6
    assert [fault for axis in axes for fault in wrong_years(axis)] == []


def test_the_words_around_a_chart_take_the_width_they_have(visits):
    phone, desktop = (
        [lines for heard in visits.values() for lines in heard[width]["titles"]]
        for width in ("phone", "desktop")
    )

    # A title of several lines has one where there is room, and none has more than on a phone.
    assert max(phone) > max(desktop) == 1 or max(desktop) == 0 < max(phone)


def test_no_chart_offers_to_upload_itself(visits):
    assert {page for page, heard in visits.items() if heard["desktop"]["shared"]} == set()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(visits, width):
    widths = {page: heard[width]["width"] for page, heard in visits.items()}

    assert {page: wide for page, wide in widths.items() if wide > WIDTHS[width]} == {}


def test_the_numbers_behind_a_chart_open_without_making_the_page_wider(visits, report, browser):
    page = browser.new_page(viewport={"width": WIDTHS["phone"], "height": 900})
    page.goto((report / "02_claims_and_evidence.html").as_uri())
    # By hand, as a reader would; a page has dozens.
    page.locator("details > summary").first.click()
    assert page.locator("details[open]").count() == 1
    page.close()
    widths = {name: heard["phone"]["width_with_all_open"] for name, heard in visits.items()}
    assert {name: wide for name, wide in widths.items() if wide > WIDTHS["phone"]} == {}
