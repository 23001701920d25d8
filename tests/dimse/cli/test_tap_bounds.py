"""``docs/limits.md`` gives the bounds of recordings with the values of the code."""

from pathlib import Path

import pytest

from dimse.cli import tap_inbox, tap_lines, tap_live, tap_pages
from dimse.explain import feed, live, page, pdu, record
from dimse.lab import exchange
from dimse.net import copy_memory, recorder
from dimse.net.capture_writer import PATIENCE

SECTION = (Path(__file__).parents[3] / "docs" / "limits.md").read_text(encoding="utf-8").partition("## Recordings")[2]
ROWS = dict(row.strip("| ").split(" | ")[:2] for row in SECTION.splitlines() if row.startswith("| "))


@pytest.mark.parametrize(
    ("begin", "value"),
    [
        ("steps of a page", page._MAX_STEPS),
        ("fields that are read", page._MAX_FIELDS_READ),
        ("fields of one step", page._MAX_FIELDS),
        ("characters of all fields", page._MAX_DETAILS),
        ("pictures", page._MAX_PICTURES),
        ("bytes of one field", page._SHOWN_BYTES),
        ("fields of one PDU", pdu.MAX_LINES),
        ("PDUs of one message", record._MAX_TURNS),
        ("fields of the PDUs of one message", record._MAX_LINES),
        ("elements of the messages of one step", record._MAX_FIELDS),
        ("bytes of a recording that the tap explains in a page", tap_pages._MAX_READ),
        ("time in which one page must be finished while the tap ends", int(tap_pages._PATIENCE)),
        ("time in which some of the lines must be read", int(tap_lines._PATIENCE)),
        ("bytes of incomplete messages", live._MAX_HELD),
        ("bytes of incomplete messages", feed._MAX_HELD),
        ("the same of all", feed._MAX_TOTAL),
        ("the same of all", tap_lines._MAX_HELD),
        ("bytes that wait for the disk of a recording |", recorder._LONG_QUEUE),
        ("bytes that wait for the disk of a recording at most", recorder._MAX_QUEUED),
        ("time for which associations", int(PATIENCE)),
        ("memory that a recording keeps", copy_memory._MAX_BLOCKS * copy_memory._BLOCK_SIZE),
        ("bytes that the tap has read", tap_inbox._MAX_BYTES),
        ("freed memory that the tap keeps", tap_inbox._KEPT),
        ("bytes that wait for the live", tap_lines._MAX_QUEUED),
        ("events that wait", feed._MAX_WAITING),
        ("earlier events", feed._MAX_KEPT),
        ("events that are written", tap_live._MAX_WRITTEN),
        ("clients of the live", tap_live._MAX_CLIENTS),
        ("connections of the live", tap_live._MAX_CONNECTIONS),
        ("a request to the live", tap_live._MAX_REQUEST),
        ("bytes of an incomplete PDU", exchange._MAX_HELD),
        ("PDUs of the peer", exchange._MAX_ANSWER_LINES),
    ],
)
def test_table_has_the_value_of_the_code(begin: str, value: int) -> None:
    (shown,) = (text for name, text in ROWS.items() if f"{name} |".startswith(begin))
    assert f"{value:,}" in shown.split()
