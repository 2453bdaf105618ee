"""What explains the spread: meta-regression, subgroups, small-study effects, funnel data.

References
----------
Thompson & Higgins (2002), Stat Med 21:1559 (meta-regression); Knapp & Hartung (2003), Stat Med
22:2693 (its test and intervals); Sterne & Egger (2001), J Clin Epidemiol 54:1046 (funnel axes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.evidence.pooling.heterogeneity import Estimator, dersimonian_laird, fixed, reml
from plcore.evidence.pooling.least_squares import fit
from plcore.evidence.pooling.random_effects import Pooled, around, chi2_tail, per_df, pool
from plcore.evidence.pooling.studies import Array, checked, checked_level, design


@dataclass(frozen=True, slots=True)
class Regression:
    """A mixed-effects meta-regression; arrays of the leading shape, then coefficients.

    Attributes
    ----------
    coefficients, se, low, high : ndarray, shape (..., p)
        The intercept, then one a moderator.
    covariance : ndarray, shape (..., p, p)
    tau2, i2, h2
        What the moderators leave unexplained, as in `Pooled`.
    qe, qe_p
        Residual heterogeneity against chi-square on k - p.
    qm, qm_p
        Test of all moderators: F on p - 1 and k - p with Knapp-Hartung, else chi-square on p - 1.
    r2
        Share of the spread between studies that the moderators explain, (tau2 without them - tau2)
        / tau2 without them, not below 0; NaN where there is no spread to explain. It is very
        uncertain with fewer than some 40 studies.
    k : int
    df : float
        Degrees of freedom of the t distribution behind the intervals; infinite for the normal.
    level : float
    """

    coefficients: Array
    se: Array
    low: Array
    high: Array
    covariance: Array
    tau2: Array
    i2: Array
    h2: Array
    qe: Array
    qe_p: Array
    qm: Array
    qm_p: Array
    r2: Array
    k: int
    df: float
    level: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """Means at given values of the moderators, with their intervals; shape (..., settings).

    Attributes
    ----------
    estimate, se, low, high, prediction_low, prediction_high : ndarray
        As in `plcore.evidence.pooling.Pooled`.
    """

    estimate: Array
    se: Array
    low: Array
    high: Array
    prediction_low: Array
    prediction_high: Array


@dataclass(frozen=True, slots=True)
class Subgroups:
    """A mean a group, and the test that all groups share one; groups along the last axis.

    Attributes
    ----------
    names, k
        The groups, and the studies in each.
    estimate, se, low, high, prediction_low, prediction_high, tau2 : ndarray, shape (..., groups)
        As in `Pooled`, by group.
    statistic, statistic_df, p
        Of the test between groups: chi-square on `statistic_df[0]`, or F on both if finite.
    """

    names: tuple[str, ...]
    k: tuple[int, ...]
    estimate: Array
    se: Array
    low: Array
    high: Array
    prediction_low: Array
    prediction_high: Array
    tau2: Array
    statistic: Array
    statistic_df: tuple[int, float]
    p: Array


@dataclass(frozen=True, slots=True)
class Egger:
    """Egger's regression: how the estimates lean on their standard errors.

    Attributes
    ----------
    limit : ndarray
        The mean of a study without sampling error.
    slope, se, t, df, p : ndarray
        The bias a unit of standard error, its error, and its test on df = k - 2.
    """

    limit: Array
    slope: Array
    se: Array
    t: Array
    df: int
    p: Array


@dataclass(frozen=True, slots=True)
class Funnel:
    """The edges of a funnel plot: where `level` of studies of a given standard error should lie.

    Attributes
    ----------
    se, low, high : ndarray, shape (steps,)
        Standard errors from 0 to the largest of the studies, and the edges there.
    """

    se: Array
    low: Array
    high: Array


def regress(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    moderators: npt.ArrayLike,
    *,
    tau2: Estimator = reml,
    knapp_hartung: bool = True,
    level: float = 0.95,
) -> Regression:
    """Estimates as a straight line of the moderators, with spread between studies left over.

    Parameters
    ----------
    moderators : array_like, shape (k,) or (k, p - 1)
        Shared by all data sets; the intercept is added.

    Raises
    ------
    ValueError
        Missing values, moderators that determine each other, or fewer studies than coefficients.
    """
    checked_level(level)
    estimates, variances = checked(y, v)
    shape, k = estimates.shape[:-1], estimates.shape[-1]
    x = design(_with_intercept(moderators), k)
    p = x.shape[1]
    spread = tau2(estimates, variances, x)
    between = spread.reshape(-1)
    found = fit(estimates.reshape(-1, k), variances.reshape(-1, k), np.nan_to_num(between), x)
    factor = per_df(found.q, k - p) if knapp_hartung else np.ones(between.size)
    factor = np.where(np.isnan(between), np.nan, factor)
    covariance = found.covariance * factor[:, None, None]
    se = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    df = float(k - p) if knapp_hartung else np.inf
    low, high = around(found.coefficients, se, df, level)
    excess = between
    if tau2 is fixed:
        excess = dersimonian_laird(estimates, variances, x).reshape(-1)
    typical = per_df(found.trace_0, k - p) ** -1
    qm, qm_p = _joint_test(found.coefficients[:, 1:], found.covariance[:, 1:, 1:], factor, df)
    alone = tau2(estimates, variances)
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.maximum(0, (alone - spread) / alone)
    return Regression(
        coefficients=found.coefficients.reshape(*shape, p),
        se=se.reshape(*shape, p),
        low=low.reshape(*shape, p),
        high=high.reshape(*shape, p),
        covariance=covariance.reshape(*shape, p, p),
        tau2=spread,
        i2=(excess / (excess + typical)).reshape(shape),
        h2=(1 + excess / typical).reshape(shape),
        qe=found.q_0.reshape(shape),
        qe_p=chi2_tail(found.q_0, k - p).reshape(shape),
        qm=qm.reshape(shape),
        qm_p=qm_p.reshape(shape),
        r2=r2,
        k=k,
        df=df,
        level=level,
    )


def fitted(regression: Regression, moderators: npt.ArrayLike) -> Fitted:
    """Means, intervals and prediction intervals at rows of moderators.

    Parameters
    ----------
    moderators : array_like, shape (settings, p - 1)
        Columns as given to `regress`; another number of them is refused.
    """
    x = _with_intercept(moderators)
    p = regression.coefficients.shape[-1]
    if x.shape[1] != p:
        raise ValueError(f"{x.shape[1] - 1} moderators were given; the regression has {p - 1}")
    estimate = regression.coefficients @ x.T
    se = np.sqrt(np.einsum("sp,...pq,sq->...s", x, regression.covariance, x))
    low, high = around(estimate, se, regression.df, regression.level)
    wider = np.sqrt(regression.tau2[..., None] + se**2)
    return Fitted(
        estimate, se, low, high, *around(estimate, wider, regression.df, regression.level)
    )


def subgroups(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    groups: Sequence[str],
    *,
    tau2: Estimator = reml,
    common_tau2: bool = False,
    knapp_hartung: bool = True,
    level: float = 0.95,
) -> Subgroups:
    """A mean for each group of studies, groups in alphabetical order.

    With a common tau2 this is a meta-regression on the groups and the test between them is its
    test of moderators. With separate ones each group is pooled alone, and Cochran's Q of the group
    means is set against chi-square; a group of one study then has no interval and no test is
    possible (NaN).

    Parameters
    ----------
    groups : sequence of str, length k
    common_tau2 : bool
        One spread for all groups, or one for each.

    Raises
    ------
    ValueError
        If groups and studies differ in number, or all studies are of one group.
    """
    estimates, variances = checked(y, v)
    if len(groups) != estimates.shape[-1]:
        raise ValueError(f"{len(groups)} groups were given for {estimates.shape[-1]} studies")
    names = tuple(sorted(set(groups)))
    if len(names) < 2:
        raise ValueError(f"all studies are in the group {names[0]!r}; there is nothing to compare")
    member = np.array([[group == name for name in names] for group in groups])
    k = tuple(int(count) for count in member.sum(axis=0))
    if common_tau2:
        line = regress(
            estimates, variances, member[:, 1:], tau2=tau2, knapp_hartung=knapp_hartung, level=level
        )
        return _groups_of_line(names, k, line)
    pools = [
        pool(
            estimates[..., inside],
            variances[..., inside],
            tau2=tau2,
            knapp_hartung=knapp_hartung,
            level=level,
        )
        for inside in member.T
    ]
    return _groups_of_pools(names, k, pools)


def _groups_of_line(names: tuple[str, ...], k: tuple[int, ...], line: Regression) -> Subgroups:
    """Groups from a regression on all but the first of them."""
    at = fitted(line, np.eye(len(names))[:, 1:])
    return Subgroups(
        names=names,
        k=k,
        estimate=at.estimate,
        se=at.se,
        low=at.low,
        high=at.high,
        prediction_low=at.prediction_low,
        prediction_high=at.prediction_high,
        tau2=np.broadcast_to(line.tau2[..., None], at.estimate.shape),
        statistic=line.qm,
        statistic_df=(len(names) - 1, line.df),
        p=line.qm_p,
    )


def _groups_of_pools(
    names: tuple[str, ...], k: tuple[int, ...], pools: Sequence[Pooled]
) -> Subgroups:
    """Groups pooled one by one, and Cochran's Q of their means."""
    estimate = np.stack([one.estimate for one in pools], -1)
    se = np.stack([one.se for one in pools], -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = se**-2
        mean = (w * estimate).sum(axis=-1, keepdims=True) / w.sum(axis=-1, keepdims=True)
        q = np.asarray((w * (estimate - mean) ** 2).sum(axis=-1))
    return Subgroups(
        names=names,
        k=k,
        estimate=estimate,
        se=se,
        low=np.stack([one.low for one in pools], -1),
        high=np.stack([one.high for one in pools], -1),
        prediction_low=np.stack([one.prediction_low for one in pools], -1),
        prediction_high=np.stack([one.prediction_high for one in pools], -1),
        tau2=np.stack([one.tau2 for one in pools], -1),
        statistic=q,
        statistic_df=(len(names) - 1, np.inf),
        p=chi2_tail(q, len(names) - 1),
    )


def egger(y: npt.ArrayLike, v: npt.ArrayLike) -> Egger:
    """Egger's test for small-study effects: weighted regression of y on its standard error.

    The variant with multiplicative dispersion (Egger et al. 1997, BMJ 315:629; metafor's
    `regtest(model="lm")`). Logits of shares and their variances are tied by arithmetic, so that
    with proportions a slope is no sign of missing studies by itself.

    Raises
    ------
    ValueError
        If there are fewer than 3 studies, or all have the same v.
    """
    estimates, variances = checked(y, v)
    k = estimates.shape[-1]
    if k < 3:
        raise ValueError(f"{k} studies were given; Egger's regression needs at least 3")
    w, s = 1 / variances, np.sqrt(variances)
    total = w.sum(axis=-1, keepdims=True)
    ds = s - (w * s).sum(axis=-1, keepdims=True) / total
    mean = (w * estimates).sum(axis=-1, keepdims=True) / total
    leverage = (w * ds**2).sum(axis=-1)
    if not (leverage > 1e-12 * k).all():
        raise ValueError("all studies have the same v; Egger's regression needs them to differ")
    slope = (w * ds * estimates).sum(axis=-1) / leverage
    residuals = estimates - mean - slope[..., None] * ds
    se = np.sqrt((w * residuals**2).sum(axis=-1) / (k - 2) / leverage)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = slope / se
    limit = (mean - slope[..., None] * (s - ds)[..., :1])[..., 0]
    return Egger(limit, slope, se, t, k - 2, np.asarray(2 * stats.t.sf(np.abs(t), k - 2)))


def funnel(centre: float, v: npt.ArrayLike, *, level: float = 0.95, steps: int = 50) -> Funnel:
    """Edges of a funnel around a centre, from standard error 0 to the largest of the studies.

    Parameters
    ----------
    centre, steps
        On the scale of the estimates; points along each edge.
    """
    reach = float(stats.norm.ppf((1 + checked_level(level)) / 2))
    se = np.linspace(0, np.sqrt(checked(np.zeros(np.shape(v)), v)[1].max()), steps)
    return Funnel(se, centre - reach * se, centre + reach * se)


def _with_intercept(moderators: npt.ArrayLike) -> Array:
    columns = np.asarray(moderators, dtype=np.float64)
    if columns.ndim == 1:
        columns = columns[:, None]
    if columns.ndim != 2:
        raise ValueError(f"moderators have shape {columns.shape}; it must be (k, moderators)")
    return np.hstack([np.ones((columns.shape[0], 1)), columns])


def _joint_test(
    coefficients: Array, covariance: Array, factor: Array, df: float
) -> tuple[Array, Array]:
    """Wald test that all coefficients are 0: F if df is finite, else chi-square; NaN for none.

    The covariance comes before Knapp-Hartung's factor, which is 0 where the fit is perfect.
    """
    n, m = coefficients.shape
    if m == 0:
        return np.full(n, np.nan), np.full(n, np.nan)
    solved = np.linalg.solve(covariance, coefficients[..., None])[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        wald = (coefficients * solved).sum(axis=1) / factor
    if np.isinf(df):
        return wald, chi2_tail(wald, m)
    return wald / m, np.asarray(special.fdtrc(m, df, wald / m))
