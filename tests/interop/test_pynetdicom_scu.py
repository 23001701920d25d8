"""pynetdicom as the SCU of our printer: the film has all sent attributes, and defaults for the others."""

import asyncio
from typing import Any

import numpy as np
import pytest
from peers import Films, Pixels, need
from pynetdicom_scu import associated, image_item

from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PrinterInstance,
    Verification,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt import PrintServer

pytestmark = pytest.mark.interop

pydicom, pynetdicom = need("pydicom"), need("pynetdicom")


def _noise(rows: int, columns: int, *planes: int, bits: int = 8) -> Pixels:
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(rows).integers(0, 1 << bits, (rows, columns, *planes), dtype)


@pytest.mark.parametrize("own_uids", [False, True], ids=["printer's UIDs", "own UIDs"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
@pytest.mark.parametrize("bits", [8, 12])
async def test_pynetdicom_prints_gray_films(bits: int, syntax: str, own_uids: bool) -> None:
    """Pixels and attributes of a film of six, of odd sizes; box 4 stays empty, box 6 is MONOCHROME1."""
    pixels = [_noise(rows, columns, bits=bits) for rows, columns in ((31, 33), (40, 20), (1, 1), (300, 7), (9, 9))]

    def work(port: int) -> None:
        with associated(port, syntax=syntax, own_uids=own_uids) as scu:
            session = scu.session(NumberOfCopies=3, FilmSessionLabel="Müller", SpecificCharacterSet="ISO_IR 100")
            film = scu.film(session.SOPInstanceUID, "STANDARD\\2,3", FilmSizeID="A3", FilmOrientation="LANDSCAPE")
            assert (session.Status, film.Status, len(film.dataset.ReferencedImageBoxSequence)) == (0, 0, 6)
            assert film.dataset.MagnificationType == "BILINEAR"  # a default in our answer, PS3.4 H.4.2
            for position, image in zip((1, 2, 3, 5), pixels[:4], strict=True):
                assert scu.image(film, position, image_item(image, bits)).Status == 0
            inverse = image_item(pixels[4], bits, "MONOCHROME1")
            inverse.PixelAspectRatio = [2, 1]
            assert scu.image(film, 6, inverse, Polarity="REVERSE", MagnificationType="NONE").Status == 0
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0
            assert scu.delete(BasicFilmBox, film.SOPInstanceUID).Status == 0
            assert scu.delete(BasicFilmSession, session.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    (film,) = films
    assert (film.calling_ae_title, film.copies, film.film_session.FilmSessionLabel) == ("PNDSCU", 3, "Müller")
    assert (film.film_box.FilmSizeID, film.film_box.FilmOrientation) == ("A3", "LANDSCAPE")
    cells = film.sheet.cells
    assert cells[3].image is None
    for index, expected in zip((0, 1, 2, 4, 5), pixels, strict=True):
        image = cells[index].image
        assert image is not None
        assert image.BitsStored == bits
        np.testing.assert_array_equal(image.pixels, expected)
    assert cells[5].image is not None
    assert (cells[5].image.PhotometricInterpretation, cells[5].image.PixelAspectRatio) == ("MONOCHROME1", (2, 1))
    assert (cells[5].Polarity, cells[5].MagnificationType) == ("REVERSE", "NONE")


@pytest.mark.parametrize("planar", [1, 0], ids=["by planes", "by pixels"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
async def test_pynetdicom_prints_color_films(syntax: str, planar: int) -> None:
    """RGB by planes, as PS3.3 C.13.5 requires, and by pixels, as modalities send them; N-ACTION on the session."""
    pixels = [_noise(25, 31, 3), _noise(64, 48, 3)]

    def work(port: int) -> None:
        with associated(port, BasicColorPrintManagementMeta, syntax) as scu:
            session = scu.session()
            film = scu.film(session.SOPInstanceUID, "STANDARD\\1,2")
            for position, image in enumerate(pixels, 1):
                assert scu.image(film, position, image_item(image, photometric="RGB", planar=planar)).Status == 0
            assert scu.print(BasicFilmSession, session.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    (film,) = films
    for cell, expected in zip(film.sheet.cells, pixels, strict=True):
        assert cell.image is not None
        np.testing.assert_array_equal(cell.image.pixels, expected)
    assert (await film.render(50)).pixels.shape == (850, 700, 3)


async def test_pynetdicom_reads_the_printer() -> None:
    """N-GET of nine attributes at once, PS3.3 C.13.9, of all without a list, and of one that no printer has."""
    keywords = (
        "PrinterStatus", "PrinterStatusInfo", "PrinterName", "Manufacturer", "ManufacturerModelName",
        "DeviceSerialNumber", "SoftwareVersions", "DateOfLastCalibration", "TimeOfLastCalibration",
    )  # fmt: skip

    def work(port: int) -> None:
        with associated(port) as scu:
            nine = scu.get(PrinterClass, PrinterInstance, *keywords)
            assert nine.Status == 0
            assert {element.keyword for element in nine.dataset} == set(keywords)
            assert (nine.dataset.PrinterStatus, nine.dataset.PrinterName) == ("NORMAL", "PRINTSCP")
            everything = scu.get(PrinterClass, PrinterInstance)
            assert everything.dataset == nine.dataset
            two = scu.get(PrinterClass, PrinterInstance, "PrinterStatus", "NumberOfCopies")
            assert two.Status == 0x0107  # attribute list error, which is a warning: PS3.7 Annex C
            assert [element.keyword for element in two.dataset] == ["PrinterStatus"]

    async with PrintServer(Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)


async def test_empty_film_is_a_warning() -> None:
    """B603 for a film box without images, B602 for a session without images, C600 for a session without film boxes."""

    def work(port: int) -> None:
        with associated(port) as scu:
            session = scu.session().SOPInstanceUID
            assert scu.print(BasicFilmSession, session).Status == 0xC600
            film = scu.film(session, "STANDARD\\2,2").SOPInstanceUID
            assert scu.print(BasicFilmBox, film).Status == 0xB603
            assert scu.print(BasicFilmSession, session).Status == 0xB602

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    assert all(cell.image is None for film in films for cell in film.sheet.cells)


async def test_warnings_do_not_end_the_work() -> None:
    """B600 for unallocated memory, 0116 with our default for an unsupported value; the association continues."""

    def work(port: int) -> None:
        with associated(port) as scu:
            session = scu.session(MemoryAllocation=1000)
            assert session.Status == 0xB600
            assert "MemoryAllocation" not in session.dataset
            film = scu.film(session.SOPInstanceUID, "STANDARD\\1,1", MagnificationType="MAGIC", Trim="PERHAPS")
            assert (film.Status, film.dataset.MagnificationType) == (0x0116, "BILINEAR")
            assert scu.image(film, 1, image_item(_noise(3, 3))).Status == 0
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    assert [film.film_box.MagnificationType for film in films] == ["BILINEAR"]


async def test_wrong_requests_have_their_status() -> None:
    """Statuses of PS3.7 Annex C and PS3.4 H.4; the association goes on after each."""

    def work(port: int) -> None:
        with associated(port) as scu:
            nobody = pydicom.uid.generate_uid()
            assert scu.film(nobody, "STANDARD\\1,1").Status == 0x0106
            session = scu.session().SOPInstanceUID
            assert scu.session().Status != 0
            assert scu.film(session, "STANDARD\\0,1").Status == 0x0106
            film = scu.film(session, "STANDARD\\1,1")
            item = image_item(_noise(4, 4))
            item.Rows = 5
            assert scu.image(film, 1, item).Status == 0x0106
            del item.Rows
            assert scu.image(film, 1, item).Status == 0x0120
            assert scu.print(BasicFilmBox, nobody).Status == 0x0112
            assert scu.image(film, 1, image_item(_noise(4, 4))).Status == 0
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    assert len(films) == 1


async def test_release_deletes_instances_but_not_films() -> None:
    """Instances end with their association, PS3.4 H.4.1; accepted films do not."""

    def work(port: int) -> None:
        for _ in range(2):
            with associated(port, own_uids=True) as scu:
                film = scu.film(scu.session().SOPInstanceUID, "STANDARD\\1,1")
                assert scu.image(film, 1, image_item(_noise(8, 8))).Status == 0
                assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    assert [film.number for film in films] == [1, 2]


async def test_abort_after_an_image_prints_nothing() -> None:
    """After A-ABORT nothing is printed, and the printer prints the next film."""

    def work(port: int) -> None:
        with associated(port) as scu:
            film = scu.film(scu.session().SOPInstanceUID, "STANDARD\\1,1")
            scu.image(film, 1, image_item(_noise(8, 8)))
            scu.association.abort()
        with associated(port) as scu:
            assert scu.association.send_c_echo().Status == 0
            film = scu.film(scu.session().SOPInstanceUID, "STANDARD\\1,1")
            scu.image(film, 1, image_item(_noise(9, 9)))
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0
            scu.association.abort()  # an accepted film is printed all the same

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    (film,) = films
    assert film.sheet.cells[0].image is not None
    assert film.sheet.cells[0].image.pixels.shape == (9, 9)


async def test_unknown_user_information_is_ignored() -> None:
    """Items of PS3.7 Annex D.3.3 that we do not use."""
    primitives = need("pynetdicom.pdu_primitives")
    identity = primitives.UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 1, b"who"
    window = primitives.AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked, window.maximum_number_operations_performed = 5, 5
    extended = primitives.SOPClassExtendedNegotiation()
    extended.sop_class_uid, extended.service_class_application_information = Verification, b"\1\2"
    common = primitives.SOPClassCommonExtendedNegotiation()
    common.sop_class_uid, common.service_class_uid = Verification, "1.2.840.10008.4.2"
    role = primitives.SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = Verification, True, True

    def work(port: int) -> None:
        for item in (identity, window, extended, common, role):
            with associated(port, items=[item]) as scu:
                assert scu.association.send_c_echo().Status == 0, item

    async with PrintServer(Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)


async def test_passcode_over_plain_tcp_is_refused() -> None:
    """A passcode that can be read on the wire does not identify a user (PS3.7 D.3.3.7, PS3.15 B.12)."""
    identity = need("pynetdicom.pdu_primitives").UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field, identity.secondary_field = 2, b"who", b"secret"

    def work(port: int) -> list[tuple[int, int, int]]:
        """Return result, source and reason of each A-ASSOCIATE-RJ: `is_rejected` is not always set when one came."""
        came: list[tuple[int, int, int]] = []

        def receive(event: Any) -> None:
            if isinstance(event.pdu, need("pynetdicom.pdu").A_ASSOCIATE_RJ):
                came.append((event.pdu.result, event.pdu.source, event.pdu.reason_diagnostic))

        entity = pynetdicom.AE()
        entity.add_requested_context(Verification)
        entity.associate("127.0.0.1", port, ext_neg=[identity], evt_handlers=[(pynetdicom.evt.EVT_PDU_RECV, receive)])
        return came

    async with PrintServer(Films(), port=0) as server:
        assert await asyncio.to_thread(work, server.port) == [(1, 2, 1)]


async def test_six_associations_print_at_the_same_time() -> None:
    """Each has its own session, and films do not mix."""

    def work(port: int, number: int) -> None:
        with associated(port) as scu:
            session = scu.session(FilmSessionLabel=str(number))
            film = scu.film(session.SOPInstanceUID, "STANDARD\\1,1")
            scu.image(film, 1, image_item(_noise(number, 5)))
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.gather(*(asyncio.to_thread(work, server.port, number) for number in range(1, 7)))
    rows = {str(film.film_session.FilmSessionLabel): film.sheet.cells[0].image for film in films}
    assert {label: image and image.pixels.shape for label, image in rows.items()} == {
        str(number): (number, 5) for number in range(1, 7)
    }


@pytest.mark.parametrize("bits", [8, 12])
async def test_pynetdicom_prints_in_big_endian(bits: int) -> None:
    """The only syntax of some old modalities; PS3.5 Annex A.3, retired. 8 bits are OB, which has no byte order."""
    pixels = _noise(12, 16, bits=bits)

    def work(port: int) -> None:
        with associated(port, syntax=ExplicitVRBigEndian) as scu:
            session = scu.session(NumberOfCopies=2, FilmSessionLabel="Müller", SpecificCharacterSet="ISO_IR 100")
            film = scu.film(session.SOPInstanceUID, "STANDARD\\1,1", FilmSizeID="A4", MaxDensity=250)
            item = image_item(pixels, bits)
            item.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
            item["PixelData"].VR = "OB" if bits == 8 else "OW"
            assert scu.image(film, 1, item).Status == 0
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    (film,) = films
    assert (film.copies, film.film_session.FilmSessionLabel, film.film_box.MaxDensity) == (2, "Müller", 250)
    (cell,) = film.sheet.cells
    assert cell.image is not None
    assert np.array_equal(cell.image.pixels, pixels)
