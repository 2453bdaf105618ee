"""Why studies differ, and what one more of them would tell."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from plcore.evidence import pooling as meta
from plcore.evidence.prevalence import logits, pool_prevalence, prevalence_studies
from plcore.evidence.spread import (
    _worlds,
    disagreement,
    explained_by,
    forest_by,
    forest_table,
    funnel_points,
    one_more_study,
    ways_of_pooling,
)

ALL = prevalence_studies("all")
USA = prevalence_studies("usa")


def test_the_ways_of_pooling_are_the_toolboxs_own():
    table = ways_of_pooling(ALL, tau_scale=1.0).set_index("method")
    pooled = pool_prevalence(ALL)
    usual = table.loc["REML, Knapp-Hartung"]

    assert usual[["share", "low", "high"]].tolist() == [pooled.share, pooled.low, pooled.high]
    assert usual["tau"] == pytest.approx(np.sqrt(pooled.tau2))
    low, high = meta.likelihood_interval(ALL["events"].to_numpy(), ALL["n"].to_numpy())
    exact = table.loc["Exact binomial, likelihood ratio"]
    assert exact[["low", "high"]].tolist() == special.expit([float(low), float(high)]).tolist()


def test_a_feature_that_fixes_every_share_explains_all_of_the_spread():
    studies = pd.DataFrame(
        {
            "events": [300, 310, 290, 700, 690, 710],
            "n": [1000] * 6,
            "where": ["a"] * 3 + ["b"] * 3,
            "noise": ["x", "y", "x", "y", "x", "y"],
        }
    )
    table = explained_by(studies, {"where": "Where", "noise": "Noise"}).set_index("group")

    assert table.loc["a", "r2"] == pytest.approx(1.0)
    assert table.loc["a", "share"] == pytest.approx(0.3, abs=1e-3)
    assert table.loc["b", "share"] == pytest.approx(0.7, abs=1e-3)
    assert table.loc["a", "p"] < 1e-3
    assert table.loc["x", "r2"] < 0.5
    assert table["studies"].tolist() == [3, 3, 3, 3]


def test_groups_agree_with_metafors_way_of_pooling_them_apart_when_they_are_alike():
    """With a common tau2 a group's mean is its own weighted mean at that tau2."""
    table = explained_by(ALL, {"region": "Region"}).set_index("group")
    y, v = logits(ALL)
    regions = ALL["region"].to_numpy()
    line = meta.regress(y, v, np.column_stack([regions == "high_income", regions == "other"]))
    for region in ("usa", "high_income", "other"):
        here = regions == region
        weights = 1 / (v[here] + line.tau2)
        mean = special.expit((weights * y[here]).sum() / weights.sum())
        assert table.loc[region, "share"] == pytest.approx(mean, rel=1e-9)


def test_a_feature_with_one_group_is_refused():
    with pytest.raises(ValueError, match="region is 'usa' in every study; expected two groups"):
        explained_by(USA, {"region": "Region"})


def test_the_funnel_holds_95_percent_of_a_normal_about_its_centre():
    points, edges = funnel_points(ALL)

    assert points["se"].tolist() == np.sqrt(logits(ALL)[1]).tolist()
    centre = special.logit(edges["centre"])
    z = (special.logit(edges["high"].iloc[1:]) - centre.iloc[1:]) / edges["se"].iloc[1:]
    np.testing.assert_allclose(stats.norm.cdf(z), 0.975)
    assert edges["se"].iloc[-1] == pytest.approx(points["se"].max())


def test_more_studies_narrow_what_is_believed_and_a_larger_one_helps_no_less():
    table = one_more_study(
        USA, sizes=[100, 5000], numbers=[1, 8], tau_scale=1.0, n_replicates=60, seed=5
    )
    by = table.set_index(["studies", "people"])
    now = by.loc[(0, 0)]

    for widths, errors in (("mean_width", "mean_error"), ("setting_width", "setting_error")):
        room = 4 * by[errors].max()
        assert by.loc[(8, 5000), widths] < now[widths]
        assert by.loc[(8, 5000), widths] < by.loc[(1, 5000), widths] + room
        assert by.loc[(1, 5000), widths] < by.loc[(1, 100), widths] + room
    # A huge study cannot tell more of another setting than the spread between settings leaves.
    assert by.loc[(1, 5000), "setting_width"] > 0.85 * now["setting_width"]


