"""The observations: the table is refused where it is faulty, and each row has an honest error."""

import csv
import io
import shutil

import numpy as np
import pytest

from plcore.evidence.data import DATA, read, reference
from plcore.evidence.observation_table import FAMILIES, OBSERVATIONS, POPULATIONS, QUANTITIES
from plcore.evidence.observations import read_observations

HEADER = [column.name for column in OBSERVATIONS.columns]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("geography", "pop*"))
    return tmp_path / "data"


def save(folder, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *([row[name] for name in HEADER] for row in rows)])
    (folder / "observations.csv").write_text(text.getvalue())


def rows_of(folder):
    return list(csv.DictReader(io.StringIO((folder / "observations.csv").read_text())))


def refusal(folder, key, **cells):
    """What is said of the shipped table with some cells of one row changed."""
    rows = rows_of(folder)
    line = next(at for at, row in enumerate(rows) if row["observation"] == key)
    rows[line] |= cells
    save(folder, rows)
    with pytest.raises(ValueError, match=r"observations\.csv") as error:
        read_observations(folder=folder)
    # Each fault is named with the line of the row.
    assert all(f"observations.csv:{line + 2}:" in text for text in str(error.value).splitlines())
    return str(error.value)


@pytest.mark.parametrize(
    ("key", "cells", "expected"),
    [
        ("zg_people_2005", {"quantity": "people"}, "quantity is 'people'; expected one of people_"),
        ("zg_people_2005", {"loss_level": "toes"}, "loss_level is 'toes'; expected one of major,"),
        ("zg_people_2005", {"counts": "limbs"}, "counts is 'limbs'; expected one of persons,"),
        ("zg_people_2005", {"first_year": "1890"}, "a whole number from 1900 to 2100"),
        ("zg_people_2005", {"last_year": "2004"}, "expected at least first_year (2005)"),
        ("zg_people_2005", {"first_year": "", "last_year": ""}, "the first year of the data"),
        ("nhis_people_1996", {"standard_error": "0"}, "standard_error is '0'; expected a number"),
        ("nhis_share_65_over_1996", {"value": "48.1"}, "from 0 to 1, as the unit is share"),
        ("review_major_dead_12", {"value": "337"}, "from 0 to 100, as the unit is percent"),
        ("zg_people_2005", {"unit": "percent"}, "people, as the quantity is people_with_limb_loss"),
        ("diabetes_rate_all_2009", {"value": "2.5"}, "value is '2.5'; expected at least low"),
        ("diabetes_rate_all_2009", {"limits_level": ""}, "exactly where there are limits"),
        ("zg_people_2005", {"source": "nobody_1900"}, "expected a key of sources.csv"),
        ("zg_people_2005", {"family": "ziegler"}, "family is 'ziegler'; expected one of ziegler_"),
        ("zg_people_2005", {"discrepancy": "", "discrepancy_note": ""}, "the row is for fit"),
        ("zg_people_2005", {"discrepancy_note": ""}, "the reason, exactly where"),
        ("review_major_dead_12", {"months": ""}, "the time since the amputation"),
        ("review_major_dead_12", {"value": "100"}, "a number between 0 and 100"),
        ("nhds_major_1983", {"note": ""}, "the reason why the row is context only"),
        ("rivera_people", {"seen": "memory"}, "neither memory nor a guess"),
        ("rivera_people", {"observation": "zg_people_2005"}, "each once, and line 2 has it"),
    ],
)
def test_a_faulty_row_is_refused_with_its_line_and_column(folder, key, cells, expected):
    assert expected in refusal(folder, key, **cells)


def test_a_family_holds_observations_or_model_outputs(folder):
    message = refusal(folder, "zg_people_2050", kind="observation")

    assert "kind is 'observation'; expected model_output, as other rows of the family" in message


def test_a_source_that_contradicts_itself_is_refused(folder):
    rows = rows_of(folder)
    at = next(i for i, row in enumerate(rows) if row["observation"] == "hcupnet_2007_2012")
    rows.append(rows[at] | {"observation": "hcupnet_again", "value": "900000"})
    save(folder, rows)

    with pytest.raises(
        ValueError, match=rf"csv:{len(rows) + 1}: value is '900000'; expected 841210, which "
        "hcupnet_2007_2012 of the same source",
    ):  # fmt: skip
        read_observations(folder=folder)

    # Another year is another observation.
    rows[-1] |= {"first_year": "2008"}
    save(folder, rows)
    assert len(read_observations(folder=folder)) == len(rows)


def test_every_row_used_has_a_discrepancy_with_its_reason_and_every_other_its_reason():
    table = read_observations()
    used = table[table["use"] != "context"]

    assert (used["discrepancy"] > 0).all()
    assert (used["discrepancy_note"].str.len() > 5).all()
    assert (used["sd"] > 0).all()
    assert (table.query("use == 'context'")["note"].str.len() > 3).all()


def test_every_source_resolves_and_every_word_of_the_vocabulary_is_used():
    table = read_observations()

    for keys in set(table["source"]):
        assert all(len(reference(key)) > 10 for key in keys.split(";"))
    assert set(table["family"]) == set(FAMILIES)
    assert set(table["quantity"]) == set(QUANTITIES)
    assert set(table["population"]) == set(POPULATIONS)


