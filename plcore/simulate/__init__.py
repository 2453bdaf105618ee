"""Simulation: draws of the parameters, runs of a model over them, and tables of what comes out.

- `draws`: sampled worlds from the distributions of the parameters;
- `runs`: a model over the draws of a scenario, here or on other processes; medians, intervals
  and their sampling errors;
- `posterior`: a sampler of posteriors; `synthesis`: the limb loss model fitted to all observations.
"""

from plcore.simulate.draws import draw, plain, sobol
from plcore.simulate.runs import (
    Model,
    Run,
    in_words,
    interval_table,
    run,
    sampling_errors,
    summarise,
)

__all__ = [
    "Model",
    "Run",
    "draw",
    "in_words",
    "interval_table",
    "plain",
    "run",
    "sampling_errors",
    "sobol",
    "summarise",
]
