"""Runs that continue an earlier run: the new report has the cases of both."""

from collections.abc import Mapping
from typing import Any

from ..catalogue import catalogue
from ..verdict import Verdict

__all__ = ["joined", "judged_cases"]

_NOT_JUDGED = ("SKIPPED", "ERROR")  # cases with these verdicts run again


def judged_cases(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cases of a report that need not be run again, by id."""
    return {case["id"]: case for case in report["cases"] if case["verdict"] not in _NOT_JUDGED}


def joined(report: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``report`` together with the judged cases of ``earlier``, in the order of the catalogue."""
    new = {case["id"]: case for case in report["cases"]}
    places = {case_id: place for place, case_id in enumerate(catalogue())}
    cases = sorted((judged_cases(earlier) | new).values(), key=lambda case: places.get(case["id"], len(places)))
    failed = any(case["verdict"] == "FAIL" or case["damaged"] for case in cases)
    status = report["exit"] or (1 if failed else 0)
    return {
        **report,
        "cases": cases,
        "counts": {verdict.value: sum(case["verdict"] == verdict for case in cases) for verdict in Verdict},
        "damaged": sum(case["damaged"] for case in cases),
        "exit": status,
        "conformant": status == 0 and not report["run"]["stopped"],
    }
