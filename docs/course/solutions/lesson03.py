"""Solution 3."""

CONTROL = [1, 3, 0, 0, 2]
