"""A print SCU on pynetdicom that uses no code of `dimse` for its messages."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from peers import PATIENCE, Pixels, need

from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    Verification,
)

__all__ = ["Reply", "Scu", "associated", "dataset_of", "image_item"]

pydicom, pynetdicom = need("pydicom"), need("pynetdicom")

_N_CREATE_RSP = 0x8140


class Reply(NamedTuple):
    """A response: its status, its Data Set, and its instance, or else the instance of the request."""

    Status: int
    dataset: Any
    SOPInstanceUID: str


class Scu:
    """A print SCU on pynetdicom; each method is one DIMSE-N service.

    ``own_uids``: it names the instances that it creates.
    """

    def __init__(self, association: Any, meta: str, *, own_uids: bool) -> None:
        self.association = association
        self.assigned = ""  # by the printer: pynetdicom drops it
        self._meta = meta
        self._own_uids = own_uids

    def received(self, event: Any) -> None:
        command = event.message.command_set
        if command.CommandField == _N_CREATE_RSP:
            self.assigned = str(command.get("AffectedSOPInstanceUID", ""))

    def create(self, sop_class: str, **attributes: Any) -> Reply:
        uid = pydicom.uid.generate_uid() if self._own_uids else None
        dataset = dataset_of(**attributes) if attributes else None
        status, returned = self.association.send_n_create(dataset, sop_class, uid, meta_uid=self._meta)
        return Reply(status.Status, returned, str(uid or self.assigned))

    def set(self, sop_class: str, uid: str, **attributes: Any) -> Reply:
        dataset = dataset_of(**attributes)
        status, returned = self.association.send_n_set(dataset, sop_class, uid, meta_uid=self._meta)
        return Reply(status.Status, returned, uid)

    def get(self, sop_class: str, uid: str, *keywords: str) -> Reply:
        tags = [pydicom.tag.Tag(keyword) for keyword in keywords]
        status, returned = self.association.send_n_get(tags, sop_class, uid, meta_uid=self._meta)
        return Reply(status.Status, returned, uid)

    def print(self, sop_class: str, uid: str) -> Reply:
        status, returned = self.association.send_n_action(None, 1, sop_class, uid, meta_uid=self._meta)
        return Reply(status.Status, returned, uid)

    def delete(self, sop_class: str, uid: str) -> Reply:
        status = self.association.send_n_delete(sop_class, uid, meta_uid=self._meta)
        return Reply(status.Status, None, uid)

    def session(self, **attributes: Any) -> Reply:
        return self.create(BasicFilmSession, **attributes)

    def film(self, session: str, display_format: str, **attributes: Any) -> Reply:
        item = dataset_of(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=session)
        attributes |= {"ReferencedFilmSessionSequence": [item], "ImageDisplayFormat": display_format}
        return self.create(BasicFilmBox, **attributes)

    def image(self, film: Reply, position: int, item: Any, **attributes: Any) -> Reply:
        is_color = item.SamplesPerPixel == 3
        attributes["BasicColorImageSequence" if is_color else "BasicGrayscaleImageSequence"] = [item]
        box = film.dataset.ReferencedImageBoxSequence[position - 1]
        sop_class = BasicColorImageBox if is_color else BasicGrayscaleImageBox
        assert box.ReferencedSOPClassUID == sop_class
        return self.set(sop_class, box.ReferencedSOPInstanceUID, ImageBoxPosition=position, **attributes)


class _Checkpoint(threading.Event):
    """A barrier that keeps pynetdicom's reactor thread paused until `open`.

    pynetdicom pauses that thread during each request, but believes a moment too early that it has paused. On a busy
    machine the thread then takes the response, and drops it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.reached.set()
        return super().wait(timeout)

    def set(self) -> None:
        """Ignore the end of a request, at which pynetdicom would let the thread run."""

    def open(self) -> None:
        super().set()


@contextmanager
def associated(
    port: int,
    meta: str = BasicGrayscalePrintManagementMeta,
    syntax: str = ExplicitVRLittleEndian,
    *,
    own_uids: bool = False,
    items: Sequence[Any] = (),
    also: Sequence[str] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Scu]:
    """Yield a print SCU that is associated with the printer at ``port``.

    It also negotiates the user items ``items`` and the abstract syntaxes ``also``; ``handlers`` are its event handlers.
    The association is released at the end of the block unless it is aborted there.
    """
    entity = pynetdicom.AE(ae_title="PNDSCU")
    for abstract in (meta, Verification, *also):
        entity.add_requested_context(abstract, syntax)
    association = entity.associate("127.0.0.1", port, ext_neg=items, evt_handlers=list(handlers))
    assert association.is_established
    checkpoint = association._reactor_checkpoint = _Checkpoint()
    assert checkpoint.reached.wait(PATIENCE)
    # pynetdicom handles each event in a thread, which marks the reactor thread as running when it ends.
    always_paused = {"_is_paused": property(lambda _: True, lambda _, __: None)}
    association.__class__ = type("Association", (type(association),), always_paused)
    scu = Scu(association, meta, own_uids=own_uids)
    association.bind(pynetdicom.evt.EVT_DIMSE_RECV, scu.received)
    try:
        yield scu
        if association.is_established:
            association.release()
    finally:
        checkpoint.open()
    association.join(PATIENCE)


def dataset_of(**attributes: Any) -> Any:
    dataset = pydicom.Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def image_item(pixels: Pixels, bits: int = 8, photometric: str = "MONOCHROME2", planar: int = 1) -> Any:
    """Return the item of an image sequence, PS3.3 C.13.5, made by pydicom and numpy alone."""
    rows, columns = pixels.shape[:2]
    item = dataset_of(PhotometricInterpretation=photometric, Rows=rows, Columns=columns, PixelRepresentation=0)
    item.SamplesPerPixel = 1
    if pixels.ndim == 3:
        item.SamplesPerPixel, item.PlanarConfiguration = 3, planar
        pixels = np.moveaxis(pixels, -1, 0) if planar else pixels
    item.BitsAllocated, item.BitsStored, item.HighBit = 8 * pixels.itemsize, bits, bits - 1
    raw = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    item.PixelData = raw + bytes(len(raw) % 2)
    item["PixelData"].VR = "OW"
    return item
