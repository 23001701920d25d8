"""The states of printers, derived from destinations and spool."""

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
    made.set_reachable({"one": frozenset({"a", "b"})})
    return made


def terms(state: PrinterState) -> tuple[str, str]:
    return state.PrinterStatus, state.PrinterStatusInfo


def test_one_failure_of_two_is_a_warning(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_condition("a", BAD)
    assert terms(state) == ("WARNING", "PRINTER OFFLINE")


def test_failure_of_all_is_a_failure(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_condition("a", BAD)
    conditions.set_condition("b", BAD)
    assert terms(state) == ("FAILURE", "PRINTER OFFLINE")


def test_info_comes_from_the_first_troubled_destination_by_name(conditions: Conditions, state: PrinterState) -> None:
    pairs = (frozenset((f"a{number}", "z")) for number in range(1000))
    names = next(pair for pair in pairs if next(iter(pair)) == "z")  # the order in a set differs from run to run
    conditions.set_reachable({"one": names})
    conditions.set_condition(min(names), POOR)
    conditions.set_condition("z", BAD)
    assert terms(state) == ("WARNING", "SUPPLY LOW")


def test_recovered_destination_makes_its_printer_normal(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_condition("a", POOR)
    assert terms(state) == ("WARNING", "SUPPLY LOW")
    conditions.record_success("a")
    assert terms(state) == ("NORMAL", "NORMAL")


def test_destination_of_another_printer_does_not_count(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_condition("c", BAD)
    assert terms(state) == ("NORMAL", "NORMAL")


def test_forgotten_destination_does_not_count(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_condition("a", BAD)
    conditions.set_reachable({"one": frozenset({"b"})})
    assert terms(state) == ("NORMAL", "NORMAL")


@pytest.mark.parametrize(("room", "info"), [(LOW, "CHECK PRINTER"), (FULL, "PRINT BUFF FULL")])
def test_little_room_is_a_warning(conditions: Conditions, state: PrinterState, room: Room, info: str) -> None:
    conditions.set_room(room)
    assert terms(state) == ("WARNING", info)
    conditions.set_room(WIDE)
    assert terms(state) == ("NORMAL", "NORMAL")


def test_full_disk_comes_before_a_destination(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_condition("a", POOR)
    conditions.set_room(FULL)
    assert terms(state) == ("WARNING", "PRINT BUFF FULL")


def test_failure_of_all_comes_before_a_full_disk(conditions: Conditions, state: PrinterState) -> None:
    conditions.set_room(FULL)
    conditions.set_condition("a", BAD)
    assert terms(state) == ("WARNING", "PRINT BUFF FULL")
    conditions.set_condition("b", BAD)
    assert terms(state) == ("FAILURE", "PRINTER OFFLINE")


def test_state_set_by_other_code_stays(conditions: Conditions, state: PrinterState) -> None:
    state.set("WARNING", "COVER OPEN")
    conditions.set_condition("a", BAD)
    assert terms(state) == ("WARNING", "COVER OPEN")


def test_term_that_is_not_a_printer_state_is_replaced(conditions: Conditions, state: PrinterState) -> None:
    conditions.record_failure("a", DeliveryFailed(Outcome.LATER, "no idea", info="UNKNOWN"))
    assert state.PrinterStatus == "WARNING"


@pytest.mark.parametrize(
    ("info", "shown"),
    [("SUPPLY EMPTY", "SUPPLY EMPTY"), ("INVALID PAGE DES", "CHECK PRINTER")],
)
def test_failure_of_a_delivery_is_a_warning(conditions: Conditions, state: PrinterState, info: str, shown: str) -> None:
    """Some terms of a job are not terms of a printer."""
    conditions.record_failure("a", DeliveryFailed(Outcome.LATER, "later", info=info))
    assert terms(state) == ("WARNING", shown)


def test_same_room_is_logged_once(conditions: Conditions, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        conditions.set_room(LOW)
    assert caplog.messages == ["the spool is nearly full: 1 bytes are free"]
