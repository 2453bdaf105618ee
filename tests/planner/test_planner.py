"""A planner's settings, what follows from them, and the tables and sentences that say it."""

import functools
import re
import shutil
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planner_models import run_once

from plcore.clinic.demand import SEVERITIES, WEEKS_A_YEAR, OwnNumbers, by_year
from plcore.clinic.people import people_nearby
from plcore.clinic.places import by_state
from plcore.clinic.results import NOT_REFERRED, clinic_measures, share_within
from plcore.clinic.sizing import advise, with_gains
from plcore.evidence.data import DATA
from plcore.evidence.labels import label_of
from plcore.planner import answers
from plcore.planner.answers import MOST_CHAIRS, answer, chairs_filled, sizes, ways_to_run
from plcore.planner.decisions import SEVERITY_WORDS, shown
from plcore.planner.sentences import in_sentences, on_target_and_ways
from plcore.planner.settings import (
    LEVELS,
    PLACES,
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
)
from plcore.printed import digits
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
    st.fixed_dictionaries(
        {"city": st.text(st.characters(exclude_categories=["Cs"])), "radius_km": counts}
    ),
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
        "infusion_minutes": counts,
        "recovery_minutes": counts,
        "turnover_minutes": counts,
        "patients_per_nurse": counts,
        "recovering_per_nurse": counts,
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
        "limb_lost": st.sampled_from(LEVELS),
        "vial_mg": st.floats(1e-9, 1e9),
        "most_load": st.floats(0.05, 1),
        "within_days": st.integers(0, 364),
        "share_within": st.floats(0.01, 1),
        "probability": st.floats(0.01, 0.999),
        "distance_km": st.floats(1, 5000),
        "lead_days": st.integers(0, 365),
        "patience_days": st.floats(1, 36_500),
        "season": st.lists(st.floats(0.1, 12), min_size=12, max_size=12).map(tuple),
        "referral_growth": st.floats(-0.9, 10),
        "chairs_by_month": st.lists(counts).map(tuple),
        "other_visits_a_day": st.integers(0, 1),
        "waiting_by_month": st.just((0, 0)),
        "target_months": st.integers(1, 12),
        "nurse_hour_price": st.floats(0, 1e6),
        "chair_year_price": st.floats(0, 1e6),
        "vial_price": st.floats(0, 1e6),
        "rent_year_price": st.floats(0, 1e6),
        "infusion_fee": st.floats(0, 1e6),
        "leave_share": st.floats(0, 0.5),
        "draws": st.integers(16, 16_384),
        "runs": st.integers(1, 1000),
        "seed": st.integers(0, 2**32),
    },
)


def people_counted(draw_from):
    """Own counts of people, the widest group first."""
    values = sorted(draw_from, reverse=True)
    return dict(zip(("residents", "limb_loss", "plp"), values, strict=False))


own_numbers = st.one_of(
    st.none(),
    st.builds(
        lambda referrals, people, rest: OwnNumbers(
            first_month="2026-01" if referrals else "",
            referrals=tuple(referrals),
            **people_counted(people),
            **rest,
        ),
        st.lists(st.integers(0, 10_000), max_size=6),
        st.lists(st.floats(1, 1e9), max_size=3),
        st.fixed_dictionaries(
            {}, optional={"waiting_list": st.integers(0, 99), "visits_a_day": st.integers(1, 99)}
        ),
    ),
)


def test_every_setting_is_tried_in_what_is_saved():
    tried = set(PLACES)
    strategies = set(others.wrapped_strategy.optional) | tried | {"own", "radius_km"}

    assert {field.name for field in fields(Settings)} - strategies == set()


@settings(max_examples=40)
@given(place=places, rest=others, own=own_numbers)
def test_settings_saved_and_read_again_are_the_same(place, rest, own, tmp_path_factory):
    try:
        chosen = settings_from({**place, **rest, "own": own} if own else {**place, **rest})
    except ValueError:
        assume(False)
    # The name that a plan without one has, and so one that is not written.
    path = tmp_path_factory.getbasetemp() / "plan.toml"
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


