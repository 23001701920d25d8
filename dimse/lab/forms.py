"""The PDUs and messages that the words of a command describe."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields

from ..data import IMPLICIT_LE, Dataset, File, Tag, TransferSyntax, encode, read_file, tag_of
from ..data.dictionary import vr_of
from ..errors import DecodeError, shown
from ..explain.command import message_name
from ..limits import LIMITS
from ..message import MESSAGES, RESPONSES, CEchoRQ, CStoreRQ, Message, Request
from ..net.agreement import user_information
from ..uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
from ..ul import (
    AssociateAC,
    AssociateRQ,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    UserItem,
    answer,
)
from .language import Mistake, integer, octets, put, uid, value_of

__all__ = ["MESSAGE_NAMES", "MessageDraft", "acceptance", "proposal", "reply_to", "settings"]

_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_MAX_CONTEXTS = 128  # the ids are the odd numbers of one byte, PS3.8 Table 9-13
_SHORT_SYNTAXES = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian}
# The beginning of the docstring of a message class
_TABLE = re.compile(r"PS3\.7 Tables? [0-9.-]+[0-9](?:(?:,| and) [0-9.-]+[0-9])*")
_CLASSES = {message_name(cls): cls for cls in MESSAGES.values()}
MESSAGE_NAMES = tuple(sorted(_CLASSES))


def settings(words: Sequence[str], *known: str) -> tuple[list[str], dict[str, str]]:
    """Return the plain words, and the values of the words ``KEY=VALUE`` whose key is in ``known``."""
    plain, found = [], {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key in known:
            found[key] = value
        else:
            plain.append(word)
    return plain, found


def proposal(words: Sequence[str], *, called: str, calling: str) -> AssociateRQ:
    """Return the A-ASSOCIATE-RQ of ``associate``.

    Each plain word is an abstract syntax, with its transfer syntaxes after a colon: ``Verification:implicit``. Without
    a colon, they are Explicit and Implicit VR Little Endian. Without plain words, Verification is proposed. The words
    ``called=``, ``calling=`` and ``max=`` replace the titles ``called`` and ``calling``, and the Maximum Length.
    Raises `Mistake` for any other word, and for more than 128 abstract syntaxes.
    """
    plain, found = settings(words, "called", "calling", "max")
    if len(plain) > _MAX_CONTEXTS:
        raise Mistake(f"{len(plain)} abstract syntaxes; an association has at most {_MAX_CONTEXTS} contexts")
    contexts = []
    for position, word in enumerate(plain or ["Verification"]):
        abstract, colon, syntaxes = word.partition(":")
        if "=" in word:
            raise Mistake(f"{shown(word)}: associate has the settings called, calling and max")
        transfer = tuple(map(_syntax, syntaxes.split(","))) if colon else _SYNTAXES
        contexts.append(PresentationContextRQ(2 * position + 1, uid(abstract), transfer))
    return AssociateRQ(
        called_ae_title=found.get("called", called),
        calling_ae_title=found.get("calling", calling),
        presentation_contexts=tuple(contexts),
        user_information=_user_information(found),
    )


def acceptance(words: Sequence[str], request: AssociateRQ) -> AssociateAC:
    """Return the A-ASSOCIATE-AC of ``accept``.

    It accepts all proposed contexts, or only the contexts of the given abstract syntaxes. It chooses the first proposed
    transfer syntax of each context, unless a word names other transfer syntaxes. Raises `Mistake` for a word that
    cannot be used.
    """
    plain, found = settings(words, "max")
    chosen: dict[str, Sequence[str]] = {}  # transfer syntaxes by abstract syntax; () stands for all proposed ones
    for word in plain:
        abstract, colon, syntaxes = word.partition(":")
        chosen[uid(abstract)] = [*map(_syntax, syntaxes.split(","))] if colon else ()
    contexts: list[PresentationContextAC] = []
    for context in request.presentation_contexts:
        abstract = context.abstract_syntax
        is_accepted = not plain or abstract in chosen
        supported = {abstract: chosen.get(abstract) or context.transfer_syntaxes} if is_accepted else {}
        contexts += answer((context,), supported)
    return AssociateAC(
        called_ae_title=request.called_ae_title,
        calling_ae_title=request.calling_ae_title,
        presentation_contexts=tuple(contexts),
        user_information=_user_information(found),
        title_octets=request.title_octets,
        reserved=request.reserved,
    )


def _syntax(word: str) -> str:
    return _SHORT_SYNTAXES.get(word) or uid(word)


def _user_information(found: Mapping[str, str]) -> tuple[UserItem, ...]:
    items = user_information(LIMITS)
    if "max" not in found:
        return items
    longest = MaximumLength(integer(found["max"]))
    return (longest, *(item for item in items if not isinstance(item, MaximumLength)))


class MessageDraft:
    """A message to send: its class, the elements of its Command Set, and its Data Set.

    A word ``KEYWORD=VALUE`` sets an element of the Command Set if the message has this element there, otherwise of the
    Data Set. ``data=`` takes the octets of a whole Data Set. ``file=`` takes the Data Set of a DICOM file, whose
    attributes the other words may change. Raises `Mistake` for a name that is not a message, and for a word that cannot
    be used.
    """

    def __init__(self, name: str, words: Iterable[str]) -> None:
        cls = _CLASSES.get(name.upper())
        if cls is None:
            raise Mistake(f"{shown(name)} is not a message, such as N-CREATE-RQ; `help send` lists them")
        self.cls: type[Message] = cls
        self.elements: dict[str, object] = {}
        self.dataset: Dataset | None = None
        self.file_syntax: TransferSyntax | None = None
        self._octets: bytes | None = None
        if cls is CEchoRQ:
            self.elements["AffectedSOPClassUID"] = Verification
        names = {field.name for field in fields(cls)} - {"Data"}
        plain, found = settings(list(words), "file")
        if "file" in found:
            file = _file(found["file"])
            self.dataset, self.file_syntax = file.dataset, file.syntax
        for word in plain:
            path, equals, text = word.partition("=")
            if not equals:
                raise Mistake(f"{shown(word)} is not KEYWORD=VALUE")
            if path == "data":
                self._octets = octets(text.split())
            elif path in names:
                self.elements[path] = _element(path, text)
            else:
                self.dataset = self.dataset or Dataset()
                put(self.dataset, path, text)
        if cls is CStoreRQ and self.dataset is not None:
            for keyword in ("SOPClassUID", "SOPInstanceUID"):  # if they differ, SCPs answer A9xx: PS3.4 §B.2.3
                if named := self.dataset.get(keyword):
                    self.elements.setdefault(f"Affected{keyword}", named)

    @property
    def sop_class(self) -> str:
        """The UID of the SOP Class of the message, "" if the message names none."""
        found = self.elements.get("AffectedSOPClassUID") or self.elements.get("RequestedSOPClassUID")
        return str(found or "")

    def message(self, syntax: TransferSyntax | None, message_id: int) -> Message:
        """Return the message, its Data Set encoded in ``syntax``.

        Without ``syntax``, the Data Set is encoded in the transfer syntax of its file, or in Implicit VR Little Endian.
        ``message_id`` is for a request to which no word gives a MessageID. Raises `Mistake` if a mandatory element is
        missing, or if ``data=`` is combined with attributes or a file, and `EncodeError` for a value that cannot be
        encoded.
        """
        if issubclass(self.cls, Request):
            self.elements.setdefault("MessageID", message_id)
        for field in fields(self.cls):
            if field.default is MISSING and field.name not in self.elements:
                table = _TABLE.match(self.cls.__doc__ or "")
                rule = f" [{table[0]}]" if table else ""
                raise Mistake(f"{message_name(self.cls)} needs {field.name}=...{rule}")
        data = self._octets
        if self.dataset is not None:
            if data is not None:
                raise Mistake("data= is a whole Data Set; it cannot be combined with attributes or a file")
            data = encode(self.dataset, syntax or self.file_syntax or IMPLICIT_LE)
        return self.cls(**self.elements, Data=data)


def _file(path: str) -> File:
    try:
        return read_file(octets([f"@{path}"]))
    except DecodeError as exc:
        raise Mistake(f"{shown(path)}: {exc}") from exc


def _element(keyword: str, text: str) -> object:
    """Return the value of an element of the Command Set."""
    vr = vr_of(tag_of(keyword))
    value = value_of(vr, text)
    if vr == "AT":
        return tuple(tag for tag in value if isinstance(tag, Tag)) if isinstance(value, list) else ()
    if isinstance(value, list):
        if len(value) != 1:
            raise Mistake(f"{keyword} must have one value, not {len(value)}")
        return value[0]
    return value or ""


def reply_to(request: Message, words: Sequence[str]) -> MessageDraft:
    """Return the draft of the response that ``reply`` sends to a request of the peer.

    ``words`` are a status, which may be left out if it is 0000H, then words as in ``send``. Raises `Mistake` if the
    message is not a request, and for a word that cannot be used.
    """
    if not isinstance(request, Request):
        raise Mistake("the last message of the peer is not a request")
    status, rest = "0000H", list(words)
    if rest and "=" not in rest[0]:
        status = rest.pop(0)
    cls = RESPONSES[type(request)]
    draft = MessageDraft(message_name(cls), rest)
    known = {field.name for field in fields(cls)}
    copied: dict[str, object] = {
        "MessageIDBeingRespondedTo": request.MessageID,
        "Status": integer(status, 0xFFFF),
        "AffectedSOPClassUID": getattr(request, "AffectedSOPClassUID", None)
        or getattr(request, "RequestedSOPClassUID", None),
        "AffectedSOPInstanceUID": getattr(request, "AffectedSOPInstanceUID", None)
        or getattr(request, "RequestedSOPInstanceUID", None),
        "EventTypeID": getattr(request, "EventTypeID", None),
        "ActionTypeID": getattr(request, "ActionTypeID", None),
    }
    draft.elements = {
        key: value for key, value in copied.items() if key in known and value is not None
    } | draft.elements
    return draft
