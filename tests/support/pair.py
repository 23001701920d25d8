"""A requestor and an acceptor with a perfect wire between them: no socket, no clock."""

from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    UpperLayer,
)

VERIFICATION, IMPLICIT_LE = "1.2.840.10008.1.1", "1.2.840.10008.1.2"

EXAMPLE: dict[type[PDU], PDU] = {
    AssociateRQ: AssociateRQ(
        called_ae_title="SCP",
        calling_ae_title="SCU",
        presentation_contexts=(PresentationContextRQ(1, VERIFICATION, (IMPLICIT_LE,)),),
        user_information=(MaximumLength(16384),),
    ),
    AssociateAC: AssociateAC(
        called_ae_title="SCP",
        calling_ae_title="SCU",
        presentation_contexts=(PresentationContextAC(1, 0, IMPLICIT_LE),),
        user_information=(MaximumLength(16384),),
    ),
    AssociateRJ: AssociateRJ(1, 1, 1),
    PDataTF: PDataTF((PDV(1, b"xx", True, True),)),
    ReleaseRQ: ReleaseRQ(),
    ReleaseRP: ReleaseRP(),
    Abort: Abort(0, 0),
}


class Pair:
    """Both ends of an association, and what each was told."""

    def __init__(self) -> None:
        self.scu = UpperLayer.requestor()
        self.scp = UpperLayer.acceptor()

    def connect(self) -> None:
        """Up to the A-ASSOCIATE indication at the acceptor."""
        self.scu.send(EXAMPLE[AssociateRQ])
        self.scu.transport_connected()
        self.scp.transport_connected()
        self.flow()

    def associate(self) -> None:
        """Up to Sta6 on both sides, with nothing left to be told."""
        self.connect()
        self.scp.send(EXAMPLE[AssociateAC])
        self.flow()
        self.scu.events()
        self.scp.events()

    def flow(self) -> None:
        """Carry what both have written, whatever is lost because nobody listens."""
        to_scp = b"".join(self.scu.data_to_send())
        to_scu = b"".join(self.scp.data_to_send())
        self.scp.receive_data(to_scp)
        self.scu.receive_data(to_scu)
