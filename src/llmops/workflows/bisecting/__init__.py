"""The parts of a bisection: one case asked of many versions, and what the search came to."""
