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
from plcore.analysis.trial_design.conversion import excess_over_control, natural_improvement
from plcore.analysis.trial_design.power import shares_power
from plcore.analysis.trial_design.sample_size import sample_size
from plcore.analysis.trial_design.simulation import parallel_shares
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
    "in_year",
    "morris_screening",
    "natural_improvement",
    "one_way",
    "paired_differences",
    "parallel_shares",
    "partial_rank_correlations",
    "prevalence_study",
    "ranking",
    "sample_size",
    "shares_power",
    "sobol_indices",
    "steps",
    "threshold",
    "trial",
    "two_way",
]
