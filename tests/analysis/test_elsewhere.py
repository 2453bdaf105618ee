"""Limb loss and pain in other countries: a plain loop, the printed rate itself, and what is refused."""

import dataclasses
import shutil

import numpy as np
import pytest

from plcore.analysis import elsewhere, other_countries
from plcore.analysis.elsewhere import people_elsewhere, published_rates
from plcore.evidence.data import DATA
from plcore.evidence.population import read_mortality, read_population
from plcore.models import people_with_pain
from plcore.models.limb_loss import (
    KNOTS,
    STRATA,
    SURVIVALS,
    inputs,
    minor_share,
    ratio_pattern,
    shapes_of,
    younger_share,
)
from plcore.models.outcome import Outcome
from plcore.models.pain import share_in_pain
from plcore.scenarios import read_scenario
from plcore.simulate import run
from plcore.simulate.synthesis import draws_of

SCENARIO = read_scenario()
DRAWS = draws_of(SCENARIO, 2, seed=3)
CANADA = published_rates("CAN")[0]
MAJOR, BOTH = published_rates("DEU")


def plain(i, rate, year):
    """People by level and full years since the loss (0 to 5 or more), by a loop over years."""
    row = DRAWS.iloc[i]
    one = DRAWS.iloc[[i]]
    population, mortality = read_population(rate.area), read_mortality(rate.area)
    given, shapes = inputs(one, SCENARIO), shapes_of(one, population)
    d = {name: one[name].to_numpy() for name in one}

    def mix(at):
        """Share of amputations by level and shape in a year, as in the United States."""
        minor = np.interp(at, KNOTS, minor_share(d)[0])
        shares = {}
        for level, of_level in (("major", 1 - minor), ("minor", minor)):
            younger = np.interp(at, KNOTS, younger_share(d, level)[0])
            shares |= {(level, "younger"): of_level * younger,
                       (level, "older"): of_level * (1 - younger)}  # fmt: skip
        return shares

    residents = population.people[rate.year - int(population.years[0])]
    crude = {s: (residents * shapes[s]).sum() / residents.sum() for s in ("older", "younger")}

    def normed(at, level):
        """Interpolated between knots as the shares at each knot are, of the level's own total."""
        by_knot = []
        for knot in KNOTS:
            chosen = {key: v for key, v in mix(knot).items() if level in ("any", key[0])}
            total = sum(chosen.values())
            by_knot.append({key: value / total for key, value in chosen.items()})
        return {key: np.interp(at, KNOTS, [m[key] for m in by_knot]) for key in by_knot[0]}

    scale = {
        level: value / sum(v * crude[k[1]] for k, v in normed(rate.year, level).items())
        for level, value in rate.rates.items()
    }
    people = {level: np.zeros((6, 2, 101)) for level in ("major", "minor")}
    stocks = {}
    for stratum, s in enumerate(STRATA):
        if s.cause == "dysvascular":
            stocks[s.level, s.shape] = (stratum, np.zeros((6, 2, 101)))
    for step in range(-260, year - int(population.years[0])):
        place = max(step, 0)
        at = int(population.years[place])
        new = dict.fromkeys(stocks, 0.0)
        for level, factor in scale.items():
            for key, value in normed(at, level).items():
                new[key] += factor * value * row["dysvascular_first_share"]
        for shape in ("older", "younger"):
            moved = new["minor", shape] * row["dysvascular_progression"]
            new["major", shape] += moved
            new["minor", shape] -= moved
        for (level, shape), (stratum, stock) in stocks.items():
            losses = population.people[place] * shapes[shape] * new[level, shape]
            pattern = ratio_pattern(np.array([at]), SURVIVALS[given.survival[0]])[0]
            hazard = mortality.hazard[place] * pattern * given.hazard_ratio[0, stratum]
            left = stock * np.exp(-hazard)
            first = losses * (1 - given.first_year_excess[0, stratum]) * np.exp(-hazard / 2)
            aged = np.zeros_like(stock)
            for years, group in enumerate([first, *left]):
                into = aged[min(years, 5)]
                into[:, 1:] += group[:, :-1]
                into[:, 100] += group[:, 100]
            stock[...] = aged
    for (level, _), (_, stock) in stocks.items():
        people[level] += stock
    return {level: group.sum(axis=(1, 2)) for level, group in people.items()}


@pytest.mark.parametrize("rate", [CANADA, MAJOR, BOTH], ids=lambda rate: rate.label)
def test_people_elsewhere_are_those_of_a_plain_loop_at_the_printed_rate(rate):
    outcome = people_elsewhere(DRAWS, SCENARIO, rate, years=[2025])

    for i in range(2):
        people = plain(i, rate, 2025)
        share = share_in_pain(DRAWS.iloc[[i]], kind="current")[0]
        bands = {level: [by[0], by[1], by[2:5].sum(), by[5]] for level, by in people.items()}
        pain = sum(np.dot(bands[level], share[:, k]) for k, level in enumerate(("major", "minor")))
        limb_loss = sum(by.sum() for by in people.values())
        assert outcome.values["limb_loss"][i, 0] == pytest.approx(limb_loss, rel=1e-8)
        assert outcome.values["plp"][i, 0] == pytest.approx(pain, rel=1e-8)


