"""Lesson 3: P-DATA-TF PDUs and PDVs. One message is cut to pieces, and put together again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dimse import Association, Dataset, Limits, Service
from dimse.data import EXPLICIT_LE, encode
from dimse.message import Assembler, CStoreRQ, Response, encode_command, fragment
from dimse.net import Handlers, Operation, Trace, connect, serve
from dimse.net.scu import c_store
from dimse.uids import SecondaryCaptureImageStorage
from dimse.ul import encode_pdu

IMAGE = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3.4", PatientID="LESSON3")
MAX_LENGTH = 64  # bytes of a P-DATA-TF after its header


def cut() -> None:
    """Cut a C-STORE-RQ into PDUs, and assemble them."""
    data = encode(IMAGE, EXPLICIT_LE)
    names = {"AffectedSOPClassUID": IMAGE.SOPClassUID, "AffectedSOPInstanceUID": IMAGE.SOPInstanceUID}
    command = encode_command(CStoreRQ(MessageID=1, Data=data, **names))
    print(f"a Command Set of {len(command)} bytes and a Data Set of {len(data)} bytes")
    assembler = Assembler(lambda _context_id, _first_fragment: None)
    for pdu in fragment(1, command, data, MAX_LENGTH):
        wire = b"".join(encode_pdu(pdu))
        (pdv,) = pdu.pdvs
        print(f"{wire[:6].hex(' ')} | {wire[6:10].hex(' ')} | {wire[10]:02x} | {wire[11]:02x} | {len(pdv.data)} bytes")
        message = assembler.add(pdv)
        if message is not None:
            print("complete:", message[1])


async def store(operation: Operation) -> Response:
    instance = operation.dataset() or Dataset()
    print("the peer has stored the image of", instance.PatientID)
    return operation.reply()


@asynccontextmanager
async def open_archive(_: Association) -> AsyncIterator[Handlers]:
    yield {(SecondaryCaptureImageStorage, CStoreRQ): store}


async def main(trace: Trace | None = None) -> None:
    cut()
    archive = Service({SecondaryCaptureImageStorage: ["1.2.840.10008.1.2.1"]}, open_archive)
    async with serve([archive], port=0, limits=Limits(max_pdu=MAX_LENGTH), trace=trace) as peer:
        async with connect(peer.host, peer.port, archive.contexts) as association:
            await c_store(association, IMAGE)


if __name__ == "__main__":
    asyncio.run(main())
