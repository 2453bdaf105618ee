"""The browser that tests drive, where one is installed."""

import itertools
import shutil
from contextlib import contextmanager

import pytest

from plcore.charts.frame import YEARS_THAT_MATTER

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PROGRAM = next((path for path in map(shutil.which, NAMES) if path is not None), None)


#: Of the charts within some element: the axes of calendar years, each with its title, its range and
#: the labels that are drawn, with their left and right ends.
YEAR_AXES = """(root) => [...root.querySelectorAll(".js-plotly-plot")].flatMap((plot) =>
    Object.entries(plot._fullLayout).filter(([name, axis]) =>
        /^[xy]axis[0-9]*$/.test(name) && axis.range && axis.range.every((end) =>
            typeof end === "number" && end > 1900 && end < 2150)).map(([name, axis]) => ({
        title: plot._fullLayout.meta?.title,
        range: axis.range,
        labels: [...plot.querySelectorAll(`.${name.replace("axis", "")}tick text`)]
            .filter((text) => text.textContent.trim() !== "").map((text) => {
                const box = text.getBoundingClientRect();
                return [Number(text.textContent), box.left, box.right];
            }),
    })))"""


def wrong_years(axis):
    """What is wrong with the labels of an axis that `YEAR_AXES` found."""
    low, high = sorted(axis["range"])
    labels = sorted(axis["labels"])
    shown = {year for year, *_ in labels}
    faults = [
        f"no {year}" for year in YEARS_THAT_MATTER if low <= year <= high and year not in shown
    ]
    faults += [f"{a[0]} touches {b[0]}" for a, b in itertools.pairwise(labels) if b[1] - a[2] < 1]
    return [f"{axis['title']}: {fault}" for fault in faults]


@contextmanager
def chromium():
    """Chromium without a window and without requests of its own; the test is skipped without one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if PROGRAM is None:
        pytest.skip(f"no browser installed (none of {NAMES})")
    with sync_api.sync_playwright() as playwright:
        program = playwright.chromium.launch(
            executable_path=PROGRAM,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        yield program
        program.close()


def inaccessible(page):
    """What axe finds wrong with a page: of each rule, how many elements break it and the first."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    # Without preload=False axe fetches style sheets, which a page opened from disk may not.
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
    return [
        f"{fault['id']}: {len(fault['nodes'])} times, first {fault['nodes'][0]['html'][:200]}"
        for fault in found.response["violations"]
    ]


@contextmanager
def quiet_window(page):
    """A window in which a page may neither ask the network for anything nor say anything."""
    with chromium() as program:
        context = program.new_context(
            viewport={"width": 1280, "height": 900}, accept_downloads=True
        )
        own = (page.as_uri(), "data:", "blob:")
        complaints = []
        context.on("console", lambda message: complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", lambda request: complaints.append(request.url))
        yield context
        context.close()
        assert [said for said in complaints if not said.startswith(own)] == []
