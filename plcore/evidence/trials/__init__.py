"""What trials found.

- `response`: response rates of one arm and their limits;
- `comparison`: treatment against control;
- `treatments`: the trials of `data/` by treatment, compared and pooled.
"""
