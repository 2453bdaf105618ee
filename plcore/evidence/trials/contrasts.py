"""Treatment against control, trial by trial and over like trials.

A trial compares its own two arms. Its difference is what may be pooled with the differences of
other trials of the same treatment, setting, meaning of response and time. Treated arms of some
trials are never set against control arms of others.

Rates of one arm over like trials are here too: what happens to people so treated, whatever the
cause. Rows are pooled only where treatment, setting, definition and band of follow-up agree, and
each group of patients counts once: a fall of half the pain is not a fall of a third, an hour is not
three months, and the same patients seen twice are not two groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.pooling import HalfNormal, bayes, logit_proportion
from plcore.evidence.pooling.two_arms import (
    ODDS_RATIO,
    RISK_RATIO,
    EffectMethod,
    exact_odds_ratio,
    inverse_variance,
    mantel_haenszel,
    peto_odds_ratio,
)
from plcore.evidence.table import check_frame
from plcore.evidence.trial_tables import DEFINITIONS, TRIALS
from plcore.evidence.trials.response import (
    checked_responders,
    crossover_difference,
    number_needed,
    probability_better,
    response_rate,
    risk_difference,
)
from plcore.inputs import checks_kinds

#: Bands of follow-up and the last day of each.
FOLLOW_UP_BANDS = {
    "up to 2 days": 2,
    "over 2 to 14 days": 14,
    "over 14 to 60 days": 60,
    "over 60 to 183 days": 183,
    "over 183 to 366 days": 366,
    "over 366 days": np.inf,
}
#: Every way in which comparisons can be put together, by the words of `ways_of_pooling_effects`.
EFFECT_METHODS: dict[str, EffectMethod] = {
    "Mantel-Haenszel difference": mantel_haenszel,
    "Random effects, difference": inverse_variance,
    "Mantel-Haenszel risk ratio": partial(mantel_haenszel, measure=RISK_RATIO),
    "Random effects, risk ratio": partial(inverse_variance, measure=RISK_RATIO),
    "Mantel-Haenszel odds ratio": partial(mantel_haenszel, measure=ODDS_RATIO),
    "Peto odds ratio": peto_odds_ratio,
    "Random effects, odds ratio": partial(inverse_variance, measure=ODDS_RATIO),
    "Exact conditional model, odds ratio": exact_odds_ratio,
}
_ALIKE = ("treatment", "setting", "definition")
_NEEDED = ("trial", "arm", "outcome", "role", *_ALIKE, "design", "follow_up_days", "patients", "n",
           "responders", "include")  # fmt: skip
_RANDOMISED = ("parallel", "factorial")
_COUNTS = ("responders_1", "n_1", "responders_2", "n_2")


@checks_kinds
def pool_effects(
    arms: pd.DataFrame,
    *,
    method: EffectMethod = mantel_haenszel,
    not_randomised: bool = False,
    level: float = 0.95,
) -> pd.DataFrame:
    """The effect of each treatment over the trials that compared it with a control.

    Comparisons of one treatment, setting, meaning of response and band of follow-up are pooled by
    `method`; a single one, where the method gives a difference, has its score limits. Each group of
    patients counts once, at its longest follow-up in the band. Arms that have no counted other arm in
    their own trial do not enter, nor do crossovers: their arms are the same people.

    Parameters
    ----------
    arms : DataFrame
        Rows of `trials.csv`: trial, arm, outcome, role, treatment, setting, definition, design,
        follow_up_days, patients, n, responders, include. Those with include "yes" are taken.
    method : function
        A function of `plcore.evidence.pooling` from the counts of trials to a `PooledEffect`, such
        as `mantel_haenszel` or, for a ratio, `functools.partial(mantel_haenszel, measure="risk ratio")`.
    not_randomised : bool
        Whether counted comparisons that were not (or not properly) randomised are taken as well:
        those with the design "cohort" and a time of follow-up.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per group: treatment, setting, definition, follow_up, trials, n_treatment,
        responders_treatment, n_control, responders_control, measure, estimate, low, high; p, tau2
        and i2 of the pooled effect (NaN beside the score limits of one trial); number_needed (text;
        empty for ratios), not_randomised (which trials were not), and pooled, which names the trials
        with their weights, the method, and what was left aside.

    Raises
    ------
    ValueError
        A column that is missing, a row that cannot be pooled, a control group that would count
        twice, or arms of which no two belong to one trial; names the rows.

    Examples
    --------
    >>> from plcore.evidence import trial_arms
    >>> pooled = pool_effects(trial_arms(), not_randomised=True)
    >>> epidural = pooled.query("treatment == 'perioperative_epidural' and trials == 2").iloc[0]
    >>> print(epidural["follow_up"], epidural[["estimate", "low", "high"]].astype(float).round(2).tolist())
    over 60 to 183 days [0.52, 0.32, 0.71]
    """
    pairs = comparable_pairs(arms, not_randomised=not_randomised)
    if pairs.empty:
        raise ValueError(_nothing_to_compare(arms))
    keys = [*_ALIKE, "follow_up", "_outcome"]
    rows = [_pool_pairs(group, method, level) for _, group in pairs.groupby(keys, sort=False)]
    return pd.DataFrame(rows)


def ways_of_pooling_effects(arms: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """The same comparisons pooled in every way there is, to see whether the method matters.

    Parameters
    ----------
    arms : DataFrame
        Rows of `trials.csv` of one treatment, setting, definition and band of follow-up, randomised
        or not, as for `pool_effects`.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per method: method, measure, estimate, low, high, p, tau2, i2.

    Raises
    ------
    ValueError
        The arms make several groups, or one trial only.
    """
    pairs = comparable_pairs(arms, not_randomised=True)
    if pairs.empty:
        raise ValueError(_nothing_to_compare(arms))
    groups = pairs.groupby([*_ALIKE, "follow_up", "_outcome"], sort=False)
    if len(groups) != 1:
        keys = pairs[[*_ALIKE, "follow_up"]].drop_duplicates().to_numpy(dtype=str)
        named = "; ".join(", ".join(key) for key in keys)
        raise ValueError(f"the arms make {len(groups)} groups ({named}); expected one")
    kept = _one_each(pairs)
    if len(kept) < 2:
        raise ValueError(f"only {kept['trial'].iloc[0]} compares; expected two trials or more")
    effects = {name: method(*_counts(kept), level=level) for name, method in EFFECT_METHODS.items()}
    names = ("measure", "estimate", "low", "high", "p", "tau2", "i2")
    return pd.DataFrame(
        {"method": method, **{name: getattr(effect, name) for name in names}}
        for method, effect in effects.items()
    )


def comparable_pairs(arms: pd.DataFrame, *, not_randomised: bool) -> pd.DataFrame:
    """The comparisons that may be pooled: a row each treated arm with the control of its own trial.

    Parameters
    ----------
    arms, not_randomised
        As for `pool_effects`.
    """
    arms = checked_arms(arms, _NEEDED)
    enters = (arms["include"] == "yes") & arms["design"].isin(_RANDOMISED)
    if not_randomised:
        counted = arms[["n", "responders", "follow_up_days"]].notna().all(axis=1)
        enters |= (arms["design"] == "cohort") & counted
    rows = arms[enters]
    for _, row in rows.iterrows():
        check_poolable(row)
    pairs = []
    for arm, control in _pairs(rows):
        _check_alike(arm, control, f"{arm['trial']} {arm['outcome']}")
        other = arm["definition"] == "other"
        pairs.append(
            {
                **{name: arm[name] for name in ("trial", "outcome", *_ALIKE, "follow_up_days")},
                "follow_up": band(arm["follow_up_days"]),
                # Two outcomes that are both "other" are two things.
                "_outcome": f"{arm['trial']} {arm['outcome']}" if other else "",
                "arm": arm["arm"],
                "patients": f"{arm['patients']};{control['patients']}",
                "design": arm["design"],
                **dict(
                    zip(
                        _COUNTS,
                        (arm["responders"], arm["n"], control["responders"], control["n"]),
                        strict=True,
                    )
                ),
            }
        )
    columns = ["trial", "outcome", *_ALIKE, "follow_up_days", "follow_up", "_outcome", "arm",
               "patients", "design", *_COUNTS]  # fmt: skip
    return pd.DataFrame(pairs, columns=columns)


def _nothing_to_compare(arms: pd.DataFrame) -> str:
    included = checked_arms(arms, _NEEDED).query("include == 'yes'")
    roles = [
        f"{role} arms of {', '.join(dict.fromkeys(included.loc[included['role'] == role, 'trial']))}"
        for role in ("treatment", "control")
        if (included["role"] == role).any()
    ]
    return (
        f"no two arms that may be pooled belong to one trial ({'; '.join(roles) or 'none is included'}"
        "); expected a trial with both arms counted. Arms of different trials are never compared; "
        "for a rate, from which no comparison follows, there is pool_responses"
    )


def _pool_pairs(group: pd.DataFrame, method: EffectMethod, level: float) -> dict[str, object]:
    kept = _one_each(group)
    counts = _counts(kept)
    effect = method(*counts, level=level)
    words = ", ".join(
        f"{trial} {weight:.0%}" for trial, weight in zip(kept["trial"], effect.weights, strict=True)
    )
    words = f"{words}: {effect.method}"
    ends = (effect.estimate, effect.low, effect.high)
    tests = {name: getattr(effect, name) for name in ("p", "tau2", "i2")}
    needed = ""
    if effect.measure == "risk difference":
        needed = number_needed(effect)
        if len(kept) == 1:
            alone = risk_difference(*(values[0] for values in counts), level=level)
            ends = (float(alone.estimate), float(alone.low), float(alone.high))
            needed = number_needed(alone)
            tests = dict.fromkeys(tests, np.nan)
            words = f"{kept['trial'].iloc[0]}: one trial, its own score limits"
    loose = ", ".join(kept.loc[kept["design"] == "cohort", "trial"])
    if loose:
        words += f"; not properly randomised: {loose}"
    aside = group[~group.index.isin(kept.index)]
    if len(aside):
        rows = ", ".join(named(row) for _, row in aside.iterrows())
        words += f"; same patients, left aside: {rows}"
    n = [int(values.sum()) for values in counts]
    return {
        **{name: group[name].iloc[0] for name in (*_ALIKE, "follow_up")},
        "trials": kept["trial"].nunique(),
        "n_treatment": n[1],
        "responders_treatment": n[0],
        "n_control": n[3],
        "responders_control": n[2],
        "measure": effect.measure,
        **dict(zip(("estimate", "low", "high"), ends, strict=True)),
        **tests,
        "number_needed": needed,
        "not_randomised": loose,
        "pooled": words,
    }


def _counts(pairs: pd.DataFrame) -> list[np.ndarray]:
    return [pairs[name].to_numpy(dtype=float) for name in _COUNTS]


def _one_each(group: pd.DataFrame) -> pd.DataFrame:
    return one_row_each(group, "comparisons")


def one_row_each(group: pd.DataFrame, what: str) -> pd.DataFrame:
    """Each group of patients once, at its longest follow-up; a row may name several groups.

    Parameters
    ----------
    group : DataFrame
        Rows with trial, arm, outcome, patients and follow_up_days.
    what : str
        What the rows are, for messages.
    """
    counts = Counter(key for keys in group["patients"] for key in keys.split(";"))
    for key in (key for key, times in counts.items() if times > 1):
        same = group[[key in keys.split(";") for keys in group["patients"]]]
        latest = same[same["follow_up_days"] == same["follow_up_days"].max()]
        if len(latest) > 1:
            rows = ", ".join(named(row) for _, row in latest.iterrows())
            raise ValueError(
                f"patients {key} are in several {what} to pool: {rows}; expected one row of them at "
                f"{latest['follow_up_days'].iloc[0]:g} days"
            )
        group = group.drop(same.index.difference(latest.index))
    return group


def checked_arms(arms: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The arms, refused where a row of `trials.csv` like one of them would be.

    Parameters
    ----------
    arms : DataFrame
    columns : sequence of str
        The columns that are needed; a cell of them may be empty where the file's may.
    """
    return check_frame(arms, TRIALS, columns, filled=(), name="arms")


