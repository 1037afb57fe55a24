"""Searches that ask as little as they can: for the version that broke a case, for the hunks."""
