"""What the User Information items of both sides agree on beside contexts, PS3.7 Annex D.3.3.

Pure functions. An Asynchronous Operations Window is always that of the requestor, as on the wire: what it may
invoke is what the acceptor performs. Roles are the requestor's, too.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from .items import AsynchronousOperationsWindow, RoleSelection, UserItem

__all__ = ["Roles", "agreed_roles", "agreed_window", "answer_roles", "answer_window"]

_SYNCHRONOUS = AsynchronousOperationsWindow(1, 1)  # where none is negotiated, PS3.7 D.3.3.3


class Roles(NamedTuple):
    """Which roles the requestor has for a SOP Class; the acceptor has the other ones."""

    scu: bool = True
    scp: bool = False


def answer_window(
    requested: Iterable[UserItem], invoked: int, performed: int
) -> tuple[AsynchronousOperationsWindow, ...]:
    """What an acceptor answers that can have so many operations outstanding; nothing where nothing was asked."""
    wanted = _window(requested)
    if wanted is None:
        return ()
    return (AsynchronousOperationsWindow(_least(wanted.invoked, performed), _least(wanted.performed, invoked)),)


def agreed_window(requested: Iterable[UserItem], answered: Iterable[UserItem]) -> AsynchronousOperationsWindow:
    """The window that holds. An answer that was not asked for, or is larger than what was, does not widen it."""
    wanted = _window(requested)
    granted = None if wanted is None else _window(answered)
    if wanted is None or granted is None:
        return _SYNCHRONOUS
    return AsynchronousOperationsWindow(
        _least(wanted.invoked, granted.invoked), _least(wanted.performed, granted.performed)
    )


def answer_roles(requested: Iterable[UserItem], reversible: Collection[str]) -> tuple[RoleSelection, ...]:
    """What an acceptor answers that can be the SCU of the SOP Classes in ``reversible``, and the SCP of all."""
    return tuple(
        RoleSelection(item.sop_class, item.scu, item.scp and item.sop_class in reversible)
        for item in requested
        if isinstance(item, RoleSelection)
    )


def agreed_roles(requested: Iterable[UserItem], answered: Iterable[UserItem]) -> dict[str, Roles]:
    """The roles of the SOP Classes for which some were proposed and answered; the others have the default ones.

    An answer to what was not proposed means nothing: some printers send one.
    """
    wanted = {item.sop_class: item for item in requested if isinstance(item, RoleSelection)}
    if not wanted:
        return {}
    granted = {item.sop_class: item for item in answered if isinstance(item, RoleSelection)}
    return {
        uid: Roles(wanted[uid].scu and granted[uid].scu, wanted[uid].scp and granted[uid].scp)
        for uid in wanted.keys() & granted.keys()
    }


def _window(items: Iterable[UserItem]) -> AsynchronousOperationsWindow | None:
    for item in items:
        if isinstance(item, AsynchronousOperationsWindow):
            return item
    return None


def _least(*numbers: int) -> int:
    """The smallest of them, where zero means no limit."""
    return min((number for number in numbers if number), default=0)
