"""Passes accepted films on to another DICOM printer, in the role of its SCU (PS3.4 Annex H).

A film is sent unchanged: the attributes that the client sent, the images in their boxes, Presentation LUTs, overlays
and annotations. If the other printer does not accept the unchanged film, it gets the rendered film as one image.

A film is never printed twice. After N-ACTION has been sent, only a failure status proves that nothing was printed; in
all other cases the film is not sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dimse.data import Dataset, Value
from dimse.errors import ContextNotAccepted, DecodeError, DimseError, EncodeError
from dimse.uids import BasicPrintImageOverlayBox, ImageOverlayBox
from dimse.uids import PresentationLUT as PresentationLUTClass

from ..attributes import FILM_BOX, FILM_SESSION, IMAGE_BOX, Table, pick, row_of
from ..film import PresentationLUT, PrintImage, Sheet
from ..images import prepare
from ..model import reference
from ..scp import Film
from ..scu import OPTIONAL, FilmBox, Job, PrintClient, PrintFailed
from ..status import (
    ATTRIBUTE_LIST,
    CLASS_CONFLICT,
    CLASS_NOT_SUPPORTED,
    COMBINED_TOO_LARGE,
    IMAGE_TOO_LARGE,
    INVALID_ARGUMENT,
    INVALID_INSTANCE,
    INVALID_VALUE,
    MISSING_ATTRIBUTE,
    MISSING_VALUE,
    MISTYPED_ARGUMENT,
    NO_MEMORY,
    NO_SUCH_ARGUMENT,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_CLASS,
    NO_SUCH_INSTANCE,
    OUT_OF_RANGE,
)
from .destination import DeliveryFailed, Outcome, Receipt

__all__ = ["optional_classes", "relay"]

# Failure statuses of a printer that does not accept the film as it is; after any other status, a retry may succeed
_NOT_ACCEPTED = frozenset(
    {
        NO_SUCH_ATTRIBUTE,
        INVALID_VALUE,
        ATTRIBUTE_LIST,
        NO_SUCH_INSTANCE,
        NO_SUCH_ARGUMENT,
        INVALID_ARGUMENT,
        OUT_OF_RANGE,
        INVALID_INSTANCE,
        NO_SUCH_CLASS,
        CLASS_CONFLICT,
        MISSING_ATTRIBUTE,
        MISSING_VALUE,
        CLASS_NOT_SUPPORTED,
        MISTYPED_ARGUMENT,
        IMAGE_TOO_LARGE,
        NO_MEMORY,
        COMBINED_TOO_LARGE,
    }
)
# Attributes that are not passed on: `PrintClient` sets the first two, and the third concerns only this printer
_NOT_SENT = ("ImageBoxPosition", "ReferencedFilmSessionSequence", "MemoryAllocation")
_PLAIN_SESSION = ("NumberOfCopies", "PrintPriority", "MediumType", "FilmDestination")  # sent with a rendered film


class _NotAcceptedError(DimseError):
    """A film that the other printer does not accept unchanged."""


@dataclass(slots=True)
class _Attempt:
    """The progress of one attempt to print a film."""

    box: FilmBox | None = None
    job: Job | None = None
    warnings: list[str] = field(default_factory=list)


def optional_classes(sheet: Sheet) -> tuple[str, ...]:
    """Return the optional SOP Classes to propose for a film.

    Presentation LUT is proposed only for a film that has one: if it is proposed, DCMTK's printer refuses images without
    a Presentation LUT.
    """
    luts = (PresentationLUTClass,) if _distinct_luts(sheet) else ()
    overlays = (BasicPrintImageOverlayBox, ImageOverlayBox) if any(cell.overlays for cell in sheet.cells) else ()
    return (*OPTIONAL, *luts, *overlays)


async def relay(client: PrintClient, film: Film, *, dpi: int, follow: float) -> Receipt:
    """Print a film on the printer of ``client``: unchanged, or else rendered with ``dpi`` pixels per inch.

    Then wait at most ``follow`` seconds for the end of the print job; with 0, do not wait. Raises `DeliveryFailed`, and
    what `PrintClient` raises if nothing was printed.
    """
    try:
        return await _deliver(client, film, _send_unchanged, follow)
    except (_NotAcceptedError, ContextNotAccepted, EncodeError) as exc:
        reason = str(exc)
    except PrintFailed as exc:
        if exc.status not in _NOT_ACCEPTED:
            raise
        reason = str(exc)

    async def send_rendered(client: PrintClient, film: Film, attempt: _Attempt) -> None:
        await _send_rendered(client, film, attempt, dpi)

    try:
        receipt = await _deliver(client, film, send_rendered, follow)
    except PrintFailed as exc:
        outcome = Outcome.NEVER if exc.status in _NOT_ACCEPTED else Outcome.LATER
        raise DeliveryFailed(outcome, f"{exc}; before that: {reason}") from exc
    return replace(receipt, warnings=(f"sent as one image: {reason}", *receipt.warnings))


async def _deliver(
    client: PrintClient, film: Film, send: Callable[[PrintClient, Film, _Attempt], Awaitable[None]], follow: float
) -> Receipt:
    """Send a film with ``send``, and return the result of the delivery.

    A call that is canceled after the printer has accepted the film returns its result with a warning. A call that is
    canceled earlier raises CancelledError; if N-ACTION was sent, the film may be printed nevertheless. Raises
    `DeliveryFailed` if the film may have been printed, and what ``send`` raises if it was not printed.
    """
    attempt, warned = _Attempt(), len(client.warnings)
    try:
        await send(client, film, attempt)
        if attempt.job is not None and follow:
            await _await_job(attempt.job, follow, attempt)
    except DeliveryFailed:
        raise
    except asyncio.CancelledError:
        if attempt.job is None:
            raise
        attempt.warnings.append("the delivery was stopped after the film was accepted")
    except Exception as exc:
        was_asked = attempt.box is not None and attempt.box.was_asked
        if attempt.job is None and (not was_asked or isinstance(exc, PrintFailed)):
            raise
        if attempt.job is None:
            reason = f"{exc}; it is unknown whether the film was printed"
            raise DeliveryFailed(Outcome.INDETERMINATE, reason) from exc
        attempt.warnings.append(f"after the film was accepted: {exc}")
    job = "" if attempt.job is None else attempt.job.SOPInstanceUID
    return Receipt((job,) if job else (), (*client.warnings[warned:], *attempt.warnings))


async def _await_job(job: Job, seconds: float, attempt: _Attempt) -> None:
    """Wait for the end of a print job. Raises `DeliveryFailed` if the job ends in FAILURE."""
    try:
        async with asyncio.timeout(seconds):
            status = await job.wait()
    except TimeoutError:
        attempt.warnings.append(f"the print job did not end within {seconds:g} s")
        return
    if status == "FAILURE":  # the printer may keep the job, and print it after its repair
        reason = f"the print job ended in FAILURE: {job.ExecutionStatusInfo}"
        raise DeliveryFailed(Outcome.INDETERMINATE, reason)
    if status != "DONE":
        known = status or "unknown"
        attempt.warnings.append(f"the printer did not report the end of the print job; its status is {known}")


# --- unchanged ---


async def _send_unchanged(client: PrintClient, film: Film, attempt: _Attempt) -> None:
    sheet = film.sheet
    _check_images(client, sheet)
    async with client.film_session(**_session_attributes(film)) as session:
        luts = {id(lut): await session.presentation_lut(lut) for lut in _distinct_luts(sheet).values()}
        film_box = pick(FILM_BOX, _film_box_attributes(film))
        if sheet.presentation_lut is not None:
            lut = luts[id(sheet.presentation_lut)]
            film_box.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, lut)]
        async with session.film_box_of(film_box) as box:
            await _fill_boxes(box, film, luts)
            attempt.box = box
            attempt.job = await box.print()


async def _fill_boxes(box: FilmBox, film: Film, luts: Mapping[int, str]) -> None:
    """Set the images and annotations of a film. Raises `_NotAcceptedError` if the printer has created too few boxes."""
    sheet = film.sheet
    needed = max((position for position, cell in enumerate(sheet.cells, 1) if cell.image is not None), default=0)
    if needed > len(box.image_boxes):
        raise _NotAcceptedError(f"the printer made {len(box.image_boxes)} image boxes, but the film needs {needed}")
    written = max((annotation.AnnotationPosition for annotation in sheet.annotations), default=0)
    if written > len(box.annotation_boxes):
        raise _NotAcceptedError(
            f"the printer made {len(box.annotation_boxes)} annotation boxes, but the film needs {written}"
        )
    for position, cell in enumerate(sheet.cells, 1):
        if cell.image is None:
            continue
        attributes = _image_box_attributes(film, position - 1)
        if cell.presentation_lut is not None:
            lut = luts[id(cell.presentation_lut)]
            attributes.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, lut)]
        await box.put(position, cell.image, attributes, next(iter(cell.overlays), None))
    for annotation in sheet.annotations:
        await box.annotate(annotation.AnnotationPosition, annotation.TextString)


def _check_images(client: PrintClient, sheet: Sheet) -> None:
    """Raise `_NotAcceptedError` for images that the image boxes of this association cannot hold."""
    for position, cell in enumerate(sheet.cells, 1):
        if cell.image is not None and (cell.image.PhotometricInterpretation == "RGB") != client.is_color:
            boxes = "color" if client.is_color else "grayscale"
            raise _NotAcceptedError(
                f"image {position} is {cell.image.PhotometricInterpretation}, but the image boxes are {boxes}"
            )
        if len(cell.overlays) > 1:
            raise _NotAcceptedError(f"image {position} has {len(cell.overlays)} overlays")


def _distinct_luts(sheet: Sheet) -> dict[int, PresentationLUT]:
    """Return the distinct Presentation LUTs of a film, by their ``id()``."""
    luts = (sheet.presentation_lut, *(cell.presentation_lut for cell in sheet.cells if cell.image is not None))
    return {id(lut): lut for lut in luts if lut is not None}


# --- rendered ---


async def _send_rendered(client: PrintClient, film: Film, attempt: _Attempt, dpi: int) -> None:
    """Send a film as one image, with only those attributes that control film size, copies, medium and destination."""
    image = await _render_image(film, dpi, color=client.is_color)
    sheet = film.sheet
    needed = {keyword: value for keyword, value in _session_attributes(film).items() if keyword in _PLAIN_SESSION}
    film_box = Dataset(ImageDisplayFormat="STANDARD\\1,1", FilmOrientation="PORTRAIT", FilmSizeID=sheet.FilmSizeID)
    async with client.film_session(**needed) as session:
        async with session.film_box_of(film_box) as box:
            await box.put(1, image, Dataset())
            attempt.box = box
            attempt.job = await box.print()


async def _render_image(film: Film, dpi: int, *, color: bool) -> PrintImage:
    """Return a film as one image of P-Values in 8 bits, in portrait orientation: some printers lack landscape."""
    page = await film.render(dpi, p_values=True)
    upright = np.rot90(page.pixels) if film.sheet.FilmOrientation == "LANDSCAPE" else page.pixels
    return await asyncio.to_thread(prepare, np.ascontiguousarray(upright), color=color, bits=8)


# --- attributes that the client sent ---


def _session_attributes(film: Film) -> dict[str, Value]:
    sent = _sent_attributes(film.film_session, FILM_SESSION, film.defaulted)
    return {**sent, "NumberOfCopies": film.copies, "PrintPriority": film.job.PrintPriority}


def _film_box_attributes(film: Film) -> dict[str, Value]:
    sheet, sent = film.sheet, _sent_attributes(film.film_box, FILM_BOX, film.defaulted)
    laid_out = {
        "ImageDisplayFormat": sheet.ImageDisplayFormat,
        "FilmOrientation": sheet.FilmOrientation,
        "FilmSizeID": sheet.FilmSizeID,
    }
    return {**sent, **laid_out}


def _image_box_attributes(film: Film, index: int) -> Dataset:
    boxes = film.image_boxes  # ``film.defaulted`` does not apply: it names attributes of film session and film box
    return pick(IMAGE_BOX, _sent_attributes(boxes[index], IMAGE_BOX) if index < len(boxes) else {})


def _sent_attributes(attributes: Dataset, table: Table, defaulted: Collection[str] = ()) -> dict[str, Value]:
    """Return the attributes of an instance that the client sent and that are in ``table``, without sequences.

    ``defaulted`` names the attributes that are left out because this printer, not the client, has chosen their values.
    """
    sent: dict[str, Value] = {}
    for element in attributes:
        keyword = element.keyword
        if keyword and element.VR != "SQ" and keyword not in (*defaulted, *_NOT_SENT) and row_of(table, keyword):
            try:
                value = element.value
            except DecodeError:  # this printer has ignored the value, too
                continue
            if value is not None:
                sent[keyword] = value
    return sent
