"""Value of information: what it would be worth to know more before deciding.

A decision is a table of net benefits, one row per draw and one column per option. `evpi` values knowing
everything, `evppi` knowing some parameters, `evsi` knowing what a study finds; the model is not run
again. What an empty place, a person turned away or a response is worth is the planner's to say: no
number of that kind comes with the package.

Use plain draws (`sampler=plain`). Few Sobol draws of many parameters have patterns between columns,
which a regression on several of them takes for dependence: with 2,048 draws of 75 parameters, eight
that hardly matter seemed worth ten times their value. `evppi` refuses them.

Why not a library: heormodel (0.7.4) and voiage (0.2.1) give a number without an error, though at
10,000 draws that is some 2% of a large EVPPI and all of a small one. voiage fits a straight line
unless told otherwise: 0.02 where the truth is 0.48. heormodel's default for several parameters adds
one curve for each: 0.01 where two count by their product and the truth is 0.32; its Gaussian
process is sound (`benchmarks/value.py` runs all four).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from plcore.analysis.design import require_level
from plcore.analysis.smoothing import gaussian_process, is_sobol, normal_scores, polynomial, spline
from plcore.evidence.distributions import Floats
from plcore.inputs import check_whole_number, checks_kinds
from plcore.printed import digits, short
from plcore.threads import one_blas_thread

_LEAST_DRAWS = 100
#: Columns that a Gaussian process is fitted to; more would take it half a minute an option.
_FEW = 5
#: Bins of draws with nearly the same fitted mean, and the draws that they need.
_BINS, _LEAST_NARROWING = 20, 1000
#: Groups of draws left out one at a time for the Monte-Carlo error.
_GROUPS = 19


@dataclass(frozen=True, slots=True)
class ValueOfInformation:
    """What knowing something before deciding is worth, in the unit of the net benefit.

    Attributes
    ----------
    value : float
        The mean gain over the draws.
    se : float
        Its Monte-Carlo standard error, for independent draws.
    low, high : float
        95% limits for the true value under the model: two standard errors below the lesser and
        above the greater of the plain and the cross-fitted estimate, so that the bias of fitting
        lies between them, with room for skewed gains, for a best option that is not sure and for
        changes rarer than the draws show.
    cross_fitted : float
        The same by decision rules that did not see the draws they are judged on. The plain
        estimate is too high where the fit follows chance, this one too low where it misses a curve;
        a large difference says that more draws are needed.
    changes : float
        Share of the draws in which another option would be chosen.
    best : int
        Column of the option that is best without knowing more.
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

    def __str__(self) -> str:
        return (
            f"{short(self.value)} (95% Monte-Carlo limits {short(self.low)} to {short(self.high)}); option "
            f"{self.best} is best without knowing more, and another would be chosen in "
            f"{self.changes:.0%} of {self.n_draws:,} draws"
        )


@checks_kinds
def evpi(net_benefit: ArrayLike) -> ValueOfInformation:
    """The expected value of perfect information: what it would be worth to know everything.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
        What each option brings in each draw, in any unit; more is better. 100 draws or more.

    Raises
    ------
    ValueError
        If there are too few draws or options, or a number is not finite.

    References
    ----------
    Raiffa and Schlaifer 1961, Applied Statistical Decision Theory.

    Examples
    --------
    >>> people = np.random.default_rng(1).normal(1000, 100, size=4096)
    >>> net = capacity_net_benefit(people, range(600, 1400, 10), empty_cost=1, turned_away_cost=3)
    >>> print(evpi(net))  # doctest: +ELLIPSIS
    124 (95% Monte-Carlo limits 121 to 128); option 47 is best without knowing more, ...
    """
    gains, best = _gains(net_benefit)
    return _valued(gains, gains, gains, best)


