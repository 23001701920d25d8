"""Reports: they fit their schema, and say what happened."""

import json

import pytest
from twin import HOST, Twin, serving
from twins.common import UNKNOWN, ignores

from dimse.verify import CASES, Options, Target, verify_scp
from dimse.verify.report import document, schema

jsonschema = pytest.importorskip("jsonschema")


async def report(twin: Twin, *globs: str) -> dict[str, object]:
    async with serving(twin) as port:
        target = Target(host=HOST, port=port, timeout=0.05, revival=0.1)
        options = Options(cases=globs, slow=False)
        run = await verify_scp(target, CASES, options)
    written: dict[str, object] = json.loads(json.dumps(document(run, target, options, ["dimse", "verify"])))
    return written


async def test_report_fits_its_schema() -> None:
    jsonschema.validate(await report(Twin(), "UL-F-*"), schema())


async def test_report_of_a_failure_fits_its_schema() -> None:
    written = await report(ignores(UNKNOWN), "UL-F-2.05")
    jsonschema.validate(written, schema())
    assert written["exit"] == 1


async def test_report_shows_the_octets_of_both_sides() -> None:
    written = await report(Twin(), "UL-F-2.05")
    [case] = [case for case in written["cases"] if case["id"] == "UL-F-2.05"]  # type: ignore[attr-defined]  # a list
    said = [(entry["dir"], entry["hex"]) for entry in case["trace"]]
    assert (">", "0900000000050000000000") in said
    assert ("<", "07000000000400000201") in said
