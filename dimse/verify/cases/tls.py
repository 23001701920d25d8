"""TLS: versions and suites, client certificates, and connections that stop within a handshake or a record."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...message import NSetRQ, encode_command
from ...net.addresses import connection_reason, reach
from ...uids import BasicFilmBox, BasicGrayscalePrintManagementMeta, ImplicitVRLittleEndian
from ...ul import PDV, PDataTF
from ..case import Case, CaseRun, Flags, SubCase, Unprepared
from ..observation import (
    ALIVE,
    CLOSED,
    DEAD,
    DEVIATED,
    RELEASED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Accepted,
    Answered,
    Broken,
    Closed,
    Deviated,
    Ends,
    Garbled,
    Kept,
    Observation,
    Probed,
    Rejected,
    Seen,
    Silent,
    Then,
)
from ..peer import ECHO, Contexts, Peer
from ..tls_material import AEAD_OR_CBC, DHE, Tunnel, Version, client, hello, supports_version, untrusted_certificate
from ..verdict import Close, Level, Verdict
from ..wire import Wire
from .material import octets_of

__all__ = ["TLS"]

_HANGING = 8  # connections that stop within a handshake at the same time
_STRICT_PROFILES = ("B.10", "B.12", "B.13")  # these forbid TLS 1.1 and older
_BUSY = Probed("not alive while handshakes hang")

Make = Callable[[Peer], ssl.SSLContext]


def _ours(peer: Peer, **fields: object) -> ssl.SSLContext:
    """Return the context of a client with the certificate of the options."""
    given = peer.target.files
    return client(certificate=given.certificate, key=given.key, **fields)  # type: ignore[arg-type]  # keyword arguments of `client`


async def _converse(peer: Peer, wire: Wire) -> Observation:
    """Associate, send C-ECHO and release. Raises `Unprepared` if the peer rejects the association.

    Return the answers to C-ECHO and to the release, or the event that came instead. If the peer accepts the association
    without Verification, no C-ECHO is sent, and its answer counts as success.
    """
    wire.send(peer.request())
    answer = await wire.next(peer.target.preparation)
    if isinstance(answer, Rejected):
        raise Unprepared(f"the association was not accepted: {answer}")
    if not isinstance(answer, Accepted):
        return (answer,)
    heard = await peer.echo(wire) if 1 in wire.contexts else SUCCESS
    return (heard, await wire.release()) if isinstance(heard, Answered) else (heard,)


async def aead(peer: Peer) -> Observation:
    wire = await peer.secure(_ours(peer, maximum=Version.TLSv1_2))
    if isinstance(wire, Wire):
        return await _converse(peer, wire)
    other = await peer.secure(_ours(peer, maximum=Version.TLSv1_2, suites=AEAD_OR_CBC))
    await peer.dismiss()  # as in `offered`
    if isinstance(other, Wire):
        return (Deviated(f"no handshake without AES-CBC: {wire}"),)
    return (Broken(f"no handshake in TLS 1.2: {other}"),)


def offered(make: Make) -> CaseRun:
    """Return the run that does a handshake with the context of ``make``; a failed handshake is only `Deviated`."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.secure(make(peer))
        await peer.dismiss()  # without an association, there is no end to judge
        return Kept(wire.secured) if isinstance(wire, Wire) else Deviated(f"no handshake: {wire}")

    return run


def outdated(version: Version) -> CaseRun:
    """Return the run that offers only ``version``."""

    async def run(peer: Peer) -> Seen:
        if not supports_version(version):
            raise Unprepared(f"the OpenSSL of this Python no longer supports {version.name}", Verdict.SKIPPED)
        wire = await peer.secure(_ours(peer, minimum=version, maximum=version))
        if not isinstance(wire, Wire):
            return Kept(f"no handshake: {wire}")
        claim = peer.options.claimed_tls_profile()
        if claim in _STRICT_PROFILES:
            return Broken(f"{wire.secured}, though profile {claim} is claimed", is_claimed=True)
        return Deviated(wire.secured)

    return run


