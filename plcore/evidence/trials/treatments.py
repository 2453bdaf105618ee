"""What the trials of `trials.csv` found, by treatment, as tables and forests take it.

Rates of different meaning (half the pain gone, a third gone, free of pain) stand under headings of
their own, and every rate carries its people.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.trial_tables import DEFINITIONS, SETTINGS
from plcore.evidence.trials.contrasts import comparable_pairs, effects_table, pool_effects
from plcore.evidence.trials.response import wilson

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
        Columns label, estimate, low, high (Wilson 95% limits), role (study: an arm that was
        treated; control; or heading), n, events,
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
                    "role": "control" if arm["role"] == "control" else "study",
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


def contrast_forest(setting: str, *, folder: Path = DATA) -> pd.DataFrame:
    """Treatment against control by treatment, as a forest plot takes them, with what they pool to.

    Parameters
    ----------
    setting : str
        Whom the trial treated, as for `response_forest`.
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns label, estimate, low, high (differences of shares, treatment less control; score
        limits of a trial), role (heading, study or subtotal), seen, design and source. A heading is a
        treatment and what was counted. Where two trials or more are alike in time, their pooled
        difference stands below them; its label names those that were not properly randomised.

    Raises
    ------
    ValueError
        A setting that does not exist.

    Examples
    --------
    >>> table = contrast_forest("prevention")
    >>> table.loc[table["role"] == "subtotal", "estimate"].round(2).tolist()[0]
    0.52
    """
    arms = _in_setting(setting, folder)
    columns = ["label", "estimate", "low", "high", "role", "seen", "design", "source"]
    compared = effects_table(arms[arms["responders"].notna()])
    compared = compared[compared["rd"].notna()]
    if compared.empty:
        return pd.DataFrame(columns=columns)
    names = read("treatments", folder=folder).set_index("treatment")["name"]
    by_key = {(arm["trial"], arm["outcome"], arm["arm"]): arm for arm in arms.to_dict("records")}
    alike = comparable_pairs(arms, not_randomised=True)
    pooled = alike if alike.empty else pool_effects(arms, not_randomised=True).query("trials > 1")
    rows: list[dict[str, object]] = []
    for _, group in compared.groupby(["treatment", "definition"], sort=False):
        treatment, definition = map(str, group[["treatment", "definition"]].iloc[0])
        measure = DEFINITIONS[definition]
        heading = f"{names[treatment]}: {measure[0].lower()}{measure[1:]}"
        rows.append({"label": heading, "role": "heading"})
        for row in group.to_dict("records"):
            arm = by_key[row["trial"], row["outcome"], row["arm"]]
            rows.append(
                {
                    "label": _contrast_label(row, arm, folder),
                    "estimate": row["rd"],
                    "low": row["rd_low"],
                    "high": row["rd_high"],
                    "role": "study",
                    **{name: arm[name] for name in ("seen", "design", "source")},
                }
            )
        ours = (pooled["treatment"] == treatment) & (pooled["definition"] == definition)
        for row in pooled[ours].to_dict("records"):
            loose = [
                cite(sources.split(";")[0], folder=folder)
                for sources in arms.drop_duplicates("trial")
                .set_index("trial")
                .loc[[key for key in row["not_randomised"].split(", ") if key], "source"]
            ]
            rows.append(
                {
                    "label": f"Pooled, {row['follow_up']}, {row['trials']} trials"
                    + (f" (not properly randomised: {', '.join(loose)})" if loose else ""),
                    "estimate": row["estimate"],
                    "low": row["low"],
                    "high": row["high"],
                    "role": "subtotal",
                    "seen": "derived",
                }
            )
    return pd.DataFrame(rows, columns=columns)


def _contrast_label(row: Mapping[Hashable, Any], arm: Mapping[Hashable, Any], folder: Path) -> str:
    """Who compared what when, and the counts of both arms."""
    words = [cite(arm["source"].split(";")[0], folder=folder), _words(row["arm"])]
    if row["definition"] == "other":
        words.append(arm["definition_words"])
    words += [_after(row["follow_up_days"])]
    if arm["design"] == "cohort":
        words.append("not properly randomised")
    counts = (
        f"{row['responders_treatment']:.0f} of {row['n_treatment']:.0f} against "
        f"{row['responders_control']:.0f} of {row['n_control']:.0f}"
    )
    return f"{', '.join(filter(None, words))}: {counts}"


_IN_WORDS = [
    "Trial", "Treatment", "Measure", "After", "Treated", "Control", "Difference", "Number needed",
    "Better than control", "Remark",
]  # fmt: skip


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
        with 95% limits), Number needed, Better than control (probability) and Remark. No row where
        no trial of the setting has two arms that can be compared.

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
    return pd.DataFrame(rows, columns=_IN_WORDS)


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
    """Every treatment with what was found and when it was searched; named by most pages first.

    Parameters
    ----------
    folder : path
        Where the evidence tables are.

    Returns
    -------
    DataFrame
        Columns Treatment, Named by (how many pages), Trials found (what was not found says by which day),
        Arms (in `trials.csv`), Compared (trials in people with an amputation that count both arms), Last searched (the day of
        the last search of `searches.csv`; empty where nothing was searched), Note.

    Examples
    --------
    >>> table = treatments_named().set_index("Treatment")
    >>> table.loc["Herbs", "Trials found"]
    'none found by 2026-11-27'
    """
    table = read("treatments", folder=folder)
    arms = trial_arms(folder=folder)
    counted = arms["treatment"].value_counts()
    amputees = arms[arms["responders"].notna() & (arms["setting"] != "other_pain")]
    compared = effects_table(amputees).query("rd.notna()")
    trials = compared.groupby("treatment")["trial"].nunique()
    days = read("searches", folder=folder).set_index("search")["date"]
    last = [
        max((days[key] for key in keys.split(";")), default="") if keys else ""
        for keys in table["searched"]
    ]
    pages_naming = table["pages"].map(lambda pages: len(pages.split(";")) if pages else 0)
    found = [
        _found(kind, trials.get(key, 0), day)
        for key, kind, day in zip(table["treatment"], table["trials_found"], last, strict=True)
    ]
    named_treatments = pd.DataFrame(
        {
            "Treatment": table["name"],
            "Named by": pages_naming,
            "Trials found": found,
            "Arms": table["treatment"].map(counted).fillna(0).astype(int),
            "Compared": table["treatment"].map(trials).fillna(0).astype(int),
            "Last searched": last,
            "Note": table["note"],
        }
    )
    ordered = named_treatments.sort_values("Named by", ascending=False, kind="stable")
    return ordered.reset_index(drop=True)


def _found(kind: str, compared: int, day: str) -> str:
    """What was found of a treatment; what was not found says by which day."""
    if kind == "none":
        return f"none found by {day}" if day else "not searched"
    if compared:
        return kind
    return f"{kind}; no two counted arms found" + (f" by {day}" if day else "")


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


#: Arms and settings whose keys are no words.
_NAMES = {
    "established_plp": "established phantom limb pain",
    "acute_plp": "acute phantom limb pain",
    "stump_or_phantom": "stump or phantom limb pain",
    "meta_analysis": "meta-analysis",
    "cbt_and_mirror": "cognitive behavioural therapy and mirror",
    "crps": "complex regional pain syndrome",
    "emdr": "eye movement therapy (EMDR)",
    "pca": "patient-controlled analgesia",
    "pca_then_epidural": "patient-controlled, then epidural analgesia",
    "pns": "nerve stimulation",
    "rpni": "regenerative nerve interface",
    "rtms": "magnetic stimulation",
    "tdcs": "direct current stimulation",
    "tens": "electrical stimulation through the skin",
    "tmr": "targeted muscle reinnervation",
}


def _words(key: object) -> str:
    return _NAMES.get(str(key), str(key).replace("_", " "))
