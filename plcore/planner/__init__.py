"""From a planner's settings to people, patients, chairs and waiting: one call, or one command.

* `settings`: what a planner sets, saved and read again. `own_file`: own counts, from a spreadsheet.
* `answers`: what follows from it, the sizes of clinics compared, and the chain from people to chairs
  as a model.
* `decisions`: the numbers that a manager decides by, and their sentences. `gazetteer`: ZIP codes,
  cities, counties by name.
* `tables`: an answer as tables, and several answers side by side. `sentences`: in plain words.
  `sites`: several sites added up.
* `workbook`: the tables as an Excel workbook and CSV files. `command`: ``python3 run.py plan``.
* `page`: the planner's web page.
"""

from plcore.planner.answers import Answer, answer, chairs_filled, sizes
from plcore.planner.own_file import own_template, read_own
from plcore.planner.sentences import six_answers
from plcore.planner.settings import Settings, read_settings
from plcore.planner.tables import assumptions_table, key_figures, side_by_side

__all__ = [
    "Answer",
    "Settings",
    "answer",
    "assumptions_table",
    "chairs_filled",
    "key_figures",
    "own_template",
    "read_own",
    "read_settings",
    "side_by_side",
    "six_answers",
    "sizes",
]