def test_a_rate_of_major_losses_alone_has_no_minor_ones_and_fewer_people():
    major, both = (
        people_elsewhere(DRAWS, SCENARIO, rate, years=[2025, 2050]).values for rate in (MAJOR, BOTH)
    )

    assert np.all(major["limb_loss"] < both["limb_loss"])
    for bound in ("plp_major_only", "plp_all_alike"):
        np.testing.assert_allclose(major[bound], major["plp"], rtol=1e-12)
    assert np.all(both["plp_major_only"] < both["plp"])
    assert np.all(both["plp"] < both["plp_all_alike"])


def test_twice_the_rate_is_twice_the_people_and_the_year_of_the_rate_matters():
    def people(**changes):
        rate = dataclasses.replace(CANADA, **changes)
        return people_elsewhere(DRAWS, SCENARIO, rate, years=[2030]).values["limb_loss"]

    np.testing.assert_allclose(people(rates={"any": 2e-4}), 2 * people(rates={"any": 1e-4}))
    # The same printed rate of a younger population is a higher risk at each age.
    assert np.all(people(year=1990) > people(year=2015))


def test_the_table_says_what_each_rate_counts_beside_its_people():
    few = run(people_with_pain, SCENARIO, n_draws=32)
    table = other_countries(few, years=[2025, 2050])

    assert len(table) == 2 * len(published_rates())
    for name in ("per_1000", "limb_loss", "plp", "plp_major_only", "plp_all_alike"):
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[name] < table[f"{name}_high"]).all()
    np.testing.assert_allclose(table["per_1000"], 1000 * table["limb_loss"] / table["residents"])
    germany = table[table["label"] == BOTH.label].iloc[0]
    assert germany["rate"] == pytest.approx(24.2 + 67.1)
    assert germany["counted"].startswith("lower limb, major (16,452 operations")
    assert "minor (45,564 operations" in germany["counted"]
    drawn = people_elsewhere(few.draws, SCENARIO, BOTH, years=[2025]).values["plp"][:, 0]
    ends = germany[["plp", "plp_low", "plp_high"]].tolist()
    assert ends == pytest.approx(np.quantile(drawn, [0.5, 0.025, 0.975]))
    assert table["source"].str.len().gt(7).all()


@pytest.mark.parametrize(
    ("area", "reason"),
    [
        ("GBR", "of England and of ages 50 to 84 alone"),
        ("AUS", "Central Australia alone"),
        ("JPN", "of women alone"),
        ("WLD", "injuries alone"),
        ("IND", "no rate of amputations"),
        ("SWE", "a rate is printed, but its people and mortality are not"),
        ("FRA", "neither a rate nor its people and mortality"),
    ],
)
def test_a_country_whose_data_do_not_carry_a_count_is_refused_with_the_reason(area, reason):
    with pytest.raises(ValueError, match=f"area is '{area}': .*{reason}.*expected one of USA, CAN"):
        published_rates(area)


@pytest.mark.parametrize(
    "rates", [{}, {"toes": 1e-4}, {"any": 1e-4, "minor": 1e-4}, {"any": 0.0}, {"major": 24.2}]
)
def test_a_rate_of_ones_own_that_cannot_be_is_refused(rates):
    with pytest.raises(ValueError, match="of Canada, any level"):
        people_elsewhere(DRAWS, SCENARIO, dataclasses.replace(CANADA, rates=rates), years=[2025])


def test_the_people_of_other_countries_are_those_of_the_runs_own_folder(tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    scenario = read_scenario(choices={"first_year": 2025, "last_year": 2026}, folder=folder)
    ours = run(people_with_pain, scenario, n_draws=16)
    (folder / "population" / "un_population_1950_2060.csv.gz").unlink()

    with pytest.raises((ValueError, FileNotFoundError), match="un_population_1950_2060"):
        other_countries(ours, years=[2025])


def test_every_row_of_other_countries_is_of_its_own_rate_year_and_residents(monkeypatch):
    few, years, random = run(people_with_pain, SCENARIO, n_draws=2), [2025, 2050], {}
    names = ("limb_loss", "plp", "plp_major_only", "plp_all_alike")
    for at, rate in enumerate(published_rates()):
        values = np.random.default_rng(at).gamma(2.0, 1e5, size=(len(names), 64, len(years)))
        random[rate.label] = dict(zip(names, values, strict=True))
    monkeypatch.setattr(
        elsewhere,
        "people_elsewhere",
        lambda _, __, rate, *, years: Outcome(
            np.array(years), random[rate.label], np.zeros(len(years), dtype=bool)
        ),
    )
    table = other_countries(few, years=years).set_index(["label", "year"])

    for rate in published_rates():
        population = read_population(rate.area)
        for at, year in enumerate(years):
            row = table.loc[(rate.label, year)]
            residents = population.people[list(population.years).index(year)].sum()
            assert row["residents"] == pytest.approx(residents)
            assert row["rate"] == pytest.approx(100_000 * sum(rate.rates.values()))
            assert (row["area"], row["of_year"]) == (rate.area, rate.year)
            assert (row["seen"], row["source"]) == (rate.seen, rate.source)
            drawn = {name: random[rate.label][name][:, at] for name in names}
            drawn["per_1000"] = 1000 * drawn["limb_loss"] / residents
            for name, people in drawn.items():
                said = row[[name, f"{name}_low", f"{name}_high"]].astype(float).tolist()
                assert said == pytest.approx(np.percentile(people, [50, 2.5, 97.5]), rel=1e-9)
