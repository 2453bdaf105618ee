"""What is known: tables and their checks, sources, studies pooled, trials, populations.

- `data`: read a table of `data/`, cite its sources;
- `table`, `columns`, `schema`: a checked CSV file, and what each table must hold;
- `claims`: the clinic pages' claims beside the sources that decide them;
- `distributions`, `parameters`: uncertain numbers; `labels`: what readers call them;
- `prevalence`: how many have phantom limb pain, and how bad it is, pooled from studies;
- `spread`: those studies side by side, and why they differ;
- `appraisal`: how good studies and trials are, how they came in, whether the weakest decide;
- `pooling`: meta-analysis;
- `observation_table`, `observations`: counts of US limb loss that a model can be held against;
- `trials`, `trial_tables`: response rates, comparisons, and what trials found by treatment;
- `population`: people and mortality by age, sex and year.
"""

from plcore.evidence.appraisal import appraised, flow_of_studies, with_and_without
from plcore.evidence.claims import (
    audit_table,
    comparable_claims,
    seen_counts,
    verdict_counts,
    verdicts_in_words,
)
from plcore.evidence.data import DATA, cite, estimate_points, read, reference
from plcore.evidence.labels import label_of
from plcore.evidence.observations import observation_points, read_observations
from plcore.evidence.parameters import Parameter
from plcore.evidence.pooling import HalfNormal
from plcore.evidence.population import Population, read_population, total
from plcore.evidence.prevalence import (
    childhood_claims,
    logits,
    pain_after_minor_loss,
    pool_prevalence,
    prevalence_studies,
    prevalence_table,
    severity_findings,
)
from plcore.evidence.spread import (
    disagreement,
    explained_by,
    forest_by,
    forest_table,
    funnel_points,
    one_more_study,
    ways_of_pooling,
)
from plcore.evidence.trials.contrasts import pool_effects, pool_responses, ways_of_pooling_effects
from plcore.evidence.trials.response import ResponseRate, response_rate
from plcore.evidence.trials.treatments import (
    claims_and_trials,
    comparisons,
    contrast_forest,
    mean_differences,
    response_forest,
    treatments_named,
    trial_arms,
)

__all__ = [
    "DATA",
    "HalfNormal",
    "Parameter",
    "Population",
    "ResponseRate",
    "appraised",
    "audit_table",
    "childhood_claims",
    "cite",
    "claims_and_trials",
    "comparable_claims",
    "comparisons",
    "contrast_forest",
    "disagreement",
    "estimate_points",
    "explained_by",
    "flow_of_studies",
    "forest_by",
    "forest_table",
    "funnel_points",
    "label_of",
    "logits",
    "mean_differences",
    "observation_points",
    "one_more_study",
    "pain_after_minor_loss",
    "pool_effects",
    "pool_prevalence",
    "pool_responses",
    "prevalence_studies",
    "prevalence_table",
    "read",
    "read_observations",
    "read_population",
    "reference",
    "response_forest",
    "response_rate",
    "seen_counts",
    "severity_findings",
    "total",
    "treatments_named",
    "trial_arms",
    "verdict_counts",
    "verdicts_in_words",
    "ways_of_pooling",
    "ways_of_pooling_effects",
    "with_and_without",
]
