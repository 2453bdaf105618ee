"""Draws, runs over them, summaries, the fit to evidence."""
