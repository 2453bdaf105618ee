"""A planner's settings, what follows from them, and the tables and sentences that say it."""

import functools
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planner_models import run_once

from plcore.clinic.demand import SEVERITIES, by_year
from plcore.clinic.own import OwnNumbers
from plcore.clinic.people import people_nearby
from plcore.clinic.places import by_state
from plcore.clinic.results import NOT_REFERRED
from plcore.clinic.sizing import with_gains
from plcore.planner.answers import MOST_CHAIRS, answer, sizes
from plcore.planner.sentences import in_sentences
from plcore.planner.settings import (
    RETURNS,
    Settings,
    meanings,
    read_settings,
    settings_from,
    settings_text,
)
from plcore.planner.tables import (
    answer_tables,
    assumptions_table,
    key_figures,
    settings_table,
    side_by_side,
    three,
)
from plcore.scenarios import read_scenario, scenario_names
from plcore.simulate.runs import run

VERMONT = Settings(state="VT", year=2027, n_years=1, draws=16, runs=2)
#: More come than two chairs hold: 300 visits a month, of which they hold 170.
BUSY = OwnNumbers(first_month="2026-01", referrals=(30, 30, 30), waiting_list=20)


@pytest.fixture(autouse=True)
def _people_once(monkeypatch):
    monkeypatch.setattr("plcore.planner.answers.run", run_once)


@functools.cache
def planned(own=None, **changed):
    return answer(replace(VERMONT, **changed), own=own)


@functools.cache
def sized(*chairs, own=None, **changed):
    return sizes(planned(own, **changed), chairs or None)


shares = st.floats(0, 1)
counts = st.integers(1, 5)
places = st.one_of(
    st.fixed_dictionaries(
        {
            "near": st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
            "radius_km": st.floats(1, 5000),
        }
    ),
    st.fixed_dictionaries({"zip": st.text("0123456789", min_size=5), "radius_km": counts}),
    st.fixed_dictionaries({"counties": st.lists(st.text("0123456789"), min_size=1).map(tuple)}),
    # Whatever is typed has to come back, whether or not there is such a state.
    st.fixed_dictionaries({"state": st.text(st.characters(exclude_categories=["Cs"]))}),
    st.fixed_dictionaries({"metro": st.text("0123456789", min_size=1)}),
)
others = st.fixed_dictionaries(
    {},
    optional={
        "name": st.from_regex(r"[A-Za-z0-9_é]([\w .-]{0,20}\w)?", fullmatch=True),
        "year": st.integers(2005, 2100),
        "n_years": st.integers(1, 20),
        "scenario": st.sampled_from(scenario_names()),
        "severity": st.sampled_from(list(SEVERITIES)),
        "share_served": shares,
        "share_accepting": shares,
        "ramp_years": st.floats(0, 1e6),
        "known_at_first": shares,
        "infusions": st.integers(5, 20),
        "weeks": st.floats(3, 52),
        "returns": st.sampled_from(RETURNS),
        "most_returns": counts,
        "stop_without_relief_after": counts,
        "chairs": counts,
        "nurses": counts,
        "hours": st.floats(2, 24),
        "days_a_week": counts,
        "overbooking": st.floats(1, 3),
        "visits_a_day": counts,
        "waiting_list": st.integers(0, 100_000),
        "mg_per_kg": st.floats(1e-9, 1e9),
        "mg": st.floats(0, 1e9),
        "vial_mg": st.floats(1e-9, 1e9),
        "within_days": st.integers(0, 364),
        "share_within": st.floats(0.01, 1),
        "probability": st.floats(0.01, 0.999),
        "draws": st.integers(16, 16_384),
        "runs": st.integers(1, 1000),
        "seed": st.integers(0, 2**32),
    },
)


