"""The prevalence and severity of phantom limb pain: which studies, and what is believed after them.

Prevalence has kinds that must not be mixed: pain now (point), pain within the last days to weeks
(period), pain ever (lifetime). Point and period together are called current here. What studies say
is the random-effects mean with its limits; what is believed of another setting includes the spread
between studies, and comes from the same studies with a stated prior for that spread.

`gather` puts what is pooled beside the rows of `parameters.csv`: every parameter of a run. Pooled
numbers are worked out afresh each time, so that they cannot go stale when a study is added.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence import pooling as meta
from plcore.evidence.data import DATA, cite, read, stamps
from plcore.evidence.distributions import DISTRIBUTIONS, SCORES, Floats
from plcore.evidence.parameters import Parameter, parameter, read_parameters
from plcore.evidence.pooling.bayes import mean_quantile, new_setting_quantile
from plcore.evidence.schema import TABLES, works_twice
from plcore.evidence.table import check_frame
from plcore.evidence.trials.response import wilson
from plcore.inputs import checks_kinds

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
#: The studies of those born without a limb, and of those who lost one as small children.
CHILDHOOD = {
    "plp_congenital": ("pool", "congenital"),
    "plp_before_six": ("study", "Melzack 1997 (before age 6)"),
}

#: Each severity that a run counts, a rung of `plp_severity.csv`, and the one that it is a part of;
#: "" is all in pain.
_RUNGS = {
    "weekly": "",
    "moderate_severe": "",
    "extremely_bothersome": "moderate_severe",
    "problematic": "",
}
#: The rows of `parameters.csv` that every run reads; an analyst's own rows may stand beside them.
_NEEDED = (
    "limb_loss_2005", "limb_loss_2050", "limb_loss_ceiling", "plp_share_claimed",
    "plp_prevalence_minor", "plp_prevalence_minor_ever",
    "congenital_share", "congenital_share_claimed", "before_six_share_claimed",
    "plp_share_8_days", "plp_share_6_months", "plp_share_2_years", "plp_fall",
    "dysvascular_first_share", "dysvascular_progression", "dysvascular_walk_spread",
    *(f"dysvascular_step_{year}" for year in (2003, 2010, 2014, 2019, 2024, 2030, 2040, 2050, 2060)),
    "dysvascular_minor_share_1993", "dysvascular_minor_share_2019",
    *(f"dysvascular_younger_{level}_{year}" for level in ("major", "minor")
      for year in (1993, 2019)),
    "dysvascular_mean_age", "dysvascular_younger_mean_age",
    "dysvascular_ratio_gradient", "dysvascular_ratio_change",
    *(f"dysvascular_{level}_{name}" for level in ("major", "minor")
      for name in ("hazard_ratio", "first_year_excess")),
    "trauma_first_share", "trauma_outside_hospitals", "trauma_minor_share",
    *(f"{cause}_{name}" for cause in ("dysvascular", "trauma", "cancer")
      for name in ("rate_1996", "ratio_1988", "ratio_1950", "male_ratio")),
    *(f"{cause}_{name}" for cause in ("trauma", "cancer")
      for name in ("ratio_2019", "ratio_2060", "hazard_ratio", "first_year_excess")),
)  # fmt: skip


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

    def __str__(self) -> str:
        return (
            f"{100 * self.share:.1f}% (95% {100 * self.low:.1f} to {100 * self.high:.1f}) "
            f"in {self.studies} studies of {self.people:,} people; another setting "
            f"{100 * self.setting_low:.1f} to {100 * self.setting_high:.1f}%"
        )


def prevalence_studies(
    pool: str = "all", *, kind: str = "current", folder: Path = DATA
) -> pd.DataFrame:
    """The studies of the prevalence of phantom limb pain that enter a pool.

    Which rows enter is data: `include` is yes, `pool` is current or lifetime (adults with an
    acquired loss), and the study's kind of prevalence is one of those asked for.

    Parameters
    ----------
    pool : str
        The countries: "usa", "high_income" (with the USA) or "all".
    kind : str
        "point" (pain now), "period" (within days to weeks), "current" (both) or "ever".
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        The rows of `plp_prevalence_studies.csv` that enter, such as study, n and events.

    Raises
    ------
    ValueError
        If there is no such pool or kind, or no study of it.

    Examples
    --------
    >>> print(prevalence_studies("usa")[["study", "n", "events"]].head(2))
              study       n  events
    0  Ephraim 2005   914.0   730.0
    1  Sherman 1984  2750.0  2145.0
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


