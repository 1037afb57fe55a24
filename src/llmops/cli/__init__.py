"""The command line: one module a command; each parses, calls one workflow and says the result."""
