"""From a planner's settings to people, patients, chairs and waiting: one call, or one command.

* `settings`: what is settled, saved and reloaded. `answers`: what follows, chairs included.
* `model`: the chain from people to chairs as a model, for `plcore.simulate.runs` and sensitivity.
* `tables`: the answer as tables, and several answers side by side. `sentences`: in plain words.
* `workbook`: the tables as an Excel workbook and CSV files. `command`: ``run.py plan``.
* `page`: the planner's web page, which looks up what was computed here.
"""

from plcore.planner.answers import Answer, Patients, answer, patients_expected, sizes
from plcore.planner.model import chairs_filled
from plcore.planner.sentences import in_sentences
from plcore.planner.settings import RETURNS, Settings, read_settings, settings_from, settings_text
from plcore.planner.tables import (
    answer_tables,
    assumptions_table,
    key_figures,
    settings_table,
    side_by_side,
)

__all__ = [
    "RETURNS",
    "Answer",
    "Patients",
    "Settings",
    "answer",
    "answer_tables",
    "assumptions_table",
    "chairs_filled",
    "in_sentences",
    "key_figures",
    "patients_expected",
    "read_settings",
    "settings_from",
    "settings_table",
    "settings_text",
    "side_by_side",
    "sizes",
]
