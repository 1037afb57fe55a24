"""From a project to a run: choose, plan, carry out, keep."""
