"""Solution 2."""

RESULTS = [0, 0, 4, 3]
CONTEXT = 3  # the color Meta SOP Class; a film session has no context of its own
SOP_CLASS = "1.2.840.10008.5.1.1.1"  # Basic Film Session
