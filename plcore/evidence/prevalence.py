"""The prevalence of phantom limb pain: which studies are pooled, what they say, and what is believed.

Prevalence has kinds that must not be mixed: pain now (point), pain within the last days to weeks
(period), pain ever (lifetime). Point and period together are called current here. What studies say
is the random-effects mean with its limits; what is believed of another setting has the spread
between studies in it, and comes from the same studies with a stated prior for that spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy import optimize, special, stats

from plcore.evidence import pooling as meta
from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats

#: The regions of the studies in each pool. None is a probability sample of people with limb loss.
POOLS = {
    "usa": ("usa",),
    "high_income": ("usa", "high_income"),
    "all": ("usa", "high_income", "other"),
}
#: Kinds of prevalence that can be asked for, and the kinds of study that answer.
KINDS = {
    "current": ("point", "period"),
    "point": ("point",),
    "period": ("period",),
    "ever": ("lifetime",),
}
#: Whether a pooled share is that of a new setting (between-study spread included) or the mean.
SPREADS = ("setting", "mean")
# A t with more degrees of freedom than this cannot be told from a normal.
_MOST_DF = 1e4
_LEAST_DF = 0.5


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
    pool: str = "all", *, kind: str = "current", folder: Path = DATA
) -> pd.DataFrame:
    """The studies of the prevalence of phantom limb pain that enter a pool.

    Which rows enter is data: `include` is yes, `pool` is current or lifetime (adults with an
    acquired loss), and the study's kind of prevalence is one of those asked for.

    Parameters
    ----------
    pool : str
        A key of `POOLS`.
    kind : str
        A key of `KINDS`.
    """
    for name, value, known in (("pool", pool, POOLS), ("kind", kind, KINDS)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; expected one of {', '.join(known)}")
    table = read("plp_prevalence_studies", folder=folder)
    chosen = (
        table["pool"].isin(["current", "lifetime"])
        & (table["include"] == "yes")
        & table["kind"].isin(KINDS[kind])
        & table["region"].isin(POOLS[pool])
    )
    if not chosen.any():
        raise ValueError(f"no study of {kind} prevalence in pool {pool!r}")
    return table[chosen].reset_index(drop=True)


def logits(studies: pd.DataFrame) -> tuple[Floats, Floats]:
    """Logits of the studies' shares and their sampling variances, each of shape (k,)."""
    return meta.logit_proportion(studies["events"].to_numpy(), studies["n"].to_numpy())


def pool_prevalence(studies: pd.DataFrame) -> PooledShare:
    """The random-effects mean of two or more studies' shares.

    Logit scale, restricted maximum likelihood for the between-study variance, Knapp-Hartung limits
    (Hartung and Knapp 2001), as metafor's `rma(method="REML", test="knha")`.
    """
    pooled = meta.pool(*logits(studies))
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
        sources=sources_of(studies),
    )


def sources_of(studies: pd.DataFrame) -> str:
    """Keys of the studies' sources, each once, separated by semicolons."""
    return ";".join(dict.fromkeys(";".join(studies["source"]).split(";")))


def believed_share(studies: pd.DataFrame, *, spread: str, tau_scale: float) -> Mapping[str, float]:
    """What is believed of a share after the studies, as the arguments of a `logit_t` parameter.

    The posterior under a flat prior for the mean and a half-normal one for the standard deviation
    between studies (Röver 2021, Res Synth Methods 12:448-474). One study is enough: the spread is
    then the prior's. The t on the logit scale has the posterior's central 50% and 95% intervals
    to within what it is too skewed for, some tenths of a percent point.

    Parameters
    ----------
    studies : DataFrame
        Columns events and n.
    spread : str
        One of `SPREADS`: the share in another setting like these, or the mean over settings.
    tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies (logits).

    Returns
    -------
    mapping
        value, low, high (a share and its 95% limits) and df.

    Raises
    ------
    ValueError
        If the spread is neither.
    """
    if spread not in SPREADS:
        raise ValueError(f"spread is {spread!r}; expected one of {', '.join(SPREADS)}")
    posterior = meta.bayes(*logits(studies), prior=meta.HalfNormal(tau_scale))
    quantiles = meta.new_setting_quantile if spread == "setting" else meta.mean_quantile
    low, first, third, high = quantiles(posterior, [0.025, 0.25, 0.75, 0.975])
    limits = special.expit([(low + high) / 2, low, high])
    named = dict(zip(("value", "low", "high"), map(float, limits), strict=True))
    return {**named, "df": _tails((high - low) / (third - first))}


def _tails(ratio: float) -> float:
    """Degrees of freedom of the t whose 95% interval is so many times its 50% interval."""

    def misses(df: float) -> float:
        return float(special.stdtrit(df, 0.975) / special.stdtrit(df, 0.75) - ratio)

    if misses(_MOST_DF) > 0:
        return _MOST_DF
    return (
        _LEAST_DF
        if misses(_LEAST_DF) < 0
        else float(optimize.brentq(misses, _LEAST_DF, _MOST_DF, rtol=1e-12))
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
    _, v = logits(studies)
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


def forest_by(studies: pd.DataFrame, column: str, *, names: Mapping[str, str]) -> pd.DataFrame:
    """Studies in groups, each under its heading and with its subtotal, then all of them.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    column : str
        What they are grouped by, such as region.
    names : mapping of str to str
        Value of the column to what it is called, in the order wanted; every value must be there.

    Returns
    -------
    DataFrame
        As `forest_table`, with the roles heading and subtotal; the weights are those of all.
    """
    unknown = sorted(set(studies[column]) - set(names))
    if unknown:
        raise ValueError(f"{column} is {unknown[0]!r}; expected one of {', '.join(names)}")
    everything = forest_table(studies, label="All studies")
    weights = everything.set_index("label")["weight"]
    parts = []
    for value, name in names.items():
        group = studies[studies[column] == value]
        if group.empty:
            continue
        parts.append(pd.DataFrame([{"label": name, "role": "heading"}]))
        if len(group) == 1:
            parts.append(everything[everything["label"].isin(group["study"])])
            continue
        part = forest_table(group, label=f"{name}: pooled").iloc[:-1]
        part["weight"] = part["label"].map(weights)
        parts.append(part.replace({"role": {"pooled": "subtotal"}}))
    return pd.concat([*parts, everything.iloc[-2:]], ignore_index=True)
