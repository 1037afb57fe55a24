"""Version prompts in git and test them for regressions."""

__version__ = "0.1.0"
