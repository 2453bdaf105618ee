"""Global sensitivity, all inputs moving at once: Sobol, Shapley, ranks, SALib.

The first-order Sobol index of a parameter is the share of a quantity's variance that would go, on
average, if it were known; the total index is the share that would be left if all others were known
(Sobol 1993, Homma and Saltelli 1996). Their difference is what it causes together with others.

SciPy has the estimators and the bootstrap. The points are ours, as their scrambling is keyed by the
name of the parameter: another parameter in the scenario leaves those of the rest alone. So is the
call of the bootstrap, as the one that comes with SciPy's indices takes no seed.

The indices need inputs that are independent of each other. Those of the posterior are not, so they
count as one: draws of it are taken and swapped as wholes. Shapley effects divide what they do.

Partial rank correlations come from the draws of a run, without running a model again. For every
other method (Morris, FAST, PAWN, Delta, ...) SALib samples rows and analyses outputs; between the
two the model is run. Its rows are probabilities here, which the parameters' own distributions turn
into values.

**Shapley effects** are shares of a quantity's variance for groups of inputs that hang together.
What a group explains depends on what is known already, the more so where inputs are correlated:
people who think that few losses are first losses must also think that survival is long, or the
counts would not fit. The Shapley effect of a group is what it adds, averaged over all orders in
which the groups can become known (Owen 2014). Effects are never negative but for noise, and add up
to what all groups explain together, whatever the dependence.

No further runs: the variance that each of the 2^k sets of groups explains is read from the draws of
one run, by a cubic polynomial in the normal scores of the inputs (`smoothing`), judged on draws
that its fit has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from plcore.analysis.design import (
    Quantity,
    central_range,
    draws_with,
    evaluate,
    marginals,
    require_independent,
    require_level,
    require_moving,
    varied,
)
from plcore.analysis.smoothing import expected_by_set, is_sobol, normal_scores
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import group_of, label_of
from plcore.inputs import check_whole_number, checks_kinds
from plcore.models.pain import SEVERITIES
from plcore.scenarios import Scenario
from plcore.simulate.draws import sobol
from plcore.simulate.runs import Model, Run
from plcore.simulate.synthesis import posterior_of
from plcore.threads import one_blas_thread

#: The name of the inputs of the posterior, taken together.
POSTERIOR = "limb_loss_posterior"
_LEAST_BASE = 64
_LEAST_RESAMPLES = 20


@checks_kinds
def sobol_indices(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    *,
    parameters: Sequence[str] | None = None,
    n_base: int = 4096,
    seed: int = 1,
    resamples: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """First-order and total Sobol indices of parameters, the largest total first.

    Takes n_base x (parameters + 2) model runs.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        Its parameters vary with their own distributions and must not be correlated. Those that it
        takes from the posterior vary together, as one input called "limb_loss_posterior".
    quantity : Quantity
        The outcome and year whose variance is divided.
    parameters : sequence of str, optional
        Names of those that vary; the rest stay at their medians. By default all that are not fixed.
        "limb_loss_posterior" stands for all those of the posterior, none of which can vary alone.
    n_base : int
        Points of a scrambled Sobol sequence; a power of two, 64 or more.
    seed : int
        Of the points and of the bootstrap; 0 or more.
    resamples : int
        Bootstrap samples of the points, 20 or more, for percentile intervals. They take the points
        as independent; those of a Sobol sequence are more even, so the intervals are rather wide.
    level : float
        Probability of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        One row per parameter: parameter, label (what readers call it), first, first_low, first_high,
        total, total_low, total_high, all shares of the variance, and the level; estimates may lie a
        little outside 0 to 1. 1 less the sum of
        `first` is what parameters cause only together.

    Raises
    ------
    ValueError
        If a name is not that of an uncertain parameter, parameters are correlated, the quantity
        does not change with them, or an option is out of its range.

    References
    ----------
    Saltelli et al. 2010, Comput Phys Commun 181:259-270, table 2 (b) and (f).

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> names = ["plp_prevalence", "limb_loss_posterior"]
    >>> table = sobol_indices(
    ...     people_with_pain, scenario, Quantity("plp", 2050), parameters=names, n_base=256
    ... )
    >>> table.loc[0, "parameter"]
    'limb_loss_posterior'
    """
    known, stored = marginals(scenario), posterior_of(scenario)
    if parameters is None:
        free = [name for name, item in known.items() if not (item.fixed or item.fitted)]
        parameters = [*free, POSTERIOR] if len(stored.columns) else free
    together = POSTERIOR in parameters and len(stored.columns) > 0
    names = [name for name in parameters if not (together and name == POSTERIOR)]
    items = varied(scenario, known, names) if names or not together else ()
    require_independent(scenario, items, what="Sobol indices")
    check_whole_number("n_base", n_base, least=_LEAST_BASE)
    check_whole_number("resamples", resamples, least=_LEAST_RESAMPLES)
    check_whole_number("seed", seed, least=0)
    if n_base & (n_base - 1):
        raise ValueError(
            f"n_base is {n_base}; expected a power of two, {_LEAST_BASE} or more, as Sobol points "
            "are even only in such numbers"
        )
    require_level(level)
    inputs: dict[str, tuple[str, ...]] = {item.name: (item.name,) for item in items}
    if together:
        inputs[POSTERIOR] = tuple(stored.columns)
    names = list(inputs)
    points = sobol([*names, *(f"{name} (second set)" for name in names)], n_base, seed)

    def values(p: Floats) -> dict[str, Floats]:
        drawn = {item.name: item.ppf(p[:, j]) for j, item in enumerate(items)}
        if together:
            rows = np.minimum((p[:, -1] * len(stored)).astype(int), len(stored) - 1)
            drawn |= {str(name): stored[name].to_numpy()[rows] for name in stored}
        return drawn

    a, b = values(points[:, : len(names)]), values(points[:, len(names) :])
    sets = [a, b, *(a | {column: b[column] for column in inputs[name]} for name in names)]
    stacked = {column: np.concatenate([drawn[column] for drawn in sets]) for column in a}
    y = evaluate(model, scenario, draws_with(known, stacked), quantity)
    require_moving(y, quantity)
    y = y.reshape(len(sets), 1, n_base)

    def indices(rows: np.ndarray) -> Floats:
        # SciPy fails with a single parameter: all of them together, which is B, make one more.
        shares = stats.sobol_indices(
            func={"f_A": y[0][:, rows], "f_B": y[1][:, rows], "f_AB": y[1:][:, :, rows]}, n=n_base
        )
        return np.array([shares.first_order[1:], shares.total_order[1:]])

    rows = np.arange(n_base)
    first, total = indices(rows)
    interval = stats.bootstrap(
        [rows],
        indices,
        vectorized=False,
        method="percentile",
        n_resamples=resamples,
        confidence_level=level,
        rng=np.random.default_rng([seed, resamples]),
    ).confidence_interval
    low, high = np.asarray(interval.low), np.asarray(interval.high)
    table = pd.DataFrame(
        {
            "parameter": names,
            "label": ["limb loss (its posterior)" if name == POSTERIOR else label_of(name)
                      for name in names],
            "first": first, "first_low": low[0], "first_high": high[0],
            "total": total, "total_low": low[1], "total_high": high[1], "level": level,
        }
    )  # fmt: skip
    # The order of those that do not matter must not hang on rounding.
    order = table["total"].round(12).sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


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
        One row per parameter, the strongest first: parameter, label (what readers call it), prcc, low,
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


@checks_kinds
def salib_problem(
    scenario: Scenario, *, parameters: Sequence[str] | None = None, within: float = 0.999
) -> dict[str, Any]:
    """The uncertain parameters of a scenario as SALib's functions take them.

    Parameters
    ----------
    scenario : Scenario
        The parameters that vary must not be correlated, which SALib's designs take for granted: on
        those of limb loss, take a scenario with choices={"beliefs": "prior"}.
    parameters : sequence of str, optional
        Names of those that vary; by default all that are not fixed.
    within : float
        Each parameter stays in the range that holds it with this probability, between 0 and 1:
        0.95 suits Morris screening, whose steps go from end to end; methods that divide the
        variance need nearly all of it.

    Returns
    -------
    dict
        num_vars, names and bounds; the bounds are probabilities.

    Raises
    ------
    ValueError
        If a name is not that of an uncertain parameter, parameters are correlated or from the
        posterior, or `within` is out of its range.

    Examples
    --------
    >>> from SALib.analyze import morris as effects
    >>> from SALib.sample import morris as steps
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    >>> names = ["plp_prevalence", "plp_prevalence_minor", "plp_fall"]
    >>> problem = salib_problem(scenario, parameters=names, within=0.95)
    >>> rows = steps.sample(problem, 8, seed=1)
    >>> y = salib_outputs(people_with_pain, scenario, Quantity("plp", 2050), problem, rows)
    >>> effects.analyze(problem, rows, y, seed=1).to_df()["mu_star"].idxmax()
    'plp_prevalence_minor'
    """
    items = varied(scenario, marginals(scenario), parameters)
    require_independent(scenario, items, what="SALib's samples")
    for item in items:
        central_range(item, within)
    tail = (1 - within) / 2
    return {
        "num_vars": len(items),
        "names": [item.name for item in items],
        "bounds": [[tail, 1 - tail] for _ in items],
    }


@checks_kinds
def salib_outputs(
    model: Model,
    scenario: Scenario,
    quantity: Quantity,
    problem: Mapping[str, Any],
    rows: ArrayLike,
) -> Floats:
    """The quantity for every row that SALib sampled; see `salib_problem` for an example.

    Parameters
    ----------
    model : function
        Takes draws and a scenario, returns an `Outcome`; any model of plcore.
    scenario : Scenario
        Parameters that the problem does not name stay at their medians.
    quantity : Quantity
        The outcome and year.
    problem : mapping
        As `salib_problem` gives it.
    rows : array_like, shape (n_rows, num_vars)
        Probabilities, as `SALib.sample` gives them for the problem.

    Returns
    -------
    ndarray, shape (n_rows,)
        What `SALib.analyze` takes as `Y`.

    Raises
    ------
    ValueError
        If the rows have another number of columns than the problem has names, hold numbers that are
        no probabilities, or lead to a number that is not finite.
    """
    if "names" not in problem:
        raise ValueError("the problem has no names; expected one as salib_problem gives it")
    known = marginals(scenario)
    items = varied(scenario, known, problem["names"])
    if isinstance(rows, pd.DataFrame) and list(rows.columns) != list(problem["names"]):
        raise ValueError(
            f"rows have the columns {', '.join(map(str, rows.columns))}; expected the names of the "
            f"problem in their order, {', '.join(problem['names'])}"
        )
    p = np.asarray(rows, dtype=float)
    if p.ndim != 2 or p.shape[1] != len(items):
        raise ValueError(
            f"rows have shape {p.shape}; expected (n_rows, {len(items)}), a column for each name"
        )
    values = {item.name: item.ppf(p[:, j]) for j, item in enumerate(items)}
    return evaluate(model, scenario, draws_with(known, values), quantity)


# --- Shapley effects -----------------------------------------------------------------------------

#: The last row of the table.
UNEXPLAINED = "not explained"
_MOST_GROUPS = 12
#: Draws needed for each input: with fewer, straight lines alone would fit the noise.
_DRAWS_EACH = 10


@checks_kinds
def input_groups(run: Run, outcome: str) -> dict[str, list[str]]:
    """The inputs that an outcome may depend on, by groups of one meaning.

    Parameters
    ----------
    run : Run
        Of a model of limb loss or pain.
    outcome : str
        Such as "limb_loss", "plp" or "plp_extremely_bothersome".

    Returns
    -------
    dict of str to list of str
        What each group is called, and its columns of the draws that vary; what `shapley_effects`
        and `evppi_table` take.

    Examples
    --------
    >>> from plcore.models import people_with_limb_loss
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import plain, run
    >>> scenario = read_scenario(choices={"first_year": 2030, "last_year": 2030})
    >>> baseline = run(people_with_limb_loss, scenario, n_draws=64, sampler=plain)
    >>> input_groups(baseline, "limb_loss")["Vascular amputations after 2024"][0]
    'dysvascular_step_2030'
    """
    of_pain: list[str] = []
    if outcome.startswith("plp"):
        of_pain = ["plp_prevalence", "plp_prevalence_minor", "plp_fall"]
        factors = SEVERITIES.get(outcome.removeprefix("plp_"), ())
        of_pain += [f"severity_{factor}" for factor in factors]
    groups: dict[str, list[str]] = {}
    for name in run.draws.columns[run.draws.min() < run.draws.max()]:
        if str(name) in of_pain or str(name).startswith(("dysvascular_", "trauma_", "cancer_")):
            groups.setdefault(group_of(str(name)), []).append(str(name))
    return groups


@checks_kinds
def shapley_effects(
    run: Run,
    quantity: Quantity,
    groups: Mapping[str, Sequence[str]],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """The share of the variance of a quantity that is due to each group of inputs.

    Unlike Sobol indices they take inputs that are correlated, such as those of a posterior.

    Parameters
    ----------
    run : Run
        Of plain draws (`sampler=plain`), at most as many as the posterior has (4,096), so that none
        is there twice.
    quantity : Quantity
        The outcome and year of the run whose variance is divided.
    groups : mapping of str to sequence of str
        What each group is called, and its columns of the draws; 1 to 12 groups, no column in two.
        Columns in no group count as noise, but for what others say about them.
    level : float
        Probability of the Monte-Carlo limits, between 0 and 1.

    Returns
    -------
    DataFrame
        One row per group, the largest first, and one for what is "not explained": label, value (the
        Shapley effect), low, high (Monte-Carlo limits) and their level, se, alone (what the group
        explains if nothing else is known, with all that it says about other groups) and last (what
        it adds if all others are known). All are shares of the variance; estimates of nothing may lie a little
        below 0.

    Raises
    ------
    ValueError
        If a group has no columns or columns that are not in the draws, a column is in two groups,
        the draws are too few, in another order than the run's, repeated, or of a Sobol sequence, or
        the quantity does not vary.

    References
    ----------
    Owen 2014, SIAM/ASA J Uncertain Quantif 2:245-251; Song, Nelson and Staum 2016, the same
    4:1060-1083. The limits are those of Williamson and Feng 2020, ICML (influence functions).

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import plain, run
    >>> scenario = read_scenario(choices={"first_year": 2030, "last_year": 2030})
    >>> baseline = run(people_with_pain, scenario, n_draws=1024, sampler=plain)
    >>> groups = {"after minor loss": ["plp_prevalence_minor"], "after major loss": ["plp_prevalence"]}
    >>> shapley_effects(baseline, Quantity("plp", 2030), groups).loc[0, "label"]
    'after minor loss'
    """
    require_level(level)
    y = quantity.of(run.outcome)
    columns, owner = _columns_of_groups(run, groups)
    if len(y) < _DRAWS_EACH * len(columns):
        raise ValueError(
            f"{len(y)} draws of {len(columns)} inputs; expected {_DRAWS_EACH * len(columns)} or more"
        )
    require_moving(y, quantity)
    with one_blas_thread():
        scores = normal_scores(run.draws[columns].to_numpy(dtype=float))
        expected = expected_by_set(scores, owner, y, len(groups))
    variance = float(y.var())
    centred = y - y.mean()
    # Of a fit to other draws, whose noise does not go with y: no share of noise is counted.
    explained = expected @ centred / len(y) / variance
    influence = (2 * centred - expected) * expected / variance
    influence -= explained[:, np.newaxis] * centred**2 / variance
    weights = _weights(len(groups))
    value = weights @ explained
    se = (weights @ influence).std(axis=1, ddof=1) / np.sqrt(len(y))
    margin = float(special.ndtri((1 + level) / 2)) * se
    everything = len(explained) - 1
    bits = 1 << np.arange(len(groups))
    table = pd.DataFrame(
        {
            "label": list(groups),
            "value": value,
            "low": value - margin,
            "high": value + margin,
            "se": se,
            "alone": explained[bits],
            "last": explained[everything] - explained[everything - bits],
        }
    ).sort_values("value", ascending=False, kind="stable")
    rest = {"label": UNEXPLAINED, "value": 1 - explained[everything]}
    return pd.concat([table, pd.DataFrame([rest])], ignore_index=True).assign(level=level)


def _columns_of_groups(
    run: Run, groups: Mapping[str, Sequence[str]]
) -> tuple[list[str], NDArray[np.int64]]:
    """The columns of all groups that vary, and the number of the group of each."""
    if not 1 <= len(groups) <= _MOST_GROUPS:
        raise ValueError(f"{len(groups)} groups; expected 1 to {_MOST_GROUPS}")
    draws, seen = run.draws, dict[str, str]()
    if not draws.index.equals(pd.RangeIndex(len(draws))):
        first = ", ".join(map(str, draws.index[:5]))
        raise ValueError(
            f"the draws have the rows {first}, ...; expected 0, 1, 2, ..., the order in which the "
            "outcome has them"
        )
    columns: list[str] = []
    owner: list[int] = []
    for number, (label, names) in enumerate(groups.items()):
        missing = [name for name in names if name not in draws]
        if missing or not names:
            raise ValueError(f"{label}: {missing or 'no names'}; expected columns of the draws")
        for name in names:
            if name in seen:
                raise ValueError(
                    f"{name} is in {seen[name]!r} and in {label!r}; expected it in one group"
                )
            seen[name] = label
        moving = [name for name in names if draws[name].min() < draws[name].max()]
        if len(moving) > 1 and draws[moving].duplicated().any():
            raise ValueError(
                f"{label}: the same draw is there more than once; expected at most as many draws "
                "as the posterior has"
            )
        columns += moving
        owner += [number] * len(moving)
    patterned = [name for name in columns if is_sobol(draws[name].to_numpy(dtype=float))]
    if len(patterned) > 1:
        raise ValueError(
            f"Sobol draws of {', '.join(patterned)}, whose even pattern a regression takes for "
            "dependence; expected plain draws (run with sampler=plain)"
        )
    return columns, np.array(owner, dtype=int)


def _weights(k: int) -> Floats:
    """What each set of groups counts for in the effect of each group, shape (k, 2^k)."""
    sets = np.arange(1 << k)
    size = np.array([int(number).bit_count() for number in sets])
    weights = np.empty((k, 1 << k))
    for j in range(k):
        has = (sets >> j & 1).astype(bool)
        # Of all orders, the share in which just the others of a set come before the group.
        others = size - has
        share = np.array([1 / (k * comb(k - 1, int(m))) if m < k else 0.0 for m in others])
        weights[j] = np.where(has, share, -share)
    return weights
