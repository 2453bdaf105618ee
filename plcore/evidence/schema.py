"""What each table of `data/` must hold: its columns, its keys and the rules across a row.

`data/README.md` says the same in words. A new column is a line here and a line there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plcore.evidence import columns
from plcore.evidence.columns import series_jumps
from plcore.evidence.observation_table import OBSERVATIONS
from plcore.evidence.table import (
    Cell,
    Check,
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
from plcore.evidence.trial_tables import SEARCHES, TREATMENTS, TRIALS

MARKS = columns.MARKS
#: The nine questions of the Joanna Briggs Institute for studies of prevalence (Munn 2015).
QUESTIONS = ("frame", "sampling", "size", "described", "coverage", "valid", "reliable", "analysis",
             "response")  # fmt: skip
#: Those of them that can turn a share upside down: who was asked, and what counted as pain.
DECISIVE = ("frame", "sampling", "valid", "response")
#: The domains of risk of bias 2 (Sterne 2019).
DOMAINS = ("randomisation", "deviations", "missing", "measurement", "selection")
VERDICTS = ("supported", "contradicted", "misattributed", "unverifiable")

_CLAIMED = ("claimed_low", "claimed", "claimed_high")
_FOUND = ("found_low", "found", "found_high")
_ESTIMATE = ("low", "value", "high")

_key, _keys = columns.key, columns.keys
_seen, _year, _any = columns.seen, columns.year, columns.words
_area = text(r"[A-Z]{3}", "an ISO 3166 code of three capitals, or WLD")


def _can_be_looked_up(row: Row) -> Iterator[tuple[str, str]]:
    has_address = not (is_empty(row["doi"]) and is_empty(row["url"]))
    needs_none = row["kind"] in ("assumption", "clinic_page")
    if not has_address and not needs_none and is_empty(row["note"]):
        yield "note", "the reason why there is neither doi nor url"


def _claim_has_unit(row: Row) -> Iterator[tuple[str, str]]:
    if all(is_empty(row[name]) for name in _CLAIMED) != (row["unit"] == "none"):
        yield "unit", "a unit where a number is claimed, and none where there is no number"


def _finding_has_unit(row: Row) -> Iterator[tuple[str, str]]:
    if not all(is_empty(row[name]) for name in _FOUND) and is_empty(row["found_unit"]):
        yield "found_unit", "the unit of the numbers found"


def _events_within_n(row: Row) -> Iterator[tuple[str, str]]:
    if not is_empty(row["events"]):
        if is_empty(row["n"]):
            yield "n", "a number where events are given"
        elif float(row["events"]) > float(row["n"]):
            yield "events", f"at most n ({row['n']:g})"


def _included_with_reason(row: Row) -> Iterator[tuple[str, str]]:
    if row["include"] == "no":
        return
    if row["pool"] == "none":
        yield "include", "no, as the row belongs to no pool"
    if is_empty(row["events"]):
        yield "include", "no, as there are no counts to pool"
    if row["seen"] == "memory" or row["counts"] == "memory":
        yield "include", "no, as the counts are known from memory only"


#: How the window of each kind of prevalence begins: the definitions of data/README.md.
_WINDOWS = {
    "point": ("current", "at "),
    "period": tuple("0123456789"),
    "lifetime": ("ever", "current or ever"),
    "cumulative_incidence": ("followed from the start", "ever within", "ever since amputation, seen",
                             "within the first"),
    "recognised": ("in the chart", "coded in"),
}  # fmt: skip
#: What a row says whose window is not known.
_NO_WINDOW = ("not seen", "not known", "not stated")


def _kind_as_defined(row: Row) -> Iterator[tuple[str, str]]:
    window, kind = str(row["window"]), str(row["kind"])
    if window.startswith(_NO_WINDOW) and row["include"] == "no":
        return
    if not window.startswith(_WINDOWS[kind]):
        fits = [name for name, begins in _WINDOWS.items() if window.startswith(begins)]
        expected = " or ".join(fits) or "a kind whose window begins so (see data/README.md)"
        yield "kind", f"{expected}, as the window is {window!r}"


def _pool_as_defined(row: Row) -> Iterator[tuple[str, str]]:
    loss, pool, cause = str(row["loss"]), str(row["pool"]), str(row["cause"]).lower()
    if loss == "acquired" and "congenital" in cause.replace("no congenital", ""):
        yield "loss", "mixed or congenital, as the cause says"
    if row["include"] == "no":
        return
    if pool == "congenital" and loss != "congenital":
        yield "loss", "congenital, as the pool is of those born without a limb"
    if pool in ("current", "lifetime", "natural_history", "children") and loss in (
        "congenital",
        "mixed",
    ):
        yield "include", f"no, as the pool {pool} is of acquired losses and the row's are {loss}"
    own = {"lifetime": ("lifetime",), "recognised": ("recognised",), "current": ("point", "period")}
    if row["kind"] not in own.get(pool, (row["kind"],)):
        if pool != "current":
            yield "kind", f"{own[pool][0]}, as the pool is {pool}"
        elif "not a current prevalence" not in str(row["reason"]):
            yield (
                "reason",
                "the words 'not a current prevalence', as the kind is neither point nor period",
            )


def _one_key_a_work(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        doi = str(row["doi"]).lower()
        if doi and (other := first.setdefault(doi, place)) != place:
            yield place, "doi", f"another than that of {rows[other]['source']}: one key a work"


#: How many years apart one work may be given: online, in print, as a thesis before.
_YEARS_APART = 2
#: Where two rows of one source with the same counts differ if they are two findings.
_FINDINGS = ("window", "timing", "kind", "limb", "cause", "loss", "pool")


def works_twice(rows: Sequence[Mapping[str, Any] | None]) -> Iterator[tuple[int, int, str]]:
    """Rows of studies that are likely one work entered twice.

    Parameters
    ----------
    rows : sequence of mapping
        With n, events, source and year, and cohort if there is one; None is passed over.

    Yields
    ------
    place, other : int
        Of a row and of the first that is likely the same.
    alike : str
        What both have, in words.
    """
    counts: dict[tuple[Any, Any], list[int]] = {}
    for place, row in enumerate(rows):
        if row is None:
            continue
        earlier = counts.setdefault((row["n"], row["events"]), [])
        for other in earlier:
            if alike := _alike(row, rows[other] or {}):
                yield place, other, alike
                break
        earlier.append(place)


def _alike(row: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What makes two rows with the same counts likely one work; nothing where they are two."""
    if row["source"] == other["source"]:
        places = [name for name in _FINDINGS if name in row]
        same = "window" in row and all(row[name] == other[name] for name in places)
        return "the same source, n, events and window" if same else ""
    cohorts = [item.get("cohort", "") for item in (row, other)]
    declared = [not is_empty(cohort) for cohort in cohorts]
    if all(declared) and cohorts[0] == cohorts[1]:
        return ""
    years = [item["year"] for item in (row, other)]
    if any(map(is_empty, years)):
        return "the same n and events, and no year that tells them apart"
    years_apart = abs(years[0] - years[1])
    if years_apart == 0:
        return "the same n, events and year"
    if years_apart <= _YEARS_APART and not all(declared):
        return f"the same n and events, {years_apart:g} year{'s' if years_apart > 1 else ''} apart"
    return ""


