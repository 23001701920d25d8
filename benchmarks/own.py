"""This project as a contestant: servers, and clients that time themselves, each in its own process."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

from benchmarks.images import FILM_FORMAT, film_images, large_image, small_image
from benchmarks.processes import HOST
from dimse.data import Dataset, pixel_array, read_file, set_pixels
from dimse.explain.pcapng import Address
from dimse.message import CStoreRQ, NSetRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Handlers,
    Limits,
    Operation,
    Service,
    Timeouts,
    Trace,
    connect,
    record,
    scu,
)
from dimse.net import serve as serve_services
from dimse.net.relay import relay
from dimse.uids import (
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    Verification,
)
from print_mgmt import Film, PrintClient, PrintServer
from print_mgmt.jobs import PrintQueue
from print_mgmt.scu import FilmSession

__all__ = [
    "associate",
    "c_store",
    "echo",
    "film",
    "films",
    "films_at_once",
    "films_in_turn",
    "forward",
    "look",
    "n_set",
    "print_film",
    "read",
    "run",
    "serve",
    "serve_films",
    "verify",
]

T = TypeVar("T")

_SUCCESS = 0x0000
_IMAGES = dict.fromkeys((BasicGrayscalePrintManagementMeta, SecondaryCaptureImageStorage), (ExplicitVRLittleEndian,))
_MANY = 10_000  # associations of one machine
_COUNTS = ("associations", "host_associations", "connections", "host_connections")
_PATIENT = Timeouts(idle=600)
_INSTANCE = "1.2.3.4.5"
_VERIFICATION = {Verification: (ImplicitVRLittleEndian,)}


def run(loop: str, work: Coroutine[Any, Any, T]) -> T:
    """Run on the event loop of asyncio, or of another package."""
    factory = importlib.import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def serve(ready: Connection, max_pdu: int, loop: str = "asyncio") -> None:
    """Answer C-ECHO, and N-SET and C-STORE of images after a look at the last pixel."""
    run(loop, _serve(ready, max_pdu))


async def _serve(ready: Connection, max_pdu: int) -> None:
    limits = Limits(max_pdu=max_pdu, **dict.fromkeys(_COUNTS, _MANY))
    services = [Service(_IMAGES, _image_handlers), VERIFICATION]
    async with serve_services(services, HOST, 0, limits=limits, timeouts=_PATIENT) as server:
        ready.send(server.port)
        await server.serve_forever()


def forward(ready: Connection, port: int) -> None:
    """Forward each connection to ``port``, as the tap does, and do nothing else."""
    asyncio.run(_forward(ready, port))


async def _forward(ready: Connection, port: int) -> None:
    async with relay(HOST, 0, HOST, port, watch=_Unseen) as forwarding:
        ready.send(forwarding.port)
        await asyncio.Event().wait()


class _Unseen:
    """A `Watch` that looks at nothing."""

    def __init__(self, client: Address, target: Address) -> None:
        pass

    def received(self, by_client: bool, data: bytes) -> None:
        pass

    def closed(self, why: str) -> None:
        pass


@asynccontextmanager
async def _image_handlers(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
    yield {(BasicGrayscalePrintManagementMeta, NSetRQ): _set, (SecondaryCaptureImageStorage, CStoreRQ): _store}


async def _set(operation: Operation) -> Response:
    dataset = operation.dataset()
    assert dataset is not None
    items = dataset.BasicGrayscaleImageSequence
    assert isinstance(items, list)
    assert isinstance(items[0], Dataset)
    pixel_array(items[0])[-1, -1]
    return operation.reply()


async def _store(operation: Operation) -> Response:
    dataset = operation.dataset()
    assert dataset is not None
    pixel_array(dataset)[-1, -1]
    return operation.reply()


def serve_films(ready: Connection) -> None:
    """Run a printer that drops its films."""
    asyncio.run(_serve_films(ready))


async def _serve_films(ready: Connection) -> None:
    async with PrintServer(_drop, HOST, 0, queue=PrintQueue(1000)) as server:
        ready.send(server.port)
        await server.serve_forever()


async def _drop(film: Film) -> None:
    """Do nothing."""


def n_set(port: int, max_pdu: int, mebibytes: int, times: int, recording: Path | None = None) -> float:
    """Return the median of N-SETs of an image on one association; the first counts only if it is the only one."""
    return asyncio.run(_n_set(port, max_pdu, mebibytes, times, recording))


async def _n_set(port: int, max_pdu: int, mebibytes: int, times: int, recording: Path | None) -> float:
    item = Dataset()
    set_pixels(item, large_image(mebibytes), photometric="MONOCHROME2")
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[item])
    contexts = {BasicGrayscalePrintManagementMeta: (ExplicitVRLittleEndian,)}
    async with connect(HOST, port, contexts, limits=Limits(max_pdu=max_pdu), trace=_trace(recording)) as association:
        context = association.context_for(BasicGrayscalePrintManagementMeta)
        seconds = []
        for _ in range(times + 1):
            start = perf_counter()
            response = await scu.n_set(association, context, BasicGrayscaleImageBox, _INSTANCE, dataset)
            seconds.append(perf_counter() - start)
            assert response.Status == _SUCCESS, response
        return median(seconds[1:] or seconds)


def c_store(port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    """Return the same for C-STORE."""
    return asyncio.run(_c_store(port, max_pdu, mebibytes, times))


async def _c_store(port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=_INSTANCE)
    set_pixels(dataset, large_image(mebibytes), photometric="MONOCHROME2")
    contexts = {SecondaryCaptureImageStorage: (ExplicitVRLittleEndian,)}
    async with connect(HOST, port, contexts, limits=Limits(max_pdu=max_pdu)) as association:
        seconds = []
        for _ in range(times + 1):
            start = perf_counter()
            response = await scu.c_store(association, dataset)
            seconds.append(perf_counter() - start)
            assert response.Status == _SUCCESS, response
        return median(seconds[1:] or seconds)


def film(port: int, times: int, recording: Path | None = None) -> float:
    """Return the median of films, from connecting to the response to N-ACTION, after a warm-up film."""
    return asyncio.run(_films(port, times, recording))


async def _films(port: int, times: int, recording: Path | None) -> float:
    trace = _trace(recording)
    seconds = [await _film(port, trace) for _ in range(times + 1)]
    return median(seconds[1:] or seconds)


def _trace(recording: Path | None) -> Trace | None:
    return None if recording is None else record(recording)


async def _film(port: int, trace: Trace | None) -> float:
    images = film_images()
    start = perf_counter()
    async with (
        PrintClient(HOST, port, trace=trace) as client,
        client.film_session(NumberOfCopies=1) as session,
    ):
        async with session.film_box(ImageDisplayFormat=FILM_FORMAT, FilmSizeID="14INX17IN") as box:
            for position, image in enumerate(images, 1):
                await box.set_image(position, image)
            await box.print()
            return perf_counter() - start


def films(port: int, times: int) -> float:
    """Return the mean of films on one association, after a warm-up film."""
    return asyncio.run(_films_of_one(port, times))


async def _films_of_one(port: int, times: int) -> float:
    async with PrintClient(HOST, port, optional=()) as client, client.film_session() as session:
        await _small_film(session)
        start = perf_counter()
        for _ in range(times):
            await _small_film(session)
        return (perf_counter() - start) / times


def films_at_once(port: int, clients: int) -> float:
    """Return the seconds for each film of clients that associate, print one and release at the same time."""
    return asyncio.run(_films_of_many(port, clients))


async def _films_of_many(port: int, clients: int) -> float:
    start = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(print_film(port))
    return (perf_counter() - start) / clients


def films_in_turn(port: int, times: int) -> float:
    """Return the mean of films of one image, each on its own association."""
    return asyncio.run(_films_in_turn(port, times))


async def _films_in_turn(port: int, times: int) -> float:
    start = perf_counter()
    for _ in range(times):
        await print_film(port)
    return (perf_counter() - start) / times


def read(path: str, times: int) -> float:
    """Return the mean time to read a file and look at each of its values, also in sequences."""
    start = perf_counter()
    for _ in range(times):
        look(read_file(path).dataset)
    return (perf_counter() - start) / times


def look(dataset: Dataset) -> int:
    """Read every value of a Data Set of ours or of pydicom. Return the number of elements."""
    count = 0
    for element in dataset:
        count += 1
        value = element.value
        if element.VR == "SQ" and value:
            count += sum(map(look, value))  # type: ignore[arg-type]  # the items of a sequence
    return count


async def print_film(port: int, trace: Trace | None = None) -> None:
    """Print a film of one image on an association of its own."""
    patience = Timeouts(connect=120.0)  # dcmprscp lets all others wait
    async with PrintClient(HOST, port, optional=(), timeouts=patience, trace=trace) as client:
        async with client.film_session() as session:
            await _small_film(session)


async def _small_film(session: FilmSession) -> None:
    async with session.film_box(ImageDisplayFormat=FILM_FORMAT, FilmSizeID="14INX17IN") as box:
        await box.set_image(1, small_image())
        await box.print()


def echo(port: int, times: int, loop: str = "asyncio") -> float:
    """Return the mean of C-ECHOs on one association."""
    return run(loop, _echo(port, times))


async def _echo(port: int, times: int) -> float:
    async with connect(HOST, port, _VERIFICATION) as association:
        await scu.c_echo(association)
        start = perf_counter()
        for _ in range(times):
            await scu.c_echo(association)
        return (perf_counter() - start) / times


def associate(port: int, times: int, loop: str = "asyncio") -> float:
    """Return the mean of associations with one C-ECHO each, one after the other."""
    return run(loop, _associate(port, times))


async def _associate(port: int, times: int) -> float:
    start = perf_counter()
    for _ in range(times):
        await verify(port)
    return (perf_counter() - start) / times


async def verify(port: int, trace: Trace | None = None) -> None:
    """Send one C-ECHO on an association of its own."""
    async with connect(HOST, port, _VERIFICATION, trace=trace) as association:
        await scu.c_echo(association)
