"""Paths through the published pair, against closed forms and the printed implications."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcore.models.published import (
    Anchors,
    constant_rate,
    doubling_time,
    growth_per_year,
    logistic,
    straight_line,
)

PUBLISHED = Anchors(2005, 1.6e6, 2050, 3.6e6)
people = st.floats(1e3, 1e9)
PATHS = [
    constant_rate,
    straight_line,
    lambda years, anchors: logistic(
        years, anchors, ceiling=1.5 * max(float(anchors.first), float(anchors.last))
    ),
]


def test_the_published_pair_grows_by_1_82_percent_a_year():
    """limb_loss_derived.csv prints 1.82 for (3.6/1.6)**(1/45) - 1."""
    assert 100 * growth_per_year(PUBLISHED) == pytest.approx(1.82, abs=0.005)


def test_the_published_pair_doubles_in_38_years():
    """By hand: ln 2 / ln 1.018184 = 0.693147 / 0.0180207 = 38.46."""
    assert doubling_time(growth_per_year(PUBLISHED)) == pytest.approx(38.46, abs=0.01)


def test_the_midpoint_of_constant_growth_is_the_geometric_mean():
    assert constant_rate(2027.5, PUBLISHED) == pytest.approx(2.4e6)


def test_the_midpoint_of_a_straight_line_is_the_arithmetic_mean():
    assert straight_line(2027.5, PUBLISHED) == pytest.approx(2.6e6)


def test_a_logistic_solves_its_equation():
    """Verhulst: dN/dt = r N (1 - N / K), checked by central differences."""
    years, h, top = np.linspace(1990, 2080, 19), 1e-3, 6e6
    n = logistic(years, PUBLISHED, ceiling=top)
    slope = (
        logistic(years + h, PUBLISHED, ceiling=top) - logistic(years - h, PUBLISHED, ceiling=top)
    ) / (2 * h)
    rate = slope / (n * (1 - n / top))

    np.testing.assert_allclose(rate, rate[0], rtol=1e-5)


def test_a_logistic_under_a_ceiling_far_away_is_constant_growth():
    years = np.arange(2005, 2051)

    np.testing.assert_allclose(
        logistic(years, PUBLISHED, ceiling=1e15), constant_rate(years, PUBLISHED), rtol=1e-8
    )


def test_a_logistic_far_beyond_the_anchors_stays_at_its_ceiling():
    assert logistic(np.array([1e5]), PUBLISHED, ceiling=6e6)[0] == 6e6


@pytest.mark.parametrize("path", PATHS)
@given(first=people, last=people)
def test_every_path_passes_through_both_anchors(path, first, last):
    at = path(np.array([2005, 2050]), Anchors(2005, first, 2050, last))

    np.testing.assert_allclose(at, [first, last], rtol=1e-9)


@pytest.mark.parametrize("path", PATHS)
@given(first=people, last=people)
def test_every_path_stays_between_its_anchors(path, first, last):
    between = path(np.arange(2005, 2051), Anchors(2005, first, 2050, last))

    assert np.all(np.diff(between) * np.sign(last - first) >= -1e-6 * max(first, last))


@pytest.mark.parametrize("path", [constant_rate, straight_line])
@given(first=people, last=people, factor=st.floats(0.1, 10))
def test_counting_in_other_units_scales_the_path(path, first, last, factor):
    years = np.arange(2005, 2051)

    np.testing.assert_allclose(
        path(years, Anchors(2005, factor * first, 2050, factor * last)),
        factor * path(years, Anchors(2005, first, 2050, last)),
        rtol=1e-9,
    )


def test_draws_of_the_anchors_give_a_path_each():
    anchors = Anchors(2005, np.array([[1.0e6], [1.6e6]]), 2050, np.array([[2.0e6], [3.6e6]]))

    assert constant_rate(np.arange(2005, 2051), anchors).shape == (2, 46)


def test_nothing_that_does_not_grow_ever_doubles():
    assert doubling_time(0.0) == np.inf
    assert doubling_time(-0.01) < 0


REFUSED = {
    "years in the wrong order": (lambda: Anchors(2050, 1, 2005, 1), "two years in order"),
    "nobody at the start": (lambda: Anchors(2005, 0, 2050, 1), "anchor 'first' is not above 0"),
    "negative people": (lambda: Anchors(2005, 1, 2050, -1), "anchor 'last' is not above 0"),
    "ceiling below an anchor": (
        lambda: logistic(2010, PUBLISHED, ceiling=3e6), r"ceiling is 3e\+06 at the least"),
    "line below nobody": (
        lambda: straight_line(1900, PUBLISHED), "falls below 0 in these years"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_has_no_path_is_refused(fault):
    call, expected = REFUSED[fault]

    with pytest.raises(ValueError, match=expected):
        call()
