"""Draws and a scenario in, an Outcome out."""