def evppi(net_benefit: ArrayLike, known: pd.DataFrame) -> ValueOfInformation:
    """The expected value of knowing some parameters before deciding, the others still uncertain.

    The net benefit that is expected once the parameters are known is fitted by a spline for one
    parameter, by a Gaussian process for two to five and by a cubic polynomial for more, which rounds off kinks:
    with many parameters that decide nearly all, the value is rather low.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
        What each option brings in each draw; more is better.
    known : DataFrame, n_draws rows
        The parameters that would be known, a column each: columns of the draws of the same run, in
        the same order. What correlated parameters say about each other is counted.

    Returns
    -------
    ValueOfInformation
        No more than the EVPI of the same draws, and 0 where nothing in `known` varies.

    Raises
    ------
    ValueError
        If the index of `known` is not that of the draws, several of its columns are Sobol draws,
        its numbers are not finite, or the net benefit is not as `evpi` takes it.

    References
    ----------
    Strong, Oakley and Brennan 2014, Med Decis Making 34:311-326. The standard error is that of the
    gain under the fitted decision rule (the efficient influence function), not of the paper.
    """
    gains, best = _gains(net_benefit)
    index = net_benefit.index if isinstance(net_benefit, pd.DataFrame) else None
    scores = normal_scores(_known(known, len(gains), index))
    if scores.shape[1] == 0:
        return ValueOfInformation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, best, len(gains))
    smoother = _smoother(scores.shape[1])
    # Small matrices by the hundred: threads of BLAS would wait for each other, and move last digits.
    with one_blas_thread():
        inside, outside = smoother(scores, np.delete(gains, best, axis=1))
    return _valued(
        gains, np.insert(inside, best, 0.0, axis=1), np.insert(outside, best, 0.0, axis=1), best
    )


@checks_kinds
def evsi(net_benefit: ArrayLike, results: pd.DataFrame) -> ValueOfInformation:
    """The expected value of what a study finds, before it is done.

    A result simulated in each draw, from the parameters of that draw, takes the place of what would
    be known. What the study costs is for the reader to subtract.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
        What each option brings in each draw; more is better.
    results : DataFrame, n_draws rows
        Few numbers that hold all that the study says (sufficient statistics), from the same draws
        in the same order: `prevalence_study` and `trial_study` give them.

    Raises
    ------
    ValueError
        As `evppi`.

    References
    ----------
    Strong, Oakley, Brennan and Breeze 2015, Med Decis Making 35:570-583.

    Examples
    --------
    >>> share = np.random.default_rng(1).beta(14, 6, size=1000)
    >>> adopt = adoption_net_benefit(share, np.full(1000, 0.6), margin=0.1, people=1000)
    >>> round(evsi(adopt, prevalence_study(share, people=50, seed=1)).value)
    34
    """
    return evppi(net_benefit, results)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How much narrower the interval of a number is expected to be once something is known.

    Attributes
    ----------
    width : float
        Of the interval as it is, in the unit of the number.
    expected : float
        Of the interval afterwards, on average over what may be found.
    share : float
        By which share the interval is expected to become narrower, 1 less their ratio.
    se : float
        Monte-Carlo standard error of the share.
    level : float
        Probability of the interval.
    """

    width: float
    expected: float
    share: float
    se: float
    level: float

    def __str__(self) -> str:
        return (
            f"the {self.level:.0%} interval is expected to narrow by {self.share:.0%} "
            f"(Monte-Carlo error {self.se:.1%}), from a width of {digits(self.width)} to "
            f"{digits(self.expected)}"
        )


@checks_kinds
def narrowing(values: ArrayLike, known: pd.DataFrame, *, level: float = 0.95) -> Narrowing:
    """How much narrower the interval of a number is expected to be once something is known.

    The mean that is expected once it is known is fitted as in `evppi`; about it, the interval is
    that of the draws whose fitted mean is nearly the same (one twentieth of them).

    Parameters
    ----------
    values : array_like, shape (n_draws,)
        The number in each draw, such as people in pain in 2030; 1,000 draws or more.
    known : DataFrame, n_draws rows
        What would be known: columns of the draws of the same run, or what a study would find in
        each of them (`prevalence_study`).
    level : float
        Probability of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        If the draws are too few, the number does not vary, or `known` is not as in `evppi`.

    Examples
    --------
    >>> x, y = np.random.default_rng(1).normal(size=(2, 4000))
    >>> half = narrowing(x + y, pd.DataFrame({"x": x}))  # 1 - sqrt(1 / 2) = 0.29
    >>> bool(abs(half.share - 0.29) < 0.03)
    True
    """
    require_level(level)
    y = _by_draw("values", values)
    if y.ndim != 1 or len(y) < _LEAST_NARROWING or not np.isfinite(y).all():
        raise ValueError(
            f"values have shape {y.shape}; expected a finite number in each of "
            f"{_LEAST_NARROWING} draws or more"
        )
    if y.min() == y.max():
        raise ValueError(f"values are {y[0]:g} in every draw; expected a number that varies")
    index = values.index if isinstance(values, pd.Series) else None
    scores = normal_scores(_known(known, len(y), index))
    fit = np.full(len(y), y.mean())
    if scores.shape[1] > 0:
        with one_blas_thread():
            fit = _smoother(scores.shape[1])(scores, y[:, np.newaxis])[1][:, 0]
    order = np.argsort(fit, kind="stable")
    # Bins of draws that have nothing in common come short of the width by as much as the others.
    mixed = np.arange(len(y))
    share = 1 - _width(y, fit, order, level) / _width(y, np.zeros(len(y)), mixed, level)
    without = []
    for left_out in range(_GROUPS):
        kept = np.arange(len(y)) % _GROUPS != left_out
        now, after = mixed[kept], order[kept[order]]
        without.append(1 - _width(y, fit, after, level) / _width(y, np.zeros(len(y)), now, level))
    low, high = np.quantile(y, [(1 - level) / 2, (1 + level) / 2])
    width = float(high - low)
    se = float(np.sqrt((_GROUPS - 1) * np.var(without)))
    return Narrowing(width, width * (1 - share), share, se, level)


def _width(y: Floats, fit: Floats, order: NDArray[np.int64], level: float) -> float:
    """Mean width of the interval of y about the fit, of twenty bins of draws taken in an order."""
    ends = [(1 - level) / 2, (1 + level) / 2]
    limits = [
        # What the fit says varies within a bin as well, and would be known.
        np.quantile(y[rows] - fit[rows], ends, method="median_unbiased")
        for rows in np.array_split(order, _BINS)
    ]
    return float(np.mean([high - low for low, high in limits]))


@checks_kinds
def evppi_table(
    net_benefit: ArrayLike,
    draws: pd.DataFrame,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """What it would be worth to know each group of parameters, the most valuable first.

    Parameters
    ----------
    net_benefit : array_like, shape (n_draws, n_options)
        What each option brings in each draw; more is better.
    draws : DataFrame, n_draws rows
        The draws of the run that the net benefit comes from, in the same order.
    groups : mapping of str to sequence of str, optional
        What a group is called, and its columns of `draws`; without it, each parameter that varies.

    Returns
    -------
    DataFrame
        One row per group: label, value, low, high (95% Monte-Carlo limits), se, cross_fitted and
        changes as in `ValueOfInformation`, and share_of_evpi (0 to 1).

    Raises
    ------
    ValueError
        If a group has no names, or names that are no columns of the draws; else as `evppi`.

    References
    ----------
    Strong, Oakley and Brennan 2014, Med Decis Making 34:311-326.

    Examples
    --------
    >>> draws = pd.DataFrame(np.random.default_rng(1).normal(size=(1000, 2)), columns=["x", "y"])
    >>> net = np.column_stack([np.zeros(1000), draws["x"] + draws["y"] / 2])
    >>> evppi_table(net, draws)["label"].tolist()
    ['x', 'y']
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


