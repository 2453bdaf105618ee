"""What it would be worth to know: all of it (EVPI), a part (EVPPI), or what a study finds (EVSI)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from plcore.analysis.value.smoothing import Smoother, gaussian_process, normal_scores, spline
from plcore.evidence.distributions import Floats
from plcore.threads import one_blas_thread

_LEAST_DRAWS = 100


@dataclass(frozen=True, slots=True)
class ValueOfInformation:
    """What knowing something before deciding is worth, in the unit of the net benefit.

    Attributes
    ----------
    value : float
        The mean gain over the draws.
    se : float
        Its Monte-Carlo standard error, for independent draws (Sobol draws do better).
    low, high : float
        95% limits for the true value under the model: two standard errors below the lesser and
        above the greater of the plain and the cross-fitted estimate, so that the bias of fitting
        lies between them, with room for skewed gains, for a best option that is not sure and for
        changes rarer than the draws show.
    cross_fitted : float
        The same by decision rules that did not see the draws they are judged on. The plain
        estimate is too high where the fit follows chance, this one too low where it misses a curve;
        far apart they say that more draws are needed.
    changes : float
        Share of the draws in which another option would be chosen.
    best : int
        Place of the option that is best without knowing more.
    n_draws : int
    """

    value: float
    se: float
    low: float
    high: float
    cross_fitted: float
    changes: float
    best: int
    n_draws: int


def evpi(net_benefit: ArrayLike) -> ValueOfInformation:
    """The expected value of perfect information: what it would be worth to know everything.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
        What each option brings in each draw; more is better.

    References
    ----------
    Raiffa and Schlaifer 1961, Applied Statistical Decision Theory.
    """
    gains, best = _gains(net_benefit)
    return _valued(gains, gains, gains, best)


def evppi(
    net_benefit: ArrayLike,
    known: pd.DataFrame,
    *,
    smoother: Smoother | None = None,
) -> ValueOfInformation:
    """The expected value of knowing some parameters before deciding, the others still uncertain.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
        As for `evpi`.
    known : DataFrame, n_draws rows
        The parameters that would be known, a column each: columns of the same run's draws.
        Correlated ones teach of each other, which is counted.
    smoother : function, optional
        How net benefit is expected from what is known; without one `spline` for a single
        parameter and `gaussian_process` for several.

    Returns
    -------
    ValueOfInformation
        No more than the EVPI of the same draws, and 0 where nothing in `known` varies.

    References
    ----------
    Strong, Oakley and Brennan 2014, Med Decis Making 34:311-326. The standard error is that of the
    gain under the fitted decision rule (the efficient influence function), not of the paper.
    """
    gains, best = _gains(net_benefit)
    given = _checked(known, len(gains))
    scores = normal_scores(given)
    if scores.shape[1] == 0:
        return ValueOfInformation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, best, len(gains))
    if smoother is None:
        smoother = spline if scores.shape[1] == 1 else gaussian_process
    others = np.delete(gains, best, axis=1)
    # Small matrices by the hundred: threads of BLAS would wait for each other, and move last digits.
    with one_blas_thread():
        fitted = smoother(scores, others)
    inside = np.insert(fitted.inside, best, 0.0, axis=1)
    outside = np.insert(fitted.outside, best, 0.0, axis=1)
    return _valued(gains, inside, outside, best)


def evsi(
    net_benefit: ArrayLike,
    found: pd.DataFrame,
    *,
    smoother: Smoother | None = None,
) -> ValueOfInformation:
    """The expected value of what a study finds, before it is done.

    A result simulated in each draw, from the parameters of that draw, stands for what would be
    known: `prevalence_study` and `trial` give it. What the finding is worth beyond the cost of the
    study is for the reader to subtract.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
    found : DataFrame, n_draws rows
        Few numbers that say all that the study tells (sufficient statistics).
    smoother : function, optional
        As for `evppi`.

    References
    ----------
    Strong, Oakley, Brennan and Breeze 2015, Med Decis Making 35:570-583.
    """
    return evppi(net_benefit, found, smoother=smoother)


def evppi_table(
    net_benefit: ArrayLike,
    draws: pd.DataFrame,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """What it would be worth to know each group of parameters, the most valuable first.

    `evppi` of each group (Strong, Oakley and Brennan 2014).

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
    draws : DataFrame, n_draws rows
    groups : mapping of str to sequence of str, optional
        What a group is called, and its columns of `draws`; without it, each varying parameter.

    Returns
    -------
    DataFrame
        Columns label, value, low, high (95% Monte-Carlo limits), se, cross_fitted, changes and
        share_of_evpi; `charts.bars` takes it.

    Raises
    ------
    ValueError
        If a group has no names, or names that are no columns of the draws.
    """
    if groups is None:
        varying = draws.columns[(draws.min() < draws.max()).to_numpy()]
        groups = {str(name): [str(name)] for name in varying}
    everything = evpi(net_benefit).value
    rows = []
    for label, names in groups.items():
        missing = [name for name in names if name not in draws]
        if missing or not names:
            raise ValueError(f"{label}: {missing or 'no names'}; expected columns of the draws")
        worth = evppi(net_benefit, draws[list(names)])
        rows.append(
            {
                "label": label,
                "value": worth.value,
                "low": worth.low,
                "high": worth.high,
                "se": worth.se,
                "cross_fitted": worth.cross_fitted,
                "changes": worth.changes,
                "share_of_evpi": worth.value / everything if everything > 0 else 0.0,
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("value", ascending=False, kind="stable", ignore_index=True)


def _gains(net_benefit: ArrayLike) -> tuple[Floats, int]:
    """Net benefit over the option that is best on average, and the place of that option."""
    values = np.asarray(net_benefit, dtype=float)
    if values.ndim != 2 or values.shape[1] < 2 or len(values) < _LEAST_DRAWS:
        raise ValueError(
            f"net_benefit has shape {values.shape}; "
            f"expected ({_LEAST_DRAWS} draws or more, 2 options or more)"
        )
    if not np.isfinite(values).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(
            f"net_benefit is {values[i, j]} in draw {i} of option {j}; expected a finite number"
        )
    best = int(np.argmax(values.mean(axis=0)))
    return values - values[:, [best]], best


def _checked(known: pd.DataFrame, n: int) -> Floats:
    if not isinstance(known, pd.DataFrame):
        raise TypeError(f"known is a {type(known).__name__}; expected a DataFrame")
    if len(known) != n or known.shape[1] == 0:
        raise ValueError(
            f"known has {len(known)} rows and {known.shape[1]} columns; expected the {n} draws of "
            "the net benefit and 1 column or more"
        )
    values = known.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(
            f"{known.columns[j]} is {values[i, j]} in draw {i}; expected a finite number"
        )
    return values


def _valued(gains: Floats, inside: Floats, outside: Floats, best: int) -> ValueOfInformation:
    n = len(gains)
    perfect = float(gains.max(axis=1).mean())
    rows = np.arange(n)
    rule = inside.argmax(axis=1)
    # A tie is no reason to change.
    rule[inside[rows, rule] <= inside[:, best]] = best
    kept = gains[rows, rule]
    blind = gains[rows, outside.argmax(axis=1)]
    plain = float(inside.max(axis=1).mean() - inside.mean(axis=0).max())
    # The value is the least over the options of the gain over that option. Where two are nearly
    # equal on average, either may truly be best: limits of the least (Chernozhukov 2013).
    lows, highs = [], []
    for option in range(gains.shape[1]):
        over, blindly = kept - gains[:, option], blind - gains[:, option]
        expected = (inside.max(axis=1) - inside[:, option]).mean()
        highs.append(max(expected, blindly.mean()) + _margin(over))
        lows.append(min(expected, blindly.mean()) - _margin(-blindly))
    value = min(max(plain, 0.0), perfect)
    changes = int(np.count_nonzero(rule != best))
    each = value * n / changes if changes else float(inside.std(axis=0).max())
    rare = stats.chi2.ppf(0.975, 2 * changes + 2) / 2 * each / n
    return ValueOfInformation(
        value=value,
        se=float(kept.std(ddof=1) / np.sqrt(n)),
        low=min(max(float(min(lows)), 0.0), value),
        high=float(max(min(highs), rare, value)),
        cross_fitted=float(blind.mean()),
        changes=changes / n,
        best=best,
        n_draws=n,
    )


def _margin(values: Floats) -> float:
    """How far above the mean of a sample the true mean may be, with 97.5%.

    Gains are nought in most draws and large in few: such a skew asks for more room above (Johnson
    1978, J Am Stat Assoc 73:536-544); a skew the other way is given no less.
    """
    n, z, sd = len(values), special.ndtri(0.975), float(values.std(ddof=1))
    if sd == 0:
        return 0.0
    skew = float(np.mean((values - values.mean()) ** 3)) / sd**3
    return float(sd / np.sqrt(n) * (z + max(skew, 0.0) * (1 + 2 * z**2) / (6 * np.sqrt(n))))