def test_nothing_is_read_from_the_projects_folder_where_another_is_given(monkeypatch, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(DATA, mine)
    ours = 'title = "Ours"\n[choices]\nprevalence_pool = "all"\n'
    (mine / "scenarios" / "ours.toml").write_text(ours)
    read_bytes = Path.read_bytes

    def only_mine(path):
        assert not path.is_relative_to(DATA), path
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", only_mine)
    monkeypatch.setattr("plcore.planner.answers.run", run)
    asked = replace(VERMONT, scenario="ours", runs=1)
    plan = answer(asked, folder=mine)
    tables = answer_tables(plan, None)
    chain = partial(chairs_filled, settings=asked, area=plan.area, folder=mine)
    years = read_scenario("ours", choices={"first_year": 2027, "last_year": 2027}, folder=mine)

    assert in_sentences(plan, None)
    assert side_by_side({"mine": plan}).shape[1] == 3
    assert set(tables["assumptions"]["parameter"]) >= {"plp_prevalence", "clinic_no_show"}
    assert run(chain, years, n_draws=16).outcome.values["chairs_filled"].shape == (16, 1)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"no scenario 'ours'; expected one of baseline"):
        asked.scenario_of_years()


def test_a_dose_by_weight_is_less_by_the_limb_that_was_lost():
    whole, less = planned(), planned(limb_lost="below_knee")
    fixed = planned(limb_lost="leg", mg_per_kg=0.0, mg=50.0)

    # Below the knee and the foot: 5.9% of the body (Osterkamp 1995), so that 42.0 mg become 39.5.
    np.testing.assert_allclose(less.outcome.mg, (1 - 0.059) * whole.outcome.mg)
    assert pytest.approx(39.5, abs=0.05) == 42.0 * (1 - 0.059)
    assert fixed.outcome.mg.sum() == 50 * fixed.outcome.infusions.sum()
    assert sizes(less, [2])["wait_mean"].equals(sizes(whole, [2])["wait_mean"])
    with pytest.raises(ValueError, match=r"limb_lost is 'toe'; expected one of none, hand"):
        planned(limb_lost="toe")


def test_a_greater_share_served_never_brings_fewer_patients():
    few, many = (planned(share_served=share) for share in (0.2, 0.3))

    np.testing.assert_allclose(many.demand.per_week, 1.5 * few.demand.per_week)
    assert (many.funnel.people["choosing"] > few.funnel.people["choosing"]).all()
    assert many.funnel.own == ("choosing",)


def test_more_chairs_never_mean_a_longer_wait():
    table = sized(1, 2, 3, 4, own=BUSY)

    assert table["wait_mean"].is_monotonic_decreasing
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


def test_the_load_is_that_of_the_busiest_year():
    one = planned(n_years=2)
    weekly = one.demand.per_week

    # The clinic becomes known in the first year, so that more come in the second.
    assert one.patients.busiest == 1
    second = by_year(weekly, one.demand.opening)[:, 1] / WEEKS_A_YEAR
    np.testing.assert_allclose(one.patients.per_week, second, rtol=1e-12)
    assert np.median(weekly[:, 53:].mean(axis=1)) > np.median(weekly[:, :53].mean(axis=1))
    np.testing.assert_allclose(one.load.demand, one.patients.per_week * one.load.visits_each)
    # Of years with the same referrals the first, whatever the last digits of their means are.
    for month in (3, 7, 11, 14):
        assert planned(OwnNumbers("2026-01", (month,) * 12), n_years=5).patients.busiest == 0


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
    assert np.median(own.patients.per_week) == pytest.approx(6 * 12 * 7 / 365.25, rel=0.02)
    # Three months of 6 are a rate known to about a quarter: the gamma distribution of 18.5 events.
    assert own.patients.per_week.std() / own.patients.per_week.mean() == pytest.approx(
        1 / np.sqrt(18.5), rel=0.1
    )
    # Each draw has referrals of its own, at its own rate, and the 7 on the list.
    referred = (own.outcome.fate != NOT_REFERRED).sum(axis=2) - 7
    expected = own.patients.per_week[:, np.newaxis] * 365 / 7
    assert (np.abs(referred - expected) < 4.5 * expected**0.5).all()
    assert len(np.unique(referred)) > 10


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


def test_more_visits_than_any_chairs_hold_are_refused():
    with pytest.raises(ValueError, match=r"visits_a_day is 900; expected at most the 800 that 200"):
        planned(OwnNumbers(visits_a_day=900))


