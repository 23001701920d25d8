"""The flags of a peer, which its answers on the first associations decide."""

from dataclasses import replace

from twin import HOST, Line, Twin, serving

from dimse.message import NGetRQ, Request, Response
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


async def test_two_working_associations_set_the_flag() -> None:
    assert await serves_two(Twin())


async def test_aborted_second_association_sets_no_flag() -> None:
    assert not await serves_two(Twin(hears=aborts_data))


async def test_attribute_of_the_printer_that_cannot_be_read_is_left_out() -> None:
    bad_rows = bytes.fromhex("28001000 5553 0300 616263")  # (0028,0010) US with 3 bytes
    manufacturer = bytes.fromhex("08007000 4c4f 0400 41434d45")

    def answer(request: Request, response: Response) -> Response:
        return replace(response, Data=manufacturer + bad_rows) if isinstance(request, NGetRQ) else response

    async with serving(Twin(answers=answer)) as port:
        facts = await find_facts(Target(host=HOST, port=port, timeout=1), Options(), Watch(), Flags.PRINT)
    assert (Flags.PRINT in facts.flags, dict(facts.printer)) == (True, {"Manufacturer": "ACME"})
