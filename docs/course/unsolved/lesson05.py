"""Exercise 5: walk through Table 9-10.

Write the number of the state after each step: 8 for Sta8. Write 0 if the step is impossible (the cell is blank), which
leaves the state as it was.

The acceptor of an association is in Sta6:

    1. the peer's A-RELEASE-RQ arrives
    2. its user sends a response that was still due (P-DATA request)
    3. its user agrees (A-RELEASE response)
    4. the transport connection closes
"""

ACCEPTOR = [..., ..., ..., ...]

# The requestor of another association is in Sta6:
#
#     1. its user wants to end (A-RELEASE request)
#     2. a P-DATA-TF arrives, which the peer had sent before
#     3. its user wants to send one more request (P-DATA request)
#     4. an A-RELEASE-RQ of the peer arrives: a collision
#     5. its user aborts (A-ABORT request)

REQUESTOR = [..., ..., ..., ..., ...]
