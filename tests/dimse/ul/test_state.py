"""Table 9-10 compared with a copy from other sources."""

import csv
from pathlib import Path

from dimse.ul import ACTIONS, TABLE_9_10, Event, State

TABLE = Path(__file__).parents[2] / "vectors" / "table_9_10.csv"


def test_all_123_cells_equal_the_standard() -> None:
    with TABLE.open(newline="") as file:
        expected = {(row["event"], row["state"]): (row["action"], row["next_state"]) for row in csv.DictReader(file)}
    here = {}
    for (state, event), action in TABLE_9_10.items():
        branches = [action] if action.otherwise is None else [action, action.otherwise]
        here[event.name, state.name] = (action.name, "|".join(branch.next.name for branch in branches))
    assert len(expected) == 123
    assert here == expected


def test_all_28_actions_are_used() -> None:
    assert len({action.name for action in ACTIONS}) == 28
    assert {action.name for action in TABLE_9_10.values()} == {action.name for action in ACTIONS}


def test_table_has_13_states_and_19_events() -> None:
    assert [state.name for state in State] == [f"Sta{number}" for number in range(1, 14)]
    assert [event.name for event in Event] == [f"Evt{number}" for number in range(1, 20)]
