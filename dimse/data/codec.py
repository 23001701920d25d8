"""The codec of Data Sets, between objects and bytes: PS3.5 §7 and Annex A.

Decoding checks the structure and records where values lie, without recursion and without a copy. Elements, and later
their values, are created on first access; long values are views of ``data``. Each length is checked against the bytes
present before it is used, and :class:`DecodeLimits` bounds the work that a hostile Data Set can cause.

Encoding writes tags in order, even lengths, and sequences of defined length, unless a sequence or item has
``undefined_length``, which decoding may set. In the same syntax, a part that was never accessed (the whole Data Set, a
sequence or a value) is written back byte for byte. There is one exception: once any element was accessed, values of odd
length get a padding byte. A Data Set that was read in the wrong VR encoding (explicit instead of implicit, or the
reverse) is converted to the syntax that it should have.

Decoding tolerates: group lengths (dropped, except in groups 0000 and 0002), elements out of order (of two elements with
the same tag, the first counts), odd lengths, padding of any kind, explicit VR in place of implicit VR and the reverse,
UN for an attribute that the dictionary knows, UN of undefined length (a sequence in Implicit VR Little Endian, §6.2.2),
future VRs, bytes after the last element that hold no known element, and any bytes after Pixel Data, which do not change
the image.
"""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import DecodeError, Finding
from .dataset import PIXEL_DATA, Dataset
from .decoder import Broken, decode_view
from .encoder import encode_pieces, join_small
from .header import SHORTEST_HEADER, trailing_fault
from .skip import expected_length
from .source import DecodeLimits
from .structure import structure_faults
from .syntax import TransferSyntax
from .values import octets

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["DecodeLimits", "decode", "encode", "encode_rope", "expected_length"]

_DEFAULT = DecodeLimits()
_DEFLATE = "PS3.5 §A.5"
_PIXELS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)  # pixels as integers, floats or doubles; an image has one of them


def decode(
    data: "Buffer",
    syntax: TransferSyntax,
    *,
    start: int = 0,
    limits: DecodeLimits = _DEFAULT,
    whole: bool = True,
    isolate: bool = False,
    report: list[Finding] | None = None,
    cut_off: list[DecodeError] | None = None,
    trailing: list[Finding] | None = None,
    group_lengths: bool = False,
) -> Dataset:
    """Decode the Data Set in ``data`` from ``start`` to the end. Values are views of ``data``, which must not change.

    ``whole``: parse the items of all sequences now; otherwise they are parsed, and their errors raised, on first
    access. ``isolate``: parse the items now, but raise the error of a sequence of defined length on first access.
    ``report`` implies ``isolate``, and receives the tolerated faults of the structure;
    :func:`~dimse.data.lint.dataset_faults` finds the faults of values. ``cut_off``, an empty list, gets the error at
    which reading ends, and the Data Set has the elements before that error; ``report`` then receives only the faults of
    deflation, and ``trailing`` nothing. ``group_lengths`` keeps the retired group lengths, which are dropped otherwise.
    ``trailing`` receives only the finding about ignored bytes after the last element; unlike ``report``, it takes no
    extra time.

    Raises DecodeError, with path and offset, for bytes that are not a Data Set in this syntax, and for a Data Set that
    exceeds the limits. A value that does not fit its VR raises DecodeError when it is accessed.
    """
    view = memoryview(data) if type(data) is bytes else octets(data)
    if syntax.deflated:
        view, start = memoryview(_inflate(view[start:], limits.inflated, report, cut_off)), 0
    broken: Broken | None = {} if isolate or report is not None else None
    errors = [] if cut_off is None else cut_off
    is_whole = whole or report is not None
    dataset, end = decode_view(
        view, start, syntax, limits, whole=is_whole, broken=broken, cut_off=errors, group_lengths=group_lengths
    )
    if cut_off:
        return dataset
    if errors and not (end := _end_of_pixels(dataset)):
        raise errors.pop()  # a list with the error would be in a cycle with the frame of its traceback
    if report is not None:
        report += structure_faults(view[:end], syntax, start, broken)
    for findings in (report, trailing):
        if findings is not None and (errors or end < len(view)):
            findings += _ignored_bytes(view, end, errors)
    return dataset


