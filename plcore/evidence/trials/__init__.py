"""What trials found.

- `response`: response rates of one arm with their limits, and treatment against control in one trial;
- `contrasts`: comparisons of like trials pooled, each trial against its own control, and rates of
  one arm over like trials, from which no comparison follows;
- `treatments`: the trials of `data/` by treatment, as tables and forests.
"""
