"""The table of headline numbers holds what the run says, and says what it is."""

import numpy as np
import pandas as pd
import pytest

from plcore.models import people_with_pain, three_readings
from plcore.report import headlines, teaching
from plcore.scenarios import read_scenario
from plcore.simulate import run

SPAN = {"first_year": 2005, "last_year": 2050}


def ran(n_draws=128, name="baseline", **choices):
    return run(people_with_pain, read_scenario(name, choices=SPAN | choices), n_draws=n_draws)


@pytest.fixture(scope="module")
def estimate():
    return ran()


@pytest.fixture(scope="module")
def readings():
    return run(three_readings, read_scenario(), n_draws=128)


def test_the_bounds_of_each_severity_are_the_scenarios_of_the_bounds(estimate):
    ladder = headlines.severity_ladder(estimate)
    table = headlines.severity_table(estimate)
    ends = {
        "bound_low": ("major_only", "2025 if only major losses hurt"),
        "bound_high": ("all_alike", "2025 if all losses hurt alike"),
    }
    for column, (name, words) in ends.items():
        alone = ran(name=name)
        expected = headlines.severity_ladder(alone)["value"]
        np.testing.assert_allclose(ladder[column], expected, rtol=1e-9)
        assert table[words].tolist() == headlines.severity_table(alone)["2025"].tolist()


def test_each_row_is_the_median_and_interval_of_its_quantity_and_year(estimate):
    table = headlines.headline_numbers(estimate).set_index(["quantity", "year"])
    outcomes = {
        "Limb loss": "limb_loss",
        "In pain now or lately": "plp",
        "In pain if only major losses hurt": "plp_major_only",
        "In pain if all losses hurt alike": "plp_all_alike",
    }
    for quantity, outcome in outcomes.items():
        for year in (2025, 2030, 2050):
            people = estimate.outcome.values[outcome][:, year - 2005]
            row = table.loc[(quantity, year)]
            assert row[["median", "low", "high"]].tolist() == pytest.approx(
                np.quantile(people, [0.5, 0.025, 0.975]).tolist()
            )
            assert (row["level"], row["unit"], row["model"]) == (0.95, "people", "Our estimate")
    assert len(table) == 14


def test_the_published_pair_stands_as_published_without_an_interval(estimate):
    pair = headlines.headline_numbers(estimate).query("quantity == 'Limb loss, as published'")

    assert pair[["year", "median"]].to_numpy().tolist() == [[2005, 1.6e6], [2050, 3.6e6]]
    assert pair[["low", "high", "level"]].isna().all(axis=None)
    assert set(pair["model"]) == {"Ziegler-Graham 2008"}
    assert pair["sentence"].str.contains("without an interval").all()


def test_a_sentence_has_the_numbers_of_its_row_and_pain_says_that_it_rests_on_proxies(estimate):
    ours = headlines.headline_numbers(estimate).query("model == 'Our estimate'")
    for row in ours.itertuples():
        numbers = f"{row.median / 1e6:.2f} million ({row.low / 1e6:.2f} to {row.high / 1e6:.2f})"
        assert row.sentence.startswith(numbers)
        assert f"in {row.year}" in row.sentence
    pain = ours[ours["quantity"] == "In pain now or lately"]
    assert pain["sentence"].str.contains("rests on proxies").all()


def test_a_run_with_other_choices_is_not_called_our_estimate():
    other = headlines.headline_numbers(ran(16, pain_after_minor_loss="none"))
    by_scenario = headlines.headline_numbers(ran(16, name="high_income"))

    assert other["model"][0] == "Our estimate, but pain_after_minor_loss = none"
    assert by_scenario["model"][0] == "Our estimate, but prevalence_pool = high_income"
    assert not other["sentence"].str.contains("proxies").any()


def test_pain_ever_is_called_so_and_has_no_severity():
    ever = ran(16, prevalence_kind="ever", prevalence_pool="high_income")
    table = headlines.headline_numbers(ever)

    assert "Ever in pain" in set(table["quantity"])
    assert not table["quantity"].str.contains("now").any()
    with pytest.raises(ValueError, match="counts pain ever, which has no severity"):
        headlines.severity_ladder(ever)


def test_a_year_or_a_quantity_that_the_run_lacks_is_refused(estimate, readings):
    with pytest.raises(ValueError, match="no year 2051; expected years from 2005 to 2050"):
        headlines.headline_numbers(estimate, years=[2051])
    with pytest.raises(ValueError, match="the run has no plp; expected one of people_with_pain"):
        headlines.headline_numbers(readings)


def test_the_table_in_words_and_the_bars_hold_the_same_numbers(estimate):
    numbers = headlines.headline_numbers(estimate)
    words = headlines.headline_table(numbers).set_index("quantity")
    bars = headlines.headline_bars(numbers)

    for row, bar in zip(numbers.itertuples(), bars.itertuples(), strict=True):
        cell = words.loc[row.quantity, str(row.year)]
        printed = [float(number) for number in cell.strip(")").replace(" (", " to ").split(" to ")]
        given = [x for x in (row.median, row.low, row.high) if not pd.isna(x)]
        assert printed == [round(number / 1e6, 2) for number in given]
        assert bar.label.startswith(f"{row.year}: ")
        assert bar.value == row.median / 1e6
    assert words.loc["Limb loss", "2005"] == ""


def test_no_rung_of_severity_is_higher_than_what_it_is_a_part_of(estimate):
    ladder = headlines.severity_ladder(estimate).set_index("outcome")
    table = headlines.severity_table(estimate, years=[2025]).set_index("people")["2025"]

    assert ladder["value"].idxmax() == "plp"
    assert (
        ladder.loc["plp_extremely_bothersome", "value"] < ladder.loc["plp_moderate_severe", "value"]
    )
    assert table["In pain now or lately"].startswith(f"{ladder.loc['plp', 'value']:.2f} (")


def test_readings_of_the_published_pair_and_our_estimate_stand_under_different_words(
    estimate, readings
):
    table = headlines.readings_table(readings, estimate)
    drawn = headlines.published_readings(readings)

    assert table["reading"].is_unique
    assert table["reading"].str.startswith("Our estimate").tolist() == [False] * 3 + [True] * 3
    assert not table["reading"].str.contains("vidence-based").any()
    assert table["reading"][2].startswith("Published limb loss times the pooled share of pain")
    assert set(drawn["series"]) == {"As claimed", "Source-corrected", "Times the pooled share"}


def test_what_is_counted_has_the_bounds_beside_our_estimate(estimate, readings):
    table = teaching.what_is_counted(readings, estimate).set_index("label")

    assert table["value"].iloc[:2].tolist() == pytest.approx([1.6, 1.6], rel=1e-3)
    assert table["low"].iloc[:2].isna().all()
    assert table.loc["In pain, our estimate", "value"] == pytest.approx(
        np.median(estimate.outcome.values["plp"][:, 0]) / 1e6
    )
    bounds = table.loc[["... if only major losses hurt", "... if all losses hurt alike"], "value"]
    assert bounds.iloc[0] < table.loc["In pain, our estimate", "value"] < bounds.iloc[1]


def test_icons_add_up_to_the_people_of_their_panel(estimate):
    panels = teaching.people_in_pain(estimate, one_in=190).groupby("panel", sort=False)["count"]

    assert panels.sum().tolist() == [190, 100, 100]
