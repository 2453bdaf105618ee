"""The evidence on limb loss and phantom limb pain, turned into projections and their uncertainty.

Ten names start most work: `from plcore import load, scenario, run, summarise`. Each is a name of a
room below, in brackets, and is imported when it is first asked for:

- `load` a table of evidence (`evidence.read`): the claims, say, or the studies;
- `pool` studies of prevalence (`evidence.pool_prevalence`);
- `scenario`: what is chosen and believed (`scenarios.read_scenario`);
- `posterior`: the limb loss model's parameters after all observations
  (`simulate.synthesis.read_posterior`);
- `run` a model over the draws of a scenario (`simulate.run`);
- `summarise` runs: medians and intervals (`simulate.summarise`);
- `compare` scenarios draw by draw (`analysis.compare`);
- `plan` a clinic (`planner.answer`);
- `charts`: a table in, a figure out; `show` a chart or a table in a notebook (`charts.show`).

Rooms, in the direction in which data flows; each lists its public names:

- `plcore.evidence`: what is known: tables and their checks, sources, studies pooled, trials,
  populations;
- `plcore.scenarios`: what is chosen and what is believed;
- `plcore.models`: people with limb loss, people in pain, a course of treatment;
- `plcore.simulate`: draws, runs, the fit to published counts, intervals;
- `plcore.analysis`: which input decides the answer, what it is worth to know more, what a trial
  could show;
- `plcore.charts`: a table in, a figure out;
- `plcore.clinic`: the people around a clinic, their demand, its day and its size;
- `plcore.planner`: from a planner's settings to an answer, a workbook and a page;
- `plcore.report`: notebooks to pages, slides and figures.

Examples
--------
>>> from plcore import charts, compare, load, plan, pool, posterior, run, scenario, show, summarise

>>> claims = load("claims")
>>> sorted(claims["verdict"].unique())
['contradicted', 'misattributed', 'supported', 'unverifiable']
>>> studies = load("plp_prevalence_studies").query("pool == 'current' and include == 'yes'")
>>> pool(studies[studies["region"] == "usa"]).studies > 5
True
>>> posterior()["trauma_hazard_ratio"].size
4096

>>> from plcore.models import people_with_pain
>>> only_2050 = {"first_year": 2050, "last_year": 2050}
>>> base, held = (
...     run(people_with_pain, scenario(name, choices=only_2050), n_draws=64)
...     for name in ("baseline", "incidence_held")
... )
>>> table = summarise(base, held)
>>> table["outcome"].unique().tolist()[0]
'limb_loss'
>>> from plcore.analysis import Quantity
>>> compare([base, held], Quantity("plp", 2050))["scenario"].tolist()
['baseline', 'incidence_held']

>>> from plcore.planner import Settings
>>> plan(Settings(state="VT", n_years=1, draws=16, runs=1)).area.name
'Vermont'

>>> table = summarise(base, held).query("outcome == 'plp'")
>>> lines = table.rename(columns={"scenario": "label", "median": "value"})
>>> lines = lines[["label", "value"]].assign(low=table["low_95"], high=table["high_95"])
>>> figure = charts.bars(lines, title="In pain, 2050", xaxis="People", source="plcore")
>>> show(figure, name="pain", caption="Medians.", table=lines)  # doctest: +ELLIPSIS
{...In pain, 2050...}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plcore import charts as charts
    from plcore.analysis import compare as compare
    from plcore.charts import show as show
    from plcore.evidence import pool_prevalence as pool
    from plcore.evidence import read as load
    from plcore.planner import answer as plan
    from plcore.scenarios import read_scenario as scenario
    from plcore.simulate import run as run
    from plcore.simulate import summarise as summarise
    from plcore.simulate.synthesis import read_posterior as posterior

__version__ = "0.1.0"
__all__ = [
    "charts",
    "compare",
    "load",
    "plan",
    "pool",
    "posterior",
    "run",
    "scenario",
    "show",
    "summarise",
]

#: The module in which each of the ten names is found, and what it is called there.
_PLACES = {
    "charts": ("plcore.charts", ""),
    "compare": ("plcore.analysis", "compare"),
    "load": ("plcore.evidence", "read"),
    "plan": ("plcore.planner", "answer"),
    "pool": ("plcore.evidence", "pool_prevalence"),
    "posterior": ("plcore.simulate.synthesis", "read_posterior"),
    "run": ("plcore.simulate", "run"),
    "scenario": ("plcore.scenarios", "read_scenario"),
    "show": ("plcore.charts", "show"),
    "summarise": ("plcore.simulate", "summarise"),
}


def __getattr__(name: str) -> object:
    """One of the ten names, found in its room, so that importing the package loads no room."""
    if name not in _PLACES:
        raise AttributeError(f"module 'plcore' has no attribute {name!r}")
    module, inside = _PLACES[name]
    found: object = import_module(module)
    if inside:
        found = getattr(found, inside)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
