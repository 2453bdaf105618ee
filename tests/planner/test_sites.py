"""Several sites added up: by hand, against one plan, and what cannot be added up."""

import functools
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from planner_models import run_once

from plcore.clinic.demand import OwnNumbers
from plcore.clinic.results import clinic_measures
from plcore.planner.answers import answer
from plcore.planner.command import main
from plcore.planner.decisions import chairs_for, decision_of, decision_rows, worth_of_knowing
from plcore.planner.sentences import QUESTIONS
from plcore.planner.settings import Settings, settings_text
from plcore.planner.sites import TOGETHER, sites_in_sentences, sites_table

NORTH = Settings(state="CA", draws=64, runs=2, n_years=2, share_served=0.2, chairs=3)
SOUTH = replace(NORTH, state="TX", share_served=0.3, chairs=2, hours=6.0)


@pytest.fixture(autouse=True)
def _people_once(monkeypatch):
    monkeypatch.setattr("plcore.planner.answers.run", run_once)


@functools.cache
def planned(settings):
    return answer(settings)


def both(**changed):
    return {"North": planned(NORTH), "South": planned(replace(SOUTH, **changed))}


def row_of(table, figure, site=TOGETHER):
    return table[(table["figure"] == figure) & (table["site"] == site)].iloc[0]


def test_sites_are_added_up_draw_by_draw():
    table = sites_table(both())
    found = [decision_of(each) for each in both().values()]

    come = found[0].choosing + found[1].choosing
    expected = np.quantile(come, [0.5, 0.025, 0.975])
    row = row_of(table, "people who would come")
    np.testing.assert_allclose([row["median"], row["low"], row["high"]], expected)
    # What is not known is the same at both: the ends are those of all sites at their worst at once.
    ends = [row_of(table, "people who would come", site)["high"] for site in ("North", "South")]
    assert row["high"] == pytest.approx(sum(ends), rel=0.02)
    load = (found[0].visits + found[1].visits) / (found[0].capacity + found[1].capacity)
    assert row_of(table, "load of the busiest year")["median"] == pytest.approx(np.median(load))
    needed = sum(chairs_for(each.wanted, each.held) for each in found)
    assert row_of(table, "chairs needed")["high"] == np.sort(needed)[int(np.ceil(0.975 * 64)) - 1]


def test_each_site_has_the_numbers_of_its_own_plan():
    table = sites_table(both())
    for name, plan in both().items():
        rows = decision_rows(plan).set_index("key")
        for figure, key in (
            ("people who would come", "choosing"), ("new patients of all years", "patients_all"),
            ("load of the busiest year", "load"), ("chairs needed", "chairs_needed"),
            ("chairs to plan", "chairs_to_plan"), ("mean wait", "wait_mean"),
            ("nurses to plan", "nurses_to_plan"), ("weeks until the list is cleared", "clear_week"),
        ):  # fmt: skip
            ours, theirs = row_of(table, figure, name), rows.loc[key]
            for end in ("median", "low", "high"):
                assert ours[end] == pytest.approx(theirs[end]), (name, figure, end)


def test_the_chance_that_all_sites_keep_their_load_is_that_of_the_same_draws():
    plans = both()
    table = sites_table(plans)
    figure = "load kept with these chairs"
    kept = []
    for name, plan in plans.items():
        found, n = decision_of(plan), row_of(table, "chairs to plan", name)["median"]
        kept.append(chairs_for(found.wanted, found.held) <= n)
    together = row_of(table, figure)["median"]

    assert together == pytest.approx(np.mean(kept[0] & kept[1]))
    # As independent sites they would keep it less often at the same time.
    assert together > np.mean(kept[0]) * np.mean(kept[1]) + 0.05
    said = sites_in_sentences(plans, table)
    assert "independent sites would be with" in said[1]


