"""The flags of a peer, which its answers on the first associations decide."""

from twin import HOST, Line, Twin, serving

from dimse.ul import Abort
from dimse.verify import Flags, Options, Target
from dimse.verify.flags import find_facts
from dimse.verify.peer import Watch

P_DATA = 0x04


def aborts_data(line: Line, pdu: bytes) -> bool:
    if pdu[0] == P_DATA:
        line.send(Abort(2, 0))
    return pdu[0] == P_DATA


async def serves_two(twin: Twin) -> bool:
    async with serving(twin) as port:
        facts = await find_facts(Target(host=HOST, port=port, timeout=1), Options(), Watch(), Flags.TWO_ASSOC)
    return Flags.TWO_ASSOC in facts.flags


async def test_two_associations_that_work_are_a_flag() -> None:
    assert await serves_two(Twin())


async def test_aborted_second_association_is_no_flag() -> None:
    assert not await serves_two(Twin(hears=aborts_data))
