"""A planner's answer in plain sentences, each number with its interval and what it rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plcore.clinic.results import clinic_measures, clinic_table, share_within
from plcore.clinic.sizing import fewest
from plcore.planner.answers import MOST_CHAIRS, Answer
from plcore.planner.settings import Settings
from plcore.planner.tables import assumptions_table, three

#: What the answer must not be taken for.
WHAT_IT_IS_NOT = (
    (
        "It is no forecast: it is what follows from the settings and the evidence, and much of the "
        "way from people to patients is assumed."
    ),
    "It is no medical advice, and says nothing about who should be treated.",
    (
        "People with limb loss are not people with phantom limb pain, and neither are patients: each "
        "is counted apart."
    ),
    "Demand says nothing about benefit: it does not show that ketamine helps phantom limb pain.",
)
#: What the kinds of prevalence that a scenario pools count as phantom limb pain.
_KINDS = {
    "current": "now or of late",
    "point": "now",
    "period": "within a recent period",
    "ever": "at some time since the loss",
}


def in_sentences(found: Answer, sizing: pd.DataFrame | None) -> tuple[str, ...]:
    """What a planner asks first, a sentence each; intervals are of 95%.

    Parameters
    ----------
    found : Answer
    sizing : DataFrame or None
        As `plcore.planner.answers.sizes` gives it, or None where only the size of the settings was
        worked out.
    """
    told = [*_people(found), *_patients(found), _infusions(found), found.load.in_words()]
    if sizing is not None:
        told.append(_chairs(found, sizing))
    told += [_kept(found), _wait(found), _assumed(found)]
    return (*told, *(f"{sentence}." for sentence in found.caveats))


def _people(found: Answer) -> list[str]:
    settings, people = found.settings, found.funnel.people
    kind = _KINDS[str(found.people.scenario.choices["prevalence_kind"])]
    said = [
        (
            f"{_place(found)} {three(np.median(people['residents'][:, 0]))} residents in "
            f"{settings.year}; {_spread(people['limb_loss'][:, 0])} of them live with limb loss."
        ),
        f"{_spread(people['plp'][:, 0])} have phantom limb pain {kind}",
    ]
    pain = settings.severity.replace("_", " or ")
    if settings.severity != "any":
        said[1] += f", {_spread(people['in_pain'][:, 0])} of them {pain}"
    said[1] += "."
    return said


def _place(found: Answer) -> str:
    """Which counties have the residents, and that they are counted whole."""
    name, one = found.area.name, len(found.area.fips) == 1
    many = "1 county" if one else f"{len(found.area.fips)} counties"
    if found.settings.radius_km is None:
        return f"{name} ({many}) has"
    return f"The {many} centred {name}, counted whole, {'has' if one else 'have'}"


def _patients(found: Answer) -> list[str]:
    settings = found.settings
    weekly = found.demand.per_week
    years = "year" if settings.n_years == 1 else f"{settings.n_years} years"
    said = [
        (
            f"{_spread(found.funnel.people['choosing'][:, 0])} of those in pain would come sooner or "
            f"later{_guessed(settings)}; {_spread(weekly.sum(axis=1))} new patients are expected "
            f"in the first {years}."
        )
    ]
    if found.own is not None and found.own.referrals:
        said.append(
            f"The clinic is simulated with the planner's own referrals instead, "
            f"{found.own.per_month:.3g} a month."
        )
    if settings.waiting_list:
        said.append(
            f"{settings.waiting_list} people wait on the first day, besides those expected."
        )
    return said


def _guessed(settings: Settings) -> str:
    """Which of the last two steps nobody measured and the planner did not say either."""
    words = {"accepting": "who accepts a course", "choosing": "who chooses this clinic"}
    open_steps = [text for step, text in words.items() if step not in settings.own_shares()]
    return f" (assumed: {' and '.join(open_steps)})" if open_steps else ""


def _infusions(found: Answer) -> str:
    measures = clinic_measures(found.outcome)
    chairs, nurses = found.outcome.plan.day.chairs, found.outcome.plan.day.nurses
    return (
        f"With {_count(chairs, 'chair')} and {_count(nurses, 'nurse')} on duty the clinic gives "
        f"{_spread(measures['infusions_a_year'][1])} infusions a year, and the chairs are in use "
        f"for {_percent(measures['chair_utilisation'][1])} of the open hours."
    )


def _level(found: Answer) -> str:
    settings = found.settings
    return (
        f"{100 * settings.share_within:.3g}% of patients or more have a first infusion within "
        f"{_count(settings.within_days, 'day')} of referral"
    )


def _chairs(found: Answer, sizing: pd.DataFrame) -> str:
    settings = found.settings
    level = f"that {_level(found)}, with probability {settings.probability:g}"
    limit = settings.visits_a_day
    if limit is not None:
        level += f" and without the limit of {_count(limit, 'visit')} a day"
    enough = sizing[sizing["probability"] >= settings.probability]
    if not enough.empty:
        row = fewest(sizing, probability=settings.probability)
        return (
            f"The fewest chairs so {level} or more: {_count(int(row['chairs']), 'chair')} with "
            f"{_count(int(row['nurses']), 'nurse')} (probability {row['probability']:.2f}, "
            f"standard error {row['standard_error']:.2f})."
        )
    last = sizing.iloc[-1]
    end = ", where the search ends," if last["chairs"] >= MOST_CHAIRS else ""
    return (
        f"No number of chairs up to {last['chairs']:.0f}{end} is enough so {level}: that many keep "
        f"it with probability {last['probability']:.2f}, and their waiting list grows by "
        f"{three(last['growth_a_week'])} patients a week."
    )


def _kept(found: Answer) -> str:
    """What the size of the settings does for the service level, and who waits at the end."""
    settings = found.settings
    waiting = _spread(clinic_measures(found.outcome)["waiting_at_end"][1])
    chairs = _count(found.outcome.plan.day.chairs, "chair")
    soon = share_within(found.outcome, settings.within_days)
    told = soon[np.isfinite(soon)]
    if not told.size:
        return (
            f"Nobody was referred {_count(settings.within_days, 'day')} before the end, so that "
            "the service level cannot be judged."
        )
    return (
        f"With {chairs} {_percent(told)} of patients have a first infusion within "
        f"{_count(settings.within_days, 'day')} of referral; the service level is kept with "
        f"probability {(told >= settings.share_within).mean():.2f}, and {waiting} people wait for "
        f"a first visit at the end."
    )


def _wait(found: Answer) -> str:
    table = clinic_table(found.outcome).set_index("measure").drop(columns="unit")
    mean, *limits = table.loc[["wait_mean"]].to_numpy(dtype=float)[0]
    if np.isnan(mean):
        return "Nobody was referred, so that nobody waited."
    low_unknown, high_unknown, low_chance, high_chance = map(three, limits[:4])
    said = (
        f"The mean wait for the first infusion is {three(mean)} days: what we do not know "
        f"spreads it from {low_unknown} to {high_unknown} days"
    )
    if found.settings.runs == 1:
        return f"{said}; with one run a draw, chance is part of that."
    return f"{said}, and chance alone from {low_chance} to {high_chance}."


def _assumed(found: Answer) -> str:
    table = assumptions_table(found)
    assumed = table[table["seen"] == "assumed"]
    steps = [
        name.removeprefix("demand_").replace("_", " ")
        for name in assumed["parameter"]
        if name.startswith("demand_")
    ]
    of_them = f"; on the way from people to patients: {', '.join(steps)}" if steps else ""
    return (
        f"{len(assumed)} of the {len(table)} numbers this rests on are assumed, as no "
        f"source was found{of_them}."
    )


def _spread(values: ArrayLike) -> str:
    """Median and 95% interval of all values, NaN left out; of what was counted the number."""
    every = np.asarray(values, dtype=float)
    median, low, high = np.nanquantile(every, [0.5, 0.025, 0.975])
    # What was counted is divided and multiplied on its way: its last digits differ.
    if np.isclose(np.nanmin(every), np.nanmax(every), rtol=1e-9):
        return three(median)
    return f"{three(median)} ({three(low)} to {three(high)})"


def _percent(values: ArrayLike) -> str:
    median, low, high = 100 * np.nanquantile(np.asarray(values, float), [0.5, 0.025, 0.975])
    return f"{three(median)}% ({three(low)} to {three(high)}%)"


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
