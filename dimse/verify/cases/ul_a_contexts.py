"""UL-A-4: valid and invalid presentation contexts."""

from ...uids import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Verification,
)
from ..case import Case, CaseRun, Flags, SubCase
from ..items import context_item, forge_request
from ..observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    REJECT,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Accepted,
    Answered,
    Broken,
    Deviated,
    Kept,
    Rejected,
    Seen,
    accepted,
    matches,
)
from ..peer import Peer
from ..verdict import Close, Level
from .material import UNKNOWN_CLASS

__all__ = ["UL_A_CONTEXTS"]

_UNKNOWN_SYNTAX = "1.2.3.9"
_IMPLICIT = (ImplicitVRLittleEndian,)
_REFUSED = frozenset({1, 2, 3, 4})
_METAS = {3: (BasicGrayscalePrintManagementMeta, Flags.GRAY_META), 5: (BasicColorPrintManagementMeta, Flags.COLOR_META)}


async def unknown_class(peer: Peer) -> Seen:
    wire, answer = await peer.ask({1: (UNKNOWN_CLASS, _IMPLICIT), 3: (Verification, _IMPLICIT)})
    if not isinstance(answer, Accepted):
        return answer
    results = dict(answer.results)
    if 1 not in results:
        return Broken("no result for context 1")
    if 3 not in wire.contexts and Flags.ECHO not in peer.flags and results[1] == 3:
        return Kept("context 1 has result 3; the peer does not have Verification")
    return answer


async def unknown_syntax(peer: Peer) -> Seen:
    return (await peer.ask({1: (Verification, (_UNKNOWN_SYNTAX,))}))[1]


async def implicit_le_is_not_refused(peer: Peer) -> Seen:
    syntaxes = (_UNKNOWN_SYNTAX, ImplicitVRLittleEndian)
    contexts = {1: (Verification, syntaxes)}
    contexts |= {number: (meta, syntaxes) for number, (meta, flag) in _METAS.items() if flag in peer.flags}
    wire, answer = await peer.ask(contexts)
    if not isinstance(answer, Accepted) or wire.answer is None:
        return answer
    for result in wire.answer.presentation_contexts:
        fault = f"context {result.id}: result {result.result}"
        peer.require(result.result != 4, f"the syntaxes of context {result.id} are not refused", fault)
        fault = f"context {result.id}: accepted with {result.transfer_syntax}"
        is_implicit = result.result != 0 or result.transfer_syntax == ImplicitVRLittleEndian
        peer.require(is_implicit, f"context {result.id} is accepted with the known syntax, or refused", fault)
    return Kept("each accepted class has Implicit VR Little Endian")


async def two_contexts(peer: Peer) -> Seen:
    wire = await peer.associate({1: (Verification, _IMPLICIT), 3: (Verification, (ExplicitVRLittleEndian,))})
    for number in sorted(wire.contexts):
        seen = await peer.echo(wire, number)
        if isinstance(seen, Answered):
            fault = f"a request on context {number} is answered on context {seen.context_id}"
            wanted = f"a request on context {number} is answered on context {number}"
            peer.require(seen.context_id == number, wanted, fault)
        if not matches(SUCCESS, (seen,)):
            return seen
    return Kept("each context works") if wire.contexts.keys() == {1, 3} else Deviated("one of the contexts is refused")


async def no_contexts(peer: Peer) -> Seen:
    return (await peer.ask(octets=forge_request(peer, contexts=())))[1]


async def many_contexts(peer: Peer) -> Seen:
    numbers = range(1, 256, 2)
    wire, answer = await peer.ask(dict.fromkeys(numbers, (Verification, _IMPLICIT)))
    if not isinstance(answer, Accepted):
        return answer
    missing = set(numbers) - {number for number, _ in answer.results}
    peer.require(not missing, "each context has a result", f"{len(missing)} results are missing")
    if 255 in wire.contexts:
        seen = await peer.echo(wire, 255)
        if not matches(Answered(0, 255), (seen,)):
            return seen
    refused = len(numbers) - len(wire.contexts)
    return Deviated(f"{refused} contexts are refused") if refused else Kept("128 results; context 255 works")