def test_chance_is_each_sites_own():
    # The same plan twice: in the same run both would be lucky at once.
    plans = {"one": planned(replace(NORTH, share_served=0.01)), "two": planned(replace(NORTH, share_served=0.01))}  # fmt: skip
    infusions = clinic_measures(plans["one"].outcome)["infusions_a_year"][1]
    row = row_of(sites_table(plans), "infusions a year")
    crossed = (infusions + infusions[:, ::-1]).ravel()

    np.testing.assert_allclose(
        [row["median"], row["low"], row["high"]], np.quantile(crossed, [0.5, 0.025, 0.975])
    )


def test_the_same_site_twice_is_worth_what_it_is_once():
    plans = {"one": planned(NORTH), "two": planned(NORTH)}
    once = worth_of_knowing(plans["one"])[0]
    said = sites_in_sentences(plans, sites_table(plans))[-1]

    assert f"takes {once.worth:.0%} off" in said


def test_a_list_that_never_clears_at_one_site_leaves_no_bare_mean():
    busy = OwnNumbers("2026-01", (300, 310, 290))
    table = sites_table(both(own=busy))

    assert row_of(table, "list never clears")["median"] == 1
    assert np.isinf(row_of(table, "mean wait")["median"])
    said = sites_in_sentences(both(own=busy), table)
    assert "wait without end for the first infusion; with a probability of 100%" in said[2]
    assert "is not cleared by the end of 2028; nor is it in 95% of cases or more" in said[4]
    # Where only the worst cases end with a list, it is not said to be cleared after the years.
    row = table["figure"] == "weeks until the list is cleared"
    table.loc[row, ["median", "low", "high"]] = (0, 0, np.inf)
    said = sites_in_sentences(both(own=busy), table)
    assert "in 1 case of 40 or more a list is still there at the end of 2028" in said[4]
    assert "after 2028" not in said[4]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 2}, "seed is 1 in North and 2 in South; expected the same at all sites"),
        ({"year": 2030}, "year is 2027 in North and 2030 in South"),
        ({"draws": 32}, "draws is 64 in North and 32 in South"),
    ],
)
def test_plans_of_other_worlds_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        sites_table(both(**changed))


def test_people_are_not_counted_or_served_twice():
    overlap = both(state="CA", share_served=0.9)
    with pytest.raises(ValueError, match="together they would serve up to 110% of those"):
        sites_table(overlap)
    assert len(sites_table(both(state="CA", share_served=0.8)))
    counted = both(state="CA", share_served=0.1, own=OwnNumbers(limb_loss=90_000.0))
    with pytest.raises(ValueError, match="counties of their own, so that nobody counts twice"):
        sites_table(counted)
    alone = {name: planned(replace(NORTH, runs=1)) for name in ("one", "two")}
    with pytest.raises(ValueError, match="runs is 1; expected as many as there are sites, 2"):
        sites_table(alone)
    with pytest.raises(ValueError, match="1 site; expected the plans of two or more"):
        sites_table({"one": planned(NORTH)})


