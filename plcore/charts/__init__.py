"""Charts: a tidy table in, a plotly Figure out.

Charts print, they do not compute: no statistics, no files, no `show`. Every function checks its
table at the door, and every Figure carries `layout.meta`: "alt", what it shows in a sentence or
two, and "source". All fit widths of 350 px (a phone) to 1200 px; the height is fixed.

A colour has one meaning everywhere: see the constants, all told apart by colour-blind readers.
Where they are not enough (print in grey, several series) dashes, symbols and hatches differ too.

Parameters
----------
title : str
    What the chart shows, in one line.
xaxis, yaxis, unit : str
    The quantity of an axis or of all numbers, and its unit.
source : str
    Printed under the chart: where its numbers come from.
scale : float
    Values are divided by it, as by 1e6 for millions.
interval : str
    Which interval the whiskers are.
"""

from plcore.charts._animated import ages_over_years
from plcore.charts._bars import bars, verdict_counts
from plcore.charts._change import pyramid, waterfall
from plcore.charts._claims import claims_against_evidence
from plcore.charts._curves import curves
from plcore.charts._fan import fan
from plcore.charts._forest import forest
from plcore.charts._funnel import funnel
from plcore.charts._icons import icons
from plcore.charts._lines import lines
from plcore.charts._map import maps
from plcore.charts._sensitivity import heat_map, indices, screening
from plcore.charts._steps import steps
from plcore.charts._template import (
    ASSUMED,
    CLAIM,
    EVIDENCE,
    LIMB_LOSS,
    PAIN,
    PUBLISHED,
    SERIES,
    TEMPLATE,
)
from plcore.charts._tornado import tornado

__all__ = [
    "ASSUMED",
    "CLAIM",
    "EVIDENCE",
    "LIMB_LOSS",
    "PAIN",
    "PUBLISHED",
    "SERIES",
    "TEMPLATE",
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
    "pyramid",
    "screening",
    "steps",
    "tornado",
    "verdict_counts",
    "waterfall",
]
