"""The person in front: what is said to them, a pager, their keys, and the time."""
