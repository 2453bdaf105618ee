"""The browser that tests drive, where one is installed."""

import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PROGRAM = next((path for path in map(shutil.which, NAMES) if path is not None), None)


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
