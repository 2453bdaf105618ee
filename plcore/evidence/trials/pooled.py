"""Response rates over trials, and the refusal to mix what does not belong together.

A fall of half the pain is not a fall of a third, an hour is not three months, and the same patients
seen twice are not two groups. Rows are pooled only where treatment, role, setting, definition and
band of follow-up agree, and each group of patients counts once.

Parameters
----------
responders, n : array_like, shape (n_trials,)
    Patients who respond, and patients.
rows : DataFrame
    Rows of the same patients at several times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from plcore.evidence import pooling as meta
from plcore.evidence.trial_tables import DEFINITIONS
from plcore.evidence.trials.counts import Array, checked_level, checked_responders
from plcore.evidence.trials.response import JEFFREYS, rate_interval, response_rate

#: Bands of follow-up and the last day of each.
FOLLOW_UP_BANDS: Mapping[str, float] = MappingProxyType(
    {
        "up to 2 days": 2,
        "over 2 to 14 days": 14,
        "over 14 to 60 days": 60,
        "over 60 to 183 days": 183,
        "over 183 to 366 days": 366,
        "over 366 days": np.inf,
    }
)
_SAME = ("treatment", "role", "setting", "definition")
_ARMS = (
    "trial",
    "arm",
    "outcome",
    *_SAME,
    "follow_up_days",
    "patients",
    "n",
    "responders",
    "include",
)

#: Rows of the same patients to the one of them that is kept.
Keep = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class PooledRate:
    """A response rate over trials, with its limits.

    Attributes
    ----------
    rate, low, high : float
        The rate in the middle setting, and the limits of it.
    prediction_low, prediction_high : float
        Where the rate of another setting would lie; NaN below three trials, which cannot tell.
    method : str
        How it was pooled, in words.
    """

    rate: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float
    method: str


class RatePool(Protocol):
    """A way of pooling: responders and n of two or more trials, to a rate."""

    def __call__(
        self, responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float
    ) -> PooledRate: ...


def exact_pool(responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> PooledRate:
    """The rate of two or more trials by the exact binomial-normal model, likelihood limits.

    `plcore.evidence.pooling.pool_exact` and `likelihood_interval`. With two or three trials the limits are wide
    or even 0 and 1: so few do not tell how settings differ. `bayes_pool` says what follows if that
    is assumed.
    """
    pooled = meta.pool_exact(responders, n, level=level)
    low, high = meta.likelihood_interval(responders, n, level=level)
    return _rate(
        (pooled.estimate, low, high, pooled.prediction_low, pooled.prediction_high),
        pooled.k,
        "exact binomial-normal model, likelihood limits",
    )


def bayes_pool(prior: meta.HalfNormal | meta.HalfT) -> RatePool:
    """A way of pooling that assumes how far settings may differ: a prior of tau, in logits.

    The prior is part of the answer and is named in its `method`. Half a responder is added to
    trials with none, or with nothing but.
    """

    def pooling(responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> PooledRate:
        y, v = meta.logit_proportion(responders, n)
        found = meta.bayes(y, v, prior=prior, level=level)
        return _rate(
            (found.estimate, found.low, found.high, found.prediction_low, found.prediction_high),
            y.size,
            f"Bayes, settings differ by {prior}",
        )

    return pooling


def one_trial(responders: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> PooledRate:
    """The rate of a single trial: median and interval of its exact posterior, Jeffreys prior."""
    found = response_rate(responders, n)
    low, high = rate_interval(found, level=level)
    return PooledRate(
        float(found.median.item()),
        float(low.item()),
        float(high.item()),
        np.nan,
        np.nan,
        f"posterior of one trial, {JEFFREYS.basis}",
    )


def latest(rows: pd.DataFrame) -> pd.DataFrame:
    """The row with the longest follow-up."""
    kept: pd.DataFrame = rows[rows["follow_up_days"] == rows["follow_up_days"].max()]
    return kept


def earliest(rows: pd.DataFrame) -> pd.DataFrame:
    """The row with the shortest follow-up."""
    kept: pd.DataFrame = rows[rows["follow_up_days"] == rows["follow_up_days"].min()]
    return kept


def follow_up_band(days: float, *, bands: Mapping[str, float] = FOLLOW_UP_BANDS) -> str:
    """The name of the band that a time of follow-up falls into.

    Parameters
    ----------
    days : float
        0 or more, and at most the end of the last band.
    bands : mapping of str to float
        The last day of each, in rising order.
    """
    if not days >= 0:
        raise ValueError(f"follow_up_days is {days:g}; expected a number of 0 or more")
    for name, last in bands.items():
        if days <= last:
            return name
    raise ValueError(f"follow_up_days is {days:g}; expected at most {max(bands.values()):g}")


def pool_responses(
    arms: pd.DataFrame,
    *,
    pool: RatePool = exact_pool,
    keep: Keep | None = None,
    bands: Mapping[str, float] = FOLLOW_UP_BANDS,
    level: float = 0.95,
) -> pd.DataFrame:
    """The response rate of each group of arms that may be pooled.

    Parameters
    ----------
    arms : DataFrame
        Rows of `trials.csv`: trial, arm, outcome, role, treatment, setting, definition,
        follow_up_days, patients, n, responders, include. Those with include "yes" are taken.
    pool : function
        `exact_pool`, or `bayes_pool` of a stated prior. A single trial gives its exact posterior.
    keep : function, optional
        Which row speaks for patients with several in one group: `latest`, `earliest` or your own.
        Without it such a group is refused.
    bands : mapping of str to float
        Names and last days of the bands of follow-up, in rising order.

    Returns
    -------
    DataFrame
        A row a group: treatment, role, setting, definition, follow_up, trials, n, responders, rate,
        low, high, prediction_low, prediction_high (NaN below three trials) and pooled, which says
        in words what was put together and what was left aside.
    """
    checked_level(level)
    rows = checked_arms(arms, _ARMS)
    rows = rows[rows["include"] == "yes"].copy()
    for place in rows.index:
        _check_row(rows.loc[place])
    rows["follow_up"] = [follow_up_band(days, bands=bands) for days in rows["follow_up_days"]]
    # Two outcomes that are both "other" are two things.
    alone = rows["trial"] + " " + rows["outcome"]
    rows["_thing"] = alone.where(rows["definition"] == "other", "")
    groups = rows.groupby([*_SAME, "follow_up", "_thing"], sort=False)
    found = [pool_group(group, pool=pool, keep=keep, level=level) for _, group in groups]
    names = [*_SAME, "follow_up", "trials", "n", "responders", "rate", "low", "high"]
    return pd.DataFrame(found, columns=[*names, "prediction_low", "prediction_high", "pooled"])


def pool_group(
    group: pd.DataFrame,
    *,
    pool: RatePool = exact_pool,
    keep: Keep | None = None,
    level: float = 0.95,
) -> dict[str, object]:
    """The response rate of rows that belong together, as a row of `pool_responses`.

    Refuses rows of more than one treatment, role, setting, definition or band of follow-up
    (column follow_up), and several rows of the same patients unless `keep` picks one.

    Parameters
    ----------
    group : DataFrame
        Rows of arms, as in `trials.csv`.
    pool : RatePool
        `exact_pool`, `bayes_pool` with a prior, or another function of responders and n.
    keep : function, optional
        `latest` or `earliest`: which of several rows of the same patients.
    """
    if group.empty:
        raise ValueError("no rows to pool")
    for column in (*_SAME, "follow_up"):
        values = list(dict.fromkeys(group[column]))
        if len(values) > 1:
            raise ValueError(f"{column} differs between rows to pool: {', '.join(values)}")
    if (group["definition"] == "other").all() and len(group) > 1:
        raise ValueError(f"definition is other in {', '.join(group['trial'])}: no one thing")
    kept = _one_row_each(group, keep)
    x, n = checked_responders(kept["responders"].to_numpy(), kept["n"].to_numpy())
    found = (pool if len(kept) > 1 else one_trial)(x, n, level=level)
    said = f"{', '.join(dict.fromkeys(kept['trial']))}: {found.method}"
    left = group[~group.index.isin(kept.index)]
    if len(left):
        said += f"; same patients, left aside: {', '.join(_named(row) for row in _rows(left))}"
    return {
        **{column: group[column].iloc[0] for column in (*_SAME, "follow_up")},
        "trials": kept["trial"].nunique(),
        "n": int(n.sum()),
        "responders": int(x.sum()),
        "rate": found.rate,
        "low": found.low,
        "high": found.high,
        "prediction_low": found.prediction_low,
        "prediction_high": found.prediction_high,
        "pooled": said,
    }


def checked_arms(arms: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The arms with rows numbered afresh; refuses a table without these columns."""
    missing = [column for column in columns if column not in arms.columns]
    if missing:
        raise ValueError(f"the arms have no column {', '.join(missing)}")
    return arms.reset_index(drop=True)


