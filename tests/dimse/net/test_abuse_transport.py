"""Wrong PDUs and connections of a peer are answered according to PS3.8, and do not affect others."""

import asyncio
import dataclasses
import socket
import struct
import sys

import pytest
from abuse import attacker, under_attack
from pair import EXAMPLE, IMPLICIT_LE, VERIFICATION
from raw import PRINT, SYNTAXES, echo, p_data, until

from dimse.limits import Limits, Timeouts
from dimse.message import CEchoRSP, NGetRQ, decode_command
from dimse.uids import Verification
from dimse.ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UnknownItem,
    UserIdentityRQ,
    UserItem,
    encode_pdu,
)

pytestmark = pytest.mark.skips_waits

GET = NGetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3")


def request(**changes: object) -> AssociateRQ:
    example = EXAMPLE[AssociateRQ]
    assert isinstance(example, AssociateRQ)
    return dataclasses.replace(example, **changes)  # type: ignore[arg-type]  # fields of it


PRINTS = request(presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),))
WIRE = {kind: b"".join(encode_pdu(pdu)) for kind, pdu in EXAMPLE.items()}


# --- transport ---


async def test_silent_peer_is_closed_by_artim() -> None:
    async with under_attack() as server, attacker(server) as raw:
        assert await raw.receive() is None
    assert server.admission.hits == {"artim": 1}


async def test_slow_associate_rq_is_closed_by_artim() -> None:
    async with under_attack() as server, attacker(server) as raw:
        ended = asyncio.create_task(raw.receive())
        for octet in WIRE[AssociateRQ]:
            if ended.done():
                break
            raw.writer.write(bytes([octet]))
            await asyncio.wait({ended}, timeout=0.01)
        assert await ended is None


async def test_slow_pdu_is_aborted_at_its_deadline() -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.writer.write(b"\x04\0\0\1\0\0\0\0\xff\xfc\1\0")
        ended = asyncio.create_task(raw.receive())
        while not ended.done():
            raw.writer.write(b"\0")
            await asyncio.wait({ended}, timeout=0.01)
        assert ended.result() == Abort(0, 0)
    assert server.admission.hits == {"pdu": 1}


async def test_peer_that_stops_reading_is_closed() -> None:
    async with under_attack() as server, attacker(server) as raw:
        raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await raw.associate(PRINTS)
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed knows no ReadTransport here
        raw.send(p_data(GET))
        await until(lambda: server.admission.hits)
    assert server.admission.hits == {"write": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="another address of this machine is needed")
async def test_idle_connections_leave_room_for_other_hosts() -> None:
    limits = Limits(connections=60, host_connections=40)
    async with under_attack(limits=limits, timeouts=Timeouts(artim=60)) as server:
        many = [
            await asyncio.open_connection(*(server.host, server.port), local_addr=("127.0.0.2", 0)) for _ in range(100)
        ]
        await until(lambda: server.admission.hits["host_connections"] == 60)
        async with attacker(server) as neighbour:
            await neighbour.associate()
        for _, writer in many:
            writer.transport.abort()


async def test_reset_connections_leave_nothing() -> None:
    async with under_attack() as server:
        for number in range(300):
            async with attacker(server) as raw:
                linger = struct.pack("ii", 1, 0)  # a reset, not a FIN
                raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if number % 3 == 1:
                    raw.send(EXAMPLE[AssociateRQ])
                elif number % 3 == 2:
                    await raw.associate()


