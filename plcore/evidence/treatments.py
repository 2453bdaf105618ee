"""What trials found: response rates by treatment, and the claims that the trials decide.

Reads `trials.csv` and `treatments.csv`; the statistics are those of `plcore.trials`. Rates of
different meaning (half the pain gone, a third gone, free of pain) stand under headings of their
own, and every rate carries its people.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.trials.effects import effects_table
from plcore.evidence.trials.response import wilson

#: What a definition of response is called on a chart.
DEFINITIONS = {
    "free_of_plp": "Free of phantom limb pain",
    "no_severe_plp": "Free of severe phantom limb pain",
    "fall_50": "Pain down by half or more",
    "fall_30": "Pain down by 30% or more",
    "fall_2_points": "Pain down by 2 points or more",
    "any_fall": "Any fall in pain",
    "satisfied": "Satisfied",
    "other": "By another measure",
}
#: Whom a trial treated.
SETTINGS = ("established_plp", "acute_plp", "stump_or_phantom", "prevention", "other_pain")
_ROLES = {"treatment": "", "control": ", control", "single": ", no control"}


def trial_arms(*, folder: Path = DATA) -> pd.DataFrame:
    """Every arm of `trials.csv`: a row an arm, outcome and time."""
    return read("trials", folder=folder)


def response_forest(setting: str, *, folder: Path = DATA) -> pd.DataFrame:
    """The arms with a count, as a forest plot takes them, one heading a meaning of response.

    Parameters
    ----------
    setting : str
        One of `SETTINGS`.

    Returns
    -------
    DataFrame
        Columns label, estimate, low, high (Wilson 95% limits), role (study or heading), n, events,
        seen, and definition, follow_up, design, source of each arm.
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
        As in the column of `trials.csv`.

    Returns
    -------
    DataFrame
        Columns Trial, Treatment, Measure, After, Treated, Control, Difference (percent points with
        95% limits), Number needed, Better than control (probability) and Remark.
    """
    arms = _in_setting(setting, folder)
    names = read("treatments", folder=folder).set_index("treatment")["name"]
    found = effects_table(arms[arms["responders"].notna()])
    sources = arms.drop_duplicates("trial").set_index("trial")["source"]
    rows = []
    for row in found[found["rd"].notna()].to_dict("records"):
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


def mean_differences(*, folder: Path = DATA) -> pd.DataFrame:
    """Differences of mean pain with limits, treatment less control, as a forest plot takes them.

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
    """The pages' claims about treatment with the trials that decide them.

    Returns
    -------
    DataFrame
        Columns Claim, Page, Verdict, Trials (each cited, with what it studied) and What they found.
    """
    claims = read("claims", folder=folder)
    trials = trial_arms(folder=folder).drop_duplicates("trial").set_index("trial")
    rows = []
    for claim in claims[claims["trials"] != ""].to_dict("records"):
        said = [
            f"{cite(str(trials.loc[key, 'source']).split(';')[0], folder=folder)} "
            f"({_words(trials.loc[key, 'setting'])}, {_words(trials.loc[key, 'design'])})"
            for key in claim["trials"].split(";")
        ]
        rows.append(
            {
                "Claim": claim["statement"],
                "Page": cite(claim["page"], folder=folder),
                "Verdict": claim["verdict"],
                "Trials": "; ".join(said),
                "What they found": claim["finding"],
            }
        )
    return pd.DataFrame(rows)


def treatments_named(*, folder: Path = DATA) -> pd.DataFrame:
    """Every treatment with what kind of trial was found of it, those that a page names first.

    Returns
    -------
    DataFrame
        Columns Treatment, Named by (how many pages), Trials found, Arms (in `trials.csv`), Note.
    """
    table = read("treatments", folder=folder)
    arms = trial_arms(folder=folder)["treatment"].value_counts()
    named = table["pages"].map(lambda pages: len(pages.split(";")) if pages else 0)
    found = pd.DataFrame(
        {
            "Treatment": table["name"],
            "Named by": named,
            "Trials found": table["trials_found"],
            "Arms": table["treatment"].map(arms).fillna(0).astype(int),
            "Note": table["note"],
        }
    )
    return found.sort_values("Named by", ascending=False, kind="stable").reset_index(drop=True)


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
