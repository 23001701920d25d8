"""Lesson 4: implicit and explicit VR. The same Data Set in two encodings, beside each other."""

import asyncio

from dimse import Dataset
from dimse.data import EXPLICIT_LE, IMPLICIT_LE, decode, encode
from dimse.net import Trace, connect
from dimse.net.scu import n_create
from dimse.uids import BasicFilmSession, BasicGrayscalePrintManagementMeta
from print_mgmt import PrintServer

SESSION = Dataset(NumberOfCopies=1, PrintPriority="HIGH", MediumType="PAPER")


def compare() -> None:
    """Print each element in both encodings."""
    for element in SESSION:
        alone = Dataset()
        alone.add(element)
        for syntax in (IMPLICIT_LE, EXPLICIT_LE):
            wire = encode(alone, syntax)
            size = 4 if syntax is IMPLICIT_LE else 2  # bytes of the length
            parts = [wire[:4], wire[4 : 8 - size], wire[8 - size : 8], wire[8:]]
            shown = " | ".join(part.hex(" ") or "  " for part in parts)
            print(f"{element.keyword:14} {syntax.name[:8]}  {shown}")


def misread() -> None:
    """Read explicit VR as a peer that takes it for implicit VR."""
    wire = encode(SESSION, EXPLICIT_LE)
    print("read as implicit VR, the first length is", int.from_bytes(wire[4:8], "little"))
    print("the length of the whole Data Set is", len(wire))
    print("this library notices the mistake:", decode(wire, IMPLICIT_LE) == SESSION)


async def main(trace: Trace | None = None) -> None:
    compare()
    misread()
    async with PrintServer(print, port=0, trace=trace) as printer:
        for syntax in (IMPLICIT_LE, EXPLICIT_LE):
            contexts = {BasicGrayscalePrintManagementMeta: [syntax.uid]}
            async with connect(printer.host, printer.port, contexts) as association:
                context = association.context_for(*contexts)
                response = await n_create(association, context, BasicFilmSession, "1.2.3.4.1", SESSION)
                print(f"{association.syntax(context).name}: {response.Status:04X}H")


if __name__ == "__main__":
    asyncio.run(main())
