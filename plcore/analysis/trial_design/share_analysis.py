"""Analyses of shares: two arms of responders and non-responders, and crossovers of them.

Parameters
----------
treated, n_treated : array_like, shape (n_trials,)
    Responders and patients of the treated arm.
control, n_control : array_like, shape (n_trials,)
    The same of control.
treated_only_1, control_only_1, n_1 : array_like, shape (n_trials,)
    Patients treated first: who respond to treatment only, to control only, and all.
treated_only_2, control_only_2, n_2 : array_like, shape (n_trials,)
    The same of those treated second.

References
----------
McNemar (1947), Psychometrika 12:153; Tango (1998), Stat Med 17:891; Newcombe (1998), Stat Med
17:873.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from plcore.analysis.trial_design.analysis import Analysed, floats
from plcore.evidence.trials.comparison import (
    risk_difference_newcombe,
    risk_difference_score,
    risk_difference_z,
)
from plcore.evidence.trials.counts import Array, normal_quantile
from plcore.evidence.trials.paired import mcnemar_exact, paired_difference_score

# Probabilities of two tables that differ by less are one (R's fisher.test has the same).
_TIE = 1e-7
_CELLS_AT_A_TIME = 4_000_000
# Common shares at which the unconditional test looks for its largest p: 800 against 400 move no
# p-value near 0.05 by more than 1e-5.
_SHARES = 400


def chi_square(
    treated: npt.ArrayLike, n_treated: npt.ArrayLike,
    control: npt.ArrayLike, n_control: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """Two shares: pooled z (chi-square without correction), Newcombe's interval (1998, method 10)."""
    found = risk_difference_newcombe(treated, n_treated, control, n_control, level=level)
    z = _pooled_z(*floats(treated, n_treated, control, n_control))
    return Analysed(found.estimate, found.low, found.high, 2 * special.ndtr(-np.abs(z)))