def test_visits_that_were_counted_take_the_place_of_chairs():
    busy = replace(BUSY, visits_a_day=30)
    counted = planned(busy)

    assert counted.outcome.plan.visits_a_day == 30
    assert counted.requested.chairs == 2
    # Four visits a chair: eight chairs hold 32.
    assert counted.settings.chairs == 8
    eight = planned(replace(BUSY, visits_a_day=None), chairs=8, visits_a_day=30)
    assert np.array_equal(counted.outcome.booked, eight.outcome.booked)


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
    days = planned().outcome.infusions
    assert months.loc["infusions", "mean"].sum() == pytest.approx(days[..., :365].sum(2).mean())
    assert clinic["infusions_a_year"] == pytest.approx(days.sum(2).mean() * 365.25 / days.shape[2])
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
    for period, rows in (("day", 365), ("week", 51), ("month", 12)):
        # Friday, 1 January 2027 and Friday, 31 December are in weeks that reach beyond the year.
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
    assert table["meaning"].to_dict() == meanings()


def test_assumptions_say_what_was_drawn_and_what_the_planner_gave():
    plan = planned(share_served=0.2)
    table = assumptions_table(plan).set_index("parameter")

    drawn = np.quantile(plan.people.draws["demand_accepting"], [0.5, 0.025, 0.975])
    assert table.loc["demand_accepting", ["median", "low_95", "high_95"]].tolist() == drawn.tolist()
    assert table.loc["demand_choosing"].tolist() == [
        "share", 0.2, 0.2, 0.2, "own", "the planner", "",
    ]  # fmt: skip
    inputs = {item.name: item for item in plan.people.scenario.parameters}
    for row in table.drop(index="demand_choosing").itertuples():
        item = inputs[row.Index]
        assert (row.unit, row.seen, row.note) == (item.unit, item.seen, item.note)
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
        figures.loc["chairs in use, of their open hours", ["four", "two"]]
        .str.split(" ")
        .str[0]
        .astype(float)
    )
    assert low == pytest.approx(high / 2, rel=0.02)
    assert figures.loc["fewest chairs for the service level", "two"] == "1"
    load = planned().load
    middle, low, high = (
        digits(x) for x in np.percentile(load.demand / load.capacity, [50, 2.5, 97.5])
    )
    assert figures.loc["load of the busiest year", "two"] == f"{middle} ({low} to {high})"
    assert figures.loc["busiest year", ["two", "four"]].tolist() == ["2027", "2027"]
    with pytest.raises(ValueError, match="no answers; expected one or more"):
        side_by_side({})


def test_too_few_chairs_are_said_to_be_too_few():
    table = sized(1, 2, own=BUSY)

    side = side_by_side({"busy": planned(BUSY)}, sizing={"busy": table}).set_index("figure")
    assert side.loc["fewest chairs for the service level", "busy"] == "more than 2"
    text = " ".join(in_sentences(planned(BUSY), table))
    assert "No number of chairs up to 2 is enough for this service level (at least 90%" in text
    growth = table["growth_a_week"].iloc[-1]
    assert growth > 1
    assert f"the waiting list grows by {shown(growth, 'infusions')} patients a week" in text


def test_the_search_for_chairs_ends(monkeypatch):
    monkeypatch.setattr("plcore.planner.answers.MOST_CHAIRS", 2)

    assert MOST_CHAIRS == 200
    # One chair cannot do, by its load alone.
    assert sizes(planned(BUSY))["chairs"].tolist() == [2]


def test_sentences_hold_the_numbers_of_the_tables():
    text = " ".join(in_sentences(planned(), sized()))
    figures = key_figures(planned()).set_index("figure")

    for figure in (
        "people with limb loss",
        "people with phantom limb pain",
        "people who would come to this clinic",
    ):
        ends = [shown(end, "people") for end in figures.loc[figure, ["median", "low", "high"]]]
        assert f"{ends[0]} ({ends[1]} to {ends[2]})" in text
    load = figures.loc["load of the busiest year", ["median", "low", "high"]]
    ends = [shown(end, "share") for end in load]
    assert f"the load of 2027, the busiest year, is {ends[0]} ({ends[1]} to {ends[2]})" in text
    assert "the smallest clinic in which at least 90% of patients have a first infusion" in text
    other = " ".join(in_sentences(planned(), sized().assign(nurses=5, standard_error=0.04)))
    assert "has 1 chair and 5 nurses (probability 1.00, standard error 0.04)." in other
    assumed = (assumptions_table(planned())["seen"] == "assumed").sum()
    assert f"{assumed} of the " in text
    assert "moderate or severe" in text


