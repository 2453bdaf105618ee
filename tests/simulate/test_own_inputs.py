"""What a user gives of their own is checked once, at the door, in words that say what is expected."""

import inspect
import re
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

from plcore import analysis, models, simulate
from plcore.analysis import Quantity, partial_rank_correlations, sobol_indices
from plcore.analysis.validation import predictable
from plcore.evidence import one_more_study, prevalence_studies
from plcore.evidence.observations import read_observations
from plcore.models import three_readings
from plcore.models.course import draw_chance
from plcore.models.outcome import Outcome
from plcore.scenarios import read_scenario
from plcore.simulate import plain, run, sobol
from plcore.simulate.draws import draw
from plcore.simulate.synthesis import read_posterior

SCENARIO = read_scenario(choices={"first_year": 2005, "last_year": 2006})
YEARS, MARKS = np.array([2005, 2006]), np.array([False, False])


def model(change):
    """A model whose outcome is right but for a change."""

    def own(draws, scenario):
        values = {"mine": np.ones((len(draws), 2))}
        given = {"years": YEARS, "values": values, "extrapolated": MARKS} | change(values["mine"])
        return Outcome(**given)

    return own


def mine(write):
    return lambda array: {"values": {"mine": write(array)}}


def with_one(number):
    def write(array):
        array[3, 1] = number
        return array

    return mine(write)


#: What a model of a user's own gives, and what is said of it.
OUTCOMES = [
    ("nothing", lambda draws, scenario: None, TypeError, "the model returned NoneType; expected an Outcome"),
    ("an array", lambda draws, scenario: np.ones((len(draws), 2)), TypeError, "returned ndarray; expected an Outcome"),
    ("a table", lambda draws, scenario: pd.DataFrame(), TypeError, "returned DataFrame; expected an Outcome"),
    ("a row too few", model(mine(lambda a: a[1:])), ValueError, r"mine has shape \(7, 2\); expected a row for each of the 8 draws"),
    ("years and draws swapped", model(mine(lambda a: a.T)), ValueError, r"shape \(2, 8\)"),
    ("one number a draw", model(mine(lambda a: a[:, 0])), ValueError, r"shape \(8,\)"),
    ("no numbers", model(mine(lambda a: a[:0])), ValueError, r"shape \(0, 2\)"),
    ("not a number", model(with_one(np.nan)), ValueError, "mine is nan in 2006 of draw 3; expected a finite number"),
    ("infinite", model(with_one(np.inf)), ValueError, "mine is inf in 2006 of draw 3"),
    ("complex", model(mine(lambda a: a * 1j)), TypeError, "mine is of complex128; expected an array of real numbers"),
    ("objects", model(mine(lambda a: a.astype(object))), TypeError, "mine is of object; expected an array of real"),
    ("texts", model(mine(lambda a: a.astype(str))), TypeError, "expected an array of real numbers"),
    ("true or false", model(mine(lambda a: a > 0)), TypeError, "mine is of bool; expected an array of real"),
    ("dates", model(mine(lambda a: a.astype("M8[s]"))), TypeError, "expected an array of real numbers"),
    ("a list", model(mine(lambda a: a.tolist())), TypeError, "mine is of list; expected an array of real"),
    ("a frame", model(mine(pd.DataFrame)), TypeError, "mine is of DataFrame; expected an array of real"),
    ("None among them", model(mine(lambda a: None)), TypeError, "mine is of NoneType; expected an array"),
    ("values without names", model(lambda a: {"values": a}), TypeError, "values of the outcome are a ndarray"),
    ("no values", model(lambda a: {"values": {}}), TypeError, "expected arrays by name"),
    ("years as texts", model(lambda a: {"years": np.array(["2005", "2006"])}), TypeError, "expected an array of whole numbers"),
    ("years with halves", model(lambda a: {"years": YEARS + 0.5}), TypeError, "expected an array of whole numbers"),
    ("years in a list", model(lambda a: {"years": [2005, 2006]}), TypeError, "expected an array of whole numbers"),
    ("years twice", model(lambda a: {"years": np.array([2005, 2005])}), ValueError, "expected each once, the earliest first"),
    ("years backwards", model(lambda a: {"years": YEARS[::-1]}), ValueError, "expected each once, the earliest first"),
    ("marks in a list", model(lambda a: {"extrapolated": [False, False]}), TypeError, "expected true or false for each"),
    ("masked numbers", model(mine(lambda a: np.ma.masked_array(a, a > 0))), TypeError, "mine is of MaskedArray; expected an array of real"),
    ("a matrix", model(mine(lambda a: a.view(np.matrix))), TypeError, "mine is of matrix; expected an array of real"),
    ("a number for a name", model(lambda a: {"values": {1: a}}), TypeError, "an outcome is called 1; expected a name"),
    ("no name", model(lambda a: {"values": {"": a}}), TypeError, "an outcome is called ''; expected a name"),
    ("no years", model(lambda a: {"years": None}), TypeError, "the years of the outcome are None"),
    ("marks of another length", model(lambda a: {"extrapolated": MARKS[:1]}), TypeError, "true or false for each of the 2"),
    ("no marks", model(lambda a: {"extrapolated": None}), TypeError, "extrapolated is None; expected true or"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "kind", "said"), [c[1:] for c in OUTCOMES], ids=[c[0] for c in OUTCOMES]
)
def test_what_a_model_of_ones_own_returns_is_checked_in_a_run_and_in_an_analysis(own, kind, said):
    with pytest.raises(kind, match=said) as error:
        run(own, SCENARIO, n_draws=8)
    assert type(error.value) is kind
    assert "baseline" in str(error.value)
    with pytest.raises(kind):
        sobol_indices(own, SCENARIO, Quantity("mine", 2006), n_base=64)


