"""UL-A-1: the contents of an A-ASSOCIATE-AC, an A-ASSOCIATE-RJ and an A-ABORT."""

from ...uids import DICOMApplicationContext, ImplicitVRLittleEndian, Verification, is_valid_uid
from ..case import Case, Role
from ..items import (
    APPLICATION_CONTEXT,
    CONTEXT_AC,
    TRANSFER_SYNTAX,
    USER_INFORMATION,
    Item,
    forge_request,
    items_of,
    sub_items_of,
)
from ..observation import (
    BROKEN,
    CLOSED,
    DEVIATED,
    KEPT,
    REJECT,
    RELEASED,
    RESPONSE,
    SILENCE,
    SUCCESS,
    Accepted,
    Asked,
    Broken,
    Deviated,
    Ends,
    Garbled,
    Kept,
    Observation,
    ReleaseAsked,
    Seen,
    Then,
    accepted,
)
from ..peer import Peer
from ..verdict import Close, Level

__all__ = ["UL_A_ANSWER"]

MAXIMUM_LENGTH, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME = 0x51, 0x52, 0x55
_TITLES, _RESERVED = slice(10, 42), slice(42, 74)  # octets 11-42 and 43-74
_PADDING = b" \0"
_UNKNOWN_CLASS = "1.2.3.4"
_MOST_RESULT = 4
_LONGEST_NAME = 16


async def minimal(peer: Peer) -> Observation:
    wire, answer = await peer.ask()
    if not isinstance(answer, Accepted):
        return (answer,)
    heard = (await peer.echo(wire),) if 1 in wire.contexts else ()
    return (answer, *heard, await wire.release())


async def application_context(peer: Peer) -> Seen:
    wire = await peer.associate()
    kinds = [item.kind for item in items_of(wire.answer_octets)]
    known = [kind for kind in kinds if kind in (APPLICATION_CONTEXT, CONTEXT_AC, USER_INFORMATION)]
    names = [item.value for item in items_of(wire.answer_octets) if item.kind == APPLICATION_CONTEXT]
    if len(names) != 1:
        return Broken(f"{len(names)} Application Context Items")
    if known != sorted(known):
        return Broken(f"items in the order {', '.join(f'{kind:02X}H' for kind in kinds)}")
    if not wire.answer_octets[7] & 1:
        return Broken("bit 0 of Protocol-version is clear")
    if names[0].rstrip(_PADDING) != DICOMApplicationContext.encode():
        return Broken(f"Application-context-name {names[0]!r}")
    if names[0] != DICOMApplicationContext.encode():
        return Deviated(f"Application-context-name {names[0]!r} is padded")
    return Kept("one item 10H, the DICOM one; items in order")


async def titles_come_back(peer: Peer) -> Seen:
    return await _comes_back(peer, forge_request(peer), _TITLES, "bytes 11-42")


async def reserved_bytes_come_back(peer: Peer) -> Seen:
    octets = bytearray(forge_request(peer))
    octets[_RESERVED] = bytes(range(32))
    return await _comes_back(peer, bytes(octets), _RESERVED, "bytes 43-74")


async def _comes_back(peer: Peer, request: bytes, part: slice, name: str) -> Seen:
    wire = await peer.associate(octets=request)
    sent, got = request[part], wire.answer_octets[part]
    return Kept(f"{name} are as in the request") if sent == got else Broken(f"{name} are {got!r}, {sent!r} was sent")


async def user_information(peer: Peer) -> Seen:
    wire = await peer.associate()
    found = [item for item in items_of(wire.answer_octets) if item.kind == USER_INFORMATION]
    subs = [sub for item in found for sub in sub_items_of(item)]
    lengths = [sub.value for sub in subs if sub.kind == MAXIMUM_LENGTH]
    uids = [sub.value for sub in subs if sub.kind == IMPLEMENTATION_CLASS_UID]
    names = [sub.value for sub in subs if sub.kind == IMPLEMENTATION_VERSION_NAME]
    for kind, values in ((MAXIMUM_LENGTH, lengths), (IMPLEMENTATION_CLASS_UID, uids)):
        if len(values) != 1:
            return Broken(f"{len(values)} sub-items {kind:02X}H")
    if len(lengths[0]) != 4:
        return Broken(f"sub-item 51H has {len(lengths[0])} bytes, not 4")
    uid = uids[0].rstrip(_PADDING)
    if not is_valid_uid(uid.decode("ascii", "replace")):
        return Broken(f"Implementation-class-uid {uids[0]!r}")
    if uid != uids[0]:
        return Deviated(f"Implementation-class-uid {uids[0]!r} is padded")
    if any(not 1 <= len(name) <= _LONGEST_NAME for name in names):
        return Deviated(f"Implementation-version-name {names[0]!r}")
    return Kept("one 51H, one valid 52H") if len(names) <= 1 else Broken(f"{len(names)} sub-items 55H")


