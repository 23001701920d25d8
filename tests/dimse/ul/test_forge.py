"""Forged bytes: invalid PDUs, items and PDVs, written as asked."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair import EXAMPLE, Pair
from states import in_state
from strategies import pdus

from dimse.ul import PDU, Abort, ReleaseRQ, State, decode_pdu, encode_pdu
from dimse.ul.forge import cut, forge_item, forge_pdu, forge_pdv

TESTING = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()


def test_lengths_are_right_by_default() -> None:
    assert forge_pdu(5, bytes(4)) == b"".join(encode_pdu(ReleaseRQ()))
    assert forge_item(0x51, b"\0\0\0\1") == b"\x51\0\0\4\0\0\0\1"
    assert forge_pdv(3, 0x03, b"xx") == b"\0\0\0\4\3\3xx"


def test_given_lengths_are_written() -> None:
    assert forge_pdu(5, b"\1", length=0xFFFFFFFF, reserved=7) == b"\5\7\xff\xff\xff\xff\1"
    assert forge_item(0x57, b"", length=9, second=1) == b"\x57\1\0\x09"
    assert forge_pdv(2, 0xFF, b"", length=0) == b"\0\0\0\0\2\xff"


@given(pdus)
def test_forged_pdu_can_be_valid(pdu: PDU) -> None:
    wire = b"".join(encode_pdu(pdu))
    assert decode_pdu(forge_pdu(wire[0], wire[6:])) == pdu


@given(st.binary(max_size=50), st.lists(st.integers(0, 9), max_size=9))
def test_pieces_join_to_the_whole(data: bytes, sizes: list[int]) -> None:
    assert b"".join(cut(data, sizes)) == data


@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
def test_bytes_are_injected_in_each_state(state: State) -> None:
    core = in_state(state)
    core.inject(b"\xff\xfe")
    assert b"".join(core.data_to_send()) == b"\xff\xfe"
    assert core.state is state


def test_injected_bytes_follow_the_pdus_before_them() -> None:
    core = in_state(State.Sta6)
    core.send(ReleaseRQ())
    core.inject(b"\xff\xfe")
    assert b"".join(core.data_to_send()) == b"".join(encode_pdu(ReleaseRQ())) + b"\xff\xfe"


def test_peer_receives_injected_bytes() -> None:
    pair = Pair()
    pair.associate()
    pair.scu.inject(b"".join(encode_pdu(EXAMPLE[Abort])))
    pair.flow()
    assert pair.scp.events() == [Abort()]
    assert pair.scu.state is State.Sta6


def test_examples_of_the_document_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    said = []
    for source in re.findall(r"```python\n(.*?)```", TESTING, re.DOTALL):
        exec(compile(source, "docs/testing.md", "exec"), names)
        said.append(capsys.readouterr().out)
    first, last = re.findall(r"```text\n(.*?)```", TESTING, re.DOTALL)
    assert (said[0], said[-1]) == (first, last)
    assert said[1].count("\n") == 7
