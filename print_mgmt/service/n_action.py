"""N-ACTION (Print) of a film box or a film session (PS3.4 H.4.1.2.4 and H.4.2.2.4)."""

from collections.abc import Sequence
from dataclasses import replace

from dimse.data import Dataset
from dimse.errors import DecodeError
from dimse.message import NActionRQ
from dimse.uids import PrintJob as PrintJobClass

from ..film import Cell, LayoutError, PrintImage, Sheet, check_sheet
from ..images import ImageError, prepare
from ..items import to_item
from ..jobs import PrintJob
from ..model import FilmBox, FilmCopy, FilmSession, ImageBox, VOIBox, reference
from ..status import (
    EMPTY_FILM,
    EMPTY_SESSION,
    INVALID_ARGUMENT,
    NO_FILM_BOX,
    NO_SUCH_ACTION,
    NO_SUCH_ARGUMENT,
    NOT_COLLATED,
    PROCESSING_FAILURE,
    SUCCESS,
    UNRECOGNIZED_OPERATION,
    meaning,
)
from ..typed import integer, text
from .answer import Answer, failure
from .image_box import placement_status
from .instances import Instances

__all__ = ["print_film_box", "print_film_session"]

_FIRST_WINDOW = 1  # the first window or table of a VOI LUT Box is used; if it is invalid, printing fails
_PRINT = 1  # the only Action Type ID, PS3.4 Tables H.4-3 and H.4-8


def print_film_box(instances: Instances, box: FilmBox, message: NActionRQ, dataset: Dataset) -> Answer:
    """Return the answer to N-ACTION of a film box, with a job of one film. Raises `ServiceError`."""
    _check_action(instances, message, dataset)
    return _print(instances, [box], EMPTY_FILM)


def print_film_session(instances: Instances, session: FilmSession, message: NActionRQ, dataset: Dataset) -> Answer:
    """Return the answer to N-ACTION of a film session, with a job of all its films. Raises `ServiceError`.

    The job is collated if the printer can collate that number of films.
    """
    limit = instances.config.MaximumCollatedFilms
    if not limit:
        raise failure(UNRECOGNIZED_OPERATION, "this printer prints no film sessions: print each film box")
    _check_action(instances, message, dataset)
    if not session.film_boxes:
        raise failure(NO_FILM_BOX, "the film session has no film box")
    collated = instances.config.collates and len(session.film_boxes) <= limit
    return _print(instances, session.film_boxes, EMPTY_SESSION, collated=collated)


def _check_action(instances: Instances, message: NActionRQ, dataset: Dataset) -> None:
    if message.ActionTypeID != _PRINT:
        raise failure(NO_SUCH_ACTION, f"Action Type ID {message.ActionTypeID}: only 1 (Print) is defined")
    if instances.config.strict:  # a tolerant printer ignores the Data Set that some SCUs send
        for element in dataset:
            try:
                _ = element.value
            except DecodeError as exc:
                raise failure(INVALID_ARGUMENT, exc.brief) from exc
            raise failure(NO_SUCH_ARGUMENT, f"{element.keyword or element.tag}: Print has no Action Information")
    state = instances.state
    if state.PrinterStatus == "FAILURE" and not instances.config.spools:
        raise failure(PROCESSING_FAILURE, f"the printer is in FAILURE: {state.PrinterStatusInfo}")


def _print(instances: Instances, boxes: Sequence[FilmBox], empty: int, *, collated: bool = True) -> Answer:
    """Return the answer with a job of the films of ``boxes``; ``empty`` is the status of a job without images."""
    session = instances.session
    assert session is not None
    contents = [tuple([_make_cell(image_box) for image_box in box.image_boxes]) for box in boxes]
    status = max(map(placement_status, boxes, contents))
    if not any(cell.image for cells in contents for cell in cells):
        status = empty
    elif not collated:
        status = NOT_COLLATED
    sheets = [box.sheet(cells, session.lut) for box, cells in zip(boxes, contents, strict=True)]
    for sheet in sheets:
        _check_sheet(sheet)
    films = tuple([FilmCopy.of(session, box, sheet) for box, sheet in zip(boxes, sheets, strict=True)])
    for box in boxes:
        box.jobs += 1
    job = PrintJob(
        films=films,
        copies=integer(session.attributes, "NumberOfCopies", 1),
        collated=collated,
        PrintPriority=text(session.attributes, "PrintPriority", "MED"),
        Originator=instances.calling_ae_title,
        host=instances.host,
        PrinterName=instances.config.printer.PrinterName,
        FilmSessionLabel=text(session.attributes, "FilmSessionLabel"),
    )
    return Answer(
        Status=status,
        comment=meaning(status) if status != SUCCESS else "",
        dataset=_job_reference(instances, job),
        ActionTypeID=_PRINT,
        job=job,
    )


def _check_sheet(sheet: Sheet) -> None:
    """Raise `ServiceError` for a film that the renderer would refuse later, when the client could no longer react."""
    try:
        check_sheet(sheet)
    except LayoutError as exc:
        raise failure(PROCESSING_FAILURE, str(exc)) from exc


def _job_reference(instances: Instances, job: PrintJob) -> Dataset | None:
    """Return the reference to the Print Job (PS3.4 Tables H.4-3 and H.4-8).

    Return None if the SCU has not negotiated Print Job, or does not tolerate the reference.
    """
    if PrintJobClass not in instances.negotiated or not instances.caller.job_reference:
        return None
    return Dataset(ReferencedPrintJobSequencePullStoredPrint=[reference(PrintJobClass, job.SOPInstanceUID)])


def _make_cell(box: ImageBox) -> Cell:
    cell = box.cell()
    if box.voi is None or cell.image is None or cell.image.PhotometricInterpretation == "RGB":  # VOI LUTs are for gray
        return cell
    return replace(cell, image=_with_voi(cell.image, box.voi))


def _with_voi(image: PrintImage, voi: VOIBox) -> PrintImage:
    """Return the image with the window or the table of a VOI LUT Box applied. Raises `ServiceError` (0110)."""
    item = to_item(image)
    item.update(voi.attributes)
    try:
        made = prepare(item, color=False, bits=12 if image.BitsStored > 8 else 8, window=_FIRST_WINDOW)
    except ImageError as exc:
        raise failure(PROCESSING_FAILURE, f"VOI LUT Box: {exc}") from exc
    return replace(made, notes=(*image.notes, *made.notes))
