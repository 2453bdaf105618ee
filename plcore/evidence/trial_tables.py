"""What `treatments.csv` and `trials.csv` must hold.

A row of `trials.csv` is one arm of one trial at one time for one outcome. The rules keep apart what
may be pooled from what may not: counts that were seen, of one group of patients each, in an arm
whose outcome says in words what a responder is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from plcore.evidence.columns import central, key, keys, seen, words, year, year_in_label
from plcore.evidence.table import (
    Cell,
    Column,
    Row,
    Table,
    is_empty,
    number,
    one_of,
    ordered,
    text,
    whole,
)

#: What a responder can be, and what that is called on a chart. "other" names no one thing: rows of
#: it are never put together.
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
_FAMILIES = (
    "nmda", "anticonvulsant", "antidepressant", "opioid", "other_medicine", "topical", "block",
    "surgery", "neurostimulation", "electrical", "movement", "physical", "psychological",
    "complementary", "other",
)  # fmt: skip
_DESIGNS = ("parallel", "crossover", "factorial", "single_arm", "cohort", "meta_analysis")
#: The numbers of a row; a row known from memory has none of them.
_NUMBERS = (
    "n", "responders", "mean_change", "sd_change", "mean_difference", "difference_low",
    "difference_high", "follow_up_days",
)  # fmt: skip


def _responders_counted(row: Row) -> Iterator[tuple[str, str]]:
    if is_empty(row["responders"]) != (row["counts"] == "none"):
        yield "counts", "none exactly where there are no responders"
    if is_empty(row["responders"]):
        return
    if is_empty(row["n"]):
        yield "n", "a number where responders are given"
    elif float(row["responders"]) > float(row["n"]):
        yield "responders", f"at most n ({row['n']:g})"
    if row["definition"] == "none":
        yield "definition", "what a responder is, where responders are given"


def _defined_in_words(row: Row) -> Iterator[tuple[str, str]]:
    if (row["definition"] == "none") != is_empty(row["definition_words"]):
        yield "definition_words", "words exactly where a definition is given"


def _poolable(row: Row) -> Iterator[tuple[str, str]]:
    if row["include"] == "no":
        return
    if row["counts"] == "none":
        yield "include", "no, as there are no counts to pool"
    if row["seen"] == "memory":
        yield "include", "no, as the row is known from memory only"
    if row["design"] == "meta_analysis":
        yield "include", "no, as a meta-analysis is made of other rows"
    if is_empty(row["follow_up_days"]):
        yield "follow_up_days", "a time, as rows of unlike times are never pooled"


def _no_number_from_memory(row: Row) -> Iterator[tuple[str, str]]:
    if row["seen"] == "memory":
        for name in _NUMBERS:
            if not is_empty(row[name]):
                yield name, "an empty cell, as the row is from memory; the note may have the number"


def _role_fits(row: Row) -> Iterator[tuple[str, str]]:
    if row["design"] == "single_arm" and row["role"] != "single":
        yield "role", "single, as the design has one arm"
    contrast = [row[name] for name in ("mean_difference", "difference_low", "difference_high")]
    if not all(map(is_empty, contrast)) and row["role"] != "treatment":
        yield "mean_difference", "an empty cell; a contrast stands in the row of the treatment"
    if is_empty(contrast[0]) and not all(map(is_empty, contrast)):
        yield "mean_difference", "the difference that the limits belong to"


def _controls_have_a_treatment(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    treated = {(row["trial"], row["outcome"]) for row in rows if row["role"] == "treatment"}
    for place, row in enumerate(rows):
        if row["role"] == "control" and (row["trial"], row["outcome"]) not in treated:
            yield place, "role", "a row of a treatment with the same trial and outcome"


def _crossover_arms_agree(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    arms = defaultdict(list)
    for place, row in enumerate(rows):
        if row["design"] == "crossover" and not is_empty(row["n"]):
            arms[row["trial"], row["outcome"]].append(place)
    for places in arms.values():
        if len({rows[place]["n"] for place in places}) > 1:
            for place in places:
                if is_empty(rows[place]["note"]):
                    yield (
                        place,
                        "n",
                        "the n of the other arm of a crossover, or a note that says why",
                    )


def _search_is_named(row: Row) -> Iterator[tuple[str, str]]:
    unsearched = "nothing was searched" in str(row["note"])
    if is_empty(row["searched"]) != unsearched:
        yield "searched", "the searches made, or the words 'nothing was searched' in the note"


SEARCHES = Table(
    file="searches.csv",
    columns=(
        Column("search", key),
        Column("date", text(r"\d{4}-\d{2}-\d{2}", "a day such as 2026-11-27"), optional=True),
        Column("place", words),
        Column("words", words),
        Column("results", whole(0), optional=True),
        Column("found", words),
    ),
    key=("search",),
)
#: Days of each unit of time that the name of an outcome can end in, as in relief_50_week_1.
_DAYS = {
    "minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25,
}  # fmt: skip
_TIMED = re.compile(rf"_({'|'.join(_DAYS)})_(\d+)$")


def _times_of_outcomes(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """The time in the name of an outcome is that of its follow-up."""
    for place, row in enumerate(rows):
        timed = _TIMED.search(str(row["outcome"]))
        if timed is None or is_empty(row["follow_up_days"]):
            continue
        days = _DAYS[timed[1]] * int(timed[2])
        # Half a day for whole days, and months of 28 or 30 days.
        slack = max(0.08 * days, 0.5 if days >= 1 else 0.001)
        if abs(float(row["follow_up_days"]) - days) > slack:
            yield place, "follow_up_days", f"about {days:.3g}, as the name of the outcome says"


def _arms_of_a_trial_agree(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """What is one for a trial, and what for one outcome of it, is the same in each of its rows."""
    for names, columns in (
        (("trial",), ("year", "design", "setting")),
        (("trial", "outcome"), ("follow_up_days",)),
    ):
        first: dict[tuple[object, ...], Row] = {}
        for place, row in enumerate(rows):
            before = first.setdefault(tuple(row[name] for name in names), row)
            for column in columns:
                if str(row[column]) != str(before[column]):
                    shown = "an empty cell" if is_empty(before[column]) else f"{before[column]}"
                    yield place, column, f"{shown}, as in the other rows of {row[names[0]]}"


TREATMENTS = Table(
    file="treatments.csv",
    columns=(
        Column("treatment", key),
        Column("name", words),
        Column("family", one_of(*_FAMILIES)),
        Column("pages", keys, optional=True),
        Column("trials_found", one_of("randomised", "uncontrolled", "none")),
        Column("source", keys),
        Column("searched", keys, optional=True),
        Column("note", words, optional=True),
    ),
    key=("treatment",),
    rules=(_search_is_named,),
    references={"pages": "sources", "source": "sources", "searched": "searches"},
)


def _trials_once(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """No trial under two names: all its counts those of another trial."""
    arms: dict[Cell, list[int]] = {}
    for place, row in enumerate(rows):
        if not is_empty(row["responders"]):
            arms.setdefault(row["trial"], []).append(place)
    first: dict[tuple[tuple[str, ...], ...], int] = {}
    for places in arms.values():
        # One arm may have the counts of another trial by chance.
        if len(places) < 2:
            continue
        counts = tuple(
            sorted(
                (str(r["role"]), str(r["n"]), str(r["responders"]))
                for r in map(rows.__getitem__, places)
            )
        )
        other = rows[first.setdefault(counts, places[0])]
        row = rows[places[0]]
        if row["trial"] != other["trial"] and row["patients"] != other["patients"]:
            yield (
                places[0],
                "trial",
                (
                    f"another trial than {other['trial']}, all of whose counts it has (a likely "
                    "duplicate; reports of the same patients share a key in the column patients)"
                ),
            )


TRIALS = Table(
    file="trials.csv",
    columns=(
        Column("trial", key),
        Column("arm", key),
        Column("outcome", key),
        Column("role", one_of("treatment", "control", "single")),
        Column("treatment", key),
        Column("intervention", words),
        Column("year", year, optional=True),
        Column("design", one_of(*_DESIGNS)),
        Column("setting", one_of(*SETTINGS)),
        Column("population", words),
        Column("n", whole(1), optional=True),
        Column("responders", whole(0), optional=True),
        Column("definition", one_of(*DEFINITIONS, "none")),
        Column("definition_words", words, optional=True),
        Column("mean_change", number(-10, 10), optional=True),
        Column("sd_change", number(0, 10), optional=True),
        Column("mean_difference", number(-10, 10), optional=True),
        Column("difference_low", number(-10, 10), optional=True),
        Column("difference_high", number(-10, 10), optional=True),
        Column("follow_up_days", number(0), optional=True),
        Column("adverse_events", words, optional=True),
        Column("patients", keys),
        Column("counts", one_of("printed", "reconstructed", "back_calculated", "none")),
        Column("include", one_of("yes", "no")),
        Column("reason", words),
        Column("source", keys),
        Column("seen", seen),
        Column("note", words, optional=True),
    ),
    key=("trial", "arm", "outcome"),
    rules=(
        _responders_counted,
        _defined_in_words,
        _poolable,
        _no_number_from_memory,
        _role_fits,
        ordered("difference_low", "mean_difference", "difference_high"),
        central("difference_low", "mean_difference", "difference_high"),
        year_in_label("trial", "year", pattern=r"_((?:19|20)\d\d)(?:_|$)"),
    ),
    across=(
        _controls_have_a_treatment,
        _crossover_arms_agree,
        _arms_of_a_trial_agree,
        _times_of_outcomes,
        _trials_once,
    ),
    references={"treatment": "treatments", "source": "sources"},
)
