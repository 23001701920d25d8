"""C-STORE, C-FIND, C-GET and C-MOVE against DCMTK and pynetdicom, both ways."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from archive import FIND, GET, MOVE, STORAGE, SYNTAXES, Archive, instance
from peers import PATIENCE, Dcmtk, need

from dimse.data import Dataset, read_file, write_file
from dimse.message import CStoreRSP, is_pending
from dimse.net import VERIFICATION, connect, serve
from dimse.net.scu import c_find, c_get, c_move, c_store, dataset_of
from dimse.ul import RoleSelection

pytestmark = pytest.mark.interop

QUERY = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=Doe*", "-k", "StudyInstanceUID")
CONTEXTS: dict[str, tuple[str, ...]] = dict.fromkeys((FIND, GET, MOVE, STORAGE), SYNTAXES)
ROLES = (RoleSelection(STORAGE, scu=True, scp=True),)
_QRSCP = """
NetworkTCPPort  = 1
MaxPDUSize      = 16384
MaxAssociations = 4
HostTable BEGIN
there = (THERE, 127.0.0.1, {port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QRSCP {folder} RW (100, 64mb) ANY
AETable END
"""


def files(folder: Path) -> dict[str, Dataset]:
    """Return the instances in the files of a folder, by UID."""
    read = [read_file(path).dataset for path in folder.iterdir() if path.name != "index.dat"]
    return {str(dataset.SOPInstanceUID): dataset for dataset in read}


# --- DCMTK asks ---


async def test_archive_takes_files_of_storescu(dcmtk: Dcmtk) -> None:
    archive, sent = Archive(), instance("Roe", 1, size=100_000)
    write_file(dcmtk.folder / "x.dcm", sent)
    async with serve([archive.service], port=0) as server:
        ended = await dcmtk.run("storescu", "-v", "127.0.0.1", str(server.port), "x.dcm")
    assert ended.status == 0, ended
    assert archive.instances == {sent.SOPInstanceUID: sent}


async def test_archive_answers_findscu(dcmtk: Dcmtk) -> None:
    archive = Archive(*(instance(f"Doe^{number}", number) for number in range(3)), instance("Roe", 3))
    async with serve([archive.service], port=0) as server:
        ended = await dcmtk.run("findscu", "-v", *QUERY, "127.0.0.1", str(server.port))
    said = ended.out + ended.err
    assert ended.status == 0, ended
    assert [f"[Doe^{number} ]" in said for number in range(4)] == [True, True, True, False]
    assert "Received Final Find Response (Success)" in said


async def test_findscu_cancels_a_query(dcmtk: Dcmtk) -> None:
    archive = Archive(*(instance(f"Doe^{number}", number) for number in range(5)))
    archive.waits_after = 4
    async with serve([archive.service, VERIFICATION], port=0) as server:
        ended = await dcmtk.run("findscu", "-v", "--cancel", "3", *QUERY, "127.0.0.1", str(server.port))
    assert "Received Final Find Response (Cancel" in ended.out + ended.err
    assert archive.cancelled == 1


async def test_archive_answers_getscu(dcmtk: Dcmtk) -> None:
    """It proposes the SCP role for the storage classes, and gets C-STOREs on its own association."""
    archive, folder = Archive(*(instance(f"Doe^{number}", number) for number in range(3))), dcmtk.folder / "got"
    folder.mkdir()
    async with serve([archive.service], port=0) as server:
        ended = await dcmtk.run("getscu", "-v", *QUERY, "-od", folder, "127.0.0.1", str(server.port))
    assert "Number of Completed Suboperations : 3" in ended.out + ended.err, ended
    assert files(folder) == archive.instances


async def test_archive_moves_to_storescp(dcmtk: Dcmtk) -> None:
    archive, folder = Archive(*(instance(f"Doe^{number}", number) for number in range(3))), dcmtk.folder / "moved"
    folder.mkdir()
    async with dcmtk.serving("storescp", "-v", "-od", folder) as port, serve([archive.service], port=0) as server:
        archive.destinations = {"THERE": ("127.0.0.1", port)}
        ended = await dcmtk.run("movescu", "-v", "-aem", "THERE", *QUERY, "127.0.0.1", str(server.port))
        assert "Received Final Move Response (Success)" in ended.out + ended.err, ended
        ended = await dcmtk.run("movescu", "-v", "-aem", "ELSEWHERE", *QUERY, "127.0.0.1", str(server.port))
        assert "MoveDestinationUnknown" in ended.out + ended.err, ended
    assert files(folder) == archive.instances


# --- DCMTK answers ---


async def test_dcmqrscp_stores_finds_gets_and_moves(dcmtk: Dcmtk) -> None:
    """C-STORE, C-FIND, C-GET on the same association, and C-MOVE to us."""
    kept = {str(each.SOPInstanceUID): each for each in (instance("Doe", number) for number in range(4))}
    ours, there = Archive(), Archive()
    folder, config = dcmtk.folder / "archive", dcmtk.folder / "dcmqrscp.cfg"
    folder.mkdir()
    query = Dataset(QueryRetrieveLevel="STUDY", PatientName="Doe", StudyInstanceUID="")
    one = Dataset(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.2")
    async with serve([there.service], port=0) as destination:
        config.write_text(_QRSCP.format(port=destination.port, folder=folder))
        async with dcmtk.serving("dcmqrscp", "-v", "-c", config) as port:
            async with connect(
                "127.0.0.1", port, CONTEXTS, called_ae_title="QRSCP", handlers=ours.handlers, user_items=ROLES
            ) as association:
                assert [(await c_store(association, each)).Status for each in kept.values()] == [0] * 4
                context = association.context_for(FIND)
                async with c_find(association, context, query) as responses:
                    found = [dataset_of(association, context, each) async for each in responses if each.Data]
                assert sorted(str(each.StudyInstanceUID) for each in found) == ["1.2.0", "1.2.1", "1.2.2", "1.2.3"]
                async with c_get(association, association.context_for(GET), one) as responses:
                    got = await responses.final()
                async with c_move(association, association.context_for(MOVE), "THERE", one) as responses:
                    moved = await responses.final()
                async with c_move(association, association.context_for(MOVE), "NOWHERE", one) as responses:
                    unknown = await responses.final()
    assert (got.Status, got.NumberOfCompletedSuboperations) == (0, 1)
    assert (moved.Status, moved.NumberOfCompletedSuboperations) == (0, 1)
    assert unknown.Status == 0xA801
    (uid,) = ours.instances
    assert ours.instances == there.instances == {uid: kept[uid]}
    assert there.stored[0].MoveOriginatorMessageID is not None


async def test_client_cancels_a_query_of_dcmqrscp(dcmtk: Dcmtk) -> None:
    folder, config = dcmtk.folder / "archive", dcmtk.folder / "dcmqrscp.cfg"
    folder.mkdir()
    config.write_text(_QRSCP.format(port=1, folder=folder))
    query = Dataset(QueryRetrieveLevel="STUDY", StudyInstanceUID="")
    async with dcmtk.serving("dcmqrscp", "-v", "-c", config) as port:
        async with connect("127.0.0.1", port, CONTEXTS, called_ae_title="QRSCP") as association:
            for number in range(20):
                await c_store(association, instance("Doe", number))
            context = association.context_for(FIND)
            async with c_find(association, context, query) as responses:
                assert is_pending((await anext(responses)).Status)
                await responses.cancel()
                assert (await responses.final()).Status in (0xFE00, 0x0000)  # the query may have ended by then
            async with c_find(association, context, query) as responses:
                assert (await responses.final()).Status == 0x0000


async def test_storescp_takes_files(dcmtk: Dcmtk) -> None:
    folder, sent = dcmtk.folder / "stored", instance("Roe", 1, size=1_000_000)
    folder.mkdir()
    async with dcmtk.serving("storescp", "-v", "-od", folder) as port:
        async with connect("127.0.0.1", port, {STORAGE: SYNTAXES}) as association:
            response = await c_store(association, sent, move_originator=("MOVER", 7))
    assert isinstance(response, CStoreRSP)
    assert (response.Status, response.AffectedSOPInstanceUID) == (0, sent.SOPInstanceUID)
    assert files(folder) == {sent.SOPInstanceUID: sent}


# --- pynetdicom ---


async def asked(archive: Archive, ask: Callable[[Any], None], store: Callable[[Any], int] | None = None) -> None:
    """Let pynetdicom ask an archive, on one association; ``store`` takes the instances of a C-GET."""
    pynetdicom = need("pynetdicom")
    entity = pynetdicom.AE()
    for abstract in CONTEXTS:
        entity.add_requested_context(abstract)
    role = pynetdicom.build_role(STORAGE, scp_role=True, scu_role=True)
    handlers = [(pynetdicom.evt.EVT_C_STORE, store)] if store else []

    def associate(port: int) -> None:
        peer = entity.associate("127.0.0.1", port, ext_neg=[role], evt_handlers=handlers)
        ask(peer)
        peer.release()

    async with serve([archive.service], port=0) as server, asyncio.timeout(PATIENCE):
        await asyncio.to_thread(associate, server.port)


def study(**attributes: str) -> Any:
    query = need("pydicom").Dataset()
    query.QueryRetrieveLevel = "STUDY"
    for keyword, value in attributes.items():
        setattr(query, keyword, value)
    return query


def archive_of_ten() -> Archive:
    return Archive(*(instance(f"Doe^{number}", number) for number in range(10)))


def seventh(archive: Archive) -> list[str]:
    return [uid for uid, kept in archive.instances.items() if kept.InstanceNumber == 7]


async def test_pynetdicom_cancels_a_query_of_the_archive() -> None:
    archive = archive_of_ten()
    archive.waits_after = 2  # with more, the C-CANCEL may arrive before the archive waits
    statuses: list[int] = []

    def find(peer: Any) -> None:
        for status, _ in peer.send_c_find(study(PatientName="Doe*", StudyInstanceUID=""), FIND, msg_id=9):
            statuses.append(status.Status)
            if len(statuses) == 2:
                peer.send_c_cancel(9, query_model=FIND)

    await asked(archive, find)
    assert statuses == [0xFF00, 0xFF00, 0xFE00]


async def test_pynetdicom_gets_from_the_archive() -> None:
    """C-GET: the archive stores in the reverse role."""
    archive = archive_of_ten()
    got: list[str] = []
    statuses: list[int] = []

    def store(event: Any) -> int:
        got.append(str(event.dataset.SOPInstanceUID))
        return 0x0000

    def get(peer: Any) -> None:
        statuses.extend(status.Status for status, _ in peer.send_c_get(study(StudyInstanceUID="1.2.7"), GET))

    await asked(archive, get, store)
    assert statuses == [0xFF00, 0x0000]
    assert got == seventh(archive)


async def test_pynetdicom_moves_from_the_archive() -> None:
    """C-MOVE, with the number of completed sub-operations in each response."""
    archive, there = archive_of_ten(), Archive()
    found: list[tuple[int, int]] = []

    def move(peer: Any) -> None:
        for status, _ in peer.send_c_move(study(StudyInstanceUID="1.2.7"), "THERE", MOVE):
            found.append((status.Status, status.NumberOfCompletedSuboperations))

    async with serve([there.service], port=0) as destination:
        archive.destinations = {"THERE": (destination.host, destination.port)}
        await asked(archive, move)
    assert found == [(0xFF00, 1), (0x0000, 1)]
    assert list(there.instances) == seventh(archive)


@contextmanager
def answering(abstract: str, event: str, handler: Callable[[Any], Any]) -> Iterator[int]:
    """Run an SCP made with pynetdicom; yield its port."""
    pynetdicom = need("pynetdicom")
    entity = pynetdicom.AE()
    entity.add_supported_context(abstract)
    entity.add_supported_context(STORAGE, scu_role=True, scp_role=True)
    handlers = [(getattr(pynetdicom.evt, event), handler)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


ANY_DOE = Dataset(QueryRetrieveLevel="STUDY", PatientName="Doe")


async def test_client_cancels_a_query_of_pynetdicom() -> None:
    canceled: list[bool] = []

    def is_canceled(event: Any) -> bool:
        turns = int(PATIENCE / 0.01)
        return any(event.is_cancelled or threading.Event().wait(0.01) for _ in range(turns))

    def find(event: Any) -> Any:
        for number in range(10_000):
            # After three it waits for the cancel: pynetdicom hardly reads while another thread sends
            if event.is_cancelled or (number == 3 and is_canceled(event)):
                canceled.append(True)
                yield 0xFE00, None
                return
            match = study()
            match.InstanceNumber = number
            yield 0xFF00, match

    with answering(FIND, "EVT_C_FIND", find) as port:
        async with connect("127.0.0.1", port, CONTEXTS) as association:
            context = association.context_for(FIND)
            async with c_find(association, context, ANY_DOE) as responses:
                for number in range(3):
                    assert dataset_of(association, context, await anext(responses)).InstanceNumber == number
                await responses.cancel()
                assert (await responses.final()).Status == 0xFE00
    assert canceled == [True]


async def test_client_gets_from_pynetdicom() -> None:
    pydicom, ours = need("pydicom"), Archive()

    def get(event: Any) -> Any:  # noqa: ARG001
        yield 1
        dataset = pydicom.Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.PatientName = STORAGE, "1.2.3", "Doe"
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = SYNTAXES[0]
        yield 0xFF00, dataset

    with answering(GET, "EVT_C_GET", get) as port:
        async with connect("127.0.0.1", port, CONTEXTS, handlers=ours.handlers, user_items=ROLES) as association:
            async with c_get(association, association.context_for(GET), ANY_DOE) as copies:
                last = await copies.final()
    assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 1)
    assert [str(each.PatientName) for each in ours.instances.values()] == ["Doe"]
