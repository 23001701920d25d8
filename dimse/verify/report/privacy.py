"""The data that a report leaves out: always the credentials of a peer, and in a redacted report also patient data.

A redacted report keeps verdicts, sections, statuses, times, lengths, and the octets of all known PDUs but P-DATA-TF. It
has no octets of messages, none of an association PDU that no table of the standard explains, and no text that may quote
a value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...explain.pdu import secret_places
from ..trace import TraceEntry

__all__ = ["Credentials", "redacted"]

_ASSOCIATES = (b"\1", b"\2")  # the types of A-ASSOCIATE-RQ and A-ASSOCIATE-AC
_HEADER = 6  # octets
_WITHOUT_MESSAGES = (1, 2, 3, 5, 6, 7)  # the known types of PDUs except P-DATA-TF
_HIDDEN = "hidden"
_MESSAGE = re.compile(r"(P-DATA-TF [0-9]+: \w+)\(.*", re.DOTALL)
_DATA_SET = re.compile(r"P-DATA-TF [0-9]+: [0-9]+ bytes of data set(?:, last)?")
_SAFE_NOTE = re.compile(
    r"connect(?:ion)? (?:to|from) .*|nothing within [0-9.]+ s|once more, .*|we send FIN"
    r"|we (?:reset|closed) the connection|the peer ended the connection: .*|judges the visit of the plain scenario"
    r"|the command (?:ended|was killed).*|TLSv1[.0-9]*, .*"
    r"|no connection to .*|the peer does not read: gave up after [0-9.]+ s"
    r"|[CN]-[A-Za-z -]+ of the plain scenario did not follow"
)
# Words without text from a peer: statuses, PDUs, times
_ONE_SEEN = (
    r"(?:RSP\([0-9A-F|*a-z]+\)|AC(?:\([0-9=*|, .]*\))?|RJ\([0-9*|,]*\)|ABORT\([0-9*|,]*\)|RP|CLOSED(?: \(reset\))?"
    r"|SILENCE(?: \(nothing within [0-9.]+ s\))?|PROBE (?:alive|dead|RJ)|A-RELEASE-RQ|A-ASSOCIATE-RQ|[CN]-[A-Z-]+-RQ"
    r"|crash(?: \(signal [0-9]+\))?|the command does not end(?: within [0-9.]+ s)?"
    r"|any other PDU|the rule is (?:kept|broken)|the peer deviates from the rule|exit status -?[0-9]+)"
)
# The end of a finding of an invariant: how often it was seen, and in which case first
_COUNTED = r"(?: \((?:once,|[0-9]+ times, first) in [A-Za-z0-9.-]+\))?"
_PUBLIC = re.compile(f"{_ONE_SEEN}(?:, {_ONE_SEEN})*{_COUNTED}")
_IN_OTHER_WORDS = {
    "PASS": "the rule is kept",
    "INFO": "seen, but its text is hidden",
    "NON-STRICT": "a deviation, whose text is hidden",
    "WEAK": "a weakness, whose text is hidden",
    "FAIL": "the rule is broken; the text is hidden",
}


class Credentials:
    """A filter that replaces user identities (PS3.7 D.3.3.7) by zeros, for the connections of one case.

    An identity stands in the first PDU of a peer: an A-ASSOCIATE-RQ, or an A-ASSOCIATE-AC with the answer. With
    ``only_known``, zeros also replace octets of these PDUs that no table of the standard explains.
    """

    def __init__(self, *, only_known: bool = False) -> None:
        self._only_known = only_known
        self._streams: dict[tuple[int, str], bytearray] = {}  # the start of each first PDU, up to the first gap
        self._lengths: dict[tuple[int, str], int] = {}  # octets so far, including those that are not kept
        self._is_lost: dict[tuple[int, str], bool] = {}  # after the first PDU: whether the rest may be an identity

    def hidden(self, entry: TraceEntry, octets: bytes) -> bytes:
        """Return the octets of an entry; zeros replace a user identity. Pass the entries in the order of the trace.

        Zeros also replace octets that may belong to an identity after a wrong length. After a gap of octets that the
        trace does not keep, the rest of the PDU is zeros.
        """
        key = (entry.connection, entry.direction)
        if key in self._is_lost:
            return bytes(len(octets)) if self._is_lost[key] else octets
        stream, start = self._streams.setdefault(key, bytearray()), self._lengths.get(key, 0)
        if start == len(stream):
            stream += octets
        if stream[:1] not in _ASSOCIATES:
            self._is_lost[key] = False
            return octets
        end = _HEADER + int.from_bytes(stream[2:_HEADER], "big")
        places = [*secret_places(bytes(stream[:end]), only_known=self._only_known), (len(stream), end)]
        found = bytearray(octets)
        for first, last in places:
            for at in range(max(first, start), min(last, start + len(octets))):
                found[at - start] = 0
        self._lengths[key] = start + max(entry.length, len(octets))
        if self._lengths[key] >= max(end, _HEADER):
            self._is_lost[key] = any(last > end for _, last in places)
        return bytes(found)


def redacted(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report without patient data."""
    run = {**report["run"], "stopped": report["run"]["stopped"].partition(":")[0]}
    peer = {**report["peer"], "printer": {}}
    return {**report, "run": run, "peer": peer, "cases": [_case(case) for case in report["cases"]]}


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    command = case["command"]
    return {
        **case,
        "reason": _reason(case),
        "observed": [_seen(each, case["verdict"]) for each in case["observed"]],
        "subcases": [
            {
                **sub,
                "observed": [_seen(each, sub["verdict"]) for each in sub["observed"]],
                "first_observed": list(map(_seen, sub["first_observed"])),
                "reason": _reason(sub),
            }
            for sub in case["subcases"]
        ],
        "assertions": [{**each, "seen": _seen(each["seen"], each["verdict"])} for each in case.get("assertions", ())],
        "trace": list(_entries(case["trace"])),
        "command": command and {**command, "argv": [*command["argv"][:1], _HIDDEN], "stderr_tail": _HIDDEN},
        "reproduce": case["reproduce"] if command is None else _HIDDEN,
    }


