"""Run the notebooks and write what they show as an offline site.

- `execute`: run notebooks, each in a Python process of its own;
- `names`, `api`: the public names, and the reference of them from their docstrings;
- `page`: what a page holds, read from an executed notebook;
- `slides`: the deck read from the page of the teaching charts;
- `site`: the folder of pages, charts and tables, put in place of the previous one when complete;
- `figures`: the charts of a report as images, each with its numbers.

`python -m plcore.report [notebooks] [report]` writes the report, `python -m plcore.report.figures`
its images.
"""

from plcore.report.site import build_report

__all__ = ["build_report"]
