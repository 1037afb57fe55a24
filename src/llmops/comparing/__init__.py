"""Two runs in, a comparison out: what changed, and how sure it is."""
