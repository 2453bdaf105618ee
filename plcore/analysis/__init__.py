"""Which input decides, what it is worth to know, what a trial could show."""

from plcore.analysis.decomposition import decompose, steps
from plcore.analysis.explanation import chain, explain
from plcore.analysis.sensitivity import (
    Answer,
    morris_screening,
    one_way,
    paired_differences,
    partial_rank_correlations,
    ranking,
    sobol_indices,
    threshold,
    two_way,
)
from plcore.analysis.trial_design import (
    SampleSize,
    SimulatedTrials,
    excess_over_control,
    fisher,
    natural_improvement,
    sample_size,
    simulate_trials,
    trial_power,
)
from plcore.analysis.validation import checks, elsewhere
from plcore.analysis.value import (
    adoption_net_benefit,
    capacity_net_benefit,
    evpi,
    evppi_table,
    evsi,
    in_year,
    prevalence_study,
    trial,
)

__all__ = [
    "Answer",
    "SampleSize",
    "SimulatedTrials",
    "adoption_net_benefit",
    "capacity_net_benefit",
    "chain",
    "checks",
    "decompose",
    "elsewhere",
    "evpi",
    "evppi_table",
    "evsi",
    "excess_over_control",
    "explain",
    "fisher",
    "in_year",
    "morris_screening",
    "natural_improvement",
    "one_way",
    "paired_differences",
    "partial_rank_correlations",
    "prevalence_study",
    "ranking",
    "sample_size",
    "simulate_trials",
    "sobol_indices",
    "steps",
    "threshold",
    "trial",
    "trial_power",
    "two_way",
]
