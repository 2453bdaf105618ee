"""The planner's web page: one file that multiplies and looks up what was computed here.

- `numbers`: the counties and their outlines, the nation's limb loss and pain by draw and year,
  what a day in a clinic holds, and how long patients wait
- `write`: all of it as text; `assets` has the page's style and its script, which does the arithmetic
"""

from plcore.planner.page.write import planner_html

__all__ = ["planner_html"]
