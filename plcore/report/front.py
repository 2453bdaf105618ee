"""The cards of the front page: each question answered by a number, its interval, a sentence, a chart.

Every card is read from tables that the pages show, so that the front page cannot say anything else
than they do. A card whose tables are not in the report is left out.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup, escape

from plcore.charts.frame import CLAIM, EVIDENCE, LIMB_LOSS, PAIN
from plcore.evidence.data import read
from plcore.report.headlines import AS_PUBLISHED, YEARS
from plcore.report.headlines import LIMB_LOSS as LIMB_LOSS_ROWS
from plcore.report.notebooks import Page

#: Of the small charts, in pixels: their width, a row, room right of the bars, a letter of a label;
#: and how many letters a label may have beside its bar.
_WIDTH, _ROW, _RIGHT, _LETTER, _SHORT = 300, 20, 60, 7, 14
#: The probability of keeping the service level at which the page says that chairs are enough.
_ENOUGH = 0.8


@dataclass(frozen=True, slots=True)
class Card:
    """One question and its answer.

    Attributes
    ----------
    question : str
        As a heading.
    number, interval : str
        The answer in large, and what stands beside it.
    sentence : str
        What it means.
    chart : Markup
        A small chart, as SVG; empty where there is none.
    link : str
        The page and place that say more.
    """

    question: str
    number: str
    interval: str
    sentence: str
    chart: Markup
    link: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that a page shows, and where."""

    table: pd.DataFrame
    link: str


def cards(pages: Sequence[Page]) -> tuple[Card, ...]:
    """The cards whose tables the pages show, in the order of the front page.

    Parameters
    ----------
    pages : sequence of Page
        As `plcore.report.notebooks.read_page` gives them.
    """
    shown = {
        exhibit.name: (exhibit.csv, f"{page.stem}.html#{exhibit.name}")
        for page in pages
        for exhibit in page.exhibits
    }
    return answers(shown)


def answers(shown: Mapping[str, tuple[str, str]]) -> tuple[Card, ...]:
    """The cards of some tables, in the order of the front page.

    Parameters
    ----------
    shown : mapping of str to (str, str)
        The CSV of each table, by its name in the report, and the place that shows it.
    """
    made = []
    for needed, card in _CARDS:
        if all(name in shown for name in needed):
            tables = {
                name: Shown(pd.read_csv(io.StringIO(shown[name][0])), shown[name][1])
                for name in needed
            }
            made.append(card(tables))
    return tuple(made)


def predicted(pages: Sequence[Page]) -> str:
    """How well the model predicts what a fit did not see, in a sentence; empty without its table.

    Parameters
    ----------
    pages : sequence of Page
        As for `cards`.
    """
    for page in pages:
        for exhibit in page.exhibits:
            if exhibit.name == "predictive_left_out":
                return predicted_by(pd.read_csv(io.StringIO(exhibit.csv)))
    return ""


def predicted_by(left_out: pd.DataFrame) -> str:
    """The same of the report's table `predictive_left_out`."""
    inside = left_out["inside"]
    return (
        f"{inside.sum()} of {len(inside)} observations lie in the 95% predictive "
        "interval of a fit that did not see their source"
    )


def _published(shown: Mapping[str, Shown]) -> Card:
    rows = _of(shown, AS_PUBLISHED)
    first, last = rows.iloc[0], rows.iloc[-1]
    return Card(
        "What do 1.6 and 3.6 million count?",
        f"{_millions(first['median'])} → {_millions(last['median'])} million",
        f"{first['year']} to {last['year']}, as published, without an interval",
        "People with limb loss. Clinic pages print the same two numbers as people in pain, but "
        "nobody has counted those.",
        _bars([(str(row["year"]), row["median"], math.nan, math.nan, CLAIM)
               for row in rows.to_dict("records")]),
        "02_claims_and_evidence.html",
    )  # fmt: skip


def _limb_loss(shown: Mapping[str, Shown]) -> Card:
    rows = _of(shown, LIMB_LOSS_ROWS)
    now, last = rows.iloc[0], rows.iloc[-1]
    published = float(_of(shown, AS_PUBLISHED)["median"].iloc[-1])
    where = "inside" if last["low"] <= published <= last["high"] else "outside"
    return Card(
        "How many people live with limb loss?",
        f"{_millions(now['median'])} million",
        f"in {now['year']}; 95% interval {_millions(now['low'])} to {_millions(now['high'])}",
        f"{_millions(last['median'])} million in {last['year']} "
        f"({_millions(last['low'])} to {_millions(last['high'])}): the published "
        f"{_millions(published)} lies {where} this range. "
        "Most of these people lost only fingers or toes.",
        _bars([(str(row["year"]), row["median"], row["low"], row["high"], LIMB_LOSS)
               for row in rows.to_dict("records")]),
        "03_limb_loss_projection.html",
    )  # fmt: skip