def _ignored_bytes(view: memoryview, end: int, errors: list[DecodeError]) -> Iterator[Finding]:
    """Yield the finding about the bytes from ``end`` on, which follow the last element or cannot be read."""
    if end < len(view) and not errors:
        yield Finding("", end, "PS3.5 §7.1", trailing_fault(view, end, len(view)))
    for error in errors:
        yield Finding(error.path, error.offset, error.rule, f"{error.what}, after Pixel Data")


def encode(dataset: Dataset, syntax: TransferSyntax) -> bytes:
    """Encode a Data Set. Raises EncodeError, with the path, for a value that this syntax cannot write.

    A part that was decoded from the same syntax and never accessed is written as it was read. To write the
    structure by the rules of PS3.5 (order, headers, even lengths), encode a ``copy()``; its values keep their bytes.
    """
    data = b"".join(encode_pieces(dataset, syntax))
    return _deflate(data) if syntax.deflated else data


def encode_rope(dataset: Dataset, syntax: TransferSyntax) -> list[bytes | memoryview]:
    """Encode a Data Set in pieces. Values of 4 KiB and more are views, not copies. Raises EncodeError."""
    if syntax.deflated:
        return [encode(dataset, syntax)]
    return join_small(encode_pieces(dataset, syntax))


def _end_of_pixels(dataset: Dataset) -> int:
    """Return the end of Pixel Data, after which nothing is needed; 0 if Pixel Data is missing or empty."""
    unread = dataset._unread  # so this is no access: the Data Set can still be written byte for byte
    elements = dataset._elements if unread is None else unread.elements()
    for tag in _PIXELS:
        element = elements.get(tag)
        if element is not None and (length := element._length):
            return element._start + length + (SHORTEST_HEADER if element.undefined_length else 0)
    return 0


def _cut_off_at(offset: int) -> DecodeError:
    return DecodeError("the deflated Data Set is cut off", offset=offset, rule=_DEFLATE)


def _inflate(data: memoryview, limit: int, report: list[Finding] | None, cut_off: list[DecodeError] | None) -> bytes:
    """Inflate a Data Set, PS3.5 §A.5: RFC 1951 without a header, and possibly a NUL as padding.

    Some devices write the header and the checksum of zlib (RFC 1950), which DCMTK reads with --bitstream-zlib. They are
    read, and reported. Raises DecodeError, also for more than ``limit`` bytes. If the bytes are cut off, ``cut_off``
    receives the error, unless it is None, and the bytes before the end are returned.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, limit + 1)
    except zlib.error as exc:
        inflater = zlib.decompressobj(zlib.MAX_WBITS)
        try:
            inflated = inflater.decompress(data, limit + 1)
        except zlib.error:
            what = f"the Data Set is not deflated as in RFC 1951: {exc}"
            raise DecodeError(what, offset=0, rule=_DEFLATE) from exc
        if report is not None:
            report.append(Finding("", 0, _DEFLATE, "the deflated Data Set has a header of zlib (RFC 1950)"))
    if len(inflated) > limit:
        raise DecodeError(f"the Data Set inflates to more than {limit} bytes", offset=0, rule="DecodeLimits.inflated")
    if not inflater.eof:
        if cut_off is None:
            raise _cut_off_at(len(data))
        cut_off.append(_cut_off_at(len(data)))
    rest = inflater.unused_data
    if report is not None and rest not in (b"", b"\0"):
        what = f"{len(rest)} bytes follow the deflated Data Set"
        report.append(Finding("", len(data) - len(rest), _DEFLATE, what))
    return inflated


def _deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(data) + deflater.flush()
    return deflated + b"\0" * (len(deflated) & 1)
