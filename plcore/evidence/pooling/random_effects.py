"""Random effects: one mean of many studies, how far they differ, and what explains it.

Estimates y and sampling variances v have shape (..., k): studies last, data sets (replicates,
draws) in front. `pool` gives the mean, `regress` a mean that depends on features of the studies,
`egger` whether estimates lean on their standard errors.

An estimator of tau2, the variance between studies, is a function of y, v and, for a
meta-regression, a design of shape (k, p) shared by all data sets; it returns tau2 of shape (...),
NaN where no spread can be estimated (k = p, such as a single study). Pass any function of that
form to `pool` or `regress`.

Notation: w = 1 / (v + tau2), W = diag(w), P = W - W X (X'W X)^-1 X'W, Q(tau2) = y'P y. Inside,
studies run along the first axis and data sets along the last, so that a sum over studies adds long
rows; one design x of shape (k, p) serves all data sets.

References
----------
DerSimonian & Laird (1986), Control Clin Trials 7:177; Paule & Mandel (1982), J Res NBS 87:377;
Viechtbauer (2005), J Educ Behav Stat 30:261 (REML); Hartung & Knapp (2001), Stat Med 20:3875;
Knapp & Hartung (2003), Stat Med 22:2693 (intervals and tests); Higgins & Thompson (2002), Stat Med
21:1539 (I2); Higgins, Thompson & Spiegelhalter (2009), J R Stat Soc A 172:137 (prediction
interval); Thompson & Higgins (2002), Stat Med 21:1559 (meta-regression).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Array = npt.NDArray[np.float64]

# Newton's last step is this share of the variance of the most precise study, or less. The error it
# leaves is about the square of that, so tau2 stands at its optimum to rounding, on any scale.
_STEP = 1e-6
_MOST_STEPS = 100
# After so many steps, interval halving takes over: it cannot fail to end.
_PATIENCE = 30
# Numbers worked on together: a few arrays of 2^15 x 8 bytes stay in a core's own cache.
_IN_CACHE = 2**15


class Estimator(Protocol):
    """A function from studies (and a design) to tau2 of each data set."""

    def __call__(
        self, y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /
    ) -> Array: ...


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean of a set of studies, on the scale that was pooled; arrays of the leading shape.

    Attributes
    ----------
    estimate, se, low, high : ndarray
        The mean over settings, its standard error and its interval.
    p : ndarray
        Test that the mean is 0, two-sided.
    weights : ndarray, shape (..., k)
        What each study counts for, shares that add up to 1.
    tau2 : ndarray
        Variance of the true values between settings; 0 where one common value is assumed.
    q, q_p : ndarray
        Cochran's Q and its p-value against a common value (chi-square on k - 1).
    i2 : ndarray
        tau2 / (tau2 + s2), a share from 0 to 1, where s2 is the typical sampling variance of
        Higgins and Thompson, (k - 1) / tr P(0), as metafor computes it. Where one common value is
        assumed, (Q - k + 1) / Q, not below 0.
    k : int
        Studies in each data set.
    df : float
        Degrees of freedom of the t distribution behind the intervals; infinite for the normal.
    prediction_low, prediction_high : ndarray
        Where the true value of one new setting lies: estimate -+ t(df) sqrt(tau2 + se^2), with the
        df of the interval of the mean (k - 1 with Knapp-Hartung), as metafor 3.8 does. Others use
        k - 2 (Higgins, Thompson & Spiegelhalter 2009). NaN where one common value is assumed: that
        says nothing of how settings differ.
    level : float
        Level of both intervals.
    """

    estimate: Array
    se: Array
    low: Array
    high: Array
    p: Array
    weights: Array
    tau2: Array
    q: Array
    q_p: Array
    i2: Array
    k: int
    df: float
    prediction_low: Array
    prediction_high: Array
    level: float

    def __str__(self) -> str:
        if self.estimate.size != 1:
            return f"{self.estimate.size} pooled results of {self.k} studies each"
        another = (
            "one common value assumed, so nothing is said of another setting"
            if np.isnan(self.prediction_low).all()
            else f"another setting {self.prediction_low.item():.3g} to "
            f"{self.prediction_high.item():.3g}"
        )
        return (
            f"{self.estimate.item():.3g} ({self.level:.0%} interval {self.low.item():.3g} to "
            f"{self.high.item():.3g}; {another}), p {self.p.item():.2g}; "
            f"tau2 {self.tau2.item():.3g}, I2 {self.i2.item():.0%}, "
            f"Q {self.q.item():.3g} (p {self.q_p.item():.2g}), k {self.k}, weights "
            f"{', '.join(f'{weight:.0%}' for weight in self.weights.reshape(-1))}"
        )


