"""Exporters: prompts in, one text of another form out; one form a module."""
