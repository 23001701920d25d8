"""Ready-made reactions for scripts: the actions of the tester in place of its right answer, or in addition to it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...message import encode_command, fragment
from ...ul import PDU, AssociateAC
from ...ul.forge import forge_pdu, forge_pdv
from ..case import Unprepared
from ..cases.material import octets_of
from .visit import Exchange, Reaction

__all__ = [
    "accepts",
    "after",
    "closes",
    "halves",
    "held_back",
    "in_pdvs",
    "nothing",
    "one_pdu",
    "resets",
    "sends",
    "slowly",
    "whole",
    "with_empty_end",
    "with_fields",
    "with_message_id",
]

COMMAND, LAST = 1, 2  # bits of the message control header, PS3.8 E.2
_P_DATA, _HEADER = 0x04, 6  # the type of a P-DATA-TF; octets of the header of a PDU


async def nothing(_exchange: Exchange) -> None:
    """Send nothing."""


async def closes(exchange: Exchange) -> None:
    """Send FIN."""
    exchange.wire.shut_down()


async def resets(exchange: Exchange) -> None:
    """End the connection with a reset."""
    exchange.wire.reset()


def sends(what: Callable[[Exchange], bytes | PDU]) -> Reaction:
    """Return the reaction that sends octets or a PDU instead of the right answer."""

    async def react(exchange: Exchange) -> None:
        exchange.wire.send(what(exchange))

    return react


def after(what: Callable[[Exchange], bytes | PDU]) -> Reaction:
    """Return the reaction that sends the right answer, and then octets or a PDU."""

    async def react(exchange: Exchange) -> None:
        exchange.proceed()
        exchange.wire.send(what(exchange))

    return react


def with_fields(**changes: Any) -> Reaction:
    """Return the reaction that sends the right answer, but with these values in its fields."""

    async def react(exchange: Exchange) -> None:
        exchange.proceed(**changes)

    return react


Change = Callable[[AssociateAC, Exchange], AssociateAC]
Forge = Callable[[bytes, Exchange], bytes]


def accepts(change: Change = lambda pdu, _: pdu, *, forge: Forge | None = None) -> Reaction:
    """Return the reaction that sends the A-ASSOCIATE-AC changed by ``change``; ``forge`` then changes its octets."""

    async def react(exchange: Exchange) -> None:
        assert exchange.pdu is not None
        pdu = change(exchange.pdu, exchange)
        exchange.wire.accept(pdu, None if forge is None else forge(octets_of(pdu), exchange))

    return react


def one_pdu(*pdvs: bytes) -> bytes:
    """Return a P-DATA-TF that contains these PDVs."""
    return forge_pdu(_P_DATA, b"".join(pdvs))


def in_pdvs(cut: Callable[[int, bytes, int], list[bytes]], *, together: bool) -> Reaction:
    """Return the reaction that sends the right answer in the PDVs that ``cut(context id, octets, bits)`` returns.

    ``bits`` is `COMMAND` or 0; ``cut`` adds `LAST` to the bits of its last PDV. With ``together``, one P-DATA-TF
    contains all PDVs; otherwise each PDV has its own. The reaction raises `Unprepared` if a P-DATA-TF would be longer
    than the SCU accepts.
    """

    async def react(exchange: Exchange) -> None:
        response = exchange.response
        assert response is not None
        pdvs = cut(exchange.context_id, encode_command(response), COMMAND)
        if response.Data is not None:
            assert isinstance(response.Data, bytes | bytearray | memoryview)
            pdvs += cut(exchange.context_id, bytes(response.Data), 0)
        pdus = [one_pdu(*pdvs)] if together else [one_pdu(pdv) for pdv in pdvs]
        _require_room(exchange, max(map(len, pdus)) - _HEADER)
        for octets in pdus:
            exchange.wire.send(octets)

    return react


def _require_room(exchange: Exchange, length: int) -> None:
    """Raise `Unprepared` if a P-DATA-TF of this PDU-length is longer than the SCU accepts: the SCU may abort."""
    limit = exchange.wire.max_length
    if limit and length > limit:
        raise Unprepared(f"the SCU's Maximum Length, {limit}, leaves no room for a P-DATA-TF of {length} bytes")


def whole(context_id: int, data: bytes, bits: int) -> list[bytes]:
    """Return all of ``data`` in one PDV."""
    return [forge_pdv(context_id, bits | LAST, data)]


def halves(context_id: int, data: bytes, bits: int) -> list[bytes]:
    """Return ``data`` in two PDVs of about the same length."""
    middle = len(data) // 4 * 2
    return [forge_pdv(context_id, bits, data[:middle]), forge_pdv(context_id, bits | LAST, data[middle:])]


def with_empty_end(context_id: int, data: bytes, bits: int) -> list[bytes]:
    """Return ``data`` in one PDV, followed by an empty last PDV."""
    return [forge_pdv(context_id, bits, data), forge_pdv(context_id, bits | LAST, b"")]


def slowly(seconds: float) -> Reaction:
    """Return the reaction that sends the right answer octet by octet, ``seconds`` apart."""

    async def react(exchange: Exchange) -> None:
        response = exchange.response
        assert response is not None
        command, longest = encode_command(response), exchange.wire.max_length
        for octet in b"".join(map(octets_of, fragment(exchange.context_id, command, response.Data, longest))):
            exchange.wire.send(bytes((octet,)))
            await asyncio.sleep(seconds)

    return react


def held_back(seconds: float) -> Reaction:
    """Return the reaction that sends the right answer after ``seconds``, or as soon as the SCU does something.

    `Visit.early` records each answer for which the SCU did not wait.
    """

    async def react(exchange: Exchange) -> None:
        if not await exchange.wire.is_quiet(seconds):
            exchange.visit.early.append((exchange.wire, len(exchange.wire.events)))
        exchange.proceed()

    return react


def with_message_id(add: int) -> Reaction:
    """Return the reaction that sends the right answer, but adds ``add`` to its Message ID Being Responded To."""

    async def react(exchange: Exchange) -> None:
        response = exchange.response
        assert response is not None
        number = (response.MessageIDBeingRespondedTo + add) % 0x10000
        exchange.wire.say(replace(response, MessageIDBeingRespondedTo=number), exchange.context_id)

    return react
