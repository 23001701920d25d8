"""The client: prints images on any DICOM printer, PS3.4 Annex H as its SCU.

`PrintClient` is an association with a printer. `PrintClient.print_images` is the whole job in one
call; `PrintClient.films` takes images one by one and prints each film when it is full;
`PrintClient.film_session` is the film-by-film face (see `session`).
"""

import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Self, overload

from dimse.data import Dataset, Value
from dimse.errors import AssociationAborted, ContextNotAccepted, DecodeError, EncodeError, ResponseTimeout, shown
from dimse.net import Association, Limits, Timeouts, TLSContext, Trace, connect
from dimse.net.arguments import check_address, check_ae_title, check_choice, check_settings, check_texts, check_type
from dimse.uids import (
    ImplicitVRLittleEndian,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
    PrinterInstance,
)
from dimse.uids import PresentationLUT as PresentationLUTClass
from dimse.uids import Printer as PrinterClass

from ..attributes import FILM_SESSION, choose, pick
from ..film import PresentationLUT, PrintImage
from ..images import Choices, ImageError, is_image
from ..sop import SOP_CLASSES, TRANSFER_SYNTAXES
from .capabilities import bits_of, box_of, format_of, item_of
from .connection import OPTIONAL, Color, Connection, Retries
from .events import Events, Job
from .films import Films, Order
from .operations import Answered, PrintFailed
from .options import Action, Bits, Printable, Style
from .profiles import Profile
from .session import FilmSession
from .true_size import demanded

__all__ = ["PrintClient", "PrintReport"]

_log = logging.getLogger("print_mgmt.scu")

# What a printer says of itself is the longest that it sends; a client holds no more for one that goes on without end
_LIMITS = Limits(data_set=1 << 24)
Images = Printable | Iterable[Printable] | AsyncIterable[Printable]

_PATIENCE = 5.0  # seconds, for an answer that no print needs


@dataclass(frozen=True, slots=True)
class PrintReport:
    """What was printed, and the warnings that the printer gave on the way, in words.

    ``answers`` tell how each operation was answered, ``jobs`` are the print jobs: neither counts where reports are
    compared.
    """

    films: int
    images: int
    warnings: tuple[str, ...] = ()
    answers: tuple[Answered, ...] = field(default=(), compare=False)
    jobs: tuple[Job, ...] = field(default=(), compare=False)


