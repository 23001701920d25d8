"""Invokes the DIMSE services of Print Management as an SCU, and evaluates the status of each response.

A failure status raises `PrintFailed`, which names the operation and the film. A warning status does not stop a print;
it is added to the warnings.
"""

import logging
from typing import NamedTuple

from dimse.data import Dataset, DecodeLimits, Tag
from dimse.data.dictionary import keyword_of
from dimse.data.vr import VRS
from dimse.errors import DecodeError, DimseError, RemoteProtocolError, ServiceError, cut, escaped
from dimse.message import Response
from dimse.net import Association, scu
from dimse.uids import new_uid
from dimse.ul import Context

from ..sop import MEMBERS
from ..status import INVALID_INSTANCE, NO_SUCH_ATTRIBUTE, is_performed, meaning
from ..typed import items, text

__all__ = ["Answered", "Operations", "PrintFailed", "in_charset"]

_log = logging.getLogger("print_mgmt.scu")

_MAX_NAMED = 8  # attributes that an error or a warning names
_MAX_COMMENT = 256  # characters of an Error Comment that are kept: a printer may send 64 KiB with each response
# Of a response: decoding takes 40 ms of the event loop at most. The configuration of our own printer has 8,317 elements
_LIMITS = DecodeLimits(elements=10_000)
_SUCCESS = 0x0000
_PRINT = 1  # the Action Type ID of Print, PS3.4 Tables H.4-3 and H.4-8
_PATIENCE = 5.0  # seconds to wait for the response to N-DELETE, which some printers (Kodak) never send
_WITH_TEXT = frozenset({"SQ", *(row.name for row in VRS.values() if row.charset)})


class PrintFailed(ServiceError):
    """A failure status from the printer. ``operation`` names the operation and the film."""


class Answered(NamedTuple):
    """An operation, and the status of its response."""

    operation: str
    Status: int


class Operations:
    """The services of Print Management on one association, PS3.4 Annex H.

    The argument ``what`` of a service is a name for its instance, such as "film 2", for errors and warnings. ``meta``
    is the Meta SOP Class of the instances: requests use its context, or the context of the instance's own SOP Class if
    the printer did not accept the Meta SOP Class. ``warnings`` receives the warnings, and ``answers`` the status of
    each operation, except N-DELETE and an N-CREATE that is repeated without a UID. The status of N-ACTION is added only
    by `check`. ``own_uids``: the client assigns SOP Instance UIDs, until the printer refuses one.
    """

    def __init__(
        self, association: Association, meta: str, warnings: list[str], answers: list[Answered], *, own_uids: bool
    ) -> None:
        self.association = association
        self.meta = meta
        self.warnings = warnings
        self.answers = answers
        self.own_uids = own_uids

    def context(self, sop_class: str) -> Context:
        """Return the presentation context for a SOP Class. Raises `ContextNotAccepted`."""
        metas = (self.meta,) if sop_class in MEMBERS[self.meta] else ()
        return self.association.agreement.context_for(*metas, sop_class)

    async def create(self, what: str, sop_class: str, attributes: Dataset) -> tuple[str, Response]:
        """Send N-CREATE; return the UID of the instance, and the response (`reply` returns its Data Set).

        If the printer refuses our UID (0117), this and all further N-CREATEs are sent without a UID. Raises
        `PrintFailed`, and `RemoteProtocolError` if neither the request nor the response has a UID.
        """
        context, proposed = self.context(sop_class), new_uid() if self.own_uids else None
        attributes = in_charset(attributes)
        response = await scu.n_create(self.association, context, sop_class, proposed, attributes)
        if response.Status == INVALID_INSTANCE and proposed is not None:
            self.own_uids, proposed = False, None
            response = await scu.n_create(self.association, context, sop_class, None, attributes)
        self.check(f"N-CREATE of {what}", response)
        uid = getattr(response, "AffectedSOPInstanceUID", None) or proposed
        if uid is None:
            raise RemoteProtocolError(f"N-CREATE of {what}: the printer returned no UID (PS3.7 10.1.5.1.4)")
        return uid, response

    def reply(self, sop_class: str, response: Response) -> Dataset:
        """Return the Data Set of a response, which is empty if there is none. Raises `DecodeError`."""
        return scu.dataset_of(self.association, self.context(sop_class), response, _LIMITS)

    async def set(self, what: str, sop_class: str, uid: str, attributes: Dataset) -> Response:
        """Send N-SET; return the response, which may have a warning status. Raises `PrintFailed`.

        The caller adds a Specific Character Set if ``attributes`` have texts (see `in_charset`); an image needs none.
        """
        response = await scu.n_set(self.association, self.context(sop_class), sop_class, uid, attributes)
        self.check(f"N-SET of {what}", response)
        return response

    async def get(self, what: str, sop_class: str, uid: str, *, patience: float | None = None) -> Dataset:
        """Send N-GET; return all attributes of the instance. Raises `PrintFailed` and `DecodeError`.

        ``patience`` is the time limit for the response in seconds. Status 0105 (no such attribute) does not raise here,
        because the request names no attribute; dcmprscp sends it.
        """
        context = self.context(sop_class)
        response = await scu.n_get(self.association, context, sop_class, uid, patience=patience)
        if response.Status == NO_SUCH_ATTRIBUTE:
            self.answers.append(Answered(f"N-GET of {what}", response.Status))
            self.warn(f"N-GET of {what}: {_words(response)}")
        else:
            self.check(f"N-GET of {what}", response)
        return self.reply(sop_class, response)

    async def print(self, sop_class: str, uid: str, *, with_data: bool = False) -> Response:
        """Send N-ACTION (Print); return the response, which may have a failure status (see `check`).

        ``with_data`` adds a Data Set, because the DicomToolKit of Kodak does not answer without it.
        """
        data = Dataset(SpecificCharacterSet="ISO_IR 100") if with_data else None
        return await scu.n_action(self.association, self.context(sop_class), sop_class, uid, _PRINT, data)

    def print_job(self, sop_class: str, response: Response) -> str:
        """Return the UID of the Print Job in the response to N-ACTION, or an empty string if there is none.

        A Data Set that cannot be decoded is not an error, because the film is printed.
        """
        try:
            jobs = items(self.reply(sop_class, response), "ReferencedPrintJobSequencePullStoredPrint")
            return text(jobs[0], "ReferencedSOPInstanceUID") if jobs else ""
        except DecodeError as exc:
            _log.info("the response to N-ACTION cannot be decoded: %s", exc)
            return ""

    async def delete(self, what: str, sop_class: str, uid: str) -> bool:
        """Send N-DELETE; return whether the printer has deleted the instance. A failure does not stop the print."""
        if not self.association.is_open:
            return False
        try:
            context = self.context(sop_class)
            response = await scu.n_delete(self.association, context, sop_class, uid, patience=_PATIENCE)
        except DimseError as exc:
            _log.info("N-DELETE of %s: %s", what, exc)
            return False
        if not is_performed(response.Status):
            _log.info("N-DELETE of %s: %s", what, _words(response))
            return False
        return True

    def check(self, operation: str, response: Response) -> None:
        """Add the status to ``answers``, and a warning to the warnings. Raise `PrintFailed` if there was no success."""
        status = response.Status
        self.answers.append(Answered(operation, status))
        if status == _SUCCESS:
            return
        if not is_performed(status):
            raise PrintFailed(
                status,
                meaning(status),
                operation=operation,
                comment=_comment(response),
                offending=_tags(response, "OffendingElement") + _tags(response, "AttributeIdentifierList"),
                details=_details(response),
            )
        self.warn(f"{operation}: {_words(response)}")

    def warn(self, warning: str) -> None:
        """Add a warning."""
        self.warnings.append(warning)
        _log.info("%s", warning)