def _pain(shown: Mapping[str, Shown]) -> Card:
    central = _of(shown, "In pain now or lately")
    least, most = (_of(shown, f"In pain if {words}") for words in
                   ("only major losses hurt", "all losses hurt alike"))  # fmt: skip
    year = int(central["year"].iloc[0])
    now, low, high = (rows[rows["year"] == year].iloc[0] for rows in (central, least, most))
    last = central.iloc[-1]
    return Card(
        "How many have phantom limb pain?",
        f"{_hundredths(now['median'])} million",
        f"in {year}; 95% interval {_hundredths(now['low'])} to {_hundredths(now['high'])}",
        f"{_hundredths(low['median'])} million if only the loss of a hand, a foot or more "
        f"causes it; {_hundredths(high['median'])} million if losing fingers or toes causes it as "
        f"often. In {last['year']}: {_hundredths(last['median'])} million "
        f"({_hundredths(last['low'])} to {_hundredths(last['high'])}).",
        _bars([(str(row["year"]), row["median"], row["low"], row["high"], PAIN)
               for row in central.to_dict("records")], lambda people: f"{_hundredths(people)} m"),
        "04_plp_prevalence.html",
    )  # fmt: skip


def _trials(shown: Mapping[str, Shown]) -> Card:
    table = shown["contrasts_established"].table
    studies = table[table["role"] == "study"]
    ranked = studies.sort_values("low", ascending=False)
    best = ranked.iloc[0]
    return Card(
        "What did trials find?",
        f"{abs(best['estimate']):.0f} {'more' if best['estimate'] >= 0 else 'fewer'} of 100",
        f"patients improved than in the control group; 95% interval {best['low']:.0f} "
        f"to {best['high']:.0f}",
        f"The clearest of {len(studies)} controlled comparisons after amputation: "
        # Trial and treatment; the time is part of what improved means.
        f"{', '.join(best['label'].split(':')[0].split(', ')[:2])}. Improved means: {_definition(best)}."
        f"{_not_compared(shown['treatments_named'].table)}",
        _bars([(str(row["label"]).split(",")[0].split(":")[0], row["estimate"],
                row["low"], row["high"], EVIDENCE)
               for row in ranked.to_dict("records")], "{:+.0f}".format),
        shown["contrasts_established"].link,
    )  # fmt: skip


def _not_compared(treatments: pd.DataFrame) -> str:
    """A sentence on the treatment that most pages name, where no comparison is of it."""
    most = treatments.sort_values("Named by", ascending=False, kind="stable").iloc[0]
    if most["Compared"] > 0:
        return ""
    return f" None is of {str(most['Treatment']).split(',')[0].lower()}."


def _definition(best: pd.Series) -> str:
    """What counted as improved in the trial of a row of the contrasts."""
    arms = read("trials").query("source == @best.source and role == 'treatment'")
    counts = arms["responders"].map("{:g}".format) + " of " + arms["n"].map("{:g}".format)
    counted = [number in str(best["label"]) for number in counts]
    return str(arms.loc[counted, "definition_words"].iloc[0])


def _drivers(shown: Mapping[str, Shown]) -> Card:
    effects = shown["shapley_effects"].table
    year = int(effects["series"].min())
    rows = effects[(effects["series"] == year) & effects["low"].notna()].head(3)
    study = str(shown["most_useful_study"].table.iloc[0, 0])
    return Card(
        "What drives the answer?",
        f"{100 * rows['value'].iloc[0]:.0f}%",
        f"of the uncertainty about people in pain in {year} comes from one input",
        # What is asked, how and from what width to what, the page says.
        f"{_later(effects, year)}{_DETAIL.sub(' ', study).split(', from ')[0]}.",
        _bars([(str(row["label"]), row["value"], row["low"], row["high"], EVIDENCE)
               for row in rows.to_dict("records")], "{:.0%}".format),
        shown["most_useful_study"].link,
    )  # fmt: skip


_DETAIL = re.compile(r", drawn at random, whether .*? (?=would narrow)")


def _later(effects: pd.DataFrame, year: int) -> str:
    """A sentence on the last year, where another input leads."""
    last = effects[(effects["series"] == effects["series"].max()) & effects["low"].notna()]
    leads = str(last["label"].iloc[0])
    if leads == effects.loc[effects["series"] == year, "label"].iloc[0]:
        return ""
    share = f"{100 * last['value'].iloc[0]:.0f}%"
    return f"In {last['series'].iloc[0]:.0f}: {_uncapped(leads)}, {share}. "


