"""An SCP of Verification as a program: it listens on the port of its argument, and ends with exit status 3 at the
Message ID 666.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dimse.message import CEchoRQ, Response
from dimse.net import Association, Handlers, Operation, Service, serve
from dimse.uids import ImplicitVRLittleEndian, Verification

LAST = 666


async def echo(operation: Operation) -> Response:
    if operation.message.MessageID == LAST:
        os._exit(3)
    return operation.reply(0)


@asynccontextmanager
async def opened(_: Association) -> AsyncIterator[Handlers]:
    yield {(Verification, CEchoRQ): echo}


async def main() -> None:
    async with serve([Service({Verification: (ImplicitVRLittleEndian,)}, opened)], port=int(sys.argv[1])):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
