"""Who may associate: the decision of action AE-6, PS3.8 Table 9-6, as one function of what the caller shows.

A `Policy` gets the A-ASSOCIATE-RQ and the `Caller`: host, certificate, whether TLS is spoken. It answers with the
refusal (result, source and reason of PS3.8 Table 9-21), with an `Acceptance` that has more to say in A-ASSOCIATE-AC,
or with None to accept. It may be a coroutine function, for what has to be looked up elsewhere. Numbers of
associations and connections are not its business: `Limits` bounds them.

The functions here make policies for what is asked most; `all_of` joins them.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import isawaitable

from ..errors import EncodeError
from ..tls import Certificate
from ..ul import AssociateRJ, AssociateRQ, UserIdentityAC, UserIdentityRQ, UserItem

__all__ = [
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
_IDENTITY_REFUSED = AssociateRJ(1, 2, 1)  # the service-provider (ACSE), PS3.7 D.3.3.7.3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connected: HOST:PORT, and the certificate that was shown, None without TLS or without one."""

    address: str
    certificate: Certificate | None = None
    is_secure: bool = False  # whether TLS is spoken

    @property
    def host(self) -> str:
        """The address without the port."""
        return self.address.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Yes, and what else the user information of A-ASSOCIATE-AC says.

    ``user_items`` answer items of the request, such as `UserIdentityAC` and `SOPClassExtendedNegotiation`
    (PS3.7 D.3.3). Lengths, window and roles are there without it.
    """

    user_items: tuple[UserItem, ...] = ()


Decision = AssociateRJ | Acceptance | None
Policy = Callable[[AssociateRQ, Caller], Decision | Awaitable[Decision]]
Check = Callable[[UserIdentityRQ, Caller], bytes | Awaitable[bytes | None] | None]


def accept_anyone(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
    """The policy that asks for no name."""
    return None


def all_of(*policies: Policy) -> Policy:
    """All have to accept, asked in turn: the first refusal counts, and what they say in A-ASSOCIATE-AC is joined."""

    async def judge(request: AssociateRQ, caller: Caller) -> Decision:
        items: list[UserItem] = []
        for policy in policies:
            decision = policy(request, caller)
            if isawaitable(decision):
                decision = await decision
            if isinstance(decision, AssociateRJ):
                return decision
            items += decision.user_items if decision is not None else ()
        return Acceptance(tuple(items))

    return judge


def called_titles(*titles: str) -> Policy:
    """Accept who calls one of ``titles``; refuse with called-AE-title-not-recognized."""

    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        return None if request.called_ae_title in titles else _CALLED_TITLE_NOT_RECOGNIZED

    return judge


def calling_titles(titles: Collection[str] | Mapping[str, Collection[str]]) -> Policy:
    """Accept the AE titles in ``titles``; refuse with calling-AE-title-not-recognized.

    As a mapping it has the networks from which each may come, such as ``{"CT1": ["10.1.0.0/16", "::1"]}``; an empty
    collection of them allows all. Raises `EncodeError` for what is no network.
    """
    allowed = {title: _inside(titles[title] if isinstance(titles, Mapping) else ()) for title in titles}

    def judge(request: AssociateRQ, caller: Caller) -> Decision:
        comes_from = allowed.get(request.calling_ae_title)
        return None if comes_from is not None and comes_from(caller) else _CALLING_TITLE_NOT_RECOGNIZED

    return judge


def hosts(*networks: str) -> Policy:
    """Accept who comes from one of ``networks``, such as ``10.1.0.0/16``; refuse without a reason."""
    comes_from = _inside(networks)

    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        return None if comes_from(caller) else _NO_REASON

    return judge


def certificate_titles(titles: Mapping[str, Collection[str]]) -> Policy:
    """Accept a certificate that may use the calling AE title; refuse with calling-AE-title-not-recognized.

    ``titles`` has the AE titles of each certificate: of a fingerprint (SHA-256 in hexadecimal, upper or lower case,
    with colons or without), or of a name of it such as ``DNS:ct1.example.org``. Names mean something only where the
    server verifies certificates.
    """
    allowed = {_normal(name): frozenset(aes) for name, aes in titles.items()}

    def judge(request: AssociateRQ, caller: Caller) -> Decision:
        shown = caller.certificate
        names = () if shown is None else (shown.fingerprint, *shown.names)
        is_allowed = any(request.calling_ae_title in allowed.get(_normal(name), ()) for name in names)
        return None if is_allowed else _CALLING_TITLE_NOT_RECOGNIZED

    return judge


def identity_of(request: AssociateRQ) -> UserIdentityRQ | None:
    """The user identity that ``request`` shows, if it does."""
    return next((item for item in request.user_information if isinstance(item, UserIdentityRQ)), None)


def identified(check: Check) -> Policy:
    """Accept the users that ``check`` knows; refuse the others, and who shows no identity.

    ``check`` gets the identity and the caller. It returns the server's response (a Kerberos server ticket, a SAML or
    JWT response; empty for a username), or None to refuse; it may be a coroutine function. The response is sent
    where the request asks for one (PS3.7 D.3.3.7.2). Compare passcodes with `hmac.compare_digest`.
    """

    async def judge(request: AssociateRQ, caller: Caller) -> Decision:
        identities = [item for item in request.user_information if isinstance(item, UserIdentityRQ)]
        if len(identities) != 1:  # PS3.7 D.3.3.7 has one: of two nobody knows which one counts
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
    """A fingerprint as it is written in a `Certificate`; a name without regard to case."""
    bare = name.replace(":", "").lower()
    return bare if _FINGERPRINT.fullmatch(bare) else name.lower()


def _inside(networks: Collection[str]) -> Callable[[Caller], bool]:
    """Whether a caller comes from one of ``networks``; from anywhere where there are none."""
    from ipaddress import ip_address, ip_network  # 1 ms that `import dimse` does without

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
        return any(address in network for network in parsed)

    return is_inside