def check_poolable(row: pd.Series) -> None:
    """Refuse an arm that cannot be pooled, by name."""
    where = named(row)
    if row["definition"] not in DEFINITIONS:
        known = ", ".join(DEFINITIONS)
        raise ValueError(f"{where}: definition is {row['definition']!r}; expected one of {known}")
    if not 0 <= row["follow_up_days"] < np.inf:
        raise ValueError(f"{where}: follow_up_days is {row['follow_up_days']}; expected 0 or more")
    try:
        checked_responders(row["responders"], row["n"])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def band(days: float) -> str:
    """The name of the band that a time of follow-up falls into."""
    return next(name for name, last in FOLLOW_UP_BANDS.items() if days <= last)


def named(row: pd.Series) -> str:
    """A row by its trial, arm and outcome."""
    return f"{row['trial']} {row['arm']} {row['outcome']}"


#: Columns of `effects_table`, also where no arm has a control.
_COMPARED = [
    "trial", "outcome", "arm", "treatment", "definition", "follow_up_days", "n_treatment",
    "responders_treatment", "n_control", "responders_control", "rd", "rd_low", "rd_high", "nnt",
    "prob_better", "remark",
]  # fmt: skip


def effects_table(arms: pd.DataFrame) -> pd.DataFrame:
    """Treatment against control for every trial and outcome that has both arms.

    Arms of different people are compared by the score interval. The periods of a crossover are the
    same people: their limits are the widest over all paired tables with the printed totals.

    Parameters
    ----------
    arms : DataFrame
        Rows of `trials.csv`.

    Returns
    -------
    DataFrame
        A row for each arm in the role of treatment that has a control of the same trial and
        outcome: that of the same treatment, else the only one. Columns trial, outcome, arm,
        treatment, definition, follow_up_days, n_treatment, responders_treatment, n_control,
        responders_control; rd, rd_low, rd_high; nnt (text); prob_better (the probability that the
        treatment's rate is higher, Jeffreys priors; NaN for a crossover); and remark, which says
        why a comparison was not made or how far to trust it.
    """
    rows = [_compared(arm, control) for arm, control in _pairs(arms)]
    return pd.DataFrame(rows, columns=_COMPARED)


