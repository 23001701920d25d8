"""The states of printers as they follow from destinations and spool."""

import pytest

from print_mgmt.destinations import Condition, DeliveryFailed, Outcome
from print_mgmt.jobs import PrinterState
from print_mgmt.site.conditions import Conditions
from print_mgmt.spool import Room

BAD = Condition("FAILURE", "PRINTER OFFLINE", "nobody answers")
POOR = Condition("WARNING", "SUPPLY LOW")
FULL, LOW, WIDE = Room(0, True, True), Room(1, True, False), Room(2, False, False)


@pytest.fixture
def state() -> PrinterState:
    return PrinterState()


@pytest.fixture
def conditions(state: PrinterState) -> Conditions:
    """Return the conditions of a site whose printer reaches two destinations."""
    made = Conditions({"one": state})
    made.reach({"one": frozenset({"a", "b"})})
    return made


def terms(state: PrinterState) -> tuple[str, str]:
    return state.PrinterStatus, state.PrinterStatusInfo


def test_one_failure_of_two_is_a_warning(conditions: Conditions, state: PrinterState) -> None:
    conditions.note("a", BAD)
    assert terms(state) == ("WARNING", "PRINTER OFFLINE")


def test_failure_of_all_is_a_failure(conditions: Conditions, state: PrinterState) -> None:
    conditions.note("a", BAD)
    conditions.note("b", BAD)
    assert terms(state) == ("FAILURE", "PRINTER OFFLINE")


def test_recovery_is_normal(conditions: Conditions, state: PrinterState) -> None:
    conditions.note("a", POOR)
    assert terms(state) == ("WARNING", "SUPPLY LOW")
    conditions.succeed("a")
    assert terms(state) == ("NORMAL", "NORMAL")


def test_destination_of_another_printer_does_not_count(conditions: Conditions, state: PrinterState) -> None:
    conditions.note("c", BAD)
    assert terms(state) == ("NORMAL", "NORMAL")


def test_forgotten_destination_does_not_count(conditions: Conditions, state: PrinterState) -> None:
    conditions.note("a", BAD)
    conditions.reach({"one": frozenset({"b"})})
    assert terms(state) == ("NORMAL", "NORMAL")


@pytest.mark.parametrize(("room", "info"), [(LOW, "CHECK PRINTER"), (FULL, "PRINT BUFF FULL")])
def test_little_room_is_a_warning(conditions: Conditions, state: PrinterState, room: Room, info: str) -> None:
    conditions.measure(room)
    assert terms(state) == ("WARNING", info)
    conditions.measure(WIDE)
    assert terms(state) == ("NORMAL", "NORMAL")


def test_full_disk_comes_before_a_destination(conditions: Conditions, state: PrinterState) -> None:
    conditions.note("a", POOR)
    conditions.measure(FULL)
    assert terms(state) == ("WARNING", "PRINT BUFF FULL")


def test_failure_of_all_comes_before_a_full_disk(conditions: Conditions, state: PrinterState) -> None:
    conditions.measure(FULL)
    conditions.note("a", BAD)
    assert terms(state) == ("WARNING", "PRINT BUFF FULL")
    conditions.note("b", BAD)
    assert terms(state) == ("FAILURE", "PRINTER OFFLINE")


def test_state_that_somebody_sets_stays(conditions: Conditions, state: PrinterState) -> None:
    state.set("WARNING", "COVER OPEN")
    conditions.note("a", BAD)
    assert terms(state) == ("WARNING", "COVER OPEN")


def test_term_that_is_no_printer_state_is_replaced(conditions: Conditions, state: PrinterState) -> None:
    conditions.fail("a", DeliveryFailed(Outcome.LATER, "no idea", info="UNKNOWN"))
    assert state.PrinterStatus == "WARNING"
