"""Morris screening: which parameters matter at all, for a few runs each.

On each of some random trajectories every parameter makes one large step, in random order. The
change of the answer over the step, per whole range of the parameter, is its elementary effect
(Morris 1991). mu_star, the mean of their sizes, says how much a parameter matters (Campolongo,
Cariboni and Saltelli 2007); sigma, their spread, that its effect is curved or depends on others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from plcore.analysis.sensitivity.design import (
    Answer,
    central,
    draws_with,
    evaluate,
    require_independent,
    require_level,
    varied,
)
from plcore.evidence.distributions import Floats
from plcore.scenarios import Scenario
from plcore.simulate.draws import plain
from plcore.simulate.runs import Model

_LEAST_TRAJECTORIES = 4


def morris_screening(
    model: Model,
    scenario: Scenario,
    answer: Answer,
    *,
    parameters: Sequence[str] | None = None,
    trajectories: int = 64,
    levels: int = 4,
    within: float = 0.95,
    seed: int = 1,
    resamples: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Elementary effects of parameters, from trajectories x (parameters + 1) model runs.

    Parameters
    ----------
    model : function
    scenario : Scenario
    answer : Answer
    parameters : sequence of str, optional
        Those that vary; the rest stay at their medians. By default all that are not fixed.
    trajectories : int
        4 or more.
    levels : int
        Probabilities that each parameter takes, evenly spaced; an even number. A step goes through
        half of the levels: 2/3 of the range for 4 levels.
    within : float
        The steps stay in the range of each parameter that holds it with this probability.
    seed : int
        What a trajectory does to a parameter is keyed by its name.
    resamples, level
        Of the bootstrap over trajectories.

    Returns
    -------
    DataFrame
        A row a parameter, the largest mu_star first: parameter, mu (the mean effect, signed),
        mu_star, mu_star_low, mu_star_high, sigma, sigma_low, sigma_high, in the unit of the answer
        per range of the parameter.

    Raises
    ------
    ValueError
        Also if parameters are correlated.
    """
    items = varied(scenario, parameters)
    require_independent(scenario, items, what="elementary effects")
    _require_design(trajectories, levels)
    names = [item.name for item in items]
    x = _trajectories(names, trajectories, levels, seed)
    tail = (1 - within) / 2
    for item in items:
        central(item, within)
    rows = x.reshape(-1, len(items))
    values = {item.name: item.ppf(tail + within * rows[:, j]) for j, item in enumerate(items)}
    y = evaluate(model, scenario, draws_with(scenario, values), answer)
    effects = elementary_effects(x, y.reshape(trajectories, len(items) + 1))
    table = effects_table(effects, resamples=resamples, seed=seed, level=level)
    table.insert(0, "parameter", names)
    return table.sort_values("mu_star", ascending=False, kind="stable", ignore_index=True)


def elementary_effects(x: ArrayLike, y: ArrayLike) -> Floats:
    """Change of an answer per unit of the one input that moved, on every step.

    Parameters
    ----------
    x : array_like, shape (n_trajectories, n_parameters + 1, n_parameters)
        Points of the trajectories; each parameter moves once in each, alone.
    y : array_like, shape (n_trajectories, n_parameters + 1)
        The answers there.

    Returns
    -------
    ndarray, shape (n_trajectories, n_parameters)

    Raises
    ------
    ValueError
        If the shapes do not fit, or a step moves several inputs or none.
    """
    points, answers = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if points.ndim != 3 or points.shape[1] != points.shape[2] + 1:
        raise ValueError(
            f"x has shape {points.shape}; expected (n_trajectories, n_parameters + 1, n_parameters)"
        )
    if answers.shape != points.shape[:2]:
        raise ValueError(f"y has shape {answers.shape}; expected {points.shape[:2]}")
    moves = np.diff(points, axis=1)
    moved = moves != 0
    if not ((moved.sum(axis=1) == 1).all() and (moved.sum(axis=2) == 1).all()):
        raise ValueError("x has a step that moves several inputs, or none; expected each to move "
                         "once in a trajectory, alone")  # fmt: skip
    change = np.diff(answers, axis=1)[:, :, np.newaxis]
    return np.asarray((change * moved).sum(axis=1) / moves.sum(axis=1))


def effects_table(
    effects: ArrayLike, *, resamples: int = 1000, seed: int = 1, level: float = 0.95
) -> pd.DataFrame:
    """Means and spread of elementary effects, with percentile bootstrap intervals.

    Parameters
    ----------
    effects : array_like, shape (n_trajectories, n_parameters)
    resamples : int
        Bootstrap samples of the trajectories, with replacement.
    seed : int
    level : float

    Returns
    -------
    DataFrame
        A row a parameter: mu, mu_star, mu_star_low, mu_star_high, sigma (n - 1 in its
        denominator), sigma_low, sigma_high.

    Raises
    ------
    ValueError
        If there are too few trajectories or resamples for an interval.
    """
    each = np.asarray(effects, dtype=float)
    require_level(level)
    if each.ndim != 2 or len(each) < _LEAST_TRAJECTORIES:
        raise ValueError(
            f"effects have shape {each.shape}; expected {_LEAST_TRAJECTORIES} trajectories or more "
            "by parameters"
        )
    if resamples < 20:
        raise ValueError(f"resamples is {resamples}; expected 20 or more")
    n = len(each)
    picked = np.random.default_rng([seed, resamples]).integers(n, size=(resamples, n))
    times = np.stack([np.bincount(row, minlength=n) for row in picked])
    ends = [(1 - level) / 2, (1 + level) / 2]
    star_low, star_high = np.quantile(times @ np.abs(each) / n, ends, axis=0)
    # Centred first: the difference of two large squares would lose digits.
    mean = each.mean(axis=0)
    squares, means = times @ (each - mean) ** 2 / n, times @ (each - mean) / n
    sigmas = np.sqrt(np.maximum(squares - means**2, 0) * n / (n - 1))
    sigma_low, sigma_high = np.quantile(sigmas, ends, axis=0)
    return pd.DataFrame(
        {
            "mu": mean,
            "mu_star": np.abs(each).mean(axis=0),
            "mu_star_low": star_low,
            "mu_star_high": star_high,
            "sigma": each.std(axis=0, ddof=1),
            "sigma_low": sigma_low,
            "sigma_high": sigma_high,
        }
    )


def _require_design(trajectories: int, levels: int) -> None:
    if trajectories < _LEAST_TRAJECTORIES:
        raise ValueError(f"trajectories is {trajectories}; expected {_LEAST_TRAJECTORIES} or more")
    if levels < 2 or levels % 2:
        raise ValueError(
            f"levels is {levels}; expected an even number, with which all are equally likely"
        )


def _trajectories(names: Sequence[str], n: int, levels: int, seed: int) -> Floats:
    """Points from 0 to 1, shape (n, n_parameters + 1, n_parameters)."""
    chance = plain([f"{name} {what}" for what in ("start", "turn") for name in names], n, seed)
    start, turn = chance[:, : len(names)], chance[:, len(names) :]
    half = levels // 2
    # A start below the middle steps up by half of the levels, one above it down.
    place = np.floor(start * levels).astype(int)
    after = np.where(place < half, place + half, place - half)
    order: NDArray[np.intp] = turn.argsort(axis=1).argsort(axis=1)
    steps = np.arange(len(names) + 1)[np.newaxis, :, np.newaxis]
    moved = order[:, np.newaxis, :] < steps
    points = np.where(moved, after[:, np.newaxis, :], place[:, np.newaxis, :])
    return np.asarray(points / (levels - 1))
