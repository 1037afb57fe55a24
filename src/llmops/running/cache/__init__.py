"""Completions kept by request: in a file of the project, or on a Redis server."""
