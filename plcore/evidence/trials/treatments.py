"""What the trials of `trials.csv` found, by treatment: rates, comparisons, pools, claims.

Rates of different meaning (half the pain gone, a third gone, free of pain) stand under headings of
their own, and every rate carries its people. Rows are pooled only where treatment, role, setting,
definition and band of follow-up agree, and each group of patients counts once: a fall of half the
pain is not a fall of a third, an hour is not three months, and the same patients seen twice are not
two groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.pooling import HalfNormal, bayes, logit_proportion
from plcore.evidence.trial_tables import DEFINITIONS, SETTINGS
from plcore.evidence.trials.comparison import (
    crossover_difference,
    number_needed,
    probability_better,
    risk_difference,
)
from plcore.evidence.trials.response import checked_responders, response_rate, wilson

#: Bands of follow-up and the last day of each.
FOLLOW_UP_BANDS = {
    "up to 2 days": 2,
    "over 2 to 14 days": 14,
    "over 14 to 60 days": 60,
    "over 60 to 183 days": 183,
    "over 183 to 366 days": 366,
    "over 366 days": np.inf,
}
_SAME = ("treatment", "role", "setting", "definition")
_POOLED = ("trial", "arm", "outcome", *_SAME, "follow_up_days", "patients", "n", "responders",
           "include")  # fmt: skip
_ROLES = {"treatment": "", "control": ", control", "single": ", no control"}


def trial_arms(*, folder: Path = DATA) -> pd.DataFrame:
    """Every arm of `trials.csv`: a row for each arm, outcome and time.

    Parameters
    ----------
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        The columns of `trials.csv`, which `data/README.md` explains.

    Examples
    --------
    >>> arms = trial_arms()
    >>> bool((arms["responders"].dropna() <= arms["n"].loc[arms["responders"].notna()]).all())
    True
    """
    return read("trials", folder=folder)


def response_forest(setting: str, *, folder: Path = DATA) -> pd.DataFrame:
    """The arms with a count, as a forest plot takes them, one heading a meaning of response.

    Parameters
    ----------
    setting : str
        Whom the trial treated: established_plp, acute_plp, stump_or_phantom, prevention or
        other_pain.
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns label, estimate, low, high (Wilson 95% limits), role (study or heading), n, events,
        seen, and definition, follow_up, design, source of each arm.

    Raises
    ------
    ValueError
        A setting that does not exist.

    Examples
    --------
    >>> response_forest("prevention")["label"].iloc[0]
    'Free of phantom limb pain'
    """
    arms = _in_setting(setting, folder)
    arms = arms[arms["responders"].notna()]
    rows: list[dict[str, object]] = []
    for definition, name in DEFINITIONS.items():
        chosen = arms[arms["definition"] == definition]
        if chosen.empty:
            continue
        rows.append({"label": name, "role": "heading"})
        for arm in chosen.to_dict("records"):
            low, high = wilson(arm["responders"], arm["n"])
            rows.append(
                {
                    "label": _label(arm, folder)
                    + (f", {arm['definition_words']}" if definition == "other" else ""),
                    "estimate": arm["responders"] / arm["n"],
                    "low": float(low),
                    "high": float(high),
                    "role": "study",
                    "n": arm["n"],
                    "events": arm["responders"],
                    "seen": arm["seen"],
                    "definition": definition,
                    "follow_up": _after(arm["follow_up_days"]),
                    "design": arm["design"],
                    "source": arm["source"],
                }
            )
    return pd.DataFrame(rows)


def comparisons(setting: str, *, folder: Path = DATA) -> pd.DataFrame:
    """Treatment against control by trial, in words: only what was compared.

    Parameters
    ----------
    setting : str
        Whom the trial treated, as for `response_forest`.
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns Trial, Treatment, Measure, After, Treated, Control, Difference (percentage points
        with 95% limits), Number needed, Better than control (probability) and Remark.

    Raises
    ------
    ValueError
        A setting that does not exist.

    Examples
    --------
    >>> print(comparisons("other_pain")[["Trial", "Treated", "Control"]].iloc[0].to_list())
    ['Noppers 2011', '8 of 12', '3 of 12']
    """
    arms = _in_setting(setting, folder)
    names = read("treatments", folder=folder).set_index("treatment")["name"]
    effects = effects_table(arms[arms["responders"].notna()])
    sources = arms.drop_duplicates("trial").set_index("trial")["source"]
    rows = []
    for row in effects[effects["rd"].notna()].to_dict("records"):
        rows.append(
            {
                "Trial": cite(sources[row["trial"]].split(";")[0], folder=folder),
                "Treatment": names[row["treatment"]],
                "Measure": DEFINITIONS[row["definition"]],
                "After": _after(row["follow_up_days"]),
                "Treated": f"{row['responders_treatment']:.0f} of {row['n_treatment']:.0f}",
                "Control": f"{row['responders_control']:.0f} of {row['n_control']:.0f}",
                "Difference": f"{100 * row['rd']:+.0f} "
                f"({100 * row['rd_low']:+.0f} to {100 * row['rd_high']:+.0f})",
                "Number needed": row["nnt"],
                "Better than control": f"{row['prob_better']:.2f}",
                "Remark": row["remark"],
            }
        )
    return pd.DataFrame(rows)


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
        outcome: that of the same treatment, else the only one. Columns trial, treatment,
        definition, follow_up_days, n_treatment, responders_treatment, n_control,
        responders_control; rd, rd_low, rd_high; nnt (text); prob_better (the probability that the
        treatment's rate is higher, Jeffreys priors; NaN for a crossover); and remark, which says
        why a comparison was not made or how far to trust it.
    """
    return pd.DataFrame(_compared(arm, control) for arm, control in _pairs(arms))


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
        **{name: arm[name] for name in ("trial", "treatment", "definition", "follow_up_days")},
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
    rd, low, high = float(effect.estimate), float(effect.low), float(effect.high)
    return row | {"rd": rd, "rd_low": low, "rd_high": high, "nnt": number_needed(rd, low, high)}


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


