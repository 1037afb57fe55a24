"""Keeping runs: files that only grow, a line a trial before it is shown, and their names."""
