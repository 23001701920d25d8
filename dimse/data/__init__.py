"""Data Sets: the encoding (PS3.5), the dictionary (PS3.6) and files (PS3.10)."""

from ..errors import Finding
from .codec import DecodeLimits, decode, encode, encode_rope, expected_length
from .dataset import Dataset, Element, Item, Value
from .dates import DA, DT, TM
from .dicom_json import from_json, to_json
from .dictionary import Entry, keyword_of, lookup, tag_of
from .dump import dump
from .frames import frames_of, set_frames
from .known_vrs import take_known_vrs
from .lint import dataset_faults, pixel_faults
from .names import ComponentGroup, PersonName
from .numerals import DS, IS
from .part10 import File, read_file, write_file
from .pixels import pixel_array, set_pixels
from .syntax import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, TransferSyntax, syntax_of
from .tag import Tag
from .vr import VR, VRS

__all__ = [
    "DEFLATED_LE",
    "EXPLICIT_BE",
    "EXPLICIT_LE",
    "IMPLICIT_LE",
    "DA",
    "DS",
    "DT",
    "IS",
    "TM",
    "VR",
    "VRS",
    "ComponentGroup",
    "Dataset",
    "Element",
    "Entry",
    "File",
    "Finding",
    "Item",
    "DecodeLimits",
    "PersonName",
    "Tag",
    "TransferSyntax",
    "Value",
    "dataset_faults",
    "decode",
    "dump",
    "encode",
    "encode_rope",
    "expected_length",
    "frames_of",
    "from_json",
    "keyword_of",
    "lookup",
    "pixel_array",
    "pixel_faults",
    "read_file",
    "set_frames",
    "set_pixels",
    "syntax_of",
    "tag_of",
    "take_known_vrs",
    "to_json",
    "write_file",
]
