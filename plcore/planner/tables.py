"""A planner's answer as tidy tables, and several answers side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from plcore.clinic.demand import FUNNEL_STEPS, demand_table, funnel_table, parameter_of
from plcore.clinic.results import (
    by_period,
    clinic_measures,
    clinic_table,
    days_from,
    fates_table,
    months_from,
    weeks_from,
)
from plcore.clinic.sizing import fewest
from plcore.evidence.data import cite
from plcore.planner.answers import Answer
from plcore.planner.settings import Settings, meanings
from plcore.scenarios import read_scenario

#: By what the clinic's days may be added up.
PERIODS = {"day": days_from, "week": weeks_from, "month": months_from}


def key_figures(found: Answer, *, level: float = 0.95) -> pd.DataFrame:
    """What a planner asks first, a row a figure.

    Returns
    -------
    DataFrame
        figure, unit, median, low, high: over draws, and for the clinic over draws and chance.
        People are those of the year of the opening, new patients those of each year.
    """
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    first = {
        "residents": "people who live there",
        "limb_loss": "people with limb loss",
        "plp": "people with phantom limb pain",
        "in_pain": f"of them in pain: {found.settings.severity.replace('_', ' or ')}",
        "choosing": "of them would come",
    }
    rows = [
        (label, "people", *np.quantile(found.funnel.people[name][:, 0], tails))
        for name, label in first.items()
    ]
    yearly = demand_table(found.demand, level=level)
    counted = found.own is not None and found.own.referrals
    end = ", as modelled and not simulated" if counted else ""
    for row in yearly[yearly["group"] == "all"].itertuples():
        rows.append((f"new patients in {row.year}{end}", "people", row.median, row.low, row.high))
    for measure, (unit, values) in clinic_measures(found.outcome).items():
        # Of nobody there is no wait.
        known = values[np.isfinite(values)]
        limits = np.quantile(known, tails) if known.size else np.full(3, np.nan)
        rows.append((measure.replace("_", " "), unit, *limits))
    load = np.quantile(found.load.load, tails)
    rows.append(("visits demanded of those held, if the last year goes on", "share", *load))
    return pd.DataFrame(rows, columns=["figure", "unit", "median", "low", "high"])


def answer_tables(
    found: Answer, sizing: pd.DataFrame | None, *, period: str = "month"
) -> dict[str, pd.DataFrame]:
    """Every table of an answer, by name.

    Parameters
    ----------
    found : Answer
    sizing : DataFrame or None
        As `plcore.planner.answers.sizes` gives it; None leaves out the table of chairs.
    period : str
        "day", "week" or "month".

    Raises
    ------
    ValueError
        If the period is another word.
    """
    if period not in PERIODS:
        raise ValueError(f"period is {period!r}; expected one of {', '.join(PERIODS)}")
    outcome = found.outcome
    labels = PERIODS[period](found.first_day, outcome.n_days)
    parameters = found.people.scenario.parameters
    tables = {
        "key_figures": key_figures(found),
        "funnel": funnel_table(found.funnel, parameters, year=found.settings.year),
        "patients": demand_table(found.demand),
        "clinic": clinic_table(outcome),
        **({} if sizing is None else {"chairs": sizing}),
        f"by_{period}": by_period(outcome, labels),
        "what_became_of_them": fates_table(outcome),
        "settings": settings_table(found.settings),
        "assumptions": assumptions_table(found),
    }
    if found.beside is not None:
        tables["own_numbers"] = found.beside
    return tables


def settings_table(settings: Settings) -> pd.DataFrame:
    """The settings, a row each.

    Returns
    -------
    DataFrame
        setting, value (as text), how ("chosen" or "usual") and meaning, with its unit.
    """
    usual = {field.name: field.default for field in fields(Settings)}
    words = meanings()
    rows = [
        (name, _shown(value), "chosen" if value != usual[name] else "usual", words[name])
        for name, value in asdict(settings).items()
    ]
    return pd.DataFrame(rows, columns=["setting", "value", "how", "meaning"])


def assumptions_table(found: Answer) -> pd.DataFrame:
    """What the answer rests on: every uncertain input of patients and clinic with its source.

    Returns
    -------
    DataFrame
        parameter, unit, median, low_95, high_95, seen, source (as cited) and note; for a step
        that the planner gave, that number and "the planner".
    """
    settings = found.settings
    own = {
        parameter_of(step, severity=settings.severity): share
        for step, share in settings.own_shares().items()
    }
    rows = []
    for item in found.people.scenario.parameters:
        if not _is_read(item.name, settings):
            continue
        low, median, high = np.quantile(found.people.draws[item.name], [0.025, 0.5, 0.975])
        source = "; ".join(cite(key) for key in item.source.split(";"))
        row: tuple[object, ...] = (
            item.name,
            item.unit,
            median,
            low,
            high,
            item.seen,
            source,
            item.note,
        )
        if item.name in own:
            row = (item.name, item.unit, *[own[item.name]] * 3, "own", "the planner", "")
        rows.append(row)
    columns = ["parameter", "unit", "median", "low_95", "high_95", "seen", "source", "note"]
    return pd.DataFrame(rows, columns=columns)


#: Beginnings and ends of the names of parameters that serve other questions: other readings of the
#: same figures, pain at the start of a course, people born without a limb.
_OTHERS = (
    "limb_loss_", "plp_congenital", "plp_before_six", "congenital_", "before_six_",
    "community_", "course_pain_", "course_fall",
)  # fmt: skip
_OTHER_READINGS = ("_claimed", "_none")


def _is_read(name: str, settings: Settings) -> bool:
    """Whether a parameter bears on people, patients or the clinic under these settings."""
    if name.startswith(_OTHERS) or name.endswith(_OTHER_READINGS):
        return False
    if name.startswith("severity_"):
        return name == f"severity_{settings.severity}"
    if name == "minor_share":
        return read_scenario(settings.scenario).choices["minor_amputations"] == "excluded"
    if name.startswith("demand_") and name != "demand_years_to_come":
        return name in {
            parameter_of(step.name, severity=settings.severity) for step in FUNNEL_STEPS
        }
    return True


def side_by_side(
    answers: Mapping[str, Answer], *, sizing: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Several answers, a row a figure and a column an answer.

    Parameters
    ----------
    answers : mapping of str to Answer
    sizing : mapping of str to DataFrame, optional
        Their tables of sizes; with them, a row for the fewest chairs.

    Returns
    -------
    DataFrame
        figure, unit, then a column for each name with "median (low to high)" as text; settings
        that differ stand first.

    Raises
    ------
    ValueError
        If there is no answer.
    """
    if not answers:
        raise ValueError("no answers; expected one or more")
    settled = pd.DataFrame(
        {
            name: settings_table(found.settings).set_index("setting")["value"]
            for name, found in answers.items()
        }
    ).drop(index="name")
    parts = [
        settled[settled.ne(settled.iloc[:, 0], axis=0).any(axis=1)]
        .rename_axis("figure")
        .assign(unit="setting")
    ]
    figures = {}
    for name, found in answers.items():
        table = key_figures(found).set_index(["figure", "unit"])
        figures[name] = pd.Series(
            [f"{three(m)} ({three(low)} to {three(high)})" for m, low, high in table.to_numpy()],
            index=table.index,
        )
        if sizing is not None:
            row = ("fewest chairs for the service level", "chairs")
            figures[name].loc[row] = _fewest_in_words(found, sizing[name])
    # The order of the first answer; what it lacks comes after.
    labels = dict.fromkeys(label for part in figures.values() for label in part.index)
    order = pd.MultiIndex.from_tuples(labels, names=["figure", "unit"])
    parts.append(pd.DataFrame({name: part.reindex(order) for name, part in figures.items()}))
    frames = [part.reset_index()[["figure", "unit", *answers]] for part in parts]
    return pd.concat(frames, ignore_index=True).fillna("")


def _fewest_in_words(found: Answer, sizing: pd.DataFrame) -> str:
    try:
        return f"{fewest(sizing, probability=found.settings.probability)['chairs']:g}"
    except ValueError:
        return f"more than {sizing['chairs'].max()}"


def three(value: float) -> str:
    """A number with three significant digits and separators of thousands."""
    if not np.isfinite(value):
        return "none"
    if value == 0:
        return "0"
    # Rounded first: 9.996 is 10.0.
    rounded = float(f"{value:.2e}")
    digits = 2 - int(np.floor(np.log10(abs(rounded))))
    return f"{rounded:,.{max(digits, 0)}f}"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return str(value)
