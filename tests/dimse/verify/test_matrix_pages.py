"""The pages of the conformance matrix: they show each peer, and escape its texts."""

from typing import Any

from evil import HOSTILE

from dimse.verify import Verdict
from tools.verify_matrix import milder
from tools.verify_pages import Judged, matrix_page, matrix_table, trophies_page


def case(case_id: str, verdict: Verdict, reason: str = "") -> dict[str, Any]:
    entry = {"t_ms": 1.0, "dir": "<", "connection": 1, "hex": "07", "length": 1, "note": "", "explained": [reason]}
    return {
        "id": case_id, "title": "A title", "level": "MUST", "section": "PS3.8 §9", "verdict": verdict.value,
        "damaged": False, "reason": reason, "trace": [entry],
    }  # fmt: skip


def judged(*cases: dict[str, Any], name: str = "peer") -> Judged:
    counts = {verdict.value: sum(each["verdict"] == verdict for each in cases) for verdict in Verdict}
    report = {"counts": counts, "damaged": 0, "cases": list(cases), "run": {"started": "2026-11-29T21:06:09+00:00"}}
    return Judged(name, "SCP", f"{name} 1.0", report, "eca6d2e")


def test_page_escapes_the_texts_of_a_peer() -> None:
    page = matrix_page([judged(case("UL-A-1.04", Verdict.FAIL, HOSTILE[0]), name=HOSTILE[0])])
    assert HOSTILE[0] not in page
    assert "http" not in page


def test_table_has_only_cases_that_some_peer_does_not_pass() -> None:
    table = matrix_table([judged(case("UL-A-1.01", Verdict.PASS), case("UL-A-1.04", Verdict.FAIL))])
    assert "| UL-A-1.04 | MUST | A title | FAIL |" in table
    assert "UL-A-1.01" not in table


def test_table_names_the_run_of_a_peer() -> None:
    assert "| 2026-11-29 21:06 UTC, eca6d2e |" in matrix_table([judged(case("UL-A-1.04", Verdict.FAIL))])


def test_milder_verdict_of_two_runs_counts() -> None:
    first, again = case("UL-P-3.04", Verdict.FAIL, "late"), case("UL-P-3.04", Verdict.PASS, "it goes on")
    report = milder(dict(judged(first).report), dict(judged(again).report))
    assert report["cases"][0]["reason"] == "it goes on; in another run FAIL: late"
    assert (report["counts"]["PASS"], report["counts"]["FAIL"]) == (1, 0)


def test_trophies_are_only_of_other_programs() -> None:
    fault = case("UL-A-1.04", Verdict.FAIL, "bytes differ")
    page = trophies_page([judged(fault, name="dimse-print"), judged(fault, name="peer")])
    assert page.count("### UL-A-1.04") == 1
    assert "## peer 1.0 as SCP" in page


def test_trophy_of_a_timer_is_repeated_with_artim() -> None:
    page = trophies_page([judged(case("UL-F-3.01", Verdict.FAIL, "SILENCE"), name="storescp")])
    assert "--start '/usr/bin/storescp 11112' --case UL-F-1.01 --case UL-F-3.01`" in page
    assert "- Rule: AR-4 starts ARTIM" in page


def test_trace_shows_single_octets_in_one_line() -> None:
    fault = case("UL-F-1.12", Verdict.FAIL)
    octet = fault["trace"][0] | {"dir": ">", "explained": [], "hex": "01"}
    page = trophies_page([judged(fault | {"trace": [octet, octet | {"hex": "00", "t_ms": 1001.0}]})])
    assert "> 2 octets one by one, until 1001 ms: 0100 ..." in page


def test_trace_is_of_the_subcase_that_decided() -> None:
    fault = case("UL-P-3.01", Verdict.FAIL, "first")
    later = fault["trace"][0] | {"subcase": 1, "connection": 2, "explained": ["second"]}
    subcases = [{"verdict": "PASS"}, {"verdict": "FAIL"}]
    page = trophies_page([judged(fault | {"reason": "", "trace": [*fault["trace"], later], "subcases": subcases})])
    assert "< second" in page
    assert "< first" not in page
