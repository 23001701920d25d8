"""The lines of an association while it happens."""

import random

import pytest
from fuzzing import damaged
from hypothesis import given
from hypothesis import strategies as st
from recordings import NAMES, said_in

from dimse.errors import cut
from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation
from dimse.explain.live import Live
from dimse.ul import PDV, PDataTF, encode_pdu

NAME = "dcmtk-print-1x1-8bit"


def lines(live: Live, said: list[tuple[str, bytes, float | None]]) -> list[str]:
    return [line for side, data, _ in said for line in live.receive(side, data)]


def all_lines(said: list[tuple[str, bytes, float | None]]) -> list[str]:
    live = Live()
    return lines(live, said) + list(live.close())


@pytest.mark.parametrize("name", NAMES)
def test_live_lines_are_those_of_the_recording(name: str) -> None:
    said = list(said_in(name))
    shown = all_lines(said)
    assert shown == [cut(turn.line, 2000) for turn in RecordedAssociation(pieces=said).turns()]


@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_live_lines_of_damaged_bytes_are_those_of_the_recording(name: str, chance: random.Random) -> None:
    said = [
        (side, damaged(data, chance) if len(data) < 2000 and chance.random() < 0.2 else data, time)
        for side, data, time in said_in(name)
    ]
    shown = all_lines(said)
    assert shown == [cut(turn.line, 2000) for turn in RecordedAssociation(pieces=said).turns()]


def test_line_comes_with_the_last_byte_of_its_pdu() -> None:
    ((_, request, _), *_) = said_in(NAME)
    live = Live()
    assert lines(live, [(REQUESTOR, request[:-1], None)]) == []
    (line,) = lines(live, [(REQUESTOR, request[-1:], None)])
    assert line.startswith("> 000000     362 A-ASSOCIATE-RQ ")


def test_close_shows_the_pdu_that_is_cut_off() -> None:
    ((_, request, _), *_) = said_in(NAME)
    live = Live()
    assert lines(live, [(REQUESTOR, request[:-1], None)]) == []
    (line,) = live.close()
    assert line.partition("! ")[2].startswith("PDU-length: ")


def test_endless_pdu_ends_the_lines() -> None:
    live = Live(max_held=1000)
    assert lines(live, [(ACCEPTOR, b"\4\0\xff\xff\xff\xff", None), (ACCEPTOR, bytes(994), None)]) == []
    why = "the incomplete PDUs and messages have more than 1000 bytes"
    assert lines(live, [(ACCEPTOR, b"!", None)]) == [f"! no more lines: {why}"]
    assert lines(live, [(ACCEPTOR, bytes(1000), None)]) + list(live.close()) == []


def test_endless_message_ends_the_lines() -> None:
    piece = b"".join(encode_pdu(PDataTF((PDV(1, bytes(100), True, False),))))
    shown = lines(Live(max_held=1000), [(REQUESTOR, piece, None)] * 20)
    assert len(shown) == 10
    assert shown[-1].startswith("! no more lines: ")


def test_redacted_lines_hide_errors_and_values() -> None:
    said = list(said_in(NAME))
    live = Live(is_redacted=True)
    shown = lines(live, said) + list(live.close())
    assert [line.split()[3] for line in shown] == [turn.name for turn in RecordedAssociation(pieces=said).turns()]
    assert not any("1.2.840" in line for line in shown)
