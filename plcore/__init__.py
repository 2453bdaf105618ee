"""The evidence on limb loss and phantom limb pain, turned into projections and their uncertainty.

Each module is imported by its name, in the direction in which data flows:

- `plcore.data`, `plcore.table`, `plcore.schema`: the tables of `data/`, checked and cited;
- `plcore.parameters`, `plcore.distributions`, `plcore.draws`: uncertain numbers and samples of them;
- `plcore.meta`, `plcore.prevalence`, `plcore.evidence`: studies pooled into parameters, and
  `plcore.spread`: why studies differ;
- `plcore.trials`, `plcore.treatments`: response rates, comparisons, power, simulated trials and
  courses of treatment, and what the trials of `data/` found;
- `plcore.scenarios`: what is chosen and what is believed;
- `plcore.population`: people and mortality by age, sex and year;
- `plcore.anchored`, `plcore.readings`: the published pair and its three readings;
- `plcore.incidence`, `plcore.cohort`, `plcore.limb_loss`, `plcore.projection`: people with limb
  loss from incidence, survival and population;
- `plcore.pain`: people with phantom limb pain among them, by kind of prevalence and severity;
- `plcore.catchment`: the same of the counties around a clinic;
- `plcore.demand`: who of those in pain would come to a clinic, and when;
- `plcore.clinic`: queues, days, courses, chairs and nurses of an infusion clinic, and its size;
- `plcore.simulate` (with `blocks`, `workers`, `cache`, `fingerprint`, `progress`, `threads`): a
  model over the draws of a scenario, on one process or many; `plcore.summary`, `plcore.precision`:
  its intervals and their Monte-Carlo error;
- `plcore.sensitivity`, `plcore.value`, `plcore.explain`: which input decides the answer, what it
  would be worth to know, and the way from a number back to its sources;
- `plcore.calibration`, `plcore.decomposition`, `plcore.validation`: draws brought into line with
  published counts, why the number changes, and how it fits what was not used;
- `plcore.audit`: the clinic pages' claims against their sources;
- `plcore.teaching`: numbers that only the teaching charts need;
- `plcore.charts`, `plcore.show`: charts and tables in notebooks;
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
    A row a draw, a column a parameter, as `plcore.draws.draw` gives them.
scenario : Scenario
    What is chosen and what is believed, as `plcore.scenarios.read_scenario` gives it.
"""

__version__ = "0.1.0"