@dataclass(frozen=True, slots=True)
class Regression:
    """A mixed-effects meta-regression; arrays of the leading shape, then coefficients.

    Attributes
    ----------
    names : tuple of str
        What each coefficient belongs to: "intercept", then the moderators by the names of their
        columns, "moderator 1" and so on where they have none.
    coefficients, se, low, high, p : ndarray, shape (..., p)
        The intercept, then one for each moderator, with standard errors, intervals and tests of 0.
    covariance : ndarray, shape (..., p, p)
        Of the coefficients.
    tau2, i2 : ndarray
        What the moderators leave unexplained, as in `Pooled`.
    qe, qe_p : ndarray
        Residual heterogeneity, and its p-value against chi-square on k - p.
    qm, qm_p : ndarray
        Test of all moderators together: F on p - 1 and k - p with Knapp-Hartung, else chi-square on
        p - 1.
    r2 : ndarray
        Share of the spread between studies that the moderators explain, (tau2 without them - tau2)
        / tau2 without them, not below 0; NaN where there is no spread to explain. It is very
        uncertain with fewer than some 40 studies.
    k : int
        Studies in each data set.
    df : float
        Degrees of freedom of the t distribution behind the intervals; infinite for the normal.
    level : float
        Level of the intervals.
    """

    names: tuple[str, ...]
    coefficients: Array
    se: Array
    low: Array
    high: Array
    p: Array
    covariance: Array
    tau2: Array
    i2: Array
    qe: Array
    qe_p: Array
    qm: Array
    qm_p: Array
    r2: Array
    k: int
    df: float
    level: float

    def __str__(self) -> str:
        if self.tau2.size != 1:
            return f"{self.tau2.size} regressions of {self.k} studies each on {self.names[1:]}"
        columns = (self.coefficients, self.low, self.high, self.p)
        rows = zip(self.names, *(column.reshape(-1) for column in columns), strict=True)
        lines = [
            f"{name}: {value:.3g} ({self.level:.0%} interval {low:.3g} to {high:.3g}), p {p:.2g}"
            for name, value, low, high, p in rows
        ]
        rest = (
            f"tau2 {self.tau2.item():.3g}, I2 {self.i2.item():.0%}, R2 {self.r2.item():.0%}, "
            f"QE {self.qe.item():.3g} (p {self.qe_p.item():.2g}), "
            f"QM {self.qm.item():.3g} (p {self.qm_p.item():.2g}), k {self.k}"
        )
        return "\n".join([*lines, rest])


@dataclass(frozen=True, slots=True)
class Egger:
    """How the estimates lean on their standard errors (`egger`) or on 1 / n (`peters`).

    Attributes
    ----------
    limit : ndarray
        The mean of a study without sampling error.
    slope, se : ndarray
        The bias per unit of standard error (or of 1 / n), and its standard error.
    t, p : ndarray
        Test that there is no slope.
    df : int
        Degrees of freedom of that test, k - 2.
    """

    limit: Array
    slope: Array
    se: Array
    t: Array
    df: int
    p: Array


