"""Reports: they fit their schema, show all events, and are safe whatever a peer sends."""

import asyncio
import copy
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from skipping_loop import SkippingLoop
from twin import HOST, Twin, serving
from twins.common import UNKNOWN, ignores

from dimse.errors import EncodeError
from dimse.ul import PDV, PDataTF, encode_pdu
from dimse.verify import CASES, Options, Target, verify_scp
from dimse.verify.report import badge, baseline, changes, document, junit, page, regressions, schema
from dimse.verify.report.conversation import LEFT_OUT, conversations

HOSTILE = '<script>alert("1")</script>\x1b[2J&\x00'


async def judge(twin: Twin, *globs: str) -> dict[str, Any]:
    async with serving(twin) as port:
        target = Target(host=HOST, port=port)
        options = Options(cases=globs, slow=False)
        run = await verify_scp(target, CASES, options)
    written: dict[str, Any] = json.loads(json.dumps(document(run, target, options, ["dimse", "verify"])))
    return written


def report(twin: Twin, *globs: str) -> dict[str, Any]:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(judge(twin, *globs))


@pytest.fixture
def good() -> dict[str, Any]:
    return report(Twin(), "UL-F-2.0[1-5]", "UL-A-3.01")


@pytest.fixture
def bad() -> dict[str, Any]:
    return report(ignores(UNKNOWN), "UL-F-2.0[1-5]")


def valid(written: dict[str, Any]) -> None:
    pytest.importorskip("jsonschema").validate(written, schema())


def hostile(written: dict[str, Any]) -> dict[str, Any]:
    """Return the report with hostile text wherever a text of the peer can stand."""
    spoiled = copy.deepcopy(written)
    spoiled["peer"]["implementation_version_name"] = HOSTILE
    for case in spoiled["cases"]:
        case["reason"] = HOSTILE
        case["observed"] = [HOSTILE]
        for entry in case["trace"]:
            entry["note"], entry["explained"] = HOSTILE, [HOSTILE]
    return spoiled


def test_report_fits_its_schema(good: dict[str, Any]) -> None:
    valid(good)


def test_report_of_a_failure_fits_its_schema(bad: dict[str, Any]) -> None:
    valid(bad)
    assert bad["exit"] == 1


def test_report_shows_the_octets_of_both_sides(good: dict[str, Any]) -> None:
    [case] = [case for case in good["cases"] if case["id"] == "UL-F-2.05"]
    said = [(entry["dir"], entry["hex"]) for entry in case["trace"]]
    assert (">", "0900000000050000000000") in said
    assert ("<", "07000000000400000201") in said


def test_junit_counts_failures(bad: dict[str, Any]) -> None:
    [suite] = [each for each in ET.fromstring(junit(bad)) if each.get("name") == "UL-F"]
    assert (suite.get("tests"), suite.get("failures")) == ("5", "1")


def test_junit_skips_cases_that_do_not_apply(good: dict[str, Any]) -> None:
    skipped = ET.fromstring(junit(good)).findall(".//skipped")
    assert [each.get("message") for each in skipped] == [
        "SKIPPED: needs a peer that rejects an unknown called AE title"
    ]


def test_junit_is_xml_whatever_a_peer_sends(bad: dict[str, Any]) -> None:
    messages = [each.get("message") for each in ET.fromstring(junit(hostile(bad))).iter("failure")]
    assert messages == [r'FAIL: <script>alert("1")</script>\x1b[2J&\x00']


def test_page_escapes_the_texts_of_a_peer(bad: dict[str, Any]) -> None:
    text = page([hostile(bad)])
    assert "<script>alert" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;alert" in text


def test_log_has_the_expected_and_the_seen_answer(bad: dict[str, Any]) -> None:
    [case] = [case for case in bad["cases"] if case["verdict"] == "FAIL"]
    first, again = case["assertions"]
    assert (first["due"], first["verdict"]) == ("ABORT(2,*)", "FAIL")
    assert first["seen"].startswith("SILENCE")
    assert first["section"] == case["section"]
    assert again["t_ms"] > first["t_ms"]


def test_log_has_a_line_for_each_kept_rule() -> None:
    case = next(case for case in report(Twin(), "UL-A-1.02")["cases"] if case["id"] == "UL-A-1.02")
    rules = [(each["due"], each["seen"]) for each in case["assertions"]]
    assert len(rules) == 5
    assert {seen for _, seen in rules} == {"the rule is kept"}
    assert rules[2][0] == "bit 0 of Protocol-version is set"


def test_page_says_which_rules_are_kept() -> None:
    text = page([report(Twin(), "UL-A-1.02")])
    assert "</span> kept: bit 0 of Protocol-version is set [PS3.8" in text


def test_page_has_a_line_for_each_assertion(bad: dict[str, Any]) -> None:
    log = "".join(re.findall(r'<ol class="log">.*?</ol>', page([bad]), re.DOTALL))
    assert log.count("; got ") == sum(len(case["assertions"]) for case in bad["cases"])
    assert "</span> expected ABORT(2,*); got SILENCE" in log


def test_page_says_that_a_fault_is_cosmetic(good: dict[str, Any]) -> None:
    assert "Cosmetic: " not in page([good])
    cosmetic = report(Twin(), "UL-A-1.04")
    valid(cosmetic)
    assert page([cosmetic]).count("Cosmetic: ") == 1


def test_page_has_the_steps_of_a_case(good: dict[str, Any]) -> None:
    assert "<li>steps: " in page([good])