@checks_kinds
def capacity_net_benefit(
    people: ArrayLike,
    capacities: Sequence[float],
    *,
    empty_cost: float,
    turned_away_cost: float,
) -> Floats:
    """Net benefit of opening so many places: minus the cost of those empty and those turned away.

    The best of all capacities is the quantile turned_away_cost / (turned_away_cost + empty_cost)
    of the people who come (Arrow, Harris and Marschak 1951).

    Parameters
    ----------
    people : array_like, shape (n_draws,)
        How many come, in the unit of the capacities (people, visits a week).
    capacities : sequence of float
        The options: places, each 0 or more.
    empty_cost, turned_away_cost : float
        Cost of one place that stays empty, and of one person too many, in the same unit; above 0.

    Returns
    -------
    ndarray, shape (n_draws, len(capacities))
        In the unit of the costs; 0 at best.

    Raises
    ------
    ValueError
        If a number of people, a capacity or a cost is out of its range.

    Examples
    --------
    >>> capacity_net_benefit([8, 12], [10], empty_cost=2, turned_away_cost=5).tolist()
    [[-4.0], [-10.0]]
    """
    come, places = _by_draw("people", people), np.asarray(capacities, dtype=float)
    if come.ndim != 1 or places.ndim != 1 or (come < 0).any() or (places < 0).any():
        raise ValueError(
            f"people of shape {come.shape} and capacities of shape {places.shape}; "
            "expected a number of 0 or more a draw, and one an option"
        )
    if not (empty_cost > 0 and turned_away_cost > 0):
        raise ValueError(
            f"empty_cost is {empty_cost} and turned_away_cost {turned_away_cost}; "
            "expected both above 0"
        )
    spare = places - come[:, np.newaxis]
    return np.asarray(np.where(spare > 0, -empty_cost * spare, turned_away_cost * spare))


