"""Checks exercise 4 with the codec."""

from exercises import Exercise, Wrong

from dimse import Dataset
from dimse.data import EXPLICIT_LE, IMPLICIT_LE, encode

_ELEMENT = Dataset(FilmOrientation="PORTRAIT")


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    explicit, implicit = encode(_ELEMENT, EXPLICIT_LE), encode(_ELEMENT, IMPLICIT_LE)
    given = exercise.octets("IMPLICIT", "Both encodings have a header of eight bytes here. Which bytes of it differ?")
    if given == explicit:
        raise Wrong(
            "IMPLICIT still has a VR: 43 53 is CS", "In implicit VR, the reader knows the VR from the dictionary."
        )
    if given[:4] != implicit[:4]:
        raise Wrong("the tag has changed", "The tag is the same in both encodings.")
    if given[8:] != implicit[8:]:
        words = f"from byte 8 on, a reader finds {given[8:].hex(' ') or 'nothing'}"
        raise Wrong(
            words, "The value is the same in both encodings, and starts at byte 8, since the length has 4 bytes."
        )
    if given != implicit:
        length = int.from_bytes(given[4:8], "little")
        raise Wrong(
            f"a reader of IMPLICIT sees a value of {length} bytes", "Four bytes, little endian: the low byte first."
        )
    length = exercise.answer(
        "LENGTH", int, "Take bytes 4 to 7 of EXPLICIT as one number, as a reader of implicit VR does."
    )
    seen = int.from_bytes(explicit[4:8], "little")
    if length == int.from_bytes(explicit[4:8], "big"):
        raise Wrong(f"{length} is those four bytes in big endian", "Both encodings are little endian.")
    if length != seen:
        raise Wrong(
            f"the printer does not see {length}",
            "The four bytes after the tag: a VR and a length to us, one number to it.",
        )
    return (
        f"The printer waits for {seen} bytes of Film Orientation, finds fewer, and aborts. One real printer does this."
    )
