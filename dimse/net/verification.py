"""The Verification service, PS3.4 Annex A: C-ECHO. The example of how a service is made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..message import CEchoRQ, Response
from ..uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
from .association import Association
from .dispatch import Handlers, Immediate
from .operation import Operation
from .server import Service

__all__ = ["VERIFICATION"]


def _echo(operation: Operation) -> Response:
    return operation.reply()


@asynccontextmanager
async def _open(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
    yield {(Verification, CEchoRQ): Immediate(_echo)}


VERIFICATION = Service({Verification: (ExplicitVRLittleEndian, ImplicitVRLittleEndian)}, _open)
