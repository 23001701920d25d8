"""N-SET and C-STORE of one image over loopback: from request sent to response received, encoding included.

Client and server are separate processes, and the server looks at the image before it answers. A round is
the median of 5 requests on one association (2 for pynetdicom and for 400 MiB), after a warm-up request.
Beside it:

- *bare asyncio*: the same bytes in PDUs of the same size, and nothing else (see `raw`).
- *pynetdicom* on both ends. Its default for the PDU size is 16382; ours is 131072.
- *storescu to storescp*, DCMTK with TCP_NODELAY=1 and PDUs of 131072: the time of 4 C-STOREs minus the time of one.
  The file is read for each, and the received image is dropped.

The time of both processors, about 36 ms for 40 MiB in PDUs of 16 KiB: 20 in the kernel, which copies twice and provides
the memory; 7 in Python for 2,560 PDUs (1.4 microseconds to send one and 1.5 to receive it); and the rest for two copies
of ours, into the written batch and to the final place.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import pytest

from benchmarks import dcmtk, own, pnd, raw
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_package, require_programs, server
from dimse.net import Limits

TIMES, TIMES_PYNETDICOM, TIMES_LARGE = 5, 2, 2
MAX_PDU = Limits().max_pdu
SIZES = [16384, 65536, MAX_PDU, 1 << 20]


@pytest.mark.parametrize(
    ("service", "send", "max_pdu", "mebibytes"),
    [
        *(("N-SET", own.n_set, size, mebibytes) for mebibytes in (40, 400) for size in SIZES),
        *(("C-STORE", own.c_store, size, 40) for size in SIZES),
        ("C-STORE", own.c_store, MAX_PDU, 400),
    ],
)
def test_bare_asyncio(
    duel: Duel,
    own_worker: Executor,
    peer_worker: Executor,
    service: str,
    send: Callable[[int, int, int, int], float],
    max_pdu: int,
    mebibytes: int,
) -> None:
    times = TIMES if mebibytes == 40 else TIMES_LARGE
    with server(own.serve, max_pdu) as port, server(raw.serve, mebibytes) as bare_port:
        duel(
            f"{service} of {mebibytes} MiB",
            f"bare asyncio, both {max_pdu}",
            in_process(own_worker, send, port, max_pdu, mebibytes, times),
            in_process(peer_worker, raw.send, bare_port, max_pdu, mebibytes, times),
            nbytes=mebibytes << 20,
        )


@pytest.mark.parametrize(
    ("own_pdu", "peer_pdu", "mebibytes"),
    [
        (pnd.DEFAULT_MAX_PDU, pnd.DEFAULT_MAX_PDU, 40),
        (MAX_PDU, pnd.DEFAULT_MAX_PDU, 40),
        (MAX_PDU, MAX_PDU, 40),
        (MAX_PDU, MAX_PDU, 400),
    ],
)
def test_n_set_pynetdicom(
    duel: Duel, own_worker: Executor, peer_worker: Executor, own_pdu: int, peer_pdu: int, mebibytes: int
) -> None:
    require_package("pynetdicom")
    times = TIMES_PYNETDICOM if mebibytes == 40 else 1
    with server(own.serve, own_pdu) as port, server(pnd.serve, peer_pdu) as peer_port:
        duel(
            f"N-SET of {mebibytes} MiB",
            f"pynetdicom {peer_pdu}, ours {own_pdu}",
            in_process(own_worker, own.n_set, port, own_pdu, mebibytes, TIMES_LARGE),
            in_process(peer_worker, pnd.n_set, peer_port, peer_pdu, mebibytes, times),
            nbytes=mebibytes << 20,
        )


def test_c_store_dcmtk(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    require_programs("storescu", "storescp")
    with server(own.serve, MAX_PDU) as port, dcmtk.archive(tmp_path, 40) as archive:
        duel(
            "C-STORE of 40 MiB",
            "storescu to storescp",
            in_process(own_worker, own.c_store, port, MAX_PDU, 40, TIMES),
            archive.store,
            nbytes=40 << 20,
        )