@settings(max_examples=15)
@given(place=places, rest=others)
def test_settings_saved_and_read_again_are_the_same(place, rest, tmp_path_factory):
    try:
        chosen = settings_from({**place, **rest})
    except ValueError:
        assume(False)
    path = tmp_path_factory.getbasetemp() / "round_trip.toml"
    path.write_text(settings_text(chosen), encoding="utf-8", newline="\n")

    assert read_settings(path) == chosen


@pytest.mark.parametrize(
    ("lines", "where", "message"),
    [
        ("state = 'VT'\nchair = 4", ":2", "unknown setting chair; did you mean chairs"),
        ("state = 'VT'\n\nchairs = 0", ":3", "chairs is 0; expected from 1 to 200"),
        ("state = 'VT'\nchairs = 2.5", ":2", "chairs is 2.5; expected a whole number"),
        ("state = 'VT'\nchairs = true", ":2", "chairs is True; expected a whole number"),
        ("state = 'VT'\nhours = 'long'", ":2", "hours is 'long'; expected a number"),
        ("state = 'VT'\nhours = inf", ":2", "hours is inf; expected a number"),
        (
            "state = 'VT'\nseverity = 'mild'",
            ":2",
            "severity is 'mild'; expected one of any, weekly",
        ),
        ("counties = ['50007', 50001]", ":1", "expected a list of texts"),
        ("near = [44.5]\nradius_km = 9", ":1", "expected two numbers, [latitude, longitude]"),
        ("chairs = 2", "", "the place is given by no setting; expected one of near, zip"),
        ("state = 'VT'\nzip = '05401'", "", "the place is given by zip and state"),
        ("zip = '05401'", "", "radius_km is None; expected a distance in km"),
        (
            "state = 'VT'\nradius_km = 9",
            ":2",
            "radius_km is 9.0; expected none, as the place is given by state",
        ),
        (
            "state = 'VT'\nhours = 1",
            ":2",
            "hours is 1, which is shorter than a visit of 85 minutes",
        ),
        ("state = 'VT'\nname = 'a/b'", ":2", "name is 'a/b'; expected letters, digits"),
        ("state = 'VT'\nwithin_days = 400\nn_years = 1", ":2", "fewer than the 365 days"),
        ("state = 'VT'\nstop_without_relief_after = 11", ":2", "at most the 10 infusions"),
        ("state = 'VT'\nchairs 4", "", "expected TOML, such as chairs = 4"),
    ],
)
def test_a_fault_in_a_file_of_settings_has_its_line(lines, where, message, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(lines)

    with pytest.raises(ValueError, match=r"mine.toml") as caught:
        read_settings(path)

    assert message in str(caught.value)
    if where:
        assert str(caught.value).startswith(f"mine.toml{where}: ")


def test_a_file_of_settings_that_cannot_be_read_is_named(tmp_path):
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"name = 'caf\xe9'")

    with pytest.raises(ValueError, match=r"latin.toml: byte 11 is not UTF-8"):
        read_settings(latin)
    with pytest.raises(ValueError, match=r"none.toml: no such file; expected settings as TOML"):
        read_settings(tmp_path / "none.toml")


def test_every_setting_has_words_that_say_what_it_is():
    words = meanings()

    assert list(words) == [field.name for field in fields(Settings)]
    assert words["infusion_minutes"] == "Minutes that one infusion takes, from 1 to 1440."
    assert words["turnover_minutes"].endswith("ready for the next patient, 0 or more.")
    assert "    chairs : int\n        Chairs in which infusions are given" in Settings.__doc__


def test_the_people_are_those_of_the_catchment():
    scenario = read_scenario(choices={"first_year": 2027, "last_year": 2028})
    alone = run(partial(people_nearby, area=by_state("VT")), scenario, n_draws=16, seed=1).outcome

    people = planned().funnel.people
    assert np.array_equal(people["limb_loss"], alone.values["limb_loss"])
    assert np.array_equal(people["in_pain"], alone.values["plp_moderate_severe"])
    assert planned().area == by_state("VT")


