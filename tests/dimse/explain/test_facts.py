"""The facts of a step, which a comparison of two recordings compares."""

from dataclasses import replace

import pytest

from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation
from dimse.explain.facts import facts_of
from dimse.message import NCreateRQ, encode_command
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityRQ,
    UserItem,
    encode_pdu,
)

VERIFICATION, IMPLICIT = "1.2.840.10008.1.1", "1.2.840.10008.1.2"


def request(*items: UserItem, contexts: int = 1) -> AssociateRQ:
    proposed = tuple(PresentationContextRQ(2 * number + 1, VERIFICATION, (IMPLICIT,)) for number in range(contexts))
    return AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=proposed, user_information=items
    )


def facts(*pdus: PDU) -> dict[str, str]:
    """Return the facts of the last of ``pdus``; the requestor sends the first one, and the acceptor the others."""
    said = [(ACCEPTOR if number else REQUESTOR, b"".join(encode_pdu(pdu)), None) for number, pdu in enumerate(pdus)]
    *_, last = (step for step in RecordedAssociation(pieces=said).steps() if step.turns)
    return {name: fact.value for name, fact in facts_of(last).items()}


@pytest.mark.parametrize(
    ("item", "name", "value"),
    [
        (MaximumLength(16384), "Maximum-length-received", "16384"),
        (ImplementationClassUID("1.2.3"), "Implementation-class-uid", "1.2.3"),
        (ImplementationVersionName("NAME_1"), "Implementation-version-name", "NAME_1"),
        (AsynchronousOperationsWindow(5, 2), "asynchronous operations window", "5 invoked, 2 performed"),
        (RoleSelection(VERIFICATION, scu=False, scp=False), "roles for Verification SOP Class", "none"),
        (
            SOPClassExtendedNegotiation(VERIFICATION, b"\1\xff"),
            "extended negotiation of Verification SOP Class",
            "01 ff",
        ),
        (
            SOPClassCommonExtendedNegotiation(VERIFICATION, "1.2.840.10008.4.2", ()),
            "common extended negotiation of Verification SOP Class",
            "Storage Service Class: no related class",
        ),
    ],
)
def test_user_information_item_is_a_fact(item: UserItem, name: str, value: str) -> None:
    assert facts(request(item))[name] == value


def test_credentials_are_not_facts() -> None:
    found = facts(request(UserIdentityRQ(2, response_requested=False, primary=b"jane", secondary=b"secret")))
    assert found["User-Identity-Type"] == "2"
    assert not any(word in value for word in ("jane", "secret") for value in found.values())


def test_repeated_name_gets_a_number() -> None:
    found = facts(request(contexts=3))
    assert [name for name in found if name.startswith("context of")] == [
        "context of Verification SOP Class",
        "context of Verification SOP Class (2)",
        "context of Verification SOP Class (3)",
    ]


def test_reason_of_a_rejection_is_a_fact() -> None:
    assert facts(request(), AssociateRJ(1, 1, 7)) == {
        "Result": "1 (rejected-permanent)",
        "Source": "1 (DICOM UL service-user)",
        "Reason/Diag.": "7 (called-AE-title-not-recognized)",
    }


@pytest.mark.parametrize(
    ("abort", "source", "reason"),
    [
        (Abort(0, 6), "0 (DICOM UL service-user)", "6 (not significant)"),
        (Abort(2, 1), "2 (DICOM UL service-provider)", "1 (unrecognized-PDU)"),
        (Abort(2, 99), "2 (DICOM UL service-provider)", "99 (reserved)"),
    ],
)
def test_reason_of_an_abort_is_a_fact(abort: Abort, source: str, reason: str) -> None:
    assert facts(request(), abort) == {"Source": source, "Reason/Diag": reason}


def test_agreed_roles_are_facts() -> None:
    role = RoleSelection(VERIFICATION, scu=False, scp=True)
    answer = AssociateAC(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextAC(1, 0, IMPLICIT),),
        user_information=(role,),
    )
    assert facts(request(role), answer)["agreed roles for Verification SOP Class"] == "SCP"


def test_broken_rule_is_a_fact() -> None:
    said = [(REQUESTOR, b"".join(encode_pdu(request())) + b"\x09\0\0\0\0\0", None)]
    *_, last = (step for step in RecordedAssociation(pieces=said).steps() if step.turns)
    assert "unrecognized PDU type 09H" in facts_of(last)["broken rule"].value


def test_group_length_is_not_a_fact() -> None:
    command = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID=VERIFICATION, Data=b"some"))
    data = bytes.fromhex("00200000 04000000 0A000000  00201000 02000000 3120")
    asked = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(1, "1.2", (IMPLICIT,)),)
    )
    wire = b"".join(
        b"".join(encode_pdu(pdu)) for pdu in (asked, PDataTF((PDV(1, command, True, True), PDV(1, data, False, True))))
    )
    *_, last = RecordedAssociation(pieces=[(REQUESTOR, wire, None)]).steps()
    assert [name for name, fact in facts_of(last).items() if fact.is_element] == ["NumberOfCopies"]


def test_equal_contexts_are_numbered_in_linear_time() -> None:
    contexts = (PresentationContextRQ(1, VERIFICATION, (IMPLICIT,)),) * 20_000
    found = facts(replace(request(), presentation_contexts=contexts))
    assert "context of Verification SOP Class (20000)" in found
