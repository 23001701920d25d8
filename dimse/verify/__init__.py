"""The conformance tester: cases with a section of the standard each, true verdicts, reports.

`verify_scp` runs cases against an SCP. It needs no print service of ours; `print_mgmt.verify` adds the cases of print.
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