def _rate(logits: Sequence[Array], k: int, method: str) -> PooledRate:
    rate, low, high, *prediction = (float(special.expit(logit).item()) for logit in logits)
    if k < 3:
        prediction = [np.nan, np.nan]
    return PooledRate(rate, low, high, prediction[0], prediction[1], method)


def _check_row(row: pd.Series) -> None:
    where = _named(row)
    if row["definition"] not in DEFINITIONS:
        known = ", ".join(DEFINITIONS)
        raise ValueError(f"{where}: definition is {row['definition']!r}; expected one of {known}")
    if not row["patients"]:
        raise ValueError(f"{where}: patients is empty; expected the key of the group of patients")
    if not row["follow_up_days"] >= 0:
        raise ValueError(f"{where}: follow_up_days is {row['follow_up_days']}; expected 0 or more")
    try:
        checked_responders(row["responders"], row["n"])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _one_row_each(group: pd.DataFrame, keep: Keep | None) -> pd.DataFrame:
    """The rows, each group of patients once; a row may name several groups."""
    seen = Counter(key for keys in group["patients"] for key in keys.split(";"))
    repeated = [key for key, times in seen.items() if times > 1]
    for key in repeated:
        same = group[[key in keys.split(";") for keys in group["patients"]]]
        if len(same) < 2:
            continue
        if keep is None:
            rows = ", ".join(_named(row) for row in _rows(same))
            raise ValueError(
                f"patients {key} are in several rows to pool: {rows}; say which to keep"
            )
        kept = keep(same)
        if len(kept) != 1:
            raise ValueError(f"patients {key}: the rule keeps {len(kept)} rows; expected one")
        group = group.drop(same.index.difference(kept.index))
    return group


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [table.loc[place] for place in table.index]


def _named(row: pd.Series) -> str:
    return f"{row['trial']} {row['arm']} {row['outcome']}"
