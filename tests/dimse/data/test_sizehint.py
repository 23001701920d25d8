"""The least length of a Data Set, from its first bytes."""

import numpy as np
import pytest

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    TransferSyntax,
    encode,
    encode_rope,
    expected_length,
    syntax_of,
)

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE]


def image_box(undefined: bool) -> Dataset:
    image = Dataset(Rows=512, Columns=512, PixelData=np.zeros((512, 512), np.uint8))
    image.undefined_length = undefined
    ds = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[image])
    ds["BasicGrayscaleImageSequence"].undefined_length = undefined
    return ds


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("undefined", [False, True])
def test_the_pixels_of_an_image_box_tell(syntax: TransferSyntax, undefined: bool) -> None:
    data = encode(image_box(undefined), syntax)
    hint = expected_length(data[:1000], syntax)
    assert hint == len(data) - (16 if undefined else 0), "but for the delimiters"


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_the_pixels_of_an_image_tell(syntax: TransferSyntax) -> None:
    rope = encode_rope(Dataset(PatientName="A", PixelData=bytes(100_000)), syntax)
    assert expected_length(rope[0], syntax) == sum(map(len, rope))


def test_no_hint() -> None:
    whole = encode(Dataset(Rows=4, ReferencedFilmSessionSequence=[Dataset(Columns=5)]), EXPLICIT_LE)
    assert expected_length(whole, EXPLICIT_LE) is None, "all is there"
    assert expected_length(b"", EXPLICIT_LE) is None
    assert expected_length(whole[:3], EXPLICIT_LE) is None, "a header is cut off"
    assert expected_length(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", EXPLICIT_LE) is None, "undefined"
    assert expected_length(encode(Dataset(Rows=4), DEFLATED_LE), DEFLATED_LE) is None


def test_a_hint_is_not_looked_for_without_end() -> None:
    many = b"\x28\0\x10\0US\0\0" * 1000
    assert expected_length(many[8:] + b"\x28\0\x10\0US\2\0", EXPLICIT_LE) == 8002
    assert expected_length(many + b"\x28\0\x10\0US\2\0", EXPLICIT_LE) is None


def test_a_flat_buffer_of_any_kind() -> None:
    data = np.frombuffer(encode(image_box(False), EXPLICIT_LE)[:64], np.uint16)
    assert expected_length(data.data, EXPLICIT_LE) is not None


def test_fragments_give_none() -> None:
    rle = syntax_of("1.2.840.10008.1.2.5")
    assert expected_length(encode(Dataset(PixelData=[b"", bytes(9000)]), rle)[:40], rle) is None
