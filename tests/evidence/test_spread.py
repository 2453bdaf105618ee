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
    for name, below in (("low", 0.025), ("high", 0.975)):
        z = (special.logit(edges[name].iloc[1:]) - centre.iloc[1:]) / edges["se"].iloc[1:]
        np.testing.assert_allclose(stats.norm.cdf(z), below)
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


def test_every_way_of_pooling_has_its_own_mean_limits_setting_and_spread():
    table = ways_of_pooling(USA, tau_scale=0.7)
    y, v = logits(USA)
    exact = meta.pool_exact(USA["events"].to_numpy(), USA["n"].to_numpy())
    reml, posterior = meta.pool(y, v), meta.bayes(y, v, prior=meta.HalfNormal(0.7))
    simple = meta.pool(y, v, tau2=meta.dersimonian_laird, knapp_hartung=False)

    for row, ours in zip(table.to_dict("records"), (reml, simple, exact, posterior), strict=True):
        assert row["share"] == pytest.approx(special.expit(ours.estimate))
        settings = special.expit([ours.prediction_low, ours.prediction_high])
        assert [row["setting_low"], row["setting_high"]] == pytest.approx(settings)
        tau = ours.tau if ours is posterior else np.sqrt(ours.tau2)
        assert row["tau"] == pytest.approx(tau)
        if ours is not exact:
            limits = special.expit([ours.low, ours.high])
            assert [row["low"], row["high"]] == pytest.approx(limits)


def test_a_study_of_a_forest_has_the_limits_of_its_own_count():
    table, z = forest_table(USA, label="Pooled"), stats.norm.ppf(0.975)
    pooled = pool_prevalence(USA)

    for row, study in zip(table.to_dict("records"), USA.to_dict("records"), strict=False):
        assert row["estimate"] == pytest.approx(study["events"] / study["n"])
        for limit in (row["low"], row["high"]):
            error = np.sqrt(limit * (1 - limit) / study["n"])
            assert abs(row["estimate"] - limit) == pytest.approx(z * error, rel=1e-6)
        assert [row[name] for name in ("n", "events", "kind", "window", "seen", "source")] == [
            study[name] for name in ("n", "events", "kind", "window", "seen", "source")
        ]
    mean, other = table.iloc[-2], table.iloc[-1]
    assert mean[["estimate", "low", "high"]].tolist() == [pooled.share, pooled.low, pooled.high]
    assert other[["low", "high"]].tolist() == [pooled.setting_low, pooled.setting_high]
    assert mean["events"] == other["events"] == USA["events"].sum()


def test_every_group_of_a_feature_has_its_own_people_and_limits():
    table = explained_by(ALL, {"region": "Region"})
    y, v = logits(ALL)
    groups = [(ALL["region"] == name).to_numpy() for name in table["group"]]
    line = meta.regress(y, v, np.column_stack(groups[1:]))
    t = stats.t.ppf(0.975, len(ALL) - len(groups))
    # Knapp and Hartung widen all errors by the spread that is left about the groups' means.
    w = 1 / (v + line.tau2)
    means = [(w * y)[here].sum() / w[here].sum() for here in groups]
    left = sum((w * (y - mean) ** 2)[here].sum() for mean, here in zip(means, groups, strict=True))
    widening = np.sqrt(left / (len(ALL) - len(groups)))

    for row, mean, here in zip(table.to_dict("records"), means, groups, strict=True):
        error = widening / np.sqrt(w[here].sum())
        limits = special.expit([mean - t * error, mean + t * error])
        assert [row["low"], row["high"]] == pytest.approx(limits, rel=1e-6)
        assert (row["studies"], row["people"]) == (here.sum(), ALL["n"][here].sum())
    between = sum(
        w[here].sum() * (mean - (w * y).sum() / w.sum()) ** 2
        for mean, here in zip(means, groups, strict=True)
    ) / (len(groups) - 1)
    p = stats.f.sf(between / widening**2, len(groups) - 1, len(ALL) - len(groups))
    assert table["p"].tolist() == pytest.approx([p] * len(groups), rel=1e-6)


def test_a_point_of_a_funnel_is_the_share_and_error_of_its_study():
    points, edges = funnel_points(USA)
    others = USA["n"] - USA["events"]

    np.testing.assert_allclose(points["share"], USA["events"] / USA["n"])
    np.testing.assert_allclose(points["se"], np.sqrt(1 / USA["events"] + 1 / others))
    assert points["n"].tolist() == USA["n"].tolist()
    np.testing.assert_allclose(edges["centre"], pool_prevalence(USA).share)
    assert edges["se"].iloc[-1] == pytest.approx(points["se"].max())


def test_expected_widths_and_their_errors_are_those_of_futures_simulated_plainly():
    n, size = 1000, 1000
    row = one_more_study(
        USA, sizes=[size], numbers=[4], tau_scale=1.0, n_replicates=n, seed=3
    ).iloc[1]

    (y, v), prior = logits(USA), meta.HalfNormal(1.0)
    now, random = meta.bayes(y, v, prior=prior), np.random.default_rng(11)
    cells = random.choice(now.weight.size, size=n, p=now.weight)
    mean = random.normal(now.mean[cells], np.sqrt(now.variance[cells]))
    settings = random.normal(mean[:, np.newaxis], now.middles[cells][:, np.newaxis], (n, 4))
    events = random.binomial(size, special.expit(settings))
    after = meta.bayes(
        np.hstack([np.tile(y, (n, 1)), special.logit(events / size)]),
        np.hstack([np.tile(v, (n, 1)), 1 / events + 1 / (size - events)]),
        prior=prior,
    )
    limits = {
        "mean": (after.low, after.high),
        "setting": (after.prediction_low, after.prediction_high),
    }
    for kind, (low, high) in limits.items():
        widths = 100 * (special.expit(high) - special.expit(low))
        error = widths.std(ddof=1) / np.sqrt(n)
        assert row[f"{kind}_error"] == pytest.approx(error, rel=0.2)
        assert abs(row[f"{kind}_width"] - widths.mean()) < 3.5 * np.sqrt(2) * error
