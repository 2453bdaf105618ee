"""Studies pooled into parameters, against metafor and by their own rules."""

import json
from pathlib import Path

import numpy as np
import pytest

from plcore.data import read
from plcore.evidence import (
    CURRENT,
    POOLS,
    estimate_points,
    forest_table,
    gather,
    pool_prevalence,
    prevalence_studies,
)
from plcore.meta import logit_proportion

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "metafor_plp_prevalence_30_studies.json").read_text()
)


def test_the_thirty_studies_are_those_that_metafor_pooled():
    table = read("plp_prevalence_studies").query("pool == 'current' and include == 'yes'")
    y, v = logit_proportion(table["events"].to_numpy(), table["n"].to_numpy())

    np.testing.assert_allclose(y, REFERENCE["yi"], rtol=1e-12)
    np.testing.assert_allclose(v, REFERENCE["vi"], rtol=1e-12)


def test_pooling_agrees_with_metafor_reml_and_knapp_hartung():
    table = read("plp_prevalence_studies").query("pool == 'current' and include == 'yes'")
    pooled = pool_prevalence(table)
    expected = REFERENCE["expected"]["REML_knha"]

    assert pooled.tau2 == pytest.approx(expected["tau2"], abs=1e-5)
    for found, key in (
        (pooled.share, "estimate"),
        (pooled.low, "ci_low"),
        (pooled.high, "ci_high"),
        (pooled.setting_low, "pi_low"),
        (pooled.setting_high, "pi_high"),
    ):
        assert np.log(found / (1 - found)) == pytest.approx(expected[key], abs=1e-5)


@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_holds_only_included_studies_of_its_regions_and_kinds(pool):
    studies = prevalence_studies(pool)

    assert set(studies["include"]) == {"yes"}
    assert set(studies["region"]) <= set(POOLS[pool])
    assert set(studies["kind"]) <= set(CURRENT)


def test_lifetime_prevalence_never_enters_the_current_pool():
    assert "lifetime" not in CURRENT
    assert set(read("plp_prevalence_studies")["kind"]) - set(CURRENT)


def test_the_limits_of_another_setting_are_wider_than_those_of_the_mean():
    pooled = pool_prevalence(prevalence_studies("usa"))

    assert pooled.setting_low < pooled.low < pooled.share < pooled.high < pooled.setting_high


def test_the_prevalence_parameter_has_the_pooled_limits_and_every_source():
    studies = prevalence_studies("usa")
    pooled = pool_prevalence(studies)
    item = {p.name: p for p in gather(pool="usa", spread="setting")}["plp_prevalence"]

    assert item.interval() == pytest.approx((pooled.setting_low, pooled.setting_high))
    assert set(item.source.split(";")) == set(";".join(studies["source"]).split(";"))
    assert item.seen == "derived"


def test_an_empty_or_unknown_pool_is_refused():
    with pytest.raises(ValueError, match="pool is 'mars'; expected one of usa"):
        prevalence_studies("mars")
    with pytest.raises(ValueError, match="no study of recognised prevalence"):
        prevalence_studies("usa", kinds=("recognised",))
    with pytest.raises(ValueError, match="spread is 'wide'; expected one of setting, mean"):
        gather(spread="wide")


def test_a_forest_has_a_row_a_study_then_the_mean_and_another_setting():
    studies = prevalence_studies("usa")
    table = forest_table(studies, label="Pooled")

    assert table["role"].tolist() == ["study"] * len(studies) + ["pooled", "prediction"]
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    assert table["n"].iloc[-1] == studies["n"].sum()


def test_points_are_the_rows_asked_for_with_citation_and_mark():
    points = estimate_points(["zg2008_total_2005", "avalere2024_total"])

    assert points["value"].tolist() == [1.6e6, 2.3e6]
    assert points["label"].tolist() == ["Ziegler-Graham 2008", "Avalere Health 2024"]
    assert points["seen"].tolist() == ["abstract", "secondary"]


def test_points_that_are_not_there_or_have_no_year_are_named():
    with pytest.raises(ValueError, match="no estimate 'gone'"):
        estimate_points(["gone"])
