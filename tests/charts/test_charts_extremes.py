"""Charts of nothing, of one row and of extreme numbers: a whole figure, or a plain refusal."""

import html
import math
import re

import plotly.io as pio
import pytest
from charts_by_numbers import CHARTS, LABELLED, WORDS, with_limits

from plcore import charts

LONG = "An unusually long label of a study, with its place, its years and its people, number"
NUMBERS = {
    "one": [3.0],
    "all equal": [2.0, 2.0, 2.0],
    "all nothing": [0.0, 0.0, 0.0],
    "below nothing": [-3.0, -2.0, -1.0],
    "on both sides": [-1e12, 0.0, 1e-12],
    "smallest and largest of all": [5e-324, 1.0, 1e300],
}


def labels_for(numbers, words="Row"):
    return [f"{words} {i}" for i in range(len(numbers))]


def drawn(chart, numbers, labels):
    """The figure as plotly gets it; None where it is refused as a user should be told."""
    try:
        figure = CHARTS[chart](numbers, labels)
    except ValueError as error:
        # "math domain error" is a ValueError too.
        if type(error) is ValueError and "expected" in str(error):
            return None
        raise
    return pio.to_json(figure), figure.to_plotly_json()


def numbers_in(part):
    if isinstance(part, dict):
        for each in part.values():
            yield from numbers_in(each)
    elif isinstance(part, list | tuple) or hasattr(part, "tolist"):
        for each in part.tolist() if hasattr(part, "tolist") else part:
            yield from numbers_in(each)
    elif isinstance(part, float):
        yield part


def words_in(text):
    """All that is written in a figure, without tags, line ends and blanks."""
    plain = html.unescape(re.sub(r"<[^<>]*>", "", html.unescape(text.replace("\\u003c", "<"))))
    return re.sub(r"\s", "", plain.replace("\\u003e", ">"))


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_of_any_numbers_is_whole_or_refused(chart):
    for name, numbers in NUMBERS.items():
        found = drawn(chart, numbers, labels_for(numbers))
        if found is None:
            continue
        text, parts = found
        # None stands for a gap; no number may be without a place.
        assert all(math.isfinite(number) for number in numbers_in(parts)), name
        assert parts["layout"]["height"] > 100
        written = words_in(text)
        labels = labels_for(numbers) if chart in LABELLED else []
        for words in ("A title", "A source", *labels):
            assert words.replace(" ", "") in written, name


@pytest.mark.parametrize("chart", CHARTS)
def test_ordinary_numbers_are_drawn_and_none_or_infinite_ones_are_refused(chart):
    assert drawn(chart, [1.0, 2.0, 3.0], labels_for("abc")) is not None
    for bad in ([], [1.0, math.nan, 3.0], [1.0, math.inf, 3.0]):
        assert drawn(chart, bad, labels_for(bad)) is None


@pytest.mark.parametrize(("end", "limit"), [("low", math.nan), ("high", math.inf)])
def test_one_limit_that_is_none_or_infinite_is_refused(end, limit):
    table = with_limits([1.0, 2.0], ["A", "B"])
    table.loc[1, end] = limit

    for draw in (
        lambda: charts.bars(table, xaxis="x", **WORDS),
        lambda: charts.steps(table, xaxis="x", **WORDS),
        lambda: charts.forest(
            table.rename(columns={"value": "estimate"}).assign(role="study"), xaxis="x", **WORDS
        ),
        lambda: charts.curves(table.assign(x=[0, 1], series="A"), xaxis="x", yaxis="y", **WORDS),
    ):
        with pytest.raises(ValueError, match=r"expected a (finite )?number"):
            draw()


@pytest.mark.parametrize(
    "chart", ["bars", "claims_against_evidence", "tornado", "indices", "screening"]
)
def test_a_description_counts_the_rows_that_it_does_not_name(chart):
    labels = [f"Row {letter}" for letter in "ABCDEFGHIJKL"]
    alt = CHARTS[chart]([float(n) for n in range(12, 24)], labels).layout.meta["alt"]
    named = sum(f"{label} " in alt or f"{label}:" in alt for label in labels)

    assert 3 <= named < 12
    assert alt.endswith((f"; and {12 - named} more.", f"; {12 - named} more."))


@pytest.mark.parametrize("reference", [math.nan, math.inf])
def test_a_reference_that_has_no_place_is_refused(reference):
    table = with_limits([1.0, 2.0], ["A", "B"])
    study = table.rename(columns={"value": "estimate"}).assign(role="study")

    with pytest.raises(ValueError, match=r"forest: reference is .*; expected a finite number"):
        charts.forest(study, xaxis="x", reference=reference, **WORDS)
    with pytest.raises(ValueError, match=r"curves: reference is .*; expected a finite number"):
        charts.curves(table.assign(x=[0, 1], series="A"), xaxis="x", yaxis="y",
                      reference=reference, **WORDS)  # fmt: skip


@pytest.mark.parametrize("chart", LABELLED)
def test_a_very_long_label_is_all_there(chart):
    numbers = [1.0, 2.0, 3.0]
    labels = [*labels_for(numbers, LONG)[:2], "Unbrokenaddress" * 20]
    found = drawn(chart, numbers, labels)

    assert found is not None
    # Topics are printed with one capital, as keys have none.
    written = words_in(found[0]).lower()
    for label in labels:
        assert re.sub(r"\s", "", label).lower() in written
