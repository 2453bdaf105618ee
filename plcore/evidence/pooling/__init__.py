"""Random-effects meta-analysis, vectorised over many data sets at once.

Effects in, pooled results out: `logit_proportion` and its kin turn counts into (y, v); `pool` gives
the mean with its interval and prediction interval; `pool_exact` and `likelihood_interval` pool
shares without logits of counts; `regress` and `subgroups` look for what explains the spread;
`bayes` carries the uncertainty of tau into draws. y and v have shape (..., k): studies last,
replicates or draws in front. An estimator of tau2 is a function that is passed on.

Why not a library. statsmodels (0.15) pools one data set at a time and has no REML, no moderators
with Knapp-Hartung and no model of proportions. PyMARE (0.0.13) takes data sets in columns and is
right, but has no Paule-Mandel, no proportions and no exact model, and its search takes some ten
times as long as the steps used here (`benchmarks/pooling.py`). pimeta (1.1) divides by zero when a
study has all events. What is here is held to metafor 3.8-1 number by number
(`tests/reference/README.md`).

Parameters
----------
y, v : array_like, shape (..., k)
    Estimates of k studies on the scale that is pooled and their sampling variances, which must be
    finite and above 0; leading axes are data sets (replicates, draws).
tau2 : Estimator
    How the spread between studies is estimated: `reml`, `paule_mandel`, `maximum_likelihood`,
    `dersimonian_laird` or `fixed`.
knapp_hartung : bool
    Standard errors from the observed scatter and t, or from the weights and the normal.
"""

from plcore.evidence.pooling.bayes import (
    HalfNormal,
    HalfT,
    Posterior,
    bayes,
    mean_quantile,
    new_setting_quantile,
    posterior_draws,
)
from plcore.evidence.pooling.effects import (
    log_odds_ratio,
    log_risk_ratio,
    logit_proportion,
    mean_difference,
    risk_difference,
)
from plcore.evidence.pooling.exact import likelihood_interval, log_likelihood, pool_exact
from plcore.evidence.pooling.heterogeneity import (
    Estimator,
    dersimonian_laird,
    fixed,
    maximum_likelihood,
    paule_mandel,
    reml,
    tau2_interval,
)
from plcore.evidence.pooling.random_effects import OnScale, Pooled, back, leave_one_out, pool
from plcore.evidence.pooling.regression import (
    Egger,
    Fitted,
    Funnel,
    Regression,
    Subgroups,
    egger,
    fitted,
    funnel,
    regress,
    subgroups,
)

__all__ = [
    "Egger",
    "Estimator",
    "Fitted",
    "Funnel",
    "HalfNormal",
    "HalfT",
    "OnScale",
    "Pooled",
    "Posterior",
    "Regression",
    "Subgroups",
    "back",
    "bayes",
    "dersimonian_laird",
    "egger",
    "fitted",
    "fixed",
    "funnel",
    "leave_one_out",
    "likelihood_interval",
    "log_likelihood",
    "log_odds_ratio",
    "log_risk_ratio",
    "logit_proportion",
    "maximum_likelihood",
    "mean_difference",
    "mean_quantile",
    "new_setting_quantile",
    "paule_mandel",
    "pool",
    "pool_exact",
    "posterior_draws",
    "regress",
    "reml",
    "risk_difference",
    "subgroups",
    "tau2_interval",
]