def test_a_model_that_is_right_and_one_that_gives_whole_numbers_are_taken():
    assert run(model(lambda a: {}), SCENARIO, n_draws=8).outcome.values["mine"].shape == (8, 2)
    whole = run(model(mine(lambda a: a.astype(int))), SCENARIO, n_draws=8)
    assert whole.outcome.values["mine"].sum() == 16


def test_an_error_inside_a_model_says_in_which_draws():
    def own(draws, scenario):
        return draws["no_such_parameter"]

    with pytest.raises(KeyError) as error:
        run(own, SCENARIO, n_draws=8)
    assert error.value.__notes__ == ["baseline: in draws 0 to 7"]


#: What is given to `run` in the place of an argument, and what is said of it.
ARGUMENTS = [
    ({"model": 3}, TypeError, "model is 3; expected a function of draws and a scenario"),
    ({"model": "three_readings"}, TypeError, "expected a function of draws and a scenario"),
    ({"scenario": "baseline"}, TypeError, "scenario is 'baseline'; expected what read_scenario"),
    ({"scenario": None}, TypeError, "scenario is None; expected what read_scenario"),
    ({"n_draws": 0}, ValueError, "n_draws is 0; expected 1 or more"),
    ({"n_draws": -8}, ValueError, "n_draws is -8; expected 1 or more"),
    ({"n_draws": 1}, ValueError, "n_draws is 1; expected an even number, as Sobol draws come in pairs"),
    ({"n_draws": 1001}, ValueError, "best a power of two such as 1024; with sampler=plain it may be any"),
    ({"n_draws": 8.0}, TypeError, "n_draws is 8.0; expected a whole number"),
    ({"n_draws": "8"}, TypeError, "n_draws is '8'; expected a whole number"),
    ({"n_draws": None}, TypeError, "n_draws is None; expected a whole number"),
    ({"n_draws": True}, TypeError, "n_draws is True; expected a whole number"),
    ({"seed": -1}, ValueError, "seed is -1; expected 0 or more"),
    ({"seed": 1.0}, TypeError, "seed is 1.0; expected a whole number, 0 or more"),
    ({"seed": None}, TypeError, "seed is None; expected a whole number, 0 or more"),
    ({"seed": "1"}, TypeError, "seed is '1'; expected a whole number"),
    ({"seed": np.nan}, TypeError, "seed is nan; expected a whole number"),
    ({"seed": [1, 2]}, TypeError, r"seed is \[1, 2\]; expected a whole number"),
    ({"block": 0}, ValueError, "block is 0; expected 1 or more"),
    ({"block": 2.5}, TypeError, "block is 2.5; expected a whole number"),
    ({"sampler": "sobol"}, TypeError, "sampler is 'sobol'; expected a function, such as sobol or plain"),
    ({"sampler": lambda names, n, seed: np.ones(n)}, ValueError, r"the sampler gave shape \(8,\); expected"),
    ({"sampler": lambda names, n, seed: np.full((n, len(names)), 2.0)}, ValueError, "probabilities from 0 to 1"),
    ({"sampler": lambda names, n, seed: np.full((n, len(names)), np.nan)}, ValueError, "probabilities from 0 to 1"),
    ({"executor": 4}, TypeError, "executor is 4; expected one of concurrent.futures"),
    ({"executor": object()}, TypeError, "expected one of concurrent.futures"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    ARGUMENTS,
    ids=[f"{n} {next(iter(c[0]))}" for n, c in enumerate(ARGUMENTS)],
)
def test_each_argument_of_a_run_is_checked(given, kind, said):
    with pytest.raises(kind, match=said) as error:
        run(**({"model": three_readings, "scenario": SCENARIO, "n_draws": 8} | given))
    assert type(error.value) is kind


@pytest.mark.parametrize("seed", [0, np.int64(3), np.uint8(3), 2**32, 10**40])
def test_a_seed_may_be_as_great_as_one_likes(seed):
    one, other = (run(three_readings, SCENARIO, n_draws=8, seed=seed) for _ in range(2))

    assert one.draws.equals(other.draws)


@pytest.mark.parametrize("n_draws", [1, 7, 1001])
def test_plain_draws_may_be_any_number(n_draws):
    assert len(run(three_readings, SCENARIO, n_draws=n_draws, sampler=plain).draws) == n_draws


class NoFunction:
    """A model that is an object, and cannot be sent to another process."""

    def __init__(self):
        self.lines = (line for line in "ab")

    def __call__(self, draws, scenario):
        return three_readings(draws, scenario)


@pytest.mark.parametrize(
    "own", [lambda draws, scenario: three_readings(draws, scenario), model(lambda a: {}), NoFunction()],
    ids=["lambda", "inner function", "object"],
)  # fmt: skip
def test_a_model_that_cannot_be_sent_to_a_process_pool_is_refused_before_any_work(own):
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(ValueError, match="cannot be sent to another process") as error,
    ):
        run(own, SCENARIO, n_draws=8, executor=pool)
    assert "stands at the top of a module" in str(error.value)


