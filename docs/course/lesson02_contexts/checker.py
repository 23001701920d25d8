"""Checks exercise 2: asks a printer."""

import asyncio

from exercises import Exercise, Wrong

from dimse import Dataset, connect
from dimse.errors import DimseError
from dimse.net.scu import n_create
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Verification,
)
from dimse.ul import Context
from print_mgmt import PrintServer

_PROPOSAL = {
    Verification: [ImplicitVRLittleEndian],
    BasicColorPrintManagementMeta: [ExplicitVRLittleEndian, ImplicitVRLittleEndian],
    BasicGrayscalePrintManagementMeta: ["1.2.840.10008.1.2.4.50"],
    CTImageStorage: [ImplicitVRLittleEndian],
}
_HINTS = {
    1: "Every peer that can be tested with C-ECHO accepts Verification.",
    3: "One usable transfer syntax is enough for a context.",
    5: "A print context carries Data Sets that the printer must be able to read; only pixels can be JPEG.",
    7: "Does a printer store CT images?",
}


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    hint = "Read the table in the exercise, and the first lines of run.py's output."
    results = exercise.answers("RESULTS", int, len(_PROPOSAL), hint)
    context = exercise.answer("CONTEXT", int, "run.py prints this number for its own proposal.")
    sop_class = exercise.answer(
        "SOP_CLASS", str, "A UID, as text: PS3.4 H.3.2 lists the SOP Classes of each Meta SOP Class."
    )
    asyncio.run(_ask(results, context, sop_class))
    return "The context is for the Meta SOP Class; the message names the SOP Class of the instance."


async def _ask(results: list[int], number: int, sop_class: str) -> None:
    async with PrintServer(lambda _: None, port=0) as printer:
        async with connect(printer.host, printer.port, _PROPOSAL) as association:
            assert association.associate_ac is not None
            for given, context in zip(results, association.associate_ac.presentation_contexts, strict=True):
                if given != context.result:
                    raise Wrong(f"the result of context {context.id} is not {given}", _HINTS[context.id])
            accepted: dict[int, Context] = {one.id: one for one in association.contexts.values()}
            if number not in accepted:
                raise Wrong(f"context {number} was not accepted", "Messages need an accepted context.")
            if accepted[number].abstract_syntax == Verification:
                raise Wrong(
                    "the printer refuses N-CREATE on the context of Verification", "Which context is for print?"
                )
            try:
                made = await n_create(association, accepted[number], sop_class, "1.2.3.4.1", Dataset(NumberOfCopies=1))
            except DimseError as error:
                raise Wrong(
                    f"this SOP Class cannot be sent: {error}", "Write a UID such as 1.2.840.10008.1.1."
                ) from error
            if made.Status:
                words = f"the printer answers {made.Status:04X}H: {made.ErrorComment or 'no comment'}"
                is_meta = sop_class in _PROPOSAL
                hint = "A Meta SOP Class has no instances." if is_meta else "What does a print client create first?"
                raise Wrong(words, hint)
