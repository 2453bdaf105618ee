"""Shapley effects: shares of a quantity's variance for groups of inputs that hang together.

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

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from plcore.analysis.design import Quantity, require_level, require_moving
from plcore.analysis.smoothing import expected_by_set, is_sobol, normal_scores
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import group_of
from plcore.inputs import checks_kinds
from plcore.models.pain import SEVERITIES
from plcore.simulate.runs import Run
from plcore.threads import one_blas_thread

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
        A row a group, the largest first, and one for what is "not explained": label, value (the
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
    columns, owner = _columns(run, groups)
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


def _columns(run: Run, groups: Mapping[str, Sequence[str]]) -> tuple[list[str], NDArray[np.int64]]:
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
