"""Judging later: files and stored dialogues by the current rules, policy and critics."""