def test_a_greater_share_served_never_brings_fewer_patients():
    few, many = (planned(share_served=share) for share in (0.2, 0.3))

    np.testing.assert_allclose(many.demand.per_week, 1.5 * few.demand.per_week)
    assert (many.funnel.people["choosing"] > few.funnel.people["choosing"]).all()
    assert many.funnel.own == ("choosing",)


def test_more_chairs_never_mean_a_longer_wait():
    table = sized(1, 2, 3, 4, own=BUSY)

    assert (table["wait_mean"].diff().iloc[1:] <= 0).all()
    assert table["wait_mean"].iloc[0] > 2 * table["wait_mean"].iloc[-1]
    assert (table["probability"].diff().iloc[1:] >= 0).all()


def test_sizes_end_two_after_the_first_that_is_enough_and_one_after_the_planners():
    table = sized()
    enough = table[table["probability"] >= VERMONT.probability]["chairs"].iloc[0]

    assert table["chairs"].tolist() == list(range(1, enough + 3))
    assert sized(chairs=4)["chairs"].iloc[-1] == max(enough + 2, 5)
    assert sized(chairs=9)["chairs"].tolist() == [*range(1, enough + 3), 9, 10]
    assert table.equals(with_gains(table))


def test_no_day_has_more_visits_than_the_planner_allows():
    limited = planned(BUSY, visits_a_day=3)

    assert limited.outcome.booked.max() == 3
    assert planned(BUSY).outcome.booked.max() == 8
    assert planned(BUSY, visits_a_day=3, overbooking=1.5).outcome.booked.max() == 3
    assert planned(BUSY, overbooking=1.5).outcome.booked.max() == 12


