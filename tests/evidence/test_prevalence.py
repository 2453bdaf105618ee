"""Which studies are pooled, what metafor makes of them, and what is believed of another setting."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from plcore.evidence import pooling as meta
from plcore.evidence.data import read
from plcore.evidence.parameters import parameter
from plcore.evidence.pooling.bayes import mean_quantile, new_setting_quantile
from plcore.evidence.prevalence import (
    CHILDHOOD,
    KINDS,
    POOLS,
    believed_share,
    childhood_claims,
    gather,
    logits,
    pain_after_minor_loss,
    pool_prevalence,
    prevalence_studies,
    prevalence_table,
    severity_findings,
)
from plcore.evidence.spread import forest_by, forest_table

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "metafor_plp_prevalence_30_studies.json").read_text()
)


def thirty():
    """Those that metafor was given: a study added since is pooled, but not compared with it."""
    studies = read("plp_prevalence_studies").query(
        "pool == 'current' and (include == 'yes' or study == 'Gallagher 2001')"
    )
    given = set(zip(REFERENCE["events"], REFERENCE["n"], strict=True))
    counts = zip(studies["events"], studies["n"], strict=True)
    # Two of them are no longer of the same kind: they were followed from the amputation.
    return studies[[pair in given for pair in counts]].drop(columns="kind")


def believed(studies, **how):
    """The parameter that the arguments of a belief make."""
    arguments = believed_share(studies, **({"spread": "setting", "tau_scale": 1.0} | how))
    return parameter(
        "share", "share", "logit_quantiles", arguments, source="assumed", seen="assumed"
    )


def test_the_thirty_studies_are_those_that_metafor_pooled():
    y, v = logits(thirty())

    np.testing.assert_allclose(y, REFERENCE["yi"], rtol=1e-12)
    np.testing.assert_allclose(v, REFERENCE["vi"], rtol=1e-12)


def test_pooling_agrees_with_metafor_reml_and_knapp_hartung():
    pooled = pool_prevalence(thirty())
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_holds_only_included_studies_of_its_regions_and_kinds(pool, kind):
    studies = prevalence_studies(pool, kind=kind)

    assert set(studies["include"]) == {"yes"}
    assert set(studies["region"]) <= set(POOLS[pool])
    assert set(studies["kind"]) <= set(KINDS[kind])


def test_point_and_period_together_are_current_and_no_study_is_both_current_and_ever():
    names = {kind: set(prevalence_studies(kind=kind)["study"]) for kind in KINDS}

    assert names["current"] == names["point"] | names["period"]
    assert not names["point"] & names["period"]
    assert not names["current"] & names["ever"]


def test_an_empty_or_unknown_pool_or_kind_is_refused():
    with pytest.raises(ValueError, match="pool is 'mars'; expected one of usa"):
        prevalence_studies("mars")
    with pytest.raises(ValueError, match="kind is 'recognised'; expected one of current"):
        prevalence_studies("usa", kind="recognised")
    with pytest.raises(ValueError, match="spread is 'wide'; expected one of setting, mean"):
        believed_share(prevalence_studies("usa"), spread="wide", tau_scale=1.0)


@pytest.mark.parametrize(
    ("pool", "kind", "spread"),
    [("usa", "current", "setting"), ("all", "current", "mean"), ("usa", "ever", "setting"),
     ("high_income", "ever", "mean"), ("high_income", "point", "setting")],
)  # fmt: skip
def test_the_belief_is_the_posterior(pool, kind, spread):
    studies = prevalence_studies(pool, kind=kind)
    posterior = meta.bayes(*logits(studies), prior=meta.HalfNormal(1.0))
    quantile = new_setting_quantile if spread == "setting" else mean_quantile
    p = np.array([1e-4, 0.025, 0.25, 0.5, 0.77, 0.975, 0.9999])
    found = believed(studies, spread=spread).ppf(p)

    np.testing.assert_allclose(found, special.expit(quantile(posterior, p)), atol=2e-4)


def test_one_study_is_believed_as_its_own_count_and_the_prior_say():
    """An independent integral: normal sampling error plus two normal spreads, half-normal tau."""
    one = pd.DataFrame({"events": [730], "n": [914]})
    y, v = (float(each[0]) for each in logits(one))

    def below(share, spreads):
        def given_tau(tau):
            density = 2 * stats.norm.pdf(tau, scale=0.5)
            sd = np.sqrt(v + spreads * tau**2)
            return density * stats.norm.cdf(special.logit(share), y, sd)

        return integrate.quad(given_tau, 0, 5, epsabs=1e-10)[0]

    for spread, spreads in (("mean", 1), ("setting", 2)):
        low, high = believed(one, spread=spread, tau_scale=0.5).interval()
        assert below(low, spreads) == pytest.approx(0.025, abs=2e-4)
        assert below(high, spreads) == pytest.approx(0.975, abs=2e-4)


def test_a_forest_has_a_row_a_study_then_the_mean_and_another_setting():
    studies = prevalence_studies("usa")
    table = forest_table(studies, label="Pooled")

    assert table["role"].tolist() == ["study"] * len(studies) + ["pooled", "prediction"]
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()
    assert table["n"].iloc[-1] == studies["n"].sum()


def test_a_forest_in_groups_has_every_study_once_and_each_groups_own_mean():
    studies = prevalence_studies("all")
    names = {"other": "Elsewhere", "usa": "US", "high_income": "Rich"}
    table = forest_by(studies, "region", names=names)

    drawn = table[table["role"] == "study"]
    assert sorted(drawn["label"]) == sorted(studies["study"])
    assert drawn["weight"].notna().all()
    headings = table.loc[table["role"] == "heading", "label"].tolist()
    assert headings == ["Elsewhere", "US", "Rich"]
    us = table.set_index("label").loc["US: pooled"]
    assert us["role"] == "subtotal"
    assert us["estimate"] == pool_prevalence(prevalence_studies("usa")).share
    assert table["role"].tolist()[-2:] == ["pooled", "prediction"]
    with pytest.raises(ValueError, match="region is 'other'; expected one of usa"):
        forest_by(studies, "region", names={"usa": "US", "high_income": "Rich"})


def test_a_wider_prior_of_the_spread_widens_the_belief():
    studies = prevalence_studies("high_income", kind="ever")
    limits = [believed(studies, tau_scale=scale).interval() for scale in (0.05, 0.3, 1, 2)]

    assert (np.diff([low for low, _ in limits]) < 0).all()
    assert (np.diff([high for _, high in limits]) > 0).all()


def named(**how):
    return {item.name: item for item in gather(**how)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_prevalence_parameter_says_its_kind_and_has_every_source(kind):
    studies = prevalence_studies("high_income", kind=kind)
    item = named(pool="high_income", kind=kind)["plp_prevalence"]

    assert item.note.startswith(f"{kind.capitalize()} prevalence from {len(studies)} studies")
    assert set(item.source.split(";")) == set(";".join(studies["source"]).split(";"))
    assert item.seen == "derived"


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


def test_every_severity_is_as_common_as_its_study_found_once_its_wholes_are_multiplied():
    parameters = named()
    medians = {name: item.median for name, item in parameters.items()}
    wholes = {
        "weekly": 1.0,
        "moderate_severe": 1.0,
        "extremely_bothersome": medians["severity_moderate_severe"],
        "problematic": medians["plp_prevalence"],
    }

    for row in severity_findings().to_dict("records"):
        item = parameters[f"severity_{row['rung']}"]
        found = item.median * wholes[row["rung"]]
        assert found == pytest.approx(row["events"] / row["n"], abs=0.02)
        assert item.source == row["source"]
    assert "share of people with moderate or severe pain" in (
        parameters["severity_extremely_bothersome"].note
    )


def test_the_table_of_kinds_has_every_kind_and_pool_with_nested_limits():
    table = prevalence_table()

    assert len(table) == len(KINDS) * len(POOLS)
    assert (table["setting_low"] < table["mean_low"]).all()
    assert (table["mean_low"] < table["mean_value"]).all()
    assert (table["mean_value"] < table["mean_high"]).all()
    assert (table["mean_high"] < table["setting_high"]).all()
    by = table.set_index(["kind", "pool"])
    assert by.loc[("current", "usa"), "people"] == prevalence_studies("usa")["n"].sum()


@pytest.mark.parametrize(
    ("kinds", "refused"),
    [
        (
            ["point", "lifetime"],
            "row 1 .*: kind is 'lifetime', and the studies before it are point",
        ),
        (["point", "period", "recognised"], "row 2 .*: kind is 'recognised'"),
        (["lifetime", "lifetime", "period"], "row 2 .*: kind is 'period'"),
        (["cumulative_incidence", "point"], "row 1 .*: kind is 'point'"),
        (["point", "period"], ""),
        (["lifetime", "lifetime"], ""),
        (["recognised", "recognised"], ""),
    ],
)
@pytest.mark.parametrize("function", [pool_prevalence, partial(forest_table, label="All")])
def test_kinds_of_prevalence_are_never_pooled_together(kinds, refused, function):
    rows = read("plp_prevalence_studies").dropna(subset=["events", "n"])
    taken = pd.concat([rows[rows["kind"] == kind].iloc[[kinds[:at].count(kind)]]
                       for at, kind in enumerate(kinds)], ignore_index=True)  # fmt: skip
    if refused:
        with pytest.raises(ValueError, match=refused + ".*expected one kind of prevalence"):
            function(taken)
    else:
        function(taken)


def test_every_number_of_the_table_of_kinds_is_a_percentile_of_its_own_posterior():
    table = prevalence_table(tau_scale=1.0).set_index(["kind", "pool"])

    for (kind, pool), row in table.iterrows():
        studies = prevalence_studies(pool, kind=kind)
        assert row["studies"] == len(studies)
        assert row["people"] == sum(studies["n"])
        posterior = meta.bayes(*logits(studies), prior=meta.HalfNormal(1.0))
        for spread, quantile in (("mean", mean_quantile), ("setting", new_setting_quantile)):
            ends = special.expit(quantile(posterior, np.array([0.5, 0.025, 0.975])))
            said = [row[f"{spread}_{end}"] for end in ("value", "low", "high")]
            assert said == pytest.approx(ends, abs=2e-4)


def test_counts_after_minor_loss_have_their_share_and_score_limits_and_end_with_what_is_believed():
    table, counted = pain_after_minor_loss(), read("pain_after_minor_loss")
    z = stats.norm.ppf(0.975)

    for row, count in zip(
        table.iloc[:-1].to_dict("records"), counted.to_dict("records"), strict=True
    ):
        assert (row["n"], row["events"]) == (count["n"], count["events"])
        assert row["share"] == pytest.approx(count["events"] / count["n"])
        for limit in (row["low"], row["high"]):
            # Wilson's limits are the shares that the count is just 1.96 standard errors from.
            error = np.sqrt(limit * (1 - limit) / count["n"])
            assert abs(row["share"] - limit) == pytest.approx(z * error)
        assert row["seen"] == count["seen"]
    last, believed = table.iloc[-1], named()["plp_prevalence_minor"]
    ends = believed.ppf(np.array([0.5, 0.025, 0.975]))
    assert last[["share", "low", "high"]].tolist() == pytest.approx(ends, rel=1e-6)


def test_claims_of_childhood_stand_beside_what_was_studied_of_the_same_group():
    items = named()
    table = childhood_claims(list(items.values())).set_index(["label", "series"])

    for label, studied, claimed in (
        ("Born without a limb", "plp_congenital", "congenital_share_claimed"),
        ("Lost a limb before age 6", "plp_before_six", "before_six_share_claimed"),
    ):
        found = table.loc[(label, "Pain found by studies")]
        ends = items[studied].ppf(np.array([0.5, 0.025, 0.975]))
        assert found[["value", "low", "high"]].tolist() == pytest.approx(ends, rel=1e-6)
        printed = table.loc[(label, "Pain as the pages print it")]
        assert printed["value"] == items[claimed].median
        assert printed[["low", "high"]].isna().all()
