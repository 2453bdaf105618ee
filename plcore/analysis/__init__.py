"""Which input decides, what it is worth to know, why the number is what it is, what a trial shows.

- `design`: `Quantity`, the outcome and year that are asked about, and the model runs behind it
- `what_if`: one parameter moved at a time, or two; where the result crosses a line
- `global_sensitivity`: Sobol indices, Shapley effects for groups of inputs that hang together, as in
  a posterior, partial rank correlations, every method of SALib
- `comparison`: scenarios draw by draw; why the number of people with limb loss changes
- `value`: what it is worth to know an input, or to do a study, before a decision (`smoothing`: fits)
- `explanation`: from a result to its inputs, their evidence and sources
- `validation`: how well the limb loss model predicts what was counted
- `elsewhere`: limb loss and pain in other countries, at the rates that they publish
- `trial_design`: power, sample size, simulated trials, and what scores say about responders
"""

from plcore.analysis.comparison import compare, decompose, from_published, ranking, waterfall_table
from plcore.analysis.design import Quantity
from plcore.analysis.elsewhere import other_countries
from plcore.analysis.explanation import explain, explain_in_words
from plcore.analysis.global_sensitivity import (
    input_groups,
    partial_rank_correlations,
    salib_outputs,
    salib_problem,
    shapley_effects,
    sobol_indices,
)
from plcore.analysis.trial_design import (
    SampleSize,
    SimulatedTrials,
    excess_over_control,
    natural_improvement,
    sample_size,
    simulate_trials,
    trial_power,
)
from plcore.analysis.validation import (
    predictive_checks,
    prior_sensitivity,
    stored_checks,
)
from plcore.analysis.value import (
    adoption_net_benefit,
    capacity_net_benefit,
    evpi,
    evppi_table,
    evsi,
    narrowing,
    prevalence_study,
    trial_study,
)
from plcore.analysis.what_if import one_way, threshold, two_way

__all__ = [
    "Quantity",
    "SampleSize",
    "SimulatedTrials",
    "adoption_net_benefit",
    "capacity_net_benefit",
    "compare",
    "decompose",
    "evpi",
    "evppi_table",
    "evsi",
    "excess_over_control",
    "explain",
    "explain_in_words",
    "from_published",
    "input_groups",
    "narrowing",
    "natural_improvement",
    "one_way",
    "other_countries",
    "partial_rank_correlations",
    "predictive_checks",
    "prevalence_study",
    "prior_sensitivity",
    "ranking",
    "salib_outputs",
    "salib_problem",
    "sample_size",
    "shapley_effects",
    "simulate_trials",
    "sobol_indices",
    "stored_checks",
    "threshold",
    "trial_power",
    "trial_study",
    "two_way",
    "waterfall_table",
]
