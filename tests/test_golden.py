"""Published numbers are those of the golden tables; one that moves is changed there as well."""

import golden_tables
import pandas as pd
import pytest
from golden_tables import PLACES, PLANS, TABLES, differences, plan_figures, read

HOW = "if it is meant: python3 run.py golden, and a line under *Numbers that moved*"


def test_the_report_publishes_the_golden_tables_and_no_other(own_report):
    published = {path.stem for path in (own_report / "tables").glob("*.csv")}
    assert published == {path.stem for path in TABLES.glob("*.csv")}, HOW


@pytest.mark.parametrize("name", sorted(path.stem for path in TABLES.glob("*.csv")))
def test_a_published_table_is_the_golden_one(own_report, name):
    lines = differences(read(own_report / "tables" / f"{name}.csv"), read(TABLES / f"{name}.csv"))
    assert not lines, "\n".join([f"tables/{name}.csv", *lines, HOW])


@pytest.mark.parametrize("name", list(PLACES))
def test_the_key_figures_of_a_plan_are_the_golden_ones(name, tmp_path):
    golden_tables.store(plan_figures(name), tmp_path / "now.csv")
    lines = differences(read(tmp_path / "now.csv"), read(PLANS / f"{name}.csv"))
    assert not lines, "\n".join([f"plans/{name}.csv", *lines, HOW])


def test_a_moved_number_text_or_row_is_noticed():
    golden = pd.DataFrame({"year": [2005, 2050], "value": [1.6e6, 3.6e6], "note": ["a", None]})
    moved = golden.assign(value=[1.6e6, 3.6e6 * (1 + 3e-6)])

    assert differences(golden.assign(value=golden["value"] * (1 + 1e-9)), golden) == []
    assert differences(moved, golden) == [
        f"value: 1 of 2 cells differ; row 1: {moved['value'][1]!r}; golden: {golden['value'][1]!r}"
    ]
    assert differences(golden.assign(note=["a", "b"]), golden)[0].startswith("note: 1 of 2 cells")
    assert differences(golden.iloc[:1], golden) == ["1 rows; golden: 2"]
    assert differences(golden.drop(columns="note"), golden)[0].startswith("columns are ['year'")
