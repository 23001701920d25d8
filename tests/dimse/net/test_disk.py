"""Long Data Sets lie in files while they arrive and while their requests are performed."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing
from itertools import count
from pathlib import Path
from threading import Event, Semaphore
from typing import BinaryIO

import numpy as np
import pytest
from raw import PRINT, SYNTAXES, raw_client, service, until

from dimse.data import IMPLICIT_LE, Dataset, encode
from dimse.errors import DimseError
from dimse.limits import Limits
from dimse.message import CStoreRQ, CStoreRSP, FileMap, NSetRQ, Response, encode_command, file_of
from dimse.net import Association, Disk, Operation, Server, connect, serve
from dimse.net.fairness import Turns
from dimse.net.flow_control import DISK, FlowControl
from dimse.ul import PDV, AssociateRQ, MaximumLength, PDataTF, PresentationContextRQ

MIB = 1 << 20
ABOVE = 1 << 18
DATA = np.random.default_rng(1).bytes(3 * MIB + 5)
DECLARED = encode(Dataset(BitsAllocated=8, PixelData=DATA + b"\0"), IMPLICIT_LE)
SET = NSetRQ(MessageID=1, RequestedSOPClassUID=PRINT, RequestedSOPInstanceUID="1.3", Data=b"")
STORE = CStoreRQ(MessageID=1, AffectedSOPClassUID=PRINT, AffectedSOPInstanceUID="1.3", Data=DATA)
PROPOSED = AssociateRQ(
    called_ae_title="SCP",
    calling_ae_title="SCU",
    presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),),
    user_information=(MaximumLength(0),),
)
STEPS = ("incoming created", "incoming write")


class Keeping:
    """A handler that keeps the Data of its requests."""

    def __init__(self) -> None:
        self.data: list[memoryview] = []

    async def __call__(self, operation: Operation) -> Response:
        assert isinstance(operation.message.Data, memoryview | bytes)
        self.data.append(memoryview(operation.message.Data))
        return operation.reply()


class Fault:
    """A disk that fails at the step ``name``, once ``after`` calls have succeeded; ``name`` may be changed."""

    def __init__(self, name: str, number: int = errno.ENOSPC, *, after: int = 0) -> None:
        self.name, self._number, self._left = name, number, after

    def __call__(self, name: str) -> None:
        if name == self.name:
            self._left -= 1
            if self._left < 0:
                raise OSError(self._number, os.strerror(self._number))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(tmp_path / "incoming", above=ABOVE) as made:
        yield made


def nothing(_data: memoryview | None = None) -> None:
    """Do what a connection does if there is none."""


def connected(server: Server) -> AbstractAsyncContextManager[Association]:
    return connect(server.host, server.port, {PRINT: SYNTAXES})


async def send(association: Association, data: bytes = DATA) -> Response:
    (context,) = association.contexts.values()
    request = NSetRQ(MessageID=1, RequestedSOPClassUID=PRINT, RequestedSOPInstanceUID="1.3", Data=data)
    response = await association.request(context, request)
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize("data", [DATA, DECLARED, DATA[: 2 * MIB], DATA[: ABOVE * 2]], ids=len)
async def test_long_data_set_is_a_map_of_a_file(disk: Disk, data: bytes) -> None:
    keeping = Keeping()
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        assert (await send(association, data)).Status == 0
    assert isinstance(file_of(keeping.data[0]), FileMap)
    assert keeping.data == [data]


async def test_short_data_set_stays_in_memory(disk: Disk) -> None:
    keeping = Keeping()
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        assert (await send(association, DATA[:ABOVE])).Status == 0
    assert keeping.data == [DATA[:ABOVE]]
    assert (file_of(keeping.data[0]), disk.files) == (None, 0)


async def test_file_lives_as_long_as_a_view_of_it(disk: Disk) -> None:
    keeping = Keeping()
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        await send(association)
        assert disk.files == 1
        part = np.frombuffer(keeping.data.pop(), np.uint8)[5:]
        assert (disk.files, file_of(part) is None) == (1, False)
        del part
        await until(lambda: not disk.files)


async def test_files_have_no_names(disk: Disk) -> None:
    keeping = Keeping()
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        await send(association)
        with os.scandir(disk.folder) as entries:
            assert not list(entries)


@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("data", [DATA, DECLARED], ids=["undeclared", "declared"])
async def test_full_disk_refuses_only_that_request(tmp_path: Path, step: str, after: int, data: bytes) -> None:
    keeping, fault = Keeping(), Fault(step, after=after if step == STEPS[1] else 0)
    with Disk(tmp_path, above=ABOVE, step=fault) as disk:
        async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
            refused = await send(association, data)
            assert (refused.Status, refused.ErrorComment) == (0x0213, "the disk cannot take the Data Set now")
            fault.name = ""
            assert (await send(association, data)).Status == 0
            assert keeping.data == [data]
            keeping.data.clear()
            await until(lambda: not disk.files)


async def test_file_that_cannot_be_shortened_refuses_the_request(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def ftruncate(descriptor: int, length: int) -> None:  # noqa: ARG001
        raise OSError(errno.EIO, "Input/output error")

    async with serve([service(Keeping(), NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        with monkeypatch.context() as patched:
            patched.setattr(os, "ftruncate", ftruncate)
            assert (await send(association)).Status == 0x0213
        await until(lambda: not disk.files)
        assert (await send(association)).Status == 0


@pytest.mark.skipif(not os.access("/var/tmp", os.W_OK), reason="this system has no /var/tmp")
def test_default_folder_is_not_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    assert Disk(None, above=ABOVE).folder == "/var/tmp"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert Disk(None, above=ABOVE).folder == str(tmp_path)


async def test_full_disk_refuses_an_instance_with_out_of_resources(tmp_path: Path) -> None:
    with Disk(tmp_path, above=ABOVE, step=Fault(STEPS[0])) as disk:
        async with serve([service(Keeping(), CStoreRQ)], port=0, disk=disk) as server, connected(server) as association:
            (context,) = association.contexts.values()
            response = await association.request(context, STORE)
            assert isinstance(response, CStoreRSP)
            assert response.Status == 0xA700


async def test_too_little_free_space_refuses_the_request(tmp_path: Path) -> None:
    with Disk(tmp_path, above=ABOVE, least=1 << 60) as disk:
        async with serve([service(Keeping(), NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
            assert (await send(association)).Status == 0x0213


async def test_removed_folder_refuses_the_request(disk: Disk) -> None:
    os.rmdir(disk.folder)  # noqa: PTH106  # it is only a path-like object
    async with serve([service(Keeping(), NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        assert (await send(association)).Status == 0x0213


async def test_aborted_association_closes_its_file(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    files, create = list[BinaryIO](), disk.create

    def keep() -> BinaryIO:
        files.append(create())
        return files[-1]

    monkeypatch.setattr(disk, "create", keep)
    async with serve([service(Keeping(), NSetRQ)], port=0, disk=disk) as server, raw_client(server) as raw:
        await raw.associate(PROPOSED)
        raw.send(PDataTF((PDV(1, encode_command(SET), True, True),)))
        for _ in range(40):
            raw.send(PDataTF((PDV(1, bytes(1 << 16), False, False),)))
        await until(lambda: disk.files)
        raw.writer.transport.abort()
        await until(lambda: not server.associations)
        assert disk.files == 0
        await until(lambda: files[0].closed)  # once no thread writes to it


def test_file_is_closed_though_the_loop_ends_first(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop stops before the window is written, and never learns of the write."""
    files, go_on, create = list[BinaryIO](), Event(), disk.create

    def keep() -> BinaryIO:
        files.append(create())
        return files[-1]

    def wait(name: str) -> None:
        if name == STEPS[1]:
            go_on.wait()

    async def add_and_drop() -> None:
        sink = disk.of_peer(FlowControl(Turns(), nothing, nothing, nothing)).begin(1 << 30)
        assert sink is not None
        sink.add(bytes(1 << 20))
        sink.drop()

    monkeypatch.setattr(disk, "create", keep)
    disk.step = wait
    with closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(add_and_drop())
        go_on.set()
        disk.__exit__()  # waits for the threads
    assert files[0].closed


