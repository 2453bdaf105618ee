"""From the tables to the parameters: the rows of `parameters.csv`, and what is pooled from studies.

Pooled numbers are worked out afresh each time, so that they cannot go stale when a study is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy import special, stats

from plcore.data import DATA, cite, read
from plcore.meta import Pooled, logit_proportion, pool
from plcore.parameters import Parameter, parameter, read_parameters

#: The regions of the studies in each pool. None is a probability sample of people with limb loss.
POOLS = {
    "usa": ("usa",),
    "high_income": ("usa", "high_income"),
    "all": ("usa", "high_income", "other"),
}
#: Whether a pooled share is that of a new setting (between-study spread included) or the mean.
SPREADS = ("setting", "mean")
#: Pain now, or within a recall window of weeks to months. Lifetime prevalence is another quantity.
CURRENT = ("point", "period")


@dataclass(frozen=True, slots=True)
class PooledShare:
    """A share pooled from studies, with its limits.

    Attributes
    ----------
    share, low, high : float
        The pooled mean and its 95% confidence limits.
    setting_low, setting_high : float
        95% prediction limits: where the share of another setting like these would lie.
    studies, people, events : int
        How many studies, the people in them and those of them with pain.
    i2, tau2 : float
        Share of the spread that is not sampling error, and the between-study variance on the
        logit scale.
    sources : str
        Keys of `sources.csv`, separated by semicolons.
    """

    share: float
    low: float
    high: float
    setting_low: float
    setting_high: float
    studies: int
    people: int
    events: int
    i2: float
    tau2: float
    sources: str


def prevalence_studies(
    pool: str = "all", *, kinds: tuple[str, ...] = CURRENT, folder: Path = DATA
) -> pd.DataFrame:
    """The studies of the current prevalence of phantom limb pain that enter a pool.

    Which rows enter is data: `include` is yes, `pool` is current, and the kind of prevalence is
    among `kinds`.

    Parameters
    ----------
    pool : str
        A key of `POOLS`.
    kinds : tuple of str
        Kinds of prevalence that may be pooled together; the default leaves out lifetime prevalence
        and cumulative incidence.
    """
    if pool not in POOLS:
        raise ValueError(f"pool is {pool!r}; expected one of {', '.join(POOLS)}")
    table = read("plp_prevalence_studies", folder=folder)
    chosen = (
        (table["pool"] == "current")
        & (table["include"] == "yes")
        & table["kind"].isin(kinds)
        & table["region"].isin(POOLS[pool])
    )
    if not chosen.any():
        raise ValueError(f"no study of {', '.join(kinds)} prevalence in pool {pool!r}")
    return table[chosen].reset_index(drop=True)


def pool_prevalence(studies: pd.DataFrame) -> PooledShare:
    """The random-effects mean of some studies' shares.

    Logit scale, restricted maximum likelihood for the between-study variance, Knapp-Hartung limits
    (Hartung and Knapp 2001): a simple and widely used pooling.
    """
    y, v = logit_proportion(studies["events"].to_numpy(), studies["n"].to_numpy())
    pooled: Pooled = pool(y, v)
    share = {
        name: float(special.expit(getattr(pooled, name)))
        for name in ("estimate", "low", "high", "prediction_low", "prediction_high")
    }
    return PooledShare(
        share["estimate"],
        share["low"],
        share["high"],
        share["prediction_low"],
        share["prediction_high"],
        studies=len(studies),
        people=int(studies["n"].sum()),
        events=int(studies["events"].sum()),
        i2=float(pooled.i2),
        tau2=float(pooled.tau2),
        sources=";".join(dict.fromkeys(";".join(studies["source"]).split(";"))),
    )


def gather(
    *, pool: str = "usa", spread: str = "setting", folder: Path = DATA
) -> tuple[Parameter, ...]:
    """Every parameter: the rows of `parameters.csv`, then the pooled prevalence.

    Parameters
    ----------
    pool : str
        A key of `POOLS`.
    spread : str
        One of `SPREADS`.
    """
    return (*read_parameters(folder=folder), _prevalence(pool, spread, folder))


def _prevalence(pool_name: str, spread: str, folder: Path) -> Parameter:
    if spread not in SPREADS:
        raise ValueError(f"spread is {spread!r}; expected one of {', '.join(SPREADS)}")
    found = pool_prevalence(prevalence_studies(pool_name, folder=folder))
    new = spread == "setting"
    return parameter(
        "plp_prevalence",
        "share",
        "logitnormal",
        {
            "value": found.share,
            "low": found.setting_low if new else found.low,
            "high": found.setting_high if new else found.high,
        },
        source=found.sources,
        seen="derived",
        note=(
            f"Current prevalence pooled from {found.studies} studies ({found.people} people); "
            + ("limits of a new setting" if new else "limits of the mean, between-study spread out")
        ),
    )


def forest_table(studies: pd.DataFrame, *, label: str) -> pd.DataFrame:
    """Studies and their pooled mean as a forest plot takes them.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    label : str
        What the pooled row is called.

    Returns
    -------
    DataFrame
        Columns label, estimate, low, high (shares; Wilson 95% limits of a study), role, n, events,
        weight, kind, window, seen and source. The last two rows are the pooled mean and the
        prediction interval.
    """
    pooled = pool_prevalence(studies)
    rows = []
    _, v = logit_proportion(studies["events"].to_numpy(), studies["n"].to_numpy())
    for weight, study in zip(1 / (v + pooled.tau2), studies.to_dict("records"), strict=True):
        found = stats.binomtest(int(study["events"]), int(study["n"]))
        limits = found.proportion_ci(0.95, "wilson")
        rows.append(
            {
                "label": study["study"],
                "estimate": study["events"] / study["n"],
                "low": limits.low,
                "high": limits.high,
                "role": "study",
                "n": study["n"],
                "events": study["events"],
                "weight": weight,
                "kind": study["kind"],
                "window": study["window"],
                "seen": study["seen"],
                "source": study["source"],
            }
        )
    ends = {
        "pooled": (label, pooled.low, pooled.high),
        "prediction": ("Another setting (95% prediction)", pooled.setting_low, pooled.setting_high),
    }
    for role, (name, low, high) in ends.items():
        rows.append(
            {
                "label": name,
                "estimate": pooled.share,
                "low": low,
                "high": high,
                "role": role,
                "n": pooled.people,
                "events": pooled.events,
                "seen": "derived",
            }
        )
    return pd.DataFrame(rows)


def estimate_points(estimates: Sequence[str], *, folder: Path = DATA) -> pd.DataFrame:
    """Published numbers of `limb_loss_estimates.csv` as points of a chart.

    Parameters
    ----------
    estimates : sequence of str
        Keys of the rows wanted; each must have a year and a value.

    Returns
    -------
    DataFrame
        Columns estimate, year, value, low, high, label (a short citation), seen and note.
    """
    table = read("limb_loss_estimates", folder=folder).set_index("estimate", drop=False)
    for key in estimates:
        if key not in table.index:
            raise ValueError(f"no estimate {key!r}; expected a key of limb_loss_estimates.csv")
        if table.loc[key, ["year", "value"]].isna().any():
            raise ValueError(f"{key} has no year or no value; expected a number that has both")
    chosen = table.loc[list(estimates)].reset_index(drop=True)
    chosen["label"] = [cite(keys.split(";")[0], folder=folder) for keys in chosen["source"]]
    return chosen[["estimate", "year", "value", "low", "high", "label", "seen", "note"]]
