"""Brings data that others made into the store, as dialogues or as seeds."""
