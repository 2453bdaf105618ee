"""Simulation: draws of the parameters, runs of a model over them, and tables of what comes out.

- `draws`: sampled worlds from the distributions of the parameters;
- `runs`: a model over the draws of a scenario, here or on other processes;
- `summary`: medians, intervals and their sampling errors;
- `fit`: draws weighed by published counts, and other scenarios on the same draws.
"""

from plcore.simulate.draws import draw, plain, sobol
from plcore.simulate.fit import across, calibrate, under
from plcore.simulate.runs import Model, Run, run
from plcore.simulate.summary import in_words, interval_table, sampling_errors, summarise

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
    "sampling_errors",
    "sobol",
    "summarise",
    "under",
]
