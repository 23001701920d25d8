"""Checks exercise 3: puts the message together as a peer does."""

from exercises import Exercise, Wrong

from dimse import Dataset
from dimse.data import EXPLICIT_LE, encode
from dimse.errors import DimseError
from dimse.message import Assembler, CStoreRQ, encode_command
from dimse.uids import SecondaryCaptureImageStorage
from dimse.ul import PDV

_COMMANDS, _DATA = 2, 3  # fragments
_HINT = "Look at the fourth column of run.py's output: 01, 03, 00, 02."


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    control = exercise.answers("CONTROL", int, _COMMANDS + _DATA, _HINT)
    for number, value in enumerate(control, 1):
        if not 0 <= value <= 3:
            raise Wrong(f"PDV {number} has the header {value:02X}H", "Only the bits 0 and 1 may be set: 0 to 3.")
    _assemble(control)
    return "The last fragment of the Command Set is marked too, not only the last one of the message."


def _assemble(control: list[int]) -> None:
    """Raise `Wrong` unless the fragments with these headers are the message."""
    data = encode(Dataset(PatientID="LESSON3", PatientName="Student"), EXPLICIT_LE)
    request = CStoreRQ(
        MessageID=1, AffectedSOPClassUID=SecondaryCaptureImageStorage, AffectedSOPInstanceUID="1.2.3.4", Data=data
    )
    parts = [*_cut(encode_command(request), _COMMANDS), *_cut(data, _DATA)]
    assembler = Assembler(lambda _context_id, _first_fragment: None)
    for number, (part, value) in enumerate(zip(parts, control, strict=True), 1):
        try:
            found = assembler.add(PDV(1, part, value & 1 == 1, value & 2 == 2))
        except DimseError as error:
            raise Wrong(f"at PDV {number}, {value:02X}H, a peer aborts: {error}", _hint(number)) from error
        if found is not None:
            if number < len(parts):
                raise Wrong(
                    f"for a peer, the message ends with PDV {number}", "How many fragments of the Data Set follow?"
                )
            return
    raise Wrong("a peer still waits for the rest of the message after PDV 5", "Which fragment ends the message?")


def _hint(number: int) -> str:
    if number <= _COMMANDS:
        return "The first two PDVs are of the Command Set, and the second is its last."
    return "A Data Set can begin only after the last fragment of the Command Set."


def _cut(data: bytes, count: int) -> list[bytes]:
    size = (-(-len(data) // count) + 1) // 2 * 2  # fragments have an even length, PS3.8 Annex E.1
    return [data[start : start + size] for start in range(0, len(data), size)]
