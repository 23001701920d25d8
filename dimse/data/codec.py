"""Data Sets to bytes and back: PS3.5 §7 and Annex A.

Decoding checks the structure and notes where values lie, without recursion and without a copy: elements, then values,
are made when somebody asks for them, and long values are views of ``data``. Each length is checked against what is
there before it is used, and :class:`DecodeLimits` bound the work that a hostile Data Set can ask for.

Encoding writes tags in order, even lengths and sequences of explicit length, except where a sequence or item says
``undefined_length``, as those decoded so do. What nobody asked for, the Data Set as a whole, a sequence or a value, is
written back byte for byte, whatever it is.

Read leniently: group lengths (dropped, but in groups 0000 and 0002), elements out of order (of two with one tag the
last counts), odd lengths, padding of any kind, UN for an attribute that the dictionary knows, UN of undefined length
(a sequence in Implicit VR Little Endian, §6.2.2), VRs that are still to come.
"""

import zlib
from typing import TYPE_CHECKING

from ..errors import DecodeError, Finding
from .dataset import Dataset
from .decoder import Broken, decode_view
from .encoder import encode_pieces, merged
from .lint import structure_faults
from .skip import expected_length
from .source import DecodeLimits
from .syntax import TransferSyntax
from .values import octets

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["DecodeLimits", "decode", "encode", "encode_rope", "expected_length"]

_DEFAULT = DecodeLimits()
_DEFLATE = "PS3.5 §A.5"


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
    group_lengths: bool = False,
) -> Dataset:
    """The Data Set that ``data`` is from ``start`` on; ``data`` stays in use: values are views of it.

    ``whole``: the items of all sequences are looked at, too. Otherwise they are when somebody asks for them, and what
    is wrong in them is raised then. With ``isolate`` they are looked at, but what is wrong in a sequence that has a
    length spoils nothing else: that, too, is raised when somebody asks for it. ``report`` isolates, and takes what of
    the structure is not as it should be; :func:`~dimse.data.lint.dataset_faults` says that of values.
    ``cut_off`` takes the error at which reading ends, and the Data Set has what precedes it. ``group_lengths`` keeps
    the retired lengths of groups, which are dropped otherwise.
    Raises DecodeError, with path and offset, for bytes that are no Data Set of this syntax, and for one that exceeds
    the limits. A value that is not what its VR says raises when it is asked for.
    """
    view = octets(data)
    if syntax.deflated:
        view, start = memoryview(_inflated(view[start:], limits.inflated, report, cut_off)), 0
    broken: Broken | None = {} if isolate or report is not None else None
    dataset = decode_view(
        view,
        start,
        syntax,
        limits,
        whole=whole or report is not None,
        broken=broken,
        cut_off=cut_off,
        group_lengths=group_lengths,
    )
    if report is not None and not cut_off:
        report += structure_faults(view, syntax, start, broken)
    return dataset


def encode(dataset: Dataset, syntax: TransferSyntax) -> bytes:
    """The bytes of a Data Set. Raises EncodeError, with the path, for what this syntax cannot write.

    What came from bytes and nobody asked for is as it came; of a ``copy()`` everything is as PS3.5 asks.
    """
    data = b"".join(encode_pieces(dataset, syntax))
    return _deflated(data) if syntax.deflated else data


def encode_rope(dataset: Dataset, syntax: TransferSyntax) -> list[bytes | memoryview]:
    """The bytes of a Data Set in pieces: values of 4 KiB and more are views of what the Data Set holds, not copies."""
    if syntax.deflated:
        return [encode(dataset, syntax)]
    return merged(encode_pieces(dataset, syntax))


def _inflated(data: memoryview, most: int, report: list[Finding] | None, cut_off: list[DecodeError] | None) -> bytes:
    """A deflated Data Set as it was, PS3.5 §A.5: RFC 1951, no header, perhaps a NUL behind it."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, most + 1)
    except zlib.error as exc:
        raise DecodeError(f"the Data Set is not deflated as RFC 1951 says: {exc}", offset=0, rule=_DEFLATE) from exc
    if len(inflated) > most:
        raise DecodeError(f"the Data Set inflates to more than {most} bytes", offset=0, rule="DecodeLimits.inflated")
    if not inflater.eof:
        error = DecodeError("the deflated Data Set is cut off", offset=len(data), rule=_DEFLATE)
        if cut_off is None:
            raise error
        cut_off.append(error)
    behind = inflater.unused_data
    if report is not None and behind not in (b"", b"\0"):
        what = f"{len(behind)} bytes stand behind what is deflated"
        report.append(Finding("", len(data) - len(behind), _DEFLATE, what))
    return inflated


def _deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(data) + deflater.flush()
    return deflated + b"\0" * (len(deflated) & 1)