def test_the_load_is_that_of_the_last_year_when_the_backlog_is_smallest():
    one = planned(n_years=2)

    np.testing.assert_allclose(
        one.patients.per_week, one.demand.per_week[:, -52:].mean(axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(one.load.demand, one.patients.per_week * one.load.visits_each)


def test_who_waits_on_the_first_day_is_as_many_as_was_typed():
    listed, empty = planned(waiting_list=12), planned()

    # The first of January is a holiday, on which nobody is treated.
    assert not listed.patients.open_days[0]
    assert (listed.outcome.waiting[..., 0] - empty.outcome.waiting[..., 0] == 12).all()


OWN = OwnNumbers(
    first_month="2026-01", referrals=(6, 6, 6), waiting_list=7, visits_a_day=4, residents=700_000,
    limb_loss=5000, plp=4000,
)  # fmt: skip


def test_own_numbers_take_the_place_of_the_modelled_ones():
    own = planned(OWN)

    assert own.funnel.people["limb_loss"][:, 0] == pytest.approx(np.full(16, 5000.0))
    assert own.funnel.people["plp"][:, 0] == pytest.approx(np.full(16, 4000.0))
    assert own.settings.waiting_list == 7
    assert own.outcome.booked.max() <= 4
    # Six a month, as far as 18 referrals tell: 6.17 on average, with a standard deviation of 1.43.
    a_month = own.patients.per_week * 365.25 / 7 / 12
    assert len(np.unique(a_month)) == 16
    assert a_month.mean() == pytest.approx(18.5 / 3, abs=4 * 18.5**0.5 / 3 / 4)
    referred = (own.outcome.fate != NOT_REFERRED).sum(axis=2) - 7
    expected = 12 * a_month[:, np.newaxis]
    assert (np.abs(referred - expected) < 4.5 * expected**0.5).all()


def test_own_numbers_are_shown_beside_the_modelled_ones():
    table = planned(OWN).beside.set_index("what")
    plain = planned()

    assert table["own"].to_dict() == {
        "referrals": 6, "waiting_list": 7, "visits_a_day": 4, "residents": 700_000,
        "limb_loss": 5000, "plp": 4000,
    }  # fmt: skip
    modelled = np.median(plain.funnel.people["limb_loss"][:, 0])
    assert table.loc["limb_loss", "modelled"] == pytest.approx(modelled)
    # Two chairs hold eight visits in eight hours.
    assert table.loc["visits_a_day", "modelled"] == 8
    assert plain.beside is None
    assert "own_numbers" in answer_tables(planned(OWN), None)


def test_more_visits_than_the_chairs_hold_are_refused():
    with pytest.raises(
        ValueError, match=r"visits_a_day is 9; expected at most the 8 that 2 chairs allow"
    ):
        planned(OwnNumbers(visits_a_day=9))


def test_years_that_the_scenario_does_not_reach_are_refused():
    with pytest.raises(ValueError, match=r"year is 2050 and n_years is 1; the year after, 2051"):
        planned(year=2050)


def test_the_same_settings_have_the_same_answer(monkeypatch):
    monkeypatch.setattr("plcore.planner.answers.run", run)
    again = answer(VERMONT)
    tables = answer_tables(again, sizes(again))

    for name, table in answer_tables(planned(), sized()).items():
        pd.testing.assert_frame_equal(table, tables[name], check_exact=True)


def test_tables_agree_with_each_other():
    tables = answer_tables(planned(), sized())
    patients = tables["patients"].set_index(["group", "year"])["mean"]
    months = tables["by_month"].set_index("measure")
    clinic = tables["clinic"].set_index("measure")["mean"]

    of_groups = patients["in pain at the opening"] + patients["newly in pain"]
    assert patients["all"].tolist() == pytest.approx(of_groups.tolist())
    demand = planned().demand
    expected = by_year(demand.per_week, demand.opening).sum(axis=1).mean()
    assert patients["all"].sum() == pytest.approx(expected)
    n_days = planned().outcome.n_days
    yearly = months.loc["infusions", "mean"].sum() * 365.25 / n_days
    assert clinic["infusions_a_year"] == pytest.approx(yearly)
    fate = tables["what_became_of_them"]
    referred = (planned().outcome.fate != NOT_REFERRED).sum(axis=2).mean()
    assert fate["people"].sum() == pytest.approx(referred)
    assert fate["share"].sum() == pytest.approx(1)
    figures = tables["key_figures"].set_index("figure")
    table = tables["patients"].set_index(["group", "year"])
    assert figures.loc["new patients in 2027", "median"] == table.loc[("all", 2027), "median"]
    assert (
        figures.loc["people who would come to this clinic", "high"]
        == tables["funnel"]["high"].iloc[-1]
    )


def test_the_clinic_is_shown_by_day_week_or_month():
    for period, rows in (("day", 365), ("week", 53), ("month", 12)):
        # 2027 begins on a Friday, in the last week of 2026, and ends on a Friday.
        table = answer_tables(planned(), None, period=period)[f"by_{period}"]
        assert (table["measure"] == "booked").sum() == rows
    assert "chairs" not in answer_tables(planned(), None)
    with pytest.raises(ValueError, match=r"period is 'year'; expected one of day, week, month"):
        answer_tables(planned(), None, period="year")


def test_settings_are_marked_as_chosen_or_default():
    table = settings_table(VERMONT).set_index("setting")

    chosen = table.index[table["how"] == "chosen"].tolist()
    assert chosen == ["state", "n_years", "draws", "runs"]
    assert table.loc["nurses", "value"] == ""


def test_assumptions_say_what_was_drawn_and_what_the_planner_gave():
    table = assumptions_table(planned(share_served=0.2)).set_index("parameter")

    assert table.loc["demand_choosing", ["median", "seen", "source"]].tolist() == [
        0.2, "own", "the planner",
    ]  # fmt: skip
    assert table.loc["demand_accepting", ["seen", "source"]].tolist() == ["assumed", "Assumed"]
    severities = [name for name in table.index if name.startswith("severity_")]
    assert severities == ["severity_moderate_severe"]
    assert (table["low_95"] <= table["median"]).all()
    severe = assumptions_table(planned(severity="extremely_bothersome", runs=1))[
        "parameter"
    ].tolist()
    assert "demand_sought_care_severe" in severe
    assert "demand_sought_care" not in severe


def test_only_settings_that_differ_stand_side_by_side():
    answers = {"two": planned(), "four": planned(chairs=4)}
    table = side_by_side(answers, sizing={"two": sized(), "four": sized(chairs=4)})

    differ = table[table["unit"] == "setting"]
    assert differ.to_numpy().tolist() == [["chairs", "setting", "2", "4"]]
    figures = table.set_index("figure")
    assert (
        figures.loc["people who live there", "two"] == figures.loc["people who live there", "four"]
    )
    low, high = (
        figures.loc["chair utilisation", ["four", "two"]].str.split(" ").str[0].astype(float)
    )
    assert low == pytest.approx(high / 2, rel=0.02)
    assert figures.loc["fewest chairs for the service level", "two"] == "1"
    with pytest.raises(ValueError, match="no answers; expected one or more"):
        side_by_side({})


def test_too_few_chairs_are_said_to_be_too_few():
    table = sized(1, 2, own=BUSY)

    side = side_by_side({"busy": planned(BUSY)}, sizing={"busy": table}).set_index("figure")
    assert side.loc["fewest chairs for the service level", "busy"] == "more than 2"
    text = " ".join(in_sentences(planned(BUSY), table))
    assert "No number of chairs up to 2 is enough for this service level: at least 90%" in text
    assert "the waiting list then keeps growing, by" in text


def test_the_search_for_chairs_ends(monkeypatch):
    monkeypatch.setattr("plcore.planner.answers.MOST_CHAIRS", 2)

    assert MOST_CHAIRS == 200
    assert sizes(planned(BUSY))["chairs"].tolist() == [1, 2]


def test_sentences_hold_the_numbers_of_the_tables():
    text = " ".join(in_sentences(planned(), sized()))
    figures = key_figures(planned()).set_index("figure")
    clinic = answer_tables(planned(), None)["clinic"].set_index("measure").loc["wait_mean"]

    for figure in (
        "people with limb loss",
        "people with phantom limb pain",
        "people who would come to this clinic",
    ):
        median, low, high = figures.loc[figure, ["median", "low", "high"]]
        assert f"{three(median)} ({three(low)} to {three(high)})" in text
    unknown, chance = clinic["low_unknown"], clinic["low_chance"]
    assert f"because of what we do not know it may be {three(unknown)} to" in text
    assert f"by chance alone {three(chance)} to" in text
    assert "The smallest clinic in which at least 90% of patients have a first infusion" in text
    assumed = (assumptions_table(planned())["seen"] == "assumed").sum()
    assert f"{assumed} of the " in text
    assert "moderate or severe" in text


def test_sentences_say_what_was_counted_and_what_nobody_can_say():
    text = " ".join(in_sentences(planned(OWN), None))
    assert "700,000 residents in 2027; 5,000 of them live with limb loss" in text
    assert "the planner's own referrals instead, 6 a month" in text

    nobody = " ".join(in_sentences(planned(share_served=0.0, runs=1), None))
    assert "Nobody was referred, so that the service level cannot be judged" in nobody
    assert "Nobody was referred, so that nobody waited" in nobody
    alone = " ".join(in_sentences(planned(severity="extremely_bothersome", runs=1), None))
    assert "which includes chance, as each draw has one run" in alone


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (13_168_102, "13,200,000"), (0.012345, "0.0123"), (9.996, "10.0"), (99.96, "100"),
     (-0.5, "-0.500"), (np.nan, "none"), (1234.5, "1,230")],
)  # fmt: skip
def test_three_digits_are_shown(value, text):
    assert three(value) == text