def test_the_same_seed_gives_the_same_bits_and_the_widths_of_today_are_the_posteriors():
    how = {"sizes": [200], "tau_scale": 1.0, "n_replicates": 20}
    first, again, other = (one_more_study(USA, seed=seed, **how) for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(first, again)
    assert first.loc[1, "mean_width"] != other.loc[1, "mean_width"]
    now = meta.bayes(*logits(USA), prior=meta.HalfNormal(1.0))
    width = 100 * (special.expit(now.high) - special.expit(now.low))
    assert first.loc[0, "mean_width"] == pytest.approx(float(width))


def test_a_study_weighs_the_inverse_of_its_own_variance_and_that_between_studies():
    table = forest_table(USA, label="Pooled")
    studies = table[table["role"] == "study"]
    events, n = studies["events"].to_numpy(), studies["n"].to_numpy()
    # The variance of a logit is 1 / with + 1 / without pain; tau2 is that of the pooled mean.
    weight = 1 / (1 / events + 1 / (n - events) + pool_prevalence(USA).tau2)

    np.testing.assert_allclose(studies["weight"], weight, rtol=1e-12)
    mean = np.average(special.logit(events / n), weights=weight)
    assert table.loc[len(studies), "estimate"] == pytest.approx(special.expit(mean), rel=1e-9)


def test_in_groups_a_study_keeps_its_weight_among_all_studies():
    names = {"usa": "United States", "high_income": "Other rich", "other": "Other"}
    everything = forest_table(ALL, label="All").set_index("label")["weight"]
    table = forest_by(ALL, "region", names=names)
    studies = table[table["role"] == "study"]

    assert len(studies) == len(ALL)
    np.testing.assert_allclose(studies["weight"], everything.loc[studies["label"]], rtol=1e-12)
    # Each subtotal is the mean of its own group, pooled without the others.
    for region, subtotal in zip(
        names, table[table["role"] == "subtotal"].itertuples(), strict=True
    ):
        own = pool_prevalence(ALL[ALL["region"] == region])
        assert (subtotal.estimate, subtotal.low) == (own.share, own.low)


def test_the_worlds_that_further_studies_come_from_are_the_posterior():
    posterior = meta.bayes(*logits(USA), prior=meta.HalfNormal(1.0))
    centre, tau = _worlds(posterior, 200_000, np.random.default_rng(1))

    ends = float(posterior.low), float(posterior.estimate), float(posterior.high)
    width = ends[2] - ends[0]
    np.testing.assert_allclose(np.quantile(centre, [0.025, 0.5, 0.975]), ends, atol=0.02 * width)
    assert np.median(tau) == pytest.approx(float(posterior.tau), rel=0.05)


@pytest.mark.parametrize("value", [None, float("nan"), ""])
def test_a_study_without_a_group_is_named(value):
    studies = USA.assign(region=["usa", value, *["usa"] * 7])

    for grouped in (
        lambda: forest_by(studies, "region", names={"usa": "USA"}),
        lambda: explained_by(studies, {"region": "Region"}),
    ):
        with pytest.raises(
            ValueError, match=r"row 1 \(Sherman 1984\): region is ''; expected a value"
        ):
            grouped()


def test_a_group_that_an_analyst_added_may_not_be_empty_either():
    studies = USA.assign(own=["a", None, *["b"] * 7])

    with pytest.raises(ValueError, match="row 1: own is empty; expected a group"):
        explained_by(studies, {"own": "Own"})


def test_each_group_has_its_own_disagreement():
    names = {"usa": "United States", "other": "Other countries"}
    table = disagreement(ALL, "region", names=names).set_index("studies")

    groups = {"All studies": ALL} | {
        name: ALL[ALL["region"] == region] for region, name in names.items()
    }
    for name, group in groups.items():
        row, pooled = table.loc[name], meta.pool(*logits(group))
        assert row["number"] == len(group)
        # Squared, the spread is the variance that pooling finds; it is a part below 1 here.
        assert row["tau"] ** 2 == pytest.approx(float(pooled.tau2))
        assert row["i2"] == pytest.approx(float(pooled.i2))
        alone = meta.peters(group["events"], group["n"])
        assert row["peters_p"] == pytest.approx(float(alone.p))
