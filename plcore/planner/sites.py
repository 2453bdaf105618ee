"""Several sites added up: saved plans of the same years, draw by draw.

What is not known about limb loss, pain and patients is the same at all sites, so that a draw in
which many come to one is a draw in which many come to the others: sites are added up draw by draw,
and their errors do not cancel out as independent ones would. Chance is each site's own: run r of a
site is put beside another run of the others, as runs of the same number have the same luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from plcore.clinic.places import COUNTIES, frame
from plcore.clinic.results import clinic_measures
from plcore.evidence.distributions import Floats
from plcore.planner.answers import Answer
from plcore.planner.decisions import (
    FACTOR_UNITS,
    FACTORS,
    SELDOM,
    SEVERITY_WORDS,
    Decision,
    chairs_for,
    counted,
    decision_of,
    find_toss_up_in_words,
    nurses_of,
    quantiles,
    ranked,
    shown,
    to_plan,
    toss_up_in_words,
    when_cleared,
    worth_in_all,
)
from plcore.planner.settings import Settings

#: Settings that all sites share, or their draws would not be those of one world.
SHARED = ("year", "n_years", "scenario", "severity", "draws", "runs", "seed", "probability")
#: The name of all sites in the table.
TOGETHER = "together"
#: What the clinics do, added up over sites.
_MEASURES = ("infusions_a_year", "waiting_at_end", "nurse_hours_a_year", "vials_a_year")


def check_shared(sites: Mapping[str, Settings]) -> None:
    """Refuse plans that are not of one world, before they are worked out.

    Parameters
    ----------
    sites : mapping of str to Settings
        The settings by name of the site.

    Raises
    ------
    ValueError
        If there are fewer than two, settings differ that all must share, or there are more sites
        than runs of chance.
    """
    if len(sites) < 2:
        raise ValueError(f"{len(sites)} site; expected the plans of two or more to add up")
    (first, one), *rest = sites.items()
    for name, other in rest:
        for setting in SHARED:
            values = getattr(one, setting), getattr(other, setting)
            if values[0] != values[1]:
                raise ValueError(
                    f"{setting} is {values[0]!r} in {first} and {values[1]!r} in {name}; expected "
                    "the same at all sites"
                )
    if one.runs < len(sites):
        raise ValueError(
            f"runs is {one.runs}; expected as many as there are sites, {len(sites)}, so that each "
            "has chance of its own"
        )


def _check_people(answers: Mapping[str, Answer]) -> None:
    """Nobody counts twice, and sites of the same counties share the people who come."""
    for (name, here), (other, there) in combinations(answers.items(), 2):
        common = set(here.area.fips) & set(there.area.fips)
        if not common:
            continue
        if any(answer.own is not None and _counts_people(answer) for answer in (here, there)):
            raise ValueError(
                f"{name} and {other} share {_counties(common)}, and people were counted at one of "
                "them; expected sites with counties of their own, so that nobody counts twice"
            )
        both = here.funnel.shares["choosing"] + there.funnel.shares["choosing"]
        if both.max() > 1 + 1e-9:
            raise ValueError(
                f"{name} and {other} share {_counties(common)}, and together they would serve up to "
                f"{both.max():.0%} of those who would have a course; expected 100% at most"
            )


def _counts_people(answer: Answer) -> bool:
    own = answer.own
    return own is not None and any(x is not None for x in (own.residents, own.limb_loss, own.plp))


def _counties(fips: set[str]) -> str:
    table = frame(COUNTIES).set_index("fips")
    rows = table.loc[sorted(fips), ["county", "state"]].itertuples(index=False)
    names = [", ".join(map(str, row)) for row in rows]
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return "; ".join(names[:2]) + more


def sites_table(answers: Mapping[str, Answer]) -> pd.DataFrame:
    """The sites and all of them together, a row for each figure and site.

    Parameters
    ----------
    answers : mapping of str to Answer
        The answers by name of the site.

    Returns
    -------
    DataFrame
        figure, unit, site (the last is "together"), median, low, high: over draws, and for what was
        simulated over draws and chance. Chairs to plan are those of each site's own plan,
        between what other draws may well say;
        "load kept with these chairs" is the probability that all sites do so at the same time.

    Raises
    ------
    ValueError
        If `check_shared` refuses the settings, or sites of the same counties count people twice or
        serve more of them than there are.
    """
    check_shared({name: answer.settings for name, answer in answers.items()})
    _check_people(answers)
    decisions = {name: decision_of(answer) for name, answer in answers.items()}
    settings = next(iter(answers.values())).settings
    rows: list[tuple[object, ...]] = []

    def add(figure: str, unit: str, by_site: Mapping[str, Floats], all_sites: Floats) -> None:
        for site, values in {**by_site, TOGETHER: all_sites}.items():
            known = values[~np.isnan(values)]
            # Waits may be infinite, between which and a number nothing is interpolated.
            of = ranked if unit == "days" else quantiles
            rows.append((figure, unit, site, *(of(known) if len(known) else [np.nan] * 3)))

    def summed(figure: str, unit: str, by_site: Mapping[str, Floats]) -> None:
        add(figure, unit, by_site, np.sum(list(by_site.values()), axis=0))

    summed("people who would come", "people", {n: d.choosing for n, d in decisions.items()})
    summed("new patients of all years", "people", {n: d.patients for n, d in decisions.items()})
    summed(
        "visits a week in the busiest year", "visits", {n: d.visits for n, d in decisions.items()}
    )
    loads = {name: decision.visits / decision.capacity for name, decision in decisions.items()}
    add("load of the busiest year", "share", loads, _load(decisions))
    never = {name: decision.never.astype(float) for name, decision in decisions.items()}
    for name, values in {**never, TOGETHER: np.max(list(never.values()), axis=0)}.items():
        rows.append(("list never clears", "share", name, *[float(values.mean())] * 3))
    add("mean wait", "days", {n: d.wait for n, d in decisions.items()}, _wait(answers, decisions))
    for figure, factor in (("chairs needed", 1.0), ("chairs needed for half as many", 0.5)):
        needed = {n: chairs_for(factor * d.wanted, d.held) for n, d in decisions.items()}
        together = np.sum(list(needed.values()), axis=0)
        for site, values in {**needed, TOGETHER: together}.items():
            rows.append((figure, "chairs", site, *ranked(values)))
        plan = {n: to_plan(values, settings.probability) for n, values in needed.items()}
        label = figure.replace("needed", "to plan")
        for site, ends in {**plan, TOGETHER: _added(plan)}.items():
            rows.append((label, "chairs", site, *ends))
        if factor == 1:
            nurses = {
                name: [nurses_of(answers[name], n) for n in ends] for name, ends in plan.items()
            }
            for site, ends in {**nurses, TOGETHER: _added(nurses)}.items():
                rows.append(("nurses to plan", "nurses", site, *ends))
            kept = {name: needed[name] <= ends[0] for name, ends in plan.items()}
            for site, values in {**kept, TOGETHER: np.all(list(kept.values()), axis=0)}.items():
                rows.append(("load kept with these chairs", "share", site, *[values.mean()] * 3))
    weeks = {name: decision.cleared for name, decision in decisions.items()}
    for site, values in {**weeks, TOGETHER: np.max(list(weeks.values()), axis=0)}.items():
        rows.append(("weeks until the list is cleared", "weeks", site, *ranked(values)))
    for measure in _MEASURES:
        by_site = {
            name: _own_chance(clinic_measures(answer.outcome)[measure][1], place)
            for place, (name, answer) in enumerate(answers.items())
        }
        unit = clinic_measures(one_of(answers).outcome)[measure][0]
        summed(measure.replace("_", " "), unit, {n: v.ravel() for n, v in by_site.items()})
    return pd.DataFrame(rows, columns=["figure", "unit", "site", "median", "low", "high"])


def _added(by_site: Mapping[str, list[float]]) -> list[float]:
    """Sums over sites, whose draws are the same, so that they are at an end together."""
    return [float(sum(values)) for values in zip(*by_site.values(), strict=True)]


def one_of(answers: Mapping[str, Answer]) -> Answer:
    """The first of the answers, for what all share."""
    return next(iter(answers.values()))


def _own_chance(values: Floats, place: int) -> Floats:
    """Runs of a site beside other runs of the others: those of the same number share their luck."""
    return np.roll(values, place, axis=1)


def _load(decisions: Mapping[str, Decision]) -> Floats:
    visits = np.sum([decision.visits for decision in decisions.values()], axis=0)
    return np.asarray(
        visits / np.sum([decision.capacity for decision in decisions.values()], axis=0)
    )


def _wait(answers: Mapping[str, Answer], decisions: Mapping[str, Decision]) -> Floats:
    """The mean wait of the patients of all sites; infinite where a list never clears."""
    rates = np.array([answer.patients.per_week for answer in answers.values()])
    waits = np.array([decision.wait for decision in decisions.values()])
    some = ~np.isnan(waits)
    weights = np.where(some, rates, 0.0)
    total = weights.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(weights > 0, weights * waits, 0.0).sum(axis=0) / np.maximum(total, 1e-300)
    return np.where(total > 0, mean, np.nan)


def sites_in_sentences(answers: Mapping[str, Answer], table: pd.DataFrame) -> tuple[str, ...]:
    """A sentence with a range for each of the six questions, for all sites together.

    `table` is as `sites_table` gives it.
    """
    settings = one_of(answers).settings
    at: dict[tuple[str, str], tuple[str, tuple[float, ...]]] = {
        (str(figure), str(site)): (str(unit), (float(median), float(low), float(high)))
        for figure, unit, site, median, low, high in table.to_numpy().tolist()
    }

    def said(figure: str) -> str:
        unit, ends = at[figure, TOGETHER]
        text, *limits = (shown(end, unit) for end in ends)
        return text if limits == [text, text] else f"{text} ({limits[0]} to {limits[1]})"

    def toss_up(figure: str) -> str:
        _, (_, low, high) = at[figure, TOGETHER]
        return toss_up_in_words(low, high, "chair")

    def number(figure: str, site: str = TOGETHER) -> float:
        return at[figure, site][1][0]

    def by_site(figure: str) -> str:
        return ", ".join(f"{site} {shown(number(figure, site), 'chairs')}" for site in answers)

    last_year = settings.year + settings.n_years - 1
    span = str(settings.year) if last_year == settings.year else f"{settings.year} to {last_year}"
    kept, chairs, half = (
        "load kept with these chairs", "chairs to plan", "chairs to plan for half as many",
    )  # fmt: skip
    at_once = shown(number(kept), "share")
    independent = shown(float(np.prod([number(kept, site) for site in answers])), "share")
    shared = (
        ""
        if independent == at_once
        else f" (independent sites would be with {independent}; these rest on the same evidence)"
    )
    never = number("list never clears")
    grows = (
        f"; with a probability of {shown(never, 'share')} the list of one site or more grows without "
        "end"
        if never
        else ""
    )
    endless = np.isinf(number("mean wait"))
    waits = "without end" if endless else f"{said('mean wait')} days on average"
    find = "Nothing needs to be found out first: no input moves the visits that are asked for."
    worth = worth_in_all(list(answers.values()))
    others = [factor_worth.factor for factor_worth in worth[1:] if factor_worth.toss_up]
    or_another = find_toss_up_in_words(others, settings.severity)
    for factor_worth in worth[:1]:
        unit = FACTOR_UNITS.get(factor_worth.factor, "share")
        factor = FACTORS[factor_worth.factor].format(severity=SEVERITY_WORDS[settings.severity])
        known = f"{factor} ({shown(factor_worth.low, unit)} to {shown(factor_worth.high, unit)})"
        find = (
            f"Find out first {known}: knowing it takes {shown(factor_worth.worth, 'share')} off what wrong "
            f"sizes are expected to cost, and changes the chairs of all sites in "
            f"{shown(factor_worth.changes, 'share')} of cases{or_another}."
            if factor_worth.changes >= SELDOM
            else f"Nothing needs to be found out first for the number of chairs: even knowing {known}, "
            f"which matters most, changes it in {shown(factor_worth.changes, 'share')} of cases{or_another}."
        )
    come = (
        f"{said('people who would come')} people would come to the {len(answers)} sites sooner or "
        f"later, {said('new patients of all years')} of them as new patients in {span}."
    )
    size = (
        f"The sites need {counted(number(chairs), 'chair')} ({by_site(chairs)}) and "
        f"{counted(number('nurses to plan'), 'nurse')} on duty, so that each keeps its load with a "
        f"probability of {100 * settings.probability:.5g}%; all do at the same time with a "
        f"probability of {at_once}{shared}. 95% of cases take {said('chairs needed')} chairs"
        f"{toss_up(chairs)}."
    )
    own = ", ".join(f"{site} {answer.settings.chairs}" for site, answer in answers.items())
    wait = (
        f"With the chairs of the plans ({own}) the load of the busiest year is "
        f"{said('load of the busiest year')} over all sites, and patients referred then wait {waits} "
        f"for the first infusion{grows}."
    )
    halved = (
        f"If half as many come, {counted(number(half), 'chair')} would do ({by_site(half)}; "
        f"95% of cases: {said('chairs needed for half as many')}{toss_up(half)})."
    )
    cleared = when_cleared(
        at["weeks until the list is cleared", TOGETHER][1],
        no_list=shown(float((_cleared(answers) == 0).mean()), "share"),
        listed=sum(answer.settings.waiting_list for answer in answers.values()),
        year=settings.year,
        n_years=settings.n_years,
    )
    return come, size, wait, halved, cleared, find


def _cleared(answers: Mapping[str, Answer]) -> Floats:
    return np.asarray(np.max([decision_of(answer).cleared for answer in answers.values()], axis=0))
