"""Sobol indices: which share of an answer's variance each parameter causes.

The first-order index of a parameter is the share of the variance that would go, on average, if it
were known; the total index is the share that would be left if all others were known (Sobol 1993,
Homma and Saltelli 1996). Their difference is what it causes together with others.

With A and B two independent sets of draws and A_B the set A with one parameter taken from B, and
f centred on its mean,

    first = mean(f(B) (f(A_B) - f(A))) / variance,      Saltelli et al. 2010, table 2 (b)
    total = mean((f(A) - f(A_B))^2) / (2 variance),     Jansen 1999; the same table, (f)

variance being that of A and B together. Both hold for independent inputs only. Parameters that are
correlated with each other can move as one group (Jacques, Lavergne and Devictor 2006): the indices
of a group are as well defined as those of a single parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from plcore.analysis.sensitivity.design import (
    Answer,
    correlated,
    draws_with,
    evaluate,
    is_constant,
    require_independent,
    require_level,
    require_moving,
    varied,
)
from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Parameter
from plcore.scenarios import Scenario
from plcore.simulate.draws import sobol
from plcore.simulate.runs import Model

_LEAST_BASE = 64
#: Bootstrap samples at a time; their weights fit the cache of most machines.
_AT_A_TIME = 128


def sobol_indices(
    model: Model,
    scenario: Scenario,
    answer: Answer,
    *,
    parameters: Sequence[str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    n_base: int = 4096,
    seed: int = 1,
    resamples: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """First-order and total indices of parameters, from n_base x (parameters + 2) model runs.

    Parameters
    ----------
    model : function
    scenario : Scenario
    answer : Answer
    parameters : sequence of str, optional
        Those that vary, each with its own distribution; the rest stay at their medians. By default
        all that are not fixed.
    groups : mapping of str to sequence of str, optional
        Parameters that move together, by the name of the group. Correlations of the scenario are
        kept within a group (a Gaussian copula), and refused between groups.
    n_base : int
        Points of a scrambled Sobol sequence; a power of two, 64 or more.
    seed : int
    resamples, level
        As in `indices_of`.

    Returns
    -------
    DataFrame
        A row a parameter or group, the largest total index first: parameter, first, first_low,
        first_high, total, total_low, total_high. 1 less the sum of `first` is what is due to
        parameters acting together.

    Raises
    ------
    ValueError
        Also if parameters are correlated that are not in one group, or one of them with a
        parameter that is held still.
    """
    items = varied(scenario, parameters)
    members = _grouped(items, groups or {})
    _require_base(n_base)
    _require_kept_together(scenario, items, members)
    both = _two_sets(scenario, items, members, n_base, seed)
    a, b = ({name: values[i] for name, values in both.items()} for i in (0, 1))
    sets = [a, b, *(a | {name: b[name] for name in names} for names in members.values())]
    stacked = {item.name: np.concatenate([each[item.name] for each in sets]) for item in items}
    found = evaluate(model, scenario, draws_with(scenario, stacked), answer)
    require_moving(found, answer)
    f_a, f_b, *f_ab = found.reshape(len(sets), n_base)
    table = indices_of(f_a, f_b, np.array(f_ab), resamples=resamples, seed=seed, level=level)
    table.insert(0, "parameter", list(members))
    return table.sort_values("total", ascending=False, kind="stable", ignore_index=True)


def indices_of(
    f_a: ArrayLike,
    f_b: ArrayLike,
    f_ab: ArrayLike,
    *,
    resamples: int = 1000,
    seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Indices from the answers of a model that has been run.

    Parameters
    ----------
    f_a, f_b : array_like, shape (n_base,)
        Answers for two independent sets of draws.
    f_ab : array_like, shape (n_parameters, n_base)
        Answers for the first set with one parameter taken from the second.
    resamples : int
        Bootstrap samples of the base points, with replacement.
    seed : int
        Of the bootstrap.
    level : float
        Of the percentile intervals. They take the points as independent; those of a Sobol sequence
        are more even, so that the intervals are then wider than need be.

    Returns
    -------
    DataFrame
        A row a parameter, in the order of `f_ab`: first, first_low, first_high, total, total_low,
        total_high. Estimates may lie a little outside 0 to 1.
    """
    a, b, ab = (np.asarray(each, dtype=float) for each in (f_a, f_b, f_ab))
    _require_answers(a, b, ab)
    require_level(level)
    if resamples < 20:
        raise ValueError(f"resamples is {resamples}; expected 20 or more")
    centre = (a.mean() + b.mean()) / 2
    a, b, ab = a - centre, b - centre, ab - centre
    # The means of these columns are all that the indices are made of.
    terms = np.vstack([b * (ab - a), (a - ab) ** 2 / 2, (a + b) / 2, (a**2 + b**2) / 2])
    estimate = _indices(terms.mean(axis=1))
    spread = np.concatenate([_indices(means) for means in _resampled(terms, resamples, seed)])
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2], axis=0)
    columns: dict[str, Floats] = {}
    for name, part in (("first", slice(len(ab))), ("total", slice(len(ab), None))):
        columns |= {name: estimate[part], f"{name}_low": low[part], f"{name}_high": high[part]}
    return pd.DataFrame(columns)


