"""The contents of a step as facts, which can be compared with the facts of another recording.

A fact has a name, a value in words and a `Weight`. Values that are new in each association are not facts: message IDs,
the times of PDUs, and instance UIDs, of which only the presence is a fact. Names, lengths, dates and pixels are facts
of the lowest weight.
"""

from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from ..errors import ABORT_REASONS, ABORT_SOURCES, REJECT_REASONS, REJECT_RESULTS, REJECT_SOURCES, escaped
from ..message import is_failure
from ..uids import name_of, name_or_uid
from ..ul import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityRQ,
    UserItem,
)
from .elements import Field
from .record import Contract, Step

__all__ = ["Fact", "Weight", "facts_of"]

_INSTANCES = ("AffectedSOPInstanceUID", "RequestedSOPInstanceUID")  # only their presence is a fact
_IGNORED = ("CommandGroupLength", "MessageID", "MessageIDBeingRespondedTo", "GroupLength")
_LABELS = ("DA", "TM", "DT", "LO", "SH", "PN", "AE")  # VRs of dates, times, names; not ST (Image Display Format)
_PROVIDER = 2  # Source of A-ABORT
_ITEM, _DELIMITERS = 0xFFFEE000, 0xFFFE


class Weight(IntEnum):
    """The importance of a difference for the course of the association."""

    NAME = 1  # a name, a length, a date, pixels
    CONTENT = 2  # something that was requested or answered
    OUTCOME = 3  # success in one recording, failure in the other


class Fact(NamedTuple):
    """A value in words. If two facts differ in ``outcome``, one means success and the other failure.

    ``is_element`` marks the fact of an element of a Data Set.
    """

    value: str
    weight: Weight = Weight.CONTENT
    outcome: str = ""
    is_element: bool = False


def facts_of(step: Step) -> dict[str, Fact]:
    """Return the facts of a step by name; a number is added to a name that occurs again."""
    found: dict[str, Fact] = {}
    numbers: Counter[str] = Counter()  # how often each name has occurred again: up to 40,000 times in a hostile PDU
    for name, fact in _facts(step):
        unique = name
        while unique in found:
            numbers[name] += 1
            unique = f"{name} ({numbers[name] + 1})"
        found[unique] = fact
    return found


def _facts(step: Step) -> Iterator[tuple[str, Fact]]:
    for turn in step.turns:
        match turn.pdu:
            case AssociateRQ() | AssociateAC() as pdu:
                yield from _association(pdu)
            case AssociateRJ(result, source, reason):
                yield "Result", Fact(f"{result} ({REJECT_RESULTS.get(result, 'reserved')})")
                yield "Source", Fact(f"{source} ({REJECT_SOURCES.get(source, 'reserved')})")
                yield "Reason/Diag.", Fact(f"{reason} ({REJECT_REASONS.get((source, reason), 'reserved')})")
            case Abort(source, reason):
                words = ABORT_REASONS.get(reason, "reserved") if source == _PROVIDER else "not significant"
                yield "Source", Fact(f"{source} ({ABORT_SOURCES.get(source, 'reserved')})")
                yield "Reason/Diag", Fact(f"{reason} ({words})")
    if step.contract is not None:
        yield from _negotiated(step.contract)
    yield from _commands(step)
    yield from _elements(step)
    for error in step.errors:
        yield "broken rule", Fact(escaped(error))


# --- associations ---


def _association(pdu: AssociateRQ | AssociateAC) -> Iterator[tuple[str, Fact]]:
    if isinstance(pdu, AssociateRQ):
        yield "Called-AE-title", Fact(escaped(pdu.called_ae_title), Weight.NAME)
        yield "Calling-AE-title", Fact(escaped(pdu.calling_ae_title), Weight.NAME)
        yield "Application-context-name", Fact(name_or_uid(pdu.application_context_name))
        for context in pdu.presentation_contexts:
            syntaxes = ", ".join(map(name_or_uid, context.transfer_syntaxes))
            yield f"context of {name_or_uid(context.abstract_syntax)}", Fact(syntaxes)
    for item in pdu.user_information:
        yield from _user_item(item)


