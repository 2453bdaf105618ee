"""The studies of one share side by side: forests, why they differ, what one more would tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special, stats

from plcore.evidence import pooling as meta
from plcore.evidence.distributions import Floats
from plcore.evidence.prevalence import checked_studies, logits, pool_prevalence
from plcore.inputs import check_whole_number, checks_kinds

_TAILS = (0.025, 0.975)


def forest_table(studies: pd.DataFrame, *, label: str) -> pd.DataFrame:
    """The studies and their pooled mean, as a forest plot takes them.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    label : str
        The name of the pooled row.

    Returns
    -------
    DataFrame
        Columns label, estimate, low, high (shares; Wilson 95% limits of a study), role, n, events,
        weight, kind, window, seen and source. The last two rows are the pooled mean and the
        prediction interval.

    Examples
    --------
    >>> from plcore.evidence import prevalence_studies
    >>> table = forest_table(prevalence_studies("usa"), label="Pooled mean")
    >>> print(table[["label", "estimate", "low", "high"]].round(3).iloc[-2])
    label       Pooled mean
    estimate          0.752
    low               0.723
    high               0.78
    Name: 9, dtype: object
    """
    studies = checked_studies(studies, "study", "kind", "window", "seen", "source")
    pooled = pool_prevalence(studies)
    rows = []
    _, v = logits(studies)
    for weight, study in zip(1 / (v + pooled.tau2), studies.to_dict("records"), strict=True):
        test = stats.binomtest(int(study["events"]), int(study["n"]))
        limits = test.proportion_ci(0.95, "wilson")
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
    """The studies in groups, each with a heading and a subtotal, then the mean of all.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    column : str
        The column that they are grouped by, such as region.
    names : mapping of str to str
        Each value of the column and its heading, in the order wanted.

    Returns
    -------
    DataFrame
        As `forest_table`, with the roles heading and subtotal; the weights are those among all
        studies. A group of one study has no subtotal.

    Raises
    ------
    ValueError
        If a study has no value, or one that has no heading.

    Examples
    --------
    >>> from plcore.evidence import prevalence_studies
    >>> names = {"point": "Pain now", "period": "Within days to weeks"}
    >>> table = forest_by(prevalence_studies("usa"), "kind", names=names)
    >>> print(table.loc[table["role"] != "study", "role"].tolist())
    ['heading', 'subtotal', 'heading', 'pooled', 'prediction']
    """
    studies = checked_studies(studies, column)
    unknown = sorted(set(map(str, studies[column])) - set(names))
    if unknown:
        raise ValueError(f"{column} is {unknown[0]!r}; expected one of {', '.join(names)}")
    everything = forest_table(studies, label="All studies")
    weights = everything.set_index("label")["weight"]
    rows = []
    for value, name in names.items():
        group = studies[studies[column] == value]
        if group.empty:
            continue
        rows.append(pd.DataFrame([{"label": name, "role": "heading"}]))
        if len(group) == 1:
            rows.append(everything[everything["label"].isin(group["study"])])
            continue
        pooled = forest_table(group, label=f"{name}: pooled").iloc[:-1]
        pooled["weight"] = pooled["label"].map(weights)
        rows.append(pooled.replace({"role": {"pooled": "subtotal"}}))
    return pd.concat([*rows, everything.iloc[-2:]], ignore_index=True)


def disagreement(studies: pd.DataFrame, column: str, *, names: Mapping[str, str]) -> pd.DataFrame:
    """How much the studies of each group disagree, and whether small ones differ from large ones.

    Parameters
    ----------
    studies : DataFrame
        As `plcore.evidence.prevalence_studies` gives them.
    column : str
        The feature by which they are grouped, such as "region".
    names : mapping of str to str
        Its values, in order, and what each group is called.

    Returns
    -------
    DataFrame
        A row for all studies and one a group: studies (the group), number, i2 (share of the spread
        that is not chance), tau (spread between studies, logits) and peters_p (of Peters'
        test).

    Raises
    ------
    ValueError
        A row that the file of studies could not hold, or a group of fewer than three studies.

    Examples
    --------
    >>> from plcore.evidence.prevalence import prevalence_studies
    >>> table = disagreement(prevalence_studies("all"), "region", names={"usa": "United States"})
    >>> table["studies"].tolist()
    ['All studies', 'United States']
    """
    studies = checked_studies(studies, column, "source")
    groups = {"All studies": studies} | {
        name: studies[studies[column] == value] for value, name in names.items()
    }
    small = [f"{name} ({len(group)})" for name, group in groups.items() if len(group) < 3]
    if small:
        raise ValueError(
            f"{column}: expected three studies or more in each group, for a test of small studies; "
            f"too few are in {', '.join(small)}"
        )
    rows = []
    for name, group in groups.items():
        pooled = pool_prevalence(group)
        rows.append(
            {
                "studies": name,
                "number": len(group),
                "i2": pooled.i2,
                "tau": pooled.tau2**0.5,
                "peters_p": float(meta.peters(group["events"], group["n"]).p),
            }
        )
    return pd.DataFrame(rows)


@checks_kinds
def ways_of_pooling(studies: pd.DataFrame, *, tau_scale: float) -> pd.DataFrame:
    """The same studies pooled in four ways, to see whether the method matters.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies (logits).

    Returns
    -------
    DataFrame
        One row per method: method, share, low, high (the mean over settings), setting_low,
        setting_high (another setting) and tau, the standard deviation between studies (logits).

    Examples
    --------
    >>> from plcore.evidence import prevalence_studies
    >>> table = ways_of_pooling(prevalence_studies("usa"), tau_scale=1.0)
    >>> print(table["share"].round(3).tolist())
    [0.752, 0.752, 0.753, 0.753]
    """
    studies = checked_studies(studies)
    y, v = logits(studies)
    counts = studies["events"].to_numpy(), studies["n"].to_numpy()
    low, high = meta.likelihood_interval(*counts)
    posterior = meta.bayes(y, v, prior=meta.HalfNormal(tau_scale))
    results: dict[str, meta.Pooled | meta.Posterior] = {
        "REML, Knapp-Hartung": meta.pool(y, v),
        "DerSimonian-Laird, normal": meta.pool(
            y, v, tau2=meta.dersimonian_laird, knapp_hartung=False
        ),
        "Exact binomial, likelihood ratio": replace(meta.pool_exact(*counts), low=low, high=high),
        f"Bayes, half-normal({tau_scale:g}) spread": posterior,
    }
    rows = []
    for method, pooled in results.items():
        limits = {
            "share": pooled.estimate,
            "low": pooled.low,
            "high": pooled.high,
            "setting_low": pooled.prediction_low,
            "setting_high": pooled.prediction_high,
        }
        tau = pooled.tau if isinstance(pooled, meta.Posterior) else np.sqrt(pooled.tau2)
        shares = {name: float(special.expit(limit)) for name, limit in limits.items()}
        rows.append({"method": method, **shares, "tau": float(tau)})
    return pd.DataFrame(rows)


def explained_by(studies: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """How much of the spread between studies one feature at a time explains.

    Mixed-effects meta-regression on the feature's groups (REML, Knapp-Hartung). Studies differ in
    many ways at once, so a difference between groups need not be due to the feature.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    columns : mapping of str to str
        Each column of the studies and the name of the feature; it must have two values or more.

    Returns
    -------
    DataFrame
        One row per group of a feature: feature, group, studies, people, share, low, high (95% limits,
        common between-study variance), r2 (share of tau2 explained) and p (test between groups).

    Raises
    ------
    ValueError
        If a column has the same value in every study, or none in one.

    Examples
    --------
    >>> from plcore.evidence import prevalence_studies
    >>> table = explained_by(prevalence_studies("all"), {"region": "Region"})
    >>> print(table["r2"].round(2).tolist())
    [0.25, 0.25, 0.25]
    """
    studies = checked_studies(studies, *columns)
    y, v = logits(studies)
    rows = []
    for column, feature in columns.items():
        groups = studies[column].to_numpy()
        if len(set(groups)) < 2:
            raise ValueError(f"{column} is {groups[0]!r} in every study; expected two groups")
        names = list(dict.fromkeys(groups))
        dummies = np.column_stack([groups == name for name in names[1:]]).astype(float)
        line = meta.regress(y, v, dummies)
        groups_of = np.vstack([np.zeros(len(names) - 1), np.eye(len(names) - 1)])
        means, lows, highs = meta.fitted(line, groups_of)
        for g, name in enumerate(names):
            here = studies[groups == name]
            shares = special.expit([means[g], lows[g], highs[g]])
            rows.append(
                {
                    "feature": feature,
                    "group": name,
                    "studies": len(here),
                    "people": int(here["n"].sum()),
                    **dict(zip(("share", "low", "high"), map(float, shares), strict=True)),
                    "r2": float(line.r2),
                    "p": float(line.qm_p),
                }
            )
    return pd.DataFrame(rows)


def funnel_points(studies: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Studies by their standard error, and where 95% of them should lie if they had one share.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.

    Returns
    -------
    points : DataFrame
        label, share, se (of the logit), n and seen.
    edges : DataFrame
        se, low, high (shares) and centre, the pooled share.

    Examples
    --------
    >>> from plcore.evidence import prevalence_studies
    >>> points, edges = funnel_points(prevalence_studies("usa"))
    >>> print(points.loc[0, "label"], points.loc[0, "se"].round(3))
    Ephraim 2005 0.082
    """
    studies = checked_studies(studies, "study", "seen", "source")
    _, v = logits(studies)
    centre = float(special.logit(pool_prevalence(studies).share))
    se = np.linspace(0, np.sqrt(v).max(), 50)
    reach = stats.norm.ppf(1 - _TAILS[0])
    points = pd.DataFrame(
        {
            "label": studies["study"],
            "share": studies["events"] / studies["n"],
            "se": np.sqrt(v),
            "n": studies["n"],
            "seen": studies["seen"],
        }
    )
    edges = pd.DataFrame(
        {
            "se": se,
            "low": special.expit(centre - reach * se),
            "high": special.expit(centre + reach * se),
            "centre": special.expit(centre),
        }
    )
    return points, edges