async def plain(peer: Peer) -> Seen:
    wire = await peer.connect(plain=True)
    wire.send(peer.request())
    return await wire.next()


def certified(certificate: Callable[[Peer], Path | None], option: str = "") -> CaseRun:
    """Return the run of a client whose certificate the peer should refuse.

    If ``certificate`` returns None, the client shows no certificate. But if ``option`` names the option that gives the
    certificate, None means that this option is missing, and the run is SKIPPED.
    """

    async def run(peer: Peer) -> Seen:
        shown = certificate(peer)
        if shown is None and option:
            raise Unprepared(f"needs {option}", Verdict.SKIPPED)
        wire = await peer.secure(client(certificate=shown))
        if not isinstance(wire, Wire):
            return Kept(f"no handshake: {wire}")
        wire.send(peer.request())  # in TLS 1.3 the client has finished before the server judges its certificate
        seen = await wire.next()
        return (
            Broken(str(seen)) if isinstance(seen, Accepted) else Kept(str(seen)) if isinstance(seen, Closed) else seen
        )

    return run


async def right_certificate(peer: Peer) -> Seen:
    wire = await peer.secure(_ours(peer))
    if not isinstance(wire, Wire):
        return Broken(f"no handshake with the right certificate: {wire}")
    found = await _converse(peer, wire)
    if isinstance(found[0], Closed) and wire.answer is None:  # the certificate was refused: late, as in TLS 1.3
        return Broken(f"no association with the right certificate: {found[0]}")
    return Kept(wire.secured) if found[-1] == RELEASED else found[-1]