async def test_half_closed_connection_is_answered_and_closed() -> None:
    async with under_attack() as server, attacker(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        raw.writer.write_eof()
        assert isinstance(await raw.receive(), AssociateAC)
        await until(lambda: len(server.associations) == 1)


@pytest.mark.parametrize("said", range(5))
async def test_reset_in_each_state_leaves_nothing(said: int) -> None:
    """Sta2, Sta3 or 6, Sta6 with half a message, Sta6 with a response under way, Sta13."""
    async with under_attack() as server, attacker(server) as raw:
        linger = struct.pack("ii", 1, 0)
        raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        match said:
            case 0:
                raw.writer.write(WIRE[AssociateRQ][:50])
            case 1:
                raw.send(EXAMPLE[AssociateRQ])
            case 2:
                await raw.associate()
                raw.writer.write(WIRE[PDataTF][:-1])
            case 3:
                await raw.associate(PRINTS)
                raw.send(p_data(GET))
                await raw.receive()
            case _:
                raw.send(ReleaseRQ())
                assert await raw.receive() == Abort(0, 0)


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: printer\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # a TLS ClientHello
        b"\0\0\0\x85\xffSMBr\0\0\0\0\x18\x53\xc8" + bytes(100),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        bytes(range(8, 256)),
    ],
    ids=["http", "tls", "smb", "ssh", "random"],
)
async def test_other_protocol_is_aborted_at_its_first_byte(said: bytes) -> None:
    """Evt19 in Sta2: AA-1, whatever length it contains."""
    async with under_attack() as server, attacker(server) as raw:
        raw.writer.write(said)
        assert await raw.receive() == Abort(0, 0)


# --- PDUs ---


@pytest.mark.parametrize("kind", range(1, 8))
@pytest.mark.parametrize("length", [0, 1, 3, 67, 0xFFFFFFFF])
async def test_impossible_pdu_lengths_are_aborted(kind: int, length: int) -> None:
    """Evt19 in Sta6: AA-8, after the header or after the announced bytes."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.writer.write(struct.pack(">BxI", kind, length) + bytes(min(length, 67)))
        answer = await raw.receive()
        assert answer == Abort(2, 6)


@pytest.mark.parametrize(("said", "answer"), [(b"", Abort(0, 0)), (WIRE[AssociateRQ], Abort(2, 6))])
async def test_unannounced_pdu_length_is_aborted(said: bytes, answer: PDU) -> None:
    """A P-DATA-TF of 16 MiB before the association, and one to a server that announces no maximum."""
    length = 16 << 20
    async with under_attack(limits=Limits(max_pdu=0, data_set=length - 1)) as server, attacker(server) as raw:
        raw.writer.write(said)
        assert not said or isinstance(await raw.receive(), AssociateAC)
        raw.writer.write(struct.pack(">BxI", 4, length))
        assert await raw.receive() == answer


@pytest.mark.parametrize("kind", [0x00, 0x08, 0xFF])
async def test_unknown_pdu_type_is_aborted(kind: int) -> None:
    """All states are in tests/dimse/ul/test_provider.py; these are the three in which a peer can hold a server."""
    async with under_attack() as server:
        async with attacker(server) as raw:
            raw.writer.write(bytes([kind]))
            assert await raw.receive() == Abort(0, 0)  # Sta2: AA-1
        async with attacker(server) as raw:
            await raw.associate()
            raw.writer.write(bytes([kind]))
            assert await raw.receive() == Abort(2, 1)  # Sta6: AA-8
        async with attacker(server) as raw:
            await raw.associate()
            raw.send(ReleaseRQ())
            assert await raw.receive() == ReleaseRP()
            raw.writer.write(bytes([kind]))
            assert await raw.receive() == Abort(2, 1)  # Sta13: AA-7


@pytest.mark.parametrize("kind", [AssociateRQ, AssociateAC, AssociateRJ, ReleaseRP])
async def test_unexpected_pdu_in_sta6_aborts_the_association(kind: type[PDU]) -> None:
    """AA-8: unexpected-PDU."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(EXAMPLE[kind])
        assert await raw.receive() == Abort(2, 2)


@pytest.mark.parametrize("kind", [PDataTF, ReleaseRQ, ReleaseRP, AssociateAC, AssociateRJ])
async def test_unexpected_pdu_in_sta2_aborts_the_association(kind: type[PDU]) -> None:
    """AA-1 in Sta2: an abort of the service-user."""
    async with under_attack() as server, attacker(server) as raw:
        raw.send(EXAMPLE[kind])
        assert await raw.receive() == Abort(0, 0)


async def test_first_of_many_aborts_closes() -> None:
    """AA-2 and AA-3."""
    async with under_attack() as server:
        for _ in range(50):
            async with attacker(server) as raw:
                await raw.associate()
                raw.send(*[Abort(2, 0)] * 100)
                assert await raw.receive() is None


