"""A planner's answer in plain sentences, each number with its interval and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plcore.clinic.places import median_distance
from plcore.clinic.results import (
    cleared_in_words,
    clinic_measures,
    course_in_words,
    share_within,
    wait_in_words,
)
from plcore.clinic.sizing import advise, fewest, options_in_words
from plcore.evidence.labels import label_of
from plcore.inputs import checks_kinds
from plcore.models.pain import BOUNDS_IN_WORDS
from plcore.planner.answers import MOST_CHAIRS, Answer
from plcore.planner.decisions import (
    SEVERITY_WORDS,
    Words,
    decision_rows,
    shown,
    six_sentences,
)
from plcore.planner.tables import assumptions_table

#: What the answer must not be taken for.
WHAT_IT_IS_NOT = (
    (
        "It is not a forecast: it is what follows from the settings and the evidence, and much of "
        "the way from people to patients is assumed."
    ),
    "It is no medical advice and does not say who should be treated.",
    (
        "People with limb loss, people with phantom limb pain and patients are three groups, and "
        "each is counted separately."
    ),
    "Demand does not show that ketamine helps phantom limb pain.",
)
#: What a manager asks, in the order of the answers.
QUESTIONS = (
    "How many would come?",
    "How many chairs, nurses, days?",
    "How long will people wait?",
    "What if half as many come?",
    "When is the list cleared?",
    "What should I find out first?",
)
#: What each kind of prevalence that a scenario pools counts as phantom limb pain.
_KINDS = {
    "current": "now or lately",
    "point": "now",
    "period": "within a recent period",
    "ever": "at some time since the loss",
}


def in_sentences(
    answer: Answer, sizing: pd.DataFrame | None, more: Sequence[str] = ()
) -> tuple[str, ...]:
    """What a planner asks, in sentences with 95% intervals: six answers, then what is behind them.

    `sizing` is as `sizes` gives it, or None where only the size of the settings was simulated;
    `more` stands after the six answers, as `on_target_and_ways` gives it.
    """
    return (*six_answers(answer), *more, *behind(answer, sizing))


def on_target_and_ways(
    answer: Answer, *, by_target: pd.DataFrame | None, ways: pd.DataFrame | None
) -> tuple[str, ...]:
    """Sentences on the target by a date and on ways to run the clinic, where these were asked."""
    sentences, by = [], ""
    if by_target is not None:
        by = f" by {_target_day(answer):%B %Y}"
        sentences.append(_by_target(answer, by_target))
    if ways is not None:
        full, prices = answer.settings.days_a_week, answer.settings.prices()
        sentences.append(options_in_words(ways, prices, days_a_week=full, by=by))
    return tuple(sentences)


@checks_kinds
def six_answers(answer: Answer) -> tuple[str, ...]:
    """A sentence with a 95% range for each of the six questions that a manager asks.

    How many would come; how many chairs, nurses and days; how long people wait; what if half as many
    come; when the waiting list is cleared; what to find out first. The web page says the same.

    Parameters
    ----------
    answer : Answer
        What follows from a planner's settings.

    Returns
    -------
    tuple of str, length 6

    Examples
    --------
    >>> from plcore.planner import Settings, answer
    >>> vermont = answer(Settings(state="VT", n_years=1, draws=16, runs=1))
    >>> print(six_answers(vermont)[1].split(" to keep")[0])
    It takes 1 chair, 1 nurse on duty and 1 day open a week
    """
    return six_sentences(decision_rows(answer), Words.of(answer))


def behind(answer: Answer, sizing: pd.DataFrame | None) -> tuple[str, ...]:
    """What is behind the six answers: the people, the simulated clinic, and what is assumed."""
    sentences = [*_people(answer), *_patients(answer), _infusions(answer)]
    if sizing is not None:
        sentences.append(_chairs(answer, sizing))
    sentences += [
        _kept(answer),
        wait_in_words(answer.outcome, answer.load),
        course_in_words(answer.outcome, weeks_asked=answer.settings.weeks),
        _assumed(answer),
    ]
    if answer.settings.waiting_list:
        sentences.insert(-2, cleared_in_words(answer.outcome, answer.first_day))
    return (*sentences, *_far(answer), *(f"{caveat}." for caveat in answer.caveats))


#: Half of the people live farther away than this where it is said that distance plays no part: over
#: an hour's drive, at which patients are usually taken to think twice.
_FAR_KM = 100.0


def _far(answer: Answer) -> list[str]:
    """A warning where the same share is taken to come from far away as from next door."""
    settings = answer.settings
    counted = answer.own is not None and answer.own.referrals
    if settings.distance_km is not None or settings.share_served is not None or counted:
        return []
    site = settings.site(answer.area, folder=answer.folder)
    km = median_distance(answer.area, point=site, folder=answer.folder)
    if km <= _FAR_KM:
        return []
    far = (
        f"Half of the people of this area live more than {shown(km, 'km')} km from the clinic, and the "
        "same share of them is taken to come as from next door; with --distance-km fewer come from "
        "afar."
    )
    return [far]


def _people(answer: Answer) -> list[str]:
    settings, people = answer.settings, answer.funnel.people
    kind = _KINDS[str(answer.people.scenario.choices["prevalence_kind"])]
    in_pain = (
        f"{_spread(people['plp'][:, 0])} have phantom limb pain {kind}{_bounds(answer, 'plp')}"
    )
    if settings.severity != "any":
        pain = SEVERITY_WORDS[settings.severity]
        in_pain += f"; in {_spread(people['in_pain'][:, 0])} of them it is {pain}"
        in_pain += _bounds(answer, "in_pain")
    return [
        (
            f"{_place(answer)} {shown(float(np.median(people['residents'][:, 0])), 'people')} residents in "
            f"{settings.year}; {_spread(people['limb_loss'][:, 0])} of them live with limb loss."
        ),
        f"{in_pain[0].upper()}{in_pain[1:]}.",
    ]


def _bounds(answer: Answer, step: str) -> str:
    """The bounds of the number in (such) pain, unless the planner counted them."""
    bounds = answer.funnel.under_bounds(step, 0)
    if not bounds:
        return ""
    words = [
        f"{shown(float(np.median(people)), 'people')} {BOUNDS_IN_WORDS[name]}"
        for name, people in bounds.items()
    ]
    return f" ({', '.join(words)})"


def _place(answer: Answer) -> str:
    """The beginning of a sentence on the residents of the counties, which are counted as wholes."""
    name, n = answer.area.name, len(answer.area.fips)
    if answer.settings.radius_km is None:
        return f"{name} ({_count(n, 'county')}) has"
    return f"The {_count(n, 'county')} whose population centre lies {name} {'has' if n == 1 else 'have'}"


def _patients(answer: Answer) -> list[str]:
    settings = answer.settings
    sentences = []
    if answer.own is not None and answer.own.referrals:
        sentences.append(
            "The clinic is simulated with the planner's own referrals, "
            f"{answer.own.per_month:.3g} a month, not with those who would come as modelled."
        )
    if answer.own is not None and answer.own.visits_a_day is not None:
        chairs = _count(settings.chairs, "chair")
        sentences.append(
            f"The {_count(answer.own.visits_a_day, 'visit')} a day that the clinic counted replace "
            f"chairs, nurses and hours; {chairs} can hold them."
        )
    if settings.waiting_list:
        sentences.append(
            f"In addition, {_count(settings.waiting_list, 'person')} on the waiting list on the first "
            "day will come."
        )
    return sentences


def _infusions(answer: Answer) -> str:
    measures = clinic_measures(answer.outcome)
    nurses = answer.outcome.plan.day.nurses
    on_duty = "" if answer.outcome.plan.changes else f" and {_count(nurses, 'nurse')} on duty"
    return (
        f"With {_own_chairs(answer)}{on_duty} the clinic gives "
        f"{_spread(measures['infusions_a_year'][1], 'infusions')} infusions a year, and the chairs are in use "
        f"for {_spread(measures['chair_utilisation'][1], 'share')} of the open hours."
    )


def _own_chairs(answer: Answer) -> str:
    """The chairs of the plan: "2 chairs", or "1 to 3 chairs" where they change by month."""
    chairs = [day.chairs for _, day in answer.outcome.plan.periods]
    least = "" if min(chairs) == max(chairs) else f"{min(chairs)} to "
    return least + _count(max(chairs), "chair")


def _level(answer: Answer) -> str:
    settings = answer.settings
    return (
        f"at least {100 * settings.share_within:.3g}% of patients have a first infusion within "
        f"{_count(settings.within_days, 'day')} of referral"
    )


def _chairs(answer: Answer, sizing: pd.DataFrame) -> str:
    settings = answer.settings
    level = f"{_level(answer)}, with a probability of {settings.probability:g}"
    limit = settings.visits_a_day
    ignored = f" (without the limit of {_count(limit, 'visit')} a day)" if limit else ""
    advice = advise(sizing, probability=settings.probability)
    if advice.toss_up:
        chances = _chances(sizing, advice.toss_up)
        return (
            f"Simulated over all years, the smallest clinic in which {level} or more{ignored} has "
            f"{advice.in_words()}: the probability is {chances}, too close to "
            f"{settings.probability:g} to tell them apart."
        )
    if advice.chairs is not None:
        row = fewest(sizing, probability=settings.probability)
        return (
            f"Simulated over all years, the smallest clinic in which {level} or more{ignored} has "
            f"{_count(int(row['chairs']), 'chair')} and {_count(int(row['nurses']), 'nurse')} "
            f"(probability {row['probability']:.2f}, standard error {row['standard_error']:.2f})."
        )
    last = sizing.iloc[-1]
    chance = f"with {last['chairs']:.0f} the probability is {last['probability']:.2f}"
    if last["growth_a_week"] == 0 and last["chairs"] < MOST_CHAIRS:
        lost = ", and on those who give up" if settings.patience_days is not None else ""
        return (
            f"No number of chairs is enough for this service level ({level}{ignored}): {chance}, and "
            "more chairs change no wait, which then rests on the lead time, the days of opening "
            f"and missed visits{lost}."
        )
    end = " (where the search ends)" if last["chairs"] >= MOST_CHAIRS else ""
    return (
        f"No number of chairs up to {last['chairs']:.0f}{end} is enough for this service level "
        f"({level}{ignored}): {chance}, and the waiting list grows by "
        f"{shown(float(last['growth_a_week']), 'infusions')} patients a week."
    )


def _target_day(answer: Answer) -> date:
    months = answer.settings.target_months or 0
    return answer.first_day + timedelta(days=round(months * 365.25 / 12))


def _by_target(answer: Answer, sizing: pd.DataFrame) -> str:
    """The chairs that keep the service level by a date, and with what probability."""
    wanted = answer.settings.probability
    advice = advise(sizing, probability=wanted)
    start = f"For those referred in the month before {_target_day(answer):%B %Y}"
    if advice.chairs is None and not advice.toss_up:
        last = sizing.iloc[-1]
        return (
            f"{start} no number of chairs is enough to keep the service level with a probability of "
            f"{wanted:g}: with {last['chairs']:.0f} it is {last['probability']:.2f}."
        )
    chances = _chances(sizing, advice.toss_up or [advice.chairs])
    return (
        f"{start} it takes {advice.in_words()} from the opening on to keep the service level with a "
        f"probability of {wanted:g} (simulated: {chances})."
    )


def _chances(sizing: pd.DataFrame, chairs: Sequence[int | None]) -> str:
    """The probability that the service level is kept with these chairs."""
    rows = sizing[sizing["chairs"].isin(chairs)].itertuples()
    return ", ".join(f"{row.probability:.2f} with {row.chairs}" for row in rows)


def _kept(answer: Answer) -> str:
    """How well the clinic of the settings keeps the service level, and who waits at the end."""
    settings = answer.settings
    waiting = _spread(clinic_measures(answer.outcome)["waiting_at_end"][1])
    soon = share_within(answer.outcome, settings.within_days)
    shares = soon[np.isfinite(soon)]
    if not shares.size:
        return "Nobody was referred, so the service level cannot be judged."
    return (
        f"With {_own_chairs(answer)}, {_spread(shares, 'share')} of patients have a first infusion within "
        f"{_count(settings.within_days, 'day')} of referral; the service level is kept with a "
        f"probability of {(shares >= settings.share_within).mean():.2f}, and {waiting} people wait "
        "for a first visit at the end."
    )


def _assumed(answer: Answer) -> str:
    table = assumptions_table(answer)
    assumed = table[table["seen"] == "assumed"]
    steps = [label_of(name) for name in assumed["parameter"] if name.startswith("demand_")]
    on_the_way = f"; between people and patients these are: {', '.join(steps)}" if steps else ""
    return (
        f"{len(assumed)} of the {len(table)} numbers behind this answer are assumed, because no source "
        f"was found{on_the_way}."
    )


def _spread(values: ArrayLike, unit: str = "people") -> str:
    """Median and 95% interval of all values but NaN; a single number where it was counted."""
    draws = np.asarray(values, dtype=float)
    median, low, high = np.nanquantile(draws, [0.5, 0.025, 0.975])
    # A range that reads like the number itself says nothing more.
    text, *ends = (shown(value, unit) for value in (median, low, high))
    return text if ends == [text, text] else f"{text} ({ends[0]} to {ends[1]})"


def _count(n: int, thing: str) -> str:
    plural = {"county": "counties", "person": "people"}.get(thing, f"{thing}s")
    return f"{n:,} {thing if n == 1 else plural}"
