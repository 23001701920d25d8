"""UL-A-5: the User Information Item, and unknown items."""

from struct import pack

from ...uids import Verification
from ...ul import AsynchronousOperationsWindow, RoleSelection, UserIdentityRQ, UserItem
from ...ul.forge import forge_item
from ..case import Case, CaseRun, Flags, SubCase
from ..items import USER_INFORMATION, Item, forge_request, items_of, shown_octets, sub_items_of, user_item, user_octets
from ..observation import (
    ABORT,
    CLOSED,
    REJECT,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Accepted,
    Broken,
    Ends,
    Kept,
    Observation,
    Rejected,
    Seen,
    Then,
)
from ..peer import Peer
from ..verdict import Close, Level
from ..wire import Wire

__all__ = ["UL_A_USER"]

_ASYNCHRONOUS, _ROLE, _EXTENDED, _COMMON_EXTENDED, _IDENTITY_AC = 0x53, 0x54, 0x56, 0x57, 0x59
_OFFERED = 5  # operations that the tester offers in its asynchronous operations window
# Allowed only as answers to sub-items of the request, and 57H never (PS3.7 D.3.3.6)
_ANSWERS = {_ASYNCHRONOUS, _ROLE, _EXTENDED, _COMMON_EXTENDED, _IDENTITY_AC}


async def unlimited(peer: Peer) -> Observation:
    return await _echoed(*await peer.ask(user_information=peer.user_information(0)), peer)


def without(position: int) -> CaseRun:
    """Return the run that leaves out one of the tester's sub-items: 0 is 51H, 1 is 52H, 2 is 55H."""

    async def run(peer: Peer) -> Observation:
        subs = user_octets(peer)
        del subs[position]
        return await _echoed(*await peer.ask(octets=forge_request(peer, user=user_item(b"".join(subs)))), peer)

    return run


async def _echoed(wire: Wire, answer: Seen, peer: Peer) -> Observation:
    return (answer, await peer.echo(wire)) if isinstance(answer, Accepted) else (answer,)


async def no_user_information(peer: Peer) -> Seen:
    return (await peer.ask(octets=forge_request(peer, user=b"")))[1]


async def unknown_sub_items(peer: Peer) -> Seen:
    subs = [*user_octets(peer), forge_item(0x5F, b"abc"), forge_item(0x7F, b"")]
    return (await peer.ask(octets=forge_request(peer, user=user_item(b"".join(subs)))))[1]


async def unknown_item(peer: Peer) -> Seen:
    return (await peer.ask(octets=forge_request(peer, more=forge_item(0x60, bytes(4)))))[1]


async def other_order(peer: Peer) -> Seen:
    subs = b"".join(reversed(user_octets(peer)))
    return (await peer.ask(octets=forge_request(peer, user=user_item(subs))))[1]


async def _subs_of_answer(peer: Peer, *more: UserItem) -> list[Item]:
    """Return the user information sub-items in the answer to a request that has ``more`` sub-items."""
    wire = await peer.associate(user_information=(*peer.user_information(), *more))
    return _subs(wire)


def _subs(wire: Wire) -> list[Item]:
    return [sub for item in items_of(wire.answer_octets) if item.kind == USER_INFORMATION for sub in sub_items_of(item)]


def window(offered: int) -> CaseRun:
    """Return the run that offers a window of this many operations; 0 means no limit."""

    async def run(peer: Peer) -> Seen:
        found = await _subs_of_answer(peer, AsynchronousOperationsWindow(offered, offered))
        values = [sub.value for sub in found if sub.kind == _ASYNCHRONOUS]
        for value in values:
            numbers = [int.from_bytes(value[at : at + 2], "big") for at in (0, 2)]
            is_within = not offered or all(1 <= number <= offered for number in numbers)
            fault = f"window {numbers[0]}, {numbers[1]}, where {offered}, {offered} was offered; 0 means no limit"
            peer.require(is_within, "the window is no larger than the offered one", fault)
        return Kept("no window" if not values else "the window is no larger than the offered one")

    return run


async def nothing_unasked(peer: Peer) -> Seen:
    unasked = {sub.kind for sub in await _subs_of_answer(peer)} & _ANSWERS
    return Broken(f"sub-items {', '.join(f'{kind:02X}H' for kind in sorted(unasked))}") if unasked else Kept("none")


async def roles(peer: Peer) -> Seen:
    for sub in await _subs_of_answer(peer, RoleSelection(Verification, scu=True, scp=False)):
        if sub.kind != _ROLE:
            continue
        length = int.from_bytes(sub.value[:2], "big")
        uid, (scu, scp) = sub.value[2 : 2 + length], sub.value[2 + length : 4 + length].ljust(2, b"\xff")
        fault = f"roles for {shown_octets(uid)}, which were not proposed"
        peer.require(uid.rstrip(b"\0 ") == Verification.encode(), "the roles are for the class of the request", fault)
        fault = f"SCU-role {scu}, SCP-role {scp}; 1, 0 was proposed"
        peer.require(scp == 0 and scu in (0, 1), "only proposed roles are accepted", fault)
    return Kept("only proposed roles")


