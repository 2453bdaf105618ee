"""What each table of `data/` must hold: its columns, its keys and the rules across a row.

`data/README.md` says the same in words. A new column is a line here and a line there.
"""

from __future__ import annotations

from collections.abc import Iterator

from plcore.evidence import columns
from plcore.evidence.observation_table import OBSERVATIONS
from plcore.evidence.table import (
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
from plcore.evidence.trial_tables import TREATMENTS, TRIALS

MARKS = columns.MARKS
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


def _printed_agrees(row: Row) -> Iterator[tuple[str, str]]:
    if is_empty(row["printed_percent"]) or is_empty(row["events"]) or is_empty(row["n"]):
        return
    share = 100 * float(row["events"]) / float(row["n"])
    # Half a person, and a percent printed to no decimals, is as far as counts that were worked
    # back from a printed percentage can be out.
    if abs(share - float(row["printed_percent"])) > 0.5 + 50 / float(row["n"]):
        yield "printed_percent", f"about {share:.1f}, as events and n give"


def _included_with_reason(row: Row) -> Iterator[tuple[str, str]]:
    if row["include"] == "no":
        return
    if row["pool"] == "none":
        yield "include", "no, as the row belongs to no pool"
    if is_empty(row["events"]):
        yield "include", "no, as there are no counts to pool"
    if row["seen"] == "memory" or row["counts"] == "memory":
        yield "include", "no, as the counts are known from memory only"


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


def _some_number(row: Row) -> Iterator[tuple[str, str]]:
    if all(is_empty(row[name]) for name in _ESTIMATE):
        yield "value", "a value, or at least one of low and high"


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
        rules=(_can_be_looked_up,),
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
            Column("population", _any),
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
            Column("counts", _words("printed back_calculated inferred derived memory none")),
            Column("seen", _seen),
            _NOTE,
        ),
        key=("study",),
        rules=(_events_within_n, _printed_agrees, _included_with_reason),
        references=_TO_SOURCES,
    ),
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
        rules=(_events_within_n, _printed_agrees, _included_has_counts),
        references=_TO_SOURCES,
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
        rules=(ordered(*_ESTIMATE), _some_number, _within_unit),
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
            _some_number,
            _within_unit,
        ),
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
            ordered(*_ESTIMATE),
            _some_number,
            _within_unit,
            _events_within_n,
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
    "calibration_targets": Table(
        file="calibration_targets.csv",
        columns=(
            Column("target", _key),
            Column("counts", _key),
            Column("year", _year),
            Column("value", number(0)),
            Column("spread", number(0.001, 2)),
            Column("source", _keys),
            Column("seen", _seen),
            Column("note", _any),
        ),
        key=("target",),
        references=_TO_SOURCES,
    ),
}