def fixed(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -> Array:
    """tau2 of 0: one common value is assumed, and studies differ by chance only."""
    return np.zeros(checked(y, v)[0].shape[:-1])


def dersimonian_laird(
    y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /
) -> Array:
    """tau2 by moments: what Q(0) exceeds its expectation k - p by, over tr P; not below 0."""
    return _estimate(y, v, x, _moments)


def paule_mandel(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -> Array:
    """tau2 at which Q(tau2) equals its expectation k - p; 0 where Q(0) is already below."""
    return _estimate(y, v, x, _expected_q)


def reml(y: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike | None = None, /) -> Array:
    """tau2 of restricted maximum likelihood (REML).

    The likelihood may have several maxima (one data set in some hundreds, when precisions differ
    wildly); this is the better of the one nearest `dersimonian_laird` and 0, as in metafor.
    """
    return _estimate(y, v, x, _climb)


def logit_proportion(
    events: npt.ArrayLike, n: npt.ArrayLike, *, add: float = 0.5
) -> tuple[Array, Array]:
    """Log odds of a share and their sampling variance, 1 / events + 1 / (n - events).

    A study in which nobody or everybody has the event gets `add` in both of its cells, as metafor
    does by default (to = "only0"); the other studies stay as printed. `pool_exact` needs no such
    device and should be preferred when cells are empty or studies small.

    Parameters
    ----------
    events, n : array_like, shape (..., k)
        People with the event, and people; fractions (back-calculated counts) are allowed.
    add : float
        Put into both cells of a study with an empty one, above 0.

    Returns
    -------
    y, v : ndarray, shape (..., k)

    Raises
    ------
    ValueError
        Counts outside 0 <= events <= n; names data set and study.

    References
    ----------
    Viechtbauer (2010), J Stat Softw 36(3), section 3.1.
    """
    if not add > 0:
        raise ValueError(f"add is {add:g}, but it must be above 0")
    yes, people = checked_counts(events, n)
    no = people - yes
    empty = (yes == 0) | (no == 0)
    yes, no = np.where(empty, yes + add, yes), np.where(empty, no + add, no)
    return np.log(yes / no), 1 / yes + 1 / no


def pool(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    tau2: Estimator = reml,
    knapp_hartung: bool | None = None,
    level: float = 0.95,
) -> Pooled:
    """The mean of the studies, by inverse-variance weights 1 / (v + tau2).

    With 5 and 10 studies of the sizes of the prevalence studies, the 95% limits of the defaults hold
    the true mean in 93 to 97% of 2,000 simulated data sets (`benchmarks/coverage.csv`).

    Parameters
    ----------
    y, v : array_like, shape (..., k)
        Estimates and their sampling variances, which must be finite and above 0; leading axes are
        data sets (replicates, draws).
    tau2 : function of y, v
        How the spread between studies is estimated: `reml`, `paule_mandel`, `dersimonian_laird`,
        or your own; `fixed` for one common value.
    knapp_hartung : bool, optional
        Standard error from the observed scatter and t on k - 1 (Hartung & Knapp 2001, metafor's
        "knha"), or from the weights and the normal. By default the former, except with `fixed`:
        one common value leaves no scatter to estimate.
    level : float
        Level of the intervals.

    Returns
    -------
    Pooled
        One study cannot tell the spread: its tau2, se and i2 are NaN and its intervals unbounded.

    Raises
    ------
    ValueError
        Names the study whose y is not finite or whose v is not above 0; or the estimator gave a
        tau2 below 0 or not one for each data set.
    TypeError
        tau2 is no function.

    Examples
    --------
    >>> y, v = logit_proportion([30, 45, 28], [40, 60, 50])
    >>> print(str(pool(y, v)).split("; tau2")[0])
    0.792 (95% interval -0.459 to 2.04; another setting -1.35 to 2.94), p 0.11
    """
    estimates, variances = checked(y, v)
    shape, k = estimates.shape[:-1], estimates.shape[-1]
    common = tau2 is fixed
    scatter = not common if knapp_hartung is None else knapp_hartung
    fit = _fit(estimates, variances, np.ones((k, 1)), tau2, scatter, checked_level(level))
    centre, se, between = fit.coefficients[:, 0], fit.se[:, 0], fit.tau2
    i2 = fit.i2
    prediction = around(centre, np.sqrt(between + se**2), fit.df, level)
    if common:
        i2 = np.maximum(0, 1 - np.divide(k - 1, fit.q_0, out=np.ones_like(i2), where=fit.q_0 > 0))
        prediction = np.full_like(centre, np.nan), np.full_like(centre, np.nan)
    w = 1 / (variances + np.nan_to_num(between).reshape(*shape, 1))
    return Pooled(
        estimate=centre.reshape(shape),
        se=se.reshape(shape),
        low=fit.low[:, 0].reshape(shape),
        high=fit.high[:, 0].reshape(shape),
        p=two_sided(centre, se, fit.df).reshape(shape),
        weights=w / w.sum(axis=-1, keepdims=True),
        tau2=between.reshape(shape),
        q=fit.q_0.reshape(shape),
        q_p=chi2_tail(fit.q_0, k - 1).reshape(shape),
        i2=i2.reshape(shape),
        k=k,
        df=fit.df,
        prediction_low=prediction[0].reshape(shape),
        prediction_high=prediction[1].reshape(shape),
        level=level,
    )


def regress(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    moderators: npt.ArrayLike,
    *,
    tau2: Estimator = reml,
    knapp_hartung: bool | None = None,
    level: float = 0.95,
) -> Regression:
    """Estimates as a linear function of the moderators, with spread between studies left over.

    Parameters
    ----------
    y, v : array_like, shape (..., k)
        Estimates and sampling variances, as for `pool`.
    moderators : array_like or DataFrame, shape (k,) or (k, p - 1)
        Features of the studies, shared by all data sets; the intercept is added. The columns of a
        DataFrame name the coefficients.
    tau2, knapp_hartung, level
        As for `pool`.

    Returns
    -------
    Regression

    Raises
    ------
    ValueError
        Missing values, moderators that determine each other, or no more studies than coefficients.

    Examples
    --------
    >>> line = regress([0.1, 0.4, 0.6, 1.1], [0.02, 0.03, 0.02, 0.04], [1.0, 2.0, 3.0, 4.0])
    >>> line.names, line.coefficients.round(2)
    (('intercept', 'moderator 1'), array([-0.23,  0.3 ]))
    """
    estimates, variances = checked(y, v)
    shape, k = estimates.shape[:-1], estimates.shape[-1]
    x = design(_with_intercept(moderators), k)
    p = x.shape[1]
    if k <= p:
        raise ValueError(
            f"{k} studies were given for {p} coefficients (the intercept is one of them); expected "
            f"at least {p + 1} studies, or fewer moderators"
        )
    scatter = tau2 is not fixed if knapp_hartung is None else knapp_hartung
    fit = _fit(estimates, variances, x, tau2, scatter, checked_level(level))
    alone = tau2(estimates, variances).reshape(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.maximum(0, (alone - fit.tau2) / alone)
    qm, qm_p = _joint_test(fit)
    labels = getattr(moderators, "columns", [f"moderator {i}" for i in range(1, p)])
    return Regression(
        names=("intercept", *map(str, labels)),
        coefficients=fit.coefficients.reshape(*shape, p),
        se=fit.se.reshape(*shape, p),
        low=fit.low.reshape(*shape, p),
        high=fit.high.reshape(*shape, p),
        p=two_sided(fit.coefficients, fit.se, fit.df).reshape(*shape, p),
        covariance=fit.covariance.reshape(*shape, p, p),
        tau2=fit.tau2.reshape(shape),
        i2=fit.i2.reshape(shape),
        qe=fit.q_0.reshape(shape),
        qe_p=chi2_tail(fit.q_0, k - p).reshape(shape),
        qm=qm.reshape(shape),
        qm_p=qm_p.reshape(shape),
        r2=r2.reshape(shape),
        k=k,
        df=fit.df,
        level=level,
    )


def fitted(regression: Regression, moderators: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """Means and their limits at given values of the moderators.

    Parameters
    ----------
    regression : Regression
        From `regress`.
    moderators : array_like, shape (settings, p - 1)
        Columns as given to `regress`; another number of them is refused.

    Returns
    -------
    estimate, low, high : ndarray, shape (..., settings)
    """
    x = _with_intercept(moderators)
    p = regression.coefficients.shape[-1]
    if x.shape[1] != p:
        raise ValueError(f"{x.shape[1] - 1} moderators were given; the regression has {p - 1}")
    estimate = regression.coefficients @ x.T
    se = np.sqrt(np.einsum("sp,...pq,sq->...s", x, regression.covariance, x))
    return estimate, *around(estimate, se, regression.df, regression.level)


def peters(events: npt.ArrayLike, n: npt.ArrayLike) -> Egger:
    """Peters' test for small-study effects among shares: the logits against 1 / n.

    A study's size is not tied to its share, as the standard error of its logit is (Peters et al.
    2006, JAMA 295:676). Weights are n, which is n p (1 - p) of one share p; half a person is added to
    both cells of every study, without which small studies of rare shares lean by themselves. Of 4,000
    sets of 20 unbiased studies with shares from 4 to 96% and tau from 0 to 0.6, a test at 5% called
    4.6 to 5.8% biased, Egger's test 5 to 36%.

    Parameters
    ----------
    events, n : array_like, shape (..., k)
        People with the event, and people.

    Returns
    -------
    Egger
        `slope` is per unit of 1 / n.

    Raises
    ------
    ValueError
        If there are fewer than 3 studies, all have the same n, or counts are impossible.

    Examples
    --------
    >>> test = peters([3, 9, 22, 70], [50, 200, 600, 2000])
    >>> round(float(test.p), 2)
    0.04
    """
    e, people = checked_counts(events, n)
    return _leaning(np.log((e + 0.5) / (people - e + 0.5)), people, 1 / people, "n")


def egger(y: npt.ArrayLike, v: npt.ArrayLike) -> Egger:
    """Egger's test for small-study effects: weighted regression of y on its standard error.

    The variant with multiplicative dispersion (Egger et al. 1997, BMJ 315:629; metafor's
    `regtest(model="lm")`). **Not for shares**: logits and their variances are tied by arithmetic. Of
    4,000 sets of 20 unbiased studies a test at 5% called 13% biased at a share of 4%, 35% with a tau
    of 0.6 besides. For shares there is `peters`.

    Parameters
    ----------
    y, v : array_like, shape (..., k)
        Estimates and sampling variances, as for `pool`.

    Returns
    -------
    Egger

    Raises
    ------
    ValueError
        If there are fewer than 3 studies, or all have the same v.

    Examples
    --------
    >>> test = egger([0.9, 1.1, 1.6, 1.7], [0.01, 0.04, 0.16, 0.25])
    >>> round(float(test.slope), 2), round(float(test.p), 3)
    (2.13, 0.003)
    """
    estimates, variances = checked(y, v)
    return _leaning(estimates, 1 / variances, np.sqrt(variances), "v")


def _leaning(y: Array, w: Array, x: Array, same: str) -> Egger:
    """Weighted regression of y on x with its own dispersion; `same` names what must differ."""
    k = y.shape[-1]
    if k < 3:
        raise ValueError(f"{k} studies were given; a test for small studies needs at least 3")
    weight = w.sum(axis=-1, keepdims=True)
    dx = x - (w * x).sum(axis=-1, keepdims=True) / weight
    mean = (w * y).sum(axis=-1, keepdims=True) / weight
    leverage = (w * dx**2).sum(axis=-1)
    if not (leverage > 1e-12 * (w * x**2).sum(axis=-1)).all():
        raise ValueError(
            f"all studies have the same {same}; a test for small studies needs it to differ"
        )
    slope = (w * dx * y).sum(axis=-1) / leverage
    residuals = y - mean - slope[..., None] * dx
    se = np.sqrt((w * residuals**2).sum(axis=-1) / (k - 2) / leverage)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = slope / se
    limit = (mean - slope[..., None] * (x - dx)[..., :1])[..., 0]
    return Egger(limit, slope, se, t, k - 2, np.asarray(2 * stats.t.sf(np.abs(t), k - 2)))


# How tau2 is estimated


def _estimate(
    y: npt.ArrayLike,
    v: npt.ArrayLike,
    x: npt.ArrayLike | None,
    solve: Callable[[Array, Array, Array], Array],
) -> Array:
    """Check the input, solve block by block, and return tau2 in the shape of the data sets."""
    estimates, variances = checked(y, v)
    shape, k = estimates.shape[:-1], estimates.shape[-1]
    columns = np.ones((k, 1)) if x is None else design(x, k)
    if k == columns.shape[1]:
        return np.full(shape, np.nan)
    flat_y, flat_v = estimates.reshape(-1, k), variances.reshape(-1, k)
    tau2 = np.empty(flat_y.shape[0])
    for block in blocks(tau2.size, k):
        tau2[block] = solve(_flat(flat_y[block]), _flat(flat_v[block]), columns)
    return tau2.reshape(shape)


def _moments(y: Array, v: Array, x: Array) -> Array:
    fit = _weigh(y, v, None, x)
    excess = fit.q - (x.shape[0] - x.shape[1])
    return np.asarray(np.maximum(0, excess / _trace_p(x, fit)))


def _expected_q(y: Array, v: Array, x: Array) -> Array:
    """tau2 at which Q equals its expectation, 0 where Q(0) is below it.

    Q is a Stieltjes function of tau2, so 1/Q is concave and Newton's steps on it approach the root
    from below without ever passing it; where all v are equal one step is enough.
    """
    tau2, target = np.zeros(y.shape[1]), float(x.shape[0] - x.shape[1])
    active = np.arange(tau2.size)
    for _ in range(_MOST_STEPS):
        fit = _weigh(y, v, tau2[active], x)
        slope = _total((fit.w * fit.residuals) ** 2)
        step = np.zeros(active.size)
        np.divide((fit.q / target - 1) * fit.q, slope, out=step, where=fit.q > target)
        tau2[active] += step
        moving = step > _STEP * (tau2[active] + _most_precise(v))
        if not moving.any():
            return tau2
        if not moving.all():
            active = active[moving]
            y, v = np.compress(moving, y, axis=1), np.compress(moving, v, axis=1)
    raise ValueError(f"Q did not reach {target:g} in {_MOST_STEPS} steps for tau2 {tau2[active]}")


def _climb(y: Array, v: Array, x: Array) -> Array:
    """tau2 of restricted maximum likelihood: the better of 0 and the maximum near the moments."""
    tau2 = _uphill(y, v, x, _moments(y, v, x))
    # A second maximum at 0 needs a score there that is not above 0.
    score_at_0 = _slopes(y, v, np.zeros(tau2.size), x)[0]
    doubtful = np.flatnonzero((tau2 > 0) & (score_at_0 <= 0))
    if doubtful.size > 0:
        y, v = y[:, doubtful], v[:, doubtful]
        at_0 = _log_likelihood(y, v, np.zeros(doubtful.size), x)
        tau2[doubtful[at_0 > _log_likelihood(y, v, tau2[doubtful], x)]] = 0
    return tau2


def _log_likelihood(y: Array, v: Array, tau2: Array, x: Array) -> Array:
    """Restricted log-likelihood of tau2 up to a constant."""
    fit = _weigh(y, v, tau2, x)
    twice = _total(np.log(fit.w)) - fit.q
    twice += np.linalg.slogdet(np.moveaxis(fit.inverse, -1, 0))[1]
    return np.asarray(twice / 2)


def _uphill(y: Array, v: Array, x: Array, start: Array) -> Array:
    """tau2 at the maximum of the restricted likelihood next to the start.

    Newton's steps where the likelihood curves downward, Fisher's where it does not, both held
    between the highest tau2 seen to be too low and the lowest seen to be too high.
    """
    tau2 = start.copy()
    df = x.shape[0] - x.shape[1]
    active = np.arange(tau2.size)
    low, high = np.zeros(tau2.size), np.full(tau2.size, np.inf)
    for step in range(_MOST_STEPS):
        t = tau2[active]
        score, observed, expected = _slopes(y, v, t, x)
        too_low = score > 0
        low, high = np.where(too_low, t, low), np.where(too_low, high, t)
        # Newton's step for score x (v + tau2)^2, of which the score is nearly a straight line.
        slope = observed - 2 * score * np.sqrt(expected / df)
        fisher = t + score / expected
        new = np.where(slope > 0, t + score / np.where(slope > 0, slope, 1), fisher)
        outside = (new < low) | (new > high)
        new = np.where(
            outside & np.isfinite(high), (low + high) / 2, np.where(outside, fisher, new)
        )
        # A step below 0 from elsewhere looks at 0 itself before halving: maxima there are common.
        new = np.where(outside & (low == 0) & (t > 0) & (step < _PATIENCE), 0, new)
        if step >= _PATIENCE:
            new = np.where(np.isfinite(high), (low + high) / 2, new)
        new = np.where((t == 0) & ~too_low, 0, new)
        tau2[active] = new
        moving = np.abs(new - t) > _STEP * (t + _most_precise(v))
        if not moving.any():
            return tau2
        if not moving.all():
            active = active[moving]
            y, v = np.compress(moving, y, axis=1), np.compress(moving, v, axis=1)
            low, high = low[moving], high[moving]
    raise ValueError(f"the likelihood has no maximum within {_MOST_STEPS} steps of {tau2[active]}")


def _slopes(y: Array, v: Array, tau2: Array, x: Array) -> tuple[Array, Array, Array]:
    """Twice the score, the observed and the expected information of tau2."""
    fit = _weigh(y, v, tau2, x)
    w, inverse = fit.w, fit.inverse
    pull = w * fit.residuals
    w_pull = w * pull
    beyond = x.T @ w_pull
    cubes = _total(w_pull * pull) - np.einsum("pn,pqn,qn->n", beyond, inverse, beyond)
    w2 = w * w
    cross2, cross3 = _cross(x, w2), _cross(x, w2 * w)
    turned = np.einsum("pqn,qrn->prn", inverse, cross2)
    trace1 = _total(w) - np.einsum("ppn->n", turned)
    trace2 = _total(w2) - 2 * _trace(inverse, cross3) + np.einsum("pqn,qpn->n", turned, turned)
    return _total(pull * pull) - trace1, 2 * cubes - trace2, trace2


def _most_precise(v: Array) -> Array:
    """Smallest sampling variance of each data set: the scale on which tau2 must be exact."""
    return np.asarray(v.min(axis=0))


# Weighted least squares of many data sets at once


@dataclass(frozen=True, slots=True)
class _Weighted:
    """A weighted fit of n data sets: (X'W X)^-1 is `inverse` (p, p, n), y'P y is `q` (n,)."""

    w: Array
    inverse: Array
    coefficients: Array
    residuals: Array
    q: Array


@dataclass(frozen=True, slots=True)
class _Fit:
    """What `pool` and `regress` share, for n data sets flat: coefficients are (n, p)."""

    coefficients: Array
    weights_covariance: Array
    factor: Array
    covariance: Array
    se: Array
    low: Array
    high: Array
    tau2: Array
    i2: Array
    q_0: Array
    df: float


def _fit(y: Array, v: Array, x: Array, tau2: Estimator, knapp_hartung: bool, level: float) -> _Fit:
    if not callable(tau2):
        raise TypeError(f"tau2 is {tau2!r}; expected a function such as reml or paule_mandel")
    k, p = x.shape
    # An intercept alone is what an estimator assumes when it gets no design.
    between = np.asarray(tau2(y, v) if p == 1 else tau2(y, v, x), dtype=np.float64)
    if between.size != math.prod(y.shape[:-1]) or (between < 0).any():
        raise ValueError(
            f"tau2 gave {between}; expected a variance of 0 or more for each of "
            f"{math.prod(y.shape[:-1])} data sets"
        )
    spread = between.reshape(-1)
    flat_y, flat_v = y.reshape(-1, k), v.reshape(-1, k)
    coefficients, covariance = np.empty((spread.size, p)), np.empty((spread.size, p, p))
    q, q_0, trace_0 = np.empty((3, spread.size))
    for block in blocks(spread.size, k):
        block_y, block_v = _flat(flat_y[block]), _flat(flat_v[block])
        fit = _weigh(block_y, block_v, np.nan_to_num(spread[block]), x)
        alone = _weigh(block_y, block_v, None, x)
        coefficients[block] = fit.coefficients.T
        covariance[block] = fit.inverse.transpose(2, 0, 1)
        q[block], q_0[block], trace_0[block] = fit.q, alone.q, _trace_p(x, alone)
    factor = np.ones(spread.size)
    if knapp_hartung:
        factor = q / (k - p) if k > p else np.full(spread.size, np.nan)
    factor = np.where(np.isnan(spread), np.nan, factor)
    scaled = covariance * factor[:, None, None]
    se = np.sqrt(np.diagonal(scaled, axis1=1, axis2=2))
    df = float(k - p) if knapp_hartung else np.inf
    typical = (k - p) / trace_0 if k > p else np.full(spread.size, np.nan)
    return _Fit(
        coefficients, covariance, factor, scaled, se, *around(coefficients, se, df, level),
        tau2=spread, i2=spread / (spread + typical), q_0=q_0, df=df,
    )  # fmt: skip


def _joint_test(fit: _Fit) -> tuple[Array, Array]:
    """Wald test that all moderators are 0: F if df is finite, else chi-square; NaN for none.

    The covariance is the one before Knapp-Hartung's factor, which is 0 where the fit is perfect.
    """
    slopes, covariance = fit.coefficients[:, 1:], fit.weights_covariance[:, 1:, 1:]
    n, m = slopes.shape
    if m == 0:
        return np.full(n, np.nan), np.full(n, np.nan)
    solved = np.linalg.solve(covariance, slopes[..., None])[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        wald = (slopes * solved).sum(axis=1) / fit.factor
    if np.isinf(fit.df):
        return wald, chi2_tail(wald, m)
    return wald / m, np.asarray(special.fdtrc(m, fit.df, wald / m))


def around(centre: Array, se: Array, df: float, level: float) -> tuple[Array, Array]:
    """Centre -+ t(df) se; the whole line where the standard error is not known."""
    reach = float(stats.t.ppf((1 + level) / 2, df)) if df > 0 else np.inf
    with np.errstate(invalid="ignore"):
        half = np.where(np.isnan(se), np.inf, reach * se)
    return centre - half, centre + half


def two_sided(centre: Array, se: Array, df: float) -> Array:
    """p of a test that the centre is 0, by t on df; NaN where the standard error is not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(centre) / se
    return np.asarray(2 * (special.ndtr(-t) if np.isinf(df) else special.stdtr(df, -t)))


def chi2_tail(q: Array, df: int) -> Array:
    """Probability of a chi-square above q; 1 where there are no degrees of freedom."""
    # scipy.stats.chi2.sf adds checks that take ten times as long as the function itself.
    return np.asarray(special.chdtrc(df, q)) if df > 0 else np.ones(q.shape)


def blocks(n: int, k: int) -> Iterator[slice]:
    """Slices of n data sets of k studies, each small enough to stay in cache."""
    size = max(1, _IN_CACHE // k)
    return (slice(start, start + size) for start in range(0, n, size))


def trace_0(y: Array, v: Array) -> Array:
    """tr P of a plain mean at tau2 = 0, for y and v of shape (n, k)."""
    x = np.ones((y.shape[1], 1))
    return _trace_p(x, _weigh(_flat(y), _flat(v), None, x))


def _weigh(y: Array, v: Array, tau2: Array | None, x: Array) -> _Weighted:
    """Weighted least squares of each column of y (k, n); tau2 is (n,), or None for zero."""
    w = 1 / (v if tau2 is None else v + tau2)
    inverse = _inverted(_cross(x, w))
    coefficients = np.einsum("pqn,qn->pn", inverse, x.T @ (w * y))
    # One column as a plain product: matrix products of inner length 1 are five times slower.
    line = x * coefficients if x.shape[1] == 1 else x @ coefficients
    residuals = y - line
    return _Weighted(w, inverse, coefficients, residuals, _total(w * residuals * residuals))


def _trace_p(x: Array, fit: _Weighted) -> Array:
    """tr P: the sum of weights less what the coefficients take up."""
    return _total(fit.w) - _trace(fit.inverse, _cross(x, fit.w * fit.w))


def _total(values: Array) -> Array:
    """Sums over studies; a product with ones is the fastest way."""
    return np.ones(values.shape[0]) @ values


def _cross(x: Array, w: Array) -> Array:
    """X'W X of each data set, shape (p, p, n)."""
    k, p = x.shape
    return ((x[:, :, None] * x[:, None, :]).reshape(k, p * p).T @ w).reshape(p, p, -1)


def _inverted(matrices: Array) -> Array:
    """Inverses of matrices that run along the last axis."""
    if matrices.shape[0] == 1:
        return 1 / matrices
    inverses: Array = np.linalg.inv(np.moveaxis(matrices, -1, 0)).astype(np.float64, copy=False)
    return np.moveaxis(inverses, 0, -1)


def _trace(a: Array, b: Array) -> Array:
    """Trace of the product of two symmetric matrices of each data set."""
    traces: Array = np.einsum("pqn,pqn->n", a, b)
    return traces


def _flat(values: Array) -> Array:
    """Values of shape (n, k) as (k, n): sums over studies then run along long rows."""
    return np.ascontiguousarray(values.T)


# Checks


def checked(y: npt.ArrayLike, v: npt.ArrayLike) -> tuple[Array, Array]:
    """Study estimates and sampling variances as float arrays of one shape (..., k).

    An estimate that is not finite, a variance that is not above 0, or no study at all raises a
    ValueError that names the data set (by its leading index) and the study (from 0).
    """
    estimates, variances = np.broadcast_arrays(
        np.asarray(y, dtype=np.float64), np.asarray(v, dtype=np.float64)
    )
    if estimates.ndim == 0 or estimates.shape[-1] == 0:
        raise ValueError(
            f"y has shape {estimates.shape}; its last axis must hold at least one study"
        )
    _refuse(estimates, np.isfinite(estimates), "y", "must be finite (leave a missing study out)")
    _refuse(variances, np.isfinite(variances) & (variances > 0), "v", "must be finite and above 0")
    return estimates, variances


def checked_counts(events: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Array, Array]:
    """Events and people as float arrays of one shape, 0 <= events <= n and n > 0."""
    e, people = np.broadcast_arrays(
        np.atleast_1d(np.asarray(events, dtype=np.float64)),
        np.atleast_1d(np.asarray(n, dtype=np.float64)),
    )
    _refuse(people, np.isfinite(people) & (people > 0), "n", "must be finite and above 0")
    _refuse(e, np.isfinite(e) & (e >= 0), "events", "must be finite and not below 0")
    _refuse(e, e <= people, "events", "must not exceed n")
    return e, people


def checked_level(level: float) -> float:
    """The level of an interval, strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}, but it must be between 0 and 1, for example 0.95")
    return level


def design(x: npt.ArrayLike, k: int) -> Array:
    """Design matrix, shape (k, p), checked to be finite with independent columns."""
    matrix = np.asarray(x, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != k:
        raise ValueError(f"the design has shape {matrix.shape}; it must be ({k}, columns)")
    _refuse(matrix.T, np.isfinite(matrix.T), "a moderator", "must be finite (leave the study out)")
    rank = int(np.linalg.matrix_rank(matrix))
    if rank < matrix.shape[1]:
        raise ValueError(
            f"the design has {matrix.shape[1]} columns of rank {rank} over {k} studies; "
            "drop a moderator that the others determine"
        )
    return matrix


def _with_intercept(moderators: npt.ArrayLike) -> Array:
    columns = np.asarray(moderators, dtype=np.float64)
    if columns.ndim == 1:
        columns = columns[:, None]
    if columns.ndim != 2:
        raise ValueError(f"moderators have shape {columns.shape}; it must be (k, moderators)")
    return np.hstack([np.ones((columns.shape[0], 1)), columns])


def _refuse(values: Array, good: npt.NDArray[np.bool_], name: str, rule: str) -> None:
    """Raise a ValueError that names the first study whose value breaks the rule."""
    if good.all():
        return
    *data_set, study = (int(i) for i in np.argwhere(~good)[0])
    where = f"data set {tuple(data_set)}, study {study}" if data_set else f"study {study}"
    value = float(values[(*data_set, study)])
    others = int((~good).sum()) - 1
    more = f" ({others} more like it)" if others else ""
    raise ValueError(f"{where}: {name} is {value:g}, but it {rule}{more}")
