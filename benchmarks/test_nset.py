"""N-SET of one image of 40 MiB over loopback: from request sent to response received, encoding included.

Client and server are processes of their own, and the server looks at the image before it answers. A round is
the median of 5 N-SETs on one association (2 for pynetdicom), after one that does not count. Beside it:

- *bare asyncio*: the same bytes in PDUs of the same size, and nothing else (see `raw`).
- *pynetdicom* on both ends. Its default for the PDU size is 16382; ours is 131072.
"""

from concurrent.futures import Executor

import pytest

from benchmarks import own, pnd, raw
from benchmarks.duels import Duel
from benchmarks.images import large_image
from benchmarks.processes import in_process, require_package, server
from dimse.net import Limits

SUBJECT = "N-SET of 40 MiB"
TIMES, TIMES_PYNETDICOM = 5, 2


@pytest.mark.parametrize("max_pdu", [pnd.DEFAULT_MAX_PDU, Limits().max_pdu])
def test_bare_asyncio(duel: Duel, own_worker: Executor, peer_worker: Executor, max_pdu: int) -> None:
    with server(own.serve, max_pdu) as port, server(raw.serve) as bare_port:
        duel(
            SUBJECT,
            f"bare asyncio, both {max_pdu}",
            in_process(own_worker, own.n_set, port, max_pdu, TIMES),
            in_process(peer_worker, raw.send, bare_port, max_pdu, TIMES),
            nbytes=large_image().nbytes,
        )


@pytest.mark.parametrize(
    ("own_pdu", "peer_pdu"),
    [
        (pnd.DEFAULT_MAX_PDU, pnd.DEFAULT_MAX_PDU),
        (Limits().max_pdu, pnd.DEFAULT_MAX_PDU),
        (Limits().max_pdu, Limits().max_pdu),
    ],
)
def test_pynetdicom(duel: Duel, own_worker: Executor, peer_worker: Executor, own_pdu: int, peer_pdu: int) -> None:
    require_package("pynetdicom")
    with server(own.serve, own_pdu) as port, server(pnd.serve, peer_pdu) as peer_port:
        duel(
            SUBJECT,
            f"pynetdicom {peer_pdu}, ours {own_pdu}",
            in_process(own_worker, own.n_set, port, own_pdu, TIMES),
            in_process(peer_worker, pnd.n_set, peer_port, peer_pdu, TIMES_PYNETDICOM),
            nbytes=large_image().nbytes,
        )
