"""One mean of many studies: pooled estimate, spread, prediction interval; leave-one-out.

References
----------
Hartung & Knapp (2001), Stat Med 20:3875 (interval); Higgins & Thompson (2002), Stat Med 21:1539
(I2, H2); Higgins, Thompson & Spiegelhalter (2009), J R Stat Soc A 172:137 (prediction interval).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.evidence.pooling.heterogeneity import Estimator, dersimonian_laird, fixed, reml
from plcore.evidence.pooling.least_squares import fit
from plcore.evidence.pooling.studies import Array, checked, checked_level


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean of a set of studies, on the scale that was pooled; arrays of the leading shape.

    Attributes
    ----------
    estimate, se, low, high
        The mean over settings, its standard error and its interval.
    tau2
        Variance of the true values between settings.
    q, q_p
        Cochran's Q and its p-value against a common value (chi-square on k - 1).
    i2, h2
        tau2 / (tau2 + s2) and 1 + tau2 / s2, where s2 is the typical sampling variance of Higgins
        and Thompson (2002, Stat Med 21:1539), (k - 1) / tr P(0), as metafor computes them. I2 is a
        share (0 to 1). For `fixed`, whose tau2 is 0 by assumption, that of `dersimonian_laird`,
        which makes I2 = 1 - (k - 1) / Q.
    k
        Studies in each data set.
    df
        Degrees of freedom of the t distribution behind the intervals; infinite for the normal.
    prediction_low, prediction_high
        Where the true value of one new setting lies: estimate -+ t(df) sqrt(tau2 + se^2), with the
        same df as the interval of the mean (k - 1 with Knapp-Hartung), as metafor 3.8 does. Others
        use k - 2 (Higgins, Thompson & Spiegelhalter 2009).
    level
        Level of both intervals.
    """

    estimate: Array
    se: Array
    low: Array
    high: Array
    tau2: Array
    q: Array
    q_p: Array
    i2: Array
    h2: Array
    k: int
    df: float
    prediction_low: Array
    prediction_high: Array
    level: float


@dataclass(frozen=True, slots=True)
class OnScale:
    """A pooled result on the scale of the reader, such as shares for logits.

    Attributes
    ----------
    estimate, low, high : ndarray
        The mean and its interval.
    prediction_low, prediction_high : ndarray
        Where the true value of one new setting lies.
    level : float
        Of both intervals.
    """

    estimate: Array
    low: Array
    high: Array
    prediction_low: Array
    prediction_high: Array
    level: float


def pool(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    tau2: Estimator = reml,
    knapp_hartung: bool = True,
    floor: float = 0.0,
    level: float = 0.95,
) -> Pooled:
    """The mean of the studies, by inverse-variance weights 1 / (v + tau2).

    Parameters
    ----------
    y, v : array_like, shape (..., k)
        Estimates and sampling variances; leading axes are data sets (replicates, draws).
    tau2 : function of y, v
        `reml`, `paule_mandel`, `maximum_likelihood`, `dersimonian_laird`, or `fixed`.
    knapp_hartung : bool
        Standard error from the observed scatter and t on k - 1 (Hartung & Knapp 2001, Stat Med
        20:3875; metafor's "knha", without truncation), or from the weights and the normal.
    floor : float
        Least factor Knapp-Hartung may apply to the variance. 0 lets agreement by luck narrow the
        interval (to nothing, for identical studies); 1 is the "ad hoc" variant, never narrower
        than the weights alone say.
    level : float
        Level of the intervals.

    Returns
    -------
    Pooled
        One study cannot tell the spread: its tau2, se, i2 and h2 are NaN and its intervals
        unbounded, except for `fixed` without Knapp-Hartung, which is the study's own interval.

    Raises
    ------
    ValueError
        Names the study whose y is not finite or whose v is not above 0.
    """
    checked_level(level)
    estimates, variances = checked(y, v)
    shape, k = estimates.shape[:-1], estimates.shape[-1]
    spread = tau2(estimates, variances)
    between = spread.reshape(-1)
    found = fit(
        estimates.reshape(-1, k), variances.reshape(-1, k), np.nan_to_num(between), np.ones((k, 1))
    )
    centre, variance = found.coefficients[:, 0], found.covariance[:, 0, 0]
    if knapp_hartung:
        variance = variance * np.maximum(per_df(found.q, k - 1), floor)
    se = np.where(np.isnan(between), np.nan, np.sqrt(variance))
    df = float(k - 1) if knapp_hartung else np.inf
    excess = between
    if tau2 is fixed:
        excess = dersimonian_laird(estimates, variances).reshape(-1)
    typical = (k - 1) / found.trace_0 if k > 1 else np.full(between.size, np.nan)
    low, high = around(centre, se, df, level)
    prediction_low, prediction_high = around(centre, np.sqrt(between + se**2), df, level)
    return Pooled(
        estimate=centre.reshape(shape),
        se=se.reshape(shape),
        low=low.reshape(shape),
        high=high.reshape(shape),
        tau2=spread,
        q=found.q_0.reshape(shape),
        q_p=chi2_tail(found.q_0, k - 1).reshape(shape),
        i2=(excess / (excess + typical)).reshape(shape),
        h2=(1 + excess / typical).reshape(shape),
        k=k,
        df=df,
        prediction_low=prediction_low.reshape(shape),
        prediction_high=prediction_high.reshape(shape),
        level=level,
    )


def around(centre: Array, se: Array, df: float, level: float) -> tuple[Array, Array]:
    """Centre -+ t(df) se; the whole line where the standard error is not known."""
    reach = float(stats.t.ppf((1 + level) / 2, df)) if df > 0 else np.inf
    with np.errstate(invalid="ignore"):
        half = np.where(np.isnan(se), np.inf, reach * se)
    return centre - half, centre + half


def per_df(q: Array, df: int) -> Array:
    """q / df; NaN where there are no degrees of freedom."""
    return q / df if df > 0 else np.full(q.shape, np.nan)


def chi2_tail(q: Array, df: int) -> Array:
    """Chance of a chi-square above q; 1 where there are no degrees of freedom."""
    # scipy.stats.chi2.sf adds checks that take ten times as long as the function itself.
    return np.asarray(special.chdtrc(df, q)) if df > 0 else np.ones(q.shape)


def back(pooled: Pooled, transform: Callable[[Array], Array]) -> OnScale:
    """The estimate and both intervals through a rising function, such as `scipy.special.expit`.

    The back-transformed mean of logits is the share in the *median* setting, not the mean share.

    Parameters
    ----------
    transform : function
        Of arrays, rising everywhere.

    Returns
    -------
    OnScale
        With arrays of the shapes of `pooled`.
    """
    return OnScale(
        transform(pooled.estimate),
        transform(pooled.low),
        transform(pooled.high),
        transform(pooled.prediction_low),
        transform(pooled.prediction_high),
        pooled.level,
    )


def leave_one_out(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    tau2: Estimator = reml,
    knapp_hartung: bool = True,
    level: float = 0.95,
) -> Pooled:
    """The pool without each study in turn: arrays of shape (..., k), left-out study last."""
    estimates, variances = checked(y, v)
    k = estimates.shape[-1]
    if k < 2:
        raise ValueError("one study was given; leaving one out needs at least two")
    others = np.array([[j for j in range(k) if j != i] for i in range(k)])
    return pool(
        estimates[..., others],
        variances[..., others],
        tau2=tau2,
        knapp_hartung=knapp_hartung,
        level=level,
    )