def _user_item(item: UserItem) -> Iterator[tuple[str, Fact]]:
    """Yield the facts of a User Information sub-item, without credentials."""
    match item:
        case MaximumLength(received):
            yield "Maximum-length-received", Fact(str(received), Weight.NAME)
        case ImplementationClassUID(uid):
            yield "Implementation-class-uid", Fact(escaped(uid), Weight.NAME)
        case ImplementationVersionName(name):
            yield "Implementation-version-name", Fact(escaped(name), Weight.NAME)
        case AsynchronousOperationsWindow(invoked, performed):
            yield "asynchronous operations window", Fact(f"{invoked} invoked, {performed} performed")
        case RoleSelection(sop_class, scu, scp):
            yield f"roles for {name_or_uid(sop_class)}", _roles(scu, scp)
        case SOPClassExtendedNegotiation(sop_class, information):
            yield f"extended negotiation of {name_or_uid(sop_class)}", Fact(information.hex(" "))
        case SOPClassCommonExtendedNegotiation():
            related = ", ".join(map(name_or_uid, item.related_general_sop_classes)) or "no related class"
            name = f"common extended negotiation of {name_or_uid(item.sop_class)}"
            yield name, Fact(f"{name_or_uid(item.service_class)}: {related}")
        case UserIdentityRQ():
            yield "User-Identity-Type", Fact(str(item.type))


def _negotiated(contract: Contract) -> Iterator[tuple[str, Fact]]:
    for context in contract.contexts:
        is_usable = bool(context.transfer_syntax)
        value = f"{context.result}, {name_or_uid(context.transfer_syntax)}" if is_usable else context.result
        outcome = "accepted" if is_usable else "not accepted"
        yield f"context of {name_or_uid(context.abstract_syntax)}", Fact(value, outcome=outcome)
    yield "agreed window", Fact("{} invoked, {} performed".format(*contract.window))
    for sop_class, scu, scp in contract.roles:
        yield f"agreed roles for {name_or_uid(sop_class)}", _roles(scu, scp)


def _roles(scu: bool, scp: bool) -> Fact:
    names = [name for name, is_accepted in (("SCU", scu), ("SCP", scp)) if is_accepted]
    return Fact(" and ".join(names) or "none")


# --- messages ---


def _commands(step: Step) -> Iterator[tuple[str, Fact]]:
    for field in step.fields:
        if field.category != "command" or field.name in _IGNORED:
            continue
        if field.name in _INSTANCES:
            yield field.name, Fact("present" if field.value else "empty")
        elif field.name == "Status" and step.status is not None:
            yield field.name, Fact(field.value, outcome="failure" if is_failure(step.status) else "success")
        else:
            yield field.name, Fact(field.value)


def _elements(step: Step) -> Iterator[tuple[str, Fact]]:
    """Yield the elements of Data Sets. The name of an element in an item begins with the sequence and the item."""
    path: list[tuple[int, str]] = []  # depths and names of the enclosing sequences and items
    counts: dict[tuple[str, ...], int] = {}
    for field in step.fields:
        if field.category != "element" or field.tag is None or field.name in _IGNORED:
            continue
        while path and path[-1][0] >= field.depth:
            path.pop()
        if field.tag == _ITEM:
            enclosing = tuple(name for _, name in path)
            counts[enclosing] = counts.get(enclosing, 0) + 1
            path.append((field.depth, f"[{counts[enclosing]}]"))
        elif field.tag >> 16 != _DELIMITERS:
            name = _path([*(name for _, name in path), field.name])
            path.append((field.depth, field.name))
            if field.vr != "SQ":
                yield name, _element(field)._replace(is_element=True)


def _path(names: list[str]) -> str:
    return ".".join(names).replace(".[", "[")


def _element(field: Field) -> Fact:
    if field.vr == "UI":
        uid, _, name = field.value.partition(" ")
        return Fact(field.value if name or name_of(uid) else "an instance" if uid else "empty")
    if field.pixels is not None and not field.secret:
        value = bytes(field.data[field.value_start :])
        return Fact(f"{len(value)} bytes, SHA-256 {sha256(value).hexdigest()[:12]}", Weight.NAME)
    return Fact(field.value, Weight.NAME if field.vr in _LABELS else Weight.CONTENT)
