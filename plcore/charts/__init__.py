"""Charts: a tidy table in, a plotly Figure out.

Charts print, they do not compute: no statistics, no files, no `show`. Every function checks its
table at the door, and every Figure carries `layout.meta`: "alt", what it shows in a sentence or
two, and "source". All fit widths of 350 px (a phone) to 1200 px; the height is fixed.

A colour has one meaning everywhere: see the constants, all told apart by colour-blind readers.
Where they are not enough (print in grey, several series) dashes, symbols and hatches differ too.
"""

from plcore.charts._bars import bars, verdict_counts
from plcore.charts._change import pyramid, waterfall
from plcore.charts._claims import claims_against_evidence
from plcore.charts._curves import curves
from plcore.charts._fan import fan
from plcore.charts._forest import forest
from plcore.charts._funnel import funnel
from plcore.charts._lines import lines
from plcore.charts._sensitivity import heat_map, indices, screening
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
    "bars",
    "claims_against_evidence",
    "curves",
    "fan",
    "forest",
    "funnel",
    "heat_map",
    "indices",
    "lines",
    "pyramid",
    "screening",
    "tornado",
    "verdict_counts",
    "waterfall",
]