async def test_aborts_in_sta13_are_not_answered() -> None:
    async with under_attack() as server, attacker(server) as raw:
        raw.writer.write(b"\xff")
        assert await raw.receive() == Abort(0, 0)
        raw.send(Abort(2, 0))
        assert await raw.receive() is None


async def test_largest_associate_rq_is_accepted() -> None:
    syntaxes = (*(f"1.2.{number}" for number in range(63)), IMPLICIT_LE)
    contexts = tuple(PresentationContextRQ(number, VERIFICATION, syntaxes) for number in range(1, 256, 2))
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(presentation_contexts=contexts))
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert {(reply.result, reply.transfer_syntax) for reply in answer.presentation_contexts} == {(0, IMPLICIT_LE)}
        assert len(answer.presentation_contexts) == 128


async def test_association_without_contexts_is_released() -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(request(presentation_contexts=()))
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()


@pytest.mark.parametrize("ids", [(2,), (0,), (1, 1), (1, 3, 1)])
async def test_invalid_context_ids_are_aborted(ids: tuple[int, ...]) -> None:
    """PS3.8 §9.3.2.2; an invalid PDU in Sta2: AA-1."""
    contexts = tuple(PresentationContextRQ(number, VERIFICATION, (IMPLICIT_LE,)) for number in ids)
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(presentation_contexts=contexts))
        assert await raw.receive() == Abort(0, 0)


@pytest.mark.parametrize("change", [-1, 1, 0x7000], ids=["shorter", "longer", "much longer"])
@pytest.mark.parametrize("item", [b"\x10\0\0\x15", b"\x20\0\0\x2e", b"\x30\0\0\x11", b"\x50\0\0\x08", b"\x51\0\0\x04"])
async def test_items_beyond_their_parents_are_aborted(item: bytes, change: int) -> None:
    wire = bytearray(WIRE[AssociateRQ])
    at = wire.index(item) + 2
    wire[at : at + 2] = struct.pack(">H", int.from_bytes(wire[at : at + 2]) + change)
    async with under_attack() as server, attacker(server) as raw:
        raw.writer.write(wire)
        assert await raw.receive() == Abort(0, 0)


@pytest.mark.parametrize("uid", [b"1." * 500 + b"1", b"", b"1.2.3/../../x", b"1.2\0\0", b"%s%n", b"1..2"])
async def test_invalid_abstract_syntax_is_not_supported(uid: bytes) -> None:
    context = PresentationContextRQ(1, uid.decode(), (IMPLICIT_LE,))
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(presentation_contexts=(context,)))
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert [reply.result for reply in answer.presentation_contexts] == [ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED]


ZERO_WIDTH = b"\xe2\x80\x8b".decode("ascii", "surrogateescape")  # an invisible pasted space


@pytest.mark.parametrize(
    ("context", "result"),
    [
        (PresentationContextRQ(3, f"{Verification}{ZERO_WIDTH}", (IMPLICIT_LE,)), 3),
        (PresentationContextRQ(3, ZERO_WIDTH, (IMPLICIT_LE,)), 3),
        (PresentationContextRQ(3, Verification, (f"{IMPLICIT_LE}{ZERO_WIDTH}",)), 4),
    ],
)
async def test_non_ascii_uid_rejects_its_context(context: PresentationContextRQ, result: int) -> None:
    """PS3.8 §9.3.3.2: the other contexts are accepted."""
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(presentation_contexts=(PresentationContextRQ(1, Verification, (IMPLICIT_LE,)), context)))
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert [reply.result for reply in answer.presentation_contexts] == [0, result]


