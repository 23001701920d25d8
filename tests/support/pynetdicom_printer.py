"""A print SCP on pynetdicom, with quirks for tests."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from peers import PATIENCE, Pixels, need

from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    PresentationLUT,
    PrintJob,
    Verification,
    new_uid,
)


class Printed(NamedTuple):
    """A film that a `PynetdicomPrinter` printed: the film box by keyword, and the image in each position."""

    film_box: dict[str, str]
    images: dict[int, Pixels]


@dataclass(kw_only=True)
class PynetdicomPrinter:
    """A print SCP on pynetdicom, for an SCU that names its instances itself.

    ``answers`` maps a service and a SOP Class to a status other than success, such as
    ``{("N-SET", BasicGrayscaleImageBox): 0xB604}``. ``omit_uids``: N-CREATE-RSP has no Affected SOP Class and Instance
    UID. ``aborts_on`` is the request at which it aborts the association. ``before_session`` gets pynetdicom's event of
    each session N-CREATE before it is answered. Each film box has ``annotation_boxes`` annotation boxes. With
    ``job_statuses`` N-ACTION names a Print Job that has these statuses in turn.
    """

    answers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    omit_uids: bool = False
    before_session: Callable[[Any], None] | None = None
    abstract_syntaxes: tuple[str, ...] = (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta)
    annotation_boxes: int = 0
    job_statuses: list[str] = field(default_factory=list)
    aborts_on: tuple[str, str] | None = None
    require_called: bool = False
    maximum_pdu_size: int = 16382
    PrinterStatus: str = "NORMAL"
    requests: list[tuple[str, str]] = field(default_factory=list)  # service, SOP Class UID
    films: list[Printed] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    luts: list[Any] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)  # "EVT_RELEASED" or "EVT_ABORTED", for each association
    _instances: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def listening(self) -> Iterator[int]:
        """Listen during the block; yield the port."""
        pynetdicom = need("pynetdicom")
        entity = pynetdicom.AE(ae_title="PNDSCP")
        entity.require_called_aet = self.require_called
        entity.maximum_pdu_size = self.maximum_pdu_size
        for abstract in (*self.abstract_syntaxes, Verification):
            entity.add_supported_context(abstract)
        evt = pynetdicom.evt
        handlers = [
            (evt.EVT_N_GET, self._get),
            (evt.EVT_N_CREATE, self._create),
            (evt.EVT_N_SET, self._set),
            (evt.EVT_N_ACTION, self._action),
            (evt.EVT_N_DELETE, self._delete),
            (evt.EVT_DIMSE_SENT, self._sent),
            (evt.EVT_RELEASED, self._ended),
            (evt.EVT_ABORTED, self._ended),
        ]
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        try:
            yield server.server_address[1]
        finally:
            for association in server.active_associations:
                association.join(PATIENCE)
            server.shutdown()

    def _status(self, event: Any, service: str, sop_class: Any) -> int:
        request = (service, str(sop_class))
        self.requests.append(request)
        if request == self.aborts_on:
            event.assoc.abort()
        return self.answers.get(request, 0x0000)

    def _get(self, event: Any) -> tuple[int, Any]:
        status = self._status(event, "N-GET", event.request.RequestedSOPClassUID)
        if event.request.RequestedSOPClassUID == PrintJob:
            job = need("pydicom").Dataset()
            job.ExecutionStatus, job.ExecutionStatusInfo = self.job_statuses.pop(0), "NORMAL"
            return status, job
        printer = need("pydicom").Dataset()
        printer.PrinterStatus, printer.PrinterStatusInfo = self.PrinterStatus, "NORMAL"
        printer.PrinterName = "PNDSCP"
        return status, printer

    def _create(self, event: Any) -> tuple[int, Any]:
        request = event.request
        status = self._status(event, "N-CREATE", request.AffectedSOPClassUID)
        attributes = event.attribute_list if request.AttributeList else need("pydicom").Dataset()
        if request.AffectedSOPClassUID == BasicFilmBox:
            is_color = event.context.abstract_syntax == BasicColorPrintManagementMeta
            attributes.ReferencedImageBoxSequence = self._image_boxes(
                attributes.ImageDisplayFormat, BasicColorImageBox if is_color else BasicGrayscaleImageBox
            )
            if self.annotation_boxes:
                boxes = [_reference(BasicAnnotationBox, new_uid()) for _ in range(self.annotation_boxes)]
                attributes.ReferencedBasicAnnotationBoxSequence = boxes
        elif request.AffectedSOPClassUID == PresentationLUT:
            self.luts.append(attributes)
        elif self.before_session is not None:
            self.before_session(event)
        self._instances[str(request.AffectedSOPInstanceUID)] = attributes
        return status, attributes

    def _image_boxes(self, display_format: str, sop_class: str) -> list[Any]:
        columns, rows = display_format.removeprefix("STANDARD\\").split(",")
        return [_reference(sop_class, new_uid()) for _ in range(int(columns) * int(rows))]

    def _set(self, event: Any) -> tuple[int, Any]:
        status = self._status(event, "N-SET", event.request.RequestedSOPClassUID)
        self._instances[str(event.request.RequestedSOPInstanceUID)] = event.modification_list
        if event.request.RequestedSOPClassUID == BasicAnnotationBox:
            self.annotations.append(str(event.modification_list.TextString))
        return status, None

    def _action(self, event: Any) -> tuple[int, Any]:
        sop_class, uid = event.request.RequestedSOPClassUID, str(event.request.RequestedSOPInstanceUID)
        status = self._status(event, "N-ACTION", sop_class)
        if status == 0x0000:
            boxes = [uid] if sop_class == BasicFilmBox else self._film_boxes()
            self.films += [self._printed(self._instances[box]) for box in boxes]
        if not self.job_statuses:
            return status, None
        answer = need("pydicom").Dataset()
        answer.add_new(0x21000500, "SQ", [_reference(PrintJob, new_uid())])
        return status, answer

    def _film_boxes(self) -> list[str]:
        return [uid for uid, instance in self._instances.items() if "ImageDisplayFormat" in instance]

    def _printed(self, film_box: Any) -> Printed:
        uids = [str(item.ReferencedSOPInstanceUID) for item in film_box.ReferencedImageBoxSequence]
        filled = [self._instances[uid] for uid in uids if uid in self._instances]
        attributes = {element.keyword: str(element.value) for element in film_box if element.VR != "SQ"}
        return Printed(attributes, {box.ImageBoxPosition: _item_pixels(box) for box in filled})

    def _delete(self, event: Any) -> int:
        sop_class, uid = event.request.RequestedSOPClassUID, str(event.request.RequestedSOPInstanceUID)
        status = self._status(event, "N-DELETE", sop_class)
        if status == 0x0000 and sop_class == BasicFilmBox:
            del self._instances[uid]
        elif status == 0x0000:
            self._instances.clear()  # everything in a session is deleted with it
        return status

    def _sent(self, event: Any) -> None:
        """Remove the elements that this printer omits from an N-CREATE-RSP. Called before a message is encoded."""
        command = event.message.command_set
        if self.omit_uids and command.CommandField == 0x8140:
            for keyword in ("AffectedSOPClassUID", "AffectedSOPInstanceUID"):
                uid = command[keyword].value
                command.CommandGroupLength -= 8 + len(uid) + len(uid) % 2
                del command[keyword]

    def _ended(self, event: Any) -> None:
        self.ends.append(event.event.name)


def _reference(sop_class: str, sop_instance: str) -> Any:
    item = need("pydicom").Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return item


def _item_pixels(box: Any) -> Pixels:
    """Return the pixels of an image box from its bytes, without a DICOM library."""
    (item,) = box.get("BasicGrayscaleImageSequence") or box.BasicColorImageSequence
    size = item.Rows * item.Columns * item.SamplesPerPixel
    samples = np.frombuffer(item.PixelData, "<u1" if item.BitsAllocated == 8 else "<u2")[:size]
    if item.SamplesPerPixel == 1:
        return samples.reshape(item.Rows, item.Columns)
    assert item.PlanarConfiguration == 1  # PS3.3 C.13.5
    return np.moveaxis(samples.reshape(3, item.Rows, item.Columns), 0, -1)
