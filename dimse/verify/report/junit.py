"""``junit.xml``: a suite for each category, a test case for each case."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ...errors import escaped
from ..case import category_of

__all__ = ["junit"]

Document = Mapping[str, Any]


def junit(document: Document, *, strict: bool = False) -> str:
    """Return the report as JUnit XML. FAIL and DAMAGED are failures; with ``strict``, WEAK is a failure, too.

    ERROR is an error. UNIMPLEMENTED, SKIPPED and INCONCLUSIVE count as skipped, each with its reason.
    """
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    ordered = sorted(document["cases"], key=lambda case: category_of(case["id"]))
    for name, group in groupby(ordered, key=lambda case: category_of(case["id"])):
        cases = [(case, _outcome(case, strict=strict)) for case in group]
        count = {kind: sum(outcome == kind for _, outcome in cases) for kind in ("failure", "error", "skipped")}
        seconds = sum(case["duration_ms"] for case, _ in cases) / 1000
        parts.append(
            f"  <testsuite name={_attribute(name)} tests={_attribute(len(cases))} "
            f"failures={_attribute(count['failure'])} errors={_attribute(count['error'])} "
            f"skipped={_attribute(count['skipped'])} time={_attribute(f'{seconds:.3f}')}>"
        )
        parts += [_case(case, outcome) for case, outcome in cases]
        parts.append("  </testsuite>")
    return "\n".join([*parts, "</testsuites>", ""])


def _outcome(case: Document, *, strict: bool) -> str:
    verdict = case["verdict"]
    if verdict == "ERROR":
        return "error"
    if case["damaged"] or verdict == "FAIL" or (strict and verdict == "WEAK"):
        return "failure"
    if verdict in ("UNIMPLEMENTED", "SKIPPED", "INCONCLUSIVE"):
        return "skipped"
    return "system-out" if verdict in ("WEAK", "NON-STRICT") else ""


def _case(case: Document, outcome: str) -> str:
    head = (
        f"    <testcase classname={_attribute(category_of(case['id']))} name={_attribute(case['id'])} "
        f"time={_attribute(_seconds(case))}"
    )
    said = f"{case['verdict']}: {case['reason']}"
    text = f"{case['title']} [{case['section']}]\n{said}\nexpected: {case['expected']['pass']}\n{case['reproduce']}"
    match outcome:
        case "failure" | "error":
            return f"{head}>\n      <{outcome} message={_attribute(said)}>{_text(text)}</{outcome}>\n    </testcase>"
        case "skipped":
            return f"{head}>\n      <skipped message={_attribute(said)}/>\n    </testcase>"
        case "system-out":
            return f"{head}>\n      <system-out>{_text(text)}</system-out>\n    </testcase>"
    return f"{head}/>"


def _attribute(value: object) -> str:
    return quoteattr(escaped(str(value)))


def _text(text: str) -> str:
    return escape("\n".join(map(escaped, text.splitlines())))


def _seconds(case: Document) -> str:
    return f"{case['duration_ms'] / 1000:.3f}"
