"""Reports from files: a report that does not conform to the schema is refused, and the error names the field."""

import asyncio
import copy
import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from skipping_loop import SkippingLoop
from twin import HOST, serving
from twins.common import UNKNOWN, ignores

from dimse.errors import DecodeError
from dimse.verify import CASES, Options, Target, verify_scp
from dimse.verify.report import check_report, document, schema

Key = str | int


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    async def judge() -> dict[str, Any]:
        async with serving(ignores(UNKNOWN)) as port:
            target, options = Target(host=HOST, port=port), Options(cases=("UL-F-2.05",), slow=False)
            run = await verify_scp(target, CASES, options)
        found: dict[str, Any] = json.loads(json.dumps(document(run, target, options, ["dimse", "verify"])))
        return found

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(judge())


def paths(value: Any, path: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Yield the keys that lead to each value, of lists only to the first item."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in entries:
        yield (*path, key)
        yield from paths(item, (*path, key))


def spoiled(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the report with one value missing or of another type, for each value; the report is changed in place."""
    kinds: Iterator[Any] = itertools.cycle((None, 5, True, "?", []))
    for *outer, last in list(paths(report)):
        holder: Any = report
        for key in outer:
            holder = holder[key]
        before = holder[last]
        for value in itertools.islice(kinds, 1):
            holder[last] = value
            yield report
        del holder[last]
        yield report
        if isinstance(holder, list):
            holder.insert(int(last), before)
        else:
            holder[last] = before


def test_own_report_conforms(written: dict[str, Any]) -> None:
    check_report(written)


def test_check_agrees_with_the_validator(written: dict[str, Any]) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema())
    case = written["cases"][-1]
    for changed in spoiled(written | {"cases": [case | {"trace": case["trace"][:1]}]}):
        try:
            check_report(changed)
            conforms = True
        except DecodeError:
            conforms = False
        assert conforms == validator.is_valid(changed)


def test_error_names_the_field(written: dict[str, Any]) -> None:
    changed = copy.deepcopy(written)
    del changed["cases"][0]["verdict"]
    with pytest.raises(DecodeError, match=r"^report\.cases\[0\]: verdict is missing$"):
        check_report(changed)


def test_report_that_is_nested_too_deeply_is_refused(written: dict[str, Any]) -> None:
    nested: dict[str, Any] = {}
    for _ in range(sys.getrecursionlimit()):
        nested = {"a": nested}
    with pytest.raises(DecodeError, match="nested too deeply"):
        check_report(written | {"run": written["run"] | {"options": nested}})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400], ids=["nan", "inf", "huge"])
def test_number_that_no_float_can_hold_is_refused(written: dict[str, Any], number: float) -> None:
    with pytest.raises(DecodeError, match=r"^report\.cases\[0\]\.duration_ms: "):
        check_report(written | {"cases": [written["cases"][0] | {"duration_ms": number}]})