def test_people_in_pain_stand_between_their_bounds_unless_they_were_counted():
    figures = key_figures(planned()).set_index("figure")
    name = "people with phantom limb pain"
    bounds = [f"{name} if only major losses hurt", f"{name} if all losses hurt alike"]
    ends = figures.loc[[bounds[0], name, bounds[1]], ["median", "low", "high"]].to_numpy()
    text = " ".join(in_sentences(planned(), None))

    assert np.all(np.diff(ends, axis=0) > 0)
    low, high = (shown(median, "people") for median in ends[[0, 2], 0])
    assert f"({low} if only major losses hurt, {high} if all losses hurt alike)" in text
    # Of people with limb loss who were counted, as large a share; of a count of those in pain, none.
    modelled = figures.loc["people with limb loss", "median"]
    half = key_figures(planned(OwnNumbers(limb_loss=modelled / 2))).set_index("figure")
    share = half.loc[bounds[1], "median"] / (modelled / 2)
    assert share == pytest.approx(ends[2, 0] / modelled, rel=0.05)
    counted = planned(OwnNumbers(limb_loss=5000, plp=1000))
    assert not any("if only" in figure for figure in key_figures(counted)["figure"])
    assert "if only major" not in " ".join(in_sentences(counted, None))


def test_sentences_say_what_was_counted_and_what_nobody_can_say():
    text = " ".join(in_sentences(planned(OWN), None))
    assert "700,000 residents in 2027; 5,000 of them live with limb loss" in text
    assert "the planner's own referrals, 6 a month" in text
    assert "By its own count, 7" in text
    assert "The 4 visits a day that the clinic counted replace chairs" in text

    nobody = " ".join(in_sentences(planned(share_served=0.0, runs=1), None))
    assert "Nobody was referred, so the service level cannot be judged" in nobody
    assert "nobody is referred in 2027, so nobody waits" in nobody
    assert "Nothing needs to be found out first" in nobody


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (13_168_102, "13,200,000"), (0.012345, "0.0123"), (9.996, "10.0"), (99.96, "100"),
     (-0.5, "-0.500"), (np.nan, "none"), (1234.5, "1,230")],
)  # fmt: skip
def test_three_digits_are_shown(value, text):
    assert digits(value) == text


def test_a_distance_makes_a_rural_share_larger_than_that_of_a_city():
    far = {"distance_km": 50.0, "state": None, "radius_km": 60.0}
    rural = planned(near=(45.78, -108.5), **far).funnel.shares["choosing"]
    city = planned(near=(34.05, -118.24), **far).funnel.shares["choosing"]

    assert (rural > 3 * city).all()
    # Without one the share is that of the parameter, and a share that the planner gave stays.
    np.testing.assert_array_equal(
        planned().funnel.shares["choosing"], planned().people.draws["demand_choosing"]
    )
    given = planned(near=(34.05, -118.24), share_served=0.3, **far).funnel.shares["choosing"]
    assert (given == 0.3).all()


def test_a_season_a_list_with_dates_and_months_of_chairs_reach_the_clinic():
    plan = planned(
        season=(12.0,) + (0.0,) * 11, waiting_list=3, waiting_by_month=(1, 0, 2),
        chairs_by_month=(1, 1, 3), patience_days=40.0, other_visits_a_day=1,
    )  # fmt: skip
    first = plan.outcome.referred_day

    assert first[0, 0, :3].tolist() == [-84, -69, -16]
    # The last week holds the first of January once more.
    assert (first[..., 3:] < 31 + 7).sum() == (first[..., 3:] < 364).sum() > 0
    assert plan.outcome.plan.periods[1][0] == 61
    assert [day.chairs for _, day in plan.outcome.plan.periods] == [1, 3]
    assert plan.outcome.plan.other_visits == 1
    assert plan.load.gives_up
    with pytest.raises(ValueError, match=r"referral_growth is 0.1; expected 0 without own"):
        planned(referral_growth=0.1)


def test_referrals_of_ones_own_grow():
    grown = planned(BUSY, referral_growth=1.0, n_years=3).patients.weekly

    assert grown[0, 110] / grown[0, 6] == pytest.approx(4, rel=0.02)


