"""Response rates of one arm over like trials: what happens to people so treated, whatever the cause.

Rows are pooled only where treatment, setting, definition and band of follow-up agree, and each group
of patients counts once: a fall of half the pain is not a fall of a third, an hour is not three
months, and the same patients seen twice are not two groups.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.pooling import HalfNormal, bayes, logit_proportion
from plcore.evidence.trials.contrasts import band, check_poolable, checked_arms, named, one_row_each
from plcore.evidence.trials.response import checked_responders, response_rate
from plcore.inputs import checks_kinds

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
        A row a group: treatment, role, setting, definition, follow_up, trials, n, responders, rate,
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
