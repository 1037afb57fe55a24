"""A prompt and its inputs in, messages out."""
