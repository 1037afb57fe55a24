"""YAML in, domain values out, every complaint placed at line and column."""