class PrintClient:
    """An association with a printer, opened by ``async with``.

    ``color`` chooses the Basic Color or the Basic Grayscale Print Management Meta SOP Class; None
    takes what the printer has, grayscale first, and "prefer" colour first. A printer that has no context for either
    is asked for the single SOP Classes, on a second association. ``bits`` is the depth of gray pixels on the wire,
    8 or 12; "auto" is what the profile takes, or what the printer says that it has use for, else 8.
    ``action`` says what N-ACTION prints: the film box, as the standard has it, the session,
    or ("auto") the film box and, where a printer does not know that, the session; ``action_data`` sends a Data Set
    with it, for a printer that answers none without. ``own_uids``: instances are named by us, unless the printer
    says otherwise; else by the printer alone. ``optional`` are the optional SOP Classes to propose; a
    Presentation LUT is proposed once `print_images` is to use one. ``profile`` has the limits of a kind of printer, see
    `profiles`. ``retries`` is how often an association that is rejected for the time being may be asked for again, and
    how often a lost one may be opened again while films are printed by `films` or
    `print_images`, never after a film was asked to be printed.
    ``tls`` is what `dimse.net.client_context` makes, ``trace`` gets each record of `dimse.net.Trace`.

    An argument that cannot be used raises `EncodeError`, at once. Entering raises what `dimse.net.connect` raises, and
    `ContextNotAccepted` when the printer accepts no print context. Outside the block there is no association, and
    what needs one raises `LocalProtocolError`; a client may be entered again.
    """

    def __init__(
        self,
        host: str,
        port: int = 104,
        *,
        called_ae_title: str = "PRINTSCP",
        calling_ae_title: str = "PRINTSCU",
        color: Color = False,
        bits: Bits | Literal["auto"] = 8,
        action: Action = "auto",
        action_data: bool = False,
        implicit_only: bool = False,
        own_uids: bool = True,
        optional: Iterable[str] | None = None,
        profile: Profile | None = None,
        retries: int = 0,
        tls: TLSContext | None = None,
        trace: Trace | None = None,
        limits: Limits = _LIMITS,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        check_address(host, port)
        check_settings(tls, trace, limits, timeouts)
        _check_wishes(color, bits, action, optional, profile, retries)
        called_ae_title = check_ae_title(called_ae_title, "called_ae_title")
        calling_ae_title = check_ae_title(calling_ae_title, "calling_ae_title")
        served = SOP_CLASSES.values() if profile is None else profile.config.abstract_syntaxes
        implicit_only = implicit_only or (profile is not None and profile.config.implicit_only)
        self._connection = Connection(
            lambda contexts, handlers: connect(
                host,
                port,
                contexts,
                called_ae_title=called_ae_title,
                calling_ae_title=calling_ae_title,
                handlers=handlers,
                tls=tls,
                trace=trace,
                limits=limits,
                timeouts=timeouts,
            ),
            color,
            (ImplicitVRLittleEndian,) if implicit_only else TRANSFER_SYNTAXES,
            [uid for uid in OPTIONAL if uid in served] if optional is None else optional,
            own_uids=own_uids,
            retries=retries,
        )
        self._asks_bits = bits == "auto" and profile is None
        known: Bits = 8 if profile is None else profile.bits
        self._style = Style(known if bits == "auto" else bits, action, action_data=action_data)
        self._profile = profile
        self._retries = retries
        self._configuration: Dataset | None = None

    async def __aenter__(self) -> Self:
        await self._connection.open()
        self._style.is_color = self._connection.is_color
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._connection.close(*exc_info)

    @property
    def association(self) -> Association:
        """For what has no method here: `dimse.net.scu` works on it."""
        return self._connection.operations.association

    @property
    def events(self) -> Events:
        """What the printer has reported so far, of itself and of print jobs."""
        return self._connection.events

    @property
    def warnings(self) -> list[str]:
        """What the printer has warned of so far: operation, status, its meaning, its comment."""
        return self._connection.warnings

    @property
    def answers(self) -> list[Answered]:
        """How the operations so far were answered."""
        return self._connection.answers

    # --- what the printer tells ---

    async def printer(self) -> Dataset:
        """What the printer says of itself: N-GET Printer, PS3.4 H.4.6. Raises `PrintFailed`."""
        return await self._connection.operations.get("the printer", PrinterClass, PrinterInstance)

    async def configuration(self) -> Dataset:
        """What the printer can do: N-GET Printer Configuration Retrieval, PS3.4 H.4.10.

        Raises `PrintFailed`, and `ContextNotAccepted` of a printer that does not tell.
        """
        return await self._ask_configuration()

    async def _ask_configuration(self, patience: float | None = None) -> Dataset:
        what, sop_class = "the printer's configuration", PrinterConfigurationRetrieval
        instance = PrinterConfigurationRetrievalInstance
        return await self._connection.operations.get(what, sop_class, instance, patience=patience)

    async def box_size(self, **attributes: Value) -> tuple[int, int] | None:
        """Rows and columns of each image box of a film box with these attributes, as the printer's configuration says.

        None where it does not tell, or the boxes are not all alike.
        """
        item = await self._own_configuration()
        return None if item is None else box_of(item, choose(attributes).film_box)

    async def display_format(self, images: int, **attributes: Value) -> str | None:
        """The Image Display Format for so many images on a film box with these attributes, by the configuration.

        It has the fewest boxes that take them all, else the most. None where the printer does not tell.
        """
        item = await self._own_configuration()
        return None if item is None else format_of(item, choose(attributes).film_box, images)

    @property
    def bits(self) -> Bits:
        """The depth of gray pixels on the wire; where that is "auto", of the last film."""
        return self._style.bits

    @property
    def is_color(self) -> bool:
        """Whether image boxes are in colour."""
        return self._connection.is_color

    def job(self, SOPInstanceUID: str) -> Job:
        """A print job by its UID, to be asked for or waited for."""
        return Job(SOPInstanceUID, self._connection.operations, self.events)

    async def _own_configuration(self) -> Dataset | None:
        """What the printer says of the Meta SOP Class in use, asked for once. No print fails for want of it."""
        if self._configuration is None:
            try:
                self._configuration = await self._ask_configuration(_PATIENCE)
            except (ContextNotAccepted, PrintFailed, DecodeError, ResponseTimeout, AssociationAborted) as exc:
                _log.info("%s", exc)
                self._configuration = Dataset()
        return item_of(self._configuration, self._connection.operations.meta)

    # --- printing ---

    @overload
    async def print_images(self, images: Images, **attributes: Value) -> PrintReport: ...

    @overload
    async def print_images(
        self,
        images: Images,
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: Choices | None = None,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> PrintReport: ...

    async def print_images(  # type: ignore[misc]  # the first is for **options of one type, such as dict[str, str]
        self,
        images: Images,
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: Choices | None = None,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> PrintReport:
        r"""Print ``images``, which may be one image: films are filled, printed and cleaned up.

        ``attributes`` are those of the film session, the film boxes and the image boxes, by keyword:
        ``ImageDisplayFormat=r"STANDARD\2,3", FilmSizeID="14INX17IN", NumberOfCopies=2``.
        ``progress`` is called with the number of images that the printer has got. The last film may
        have empty boxes; no images make no film. ``frames`` are those of a multi-frame image, from 1; None is
        all. ``looks`` are choices of `print_mgmt.images.prepare`, such as ``{"window": "auto"}``. ``annotations``
        are written on every film, where AnnotationDisplayFormatID says. The rest is as in `Order`.

        Images may come from an async iterator; one film is held in memory at a time. Raises `ImageError` for an image
        that cannot be printed, `EncodeError` for what no printer takes or that of the profile does not,
        `PrintFailed` for a failure status, `PrintUncertain` where the association is lost
        before the printer said that it has taken a film.
        """
        order = Order(
            chosen=choose(attributes),
            presentation_lut=presentation_lut,
            annotations=tuple(annotations),
            collate=collate,
            true_size=true_size,
            reduce=reduce,
        )
        return await self.print_order(images, order, progress=progress, frames=frames, looks=looks)

    async def print_order(
        self,
        images: Images,
        order: Order,
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: Choices | None = None,
    ) -> PrintReport:
        """As `print_images`, with what is wanted of each film apart."""
        warned, answered = len(self._connection.warnings), len(self._connection.answers)
        wanted = None if frames is None else tuple(frames)
        async with self._films(order) as films:
            films.progress = progress
            async for image in _each(images):
                await films.add(image, frames=wanted, **(looks or {}))
        return PrintReport(
            films=films.printed,
            images=films.images,
            warnings=tuple(self._connection.warnings[warned:]),
            answers=tuple(self._connection.answers[answered:]),
            jobs=tuple(self.job(job.SOPInstanceUID) for job in films.jobs),  # on the association that there is now
        )

    @asynccontextmanager
    async def films(
        self,
        *,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> AsyncIterator[Films]:
        """Films for images that come one by one; the last film is printed at the end of the block.

        What is wanted of them is as in `print_images`. A block that raises prints no film that is not full.
        """
        order = Order(
            chosen=choose(attributes),
            presentation_lut=presentation_lut,
            annotations=tuple(annotations),
            collate=collate,
            true_size=true_size,
            reduce=reduce,
        )
        async with self._films(order) as films:
            yield films

    @asynccontextmanager
    async def _films(self, order: Order) -> AsyncIterator[Films]:
        self._connection.operations  # noqa: B018  # says so at once where the client is not open
        order, box = await self._fitted(order)
        if order.presentation_lut is not None:
            await self._connection.propose_too(PresentationLUTClass)
        opened = partial(self._session, order.chosen.film_session, order.presentation_lut)
        films = Films(opened, self._style, order, retries=Retries(self._retries), box=box)
        try:
            yield films
            await films.finish()
        finally:
            await films.close()

    async def _fitted(self, order: Order) -> tuple[Order, tuple[int, int] | None]:
        """An order as this printer takes it, and the size of its image boxes where images are to be reduced to it."""
        box = None
        if order.true_size:
            order = replace(order, chosen=demanded(order.chosen))
        if (self._asks_bits and not self._style.is_color) or order.reduce:
            item = await self._own_configuration()
            if item is not None and self._asks_bits:
                self._style.bits = bits_of(item)
            if item is not None and order.reduce:
                box = box_of(item, order.chosen.film_box)
        if self._profile is not None:
            bits = 8 if self._style.is_color else self._style.bits
            fitted = self._profile.fitted(order.chosen, order.annotations, order.presentation_lut, bits)
            for warning in fitted.warnings:
                self._connection.operations.warn(warning)
            order = replace(order, chosen=fitted.chosen, annotations=fitted.annotations)
        return order, box

    @asynccontextmanager
    async def film_session(self, **attributes: Value) -> AsyncIterator[FilmSession]:
        """A film session (N-CREATE), deleted at the end of the block (N-DELETE).

        ``attributes`` are those of the film session, by keyword.
        """
        async with self._session(pick(FILM_SESSION, attributes)) as session:
            yield session

    @asynccontextmanager
    async def _session(self, attributes: Dataset, lut: PresentationLUT | None = None) -> AsyncIterator[FilmSession]:
        session = FilmSession(await self._connection.reopened(), self.events, self._style, attributes)
        if lut is not None:
            await session.use_lut(lut, in_session=self._profile is not None and self._profile.lut_in == "session")
        await session.create()
        try:
            yield session
        finally:
            await session.delete()


def _check_wishes(
    color: Color,
    bits: Bits | Literal["auto"],
    action: Action,
    optional: Iterable[str] | None,
    profile: Profile | None,
    retries: int,
) -> None:
    """Raise `EncodeError` for the first argument that is none of those of `PrintClient`."""
    check_choice("color", color, (None, False, True, "prefer"))
    check_choice("bits", bits, ("auto", 8, 12))
    check_choice("action", action, ("auto", "film", "session"))
    if optional is not None:
        check_texts("optional", optional, "SOP Class UIDs")
    if profile is not None:
        check_type("profile", profile, Profile, "a Profile, which print_mgmt.profile(NAME) makes")
    check_type("retries", retries, int, "a whole number from 0")
    if retries < 0:
        raise EncodeError(f"{shown(retries)} is not a whole number from 0", path="retries")


async def _each(images: Images) -> AsyncIterator[Printable]:
    things: object = images
    if isinstance(things, PrintImage) or is_image(things):
        yield things
    elif isinstance(things, AsyncIterable):
        async for image in things:
            yield image
    elif isinstance(things, Iterable):
        for image in things:
            yield image
    else:
        raise ImageError(f"{type(things).__name__} is no image, and no images to go through")