def _seen(text: str, verdict: str = "") -> str:
    """Return an observation; if it may contain text from the peer, return words for its verdict instead."""
    return text if _PUBLIC.fullmatch(text) else _IN_OTHER_WORDS.get(verdict, _HIDDEN)


def _reason(judged: Mapping[str, Any]) -> str:
    """Return the observations of a case or a sub-case, as `_seen` returns them, in place of the reason.

    Without observations, the reason is hidden; "" if there is none.
    """
    if judged["observed"]:
        return ", ".join(_seen(each, judged["verdict"]) for each in judged["observed"])
    return _HIDDEN if judged["reason"] else ""


def _entries(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    streams: dict[tuple[int, str], _Stream] = {}
    for entry in entries:
        stream = streams.setdefault((entry["connection"], entry["dir"]), _Stream())
        is_harmless = stream.add(bytes.fromhex(entry["hex"]), entry["length"])
        note = entry["note"]
        yield {
            **entry,
            "hex": entry["hex"] if is_harmless else "",
            "sha256": entry["sha256"] if is_harmless else "",
            "note": note if not note or _SAFE_NOTE.fullmatch(note) else _HIDDEN,
            "explained": list(map(_explained, entry["explained"])),
        }


class _Stream:
    """The octets of one side of a connection, cut into PDUs as they come."""

    def __init__(self) -> None:
        self._waiting = b""
        self._left = 0  # octets that the PDU under way still needs
        self._has_no_message = True  # whether the PDU under way is of one of `_WITHOUT_MESSAGES`
        self._is_lost = False  # whether octets are missing, so that no further header can be found

    def add(self, octets: bytes, length: int) -> bool:
        """Take the next octets. Return whether all of them are there and belong to PDUs without messages.

        ``length`` is the number of octets that were sent; ``octets`` may be fewer.
        """
        is_harmless = not self._is_lost and len(octets) == length
        self._is_lost |= len(octets) != length
        while octets and not self._is_lost:
            if self._left:
                is_harmless &= self._has_no_message
                taken = min(self._left, len(octets))
                self._left, octets = self._left - taken, octets[taken:]
                continue
            need = _HEADER - len(self._waiting)
            self._waiting, octets = self._waiting + octets[:need], octets[need:]
            self._has_no_message = self._waiting[0] in _WITHOUT_MESSAGES
            is_harmless &= self._has_no_message
            if len(self._waiting) == _HEADER:
                self._left = int.from_bytes(self._waiting[2:], "big")
                self._waiting = b""
        return is_harmless


def _explained(line: str) -> str:
    """Return an explained PDU without the parts that may quote a value."""
    if match := _MESSAGE.fullmatch(line):
        return match[1]
    if _DATA_SET.fullmatch(line) or line.startswith("A-"):
        return line.partition(" ! ")[0]
    return line.split(" ", 1)[0] if line.startswith("P-DATA-TF") else _HIDDEN
