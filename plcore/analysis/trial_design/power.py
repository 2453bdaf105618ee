"""Power of a trial in closed form, or exactly over all its tables.

Every power function takes the effect first, then the patients analysed, and the level `alpha` by
keyword, so that `sample_size` can vary the patients of any of them.

The effect is treated minus control. Power counts every trial that rejects, on either side where the
test is two-sided; one-sided tests look for more than `margin`. A margin below 0 is one of
non-inferiority, above 0 of superiority by more than it. Arguments broadcast.

Parameters
----------
treated, control, share : array_like
    Shares who respond, between 0 and 1.
goal : array_like
    The share that a single arm is set against.
difference : array_like
    Of the means, treated minus control.
sd, sd_difference : array_like
    Standard deviation in each arm, and of the difference of a patient's two values.
n : array_like of int
    Patients analysed.
n_treated, n_control : array_like of int
    Patients analysed in each arm.
n_treated_first, n_control_first : array_like of int
    Patients analysed in each order of treatments.
treated_only, control_only : array_like
    Shares of patients who respond to one treatment and not to the other.
correlation : array_like
    Of a patient's two values.
margin : float
    How much more than this the difference is to be.
alpha : float
    Level of the test, between 0 and 1.
two_sided : bool
    Whether a difference on either side is looked for.

References
----------
Johnson & Welch (1940), Biometrika 31:362 (the noncentral t behind the power of means); Clopper &
Pearson (1934), Biometrika 26:404 (the exact test of one share); Duffy (1984), Biometrics 40:1005
(the exact power of McNemar's test).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.analysis.trial_design.analysis import TwoShares, checked_between
from plcore.evidence.trials.counts import Array

# Counts rarer than this in both directions change no power in its 12th digit.
_NEGLIGIBLE = 1e-16


def shares_power(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated: npt.ArrayLike,
    n_control: npt.ArrayLike,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of the score test of two shares (chi-square without correction where margin is 0).

    Normal approximation; the variance under the null is that of the shares nearest to those assumed
    that differ by the margin (Farrington & Manning 1990, Stat Med 9:1447), which are the pooled
    share where it is 0 (Fleiss, Levin & Paik 2003, section 4.2).
    """
    p1, p2, n1, n2 = _two_shares(treated, control, n_treated, n_control)
    checked_between("margin", margin, -1, 1)
    null_1, null_2 = _restricted(p1, n1, p2, n2, margin)
    se_null = np.sqrt(null_1 * (1 - null_1) / n1 + null_2 * (1 - null_2) / n2)
    se = np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return _normal_power(p1 - p2 - margin, se_null, se, alpha, two_sided)


