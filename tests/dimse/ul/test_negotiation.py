"""Presentation contexts, PS3.8 §9.3.3.2; operations window and roles, PS3.7 §D.3.3.3 and §D.3.3.4."""

import pytest

from dimse.errors import DecodeError
from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    AsynchronousOperationsWindow,
    Context,
    ContextResult,
    ImplementationClassUID,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    Roles,
    RoleSelection,
    UserItem,
    accepted,
    agreed_roles,
    agreed_window,
    answer,
    answer_roles,
    answer_window,
    maximum_length,
)
from dimse.ul.negotiation import check_context_ids

PRINT, ECHO, IMPLICIT, EXPLICIT = "1.2.1", "1.2.2", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
Window = AsynchronousOperationsWindow
CT, MR, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.6.1"


def test_acceptor_takes_the_syntax_it_prefers() -> None:
    requested = [
        PresentationContextRQ(1, PRINT, (IMPLICIT, EXPLICIT)),
        PresentationContextRQ(3, ECHO, (IMPLICIT,)),
    ]
    supported = {PRINT: (EXPLICIT, IMPLICIT), ECHO: (EXPLICIT, IMPLICIT)}
    assert answer(requested, supported) == (
        PresentationContextAC(1, ContextResult.ACCEPTANCE, EXPLICIT),
        PresentationContextAC(3, ContextResult.ACCEPTANCE, IMPLICIT),
    )


def test_answer_judges_each_context_by_itself() -> None:
    requested = [
        PresentationContextRQ(1, "9.9", (IMPLICIT,)),
        PresentationContextRQ(3, PRINT, ("9.8",)),
        PresentationContextRQ(5, PRINT, ()),
        PresentationContextRQ(7, PRINT, (IMPLICIT,)),
    ]
    results = [context.result for context in answer(requested, {PRINT: (IMPLICIT,)})]
    assert results == [
        ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED,
        ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED,
        ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED,
        ContextResult.ACCEPTANCE,
    ]


def test_accepted_ignores_answers_without_a_proposal() -> None:
    requested = [PresentationContextRQ(number, PRINT, (IMPLICIT,)) for number in (1, 3, 5, 7)]
    answered = [
        PresentationContextAC(7, 0, IMPLICIT),  # in any order
        PresentationContextAC(1, 0, EXPLICIT),  # a syntax that was not proposed
        PresentationContextAC(3, 2, IMPLICIT),
        PresentationContextAC(9, 0, IMPLICIT),  # a context that was not proposed
    ]
    assert accepted(requested, answered) == {7: Context(7, PRINT, IMPLICIT)}


@pytest.mark.parametrize(("ids", "fault"), [((1, 2), "2 is not odd"), ((1, 3, 1), "1 is used twice")])
def test_wrong_context_ids_raise_decode_error(ids: tuple[int, ...], fault: str) -> None:
    contexts = tuple(PresentationContextRQ(number, PRINT, (IMPLICIT,)) for number in ids)
    request = AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)
    with pytest.raises(DecodeError, match=f"Presentation-context-ID: {fault}") as caught:
        check_context_ids(request)
    assert caught.value.rule == "PS3.8 §9.3.2.2"


def test_wrong_context_id_of_an_answer_names_its_section() -> None:
    contexts = (PresentationContextAC(2, 0, IMPLICIT),)
    reply = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)
    with pytest.raises(DecodeError) as caught:
        check_context_ids(reply)
    assert caught.value.rule == "PS3.8 §9.3.3.2"


def test_words_name_a_result() -> None:
    assert ContextResult.words(3) == "abstract-syntax-not-supported"
    assert ContextResult.words(200) == "reserved result 200"


def test_maximum_length_reads_the_item() -> None:
    assert maximum_length([ImplementationClassUID("1.2"), MaximumLength(4096)]) == 4096


def test_missing_maximum_length_means_no_limit() -> None:
    assert maximum_length([]) == 0


@pytest.mark.parametrize(
    ("asked", "invoked", "performed", "answered"),
    [
        (Window(4, 1), 1, 8, Window(4, 1)),
        (Window(4, 1), 1, 2, Window(2, 1)),
        (Window(0, 0), 3, 2, Window(2, 3)),  # zero means no limit
        (Window(5, 5), 0, 0, Window(5, 5)),
        (Window(0, 0), 0, 0, Window(0, 0)),
    ],
)
def test_answered_window_has_the_smaller_numbers(asked: Window, invoked: int, performed: int, answered: Window) -> None:
    assert answer_window([MaximumLength(0), asked], invoked, performed) == (answered,)


def test_answer_has_no_window_without_a_proposal() -> None:
    assert answer_window([MaximumLength(0)], 5, 5) == ()


@pytest.mark.parametrize(
    ("asked", "answered", "holds"),
    [
        ([Window(4, 2)], [Window(3, 2)], Window(3, 2)),
        ([Window(4, 2)], [Window(9, 0)], Window(4, 2)),  # never wider than requested
        ([Window(0, 1)], [Window(7, 1)], Window(7, 1)),
        ([Window(4, 2)], [], Window(1, 1)),
        ([], [Window(4, 2)], Window(1, 1)),
        ([], [], Window(1, 1)),
    ],
)
def test_agreed_window_is_no_wider_than_requested(
    asked: list[UserItem], answered: list[UserItem], holds: Window
) -> None:
    assert agreed_window(asked, answered) == holds


def test_acceptor_grants_the_scp_role_where_it_can_be_scu() -> None:
    proposed = (RoleSelection(CT, scu=True, scp=True), RoleSelection(MR, scu=False, scp=True))
    asked: list[UserItem] = [MaximumLength(0), *proposed]
    assert answer_roles(asked, {CT}) == (
        RoleSelection(CT, scu=True, scp=True),
        RoleSelection(MR, scu=False, scp=False),
    )


def test_agreed_roles_are_both_proposed_and_granted() -> None:
    asked = [RoleSelection(CT, scu=True, scp=True), RoleSelection(MR, scu=False, scp=True)]
    assert agreed_roles(asked, [RoleSelection(CT, scu=False, scp=True)]) == {CT: Roles(scu=False, scp=True)}
    assert agreed_roles(asked, [RoleSelection(MR, scu=True, scp=True)]) == {MR: Roles(scu=False, scp=True)}


def test_agreed_roles_ignore_answers_without_a_proposal() -> None:
    """Some printers answer SCU 0, SCP 1 to a requestor that proposed no roles, and mean the default."""
    assert agreed_roles([], [RoleSelection(US, scu=False, scp=True)]) == {}


def test_default_role_is_scu() -> None:
    assert Roles() == (True, False)
