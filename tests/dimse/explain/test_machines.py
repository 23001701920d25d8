"""The state machines of a recorded association."""

from dimse.explain.machines import ACCEPTOR, REQUESTOR, Machines
from dimse.ul import PDU, Abort, AssociateAC, AssociateRJ, AssociateRQ, PDataTF, ReleaseRP, ReleaseRQ

REQUEST = AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=())
ANSWER = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=())


def moves(*said: tuple[str, PDU | None]) -> list[str]:
    machines = Machines()
    found = [move for side, pdu in said for move in machines.step(side, pdu)]
    found += machines.close()
    return [f"{move.side} {move.before.name} {move.event.name} {move.action} {move.after.name}" for move in found]


def test_request_moves_both_sides() -> None:
    assert moves((REQUESTOR, REQUEST)) == [
        "> Sta1 Evt1 AE-1 Sta4",
        "> Sta4 Evt2 AE-2 Sta5",
        "< Sta1 Evt5 AE-5 Sta2",
        "< Sta2 Evt6 AE-6 Sta3",
    ]


def test_rejection_by_the_provider_is_the_other_branch_of_ae_6() -> None:
    assert "< Sta2 Evt6 AE-6 Sta13" in moves((REQUESTOR, REQUEST), (ACCEPTOR, AssociateRJ(1, 2, 2)))


def test_rejection_by_the_user_is_ae_8() -> None:
    assert "< Sta3 Evt8 AE-8 Sta13" in moves((REQUESTOR, REQUEST), (ACCEPTOR, AssociateRJ(1, 1, 3)))


def test_release_collision_takes_both_branches_of_ar_8() -> None:
    said = ((REQUESTOR, REQUEST), (ACCEPTOR, ANSWER), (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ReleaseRQ()))
    found = moves(*said, (REQUESTOR, ReleaseRP()), (ACCEPTOR, ReleaseRP()))
    assert found[-8:] == [
        "< Sta6 Evt11 AR-1 Sta7",
        "< Sta7 Evt12 AR-8 Sta10",
        "> Sta7 Evt12 AR-8 Sta9",
        "> Sta9 Evt14 AR-9 Sta11",
        "< Sta10 Evt13 AR-10 Sta12",
        "< Sta12 Evt14 AR-4 Sta13",
        "> Sta11 Evt13 AR-3 Sta1",
        "< Sta13 Evt17 AR-5 Sta1",
    ]


def test_data_that_crosses_an_abort_is_ignored() -> None:
    said = ((REQUESTOR, REQUEST), (ACCEPTOR, ANSWER), (REQUESTOR, Abort(0)), (ACCEPTOR, PDataTF(())))
    assert moves(*said)[-4:-1] == ["< Sta6 Evt9 DT-1 Sta6", "< Sta6 Evt16 AA-3 Sta1", "> Sta13 Evt10 AA-6 Sta13"]


def test_all_data_that_cross_an_abort_are_ignored() -> None:
    data = (ACCEPTOR, PDataTF(()))
    found = moves((REQUESTOR, REQUEST), (ACCEPTOR, ANSWER), (REQUESTOR, Abort(0)), data, data, data)
    one = ["< Sta6 Evt9 DT-1 Sta6", "< Sta6 Evt16 AA-3 Sta1", "> Sta13 Evt10 AA-6 Sta13"]
    assert found[-10:-1] == one * 3


def test_abort_of_the_provider_is_an_invalid_pdu() -> None:
    said = ((REQUESTOR, REQUEST), (ACCEPTOR, ANSWER), (ACCEPTOR, Abort(2, 1)))
    assert moves(*said)[-3:] == ["< Sta6 Evt19 AA-8 Sta13", "> Sta6 Evt16 AA-3 Sta1", "< Sta13 Evt17 AR-5 Sta1"]


def test_abort_after_an_unexpected_pdu_belongs_to_aa_8() -> None:
    said = ((REQUESTOR, REQUEST), (ACCEPTOR, ANSWER), (REQUESTOR, ANSWER), (ACCEPTOR, Abort(2, 2)))
    assert moves(*said)[-3:] == ["< Sta6 Evt3 AA-8 Sta13", "> Sta6 Evt16 AA-3 Sta1", "< Sta13 Evt17 AR-5 Sta1"]


def test_broken_pdu_is_evt19_of_its_receiver() -> None:
    assert moves((REQUESTOR, REQUEST), (REQUESTOR, None))[-2:] == ["< Sta3 Evt19 AA-8 Sta13", "< Sta13 Evt17 AR-5 Sta1"]


def test_data_before_an_association_is_a_blank_cell() -> None:
    assert moves((REQUESTOR, PDataTF(())))[0] == "> Sta1 Evt9  Sta1"