def mean_differences(*, folder: Path = DATA) -> pd.DataFrame:
    """Differences in mean pain with limits, treatment less control, as a forest plot takes them.

    Parameters
    ----------
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns label, estimate, low, high (points of 10; below 0 the treatment did better), role,
        seen, setting, design, source.
    """
    table = trial_arms(folder=folder)
    chosen = table[table["mean_difference"].notna() & table["difference_low"].notna()]
    headings = {"established_plp": "Phantom limb pain", "other_pain": "Other pain, ketamine"}
    rows: list[dict[str, object]] = []
    for setting, name in headings.items():
        rows.append({"label": name, "role": "heading"})
        for arm in chosen[chosen["setting"] == setting].to_dict("records"):
            rows.append(
                {
                    "label": _label(arm, folder),
                    "estimate": arm["mean_difference"],
                    "low": arm["difference_low"],
                    "high": arm["difference_high"],
                    "role": "study",
                    "seen": arm["seen"],
                    "setting": setting,
                    "design": arm["design"],
                    "source": arm["source"],
                }
            )
    return pd.DataFrame(rows)


def pool_responses(
    arms: pd.DataFrame, *, tau_prior: HalfNormal, level: float = 0.95
) -> pd.DataFrame:
    """The response rate of each group of arms that may be pooled.

    Two trials or more are pooled on the logit scale with a stated prior of how far settings differ,
    which is named beside the result. A single trial gives its exact posterior under Jeffreys'
    prior. Where a group has several rows of the same patients, that with the longest follow-up
    counts.

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
        A column that is missing, a row that cannot be pooled, or two rows of the same patients at
        one time; names the row.

    Examples
    --------
    >>> pooled = pool_responses(trial_arms(), tau_prior=HalfNormal(1.0))
    >>> bool(((pooled["low"] < pooled["rate"]) & (pooled["rate"] < pooled["high"])).all())
    True
    """
    missing = [column for column in _POOLED if column not in arms.columns]
    if missing:
        raise ValueError(f"the arms have no column {', '.join(missing)}")
    rows = arms[arms["include"] == "yes"].reset_index(drop=True)
    for _, row in rows.iterrows():
        _check_poolable(row)
    rows["follow_up"] = [_band(days) for days in rows["follow_up_days"]]
    # Two outcomes that are both "other" are two things.
    outcome = rows["trial"] + " " + rows["outcome"]
    rows["_outcome"] = outcome.where(rows["definition"] == "other", "")
    groups = rows.groupby([*_SAME, "follow_up", "_outcome"], sort=False)
    pools = [_pool_group(group, tau_prior, level) for _, group in groups]
    names = [*_SAME, "follow_up", "trials", "n", "responders", "rate", "low", "high", "pooled"]
    return pd.DataFrame(pools, columns=names)


