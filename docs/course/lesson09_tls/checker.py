"""Checks exercise 9: connects to the printer, and to an impostor at its address."""

import asyncio
import ssl
from pathlib import Path

from exercises import Exercise, Wrong

from dimse import connect, serve
from dimse.errors import DimseError
from dimse.net import VERIFICATION, TLSContext, server_context
from dimse.net.scu import c_echo

_KEYS = Path(__file__).parent / "keys"
_HINT = "run.py makes such a context for its first client."


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    context = exercise.result("client", _HINT, _KEYS)
    if not isinstance(context, ssl.SSLContext):
        raise Wrong(f"client returns {context!r}, not the result of client_context", _HINT)
    asyncio.run(_visit(context))
    return "The printer knows the client by its certificate, and the client knows the printer by its authority."


async def _visit(context: ssl.SSLContext) -> None:
    async with serve([VERIFICATION], port=0, tls=server_context(_KEYS / "impostor.pem")) as impostor:
        if not await _error(impostor.port, context):
            hint = "The impostor's certificate is from another authority. What makes a client look at it?"
            raise Wrong("the client has sent a C-ECHO to an impostor", hint)
    tls = server_context(_KEYS / "printer.pem", ca=_KEYS / "authority.pem")
    async with serve([VERIFICATION], port=0, tls=tls) as printer:
        if error := await _error(printer.port, context):
            raise Wrong(f"the client cannot talk to the printer: {error}", "What does each side demand of the other?")


async def _error(port: int, tls: TLSContext) -> str:
    """Return why C-ECHO fails; "" if it succeeds."""
    try:
        async with connect("127.0.0.1", port, VERIFICATION.contexts, tls=tls) as association:
            await c_echo(association)
    except DimseError as error:
        return str(error).partition(": ")[2] or str(error)
    return ""
