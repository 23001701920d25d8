"""UL-A, associations: PS3.8 §7.1 and §9.3.2 to §9.3.4, PS3.7 Annex D."""

from ..case import Case
from ..observation import (
    CLOSED,
    REJECT,
    RELEASED,
    RESPONSE,
    SILENCE,
    SUCCESS,
    Accepted,
    Asked,
    Ends,
    Garbled,
    Observation,
    ReleaseAsked,
    Then,
    accepted,
)
from ..peer import Peer
from ..verdict import Level

__all__ = ["UL_A"]


async def minimal(peer: Peer) -> Observation:
    wire, answer = await peer.ask()
    if not isinstance(answer, Accepted):
        return (answer,)
    heard = (await peer.echo(wire),) if 1 in wire.contexts else ()
    return (answer, *heard, await wire.release())


UL_A = (
    Case(
        id="UL-A-1.01",
        title="A minimal association is answered",
        section="PS3.8 §7.1.2.3, §9.3.3; PS3.4 A.5",
        level=Level.MUST,
        run=minimal,
        passes=(Then(accepted({1: 0}), SUCCESS, RELEASED), Then(accepted({1: 3}), RELEASED)),
        nonstrict=(REJECT,),
        fails=(Ends(SILENCE), Ends(CLOSED), RELEASED, ReleaseAsked(), RESPONSE, Asked(), Garbled()),
    ),
)
