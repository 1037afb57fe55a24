"""What came of a command in, a report out: a folder or module a kind, each through its encoder."""
