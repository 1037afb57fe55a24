"""The parts of a diff: its two sides, and which hunks broke the cases that regressed."""
