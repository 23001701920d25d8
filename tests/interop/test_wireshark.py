"""The same bytes, explained by tshark and by us: names, values, and the reason of each difference."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import Dcmtk, program, run, run_dimse, serving, tapping
from pynetdicom_printer import PynetdicomPrinter
from recordings import said_in

from dimse.data.dictionary import lookup
from dimse.explain import REQUESTOR, Step, associations_in
from dimse.explain.pcapng import Flow, capture_header

pytestmark = pytest.mark.interop

CLIENT, SERVER = ("192.0.2.1", 50_000), ("192.0.2.2", 11_112)
RECORDINGS = (
    "dcmtk-print-2x3-8bit",
    "dcmtk-print-refused-value",
    "dcmtk-pnd-events",
    "pnd-pnd-color",
    "pnd-dcmprscp-get-attributes",
    "reject-called-pnd",
    "store-storescu-storescp",
)

# The fields that both name: tshark's, and the category and name of ours
FIELDS = {
    "dicom.assoc.ae.called": ("pdu", "Called-AE-title"),
    "dicom.assoc.ae.calling": ("pdu", "Calling-AE-title"),
    "dicom.actx": ("item", "Application-context-name"),
    "dicom.pctx.id": ("item", "Presentation-context-ID"),
    "dicom.pctx.result": ("item", "Result/Reason"),
    "dicom.pctx.abss.syntax": ("item", "Abstract-syntax-name"),
    "dicom.pctx.xfer.syntax": ("item", "Transfer-syntax-name"),
    "dicom.max_pdu_len": ("item", "Maximum-length-received"),
    "dicom.userinfo.uid": ("item", "Implementation-class-uid"),
    "dicom.userinfo.version": ("item", "Implementation-version-name"),
    "dicom.assoc.reject.result": ("pdu", "Result"),
    "dicom.assoc.reject.source": ("pdu", "Source"),
    "dicom.pdv.ctx": ("pdv", "Presentation-context-ID"),
    "dicom.pdv.flags": ("pdv", "Message Control Header"),
}

# The disagreements: the reason, and both values
REASONS: dict[str, Callable[[str, str, str], bool]] = {
    "tshark names the message of a Command Field, and we also show its number": lambda key, theirs, ours: (
        key == "(0000,0100)" and ours.endswith(f" ({theirs})")
    ),
    "tshark writes the meaning of a Status first, and the number without leading zeros": lambda key, theirs, ours: (
        key == "(0000,0900)" and int(theirs.rpartition("(0x")[2][:-1], 16) == int(ours[:4], 16)
    ),
    "tshark writes <Empty> for no value": lambda _, theirs, ours: theirs == "<Empty>" and ours in ("", "0 bytes"),
    "we show how long a sequence or item is": lambda _, theirs, ours: (
        theirs == "" and re.fullmatch(r"\d+ bytes", ours) is not None
    ),
    "we show the first pixels": lambda key, theirs, _: key == "(7FE0,0010)" and theirs == "(binary)",
    "tshark writes no backslash between tags": lambda key, theirs, ours: (
        key == "(0000,1005)" and ours.replace("\\", "") == theirs
    ),
}

ELEMENT = re.compile(r"\(([0-9a-f]{4}),([0-9a-f]{4})\) +\d+ (.{45}) ?(?:\[(..)\] )?(.*)", re.DOTALL)
Said = dict[str, list[tuple[str, str]]]  # names and values of each field, in their order


def pcapng(name: str) -> bytes:
    """Return a recorded conversation as a capture."""
    flow = Flow(CLIENT, SERVER)
    parts = [capture_header(), *flow.opened(0)]
    for number, (side, data, _) in enumerate(said_in(name), 1):
        parts += flow.segments(side == REQUESTOR, [data], number * 1_000_000)
    return b"".join(map(bytes, [*parts, *flow.closed(10**10)]))


async def differences(capture: Path, port: int) -> list[tuple[str, str, str]]:
    """Return each field of a capture with the two values, if they differ. Names and numbers of fields must be equal."""
    decoded = ("-r", capture, "-d", f"tcp.port=={port},dicom", "-T", "json")
    shown = await run(program("tshark", "tshark"), *decoded, cwd=capture.parent)
    theirs = of_tshark(shown.out)
    recorded = associations_in(await asyncio.to_thread(capture.read_bytes), [])
    ours = of_ours(step for one in recorded for step in one.steps())
    assert "dicom.pdv.flags" in theirs or "dicom.assoc.reject.result" in theirs
    found = []
    for key in {*theirs, *ours}:
        pairs = zip(theirs.get(key, []), ours.get(key, []), strict=True)
        for (name, value), (our_name, our_value) in pairs:
            assert name == our_name
            if plain(value) != plain(our_value):
                found.append((key, value, our_value))
    return found


def reason(key: str, theirs: str, ours: str) -> str:
    found = [words for words, excuses in REASONS.items() if excuses(key, theirs, ours)]
    assert len(found) == 1, (key, theirs, ours, found)
    return found[0]


async def test_each_difference_in_recordings_has_a_reason(tmp_path: Path) -> None:
    reasons: set[str] = set()
    for name in RECORDINGS:
        path = tmp_path / f"{name}.pcapng"
        await asyncio.to_thread(path.write_bytes, pcapng(name))
        reasons |= {reason(*one) for one in await differences(path, SERVER[1])}
    assert reasons == REASONS.keys()  # a reason without a difference is out of date


async def test_tshark_agrees_on_a_print_of_dcmtk(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    film = await dcmtk.store("ANY", images[:1])
    async with serving("--out", tmp_path / "films", cwd=tmp_path) as printer:
        async with tapping(printer.port, "--pcap", tmp_path, cwd=tmp_path) as tap:
            assert await dcmtk.print("ANY", tap.port, film) == []
            await tap.stop()
        (capture,) = await asyncio.to_thread(lambda: list(tmp_path.glob("*.pcapng")))
        for one in await differences(capture, printer.port):
            assert reason(*one)


async def test_tshark_agrees_on_an_echo_of_pynetdicom(tmp_path: Path) -> None:
    with PynetdicomPrinter().listening() as port:
        async with tapping(port, "--pcap", tmp_path, cwd=tmp_path) as tap:
            assert (await run_dimse("echo", f"PNDSCP@127.0.0.1:{tap.port}", cwd=tmp_path)).status == 0
            await tap.stop()
        (capture,) = await asyncio.to_thread(lambda: list(tmp_path.glob("*.pcapng")))
        assert {key for key, _, _ in await differences(capture, port)} == {"(0000,0100)", "(0000,0900)"}


def of_tshark(shown: str) -> Said:
    said: Said = {}
    for frame in json.loads(shown, object_pairs_hook=list):
        for key, value in walk(frame):
            found = ELEMENT.fullmatch(key)
            if found:
                said.setdefault(f"({found[1]},{found[2]})".upper(), []).append((found[3].strip(), found[5].strip()))
            elif key in FIELDS:
                said.setdefault(key, []).append(("", value.strip()))
    return said


def walk(pairs: Any) -> Iterator[tuple[str, str]]:
    """Yield all keys of JSON objects, which are lists of pairs, with their values; a key may occur more than once."""
    for key, value in pairs:
        yield key, value if isinstance(value, str) else ""
        if isinstance(value, list):
            yield from walk(value)


def plain(value: str) -> str:
    """Return a value without matters of display: padding, names of UIDs, words, hexadecimal digits."""
    uid = re.search(r"[0-2](?:\.\d+)+", value)
    if uid and (value.startswith(uid[0]) or value.endswith(f"({uid[0]})")):
        return uid[0]
    number = re.match(r"0x([0-9a-fA-F]+)$|([0-9A-F]{2,4})H \(|(\d+) \(", value)
    if number:
        return str(int(number[1] or number[2] or number[3], 10 if number[3] else 16))
    return value.strip()


def of_ours(steps: Iterable[Step]) -> Said:
    names = {name: key for key, name in FIELDS.items()}
    said: Said = {}
    for step in steps:
        for field in step.fields:
            if field.tag is not None:
                entry = lookup(field.tag)
                name = entry.name if entry else field.name
                tag = f"({field.tag >> 16:04X},{field.tag & 0xFFFF:04X})"
                said.setdefault(tag, []).append((name, field.value))
            elif (field.category, field.name) in names:
                said.setdefault(names[field.category, field.name], []).append(("", field.value))
    return said
