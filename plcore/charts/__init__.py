"""Charts: a tidy table in, a plotly Figure out.

Charts print, they do not compute: no statistics and no files. Every function checks its table
first, and every Figure carries `layout.meta`: its title, its source, and "alt", what it shows in a
sentence or two. All fit widths of 350 px (a phone) to 1200 px; the height is fixed.

A colour has one meaning everywhere (`CLAIM`, `EVIDENCE`, `LIMB_LOSS`, `PAIN`, `PUBLISHED`), and
colour-blind readers can tell them apart. Dashes, symbols and hatches do so in grey.

- `rows`: bars, steps over orders of magnitude, waterfalls, and the layout of labelled rows;
- `years`: fans and lines over the years, curves over any other quantity;
- `studies`: forest and funnel plots, and observations in their predictive intervals;
- `claims`: claims against the evidence, and counts of verdicts;
- `sensitivity`: tornado, Sobol indices, Morris plane, heat map;
- `people`: pyramids, ages from year to year, one icon for everybody;
- `geography`: maps;
- `display`: `show`, which puts a chart or a table into a notebook and the report, and a picture of
  the chart for viewers that cannot draw it;
- `frame`: colours, fonts, the texts around a chart, and the checks of its table.
"""

from plcore.charts.claims import claims_against_evidence, verdict_counts
from plcore.charts.display import show
from plcore.charts.frame import CLAIM, EVIDENCE, LIMB_LOSS, PAIN, PUBLISHED
from plcore.charts.geography import maps
from plcore.charts.people import ages_over_years, icons, pyramid
from plcore.charts.rows import bars, steps, waterfall
from plcore.charts.sensitivity import heat_map, indices, screening, tornado
from plcore.charts.studies import forest, funnel, predictions
from plcore.charts.years import curves, fan, lines

__all__ = [
    "CLAIM",
    "EVIDENCE",
    "LIMB_LOSS",
    "PAIN",
    "PUBLISHED",
    "ages_over_years",
    "bars",
    "claims_against_evidence",
    "curves",
    "fan",
    "forest",
    "funnel",
    "heat_map",
    "icons",
    "indices",
    "lines",
    "maps",
    "predictions",
    "pyramid",
    "screening",
    "show",
    "steps",
    "tornado",
    "verdict_counts",
    "waterfall",
]
