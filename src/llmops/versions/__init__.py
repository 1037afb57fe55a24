"""Versions: a prompt at a git ref, what changed between two, and what a change can reach."""
