"""Carrying out a plan: whom it asks and what it may spend, its recordings, batches and traces."""
