"""Reports of a run: JSON, JUnit, a page, a badge; baselines and differences."""

from .badge import badge
from .baseline import Change, baseline, changes, check_baseline, regressions
from .check import check_report
from .document import SCHEMA, document, schema
from .junit import junit
from .page import page
from .resume import joined, judged_cases

__all__ = [
    "SCHEMA",
    "Change",
    "badge",
    "baseline",
    "changes",
    "check_baseline",
    "check_report",
    "document",
    "joined",
    "judged_cases",
    "junit",
    "page",
    "regressions",
    "schema",
]