def _pairs(arms: pd.DataFrame) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Each treatment with its control."""
    for _, group in arms.groupby(["trial", "outcome"], sort=False):
        controls = group[group["role"] == "control"]
        if controls.empty:
            continue
        for _, arm in group[group["role"] == "treatment"].iterrows():
            same = controls[controls["treatment"] == arm["treatment"]]
            chosen = same if len(same) else controls
            if len(chosen) > 1:
                raise ValueError(
                    f"{arm['trial']} {arm['outcome']}: arm {arm['arm']} has {len(chosen)} "
                    f"controls, {', '.join(chosen['arm'])}; expected one of its treatment"
                )
            yield arm, chosen.iloc[0]


def _compared(arm: pd.Series, control: pd.Series) -> dict[str, object]:
    """One row of the table; NaN where the remark says why."""
    row = {
        **{
            name: arm[name]
            for name in ("trial", "outcome", "arm", "treatment", "definition", "follow_up_days")
        },
        "n_treatment": arm["n"],
        "responders_treatment": arm["responders"],
        "n_control": control["n"],
        "responders_control": control["responders"],
        **dict.fromkeys(("rd", "rd_low", "rd_high"), np.nan),
        "nnt": "",
        "prob_better": np.nan,
        "remark": _hindrance(arm, control),
    }
    if row["remark"]:
        return row
    where = f"{arm['trial']} {arm['outcome']}"
    _check_alike(arm, control, where)
    x1, n1, x2, n2 = arm["responders"], arm["n"], control["responders"], control["n"]
    try:
        if arm["design"] == "crossover":
            effect, tables = crossover_difference(x1, x2, n1)
            row["remark"] = f"crossover, totals only: limits over the {tables} tables they allow"
        else:
            effect = risk_difference(x1, n1, x2, n2)
            better = probability_better(response_rate(x1, n1), response_rate(x2, n2))
            row["prob_better"] = float(better)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if arm["design"] == "cohort":
        row["remark"] = "not randomised: the arms may differ in more than the treatment"
    ends = {"rd": effect.estimate, "rd_low": effect.low, "rd_high": effect.high}
    return row | {name: float(end) for name, end in ends.items()} | {"nnt": number_needed(effect)}


def _check_alike(arm: pd.Series, control: pd.Series, where: str) -> None:
    for column in ("design", "setting", "follow_up_days", "definition"):
        one, other = arm[column], control[column]
        if one != other and not (pd.isna(one) and pd.isna(other)):
            raise ValueError(f"{where}: {column} differs between the arms: {one} and {other}")
    shared = set(arm["patients"].split(";")) & set(control["patients"].split(";"))
    if shared and arm["design"] != "crossover":
        raise ValueError(
            f"{where}: both arms are of patients {', '.join(sorted(shared))}, but the design is "
            f"{arm['design']}; expected different people or a crossover"
        )


def _hindrance(arm: pd.Series, control: pd.Series) -> str:
    """Why the two arms cannot be compared; empty where they can."""
    uncounted = [
        row["arm"] for row in (arm, control) if pd.isna(row["responders"]) or pd.isna(row["n"])
    ]
    if arm["design"] == "meta_analysis":
        return "not compared: made of trials that stand elsewhere"
    if uncounted:
        return f"not compared: no count of responders in {' and '.join(uncounted)}"
    if arm["design"] == "crossover" and arm["n"] != control["n"]:
        return f"not compared: {arm['n']:g} and {control['n']:g} people, so not all are pairs"
    return ""


# --- Rates of one arm over like trials -----------------------------------------------------------

_SAME = ("treatment", "role", "setting", "definition")
_POOLED = ("trial", "arm", "outcome", *_SAME, "follow_up_days", "patients", "n", "responders",
           "include")  # fmt: skip


@checks_kinds
def pool_responses(
    arms: pd.DataFrame, *, tau_prior: HalfNormal, level: float = 0.95
) -> pd.DataFrame:
    """The response rate of each group of arms of one role: a rate, from which no comparison follows.

    A pooled rate of the treated must not be set beside one of the controls, as they are other trials'
    people: `pool_effects` compares. Two trials or more are pooled on the logit scale with a stated
    prior of how far settings differ, which is named beside the result. A single trial gives its exact
    posterior under Jeffreys' prior. Where a group has several rows of the same patients, that with
    the longest follow-up counts.

    Parameters
    ----------
    arms : DataFrame
        Rows of `trials.csv`: trial, arm, outcome, role, treatment, setting, definition,
        follow_up_days, patients, n, responders, include. Those with include "yes" are taken.
    tau_prior : HalfNormal
        Prior of the standard deviation between settings, in logits.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per group: treatment, role, setting, definition, follow_up, trials, n, responders, rate,
        low, high, and pooled, which says in words what was put together and what was left aside.

    Raises
    ------
    ValueError
        A column that is missing, a row that cannot be pooled, two rows of the same patients at one
        time, or arms of several roles together; names the row.

    Examples
    --------
    >>> from plcore.evidence import trial_arms
    >>> controls = trial_arms().query("role == 'control'")
    >>> pooled = pool_responses(controls, tau_prior=HalfNormal(1.0))
    >>> bool(((pooled["low"] < pooled["rate"]) & (pooled["rate"] < pooled["high"])).all())
    True
    """
    arms = checked_arms(arms, _POOLED)
    rows = arms[arms["include"] == "yes"].reset_index(drop=True)
    for _, row in rows.iterrows():
        check_poolable(row)
    roles = [f"{row['role']} ({named(row)})" for _, row in rows.drop_duplicates("role").iterrows()]
    if len(roles) > 1:
        raise ValueError(
            f"the arms have several roles: {', '.join(roles)}; expected one, as treated and control "
            "arms pooled apart would compare the people of different trials: use pool_effects"
        )
    rows["follow_up"] = [band(days) for days in rows["follow_up_days"]]
    # Two outcomes that are both "other" are two things.
    outcome = rows["trial"] + " " + rows["outcome"]
    rows["_outcome"] = outcome.where(rows["definition"] == "other", "")
    groups = rows.groupby([*_SAME, "follow_up", "_outcome"], sort=False)
    pools = [_pool_group(group, tau_prior, level) for _, group in groups]
    names = [*_SAME, "follow_up", "trials", "n", "responders", "rate", "low", "high", "pooled"]
    return pd.DataFrame(pools, columns=names)


def _pool_group(group: pd.DataFrame, tau_prior: HalfNormal, level: float) -> dict[str, object]:
    kept = one_row_each(group, "rows")
    x, n = checked_responders(kept["responders"].to_numpy(), kept["n"].to_numpy())
    if len(kept) > 1:
        pooled = bayes(*logit_proportion(x, n), prior=tau_prior, level=level)
        rate, low, high = special.expit([pooled.estimate, pooled.low, pooled.high])
        method = f"Bayes, settings differ by {tau_prior}"
    else:
        single = response_rate(x, n)
        rate, (low, high) = single.median, single.interval(level)
        method = "posterior of one trial, Jeffreys prior, worth 1 person"
    words = f"{', '.join(dict.fromkeys(kept['trial']))}: {method}; a rate, no comparison follows"
    aside = group[~group.index.isin(kept.index)]
    if len(aside):
        rows = ", ".join(named(row) for _, row in aside.iterrows())
        words += f"; same patients, left aside: {rows}"
    return {
        **{column: group[column].iloc[0] for column in (*_SAME, "follow_up")},
        "trials": kept["trial"].nunique(),
        "n": int(n.sum()),
        "responders": int(x.sum()),
        "rate": np.asarray(rate).item(),
        "low": np.asarray(low).item(),
        "high": np.asarray(high).item(),
        "pooled": words,
    }
