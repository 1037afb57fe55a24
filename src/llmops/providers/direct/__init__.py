"""The direct lane: two wire formats spoken without litellm, each answer as litellm would give it."""
