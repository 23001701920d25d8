"""A receiver yields complete messages and control PDUs in their order."""

import asyncio
from collections.abc import Iterator

import pytest
from pair import EXAMPLE

from dimse.errors import RemoteProtocolError
from dimse.limits import Limits
from dimse.message import CEchoRQ, Message, NSetRQ, encode_command
from dimse.net.agreement import Agreement
from dimse.net.fairness import Turns
from dimse.net.flow_control import FlowControl
from dimse.net.memory import Memory
from dimse.net.memory_budget import Account, MemoryBudget
from dimse.net.receiver import Receiver
from dimse.net.timers import Deadline, Timers
from dimse.ul import PDU, PDV, AssociateAC, AssociateRQ, PDataTF, ReleaseRQ

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2")
SET = NSetRQ(MessageID=2, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")
LIMITS = Limits()
RELEASE = ReleaseRQ()


def command(message: Message, context_id: int = 1) -> PDV:
    return PDV(context_id, encode_command(message), True, True)


def data(octets: bytes, *, is_last: bool) -> PDV:
    return PDV(1, octets, False, is_last)


class Receiving:
    """A receiver with an accepted context of id 1."""

    def __init__(self) -> None:
        timers = Timers()
        self.timer = Deadline(timers, 10, lambda: None)
        flow = FlowControl(Turns(), lambda: None, lambda: None, lambda _data: None)
        account = Account(MemoryBudget(LIMITS, 10), flow, lambda: None)
        memory = Memory(asyncio.get_running_loop())
        self.receiver = Receiver(LIMITS, self.timer, lambda _message: 0, account, memory)
        request, answer = EXAMPLE[AssociateRQ], EXAMPLE[AssociateAC]
        assert isinstance(request, AssociateRQ)
        assert isinstance(answer, AssociateAC)
        self.receiver.agreement = Agreement(request, answer, is_requestor=False)

    def receive(self, *pdus: PDU) -> list[Message | PDU]:
        return list(self.messages(*pdus))

    def messages(self, *pdus: PDU) -> Iterator[Message | PDU]:
        for received in self.receiver.receive(pdus):
            yield received[1] if isinstance(received, tuple) and not isinstance(received, PDataTF) else received


async def test_messages_and_control_pdus_keep_their_order() -> None:
    assert Receiving().receive(PDataTF((command(ECHO),)), RELEASE, PDataTF((command(ECHO),))) == [ECHO, RELEASE, ECHO]


async def test_one_pdu_may_complete_several_messages() -> None:
    assert Receiving().receive(PDataTF((command(ECHO), command(ECHO)))) == [ECHO, ECHO]


async def test_incomplete_message_is_midway() -> None:
    receiving = Receiving()
    assert receiving.receive(PDataTF((command(SET), data(b"ab", is_last=False)))) == []
    assert receiving.receiver.is_midway
    (message,) = receiving.receive(PDataTF((data(b"cd", is_last=False),)), PDataTF((data(b"ef", is_last=True),)))
    assert isinstance(message, NSetRQ)
    assert bytes(message.Data or b"") == b"abcdef"  # type: ignore[arg-type]  # one buffer
    assert not receiving.receiver.is_midway


async def test_time_passes_while_a_message_is_incomplete() -> None:
    receiving = Receiving()
    receiving.receive(PDataTF((command(SET),)))
    assert receiving.timer.is_running
    assert receiving.timer.since is not None
    receiving.receive(PDataTF((data(b"ab", is_last=True),)))
    assert receiving.timer.since is None


@pytest.mark.parametrize("incomplete", [1, 2])
async def test_incomplete_message_before_a_control_pdu_is_midway(incomplete: int) -> None:
    receiving = Receiving()
    pieces = [PDataTF((command(SET),)), PDataTF((data(b"ab", is_last=False),))][:incomplete]
    assert receiving.receive(*pieces, RELEASE) == [RELEASE]
    assert receiving.receiver.is_midway
    assert receiving.timer.since is not None


async def test_canceled_receiver_yields_no_more_messages() -> None:
    receiving = Receiving()
    messages = receiving.messages(PDataTF((command(ECHO), command(ECHO))), PDataTF((command(ECHO),)), RELEASE)
    assert next(messages) == ECHO
    receiving.receiver.cancel()
    assert list(messages) == [RELEASE]


async def test_canceled_receiver_takes_no_single_pdu() -> None:
    receiving = Receiving()
    receiving.receiver.cancel()
    assert receiving.receive(PDataTF((command(ECHO),))) == []


async def test_canceled_receiver_leaves_no_timer() -> None:
    receiving = Receiving()
    messages = receiving.messages(PDataTF((command(ECHO), command(SET))))
    next(messages)
    receiving.receiver.cancel()
    assert list(messages) == []
    assert not receiving.timer.is_running


async def test_unaccepted_context_raises() -> None:
    with pytest.raises(RemoteProtocolError, match="context 9 was not accepted"):
        Receiving().receive(PDataTF((command(ECHO, 9),)))
