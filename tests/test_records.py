"""Records that users fill in refuse what is of another kind as they are made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from plcore.analysis import Quantity
from plcore.clinic import Area, Dose, OwnNumbers
from plcore.clinic.demand import Opening
from plcore.clinic.sizing import Prices
from plcore.evidence.pooling import HalfNormal
from plcore.models import CoursePlan
from plcore.planner import Settings

DAY = Settings(state="VT").clinic().day


@pytest.mark.parametrize(
    ("record", "given", "words"),
    [
        (Settings, {"near": ((34.05, -118.24),), "radius_km": 60}, "near is .*; expected 2 numbers"),
        (Settings, {"near": (34.05,), "radius_km": 60}, "near is .*; expected 2 numbers"),
        (Settings, {"near": "34,-118", "radius_km": 60}, "near is .*; expected 2 numbers"),
        (Settings, {"near": (34, "x"), "radius_km": 60}, "one of near is 'x'; expected a number"),
        (Settings, {"zip": 90012, "radius_km": 60}, "zip is 90012; expected a text"),
        (Settings, {"city": 4, "radius_km": 60}, "city is 4; expected a text"),
        (Settings, {"state": 3}, "state is 3; expected a text"),
        (Settings, {"metro": 31080}, "metro is 31080; expected a text"),
        (Settings, {"counties": "06037"}, "counties is '06037'; expected a list of texts"),
        (Settings, {"counties": [6037]}, "one of counties is 6037; expected a text"),
        (Settings, {"state": "VT", "name": 3}, "name is 3; expected a text"),
        (Settings, {"state": "VT", "scenario": None}, "scenario is None; expected a text"),
        (Settings, {"state": "VT", "season": 3}, "season is 3; expected a list of numbers"),
        (Settings, {"state": "VT", "chairs": "2"}, "chairs is '2'; expected a whole number"),
        (Settings, {"state": "VT", "chairs": True}, "chairs is True; expected a whole number"),
        (Settings, {"state": "VT", "own": 12}, "own is 12; expected an OwnNumbers"),
        (OwnNumbers, {"referrals": "12"}, "referrals is '12'; expected a list of whole numbers"),
        (OwnNumbers, {"first_month": 2026}, "first_month is 2026; expected a text"),
        (partial(replace, DAY), {"chairs": "2"}, "chairs is '2'; expected a whole number"),
        (Dose, {"vial_mg": "500"}, "vial_mg is '500'; expected a number"),
        (Opening, {"year": "2027"}, "year is '2027'; expected a whole number"),
        (Prices, {"nurse_hour": "60"}, "nurse_hour is '60'; expected a number"),
        (Area, {"name": 3, "fips": ("06037",)}, "name is 3; expected a text"),
        (Area, {"name": "here", "fips": "06037"}, "fips is .*; expected a list of texts"),
        (CoursePlan, {"course_days": 3}, "course_days is 3; expected a list of whole numbers"),
        (HalfNormal, {"scale": "1"}, "scale is '1'; expected a number"),
        (Quantity, {"outcome": 3, "year": 2050}, "outcome is 3; expected a text"),
        (Quantity, {"outcome": "plp", "year": "2050"}, "year is '2050'; expected a whole number"),
    ],
)  # fmt: skip
def test_a_record_refuses_what_is_of_another_kind(record, given, words):
    with pytest.raises(TypeError, match=words):
        record(**given)
