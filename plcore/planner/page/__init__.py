"""The planner's web page: one file that looks up and multiplies what was computed here.

* `places`, `nation`, `clinic`, `waits`: what the page holds; `tensor` makes the nation small.
* `grid`: all of it. `lookup`: the page's arithmetic in Python, which the page is tested against.
* `words`, `footnotes`: what the page calls its numbers, and what they rest on.
* `codes`, `write`: the page as text; `assets` has its style and script.
"""

from plcore.planner.page.grid import Grid, planner_grid
from plcore.planner.page.lookup import PageSettings, Row, look_up
from plcore.planner.page.write import planner_html, write_planner

__all__ = [
    "Grid",
    "PageSettings",
    "Row",
    "look_up",
    "planner_grid",
    "planner_html",
    "write_planner",
]
