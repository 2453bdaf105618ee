"""The evidence on limb loss and phantom limb pain, turned into projections and their uncertainty.

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
"""

__version__ = "0.1.0"
