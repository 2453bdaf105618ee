"""Run the notebooks and write what they show as an offline site.

- `execute`: run notebooks, each in a Python process of its own;
- `page`: what a page holds, read from an executed notebook;
- `site`: the folder of pages, charts and tables, put in place of the previous one when complete.

`python -m plcore.report [notebooks] [report]` does all three.
"""

from plcore.report.site import build_report

__all__ = ["build_report"]