def proposed(*contexts: bytes) -> CaseRun:
    """Return the run that proposes an association with these Presentation Context Items."""

    async def run(peer: Peer) -> Seen:
        return (await peer.ask(octets=forge_request(peer, contexts=contexts)))[1]

    return run


_NO_ASSOCIATION = (REJECT, ABORT)
_NO_ANSWER = (CLOSED, SILENCE)

UL_A_CONTEXTS: tuple[Case, ...] = (
    Case(
        id="UL-A-4.01",
        title="An unknown abstract syntax is refused, and only its context",
        section="PS3.8 Table 9-18; PS3.7 D.3.2 c",
        level=Level.MUST,
        run=unknown_class,
        passes=(accepted({1: 3, 3: 0}), RULE_KEPT),
        nonstrict=(accepted({1: frozenset({1, 2, 4})}), REJECT),
        fails=(accepted({1: 0}), RULE_BROKEN, SILENCE),
    ),
    Case(
        id="UL-A-4.02",
        title="Only unknown transfer syntaxes",
        section="PS3.8 Table 9-18",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=unknown_syntax,
        passes=(accepted({1: 4}),),
        nonstrict=(accepted({1: frozenset({1, 2, 3})}), REJECT),
        fails=(accepted({1: 0}), *_NO_ANSWER),
    ),
    Case(
        id="UL-A-4.03",
        title="Implicit VR Little Endian cannot be refused",
        section="PS3.5 §10.1 b",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=implicit_le_is_not_refused,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="UL-A-4.04",
        title="Two contexts for one abstract syntax, each with its own syntax",
        section="PS3.8 §7.1.1.13 note; PS3.7 D.3.2",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=two_contexts,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
    Case(
        id="UL-A-4.05",
        title="A request without presentation contexts",
        section="PS3.8 §9.3.2 ('one or more Presentation Context Items')",
        level=Level.SHOULD,
        run=no_contexts,
        passes=_NO_ASSOCIATION,
        nonstrict=(Accepted(), CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="UL-A-4.06",
        title="128 contexts, ids 1 to 255",
        section="PS3.8 §7.1.1.13, Table 9-13",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=many_contexts,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED, Rejected(2, 3, 2)),
        fails=(RULE_BROKEN, ABORT, *_NO_ANSWER),
    ),
    Case(
        id="UL-A-4.07",
        title="An even context id, and 0",
        section="PS3.8 Table 9-13 byte 5 ('shall be odd integers between 1 and 255')",
        level=Level.SHOULD,
        run=proposed(context_item(2)),
        passes=(*_NO_ASSOCIATION, accepted({2: _REFUSED})),
        nonstrict=(accepted({2: 0}), CLOSED),
        fails=(SILENCE,),
        subcases=(
            SubCase(
                name="id 0",
                run=proposed(context_item(0)),
                passes=(*_NO_ASSOCIATION, accepted({0: _REFUSED})),
                nonstrict=(accepted({0: 0}), CLOSED),
            ),
        ),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="UL-A-4.08",
        title="The same context id twice",
        section="PS3.8 §7.1.1.13 ('unused identifier')",
        level=Level.SHOULD,
        run=proposed(context_item(1), context_item(1, transfer_syntaxes=(ExplicitVRLittleEndian,))),
        passes=_NO_ASSOCIATION,
        nonstrict=(Accepted(), CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-4.09",
        title="A context without transfer syntax, or without abstract syntax",
        section="PS3.8 §9.3.2.2 ('one or more Transfer Syntax Sub-Items', 'one Abstract Syntax')",
        level=Level.SHOULD,
        run=proposed(context_item(1, transfer_syntaxes=())),
        passes=(*_NO_ASSOCIATION, accepted({1: _REFUSED})),
        nonstrict=(CLOSED,),
        fails=(accepted({1: 0}), SILENCE),
        subcases=(
            SubCase(name="no abstract syntax", run=proposed(context_item(1, ()))),
            SubCase(
                name="two abstract syntaxes",
                run=proposed(context_item(1, (UNKNOWN_CLASS, Verification))),
                nonstrict=(CLOSED, accepted({1: 0})),
                fails=(SILENCE,),
            ),
        ),
        close=Close.EITHER,
        risky=True,
    ),
)
