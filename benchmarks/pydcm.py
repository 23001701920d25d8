"""pydcm as a contestant: its engine is compiled, and it has a client for print, but no printer.

The functions import it in their own processes, so its tests are skipped if it is not installed.
"""

import threading
from multiprocessing.connection import Connection
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.images import FILM_FORMAT, small_image
from benchmarks.processes import HOST

if TYPE_CHECKING:
    from pydcm.dimse import Association

__all__ = ["associate", "echo", "films", "read", "serve"]

_SUCCESS = 0x0000


def serve(ready: Connection) -> None:
    """Run an SCP for C-ECHO."""
    from pydcm.dimse import AE
    from pydcm.sop_class import Verification

    ae = AE()
    ae.add_supported_context(Verification)
    server = ae.start_server((HOST, 0), block=False)
    ready.send(server.bound_port)
    threading.Event().wait()


def echo(port: int, times: int) -> float:
    """Return the mean of C-ECHOs on one association."""
    association = _verify(port)
    try:
        association.send_c_echo()
        start = perf_counter()
        for _ in range(times):
            assert int(association.send_c_echo().Status) == _SUCCESS
        return (perf_counter() - start) / times
    finally:
        association.release()


def associate(port: int, times: int) -> float:
    """Return the mean of associations, one after the other, with one C-ECHO each."""
    start = perf_counter()
    for _ in range(times):
        association = _verify(port)
        assert int(association.send_c_echo().Status) == _SUCCESS
        association.release()
    return (perf_counter() - start) / times


def films(port: int, times: int) -> float:
    """Return the mean of films of one image, each on its own association."""
    from pydcm.dimse import print_image

    rows, columns = small_image().shape
    pixels = small_image().tobytes()
    start = perf_counter()
    for _ in range(times):
        status, _box = print_image(HOST, port, pixels, rows, columns, image_display_format=FILM_FORMAT)
        assert int(status.Status) == _SUCCESS
    return (perf_counter() - start) / times


def read(path: str, times: int) -> float:
    """Return the mean time to read a file and look at each of its values, also in sequences."""
    from pydcm import dcmread

    start = perf_counter()
    for _ in range(times):
        for element in dcmread(path).iterall():
            assert element.value is not NotImplemented
    return (perf_counter() - start) / times


def _verify(port: int) -> "Association":
    from pydcm.dimse import AE
    from pydcm.sop_class import Verification

    ae = AE()
    ae.add_requested_context(Verification)
    association = ae.associate(HOST, port)
    assert association.is_established
    return association