@pytest.mark.parametrize(
    "item",
    [
        ImplementationClassUID(f"1.2{ZERO_WIDTH}"),
        ImplementationVersionName(f"V{ZERO_WIDTH}1"),
        RoleSelection(f"1.2{ZERO_WIDTH}", True, False),
        SOPClassExtendedNegotiation(f"1.2{ZERO_WIDTH}", b""),
        SOPClassCommonExtendedNegotiation("1.2", f"1.2{ZERO_WIDTH}", (ZERO_WIDTH,)),
        UserIdentityRQ(1, True, "Grün".encode("latin-1")),
    ],
    ids=lambda item: type(item).__name__,
)
async def test_non_ascii_user_item_is_accepted(item: UserItem) -> None:
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(user_information=(MaximumLength(16384), item)))
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert [reply.result for reply in answer.presentation_contexts] == [0]


async def test_unknown_application_context_is_rejected() -> None:
    """PS3.8 Table 9-21: application-context-name-not-supported."""
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(application_context_name=f"1.2.840.10008.3.1.1.1{ZERO_WIDTH}"))
        assert await raw.receive() == AssociateRJ(1, 1, 2)


@pytest.mark.parametrize("called", [b"SCP".ljust(16, b"\0"), b"  SCP".ljust(16), b"\xd6 A\0".ljust(16), bytes(16)])
async def test_associate_ac_copies_octets_11_to_42(called: bytes) -> None:
    """PS3.8 Table 9-17."""
    octets = called + b"\0\0SCU".ljust(16, b"\0")
    async with under_attack() as server, attacker(server) as raw:
        raw.writer.write(WIRE[AssociateRQ][:10] + octets + WIRE[AssociateRQ][42:])
        answer = await raw.receive()
        assert answer is not None
        assert b"".join(encode_pdu(answer))[10:42] == octets


@pytest.mark.parametrize("title", [b"../../etc/passwd", b"A\\B", b"\x1b[2J\x07", b"\xc3\xa4\xff", bytes(16), b" " * 16])
async def test_ae_titles_are_echoed_and_escaped(title: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Lines of the log have no control characters."""
    caplog.set_level("INFO")
    wire = WIRE[AssociateRQ].replace(b"SCU".ljust(16), title.ljust(16))
    async with under_attack() as server, attacker(server) as raw:
        raw.writer.write(wire)
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC | AssociateRJ)
    assert "\x1b" not in caplog.text
    assert "\x07" not in caplog.text


@pytest.mark.parametrize("length", range(1, 8))
async def test_maximum_length_without_room_is_aborted(length: int) -> None:
    """PS3.8 Annex D.1: no message can be sent to such a peer, so its request is aborted."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(request(user_information=(MaximumLength(length),)))
        raw.send(echo())
        assert await raw.receive() == Abort(0, 0)


@pytest.mark.parametrize("length", [0, 8, 9, 0xFFFFFFFF])
async def test_smallest_and_no_maximum_length_are_served(length: int) -> None:
    """Annex E.1 allows fragments of two bytes and more."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(request(user_information=(MaximumLength(length),)))
        raw.send(echo())
        command = b""
        is_last = False
        while not is_last:
            answer = await raw.receive()
            assert isinstance(answer, PDataTF)
            (pdv,) = answer.pdvs
            assert 0 < len(pdv.data) <= (length - 6 if 0 < length < 100 else 200)
            command, is_last = command + bytes(pdv.data), pdv.is_last
        assert isinstance(decode_command(command)[0], CEchoRSP)


async def test_few_unknown_items_are_ignored() -> None:
    async with under_attack() as server:
        async with attacker(server) as raw:
            await raw.associate(request(user_information=(UnknownItem(0x7F, bytes(30_000)),)))
        async with attacker(server) as raw:
            raw.send(request(user_information=(UnknownItem(0x7F, bytes(60_000)),)))
            assert await raw.receive() == AssociateRJ(1, 3, 2)
        async with attacker(server) as raw:
            raw.send(request(unknown_items=(UnknownItem(0x60, b""),) * 5_000))
            assert await raw.receive() == AssociateRJ(1, 3, 2)
    assert server.admission.hits == {"user_item": 1, "user_items": 1}


async def test_identity_of_64_kib_is_rejected() -> None:
    async with under_attack() as server, attacker(server) as raw:
        raw.send(request(user_information=(UserIdentityRQ(3, True, bytes(65_000)),)))
        assert await raw.receive() == AssociateRJ(1, 3, 2)
