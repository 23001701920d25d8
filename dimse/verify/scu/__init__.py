"""The tester in the role of the acceptor: it judges SCUs.

- `tester`: a run. First comes the plain scenario, in which every answer of the tester is right; then come the cases.
- `peer`, `program`: the SCU under test, and its command.
- `visit`: one run of the SCU against a script. `dispatcher`: the choice of a visit for each connection.
- `service`: the plain acceptor. `reactions`: the actions of scripts. `outcomes`: the observations of cases.
- `cases`: the cases that need only `dimse`.
"""

from .cases import SCU_CASES
from .peer import ScuPeer, ScuTarget
from .program import Command, Ended, Program, split_command
from .service import Answer, EchoService, MakeService, Service
from .tester import PLAIN, verify_scu
from .visit import Exchange, Reaction, Table, Visit

__all__ = [
    "PLAIN",
    "SCU_CASES",
    "Answer",
    "Command",
    "EchoService",
    "Ended",
    "Exchange",
    "MakeService",
    "Program",
    "Reaction",
    "ScuPeer",
    "ScuTarget",
    "Service",
    "Table",
    "Visit",
    "split_command",
    "verify_scu",
]