def _indices(means: Floats) -> Floats:
    """First-order, then total indices, from the means of their terms (last axis)."""
    variance = means[..., -1] - means[..., -2] ** 2
    return np.asarray(means[..., :-2] / variance[..., np.newaxis])


def _resampled(terms: Floats, resamples: int, seed: int) -> list[Floats]:
    """Means of the terms in bootstrap samples: how often each point is in, times its terms."""
    n = terms.shape[1]
    stream = np.random.default_rng([seed, resamples])
    means = []
    for start in range(0, resamples, _AT_A_TIME):
        rows = min(_AT_A_TIME, resamples - start)
        picked = stream.integers(n, size=(rows, n)) + n * np.arange(rows)[:, np.newaxis]
        times = np.bincount(picked.ravel(), minlength=rows * n).reshape(rows, n)
        means.append(times.astype(float) @ terms.T / n)
    return means


def _grouped(
    items: Sequence[Parameter], groups: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """What moves together, by name: groups where their first member stands, then the rest."""
    names = [item.name for item in items]
    home: dict[str, str] = {}
    for group, members in groups.items():
        if group in names or not members:
            raise ValueError(
                f"group {group!r} has {len(members)} parameters; expected some, and a name that "
                "is not that of a parameter"
            )
        for name in members:
            if name not in names or name in home:
                raise ValueError(
                    f"group {group!r} has {name!r}; expected parameters that vary, each in one "
                    f"group: {', '.join(each for each in names if each not in home)}"
                )
            home[name] = group
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        place = home.get(name, name)
        found[place] = (*found.get(place, ()), name)
    return found


def _require_base(n_base: int) -> None:
    if n_base < _LEAST_BASE or n_base & (n_base - 1):
        raise ValueError(
            f"n_base is {n_base}; expected a power of two, {_LEAST_BASE} or more, as Sobol points "
            "are even only in such numbers"
        )


def _require_kept_together(
    scenario: Scenario, items: Sequence[Parameter], members: Mapping[str, Sequence[str]]
) -> None:
    home = {name: group for group, names in members.items() for name in names}
    apart = [item for item in items if home[item.name] == item.name]
    require_independent(scenario, apart, what="Sobol indices")
    for each in correlated(scenario, items):
        if home.get(each.first) != home.get(each.second):
            raise ValueError(
                f"{scenario.name}: {each.first} and {each.second} are correlated; expected both in "
                "one group, as Sobol indices need independent groups"
            )


def _two_sets(
    scenario: Scenario,
    items: Sequence[Parameter],
    members: Mapping[str, Sequence[str]],
    n: int,
    seed: int,
) -> dict[str, Floats]:
    """Two independent sets of draws of every parameter, shape (2, n) each."""
    names = [item.name for item in items]
    p = sobol([*names, *(f"{name} (second set)" for name in names)], n, seed)
    halves = np.stack([p[:, : len(names)], p[:, len(names) :]])
    links = correlated(scenario, items)
    for group in members.values():
        at = [names.index(name) for name in group]
        matrix = np.eye(len(at))
        for each in links:
            if each.first in group:
                i, j = group.index(each.first), group.index(each.second)
                matrix[i, j] = matrix[j, i] = each.correlation
        if (matrix != np.eye(len(at))).any():
            scores = special.ndtri(halves[:, :, at]) @ _root(matrix, group).T
            halves[:, :, at] = special.ndtr(scores)
    return {item.name: item.ppf(halves[:, :, j]) for j, item in enumerate(items)}


def _root(matrix: Floats, group: Sequence[str]) -> Floats:
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        raise ValueError(
            f"correlations among {', '.join(group)} cannot all hold at once; expected a positive "
            "definite matrix"
        ) from None


def _require_answers(a: Floats, b: Floats, ab: Floats) -> None:
    if a.ndim != 1 or b.shape != a.shape or ab.ndim != 2 or ab.shape[1:] != a.shape:
        raise ValueError(
            f"f_a, f_b and f_ab have shapes {a.shape}, {b.shape} and {ab.shape}; expected "
            "(n_base,), (n_base,) and (n_parameters, n_base)"
        )
    if len(a) < _LEAST_BASE:
        raise ValueError(f"f_a has {len(a)} answers; expected {_LEAST_BASE} or more")
    for name, values in (("f_a", a), ("f_b", b), ("f_ab", ab)):
        if not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise ValueError(f"{name} is {values[place]} at {place}; expected a finite number")
    if is_constant(np.concatenate([a, b])):
        raise ValueError(f"f_a and f_b are {a[0]:g} throughout; expected answers that differ")
