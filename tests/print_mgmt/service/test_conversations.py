"""Recorded requests of real SCUs: our printer answers like the real one, or better."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from dimse.data import Dataset, Element, TransferSyntax, decode, syntax_of
from dimse.message import Assembler, Message, NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request, Response
from dimse.ul import AssociateAC, AssociateRQ, Context, PDataTF, PDUStream, accepted, decode_pdu
from print_mgmt.config import preset
from print_mgmt.service import Answer, PrintService
from print_mgmt.typed import items, text

CAPTURES = Path(__file__).parents[2] / "vectors" / "captures"
NAMES = sorted(
    path.name.removesuffix(".c2s.bin")
    for path in CAPTURES.glob("*.c2s.bin")
    if path.name.startswith(("dcmtk-print-", "dcmtk-pnd-", "pnd-"))
)
# Statuses of printers with fewer features, and of one with faults on purpose: theirs, ours
BETTER = {
    ("dcmtk-print-refused-12bit", "NSetRQ"): (0x0106, 0x0000),
    ("dcmtk-print-refused-attribute", "NCreateRQ"): (0x0105, 0x0000),
    ("dcmtk-print-refused-value", "NCreateRQ"): (0x0106, 0x0000),
    ("pnd-dcmprscp-annotation-refused", "NCreateRQ"): (0x0105, 0x0000),
    ("pnd-pnd-printer-failure", "NSetRQ"): (0xB609, 0x0000),
}
REFERENCES = ("ReferencedImageBoxSequence", "ReferencedBasicAnnotationBoxSequence")


class Asked(NamedTuple):
    context: Context
    message: Request
    dataset: Dataset | None
    answer: Response
    told: Dataset | None


def messages_of(name: str, direction: str) -> tuple[AssociateRQ | AssociateAC | None, list[tuple[int, Message]]]:
    assembler, messages = Assembler(lambda number, first: None), []  # noqa: ARG005
    associate: AssociateRQ | AssociateAC | None = None
    for whole in PDUStream().feed((CAPTURES / f"{name}.{direction}.bin").read_bytes()):
        pdu = decode_pdu(bytes(whole))
        if isinstance(pdu, AssociateRQ | AssociateAC):
            associate = pdu
        elif isinstance(pdu, PDataTF):
            messages += [found for pdv in pdu.pdvs if (found := assembler.add(pdv)) is not None]
    return associate, messages


@cache
def conversation(name: str) -> tuple[Asked, ...]:
    """Return the requests of a recording that were answered."""
    request, asked = messages_of(name, "c2s")
    response, said = messages_of(name, "s2c")
    if not isinstance(request, AssociateRQ) or not isinstance(response, AssociateAC):
        return ()
    contexts = accepted(request.presentation_contexts, response.presentation_contexts)
    answers = {message.MessageIDBeingRespondedTo: message for _, message in said if isinstance(message, Response)}
    return tuple(
        Asked(
            contexts[number],
            message,
            read(message, syntax_of(contexts[number].transfer_syntax)),
            answers[message.MessageID],
            read(answers[message.MessageID], syntax_of(contexts[number].transfer_syntax)),
        )
        for number, message in asked
        if isinstance(message, Request) and message.MessageID in answers and type(message).__name__.startswith("N")
    )


def read(message: Message, syntax: TransferSyntax) -> Dataset | None:
    data = message.Data
    return decode(data, syntax) if isinstance(data, bytes | bytearray | memoryview) else None


def renamed(dataset: Dataset, ours: dict[str, str]) -> Dataset:
    """Return a Data Set with our instances in place of theirs."""
    copy = dataset.copy()
    for element in copy:
        if isinstance(element.value, str) and element.value in ours:
            copy.add(Element(element.tag, element.VR, ours[element.value]))
        elif element.VR == "SQ":
            copy[element.tag] = [renamed(item, ours) for item in items(copy, element.keyword)]
    return copy


def answered(asked: tuple[Asked, ...]) -> Iterator[tuple[Asked, Answer]]:
    """Yield each request with the answer of our printer."""
    syntaxes = {one.context.abstract_syntax for one in asked}
    service = PrintService(preset("generic"), abstract_syntaxes=syntaxes)
    ours: dict[str, str] = {}
    for one in asked:
        message = one.message
        if isinstance(message, NGetRQ | NSetRQ | NActionRQ | NDeleteRQ):
            uid = message.RequestedSOPInstanceUID
            message = replace(message, RequestedSOPInstanceUID=ours.get(uid, uid))
        answer = service.handle(one.context.abstract_syntax, message, one.dataset and renamed(one.dataset, ours))
        theirs = getattr(one.answer, "AffectedSOPInstanceUID", None)
        if theirs and answer.AffectedSOPInstanceUID:
            ours[theirs] = answer.AffectedSOPInstanceUID
        for keyword in REFERENCES if one.told is not None and answer.dataset is not None else ():
            pairs = zip(uids(one.told, keyword), uids(answer.dataset, keyword), strict=True)
            ours |= dict(pairs)
        yield one, answer


def uids(dataset: Dataset | None, keyword: str) -> list[str]:
    assert dataset is not None
    return [text(item, "ReferencedSOPInstanceUID") for item in items(dataset, keyword)]


@pytest.mark.parametrize("name", NAMES)
def test_service_answers_like_the_recorded_printer(name: str) -> None:
    """Our printer returns the recorded statuses, and the attributes of new instances that the recording has."""
    jobs = 0
    for one, answer in answered(conversation(name)):
        kind = type(one.message).__name__
        statuses = one.answer.Status, answer.Status
        if isinstance(one.message, NGetRQ) and jobs:
            continue  # a job of the recorded printer
        jobs += answer.job is not None
        assert statuses[0] == statuses[1] or statuses == BETTER.get((name, kind)), (kind, answer.comment)
        if isinstance(one.message, NCreateRQ) and one.told is not None and answer.dataset is not None:
            created = {element.keyword for element in one.dataset or ()} & {element.keyword for element in one.told}
            assert created <= {element.keyword for element in answer.dataset} | {"MemoryAllocation"}


def test_recordings_have_requests_and_responses() -> None:
    assert sum(len(conversation(name)) > 3 for name in NAMES) > 20