NAMES = ["one", "other"]
SHARES = np.full(200, 0.5)
#: Whatever else draws by chance, with all but its seed.
POSTERIOR = read_posterior().iloc[:8]
PREDICTED = predictable(read_observations()).head(3)
SEEDED = {
    "plain": lambda seed: plain(NAMES, 8, seed),
    "sobol": lambda seed: sobol(NAMES, 8, seed),
    "draw": lambda seed: draw(SCENARIO.parameters, 8, seed=seed),
    "run": lambda seed: run(three_readings, SCENARIO, n_draws=8, seed=seed),
    "draw_chance": lambda seed: draw_chance(8, 3, seed=seed),
    "predictive_checks": lambda seed: analysis.predictive_checks(POSTERIOR, PREDICTED, seed=seed),
    "prevalence_study": lambda seed: analysis.prevalence_study(SHARES, people=10, seed=seed),
    "trial_study": lambda seed: analysis.trial_study(SHARES, SHARES, people_per_arm=9, seed=seed),
    "simulate_trials": lambda seed: analysis.simulate_trials(0.5, 0.3, 9, 9, n_trials=9, seed=seed),
    "sobol_indices": lambda seed: sobol_indices(three_readings, SCENARIO, Quantity("limb_loss", 2006), n_base=64, seed=seed),
    "one_more_study": lambda seed: one_more_study(prevalence_studies("usa"), sizes=[10], tau_scale=1.0, n_replicates=2, seed=seed),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDED)