@checks_kinds
def one_more_study(
    studies: pd.DataFrame,
    *,
    sizes: Sequence[int],
    numbers: Sequence[int] = (1,),
    tau_scale: float,
    n_replicates: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """How wide the 95% intervals can be expected to be after further studies.

    For each size and number, further studies are simulated from what is believed now (a mean and a
    spread from the posterior, a share for each setting, a count), and all studies are pooled
    again by Bayes' theorem.

    Parameters
    ----------
    studies : DataFrame
        Rows of `prevalence_studies`.
    sizes : sequence of int
        People in each further study.
    numbers : sequence of int
        How many such studies are added.
    tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies.
    n_replicates : int
        Simulated futures of each size and number.
    seed : int
        Where chance begins: the same seed gives the same table.

    Returns
    -------
    DataFrame
        One row per size and number, the first for no further study: studies, people (of each),
        mean_width and setting_width (expected widths of the 95% intervals, in percentage points) and
        mean_error, setting_error (their Monte-Carlo standard errors).

    Examples
    --------
    >>> from plcore.evidence import prevalence_studies
    >>> table = one_more_study(
    ...     prevalence_studies("usa"), sizes=[1000], tau_scale=1.0, n_replicates=20
    ... )
    >>> print(table["mean_width"].round(1).tolist())
    [6.6, 5.8]
    """
    check_whole_number("seed", seed, least=0)
    check_whole_number("n_replicates", n_replicates, least=2)
    for name, counts in (("sizes", sizes), ("numbers", numbers)):
        for count in counts:
            check_whole_number(f"one of {name}", count, least=1)
    y, v = logits(studies)
    prior = meta.HalfNormal(tau_scale)
    now = meta.bayes(y, v, prior=prior)
    rows = [{"studies": 0, "people": 0, **_widths(now)}]
    random = np.random.default_rng(seed)
    # One world a replicate: its spread, its mean, and as many settings as will be needed.
    centre, tau = _worlds(now, n_replicates, random)
    settings = centre[:, np.newaxis] + tau[:, np.newaxis] * random.standard_normal(
        (n_replicates, max(numbers))
    )
    for size in sizes:
        events = random.binomial(size, special.expit(settings))
        for number in numbers:
            more_y, more_v = meta.logit_proportion(events[:, :number], np.full(number, size))
            wide_y = np.hstack([np.broadcast_to(y, (n_replicates, len(y))), more_y])
            wide_v = np.hstack([np.broadcast_to(v, (n_replicates, len(v))), more_v])
            after = meta.bayes(wide_y, wide_v, prior=prior)
            rows.append({"studies": number, "people": size, **_widths(after)})
    return pd.DataFrame(rows)


def _worlds(
    posterior: meta.Posterior, n: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    cells = random.choice(len(posterior.weight), size=n, p=posterior.weight)
    low, high = posterior.edges[cells], posterior.edges[cells + 1]
    tau = np.where(np.isfinite(high), (low + high) / 2, low)
    noise = random.standard_normal(n)
    return posterior.mean[cells] + np.sqrt(posterior.variance[cells]) * noise, tau


def _widths(posterior: meta.Posterior) -> dict[str, float]:
    expected = {}
    ends = {
        "mean": (posterior.low, posterior.high),
        "setting": (posterior.prediction_low, posterior.prediction_high),
    }
    for name, (low, high) in ends.items():
        widths = np.atleast_1d(100 * (special.expit(high) - special.expit(low)))
        expected[f"{name}_width"] = float(widths.mean())
        error = widths.std(ddof=1) / np.sqrt(len(widths)) if len(widths) > 1 else 0.0
        expected[f"{name}_error"] = float(error)
    return expected
