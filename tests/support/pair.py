"""A requestor and an acceptor with a perfect wire between them: no socket, no clock."""

from dataclasses import replace

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
    """Both ends of an association; each announces ``max_length`` as Maximum-length-received."""

    def __init__(self, max_length: int = 16384) -> None:
        request, answer = EXAMPLE[AssociateRQ], EXAMPLE[AssociateAC]
        assert isinstance(request, AssociateRQ)
        assert isinstance(answer, AssociateAC)
        self._request = replace(request, user_information=(MaximumLength(max_length),))
        self._answer = replace(answer, user_information=(MaximumLength(max_length),))
        self.scu = UpperLayer.requestor()
        self.scp = UpperLayer.acceptor()

    def connect(self) -> None:
        """Connect, and let the acceptor receive A-ASSOCIATE-RQ."""
        self.scu.send(self._request)
        self.scu.transport_connected()
        self.scp.transport_connected()
        self.flow()

    def associate(self) -> None:
        """Establish the association: Sta6 on both sides. Drop all events."""
        self.connect()
        self.scp.send(self._answer)
        self.flow()
        self.scu.events()
        self.scp.events()

    def flow(self) -> None:
        """Carry the written bytes of both sides to the other side."""
        to_scp = b"".join(self.scu.data_to_send())
        to_scu = b"".join(self.scp.data_to_send())
        self.scp.receive_data(to_scp)
        self.scu.receive_data(to_scu)