def test_sizes_that_cannot_be_told_apart_are_simulated_with_more_draws(monkeypatch):
    drawn = []
    original = answers._more_patients
    monkeypatch.setattr(
        answers, "_more_patients", lambda a, n: (drawn.append(n), original(a, n))[1]
    )
    plan = planned(BUSY)
    edge = float(sized(4, own=BUSY)["probability"].iloc[0])
    table = sizes(replace(plan, settings=replace(plan.settings, probability=min(edge, 0.99))))

    found = advise(table, probability=plan.settings.probability)
    assert drawn in ([], [64], [64, 256], [64, 256, 1024])
    assert not found.toss_up or drawn[-1] == 1024


def test_more_draws_come_in_pairs_however_many_there_is_time_for(monkeypatch):
    plan = planned(BUSY)
    edge = float(sized(4, own=BUSY)["probability"].iloc[0])
    doubtful = replace(plan, settings=replace(plan.settings, probability=min(edge, 0.99)))
    of_draw = int((plan.patients.referrals < len(plan.patients.open_days)).sum())
    most = plan.settings.draws + 5
    monkeypatch.setattr(answers, "_MANY", most * (of_draw // plan.settings.draws))
    drawn = []
    original = answers._more_patients
    monkeypatch.setattr(
        answers, "_more_patients", lambda a, n: (drawn.append(n), original(a, n))[1]
    )

    sizes(doubtful)

    assert most % 2 == 1
    assert drawn == [most - 1]


def test_sentences_say_what_else_would_do_and_by_when():
    plan = planned(OwnNumbers("2026-01", (3, 4, 3)), target_months=6, waiting_list=9)
    table = sizes(plan, by_month=6)
    ways = ways_to_run(plan)
    more = on_target_and_ways(plan, by_target=table, ways=ways)
    text = " ".join(in_sentences(plan, table, more))

    assert "For those referred in the month before July 2027 it takes 1 chair from the" in text
    assert re.search(r"with a probability of 0.8 \(simulated: (0.[89]\d|1.00) with 1\)", text)
    assert "Of the clinics that keep the service level by July 2027, the one with the few" in text
    never = on_target_and_ways(plan, by_target=table.assign(probability=0.31), ways=None)
    last = table["chairs"].max()
    assert never[0].endswith(f"with a probability of 0.8: with {last} it is 0.31.")
    assert "July 2027 no number of chairs is enough" in never[0]
    assert "The waiting list of the opening (9 people), simulated day by day" in text
    assert "A course of 10 infusions planned for 3.5 weeks takes 3" in text


def test_an_area_too_wide_for_one_share_is_said():
    plan = planned(state="OH")
    said = " ".join(in_sentences(plan, None))
    assert "Half of the people of this area live more than 145 km from the clinic" in said
    assert "with --distance-km fewer come from afar" in said
    for known in ({"distance_km": 60.0}, {"share_served": 0.1}, {"own": OWN}):
        other = replace(plan, settings=replace(plan.settings, **known))
        assert "come from afar" not in " ".join(in_sentences(other, None))
    assert "come from afar" not in " ".join(in_sentences(planned(), None))


def test_the_chain_has_the_people_of_the_plans_own_years():
    asked = Settings(state="VT", year=2027, n_years=2, draws=16, runs=1)
    plan = answer(asked)
    years = read_scenario(choices={"first_year": 2027, "last_year": 2028})
    chain = partial(chairs_filled, settings=asked, area=plan.area)
    found = run(chain, years, n_draws=16, seed=asked.seed).outcome

    at = np.flatnonzero(np.isin(plan.funnel.years, [2027, 2028]))
    for name, step in (("plp", "plp"), ("in_pain", "in_pain"), ("would_come", "choosing")):
        np.testing.assert_allclose(found.values[name], plan.funnel.people[step][:, at])


@pytest.mark.parametrize("severity", ["any", "moderate_severe"])
def test_key_figures_are_the_middle_and_the_limits_of_draws_and_runs(severity):
    plan = planned(severity=severity)
    people = {name: of_year[:, 0] for name, of_year in plan.funnel.people.items()}
    drawn = [
        ("people who live there", "people", people["residents"]),
        ("people with limb loss", "people", people["limb_loss"]),
        ("people with phantom limb pain", "people", people["plp"]),
    ]
    ends = ("if only major losses hurt", "if all losses hurt alike")
    for step, label in (("plp", drawn[2][0]), ("in_pain", None)):
        bounds = plan.funnel.under_bounds(step, 0)
        if label is None:
            label = f"people whose phantom limb pain is {SEVERITY_WORDS[severity]}"
            drawn.append((label, "people", people["in_pain"]))
        if step == "plp" or severity != "any":
            of = (bounds["plp_major_only"], bounds["plp_all_alike"])
            drawn += [(f"{label} {end}", "people", x) for end, x in zip(ends, of, strict=True)]
    drawn.append(("people who would come to this clinic", "people", people["choosing"]))
    # Of the 53rd week a part only lies in the year.
    weeks = plan.demand.per_week
    year = weeks[:, :52].sum(axis=1) + (WEEKS_A_YEAR - 52) * weeks[:, 52]
    drawn.append(("new patients in 2027", "people", year))
    for name, (unit, values) in clinic_measures(plan.outcome, load=plan.load).items():
        drawn.append((label_of(name), unit, values[~np.isnan(values)]))
    drawn.append(("busiest year", "year", np.array([2027.0])))
    drawn.append(("load of the busiest year", "share", plan.load.demand / plan.load.capacity))

    table = key_figures(plan, level=0.8)
    assert table["figure"].tolist() == [label for label, _, _ in drawn]
    for row, (label, unit, values) in zip(table.itertuples(), drawn, strict=True):
        assert row.unit == unit
        if np.isfinite(values).all() and values.size:
            numbers = np.percentile(values, [50, 10, 90]).tolist()
            assert [row.median, row.low, row.high] == pytest.approx(numbers), label


def test_sentences_have_the_limits_of_ninety_five_in_a_hundred_draws_and_runs():
    plan = planned(own=BUSY, within_days=12, share_within=0.05)
    text = " ".join(in_sentences(plan, None))

    def spread(values, unit="people"):
        values = np.asarray(values)
        middle, low, high = (
            shown(x, unit) for x in np.percentile(values[~np.isnan(values)], [50, 2.5, 97.5])
        )
        return f"{middle} ({low} to {high})" if {low, high} != {middle} else middle

    people, found = plan.funnel.people, plan.outcome
    measures = {name: values for name, (_, values) in clinic_measures(found).items()}
    residents = shown(float(np.median(people["residents"][:, 0])), "people")
    soon = share_within(found, plan.settings.within_days)
    counted = soon[~np.isnan(soon)]
    assert 0 < np.mean(counted >= 0.05) < 1
    assert np.ptp(measures["waiting_at_end"]) > 0
    for words in (
        f"{residents} residents in 2027; {spread(people['limb_loss'][:, 0])} of them live with",
        f"in {spread(people['in_pain'][:, 0])} of them it is moderate or severe",
        (
            f"gives {spread(measures['infusions_a_year'], 'infusions')} infusions a year, and the chairs "
            f"are in use for {spread(measures['chair_utilisation'], 'share')} of the open hours."
        ),
        (
            f"{spread(soon, 'share')} of patients have a first infusion within "
            f"{plan.settings.within_days} days of referral; the service level is kept with a probability "
            f"of {np.mean(counted >= plan.settings.share_within):.2f}, and "
            f"{spread(measures['waiting_at_end'])} people wait for a first visit at the end."
        ),
    ):
        assert words in text, words
    assumptions = assumptions_table(plan)
    assert f"{(assumptions['seen'] == 'assumed').sum()} of the {len(assumptions)} numbers" in text


@pytest.mark.parametrize("start", [1, 2, 7, 40, MOST_CHAIRS])
def test_the_fewest_chairs_are_found_wherever_the_search_begins(start):
    for fewest in (1, 2, 6, 7, 39, 40, 41, 150, MOST_CHAIRS, None):
        tried = {}

        def probability(n, fewest=fewest, tried=tried):
            tried[n] = SimpleNamespace(wait=np.array([float(n)]))
            return float(fewest is not None and n >= fewest)

        found = answers._fewest_by_halving(probability, 0.8, tried, able=1, start=start)
        assert found == fewest
        assert next(iter(tried)) == start


def test_where_people_give_up_fewer_chairs_than_hold_all_visits_may_do():
    # The chairs of the settings are in the table in any case, so they are others.
    plan = planned(own=BUSY, chairs=8, patience_days=60.0, within_days=60, share_within=0.3)
    asked = plan.settings.probability

    fewest = advise(sizes(plan), probability=asked).chairs
    assert fewest == advise(sizes(plan, chairs=range(1, 9)), probability=asked).chairs
    assert 1 < fewest < answers._holding(plan, plan.outcome.plan.day) - 1
