"""An observer that judges the tester's own PDUs, by the invariants for its peers."""

from collections.abc import Callable
from contextlib import suppress

from dimse.errors import DimseError
from dimse.ul import PDUStream
from dimse.verify.invariants import Invariants

__all__ = ["Mirror"]


class Mirror(Invariants):
    """An observer that judges the tester's PDUs, as if the peer had sent them."""

    def connected(self, case_id: str) -> tuple[Callable[[bytes], None], Callable[[bytes], None]]:
        sent, received = super().connected(case_id)
        stream = PDUStream(0, 0)

        def from_tester(octets: bytes) -> None:
            with suppress(DimseError):  # the tester sends octets on purpose that are not a PDU
                for pdu in stream.feed(octets):
                    received(bytes(pdu))

        return from_tester, sent
