"""People with phantom limb pain: by hand, by conservation, and by what must not matter."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from plcore.models.limb_loss import (
    inputs,
    people_and_mortality,
    people_with_limb_loss,
    project,
    responses_of,
)
from plcore.models.pain import (
    BANDS,
    BOUNDS,
    SEVERITIES,
    born_without_a_limb,
    pain_by,
    pain_by_time_since_loss,
    people_with_pain,
    severity_shares,
    share_in_pain,
)
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

YEARS = {"first_year": 2005, "last_year": 2008}
BASELINE = read_scenario(choices=YEARS)
DRAWS = draw(BASELINE.parameters, 64, seed=2)
FOUND = people_with_pain(DRAWS, BASELINE)


def test_limb_loss_is_the_cohort_models():
    expected = people_with_limb_loss(DRAWS, BASELINE)

    np.testing.assert_allclose(FOUND.values["limb_loss"], expected.values["limb_loss"], rtol=1e-12)


def test_the_bands_of_time_since_the_loss_add_up_to_everybody():
    population, mortality = people_and_mortality(BASELINE)
    responses = responses_of(DRAWS, BASELINE, population, mortality, quantities=("people", *BANDS))
    how = {"by": ("year", "cause"), "years": [1951, 1980, 2005, 2060]}
    bands = sum(project(responses, inputs(DRAWS, BASELINE), quantity=name, **how) for name in BANDS)

    np.testing.assert_allclose(bands, project(responses, inputs(DRAWS, BASELINE), **how), rtol=1e-9)


def test_without_a_fall_everybody_has_the_share_of_their_level():
    flat = DRAWS.assign(plp_fall=0.0)
    values = people_with_pain(flat, BASELINE).values
    after_major = DRAWS["plp_prevalence"].to_numpy()[:, np.newaxis]
    after_minor = DRAWS["plp_prevalence_minor"].to_numpy()[:, np.newaxis]

    expected = {
        "plp": values["major"] * after_major + values["minor"] * after_minor,
        "plp_major_only": values["major"] * after_major,
        "plp_all_alike": values["limb_loss"] * after_major,
    }
    for name, people in expected.items():
        np.testing.assert_allclose(values[name], people, rtol=1e-9)


def test_the_share_by_time_is_the_mean_of_straight_lines_between_the_visits():
    """The mean log odds worked out again by quadrature of the interpolated line."""
    shares = share_in_pain(DRAWS, kind="current")
    visits, printed = np.array([8 / 365.25, 0.5, 2.0]), special.logit([0.72, 0.65, 0.59])

    def above(t):
        return np.interp(t, visits, printed - printed[-1])

    for band, (start, end) in enumerate([(0, 1), (1, 2), (2, 5)]):
        mean = integrate.quad(above, start, end, points=[0.0219, 0.5])[0] / (end - start)
        expected = special.expit(special.logit(DRAWS["plp_prevalence"]) + DRAWS["plp_fall"] * mean)
        np.testing.assert_allclose(shares[:, band, 0], expected, rtol=1e-7)
        minor = special.logit(DRAWS["plp_prevalence_minor"]) + DRAWS["plp_fall"] * mean
        np.testing.assert_allclose(shares[:, band, 1], special.expit(minor), rtol=1e-7)
    np.testing.assert_array_equal(shares[:, 3], shares[:, 2])


def test_pain_never_rises_with_time_since_the_loss():
    assert (np.diff(share_in_pain(DRAWS, kind="current"), axis=1) <= 0).all()


def test_who_had_pain_ever_cannot_cease_to_have_had_it():
    shares = share_in_pain(DRAWS, kind="ever")
    ever = people_with_pain(DRAWS, read_scenario("plp_ever", choices=YEARS))

    assert (shares == shares[:, :1]).all()
    assert not [name for name in ever.values if name.startswith("plp_e") or "weekly" in name]


def test_the_readings_are_as_they_are_called():
    values = FOUND.values

    assert (values["plp_as_claimed"] == values["limb_loss"]).all()
    share = values["plp_source_corrected"] / values["limb_loss"]
    assert ((share > 0.6) & (share < 0.85)).all()
    claimed = np.tile(DRAWS["plp_share_claimed"], (len(BASELINE.years), 1)).T
    np.testing.assert_allclose(share, claimed, rtol=1e-12)
    assert FOUND.extrapolated.tolist() == [False] * len(BASELINE.years)
    assert (values["plp"] < values["plp_as_claimed"]).all()


def test_severities_are_nested_in_every_draw():
    draws = draw(BASELINE.parameters, 2**15, seed=5)
    share = severity_shares(draws)

    assert (share["extremely_bothersome"] <= share["moderate_severe"]).all()
    for name in SEVERITIES:
        # A share of 1e-70 once came from a t with too heavy tails.
        assert share[name].min() > 1e-7
        assert share[name].max() <= 1
        of_pain = FOUND.values[f"plp_{name}"] / FOUND.values["plp"]
        expected = severity_shares(DRAWS)[name][:, np.newaxis] * np.ones(4)
        np.testing.assert_allclose(of_pain, expected, rtol=1e-12)


def test_severities_are_as_common_as_in_their_studies():
    """A quarter of those in pain in Ephraim 2005; of all with limb loss 48% in Morgan 2017."""
    draws = draw(BASELINE.parameters, 2**15, seed=5)
    share = severity_shares(draws)

    assert np.median(share["extremely_bothersome"]) == pytest.approx(183 / 730, abs=0.02)
    of_all = share["problematic"] * draws["plp_prevalence"]
    assert np.median(of_all) == pytest.approx(623 / 1296, abs=0.02)


def test_the_bounds_stand_on_both_sides_of_the_answer_and_are_what_their_scenarios_give():
    values = FOUND.values
    assert (values["plp_major_only"] < values["plp"]).all()
    below = DRAWS["plp_prevalence_minor"] <= DRAWS["plp_prevalence"]
    assert (values["plp"] <= values["plp_all_alike"] * (1 + 1e-12))[below].all()
    for name, bound in (("major_only", "plp_major_only"), ("all_alike", "plp_all_alike")):
        chosen = people_with_pain(DRAWS, read_scenario(name, choices=YEARS)).values
        np.testing.assert_array_equal(chosen["plp"], values[bound])
        np.testing.assert_array_equal(chosen["limb_loss"], values["limb_loss"])


def test_people_by_age_sex_and_cause_add_up_to_all_in_pain():
    parts = pain_by(
        DRAWS, BASELINE, by=("year", "age_group", "sex", "cause"), years=[2005, 2008],
        age_groups=range(0, 101, 10),
    )  # fmt: skip

    assert set(parts) == {"plp", *BOUNDS}
    for name, people in parts.items():
        assert people.shape == (64, 2, 11, 2, 3)
        assert (people >= 0).all()
        whole = FOUND.values[name][:, [0, 3]]
        np.testing.assert_allclose(people.sum(axis=(2, 3, 4)), whole, rtol=1e-9)


@settings(max_examples=20)
@given(
    more=st.floats(0.001, 0.2),
    name=st.sampled_from(["plp_prevalence", "plp_prevalence_minor", "plp_fall"]),
)
def test_a_higher_share_or_a_steeper_fall_means_more_people_in_pain(more, name):
    share = np.minimum(DRAWS[name] + more, 9 if name == "plp_fall" else 0.999)
    level = slice(None) if name == "plp_fall" else [int(name == "plp_prevalence_minor")]
    before, after = (
        share_in_pain(draws, kind="current") for draws in (DRAWS, DRAWS.assign(**{name: share}))
    )

    assert (after[:, 0, level] > before[:, 0, level]).all()
    assert (after >= before).all()


def test_an_unknown_word_for_pain_after_minor_loss_is_refused():
    with pytest.raises(ValueError, match="expected one of own_share, as_after_major, none"):
        share_in_pain(DRAWS, kind="current", minor="included")


def test_people_born_without_a_limb_are_one_in_1943_and_apart_from_limb_loss():
    one = pd.DataFrame(
        {
            "congenital_share": [1 / 1943],
            "plp_congenital": [0.06],
            "congenital_share_claimed": [0.2],
        }
    )
    outcome = born_without_a_limb(one, BASELINE)
    found = outcome.values
    population, _ = people_and_mortality(BASELINE)
    everybody = population.people[np.isin(population.years, BASELINE.years)].sum(axis=(1, 2))

    np.testing.assert_allclose(found["born_without"][0], everybody / 1943)
    np.testing.assert_allclose(found["plp_ever"][0], 0.06 * everybody / 1943)
    np.testing.assert_allclose(found["plp_as_claimed"][0], 0.2 * everybody / 1943)
    assert outcome.extrapolated.tolist() == [False] * len(BASELINE.years)


def test_years_beyond_the_data_are_refused_unless_asked_for():
    beyond = dataclasses.replace(
        BASELINE, choices={**BASELINE.choices, "first_year": 2099, "last_year": 2100}
    )

    with pytest.raises(ValueError, match="2061 lies outside the data"):
        people_with_pain(DRAWS, beyond)
    asked = dataclasses.replace(beyond, choices={**beyond.choices, "extrapolate": True})
    assert people_with_pain(DRAWS, asked).extrapolated.tolist() == [True, True]


def test_the_table_by_time_since_the_loss_has_the_median_and_95_in_100_draws():
    table = pain_by_time_since_loss(DRAWS)

    assert table["time_since_loss"].tolist() == [
        "Under 1 year", "1 to 2 years", "2 to 5 years", "5 years or more"
    ]  # fmt: skip
    shares = share_in_pain(DRAWS, kind="current")
    for k, level in enumerate(("major", "minor")):
        for end, p in (("_low", 2.5), ("", 50), ("_high", 97.5)):
            np.testing.assert_allclose(
                table[f"{level}{end}"], np.percentile(shares[:, :, k], p, axis=0)
            )
