"""What a configuration names, opened: carriers of requests, and the cache."""
