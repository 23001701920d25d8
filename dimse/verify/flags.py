"""The capabilities of the peer. The tester finds them out with at most four associations, after the sanity case.

No film is printed for this.

Some cases do little but wait for time limits of the peer. If there are at least two of them, `serves_at_once` then
opens many associations, to learn whether these cases may run at the same time as the others.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace

from ..errors import DecodeError
from ..message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ
from ..uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicFilmSession,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrinterInstance,
    PrintJob,
    Verification,
)
from ..ul import ImplementationClassUID, ImplementationVersionName
from .case import Case, Flags, Unprepared, category_of
from .observation import SUCCESS, WARNING, Accepted, Answered, Rejected, matches
from .peer import BOTH_SYNTAXES, Peer, Target, Watch
from .result import Options, PeerFacts, Result
from .trace import CaseTrace
from .verdict import Verdict
from .wire import Wire

__all__ = ["JUDGED_MAXIMA", "find_facts", "result_without_run", "serves_at_once"]

_CLASSES = {  # by context id: the abstract syntax, and the flag of a peer that accepts it
    1: (Verification, Flags.ECHO),
    3: (BasicGrayscalePrintManagementMeta, Flags.GRAY_META),
    5: (BasicColorPrintManagementMeta, Flags.COLOR_META),
    7: (PresentationLUT, Flags.PLUT),
    9: (BasicAnnotationBox, Flags.ANNOTATION),
    11: (PrintJob, Flags.JOBS),
    13: (PrinterConfigurationRetrieval, Flags.CONFIG),
}
JUDGED_MAXIMA = range(1, (4 << 20) + 1)  # octets: cases exceed the peer's Maximum Length only if it is at most 4 MiB
_SESSION_WITHOUT_FILM = 0xC600
_PREPARATIONS = 10  # `find_facts` may take this many times as long as `Target.preparation`

# A case that needs a flag which the peer lacks is SKIPPED if the flag is one of these, and otherwise UNIMPLEMENTED
_SKIPPED_WITHOUT = (
    Flags.TLS
    | Flags.CLIENT_CERT
    | Flags.FILM
    | Flags.FILM2
    | Flags.CLAIMS
    | Flags.EVENT_HOOK
    | Flags.SLOW
    | Flags.COMMAND
    | Flags.CHECKS_CALLED
    | Flags.MAX_LENGTH
    | Flags.TWO_ASSOC
    | Flags.SESSION_ACTION
)

_IN_WORDS = {  # each flag as the object of "needs", or of "the peer lacks"
    Flags.ECHO: "Verification",
    Flags.PRINT: "print",
    Flags.GRAY_META: "grayscale print",
    Flags.COLOR_META: "color print",
    Flags.PLUT: "Presentation LUT",
    Flags.ANNOTATION: "annotation boxes",
    Flags.JOBS: "Print Job",
    Flags.CONFIG: "Printer Configuration Retrieval",
    Flags.EXPLICIT_LE: "Explicit VR Little Endian",
    Flags.MAX_LENGTH: "a Maximum Length of 1 octet to 4 MiB",
    Flags.TWO_ASSOC: "two associations at the same time",
    Flags.CHECKS_CALLED: "a peer that rejects an unknown called AE title",
    Flags.SESSION_ACTION: "N-ACTION of a film session (--no-film leaves it out)",
    Flags.FILM: "--max-films without --no-film",
    Flags.FILM2: "--max-films 2 without --no-film",
    Flags.CLIENT_CERT: "--tls-cert",
    Flags.TLS: "TLS",
    Flags.CLAIMS: "--claims",
    Flags.EVENT_HOOK: "--event-command",
    Flags.SLOW: "slow cases (--no-slow and --gentle leave them out)",
    Flags.SCU: "an SCU",
    Flags.SCU_PRINT: "print",
    Flags.SCU_COLOR: "color print",
    Flags.SCU_JOBS: "Print Job",
    Flags.COMMAND: "--command",
}


def result_without_run(case: Case, options: Options, flags: Flags, tested: str) -> Result | None:
    """Return the result of a case that is left out, SKIPPED or UNIMPLEMENTED; None if the case is to run.

    ``tested`` is "peer" or "SCU".
    """
    if options.gentle and (case.risky or category_of(case.id) == "ROB"):
        return Result(case=case, verdict=Verdict.SKIPPED, reason="--gentle leaves it out; --all runs it")
    missing = case.needs & ~flags
    if not missing:
        return None
    words = ", ".join(_IN_WORDS[flag] for flag in missing)
    if missing & _SKIPPED_WITHOUT:
        return Result(case=case, verdict=Verdict.SKIPPED, reason=f"needs {words}")
    return Result(case=case, verdict=Verdict.UNIMPLEMENTED, reason=f"the {tested} lacks {words}")


async def find_facts(target: Target, options: Options, watch: Watch, wanted: Flags) -> PeerFacts:
    """Return the facts that the tester can find out about the peer.

    PRINT, SESSION_ACTION, TWO_ASSOC and CHECKS_CALLED each need further requests, so the tester looks only for those
    that are ``wanted``. If the peer fails or takes too long, the facts found until then are returned.
    """
    peer = Peer(target, CaseTrace(asyncio.get_running_loop().time), random.Random(options.seed), "flags", watch=watch)
    facts = PeerFacts()
    try:
        async with asyncio.timeout(_PREPARATIONS * target.preparation):
            facts = await _find_by_association(peer, options, wanted)
            if Flags.TWO_ASSOC in wanted:
                facts = facts.with_flags(await _two_associations(peer))
            await peer.dismiss()
            if Flags.CHECKS_CALLED in wanted:
                facts = facts.with_flags(await _checks_called(peer))
    except (Unprepared, TimeoutError):
        pass  # the results of the cases will show what the peer refuses
    finally:
        await peer.dismiss()
    return facts


async def _find_by_association(peer: Peer, options: Options, wanted: Flags) -> PeerFacts:
    contexts = {number: (abstract, BOTH_SYNTAXES) for number, (abstract, _) in _CLASSES.items()}
    wire = await peer.associate(contexts)
    assert wire.answer is not None
    found = Flags.NONE
    for number, (_, flag) in _CLASSES.items():
        found |= flag if number in wire.contexts else Flags.NONE
    if any(syntax == ExplicitVRLittleEndian for _, syntax in wire.contexts.values()):
        found |= Flags.EXPLICIT_LE
    items = wire.answer.user_information
    if wire.max_length in JUDGED_MAXIMA:
        found |= Flags.MAX_LENGTH
    facts = PeerFacts(
        flags=found,
        implementation_class_uid=next((each.uid for each in items if isinstance(each, ImplementationClassUID)), ""),
        implementation_version_name=next(
            (each.name for each in items if isinstance(each, ImplementationVersionName)), ""
        ),
        max_length=wire.max_length,
    )
    meta = next((number for number in (3, 5) if number in wire.contexts), None)
    if meta is not None and wanted & (Flags.PRINT | Flags.SESSION_ACTION):
        facts = await _add_printer(facts, peer, wire, meta)
        if Flags.SESSION_ACTION in wanted and not options.no_film:
            facts = facts.with_flags(await _session_action(peer, wire, meta))
    await wire.release(peer.target.preparation)
    await peer.dismiss()
    return facts


async def _add_printer(facts: PeerFacts, peer: Peer, wire: Wire, context_id: int) -> PeerFacts:
    """Return the facts with PRINT and the printer's attributes, if the peer answers N-GET of its Printer instance."""
    wire.say(
        NGetRQ(MessageID=wire.next_message_id(), RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=PrinterInstance),
        context_id,
    )
    heard = await wire.response(peer.target.preparation)
    if not isinstance(heard, Answered):
        return facts
    texts = {}
    for element in heard.data or ():
        with suppress(DecodeError):  # a value that cannot be read, whose bytes an invariant judges
            if element.keyword and _is_text(element.value):
                texts[element.keyword] = _shown(element.value)
    return replace(facts.with_flags(Flags.PRINT), printer=texts)


