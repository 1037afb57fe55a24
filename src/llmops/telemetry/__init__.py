"""Traces and metrics of a run for OpenTelemetry; nothing of it is loaded where none are wanted."""
