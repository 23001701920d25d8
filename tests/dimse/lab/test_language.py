"""The words of commands: octets, numbers, UIDs, and attributes of Data Sets."""

from pathlib import Path

import pytest

from dimse.data import EXPLICIT_LE, Dataset, encode
from dimse.lab.language import Mistake, integer, octets, put, split, uid, value_at, with_values
from dimse.uids import Verification, is_valid_uid


def dataset_with(path: str, text: str) -> Dataset:
    dataset = Dataset()
    put(dataset, path, text)
    return dataset


def test_split_keeps_backslashes() -> None:
    assert split(r"send ImageDisplayFormat=STANDARD\2,3") == ["send", r"ImageDisplayFormat=STANDARD\2,3"]


def test_quotes_join_words() -> None:
    assert split("FilmSessionLabel='two words'") == ["FilmSessionLabel=two words"]


@pytest.mark.parametrize("line", ["echo # say hello", "echo#1"])
def test_comment_ends_a_line(line: str) -> None:
    assert split(line) == ["echo"]


def test_comment_does_not_begin_in_quotes() -> None:
    assert split("'echo#1' on=1") == ["echo#1", "on=1"]


@pytest.mark.parametrize("text", ["12", "0x0C", "000CH", "cH"])
def test_number_has_three_forms(text: str) -> None:
    assert integer(text) == 12


@pytest.mark.parametrize(
    ("words", "value"),
    [(["0400"], b"\4\0"), (["7f*3"], b"\x7f\x7f\x7f"), (["01", "0203*2"], b"\1\2\3\2\3"), ([], b"")],
)
def test_octets_are_runs_of_hexadecimal(words: list[str], value: bytes) -> None:
    assert octets(words) == value


def test_octets_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "pdu.bin").write_bytes(b"\5\0")
    assert octets([f"@{tmp_path / 'pdu.bin'}"]) == b"\5\0"


def test_repeated_octets_are_bounded() -> None:
    with pytest.raises(Mistake, match="more than 64 MiB"):
        octets(["00*999999999"])


def test_keyword_stands_for_its_uid() -> None:
    assert uid("Verification") == Verification


def test_new_uid_is_valid() -> None:
    assert is_valid_uid(uid("new"))


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("NumberOfCopies", "2", 2),
        ("ImageDisplayFormat", r"STANDARD\2,3", r"STANDARD\2,3"),
        ("FilmSessionLabel", "A label", "A label"),
        ("ReferencedSOPClassUID", "Verification", Verification),
        ("(0028,0010)", "64", 64),
        ("PixelAspectRatio", r"4\3", [4, 3]),
        ("OverlayOrigin", r"-5\1", [-5, 1]),
        ("SmallestImagePixelValue", "5", 5),
        ("SmallestImagePixelValue", "-5", -5),
        ("FileLengthInContainer", "18446744073709551615", 2**64 - 1),
        ("Rows", "", None),
    ],
)
def test_attribute_takes_a_value_of_its_vr(path: str, text: str, value: object) -> None:
    assert next(iter(dataset_with(path, text))).value == value


def test_hex_writes_any_octets() -> None:
    assert bytes(dataset_with("Rows", "hex:FF")["Rows"].raw) == b"\xff"


def test_path_makes_items() -> None:
    dataset = dataset_with("BasicGrayscaleImageSequence[0].Rows", "8")
    put(dataset, "BasicGrayscaleImageSequence[0].Columns", "4")
    put(dataset, "BasicGrayscaleImageSequence[1].Rows", "2")
    assert dataset.BasicGrayscaleImageSequence == [Dataset(Rows=8, Columns=4), Dataset(Rows=2)]


def test_sequence_without_a_value_is_empty() -> None:
    assert dataset_with("ReferencedImageBoxSequence", "").ReferencedImageBoxSequence == []


def test_value_at_leads_through_items() -> None:
    assert (
        value_at(
            dataset_with("BasicGrayscaleImageSequence[0].PixelAspectRatio", r"4\3"),
            "BasicGrayscaleImageSequence[0].PixelAspectRatio",
        )
        == r"4\3"
    )


def test_value_at_refuses_an_empty_value() -> None:
    with pytest.raises(Mistake, match="PatientID has no value here"):
        value_at(dataset_with("PatientID", ""), "PatientID")


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("NoSuchKeyword", "1", "NoSuchKeyword"),
        ("Rows", "many", "'many' is not a number"),
        ("Rows[x]", "1", "not a keyword"),
        ("ReferencedSOPClassUID", "Veri", "neither a UID nor a keyword"),
        ("BasicGrayscaleImageSequence", "1", r"BasicGrayscaleImageSequence\[0\].KEYWORD=1"),
        ("BasicGrayscaleImageSequence[5].Rows", "1", "has 0 items, so there is no item 5"),
        ("BasicGrayscaleImageSequence[0]", "1", "ends in an item"),
        ("Rows[0].Columns", "1", r"\(0028,0010\) is not a sequence"),
        ("PixelData", "xyz", "not stand for octets"),
    ],
)
def test_mistake_names_the_word(path: str, text: str, words: str) -> None:
    with pytest.raises(Mistake, match=words):
        dataset_with(path, text)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("RequestedSOPInstanceUID=$a", "RequestedSOPInstanceUID=me@home"),
        ("$_b.1", "1.2.1"),
        ("data=@$", "data=@$"),
        ("@$.bin", "@$.bin"),
    ],
)
def test_names_stand_for_values(word: str, found: str) -> None:
    assert with_values(word, {"a": "me@home", "_b": "1.2"}) == found


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("$x", "@/etc/passwd"),
        ("@$x", "etc/passwd"),
        ("data=$x", "00 @/etc/passwd"),
        ("PixelData=@$x", "etc/passwd"),
        ("file=$x", "/etc/passwd"),
        ("$x=/etc/passwd", "file"),
    ],
)
def test_value_of_the_peer_names_no_file(word: str, value: str) -> None:
    with pytest.raises(Mistake, match="cannot name a file"):
        with_values(word, {"x": value})


def test_value_of_the_peer_adds_no_attribute() -> None:
    with pytest.raises(Mistake, match="must not turn a word into KEY=VALUE"):
        with_values("$x", {"x": "file=/etc/passwd"})


@pytest.mark.parametrize(("representation", "vr"), [("0", "US"), ("1", "SS")])
def test_hex_gets_the_vr_of_pixel_representation(representation: str, vr: str) -> None:
    dataset = dataset_with("PixelRepresentation", representation)
    put(dataset, "SmallestImagePixelValue", "hex:0500")
    assert encode(dataset, EXPLICIT_LE)[-10:] == b"\x28\0\x06\1" + vr.encode() + b"\2\0\5\0"
