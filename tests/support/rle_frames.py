"""An encoder of RLE Lossless (PS3.5 Annex G) for test images, on the PackBits of imagecodecs."""

import struct

import imagecodecs
import numpy as np
from numpy.typing import NDArray

__all__ = ["encode", "frame_of"]


def encode(cells: NDArray[np.unsignedinteger]) -> bytes:
    """Return one frame, HxW or HxWx3: the planes of each sample, its most significant byte first, row by row."""
    samples = cells[..., None] if cells.ndim == 2 else cells
    octets = np.ascontiguousarray(samples, cells.dtype.newbyteorder(">")).view(np.uint8)
    planes = np.moveaxis(octets.reshape(*cells.shape[:2], -1), -1, 0)
    return frame_of(*(b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in plane) for plane in planes))


def frame_of(*segments: bytes) -> bytes:
    """Return a frame of these segments, each padded to an even length (PS3.5 G.4, G.5)."""
    even = [segment + bytes(len(segment) % 2) for segment in segments]
    offsets = [64 + sum(map(len, even[:i])) for i in range(len(even))]
    return struct.pack("<16L", len(even), *offsets, *[0] * (15 - len(even))) + b"".join(even)
