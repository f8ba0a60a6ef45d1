"""Leagues as they are stored: which runs belong together, and what came of each recipe, side by side."""
