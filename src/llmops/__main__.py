"""`python -m llmops`."""

from llmops.cli.app import main

main()
