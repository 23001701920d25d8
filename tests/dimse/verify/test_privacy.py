"""Reports have no credentials, and no patient data if they are redacted."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from twin import HOST, Twin, serving

from dimse.explain.pcap import read_capture
from dimse.uids import Verification
from dimse.ul import AssociateRQ, MaximumLength, PresentationContextRQ, UserIdentityRQ, encode_pdu
from dimse.ul.forge import forge_item, forge_pdu
from dimse.verify import CASES, Options, Target, verify_scp
from dimse.verify.observation import Broken
from dimse.verify.report import document, schema
from dimse.verify.report.capture import capture, write_captures
from dimse.verify.report.privacy import Credentials, redacted
from dimse.verify.result import Run
from dimse.verify.trace import CaseTrace, TraceEntry

NAME = "DOE^JANE"
SECRET = b"open sesame"
ECHO = b"\4\0\0\0\0\6after "


def request() -> bytes:
    context = PresentationContextRQ(1, Verification, ("1.2.840.10008.1.2",))
    identity = UserIdentityRQ(2, False, b"jane", SECRET)
    pdu = AssociateRQ(
        called_ae_title="CALLED",
        calling_ae_title="CALLING",
        presentation_contexts=(context,),
        user_information=(MaximumLength(0), identity),
    )
    return b"".join(map(bytes, encode_pdu(pdu)))


def received(octets: bytes) -> TraceEntry:
    return TraceEntry(0.0, 1, "<", octets, len(octets))


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_credentials_are_zeros_however_they_arrive(size: int) -> None:
    octets, credentials = request(), Credentials()
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    shown = b"".join(credentials.hidden(received(piece), piece) for piece in pieces)
    assert len(shown) == len(octets)
    assert SECRET[3:] not in shown
    assert b"CALLED" in shown


@pytest.mark.parametrize("kept", [16, 74, 100, 200])
def test_credentials_after_a_gap_are_zeros(kept: int) -> None:
    octets, credentials = request(), Credentials()
    first, rest = octets[: kept + 7], octets[kept + 7 :]
    credentials.hidden(TraceEntry(0.0, 1, "<", first[:kept], len(first), "hash"), first[:kept])
    shown = credentials.hidden(received(rest + ECHO), rest + ECHO)
    assert SECRET[3:] not in shown
    assert shown.endswith(ECHO)


IDENTITY = forge_item(0x58, b"\2\0\0\4jane" + len(SECRET).to_bytes(2, "big") + SECRET)
ANSWER = forge_item(0x59, len(SECRET).to_bytes(2, "big") + SECRET)
FIXED = b"\0\1\0\0" + b" " * 32 + bytes(32)
WRONG_PLACES = {
    "beside 50H": forge_pdu(1, FIXED + IDENTITY),
    "after a 50H that is too short": forge_pdu(1, FIXED + b"\x50\0\0\0" + IDENTITY),
    "in a 51H that is too long": forge_pdu(1, FIXED + forge_item(0x50, b"\x51\0\0\5\0\0\x40\0" + IDENTITY)),
    "beyond the PDU-length": b"\1\0\0\0\0\x54" + FIXED + forge_item(0x50, IDENTITY),
    "in the answer": forge_pdu(2, FIXED + forge_item(0x50, ANSWER)),
}


@pytest.mark.parametrize("place", WRONG_PLACES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_credentials_are_zeros_wherever_they_stand(place: str, size: int) -> None:
    octets, credentials = WRONG_PLACES[place], Credentials()
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    shown = b"".join(credentials.hidden(received(piece), piece) for piece in pieces)
    assert SECRET[1:] not in shown
    assert shown[:74] == octets[:74]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_redacted_octets_have_no_unknown_item(size: int) -> None:
    octets, credentials = forge_pdu(1, FIXED + forge_item(0x50, forge_item(0xEE, SECRET))), Credentials(only_known=True)
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    shown = b"".join(credentials.hidden(received(piece), piece) for piece in pieces)
    assert SECRET[1:] not in shown
    assert shown[:74] == octets[:74]


async def test_redacted_trace_has_no_unknown_item() -> None:
    trace = CaseTrace(lambda: 0.0)
    trace.octets(1, "<", forge_pdu(2, FIXED + forge_item(0x50, forge_item(0xEE, SECRET))))
    run, target, options = await run_of("UL-A-1.01", redact=True)
    run.results[0] = replace(run.results[0], trace=trace)
    assert SECRET.hex() not in json.dumps(document(run, target, options, ["verify"]))


def test_items_after_the_credentials_are_unchanged() -> None:
    octets = forge_pdu(1, FIXED + forge_item(0x50, IDENTITY + forge_item(0x55, b"VERSION")))
    hidden = Credentials().hidden(received(octets), octets)
    assert hidden == octets.replace(IDENTITY[4:], bytes(len(IDENTITY) - 4))


def test_octets_after_the_request_are_unchanged() -> None:
    credentials = Credentials()
    credentials.hidden(received(request()), request())
    assert credentials.hidden(received(request()), request()) == request()


async def run_of(*globs: str, **options: Any) -> tuple[Run, Target, Options]:
    async with serving(Twin()) as port:
        target = Target(host=HOST, port=port, timeout=0.5)
        chosen = Options(cases=globs, slow=False, **options)
        return await verify_scp(target, CASES, chosen), target, chosen


def planted(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report with a patient's name wherever a peer or a program can put one."""
    for case in report["cases"]:
        case["reason"] = f"Film Session Label is {NAME!r}"
        case["observed"] = [str(Broken(NAME)), f"octets that cannot be read: {NAME}", "RSP(0000)"]
        case["command"] = {"argv": ["scu", f"{NAME}.dcm"], "exit": 1, "signal": None, "stderr_tail": NAME}
        case["reproduce"] = f"verify --command 'scu {NAME}.dcm'"
        for sub in case["subcases"]:
            sub["reason"], sub["observed"], sub["first_observed"] = NAME, [NAME], [NAME]
        for entry in case["trace"]:
            entry["note"] = entry["note"] and f"the tester failed: {NAME}"
            entry["explained"] = [f"P-DATA-TF 1: NSetRSP(ErrorComment='{NAME}')", f"cannot be explained: {NAME}"]
            if entry["hex"].startswith("04"):
                octets = bytes.fromhex(entry["hex"])
                entry["hex"] = (octets[:12] + NAME.encode() + octets[12 + len(NAME) :]).hex()
    report["run"]["stopped"] = f"the sanity case did not pass: {NAME}"
    return report


