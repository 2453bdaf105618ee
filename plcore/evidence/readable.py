"""Tables as people read them: labels for keys, citations for sources, and headings in words.

A table is made for programs, with a key for each parameter, outcome and source; nobody should have
to read `plp_prevalence_minor` or `ephraim_2005`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from plcore.evidence.data import cite, read
from plcore.evidence.labels import label_of
from plcore.evidence.trial_tables import DEFINITIONS

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
