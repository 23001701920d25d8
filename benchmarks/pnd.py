"""pynetdicom as a contestant, with its default settings except for a given PDU size.

The functions import it in their own processes: its tests are skipped if it is not installed, and its threads disturb
nothing else.
"""

import threading
from multiprocessing.connection import Connection
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import FILM_FORMAT, film_images, large_image
from benchmarks.processes import HOST

if TYPE_CHECKING:
    from pydicom import Dataset
    from pynetdicom import AE
    from pynetdicom.association import Association
    from pynetdicom.events import Event

__all__ = ["DEFAULT_MAX_PDU", "associate", "echo", "film", "n_set", "serve"]

DEFAULT_MAX_PDU = 16382

_ROOT = "1.2.3.4"
_SUCCESS = 0x0000
_MAX_ASSOCIATIONS = 100  # pynetdicom's own bound is 10


def serve(ready: Connection, max_pdu: int) -> None:
    """Run an SCP for C-ECHO and grayscale prints, which looks at the last pixel of an image."""
    from pynetdicom import AE, evt
    from pynetdicom.sop_class import BasicGrayscalePrintManagementMeta, Verification

    ae = AE()
    ae.maximum_pdu_size = max_pdu
    ae.maximum_associations = _MAX_ASSOCIATIONS
    ae.add_supported_context(Verification)
    ae.add_supported_context(BasicGrayscalePrintManagementMeta)
    handlers = [
        (evt.EVT_C_ECHO, lambda _: _SUCCESS),
        (evt.EVT_N_CREATE, _create),
        (evt.EVT_N_SET, _set),
        (evt.EVT_N_ACTION, lambda _: (_SUCCESS, None)),
        (evt.EVT_N_DELETE, lambda _: _SUCCESS),
    ]
    server = ae.start_server((HOST, 0), block=False, evt_handlers=handlers)
    ready.send(server.socket.getsockname()[1])
    threading.Event().wait()


def _create(event: "Event") -> "tuple[int, Dataset]":
    from pydicom.uid import generate_uid
    from pynetdicom.sop_class import BasicFilmBox, BasicGrayscaleImageBox

    attributes = event.attribute_list
    uid = event.request.AffectedSOPInstanceUID or generate_uid()
    attributes.AffectedSOPInstanceUID = uid  # pynetdicom takes the UID from here
    if event.request.AffectedSOPClassUID == BasicFilmBox:
        columns, rows = map(int, attributes.ImageDisplayFormat.removeprefix("STANDARD\\").split(","))
        attributes.ReferencedImageBoxSequence = [
            _reference(BasicGrayscaleImageBox, f"{uid}.{number}") for number in range(1, columns * rows + 1)
        ]
    return _SUCCESS, attributes


def _set(event: "Event") -> tuple[int, None]:
    (item,) = event.modification_list.BasicGrayscaleImageSequence
    pixels = np.frombuffer(item.PixelData, f"<u{item.BitsAllocated // 8}").reshape(item.Rows, item.Columns)
    pixels[-1, -1]
    return _SUCCESS, None


def n_set(port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    """Return the same as `own.n_set`."""
    from pynetdicom.sop_class import BasicGrayscaleImageBox, BasicGrayscalePrintManagementMeta

    meta = BasicGrayscalePrintManagementMeta
    association = _connect(_ae(meta, max_pdu), port)
    dataset = _image_box(large_image(mebibytes), 1)
    seconds = []
    for _ in range(times + 1):
        start = perf_counter()
        _check(association.send_n_set(dataset, BasicGrayscaleImageBox, f"{_ROOT}.1", meta_uid=meta))
        seconds.append(perf_counter() - start)
    association.release()
    return median(seconds[1:])


def film(port: int, times: int) -> float:
    """Return the same as `own.film`."""
    boxes = [_image_box(image, position) for position, image in enumerate(film_images(), 1)]
    return median([_film(port, boxes) for _ in range(times + 1)][1:])


def _film(port: int, boxes: "list[Dataset]") -> float:
    from pydicom import Dataset
    from pynetdicom.sop_class import (
        BasicFilmBox,
        BasicFilmSession,
        BasicGrayscaleImageBox,
        BasicGrayscalePrintManagementMeta,
    )

    meta = BasicGrayscalePrintManagementMeta
    session, film_box = Dataset(), Dataset()
    session.NumberOfCopies = 1
    film_box.ImageDisplayFormat, film_box.FilmSizeID = FILM_FORMAT, "14INX17IN"
    film_box.ReferencedFilmSessionSequence = [_reference(BasicFilmSession, f"{_ROOT}.1")]

    start = perf_counter()
    association = _connect(_ae(meta, DEFAULT_MAX_PDU), port)
    _check(association.send_n_create(session, BasicFilmSession, f"{_ROOT}.1", meta_uid=meta))
    made = _check(association.send_n_create(film_box, BasicFilmBox, f"{_ROOT}.2", meta_uid=meta))
    for reference, box in zip(made.ReferencedImageBoxSequence, boxes, strict=True):
        uid = reference.ReferencedSOPInstanceUID
        _check(association.send_n_set(box, BasicGrayscaleImageBox, uid, meta_uid=meta))
    _check(association.send_n_action(None, 1, BasicFilmBox, f"{_ROOT}.2", meta_uid=meta))
    seconds = perf_counter() - start
    association.release()
    return seconds


def echo(port: int, times: int) -> float:
    """Return the same as `own.echo`."""
    association = _connect(_verifier(), port)
    association.send_c_echo()
    start = perf_counter()
    for _ in range(times):
        association.send_c_echo()
    seconds = (perf_counter() - start) / times
    association.release()
    return seconds


def associate(port: int, times: int) -> float:
    """Return the same as `own.associate`."""
    ae = _verifier()
    start = perf_counter()
    for _ in range(times):
        association = _connect(ae, port)
        association.send_c_echo()
        association.release()
    return (perf_counter() - start) / times


def _verifier() -> "AE":
    from pynetdicom.sop_class import Verification

    return _ae(Verification, DEFAULT_MAX_PDU)


def _ae(abstract_syntax: str, max_pdu: int) -> "AE":
    from pynetdicom import AE

    ae = AE()
    ae.maximum_pdu_size = max_pdu
    ae.add_requested_context(abstract_syntax)
    return ae


def _connect(ae: "AE", port: int) -> "Association":
    association = ae.associate(HOST, port, max_pdu=ae.maximum_pdu_size)
    if not association.is_established:
        raise ConnectionError("pynetdicom: no association")
    return association


def _check(answer: "tuple[Dataset, Dataset]") -> "Dataset":
    status, dataset = answer
    if "Status" not in status or status.Status != _SUCCESS:
        raise ConnectionError(f"pynetdicom: {status}")
    return dataset


def _reference(sop_class: str, sop_instance: str) -> "Dataset":
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return item


def _image_box(pixels: NDArray[np.generic], position: int) -> "Dataset":
    from pydicom import Dataset

    bits = 8 * pixels.itemsize
    item, box = Dataset(), Dataset()
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.Rows, item.Columns = pixels.shape
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = bits, bits, bits - 1, 0
    item.PixelData = pixels.tobytes()
    item["PixelData"].VR = "OW"
    box.ImageBoxPosition = position
    box.BasicGrayscaleImageSequence = [item]
    return box
