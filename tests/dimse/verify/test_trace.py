"""The trace of a case: its cuts, and the explanation of the rest."""

from dimse.ul import PDV, PDataTF, encode_pdu
from dimse.verify.trace import KEPT_OCTETS, CaseTrace


def p_data(length: int) -> bytes:
    return b"".join(map(bytes, encode_pdu(PDataTF((PDV(1, bytes(length), False, False),)))))


def explained(*arrivals: bytes) -> list[list[str]]:
    trace = CaseTrace(lambda: 0.0)
    for octets in arrivals:
        trace.octets(1, "<", octets)
    return [lines for _, lines in trace.explained()]


def test_cut_pdu_is_explained_with_its_length() -> None:
    (lines,) = explained(p_data(KEPT_OCTETS))
    assert [line.partition(" !")[0] for line in lines] == [f"P-DATA-TF 1: {KEPT_OCTETS} bytes of data set"]


def test_nothing_is_explained_after_a_header_that_is_cut() -> None:
    assert explained(p_data(KEPT_OCTETS) * 2, p_data(10)) == [[], []]
