"""Scorers: what decides whether a completion meets an assertion."""