async def test_redacted_report_has_no_planted_name() -> None:
    run, target, options = await run_of("UL-A-1.01", "UL-P-2.*", "DIMSE-1.0*")
    written = json.dumps(redacted(planted(document(run, target, options, ["verify"]))))
    assert NAME not in written
    assert NAME.encode().hex() not in written


async def test_redacted_report_keeps_verdicts_and_statuses() -> None:
    run, target, options = await run_of("UL-A-1.01")
    case = redacted(document(run, target, options, ["verify"]))["cases"][0]
    assert (case["verdict"], case["observed"]) == ("PASS", ["AC(1=0)", "RSP(0000)", "RP"])
    assert [entry["hex"][:2] for entry in case["trace"] if entry["length"]] == ["01", "02", "", "", "05", "06"]


async def test_redacted_log_says_how_each_rule_was_judged() -> None:
    run, target, options = await run_of("UL-A-1.0[23]")
    case = redacted(document(run, target, options, ["verify"]))["cases"][2]
    assert case["observed"] == ["the rule is kept"]
    assert [each["seen"] for each in case["assertions"]] == ["the rule is kept"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AC(1=0), RSP(0000), RP", "AC(1=0), RSP(0000), RP"),
        ("ABORT(2,1) (3 times, first in UL-F-2.01)", "ABORT(2,1) (3 times, first in UL-F-2.01)"),
        ("ABORT(2,1) (once, in UL-F-2.01)", "ABORT(2,1) (once, in UL-F-2.01)"),
        (f"RSP(0000), {NAME}", "the rule is broken; the text is hidden"),
        (f"SILENCE ({NAME})", "the rule is broken; the text is hidden"),
    ],
)
def test_only_texts_of_a_peer_are_hidden(text: str, shown: str) -> None:
    log = [{"seen": text, "verdict": "FAIL"}]
    case = {"command": None, "reason": "", "observed": [], "subcases": [], "reproduce": "", "trace": [],
            "verdict": "FAIL", "assertions": log}  # fmt: skip
    [found] = redacted({"run": {"stopped": ""}, "peer": {}, "cases": [case]})["cases"]
    assert found["assertions"][0]["seen"] == shown


async def test_redacted_report_fits_the_schema() -> None:
    run, target, options = await run_of("UL-A-1.01", "ROB-1.0*", redact=True)
    pytest.importorskip("jsonschema").validate(json.loads(json.dumps(document(run, target, options, ["x"]))), schema())


def test_data_that_looks_like_a_pdu_is_hidden() -> None:
    octets = bytes.fromhex("040000000010") + bytes(4), bytes.fromhex("010000000000") * 2
    trace = CaseTrace(lambda: 0.0)
    for each in octets:
        trace.octets(1, "<", each)
    entries = [{"connection": 1, "dir": "<", "hex": each.hex(), "length": len(each), "sha256": "", "note": "",
                "explained": []} for each in octets]  # fmt: skip
    case = {"command": None, "reason": "", "observed": [], "subcases": [], "reproduce": "", "trace": entries}
    shown = redacted({"run": {"stopped": ""}, "peer": {}, "cases": [case]})["cases"][0]["trace"]
    assert [entry["hex"] for entry in shown] == ["", ""]


async def test_capture_has_each_connection(tmp_path: Any) -> None:
    run, _, _ = await run_of("UL-A-6.01", pcap=True)
    write_captures(tmp_path, run)
    found = read_capture((tmp_path / "UL-A-6.01.pcapng").read_bytes())
    assert len(found) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["UL-A-1.01.pcapng", "UL-A-6.01.pcapng"]


def test_capture_of_a_case_begins_with_the_case(tmp_path: Any) -> None:
    results: list[Any] = []
    for name, start in (("A", 10.0), ("B", 70.5)):
        trace = CaseTrace(iter((start, start)).__next__)
        trace.octets(trace.new_connection(), ">", ECHO)
        results.append(SimpleNamespace(case=SimpleNamespace(id=name), trace=trace))
    write_captures(tmp_path, Run(results=results, started="2026-11-30T00:00:00+00:00"))
    first, second = (read_capture((tmp_path / f"{name}.pcapng").read_bytes())[0].times[0] for name in "AB")
    assert second - first == pytest.approx(60.5)


def test_capture_has_octets_that_the_report_cuts() -> None:
    trace = CaseTrace(lambda: 0.0, keeps_whole=True)
    trace.octets(1, ">", bytes(10_000))
    assert len(trace.entries[0].data) == 4096
    assert bytes(10_000) in capture(trace, 0)
