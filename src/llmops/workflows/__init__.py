"""What a user can do, step by step; connects the rooms below and decides nothing."""
