"""`python -m plcore.report [notebooks] [report]`: run every notebook, write the report."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from plcore.report.site import NOTEBOOKS, build_report
from plcore.terminal import ends_in_words


def main(arguments: Sequence[str], *, prog: str = "run.py report") -> int:
    """Exit code: 0 for a report written, 1 for none, the previous one being left as it was."""
    parser = argparse.ArgumentParser(
        prog=prog, description="Run every notebook of a folder and write the report."
    )
    parser.add_argument("notebooks", nargs="?", type=Path, default=NOTEBOOKS)
    parser.add_argument("report", nargs="?", type=Path, default=Path("report"))
    parser.add_argument(
        "--traceback", action="store_true", help="print where in the code a notebook failed"
    )
    parser.add_argument(
        "--no-planner",
        action="store_true",
        help="leave out the planner's page, which takes longest",
    )
    parser.add_argument(
        "--no-explore",
        action="store_true",
        help='leave out the page "What would you have to believe?", which takes some seconds',
    )
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        pages = build_report(
            options.notebooks,
            options.report,
            with_traceback=options.traceback,
            with_planner=not options.no_planner,
            with_explore=not options.no_explore,
            with_reference=True,
        )
    except (ValueError, OSError) as error:
        if options.traceback:
            raise
        print(f"report: {error}", file=sys.stderr)
        return 1
    for page in pages:
        print(f"{page.stem}: {page.title}")
        for warning in page.warnings:
            print("  warning: " + warning.replace("\n", "\n    "))
    print(f"Written in {time.monotonic() - start:.1f} s: open {options.report / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(ends_in_words("report", lambda: main(sys.argv[1:])))
