"""A trace gets each PDU, message and step in order, without secrets."""

import asyncio
import logging

import pytest
from pair import EXAMPLE
from raw import ECHO, echo, raw_client

from dimse.errors import DecodeError
from dimse.message import CEchoRQ, CEchoRSP
from dimse.net import VERIFICATION, Record, connect, serve
from dimse.net.scu import c_echo
from dimse.net.trace import observer
from dimse.ul import PDV, AssociateAC, AssociateRQ, PDataTF, UserIdentityAC, UserIdentityRQ
from dimse.ul.provider import Transition


def kinds(records: list[Record]) -> list[str]:
    """Return the action of a transition, or the direction and the type of another record."""
    return [
        record.what.action
        if isinstance(record.what, Transition)
        else f"{record.direction} {type(record.what).__name__}"
        for record in records
    ]


async def test_echo_is_recorded_on_both_sides() -> None:
    requestor: list[Record] = []
    acceptor: list[Record] = []
    async with serve([VERIFICATION], port=0, trace=acceptor.append) as server:
        async with connect(server.host, server.port, ECHO, trace=requestor.append) as association:
            await c_echo(association)
            peer = association.transport.peer
    assert kinds(requestor) == [
        *("AE-1", "> AssociateRQ", "AE-2", "< AssociateAC", "AE-3"),
        *("> CEchoRQ", "> PDataTF", "DT-1", "< PDataTF", "DT-2", "< CEchoRSP"),
        *("> ReleaseRQ", "AR-1", "< ReleaseRP", "AR-3"),
    ]
    assert kinds(acceptor) == [
        *("AE-5", "< AssociateRQ", "AE-6", "> AssociateAC", "AE-7"),
        *("< PDataTF", "DT-2", "< CEchoRQ", "> CEchoRSP", "> PDataTF", "DT-1"),
        *("< ReleaseRQ", "AR-2", "> ReleaseRP", "AR-4", "AR-5"),
    ]
    assert {record.peer for record in requestor[2:]} == {peer}
    times = [record.time for record in requestor]
    assert times == sorted(times)


async def test_record_is_one_line_of_text() -> None:
    records: list[Record] = []
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO, trace=records.append) as association:
            await c_echo(association)
    lines = [str(record) for record in records]
    assert lines[4] == "= Sta5 Evt3 AE-3 Sta6"
    assert lines[1].startswith("> AssociateRQ(called_ae_title='ANY-SCP', calling_ae_title=")
    assert lines[6] == "> PDataTF(1 PDVs, 68 bytes)"
    assert lines[10].startswith("< CEchoRSP(MessageIDBeingRespondedTo=1, Status=0000H")


async def test_records_keep_their_payloads() -> None:
    """The read buffer of a PDU is used again."""
    records: list[Record] = []
    async with serve([VERIFICATION], port=0, trace=records.append) as server, raw_client(server) as raw:
        await raw.associate()
        for number in range(1, 4):
            raw.send(echo(number))
            await raw.receive()
    received = [record.what for record in records if record.direction == "<" and isinstance(record.what, PDataTF)]
    assert received == [echo(1), echo(2), echo(3)]


async def test_invalid_pdu_is_recorded_as_an_error() -> None:
    records: list[Record] = []
    async with serve([VERIFICATION], port=0, trace=records.append) as server, raw_client(server) as raw:
        await raw.associate()
        raw.writer.write(b"\x1b[2J")
        await raw.receive()
    errors = [record for record in records if isinstance(record.what, DecodeError)]
    assert [str(error) for error in errors] == ["< PDU-type: unrecognized PDU type 1BH (at byte 0) [PS3.8 §9.3]"]
    assert kinds(records)[kinds(records).index("< UnrecognizedPDU") + 1 :][:2] == ["> Abort", "AA-8"]


def test_line_of_an_error_is_escaped_once() -> None:
    error = DecodeError("got 'R\\xd6'\n, not \"A\"")
    assert str(Record(0.0, "peer", "<", error)) == "< got 'R\\xd6'\\n, not \"A\""


async def test_line_shows_no_secrets() -> None:
    rq = AssociateRQ(
        called_ae_title="A\x1b[31m",
        calling_ae_title="B",
        presentation_contexts=(),
        user_information=(UserIdentityRQ(2, True, b"doctor", b"secret"),),
    )
    ac = AssociateAC(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(),
        user_information=(UserIdentityAC(b"ticket"),),
    )
    data = PDataTF((PDV(1, b"Doe^Jane", False, True),))
    for what in (rq, ac, data):
        line = str(Record(0.0, "peer", "<", what))
        for secret in ("doctor", "secret", "ticket", "Doe", "\x1b"):
            assert secret not in line


async def test_failing_trace_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(record: Record) -> None:
        if isinstance(record.what, CEchoRSP):
            raise ValueError("a bug")

    async with serve([VERIFICATION], port=0, trace=broken) as server:
        async with connect(server.host, server.port, ECHO) as association:
            assert (await c_echo(association)).Status == 0
    assert [record.getMessage().partition(": ")[2] for record in caplog.records if record.exc_info] == [
        "a trace failed"
    ]


async def test_no_records_without_a_trace() -> None:
    assert observer(lambda: "peer", asyncio.get_running_loop().time, None) is None
    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        await raw.associate(EXAMPLE[AssociateRQ])
        (association,) = server.associations
        assert association.transport.core.observe is None


@pytest.mark.parametrize("floor", ["dimse.ul", "dimse.message"])
async def test_each_layer_has_a_logger(floor: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, floor)
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            await c_echo(association)
    assert {record.name for record in caplog.records if record.levelno == logging.DEBUG} == {floor}
    assert ("= Sta5 Evt3 AE-3 Sta6" in caplog.text) == (floor == "dimse.ul")
    assert (f"> {CEchoRQ.__name__}(" in caplog.text) == (floor == "dimse.message")