@checks_kinds
def adoption_net_benefit(
    treated: ArrayLike, control: ArrayLike, *, margin: float, people: ArrayLike = 1.0
) -> Floats:
    """Net benefit of leaving things as they are, and of adopting a treatment.

    Parameters
    ----------
    treated, control : array_like, shape (n_draws,)
        Shares (0 to 1) who respond. They must come from comparisons of the two: shares of separate
        trials say nothing about the difference.
    margin : float
        By how much the treatment must beat control to be worth its cost and harm (a share).
    people : array_like, shape () or (n_draws,)
        How many people the decision is about.

    Returns
    -------
    ndarray, shape (n_draws, 2)
        Responders gained beyond the margin: 0 as things are, and under adoption.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or the numbers of draws differ.

    Examples
    --------
    >>> adoption_net_benefit([0.5, 0.3], [0.2, 0.3], margin=0.1, people=100).round(9).tolist()
    [[0.0, 20.0], [0.0, -10.0]]
    """
    with_it, without = _shares("treated", treated), _shares("control", control)
    if len(with_it) != len(without):
        raise ValueError(f"{len(with_it)} and {len(without)} draws; expected the same")
    many = _by_draw("people", people)
    if many.shape not in ((), with_it.shape) or (many < 0).any():
        raise ValueError(
            f"people has shape {many.shape} and is {many.min():g} at least; expected a number of 0 "
            f"or more, or one for each of the {len(with_it)} draws"
        )
    gain = (with_it - without - margin) * many
    return np.column_stack([np.zeros(len(gain)), gain])


@checks_kinds
def prevalence_study(
    share: ArrayLike, *, people: int, seed: int, spread: float = 0.0
) -> pd.DataFrame:
    """The share that a study of so many people would find, simulated in every draw.

    Parameters
    ----------
    share : array_like, shape (n_draws,)
        The true share (0 to 1) in each draw, such as the column plp_prevalence.
    people : int
        Participants, 1 or more.
    seed : int
        0 or more. The same seed has the same luck at every size, so that sizes can be compared.
    spread : float
        Standard deviation (logits, 0 or more) between the share among those who can be asked and
        the share the decision is about. 0 is a random sample of the very people; published studies
        differ by the square root of the tau2 that `pool_prevalence` finds.

    Returns
    -------
    DataFrame
        One row per draw: share_found (0 to 1).

    Raises
    ------
    ValueError
        If a share, the number of people or the spread is out of its range.

    Examples
    --------
    >>> prevalence_study([0.2, 0.8], people=1000, seed=1)["share_found"].round(1).tolist()
    [0.2, 0.8]
    """
    if not 0 <= spread < np.inf:
        raise ValueError(f"spread is {spread}; expected 0 or more, and an end")
    true, random = _shares("share", share), _random(seed)
    luck, shift = random.random(len(true)), random.standard_normal(len(true))
    among = special.expit(special.logit(true) + spread * shift)
    return pd.DataFrame({"share_found": _found(luck, people, among)})


@checks_kinds
def trial_study(
    treated: ArrayLike, control: ArrayLike, *, people_per_arm: int, seed: int
) -> pd.DataFrame:
    """The shares of responders that a randomised trial would find, simulated in every draw.

    Parameters
    ----------
    treated, control : array_like, shape (n_draws,)
        The true shares (0 to 1) who respond in each draw.
    people_per_arm : int
        Patients in each of the two arms, 1 or more.
    seed : int
        0 or more. The same seed has the same luck at every size, so that sizes can be compared.

    Returns
    -------
    DataFrame
        One row per draw: treated_found, control_found (0 to 1).

    Raises
    ------
    ValueError
        If a share or the number of people is out of its range.

    Examples
    --------
    >>> found = trial_study([0.6, 0.6], [0.2, 0.2], people_per_arm=10_000, seed=1)
    >>> found.round(1).to_numpy().tolist()
    [[0.6, 0.2], [0.6, 0.2]]
    """
    with_it, without = _shares("treated", treated), _shares("control", control)
    luck = _random(seed).random((2, len(with_it)))
    return pd.DataFrame(
        {
            "treated_found": _found(luck[0], people_per_arm, with_it),
            "control_found": _found(luck[1], people_per_arm, without),
        }
    )


