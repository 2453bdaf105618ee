"""A table that comes in with the draws of a run has their rows in their order, or is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from plcore.analysis import (
    Quantity,
    adoption_net_benefit,
    capacity_net_benefit,
    evppi_table,
    evsi,
    natural_improvement,
    prevalence_study,
    salib_outputs,
    salib_problem,
    simulate_trials,
    trial_power,
    trial_study,
)
from plcore.analysis.value import evppi
from plcore.inputs import require_same_rows
from plcore.models import people_with_pain, three_readings
from plcore.scenarios import read_scenario
from plcore.simulate import plain, run
from plcore.simulate.runs import Run

N = 256
RANDOM = np.random.default_rng(1)
DRAWS = pd.DataFrame(RANDOM.normal(size=(N, 3)), columns=["x", "y", "z"]).rename_axis("draw")
NET = pd.DataFrame({"as it is": 0.0, "adopt": DRAWS["x"] + DRAWS["y"] / 2})
SHARES = pd.DataFrame(RANDOM.uniform(0.2, 0.6, size=(N, 2)), columns=["treated", "control"])
PAIN = pd.DataFrame(
    {"mean": RANDOM.uniform(3, 5, N), "sd": 2.0, "retest": RANDOM.uniform(0.5, 0.9, N)}
)
SIZES = pd.Series(RANDOM.integers(50, 200, N))

#: Functions of tables with one row per draw; each of the tables alone may not be shuffled.
TABLES = {
    "evppi": (lambda net, known: evppi(net, known).value, NET, DRAWS[["x"]]),
    "evppi of an array": (lambda known: evppi(NET.to_numpy(), known).value, DRAWS[["x"]]),
    "evppi_table": (lambda net, draws: evppi_table(net, draws).to_numpy(), NET, DRAWS),
    "evppi_table of an array": (lambda draws: evppi_table(NET.to_numpy(), draws).to_numpy(), DRAWS),
    "evsi": (lambda net, found: evsi(net, found).value, NET, DRAWS[["y"]]),
    "capacity_net_benefit": (
        lambda people: capacity_net_benefit(people, [1, 2], empty_cost=1, turned_away_cost=2),
        np.exp(DRAWS["x"]),
    ),
    "adoption_net_benefit": (
        lambda treated, control, people: adoption_net_benefit(
            treated, control, margin=0.1, people=people
        ),
        SHARES["treated"], SHARES["control"], SIZES,
    ),
    "prevalence_study": (
        lambda share: prevalence_study(share, people=50, seed=1).to_numpy(), SHARES["treated"]
    ),
    "trial_study": (
        lambda treated, control: trial_study(
            treated, control, people_per_arm=50, seed=1
        ).to_numpy(),
        SHARES["treated"], SHARES["control"],
    ),
    "trial_power": (
        lambda treated, control, n: trial_power(treated, control, n, 100),
        SHARES["treated"], SHARES["control"], SIZES,
    ),
    "simulate_trials": (
        lambda treated, control: simulate_trials(
            treated, control, 50, 50, n_trials=N, seed=1
        ).estimate,
        SHARES["treated"], SHARES["control"],
    ),
    "natural_improvement": (
        lambda mean, sd, retest: natural_improvement(mean, sd, retest, lowest=4),
        PAIN["mean"], PAIN["sd"], PAIN["retest"],
    ),
}  # fmt: skip


def shuffled(table):
    return table.sample(frac=1, random_state=2)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_whose_rows_are_shuffled_is_refused(name):
    function, *tables = TABLES[name]
    function(*tables)
    for place in range(len(tables)):
        given = [shuffled(table) if at == place else table for at, table in enumerate(tables)]
        with pytest.raises(ValueError, match=r"has the rows .*, \.\.\.; expected those of"):
            function(*given)


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_other_draws_are_refused(name):
    """As many rows, but with the labels of the next draws."""
    function, *tables = TABLES[name]
    later = [table.set_axis(table.index + 1) for table in tables[-1:]]

    with pytest.raises(ValueError, match="has the rows 1, 2, 3, 4, 5"):
        function(*tables[:-1], *later)


def test_sorting_the_known_draws_is_refused_where_it_would_have_cost_nearly_all_of_the_value():
    right = evppi(NET, DRAWS[["x"]]).value
    wrong = evppi(NET.to_numpy(), DRAWS.sort_values("z")[["x"]].reset_index(drop=True)).value

    assert wrong < right / 20
    with pytest.raises(ValueError, match="in their order: 0, 1, 2, 3, 4"):
        evppi(NET.to_numpy(), DRAWS.sort_values("z")[["x"]])


def test_a_run_takes_no_draws_in_another_order():
    simulated = run(three_readings, read_scenario(), n_draws=64)
    for draws in (
        shuffled(simulated.draws), simulated.draws.iloc[::-1], simulated.draws.iloc[10:],
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"expected 0, 1, 2, \.\.\. in this order"):
            replace(simulated, draws=draws)
    assert isinstance(replace(simulated, seed=2), Run)


def test_columns_of_samples_in_another_order_are_refused():
    scenario = read_scenario(choices={"first_year": 2050, "last_year": 2050})
    names = ["plp_prevalence", "plp_prevalence_minor"]
    problem = salib_problem(scenario, parameters=names)
    rows = pd.DataFrame(np.random.default_rng(1).random((8, 2)), columns=problem["names"])
    right = salib_outputs(people_with_pain, scenario, Quantity("plp", 2050), problem, rows)

    plain_rows = rows.to_numpy()
    same = salib_outputs(people_with_pain, scenario, Quantity("plp", 2050), problem, plain_rows)
    assert np.array_equal(right, same)
    with pytest.raises(ValueError, match="expected the names of the problem in their order"):
        salib_outputs(
            people_with_pain, scenario, Quantity("plp", 2050), problem, rows[rows.columns[::-1]]
        )


def test_sobol_draws_of_several_parameters_are_refused_in_a_regression():
    simulated = run(three_readings, read_scenario(), n_draws=256)
    spread = simulated.draws.std()
    moving = spread.index[spread > 0][:3]
    independent = run(three_readings, read_scenario(), n_draws=256, sampler=plain)

    with pytest.raises(ValueError, match="expected plain draws"):
        evppi(NET.to_numpy(), simulated.draws[moving])
    assert evppi(NET.to_numpy(), independent.draws[moving]).value >= 0


def test_arrays_and_numbers_have_no_rows_to_compare():
    require_same_rows(a=np.ones(3), b=[1, 2, 3], c=pd.Series([1, 2, 3]), d=2.0)
