"""Settings of all tests, and the report that several of them look at."""

import os
import sys
import time
from pathlib import Path

# One thread for linear algebra, before NumPy is loaded: the tests run on several processes.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
# No browser is started for the picture of a chart, but where a test asks for it.
os.environ["PLCORE_PICTURES"] = "no"
# As in `plcore.report.notebooks`: no grammar of web addresses is built, which takes a second.
sys.modules.setdefault("rfc3987_syntax", None)

import pytest
from hypothesis import settings

# The same examples in every run, so that a failure can be seen again; and however busy the machine
# is, an example that takes long is no fault.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


#: Run first, in this order, so that no process waits for another or is left with the longest files
#: at the end. The first builds the report.
LONGEST = (
    "test_browser.py", "test_runs.py", "test_synthesis.py", "test_decisions.py", "test_planner.py",
    "test_planner_page.py", "test_explore.py", "test_slides.py", "test_report.py",
    "test_posterior.py", "test_examples.py",
)  # fmt: skip


#: Fixtures that take long: the whole report, a browser, images of charts. `-m "not slow"` leaves
#: out what needs them.
SLOW = {"own_report", "browser", "drawn"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if SLOW & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else 99)


@pytest.fixture(scope="session")
def own_report(tmp_path_factory):
    """The project's report, whole, built once for all processes that run the tests.

    Where a notebook fails, the first test that needs the report says which and why.
    """
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    report, failed = root / "notebooks_once", root / "notebooks_once.failed"
    try:
        (root / "notebooks_once.begun").touch(exist_ok=False)
    except FileExistsError:
        # Another process builds it, and puts it in its place only when it is complete.
        given_up = time.monotonic() + 1800
        while not report.exists() and not failed.exists():
            if time.monotonic() > given_up:
                pytest.fail("another process began the report and has not ended it in half an hour")
            time.sleep(0.2)
        return report
    # What runs notebooks takes seconds to import; a test of one table need not wait for it.
    from plcore.report.site import build_report

    try:
        build_report(NOTEBOOKS, report, with_planner=True, with_explore=True, with_reference=True)
    except BaseException as error:
        failed.write_text(str(error))
        raise
    return report
