"""UL-A-1: the contents of an A-ASSOCIATE-AC, an A-ASSOCIATE-RJ and an A-ABORT."""

from ...uids import DICOMApplicationContext, ImplicitVRLittleEndian, Verification, is_valid_uid
from ..case import Case, Role
from ..items import (
    APPLICATION_CONTEXT,
    CONTEXT_AC,
    TRANSFER_SYNTAX,
    USER_INFORMATION,
    forge_request,
    items_of,
    shown_octets,
    sub_items_of,
)
from ..observation import (
    CLOSED,
    DEVIATED,
    REJECT,
    RELEASED,
    RESPONSE,
    RULE_BROKEN,
    RULE_KEPT,
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
from .material import UNKNOWN_CLASS

__all__ = ["UL_A_ANSWER"]

MAXIMUM_LENGTH, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME = 0x51, 0x52, 0x55
_TITLES, _RESERVED = slice(10, 42), slice(42, 74)  # octets 11-42 and 43-74
_PADDING = b" \0"
_MAX_RESULT = 4
_MAX_VERSION_NAME = 16
_MAXIMUM_LENGTH_OCTETS = 4  # octets of the value of a Maximum Length sub-item


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
    peer.require(len(names) == 1, "one Application Context Item", f"{len(names)} Application Context Items")
    in_order = f"items in the order {', '.join(f'{kind:02X}H' for kind in kinds)}"
    peer.require(known == sorted(known), "items in the order 10H, 21H, 50H", in_order)
    is_set = bool(wire.answer_octets[7] & 1)
    peer.require(is_set, "bit 0 of Protocol-version is set", "bit 0 of Protocol-version is clear")
    shown = f"Application-context-name {shown_octets(names[0])}"
    is_ours = names[0].rstrip(_PADDING) == DICOMApplicationContext.encode()
    peer.require(is_ours, f"Application-context-name {DICOMApplicationContext}", shown)
    if not peer.prefer(names[0] == names[0].rstrip(_PADDING), "Application-context-name is not padded", shown):
        return Deviated(f"{shown} is padded")
    return Kept("one item 10H, the DICOM one; items in order")


async def sends_titles_back(peer: Peer) -> Seen:
    return await _sends_back(peer, forge_request(peer), _TITLES, "bytes 11-42")


async def sends_reserved_bytes_back(peer: Peer) -> Seen:
    octets = bytearray(forge_request(peer))
    octets[_RESERVED] = bytes(range(32))
    return await _sends_back(peer, bytes(octets), _RESERVED, "bytes 43-74")


async def _sends_back(peer: Peer, request: bytes, part: slice, name: str) -> Seen:
    wire = await peer.associate(octets=request)
    sent, got = request[part], wire.answer_octets[part]
    if sent == got:
        return Kept(f"{name} are as in the request")
    return Broken(f"{name} are {shown_octets(got)}; {shown_octets(sent)} was sent")


async def user_information(peer: Peer) -> Seen:
    wire = await peer.associate()
    found = [item for item in items_of(wire.answer_octets) if item.kind == USER_INFORMATION]
    subs = [sub for item in found for sub in sub_items_of(item)]
    lengths = [sub.value for sub in subs if sub.kind == MAXIMUM_LENGTH]
    uids = [sub.value for sub in subs if sub.kind == IMPLEMENTATION_CLASS_UID]
    names = [sub.value for sub in subs if sub.kind == IMPLEMENTATION_VERSION_NAME]
    for kind, values in ((MAXIMUM_LENGTH, lengths), (IMPLEMENTATION_CLASS_UID, uids)):
        peer.require(len(values) == 1, f"one sub-item {kind:02X}H", f"{len(values)} sub-items {kind:02X}H")
    size = len(lengths[0])
    peer.require(size == _MAXIMUM_LENGTH_OCTETS, "sub-item 51H has 4 bytes", f"sub-item 51H has {size} bytes, not 4")
    uid, shown = uids[0].rstrip(_PADDING), f"Implementation-class-uid {shown_octets(uids[0])}"
    peer.require(is_valid_uid(uid.decode("ascii", "replace")), "Implementation-class-uid is a UID", shown)
    peer.require(len(names) <= 1, "at most one sub-item 55H", f"{len(names)} sub-items 55H")
    if not peer.prefer(uid == uids[0], "Implementation-class-uid is not padded", shown):
        return Deviated(f"{shown} is padded")
    is_short = all(1 <= len(name) <= _MAX_VERSION_NAME for name in names)
    named = f"Implementation-version-name {shown_octets(names[0]) if names else ''}"
    if not peer.prefer(is_short, "Implementation-version-name has 1 to 16 characters", named):
        return Deviated(named)
    return Kept("one 51H, one valid 52H")


async def context_results(peer: Peer) -> Seen:
    proposed = {1: (Verification, (ImplicitVRLittleEndian,)), 3: (UNKNOWN_CLASS, (ImplicitVRLittleEndian,))}
    wire = await peer.associate(proposed)
    results = [item for item in items_of(wire.answer_octets) if item.kind == CONTEXT_AC]
    ids = [item.value[0] if item.value else 0 for item in results]
    fault = f"results for the contexts {ids}; 1 and 3 were proposed"
    peer.require(sorted(ids) == sorted(proposed), "one result for each context", fault)
    deviation = ""
    for item in results:
        number, result = item.value[0], item.value[2] if len(item.value) > 2 else 255
        names = [sub.value.rstrip(_PADDING) for sub in sub_items_of(item) if sub.kind == TRANSFER_SYNTAX]
        peer.require(result <= _MAX_RESULT, f"the result of context {number} is 0 to 4", f"result {result}")
        fault = f"context {number}: accepted with {', '.join(map(shown_octets, names)) or 'nothing'}"
        is_proposed = result != 0 or names == [ImplicitVRLittleEndian.encode()]
        peer.require(is_proposed, f"context {number} is accepted with a syntax that was proposed, or refused", fault)
        fault = f"context {number}: {len(names)} transfer syntaxes"
        peer.require(len(names) <= 1, f"context {number} has one transfer syntax", fault)
        fault = f"context {number}, which is refused, has no sub-item 40H"
        if not peer.prefer(bool(names), f"context {number} has a sub-item 40H", fault):
            deviation = deviation or fault
    return Deviated(deviation) if deviation else Kept("one result for each context, with its transfer syntax")


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
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-1.03",
        title="A-ASSOCIATE-AC sends back bytes 11-42 of the request",
        section="PS3.8 §9.3.3 Table 9-17 (bytes 11-26, 27-42)",
        level=Level.MUST,
        run=sends_titles_back,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-1.04",
        title="A-ASSOCIATE-AC sends back reserved bytes 43-74",
        section="PS3.8 §9.3.3 Table 9-17 (bytes 43-74)",
        level=Level.MUST,
        run=sends_reserved_bytes_back,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-1.05",
        title="User Information of AC: one Maximum Length, one Implementation Class UID",
        section="PS3.7 D.3.3.1, D.3.3.2, D.3.3.2.2; PS3.8 D.1.2",
        level=Level.MUST,
        run=user_information,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-1.06",
        title="Each proposed context is answered once, with its id and one transfer syntax",
        section="PS3.8 §7.1.1.14, §9.3.3.2 Table 9-18",
        level=Level.MUST,
        run=context_results,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-1.07",
        title="Every A-ASSOCIATE-RJ of the run is well formed",
        section="PS3.8 §9.3.4 Table 9-21",
        level=Level.MUST,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="UL-A-1.08",
        title="Every A-ABORT of the run is well formed",
        section="PS3.8 §9.3.8 Table 9-26",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
)
