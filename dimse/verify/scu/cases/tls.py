"""TLS-2: an SCU's check of its printer's certificate, and its ClientHello."""

from collections.abc import Callable
from pathlib import Path

from ....errors import DecodeError
from ...case import Case, CaseRun, Flags, Role, SubCase, Unprepared
from ...observation import DEVIATED, RULE_BROKEN, RULE_KEPT, Broken, Deviated, Kept, Seen
from ...tls_material import server, untrusted_certificate
from ...verdict import Close, Level, Verdict
from ..client_hello import parse
from ..peer import ScuPeer

__all__ = ["TLS_2"]

_BCP_195 = ("B.9", "B.10", "B.12", "B.13")


def show_certificate(
    certificate: Callable[[ScuPeer], Path | None], option: str = "", *, may_be_pinned: bool = False
) -> CaseRun:
    """Return the run that shows the SCU a certificate that it should refuse.

    ``option`` is the option that gives the certificate, if any; the run is SKIPPED if ``certificate`` returns None,
    because the option is missing. With ``may_be_pinned``, an SCU that accepts the certificate is only `Deviated`: the
    SCU may have pinned this certificate.
    """

    async def run(peer: ScuPeer) -> Seen:
        path = certificate(peer)
        if path is None:
            raise Unprepared(f"needs {option}", Verdict.SKIPPED)
        visit = await peer.visit({}, tls=server(path))
        asked = sum(bool(wire.proposal_octets) for wire in visit.wires)
        if not asked:
            return Kept(f"no A-ASSOCIATE-RQ: {'; '.join(visit.refusals) or 'the connection ended'}")
        return Deviated("A-ASSOCIATE-RQ came") if may_be_pinned else Broken("A-ASSOCIATE-RQ came")

    return run


async def offer(peer: ScuPeer) -> Seen:
    visit = await peer.visit({}, reads_hello=True)
    try:
        hello = parse(visit.hello)
    except DecodeError as exc:
        raise Unprepared(str(exc)) from exc
    is_claimed = peer.options.claimed_tls_profile() in _BCP_195
    if not hello.is_modern or not hello.has_aead:
        lacks = "an AEAD suite with ephemeral keys" if hello.is_modern else "TLS 1.2 or 1.3"
        return Broken(f"{lacks} is not offered", is_claimed=is_claimed)
    if found := hello.forbidden():
        return Broken(f"offered: {', '.join(found)}")
    if any(hello.compressions):
        return Broken("compression is offered")
    if found := hello.outdated():
        return Deviated(f"also versions below TLS 1.2: {', '.join(found)}")
    return Kept(f"{len(hello.suites)} suites")


TLS_2: tuple[Case, ...] = (
    Case(
        id="TLS-2.01",
        title="The SCU checks the printer's certificate",
        section="PS3.15 B.9 (BCP 195: RFC 7525 §6.1)",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU | Flags.TLS,
        run=show_certificate(lambda _: untrusted_certificate()),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        subcases=(
            SubCase(name="expired", run=show_certificate(lambda peer: peer.target.files.expired, "--tls-expired")),
            SubCase(
                name="of another host",
                run=show_certificate(lambda peer: peer.target.files.other_host, "--tls-other-host", may_be_pinned=True),
            ),
        ),
        close=Close.NONE,
    ),
    Case(
        id="TLS-2.02",
        title="The TLS versions and cipher suites that the SCU offers",
        section="PS3.15 B.10; RFC 7525 §3.1.1, §4",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU | Flags.TLS,
        run=offer,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.EITHER,
    ),
)