async def identity(peer: Peer) -> Seen:
    request = (*peer.user_information(), UserIdentityRQ(1, False, b"bob"))
    wire, answer = await peer.ask(user_information=request)
    if isinstance(answer, Accepted) and any(sub.kind == _IDENTITY_AC for sub in _subs(wire)):
        return Broken("sub-item 59H, though no response was requested")
    return answer


async def long_version_name(peer: Peer) -> Seen:
    subs = [*user_octets(peer)[:2], forge_item(0x55, b"X" * 30)]
    return (await peer.ask(octets=forge_request(peer, user=user_item(b"".join(subs)))))[1]


async def sub_item_too_long(peer: Peer) -> Seen:
    subs = [forge_item(0x51, pack(">I", 16384)), forge_item(0x52, b"1.2.3.4.5", length=200)]
    return (await peer.ask(octets=forge_request(peer, user=user_item(b"".join(subs)))))[1]


_REFUSED = (REJECT, ABORT, CLOSED, SILENCE)
_UNEXPECTED = (Ends(REJECT), Ends(ABORT), Ends(SILENCE))

UL_A_USER: tuple[Case, ...] = (
    Case(
        id="UL-A-5.01",
        title="Maximum Length 0: no limit",
        section="PS3.8 D.1.1",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=unlimited,
        passes=(Then(Accepted(), SUCCESS),),
        fails=_UNEXPECTED,
    ),
    Case(
        id="UL-A-5.02",
        title="Maximum Length or Implementation Class UID is missing",
        section="PS3.7 D.3.3.1 ('This notification is required'), D.3.3.2",
        level=Level.INFO,
        needs=Flags.ECHO,
        run=without(0),
        passes=(REJECT, ABORT, Then(Accepted(), SUCCESS)),
        nonstrict=(Then(Accepted(), ABORT),),
        fails=(Ends(SILENCE),),
        subcases=(SubCase(name="without 52H", run=without(1)),),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-5.03",
        title="No User Information Item",
        section="PS3.8 §9.3.2 ('one User Information Item')",
        level=Level.SHOULD,
        run=no_user_information,
        passes=(REJECT, ABORT),
        nonstrict=(Accepted(), CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-5.04",
        title="Unknown user information sub-items are skipped",
        section="PS3.8 §9.3.1, D.2 note 2",
        level=Level.MUST,
        run=unknown_sub_items,
        passes=(Accepted(),),
        fails=_REFUSED,
    ),
    Case(
        id="UL-A-5.05",
        title="Unknown items are skipped",
        section="PS3.8 §9.3.1 ('ignored and skipped')",
        level=Level.MUST,
        run=unknown_item,
        passes=(Accepted(),),
        fails=_REFUSED,
    ),
    Case(
        id="UL-A-5.06",
        title="User information sub-items in any order",
        section="PS3.8 §9.3.2.3 note",
        level=Level.MUST,
        run=other_order,
        passes=(Accepted(),),
        fails=_REFUSED,
    ),
    Case(
        id="UL-A-5.07",
        title="Asynchronous window: at most the offered one",
        section="PS3.7 D.3.3.3",
        level=Level.MUST,
        run=window(_OFFERED),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        subcases=(SubCase(name="0, 0 (unlimited)", run=window(0)),),
    ),
    Case(
        id="UL-A-5.08",
        title="The answer has only requested sub-items",
        section="PS3.7 D.3.3.3, D.3.3.4, D.3.3.5, D.3.3.6 ('shall be omitted'), D.3.3.7",
        level=Level.MUST,
        run=nothing_unasked,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-5.09",
        title="Role selection: only proposed roles",
        section="PS3.7 D.3.3.4",
        level=Level.MUST,
        run=roles,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-5.10",
        title="User identity without a requested response",
        section="PS3.7 D.3.3.7, D.3.3.7.3",
        level=Level.MUST,
        run=identity,
        passes=(Accepted(), Rejected(1, 2)),
        nonstrict=(REJECT,),
        fails=(RULE_BROKEN,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-5.11",
        title="Implementation Version Name of 30 characters",
        section="PS3.7 D.3.3.2.3 (1 to 16)",
        level=Level.INFO,
        run=long_version_name,
        passes=(Accepted(), REJECT, ABORT),
        nonstrict=(CLOSED,),
        fails=(SILENCE,),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="UL-A-5.12",
        title="A sub-item longer than the PDU",
        section="PS3.8 §9.3.1; §9.2.3 Table 9-10 Evt19 x Sta2",
        level=Level.SHOULD,
        run=sub_item_too_long,
        passes=(ABORT, REJECT),
        nonstrict=(CLOSED, Accepted()),
        fails=(SILENCE,),
        close=Close.ABORT,
        risky=True,
    ),
)
