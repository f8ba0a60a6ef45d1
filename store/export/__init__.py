"""Draws a training set from the store by a mix: whole or absent, the same bytes for the same database and mix."""
