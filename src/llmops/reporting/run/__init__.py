"""A run in, a report out: one format a module."""