def severity_findings(*, folder: Path = DATA) -> pd.DataFrame:
    """The counts of how bad the pain is that enter the model.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        The rows of `plp_severity.csv` that are included, such as rung, share_of, n and events.

    Examples
    --------
    >>> print(severity_findings()[["rung", "n", "events"]].head(2))
                  rung      n  events
    0           weekly   23.0    18.0
    1  moderate_severe  183.0    97.0
    """
    table = read("plp_severity", folder=folder)
    return table[table["include"] == "yes"].reset_index(drop=True)


def pain_after_minor_loss(*, folder: Path = DATA) -> pd.DataFrame:
    """What was counted of pain after the loss of fingers, and what is believed from it.

    These are proxies: nobody counted phantom limb pain there, and nothing was found of toes.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per count of `pain_after_minor_loss.csv`: outcome, lost, n, events, share, low, high
        (95% Wilson limits), source and seen. The last row is the share in pain that is believed:
        the median of `plp_prevalence_minor` of `parameters.csv` and its 95% interval.

    Examples
    --------
    >>> print(pain_after_minor_loss()[["n", "events", "share"]].round(2).iloc[[0, -1]])
          n  events  share
    0    50      16   0.32
    6  <NA>    <NA>   0.21
    """
    table = read("pain_after_minor_loss", folder=folder)
    lower, upper = wilson(table["events"].to_numpy(), table["n"].to_numpy())
    whole = table[["outcome", "lost", "n", "events"]].astype({"n": "Int64", "events": "Int64"})
    counts = whole.assign(
        share=table["events"] / table["n"],
        low=lower,
        high=upper,
        source=[cite(keys, folder=folder) for keys in table["source"]],
        seen=table["seen"],
    )
    believed = {item.name: item for item in read_parameters(folder=folder)}["plp_prevalence_minor"]
    low, high = believed.interval()
    row = {
        "outcome": "believed: phantom limb pain now", "lost": "fingers or toes",
        "share": believed.median, "low": low, "high": high,
        "source": cite(believed.source, folder=folder), "seen": believed.seen,
    }  # fmt: skip
    return pd.concat([counts, pd.DataFrame([row])], ignore_index=True)


