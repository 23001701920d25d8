"""UL-A-7 and UL-A-8: the A-ASSOCIATE-RQ of an SCU, and its reaction to each kind of answer."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from ....uids import DICOMApplicationContext, ImplicitVRLittleEndian, is_valid_uid, name_or_uid
from ....ul import (
    AssociateAC,
    AssociateRJ,
    PresentationContextAC,
    RoleSelection,
    UnknownItem,
)
from ...case import Case, CaseRun, Flags, Role, SubCase
from ...cases.material import TABLE_9_10
from ...items import (
    ABSTRACT_SYNTAX,
    CONTEXT_RQ,
    TRANSFER_SYNTAX,
    USER_INFORMATION,
    Item,
    items_of,
    shown_octets,
    sub_items_of,
)
from ...observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    OTHER_PDU,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Asked,
    Broken,
    Crashed,
    Deviated,
    Kept,
    Observation,
    ReleaseAsked,
    Running,
    Seen,
)
from ...verdict import Close, Column, Level
from ..outcomes import command_fails, first_after, goes_on
from ..peer import ScuPeer
from ..reactions import accepts, nothing, sends
from ..visit import Exchange, Visit
from .material import NO_CONTEXT, on_associate

__all__ = ["UL_A_7", "UL_A_8"]

RELEASE = ReleaseAsked()
_APPLICATION = 0x10
_ORDER = (_APPLICATION, CONTEXT_RQ, USER_INFORMATION)
_MAXIMUM, _CLASS_UID, _VERSION = 0x51, 0x52, 0x55
_MAX_VERSION_NAME = 16
_MAXIMUM_LENGTH_OCTETS = 4  # octets of the value of a Maximum Length sub-item
_COLUMNS = {Deviated: Column.NONSTRICT, Broken: Column.FAILS}
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


class Checked(NamedTuple):
    """A rule for a request, and the fault that was found: None if the rule is kept."""

    rule: str
    found: Deviated | Broken | None


Rule = Callable[[bytes], Iterator[Checked]]


def request_keeps(rule: Rule) -> CaseRun:
    """Return the run that judges each A-ASSOCIATE-RQ of the plain scenario, up to the first `Broken` rule."""

    async def run(peer: ScuPeer) -> Seen:
        deviation = None
        requests = [wire.proposal_octets for wire in peer.judge_plain().wires if wire.proposal_octets]
        for octets in requests:
            for text, found in rule(octets):
                column = Column.PASSES if found is None else _COLUMNS[type(found)]
                peer.log(text, str(found or RULE_KEPT), column)
                if isinstance(found, Broken):
                    return found
                deviation = deviation or found
        return deviation or Kept(f"{len(requests)} A-ASSOCIATE-RQ")

    return run


def _must(is_kept: bool, rule: str, text: str) -> Checked:
    return Checked(rule, None if is_kept else Broken(text))


def _should(is_kept: bool, rule: str, text: str) -> Checked:
    return Checked(rule, None if is_kept else Deviated(text))


def _well_formed(octets: bytes) -> Iterator[Checked]:
    is_right = int.from_bytes(octets[2:6], "big") == len(octets) - 6
    yield _must(is_right, "PDU-length is the length of the PDU", "PDU-length is not the length of the PDU")
    is_set = bool(int.from_bytes(octets[6:8], "big") & 1)
    yield _must(is_set, "bit 0 of Protocol-version is set", "bit 0 of Protocol-version is 0")
    is_zero = not (octets[1] or any(octets[8:10]) or any(octets[42:74]))
    yield _should(is_zero, "the reserved bytes are 0", "a reserved byte is not 0")
    items = items_of(octets)
    yield from _reserved_bytes(items)
    kinds = [item.kind for item in items if item.kind in _ORDER]
    for kind in (_APPLICATION, USER_INFORMATION):
        count = kinds.count(kind)
        yield _must(count == 1, f"one item {kind:02X}H", f"{count} items {kind:02X}H")
    yield _must(CONTEXT_RQ in kinds, "an item 20H", "no item 20H")
    in_order = kinds == sorted(kinds, key=_ORDER.index)
    yield _must(in_order, "items in the order 10H, 20H, 50H", "items are not in the order 10H, 20H, 50H")
    for item in items:
        yield from _uids_of(item)
        if item.kind == USER_INFORMATION:
            yield from _user_information(sub_items_of(item))


def _reserved_bytes(items: list[Item]) -> Iterator[Checked]:
    subs = [sub for item in items if item.kind in (CONTEXT_RQ, USER_INFORMATION) for sub in sub_items_of(item)]
    kinds = ", ".join(dict.fromkeys(f"{item.kind:02X}H" for item in (*items, *subs) if item.sets_reserved))
    yield _should(not kinds, "the reserved bytes of items are 0", f"a reserved byte of {kinds} is not 0")


def _uids_of(item: Item) -> Iterator[Checked]:
    uids = [item] if item.kind == _APPLICATION else []
    uids += [
        sub for sub in sub_items_of(item) if item.kind == CONTEXT_RQ and sub.kind in (ABSTRACT_SYNTAX, TRANSFER_SYNTAX)
    ]
    uids += [sub for sub in sub_items_of(item) if item.kind == USER_INFORMATION and sub.kind == _CLASS_UID]
    for uid in uids:
        shown = f"{shown_octets(uid.value)} in item {uid.kind:02X}H is not a UID"
        yield _must(is_valid_uid(uid.value.decode("latin-1")), f"item {uid.kind:02X}H is a UID", shown)
        if item.kind == _APPLICATION:
            is_ours = uid.value == DICOMApplicationContext.encode()
            shown = f"Application-context-name {shown_octets(uid.value)}"
            yield _must(is_ours, f"Application-context-name {DICOMApplicationContext}", shown)


def _user_information(subs: list[Item]) -> Iterator[Checked]:
    count = Counter(sub.kind for sub in subs)
    for kind in (_MAXIMUM, _CLASS_UID):
        yield _must(count[kind] == 1, f"one sub-item {kind:02X}H", f"{count[kind]} sub-items {kind:02X}H")
    for sub in subs:
        size = len(sub.value)
        if sub.kind == _MAXIMUM:
            yield _must(size == _MAXIMUM_LENGTH_OCTETS, "sub-item 51H has 4 bytes", f"sub-item 51H of {size} bytes")
        if sub.kind == _VERSION:
            is_short = size <= _MAX_VERSION_NAME
            fault = f"Implementation-version-name of {size} bytes"
            yield _should(is_short, "Implementation-version-name has at most 16 bytes", fault)


def _contexts(octets: bytes) -> list[tuple[int, list[str], list[str]]]:
    """Return the id, the abstract syntaxes and the transfer syntaxes of each context."""
    found = []
    for item in items_of(octets):
        if item.kind == CONTEXT_RQ:
            subs = sub_items_of(item)
            abstracts = [sub.value.decode("latin-1") for sub in subs if sub.kind == ABSTRACT_SYNTAX]
            transfers = [sub.value.decode("latin-1") for sub in subs if sub.kind == TRANSFER_SYNTAX]
            found.append((item.value[0] if item.value else 0, abstracts, transfers))
    return found


def _ids(octets: bytes) -> Iterator[Checked]:
    seen: set[int] = set()
    for number, abstract, transfers in _contexts(octets):
        name = f"Presentation-context-ID {number}"
        yield _must(number % 2 == 1, f"{name} is odd", name)
        yield _must(number not in seen, f"{name} comes once", f"{name} twice")
        seen.add(number)
        is_right = len(abstract) == 1 and bool(transfers)
        fault = f"context {number} has {len(abstract)} abstract and {len(transfers)} transfer syntaxes"
        yield _must(is_right, f"context {number} has one abstract syntax, and transfer syntaxes", fault)


def _implicit(octets: bytes) -> Iterator[Checked]:
    offered: dict[str, set[str]] = {}
    for _, abstracts, transfers in _contexts(octets):
        for abstract in abstracts:
            offered.setdefault(abstract, set()).update(transfers)
    for abstract, syntaxes in offered.items():
        fault = f"{abstract} is not offered in Implicit VR Little Endian"
        yield _must(ImplicitVRLittleEndian in syntaxes, f"{abstract} is offered in Implicit VR Little Endian", fault)


def _titles(octets: bytes) -> Iterator[Checked]:
    for name, field in (("Called", octets[10:26]), ("Calling", octets[26:42])):
        text = field.rstrip(b"\0")
        yield _should(text == field, f"{name}-AE-title is padded with spaces", f"{name}-AE-title is padded with NUL")
        yield _must(bool(text.strip(b" ")), f"{name}-AE-title is not empty", f"{name}-AE-title is empty")
        is_text = all(0x20 <= octet <= 0x7E and octet != 0x5C for octet in text)
        fault = f"{name}-AE-title {shown_octets(field)}"
        yield _must(is_text, f"{name}-AE-title has only characters of VR AE", fault)


UL_A_7: tuple[Case, ...] = tuple(
    Case(
        id=f"UL-A-7.{number}",
        title=title,
        section=section,
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=request_keeps(rule),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    )
    for number, title, section, rule in (
        (
            "01",
            "A-ASSOCIATE-RQ is well formed",
            "PS3.8 §9.3.2 Table 9-11, D.1, F.1; PS3.7 D.3.3.1, D.3.3.2",
            _well_formed,
        ),
        (
            "02",
            "Context ids are odd and differ; each context has one abstract syntax and at least one transfer syntax",
            "PS3.8 §7.1.1.13, §9.3.2.2",
            _ids,
        ),
        ("03", "Implicit VR Little Endian is offered for each abstract syntax", "PS3.5 §10.1 a", _implicit),
        ("04", "AE titles of the request", "PS3.8 Table 9-11 bytes 11-42; PS3.5 §6.2 AE", _titles),
    )
)


# --- answers ---


def _refused(pdu: AssociateAC, _: Exchange) -> AssociateAC:
    contexts = tuple(replace(each, result=3) for each in pdu.presentation_contexts)
    return replace(pdu, presentation_contexts=contexts)


def _other_application(pdu: AssociateAC, _: Exchange) -> AssociateAC:
    return replace(pdu, application_context_name="1.2.3.4.5.6")


def _reserved(octets: bytes, _: Exchange) -> bytes:
    return octets[:10] + b"X" * 16 + b" " * 16 + b"\xff" * 32 + octets[74:]


def _unknown_items(pdu: AssociateAC, _: Exchange) -> AssociateAC:
    information = (*pdu.user_information, UnknownItem(0x5F, b"unknown "))
    return replace(pdu, user_information=information, unknown_items=(UnknownItem(0x60, b"unknown "),))


def _reversed(pdu: AssociateAC, _: Exchange) -> AssociateAC:
    return replace(pdu, presentation_contexts=pdu.presentation_contexts[::-1])


def _with_roles(pdu: AssociateAC, exchange: Exchange) -> AssociateAC:
    request = exchange.wire.proposal
    assert request is not None
    asked = {item.sop_class for item in request.user_information if isinstance(item, RoleSelection)}
    first = next(
        (each.abstract_syntax for each in request.presentation_contexts if each.abstract_syntax not in asked), ""
    )
    roles = (RoleSelection(first, scu=False, scp=True),) if first else ()
    return replace(pdu, user_information=(*pdu.user_information, *roles))


def _another_id(pdu: AssociateAC, exchange: Exchange) -> AssociateAC:
    request = exchange.wire.proposal
    assert request is not None
    taken = {each.id for each in request.presentation_contexts}
    free = (number for number in (*range(99, 256, 2), *range(1, 99, 2)) if number not in taken)
    number = next(free, NO_CONTEXT)
    return replace(pdu, presentation_contexts=(PresentationContextAC(number, 0, ImplicitVRLittleEndian),))


def _another_syntax(pdu: AssociateAC, _: Exchange) -> AssociateAC:
    contexts = tuple(PresentationContextAC(each.id, 0, _JPEG_BASELINE) for each in pdu.presentation_contexts)
    return replace(pdu, presentation_contexts=contexts)


def _goes_on_as_usual(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Broken` if the abstract syntax for an operation differs from the plain scenario.

    Otherwise return whether the SCU goes on.
    """
    usual: dict[str, set[str]] = {}
    for exchange in peer.plain_visit().exchanges:
        usual.setdefault(exchange.name, set()).add(exchange.abstract_syntax)
    for exchange in visit.exchanges:
        if exchange.name in usual and exchange.abstract_syntax not in usual[exchange.name]:
            return (Broken(f"{exchange.name} on the context of {name_or_uid(exchange.abstract_syntax)}"),)
    return goes_on(peer, visit)