async def test_data_set_on_disk_counts_little_memory(disk: Disk) -> None:
    keeping, data = Keeping(), DATA * 8
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        peak = 0

        def note(name: str) -> None:
            nonlocal peak
            if name == STEPS[1]:
                peak = max(peak, server.resources.budget.total)

        disk.step = note
        assert (await send(association, data)).Status == 0
        assert 0 < peak < 4 * MIB < len(data)
        assert server.resources.budget.total == 0


async def test_slow_disk_makes_the_peer_wait(disk: Disk) -> None:
    go_on, keeping = Event(), Keeping()

    def wait(name: str) -> None:
        if name == STEPS[1]:
            go_on.wait()

    disk.step = wait
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        sending = asyncio.create_task(send(association, DATA * 8))
        try:
            await until(lambda: any(each.transport.flow.hold_reasons & DISK for each in server.associations))
            (received,) = (each.transport.flow.received for each in server.associations)
        finally:
            go_on.set()
        assert received < 6 * MIB
        assert (await sending).Status == 0
    assert keeping.data == [DATA * 8]


@pytest.mark.parametrize("was_open", [False, True])
async def test_disk_that_is_not_open_refuses_the_request(tmp_path: Path, *, was_open: bool) -> None:
    disk = Disk(tmp_path, above=ABOVE)
    if was_open:
        with disk:
            pass
    async with serve([service(Keeping(), NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        assert (await send(association)).Status == 0x0213


async def test_data_set_above_the_limit_ends_the_association(disk: Disk) -> None:
    limits = Limits(data_set=2 * MIB)
    serving = serve([service(Keeping(), NSetRQ)], port=0, disk=disk, limits=limits)
    async with serving as server, connected(server) as association:
        with pytest.raises(DimseError):
            await send(association)
        await until(lambda: not server.associations)
        assert disk.files == 0


async def test_data_sets_beyond_max_files_stay_in_memory(disk: Disk) -> None:
    disk.max_files = 1
    keeping = Keeping()
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
        for data in (DATA, DATA, DECLARED):
            assert (await send(association, data)).Status == 0
    assert keeping.data == [DATA, DATA, DECLARED]
    assert [file_of(data) is not None for data in keeping.data] == [True, False, False]


async def test_data_set_without_a_descriptor_stays_in_memory(tmp_path: Path) -> None:
    keeping = Keeping()
    fault = Fault("incoming created", errno.EMFILE)
    with Disk(tmp_path, above=ABOVE, step=fault) as disk:
        async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
            assert (await send(association)).Status == 0
    assert keeping.data == [DATA]


def test_files_leave_descriptors_for_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.net.disk.allowed_descriptors", lambda: 400)
    assert Disk(tmp_path, above=ABOVE).max_files == 100


async def send_twice(disk: Disk, keeping: Keeping, *, reconnects: bool = False) -> list[int]:
    """Return the statuses of two Data Sets that are sent one after the other."""
    async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server:
        async with connected(server) as association:
            statuses = [(await send(association)).Status]
            if not reconnects:
                return [*statuses, (await send(association)).Status]
        async with connected(server) as association:
            return [*statuses, (await send(association)).Status]


@pytest.mark.parametrize(("size", "second"), [(len(DATA) * 2, 0), (len(DATA) * 2 - 1, 0x0213)])
async def test_association_size_bounds_the_files_of_an_association(tmp_path: Path, size: int, second: int) -> None:
    keeping = Keeping()
    with Disk(tmp_path, above=ABOVE, association_size=size) as disk:
        assert await send_twice(disk, keeping) == [0, second]


async def test_association_size_does_not_count_other_associations(tmp_path: Path) -> None:
    keeping = Keeping()
    with Disk(tmp_path, above=ABOVE, association_size=len(DATA)) as disk:
        assert await send_twice(disk, keeping, reconnects=True) == [0, 0]
        assert keeping.data == [DATA, DATA]


@pytest.mark.parametrize(("size", "second"), [(len(DATA) * 2, 0), (len(DATA) * 2 - 1, 0x0213)])
async def test_host_size_bounds_the_files_of_all_associations(tmp_path: Path, size: int, second: int) -> None:
    keeping = Keeping()
    with Disk(tmp_path, above=ABOVE, host_size=size) as disk:
        assert await send_twice(disk, keeping, reconnects=True) == [0, second]


async def test_file_without_views_counts_no_more(tmp_path: Path) -> None:
    keeping = Keeping()
    with Disk(tmp_path, above=ABOVE, host_size=len(DATA), association_size=len(DATA)) as disk:
        async with serve([service(keeping, NSetRQ)], port=0, disk=disk) as server, connected(server) as association:
            for status in (0, 0x0213, 0x0213):
                assert (await send(association)).Status == status
            keeping.data.clear()
            await until(lambda: not disk.files)
            assert (await send(association)).Status == 0


async def test_late_window_does_not_end_the_wait_of_the_next_data_set(tmp_path: Path) -> None:
    begun, first, second = Semaphore(0), Event(), Event()
    turns = count()

    def step(name: str) -> None:
        if name == "incoming write":
            go_on = first if next(turns) < 2 else second
            begun.release()
            go_on.wait()

    flow, mebibyte = FlowControl(Turns(), nothing, nothing, nothing), bytes(1 << 20)
    with Disk(tmp_path, above=0, step=step) as disk:
        peer = disk.of_peer(flow)
        earlier, later = peer.begin(1 << 30), peer.begin(1 << 30)
        assert earlier is not None
        assert later is not None
        earlier.add(mebibyte)
        stored = file_of(earlier.data())
        begun.acquire()
        begun.acquire()  # both writes of the earlier Data Set have begun
        later.add(mebibyte)
        later.add(mebibyte)
        first.set()
        assert stored is not None
        await asyncio.wrap_future(stored.stored)
        held = flow.hold_reasons
        second.set()
        later.drop()
    assert (held, flow.hold_reasons) == (DISK, 0)
