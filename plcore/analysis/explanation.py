"""Why this number: from a result to the parameters, the evidence and the sources it rests on.

What an input contributes is its share of the variance of the outcome's ranks over the draws of the
run: a linear regression of ranks on ranks (Iman and Conover 1979), its R2 divided among the inputs
by relative weights (Johnson 2000, Multivariate Behav Res 35:1-19). Without correlations these are
the squared rank correlations; with them (draws of the posterior), what correlated inputs do
together is divided between them, and the table says which other input each goes with most. They are
never negative and add up to R2. The rest is curved or joint.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, special, stats

from plcore.analysis.design import Quantity
from plcore.evidence.columns import MARKS
from plcore.evidence.data import DATA, cite, read, reference
from plcore.evidence.distributions import Floats
from plcore.evidence.labels import in_unit, label_of, without_keys
from plcore.evidence.parameters import Parameter
from plcore.evidence.prevalence import (
    CHILDHOOD,
    prevalence_studies,
    severity_findings,
    sources_of,
)
from plcore.inputs import checks_kinds
from plcore.models.pain import BOUNDS_IN_WORDS
from plcore.printed import short
from plcore.scenarios import Scenario
from plcore.simulate.runs import Run
from plcore.simulate.synthesis import posterior_of

#: The last row of `explain`.
UNEXPLAINED = "not explained"
_LEAST_DRAWS = 200
#: Groups of draws left out one at a time for the Monte-Carlo error; their number shares no divisor
#: with the powers of two that Sobol draws come in.
_GROUPS = 19
#: Rank correlations nearer to 0 are left out: no one would see them in a scatter of the draws.
_LEAST_CORRELATION = 0.2
_ALONE: dict[str, object] = {"goes_with": "", "rank_correlation": np.nan}
_COLUMNS = ("row", "n", "events", "value", "low", "high")


@checks_kinds
def explain(run: Run, quantity: Quantity, *, folder: Path = DATA) -> pd.DataFrame:
    """What each input contributes to the width of the quantity's interval, the largest first.

    Parameters
    ----------
    run : Run
        200 draws or more.
    quantity : Quantity
        The outcome and year that are explained.
    folder : Path
        Of the evidence tables.

    Returns
    -------
    DataFrame
        One row per parameter and one for what is "not explained".

        - parameter, label (what readers call it), value, low, high: its share of the variance of
          ranks (0 to 1), with 95% Monte-Carlo limits; 0 and without limits where it does not vary.
        - direction: "up" where the quantity is larger for larger values, "down", or "".
        - goes_with, rank_correlation: the other parameter that it is most correlated with over the
          draws; "" and NaN where that is less than 0.2 to either side.
        - unit, median, low_95, high_95: of the draws; fitted: whether they come from the posterior;
          believed_median, believed_low_95, believed_high_95: before the fit.
        - dist, seen, studies (rows of evidence that it is pooled from, 0 where it is a row itself),
          cited (with the mark of how it was seen), references, note.

    Raises
    ------
    ValueError
        If the run has no such quantity, the quantity does not vary, or draws are too few.

    References
    ----------
    Iman and Conover 1979, Technometrics 21:499-509; Johnson 2000, Multivariate Behav Res 35:1-19.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import plain, run
    >>> scenario = read_scenario(choices={"first_year": 2030, "last_year": 2030})
    >>> baseline = run(people_with_pain, scenario, n_draws=1024, sampler=plain)
    >>> explain(baseline, Quantity("plp", 2030)).loc[0, "label"]
    'share in pain after loss of fingers or toes'
    """
    y = quantity.of(run.outcome)
    if y.min() == y.max():
        raise ValueError(f"{quantity} is {y[0]:g} in every draw; expected a number that varies")
    if len(y) < _LEAST_DRAWS:
        raise ValueError(f"{len(y)} draws; expected {_LEAST_DRAWS} or more")
    varying = [str(name) for name in run.draws.columns[run.draws.min() < run.draws.max()]]
    shares = _shares(run.draws[varying].to_numpy(), y)
    by_name = dict(zip(varying, shares.to_dict("records"), strict=True))
    companions = _companions(run.draws[varying])
    fitted = set(posterior_of(run.scenario))
    rows = [
        _contribution(item.name, by_name.get(item.name))
        | companions.get(item.name, _ALONE)
        | _evidence(item, run, folder)
        | {"fitted": item.name in fitted}
        for item in run.scenario.parameters
    ]
    table = pd.DataFrame(rows).sort_values("value", ascending=False, kind="stable")
    rest: dict[str, object] = {
        "parameter": "",
        "label": UNEXPLAINED,
        "value": 1 - float(table["value"].sum()),
    }
    rest |= dict.fromkeys(
        ("direction", "goes_with", "unit", "dist", "seen", "cited", "references"), ""
    )
    rest |= {"studies": 0, "fitted": False}
    rest["note"] = "Curved or joint effects, which no straight line through the ranks shows"
    return pd.concat([table, pd.DataFrame([rest])], ignore_index=True)


def evidence_rows(scenario: Scenario, name: str, *, folder: Path = DATA) -> pd.DataFrame:
    """The rows of data that a parameter of a scenario rests on, the studies where it is pooled.

    Columns row, n, events, value, low, high (as printed, where they are), seen, cited, references
    and note; ValueError where the scenario has no such parameter.
    """
    known = {item.name: item for item in scenario.parameters}
    if name not in known:
        raise ValueError(f"no parameter {name!r}; expected one of {', '.join(known)}")
    item = known[name]
    studies = _studies(scenario, item, folder)
    if studies is None:
        facts = {"row": name, **dict(item.arguments), "source": item.source, "seen": item.seen}
        studies = pd.DataFrame([{**facts, "note": item.note}])
    table = studies.reindex(columns=[*_COLUMNS, "source", "seen", "note"])
    table["cited"] = [
        cite(str(source), seen=str(seen), folder=folder)
        for source, seen in zip(table["source"], table["seen"], strict=True)
    ]
    table["references"] = [_references(str(keys), folder) for keys in table["source"]]
    return table[[*_COLUMNS, "seen", "cited", "references", "note"]].reset_index(drop=True)


@checks_kinds
def explain_in_words(run: Run, quantity: Quantity, *, most: int = 3, folder: Path = DATA) -> str:
    """Why this number, in sentences: the result, what its width comes from, and on what that rests.

    Parameters
    ----------
    run : Run
        200 draws or more.
    quantity : Quantity
        The outcome and year that are explained.
    most : int
        How many of the inputs that contribute most are listed with their evidence; 1 or more.
    folder : Path
        Of the evidence tables.

    Returns
    -------
    str
        A line for the result, one for each of those inputs, and two for the rest.

    Raises
    ------
    ValueError
        If `most` is below 1; else as `explain`.

    References
    ----------
    Iman and Conover 1979, Technometrics 21:499-509; Johnson 2000, Multivariate Behav Res 35:1-19.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.scenarios import read_scenario
    >>> from plcore.simulate import plain, run
    >>> scenario = read_scenario(choices={"first_year": 2030, "last_year": 2030})
    >>> baseline = run(people_with_pain, scenario, n_draws=1024, sampler=plain)
    >>> print(explain_in_words(baseline, Quantity("plp", 2030)))  # doctest: +ELLIPSIS
    People with phantom limb pain in 2030: ...
    """
    if most < 1:
        raise ValueError(f"most is {most}; expected 1 or more")
    table = explain(run, quantity, folder=folder)
    inputs = table.iloc[:-1]
    values = np.quantile(quantity.of(run.outcome), [0.5, 0.025, 0.975])
    middle, low, high = map(_number, values)
    result = (
        f"{str(quantity)[:1].upper()}{str(quantity)[1:]}: {middle} (95% interval {low} to {high}; "
        f"{len(run.draws):,} draws of the scenario {run.scenario.title!r}){_bounds(run, quantity)}."
    )
    first = [_in_words(row, run.scenario, folder) for row in inputs.head(most).to_dict("records")]
    others = float(inputs["value"].iloc[most:].sum())
    rest = (
        f"The other inputs account for {others:.0%} together; {table['value'].iloc[-1]:.0%} is "
        "due to bends or to inputs acting together. (Shares of the variance of ranks.)"
    )
    is_assumed, fitted = inputs["seen"] == "assumed", inputs["fitted"].astype(bool)
    share = float(inputs.loc[is_assumed, "value"].sum())
    later = float(inputs.loc[is_assumed & fitted, "value"].sum())
    assumed = f"Inputs that are assumed, without a source, account for {share:.0%}"
    assumed += f", {later:.0%} by those that were then fitted to counts." if fitted.any() else "."
    return "\n".join([result, *first, rest, assumed])


def _bounds(run: Run, quantity: Quantity) -> str:
    """The two bounds of the number of people in pain; nothing for other outcomes."""
    if quantity.outcome != "plp" or not set(BOUNDS_IN_WORDS) <= set(run.outcome.values):
        return ""
    medians = {
        words: float(np.median(replace(quantity, outcome=name).of(run.outcome)))
        for name, words in BOUNDS_IN_WORDS.items()
    }
    said = " and ".join(f"{_number(value)} {words}" for words, value in medians.items())
    return f"; its bounds are {said}"


def _in_words(row: Mapping[Hashable, Any], scenario: Scenario, folder: Path) -> str:
    def values(kind: str) -> str:
        median, low, high = (
            in_unit(row[f"{kind}{end}"], row["unit"]) for end in ("median", "low_95", "high_95")
        )
        return f"{median} ({low} to {high})"

    sentence = f"{row['value']:.0%} of its spread comes from the {row['label']}, {values('')}"
    if row["fitted"]:
        sentence += f", fitted to counts of limb loss; before that {values('believed_')}"
    if row["goes_with"]:
        sentence += (
            f"; it is linked with the {label_of(row['goes_with'])} "
            f"(rank correlation {row['rank_correlation']:.1f})"
        )
    if not row["studies"]:
        return f"{sentence}. {row['cited']}: {row['note'] or 'as printed'}."
    studies = evidence_rows(scenario, row["parameter"], folder=folder)
    counts = "; ".join(_counts(study) for study in studies.to_dict("records"))
    return f"{sentence}. {row['note']}. The rows: {counts}."


def _counts(study: Mapping[Hashable, Any]) -> str:
    mark = MARKS[study["seen"]]
    counts = f"{study['events']:,.0f} of {study['n']:,.0f}"
    return f"{study['row']} ({counts}, {mark})" if mark else f"{study['row']} ({counts})"


def _contribution(name: str, share: Mapping[Hashable, float] | None) -> dict[str, object]:
    if share is None:
        return {**_named(name), "value": 0.0, "low": np.nan, "high": np.nan, "direction": ""}
    # A direction that chance alone could give is not one.
    sign = "" if share["low"] == 0 else ("up" if share["slope"] > 0 else "down")
    return {**_named(name), **{end: float(share[end]) for end in ("value", "low", "high")},
            "direction": sign}  # fmt: skip


def _named(name: str) -> dict[str, object]:
    return {"parameter": name, "label": label_of(name)}


def _companions(draws: pd.DataFrame) -> dict[str, dict[str, object]]:
    """The other column that each goes with most, where that is worth saying."""
    ranks = np.corrcoef(stats.rankdata(draws.to_numpy(), axis=0), rowvar=False).reshape(
        draws.shape[1], draws.shape[1]
    )
    np.fill_diagonal(ranks, 0.0)
    most = np.abs(ranks).argmax(axis=1)
    return {
        str(name): {"goes_with": str(draws.columns[other]), "rank_correlation": float(row[other])}
        for name, other, row in zip(draws.columns, most, ranks, strict=True)
        if abs(row[other]) >= _LEAST_CORRELATION
    }


def _evidence(item: Parameter, run: Run, folder: Path) -> dict[str, object]:
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
        "note": without_keys(item.note),
    }


def _references(sources: str, folder: Path) -> str:
    return " ".join(reference(key, folder=folder) for key in sources.split(";"))


def _studies(scenario: Scenario, item: Parameter, folder: Path) -> pd.DataFrame | None:
    """The studies that a parameter is pooled from; None where it is a row, or a scenario's own."""
    studies = _pooled_from(scenario, item.name, folder)
    if studies is None or item.dist != "logit_quantiles" or item.source != sources_of(studies):
        return None
    return studies


def _pooled_from(scenario: Scenario, name: str, folder: Path) -> pd.DataFrame | None:
    if name == "plp_prevalence":
        pool, kind = (str(scenario.choices[f"prevalence_{what}"]) for what in ("pool", "kind"))
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
    """Relative weights of the columns, with 95% limits by leaving groups of draws out."""
    ranks = stats.rankdata(np.column_stack([x, y]), axis=0)
    scores = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    group = np.arange(len(y)) % _GROUPS
    sums = [_sums(scores[group == g]) for g in range(_GROUPS)]
    total = [np.sum(terms, axis=0) for terms in zip(*sums, strict=True)]
    value, slope = _relative_weights(*total)
    without = np.stack(
        [
            _relative_weights(*(a - b for a, b in zip(total, left_out, strict=True)))[0]
            for left_out in sums
        ]
    )
    # On the scale of correlations, where the error does not shrink as the share does.
    error = np.sqrt((_GROUPS - 1) * np.var(np.sqrt(without), axis=0)) * special.ndtri(0.975)
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
    """Three digits, with commas between thousands."""
    if value == 0 or abs(value) < 1e-4:
        return short(value)
    decimals = 2 - int(np.floor(np.log10(abs(value))))
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"