def test_page_explains_the_fields_of_a_pdu(good: dict[str, Any]) -> None:
    text = page([good])
    assert "Calling-AE-title: VERIFYSCU" in text
    assert "07 00 00 00 00 04        A-ABORT PDU [PS3.8 Table 9-26]" in text
    assert "acceptor Sta3 Evt7 AE-7 Sta6; requestor Sta5 Evt3 AE-3 Sta6" in text


def test_fields_of_a_bad_verdict_come_first(bad: dict[str, Any]) -> None:
    [[failed]] = [[case["id"] for case in bad["cases"] if case["verdict"] == "FAIL"]]
    alone = {**bad, "cases": [case for case in bad["cases"] if case["id"] == failed]}
    [whole] = conversations([alone])
    [found] = conversations([bad], max_length=len(whole[failed]))
    assert found[failed] == whole[failed]
    assert [LEFT_OUT in shown for case_id, shown in found.items() if case_id != failed] == [True] * 5


def test_octets_that_are_not_kept_are_not_explained() -> None:
    octets = b"".join(map(bytes, encode_pdu(PDataTF((PDV(1, bytes(9000), False, False),)))))
    entry = {
        "t_ms": 1.0, "dir": ">", "connection": 1, "subcase": 0, "hex": octets[:40].hex(), "length": len(octets),
        "sha256": "0" * 64, "note": "", "explained": ["P-DATA-TF 1: 9000 bytes of data set"],
    }  # fmt: skip
    case = {"id": "X", "verdict": "PASS", "damaged": False, "trace": [entry, entry]}
    [shown] = conversations([{"run": {"role": "SCP"}, "cases": [case]}])
    assert shown["X"].count("Presentation-context-ID: 1") == 2
    assert shown["X"].count("8972 octets are not kept") == 2


def test_page_has_a_column_for_each_report(good: dict[str, Any], bad: dict[str, Any]) -> None:
    text = page([good, bad])
    assert text.count("<th>ANY-SCP@") == 2
    assert '<td class="v-FAIL"' in text


def test_badge_does_not_count_errors_of_the_tester(good: dict[str, Any]) -> None:
    first, *others = good["cases"]
    assert "5 of 5 MUST" in badge({**good, "cases": [{**first, "verdict": "ERROR"}, *others]})


def test_change_to_damaged_is_worse(good: dict[str, Any]) -> None:
    first, *others = good["cases"]
    found = list(changes(good, {**good, "cases": [{**first, "damaged": True}, *others]}))
    assert [(each.text.partition(":")[0], each.is_worse) for each in found] == [("PASS became PASS DAMAGED", True)]


def test_badge_counts_must_cases(good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert "6 of 6 MUST" in badge(good)
    assert "5 of 6 MUST" in badge(bad)
    assert ET.fromstring(badge(bad)).tag.endswith("svg")


def test_own_baseline_has_no_regression(bad: dict[str, Any]) -> None:
    assert list(regressions(bad, baseline(bad))) == []


def test_failure_outside_the_baseline_is_worse(good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert [(each.case_id, each.is_worse) for each in regressions(bad, baseline(good))] == [("UL-F-2.05", True)]


def test_stale_entry_of_the_baseline_is_listed(good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert [(each.case_id, each.is_worse) for each in regressions(good, baseline(bad))] == [("UL-F-2.05", False)]


def test_failure_for_another_reason_is_worse(bad: dict[str, Any]) -> None:
    expected = baseline(bad)
    expected["expected"]["UL-F-2.05"]["because"] = "RJ(1,2,2)"
    assert [each.is_worse for each in regressions(bad, expected)] == [True]


def damaged(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "cases": [{**case, "damaged": True} for case in report["cases"]]}


def test_new_damage_to_the_peer_is_worse(bad: dict[str, Any]) -> None:
    found = list(regressions(damaged(bad), baseline(bad)))
    assert [each.is_worse for each in found] == [True] * len(bad["cases"])


def test_damage_in_the_baseline_is_expected(bad: dict[str, Any]) -> None:
    assert list(regressions(damaged(bad), baseline(damaged(bad)))) == []


def test_end_of_expected_damage_is_not_worse(bad: dict[str, Any]) -> None:
    found = list(regressions(bad, baseline(damaged(bad))))
    assert [each.is_worse for each in found] == [False] * len(bad["cases"])


def test_wrong_damage_in_a_baseline_is_an_error(bad: dict[str, Any]) -> None:
    expected = baseline(bad)
    expected["expected"]["UL-F-2.05"]["damaged"] = "no"
    with pytest.raises(EncodeError, match="'no' is not true or false"):
        list(regressions(bad, expected))


@pytest.mark.parametrize("text", ["CLOSED after {} s, later than --artim", "SILENCE (nothing within {} s)"])
def test_other_times_are_not_a_difference(bad: dict[str, Any], text: str) -> None:
    def taking(seconds: str) -> dict[str, Any]:
        seen = text.format(seconds)
        return {**bad, "cases": [{**case, "observed": [seen], "reason": seen} for case in bad["cases"]]}

    assert list(changes(taking("30.1"), taking("31"))) == []
    assert list(regressions(taking("30.1"), baseline(taking("31")))) == []


def test_wrong_baseline_is_an_error(bad: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match="not a baseline of schema 1"):
        list(regressions(bad, {"schema": 2}))


def test_changes_between_reports_are_listed(good: dict[str, Any], bad: dict[str, Any]) -> None:
    found = {each.case_id: each for each in changes(good, bad)}
    assert found["UL-F-2.05"].is_worse
    assert "UL-F-2.04" not in found


def test_two_runs_do_not_differ(good: dict[str, Any]) -> None:
    assert list(changes(good, report(Twin(), "UL-F-2.0[1-5]", "UL-A-3.01"))) == []
