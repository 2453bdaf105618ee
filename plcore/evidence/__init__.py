"""What is known: tables and their checks, sources, parameters, pooling, trials, populations."""

from plcore.evidence.claims import audit_table, comparable_claims, seen_counts, verdict_counts
from plcore.evidence.data import DATA, cite, read, reference
from plcore.evidence.parameters import Correlation, Parameter
from plcore.evidence.pooled import estimate_points, prevalence_table, severity_findings
from plcore.evidence.pooling import HalfNormal, egger
from plcore.evidence.population import Mortality, Population, read_population, total
from plcore.evidence.prevalence import (
    forest_by,
    forest_table,
    logits,
    pool_prevalence,
    prevalence_studies,
)
from plcore.evidence.spread import explained_by, funnel_points, one_more_study, ways_of_pooling
from plcore.evidence.treatments import (
    claims_and_trials,
    comparisons,
    mean_differences,
    response_forest,
    treatments_named,
    trial_arms,
)
from plcore.evidence.trials.pooled import bayes_pool, latest, pool_responses
from plcore.evidence.trials.response import rate_interval, response_rate, wilson

__all__ = [
    "DATA",
    "Correlation",
    "HalfNormal",
    "Mortality",
    "Parameter",
    "Population",
    "audit_table",
    "bayes_pool",
    "cite",
    "claims_and_trials",
    "comparable_claims",
    "comparisons",
    "egger",
    "estimate_points",
    "explained_by",
    "forest_by",
    "forest_table",
    "funnel_points",
    "latest",
    "logits",
    "mean_differences",
    "one_more_study",
    "pool_prevalence",
    "pool_responses",
    "prevalence_studies",
    "prevalence_table",
    "rate_interval",
    "read",
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
    "ways_of_pooling",
    "wilson",
]