def _cohorts_once(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """Each cohort once a pool and window, and no work under two names."""
    seen: dict[tuple[Cell, ...], int] = {}
    counted = [
        None if is_empty(row["events"]) or row["counts"] in ("memory", "none") else row
        for row in rows
    ]
    for place, other, alike in works_twice(counted):
        expected = (
            f"another study than {rows[other]['study']}, which has {alike} (a likely duplicate; "
            "the same people share a key in the column cohort; other people with the same counts "
            "in another year get a key of their own)"
        )
        yield place, "study", expected
    for place, row in enumerate(rows):
        if row["include"] == "yes" and not is_empty(row["cohort"]):
            other = seen.setdefault((row["cohort"], row["pool"], row["window"]), place)
            if other != place:
                expected = (
                    f"no, as {rows[other]['study']} has the same people (cohort {row['cohort']}) in "
                    "the same pool and window"
                )
                yield place, "include", expected


def _two_decisive_are_weakest(row: Row) -> Iterator[tuple[str, str]]:
    if row["weakest"] != ("yes" if sum(row[name] == "no" for name in DECISIVE) > 1 else "no"):
        yield "weakest", f"yes exactly where two or more of {', '.join(DECISIVE)} are no"


def _high_is_weakest(row: Row) -> Iterator[tuple[str, str]]:
    if (row["weakest"] == "yes") != any(row[name] == "high" for name in DOMAINS):
        yield "weakest", f"yes exactly where one of {', '.join(DOMAINS)} is high"


def _included_has_counts(row: Row) -> Iterator[tuple[str, str]]:
    if row["include"] == "yes" and (is_empty(row["events"]) or row["seen"] == "memory"):
        yield "include", "no, as there are no counts that were seen"


def _no_default_from_memory(row: Row) -> Iterator[tuple[str, str]]:
    if row["seen"] == "memory":
        yield "seen", "a number that was seen, or one marked assumed"
    if (row["seen"] == "assumed") != (row["source"] == "assumed"):
        yield "source", "assumed exactly where seen is assumed"
    if row["seen"] == "assumed" and is_empty(row["note"]):
        yield "note", "the reason for the range of an assumed number"


def _phrases_once(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """A phrase leads to one term of the glossary."""
    seen: dict[str, str] = {}
    for place, row in enumerate(rows):
        also = [] if is_empty(row["also"]) else str(row["also"]).split(";")
        for column, phrase in (("term", str(row["term"])), *(("also", phrase) for phrase in also)):
            other = seen.setdefault(phrase.lower(), str(row["term"]))
            if other != row["term"] or (column == "also" and phrase == row["term"]):
                yield place, column, f"each phrase once, and {other!r} has {phrase!r}"


def _some_number(row: Row) -> Iterator[tuple[str, str]]:
    if all(is_empty(row[name]) for name in _ESTIMATE):
        yield "value", "a value, or at least one of low and high"


#: What may differ between the rows of one series by year.
_NOT_OF_A_SERIES = {
    "estimate", "first_year", "last_year", "value", "low", "high", "standard_error", "n", "note",
}  # fmt: skip


def _smooth_by_year(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    """A year of a series that jumps against the year before and the year after."""
    series: dict[tuple[object, ...], list[int]] = {}
    for place, row in enumerate(rows):
        if row["first_year"] == row["last_year"]:
            names = [name for name in row if name not in _NOT_OF_A_SERIES]
            series.setdefault(tuple(str(row[name]) for name in names), []).append(place)
    for places in series.values():
        ordered_places = sorted(places, key=lambda place: float(rows[place]["first_year"]))
        for column in ("value", "standard_error"):
            numbers = [float(rows[place][column]) for place in ordered_places]
            for at in series_jumps(numbers):
                before, after = numbers[at - 1], numbers[at + 1]
                yield (
                    ordered_places[at],
                    column,
                    f"a number near {before:g} and {after:g}, as in the years around it",
                )


def _words(allowed: str) -> Check:
    """A check for one of the words of a list with blanks between them."""
    return one_of(*allowed.split())


def _optional(check: Check, *names: str) -> tuple[Column, ...]:
    """Columns with the same check whose cells may be empty."""
    return tuple(Column(name, check, optional=True) for name in names)


_within_unit = columns.within_unit(columns.ESTIMATES, *_ESTIMATE)
_TO_SOURCES = {"source": "sources"}
_PEOPLE = (
    Column("people", _any),
    Column("cause", _words("all nontraumatic dysvascular trauma cancer congenital none")),
    Column(
        "level",
        _words(
            "any lower upper toe foot below_knee above_knee other_lower finger digit minor_lower "
            "major_lower major_upper minor major none"
        ),
    ),
    *_optional(whole(0, 120), "age_low", "age_high"),
    Column("sex", _words("any male female")),
)
_DIABETES = Column("diabetes", _words("any yes no"))
_YEARS = _optional(_year, "first_year", "last_year")
_COUNTS = (*_optional(whole(1), "n"), *_optional(whole(0), "events"))
_NOTE = Column("note", _any, optional=True)
_CITED = (Column("source", _keys), Column("seen", _seen), _NOTE)
_INCLUDE = (Column("include", _words("yes no")), Column("reason", _any))

TABLES = {
    "sources": Table(
        file="sources.csv",
        columns=(
            Column("source", _key),
            Column(
                "kind",
                _words(
                    "article preprint report web book label guideline dataset clinic_page "
                    "assumption"
                ),
            ),
            Column("authors", _any),
            Column("year", _year, optional=True),
            Column("title", _any),
            Column("journal", _any, optional=True),
            Column("doi", text(r"10\.\S+", "a bare DOI that starts with 10."), optional=True),
            Column("url", text(r"https?://\S+", "an address with http:// or https://"), True),
            _NOTE,
        ),
        key=("source",),
        across=(_one_key_a_work,),
        rules=(
            _can_be_looked_up,
            # The name of a data set or a report has the years that it is about.
            columns.year_in_label(
                "source",
                "year",
                pattern=r"^(?!.*_\d{4}_\d{4})\w*?_((?:1[5-9]|20)\d\d)[a-z]?(?:_|$)",
                kinds=("article", "preprint", "book", "label", "guideline"),
                needed=True,
            ),
        ),
    ),
    "claims": Table(
        file="claims.csv",
        columns=(
            Column("claim", _key),
            Column("page", _key),
            Column(
                "topic",
                _words(
                    "prevalence burden children onset course dose effect duration safety mechanism "
                    "history other_treatments neuropathy staffing prevention"
                ),
            ),
            Column("statement", _any),
            *_optional(number(0), *_CLAIMED),
            Column("unit", one_of(*columns.CLAIMS, "none")),
            Column("verdict", one_of(*VERDICTS)),
            Column("qualifier", _any, optional=True),
            Column("source", _keys),
            Column("trials", _keys, optional=True),
            Column("seen", _seen),
            Column("measures", _any),
            *_optional(number(), *_FOUND),
            Column("found_unit", _any, optional=True),
            Column("finding", _any),
        ),
        key=("claim",),
        rules=(
            ordered(*_CLAIMED),
            ordered(*_FOUND),
            columns.central(*_FOUND, note="measures", unit="found_unit"),
            _claim_has_unit,
            _finding_has_unit,
            columns.within_unit(columns.CLAIMS, *_CLAIMED),
            columns.begins_with_unit(columns.CLAIMS, unit="found_unit"),
            columns.within_unit(columns.CLAIMS, *_FOUND, unit="found_unit"),
        ),
        references={"page": "sources", "source": "sources", "trials": "trials"},
    ),
    "body_mass": Table(
        file="body_mass.csv",
        columns=(
            Column("level", _words("hand forearm arm foot below_knee leg")),
            Column("share", number(0, 0.5)),
            Column("source", _keys),
            Column("seen", _seen),
            Column("note", _any, optional=True),
        ),
        key=("level",),
        references={"source": "sources"},
    ),
    "treatments": TREATMENTS,
    "trials": TRIALS,
    "plp_prevalence_studies": Table(
        file="plp_prevalence_studies.csv",
        columns=(
            Column("study", _any),
            Column("source", _keys),
            Column("year", _year, optional=True),
            Column("country", _any),
            Column("region", _words("usa high_income other")),
            Column("limb", _words("upper lower both unknown")),
            Column("cause", _any),
            Column("loss", _words("acquired congenital mixed not_stated")),
            Column("population", _any),
            Column("cohort", _key, optional=True),
            *_COUNTS,
            *_optional(number(0, 100), "printed_percent"),
            Column("kind", _words("point period lifetime cumulative_incidence recognised")),
            Column("window", _any),
            Column("timing", _any),
            Column(
                "pool",
                _words("current lifetime natural_history children congenital recognised none"),
            ),
            *_INCLUDE,
            Column("doubt", _any, optional=True),
            Column("counts", _words("printed back_calculated inferred derived memory none")),
            Column("seen", _seen),
            _NOTE,
        ),
        key=("study",),
        rules=(
            _events_within_n,
            columns.percent_of_counts("printed_percent"),
            columns.year_in_label("study", "year", pattern=r"\b((?:19|20)\d\d)\b", needed=True),
            _included_with_reason,
            _kind_as_defined,
            _pool_as_defined,
        ),
        across=(_cohorts_once,),
        references=_TO_SOURCES,
    ),
    "study_appraisals": Table(
        file="study_appraisals.csv",
        columns=(
            Column("study", _any),
            *(Column(name, _words("yes no unclear not_seen")) for name in QUESTIONS),
            Column("weakest", _words("yes no")),
            _NOTE,
        ),
        key=("study",),
        rules=(_two_decisive_are_weakest,),
        references={"study": "plp_prevalence_studies"},
    ),
    "trial_appraisals": Table(
        file="trial_appraisals.csv",
        columns=(
            Column("trial", _key),
            *(Column(name, _words("low some_concerns high not_seen")) for name in DOMAINS),
            Column("weakest", _words("yes no")),
            _NOTE,
        ),
        key=("trial",),
        rules=(_high_is_weakest,),
        references={"trial": "trials"},
    ),
    "searches": SEARCHES,
    "plp_severity": Table(
        file="plp_severity.csv",
        columns=(
            Column("finding", _key),
            Column("source", _keys),
            Column("rung", _key),
            Column("share_of", one_of("people with the pain", "people with limb loss")),
            *_COUNTS,
            *_optional(number(0, 100), "printed_percent"),
            Column("population", _any),
            Column("definition", _any),
            Column("counts", _words("printed back_calculated derived none")),
            *_INCLUDE,
            Column("seen", _seen),
            _NOTE,
        ),
        key=("finding",),
        rules=(
            _events_within_n,
            columns.percent_of_counts("printed_percent"),
            _included_has_counts,
        ),
        references=_TO_SOURCES,
    ),
    "pain_after_minor_loss": Table(
        file="pain_after_minor_loss.csv",
        columns=(
            Column("finding", _key),
            Column("source", _keys),
            Column("outcome", _any),
            *_COUNTS,
            *_optional(number(0, 100), "printed_percent"),
            Column("lost", one_of("fingers", "toes")),
            Column("followed", _any),
            Column("country", _area),
            Column("counts", _words("printed back_calculated")),
            Column("seen", _seen),
            _NOTE,
        ),
        key=("finding",),
        rules=(_events_within_n, columns.percent_of_counts("printed_percent")),
        references=_TO_SOURCES,
    ),
    "checklists": Table(
        file="checklists.csv",
        columns=(
            Column("checklist", one_of("GATHER", "STRESS-DES", "ISPOR-SMDM")),
            Column("item", text(r"[0-9]+(\.[0-9])?", "a number such as 3 or 2.1")),
            Column("asks", _any),
            Column("met", one_of("yes", "partly", "no")),
            Column("how", _any),
            Column(
                "link", text(r"[\w/]+\.html(#[\w-]+)?", "a page of the report, such as index.html")
            ),
        ),
        key=("checklist", "item"),
    ),
    "glossary": Table(
        file="glossary.csv",
        columns=(
            Column("term", _any),
            Column("also", text(r"[^;]+(;[^;]+)*", "phrases separated by semicolons"), True),
            Column("definition", text(r"[^a-z].*[.)]", "whole sentences")),
        ),
        key=("term",),
        across=(_phrases_once,),
    ),
    "limb_loss_estimates": Table(
        file="limb_loss_estimates.csv",
        columns=(
            Column("estimate", _key),
            Column("quantity", _key),
            Column("area", _area),
            Column("stratum", _any),
            Column("year", _year, optional=True),
            *_optional(number(), "value", "low", "high"),
            Column("unit", one_of(*columns.ESTIMATES)),
            *_CITED,
        ),
        key=("estimate",),
        rules=(
            ordered(*_ESTIMATE),
            columns.central(*_ESTIMATE),
            columns.year_in_label("estimate", "year"),
            _some_number,
            _within_unit,
        ),
        references=_TO_SOURCES,
    ),
    "amputation_incidence": Table(
        file="amputation_incidence.csv",
        columns=(
            Column("estimate", _key),
            Column("quantity", _key),
            Column("area", _area),
            *_PEOPLE,
            Column("race", _words("any black white hispanic native_american asian_pacific")),
            _DIABETES,
            *_YEARS,
            Column("adjusted", _words("crude age age_sex none not_stated")),
            Column("against", _any, optional=True),
            *_optional(number(), "value", "low", "high"),
            *_optional(number(0), "standard_error"),
            Column("unit", one_of(*columns.ESTIMATES)),
            *_optional(whole(1), "n"),
            *_CITED,
        ),
        key=("estimate",),
        rules=(
            ordered("age_low", "age_high"),
            ordered("first_year", "last_year"),
            ordered(*_ESTIMATE),
            columns.central(*_ESTIMATE),
            columns.year_in_label("estimate", "first_year", "last_year"),
            _some_number,
            _within_unit,
        ),
        across=(_smooth_by_year,),
        references=_TO_SOURCES,
    ),
    "mortality_after_amputation": Table(
        file="mortality_after_amputation.csv",
        columns=(
            Column("estimate", _key),
            Column("quantity", _key),
            Column("area", _area, optional=True),
            *_PEOPLE,
            _DIABETES,
            *_YEARS,
            *_optional(whole(0), "months_from", "months_to"),
            Column("against", _any, optional=True),
            *_optional(number(0), "value", "low", "high"),
            Column("unit", _words("percent ratio per_100_amputee_years")),
            *_optional(whole(0), "events"),
            *_optional(whole(1), "n"),
            *_CITED,
        ),
        key=("estimate",),
        rules=(
            ordered("age_low", "age_high"),
            ordered("first_year", "last_year"),
            ordered("months_from", "months_to"),
            columns.together("months_from", "months_to"),
            ordered(*_ESTIMATE),
            columns.central(*_ESTIMATE),
            columns.year_in_label("estimate", "first_year", "last_year"),
            _some_number,
            _within_unit,
            _events_within_n,
            columns.percent_of_counts("value"),
        ),
        references=_TO_SOURCES,
    ),
    # What its numbers must be is checked by the distribution: see `distributions`.
    "parameters": Table(
        file="parameters.csv",
        columns=(
            Column("name", _key),
            Column("unit", _any),
            Column("dist", _key),
            *_optional(number(), "value", "low", "high"),
            *_optional(whole(), "events", "n"),
            *_CITED,
        ),
        key=("name",),
        rules=(_no_default_from_memory,),
        references=_TO_SOURCES,
    ),
    "observations": OBSERVATIONS,
}
