"""Distributions that cannot be are refused at one door: from CSV, from TOML and from code alike."""

import dataclasses
import math
import shutil

import numpy as np
import pytest

from plcore.evidence.data import DATA
from plcore.evidence.parameters import parameter, read_parameters
from plcore.scenarios import read_scenario
from plcore.simulate.draws import draw

#: Family, arguments and words of the message.
IMPOSSIBLE = [
    ("triangular", {"value": 0.9, "low": 0.03, "high": 0.5}, "value from low (0.03) to high (0.5)"),
    ("triangular", {"value": 0.01, "low": 0.03, "high": 0.5}, "value from low (0.03)"),
    ("triangular", {"value": 0.3, "low": 0.5, "high": 0.1}, "low below high"),
    ("triangular", {"value": 0.5, "low": 0.5, "high": 0.5}, "low below high"),
    ("triangular", {"value": 0.5, "low": -0.2, "high": 0.8}, "share"),
    ("triangular", {"value": 0.5, "low": 0.2, "high": 1.2}, "share"),
    ("jeffreys", {"events": 12, "n": 10}, "events from 0 to n (10), not 12"),
    ("jeffreys", {"events": -1, "n": 10}, "events"),
    ("jeffreys", {"events": 1.5, "n": 10}, "whole number"),
    ("jeffreys", {"events": 0, "n": 0}, "n"),
    ("beta", {"value": 0.5, "low": 0.6, "high": 0.9}, "value near"),
    ("beta", {"value": 0.99, "low": 0.1, "high": 0.2}, "value near"),
    ("beta", {"value": 0.5, "low": 0, "high": 0.9}, "limits between 0 and 1"),
    ("beta", {"value": 0.5, "low": 0.1, "high": 1.1}, "limits between 0 and 1"),
    ("normal", {"value": 0.9, "low": 0.1, "high": 0.2}, "value near"),
    ("normal", {"value": 0.5, "low": 0.6, "high": 0.4}, "low below high"),
    ("normal", {"value": 0.5, "low": 0.4, "high": 0.6}, "share"),
    ("lognormal", {"value": 0.9, "low": 0.1, "high": 0.5}, "value near"),
    ("lognormal", {"value": 0.2, "low": 0, "high": 0.5}, "low above 0"),
    ("logitnormal", {"value": 0.95, "low": 0.1, "high": 0.9}, "value near"),
    ("logitnormal", {"value": 0.5, "low": 0.1, "high": 1}, "limits between 0 and 1"),
    ("uniform", {"low": 0.9, "high": 0.1}, "low below high"),
    ("uniform", {"low": 0.5, "high": 0.5}, "low below high"),
    ("uniform", {"low": 0.5, "high": 1.5}, "share"),
    ("fixed", {"value": 1.5}, "share"),
    ("pert", {"value": 0.9, "low": 0.03, "high": 0.5}, "one of "),
    ("weibull", {"value": 0.1, "low": 0.03, "high": 0.5}, "one of "),
]
NAMES = [f"{dist}-{'-'.join(map(str, values.values()))}" for dist, values, _ in IMPOSSIBLE]


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine") / "data"
    shutil.copytree(DATA, folder)
    return folder


@pytest.mark.parametrize(("dist", "values", "words"), IMPOSSIBLE, ids=NAMES)
def test_what_cannot_be_is_refused_from_code_toml_and_csv(dist, values, words, mine):
    with pytest.raises(ValueError, match=r"expected") as from_code:
        parameter("x", "share", dist, values, source="assumed", seen="assumed", note="why")

    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    (mine / "scenarios" / "ours.toml").write_text(
        f'title = "Ours"\n[parameters.demand_accepting]\nunit = "share"\ndist = "{dist}"\n{lines}'
        'source = "assumed"\nseen = "assumed"\nnote = "why"\n'
    )
    with pytest.raises(ValueError, match=r"^ours\.toml:\d+: .*demand_accepting") as from_toml:
        read_scenario("ours", folder=mine)

    path = mine / "parameters.csv"
    before = path.read_text()
    cells = [str(values.get(name, "")) for name in ("value", "low", "high", "events", "n")]
    path.write_text(
        before + ",".join(["x", "share", dist, *cells, "assumed", "assumed", "why"]) + "\n"
    )
    try:
        with pytest.raises(ValueError, match=r"^parameters\.csv:\d+: ") as from_csv:
            read_parameters(folder=mine)
    finally:
        path.write_text(before)

    for refused in (from_code, from_toml, from_csv):
        assert words in str(refused.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dist", ["fixed", "normal", "lognormal", "uniform", "triangular", "beta"])
def test_numbers_that_are_none_are_refused(dist, bad):
    values = {"fixed": {"value": bad}, "uniform": {"low": 0.1, "high": bad}}
    given = values.get(dist, {"value": 0.3, "low": 0.1, "high": bad})

    with pytest.raises(ValueError, match=r"x: arguments are .*expected finite numbers"):
        parameter("x", "ratio", dist, given, source="assumed", seen="assumed", note="why")


def test_a_draw_that_is_no_number_is_refused_with_its_parameter():
    known = read_scenario().parameters[:3]
    # As made without the door.
    broken = dataclasses.replace(known[1], dist="normal", shape=(np.nan, 1.0))

    with pytest.raises(
        ValueError, match=rf"{broken.name}: draw 0 is nan; expected a finite number"
    ):
        draw((known[0], broken, known[2]), 4, seed=1)
