"""What the version that a prompt claims is held against: its content, a base and its history."""
