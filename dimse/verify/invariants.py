"""Invariants: cases that send nothing, and judge all PDUs that the peer sends in a run.

`Invariants` receives each PDU of the peer, on every connection. A rule of this module is a function of one PDU: it
returns `Kept`, `Deviated` or `Broken`, or None for a PDU that it does not judge. All other rules are in listeners, such
as `MessageRules`, which also get the octets that the tester sends.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import cut
from .case import Case, MakeListener
from .message_rules import MessageRules
from .observation import Broken, Deviated, Finding, Kept, shown_all
from .peer import Watch
from .result import Assertion, Result, SubResult
from .verdict import Column, Verdict, column_of, verdict_of

__all__ = ["Invariants"]

_REJECT, _ABORT = 0x03, 0x07
_FIXED_LENGTH = 4  # octets: the PDU-length of an A-ASSOCIATE-RJ and of an A-ABORT
_MAX_TEXTS = 5  # findings that a reason lists; the others are counted
_MAX_FINDINGS = 200  # different findings of one rule and kind that are kept: a peer can be wrong in endless ways
_MAX_TEXT = 300  # characters of a finding

# PS3.8 Table 9-21: for each source, the defined reasons, and the reserved ones
_REASONS = {1: {1, 2, 3, 7}, 2: {1, 2}, 3: {1, 2}}
_RESERVED_REASONS = {1: {4, 5, 6, 8, 9, 10}, 2: set[int](), 3: {0, 3, 4, 5, 6, 7}}
# PS3.8 Table 9-26: the defined reasons of the service-provider, and the reserved one
_ABORT_REASONS = {0, 1, 2, 4, 5, 6}
_RESERVED_ABORT_REASON = 3


def _rejection(pdu: bytes) -> Finding | None:
    if pdu[0] != _REJECT:
        return None
    if len(pdu) != 6 + _FIXED_LENGTH:
        return Broken(f"PDU-length {len(pdu) - 6}, not {_FIXED_LENGTH}")
    result, source, reason = pdu[7:10]
    text = f"RJ({result},{source},{reason})"
    if result in (1, 2) and reason in _REASONS.get(source, ()):
        return Kept(text)
    if result in (1, 2) and reason in _RESERVED_REASONS.get(source, ()):
        return Deviated(text)
    return Broken(text)


def _abort(pdu: bytes) -> Finding | None:
    if pdu[0] != _ABORT:
        return None
    if len(pdu) != 6 + _FIXED_LENGTH:
        return Broken(f"PDU-length {len(pdu) - 6}, not {_FIXED_LENGTH}")
    source, reason = pdu[8:10]
    text = f"ABORT({source},{reason})"
    if (source, reason) == (0, 0) or (source == 2 and reason in _ABORT_REASONS):
        return Kept(text)
    is_deviation = source == 0 or (source == 2 and reason == _RESERVED_ABORT_REASON)
    return Deviated(text) if is_deviation else Broken(text)


_RULES: dict[str, Callable[[bytes], Finding | None]] = {"UL-A-1.07": _rejection, "UL-A-1.08": _abort}


@dataclass(slots=True)
class _Findings:
    """The findings of one rule: how often each was made, and in which case it was made first."""

    counts: Counter[Finding] = field(default_factory=Counter)
    first: dict[Finding, str] = field(default_factory=dict)


class Invariants(Watch):
    """The observer that judges the traffic on all connections of a run."""

    def __init__(self, makers: Iterable[MakeListener] = ()) -> None:
        self._makers = tuple(dict.fromkeys((MessageRules, *makers)))
        self._seen: dict[str, _Findings] = {}

    def connected(self, case_id: str) -> tuple[Callable[[bytes], None], Callable[[bytes], None]]:
        listeners = [make(lambda rule_id, finding: self._note(rule_id, finding, case_id)) for make in self._makers]

        def sent(octets: bytes) -> None:
            for listener in listeners:
                listener.sent(octets)

        def received(pdu: bytes) -> None:
            for listener in listeners:
                listener.received(pdu)
            for rule_id, rule in _RULES.items():
                finding = rule(pdu)
                if finding is not None:
                    self._note(rule_id, finding, case_id)

        return sent, received

    def _note(self, rule_id: str, finding: Finding, case_id: str) -> None:
        seen = self._seen.setdefault(rule_id, _Findings())
        if finding.text is not None and len(finding.text) > _MAX_TEXT:
            finding = replace(finding, text=cut(finding.text, _MAX_TEXT))
        if finding not in seen.counts and sum(type(each) is type(finding) for each in seen.counts) >= _MAX_FINDINGS:
            return
        seen.counts[finding] += 1
        seen.first.setdefault(finding, case_id)

    def judge(self, case: Case) -> Result:
        """Return the result of an invariant, INCONCLUSIVE if the run had no traffic that the invariant judges."""
        seen = self._seen.get(case.id)
        if seen is None:
            return Result(case=case, verdict=Verdict.INCONCLUSIVE, reason="the peer sent nothing that this case judges")
        observed = tuple(seen.counts)
        columns = [column_of((finding,), case.passes, case.nonstrict, case.fails)[0] for finding in observed]
        worst = max(columns, key=(Column.PASSES, Column.NONSTRICT, Column.NONE, Column.FAILS).index)
        shown = [each for each, column in zip(observed, columns, strict=True) if column is worst]
        reason = "; ".join(_texts(seen, shown))
        verdict = verdict_of(case.level, worst)
        sub = SubResult(name="", verdict=verdict, expected=shown_all(case.passes), observed=tuple(shown), reason=reason)
        log = [_assertion(case, seen, each, column) for each, column in zip(observed, columns, strict=True)]
        return Result(case=case, verdict=verdict, reason=reason, subcases=(sub,), assertions=log)


def _assertion(case: Case, seen: _Findings, finding: Finding, column: Column) -> Assertion:
    """Return the line of the log for a finding."""
    return Assertion(
        seconds=0.0,
        subcase=0,
        due=shown_all(case.passes),
        seen=next(_texts(seen, [finding])),
        verdict=verdict_of(case.level, column),
    )


def _texts(seen: _Findings, shown: list[Finding]) -> Iterator[str]:
    for finding in shown[:_MAX_TEXTS]:
        count, first = seen.counts[finding], seen.first[finding]
        yield f"{finding} ({f'{count} times, first' if count > 1 else 'once,'} in {first})"
    if len(shown) > _MAX_TEXTS:
        yield f"and {len(shown) - _MAX_TEXTS} more"
