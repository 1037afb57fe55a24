"""A diff of two versions in, a report out: one format a module."""
