"""Solution 8."""

P_VALUES = [255, 191, 64, 0]
PIXEL = "e8 03"