def test_no_seed_but_a_whole_number_is_taken_anywhere(name):
    for seed in (-1, 1.0, None, "1", True, [1]):
        kind = ValueError if seed == -1 else TypeError
        with pytest.raises(kind, match=r"^seed is .*; expected (a whole number, )?0 or more"):
            SEEDED[name](seed)


def test_every_function_of_analysis_with_a_seed_is_tried():
    seeded = {
        name for name in analysis.__all__
        if inspect.isfunction(getattr(analysis, name))
        and "seed" in inspect.signature(getattr(analysis, name)).parameters
    }  # fmt: skip

    assert seeded <= set(SEEDED)


@pytest.mark.parametrize("n", [0, -1, 2.0, None])
@pytest.mark.parametrize("sampler", [plain, sobol])
def test_a_sampler_takes_a_whole_number_of_rows(sampler, n):
    with pytest.raises((TypeError, ValueError), match=r"^n is .*; expected"):
        sampler(NAMES, n, 1)


@pytest.mark.parametrize("names", [[], "one", [1, 2]])
@pytest.mark.parametrize("sampler", [plain, sobol])
def test_a_sampler_takes_names(sampler, names):
    with pytest.raises(TypeError, match="expected a list of names of columns, at least one"):
        sampler(names, 8, 1)


def test_few_draws_are_refused_where_they_say_nothing():
    few = run(three_readings, SCENARIO, n_draws=2)

    with pytest.raises(ValueError, match="2 draws of"):
        partial_rank_correlations(few, Quantity("limb_loss", 2006))


def given():
    """Each public function of the rooms that a user's own inputs come in by."""
    for room in (analysis, models, simulate):
        for name in room.__all__:
            function = getattr(room, name)
            # Their arguments are checked one by one above.
            if inspect.isfunction(function) and name not in ("run", "plain", "sobol", "fisher"):
                yield pytest.param(function, id=name)


@pytest.mark.parametrize("function", list(given()))
def test_an_argument_of_another_kind_is_named_wherever_it_is_given(function):
    junk = object()
    for parameter in inspect.signature(function).parameters.values():
        several = parameter.kind is parameter.VAR_POSITIONAL
        call = partial(function, junk) if several else partial(function, **{parameter.name: junk})

        with pytest.raises(TypeError, match=rf"^{parameter.name} is <object .*; expected "):
            call()