def test_the_command_adds_up_saved_plans(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plans = {"north": replace(NORTH, draws=16, name="north", share_served=0.02)}
    plans["south"] = replace(SOUTH, draws=16, name="south", share_served=0.02)
    for name, settings in plans.items():
        (tmp_path / f"{name}.toml").write_text(settings_text(settings), "utf-8")
    assert main(["--sites", "north.toml", "south.toml", "--no-sizes", "--to", "out"]) == 0
    said = capsys.readouterr().out.splitlines()[:6]

    found = {name: answer(settings) for name, settings in plans.items()}
    table = sites_table(found)
    assert tuple(said) == sites_in_sentences(found, table)
    pd.testing.assert_frame_equal(pd.read_csv("out/all_sites.csv"), table)
    book = openpyxl.load_workbook("out/all_sites.xlsx")
    cells = [[cell for cell in row if cell] for row in book["Summary"].values]
    assert cells[3:9] == [list(pair) for pair in zip(QUESTIONS, said, strict=True)]
    assert book["Sites"].max_row == len(table) + 1
    assert main(["--sites", "north.toml", "--to", "out"]) == 2
    assert "1 site; expected the plans of two or more" in capsys.readouterr().err


def test_the_example_of_the_readme_adds_two_sites_up(monkeypatch, tmp_path, capsys):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", readme, re.DOTALL)
    block = next(each for each in blocks if "plan --sites" in each)
    lines = [shlex.split(line)[3:] for line in block.splitlines()]
    monkeypatch.chdir(tmp_path)
    for arguments in lines:
        # Fewer draws and years than a planner would take, in the plans that are saved.
        few = [] if "--sites" in arguments else ["--draws", "64", "--runs", "2", "--n-years", "1"]
        capsys.readouterr()
        assert main([*arguments, *few, "--no-sizes"]) == 0, arguments

    said = capsys.readouterr().out.splitlines()
    assert "people would come to the 2 sites" in said[0]
    assert "(north 1, south 1)" in said[1]
    assert (tmp_path / "plan" / "all_sites.xlsx").is_file()


def test_every_figure_of_all_sites_together_is_worked_out_draw_by_draw():
    plans = both()
    table = sites_table(plans)
    north, south = (decision_of(plan) for plan in plans.values())
    tails = [0.5, 0.025, 0.975]

    def together(figure):
        return row_of(table, figure)[["median", "low", "high"]].astype(float).tolist()

    def of_site(figure, site):
        return row_of(table, figure, site)[["median", "low", "high"]].astype(float)

    measures = {
        name: [clinic_measures(plan.outcome)[name][1] for plan in plans.values()]
        for name in ("infusions_a_year", "waiting_at_end")
    }
    straight = {
        "new patients of all years": north.patients + south.patients,
        "visits a week in the busiest year": north.visits + south.visits,
        "load of the busiest year": (north.visits + south.visits)
        / (north.capacity + south.capacity),
    }
    for name, (one, two) in measures.items():
        # The runs of the second site beside other runs of the first.
        straight[name.replace("_", " ")] = (one + two[:, ::-1]).ravel()
    for figure, values in straight.items():
        assert together(figure) == pytest.approx(np.quantile(values, tails).tolist()), figure

    rates = [plan.patients.per_week for plan in plans.values()]
    known = [~np.isnan(site.wait) for site in (north, south)]
    weights = [np.where(some, rate, 0) for some, rate in zip(known, rates, strict=True)]
    products = [
        np.where(some, weight * site.wait, 0)
        for some, weight, site in zip(known, weights, (north, south), strict=True)
    ]
    some = sum(weights) > 0
    in_order = {
        "mean wait": sum(products)[some] / sum(weights)[some],
        "chairs needed for half as many": chairs_for(north.wanted / 2, north.held)
        + chairs_for(south.wanted / 2, south.held),
        "weeks until the list is cleared": np.maximum(north.cleared, south.cleared),
    }
    for figure, values in in_order.items():
        expected = np.quantile(values, tails, method="inverted_cdf")
        np.testing.assert_allclose(together(figure), expected, err_msg=figure)

    for site, never in (
        ("North", north.never), ("South", south.never), (TOGETHER, north.never | south.never),
    ):  # fmt: skip
        assert of_site("list never clears", site).tolist() == [never.mean()] * 3
    for figure in ("chairs to plan", "chairs to plan for half as many", "nurses to plan"):
        assert together(figure) == (of_site(figure, "North") + of_site(figure, "South")).tolist()
    for figure in ("chairs to plan", "chairs to plan for half as many"):
        for site, found in (("North", north), ("South", south)):
            part = 0.5 if "half" in figure else 1.0
            needed = chairs_for(part * found.wanted, found.held)
            enough = np.quantile(needed, plans[site].settings.probability, method="inverted_cdf")
            assert of_site(figure, site)["median"] == enough
