"""Comparing models: the same questions and the same clients for each, judged blind and laid side by side."""
