"""Every page of the report in a real browser: offline, without errors, drawn, wide and narrow.

Driven through Chromium where one is installed; skipped, with the reason, where not.
"""

import pytest
from browsers import chromium

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
    """Page -> what was heard on it, and what was seen on a phone and, widened, on a desktop."""
    page = browser.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: requests.append(request.url))
    seen = {}
    # Charts alone and the pages of the reference are many and of one kind each: some of them.
    few = [*sorted(report.glob("figures/*.html"))[::10], *sorted(report.glob("api/**/*.html"))[::4]]
    for path in [*sorted(report.glob("*.html")), *few]:
        complaints.clear()
        requests.clear()
        page.set_viewport_size({"width": WIDTHS["phone"], "height": 900})
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_timeout(100)
        phone = look(page)
        page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
        page.wait_for_timeout(200)
        seen[str(path.relative_to(report))] = {
            "phone": phone,
            "desktop": look(page),
            "complaints": list(complaints),
            "requests": list(requests),
        }
    page.close()
    return seen


def look(page):
    return page.evaluate(
        """() => ({
            plots: document.querySelectorAll(".plot").length,
            drawn: [...document.querySelectorAll(".plot")]
                .filter((plot) => plot.querySelector(".main-svg") !== null).length,
            wider: [...document.querySelectorAll(".plot .main-svg")]
                .filter((svg) => svg.getBoundingClientRect().right > innerWidth + 1).length,
            shared: document.querySelectorAll('[data-title*="Cloud"], [data-title*="hare"]').length,
            width: document.documentElement.scrollWidth,
            unnamed: [...document.querySelectorAll(".plot")]
                .filter((plot) => !plot.getAttribute("aria-label")).length,
        })"""
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


def test_no_chart_offers_to_upload_itself(visits):
    assert {page for page, heard in visits.items() if heard["desktop"]["shared"]} == set()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(visits, width):
    widths = {page: heard[width]["width"] for page, heard in visits.items()}

    assert {page: wide for page, wide in widths.items() if wide > WIDTHS[width]} == {}


def test_the_numbers_behind_a_chart_open_without_making_the_page_wider(report, browser):
    page = browser.new_page(viewport={"width": WIDTHS["phone"], "height": 900})
    for path in sorted(report.glob("[0-9]*.html"))[1::2]:
        page.goto(path.as_uri())
        # The first by hand, as a reader would; a page has dozens.
        page.locator("details > summary").first.click()
        assert page.locator("details[open]").count() == 1
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert look(page)["width"] <= WIDTHS["phone"], path.name
    page.close()
