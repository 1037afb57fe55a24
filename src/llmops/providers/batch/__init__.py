"""Batches of providers: many requests at once, answered within hours for about half the price."""
