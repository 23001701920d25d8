"""The print session of the cases, and the answers that prepare it."""

import asyncio
import random
from dataclasses import replace

from twin import HOST, Twin, serving

from dimse.message import NCreateRQ, Request, Response
from dimse.verify import Flags, Peer, Target
from dimse.verify.print_session import print_session
from dimse.verify.trace import CaseTrace

MEMORY_ALLOCATION_NOT_SUPPORTED = 0xB600


def warns(request: Request, response: Response) -> Response:
    return replace(response, Status=MEMORY_ALLOCATION_NOT_SUPPORTED) if isinstance(request, NCreateRQ) else response


async def test_film_session_with_a_warning_of_print_is_created() -> None:
    async with serving(Twin(answers=warns)) as port:
        trace = CaseTrace(asyncio.get_running_loop().time)
        peer = Peer(Target(host=HOST, port=port, timeout=1), trace, random.Random(1), "test", Flags.GRAY_META)
        async with print_session(peer) as session:
            await session.prepare_session()
            assert session.session_uid
        await peer.dismiss()
