"""Asynchronous Operations Window and SCP/SCU Role Selection, PS3.7 D.3.3.3 and D.3.3.4."""

import pytest

from dimse.ul import (
    AsynchronousOperationsWindow,
    MaximumLength,
    Roles,
    RoleSelection,
    UserItem,
    agreed_roles,
    agreed_window,
    answer_roles,
    answer_window,
)

Window = AsynchronousOperationsWindow
CT, MR, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.6.1"


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
def test_what_the_requestor_invokes_is_what_the_acceptor_performs(
    asked: Window, invoked: int, performed: int, answered: Window
) -> None:
    assert answer_window([MaximumLength(0), asked], invoked, performed) == (answered,)


def test_no_window_is_answered_where_none_was_asked_for() -> None:
    assert answer_window([MaximumLength(0)], 5, 5) == ()


@pytest.mark.parametrize(
    ("asked", "answered", "holds"),
    [
        ([Window(4, 2)], [Window(3, 2)], Window(3, 2)),
        ([Window(4, 2)], [Window(9, 0)], Window(4, 2)),  # never larger than what was asked for
        ([Window(0, 1)], [Window(7, 1)], Window(7, 1)),
        ([Window(4, 2)], [], Window(1, 1)),
        ([], [Window(4, 2)], Window(1, 1)),
        ([], [], Window(1, 1)),
    ],
)
def test_the_window_that_holds(asked: list[UserItem], answered: list[UserItem], holds: Window) -> None:
    assert agreed_window(asked, answered) == holds


def test_the_scp_role_of_the_requestor_is_granted_where_the_acceptor_can_be_the_scu() -> None:
    proposed = (RoleSelection(CT, scu=True, scp=True), RoleSelection(MR, scu=False, scp=True))
    asked: list[UserItem] = [MaximumLength(0), *proposed]
    assert answer_roles(asked, {CT}) == (
        RoleSelection(CT, scu=True, scp=True),
        RoleSelection(MR, scu=False, scp=False),
    )


def test_the_roles_that_hold_are_those_proposed_and_granted() -> None:
    asked = [RoleSelection(CT, scu=True, scp=True), RoleSelection(MR, scu=False, scp=True)]
    assert agreed_roles(asked, [RoleSelection(CT, scu=False, scp=True)]) == {CT: Roles(scu=False, scp=True)}
    assert agreed_roles(asked, [RoleSelection(MR, scu=True, scp=True)]) == {MR: Roles(scu=False, scp=True)}


def test_roles_that_were_not_proposed_mean_nothing() -> None:
    """Some printers answer SCU 0, SCP 1 to a requestor that proposed nothing, and mean the default."""
    assert agreed_roles([], [RoleSelection(US, scu=False, scp=True)]) == {}
    assert Roles() == (True, False)
