"""Policies, which decide who may associate: action AE-6, PS3.8 Table 9-6.

A `Policy` is a function of the A-ASSOCIATE-RQ and the `Caller` (host, certificate, TLS). It returns a rejection
(result, source and reason of PS3.8 Table 9-21), None to accept, or an `Acceptance` with further user items for
A-ASSOCIATE-AC. It may be a coroutine function, for example to ask a database. `Limits` bounds the number of
associations and connections.

The functions here return common policies; `all_of` combines policies.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from types import NoneType

from ..errors import EncodeError
from ..tls import Certificate
from ..ul import AssociateRJ, AssociateRQ, UserIdentityAC, UserIdentityRQ, UserItem

__all__ = [
    "DECISIONS",
    "PASSCODE",
    "Acceptance",
    "Caller",
    "Decision",
    "Policy",
    "accept_anyone",
    "all_of",
    "called_titles",
    "calling_titles",
    "certificate_titles",
    "hosts",
    "identified",
    "identity_of",
]

PASSCODE = 2  # User-Identity-Type of a username with a passcode, PS3.7 Table D.3-14

_FINGERPRINT = re.compile("[0-9a-f]{64}")

_NO_REASON = AssociateRJ(1, 1, 1)
_CALLING_TITLE_NOT_RECOGNIZED = AssociateRJ(1, 1, 3)
_CALLED_TITLE_NOT_RECOGNIZED = AssociateRJ(1, 1, 7)
_IDENTITY_REFUSED = AssociateRJ(1, 2, 1)  # source: the service-provider (ACSE), PS3.7 D.3.3.7.3


@dataclass(frozen=True, slots=True)
class Caller:
    """The peer of a connection.

    ``address`` is HOST:PORT, without a port for a Unix socket. ``certificate`` is None if the peer sent none, and
    without TLS.
    """

    address: str
    certificate: Certificate | None = None
    is_secure: bool = False  # whether the connection uses TLS

    @property
    def host(self) -> str:
        """The address without the port; "" for a Unix socket."""
        return self.address.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The decision to accept, with further user items for A-ASSOCIATE-AC.

    ``user_items`` answer items of the request, such as `UserIdentityAC` and `SOPClassExtendedNegotiation` (PS3.7
    D.3.3). The server itself answers maximum length, window and roles. ``contexts`` maps each abstract syntax that this
    caller may use to its transfer syntaxes, the best first; None means that the caller may use all services.
    """

    user_items: tuple[UserItem, ...] = ()
    contexts: Mapping[str, Sequence[str]] | None = None


Decision = AssociateRJ | Acceptance | None
DECISIONS = (AssociateRJ, Acceptance, NoneType)  # to tell a decision from an awaitable, faster than `isawaitable`
Policy = Callable[[AssociateRQ, Caller], Decision | Awaitable[Decision]]
Check = Callable[[UserIdentityRQ, Caller], bytes | Awaitable[bytes | None] | None]


