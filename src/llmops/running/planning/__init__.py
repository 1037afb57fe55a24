"""Planning: suites chosen, their cases and arms multiplied, every trial made ready and checked."""
