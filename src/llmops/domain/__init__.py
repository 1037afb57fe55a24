"""The nouns of llmops: plain frozen values that need nothing but the standard library."""
