"""Checks exercise 10: sends the bytes to a peer."""

from associations import answer_of_peer
from exercises import Exercise, Wrong

from dimse.errors import DecodeError
from dimse.ul import Abort, decode_pdu

_HINTS = {
    "UNRECOGNIZED": "PS3.8 section 9.3.1 lists the PDU types. Which first byte is none of them?",
    "UNEXPECTED": "Which cells of Table 9-10 in the column Sta6 say AA-8?",
    "INVALID": "Which number inside a P-DATA-TF can contradict another one?",
}
_REASONS = {"UNRECOGNIZED": 1, "UNEXPECTED": 2, "INVALID": 6}


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    for name, reason in _REASONS.items():
        hint = _HINTS[name]
        data = exercise.answer(name, bytes, hint)
        if not data:
            raise Wrong(f"{name} has no answer yet", hint)
        _restrict(name, data)
        answer = answer_of_peer(data)
        if answer is None:
            raise Wrong(f"{name}: the peer answers nothing, and waits for more bytes", "Is the PDU-length right?")
        if answer != Abort(2, reason):
            raise Wrong(f"{name}: the peer answers {answer}, not Abort(source=2, reason={reason})", hint)
    return "A good peer answers wrong bytes with an A-ABORT that names the reason, and stays up."


def _restrict(name: str, data: bytes) -> None:
    """Raise `Wrong` for bytes that are not of the wanted kind."""
    if name == "INVALID" and data[0] != 0x04:
        raise Wrong("INVALID is not a P-DATA-TF", "Its first byte, the PDU type, is 04.")
    if name == "UNEXPECTED":
        if data[0] == 0x01:
            raise Wrong("UNEXPECTED is an A-ASSOCIATE-RQ", "Find another PDU that nobody expects in Sta6.")
        try:
            decode_pdu(data)
        except DecodeError as error:
            raise Wrong(f"UNEXPECTED is not a valid PDU: {error}", "Valid, but at the wrong time.") from error
