"""The three readings, their runs and their summaries."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from plcore.models.outcome import Outcome
from plcore.models.published import implications, three_readings
from plcore.scenarios import read_scenario
from plcore.simulate.runs import run
from plcore.simulate.summary import summarise

DRAWS = pd.DataFrame(
    {
        "limb_loss_2005": [1.6e6, 1.5e6],
        "limb_loss_2050": [3.6e6, 3.0e6],
        "limb_loss_ceiling": [6e6, 5e6],
        "plp_share_claimed": [0.6, 0.85],
        "plp_prevalence": [0.75, 0.64],
    }
)


def with_choices(scenario, **choices):
    return dataclasses.replace(scenario, choices={**scenario.choices, **choices})


@pytest.fixture(scope="module")
def baseline():
    return read_scenario()


def test_the_first_and_last_year_by_hand(baseline):
    values = three_readings(DRAWS, baseline).values

    assert values["plp_as_claimed"][0, 0] == pytest.approx(1.6e6)
    assert values["plp_source_corrected"][0, 0] == pytest.approx(0.96e6)
    assert values["plp_evidence_based"][0, -1] == pytest.approx(2.7e6)
    assert values["plp_evidence_based"][1, -1] == pytest.approx(1.92e6)


def test_nobody_has_phantom_limb_pain_without_limb_loss(baseline):
    values = run(three_readings, baseline, n_draws=256).outcome.values

    for reading in ("plp_source_corrected", "plp_evidence_based"):
        assert np.all(values[reading] <= values["limb_loss"])


@pytest.mark.parametrize("growth", ["constant_rate", "straight_line", "logistic"])
def test_the_path_between_the_anchors_does_not_move_the_anchors(baseline, growth):
    values = three_readings(DRAWS, with_choices(baseline, growth=growth)).values

    np.testing.assert_allclose(values["limb_loss"][:, [0, -1]], [[1.6e6, 3.6e6], [1.5e6, 3.0e6]])


def test_years_beyond_the_published_pair_are_refused_unless_asked_for(baseline):
    beyond = with_choices(baseline, last_year=2055)

    with pytest.raises(ValueError, match="2051 lies outside 2005-2050"):
        three_readings(DRAWS, beyond)
    outcome = three_readings(DRAWS, with_choices(beyond, extrapolate=True))
    assert outcome.years[outcome.extrapolated].tolist() == [2051, 2052, 2053, 2054, 2055]


def test_two_scenarios_share_the_draws_of_what_they_share():
    base, other = (run(three_readings, read_scenario(name), n_draws=128)
                   for name in ("baseline", "all_studies"))  # fmt: skip

    same = [name for name in base.draws if base.draws[name].equals(other.draws[name])]
    assert same == [name for name in base.draws if name != "plp_prevalence"]
    assert base.draws["plp_prevalence"].rank().equals(other.draws["plp_prevalence"].rank())


def test_the_same_seed_gives_the_same_bits(baseline):
    first, again = (run(three_readings, baseline, n_draws=64, seed=7) for _ in range(2))

    for name, values in first.outcome.values.items():
        assert np.array_equal(values, again.outcome.values[name])


def test_a_model_that_returns_no_number_is_named_with_the_draw_and_its_parameters(baseline):
    def broken(draws, scenario):
        outcome = three_readings(draws, scenario)
        outcome.values["limb_loss"][3, 2] = np.nan
        return outcome

    with pytest.raises(ValueError, match=r"limb_loss is nan in 2007 of draw 3; .*plp_prevalence"):
        run(broken, baseline, n_draws=8)


def test_a_model_that_returns_another_shape_is_refused(baseline):
    def broken(draws, scenario):
        return Outcome(scenario.years, {"x": np.zeros(3)}, np.zeros(46, dtype=bool))

    with pytest.raises(ValueError, match=r"x has shape \(3,\); expected \(8, 46\)"):
        run(broken, baseline, n_draws=8)


def test_summaries_are_the_quantiles_of_the_draws(baseline):
    simulated = run(three_readings, baseline, n_draws=500)
    table = summarise(simulated)
    row = table[(table["outcome"] == "plp_evidence_based") & (table["year"] == 2030)].iloc[0]
    values = simulated.outcome.values["plp_evidence_based"][:, 2030 - 2005]

    assert row["mean"] == pytest.approx(values.mean())
    assert row["median"] == pytest.approx(np.quantile(values, 0.5))
    assert row["low_95"] == pytest.approx(np.quantile(values, 0.025))
    assert row["high_50"] == pytest.approx(np.quantile(values, 0.75))


def test_intervals_of_a_summary_are_nested(baseline):
    table = summarise(run(three_readings, baseline, n_draws=256))
    order = ["low_95", "low_80", "low_50", "median", "high_50", "high_80", "high_95"]

    assert np.all(np.diff(table[order].to_numpy(), axis=1) >= 0)
    assert len(table) == 4 * 46


def test_a_summary_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no runs"):
        summarise()


def test_the_rounding_of_1_6_million_is_enough_to_explain_one_in_190(baseline):
    """1 in 190 of the 295.5 million of mid-2005 is 1.555 million, which rounds to 1.6."""
    table = implications(run(three_readings, baseline).draws, population=295.5e6)
    row = table.set_index("quantity").loc["one in ... people, 2005"]

    assert row["median"] == pytest.approx(184.7, abs=0.1)
    assert row["low"] < 190 < row["high"] + 1


def test_the_implied_growth_is_the_published_1_82_percent(baseline):
    table = implications(run(three_readings, baseline).draws, population=295.5e6)

    assert table.set_index("quantity").loc["growth", "median"] == pytest.approx(1.82, abs=0.005)
