"""The conformance tester: cases that each name a section of the standard, verdicts, and reports.

`verify_scp` runs cases against an SCP, `dimse.verify.scu.verify_scu` against an SCU. The cases in this package need
only `dimse`; `print_mgmt.verify` adds the cases of print.
"""

from .case import Case, Flags, Role, SubCase, Unprepared
from .cases import CASES
from .catalogue import catalogue
from .peer import Peer, Target
from .result import Options, Result, Run
from .runner import verify_scp
from .verdict import Close, Level, Verdict

__all__ = [
    "CASES",
    "Case",
    "Close",
    "Flags",
    "Level",
    "Options",
    "Peer",
    "Result",
    "Role",
    "Run",
    "SubCase",
    "Target",
    "Unprepared",
    "Verdict",
    "catalogue",
    "verify_scp",
]