async def hung_handshake(peer: Peer) -> Observation:
    octets = hello()
    wires = [await peer.connect(plain=True) for _ in range(_HANGING)]
    for wire in wires:
        wire.send(octets[: len(octets) // 2])
    meanwhile = await peer.probe(0)
    clock = asyncio.get_running_loop().time
    end = clock() + peer.target.slow_patience
    first = ALIVE if meanwhile == ALIVE else _BUSY
    for wire in wires:
        seen = await wire.next(max(end - clock(), 0.0))
        while seen.is_pdu:  # octets, such as a TLS alert
            seen = await wire.next(max(end - clock(), 0.0))
        if isinstance(seen, Silent):
            return (first, seen)
    return (first, CLOSED)


def cut_off(spoil: Callable[[bytes], bytes]) -> CaseRun:
    """Return the run that sends a spoiled record within an N-SET, and then FIN without close_notify."""

    async def run(peer: Peer) -> Seen:
        if Flags.GRAY_META in peer.flags:
            contexts: Contexts = {1: (BasicGrayscalePrintManagementMeta, (ImplicitVRLittleEndian,))}
        else:
            contexts = ECHO
        command = NSetRQ(
            MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=peer.random_uid(), Data=b""
        )
        tunnel = await _tunnel(peer)
        try:
            async with asyncio.timeout(peer.target.preparation):
                await tunnel.shake_hands()
                tunnel.send(octets_of(peer.request(contexts)))
                if (await tunnel.pdu())[0] != _ASSOCIATE_AC:
                    raise Unprepared("the association was not accepted")
                tunnel.send(octets_of(PDataTF((PDV(1, encode_command(command), True, True),))))
                record = tunnel.record(octets_of(PDataTF((PDV(1, bytes(2000), False, False),))))
                tunnel.send(b"", spoil(record))
                tunnel.end()
        except (OSError, EOFError, TimeoutError) as exc:
            raise Unprepared(f"no association over TLS: {str(exc) or 'timeout'}") from exc
        finally:
            tunnel.close()
        return await peer.probe()

    return run


_ASSOCIATE_AC = 0x02  # PDU type


async def _tunnel(peer: Peer) -> Tunnel:
    peer.trace.note(0, "on this connection, the case itself sends the TLS records")
    try:
        target = peer.target
        async with asyncio.timeout(target.preparation):
            reader = asyncio.StreamReader()
            make = partial(asyncio.StreamReaderProtocol, reader)
            to_reader = await reach(make, target.host, target.port, target.preparation)
            return Tunnel(reader, asyncio.StreamWriter(*to_reader, reader, asyncio.get_running_loop()), _ours(peer))
    except (OSError, TimeoutError) as exc:
        raise Unprepared(f"no connection to {peer.target.address}: {connection_reason(exc) or 'timeout'}") from exc


def _with_wrong_mac(record: bytes) -> bytes:
    return record[:-1] + bytes((record[-1] ^ 0xFF,))  # the last octet is part of the MAC


_TLS_1_1, _TLS_1_0 = Version.TLSv1_1, Version.TLSv1

TLS: tuple[Case, ...] = (
    Case(
        id="TLS-1.01",
        title="TLS 1.2 with an AEAD suite, and TLS 1.3",
        section="PS3.15 B.9, B.10 (BCP 195); RFC 7525 §3.1.1, §4.2",
        level=Level.MUST,
        needs=Flags.TLS,
        run=aead,
        passes=(Then(SUCCESS, RELEASED),),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, Ends(SILENCE)),
        subcases=tuple(
            SubCase(
                name=name, level=Level.INFO, run=offered(make), passes=(RULE_KEPT,), nonstrict=(DEVIATED,), fails=()
            )
            for name, make in (
                ("TLS 1.3", lambda peer: _ours(peer, minimum=Version.TLSv1_3)),
                ("DHE suites only", lambda peer: _ours(peer, maximum=Version.TLSv1_2, suites=DHE)),
                ("AES-CBC suites as well", lambda peer: _ours(peer, maximum=Version.TLSv1_2, suites=AEAD_OR_CBC)),
            )
        ),
    ),
    Case(
        id="TLS-1.02",
        title="Nothing below TLS 1.2",
        section="PS3.15 B.10 ('shall not negotiate TLS version 1.1 or 1.0'); RFC 7525 §3.1.1; RFC 8996",
        level=Level.SHOULD,
        needs=Flags.TLS,
        run=outdated(_TLS_1_1),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        subcases=(SubCase(name="TLS 1.0", run=outdated(_TLS_1_0)),),
        close=Close.NONE,
    ),
    Case(
        id="TLS-1.03",
        title="Plain DICOM on the TLS port",
        section="PS3.15 B.9 note (cleartext downgrade); PS3.8 §9.1",
        level=Level.SHOULD,
        needs=Flags.TLS,
        run=plain,
        passes=(CLOSED, Garbled()),
        nonstrict=(SILENCE,),
        fails=(Accepted(),),
        close=Close.NONE,
    ),
    Case(
        id="TLS-1.04",
        title="A client certificate is requested and checked",
        section="PS3.15 B.9 (authentication is a matter of configuration); --tls-cert",
        level=Level.SHOULD,
        needs=Flags.TLS | Flags.CLIENT_CERT,
        run=certified(lambda _: None),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        subcases=(
            SubCase(name="of another authority", run=certified(lambda _: untrusted_certificate())),
            SubCase(name="expired", run=certified(lambda peer: peer.target.files.expired, "--tls-expired")),
            SubCase(name="the right one", run=right_certificate),
        ),
    ),
    Case(
        id="TLS-1.05",
        title="A handshake that stops",
        section="PS3.8 §9.1.4 (ARTIM, by analogy)",
        level=Level.SHOULD,
        needs=Flags.TLS | Flags.SLOW,
        run=hung_handshake,
        passes=(Then(ALIVE, CLOSED),),
        nonstrict=(Then(_BUSY, CLOSED),),
        fails=(Ends(SILENCE),),
        close=Close.NONE,
        risky=True,
    ),
    Case(
        id="TLS-1.06",
        title="The connection ends inside a TLS record",
        section="PS3.15 B.9 (A-P-ABORT); PS3.8 §9.2.3 Evt17",
        level=Level.SHOULD,
        needs=Flags.TLS,
        run=cut_off(lambda record: record[: len(record) // 2]),
        passes=(ALIVE,),
        fails=(DEAD,),
        subcases=(SubCase(name="a record with a wrong MAC", run=cut_off(_with_wrong_mac)),),
        close=Close.NONE,
        risky=True,
    ),
)
