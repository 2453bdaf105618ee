"""Value of information: what it would be worth to know more before deciding.

Net benefits (n_draws, n_options) and the draws they came from in, a value with its Monte-Carlo
limits out; the model is not run again.

Draw with `plcore.simulate.draws.plain`. Few Sobol draws of many parameters have patterns between columns,
which a regression on several of them takes for dependence: with 2,048 draws of 75 parameters, eight
that hardly matter seemed worth ten times their value.

* `evpi`, `evppi`, `evsi`, `evppi_table`: all is known, some parameters, what a study finds.
* `capacity_net_benefit`, `adoption_net_benefit`: decisions; `in_year` takes an outcome of a run.
* `prevalence_study`, `trial`: what a study would find, simulated in each draw.

Why not a library. heormodel (0.7.4) and voiage (0.2.1) give a number without an error, though at
10,000 draws that is some 2% of a large EVPPI and the whole of a small one. voiage fits a straight
line unless told otherwise: 0.02 where the truth is 0.48. heormodel's default for several parameters
adds one curve for each: 0.01 where two count by their product and the truth is 0.32; its Gaussian
process is sound (`benchmarks/value.py` has all four).
"""

from plcore.analysis.value.decisions import adoption_net_benefit, capacity_net_benefit, in_year
from plcore.analysis.value.information import ValueOfInformation, evpi, evppi, evppi_table, evsi
from plcore.analysis.value.smoothing import Smoothed, Smoother, gaussian_process, spline
from plcore.analysis.value.studies import prevalence_study, trial

__all__ = [
    "Smoothed",
    "Smoother",
    "ValueOfInformation",
    "adoption_net_benefit",
    "capacity_net_benefit",
    "evpi",
    "evppi",
    "evppi_table",
    "evsi",
    "gaussian_process",
    "in_year",
    "prevalence_study",
    "spline",
    "trial",
]