def childhood_claims(parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Pain of those born without a limb or who lost one early: studies beside the pages' claims.

    Parameters
    ----------
    parameters : sequence of Parameter
        Of a scenario.

    Returns
    -------
    DataFrame
        One row per group and series, as `plcore.charts.bars` takes them: label, series, value, low and
        high (95% interval; none of a claim).

    Examples
    --------
    >>> from plcore.scenarios import read_scenario
    >>> childhood_claims(read_scenario().parameters)["value"].round(2).tolist()
    [0.05, 0.2, 0.22, 0.5]
    """
    named = {item.name: item for item in parameters}
    rows = []
    for group, label in (
        ("congenital", "Born without a limb"),
        ("before_six", "Lost a limb before age 6"),
    ):
        studied, claimed = named[f"plp_{group}"], named[f"{group}_share_claimed"]
        rows += [
            (label, "Pain found by studies", studied.median, *studied.interval()),
            (label, "Pain as the pages print it", claimed.median, None, None),
        ]
    return pd.DataFrame(rows, columns=["label", "series", "value", "low", "high"])


def checked_studies(studies: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The studies, refused where a row of `plp_prevalence_studies.csv` like it would be.

    What comes back has the numbers of columns that were text.

    Parameters
    ----------
    studies : DataFrame
        One row per study, with at least events and n. Made by hand or read.
    columns : str
        Further columns that are needed.

    Raises
    ------
    ValueError
        A column that is missing, a cell that the file could not hold, studies of other
        kinds of prevalence than point and period together, or two of different sources with the
        same n and events and years at most two apart, or one source twice, which are likely one
        work under two names.
    """
    table = TABLES["plp_prevalence_studies"]
    known = {column.name for column in table.columns}
    needed = tuple(dict.fromkeys(("events", "n", *columns)))
    # A rung of severity is checked by the columns that it shares with a study.
    studies = check_frame(
        studies, table, needed, filled=[name for name in needed if name in known], name="studies"
    )
    if "kind" in studies:
        _refuse_other_kinds(studies)
    for name in columns:
        empty = np.flatnonzero(studies[name].isna())
        if empty.size:
            raise ValueError(f"studies: row {empty[0]}: {name} is empty; expected a group")
    if {"source", "year"} <= set(studies.columns):
        for place, other, alike in works_twice([dict(row) for _, row in studies.iterrows()]):
            one, two = studies["source"].iloc[other], studies["source"].iloc[place]
            raise ValueError(
                f"studies: row {place}: {two} and {one} (row {other}) have {alike}: "
                f"{studies['n'].iloc[place]:g}, {studies['events'].iloc[place]:g} and "
                f"{studies['year'].iloc[place]:g}; expected each work once"
            )
    return studies


@checks_kinds
def logits(studies: pd.DataFrame) -> tuple[Floats, Floats]:
    """Logits of the studies' shares and the sampling variances of the logits.

    Parameters
    ----------
    studies : DataFrame
        One row per study, with columns events and n, as `prevalence_studies` gives them.

    Returns
    -------
    y, v : ndarray, shape (n_studies,)

    Raises
    ------
    ValueError
        A row that the file of studies could not hold; names it.

    Examples
    --------
    >>> y, v = logits(prevalence_studies("usa"))
    >>> print(y[:2].round(3))
    [1.378 1.266]
    """
    studies = checked_studies(studies)
    return meta.logit_proportion(studies["events"].to_numpy(), studies["n"].to_numpy())


def _refuse_other_kinds(studies: pd.DataFrame) -> None:
    """Refuse the first study whose kind of prevalence is not that of those before it."""
    seen: set[str] = set()
    for at, kind in enumerate(studies["kind"]):
        seen.add(kind)
        if len(seen) > 1 and not any(seen <= set(kinds) for kinds in KINDS.values()):
            who = f" ({studies['study'].iloc[at]})" if "study" in studies else ""
            raise ValueError(
                f"studies: row {at}{who}: kind is {kind!r}, and the studies before it are "
                f"{', '.join(sorted(seen - {kind}))}; expected one kind of prevalence, or point and "
                "period together"
            )


@checks_kinds
def pool_prevalence(studies: pd.DataFrame) -> PooledShare:
    """The share of people in pain over two or more studies, with the spread between them.

    A random-effects mean on the logit scale: restricted maximum likelihood for the variance between
    studies, limits by Hartung and Knapp, as metafor's `rma(method="REML", test="knha")`.

    Parameters
    ----------
    studies : DataFrame
        One row per study, with columns events, n and source, as `prevalence_studies` gives them.

    Returns
    -------
    PooledShare

    Raises
    ------
    ValueError
        A row that the file of studies could not hold, or likely the same work twice; names it.

    References
    ----------
    Hartung J, Knapp G (2001). On tests of the overall treatment effect in meta-analysis with
    normally distributed responses. Statistics in Medicine 20:1771-1782.

    Examples
    --------
    >>> print(pool_prevalence(prevalence_studies("usa")))
    75.2% (95% 72.3 to 78.0) in 9 studies of 6,157 people; another setting 66.6 to 82.3%
    """
    studies = checked_studies(studies, "source")
    pooled = meta.pool(*logits(studies))
    return PooledShare(
        share=float(special.expit(pooled.estimate)),
        low=float(special.expit(pooled.low)),
        high=float(special.expit(pooled.high)),
        setting_low=float(special.expit(pooled.prediction_low)),
        setting_high=float(special.expit(pooled.prediction_high)),
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


def gather(
    *,
    pool: str = "usa",
    kind: str = "current",
    spread: str = "setting",
    tau_scale: float = 1.0,
    few_studies_tau_scale: float = 0.5,
    folder: Path = DATA,
) -> tuple[Parameter, ...]:
    """Every parameter: the rows of `parameters.csv`, then what is pooled from studies.

    Parameters
    ----------
    pool, kind, spread : str
        Keys of `POOLS` and `KINDS`, and one of `SPREADS`: which studies `plp_prevalence` rests on,
        and whether it is the share in another setting or the mean over settings.
    tau_scale, few_studies_tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies, on the logit
        scale: of prevalence, and of severity and pain after childhood losses, which rest on one to
        three studies.
    folder : Path
        Where the tables are read.

    Raises
    ------
    ValueError
        With the faults of a file, or if a parameter or a severity that every run reads is not
        there, perhaps because it is misspelt.
    """
    tables = ("parameters", "plp_prevalence_studies", "plp_severity")
    saved = stamps(*tables, folder=Path(folder))
    return _gathered(pool, kind, spread, tau_scale, few_studies_tau_scale, Path(folder), saved)


@functools.lru_cache(maxsize=64)
def _gathered(
    pool: str,
    kind: str,
    spread: str,
    tau_scale: float,
    few_studies_tau_scale: float,
    folder: Path,
    saved: tuple[int, ...],
) -> tuple[Parameter, ...]:
    studies = prevalence_studies(pool, kind=kind, folder=folder)
    parameters = [
        *read_parameters(folder=folder),
        _pooled("plp_prevalence", studies, spread, tau_scale, f"{kind} prevalence"),
    ]
    table = read("plp_prevalence_studies", folder=folder)
    table = table[table["include"] == "yes"]
    for name, (column, value) in CHILDHOOD.items():
        chosen = table[table[column] == value]
        parameters.append(_pooled(name, chosen, spread, few_studies_tau_scale, "pain ever"))
    _require(_NEEDED, [item.name for item in parameters], "parameters.csv", "parameter")
    if kind == "ever":
        # The share after minor loss is of the kind of prevalence that is asked for.
        named = {item.name: item for item in parameters}
        ever = dataclasses.replace(named["plp_prevalence_minor_ever"], name="plp_prevalence_minor")
        parameters = [ever if item.name == ever.name else item for item in parameters]
    parameters += _severities(parameters, spread, few_studies_tau_scale, folder)
    return tuple(parameters)


def _severities(
    parameters: Sequence[Parameter], spread: str, tau_scale: float, folder: Path
) -> list[Parameter]:
    """The share with each severity, of those in pain or of the severity that it is a part of."""
    findings = severity_findings(folder=folder)
    _require(list(_RUNGS), list(findings["rung"]), "plp_severity.csv", "included row of the rung")
    medians = {item.name: item.median for item in parameters}
    severities = []
    for rung, whole in _RUNGS.items():
        rows = findings[findings["rung"] == rung].copy()
        of_all = rows["share_of"] == "people with limb loss"
        share = np.where(of_all, medians["plp_prevalence"], 1.0)
        share *= medians[f"severity_{whole}"] if whole else 1.0
        # As many people of the whole as those asked would have among them.
        # What the paper printed is a share of those asked, not of these.
        rows = rows.drop(columns="printed_percent")
        rows["n"] = (rows["n"] * share).round().clip(lower=rows["events"] + 1)
        of = f"people with {whole.replace('_', ' or ')} pain" if whole else "people with the pain"
        words = f"{rung.replace('_', ' ')} pain, as a share of {of},"
        severities.append(_pooled(f"severity_{rung}", rows, spread, tau_scale, words))
        medians[f"severity_{rung}"] = severities[-1].median
    return severities


def prevalence_table(*, tau_scale: float = 1.0, folder: Path = DATA) -> pd.DataFrame:
    """Every kind of prevalence by every pool of studies, as it is believed after the studies.

    Parameters
    ----------
    tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies (logits).
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per kind and pool: kind, pool, studies, people, and value, low, high of the mean over
        settings (mean_...) and of another setting (setting_...), as shares with 95% limits.

    Examples
    --------
    >>> table = prevalence_table().query("kind == 'current'")
    >>> print(table[["pool", "studies", "setting_low", "setting_high"]].round(2))
              pool  studies  setting_low  setting_high
    0          usa        9         0.65          0.83
    1  high_income       18         0.45          0.88
    2          all       24         0.36          0.89
    """
    rows = []
    for kind in KINDS:
        for pool in POOLS:
            studies = prevalence_studies(pool, kind=kind, folder=folder)
            row: dict[str, object] = {"kind": kind, "pool": pool}
            row |= {"studies": len(studies), "people": int(studies["n"].sum())}
            for spread in SPREADS:
                share = _pooled("plp_prevalence", studies, spread, tau_scale, f"{kind} prevalence")
                ends = (share.median, *share.interval())
                names = (f"{spread}_{end}" for end in ("value", "low", "high"))
                row |= dict(zip(names, ends, strict=True))
            rows.append(row)
    return pd.DataFrame(rows)


def believed_share(studies: pd.DataFrame, *, spread: str, tau_scale: float) -> Mapping[str, float]:
    """What is believed of a share after the studies: its quantiles, as `logit_quantiles` takes them.

    The posterior under a flat prior for the mean and a half-normal one for the standard deviation
    between studies (Röver 2021, Res Synth Methods 12:448-474). One study is enough: the spread is
    then the prior's.

    Parameters
    ----------
    studies : DataFrame
        Columns events and n.
    spread : str
        One of `SPREADS`: the share in another setting like these, or the mean over settings.
    tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies (logits).

    Raises
    ------
    ValueError
        If the spread is neither of them.
    """
    if spread not in SPREADS:
        raise ValueError(f"spread is {spread!r}; expected one of {', '.join(SPREADS)}")
    y, v = logits(studies)
    shares = _shares(tuple(y.tolist()), tuple(v.tolist()), spread, tau_scale)
    return dict(zip(DISTRIBUTIONS["logit_quantiles"].reads, shares, strict=True))


# The same few pools are asked for by every scenario that is read.
@functools.lru_cache(maxsize=256)
def _shares(
    y: tuple[float, ...], v: tuple[float, ...], spread: str, tau_scale: float
) -> tuple[float, ...]:
    posterior = meta.bayes(np.array(y), np.array(v), prior=meta.HalfNormal(tau_scale))
    quantiles = new_setting_quantile if spread == "setting" else mean_quantile
    return tuple(special.expit(quantiles(posterior, special.ndtr(SCORES))).tolist())


def _pooled(
    name: str, studies: pd.DataFrame, spread: str, tau_scale: float, words: str
) -> Parameter:
    arguments = believed_share(studies, spread=spread, tau_scale=tau_scale)
    count, people = len(studies), int(studies["n"].sum())
    limits = "another setting" if spread == "setting" else "the mean, between-study spread left out"
    return parameter(
        name,
        "share",
        "logit_quantiles",
        arguments,
        source=sources_of(studies),
        seen="derived",
        note=(
            f"{words[0].upper()}{words[1:]} from {count} {'study' if count == 1 else 'studies'} "
            f"({people:,} people); limits of {limits}, spread between studies half-normal"
            f"({tau_scale:g}) before they are seen"
        ),
    )


def _require(needed: Sequence[str], names: Sequence[str], file: str, what: str) -> None:
    for name in needed:
        if name not in names:
            others = [key for key in names if key not in needed]
            near = difflib.get_close_matches(name, others, n=1)
            hint = f" (is {near[0]!r} misspelt?)" if near else ""
            raise ValueError(
                f"{file}: no {what} {name!r}; expected one, as every run reads it{hint}"
            )
