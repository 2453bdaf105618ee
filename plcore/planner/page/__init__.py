"""The planner's web page: one file that multiplies and looks up what was computed here.

- `places`: the counties, who lives there, and their outlines on the map
- `nation`: the nation's limb loss and pain by draw and year, which counties have shares of
- `clinic`: what a day in a clinic holds, what a patient leads to, and how long patients wait
- `write`: all of it as text; `assets` has the page's style and its script, which does the arithmetic
"""

from plcore.planner.page.write import planner_html

__all__ = ["planner_html"]
