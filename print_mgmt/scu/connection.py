"""The association with a printer: proposes SOP Classes, replaces a lost association, and keeps facts about the printer.

The first association proposes Meta SOP Classes. If the printer accepts none of them, a second association proposes
each of their member SOP Classes in a context of its own, and, if the client avoids color, the color Meta SOP Class.
Each optional SOP Class has a context of its own, which a printer can reject separately. If a printer rejects the whole
association instead, each Meta SOP Class is proposed alone, until one is accepted.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress

from dimse.data import Dataset
from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ContextNotAccepted,
    DecodeError,
    LocalProtocolError,
    ResponseTimeout,
)
from dimse.message import NEventReportRQ
from dimse.net import Association, Handlers, SynchronousHandler
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
    PrintJob,
    name_of,
)
from dimse.uids import Printer as PrinterClass

from ..sop import MEMBERS, META_CLASSES
from .capabilities import bits_of, item_of
from .events import Events
from .operations import Answered, Operations, PrintFailed
from .options import Action, Bits, Color, PixelFormat, PrintOptions

__all__ = ["OPTIONAL", "Connect", "Connection", "Retries"]

_log = logging.getLogger("print_mgmt.scu")

# The optional SOP Classes that are proposed with the Meta SOP Classes.
# Presentation LUT is not among them: with its context, DCMTK's printer refuses images without a Presentation LUT.
OPTIONAL = (BasicAnnotationBox, PrintJob, PrinterConfigurationRetrieval)

Connect = Callable[[dict[str, tuple[str, ...]], Handlers], AbstractAsyncContextManager[Association]]

_PATIENCE = 5.0  # seconds to wait for a response that a print does not need
_PAUSE = 1.0  # seconds before the first retry; each further pause is twice as long


class Retries:
    """The retries for an association, of which ``left`` remain."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._pause = _PAUSE

    async def pause(self, reason: object) -> None:
        """Wait before the next retry; ``reason`` goes to the log."""
        _log.info("%s: trying again in %g s", reason, self._pause)
        self.left -= 1
        await asyncio.sleep(self._pause)
        self._pause *= 2


