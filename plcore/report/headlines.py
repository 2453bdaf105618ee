"""The table of headline numbers: what every page, the front page and the README say.

One run answers "how many": people with limb loss, people in pain, and the two bounds that stand
beside them, because pain after the loss of fingers or toes rests on proxies. The published pair
stands in rows of its own, as published.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from plcore.evidence.data import estimate_points
from plcore.models.pain import BOUNDS, BOUNDS_IN_WORDS, SEVERITIES
from plcore.printed import millions
from plcore.scenarios import read_scenario
from plcore.simulate.runs import Run, interval_table, summarise

#: Years of the headline numbers.
YEARS = (2025, 2030, 2050)
LEVEL = 0.95
LIMB_LOSS, AS_PUBLISHED = "Limb loss", "Limb loss, as published"
#: What the people counted by each kind of prevalence have in common.
PAIN = {
    "current": "In pain now or lately",
    "point": "In pain now",
    "period": "In pain within the last weeks",
    "ever": "Ever in pain",
}
_SEVERITIES = {
    "weekly": "at least weekly",
    "moderate_severe": "moderate or severe",
    "extremely_bothersome": "of that, extremely bothersome",
    "problematic": "called a problem",
}
_ESTIMATE = "Our estimate"
#: The same as series of a chart over the years.
ON_A_CHART = {
    "plp": "Our estimate",
    "plp_major_only": "If only major losses hurt",
    "plp_all_alike": "If all losses hurt alike",
}
#: Three readings of the published pair, in a table and, in short, on a chart; none is our estimate.
_READINGS = {
    "plp_as_claimed": ("As claimed: all have phantom limb pain", "As claimed"),
    "plp_source_corrected": (
        "Source-corrected: the pages' own 60-85% of them",
        "Source-corrected",
    ),
    "plp_pooled_share": (
        "Published limb loss times the pooled share of pain (major losses' share applied to all)",
        "Times the pooled share",
    ),
}
#: What a sentence says of each quantity; {} are the number with its interval, and the year.
_SENTENCES = {
    "limb_loss": "{} Americans live with limb loss in {}.",
    "plp": "{} Americans with limb loss have phantom limb pain in {}{proxies}.",
    "plp_major_only": (
        "{} have phantom limb pain in {} if nobody who lost only fingers or toes has it."
    ),
    "plp_all_alike": (
        "{} have phantom limb pain in {} if it is as common after the loss of fingers or toes as "
        "after that of a hand, a foot or more."
    ),
}


def headline_numbers(estimate: Run, *, years: Sequence[int] = YEARS) -> pd.DataFrame:
    """The headline numbers of a run, and the published pair beside them.

    Parameters
    ----------
    estimate : Run
        Of `plcore.models.people_with_pain`.
    years : sequence of int
        Years of the run.

    Returns
    -------
    DataFrame
        One row per quantity and year: quantity, year, median, low, high (people), level (probability
        of the interval), unit, model and sentence. The last two rows are the published pair, which
        was printed without an interval.

    Raises
    ------
    ValueError
        If the run lacks a quantity or a year.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.simulate import run
    >>> numbers = headline_numbers(run(people_with_pain, read_scenario(), n_draws=64))
    >>> numbers.query("year == 2050")["quantity"].tolist()[0::3]
    ['Limb loss', 'In pain if all losses hurt alike']
    """
    known = estimate.outcome
    pain = PAIN[str(estimate.scenario.choices["prevalence_kind"])]
    quantities = {"limb_loss": LIMB_LOSS, "plp": pain}
    short = "Ever in pain" if pain == PAIN["ever"] else "In pain"
    quantities |= {name: f"{short} {BOUNDS_IN_WORDS[name]}" for name in BOUNDS}
    model = _model_of(estimate)
    own_share = estimate.scenario.choices["pain_after_minor_loss"] == "own_share"
    proxies = "; that of those who lost fingers or toes rests on proxies" if own_share else ""
    rows = []
    for outcome, quantity in quantities.items():
        if outcome not in known.values:
            raise ValueError(f"the run has no {outcome}; expected one of people_with_pain")
        for year in years:
            place = np.flatnonzero(known.years == year)
            if not place.size:
                raise ValueError(
                    f"the run has no year {year}; expected years from {known.years[0]} to "
                    f"{known.years[-1]}"
                )
            people = known.values[outcome][:, place[0]]
            limits = np.quantile(people, [0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2])
            median, low, high = (float(limit) for limit in limits)
            said = f"{millions(median)} million ({millions(low)} to {millions(high)})"
            sentence = _SENTENCES[outcome].format(said, year, proxies=proxies)
            if pain != PAIN["current"]:
                sentence = sentence.replace("have phantom", "have or had phantom")
            rows.append((quantity, year, median, low, high, LEVEL, "people", model, sentence))
    pair = estimate_points(["zg2008_total_2005", "zg2008_total_2050"])
    for year, printed, source in zip(
        pair["year"].astype(int),
        pair["value"].astype(float),
        pair["label"].astype(str),
        strict=True,
    ):
        sentence = (
            f"{source} printed {printed / 1e6:.1f} million people with limb loss for {year}, "
            "without an interval; clinic pages print it as pain."
        )
        rows.append(
            (AS_PUBLISHED, year, printed, math.nan, math.nan, math.nan, "people", source, sentence)
        )
    columns = ["quantity", "year", "median", "low", "high", "level", "unit", "model", "sentence"]
    return pd.DataFrame(rows, columns=columns)


def headline_table(numbers: pd.DataFrame, *, scale: float = 1e6) -> pd.DataFrame:
    """The headline numbers as a reader has them: one row per quantity, one column per year.

    Parameters
    ----------
    numbers : DataFrame
        As `headline_numbers` gives it.
    scale : float
        Numbers are divided by it; two decimals are printed.

    Returns
    -------
    DataFrame
        Columns quantity and one a year, "2.28 (2.00 to 2.59)"; empty where there is no number.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.simulate import run
    >>> table = headline_table(headline_numbers(run(people_with_pain, read_scenario(), n_draws=8)))
    >>> table.set_index("quantity").loc["Limb loss, as published", "2050"]
    '3.60'
    """
    years = sorted(numbers["year"].unique())
    rows = []
    for quantity in numbers["quantity"].unique():
        of_quantity = numbers[numbers["quantity"] == quantity].set_index("year")
        row = {"quantity": quantity}
        for year in years:
            row[str(year)] = ""
            if year in of_quantity.index:
                median, low, high = of_quantity.loc[year, ["median", "low", "high"]] / scale
                limits = "" if pd.isna(low) else f" ({low:.2f} to {high:.2f})"
                row[str(year)] = f"{median:.2f}{limits}"
        rows.append(row)
    return pd.DataFrame(rows)


def headline_bars(numbers: pd.DataFrame) -> pd.DataFrame:
    """The headline numbers as `plcore.charts.bars` takes them.

    Parameters
    ----------
    numbers : DataFrame
        As `headline_numbers` gives it.

    Returns
    -------
    DataFrame
        The rows with label (quantity and year), series ("Limb loss", "In pain" or "As published")
        and, in millions, value, low and high.
    """
    limits = numbers[["median", "low", "high"]].astype(float) / 1e6
    series = numbers["quantity"].map({LIMB_LOSS: "Limb loss", AS_PUBLISHED: "As published"})
    return pd.DataFrame(
        {
            "label": [
                f"{year}: {quantity[:1].lower()}{quantity[1:]}"
                for year, quantity in zip(numbers["year"], numbers["quantity"], strict=True)
            ],
            "series": series.fillna("In pain"),
            "value": limits["median"],
            "low": limits["low"],
            "high": limits["high"],
        }
    )


def published_readings(readings: Run) -> pd.DataFrame:
    """Three readings of the published pair by year, as `plcore.charts.fan` takes them.

    Parameters
    ----------
    readings : Run
        Of `plcore.models.three_readings`.

    Returns
    -------
    DataFrame
        As `plcore.simulate.summarise`, with a column series: what each reading is called.
    """
    summary = summarise(readings)
    rows = summary[summary["outcome"].isin(_READINGS)]
    return rows.assign(series=[_READINGS[outcome][1] for outcome in rows["outcome"]])


def readings_table(
    readings: Run, estimate: Run, *, years: Sequence[int] = (2005, 2025, 2050)
) -> pd.DataFrame:
    """Three readings of the published pair, and below them our estimate with its two bounds.

    Parameters
    ----------
    readings : Run
        Of `plcore.models.three_readings`.
    estimate : Run
        Of `plcore.models.people_with_pain`.
    years : sequence of int
        Years of both runs.

    Returns
    -------
    DataFrame
        Column reading, and one a year: millions of people, median and 95% interval in words.
    """
    ours = {"plp": f"{_model_of(estimate)}: the share in pain by level of loss"}
    ours |= {name: f"{_model_of(estimate)}, {words}" for name, words in BOUNDS_IN_WORDS.items()}
    tables = [
        interval_table(
            summarise(readings), years=years, labels={k: v[0] for k, v in _READINGS.items()}
        ),
        interval_table(summarise(estimate), years=years, labels=ours),
    ]
    return pd.concat(tables, ignore_index=True).rename(columns={"Reading": "reading"})


def severity_table(estimate: Run, *, years: Sequence[int] = YEARS) -> pd.DataFrame:
    """People in pain by how bad it is, in millions: medians with 95% intervals, in words.

    Parameters
    ----------
    estimate : Run
        Of `plcore.models.people_with_pain`, of any kind of prevalence but "ever".
    years : sequence of int
        Years of the run.

    Returns
    -------
    DataFrame
        Column people, one a year, and two of the first year with its two bounds.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.simulate import run
    >>> severity_table(run(people_with_pain, read_scenario(), n_draws=8))["people"].tolist()[-1]
    '... called a problem'
    """
    labels = {
        name: label if name == "plp" else f"... {label}" for name, label in _rungs(estimate).items()
    }
    table = interval_table(summarise(estimate), years=years, labels=labels)
    for bound, words in BOUNDS_IN_WORDS.items():
        under = interval_table(
            summarise(_under(estimate, bound)), years=years[:1], labels=dict.fromkeys(labels, "")
        )
        table[f"{years[0]} {words}"] = under[str(years[0])].to_numpy()
    return table.rename(columns={"Reading": "people"})


def severity_ladder(estimate: Run, *, year: int = YEARS[0]) -> pd.DataFrame:
    """People in pain by how bad it is, in one year, as `plcore.charts.bars` takes them.

    Parameters
    ----------
    estimate : Run
        As for `severity_table`.
    year : int
        A year of the run.

    Returns
    -------
    DataFrame
        One row per rung: outcome, label, value, low and high (95% interval), and bound_low and
        bound_high (medians if only major losses hurt, and if all losses hurt alike), in millions.

    Examples
    --------
    >>> from plcore.models import people_with_pain
    >>> from plcore.simulate import run
    >>> ladder = severity_ladder(run(people_with_pain, read_scenario(), n_draws=64))
    >>> bool((ladder["value"] <= ladder["value"].iloc[0]).all())
    True
    """
    rungs = _rungs(estimate)
    summary = summarise(estimate)
    rows = summary[summary["year"] == year].set_index("outcome").loc[list(rungs)]
    millions = rows[["median", "low_95", "high_95"]] / 1e6
    ladder = millions.set_axis(["value", "low", "high"], axis="columns")
    ladder.insert(0, "label", [label[:1].upper() + label[1:] for label in rungs.values()])
    for column, bound in zip(("bound_low", "bound_high"), BOUNDS_IN_WORDS, strict=True):
        under = summarise(_under(estimate, bound))
        medians = under[under["year"] == year].set_index("outcome")["median"]
        ladder[column] = medians.loc[list(rungs)] / 1e6
    return ladder.reset_index()


def _under(estimate: Run, bound: str) -> Run:
    """A run whose people in pain are those of one of its bounds, with the same shares of them."""
    values = estimate.outcome.values
    ratio = values[bound] / values["plp"]
    rungs = {name: values[name] * ratio for name in _rungs(estimate)}
    return replace(estimate, outcome=replace(estimate.outcome, values=rungs))


def _rungs(estimate: Run) -> dict[str, str]:
    kind = str(estimate.scenario.choices["prevalence_kind"])
    if kind == "ever":
        raise ValueError("the run counts pain ever, which has no severity; expected another kind")
    return {"plp": PAIN[kind]} | {f"plp_{name}": _SEVERITIES[name] for name in SEVERITIES}


def _model_of(estimate: Run) -> str:
    """How a run is named: our estimate, or what it takes otherwise."""
    scenario, usual = estimate.scenario, read_scenario()
    span = ("first_year", "last_year", "extrapolate")
    others = [
        f"{name} = {value}"
        for name, value in scenario.choices.items()
        if name not in span and value != usual.choices.get(name)
    ]
    if scenario.parameters != usual.parameters and not others:
        others = [scenario.name]
    return f"{_ESTIMATE}, but {', '.join(others)}" if others else _ESTIMATE
