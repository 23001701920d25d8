"""The association with a printer: which SOP Classes are asked for, and a new one where it is lost.

The Meta SOP Classes come first; a printer that has no context for them is asked for the single SOP Classes, on a
second association. The optional ones have contexts of their own: who has them not refuses those.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress

from dimse.errors import ContextNotAccepted, LocalProtocolError
from dimse.message import NEventReportRQ
from dimse.net import Association, Handlers
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    PrinterConfigurationRetrieval,
    PrintJob,
    name_of,
)
from dimse.uids import Printer as PrinterClass

from ..sop import MEMBERS, META_CLASSES
from .operations import Answered, Operations
from .watching import Events

__all__ = ["OPTIONAL", "Connection"]

# The optional SOP Classes that are proposed beside the Meta SOP Classes.
# Presentation LUT is not among them: with its context, DCMTK's printer takes no image that has no Presentation LUT.
OPTIONAL = (BasicAnnotationBox, PrintJob, PrinterConfigurationRetrieval)

Connect = Callable[[dict[str, tuple[str, ...]], Handlers], AbstractAsyncContextManager[Association]]


class Connection:
    """An association for printing in ``color``, or gray, or (None) for whatever there is.

    ``connect`` opens one with contexts and handlers. ``warnings`` and ``answers`` are those of all operations so far,
    whatever the association; ``events`` what the printer has reported. ``own_uids``: instances are named by us.
    """

    def __init__(
        self,
        connect: Connect,
        color: bool | None,
        syntaxes: tuple[str, ...],
        optional: Iterable[str],
        *,
        own_uids: bool = True,
    ) -> None:
        self.events = Events()
        self.warnings: list[str] = []
        self.answers: list[Answered] = []
        self._connect = connect
        self._metas = _METAS[color]
        self._needs_film = color is not None
        self._syntaxes = syntaxes
        self._optional = tuple(optional)
        self._own_uids = own_uids
        self._operations: Operations | None = None
        self._stack = AsyncExitStack()

    @property
    def operations(self) -> Operations:
        """Those on the association. Raises `LocalProtocolError` while there is none."""
        if self._operations is None:
            raise LocalProtocolError("the client is not open: use it in `async with`")
        return self._operations

    @property
    def is_color(self) -> bool:
        """Whether image boxes are in colour."""
        return self.operations.meta == BasicColorPrintManagementMeta

    async def open(self) -> None:
        """Open an association. Raises as `dimse.net.connect` does, `ContextNotAccepted`, and `LocalProtocolError`."""
        if self._operations is not None:
            raise LocalProtocolError("the client is open already: leave its block before it is entered again")
        await self._associate()

    async def _associate(self) -> None:
        proposed = (*self._metas, *self._optional, *(() if self._needs_film else (PrinterClass,)))
        if await self._open(proposed):
            return
        members = dict.fromkeys(member for meta in self._metas for member in sorted(MEMBERS[meta]))
        if await self._open((*members, *self._optional)):
            return
        names = " nor ".join(name_of(meta) for meta in self._metas)
        raise ContextNotAccepted(f"the peer accepts no {names}, and not the SOP Classes in it either")

    async def close(self, *exc_info: object) -> None:
        """Release it, or abort it where ``exc_info`` is that of a cancellation: there are no operations any more."""
        self._operations = None
        await self._leave(*exc_info)

    async def _leave(self, *exc_info: object) -> None:
        await self._stack.__aexit__(*(exc_info or (None, None, None)))  # type: ignore[arg-type]  # as they were given

    async def propose_too(self, sop_class: str) -> None:
        """Have a context for an optional SOP Class, on a new association where it was not proposed before."""
        if sop_class not in self._optional:
            self._optional = (*self._optional, sop_class)
            await self._leave()
            await self._associate()

    async def reopened(self) -> Operations:
        """The operations on an open association: a new one, where the one there was is lost.

        Raises `LocalProtocolError` once the client is closed: nobody would close a new association.
        """
        if not self.operations.association.is_open:
            with suppress(Exception):  # it is lost, and how was told before
                await self._leave()
            await self._associate()
        return self.operations

    async def _open(self, proposed: Iterable[str]) -> bool:
        """Open an association, and keep it if the printer accepts what is needed."""
        contexts = dict.fromkeys(proposed, self._syntaxes)
        handlers: Handlers = {(abstract, NEventReportRQ): self.events.report for abstract in contexts}
        async with AsyncExitStack() as stack:
            association = await stack.enter_async_context(self._connect(contexts, handlers))
            meta = self._meta(association)
            if meta is None:
                return False
            operations = Operations(association, meta, own_uids=self._own_uids)
            operations.warnings, operations.answers = self.warnings, self.answers
            self._operations, self._stack = operations, stack.pop_all()
        return True

    def _meta(self, association: Association) -> str | None:
        """The Meta SOP Class whose members are accepted, None where none is."""
        for meta in self._metas:
            if _accepts(association, meta) or all(_accepts(association, member) for member in _NEEDED[meta]):
                return meta
        return None if self._needs_film or not _accepts(association, PrinterClass) else self._metas[0]


def _accepts(association: Association, abstract_syntax: str) -> bool:
    try:
        association.context_for(abstract_syntax)
    except ContextNotAccepted:
        return False
    return True


_METAS: dict[bool | None, tuple[str, ...]] = {
    None: META_CLASSES,
    True: (BasicColorPrintManagementMeta,),
    False: (BasicGrayscalePrintManagementMeta,),
}
# Without these nothing can be printed; a printer may well do without N-GET Printer
_NEEDED = {meta: members - {PrinterClass} for meta, members in MEMBERS.items()}
