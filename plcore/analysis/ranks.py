"""Partial rank correlations: sensitivity from the draws of a run, without running a model again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

from plcore.analysis.design import Quantity, require_level, require_moving
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import label_of
from plcore.inputs import checks_kinds
from plcore.simulate.runs import Run

#: Draws needed beyond the number of parameters: with fewer the intervals say nothing.
_SPARE = 10


@checks_kinds
def partial_rank_correlations(
    run: Run,
    quantity: Quantity,
    *,
    parameters: Sequence[str] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """How steadily the quantity rises or falls with each parameter, all others held still.

    A strong correlation of ranks is not a large share of the uncertainty: a parameter may always
    push the quantity the same way, and little. Correlated parameters, such as those of the
    posterior, are no obstacle: what a parameter says about others is taken out.

    Parameters
    ----------
    run : Run
        Best of plain draws (`sampler=plain`): the pattern of Sobol draws has coincidences between
        columns.
    quantity : Quantity
        The outcome and year of the run.
    parameters : sequence of str, optional
        Columns of the draws; by default all that vary. Those left out count as noise.
    level : float
        Probability of the intervals, between 0 and 1: Fisher's z with the variance
        (1 + r^2 / 2) / (n - 3 - others) that ranks need (Bonett and Wright 2000). They take the
        draws as independent; Sobol or Latin hypercube draws are more even, so that the intervals
        are then rather wide.

    Returns
    -------
    DataFrame
        A row a parameter, the strongest first: parameter, label (what readers call it), prcc, low,
        high (from -1 to 1) and the level.

    Raises
    ------
    ValueError
        If a name is not that of a column that varies, columns are combinations of each other, the
        draws are too few, or the quantity is not finite or does not vary.

    References
    ----------
    Marino, Hogue, Ray and Kirschner 2008, J Theor Biol 254:178 (the method); Iman and Helton 1988.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import plain, run
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> baseline = run(people_with_pain, scenario, n_draws=256, sampler=plain)
    >>> table = partial_rank_correlations(baseline, Quantity("plp", 2050))
    >>> table.loc[0, "parameter"]
    'plp_prevalence_minor'
    """
    require_level(level)
    names, x, y = _columns(run, quantity, parameters)
    r = _partial(_standardised(stats.rankdata(x, axis=0)), _standardised(stats.rankdata(y)), names)
    error = np.sqrt((1 + r**2 / 2) / (len(y) - 3 - (len(names) - 1)))
    margin = float(special.ndtri((1 + level) / 2)) * error
    # An exact monotone relation has r = 1 and no width.
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    limits = {"low": np.tanh(z - margin), "high": np.tanh(z + margin), "level": level}
    labels = [label_of(name) for name in names]
    table = pd.DataFrame({"parameter": names, "label": labels, "prcc": r, **limits})
    return table.sort_values("prcc", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _columns(
    run: Run, quantity: Quantity, parameters: Sequence[str] | None
) -> tuple[list[str], Floats, Floats]:
    draws = run.draws
    moving = [name for name in draws.columns if draws[name].min() != draws[name].max()]
    names = moving if parameters is None else list(parameters)
    for name in names:
        if name not in moving:
            fault = "is the same in every draw" if name in draws.columns else "is not in the draws"
            raise ValueError(f"{name} {fault}; expected one of {', '.join(moving)}")
        if names.count(name) > 1:
            raise ValueError(f"{name} is named twice; expected it once")
    if not names:
        raise ValueError("no parameter differs between the draws; expected at least one")
    if len(draws) < len(names) + _SPARE:
        raise ValueError(
            f"{len(draws)} draws of {len(names)} parameters; expected {len(names) + _SPARE} draws "
            "or more"
        )
    y = quantity.of(run.outcome)
    if not np.isfinite(y).all():
        raise ValueError(f"{quantity} is not finite in every draw; expected finite numbers")
    require_moving(y, quantity)
    return names, draws[names].to_numpy(dtype=float), y


def _standardised(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=0)))


def _partial(x: Floats, y: Floats, names: Sequence[str]) -> Floats:
    """Correlation of y with each column of x given the others, from what it adds to the fit."""
    correlation = x.T @ x / len(x)
    if np.linalg.cond(correlation) > 1e10:
        i, j = np.unravel_index(
            np.argmax(np.abs(correlation - np.eye(len(names)))), correlation.shape
        )
        raise ValueError(
            "some parameters are combinations of others (most alike: "
            f"{names[int(i)]} and {names[int(j)]}); expected those to be left out"
        )
    inverse = np.linalg.inv(correlation)
    slope = inverse @ (x.T @ y) / len(y)
    # Rounding may leave less than nothing where the fit is perfect.
    rest = max(float(((y - x @ slope) ** 2).mean()), 0.0)
    rest = 0.0 if rest < 1e-14 else rest
    added = slope**2 / np.diag(inverse)
    return np.asarray(np.sign(slope) * np.sqrt(added / (added + rest)))
