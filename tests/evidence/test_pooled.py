"""From studies to parameters, and published numbers as points of a chart."""

import pytest

from plcore.evidence.data import read
from plcore.evidence.pooled import (
    CHILDHOOD,
    estimate_points,
    gather,
    prevalence_table,
    severity_findings,
)
from plcore.evidence.prevalence import KINDS, POOLS, prevalence_studies


def named(**how):
    return {item.name: item for item in gather(**how)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_prevalence_parameter_says_its_kind_and_has_every_source(kind):
    studies = prevalence_studies("high_income", kind=kind)
    item = named(pool="high_income", kind=kind)["plp_prevalence"]

    assert item.note.startswith(f"{kind.capitalize()} prevalence from {len(studies)} studies")
    assert set(item.source.split(";")) == set(";".join(studies["source"]).split(";"))
    assert item.seen == "derived"


def test_the_mean_is_known_better_than_another_setting():
    setting, mean = (
        named(spread=spread)["plp_prevalence"].interval() for spread in ("setting", "mean")
    )

    assert setting[0] < mean[0] < mean[1] < setting[1]


def test_the_scale_for_few_studies_moves_severity_and_childhood_and_nothing_else():
    narrow, wide = named(few_studies_tau_scale=0.2), named(few_studies_tau_scale=1.0)
    moved = {name for name in narrow if narrow[name] != wide[name]}

    assert moved == {name for name in narrow if name.startswith("severity_")} | set(CHILDHOOD)


def test_pain_of_those_born_without_a_limb_rests_on_eight_of_159():
    """Melzack 1997 3/75, Wilkins 1998 1/27, Flores and Garcia 2019 4/57; 5.0% together."""
    table = read("plp_prevalence_studies").query("pool == 'congenital' and include == 'yes'")
    item = named()["plp_congenital"]

    assert (table["events"].sum(), table["n"].sum()) == (8, 159)
    assert 0.03 < item.median < 0.07
    assert item.interval()[1] < 0.2


def test_every_modelled_rung_of_severity_has_a_parameter_near_its_count():
    parameters = named()

    for row in severity_findings().to_dict("records"):
        item = parameters[f"severity_{row['rung']}"]
        assert item.median == pytest.approx(row["events"] / row["n"], abs=0.02)
        assert item.source == row["source"]
        assert row["share_of"] in item.note


def test_the_table_of_kinds_has_every_kind_and_pool_with_nested_limits():
    table = prevalence_table()

    assert len(table) == len(KINDS) * len(POOLS)
    assert (table["setting_low"] < table["mean_low"]).all()
    assert (table["mean_low"] < table["mean_value"]).all()
    assert (table["mean_value"] < table["mean_high"]).all()
    assert (table["mean_high"] < table["setting_high"]).all()
    by = table.set_index(["kind", "pool"])
    assert by.loc[("current", "usa"), "people"] == prevalence_studies("usa")["n"].sum()


def test_points_are_the_rows_asked_for_with_citation_and_mark():
    points = estimate_points(["zg2008_total_2005", "avalere2024_total"])

    assert points["value"].tolist() == [1.6e6, 2.3e6]
    assert points["label"].tolist() == ["Ziegler-Graham 2008", "Avalere Health 2024"]
    assert points["seen"].tolist() == ["abstract", "secondary"]


def test_points_that_are_not_there_or_have_no_year_are_named():
    with pytest.raises(ValueError, match="no estimate 'gone'"):
        estimate_points(["gone"])
