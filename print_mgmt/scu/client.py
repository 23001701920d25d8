"""The client: prints images on any DICOM printer, as an SCU of PS3.4 Annex H.

`PrintClient` is an association with a printer. `PrintClient.print_images` does everything in one call;
`PrintClient.films` accepts images one by one, and prints each film when it is full; `PrintClient.film_session` gives
control of each film (see `session`).
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Self, overload

from dimse.data import Dataset, Value
from dimse.net import Association, Limits, Timeouts, TLSContext, Trace
from dimse.uids import ImplicitVRLittleEndian, PrinterInstance
from dimse.uids import PresentationLUT as PresentationLUTClass
from dimse.uids import Printer as PrinterClass

from ..attributes import FILM_SESSION, choose, pick
from ..film import PresentationLUT
from ..images import ImageOptions
from ..sop import SOP_CLASSES, TRANSFER_SYNTAXES
from .arguments import check_options, dialer
from .capabilities import box_of, format_of
from .connection import OPTIONAL, Connection, Retries
from .events import Events, Job
from .films import FilmOptions, Films
from .operations import Answered
from .options import Action, Bits, Color, Images, PrintOptions, each_image
from .profiles import Profile
from .session import FilmSession
from .true_size import require_true_size

__all__ = ["PrintClient", "PrintReport"]


# The limit for the Data Sets of a printer: its configuration is the longest, and stays far below 16 MiB
_LIMITS = Limits(data_set=1 << 24)


@dataclass(frozen=True, slots=True)
class PrintReport:
    """The numbers of films and images that were printed, and the warnings of the printer and of this client.

    ``answers`` has the status of each operation except N-DELETE, and ``jobs`` the print jobs; both are ignored in
    comparisons.
    """

    films: int
    images: int
    warnings: tuple[str, ...] = ()
    answers: tuple[Answered, ...] = field(default=(), compare=False)
    jobs: tuple[Job, ...] = field(default=(), compare=False)


class PrintClient:
    """An association with a printer, open inside ``async with``.

    ``color`` selects the Basic Color (True) or the Basic Grayscale (False) Print Management Meta SOP Class; "prefer"
    uses color if the printer has it, "avoid" uses color only if the printer has nothing else, and None uses either,
    preferably grayscale, or the Printer SOP Class alone. If the printer accepts no Meta SOP Class, a second association
    proposes the member SOP Classes one by one. ``optional`` are the optional SOP Classes to propose; Presentation LUT
    is proposed when it is used. With ``implicit_only``, only Implicit VR Little Endian is proposed.

    ``bits`` is the depth of gray pixels on the wire, 8 or 12; "auto" takes it from the profile or from the printer's
    configuration, or else uses 8. ``profile`` has the limits of a printer model (see `profiles`).

    ``action`` is the instance that N-ACTION prints: the film box ("film", as in the standard) or the session; "auto"
    tries the film box first. ``action_data`` sends a Data Set with N-ACTION, for printers that do not answer without
    it. ``own_uids``: the client assigns the SOP Instance UIDs, unless the printer refuses them.

    ``retries`` limits how often a transiently rejected association is requested again, and how often a lost association
    is replaced; `films` and `print_images` do not replace one that is lost between N-ACTION and its response. ``tls``
    comes from `dimse.net.client_context`; ``trace`` gets the records of `dimse.net.Trace`.

    A wrong argument raises `EncodeError` at once. Entering the block raises what `dimse.net.connect` raises, and
    `ContextNotAccepted` if the printer accepts no print context. Outside the block, methods that need an association
    raise `LocalProtocolError`. The same client may be entered again after its block has ended.
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
        dial = dialer(host, port, called_ae_title, calling_ae_title, tls, trace, limits, timeouts)
        check_options(color, bits, action, optional, profile, retries)
        served = SOP_CLASSES.values() if profile is None else profile.config.abstract_syntaxes
        implicit_only = implicit_only or (profile is not None and profile.config.implicit_only)
        known: Bits | Literal["auto"] = profile.bits if bits == "auto" and profile is not None else bits
        self._connection = Connection(
            dial,
            PrintOptions(color=color, bits=known, action=action, action_data=action_data, own_uids=own_uids),
            (ImplicitVRLittleEndian,) if implicit_only else TRANSFER_SYNTAXES,
            [uid for uid in OPTIONAL if uid in served] if optional is None else optional,
            retries=retries,
        )
        self._profile = profile
        self._retries = retries

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._connection.close(*exc_info)

    @property
    def association(self) -> Association:
        """The association, for services that have no method here (see `dimse.net.scu`)."""
        return self._connection.operations.association

    @property
    def events(self) -> Events:
        """The events of the printer and of print jobs that the printer has reported."""
        return self._connection.events

    @property
    def warnings(self) -> list[str]:
        """The warnings so far, of the printer and of this client.

        A warning of the printer has the operation, the status with its meaning, and the comment of the printer.
        """
        return self._connection.warnings

    @property
    def answers(self) -> list[Answered]:
        """All operations so far, except N-DELETE, each with its status."""
        return self._connection.answers

    @property
    def bits(self) -> Bits:
        """The depth of gray pixels on the wire; with the option "auto", the depth of the latest film."""
        return self._connection.bits

    @property
    def is_color(self) -> bool:
        """Whether the image boxes are color image boxes."""
        return self._connection.is_color

    # --- queries ---

    async def printer(self) -> Dataset:
        """Return the attributes of the printer: N-GET Printer, PS3.4 H.4.6. Raises `PrintFailed`."""
        return await self._connection.operations.get("the printer", PrinterClass, PrinterInstance)

    async def configuration(self) -> Dataset:
        """Return the printer's configuration: N-GET Printer Configuration Retrieval, PS3.4 H.4.11.

        Raises `PrintFailed`, and `ContextNotAccepted` if the printer lacks that SOP Class.
        """
        return await self._connection.configuration()

    async def box_size(self, **attributes: Value) -> tuple[int, int] | None:
        """Return the rows and columns of the image boxes of a film box with these attributes.

        They come from the printer's configuration. Return None if it does not have them, or if the boxes differ in
        size.
        """
        item = await self._connection.capabilities()
        return None if item is None else box_of(item, choose(attributes).film_box)

    async def display_format(self, images: int, **attributes: Value) -> str | None:
        """Return the best Image Display Format for ``images`` images on a film box with these attributes.

        It is the STANDARD format with the fewest boxes that hold all images. If no format holds all images, it is the
        one with the most boxes. Return None if the printer's configuration lists no STANDARD format.
        """
        item = await self._connection.capabilities()
        return None if item is None else format_of(item, choose(attributes).film_box, images)

    def job(self, SOPInstanceUID: str) -> Job:
        """Return the print job with this UID, to query its status or to wait for its end."""
        return Job(SOPInstanceUID, self._connection.operations, self.events)

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
        looks: ImageOptions | None = None,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> PrintReport: ...

    async def print_images(  # type: ignore[misc]  # the first overload is for **attributes from a dict
        self,
        images: Images,
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: ImageOptions | None = None,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> PrintReport:
        r"""Print one or more images: fill films, print them, and delete the instances on the printer.

        ``attributes`` are attributes of the film session, the film boxes and the image boxes, by keyword:
        ``ImageDisplayFormat=r"STANDARD\2,3", FilmSizeID="14INX17IN", NumberOfCopies=2``.
        ``frames`` are the frames of multi-frame images to print, from 1; None prints all. ``looks`` are options of
        `print_mgmt.images.prepare`, such as ``{"window": "auto"}``. ``annotations`` are written on every film, at the
        positions of AnnotationDisplayFormatID. `FilmOptions` explains the other arguments.

        ``progress`` is called with the number of images that the printer has received. The last film may have empty
        boxes; without images, no film is printed.

        Images may come from an async iterator; only one film at a time is held in memory. Raises `ImageError` for an
        image that cannot be printed, `EncodeError` for an attribute that is wrong or that the printer of the profile
        does not accept, `PrintFailed` for a failure status, and `PrintUncertain` if the association is lost between
        N-ACTION and its response.
        """
        films = self.films(
            presentation_lut=presentation_lut,
            annotations=annotations,
            collate=collate,
            true_size=true_size,
            reduce=reduce,
            **attributes,
        )
        return await self._print(films, images, progress, frames, looks)

    async def print_with(
        self,
        options: FilmOptions,
        images: Images,
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: ImageOptions | None = None,
    ) -> PrintReport:
        """Print images as `print_images` does, with the options for films in one object."""
        return await self._print(self._films(options), images, progress, frames, looks)

    async def _print(
        self,
        opening: AbstractAsyncContextManager[Films],
        images: Images,
        progress: Callable[[int], None] | None,
        frames: Iterable[int] | None,
        looks: ImageOptions | None,
    ) -> PrintReport:
        warned, answered = len(self._connection.warnings), len(self._connection.answers)
        wanted = None if frames is None else tuple(frames)
        async with opening as films:
            films.progress = progress
            async for image in each_image(images):
                await films.add(image, frames=wanted, **(looks or {}))
        return PrintReport(
            films=films.printed,
            images=films.images,
            warnings=tuple(self._connection.warnings[warned:]),
            answers=tuple(self._connection.answers[answered:]),
            jobs=tuple(self.job(job.SOPInstanceUID) for job in films.jobs),  # on the current association
        )

    @overload
    def films(self, **attributes: Value) -> AbstractAsyncContextManager[Films]: ...

    @overload
    def films(
        self,
        *,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> AbstractAsyncContextManager[Films]: ...

    def films(  # type: ignore[misc]  # the first overload is for **attributes from a dict
        self,
        *,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        true_size: bool = False,
        reduce: bool = False,
        **attributes: Value,
    ) -> AbstractAsyncContextManager[Films]:
        """Open films for images that come one by one; the last film is printed at the end of the block.

        The options are those of `print_images`. If the block raises, the film that is being filled is not printed; with
        ``collate``, no film is printed.
        """
        options = FilmOptions(
            chosen=choose(attributes),
            presentation_lut=presentation_lut,
            annotations=tuple(annotations),
            collate=collate,
            true_size=true_size,
            reduce=reduce,
        )
        return self._films(options)

    @asynccontextmanager
    async def _films(self, options: FilmOptions) -> AsyncIterator[Films]:
        self._connection.operations  # noqa: B018  # raises at once if the client is not open
        options, box = await self._supported(options)
        if options.presentation_lut is not None:
            await self._connection.propose_too(PresentationLUTClass)
        open_session = partial(self._session, options.chosen.film_session, options.presentation_lut)
        films = Films(open_session, self._connection, options, retries=Retries(self._retries), box=box)
        try:
            yield films
            await films.finish()
        finally:
            await films.close()

    async def _supported(self, options: FilmOptions) -> tuple[FilmOptions, tuple[int, int] | None]:
        """Return the options that this printer supports, and the size of image boxes to which images are reduced.

        The size is None if images are not reduced.
        """
        connection, box = self._connection, None
        if options.true_size:
            options = replace(options, chosen=require_true_size(options.chosen))
        await connection.learn_bits()
        if options.reduce:
            item = await connection.capabilities()
            box = None if item is None else box_of(item, options.chosen.film_box)
        if self._profile is not None:
            bits = 8 if connection.is_color else connection.bits
            supported = self._profile.supported(options.chosen, options.annotations, options.presentation_lut, bits)
            for warning in supported.warnings:
                connection.operations.warn(warning)
            options = replace(options, chosen=supported.chosen, annotations=supported.annotations)
        return options, box

    def film_session(self, **attributes: Value) -> AbstractAsyncContextManager[FilmSession]:
        """Create a film session (N-CREATE), and delete it at the end of the block (N-DELETE).

        ``attributes`` are the attributes of the film session, by keyword.
        """
        return self._session(pick(FILM_SESSION, attributes))

    @asynccontextmanager
    async def _session(self, attributes: Dataset, lut: PresentationLUT | None = None) -> AsyncIterator[FilmSession]:
        await self._connection.reopen()
        session = FilmSession(self._connection, attributes)
        if lut is not None:
            await session.use_lut(lut, in_session=self._profile is not None and self._profile.lut_in == "session")
        await session.create()
        try:
            yield session
        finally:
            await session.delete()