def _smoother(n_columns: int) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    if n_columns == 1:
        return spline
    return gaussian_process if n_columns <= _FEW else polynomial


def _by_draw(name: str, values: ArrayLike) -> Floats:
    if isinstance(values, pd.Series):
        _require_index(name, values.index, None)
    numbers = np.asarray(values, dtype=float)
    if not np.isfinite(numbers).all():
        at = int(np.flatnonzero(~np.isfinite(numbers.ravel()))[0])
        raise ValueError(f"{name} is {numbers.flat[at]} in draw {at}; expected a finite number")
    return numbers


def _shares(name: str, values: ArrayLike) -> Floats:
    shares = _by_draw(name, values)
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"{name} has shape {shares.shape}; expected a share from 0 to 1 a draw")
    return shares


def _random(seed: int) -> np.random.Generator:
    check_whole_number("seed", seed, least=0)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed])))


def _found(luck: Floats, people: int, share: Floats) -> Floats:
    if people < 1:
        raise ValueError(f"people is {people}; expected 1 or more")
    return np.asarray(stats.binom.ppf(luck, people, share) / people)


def _gains(net_benefit: ArrayLike) -> tuple[Floats, int]:
    """Net benefit over the option that is best on average, and the column of that option."""
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


def _known(known: pd.DataFrame, n: int, index: pd.Index | None) -> Floats:
    """The columns that are known, shape (n_draws, n_columns), checked."""
    if not isinstance(known, pd.DataFrame):
        raise TypeError(f"known is a {type(known).__name__}; expected a DataFrame")
    if len(known) != n or known.shape[1] == 0:
        raise ValueError(
            f"known has {len(known)} rows and {known.shape[1]} columns; expected the {n} draws of "
            "the net benefit and 1 column or more"
        )
    _require_index("known", known.index, index)
    values = known.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(
            f"{known.columns[j]} is {values[i, j]} in draw {i}; expected a finite number"
        )
    patterned = [str(name) for name in known if is_sobol(known[name].to_numpy(dtype=float))]
    if len(patterned) > 1:
        raise ValueError(
            f"known has Sobol draws of {', '.join(patterned)}, whose even pattern a regression on "
            "several columns takes for dependence; expected plain draws (run with sampler=plain)"
        )
    return values


def _require_index(name: str, index: pd.Index, expected: pd.Index | None) -> None:
    """Refuse rows that are not those of the draws, in their order: 0, 1, 2, ... by default."""
    if expected is None:
        expected = pd.RangeIndex(len(index))
    if not index.equals(expected):
        both = [", ".join(map(str, labels[:5])) for labels in (index, expected)]
        raise ValueError(
            f"{name} has the rows {both[0]}, ...; expected those of the draws it belongs to, in "
            f"their order: {both[1]}, ... (index of the net benefit, or of the run)"
        )


def _valued(gains: Floats, inside: Floats, outside: Floats, best: int) -> ValueOfInformation:
    n = len(gains)
    perfect = float(gains.max(axis=1).mean())
    rows = np.arange(n)
    rule = inside.argmax(axis=1)
    # A tie is no reason to change the choice.
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
    gain = value * n / changes if changes else float(inside.std(axis=0).max())
    rare = stats.chi2.ppf(0.975, 2 * changes + 2) / 2 * gain / n
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

    Gains are zero in most draws and large in few: such a skew asks for more room above (Johnson
    1978, J Am Stat Assoc 73:536-544); a skew the other way gets no less.
    """
    n, z, sd = len(values), special.ndtri(0.975), float(values.std(ddof=1))
    if sd == 0:
        return 0.0
    skew = float(np.mean((values - values.mean()) ** 3)) / sd**3
    return float(sd / np.sqrt(n) * (z + max(skew, 0.0) * (1 + 2 * z**2) / (6 * np.sqrt(n))))
