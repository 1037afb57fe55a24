"""Trials asked in batches: sent once, polled until they have ended, then taken."""
