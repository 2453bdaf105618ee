"""How good the studies are, how they came in, and whether the weakest decide the answer.

`study_appraisals.csv` answers the nine questions of the Joanna Briggs Institute for each study of
prevalence, `trial_appraisals.csv` the domains of risk of bias 2 for each trial that was compared. Most
papers were read in their abstracts, so that "not seen" is the commonest answer.

References
----------
Munn Z, Moola S, Lisy K, Riitano D, Tufanaru C (2015), Int J Evid Based Healthc 13:147; Sterne JAC et
al. (2019), BMJ 366:l4898; Page MJ et al. (2021), BMJ 372:n71 (flow of studies).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from plcore.evidence.data import DATA, read
from plcore.evidence.prevalence import KINDS, POOLS, pool_prevalence, prevalence_studies


def flow_of_studies(*, folder: Path = DATA) -> pd.DataFrame:
    """How many rows of `plp_prevalence_studies.csv` enter, and why the others do not.

    Parameters
    ----------
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        Columns step (text), rows and works (different sources), from all rows to the studies of
        current prevalence. The rows taken out at one step are not counted at a later one.

    Examples
    --------
    >>> print(flow_of_studies()["step"].iloc[0])
    Rows in the table
    """
    table = read("plp_prevalence_studies", folder=folder)
    rest = table
    steps = [("Rows in the table", rest)]
    memory = (table["seen"] == "memory") | (table["counts"] == "memory")
    for words, out in (
        ("less: known from memory only", memory),
        ("less: no count of people was seen", table["events"].isna()),
        ("less: people of another row, or chosen for their pain", table["pool"] == "none"),
        ("less: left out for another reason, which the row gives", table["include"] == "no"),
    ):
        here = out.loc[rest.index]
        steps.append((words, rest[here]))
        rest = rest[~here]
    steps.append(("Rows that enter a pool", rest))
    children = rest["pool"].isin(["children", "congenital"])
    steps.append(("of them: children, or born without a limb", rest[children]))
    recognised = rest["pool"] == "recognised"
    steps.append(("of them: what charts and claims recognised", rest[recognised]))
    early = rest["pool"] == "natural_history"
    steps.append(("of them: visits in the first year, beside another visit", rest[early]))
    adults = rest["pool"].isin(["current", "lifetime"])
    current = rest["kind"].isin(KINDS["current"])
    steps.append(("of them: adults, pain ever or to a stated time", rest[adults & ~current]))
    steps.append(("of them: adults, pain now or in the last weeks", rest[adults & current]))
    return pd.DataFrame(
        {
            "step": words,
            "rows": len(rows),
            "works": rows["source"].str.split(";").str[0].nunique(),
        }
        for words, rows in steps
    )


def with_and_without(
    pool: str = "all", *, kind: str = "current", folder: Path = DATA
) -> pd.DataFrame:
    """A pool of studies with all of them, and without those that are weak or in doubt.

    Parameters
    ----------
    pool, kind : str
        As for `prevalence_studies`.
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        A row each: all studies; without the weakest (two or more of frame, sampling, valid and
        response answered with no); without each study in doubt, by its doubt; without shares read
        second hand or counts that were worked out; with studies that hold people born without a
        limb. Columns studies_taken (text), studies, people, share, low, high, setting_low,
        setting_high and left_out or added (names).

    Raises
    ------
    ValueError
        If a study has no appraisal.

    Examples
    --------
    >>> table = with_and_without("usa")
    >>> table.loc[1, "studies_taken"], int(table.loc[1, "studies"])
    ('without the weakest', 6)
    """
    studies = prevalence_studies(pool, kind=kind, folder=folder)
    appraisals = read("study_appraisals", folder=folder).set_index("study")
    absent = [study for study in studies["study"] if study not in appraisals.index]
    if absent:
        raise ValueError(
            f"study_appraisals.csv: no row of {absent[0]!r}; expected one a study that enters"
        )
    weak = studies["study"].map(appraisals["weakest"]) == "yes"
    sets: list[tuple[str, pd.DataFrame, pd.Series]] = [
        ("all", studies, pd.Series([], dtype=str)),
        ("without the weakest", studies[~weak], studies.loc[weak, "study"]),
    ]
    for doubt in dict.fromkeys(studies["doubt"]):
        if doubt:
            here = studies["doubt"] == doubt
            sets.append((f"without: {doubt}", studies[~here], studies.loc[here, "study"]))
    loose = (studies["seen"] == "secondary") | studies["counts"].isin(["inferred", "derived"])
    sets.append(("without counts that were not printed or worked back", studies[~loose],
                 studies.loc[loose, "study"]))  # fmt: skip
    table = read("plp_prevalence_studies", folder=folder)
    mixed = table[
        (table["loss"] == "mixed")
        & table["kind"].isin(KINDS[kind])
        & table["pool"].isin(["current", "lifetime"])
        & table["region"].isin(POOLS[pool])
    ]
    if len(mixed):
        together = pd.concat([studies, mixed], ignore_index=True)
        sets.append(("with people born without a limb", together, mixed["study"]))
    rows = []
    for words, taken, names in sets:
        if len(taken) < 2:
            continue
        pooled = pool_prevalence(taken)
        rows.append(
            {
                "studies_taken": words,
                **{name: getattr(pooled, name) for name in ("studies", "people", "share", "low",
                   "high", "setting_low", "setting_high")},
                "left_out_or_added": ", ".join(names),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def appraised(table: str = "study_appraisals", *, folder: Path = DATA) -> pd.DataFrame:
    """How often each question was answered how.

    Parameters
    ----------
    table : str
        "study_appraisals" (of prevalence) or "trial_appraisals".
    folder : Path
        Where the tables are read.

    Returns
    -------
    DataFrame
        One row per question, one column per answer, and how many have it.

    Raises
    ------
    ValueError
        If there is no such table.

    Examples
    --------
    >>> print(appraised("trial_appraisals")["Question"].tolist())
    ['randomisation', 'deviations', 'missing', 'measurement', 'selection', 'weakest']
    """
    if table not in ("study_appraisals", "trial_appraisals"):
        raise ValueError(f"table is {table!r}; expected study_appraisals or trial_appraisals")
    answers = read(table, folder=folder)
    questions = answers.drop(columns=["note", answers.columns[0]])
    order = ["yes", "no", "unclear", "low", "some_concerns", "high", "not_seen"]
    kinds = [name for name in order if (questions == name).any(axis=None)]
    return pd.DataFrame(
        {"Question": str(name).replace("_", " ")}
        | {kind.replace("_", " "): int((questions[name] == kind).sum()) for kind in kinds}
        for name in questions
    )