class Connection:
    """The association with a printer, and the properties of the printer learned on this and earlier associations.

    ``connect`` opens an association with contexts and handlers; ``syntaxes`` and ``optional`` are the transfer syntaxes
    and the optional SOP Classes to propose. ``retries`` limits how often a transiently rejected association is
    requested again.

    ``bits`` is the depth of gray pixels, and ``action`` the instance that N-ACTION prints, or "auto" until that is
    known. ``warnings`` and ``answers`` belong to all operations so far; ``events`` are the events that the printer has
    reported.
    """

    def __init__(
        self,
        connect: Connect,
        options: PrintOptions,
        syntaxes: tuple[str, ...],
        optional: Iterable[str],
        *,
        retries: int = 0,
    ) -> None:
        self.options = options
        self.bits: Bits = 8 if options.bits == "auto" else options.bits
        self.action = options.action
        self.events = Events()
        self.warnings: list[str] = []
        self.answers: list[Answered] = []
        self._connect = connect
        self._metas = _METAS[options.color]
        self._first_metas = self._metas[:1] if options.color == "avoid" else self._metas
        self._must_print = options.color is not None
        self._syntaxes = syntaxes
        self._optional = tuple(optional)
        self._retries = retries
        self._operations: Operations | None = None
        self._configuration: Dataset | None = None
        self._opened: AbstractAsyncContextManager[Association] | None = None  # the association, to close it

    @property
    def operations(self) -> Operations:
        """The operations on the association. Raises `LocalProtocolError` if the client is not open."""
        if self._operations is None:
            raise LocalProtocolError("the client is not open: use it in `async with`")
        return self._operations

    @property
    def is_color(self) -> bool:
        """Whether the image boxes are color image boxes."""
        return self.operations.meta == BasicColorPrintManagementMeta

    @property
    def pixels(self) -> PixelFormat:
        """The format of the pixels for image boxes."""
        return PixelFormat(self.operations.meta == BasicColorPrintManagementMeta, self.bits)

    # --- properties of the printer ---

    async def configuration(self, patience: float | None = None) -> Dataset:
        """Return the printer's configuration: N-GET Printer Configuration Retrieval, PS3.4 H.4.11.

        ``patience`` is the time limit for the response in seconds. Raises `PrintFailed`, and `ContextNotAccepted` if
        the printer lacks that SOP Class.
        """
        instance = PrinterConfigurationRetrievalInstance
        what = "the printer's configuration"
        return await self.operations.get(what, PrinterConfigurationRetrieval, instance, patience=patience)

    async def capabilities(self) -> Dataset | None:
        """Return the item of the configuration for the Meta SOP Class in use, or None if the printer has none.

        The printer is asked only once. If it does not answer, the print goes on without the configuration.
        """
        if self._configuration is None:
            try:
                self._configuration = await self.configuration(_PATIENCE)
            except (ContextNotAccepted, PrintFailed, DecodeError, ResponseTimeout, AssociationAborted) as exc:
                _log.info("%s", exc)
                self._configuration = Dataset()
        return item_of(self._configuration, self.operations.meta)

    async def learn_bits(self) -> None:
        """Set the depth of gray pixels from the printer's configuration, if the option is "auto"."""
        if self.options.bits == "auto" and not self.is_color:
            item = await self.capabilities()
            if item is not None:
                self.bits = bits_of(item)

    def learn_action(self, action: Action) -> None:
        """Remember which instance N-ACTION has printed."""
        self.action = action

    # --- the association ---

    async def open(self) -> None:
        """Open an association.

        Raises what `dimse.net.connect` raises, `ContextNotAccepted` if the printer accepts no print context, and
        `LocalProtocolError` if the client is already open.
        """
        if self._operations is not None:
            raise LocalProtocolError("the client is already open: leave its block before entering it again")
        await self._associate()

    async def _associate(self) -> None:
        retries = Retries(self._retries)
        while True:
            try:
                return await self._open_any()
            except AssociationRejected as exc:
                if exc.result != _TRANSIENT or not retries.left:
                    raise
                reason = exc
            await retries.pause(reason)

    async def _open_any(self) -> None:
        """Open an association for the first Meta SOP Classes, or else for the remaining ones and all member classes."""
        if await self._open_meta():
            return
        others = [meta for meta in self._metas if meta not in self._first_metas]
        members = dict.fromkeys(member for meta in self._metas for member in sorted(MEMBERS[meta]))
        if await self._open((*others, *members, *self._optional)):
            return
        names, them = " nor ".join(map(name_of, self._metas)), "it" if len(self._metas) == 1 else "them"
        raise ContextNotAccepted(f"the peer accepts neither {names} nor the SOP Classes in {them}")

    async def _open_meta(self) -> bool:
        """Open an association for a Meta SOP Class, if necessary without the optional SOP Classes.

        Return False if the printer accepts neither of them, nor, if the client need not print, the Printer SOP Class.
        """
        proposed = (*self._first_metas, *self._optional, *(() if self._must_print else (PrinterClass,)))
        try:
            return await self._open(proposed)
        except (AssociationAborted, AssociationRejected) as exc:
            if len(proposed) == 1 or not _may_be_for_contexts(exc):
                raise
            _log.info("%s: proposing the Meta SOP Class alone", exc)
        for meta in self._first_metas:
            if await self._open((meta,)):
                self._optional = ()
                return True
        return False

    async def close(self, *exc_info: object) -> None:
        """Release the association, or abort it after an exception or a cancellation (``exc_info``)."""
        self._operations = None
        await self._leave(*exc_info)

    async def _leave(self, *exc_info: object) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(*(exc_info or (None, None, None)))  # type: ignore[arg-type]  # as Python gave them

    async def propose_too(self, sop_class: str) -> None:
        """Propose another optional SOP Class on a new association. Do nothing if the class was proposed already."""
        if sop_class not in self._optional:
            self._optional = (*self._optional, sop_class)
            await self._leave()
            await self._associate()

    async def reopen(self) -> None:
        """Open a new association if the current one is lost.

        Raises `LocalProtocolError` after `close`, because a new association would never be closed.
        """
        if not self.operations.association.is_open:
            with suppress(Exception):  # the reason for the loss has already been reported
                await self._leave()
            await self._associate()

    async def _open(self, proposed: Iterable[str]) -> bool:
        """Open an association; close it and return False if the printer rejects the necessary contexts."""
        contexts = dict.fromkeys(proposed, self._syntaxes)
        report = SynchronousHandler(self.events.report)
        handlers: Handlers = {(abstract, NEventReportRQ): report for abstract in contexts}
        opening = self._connect(contexts, handlers)
        association = await opening.__aenter__()
        self._opened = opening
        meta = self._meta(association)
        if meta is None:
            await self._leave()
            return False
        before = self._operations  # a printer that refused our UIDs once would refuse them again
        own_uids = self.options.own_uids if before is None else before.own_uids
        self._operations = Operations(association, meta, self.warnings, self.answers, own_uids=own_uids)
        return True

    def _meta(self, association: Association) -> str | None:
        """Return the first Meta SOP Class that the printer accepts, itself or through the members that printing needs.

        Return None if there is none. If the client need not print and the printer accepts only the Printer SOP Class,
        return the preferred Meta SOP Class.
        """
        for meta in self._metas:
            if _accepts(association, meta) or all(_accepts(association, member) for member in _NEEDED[meta]):
                return meta
        return None if self._must_print or not _accepts(association, PrinterClass) else self._metas[0]


def _may_be_for_contexts(error: AssociationAborted | AssociationRejected) -> bool:
    """Return whether an association may have been rejected because of its contexts."""
    return isinstance(error, AssociationAborted) or (error.source, error.reason) not in _OTHER_REASONS


def _accepts(association: Association, abstract_syntax: str) -> bool:
    try:
        association.context_for(abstract_syntax)
    except ContextNotAccepted:
        return False
    return True


_TRANSIENT = 2  # the result "rejected-transient", PS3.8 Table 9-21
# (source, reason) of rejections that are unrelated to contexts: application context, AE titles, congestion
_OTHER_REASONS = frozenset({(1, 2), (1, 3), (1, 7), (3, 1)})

_METAS: dict[Color, tuple[str, ...]] = {
    None: META_CLASSES,
    "prefer": (BasicColorPrintManagementMeta, BasicGrayscalePrintManagementMeta),
    "avoid": (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta),
    True: (BasicColorPrintManagementMeta,),
    False: (BasicGrayscalePrintManagementMeta,),
}
# The member classes that printing needs; the Printer SOP Class is not needed
_NEEDED = {meta: members - {PrinterClass} for meta, members in MEMBERS.items()}
