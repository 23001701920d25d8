"""Lesson 5: the state machine. Two cores without sockets: first one side releases, then both at once."""

from functools import partial

from dimse import UpperLayer, ul

VERIFICATION, IMPLICIT_LE = "1.2.840.10008.1.1", "1.2.840.10008.1.2"
PROPOSED = ul.PresentationContextRQ(1, VERIFICATION, (IMPLICIT_LE,))
ACCEPTED = ul.PresentationContextAC(1, 0, IMPLICIT_LE)
BOTH = {"called_ae_title": "PRINTSCP", "calling_ae_title": "STUDENT"}
BOTH["user_information"] = (ul.MaximumLength(16384), ul.ImplementationClassUID("1.2.3.4"))
ASK = ul.AssociateRQ(presentation_contexts=(PROPOSED,), **BOTH)
AGREE = ul.AssociateAC(presentation_contexts=(ACCEPTED,), **BOTH)
Wire = list[tuple[str, bytes]]  # the side that sent the bytes, ">" the requestor or "<" the acceptor, and the bytes


def show(name: str, kind: str, what: object) -> None:
    if kind == "=":  # a step of Table 9-10
        print(f"{name} {what}")


def release(*, both: bool) -> Wire:
    """Associate, and release from one side or from both; return the bytes."""
    print("--", "an association that both sides release at once" if both else "an association that one side releases")
    wire: Wire = []
    requestor, acceptor = UpperLayer.requestor(), UpperLayer.acceptor()
    requestor.observe, acceptor.observe = partial(show, "requestor"), partial(show, "acceptor ")

    def carry(*sides: str) -> None:
        """Let what the sides have sent so far arrive, as if their PDUs crossed."""
        ends = {">": (requestor, acceptor), "<": (acceptor, requestor)}
        under_way = [(side, b"".join(ends[side][0].data_to_send())) for side in sides]
        for side, data in under_way:
            ends[side][1].receive_data(data)
        wire.extend(under_way)

    requestor.send(ASK)
    requestor.transport_connected()
    acceptor.transport_connected()
    carry(">")
    acceptor.send(AGREE)
    carry("<")
    requestor.send(ul.ReleaseRQ())
    if both:
        acceptor.send(ul.ReleaseRQ())
        carry(">", "<")
        requestor.send(ul.ReleaseRP())
    carry(">")
    acceptor.send(ul.ReleaseRP())
    carry("<")
    return wire


def main() -> list[Wire]:
    return [release(both=False), release(both=True)]


if __name__ == "__main__":
    main()
