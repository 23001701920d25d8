"""``report.json``: everything that a run has found out. ``schema.json`` beside this module is its JSON Schema.

Schema 1 may gain fields, but no field changes its meaning. Texts of the peer may have any characters; octets are
hexadecimal.
"""

import json
import platform
import shlex
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Protocol

from ...errors import cut
from ...version import __version__
from ..case import Case, Role
from ..catalogue import catalogue, catalogue_hash
from ..observation import shown_all
from ..result import Assertion, Options, Result, Run, SubResult
from ..trace import CaseTrace
from ..verdict import Verdict
from .privacy import Credentials, redacted

__all__ = ["SCHEMA", "Tested", "document", "schema", "verdict_counts"]

SCHEMA = "dimse-print/verify/1"
_MAX_SEEN = 500  # characters of ``seen`` in an assertion


class Tested(Protocol):
    """A target as a report describes it: `dimse.verify.Target` or `dimse.verify.scu.ScuTarget`."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def called(self) -> str: ...
    def settings(self) -> dict[str, object]:
        """Return the settings that a report lists among its options."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    loaded: dict[str, Any] = json.loads((files(__package__) / "schema.json").read_text())
    return loaded


def document(
    run: Run, target: Tested, options: Options, command: Sequence[str], role: Role = Role.SCP
) -> dict[str, Any]:
    """Return the report of a run; `Options.redact` keeps patient data out of it.

    ``command`` begins the command line that reproduces a case.
    """
    found = _document(run, target, options, command, role)
    return redacted(found) if options.redact else found


def _document(run: Run, target: Tested, options: Options, command: Sequence[str], role: Role) -> dict[str, Any]:
    facts = run.facts
    return {
        "schema": SCHEMA,
        "tool": {"name": "dimse-print", "version": __version__, "catalogue_sha256": catalogue_hash()},
        "run": {
            "role": role.value,
            "peer": f"{target.host}:{target.port}",
            "ae": target.called,
            "started": run.started,
            "duration_s": round(run.seconds, 3),
            "seed": options.seed,
            "options": _options(target, options),
            "host": platform.platform(),
            "python": platform.python_version(),
            "stopped": run.stopped,
        },
        "peer": {
            "ae": target.called,
            "implementation_class_uid": facts.implementation_class_uid,
            "implementation_version_name": facts.implementation_version_name,
            "max_length": facts.max_length,
            "flags": facts.flags.words(),
            "printer": dict(facts.printer),
            "claims": options.claimed(),
        },
        "films": run.films,
        "exit": run.exit_status(strict=options.strict),
        "conformant": run.is_conformant,
        "damaged": run.damaged,
        "counts": {verdict.value: count for verdict, count in run.counts().items()},
        "cases": [_case(result, command, options) for result in run.results],
        "measurements": [
            {"id": result.case.id, "name": name, "value": value, "unit": unit}
            for result in run.results
            for name, (value, unit) in result.measured.items()
        ],
    }


def _options(target: Tested, options: Options) -> dict[str, Any]:
    return {
        **target.settings(),
        "cases": list(options.cases),
        "exclude": list(options.exclude),
        "strict": options.strict,
        "gentle": options.gentle,
        "slow": options.slow,
        "max_films": options.max_films,
        "stop_after": options.stop_after,
        "jobs": options.jobs,
        "redacted": options.redact,
    }


def _case(result: Result, command: Sequence[str], options: Options) -> dict[str, Any]:
    case = result.case
    entry = catalogue().get(case.id)
    steps = "" if entry is None else entry.steps
    return {
        "id": case.id,
        "title": case.title,
        "level": case.level.value,
        "section": case.section,
        "verdict": result.verdict.value,
        "close": result.close.value if result.close else None,
        "damaged": result.is_damaged,
        "cosmetic": entry is not None and entry.is_cosmetic,
        "reason": result.reason,
        "steps": steps,
        "expected": _expected(case),
        "observed": [str(seen) for sub in result.subcases[:1] for seen in sub.observed],
        "duration_ms": round(result.seconds * 1000, 3),
        "subcases": [_subcase(sub) for sub in result.subcases],
        "assertions": [_assertion(each, result) for each in result.assertions],
        "trace": [] if result.trace is None else _trace(result.trace, only_known=options.redact),
        "trace_lost": 0 if result.trace is None else result.trace.lost,
        "command": None if result.command is None else result.command.fields(),
        "reproduce": shlex.join((*command, "--case", case.id, "--seed", str(options.seed))),
    }


def _expected(case: Case) -> dict[str, str]:
    sets = {"pass": case.passes, "nonstrict": case.nonstrict, "fail": case.fails}
    return {name: shown_all(outcomes) for name, outcomes in sets.items()}


def _subcase(sub: SubResult) -> dict[str, Any]:
    return {
        "name": sub.name,
        "verdict": sub.verdict.value,
        "expected": sub.expected,
        "observed": [str(seen) for seen in sub.observed],
        "reason": sub.reason,
        "first_observed": [str(seen) for seen in sub.first],
    }


def _assertion(assertion: Assertion, result: Result) -> dict[str, Any]:
    return {
        "t_ms": round(assertion.seconds * 1000, 3),
        "subcase": assertion.subcase,
        "section": result.case.section,
        "due": assertion.due,
        "seen": cut(assertion.seen, _MAX_SEEN),
        "verdict": assertion.verdict.value,
    }


def _trace(trace: CaseTrace, *, only_known: bool) -> list[dict[str, Any]]:
    credentials = Credentials(only_known=only_known)
    return [
        {
            "t_ms": round(entry.seconds * 1000, 3),
            "dir": entry.direction,
            "connection": entry.connection,
            "subcase": entry.subcase,
            "hex": (credentials.hidden(entry, entry.data) if entry.direction == "<" else entry.data).hex(),
            "length": entry.length,
            "sha256": entry.digest,
            "note": entry.note,
            "explained": lines,
        }
        for entry, lines in trace.explained()
    ]


def verdict_counts(counts: dict[Verdict, int]) -> str:
    """Return the counts in words, without zeros: ``12 PASS, 1 NON-STRICT``."""
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "no case"
