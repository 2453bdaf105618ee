"""Pooling studies, vectorised over many data sets at once.

- `random_effects`: mean, spread and prediction interval; meta-regression; Egger's test;
- `exact`: shares without logits of counts, by the exact binomial-normal model;
- `bayes`: the uncertainty of the spread carried into quantiles;
- `two_arms`: treatment against control, each trial's own difference pooled.

Why not a library. statsmodels (0.15) pools one data set at a time and has no REML, no moderators
with Knapp-Hartung and no model of proportions. PyMARE (0.0.13) takes data sets in columns, but has
no Paule-Mandel, no proportions and no exact model, and its search takes some ten times as long
(`benchmarks/pooling.py`). pimeta (1.1) divides by zero when a study has all events. What is here is
held to metafor 3.8-1 number by number (`tests/reference/README.md`).
"""

from plcore.evidence.pooling.bayes import (
    HalfNormal,
    Posterior,
    bayes,
)
from plcore.evidence.pooling.exact import likelihood_interval, pool_exact
from plcore.evidence.pooling.random_effects import (
    Egger,
    Pooled,
    Regression,
    dersimonian_laird,
    egger,
    fitted,
    fixed,
    logit_proportion,
    paule_mandel,
    peters,
    pool,
    regress,
    reml,
)
from plcore.evidence.pooling.two_arms import (
    PooledEffect,
    exact_odds_ratio,
    inverse_variance,
    mantel_haenszel,
    peto_odds_ratio,
)

__all__ = [
    "Egger",
    "HalfNormal",
    "Pooled",
    "PooledEffect",
    "Posterior",
    "Regression",
    "bayes",
    "dersimonian_laird",
    "egger",
    "exact_odds_ratio",
    "fitted",
    "fixed",
    "inverse_variance",
    "likelihood_interval",
    "logit_proportion",
    "mantel_haenszel",
    "paule_mandel",
    "peters",
    "peto_odds_ratio",
    "pool",
    "pool_exact",
    "regress",
    "reml",
]