FEW = [0.5, 0.4]
LIMB_LOSS = Quantity("limb_loss", 2006)
#: Numbers, lists and tables of the right kind that cannot be used, and what is said of them.
VALUES = [
    (lambda: analysis.sobol_indices("three_readings", SCENARIO, LIMB_LOSS), "model is 'three_readings'; expected a function"),
    (lambda: analysis.one_way(three_readings, "baseline", LIMB_LOSS), "scenario is 'baseline'; expected a Scenario"),
    (lambda: analysis.one_way(three_readings, SCENARIO, "limb_loss"), "quantity is 'limb_loss'; expected a Quantity"),
    (lambda: analysis.one_way(three_readings, SCENARIO, LIMB_LOSS, parameters="plp"), "parameters is 'plp'; expected a list"),
    (lambda: analysis.shapley_effects(run(three_readings, SCENARIO, n_draws=8), LIMB_LOSS, {"a": "plp"}), "groups['a'] is 'plp'; expected a list"),
    (lambda: analysis.threshold(three_readings, SCENARIO, LIMB_LOSS, "plp", "1"), "line is '1'; expected a number"),
    (lambda: analysis.two_way(three_readings, SCENARIO, LIMB_LOSS, "a", "b", steps=2.5), "steps is 2.5; expected a whole number"),
    (lambda: analysis.compare("runs", LIMB_LOSS), "runs is 'runs'; expected a list"),
    (lambda: analysis.compare([1, 2], LIMB_LOSS), "one of runs is 1; expected a Run"),
    (lambda: simulate.summarise(pd.DataFrame()), "expected a Run"),
    (lambda: analysis.evpi([["a", "b"]] * 100), "expected numbers"),
    (lambda: analysis.evpi(np.ones((100, 2)) * 1j), "expected numbers"),
    (lambda: analysis.prevalence_study(FEW, people=10.5, seed=1), "people is 10.5; expected a whole number"),
    (lambda: analysis.prevalence_study(FEW, people=10, seed=1, spread=np.inf), "spread is inf; expected 0 or more"),
    (lambda: analysis.trial_study(FEW, FEW, people_per_arm=np.nan, seed=1), "people_per_arm is nan; expected a whole number"),
    (lambda: analysis.adoption_net_benefit(FEW, FEW, margin=np.nan), "margin is nan; expected a finite number"),
    (lambda: analysis.adoption_net_benefit(FEW, FEW, margin=0.1, people=np.nan), "people is nan in draw 0; expected a finite"),
    (lambda: analysis.adoption_net_benefit(FEW, FEW, margin=0.1, people=-1), "expected a number of 0 or more"),
    (lambda: analysis.adoption_net_benefit(FEW, FEW, margin=0.1, people=[1, 2, 3]), "one for each of the 2 draws"),
    (lambda: analysis.capacity_net_benefit([1, np.inf], [1], empty_cost=1, turned_away_cost=1), "people is inf in draw 1; expected a finite"),
    (lambda: analysis.capacity_net_benefit([1], [np.nan], empty_cost=1, turned_away_cost=1), "one of capacities is nan; expected a finite"),
    (lambda: analysis.other_countries(run(three_readings, SCENARIO, n_draws=8), years="2025"), "years is '2025'; expected a list"),
    (lambda: one_more_study(prevalence_studies("usa"), sizes=[10.5], tau_scale=1.0), "one of sizes is 10.5; expected a whole number"),
    (lambda: one_more_study(prevalence_studies("usa"), sizes=[10], numbers=[0], tau_scale=1.0), "one of numbers is 0; expected 1 or more"),
    (lambda: one_more_study(prevalence_studies("usa"), sizes=[10], tau_scale=1.0, n_replicates=0), "n_replicates is 0; expected 2 or more"),
    (lambda: models.people_with_pain(POSTERIOR.iloc[:0], SCENARIO), "expected one draw or more"),
    (lambda: models.people_with_pain(POSTERIOR[["trauma_hazard_ratio"]], SCENARIO), "the draws have no column"),
    (lambda: models.people_with_pain(POSTERIOR.to_numpy(), SCENARIO), "expected a DataFrame"),
    (lambda: models.age_pyramid(POSTERIOR, SCENARIO, years=[2005], width=0), "width is 0; expected 1 or more"),
    (lambda: models.implications(POSTERIOR, population=-1.0), "population is -1; expected people, more than 0"),
    (lambda: models.infusion_days(2.5, 2.0), "n_infusions is 2.5; expected a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "said"), VALUES, ids=[f"{n} {c[1]}" for n, c in enumerate(VALUES)]
)
def test_what_cannot_be_used_is_named(call, said):
    with pytest.raises((TypeError, ValueError, KeyError), match=re.escape(said)):
        call()