def test_no_row_rests_on_memory():
    table = read_observations()
    remembered = set()
    for name in ("limb_loss_estimates", "amputation_incidence", "mortality_after_amputation"):
        rows = read(name).query("seen == 'memory'").dropna(subset=["value"])
        remembered |= set(zip(rows["source"], rows["value"], strict=True))

    assert remembered
    assert not set(table["seen"]) & {"memory", "assumed"}
    assert not remembered & set(zip(table["source"], table["value"], strict=True))


def test_models_outputs_are_families_that_can_be_left_out():
    table = read_observations()

    outputs = set(table.query("kind == 'model_output'")["family"])
    assert outputs == {"ziegler_graham", "rivera", "avalere"}
    assert not outputs & set(table.query("kind == 'observation'")["family"])


def test_no_projection_and_no_prior_enters_the_fit():
    fit = read_observations().query("use == 'fit'")

    assert fit["last_year"].max() < 2024
    # The parameters of the rates of 1996 rest on these, which would then count twice.
    rates = fit.query("quantity == 'amputation_rate' and first_year == 1996")
    assert rates[rates["source"].str.contains("dillingham_2002")].empty


def test_numbers_printed_twice_in_the_data_agree():
    """Rows that other tables hold as well have the same value there."""
    table = read_observations().set_index("observation")["value"]
    estimates = read("limb_loss_estimates").set_index("estimate")["value"]
    incidence = read("amputation_incidence").set_index("estimate")["value"]
    deaths = read("mortality_after_amputation").set_index("estimate")["value"]

    assert table["zg_people_2005"] == estimates["zg2008_total_2005"]
    assert table["zg_people_2050"] == estimates["zg2008_total_2050"]
    assert table["rivera_people"] == estimates["rivera2024_total"]
    assert table["avalere_people"] == estimates["avalere2024_total"]
    assert table["nhis_people_1996"] == estimates["nhis1996_total"]
    assert table["review_major_dead_60"] == pytest.approx(100 * estimates["dead_major_5_years"])
    assert table["discharge_rate_vascular_1988"] == incidence["discharge_rate_dysvascular_1988"]
    assert table["diabetes_rate_all_2009"] == incidence["geiss_diabetes_any_2009"]
    assert table["medicare_pad_major_dead_12"] == deaths["medicare_pad_12"]


def test_derived_rows_follow_from_what_they_are_derived_from():
    value = read_observations().set_index("observation")["value"]

    total = value["hcupnet_1997_2006"] + value["hcupnet_2007_2012"]
    assert total == value["hcupnet_1997_2012"]
    sums = {1993: ("1993", "1993"), 2021: ("2021", "2021")}
    for year, (below, above) in sums.items():
        parts = value[f"nis_below_knee_{below}"], value[f"nis_above_knee_{above}"]
        ages = value[f"nis_mean_age_below_knee_{year}"], value[f"nis_mean_age_above_knee_{year}"]
        assert value[f"nis_vascular_major_{year}"] == sum(parts)
        assert value[f"nis_mean_age_major_{year}"] == round(np.average(ages, weights=parts), 1)
    major = [value[f"medicare_{s}_{y}"] for y in (2011, 1996) for s in ("above_knee", "below_knee")]
    ratio = sum(major[:2]) / sum(major[2:])
    assert value["medicare_major_ratio_1996_2011"] == round(ratio, 3)
    assert value["nontraumatic_2010"] == round(value["diabetes_discharges_2010"] / 0.6, -2)
    for year in (2009, 2015):
        minor, both = value[f"diabetes_rate_minor_{year}"], value[f"diabetes_rate_all_{year}"]
        assert value[f"diabetes_minor_share_{year}"] == pytest.approx(minor / both, abs=0.002)
    ages = value["uk_65_over_dead_60"] / value["uk_all_dead_60"]
    assert value["uk_dead_ratio_65_over_60"] == round(ages, 3)
    assert value["medicare_age_hazard_ratio"] == round(1.29 ** (1 / 5), 4)


def test_the_error_is_on_the_scale_of_the_row(folder):
    rows = read_observations().set_index("observation")

    # A logarithm from a standard error; log odds from people counted; years as they are.
    nhis = rows.loc["nhis_people_1996"]
    assert nhis["centre"] == pytest.approx(np.log(1285000))
    assert nhis["sd"] == pytest.approx(np.hypot(180 / 1285, 0.1))
    toe = rows.loc["us_hospital_minor_dead_12"]
    assert toe["centre"] == pytest.approx(np.log(12 / 88))
    assert toe["sampling_sd"] == pytest.approx(1 / np.sqrt(389 * 0.12 * 0.88))
    age = rows.loc["mean_age_nontraumatic_1997"]
    assert (age["scale"], age["centre"], age["sd"]) == ("absolute", 67.7, 1.0)
    # From limits: those of a rate, on the log scale.
    rate = rows.loc["diabetes_rate_all_2009"]
    assert rate["sampling_sd"] == pytest.approx(np.log(3.34 / 2.79) / (2 * 1.959964), rel=1e-6)
    share = rows.loc["nhis_share_65_over_1996"]
    assert share["sampling_sd"] == pytest.approx(0.07 / (0.481 * 0.519))
    fall = rows.loc["zg_change_10_percent_2050"]
    assert (fall["scale"], fall["centre"], fall["sd"]) == ("absolute", -225000, 45000)


def test_the_order_of_the_rows_does_not_matter(folder):
    before = read_observations().set_index("observation").sort_index()
    rows = rows_of(folder)
    save(folder, rows[::-1])

    after = read_observations(folder=folder).set_index("observation").sort_index()
    assert after.equals(before)
