"""What parameters, outcomes and columns are called where people read of them: no keys.

Every chart, table and sentence takes its words from here, so that a parameter has one name for
readers and nobody meets a key such as `dysvascular_first_share`. A table is made for programs, with
a key for each parameter, outcome and source; here are its headings in words, labels for its keys
and citations for its sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from plcore.evidence.data import cite, read
from plcore.evidence.trial_tables import DEFINITIONS
from plcore.printed import short

#: What each parameter is called, by groups of one meaning.
_GROUPS = {
    "Pain after loss of fingers or toes": {
        "plp_prevalence_minor": "share in pain after loss of fingers or toes",
        "plp_prevalence_minor_ever": "share ever in pain after loss of fingers or toes",
    },
    "Pain after major limb loss": {
        "plp_prevalence": "share in pain after major limb loss",
    },
    "Fall of pain with time since the loss": {
        "plp_fall": "fall of pain over the first two years, times that of one cohort",
        "plp_share_8_days": "share in pain 8 days after the loss",
        "plp_share_6_months": "share in pain 6 months after the loss",
        "plp_share_2_years": "share in pain 2 years after the loss",
    },
    "How bad the pain is": {
        "severity_weekly": "share of those in pain who have it weekly",
        "severity_moderate_severe": "share of those in pain for whom it is moderate or severe",
        "severity_extremely_bothersome": "share of moderate to severe pain that bothers extremely",
        "severity_problematic": "share of those in pain for whom it is a problem",
        "community_pain_centre": "mean pain in the community, 0 to 10",
        "community_pain_spread": "spread of pain in the community between people, 0 to 10",
    },
    "Vascular amputations up to 2024": {
        "dysvascular_rate_1996": "vascular amputations per 100,000 people in 1996",
        "dysvascular_ratio_1988": "vascular amputations per head in 1988, relative to 1996",
        "dysvascular_ratio_1950": "vascular amputations per head in 1950, relative to 1996",
        "dysvascular_walk_spread": "yearly swing of vascular amputations per head",
        "dysvascular_step_2003": "change of vascular amputations per head, 1996-2003",
        "dysvascular_step_2010": "change of vascular amputations per head, 2003-2010",
        "dysvascular_step_2014": "change of vascular amputations per head, 2010-2014",
        "dysvascular_step_2019": "change of vascular amputations per head, 2014-2019",
        "dysvascular_step_2024": "change of vascular amputations per head, 2019-2024",
        "dysvascular_minor_share_1993": "share of vascular amputations of toes or foot only, 1993",
        "dysvascular_minor_share_2019": "share of vascular amputations of toes or foot only, 2019",
        "dysvascular_male_ratio": "vascular amputations of men, relative to women",
    },
    "Vascular amputations after 2024": {
        "dysvascular_step_2030": "change of vascular amputations per head, 2024-2030",
        "dysvascular_step_2040": "change of vascular amputations per head, 2030-2040",
        "dysvascular_step_2050": "change of vascular amputations per head, 2040-2050",
        "dysvascular_step_2060": "change of vascular amputations per head, 2050-2060",
    },
    "Survival after vascular limb loss": {
        "dysvascular_major_hazard_ratio": "relative risk of death after major vascular loss",
        "dysvascular_minor_hazard_ratio": "relative risk of death after minor vascular loss",
        "dysvascular_ratio_gradient": "fall of relative risk of death per year of age, log scale",
        "dysvascular_ratio_change": "yearly change of relative risk of death, log scale",
        "dysvascular_major_first_year_excess": "deaths added in the year of a major vascular loss",
        "dysvascular_minor_first_year_excess": "deaths added in the year of a minor vascular loss",
    },
    "First losses among hospital discharges": {
        "dysvascular_first_share": "share of vascular amputations that are a person's first",
        "dysvascular_progression": "share of minor vascular losses that soon become major",
    },
    "Ages at vascular limb loss": {
        "dysvascular_mean_age": "mean age at vascular limb loss, older pattern, in years",
        "dysvascular_younger_mean_age": "mean age at vascular limb loss, younger pattern, in years",
        "dysvascular_younger_major_1993": "share of major vascular losses at younger ages, 1993",
        "dysvascular_younger_minor_1993": "share of minor vascular losses at younger ages, 1993",
        "dysvascular_younger_major_2019": "share of major vascular losses at younger ages, 2019",
        "dysvascular_younger_minor_2019": "share of minor vascular losses at younger ages, 2019",
    },
    "Limb loss to injury": {
        "trauma_rate_1996": "amputations after injury per 100,000 people in 1996",
        "trauma_first_share": "share of amputations after injury that are a person's first",
        "trauma_ratio_1988": "limb loss to injury per head in 1988, relative to 1996",
        "trauma_ratio_1950": "limb loss to injury per head in 1950, relative to 1996",
        "trauma_ratio_2019": "limb loss to injury per head in 2019, relative to 1996",
        "trauma_ratio_2060": "limb loss to injury per head in 2060, relative to 2019",
        "trauma_hazard_ratio": "relative risk of death after loss to injury",
        "trauma_first_year_excess": "deaths added in the year of a loss to injury",
        "trauma_outside_hospitals": "losses to injury in all, for each that hospitals count",
        "trauma_minor_share": "share of losses to injury of fingers or toes only",
        "trauma_male_ratio": "limb loss to injury of men, relative to women",
    },
    "Limb loss to cancer": {
        "cancer_rate_1996": "amputations for cancer per 100,000 people in 1996",
        "cancer_ratio_1988": "limb loss to cancer per head in 1988, relative to 1996",
        "cancer_ratio_1950": "limb loss to cancer per head in 1950, relative to 1996",
        "cancer_ratio_2019": "limb loss to cancer per head in 2019, relative to 1996",
        "cancer_ratio_2060": "limb loss to cancer per head in 2060, relative to 2019",
        "cancer_hazard_ratio": "relative risk of death after loss to cancer",
        "cancer_first_year_excess": "deaths added in the year of a loss to cancer",
        "cancer_male_ratio": "limb loss to cancer of men, relative to women",
    },
    "Limb loss at birth and in childhood": {
        "congenital_share": "share of people born without a limb",
        "congenital_share_claimed": "share of those born without a limb said to have pain",
        "before_six_share_claimed": "share of those who lost a limb before six said to have pain",
        "plp_congenital": "share ever in pain of those born without a limb",
        "plp_before_six": "share ever in pain of those who lost a limb before six",
    },
    "Published numbers and claims": {
        "limb_loss_2005": "published number of people with limb loss, 2005",
        "limb_loss_2050": "published number of people with limb loss, 2050",
        "limb_loss_ceiling": "ceiling of the logistic path of limb loss, in people",
        "plp_share_claimed": "share in pain that a clinic's page prints",
    },
    "Course of treatment": {
        "course_drug_response": "share helped by the drug, of those whom a placebo does not help",
        "course_placebo_response": "share helped by a placebo",
        "course_first_relief_days": "days of relief after the first infusion",
        "course_last_relief_days": "days of relief after the last infusion",
        "course_placebo_relief_days": "days of relief in those helped by a placebo",
        "course_relief_shape": "shape of the days of relief (Weibull)",
        "course_patient_correlation": "correlation of a patient's relief between infusions",
        "course_dropout": "share who stop before each further infusion",
        "course_return_uptake": "share who come back when relief ends",
        "course_side_effect": "share of infusions with a side effect that prolongs the visit",
        "course_extra_minutes": "minutes by which a side effect prolongs the visit",
        "course_pain_centre": "mean pain at the start, 0 to 10",
        "course_pain_spread": "spread of pain at the start between patients, 0 to 10",
        "course_fall": "mean fall in pain while relieved",
        "course_drug_response_claimed": "share helped that a clinic's page prints",
        "course_first_relief_days_claimed": "days of relief after the first infusion, as printed",
        "course_last_relief_days_claimed": "days of relief after the last infusion, as printed",
        "course_response_none": "share helped by a course that helps nobody",
    },
    "Demand for treatment": {
        "diabetes_elasticity": "how strongly vascular limb loss follows diabetes (power)",
        "demand_sought_care": "share of those in pain who ever sought treatment",
        "demand_sought_care_severe": "share of those in severe pain who ever sought treatment",
        "demand_recognised": "share of those who sought care whose pain is recognised",
        "demand_eligible": "share of those recognised with no reason against an infusion",
        "demand_accepting": "share of those eligible who would have a course",
        "demand_choosing": "share of them who choose this clinic",
        "demand_years_to_come": "years until somebody who would come does come",
    },
    "A clinic's day": {
        "clinic_first_no_show": "share of first visits missed",
        "clinic_no_show": "share of later visits missed without notice",
        "clinic_cancellation": "share of visits called off in time",
        "clinic_recovery_minutes": "minutes of recovery in the chair",
        "clinic_recovery_spread": "spread of recovery between visits, log scale",
        "clinic_male_share": "share of men among the patients",
        "clinic_male_weight": "weight of a man, in kg",
        "clinic_male_weight_spread": "spread of weight between men, log scale",
        "clinic_female_weight": "weight of a woman, in kg",
        "clinic_female_weight_spread": "spread of weight between women, log scale",
    },
}
_LABELS = {name: label for labels in _GROUPS.values() for name, label in labels.items()}
_GROUP_OF = {name: group for group, labels in _GROUPS.items() for name in labels}
_OUTCOMES = {
    "limb_loss": "people with limb loss",
    "major": "people with major limb loss",
    "minor": "people who lost fingers or toes only",
    "plp": "people with phantom limb pain",
    "plp_as_claimed": "people with phantom limb pain if all had it",
    "plp_source_corrected": "people with phantom limb pain by the share that pages print",
    "plp_evidence_based": "people with phantom limb pain by the pooled studies",
    "plp_major_only": "people with phantom limb pain after major limb loss",
    "plp_all_alike": "people with phantom limb pain if minor losses hurt like major ones",
    "plp_weekly": "people with weekly phantom limb pain",
    "plp_moderate_severe": "people with moderate or severe phantom limb pain",
    "plp_extremely_bothersome": "people with extremely bothersome phantom limb pain",
    "plp_problematic": "people with phantom limb pain that is a problem",
}
#: What a clinic does; other measures are called by their own words.
_MEASURES = {
    "no_show_share": "booked visits missed without notice",
    "chair_utilisation": "chairs in use, of their open hours",
    "nurse_utilisation": "nurses with patients, of their hours",
    "wait_mean": "mean wait for the first infusion",
    "wait_90th_percentile": "wait that one patient in ten exceeds",
    "list_never_clears": "probability that the waiting list never clears",
    "gave_up_share": "patients who give up waiting",
    "course_weeks": "length of a course",
    "waiting_at_end": "people waiting for a first visit at the end",
    "waiting_growth_a_week": "growth of the waiting list a week",
    "courses_broken_off": "courses broken off for want of a chair in time",
    "returns_broken_off": "returns broken off for want of a chair in time",
    "late_start_a_visit": "late start of a visit",
    "ketamine_a_year": "ketamine given a year",
    "vials_a_year_shared": "vials a year if patients of a day share them",
}


def label_of(name: str) -> str:
    """What a parameter, an outcome or a measure of a clinic is called where people read of it.

    Parameters
    ----------
    name : str
        Such as "plp_prevalence"; one that the package does not know is called by its own words.

    Examples
    --------
    >>> label_of("dysvascular_first_share")
    "share of vascular amputations that are a person's first"
    >>> label_of("my_own_parameter")
    'my own parameter'
    """
    return _LABELS.get(name) or _OUTCOMES.get(name) or _MEASURES.get(name) or name.replace("_", " ")


def group_of(name: str) -> str:
    """The group of parameters of one meaning that a parameter belongs to; its label if to none."""
    return _GROUP_OF.get(name, label_of(name))


def in_unit(value: float, unit: str) -> str:
    """A value of a parameter with its unit, three digits: "83.4%", "4.5", "57 years".

    Parameters
    ----------
    value : float
    unit : str
        As in `data/parameters.csv`; a share is printed in percent, a rate per 100,000 people, a
        score in standard deviations, and numbers whose label says what they are as they stand.
    """
    if unit == "share":
        return f"{short(100 * value)}%"
    if unit == "per_person_year":
        return short(1e5 * value)
    digits = short(value)
    if unit == "score":
        return f"{digits} SD"
    return f"{digits} {unit}" if unit in ("years", "days", "minutes", "kg", "people") else digits


def without_keys(text: str) -> str:
    """A note in which parameters are called as readers call them."""
    return re.sub(r"[a-z]+(_[a-z0-9]+)+", lambda key: _LABELS.get(key[0], key[0]), text)


#: A key within a text, but no file, module or path.
_KEY = re.compile(r"(?<![\w/.\-])[a-z0-9]+(?:_[a-z0-9]+)+(?![\w/]|\.\w|\()")
#: Keys of one word, and others that need more than their own words.
_WORDS = {
    "log_change_per_year": "change per year, log scale",
    "per_person_year": "per 100,000 people a year",
    "per_100000_per_year": "per 100,000 people a year",
    "per_10000_births": "per 10,000 births",
    "per_1000": "per 1,000 people",
    "per_1000_per_year": "per 1,000 people a year",
    "per_100_amputee_years": "per 100 years lived after an amputation",
    "one_in": "one in",
    "established_plp": "established phantom limb pain",
    "acute_plp": "acute phantom limb pain",
    "stump_or_phantom": "stump or phantom limb pain",
    "hcup_nis": "national hospital sample (HCUP)",
    "cdc_diabetes": "CDC, hospital stays with diabetes",
    "ziegler_graham": "Ziegler-Graham 2008",
    "rivera": "Rivera 2024",
    "avalere": "Avalere 2024",
    "glaser": "Glaser 2013",
    "lazio": "Lazio (Cascini 2020)",
    "meshkin": "Meshkin 2021",
    "maryland": "Maryland hospitals (Dillingham 1998)",
    "medicare": "Medicare (Belatti 2013, Goodney 2015, Jones 2013)",
    "nhds": "National Hospital Discharge Survey",
    "nhis": "National Health Interview Survey",
    "partial_foot_review": "review of partial foot loss",
    "trauma_centres": "trauma centres (Barmparas 2010)",
    "varghese": "Varghese 2021",
    "veterans": "veterans (Littman 2020)",
    "uk_primary_care": "UK primary care (Hoffstad 2015)",
    "model_output": "output of another model",
    "perhaps_pain": "perhaps in pain",
    "logit_quantiles": "quantiles on the logit scale",
    "mg_per_kg": "mg per kg of body weight",
}
#: Words that are keys only in some columns.
_OF_COLUMN: Mapping[str, Mapping[str, str]] = {
    "outcome": {"plp": label_of("plp"), "major": label_of("major"), "minor": label_of("minor"),
                "dysvascular": "after vascular disease", "trauma": "after an injury",
                "cancer": "after cancer", "nontraumatic": "amputations not caused by injury"},
    "cause": {"dysvascular": "vascular disease", "trauma": "injury"},
    "without": _WORDS,
    "family": _WORDS,
    "pool": {"usa": "United States", "all": "all countries", "high_income": "high-income countries"},
    "seen": {"abstract": "in the abstract", "primary": "in the work itself",
             "secondary": "second hand", "memory": "from memory"},
    "unit": {"count": ""},
    "area": {"USA": "United States", "CAN": "Canada", "DEU": "Germany", "GBR": "United Kingdom"},
}  # fmt: skip
#: Headings that are no words, or not those that a reader expects.
_HEADINGS = {
    "also_drawn": "also drawn",
    "bound_low": "if only major losses hurt", "bound_high": "if all losses hurt alike",
    "low_50": "50% from", "high_50": "50% to",
    "low_80": "80% from", "high_80": "80% to",
    "low_95": "95% from", "high_95": "95% to",
    "believed_low_95": "believed, 95% from", "believed_high_95": "believed, 95% to",
    "i2": "I²", "tau2": "tau²", "r2": "spread explained", "se": "standard error",
    "n": "people", "n_treatment": "people treated", "n_control": "people in control",
    "prcc": "rank correlation", "mu": "mean effect", "mu_star": "mean size of effect",
    "sigma": "spread of effects", "mu_star_low": "mean size from", "mu_star_high": "mean size to",
    "from, to": "from, to", "at": "answer at these ends", "changes": "share in which the choice changes",
    "asked": "people asked", "worth": "value", "near": "share of amputations in counties within 25%",
    "look": "drawn as", "first_error": "standard error", "k": "studies", "setting": "whom",
    "each_error": "standard error", "counts": "how counted", "pool": "studies of",
    "events": "with the outcome", "evppi": "value of knowing",
    "share_of_evpi": "share of the value of knowing everything", "dist": "distribution",
    "cross_fitted": "cross-fitted", "wait_mean": "mean wait, days",
    "growth_a_week": "list grows by, a week", "never_clears": "share in which the list never clears",
    "share_within": "share who start in time", "standard_error": "standard error",
}  # fmt: skip
#: Columns that only a program needs; a page leaves them to the CSV.
FOR_PROGRAMS = frozenset(
    ("claim", "observation", "pit", "position", "extrapolated", "cited", "references", "look",
     "part", "x_column", "cross_fitted", "turns", "believed_median", "believed_low_95",
     "believed_high_95", "dist", "equal", "mean_error", "family", "use", "score", "standard_error",
     "role", "model", "weight", "base")
)  # fmt: skip


#: Units in which a number is too small to read, and how many times it is shown.
TIMES = {"per_person_year": 1e5}


def heading(column: str) -> str:
    """What a column is called over a table that people read.

    Parameters
    ----------
    column : str
        Its name in the table.

    Examples
    --------
    >>> heading("low_95"), heading("visits_a_day")
    ('95% from', 'visits a day')
    """
    return _HEADINGS.get(column, column.replace("_", " "))


def cell_in_words(cell: str, column: str = "") -> str:
    """A cell of text as people read it: no keys, yes and no instead of True and False.

    Parameters
    ----------
    cell : str
    column : str
        The column it stands in, as some words are keys only in some.

    Examples
    --------
    >>> cell_in_words("plp_prevalence", "parameter")
    'share in pain after major limb loss'
    >>> cell_in_words("ephraim_2005;melzack_1997", "source")
    'Ephraim 2005; Melzack 1997'
    >>> cell_in_words("see data/plp_severity.csv")
    'see data/plp_severity.csv'
    """
    if cell in ("True", "False"):
        return "yes" if cell == "True" else "no"
    known = _treatments() if column == "treatment" else _OF_COLUMN.get(column, {})
    if cell in known:
        return known[cell]
    parts = cell.split(";")
    if all(_KEY.fullmatch(part) for part in parts):
        return "; ".join(_word(part) for part in parts)
    return _KEY.sub(lambda key: _word(key[0]), cell)


def _word(key: str) -> str:
    if key in _cited():
        return _cited()[key]
    if key in _treatments():
        return _treatments()[key]
    if key in DEFINITIONS:
        return DEFINITIONS[key][:1].lower() + DEFINITIONS[key][1:]
    return _WORDS.get(key) or label_of(key)


@lru_cache(maxsize=1)
def _treatments() -> dict[str, str]:
    return dict(read("treatments")[["treatment", "name"]].itertuples(index=False))


@lru_cache(maxsize=1)
def _cited() -> dict[str, str]:
    return {key: cite(key) for key in read("sources")["source"]}
