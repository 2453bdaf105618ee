"""Why this number: from a result to the parameters, the evidence and the sources it rests on.

What an input contributes is its share of the variance of the outcome's ranks over the draws of the
run: a linear regression of ranks on ranks (Iman and Conover 1979), its R2 divided among the inputs
by relative weights (Johnson 2000, Multivariate Behav Res 35:1-19). Without correlations these are
the squared rank correlations; with them (calibrated draws), what correlated inputs do together is
divided between them. They are never negative and add up to R2. What is left is curved or joint.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, special, stats

from plcore.analysis.value import in_year
from plcore.evidence.columns import MARKS
from plcore.evidence.data import DATA, cite, read, reference
from plcore.evidence.distributions import Floats
from plcore.evidence.parameters import Parameter
from plcore.evidence.prevalence import (
    CHILDHOOD,
    prevalence_studies,
    severity_findings,
    sources_of,
)
from plcore.scenarios import Scenario
from plcore.simulate.runs import Run

#: The last row of `explain`.
UNEXPLAINED = "not explained"
_LEAST_DRAWS = 200
#: Parts left out one at a time for the Monte-Carlo error; prime to powers of two, as Sobol draws are.
_PARTS = 19
_COLUMNS = ("row", "n", "events", "value", "low", "high")


def explain(run: Run, *, outcome: str, year: int, folder: Path = DATA) -> pd.DataFrame:
    """What each input contributes to the width of an outcome's interval, the largest first.

    Returns
    -------
    DataFrame
        A row a parameter and one for what is `UNEXPLAINED`; `charts.bars` takes it.

        - label (the parameter), value, low, high: its share of the variance of ranks, with 95%
          Monte-Carlo limits; nought and without limits where it does not vary.
        - direction: "up" where the outcome is larger for larger values, "down", or "".
        - unit, median, low_95, high_95: of the draws; believed_median, believed_low_95,
          believed_high_95: before any calibration.
        - dist, seen, studies (rows of evidence that it is pooled from, 0 where it is a row itself),
          cited (with the mark of how it was seen), references, note.

    Raises
    ------
    ValueError
        If the outcome does not vary in that year.
    """
    y = in_year(run, outcome=outcome, year=year)
    if y.min() == y.max():
        raise ValueError(f"{outcome} is {y[0]:g} in every draw of {year}; nothing to explain")
    if len(y) < _LEAST_DRAWS:
        raise ValueError(f"{len(y)} draws; expected {_LEAST_DRAWS} or more")
    varying = [str(name) for name in run.draws.columns[run.draws.min() < run.draws.max()]]
    shares = _shares(run.draws[varying].to_numpy(), y)
    by_name = dict(zip(varying, shares.to_dict("records"), strict=True))
    rows = []
    for item in run.scenario.parameters:
        contributed = _contributed(item.name, by_name.get(item.name))
        rows.append({**contributed, **_believed(item, run, folder)})
    table = pd.DataFrame(rows).sort_values("value", ascending=False, kind="stable")
    rest: dict[str, object] = {"label": UNEXPLAINED, "value": 1 - float(table["value"].sum())}
    words = ("direction", "unit", "dist", "seen", "cited", "references")
    rest |= dict.fromkeys(words, "") | {"studies": 0}
    rest["note"] = "Curved or joint effects, which no straight line through the ranks shows"
    return pd.concat([table, pd.DataFrame([rest])], ignore_index=True)


def evidence_rows(scenario: Scenario, name: str, *, folder: Path = DATA) -> pd.DataFrame:
    """The rows of data that a parameter of a scenario rests on.

    Parameters
    ----------
    name : str
        Of a parameter of the scenario.

    Returns
    -------
    DataFrame
        A row a study or finding where the parameter is pooled, else the one row that gives it:
        row, n, events, value, low, high (as printed, where they are), seen, cited, references
        and note.

    Raises
    ------
    ValueError
        If the scenario has no such parameter.
    """
    known = {item.name: item for item in scenario.parameters}
    if name not in known:
        raise ValueError(f"no parameter {name!r}; expected one of {', '.join(known)}")
    item = known[name]
    studies = _studies(scenario, item, folder)
    if studies is None:
        given = dict(item.arguments)
        facts = [
            {"row": name, **given, "source": item.source, "seen": item.seen, "note": item.note}
        ]
    else:
        facts = [
            {str(key): value for key, value in row.items()} for row in studies.to_dict("records")
        ]
    table = pd.DataFrame(facts).reindex(columns=[*_COLUMNS, "source", "seen", "note"])
    table["cited"] = [
        cite(str(row["source"]), seen=str(row["seen"]), folder=folder)
        for row in table.to_dict("records")
    ]
    table["references"] = [_references(str(keys), folder) for keys in table["source"]]
    return table[[*_COLUMNS, "seen", "cited", "references", "note"]]


def chain(run: Run, *, outcome: str, year: int, most: int = 3, folder: Path = DATA) -> str:
    """Why this number, in sentences: the result, what its width comes from, and on what that rests.

    Parameters
    ----------
    outcome : str
    year : int
        Which outcome, and in which year.
    most : int
        How many of the inputs that contribute most are told with their evidence; 1 or more.
    """
    if most < 1:
        raise ValueError(f"most is {most}; expected 1 or more")
    table = explain(run, outcome=outcome, year=year, folder=folder)
    inputs = table.iloc[:-1]
    values = np.quantile(in_year(run, outcome=outcome, year=year), [0.5, 0.025, 0.975])
    middle, low, high = map(_number, values)
    result = (
        f"In {year} {outcome} is {middle} (95% interval {low} to {high}; "
        f"{len(run.draws):,} draws of the scenario {run.scenario.title!r})."
    )
    told = [_told(row, run.scenario, folder) for row in inputs.head(most).to_dict("records")]
    others = float(inputs["value"].iloc[most:].sum())
    rest = (
        f"The other inputs account for {others:.0%} together; {table['value'].iloc[-1]:.0%} is "
        "curved or joint. (Shares of the variance of ranks.)"
    )
    share = float(inputs.loc[inputs["seen"] == "assumed", "value"].sum())
    assumed = f"Inputs that are assumed, without a source, account for {share:.0%}."
    return "\n".join([result, *told, rest, assumed])


def _told(row: Mapping[Hashable, Any], scenario: Scenario, folder: Path) -> str:
    limits = f"{_number(row['low_95'])} to {_number(row['high_95'])}"
    said = (
        f"{row['value']:.0%} of its spread comes from {row['label']}, "
        f"{_number(row['median'])} ({limits}; {row['unit']})"
    )
    if not row["studies"]:
        return f"{said}. {row['cited']}: {row['note'] or 'as printed'}."
    studies = evidence_rows(scenario, row["label"], folder=folder)
    found = "; ".join(_counts(each) for each in studies.to_dict("records"))
    return f"{said}. {row['note']}. The rows: {found}."


def _counts(row: Mapping[Hashable, Any]) -> str:
    mark = MARKS[row["seen"]]
    counts = f"{row['events']:,.0f} of {row['n']:,.0f}"
    return f"{row['row']} ({counts}, {mark})" if mark else f"{row['row']} ({counts})"


def _contributed(name: str, found: Mapping[Hashable, float] | None) -> dict[str, object]:
    if found is None:
        return {"label": name, "value": 0.0, "low": np.nan, "high": np.nan, "direction": ""}
    # A direction that chance alone could give is not one.
    sign = "" if found["low"] == 0 else ("up" if found["slope"] > 0 else "down")
    return {"label": name, **{end: float(found[end]) for end in ("value", "low", "high")},
            "direction": sign}  # fmt: skip


def _believed(item: Parameter, run: Run, folder: Path) -> dict[str, object]:
    drawn = np.quantile(run.draws[item.name], [0.5, 0.025, 0.975])
    before = (item.median, *item.interval())
    ends = ("median", "low_95", "high_95")
    studies = _studies(run.scenario, item, folder)
    return {
        "unit": item.unit,
        **dict(zip(ends, map(float, drawn), strict=True)),
        **dict(zip((f"believed_{end}" for end in ends), before, strict=True)),
        "dist": item.dist,
        "seen": item.seen,
        "studies": 0 if studies is None else len(studies),
        "cited": cite(item.source, seen=item.seen, folder=folder),
        "references": _references(item.source, folder),
        "note": item.note,
    }


def _references(sources: str, folder: Path) -> str:
    return " ".join(reference(key, folder=folder) for key in sources.split(";"))


def _studies(scenario: Scenario, item: Parameter, folder: Path) -> pd.DataFrame | None:
    """The studies that a parameter is pooled from; None where it is a row, or a scenario's own."""
    studies = _pooled_from(scenario, item.name, folder)
    if studies is None or item.dist != "logit_t" or item.source != sources_of(studies):
        return None
    return studies


