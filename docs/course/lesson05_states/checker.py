"""Checks exercise 5: walks two cores through the steps."""

from collections.abc import Callable

from associations import AGREE, ASK
from exercises import Exercise, Wrong

from dimse import LocalProtocolError, UpperLayer
from dimse.message import CEchoRQ, encode_command
from dimse.uids import Verification
from dimse.ul import PDU, PDV, Abort, PDataTF, ReleaseRP, ReleaseRQ, encode_pdu

_DATA = PDataTF((PDV(1, encode_command(CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)), True, True),))
_Step = tuple[Callable[[UpperLayer], object], str]  # what happens, and the row of the table


def _local(pdu: PDU) -> Callable[[UpperLayer], object]:
    return lambda core: core.send(pdu)


def _arrives(pdu: PDU) -> Callable[[UpperLayer], object]:
    return lambda core: core.receive_data(b"".join(encode_pdu(pdu)))


_ACCEPTOR: list[_Step] = [
    (_arrives(ReleaseRQ()), "Evt12"),
    (_local(_DATA), "Evt9"),
    (_local(ReleaseRP()), "Evt14"),
    (UpperLayer.transport_closed, "Evt17"),
]
_REQUESTOR: list[_Step] = [
    (_local(ReleaseRQ()), "Evt11"),
    (_arrives(_DATA), "Evt10"),
    (_local(_DATA), "Evt9"),
    (_arrives(ReleaseRQ()), "Evt12"),
    (_local(Abort()), "Evt15"),
]


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    hint = "PS3.8 Table 9-10: the row is the event, the column the state; the cell names the action and the next state."
    acceptor = exercise.answers("ACCEPTOR", int, len(_ACCEPTOR), hint)
    requestor = exercise.answers("REQUESTOR", int, len(_REQUESTOR), hint)
    core = UpperLayer.acceptor()
    core.transport_connected()
    _arrives(ASK)(core)
    core.send(AGREE)
    _walk("ACCEPTOR", core, _ACCEPTOR, acceptor)
    core = UpperLayer.requestor()
    core.send(ASK)
    core.transport_connected()
    _arrives(AGREE)(core)
    _walk("REQUESTOR", core, _REQUESTOR, requestor)
    return "The side that requested release may receive, but no longer send; the other side may finish first."


def _walk(name: str, core: UpperLayer, steps: list[_Step], given: list[int]) -> None:
    for number, ((step, event), answer) in enumerate(zip(steps, given, strict=True), 1):
        before = core.state.name
        try:
            step(core)
            after = int(core.state.name.removeprefix("Sta"))
        except LocalProtocolError:
            after = 0
        if answer != after:
            what = "impossible" if answer == 0 else f"followed by Sta{answer}"
            words = f"step {number} of {name} is not {what}"
            raise Wrong(words, f"The step is {event}, and the state before it is {before}: find that cell.")
