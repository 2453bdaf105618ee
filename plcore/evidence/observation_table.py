"""What `observations.csv` must hold: whatever a model of US limb loss can be held against.

A row is one observed number and its definition. The rules keep a fit honest: every row that is used
has a discrepancy with its reason, no row is known from memory only, and a source does not give two
values for one definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plcore.evidence import columns
from plcore.evidence.table import Column, Row, Table, is_empty, number, one_of, ordered, text, whole

_SHARE, _COUNT = ("share", "percent"), ("number/year", "number in the period")
_RATE = ("per_1000_per_year", "per_100000_per_year", "per_100_person_years")
#: Each quantity with the units it can have.
QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "people_with_limb_loss": ("people",),
    "rate_of_people_with_limb_loss": ("per_1000",),
    "share_of_people_with_limb_loss": _SHARE,
    "change_in_people_with_limb_loss": ("people",),
    "ratio_vascular_to_trauma": ("ratio",),
    "people_using_prosthesis": ("people",),
    "amputations": _COUNT,
    "amputation_rate": _RATE,
    "amputations_ratio_of_years": ("ratio",),
    "share_of_amputations": _SHARE,
    "share_of_first_losses": _SHARE,
    "operations_per_person": ("ratio",),
    "counted_share": _SHARE,
    "mean_age_at_amputation": ("years",),
    "dead": _SHARE,
    "alive": _SHARE,
    "dead_ratio_of_ages": ("ratio",),
    "dead_ratio_of_levels": ("ratio",),
    "dead_ratio_of_years": ("ratio",),
    "age_hazard_ratio": ("ratio",),
    "mortality_ratio": ("ratio",),
    "median_survival": ("months",),
    "amputated_again": _SHARE,
    "amputated_higher": _SHARE,
    "major_same_leg": _SHARE,
    "major_other_leg": _SHARE,
}
#: Quantities about the time after an amputation: reviews of them may not say when it was.
FOLLOWED = tuple(QUANTITIES)[list(QUANTITIES).index("dead") :]
_MONTHS_NEEDED = {"dead", "alive", "amputated_again", "major_same_leg", "major_other_leg"}
UNITS = {
    **columns.ESTIMATES,
    "per_100_person_years": (0, 1e4),
    "months": (0, 1200),
    "number/year": (0, 1e7),
    "number in the period": (0, 1e8),
    "people": (0, 1e8),
}
#: Rows of one family share one error: they come from one work or one system of data.
FAMILIES = (
    "ziegler_graham", "rivera", "avalere", "nhis", "nhis_disability", "hcup_nis", "cdc_diabetes",
    "nhds", "medicare", "kidney_failure", "veterans", "armed_forces", "maryland",
    "trauma_centres", "emergency", "work_injuries", "meshkin", "partial_foot_review", "varghese",
    "lazio", "uk_primary_care", "glaser", "finland", "other_series",
)  # fmt: skip
POPULATIONS = (
    "residents", "noninstitutional", "insured", "medicare", "medicare_pad", "kidney_failure",
    "kidney_transplant", "veterans", "armed_forces", "workers", "trauma_centres", "one_centre",
    "one_region", "reviewed_studies",
)  # fmt: skip
#: What makes two rows of a source the same observation.
_DEFINITION = (
    "source", "quantity", "loss_level", "site", "cause", "counts", "setting", "congenital",
    "age_low", "age_high", "sex", "diabetes", "area", "population", "first_year", "last_year",
    "months", "unit",
)  # fmt: skip


def _error(row: Row) -> Iterator[tuple[str, str]]:
    if not is_empty(row["standard_error"]) and float(row["standard_error"]) <= 0:
        yield "standard_error", "a number above 0, or an empty cell"
    has_limits = not is_empty(row["low"])
    if has_limits == is_empty(row["high"]):
        yield "high", "a number exactly where low has one"
    if has_limits == is_empty(row["limits_level"]):
        yield "limits_level", "a level exactly where there are limits"
    if has_limits and not is_empty(row["standard_error"]):
        yield "standard_error", "an empty cell, as the limits say it"


def _unit_of_quantity(row: Row) -> Iterator[tuple[str, str]]:
    units = QUANTITIES[str(row["quantity"])]
    if row["unit"] not in units:
        yield "unit", f"{' or '.join(units)}, as the quantity is {row['quantity']}"


def _dated(row: Row) -> Iterator[tuple[str, str]]:
    if is_empty(row["first_year"]) != is_empty(row["last_year"]):
        yield "last_year", "a year exactly where first_year has one"
    if is_empty(row["first_year"]) and row["quantity"] not in FOLLOWED:
        yield "first_year", "the first year of the data"


def _usable(row: Row) -> Iterator[tuple[str, str]]:
    if row["seen"] in ("memory", "assumed"):
        yield "seen", "how the number was seen; neither memory nor a guess is an observation"
    if is_empty(row["discrepancy"]) != is_empty(row["discrepancy_note"]):
        yield "discrepancy_note", "the reason, exactly where there is a discrepancy"
    if not is_empty(row["discrepancy"]) and float(row["discrepancy"]) <= 0:
        yield "discrepancy", "a number above 0"
    if row["use"] == "context":
        if is_empty(row["note"]):
            yield "note", "the reason why the row is context only"
        return
    if is_empty(row["discrepancy"]):
        yield "discrepancy", f"a number, as the row is for {row['use']}"
    if row["quantity"] in _MONTHS_NEEDED and is_empty(row["months"]):
        yield "months", f"the time since the amputation, as the row is for {row['use']}"
    most = {"share": 1, "percent": 100}.get(str(row["unit"]))
    if most is not None and not 0 < float(row["value"]) < most:
        yield "value", f"a number between 0 and {most}, as the row is for {row['use']}"


def _no_contradictions(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    first: dict[tuple[str, ...], Row] = {}
    for at, row in enumerate(rows):
        definition = tuple(str(row[name]) for name in _DEFINITION)
        before = first.setdefault(definition, row)
        if before is not row:
            said = f"{float(before['value']):g}, which {before['observation']} of the same source"
            yield at, "value", f"{said} and definition has; otherwise another definition"


def _one_kind_a_family(rows: Sequence[Row]) -> Iterator[tuple[int, str, str]]:
    kinds: dict[str, str] = {}
    for at, row in enumerate(rows):
        kind = kinds.setdefault(str(row["family"]), str(row["kind"]))
        if kind != row["kind"]:
            yield at, "kind", f"{kind}, as other rows of the family {row['family']}"


_word, _year, _age = columns.words, whole(1900, 2100), whole(0, 120)
OBSERVATIONS = Table(
    file="observations.csv",
    columns=(
        Column("observation", columns.key),
        Column("quantity", one_of(*QUANTITIES)),
        Column("loss_level", one_of("major", "minor", "all")),
        Column(
            "site",
            one_of("any", "lower", "upper", "above_knee", "below_knee", "foot", "toe", "finger"),
        ),
        Column("cause", one_of("all", "dysvascular", "nontraumatic", "trauma", "cancer")),
        Column("counts", one_of("persons", "discharges", "procedures", "visits")),
        Column("setting", one_of("inpatient", "emergency", "any", "none")),
        Column("congenital", one_of("in", "out")),
        Column("age_low", _age, optional=True),
        Column("age_high", _age, optional=True),
        Column("sex", one_of("any", "male", "female")),
        Column("diabetes", one_of("any", "yes", "no")),
        Column("area", text(r"[A-Z]{3}", "an ISO 3166 code of three capitals, or WLD")),
        Column("population", one_of(*POPULATIONS)),
        Column("first_year", _year, optional=True),
        Column("last_year", _year, optional=True),
        Column("months", number(0, 1200), optional=True),
        Column("value", number()),
        Column("standard_error", number(), optional=True),
        Column("low", number(), optional=True),
        Column("high", number(), optional=True),
        Column("limits_level", number(0.5, 0.999), optional=True),
        Column("n", whole(1), optional=True),
        Column("unit", one_of(*dict.fromkeys(sum(QUANTITIES.values(), ())))),
        Column("discrepancy", number(), optional=True),
        Column("discrepancy_note", _word, optional=True),
        Column("kind", one_of("observation", "model_output")),
        Column("use", one_of("fit", "check", "context")),
        Column("family", one_of(*FAMILIES)),
        Column("source", columns.keys),
        Column("locator", _word),
        Column("seen", columns.seen),
        Column("note", _word, optional=True),
    ),
    key=("observation",),
    rules=(
        ordered("age_low", "age_high"), ordered("first_year", "last_year"),
        ordered("low", "value", "high"), columns.central("low", "value", "high"),
        columns.year_in_label("observation", "first_year", "last_year"), columns.within_unit(UNITS, "low", "value", "high"),
        _error, _unit_of_quantity, _dated, _usable,
    ),
    across=(_no_contradictions, _one_kind_a_family),
    references={"source": "sources"},
)  # fmt: skip
