"""Checks exercise 1: sends the PDU of the learner to a peer, and reads the answer."""

from associations import answer_of_peer
from exercises import Exercise, Wrong

from dimse.message import CEchoRQ, CEchoRSP, decode_command, encode_command
from dimse.uids import Verification
from dimse.ul import PDV, Abort, PDataTF, encode_pdu

_WANTED = 258
_HINT = "Find the element (0000,0110), Message ID: a tag of four bytes, a length of four, and then the value."


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    sent = exercise.octets("COMMAND", _HINT)
    if len(sent) != 80:
        raise Wrong(f"the PDU has {len(sent)} bytes instead of 80", "Change bytes; do not add or remove any.")
    answer = answer_of_peer(sent)
    if not isinstance(answer, PDataTF):
        words = "an A-ABORT" if isinstance(answer, Abort) else "nothing" if answer is None else type(answer).__name__
        raise Wrong(f"the peer answers {words} instead of a C-ECHO-RSP", "Compare each line with the original.")
    response = decode_command(answer.pdvs[0].data)[0]
    if not isinstance(response, CEchoRSP) or response.Status:
        raise Wrong(f"the peer answers {response}", "Only the Message ID changes.")
    number = response.MessageIDBeingRespondedTo
    if number == 1:
        raise Wrong("the peer still answers Message ID 1", _HINT)
    if number != _WANTED:
        raise Wrong(f"the peer answers Message ID {number} ({number:04X}H), not 258 (0102H)", "Which byte comes first?")
    changed = next((at for at, pair in enumerate(zip(sent, _request(), strict=True)) if pair[0] != pair[1]), None)
    if changed is not None:
        raise Wrong(
            f"byte {changed}, counted from 0, has changed too, though the peer tolerates it",
            "Only the Message ID changes.",
        )
    return "The peer answers Message ID 258: Command Sets are little endian, PDU headers are big endian."


def _request() -> bytes:
    """Return the PDU with the wanted Message ID."""
    command = encode_command(CEchoRQ(MessageID=_WANTED, AffectedSOPClassUID=Verification))
    return b"".join(encode_pdu(PDataTF((PDV(1, command, True, True),))))
