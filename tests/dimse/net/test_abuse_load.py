"""Peers that keep this side busy or fill its memory. The worst echo is recorded; its bounds are asserted."""

import asyncio
import dataclasses
import struct
from collections.abc import Callable, Iterator, Sequence

import pytest
from abuse import attacker, under_attack, waiting, watched
from pair import EXAMPLE
from raw import PRINT, SYNTAXES, echo, hosts_in_turn, until

from dimse.data import Dataset, encode, syntax_of
from dimse.limits import Limits, Timeouts
from dimse.message import STEP, NGetRQ, NSetRQ, NSetRSP, encode_command, fragment
from dimse.net import intake, transport
from dimse.net.association import Association
from dimse.uids import ImplicitVRLittleEndian
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextRQ,
    SOPClassCommonExtendedNegotiation,
    UpperLayer,
)

Tell = Callable[[str, object], None]

TIMEOUTS = Timeouts(idle=60)
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")
GET = NGetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3")
MIB = 1 << 20


def request(received: int = 0, contexts: int = 1, syntaxes: Sequence[str] = SYNTAXES) -> AssociateRQ:
    example = EXAMPLE[AssociateRQ]
    assert isinstance(example, AssociateRQ)
    return dataclasses.replace(
        example,
        presentation_contexts=tuple(
            PresentationContextRQ(2 * index + 1, PRINT, tuple(syntaxes)) for index in range(contexts)
        ),
        user_information=(MaximumLength(received),),
    )


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of PDVs that an association processes at once."""
    counts: list[int] = []
    on_pdus = Association._on_pdus

    def counted(association: Association, pdus: Sequence[PDU]) -> bool:
        counts.append(sum(len(pdu.pdvs) for pdu in pdus if isinstance(pdu, PDataTF)))
        return on_pdus(association, pdus)

    monkeypatch.setattr(Association, "_on_pdus", counted)
    return counts


def tiny_pdvs() -> bytes:
    one = struct.pack(">IBB", 3, 1, 0) + b"x"
    return struct.pack(">BxI", 4, 18_000 * len(one)) + one * 18_000


def tiny_pdus() -> bytes:
    return (struct.pack(">BxIIBB", 4, 7, 3, 1, 0) + b"x") * 18_000


@pytest.mark.parametrize("tiny", [tiny_pdvs(), tiny_pdus()], ids=["PDVs", "PDUs"])
async def test_tiny_fragments_are_processed_in_pieces(tiny: bytes, pieces: list[int], record_property: Tell) -> None:
    async with under_attack(timeouts=TIMEOUTS) as server, attacker(server) as raw, watched(server, record_property):
        await raw.associate(request())
        raw.send(PDataTF((PDV(1, encode_command(SET), True, True),)))
        raw.writer.write(bulk() + tiny * 4)
        raw.send(PDataTF((PDV(1, b"xx", False, True),)))
        await raw.hear()
    assert sum(pieces) > 4 * 18_000
    assert max(pieces) <= 3 * intake.PIECE


def bulk() -> bytes:
    """Return fragments after which this side reads a MiB at once."""
    return (struct.pack(">BxIIBB", 4, 65542, 65538, 1, 0) + bytes(65536)) * 64


async def test_packed_requests_are_processed_in_pieces(pieces: list[int], record_property: Tell) -> None:
    one = echo().pdvs[0]
    async with under_attack(timeouts=TIMEOUTS) as server, attacker(server) as raw, watched(server, record_property):
        await raw.associate()
        raw.send(PDataTF((one,) * 1500))
        for _ in range(1500):
            await raw.hear()
    assert max(pieces) <= 3 * intake.PIECE


async def test_tiny_pdus_are_sent_in_batches(monkeypatch: pytest.MonkeyPatch, record_property: Tell) -> None:
    sent: list[int] = []
    send_run = UpperLayer.send_run

    def counted(core: UpperLayer, pdus: Iterator[PDataTF], enough: int, most: int) -> bool:
        begun = len(sent)

        def noted() -> Iterator[PDataTF]:
            for pdu in pdus:
                sent[begun:] = [(sent[begun] if len(sent) > begun else 0) + 1]
                yield pdu

        return send_run(core, noted(), enough, most)

    monkeypatch.setattr(UpperLayer, "send_run", counted)
    async with under_attack(timeouts=TIMEOUTS) as server, attacker(server) as raw, watched(server, record_property):
        await raw.associate(request(received=8))
        raw.send(PDataTF((PDV(1, encode_command(GET), True, True),)))
        await raw.reader.readexactly(2 * MIB)
    assert max(sent) == transport._BATCH_PDUS


async def test_long_associate_rqs_wait_for_their_turn(record_property: Tell) -> None:
    syntaxes = [f"1.2.840.10008.1.2.{'1.' * 20}{index}" for index in range(64)]
    async with under_attack(timeouts=TIMEOUTS) as server, watched(server, record_property):
        waited = hosts_in_turn(server)
        for _ in range(3):
            async with attacker(server) as raw:
                raw.send(request(contexts=128, syntaxes=[*SYNTAXES, *syntaxes[1:]]))
                assert isinstance(await raw.receive(), AssociateAC)
        assert len(waited) >= 3


async def test_related_sop_classes_are_counted() -> None:
    many = SOPClassCommonExtendedNegotiation("1.2", "1.3", ("",) * 250)
    for items, answer in (((many,), AssociateAC), ((many, many), AssociateRJ)):
        async with under_attack() as server, attacker(server) as raw:
            raw.send(dataclasses.replace(request(), user_information=(MaximumLength(0), *items)))
            received = await raw.receive()
            assert isinstance(received, answer)
            if isinstance(received, AssociateRJ):
                assert received == AssociateRJ(1, 3, 2)


async def test_incomplete_messages_are_bounded_in_total(record_property: Tell) -> None:
    limits, most, sent = Limits(host_memory=8 * MIB), 0, 0
    async with under_attack(limits=limits, timeouts=TIMEOUTS) as server, watched(server, record_property):
        peers = [attacker(server) for _ in range(10)]
        raws = [await peer.__aenter__() for peer in peers]
        for raw in raws:
            await raw.associate(request())
            raw.send(PDataTF((PDV(1, encode_command(SET), True, True),)))
            raw.writer.write(bulk())  # 4 MiB of each, 40 MiB in all
        await until(lambda: waiting(server) >= 8)
        most = server.resources.budget.total
        for peer in peers:
            await peer.__aexit__(None, None, None)
        await until(lambda: server.resources.budget.total == 0)
    record_property("memory_per_byte_sent", most / (10 * 4 * MIB + sent))
    assert most <= 8 * MIB + 10 * STEP


async def test_slow_reader_of_a_message_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(transport, "monotonic", lambda: now)
    timeouts = Timeouts(message=10, idle=60, linger=0.05)
    async with under_attack(timeouts=timeouts) as server, attacker(server) as raw:
        await raw.associate(request())
        raw.send(PDataTF((PDV(1, encode_command(GET), True, True),)))
        while await raw.reader.read(1 << 16):
            now += 1  # a second for 64 KiB
        await until(lambda: server.admission.hits == {"message": 1})


async def test_64_large_images_of_one_host_are_all_received(record_property: Tell) -> None:
    """This is scaled down from 64 images of 40 MiB and the default limit."""
    image = encode(Dataset(PixelData=bytes(2 * MIB)), syntax_of(ImplicitVRLittleEndian))
    limits = Limits(host_memory=8 * MIB)
    async with under_attack(limits=limits, timeouts=TIMEOUTS) as server, watched(server, record_property):

        async def print_one() -> None:
            async with attacker(server) as raw:
                await raw.associate(request())
                raw.send(*fragment(1, encode_command(SET), image, 1 << 14))
                _, response = await raw.hear()
                assert isinstance(response, NSetRSP)
                assert response.Status == 0

        await asyncio.gather(*(print_one() for _ in range(64)))
        assert server.admission.hits == {}


async def test_abort_frees_memory() -> None:
    async with under_attack(timeouts=TIMEOUTS) as server, attacker(server) as raw:
        await raw.associate(request())
        raw.send(PDataTF((PDV(1, encode_command(SET), True, True),)))
        raw.writer.write(bulk())
        await until(lambda: server.resources.budget.total >= 2 * MIB)
        raw.send(Abort())
        await until(lambda: server.resources.budget.total == 0)
