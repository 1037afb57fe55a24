"""The parts of the gate: its base and policy, what it is held against, when it may end early."""
