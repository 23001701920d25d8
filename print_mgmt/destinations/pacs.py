"""An archive as a destination: stores films as Secondary Capture Images or Encapsulated PDFs (C-STORE, PS3.4 Annex B).

The same film always has the same SOP Instance UID, so a repeated delivery is harmless. An archive that already has the
instance responds with success or with 0111 (Duplicate SOP Instance), which counts as success.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from dimse.data import Dataset
from dimse.errors import DimseError, escaped
from dimse.message import Response, StatusClass, status_class
from dimse.net import scu
from dimse.storage_classes import EncapsulatedPDFStorage
from dimse.uids import SecondaryCaptureImageStorage, Verification

from ..scp import Film
from ..status import (
    CLASS_NOT_SUPPORTED,
    DUPLICATE_INSTANCE,
    INVALID_INSTANCE,
    MISSING_ATTRIBUTE,
    MISSING_VALUE,
    meaning,
)
from .capture import encapsulated_pdf, image_capture
from .destination import Condition, DeliveryFailed, Outcome, Receipt, as_failures, check_dpi, failure_of
from .names import film_id
from .remote import DicomNode, check_peer

__all__ = ["PacsDestination"]

# PS3.4 Table B.2-1; a refusal or an error is recognized by the high byte of its status, because the table leaves the
# low byte open
_FAILURES = {
    0xA7: "refused: out of resources",
    0xA9: "error: data set does not match SOP class",
}
_WARNINGS = {
    0xB000: "coercion of data elements",
    0xB006: "elements discarded",
    0xB007: "data set does not match SOP class",
}
_CANNOT_UNDERSTAND = 0xC  # the first hexadecimal digit of the statuses Cxxx
# General statuses (PS3.7 Annex C) that are caused by the instance, so that another attempt would fail as well
_FILM_REFUSED = (CLASS_NOT_SUPPORTED, INVALID_INSTANCE, MISSING_ATTRIBUTE, MISSING_VALUE)
_PRIORITIES = {"HIGH": 1, "MED": 0, "LOW": 2}  # PS3.7 Table E.1-1
_CLASSES = {"image": SecondaryCaptureImageStorage, "pdf": EncapsulatedPDFStorage}


@dataclass(frozen=True, slots=True, kw_only=True)
class PacsDestination(DicomNode):
    """A `Destination` that stores films in the archive ``peer``, AE@HOST:PORT.

    ``object`` selects a Secondary Capture Image ("image") or an Encapsulated PDF ("pdf"), rendered with ``dpi`` pixels
    per inch and ``bits`` bits per gray value. `DicomNode` has the other fields. Raises `ConfigError`.
    """

    peer: str
    object: Literal["image", "pdf"] = "image"
    dpi: int = 150
    bits: Literal[8, 16] = 8
    repeatable: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        check_peer("peer", self.peer)
        self.check_settings()
        check_dpi(self.dpi)

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        """Store a film. Raises `DeliveryFailed`."""
        make = image_capture if self.object == "image" else encapsulated_pdf
        with as_failures(self.peer):
            page = await film.render(self.dpi, bits=self.bits, p_values=True)
            instance = await asyncio.to_thread(make, film, page, identified, f"film-{film_id(film)}")
            priority = _PRIORITIES.get(film.job.PrintPriority, 0)
            async with self.associate(self.peer, _CLASSES[self.object]) as association:
                response = await scu.c_store(association, instance, Priority=priority)
        return _receipt_for(self.peer, str(instance.SOPInstanceUID), response)

    async def check(self) -> Condition:
        """Open an association, and check whether the archive accepts the SOP Class of the objects."""
        sop_class = _CLASSES[self.object]
        try:
            async with self.associate(self.peer, sop_class, Verification) as association:
                association.context_for(sop_class)
        except (DimseError, OSError) as exc:
            return Condition("WARNING", "CHECK PRINTER", f"{self.peer}: {failure_of(exc)}")
        return Condition()


def _receipt_for(peer: str, uid: str, response: Response) -> Receipt:
    """Return the receipt for the response to C-STORE.

    Raises `DeliveryFailed` if its status is a failure, but not for Duplicate SOP Instance.
    """
    status = response.Status
    words = _FAILURES.get(status >> 8) or _WARNINGS.get(status) or meaning(status)
    if status >> 12 == _CANNOT_UNDERSTAND:
        words = "error: cannot understand"
    comment = f": {escaped(response.ErrorComment)}" if response.ErrorComment else ""
    result = f"{peer}: C-STORE: status {status:04X}H ({words}){comment}"
    match status_class(status):
        case StatusClass.SUCCESS:
            return Receipt((uid,))
        case StatusClass.WARNING:
            return Receipt((uid,), (result,))
    if status == DUPLICATE_INSTANCE:
        return Receipt((uid,), (result,))
    never = status >> 8 == 0xA9 or status >> 12 == _CANNOT_UNDERSTAND or status in _FILM_REFUSED
    raise DeliveryFailed(Outcome.NEVER if never else Outcome.LATER, result)
