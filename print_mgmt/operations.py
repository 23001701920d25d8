"""The DIMSE services of Print Management as an SCU invokes them, with every status judged.

A failure status raises `PrintFailed`, which says what was asked of which film. A warning status
does not stop a print: it is kept.
"""

import logging
from typing import NamedTuple

from dimse.data import Dataset
from dimse.errors import DecodeError, DimseError, ServiceError
from dimse.message import Response, StatusClass, is_failure, status_class
from dimse.net import Association, scu
from dimse.uids import BasicFilmBox, new_uid
from dimse.ul import Context

from .sop import MEMBERS
from .status import meaning
from .typed import items, text

__all__ = ["Answered", "Operations", "PrintFailed"]

_log = logging.getLogger("print_mgmt.scu")

_PRINT = 1  # Action Type ID, PS3.4 Tables H.4-3 and H.4-6
_PATIENCE = 5.0  # seconds for an N-DELETE, which some printers (Kodak) never answer


class PrintFailed(ServiceError):
    """The printer answered with a failure status. ``operation`` says what was asked, and of which film."""


class Answered(NamedTuple):
    """What an operation was answered with."""

    operation: str
    Status: int


class Operations:
    """The services of Print Management on one printer; ``warnings`` gathers what it warned of.

    Each takes words for what it works on, such as ``film 2``, for errors and warnings. ``meta`` is the Meta SOP Class
    whose members are worked with: on its context, or on their own where the printer has not accepted it.
    ``answers`` has the status of every operation.
    """

    def __init__(self, association: Association, meta: str) -> None:
        self.association = association
        self.meta = meta
        self.warnings: list[str] = []
        self.answers: list[Answered] = []

    def context(self, sop_class: str) -> Context:
        """Where operations on a SOP Class go. Raises `ContextNotAccepted`."""
        metas = (self.meta,) if sop_class in MEMBERS[self.meta] else ()
        return self.association.context_for(*metas, sop_class)

    async def create(self, what: str, sop_class: str, attributes: Dataset) -> tuple[str, Dataset]:
        """N-CREATE: the UID of the instance, and the attributes that the printer returned.

        The UID is ours, because some printers want one, unless the response has another.
        """
        proposed, context = new_uid(), self.context(sop_class)
        response = await scu.n_create(self.association, context, sop_class, proposed, attributes)
        self.check(f"N-CREATE of {what}", response)
        uid = getattr(response, "AffectedSOPInstanceUID", None) or proposed
        return uid, scu.dataset_of(self.association, context, response)

    async def set(self, what: str, sop_class: str, uid: str, attributes: Dataset) -> None:
        """N-SET."""
        response = await scu.n_set(self.association, self.context(sop_class), sop_class, uid, attributes)
        self.check(f"N-SET of {what}", response)

    async def get(self, what: str, sop_class: str, uid: str) -> Dataset:
        """N-GET: all attributes that the printer has."""
        context = self.context(sop_class)
        response = await scu.n_get(self.association, context, sop_class, uid)
        self.check(f"N-GET of {what}", response)
        return scu.dataset_of(self.association, context, response)

    async def print(self, sop_class: str, uid: str) -> Response:
        """N-ACTION Print. The response is returned as it came: see `check`."""
        return await scu.n_action(self.association, self.context(sop_class), sop_class, uid, _PRINT)

    def print_job(self, response: Response) -> str:
        """The UID of the Print Job that an N-ACTION response names, or an empty string.

        The film is printed: a reply that cannot be read does not change that.
        """
        try:
            reply = scu.dataset_of(self.association, self.context(BasicFilmBox), response)
            jobs = items(reply, "ReferencedPrintJobSequencePullStoredPrint")
            return text(jobs[0], "ReferencedSOPInstanceUID") if jobs else ""
        except DecodeError as exc:
            _log.info("N-ACTION reply: %s", exc)
            return ""

    async def delete(self, what: str, sop_class: str, uid: str) -> bool:
        """N-DELETE: whether the printer did it. A print is not in vain because this fails."""
        if not self.association.is_open:
            return False
        try:
            context = self.context(sop_class)
            response = await scu.n_delete(self.association, context, sop_class, uid, patience=_PATIENCE)
        except DimseError as exc:
            _log.info("N-DELETE of %s: %s", what, exc)
            return False
        if is_failure(response.Status):
            _log.info("N-DELETE of %s: %s", what, _words(response))
            return False
        return True

    def check(self, operation: str, response: Response) -> None:
        """Raise `PrintFailed` for a failure, keep a warning. ``operation`` is what was asked."""
        status = response.Status
        self.answers.append(Answered(operation, status))
        if is_failure(status):
            raise PrintFailed(status, meaning(status), operation=operation, comment=response.ErrorComment or "")
        if status_class(status) is StatusClass.WARNING:
            self.warn(f"{operation}: {_words(response)}")

    def warn(self, warning: str) -> None:
        """Keep a warning: it does not stop a print."""
        self.warnings.append(warning)
        _log.info("%s", warning)


def _words(response: Response) -> str:
    text = f"status {response.Status:04X}H ({meaning(response.Status)})"
    return f"{text}: {response.ErrorComment}" if response.ErrorComment else text
