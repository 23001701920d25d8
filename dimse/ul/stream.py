"""A stream of bytes that is cut into whole PDUs, PS3.8 §9.3.1.

A PDU that lies completely in the given bytes is returned as a view of them, without a copy. A PDU that spans several
calls is gathered here, in memory that grows with the bytes received.

Most of a transfer is complete P-DATA-TFs of one PDV each. `p_data.decode_run` decodes a run of them in one call, and
leaves all other PDUs, and all errors, to `PDUStream.cut`.

The length in a header is checked before the body is awaited: a P-DATA-TF may be as long as this side announced, an
association PDU may be as long as ``max_associate``, and the other PDUs have a length of four bytes. An unknown type
ends the stream at once, so that this side never waits for a peer that does not speak DICOM.
"""

from collections.abc import Iterator

from ..errors import DecodeError, LimitExceeded
from ..limits import LIMITS
from .p_data import P_DATA
from .pdu import PDU_TYPES
from .wire import HEADER, Buffer

__all__ = ["MAX_PDU_LENGTH", "PDUStream", "UnrecognizedPDU"]

_FIXED_LENGTH = 4  # bytes after the header of A-ASSOCIATE-RJ, A-RELEASE-RQ, A-RELEASE-RP and A-ABORT
_ASSOCIATE_TYPES = (0x01, 0x02)
_KNOWN_TYPES = frozenset(PDU_TYPES.values())
MAX_PDU_LENGTH = 0xFFFFFFFF  # the greatest PDU-length, of 32 bits


class UnrecognizedPDU(DecodeError):
    """A PDU of a type that PS3.8 §9.3 does not define."""


class PDUStream:
    """A stream of bytes that is cut into PDUs.

    ``max_length`` bounds P-DATA-TF; usually, it is what this side announced as Maximum-length-received (PS3.8 Annex
    D.1). ``limit`` is the field of `Limits` from which it comes. ``max_associate`` bounds A-ASSOCIATE-RQ and -AC. Zero
    means no bound.
    """

    __slots__ = ("_max_associate", "_total", "limit", "max_length", "partial")

    def __init__(
        self, max_length: int = 0, max_associate: int = LIMITS.associate_pdu, *, limit: str = "max_pdu"
    ) -> None:
        self.max_length = max_length
        self.limit = limit
        self._max_associate = max_associate
        self.partial = bytearray()  # the bytes received of an incomplete PDU
        self._total = 0  # bytes of the partial PDU once complete; 0 while its header is incomplete

    def feed(self, data: Buffer) -> Iterator[memoryview]:
        """Yield each whole PDU, header included, as a view that is valid until the caller reuses ``data``.

        Raises `DecodeError` if the rest of the stream cannot be cut, and `LimitExceeded` for a PDU that is too long.
        """
        view, position = memoryview(data), 0
        while True:
            whole, position = self.cut(view, position)
            if whole is None:
                return
            yield whole

    def cut(self, view: memoryview, position: int) -> tuple[memoryview | None, int]:
        """Return the next PDU in ``view``, which begins at ``position``, and the offset of its end.

        If the PDU is incomplete, keep its bytes, and return None and the end of ``view``. The next call must then begin
        at position 0 of the view that follows. Raises as `feed` does.
        """
        if self.partial:
            position = self._gather(view)
            if not self._total or len(self.partial) < self._total:
                return None, len(view)
            whole, self.partial, self._total = self.partial, bytearray(), 0
            return memoryview(whole), position
        left, total = len(view) - position, 0
        if left >= HEADER.size:
            total = self._measure(view, position)
            if total <= left:
                return view[position : position + total], position + total
        elif left:
            self._check_type(view[position])
        self.partial, self._total = bytearray(view[position:]), total
        return None, len(view)

    def _gather(self, view: memoryview) -> int:
        """Copy the missing bytes of the partial PDU from the start of ``view``, and return how many were missing.

        While the header is incomplete, only the missing bytes of the header count.
        """
        taken = 0
        if not self._total:
            taken = HEADER.size - len(self.partial)
            self.partial += view[:taken]
            if len(self.partial) < HEADER.size:
                return taken
            self._total = self._measure(self.partial, 0)
        missing = self._total - len(self.partial)
        self.partial += view[taken : taken + missing]
        return taken + missing

    def _check_type(self, kind: int) -> None:
        if kind not in _KNOWN_TYPES:
            raise UnrecognizedPDU(f"unrecognized PDU type {kind:02X}H", path="PDU-type", offset=0, rule="PS3.8 §9.3")

    def _measure(self, data: Buffer, position: int) -> int:
        """Return the length of the PDU at ``position``, header included."""
        kind, length = HEADER.unpack_from(data, position)
        if kind == P_DATA:
            if self.max_length and length > self.max_length:
                raise LimitExceeded(self.limit, str(length), self.max_length, path="PDU-length")
        elif kind in _ASSOCIATE_TYPES:
            if self._max_associate and length > self._max_associate:
                raise LimitExceeded("associate_pdu", str(length), self._max_associate, path="PDU-length")
        else:
            self._check_type(kind)
            if length != _FIXED_LENGTH:
                raise DecodeError(f"{length} is not 4", path="PDU-length", offset=2, rule="PS3.8 §9.3")
        return HEADER.size + int(length)