def _pool_group(group: pd.DataFrame, tau_prior: HalfNormal, level: float) -> dict[str, object]:
    kept = _one_row_each(group)
    x, n = checked_responders(kept["responders"].to_numpy(), kept["n"].to_numpy())
    if len(kept) > 1:
        pooled = bayes(*logit_proportion(x, n), prior=tau_prior, level=level)
        rate, low, high = special.expit([pooled.estimate, pooled.low, pooled.high])
        method = f"Bayes, settings differ by {tau_prior}"
    else:
        single = response_rate(x, n)
        rate, (low, high) = single.median, single.interval(level)
        method = "posterior of one trial, Jeffreys prior, worth 1 person"
    words = f"{', '.join(dict.fromkeys(kept['trial']))}: {method}"
    aside = group[~group.index.isin(kept.index)]
    if len(aside):
        rows = ", ".join(_named(row) for _, row in aside.iterrows())
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


def _one_row_each(group: pd.DataFrame) -> pd.DataFrame:
    """Each group of patients once, at its longest follow-up; a row may name several groups."""
    counts = Counter(key for keys in group["patients"] for key in keys.split(";"))
    for key in (key for key, times in counts.items() if times > 1):
        same = group[[key in keys.split(";") for keys in group["patients"]]]
        latest = same[same["follow_up_days"] == same["follow_up_days"].max()]
        if len(latest) > 1:
            rows = ", ".join(_named(row) for _, row in latest.iterrows())
            raise ValueError(
                f"patients {key} are in several rows to pool: {rows}; expected one row of them at "
                f"{latest['follow_up_days'].iloc[0]:g} days"
            )
        group = group.drop(same.index.difference(latest.index))
    return group


def _check_poolable(row: pd.Series) -> None:
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


def _band(days: float) -> str:
    """The name of the band that a time of follow-up falls into."""
    return next(name for name, last in FOLLOW_UP_BANDS.items() if days <= last)


def _named(row: pd.Series) -> str:
    return f"{row['trial']} {row['arm']} {row['outcome']}"


def claims_and_trials(*, folder: Path = DATA) -> pd.DataFrame:
    """The claims of the clinic pages about treatment, with the trials that decide them.

    Parameters
    ----------
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns Claim, Page, Verdict, Trials (each cited, with what it studied) and What they found.
    """
    claims = read("claims", folder=folder)
    trials = trial_arms(folder=folder).drop_duplicates("trial").set_index("trial")
    rows = []
    for claim in claims[claims["trials"] != ""].to_dict("records"):
        cited = [
            f"{cite(str(trials.loc[key, 'source']).split(';')[0], folder=folder)} "
            f"({_words(trials.loc[key, 'setting'])}, {_words(trials.loc[key, 'design'])})"
            for key in claim["trials"].split(";")
        ]
        rows.append(
            {
                "Claim": claim["statement"],
                "Page": cite(claim["page"], folder=folder),
                "Verdict": claim["verdict"],
                "Trials": "; ".join(cited),
                "What they found": claim["finding"],
            }
        )
    return pd.DataFrame(rows)


def treatments_named(*, folder: Path = DATA) -> pd.DataFrame:
    """Every treatment with the kind of trial that was found; those named by most pages first.

    Parameters
    ----------
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns Treatment, Named by (how many pages), Trials found, Arms (in `trials.csv`), Note.
    """
    table = read("treatments", folder=folder)
    arms = trial_arms(folder=folder)["treatment"].value_counts()
    pages_naming = table["pages"].map(lambda pages: len(pages.split(";")) if pages else 0)
    named_treatments = pd.DataFrame(
        {
            "Treatment": table["name"],
            "Named by": pages_naming,
            "Trials found": table["trials_found"],
            "Arms": table["treatment"].map(arms).fillna(0).astype(int),
            "Note": table["note"],
        }
    )
    ordered = named_treatments.sort_values("Named by", ascending=False, kind="stable")
    return ordered.reset_index(drop=True)


def _in_setting(setting: str, folder: Path) -> pd.DataFrame:
    if setting not in SETTINGS:
        raise ValueError(f"setting is {setting!r}; expected one of {', '.join(SETTINGS)}")
    arms = trial_arms(folder=folder)
    return arms[arms["setting"] == setting]


def _label(arm: Mapping[Hashable, Any], folder: Path) -> str:
    cited = cite(arm["source"].split(";")[0], folder=folder)
    after = _after(arm["follow_up_days"])
    role = _ROLES[arm["role"]]
    return f"{cited}: {_words(arm['arm'])}{role}{', ' + after if after else ''}"


def _after(days: float) -> str:
    """A time of follow-up in words; empty where it is not known."""
    if not days >= 0:
        return ""
    if days == 0:
        return "at once"
    for unit, length in (("month", 30.4), ("week", 7), ("day", 1), ("hour", 1 / 24)):
        if days >= (2 * length if unit in ("month", "week") else length) - 1e-9:
            count = round(days / length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{round(days * 1440)} minutes"


def _words(key: object) -> str:
    return str(key).replace("_", " ")