def _pooled_from(scenario: Scenario, name: str, folder: Path) -> pd.DataFrame | None:
    if name == "plp_prevalence":
        pool, kind = (str(scenario.choices[f"prevalence_{each}"]) for each in ("pool", "kind"))
        return prevalence_studies(pool, kind=kind, folder=folder).rename(columns={"study": "row"})
    if name in CHILDHOOD:
        column, value = CHILDHOOD[name]
        table = read("plp_prevalence_studies", folder=folder)
        chosen = table[(table["include"] == "yes") & (table[column] == value)]
        return chosen.rename(columns={"study": "row"})
    findings = severity_findings(folder=folder)
    chosen = findings[findings["rung"] == name.removeprefix("severity_")]
    if not name.startswith("severity_") or chosen.empty:
        return None
    return chosen.rename(columns={"finding": "row"})


def _shares(x: Floats, y: Floats) -> pd.DataFrame:
    """Relative weights of the columns, with 95% limits by leaving parts of the draws out."""
    ranks = stats.rankdata(np.column_stack([x, y]), axis=0)
    scores = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    part = np.arange(len(y)) % _PARTS
    pieces = [_sums(scores[part == p]) for p in range(_PARTS)]
    total = tuple(np.sum(piece, axis=0) for piece in zip(*pieces, strict=True))
    value, slope = _relative_weights(*total)
    without = np.stack(
        [
            _relative_weights(*(whole - piece for whole, piece in zip(total, each, strict=True)))[0]
            for each in pieces
        ]
    )
    # On the scale of correlations, where the error does not shrink as the share does.
    error = np.sqrt((_PARTS - 1) * np.var(np.sqrt(without), axis=0))
    error = np.maximum(error, 0.0) * special.ndtri(0.975)
    low, high = np.maximum(np.sqrt(value) - error, 0.0) ** 2, (np.sqrt(value) + error) ** 2
    return pd.DataFrame({"value": value, "low": low, "high": np.minimum(high, 1.0), "slope": slope})


def _sums(scores: Floats) -> tuple[Floats, Floats, Floats]:
    return np.array(float(len(scores))), scores.sum(axis=0), scores.T @ scores


def _relative_weights(n: Floats, sums: Floats, products: Floats) -> tuple[Floats, Floats]:
    """Johnson's relative weights and the correlations with the last column."""
    mean = sums / n
    covariance = products / n - np.outer(mean, mean)
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    among, with_y = correlation[:-1, :-1], correlation[:-1, -1]
    size, directions = linalg.eigh(among)
    # Parameters that are the same to rounding share what they contribute.
    kept = size > 1e-9 * size[-1]
    root = np.sqrt(size[kept])
    halfway = directions[:, kept] * root @ directions[:, kept].T
    scores = directions[:, kept] / root @ (directions[:, kept].T @ with_y)
    return halfway**2 @ scores**2, with_y


def _number(value: float) -> str:
    """Three digits, with thousands apart."""
    if value == 0 or abs(value) < 1e-4:
        return f"{value:.3g}"
    decimals = 2 - int(np.floor(np.log10(abs(value))))
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"
