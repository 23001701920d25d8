"""Lesson 2: presentation contexts: the SOP Classes that are proposed, and those that the messages name."""

import asyncio

from dimse import Association, Dataset
from dimse.net import Trace, connect
from dimse.net.scu import n_create, n_get
from dimse.uids import (
    BasicFilmSession,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
    Verification,
)
from dimse.ul import ContextResult
from print_mgmt import PrintServer

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
META = BasicGrayscalePrintManagementMeta
NAMES = {
    Verification: "Verification",
    META: "the grayscale Meta SOP Class",
    BasicFilmSession: "Basic Film Session",
    "1.2.3.4": "a private SOP Class",
}


def show(association: Association) -> None:
    assert association.associate_rq is not None
    assert association.associate_ac is not None
    answers = {context.id: context for context in association.associate_ac.presentation_contexts}
    for proposed in association.associate_rq.presentation_contexts:
        answer = answers[proposed.id]
        result = ContextResult(answer.result).name.lower().replace("_", "-")
        print(f"context {proposed.id}, {NAMES[proposed.abstract_syntax]}: {answer.result} {result}")


async def main(trace: Trace | None = None) -> None:
    async with PrintServer(print, port=0, trace=trace) as printer:
        proposal = {Verification: [ImplicitVRLittleEndian], META: SYNTAXES, "1.2.3.4": SYNTAXES}
        async with connect(printer.host, printer.port, proposal) as association:
            show(association)
            context = association.context_for(META)
            print(f"N-CREATE and N-GET go on context {context.id}")
            made = await n_create(association, context, BasicFilmSession, "1.2.3.4.1", Dataset(NumberOfCopies=1))
            print(f"N-CREATE of a Basic Film Session: {made.Status:04X}H")
            got = await n_get(association, context, Printer, PrinterInstance)
            print(f"N-GET of the Printer: {got.Status:04X}H")
            wrong = await n_create(association, context, META, "1.2.3.4.2", Dataset(NumberOfCopies=1))
            print(f"N-CREATE of the Meta SOP Class: {wrong.Status:04X}H, {wrong.ErrorComment}")


if __name__ == "__main__":
    asyncio.run(main())