def rejected(result: int, source: int, reason: int) -> CaseRun:
    """Return the run that rejects each association."""
    return on_associate(sends(lambda _: AssociateRJ(result, source, reason)), first_after)


_GOES_ON = (
    (
        "05",
        "Reserved bytes of AC are not tested",
        "PS3.8 Table 9-17 bytes 11-74 ('shall not be tested')",
        accepts(forge=_reserved),
        (RULE_BROKEN, ABORT, CLOSED, RELEASE),
    ),
    (
        "06",
        "Unknown items and sub-items of AC are skipped",
        "PS3.8 §9.3.1",
        accepts(_unknown_items),
        (RULE_BROKEN, ABORT, CLOSED, RELEASE),
    ),
    (
        "07",
        "Results in another order than proposed",
        "PS3.8 §7.1.1.14 note ('may not assume')",
        accepts(_reversed),
        (RULE_BROKEN, ABORT, CLOSED, RELEASE),
    ),
    (
        "08",
        "Role selection that was not proposed is ignored",
        "PS3.7 D.3.3.4 ('shall ignore the response')",
        accepts(_with_roles),
        (RULE_BROKEN, ABORT, CLOSED, RELEASE),
    ),
)

UL_A_8: tuple[Case, ...] = (
    Case(
        id="UL-A-8.01",
        title="The SCU closes the connection after A-ASSOCIATE-RJ",
        section=f"{TABLE_9_10} Evt4 x Sta5 (AE-4)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=rejected(1, 1, 7),
        subcases=tuple(
            SubCase(name=f"RJ({r},{s},{d})", run=rejected(r, s, d)) for r, s, d in ((2, 3, 1), (2, 3, 56), (1, 2, 8))
        ),
        passes=(CLOSED,),
        nonstrict=(ABORT,),
        fails=(OTHER_PDU, SILENCE, Crashed()),
        close=Close.PEER,
    ),
    Case(
        id="UL-A-8.02",
        title="The exit status of the SCU's command reports the failure",
        section="not in the standard",
        level=Level.INFO,
        role=Role.SCU,
        needs=Flags.SCU | Flags.COMMAND,
        run=on_associate(sends(lambda _: AssociateRJ(1, 1, 7)), command_fails),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(Crashed(), Running()),
        close=Close.PEER,
    ),
    Case(
        id="UL-A-8.03",
        title="All contexts refused",
        section="PS3.8 §7.1.1.14; PS3.7 D.3.2",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_associate(accepts(_refused), first_after),
        passes=(RELEASE, ABORT, CLOSED),
        fails=(Asked(), SILENCE, Crashed()),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-8.04",
        title="Another application context is returned",
        section="PS3.8 §7.1.1.2 note; PS3.7 A.1",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_associate(accepts(_other_application), first_after),
        passes=(ABORT,),
        nonstrict=(Asked(), RELEASE, CLOSED),
        fails=(SILENCE, Crashed()),
        close=Close.EITHER,
    ),
    *(
        Case(
            id=f"UL-A-8.{number}",
            title=title,
            section=section,
            level=Level.MUST,
            role=Role.SCU,
            needs=Flags.SCU,
            run=on_associate(reaction, _goes_on_as_usual),
            passes=(RULE_KEPT,),
            fails=(*fails, SILENCE, Crashed()),
        )
        for number, title, section, reaction, fails in _GOES_ON
    ),
    Case(
        id="UL-A-8.09",
        title="A context result for an id that was not proposed",
        section="PS3.8 §7.1.1.14",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_associate(accepts(_another_id), first_after),
        passes=(ABORT, RELEASE, CLOSED),
        fails=(Asked(), SILENCE, Crashed()),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-8.10",
        title="A context accepted with a transfer syntax that was not proposed",
        section="PS3.8 §7.1.1.14; PS3.7 D.3.2",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_associate(accepts(_another_syntax), first_after),
        passes=(ABORT, RELEASE, CLOSED),
        nonstrict=(Asked(),),
        fails=(SILENCE, Crashed()),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-8.11",
        title="No answer to the request",
        section="PS3.8 §9.1.4 note 2 (supervision belongs to the application)",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_associate(nothing, first_after),
        passes=(ABORT, CLOSED),
        fails=(SILENCE, Crashed()),
        close=Close.EITHER,
    ),
)