def _words(response: Response) -> str:
    text = f"status {response.Status:04X}H ({meaning(response.Status)})"
    comment, details = _comment(response), _details(response)
    text += f": {escaped(comment)}" if comment else ""
    return f"{text} [{details}]" if details else text


def _comment(response: Response) -> str:
    """Return the Error Comment, or an empty string if it only repeats the meaning of the status, perhaps cut off.

    A comment of more than 256 characters is cut; PS3.7 Annex C allows 64.
    """
    comment = response.ErrorComment or ""
    return "" if meaning(response.Status).startswith(comment) else cut(comment, _MAX_COMMENT)


def _details(response: Response) -> str:
    """Return the details of a response other than its Error Comment, PS3.7 Annex C."""
    number = getattr(response, "ErrorID", None)
    parts = {
        "Offending Element": _named(_tags(response, "OffendingElement")),
        "Error ID": "" if number is None else f"{number:04X}H",
        "Attribute Identifier List": _named(_tags(response, "AttributeIdentifierList")),
    }
    return "; ".join(f"{name} {words}" for name, words in parts.items() if words)


def _tags(response: Response, keyword: str) -> tuple[int, ...]:
    return getattr(response, keyword, None) or ()


def _named(tags: tuple[int, ...]) -> str:
    """Return the first eight tags with their keywords, as text."""
    words = [f"{Tag(tag)} {keyword_of(tag)}".rstrip() for tag in tags[:_MAX_NAMED]]
    return ", ".join(words + ["..."] * (len(tags) > _MAX_NAMED))


# --- Specific Character Set (0008,0005), PS3.3 C.12.1.1.2 ---


def in_charset(dataset: Dataset) -> Dataset:
    """Return ``dataset`` with a Specific Character Set for its texts, or unchanged if it has one or needs none."""
    texts: list[str] = []
    _add_texts(dataset, texts)
    if all(map(str.isascii, texts)) or "SpecificCharacterSet" in dataset:
        return dataset
    dataset = dataset.copy()
    dataset.SpecificCharacterSet = _term("".join(texts))
    return dataset


def _term(text: str) -> str:
    """Return ISO_IR 100, which more printers support, if it has all characters of ``text``, otherwise ISO_IR 192."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return "ISO_IR 192"
    return "ISO_IR 100"


def _add_texts(dataset: Dataset, texts: list[str]) -> None:
    """Add the texts to which Specific Character Set applies (PS3.5 §6.1.2.2), including those in items."""
    for element in dataset:
        if element.VR not in _WITH_TEXT:
            continue
        value = element.value
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Dataset):
                _add_texts(part, texts)
            elif part is not None:
                texts.append(str(part))
