"""VRs that the dictionary leaves open: PS3.5 §A.1, §A.2 and PS3.3 §C.11.1, §C.7.6.3.

==========================  ===========================================================================================
US or SS                    SS where the Pixel Representation of the Data Set, or of the nearest one around it, is 1
OB or OW                    OW, but in explicit VR OB for fragments and where Bits Allocated is 8 or less
US or OW, US or SS or OW    OW (LUT Data)
LUT Descriptor, as SS       only its second value is signed; how many entries, and of how many bits, never are
Pixel Data of 32 bits       words of 32 bits when the byte order changes, as everybody else does it
==========================  ===========================================================================================

Where (0028,0106), say, gets its VR: :mod:`dimse.data.dictionary` has "US or SS". Read in implicit VR, or in UN, it gets
the one that is meant in :class:`dimse.data.parser.Parser`, outside of items in :class:`dimse.data.decoder.Skimmed`; set
without one, in ``Dataset._vr_for``. In explicit VR it has one.
"""

from collections.abc import Sequence

__all__ = [
    "BITS_ALLOCATED",
    "DESCRIPTORS",
    "PIXEL_REPRESENTATION",
    "US_OR_SS",
    "as_descriptor",
    "as_words",
    "chosen_vr",
    "is_signed",
]

BITS_ALLOCATED = 0x00280100
PIXEL_REPRESENTATION = 0x00280103
US_OR_SS = "US or SS"

# (0028,1101) to (0028,1103) and (0028,3002): entries, first value mapped, bits for each entry
DESCRIPTORS = frozenset((0x00281101, 0x00281102, 0x00281103, 0x00283002))

_WORD = 1 << 16


def chosen_vr(signed: bool) -> str:
    """The VR of what may be US or SS."""
    return "SS" if signed else "US"


def is_signed(representation: memoryview) -> bool:
    """What the bytes of a Pixel Representation, US, say in either byte order, however many there are."""
    return any(representation[:2])


def as_descriptor(words: Sequence[int]) -> list[int]:
    """Three words that were read as SS, as what they count."""
    return [word if place == 1 else word % _WORD for place, word in enumerate(words)]


def as_words(values: Sequence[int]) -> list[int]:
    """The values of a LUT Descriptor, as SS writes them."""
    return [value if place == 1 or value < _WORD // 2 else value - _WORD for place, value in enumerate(values)]
