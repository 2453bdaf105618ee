"""A planner's answer as tidy tables, and several answers side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

import numpy as np
import pandas as pd

from plcore.clinic.demand import FUNNEL_STEPS, demand_table, funnel_table, interval, parameter_of
from plcore.clinic.results import (
    by_period,
    clinic_measures,
    clinic_table,
    days_from,
    fates_table,
    months_from,
    quantiles,
    weeks_from,
)
from plcore.clinic.sizing import fewest
from plcore.evidence.data import cite
from plcore.evidence.labels import label_of
from plcore.inputs import checks_kinds
from plcore.models.pain import BOUNDS_IN_WORDS, SEVERITIES
from plcore.planner.answers import Answer
from plcore.planner.decisions import SEVERITY_WORDS
from plcore.planner.settings import Settings, defaults, meanings
from plcore.printed import digits, people

#: Periods over which the clinic's days may be added up.
PERIODS = {"day": days_from, "week": weeks_from, "month": months_from}


@checks_kinds
def key_figures(answer: Answer, *, level: float = 0.95) -> pd.DataFrame:
    """What a planner asks first, a row for each figure.

    Parameters
    ----------
    answer : Answer
        What follows from a planner's settings.
    level : float
        Share of cases that the intervals hold, between 0 and 1.

    Returns
    -------
    DataFrame
        figure, unit, median, low, high: over draws, and for the clinic over draws and chance.
        People are those of the year of the opening, new patients those of each year.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> from plcore.planner import Settings, answer, key_figures
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1))
    >>> key_figures(vermont)["figure"].tolist()[:2]
    ['people who live there', 'people with limb loss']
    """
    tails = interval(level)
    first = {
        "residents": "people who live there",
        "limb_loss": "people with limb loss",
        "plp": "people with phantom limb pain",
        "in_pain": _in_pain(answer.settings.severity),
        "choosing": "people who would come to this clinic",
    }
    rows = []
    for name, label in first.items():
        rows.append((label, "people", *np.quantile(answer.funnel.people[name][:, 0], tails)))
        if name == "plp" or (name == "in_pain" and answer.settings.severity != "any"):
            rows += [
                (f"{label} {BOUNDS_IN_WORDS[bound]}", "people", *np.quantile(drawn, tails))
                for bound, drawn in answer.funnel.under_bounds(name, 0).items()
            ]
    yearly = demand_table(answer.demand, level=level)
    counted = answer.own is not None and answer.own.referrals
    end = ", as modelled (own referrals are simulated)" if counted else ""
    for row in yearly[yearly["group"] == "all"].itertuples():
        rows.append((f"new patients in {row.year}{end}", "people", row.median, row.low, row.high))
    for measure, (unit, values) in clinic_measures(answer.outcome, load=answer.load).items():
        rows.append((label_of(measure), unit, *quantiles(values, tails)))
    load = np.quantile(answer.load.load, tails)
    busiest = answer.settings.year + answer.patients.busiest
    rows.append(("busiest year", "year", *[float(busiest)] * 3))
    rows.append(("load of the busiest year", "share", *load))
    return pd.DataFrame(rows, columns=["figure", "unit", "median", "low", "high"])


def _in_pain(severity: str) -> str:
    return f"people whose phantom limb pain is {SEVERITY_WORDS[severity]}"


def answer_tables(
    answer: Answer, sizing: pd.DataFrame | None, *, period: str = "month"
) -> dict[str, pd.DataFrame]:
    """Every table of an answer, by name.

    `sizing` is as `sizes` gives it; None leaves out the table of chairs. `period` is "day", "week"
    or "month".
    """
    if period not in PERIODS:
        raise ValueError(f"period is {period!r}; expected one of {', '.join(PERIODS)}")
    outcome = answer.outcome
    labels = PERIODS[period](answer.first_day, outcome.n_days)
    parameters = answer.people.scenario.parameters
    tables = {
        "key_figures": key_figures(answer),
        "funnel": funnel_table(answer.funnel, parameters, year=answer.settings.year),
        "patients": demand_table(answer.demand),
        "clinic": clinic_table(outcome, load=answer.load),
        **({} if sizing is None else {"chairs": sizing}),
        f"by_{period}": _whole_periods(by_period(outcome, labels), labels, period, answer),
        "what_became_of_them": fates_table(outcome),
        "settings": settings_table(answer.settings),
        "assumptions": assumptions_table(answer),
    }
    if answer.beside is not None:
        tables["own_numbers"] = answer.beside
    return tables


def _whole_periods(
    table: pd.DataFrame, labels: Sequence[str], period: str, answer: Answer
) -> pd.DataFrame:
    """The periods all of whose days lie in the years of the clinic.

    The last week that is followed may end after them.
    """
    last = date(answer.settings.year + answer.settings.n_years, 1, 1)
    inside = Counter(labels[: (last - answer.first_day).days])
    whole = {"day": 1, "week": 7, "month": 28}[period]
    return table[[inside[label] >= whole for label in table["period"]]].reset_index(drop=True)


def settings_table(settings: Settings) -> pd.DataFrame:
    """The settings: setting, value (as text), how ("chosen" or "default") and meaning."""
    words, default = meanings(), defaults()
    rows = [
        (name, _shown(value), "chosen" if value != default[name] else "default", words[name])
        for name, value in asdict(settings).items()
    ]
    return pd.DataFrame(rows, columns=["setting", "value", "how", "meaning"])


@checks_kinds
def assumptions_table(answer: Answer) -> pd.DataFrame:
    """What the answer rests on: every uncertain input of patients and clinic with its source.

    Parameters
    ----------
    answer : Answer
        What follows from a planner's settings.

    Returns
    -------
    DataFrame
        parameter, unit, median, low_95, high_95, seen, source (as cited) and note. A share that the
        planner gave has that number, and "the planner" as its source.

    Examples
    --------
    >>> from plcore.planner import Settings, answer
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1, share_served=0.2))
    >>> rows = assumptions_table(vermont).set_index("parameter")
    >>> rows.loc["demand_choosing", "source"]
    'the planner'
    """
    settings = answer.settings
    own = {
        parameter_of(step, severity=settings.severity): share
        for step, share in settings.own_shares().items()
    }
    rows = []
    for item in answer.people.scenario.parameters:
        if not _is_read(item.name, answer):
            continue
        low, median, high = np.quantile(answer.people.draws[item.name], [0.025, 0.5, 0.975])
        source = "; ".join(cite(key, folder=answer.folder) for key in item.source.split(";"))
        basis: tuple[object, ...] = (median, low, high, item.seen, source, item.note)
        if item.name in own:
            basis = (*[own[item.name]] * 3, "own", "the planner", "")
        rows.append((item.name, item.unit, *basis))
    columns = ["parameter", "unit", "median", "low_95", "high_95", "seen", "source", "note"]
    return pd.DataFrame(rows, columns=columns)


#: Beginnings and ends of the names of parameters that serve other questions: other readings of the
#: same figures, pain at the start of a course, people born without a limb.
_OTHERS = (
    "limb_loss_", "plp_congenital", "plp_before_six", "congenital_", "before_six_",
    "community_", "course_pain_", "course_fall",
)  # fmt: skip
_OTHER_READINGS = ("_claimed", "_none")


def _is_read(name: str, answer: Answer) -> bool:
    """Whether a parameter bears on people, patients or the clinic of an answer."""
    settings = answer.settings
    if name.startswith(_OTHERS) or name.endswith(_OTHER_READINGS):
        return False
    if name.startswith("severity_"):
        return name.removeprefix("severity_") in SEVERITIES.get(settings.severity, ())
    if name == "plp_prevalence_minor":
        choice = answer.people.scenario.choices["pain_after_minor_loss"]
        return bool(choice == "own_share")
    if name.startswith("demand_") and name != "demand_years_to_come":
        return name in {
            parameter_of(step.name, severity=settings.severity) for step in FUNNEL_STEPS
        }
    return True


@checks_kinds
def side_by_side(
    answers: Mapping[str, Answer], *, sizing: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Several answers side by side, a row for each figure and a column for each answer.

    Parameters
    ----------
    answers : mapping of str to Answer
        The answers by name.
    sizing : mapping of str to DataFrame, optional
        The table of sizes of each answer, as `sizes` gives it; with them there is a row for the
        fewest chairs that keep the service level.

    Returns
    -------
    DataFrame
        figure, unit, then a column for each name with "median (low to high)" as text, or the number
        alone where nothing is uncertain. Settings that differ stand first.

    Raises
    ------
    ValueError
        If there is no answer.

    Examples
    --------
    >>> from plcore.planner import Settings, answer
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1))
    >>> side_by_side({"two chairs": vermont}).columns.tolist()
    ['figure', 'unit', 'two chairs']
    """
    if not answers:
        raise ValueError("no answers; expected one or more")
    settings = pd.DataFrame(
        {
            name: settings_table(answer.settings).set_index("setting")["value"]
            for name, answer in answers.items()
        }
    ).drop(index="name")
    differ = settings[settings.ne(settings.iloc[:, 0], axis=0).any(axis=1)]
    tables = [differ.rename_axis("figure").assign(unit="setting")]
    figures = {}
    for name, answer in answers.items():
        table = key_figures(answer).set_index(["figure", "unit"])
        figures[name] = pd.Series(
            [
                f"{median:.0f}" if unit == "year" else _interval(median, low, high, unit)
                for (_, unit), (median, low, high) in zip(
                    table.index, table.to_numpy(dtype=float), strict=True
                )
            ],
            index=table.index,
        )
        if sizing is not None:
            row = ("fewest chairs for the service level", "chairs")
            figures[name].loc[row] = _fewest_in_words(answer, sizing[name])
    # The order of the first answer; what it lacks comes after.
    labels = dict.fromkeys(label for column in figures.values() for label in column.index)
    order = pd.MultiIndex.from_tuples(labels, names=["figure", "unit"])
    tables.append(pd.DataFrame({name: column.reindex(order) for name, column in figures.items()}))
    frames = [table.reset_index()[["figure", "unit", *answers]] for table in tables]
    return pd.concat(frames, ignore_index=True).fillna("")


def _fewest_in_words(answer: Answer, sizing: pd.DataFrame) -> str:
    try:
        return f"{fewest(sizing, probability=answer.settings.probability)['chairs']:g}"
    except ValueError:
        return f"more than {sizing['chairs'].max()}"


def _interval(median: float, low: float, high: float, unit: str) -> str:
    form = people if unit == "people" else digits
    # What is counted, or the same in all draws, has no interval.
    return form(median) if low == high else f"{form(median)} ({form(low)} to {form(high)})"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        counted = {name: _shown(item) for name, item in value.items() if item not in (None, (), "")}
        return "; ".join(f"{name} {item}" for name, item in counted.items())
    return str(value)
