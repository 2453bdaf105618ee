"""Effect sizes: metafor's escalc, empty cells, and counts that cannot be."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore.evidence.pooling import (
    log_odds_ratio,
    log_risk_ratio,
    logit_proportion,
    mean_difference,
    risk_difference,
)

TIGHT = json.loads((Path(__file__).parents[1] / "reference/metafor_tight.json").read_text())
CELLS = [TIGHT["cells"][name] for name in ("events_1", "n_1", "events_2", "n_2")]
ARMS = [TIGHT["arms"][name] for name in ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")]


@pytest.mark.parametrize(
    ("measure", "effect", "data"),
    [
        ("RR", log_risk_ratio, CELLS),
        ("OR", log_odds_ratio, CELLS),
        ("RD", risk_difference, CELLS),
        ("PLO", logit_proportion, CELLS[:2]),
        ("MD", mean_difference, ARMS),
    ],
)
def test_effects_and_variances_are_those_of_escalc(measure, effect, data):
    # metafor 3.8-1 escalc() with its default add = 1/2, to = "only0"; empty cells and fractions.
    y, v = effect(*data)

    np.testing.assert_allclose(y, TIGHT["effects"][measure]["yi"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(v, TIGHT["effects"][measure]["vi"], rtol=1e-12)


def test_half_an_event_is_added_to_the_study_with_an_empty_cell_only():
    y, v = logit_proportion([0, 5], [10, 10])

    assert y[0] == pytest.approx(np.log(0.5 / 10.5))  # by hand
    assert (y[1], v[1]) == (0, pytest.approx(0.4))  # 1/5 + 1/5


def test_the_logits_of_the_30_studies_are_those_the_reference_pooled():
    reference = json.loads(
        (Path(__file__).parents[1] / "reference/metafor_plp_prevalence_30_studies.json").read_text()
    )
    y, v = logit_proportion(reference["events"], reference["n"])

    np.testing.assert_allclose(y, reference["yi"], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(v, reference["vi"], rtol=1e-12)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 500), st.integers(1, 500))
def test_swapping_the_arms_turns_the_sign(a, b, c, d):
    for effect in (log_risk_ratio, log_odds_ratio, risk_difference):
        y, v = effect([a], [a + b], [c], [c + d])
        turned, same = effect([c], [c + d], [a], [a + b])
        np.testing.assert_allclose(turned, -y, atol=1e-12)
        np.testing.assert_allclose(same, v, rtol=1e-9)


def test_counting_those_without_pain_turns_the_sign_of_the_logit():
    y, v = logit_proportion([3, 0, 7], [10, 4, 7])
    turned, same = logit_proportion([7, 4, 0], [10, 4, 7])

    np.testing.assert_allclose(turned, -y)
    np.testing.assert_allclose(same, v)


def test_leading_axes_are_kept():
    y, v = logit_proportion(np.full((4, 3, 5), 2), np.full(5, 9))

    assert y.shape == v.shape == (4, 3, 5)


def test_nothing_added_means_empty_cells_are_refused():
    with pytest.raises(ValueError, match=r"study 1: a cell is 0.*add=0"):
        logit_proportion([3, 0], [10, 10], add=0)


@pytest.mark.parametrize(
    ("events", "n", "message"),
    [
        ([3, np.nan], [10, 10], "study 1: events is nan"),
        ([3, 11], [10, 10], "study 1: events is 11, but it must not exceed n"),
        ([-1, 5], [10, 10], "study 0: events is -1"),
        ([0, 5], [0, 10], "study 0: n is 0"),
        ([2, 5], [10, np.inf], "study 1: n is inf"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_study_and_value(events, n, message):
    with pytest.raises(ValueError, match=message):
        logit_proportion(events, n)


def test_a_wrong_count_says_which_arm_it_is_in():
    with pytest.raises(ValueError, match="study 0: events_2 is 9, but it must not exceed n"):
        log_risk_ratio([1], [5], [9], [5])


def test_a_standard_deviation_of_zero_is_refused():
    with pytest.raises(ValueError, match="study 0: sd_2 is 0"):
        mean_difference([1], [1], [10], [2], [0], [10])