async def context_results(peer: Peer) -> Seen:
    proposed = {1: (Verification, (ImplicitVRLittleEndian,)), 3: (_UNKNOWN_CLASS, (ImplicitVRLittleEndian,))}
    wire = await peer.associate(proposed)
    results = [item for item in items_of(wire.answer_octets) if item.kind == CONTEXT_AC]
    ids = [item.value[0] for item in results if item.value]
    if sorted(ids) != sorted(proposed):
        return Broken(f"results for the contexts {ids}; 1 and 3 were proposed")
    deviation = ""
    for item in results:
        fault = _result_fault(item)
        if fault.startswith("!"):
            return Broken(fault[1:])
        deviation = deviation or fault
    return Deviated(deviation) if deviation else Kept("one result for each context, with its transfer syntax")


def _result_fault(item: Item) -> str:
    """Return what is wrong with a result, beginning with an exclamation mark if it breaks the rule."""
    number, result = item.value[0], item.value[2] if len(item.value) > 2 else 255
    names = [sub.value.rstrip(_PADDING) for sub in sub_items_of(item) if sub.kind == TRANSFER_SYNTAX]
    if result > _MOST_RESULT:
        return f"!context {number}: result {result}"
    if result == 0 and names != [ImplicitVRLittleEndian.encode()]:
        return f"!context {number}: accepted with {names}"
    if len(names) > 1:
        return f"!context {number}: {len(names)} transfer syntaxes"
    return "" if names else f"context {number}, which is refused, has no sub-item 40H"


UL_A_ANSWER: tuple[Case, ...] = (
    Case(
        id="UL-A-1.01",
        title="A minimal association is answered",
        section="PS3.8 §7.1.2.3, §9.3.3; PS3.4 A.5",
        level=Level.MUST,
        run=minimal,
        passes=(Then(accepted({1: 0}), SUCCESS, RELEASED), Then(accepted({1: 3}), RELEASED)),
        nonstrict=(REJECT,),
        fails=(Ends(SILENCE), Ends(CLOSED), RELEASED, ReleaseAsked(), RESPONSE, Asked(), Garbled()),
    ),
    Case(
        id="UL-A-1.02",
        title="A-ASSOCIATE-AC: one Application Context Item, the DICOM one; items in order",
        section="PS3.8 §9.3.1, §9.3.3 Table 9-17; PS3.7 A.2.1",
        level=Level.MUST,
        run=application_context,
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN,),
    ),
    Case(
        id="UL-A-1.03",
        title="A-ASSOCIATE-AC sends back bytes 11-42 of the request",
        section="PS3.8 §9.3.3 Table 9-17 (bytes 11-26, 27-42)",
        level=Level.MUST,
        run=titles_come_back,
        passes=(KEPT,),
        fails=(BROKEN,),
    ),
    Case(
        id="UL-A-1.04",
        title="A-ASSOCIATE-AC sends back reserved bytes 43-74",
        section="PS3.8 §9.3.3 Table 9-17 (bytes 43-74)",
        level=Level.MUST,
        run=reserved_bytes_come_back,
        passes=(KEPT,),
        fails=(BROKEN,),
    ),
    Case(
        id="UL-A-1.05",
        title="User Information of AC: one Maximum Length, one Implementation Class UID",
        section="PS3.7 D.3.3.1, D.3.3.2, D.3.3.2.2; PS3.8 D.1.2",
        level=Level.MUST,
        run=user_information,
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN,),
    ),
    Case(
        id="UL-A-1.06",
        title="Each proposed context is answered once, with its id and one transfer syntax",
        section="PS3.8 §7.1.1.14, §9.3.3.2 Table 9-18",
        level=Level.MUST,
        run=context_results,
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN,),
    ),
    Case(
        id="UL-A-1.07",
        title="Every A-ASSOCIATE-RJ of the run is well formed",
        section="PS3.8 §9.3.4 Table 9-21",
        level=Level.MUST,
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="UL-A-1.08",
        title="Every A-ABORT of the run is well formed",
        section="PS3.8 §9.3.8 Table 9-26",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN,),
        close=Close.NONE,
    ),
)
