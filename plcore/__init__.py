"""The evidence on limb loss and phantom limb pain, turned into projections and their uncertainty.

Each module is imported by its name, in the direction in which data flows:

- `plcore.evidence.data`, `plcore.evidence.table`, `plcore.evidence.schema`: the tables of `data/`, checked and cited;
- `plcore.evidence.parameters`, `plcore.evidence.distributions`, `plcore.simulate.draws`: uncertain numbers and samples of them;
- `plcore.evidence.pooling`, `plcore.evidence.prevalence`, `plcore.evidence.pooled`: studies pooled into parameters, and
  `plcore.evidence.spread`: why studies differ;
- `plcore.trials`, `plcore.evidence.treatments`: response rates, comparisons, power, simulated trials and
  courses of treatment, and what the trials of `data/` found;
- `plcore.scenarios`: what is chosen and what is believed;
- `plcore.evidence.population`: people and mortality by age, sex and year;
- `plcore.models.published`: the published pair and its three readings;
- `plcore.models.limb_loss`, `plcore.models.recursion`: people with limb loss from incidence,
  survival and population;
- `plcore.models.pain`: people with phantom limb pain among them, by kind of prevalence and severity;
- `plcore.clinic`: people around a clinic, patients who would come, and the days, chairs and nurses it needs;
- `plcore.simulate.runs`: a model over the draws of a scenario, on one process or many;
  `plcore.simulate.summary`: its intervals and their Monte-Carlo error; `plcore.threads`: linear
  algebra on one thread;
- `plcore.analysis`: which input decides the answer, what it would be worth to know, and the way from
  a number back to its sources;
- `plcore.simulate.fit`, `plcore.analysis.decomposition`, `plcore.analysis.validation`: draws brought into line with
  published counts, why the number changes, and how it fits what was not used;
- `plcore.evidence.claims`: the clinic pages' claims against their sources;
- `plcore.report.teaching`: numbers that only the teaching charts need;
- `plcore.charts`, `plcore.charts.show`: charts and tables in notebooks;
- `plcore.planner`: from a planner's settings to an answer, a workbook and the planner's page;
- `plcore.report`: pages, slides, figures and the reference of names.

`Array` and `Floats` in a signature are NumPy arrays of floating-point numbers. These parameters
mean the same in every function, and are described only here:

Parameters
----------
folder : Path
    Where the tables are read: the project's own `data/` unless given.
level : float
    What share of cases an interval is meant to cover, above 0 and below 1.
seed : int
    Where chance begins: the same seed gives the same draws. 0 is a seed.
draws : DataFrame
    A row a draw, a column a parameter, as `plcore.simulate.draws.draw` gives them.
scenario : Scenario
    What is chosen and what is believed, as `plcore.scenarios.read_scenario` gives it.
"""

__version__ = "0.1.0"