def _is_text(value: object) -> bool:
    return isinstance(value, str | int | float | list | tuple)


def _shown(value: object) -> str:
    return "\\".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


async def _session_action(peer: Peer, wire: Wire, context_id: int) -> Flags:
    """Return SESSION_ACTION if the N-ACTION of an empty film session gets C600, success or a warning.

    Any of them shows that the peer supports this N-ACTION.
    """
    uid = peer.random_uid()
    create = NCreateRQ(
        MessageID=wire.next_message_id(), AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID=uid
    )
    wire.say(create, context_id)
    made = await wire.response(peer.target.preparation)
    if not isinstance(made, Answered) or made.status != 0:
        return Flags.NONE
    action = NActionRQ(
        MessageID=wire.next_message_id(),
        RequestedSOPClassUID=BasicFilmSession,
        RequestedSOPInstanceUID=uid,
        ActionTypeID=1,
    )
    wire.say(action, context_id)
    printed = await wire.response(peer.target.preparation)
    delete = NDeleteRQ(
        MessageID=wire.next_message_id(), RequestedSOPClassUID=BasicFilmSession, RequestedSOPInstanceUID=uid
    )
    wire.say(delete, context_id)
    await wire.response(peer.target.preparation)
    known = (Answered(_SESSION_WITHOUT_FILM), SUCCESS, WARNING)
    is_supported = any(matches(each, (printed,)) for each in known)
    return Flags.SESSION_ACTION if is_supported else Flags.NONE


async def _two_associations(peer: Peer) -> Flags:
    """Return TWO_ASSOC if a second association works while another one is open."""
    await peer.associate()
    second, answer = await peer.ask()
    heard = await peer.echo(second) if isinstance(answer, Accepted) and 1 in second.contexts else answer
    return Flags.TWO_ASSOC if isinstance(heard, Accepted | Answered) else Flags.NONE


async def serves_at_once(target: Target, options: Options, watch: Watch, count: int) -> bool:
    """Return whether the peer serves ``count`` associations at the same time.

    If not, wait until the peer serves one again, for at most `Target.revival`.
    """
    peer = Peer(target, CaseTrace(asyncio.get_running_loop().time), random.Random(options.seed), "flags", watch=watch)
    served = []

    async def serve() -> None:
        with suppress(Unprepared):
            wire, answer = await peer.ask()
            if not isinstance(answer, Accepted):
                return
            heard = await peer.echo(wire) if 1 in wire.contexts else SUCCESS
            if isinstance(heard, Answered):
                served.append(wire)

    await asyncio.gather(*(serve() for _ in range(count)))
    for wire in served:
        await wire.release()
    await peer.dismiss()
    if len(served) < count:
        await peer.probe()
    return len(served) == count


async def _checks_called(peer: Peer) -> Flags:
    """Return CHECKS_CALLED if an unknown called AE title is rejected."""
    _, answer = await peer.ask(called_ae_title="NO_SUCH_AE_9")
    return Flags.CHECKS_CALLED if isinstance(answer, Rejected) else Flags.NONE
