"""Which assumption decides the answer.

    >>> answer = Answer("plp", 2050)
    >>> one_way(people_with_pain, scenario, answer)                      # a table for a tornado
    >>> two_way(people_with_pain, scenario, answer, "plp_prevalence", "dysvascular_hazard_ratio")
    >>> threshold(people_with_pain, scenario, answer, "plp_prevalence", 2e6).sentence
    >>> morris_screening(people_with_pain, scenario, answer)             # which matter at all
    >>> sobol_indices(people_with_pain, scenario, answer)                # shares of the variance
    >>> partial_rank_correlations(run, answer)                           # no further model runs
    >>> paired_differences([baseline, other], answer)

Every function takes any model of the package, or one with the same signature, on the parameters of
a scenario with their own distributions. Fixed parameters are left out. Sobol indices and Morris
screening need independent parameters and refuse others, unless they move as one group; tornado,
grid and threshold move one or two and hold the rest; rank measures take draws as they are.

The estimators are our own: those of SALib and SciPy keep no correlations within a group, and their
bootstrap is slower. The tests hold ours against the numbers of both.
"""

from plcore.analysis.sensitivity.compare import paired_differences, ranking
from plcore.analysis.sensitivity.design import Answer, evaluate
from plcore.analysis.sensitivity.morris import effects_table, elementary_effects, morris_screening
from plcore.analysis.sensitivity.one_way import Threshold, one_way, threshold, two_way
from plcore.analysis.sensitivity.ranks import (
    RankRegression,
    partial_rank_correlations,
    rank_regression,
)
from plcore.analysis.sensitivity.variance import indices_of, sobol_indices

__all__ = [
    "Answer",
    "RankRegression",
    "Threshold",
    "effects_table",
    "elementary_effects",
    "evaluate",
    "indices_of",
    "morris_screening",
    "one_way",
    "paired_differences",
    "partial_rank_correlations",
    "rank_regression",
    "ranking",
    "sobol_indices",
    "threshold",
    "two_way",
]