def score_test(
    treated: npt.ArrayLike, n_treated: npt.ArrayLike,
    control: npt.ArrayLike, n_control: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """Two shares: the score interval of Miettinen and Nurminen (1985) and the test it inverts."""
    found = risk_difference_score(treated, n_treated, control, n_control, level=level)
    z = risk_difference_z(treated, n_treated, control, n_control)
    return Analysed(found.estimate, found.low, found.high, 2 * special.ndtr(-np.abs(z)))


def fisher(
    treated: npt.ArrayLike, n_treated: npt.ArrayLike,
    control: npt.ArrayLike, n_control: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """Two shares: Fisher's exact test, Newcombe's interval (1998, method 10).

    Two-sided as in R and SciPy: all tables of the same margins that are no likelier.
    """
    found = risk_difference_newcombe(treated, n_treated, control, n_control, level=level)
    p = _fisher_p(*floats(treated, n_treated, control, n_control))
    return Analysed(found.estimate, found.low, found.high, p)


def unconditional(
    treated: npt.ArrayLike, n_treated: npt.ArrayLike,
    control: npt.ArrayLike, n_control: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """Two shares: exact unconditional test on pooled z, Newcombe's interval (1998, method 10).

    p is the largest probability, over all common shares, of a z as far from 0 (Suissa & Shuster
    1985, J R Stat Soc A 148:317; of the kind Barnard proposed in 1945). Less conservative than
    Fisher's. Meant for arms of up to a few hundred: each pair of sizes takes all their tables.
    """
    found = risk_difference_newcombe(treated, n_treated, control, n_control, level=level)
    x1, n1, x2, n2 = floats(treated, n_treated, control, n_control)
    p = np.empty(x1.shape)
    sizes, which = np.unique(
        np.stack([n1, n2], axis=-1).reshape(-1, 2), axis=0, return_inverse=True
    )
    for i, (size_1, size_2) in enumerate(sizes):
        here = (which == i).reshape(x1.shape)
        table = _unconditional_p(int(size_1), int(size_2))
        p[here] = table[x1[here].astype(np.int64), x2[here].astype(np.int64)]
    return Analysed(found.estimate, found.low, found.high, p)


def mcnemar(
    treated_only_1: npt.ArrayLike, control_only_1: npt.ArrayLike, n_1: npt.ArrayLike,
    treated_only_2: npt.ArrayLike, control_only_2: npt.ArrayLike, n_2: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """A crossover of responses, the period ignored: exact McNemar test, Tango's score interval."""
    b1, c1, m1 = floats(treated_only_1, control_only_1, n_1)
    b2, c2, m2 = floats(treated_only_2, control_only_2, n_2)
    b, c = b1 + b2, c1 + c2
    # Neither the interval nor the test asks how many of the others responded to both.
    found = paired_difference_score(np.zeros_like(b), b, c, m1 + m2 - b - c, level=level)
    return Analysed(found.estimate, found.low, found.high, mcnemar_exact(b, c))


def period_adjusted(
    treated_only_1: npt.ArrayLike, control_only_1: npt.ArrayLike, n_1: npt.ArrayLike,
    treated_only_2: npt.ArrayLike, control_only_2: npt.ArrayLike, n_2: npt.ArrayLike,
    /, *, level: float = 0.95,
) -> Analysed:  # fmt: skip
    """A crossover of responses, adjusted for the period.

    The test asks whether the period preferred depends on the order of treatments, among patients
    who respond in one period only (Gart 1969, Biometrika 56:75), by Fisher's exact test. The
    estimate is the mean of the two orders' differences. Its interval is Wald's with half a patient
    added in each order to those who respond to treatment only and to control only, which is that
    of Bonett & Price (2012, Br J Math Stat Psychol 65:479) where the orders are equally long.
    """
    b1, c1, m1 = floats(treated_only_1, control_only_1, n_1)
    b2, c2, m2 = floats(treated_only_2, control_only_2, n_2)
    p = _fisher_p(b1, b1 + c1, c2, b2 + c2)
    centre, variance = np.zeros(b1.shape), np.zeros(b1.shape)
    for b, c, m in ((b1, c1, m1), (b2, c2, m2)):
        p1, p2 = (b + 0.5) / (m + 1), (c + 0.5) / (m + 1)
        centre = centre + (p1 - p2) / 2
        variance = variance + (p1 + p2 - (p1 - p2) ** 2) / (m + 1) / 4
    half = normal_quantile(level) * np.sqrt(variance)
    estimate = ((b1 - c1) / m1 + (b2 - c2) / m2) / 2
    return Analysed(estimate, np.maximum(centre - half, -1), np.minimum(centre + half, 1), p)


def _pooled_z(x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """z of no difference; 0 where nobody responds, or everybody."""
    pooled = (x1 + x2) / (n1 + n2)
    se = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return np.asarray((x1 / n1 - x2 / n2) / np.where(se > 0, se, 1))


def _fisher_p(x1: Array, n1: Array, x2: Array, n2: Array) -> Array:
    """Two-sided p of every table: margins once, a row each, looked up by the table's own cell."""
    shape = x1.shape
    cells = np.stack([n1.ravel(), n2.ravel(), (x1 + x2).ravel(), x1.ravel()])
    # One number a set of margins, below 2^53 for arms of up to 200,000.
    base = float(cells[:2].max(initial=0)) * 2 + 1
    keys = (cells[0] * base + cells[1]) * base + cells[2]
    _, first, row = np.unique(keys, return_index=True, return_inverse=True)
    margins = cells[:3, first]
    widest = int(np.minimum(margins[:2].min(axis=0), margins[2]).max(initial=0)) + 1
    step = max(_CELLS_AT_A_TIME // widest, 1)
    p = np.empty(cells.shape[1])
    for start in range(0, margins.shape[1], step):
        here = (row >= start) & (row < start + step)
        p[here] = _look_up(margins[:, start : start + step], row[here] - start, cells[3, here])
    return p.reshape(shape)


def _look_up(margins: Array, row: npt.NDArray[np.intp], x1: Array) -> Array:
    n1, n2, m = margins[:, :, np.newaxis]
    least = np.maximum(m - n2, 0)
    most = np.minimum(n1, m)
    x = least + np.arange(int((most - least).max()) + 1)
    inside = x <= most
    x = np.minimum(x, most)
    log_p = _log_choose(n1, x) + _log_choose(n2, m - x) - _log_choose(n1 + n2, m)
    own = log_p[row, (x1 - least[row, 0]).astype(np.intp)]
    lowest = float(log_p.min()) - 1
    in_order = np.sort(np.where(inside, log_p, lowest), axis=1)
    up_to = np.cumsum(np.where(in_order > lowest, np.exp(in_order), 0), axis=1)
    # Rows laid end to end, each lifted above the one before, are one sorted list to search.
    lift = (1 - lowest) * np.arange(len(in_order))
    place = np.searchsorted(
        (in_order + lift[:, np.newaxis]).ravel(), own + lift[row] + _TIE, side="right"
    )
    found: Array = np.minimum(up_to.ravel()[place - 1], 1)
    return found


def _log_choose(n: Array, k: Array) -> Array:
    found: Array = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return found


@lru_cache(maxsize=64)
def _unconditional_p(n1: int, n2: int) -> Array:
    """p of all tables, shape (n1 + 1, n2 + 1)."""
    x1, x2 = np.arange(n1 + 1.0), np.arange(n2 + 1.0)
    a, c = np.meshgrid(x1, x2, indexing="ij")
    far = np.abs(_pooled_z(a, np.full_like(a, n1), c, np.full_like(c, n2))).round(9).ravel()
    order = np.argsort(-far, kind="stable")
    last = np.searchsorted(-far[order], -far[order], side="right") - 1
    worst = np.zeros(far.size)
    # Shares above a half mirror those below; the arc sine packs them near 0, where p peaks.
    for share in np.sin(np.pi / 4 * np.arange(1, _SHARES + 1) / _SHARES) ** 2:
        mass = np.outer(stats.binom.pmf(x1, n1, share), stats.binom.pmf(x2, n2, share)).ravel()
        worst = np.maximum(worst, np.cumsum(mass[order]))
    p = np.empty(far.size)
    p[order] = np.minimum(worst[last], 1)
    p.flags.writeable = False
    return p.reshape(n1 + 1, n2 + 1)
