"""Draws, runs over them, summaries, the fit to evidence."""

from plcore.simulate.draws import draw, plain
from plcore.simulate.fit import across, calibrate, under
from plcore.simulate.runs import Model, Run, run
from plcore.simulate.summary import in_words, interval_table, summarise

__all__ = [
    "Model",
    "Run",
    "across",
    "calibrate",
    "draw",
    "in_words",
    "interval_table",
    "plain",
    "run",
    "summarise",
    "under",
]
