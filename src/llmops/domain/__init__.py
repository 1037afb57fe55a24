"""The nouns of llmops: plain frozen values that know of no file, no server and no screen."""