def shares_power_unpooled(
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated: npt.ArrayLike,
    n_control: npt.ArrayLike,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of the Wald test of two shares, whose variance takes each arm's own share.

    Chow, Shao and Wang (2008), Sample Size Calculations in Clinical Research, section 4.2.
    """
    p1, p2, n1, n2 = _two_shares(treated, control, n_treated, n_control)
    se = np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return _normal_power(p1 - p2 - margin, se, se, alpha, two_sided)


def shares_power_exact(
    analysis: TwoShares,
    treated: npt.ArrayLike,
    control: npt.ArrayLike,
    n_treated: int,
    n_control: int,
    *,
    alpha: float = 0.05,
) -> Array:
    """Power of any analysis of two shares: the probability of all tables that it rejects.

    With `treated` equal to `control` it is the type I error.

    Parameters
    ----------
    analysis : function
        `fisher`, `chi_square`, `unconditional` or another of that form.
    treated, control : array_like
        Shares who respond, 0 to 1.
    n_treated, n_control : int
    """
    checked_between("alpha", alpha, 0, 1)
    p1, p2 = np.broadcast_arrays(_share("treated", treated), _share("control", control))
    _patients("n_treated", n_treated)
    _patients("n_control", n_control)
    counts_1, mass_1 = _likely(n_treated, p1.ravel())
    counts_2, mass_2 = _likely(n_control, p2.ravel())
    a, c = np.meshgrid(counts_1, counts_2, indexing="ij")
    found = analysis(a.ravel(), n_treated, c.ravel(), n_control, level=1 - alpha)
    rejects = (found.p <= alpha).reshape(a.shape).astype(np.float64)
    power: Array = np.einsum("ij,ij->i", mass_1 @ rejects, mass_2)
    return power.reshape(p1.shape)


def share_power_exact(
    share: npt.ArrayLike,
    goal: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of the exact binomial test of one arm against a fixed goal.

    Two-sided, each tail has alpha / 2 at most, as where the Clopper-Pearson interval leaves out
    the goal; one-sided, a share above the goal is looked for.
    """
    checked_between("alpha", alpha, 0, 1)
    p, p0, size = np.broadcast_arrays(_share("share", share), _inner("goal", goal), n)
    _patients("n", size)
    tail = alpha / 2 if two_sided else alpha
    top = stats.binom.isf(tail, size, p0)
    top = np.where(stats.binom.sf(top - 1, size, p0) <= tail, top - 1, top)
    power: Array = np.asarray(stats.binom.sf(top, size, p))
    if two_sided:
        bottom = stats.binom.ppf(tail, size, p0)
        bottom = np.where(stats.binom.cdf(bottom, size, p0) <= tail, bottom, bottom - 1)
        power = power + stats.binom.cdf(bottom, size, p)
    return power


def means_power(
    difference: npt.ArrayLike,
    sd: npt.ArrayLike,
    n_treated: npt.ArrayLike,
    n_control: npt.ArrayLike,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of Student's t-test of two means, exact for normal values of one common SD.

    Raises
    ------
    ValueError
        If there are fewer than 3 patients, a standard deviation is not above 0, or alpha no level.
    """
    effect = np.asarray(difference, np.float64) - margin
    spread, n1, n2 = (
        _above("sd", sd),
        _sizes("n_treated", n_treated),
        _sizes("n_control", n_control),
    )
    if np.any(n1 + n2 < 3):
        raise ValueError("two arms of one patient each have no spread; expected 3 patients or more")
    return _t_power(effect / (spread * np.sqrt(1 / n1 + 1 / n2)), n1 + n2 - 2, alpha, two_sided)


def paired_means_power(
    difference: npt.ArrayLike,
    sd_difference: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of the paired t-test, the order of treatments ignored; `sd_of_difference` gives its SD.

    Raises
    ------
    ValueError
        If there are fewer than 2 patients, a standard deviation is not above 0, or alpha no level.
    """
    size = _sizes("n", n)
    if np.any(size < 2):
        raise ValueError("one pair has no spread; expected n of 2 or more")
    effect = np.asarray(difference, np.float64) - margin
    noncentrality = effect * np.sqrt(size) / _above("sd_difference", sd_difference)
    return _t_power(noncentrality, size - 1, alpha, two_sided)


def crossover_means_power(
    difference: npt.ArrayLike,
    sd_difference: npt.ArrayLike,
    n_treated_first: npt.ArrayLike,
    n_control_first: npt.ArrayLike,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of the 2x2 crossover's t-test, adjusted for the period (Senn 2002, section 3.6)."""
    half = np.asarray(sd_difference, np.float64) / 2
    return means_power(
        difference, half, n_treated_first, n_control_first,
        margin=margin, alpha=alpha, two_sided=two_sided,
    )  # fmt: skip


def mcnemar_power(
    treated_only: npt.ArrayLike,
    control_only: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> Array:
    """Power of McNemar's test, normal approximation (Connor 1987, Biometrics 43:207).

    `treated_only` and `control_only` are the shares of patients who respond to one treatment and
    not to the other: `paired_shares` gives them.
    """
    b, c = _discordant(treated_only, control_only)
    root_n = np.sqrt(_sizes("n", n))
    se_null, se = np.sqrt(b + c) / root_n, np.sqrt(b + c - (b - c) ** 2) / root_n
    return _normal_power(b - c, se_null, se, alpha, two_sided)


def mcnemar_power_exact(
    treated_only: float,
    control_only: float,
    n: int,
    *,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> float:
    """Power of the exact McNemar test: over every number of patients who respond to one only."""
    b, c = _discordant(treated_only, control_only)
    _patients("n", n)
    discordant = np.arange(n + 1)
    odd = share_power_exact(b / (b + c), 0.5, discordant[1:], alpha=alpha, two_sided=two_sided)
    return float(stats.binom.pmf(discordant[1:], n, b + c) @ odd)


def sd_of_difference(sd: npt.ArrayLike, correlation: npt.ArrayLike) -> Array:
    """SD of the difference of two values of one patient: sd sqrt(2 (1 - correlation))."""
    r = checked_between("correlation", correlation, -1, 1, ends=True)
    return _above("sd", sd) * np.sqrt(2 * (1 - r))


def paired_shares(
    treated: npt.ArrayLike, control: npt.ArrayLike, *, odds_ratio: npt.ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """Shares of patients who respond to both treatments, the treated only, control only, neither.

    `odds_ratio` ties the two responses of one patient: how many times the odds of responding to one
    treatment are in those who respond to the other; 1 is no tie. Unlike a correlation it allows any
    pair of shares (Plackett 1965, J Am Stat Assoc 60:516).
    """
    p1, p2, odds = (
        _share("treated", treated),
        _share("control", control),
        _above("odds_ratio", odds_ratio),
    )
    s = 1 + (p1 + p2) * (odds - 1)
    root = np.sqrt(np.maximum(s * s - 4 * odds * (odds - 1) * p1 * p2, 0))
    # The other root of Plackett's quadratic divides by odds - 1.
    both = 2 * odds * p1 * p2 / (s + root)
    return both, p1 - both, p2 - both, 1 - p1 - p2 + both


def _restricted(p1: Array, n1: Array, p2: Array, n2: Array, s: float) -> tuple[Array, Array]:
    """The likeliest pair of shares that differ by the margin, given shares p1 of n1 and p2 of n2.

    In closed form (Farrington & Manning 1990, appendix).
    """
    ratio = n2 / n1
    a = 1 + ratio
    b = -(a + p1 + ratio * p2 + s * (ratio + 2))
    c = s * s + s * (2 * p1 + a) + p1 + ratio * p2
    d = -p1 * s * (1 + s)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a * a) + d / (2 * a)
    u = np.where(v < 0, -1.0, 1.0) * np.sqrt(np.maximum((b / (3 * a)) ** 2 - c / (3 * a), 0))
    # u is 0 only with v, at a triple root; there the angle does not matter.
    cosine = np.clip(v / np.where(u == 0, 1, u) ** 3, -1, 1)
    first = 2 * u * np.cos((np.pi + np.arccos(cosine)) / 3) - b / (3 * a)
    # At no margin the angle is known and the arc cosine would cost half the digits.
    first = np.where(s == 0, (p1 + ratio * p2) / a, first)
    first = np.clip(first, np.maximum(s, 0), np.minimum(1 + s, 1))
    return first, np.clip(first - s, 0, 1)


def _normal_power(effect: Array, se_null: Array, se: Array, alpha: float, two_sided: bool) -> Array:
    checked_between("alpha", alpha, 0, 1)
    z = special.ndtri(1 - alpha / 2) if two_sided else special.ndtri(1 - alpha)
    power: Array = special.ndtr((effect - z * se_null) / se)
    if two_sided:
        power = power + special.ndtr((-effect - z * se_null) / se)
    return power


def _t_power(noncentrality: Array, df: Array, alpha: float, two_sided: bool) -> Array:
    checked_between("alpha", alpha, 0, 1)
    t = stats.t.isf(alpha / 2 if two_sided else alpha, df)
    power: Array = np.asarray(stats.nct.sf(t, df, noncentrality))
    if two_sided:
        power = power + stats.nct.sf(t, df, -noncentrality)
    return power


def _likely(n: int, shares: Array) -> tuple[npt.NDArray[np.int64], Array]:
    """Counts with a mass worth adding for some of the shares, and the masses (shares, counts)."""
    counts = np.arange(n + 1)
    mass: Array = np.asarray(stats.binom.pmf(counts, n, shares[:, np.newaxis]))
    kept = np.any(mass > _NEGLIGIBLE, axis=0)
    return counts[kept], mass[:, kept]


def _two_shares(
    treated: npt.ArrayLike, control: npt.ArrayLike, n1: npt.ArrayLike, n2: npt.ArrayLike
) -> tuple[Array, Array, Array, Array]:
    return (
        _inner("treated", treated), _inner("control", control),
        _sizes("n_treated", n1), _sizes("n_control", n2),
    )  # fmt: skip


def _discordant(treated_only: npt.ArrayLike, control_only: npt.ArrayLike) -> tuple[Array, Array]:
    b, c = _share("treated_only", treated_only), _share("control_only", control_only)
    checked_between("treated_only + control_only", b + c, 0, 1, ends=True)
    if np.any(b + c == 0):
        raise ValueError("treated_only + control_only is 0; without such patients there is no test")
    return b, c


def _inner(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, 0, 1)


def _share(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, 0, 1, ends=True)


def _above(name: str, value: npt.ArrayLike) -> Array:
    return checked_between(name, value, 0, math.inf)


def _sizes(name: str, n: npt.ArrayLike) -> Array:
    return checked_between(name, n, 1, math.inf, ends=True)


def _patients(name: str, n: npt.ArrayLike) -> None:
    if not np.issubdtype(np.asarray(n).dtype, np.integer) or np.any(np.asarray(n) < 1):
        raise ValueError(f"{name} is {n!r}; expected a whole number of patients, 1 or more")
