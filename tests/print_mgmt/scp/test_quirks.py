"""Quirks of real SCUs on the wire; others are in `service.test_quirks`."""

import struct

import pytest
from listening import META, Gate, client, printer
from print_scu import uids
from raw import until
from wire_scu import over_the_wire

from dimse.message import NCreateRQ, NSetRQ
from dimse.net import scu
from dimse.uids import (
    BasicAnnotationBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ImplicitVRLittleEndian,
    PresentationLUT,
    Printer,
    PrinterInstance,
    PrintJob,
    PrintQueueManagement,
    Verification,
)
from print_mgmt import PrintServer
from print_mgmt.config import PrinterConfig

CREATE_FILM = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox)


def element(group: int, number: int, value: bytes) -> bytes:
    """Return an element in Implicit VR Little Endian, with any value, also of odd length."""
    return struct.pack("<HHI", group, number, len(value)) + value


def item(*elements: bytes) -> bytes:
    return element(0xFFFE, 0xE000, b"".join(elements))


def film_box(session: str, *, padding: bytes = b"", extra: bytes = b"") -> bytes:
    reference = item(
        element(0x0008, 0x0000, struct.pack("<I", 99)),
        element(0x0008, 0x1150, BasicFilmSession.encode() + padding),
        element(0x0008, 0x1155, session.encode() + padding),
    )
    return b"".join(
        [
            extra,
            element(0x2010, 0x0010, b"STANDARD\\1,1" + padding),
            element(0x2010, 0x0040, b"PORTRAIT" + padding),
            element(0x2010, 0x0050, b"8INX10IN" + padding),
            element(0x2010, 0x0500, reference),
        ]
    )


def image(pixels: bytes) -> bytes:
    numbers = ((0x0002, 1), (0x0010, 3), (0x0011, 5), (0x0100, 8), (0x0101, 8), (0x0102, 7), (0x0103, 0))
    rows = {number: element(0x0028, number, struct.pack("<H", value)) for number, value in numbers}
    rows[0x0004] = element(0x0028, 0x0004, b"MONOCHROME2\0")
    matrix = b"".join(rows[number] for number in sorted(rows))
    return element(0x2020, 0x0010, b"\1\0") + element(0x2020, 0x0110, item(matrix, element(0x7FE0, 0x0010, pixels)))


@pytest.mark.parametrize("padding", [b"", b"\0", b" ", b"\0\0", b"  \0"], ids=repr)
@pytest.mark.parametrize(
    "extra", [b"", element(0x2010, 0x0000, bytes(4)), element(0x0009, 0x0010, b"AGFA")], ids=["", "length", "private"]
)
def test_group_lengths_and_padding_are_ignored(padding: bytes, extra: bytes) -> None:
    """PS3.5 §7.2 has retired group lengths; DCMTK's name for the UIDs is `CorrectUIDPadding`."""
    with over_the_wire(ImplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        answer = one.sent(META, CREATE_FILM, film_box(one.session(), padding=padding, extra=extra))
        assert (answer.Status, len(uids(answer, "ReferencedImageBoxSequence"))) == (0x0000, 1), answer.comment


@pytest.mark.parametrize("pixels", [bytes(15), bytes(16)], ids=["odd", "padded"])
def test_pixel_data_of_odd_length_is_accepted(pixels: bytes) -> None:
    with over_the_wire(ImplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        made = one.sent(META, CREATE_FILM, film_box(one.session()))
        (uid,) = uids(made, "ReferencedImageBoxSequence")
        box = NSetRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID=uid)
        assert one.sent(META, box, image(pixels)).Status == 0x0000
        assert one.sent(META, box, image(bytes(14))).Status == 0x0106
        assert one.print(BasicFilmBox, made.AffectedSOPInstanceUID or "").Status == 0x0000
    ((cell,),) = (film.sheet.cells for film in one.films)
    assert cell.image is not None
    assert cell.image.pixels.shape == (3, 5)


async def test_only_the_unsupported_context_is_refused() -> None:
    """Some SCUs also propose the retired Print Queue, and print (fo-dicom #1523)."""
    proposed = (PrintQueueManagement, META, BasicAnnotationBox, PresentationLUT, PrintJob, Verification)
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server:
        async with client(server, *proposed) as one:
            accepted = {context.abstract_syntax for context in one.association.contexts.values()}
            assert accepted == {*proposed} - {PrintQueueManagement}
            await one.fill_film()
            assert await one.print_film()


async def test_n_get_of_the_printer_is_answered_at_any_time() -> None:
    """Before, during and after a session, on either context."""
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, Printer) as one:

        async def asked() -> list[int]:
            contexts = [one.association.context_for(syntax) for syntax in (META, Printer)]
            return [(await scu.n_get(one.association, on, Printer, PrinterInstance)).Status for on in contexts]

        assert await asked() == [0, 0]
        await one.fill_film()
        assert await asked() == [0, 0]
        await one.delete()
        assert await asked() == [0, 0]


@pytest.mark.parametrize("how", ["release", "abort", "close"])
async def test_client_without_n_delete_leaves_nothing(how: str) -> None:
    """The reserved memory is free for the next client, and the film is printed."""
    gate = Gate()
    async with PrintServer(gate, port=0, config=PrinterConfig(MaximumMemoryAllocation=100)) as server:
        for _ in range(3):
            async with client(server, META) as one:
                await one.fill_film(MemoryAllocation=100)
                assert (await one.action()).Status == 0x0000
                if how == "abort":
                    one.association.abort()
                elif how == "close":
                    one.association.transport.close()
            await until(lambda: not server.associations)  # the printer has seen it go
        gate.go_on.set()
    assert server.printed == 3
