"""Solution 5."""

ACCEPTOR = [8, 8, 13, 1]
REQUESTOR = [7, 7, 0, 9, 13]
