"""A cache of decoded A-ASSOCIATE-RQ PDUs, for acceptors: most clients send the same request each time.

The cache saves 5 % of an association with one C-ECHO and one presentation context, and 10 % with seven contexts
(processor time of both ends, 2,000 associations, alternating runs with and without the cache).
"""

from ..limits import Limits
from .items import UnknownItem, UserIdentityRQ
from .pdu import PDU, PDU_TYPES, AssociateRQ, decode_pdu
from .wire import Buffer

__all__ = ["AssociateCache"]

_REQUEST = PDU_TYPES[AssociateRQ]
_LONGEST = 4096  # bytes of a cached request; a longer request is rare
_MOST = 32  # cached requests; when they are reached, the cache is cleared


class AssociateCache:
    """The latest requests, encoded and decoded. A server owns one cache for all its associations.

    A request that contains, or may contain, credentials is never cached.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[AssociateRQ, Limits | None]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def decode(self, wire: Buffer, limits: Limits | None = None) -> PDU:
        """Return what `decode_pdu` returns, for any PDU, and raise what it raises."""
        if wire[0] != _REQUEST or len(wire) > _LONGEST:
            return decode_pdu(wire, limits)
        octets = bytes(wire)
        known, within = self._known.get(octets, (None, None))
        if known is not None and within is limits:
            return known
        pdu = decode_pdu(octets, limits)
        if isinstance(pdu, AssociateRQ) and not _may_have_credentials(pdu):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[octets] = pdu, limits
        return pdu


def _may_have_credentials(request: AssociateRQ) -> bool:
    """Return whether ``request`` contains a user identity, or an unknown item that may hide one."""
    has_identity = any(isinstance(item, UserIdentityRQ | UnknownItem) for item in request.user_information)
    return has_identity or bool(request.unknown_items)
