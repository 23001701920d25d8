"""Exercise 10: provoke three aborts.

Each PDU is sent on a new association, in Sta6. Make bytes to which the peer answers A-ABORT with source 2 and the given
reason (PS3.8 Table 9-26). Use `forge_pdu(kind, value)` and `forge_pdv(context_id, control, data)`; both take
``length=`` to write a wrong length.
"""

from dimse.ul.forge import forge_pdu, forge_pdv

UNRECOGNIZED = b""  # reason 1, unrecognized-PDU
UNEXPECTED = b""  # reason 2, unexpected-PDU; a valid PDU, but not an A-ASSOCIATE-RQ, which run.py has used
INVALID = b""  # reason 6, invalid-PDU-parameter value; a P-DATA-TF
