"""An archive as a destination, and the meaning of each of its answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from accepted import DOE, accepted_film
from certificates import Authority

from dimse.data import Dataset, pixel_array
from dimse.message import CStoreRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Handlers,
    Operation,
    Policy,
    Server,
    Service,
    TLSContext,
    accept_anyone,
    called_titles,
    serve,
    server_context,
)
from dimse.storage_classes import EncapsulatedPDFStorage
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage
from print_mgmt import ConfigError
from print_mgmt.destinations import Condition, DeliveryFailed, Outcome, PacsDestination, TLSFiles
from print_mgmt.film import CharacteristicCurve, Imager
from print_mgmt.typed import integer, text

pytestmark = pytest.mark.skips_waits

LATER, NEVER, INDETERMINATE = Outcome
Perform = Callable[[Operation], Awaitable[Response]]


class Pacs:
    """An archive that keeps instances by UID, and answers with ``status`` or calls ``perform``."""

    def __init__(self, status: int = 0, perform: Perform | None = None) -> None:
        self.instances: dict[str, Dataset] = {}
        self.stored: list[CStoreRQ] = []
        self.classes: tuple[str, ...] = (SecondaryCaptureImageStorage, EncapsulatedPDFStorage)
        self._status = status
        self._perform = perform or self._store

    async def _store(self, operation: Operation) -> Response:
        message, dataset = operation.message, operation.dataset()
        assert isinstance(message, CStoreRQ)
        assert dataset is not None
        self.stored.append(message)
        self.instances[message.AffectedSOPInstanceUID] = dataset
        return operation.reply(self._status, comment="so it is")

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG002
        yield {(sop_class, CStoreRQ): self._perform for sop_class in self.classes}

    @asynccontextmanager
    async def serving(self, tls: TLSContext | None = None, policy: Policy = accept_anyone) -> AsyncIterator[Server]:
        syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        service = Service(dict.fromkeys(self.classes, syntaxes), self._open)
        async with serve([VERIFICATION, service], port=0, tls=tls, policy=policy) as server:
            yield server


def pacs_at(server: Server, **options: object) -> PacsDestination:
    return PacsDestination(peer=f"PACS@{server.host}:{server.port}", dpi=20, **options)  # type: ignore[arg-type]  # any


async def fails(pacs: Pacs, **options: object) -> DeliveryFailed:
    async with pacs.serving() as server:
        with pytest.raises(DeliveryFailed) as raised:
            await pacs_at(server, **options).deliver(accepted_film(), DOE)
    assert str(raised.value).startswith(f"PACS@{server.host}:{server.port}: ")
    return raised.value


async def test_film_is_stored_with_its_patient() -> None:
    pacs, film = Pacs(), accepted_film()
    async with pacs.serving() as server:
        receipt = await pacs_at(server).deliver(film, DOE)
    (stored,) = pacs.instances.values()
    assert receipt.made == (stored.SOPInstanceUID,)
    assert (stored.PatientName, stored.PatientID, stored.StudyInstanceUID) == ("Doe^Jane", "4711", "1.2.3")
    np.testing.assert_array_equal(pixel_array(stored), (await film.render(20)).pixels)


async def test_unidentified_film_makes_a_study_of_its_job() -> None:
    pacs = Pacs()
    async with pacs.serving() as server:
        await pacs_at(server).deliver(accepted_film(), Dataset())
    (stored,) = pacs.instances.values()
    assert text(stored, "StudyInstanceUID").startswith("2.25.")
    assert (stored.PatientID, stored.StudyDate, stored.StudyTime) == (None, "20250102", "030405")


async def test_printer_with_a_curve_archives_p_values() -> None:
    """The object declares its values as P-Values, PS3.3 C.11.6."""
    pacs, imager = Pacs(), Imager(curve=CharacteristicCurve((0.2, 3.0), (0, 255)))
    async with pacs.serving() as server:
        await pacs_at(server).deliver(accepted_film(imager=imager), DOE)
    (stored,) = pacs.instances.values()
    assert stored.PresentationLUTShape == "IDENTITY"
    np.testing.assert_array_equal(pixel_array(stored), (await accepted_film().render(20)).pixels)


async def test_identified_study_date_gets_no_time_of_the_print() -> None:
    pacs = Pacs()
    async with pacs.serving() as server:
        await pacs_at(server).deliver(accepted_film(), Dataset(StudyDate="20240229"))
    (stored,) = pacs.instances.values()
    assert (stored.StudyDate, stored.StudyTime, stored.ContentTime) == ("20240229", None, "030405")


async def test_repeat_stores_the_same_instance() -> None:
    pacs = Pacs()
    async with pacs.serving() as server:
        for _ in range(2):
            await pacs_at(server).deliver(accepted_film(), DOE)
        await pacs_at(server).deliver(accepted_film(SOPInstanceUID="1.2.840.4712"), DOE)
    assert (len(pacs.stored), len(pacs.instances)) == (3, 2)


async def test_film_is_stored_as_a_document() -> None:
    pacs = Pacs()
    async with pacs.serving() as server:
        await pacs_at(server, object="pdf").deliver(accepted_film(), DOE)
    (stored,) = pacs.instances.values()
    assert (stored.SOPClassUID, stored.MIMETypeOfEncapsulatedDocument) == (EncapsulatedPDFStorage, "application/pdf")
    document = stored.EncapsulatedDocument
    assert isinstance(document, bytes | memoryview)
    document = bytes(document[: integer(stored, "EncapsulatedDocumentLength")])
    assert document.startswith(b"%PDF-1.7")
    assert document.endswith(b"%%EOF\n")


async def test_priority_of_the_film_is_kept() -> None:
    pacs = Pacs()
    async with pacs.serving() as server:
        await pacs_at(server).deliver(accepted_film(PrintPriority="HIGH"), DOE)
    assert pacs.stored[0].Priority == 1


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007, 0x0111])
async def test_warning_counts_as_stored(status: int) -> None:
    async with Pacs(status).serving() as server:
        receipt = await pacs_at(server).deliver(accepted_film(), DOE)
    (warning,) = receipt.warnings
    assert f"C-STORE: status {status:04X}H" in warning
    assert warning.endswith(": so it is")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0xA700, LATER),
        (0xA7FF, LATER),
        (0x0110, LATER),
        (0x0124, LATER),
        (0x0213, LATER),
        (0xA900, NEVER),
        (0xC000, NEVER),
        (0xCFFF, NEVER),
        (0x0117, NEVER),
        (0x0122, NEVER),
    ],
)
async def test_failure_says_whether_to_try_again(status: int, outcome: Outcome) -> None:
    failure = await fails(Pacs(status))
    assert failure.outcome is outcome
    assert f"status {status:04X}H" in str(failure)


async def test_archive_without_the_sop_class_never_gets_it() -> None:
    pacs = Pacs()
    pacs.classes = (EncapsulatedPDFStorage,)
    assert (await fails(pacs)).outcome is NEVER


async def test_lost_connection_is_tried_again() -> None:
    async def drop(operation: Operation) -> Response:
        operation.association.abort()
        return operation.reply()

    assert (await fails(Pacs(perform=drop))).outcome is LATER


async def test_silent_archive_is_tried_again() -> None:
    async def hang(_operation: Operation) -> Response:
        return await asyncio.Future[Response]()

    assert (await fails(Pacs(perform=hang), seconds=0.2)).outcome is LATER


async def test_rejected_association_is_tried_again() -> None:
    async with Pacs().serving(policy=called_titles("OTHER")) as server:
        with pytest.raises(DeliveryFailed, match="called-AE-title-not-recognized") as raised:
            await pacs_at(server).deliver(accepted_film(), DOE)
        condition = await pacs_at(server).check()
    assert raised.value.outcome is LATER
    assert (condition.PrinterStatus, condition.PrinterStatusInfo) == ("WARNING", "CHECK PRINTER")


async def test_film_is_stored_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    theirs, ours = authority.issue("pacs"), authority.issue("printer")
    tls = TLSFiles(ca=str(authority.ca), certificate=str(ours.certificate), key=str(ours.key))
    pacs = Pacs()
    async with pacs.serving(server_context(theirs.certificate, theirs.key, ca=authority.ca)) as server:
        await pacs_at(server, tls=tls).deliver(accepted_film(), DOE)
    assert len(pacs.instances) == 1


async def test_missing_certificate_is_tried_again() -> None:
    failure = await fails(Pacs(), tls=TLSFiles(ca="/nowhere/ca.pem"))
    assert failure.outcome is LATER
    assert "/nowhere/ca.pem" in str(failure)


async def test_check_associates_with_the_archive() -> None:
    async with Pacs().serving() as server:
        assert await pacs_at(server).check() == Condition()
    condition = await pacs_at(server).check()
    assert condition.PrinterStatus == "WARNING"
    assert "cannot connect" in condition.reason


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("peer", {"peer": "localhost"}),
        ("peer", {"peer": "A-TITLE-OF-17-CHARS@h:1"}),
        ("calling", {"calling": "A-TITLE-OF-17-CHARS"}),
        ("seconds", {"seconds": -1.0}),
        ("dpi", {"dpi": 0}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        PacsDestination(**{"peer": "PACS@127.0.0.1:104", **values})  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.key == key
