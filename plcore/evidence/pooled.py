"""From the tables to the parameters: the rows of `parameters.csv`, and what is pooled from studies.

Pooled numbers are worked out afresh each time, so that they cannot go stale when a study is added.

Parameters
----------
tau_scale : float
    Scale of the half-normal prior of the standard deviation between studies (logits).
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from plcore.evidence.data import DATA, cite, read
from plcore.evidence.parameters import Parameter, parameter, read_parameters
from plcore.evidence.prevalence import (
    KINDS,
    POOLS,
    SPREADS,
    believed_share,
    prevalence_studies,
    sources_of,
)

#: The studies of those born without a limb, and of those who lost one as small children.
CHILDHOOD = {
    "plp_congenital": ("pool", "congenital"),
    "plp_before_six": ("study", "Melzack 1997 (before age 6)"),
}

#: Every severity that a run counts: a rung of `plp_severity.csv`.
_RUNGS = ("weekly", "moderate_severe", "extremely_bothersome", "problematic")
#: The rows of `parameters.csv` that every run reads; an analyst's own rows may stand beside them.
_TAKEN = (
    "limb_loss_2005", "limb_loss_2050", "limb_loss_ceiling", "plp_share_claimed", "minor_share",
    "congenital_share", "congenital_share_claimed", "before_six_share_claimed",
    "plp_share_8_days", "plp_share_6_months", "plp_share_2_years", "plp_fall",
    "dysvascular_first_share", "dysvascular_progression", "dysvascular_walk_spread",
    *(f"dysvascular_step_{year}" for year in (2003, 2010, 2014, 2019, 2024, 2030, 2040, 2050, 2060)),
    "dysvascular_minor_share_1993", "dysvascular_minor_share_2019",
    *(f"dysvascular_younger_{level}_{year}" for level in ("major", "minor")
      for year in (1993, 2019)),
    "dysvascular_mean_age", "dysvascular_younger_mean_age",
    "dysvascular_ratio_gradient", "dysvascular_ratio_change",
    *(f"dysvascular_{level}_{name}" for level in ("major", "minor")
      for name in ("hazard_ratio", "first_year_excess")),
    "trauma_first_share", "trauma_outside_hospitals", "trauma_minor_share",
    *(f"{cause}_{name}" for cause in ("dysvascular", "trauma", "cancer")
      for name in ("rate_1996", "ratio_1988", "ratio_1950", "male_ratio")),
    *(f"{cause}_{name}" for cause in ("trauma", "cancer")
      for name in ("ratio_2019", "ratio_2060", "hazard_ratio", "first_year_excess")),
)  # fmt: skip


def gather(
    *,
    pool: str = "usa",
    kind: str = "current",
    spread: str = "setting",
    tau_scale: float = 1.0,
    few_studies_tau_scale: float = 0.5,
    folder: Path = DATA,
) -> tuple[Parameter, ...]:
    """Every parameter: the rows of `parameters.csv`, then what is pooled from studies.

    Parameters
    ----------
    pool, kind, spread : str
        Keys of `POOLS` and `KINDS`, and one of `SPREADS`: which studies `plp_prevalence` rests on,
        and whether it is that of another setting.
    tau_scale, few_studies_tau_scale : float
        Scale of the half-normal prior of the standard deviation between studies, on the logit
        scale: of prevalence, and of severity and pain after childhood losses, which rest on one to
        three studies.

    Raises
    ------
    ValueError
        With the faults of a file, or with the name of a parameter or a rung that every run reads
        and that is not there, such as one that was misspelt.
    """
    studies = prevalence_studies(pool, kind=kind, folder=folder)
    found = [
        *read_parameters(folder=folder),
        _pooled("plp_prevalence", studies, spread, tau_scale, f"{kind} prevalence"),
    ]
    table = read("plp_prevalence_studies", folder=folder)
    table = table[table["include"] == "yes"]
    for name, (column, value) in CHILDHOOD.items():
        chosen = table[table[column] == value]
        found.append(_pooled(name, chosen, spread, few_studies_tau_scale, "pain ever"))
    for rung, rows in severity_findings(folder=folder).groupby("rung", sort=False):
        words = f"{str(rung).replace('_', ' ')}, as a share of {rows['share_of'].iloc[0]},"
        found.append(_pooled(f"severity_{rung}", rows, spread, few_studies_tau_scale, words))
    names = [item.name for item in found]
    _require(_TAKEN, names, "parameters.csv", "parameter")
    _require(
        _RUNGS,
        [name.removeprefix("severity_") for name in names if name.startswith("severity_")],
        "plp_severity.csv",
        "included row of the rung",
    )
    return tuple(found)


def _require(taken: Sequence[str], names: Sequence[str], file: str, what: str) -> None:
    for name in taken:
        if name not in names:
            near = difflib.get_close_matches(name, [key for key in names if key not in taken], n=1)
            hint = f" (is {near[0]!r} misspelt?)" if near else ""
            raise ValueError(
                f"{file}: no {what} {name!r}; expected one, as every run reads it{hint}"
            )


def prevalence_table(*, tau_scale: float = 1.0, folder: Path = DATA) -> pd.DataFrame:
    """What is believed of every kind of prevalence by every pool of studies.

    Returns
    -------
    DataFrame
        A row a kind and pool: kind, pool, studies, people, and value, low, high of the mean over
        settings (mean_...) and of another setting (setting_...), as shares with 95% limits.
    """
    rows = []
    for kind in KINDS:
        for pool in POOLS:
            studies = prevalence_studies(pool, kind=kind, folder=folder)
            row: dict[str, object] = {"kind": kind, "pool": pool}
            row |= {"studies": len(studies), "people": int(studies["n"].sum())}
            for spread in SPREADS:
                share = _pooled("plp_prevalence", studies, spread, tau_scale, f"{kind} prevalence")
                ends = (share.median, *share.interval())
                names = (f"{spread}_{end}" for end in ("value", "low", "high"))
                row |= dict(zip(names, ends, strict=True))
            rows.append(row)
    return pd.DataFrame(rows)


def severity_findings(*, folder: Path = DATA) -> pd.DataFrame:
    """The rows of `plp_severity.csv` that are modelled."""
    table = read("plp_severity", folder=folder)
    return table[table["include"] == "yes"].reset_index(drop=True)


def _pooled(
    name: str, studies: pd.DataFrame, spread: str, tau_scale: float, words: str
) -> Parameter:
    arguments = believed_share(studies, spread=spread, tau_scale=tau_scale)
    count, people = len(studies), int(studies["n"].sum())
    limits = "another setting" if spread == "setting" else "the mean, between-study spread left out"
    return parameter(
        name,
        "share",
        "logit_t",
        arguments,
        source=sources_of(studies),
        seen="derived",
        note=(
            f"{words[0].upper()}{words[1:]} from {count} {'study' if count == 1 else 'studies'} "
            f"({people:,} people); limits of {limits}, spread between studies half-normal"
            f"({tau_scale:g}) before they are seen"
        ),
    )


def estimate_points(estimates: Sequence[str], *, folder: Path = DATA) -> pd.DataFrame:
    """Published numbers of `limb_loss_estimates.csv` as points of a chart.

    Parameters
    ----------
    estimates : sequence of str
        Keys of the rows wanted; each must have a year and a value.

    Returns
    -------
    DataFrame
        Columns estimate, year, value, low, high, label (a short citation), seen and note.
    """
    table = read("limb_loss_estimates", folder=folder).set_index("estimate", drop=False)
    for key in estimates:
        if key not in table.index:
            raise ValueError(f"no estimate {key!r}; expected a key of limb_loss_estimates.csv")
        if table.loc[key, ["year", "value"]].isna().any():
            raise ValueError(f"{key} has no year or no value; expected a number that has both")
    chosen = table.loc[list(estimates)].reset_index(drop=True)
    chosen["label"] = [cite(keys.split(";")[0], folder=folder) for keys in chosen["source"]]
    return chosen[["estimate", "year", "value", "low", "high", "label", "seen", "note"]]
