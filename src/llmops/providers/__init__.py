"""Providers: whatever turns messages into a completion."""
