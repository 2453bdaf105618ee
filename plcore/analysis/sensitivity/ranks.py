"""Sensitivity from runs that are there already: rank correlation and regression.

Nothing is run again. Both measures are of draws as they are, so that correlated parameters (such as
calibrated ones) are no obstacle; but then a parameter's own share of the variance is not defined,
and only the partial correlation, in which all others are held still, can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from plcore.analysis.sensitivity.design import Answer, require_level, require_moving
from plcore.evidence.distributions import Floats
from plcore.simulate.runs import Run

#: Draws needed beyond the parameters: with fewer the intervals say nothing.
_SPARE = 10


def partial_rank_correlations(
    run: Run,
    answer: Answer,
    *,
    parameters: Sequence[str] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """How surely the answer rises or falls with each parameter, all others held still.

    A strong correlation of ranks is not a large share of the uncertainty: a parameter may push the
    answer the same way always, and little.

    Parameters
    ----------
    run : Run
    answer : Answer
    parameters : sequence of str, optional
        Columns of the draws; by default all that vary. Those left out count as noise.
    level : float
        Of the intervals: Fisher's z with the variance (1 + r^2 / 2) / (n - 3 - others) that ranks
        need (Bonett and Wright 2000). They take the draws as independent; Sobol or Latin hypercube
        draws are more even, so that the intervals are then wider than need be.

    Returns
    -------
    DataFrame
        A row a parameter, the strongest first: parameter, prcc, low, high.

    References
    ----------
    Marino, Hogue, Ray and Kirschner 2008, J Theor Biol 254:178 (the method); Iman and Helton 1988.
    """
    require_level(level)
    names, x, y = _columns(run, answer, parameters)
    r = _partial(_standardised(stats.rankdata(x, axis=0)), _standardised(stats.rankdata(y)), names)
    error = np.sqrt((1 + r**2 / 2) / (len(y) - 3 - (len(names) - 1)))
    reach = float(special.ndtri((1 + level) / 2)) * error
    # An exact monotone relation has r = 1 and no width.
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    table = pd.DataFrame(
        {"parameter": names, "prcc": r, "low": np.tanh(z - reach), "high": np.tanh(z + reach)}
    )
    return table.sort_values("prcc", key=np.abs, ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False)
class RankRegression:
    """Standardised regression of an answer on the parameters.

    Attributes
    ----------
    table : DataFrame
        A row a parameter, the largest srrc first: parameter, src, src_low, src_high (change of the
        answer, in its standard deviations, per standard deviation of the parameter), srrc,
        srrc_low, srrc_high (the same of ranks).
    r2, r2_ranks : float
        Share of the variance of the answer, and of its ranks, that the regressions explain. Where
        it is low the coefficients tell little.
    n_draws : int
    """

    table: pd.DataFrame
    r2: float
    r2_ranks: float
    n_draws: int


def rank_regression(
    run: Run,
    answer: Answer,
    *,
    parameters: Sequence[str] | None = None,
    level: float = 0.95,
) -> RankRegression:
    """Standardised coefficients of a linear regression, of the values and of their ranks.

    For independent parameters the squared coefficients are shares of the variance as far as the
    model is linear: they add up to r2.

    Parameters
    ----------
    run : Run
    answer : Answer
    parameters : sequence of str, optional
        Columns of the draws; by default all that vary.
    level : float
        Of the intervals, whose standard errors (HC3, MacKinnon and White 1985) do not take what
        the straight line misses for noise of one size.

    References
    ----------
    Saltelli et al. 2008, Global Sensitivity Analysis: the primer, chapter 1; Iman and Conover 1979.
    """
    require_level(level)
    names, x, y = _columns(run, answer, parameters)
    width = float(stats.t.ppf((1 + level) / 2, len(y) - len(names) - 1))
    columns: dict[str, Sequence[str] | Floats] = {"parameter": names}
    r2 = {}
    for name, inputs, output in (
        ("src", x, y),
        ("srrc", stats.rankdata(x, axis=0), stats.rankdata(y)),
    ):
        slope, error, r2[name] = _regress(_standardised(inputs), _standardised(output), names)
        columns |= {
            name: slope,
            f"{name}_low": slope - width * error,
            f"{name}_high": slope + width * error,
        }
    table = pd.DataFrame(columns).sort_values(
        "srrc", key=np.abs, ascending=False, kind="stable", ignore_index=True
    )
    return RankRegression(table, r2["src"], r2["srrc"], len(y))


def _columns(
    run: Run, answer: Answer, parameters: Sequence[str] | None
) -> tuple[list[str], Floats, Floats]:
    draws = run.draws
    moving = [name for name in draws.columns if draws[name].min() != draws[name].max()]
    names = moving if parameters is None else list(parameters)
    for name in names:
        if name not in moving:
            found = "is the same in every draw" if name in draws.columns else "is not in the draws"
            raise ValueError(f"{name} {found}; expected one of {', '.join(moving)}")
        if names.count(name) > 1:
            raise ValueError(f"{name} is named twice; expected it once")
    if not names:
        raise ValueError("no parameter differs between the draws; expected at least one")
    if len(draws) < len(names) + _SPARE:
        raise ValueError(
            f"{len(draws)} draws of {len(names)} parameters; expected {len(names) + _SPARE} draws "
            "or more"
        )
    y = answer.of(run.outcome)
    if not np.isfinite(y).all():
        raise ValueError(f"{answer} is not finite in every draw; expected finite numbers")
    require_moving(y, answer)
    return names, draws[names].to_numpy(dtype=float), y


def _standardised(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=0)))


def _inverse(x: Floats, names: Sequence[str]) -> Floats:
    correlation = x.T @ x / len(x)
    if np.linalg.cond(correlation) > 1e10:
        i, j = np.unravel_index(
            np.argmax(np.abs(correlation - np.eye(len(names)))), correlation.shape
        )
        raise ValueError(
            "the parameters tell the same in other words (most alike: "
            f"{names[int(i)]} and {names[int(j)]}); expected some of them to be left out"
        )
    return np.asarray(np.linalg.inv(correlation))


def _partial(x: Floats, y: Floats, names: Sequence[str]) -> Floats:
    """Correlation of y with each column of x given the others: what it adds to the fit."""
    inverse = _inverse(x, names)
    slope = inverse @ (x.T @ y) / len(y)
    # Rounding may leave less than nothing where the fit is perfect.
    left = max(float(((y - x @ slope) ** 2).mean()), 0.0)
    left = 0.0 if left < 1e-14 else left
    added = slope**2 / np.diag(inverse)
    return np.asarray(np.sign(slope) * np.sqrt(added / (added + left)))


def _regress(x: Floats, y: Floats, names: Sequence[str]) -> tuple[Floats, Floats, float]:
    """Slopes, their HC3 standard errors and the share of variance explained."""
    inverse = _inverse(x, names) / len(x)
    slope = inverse @ (x.T @ y)
    missed = y - x @ slope
    # The mean, too, was fitted.
    leverage = 1 / len(x) + ((x @ inverse) * x).sum(axis=1)
    weighted = x * (missed / (1 - leverage))[:, np.newaxis]
    half = weighted @ inverse
    return slope, np.sqrt((half**2).sum(axis=0)), 1 - float((missed**2).mean())