def accept_anyone(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
    """Accept every caller."""
    return None


def all_of(*policies: Policy) -> Policy:
    """Ask ``policies`` in turn, and accept if all of them accept; the first rejection is the decision.

    The user items of all policies are joined. If several policies return contexts, those of the last one count.
    """

    async def judge(request: AssociateRQ, caller: Caller) -> Decision:
        items: list[UserItem] = []
        contexts = None
        for policy in policies:
            decision = policy(request, caller)
            if isawaitable(decision):
                decision = await decision
            if isinstance(decision, AssociateRJ):
                return decision
            if decision is not None:
                items += decision.user_items
                contexts = contexts if decision.contexts is None else decision.contexts
        return Acceptance(tuple(items), contexts)

    return judge


def called_titles(*titles: str) -> Policy:
    """Accept callers that address one of ``titles``; reject others with called-AE-title-not-recognized."""

    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        return None if request.called_ae_title in titles else _CALLED_TITLE_NOT_RECOGNIZED

    return judge


def calling_titles(titles: Collection[str] | Mapping[str, Collection[str]]) -> Policy:
    """Accept callers whose AE title is in ``titles``; reject others with calling-AE-title-not-recognized.

    A mapping gives the networks from which each title may come, such as ``{"CT1": ["10.1.0.0/16", "::1"]}``; an empty
    collection allows all networks. Raises `EncodeError` for a string that is not a network.
    """
    allowed = {title: _inside(titles[title] if isinstance(titles, Mapping) else ()) for title in titles}

    def judge(request: AssociateRQ, caller: Caller) -> Decision:
        comes_from = allowed.get(request.calling_ae_title)
        return None if comes_from is not None and comes_from(caller) else _CALLING_TITLE_NOT_RECOGNIZED

    return judge


def hosts(*networks: str) -> Policy:
    """Accept callers from one of ``networks``, such as ``10.1.0.0/16``; reject others with no-reason-given.

    Without networks, all callers are accepted. Raises `EncodeError` for a string that is not a network.
    """
    comes_from = _inside(networks)

    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        return None if comes_from(caller) else _NO_REASON

    return judge


def certificate_titles(titles: Mapping[str, Collection[str]]) -> Policy:
    """Accept callers whose certificate allows their AE title; reject others with calling-AE-title-not-recognized.

    ``titles`` maps a certificate to its AE titles. A certificate is given by its fingerprint (SHA-256 in hexadecimal,
    in upper or lower case, with or without colons), or by one of its names, such as ``DNS:ct1.example.org``. A name
    only counts if the server verifies certificates.
    """
    allowed = {_normal(name): frozenset(aes) for name, aes in titles.items()}

    def judge(request: AssociateRQ, caller: Caller) -> Decision:
        shown = caller.certificate
        names = () if shown is None else (shown.fingerprint, *shown.names)
        is_allowed = any(request.calling_ae_title in allowed.get(_normal(name), ()) for name in names)
        return None if is_allowed else _CALLING_TITLE_NOT_RECOGNIZED

    return judge


def identity_of(request: AssociateRQ) -> UserIdentityRQ | None:
    """Return the user identity in ``request``; None if there is none."""
    return next((item for item in request.user_information if isinstance(item, UserIdentityRQ)), None)


def identified(check: Check) -> Policy:
    """Accept the users that ``check`` accepts; reject others, and requests without exactly one identity.

    The rejection comes from the service-provider, with no-reason-given (PS3.7 D.3.3.7.3).

    ``check`` gets the identity and the caller. It returns the server's response (a Kerberos server ticket, a SAML or
    JWT response; empty for a username), or None to reject; it may be a coroutine function. The response is sent if the
    request asks for one (PS3.7 D.3.3.7.2). Compare passcodes with `hmac.compare_digest`.
    """

    async def judge(request: AssociateRQ, caller: Caller) -> Decision:
        identities = [item for item in request.user_information if isinstance(item, UserIdentityRQ)]
        if len(identities) != 1:  # PS3.7 D.3.3.7 allows one; if there are two, it is unclear which counts
            return _IDENTITY_REFUSED
        (identity,) = identities
        response = check(identity, caller)
        if isawaitable(response):
            response = await response
        if response is None:
            return _IDENTITY_REFUSED
        return Acceptance((UserIdentityAC(response),) if identity.response_requested else ())

    return judge


def _normal(name: str) -> str:
    """Return a fingerprint in the form of `Certificate`, or a name in lower case."""
    bare = name.replace(":", "").lower()
    return bare if _FINGERPRINT.fullmatch(bare) else name.lower()


def _inside(networks: Collection[str]) -> Callable[[Caller], bool]:
    """Return a function that tells whether a caller is in one of ``networks``; if there are none, every caller is."""
    from ipaddress import ip_address, ip_network  # not at the top, where it would slow down `import dimse` by 1 ms

    try:
        parsed = [ip_network(network) for network in networks]
    except ValueError as exc:
        raise EncodeError(str(exc), path="network") from exc

    def is_inside(caller: Caller) -> bool:
        if not parsed:
            return True
        try:
            address = ip_address(caller.host.partition("%")[0])
        except ValueError:  # a Unix socket
            return False
        # A socket for both families shows an IPv4 address as ::ffff:10.1.0.5
        forms = {address, getattr(address, "ipv4_mapped", None) or address}
        return any(form in network for network in parsed for form in forms)

    return is_inside
