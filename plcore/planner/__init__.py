"""From a planner's settings to people, patients, chairs and waiting: one call, or one command.

* `settings`: what is settled, saved and reloaded. `answer`: what follows.
* `tables`: the answer as tables, and several answers side by side.
* `workbook`: the tables as an Excel workbook and CSV files. `command`: ``run.py plan``.
* `page`: the planner's web page, which looks up what was computed here.
"""
