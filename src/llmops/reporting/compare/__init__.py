"""A comparison of arms in, a report out: one format a module."""