def _chairs(shown: Mapping[str, Shown]) -> Card:
    chairs = str(shown["six_answers"].table["answer"].iloc[1])
    number, _, others = chairs.removeprefix("It takes ").partition(", ")
    # "1 nurse on duty and 2 days open a week to keep ...": the rest says which rule decides.
    week = re.match(r".* a week\b", others)
    levels = shown["service_level"].table
    fewest = levels[levels["value"] >= _ENOUGH].groupby("series", sort=False)["x"].min()
    return Card(
        "How many chairs does a clinic need?",
        number,
        f"{_range_of_cases(chairs)}for Los Angeles, Orange and Ventura counties in 2027, shares "
        "assumed",
        f"With {week[0] if week else others.rstrip('.')}. For other places and shares, use the "
        "clinic planner.",
        _bars([(_capped(str(series)), float(x), math.nan, math.nan, EVIDENCE)
               for series, x in fewest.items()], "{:.0f}".format),
        shown["six_answers"].link,
    )  # fmt: skip


def _range_of_cases(chairs: str) -> str:
    """ "95% of cases: 1 to 2; " from the sentence on chairs, where it says so."""
    cases = re.search(r"(\d+% of cases) take (\d+(?: to \d+)?)", chairs)
    return f"{cases[1]}: {cases[2]}; " if cases else ""


_CARDS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Shown]], Card]], ...] = (
    (("headline_numbers",), _published),
    (("headline_numbers",), _limb_loss),
    (("headline_numbers",), _pain),
    (("contrasts_established", "treatments_named"), _trials),
    (("shapley_effects", "most_useful_study"), _drivers),
    (("six_answers", "service_level"), _chairs),
)


def _of(shown: Mapping[str, Shown], quantity: str) -> pd.DataFrame:
    table = shown["headline_numbers"].table
    rows = table[table["quantity"] == quantity]
    # The published pair begins in 2005; our own estimate, here, with the years to come.
    return rows if quantity == AS_PUBLISHED else rows[rows["year"] >= YEARS[0]]


def _millions(people: float) -> str:
    return f"{people / 1e6:.1f}"


def _hundredths(people: float) -> str:
    """Millions of people, some of them fewer than one million."""
    return f"{people / 1e6:.2f}"


def _uncapped(text: str) -> str:
    return text[:1].lower() + text[1:]


def _capped(text: str) -> str:
    return text[:1].upper() + text[1:]


def _in_millions(people: float) -> str:
    return f"{_millions(people)} m"


def _bars(
    rows: Sequence[tuple[str, float, float, float, str]],
    number: Callable[[float], str] = _in_millions,
) -> Markup:
    """Bars with whiskers from zero, one a row, as a small SVG that needs no script.

    A short label stands left of its bar, a long one above it. `number` prints a value.
    """
    ends = [end for _, *three, _ in rows for end in three if not math.isnan(end)]
    longest = max(len(label) for label, *_ in rows)
    above = longest > _SHORT
    left, pitch = (2, 2 * _ROW - 4) if above else (_LETTER * longest + 18, _ROW)
    least, most = min(0.0, *ends), max(0.0, *ends)
    per_unit = (_WIDTH - left - _RIGHT) / (most - least)
    parts, words = [], []
    for place, (label, value, low, high, colour) in enumerate(rows):
        y = pitch * place + (_ROW - 4 if above else 0)
        zero, at, start, stop = (left + per_unit * (x - least) for x in (0.0, value, low, high))
        text = number(value)
        words.append(f"{label} {text}")
        name = (left, y - 2, "start") if above else (left - 6, y + 13, "end")
        parts.append(
            f'<text x="{name[0]}" y="{name[1]}" text-anchor="{name[2]}">{escape(label)}</text>'
            f'<rect x="{min(zero, at):.1f}" y="{y + 3}" width="{max(abs(at - zero), 1):.1f}" '
            f'height="13" fill="{colour}"/>'
        )
        if not math.isnan(low):
            parts.append(
                f'<path d="M{start:.1f} {y + 9.5}H{stop:.1f}M{start:.1f} {y + 6}v7'
                f'M{stop:.1f} {y + 6}v7" stroke="currentColor" fill="none"/>'
            )
        end = max(x for x in (zero, at, stop) if not math.isnan(x))
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 13}">{text}</text>')
    height = pitch * len(rows) + 2
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape("; ".join(words))}">'
        f"{''.join(parts)}</svg>"
    )
