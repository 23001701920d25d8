"""The states of the printers of a site: Printer Status and Printer Status Info (PS3.3 C.13.9).

They are derived from the room in the spool and the conditions of the destinations. A printer is in FAILURE if all
destinations that its films may go to are in FAILURE, and in WARNING if there is any other trouble. A full spool takes
precedence over other warnings. A state that other code has set is left as it is.
"""

import logging
from collections.abc import Mapping, Sequence

from dimse.errors import EncodeError, escaped

from ..destinations import Condition, DeliveryFailed
from ..jobs import PrinterState
from ..spool import Room

__all__ = ["Conditions"]

_log = logging.getLogger("print_mgmt.site")
_LOW = Condition("WARNING", "CHECK PRINTER", "the spool is nearly full")
_FULL = Condition("WARNING", "PRINT BUFF FULL", "the spool is full")
_Terms = tuple[str, str]
_NORMAL: _Terms = ("NORMAL", "NORMAL")


class Conditions:
    """The conditions of the destinations and of the spool, which determine ``states``, the printers' states by name."""

    def __init__(self, states: Mapping[str, PrinterState]) -> None:
        self._states = states
        self._reachable: Mapping[str, frozenset[str]] = {}
        self._destinations: dict[str, Condition] = {}
        self._spool = Condition()
        self._own: dict[str, _Terms] = dict.fromkeys(states, _NORMAL)  # the states that this object has set

    def set_reachable(self, reachable: Mapping[str, frozenset[str]]) -> None:
        """Set the destinations that each printer may reach, and forget the conditions of all others."""
        self._reachable = reachable
        known = frozenset[str]().union(*reachable.values())
        self._destinations = {name: found for name, found in self._destinations.items() if name in known}
        self._update()

    def set_condition(self, destination: str, condition: Condition) -> None:
        """Record the condition of a destination."""
        before = self._destinations.get(destination, Condition())
        self._destinations[destination] = condition
        if condition != before:
            level = logging.INFO if condition.PrinterStatus == "NORMAL" else logging.WARNING
            words = f"{condition.PrinterStatus} {condition.reason}".rstrip()
            _log.log(level, "destination %s: %s", destination, escaped(words))
        self._update()

    def record_failure(self, destination: str, failure: DeliveryFailed) -> None:
        """Record that a delivery has failed but may succeed later."""
        try:
            condition = Condition("WARNING", failure.info, str(failure))
        except EncodeError:  # a term that only a job may have
            condition = Condition("WARNING", "CHECK PRINTER", str(failure))
        self._destinations[destination] = condition
        self._update()

    def record_success(self, destination: str) -> None:
        """Record that a delivery has succeeded."""
        if self._destinations.get(destination, Condition()) != Condition():
            self.set_condition(destination, Condition())

    def set_room(self, room: Room) -> None:
        """Record how much room the spool has."""
        condition = _FULL if room.is_full else _LOW if room.is_low else Condition()
        if condition != self._spool:
            self._spool = condition
            if condition.reason:
                _log.warning("%s: %d bytes are free", condition.reason, room.free)
            self._update()

    def _update(self) -> None:
        for name, state in self._states.items():
            if (state.PrinterStatus, state.PrinterStatusInfo) != self._own[name]:
                continue  # other code has set this state
            # Sorted by name, so that the printer reports the same info after each start
            reachable = [self._destinations.get(to, Condition()) for to in sorted(self._reachable.get(name, ()))]
            self._own[name] = terms = _derive_state(self._spool, reachable)
            state.set(*terms)


def _derive_state(spool: Condition, destinations: Sequence[Condition]) -> _Terms:
    """Return the status and the info of a printer with this spool and these destinations."""
    statuses = [condition.PrinterStatus for condition in destinations]
    bad = next((one for one in destinations if one.PrinterStatus != "NORMAL"), None)
    is_failure = bad is not None and all(status == "FAILURE" for status in statuses)
    if bad is None or (spool == _FULL and not is_failure):
        return spool.PrinterStatus, spool.PrinterStatusInfo
    return "FAILURE" if is_failure else "WARNING", bad.PrinterStatusInfo
