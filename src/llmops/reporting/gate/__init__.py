"""The gate's verdict in, a report out: one format a module."""
