"""The report of tolerated faults in values (PS3.5 §6, PS3.6) and in pixels (PS3.3 §C.7.6.3)."""

from collections.abc import Iterator

from ..errors import DecodeError, EncodeError, Finding, shown
from .charset import Charset, decode_text, term_faults, text_faults
from .check import check_value
from .dataset import CHARACTER_SET, Dataset
from .dictionary import lookup
from .frames import frame_count, frames_of
from .items import items_of
from .numerals import DS, IS
from .pixels import pixel_array
from .source import path_of, place_of
from .values import decode_value
from .vr import VR, row_of

__all__ = ["dataset_faults", "pixel_faults", "value_faults"]

_PADDING = " \0"
# The rules that the findings name
_VALUES, _TEXT, _TERMS, _MULTIPLICITY = "PS3.5 §6.2", "PS3.5 §6.1", "PS3.3 §C.12.1.1.2", "PS3.6"


def dataset_faults(dataset: Dataset) -> Iterator[Finding]:
    """Yield the faults of the values in a decoded Data Set and its items."""
    for element in dataset:
        source, place = element._origin[0], place_of(element._origin)
        raw, big_endian = element.raw, source.layout.big_endian
        for rule, what in value_faults(element.tag, element.VR, raw, charset=source.charset, big_endian=big_endian):
            yield Finding(path_of(place, element.tag), element._start, rule, what)
        for item in items_of(element):
            yield from dataset_faults(item)


def pixel_faults(dataset: Dataset) -> list[Finding]:
    """Return the contradictions between the pixels and the attributes that describe them; none without pixels."""
    report: list[Finding] = []
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return report
    if "NumberOfFrames" in dataset and not frame_count(dataset):
        path = path_of(place_of(dataset._origin), dataset["NumberOfFrames"].tag)
        report.append(Finding(path, None, "PS3.3 §C.7.6.6", "the value is not a number of frames: it is ignored"))
    try:
        if isinstance(dataset.get("PixelData"), list):
            frames_of(dataset, report=report)
        else:
            pixel_array(dataset, report=report)
    except DecodeError as exc:
        report.append(Finding(exc.path, exc.offset, "PS3.3 §C.7.6.3", exc.what))
    return report


def value_faults(
    tag: int, vr: str, raw: bytes | memoryview, *, charset: Charset = (), big_endian: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield the faults of an element's value, each with its rule: at most one of each kind.

    They are: padding; bytes that are not characters of the set; the first value whose repertoire, length, range or form
    is wrong; the number of values. In (0008,0005), each wrong term is one more fault. A sequence has no such faults.
    """
    row = row_of(vr)
    if row.kind == "sequence" or not len(raw):
        return
    if row.kind == "text":
        data = bytes(raw)
        yield from _character_faults(row, data, charset)
        text = decode_text(data, charset if row.charset else (), person=vr == "PN").rstrip(_PADDING)
        values = text.split("\\") if row.many else [text]
        yield from _first_value_fault(vr, values)
        if tag == CHARACTER_SET:
            yield from ((_TERMS, what) for what in term_faults([value.strip() for value in values]))
        yield from _multiplicity_faults(tag, len(values) if text else 0)
        return
    try:
        decode_value(vr, raw, big_endian)
    except DecodeError as exc:
        yield _VALUES, exc.what
        return
    if row.kind == "number":
        yield from _multiplicity_faults(tag, len(raw) // (4 if vr == "AT" else row.size))


def _character_faults(row: VR, data: bytes, charset: Charset) -> Iterator[tuple[str, str]]:
    padding = data[len(data.rstrip(b" \0")) :]
    if padding.strip(row.pad):
        yield _VALUES, f"{row.name} is padded with {shown(padding)[1:]}, not with {shown(row.pad)[1:]}"
    if row.charset:
        yield from ((_TEXT, what) for what in list(text_faults(data, charset, person=row.name == "PN"))[:1])


def _first_value_fault(vr: str, values: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the fault of the first value that `check_value` refuses or would write differently."""
    for value in filter(str.strip, values):
        try:
            accepted = check_value(vr, value)
        except EncodeError as exc:
            yield _VALUES, exc.what
            return
        if isinstance(accepted, (DS, IS)) and accepted.text != value.strip(" "):
            yield _VALUES, f"{vr} {shown(value)} should be {accepted.text}"
            return


def _multiplicity_faults(tag: int, count: int) -> Iterator[tuple[str, str]]:
    entry = lookup(tag)
    if entry and count and not _allows(entry.vm, count):
        yield (
            _MULTIPLICITY,
            f"the number of values is {count}, but the VM of {entry.keyword or entry.name} is {entry.vm}",
        )


def _allows(vm: str, count: int) -> bool:
    """Return whether a value multiplicity such as 1, 1-3, 1-n or 2-2n allows this number of values."""
    low, _, high = vm.partition("-")
    lowest = int(low)
    if high.endswith("n"):
        return count >= lowest and count % int(high[:-1] or 1) == 0
    return lowest <= count <= int(high or lowest)
