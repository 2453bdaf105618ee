"""What the trials say of treatment against control, one line a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from scipy import special

from plcore.evidence.trials.comparison import (
    odds_ratio_score,
    probability_better,
    risk_difference_score,
    risk_ratio_score,
)
from plcore.evidence.trials.counts import Array, checked_level, checked_responders
from plcore.evidence.trials.needed import NumberNeeded
from plcore.evidence.trials.paired import feasible_tables, paired_bounds, paired_ratio_score
from plcore.evidence.trials.pooled import checked_arms
from plcore.evidence.trials.response import response_rate

#: Designs whose arms are different people.
SEPARATE = ("parallel", "factorial", "cohort")
_DESIGNS = (*SEPARATE, "crossover", "single_arm", "meta_analysis")
_ARMS = (
    "trial",
    "arm",
    "outcome",
    "role",
    "treatment",
    "design",
    "setting",
    "definition",
    "follow_up_days",
    "patients",
    "n",
    "responders",
)
_EFFECTS = ("rd", "rr", "or")


def effects_table(arms: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Treatment against control for every trial and outcome that has both arms.

    Arms of different people are compared by score intervals (Miettinen & Nurminen 1985). The
    periods of a crossover are the same people: their limits are the widest over all tables with the
    printed totals (Tango 1998; Tang, Tang & Chan 2003) and `rd_inner_low`, `rd_inner_high` what all
    of those tables agree on. Its odds ratio depends on nothing but who differed, which totals do
    not tell, and is NaN.

    Parameters
    ----------
    arms : DataFrame
        Rows of `trials.csv`: trial, arm, outcome, role, treatment, design, setting, definition,
        follow_up_days, patients, n, responders.

    Returns
    -------
    DataFrame
        A row for each arm in the role of treatment that has a control of the same trial and
        outcome: that of the same treatment, else the only one. Columns trial, outcome, arm,
        control, treatment, setting, design, definition, follow_up_days, n_treatment,
        responders_treatment, n_control, responders_control; rd, rr, or, each with _low and _high;
        rd_inner_low, rd_inner_high; nnt (text); prob_better with _low and _high (the probability
        that the treatment's rate is higher, Jeffreys priors; only bounds for a crossover); and
        remark, which says why a comparison was not made or how far to trust it.
    """
    checked_level(level)
    rows = checked_arms(arms, _ARMS)
    found = []
    for _, group in rows.groupby(["trial", "outcome"], sort=False):
        controls = group[group["role"] == "control"]
        treated = group[group["role"] == "treatment"]
        if controls.empty:
            continue
        for _, arm in treated.iterrows():
            found.append(_compared(arm, _control_of(arm, controls), level))
    return pd.DataFrame(found, columns=_columns())


def _columns() -> list[str]:
    arms = ["n_treatment", "responders_treatment", "n_control", "responders_control"]
    effects = [name + end for name in _EFFECTS for end in ("", "_low", "_high")]
    return [
        *("trial", "outcome", "arm", "control", "treatment", "setting", "design", "definition"),
        *("follow_up_days", *arms, *effects, "rd_inner_low", "rd_inner_high", "nnt"),
        *("prob_better", "prob_better_low", "prob_better_high", "remark"),
    ]


def _control_of(arm: pd.Series, controls: pd.DataFrame) -> pd.Series:
    same = controls[controls["treatment"] == arm["treatment"]]
    chosen = same if len(same) else controls
    if len(chosen) > 1:
        raise ValueError(
            f"{arm['trial']} {arm['outcome']}: arm {arm['arm']} has {len(chosen)} controls, "
            f"{', '.join(chosen['arm'])}; expected one of its treatment"
        )
    return chosen.iloc[0]


def _compared(arm: pd.Series, control: pd.Series, level: float) -> dict[str, object]:
    """One row of the table; NaN where the remark says why."""
    where = f"{arm['trial']} {arm['outcome']}"
    _check_alike(arm, control, ("design", "setting", "follow_up_days"), where)
    if arm["design"] not in _DESIGNS:
        known = ", ".join(_DESIGNS)
        raise ValueError(f"{where}: design is {arm['design']!r}; expected one of {known}")
    row = {
        **{name: arm[name] for name in ("trial", "outcome", "arm")},
        "control": control["arm"],
        **{name: arm[name] for name in ("treatment", "setting", "design", "definition")},
        "follow_up_days": arm["follow_up_days"],
        "n_treatment": arm["n"],
        "responders_treatment": arm["responders"],
        "n_control": control["n"],
        "responders_control": control["responders"],
        "nnt": "",
        "remark": _hindrance(arm, control),
    }
    if row["remark"]:
        return row
    _check_alike(arm, control, ("definition",), where)
    try:
        x1, n1 = checked_responders(arm["responders"], arm["n"])
        x2, n2 = checked_responders(control["responders"], control["n"])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if arm["design"] == "crossover":
        return {**row, **_same_people(x1, x2, n1, level)}
    _check_apart(arm, control, where)
    row |= _different_people(x1, n1, x2, n2, level)
    if arm["design"] == "cohort":
        row["remark"] = "not randomised: the arms may differ in more than the treatment"
    return row


def _check_alike(arm: pd.Series, control: pd.Series, columns: Sequence[str], where: str) -> None:
    for column in columns:
        one, other = arm[column], control[column]
        if one != other and not (pd.isna(one) and pd.isna(other)):
            raise ValueError(f"{where}: {column} differs between the arms: {one} and {other}")


def _check_apart(arm: pd.Series, control: pd.Series, where: str) -> None:
    shared = set(arm["patients"].split(";")) & set(control["patients"].split(";"))
    if shared:
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


def _different_people(
    x1: Array, n1: Array, x2: Array, n2: Array, level: float
) -> dict[str, object]:
    limits: dict[str, float] = {}
    functions = (risk_difference_score, risk_ratio_score, odds_ratio_score)
    for name, function in zip(_EFFECTS, functions, strict=True):
        effect = function(x1, n1, x2, n2, level=level)
        limits[name] = float(effect.estimate)
        limits[f"{name}_low"], limits[f"{name}_high"] = float(effect.low), float(effect.high)
    better = float(probability_better(response_rate(x1, n1), response_rate(x2, n2)))
    needed = NumberNeeded(limits["rd"], limits["rd_low"], limits["rd_high"], level)
    chances = {f"prob_better{end}": better for end in ("", "_low", "_high")}
    return {**limits, **chances, "nnt": needed.text()}


def _same_people(x1: Array, x2: Array, n: Array, level: float) -> dict[str, object]:
    rd = paired_bounds(x1, x2, n, level=level)
    rr = paired_bounds(x1, x2, n, interval=paired_ratio_score, level=level)
    _, first_only, second_only, _ = feasible_tables(int(x1), int(x2), int(n))
    # Of those in whom the treatments differed, the share better under the first: Jeffreys prior.
    better = special.betainc(second_only + 0.5, first_only + 0.5, 0.5)
    needed = NumberNeeded(float(rd.estimate), float(rd.low), float(rd.high), level)
    return {
        "rd": float(rd.estimate),
        "rd_low": float(rd.low),
        "rd_high": float(rd.high),
        "rd_inner_low": float(rd.inner_low),
        "rd_inner_high": float(rd.inner_high),
        "rr": float(rr.estimate),
        "rr_low": float(rr.low),
        "rr_high": float(rr.high),
        "nnt": needed.text(),
        "prob_better_low": float(better.min()),
        "prob_better_high": float(better.max()),
        "remark": f"crossover, totals only: limits over the {int(rd.tables)} tables they allow",
    }
