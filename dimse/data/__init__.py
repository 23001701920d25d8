"""What a Data Set is: PS3.5 (encoding), PS3.6 (dictionary) and PS3.10 (files)."""

from dimse.data.codec import Limits, decode, encode, encode_rope, expected_length
from dimse.data.dataset import Dataset, Element
from dimse.data.dictionary import Entry, keyword_of, lookup, tag_of
from dimse.data.dump import dump
from dimse.data.part10 import File, read_file, write_file
from dimse.data.pixels import pixel_array, set_pixels
from dimse.data.syntax import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, TransferSyntax, syntax_of
from dimse.data.tag import Tag
from dimse.data.values import Item, Value
from dimse.data.vr import VR, VRS

__all__ = [
    "DEFLATED_LE",
    "EXPLICIT_BE",
    "EXPLICIT_LE",
    "IMPLICIT_LE",
    "VR",
    "VRS",
    "Dataset",
    "Element",
    "Entry",
    "File",
    "Item",
    "Limits",
    "Tag",
    "TransferSyntax",
    "Value",
    "decode",
    "dump",
    "encode",
    "encode_rope",
    "expected_length",
    "keyword_of",
    "lookup",
    "pixel_array",
    "read_file",
    "set_pixels",
    "syntax_of",
    "tag_of",
    "write_file",
]
